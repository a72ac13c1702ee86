/* What a place in a text is about: a name's declaration or one of its uses. */
#ifndef LSP_TARGET_H
#define LSP_TARGET_H

#include "references.h"

G_BEGIN_DECLS

typedef struct
{
  IdlLocation location;            /* of the name at the place */
  gboolean is_declaration;         /* the name is declared there */
  const IdlProgram *program;       /* what has it, or, without a definition, what is named */
  const IdlDefinition *definition; /* (nullable): NULL: an included file */
  const IdlNode *member;           /* (nullable): an enumerator, a field or a function in it */
  const IdlFunction *function;     /* (nullable): the member is an argument or exception of it */
} LspTarget;

/* FALSE: there is no known name at @offset of @program's text. */
gboolean lsp_target_find (const IdlProgram *program, guint32 offset, LspTarget *target);
/* Where the name is declared; for a file, its beginning. */
IdlLocation lsp_target_get_declaration (const LspTarget *target);
/* Whether @reference is to what @target is. */
gboolean lsp_target_is_named (const LspTarget *target, const IdlReference *reference);
const gchar *lsp_target_get_name (const LspTarget *target);

G_END_DECLS

#endif /* LSP_TARGET_H */
