/* What is offered where. */
#include "lsp-test.h"

#include <string.h>

/* The labels of what is offered at the cursor of @text, divided by blanks. (transfer full) */
static gchar *
complete (LspTest *test, const gchar *text)
{
  static const gchar mark[] = "{\"label\": \"";
  g_autofree gchar *answer = NULL;
  g_autoptr (GString) labels = g_string_new (NULL);
  const gchar *at;

  lsp_test_set (test, "a.thrift", text);
  answer = lsp_test_ask_here (test, "textDocument/completion", NULL);
  assert_has (answer, "\"isIncomplete\": false");
  for (at = strstr (answer, mark); at != NULL; at = strstr (at, mark))
    {
      at += strlen (mark);
      g_string_append_len (labels, at, strchr (at, '"') - at);
      g_string_append_c (labels, ' ');
    }
  return g_string_free (g_steal_pointer (&labels), FALSE);
}

#define assert_offers(test, text, expected)                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree gchar *labels_ = complete ((test), (text));                                         \
    assert_string (labels_, (expected));                                                           \
  }                                                                                                \
  G_STMT_END

#define BASE_TYPES "binary bool byte double i16 i32 i64 i8 list map set string uuid "
#define DECLARATIONS "const enum exception include namespace service struct typedef union "

static void
begin (LspTest *test)
{
  lsp_test_begin (test, "{}");
  lsp_test_write (test, "shared.thrift",
                  "enum Color { RED, GREEN } struct Thing {} exception Oops {} service Base {} "
                  "const i32 MAX = 7 typedef Color Hue");
}

static void
declarations (void)
{
  LspTest test;

  begin (&test);
  assert_offers (&test, "|", DECLARATIONS);
  assert_offers (&test, "str|", "struct ");
  assert_offers (&test, "struct A {}\n|\nstruct B {}\n", DECLARATIONS);
  assert_offers (&test, "const i32 A = 1\nstr|", "struct ");
  assert_offers (&test, "struct A {}\nenum |", "");
  assert_offers (&test, "namespace cp|", "cpp ");
  assert_offers (&test, "namespace c_glib |", "");
  assert_offers (&test, "service A |{}\n", "extends ");
  assert_offers (&test, "include 'shared.thrift'\nservice A extends |{}\nservice C {}",
                 "A C shared.Base ");
  lsp_test_end (&test);
}

static void
types (void)
{
  LspTest test;

  begin (&test);
  assert_offers (&test, "struct A {\n  1: |\n}\nenum E { X }\nservice S {}\n",
                 "optional required " BASE_TYPES "A E ");
  assert_offers (&test, "struct A {\n  1: required |\n}\n", BASE_TYPES "A ");
  assert_offers (&test, "struct A {\n  1: i32 a,\n  2: map<i32, |\n}\n", BASE_TYPES "A ");
  assert_offers (&test, "struct A {\n  1: i32 a\n  |\n}\n", "optional required " BASE_TYPES "A ");
  assert_offers (&test, "struct A {\n  1: i32 a |\n}\n", "");
  assert_offers (&test, "struct A {\n  1: i32 |\n}\n", "");
  assert_offers (&test, "typedef i|", "binary i16 i32 i64 i8 list string uuid ");
  assert_offers (&test, "include 'shared.thrift'\nstruct A {\n  1: shared.|\n}\n",
                 "shared.Color shared.Thing shared.Oops shared.Hue ");
  assert_offers (&test, "include 'shared.thrift'\nstruct A {\n  1: list<shared.Th|> a\n}\n",
                 "shared.Thing ");
  assert_offers (&test, "struct A { 1: i32 a (x = \"y\", |) }", "");
  assert_offers (&test, "enum E { | }", "");
  lsp_test_end (&test);
}

static void
functions (void)
{
  LspTest test;

  begin (&test);
  assert_offers (&test, "service S {\n  |\n}\n", "void oneway " BASE_TYPES);
  assert_offers (&test, "service S {\n  oneway |\n}\n", "void " BASE_TYPES);
  assert_offers (&test, "service S {\n  void |\n}\n", "");
  assert_offers (&test, "service S {\n  void f (1: |)\n}\n", BASE_TYPES);
  assert_offers (&test, "service S {\n  void f (1: i32 a) |\n}\n", "throws ");
  assert_offers (&test,
                 "include 'shared.thrift'\nexception E {}\nstruct A {}\n"
                 "service S {\n  void f (1: i32 a) throws (1: |\n}\n",
                 "E shared.Oops ");
  assert_offers (&test, "service S {\n  void f ()\n  |\n}\n", "void oneway throws " BASE_TYPES);
  lsp_test_end (&test);
}

static void
values (void)
{
  LspTest test;
  g_autofree gchar *answer = NULL;

  begin (&test);
  assert_offers (&test, "enum E { X, Y }\nconst E A = |\n", "E.X E.Y A ");
  assert_offers (&test, "enum E { X, Y }\nconst E A = E.|\n", "E.X E.Y ");
  assert_offers (&test, "struct S {\n  1: bool b = |\n}\n", "false true ");
  assert_offers (&test, "include 'shared.thrift'\nconst map<shared.Hue, i32> M = { shared.|\n",
                 "shared.Color.RED shared.Color.GREEN shared.MAX ");
  answer = lsp_test_ask_here (&test, "textDocument/completion", NULL);
  /* Those of the wanted enum first. */
  assert_has (answer, "\"detail\": \"0\", \"sortText\": \"0shared.Color.RED\"");
  assert_has (answer, "\"textEdit\": {\"range\": {\"start\": {\"line\": 1, \"character\": 33}, "
                      "\"end\": {\"line\": 1, \"character\": 40}}, \"newText\": "
                      "\"shared.Color.RED\"}");
  lsp_test_end (&test);
}

static void
nothing_in_comments_and_strings (void)
{
  LspTest test;

  begin (&test);
  assert_offers (&test, "// |", "");
  assert_offers (&test, "# str|\n", "");
  assert_offers (&test, "/* str| */", "");
  assert_offers (&test, "/** str|", "");
  assert_offers (&test, "/* x */ str|", "struct ");
  assert_offers (&test, "// x\nstr|", "struct ");
  assert_offers (&test, "include \"str|", "");
  assert_offers (&test, "const string A = \"x|\"", "");
  assert_offers (&test, "struct A { 1|", "");
  lsp_test_end (&test);
}

/* What is broken before the cursor ends where a definition begins. */
static void
after_mistakes (void)
{
  LspTest test;

  begin (&test);
  assert_offers (&test, "struct A {\n  1: list<i32\n  2: }\nstruct B {\n  1: |\n}\nstruct C {}",
                 "optional required " BASE_TYPES "A B C ");
  assert_offers (&test, "const map<i32, i32> M = { 1: [ \nstruct B {\n  1: optional |",
                 BASE_TYPES "B ");
  assert_offers (&test, ")))}}}>>>]]] |", DECLARATIONS);
  lsp_test_end (&test);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (declarations),
    TEST (types),
    TEST (functions),
    TEST (values),
    TEST (after_mistakes),
    TEST (nothing_in_comments_and_strings),
    { NULL },
  };

  return test_main ("lsp-completion", cases, argc, argv);
}
