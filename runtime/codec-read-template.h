/* The engine's reading half, included by each protocol's file after it defined:
 *
 *   get_field (reader, &last, &header), skip_needs_no_bytes (header)
 *   get_bool_field (reader, header, &truth)
 *   get_bool, get_i8, get_i16, get_i32, get_i64, get_double (reader, &value)
 *   get_length (reader, &length)            a string's, whose bytes are there afterwards
 *   get_list_header (reader, &wire, &count)
 *   get_map_header (reader, &key_wire, &value_wire, &count)
 *   get_array (reader, type, slot, count)   appends a list's elements of a plain type
 *   is_refused (reader, wire)               a type that the protocol has and the limits rule out
 *   smallest_size[]                         of a value on the wire, by wire type; 0: no such type
 *   fixed_size[]                            of a value on the wire, by wire type; 0: it varies
 *
 * all of which take a GError last and return FALSE with it set. Before anything is allocated a
 * declared length or count is compared with the bytes that remain. */

static ReadResult
read_value (TallyReader *reader, const TallyType *type, gpointer slot, GError **error);
static gboolean
read_struct (TallyReader *reader, const TallyStructInfo *info, gpointer instance, GError **error);
static gboolean skip_value (TallyReader *reader, gint wire, GError **error);

/* ---- skipping ---- */

static inline gboolean
check_wire (const TallyReader *reader, gint wire, GError **error)
{
  if (G_LIKELY (wire >= 0 && wire < (gint) G_N_ELEMENTS (smallest_size) && smallest_size[wire] != 0
                && !is_refused (reader, wire)))
    return TRUE;
  return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "there is no type %d", wire);
}

/* Checks a container's count against what remains, by its elements' smallest size. */
static inline gboolean
check_count (TallyReader *reader, guint32 count, guint unit, GError **error)
{
  if (G_LIKELY (tally_reader_may_have (reader, count, unit)))
    return TRUE;
  return tally_reader_fail_length (reader, (gint32) count, unit, error);
}

static gboolean
skip_bytes (TallyReader *reader, gsize length, GError **error)
{
  if (!tally_reader_need (reader, length, error))
    return FALSE;
  reader->cursor += length;
  return TRUE;
}

static gboolean
skip_elements (TallyReader *reader, guint8 wire, guint32 count, GError **error)
{
  if (fixed_size[wire] != 0)
    return skip_bytes (reader, (gsize) count * fixed_size[wire], error);
  for (guint32 i = 0; i < count; i++)
    if (!skip_value (reader, wire, error))
      return FALSE;
  return TRUE;
}

static gboolean
skip_struct (TallyReader *reader, GError **error)
{
  FieldHeader header;
  gint16 last = 0;

  for (;;)
    {
      if (!get_field (reader, &last, &header, error))
        return FALSE;
      if (header.wire == T_STOP)
        return TRUE;
      if (!skip_needs_no_bytes (&header) && !skip_value (reader, header.wire, error))
        return FALSE;
    }
}

static gboolean
skip_list (TallyReader *reader, GError **error)
{
  guint8 wire;
  guint32 count;

  if (!get_list_header (reader, &wire, &count, error))
    return FALSE;
  if (count == 0)
    return TRUE;
  return check_wire (reader, wire, error) && check_count (reader, count, smallest_size[wire], error)
         && skip_elements (reader, wire, count, error);
}

static gboolean
skip_pairs (TallyReader *reader, guint8 key, guint8 value, guint32 count, GError **error)
{
  for (guint32 i = 0; i < count; i++)
    if (!skip_value (reader, key, error) || !skip_value (reader, value, error))
      return FALSE;
  return TRUE;
}

static gboolean
skip_map (TallyReader *reader, GError **error)
{
  guint8 key, value;
  guint32 count;

  if (!get_map_header (reader, &key, &value, &count, error))
    return FALSE;
  if (count == 0)
    return TRUE;
  return check_wire (reader, key, error) && check_wire (reader, value, error)
         && check_count (reader, count, smallest_size[key] + smallest_size[value], error)
         && skip_pairs (reader, key, value, count, error);
}

