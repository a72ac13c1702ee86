/* Each kind of change between two versions, with its severity. */
#include "idl-test.h"

#include "audit.h"

/* What the change from @old_text to @new_text is found to do: as idl_test_check() writes it. */
static void
assert_finds_at (const gchar *old_text, const gchar *new_text, const gchar *expected, int line)
{
  g_autoptr (IdlUnit) old_unit = NULL;
  g_autoptr (IdlUnit) new_unit = NULL;
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  const IdlProgram *old_program = idl_test_load (old_text, &old_unit);
  const IdlProgram *new_program = idl_test_load (new_text, &new_unit);
  gboolean compatible = idl_audit (old_program, new_program, findings);
  g_autofree gchar *said = idl_test_describe (findings);

  test_assert_string (said, expected, __FILE__, line);
  CU_ASSERT_EQUAL (compatible, idl_diagnostics_count (findings, IDL_ERROR) == 0);
}
#define assert_finds(old_text, new_text, expected)                                                 \
  assert_finds_at ((old_text), (new_text), (expected), __LINE__)

static void
nothing_to_find (void)
{
  assert_finds ("struct S { 1: i32 a }", "struct S { 1: i32 a, 2: optional i32 b, 3: i32 c }", "");
  assert_finds ("enum E { A }", "enum E { A, B }", "");
  assert_finds ("typedef i32 T struct S { 1: T a }", "struct S { 1: i32 a } typedef i32 T", "");
  assert_finds ("service S { void f() }", "service P { void f() } service S extends P { void g() }",
                "");
}

static void
fields (void)
{
  assert_finds (
      "struct S { 1: i32 a, 2: optional i32 b }", "struct S { 1: i32 a }",
      "1:38: warning: field 2, 'b', of struct 'S' is gone; its id should not be used again\n");
  assert_finds ("struct S { 1: required i32 a }", "struct S {}",
                "1:28: error: required field 1, 'a', of struct 'S' is gone: older readers refuse "
                "messages without it\n");
  assert_finds ("struct S { 1: i32 a }", "struct S { 2: i32 a }",
                "1:12: error: field 'a' of struct 'S' had id 1 and has id 2\n"
                "1:12: note: the older version is here\n");
  assert_finds ("struct S {}", "struct S { 1: required i32 a }",
                "1:28: error: required field 1, 'a', of struct 'S' is new: messages of older "
                "writers are refused\n");
  assert_finds ("struct S { 1: i32 a }", "struct S { 1: i32 b }",
                "1:19: warning: field 1, 'b', of struct 'S' was called 'a': source code and JSON "
                "by name change\n"
                "1:19: note: the older version is here\n");
  assert_finds ("struct S { 1: i32 a = 1 }", "struct S { 1: i32 a = 2 }",
                "1:19: warning: the default of field 1, 'a', of struct 'S' changes: what is absent "
                "means something else\n"
                "1:19: note: the older version is here\n");
  assert_finds ("struct S { 1: i32 a = 1 }", "const i32 C = 1 struct S { 1: i32 a = C }", "");
}

static void
requiredness (void)
{
  assert_finds ("struct S { 1: optional i32 a }", "struct S { 1: required i32 a }",
                "1:28: error: field 1, 'a', of struct 'S' is now required: who reads it refuses "
                "messages without it\n"
                "1:28: note: the older version is here\n");
  assert_finds ("struct S { 1: i32 a }", "struct S { 1: required i32 a }",
                "1:28: warning: field 1, 'a', of struct 'S' is now required: who reads it refuses "
                "messages without it\n"
                "1:19: note: the older version is here\n");
  assert_finds ("struct S { 1: required i32 a }", "struct S { 1: optional i32 a }",
                "1:28: error: field 1, 'a', of struct 'S' is no longer required: older readers "
                "refuse messages without it\n"
                "1:28: note: the older version is here\n");
  assert_finds ("struct S { 1: required i32 a }", "struct S { 1: i32 a }",
                "1:19: warning: field 1, 'a', of struct 'S' is no longer required: older readers "
                "refuse messages without it\n"
                "1:28: note: the older version is here\n");
  assert_finds ("struct S { 1: optional i32 a }", "struct S { 1: i32 a }", "");
}

