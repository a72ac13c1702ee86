/* Which struct fields lie on a cycle of structs that hold each other. */
#ifndef GEN_CYCLES_H
#define GEN_CYCLES_H

#include "model.h"

G_BEGIN_DECLS

typedef struct _GenCycles GenCycles;

/* Looks at all structs of @programs (of IdlProgram). */
GenCycles *gen_cycles_new (const GPtrArray *programs);
void gen_cycles_free (GenCycles *cycles);
/* Whether a new @owner that allocates its field of struct type @type would allocate another @owner.
 */
gboolean
gen_cycles_contain (const GenCycles *cycles, const IdlDefinition *owner, const IdlType *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GenCycles, gen_cycles_free)

G_END_DECLS

#endif /* GEN_CYCLES_H */
