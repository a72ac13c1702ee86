/* Tokens: numbers, strings, comments, and bytes that are none. */
#include "idl-test.h"

#include "lexer.h"

#include <string.h>

static const IdlValue *
value_of (const IdlProgram *program, const gchar *name)
{
  return idl_test_find (program, name)->value;
}

static void
numbers (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program =
      idl_test_load ("const i64 A = -9223372036854775808\n"
                     "const i64 B = -0x8000000000000000\n"
                     "const i64 C = +7, const i64 D = 0xfF; const double E = -.5e-1\n"
                     "const double F = 1E3 const double G = 1.25",
                     &unit);

  assert_int (value_of (program, "A")->integer, G_MININT64);
  assert_int (value_of (program, "B")->integer, G_MININT64);
  assert_int (value_of (program, "C")->integer, 7);
  assert_int (value_of (program, "D")->integer, 255);
  CU_ASSERT_EQUAL (value_of (program, "E")->number, -.05);
  CU_ASSERT_EQUAL (value_of (program, "F")->number, 1000);
  CU_ASSERT_EQUAL (value_of (program, "G")->number, 1.25);
}

static void
wrong_numbers (void)
{
  assert_says ("const i64 A = 9223372036854775808", "1:15: error: integer does not fit 64 bits\n");
  assert_says ("const i64 A = -0x8000000000000001", "1:15: error: integer does not fit 64 bits\n");
  assert_says ("const double A = 1e999", "1:18: error: number is too large for a double\n");
  assert_says ("const i32 A = -", "1:15: error: a sign without a number\n");
  assert_says ("const double A = .e5", "1:18: error: unexpected character '.'\n");
}

static void
strings (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program =
      idl_test_load ("const string A = \"a\\n\\r\\t\\\\\\\"'\\'\" const string B = '\"\xc3\xa9'",
                     &unit);

  assert_string (value_of (program, "A")->text, "a\n\r\t\\\"''");
  assert_int (value_of (program, "A")->length, 8);
  assert_string (value_of (program, "B")->text, "\"\xc3\xa9");
}

static void
wrong_strings (void)
{
  assert_says ("const string A = \"abc",
               "1:18: error: string is not closed at the end of the line\n");
  assert_says ("const string A = 'a\nb'",
               "1:18: error: string is not closed at the end of the line\n");
  assert_says ("const string A = \"a\\",
               "1:18: error: string is not closed at the end of the line\n");
  assert_says ("const string A = \"a\\x41\"",
               "1:20: error: unknown escape: there are \\n, \\r, \\t, \\\", \\' and \\\\\n");
}

static void
comments (void)
{
  assert_says ("/**/ /***/ // x\n# y\n/* z **/ struct S {} // no end", "");
  assert_says ("struct S {}\n/* open", "2:1: error: comment is not closed\n");
  assert_says ("struct S {}\n/*/", "2:1: error: comment is not closed\n");
  assert_says ("/** a /* b */ struct S {}",
               "1:7: warning: '/*' within a comment: comments do not nest\n");
}

static void
white_space (void)
{
  assert_says ("struct S {\r\n  1: i32 a\r\n}\r\n", "");
  assert_says ("// comment\rstruct S {\r  1: Foo a\r}", "3:6: error: unknown type 'Foo'\n");
  assert_says ("struct S {}\f",
               "1:12: warning: form feed: other Thrift compilers do not take it as white space\n");
  assert_says ("\xef\xbb\xbfstruct S {}", "");
}

static void
stray_bytes (void)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *said = NULL;

  assert_says ("struct S {\n  $1: i32 a\n}", "2:3: error: unexpected character '$'\n");
  assert_says ("struct \xc3\xa9t {}", "1:8: error: unexpected character '\xc3\xa9'\n");
  assert_says ("struct S\xff {}", "1:9: error: unexpected byte 0xFF\n");
  assert_says ("// \xff\xfe \xff\nstruct S {}", "1:4: warning: the text is not UTF-8\n");
  assert_says ("struct S {}\n\x1a", "2:1: error: unexpected byte 0x1A\n");
  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", "struct S {}\n\0", 13));
  said = idl_test_diagnostics (unit);
  assert_string (said, "2:1: error: NUL byte: this is not a text file\n");
}

static void
other_encodings (void)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *said = NULL;

  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", "\xff\xfes\0t\0", 6));
  CU_ASSERT_PTR_NOT_NULL (idl_unit_load_text (unit, "t.thrift", "// a\0b\n", 7));
  said = idl_test_diagnostics (unit);
  assert_string (
      said, "1:1: error: the file is UTF-16; Thrift files are UTF-8\n1:5: warning: NUL byte\n");
}

static void
doc_text (void)
{
  static const gchar *const docs[][2] = {
    { "/** one */", "one" },
    { "/**\n * a\n *  b\n *\n * c\n */", "a\n b\n\nc" },
    { "/** a\n    b\n      c\n */", "a\nb\n  c" },
    { "/*** a **/", "a" },
    { "/** a\r\n * b */", "a\nb" },
  };
  g_autoptr (IdlArena) arena = idl_arena_new ();

  for (guint i = 0; i < G_N_ELEMENTS (docs); i++)
    assert_string (idl_lexer_clean_doc (arena, docs[i][0], strlen (docs[i][0])), docs[i][1]);
}

/* AddressSanitizer makes each byte twenty times as dear. */
#ifdef __SANITIZE_ADDRESS__
#define LONG (1000 * 1000)
#else
#define LONG (10 * 1000 * 1000)
#endif

/* A long token of each kind; each takes a fraction of a second or the test times out. */
static void
long_tokens (void)
{
  static const gchar *const frames[][3] = {
    { "const string A = '", "x", "'" },
    { "/* ", "*", " */" },
    { "// ", "x", "" },
    { "const i32 A = ", "1", "" },
    { "const double A = .", "1", "" },
    { "struct ", "x", " {}" },
    { "const string A = '", "\\n", "'" },
    { "const string A = \"", "\\", "" },
    { "", "$", "" },
    { "", "/*", "" },
    { "", "'", "" },
    { "", "\xff", "" },
    { "const string A = '", "\xff", "'" },
    { "", "\n", "$" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      g_autoptr (GString) text = g_string_new (frames[i][0]);
      g_autofree gchar *said = NULL;
      g_autofree gchar *shown = NULL;
      g_autoptr (IdlUnit) unit = idl_unit_new ();

      while (text->len < LONG)
        g_string_append (text, frames[i][1]);
      g_string_append (text, frames[i][2]);
      idl_unit_load_text (unit, "t.thrift", text->str, (gssize) text->len);
      shown = idl_diagnostics_to_string (idl_unit_get_diagnostics (unit));
      CU_ASSERT_TRUE (strlen (shown) < 200 * 1000);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (numbers),
                                    TEST (wrong_numbers),
                                    TEST (strings),
                                    TEST (wrong_strings),
                                    TEST (comments),
                                    TEST (white_space),
                                    TEST (stray_bytes),
                                    TEST (other_encodings),
                                    TEST (doc_text),
                                    TEST (long_tokens),
                                    { NULL } };

  return test_main ("idl-lexer", cases, argc, argv);
}
