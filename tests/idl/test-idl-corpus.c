/* The front end on whole files of public projects, and on the faulty ones. Skipped where the corpus
 * is not beside the source tree. */
#include "cnames.h"
#include "idl-test.h"

#include "dump.h"
#include "format.h"

#include <string.h>

/* The lines of a tab-separated table without its heading, each split. (element-type GStrv) */
static GPtrArray *
read_table (const gchar *corpus, const gchar *name)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  g_autofree gchar *path = g_build_filename (corpus, name, NULL);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  CU_ASSERT_TRUE_FATAL (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_ptr_array_add (rows, g_strsplit (lines[i], "\t", -1));
  return rows;
}

static void
accepts_real_files (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();
  g_autoptr (GPtrArray) rows = NULL;
  guint accepted = 0;

  if (corpus == NULL)
    {
      test_skip ("no corpus");
      return;
    }
  rows = read_table (corpus, "real.tsv");
  for (guint i = 0; i < rows->len; i++)
    {
      gchar **row = g_ptr_array_index (rows, i);
      g_autoptr (IdlUnit) unit = idl_test_new_unit (corpus, row[4]);
      g_autofree gchar *path = g_build_filename (corpus, row[0], NULL);

      if (strcmp (row[1], "apache") != 0 || strcmp (row[3], "yes") != 0)
        continue;
      accepted++;
      if (idl_unit_load (unit, path) != NULL)
        continue;
      CU_FAIL ("a file that Apache's compiler accepts is refused");
      idl_diagnostics_print (idl_unit_get_diagnostics (unit), stderr);
    }
  CU_ASSERT_TRUE (accepted > 200);
}

/* Takes the places out of a dump, which formatting may change. */
static void
remove_places (gchar *json)
{
  gchar *to = json;

  for (const gchar *from = json; *from != '\0';)
    {
      if (g_str_has_prefix (from, "\"line\": ") || g_str_has_prefix (from, "\"column\": "))
        {
          from = strchr (from, ' ') + 1;
          while (g_ascii_isdigit (*from))
            from++;
          continue;
        }
      *to++ = *from++;
    }
  *to = '\0';
}

/* The model of @text as the file @path, whose includes are looked for as in @row. */
static gchar *
get_model (const gchar *corpus, gchar **row, const gchar *path, const gchar *text)
{
  g_autoptr (IdlUnit) unit = idl_test_new_unit (corpus, row[4]);
  gchar *model;

  if (idl_unit_load_text (unit, path, text, -1) == NULL)
    return NULL;
  model = idl_dump_json (idl_unit_get_programs (unit));
  remove_places (model);
  return model;
}

static void
formats_real_files (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();
  g_autoptr (GPtrArray) rows = NULL;

  if (corpus == NULL)
    {
      test_skip ("no corpus");
      return;
    }
  rows = read_table (corpus, "real.tsv");
  for (guint i = 0; i < rows->len; i++)
    {
      gchar **row = g_ptr_array_index (rows, i);
      g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();
      g_autofree gchar *path = g_build_filename (corpus, row[0], NULL);
      g_autofree gchar *once = NULL;
      g_autofree gchar *twice = NULL;
      g_autofree gchar *before = NULL;
      g_autofree gchar *after = NULL;
      g_autoptr (IdlSource) source = NULL;
      g_autoptr (IdlSource) formatted = NULL;
      gsize length;

      if (strcmp (row[1], "apache") != 0 || strcmp (row[3], "yes") != 0)
        continue;
      once = idl_format_file (path, &source, diagnostics);
      CU_ASSERT_PTR_NOT_NULL_FATAL (once);
      formatted = idl_source_new (path, g_strdup (once), strlen (once));
      twice = idl_format_source (formatted, diagnostics);
      assert_string (twice, once);
      before = get_model (corpus, row, path, idl_source_get_text (source, &length));
      after = get_model (corpus, row, path, once);
      CU_ASSERT_PTR_NOT_NULL (before);
      assert_string (after, before);
    }
}

/* (nullable): the first diagnostic that is at least @severity. */
static const IdlDiagnostic *
find_first (IdlUnit *unit, IdlSeverity severity)
{
  const GPtrArray *items = idl_diagnostics_get (idl_unit_get_diagnostics (unit));

  for (guint i = 0; i < items->len; i++)
    {
      const IdlDiagnostic *diagnostic = g_ptr_array_index (items, i);

      if (diagnostic->severity >= severity)
        return diagnostic;
    }
  return NULL;
}

/* The verdict that is wanted on a row of index.tsv. Some rows ask for an error where Apache's compiler
 * takes the file, and so do we, with a warning: files that people use are written so. Enumerators of
 * E that are called like macros are E_NULL and E_EOF in C, and need no other name. */
static const gchar *
get_wanted (gchar **row)
{
  static const gchar *const taken[] = { "ids_zero", "val_bool_2", NULL };

  if (strcmp (row[0], "cgl_enumerator_c_macro") == 0)
    return "accept";
  return g_strv_contains (taken, row[0]) ? "warn" : row[2];
}

/* As `tallyc --check` does: what a name becomes in C is part of the verdict. */
static gboolean
check (IdlUnit *unit, const gchar *path)
{
  g_autoptr (GenNames) names = NULL;

  if (idl_unit_load (unit, path) == NULL)
    return FALSE;
  names = gen_names_new (idl_unit_get_programs (unit));
  gen_names_report (names, idl_unit_get_diagnostics (unit));
  return TRUE;
}

/* Whether the verdict on a row of index.tsv is the wanted one; sets *@line to the first mistake's.
 */
static gboolean
judge (const gchar *corpus, gchar **row, guint *line)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *file = g_strconcat (row[0], ".thrift", NULL);
  g_autofree gchar *path = g_build_filename (corpus, "bad", file, NULL);
  const gchar *wanted = get_wanted (row);
  gboolean accepted = check (unit, path);
  const IdlDiagnostic *first =
      find_first (unit, strcmp (wanted, "reject") == 0 ? IDL_ERROR : IDL_WARNING);
  guint column;

  *line = 0;
  if (strcmp (wanted, "accept") == 0)
    return accepted;
  if (first != NULL && first->location.source != NULL)
    idl_location_get_line (&first->location, line, &column);
  return strcmp (wanted, "reject") == 0 ? !accepted && first != NULL : first != NULL;
}

static void
judges_faulty_files (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();
  g_autoptr (GPtrArray) rows = NULL;
  guint with_line = 0, right_line = 0;

  if (corpus == NULL)
    {
      test_skip ("no corpus");
      return;
    }
  rows = read_table (corpus, "bad/index.tsv");
  for (guint i = 0; i < rows->len; i++)
    {
      gchar **row = g_ptr_array_index (rows, i);
      guint line;

      if (!judge (corpus, row, &line))
        {
          CU_FAIL ("a verdict is not the wanted one");
          g_printerr ("%s: not judged as '%s'\n", row[0], get_wanted (row));
        }
      if (strcmp (get_wanted (row), "accept") == 0)
        continue;
      with_line++;
      if (line == g_ascii_strtoull (row[3], NULL, 10))
        right_line++;
      else
        g_printerr ("%s: first mistake in line %u, not %s\n", row[0], line, row[3]);
    }
  CU_ASSERT_TRUE (with_line > 0);
  CU_ASSERT_TRUE (right_line * 100 >= with_line * 95);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (accepts_real_files), TEST (formats_real_files), TEST (judges_faulty_files), { NULL }
  };

  return test_main ("idl-corpus", cases, argc, argv);
}
