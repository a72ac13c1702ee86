/* Every name that C, C++ and the headers take, in every position of an IDL: what becomes of it compiles
 * with all of these headers before it and behind it. */
#include <string.h>

#include "compiler.h"
#include "generate.h"
#include "harness.h"
#include "taken.h"

#define HEADERS                                                                                    \
  "#include <errno.h>\n#include <float.h>\n#include <limits.h>\n#include <math.h>\n"               \
  "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <signal.h>\n"            \
  "#include <time.h>\n#include <unistd.h>\n#include <sys/socket.h>\n#include <sys/stat.h>\n"       \
  "#include <netinet/in.h>\n#include <glib.h>\n#include <gio/gio.h>\n#include <tally.h>\n"

/* Members of one struct, arguments of one method, methods of one service. */
#define CHUNK 200

/* Words of IDL, which cannot be names there. */
static const gchar *const idl_words[] = {
  "async",   "binary",    "bool",   "byte",     "const",    "double",  "enum",    "exception",
  "extends", "false",     "i16",    "i32",      "i64",      "i8",      "include", "list",
  "map",     "namespace", "oneway", "optional", "required", "service", "set",     "string",
  "struct",  "throws",    "true",   "typedef",  "union",    "uuid",    "void",    NULL,
};

/* The words of taken.c, which are no header's. */
static const gchar *const languages[] = {
  "alignas", "asm",      "auto",     "break",    "case",     "char",     "class",    "continue",
  "default", "delete",   "do",       "else",     "explicit", "export",   "extern",   "float",
  "for",     "friend",   "goto",     "if",       "inline",   "int",      "long",     "mutable",
  "new",     "nullptr",  "operator", "private",  "public",   "register", "restrict", "return",
  "short",   "signed",   "sizeof",   "static",   "switch",   "template", "this",     "throw",
  "try",     "typename", "typeof",   "unsigned", "using",    "virtual",  "volatile", "while",
  "args",    "error",    "iface",    "klass",    "parent",   "results",  "success",  "get_type",
  "self",    "_return",  NULL,
};

static Compiler compiler;
static gboolean have_compiler;

/* (element-type const gchar *): each name once, with the set of what it is. */
static GHashTable *
list_taken (void)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (const GenTakenGroup *group = gen_taken_groups; group->header != NULL; group++)
    {
      g_auto (GStrv) words = g_strsplit (group->words, " ", -1);

      for (guint i = 0; words[i] != NULL; i++)
        if (*words[i] != '\0')
          g_hash_table_insert (names, g_strdup (words[i]),
                               GUINT_TO_POINTER (gen_taken_find (words[i])));
    }
  for (guint i = 0; languages[i] != NULL; i++)
    g_hash_table_insert (names, g_strdup (languages[i]),
                         GUINT_TO_POINTER (gen_taken_find (languages[i])));
  for (guint i = 0; idl_words[i] != NULL; i++)
    g_hash_table_remove (names, idl_words[i]);
  return names;
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

/* (element-type gchar *) (transfer full): those of @names that are one of @kinds, in order. */
static GPtrArray *
list_kinds (GHashTable *names, guint kinds)
{
  GPtrArray *selected = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name, what;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, &what))
    if (kinds == 0 || (GPOINTER_TO_UINT (what) & kinds) != 0)
      g_ptr_array_add (selected, g_strdup (name));
  g_ptr_array_sort (selected, compare_texts);
  return selected;
}

/* (element-type gchar *) (transfer full): @names, and in lower case, each once: a struct `eof` has a
 * macro EOF. Names that begin with `_` or as GLib's do are left out: a header for each struct takes the
 * compiler long. */
