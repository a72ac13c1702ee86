/* Owns what is shown of the thing under the cursor: its declaration as it is written, what it comes to, and
 * its doc comment. */
#include "lsp-private.h"
#include "lsp-target.h"

#include <string.h>

/* Of a declaration, and of a value. */
#define MAX_LINES 40
#define MAX_TEXT 4000
#define MAX_VALUE 400

/* Appends the text of @extent, its indentation taken away, and cut where it is long. */
static void
append_text (GString *text, const IdlLocation *extent)
{
  gsize length;
  const gchar *source = idl_source_get_text (extent->source, &length);
  g_autofree gchar *bytes =
      g_strndup (source + extent->offset, MIN (extent->length, (gsize) MAX_TEXT));
  g_autofree gchar *valid = g_utf8_make_valid (bytes, -1);
  g_auto (GStrv) lines = g_strsplit (valid, "\n", MAX_LINES + 1);
  gsize indent = 0;
  guint line, column;

  idl_location_get_line (extent, &line, &column);
  while (indent < column - 1
         && strchr (" \t", source[extent->offset - (column - 1) + indent]) != NULL)
    indent++;
  for (guint i = 0; lines[i] != NULL && i < MAX_LINES; i++)
    {
      gsize skipped = i == 0 ? 0 : MIN (indent, strspn (lines[i], " \t"));

      g_string_append (text, g_strchomp (lines[i] + skipped));
      g_string_append_c (text, '\n');
    }
  if (extent->length > MAX_TEXT || (g_strv_length (lines) > MAX_LINES))
    g_string_append (text, "...\n");
}

static void append_value (GString *text, const IdlValue *value);

static void
append_items (GString *text, const IdlValue *value)
{
  gboolean is_map = value->kind == IDL_VALUE_MAP;

  g_string_append_c (text, is_map ? '{' : '[');
  for (guint i = 0; i < value->items->len && text->len < MAX_VALUE; i++)
    {
      if (i > 0)
        g_string_append (text, is_map && i % 2 == 1 ? ": " : ", ");
      append_value (text, g_ptr_array_index (value->items, i));
    }
  g_string_append_c (text, is_map ? '}' : ']');
}

/* References followed. */
static void
append_value (GString *text, const IdlValue *value)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *escaped = NULL;

  value = idl_value_resolve (value);
  if (text->len >= MAX_VALUE)
    {
      g_string_append (text, "...");
      return;
    }
  switch (value->kind)
    {
    case IDL_VALUE_INTEGER:
      if (value->is_boolean)
        g_string_append (text, value->integer != 0 ? "true" : "false");
      else
        g_string_append_printf (text, "%" G_GINT64_FORMAT, value->integer);
      break;
    case IDL_VALUE_DOUBLE:
      g_string_append (text, g_ascii_dtostr (number, sizeof number, value->number));
      break;
    case IDL_VALUE_STRING:
      escaped = g_strndup (value->text, MIN (value->length, (gsize) MAX_VALUE));
      g_string_append_printf (text, "\"%s\"", escaped);
      break;
    case IDL_VALUE_LIST:
    case IDL_VALUE_MAP:
      append_items (text, value);
      break;
    case IDL_VALUE_NAMED:
      if (value->enumerator != NULL)
        g_string_append_printf (text, "%s.%s (%d)", value->enumerator->owner->node.name,
                                value->enumerator->node.name, value->enumerator->value);
      else
        g_string_append (text, value->text);
      break;
    }
}

/* "`Name` is `i32`", when @type does not say so itself. */
static void
append_type (GString *text, const IdlType *type)
{
  const IdlType *resolved = idl_type_resolve (type);
  g_autofree gchar *name = NULL;
  g_autofree gchar *meaning = NULL;

  if (resolved == type)
    return;
  name = idl_type_to_string (type);
  meaning = idl_type_to_string (resolved);
  g_string_append_printf (text, "\n`%s` is `%s`\n", name, meaning);
}

static void
append_constant (GString *text, const IdlValue *value)
{
  g_autoptr (GString) shown = g_string_new (NULL);

  if (value == NULL || idl_value_resolve (value) == value)
    return;
  append_value (shown, value);
  g_string_append_printf (text, "\nThe value is `%s`\n", shown->str);
}

