/* Owns the rules about lists of fields: those of structs, unions and exceptions, arguments, and
 * what a function throws. */
#include "checks-private.h"

#include <string.h>

void
idl_checks_unique_names (IdlChecks *checks, const GPtrArray *nodes, const gchar *what)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < nodes->len; i++)
    {
      const IdlNode *node = g_ptr_array_index (nodes, i);
      const IdlNode *other = g_hash_table_lookup (seen, node->name);

      if (other == NULL)
        {
          g_hash_table_insert (seen, (gpointer) node->name, (gpointer) node);
          continue;
        }
      idl_checks_report (checks, IDL_RULE_DUPLICATE_NAME, IDL_ERROR, &node->location,
                         "%s '%s' is defined twice", what, node->name);
      idl_checks_note (checks, &other->location, "the other '%s' is here", other->name);
    }
}

static void
check_id (IdlChecks *checks, const IdlField *field, GHashTable *seen)
{
  const IdlField *other;

  if (field->id < G_MININT16 || field->id > G_MAXINT16)
    idl_checks_report (checks, IDL_RULE_FIELD_ID_RANGE, IDL_ERROR, &field->id_location,
                       "a field's id has 16 bits: it is at most %d", G_MAXINT16);
  other = g_hash_table_lookup (seen, GINT_TO_POINTER (field->id));
  if (other == NULL)
    {
      g_hash_table_insert (seen, GINT_TO_POINTER (field->id), (gpointer) field);
      return;
    }
  idl_checks_report (checks, IDL_RULE_DUPLICATE_ID, IDL_ERROR, &field->id_location,
                     "'%s' has the id of '%s', %d", field->node.name, other->node.name, field->id);
  idl_checks_note (checks, &other->node.location, "'%s' is here", other->node.name);
}

static void
check_ids (IdlChecks *checks, const GPtrArray *fields)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  gboolean warned = FALSE;

  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);

      check_id (checks, field, seen);
      /* One that is not above 0 was warned of when it was read. */
      if (!field->id_is_implicit || field->id_location.offset != field->node.location.offset
          || warned)
        continue;
      idl_checks_report (
          checks, IDL_RULE_IMPLICIT_ID, IDL_WARNING, &field->id_location,
          "field '%s' has no id of its own: it gets %d, which changes with its place",
          field->node.name, field->id);
      warned = TRUE;
    }
}

/* The members of a union are optional, whatever is written; one at most has a default. */
static void
check_union_field (IdlChecks *checks, IdlField *field, const IdlField **with_default)
{
  if (field->requiredness == IDL_REQUIRED)
    idl_checks_report (checks, IDL_RULE_IGNORED_REQUIREDNESS, IDL_WARNING, &field->node.location,
                       "union field '%s': 'required' is ignored; fields of a union are optional",
                       field->node.name);
  field->requiredness = IDL_OPTIONAL;
  if (field->value == NULL)
    return;
  if (*with_default == NULL)
    {
      *with_default = field;
      return;
    }
  idl_checks_report (checks, IDL_RULE_UNION_FIELDS, IDL_ERROR, &field->node.location,
                     "union field '%s' is the second with a default; a union holds one field",
                     field->node.name);
  idl_checks_note (checks, &(*with_default)->node.location, "the first is here");
}

static void
check_thrown_type (IdlChecks *checks, const IdlField *field)
{
  const IdlType *type = idl_type_resolve (field->type);
  g_autofree gchar *name = NULL;

  if (type->kind == IDL_TYPE_NAMED
      && (type->definition == NULL || type->definition->kind == IDL_DEFINITION_EXCEPTION))
    return;
  name = idl_type_to_string (field->type);
  idl_checks_report (checks, IDL_RULE_THROWN_TYPE, IDL_ERROR, &field->type->location,
                     "'%s' is thrown but is not an exception", name);
  if (type->kind == IDL_TYPE_NAMED)
    idl_checks_note (checks, &type->definition->node.location, "it is %s %s, defined here",
                     type->definition->kind == IDL_DEFINITION_ENUM ? "an" : "a",
                     idl_definition_kind_get_name (type->definition->kind));
}

static void
check_field (IdlChecks *checks, IdlField *field, IdlFieldsKind kind, const IdlField **with_default)
{
  if (kind == IDL_FIELDS_UNION)
    check_union_field (checks, field, with_default);
  if (kind == IDL_FIELDS_THROWS)
    check_thrown_type (checks, field);
  if ((kind == IDL_FIELDS_ARGUMENTS || kind == IDL_FIELDS_THROWS)
      && field->requiredness == IDL_OPTIONAL)
    {
      idl_checks_report (checks, IDL_RULE_IGNORED_REQUIREDNESS, IDL_WARNING, &field->node.location,
                         "'optional' is ignored for '%s': it is %s", field->node.name,
                         kind == IDL_FIELDS_ARGUMENTS ? "an argument" : "thrown");
      field->requiredness = IDL_DEFAULT;
    }
}

void
idl_checks_fields (IdlChecks *checks, const GPtrArray *fields, IdlFieldsKind kind)
{
  const gchar *what = kind == IDL_FIELDS_ARGUMENTS ? "argument"
                      : kind == IDL_FIELDS_THROWS  ? "exception"
                                                   : "field";
  const IdlField *with_default = NULL;

  if (fields->len > 1)
    idl_checks_unique_names (checks, fields, what);
  check_ids (checks, fields);
  for (guint i = 0; i < fields->len; i++)
    {
      IdlField *field = g_ptr_array_index (fields, i);

      check_field (checks, field, kind, &with_default);
      if (field->xsd_attributes != NULL)
        idl_checks_fields (checks, field->xsd_attributes, IDL_FIELDS_STRUCT);
    }
}
