/* Values of any type in memory: initial values, reset, disposal, copy. It knows tables and storage;
 * it knows no protocol. */
#include <string.h>

#include "codec-private.h"
#include "storage.h"
#include "tally-struct.h"

static gpointer
slot_of (gpointer instance, const TallyField *field)
{
  return (guint8 *) instance + field->offset;
}

/* ---- initial values ---- */

static void
init_plain (const TallyType *type, const TallyValue *value, gpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      *(gboolean *) slot = value->integer != 0;
      return;
    case TALLY_KIND_I8:
      *(gint8 *) slot = (gint8) value->integer;
      return;
    case TALLY_KIND_I16:
      *(gint16 *) slot = (gint16) value->integer;
      return;
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      *(gint32 *) slot = (gint32) value->integer;
      return;
    case TALLY_KIND_I64:
      *(gint64 *) slot = value->integer;
      return;
    case TALLY_KIND_DOUBLE:
      *(gdouble *) slot = value->number;
      return;
    case TALLY_KIND_UUID:
      memcpy (slot, value->bytes, sizeof (TallyUuid));
      return;
    default:
      g_assert_not_reached ();
    }
}

static void
init_list (const TallyType *type, const TallyValue *value, gpointer slot)
{
  const TallyType *element = type->element;

  if (element->storage == TALLY_STORAGE_PLAIN)
    {
      guint8 *target = tally_storage_grow_list (slot, value->length);

      for (guint i = 0; i < value->length; i++)
        init_plain (element, &value->items[i], target + (gsize) i * element->size);
      return;
    }
  tally_storage_reserve_list (slot, value->length);
  for (guint i = 0; i < value->length; i++)
    {
      gpointer item = NULL;

      tally_value_init (element, &value->items[i], &item);
      tally_storage_append (slot, value->length, item);
    }
}

static void
init_table (const TallyType *type, const TallyValue *value, gpointer slot)
{
  const gboolean is_map = type->kind == TALLY_KIND_MAP;

  for (guint i = 0; i < value->length; i += is_map ? 2 : 1)
    {
      const TallyType *key_type = is_map ? type->key : type->element;
      TallyCell key, element;

      tally_value_init (key_type, &value->items[i], tally_cell_open (key_type, &key));
      if (is_map)
        tally_value_init (type->element, &value->items[i + 1],
                          tally_cell_open (type->element, &element));
      tally_storage_insert (type, slot, &key, &element);
    }
}

/* Fields given by a constant: ids and values in turn. */
static void
init_struct (const TallyStructInfo *info, const TallyValue *value, gpointer instance)
{
  for (guint i = 0; i + 1 < value->length; i += 2)
    {
      const TallyField *field =
          tally_struct_info_find_field (info, (gint16) value->items[i].integer);

      g_assert (field != NULL); /* the compiler checked the constant */
      tally_storage_clear (field->type, slot_of (instance, field));
      tally_value_init (field->type, &value->items[i + 1], slot_of (instance, field));
      tally_field_set_isset (field, instance, TRUE);
    }
}

/**
 * tally_value_init: (skip)
 * @type: the slot's type
 * @value: (nullable): what it is to hold
 * @slot: (out caller-allocates): where it lies; what is there is overwritten, not freed
 *
 * Gives a slot its first value: @value's, or with %NULL an empty one: zero, a %NULL string or
 * binary, an allocated container or struct.
 */
void
tally_value_init (const TallyType *type, const TallyValue *value, gpointer slot)
{
  gpointer *pointer = slot;

  if (type->storage == TALLY_STORAGE_PLAIN)
    {
      if (value != NULL)
        init_plain (type, value, slot);
      else
        memset (slot, 0, type->size);
      return;
    }
  *pointer = NULL;
  if (type->kind == TALLY_KIND_STRING || type->kind == TALLY_KIND_BINARY)
    {
      if (value != NULL)
        tally_storage_set_bytes (type, slot, value->bytes, value->length);
      return;
    }
  *pointer = tally_storage_new (type);
  if (value == NULL)
    return;
  if (type->kind == TALLY_KIND_LIST)
    init_list (type, value, slot);
  else if (type->kind == TALLY_KIND_STRUCT)
    init_struct ((const TallyStructInfo *) type, value, *pointer);
  else
    init_table (type, value, slot);
}

