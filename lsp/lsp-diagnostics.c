/* Owns what the client is told of mistakes: for each open document what a run of tallyc over it says, in
 * whichever file that is. Only what differs from what the client shows is sent. */
#include "lsp-private.h"

/* What is being said of one file. */
typedef struct
{
  IdlJson json;
  GHashTable *seen; /* set of gchar *: so that two includers do not say the same */
} Report;

typedef struct
{
  LspServer *server;
  LspAnalysis *analysis;
  GHashTable *reports; /* uri to Report */
} Publisher;

static void
report_free (gpointer data)
{
  Report *report = data;

  if (report->json.text != NULL)
    g_string_free (report->json.text, TRUE);
  g_hash_table_unref (report->seen);
  g_free (report);
}

static Report *
get_report (Publisher *publisher, const gchar *uri)
{
  Report *report = g_hash_table_lookup (publisher->reports, uri);
  const LspDocument *document;

  if (report != NULL)
    return report;
  document = g_hash_table_lookup (publisher->server->documents, uri);
  report = g_new0 (Report, 1);
  report->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  lsp_server_begin_message (&report->json, "textDocument/publishDiagnostics", NULL);
  idl_json_begin (&report->json, "params", '{', TRUE);
  idl_json_string (&report->json, "uri", uri);
  if (document != NULL && publisher->server->client.versions)
    idl_json_integer (&report->json, "version", document->version);
  idl_json_begin (&report->json, "diagnostics", '[', TRUE);
  g_hash_table_insert (publisher->reports, g_strdup (uri), report);
  return report;
}

static void
write_related (Publisher *publisher, IdlJson *json, const IdlDiagnostic *note)
{
  idl_json_begin (json, NULL, '{', TRUE);
  lsp_server_write_location (publisher->server, publisher->analysis, json, "location",
                             &note->location);
  idl_json_string (json, "message", note->message);
  idl_json_end (json, '{');
}

/* The message, and, for a client that shows no places beside it, the @n notes that belong to it. */
static gchar *
get_message (const Publisher *publisher,
             const gchar *message,
             const IdlDiagnostic *const *notes,
             guint n)
{
  GString *text = g_string_new (message);

  for (guint i = 0; i < n; i++)
    {
      guint line = 0, column = 0;

      if (notes[i]->location.source == NULL || publisher->server->client.related_information)
        continue;
      idl_location_get_line (&notes[i]->location, &line, &column);
      g_string_append_printf (text, "\n%s:%u:%u: %s",
                              idl_source_get_path (notes[i]->location.source), line, column,
                              notes[i]->message);
    }
  return g_string_free (text, FALSE);
}

/* @diagnostic, at @location and with @message, and the @n notes that belong to it. */
static void
report_one (Publisher *publisher,
            const IdlDiagnostic *diagnostic,
            const IdlLocation *location,
            const gchar *message,
            const IdlDiagnostic *const *notes,
            guint n)
{
  const gchar *uri = lsp_server_get_uri (publisher->server, publisher->analysis, location->source);
  Report *report = get_report (publisher, uri);
  IdlJson *json = &report->json;
  g_autofree gchar *text = get_message (publisher, message, notes, n);

  if (!g_hash_table_add (report->seen,
                         g_strdup_printf ("%u %d %d %s", location->offset, diagnostic->severity,
                                          diagnostic->rule, message)))
    return;
  idl_json_begin (json, NULL, '{', TRUE);
  lsp_places_write_range (publisher->analysis->places, json, "range", location);
  idl_json_integer (json, "severity", diagnostic->severity == IDL_ERROR ? 1 : 2);
  idl_json_string (json, "code", idl_rule_get_id (diagnostic->rule));
  idl_json_string (json, "source", "tallyc");
  idl_json_string (json, "message", text);
  if (publisher->server->client.related_information && n > 0)
    {
      idl_json_begin (json, "relatedInformation", '[', TRUE);
      for (guint i = 0; i < n; i++)
        if (notes[i]->location.source != NULL)
          write_related (publisher, json, notes[i]);
      idl_json_end (json, '[');
    }
  idl_json_end (json, '{');
}

/* (nullable): the error in @included's text, or, when there is none, in a text that is not @program's. */
static const IdlDiagnostic *
find_error (const GPtrArray *items, const IdlProgram *program, const IdlProgram *included)
{
  const IdlDiagnostic *best = NULL;

  for (guint i = 0; i < items->len; i++)
    {
      const IdlDiagnostic *item = g_ptr_array_index (items, i);

      if (item->severity != IDL_ERROR || item->location.source == NULL)
        continue;
      if (item->location.source == included->source)
        return item;
      if (best == NULL && item->location.source != program->source)
        best = item;
    }
  return best;
}

