/* Owns what is said about names that Apache's compiler refuses (0.17; later ones fewer): keywords of
 * Thrift, which only a field may have as its name here, and words of the languages that it generates.
 * A file that Tally alone reads is right, so each is said once for each kind of thing. */
#include "checks-private.h"

#include "lexer.h"

#include <stdlib.h>
#include <string.h>

/* In strcmp's order. */
static const gchar *const peers_words[] = {
  "BEGIN",        "END",        "__CLASS__",     "__DIR__",   "__FILE__",   "__FUNCTION__",
  "__LINE__",     "__METHOD__", "__NAMESPACE__", "abstract",  "alias",      "and",
  "args",         "as",         "assert",        "begin",     "break",      "case",
  "catch",        "class",      "clone",         "continue",  "declare",    "def",
  "default",      "del",        "delete",        "do",        "dynamic",    "elif",
  "else",         "elseif",     "elsif",         "end",       "enddeclare", "endfor",
  "endforeach",   "endif",      "endswitch",     "endwhile",  "ensure",     "except",
  "exec",         "finally",    "float",         "for",       "foreach",    "from",
  "function",     "global",     "goto",          "if",        "implements", "import",
  "in",           "inline",     "instanceof",    "interface", "is",         "lambda",
  "module",       "native",     "new",           "next",      "nil",        "not",
  "or",           "package",    "pass",          "print",     "private",    "protected",
  "public",       "raise",      "redo",          "register",  "rescue",     "retry",
  "return",       "self",       "sizeof",        "static",    "super",      "switch",
  "synchronized", "then",       "this",          "throw",     "transient",  "try",
  "undef",        "unless",     "unsigned",      "until",     "use",        "var",
  "virtual",      "volatile",   "when",          "while",     "with",       "xor",
  "yield",
};

/* Things that have names, told apart when it is said that one is not portable. */
typedef enum
{
  THING_DEFINITION,
  THING_FIELD,
  THING_ENUMERATOR,
  THING_FUNCTION,
  THING_ARGUMENT,
  N_THINGS
} Thing;

static gint
compare_word (gconstpointer key, gconstpointer element)
{
  return strcmp (key, *(const gchar *const *) element);
}

/* Whether it is the first time for this. */
static gboolean
say_once (IdlChecks *checks, guint bit)
{
  gboolean first = (checks->unportable & (1u << bit)) == 0;

  checks->unportable |= 1u << bit;
  return first;
}

static void
check_name (IdlChecks *checks, const IdlNode *node, Thing thing)
{
  if (idl_lexer_classify (node->name, strlen (node->name)) != IDL_TOKEN_IDENTIFIER)
    {
      if (say_once (checks, N_THINGS + thing))
        idl_checks_report (checks, IDL_RULE_PORTABLE_NAME, IDL_WARNING, &node->location,
                           "'%s' is a keyword of Thrift; Apache's compiler refuses it as a name",
                           node->name);
    }
  else if (bsearch (node->name, peers_words, G_N_ELEMENTS (peers_words), sizeof peers_words[0],
                    compare_word)
               != NULL
           && say_once (checks, thing))
    idl_checks_report (checks, IDL_RULE_PORTABLE_NAME, IDL_WARNING, &node->location,
                       "'%s' is a word of another language; Apache's compiler refuses it as a name",
                       node->name);
}

static void
check_names (IdlChecks *checks, const GPtrArray *nodes, Thing thing)
{
  for (guint i = 0; i < nodes->len; i++)
    check_name (checks, g_ptr_array_index (nodes, i), thing);
}

void
idl_checks_portable_names (IdlChecks *checks, const IdlDefinition *definition)
{
  check_name (checks, &definition->node, THING_DEFINITION);
  if (definition->members == NULL)
    return;
  check_names (checks, definition->members,
               definition->kind == IDL_DEFINITION_ENUM      ? THING_ENUMERATOR
               : definition->kind == IDL_DEFINITION_SERVICE ? THING_FUNCTION
                                                            : THING_FIELD);
  if (definition->kind != IDL_DEFINITION_SERVICE)
    return;
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (definition->members, i);

      check_names (checks, function->arguments, THING_ARGUMENT);
      check_names (checks, function->throws, THING_ARGUMENT);
    }
}
