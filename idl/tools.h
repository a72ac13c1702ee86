/* The modes of `tallyc` that write no C: each a whole run, from file names to output and exit
 * status. */
#ifndef IDL_TOOLS_H
#define IDL_TOOLS_H

#include "idl.h"

G_BEGIN_DECLS

/* The arrays are nullable and NULL-terminated. */
typedef struct
{
  const gchar *const *include_dirs;
  const gchar *const *old_dirs;    /* of an audit's old version, beside the above */
  const gchar *const *new_dirs;    /* of its new version */
  const gchar *const *fatal_rules; /* ids of rules whose warnings are errors */
  gboolean all_rules_fatal;        /* so are all warnings */
  gboolean quiet;                  /* no warnings are shown */
  gboolean negative_ids;           /* idl_unit_keep_negative_ids() */
  gboolean audit_nofatal;          /* what an audit finds is no failure */
  gboolean json;                   /* --diagnostics=json: on stdout; else text on stderr */
} IdlToolOptions;

typedef enum
{
  IDL_FORMAT_PRINT,
  IDL_FORMAT_IN_PLACE,
  IDL_FORMAT_DIFF
} IdlFormatMode;

/* All return the exit status: 0, or 1 when there was an error (for a diff: or a difference; for an
 * audit: or a finding that breaks). @paths is NULL-terminated and has at least one. */

/* --format [--in-place|--diff] FILE… */
int idl_tool_format (const gchar *const *paths, IdlFormatMode mode, const IdlToolOptions *options);
/* --audit OLD NEW; either may be REV:FILE, a file in a revision of git. */
int idl_tool_audit (const gchar *old_path, const gchar *new_path, const IdlToolOptions *options);
/* --dump=json FILE…: all files, what they include first. */
int idl_tool_dump (const gchar *const *paths, const IdlToolOptions *options);
/* A unit that looks for includes where @options say, and then in @more_dirs (nullable). */
IdlUnit *idl_tool_new_unit (const IdlToolOptions *options, const gchar *const *more_dirs);
/* Makes errors of warnings, and drops warnings, as @options say. Returns whether there is no error. */
gboolean idl_tool_judge (IdlDiagnostics *diagnostics, const IdlToolOptions *options);
/* Judges the warnings in @diagnostics as @options say and prints what is left, as text only when
 * there is something. Returns whether there is no error. */
gboolean idl_tool_report (IdlDiagnostics *diagnostics, const IdlToolOptions *options);

G_END_DECLS

#endif /* IDL_TOOLS_H */
