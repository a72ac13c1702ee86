/* Compares what is said of properties with the classes: in the tables in docs/ each property has its row, each row
 * its property; in the sources each property has one doc comment; and the default there is the one that a new
 * object has. */
#include "harness.h"

#include <string.h>
#include <tally.h>

#include "sources.h"

/* (transfer full): a property's default as the tables write it: "1,000", "16 MiB", "TRUE", "lifo". */
static gchar *
describe_default (const GParamSpec *pspec)
{
  const GValue *value = g_param_spec_get_default_value ((GParamSpec *) pspec);
  g_auto (GValue) number = G_VALUE_INIT;
  gint64 integer;

  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_strdup (g_value_get_boolean (value) ? "TRUE" : "FALSE");
  if (G_VALUE_HOLDS_STRING (value))
    return g_strdup (g_value_get_string (value) != NULL ? g_value_get_string (value) : "NULL");
  if (G_VALUE_HOLDS_OBJECT (value) || G_VALUE_HOLDS_BOXED (value))
    return g_strdup ("NULL");
  if (G_VALUE_HOLDS_ENUM (value))
    return g_strdup (
        g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value))
            ->value_nick);
  if (G_VALUE_HOLDS_DOUBLE (value))
    return g_strdup_printf ("%g", g_value_get_double (value));
  g_value_init (&number, G_TYPE_INT64);
  g_value_transform (value, &number);
  integer = g_value_get_int64 (&number);
  if (integer >= 1024 * 1024 && integer % (1024 * 1024) == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " MiB", integer / (1024 * 1024));
  if (integer >= 1000)
    return g_strdup_printf ("%" G_GINT64_FORMAT ",%03d", integer / 1000, (gint) (integer % 1000));
  return g_strdup_printf ("%" G_GINT64_FORMAT, integer);
}

/* ---- docs/ ---- */

/* Takes the properties of one row, "`a`, `b`" with "1, 2", into @table. */
static void
read_row (const gchar *line, GHashTable *table, GString *faults)
{
  g_auto (GStrv) cells = g_strsplit (line + strlen ("| "), " | ", 3);
  g_auto (GStrv) names = g_strsplit (cells[0], ", ", -1);
  g_auto (GStrv) values = g_strsplit (cells[1], ", ", -1);

  if (g_strv_length (names) != g_strv_length (values))
    g_string_append_printf (faults, "not one default for each property: %s\n", line);
  for (guint i = 0; names[i] != NULL && values[i] != NULL; i++)
    g_hash_table_insert (table, g_strndup (names[i] + 1, strcspn (names[i] + 1, "`")),
                         g_strdup (values[i]));
}

/* (transfer full): name to default, of the rows in the section "Properties" of docs/@page. */
static GHashTable *
read_table (const gchar *page, GString *faults)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, "docs", page, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gboolean inside = FALSE;

  g_file_get_contents (path, &text, NULL, &error);
  assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "## "))
      inside = strcmp (lines[i], "## Properties") == 0;
    else if (inside && g_str_has_prefix (lines[i], "| `"))
      read_row (lines[i], table, faults);
  return table;
}