static gboolean
skip_value (TallyReader *reader, gint wire, GError **error)
{
  gboolean done;
  guint32 length;
  gint64 number;

  if (!check_wire (reader, wire, error))
    return FALSE;
  if (fixed_size[wire] != 0)
    return skip_bytes (reader, fixed_size[wire], error);
  if (wire == T_STRING)
    {
      if (!get_length (reader, &length, error))
        return FALSE;
      reader->cursor += length;
      return TRUE;
    }
  if (wire != T_STRUCT && wire != T_MAP && wire != T_LIST && wire != T_SET)
    return get_i64 (reader, &number, error); /* a protocol of varints: any integer */
  if (!tally_reader_enter (reader, error))
    return FALSE;
  if (wire == T_STRUCT)
    done = skip_struct (reader, error);
  else if (wire == T_MAP)
    done = skip_map (reader, error);
  else
    done = skip_list (reader, error);
  tally_reader_leave (reader);
  return done;
}

/* ---- containers ---- */

/* Empties the container in the slot, or makes one where there is none. */
static inline gboolean
open_container (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  if (tally_slot_is_null (type, slot)
      && !tally_reader_take_memory (reader, tally_memory_of_container (type), error))
    return FALSE;
  tally_storage_empty (type, slot);
  return TRUE;
}

/* Elements of a type that is no plain one; the list is empty. */
static gboolean
read_elements (
    TallyReader *reader, const TallyType *element, gpointer slot, guint32 count, GError **error)
{
  const guint expected = tally_reader_expect (reader, count, smallest_size[element->wire]);

  tally_storage_reserve_list (slot, expected);
  for (guint32 i = 0; i < count; i++)
    {
      gpointer item = NULL;
      ReadResult result = read_value (reader, element, &item, error);

      if (G_UNLIKELY (result == READ_FAILED))
        {
          tally_storage_clear (element, &item);
          g_prefix_error (error, "element %" G_GUINT32_FORMAT ": ", i);
          return FALSE;
        }
      tally_storage_append (slot, expected, item);
    }
  return TRUE;
}

static ReadResult
read_list (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  const TallyType *element = type->element;
  guint8 wire;
  guint32 count;

  if (!get_list_header (reader, &wire, &count, error))
    return READ_FAILED;
  if (!open_container (reader, type, slot, error))
    return READ_FAILED;
  if (count == 0)
    return READ_TAKEN;
  if (!check_wire (reader, wire, error) || !check_count (reader, count, smallest_size[wire], error))
    return READ_FAILED;
  if (G_UNLIKELY (wire != element->wire))
    return skip_elements (reader, wire, count, error) ? READ_SKIPPED : READ_FAILED;
  if (!tally_reader_take_memory (reader, tally_memory_of_elements (type, count), error))
    return READ_FAILED;
  if (element->storage == TALLY_STORAGE_PLAIN)
    return get_array (reader, element, slot, count, error) ? READ_TAKEN : READ_FAILED;
  return read_elements (reader, element, slot, count, error) ? READ_TAKEN : READ_FAILED;
}

static inline gboolean
read_cell (TallyReader *reader, const TallyType *type, TallyCell *cell, GError **error)
{
  gpointer slot = tally_cell_open (type, cell);

  if (G_LIKELY (read_value (reader, type, slot, error) != READ_FAILED))
    return TRUE;
  tally_cell_abandon (type, cell);
  return FALSE;
}

static gboolean
read_set_elements (
    TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  for (guint32 i = 0; i < count; i++)
    {
      TallyCell element;

      if (!read_cell (reader, type->element, &element, error))
        return FALSE;
      tally_storage_insert (type, slot, &element, NULL);
    }
  return TRUE;
}

