/* The engine's writing half, included by each protocol's file after it defined:
 *
 *   FIELD_BOUND              the most bytes of a field's header and a value of a plain type, or of
 *                            the header and a container's or string's own header
 *   put_field (p, &last, id, wire), put_bool_field (p, &last, id, truth), put_stop (p)
 *   put_bool, put_i8, put_i16, put_i32, put_i64, put_double, put_length (p, value)
 *   put_list_header (p, wire, count), put_map_header (p, key_wire, value_wire, count)
 *   put_array (p, type, data, count), array_bound (type)   a list of a plain type at once
 *   MESSAGE_BOUND            the most bytes of a message's header without the name
 *   put_message (p, name, name_length, type, seqid)   a message's header
 *
 * Nothing here checks room for a byte: a struct makes room for all its headers and plain values at
 * once, whatever has a length makes room for that. A function takes the cursor and returns it
 * moved, or NULL after an error. */

static guint8 *write_struct_fields (TallyWriter *writer,
                                    guint8 *p,
                                    const TallyStructInfo *info,
                                    gconstpointer instance);
static guint8 *
write_value (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot);

static inline guint8 *
put_bytes (guint8 *p, const guint8 *bytes, gsize length)
{
  p = put_length (p, (guint32) length);
  tally_copy_bytes (p, bytes, length);
  return p + length;
}

static TALLY_COLD guint8 *
fail_length (TallyWriter *writer, gsize length)
{
  return tally_writer_fail (writer, TALLY_ERROR_LIMIT,
                            "%" G_GSIZE_FORMAT " bytes or elements are more than a message holds",
                            length);
}

/* A string, and after it room for @after bytes more. */
static inline guint8 *
write_text (TallyWriter *writer, guint8 *p, gconstpointer slot, gsize after)
{
  gsize length;
  const guint8 *bytes = tally_storage_get_text (slot, &length);

  if (G_UNLIKELY (length > G_MAXINT32))
    return fail_length (writer, length);
  return put_bytes (tally_writer_room (writer, p, length + FIELD_BOUND + after), bytes, length);
}

static guint8 *
write_binary (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  gsize length;
  const guint8 *bytes = tally_storage_get_bytes (type, slot, &length);

  if (G_UNLIKELY (length > G_MAXINT32))
    return fail_length (writer, length);
  return put_bytes (tally_writer_room (writer, p, length + FIELD_BOUND), bytes, length);
}

/* A uuid. Room for it is there. */
static guint8 *
write_uuid (TallyWriter *writer, guint8 *p, gconstpointer slot)
{
  if (G_UNLIKELY (writer->as_apache))
    return tally_writer_fail_uuid (writer);
  memcpy (p, slot, sizeof (TallyUuid));
  return p + sizeof (TallyUuid);
}

/* A plain value. Room for FIELD_BOUND is there. */
static guint8 *
write_plain (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return put_bool (p, *(const gboolean *) slot);
    case TALLY_KIND_I8:
      return put_i8 (p, *(const gint8 *) slot);
    case TALLY_KIND_I16:
      return put_i16 (p, *(const gint16 *) slot);
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return put_i32 (p, *(const gint32 *) slot);
    case TALLY_KIND_I64:
      return put_i64 (p, *(const gint64 *) slot);
    case TALLY_KIND_DOUBLE:
      return put_double (p, *(const gdouble *) slot);
    default:
      return write_uuid (writer, p, slot);
    }
}

/* A field of a plain type: one look at its kind says what its header and its value are. Room for FIELD_BOUND is there. */
static G_ALWAYS_INLINE inline guint8 *
write_plain_field (
    TallyWriter *writer, guint8 *p, const TallyField *field, gconstpointer slot, gint *last)
{
  switch ((TallyKind) field->type->kind)
    {
    case TALLY_KIND_BOOL:
      return put_bool_field (p, last, field->id, *(const gboolean *) slot);
    case TALLY_KIND_I8:
      return put_i8 (put_field (p, last, field->id, T_BYTE), *(const gint8 *) slot);
    case TALLY_KIND_I16:
      return put_i16 (put_field (p, last, field->id, T_I16), *(const gint16 *) slot);
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return put_i32 (put_field (p, last, field->id, T_I32), *(const gint32 *) slot);
    case TALLY_KIND_I64:
      return put_i64 (put_field (p, last, field->id, T_I64), *(const gint64 *) slot);
    case TALLY_KIND_DOUBLE:
      return put_double (put_field (p, last, field->id, T_DOUBLE), *(const gdouble *) slot);
    default:
      return write_uuid (writer, put_field (p, last, field->id, TALLY_WIRE_UUID), slot);
    }
}

