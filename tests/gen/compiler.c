/* Calls the compilers. GLib's and Thrift's headers are system headers to them, ours are not. */
#include "compiler.h"

#include <gio/gio.h>
#include <string.h>

#include "generate.h"

/* A compiler for one language. C is given all sources as one unit, C++ all headers. */
typedef struct
{
  const gchar *program;
  const gchar *standard;
  const gchar *language;
  const gchar *precompiled; /* what its precompiled headers end in */
} Tool;

static const Tool tools[] = {
  { "cc", "-std=gnu11", "c", "gch" },
  { "c++", "-std=gnu++17", "c++", "gch" },
  { "clang", "-std=gnu11", "c", "pch" },
  { "clang++", "-std=gnu++17", "c++", "pch" },
};
#define N_GNU_TOOLS 2

/* Starts a compiler; what it says goes to file @log. */
static GSubprocess *
start (const gchar *log, const GPtrArray *arguments, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_MERGE);

  g_subprocess_launcher_set_stdout_file_path (launcher, log);
  return g_subprocess_launcher_spawnv (launcher, (const gchar *const *) arguments->pdata, error);
}

/* (nullable): what went wrong. */
static gchar *
finish (GSubprocess *process, const gchar *log)
{
  gchar *text = NULL;

  g_subprocess_wait (process, NULL, NULL);
  if (g_subprocess_get_successful (process))
    return NULL;

  g_file_get_contents (log, &text, NULL, NULL);
  return text != NULL ? text : g_strdup ("the compiler failed and left no word");
}

static void
add_all (GPtrArray *arguments, const gchar *const *words)
{
  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (arguments, g_strdup (words[i]));
}

/* (nullable): pkg-config's flags with other libraries' directories as system directories. */
static gchar **
get_flags (void)
{
  g_autofree gchar *output = NULL;
  g_autoptr (GPtrArray) flags = g_ptr_array_new_with_free_func (g_free);
  gint status;

  if (!g_spawn_command_line_sync ("pkg-config --cflags gio-unix-2.0 thrift_c_glib", &output, NULL,
                                  &status, NULL)
      || status != 0)
    return NULL;

  g_auto (GStrv) words = g_strsplit (g_strstrip (output), " ", -1);

  add_all (flags, (const gchar *const[]){ "-I" RUNTIME_DIR, "-I" POOL_DIR, NULL });
  for (guint i = 0; words[i] != NULL; i++)
    if (g_str_has_prefix (words[i], "-I"))
      g_ptr_array_add (flags, g_strdup_printf ("-isystem%s", words[i] + 2));
    else if (*words[i] != '\0')
      g_ptr_array_add (flags, g_strdup (words[i]));
  g_ptr_array_add (flags, NULL);
  return (gchar **) g_ptr_array_free (g_steal_pointer (&flags), FALSE);
}

/* The directory of @tool's own: both of one compiler's headers have one name. */
static gchar *
get_tool_directory (const Compiler *compiler, const Tool *tool)
{
  return g_build_filename (compiler->directory, tool->program, NULL);
}

static void
add_command (GPtrArray *arguments, const Tool *tool, const gchar *language)
{
  add_all (arguments, (const gchar *const[]){ tool->program, tool->standard, "-Wall", "-Wextra",
                                              "-pedantic", "-Werror", "-x", language, NULL });
}

/* Also finds out whether the compiler is there and takes the flags. */
static gboolean
precompile (const Compiler *compiler, const Tool *tool)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *directory = get_tool_directory (compiler, tool);
  g_autofree gchar *header = g_build_filename (directory, "precompiled.h", NULL);
  g_autofree gchar *log = g_build_filename (directory, "log", NULL);
  g_autofree gchar *language = g_strconcat (tool->language, "-header", NULL);

  g_mkdir_with_parents (directory, 0700);
  g_file_set_contents (header, "#include <tally.h>\n", -1, NULL);
  add_command (arguments, tool, language);
  add_all (arguments, (const gchar *const *) compiler->flags);
  g_ptr_array_add (arguments, g_strdup (header));
  g_ptr_array_add (arguments, g_strdup ("-o"));
  g_ptr_array_add (arguments, g_strconcat (header, ".", tool->precompiled, NULL));
  g_ptr_array_add (arguments, NULL);

  g_autoptr (GSubprocess) process = start (log, arguments, NULL);

  if (process == NULL)
    return FALSE;

  g_autofree gchar *said = finish (process, log);

  return said == NULL;
}

