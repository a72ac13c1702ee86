/* Owns the tests of how tables hash: with a key of the process, so that keys that collide elsewhere
 * are as good as any. */
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "hash-private.h"
#include "storage.h"

#define N_KEYS 4096

/* ---- spreading ---- */

static guint
count_places (GHashFunc hash, const gpointer *keys, guint count, guint n_places)
{
  g_autofree guint8 *taken = g_malloc0 (n_places);
  guint n_taken = 0;

  for (guint i = 0; i < count; i++)
    {
      guint8 *place = &taken[hash (keys[i]) % n_places];

      n_taken += *place == 0;
      *place = 1;
    }
  return n_taken;
}

/* Numbers that a hash table of GLib's, with numbers for hashes, keeps in one place: multiples of the
 * prime that it divides by. Of random hashes 1 - 1/e of the places are taken when there is a key for
 * each. */
static void
check_multiples (const TallyType *type, guint prime)
{
  g_autofree gint64 *numbers = g_new0 (gint64, prime + 1); /* a uuid takes two */
  g_autofree gpointer *keys = g_new (gpointer, prime);
  guint n_taken;

  for (guint i = 0; i < prime; i++)
    {
      numbers[i] = (gint64) i * prime; /* little-endian: its low half is the smaller number */
      keys[i] = type->kind == TALLY_KIND_ENUM ? GINT_TO_POINTER ((gint) numbers[i]) : &numbers[i];
    }
  n_taken = count_places (tally_storage_get_hash (type), keys, prime, prime);
  CU_ASSERT_TRUE (n_taken > prime / 2);
}

static void
numbers_are_spread (void)
{
  check_multiples (&tally_type_i16, 251);
  check_multiples (&tally_type_i32, 8191);
  check_multiples (&tally_type_i64, 8191);
  check_multiples (&tally_type_double, 8191);
  check_multiples (&tally_type_uuid, 8191);
  check_multiples (&fix_color_info.type, 8191);
}

static guint n_comparisons;

static gboolean
counting_equal (gconstpointer a, gconstpointer b)
{
  n_comparisons++;
  return g_str_equal (a, b);
}

/* How often keys are compared while a set of them is read. */
static guint
count_comparisons (gchar *const *keys)
{
  TallyType key = tally_type_string;
  const TallyType set = TALLY_SET_OF (&key);
  const TallyField field = { .name = "set",
                             .type = &set,
                             .id = 1,
                             .requiredness = TALLY_DEFAULT,
                             .isset_offset = TALLY_NO_ISSET };
  const TallyStructInfo info = { .type = TALLY_STRUCT_TYPE_,
                                 .name = "Keys",
                                 .fields = &field,
                                 .n_fields = 1,
                                 .form = TALLY_FORM_ARGS };
  gpointer sent = tally_storage_new (&set), got = NULL;
  TallyBuffer bytes = { NULL, 0, 0 };
  TallyReader reader;

  key.equal = counting_equal;
  for (guint i = 0; i < N_KEYS; i++)
    g_hash_table_add (sent, g_strdup (keys[i]));
  CU_ASSERT_TRUE (tally_codec_compact.write_struct (&bytes, &info, &sent, NULL));
  tally_reader_init (&reader, bytes.data, bytes.length, &tally_limits_default);
  n_comparisons = 0;
  CU_ASSERT_TRUE (tally_codec_compact.read_struct (&reader, &info, &got, NULL));
  assert_int (g_hash_table_size (got), N_KEYS);
  g_hash_table_unref (sent);
  g_hash_table_unref (got);
  tally_buffer_clear (&bytes);
  return n_comparisons;
}

/* "ab" and "bA" have one hash of GLib's, and so has what is made of them. */
static void
strings_are_spread (void)
{
  gchar *keys[N_KEYS];

  for (guint i = 0; i < N_KEYS; i++)
    {
      keys[i] = g_malloc0 (25);
      for (guint bit = 0; bit < 12; bit++)
        memcpy (keys[i] + 2 * bit, i >> bit & 1 ? "ab" : "bA", 2);
    }
  CU_ASSERT_EQUAL (g_str_hash (keys[0]), g_str_hash (keys[N_KEYS - 1]));
  CU_ASSERT_TRUE (count_comparisons (keys) < 100);
  for (guint i = 0; i < N_KEYS; i++)
    g_free (keys[i]);
}

