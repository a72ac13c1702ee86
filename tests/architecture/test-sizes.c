/* Holds that no file and no function is longer than a reader takes in, and that a file's name says which
 * file is meant. It knows how the sources are laid out and nothing of what they do. */
#include "harness.h"
#include "sources.h"

#include <string.h>

#define MAX_FILE_LINES 600
#define MAX_FUNCTION_LINES 60

/* What may be longer, and why. */
static const struct
{
  const gchar *file;
  const gchar *why;
} exceptions[] = {
  { "taken-names.c", "a table that script/taken-names makes" },
};

static const gchar *const folders[] = { "admin", "cli",  "examples", "gen",   "idl",      "lsp",
                                        "load",  "pool", "runtime",  "tests", "zookeeper" };

typedef struct
{
  GPtrArray *mistakes; /* of gchar * */
  GHashTable *places;  /* a file's name without its ending to the folder that it is in */
  guint n_files;
} Walk;

static void
walk_clear (Walk *walk)
{
  g_ptr_array_unref (walk->mistakes);
  g_hash_table_unref (walk->places);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static void
walk_init (Walk *walk)
{
  walk->mistakes = g_ptr_array_new_with_free_func (g_free);
  walk->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  walk->n_files = 0;
}

static gboolean
may_be_long (const gchar *file)
{
  for (guint i = 0; i < G_N_ELEMENTS (exceptions); i++)
    if (strcmp (exceptions[i].file, file) == 0)
      return TRUE;
  return FALSE;
}

/* The line on which the function begins whose body opens at line @open: its declaration may take several. */
static guint
find_start (GStrv lines, guint open)
{
  guint start = open;

  while (start > 0 && *lines[start - 1] != '\0' && strcmp (lines[start - 1], "}") != 0
         && strchr ("#/", *lines[start - 1]) == NULL && !g_str_has_suffix (lines[start - 1], "*/"))
    start--;
  return start;
}

/* Functions begin with a brace of their own in the first column and end with one. */
static void
check_functions (const gchar *file, GStrv lines, GPtrArray *mistakes)
{
  gint start = -1;

  for (guint i = 0; lines[i] != NULL; i++)
    if (strcmp (lines[i], "{") == 0)
      start = (gint) find_start (lines, i);
    else if (*lines[i] == '}' && start >= 0)
      {
        guint n_lines = i - (guint) start + 1;

        if (strcmp (lines[i], "}") == 0 && n_lines > MAX_FUNCTION_LINES)
          g_ptr_array_add (mistakes, g_strdup_printf ("%s:%d: a function of %u lines", file,
                                                      start + 1, n_lines));
        start = -1;
      }
}

static void
check_text (const gchar *file, const gchar *text, GPtrArray *mistakes)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_lines = g_strv_length (lines) - 1; /* the last one ends too */

  if (may_be_long (file))
    return;
  if (n_lines > MAX_FILE_LINES)
    g_ptr_array_add (mistakes, g_strdup_printf ("%s: %u lines", file, n_lines));
  check_functions (file, lines, mistakes);
}

static void
check_name (Walk *walk, const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *name = g_path_get_basename (path);
  const gchar *other;

  *strrchr (name, '.') = '\0';
  other = g_hash_table_lookup (walk->places, name);
  if (other != NULL && strcmp (other, folder) != 0)
    g_ptr_array_add (walk->mistakes,
                     g_strdup_printf ("%s: another file of this name is in %s", path, other));
  g_hash_table_insert (walk->places, g_steal_pointer (&name), g_steal_pointer (&folder));
}

static void
check_source (const gchar *path, gpointer data)
{
  Walk *walk = data;
  g_autofree gchar *file = g_path_get_basename (path);
  g_autofree gchar *text = NULL;

  if (strstr (path, "/golden/") != NULL) /* what tallyc writes */
    return;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  walk->n_files++;
  check_text (file, text, walk->mistakes);
  check_name (walk, path);
}

static void
no_source_is_too_long_and_names_are_unique (void)
{
  g_auto (Walk) walk;

  walk_init (&walk);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, folders[i], NULL);

      sources_foreach (path, check_source, &walk);
    }
  CU_ASSERT (walk.n_files > 0);
  for (guint i = 0; i < walk.mistakes->len; i++)
    assert_string (g_ptr_array_index (walk.mistakes, i), NULL);
}

/* How many mistakes are found in a file named @file of @n_lines lines, of which all but two blank ones are
 * one function's. */
static guint
count_mistakes (const gchar *file, guint n_lines)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new ("\n\nstatic void\nf (int a,\n   int b)\n{\n");

  for (guint i = 0; i < n_lines - 7; i++)
    g_string_append (text, "  a++;\n");
  g_string_append (text, "}\n");
  check_text (file, text->str, mistakes);
  return mistakes->len;
}

static void
what_is_too_long_is_found (void)
{
  assert_int (count_mistakes ("a.c", 62), 0);
  assert_int (count_mistakes ("a.c", 63), 1);
  assert_int (count_mistakes ("a.c", 600), 1);
  assert_int (count_mistakes ("a.c", 601), 2);
  assert_int (count_mistakes ("taken-names.c", 601), 0);
}

static void
one_name_in_two_folders_is_found (void)
{
  g_auto (Walk) walk;

  walk_init (&walk);
  check_name (&walk, "pool/wait.c");
  check_name (&walk, "pool/wait.h");
  check_name (&walk, "pool/policy/waiting.c");
  assert_int (walk.mistakes->len, 0);
  check_name (&walk, "pool/policy/wait.c");
  assert_int (walk.mistakes->len, 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (no_source_is_too_long_and_names_are_unique),
    TEST (what_is_too_long_is_found),
    TEST (one_name_in_two_folders_is_found),
    { NULL, NULL },
  };

  return test_main ("sizes", cases, argc, argv);
}