static guint8 *
enter (TallyWriter *writer, guint8 *p)
{
  if (G_UNLIKELY (writer->depth >= tally_limits_default.max_depth))
    return tally_writer_fail (writer, TALLY_ERROR_LIMIT,
                              "structs and containers are nested deeper than %u",
                              tally_limits_default.max_depth);
  writer->depth++;
  return p;
}

static guint8 *
write_structs (TallyWriter *writer,
               guint8 *p,
               const TallyStructInfo *info,
               const TallyListView *view)
{
  if (view->length > 0 && enter (writer, p) == NULL)
    return NULL;
  for (guint i = 0; i < view->length; i++)
    {
      gconstpointer instance = tally_storage_get_struct (view->data + i * view->stride);

      if (G_UNLIKELY (instance == NULL))
        return tally_writer_fail (writer, TALLY_ERROR_INVALID_VALUE, "element %u is NULL", i);
      p = write_struct_fields (writer, p, info, instance);
      if (G_UNLIKELY (p == NULL))
        return NULL;
    }
  writer->depth -= view->length > 0;
  return p;
}

/* Whether a container of @element, even an empty one, is what the reader does not know. */
static inline gboolean
is_unknown (const TallyWriter *writer, const TallyType *element)
{
  return element->kind == TALLY_KIND_UUID && writer->as_apache;
}

static guint8 *
write_list (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  const TallyType *element = type->element;
  TallyListView view = tally_storage_view_list (type, slot);

  if (G_UNLIKELY (view.length > G_MAXINT32))
    return fail_length (writer, view.length);
  if (G_UNLIKELY (is_unknown (writer, element)))
    return tally_writer_fail_uuid (writer);
  p = tally_writer_room (writer, p, FIELD_BOUND);
  p = put_list_header (p, element->wire, view.length);
  if (element->storage == TALLY_STORAGE_PLAIN)
    {
      p = tally_writer_room (writer, p, (gsize) view.length * array_bound (element));
      return put_array (p, element, view.data, view.length);
    }
  if (element->kind == TALLY_KIND_STRUCT)
    return write_structs (writer, p, (const TallyStructInfo *) element, &view);
  for (guint i = 0; i < view.length; i++)
    {
      gconstpointer item = tally_slot_to_write (element, view.data + i * view.stride);

      if (G_UNLIKELY (item == NULL))
        return tally_writer_fail (writer, TALLY_ERROR_INVALID_VALUE, "element %u is NULL", i);
      p = write_value (writer, p, element, item);
      if (G_UNLIKELY (p == NULL))
        return NULL;
    }
  return p;
}

/* @what: the cell in a message. */
static guint8 *
write_cell (
    TallyWriter *writer, guint8 *p, const TallyType *type, gpointer stored, const gchar *what)
{
  TallyCell cell;
  gconstpointer slot;

  if (type->kind == TALLY_KIND_STRING && G_LIKELY (stored != NULL))
    return write_text (writer, p, &stored, 0);
  slot = tally_slot_to_write (type, tally_cell_view (type, stored, &cell));
  if (G_UNLIKELY (slot == NULL))
    return tally_writer_fail (writer, TALLY_ERROR_INVALID_VALUE, "%s is NULL", what);
  return write_value (writer, p, type, slot);
}

static guint8 *
write_table (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  const gboolean is_map = type->kind == TALLY_KIND_MAP;
  const TallyType *key_type = is_map ? type->key : type->element;
  guint count = tally_storage_table_length (slot);
  TallyTableIter iter;
  gpointer key, value;

  if (G_UNLIKELY (count > G_MAXINT32))
    return fail_length (writer, count);
  if (G_UNLIKELY (is_unknown (writer, key_type) || (is_map && is_unknown (writer, type->element))))
    return tally_writer_fail_uuid (writer);
  p = tally_writer_room (writer, p, FIELD_BOUND);
  if (is_map)
    p = put_map_header (p, key_type->wire, type->element->wire, count);
  else
    p = put_list_header (p, key_type->wire, count);
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      p = write_cell (writer, p, key_type, key, is_map ? "a key" : "an element");
      if (is_map && p != NULL)
        p = write_cell (writer, p, type->element, value, "a value");
      if (G_UNLIKELY (p == NULL))
        return NULL;
    }
  return p;
}

/* A binary, struct or container; nothing is promised about room. */
static guint8 *
write_nested (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  if (type->kind == TALLY_KIND_BINARY)
    return write_binary (writer, p, type, slot);
  if (enter (writer, p) == NULL)
    return NULL;
  if (type->kind == TALLY_KIND_STRUCT)
    p = write_struct_fields (writer, p, (const TallyStructInfo *) type,
                             tally_storage_get_struct (slot));
  else if (type->kind == TALLY_KIND_LIST)
    p = write_list (writer, p, type, slot);
  else
    p = write_table (writer, p, type, slot);
  writer->depth--;
  return p;
}

