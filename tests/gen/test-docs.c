/* The reference that --docs writes: what is in it, that nothing of an IDL is markup in it, and that
 * every link leads somewhere. */
#include "docs.h"

#include "command.h"
#include "generate.h"
#include "harness.h"
#include "idl.h"

#include <string.h>

static const gchar *
find_page (const GPtrArray *files, const gchar *name)
{
  for (guint i = 0; i < files->len; i++)
    if (g_str_equal (((const GenFile *) g_ptr_array_index (files, i))->name, name))
      return ((const GenFile *) g_ptr_array_index (files, i))->text;
  return NULL;
}

/* (transfer full): the page `demo` of an IDL's reference. */
static gchar *
document (const gchar *idl, GenDocsForm form)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autoptr (GPtrArray) files = NULL;

  if (idl_unit_load_text (unit, "demo.thrift", idl, -1) == NULL)
    {
      idl_diagnostics_print (idl_unit_get_diagnostics (unit), stderr);
      CU_FAIL ("an error in the IDL");
      return g_strdup ("");
    }
  files = gen_docs (idl_unit_get_programs (unit), form);
  return g_strdup (find_page (files, form == GEN_DOCS_HTML ? "demo.html" : "demo.md"));
}

static const gchar shop[] = "/** A shop. Second sentence. */\n"
                            "namespace * shop\n"
                            "/** How much. */\n"
                            "typedef i64 Cents\n"
                            "typedef list<Cents> Prices\n"
                            "enum Size {\n  SMALL = 1, /** Does not fit. */ LARGE }\n"
                            "const Cents FREE = 0\n"
                            "const Cents NOTHING = FREE\n"
                            "/** What is sold. */\n"
                            "struct Item {\n"
                            "  /** Its number. */\n"
                            "  1: required i32 id\n"
                            "  2: optional Size size = Size.LARGE\n"
                            "  3: map<string, Item> parts (deprecated = \"use `Size`\")\n"
                            "}\n"
                            "exception Gone { 1: string why }\n"
                            "service Base { void ping () }\n"
                            "service Shop extends Base {\n"
                            "  /** Finds.\n"
                            "   *\n"
                            "   * - by number\n"
                            "   * - by `Size`\n"
                            "   *\n"
                            "   * @param id its number\n"
                            "   * @return the thing\n"
                            "   * @throws Gone when it is sold\n"
                            "   * @see Item\n"
                            "   */\n"
                            "  Item find (1: i32 id = 3) throws (1: Gone gone) (deprecated)\n"
                            "  oneway void forget (1: Prices prices)\n"
                            "}\n";

static void
html_has_all_that_is_known (void)
{
  g_autofree gchar *page = document (shop, GEN_DOCS_HTML);

  assert_contains (page, "<h3 id=\"Shop\">service Shop</h3>");
  assert_contains (page, "Extends <code><a href=\"#Base\">Base</a></code>");
  assert_contains (page, "Inherited from <code><a href=\"#Base\">Base</a></code>: "
                         "<code><a href=\"#Base:ping\">ping</a></code>");
  assert_contains (page, "<h4 id=\"Shop:find\">find</h4>");
  assert_contains (page, "<code><a href=\"#Item\">Item</a> find (1: i32 id) throws (1: "
                         "<a href=\"#Gone\">Gone</a> gone)</code>");
  assert_contains (page, "<strong>Deprecated</strong></p>\n<p>Finds.</p>");
  assert_contains (page, "<li>by <code><a href=\"#Size\">Size</a></code></li>\n</ul>");
  assert_contains (page,
                   "<td>1</td><td><code>id</code></td><td><code>i32</code></td><td>default</td>"
                   "<td><code>3</code></td><td><p>its number</p>");
  assert_contains (page, "<strong>Returns</strong>: the thing");
  assert_contains (page, "<strong>See</strong>: Item");
  assert_contains (page, "<p>when it is sold</p>");
  assert_contains (page, "oneway void forget (1: <a href=\"#Prices\">Prices</a> prices)");
  assert_contains (page, "One way: no answer comes.");
  assert_contains (page, "<tr id=\"Item:id\"><td>1</td><td><code>id</code></td><td><code>i32</code>"
                         "</td><td>required</td><td></td><td><p>Its number.</p>");
  assert_contains (page, "<code><a href=\"#Size:LARGE\">Size.LARGE</a></code>");
  assert_contains (page, "<code>map&lt;string, <a href=\"#Item\">Item</a>&gt;</code>");
  assert_contains (page,
                   "<strong>Deprecated</strong>: use <code><a href=\"#Size\">Size</a></code>");
  assert_contains (page, "<tr id=\"Size:LARGE\"><td><code>LARGE</code></td><td>2</td>"
                         "<td><p>Does not fit.</p>");
  assert_contains (page, "typedef list&lt;<a href=\"#Cents\">Cents</a>&gt; Prices");
  assert_contains (page, "Value: <code>0</code>");
  assert_contains (page, "Used by <code><a href=\"#Item:parts\">Item.parts</a></code>, "
                         "<code><a href=\"#Shop:find\">Shop.find</a></code>");
  assert_contains (page, "Used by <code><a href=\"#const:NOTHING\">NOTHING</a></code>");
}

