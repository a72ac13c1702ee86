/* The formatter's layout, comments, and that it says no when the text has mistakes; and diffs. */
#include "idl-test.h"

#include "format.h"

#include <string.h>

/* (nullable) (transfer full) */
static gchar *
format (const gchar *text, gsize length)
{
  g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();
  gchar *copy = g_malloc0 (length + 1);
  g_autoptr (IdlSource) source = NULL;
  gchar *formatted;

  memcpy (copy, text, length);
  source = idl_source_new ("t.thrift", copy, length);
  formatted = idl_format_source (source, diagnostics);
  CU_ASSERT_EQUAL (formatted == NULL, idl_diagnostics_count (diagnostics, IDL_ERROR) > 0);
  return formatted;
}

static void
assert_formats_at (const gchar *text, const gchar *expected, int line)
{
  g_autofree gchar *once = format (text, strlen (text));
  g_autofree gchar *twice = once == NULL ? NULL : format (once, strlen (once));

  test_assert_string (once, expected, __FILE__, line);
  test_assert_string (twice, expected, __FILE__, line);
}
#define assert_formats(text, expected) assert_formats_at ((text), (expected), __LINE__)

static void
headers (void)
{
  assert_formats ("include 'a.thrift'   include 'b.thrift'\n\n\n\nnamespace  c_glib\tx (a='b',c)",
                  "include 'a.thrift'\ninclude 'b.thrift'\n\nnamespace c_glib x (a = 'b', c)\n");
  assert_formats ("", "");
  assert_formats ("\n\n// only a comment\n\n", "// only a comment\n");
}

static void
definitions (void)
{
  assert_formats (
      "typedef  map < i32 ,list<string> >T;struct S{1:required i32 a=5(x='y'),2:S&b;}const i32 A=1",
      "typedef map<i32, list<string>> T;\n\n"
      "struct S {\n"
      "  1: required i32 a = 5 (x = 'y'),\n"
      "  2: S& b;\n"
      "}\n\n"
      "const i32 A = 1\n");
  assert_formats ("enum E{A,B=2}(x='y')enum F{}",
                  "enum E {\n  A,\n  B = 2\n} (x = 'y')\n\nenum F {}\n");
  assert_formats ("struct S {\n\n\n  1: i32 a\n\n\n  2: i32 b\n\n}\n",
                  "struct S {\n  1: i32 a\n\n  2: i32 b\n}\n");
  assert_formats ("struct S xsd_all {1:i32 a xsd_optional xsd_nillable xsd_attrs{1:i32 b}}",
                  "struct S xsd_all {\n"
                  "  1: i32 a xsd_optional xsd_nillable xsd_attrs {\n"
                  "    1: i32 b\n"
                  "  }\n"
                  "}\n");
}

static void
services (void)
{
  assert_formats (
      "service S extends P{void f(),oneway void g(1:i32 a);list<i32> h()throws(1:X x)(y='z')}",
      "service S extends P {\n"
      "  void f(),\n"
      "  oneway void g(1: i32 a);\n"
      "  list<i32> h() throws (1: X x) (y = 'z')\n"
      "}\n");
}

static void
long_lines (void)
{
  assert_formats (
      "service S { string a_function(1: string the_first_argument, 2: string the_second_argument, "
      "3: i32 three) throws (1: X x) }",
      "service S {\n"
      "  string a_function(\n"
      "    1: string the_first_argument,\n"
      "    2: string the_second_argument,\n"
      "    3: i32 three\n"
      "  ) throws (1: X x)\n"
      "}\n");
  assert_formats ("const map<string, list<i32>> M = {'the first key of this map': [1, 2, 3], "
                  "'the second key of this map': [4, 5, 6]}",
                  "const map<string, list<i32>> M = {\n"
                  "  'the first key of this map': [1, 2, 3],\n"
                  "  'the second key of this map': [4, 5, 6]\n"
                  "}\n");
}

