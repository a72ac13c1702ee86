/* Where a program uses names, and what each of them is. */
#ifndef IDL_REFERENCES_H
#define IDL_REFERENCES_H

#include "model.h"

G_BEGIN_DECLS

typedef enum
{
  IDL_REFERENCE_INCLUDE,    /* an include's path, or the prefix `shared` of `shared.Thing` */
  IDL_REFERENCE_TYPE,       /* a type, also the enum's name before an enumerator */
  IDL_REFERENCE_THROWS,     /* a type behind `throws` */
  IDL_REFERENCE_EXTENDS,    /* a service */
  IDL_REFERENCE_CONSTANT,   /* a constant */
  IDL_REFERENCE_ENUMERATOR, /* an enumerator; `member` is an IdlEnumerator */
  IDL_REFERENCE_FIELD       /* a struct literal's key; `member` is an IdlField */
} IdlReferenceKind;

/* One use of one name. A name with dots is several: `shared.Color.RED` names a file, a type and an
 * enumerator. */
typedef struct
{
  IdlReferenceKind kind;
  IdlLocation location;            /* of this name alone, without quotes */
  const IdlProgram *program;       /* what is named is in it; INCLUDE: it is named */
  const IdlDefinition *definition; /* not for INCLUDE: what is named, or whose member */
  const IdlNode *member;           /* ENUMERATOR, FIELD: what is named */
} IdlReference;

/* All uses of names in the text of @program that were resolved, in the order of the text.
 * (element-type IdlReference) (transfer full) */
GArray *idl_program_list_references (const IdlProgram *program);
/* "include", "type", … */
const gchar *idl_reference_kind_get_name (IdlReferenceKind kind);

G_END_DECLS

#endif /* IDL_REFERENCES_H */
