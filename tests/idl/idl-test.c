/* Helpers of the front end's tests. */
#include "idl-test.h"

#include <glib/gstdio.h>
#include <string.h>

gchar *
idl_test_describe (const IdlDiagnostics *diagnostics)
{
  static const gchar *const severities[] = { "note", "warning", "error" };
  const GPtrArray *items = idl_diagnostics_get (diagnostics);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < items->len; i++)
    {
      const IdlDiagnostic *item = g_ptr_array_index (items, i);
      guint line = 0, column = 0;

      if (item->location.source != NULL)
        {
          g_autofree gchar *name =
              g_path_get_basename (idl_source_get_path (item->location.source));

          idl_location_get_line (&item->location, &line, &column);
          if (strcmp (name, "t.thrift") != 0)
            g_string_append_printf (text, "%s:", name);
        }
      g_string_append_printf (text, "%u:%u: %s: %s\n", line, column, severities[item->severity],
                              item->message);
    }
  return g_string_free (text, FALSE);
}

gchar *
idl_test_diagnostics (IdlUnit *unit)
{
  return idl_test_describe (idl_unit_get_diagnostics (unit));
}

gchar *
idl_test_check (const gchar *text)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  gchar *said;

  IdlProgram *program = idl_unit_load_text (unit, "t.thrift", text, -1);

  said = idl_test_diagnostics (unit);
  /* NULL exactly when an error was said. */
  CU_ASSERT_EQUAL (program == NULL, strstr (said, ": error: ") != NULL);
  return said;
}

void
idl_test_assert_says (const gchar *text, const gchar *expected, const gchar *file, int line)
{
  g_autofree gchar *said = idl_test_check (text);

  test_assert_string (said, expected, file, line);
}

IdlProgram *
idl_test_load (const gchar *text, IdlUnit **unit)
{
  IdlProgram *program;

  *unit = idl_unit_new ();
  program = idl_unit_load_text (*unit, "t.thrift", text, -1);
  if (program == NULL)
    idl_diagnostics_print (idl_unit_get_diagnostics (*unit), stderr);
  CU_ASSERT_PTR_NOT_NULL_FATAL (program);
  return program;
}

const IdlDefinition *
idl_test_find (const IdlProgram *program, const gchar *name)
{
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (strcmp (definition->node.name, name) == 0)
        return definition;
    }
  CU_FAIL_FATAL ("no such definition");
  return NULL;
}

IdlUnit *
idl_test_new_unit (const gchar *corpus, const gchar *directories)
{
  IdlUnit *unit = idl_unit_new ();
  g_auto (GStrv) words = g_strsplit (directories, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && strcmp (words[i], "-I") != 0)
      {
        g_autofree gchar *directory = g_build_filename (corpus, words[i], NULL);

        idl_unit_add_include_dir (unit, directory);
      }
  return unit;
}

gchar *
idl_test_make_directory (void)
{
  gchar *directory = g_dir_make_tmp ("tally-idl-XXXXXX", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (directory);
  return directory;
}

void
idl_test_write (const gchar *directory, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);

  CU_ASSERT_TRUE_FATAL (g_file_set_contents (path, text, -1, NULL));
}

void
idl_test_remove_directory (const gchar *directory)
{
  GDir *dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      g_remove (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (directory);
}
