/* The compiler's command line: writes C files here, and hands what writes none to idl/tools.h. */
#include <stdlib.h>

#include "gen.h"
#include "idl.h"
#include "output.h"
#include "tools.h"

/* Exit statuses. */
enum
{
  EXIT_ERRORS = 1,
  EXIT_USAGE = 2
};

typedef struct
{
  gchar **include_dirs;
  gchar *out;
  gchar *depfile;
  gchar *diagnostics;
  gboolean recurse;
  gboolean quiet;
  gboolean check;
  gboolean format;
  gboolean in_place;
  gboolean diff;
  gboolean audit;
  gchar *dump;
  gboolean version;
  gchar **files;
} Options;

static void
options_clear (Options *options)
{
  g_strfreev (options->include_dirs);
  g_free (options->out);
  g_free (options->depfile);
  g_free (options->diagnostics);
  g_free (options->dump);
  g_strfreev (options->files);
}

/* What is asked for but makes no sense. */
static const gchar *
find_misuse (const Options *options)
{
  gint modes = options->check + options->format + options->audit + (options->dump != NULL);

  if (options->files == NULL)
    return "no file given";
  if (modes > 1)
    return "--check, --format, --audit and --dump exclude each other";
  if ((options->in_place || options->diff) && !options->format)
    return "--in-place and --diff go with --format";
  if (options->in_place && options->diff)
    return "--in-place and --diff exclude each other";
  if (options->audit && g_strv_length (options->files) != 2)
    return "--audit takes two files, OLD and NEW";
  if (options->dump != NULL && !g_str_equal (options->dump, "json"))
    return "--dump: only json is known";
  if (options->diagnostics != NULL && !g_str_equal (options->diagnostics, "json")
      && !g_str_equal (options->diagnostics, "text"))
    return "--diagnostics: must be text or json";

  return NULL;
}

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &options->out, "Write to DIR; default: here", "DIR" },
    { "depfile", 0, 0, G_OPTION_ARG_FILENAME, &options->depfile,
      "Write a make rule with all files that were read", "FILE" },
    { "recurse", 'r', 0, G_OPTION_ARG_NONE, &options->recurse, "Generate for included files too",
      NULL },
    { "no-warnings", 0, 0, G_OPTION_ARG_NONE, &options->quiet,
      "Show nothing when there is no error", NULL },
    { "diagnostics", 0, 0, G_OPTION_ARG_STRING, &options->diagnostics,
      "Show mistakes as text (default) or json", "FORM" },
    { "check", 0, 0, G_OPTION_ARG_NONE, &options->check, "Look for mistakes only", NULL },
    { "format", 0, 0, G_OPTION_ARG_NONE, &options->format, "Print the IDL in one style", NULL },
    { "in-place", 0, 0, G_OPTION_ARG_NONE, &options->in_place, "With --format: change the files",
      NULL },
    { "diff", 0, 0, G_OPTION_ARG_NONE, &options->diff, "With --format: show what would change",
      NULL },
    { "audit", 0, 0, G_OPTION_ARG_NONE, &options->audit,
      "Tell how NEW breaks those who speak OLD; FILE... is OLD NEW", NULL },
    { "dump", 0, 0, G_OPTION_ARG_STRING, &options->dump, "Print what the IDL means; FORM is json",
      "FORM" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Show the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, "FILE..." },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Compiles Thrift IDL to C for GLib.");
  g_option_context_set_description (context, "Exit status: 0, 1 after errors, 2 after bad usage.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;

  const gchar *misuse = options->version ? NULL : find_misuse (options);

  if (misuse != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, misuse);

  return misuse == NULL;
}

/* (element-type IdlProgram) (transfer full) (nullable): what the command line names, each file
 * once. */
