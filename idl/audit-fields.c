/* Owns what a change of fields, arguments or exceptions means for peers of the other version. They are
 * known by their ids on the wire, so an id that another field has now is read as what it was. */
#include "audit-private.h"

#include <stdlib.h>
#include <string.h>

/* Two lists of fields that are compared. */
typedef struct
{
  IdlAudit *audit;
  IdlAuditFieldsKind kind;
  const gchar *owner; /* what has them */
  GHashTable *old_by_id;
  GHashTable *new_by_id;
  GHashTable *old_by_name;
  GHashTable *new_by_name;
} Comparison;

/* A field of the old version, and the one that has its id now. */
typedef struct
{
  const IdlField *was;
  const IdlField *is; /* (nullable) */
  const IdlField
      *old_home; /* (nullable): the old field of the new one's name, if that is another */
  const IdlField
      *new_home;     /* (nullable): the new field of the old one's name, if that is another */
  gboolean is_moved; /* the id has another field now, not the same one by another name */
} Row;

static gboolean
is_of_exceptions (const Comparison *comparison)
{
  return comparison->kind == IDL_AUDIT_THROWS || comparison->kind == IDL_AUDIT_VOID_THROWS;
}

static const gchar *
get_noun (const Comparison *comparison)
{
  if (is_of_exceptions (comparison))
    return "exception";
  return comparison->kind == IDL_AUDIT_ARGUMENTS ? "argument" : "field";
}

/* Of exceptions the type says which one it is; the name is for source code only. */
static gboolean
is_same_exception (const IdlField *one, const IdlField *other)
{
  const IdlDefinition *a = idl_type_get_definition (one->type);
  const IdlDefinition *b = idl_type_get_definition (other->type);

  return a != NULL && b != NULL && strcmp (a->node.name, b->node.name) == 0;
}

static void
compare_requiredness (IdlAudit *audit, const IdlField *was, const IdlField *is, const gchar *what)
{
  if (was->requiredness == is->requiredness)
    return;
  if (is->requiredness == IDL_REQUIRED)
    idl_audit_report (audit, IDL_RULE_AUDIT_REQUIREDNESS,
                      was->requiredness == IDL_OPTIONAL ? IDL_ERROR : IDL_WARNING,
                      &is->node.location, &was->node.location,
                      "%s is now required: a reader refuses messages without it", what);
  else if (was->requiredness == IDL_REQUIRED)
    idl_audit_report (audit, IDL_RULE_AUDIT_REQUIREDNESS,
                      is->requiredness == IDL_OPTIONAL ? IDL_ERROR : IDL_WARNING,
                      &is->node.location, &was->node.location,
                      "%s is no longer required: older readers refuse messages without it", what);
}

static void
compare_defaults (IdlAudit *audit, const IdlField *was, const IdlField *is, const gchar *what)
{
  if ((was->value == NULL) != (is->value == NULL)
      || (was->value != NULL && !idl_value_equal (was->value, is->value)))
    idl_audit_report (audit, IDL_RULE_AUDIT_DEFAULT, IDL_WARNING, &is->node.location,
                      &was->node.location,
                      "the default of %s changes: what is absent means something else", what);
}

static void
report_moved (const Comparison *comparison, const Row *row)
{
  g_autofree gchar *reason = NULL;

  if (row->new_home != NULL)
    reason = g_strdup_printf ("'%s' has id %d now", row->was->node.name, row->new_home->id);
  else if (row->old_home != NULL)
    reason = g_strdup_printf ("'%s' had id %d", row->is->node.name, row->old_home->id);
  else
    reason = g_strdup ("the names beside it moved to other ids");
  idl_audit_report (comparison->audit, IDL_RULE_AUDIT_FIELD_ID, IDL_ERROR, &row->is->node.location,
                    &row->was->node.location,
                    "%s %d of %s was '%s' and is '%s': %s, so peers take the one for the other",
                    get_noun (comparison), row->is->id, comparison->owner, row->was->node.name,
                    row->is->node.name, reason);
}

