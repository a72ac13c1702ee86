/* Values by themselves: defaults and constants, keys, enums, uuids, and finding things in
 * tables. */
#include <math.h>
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "hash-private.h"
#include "storage.h"
#include "tally-error.h"

static void
test_constants_of_containers (void)
{
  /* { "here": { 1: 7, 2: ["t"] } } */
  static const TallyValue tags[] = { TALLY_STRING_VALUE ("t") };
  static const TallyValue point[] = { TALLY_INTEGER_VALUE (1), TALLY_INTEGER_VALUE (7),
                                      TALLY_INTEGER_VALUE (2), TALLY_ITEMS_VALUE (tags) };
  static const TallyValue pairs[] = { TALLY_STRING_VALUE ("here"), TALLY_ITEMS_VALUE (point) };
  static const TallyValue value = TALLY_ITEMS_VALUE (pairs);
  static gsize once;
  GHashTable *table = tally_constant_get (&once, &fix_map_string_point, &value);
  g_autofree gchar *text = tally_value_to_string (&fix_map_string_point, &table);

  assert_string (text, "{\"here\": Point(far=5, x=7, tags=[\"t\"])}");
  CU_ASSERT_TRUE (((FixPoint *) g_hash_table_lookup (table, "here"))->__isset_tags);
  CU_ASSERT_PTR_EQUAL (tally_constant_get (&once, &fix_map_string_point, &value), table);
}

static void
test_constants_of_plain_types (void)
{
  static const TallyValue number = TALLY_INTEGER_VALUE (-5);
  static const TallyValue fraction = TALLY_DOUBLE_VALUE (0.1234567890123);
  static const TallyValue uuid_value = { .bytes = "0123456789abcdef", .length = 16 };
  static const TallyValue bytes = TALLY_STRING_VALUE ("a\0b");
  gboolean truth;
  gint8 i8;
  gint16 i16;
  gint32 i32;
  gint64 i64;
  gdouble real;
  TallyUuid uuid;
  GByteArray *binary;

  tally_value_init (&tally_type_bool, &number, &truth);
  tally_value_init (&tally_type_i8, &number, &i8);
  tally_value_init (&tally_type_i16, &number, &i16);
  tally_value_init (&tally_type_i32, &number, &i32);
  tally_value_init (&tally_type_i64, &number, &i64);
  tally_value_init (&tally_type_double, &fraction, &real);
  tally_value_init (&tally_type_uuid, &uuid_value, &uuid);
  tally_value_init (&tally_type_binary, &bytes, &binary);
  assert_int (truth, TRUE);
  assert_int (i8, -5);
  assert_int (i16, -5);
  assert_int (i32, -5);
  assert_int (i64, -5);
  CU_ASSERT_TRUE (real == 0.1234567890123);
  CU_ASSERT_TRUE (memcmp (uuid.bytes, "0123456789abcdef", 16) == 0);
  assert_int (binary->len, 3);
  tally_value_clear (&tally_type_binary, &binary);
  CU_ASSERT_PTR_NULL (binary);
}

static void
test_empty_values (void)
{
  gpointer text = &text, list = NULL, point = NULL;

  tally_value_init (&tally_type_string, NULL, &text);
  tally_value_init (&fix_list_i32, NULL, &list);
  tally_value_init (&fix_point_info.type, NULL, &point);
  CU_ASSERT_PTR_NULL (text);
  assert_int (((GArray *) list)->len, 0);
  assert_int (((FixPoint *) point)->far, 5);
  tally_value_clear (&fix_list_i32, &list);
  tally_value_clear (&fix_point_info.type, &point);
}

static void
test_doubles (void)
{
  gdouble zero = 0.0, minus_zero = -0.0, nan_a = NAN, nan_b = NAN, one = 1;

  CU_ASSERT_TRUE (tally_value_equal (&tally_type_double, &zero, &minus_zero));
  assert_int (tally_value_hash (&tally_type_double, &zero),
              tally_value_hash (&tally_type_double, &minus_zero));
  CU_ASSERT_TRUE (tally_value_equal (&tally_type_double, &nan_a, &nan_b));
  assert_int (tally_value_hash (&tally_type_double, &nan_a),
              tally_value_hash (&tally_type_double, &nan_b));
  CU_ASSERT_FALSE (tally_value_equal (&tally_type_double, &one, &nan_a));
}

static void
test_bools_are_equal_by_truth (void)
{
  gboolean one = 1, two = 2;

  CU_ASSERT_TRUE (tally_value_equal (&tally_type_bool, &one, &two));
  assert_int (tally_value_hash (&tally_type_bool, &one), tally_value_hash (&tally_type_bool, &two));
}

