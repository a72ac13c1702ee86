/* Holds that each public function has one doc comment, in the source that defines it. It reads "TALLY_API … name (" in
 * headers and the first lines of doc comments in sources, and knows nothing of C. */
#include "harness.h"

#include <string.h>

#include "sources.h"

#define DECLARATION "^TALLY_API\\s[^;(]*?\\b(tally_\\w+)\\s*\\("
#define DOC_COMMENT "^/\\*\\*\\n \\* (tally_\\w+):"

typedef struct
{
  GHashTable *declared;   /* names of functions, in headers */
  GHashTable *documented; /* name to the number of its doc comments in sources */
} Found;

/* Calls @take for the first group of each match of @pattern in @text. */
static void
find_all (const gchar *pattern,
          const gchar *text,
          void (*take) (Found *found, gchar *name),
          Found *found)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_OPTIMIZE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    take (found, g_match_info_fetch (match, 1));
}

static void
take_declared (Found *found, gchar *name)
{
  /* a type's comment covers the function that returns it */
  if (g_str_has_suffix (name, "_get_type"))
    g_free (name);
  else
    g_hash_table_add (found->declared, name);
}

static void
take_documented (Found *found, gchar *name)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (found->documented, name));

  g_hash_table_insert (found->documented, name, GUINT_TO_POINTER (count + 1));
}

static void
read_source (const gchar *path, gpointer data)
{
  g_autofree gchar *text = NULL;

  CU_ASSERT_TRUE_FATAL (g_file_get_contents (path, &text, NULL, NULL));
  if (g_str_has_suffix (path, ".h"))
    find_all (DECLARATION, text, take_declared, data);
  else
    find_all (DOC_COMMENT, text, take_documented, data);
}

static Found
found_new (void)
{
  return (Found){ g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                  g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
}

static void
found_clear (Found *self)
{
  g_hash_table_unref (self->declared);
  g_hash_table_unref (self->documented);
}

static gchar *
describe_wrong (const Found *found)
{
  GString *wrong = g_string_new (NULL);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, found->declared);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (found->documented, name));

      if (count != 1)
        g_string_append_printf (wrong, "%s () has %u doc comments; ", (const gchar *) name, count);
    }
  return g_string_free (wrong, FALSE);
}

static void
each_public_function_is_documented_once (void)
{
  Found found = found_new ();
  g_autofree gchar *wrong = NULL;

  sources_foreach (PROJECT_SOURCE_ROOT "/pool", read_source, &found);
  sources_foreach (PROJECT_SOURCE_ROOT "/runtime", read_source, &found);
  sources_foreach (PROJECT_SOURCE_ROOT "/admin", read_source, &found);
  sources_foreach (PROJECT_SOURCE_ROOT "/zookeeper", read_source, &found);
  CU_ASSERT (g_hash_table_size (found.declared) > 100);
  wrong = describe_wrong (&found);
  assert_string (wrong, "");
  found_clear (&found);
}

static void
a_missing_and_a_second_comment_are_found (void)
{
  static const gchar header[] = "TALLY_API void tally_a (gint x);\nTALLY_API const gchar *\n"
                                "tally_b (void);\nTALLY_API GType tally_c_get_type (void);\n";
  static const gchar source[] = "/**\n * tally_b:\n */\n/**\n * tally_b: (skip)\n */\n";
  Found found = found_new ();
  g_autofree gchar *wrong = NULL;

  find_all (DECLARATION, header, take_declared, &found);
  find_all (DOC_COMMENT, source, take_documented, &found);
  wrong = describe_wrong (&found);
  CU_ASSERT_PTR_NOT_NULL (strstr (wrong, "tally_a () has 0 doc comments"));
  CU_ASSERT_PTR_NOT_NULL (strstr (wrong, "tally_b () has 2 doc comments"));
  assert_int (g_hash_table_size (found.declared), 2);
  found_clear (&found);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_public_function_is_documented_once),
    TEST (a_missing_and_a_second_comment_are_found),
    { NULL, NULL },
  };

  return test_main ("documented", cases, argc, argv);
}