static void
types (void)
{
  assert_finds ("struct S { 1: i32 a }", "struct S { 1: i64 a }",
                "1:15: error: field 1, 'a', of struct 'S' was of type i32 and is of type i64\n"
                "1:15: note: the older version is here\n");
  assert_finds ("struct S { 1: string a }", "struct S { 1: binary a }",
                "1:15: warning: field 1, 'a', of struct 'S' was of type string and is of type "
                "binary, which is the same on the wire\n"
                "1:15: note: the older version is here\n");
  assert_finds ("enum E { A } struct S { 1: E a }", "enum E { A } struct S { 1: i32 a }",
                "1:28: warning: field 1, 'a', of struct 'S' was of type E and is of type i32, "
                "which is the same on the wire\n"
                "1:28: note: the older version is here\n");
  assert_finds (
      "struct S { 1: list<i32> a }", "struct S { 1: set<i32> a }",
      "1:15: error: field 1, 'a', of struct 'S' was of type list<i32> and is of type set<i32>\n"
      "1:15: note: the older version is here\n");
  assert_finds ("struct S { 1: map<i32, list<i32>> a }", "struct S { 1: map<i32, list<string>> a }",
                "1:29: error: field 1, 'a', of struct 'S' was of type i32 and is of type string\n"
                "1:29: note: the older version is here\n");
  assert_finds ("struct A {} struct S { 1: A a }",
                "struct A {} struct B { 1: required i32 x } struct S { 1: B a }",
                "1:58: warning: field 1, 'a', of struct 'S' was of type A and is of type B, which "
                "is the same on the wire\n"
                "1:27: note: the older version is here\n"
                "1:40: error: required field 1, 'x', of struct 'B' is new: messages of older "
                "writers are refused\n");
  assert_finds ("struct A { 1: A a, 2: i32 b }", "struct A { 1: A a, 2: i32 b }", "");
  assert_finds ("typedef i32 T", "typedef i64 T",
                "1:9: error: typedef 'T' was of type i32 and is of type i64\n"
                "1:9: note: the older version is here\n");
  assert_finds ("struct A {}", "union A {}",
                "1:7: warning: union 'A' was a struct\n"
                "1:8: note: the older version is here\n");
  assert_finds ("struct A {}", "enum A { B }",
                "1:6: error: enum 'A' was a struct\n"
                "1:8: note: the older version is here\n");
}

static void
unions (void)
{
  assert_finds (
      "union U { 1: i32 a }", "union U { 1: i32 a, 2: i32 b }",
      "1:28: warning: field 2, 'b', of union 'U' is new: older readers see an empty union\n");
  assert_finds (
      "union U { 1: i32 a, 2: i32 b }", "union U { 1: i32 a }",
      "1:28: warning: field 2, 'b', of union 'U' is gone; its id should not be used again\n");
}

static void
enums (void)
{
  assert_finds ("enum E { A = 1 }", "enum E { A = 2 }",
                "1:10: error: 'E.A' was 1 and is 2\n"
                "1:10: note: the older version is here\n");
  assert_finds ("enum E { A, B }", "enum E { A }",
                "1:13: warning: 'E.B' (1) is gone; older peers may still send it\n");
  assert_finds ("enum E { A, B }", "enum E { A, C }",
                "1:13: warning: value 1 of enum 'E' was called 'B' and is called 'C'\n"
                "1:13: note: the older version is here\n");
}

static void
services (void)
{
  assert_finds ("service S { void f() }", "service S {}",
                "1:18: error: function 'f' of service 'S' is gone: older callers get an error\n");
  assert_finds ("service S {}", "", "1:9: error: service 'S' is gone\n");
  assert_finds ("service P { void f() } service S extends P {}",
                "service P { void f() } service S {}",
                "1:18: error: function 'f' of service 'S' is gone: older callers get an error\n");
  assert_finds ("service S { void f() }", "service S { oneway void f() }",
                "1:25: error: function 'f' is oneway now: older callers wait for a reply\n"
                "1:18: note: the older version is here\n");
  assert_finds (
      "service S { oneway void f() }", "service S { void f() }",
      "1:18: error: function 'f' is no longer oneway: older callers do not read its reply\n"
      "1:25: note: the older version is here\n");
  assert_finds ("service S { i32 f() }", "service S { void f() }",
                "1:13: error: the result of function 'f' was of type i32 and is of type void\n"
                "1:13: note: the older version is here\n");
  assert_finds (
      "service S { void f(1: i32 a) }", "service S { void f(1: string a, 2: i32 b) }",
      "1:23: error: argument 1, 'a', of function 'f' was of type i32 and is of type string\n"
      "1:23: note: the older version is here\n"
      "1:40: warning: argument 2, 'b', of function 'f' is new: older callers do not send it\n");
  assert_finds (
      "service S { void f(1: i32 a) }", "service S { void f() }",
      "1:27: warning: argument 1, 'a', of function 'f' is gone; its id should not be used again\n");
  assert_finds (
      "exception X {} service S { void f() i32 g() }",
      "exception X {} service S { void f() throws (1: X x) i32 g() throws (1: X x) }",
      "1:50: error: function 'f' throws 'x' now, which older callers take for success\n"
      "1:74: warning: function 'g' throws 'x' now, which older callers see as a missing result\n");
}

static void
functions_that_take_anothers_place (void)
{
  const gchar *text = "service P { void f(1: i32 a) }\n"
                      "service S extends P { void f(1: string a) }";

  assert_finds (text, text, "");
}

static void
constants (void)
{
  assert_finds ("const i32 A = 1 const list<i32> B = [1] const string C = 'x'",
                "const i32 A = 2 const list<i32> B = [1] const string C = \"x\"",
                "1:11: warning: the value of const 'A' changes\n"
                "1:11: note: the older version is here\n");
  assert_finds ("const i32 A = 1", "", "1:11: warning: const 'A' is gone\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (nothing_to_find), TEST (fields),
    TEST (requiredness),    TEST (types),
    TEST (unions),          TEST (enums),
    TEST (services),        TEST (functions_that_take_anothers_place),
    TEST (constants),       { NULL },
  };

  return test_main ("idl-audit", cases, argc, argv);
}
