/* The session: what is allowed when, and that no bytes end it. */
#include "lsp-test.h"

#include <string.h>

static void
what_the_server_offers (void)
{
  static const IdlToolOptions tools = { 0 };
  const LspOptions options = { "9.9", &tools, NULL };
  static const gchar message[] =
      "Content-Length: 153\r\n\r\n"
      "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"initialize\",\"params\":{\"capabilities\":"
      "{\"general\":{\"positionEncodings\":[\"utf-32\",\"utf-8\"]}}, \"rootUri\": null         }}";
  g_autoptr (LspServer) server = lsp_server_new (&options);
  const gchar *output;

  lsp_server_feed (server, message, strlen (message));
  CU_ASSERT_TRUE (lsp_server_step (server));
  CU_ASSERT_FALSE (lsp_server_step (server));
  output = lsp_server_get_output (server)->str;
  assert_has (output, "{\"jsonrpc\": \"2.0\", \"id\": \"a\", \"result\": {\"capabilities\": ");
  assert_has (output, "\"positionEncoding\": \"utf-8\"");
  assert_has (output, "\"change\": 2");
  assert_has (output, "\"serverInfo\": {\"name\": \"tallyc\", \"version\": \"9.9\"}");
}

static void
requests_out_of_turn (void)
{
  LspTest test;
  g_autofree gchar *again = NULL;
  g_autofree gchar *unknown = NULL;
  g_autofree gchar *closed = NULL;
  g_autofree gchar *incomplete = NULL;
  g_autofree gchar *shutdown = NULL;
  g_autofree gchar *late = NULL;

  lsp_test_begin (&test, "{}");
  again = lsp_test_ask (&test, "initialize", "{}");
  assert_has (again, "\"error\": {\"code\": -32600");
  unknown = lsp_test_ask (&test, "textDocument/nonsense", "{}");
  assert_has (unknown, "\"error\": {\"code\": -32601");
  closed = lsp_test_ask (&test, "textDocument/hover", "{\"textDocument\":{\"uri\":\"DIR/x\"}}");
  assert_has (closed, "\"error\": {\"code\": -32602, \"message\": \"'DIR/x' is not open\"");
  incomplete = lsp_test_ask (&test, "textDocument/hover", "[]");
  assert_has (incomplete, "\"error\": {\"code\": -32602");
  lsp_test_notify (&test, "$/setTrace", "{}");
  lsp_test_notify (&test, "nonsense", "[1]");
  CU_ASSERT_EQUAL (lsp_server_get_status (test.server), 1);
  shutdown = lsp_test_ask (&test, "shutdown", "null");
  assert_string (shutdown, "\"result\": null");
  late = lsp_test_ask (&test, "textDocument/hover", "{}");
  assert_has (late, "\"error\": {\"code\": -32600");
  CU_ASSERT_FALSE (lsp_server_has_ended (test.server));
  lsp_test_notify (&test, "exit", "null");
  CU_ASSERT_TRUE (lsp_server_has_ended (test.server));
  CU_ASSERT_EQUAL (lsp_server_get_status (test.server), 0);
  lsp_test_end (&test);
}

static void
before_initialize (void)
{
  static const IdlToolOptions tools = { 0 };
  const LspOptions options = { "1", &tools, NULL };
  static const gchar messages[] =
      "Content-Length: 46\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"shutdown\"}   "
      "Content-Length: 33\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}";
  g_autoptr (LspServer) server = lsp_server_new (&options);

  lsp_server_feed (server, messages, strlen (messages));
  while (lsp_server_step (server))
    ;
  assert_has (lsp_server_get_output (server)->str, "\"error\": {\"code\": -32002");
  CU_ASSERT_TRUE (lsp_server_has_ended (server));
  CU_ASSERT_EQUAL (lsp_server_get_status (server), 1);
}