static ReadResult
read_set (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  guint8 wire;
  guint32 count;

  if (!get_list_header (reader, &wire, &count, error))
    return READ_FAILED;
  if (!open_container (reader, type, slot, error))
    return READ_FAILED;
  if (count == 0)
    return READ_TAKEN;
  if (!check_wire (reader, wire, error) || !check_count (reader, count, smallest_size[wire], error))
    return READ_FAILED;
  if (G_UNLIKELY (wire != type->element->wire))
    return skip_elements (reader, wire, count, error) ? READ_SKIPPED : READ_FAILED;
  if (!tally_reader_take_memory (reader, tally_memory_of_elements (type, count), error))
    return READ_FAILED;
  return read_set_elements (reader, type, slot, count, error) ? READ_TAKEN : READ_FAILED;
}

static gboolean
read_pairs (
    TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  for (guint32 i = 0; i < count; i++)
    {
      TallyCell key, value;

      if (!read_cell (reader, type->key, &key, error))
        return FALSE;
      if (!read_cell (reader, type->element, &value, error))
        {
          tally_cell_abandon (type->key, &key);
          return FALSE;
        }
      tally_storage_insert (type, slot, &key, &value);
    }
  return TRUE;
}

static ReadResult
read_map (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  guint8 key, value;
  guint32 count;

  if (!get_map_header (reader, &key, &value, &count, error))
    return READ_FAILED;
  if (!open_container (reader, type, slot, error))
    return READ_FAILED;
  if (count == 0)
    return READ_TAKEN;
  if (!check_wire (reader, key, error) || !check_wire (reader, value, error)
      || !check_count (reader, count, smallest_size[key] + smallest_size[value], error))
    return READ_FAILED;
  if (G_UNLIKELY (key != type->key->wire || value != type->element->wire))
    return skip_pairs (reader, key, value, count, error) ? READ_SKIPPED : READ_FAILED;
  if (!tally_reader_take_memory (reader, tally_memory_of_elements (type, count), error))
    return READ_FAILED;
  return read_pairs (reader, type, slot, count, error) ? READ_TAKEN : READ_FAILED;
}

/* ---- values ---- */

/* What a new instance takes is known from its class, which its first instance makes. */
static inline gboolean
open_struct (TallyReader *reader,
             const TallyStructInfo *info,
             gpointer slot,
             gboolean in_place,
             GError **error)
{
  const gpointer before = *(gpointer *) slot;
  const gpointer object = tally_storage_open_struct (info, slot, in_place);

  return object == before
         || tally_reader_take_memory (reader, tally_storage_get_initial_memory (object), error);
}

static ReadResult
read_nested (
    TallyReader *reader, const TallyType *type, gpointer slot, gboolean in_place, GError **error)
{
  ReadResult result;

  if (type->kind == TALLY_KIND_STRUCT)
    {
      const TallyStructInfo *info = (const TallyStructInfo *) type;

      /* The depth is checked first: an instance that is not read is not made. */
      if (G_UNLIKELY (reader->depth >= reader->limits->max_depth))
        {
          tally_reader_set_depth_error (reader, error);
          return READ_FAILED;
        }
      return open_struct (reader, info, slot, in_place, error)
                     && read_struct (reader, info, *(gpointer *) slot, error)
                 ? READ_TAKEN
                 : READ_FAILED;
    }
  if (!tally_reader_enter (reader, error))
    return READ_FAILED;
  if (type->kind == TALLY_KIND_LIST)
    result = read_list (reader, type, slot, error);
  else if (type->kind == TALLY_KIND_SET)
    result = read_set (reader, type, slot, error);
  else
    result = read_map (reader, type, slot, error);
  tally_reader_leave (reader);
  return result;
}

