/* Values of any type in memory: initial values, reset, disposal, copy, equality, hash. It knows tables
 * and storage; it knows no protocol. */
#include <math.h>
#include <string.h>

#include "codec-private.h"
#include "storage.h"
#include "tally-struct.h"

static gpointer
slot_of (gpointer instance, const TallyField *field)
{
  return (guint8 *) instance + field->offset;
}

static gconstpointer
const_slot_of (gconstpointer instance, const TallyField *field)
{
  return (const guint8 *) instance + field->offset;
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
        tally_value_init (type->element, &value->items[i + 1], tally_cell_open (type->element, &element));
      tally_storage_insert (type, slot, &key, &element);
    }
}

/* Fields given by a constant: ids and values in turn. */
static void
init_struct (const TallyStructInfo *info, const TallyValue *value, gpointer instance)
{
  for (guint i = 0; i + 1 < value->length; i += 2)
    {
      const TallyField *field = tally_struct_info_find_field (info, (gint16) value->items[i].integer);

      g_assert (field != NULL); /* the compiler checked the constant */
      tally_storage_clear (field->type, slot_of (instance, field));
      tally_value_init (field->type, &value->items[i + 1], slot_of (instance, field));
      tally_field_set_isset (field, instance, TRUE);
    }
}

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

/* @slot is zeroed. */
static void
init_field (const TallyStructInfo *info, const TallyField *field, gpointer slot)
{
  if (field->value != NULL)
    tally_value_init (field->type, field->value, slot);
  else if (field->type->kind >= TALLY_KIND_STRUCT && !starts_null (info, field))
    *(gpointer *) slot = tally_storage_new (field->type);
}

void
tally_struct_init_instance (const TallyStructInfo *info, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    init_field (info, &info->fields[i], slot_of (instance, &info->fields[i]));
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
  init_field (info, field, slot);
}

void
tally_struct_reset_instance (const TallyStructInfo *info, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    tally_struct_reset_field (info, &info->fields[i], instance);
}

void
tally_struct_clear_others (const TallyStructInfo *info, const TallyField *field, gpointer instance)
{
  for (guint i = 0; i < info->n_fields; i++)
    if (&info->fields[i] != field && tally_field_is_present (info, &info->fields[i], instance))
      tally_struct_reset_field (info, &info->fields[i], instance);
}

guint
tally_struct_count_present (const TallyStructInfo *info, gconstpointer instance)
{
  guint count = 0;

  for (guint i = 0; i < info->n_fields && count < 2; i++)
    count += tally_field_is_present (info, &info->fields[i], instance);
  return count;
}

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
        memcpy (tally_storage_grow_list (target, view.length), view.data, view.length * view.stride);
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

static void
copy_cell (const TallyType *type, gpointer stored, TallyCell *copy)
{
  TallyCell cell;
  gconstpointer slot = tally_cell_view (type, stored, &cell);

  tally_value_copy (type, slot, tally_cell_open (type, copy));
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
      tally_value_copy (field->type, const_slot_of (source, field), slot_of (target, field));
      if (field->isset_offset != TALLY_NO_ISSET)
        tally_field_set_isset (field, target,
                               *(const gboolean *) ((const guint8 *) source + field->isset_offset));
    }
}

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

gpointer
tally_struct_copy (gconstpointer object)
{
  gpointer copy = NULL;

  tally_value_copy (&tally_struct_get_info (object)->type, &object, &copy);
  return copy;
}

/* ---- equality ---- */

static gboolean
equal_instances (const TallyStructInfo *info, gconstpointer a, gconstpointer b)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      gboolean present = tally_field_is_present (info, field, a);

      if (present != tally_field_is_present (info, field, b))
        return FALSE;
      if (present && !tally_value_equal (field->type, const_slot_of (a, field), const_slot_of (b, field)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
equal_lists (const TallyType *type, gconstpointer a, gconstpointer b)
{
  TallyListView left = tally_storage_view_list (type, a), right = tally_storage_view_list (type, b);

  if (left.length != right.length)
    return FALSE;
  for (guint i = 0; i < left.length; i++)
    if (!tally_value_equal (type->element, left.data + i * left.stride, right.data + i * right.stride))
      return FALSE;
  return TRUE;
}

static gboolean
equal_tables (const TallyType *type, gconstpointer a, gconstpointer b)
{
  TallyTableIter iter;
  gpointer key, value;

  if (tally_storage_table_length (a) != tally_storage_table_length (b))
    return FALSE;
  tally_table_iter_init (&iter, a);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      TallyCell left, right;
      gpointer other;

      if (!tally_storage_lookup (b, key, &other))
        return FALSE;
      if (type->kind == TALLY_KIND_MAP
          && !tally_value_equal (type->element, tally_cell_view (type->element, value, &left),
                                 tally_cell_view (type->element, other, &right)))
        return FALSE;
    }
  return TRUE;
}

gboolean
tally_value_equal (const TallyType *type, gconstpointer slot_a, gconstpointer slot_b)
{
  if (type->kind == TALLY_KIND_BOOL)
    return !*(const gboolean *) slot_a == !*(const gboolean *) slot_b;
  if (type->kind == TALLY_KIND_DOUBLE)
    {
      /* A copy is equal to its original, also where NaN is in it. */
      gdouble a = *(const gdouble *) slot_a, b = *(const gdouble *) slot_b;

      return a == b || (isnan (a) && isnan (b));
    }
  if (type->storage == TALLY_STORAGE_PLAIN)
    return memcmp (slot_a, slot_b, type->size) == 0;
  if (tally_slot_is_null (type, slot_a) || tally_slot_is_null (type, slot_b))
    return tally_slot_is_null (type, slot_a) && tally_slot_is_null (type, slot_b);
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRING:
    case TALLY_KIND_BINARY:
      {
        gsize length_a, length_b;
        const guint8 *a = tally_storage_get_bytes (type, slot_a, &length_a);
        const guint8 *b = tally_storage_get_bytes (type, slot_b, &length_b);

        return length_a == length_b && (length_a == 0 || memcmp (a, b, length_a) == 0);
      }
    case TALLY_KIND_STRUCT:
      return equal_instances ((const TallyStructInfo *) type, tally_storage_get_struct (slot_a),
                              tally_storage_get_struct (slot_b));
    case TALLY_KIND_LIST:
      return equal_lists (type, slot_a, slot_b);
    default:
      return equal_tables (type, slot_a, slot_b);
    }
}

