/* Owns `tally describe`: what a service offers, in words and as a template of what to send. */
#include <stdio.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-idl.h"
#include "cli-json.h"
#include "cli-skeleton.h"
#include "diagnostics.h"

typedef struct
{
  gchar **include_dirs;
  gboolean json;
} DescribeOptions;

/* Definitions that a text has named and must explain, each once. */
typedef struct
{
  GString *text;
  GQueue waiting;    /* of IdlDefinition */
  GHashTable *known; /* the same */
} Description;

static void
append_type (Description *self, const IdlType *type)
{
  g_autofree gchar *name = idl_type_to_string (type);

  g_string_append (self->text, name);
}

/* With what it stands for, where that is another name's. */
static void
append_resolved_type (Description *self, const IdlType *type)
{
  const IdlType *resolved = idl_type_resolve (type);
  g_autofree gchar *meaning = idl_type_to_string (resolved);

  append_type (self, type);
  if (resolved != type)
    g_string_append_printf (self->text, " (%s)", meaning);
}

/* Lets what @type names be explained further down. */
static void
note_type (Description *self, const IdlType *type)
{
  const IdlType *resolved = idl_type_resolve (type);

  if (resolved->key != NULL)
    note_type (self, resolved->key);
  if (resolved->element != NULL)
    note_type (self, resolved->element);
  if (resolved->kind == IDL_TYPE_NAMED
      && g_hash_table_add (self->known, (gpointer) resolved->definition))
    g_queue_push_tail (&self->waiting, (gpointer) resolved->definition);
}

/* A doc comment, each line behind @indent; @whole: or its first sentence alone. */
static void
append_doc (Description *self, const gchar *doc, const gchar *indent, gboolean whole)
{
  g_auto (GStrv) lines = g_strsplit (doc != NULL ? doc : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gchar *line = g_strchomp (lines[i]);
      const gchar *end = whole ? NULL : strstr (line, ". ");

      if (*line == '\0' && (!whole || i == 0 || lines[i + 1] == NULL))
        {
          if (!whole && i > 0)
            return;
          continue;
        }
      g_string_append (self->text, indent);
      idl_append_shown (self->text, line, end != NULL ? (gsize) (end - line) + 1 : strlen (line));
      g_string_append_c (self->text, '\n');
      if (!whole && (end != NULL || g_str_has_suffix (line, ".")))
        return;
    }
}

/* ---- services ---- */

static void
append_fields (Description *self, const GPtrArray *fields)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);

      g_string_append_printf (self->text, "%s%d: ", i == 0 ? "" : ", ", field->id);
      append_type (self, field->type);
      g_string_append_printf (self->text, " %s", field->node.name);
    }
}

static void
append_signature (Description *self, const IdlFunction *function)
{
  g_string_append (self->text, function->oneway ? "oneway " : "");
  append_type (self, function->returns);
  g_string_append_printf (self->text, " %s (", function->node.name);
  append_fields (self, function->arguments);
  g_string_append_c (self->text, ')');
  if (function->throws->len > 0)
    {
      g_string_append (self->text, " throws (");
      append_fields (self, function->throws);
      g_string_append_c (self->text, ')');
    }
  g_string_append_c (self->text, '\n');
}

static void
append_functions (Description *self, const IdlDefinition *service)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      g_string_append (self->text, "  ");
      append_signature (self, function);
      append_doc (self, function->node.doc, "      ", FALSE);
    }
}

static void
append_service (Description *self, const IdlDefinition *service)
{
  g_string_append_printf (self->text, "service %s\n", service->node.name);
  append_doc (self, service->node.doc, "    ", FALSE);
  append_functions (self, service);
  for (const IdlDefinition *parent = service->extends; parent != NULL; parent = parent->extends)
    {
      g_string_append_printf (self->text, "  from %s.%s:\n", parent->program->name,
                              parent->node.name);
      append_functions (self, parent);
    }
}

static void
append_program (Description *self, const IdlProgram *program)
{
  guint n_services = 0;

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind != IDL_DEFINITION_SERVICE)
        continue;
      if (n_services++ > 0)
        g_string_append_c (self->text, '\n');
      append_service (self, definition);
    }
  if (n_services == 0)
    g_string_append_printf (self->text, "%s has no service.\n",
                            idl_source_get_path (program->source));
}

/* ---- a method ---- */

