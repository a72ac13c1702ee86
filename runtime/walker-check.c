/* Finds what cannot be written of a value through a ThriftProtocol, before the first byte is: so it
 * calls none of the protocol's functions. What can always be written is not looked at. */
#include "walker-private.h"

static gboolean check_value (TallyWalk *walk, const TallyType *type, gconstpointer slot);

/* Asked for each string that is read. */
const TallyApacheProtocol *
tally_walk_find_class (TallyWalk *walk)
{
  ThriftProtocol *concrete = walk->protocol;
  guint n_codecs;
  const TallyCodec *const *codecs;

  if (walk->apache_is_known)
    return walk->apache;
  walk->apache_is_known = TRUE;
  while (THRIFT_IS_PROTOCOL_DECORATOR (concrete))
    concrete = THRIFT_PROTOCOL_DECORATOR (concrete)->concrete_protocol;
  codecs = tally_codec_get_all (&n_codecs);
  for (guint i = 0; i < n_codecs && walk->apache == NULL; i++)
    if (codecs[i]->apache.get_type != NULL
        && G_TYPE_CHECK_INSTANCE_TYPE (concrete, codecs[i]->apache.get_type ()))
      walk->apache = &codecs[i]->apache;
  return walk->apache;
}

static inline gboolean
check_uuid (TallyWalk *walk, const TallyType *type)
{
  const TallyApacheProtocol *class;

  if (G_LIKELY (type->kind != TALLY_KIND_UUID))
    return TRUE;
  class = tally_walk_find_class (walk);
  if (class != NULL && class->carries_uuid)
    return TRUE;
  return tally_walk_fail (walk, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                          "this ThriftProtocol cannot carry a uuid");
}

static inline gboolean
is_text (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_STRING || type->storage == TALLY_STORAGE_BYTES;
}

/* Whether all values of @type can be written, NULL too. */
static inline gboolean
is_sound (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_PLAIN || is_text (type);
}

/* Whether the field can be written, or left out, in whatever instance of a struct. */
static inline gboolean
is_sound_field (const TallyField *field)
{
  return (field->type->storage == TALLY_STORAGE_PLAIN && field->type->kind != TALLY_KIND_UUID)
         || (is_text (field->type) && field->requiredness != TALLY_REQUIRED);
}

/* Whether all instances can be written: what is asked once for the elements of a list. */
static gboolean
is_sound_struct (const TallyWalk *walk, const TallyType *type)
{
  const TallyStructInfo *info = (const TallyStructInfo *) type;

  if (type->kind != TALLY_KIND_STRUCT || info->form == TALLY_FORM_UNION
      || walk->depth >= tally_limits_default.max_depth)
    return FALSE;
  for (guint i = 0; i < info->n_fields; i++)
    if (!is_sound_field (&info->fields[i]))
      return FALSE;
  return TRUE;
}

/* @what: the cell in a message. */
static gboolean
check_cell (TallyWalk *walk, const TallyType *type, gpointer stored, const gchar *what)
{
  TallyCell cell;
  gconstpointer slot = tally_slot_to_write (type, tally_cell_view (type, stored, &cell));

  if (slot != NULL)
    return check_value (walk, type, slot);
  g_set_error (walk->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "%s is NULL", what);
  return FALSE;
}

static gboolean
check_list (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  TallyListView view = tally_storage_view_list (type, slot);
  gboolean all_sound;

  if (is_sound (type->element))
    return TRUE;
  all_sound = is_sound_struct (walk, type->element);
  for (guint i = 0; i < view.length; i++)
    {
      gconstpointer item = view.data + i * view.stride;

      if (tally_slot_is_null (type->element, item))
        {
          g_set_error (walk->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "element %u is NULL",
                       i);
          return FALSE;
        }
      if (!all_sound && !check_value (walk, type->element, item))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_table (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  const gboolean is_map = type->kind == TALLY_KIND_MAP;
  TallyTableIter iter;
  gpointer key, value;

  /* Numbers lie behind pointers here, which may be NULL. */
  if (is_text (type->element) && (!is_map || is_text (type->key)))
    return TRUE;
  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    if (is_map ? !check_cell (walk, type->key, key, "a key")
                     || !check_cell (walk, type->element, value, "a value")
               : !check_cell (walk, type->element, key, "an element"))
      return FALSE;
  return TRUE;
}

static gboolean
check_container (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  gboolean done;

  if (!tally_walk_enter (walk, TALLY_ERROR, TALLY_ERROR_LIMIT))
    return FALSE;
  done = (type->key == NULL || check_uuid (walk, type->key)) && check_uuid (walk, type->element)
         && (type->kind == TALLY_KIND_LIST ? check_list (walk, type, slot)
                                           : check_table (walk, type, slot));
  walk->depth--;
  return done;
}

static gboolean
check_fields (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      gconstpointer slot;

      if (info->form != TALLY_FORM_UNION && is_sound_field (field))
        continue;
      if (!tally_walk_find_value (walk, info, field, instance, &slot))
        return FALSE;
      if (slot == NULL)
        continue;
      if (!check_uuid (walk, field->type)
          || (!is_sound (field->type) && !check_value (walk, field->type, slot)))
        {
          g_prefix_error (walk->error, "%s.%s: ", info->name, field->name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_struct (TallyWalk *walk, const TallyStructInfo *info, gconstpointer instance)
{
  gboolean done;

  if (!tally_walk_enter (walk, TALLY_ERROR, TALLY_ERROR_LIMIT))
    return FALSE;
  done = check_fields (walk, info, instance);
  walk->depth--;
  return done;
}

static gboolean
check_value (TallyWalk *walk, const TallyType *type, gconstpointer slot)
{
  if (is_sound (type))
    return TRUE;
  return type->kind == TALLY_KIND_STRUCT
             ? check_struct (walk, (const TallyStructInfo *) type, tally_storage_get_struct (slot))
             : check_container (walk, type, slot);
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
  done = check_struct (&walk, info, instance);
  return tally_walk_finish (&walk, done, NULL, local_error, error);
}
