/* Owns the lists of symbols: a document's, as a tree or flat, and the workspace's. */
#include "lsp-private.h"

#include <string.h>

/* The protocol's numbers. */
enum
{
  KIND_METHOD = 6,
  KIND_FIELD = 8,
  KIND_ENUM = 10,
  KIND_INTERFACE = 11,
  KIND_CONSTANT = 14,
  KIND_CLASS = 5,
  KIND_ENUM_MEMBER = 22,
  KIND_STRUCT = 23,
  KIND_TYPE_PARAMETER = 26
};

#define MAX_WORKSPACE_SYMBOLS 2000

typedef struct
{
  LspServer *server;
  LspAnalysis *analysis;
  IdlJson *json;
  gboolean flat;
} Writer;

static guint
get_kind (const IdlDefinition *definition)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      return KIND_ENUM;
    case IDL_DEFINITION_TYPEDEF:
      return KIND_TYPE_PARAMETER;
    case IDL_DEFINITION_EXCEPTION:
      return KIND_CLASS;
    case IDL_DEFINITION_CONST:
      return KIND_CONSTANT;
    case IDL_DEFINITION_SERVICE:
      return KIND_INTERFACE;
    default:
      return KIND_STRUCT;
    }
}

static guint
get_member_kind (const IdlDefinition *definition)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      return KIND_ENUM_MEMBER;
    case IDL_DEFINITION_SERVICE:
      return KIND_METHOD;
    default:
      return KIND_FIELD;
    }
}

/* What stands beside the name: a type, or a value. (nullable) (transfer full) */
static gchar *
describe_member (const IdlDefinition *definition, gconstpointer member)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      return g_strdup_printf ("%d", ((const IdlEnumerator *) member)->value);
    case IDL_DEFINITION_SERVICE:
      return idl_type_to_string (((const IdlFunction *) member)->returns);
    default:
      return idl_type_to_string (((const IdlField *) member)->type);
    }
}

/* (nullable) (transfer full) */
static gchar *
describe_definition (const IdlDefinition *definition)
{
  return definition->type != NULL ? idl_type_to_string (definition->type)
                                  : g_strdup (idl_definition_kind_get_name (definition->kind));
}

/* Begins the object of a symbol in a tree. */
static void
begin_tree_symbol (Writer *writer, const IdlNode *node, guint kind, const gchar *detail)
{
  IdlJson *json = writer->json;

  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "name", node->name);
  idl_json_string (json, "detail", detail);
  idl_json_integer (json, "kind", kind);
  lsp_places_write_range (writer->analysis->places, json, "range", &node->extent);
  lsp_places_write_range (writer->analysis->places, json, "selectionRange", &node->location);
}

static void
write_flat_symbol (Writer *writer, const IdlNode *node, guint kind, const gchar *container)
{
  IdlJson *json = writer->json;

  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "name", node->name);
  idl_json_integer (json, "kind", kind);
  lsp_server_write_location (writer->server, writer->analysis, json, "location", &node->location);
  idl_json_string (json, "containerName", container);
  idl_json_end (json, '{');
}

static void
write_member (Writer *writer, const IdlDefinition *definition, const IdlNode *member)
{
  guint kind = get_member_kind (definition);
  g_autofree gchar *detail = NULL;

  if (writer->flat)
    {
      write_flat_symbol (writer, member, kind, definition->node.name);
      return;
    }
  detail = describe_member (definition, member);
  begin_tree_symbol (writer, member, kind, detail);
  idl_json_end (writer->json, '{');
}

static void
write_definition (Writer *writer, const IdlDefinition *definition)
{
  g_autofree gchar *detail = describe_definition (definition);

  if (writer->flat)
    write_flat_symbol (writer, &definition->node, get_kind (definition), NULL);
  else
    {
      begin_tree_symbol (writer, &definition->node, get_kind (definition), detail);
      idl_json_begin (writer->json, "children", '[', TRUE);
    }
  for (guint i = 0; definition->members != NULL && i < definition->members->len; i++)
    write_member (writer, definition, g_ptr_array_index (definition->members, i));
  if (writer->flat)
    return;
  idl_json_end (writer->json, '[');
  idl_json_end (writer->json, '{');
}

gboolean
lsp_request_symbols (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspDocument *document = lsp_server_find_document (server, params, error);
  Writer writer = { server, NULL, json, !server->client.symbol_trees };
  const IdlProgram *program;

  if (document == NULL)
    return FALSE;
  writer.analysis = lsp_server_analyse (server, document);
  program = lsp_analysis_find (writer.analysis, document);
  idl_json_begin (json, "result", '[', TRUE);
  for (guint i = 0; program != NULL && i < program->definitions->len; i++)
    write_definition (&writer, g_ptr_array_index (program->definitions, i));
  idl_json_end (json, '[');
  return TRUE;
}

gboolean
lsp_matches (const gchar *name, const gchar *query)
{
  for (; *query != '\0'; query++)
    {
      while (*name != '\0' && g_ascii_tolower (*name) != g_ascii_tolower (*query))
        name++;
      if (*name == '\0')
        return FALSE;
      name++;
    }
  return TRUE;
}

static void
write_matches (Writer *writer, const IdlDefinition *definition, const gchar *query, guint *left)
{
  if (*left > 0 && lsp_matches (definition->node.name, query))
    {
      write_flat_symbol (writer, &definition->node, get_kind (definition),
                         definition->program->name);
      --*left;
    }
  for (guint i = 0; definition->members != NULL && i<definition->members->len && * left> 0; i++)
    {
      const IdlNode *member = g_ptr_array_index (definition->members, i);

      if (*query == '\0' || !lsp_matches (member->name, query))
        continue;
      write_flat_symbol (writer, member, get_member_kind (definition), definition->node.name);
      --*left;
    }
}

gboolean
lsp_request_workspace_symbols (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  const gchar *query = lsp_json_get_string (params, "query");
  Writer writer = { server, lsp_server_analyse_world (server), json, TRUE };
  const GPtrArray *programs = idl_unit_get_programs (writer.analysis->unit);
  guint left = MAX_WORKSPACE_SYMBOLS;

  idl_json_begin (json, "result", '[', TRUE);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      for (guint j = 0; j < program->definitions->len; j++)
        write_matches (&writer, g_ptr_array_index (program->definitions, j),
                       query == NULL ? "" : query, &left);
    }
  idl_json_end (json, '[');
  return TRUE;
}
