/* The command line: what it takes, says and returns. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#include "generate.h"
#include "harness.h"

static gchar *directory;

static void
write_file (const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);

  g_file_set_contents (path, text, -1, NULL);
}

static gboolean
is_there (const gchar *name)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Runs `tallyc ARGUMENTS` in the directory; @said is what it prints. */
static int
run (const gchar *arguments, gchar **said)
{
  g_autofree gchar *command = g_strdup_printf (TALLYC " %s", arguments);
  g_auto (GStrv) argv = g_strsplit (g_strchomp (command), " ", -1);
  g_autofree gchar *output = NULL;
  g_autofree gchar *errors = NULL;
  gint status = -1;

  g_spawn_sync (directory, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors, &status,
                NULL);
  if (said != NULL)
    *said = g_strconcat (output, errors, NULL);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void
begin (void)
{
  directory = test_make_directory ();
  write_file ("base.thrift", "namespace c_glib Base struct B {}");
  write_file (
      "demo.thrift",
      "namespace c_glib Demo include \"base.thrift\" struct D { 1: base.B b } service S {}");
  write_file ("bad.thrift", "struct S { 1: nothing x }\n");
}

static void
end (void)
{
  test_remove_directory (directory);
  g_clear_pointer (&directory, g_free);
}

static void
one_file_becomes_its_own_files (void)
{
  begin ();
  assert_int (run ("--out gen demo.thrift", NULL), 0);
  CU_ASSERT_TRUE (is_there ("gen/demo_demo_types.h"));
  CU_ASSERT_TRUE (is_there ("gen/demo_s.c"));
  CU_ASSERT_FALSE (is_there ("gen/base_base_types.h"));
  end ();
}

static void
with_r_included_files_too (void)
{
  begin ();
  assert_int (run ("-r --out gen demo.thrift", NULL), 0);
  CU_ASSERT_TRUE (is_there ("gen/base_base_types.h"));
  end ();
}

static void
the_depfile_names_all_that_was_read (void)
{
  g_autofree gchar *text = NULL;

  begin ();
  assert_int (run ("--depfile demo.d demo.thrift", NULL), 0);

  g_autofree gchar *path = g_build_filename (directory, "demo.d", NULL);

  g_file_get_contents (path, &text, NULL, NULL);
  assert_contains (text, "demo_demo_types.h demo_demo_types.c demo_s.h demo_s.c:");
  assert_contains (text, "base.thrift");
  assert_contains (text, "demo.thrift");
  end ();
}

static void
a_mistake_is_status_1_and_writes_nothing (void)
{
  g_autofree gchar *said = NULL;

  begin ();
  assert_int (run ("--out gen bad.thrift", &said), 1);
  assert_contains (said, "bad.thrift:1:15: error:");
  CU_ASSERT_FALSE (is_there ("gen"));
  end ();
}

static void
bad_usage_is_status_2 (void)
{
  static const gchar *const misuses[] = { "",
                                          "--nonsense demo.thrift",
                                          "--check --format demo.thrift",
                                          "--in-place demo.thrift",
                                          "--audit demo.thrift",
                                          "--dump=xml demo.thrift",
                                          "--diagnostics=loud demo.thrift" };

  begin ();
  for (guint i = 0; i < G_N_ELEMENTS (misuses); i++)
    {
      g_autofree gchar *said = NULL;

      assert_int (run (misuses[i], &said), 2);
      assert_contains (said, "tallyc: ");
    }
  end ();
}

static void
version_and_help_are_status_0 (void)
{
  g_autofree gchar *version = NULL;
  g_autofree gchar *help = NULL;

  begin ();
  assert_int (run ("--version", &version), 0);
  assert_contains (version, "tallyc 0.");
  assert_int (run ("--help", &help), 0);
  assert_contains (help, "--depfile");
  end ();
}

static void
two_files_may_not_become_one (void)
{
  g_autofree gchar *said = NULL;

  begin ();
  g_autofree gchar *sub = g_build_filename (directory, "sub", NULL);

  g_mkdir (sub, 0700);
  write_file ("sub/base.thrift", "namespace c_glib Base struct C {}");
  assert_int (run ("--out gen base.thrift sub/base.thrift", &said), 1);
  assert_contains (said, "base_base_types.h would be written twice");
  CU_ASSERT_FALSE (is_there ("gen"));
  end ();
}

static void
diagnostics_as_json (void)
{
  g_autofree gchar *said = NULL;

  begin ();
  assert_int (run ("--diagnostics=json --check bad.thrift", &said), 1);
  assert_contains (said, "\"severity\"");
  end ();
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (one_file_becomes_its_own_files),
    TEST (with_r_included_files_too),
    TEST (the_depfile_names_all_that_was_read),
    TEST (a_mistake_is_status_1_and_writes_nothing),
    TEST (bad_usage_is_status_2),
    TEST (version_and_help_are_status_0),
    TEST (two_files_may_not_become_one),
    TEST (diagnostics_as_json),
    { NULL, NULL },
  };

  return test_main ("tallyc", cases, argc, argv);
}
