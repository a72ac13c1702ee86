/* Owns the modes of tallyc that write no C, as whole runs: what they print, and their exit status.
 */
#include "tools.h"

#include "audit.h"
#include "dump.h"
#include "format.h"
#include "revision.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
print (const IdlDiagnostics *diagnostics, const IdlToolOptions *options)
{
  if (options->json)
    {
      g_autofree gchar *json = idl_diagnostics_to_json (diagnostics);

      fputs (json, stdout);
    }
  else
    idl_diagnostics_print (diagnostics, stderr);
}

gboolean
idl_tool_judge (IdlDiagnostics *diagnostics, const IdlToolOptions *options)
{
  for (guint i = 0; options->fatal_rules != NULL && options->fatal_rules[i] != NULL; i++)
    idl_diagnostics_promote (diagnostics, idl_rule_find (options->fatal_rules[i]));
  if (options->all_rules_fatal)
    idl_diagnostics_promote (diagnostics, IDL_N_RULES);
  if (options->quiet)
    idl_diagnostics_drop_warnings (diagnostics);
  return idl_diagnostics_count (diagnostics, IDL_ERROR) == 0;
}

gboolean
idl_tool_report (IdlDiagnostics *diagnostics, const IdlToolOptions *options)
{
  gboolean right = idl_tool_judge (diagnostics, options);

  print (diagnostics, options);
  return right;
}

static void
add_include_dirs (IdlUnit *unit, const gchar *const *directories)
{
  for (guint i = 0; directories != NULL && directories[i] != NULL; i++)
    idl_unit_add_include_dir (unit, directories[i]);
}

IdlUnit *
idl_tool_new_unit (const IdlToolOptions *options, const gchar *const *more_dirs)
{
  IdlUnit *unit = idl_unit_new ();

  add_include_dirs (unit, options->include_dirs);
  add_include_dirs (unit, more_dirs);
  if (options->negative_ids)
    idl_unit_keep_negative_ids (unit);
  return unit;
}

int
idl_tool_dump (const gchar *const *paths, const IdlToolOptions *options)
{
  g_autoptr (IdlUnit) unit = idl_tool_new_unit (options, NULL);
  IdlDiagnostics *diagnostics = idl_unit_get_diagnostics (unit);
  g_autofree gchar *json = NULL;

  for (guint i = 0; paths[i] != NULL; i++)
    idl_unit_load (unit, paths[i]);
  if (!idl_tool_judge (diagnostics, options))
    {
      print (diagnostics, options);
      return 1;
    }
  idl_diagnostics_print (diagnostics, stderr); /* stdout is the model's */
  json = idl_dump_json (idl_unit_get_programs (unit));
  fputs (json, stdout);
  return 0;
}

/* A version of an audit: a file, or REV:FILE. */
static const IdlProgram *
load_version (IdlUnit *unit, const gchar *word)
{
  return idl_revision_is_meant (word) ? idl_unit_load_revision (unit, word)
                                      : idl_unit_load (unit, word);
}

int
idl_tool_audit (const gchar *old_path, const gchar *new_path, const IdlToolOptions *options)
{
  g_autoptr (IdlUnit) old_unit = idl_tool_new_unit (options, options->old_dirs);
  g_autoptr (IdlUnit) new_unit = idl_tool_new_unit (options, options->new_dirs);
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  const IdlProgram *old_program = load_version (old_unit, old_path);
  const IdlProgram *new_program = load_version (new_unit, new_path);

  if (old_program == NULL || new_program == NULL)
    {
      idl_tool_report (idl_unit_get_diagnostics (old_program == NULL ? old_unit : new_unit),
                       options);
      return 1;
    }
  idl_audit (old_program, new_program, findings);
  return idl_tool_report (findings, options) || options->audit_nofatal ? 0 : 1;
}

/* Replaces the source file in one step, safely on the disk and its permissions kept; of a symbolic link the file that it names. */
static gboolean
replace_source (const gchar *path, const gchar *text, GError **error)
{
  g_autofree gchar *file = realpath (path, NULL);
  struct stat info;
  gint mode = stat (path, &info) == 0 ? (gint) (info.st_mode & 07777) : 0666;

  return g_file_set_contents_full (file != NULL ? file : path, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT, mode, error);
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
      if (same || replace_source (path, formatted, &error))
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
        idl_tool_report (diagnostics, options);
      if (formatted == NULL || !show_formatted (paths[i], source, formatted, mode))
        status = 1;
    }
  return status;
}
