/* Values of any type compared and hashed by value, to any depth. It knows tables and storage. */
#include <math.h>
#include <string.h>

#include "codec-private.h"
#include "hash-private.h"
#include "storage.h"
#include "struct-private.h"
#include "tally-struct.h"

/* ---- equality ---- */

/* A copy is equal to its original, also where NaN is in it. */
gboolean
tally_double_equal (gconstpointer a, gconstpointer b)
{
  gdouble left = *(const gdouble *) a, right = *(const gdouble *) b;

  return left == right || (isnan (left) && isnan (right));
}

static gboolean
equal_instances (const TallyStructInfo *info, gconstpointer a, gconstpointer b)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      gboolean present = tally_field_is_present (info, field, a);

      if (present != tally_field_is_present (info, field, b))
        return FALSE;
      if (present
          && !tally_value_equal (field->type, tally_field_const_slot (a, field),
                                 tally_field_const_slot (b, field)))
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
    if (!tally_value_equal (type->element, left.data + i * left.stride,
                            right.data + i * right.stride))
      return FALSE;
  return TRUE;
}

/* Of keys, elements and values of tables. A number's may be NULL, which is equal to NULL alone. */
static gboolean
equal_cells (const TallyType *type, gpointer a, gpointer b)
{
  TallyCell left, right;
  gconstpointer slot_a = tally_cell_view (type, a, &left);
  gconstpointer slot_b = tally_cell_view (type, b, &right);

  if (slot_a == NULL || slot_b == NULL)
    return slot_a == slot_b;
  return tally_value_equal (type, slot_a, slot_b);
}

/* A key to look up: a string that is NULL is an empty one, but a table cannot hash it. */
static gconstpointer
get_key (const TallyType *type, gconstpointer stored)
{
  const gconstpointer *empty = stored == NULL ? tally_storage_get_empty (type) : NULL;

  return empty != NULL ? *empty : stored;
}

static gboolean
equal_tables (const TallyType *type, gconstpointer a, gconstpointer b)
{
  const TallyType *key_type = type->kind == TALLY_KIND_MAP ? type->key : type->element;
  TallyTableIter iter;
  gpointer key, value;

  if (tally_storage_table_length (a) != tally_storage_table_length (b))
    return FALSE;
  tally_table_iter_init (&iter, a);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      gpointer other;

      if (!tally_storage_lookup (b, get_key (key_type, key), &other))
        return FALSE;
      if (type->kind == TALLY_KIND_MAP && !equal_cells (type->element, value, other))
        return FALSE;
    }
  return TRUE;
}

/**
 * tally_value_equal: (skip)
 * @type: the type of both slots
 * @slot_a: where one value lies
 * @slot_b: where the other lies
 *
 * Compares by value and to any depth. NaN equals NaN, so that a copy equals its original; a field
 * counts only if it would be written; a string or binary that is %NULL equals an empty one.
 *
 * Returns: whether the values are equal
 */
gboolean
tally_value_equal (const TallyType *type, gconstpointer slot_a, gconstpointer slot_b)
{
  if (type->kind == TALLY_KIND_BOOL)
    return !*(const gboolean *) slot_a == !*(const gboolean *) slot_b;
  if (type->kind == TALLY_KIND_DOUBLE)
    return tally_double_equal (slot_a, slot_b);
  if (type->storage == TALLY_STORAGE_PLAIN)
    return memcmp (slot_a, slot_b, type->size) == 0;
  slot_a = tally_slot_to_write (type, slot_a);
  slot_b = tally_slot_to_write (type, slot_b);
  if (slot_a == NULL || slot_b == NULL)
    return slot_a == slot_b;
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

/**
 * tally_struct_equal:
 * @a: (nullable): any TallyStruct
 * @b: (nullable): any TallyStruct
 *
 * A GEqualFunc: whether both are of one class and hold the same. Not to be used while another
 * thread changes either.
 *
 * Returns: whether they are equal
 */
gboolean
tally_struct_equal (gconstpointer a, gconstpointer b)
{
  const TallyStructInfo *info;

  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL)
    return FALSE;
  info = tally_struct_peek_info (a);
  return info == tally_struct_peek_info (b) && equal_instances (info, a, b);
}

/* ---- hash ---- */

/* What comes next to what has come. */
static guint
mix (guint hash, guint value)
{
  return tally_hash_number ((guint64) hash << 32 | value);
}

static guint
hash_instance (const TallyStructInfo *info, gconstpointer instance)
{
  guint hash = info->n_fields;

  for (guint i = 0; i < info->n_fields; i++)
    if (tally_field_is_present (info, &info->fields[i], instance))
      hash = mix (hash + (guint) info->fields[i].id,
                  tally_value_hash (info->fields[i].type,
                                    tally_field_const_slot (instance, &info->fields[i])));
  return hash;
}

static guint
hash_cell (const TallyType *type, gpointer stored)
{
  TallyCell cell;
  gconstpointer slot = tally_cell_view (type, stored, &cell);

  return slot != NULL ? tally_value_hash (type, slot) : 0;
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
      guint pair = hash_cell (key_type, key);

      if (type->kind == TALLY_KIND_MAP)
        pair = mix (pair, hash_cell (type->element, value));
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
      return tally_hash_number (*(const gboolean *) slot != FALSE);
    case TALLY_KIND_DOUBLE:
      return tally_hash_double (slot);
    default:
      return tally_hash_bytes (slot, type->size);
    }
}

/**
 * tally_value_hash: (skip)
 * @type: the slot's type
 * @slot: where the value lies
 *
 * Hashes with the process's own key: another process, or the next run, has other hashes.
 *
 * Returns: a hash that equal values share
 */
guint
tally_value_hash (const TallyType *type, gconstpointer slot)
{
  if (type->storage == TALLY_STORAGE_PLAIN)
    return hash_plain (type, slot);
  slot = tally_slot_to_write (type, slot);
  if (slot == NULL)
    return 0;
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRING:
    case TALLY_KIND_BINARY:
      {
        gsize length;
        const guint8 *bytes = tally_storage_get_bytes (type, slot, &length);

        return tally_hash_bytes (bytes, length);
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

/**
 * tally_struct_hash:
 * @object: any TallyStruct
 *
 * A GHashFunc, of the process's own key as tally_value_hash(). An object that is a key must not be
 * changed.
 *
 * Returns: a hash that equal objects share
 */
guint
tally_struct_hash (gconstpointer object)
{
  return hash_instance (tally_struct_peek_info (object), object);
}
