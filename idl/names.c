/* Owns the scopes: a program's own names and the prefixes of its includes. It does not know what a
 * name is wanted for. */
#include "names.h"

#include "similar.h"

#include <string.h>

/* Letters compared in search of similar names, in one file: so that one full of mistakes takes no
 * quadratic time. */
#define MAX_EFFORT (20 * 1000 * 1000)

static void
report_clash (IdlUnit *unit,
              IdlSeverity severity,
              const IdlDefinition *second,
              const IdlDefinition *first)
{
  const gchar *kind = idl_definition_kind_get_name (second->kind);

  if (first->kind == second->kind)
    idl_diagnostics_add (unit->diagnostics, IDL_RULE_DUPLICATE_NAME, severity,
                         &second->node.location, "%s '%s' is defined twice", kind,
                         second->node.name);
  else
    idl_diagnostics_add (
        unit->diagnostics, IDL_RULE_DUPLICATE_NAME, severity, &second->node.location,
        "%s '%s' has the name of %s %s", kind, second->node.name,
        first->kind == IDL_DEFINITION_ENUM || first->kind == IDL_DEFINITION_EXCEPTION ? "an" : "a",
        idl_definition_kind_get_name (first->kind));
  idl_diagnostics_add_note (unit->diagnostics, &first->node.location, "the other '%s' is here",
                            first->node.name);
}

static void
enter_definition (IdlUnit *unit, IdlProgram *program, IdlDefinition *definition)
{
  gboolean is_constant = definition->kind == IDL_DEFINITION_CONST;
  GHashTable *own = is_constant ? program->constants : program->types;
  GHashTable *other = is_constant ? program->types : program->constants;
  const IdlDefinition *same = g_hash_table_lookup (own, definition->node.name);
  const IdlDefinition *similar = g_hash_table_lookup (other, definition->node.name);

  if (same != NULL)
    {
      report_clash (unit, IDL_ERROR, definition, same);
      return;
    }
  if (similar != NULL)
    report_clash (unit, IDL_WARNING, definition, similar);
  g_hash_table_insert (own, (gpointer) definition->node.name, definition);
}

static void
enter_include (IdlNames *names, IdlInclude *include)
{
  const gchar *prefix = include->program != NULL
                            ? include->program->name
                            : idl_unit_name_from_path (names->unit, include->path);
  const IdlInclude *same = g_hash_table_lookup (names->includes, prefix);

  if (same == NULL)
    g_hash_table_insert (names->includes, (gpointer) prefix, include);
  else if (same->program != include->program)
    g_hash_table_insert (names->ambiguous, (gpointer) prefix, include);
}

void
idl_names_init (IdlNames *names, IdlUnit *unit, IdlProgram *program)
{
  *names = (IdlNames){ .unit = unit, .program = program, .effort = MAX_EFFORT };
  names->includes = g_hash_table_new (g_str_hash, g_str_equal);
  names->ambiguous = g_hash_table_new (g_str_hash, g_str_equal);
  program->types = g_hash_table_new (g_str_hash, g_str_equal);
  program->constants = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < program->definitions->len; i++)
    enter_definition (unit, program, g_ptr_array_index (program->definitions, i));
  for (guint i = 0; i < program->includes->len; i++)
    enter_include (names, g_ptr_array_index (program->includes, i));
}

void
idl_names_clear (IdlNames *names)
{
  g_clear_pointer (&names->includes, g_hash_table_unref);
  g_clear_pointer (&names->ambiguous, g_hash_table_unref);
}

static void
report_ambiguous (IdlNames *names, const gchar *prefix, const IdlLocation *use)
{
  IdlInclude *second = g_hash_table_lookup (names->ambiguous, prefix);
  const IdlInclude *first = g_hash_table_lookup (names->includes, prefix);

  if (second == NULL)
    return; /* it has been said */
  g_hash_table_replace (names->ambiguous, (gpointer) first->program->name, NULL);
  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_AMBIGUOUS_INCLUDE, IDL_ERROR,
                       &second->location, "two included files are called '%s'", prefix);
  idl_diagnostics_add_note (names->unit->diagnostics, &first->location,
                            "the other is included here");
  idl_diagnostics_add_note (names->unit->diagnostics, use,
                            "so it is not known which is meant here");
}

