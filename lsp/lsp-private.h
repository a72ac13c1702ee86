/* What the server's files share: the session, its documents, and what is known of their texts. */
#ifndef LSP_PRIVATE_H
#define LSP_PRIVATE_H

#include "lsp-input.h"
#include "lsp-json.h"
#include "lsp-places.h"
#include "lsp.h"
#include "references.h"

G_BEGIN_DECLS

/* Of JSON-RPC and of the protocol. */
typedef enum
{
  LSP_PARSE_ERROR = -32700,
  LSP_INVALID_REQUEST = -32600,
  LSP_METHOD_NOT_FOUND = -32601,
  LSP_INVALID_PARAMS = -32602,
  LSP_NOT_INITIALIZED = -32002,
  LSP_CANCELLED = -32800
} LspErrorCode;

#define LSP_ERROR (lsp_error_quark ())
GQuark lsp_error_quark (void);

/* A run of the front end over one document, or over all of them. */
typedef struct
{
  IdlUnit *unit;
  LspPlaces *places;
  GHashTable *uris; /* IdlSource to gchar *: those that were asked for */
} LspAnalysis;

/* What the client has open. */
typedef struct
{
  gchar *uri;
  gchar *path; /* (nullable): canonical; NULL: it is no file */
  GString *text;
  gint64 version;
  gboolean is_changed;   /* since its diagnostics were published */
  LspAnalysis *analysis; /* (nullable): NULL: not known, or out of date */
} LspDocument;

typedef enum
{
  LSP_STARTING,
  LSP_RUNNING,
  LSP_STOPPING, /* after `shutdown` */
  LSP_ENDED     /* after `exit` */
} LspState;

/* What the client said it can do. */
typedef struct
{
  LspEncoding encoding;
  gboolean symbol_trees;
  gboolean related_information;
  gboolean versions; /* with diagnostics */
  gboolean markdown;
  gboolean prepares_rename;
  gboolean watching; /* of files, when asked to */
} LspClient;

struct _LspServer
{
  const LspOptions *options;
  LspInput input;
  GQueue messages; /* of JsonNode: arrived, not answered */
  GString *output;
  LspState state;
  gboolean was_shut_down;
  LspClient client;
  GHashTable *documents;   /* uri to LspDocument */
  IdlOverlay *overlay;     /* the texts of those that are files */
  GPtrArray *folders;      /* of gchar *: the workspace's */
  GPtrArray *include_dirs; /* of gchar *: the client's */
  GHashTable *published;   /* uri to gchar *: diagnostics that the client shows */
  gboolean is_settled;     /* nothing has changed since diagnostics were published */
  LspAnalysis *world;      /* (nullable): of all documents and the folders' files */
};

/* Documents and what is known of them: lsp-documents.c */

void lsp_document_free (LspDocument *document);
void lsp_analysis_free (LspAnalysis *analysis);
/* All analyses are out of date. */
void lsp_server_forget_all (LspServer *server);
/* Fills the document's analysis, or the world's, when it is out of date. */
LspAnalysis *lsp_server_analyse (LspServer *server, LspDocument *document);
LspAnalysis *lsp_server_analyse_world (LspServer *server);
/* (nullable): the document's program in @analysis. */
const IdlProgram *lsp_analysis_find (const LspAnalysis *analysis, const LspDocument *document);
/* What the client calls the file of @source. (transfer none) */
const gchar *lsp_server_get_uri (LspServer *server, LspAnalysis *analysis, const IdlSource *source);
/* (nullable): the open document that @params has under `textDocument`; NULL with @error. */
LspDocument *lsp_server_find_document (LspServer *server, JsonObject *params, GError **error);
void lsp_server_open (LspServer *server, JsonObject *params);
void lsp_server_change (LspServer *server, JsonObject *params);
void lsp_server_close (LspServer *server, JsonObject *params);

/* {"uri": …, "range": …} */
void lsp_server_write_location (LspServer *server,
                                LspAnalysis *analysis,
                                IdlJson *json,
                                const gchar *key,
                                const IdlLocation *location);
LspPosition lsp_json_get_position (JsonObject *object, const gchar *name);
/* Sends a message to the client, which is @content. */
void lsp_server_send (LspServer *server, const gchar *content);
/* Begins an object that is a notification or, with @id (nullable), a request. */
void lsp_server_begin_message (IdlJson *json, const gchar *method, const gchar *id);

/* Whether the letters of @query are in @name, in that order: as people abbreviate. */
gboolean lsp_matches (const gchar *name, const gchar *query);

/* Requests. Each writes one member "result", or fails with @error (%LSP_ERROR). */

typedef gboolean (*LspRequest) (LspServer *server,
                                JsonObject *params,
                                IdlJson *json,
                                GError **error);

gboolean
lsp_request_initialize (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean
lsp_request_formatting (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean
lsp_request_definition (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean
lsp_request_references (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean
lsp_request_highlight (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean
lsp_request_prepare_rename (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean lsp_request_rename (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean lsp_request_hover (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean lsp_request_symbols (LspServer *server, JsonObject *params, IdlJson *json, GError **error);
gboolean lsp_request_workspace_symbols (LspServer *server,
                                        JsonObject *params,
                                        IdlJson *json,
                                        GError **error);
gboolean
lsp_request_completion (LspServer *server, JsonObject *params, IdlJson *json, GError **error);

/* Publishes what has changed: lsp-diagnostics.c */
void lsp_server_publish (LspServer *server);

G_END_DECLS

#endif /* LSP_PRIVATE_H */