static GPtrArray *
list_structs (const GPtrArray *names)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *structs = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = names->pdata[i];
      gchar *both[] = { g_strdup (name), g_ascii_strdown (name, -1) };
      gboolean left_out = *name == '_' || g_str_has_prefix (both[1], "g")
                          || g_str_has_prefix (both[1], "thrift")
                          || g_str_has_prefix (both[1], "tally");

      for (guint j = 0; j < G_N_ELEMENTS (both); j++)
        if (left_out || g_strv_contains (idl_words, both[j])
            || g_hash_table_contains (seen, both[j]))
          g_free (both[j]);
        else
          {
            g_hash_table_add (seen, both[j]);
            g_ptr_array_add (structs, both[j]);
          }
    }

  return structs;
}

/* @begin, a number, @open, CHUNK of @names as fields of @type, and @end, as often as it takes. */
static void
append_chunks (GString *idl,
               const GPtrArray *names,
               const gchar *begin,
               const gchar *open,
               const gchar *type,
               const gchar *end)
{
  for (guint i = 0; i < names->len; i++)
    {
      if (i % CHUNK == 0)
        g_string_append_printf (idl, "%s%u%s", begin, i / CHUNK, open);
      g_string_append_printf (idl, " %u: %s %s", i % CHUNK + 1, type,
                              (const gchar *) names->pdata[i]);
      if (i % CHUNK == CHUNK - 1 || i == names->len - 1)
        g_string_append_printf (idl, "%s\n", end);
    }
}

static void
write_idl (const gchar *directory, const gchar *name, const GString *idl)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);

  g_file_set_contents (path, idl->str, (gssize) idl->len, NULL);
}

/* Every name as a field, an argument and an exception; in @includes' words it is `members`. */
static void
write_members (const gchar *directory, const GPtrArray *names)
{
  g_autoptr (GString) idl = g_string_new ("namespace c_glib Every\nexception Oops {}\n");

  append_chunks (idl, names, "struct Fields", " {", "string", " }");
  g_string_append (idl, "service Arguments {\n");
  append_chunks (idl, names, "void f", " (", "string", ")");
  g_string_append (idl, "}\nservice Thrown {\n");
  append_chunks (idl, names, "void f", " () throws (", "Oops", ")");
  g_string_append (idl, "}\n");
  write_idl (directory, "members.thrift", idl);
}

/* @names as definitions without a namespace, each between @before and @after. */
static void
write_definitions (const gchar *directory,
                   const gchar *file,
                   const gchar *before,
                   const gchar *after,
                   const GPtrArray *names)
{
  g_autoptr (GString) idl = g_string_new (NULL);

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (idl, "%s %s%s\n", before, (const gchar *) names->pdata[i], after);
  write_idl (directory, file, idl);
}

/* `SOCK_STREAM` is enumerator STREAM of enum sock, without a namespace. */
static void
write_enumerators (const gchar *directory, const GPtrArray *names)
{
  g_autoptr (GString) idl = g_string_new (NULL);
  g_autofree gchar *open = NULL;

  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = names->pdata[i];
      const gchar *end = strchr (name, '_');
      g_autofree gchar *prefix = end != NULL ? g_ascii_strdown (name, end - name) : NULL;
      g_autofree gchar *upper = prefix != NULL ? g_ascii_strup (prefix, -1) : NULL;

      if (prefix == NULL || *prefix == '\0' || end[1] == '\0' || g_ascii_isdigit (end[1])
          || !g_str_has_prefix (name, upper) || g_strv_contains (idl_words, prefix))
        continue;
      if (g_strcmp0 (open, prefix) != 0)
        g_string_append_printf (idl, "%s enum %s {", open != NULL ? "}\n" : "", prefix);
      g_string_append_printf (idl, " %s", end + 1);
      g_free (open);
      open = g_steal_pointer (&prefix);
    }
  g_string_append (idl, "}\n");
  write_idl (directory, "enumerators.thrift", idl);
}

