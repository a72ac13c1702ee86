/* Owns the binding of names to definitions: types, the services that are extended, and, through
 * values.c, constants. Ends typedef chains, so that following one is a single step for all others.
 */
#include "graph.h"
#include "names.h"
#include "values.h"

#include <string.h>

/* A type that consists of more than this, typedefs expanded, is refused: each typedef may double
 * it. */
#define MAX_TYPE_SIZE 4096

typedef struct
{
  const gchar *word;
  const gchar *hint;
} Hint;

/* What people coming from elsewhere write. */
static const Hint type_hints[] = {
  { "float", "Thrift has no 'float'; use 'double'" },
  { "int", "the integer types are i8, i16, i32 and i64" },
  { "int8", "write 'i8'" },
  { "int16", "write 'i16'" },
  { "int32", "write 'i32'" },
  { "int64", "write 'i64'" },
  { "long", "write 'i64'" },
  { "short", "write 'i16'" },
  { "boolean", "write 'bool'" },
  { "bytes", "write 'binary'" },
  { "str", "write 'string'" },
  { "String", "write 'string'" },
  { "slist", "'slist' was removed from Thrift; use 'string'" },
};

static void
report_unknown_type (IdlNames *names, IdlType *type)
{
  g_autofree gchar *hint = NULL;
  gboolean reported;
  const IdlDefinition *constant =
      idl_names_find (names, IDL_NAMES_CONSTANTS, type->name, &type->location, &reported);

  if (constant != NULL)
    {
      idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_NOT_A_TYPE, IDL_ERROR,
                           &type->location, "'%s' is a constant, not a type", type->name);
      idl_diagnostics_add_note (names->unit->diagnostics, &constant->node.location,
                                "it is defined here");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (type_hints); i++)
    if (strcmp (type_hints[i].word, type->name) == 0)
      hint = g_strdup (type_hints[i].hint);
  if (hint == NULL)
    hint = idl_names_suggest (names, IDL_NAMES_TYPES, type->name);
  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_UNKNOWN_TYPE, IDL_ERROR, &type->location,
                       "unknown type '%s'%s%s", type->name, hint == NULL ? "" : "; ",
                       hint == NULL ? "" : hint);
}

static void
resolve_type (IdlNames *names, IdlType *type)
{
  gboolean reported;

  if (type->key != NULL)
    resolve_type (names, type->key);
  if (type->element != NULL)
    resolve_type (names, type->element);
  if (type->kind != IDL_TYPE_NAMED)
    return;
  type->definition =
      idl_names_find (names, IDL_NAMES_TYPES, type->name, &type->location, &reported);
  if (type->definition != NULL && type->definition->kind == IDL_DEFINITION_SERVICE)
    {
      idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_NOT_A_TYPE, IDL_ERROR,
                           &type->location, "'%s' is a service, not a type", type->name);
      idl_diagnostics_add_note (names->unit->diagnostics, &type->definition->node.location,
                                "it is defined here");
      type->definition = NULL;
    }
  else if (type->definition == NULL && !reported)
    report_unknown_type (names, type);
}

static void
resolve_fields (IdlNames *names, const GPtrArray *fields)
{
  for (guint i = 0; fields != NULL && i < fields->len; i++)
    {
      IdlField *field = g_ptr_array_index (fields, i);

      resolve_type (names, field->type);
      resolve_fields (names, field->xsd_attributes);
    }
}

static void
resolve_extends (IdlNames *names, IdlDefinition *service)
{
  IdlDiagnostics *diagnostics = names->unit->diagnostics;
  IdlDefinition *parent;
  gboolean reported;
  g_autofree gchar *hint = NULL;

  if (service->extends_name == NULL)
    return;
  parent = idl_names_find (names, IDL_NAMES_TYPES, service->extends_name,
                           &service->extends_location, &reported);
  if (parent == NULL)
    {
      if (reported)
        return;
      hint = idl_names_suggest (names, IDL_NAMES_TYPES, service->extends_name);
      idl_diagnostics_add (diagnostics, IDL_RULE_UNKNOWN_SERVICE, IDL_ERROR,
                           &service->extends_location, "unknown service '%s'%s%s",
                           service->extends_name, hint == NULL ? "" : "; ",
                           hint == NULL ? "" : hint);
      return;
    }
  if (parent->kind != IDL_DEFINITION_SERVICE)
    {
      idl_diagnostics_add (diagnostics, IDL_RULE_NOT_A_SERVICE, IDL_ERROR,
                           &service->extends_location, "'%s' is not a service but a %s",
                           service->extends_name, idl_definition_kind_get_name (parent->kind));
      idl_diagnostics_add_note (diagnostics, &parent->node.location, "it is defined here");
      return;
    }
  service->extends = parent;
  if (parent->program == service->program && parent->index > service->index)
    idl_diagnostics_add (diagnostics, IDL_RULE_DEFINED_LATER, IDL_WARNING,
                         &service->extends_location,
                         "'%s' is defined later; other Thrift compilers need it first",
                         service->extends_name);
}

static void
resolve_definition (IdlNames *names, IdlDefinition *definition)
{
  if (definition->type != NULL)
    resolve_type (names, definition->type);
  switch (definition->kind)
    {
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      resolve_fields (names, definition->members);
      break;
    case IDL_DEFINITION_SERVICE:
      resolve_extends (names, definition);
      for (guint i = 0; i < definition->members->len; i++)
        {
          IdlFunction *function = g_ptr_array_index (definition->members, i);

          resolve_type (names, function->returns);
          resolve_fields (names, function->arguments);
          resolve_fields (names, function->throws);
        }
      break;
    default:
      break;
    }
}