static void
compare_row (const Comparison *comparison, const Row *row)
{
  IdlAudit *audit = comparison->audit;
  const IdlField *was = row->was, *is = row->is;
  g_autofree gchar *what = g_strdup_printf ("%s %d, '%s', of %s", get_noun (comparison), is->id,
                                            is->node.name, comparison->owner);

  if (is_of_exceptions (comparison) && !is_same_exception (was, is))
    {
      idl_audit_thrown_types (audit, was->type, is->type, what);
      return;
    }
  if (row->is_moved)
    report_moved (comparison, row);
  else if (strcmp (was->node.name, is->node.name) != 0)
    idl_audit_report (audit, IDL_RULE_AUDIT_FIELD_NAME, IDL_WARNING, &is->node.location,
                      &was->node.location,
                      "%s was called '%s': source code and JSON by name change", what,
                      was->node.name);
  idl_audit_types (audit, was->type, is->type, what);
  if (comparison->kind == IDL_AUDIT_STRUCT)
    compare_requiredness (audit, was, is, what);
  if (!row->is_moved && !is_of_exceptions (comparison))
    compare_defaults (audit, was, is, what);
}

static void
report_gone (const Comparison *comparison, const Row *row)
{
  IdlAudit *audit = comparison->audit;
  const IdlField *was = row->was;
  const gchar *name = was->node.name;

  if (row->new_home != NULL) /* renumbered, not gone */
    idl_audit_report (audit, IDL_RULE_AUDIT_FIELD_ID, IDL_ERROR, &row->new_home->id_location,
                      &was->id_location, "%s '%s' of %s had id %d and has id %d",
                      get_noun (comparison), name, comparison->owner, was->id, row->new_home->id);
  else if (is_of_exceptions (comparison))
    idl_audit_report (audit, IDL_RULE_AUDIT_EXCEPTION_GONE, IDL_ERROR, &was->node.location, NULL,
                      comparison->kind == IDL_AUDIT_VOID_THROWS
                          ? "%s no longer throws '%s': newer callers take it for success"
                          : "%s no longer throws '%s': newer callers see a missing result",
                      comparison->owner, name);
  else if (was->requiredness == IDL_REQUIRED)
    idl_audit_report (
        audit, IDL_RULE_AUDIT_FIELD_GONE, IDL_ERROR, &was->node.location, NULL,
        "required field %d, '%s', of %s is gone: older readers refuse messages without it", was->id,
        name, comparison->owner);
  else
    idl_audit_report (audit, IDL_RULE_AUDIT_FIELD_GONE, IDL_WARNING, &was->node.location, NULL,
                      "%s %d, '%s', of %s is gone; its id should not be used again",
                      get_noun (comparison), was->id, name, comparison->owner);
}

