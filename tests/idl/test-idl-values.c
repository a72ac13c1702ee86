/* Constants and defaults: kinds, ranges, references, literals of structs and containers. */
#include "idl-test.h"

static void
integers (void)
{
  assert_says ("const i8 A = 127 const i8 B = -128 const i16 C = 32767 const i32 D = -2147483648 "
               "const i64 E = 0x7fffffffffffffff",
               "");
  assert_says ("const i8 A = -129", "1:14: error: -129 does not fit an i8\n");
  assert_says ("const i8 A = 300", "1:14: error: 300 does not fit an i8\n");
  assert_says ("const i8 A = 200", "1:14: warning: 200 does not fit an i8; taken as -56\n");
  assert_says ("const i16 A = 70000", "1:15: error: 70000 does not fit an i16\n");
  assert_says ("const i32 A = 8589934592", "1:15: error: 8589934592 does not fit an i32\n");
  assert_says ("const i32 A = 1.5", "1:15: error: a floating-point number given for type i32\n");
  assert_says ("const i32 A = 'x'", "1:15: error: a string given for type i32\n");
  assert_says ("const i32 A = [1]", "1:15: error: a list given for type i32\n");
}

static void
booleans (void)
{
  assert_says ("const bool A = true const bool B = false const bool C = 0 const bool D = 1", "");
  assert_says ("const bool A = 2", "1:16: warning: 2 is not a bool; taken as true\n");
  assert_says ("const bool A = 'true'", "1:16: error: a string given for type bool\n");
  assert_says ("const i32 A = true", "1:15: warning: true given for a number; write 1\n");
}

static void
doubles (void)
{
  assert_says ("const double A = 1 const double B = 1.5 const double C = -2e3", "");
  assert_says ("const double A = '1'", "1:18: error: a string given for type double\n");
}

static void
texts (void)
{
  assert_says ("const string A = 'x' const binary B = 'y'", "");
  assert_says ("const string A = 1", "1:18: error: an integer given for type string\n");
  assert_says ("const binary A = [1, 2]", "1:18: error: a list given for type binary\n");
  assert_says ("const string A = {}", "1:18: error: a map given for type string\n");
}

static void
uuids (void)
{
  assert_says ("const uuid A = '00112233-4455-6677-8899-aAbBcCdDeEfF' const uuid B = "
               "'{00112233-4455-6677-8899-aabbccddeeff}'",
               "");
  assert_says (
      "const uuid A = 'not-a-uuid'",
      "1:16: error: not a UUID, which looks like \"00112233-4455-6677-8899-aabbccddeeff\"\n");
  assert_says (
      "const uuid A = '00112233-4455-6677-8899-aabbccddeefg'",
      "1:16: error: not a UUID, which looks like \"00112233-4455-6677-8899-aabbccddeeff\"\n");
  assert_says ("const uuid A = 1", "1:16: error: an integer given for type uuid\n");
}

static void
lists_and_sets (void)
{
  assert_says ("const list<i32> A = [1, 2; 3 4] const set<string> B = ['a', 'b'] const "
               "list<list<i32>> C = [[], [1]]",
               "");
  assert_says ("const list<i32> A = [1, 'x']", "1:25: error: a string given for type i32\n");
  assert_says ("const list<i32> A = {1: 2}", "1:21: error: a map given for a list\n");
  assert_says ("const list<i32> A = {}", "1:21: warning: an empty list is written []\n");
  assert_says ("const list<i32> A = 1", "1:21: error: an integer given for a list\n");
  assert_says ("const set<i32> A = [1, 2, 1]", "1:27: warning: element occurs twice in a set\n"
                                               "1:21: note: the other is here\n");
  assert_says ("const set<list<string>> A = [['a', 'b'], ['ab'], ['a', 'b']]",
               "1:50: warning: element occurs twice in a set\n"
               "1:30: note: the other is here\n"
               "1:11: warning: a set of containers: not every Thrift language has such sets\n");
}

static void
maps (void)
{
  assert_says ("const map<string, list<i32>> A = {'a': [1], 'b': []}", "");
  assert_says ("const map<i32, i32> A = {1: 'x'}", "1:29: error: a string given for type i32\n");
  assert_says ("const map<i32, i32> A = {'x': 1}", "1:26: error: a string given for type i32\n");
  assert_says ("const map<i32, i32> A = [1]", "1:25: error: a list given for a map\n");
  assert_says ("const map<i32, i32> A = []", "1:25: warning: an empty map is written {}\n");
  assert_says ("const map<i32, i32> A = {1: 1, 0x1: 2}",
               "1:32: warning: key occurs twice in a map\n"
               "1:26: note: the other is here\n");
}

