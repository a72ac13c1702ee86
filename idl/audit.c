/* Owns the comparison of two versions of an IDL: definitions, enumerators, services. The
 * other files of the audit own types, fields and namespaces. Definitions wait in a queue, so that recursive structs end and none
 * is compared twice. */
#include "audit-private.h"

#include <string.h>

void
idl_audit_report (IdlAudit *audit,
                  IdlRule rule,
                  IdlSeverity severity,
                  const IdlLocation *place,
                  const IdlLocation *old_place,
                  const gchar *format,
                  ...)
{
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  idl_diagnostics_add (audit->findings, rule, severity, place, "%s", message);
  if (old_place != NULL)
    idl_diagnostics_add_note (audit->findings, old_place, "the older version is here");
}

static guint
pair_hash (gconstpointer data)
{
  const IdlAuditPair *pair = data;

  return g_direct_hash (pair->old_definition) * 31 + g_direct_hash (pair->new_definition);
}

static gboolean
pair_equal (gconstpointer one, gconstpointer other)
{
  const IdlAuditPair *a = one, *b = other;

  return a->old_definition == b->old_definition && a->new_definition == b->new_definition;
}

void
idl_audit_add_pair (IdlAudit *audit,
                    const IdlDefinition *old_definition,
                    const IdlDefinition *new_definition)
{
  IdlAuditPair pair = { old_definition, new_definition };
  IdlAuditPair *kept;

  if (g_hash_table_contains (audit->seen, &pair))
    return;
  kept = g_new (IdlAuditPair, 1);
  *kept = pair;
  g_hash_table_add (audit->seen, kept);
  g_queue_push_tail (&audit->pairs, kept);
}

static void
compare_enums (IdlAudit *audit, const IdlDefinition *was, const IdlDefinition *is)
{
  for (guint i = 0; i < was->members->len; i++)
    {
      const IdlEnumerator *old_one = g_ptr_array_index (was->members, i);
      const IdlEnumerator *new_one = idl_definition_find_member (is, old_one->node.name);
      const IdlEnumerator *renamed = idl_definition_find_enumerator (is, old_one->value);

      if (new_one != NULL && new_one->value != old_one->value)
        idl_audit_report (audit, IDL_RULE_AUDIT_ENUMERATOR_VALUE, IDL_ERROR,
                          &new_one->node.location, &old_one->node.location,
                          "'%s.%s' was %d and is %d", is->node.name, new_one->node.name,
                          old_one->value, new_one->value);
      else if (new_one == NULL && renamed != NULL)
        idl_audit_report (audit, IDL_RULE_AUDIT_ENUMERATOR_NAME, IDL_WARNING,
                          &renamed->node.location, &old_one->node.location,
                          "value %d of enum '%s' was called '%s' and is called '%s'",
                          old_one->value, is->node.name, old_one->node.name, renamed->node.name);
      else if (new_one == NULL)
        idl_audit_report (audit, IDL_RULE_AUDIT_ENUMERATOR_GONE, IDL_WARNING,
                          &old_one->node.location, NULL,
                          "'%s.%s' (%d) is gone; older peers may still send it", is->node.name,
                          old_one->node.name, old_one->value);
    }
}

/* The function of @service or of what it inherits from. */
static const IdlFunction *
find_function (const IdlDefinition *service, const gchar *name)
{
  const IdlFunction *function = NULL;

  for (; service != NULL && function == NULL; service = service->extends)
    function = idl_definition_find_member (service, name);
  return function;
}

static void
compare_functions (IdlAudit *audit, const IdlFunction *was, const IdlFunction *is)
{
  g_autofree gchar *owner = g_strdup_printf ("function '%s'", is->node.name);
  g_autofree gchar *result = g_strdup_printf ("the result of function '%s'", is->node.name);

  if (was->oneway != is->oneway)
    idl_audit_report (audit, IDL_RULE_AUDIT_ONEWAY, IDL_ERROR, &is->node.location,
                      &was->node.location,
                      is->oneway ? "%s is oneway now: older callers wait for a reply"
                                 : "%s is no longer oneway: older callers do not read its reply",
                      owner);
  idl_audit_types (audit, was->returns, is->returns, result);
  idl_audit_fields (audit, was->arguments, is->arguments, IDL_AUDIT_ARGUMENTS, owner);
  idl_audit_fields (audit, was->throws, is->throws,
                    is->returns->kind == IDL_TYPE_VOID ? IDL_AUDIT_VOID_THROWS : IDL_AUDIT_THROWS,
                    owner);
}