/* An include of a file with errors: the names in that file are not reported as unknown, so that without
 * this a document that cannot be compiled would look right. */
static void
report_broken_includes (Publisher *publisher, const IdlProgram *program)
{
  const GPtrArray *items =
      idl_diagnostics_get (idl_unit_get_diagnostics (publisher->analysis->unit));

  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);
      const IdlDiagnostic *error = include->program != NULL && include->program->is_broken
                                       ? find_error (items, program, include->program)
                                       : NULL;
      g_autofree gchar *message = NULL;

      if (error == NULL)
        continue;
      message = g_strdup_printf ("the included file has an error: %s", error->message);
      report_one (publisher, error, &include->location, message, &error, 1);
    }
}

/* All that one run said. What is about no text is about the document. */
static void
report_run (Publisher *publisher, const IdlProgram *program)
{
  const GPtrArray *items =
      idl_diagnostics_get (idl_unit_get_diagnostics (publisher->analysis->unit));
  guint i = 0;

  while (i < items->len)
    {
      const IdlDiagnostic *item = g_ptr_array_index (items, i);
      IdlLocation location = item->location;
      guint n = 0;

      while (i + 1 + n < items->len
             && ((const IdlDiagnostic *) g_ptr_array_index (items, i + 1 + n))->severity
                    == IDL_NOTE)
        n++;
      if (location.source == NULL && program != NULL)
        location = (IdlLocation){ program->source, 0, 0 };
      if (location.source != NULL && item->severity != IDL_NOTE)
        report_one (publisher, item, &location, item->message,
                    (const IdlDiagnostic *const *) items->pdata + i + 1, n);
      i += 1 + n;
    }
  if (program != NULL)
    report_broken_includes (publisher, program);
}

/* Sends @message about @uri if the client does not show it. A document that has changed is told of again:
 * the client may have moved what it shows. */
static void
publish (LspServer *server, const gchar *uri, const gchar *message)
{
  LspDocument *document = g_hash_table_lookup (server->documents, uri);
  gboolean is_changed = document != NULL && document->is_changed;

  if (document != NULL)
    document->is_changed = FALSE;
  if (!is_changed && g_strcmp0 (g_hash_table_lookup (server->published, uri), message) == 0)
    return;
  g_hash_table_insert (server->published, g_strdup (uri), g_strdup (message));
  lsp_server_send (server, message);
}

/* About a file that is not open, and has no mistakes any more. */
static void
withdraw (LspServer *server, const gchar *uri, const gchar *message)
{
  const gchar *shown = g_hash_table_lookup (server->published, uri);

  if (shown != NULL && !g_str_has_suffix (shown, "[]}}\n"))
    lsp_server_send (server, message);
  g_hash_table_remove (server->published, uri);
}

static gchar *
finish_report (Report *report)
{
  idl_json_end (&report->json, '[');
  idl_json_end (&report->json, '{');
  idl_json_end (&report->json, '{');
  return idl_json_finish (&report->json);
}

static void
publish_reports (Publisher *publisher)
{
  GHashTableIter iter;
  gpointer uri, report;

  g_hash_table_iter_init (&iter, publisher->reports);
  while (g_hash_table_iter_next (&iter, &uri, &report))
    {
      g_autofree gchar *message = finish_report (report);

      if (g_hash_table_size (((Report *) report)->seen) == 0
          && !g_hash_table_contains (publisher->server->documents, uri))
        withdraw (publisher->server, uri, message);
      else
        publish (publisher->server, uri, message);
    }
}

/* The files that the client shows mistakes of, and that have none now, or are of no concern any more. */
static void
add_empty_reports (Publisher *publisher)
{
  GHashTableIter iter;
  gpointer uri;

  g_hash_table_iter_init (&iter, publisher->server->published);
  while (g_hash_table_iter_next (&iter, &uri, NULL))
    get_report (publisher, uri);
}

void
lsp_server_publish (LspServer *server)
{
  Publisher publisher = { .server = server };
  GHashTableIter iter;
  gpointer uri, document;

  publisher.reports = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, report_free);
  g_hash_table_iter_init (&iter, server->documents);
  while (g_hash_table_iter_next (&iter, &uri, &document))
    {
      get_report (&publisher, uri);
      publisher.analysis = lsp_server_analyse (server, document);
      report_run (&publisher, lsp_analysis_find (publisher.analysis, document));
    }
  add_empty_reports (&publisher);
  publish_reports (&publisher);
  g_hash_table_unref (publisher.reports);
}
