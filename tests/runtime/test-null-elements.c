/* NULL elements of lists and sets, keys and values of maps: strings and binaries are written,
 * compared, hashed, printed and copied as empty ones; of other types they are errors. */
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "fixture.h"
#include "harness.h"
#include "storage.h"
#include "tally-error.h"

static const TallyType strings = TALLY_LIST_OF (&tally_type_string);
static const TallyType binaries = TALLY_LIST_OF (&tally_type_binary);
static const TallyType string_set = TALLY_SET_OF (&tally_type_string);
static const TallyType binary_set = TALLY_SET_OF (&tally_type_binary);
static const TallyType string_map = TALLY_MAP_OF (&tally_type_i32, &tally_type_string);
static const TallyType string_keys = TALLY_MAP_OF (&tally_type_string, &tally_type_binary);

/* A struct with one field of @type, whose C struct is one pointer. */
typedef struct
{
  TallyField field;
  TallyStructInfo info;
} Holder;

static void
holder_init (Holder *holder, const TallyType *type)
{
  holder->field = (TallyField){
    .name = "held", .id = 1, .type = type, .requiredness = TALLY_REQUIRED, .isset_offset = -1
  };
  holder->info =
      (TallyStructInfo) TALLY_INLINE_INFO (TALLY_FORM_STRUCT, "Holder", gpointer, (&holder->field));
  holder->info.n_fields = 1;
}

/* (transfer full) (nullable): what @value becomes over Apache's protocol, with its error. */
static GBytes *
walk (const Holder *holder, gpointer value, gboolean compact, GError **error)
{
  g_autoptr (GObject) buffer =
      test_keep (g_object_new (THRIFT_TYPE_MEMORY_BUFFER, "buf_size", 1 << 16, NULL));
  g_autoptr (GObject) protocol =
      g_object_new (compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
                    "transport", buffer, NULL);
  GByteArray *bytes = THRIFT_MEMORY_BUFFER (buffer)->buf;

  if (!tally_walker_write_struct (THRIFT_PROTOCOL (protocol), &holder->info, &value, NULL, error))
    return NULL;
  return g_bytes_new (bytes->data, bytes->len);
}

static GBytes *
encode (const Holder *holder, gpointer value, gboolean compact, GError **error)
{
  const TallyCodec *codec = compact ? &tally_codec_compact : &tally_codec_binary;
  TallyBuffer buffer = { NULL };
  GBytes *bytes = NULL;

  if (codec->write_struct (&buffer, &holder->info, &value, error))
    bytes = g_bytes_new (buffer.data, buffer.length);
  tally_buffer_clear (&buffer);
  return bytes;
}

/* @holed has a NULL where @filled has an empty value. Both are freed. */
static void
assert_null_is_empty (const TallyType *type, gpointer holed, gpointer filled)
{
  g_autofree gchar *holed_text = tally_value_to_string (type, &holed);
  g_autofree gchar *filled_text = tally_value_to_string (type, &filled);
  gpointer copy = NULL;
  Holder holder;

  holder_init (&holder, type);
  for (gint compact = FALSE; compact <= TRUE; compact++)
    {
      GError *error = NULL;
      g_autoptr (GBytes) expected = encode (&holder, filled, compact, &error);
      g_autoptr (GBytes) encoded = encode (&holder, holed, compact, &error);
      g_autoptr (GBytes) walked = walk (&holder, holed, compact, &error);

      assert_no_error (error);
      CU_ASSERT_TRUE (encoded != NULL && g_bytes_equal (encoded, expected));
      CU_ASSERT_TRUE (walked != NULL && g_bytes_equal (walked, expected));
    }
  assert_string (holed_text, filled_text);
  CU_ASSERT_TRUE (tally_value_equal (type, &holed, &filled));
  CU_ASSERT_EQUAL (tally_value_hash (type, &holed), tally_value_hash (type, &filled));
  tally_value_copy (type, &holed, &copy);
  CU_ASSERT_TRUE (tally_value_equal (type, &copy, &filled));
  tally_value_clear (type, &copy);
  tally_value_clear (type, &holed);
  tally_value_clear (type, &filled);
}

static void
lists_of_strings_and_binaries (void)
{
  GPtrArray *holed = tally_storage_new (&strings), *filled = tally_storage_new (&strings);

  g_ptr_array_add (holed, g_strdup ("a"));
  g_ptr_array_add (holed, g_malloc (0));
  g_ptr_array_add (filled, g_strdup ("a"));
  g_ptr_array_add (filled, g_strdup (""));
  assert_null_is_empty (&strings, holed, filled);

  holed = tally_storage_new (&binaries);
  filled = tally_storage_new (&binaries);
  g_ptr_array_add (holed, NULL);
  g_ptr_array_add (filled, g_byte_array_new ());
  assert_null_is_empty (&binaries, holed, filled);
}

