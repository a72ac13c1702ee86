/* Owns the checking of constants and defaults: the walk over literals beside their types, and the
 * order and cycles of constants that refer to each other. What a name means is in values-names.c,
 * what a scalar may be in values-scalars.c. */
#include "values-private.h"

#include "graph.h"

#include <string.h>

/* A value that consists of more than this, references expanded, is refused: each constant may
 * double it. */
#define MAX_VALUE_SIZE (10 * 1000 * 1000)

static void
check_list (IdlValues *values, IdlValue *value, const IdlType *type)
{
  const gchar *what = type->kind == IDL_TYPE_SET ? "set" : "list";

  if (value->kind == IDL_VALUE_MAP && value->items->len == 0)
    {
      idl_values_report (values, IDL_RULE_EMPTY_CONTAINER, IDL_WARNING, &value->location,
                         "an empty %s is written []", what);
      return;
    }
  if (value->kind != IDL_VALUE_LIST)
    {
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                         "%s given for a %s", idl_values_describe (value), what);
      return;
    }
  for (guint i = 0; i < value->items->len; i++)
    idl_values_check_value (values, g_ptr_array_index (value->items, i), type->element);
  if (type->kind == IDL_TYPE_SET)
    idl_values_check_duplicates (values, value, 1);
}

static void
check_map (IdlValues *values, IdlValue *value, const IdlType *type)
{
  if (value->kind == IDL_VALUE_LIST && value->items->len == 0)
    {
      idl_values_report (values, IDL_RULE_EMPTY_CONTAINER, IDL_WARNING, &value->location,
                         "an empty map is written {}");
      return;
    }
  if (value->kind != IDL_VALUE_MAP)
    {
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                         "%s given for a map", idl_values_describe (value));
      return;
    }
  for (guint i = 0; i < value->items->len; i += 2)
    {
      idl_values_check_value (values, g_ptr_array_index (value->items, i), type->key);
      idl_values_check_value (values, g_ptr_array_index (value->items, i + 1), type->element);
    }
  idl_values_check_duplicates (values, value, 2);
}

/* (nullable): the field that @key names, which is entered in @seen. */
static const IdlField *
find_field (IdlValues *values, IdlValue *key, const IdlDefinition *definition, GHashTable *seen)
{
  const IdlField *field;
  const gchar *similar;

  if (key->kind != IDL_VALUE_STRING)
    {
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &key->location,
                         "a field of '%s' is named by a string, not by %s", definition->node.name,
                         idl_values_describe (key));
      return NULL;
    }
  field = idl_definition_find_member (definition, key->text);
  if (field == NULL && !definition->is_broken)
    {
      similar = idl_names_find_similar (values->names, key->text, definition->members);
      idl_values_report (values, IDL_RULE_UNKNOWN_FIELD, IDL_ERROR, &key->location,
                         "%s '%s' has no field '%s'%s%s%s",
                         idl_definition_kind_get_name (definition->kind), definition->node.name,
                         key->text, similar == NULL ? "" : "; did you mean '",
                         similar == NULL ? "" : similar, similar == NULL ? "" : "'?");
      idl_values_note (values, &definition->node.location, "'%s' is defined here",
                       definition->node.name);
    }
  if (field != NULL && !g_hash_table_add (seen, (gpointer) field))
    idl_values_report (values, IDL_RULE_DUPLICATE_FIELD, IDL_ERROR, &key->location,
                       "field '%s' is given twice", key->text);
  return field;
}

/* The required fields without a default; found once, as a file may have many literals. */
static const GPtrArray *
get_obligatory_fields (IdlValues *values, const IdlDefinition *definition)
{
  GPtrArray *fields = definition->obligatory;

  if (fields != NULL)
    return fields;
  fields = idl_arena_array (values->names->unit->arena);
  for (guint i = 0; i < definition->members->len; i++)
    {
      IdlField *field = g_ptr_array_index (definition->members, i);

      if (field->requiredness == IDL_REQUIRED && field->value == NULL)
        g_ptr_array_add (fields, field);
    }
  ((IdlDefinition *) definition)->obligatory = fields; /* a cache */
  return fields;
}

/* Whether a field of it is set from the start. */
static gboolean
has_default (const IdlDefinition *definition)
{
  for (guint i = 0; i < definition->members->len; i++)
    if (((const IdlField *) g_ptr_array_index (definition->members, i))->value != NULL)
      return TRUE;
  return FALSE;
}

