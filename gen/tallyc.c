/* The compiler's command line: writes C files here, and hands what writes none to idl/tools.h. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clashes.h"
#include "docs.h"
#include "gen.h"
#include "idl.h"
#ifdef TALLY_LSP
#include "lsp.h"
#endif
#include "options.h"
#include "output.h"
#include "replace.h"
#include "tools.h"

/* Whose command line and output tallyc takes after, as builds ask for a version of it. */
#define THRIFT_VERSION "0.17.0"

/* Exit statuses. */
enum
{
  EXIT_ERRORS = 1,
  EXIT_USAGE = 2
};

/* Says it with -v, on standard output, as thrift does. */
static void
tell (const Options *options, const gchar *what, const gchar *name)
{
  if (options->verbose)
    g_print ("%s %s\n", what, name);
}

/* (element-type IdlProgram) (transfer full) (nullable): what the command line names, each file
 * once. */
static GPtrArray *
load (const Options *options, IdlUnit *unit)
{
  g_autoptr (GPtrArray) programs = g_ptr_array_new ();
  gboolean complete = TRUE;

  for (guint i = 0; i < options->files->len; i++)
    {
      IdlProgram *program = idl_unit_load (unit, g_ptr_array_index (options->files, i));

      if (program == NULL)
        complete = FALSE;
      else if (!g_ptr_array_find (programs, program, NULL))
        g_ptr_array_add (programs, program);
    }

  return complete ? g_steal_pointer (&programs) : NULL;
}

static gboolean
write_outputs (const Options *options,
               const GPtrArray *files,
               const GPtrArray *read,
               GError **error)
{
  g_autofree gchar *directory = options_get_directory (options);
  g_autoptr (GPtrArray) sources = g_ptr_array_new ();

  for (guint i = 0; i < read->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (read, i);

      g_ptr_array_add (sources, (gpointer) idl_source_get_path (program->source));
      tell (options, "Parsing", g_ptr_array_index (sources, i));
    }
  for (guint i = 0; i < files->len; i++)
    tell (options, "Generating", ((const GenFile *) g_ptr_array_index (files, i))->name);

  return gen_output_write (directory, files, error)
         && (options->depfile == NULL
             || gen_output_write_depfile (options->depfile, directory, files, sources, error));
}

static gboolean
generate (const Options *options,
          const GenNames *names,
          const GPtrArray *all,
          const GPtrArray *wanted,
          GError **error)
{
  g_autoptr (GenCycles) cycles = gen_cycles_new (all);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);

  for (guint i = 0; i < wanted->len; i++)
    g_ptr_array_extend_and_steal (files,
                                  gen_program (names, cycles, g_ptr_array_index (wanted, i)));

  return write_outputs (options, files, all, error);
}

/* Adds what makes the C of @wanted, among @all, wrong. (transfer full) */
static GenNames *
check_names (IdlUnit *unit, const GPtrArray *all, const GPtrArray *wanted)
{
  GenNames *names = gen_names_new (all);

  gen_names_report (names, idl_unit_get_diagnostics (unit));
  gen_find_clashes (names, wanted, idl_unit_get_diagnostics (unit));
  return names;
}

/* Compiles, or, with --check, goes as far as that can go wrong. */
static int
compile (const Options *options, const IdlToolOptions *tool_options)
{
  g_autoptr (IdlUnit) unit = idl_tool_new_unit (tool_options, NULL);
  g_autoptr (GPtrArray) programs = load (options, unit);
  const GPtrArray *all = idl_unit_get_programs (unit);
  const GPtrArray *wanted = options->recurse ? all : programs;
  g_autoptr (GenNames) names = programs == NULL ? NULL : check_names (unit, all, wanted);
  g_autoptr (GError) error = NULL;

  if (!idl_tool_report (idl_unit_get_diagnostics (unit), tool_options) || names == NULL)
    return EXIT_ERRORS;
  if (!options->check && !generate (options, names, all, wanted, &error))
    {
      g_printerr ("tallyc: %s\n", error->message);
      return EXIT_ERRORS;
    }

  return EXIT_SUCCESS;
}

