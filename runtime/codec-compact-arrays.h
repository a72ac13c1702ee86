/* The compact protocol's lists of a plain type, which are written and read at once: a part of codec-compact.c, which includes it after
 * the protocol's values. */

/* ---- writing ---- */

static inline guint
array_bound (const TallyType *type)
{
  return fixed_size[type->wire] != 0 ? fixed_size[type->wire] : type->size + type->size / 4 + 1;
}

static guint8 *
put_array (guint8 *p, const TallyType *type, const guint8 *data, gsize count)
{
  switch (type->wire)
    {
    case T_BOOL:
      for (gsize i = 0; i < count; i++)
        p = put_bool (p, ((const gboolean *) data)[i]);
      return p;
    case T_I16:
      for (gsize i = 0; i < count; i++)
        p = put_i16 (p, ((const gint16 *) data)[i]);
      return p;
    case T_I32:
      for (gsize i = 0; i < count; i++)
        p = put_i32 (p, ((const gint32 *) data)[i]);
      return p;
    case T_I64:
      for (gsize i = 0; i < count; i++)
        p = put_i64 (p, ((const gint64 *) data)[i]);
      return p;
    case T_DOUBLE:
      for (gsize i = 0; i < count; i++)
        p = put_double (p, ((const gdouble *) data)[i]);
      return p;
    default: /* bytes and uuids go as they are */
      if (count > 0)
        memcpy (p, data, count * type->size);
      return p + count * type->size;
    }
}

/* ---- reading ---- */

/* Elements of one size, all of which are waited for before memory is allocated for them. */
static gboolean
get_fixed_array (
    TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  const gsize size = (gsize) count * fixed_size[type->wire];
  guint8 *target;

  if (!tally_reader_need (reader, size, error))
    return FALSE;
  target = tally_storage_grow_list (slot, count);
  if (type->wire == T_BOOL)
    for (guint32 i = 0; i < count; i++)
      ((gboolean *) target)[i] = reader->cursor[i] == TALLY_COMPACT_TRUE;
  else if (type->wire == T_DOUBLE)
    for (guint32 i = 0; i < count; i++)
      {
        guint64 bits;

        memcpy (&bits, reader->cursor + i * sizeof bits, sizeof bits);
        bits = GUINT64_FROM_LE (bits);
        memcpy (target + i * sizeof bits, &bits, sizeof bits);
      }
  else
    memcpy (target, reader->cursor, size);
  reader->cursor += size;
  return TRUE;
}

/* Reads up to @count varints into @target and returns how many; fewer after an error. */
static guint32
get_varints (
    TallyReader *reader, const TallyType *type, guint8 *target, guint32 count, GError **error)
{
  guint32 i = 0;

  if (type->wire == T_I32)
    while (i < count && get_i32 (reader, (gint32 *) target + i, error))
      i++;
  else if (type->wire == T_I64)
    while (i < count && get_i64 (reader, (gint64 *) target + i, error))
      i++;
  else
    while (i < count && get_i16 (reader, (gint16 *) target + i, error))
      i++;
  return i;
}

static gboolean
get_array (TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  guint32 done = 0;

  if (fixed_size[type->wire] != 0)
    return get_fixed_array (reader, type, slot, count, error);
  /* Room is made for as many as can have arrived: at least one byte for each is there. */
  while (done < count)
    {
      guint32 expected = tally_reader_expect (reader, count - done, 1);
      guint32 chunk = MAX (expected, 1);
      guint32 got = get_varints (reader, type, tally_storage_grow_list (slot, chunk), chunk, error);

      done += got;
      if (G_UNLIKELY (got < chunk))
        {
          tally_storage_shrink_list (slot, done);
          return FALSE;
        }
    }
  return TRUE;
}
