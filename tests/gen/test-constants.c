/* Constants and defaults of every type are what the IDL says. */
#include "harness.h"
#include "values_values_types.h"

static void
scalar_constants (void)
{
  gchar uuid[37];

  CU_ASSERT_TRUE (VALUES_YES);
  assert_int (VALUES_SMALL, -128);
  assert_int (VALUES_MIDDLE, 0x7fff);
  assert_int (VALUES_LOW, G_MININT32);
  assert_int (VALUES_FIVE, 5);
  assert_int (VALUES_HIGH, G_MAXINT64);
  assert_int (VALUES_LOWEST, G_MININT64);
  CU_ASSERT_TRUE (VALUES_PI == 3.141592653589793);
  CU_ASSERT_TRUE (VALUES_WHOLE / 4 == 0.5);
  CU_ASSERT_TRUE (VALUES_TINY == 1e-300);
  assert_int (VALUES_DARK, VALUES_COLOR_BLACK);
  assert_int (VALUES_FOREIGN, EVERY_BASE_COLOR_BLUE);
  assert_int (VALUES_CAMELCASE, 5);
  tally_uuid_to_string (&VALUES_ID, uuid);
  assert_string (uuid, "00112233-4455-6677-8899-aabbccddeeff");
}

/* A string is a new copy each time, as programs free it. */
static void
string_constants (void)
{
  g_autofree gchar *one = VALUES_QUOTED;
  g_autofree gchar *other = VALUES_QUOTED;
  g_autofree gchar *text = VALUES_BYTES;

  assert_string (one, "say \"hi\"\n\ttwice ?"
                      "?/ \\");
  CU_ASSERT_PTR_NOT_EQUAL (one, other);
  assert_string (text, "aüb");
}

static void
a_binary_constant_has_all_its_bytes (void)
{
  const GByteArray *bytes = values_bytes_constant ();

  assert_int (bytes->len, 4);
  CU_ASSERT_TRUE (memcmp (bytes->data, "aüb", 4) == 0);
}

static void
container_constants (void)
{
  const GArray *numbers = VALUES_NUMBERS;
  const GPtrArray *nested = VALUES_NESTED;
  g_autoptr (GByteArray) y = g_byte_array_append (g_byte_array_new (), (const guint8 *) "y", 1);

  assert_int (numbers->len, 3);
  assert_int (g_array_index (numbers, gint32, 1), 5);
  assert_int (g_array_index (numbers, gint32, 2), -3);
  assert_int (nested->len, 3);
  assert_string (g_ptr_array_index ((GPtrArray *) g_ptr_array_index (nested, 0), 1), "b");
  assert_int (((GPtrArray *) g_ptr_array_index (nested, 1))->len, 0);
  assert_int (g_hash_table_size (VALUES_BINARIES), 2);
  CU_ASSERT_TRUE (g_hash_table_contains (VALUES_BINARIES, y));

  const GArray *white = g_hash_table_lookup (VALUES_BY_COLOR, GINT_TO_POINTER (VALUES_COLOR_WHITE));
  const GArray *black = g_hash_table_lookup (VALUES_BY_COLOR, GINT_TO_POINTER (VALUES_COLOR_BLACK));

  assert_int (white->len, 1);
  assert_int (g_array_index (black, gint64, 1), 3);
}

static void
struct_constants (void)
{
  CU_ASSERT_PTR_EQUAL (VALUES_INNER, VALUES_INNER);
  assert_int (VALUES_INNER->number, 12);
  assert_string (VALUES_INNER->text, "say \"hi\"\n\ttwice ?"
                                     "?/ \\");

  const EveryBaseInner *first = g_ptr_array_index (VALUES_INNERS, 0);

  assert_int (first->number, 7);
  CU_ASSERT_PTR_NULL (first->text);
  assert_int (VALUES_NEEDED->number, 1);
  assert_string (VALUES_NEEDED->text, "needed");
  assert_int (VALUES_NEEDED->numbers->len, 2);
  CU_ASSERT_TRUE (VALUES_CHOSEN->__isset_right);
  CU_ASSERT_FALSE (VALUES_CHOSEN->__isset_left);
  assert_string (VALUES_CHOSEN->right, "r");
}