gboolean
tally_struct_equal (gconstpointer a, gconstpointer b)
{
  const TallyStructInfo *info;

  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL)
    return FALSE;
  info = tally_struct_get_info (a);
  return info == tally_struct_get_info (b) && equal_instances (info, a, b);
}

/* ---- hash ---- */

/* The finalizer of MurmurHash3's 32-bit variant spreads what FNV and small integers leave close. */
static guint
mix (guint hash, guint value)
{
  guint32 mixed = hash * 31 + value;

  mixed = (mixed ^ (mixed >> 16)) * 0x85ebca6bu;
  mixed = (mixed ^ (mixed >> 13)) * 0xc2b2ae35u;
  return mixed ^ (mixed >> 16);
}

static guint
hash_instance (const TallyStructInfo *info, gconstpointer instance)
{
  guint hash = info->n_fields;

  for (guint i = 0; i < info->n_fields; i++)
    if (tally_field_is_present (info, &info->fields[i], instance))
      hash = mix (hash + (guint) info->fields[i].id,
                  tally_value_hash (info->fields[i].type, const_slot_of (instance, &info->fields[i])));
  return hash;
}

/* A table has no order: its pairs' hashes are added. */
static guint
hash_table (const TallyType *type, gconstpointer slot)
{
  guint hash = tally_storage_table_length (slot);
  TallyTableIter iter;
  gpointer key, value;

  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      const TallyType *key_type = type->kind == TALLY_KIND_MAP ? type->key : type->element;
      TallyCell cell;
      guint pair = tally_value_hash (key_type, tally_cell_view (key_type, key, &cell));

      if (type->kind == TALLY_KIND_MAP)
        pair = mix (pair, tally_value_hash (type->element, tally_cell_view (type->element, value, &cell)));
      hash += mix (1, pair);
    }
  return hash;
}

static guint
hash_plain (const TallyType *type, gconstpointer slot)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return *(const gboolean *) slot != FALSE;
    case TALLY_KIND_I8:
      return (guint) *(const gint8 *) slot;
    case TALLY_KIND_I16:
      return (guint) *(const gint16 *) slot;
    case TALLY_KIND_I64:
      return g_int64_hash (slot);
    case TALLY_KIND_DOUBLE:
      {
        /* Equal values have equal hashes: of zero there are two, of NaN many. */
        gdouble number = *(const gdouble *) slot;
        guint64 bits = 0;

        if (isnan (number))
          return 1;
        if (number != 0)
          memcpy (&bits, &number, sizeof bits);
        return (guint) (bits ^ (bits >> 32));
      }
    case TALLY_KIND_UUID:
      return tally_uuid_hash (slot);
    default:
      return (guint) *(const gint32 *) slot;
    }
}

guint
tally_value_hash (const TallyType *type, gconstpointer slot)
{
  if (type->storage == TALLY_STORAGE_PLAIN)
    return hash_plain (type, slot);
  if (tally_slot_is_null (type, slot))
    return 0;
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRING:
    case TALLY_KIND_BINARY:
      {
        gsize length;
        const guint8 *bytes = tally_storage_get_bytes (type, slot, &length);

        return tally_bytes_hash (bytes, length);
      }
    case TALLY_KIND_STRUCT:
      return hash_instance ((const TallyStructInfo *) type, tally_storage_get_struct (slot));
    case TALLY_KIND_LIST:
      {
        TallyListView view = tally_storage_view_list (type, slot);
        guint hash = view.length;

        for (guint i = 0; i < view.length; i++)
          hash = mix (hash, tally_value_hash (type->element, view.data + i * view.stride));
        return hash;
      }
    default:
      return hash_table (type, slot);
    }
}

guint
tally_struct_hash (gconstpointer object)
{
  return hash_instance (tally_struct_get_info (object), object);
}
