/* Owns the scopes: a program's own names and the prefixes of its includes. It does not know what a
 * name is wanted for. */
#include "names.h"

#include "similar.h"

#include <string.h>

/* Letters compared in search of similar names, in one file: so that one full of mistakes takes no
 * quadratic time. */
#define MAX_SUGGESTION_EFFORT (20 * 1000 * 1000)

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
  GPtrArray *same = g_hash_table_lookup (names->includes, prefix);

  if (same == NULL)
    {
      same = g_ptr_array_new ();
      g_hash_table_insert (names->includes, (gpointer) prefix, same);
    }
  for (guint i = 0; i < same->len; i++)
    if (((const IdlInclude *) g_ptr_array_index (same, i))->program == include->program)
      return;
  g_ptr_array_add (same, include);
}

void
idl_names_init (IdlNames *names, IdlUnit *unit, IdlProgram *program)
{
  *names = (IdlNames){ .unit = unit, .program = program, .effort = MAX_SUGGESTION_EFFORT };
  names->includes =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_ptr_array_unref);
  names->checked = g_hash_table_new (NULL, NULL);
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
  g_clear_pointer (&names->checked, g_hash_table_unref);
}

static IdlDefinition *
find_in_program (const IdlProgram *program, IdlNamesTable table, const gchar *name)
{
  return g_hash_table_lookup (table == IDL_NAMES_TYPES ? program->types : program->constants, name);
}

static void
report_ambiguous (IdlNames *names,
                  const gchar *name,
                  const IdlLocation *use,
                  const IdlInclude *first,
                  const IdlInclude *second)
{
  idl_diagnostics_add (names->unit->diagnostics, IDL_RULE_AMBIGUOUS_INCLUDE, IDL_ERROR, use,
                       "'%s' is in two included files, '%s' and '%s'", name,
                       idl_source_get_path (first->program->source),
                       idl_source_get_path (second->program->source));
  idl_diagnostics_add_note (names->unit->diagnostics, &first->location,
                            "the first is included here");
  idl_diagnostics_add_note (names->unit->diagnostics, &second->location,
                            "the second is included here");
}

/* Two files of one name are told apart in C by their namespaces. Where neither is
 * used there is no harm. */
static void
check_same_name (IdlNames *names, const IdlInclude *second, const IdlInclude *first)
{
  if (first->program == NULL || second->program == NULL
      || strcmp (idl_program_get_namespace (first->program, "c_glib"),
                 idl_program_get_namespace (second->program, "c_glib"))
             != 0)
    return;
  idl_diagnostics_add (
      names->unit->diagnostics, IDL_RULE_OUTPUT_CLASH, IDL_ERROR, &second->location,
      "'%s' and '%s' have the same name and namespace, and would become the same C "
      "files",
      idl_source_get_path (first->program->source), idl_source_get_path (second->program->source));
  idl_diagnostics_add_note (names->unit->diagnostics, &first->location,
                            "the other is included here");
}

/* The first use of a prefix that may mean several files. */
static void
check_same_names (IdlNames *names, const GPtrArray *includes)
{
  if (includes->len < 2 || !g_hash_table_add (names->checked, (gpointer) includes))
    return;
  for (guint i = 1; i < includes->len; i++)
    check_same_name (names, g_ptr_array_index (includes, i), g_ptr_array_index (includes, 0));
}

/* Of the files that @name's prefix, which ends at @dot, may mean, the one that has the name is meant.
 * Apache's compiler takes the last one silently. */
static IdlDefinition *
find_in_includes (IdlNames *names,
                  IdlNamesTable table,
                  const gchar *name,
                  const gchar *dot,
                  const IdlLocation *use,
                  gboolean *reported)
{
  g_autofree gchar *prefix = g_strndup (name, (gsize) (dot - name));
  const GPtrArray *includes = g_hash_table_lookup (names->includes, prefix);
  const IdlInclude *first = NULL;

  if (includes != NULL)
    check_same_names (names, includes);
  for (guint i = 0; includes != NULL && i < includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (includes, i);

      /* A file that failed may have had the name. */
      *reported |= include->program == NULL || include->program->is_broken;
      if (include->program == NULL || find_in_program (include->program, table, dot + 1) == NULL)
        continue;
      if (first != NULL)
        {
          report_ambiguous (names, name, use, first, include);
          *reported = TRUE;
          return NULL;
        }
      first = include;
    }
  return first == NULL ? NULL : find_in_program (first->program, table, dot + 1);
}

IdlDefinition *
idl_names_find (IdlNames *names,
                IdlNamesTable table,
                const gchar *name,
                const IdlLocation *location,
                gboolean *reported)
{
  const gchar *dot = strrchr (name, '.');

  *reported = FALSE;
  if (dot != NULL)
    return find_in_includes (names, table, name, dot, location, reported);
  return find_in_program (names->program, table, name);
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

/* What a type may be besides what is defined. */
static void
compare_base_types (IdlSimilar *similar)
{
  static const gchar *const types[] = { "binary", "bool", "byte", "double", "i16",
                                        "i32",    "i64",  "i8",   "string", "uuid" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    idl_similar_offer (similar, types[i]);
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
  if (table == IDL_NAMES_TYPES)
    compare_base_types (&suggestion.similar);
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
