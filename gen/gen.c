/* Decides which files a program becomes and has their parts written. */
#include "gen.h"

#include <string.h>

#include "parts.h"

void
gen_file_free (GenFile *file)
{
  g_free (file->name);
  g_free (file->text);
  g_free (file);
}

/* Takes @text. */
static void
add_file (GPtrArray *files, const gchar *base, const gchar *suffix, GString *text)
{
  GenFile *file = g_new0 (GenFile, 1);

  file->name = g_strconcat (base, suffix, NULL);
  file->text = g_string_free (text, FALSE);
  g_ptr_array_add (files, file);
}

static void
add_types (const GenNames *names,
           const GenCycles *cycles,
           const IdlProgram *program,
           GPtrArray *files)
{
  const gchar *base = gen_names_get_file (names, program);
  GString *header = g_string_new (NULL), *text = g_string_new (NULL);
  GenSource source;

  gen_print_types_header (names, program, header);
  add_file (files, base, ".h", header);

  gen_source_init (&source, names, cycles, program, gen_names_get_prefix (names, program), text);
  gen_print_types_source (&source);
  gen_source_clear (&source);
  add_file (files, base, ".c", text);
}

static void
add_service (const GenNames *names,
             const GenCycles *cycles,
             const IdlDefinition *service,
             GPtrArray *files)
{
  const gchar *base = gen_names_get (names, service)->lower;
  GString *header = g_string_new (NULL), *text = g_string_new (NULL);
  GenSource source;

  gen_print_service_header (names, service, header);
  add_file (files, base, ".h", header);

  gen_source_init (&source, names, cycles, service->program, gen_names_get (names, service)->local,
                   text);
  gen_print_service_source (&source, service);
  gen_source_clear (&source);
  add_file (files, base, ".c", text);
}

/* An empty line between two parts is not one at the end of the file. */
static void
trim_end (GenFile *file)
{
  gsize length = strlen (file->text);

  while (length >= 2 && file->text[length - 1] == '\n' && file->text[length - 2] == '\n')
    file->text[--length] = '\0';
}

GPtrArray *
gen_program (const GenNames *names, const GenCycles *cycles, const IdlProgram *program)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);

  add_types (names, cycles, program, files);
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_SERVICE)
        add_service (names, cycles, definition, files);
    }
  g_ptr_array_foreach (files, (GFunc) (void (*) (void)) trim_end, NULL);

  return files;
}
