/* The engine's writing half over any ThriftProtocol's functions: slower than the codec, for the
 * protocols and transports that programs bring along. It knows tables and storage, and of Apache's
 * protocols only what their interface does not say. */
#include "walker-private.h"

#define EMIT(walk, call) ((walk)->dry || tally_walk_add ((walk), (call)))

static gboolean write_value (TallyWalk *walk, const TallyType *type, gconstpointer slot);

const TallyApacheProtocol *
tally_walk_find_class (const TallyWalk *walk)
{
  guint n_codecs;
  const TallyCodec *const *codecs = tally_codec_get_all (&n_codecs);

  for (guint i = 0; i < n_codecs; i++)
    if (codecs[i]->apache.get_type != NULL
        && G_TYPE_CHECK_INSTANCE_TYPE (walk->concrete, codecs[i]->apache.get_type ()))
      return &codecs[i]->apache;
  return NULL;
}

static gboolean
check_uuid (TallyWalk *walk, const TallyType *type)
{
  const TallyApacheProtocol *class;

  if (type->kind != TALLY_KIND_UUID)
    return TRUE;
  class = tally_walk_find_class (walk);
  if (class != NULL && class->carries_uuid)
    return TRUE;
  return tally_walk_fail (walk, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                          "this ThriftProtocol cannot carry a uuid");
}

/* What is wrong with a value is found before the first byte is written; these can always be
 * written, even where they are NULL. */
static inline gboolean
is_text (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_STRING || type->storage == TALLY_STORAGE_BYTES;
}

static inline gboolean
is_sound (const TallyWalk *walk, const TallyType *type)
{
  return walk->dry && (type->storage == TALLY_STORAGE_PLAIN || is_text (type));
}

/* A byte is a raw byte in the binary protocol, which has no function for uuids. */
static gboolean
write_uuid (TallyWalk *walk, const TallyUuid *uuid)
{
  for (guint i = 0; i < sizeof uuid->bytes; i++)
    if (!EMIT (walk,
               thrift_protocol_write_byte (walk->protocol, (gint8) uuid->bytes[i], walk->error)))
      return FALSE;
  return TRUE;
}

static gboolean
write_text (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  gsize length;
  const guint8 *bytes = tally_storage_get_bytes (type, slot, &length);

  if (length > G_MAXINT32)
    return tally_walk_fail (walk, TALLY_ERROR, TALLY_ERROR_LIMIT,
                            "a string or binary is longer than a message may be");
  if (type->kind == TALLY_KIND_STRING)
    return EMIT (walk,
                 thrift_protocol_write_string (walk->protocol, (const gchar *) bytes, walk->error));
  return EMIT (walk, thrift_protocol_write_binary (walk->protocol, (gpointer) bytes,
                                                   (guint32) length, walk->error));
}

/* @what: the cell in a message. */
static gboolean
write_cell (TallyWalk *walk, const TallyType *type, gpointer stored, const gchar *what)
{
  TallyCell cell;
  gconstpointer slot = tally_slot_to_write (type, tally_cell_view (type, stored, &cell));

  if (slot != NULL)
    return write_value (walk, type, slot);
  g_set_error (walk->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "%s is NULL", what);
  return FALSE;
}

static gboolean
write_list (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyListView view = tally_storage_view_list (type, slot);

  if (!check_uuid (walk, type->element)
      || !EMIT (walk, thrift_protocol_write_list_begin (walk->protocol, type->element->wire,
                                                        view.length, walk->error)))
    return FALSE;
  if (is_sound (walk, type->element))
    return TRUE;
  for (guint i = 0; i < view.length; i++)
    {
      gconstpointer item = tally_slot_to_write (type->element, view.data + i * view.stride);

      if (item == NULL)
        {
          g_set_error (walk->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "element %u is NULL",
                       i);
          return FALSE;
        }
      if (!write_value (walk, type->element, item))
        return FALSE;
    }
  return EMIT (walk, thrift_protocol_write_list_end (walk->protocol, walk->error));
}

static gboolean
write_set (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyTableIter iter;
  gpointer key;

  if (!check_uuid (walk, type->element)
      || !EMIT (walk,
                thrift_protocol_write_set_begin (walk->protocol, type->element->wire,
                                                 tally_storage_table_length (slot), walk->error)))
    return FALSE;
  if (walk->dry && is_text (type->element))
    return TRUE;
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, NULL))
    if (!write_cell (walk, type->element, key, "an element"))
      return FALSE;
  return EMIT (walk, thrift_protocol_write_set_end (walk->protocol, walk->error));
}

