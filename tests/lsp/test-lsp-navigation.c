/* From names to declarations and uses, and what is shown of them. */
#include "lsp-test.h"

#define RANGE(line, from, to)                                                                      \
  "\"range\": {\"start\": {\"line\": " #line ", \"character\": " #from                             \
  "}, \"end\": {\"line\": " #line ", \"character\": " #to "}}"

static const gchar shared_text[] = "/** Colours. */\n"
                                   "enum Color { RED = 1, /** Like grass. */ GREEN }\n"
                                   "typedef Color Hue\n"
                                   "const i32 MAX = 7\n"
                                   "service Base {}\n";

static void
begin (LspTest *test)
{
  lsp_test_begin (test, "{\"textDocument\":{\"hover\":{\"contentFormat\":[\"markdown\"]}}}");
  lsp_test_write (test, "shared.thrift", shared_text);
}

static void
definitions (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/definition";

  begin (&test);
  lsp_test_set (&test, "a.thrift", "include \"sha|red.thrift\"\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (0, 0, 0));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst sha|red.Hue H = 1\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (0, 0, 0));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst shared.Hue| H = 1\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (2, 14, 17));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst i32 H = shared.Color.|GREEN\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (1, 41, 46));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst i32 H = shared.M|AX\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (3, 10, 13));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nservice S extends shared.|Base {}\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (4, 8, 12));
  lsp_test_set (&test, "a.thrift", "struct S { 1: i32 |a }\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/a.thrift\", " RANGE (0, 18, 19));
  /* Of a file with a byte order mark the client shows none. */
  lsp_test_write (&test, "mark.thrift", "\357\273\277struct M {}\n");
  lsp_test_set (&test, "a.thrift", "include 'mark.thrift'\ntypedef mark.|M N\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/mark.thrift\", " RANGE (0, 7, 8));
  lsp_test_set (&test, "a.thrift", "struct S { 1: |i32 a }\n");
  assert_here (&test, method, NULL, "\"result\": null");
  lsp_test_end (&test);
}

/* In what is open, what that includes, and the workspace's other files. */
static void
references (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/references";

  begin (&test);
  lsp_test_write (&test, "other.thrift",
                  "include 'shared.thrift'\nconst list<shared.Color> L = [shared.Color.RED]\n");
  lsp_test_write (&test, "broken.thrift", "include 'shared.thrift'\nstruct S { 1: shared.Color\n");
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nstruct S { 1: shared.|Color c }\n");
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/a.thrift\", " RANGE (1, 21, 26));
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/other.thrift\", " RANGE (1, 18, 23));
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/other.thrift\", " RANGE (1, 37, 42));
  assert_here (&test, method, NULL, "{\"uri\": \"DIR/shared.thrift\", " RANGE (2, 8, 13));
  assert_here (&test, method, "\"context\":{\"includeDeclaration\":true}",
               "{\"uri\": \"DIR/shared.thrift\", " RANGE (1, 5, 10));
  lsp_test_set (&test, "shared.thrift", "enum Color { |RED, GREEN }\n");
  assert_here (&test, method, NULL,
               "\"result\": [{\"uri\": \"DIR/other.thrift\", " RANGE (1, 43, 46) "}]");
  lsp_test_end (&test);
}

static void
highlights (void)
{
  LspTest test;

  begin (&test);
  lsp_test_set (&test, "a.thrift", "struct A {}\nstruct B { 1: list<|A> a, 2: A b }\n");
  assert_here (&test, "textDocument/documentHighlight", NULL,
               "\"result\": [{" RANGE (0, 7, 8) "}, {" RANGE (1, 19, 20) "}, {" RANGE (1, 28,
                                                                                       29) "}]");
  lsp_test_end (&test);
}

