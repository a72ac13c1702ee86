/* The modes of `tallyc` that write no C: each a whole run, from file names to output and exit
 * status. */
#ifndef IDL_TOOLS_H
#define IDL_TOOLS_H

#include "idl.h"

G_BEGIN_DECLS

typedef struct
{
  const gchar *const *include_dirs; /* (nullable): NULL-terminated */
  gboolean json;                    /* --diagnostics=json: on stdout; else text on stderr */
} IdlToolOptions;

typedef enum
{
  IDL_FORMAT_PRINT,
  IDL_FORMAT_IN_PLACE,
  IDL_FORMAT_DIFF
} IdlFormatMode;

/* All return the exit status: 0, or 1 when there was an error (for a diff: or a difference; for an
 * audit: or a finding that breaks). @paths is NULL-terminated and has at least one. */

/* --check FILE… */
int idl_tool_check (const gchar *const *paths, const IdlToolOptions *options);
/* --format [--in-place|--diff] FILE… */
int idl_tool_format (const gchar *const *paths, IdlFormatMode mode, const IdlToolOptions *options);
/* --audit OLD NEW. */
int idl_tool_audit (const gchar *old_path, const gchar *new_path, const IdlToolOptions *options);
/* --dump=json FILE…: all files, what they include first. */
int idl_tool_dump (const gchar *const *paths, const IdlToolOptions *options);
/* Prints what @diagnostics holds as @options say; with text only when there is something. */
void idl_tool_print (const IdlDiagnostics *diagnostics, const IdlToolOptions *options);

G_END_DECLS

#endif /* IDL_TOOLS_H */
