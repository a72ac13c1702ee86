/* Which C identifiers a definition brings about; all of them must be free. */
#ifndef GEN_IDENTIFIERS_H
#define GEN_IDENTIFIERS_H

#include "cnames.h"

G_BEGIN_DECLS

/* (element-type const gchar *) (transfer container): all identifiers that a definition of @kind
 * called
 * @name defines; kept in @strings. */
GPtrArray *
gen_list_identifiers (GStringChunk *strings, IdlDefinitionKind kind, const GenName *name);

G_END_DECLS

#endif /* GEN_IDENTIFIERS_H */
