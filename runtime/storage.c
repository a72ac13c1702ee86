/* Makes, empties and frees what storage.h describes. */
#include "storage.h"

#include <thrift/c_glib/thrift.h>

#include "codec-private.h"
#include "hash-private.h"
#include "struct-private.h"
#include "tally-struct.h"

/* A binary that is NULL is an empty one, also where containers free it. */
static void
free_bytes (gpointer bytes)
{
  if (bytes != NULL)
    g_byte_array_unref (bytes);
}

/* How a key or element of @type is freed by the container that holds it; as in Apache's containers
 * an enum has no such function. */
static GDestroyNotify
get_destroy (const TallyType *type)
{
  switch ((TallyStorage) type->storage)
    {
    case TALLY_STORAGE_PLAIN:
      return type->kind == TALLY_KIND_ENUM ? NULL : g_free;
    case TALLY_STORAGE_STRING:
      return g_free;
    case TALLY_STORAGE_BYTES:
      return free_bytes;
    case TALLY_STORAGE_OBJECT:
      return tally_instance_unref;
    case TALLY_STORAGE_ARRAY:
      return (GDestroyNotify) g_array_unref;
    case TALLY_STORAGE_PTRARRAY:
      return (GDestroyNotify) g_ptr_array_unref;
    case TALLY_STORAGE_TABLE:
      return (GDestroyNotify) g_hash_table_unref;
    case TALLY_STORAGE_INLINE:
      break;
    }
  g_assert_not_reached ();
}

GHashFunc
tally_storage_get_hash (const TallyType *type)
{
  if (type->hash != NULL)
    return type->hash;
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return thrift_boolean_hash;
    case TALLY_KIND_I8:
      return tally_hash_i8;
    case TALLY_KIND_I16:
      return tally_hash_i16;
    case TALLY_KIND_I32:
      return tally_hash_i32;
    case TALLY_KIND_I64:
      return tally_hash_i64;
    case TALLY_KIND_DOUBLE:
      return tally_hash_double;
    case TALLY_KIND_UUID:
      return tally_uuid_hash;
    case TALLY_KIND_STRING:
      return tally_hash_string;
    case TALLY_KIND_BINARY:
      return tally_binary_hash;
    case TALLY_KIND_STRUCT:
      return tally_struct_hash;
    case TALLY_KIND_ENUM:
      return tally_hash_enum;
    case TALLY_KIND_LIST:
    case TALLY_KIND_SET:
    case TALLY_KIND_MAP:
      break; /* a container without a function is known by identity only */
    }
  return g_direct_hash;
}

GEqualFunc
tally_storage_get_equal (const TallyType *type)
{
  if (type->equal != NULL)
    return type->equal;
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      return thrift_boolean_equal;
    case TALLY_KIND_I8:
      return thrift_int8_equal;
    case TALLY_KIND_I16:
      return thrift_int16_equal;
    case TALLY_KIND_I32:
      return g_int_equal;
    case TALLY_KIND_I64:
      return g_int64_equal;
    case TALLY_KIND_DOUBLE:
      return tally_double_equal;
    case TALLY_KIND_UUID:
      return tally_uuid_equal;
    case TALLY_KIND_STRING:
      return g_str_equal;
    case TALLY_KIND_BINARY:
      return tally_binary_equal;
    case TALLY_KIND_STRUCT:
      return tally_struct_equal;
    case TALLY_KIND_ENUM:
    case TALLY_KIND_LIST:
    case TALLY_KIND_SET:
    case TALLY_KIND_MAP:
      break;
    }
  return g_direct_equal;
}

void
tally_memory_set_error (gsize limit, GError **error)
{
  g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
               "the message takes more memory once decoded than the limit of %" G_GSIZE_FORMAT
               " bytes",
               limit);
}

static GHashTable *
new_table (const TallyType *type)
{
  /* A set stores its element as key and as value, and owns it once. */
  const TallyType *key = type->kind == TALLY_KIND_SET ? type->element : type->key;

  return g_hash_table_new_full (tally_storage_get_hash (key), tally_storage_get_equal (key),
                                get_destroy (key),
                                type->kind == TALLY_KIND_SET ? NULL : get_destroy (type->element));
}

