/* IDL files that would become the same C files. */
#ifndef GEN_CLASHES_H
#define GEN_CLASHES_H

#include "cnames.h"
#include "diagnostics.h"

G_BEGIN_DECLS

/* Reports of any two of @programs (of IdlProgram), or of their services, that become files of one
 * name: the second would overwrite the first, or C would include one of the two only. */
void
gen_find_clashes (const GenNames *names, const GPtrArray *programs, IdlDiagnostics *diagnostics);

G_END_DECLS

#endif /* GEN_CLASHES_H */