static void
test_keys_by_value (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  FixAll *fields = (FixAll *) all;
  g_autoptr (GByteArray) bytes =
      g_byte_array_append (g_byte_array_new (), (const guint8 *) "a\0c", 3);
  g_autoptr (GObject) point = (GObject *) fix_point_new (1, "two");
  g_autoptr (GArray) list = g_array_new (FALSE, TRUE, sizeof (gint32));
  const gint32 numbers[] = { 2, 3 };

  g_array_append_vals (list, numbers, 2);
  CU_ASSERT_TRUE (g_hash_table_contains (fields->binary_set, bytes));
  CU_ASSERT_TRUE (g_hash_table_contains (fields->point_set, point));
  CU_ASSERT_TRUE (g_hash_table_contains (fields->list_set, list));
  g_byte_array_set_size (bytes, 2);
  CU_ASSERT_FALSE (g_hash_table_contains (fields->binary_set, bytes));
  ((FixPoint *) point)->x = 9;
  CU_ASSERT_FALSE (g_hash_table_contains (fields->point_set, point));
}

static void
test_sets_store_the_element_as_value (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) copy = tally_struct_copy (all);

  CU_ASSERT_PTR_EQUAL (g_hash_table_lookup (((FixAll *) copy)->string_set, "s"),
                       g_hash_table_lookup (((FixAll *) copy)->string_set, "s"));
  assert_string (g_hash_table_lookup (((FixAll *) copy)->string_set, "s"), "s");
  assert_int (GPOINTER_TO_INT (g_hash_table_lookup (((FixAll *) copy)->color_set,
                                                    GINT_TO_POINTER (FIX_COLOR_BLUE))),
              FIX_COLOR_BLUE);
}

static void
test_enum_names (void)
{
  assert_string (tally_enum_to_string (&fix_color_info, FIX_COLOR_BLUE), "FIX_COLOR_BLUE");
  assert_string (tally_enum_to_string (&fix_color_info, 99), "99");
}

static void
test_uuid_text (void)
{
  static const gchar *const text = "00112233-4455-6677-8899-aabbccddeeff";
  static const gchar *const wrong[] = { "",
                                        "00112233-4455-6677-8899-aabbccddeef",
                                        "00112233-4455-6677-8899-aabbccddeefff",
                                        "001122334455-6677-8899-aabbccddeeff",
                                        "0011223g-4455-6677-8899-aabbccddeeff",
                                        "00112233445566778899aabbccddeeff" };
  TallyUuid uuid, untouched = { { 9 } };
  gchar back[37];
  GError *error = NULL;

  CU_ASSERT_TRUE (tally_uuid_parse (text, &uuid, &error));
  assert_no_error (error);
  assert_int (uuid.bytes[15], 0xff);
  tally_uuid_to_string (&uuid, back);
  assert_string (back, text);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      CU_ASSERT_FALSE (tally_uuid_parse (wrong[i], &untouched, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, wrong[i]);
      g_clear_error (&error);
      assert_int (untouched.bytes[0], 9);
    }
}

static void
test_fields_are_found (void)
{
  for (guint i = 0; i < fix_all_info.n_fields; i++)
    CU_ASSERT_PTR_EQUAL (tally_struct_info_find_field (&fix_all_info, fix_all_info.fields[i].id),
                         &fix_all_info.fields[i]);
  CU_ASSERT_PTR_EQUAL (tally_struct_info_find_field (&fix_point_info, -3),
                       &fix_point_info.fields[0]);
  CU_ASSERT_PTR_NULL (tally_struct_info_find_field (&fix_all_info, 0));
  CU_ASSERT_PTR_NULL (tally_struct_info_find_field (&fix_all_info, 999));
  CU_ASSERT_PTR_NULL (tally_struct_info_find_field (&fix_all_info, 1001));
  CU_ASSERT_PTR_NULL (tally_struct_info_find_field (&fix_empty_info, 1));
}

static void
test_methods_are_found (void)
{
  static const TallyMethod parent_methods[] = { { TALLY_METHOD_NAME ("ping") } };
  static const TallyMethod methods[] = {
    { TALLY_METHOD_NAME ("Echo") },
    { TALLY_METHOD_NAME ("echo") },
    { TALLY_METHOD_NAME ("echoAll") },
  };
  static const TallyService parent = { "Parent", NULL, parent_methods,
                                       G_N_ELEMENTS (parent_methods) };
  static const TallyService service = { "Service", &parent, methods, G_N_ELEMENTS (methods) };

  CU_ASSERT_PTR_EQUAL (tally_service_find_method (&service, "Echo", 4), &methods[0]);
  CU_ASSERT_PTR_EQUAL (tally_service_find_method (&service, "echo", 4), &methods[1]);
  CU_ASSERT_PTR_EQUAL (tally_service_find_method (&service, "echoAllX", 7), &methods[2]);
  CU_ASSERT_PTR_EQUAL (tally_service_find_method (&service, "ping", 4), &parent_methods[0]);
  CU_ASSERT_PTR_NULL (tally_service_find_method (&service, "ech", 3));
  CU_ASSERT_PTR_NULL (tally_service_find_method (&service, "echoA", 5));
  CU_ASSERT_PTR_NULL (tally_service_find_method (&service, "echo\0", 5));
  CU_ASSERT_PTR_NULL (tally_service_find_method (&service, "", 0));
  CU_ASSERT_PTR_NULL (tally_service_find_method (&parent, "echo", 4));
}

static gint
compare_methods (gconstpointer a, gconstpointer b)
{
  return strcmp (((const TallyMethod *) a)->name, ((const TallyMethod *) b)->name);
}

