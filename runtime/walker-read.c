/* The engine's reading half over any ThriftProtocol's functions. What Apache's protocols do not
 * check is checked here, as far as it can be seen from above them. */
#include "walker-private.h"

static gboolean read_value (
    TallyWalk *walk, const TallyType *type, gpointer slot, gboolean in_place, gboolean *taken);
static gboolean skip_value (TallyWalk *walk, gint wire);

static gboolean
enter (TallyWalk *walk)
{
  return tally_walk_enter (walk, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT);
}

static gboolean
check_size (TallyWalk *walk, guint32 size)
{
  if (size <= G_MAXINT32)
    return TRUE;
  return tally_walk_fail (walk, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_NEGATIVE_SIZE,
                          "the declared size is negative");
}

static gboolean
read_list_begin (TallyWalk *walk, gboolean is_set, ThriftType *wire, guint32 *size)
{
  *wire = T_STOP;
  *size = 0;
  if (!tally_walk_add (
          walk, is_set ? thrift_protocol_read_set_begin (walk->protocol, wire, size, walk->error)
                       : thrift_protocol_read_list_begin (walk->protocol, wire, size, walk->error)))
    return FALSE;
  return check_size (walk, *size);
}

static gboolean
read_list_end (TallyWalk *walk, gboolean is_set)
{
  return tally_walk_add (walk, is_set
                                   ? thrift_protocol_read_set_end (walk->protocol, walk->error)
                                   : thrift_protocol_read_list_end (walk->protocol, walk->error));
}

static gboolean
read_map_begin (TallyWalk *walk, ThriftType *key, ThriftType *value, guint32 *size)
{
  *key = *value = T_STOP;
  *size = 0;
  return tally_walk_add (walk, thrift_protocol_read_map_begin (walk->protocol, key, value, size,
                                                               walk->error))
         && check_size (walk, *size);
}

static gboolean
read_field_begin (TallyWalk *walk, ThriftType *wire, gint16 *id)
{
  g_autofree gchar *name = NULL;

  *wire = T_STOP;
  *id = 0;
  return tally_walk_add (walk, thrift_protocol_read_field_begin (walk->protocol, &name, wire, id,
                                                                 walk->error));
}

static gboolean
read_struct_begin (TallyWalk *walk)
{
  g_autofree gchar *name = NULL;

  return tally_walk_add (walk,
                         thrift_protocol_read_struct_begin (walk->protocol, &name, walk->error));
}

/* Also after a failure: the compact protocol keeps a stack. */
static gboolean
read_struct_end (TallyWalk *walk, gboolean done)
{
  if (done)
    return tally_walk_add (walk, thrift_protocol_read_struct_end (walk->protocol, walk->error));
  thrift_protocol_read_struct_end (walk->protocol, NULL);
  return FALSE;
}

/* A byte is a raw byte in every protocol that can have announced a uuid. */
static gboolean
read_uuid (TallyWalk *walk, TallyUuid *uuid)
{
  for (guint i = 0; i < sizeof uuid->bytes; i++)
    {
      gint8 byte;

      if (!tally_walk_add (walk, thrift_protocol_read_byte (walk->protocol, &byte, walk->error)))
        return FALSE;
      uuid->bytes[i] = (guint8) byte;
    }
  return TRUE;
}

static gboolean
read_binary (TallyWalk *walk, gpointer *bytes, guint32 *length)
{
  *bytes = NULL;
  *length = 0;
  if (!tally_walk_add (walk,
                       thrift_protocol_read_binary (walk->protocol, bytes, length, walk->error)))
    return FALSE;
  if (check_size (walk, *length))
    return TRUE;
  g_clear_pointer (bytes, g_free);
  return FALSE;
}

/* ---- skipping ---- */

static gboolean
skip_plain (TallyWalk *walk, gint wire)
{
  union
  {
    gboolean truth;
    gint8 i8;
    gint16 i16;
    gint32 i32;
    gint64 i64;
    gdouble number;
    TallyUuid uuid;
  } value;

  switch (wire)
    {
    case T_BOOL:
      return tally_walk_add (walk,
                             thrift_protocol_read_bool (walk->protocol, &value.truth, walk->error));
    case T_BYTE:
      return tally_walk_add (walk,
                             thrift_protocol_read_byte (walk->protocol, &value.i8, walk->error));
    case T_I16:
      return tally_walk_add (walk,
                             thrift_protocol_read_i16 (walk->protocol, &value.i16, walk->error));
    case T_I32:
      return tally_walk_add (walk,
                             thrift_protocol_read_i32 (walk->protocol, &value.i32, walk->error));
    case T_I64:
      return tally_walk_add (walk,
                             thrift_protocol_read_i64 (walk->protocol, &value.i64, walk->error));
    case T_DOUBLE:
      return tally_walk_add (walk, thrift_protocol_read_double (walk->protocol, &value.number,
                                                                walk->error));
    case TALLY_WIRE_UUID:
      return read_uuid (walk, &value.uuid);
    default:
      return tally_walk_fail (walk, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                              "there is no such type");
    }
}