static void
scalar_defaults (void)
{
  g_autoptr (ValuesDefaults) defaults = g_object_new (VALUES_TYPE_DEFAULTS, NULL);
  gchar uuid[37];

  CU_ASSERT_TRUE (defaults->yes);
  assert_int (defaults->small, -7);
  assert_int (defaults->middle, 1000);
  assert_int (defaults->number, 5);
  assert_int (defaults->high, G_GINT64_CONSTANT (5000000000));
  CU_ASSERT_TRUE (defaults->exact == 0.1234567890123456);
  CU_ASSERT_TRUE (defaults->large == 33554433.0);
  assert_string (defaults->text, "two\nlines");
  assert_int (defaults->bytes->len, 2);
  assert_int (defaults->bytes->data[1], 0xa9);
  tally_uuid_to_string (&defaults->id, uuid);
  assert_string (uuid, "00112233-4455-6677-8899-aabbccddeeff");
  assert_int (defaults->color, VALUES_COLOR_BLACK);
  assert_int (defaults->maybe, 9);
  assert_string (defaults->needed, "needed");
  assert_int (defaults->plain, 0);
  CU_ASSERT_PTR_NULL (defaults->nothing);
}

static void
container_and_struct_defaults (void)
{
  g_autoptr (ValuesDefaults) defaults = g_object_new (VALUES_TYPE_DEFAULTS, NULL);

  assert_int (g_array_index (defaults->numbers, gint32, 1), 2);
  assert_int (g_hash_table_size (defaults->names), 2);
  CU_ASSERT_TRUE (g_hash_table_contains (defaults->names, "m"));
  assert_int (GPOINTER_TO_INT (g_hash_table_lookup (defaults->colors, "b")), VALUES_COLOR_BLACK);
  assert_string (defaults->inner->text, "inner");
  assert_int (defaults->inner->number, 7);
  assert_int (((EveryBaseInner *) g_ptr_array_index (defaults->inners, 0))->number, 3);
  assert_int (g_array_index ((GArray *) g_ptr_array_index (defaults->nested, 1), gint16, 1), 3);
  CU_ASSERT_TRUE (defaults->either->__isset_left);
  assert_int (defaults->either->left, 4);
  assert_int (defaults->empty->len, 0);
}

/* Defaults belong to the object: changing one leaves the next object alone. */
static void
defaults_are_not_shared (void)
{
  g_autoptr (ValuesDefaults) one = g_object_new (VALUES_TYPE_DEFAULTS, NULL);

  g_array_set_size (one->numbers, 0);
  g_hash_table_remove_all (one->names);

  g_autoptr (ValuesDefaults) other = g_object_new (VALUES_TYPE_DEFAULTS, NULL);

  assert_int (other->numbers->len, 2);
  assert_int (g_hash_table_size (other->names), 2);
}

/* Two namespaces have an enum of this name; the name toString_Color is the first one included. */
static void
enums_of_one_name_have_their_own_names (void)
{
  assert_string (values_color_to_string (VALUES_COLOR_BLACK), "VALUES_COLOR_BLACK");
  assert_string (every_base_color_to_string (EVERY_BASE_COLOR_GREEN), "EVERY_BASE_COLOR_GREEN");
  assert_string (toString_Color (EVERY_BASE_COLOR_GREEN), "EVERY_BASE_COLOR_GREEN");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (scalar_constants),
    TEST (string_constants),
    TEST (a_binary_constant_has_all_its_bytes),
    TEST (container_constants),
    TEST (struct_constants),
    TEST (scalar_defaults),
    TEST (container_and_struct_defaults),
    TEST (defaults_are_not_shared),
    TEST (enums_of_one_name_have_their_own_names),
    { NULL, NULL },
  };

  return test_main ("values", cases, argc, argv);
}
