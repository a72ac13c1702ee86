/* Any bytes as what a client says to the language server. The input is messages divided by a byte 0, of which
 * those that begin with '{' get a right header, and the rest is sent as it is; before it the client has
 * introduced itself and opened two documents. What the server says must be JSON, framed. */
#include "fuzz.h"

#include "lsp-json.h"
#include "lsp.h"

#include <string.h>

static void
send_bytes (LspServer *server, const gchar *bytes, gsize length)
{
  lsp_server_feed (server, bytes, length);
  while (lsp_server_step (server))
    ;
}

static void
send_message (LspServer *server, const gchar *content, gsize length)
{
  g_autofree gchar *header =
      g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n", length);

  send_bytes (server, header, strlen (header));
  send_bytes (server, content, length);
}

static void
introduce (LspServer *server)
{
  static const gchar *const messages[] = {
    "{\"id\":1,\"method\":\"initialize\",\"params\":{\"capabilities\":{\"textDocument\":{\"hover\":"
    "{"
    "\"contentFormat\":[\"markdown\"]},\"publishDiagnostics\":{\"relatedInformation\":true,"
    "\"versionSupport\":true},\"documentSymbol\":{\"hierarchicalDocumentSymbolSupport\":true}}}}}",
    "{\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{\"uri\":\"file:///none/"
    "b.thrift\","
    "\"text\":\"enum E { A = 1, B } const i32 K = 7 exception X { 1: string s } typedef E "
    "F\\n\"}}}",
    "{\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{\"uri\":\"file:///none/"
    "a.thrift\","
    "\"text\":\"include 'b.thrift'\\nstruct S {\\n  1: b.E e = b.E.A\\n  2: list<S> "
    "s\\n}\\nservice T { S "
    "f (1: b.F x) throws (1: b.X y) }\\nconst S C = { 'e': 1 }\\n\"}}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    send_message (server, messages[i], strlen (messages[i]));
}

static void
check_output (const GString *output)
{
  const gchar *at = output->str;

  while (*at != '\0')
    {
      gchar *end;
      gsize length;
      g_autofree gchar *content = NULL;
      g_autoptr (JsonNode) node = NULL;

      g_assert (g_str_has_prefix (at, "Content-Length: "));
      length = (gsize) g_ascii_strtoull (at + strlen ("Content-Length: "), &end, 10);
      g_assert (g_str_has_prefix (end, "\r\n\r\n"));
      g_assert (strlen (end + 4) >= length);
      content = g_strndup (end + 4, length);
      node = lsp_json_parse (content, length, NULL);
      g_assert (node != NULL);
      at = end + 4 + length;
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static const IdlToolOptions tools = { 0 };
  const LspOptions options = { "1", &tools, NULL };
  g_autoptr (LspServer) server = lsp_server_new (&options);
  const gchar *at = (const gchar *) data;
  const gchar *end = at + size;

  introduce (server);
  while (at < end)
    {
      const gchar *stop = memchr (at, '\0', (gsize) (end - at));
      gsize length = (gsize) ((stop == NULL ? end : stop) - at);

      if (length > 0 && *at == '{')
        send_message (server, at, length);
      else
        send_bytes (server, at, length);
      lsp_server_settle (server);
      at += length + 1;
    }
  check_output (lsp_server_get_output (server));
  return 0;
}
