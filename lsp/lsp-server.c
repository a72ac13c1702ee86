/* Owns the session: which messages are allowed when, which function answers them, and what goes
 * back. It knows nothing of Thrift. */
#include "lsp-private.h"

#include <string.h>

G_DEFINE_QUARK (lsp - error - quark, lsp_error)

#define WATCH_ID "tallyc-watch"

typedef struct
{
  const gchar *method;
  LspRequest answer;
} Request;

typedef struct
{
  const gchar *method;
  void (*take) (LspServer *server, JsonObject *params);
} Notification;

static gboolean
request_shutdown (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
static void take_initialized (LspServer *server, JsonObject *params);
static void take_exit (LspServer *server, JsonObject *params);
static void take_files_changed (LspServer *server, JsonObject *params);

static const Request requests[] = {
  { "initialize", lsp_request_initialize },
  { "shutdown", request_shutdown },
  { "textDocument/completion", lsp_request_completion },
  { "textDocument/declaration", lsp_request_definition },
  { "textDocument/definition", lsp_request_definition },
  { "textDocument/documentHighlight", lsp_request_highlight },
  { "textDocument/documentSymbol", lsp_request_symbols },
  { "textDocument/formatting", lsp_request_formatting },
  { "textDocument/hover", lsp_request_hover },
  { "textDocument/prepareRename", lsp_request_prepare_rename },
  { "textDocument/references", lsp_request_references },
  { "textDocument/rename", lsp_request_rename },
  { "workspace/symbol", lsp_request_workspace_symbols },
};

static const Notification notifications[] = {
  { "exit", take_exit },
  { "initialized", take_initialized },
  { "textDocument/didChange", lsp_server_change },
  { "textDocument/didClose", lsp_server_close },
  { "textDocument/didOpen", lsp_server_open },
  { "textDocument/didSave", take_files_changed },
  { "workspace/didChangeWatchedFiles", take_files_changed },
};

LspServer *
lsp_server_new (const LspOptions *options)
{
  LspServer *server = g_new0 (LspServer, 1);

  server->options = options;
  lsp_input_init (&server->input);
  g_queue_init (&server->messages);
  server->output = g_string_new (NULL);
  server->documents =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) lsp_document_free);
  server->overlay = idl_overlay_new ();
  server->folders = g_ptr_array_new_with_free_func (g_free);
  server->include_dirs = g_ptr_array_new_with_free_func (g_free);
  server->published = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  server->is_settled = TRUE;
  return server;
}

void
lsp_server_free (LspServer *server)
{
  if (server == NULL)
    return;
  lsp_analysis_free (server->world);
  g_hash_table_unref (server->documents); /* before the overlay, which their units read */
  idl_overlay_free (server->overlay);
  g_ptr_array_unref (server->folders);
  g_ptr_array_unref (server->include_dirs);
  g_hash_table_unref (server->published);
  g_queue_clear_full (&server->messages, (GDestroyNotify) json_node_unref);
  lsp_input_clear (&server->input);
  g_string_free (server->output, TRUE);
  g_free (server);
}

GString *
lsp_server_get_output (LspServer *server)
{
  return server->output;
}

gboolean
lsp_server_has_ended (const LspServer *server)
{
  return server->state == LSP_ENDED;
}

int
lsp_server_get_status (const LspServer *server)
{
  return server->was_shut_down ? 0 : 1;
}

void
lsp_server_send (LspServer *server, const gchar *content)
{
  g_string_append_printf (server->output, "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                          strlen (content));
  g_string_append (server->output, content);
}

void
lsp_server_begin_message (IdlJson *json, const gchar *method, const gchar *id)
{
  idl_json_init (json);
  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "jsonrpc", "2.0");
  idl_json_string (json, "id", id);
  idl_json_string (json, "method", method);
}