static void
check_completeness (IdlValues *values,
                    const IdlValue *value,
                    const IdlDefinition *definition,
                    GHashTable *seen)
{
  const GPtrArray *obligatory;

  if (definition->kind == IDL_DEFINITION_UNION)
    {
      if (g_hash_table_size (seen) == 0 && !has_default (definition))
        idl_values_report (values, IDL_RULE_UNION_FIELDS, IDL_ERROR, &value->location,
                           "union '%s' is given no field; it holds one", definition->node.name);
      if (g_hash_table_size (seen) > 1)
        idl_values_report (values, IDL_RULE_UNION_FIELDS, IDL_ERROR, &value->location,
                           "union '%s' is given %u fields; it holds one", definition->node.name,
                           g_hash_table_size (seen));
      return;
    }
  obligatory = get_obligatory_fields (values, definition);
  for (guint i = 0; i < obligatory->len; i++)
    {
      const IdlField *field = g_ptr_array_index (obligatory, i);

      if (g_hash_table_contains (seen, field))
        continue;
      idl_values_report (values, IDL_RULE_MISSING_FIELD, IDL_ERROR, &value->location,
                         "required field '%s' of '%s' is not given", field->node.name,
                         definition->node.name);
      idl_values_note (values, &field->node.location, "the field is here");
      return;
    }
}

static void
check_struct (IdlValues *values, IdlValue *value, const IdlDefinition *definition)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  guint errors = idl_diagnostics_count (values->names->unit->diagnostics, IDL_ERROR);

  if (value->kind != IDL_VALUE_MAP)
    {
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                         "%s given for %s '%s'", idl_values_describe (value),
                         idl_definition_kind_get_name (definition->kind), definition->node.name);
      return;
    }
  for (guint i = 0; i < value->items->len; i += 2)
    {
      const IdlField *field =
          find_field (values, g_ptr_array_index (value->items, i), definition, seen);

      if (field != NULL)
        idl_values_check_value (values, g_ptr_array_index (value->items, i + 1), field->type);
    }
  if (idl_diagnostics_count (values->names->unit->diagnostics, IDL_ERROR) == errors
      && !definition->is_broken)
    check_completeness (values, value, definition, seen);
}

/* An integer is taken for an enum when one of its enumerators has that value. */
static void
check_enum_value (IdlValues *values, IdlValue *value, const IdlDefinition *definition)
{
  if (value->kind != IDL_VALUE_INTEGER || value->is_boolean)
    {
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                         "%s given for enum '%s'", idl_values_describe (value),
                         definition->node.name);
      return;
    }
  if (value->integer >= G_MININT32 && value->integer <= G_MAXINT32)
    value->enumerator = idl_definition_find_enumerator (definition, (gint32) value->integer);
  if (value->enumerator == NULL && !definition->is_broken)
    idl_values_report (values, IDL_RULE_UNKNOWN_VALUE, IDL_ERROR, &value->location,
                       "enum '%s' has no enumerator of value %" G_GINT64_FORMAT,
                       definition->node.name, value->integer);
}

/* Real files write 200 for an i8 and mean its bits. */
static void
wrap_unsigned (IdlValues *values, IdlValue *value, const IdlType *type)
{
  guint bits;
  gint64 modulus;

  if (value->kind != IDL_VALUE_INTEGER || type->kind < IDL_TYPE_I8 || type->kind > IDL_TYPE_I32)
    return;
  bits = 8u << (type->kind - IDL_TYPE_I8);
  modulus = (gint64) 1 << bits;
  if (value->integer < modulus / 2 || value->integer >= modulus)
    return;
  idl_values_report (values, IDL_RULE_VALUE_RANGE, IDL_WARNING, &value->location,
                     "%" G_GINT64_FORMAT " does not fit an i%u; taken as %" G_GINT64_FORMAT,
                     value->integer, bits, value->integer - modulus);
  value->integer -= modulus;
}

/* Real files write 100 for a bool; Apache's compiler asks only whether it is 0. */
static void
take_for_bool (IdlValues *values, IdlValue *value, const IdlType *type)
{
  if (value->kind != IDL_VALUE_INTEGER || type->kind != IDL_TYPE_BOOL || value->integer == 0
      || value->integer == 1)
    return;
  idl_values_report (values, IDL_RULE_BOOL_VALUE, IDL_WARNING, &value->location,
                     "%" G_GINT64_FORMAT " is not a bool; taken as true", value->integer);
  value->integer = 1;
}

static void
check_scalar (IdlValues *values, IdlValue *value, const IdlType *type)
{
  g_autofree gchar *problem = NULL;

  wrap_unsigned (values, value, type);
  take_for_bool (values, value, type);
  problem = idl_values_explain_scalar (value, type);

  if (problem != NULL)
    idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location, "%s", problem);
  else if (type->kind == IDL_TYPE_STRING && memchr (value->text, '\0', value->length) != NULL)
    idl_values_report (values, IDL_RULE_STRING_NUL, IDL_WARNING, &value->location,
                       "a string with a NUL byte: in C it ends there, after %" G_GSIZE_FORMAT
                       " bytes; use 'binary'",
                       strlen (value->text));
  else if (value->is_boolean && type->kind != IDL_TYPE_BOOL)
    idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_WARNING, &value->location,
                       "%s given for a number; write %d", value->integer != 0 ? "true" : "false",
                       value->integer != 0);
}

