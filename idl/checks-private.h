/* What the files of rules share. */
#ifndef IDL_CHECKS_PRIVATE_H
#define IDL_CHECKS_PRIVATE_H

#include "unit-private.h"

G_BEGIN_DECLS

typedef struct
{
  IdlUnit *unit;
  IdlProgram *program;
  guint required_cycles; /* found so far */
  guint unportable;      /* checks-portable-names.c: what has been said */
} IdlChecks;

#define idl_checks_report(checks, rule, severity, location, ...)                                   \
  idl_diagnostics_add ((checks)->unit->diagnostics, (rule), (severity), (location), __VA_ARGS__)
#define idl_checks_note(checks, location, ...)                                                     \
  idl_diagnostics_add_note ((checks)->unit->diagnostics, (location), __VA_ARGS__)

typedef enum
{
  IDL_FIELDS_STRUCT,
  IDL_FIELDS_UNION,
  IDL_FIELDS_ARGUMENTS,
  IDL_FIELDS_THROWS
} IdlFieldsKind;

/* Ids, names, requiredness and types of one list of fields. */
void idl_checks_fields (IdlChecks *checks, const GPtrArray *fields, IdlFieldsKind kind);
/* Reports of two of @nodes (of IdlNode) with one name the second; @what is "field", "function", …
 */
void idl_checks_unique_names (IdlChecks *checks, const GPtrArray *nodes, const gchar *what);
void idl_checks_service (IdlChecks *checks, IdlDefinition *service);
/* Warns of names that differ for Thrift and not for C. */
void idl_checks_c_names (IdlChecks *checks, const IdlDefinition *definition);
/* Warns of names that other Thrift compilers refuse. */
void idl_checks_portable_names (IdlChecks *checks, const IdlDefinition *definition);

G_END_DECLS

#endif /* IDL_CHECKS_PRIVATE_H */
