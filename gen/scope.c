/* Owns what is taken, and the rule by which two identifiers clash. It knows nothing of how names are
 * made. */
#include "scope.h"

#include <string.h>

/* What an identifier of one name is, and to which code; there is one for each kind of it. */
typedef struct
{
  GenIdentifier identifier;
  const IdlNode *node;
} Taker;

struct _GenScope
{
  GHashTable *taken;    /* of const gchar * to GArray of Taker; may be shared by all */
  GHashTable *visible;  /* of GenScope: what C can see beside this one */
  GHashTable *prefixes; /* of gchar *: beginnings of identifiers, up to and with two `_` or more;
                         * shared by all */
};

static void
scope_free (gpointer data)
{
  GenScope *scope = data;

  g_hash_table_unref (scope->taken);
  g_hash_table_unref (scope->visible);
  g_hash_table_unref (scope->prefixes);
  g_free (scope);
}

/* ---- the rule ---- */

/* What an identifier of @kind cannot stand beside, as a set of GenTaken. A macro with parameters is
 * replaced only where a parenthesis follows, as it does after a function. Tags have a scope of their
 * own in C; in C++ they are types. */
static guint
get_clashing (GenTaken kind)
{
  const guint words = GEN_TAKEN_KEYWORD | GEN_TAKEN_CXX_KEYWORD | GEN_TAKEN_OBJECT_MACRO;
  const guint ordinary = words | GEN_TAKEN_FUNCTION | GEN_TAKEN_TYPE | GEN_TAKEN_VALUE;

  switch (kind)
    {
    case GEN_TAKEN_OBJECT_MACRO:
      return ~0u;
    case GEN_TAKEN_FUNCTION_MACRO:
      return words | GEN_TAKEN_FUNCTION_MACRO | GEN_TAKEN_FUNCTION;
    case GEN_TAKEN_FUNCTION:
      return ordinary | GEN_TAKEN_FUNCTION_MACRO;
    case GEN_TAKEN_TYPE:
      return ordinary | GEN_TAKEN_TAG;
    case GEN_TAKEN_TAG:
      return words | GEN_TAKEN_TYPE | GEN_TAKEN_TAG;
    default:
      return ordinary;
    }
}

gboolean
gen_scope_find_taken (const gchar *name, guint kinds, GenClash *clash)
{
  guint found = gen_taken_find (name) & kinds;

  if (found == 0)
    return FALSE;
  if (clash != NULL)
    *clash = (GenClash){ .name = name, .kind = found & -found };
  return TRUE;
}

static gboolean
find_taker (GHashTable *taken, const gchar *name, guint kinds, GenClash *clash)
{
  const GArray *takers = g_hash_table_lookup (taken, name);

  for (guint i = 0; takers != NULL && i < takers->len; i++)
    {
      const Taker *taker = &g_array_index (takers, Taker, i);

      if ((taker->identifier.kind & kinds) == 0)
        continue;
      if (clash != NULL)
        *clash = (GenClash){ .name = name, .kind = taker->identifier.kind, .node = taker->node };
      return TRUE;
    }

  return FALSE;
}

gboolean
gen_scope_find_defined (const GenScope *scope, const gchar *name, guint kinds, GenClash *clash)
{
  if (find_taker (scope->taken, name, kinds, clash))
    return TRUE;

  GHashTableIter iter;
  gpointer other;

  g_hash_table_iter_init (&iter, scope->visible);
  while (g_hash_table_iter_next (&iter, &other, NULL))
    if (find_taker (((const GenScope *) other)->taken, name, kinds, clash))
      return TRUE;

  return FALSE;
}

/* ---- taking ---- */

/* Remembers each beginning of @identifier that could be the prefix of names local to a file. */
static void
note_prefixes (GHashTable *prefixes, const gchar *identifier)
{
  for (const gchar *at = strstr (identifier, "__"); at != NULL; at = strstr (at + 1, "__"))
    g_hash_table_add (prefixes, g_strndup (identifier, (gsize) (at + 2 - identifier)));
}

static void
add_taker (GenScope *scope, const GenIdentifier *identifier, const IdlNode *node)
{
  const Taker taker = { *identifier, node };
  GArray *takers = g_hash_table_lookup (scope->taken, identifier->name);

  if (takers == NULL)
    {
      takers = g_array_sized_new (FALSE, FALSE, sizeof (Taker), 1);
      g_hash_table_insert (scope->taken, (gpointer) identifier->name, takers);
      note_prefixes (scope->prefixes, identifier->name);
    }
  g_array_append_val (takers, taker);
}

gboolean
gen_scope_take (GenScope *scope, const GArray *identifiers, const IdlNode *node, GenClash *clash)
{
  for (guint i = 0; i < identifiers->len; i++)
    {
      const GenIdentifier *identifier = &g_array_index (identifiers, GenIdentifier, i);
      guint kinds = get_clashing (identifier->kind);

      if (gen_scope_find_taken (identifier->name, kinds, clash)
          || gen_scope_find_defined (scope, identifier->name, kinds, clash))
        return FALSE;
    }

  for (guint i = 0; i < identifiers->len; i++)
    add_taker (scope, &g_array_index (identifiers, GenIdentifier, i), node);

  return TRUE;
}