void
idl_values_check_value (IdlValues *values, IdlValue *value, const IdlType *type)
{
  value->type = type;
  type = idl_type_resolve (type);
  if (value->kind == IDL_VALUE_NAMED)
    {
      idl_values_check_name (values, value, type);
      return;
    }
  switch (type->kind)
    {
    case IDL_TYPE_LIST:
    case IDL_TYPE_SET:
      check_list (values, value, type);
      break;
    case IDL_TYPE_MAP:
      check_map (values, value, type);
      break;
    case IDL_TYPE_NAMED:
      if (type->definition == NULL)
        break; /* the type has been reported */
      if (type->definition->kind == IDL_DEFINITION_ENUM)
        check_enum_value (values, value, type->definition);
      else
        check_struct (values, value, type->definition);
      break;
    default:
      check_scalar (values, value, type);
    }
}

static void
check_fields (IdlValues *values, const GPtrArray *fields)
{
  for (guint i = 0; i < fields->len; i++)
    {
      IdlField *field = g_ptr_array_index (fields, i);

      if (field->value != NULL)
        idl_values_check_value (values, field->value, field->type);
    }
}

static void
check_values_of (IdlValues *values, IdlDefinition *definition)
{
  values->current = definition;
  switch (definition->kind)
    {
    case IDL_DEFINITION_CONST:
      if (definition->value != NULL)
        idl_values_check_value (values, definition->value, definition->type);
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      check_fields (values, definition->members);
      break;
    case IDL_DEFINITION_SERVICE:
      for (guint i = 0; i < definition->members->len; i++)
        check_fields (values,
                      ((IdlFunction *) g_ptr_array_index (definition->members, i))->arguments);
      break;
    default:
      break;
    }
}

/* Constants: an edge to each constant that the value names. */
static void
collect_constants (IdlValue *value, GPtrArray *targets)
{
  if (value->constant != NULL)
    g_ptr_array_add (targets, (gpointer) value->constant);
  for (guint i = 0; value->items != NULL && i < value->items->len; i++)
    collect_constants (g_ptr_array_index (value->items, i), targets);
}

static void
get_constant_edges (IdlDefinition *definition, GPtrArray *targets, gpointer user_data)
{
  if (definition->value != NULL)
    collect_constants (definition->value, targets);
}

static void
report_constant_cycle (IdlDefinition *first, IdlDefinition *last, gpointer user_data)
{
  IdlValues *values = user_data;

  idl_values_report (values, IDL_RULE_CONSTANT_CYCLE, IDL_ERROR, &first->node.location,
                     "constant '%s' is defined by itself", first->node.name);
  if (first != last)
    idl_values_note (values, &last->node.location, "through '%s'", last->node.name);
  /* The cycle ends in a value that is nothing, so that code that follows references comes to an
   * end. */
  last->value = idl_arena_new_node (values->names->unit->arena, IdlValue);
  last->value->kind = IDL_VALUE_NAMED;
  last->value->location = last->node.location;
  last->value->text = last->node.name;
}

/* Structs and constants: an edge to each struct that is made, and to each constant that is used,
 * when one is made with its defaults. */
static void
collect_made (const IdlValue *value, GPtrArray *targets)
{
  const IdlDefinition *made = value->kind == IDL_VALUE_MAP && value->type != NULL
                                  ? idl_type_get_definition (value->type)
                                  : NULL;

  if (made != NULL)
    g_ptr_array_add (targets, (gpointer) made);
  if (value->constant != NULL)
    g_ptr_array_add (targets, (gpointer) value->constant);
  for (guint i = 0; value->items != NULL && i < value->items->len; i++)
    collect_made (g_ptr_array_index (value->items, i), targets);
}

static void
get_made_edges (IdlDefinition *definition, GPtrArray *targets, gpointer user_data)
{
  if (definition->value != NULL)
    collect_made (definition->value, targets);
  if (definition->kind == IDL_DEFINITION_CONST)
    return;
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);

      if (field->value != NULL)
        collect_made (field->value, targets);
    }
}

static void
report_endless_default (IdlDefinition *first, IdlDefinition *last, gpointer user_data)
{
  IdlValues *values = user_data;

  idl_values_report (values, IDL_RULE_DEFAULT_CYCLE, IDL_ERROR, &first->node.location,
                     "the default values of '%s' contain another '%s'", first->node.name,
                     first->node.name);
  if (first != last)
    idl_values_note (values, &last->node.location, "through '%s'", last->node.name);
}

