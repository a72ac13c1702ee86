/* Owns the first exchange: what the client can do and wants, and what the server offers. */
#include "lsp-private.h"

static void
read_capabilities (LspClient *client, JsonObject *params)
{
  JsonObject *capabilities = lsp_json_get_object (params, "capabilities");
  JsonObject *text = lsp_json_get_object (capabilities, "textDocument");
  JsonObject *diagnostics = lsp_json_get_object (text, "publishDiagnostics");
  JsonArray *encodings =
      lsp_json_get_array (lsp_json_get_object (capabilities, "general"), "positionEncodings");

  client->encoding = lsp_json_array_has_string (encodings, "utf-8") ? LSP_UTF8 : LSP_UTF16;
  client->symbol_trees = lsp_json_get_boolean (lsp_json_get_object (text, "documentSymbol"),
                                               "hierarchicalDocumentSymbolSupport");
  client->related_information = lsp_json_get_boolean (diagnostics, "relatedInformation");
  client->prepares_rename =
      lsp_json_get_boolean (lsp_json_get_object (text, "rename"), "prepareSupport");
  client->versions = lsp_json_get_boolean (diagnostics, "versionSupport");
  client->markdown = lsp_json_array_has_string (
      lsp_json_get_array (lsp_json_get_object (text, "hover"), "contentFormat"), "markdown");
  client->watching =
      lsp_json_get_boolean (lsp_json_find_object (capabilities, "workspace.didChangeWatchedFiles"),
                            "dynamicRegistration");
}

static void
add_folder (LspServer *server, const gchar *uri)
{
  gchar *path = uri == NULL ? NULL : lsp_uri_to_path (uri);

  if (path != NULL)
    g_ptr_array_add (server->folders, path);
}

static void
read_folders (LspServer *server, JsonObject *params)
{
  JsonArray *folders = lsp_json_get_array (params, "workspaceFolders");

  for (guint i = 0; folders != NULL && i < json_array_get_length (folders); i++)
    add_folder (server, lsp_json_get_string (lsp_json_array_get_object (folders, i), "uri"));
  if (server->folders->len == 0)
    add_folder (server, lsp_json_get_string (params, "rootUri"));
}

/* `initializationOptions.includeDirs`: relative ones are in the first folder. */
static void
read_include_dirs (LspServer *server, JsonObject *params)
{
  JsonArray *dirs =
      lsp_json_get_array (lsp_json_get_object (params, "initializationOptions"), "includeDirs");
  const gchar *folder = server->folders->len > 0 ? g_ptr_array_index (server->folders, 0) : NULL;

  for (guint i = 0; dirs != NULL && i < json_array_get_length (dirs); i++)
    {
      const gchar *dir = lsp_json_array_get_string (dirs, i);

      if (dir != NULL)
        g_ptr_array_add (server->include_dirs, g_canonicalize_filename (dir, folder));
    }
}

static void
write_capabilities (const LspServer *server, IdlJson *json)
{
  static const gchar *const simple[] = { "definitionProvider",         "declarationProvider",
                                         "documentFormattingProvider", "documentHighlightProvider",
                                         "documentSymbolProvider",     "hoverProvider",
                                         "referencesProvider",         "workspaceSymbolProvider" };

  idl_json_begin (json, "capabilities", '{', TRUE);
  idl_json_string (json, "positionEncoding",
                   server->client.encoding == LSP_UTF8 ? "utf-8" : "utf-16");
  idl_json_begin (json, "textDocumentSync", '{', TRUE);
  idl_json_boolean (json, "openClose", TRUE);
  idl_json_integer (json, "change", 2); /* incremental */
  idl_json_boolean (json, "save", TRUE);
  idl_json_end (json, '{');
  for (guint i = 0; i < G_N_ELEMENTS (simple); i++)
    idl_json_boolean (json, simple[i], TRUE);
  idl_json_begin (json, "completionProvider", '{', TRUE);
  idl_json_begin (json, "triggerCharacters", '[', TRUE);
  idl_json_string (json, NULL, ".");
  idl_json_end (json, '[');
  idl_json_end (json, '{');
  if (server->client.prepares_rename)
    {
      idl_json_begin (json, "renameProvider", '{', TRUE);
      idl_json_boolean (json, "prepareProvider", TRUE);
      idl_json_end (json, '{');
    }
  else
    idl_json_boolean (json, "renameProvider", TRUE);
  idl_json_end (json, '{');
}

gboolean
lsp_request_initialize (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  read_capabilities (&server->client, params);
  read_folders (server, params);
  read_include_dirs (server, params);
  server->state = LSP_RUNNING;
  idl_json_begin (json, "result", '{', TRUE);
  write_capabilities (server, json);
  idl_json_begin (json, "serverInfo", '{', TRUE);
  idl_json_string (json, "name", "tallyc");
  idl_json_string (json, "version", server->options->version);
  idl_json_end (json, '{');
  idl_json_end (json, '{');
  return TRUE;
}