static gboolean
skip_elements (TallyWalk *walk, gint wire, guint32 size)
{
  for (guint32 i = 0; i < size; i++)
    if (!skip_value (walk, wire))
      return FALSE;
  return TRUE;
}

static gboolean
skip_pairs (TallyWalk *walk, gint key, gint value, guint32 size)
{
  for (guint32 i = 0; i < size; i++)
    if (!skip_value (walk, key) || !skip_value (walk, value))
      return FALSE;
  return TRUE;
}

static gboolean
skip_fields (TallyWalk *walk)
{
  for (;;)
    {
      ThriftType wire;
      gint16 id;

      if (!read_field_begin (walk, &wire, &id))
        return FALSE;
      if (wire == T_STOP)
        return TRUE;
      if (!skip_value (walk, wire)
          || !tally_walk_add (walk, thrift_protocol_read_field_end (walk->protocol, walk->error)))
        return FALSE;
    }
}

static gboolean
skip_nested (TallyWalk *walk, gint wire)
{
  const gboolean is_set = wire == T_SET;
  ThriftType key, value;
  guint32 size;

  if (wire == T_STRUCT)
    return read_struct_begin (walk) && read_struct_end (walk, skip_fields (walk));
  if (wire == T_MAP)
    return read_map_begin (walk, &key, &value, &size) && skip_pairs (walk, key, value, size)
           && tally_walk_add (walk, thrift_protocol_read_map_end (walk->protocol, walk->error));
  return read_list_begin (walk, is_set, &value, &size) && skip_elements (walk, value, size)
         && read_list_end (walk, is_set);
}

static gboolean
skip_value (TallyWalk *walk, gint wire)
{
  gboolean done;

  if (wire == T_STRING)
    {
      g_autofree gpointer bytes = NULL;
      guint32 length;

      return read_binary (walk, &bytes, &length);
    }
  if (wire != T_STRUCT && wire != T_MAP && wire != T_SET && wire != T_LIST)
    return skip_plain (walk, wire);
  if (!enter (walk))
    return FALSE;
  done = skip_nested (walk, wire);
  walk->depth--;
  return done;
}

/* ---- values ---- */

/* Whether the protocol read more bytes than the C string shows: there was a NUL among them. Of a
 * protocol that is not known one cannot tell. */
static gboolean
is_cut (TallyWalk *walk, gint32 count, const gchar *text)
{
  const TallyApacheProtocol *class = tally_walk_find_class (walk);

  return class != NULL && (gsize) count != class->count_string (strlen (text));
}

static gboolean
read_string (TallyWalk *walk, const TallyType *type, gpointer slot)
{
  g_autofree gchar *text = NULL;
  const gint32 before = walk->count;

  if (!tally_walk_add (walk, thrift_protocol_read_string (walk->protocol, &text, walk->error)))
    return FALSE;
  if (text == NULL || is_cut (walk, walk->count - before, text))
    return tally_walk_fail (walk, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                            "the string has a NUL, which a C string cannot hold");
  if (!tally_walk_take_memory (walk, tally_memory_of_bytes (type, strlen (text))))
    return FALSE;
  tally_storage_set_bytes (type, slot, text, strlen (text));
  return TRUE;
}

static gboolean
read_bytes (TallyWalk *walk, const TallyType *type, gpointer slot)
{
  g_autofree gpointer bytes = NULL;
  guint32 length;

  if (!read_binary (walk, &bytes, &length)
      || !tally_walk_take_memory (walk, tally_memory_of_bytes (type, length)))
    return FALSE;
  tally_storage_set_bytes (type, slot, bytes, length);
  return TRUE;
}