/* How deep @value nests and of how many values it consists, references expanded. Constants that it
 * refers to have been measured. */
static void
measure_value (const IdlValue *value, guint32 *depth, guint32 *size)
{
  *depth = *size = 1;
  if (value->constant != NULL)
    {
      *depth = MAX (value->constant->type_depth, 1);
      *size = MAX (value->constant->type_size, 1);
    }
  for (guint i = 0; value->items != NULL && i < value->items->len; i++)
    {
      guint32 item_depth, item_size;

      measure_value (g_ptr_array_index (value->items, i), &item_depth, &item_size);
      *depth = MAX (*depth, item_depth + 1);
      *size = MIN (*size + item_size, 2 * MAX_VALUE_SIZE);
    }
}

static void
finish_constant (IdlDefinition *constant, gpointer user_data)
{
  IdlValues *values = user_data;

  if (constant->value == NULL)
    return;
  constant->literal = idl_value_resolve (constant->value);
  measure_value (constant->value, &constant->type_depth, &constant->type_size);
  if (constant->type_depth <= IDL_MAX_NESTING && constant->type_size <= MAX_VALUE_SIZE)
    return;
  idl_values_report (
      values, IDL_RULE_NESTING, IDL_ERROR, &constant->value->location,
      "with what it refers to, this value nests deeper than %d or has more than %d parts",
      IDL_MAX_NESTING, MAX_VALUE_SIZE);
  constant->type_depth = constant->type_size = 1; /* so that what refers to it is not reported */
}

/* Whether all values of @from are values of @to, up to the ranges of numbers, which widen. */
static gboolean
is_assignable (const IdlType *from, const IdlType *to)
{
  from = idl_type_resolve (from);
  to = idl_type_resolve (to);
  if (from->kind == IDL_TYPE_NAMED || to->kind == IDL_TYPE_NAMED)
    return idl_type_equal (from, to);
  if (from->kind >= IDL_TYPE_I8 && from->kind <= IDL_TYPE_I64 && to->kind >= IDL_TYPE_I8
      && to->kind <= IDL_TYPE_DOUBLE)
    return from->kind <= to->kind;
  if (from->element == NULL || to->element == NULL)
    return from->kind == to->kind;
  if ((from->key == NULL) != (to->key == NULL))
    return FALSE;
  return (from->key == NULL || is_assignable (from->key, to->key))
         && is_assignable (from->element, to->element);
}

/* A constant where another type is wanted: its scalar may fit, its containers may widen. */
static void
check_reference (IdlValues *values, IdlValue *value)
{
  const IdlType *type = idl_type_resolve (value->type);
  const IdlValue *literal = idl_value_resolve (value);
  gboolean is_scalar =
      literal->items == NULL && (literal->kind != IDL_VALUE_NAMED || literal->enumerator != NULL);
  g_autofree gchar *problem = NULL;
  g_autofree gchar *is = NULL;
  g_autofree gchar *wanted = NULL;

  if (value->constant == NULL || (type->kind == IDL_TYPE_NAMED && type->definition == NULL)
      || (literal->kind == IDL_VALUE_NAMED && literal->enumerator == NULL)
      || is_assignable (value->constant->type, value->type))
    return;
  if (is_scalar)
    problem = idl_values_explain_scalar (literal, type);
  if (is_scalar && problem == NULL)
    return;
  is = idl_type_to_string (value->constant->type);
  wanted = idl_type_to_string (value->type);
  idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                     "constant '%s' of type %s given for %s%s%s%s", value->text, is, wanted,
                     problem == NULL ? "" : " (", problem == NULL ? "" : problem,
                     problem == NULL ? "" : ")");
  idl_values_note (values, &value->constant->node.location, "the constant is here");
}

void
idl_values_check (IdlNames *names)
{
  g_autoptr (GPtrArray) references = g_ptr_array_new ();
  IdlValues values = { .names = names, .references = references };
  IdlProgram *program = names->program;

  for (guint i = 0; i < program->definitions->len; i++)
    check_values_of (&values, g_ptr_array_index (program->definitions, i));
  idl_graph_visit (program, 1u << IDL_DEFINITION_CONST, get_constant_edges, report_constant_cycle,
                   finish_constant, &values);
  idl_graph_visit (program,
                   1u << IDL_DEFINITION_CONST | 1u << IDL_DEFINITION_STRUCT
                       | 1u << IDL_DEFINITION_UNION | 1u << IDL_DEFINITION_EXCEPTION,
                   get_made_edges, report_endless_default, NULL, &values);
  for (guint i = 0; i < references->len; i++)
    check_reference (&values, g_ptr_array_index (references, i));
}