/* Typedefs: an edge to each typedef that the type is made of. */
static void
collect_typedefs (const IdlType *type, GPtrArray *targets)
{
  if (type->key != NULL)
    collect_typedefs (type->key, targets);
  if (type->element != NULL)
    collect_typedefs (type->element, targets);
  if (type->kind == IDL_TYPE_NAMED && type->definition != NULL)
    g_ptr_array_add (targets, (gpointer) type->definition);
}

static void
get_typedef_edges (IdlDefinition *definition, GPtrArray *targets, gpointer user_data)
{
  collect_typedefs (definition->type, targets);
}

/* @definition is no type any more: what is made of it is not reported, nor expanded. */
static void
make_unknown (IdlNames *names, IdlDefinition *definition)
{
  definition->type = idl_arena_new_node (names->unit->arena, IdlType);
  definition->type->kind = IDL_TYPE_NAMED;
  definition->type->location = definition->node.location;
  definition->type->name = definition->node.name;
}

static void
report_typedef_cycle (IdlDefinition *first, IdlDefinition *last, gpointer user_data)
{
  IdlNames *names = user_data;

  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_TYPEDEF_CYCLE, IDL_ERROR,
                       &first->node.location, "typedef '%s' is defined by itself",
                       first->node.name);
  if (first != last)
    idl_diagnostics_add_note (names->unit->diagnostics, &last->node.location, "through '%s'",
                              last->node.name);
  make_unknown (names, last);
}

/* How deep @type nests and of how many types it consists, typedefs expanded. Typedefs that it is
 * made of have been measured. */
static void
measure_type (const IdlType *type, guint32 *depth, guint32 *size)
{
  guint32 key_depth = 0, key_size = 0, element_depth = 0, element_size = 0;

  *depth = *size = 1;
  if (type->kind == IDL_TYPE_NAMED && type->definition != NULL
      && type->definition->kind == IDL_DEFINITION_TYPEDEF)
    {
      *depth = MAX (type->definition->type_depth, 1);
      *size = MAX (type->definition->type_size, 1);
      return;
    }
  if (type->key != NULL)
    measure_type (type->key, &key_depth, &key_size);
  if (type->element != NULL)
    measure_type (type->element, &element_depth, &element_size);
  *depth += MAX (key_depth, element_depth);
  *size = MIN (1 + key_size + element_size, 2 * MAX_TYPE_SIZE);
}

static void
finish_typedef (IdlDefinition *definition, gpointer user_data)
{
  IdlNames *names = user_data;
  guint32 depth, size;

  measure_type (definition->type, &depth, &size);
  definition->type_depth = depth;
  definition->type_size = size;
  if (depth > IDL_MAX_NESTING || size > MAX_TYPE_SIZE)
    {
      idl_diagnostics_add (
          names->unit->diagnostics, IDL_RULE_NESTING, IDL_ERROR, &definition->type->location,
          "with its typedefs expanded, this type nests deeper than %d or has more than %d parts",
          IDL_MAX_NESTING, MAX_TYPE_SIZE);
      definition->type_depth = definition->type_size = 1;
      make_unknown (names, definition);
    }
  definition->resolved = idl_type_resolve (definition->type);
}

/* A walk from a service up to its ancestors goes no further than this. */
static void
finish_service (IdlDefinition *definition, gpointer user_data)
{
  IdlNames *names = user_data;

  definition->type_depth = definition->extends == NULL ? 1 : definition->extends->type_depth + 1;
  if (definition->type_depth <= IDL_MAX_NESTING)
    return;
  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_NESTING, IDL_ERROR,
                       &definition->extends_location,
                       "services inherit through more than %d others", IDL_MAX_NESTING);
  definition->extends = NULL;
  definition->type_depth = 1;
}

static void
get_service_edges (IdlDefinition *definition, GPtrArray *targets, gpointer user_data)
{
  if (definition->extends != NULL)
    g_ptr_array_add (targets, (gpointer) definition->extends);
}

static void
report_service_cycle (IdlDefinition *first, IdlDefinition *last, gpointer user_data)
{
  IdlNames *names = user_data;

  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_SERVICE_CYCLE, IDL_ERROR,
                       &first->extends_location, "service '%s' extends itself", first->node.name);
  if (first != last)
    idl_diagnostics_add_note (names->unit->diagnostics, &last->extends_location, "through '%s'",
                              last->node.name);
  last->extends = NULL;
}

void
idl_resolve (IdlUnit *unit, IdlProgram *program)
{
  IdlNames names;

  idl_names_init (&names, unit, program);
  for (guint i = 0; i < program->definitions->len; i++)
    {
      IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      resolve_definition (&names, definition);
    }
  idl_graph_visit (program, 1u << IDL_DEFINITION_TYPEDEF, get_typedef_edges, report_typedef_cycle,
                   finish_typedef, &names);
  idl_graph_visit (program, 1u << IDL_DEFINITION_SERVICE, get_service_edges, report_service_cycle,
                   finish_service, &names);
  idl_values_check (&names);
  idl_names_clear (&names);
}
