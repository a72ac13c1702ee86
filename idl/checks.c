/* Owns the rules about definitions: enums, typed containers, values that would contain themselves.
 * Rules about fields, services and C names have files of their own; names and values were checked
 * before. */
#include "checks-private.h"

#include "graph.h"

#include <string.h>

static void
check_enum (IdlChecks *checks, const IdlDefinition *definition)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  if (definition->members->len == 0)
    idl_checks_report (checks, IDL_RULE_EMPTY_ENUM, IDL_WARNING, &definition->node.location,
                       "enum '%s' has no enumerators", definition->node.name);
  idl_checks_unique_names (checks, definition->members, "enumerator");
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      const IdlEnumerator *other = g_hash_table_lookup (seen, GINT_TO_POINTER (enumerator->value));

      if (other == NULL)
        {
          g_hash_table_insert (seen, GINT_TO_POINTER (enumerator->value), (gpointer) enumerator);
          continue;
        }
      idl_checks_report (checks, IDL_RULE_DUPLICATE_VALUE, IDL_WARNING, &enumerator->node.location,
                         "'%s' has the value of '%s', %d", enumerator->node.name, other->node.name,
                         enumerator->value);
      idl_checks_note (checks, &other->node.location, "'%s' is here", other->node.name);
    }
}

/* (nullable): what many languages cannot look up. */
static const gchar *
describe_key (const IdlType *key)
{
  key = idl_type_resolve (key);
  if (key->element != NULL)
    return "container";
  if (key->kind == IDL_TYPE_DOUBLE)
    return "double";
  if (key->kind == IDL_TYPE_NAMED && key->definition != NULL
      && key->definition->kind != IDL_DEFINITION_ENUM)
    return idl_definition_kind_get_name (key->definition->kind);
  return NULL;
}

static void
check_type (IdlChecks *checks, const IdlType *type)
{
  const gchar *key = NULL;

  if (type->element != NULL)
    check_type (checks, type->element);
  if (type->key != NULL)
    check_type (checks, type->key);
  if (type->kind == IDL_TYPE_MAP && (key = describe_key (type->key)) != NULL)
    idl_checks_report (checks, IDL_RULE_CONTAINER_KEY, IDL_WARNING, &type->key->location,
                       "a map keyed by a %s: not every Thrift language has such maps", key);
  if (type->kind == IDL_TYPE_SET && (key = describe_key (type->element)) != NULL)
    idl_checks_report (checks, IDL_RULE_CONTAINER_KEY, IDL_WARNING, &type->element->location,
                       "a set of %ss: not every Thrift language has such sets", key);
}

static void
check_field_types (IdlChecks *checks, const GPtrArray *fields)
{
  for (guint i = 0; i < fields->len; i++)
    check_type (checks, ((const IdlField *) g_ptr_array_index (fields, i))->type);
}

static void
check_function_types (IdlChecks *checks, const IdlDefinition *service)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      check_type (checks, function->returns);
      check_field_types (checks, function->arguments);
    }
}

static void
check_definition (IdlChecks *checks, IdlDefinition *definition)
{
  if (definition->is_broken)
    return; /* it is not known what else is in it */
  idl_checks_c_names (checks, definition);
  idl_checks_portable_names (checks, definition);
  if (definition->type != NULL)
    check_type (checks, definition->type);
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      check_enum (checks, definition);
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_EXCEPTION:
    case IDL_DEFINITION_UNION:
      idl_checks_fields (checks, definition->members,
                         definition->kind == IDL_DEFINITION_UNION ? IDL_FIELDS_UNION
                                                                  : IDL_FIELDS_STRUCT);
      check_field_types (checks, definition->members);
      break;
    case IDL_DEFINITION_SERVICE:
      idl_checks_service (checks, definition);
      check_function_types (checks, definition);
      break;
    default:
      break;
    }
}

/* Structs: an edge to each struct that is always within. */
static void
get_required_edges (IdlDefinition *definition, GPtrArray *targets, gpointer user_data)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      const IdlDefinition *target;

      if (field->requiredness != IDL_REQUIRED)
        continue;
      target = idl_type_get_definition (field->type);
      if (target != NULL)
        g_ptr_array_add (targets, (gpointer) target);
    }
}

/* The required field of @definition that holds @target. */
static const IdlField *
find_required_field (const IdlDefinition *definition, const IdlDefinition *target)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);

      if (field->requiredness == IDL_REQUIRED && idl_type_get_definition (field->type) == target)
        return field;
    }
  g_assert_not_reached ();
}

/* Apache's tests have a struct that holds itself in every requiredness, so where a field that is
 * not required has the type too, it is taken for such a test and only warned of. */
static gboolean
holds_otherwise (const IdlDefinition *definition, const IdlDefinition *target)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);

      if (field->requiredness != IDL_REQUIRED && idl_type_get_definition (field->type) == target)
        return TRUE;
    }
  return FALSE;
}

static void
report_required_cycle (IdlDefinition *first, IdlDefinition *last, gpointer user_data)
{
  IdlChecks *checks = user_data;
  const IdlField *field;
  /* Looked at for as many as are shown: a large struct can close 100,000 cycles. */
  gboolean is_shown = checks->required_cycles++ < IDL_DIAGNOSTICS_MAX_KEPT;
  IdlSeverity severity = is_shown && holds_otherwise (last, first) ? IDL_WARNING : IDL_ERROR;

  if (!is_shown)
    {
      idl_checks_report (checks, IDL_RULE_REQUIRED_CYCLE, IDL_ERROR, &last->node.location,
                         "'%s' requires itself", first->node.name);
      return;
    }
  field = find_required_field (last, first);
  idl_checks_report (checks, IDL_RULE_REQUIRED_CYCLE, severity, &field->node.location,
                     "'%s' requires a '%s' within itself: no value can end", first->node.name,
                     first->node.name);
  if (first != last)
    idl_checks_note (checks, &first->node.location, "'%s' is defined here, and requires '%s'",
                     first->node.name, last->node.name);
}

void
idl_check (IdlUnit *unit, IdlProgram *program)
{
  IdlChecks checks = { .unit = unit, .program = program };

  for (guint i = 0; i < program->definitions->len; i++)
    check_definition (&checks, g_ptr_array_index (program->definitions, i));
  idl_graph_visit (program, 1u << IDL_DEFINITION_STRUCT | 1u << IDL_DEFINITION_EXCEPTION,
                   get_required_edges, report_required_cycle, NULL, &checks);
}
