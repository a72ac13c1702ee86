/* Which C identifiers are taken where: by C and the headers, and by the definitions of IDL programs
 * that C sees together. */
#ifndef GEN_SCOPE_H
#define GEN_SCOPE_H

#include "model.h"
#include "taken.h"

G_BEGIN_DECLS

/* An identifier that a definition brings about, and what it is. */
typedef struct
{
  const gchar *name;
  GenTaken kind;
} GenIdentifier;

/**
 * GenClash:
 * @name: the identifier that is taken.
 * @kind: what it is there.
 * @node: (nullable): the part of an IDL program that has it; else it is C's or a header's.
 *
 * Why an identifier cannot be had.
 */
typedef struct
{
  const gchar *name;
  GenTaken kind;
  const IdlNode *node;
} GenClash;

typedef struct _GenScope GenScope;

/* (element-type IdlProgram GenScope) (transfer full): a scope for each of @programs. */
GHashTable *gen_scopes_new (const GPtrArray *programs);

/* Whether @name is one of @kinds (a set of #GenTaken), in C and the headers or in @scope and what C
 * sees beside it. @clash: (out) (nullable): filled when it is. */
gboolean gen_scope_find_taken (const gchar *name, guint kinds, GenClash *clash);
gboolean
gen_scope_find_defined (const GenScope *scope, const gchar *name, guint kinds, GenClash *clash);
/* Gives @identifiers (of GenIdentifier) to @node, unless one of them clashes: then none is. */
gboolean
gen_scope_take (GenScope *scope, const GArray *identifiers, const IdlNode *node, GenClash *clash);

/* (transfer full): @file and two `_` or more: no identifier of any of @scopes begins so, nor does
 * anything that an earlier call gave. */
gchar *gen_scopes_take_prefix (GHashTable *scopes, const IdlProgram *program, const gchar *file);

/* (transfer full): `a macro of <errno.h>`, `taken by 'Foo'`. */
gchar *gen_clash_describe (const GenClash *clash);

G_END_DECLS

#endif /* GEN_SCOPE_H */