static void
append_field (GString *text, const LspTarget *target, const IdlField *field)
{
  static const gchar *const requiredness[] = { "default requiredness", "required", "optional" };
  const gchar *owner =
      target->function != NULL ? target->function->node.name : target->definition->node.name;
  gboolean thrown =
      target->function != NULL && g_ptr_array_find (target->function->throws, field, NULL);

  g_string_append_printf (text, "\n%s %d of `%s`",
                          target->function == NULL ? "Field"
                          : thrown                 ? "Exception"
                                                   : "Argument",
                          field->id, owner);
  if (target->function == NULL && target->definition->kind != IDL_DEFINITION_UNION)
    g_string_append_printf (text, ", %s", requiredness[field->requiredness]);
  g_string_append_c (text, '\n');
  append_type (text, field->type);
  if (field->value != NULL)
    append_constant (text, field->value);
}

static void
append_member (GString *text, const LspTarget *target)
{
  const IdlDefinition *definition = target->definition;

  if (target->function != NULL || definition->kind < IDL_DEFINITION_CONST)
    {
      if (definition->kind == IDL_DEFINITION_ENUM)
        g_string_append_printf (text, "\n`%s.%s` is %d\n", definition->node.name,
                                target->member->name,
                                ((const IdlEnumerator *) target->member)->value);
      else
        append_field (text, target, (const IdlField *) target->member);
    }
  else
    g_string_append_printf (text, "\nFunction of `%s`\n", definition->node.name);
}

static void
append_definition (GString *text, const IdlDefinition *definition)
{
  if (definition->kind == IDL_DEFINITION_TYPEDEF)
    {
      const IdlType *resolved = idl_type_resolve (definition->type);
      g_autofree gchar *meaning = idl_type_to_string (resolved);

      if (resolved != definition->type)
        g_string_append_printf (text, "\n`%s` is `%s`\n", definition->node.name, meaning);
    }
  if (definition->kind == IDL_DEFINITION_CONST)
    {
      append_type (text, definition->type);
      append_constant (text, definition->value);
    }
}

static void
append_doc (GString *text, const gchar *doc)
{
  g_autofree gchar *valid = doc == NULL ? NULL : g_utf8_make_valid (doc, -1);

  if (valid != NULL)
    g_string_append_printf (text, "\n%s\n", valid);
}

static void
append_file (GString *text, const IdlProgram *program)
{
  g_string_append_printf (text, "%s\n", idl_source_get_path (program->source));
  append_doc (text, program->doc);
}

/* (transfer full) */
static gchar *
describe (const LspTarget *target, gboolean markdown)
{
  GString *text = g_string_new (NULL);
  const IdlNode *node = target->member != NULL       ? target->member
                        : target->definition != NULL ? &target->definition->node
                                                     : NULL;

  if (node == NULL)
    append_file (text, target->program);
  else
    {
      g_string_append (text, markdown ? "```thrift\n" : "");
      append_text (text, &node->extent);
      g_string_append (text, markdown ? "```\n" : "");
      if (target->member != NULL)
        append_member (text, target);
      else
        append_definition (text, target->definition);
      append_doc (text, node->doc);
    }
  if (!markdown)
    g_strdelimit (text->str, "`", '\'');
  return g_string_free (text, FALSE);
}

gboolean
lsp_request_hover (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspDocument *document = lsp_server_find_document (server, params, error);
  LspAnalysis *analysis;
  const IdlProgram *program;
  LspTarget target;
  gsize offset;
  g_autofree gchar *text = NULL;

  if (document == NULL)
    return FALSE;
  offset = lsp_position_get_offset (lsp_json_get_position (params, "position"), document->text->str,
                                    document->text->len, server->client.encoding);
  analysis = lsp_server_analyse (server, document);
  program = lsp_analysis_find (analysis, document);
  if (program == NULL || !lsp_target_find (program, (guint32) offset, &target))
    {
      idl_json_null (json, "result");
      return TRUE;
    }
  text = describe (&target, server->client.markdown);
  idl_json_begin (json, "result", '{', TRUE);
  idl_json_begin (json, "contents", '{', TRUE);
  idl_json_string (json, "kind", server->client.markdown ? "markdown" : "plaintext");
  idl_json_string (json, "value", text);
  idl_json_end (json, '{');
  lsp_places_write_range (analysis->places, json, "range", &target.location);
  idl_json_end (json, '{');
  return TRUE;
}