static inline gboolean
read_plain (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return get_bool (reader, slot, error);
    case TALLY_KIND_I8:
      return get_i8 (reader, slot, error);
    case TALLY_KIND_I16:
      return get_i16 (reader, slot, error);
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return get_i32 (reader, slot, error);
    case TALLY_KIND_I64:
      return get_i64 (reader, slot, error);
    case TALLY_KIND_DOUBLE:
      return get_double (reader, slot, error);
    default:
      if (!check_wire (reader, TALLY_WIRE_UUID, error)
          || !tally_reader_need (reader, sizeof (TallyUuid), error))
        return FALSE;
      memcpy (slot, reader->cursor, sizeof (TallyUuid));
      reader->cursor += sizeof (TallyUuid);
      return TRUE;
    }
}

/* A string. */
static G_ALWAYS_INLINE inline gboolean
read_text (TallyReader *reader, gpointer slot, GError **error)
{
  guint32 length;

  return get_length (reader, &length, error)
         && tally_reader_take_text (reader, slot, length, error);
}

static inline ReadResult
read_any (
    TallyReader *reader, const TallyType *type, gpointer slot, gboolean in_place, GError **error)
{
  guint32 length;

  if (type->storage == TALLY_STORAGE_PLAIN)
    return read_plain (reader, type, slot, error) ? READ_TAKEN : READ_FAILED;
  if (type->kind > TALLY_KIND_BINARY)
    return read_nested (reader, type, slot, in_place, error);
  if (!get_length (reader, &length, error))
    return READ_FAILED;
  return tally_reader_take_bytes (reader, type, slot, length, error) ? READ_TAKEN : READ_FAILED;
}

/* Reads into a slot that holds a value, which is freed or replaced, or is zeroed. */
static ReadResult
read_value (TallyReader *reader, const TallyType *type, gpointer slot, GError **error)
{
  return read_any (reader, type, slot, FALSE, error);
}

/* ---- structs ---- */

/* The fields of one struct as they come: where the next is expected, and which required ones were
 * passed over on the way there. */
typedef struct
{
  const TallyStructInfo *info;
  const TallyField *next;
  const TallyField *end; /* behind the last one */
  guint8 *missing;       /* (nullable): by index; made for the first required field passed over */
  gboolean has_gap;      /* a field was passed over, if it came later or not */
  gboolean has_unknown;  /* in a reply: a field came that was not taken */
} FieldCursor;

static void
pass_over (FieldCursor *cursor, const TallyField *field)
{
  cursor->has_gap = TRUE;
  if (field->requiredness != TALLY_REQUIRED)
    return;
  if (cursor->missing == NULL)
    cursor->missing = g_malloc0 (cursor->info->n_fields);
  cursor->missing[field - cursor->info->fields] = TRUE;
}

static inline gboolean
is_second (const FieldCursor *cursor)
{
  return cursor->has_unknown || cursor->next > cursor->info->fields;
}

/* Fields usually come in the table's order: a look at the next one finds most. */
static inline const TallyField *
find_field (const FieldCursor *cursor, gint16 id, gconstpointer instance)
{
  if (G_LIKELY (cursor->next < cursor->end && cursor->next->id == id))
    return cursor->next;
  /* In a reply a field that may not come is not taken. */
  if (G_UNLIKELY (tally_struct_is_reply (cursor->info))
      && !tally_reply_check_field (cursor->info, instance, id, is_second (cursor), NULL))
    return NULL;
  return tally_struct_info_find_field (cursor->info, id);
}

/* Remembers that a field was read, and what was passed over before it. */
static inline void
note_taken (FieldCursor *cursor, const TallyField *field)
{
  if (G_LIKELY (field >= cursor->next))
    {
      while (cursor->next < field)
        pass_over (cursor, cursor->next++);
      cursor->next = field + 1;
    }
  else if (cursor->missing != NULL)
    cursor->missing[field - cursor->info->fields] = FALSE;
}

