/* Owns the requests that lead from a name to its declaration and its uses, and what renames them. */
#include "lsp-private.h"
#include "lsp-target.h"

#include "lexer.h"

#include <string.h>

/* (nullable): the document of the request, what is known of it, and the offset it is about. */
static LspDocument *
find_place (LspServer *server, JsonObject *params, guint32 *offset, GError **error)
{
  LspDocument *document = lsp_server_find_document (server, params, error);

  if (document != NULL)
    *offset = (guint32) lsp_position_get_offset (lsp_json_get_position (params, "position"),
                                                 document->text->str, document->text->len,
                                                 server->client.encoding);
  return document;
}

/* Whether there is a name at the request's place; FALSE with @error when the request is wrong. */
static gboolean
find_target (LspServer *server,
             JsonObject *params,
             LspAnalysis *(*analyse) (LspServer *server, LspDocument *document),
             LspAnalysis **analysis,
             LspTarget *target,
             GError **error)
{
  guint32 offset = 0;
  LspDocument *document = find_place (server, params, &offset, error);
  const IdlProgram *program;

  if (document == NULL)
    return FALSE;
  *analysis = analyse (server, document);
  program = lsp_analysis_find (*analysis, document);
  return program != NULL && lsp_target_find (program, offset, target);
}

static LspAnalysis *
analyse_world (LspServer *server, LspDocument *document)
{
  return lsp_server_analyse_world (server);
}

/* The answer when there is no name: NULL, if the request is not wrong. */
static gboolean
answer_nothing (IdlJson *json, GError *const *error)
{
  if (error != NULL && *error != NULL)
    return FALSE;
  idl_json_null (json, "result");
  return TRUE;
}

gboolean
lsp_request_definition (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspAnalysis *analysis;
  LspTarget target;
  IdlLocation declaration;

  if (!find_target (server, params, lsp_server_analyse, &analysis, &target, error))
    return answer_nothing (json, error);
  declaration = lsp_target_get_declaration (&target);
  lsp_server_write_location (server, analysis, json, "result", &declaration);
  return TRUE;
}

/* (element-type IdlLocation) (transfer full): the uses of @target in @program. */
static GArray *
list_uses (const LspTarget *target, const IdlProgram *program)
{
  g_autoptr (GArray) references = idl_program_list_references (program);
  GArray *uses = g_array_new (FALSE, FALSE, sizeof (IdlLocation));

  for (guint i = 0; i < references->len; i++)
    {
      const IdlReference *reference = &g_array_index (references, IdlReference, i);

      if (lsp_target_is_named (target, reference))
        g_array_append_val (uses, reference->location);
    }
  return uses;
}

/* (element-type IdlLocation) (transfer full): the uses of @target in all of @unit, behind its declaration if
 * wanted. */
static GArray *
list_all_uses (const LspTarget *target, IdlUnit *unit, gboolean with_declaration)
{
  const GPtrArray *programs = idl_unit_get_programs (unit);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (IdlLocation));
  IdlLocation declaration = lsp_target_get_declaration (target);

  if (with_declaration)
    g_array_append_val (all, declaration);
  for (guint i = 0; i < programs->len; i++)
    {
      g_autoptr (GArray) uses = list_uses (target, g_ptr_array_index (programs, i));

      g_array_append_vals (all, uses->data, uses->len);
    }
  return all;
}

gboolean
lsp_request_references (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  gboolean with_declaration =
      lsp_json_get_boolean (lsp_json_get_object (params, "context"), "includeDeclaration");
  LspAnalysis *analysis;
  LspTarget target;
  g_autoptr (GArray) uses = NULL;

  if (!find_target (server, params, analyse_world, &analysis, &target, error))
    return answer_nothing (json, error);
  uses = list_all_uses (&target, analysis->unit, with_declaration && target.definition != NULL);
  idl_json_begin (json, "result", '[', TRUE);
  for (guint i = 0; i < uses->len; i++)
    lsp_server_write_location (server, analysis, json, NULL, &g_array_index (uses, IdlLocation, i));
  idl_json_end (json, '[');
  return TRUE;
}

static void
write_highlight (LspAnalysis *analysis, IdlJson *json, const IdlLocation *location)
{
  idl_json_begin (json, NULL, '{', TRUE);
  lsp_places_write_range (analysis->places, json, "range", location);
  idl_json_end (json, '{');
}

gboolean
lsp_request_highlight (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspAnalysis *analysis;
  LspTarget target;
  IdlLocation declaration;
  const IdlSource *source;
  const GPtrArray *programs;

  if (!find_target (server, params, lsp_server_analyse, &analysis, &target, error))
    return answer_nothing (json, error);
  source = target.location.source;
  declaration = lsp_target_get_declaration (&target);
  programs = idl_unit_get_programs (analysis->unit);
  idl_json_begin (json, "result", '[', TRUE);
  if (declaration.source == source && target.definition != NULL)
    write_highlight (analysis, json, &declaration);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);
      g_autoptr (GArray) uses = program->source == source ? list_uses (&target, program) : NULL;

      for (guint j = 0; uses != NULL && j < uses->len; j++)
        write_highlight (analysis, json, &g_array_index (uses, IdlLocation, j));
    }
  idl_json_end (json, '[');
  return TRUE;
}

