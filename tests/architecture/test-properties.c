/* Compares the tables of properties in docs/ with the classes: each property has its row, each row its property,
 * and the default there is the one that a new object has. */
#include "harness.h"

#include <string.h>
#include <tally.h>

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

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_server_has_the_properties_of_its_page),
    TEST (the_pool_has_the_properties_of_its_page),
    { NULL, NULL },
  };

  return test_main ("properties", cases, argc, argv);
}
