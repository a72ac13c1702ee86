/* Holds what cites a rule of the pool by its number against docs/pool-rules.md: the rule is there, and so is each
 * test that it names. */
#include "harness.h"

#include <string.h>

#include "sources.h"

static const gchar *const folders[] = { "idl",  "gen",      "pool",  "runtime",   "admin",
                                        "load", "examples", "tests", "zookeeper", NULL };
static const gchar *const texts[] = { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "NEWS",
                                      NULL };

static gchar *
read_text (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  assert_no_error (error);
  return text != NULL ? text : g_strdup ("");
}

/* (transfer full): the set of what @pattern's first group matches in @text. */
static GHashTable *
collect (const gchar *text, const gchar *pattern)
{
  GHashTable *found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_CASELESS | G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL))
    g_hash_table_add (found, g_match_info_fetch (match, 1));
  return found;
}

/* (transfer full): the numbers of the rules that @text cites: "rule 3", "rules 3, 5 and 7", also over two lines of a
 * comment, and the names of tests. */
static GHashTable *
collect_cited (const gchar *text)
{
  static const gchar numbers[] =
      "\\brules?\\s+(?:\\*\\s+)?(\\d+(?:(?:,\\s+(?:\\*\\s+)?|\\sand\\s|\\sto\\s)\\d+)*)";
  g_autoptr (GHashTable) lists = collect (text, numbers);
  GHashTable *cited = collect (text, "\\brule_0?(\\d+)_[a-z]");
  GHashTableIter iter;
  gpointer list;

  g_hash_table_iter_init (&iter, lists);
  while (g_hash_table_iter_next (&iter, &list, NULL))
    {
      g_autoptr (GHashTable) some = collect (list, "(\\d+)");
      GHashTableIter of_list;
      gpointer number;

      g_hash_table_iter_init (&of_list, some);
      while (g_hash_table_iter_next (&of_list, &number, NULL))
        g_hash_table_add (cited, g_strdup (number));
    }
  return cited;
}

/* Notes each of @wanted that is not in @known; @name says where it is wanted. */
static guint
count_missing (GHashTable *wanted, GHashTable *known, const gchar *name)
{
  GHashTableIter iter;
  gpointer item;
  guint n_missing = 0;

  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (!g_hash_table_contains (known, item))
      {
        n_missing++;
        if (name != NULL)
          assert_string (name, item);
      }
  return n_missing;
}

static gchar *
read_rules (void)
{
  return read_text (PROJECT_SOURCE_ROOT "/docs/pool-rules.md");
}

static GHashTable *
collect_rules (const gchar *text)
{
  return collect (text, "^## rule (\\d+): ");
}

static void
check_file (const gchar *path, gpointer rules)
{
  g_autofree gchar *text = read_text (path);
  g_autoptr (GHashTable) cited = collect_cited (text);

  count_missing (cited, rules, path);
}

static void
every_cited_rule_exists (void)
{
  g_autofree gchar *text = read_rules ();
  g_autoptr (GHashTable) rules = collect_rules (text);
  g_autoptr (GDir) docs = g_dir_open (PROJECT_SOURCE_ROOT "/docs", 0, NULL);
  const gchar *name;

  CU_ASSERT_TRUE (g_hash_table_size (rules) > 0);
  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, folders[i], NULL);

      sources_foreach (path, check_file, rules);
    }
  for (guint i = 0; texts[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, texts[i], NULL);

      check_file (path, rules);
    }
  while ((name = g_dir_read_name (docs)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, "docs", name, NULL);

      if (g_str_has_suffix (name, ".md"))
        check_file (path, rules);
    }
}

static void
add_tests (const gchar *path, gpointer tests)
{
  g_autofree gchar *text = read_text (path);
  g_autoptr (GHashTable) found = collect (text, "\\bTEST \\((rule_\\d+_\\w+)\\)");
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_hash_table_add (tests, g_strdup (name));
}

static void
every_named_test_exists (void)
{
  g_autofree gchar *text = read_rules ();
  g_autoptr (GHashTable) named = collect (text, "`(rule_\\d+_\\w+)`");
  g_autoptr (GHashTable) tests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  CU_ASSERT_TRUE (g_hash_table_size (named) > 0);
  sources_foreach (PROJECT_SOURCE_ROOT "/tests", add_tests, tests);
  count_missing (named, tests, "docs/pool-rules.md");
}

/* What the tests above would not see is shown by what they must see. */
static void
a_rule_that_is_not_there_is_found (void)
{
  g_autoptr (GHashTable) rules = collect_rules ("## Rule 1: one\n\n## Rule 12: twelve\n");
  static const gchar *const fine[] = { "(rule 1)",  "rules 1 and 12", "rule_01_x",
                                       "rule_12_x", "ruler 7",        NULL };
  static const gchar *const missing[] = { "rule "
                                          "2",
                                          "Rules 1,"
                                          " 13",
                                          "rules 1,\n * "
                                          "13",
                                          "rules 1 to"
                                          " 13",
                                          "rule_"
                                          "02_x",
                                          NULL };

  for (guint i = 0; fine[i] != NULL; i++)
    {
      g_autoptr (GHashTable) cited = collect_cited (fine[i]);

      assert_int (count_missing (cited, rules, NULL), 0);
    }
  for (guint i = 0; missing[i] != NULL; i++)
    {
      g_autoptr (GHashTable) cited = collect_cited (missing[i]);

      assert_int (count_missing (cited, rules, NULL), 1);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_cited_rule_exists),
    TEST (every_named_test_exists),
    TEST (a_rule_that_is_not_there_is_found),
    { NULL, NULL },
  };

  return test_main ("cited-rules", cases, argc, argv);
}
