/* Errors, warnings and notes about a source: collected, then printed for people or as JSON. */
#ifndef IDL_DIAGNOSTICS_H
#define IDL_DIAGNOSTICS_H

#include <stdio.h>

#include "rules.h"
#include "source.h"

G_BEGIN_DECLS

typedef enum
{
  IDL_NOTE,
  IDL_WARNING,
  IDL_ERROR
} IdlSeverity;

/* One thing said; a note belongs to the error or warning before it. */
typedef struct
{
  IdlSeverity severity;
  IdlRule rule;         /* not for a note */
  IdlLocation location; /* its source is NULL when it is about no file's text */
  gchar *message;
} IdlDiagnostic;

typedef struct _IdlDiagnostics IdlDiagnostics;

/* Errors and warnings beyond this many are counted but not kept. */
#define IDL_DIAGNOSTICS_MAX_KEPT 200

IdlDiagnostics *idl_diagnostics_new (void);
void idl_diagnostics_free (IdlDiagnostics *diagnostics);
/* An error or a warning. @location (nullable). A warning is dropped when its line, or a comment alone
 * on the line before, says `tallyc: allow ID`. */
void idl_diagnostics_add (IdlDiagnostics *diagnostics,
                          IdlRule rule,
                          IdlSeverity severity,
                          const IdlLocation *location,
                          const gchar *format,
                          ...) G_GNUC_PRINTF (5, 6);
/* About what was added last; dropped with it. */
void idl_diagnostics_add_note (IdlDiagnostics *diagnostics,
                               const IdlLocation *location,
                               const gchar *format,
                               ...) G_GNUC_PRINTF (3, 4);
/* Makes errors of the warnings from @rule; %IDL_N_RULES: from every rule. Returns whether there was
 * one. */
gboolean idl_diagnostics_promote (IdlDiagnostics *diagnostics, IdlRule rule);
/* Drops all warnings. */
void idl_diagnostics_drop_warnings (IdlDiagnostics *diagnostics);
guint idl_diagnostics_count (const IdlDiagnostics *diagnostics, IdlSeverity severity);
/* (element-type IdlDiagnostic) (transfer none) */
const GPtrArray *idl_diagnostics_get (const IdlDiagnostics *diagnostics);
/* `file:line:column: error: … [id]`, the source line, and a caret under the mistake, in the
 * encoding of the user's locale. */
void idl_diagnostics_print (const IdlDiagnostics *diagnostics, FILE *stream);
/* What idl_diagnostics_print () prints, in UTF-8. (transfer full) */
gchar *idl_diagnostics_to_string (const IdlDiagnostics *diagnostics);
/* Appends the @length bytes of foreign @text as they may reach a terminal: a byte that is no printable text, and no tab, becomes
 * one '?'. */
void idl_append_shown (GString *output, const gchar *text, gsize length);
/* One JSON object: {"diagnostics": [{"severity", "id", "file", "line", "column", "length", "message",
 * "notes": [{"file", …}]}], "errors": N, "warnings": N}. (transfer full) */
gchar *idl_diagnostics_to_json (const IdlDiagnostics *diagnostics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlDiagnostics, idl_diagnostics_free)

G_END_DECLS

#endif /* IDL_DIAGNOSTICS_H */
