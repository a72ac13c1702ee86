/* Which C identifiers a definition brings about; all of them must be free. */
#ifndef GEN_IDENTIFIERS_H
#define GEN_IDENTIFIERS_H

#include "cnames.h"
#include "scope.h"

G_BEGIN_DECLS

/* (element-type GenIdentifier) (transfer full): all identifiers that a definition of @kind called
 * @name defines; kept in @strings. */
GArray *gen_list_identifiers (GStringChunk *strings, IdlDefinitionKind kind, const GenName *name);

G_END_DECLS

#endif /* GEN_IDENTIFIERS_H */
