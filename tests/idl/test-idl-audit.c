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

/* What is found between two programs: a line "[old ]line: severity: id" each. (transfer full) */
static gchar *
list_rules (const IdlProgram *old_program, const IdlProgram *new_program)
{
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  const GPtrArray *items = idl_diagnostics_get (findings);
  GString *text = g_string_new (NULL);

  idl_audit (old_program, new_program, findings);
  for (guint i = 0; i < items->len; i++)
    {
      const IdlDiagnostic *item = g_ptr_array_index (items, i);
      guint line, column;

      if (item->severity == IDL_NOTE)
        continue;
      idl_location_get_line (&item->location, &line, &column);
      g_string_append_printf (text, "%s%u: %s: %s\n",
                              item->location.source == old_program->source ? "old " : "", line,
                              item->severity == IDL_ERROR ? "error" : "warning",
                              idl_rule_get_id (item->rule));
    }
  return g_string_free (text, FALSE);
}

static void
assert_rules_at (const gchar *old_text, const gchar *new_text, const gchar *expected, int line)
{
  g_autoptr (IdlUnit) old_unit = NULL;
  g_autoptr (IdlUnit) new_unit = NULL;
  const IdlProgram *old_program = idl_test_load (old_text, &old_unit);
  const IdlProgram *new_program = idl_test_load (new_text, &new_unit);
  g_autofree gchar *said = list_rules (old_program, new_program);

  test_assert_string (said, expected, __FILE__, line);
}
#define assert_rules(old_text, new_text, expected)                                                 \
  assert_rules_at ((old_text), (new_text), (expected), __LINE__)

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
                "1:28: error: field 1, 'a', of struct 'S' is now required: a reader refuses "
                "messages without it\n"
                "1:28: note: the older version is here\n");
  assert_finds ("struct S { 1: i32 a }", "struct S { 1: required i32 a }",
                "1:28: warning: field 1, 'a', of struct 'S' is now required: a reader refuses "
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

static void
ids_that_another_field_has (void)
{
  /* One inserted: those behind it have other ids. */
  assert_rules ("struct C {\n 1: string a\n 2: string b\n 3: string c\n}",
                "struct C {\n 1: string a\n 2: string new\n 3: string b\n 4: string c\n}",
                "3: error: audit-field-id\n"
                "4: error: audit-field-id\n");
  /* One taken out. */
  assert_rules ("struct C {\n 1: string a\n 2: string b\n 3: string c\n}",
                "struct C {\n 1: string a\n 2: string c\n}",
                "3: error: audit-field-id\n"
                "3: error: audit-field-id\n");
  /* Two swapped; a default that goes with its field changes nothing. */
  assert_rules ("struct C {\n 1: i32 a\n 2: i32 b = 7\n}",
                "struct C {\n 2: i32 a\n 1: i32 b = 7\n}",
                "3: error: audit-field-id\n"
                "2: error: audit-field-id\n");
  assert_rules ("service S {\n void f(1: i32 x, 2: i32 y)\n}",
                "service S {\n void f(1: i32 y, 2: i32 x)\n}",
                "2: error: audit-field-id\n"
                "2: error: audit-field-id\n");
  /* One whose name came to another id, and nothing else moved. */
  assert_rules ("struct C {\n 1: i32 a\n}", "struct C {\n 1: i32 x\n 2: i32 a\n}",
                "2: error: audit-field-id\n");
  /* The id of one that is gone is another's. */
  assert_rules ("struct C {\n 1: i32 a\n 2: i32 b\n}", "struct C {\n 1: i32 b\n}",
                "2: error: audit-field-id\n"
                "2: error: audit-field-id\n");
}

static void
names_that_moved_along (void)
{
  /* `x` may be `b` by another name, but beside it all moved. */
  assert_rules ("struct C {\n 1: i32 a\n 20: i32 b\n 30: i32 c\n 40: i32 d\n}",
                "struct C {\n 1: i32 a\n 20: i32 x\n 30: i32 y\n 40: i32 c\n}",
                "3: error: audit-field-id\n"
                "4: error: audit-field-id\n"
                "5: error: audit-field-id\n");
  /* Neither one that keeps its name nor one behind it is drawn in. */
  assert_rules ("struct C {\n 1: i32 a\n 2: i32 b\n 3: i32 c\n 4: i32 d\n}",
                "struct C {\n 1: i32 b\n 2: i32 a\n 3: i32 c\n 4: i32 e\n}",
                "2: error: audit-field-id\n"
                "3: error: audit-field-id\n"
                "5: warning: audit-field-name\n");
}

static void
exceptions (void)
{
#define TWO "exception X {} exception Y {}\n"
  assert_rules (TWO "service S {\n i32 f() throws (1: X x, 2: Y y)\n}",
                TWO "service S {\n i32 f() throws (1: X x)\n}",
                "old 3: error: audit-exception-gone\n");
  assert_rules (TWO "service S {\n void f() throws (1: X x)\n}", TWO "service S {\n void f()\n}",
                "old 3: error: audit-exception-gone\n");
  assert_rules (TWO "service S {\n i32 f()\n}", TWO "service S {\n i32 f() throws (1: X x)\n}",
                "3: warning: audit-exception-new\n");
  /* Swapped: both are structs on the wire. */
  assert_rules (TWO "service S {\n i32 f() throws (1: X x,\n 2: Y y)\n}",
                TWO "service S {\n i32 f() throws (1: Y y,\n 2: X x)\n}",
                "3: error: audit-type\n"
                "4: error: audit-type\n");
  assert_rules (TWO "service S {\n i32 f() throws (1: X x)\n}",
                TWO "service S {\n i32 f() throws (\n2: X x)\n}", "4: error: audit-field-id\n");
  assert_rules (TWO "service S {\n i32 f() throws (1: X x, 2: Y y)\n}",
                TWO "service S {\n i32 f() throws (1: X y,\n 2: Y x)\n}",
                "3: warning: audit-field-name\n"
                "4: warning: audit-field-name\n");
#undef TWO
  assert_rules ("exception X {} service S {\n i32 f() throws (1: X x)\n}",
                "exception Z {} service S {\n i32 f() throws (1: Z x)\n}",
                "old 1: warning: audit-definition-gone\n"
                "2: warning: audit-type\n");
}

static void
namespaces (void)
{
  assert_rules ("namespace c_glib Foo", "\nnamespace c_glib Bar", "2: warning: audit-namespace\n");
  assert_rules ("\nnamespace py foo", "", "old 2: warning: audit-namespace\n");
  assert_rules ("", "namespace c_glib Foo", "1: warning: audit-namespace\n");
  assert_rules ("namespace * foo", "namespace * foo\nnamespace py foo", "");
}

static void
types_of_constants (void)
{
  assert_rules ("const i32 A = 1", "\nconst i64 A = 1", "2: warning: audit-constant\n");
  assert_rules ("typedef i32 T const T A = 1", "typedef i32 T const i32 A = 1", "");
}

static void
typedefs_are_shown_by_what_they_are (void)
{
  assert_finds ("typedef i32 T\nstruct S { 1: list<T> a }",
                "typedef i32 T\nstruct S { 1: set<T> a }",
                "2:15: error: field 1, 'a', of struct 'S' was of type list<T> (list<i32>) and is "
                "of type set<T> (set<i32>)\n"
                "2:15: note: the older version is here\n");
  assert_finds ("typedef i32 T\nstruct S { 1: T a }", "typedef i32 U\nstruct S { 1: string a }",
                "1:13: warning: typedef 'T' is gone\n"
                "2:15: error: field 1, 'a', of struct 'S' was of type T (i32) and is of type "
                "string\n"
                "2:15: note: the older version is here\n");
}

static void
rules_of_the_rest (void)
{
  assert_rules ("enum E {\n A = 1\n B = 2\n C = 3\n}", "enum E {\n A = 7\n D = 2\n}",
                "2: error: audit-enumerator-value\n"
                "3: warning: audit-enumerator-name\n"
                "old 4: warning: audit-enumerator-gone\n");
  assert_rules ("struct S {\n 1: i32 a = 1\n 2: i32 b\n 3: optional i32 c\n}",
                "struct S {\n 1: i32 a = 2\n\n 3: required i32 c\n 4: required i32 d\n}",
                "2: warning: audit-default\n"
                "old 3: warning: audit-field-gone\n"
                "4: error: audit-requiredness\n"
                "5: error: audit-field-new\n");
  assert_rules ("service S {\n void f()\n void g()\n}", "service S {\n oneway void f()\n}",
                "2: error: audit-oneway\n"
                "old 3: error: audit-function-gone\n");
  assert_rules ("struct S {}", "\nenum S { A }", "2: error: audit-definition-kind\n");
}

/* A version whose file includes x.thrift, which has @included. */
static IdlProgram *
load_with_include (const gchar *text, const gchar *included, IdlUnit **unit, gchar **directory)
{
  IdlProgram *program;

  *directory = idl_test_make_directory ();
  idl_test_write (*directory, "x.thrift", included);
  *unit = idl_unit_new ();
  idl_unit_add_include_dir (*unit, *directory);
  program = idl_unit_load_text (*unit, "t.thrift", text, -1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (program);
  return program;
}

static void
assert_include_rules (const gchar *const old_texts[2],
                      const gchar *const new_texts[2],
                      const gchar *expected)
{
  g_autoptr (IdlUnit) old_unit = NULL;
  g_autoptr (IdlUnit) new_unit = NULL;
  g_autofree gchar *old_directory = NULL;
  g_autofree gchar *new_directory = NULL;
  IdlProgram *was = load_with_include (old_texts[0], old_texts[1], &old_unit, &old_directory);
  IdlProgram *is = load_with_include (new_texts[0], new_texts[1], &new_unit, &new_directory);
  g_autofree gchar *said = list_rules (was, is);

  assert_string (said, expected);
  idl_test_remove_directory (old_directory);
  idl_test_remove_directory (new_directory);
}

#define INCLUDE "include 'x.thrift'\n"

static void
includes_of_one_name (void)
{
  const gchar *text = INCLUDE "service S { x.X f() }";

  assert_include_rules ((const gchar *[]){ text, "namespace py p\nstruct X {\n 1: i32 a\n}" },
                        (const gchar *[]){ text, "namespace py q\nstruct X {\n 1: string a\n}" },
                        "1: warning: audit-namespace\n"
                        "3: error: audit-type\n");
}

static void
definitions_that_move_to_an_include (void)
{
  const gchar *moved = INCLUDE "struct S { 1: x.E e }";

  assert_include_rules ((const gchar *[]){ "struct S { 1: E e }\nenum E { A = 1 }\nconst i32 C = 1",
                                           "" },
                        (const gchar *[]){ moved, "const i32 C = 1\nenum E { A = 1 }" }, "");
  assert_include_rules ((const gchar *[]){ "enum E { A = 1 }\nstruct S { 1: E e }", "" },
                        (const gchar *[]){ moved, "\nenum E { A = 2 }" },
                        "2: error: audit-enumerator-value\n");
  /* Where the names of the other file differ. */
  assert_include_rules (
      (const gchar *[]){ "namespace c_glib Foo\nenum E { A = 1 }\nstruct S { 1: E e }", "" },
      (const gchar *[]){ "namespace c_glib Foo\n" INCLUDE "struct S { 1: x.E e }",
                         "\n\nenum E { A = 1 }" },
      "3: warning: audit-namespace\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (nothing_to_find),
    TEST (fields),
    TEST (requiredness),
    TEST (types),
    TEST (unions),
    TEST (enums),
    TEST (services),
    TEST (functions_that_take_anothers_place),
    TEST (constants),
    TEST (ids_that_another_field_has),
    TEST (names_that_moved_along),
    TEST (exceptions),
    TEST (namespaces),
    TEST (types_of_constants),
    TEST (typedefs_are_shown_by_what_they_are),
    TEST (rules_of_the_rest),
    TEST (includes_of_one_name),
    TEST (definitions_that_move_to_an_include),
    { NULL },
  };

  return test_main ("idl-audit", cases, argc, argv);
}