static void
enums (void)
{
  assert_says ("enum E { A = 1, B } const E X = E.A const E Y = 2 const i32 Z = E.B const list<E> "
               "L = [E.A, E.B] const map<E, bool> M = {E.A: true}",
               "");
  assert_says ("enum E { A } enum F { B = 7 } const E X = F.B",
               "1:43: error: an enumerator of 'F' given for enum 'E'\n"
               "1:23: note: the enumerator is here\n");
  assert_says ("enum E { A = 1 } const E X = 3",
               "1:30: error: enum 'E' has no enumerator of value 3\n");
  assert_says ("enum E { A } const E X = 'A'", "1:26: error: a string given for enum 'E'\n");
  assert_says ("enum E { A } const E X = true", "1:26: error: a bool given for enum 'E'\n");
  assert_says ("enum E { Alpha } const E X = E.Alhpa",
               "1:30: error: enum 'E' has no enumerator 'Alhpa'; did you mean 'Alpha'?\n"
               "1:6: note: the enum is defined here\n");
  assert_says ("enum E { A } const E X = A",
               "1:26: warning: 'A' is taken for 'E.A', which is its full name\n");
  assert_says ("enum E { A } const E X = nowhere.A",
               "1:26: warning: 'nowhere.A' is taken for 'E.A', which is its full name\n");
  assert_says ("enum E { A } enum F { B } const E X = F.A",
               "1:39: warning: 'F.A' is taken for 'E.A', which is its full name\n");
  assert_says ("enum E { A = 300 } const i8 X = E.A", "1:33: error: 300 does not fit an i8\n");
  assert_says ("enum E { A } const string X = E.A",
               "1:31: error: an enumerator given for type string\n");
  assert_says ("enum E { A } typedef E T const T X = T.A", "");
}

static void
structs (void)
{
  assert_says ("struct T { 1: i32 a, 2: string b = 'z', 3: required list<i32> c } const T A = "
               "{'a': 1, 'b': 'x', 'c': [1]} struct S { 1: T t = {'c': []} }",
               "");
  assert_says ("struct S { 1: i32 alpha } const S X = {'alhpa': 1}",
               "1:40: error: struct 'S' has no field 'alhpa'; did you mean 'alpha'?\n"
               "1:8: note: 'S' is defined here\n");
  assert_says ("struct S { 1: i32 a } const S X = {'a': 1, 'a': 2}",
               "1:44: error: field 'a' is given twice\n");
  assert_says ("struct S { 1: required i32 a, 2: i32 b } const S X = {'b': 1}",
               "1:54: error: required field 'a' of 'S' is not given\n"
               "1:28: note: the field is here\n");
  assert_says ("struct S { 1: required i32 a = 3 } const S X = {}", "");
  assert_says ("struct S { 1: i32 a } const S X = {1: 1}",
               "1:36: error: a field of 'S' is named by a string, not by an integer\n");
  assert_says ("struct S { 1: i32 a } const S X = [1]",
               "1:35: error: a list given for struct 'S'\n");
  assert_says ("struct S { 1: i32 a } const S X = {'a': 'x'}",
               "1:41: error: a string given for type i32\n");
  assert_says ("union U { 1: i32 a, 2: i32 b } const U X = {'a': 1, 'b': 2}",
               "1:44: error: union 'U' is given 2 fields; it holds one\n");
  assert_says ("union U { 1: i32 a, 2: i32 b } const U X = {'a': 1}", "");
  assert_says ("union U { 1: i32 a } const U X = {} struct S { 1: list<U> u = [{}] }",
               "1:34: error: union 'U' is given no field; it holds one\n"
               "1:64: error: union 'U' is given no field; it holds one\n");
  assert_says ("union U { 1: i32 a = 1 } const U X = {}", "");
  assert_says ("exception X { 1: string m } const X A = {'m': 'text'}", "");
}

static void
defaults (void)
{
  assert_says ("struct S { 1: list<i32> a = ['x'] }", "1:30: error: a string given for type i32\n");
  assert_says ("service S { void f(1: i32 a = 'x') }",
               "1:31: error: a string given for type i32\n");
  assert_says ("union U { 1: i32 a = 'x' }", "1:22: error: a string given for type i32\n");
  assert_says ("struct S { 1: i32 a = B } const i32 B = 1",
               "1:23: warning: 'B' is defined later; other Thrift compilers need it first\n"
               "1:37: note: it is defined here\n");
}

