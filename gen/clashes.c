/* Finds what would become the same C files. It knows how files are called, not what is in them. */
#include "clashes.h"

typedef struct
{
  const GenNames *names;
  IdlDiagnostics *diagnostics;
  GHashTable *places; /* of a file's name without suffix to the IdlLocation that it comes from */
} Search;

/* Where @program says how its files are called: its namespace, or its beginning. */
static IdlLocation
get_place (const IdlProgram *program)
{
  for (guint i = 0; i < program->namespaces->len; i++)
    {
      const IdlNamespace *name_space = g_ptr_array_index (program->namespaces, i);

      if (g_str_equal (name_space->scope, "c_glib"))
        return name_space->location;
    }
  return (IdlLocation){ program->source, 0, 1 };
}

static void
enter (Search *search, const gchar *name, IdlLocation place)
{
  const IdlLocation *other = g_hash_table_lookup (search->places, name);

  if (other == NULL)
    {
      g_hash_table_insert (search->places, (gpointer) name, g_memdup2 (&place, sizeof place));
      return;
    }
  idl_diagnostics_add (search->diagnostics, IDL_RULE_OUTPUT_CLASH, IDL_ERROR, &place,
                       "'%s' and '%s' would both become %s.h and %s.c; give one of them another "
                       "name or namespace c_glib",
                       idl_source_get_path (other->source), idl_source_get_path (place.source),
                       name, name);
  idl_diagnostics_add_note (search->diagnostics, other, "the other is here");
}

void
gen_find_clashes (const GenNames *names, const GPtrArray *programs, IdlDiagnostics *diagnostics)
{
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  Search search = { names, diagnostics, places };

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      enter (&search, gen_names_get_file (names, program), get_place (program));
      for (guint j = 0; j < program->definitions->len; j++)
        {
          const IdlDefinition *definition = g_ptr_array_index (program->definitions, j);

          if (definition->kind == IDL_DEFINITION_SERVICE)
            enter (&search, gen_names_get (names, definition)->lower, definition->node.location);
        }
    }
}
