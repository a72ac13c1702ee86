/* Owns what the client has open and what is known of it. A text is parsed anew when something asks for what
 * is known, not when it changes. */
#include "lsp-private.h"

#include <string.h>

/* What a workspace's folder is searched for: files and directories, and how deep. */
#define MAX_ENTRIES 20000
#define MAX_FILES 5000
#define MAX_DEPTH 20

void
lsp_analysis_free (LspAnalysis *analysis)
{
  if (analysis == NULL)
    return;
  g_hash_table_unref (analysis->uris);
  lsp_places_free (analysis->places);
  idl_unit_free (analysis->unit);
  g_free (analysis);
}

void
lsp_document_free (LspDocument *document)
{
  lsp_analysis_free (document->analysis);
  g_string_free (document->text, TRUE);
  g_free (document->path);
  g_free (document->uri);
  g_free (document);
}

static LspAnalysis *
new_analysis (LspServer *server)
{
  LspAnalysis *analysis = g_new0 (LspAnalysis, 1);

  analysis->unit = idl_tool_new_unit (server->options->idl, NULL);
  for (guint i = 0; i < server->include_dirs->len; i++)
    idl_unit_add_include_dir (analysis->unit, g_ptr_array_index (server->include_dirs, i));
  idl_unit_set_overlay (analysis->unit, server->overlay);
  analysis->places = lsp_places_new (server->client.encoding, server->overlay);
  analysis->uris = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return analysis;
}

static void
load_document (LspAnalysis *analysis, const LspDocument *document)
{
  if (document->path != NULL)
    idl_unit_load (analysis->unit, document->path);
  else
    idl_unit_load_text (analysis->unit, document->uri, document->text->str,
                        (gssize) document->text->len);
}

/* The program that stands in the unit under @document's URI, which is no file's. */
static const IdlProgram *
find_by_uri (const IdlUnit *unit, const gchar *uri)
{
  const GPtrArray *programs = idl_unit_get_programs ((IdlUnit *) unit);

  for (guint i = programs->len; i > 0; i--)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i - 1);

      if (strcmp (idl_source_get_path (program->source), uri) == 0)
        return program;
    }
  return NULL;
}

const IdlProgram *
lsp_analysis_find (const LspAnalysis *analysis, const LspDocument *document)
{
  return document->path != NULL ? idl_unit_find_program (analysis->unit, document->path)
                                : find_by_uri (analysis->unit, document->uri);
}

LspAnalysis *
lsp_server_analyse (LspServer *server, LspDocument *document)
{
  const LspOptions *options = server->options;
  IdlDiagnostics *diagnostics;
  const IdlProgram *program;

  if (document->analysis != NULL)
    return document->analysis;
  document->analysis = new_analysis (server);
  load_document (document->analysis, document);
  diagnostics = idl_unit_get_diagnostics (document->analysis->unit);
  program = lsp_analysis_find (document->analysis, document);
  if (options->check != NULL && program != NULL
      && idl_diagnostics_count (diagnostics, IDL_ERROR) == 0)
    options->check (document->analysis->unit, program);
  idl_tool_judge (diagnostics, options->idl);
  return document->analysis;
}

typedef struct
{
  IdlUnit *unit;
  guint entries;
  guint files;
} Search;

/* Hidden directories are a version control's or a tool's. */
static void
load_folder (Search *search, const gchar *path, guint depth)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL
         && search->entries++ < MAX_ENTRIES && search->files < MAX_FILES)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      if (g_str_has_suffix (name, ".thrift") && g_file_test (child, G_FILE_TEST_IS_REGULAR))
        {
          search->files++;
          idl_unit_load (search->unit, child);
        }
      else if (*name != '.' && depth < MAX_DEPTH && g_file_test (child, G_FILE_TEST_IS_DIR)
               && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        load_folder (search, child, depth + 1);
    }
}

LspAnalysis *
lsp_server_analyse_world (LspServer *server)
{
  GHashTableIter iter;
  gpointer document;

  if (server->world != NULL)
    return server->world;
  server->world = new_analysis (server);
  g_hash_table_iter_init (&iter, server->documents);
  while (g_hash_table_iter_next (&iter, NULL, &document))
    load_document (server->world, document);
  for (guint i = 0; i < server->folders->len; i++)
    {
      Search search = { .unit = server->world->unit };

      load_folder (&search, g_ptr_array_index (server->folders, i), 0);
    }
  return server->world;
}

static gboolean
has_path (gpointer uri, gpointer document, gpointer path)
{
  return g_strcmp0 (((const LspDocument *) document)->path, path) == 0;
}

const gchar *
lsp_server_get_uri (LspServer *server, LspAnalysis *analysis, const IdlSource *source)
{
  const gchar *path = idl_source_get_path (source);
  gchar *uri = g_hash_table_lookup (analysis->uris, source);
  const LspDocument *document;

  if (uri != NULL)
    return uri;
  document = g_hash_table_lookup (server->documents, path);
  if (document == NULL || document->path != NULL)
    {
      g_autofree gchar *canonical = idl_overlay_canonicalize (path);

      document = g_hash_table_find (server->documents, has_path, canonical);
      uri = document == NULL ? lsp_uri_from_path (canonical) : NULL;
    }
  if (uri == NULL)
    uri = g_strdup (document == NULL ? path : document->uri);
  g_hash_table_insert (analysis->uris, (gpointer) source, uri);
  return uri;
}

