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
  IdlDiagnostics *findings;
  GHashTable *seen; /* set of IdlAuditPair: compared, or about to be */
  GQueue pairs;     /* of IdlAuditPair: to be compared; owned by @seen */
} IdlAudit;

/* What two lists of fields belong to: whose rules differ. */
typedef enum
{
  IDL_AUDIT_STRUCT,
  IDL_AUDIT_UNION,
  IDL_AUDIT_ARGUMENTS
} IdlAuditFieldsKind;

/* Reports at @place (of the new version), with a note at @old_place (nullable). */
void idl_audit_report (IdlAudit *audit,
                       IdlSeverity severity,
                       const IdlLocation *place,
                       const IdlLocation *old_place,
                       const gchar *format,
                       ...) G_GNUC_PRINTF (5, 6);
/* The two definitions are to be compared, once. */
void idl_audit_add_pair (IdlAudit *audit,
                         const IdlDefinition *old_definition,
                         const IdlDefinition *new_definition);
/* Compares types; @what has the type, "field 'a' of 'S'". */
void idl_audit_types (IdlAudit *audit,
                      const IdlType *old_type,
                      const IdlType *new_type,
                      const gchar *what);
/* Compares lists of fields by their ids; @owner has them. */
void idl_audit_fields (IdlAudit *audit,
                       const GPtrArray *old_fields,
                       const GPtrArray *new_fields,
                       IdlAuditFieldsKind kind,
                       const gchar *owner);

G_END_DECLS

#endif /* IDL_AUDIT_PRIVATE_H */
