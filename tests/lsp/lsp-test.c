#include "lsp-test.h"

#include "json.h"

#include <glib/gstdio.h>
#include <string.h>

static const IdlToolOptions tool_options = { 0 };
static const LspOptions options = { "1.0", &tool_options, NULL };

static gchar *
replace (const gchar *text, const gchar *what, const gchar *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

void
lsp_test_send (LspTest *test, const gchar *bytes)
{
  lsp_server_feed (test->server, bytes, strlen (bytes));
  while (lsp_server_step (test->server))
    ;
}

static void
send_content (LspTest *test, const gchar *content)
{
  g_autofree gchar *whole = replace (content, "DIR", test->uri);
  g_autofree gchar *bytes =
      g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", strlen (whole), whole);

  lsp_test_send (test, bytes);
}

void
lsp_test_notify (LspTest *test, const gchar *method, const gchar *params)
{
  g_autofree gchar *content =
      g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s}", method, params);

  send_content (test, content);
}

/* (nullable) (transfer full): the first message in @output from @at on; moves there. */
static gchar *
next_message (const GString *output, gsize *at)
{
  static const gchar header[] = "Content-Length: ";
  const gchar *end = strstr (output->str + *at, "\r\n\r\n");
  gsize length;

  if (end == NULL)
    return NULL;
  g_assert_true (g_str_has_prefix (output->str + *at, header));
  length = (gsize) g_ascii_strtoull (output->str + *at + strlen (header), NULL, 10);
  *at = (gsize) (end + 4 - output->str) + length;
  g_assert_cmpuint (*at, <=, output->len);
  return g_strchomp (g_strndup (end + 4, length));
}

gchar *
lsp_test_take (LspTest *test)
{
  GString *output = lsp_server_get_output (test->server);
  g_autoptr (GString) shown = g_string_new (NULL);
  gsize at = 0;
  gchar *message;

  lsp_server_settle (test->server);
  while ((message = next_message (output, &at)) != NULL)
    {
      g_string_append_printf (shown, "%s\n", message);
      g_free (message);
    }
  g_string_truncate (output, 0);
  return replace (shown->str, test->uri, "DIR");
}

gchar *
lsp_test_ask (LspTest *test, const gchar *method, const gchar *params)
{
  GString *output = lsp_server_get_output (test->server);
  g_autofree gchar *content =
      g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":%s}",
                       ++test->last_id, method, params);
  g_autofree gchar *prefix = g_strdup_printf ("{\"jsonrpc\": \"2.0\", \"id\": %u, ", test->last_id);
  gsize before = output->len, at = before;
  g_autofree gchar *message = NULL;

  send_content (test, content);
  message = next_message (output, &at);
  CU_ASSERT_PTR_NOT_NULL_FATAL (message);
  g_assert_true (g_str_has_prefix (message, prefix));
  message[strlen (message) - 1] = '\0';
  g_string_truncate (output, before);
  return replace (message + strlen (prefix), test->uri, "DIR");
}

gchar *
lsp_test_ask_here (LspTest *test, const gchar *method, const gchar *more)
{
  g_autofree gchar *params = g_strdup_printf (
      "{\"textDocument\":{\"uri\":\"DIR/%s\"},\"position\":{\"line\":%u,\"character\":%u}%s%s}",
      test->document, test->line, test->character, more == NULL ? "" : ",",
      more == NULL ? "" : more);

  return lsp_test_ask (test, method, params);
}

void
lsp_test_begin (LspTest *test, const gchar *capabilities)
{
  g_autofree gchar *params =
      g_strdup_printf ("{\"processId\":1,\"rootUri\":\"DIR\",\"capabilities\":%s}", capabilities);
  g_autofree gchar *answer = NULL;
  g_autofree gchar *made = g_dir_make_tmp ("lsp XXXXXX", NULL);

  *test = (LspTest){ .server = lsp_server_new (&options) };
  test->directory = idl_overlay_canonicalize (made);
  test->uri = g_filename_to_uri (test->directory, NULL, NULL);
  test->open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  answer = lsp_test_ask (test, "initialize", params);
  lsp_test_notify (test, "initialized", "{}");
}

void
lsp_test_end (LspTest *test)
{
  g_autoptr (GDir) directory = g_dir_open (test->directory, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (test->directory, name, NULL);

      g_remove (path);
    }
  g_remove (test->directory);
  lsp_server_free (test->server);
  g_hash_table_unref (test->open);
  g_free (test->document);
  g_free (test->directory);
  g_free (test->uri);
}

void
lsp_test_write (LspTest *test, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (test->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* Lines and units of UTF-16 before @end. */
static void
set_place (LspTest *test, const gchar *text, const gchar *end)
{
  g_autofree gunichar2 *units = NULL;
  const gchar *line = text;
  glong length;

  test->line = 0;
  for (const gchar *at = text; at < end; at++)
    if (*at == '\n')
      {
        test->line++;
        line = at + 1;
      }
  units = g_utf8_to_utf16 (line, end - line, NULL, &length, NULL);
  test->character = (guint) length;
}

void
lsp_test_set (LspTest *test, const gchar *name, const gchar *text)
{
  const gchar *cursor = strchr (text, '|');
  g_autofree gchar *plain = cursor == NULL ? g_strdup (text) : replace (text, "|", "");
  g_autoptr (GString) params = g_string_new ("{\"textDocument\":{\"uri\":\"DIR/");
  gboolean is_open = g_hash_table_contains (test->open, name);

  if (cursor != NULL)
    {
      set_place (test, text, cursor);
      g_free (test->document);
      test->document = g_strdup (name);
    }
  g_string_append_printf (params, "%s\",\"version\":1,", name);
  g_string_append (params, is_open ? "\"x\":0},\"contentChanges\":[{\"text\":" : "\"text\":");
  idl_json_append_string (params, plain, -1);
  g_string_append (params, is_open ? "}]}" : "}}");
  lsp_test_notify (test, is_open ? "textDocument/didChange" : "textDocument/didOpen", params->str);
  g_hash_table_add (test->open, g_strdup (name));
}

void
lsp_test_close (LspTest *test, const gchar *name)
{
  g_autofree gchar *params = g_strdup_printf ("{\"textDocument\":{\"uri\":\"DIR/%s\"}}", name);

  g_hash_table_remove (test->open, name);
  lsp_test_notify (test, "textDocument/didClose", params);
}

void
lsp_test_assert_has (
    const gchar *text, const gchar *part, gboolean wanted, const gchar *file, int line)
{
  gboolean has = strstr (text, part) != NULL;

  if (has != wanted)
    g_printerr ("# %s\n# %s %s\n", text, wanted ? "lacks" : "has", part);
  CU_assertImplementation (has == wanted, (guint) line, part, file, "", FALSE);
}