gboolean
lsp_request_prepare_rename (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspAnalysis *analysis;
  LspTarget target;

  if (!find_target (server, params, lsp_server_analyse, &analysis, &target, error)
      || target.definition == NULL)
    return answer_nothing (json, error);
  lsp_places_write_range (analysis->places, json, "result", &target.location);
  return TRUE;
}

static gboolean
is_name (const gchar *text)
{
  if (!g_ascii_isalpha (*text) && *text != '_')
    return FALSE;
  for (const gchar *at = text; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && *at != '_')
      return FALSE;
  return idl_lexer_classify (text, strlen (text)) == IDL_TOKEN_IDENTIFIER;
}

static gboolean
has_node (const GPtrArray *nodes, const gchar *name)
{
  for (guint i = 0; i < nodes->len; i++)
    if (strcmp (((const IdlNode *) g_ptr_array_index (nodes, i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* Whether another thing beside @target has the name. */
static gboolean
is_taken (const LspTarget *target, const gchar *name)
{
  if (target->function != NULL)
    return has_node (target->function->arguments, name)
           || has_node (target->function->throws, name);
  if (target->member != NULL)
    return has_node (target->definition->members, name);
  return has_node (target->program->definitions, name);
}

static gboolean
sees (const IdlProgram *program, const IdlProgram *other)
{
  for (guint i = 0; i < program->includes->len; i++)
    if (((const IdlInclude *) g_ptr_array_index (program->includes, i))->program == other)
      return TRUE;
  return program == other;
}

/* (nullable): a file that may use @target where it could not be read. */
static const IdlProgram *
find_gaps (const LspTarget *target, IdlUnit *unit)
{
  const GPtrArray *programs = idl_unit_get_programs (unit);

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      if (program->has_gaps && sees (program, target->program))
        return program;
    }
  return NULL;
}

/* Why @target cannot be called @name: sets @error and returns FALSE. */
static gboolean
check_rename (const LspTarget *target, IdlUnit *unit, const gchar *name, GError **error)
{
  const IdlProgram *gaps = find_gaps (target, unit);

  if (target->definition == NULL)
    g_set_error_literal (error, LSP_ERROR, LSP_INVALID_PARAMS, "a file is not renamed here");
  else if (name == NULL || !is_name (name))
    g_set_error (error, LSP_ERROR, LSP_INVALID_PARAMS, "'%s' is no name", name == NULL ? "" : name);
  else if (strcmp (name, lsp_target_get_name (target)) != 0 && is_taken (target, name))
    g_set_error (error, LSP_ERROR, LSP_INVALID_PARAMS, "'%s' is taken", name);
  else if (gaps != NULL)
    g_set_error (error, LSP_ERROR, LSP_INVALID_PARAMS,
                 "'%s' has a syntax error, and uses behind it would not be renamed",
                 idl_source_get_path (gaps->source));
  else
    return TRUE;
  return FALSE;
}

/* {"changes": {URI: [{"range", "newText"}…]…}} */
static void
write_edits (
    LspServer *server, LspAnalysis *analysis, IdlJson *json, const GArray *uses, const gchar *name)
{
  g_autoptr (GHashTable) written = g_hash_table_new (NULL, NULL);

  idl_json_begin (json, "result", '{', TRUE);
  idl_json_begin (json, "changes", '{', TRUE);
  for (guint i = 0; i < uses->len; i++)
    {
      const IdlSource *source = g_array_index (uses, IdlLocation, i).source;

      if (!g_hash_table_add (written, (gpointer) source))
        continue;
      idl_json_begin (json, lsp_server_get_uri (server, analysis, source), '[', TRUE);
      for (guint j = i; j < uses->len; j++)
        {
          const IdlLocation *use = &g_array_index (uses, IdlLocation, j);

          if (use->source != source)
            continue;
          idl_json_begin (json, NULL, '{', TRUE);
          lsp_places_write_range (analysis->places, json, "range", use);
          idl_json_string (json, "newText", name);
          idl_json_end (json, '{');
        }
      idl_json_end (json, '[');
    }
  idl_json_end (json, '{');
  idl_json_end (json, '{');
}

gboolean
lsp_request_rename (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  const gchar *name = lsp_json_get_string (params, "newName");
  LspAnalysis *analysis;
  LspTarget target;
  g_autoptr (GArray) uses = NULL;

  if (!find_target (server, params, analyse_world, &analysis, &target, error))
    return answer_nothing (json, error);
  if (!check_rename (&target, analysis->unit, name, error))
    return FALSE;
  uses = list_all_uses (&target, analysis->unit, TRUE);
  write_edits (server, analysis, json, uses, name);
  return TRUE;
}
