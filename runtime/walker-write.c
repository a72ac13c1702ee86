/* The engine's writing half over any ThriftProtocol's functions: slower than the codec, for the
 * protocols and transports that programs bring along. It knows tables and storage, and of Apache's
 * protocols only what their interface does not say. What walker-check.c found to be sound is not
 * looked at again, but for NULL. */
#include "walker-private.h"

/* Calls a function of the protocol's class: what thrift_protocol_write_… () does, without the way
 * through it. TRUE if it could write. */
#define EMIT(walk, function, ...)                                                                  \
  tally_walk_add ((walk), (walk)->class->function ((walk)->protocol, ##__VA_ARGS__, (walk)->error))

static gboolean write_compound (TallyWalk *walk, const TallyType *type, gconstpointer slot);

/* A byte is a raw byte in the binary protocol, which has no function for uuids. */
static gboolean
write_uuid (TallyWalk *walk, const TallyUuid *uuid)
{
  for (guint i = 0; i < sizeof uuid->bytes; i++)
    if (!EMIT (walk, write_byte, (gint8) uuid->bytes[i]))
      return FALSE;
  return TRUE;
}

static gboolean
write_text (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  gsize length;
  const guint8 *bytes;

  if (type->kind == TALLY_KIND_STRING)
    return EMIT (walk, write_string, *(const gchar *const *) slot);
  bytes = tally_storage_get_bytes (type, slot, &length);
  if (length > G_MAXINT32)
    return tally_walk_fail (walk, TALLY_ERROR, TALLY_ERROR_LIMIT,
                            "a string or binary is longer than a message may be");
  return EMIT (walk, write_binary, (gpointer) bytes, (guint32) length);
}

/* Whatever has no parts is written here, where it stands. */
static inline __attribute__ ((always_inline)) gboolean
write_value (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return EMIT (walk, write_bool, *(const gboolean *) slot != FALSE);
    case TALLY_KIND_I8:
      return EMIT (walk, write_byte, *(const gint8 *) slot);
    case TALLY_KIND_I16:
      return EMIT (walk, write_i16, *(const gint16 *) slot);
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return EMIT (walk, write_i32, *(const gint32 *) slot);
    case TALLY_KIND_I64:
      return EMIT (walk, write_i64, *(const gint64 *) slot);
    case TALLY_KIND_DOUBLE:
      return EMIT (walk, write_double, *(const gdouble *) slot);
    case TALLY_KIND_UUID:
      return write_uuid (walk, slot);
    case TALLY_KIND_STRING:
    case TALLY_KIND_BINARY:
      return write_text (walk, type, slot);
    default:
      return write_compound (walk, type, slot);
    }
}

static TALLY_COLD gboolean
fail_on_null (TallyWalk *walk, const gchar *what)
{
  g_set_error (walk->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "%s is NULL", what);
  return FALSE;
}

/* @what: the cell in a message. */
static inline gboolean
write_cell (TallyWalk *walk, const TallyType *type, gpointer stored, const gchar *what)
{
  TallyCell cell;
  gconstpointer slot = tally_slot_to_write (type, tally_cell_view (type, stored, &cell));

  return slot != NULL ? write_value (walk, type, slot) : fail_on_null (walk, what);
}

static gboolean
write_list (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  const TallyType *element = type->element;
  TallyListView view = tally_storage_view_list (type, slot);

  if (!EMIT (walk, write_list_begin, element->wire, view.length))
    return FALSE;
  for (guint i = 0; i < view.length; i++)
    {
      gconstpointer item = tally_slot_to_write (element, view.data + i * view.stride);

      if (item == NULL)
        return fail_on_null (walk, "an element");
      if (!write_value (walk, element, item))
        return FALSE;
    }
  return EMIT (walk, write_list_end);
}

static gboolean
write_set (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyTableIter iter;
  gpointer key;

  if (!EMIT (walk, write_set_begin, type->element->wire, tally_storage_table_length (slot)))
    return FALSE;
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, NULL))
    if (!write_cell (walk, type->element, key, "an element"))
      return FALSE;
  return EMIT (walk, write_set_end);
}

static gboolean
write_map (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyTableIter iter;
  gpointer key, value;

  if (!EMIT (walk, write_map_begin, type->key->wire, type->element->wire,
             tally_storage_table_length (slot)))
    return FALSE;
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    if (!write_cell (walk, type->key, key, "a key")
        || !write_cell (walk, type->element, value, "a value"))
      return FALSE;
  return EMIT (walk, write_map_end);
}

static inline gboolean
write_field (TallyWalk *walk, const TallyField *field, gconstpointer slot)
{
  return EMIT (walk, write_field_begin, field->name, field->type->wire, field->id)
         && write_value (walk, field->type, slot) && EMIT (walk, write_field_end);
}

static gboolean
write_fields (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  const TallyField *end = info->fields + info->n_fields;

  for (const TallyField *field = info->fields; field < end; field++)
    {
      gconstpointer slot;

      if (!tally_walk_find_value (walk, info, field, instance, &slot))
        return FALSE;
      if (slot == NULL)
        continue;
      if (!write_field (walk, field, slot))
        {
          g_prefix_error (walk->error, "%s.%s: ", info->name, field->name);
          return FALSE;
        }
    }
  return EMIT (walk, write_field_stop);
}

static gboolean
write_struct (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  if (!EMIT (walk, write_struct_begin, info->name))
    return FALSE;
  if (write_fields (walk, info, instance))
    return EMIT (walk, write_struct_end);
  /* After a failure too: the compact protocol keeps a stack. */
  walk->class->write_struct_end (walk->protocol, NULL);
  return FALSE;
}

static gboolean
write_compound (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRUCT:
      return write_struct (walk, (const TallyStructInfo *) type, tally_storage_get_struct (slot));
    case TALLY_KIND_LIST:
      return write_list (walk, type, slot);
    case TALLY_KIND_SET:
      return write_set (walk, type, slot);
    default:
      return write_map (walk, type, slot);
    }
}

gboolean
tally_walker_write_checked (ThriftProtocol *protocol,
                            const TallyStructInfo *info,
                            gconstpointer instance,
                            gint32 *written,
                            GError **error)
{
  GError *local_error = NULL;
  TallyWalk walk;
  gboolean done;

  tally_walk_init (&walk, protocol, &local_error);
  done = write_struct (&walk, info, instance);
  return tally_walk_finish (&walk, done, written, local_error, error);
}

gboolean
tally_walker_write_struct (ThriftProtocol *protocol,
                           const TallyStructInfo *info,
                           gconstpointer instance,
                           gint32 *written,
                           GError **error)
{
  return tally_walker_check_struct (protocol, info, instance, error)
         && tally_walker_write_checked (protocol, info, instance, written, error);
}
