/* Owns what a change of a type or a field means for peers of the other version. */
#include "audit-private.h"

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

static void
report_type (IdlAudit *audit,
             IdlSeverity severity,
             const IdlType *old_type,
             const IdlType *new_type,
             const gchar *what)
{
  g_autofree gchar *was = idl_type_to_string (old_type);
  g_autofree gchar *is = idl_type_to_string (new_type);

  idl_audit_report (audit, severity, &new_type->location, &old_type->location,
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

static void
compare_requiredness (IdlAudit *audit, const IdlField *was, const IdlField *is, const gchar *what)
{
  if (was->requiredness == is->requiredness)
    return;
  if (is->requiredness == IDL_REQUIRED)
    idl_audit_report (audit, was->requiredness == IDL_OPTIONAL ? IDL_ERROR : IDL_WARNING,
                      &is->node.location, &was->node.location,
                      "%s is now required: who reads it refuses messages without it", what);
  else if (was->requiredness == IDL_REQUIRED)
    idl_audit_report (audit, is->requiredness == IDL_OPTIONAL ? IDL_ERROR : IDL_WARNING,
                      &is->node.location, &was->node.location,
                      "%s is no longer required: older readers refuse messages without it", what);
}

static const gchar *
get_noun (IdlAuditFieldsKind kind)
{
  return kind == IDL_AUDIT_ARGUMENTS ? "argument" : "field";
}

static void
compare_field (IdlAudit *audit,
               const IdlField *was,
               const IdlField *is,
               IdlAuditFieldsKind kind,
               const gchar *owner)
{
  g_autofree gchar *what =
      g_strdup_printf ("%s %d, '%s', of %s", get_noun (kind), is->id, is->node.name, owner);

  if (g_strcmp0 (was->node.name, is->node.name) != 0)
    idl_audit_report (audit, IDL_WARNING, &is->node.location, &was->node.location,
                      "%s was called '%s': source code and JSON by name change", what,
                      was->node.name);
  idl_audit_types (audit, was->type, is->type, what);
  if (kind == IDL_AUDIT_STRUCT)
    compare_requiredness (audit, was, is, what);
  if ((was->value == NULL) != (is->value == NULL)
      || (was->value != NULL && !idl_value_equal (was->value, is->value)))
    idl_audit_report (audit, IDL_WARNING, &is->node.location, &was->node.location,
                      "the default of %s changes: what is absent means something else", what);
}

static void
report_removed (IdlAudit *audit,
                const IdlField *was,
                GHashTable *new_by_name,
                IdlAuditFieldsKind kind,
                const gchar *owner)
{
  const IdlField *other = g_hash_table_lookup (new_by_name, was->node.name);

  if (other != NULL)
    {
      /* Renumbered, not gone. */
      idl_audit_report (audit, IDL_ERROR, &other->id_location, &was->id_location,
                        "%s '%s' of %s had id %d and has id %d", get_noun (kind), was->node.name,
                        owner, was->id, other->id);
      return;
    }
  if (was->requiredness == IDL_REQUIRED)
    idl_audit_report (
        audit, IDL_ERROR, &was->node.location, NULL,
        "required field %d, '%s', of %s is gone: older readers refuse messages without it", was->id,
        was->node.name, owner);
  else
    idl_audit_report (audit, IDL_WARNING, &was->node.location, NULL,
                      "%s %d, '%s', of %s is gone; its id should not be used again",
                      get_noun (kind), was->id, was->node.name, owner);
}

static void
report_added (IdlAudit *audit, const IdlField *is, IdlAuditFieldsKind kind, const gchar *owner)
{
  if (kind == IDL_AUDIT_UNION)
    idl_audit_report (audit, IDL_WARNING, &is->node.location, NULL,
                      "field %d, '%s', of %s is new: older readers see an empty union", is->id,
                      is->node.name, owner);
  else if (kind == IDL_AUDIT_STRUCT && is->requiredness == IDL_REQUIRED)
    idl_audit_report (
        audit, IDL_ERROR, &is->node.location, NULL,
        "required field %d, '%s', of %s is new: messages of older writers are refused", is->id,
        is->node.name, owner);
  else if (kind == IDL_AUDIT_ARGUMENTS)
    idl_audit_report (audit, IDL_WARNING, &is->node.location, NULL,
                      "argument %d, '%s', of %s is new: older callers do not send it", is->id,
                      is->node.name, owner);
}

static GHashTable *
index_by_name (const GPtrArray *fields)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < fields->len; i++)
    {
      IdlNode *node = g_ptr_array_index (fields, i);

      g_hash_table_insert (index, (gpointer) node->name, node);
    }
  return index;
}

static GHashTable *
index_by_id (const GPtrArray *fields)
{
  GHashTable *index = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < fields->len; i++)
    {
      IdlField *field = g_ptr_array_index (fields, i);

      g_hash_table_insert (index, GINT_TO_POINTER (field->id), field);
    }
  return index;
}

void
idl_audit_fields (IdlAudit *audit,
                  const GPtrArray *old_fields,
                  const GPtrArray *new_fields,
                  IdlAuditFieldsKind kind,
                  const gchar *owner)
{
  g_autoptr (GHashTable) old_by_id = index_by_id (old_fields);
  g_autoptr (GHashTable) new_by_id = index_by_id (new_fields);
  g_autoptr (GHashTable) old_by_name = index_by_name (old_fields);
  g_autoptr (GHashTable) new_by_name = index_by_name (new_fields);

  for (guint i = 0; i < old_fields->len; i++)
    {
      const IdlField *was = g_ptr_array_index (old_fields, i);
      const IdlField *is = g_hash_table_lookup (new_by_id, GINT_TO_POINTER (was->id));

      if (is == NULL)
        report_removed (audit, was, new_by_name, kind, owner);
      else
        compare_field (audit, was, is, kind, owner);
    }
  for (guint i = 0; i < new_fields->len; i++)
    {
      const IdlField *is = g_ptr_array_index (new_fields, i);

      if (!g_hash_table_contains (old_by_id, GINT_TO_POINTER (is->id))
          && !g_hash_table_contains (old_by_name, is->node.name))
        report_added (audit, is, kind, owner);
    }
}
