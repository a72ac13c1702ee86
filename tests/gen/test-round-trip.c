/* Generated structs through both codecs: every type in every position of every.thrift. */
#include "every_every_types.h"
#include "fill.h"
#include "harness.h"

static const TallyStructInfo *const infos[] = {
  &every_of_bool_info,
  &every_of_i8_info,
  &every_of_i16_info,
  &every_of_i32_info,
  &every_of_i64_info,
  &every_of_double_info,
  &every_of_string_info,
  &every_of_binary_info,
  &every_of_uuid_info,
  &every_of_color_info,
  &every_of_inner_info,
  &every_of_choice_info,
  &every_of_broken_info,
  &every_of_list_i32_info,
  &every_of_set_string_info,
  &every_of_map_string_i32_info,
  &every_of_list_inner_info,
  &every_one_of_bool_info,
  &every_one_of_i8_info,
  &every_one_of_i16_info,
  &every_one_of_i32_info,
  &every_one_of_i64_info,
  &every_one_of_double_info,
  &every_one_of_string_info,
  &every_one_of_binary_info,
  &every_one_of_uuid_info,
  &every_one_of_color_info,
  &every_one_of_inner_info,
  &every_one_of_choice_info,
  &every_one_of_broken_info,
  &every_one_of_list_i32_info,
  &every_one_of_set_string_info,
  &every_one_of_map_string_i32_info,
  &every_one_of_list_inner_info,
  &every_tree_info,
  &every_ping_info,
  &every_pong_info,
  &every_empty_info,
};

static gpointer
new_filled (const TallyStructInfo *info, guint seed)
{
  const FillOptions options = { .seed = seed, .n_elements = 2 + seed % 2, .max_depth = 2 };
  gpointer object = g_object_new (info->get_type (), NULL);

  fill_struct (object, &options);
  return object;
}

/* What was sent is what arrives, also in an object that held something else before. */
static void
check_round_trip (const TallyStructInfo *info, guint seed, gboolean compact)
{
  g_autoptr (GObject) sent = new_filled (info, seed);
  g_autoptr (GObject) fresh = g_object_new (info->get_type (), NULL);
  g_autoptr (GObject) used = new_filled (info, seed + 100);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = tally_struct_encode (sent, compact, &error);

  assert_no_error (error);
  if (bytes == NULL)
    return;

  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);
  gpointer const received[] = { fresh, used };

  for (guint i = 0; i < G_N_ELEMENTS (received); i++)
    {
      CU_ASSERT_TRUE (tally_struct_decode (received[i], compact, data, length, &error));
      assert_no_error (error);
      if (tally_struct_equal (sent, received[i]))
        {
          assert_int (tally_struct_hash (received[i]), tally_struct_hash (sent));
          continue;
        }

      g_autofree gchar *expected = tally_struct_to_string (sent);
      g_autofree gchar *actual = tally_struct_to_string (received[i]);

      assert_string (actual, expected);
      CU_FAIL ("what arrived is not equal to what was sent");
    }
}

static void
check_all (gboolean compact)
{
  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    for (guint seed = 0; seed < 4; seed++)
      check_round_trip (infos[i], seed, compact);
}

static void
every_type_in_every_position_binary (void)
{
  check_all (FALSE);
}

static void
every_type_in_every_position_compact (void)
{
  check_all (TRUE);
}

static void
copies_are_equal_and_apart (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    {
      g_autoptr (GObject) one = new_filled (infos[i], i);
      g_autoptr (GObject) other = tally_struct_copy (one);

      CU_ASSERT_TRUE (tally_struct_equal (one, other));
      tally_struct_clear (one);
      if (infos[i]->n_fields > 0)
        CU_ASSERT_FALSE (tally_struct_equal (one, other));
    }
}

/* Enum value 0, which a NULL pointer stands for in a GHashTable, is an element like the others. */
static void
zero_enums_are_kept_in_sets_and_keys (void)
{
  g_autoptr (EveryOfColor) sent = g_object_new (EVERY_TYPE_OF_COLOR, NULL);
  g_autoptr (EveryOfColor) received = g_object_new (EVERY_TYPE_OF_COLOR, NULL);

  g_hash_table_add (sent->collected, GINT_TO_POINTER (EVERY_BASE_COLOR_RED));
  g_hash_table_insert (sent->keyed, GINT_TO_POINTER (EVERY_BASE_COLOR_RED),
                       g_memdup2 (&(gint32){ 9 }, 4));
  g_hash_table_add (sent->collected, GINT_TO_POINTER (EVERY_BASE_COLOR_BLUE));

  g_autoptr (GBytes) bytes = tally_struct_encode (sent, FALSE, NULL);

  CU_ASSERT_TRUE (tally_struct_decode (received, FALSE, g_bytes_get_data (bytes, NULL),
                                       g_bytes_get_size (bytes), NULL));
  assert_int (g_hash_table_size (received->collected), 2);
  CU_ASSERT_TRUE (
      g_hash_table_contains (received->collected, GINT_TO_POINTER (EVERY_BASE_COLOR_RED)));
  CU_ASSERT_TRUE (
      g_hash_table_contains (received->collected, GINT_TO_POINTER (EVERY_BASE_COLOR_BLUE)));
  assert_int (*(gint32 *) g_hash_table_lookup (received->keyed,
                                               GINT_TO_POINTER (EVERY_BASE_COLOR_RED)),
              9);
}

/* A key of binary or container type is found by what is in it. */
static void
keys_are_compared_by_value (void)
{
  g_autoptr (EveryOfBinary) binaries = g_object_new (EVERY_TYPE_OF_BINARY, NULL);
  g_autoptr (EveryOfListI32) lists = g_object_new (EVERY_TYPE_OF_LIST_I32, NULL);

  for (guint i = 0; i < 2; i++)
    {
      GByteArray *bytes = g_byte_array_append (g_byte_array_new (), (const guint8 *) "a\0b", 3);
      GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
      gint32 number = 300;

      g_array_append_val (numbers, number);
      g_hash_table_add (binaries->collected, bytes);
      g_hash_table_add (lists->collected, numbers);
    }

  assert_int (g_hash_table_size (binaries->collected), 1);
  assert_int (g_hash_table_size (lists->collected), 1);
}

static void
recursive_structs_can_be_made (void)
{
  g_autoptr (EveryTree) tree = g_object_new (EVERY_TYPE_TREE, NULL);
  g_autoptr (EveryPing) ping = g_object_new (EVERY_TYPE_PING, NULL);

  CU_ASSERT_PTR_NULL (tree->left);
  CU_ASSERT_PTR_NULL (tree->right);
  CU_ASSERT_PTR_NOT_NULL (tree->children);
  CU_ASSERT_PTR_NULL (ping->pong);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_type_in_every_position_binary),
    TEST (every_type_in_every_position_compact),
    TEST (copies_are_equal_and_apart),
    TEST (zero_enums_are_kept_in_sets_and_keys),
    TEST (keys_are_compared_by_value),
    TEST (recursive_structs_can_be_made),
    { NULL, NULL },
  };

  return test_main ("round_trip", cases, argc, argv);
}
