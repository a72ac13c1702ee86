/* Owns formatting as an edit: of the lines that differ, so that the client's marks elsewhere stay. */
#include "lsp-private.h"

#include "format.h"

#include <string.h>

/* A text's lines end in one way; the client's stays. (transfer full) */
static gchar *
with_line_ends_of (const GString *old, gchar *formatted)
{
  const gchar *end = memchr (old->str, '\n', old->len);
  g_auto (GStrv) lines = NULL;

  if (end == NULL || end == old->str || end[-1] != '\r' || strchr (formatted, '\r') != NULL)
    return formatted;
  lines = g_strsplit (formatted, "\n", -1);
  g_free (formatted);
  return g_strjoinv ("\r\n", lines);
}

/* How many bytes of whole lines both begin with. */
static gsize
get_common_start (const gchar *one, gsize one_length, const gchar *other, gsize other_length)
{
  gsize lines = 0;

  for (gsize i = 0; i < MIN (one_length, other_length) && one[i] == other[i]; i++)
    if (one[i] == '\n')
      lines = i + 1;
  return lines;
}

/* How many bytes of whole lines both end with, behind the first @start. */
static gsize
get_common_end (
    const gchar *one, gsize one_length, const gchar *other, gsize other_length, gsize start)
{
  gsize most = MIN (one_length, other_length) - start;
  gsize lines = 0;

  for (gsize i = 0; i < most && one[one_length - 1 - i] == other[other_length - 1 - i]; i++)
    if (i + 1 == one_length - start || one[one_length - 2 - i] == '\n')
      if (i + 1 == other_length - start || other[other_length - 2 - i] == '\n')
        lines = i + 1;
  return lines;
}

static void
write_edit (LspServer *server, IdlJson *json, const IdlSource *source, const gchar *formatted)
{
  g_autoptr (LspPlaces) places = lsp_places_new (server->client.encoding, server->overlay);
  gsize length, size = strlen (formatted);
  const gchar *text = idl_source_get_text (source, &length);
  gsize start = get_common_start (text, length, formatted, size);
  gsize end = get_common_end (text, length, formatted, size, start);
  IdlLocation changed = { source, (guint32) start, (guint32) (length - start - end) };

  if (size == length && start + end >= length)
    return;
  idl_json_begin (json, NULL, '{', TRUE);
  lsp_places_write_range (places, json, "range", &changed);
  idl_json_bytes (json, "newText", formatted + start, (gssize) (size - start - end));
  idl_json_end (json, '{');
}

gboolean
lsp_request_formatting (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspDocument *document = lsp_server_find_document (server, params, error);
  g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();
  g_autoptr (IdlSource) source = NULL;
  g_autofree gchar *formatted = NULL;

  if (document == NULL)
    return FALSE;
  source = idl_source_new (document->uri, g_strdup (document->text->str), document->text->len);
  formatted = idl_format_source (source, diagnostics);
  if (formatted == NULL) /* the mistake is shown already */
    {
      idl_json_null (json, "result");
      return TRUE;
    }
  formatted = with_line_ends_of (document->text, g_steal_pointer (&formatted));
  idl_json_begin (json, "result", '[', TRUE);
  write_edit (server, json, source, formatted);
  idl_json_end (json, '[');
  return TRUE;
}
