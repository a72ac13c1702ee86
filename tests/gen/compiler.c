/* Calls cc and c++. GLib's and Thrift's headers are system headers to them, ours are not. */
#include "compiler.h"

#include <gio/gio.h>
#include <string.h>

#include "generate.h"

#define C_FLAGS "-std=gnu11", "-Wall", "-Wextra", "-Werror"
#define CXX_FLAGS "-std=gnu++17", "-Wall", "-Wextra", "-Werror"

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

static gboolean
precompile (const Compiler *compiler, const gchar *const *command, const gchar *name)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *log = g_build_filename (compiler->directory, "log", NULL);

  add_all (arguments, command);
  add_all (arguments, (const gchar *const *) compiler->flags);
  g_ptr_array_add (arguments, g_build_filename (compiler->directory, "precompiled.h", NULL));
  g_ptr_array_add (arguments, g_strdup ("-o"));
  g_ptr_array_add (arguments,
                   g_build_filename (compiler->directory, "precompiled.h.gch", name, NULL));
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
  *compiler =
      (Compiler){ .directory = g_dir_make_tmp ("tally-gen-XXXXXX", NULL), .flags = get_flags () };
  if (compiler->directory == NULL)
    return FALSE;

  g_autofree gchar *header = g_build_filename (compiler->directory, "precompiled.h", NULL);
  g_autofree gchar *precompiled = g_build_filename (compiler->directory, "precompiled.h.gch", NULL);

  g_file_set_contents (header, "#include <tally.h>\n", -1, NULL);
  g_mkdir_with_parents (precompiled, 0700);
  return compiler->flags != NULL
         && precompile (compiler, (const gchar *const[]){ "cc", C_FLAGS, "-x", "c-header", NULL },
                        "c")
         && precompile (compiler,
                        (const gchar *const[]){ "c++", CXX_FLAGS, "-x", "c++-header", NULL },
                        "cxx");
}

void
compiler_clear (Compiler *compiler)
{
  if (compiler->directory != NULL)
    test_remove_directory (compiler->directory);
  g_free (compiler->directory);
  g_strfreev (compiler->flags);
}

static GPtrArray *
begin_command (const Compiler *compiler, const gchar *directory, const gchar *const *words)
{
  GPtrArray *arguments = g_ptr_array_new_with_free_func (g_free);

  add_all (arguments, words);
  g_ptr_array_add (arguments, g_strdup ("-fsyntax-only"));
  g_ptr_array_add (arguments, g_strdup_printf ("-I%s", directory));
  /* A precompiled header is taken only when it comes first of all. */
  g_ptr_array_add (arguments, g_strdup_printf ("-I%s", compiler->directory));
  add_all (arguments, (const gchar *const *) compiler->flags);
  add_all (arguments, (const gchar *const[]){ "-include", "precompiled.h", NULL });
  return arguments;
}

gchar *
compiler_check (const Compiler *compiler, const gchar *directory)
{
  g_autoptr (GPtrArray) c =
      begin_command (compiler, directory, (const gchar *const[]){ "cc", C_FLAGS, NULL });
  g_autoptr (GPtrArray) cxx =
      begin_command (compiler, directory,
                     (const gchar *const[]){ "c++", CXX_FLAGS, "-x", "c++", NULL });
  g_autofree gchar *c_log = g_build_filename (directory, "c.log", NULL);
  g_autofree gchar *cxx_log = g_build_filename (directory, "cxx.log", NULL);
  g_autofree gchar *all_headers = g_build_filename (directory, "all.cxx", NULL);
  g_autoptr (GString) includes = g_string_new (NULL);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".c"))
      g_ptr_array_add (c, g_build_filename (directory, name, NULL));
    else if (g_str_has_suffix (name, ".h"))
      g_string_append_printf (includes, "#include \"%s\"\n", name);
  g_file_set_contents (all_headers, includes->str, -1, NULL);
  g_ptr_array_add (cxx, g_strdup (all_headers));
  g_ptr_array_add (c, NULL);
  g_ptr_array_add (cxx, NULL);

  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) c_process = start (c_log, c, &error);
  g_autoptr (GSubprocess) cxx_process = c_process != NULL ? start (cxx_log, cxx, &error) : NULL;

  if (cxx_process == NULL)
    return g_strdup (error->message);

  gchar *c_said = finish (c_process, c_log);
  gchar *cxx_said = finish (cxx_process, cxx_log);

  if (c_said == NULL)
    return cxx_said;

  g_free (cxx_said);
  return c_said;
}