gpointer
tally_storage_new (const TallyType *type)
{
  switch ((TallyStorage) type->storage)
    {
    case TALLY_STORAGE_STRING:
      return g_malloc0 (1);
    case TALLY_STORAGE_BYTES:
      return g_byte_array_new ();
    case TALLY_STORAGE_OBJECT:
      return tally_instance_new ((const TallyStructInfo *) type);
    case TALLY_STORAGE_ARRAY:
      return g_array_new (FALSE, TRUE, type->element->size);
    case TALLY_STORAGE_PTRARRAY:
      return g_ptr_array_new_with_free_func (get_destroy (type->element));
    case TALLY_STORAGE_TABLE:
      return new_table (type);
    case TALLY_STORAGE_PLAIN:
    case TALLY_STORAGE_INLINE:
      break;
    }
  g_assert_not_reached ();
}

void
tally_storage_clear (const TallyType *type, gpointer slot)
{
  gpointer *pointer = slot;
  gpointer value;

  switch ((TallyStorage) type->storage)
    {
    case TALLY_STORAGE_PLAIN:
      memset (slot, 0, type->size);
      return;
    case TALLY_STORAGE_INLINE:
      tally_struct_dispose_instance ((const TallyStructInfo *) type, slot);
      return;
    default:
      break;
    }
  /* Emptied first, so that whatever the free function runs does not find a dead value. */
  value = g_steal_pointer (pointer);
  if (value == NULL)
    return;
  if (type->storage == TALLY_STORAGE_STRING)
    g_free (value);
  else
    get_destroy (type) (value);
}

void
tally_storage_empty (const TallyType *type, gpointer slot)
{
  gpointer *pointer = slot;

  if (*pointer == NULL)
    {
      *pointer = tally_storage_new (type);
      return;
    }
  switch ((TallyStorage) type->storage)
    {
    case TALLY_STORAGE_ARRAY:
      if (((GArray *) *pointer)->len > 0)
        g_array_set_size (*pointer, 0);
      return;
    case TALLY_STORAGE_PTRARRAY:
      if (((GPtrArray *) *pointer)->len > 0)
        g_ptr_array_set_size (*pointer, 0);
      return;
    case TALLY_STORAGE_TABLE:
      if (g_hash_table_size (*pointer) > 0)
        g_hash_table_remove_all (*pointer);
      return;
    default:
      g_assert_not_reached ();
    }
}

gpointer
tally_storage_open_struct (const TallyStructInfo *info, gpointer slot, gboolean in_place)
{
  GObject **object = slot;

  if (*object != NULL && !in_place && g_atomic_int_get (&(*object)->ref_count) > 1)
    g_clear_object (object);
  if (*object == NULL)
    *object = tally_instance_new (info);
  else
    tally_struct_reset_instance (info, *object);
  return *object;
}

void
tally_storage_set_bytes (const TallyType *type, gpointer slot, gconstpointer bytes, gsize length)
{
  if (type->storage == TALLY_STORAGE_STRING)
    {
      gchar **text = slot;
      gchar *copy = g_malloc (length + 1);

      tally_copy_bytes (copy, bytes, length);
      copy[length] = '\0';
      if (*text != NULL)
        g_free (*text);
      *text = copy;
      return;
    }

  GByteArray **array = slot;
  GByteArray *fresh = g_byte_array_new_take (length > 0 ? g_memdup2 (bytes, length) : NULL, length);

  if (*array != NULL)
    g_byte_array_unref (*array);
  *array = fresh;
}

gboolean
tally_storage_lookup (gconstpointer slot, gconstpointer key, gpointer *value)
{
  return g_hash_table_lookup_extended (*(GHashTable *const *) slot, key, NULL, value);
}

gconstpointer
tally_storage_get_empty (const TallyType *type)
{
  static const GByteArray no_bytes = { NULL, 0 };
  static const GByteArray *const bytes = &no_bytes;
  static const gchar *const text = "";

  return type->storage == TALLY_STORAGE_BYTES    ? (gconstpointer) &bytes
         : type->storage == TALLY_STORAGE_STRING ? &text
                                                 : NULL;
}

gconstpointer
tally_field_get_stand_in (const TallyStructInfo *info, const TallyField *field)
{
  if (info->form == TALLY_FORM_UNION || field->type->storage == TALLY_STORAGE_BYTES)
    return tally_storage_get_empty (field->type);
  return NULL;
}
