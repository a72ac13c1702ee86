/* What the files of the audit share. */
#ifndef IDL_AUDIT_PRIVATE_H
#define IDL_AUDIT_PRIVATE_H

#include "audit.h"

G_BEGIN_DECLS

/* Two definitions that stand for each other. */
typedef struct
{
  const IdlDefinition *old_definition;
  const IdlDefinition *new_definition;
} IdlAuditPair;

typedef struct
{
  const IdlProgram *old_program;
  const IdlProgram *new_program;
  IdlDiagnostics *findings;
  GHashTable *seen;     /* set of IdlAuditPair: compared, or about to be */
  GHashTable *programs; /* set of the old side's IdlProgram whose namespaces were compared */
  GQueue pairs;         /* of IdlAuditPair: to be compared; owned by @seen */
} IdlAudit;

/* What two lists of fields belong to: whose rules differ. */
typedef enum
{
  IDL_AUDIT_STRUCT,
  IDL_AUDIT_UNION,
  IDL_AUDIT_ARGUMENTS,
  IDL_AUDIT_THROWS,     /* of a function that returns something */
  IDL_AUDIT_VOID_THROWS /* of a function that returns nothing */
} IdlAuditFieldsKind;

/* Reports at @place (of the new version), with a note at @old_place (nullable). */
void idl_audit_report (IdlAudit *audit,
                       IdlRule rule,
                       IdlSeverity severity,
                       const IdlLocation *place,
                       const IdlLocation *old_place,
                       const gchar *format,
                       ...) G_GNUC_PRINTF (6, 7);
/* The two definitions are to be compared, once. */
void idl_audit_add_pair (IdlAudit *audit,
                         const IdlDefinition *old_definition,
                         const IdlDefinition *new_definition);
/* Compares types; @what has the type, "field 'a' of 'S'". */
void idl_audit_types (IdlAudit *audit,
                      const IdlType *old_type,
                      const IdlType *new_type,
                      const gchar *what);
/* Compares two exceptions, thrown by one id, whose names differ: another exception is read as what it
 * is not, though both are structs on the wire. */
void idl_audit_thrown_types (IdlAudit *audit,
                             const IdlType *old_type,
                             const IdlType *new_type,
                             const gchar *what);
/* Compares constants, which are in source code only. */
void idl_audit_constants (IdlAudit *audit,
                          const IdlDefinition *was,
                          const IdlDefinition *is,
                          const gchar *what);
/* Compares lists of fields by their ids; @owner has them. */
void idl_audit_fields (IdlAudit *audit,
                       const GPtrArray *old_fields,
                       const GPtrArray *new_fields,
                       IdlAuditFieldsKind kind,
                       const gchar *owner);
/* Compares the namespaces of the files that both definitions are from. */
void idl_audit_namespaces (IdlAudit *audit, const IdlDefinition *was, const IdlDefinition *is);
/* Compares the namespaces of two files, once. */
void idl_audit_program_namespaces (IdlAudit *audit, const IdlProgram *was, const IdlProgram *is);

G_END_DECLS

#endif /* IDL_AUDIT_PRIVATE_H */