void
lsp_server_write_location (LspServer *server,
                           LspAnalysis *analysis,
                           IdlJson *json,
                           const gchar *key,
                           const IdlLocation *location)
{
  idl_json_begin (json, key, '{', TRUE);
  idl_json_string (json, "uri", lsp_server_get_uri (server, analysis, location->source));
  lsp_places_write_range (analysis->places, json, "range", location);
  idl_json_end (json, '{');
}

/* Begins the answer to the request @id (nullable), which is a number, a string, or neither. */
static void
begin_answer (IdlJson *json, JsonNode *id)
{
  GType type =
      id != NULL && JSON_NODE_HOLDS_VALUE (id) ? json_node_get_value_type (id) : G_TYPE_INVALID;

  idl_json_init (json);
  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "jsonrpc", "2.0");
  if (type == G_TYPE_INT64)
    idl_json_integer (json, "id", json_node_get_int (id));
  else if (type == G_TYPE_STRING)
    idl_json_string (json, "id", json_node_get_string (id));
  else
    idl_json_null (json, "id");
}

static void
finish_answer (LspServer *server, IdlJson *json)
{
  g_autofree gchar *content = NULL;

  idl_json_end (json, '{');
  content = idl_json_finish (json);
  lsp_server_send (server, content);
}

static void
send_error (LspServer *server, JsonNode *id, gint code, const gchar *message)
{
  IdlJson json;

  begin_answer (&json, id);
  idl_json_begin (&json, "error", '{', TRUE);
  idl_json_integer (&json, "code", code);
  idl_json_string (&json, "message", message);
  idl_json_end (&json, '{');
  finish_answer (server, &json);
}

static gboolean
has_same_id (JsonNode *one, JsonNode *other)
{
  return one != NULL && other != NULL && json_node_equal (one, other);
}

/* A request that is cancelled before its turn is answered at once. */
static void
cancel (LspServer *server, JsonObject *params)
{
  JsonNode *id = lsp_json_get (params, "id");

  for (GList *link = server->messages.head; link != NULL; link = link->next)
    {
      JsonObject *message = json_node_get_object (link->data);
      JsonNode *other = lsp_json_get (message, "id");

      if (!has_same_id (id, other) || lsp_json_get_string (message, "method") == NULL)
        continue;
      send_error (server, other, LSP_CANCELLED, "cancelled");
      json_node_unref (link->data);
      g_queue_delete_link (&server->messages, link);
      return;
    }
}

static void
take_content (LspServer *server, gchar *content, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = lsp_json_parse (content, length, &error);
  JsonObject *message;

  if (node == NULL)
    {
      send_error (server, NULL, LSP_PARSE_ERROR, error->message);
      return;
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      send_error (server, NULL, LSP_INVALID_REQUEST, "a message is an object");
      return;
    }
  message = json_node_get_object (node);
  if (g_strcmp0 (lsp_json_get_string (message, "method"), "$/cancelRequest") == 0)
    cancel (server, lsp_json_get_object (message, "params"));
  else
    g_queue_push_tail (&server->messages, g_steal_pointer (&node));
}

void
lsp_server_feed (LspServer *server, const gchar *bytes, gsize length)
{
  gchar *content;
  gsize size;

  lsp_input_feed (&server->input, bytes, length);
  while ((content = lsp_input_take (&server->input, &size)) != NULL)
    {
      take_content (server, content, size);
      g_free (content);
    }
}

static gboolean
request_shutdown (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  server->state = LSP_STOPPING;
  server->was_shut_down = TRUE;
  idl_json_null (json, "result");
  return TRUE;
}

static void
take_exit (LspServer *server, JsonObject *params)
{
  server->state = LSP_ENDED;
}

