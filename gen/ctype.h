/* How an IDL type is spelled in C, in each place where it may stand. */
#ifndef GEN_CTYPE_H
#define GEN_CTYPE_H

#include "cnames.h"

G_BEGIN_DECLS

/* (transfer full): of a struct's field; typedefs followed: `GArray *`. */
gchar *gen_ctype_slot (const GenNames *names, const IdlType *type);
/* (transfer full): of an argument or a return value; typedefs kept: `TTestInts *`. */
gchar *gen_ctype_parameter (const GenNames *names, const IdlType *type);
/* (transfer full): of what a typedef stands for, without the star of structs and containers. */
gchar *gen_ctype_alias (const GenNames *names, const IdlType *type);
/* Whether a slot of @type holds a pointer. */
gboolean gen_ctype_is_pointer (const IdlType *type);

G_END_DECLS

#endif /* GEN_CTYPE_H */