static gboolean
check_required (FieldCursor *cursor, GError **error)
{
  const TallyStructInfo *info = cursor->info;

  while (cursor->next < cursor->end)
    pass_over (cursor, cursor->next++);
  if (G_LIKELY (cursor->missing == NULL))
    return TRUE;
  for (guint i = 0; i < info->n_fields; i++)
    if (cursor->missing[i])
      return tally_reader_fail_missing (info, &info->fields[i], error);
  return TRUE;
}

static inline ReadResult
read_field (TallyReader *reader,
            const TallyStructInfo *info,
            const TallyField *field,
            const FieldHeader *header,
            gpointer instance,
            GError **error)
{
  gpointer slot = (guint8 *) instance + field->offset;
  ReadResult result;

  if (field->type->kind == TALLY_KIND_BOOL)
    result = get_bool_field (reader, header, slot, error) ? READ_TAKEN : READ_FAILED;
  else if (field->type->kind == TALLY_KIND_STRING)
    result = read_text (reader, slot, error) ? READ_TAKEN : READ_FAILED;
  else
    result = read_any (reader, field->type, slot, info->form == TALLY_FORM_RESULT, error);
  if (G_LIKELY (result == READ_TAKEN))
    tally_field_set_isset (field, instance, TRUE);
  else if (result == READ_FAILED)
    tally_prefix_field (error, info, field);
  return result;
}

/* A field that the table does not have, or not with this type. Inlined so that read_fields () keeps
 * @cursor and @header in registers. */
static inline __attribute__ ((always_inline)) gboolean
skip_field (TallyReader *reader,
            FieldCursor *cursor,
            const FieldHeader *header,
            gconstpointer instance,
            GError **error)
{
  const TallyStructInfo *info = cursor->info;

  if (tally_struct_is_reply (info))
    {
      if (!tally_reply_check_field (info, instance, header->id, is_second (cursor), error))
        return FALSE;
      cursor->has_unknown = TRUE;
    }
  if (skip_needs_no_bytes (header) || skip_value (reader, header->wire, error))
    return TRUE;
  g_prefix_error (error, "%s: field %d: ", info->name, header->id);
  return FALSE;
}

static gboolean
read_fields (TallyReader *reader, FieldCursor *cursor, gpointer instance, GError **error)
{
  const TallyStructInfo *info = cursor->info;
  FieldHeader header;
  gint16 last = 0;

  for (;;)
    {
      const TallyField *field;

      if (G_UNLIKELY (!get_field (reader, &last, &header, error)))
        {
          g_prefix_error (error, "%s: ", info->name);
          return FALSE;
        }
      if (header.wire == T_STOP)
        return check_required (cursor, error);
      field = find_field (cursor, header.id, instance);
      if (G_LIKELY (field != NULL && field->type->wire == header.wire))
        {
          ReadResult result = read_field (reader, info, field, &header, instance, error);

          if (G_UNLIKELY (result == READ_FAILED))
            return FALSE;
          if (G_LIKELY (result == READ_TAKEN))
            note_taken (cursor, field);
        }
      else if (!skip_field (reader, cursor, &header, instance, error))
        return FALSE;
    }
}

static gboolean
read_struct (TallyReader *reader, const TallyStructInfo *info, gpointer instance, GError **error)
{
  FieldCursor cursor = { .info = info, .next = info->fields, .end = info->fields + info->n_fields };
  gboolean done;

  if (!tally_reader_enter (reader, error))
    return FALSE;
  done = read_fields (reader, &cursor, instance, error);
  if (G_UNLIKELY (cursor.missing != NULL))
    g_free (cursor.missing);
  tally_reader_leave (reader);
  if (G_UNLIKELY (info->form >= TALLY_FORM_ARGS) && done)
    {
      if (info->form == TALLY_FORM_RESULT)
        return tally_reply_check_end (info, instance, cursor.has_unknown, error);
      if (cursor.has_gap)
        tally_struct_complete_instance (info, instance);
    }
  return done;
}