/* Every byte counts, at every length. */
static void
bytes_all_count (void)
{
  guint8 bytes[70] = { 0 };

  for (guint length = 0; length < sizeof bytes; length++)
    {
      const guint hash = tally_hash_bytes (bytes, length);

      CU_ASSERT_EQUAL (tally_hash_bytes (bytes, length), hash);
      CU_ASSERT_NOT_EQUAL (tally_hash_bytes (bytes, length + 1), hash);
      for (guint i = 0; i < length; i++)
        {
          bytes[i] = 0x80;
          CU_ASSERT_NOT_EQUAL (tally_hash_bytes (bytes, length), hash);
          bytes[i] = 0;
        }
    }
}

/* ---- the key ---- */

static gchar *program_path;

static gchar *
dup_hash_of_another_process (void)
{
  gchar *command[] = { program_path, "--hash", NULL };
  gchar *output = NULL;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (
      g_spawn_sync (NULL, command, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, &error));
  assert_no_error (error);
  return output;
}

static void
each_process_has_its_own_key (void)
{
  g_autofree gchar *first = dup_hash_of_another_process ();
  g_autofree gchar *second = dup_hash_of_another_process ();

  assert_int (strlen (first), 33);
  CU_ASSERT_STRING_NOT_EQUAL (first, second);
}

/* ---- tables of a program's own ---- */

static GHashTable *
make_own_table (void)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);

  g_hash_table_insert (table, g_strdup ("one"), fix_point_new (1, "a"));
  g_hash_table_insert (table, g_strdup ("two"), fix_point_new (2, "b"));
  return table;
}

static void
tables_that_hash_otherwise_are_equal (void)
{
  GHashTable *own = make_own_table (), *copy = NULL;

  tally_value_copy (&fix_map_string_point, &own, &copy);
  CU_ASSERT_TRUE (tally_value_equal (&fix_map_string_point, &own, &copy));
  CU_ASSERT_TRUE (tally_value_equal (&fix_map_string_point, &copy, &own));
  CU_ASSERT_EQUAL (tally_value_hash (&fix_map_string_point, &own),
                   tally_value_hash (&fix_map_string_point, &copy));
  CU_ASSERT_PTR_NOT_NULL (g_hash_table_lookup (copy, "two"));
  g_hash_table_remove (copy, "two");
  CU_ASSERT_FALSE (tally_value_equal (&fix_map_string_point, &own, &copy));
  g_hash_table_unref (own);
  g_hash_table_unref (copy);
}

/* What a program put into a field is read into as it is. */
static void
a_programs_table_is_read_into (void)
{
  g_autoptr (GObject) sent = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) got = g_object_new (fix_all_get_type (), NULL);
  GHashTable *own = make_own_table ();
  TallyBuffer bytes = { NULL, 0, 0 };
  TallyReader reader;

  g_hash_table_unref (((FixAll *) got)->string_to_point);
  ((FixAll *) got)->string_to_point = own;
  CU_ASSERT_TRUE (tally_codec_binary.write_struct (&bytes, &fix_all_info, sent, NULL));
  tally_reader_init (&reader, bytes.data, bytes.length, &tally_limits_default);
  CU_ASSERT_TRUE (tally_codec_binary.read_struct (&reader, &fix_all_info, got, NULL));
  CU_ASSERT_PTR_EQUAL (((FixAll *) got)->string_to_point, own);
  CU_ASSERT_TRUE (tally_struct_equal (sent, got));
  tally_buffer_clear (&bytes);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (numbers_are_spread),
    TEST (strings_are_spread),
    TEST (bytes_all_count),
    TEST (each_process_has_its_own_key),
    TEST (tables_that_hash_otherwise_are_equal),
    TEST (a_programs_table_is_read_into),
    { NULL, NULL },
  };

  if (argc > 1 && strcmp (argv[1], "--hash") == 0)
    {
      for (guint i = 0; i < 4; i++)
        g_print ("%08x", tally_hash_number (i));
      g_print ("\n");
      return 0;
    }
  program_path = argv[0];
  return test_main ("hash", cases, argc, argv);
}