/* Writes the reference, with a page for each file that is read. */
static int
document (const Options *options, const IdlToolOptions *tool_options)
{
  g_autoptr (IdlUnit) unit = idl_tool_new_unit (tool_options, NULL);
  g_autoptr (GPtrArray) programs = load (options, unit);
  const GPtrArray *all = idl_unit_get_programs (unit);
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;

  if (!idl_tool_report (idl_unit_get_diagnostics (unit), tool_options) || programs == NULL)
    return EXIT_ERRORS;
  files = gen_docs (all, g_str_equal (options->docs, "html") ? GEN_DOCS_HTML : GEN_DOCS_MARKDOWN);
  if (write_outputs (options, files, all, &error))
    return EXIT_SUCCESS;
  g_printerr ("tallyc: %s\n", error->message);
  return EXIT_ERRORS;
}

#ifdef TALLY_LSP
static void
check_for_editor (IdlUnit *unit, const IdlProgram *program)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new ();

  g_ptr_array_add (wanted, (gpointer) program);
  gen_names_free (check_names (unit, idl_unit_get_programs (unit), wanted));
}

static int
serve (const IdlToolOptions *tool_options)
{
  const LspOptions options = { TALLY_VERSION, tool_options, check_for_editor };

  signal (SIGPIPE, SIG_IGN); /* writing fails when the editor is gone */
  return lsp_run (&options, STDIN_FILENO, STDOUT_FILENO);
}
#else
static int
serve (const IdlToolOptions *tool_options)
{
  g_printerr ("tallyc: --lsp: this tallyc was built without json-glib, and so without the language "
              "server\n");
  return EXIT_ERRORS;
}
#endif

static const gchar *const *
get_words (const GPtrArray *words)
{
  return (const gchar *const *) words->pdata;
}

static int
run (const Options *options)
{
  const gchar *const *files = get_words (options->files);
  const IdlToolOptions tool_options = {
    .include_dirs = get_words (options->include_dirs),
    .old_dirs = get_words (options->old_dirs),
    .new_dirs = get_words (options->new_dirs),
    .fatal_rules = get_words (options->fatal_rules),
    .all_rules_fatal = options->all_rules_fatal,
    .quiet = options->quiet,
    .negative_ids = options->negative_ids,
    .audit_nofatal = options->audit_nofatal,
    .json = g_strcmp0 (options->diagnostics, "json") == 0,
  };

  if (options->lsp)
    return serve (&tool_options);
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
  if (options->docs != NULL)
    return document (options, &tool_options);

  return compile (options, &tool_options);
}

/* What is asked for about tallyc itself. */
static void
print_text (const Options *options)
{
  g_autofree gchar *help = options_describe ();

  if (options->help)
    g_print ("%s", help);
  else if (options->thrift_version) /* builds compare the line */
    g_print ("Thrift version %s\n", THRIFT_VERSION);
  else if (options->version)
    g_print ("Thrift version %s\ntallyc %s\n", THRIFT_VERSION, TALLY_VERSION);
  else
    for (guint rule = 0; rule < IDL_N_RULES; rule++)
      g_print ("%-22s %s\n", idl_rule_get_id (rule), idl_rule_get_about (rule));
}

/* @status, unless the output is lost. */
static int
end_output (int status)
{
  g_autoptr (GError) error = NULL;

  if (idl_flush_output (&error))
    return status;
  g_printerr ("tallyc: %s\n", error->message);
  return status == EXIT_SUCCESS ? EXIT_ERRORS : status;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options;
  g_autoptr (GError) error = NULL;

  setlocale (LC_CTYPE, "");
  if (!options_parse (&options, argv, &error))
    {
      g_printerr ("tallyc: %s\nTry: tallyc --help\n", error->message);
      return EXIT_USAGE;
    }
  if (!options_ask_for_text (&options))
    return end_output (run (&options));
  print_text (&options);
  return end_output (EXIT_SUCCESS);
}