static void
forget (LspDocument *document)
{
  g_clear_pointer (&document->analysis, lsp_analysis_free);
}

void
lsp_server_forget_all (LspServer *server)
{
  GHashTableIter iter;
  gpointer document;

  g_hash_table_iter_init (&iter, server->documents);
  while (g_hash_table_iter_next (&iter, NULL, &document))
    forget (document);
  g_clear_pointer (&server->world, lsp_analysis_free);
  server->is_settled = FALSE;
}

/* What is known of @changed, and of whatever includes it, is out of date. */
static void
forget_includers (LspServer *server, LspDocument *changed)
{
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, server->documents);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      LspDocument *document = data;

      if (document == changed
          || (document->analysis != NULL && changed->path != NULL
              && idl_unit_find_program (document->analysis->unit, changed->path) != NULL))
        forget (document);
    }
  g_clear_pointer (&server->world, lsp_analysis_free);
  server->is_settled = FALSE;
}

LspDocument *
lsp_server_find_document (LspServer *server, JsonObject *params, GError **error)
{
  const gchar *uri = lsp_json_get_string (lsp_json_get_object (params, "textDocument"), "uri");
  LspDocument *document = uri == NULL ? NULL : g_hash_table_lookup (server->documents, uri);

  if (uri == NULL)
    g_set_error_literal (error, LSP_ERROR, LSP_INVALID_PARAMS, "no textDocument.uri");
  else if (document == NULL)
    g_set_error (error, LSP_ERROR, LSP_INVALID_PARAMS, "'%s' is not open", uri);
  return document;
}

static void
keep_text (LspServer *server, LspDocument *document)
{
  if (document->path != NULL)
    idl_overlay_set (server->overlay, document->path, document->text->str, document->text->len);
}

void
lsp_server_open (LspServer *server, JsonObject *params)
{
  JsonObject *item = lsp_json_get_object (params, "textDocument");
  const gchar *uri = lsp_json_get_string (item, "uri");
  const gchar *text = lsp_json_get_string (item, "text");
  g_autofree gchar *path = NULL;
  LspDocument *document;

  if (uri == NULL || text == NULL || strlen (text) > IDL_SOURCE_MAX_SIZE)
    return;
  path = lsp_uri_to_path (uri);
  document = g_new0 (LspDocument, 1);
  document->uri = g_strdup (uri);
  document->path = path == NULL ? NULL : idl_overlay_canonicalize (path);
  document->text = g_string_new (text);
  document->version = lsp_json_get_integer (item, "version");
  document->is_changed = TRUE;
  g_hash_table_replace (server->documents, document->uri, document);
  keep_text (server, document);
  lsp_server_forget_all (server); /* it may be what an include did not find */
}

LspPosition
lsp_json_get_position (JsonObject *object, const gchar *name)
{
  JsonObject *position = lsp_json_get_object (object, name);

  return (LspPosition){
    (guint) CLAMP (lsp_json_get_integer (position, "line"), 0, G_MAXINT32),
    (guint) CLAMP (lsp_json_get_integer (position, "character"), 0, G_MAXINT32),
  };
}

/* One change: of a range, or, without one, of everything. */
static void
apply_change (const LspServer *server, LspDocument *document, JsonObject *change)
{
  JsonObject *range = lsp_json_get_object (change, "range");
  const gchar *text = lsp_json_get_string (change, "text");
  GString *old = document->text;
  gsize start, end;

  if (text == NULL)
    return;
  if (range == NULL)
    {
      g_string_assign (old, text);
      return;
    }
  start = lsp_position_get_offset (lsp_json_get_position (range, "start"), old->str, old->len,
                                   server->client.encoding);
  end = lsp_position_get_offset (lsp_json_get_position (range, "end"), old->str, old->len,
                                 server->client.encoding);
  if (end < start)
    return;
  g_string_erase (old, (gssize) start, (gssize) (end - start));
  g_string_insert (old, (gssize) start, text);
}

void
lsp_server_change (LspServer *server, JsonObject *params)
{
  LspDocument *document = lsp_server_find_document (server, params, NULL);
  JsonArray *changes = lsp_json_get_array (params, "contentChanges");

  if (document == NULL || changes == NULL)
    return;
  for (guint i = 0; i < json_array_get_length (changes); i++)
    {
      JsonObject *change = lsp_json_array_get_object (changes, i);

      if (change != NULL)
        apply_change (server, document, change);
    }
  if (document->text->len > IDL_SOURCE_MAX_SIZE)
    g_string_truncate (document->text, 0);
  document->version =
      lsp_json_get_integer (lsp_json_get_object (params, "textDocument"), "version");
  document->is_changed = TRUE;
  keep_text (server, document);
  forget_includers (server, document);
}

void
lsp_server_close (LspServer *server, JsonObject *params)
{
  LspDocument *document = lsp_server_find_document (server, params, NULL);

  if (document == NULL)
    return;
  if (document->path != NULL)
    idl_overlay_remove (server->overlay, document->path);
  g_hash_table_remove (server->documents, document->uri);
  lsp_server_forget_all (server);
}
