/* What the client is told of mistakes, and when. */
#include "lsp-test.h"

#include <glib/gstdio.h>

#define RELATED                                                                                    \
  "{\"textDocument\":{\"publishDiagnostics\":{\"relatedInformation\":true,\"versionSupport\":"     \
  "true}}}"

static void
a_mistake_and_its_end (void)
{
  LspTest test;
  g_autofree gchar *wrong = NULL;
  g_autofree gchar *silent = NULL;
  g_autofree gchar *right = NULL;
  g_autofree gchar *closed = NULL;

  lsp_test_begin (&test, RELATED);
  lsp_test_set (&test, "a.thrift", "struct S {\n  1: Foo a\n}\n");
  wrong = lsp_test_take (&test);
  assert_string (
      wrong,
      "{\"jsonrpc\": \"2.0\", \"method\": \"textDocument/publishDiagnostics\", \"params\": "
      "{\"uri\": \"DIR/a.thrift\", \"version\": 1, \"diagnostics\": [{\"range\": {\"start\": "
      "{\"line\": 1, \"character\": 5}, \"end\": {\"line\": 1, \"character\": 8}}, \"severity\": "
      "1, "
      "\"code\": \"unknown-type\", \"source\": \"tallyc\", \"message\": \"unknown type "
      "'Foo'\"}]}}\n");
  silent = lsp_test_take (&test);
  assert_string (silent, "");
  lsp_test_set (&test, "a.thrift", "struct S {\n  1: i32 a\n}\n");
  right = lsp_test_take (&test);
  assert_has (right, "\"diagnostics\": []");
  lsp_test_set (&test, "a.thrift", "struct S {");
  lsp_test_close (&test, "a.thrift");
  closed = lsp_test_take (&test);
  assert_string (closed, ""); /* the mistake was never shown */
  lsp_test_end (&test);
}

/* Warnings, and places that belong to them. */
static void
related_places (void)
{
  LspTest test;
  g_autofree gchar *related = NULL;
  g_autofree gchar *text = NULL;
  static const gchar twice[] = "struct S {}\nconst i32 S = 1\n";

  lsp_test_begin (&test, RELATED);
  lsp_test_set (&test, "a.thrift", twice);
  related = lsp_test_take (&test);
  assert_has (related, "\"severity\": 2, \"code\": \"duplicate-name\"");
  assert_has (related,
              "\"relatedInformation\": [{\"location\": {\"uri\": \"DIR/a.thrift\", "
              "\"range\": {\"start\": {\"line\": 0, \"character\": 7}, \"end\": {\"line\": "
              "0, \"character\": 8}}}, \"message\": \"the other 'S' is here\"}]");
  lsp_test_end (&test);
  lsp_test_begin (&test, "{}");
  lsp_test_set (&test, "a.thrift", twice);
  text = lsp_test_take (&test);
  assert_has_not (text, "relatedInformation");
  assert_has_not (text, "version");
  assert_has (text, "a.thrift:1:8: the other 'S' is here\"}");
  lsp_test_end (&test);
}

/* What is typed in an included file counts for those that include it, before it is saved. */
static void
an_include_in_the_editor (void)
{
  LspTest test;
  g_autofree gchar *first = NULL;
  g_autofree gchar *renamed = NULL;
  g_autofree gchar *broken = NULL;
  g_autofree gchar *closed = NULL;

  lsp_test_begin (&test, RELATED);
  lsp_test_write (&test, "b.thrift", "struct B {}\n");
  lsp_test_set (&test, "a.thrift", "include 'b.thrift'\nstruct A { 1: b.B b }\n");
  first = lsp_test_take (&test);
  assert_has (first, "\"diagnostics\": []");
  lsp_test_set (&test, "b.thrift", "struct C {}\n");
  renamed = lsp_test_take (&test);
  assert_has (renamed, "unknown type 'b.B'; did you mean 'b.C'?");
  lsp_test_set (&test, "b.thrift", "struct C {\n");
  broken = lsp_test_take (&test);
  assert_has (broken, "\"code\": \"unclosed\"");
  assert_has (broken, "\"message\": \"the included file has an error: expected '}' before the end "
                      "of the file\"");
  assert_has_not (broken, "unknown type");
  lsp_test_close (&test, "b.thrift");
  closed = lsp_test_take (&test);
  assert_has (closed, "\"uri\": \"DIR/a.thrift\", \"version\": 1, \"diagnostics\": []");
  assert_has (closed, "\"uri\": \"DIR/b.thrift\", \"diagnostics\": []");
  lsp_test_end (&test);
}

/* An include that is on disk only is told of too, and one that is neither is found when it comes. */
static void
includes_on_disk (void)
{
  LspTest test;
  g_autofree gchar *missing = NULL;
  g_autofree gchar *opened = NULL;
  g_autofree gchar *broken = NULL;
  g_autofree gchar *deleted = NULL;
  g_autofree gchar *path = NULL;

  lsp_test_begin (&test, RELATED);
  lsp_test_set (&test, "a.thrift", "include 'b.thrift'\n");
  missing = lsp_test_take (&test);
  assert_has (missing, "\"code\": \"include-not-found\"");
  lsp_test_set (&test, "b.thrift", "struct B {}\n");
  opened = lsp_test_take (&test);
  assert_has (opened, "\"uri\": \"DIR/a.thrift\", \"version\": 1, \"diagnostics\": []");
  lsp_test_close (&test, "b.thrift");
  lsp_test_write (&test, "b.thrift", "struct B {\n");
  lsp_test_notify (&test, "workspace/didChangeWatchedFiles", "{}");
  broken = lsp_test_take (&test);
  assert_has (broken, "\"uri\": \"DIR/b.thrift\", \"diagnostics\": [{");
  assert_has (broken, "the included file has an error");
  path = g_build_filename (test.directory, "b.thrift", NULL);
  g_remove (path);
  lsp_test_notify (&test, "textDocument/didSave", "{}");
  deleted = lsp_test_take (&test);
  assert_has (deleted, "\"code\": \"include-not-found\"");
  assert_has (deleted, "\"uri\": \"DIR/b.thrift\", \"diagnostics\": []");
  lsp_test_end (&test);
}