/* Whether a field begins as NULL although it could be allocated. An argument does: it is completed
 * after reading, so that nothing is allocated in order to be replaced. So does an exception of a
 * result. */
static gboolean
starts_null (const TallyStructInfo *info, const TallyField *field)
{
  return field->starts_null || info->form == TALLY_FORM_ARGS
         || (info->form == TALLY_FORM_RESULT && field->id != 0);
}

static gsize memory_of_value (const TallyType *type, const TallyValue *value);

/* Of the elements, keys and values, or fields that a constant has. */
static gsize
memory_of_items (const TallyType *type, const TallyValue *value)
{
  const guint step = type->kind == TALLY_KIND_MAP ? 2 : 1;
  gsize memory = tally_memory_of_elements (type, value->length / step);

  for (guint i = 0; i < value->length; i += step)
    {
      if (type->kind == TALLY_KIND_MAP)
        memory += memory_of_value (type->key, &value->items[i]);
      memory += memory_of_value (type->element, &value->items[i + step - 1]);
    }
  return memory;
}

/* What tally_value_init () allocates; @value (nullable). */
static gsize
memory_of_value (const TallyType *type, const TallyValue *value)
{
  gsize memory;

  if (type->storage == TALLY_STORAGE_PLAIN)
    return 0;
  if (type->kind <= TALLY_KIND_BINARY)
    return value != NULL ? tally_memory_of_bytes (type, value->length) : 0;
  if (type->kind > TALLY_KIND_STRUCT)
    return tally_memory_of_container (type) + (value != NULL ? memory_of_items (type, value) : 0);

  const TallyStructInfo *info = (const TallyStructInfo *) type;

  memory = tally_struct_get_initial_memory (info);
  for (guint i = 0; value != NULL && i + 1 < value->length; i += 2)
    memory += memory_of_value (
        tally_struct_info_find_field (info, (gint16) value->items[i].integer)->type,
        &value->items[i + 1]);
  return memory;
}

gsize
tally_struct_get_initial_memory (const TallyStructInfo *info)
{
  gsize memory = info->instance_size + TALLY_MEMORY_BLOCK;

  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (field->value != NULL || !starts_null (info, field))
        memory += memory_of_value (field->type, field->value);
    }
  return memory;
}

/* @slot is zeroed. */
void
tally_struct_init_field (const TallyStructInfo *info, const TallyField *field, gpointer slot)
{
  if (field->value != NULL)
    tally_value_init (field->type, field->value, slot);
  else if (field->type->kind >= TALLY_KIND_STRUCT && !starts_null (info, field))
    *(gpointer *) slot = tally_storage_new (field->type);
}

void
tally_struct_complete_instance (const TallyStructInfo *info, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      gpointer slot = slot_of (instance, &info->fields[i]);

      if (tally_slot_is_null (info->fields[i].type, slot))
        *(gpointer *) slot = tally_storage_new (info->fields[i].type);
    }
}

void
tally_struct_dispose_instance (const TallyStructInfo *info, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    if (info->fields[i].type->storage != TALLY_STORAGE_PLAIN)
      tally_storage_clear (info->fields[i].type, slot_of (instance, &info->fields[i]));
}

void
tally_struct_reset_field (const TallyStructInfo *info, const TallyField *field, gpointer instance)
{
  gpointer slot = slot_of (instance, field);
  const TallyType *type = field->type;

  tally_field_set_isset (field, instance, FALSE);
  if (field->value == NULL && !starts_null (info, field) && !tally_slot_is_null (type, slot))
    {
      /* What is there can serve again: emptied it is as good as new. */
      if (type->kind == TALLY_KIND_STRUCT)
        {
          tally_storage_open_struct ((const TallyStructInfo *) type, slot, FALSE);
          return;
        }
      if (type->kind > TALLY_KIND_STRUCT)
        {
          tally_storage_empty (type, slot);
          return;
        }
    }
  tally_storage_clear (type, slot);
  tally_struct_init_field (info, field, slot);
}

void
tally_struct_reset_instance (const TallyStructInfo *info, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    tally_struct_reset_field (info, &info->fields[i], instance);
}

