/* Files on disk: whole or not at all, and a depfile that make and ninja read. */
#include "output.h"

#include <glib/gstdio.h>

#include "generate.h"
#include "harness.h"

static GPtrArray *
make_files (const gchar *first, const gchar *second)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);
  const gchar *const names[] = { first, second };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GenFile *file = g_new0 (GenFile, 1);

      file->name = g_strdup (names[i]);
      file->text = g_strdup ("text\n");
      g_ptr_array_add (files, file);
    }

  return files;
}

static void
directories_are_made (void)
{
  g_autofree gchar *directory = test_make_directory ();
  g_autofree gchar *deep = g_build_filename (directory, "a", "b", NULL);
  g_autofree gchar *path = g_build_filename (deep, "x.h", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GPtrArray) files = make_files ("x.h", "x.c");
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (gen_output_write (deep, files, &error));
  assert_no_error (error);
  CU_ASSERT_TRUE (g_file_get_contents (path, &text, NULL, NULL));
  assert_string (text, "text\n");
  test_remove_directory (directory);
}

static void
a_file_in_the_way_is_an_error (void)
{
  g_autofree gchar *directory = test_make_directory ();
  g_autofree gchar *blocked = g_build_filename (directory, "file", NULL);
  g_autoptr (GPtrArray) files = make_files ("x.h", "x.c");
  g_autoptr (GError) error = NULL;

  g_file_set_contents (blocked, "", 0, NULL);
  CU_ASSERT_FALSE (gen_output_write (blocked, files, &error));
  assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR, "file: cannot make directory");
  test_remove_directory (directory);
}

static void
a_depfile_is_a_make_rule (void)
{
  g_autofree gchar *directory = test_make_directory ();
  g_autofree gchar *path = g_build_filename (directory, "x.d", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GPtrArray) files = make_files ("x.h", "x.c");
  g_autoptr (GPtrArray) sources = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (sources, "in/a b.thrift");
  g_ptr_array_add (sources, "in/$c#.thrift");
  CU_ASSERT_TRUE (gen_output_write_depfile (path, "out", files, sources, &error));
  assert_no_error (error);
  g_file_get_contents (path, &text, NULL, NULL);
  assert_string (text, "out/x.h out/x.c: \\\n  in/a\\ b.thrift \\\n  in/$$c\\#.thrift\n");
  test_remove_directory (directory);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (directories_are_made),
    TEST (a_file_in_the_way_is_an_error),
    TEST (a_depfile_is_a_make_rule),
    { NULL, NULL },
  };

  return test_main ("output", cases, argc, argv);
}