static gboolean
write_map (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyTableIter iter;
  gpointer key, value;

  if (!check_uuid (walk, type->key) || !check_uuid (walk, type->element)
      || !EMIT (walk,
                thrift_protocol_write_map_begin (walk->protocol, type->key->wire,
                                                 type->element->wire,
                                                 tally_storage_table_length (slot), walk->error)))
    return FALSE;
  if (walk->dry && is_text (type->key) && is_text (type->element))
    return TRUE;
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    if (!write_cell (walk, type->key, key, "a key")
        || !write_cell (walk, type->element, value, "a value"))
      return FALSE;
  return EMIT (walk, thrift_protocol_write_map_end (walk->protocol, walk->error));
}

static gboolean
write_field (TallyWalk *walk, const TallyField *field, gconstpointer slot)
{
  if (is_sound (walk, field->type))
    return check_uuid (walk, field->type);
  return check_uuid (walk, field->type)
         && EMIT (walk,
                  thrift_protocol_write_field_begin (walk->protocol, field->name, field->type->wire,
                                                     field->id, walk->error))
         && write_value (walk, field->type, slot)
         && EMIT (walk, thrift_protocol_write_field_end (walk->protocol, walk->error));
}

static gboolean
write_fields (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      gconstpointer slot = (const guint8 *) instance + field->offset;

      if (!tally_field_has_value (field, instance))
        {
          if (!tally_field_is_due (info, field, instance))
            continue;
          slot = tally_field_get_stand_in (info, field);
        }
      if (slot == NULL)
        {
          tally_set_due_error (walk->error, info, field);
          return FALSE;
        }
      if (!write_field (walk, field, slot))
        {
          g_prefix_error (walk->error, "%s.%s: ", info->name, field->name);
          return FALSE;
        }
    }
  return EMIT (walk, thrift_protocol_write_field_stop (walk->protocol, walk->error));
}

static gboolean
write_struct (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  gboolean done;

  if (!tally_walk_enter (walk, TALLY_ERROR, TALLY_ERROR_LIMIT))
    return FALSE;
  if (!EMIT (walk, thrift_protocol_write_struct_begin (walk->protocol, info->name, walk->error)))
    return FALSE;
  done = write_fields (walk, info, instance);
  /* After a failure too: the compact protocol keeps a stack. */
  if (done)
    done = EMIT (walk, thrift_protocol_write_struct_end (walk->protocol, walk->error));
  else if (!walk->dry)
    thrift_protocol_write_struct_end (walk->protocol, NULL);
  walk->depth--;
  return done;
}

static gboolean
write_value (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  gboolean done;

  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return EMIT (walk,
                   thrift_protocol_write_bool (walk->protocol, *(const gboolean *) slot != FALSE,
                                               walk->error));
    case TALLY_KIND_I8:
      return EMIT (walk,
                   thrift_protocol_write_byte (walk->protocol, *(const gint8 *) slot, walk->error));
    case TALLY_KIND_I16:
      return EMIT (walk,
                   thrift_protocol_write_i16 (walk->protocol, *(const gint16 *) slot, walk->error));
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      return EMIT (walk,
                   thrift_protocol_write_i32 (walk->protocol, *(const gint32 *) slot, walk->error));
    case TALLY_KIND_I64:
      return EMIT (walk,
                   thrift_protocol_write_i64 (walk->protocol, *(const gint64 *) slot, walk->error));
    case TALLY_KIND_DOUBLE:
      return EMIT (walk, thrift_protocol_write_double (walk->protocol, *(const gdouble *) slot,
                                                       walk->error));
    case TALLY_KIND_UUID:
      return write_uuid (walk, slot);
    case TALLY_KIND_STRING:
    case TALLY_KIND_BINARY:
      return write_text (walk, type, slot);
    case TALLY_KIND_STRUCT:
      return write_struct (walk, (const TallyStructInfo *) type, tally_storage_get_struct (slot));
    default:
      break;
    }
  if (!tally_walk_enter (walk, TALLY_ERROR, TALLY_ERROR_LIMIT))
    return FALSE;
  if (type->kind == TALLY_KIND_LIST)
    done = write_list (walk, type, slot);
  else if (type->kind == TALLY_KIND_SET)
    done = write_set (walk, type, slot);
  else
    done = write_map (walk, type, slot);
  walk->depth--;
  return done;
}

gboolean
tally_walker_check_struct (ThriftProtocol *protocol,
                           const TallyStructInfo *info,
                           gconstpointer instance,
                           GError **error)
{
  GError *local_error = NULL;
  TallyWalk walk;
  gboolean done;

  tally_walk_init (&walk, protocol, &local_error);
  walk.dry = TRUE;
  done = write_struct (&walk, info, instance);
  return tally_walk_finish (&walk, done, NULL, local_error, error);
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
