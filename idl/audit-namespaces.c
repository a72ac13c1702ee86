/* Owns what another namespace means: generated names change, the wire does not. */
#include "audit-private.h"

#include <string.h>

static const IdlNamespace *
find_namespace (const IdlProgram *program, const gchar *scope)
{
  for (guint i = program->namespaces->len; i > 0; i--)
    {
      const IdlNamespace *found = g_ptr_array_index (program->namespaces, i - 1);

      if (strcmp (found->scope, scope) == 0)
        return found;
    }
  return NULL;
}

/* The namespace is in one of the two at least. */
static void
compare_scope (IdlAudit *audit, const IdlProgram *was, const IdlProgram *is, const gchar *scope)
{
  const IdlNamespace *old_one = find_namespace (was, scope);
  const IdlNamespace *new_one = find_namespace (is, scope);
  const gchar *old_name = idl_program_get_namespace (was, scope);
  const gchar *new_name = idl_program_get_namespace (is, scope);
  const IdlLocation *old_place = old_one == NULL ? NULL : &old_one->location;

  if (strcmp (old_name, new_name) != 0)
    idl_audit_report (audit, IDL_RULE_AUDIT_NAMESPACE, IDL_WARNING,
                      new_one == NULL ? old_place : &new_one->location,
                      new_one == NULL ? NULL : old_place,
                      "namespace %s was '%s' and is '%s': names in source code change", scope,
                      old_name, new_name);
}

void
idl_audit_program_namespaces (IdlAudit *audit, const IdlProgram *was, const IdlProgram *is)
{
  g_autoptr (GHashTable) scopes = g_hash_table_new (g_str_hash, g_str_equal);
  const IdlProgram *const both[] = { was, is };

  if (!g_hash_table_add (audit->programs, (gpointer) was))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    for (guint j = 0; j < both[i]->namespaces->len; j++)
      {
        const IdlNamespace *one = g_ptr_array_index (both[i]->namespaces, j);

        if (g_hash_table_add (scopes, (gpointer) one->scope))
          compare_scope (audit, was, is, one->scope);
      }
}

void
idl_audit_namespaces (IdlAudit *audit, const IdlDefinition *was, const IdlDefinition *is)
{
  const IdlProgram *before = was->program, *after = is->program;
  gboolean are_both_main = before == audit->old_program && after == audit->new_program;
  gboolean is_main = before == audit->old_program || after == audit->new_program;

  if (are_both_main || (!is_main && strcmp (before->name, after->name) == 0))
    {
      idl_audit_program_namespaces (audit, before, after);
      return;
    }
  /* It moved to another file. */
  for (guint i = 0; i < before->namespaces->len; i++)
    {
      const IdlNamespace *one = g_ptr_array_index (before->namespaces, i);
      const gchar *name = idl_program_get_namespace (after, one->scope);

      if (find_namespace (before, one->scope) == one && strcmp (one->name, name) != 0)
        idl_audit_report (audit, IDL_RULE_AUDIT_NAMESPACE, IDL_WARNING, &is->node.location,
                          &was->node.location,
                          "%s '%s' was in namespace %s '%s' and is in '%s': its names in source "
                          "code change",
                          idl_definition_kind_get_name (is->kind), is->node.name, one->scope,
                          one->name, name);
    }
}
