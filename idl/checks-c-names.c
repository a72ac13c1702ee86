/* Owns what is said about names that mean something else in C. Such names are legal: the generated
 * code spells them otherwise, and whoever writes C against it should know. How they are spelled is
 * the generator's. */
#include "checks-private.h"

#include <stdlib.h>
#include <string.h>

/* In strcmp's order. */
static const gchar *const c_words[] = {
  "EOF",     "FALSE",  "MAX",    "MIN",    "NULL",     "TRUE",     "asm",      "auto",
  "break",   "case",   "char",   "const",  "continue", "default",  "do",       "double",
  "else",    "enum",   "errno",  "extern", "float",    "for",      "goto",     "if",
  "inline",  "int",    "linux",  "long",   "register", "restrict", "return",   "short",
  "signed",  "sizeof", "static", "stderr", "stdin",    "stdout",   "struct",   "switch",
  "typedef", "typeof", "union",  "unix",   "unsigned", "void",     "volatile", "while",
};

static gint
compare_word (gconstpointer key, gconstpointer element)
{
  return strcmp (key, *(const gchar *const *) element);
}

static void
check_word (IdlChecks *checks, const IdlNode *node)
{
  if (bsearch (node->name, c_words, G_N_ELEMENTS (c_words), sizeof c_words[0], compare_word)
      != NULL)
    idl_checks_report (checks, IDL_RULE_C_WORD, IDL_WARNING, &node->location,
                       "'%s' is a word of C; generated C code may have to rename it", node->name);
}

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

static void
check_struct (IdlChecks *checks, const IdlDefinition *definition)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlNode *node = g_ptr_array_index (definition->members, i);

      check_word (checks, node);
      if (strcmp (node->name, "parent") == 0)
        idl_checks_report (
            checks, IDL_RULE_C_MEMBER, IDL_WARNING, &node->location,
            "'parent' is the first member of every struct in C; generated C code renames this one");
    }
  check_case_clashes (checks, definition->members, "property");
}

static void
check_service (IdlChecks *checks, const IdlDefinition *service)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autofree gchar *name = to_underscores (function->node.name);

      check_word (checks, &function->node);
      if (strcmp (name, "get_type") == 0 || strcmp (name, "new") == 0)
        idl_checks_report (
            checks, IDL_RULE_C_MEMBER, IDL_WARNING, &function->node.location,
            "'%s': every class in C has a function of that name; generated C code renames this one",
            function->node.name);
      for (guint j = 0; j < function->arguments->len; j++)
        check_word (checks, g_ptr_array_index (function->arguments, j));
    }
  check_case_clashes (checks, service->members, "function");
}

void
idl_checks_c_names (IdlChecks *checks, const IdlDefinition *definition)
{
  check_word (checks, &definition->node);
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      for (guint i = 0; i < definition->members->len; i++)
        check_word (checks, g_ptr_array_index (definition->members, i));
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      check_struct (checks, definition);
      break;
    case IDL_DEFINITION_SERVICE:
      check_service (checks, definition);
      break;
    default:
      break;
    }
}