gboolean
compiler_init (Compiler *compiler)
{
  gboolean works[G_N_ELEMENTS (tools)];

  *compiler =
      (Compiler){ .directory = g_dir_make_tmp ("tally-gen-XXXXXX", NULL), .flags = get_flags () };
  if (compiler->directory == NULL || compiler->flags == NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (tools); i++)
    works[i] = precompile (compiler, &tools[i]);
  compiler->have_clang = works[2] && works[3];
  return works[0] && works[1];
}

void
compiler_clear (Compiler *compiler)
{
  if (compiler->directory != NULL)
    test_remove_directory (compiler->directory);
  g_free (compiler->directory);
  g_strfreev (compiler->flags);
}

/* (transfer full): a file in @directory that includes all that end in @suffix, between @before and
 * @after. */
static gchar *
write_unit (const gchar *directory, const gchar *suffix, const gchar *before, const gchar *after)
{
  g_autofree gchar *name = g_strconcat ("unit", suffix, "c", NULL);
  /* A precompiled header does not count as what a unit must hold at least. */
  g_autoptr (GString) includes = g_string_new ("extern int tests_gen_unit;\n");
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const gchar *entry;

  while ((entry = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (entry, suffix))
      g_string_append_printf (includes, "#include \"%s\"\n", entry);

  gchar *path = g_build_filename (directory, name, NULL);

  g_string_prepend (includes, before);
  g_string_append (includes, after);
  g_file_set_contents (path, includes->str, -1, NULL);
  return path;
}

static GSubprocess *
check (const Compiler *compiler,
       const Tool *tool,
       const gchar *directory,
       const gchar *unit,
       const gchar *log,
       GError **error)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *own = get_tool_directory (compiler, tool);

  add_command (arguments, tool, tool->language);
  g_ptr_array_add (arguments, g_strdup ("-fsyntax-only"));
  /* A precompiled header is taken only when it comes first of all. */
  g_ptr_array_add (arguments, g_strdup_printf ("-I%s", own));
  g_ptr_array_add (arguments, g_strdup_printf ("-I%s", directory));
  add_all (arguments, (const gchar *const *) compiler->flags);
  g_ptr_array_add (arguments, g_strdup ("-include"));
  g_ptr_array_add (arguments, g_build_filename (own, "precompiled.h", NULL));
  g_ptr_array_add (arguments, g_strdup (unit));
  g_ptr_array_add (arguments, NULL);
  return start (log, arguments, error);
}

static gchar *
check_all (const Compiler *compiler,
           guint n_tools,
           const gchar *directory,
           const gchar *before,
           const gchar *after)
{
  g_autofree gchar *sources = write_unit (directory, ".c", before, after);
  g_autofree gchar *headers = write_unit (directory, ".h", before, after);
  GSubprocess *processes[G_N_ELEMENTS (tools)] = { NULL };
  gchar *logs[G_N_ELEMENTS (tools)] = { NULL };
  g_autoptr (GError) error = NULL;
  gchar *said = NULL;

  for (guint i = 0; i < n_tools; i++)
    {
      g_autofree gchar *name = g_strconcat (tools[i].program, ".log", NULL);

      logs[i] = g_build_filename (directory, name, NULL);
      processes[i] =
          check (compiler, &tools[i], directory,
                 strcmp (tools[i].language, "c") == 0 ? sources : headers, logs[i], &error);
      if (processes[i] == NULL && said == NULL)
        said = g_strdup (error->message);
      g_clear_error (&error);
    }
  for (guint i = 0; i < n_tools; i++)
    {
      g_autofree gchar *also = processes[i] != NULL ? finish (processes[i], logs[i]) : NULL;

      if (said == NULL)
        said = g_steal_pointer (&also);
      g_clear_object (&processes[i]);
      g_free (logs[i]);
    }

  return said;
}

gchar *
compiler_check (const Compiler *compiler, const gchar *directory)
{
  return check_all (compiler, compiler->have_clang ? G_N_ELEMENTS (tools) : N_GNU_TOOLS, directory,
                    "", "");
}

gchar *
compiler_check_beside (const Compiler *compiler, const gchar *directory, const gchar *headers)
{
  gchar *said = check_all (compiler, N_GNU_TOOLS, directory, headers, "");

  return said != NULL ? said : check_all (compiler, N_GNU_TOOLS, directory, "", headers);
}
