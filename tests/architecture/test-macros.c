/* Holds the sources to what GLib's arithmetic macros ask: MIN, MAX, CLAMP and ABS evaluate an argument twice,
 * so a call in one of them is made twice, and what changes meanwhile (a clock) passes the comparison. */
#include "harness.h"
#include "sources.h"

static const gchar *const folders[] = { "idl",  "gen",      "pool",  "runtime",   "admin",
                                        "load", "examples", "tests", "zookeeper", NULL };

/* What stands between the parentheses that open at @text; (nullable): they do not close. */
static gchar *
dup_arguments (const gchar *text)
{
  guint depth = 0;

  for (const gchar *at = text; *at != '\0'; at++)
    if (*at == '(')
      depth++;
    else if (*at == ')' && --depth == 0)
      return g_strndup (text + 1, at - text - 1);
  return NULL;
}

/* How many of the macros in @text have a call among their arguments; @name is the file's, for the report. */
static guint
count_calls_in_macros (const gchar *name, const gchar *text)
{
  g_autoptr (GRegex) macro = g_regex_new ("\\b(MIN|MAX|CLAMP|ABS) \\(", 0, 0, NULL);
  g_autoptr (GRegex) call = g_regex_new (
      "\\b(?!sizeof\\b|MIN\\b|MAX\\b|[A-Z_]+_TO_[A-Z]+\\b)[A-Za-z_]+ \\((?!g[a-z0-9]+\\))", 0, 0,
      NULL);
  g_autoptr (GMatchInfo) match = NULL;
  guint n_found = 0;

  g_regex_match (macro, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree gchar *arguments = NULL;
      gint end;

      g_match_info_fetch_pos (match, 0, NULL, &end);
      arguments = dup_arguments (text + end - 1);
      if (arguments == NULL || !g_regex_match (call, arguments, 0, NULL))
        continue;
      n_found++;
      if (name != NULL)
        assert_string (name, arguments);
    }
  return n_found;
}

static void
check_source (const gchar *path, gpointer unused)
{
  g_autofree gchar *text = NULL;

  if (g_str_has_suffix (path, "test-macros.c"))
    return;
  CU_ASSERT_TRUE (g_file_get_contents (path, &text, NULL, NULL));
  count_calls_in_macros (path, text);
}

static void
no_call_is_made_twice (void)
{
  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, folders[i], NULL);

      sources_foreach (path, check_source, NULL);
    }
}

static void
a_call_in_a_macro_is_found (void)
{
  assert_int (count_calls_in_macros (NULL, "x = MAX (deadline - now (), 0);"), 1);
  assert_int (count_calls_in_macros (NULL, "x = MIN (a,\n  get (b, c));"), 1);
  assert_int (count_calls_in_macros (NULL, "x = MIN (MAX (a, f (b)), c);"), 2);
  assert_int (count_calls_in_macros (NULL, "x = MIN (MAX (a, b), sizeof (c)) + f ();"), 0);
  assert_int (count_calls_in_macros (NULL, "x = MIN (a, b->c[d]); y = f (x);"), 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (no_call_is_made_twice),
    TEST (a_call_in_a_macro_is_found),
    { NULL, NULL },
  };

  return test_main ("macros", cases, argc, argv);
}