IdlDefinition *
idl_names_find (IdlNames *names,
                IdlNamesTable table,
                const gchar *name,
                const IdlLocation *location,
                gboolean *reported)
{
  IdlProgram *program = names->program;
  const gchar *dot = strrchr (name, '.');

  *reported = FALSE;
  if (dot != NULL)
    {
      g_autofree gchar *prefix = g_strndup (name, (gsize) (dot - name));
      const IdlInclude *include = g_hash_table_lookup (names->includes, prefix);

      if (g_hash_table_contains (names->ambiguous, prefix))
        {
          report_ambiguous (names, prefix, location);
          *reported = TRUE;
          return NULL;
        }
      if (include == NULL)
        return NULL;
      /* A file that failed may have had the name. */
      *reported = include->program == NULL || include->program->is_broken;
      if (include->program == NULL)
        return NULL;
      program = include->program;
      name = dot + 1;
    }
  return g_hash_table_lookup (table == IDL_NAMES_TYPES ? program->types : program->constants, name);
}

typedef struct
{
  IdlSimilar similar;
  IdlDefinitionKind kind; /* CONST: constants only; else types only */
} Suggestion;

static void
compare_all (Suggestion *suggestion, const IdlProgram *program, const gchar *prefix)
{
  for (guint i = 0; i<program->definitions->len && * suggestion->similar.effort> 0; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);
      g_autofree gchar *full = NULL;

      if ((definition->kind == IDL_DEFINITION_CONST) != (suggestion->kind == IDL_DEFINITION_CONST))
        continue;
      if (prefix == NULL)
        {
          idl_similar_offer (&suggestion->similar, definition->node.name);
          continue;
        }
      full = g_strdup_printf ("%s.%s", prefix, definition->node.name);
      idl_similar_offer (&suggestion->similar, full);
      /* The prefix may be what was forgotten. */
      if (strcmp (suggestion->similar.wanted, definition->node.name) == 0)
        idl_similar_take (&suggestion->similar, full);
    }
}

gchar *
idl_names_suggest (IdlNames *names, IdlNamesTable table, const gchar *name)
{
  Suggestion suggestion = { .kind = table == IDL_NAMES_CONSTANTS ? IDL_DEFINITION_CONST
                                                                 : IDL_DEFINITION_STRUCT };
  const gchar *dot = strrchr (name, '.');
  g_autofree gchar *missing = NULL;
  gchar *hint;

  if (dot != NULL)
    {
      g_autofree gchar *prefix = g_strndup (name, (gsize) (dot - name));

      if (!g_hash_table_contains (names->includes, prefix) && strchr (prefix, '.') == NULL
          && table == IDL_NAMES_TYPES)
        missing = g_strdup_printf ("no included file is called '%s'", prefix);
    }
  idl_similar_init (&suggestion.similar, name, &names->effort);
  compare_all (&suggestion, names->program, NULL);
  for (guint i = 0; i < names->program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (names->program->includes, i);

      if (include->program != NULL)
        compare_all (&suggestion, include->program, include->program->name);
    }
  hint = suggestion.similar.best == NULL
             ? g_steal_pointer (&missing)
             : g_strdup_printf ("did you mean '%s'?", suggestion.similar.best);
  idl_similar_clear (&suggestion.similar);
  return hint;
}

const gchar *
idl_names_find_similar (IdlNames *names, const gchar *name, const GPtrArray *candidates)
{
  IdlSimilar similar;
  const gchar *best = NULL;

  idl_similar_init (&similar, name, &names->effort);
  for (guint i = 0; i < candidates->len && names->effort > 0; i++)
    {
      const IdlNode *node = g_ptr_array_index (candidates, i);

      if (idl_similar_offer (&similar, node->name))
        best = node->name;
    }
  idl_similar_clear (&similar);
  return best;
}