static void
append_member (Description *self, const IdlField *field, gboolean is_struct)
{
  g_string_append_printf (self->text, "  %d %s: ", field->id, field->node.name);
  append_resolved_type (self, field->type);
  if (is_struct && field->requiredness == IDL_REQUIRED)
    g_string_append (self->text, ", required");
  if (field->requiredness == IDL_OPTIONAL)
    g_string_append (self->text, ", optional");
  if (field->value != NULL)
    g_string_append (self->text, ", has a default");
  g_string_append_c (self->text, '\n');
  append_doc (self, field->node.doc, "      ", FALSE);
  note_type (self, field->type);
}

static void
append_members (Description *self, const gchar *title, const GPtrArray *fields)
{
  if (fields->len == 0)
    return;
  g_string_append_printf (self->text, "\n%s\n", title);
  for (guint i = 0; i < fields->len; i++)
    append_member (self, g_ptr_array_index (fields, i), FALSE);
}

static void
append_enum (Description *self, const IdlDefinition *definition)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);

      g_string_append_printf (self->text, "  %s = %d\n", enumerator->node.name, enumerator->value);
    }
}

static void
append_definition (Description *self, const IdlDefinition *definition)
{
  g_string_append_printf (self->text, "\n%s %s\n", idl_definition_kind_get_name (definition->kind),
                          definition->node.name);
  append_doc (self, definition->node.doc, "    ", FALSE);
  if (definition->kind == IDL_DEFINITION_ENUM)
    append_enum (self, definition);
  else
    for (guint i = 0; i < definition->members->len; i++)
      append_member (self, g_ptr_array_index (definition->members, i),
                     definition->kind != IDL_DEFINITION_UNION);
}

static void
append_method (Description *self, const CliMethod *method)
{
  const IdlFunction *function = method->function;

  append_signature (self, function);
  append_doc (self, function->node.doc, "    ", TRUE);
  append_members (self, "arguments", function->arguments);
  append_members (self, "exceptions", function->throws);
  if (idl_type_resolve (function->returns)->kind != IDL_TYPE_VOID)
    {
      g_string_append (self->text, "\nresult\n  ");
      append_resolved_type (self, function->returns);
      g_string_append_c (self->text, '\n');
      note_type (self, function->returns);
    }
  while (!g_queue_is_empty (&self->waiting))
    append_definition (self, g_queue_pop_head (&self->waiting));
}

/* ---- the command line ---- */

static gboolean
describe_method (Description *self, CliIdl *idl, const gchar *name, gboolean json, GError **error)
{
  CliMethod method;
  g_autofree gchar *skeleton = NULL;

  if (!cli_idl_find_method (idl, name, &method, error))
    return FALSE;
  skeleton = cli_skeleton_new (method.table);
  if (!json)
    {
      append_method (self, &method);
      g_string_append (self->text, "\ntally call takes\n");
    }
  g_string_append (self->text, skeleton);
  return TRUE;
}

static gboolean
describe (Description *self, CliIdl *idl, const gchar *name, gboolean json, GError **error)
{
  const IdlDefinition *service = NULL;

  if (name != NULL && !json)
    service = cli_idl_find_service (idl, name, NULL);
  if (service != NULL)
    append_service (self, service);
  else if (name != NULL)
    return describe_method (self, idl, name, json, error);
  else
    append_program (self, idl->program);
  return TRUE;
}

static gboolean
describe_by_words (Description *self, gchar ***words, DescribeOptions *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &options->json,
      "Print the template of the arguments alone", NULL },
    { NULL },
  };
  g_autoptr (CliIdl) idl = NULL;
  guint n_words;

  if (!cli_parse_options (words, "FILE.thrift [SERVICE[.METHOD]]",
                          "Tells what a service offers, and what a method takes.", entries, error))
    return FALSE;
  n_words = g_strv_length (*words);
  if (n_words < 2 || n_words > 3 || (options->json && n_words == 2))
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   options->json ? "with --json there are two words: FILE.thrift SERVICE.METHOD"
                                 : "there is one word or two: FILE.thrift [SERVICE[.METHOD]]");
      return FALSE;
    }
  idl = cli_idl_load ((*words)[1], (const gchar *const *) options->include_dirs, error);
  return idl != NULL && describe (self, idl, (*words)[2], options->json, error);
}

CliStatus
cli_describe (gchar **words)
{
  DescribeOptions options = { NULL };
  Description description = { .text = g_string_new (NULL), .known = g_hash_table_new (NULL, NULL) };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;
  CliStatus status = CLI_OK;

  if (describe_by_words (&description, &rest, &options, &error))
    fputs (description.text->str, stdout);
  else
    status = cli_complain (error);
  g_string_free (description.text, TRUE);
  g_hash_table_unref (description.known);
  g_queue_clear (&description.waiting);
  g_strfreev (options.include_dirs);
  return status;
}
