/* Owns what a name means as a value: a constant, or an enumerator, of this file or an included one.
 */
#include "values-private.h"

#include <string.h>

static void
bind_enumerator (IdlValue *value, const IdlEnumerator *enumerator)
{
  value->enumerator = enumerator;
  value->integer = enumerator->value;
}

/* The enumerator is there; is it of the type that is wanted? */
static void
check_enumerator (IdlValues *values, IdlValue *value, const IdlType *type)
{
  const IdlDefinition *owner = value->enumerator->owner;
  g_autofree gchar *problem = NULL;

  if (type->kind == IDL_TYPE_NAMED)
    {
      if (type->definition == NULL || type->definition == owner)
        return;
      idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location,
                         "an enumerator of '%s' given for %s '%s'", owner->node.name,
                         idl_definition_kind_get_name (type->definition->kind),
                         type->definition->node.name);
      idl_values_note (values, &value->enumerator->node.location, "the enumerator is here");
      return;
    }
  problem = idl_values_explain_scalar (value, type);
  if (problem != NULL)
    idl_values_report (values, IDL_RULE_VALUE_TYPE, IDL_ERROR, &value->location, "%s", problem);
}

/* The last part alone, where an enum is wanted: other compilers look at nothing else. */
static gboolean
find_wanted_enumerator (IdlValues *values, IdlValue *value, const IdlType *type)
{
  const gchar *dot = strrchr (value->text, '.');
  const gchar *last = dot == NULL ? value->text : dot + 1;
  const IdlEnumerator *enumerator;
  gboolean is_foreign;

  if (type->kind != IDL_TYPE_NAMED || type->definition == NULL
      || type->definition->kind != IDL_DEFINITION_ENUM)
    return FALSE;
  enumerator = idl_definition_find_member (type->definition, last);
  if (enumerator == NULL)
    return FALSE;
  bind_enumerator (value, enumerator);
  is_foreign = type->definition->program != values->names->program;
  idl_values_report (values, IDL_RULE_ENUMERATOR_NAME, IDL_WARNING, &value->location,
                     "'%s' is taken for '%s%s%s.%s', which is its full name", value->text,
                     is_foreign ? type->definition->program->name : "", is_foreign ? "." : "",
                     type->definition->node.name, last);
  return TRUE;
}

/* `Enum.NAME`. FALSE: the part before the last dot names no enum. */
static gboolean
find_enumerator (
    IdlValues *values, IdlValue *value, const IdlType *type, const gchar *dot, gboolean *reported)
{
  g_autofree gchar *prefix = g_strndup (value->text, (gsize) (dot - value->text));
  const IdlDefinition *owner =
      idl_names_find (values->names, IDL_NAMES_TYPES, prefix, &value->location, reported);
  const IdlEnumerator *enumerator;
  const gchar *similar;

  if (owner != NULL && owner->kind == IDL_DEFINITION_TYPEDEF)
    {
      owner = idl_type_get_definition (owner->type);
      *reported = owner == NULL;
    }
  if (owner == NULL || owner->kind != IDL_DEFINITION_ENUM)
    return FALSE;
  enumerator = idl_definition_find_member (owner, dot + 1);
  if (enumerator != NULL)
    {
      bind_enumerator (value, enumerator);
      return TRUE;
    }
  if (owner->is_broken || find_wanted_enumerator (values, value, type))
    return TRUE;
  similar = idl_names_find_similar (values->names, dot + 1, owner->members);
  idl_values_report (values, IDL_RULE_UNKNOWN_VALUE, IDL_ERROR, &value->location,
                     "enum '%s' has no enumerator '%s'%s%s%s", owner->node.name, dot + 1,
                     similar == NULL ? "" : "; did you mean '", similar == NULL ? "" : similar,
                     similar == NULL ? "" : "'?");
  idl_values_note (values, &owner->node.location, "the enum is defined here");
  return TRUE;
}

static void
bind_constant (IdlValues *values, IdlValue *value, const IdlDefinition *constant)
{
  if (constant->value == NULL)
    return; /* its own mistake has been reported */
  value->constant = constant;
  g_ptr_array_add (values->references, value);
  if (constant->program == values->names->program
      && constant->node.location.offset > value->location.offset)
    {
      idl_values_report (values, IDL_RULE_DEFINED_LATER, IDL_WARNING, &value->location,
                         "'%s' is defined later; other Thrift compilers need it first",
                         value->text);
      idl_values_note (values, &constant->node.location, "it is defined here");
    }
}

void
idl_values_check_name (IdlValues *values, IdlValue *value, const IdlType *type)
{
  const gchar *dot = strrchr (value->text, '.');
  g_autofree gchar *hint = NULL;
  gboolean reported, prefix_reported = FALSE;
  const IdlDefinition *constant =
      idl_names_find (values->names, IDL_NAMES_CONSTANTS, value->text, &value->location, &reported);

  if (constant != NULL)
    {
      bind_constant (values, value, constant);
      return;
    }
  if (dot != NULL && find_enumerator (values, value, type, dot, &prefix_reported))
    {
      if (value->enumerator != NULL)
        check_enumerator (values, value, type);
      return;
    }
  if (reported || prefix_reported || find_wanted_enumerator (values, value, type))
    return;
  hint = idl_names_suggest (values->names, IDL_NAMES_CONSTANTS, value->text);
  idl_values_report (values, IDL_RULE_UNKNOWN_VALUE, IDL_ERROR, &value->location,
                     "unknown constant or enumerator '%s'%s%s", value->text,
                     hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
}