/* Names of each length that differ at each place, in both directions, and one that goes on behind another. */
static void
methods_are_found_wherever_names_differ (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) methods = g_array_new (FALSE, TRUE, sizeof (TallyMethod));
  TallyService service = { "Service", NULL, NULL, 0 };

  for (guint length = 1; length <= 14; length++)
    for (guint place = 0; place < 2 * length; place++)
      {
        gchar *name = g_strnfill (length, 'm');
        TallyMethod method = { .name = name, .name_length = length };

        name[place / 2] = place % 2 == 0 ? 'A' : '\xc3';
        g_ptr_array_add (names, name);
        g_array_append_val (methods, method);
      }
  g_array_sort (methods, compare_methods);
  service.methods = (const TallyMethod *) methods->data;
  service.n_methods = methods->len;
  for (guint i = 0; i < methods->len; i++)
    {
      const TallyMethod *method = &service.methods[i];

      CU_ASSERT_PTR_EQUAL (tally_service_find_method (&service, method->name, method->name_length),
                           method);
    }
  /* So few are found another way. */
  for (guint i = 0; i < methods->len; i++)
    {
      const guint first = MIN (i, methods->len - 4);
      const TallyService small = { "Small", NULL, service.methods + first, 4 };

      for (guint j = 0; j < methods->len; j++)
        {
          const TallyMethod *sought = &service.methods[j];

          CU_ASSERT_PTR_EQUAL (tally_service_find_method (&small, sought->name,
                                                          sought->name_length),
                               j >= first && j < first + 4 ? sought : NULL);
        }
    }
}

/* ---- numbers as keys ---- */

static guint
count_hashes (const TallyType *type, gconstpointer keys, guint count)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  GHashFunc hash = tally_storage_get_hash (type);

  for (guint i = 0; i < count; i++)
    g_hash_table_add (seen, GUINT_TO_POINTER (hash ((const guint8 *) keys + i * type->size)));
  return g_hash_table_size (seen);
}

/* Fractions, and what differs in the upper half only: a table of them is no list. */
static void
numbers_that_are_keys_are_spread (void)
{
  static gdouble fractions[10000];
  static gint64 large[10000];

  for (guint i = 0; i < G_N_ELEMENTS (large); i++)
    {
      fractions[i] = i / (gdouble) G_N_ELEMENTS (large);
      large[i] = (gint64) i << 32;
    }
  CU_ASSERT_TRUE (count_hashes (&tally_type_double, fractions, 10000) > 9900);
  CU_ASSERT_TRUE (count_hashes (&tally_type_i64, large, 10000) > 9900);
}

static void
keys_that_are_equal_have_one_hash (void)
{
  gdouble pairs[][2] = { { 0.0, -0.0 }, { NAN, -NAN }, { 1.5, 1.5 } };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      CU_ASSERT_TRUE (tally_double_equal (&pairs[i][0], &pairs[i][1]));
      CU_ASSERT_EQUAL (tally_hash_double (&pairs[i][0]), tally_hash_double (&pairs[i][1]));
    }
}

static void
a_copy_with_nan_as_a_key_is_equal (void)
{
  const TallyType set = TALLY_SET_OF (&tally_type_double);
  gpointer original = tally_storage_new (&set), copy = NULL;
  gdouble nan = NAN;

  g_hash_table_add (original, g_memdup2 (&nan, sizeof nan));
  tally_value_copy (&set, &original, &copy);
  CU_ASSERT_TRUE (tally_value_equal (&set, &original, &copy));
  CU_ASSERT_EQUAL (tally_value_hash (&set, &original), tally_value_hash (&set, &copy));
  tally_value_clear (&set, &original);
  tally_value_clear (&set, &copy);
}

/* Of every length that is compared in a way of its own, with a difference in any place. */
static void
bytes_are_equal_in_all_places (void)
{
  for (gsize length = 0; length <= 20; length++)
    {
      g_autofree gchar *one = g_strnfill (length, 'x');
      g_autofree gchar *other = g_strnfill (length, 'x');

      CU_ASSERT_TRUE (tally_bytes_are_equal (one, other, length));
      for (gsize i = 0; i < length; i++)
        {
          other[i] = 'y';
          CU_ASSERT_FALSE (tally_bytes_are_equal (one, other, length));
          other[i] = 'x';
        }
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_constants_of_containers),
    TEST (test_constants_of_plain_types),
    TEST (test_empty_values),
    TEST (test_doubles),
    TEST (test_bools_are_equal_by_truth),
    TEST (test_keys_by_value),
    TEST (test_sets_store_the_element_as_value),
    TEST (test_enum_names),
    TEST (test_uuid_text),
    TEST (test_fields_are_found),
    TEST (test_methods_are_found),
    TEST (methods_are_found_wherever_names_differ),
    TEST (numbers_that_are_keys_are_spread),
    TEST (keys_that_are_equal_have_one_hash),
    TEST (a_copy_with_nan_as_a_key_is_equal),
    TEST (bytes_are_equal_in_all_places),
    { NULL },
  };

  return test_main ("values", cases, argc, argv);
}