static void
compare_services (IdlAudit *audit, const IdlDefinition *was, const IdlDefinition *is)
{
  for (const IdlDefinition *service = was; service != NULL; service = service->extends)
    for (guint i = 0; i < service->members->len; i++)
      {
        const IdlFunction *old_one = g_ptr_array_index (service->members, i);
        const IdlFunction *new_one = find_function (is, old_one->node.name);

        if (find_function (was, old_one->node.name) != old_one)
          continue; /* another took its place */
        if (new_one == NULL)
          idl_audit_report (audit, IDL_RULE_AUDIT_FUNCTION_GONE, IDL_ERROR, &old_one->node.location,
                            NULL,
                            "function '%s' of service '%s' is gone: older callers get an error",
                            old_one->node.name, was->node.name);
        else
          compare_functions (audit, old_one, new_one);
      }
}

static gboolean
is_struct_like (IdlDefinitionKind kind)
{
  return kind == IDL_DEFINITION_STRUCT || kind == IDL_DEFINITION_UNION
         || kind == IDL_DEFINITION_EXCEPTION;
}

static void
compare_definitions (IdlAudit *audit, const IdlDefinition *was, const IdlDefinition *is)
{
  g_autofree gchar *owner =
      g_strdup_printf ("%s '%s'", idl_definition_kind_get_name (is->kind), is->node.name);

  idl_audit_namespaces (audit, was, is);
  if (was->kind != is->kind)
    {
      gboolean same_wire = is_struct_like (was->kind) && is_struct_like (is->kind);

      idl_audit_report (audit, IDL_RULE_AUDIT_DEFINITION_KIND, same_wire ? IDL_WARNING : IDL_ERROR,
                        &is->node.location, &was->node.location, "%s was a %s", owner,
                        idl_definition_kind_get_name (was->kind));
      if (!same_wire)
        return;
    }
  switch (is->kind)
    {
    case IDL_DEFINITION_ENUM:
      compare_enums (audit, was, is);
      break;
    case IDL_DEFINITION_SERVICE:
      compare_services (audit, was, is);
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      idl_audit_fields (audit, was->members, is->members,
                        is->kind == IDL_DEFINITION_UNION ? IDL_AUDIT_UNION : IDL_AUDIT_STRUCT,
                        owner);
      break;
    case IDL_DEFINITION_TYPEDEF:
      idl_audit_types (audit, was->type, is->type, owner);
      break;
    case IDL_DEFINITION_CONST:
      idl_audit_constants (audit, was, is, owner);
      break;
    }
}

/* A type that is gone matters on the wire only where it was used, and there it is found. */
static void
report_removed (IdlAudit *audit, const IdlDefinition *was)
{
  idl_audit_report (audit, IDL_RULE_AUDIT_DEFINITION_GONE,
                    was->kind == IDL_DEFINITION_SERVICE ? IDL_ERROR : IDL_WARNING,
                    &was->node.location, NULL, "%s '%s' is gone",
                    idl_definition_kind_get_name (was->kind), was->node.name);
}

/* (nullable): the definition of that name in @program, or else in what it includes; a file's own come
 * before those of its includes. */
static const IdlDefinition *
find_definition (const IdlProgram *program, const gchar *name, gboolean is_constant)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) programs = g_ptr_array_new ();

  g_hash_table_add (seen, (gpointer) program);
  g_ptr_array_add (programs, (gpointer) program);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *one = g_ptr_array_index (programs, i);
      const IdlDefinition *found =
          g_hash_table_lookup (is_constant ? one->constants : one->types, name);

      if (found != NULL)
        return found;
      for (guint j = 0; j < one->includes->len; j++)
        {
          const IdlInclude *include = g_ptr_array_index (one->includes, j);

          if (g_hash_table_add (seen, include->program))
            g_ptr_array_add (programs, include->program);
        }
    }
  return NULL;
}

gboolean
idl_audit (const IdlProgram *old_program, const IdlProgram *new_program, IdlDiagnostics *findings)
{
  IdlAudit audit = { .old_program = old_program,
                     .new_program = new_program,
                     .findings = findings,
                     .pairs = G_QUEUE_INIT };
  IdlAuditPair *pair;
  guint errors = idl_diagnostics_count (findings, IDL_ERROR);

  audit.seen = g_hash_table_new_full (pair_hash, pair_equal, g_free, NULL);
  audit.programs = g_hash_table_new (NULL, NULL);
  idl_audit_program_namespaces (&audit, old_program, new_program);
  for (guint i = 0; i < old_program->definitions->len; i++)
    {
      const IdlDefinition *was = g_ptr_array_index (old_program->definitions, i);
      const IdlDefinition *is =
          find_definition (new_program, was->node.name, was->kind == IDL_DEFINITION_CONST);

      if (is == NULL)
        report_removed (&audit, was);
      else
        idl_audit_add_pair (&audit, was, is);
    }
  while ((pair = g_queue_pop_head (&audit.pairs)) != NULL)
    compare_definitions (&audit, pair->old_definition, pair->new_definition);
  g_hash_table_unref (audit.programs);
  g_hash_table_unref (audit.seen);
  return idl_diagnostics_count (findings, IDL_ERROR) == errors;
}
