/* Holds ARCHITECTURE.md's table of folders against the #include lines of the sources. It knows the
 * table's form and nothing of what the folders do. */
#include "harness.h"
#include "sources.h"

#include <glib/gstdio.h>
#include <string.h>

/* One row of the table. */
typedef struct
{
  gchar *name;        /* "pool", without the slash */
  GPtrArray *may_use; /* of gchar *: folders, and the libraries' names as the table has them */
  GPtrArray *used_by; /* of gchar * */
} Folder;

typedef struct
{
  GHashTable *folders; /* name to Folder */
  GHashTable *headers; /* base name to the name of the folder that holds it */
} Rules;

static const gchar *const columns[] = { "folder", "owns", "may use", "may be used by", NULL };

static void
folder_free (gpointer data)
{
  Folder *folder = data;

  g_free (folder->name);
  g_ptr_array_unref (folder->may_use);
  g_ptr_array_unref (folder->used_by);
  g_free (folder);
}

static void
rules_free (Rules *rules)
{
  g_hash_table_unref (rules->folders);
  g_hash_table_unref (rules->headers);
  g_free (rules);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rules, rules_free)

/* "`idl/`, GLib" into "idl" and "GLib". */
static GPtrArray *
split_cell (const gchar *cell)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) words = g_strsplit (cell, ",", -1);
  guint i;

  for (i = 0; words[i] != NULL; i++)
    {
      gchar *word = g_strdelimit (g_strstrip (words[i]), "`", ' ');
      gsize length;

      g_strstrip (word);
      length = strlen (word);
      if (length > 0 && word[length - 1] == '/')
        word[length - 1] = '\0';
      if (*word != '\0')
        g_ptr_array_add (parts, g_strdup (word));
    }
  return parts;
}

static gboolean
contains (GPtrArray *parts, const gchar *part)
{
  return g_ptr_array_find_with_equal_func (parts, part, g_str_equal, NULL);
}

/* The first table of @text whose heading is what `columns` says. */
static GHashTable *
parse_table (const gchar *text)
{
  g_autoptr (GHashTable) folders =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, folder_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean inside = FALSE;
  guint i, j;

  for (i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) cells = g_strsplit (lines[i], "|", -1);

      if (g_strv_length (cells) != G_N_ELEMENTS (columns) + 1)
        {
          if (inside)
            break;
          continue;
        }
      for (j = 0; cells[j] != NULL; j++)
        g_strstrip (cells[j]);
      if (inside && cells[1][0] == '`')
        {
          g_autoptr (GPtrArray) names = split_cell (cells[1]);
          Folder *folder = g_new0 (Folder, 1);

          folder->name = g_strdup (g_ptr_array_index (names, 0));
          folder->may_use = split_cell (cells[3]);
          folder->used_by = split_cell (cells[4]);
          g_hash_table_insert (folders, folder->name, folder);
        }
      else if (!inside)
        inside =
            g_strv_equal ((const gchar *const *) columns,
                          (const gchar *const[]){ cells[1], cells[2], cells[3], cells[4], NULL });
    }
  return g_steal_pointer (&folders);
}

typedef struct
{
  Rules *rules;
  const Folder *folder;
  GPtrArray *mistakes; /* of gchar * */
} Walk;

static void
note_header (const gchar *path, gpointer data)
{
  Walk *walk = data;
  g_autofree gchar *base = g_path_get_basename (path);

  if (!g_str_has_suffix (base, ".h"))
    return;
  if (g_hash_table_contains (walk->rules->headers, base))
    g_ptr_array_add (walk->mistakes,
                     g_strdup_printf ("%s: another folder has a header of this name", path));
  g_hash_table_insert (walk->rules->headers, g_steal_pointer (&base), walk->folder->name);
}

/* What an include in angle brackets needs to stand in "may use", or NULL for the C library. */
static const gchar *
library_of (const gchar *header)
{
  if (strcmp (header, "tally-admin.h") == 0)
    return "admin";
  if (strcmp (header, "tally-zookeeper.h") == 0)
    return "zookeeper";
  if (g_str_has_prefix (header, "tally"))
    return "runtime";
  if (g_str_has_prefix (header, "thrift/c_glib/transport/"))
    return "Thrift's transport type";
  if (g_str_has_prefix (header, "thrift/"))
    return "Thrift C GLib";
  if (g_str_has_prefix (header, "json-glib/"))
    return "JSON-GLib";
  if (g_str_has_prefix (header, "libsoup/"))
    return "libsoup";
  if (g_str_has_prefix (header, "zookeeper/"))
    return "libzookeeper";
  if (g_str_has_prefix (header, "gio/"))
    return "GIO";
  if (g_str_has_prefix (header, "glib") || g_str_has_prefix (header, "gobject/"))
    return "GLib";
  return NULL;
}