static void
sets_of_strings_and_binaries (void)
{
  /* A table that hashes strings by value cannot hold a NULL; one that a program made may. */
  GHashTable *holed = g_hash_table_new (NULL, NULL), *filled = tally_storage_new (&string_set);

  g_hash_table_add (holed, NULL);
  g_hash_table_add (filled, g_strdup (""));
  assert_null_is_empty (&string_set, holed, filled);

  holed = g_hash_table_new (tally_binary_hash, tally_binary_equal);
  filled = tally_storage_new (&binary_set);
  g_hash_table_add (holed, NULL);
  g_hash_table_add (filled, g_byte_array_new ());
  assert_null_is_empty (&binary_set, holed, filled);
}

static void
keys_and_values_of_maps (void)
{
  GHashTable *holed = tally_storage_new (&string_map), *filled = tally_storage_new (&string_map);
  gint32 key = 5;

  g_hash_table_insert (holed, g_memdup2 (&key, sizeof key), NULL);
  g_hash_table_insert (filled, g_memdup2 (&key, sizeof key), g_strdup (""));
  assert_null_is_empty (&string_map, holed, filled);

  holed = g_hash_table_new (NULL, NULL);
  filled = tally_storage_new (&string_keys);
  g_hash_table_insert (holed, NULL, NULL);
  g_hash_table_insert (filled, g_strdup (""), g_byte_array_new ());
  assert_null_is_empty (&string_keys, holed, filled);
}

/* @part: of the error of both writers. @value is freed. */
static void
assert_null_fails (const TallyType *type, gpointer value, const gchar *part)
{
  Holder holder;

  holder_init (&holder, type);
  for (gint compact = FALSE; compact <= TRUE; compact++)
    {
      GError *error = NULL;

      CU_ASSERT_PTR_NULL (encode (&holder, value, compact, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, part);
      g_clear_error (&error);
      CU_ASSERT_PTR_NULL (walk (&holder, value, compact, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, part);
      g_clear_error (&error);
    }
  tally_value_clear (type, &value);
}

static void
structs_containers_and_numbers_are_errors (void)
{
  const TallyType points = TALLY_LIST_OF (&fix_point_info.type);
  const TallyType lists = TALLY_LIST_OF (&fix_list_i32);
  const TallyType numbers = TALLY_MAP_OF (&tally_type_string, &tally_type_i32);
  GPtrArray *list;
  /* One that does not free its values: GLib's functions would complain about these. */
  GHashTable *map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_hash_table_insert (map, g_strdup ("k"), NULL);
  assert_null_fails (&fix_map_string_point, map, "Holder.held: a value is NULL");

  map = tally_storage_new (&numbers);
  g_hash_table_insert (map, g_strdup ("k"), NULL);
  assert_null_fails (&numbers, map, "Holder.held: a value is NULL");

  list = g_ptr_array_new ();
  g_ptr_array_add (list, NULL);
  assert_null_fails (&points, list, "Holder.held: element 0 is NULL");
  list = g_ptr_array_new ();
  g_ptr_array_add (list, NULL);
  assert_null_fails (&lists, list, "Holder.held: element 0 is NULL");
}

/* Nothing reads through such a NULL, whatever is done with the value. */
static void
numbers_that_are_null_are_only_themselves (void)
{
  const TallyType type = TALLY_MAP_OF (&tally_type_string, &tally_type_i32);
  gpointer holed = tally_storage_new (&type), filled = tally_storage_new (&type), copy = NULL;
  gint32 zero = 0;

  g_hash_table_insert (holed, g_strdup ("k"), NULL);
  g_hash_table_insert (filled, g_strdup ("k"), g_memdup2 (&zero, sizeof zero));
  tally_value_copy (&type, &holed, &copy);
  CU_ASSERT_FALSE (tally_value_equal (&type, &holed, &filled));
  CU_ASSERT_FALSE (tally_value_equal (&type, &filled, &holed));
  CU_ASSERT_TRUE (tally_value_equal (&type, &holed, &copy));
  CU_ASSERT_EQUAL (tally_value_hash (&type, &holed), tally_value_hash (&type, &copy));
  tally_value_clear (&type, &holed);
  tally_value_clear (&type, &filled);
  tally_value_clear (&type, &copy);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (lists_of_strings_and_binaries),
    TEST (sets_of_strings_and_binaries),
    TEST (keys_and_values_of_maps),
    TEST (structs_containers_and_numbers_are_errors),
    TEST (numbers_that_are_null_are_only_themselves),
    { NULL },
  };

  return test_main ("null-elements", cases, argc, argv);
}