static void
comments (void)
{
  assert_formats ("// first\n\n\n// second\nstruct S { // open\n// own\n 1: i32 a // after a\n, 2: "
                  "i32 b, # after b\n"
                  "   // before the end\n} // after S\n/* block */ struct T {}",
                  "// first\n\n// second\n"
                  "struct S { // open\n"
                  "  // own\n"
                  "  1: i32 a // after a\n"
                  "  ,\n"
                  "  2: i32 b, # after b\n"
                  "  // before the end\n"
                  "} // after S\n\n"
                  "/* block */ struct T {}\n");
  assert_formats ("const i32 /* in */ A = /* the */ 1 /* end */\n",
                  "const i32 /* in */ A = /* the */ 1 /* end */\n");
  assert_formats ("const list<i32> A = [1, // one\n2]",
                  "const list<i32> A = [\n  1, // one\n  2\n]\n");
  assert_formats ("struct S {\n// only\n}", "struct S {\n  // only\n}\n");
}

static void
block_comments (void)
{
  assert_formats ("struct S { /** a */ 1: i32 a, /* b */ 2: i32 b /* end */ }",
                  "struct S {\n  /** a */ 1: i32 a,\n  /* b */ 2: i32 b /* end */\n}\n");
  assert_formats (
      "struct S {\n      /**\n       * text\n       *   more\n       */\n      1: i32 a\n}",
      "struct S {\n  /**\n   * text\n   *   more\n   */\n  1: i32 a\n}\n");
  assert_formats ("/* a  \n     b\r\n  c */\nstruct S {}", "/* a\n     b\n  c */\nstruct S {}\n");
}

static void
mistakes (void)
{
  g_autofree gchar *syntax = format ("struct S {", 10);
  g_autofree gchar *nul = format ("// \0\nstruct S {}", 16);
  /* What is not found or not allowed does not matter to the layout. */
  g_autofree gchar *meaning = format ("include 'nowhere' struct S { 1: Unknown a }", 43);

  CU_ASSERT_PTR_NULL (syntax);
  CU_ASSERT_PTR_NULL (nul);
  CU_ASSERT_PTR_NOT_NULL (meaning);
}

static void
diffs (void)
{
  g_autofree gchar *none = idl_format_diff ("f", "a\n", "a\n");
  g_autofree gchar *one =
      idl_format_diff ("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n");
  g_autofree gchar *two =
      idl_format_diff ("f", "a\n1\n2\n3\n4\n5\n6\n7\n8\nb", "1\n2\n3\n4\n5\n6\n7\n8\nb\n");
  g_autofree gchar *fresh = idl_format_diff ("f", "", "a\n");

  assert_string (none, "");
  assert_string (one, "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
  assert_string (two,
                 "--- f\n+++ f\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -7,4 +6,4 @@\n 6\n 7\n 8\n-b\n"
                 "\\ No newline at end of file\n+b\n");
  assert_string (fresh, "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
}

/* Two texts that have nothing in common: given up for one block, and not in quadratic time. */
static void
diff_of_large_texts (void)
{
  g_autoptr (GString) one = g_string_new (NULL);
  g_autoptr (GString) other = g_string_new (NULL);
  g_autofree gchar *diff = NULL;

  for (guint i = 0; i < 100000; i++)
    {
      g_string_append_printf (one, "a%u\n", i);
      g_string_append_printf (other, "b%u\n", i);
    }
  diff = idl_format_diff ("f", one->str, other->str);
  CU_ASSERT_TRUE (g_str_has_prefix (diff, "--- f\n+++ f\n@@ -1,100000 +1,100000 @@\n-a0\n"));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (headers),    TEST (definitions), TEST (services),
    TEST (long_lines), TEST (comments),    TEST (block_comments),
    TEST (mistakes),   TEST (diffs),       TEST (diff_of_large_texts),
    { NULL }
  };

  return test_main ("idl-format", cases, argc, argv);
}