/* Asks the client to tell when a Thrift file changes on disk: it may be included. */
static void
take_initialized (LspServer *server, JsonObject *params)
{
  IdlJson json;

  if (!server->client.watching)
    return;
  lsp_server_begin_message (&json, "client/registerCapability", WATCH_ID);
  idl_json_begin (&json, "params", '{', TRUE);
  idl_json_begin (&json, "registrations", '[', TRUE);
  idl_json_begin (&json, NULL, '{', TRUE);
  idl_json_string (&json, "id", WATCH_ID);
  idl_json_string (&json, "method", "workspace/didChangeWatchedFiles");
  idl_json_begin (&json, "registerOptions", '{', TRUE);
  idl_json_begin (&json, "watchers", '[', TRUE);
  idl_json_begin (&json, NULL, '{', TRUE);
  idl_json_string (&json, "globPattern", "**/*.thrift");
  idl_json_end (&json, '{');
  idl_json_end (&json, '[');
  idl_json_end (&json, '{');
  idl_json_end (&json, '{');
  idl_json_end (&json, '[');
  idl_json_end (&json, '{');
  finish_answer (server, &json);
}

static void
take_files_changed (LspServer *server, JsonObject *params)
{
  lsp_server_forget_all (server);
}

static const Request *
find_request (const gchar *method)
{
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    if (strcmp (requests[i].method, method) == 0)
      return &requests[i];
  return NULL;
}

/* (nullable): why a request with this method is refused. */
static const gchar *
find_refusal (const LspServer *server, const gchar *method, LspErrorCode *code)
{
  gboolean is_first = strcmp (method, "initialize") == 0;

  *code = LSP_INVALID_REQUEST;
  if (server->state == LSP_STOPPING)
    return "the server was shut down";
  if (server->state == LSP_RUNNING && is_first)
    return "the server was initialized already";
  *code = LSP_NOT_INITIALIZED;
  return server->state == LSP_STARTING && !is_first ? "the server is not initialized" : NULL;
}

static void
answer (LspServer *server, JsonNode *id, const gchar *method, JsonObject *params)
{
  const Request *request = find_request (method);
  LspErrorCode code;
  const gchar *refusal = find_refusal (server, method, &code);
  g_autoptr (GError) error = NULL;
  IdlJson json;

  if (refusal != NULL)
    {
      send_error (server, id, code, refusal);
      return;
    }
  if (request == NULL)
    {
      send_error (server, id, LSP_METHOD_NOT_FOUND, "there is no such method here");
      return;
    }
  begin_answer (&json, id);
  if (request->answer (server, params, &json, &error))
    {
      finish_answer (server, &json);
      return;
    }
  g_string_free (json.text, TRUE);
  send_error (server, id, error->code, error->message);
}

static void
notice (LspServer *server, const gchar *method, JsonObject *params)
{
  gboolean is_exit = strcmp (method, "exit") == 0;

  if (server->state != LSP_RUNNING && !is_exit)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (notifications); i++)
    if (strcmp (notifications[i].method, method) == 0)
      notifications[i].take (server, params);
}

gboolean
lsp_server_step (LspServer *server)
{
  g_autoptr (JsonNode) node = g_queue_pop_head (&server->messages);
  JsonObject *message = node == NULL ? NULL : json_node_get_object (node);
  const gchar *method = lsp_json_get_string (message, "method");
  JsonObject *params = lsp_json_get_object (message, "params");
  JsonNode *id = lsp_json_get (message, "id");

  if (message == NULL || server->state == LSP_ENDED)
    return FALSE;
  if (method != NULL && id != NULL)
    answer (server, id, method, params);
  else if (method != NULL)
    notice (server, method, params);
  else if (lsp_json_get (message, "result") == NULL && lsp_json_get (message, "error") == NULL)
    send_error (server, id, LSP_INVALID_REQUEST, "a message has a method");
  return TRUE; /* else it answers a request of ours, and there is nothing to learn from that */
}

void
lsp_server_settle (LspServer *server)
{
  if (server->is_settled || server->state != LSP_RUNNING)
    return;
  server->is_settled = TRUE;
  lsp_server_publish (server);
}