static void
renames (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/rename";

  begin (&test);
  lsp_test_set (&test, "a.thrift",
                "include 'shared.thrift'\nstruct |A { 1: shared.Hue h }\nconst A B = { 'h': 1 }\n");
  assert_here (&test, "textDocument/prepareRename", NULL, "\"character\": 7}");
  assert_here (&test, method, "\"newName\":\"Z\"",
               "\"result\": {\"changes\": {\"DIR/a.thrift\": [{" RANGE (
                   1, 7, 8) ", \"newText\": \"Z\"}, {" RANGE (2, 6, 7) ", \"newText\": \"Z\"}]}}");
  assert_here (&test, method, "\"newName\":\"B\"", "'B' is taken");
  assert_here (&test, method, "\"newName\":\"struct\"", "'struct' is no name");
  assert_here (&test, method, "\"newName\":\"a b\"", "'a b' is no name");
  assert_here (&test, method, "\"newName\":7", "\"error\": {\"code\": -32602");
  lsp_test_set (&test, "a.thrift", "struct A { 1: i32 |h }\nconst A B = { 'h': 1 }\n");
  assert_here (&test, method, "\"newName\":\"k\"", RANGE (1, 15, 16) ", \"newText\": \"k\"}");
  lsp_test_set (&test, "a.thrift", "include '|shared.thrift'\n");
  assert_here (&test, method, "\"newName\":\"k\"", "a file is not renamed here");
  /* Half of a rename is worse than none. */
  lsp_test_set (&test, "b.thrift", "include 'a.thrift'\nstruct B { 1: a.A a, 2: }\n");
  lsp_test_set (&test, "a.thrift", "struct |A {}\n");
  assert_here (&test, method, "\"newName\":\"Z\"", "/b.thrift' has a syntax error");
  lsp_test_end (&test);
}

static void
hovers (void)
{
  LspTest test;
  static const gchar method[] = "textDocument/hover";

  begin (&test);
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst shared.|Color H = 1\n");
  assert_here (
      &test, method, NULL,
      "{\"contents\": {\"kind\": \"markdown\", \"value\": \"```thrift\\nenum Color { RED = "
      "1, /** Like grass. */ GREEN }\\n```\\n\\nColours.\\n\"}, " RANGE (1, 13, 18));
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\nconst i32 H = shared.Color.GR|EEN\n");
  assert_here (&test, method, NULL, "`Color.GREEN` is 2\\n\\nLike grass.\\n");
  lsp_test_set (&test, "a.thrift",
                "include 'shared.thrift'\n"
                "struct S {\n"
                "  /** Tint. */\n"
                "  3: optional shared.Hue |hue = shared.Color.RED;\n"
                "}\n");
  assert_here (&test, method, NULL,
               "3: optional shared.Hue hue = shared.Color.RED\\n```\\n\\nField 3 of `S`, "
               "optional\\n\\n`shared.Hue` is `Color`\\n\\nTint.\\n");
  lsp_test_set (
      &test, "a.thrift",
      "include 'shared.thrift'\nconst list<i32> |L = [1, shared.MAX]\nconst list<i32> M = "
      "L\n");
  assert_here (&test, method, NULL, "const list<i32> L = [1, shared.MAX]\\n```\\n");
  lsp_test_set (
      &test, "a.thrift",
      "include 'shared.thrift'\nconst list<i32> L = [1, shared.MAX]\nconst list<i32> |M = "
      "L\n");
  assert_here (&test, method, NULL, "The value is `[1, 7]`");
  lsp_test_set (&test, "a.thrift", "service S { i32 f (4: i32 |a) throws () }\n");
  assert_here (&test, method, NULL, "4: i32 a\\n```\\n\\nArgument 4 of `f`\\n");
  lsp_test_set (&test, "a.thrift", "// |nothing\n");
  assert_here (&test, method, NULL, "\"result\": null");
  lsp_test_end (&test);
}

/* For a client that shows no Markdown; and a text in Latin-1 on disk is shown as far as it can be. */
static void
plain_hovers (void)
{
  LspTest test;

  lsp_test_begin (&test, "{}");
  lsp_test_write (&test, "shared.thrift", "/** \351t\351 */\nenum E { A /* \351 */ }\n");
  lsp_test_set (&test, "a.thrift", "include 'shared.thrift'\ntypedef shared.|E F\n");
  assert_here (&test, "textDocument/hover", NULL,
               "{\"kind\": \"plaintext\", \"value\": \"enum E { A /* \357\277\275 */ "
               "}\\n\\n\357\277\275t\357\277\275\\n\"}");
  lsp_test_end (&test);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (definitions), TEST (references),   TEST (highlights), TEST (renames),
    TEST (hovers),      TEST (plain_hovers), { NULL },
  };

  return test_main ("lsp-navigation", cases, argc, argv);
}
