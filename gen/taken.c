/* Finds out what a name is. Lists of words, nothing else: those of the headers are made by
 * script/taken-names. */
#include "taken.h"

#include <string.h>

/* Filled lines, where clang-format would give each word a column. Sorted. */
/* clang-format off */

/* C up to C23, and GNU C's additions. */
static const gchar *const keywords[] = {
  "_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Generic", "_Imaginary", "_Noreturn",
  "_Static_assert", "_Thread_local", "__alignof__", "__asm__", "__attribute__", "__auto_type", "__complex__",
  "__const", "__extension__", "__imag__", "__inline", "__inline__", "__int128", "__label__", "__real__",
  "__restrict", "__restrict__", "__signed__", "__thread", "__typeof", "__typeof__", "__volatile__", "alignas",
  "alignof", "asm", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue", "default", "do",
  "double", "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long", "nullptr",
  "register", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert", "struct", "switch",
  "thread_local", "true", "typedef", "typeof", "typeof_unqual", "union", "unsigned", "void", "volatile", "while",
};

static const gchar *const cxx_keywords[] = {
  "and", "and_eq", "bitand", "bitor", "catch", "char16_t", "char32_t", "char8_t", "class", "co_await",
  "co_return", "co_yield", "compl", "concept", "const_cast", "consteval", "constinit", "decltype",
  "delete", "dynamic_cast", "explicit", "export", "friend", "mutable", "namespace", "new", "noexcept",
  "not", "not_eq", "operator", "or", "or_eq", "private", "protected", "public", "reinterpret_cast",
  "requires", "static_cast", "template", "this", "throw", "try", "typeid", "typename", "using",
  "virtual", "wchar_t", "xor", "xor_eq",
};

static const gchar *const types[] = {
  "GArray", "GAsyncReadyCallback", "GAsyncResult", "GByteArray", "GCancellable", "GError", "GHashTable",
  "GObject", "GPtrArray", "GTypeInstance", "GTypeInterface", "TallyCallOptions", "TallyReply", "TallyUuid", "ThriftStruct",
  "gboolean", "gchar", "gdouble", "gint16", "gint32", "gint64", "gint8", "gpointer",
};

static const gchar *const own_locals[] = {
  "_return", "args", "error", "iface", "klass", "results", "tally_client_call",
  "tally_client_call_async", "tally_client_call_finish", "tally_client_call_with", "tally_client_recv", "tally_client_send", "tally_service_unimplemented",
};

/* clang-format on */

/* A set of GenTaken for every word. */
static GHashTable *
make_table (void)
{
  GHashTable *table = g_hash_table_new (g_str_hash, g_str_equal);

  for (const GenTakenGroup *group = gen_taken_groups; group->header != NULL; group++)
    {
      gchar *word = g_strdup (group->words); /* cut into the words, which the table keeps */

      for (gchar *end; (end = strchr (word, ' ')) != NULL; word = end + 1)
        {
          guint kinds = GPOINTER_TO_UINT (g_hash_table_lookup (table, (*end = '\0', word)));

          g_hash_table_insert (table, word, GUINT_TO_POINTER (kinds | group->kind));
        }
    }

  return table;
}

static int
compare_words (const void *word, const void *entry)
{
  return strcmp (word, *(const gchar *const *) entry);
}

#define CONTAINS(list, word)                                                                       \
  (bsearch ((word), (list), G_N_ELEMENTS (list), sizeof (list)[0], compare_words) != NULL)

guint
gen_taken_find (const gchar *word)
{
  static gsize table;

  if (g_once_init_enter (&table))
    g_once_init_leave (&table, (gsize) make_table ());

  guint kinds = GPOINTER_TO_UINT (g_hash_table_lookup (GSIZE_TO_POINTER (table), word));

  if (CONTAINS (keywords, word))
    kinds |= GEN_TAKEN_KEYWORD;
  if (CONTAINS (cxx_keywords, word))
    kinds |= GEN_TAKEN_CXX_KEYWORD;
  return kinds;
}

const gchar *
gen_taken_get_header (const gchar *word, GenTaken kind)
{
  gsize length = strlen (word);

  for (const GenTakenGroup *group = gen_taken_groups; group->header != NULL; group++)
    for (const gchar *at = group->kind == kind ? group->words : ""; *at != '\0';
         at = strchr (at, ' ') + 1)
      if (strncmp (at, word, length) == 0 && at[length] == ' ')
        return group->header;

  return NULL;
}

gboolean
gen_is_mentioned_type (const gchar *word)
{
  return CONTAINS (types, word);
}

gboolean
gen_is_own_local (const gchar *word)
{
  return CONTAINS (own_locals, word);
}