static gboolean
read_elements (TallyWalk *walk, const TallyType *element, gpointer slot, guint32 size)
{
  gboolean taken;

  for (guint32 i = 0; i < size; i++)
    {
      gpointer item = NULL;

      if (element->storage == TALLY_STORAGE_PLAIN)
        {
          if (!read_value (walk, element, tally_storage_grow_list (slot, 1), FALSE, &taken))
            {
              tally_storage_shrink_list (slot, i);
              return FALSE;
            }
          continue;
        }
      if (!read_value (walk, element, &item, FALSE, &taken))
        {
          tally_storage_clear (element, &item);
          return FALSE;
        }
      tally_storage_append (slot, 0, item);
    }
  return TRUE;
}

static gboolean
read_cell (TallyWalk *walk, const TallyType *type, TallyCell *cell)
{
  gboolean taken;

  if (read_value (walk, type, tally_cell_open (type, cell), FALSE, &taken))
    return TRUE;
  tally_cell_abandon (type, cell);
  return FALSE;
}

static gboolean
read_pairs (TallyWalk *walk, const TallyType *type, gpointer slot, guint32 size)
{
  const gboolean is_map = type->kind == TALLY_KIND_MAP;
  const TallyType *key_type = is_map ? type->key : type->element;

  for (guint32 i = 0; i < size; i++)
    {
      TallyCell key, value = { NULL };

      if (!read_cell (walk, key_type, &key))
        return FALSE;
      if (is_map && !read_cell (walk, type->element, &value))
        {
          tally_cell_abandon (key_type, &key);
          return FALSE;
        }
      tally_storage_insert (type, slot, &key, &value);
    }
  return TRUE;
}

/* Empties the container in the slot, or makes one where there is none, for @count elements. */
static gboolean
open_value (TallyWalk *walk, const TallyType *type, gpointer slot, guint32 count)
{
  const gsize fresh = tally_slot_is_null (type, slot) ? tally_memory_of_container (type) : 0;

  if (!tally_walk_take_memory (walk,
                               fresh + (count > 0 ? tally_memory_of_elements (type, count) : 0)))
    return FALSE;
  tally_storage_empty (type, slot);
  return TRUE;
}

static gboolean
read_list_or_set (TallyWalk *walk, const TallyType *type, gpointer slot, gboolean *taken)
{
  const gboolean is_set = type->kind == TALLY_KIND_SET;
  ThriftType wire;
  guint32 size;
  gboolean done;

  if (!read_list_begin (walk, is_set, &wire, &size))
    return FALSE;
  *taken = size == 0 || wire == type->element->wire;
  if (!open_value (walk, type, slot, *taken ? size : 0))
    return FALSE;
  if (!*taken)
    done = skip_elements (walk, wire, size);
  else if (is_set)
    done = read_pairs (walk, type, slot, size);
  else
    done = read_elements (walk, type->element, slot, size);
  return done && read_list_end (walk, is_set);
}

static gboolean
read_map (TallyWalk *walk, const TallyType *type, gpointer slot, gboolean *taken)
{
  ThriftType key, value;
  guint32 size;
  gboolean done;

  if (!read_map_begin (walk, &key, &value, &size))
    return FALSE;
  *taken = size == 0 || (key == type->key->wire && value == type->element->wire);
  if (!open_value (walk, type, slot, *taken ? size : 0))
    return FALSE;
  done = *taken ? read_pairs (walk, type, slot, size) : skip_pairs (walk, key, value, size);
  return done && tally_walk_add (walk, thrift_protocol_read_map_end (walk->protocol, walk->error));
}

/* ---- structs ---- */

static gboolean
read_field (TallyWalk *walk,
            const TallyStructInfo *info,
            const TallyField *field,
            gpointer instance,
            gboolean *taken)
{
  gpointer slot = (guint8 *) instance + field->offset;

  *taken = TRUE;
  if (!read_value (walk, field->type, slot, info->form == TALLY_FORM_RESULT, taken))
    {
      g_prefix_error (walk->error, "%s.%s: ", info->name, field->name);
      return FALSE;
    }
  if (*taken)
    tally_field_set_isset (field, instance, TRUE);
  return TRUE;
}

static gboolean
check_required (TallyWalk *walk, const TallyStructInfo *info, const guint8 *seen)
{
  for (guint i = 0; i < info->n_fields; i++)
    if (!seen[i] && info->fields[i].requiredness == TALLY_REQUIRED)
      {
        g_set_error (walk->error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                     "%s: the required field %s is missing", info->name, info->fields[i].name);
        return FALSE;
      }
  return TRUE;
}

