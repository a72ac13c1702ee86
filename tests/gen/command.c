/* The directory and the runs of one test after the other. */
#include "command.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#include "generate.h"
#include "harness.h"

static gchar *directory;

void
command_write (const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);
  g_autofree gchar *parent = g_path_get_dirname (path);

  g_mkdir_with_parents (parent, 0700);
  g_file_set_contents (path, text, -1, NULL);
}

gchar *
command_read (const gchar *name)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

gboolean
command_is_there (const gchar *name)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

int
command_run (const gchar *arguments, gchar **said)
{
  g_autofree gchar *command = g_strdup_printf (TALLYC " %s", arguments);
  const gchar *const argv[] = { "/bin/sh", "-c", command, NULL };
  g_autofree gchar *output = NULL;
  g_autofree gchar *errors = NULL;
  gint status = -1;

  g_spawn_sync (directory, (gchar **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors,
                &status, NULL);
  if (said != NULL)
    *said = g_strconcat (output, errors, NULL);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

gboolean
command_does (const gchar *arguments, int status, const gchar *expected)
{
  g_autofree gchar *said = NULL;
  int is = command_run (arguments, &said);

  if (is == status && (expected == NULL || strstr (said, expected) != NULL))
    return TRUE;
  g_printerr ("tallyc %s: status %d, not %d, or it does not say \"%s\":\n%s", arguments, is, status,
              expected, said);
  return FALSE;
}

void
command_begin (void)
{
  directory = test_make_directory ();
  command_write ("base.thrift", "namespace c_glib Base struct B {}");
  command_write (
      "demo.thrift",
      "namespace c_glib Demo include \"base.thrift\" struct D { 1: base.B b } service S {}");
  command_write ("bad.thrift", "struct S { 1: nothing x }\n");
}

void
command_end (void)
{
  test_remove_directory (directory);
  g_clear_pointer (&directory, g_free);
}
