/* Whether programs built from two versions of an IDL can talk to each other, for `tallyc --audit`.
 */
#ifndef IDL_AUDIT_H
#define IDL_AUDIT_H

#include "idl.h"

G_BEGIN_DECLS

/* Compares what two versions of a file put on the wire, and adds what it finds to @findings:
 *
 * - an error: one side misreads, refuses or never gets what the other sends (a changed type, a new
 *   required field, a method that is gone, an enumerator's value changed, an id that another field
 *   has now);
 * - a warning: it works, but data or meaning may be lost, or source code breaks (an optional field
 *   that is gone, a changed default, a renamed field).
 *
 * Each is at its place in the new version, with a note at the place in the old one, or at the old
 * place when there is no new one. Definitions are compared by name, and so is whatever they are
 * made of in included files; one may move to a file that the new version includes. Both programs are without errors; they stay as they are, and their
 * units must live as long as @findings.
 *
 * Returns: whether there is no finding that is an error. */
gboolean
idl_audit (const IdlProgram *old_program, const IdlProgram *new_program, IdlDiagnostics *findings);

G_END_DECLS

#endif /* IDL_AUDIT_H */