static void
report_new (const Comparison *comparison, const IdlField *is)
{
  IdlAudit *audit = comparison->audit;
  const IdlLocation *place = &is->node.location;
  const gchar *owner = comparison->owner, *name = is->node.name;

  switch (comparison->kind)
    {
    case IDL_AUDIT_UNION:
      idl_audit_report (audit, IDL_RULE_AUDIT_FIELD_NEW, IDL_WARNING, place, NULL,
                        "field %d, '%s', of %s is new: older readers see an empty union", is->id,
                        name, owner);
      break;
    case IDL_AUDIT_STRUCT:
      if (is->requiredness == IDL_REQUIRED)
        idl_audit_report (
            audit, IDL_RULE_AUDIT_FIELD_NEW, IDL_ERROR, place, NULL,
            "required field %d, '%s', of %s is new: messages of older writers are refused", is->id,
            name, owner);
      break;
    case IDL_AUDIT_ARGUMENTS:
      idl_audit_report (audit, IDL_RULE_AUDIT_FIELD_NEW, IDL_WARNING, place, NULL,
                        "argument %d, '%s', of %s is new: older callers do not send it", is->id,
                        name, owner);
      break;
    case IDL_AUDIT_THROWS:
      idl_audit_report (audit, IDL_RULE_AUDIT_EXCEPTION_NEW, IDL_WARNING, place, NULL,
                        "%s throws '%s' now, which older callers see as a missing result", owner,
                        name);
      break;
    case IDL_AUDIT_VOID_THROWS:
      idl_audit_report (audit, IDL_RULE_AUDIT_EXCEPTION_NEW, IDL_ERROR, place, NULL,
                        "%s throws '%s' now, which older callers take for success", owner, name);
      break;
    }
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

/* (nullable): the field of @field's name in @by_name, if its id is another. */
static const IdlField *
find_home (const Comparison *comparison, GHashTable *by_name, const IdlField *field)
{
  const IdlField *home = g_hash_table_lookup (by_name, field->node.name);

  if (home == NULL || home->id == field->id
      || (is_of_exceptions (comparison) && !is_same_exception (home, field)))
    return NULL;
  return home;
}

static Row
make_row (const Comparison *comparison, const IdlField *was)
{
  Row row = { .was = was };

  row.is = g_hash_table_lookup (comparison->new_by_id, GINT_TO_POINTER (was->id));
  row.new_home = find_home (comparison, comparison->new_by_name, was);
  if (row.is != NULL)
    row.old_home = find_home (comparison, comparison->old_by_name, row.is);
  row.is_moved = row.is != NULL && strcmp (was->node.name, row.is->node.name) != 0
                 && (row.new_home != NULL || row.old_home != NULL);
  return row;
}

static int
compare_ids (gconstpointer one, gconstpointer other)
{
  const Row *a = *(const Row *const *) one, *b = *(const Row *const *) other;

  return (a->was->id > b->was->id) - (a->was->id < b->was->id);
}

/* @row's name is another, and so is the one beside it, which moved: they moved together. */
static void
move_along (Row *row, const Row *neighbour)
{
  if (row->is != NULL && strcmp (row->was->node.name, row->is->node.name) != 0)
    row->is_moved |= neighbour->is_moved;
}

static void
mark_neighbours (Row *rows, guint count)
{
  g_autofree Row **by_id = g_new (Row *, count);

  for (guint i = 0; i < count; i++)
    by_id[i] = &rows[i];
  if (count > 0)
    qsort (by_id, count, sizeof *by_id, compare_ids);
  for (guint i = 1; i < count; i++)
    move_along (by_id[i], by_id[i - 1]);
  for (guint i = count; i > 1; i--)
    move_along (by_id[i - 2], by_id[i - 1]);
}

static void
compare_lists (const Comparison *comparison,
               const GPtrArray *old_fields,
               const GPtrArray *new_fields)
{
  g_autofree Row *rows = g_new (Row, old_fields->len);

  for (guint i = 0; i < old_fields->len; i++)
    rows[i] = make_row (comparison, g_ptr_array_index (old_fields, i));
  if (!is_of_exceptions (comparison)) /* their types say it */
    mark_neighbours (rows, old_fields->len);
  for (guint i = 0; i < old_fields->len; i++)
    if (rows[i].is == NULL)
      report_gone (comparison, &rows[i]);
    else
      compare_row (comparison, &rows[i]);
  for (guint i = 0; i < new_fields->len; i++)
    {
      const IdlField *is = g_ptr_array_index (new_fields, i);

      if (!g_hash_table_contains (comparison->old_by_id, GINT_TO_POINTER (is->id))
          && find_home (comparison, comparison->old_by_name, is) == NULL)
        report_new (comparison, is);
    }
}

void
idl_audit_fields (IdlAudit *audit,
                  const GPtrArray *old_fields,
                  const GPtrArray *new_fields,
                  IdlAuditFieldsKind kind,
                  const gchar *owner)
{
  Comparison comparison = { .audit = audit,
                            .kind = kind,
                            .owner = owner,
                            .old_by_id = index_by_id (old_fields),
                            .new_by_id = index_by_id (new_fields),
                            .old_by_name = index_by_name (old_fields),
                            .new_by_name = index_by_name (new_fields) };

  compare_lists (&comparison, old_fields, new_fields);
  g_hash_table_unref (comparison.old_by_id);
  g_hash_table_unref (comparison.new_by_id);
  g_hash_table_unref (comparison.old_by_name);
  g_hash_table_unref (comparison.new_by_name);
}
