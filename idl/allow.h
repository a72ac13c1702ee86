/* Comments that say which warnings a line may cause: `// tallyc: allow ID, ID`. */
#ifndef IDL_ALLOW_H
#define IDL_ALLOW_H

#include "rules.h"
#include "source.h"

G_BEGIN_DECLS

typedef struct _IdlAllow IdlAllow;

/* What @source, which must live as long, allows. (transfer full) */
IdlAllow *idl_allow_new (const IdlSource *source);
void idl_allow_free (IdlAllow *allow);
/* Whether line @line (counted from 1), or a comment alone on the line before it, allows @rule. */
gboolean idl_allow_has (const IdlAllow *allow, guint line, IdlRule rule);

G_END_DECLS

#endif /* IDL_ALLOW_H */