static void
compare (const gchar *page, GType type)
{
  g_autoptr (GString) faults = g_string_new (NULL);
  g_autoptr (GHashTable) table = read_table (page, faults);
  GObjectClass *class = g_type_class_ref (type);
  g_autofree GParamSpec **pspecs = NULL;
  GHashTableIter iter;
  gpointer name;
  guint n_pspecs;

  pspecs = g_object_class_list_properties (class, &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    {
      const gchar *said = g_hash_table_lookup (table, pspecs[i]->name);
      g_autofree gchar *real = describe_default (pspecs[i]);

      if (pspecs[i]->owner_type != type || (pspecs[i]->flags & G_PARAM_DEPRECATED) != 0)
        continue;
      if (said == NULL)
        g_string_append_printf (faults, "docs/%s: no row for the property %s\n", page,
                                pspecs[i]->name);
      else if (strcmp (said, real) != 0)
        g_string_append_printf (faults, "docs/%s: the default of %s is %s, not %s\n", page,
                                pspecs[i]->name, real, said);
      g_hash_table_remove (table, pspecs[i]->name);
    }
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (faults, "docs/%s: there is no property %s\n", page,
                            (const gchar *) name);
  assert_string (faults->str, "");
  g_type_class_unref (class);
}

static void
the_server_has_the_properties_of_its_page (void)
{
  compare ("server.md", TALLY_TYPE_SERVER);
}

static void
the_pool_has_the_properties_of_its_page (void)
{
  compare ("pool.md", TALLY_TYPE_POOL);
}

/* ---- doc comments ---- */

/* A doc comment about a property, and what it says in its lines "Default: 1,000." and "Since: 0.2". */
#define PROPERTY_COMMENT "/\\*\\*\\s*\\* (Tally\\w+):([a-z][\\w-]*):(?!:)(.*?)\\*/"
#define DEFAULT_LINE "^\\s*\\* Default: (.*)\\.$"
#define SINCE_LINE "^\\s*\\* Since: \\d+\\.\\d+$"

/* The comments of @text: "TallyPool:max-open" to the comment; to "" when there is a second one. */
static void
find_comments (const gchar *text, GHashTable *comments)
{
  g_autoptr (GRegex) regex = g_regex_new (PROPERTY_COMMENT, G_REGEX_DOTALL, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree gchar *class = g_match_info_fetch (match, 1);
      g_autofree gchar *name = g_strdelimit (g_match_info_fetch (match, 2), "_", '-');
      gchar *property = g_strdup_printf ("%s:%s", class, name);
      gboolean is_second = g_hash_table_contains (comments, property);

      g_hash_table_insert (comments, property,
                           is_second ? g_strdup ("") : g_match_info_fetch (match, 3));
    }
}

static void
read_comments (const gchar *path, gpointer data)
{
  g_autofree gchar *text = NULL;

  CU_ASSERT_TRUE_FATAL (g_file_get_contents (path, &text, NULL, NULL));
  if (g_str_has_suffix (path, ".c"))
    find_comments (text, data);
}

/* (transfer full) (nullable): what is wrong with what @comment (nullable) says of a property whose default is
 * @real. */
static gchar *
find_comment_fault (const gchar *comment, const gchar *real)
{
  g_autoptr (GRegex) regex = g_regex_new (DEFAULT_LINE, G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree gchar *said = NULL;

  if (comment == NULL || *comment == '\0')
    return g_strdup (comment == NULL ? "has no doc comment" : "has two doc comments");
  if (!g_regex_match_simple (SINCE_LINE, comment, G_REGEX_MULTILINE, 0))
    return g_strdup ("has no \"Since: \"");
  if (!g_regex_match (regex, comment, 0, &match))
    return g_strdup ("has no \"Default: \"");
  said = g_match_info_fetch (match, 1);
  return strcmp (said, real) == 0 ? NULL
                                  : g_strdup_printf ("has the default %s, not %s", real, said);
}

static void
check_comments (GType type, GHashTable *comments, GString *faults)
{
  GObjectClass *class = g_type_class_ref (type);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  pspecs = g_object_class_list_properties (class, &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_autofree gchar *property = g_strdup_printf ("%s:%s", g_type_name (type), pspecs[i]->name);
      g_autofree gchar *real = describe_default (pspecs[i]);
      g_autofree gchar *fault = NULL;

      if (pspecs[i]->owner_type != type)
        continue;
      fault = find_comment_fault (g_hash_table_lookup (comments, property), real);
      if (fault != NULL)
        g_string_append_printf (faults, "%s %s\n", property, fault);
      g_hash_table_remove (comments, property);
    }
  g_type_class_unref (class);
}

static void
each_property_has_a_doc_comment (void)
{
  const GType types[] = { TALLY_TYPE_POOL,   TALLY_TYPE_SOCKET,    TALLY_TYPE_CHANNEL,
                          TALLY_TYPE_CLIENT, TALLY_TYPE_PROCESSOR, TALLY_TYPE_SERVER,
                          TALLY_TYPE_STRUCT };
  g_autoptr (GHashTable) comments = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GString) faults = g_string_new (NULL);
  GHashTableIter iter;
  gpointer property;

  sources_foreach (PROJECT_SOURCE_ROOT "/pool", read_comments, comments);
  sources_foreach (PROJECT_SOURCE_ROOT "/runtime", read_comments, comments);
  CU_ASSERT (g_hash_table_size (comments) > 50);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    check_comments (types[i], comments, faults);
  g_hash_table_iter_init (&iter, comments);
  while (g_hash_table_iter_next (&iter, &property, NULL))
    g_string_append_printf (faults, "%s has a doc comment and does not exist\n",
                            (const gchar *) property);
  assert_string (faults->str, "");
}

static void
a_missing_and_a_wrong_comment_are_found (void)
{
  static const gchar source[] =
      "/**\n * TallyA:b_c:\n *\n * X.\n *\n * Default: 1,000.\n *\n * Since: 0.2\n */\n"
      "  /**\n   * TallyA:d:\n   *\n   * X.\n   *\n   * Since: 0.2\n   */\n"
      "/**\n * TallyA:e:\n *\n * X.\n *\n * Default: 1.\n */\n"
      "/**\n * TallyA::f:\n */\n/**\n * TallyA:g:\n */\n/**\n * TallyA:g:\n */\n";
  static const gchar *const properties[] = { "TallyA:b-c", "TallyA:d", "TallyA:e",
                                             "TallyA:f",   "TallyA:g", "TallyA:b-c" };
  static const gchar *const defaults[] = { "1,000", "1", "1", "1", "1", "2" };
  static const gchar *const faults[] = {
    NULL,
    "has no \"Default: \"",
    "has no \"Since: \"",
    "has no doc comment",
    "has two doc comments",
    "has the default 2, not 1,000",
  };
  g_autoptr (GHashTable) comments = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  find_comments (source, comments);
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      g_autofree gchar *fault =
          find_comment_fault (g_hash_table_lookup (comments, properties[i]), defaults[i]);

      assert_string (fault, faults[i]);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_server_has_the_properties_of_its_page),
    TEST (the_pool_has_the_properties_of_its_page),
    TEST (each_property_has_a_doc_comment),
    TEST (a_missing_and_a_wrong_comment_are_found),
    { NULL, NULL },
  };

  return test_main ("properties", cases, argc, argv);
}
