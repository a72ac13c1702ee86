/* Errors, warnings and notes about a source: collected, then printed for people or as JSON. */
#ifndef IDL_DIAGNOSTICS_H
#define IDL_DIAGNOSTICS_H

#include <stdio.h>

#include "source.h"

G_BEGIN_DECLS

typedef enum { IDL_NOTE, IDL_WARNING, IDL_ERROR } IdlSeverity;

/* One thing said; a note belongs to the error or warning before it. */
typedef struct
{
  IdlSeverity severity;
  IdlLocation location;
  gchar *message;
} IdlDiagnostic;

typedef struct _IdlDiagnostics IdlDiagnostics;

void idl_diagnostics_add (IdlDiagnostics *diagnostics, IdlSeverity severity, const IdlLocation *location,
                          const gchar *format, ...) G_GNUC_PRINTF (4, 5);
guint idl_diagnostics_count (const IdlDiagnostics *diagnostics, IdlSeverity severity);
/* (element-type IdlDiagnostic) (transfer none) */
const GPtrArray *idl_diagnostics_get (const IdlDiagnostics *diagnostics);
/* `file:line:column: error: …`, the source line, and a caret under the mistake. */
void idl_diagnostics_print (const IdlDiagnostics *diagnostics, FILE *stream);

G_END_DECLS

#endif /* IDL_DIAGNOSTICS_H */