/* Two documents that include each other; and one that is deleted while it is open. */
static void
cycles_and_deleted_files (void)
{
  LspTest test;
  g_autofree gchar *said = NULL;
  g_autofree gchar *path = NULL;
  g_autofree gchar *still = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_write (&test, "a.thrift", "");
  lsp_test_set (&test, "a.thrift", "include 'b.thrift'\ninclude 'a.thrift'\nstruct A {}\n");
  lsp_test_set (&test, "b.thrift", "include 'a.thrift'\n");
  said = lsp_test_take (&test);
  assert_has (said, "\"code\": \"include-cycle\"");
  path = g_build_filename (test.directory, "a.thrift", NULL);
  g_remove (path);
  lsp_test_set (&test, "a.thrift", "struct |A {}\n");
  lsp_test_set (&test, "b.thrift", "include 'a.thrift'\nstruct B { 1: a.A a }\n");
  still = lsp_test_take (&test);
  assert_has_not (still, "\"code\"");
  assert_here (&test, "textDocument/references", NULL, "\"uri\": \"DIR/b.thrift\"");
  lsp_test_end (&test);
}

/* Units of UTF-16 before the mistake, whatever the line ends are. */
static void
places_in_utf16 (void)
{
  LspTest test;
  g_autofree gchar *said = NULL;
  g_autofree gchar *bytes = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_set (
      &test, "a.thrift",
      "\357\273\277// x\r\nstruct S {}\r\r\n/* \303\251\360\235\204\236 */ const Foo A = 1\r\n");
  said = lsp_test_take (&test);
  assert_has (said, "{\"start\": {\"line\": 3, \"character\": 16}, \"end\": {\"line\": 3, "
                    "\"character\": 19}}");
  lsp_test_end (&test);
  lsp_test_begin (&test, "{\"general\":{\"positionEncodings\":[\"utf-8\"]}}");
  lsp_test_set (&test, "a.thrift", "/* \303\251\360\235\204\236 */ const Foo A = 1\n");
  bytes = lsp_test_take (&test);
  assert_has (bytes, "{\"start\": {\"line\": 0, \"character\": 19}");
  lsp_test_end (&test);
}

/* Changes of ranges, one after the other, in units of UTF-16. */
static void
incremental_changes (void)
{
  LspTest test;
  g_autofree gchar *symbols = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_set (&test, "a%20b.thrift", "// \360\235\204\236x\r\nstruct S {}\r\n");
  lsp_test_notify (
      &test, "textDocument/didChange",
      "{\"textDocument\":{\"uri\":\"DIR/a%20b.thrift\",\"version\":2},\"contentChanges\":["
      "{\"range\":{\"start\":{\"line\":0,\"character\":5},\"end\":{\"line\":1,\"character\":0}},"
      "\"text\":\"\\nenum \"},"
      "{\"range\":{\"start\":{\"line\":1,\"character\":5},\"end\":{\"line\":1,\"character\":12}},"
      "\"text\":\"\"},"
      "{\"range\":{\"start\":{\"line\":1,\"character\":8},\"end\":{\"line\":1,\"character\":8}},"
      "\"text\":\"ONE\"},"
      "{\"range\":{\"start\":{\"line\":9,\"character\":9},\"end\":{\"line\":9,\"character\":9}},"
      "\"text\":\"const i32 K = 1\"},"
      "{\"range\":{\"start\":{\"line\":5,\"character\":0},\"end\":{\"line\":1,\"character\":0}},"
      "\"text\":\"nonsense\"},"
      "{\"text\":5}, 7]}");
  symbols = lsp_test_ask (&test, "textDocument/documentSymbol",
                          "{\"textDocument\":{\"uri\":\"DIR/a%20b.thrift\"}}");
  assert_has (symbols, "\"name\": \"S\", \"kind\": 10");
  assert_has (symbols, "\"name\": \"ONE\"");
  assert_has (symbols, "\"name\": \"K\"");
  lsp_test_end (&test);
}

/* A text that was never saved. */
static void
no_file (void)
{
  LspTest test;
  g_autofree gchar *said = NULL;

  lsp_test_begin (&test, "{}");
  lsp_test_notify (&test, "textDocument/didOpen",
                   "{\"textDocument\":{\"uri\":\"untitled:Untitled-1\",\"text\":\"struct S { 1: "
                   "Foo a }\"}}");
  said = lsp_test_take (&test);
  assert_has (said, "\"uri\": \"untitled:Untitled-1\", \"diagnostics\": [{");
  lsp_test_end (&test);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_mistake_and_its_end),
    TEST (related_places),
    TEST (an_include_in_the_editor),
    TEST (includes_on_disk),
    TEST (cycles_and_deleted_files),
    TEST (places_in_utf16),
    TEST (incremental_changes),
    TEST (no_file),
    { NULL },
  };

  return test_main ("lsp-diagnostics", cases, argc, argv);
}