static void
markdown_has_all_that_is_known (void)
{
  g_autofree gchar *page = document (shop, GEN_DOCS_MARKDOWN);

  assert_contains (page, "# demo.thrift\n\nA shop. Second sentence.\n\n");
  assert_contains (page, "<a id=\"Shop\"></a>\n\n### service Shop\n\n");
  assert_contains (page, "- by number\n- by <code><a href=\"#Size\">Size</a></code>\n\n");
  assert_contains (page, "| Id | Argument | Type | Requiredness | Default | Description |\n"
                         "| --- | --- | --- | --- | --- | --- |\n"
                         "| 1 | <code>id</code> | <code>i32</code> | default | <code>3</code> | "
                         "its number |\n");
  assert_contains (page,
                   "| <a id=\"Item:id\"></a>1 | <code>id</code> | <code>i32</code> | required "
                   "|  | Its number. |\n");
}

/* ---- hostile text ---- */

static const gchar hostile[] =
    "/** <script>alert (1)</script> */\n"
    "namespace * x\n"
    "/** <img src=x onerror=alert(1)> \"><svg/onload=1> [a](javascript:alert(1)) a|b `<b>|</b>`\n"
    " * {@link <i>x</i>} <code></code><script>1</script></code> ' \xe2\x80\xae right to left\n"
    " *\n"
    " * ```\n"
    " * </code><script>2</script> |\n"
    " *\n"
    " * ```\n"
    " * @param <script> <script>3</script>\n"
    " * @deprecated <script>4</script>\n"
    " * # heading\n"
    " */\n"
    "struct A {\n"
    "  1: string a = \"</code><script>5</script>|\\\"'&`\" (x = \"\\\"><script>6</script>|\")\n"
    "  /** | <td> | */\n"
    "  2: i32 b\n"
    "} (note = \"<script>7</script>\", deprecated = \"<script>8</script> ![x](y)\")\n";

/* Whether each `<` of @page begins one of the elements that the reference itself writes. */
static gboolean
has_own_elements_only (const gchar *page)
{
  static const gchar elements[] =
      "^(!DOCTYPE html|/?(html|head|body|title|style|thead|tbody|table|tr|th|td|ul|li|p|pre|code|"
      "strong|div|h[1-4]|a|br)( (lang|id|class|href)=\"[A-Za-z0-9_.:#-]*\")*|meta "
      "[a-z-]+=\"[a-zA-Z0-9-]+\""
      "( content=\"[a-z0-9,=; '-]+\")?)>$";
  g_autoptr (GRegex) regex = g_regex_new (elements, 0, 0, NULL);

  for (const gchar *at = strchr (page, '<'); at != NULL; at = strchr (at + 1, '<'))
    {
      const gchar *end = strchr (at, '>');
      g_autofree gchar *element = end == NULL ? NULL : g_strndup (at + 1, (gsize) (end - at));

      if (element == NULL || !g_regex_match (regex, element, 0, NULL))
        {
          fprintf (stderr, "# <%s\n", element == NULL ? "" : element);
          return FALSE;
        }
    }
  return TRUE;
}