static void
references (void)
{
  assert_says ("const i32 A = 5 const i32 B = A const i64 C = A const i8 D = A const list<i32> L = "
               "[A, B] const list<i64> M = L const double F = A",
               "");
  assert_says ("const i32 A = 300 const i8 B = A",
               "1:32: error: constant 'A' of type i32 given for i8 (300 does not fit an i8)\n"
               "1:11: note: the constant is here\n");
  assert_says (
      "const string A = 'x' const i32 B = A",
      "1:36: error: constant 'A' of type string given for i32 (a string given for type i32)\n"
      "1:14: note: the constant is here\n");
  assert_says ("const list<string> A = ['x'] const list<i32> B = A",
               "1:50: error: constant 'A' of type list<string> given for list<i32>\n"
               "1:20: note: the constant is here\n");
  assert_says ("const map<i32, i32> A = {} const list<i32> B = A",
               "1:48: error: constant 'A' of type map<i32, i32> given for list<i32>\n"
               "1:21: note: the constant is here\n");
  assert_says ("const i32 A = NOPE", "1:15: error: unknown constant or enumerator 'NOPE'\n");
  assert_says ("const i32 Alpha = 1 const i32 B = Alhpa",
               "1:35: error: unknown constant or enumerator 'Alhpa'; did you mean 'Alpha'?\n");
  assert_says ("const i32 A = B\n"
               "const i32 B = 2",
               "1:15: warning: 'B' is defined later; other Thrift compilers need it first\n"
               "2:11: note: it is defined here\n");
  assert_says ("struct S { 1: i32 a } struct T { 1: i32 a } const S A = {} const T B = A",
               "1:72: error: constant 'A' of type S given for T\n"
               "1:53: note: the constant is here\n");
  assert_says ("const Foo A = 1 const i32 B = A", "1:7: error: unknown type 'Foo'\n");
}

static void
endless_defaults (void)
{
  assert_says ("struct S { 1: S s = {} }",
               "1:8: error: the default values of 'S' contain another 'S'\n");
  assert_says ("struct S { 1: optional T t = {} }\n"
               "struct T { 1: list<S> l = [{}] }",
               "1:8: error: the default values of 'S' contain another 'S'\n"
               "2:8: note: through 'T'\n");
  assert_says ("struct S { 1: i32 a, 2: optional S s = A }\n"
               "const S A = {'a': 1}",
               "1:40: warning: 'A' is defined later; other Thrift compilers need it first\n"
               "2:9: note: it is defined here\n"
               "1:8: error: the default values of 'S' contain another 'S'\n"
               "2:9: note: through 'A'\n");
  assert_says ("struct S { 1: S s } const S A = {} struct T { 1: S s = {} 2: S t = A }", "");
}

static void
cycles (void)
{
  assert_says ("const i32 A = B\n"
               "const i32 B = A",
               "1:15: warning: 'B' is defined later; other Thrift compilers need it first\n"
               "2:11: note: it is defined here\n"
               "1:11: error: constant 'A' is defined by itself\n"
               "2:11: note: through 'B'\n");
  assert_says ("const i32 A = A", "1:11: error: constant 'A' is defined by itself\n");
  assert_says ("const list<i32> A = [1, B]\n"
               "const i32 B = C\n"
               "const i32 C = A",
               "1:25: warning: 'B' is defined later; other Thrift compilers need it first\n"
               "2:11: note: it is defined here\n"
               "2:15: warning: 'C' is defined later; other Thrift compilers need it first\n"
               "3:11: note: it is defined here\n"
               "1:17: error: constant 'A' is defined by itself\n"
               "3:11: note: through 'C'\n"
               "3:15: error: constant 'A' of type list<i32> given for i32\n"
               "1:17: note: the constant is here\n");
}

/* For a binary C has the length. */
static void
strings_with_nul (void)
{
  static const gchar text[] =
      "const string A = 'a\0b' const binary B = 'a\0b' struct S { 1: string s = '\0' }";
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *said = NULL;

  CU_ASSERT_PTR_NOT_NULL (idl_unit_load_text (unit, "t.thrift", text, sizeof text - 1));
  said = idl_test_diagnostics (unit);
  assert_string (said,
                 "1:20: warning: NUL byte\n"
                 "1:18: warning: a string with a NUL byte: in C it ends there, after 1 bytes; use "
                 "'binary'\n"
                 "1:72: warning: a string with a NUL byte: in C it ends there, after 0 bytes; use "
                 "'binary'\n");
}

static void
numbers_for_a_bool (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program =
      idl_test_load ("const bool A = 100 const bool B = -1 const bool C = 0", &unit);

  assert_int (idl_test_find (program, "A")->value->integer, 1);
  assert_int (idl_test_find (program, "B")->value->integer, 1);
  assert_int (idl_test_find (program, "C")->value->integer, 0);
  assert_says ("const i32 A = 2 const bool B = A",
               "1:32: error: constant 'A' of type i32 given for bool (2 is not a bool; use true or "
               "false)\n"
               "1:11: note: the constant is here\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (strings_with_nul),
    TEST (numbers_for_a_bool),
    TEST (integers),
    TEST (booleans),
    TEST (doubles),
    TEST (texts),
    TEST (uuids),
    TEST (lists_and_sets),
    TEST (maps),
    TEST (enums),
    TEST (structs),
    TEST (defaults),
    TEST (references),
    TEST (endless_defaults),
    TEST (cycles),
    { NULL },
  };

  return test_main ("idl-values", cases, argc, argv);
}