static guint8 *
write_value (TallyWriter *writer, guint8 *p, const TallyType *type, gconstpointer slot)
{
  if (type->kind == TALLY_KIND_STRING)
    return write_text (writer, p, slot, 0);
  if (type->storage != TALLY_STORAGE_PLAIN)
    return write_nested (writer, p, type, slot);
  p = tally_writer_room (writer, p, FIELD_BOUND);
  return write_plain (writer, p, type, slot);
}

/* One field that has a value. Room for it and for all that follow it in the struct, @bound, is
 * there and is there again afterwards. */
static G_ALWAYS_INLINE inline guint8 *
write_field (TallyWriter *writer,
             guint8 *p,
             const TallyField *field,
             gconstpointer slot,
             gint *last,
             gsize bound)
{
  const TallyType *type = field->type;

  if (type->storage == TALLY_STORAGE_PLAIN)
    return write_plain_field (writer, p, field, slot, last);
  p = put_field (p, last, field->id, type->wire);
  if (type->kind == TALLY_KIND_STRING)
    return write_text (writer, p, slot, bound);
  p = write_nested (writer, p, type, slot);
  return G_LIKELY (p != NULL) ? tally_writer_room (writer, p, bound) : NULL;
}

/* write_struct_fields (), inlined for the common path's sake. */
static G_ALWAYS_INLINE inline guint8 *
write_fields (TallyWriter *writer, guint8 *p, const TallyStructInfo *info, gconstpointer instance)
{
  const gsize bound = (gsize) info->n_fields * FIELD_BOUND + 1;
  const TallyField *end = info->fields + info->n_fields;
  gint last = 0;

  p = tally_writer_room (writer, p, bound);
  for (const TallyField *field = info->fields; field < end; field++)
    {
      gconstpointer slot = (const guint8 *) instance + field->offset;

      if (G_UNLIKELY (!tally_field_has_value (field, instance)))
        {
          if (G_LIKELY (!tally_field_is_due (info, field, instance)))
            continue;
          slot = tally_field_get_stand_in (info, field);
          if (slot == NULL)
            return tally_writer_fail_field (writer, info, field);
        }
      p = write_field (writer, p, field, slot, &last, bound);
      if (G_UNLIKELY (p == NULL))
        {
          tally_prefix_field (writer->error, info, field);
          return NULL;
        }
    }
  return put_stop (p);
}

static guint8 *
write_struct_fields (TallyWriter *writer,
                     guint8 *p,
                     const TallyStructInfo *info,
                     gconstpointer instance)
{
  return write_fields (writer, p, info, instance);
}

static inline void
open_writer (
    TallyWriter *writer, TallyBuffer *output, gsize room, gboolean as_apache, GError **error)
{
  tally_buffer_reserve (output, room);
  *writer = (TallyWriter){ .output = output,
                           .limit = output->data + output->capacity,
                           .depth = 1,
                           .as_apache = as_apache,
                           .error = error };
}

/* @end: where the cursor is now, or NULL: what @output has had before is left. */
static inline gboolean
close_writer (TallyBuffer *output, gsize before, const guint8 *end)
{
  if (G_LIKELY (end != NULL))
    {
      output->length = end - output->data;
      return TRUE;
    }
  output->length = before;
  return FALSE;
}

static gboolean
write_whole (TallyBuffer *output,
             const TallyStructInfo *info,
             gconstpointer instance,
             gboolean as_apache,
             GError **error)
{
  const gsize start = output->length;
  TallyWriter writer;

  open_writer (&writer, output, 1, as_apache, error);
  return close_writer (output, start,
                       write_struct_fields (&writer, output->data + start, info, instance));
}

static gboolean
write_struct (TallyBuffer *output,
              const TallyStructInfo *info,
              gconstpointer instance,
              GError **error)
{
  return write_whole (output, info, instance, FALSE, error);
}

static void
write_message (
    TallyBuffer *output, const gchar *name, gsize name_length, ThriftMessageType type, gint32 seqid)
{
  guint8 *p;

  tally_buffer_reserve (output, name_length + MESSAGE_BOUND);
  p = put_message (output->data + output->length, name, name_length, type, seqid);
  output->length = p - output->data;
}

static gboolean
write_of_method (TallyBuffer *output,
                 const TallyMethod *method,
                 ThriftMessageType type,
                 gint32 seqid,
                 gconstpointer instance,
                 GError **error)
{
  const TallyStructInfo *info = type == T_REPLY ? method->result : method->args;
  const gsize start = output->length;
  TallyWriter writer;
  guint8 *p;

  open_writer (&writer, output, method->name_length + MESSAGE_BOUND, FALSE, error);
  p = put_message (output->data + start, method->name, method->name_length, type, seqid);
  return close_writer (output, start, write_fields (&writer, p, info, instance));
}
