/* Owns what is said about names that are one name in C. Such names are legal: the generated code
 * spells one of them otherwise, and a programmer who writes C against it should know. How they are
 * spelled is the generator's, which also warns of names that C or a header takes. */
#include "checks-private.h"

#include <string.h>

/* "fooBar" to "foo_bar": what c_glib makes of names of functions and properties. */
static gchar *
to_underscores (const gchar *name)
{
  GString *result = g_string_new (NULL);

  for (const gchar *at = name; *at != '\0'; at++)
    {
      if (g_ascii_isupper (*at) && at > name)
        g_string_append_c (result, '_');
      g_string_append_c (result, g_ascii_tolower (*at));
    }
  return g_string_free (result, FALSE);
}

/* Two members that differ for Thrift but not for C. */
static void
check_case_clashes (IdlChecks *checks, const GPtrArray *members, const gchar *what)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < members->len; i++)
    {
      const IdlNode *node = g_ptr_array_index (members, i);
      g_autofree gchar *key = to_underscores (node->name);
      const IdlNode *other = g_hash_table_lookup (seen, key);

      if (other == NULL)
        {
          g_hash_table_insert (seen, g_steal_pointer (&key), (gpointer) node);
          continue;
        }
      if (strcmp (other->name, node->name) == 0)
        continue;
      idl_checks_report (checks, IDL_RULE_C_CLASH, IDL_WARNING, &node->location,
                         "'%s' and '%s' are one %s in C: '%s'", other->name, node->name, what, key);
      idl_checks_note (checks, &other->location, "'%s' is here", other->name);
    }
}

void
idl_checks_c_names (IdlChecks *checks, const IdlDefinition *definition)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      check_case_clashes (checks, definition->members, "property");
      break;
    case IDL_DEFINITION_SERVICE:
      check_case_clashes (checks, definition->members, "function");
      break;
    default:
      break;
    }
}