/* After each of @garbage a request is answered. */
static void
garbage_is_passed_over (void)
{
  static const gchar *const garbage[] = {
    "\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "Content-Length: nonsense\r\n\r\n",
    "Content-Length: -5\r\n\r\n",
    "Content-Length: 99999999999999999999\r\n\r\n",
    "Content-Type: x\r\n\r\n",
    "Content-Length: 2\r\n\r\n{}",
    "Content-Length: 2\r\n\r\n[]",
    "Content-Length: 1\r\n\r\n{\"jsonrpc\":\"2.0\"}\r\n\r\n",
    "Content-Length: 3\r\n\r\n{\"a\":1}",
    "Content-Length: 1\r\n\r\n\xff",
    "Content-Length: 4\n\nnull",
    "Content-Length: 0\r\n\r\n",
    "Content-Length: 8\r\n\r\n{\"a\":'b'",
    "Content-Length: 12\r\n\r\n{/* a */\"b\":1",
    "Content-Length: 10\r\n\r\n{\"a\":\"\\ux\"",
    "Content-Length: 30\r\n\r\n{\"method\":{},\"id\":[],\"params\":1}",
    "Content-Length: 43\r\n\r\n{\"method\":\"textDocument/hover\",\"id\":{\"a\":1}}",
    "Content-Length: 50\r\n\r\n{\"method\":\"textDocument/didOpen\",\"params\":[1,2,3]}",
  };
  LspTest test;

  lsp_test_begin (&test, "{}");
  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_autofree gchar *answer = NULL;

      lsp_test_send (&test, garbage[i]);
      g_string_truncate (lsp_server_get_output (test.server), 0);
      answer = lsp_test_ask (&test, "nonsense", "{}");
      assert_has (answer, "-32601");
    }
  lsp_test_end (&test);
}

/* json-glib would recurse for each. */
static void
deep_brackets (void)
{
  LspTest test;
  g_autoptr (GString) text = g_string_new ("Content-Length: 1000000\r\n\r\n");
  g_autofree gchar *said = NULL;

  for (guint i = 0; i < 1000000; i++)
    g_string_append_c (text, '[');
  lsp_test_begin (&test, "{}");
  lsp_test_send (&test, text->str);
  said = lsp_test_take (&test);
  assert_has (said, "\"error\": {\"code\": -32700, \"message\": \"brackets nest too deep\"");
  lsp_test_end (&test);
}

/* A byte at a time. */
static void
pieces (void)
{
  LspTest test;
  static const gchar bytes[] =
      "Content-Type: x\r\nContent-Length: 25\r\n\r\n{\"id\":7,\"method\":\"nope\"}  ";
  g_autofree gchar *said = NULL;

  lsp_test_begin (&test, "{}");
  for (gsize i = 0; i < sizeof bytes - 1; i++)
    {
      g_autofree gchar *piece = g_strndup (bytes + i, 1);

      lsp_test_send (&test, piece);
    }
  said = lsp_test_take (&test);
  assert_has (said, "\"id\": 7, \"error\": {\"code\": -32601");
  lsp_test_end (&test);
}

static void
cancelled (void)
{
  LspTest test;
  static const gchar messages[] =
      "Content-Length: 24\r\n\r\n{\"id\":70,\"method\":\"one\"}"
      "Content-Length: 26\r\n\r\n{\"id\":\"b\",\"method\":\"two\"} "
      "Content-Length: 49\r\n\r\n{\"method\":\"$/cancelRequest\",\"params\":{\"id\":\"b\"}} "
      "Content-Length: 48\r\n\r\n{\"method\":\"$/cancelRequest\",\"params\":{\"id\":99}} ";
  g_autofree gchar *said = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_send (&test, messages);
  said = lsp_test_take (&test);
  assert_has (said, "\"id\": \"b\", \"error\": {\"code\": -32800");
  assert_has (said, "\"id\": 70, \"error\": {\"code\": -32601");
  assert_has_not (said, "\"id\": \"b\", \"error\": {\"code\": -32601");
  lsp_test_end (&test);
}

/* An escaped NUL would end the text, half a pair would refuse the message. */
static void
escapes (void)
{
  LspTest test;
  g_autofree gchar *symbols = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_notify (&test, "textDocument/didOpen",
                   "{\"textDocument\":{\"uri\":\"DIR/a.thrift\",\"version\":1,\"text\":"
                   "\"// \\u0000 \\udc00 \\ud834\\udd1e\\nstruct S {}\\n// \\ud800\"}}");
  symbols = lsp_test_ask (&test, "textDocument/documentSymbol",
                          "{\"textDocument\":{\"uri\":\"DIR/a.thrift\"}}");
  assert_has (symbols, "\"name\": \"S\"");
  lsp_test_end (&test);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_the_server_offers),
    TEST (requests_out_of_turn),
    TEST (before_initialize),
    TEST (garbage_is_passed_over),
    TEST (deep_brackets),
    TEST (pieces),
    TEST (cancelled),
    TEST (escapes),
    { NULL },
  };

  return test_main ("lsp-session", cases, argc, argv);
}