gchar *
gen_scopes_take_prefix (GHashTable *scopes, const IdlProgram *program, const gchar *file)
{
  const GenScope *scope = g_hash_table_lookup (scopes, program);
  g_autofree gchar *upper = NULL;
  GString *prefix = g_string_new (g_ascii_isdigit (*file) ? "_" : "");

  g_string_append (prefix, file);
  g_strcanon (prefix->str, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
  g_string_append (prefix, "__");
  for (;; g_string_append_c (prefix, '_'))
    {
      g_free (upper);
      upper = g_ascii_strup (prefix->str, -1);
      if (!g_hash_table_contains (scope->prefixes, prefix->str)
          && !g_hash_table_contains (scope->prefixes, upper))
        break;
    }

  note_prefixes (scope->prefixes, prefix->str);
  return g_string_free (prefix, FALSE);
}

gchar *
gen_clash_describe (const GenClash *clash)
{
  if (clash->node != NULL)
    return g_strdup_printf ("taken by '%s'", clash->node->name);
  if (clash->kind == GEN_TAKEN_KEYWORD)
    return g_strdup ("a keyword of C");
  if (clash->kind == GEN_TAKEN_CXX_KEYWORD)
    return g_strdup ("a keyword of C++");

  const gchar *header = gen_taken_get_header (clash->name, clash->kind);
  const gchar *what = clash->kind == GEN_TAKEN_FUNCTION ? "a function"
                      : clash->kind == GEN_TAKEN_TYPE   ? "a type"
                      : clash->kind == GEN_TAKEN_VALUE  ? "a constant or variable"
                      : clash->kind == GEN_TAKEN_TAG    ? "a struct, union or enum"
                                                        : "a macro";

  return *header == '\0' ? g_strdup_printf ("%s of the compiler's own", what)
                         : g_strdup_printf ("%s of <%s>", what, header);
}

/* ---- which scopes see each other ---- */

/* @shared: (nullable): what is taken in all scopes alike. */
static GenScope *
scope_new (GHashTable *shared, GHashTable *prefixes)
{
  GenScope *scope = g_new0 (GenScope, 1);

  scope->taken = shared != NULL ? g_hash_table_ref (shared)
                                : g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                                         (GDestroyNotify) g_array_unref);
  scope->visible = g_hash_table_new (NULL, NULL);
  scope->prefixes = g_hash_table_ref (prefixes);
  return scope;
}

/* (element-type IdlProgram) (transfer full): those of @programs that none of the others includes.
 */
static GPtrArray *
find_roots (const GPtrArray *programs)
{
  g_autoptr (GHashTable) included = g_hash_table_new (NULL, NULL);
  GPtrArray *roots = g_ptr_array_new ();

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      for (guint j = 0; j < program->includes->len; j++)
        {
          const IdlInclude *include = g_ptr_array_index (program->includes, j);

          g_hash_table_add (included, include->program);
        }
    }
  for (guint i = 0; i < programs->len; i++)
    if (!g_hash_table_contains (included, g_ptr_array_index (programs, i)))
      g_ptr_array_add (roots, g_ptr_array_index (programs, i));

  return roots;
}

/* (element-type GenScope) (transfer full): @root's and those of all that it includes, at any depth. */
static GPtrArray *
list_seen (GHashTable *all, const IdlProgram *root)
{
  g_autoptr (GPtrArray) programs = g_ptr_array_new ();
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  GPtrArray *scopes = g_ptr_array_new ();

  g_ptr_array_add (programs, (gpointer) root);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      g_ptr_array_add (scopes, g_hash_table_lookup (all, program));
      for (guint j = 0; j < program->includes->len; j++)
        {
          const IdlInclude *include = g_ptr_array_index (program->includes, j);

          if (g_hash_table_add (known, include->program))
            g_ptr_array_add (programs, include->program);
        }
    }

  return scopes;
}

/* Makes the scopes of @programs, each seeing all that C will see beside it in any one file: what it
 * includes, what includes it, and what these include. With one root that is everything. */
GHashTable *
gen_scopes_new (const GPtrArray *programs)
{
  GHashTable *scopes = g_hash_table_new_full (NULL, NULL, NULL, scope_free);
  g_autoptr (GHashTable) prefixes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) roots = find_roots (programs);
  g_autoptr (GHashTable) shared =
      roots->len == 1
          ? g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_array_unref)
          : NULL;

  for (guint i = 0; i < programs->len; i++)
    g_hash_table_insert (scopes, g_ptr_array_index (programs, i), scope_new (shared, prefixes));

  for (guint i = 0; shared == NULL && i < roots->len; i++)
    {
      g_autoptr (GPtrArray) seen = list_seen (scopes, g_ptr_array_index (roots, i));

      for (guint j = 0; j < seen->len; j++)
        for (guint k = 0; k < seen->len; k++)
          if (j != k)
            {
              GenScope *scope = g_ptr_array_index (seen, j);

              g_hash_table_add (scope->visible, g_ptr_array_index (seen, k));
            }
    }

  return scopes;
}