static gboolean
may_use_library (const Folder *folder, const gchar *library)
{
  return library == NULL || contains (folder->may_use, library)
         || (strcmp (library, "runtime") == 0 && strcmp (folder->name, "runtime") == 0)
         || (strcmp (library, "Thrift's transport type") == 0
             && contains (folder->may_use, "Thrift C GLib"));
}

/* (nullable) (transfer full): what is wrong with @folder's including @header. */
static gchar *
check_include (const Rules *rules, const Folder *folder, const gchar *header, gboolean in_quotes)
{
  g_autofree gchar *base = g_path_get_basename (header);
  const gchar *owner = in_quotes ? g_hash_table_lookup (rules->headers, base) : NULL;
  const gchar *library = in_quotes ? NULL : library_of (header);

  if (owner != NULL && strcmp (owner, folder->name) == 0)
    return NULL;
  if (owner != NULL && !contains (folder->may_use, owner))
    return g_strdup_printf ("%s/ may not use %s/ (%s)", folder->name, owner, header);
  if (owner != NULL && g_str_has_suffix (header, "-private.h"))
    return g_strdup_printf ("%s/ uses a private header of %s/ (%s)", folder->name, owner, header);
  /* Only generated headers are in no folder, and only programs include those. */
  if (in_quotes && owner == NULL && strcmp (folder->name, "examples") != 0)
    return g_strdup_printf ("%s is in no folder", header);
  if (!may_use_library (folder, library))
    return g_strdup_printf ("%s/ may not use %s (<%s>)", folder->name, library, header);
  return NULL;
}

static void
check_text (const Walk *walk, const gchar *path, const gchar *text)
{
  g_autoptr (GRegex) include = g_regex_new ("^[ \\t]*#[ \\t]*include[ \\t]*([\"<])([^\">]+)[\">]",
                                            G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (include, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree gchar *quote = g_match_info_fetch (match, 1);
      g_autofree gchar *header = g_match_info_fetch (match, 2);
      g_autofree gchar *mistake = check_include (walk->rules, walk->folder, header, *quote == '"');

      if (mistake != NULL)
        g_ptr_array_add (walk->mistakes, g_strdup_printf ("%s: %s", path, mistake));
    }
}

static void
check_source (const gchar *path, gpointer data)
{
  g_autofree gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  check_text (data, path, text);
}

/* The table, and which folder each header is in. */
static Rules *
load_rules (GPtrArray *mistakes)
{
  g_autoptr (Rules) rules = g_new0 (Rules, 1);
  g_autofree gchar *path = g_build_filename (PROJECT_SOURCE_ROOT, "ARCHITECTURE.md", NULL);
  g_autofree gchar *text = NULL;
  GHashTableIter iter;
  gpointer folder;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  rules->folders = parse_table (text);
  rules->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, rules->folders);
  while (g_hash_table_iter_next (&iter, NULL, &folder))
    {
      Walk walk = { rules, folder, mistakes };
      g_autofree gchar *directory = g_build_filename (PROJECT_SOURCE_ROOT, walk.folder->name, NULL);

      if (strcmp (walk.folder->name, "tests") != 0)
        sources_foreach (directory, note_header, &walk);
    }
  return g_steal_pointer (&rules);
}

static void
assert_no_mistake (GPtrArray *mistakes)
{
  guint i;

  for (i = 0; i < mistakes->len; i++)
    assert_string (g_ptr_array_index (mistakes, i), NULL);
}

static void
every_folder_has_its_row (void)
{
  static const gchar *const names[] = { "idl", "lsp",      "gen",   "pool",  "runtime",  "load",
                                        "cli", "examples", "tests", "admin", "zookeeper" };
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Rules) rules = load_rules (mistakes);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    CU_ASSERT (g_hash_table_contains (rules->folders, names[i]));
  assert_int (g_hash_table_size (rules->folders), G_N_ELEMENTS (names));
}