/* Names that a method keeps: functions are in lower case. */
static void
write_methods (const gchar *directory, const GPtrArray *names)
{
  g_autoptr (GString) idl = g_string_new ("namespace c_glib Called\nservice Methods {\n");

  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = names->pdata[i];
      g_autofree gchar *lower = g_ascii_strdown (name, -1);

      if (strcmp (name, lower) == 0)
        g_string_append_printf (idl, "void %s ()\n", name);
    }
  g_string_append (idl, "}\n");
  write_idl (directory, "methods.thrift", idl);
}

static void
write_all (const gchar *directory)
{
  const guint macros = GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_FUNCTION_MACRO;
  g_autoptr (GHashTable) names = list_taken ();
  g_autoptr (GPtrArray) all = list_kinds (names, 0);
  g_autoptr (GPtrArray) words =
      list_kinds (names, macros | GEN_TAKEN_KEYWORD | GEN_TAKEN_CXX_KEYWORD);
  g_autoptr (GPtrArray) in_structs =
      list_kinds (names, macros | GEN_TAKEN_TYPE | GEN_TAKEN_TAG | GEN_TAKEN_KEYWORD);
  g_autoptr (GPtrArray) structs = list_structs (in_structs);
  g_autoptr (GString) root = g_string_new (NULL);

  write_members (directory, all);
  write_definitions (directory, "typedefs.thrift", "typedef i32", "", all);
  write_definitions (directory, "constants.thrift", "const i32", " = 1", all);
  write_definitions (directory, "structs.thrift", "struct", " {}", structs);
  write_enumerators (directory, all);
  write_methods (directory, words);
  for (const gchar *const *file =
           (const gchar *const[]){ "members", "typedefs", "constants", "structs", "enumerators",
                                   "methods", NULL };
       *file != NULL; file++)
    g_string_append_printf (root, "include \"%s.thrift\"\n", *file);
  write_idl (directory, "root.thrift", root);
}

static void
every_name_in_every_position_compiles (void)
{
  g_autofree gchar *sources = test_make_directory ();
  g_autofree gchar *directory = test_make_directory ();
  g_autofree gchar *path = g_build_filename (sources, "root.thrift", NULL);
  g_autofree gchar *message = NULL;

  if (!have_compiler)
    {
      test_skip ("no C and C++ compiler with pkg-config");
      return;
    }

  write_all (sources);
  if (generate_file_into (directory, path, NULL, &message))
    message = compiler_check_beside (&compiler, directory, HEADERS);
  assert_string (message, NULL);
  test_remove_directory (sources);
  test_remove_directory (directory);
}

/* script/taken-names is run after a macro was added to a public header. */
static void
our_own_macros_are_listed (void)
{
  static const gchar *const folders[] = { RUNTIME_DIR, POOL_DIR };
  g_autoptr (GRegex) regex = g_regex_new ("^#define (TALLY_\\w+)", G_REGEX_MULTILINE, 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autoptr (GDir) dir = g_dir_open (folders[i], 0, NULL);

      for (const gchar *name; (name = g_dir_read_name (dir)) != NULL;)
        {
          g_autofree gchar *path = g_build_filename (folders[i], name, NULL);
          g_autofree gchar *text = NULL;
          g_autoptr (GMatchInfo) match = NULL;

          if (!g_str_has_prefix (name, "tally") || !g_str_has_suffix (name, ".h"))
            continue;
          CU_ASSERT_TRUE_FATAL (g_file_get_contents (path, &text, NULL, NULL));
          g_regex_match (regex, text, 0, &match);
          for (; g_match_info_matches (match); g_match_info_next (match, NULL))
            {
              g_autofree gchar *macro = g_match_info_fetch (match, 1);

              if (gen_taken_find (macro) == 0)
                assert_string (macro, "listed in gen/taken-names.c");
            }
        }
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_name_in_every_position_compiles),
    TEST (our_own_macros_are_listed),
    { NULL, NULL },
  };

  have_compiler = compiler_init (&compiler);

  int status = test_main ("taken", cases, argc, argv);

  compiler_clear (&compiler);
  return status;
}
