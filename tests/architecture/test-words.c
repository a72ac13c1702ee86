/* Finds words in comments, messages and docs that make a sentence hard to read or call a thing a person. The list is
 * here, each with what to write instead. It reads lines, and knows nothing of C. */
#include "harness.h"

#include <string.h>

#include "sources.h"

static const struct
{
  const gchar *pattern; /* a regular expression, case ignored */
  const gchar *instead;
} banned[] = {
  { "\\bwhoever\\b", "the thread, caller, program … that" },
  { "\\bwhom\\b", "which, or the thing's name" },
  { "\\b(those|somebody|anybody|everybody|nobody|one|all) who\\b", "the thing's name, and that" },
  { "\\b(caller|borrower|waiter|worker|thread|peer|connection|program)s? who\\b", "that" },
  { "/\\* (?-i)(Who|The same)\\b", "the thing's name: the sentence must stand alone" },
  { "\\b(modest|starv(e|es|ed|ing)|hopeless) (one|connection|waiter|caller)s?\\b",
    "what it is: held back, without hope of a dial" },
};

static const gchar *const folders[] = { "idl",      "lsp",     "gen",       "pool",
                                        "cli",      "runtime", "admin",     "load",
                                        "examples", "tests",   "zookeeper", NULL };
static const gchar *const pages[] = { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "NEWS",
                                      NULL };

/* Appends to @found each line of @text that holds one of the words. */
static void
find_words (const gchar *name, const gchar *text, GString *found)
{
  static GRegex *regexes[G_N_ELEMENTS (banned)];
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; i < G_N_ELEMENTS (banned); i++)
    {
      if (regexes[i] == NULL)
        regexes[i] = g_regex_new (banned[i].pattern, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
      for (guint line = 0; lines[line] != NULL; line++)
        if (g_regex_match (regexes[i], lines[line], 0, NULL))
          g_string_append_printf (found, "%s:%u: %s\n  instead: %s\n", name, line + 1, lines[line],
                                  banned[i].instead);
    }
}

static void
check_file (const gchar *path, gpointer data)
{
  g_autofree gchar *text = NULL;

  if (g_str_has_suffix (path, "test-words.c") || g_str_has_suffix (path, "taken-names.c"))
    return;
  CU_ASSERT_TRUE (g_file_get_contents (path, &text, NULL, NULL));
  if (text != NULL)
    find_words (path + strlen (PROJECT_SOURCE_ROOT) + 1, text, data);
}

static void
sentences_are_plain (void)
{
  g_autoptr (GString) found = g_string_new (NULL);
  g_autoptr (GDir) docs = g_dir_open (PROJECT_SOURCE_ROOT "/docs", 0, NULL);
  const gchar *name;

  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, folders[i], NULL);

      sources_foreach (path, check_file, found);
    }
  for (guint i = 0; pages[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, pages[i], NULL);

      check_file (path, found);
    }
  CU_ASSERT_PTR_NOT_NULL (docs);
  while (docs != NULL && (name = g_dir_read_name (docs)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, "docs", name, NULL);

      if (g_str_has_suffix (name, ".md"))
        check_file (path, found);
    }
  assert_string (found->str, "");
}

static void
a_banned_word_is_found (void)
{
  static const gchar *const bad[] = { "/* Whoever holds it */", "the caller who waits",
                                      "/* The same, for all */", "for those who wait" };
  static const gchar *const good[] = { "who the client is", "at the same time",
                                       "a borrower that waits", " * of the same kind" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GString) found = g_string_new (NULL);

      find_words ("bad", bad[i], found);
      CU_ASSERT_TRUE (found->len > 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GString) found = g_string_new (NULL);

      find_words ("good", good[i], found);
      assert_string (found->str, "");
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (sentences_are_plain),
    TEST (a_banned_word_is_found),
    { NULL, NULL },
  };

  return test_main ("words", cases, argc, argv);
}
