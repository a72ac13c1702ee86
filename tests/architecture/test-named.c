/* Holds ARCHITECTURE.md against the sources: each file, function and type that it names is there. */
#include "harness.h"

#include <string.h>

#include "sources.h"

static const gchar *const folders[] = { "idl",      "lsp",     "gen",       "pool",
                                        "cli",      "runtime", "admin",     "load",
                                        "examples", "tests",   "zookeeper", NULL };

typedef struct
{
  GHashTable *files; /* base names */
  GString *text;     /* of all */
} Sources;

static void
add_source (const gchar *path, gpointer data)
{
  Sources *sources = data;
  g_autofree gchar *text = NULL;

  g_hash_table_add (sources->files, g_path_get_basename (path));
  if (!g_str_has_suffix (path, "test-named.c") && g_file_get_contents (path, &text, NULL, NULL))
    g_string_append (sources->text, text);
}

/* Whether what stands in backticks is the name of something in the sources that is not there. Names
 * of several files at once, `lsp-*.c`, and what is no name are left alone. */
static gboolean
is_missing (const Sources *sources, const gchar *name)
{
  g_autofree gchar *base = g_path_get_basename (name);

  if (g_regex_match_simple ("^[a-z0-9][a-z0-9/-]*\\.[ch]$", name, 0, 0))
    return !g_hash_table_contains (sources->files, base);
  if (g_regex_match_simple ("^(Tally[A-Z][A-Za-z]+|(tally|server|thrift)_[a-z0-9_]+)( \\(\\))?$",
                            name, 0, 0))
    {
      base[strcspn (base, " ")] = '\0';
      return strstr (sources->text->str, base) == NULL;
    }
  return FALSE;
}

static void
what_is_named_is_there (void)
{
  Sources sources = { g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                      g_string_new (NULL) };
  g_autoptr (GString) missing = g_string_new (NULL);
  g_autofree gchar *text = NULL;
  guint n_parts;

  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, folders[i], NULL);

      sources_foreach (path, add_source, &sources);
    }
  CU_ASSERT_TRUE (g_file_get_contents (PROJECT_SOURCE_ROOT "/ARCHITECTURE.md", &text, NULL, NULL));
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", "`", -1);
  n_parts = g_strv_length (parts);
  for (guint i = 1; i < n_parts; i += 2)
    if (is_missing (&sources, parts[i]))
      g_string_append_printf (missing, "%s ", parts[i]);
  CU_ASSERT_TRUE (n_parts > 200);
  assert_string (missing->str, "");
  CU_ASSERT_TRUE (is_missing (&sources, "no-such-file.c"));
  CU_ASSERT_TRUE (is_missing (&sources, "TallyNothing"));
  CU_ASSERT_FALSE (is_missing (&sources, "values*.c"));
  g_hash_table_unref (sources.files);
  g_string_free (sources.text, TRUE);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_is_named_is_there),
    { NULL, NULL },
  };

  return test_main ("named", cases, argc, argv);
}