static GPtrArray *
load (const Options *options, IdlUnit *unit)
{
  g_autoptr (GPtrArray) programs = g_ptr_array_new ();
  gboolean complete = TRUE;

  for (guint i = 0; options->include_dirs != NULL && options->include_dirs[i] != NULL; i++)
    idl_unit_add_include_dir (unit, options->include_dirs[i]);

  for (guint i = 0; options->files[i] != NULL; i++)
    {
      IdlProgram *program = idl_unit_load (unit, options->files[i]);

      if (program == NULL)
        complete = FALSE;
      else if (!g_ptr_array_find (programs, program, NULL))
        g_ptr_array_add (programs, program);
    }

  return complete ? g_steal_pointer (&programs) : NULL;
}

/* Two IDL files of one name and namespace would become the same C files. */
static gboolean
check_names (const GPtrArray *files, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < files->len; i++)
    {
      const GenFile *file = g_ptr_array_index (files, i);

      if (!g_hash_table_add (seen, file->name))
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                       "%s would be written twice: two of the "
                       "IDL files, or a service and a file, become the same C file",
                       file->name);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
write_all (const Options *options, const GPtrArray *files, const GPtrArray *read, GError **error)
{
  const gchar *directory = options->out != NULL ? options->out : ".";

  if (!check_names (files, error) || !gen_output_write (directory, files, error))
    return FALSE;
  if (options->depfile == NULL)
    return TRUE;

  g_autoptr (GPtrArray) sources = g_ptr_array_new ();

  for (guint i = 0; i < read->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (read, i);

      g_ptr_array_add (sources, (gpointer) idl_source_get_path (program->source));
    }

  return gen_output_write_depfile (options->depfile, directory, files, sources, error);
}

static gboolean
generate (const Options *options, IdlUnit *unit, const GPtrArray *named, GError **error)
{
  const GPtrArray *all = idl_unit_get_programs (unit);
  const GPtrArray *wanted = options->recurse ? all : named;
  g_autoptr (GenNames) names = gen_names_new (all);
  g_autoptr (GenCycles) cycles = gen_cycles_new (all);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);

  for (guint i = 0; i < wanted->len; i++)
    g_ptr_array_extend_and_steal (files,
                                  gen_program (names, cycles, g_ptr_array_index (wanted, i)));

  return write_all (options, files, all, error);
}

static int
compile (const Options *options, const IdlToolOptions *tool_options)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autoptr (GPtrArray) programs = load (options, unit);
  g_autoptr (GError) error = NULL;

  if (programs == NULL || !options->quiet)
    idl_tool_print (idl_unit_get_diagnostics (unit), tool_options);
  if (programs == NULL)
    return EXIT_ERRORS;
  if (!generate (options, unit, programs, &error))
    {
      g_printerr ("tallyc: %s\n", error->message);
      return EXIT_ERRORS;
    }

  return EXIT_SUCCESS;
}

static int
run (const Options *options)
{
  const gchar *const *files = (const gchar *const *) options->files;
  const IdlToolOptions tool_options = { .include_dirs =
                                            (const gchar *const *) options->include_dirs,
                                        .json = g_strcmp0 (options->diagnostics, "json") == 0 };

  if (options->check)
    return idl_tool_check (files, &tool_options);
  if (options->format)
    return idl_tool_format (files,
                            options->in_place ? IDL_FORMAT_IN_PLACE
                            : options->diff   ? IDL_FORMAT_DIFF
                                              : IDL_FORMAT_PRINT,
                            &tool_options);
  if (options->audit)
    return idl_tool_audit (files[0], files[1], &tool_options);
  if (options->dump != NULL)
    return idl_tool_dump (files, &tool_options);

  return compile (options, &tool_options);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Options options = { 0 };
  int status;

  if (!parse_options (&options, &argc, &argv, &error))
    {
      g_printerr ("tallyc: %s\nTry: tallyc --help\n", error->message);
      status = EXIT_USAGE;
    }
  else if (options.version)
    {
      g_print ("tallyc %s\n", TALLY_VERSION);
      status = EXIT_SUCCESS;
    }
  else
    status = run (&options);

  options_clear (&options);
  return status;
}