static void
text_is_never_markup (void)
{
  g_autofree gchar *html = document (hostile, GEN_DOCS_HTML);
  g_autofree gchar *markdown = document (hostile, GEN_DOCS_MARKDOWN);

  CU_ASSERT_TRUE (has_own_elements_only (html));
  CU_ASSERT_TRUE (has_own_elements_only (markdown));
  assert_lacks (html, "\xe2\x80\xae");
  assert_lacks (markdown, "\xe2\x80\xae");
  assert_contains (html, "&lt;script&gt;alert (1)&lt;/script&gt;");
  assert_contains (html, "<pre>&lt;/code&gt;&lt;script&gt;2&lt;/script&gt; |");
  assert_contains (markdown,
                   "\\[a\\](javascript:alert(1)) a\\|b <code>&lt;b&gt;\\|&lt;/b&gt;</code>");
  assert_contains (markdown, "\\!\\[x\\](y)");
  assert_lacks (markdown, "\n# heading");
}

/* No row of a table has more or fewer cells than the heading. */
static void
rows_keep_their_cells (void)
{
  g_autofree gchar *markdown = document (hostile, GEN_DOCS_MARKDOWN);
  g_auto (GStrv) lines = g_strsplit (markdown, "\n", -1);
  guint n_rows = 0, expected = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint bars = 0;

      for (const gchar *c = lines[i]; *lines[i] == '|' && *c != '\0'; c++)
        bars += *c == '|' && (c == lines[i] || c[-1] != '\\');
      if (bars == 0 || expected == 0)
        expected = bars;
      n_rows += bars > 0;
      assert_int (bars, expected);
    }
  CU_ASSERT_TRUE (n_rows >= 4);
}

/* ---- links ---- */

/* Adds what @pattern finds: (element-type utf8 utf8). */
static void
collect (GHashTable *set, const gchar *prefix, const gchar *text, const gchar *pattern)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL))
    {
      g_autofree gchar *found = g_match_info_fetch (match, 1);

      g_hash_table_add (set, *found == '#' || *prefix == '#'
                                 ? g_strconcat (prefix + (*prefix == '#'), found, NULL)
                                 : g_strdup (found));
    }
}

/* Returns how many links there are; one that leads nowhere fails the test. */
static guint
check_links (const GPtrArray *files)
{
  g_autoptr (GHashTable) targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer link;

  for (guint i = 0; i < files->len; i++)
    {
      const GenFile *file = g_ptr_array_index (files, i);
      g_autofree gchar *prefix = g_strconcat ("#", file->name, "#", NULL);

      g_hash_table_add (targets, g_strdup (file->name));
      collect (targets, prefix, file->text, "<(?:a|tr|h[1-4]) id=\"([^\"]*)\"");
      collect (links, file->name, file->text, "<a href=\"([^\"]*)\"");
    }
  g_hash_table_iter_init (&iter, links);
  while (g_hash_table_iter_next (&iter, &link, NULL))
    if (!g_hash_table_contains (targets, link))
      {
        fprintf (stderr, "# nothing is at %s\n", (const gchar *) link);
        CU_FAIL ("a link leads nowhere");
      }
  return g_hash_table_size (links);
}

static void
pages_of_one_name_are_told_apart (void)
{
  g_autofree gchar *said = NULL;
  g_autofree gchar *index = NULL;

  command_begin ();
  command_write ("index.thrift", "struct One { 1: i32 a }");
  command_write ("Index.thrift", "include \"index.thrift\"\nstruct Two { 1: index.One one }");
  assert_int (command_run ("--docs=html out Index.thrift", &said), 0);
  index = command_read ("out/index.html");
  CU_ASSERT_PTR_NOT_NULL_FATAL (index);
  assert_contains (index, "<a href=\"index-2.html\">index</a>");
  assert_contains (index, "<a href=\"Index-3.html\">Index</a>");
  command_end ();
}

