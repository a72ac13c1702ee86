/* tallyc's modes that write no C, run as programs: output, files and exit status. */
#include "idl-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  gchar *directory;
  gchar *output; /* of the last run */
  gchar *errors;
} Fixture;

static void
begin (Fixture *fixture)
{
  *fixture = (Fixture){ .directory = idl_test_make_directory () };
}

static void
end (Fixture *fixture)
{
  idl_test_remove_directory (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->output);
  g_free (fixture->errors);
}

/* Runs tallyc with @arguments, divided by blanks, in the directory; returns its exit status. */
static gint
run (Fixture *fixture, const gchar *arguments)
{
  g_autofree gchar *line = g_strconcat (g_getenv ("TALLYC"), " ", arguments, NULL);
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  gint status = 0;

  g_clear_pointer (&fixture->output, g_free);
  g_clear_pointer (&fixture->errors, g_free);
  CU_ASSERT_TRUE_FATAL (g_spawn_sync (fixture->directory, words, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                                      &fixture->output, &fixture->errors, &status, NULL));
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static gchar *
read_file (const Fixture *fixture, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (fixture->directory, name, NULL);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static void
check (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.directory, "good.thrift", "struct S {}");
  idl_test_write (fixture.directory, "bad.thrift", "struct S { 1: Foo a }");
  assert_int (run (&fixture, "--check good.thrift"), 0);
  assert_string (fixture.output, "");
  assert_string (fixture.errors, "");
  assert_int (run (&fixture, "--check good.thrift bad.thrift"), 1);
  assert_string (fixture.errors, "bad.thrift:1:15: error: unknown type 'Foo' [unknown-type]\n"
                                 "  struct S { 1: Foo a }\n"
                                 "                ^~~\n");
  assert_int (run (&fixture, "--check --diagnostics=json bad.thrift"), 1);
  CU_ASSERT_TRUE (
      g_str_has_prefix (fixture.output, "{\"diagnostics\": [\n  {\"severity\": \"error\""));
  assert_int (run (&fixture, "--check missing.thrift"), 1);
  assert_string (
      fixture.errors,
      "error: cannot read 'missing.thrift': No such file or directory [unreadable-file]\n");
  assert_int (run (&fixture, "--check"), 2);
  assert_int (run (&fixture, "--check --dump=json good.thrift"), 2);
  assert_int (run (&fixture, "--nonsense"), 2);
  end (&fixture);
}

static void
format (void)
{
  Fixture fixture;
  g_autofree gchar *path = NULL;
  g_autofree gchar *kept = NULL;
  g_autofree gchar *changed = NULL;
  g_autofree gchar *bad = NULL;
  struct stat info;

  begin (&fixture);
  path = g_build_filename (fixture.directory, "a.thrift", NULL);
  idl_test_write (fixture.directory, "a.thrift", "struct S{1:i32 a}");
  idl_test_write (fixture.directory, "bad.thrift", "struct S{");
  assert_int (g_chmod (path, 0640), 0);
  assert_int (run (&fixture, "--format a.thrift"), 0);
  assert_string (fixture.output, "struct S {\n  1: i32 a\n}\n");
  assert_int (run (&fixture, "--format --diff a.thrift"), 1);
  assert_string (fixture.output, "--- a.thrift\n+++ a.thrift\n@@ -1,1 +1,3 @@\n-struct S{1:i32 a}\n"
                                 "\\ No newline at end of file\n+struct S {\n+  1: i32 a\n+}\n");
  kept = read_file (&fixture, "a.thrift");
  assert_string (kept, "struct S{1:i32 a}");
  assert_int (run (&fixture, "--format --in-place bad.thrift a.thrift"), 1);
  changed = read_file (&fixture, "a.thrift");
  assert_string (changed, "struct S {\n  1: i32 a\n}\n");
  bad = read_file (&fixture, "bad.thrift");
  assert_string (bad, "struct S{");
  assert_int (stat (path, &info), 0);
  assert_int (info.st_mode & 0777, 0640);
  assert_int (run (&fixture, "--format --diff a.thrift"), 0);
  assert_string (fixture.output, "");
  end (&fixture);
}

static void
format_through_a_link (void)
{
  Fixture fixture;
  g_autofree gchar *link = NULL;
  g_autofree gchar *changed = NULL;

  begin (&fixture);
  link = g_build_filename (fixture.directory, "link.thrift", NULL);
  idl_test_write (fixture.directory, "a.thrift", "struct S{1:i32 a}");
  assert_int (symlink ("a.thrift", link), 0);
  assert_int (run (&fixture, "--format --in-place link.thrift"), 0);
  changed = read_file (&fixture, "a.thrift");
  assert_string (changed, "struct S {\n  1: i32 a\n}\n");
  CU_ASSERT_TRUE (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  end (&fixture);
}

static void
audit (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.directory, "old.thrift", "struct S { 1: i32 a, 2: i32 b }");
  idl_test_write (fixture.directory, "risky.thrift", "struct S { 1: i32 a }");
  idl_test_write (fixture.directory, "new.thrift", "struct S { 1: string a, 2: i32 b }");
  assert_int (run (&fixture, "--audit old.thrift old.thrift"), 0);
  assert_string (fixture.errors, "");
  assert_int (run (&fixture, "--audit old.thrift risky.thrift"), 0);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (fixture.errors, "old.thrift:1:29: warning: field 2, 'b', of struct 'S' is gone"));
  assert_int (run (&fixture, "--audit old.thrift new.thrift"), 1);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (fixture.errors, "new.thrift:1:15: error: field 1, 'a', of struct 'S' was of type "));
  assert_int (run (&fixture, "--audit old.thrift missing.thrift"), 1);
  end (&fixture);
}

static void
dump (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.directory, "a.thrift", "include 'b.thrift'");
  idl_test_write (fixture.directory, "b.thrift", "const i32 C = 1");
  idl_test_write (fixture.directory, "bad.thrift", "x");
  assert_int (run (&fixture, "--dump=json a.thrift"), 0);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (fixture.output,
              "\"includes\": [\n        {\"path\": \"b.thrift\", \"program\": \"b\"}"));
  CU_ASSERT_PTR_NOT_NULL (strstr (fixture.output, "\"value\": {\"integer\": 1}"));
  assert_int (run (&fixture, "--dump=json bad.thrift"), 1);
  assert_string (fixture.output, "");
  end (&fixture);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (check), TEST (format), TEST (format_through_a_link),
                                    TEST (audit), TEST (dump),   { NULL } };

  return test_main ("idl-tools", cases, argc, argv);
}
