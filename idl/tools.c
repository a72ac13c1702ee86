/* Owns the modes of tallyc that write no C, as whole runs: what they print, and their exit status.
 */
#include "tools.h"

#include "audit.h"
#include "dump.h"
#include "format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void
idl_tool_print (const IdlDiagnostics *diagnostics, const IdlToolOptions *options)
{
  if (options->json)
    {
      g_autofree gchar *json = idl_diagnostics_to_json (diagnostics);

      fputs (json, stdout);
    }
  else
    idl_diagnostics_print (diagnostics, stderr);
}

static IdlUnit *
new_unit (const IdlToolOptions *options)
{
  IdlUnit *unit = idl_unit_new ();

  for (guint i = 0; options->include_dirs != NULL && options->include_dirs[i] != NULL; i++)
    idl_unit_add_include_dir (unit, options->include_dirs[i]);
  return unit;
}

/* Whether all files are without errors. */
static gboolean
load_all (IdlUnit *unit, const gchar *const *paths)
{
  gboolean loaded = TRUE;

  for (guint i = 0; paths[i] != NULL; i++)
    loaded = idl_unit_load (unit, paths[i]) != NULL && loaded;
  return loaded;
}

int
idl_tool_check (const gchar *const *paths, const IdlToolOptions *options)
{
  g_autoptr (IdlUnit) unit = new_unit (options);
  gboolean loaded = load_all (unit, paths);

  idl_tool_print (idl_unit_get_diagnostics (unit), options);
  return loaded ? 0 : 1;
}

int
idl_tool_dump (const gchar *const *paths, const IdlToolOptions *options)
{
  g_autoptr (IdlUnit) unit = new_unit (options);
  g_autofree gchar *json = NULL;

  if (!load_all (unit, paths))
    {
      idl_tool_print (idl_unit_get_diagnostics (unit), options);
      return 1;
    }
  idl_diagnostics_print (idl_unit_get_diagnostics (unit), stderr); /* stdout is the model's */
  json = idl_dump_json (idl_unit_get_programs (unit));
  fputs (json, stdout);
  return 0;
}

int
idl_tool_audit (const gchar *old_path, const gchar *new_path, const IdlToolOptions *options)
{
  g_autoptr (IdlUnit) old_unit = new_unit (options);
  g_autoptr (IdlUnit) new_unit_ = new_unit (options);
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  const IdlProgram *old_program = idl_unit_load (old_unit, old_path);
  const IdlProgram *new_program = idl_unit_load (new_unit_, new_path);
  gboolean compatible;

  if (old_program == NULL)
    idl_tool_print (idl_unit_get_diagnostics (old_unit), options);
  else if (new_program == NULL)
    idl_tool_print (idl_unit_get_diagnostics (new_unit_), options);
  if (old_program == NULL || new_program == NULL)
    return 1;
  compatible = idl_audit (old_program, new_program, findings);
  idl_tool_print (findings, options);
  return compatible ? 0 : 1;
}

/* Replaces the file in one step, its permissions kept. */
static gboolean
replace_file (const gchar *path, const gchar *text, GError **error)
{
  struct stat info;
  gint mode = stat (path, &info) == 0 ? (gint) (info.st_mode & 07777) : 0666;

  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, mode, error);
}

/* Whether nothing is to be reported: no error, and with --diff no difference. */
static gboolean
show_formatted (const gchar *path,
                const IdlSource *source,
                const gchar *formatted,
                IdlFormatMode mode)
{
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  gboolean same = strlen (formatted) == length && memcmp (text, formatted, length) == 0;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *diff = NULL;

  switch (mode)
    {
    case IDL_FORMAT_IN_PLACE:
      if (same || replace_file (path, formatted, &error))
        return TRUE;
      g_printerr ("error: %s\n", error->message);
      return FALSE;
    case IDL_FORMAT_DIFF:
      diff = idl_format_diff (path, text, formatted);
      fputs (diff, stdout);
      return same;
    default:
      fputs (formatted, stdout);
      return TRUE;
    }
}

int
idl_tool_format (const gchar *const *paths, IdlFormatMode mode, const IdlToolOptions *options)
{
  int status = 0;

  for (guint i = 0; paths[i] != NULL; i++)
    {
      g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();
      g_autoptr (IdlSource) source = NULL;
      g_autofree gchar *formatted = idl_format_file (paths[i], &source, diagnostics);

      if (formatted == NULL)
        idl_tool_print (diagnostics, options);
      if (formatted == NULL || !show_formatted (paths[i], source, formatted, mode))
        status = 1;
    }
  return status;
}