static void
every_link_over_the_corpus_leads_somewhere (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();
  g_autofree gchar *path = corpus == NULL ? NULL : g_build_filename (corpus, "real.tsv", NULL);
  g_autofree gchar *table = NULL;
  g_auto (GStrv) rows = NULL;
  guint n_files = 0, n_links = 0;

  if (corpus == NULL || !g_file_get_contents (path, &table, NULL, NULL))
    {
      test_skip ("no corpus");
      return;
    }
  rows = g_strsplit (table, "\n", -1);
  for (guint i = 1; rows[i] != NULL && *rows[i] != '\0'; i++)
    {
      g_auto (GStrv) row = g_strsplit (rows[i], "\t", -1);
      g_auto (GStrv) words = g_strsplit (row[4], " ", -1);
      g_autofree gchar *file = g_build_filename (corpus, row[0], NULL);
      g_autoptr (IdlUnit) unit = idl_unit_new ();

      for (guint j = 0; words[j] != NULL; j++)
        {
          g_autofree gchar *directory = g_build_filename (corpus, words[j], NULL);

          if (*words[j] != '\0' && *words[j] != '-')
            idl_unit_add_include_dir (unit, directory);
        }
      if (idl_unit_load (unit, file) == NULL)
        continue;
      n_files++;
      for (guint form = GEN_DOCS_HTML; form <= GEN_DOCS_MARKDOWN; form++)
        {
          g_autoptr (GPtrArray) files = gen_docs (idl_unit_get_programs (unit), form);

          n_links += check_links (files);
          for (guint j = 0; j < files->len; j++)
            CU_ASSERT_TRUE (
                has_own_elements_only (((const GenFile *) g_ptr_array_index (files, j))->text));
        }
    }
  CU_ASSERT_TRUE (n_files > 200 && n_links > 10000);
}

/* ---- the command ---- */

/* What is written anew is another file under the same name. */
static void
pages_that_stay_the_same_are_not_written (void)
{
  static const gchar line[] = "--docs=html --depfile d out demo.thrift && stat -c %i "
                              "out/index.html out/base.html out/demo.html";
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  g_autofree gchar *rule = NULL;

  command_begin ();
  assert_int (command_run (line, &first), 0);
  assert_int (command_run (line, &second), 0);
  assert_string (second, first);
  rule = command_read ("d");
  assert_string (rule, "out/index.html out/base.html out/demo.html: \\\n  base.thrift \\\n"
                       "  demo.thrift\n");
  command_end ();
}

static void
misuse_is_told (void)
{
  command_begin ();
  CU_ASSERT_TRUE (
      command_does ("--docs=pdf out demo.thrift", 2, "--docs: must be html or markdown"));
  CU_ASSERT_TRUE (command_does ("--docs=html demo.thrift", 2, "--docs takes a directory"));
  CU_ASSERT_TRUE (command_does ("--docs=html base.thrift demo.thrift", 2, "OUT FILE..."));
  CU_ASSERT_TRUE (command_does ("--docs=html --out x out demo.thrift", 2, "--docs takes no --out"));
  CU_ASSERT_TRUE (command_does ("--docs=html --check out demo.thrift", 2, "exclude each other"));
  CU_ASSERT_TRUE (command_does ("--docs=html out -", 2, "not standard input"));
  CU_ASSERT_TRUE (command_does ("--docs=html out bad.thrift", 1, "bad.thrift"));
  CU_ASSERT_FALSE (command_is_there ("out"));
  command_end ();
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (html_has_all_that_is_known),
    TEST (markdown_has_all_that_is_known),
    TEST (text_is_never_markup),
    TEST (rows_keep_their_cells),
    TEST (pages_of_one_name_are_told_apart),
    TEST (every_link_over_the_corpus_leads_somewhere),
    TEST (pages_that_stay_the_same_are_not_written),
    TEST (misuse_is_told),
    { NULL },
  };

  return test_main ("docs", cases, argc, argv);
}