static gboolean
read_fields (TallyWalk *walk, const TallyStructInfo *info, gpointer instance)
{
  g_autofree guint8 *seen = g_malloc0 (info->n_fields + 1);
  const gboolean is_reply = tally_struct_is_reply (info);

  for (guint count = 0;; count++)
    {
      const TallyField *field;
      ThriftType wire;
      gint16 id;
      gboolean taken = FALSE;

      if (!read_field_begin (walk, &wire, &id))
        return FALSE;
      if (wire == T_STOP)
        return check_required (walk, info, seen);
      if (is_reply && !tally_reply_check_field (info, instance, id, count > 0, walk->error))
        return FALSE;
      field = tally_struct_info_find_field (info, id);
      if (field == NULL || field->type->wire != wire)
        {
          if (!skip_value (walk, wire))
            return FALSE;
        }
      else if (!read_field (walk, info, field, instance, &taken))
        return FALSE;
      if (taken)
        seen[field - info->fields] = TRUE;
      if (!tally_walk_add (walk, thrift_protocol_read_field_end (walk->protocol, walk->error)))
        return FALSE;
    }
}

static gboolean
read_struct (TallyWalk *walk, const TallyStructInfo *info, gpointer instance)
{
  gboolean done;

  if (!enter (walk))
    return FALSE;
  done = read_struct_begin (walk) && read_struct_end (walk, read_fields (walk, info, instance));
  walk->depth--;
  if (done && info->form == TALLY_FORM_ARGS)
    tally_struct_complete_instance (info, instance);
  return done;
}

static gboolean
read_plain (TallyWalk *walk, const TallyType *type, gpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return tally_walk_add (walk, thrift_protocol_read_bool (walk->protocol, slot, walk->error));
    case TALLY_KIND_I8:
      return tally_walk_add (walk, thrift_protocol_read_byte (walk->protocol, slot, walk->error));
    case TALLY_KIND_I16:
      return tally_walk_add (walk, thrift_protocol_read_i16 (walk->protocol, slot, walk->error));
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return tally_walk_add (walk, thrift_protocol_read_i32 (walk->protocol, slot, walk->error));
    case TALLY_KIND_I64:
      return tally_walk_add (walk, thrift_protocol_read_i64 (walk->protocol, slot, walk->error));
    case TALLY_KIND_DOUBLE:
      return tally_walk_add (walk, thrift_protocol_read_double (walk->protocol, slot, walk->error));
    default:
      return read_uuid (walk, slot);
    }
}

/* @slot holds a value, which is replaced, or is zeroed. @taken: cleared when what came was of
 * another type than the table says. */
static gboolean
read_value (
    TallyWalk *walk, const TallyType *type, gpointer slot, gboolean in_place, gboolean *taken)
{
  gboolean done;

  if (type->storage == TALLY_STORAGE_PLAIN)
    return read_plain (walk, type, slot);
  if (type->kind == TALLY_KIND_STRING)
    return read_string (walk, type, slot);
  if (type->kind == TALLY_KIND_BINARY)
    return read_bytes (walk, type, slot);
  if (type->kind == TALLY_KIND_STRUCT)
    {
      const TallyStructInfo *info = (const TallyStructInfo *) type;

      const gpointer before = *(gpointer *) slot;
      const gpointer object = tally_storage_open_struct (info, slot, in_place);

      return (object == before
              || tally_walk_take_memory (walk, tally_storage_get_initial_memory (object)))
             && read_struct (walk, info, object);
    }
  if (!enter (walk))
    return FALSE;
  done = type->kind == TALLY_KIND_MAP ? read_map (walk, type, slot, taken)
                                      : read_list_or_set (walk, type, slot, taken);
  walk->depth--;
  return done;
}

/* ---- the codec's interface ---- */

gboolean
tally_walker_read_struct (ThriftProtocol *protocol,
                          const TallyStructInfo *info,
                          gpointer instance,
                          gint32 *read,
                          GError **error)
{
  GError *local_error = NULL;
  TallyWalk walk;
  gboolean done;

  tally_walk_init (&walk, protocol, &local_error);
  done = read_struct (&walk, info, instance);
  return tally_walk_finish (&walk, done, read, local_error, error);
}

gboolean
tally_walker_skip (ThriftProtocol *protocol, gint wire_type, gint32 *read, GError **error)
{
  GError *local_error = NULL;
  TallyWalk walk;
  gboolean done;

  tally_walk_init (&walk, protocol, &local_error);
  done = skip_value (&walk, wire_type);
  return tally_walk_finish (&walk, done, read, local_error, error);
}
