/* Owns the rules about services: functions, what they return and throw, what they inherit. */
#include "checks-private.h"

#include <string.h>

/* The result of a function holds its return value, as field 0 `success`, and its exceptions. */
static void
check_result (IdlChecks *checks, const IdlFunction *function)
{
  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *field = g_ptr_array_index (function->throws, i);

      if (strcmp (field->node.name, "success") == 0)
        idl_checks_report (checks, IDL_RULE_SUCCESS_NAME,
                           function->returns->kind == IDL_TYPE_VOID ? IDL_WARNING : IDL_ERROR,
                           &field->node.location,
                           "an exception may not be called 'success', as the return value is");
    }
}

static void
check_oneway (IdlChecks *checks, const IdlFunction *function)
{
  if (function->returns->kind != IDL_TYPE_VOID)
    idl_checks_report (checks, IDL_RULE_ONEWAY, IDL_ERROR, &function->returns->location,
                       "oneway function '%s' returns a value; there is no reply to carry it",
                       function->node.name);
  if (function->throws->len > 0)
    idl_checks_report (checks, IDL_RULE_ONEWAY, IDL_ERROR,
                       &((const IdlField *) g_ptr_array_index (function->throws, 0))->node.location,
                       "oneway function '%s' throws; there is no reply to carry an exception",
                       function->node.name);
}

static void
check_inherited (IdlChecks *checks, const IdlDefinition *service, const IdlFunction *function)
{
  /* The number of ancestors is bounded: see resolve.c. */
  for (const IdlDefinition *parent = service->extends; parent != NULL; parent = parent->extends)
    {
      const IdlFunction *other = idl_definition_find_member (parent, function->node.name);

      if (other == NULL)
        continue;
      idl_checks_report (checks, IDL_RULE_INHERITED_FUNCTION, IDL_WARNING, &function->node.location,
                         "function '%s' is inherited from '%s' too; this one takes its place",
                         function->node.name, parent->node.name);
      idl_checks_note (checks, &other->node.location, "the inherited '%s' is here",
                       other->node.name);
      return;
    }
}

void
idl_checks_service (IdlChecks *checks, IdlDefinition *service)
{
  idl_checks_unique_names (checks, service->members, "function");
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      idl_checks_fields (checks, function->arguments, IDL_FIELDS_ARGUMENTS);
      idl_checks_fields (checks, function->throws, IDL_FIELDS_THROWS);
      check_result (checks, function);
      if (function->oneway)
        check_oneway (checks, function);
      check_inherited (checks, service, function);
    }
}
