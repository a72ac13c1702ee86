/* Owns what a change of a type means for peers of the other version. */
#include "audit-private.h"

#include <string.h>

/* What a type is on the wire, as far as one type says: the specification's type codes. */
static guint
get_wire_kind (const IdlType *type)
{
  if (type->kind == IDL_TYPE_BINARY)
    return IDL_TYPE_STRING;
  if (type->kind == IDL_TYPE_NAMED && type->definition->kind == IDL_DEFINITION_ENUM)
    return IDL_TYPE_I32;
  return type->kind;
}

/* As idl_type_to_string(), with typedefs followed. (transfer full) */
static gchar *
expand (const IdlType *type)
{
  g_autofree gchar *key = NULL;
  g_autofree gchar *element = NULL;

  type = idl_type_resolve (type);
  if (type->element == NULL)
    return idl_type_to_string (type);
  element = expand (type->element);
  if (type->key == NULL)
    return g_strdup_printf ("%s<%s>", type->kind == IDL_TYPE_SET ? "set" : "list", element);
  key = expand (type->key);
  return g_strdup_printf ("map<%s, %s>", key, element);
}

/* As it is written, and what it is if that is something else: "Id (i32)". (transfer full) */
static gchar *
describe (const IdlType *type)
{
  g_autofree gchar *written = idl_type_to_string (type);
  g_autofree gchar *expanded = expand (type);

  return strcmp (written, expanded) == 0 ? g_steal_pointer (&written)
                                         : g_strdup_printf ("%s (%s)", written, expanded);
}

static void
report_type (IdlAudit *audit,
             IdlSeverity severity,
             const IdlType *old_type,
             const IdlType *new_type,
             const gchar *what)
{
  g_autofree gchar *was = describe (old_type);
  g_autofree gchar *is = describe (new_type);

  idl_audit_report (audit, IDL_RULE_AUDIT_TYPE, severity, &new_type->location, &old_type->location,
                    "%s was of type %s and is of type %s%s", what, was, is,
                    severity == IDL_WARNING ? ", which is the same on the wire" : "");
}

void
idl_audit_types (IdlAudit *audit,
                 const IdlType *old_type,
                 const IdlType *new_type,
                 const gchar *what)
{
  const IdlType *was = idl_type_resolve (old_type);
  const IdlType *is = idl_type_resolve (new_type);

  if (get_wire_kind (was) != get_wire_kind (is))
    {
      report_type (audit, IDL_ERROR, old_type, new_type, what);
      return;
    }
  if (was->kind != is->kind)
    {
      report_type (audit, IDL_WARNING, old_type, new_type, what);
      return;
    }
  if (was->kind == IDL_TYPE_NAMED)
    {
      if (g_strcmp0 (was->definition->node.name, is->definition->node.name) != 0)
        report_type (audit, IDL_WARNING, old_type, new_type, what);
      idl_audit_add_pair (audit, was->definition, is->definition);
    }
  if (was->key != NULL)
    idl_audit_types (audit, was->key, is->key, what);
  if (was->element != NULL)
    idl_audit_types (audit, was->element, is->element, what);
}

/* Whether @name is that of a type in @program. */
static gboolean
has_type (const IdlProgram *program, const gchar *name)
{
  return g_hash_table_contains (program->types, name);
}

void
idl_audit_thrown_types (IdlAudit *audit,
                        const IdlType *old_type,
                        const IdlType *new_type,
                        const gchar *what)
{
  const IdlDefinition *was = idl_type_get_definition (old_type);
  const IdlDefinition *is = idl_type_get_definition (new_type);
  gboolean is_renamed;

  g_return_if_fail (was != NULL && is != NULL);
  /* The name alone is another if neither version has both. */
  is_renamed = !has_type (is->program, was->node.name) && !has_type (was->program, is->node.name);
  if (is_renamed)
    idl_audit_types (audit, old_type, new_type, what);
  else
    report_type (audit, IDL_ERROR, old_type, new_type, what);
}

void
idl_audit_constants (IdlAudit *audit,
                     const IdlDefinition *was,
                     const IdlDefinition *is,
                     const gchar *what)
{
  g_autofree gchar *old_type = expand (was->type);
  g_autofree gchar *new_type = expand (is->type);

  if (!idl_value_equal (was->value, is->value))
    idl_audit_report (audit, IDL_RULE_AUDIT_CONSTANT, IDL_WARNING, &is->node.location,
                      &was->node.location, "the value of %s changes", what);
  if (strcmp (old_type, new_type) != 0)
    idl_audit_report (audit, IDL_RULE_AUDIT_CONSTANT, IDL_WARNING, &is->type->location,
                      &was->type->location, "%s was of type %s and is of type %s", what, old_type,
                      new_type);
}
