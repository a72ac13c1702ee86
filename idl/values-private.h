/* What the files about values share. */
#ifndef IDL_VALUES_PRIVATE_H
#define IDL_VALUES_PRIVATE_H

#include "values.h"

G_BEGIN_DECLS

typedef struct
{
  IdlNames *names;
  GPtrArray *references;        /* of IdlValue: those that name a constant, with their type */
  const IdlDefinition *current; /* the definition whose values are being checked */
} IdlValues;

#define idl_values_report(values, rule, severity, location, ...)                                   \
  idl_diagnostics_add ((values)->names->unit->diagnostics, (rule), (severity), (location),         \
                       __VA_ARGS__)
#define idl_values_note(values, location, ...)                                                     \
  idl_diagnostics_add_note ((values)->names->unit->diagnostics, (location), __VA_ARGS__)

/* Binds what @value names, and checks it against @type (resolved, not a typedef) and all that is in
 * it. */
void idl_values_check_value (IdlValues *values, IdlValue *value, const IdlType *type);
/* @value is NAMED. */
void idl_values_check_name (IdlValues *values, IdlValue *value, const IdlType *type);
/* (nullable): why the literal @value, no container, is no @type; NULL when it is. (transfer full)
 */
gchar *idl_values_explain_scalar (const IdlValue *value, const IdlType *type);
/* Warns of elements (step 1) or keys (step 2) that occur twice. */
void idl_values_check_duplicates (IdlValues *values, const IdlValue *value, guint step);
/* "a" or "an" and what the literal is. */
const gchar *idl_values_describe (const IdlValue *value);

G_END_DECLS

#endif /* IDL_VALUES_PRIVATE_H */