/**
 * tally_constant_get: (skip)
 * @once: a zeroed static variable, one for each constant
 * @type: a container or struct type
 * @value: the constant
 *
 * Builds a constant once, whichever thread comes first. Thread-safe; what it returns must not be
 * changed.
 *
 * Returns: (transfer none): the constant, for ever
 */
gpointer
tally_constant_get (gsize *once, const TallyType *type, const TallyValue *value)
{
  if (g_once_init_enter (once))
    {
      gpointer built = NULL;

      tally_value_init (type, value, &built);
      g_once_init_leave (once, (gsize) built);
    }
  return GSIZE_TO_POINTER (*once);
}

/**
 * tally_value_clear: (skip)
 * @type: the slot's type
 * @slot: where the value lies
 *
 * Frees what the slot owns and zeroes it.
 */
void
tally_value_clear (const TallyType *type, gpointer slot)
{
  tally_storage_clear (type, slot);
}

/* ---- copy ---- */

static void
copy_list (const TallyType *type, gconstpointer source, gpointer target)
{
  const TallyType *element = type->element;
  TallyListView view = tally_storage_view_list (type, source);

  if (element->storage == TALLY_STORAGE_PLAIN)
    {
      if (view.length > 0)
        memcpy (tally_storage_grow_list (target, view.length), view.data,
                view.length * view.stride);
      return;
    }
  tally_storage_reserve_list (target, view.length);
  for (guint i = 0; i < view.length; i++)
    {
      gpointer item = NULL;

      tally_value_copy (element, view.data + i * view.stride, &item);
      tally_storage_append (target, view.length, item);
    }
}

/* A string or binary that is NULL becomes the empty one that is written for it: it may be a key, and
 * the copy's table hashes by value. */
static void
copy_cell (const TallyType *type, gpointer stored, TallyCell *copy)
{
  TallyCell cell;
  gconstpointer slot = tally_slot_to_write (type, tally_cell_view (type, stored, &cell));

  if (slot != NULL)
    tally_value_copy (type, slot, tally_cell_open (type, copy));
  else
    copy->pointer = NULL;
}

static void
copy_table (const TallyType *type, gconstpointer source, gpointer target)
{
  TallyTableIter iter;
  gpointer key, value;

  tally_table_iter_init (&iter, source);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      TallyCell new_key, new_value;

      copy_cell (type->kind == TALLY_KIND_MAP ? type->key : type->element, key, &new_key);
      if (type->kind == TALLY_KIND_MAP)
        copy_cell (type->element, value, &new_value);
      tally_storage_insert (type, target, &new_key, &new_value);
    }
}

/* @target is of initial values. Values are copied whether they are set or not. */
static void
copy_instance (const TallyStructInfo *info, gconstpointer source, gpointer target)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      tally_storage_clear (field->type, slot_of (target, field));
      tally_value_copy (field->type, tally_field_const_slot (source, field),
                        slot_of (target, field));
      if (field->isset_offset != TALLY_NO_ISSET)
        tally_field_set_isset (field, target,
                               *(const gboolean *) ((const guint8 *) source + field->isset_offset));
    }
}

/**
 * tally_value_copy: (skip)
 * @type: the type of both slots
 * @source: where the value lies
 * @target: (out caller-allocates): where a deep copy goes; what is there is overwritten, not freed
 *
 * Copies a value with all that it owns. A %NULL stays %NULL, but for a string or binary that is a
 * key or value of a map or an element of a set: it becomes an empty one.
 */
void
tally_value_copy (const TallyType *type, gconstpointer source, gpointer target)
{
  gpointer *pointer = target;

  if (type->storage == TALLY_STORAGE_PLAIN)
    {
      memcpy (target, source, type->size);
      return;
    }
  *pointer = NULL;
  if (tally_slot_is_null (type, source))
    return;
  if (type->kind == TALLY_KIND_STRING || type->kind == TALLY_KIND_BINARY)
    {
      gsize length;
      const guint8 *bytes = tally_storage_get_bytes (type, source, &length);

      tally_storage_set_bytes (type, target, bytes, length);
      return;
    }
  *pointer = tally_storage_new (type);
  if (type->kind == TALLY_KIND_STRUCT)
    copy_instance ((const TallyStructInfo *) type, tally_storage_get_struct (source), *pointer);
  else if (type->kind == TALLY_KIND_LIST)
    copy_list (type, source, target);
  else
    copy_table (type, source, target);
}