static void
both_columns_say_the_same (void)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Rules) rules = load_rules (mistakes);
  GHashTableIter iter, others;
  gpointer data, other;

  g_hash_table_iter_init (&iter, rules->folders);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      const Folder *folder = data;

      g_hash_table_iter_init (&others, rules->folders);
      while (g_hash_table_iter_next (&others, NULL, &other))
        if (contains (folder->may_use, ((const Folder *) other)->name)
            != contains (((const Folder *) other)->used_by, folder->name))
          assert_string (folder->name, ((const Folder *) other)->name);
    }
}

static void
includes_keep_to_the_table (void)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Rules) rules = load_rules (mistakes);
  GHashTableIter iter;
  gpointer folder;

  g_hash_table_iter_init (&iter, rules->folders);
  while (g_hash_table_iter_next (&iter, NULL, &folder))
    {
      Walk walk = { rules, folder, mistakes };
      g_autofree gchar *directory = g_build_filename (PROJECT_SOURCE_ROOT, walk.folder->name, NULL);

      if (strcmp (walk.folder->name, "tests") != 0) /* tests may look into anything */
        sources_foreach (directory, check_source, &walk);
    }
  assert_no_mistake (mistakes);
}

/* How many mistakes @line makes in a file of @folder. */
static guint
mistakes_in (const gchar *folder, const gchar *line)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Rules) rules = load_rules (mistakes);
  Walk walk = { rules, g_hash_table_lookup (rules->folders, folder), mistakes };

  g_assert_nonnull (walk.folder);
  check_text (&walk, "a.c", line);
  return mistakes->len;
}

static void
a_wrong_include_is_found (void)
{
  assert_int (mistakes_in ("gen", "#include \"model.h\"\n"), 0);
  assert_int (mistakes_in ("idl", "#include \"tally-types.h\"\n"), 1);
  assert_int (mistakes_in ("idl", "#include <tally.h>\n#include <gio/gio.h>\n"), 2);
  assert_int (mistakes_in ("idl", "  #  include  \"../pool/tally-pool.h\"\n"), 1);
  assert_int (mistakes_in ("gen", "#include \"tally-types.h\"\n"), 1);
  assert_int (mistakes_in ("gen", "#include \"lsp.h\"\n"), 0);
  assert_int (mistakes_in ("idl", "#include <json-glib/json-glib.h>\n"), 1);
  assert_int (mistakes_in ("pool", "#include \"tally-channel.h\"\n"), 1);
  assert_int (mistakes_in ("pool", "#include <thrift/c_glib/transport/thrift_transport.h>\n"), 0);
  assert_int (mistakes_in ("pool", "#include <thrift/c_glib/protocol/thrift_protocol.h>\n"), 1);
  assert_int (mistakes_in ("runtime", "#include \"tally-pool.h\"\n#include <tally.h>\n"), 0);
  assert_int (mistakes_in ("runtime", "#include \"idl.h\"\n"), 1);
  assert_int (mistakes_in ("runtime", "#include \"no-such.h\"\n"), 1);
  assert_int (mistakes_in ("examples", "#include \"generated.h\"\n#include <tally.h>\n"), 0);
  assert_int (mistakes_in ("admin", "#include <tally.h>\n#include <libsoup/soup.h>\n"), 0);
  assert_int (mistakes_in ("admin", "#include \"server-private.h\"\n"), 1);
  assert_int (mistakes_in ("zookeeper", "#include <tally.h>\n#include <zookeeper/zookeeper.h>\n"),
              0);
  assert_int (mistakes_in ("zookeeper", "#include \"fleet-internal.h\"\n"), 1);
  assert_int (mistakes_in ("pool",
                           "#include <tally-zookeeper.h>\n#include <zookeeper/zookeeper.h>\n"),
              2);
  assert_int (mistakes_in ("runtime", "#include <tally-admin.h>\n#include <libsoup/soup.h>\n"), 2);
  assert_int (mistakes_in ("examples", "#include \"codec-private.h\"\n"), 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_folder_has_its_row),
    TEST (both_columns_say_the_same),
    TEST (includes_keep_to_the_table),
    TEST (a_wrong_include_is_found),
    { NULL, NULL },
  };

  return test_main ("includes", cases, argc, argv);
}
