/* The compiler's passes in the order in which tallyc runs them, for tests. */
#include "generate.h"

#include <glib/gstdio.h>
#include <string.h>

#include "gen.h"
#include "harness.h"
#include "idl.h"
#include "output.h"

/* (element-type GenFile): of @program, or of all that were loaded. */
static GPtrArray *
generate_files (IdlUnit *unit, const IdlProgram *program)
{
  const GPtrArray *all = idl_unit_get_programs (unit);
  g_autoptr (GenNames) names = gen_names_new (all);
  g_autoptr (GenCycles) cycles = gen_cycles_new (all);

  if (program != NULL)
    return gen_program (names, cycles, program);

  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);

  for (guint i = 0; i < all->len; i++)
    g_ptr_array_extend_and_steal (files, gen_program (names, cycles, g_ptr_array_index (all, i)));
  return files;
}

static GPtrArray *
generate_text (const gchar *idl)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  const IdlProgram *program = idl_unit_load_text (unit, "demo.thrift", idl, -1);

  if (program != NULL)
    return generate_files (unit, program);

  g_autofree gchar *message = idl_diagnostics_to_string (idl_unit_get_diagnostics (unit));

  assert_string (message, NULL);
  return g_ptr_array_new ();
}

gchar *
generate (const gchar *idl, const gchar *file)
{
  g_autoptr (GPtrArray) files = generate_text (idl);
  g_autoptr (GString) seen = g_string_new (NULL);

  for (guint i = 0; i < files->len; i++)
    {
      GenFile *candidate = g_ptr_array_index (files, i);

      if (strcmp (candidate->name, file) == 0)
        return g_steal_pointer (&candidate->text);
      g_string_append_printf (seen, "%s ", candidate->name);
    }

  assert_string (seen->str, file);
  return g_strdup ("");
}

gboolean
generate_into (const gchar *directory, const gchar *idl)
{
  g_autoptr (GPtrArray) files = generate_text (idl);
  g_autoptr (GError) error = NULL;
  gboolean written = gen_output_write (directory, files, &error);

  assert_no_error (error);
  return written && files->len > 0;
}

gboolean
generate_file_into (const gchar *directory,
                    const gchar *path,
                    const gchar *const *include_dirs,
                    gchar **message)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; include_dirs != NULL && include_dirs[i] != NULL; i++)
    idl_unit_add_include_dir (unit, include_dirs[i]);

  if (idl_unit_load (unit, path) == NULL)
    {
      *message = idl_diagnostics_to_string (idl_unit_get_diagnostics (unit));
      return FALSE;
    }

  g_autoptr (GPtrArray) files = generate_files (unit, NULL);

  if (gen_output_write (directory, files, &error))
    return TRUE;

  *message = g_strdup (error->message);
  return FALSE;
}

void
assert_contains_ (
    const gchar *text, const gchar *part, gboolean wanted, const gchar *file, int line)
{
  if ((strstr (text, part) != NULL) == wanted)
    return;

  g_autofree gchar *message =
      g_strdup_printf ("%s: %s\n--- in ---\n%s", wanted ? "missing" : "unwanted", part, text);

  test_assert_string (message, NULL, file, line);
}

gchar *
test_make_directory (void)
{
  g_autoptr (GError) error = NULL;
  gchar *directory = g_dir_make_tmp ("tally-gen-XXXXXX", &error);

  assert_no_error (error);
  return directory;
}

void
test_remove_directory (const gchar *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        test_remove_directory (path);
      else
        g_unlink (path);
    }
  g_rmdir (directory);
}
