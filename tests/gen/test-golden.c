/* The files of golden/ are what the compiler writes for the IDL beside them: read them as you read
 * source. TALLY_UPDATE_GOLDEN=1 test-golden writes them anew. */
#include <string.h>

#include "generate.h"
#include "harness.h"

static const gchar *const golden_files[] = {
  "money_bank.c", "money_bank.h", "money_money_types.c", "money_money_types.h",
  "shop_shop.c",  "shop_shop.h",  "shop_shop_types.c",   "shop_shop_types.h",
};

static void
golden_files_are_what_is_written (void)
{
  g_autofree gchar *directory =
      g_getenv ("TALLY_UPDATE_GOLDEN") != NULL ? g_strdup (GOLDEN_DIR) : test_make_directory ();
  g_autofree gchar *message = NULL;

  CU_ASSERT_TRUE (generate_file_into (directory, GOLDEN_DIR "/shop.thrift", NULL, &message));
  assert_string (message, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (golden_files); i++)
    {
      g_autofree gchar *golden_path = g_build_filename (GOLDEN_DIR, golden_files[i], NULL);
      g_autofree gchar *path = g_build_filename (directory, golden_files[i], NULL);
      g_autofree gchar *golden = NULL;
      g_autofree gchar *text = NULL;

      g_file_get_contents (golden_path, &golden, NULL, NULL);
      g_file_get_contents (path, &text, NULL, NULL);
      assert_string (text, golden);
    }

  if (strcmp (directory, GOLDEN_DIR) != 0)
    test_remove_directory (directory);
}

/* A margin, no blanks at the end of a line, no two empty lines, a newline at the end. */
static void
golden_files_are_neat (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (golden_files); i++)
    {
      g_autofree gchar *path = g_build_filename (GOLDEN_DIR, golden_files[i], NULL);
      g_autofree gchar *text = NULL;

      CU_ASSERT_TRUE_FATAL (g_file_get_contents (path, &text, NULL, NULL));
      assert_lacks (text, " \n");
      assert_lacks (text, "\n\n\n");
      CU_ASSERT_TRUE (g_str_has_suffix (text, "\n"));
      CU_ASSERT_FALSE (g_str_has_suffix (text, "\n\n"));

      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

      for (guint j = 0; lines[j] != NULL; j++)
        CU_ASSERT_TRUE (strlen (lines[j]) <= 100);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (golden_files_are_what_is_written),
    TEST (golden_files_are_neat),
    { NULL, NULL },
  };

  return test_main ("golden", cases, argc, argv);
}
