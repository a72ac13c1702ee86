/* Questions about a whole document or all of them: symbols and formatting. */
#include "lsp-test.h"

#include <string.h>

#define TREES "{\"textDocument\":{\"documentSymbol\":{\"hierarchicalDocumentSymbolSupport\":true}}}"

static void
symbol_trees (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/documentSymbol";

  lsp_test_begin (&test, TREES);
  lsp_test_set (&test, "a.thrift", "|enum E { A = 3 }\nservice S { i32 f () }\n");
  assert_here (
      &test, method, NULL,
      "\"result\": [{\"name\": \"E\", \"detail\": \"enum\", \"kind\": 10, \"range\": {\"start\": "
      "{\"line\": 0, \"character\": 0}, \"end\": {\"line\": 0, \"character\": 16}}, "
      "\"selectionRange\": {\"start\": {\"line\": 0, \"character\": 5}, \"end\": {\"line\": 0, "
      "\"character\": 6}}, \"children\": [{\"name\": \"A\", \"detail\": \"3\", \"kind\": 22, ");
  assert_here (&test, method, NULL,
               "\"children\": [{\"name\": \"f\", \"detail\": \"i32\", \"kind\": 6, ");
  lsp_test_end (&test);
}

static void
flat_symbols (void)
{
  LspTest test;

  lsp_test_begin (&test, "{}");
  lsp_test_set (&test, "a.thrift", "|union U { 1: i32 a }\n");
  assert_here (&test, "textDocument/documentSymbol", NULL,
               "{\"name\": \"a\", \"kind\": 8, \"location\": {\"uri\": \"DIR/a.thrift\", ");
  assert_here (&test, "textDocument/documentSymbol", NULL, "\"containerName\": \"U\"}]");
  lsp_test_end (&test);
}

/* What is behind a mistake is there. */
static void
symbols_of_a_broken_document (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/documentSymbol";

  lsp_test_begin (&test, TREES);
  lsp_test_set (&test, "a.thrift",
                "|struct A { 1: i32 a, 2: }\nstruct B {\n  1: lst<\nenum C { X }\ntypedef\n");
  assert_here (&test, method, NULL, "\"name\": \"A\"");
  assert_here (&test, method, NULL, "\"name\": \"B\"");
  assert_here (&test, method, NULL, "\"name\": \"X\"");
  lsp_test_end (&test);
}

static void
workspace_symbols (void)
{
  LspTest test;
  g_autofree gchar *some = NULL;
  g_autofree gchar *all = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_write (&test, "b.thrift", "struct UserName {}\nenum Other { USER_NAME }\n");
  lsp_test_set (&test, "a.thrift", "service Unnamed { void use_name () }\n");
  some = lsp_test_ask (&test, "workspace/symbol", "{\"query\":\"usna\"}");
  assert_has (some, "\"name\": \"UserName\"");
  assert_has (some, "\"name\": \"USER_NAME\"");
  assert_has (some, "\"name\": \"use_name\"");
  assert_has_not (some, "\"name\": \"Other\"");
  assert_has_not (some, "\"name\": \"Unnamed\"");
  all = lsp_test_ask (&test, "workspace/symbol", "{}");
  assert_has (all, "\"name\": \"Unnamed\"");
  lsp_test_end (&test);
}

static void
formatting (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/formatting";

  lsp_test_begin (&test, "{}");
  lsp_test_set (
      &test, "a.thrift",
      "struct A {\n  1: i32 a,\n}\n\nstruct B { 1 : i32 b }\n\nstruct C {\n  1: i32 c,\n}\n|");
  /* The lines that change, and no other. */
  assert_here (&test, method, NULL,
               "\"result\": [{\"range\": {\"start\": {\"line\": 4, \"character\": 0}, \"end\": "
               "{\"line\": 5, \"character\": 0}}, \"newText\": \"struct B {");
  lsp_test_set (&test, "a.thrift", "enum E {\n  A,\n}\n|");
  assert_here (&test, method, NULL, "\"result\": []");
  lsp_test_set (&test, "a.thrift", "enum E {\r\n  A,\r\n}\r\n|");
  assert_here (&test, method, NULL, "\"result\": []");
  lsp_test_set (&test, "a.thrift", "enum E {\r\n A,\r\n}\r\n|");
  assert_here (&test, method, NULL, "\"newText\": \"  A,\\r\\n\"");
  lsp_test_set (&test, "a.thrift", "enum E {|");
  assert_here (&test, method, NULL, "\"result\": null");
  lsp_test_set (&test, "a.thrift", "|");
  assert_here (&test, method, NULL, "\"result\": []");
  lsp_test_end (&test);
}

/* A line of a megabyte, with a symbol in each ten bytes. */
static void
a_long_line (void)
{
  LspTest test;
  g_autoptr (GString) text = g_string_new ("|enum E { ");
  g_autofree gchar *answer = NULL;

  for (guint i = 0; i < 50000; i++)
    g_string_append_printf (text, "/* \303\251 */ E%u, ", i);
  g_string_append (text, "}\n");
  lsp_test_begin (&test, TREES);
  lsp_test_set (&test, "a.thrift", text->str);
  answer = lsp_test_ask_here (&test, "textDocument/documentSymbol", NULL);
  assert_has (answer, "\"name\": \"E49999\"");
  lsp_test_end (&test);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (symbol_trees),
    TEST (flat_symbols),
    TEST (symbols_of_a_broken_document),
    TEST (workspace_symbols),
    TEST (formatting),
    TEST (a_long_line),
    { NULL },
  };

  return test_main ("lsp-documents", cases, argc, argv);
}
