/* The rules about definitions, fields, services and names in C. */
#include "idl-test.h"

static void
field_ids (void)
{
  assert_says ("struct S { 1: i32 a, 32767: i32 b }", "");
  assert_says ("struct S { 0: i32 a }",
               "1:12: warning: an id of 0 is ignored; the field gets -1\n");
  assert_says ("struct S { 32768: i32 a }",
               "1:12: error: a field's id has 16 bits: it is at most 32767\n");
  assert_says ("struct S {\n"
               "  1: i32 a\n"
               "  65537: i32 b\n"
               "}",
               "3:3: error: a field's id has 16 bits: it is at most 32767\n");
  assert_says ("struct S { 1: i32 a, 1: i32 b }", "1:22: error: 'b' has the id of 'a', 1\n"
                                                  "1:19: note: 'a' is here\n");
  assert_says ("service S { void f(1: i32 a, 1: i32 b) }", "1:30: error: 'b' has the id of 'a', 1\n"
                                                           "1:27: note: 'a' is here\n");
  assert_says ("exception X {} service S { void f() throws (1: X x, 1: X y) }",
               "1:53: error: 'y' has the id of 'x', 1\n"
               "1:50: note: 'x' is here\n");
  assert_says (
      "struct S { i32 a, i32 b }",
      "1:16: warning: field 'a' has no id of its own: it gets -1, which changes with its place\n");
  assert_says (
      "struct S { -5: i32 a, i32 b }",
      "1:12: warning: a negative id is ignored; the field gets -1\n"
      "1:27: warning: field 'b' has no id of its own: it gets -2, which changes with its place\n");
  assert_says ("struct S { 99999999999999: i32 a }",
               "1:12: error: a field's id has 16 bits: it is at most 32767\n");
}

static void
field_names (void)
{
  assert_says ("struct S { 1: i32 a, 2: i32 a }", "1:29: error: field 'a' is defined twice\n"
                                                  "1:19: note: the other 'a' is here\n");
  assert_says ("service S { void f(1: i32 a, 2: string a) }",
               "1:40: error: argument 'a' is defined twice\n"
               "1:27: note: the other 'a' is here\n");
  assert_says ("struct S { 1: i32 a xsd_attrs { 1: i32 q, 1: i32 q } }",
               "1:50: error: field 'q' is defined twice\n"
               "1:40: note: the other 'q' is here\n"
               "1:43: error: 'q' has the id of 'q', 1\n"
               "1:40: note: 'q' is here\n");
}

static void
unions (void)
{
  assert_says ("union U { 1: i32 a = 1, 2: i32 b }", "");
  assert_says (
      "union U {\n"
      "  1: i32 a = 1\n"
      "  2: i32 b = 2\n"
      "}",
      "3:10: error: union field 'b' is the second with a default; a union holds one field\n"
      "2:10: note: the first is here\n");
  assert_says (
      "union U { 1: required i32 a }",
      "1:27: warning: union field 'a': 'required' is ignored; fields of a union are optional\n");
}

static void
enums (void)
{
  assert_says ("enum E { A = 1, B = 1 }", "1:17: warning: 'B' has the value of 'A', 1\n"
                                          "1:10: note: 'A' is here\n");
  assert_says ("enum E { A, A }", "1:13: error: enumerator 'A' is defined twice\n"
                                  "1:10: note: the other 'A' is here\n");
  assert_says ("enum E {}", "1:6: warning: enum 'E' has no enumerators\n");
  assert_says ("enum E { A = 2147483647, B }",
               "1:26: error: the value of 'B' is 2147483648, which does not fit 32 bits\n"
               "1:26: warning: 'B' has the value of 'A', 2147483647\n"
               "1:10: note: 'A' is here\n");
  assert_says ("enum E { A = 4294967296 }",
               "1:14: error: the value of 'A' is 4294967296, which does not fit 32 bits\n");
  assert_says ("enum E { A = -2147483648 }", "");
}

static void
services (void)
{
  assert_says ("service S { void f() void f() }", "1:27: error: function 'f' is defined twice\n"
                                                  "1:18: note: the other 'f' is here\n");
  assert_says ("service P { void f() }\n"
               "service S extends P { i32 f(1: i32 a) }",
               "2:27: warning: function 'f' is inherited from 'P' too; this one takes its place\n"
               "1:18: note: the inherited 'f' is here\n");
  assert_says ("service S { oneway i32 f() }",
               "1:20: error: oneway function 'f' returns a value; there is no reply to carry it\n");
  assert_says (
      "exception X {} service S { oneway void f() throws (1: X x) }",
      "1:57: error: oneway function 'f' throws; there is no reply to carry an exception\n");
  assert_says ("struct T {} service S { void f() throws (1: T x) }",
               "1:45: error: 'T' is thrown but is not an exception\n"
               "1:8: note: it is a struct, defined here\n");
  assert_says ("service S { void f() throws (1: i32 x) }",
               "1:33: error: 'i32' is thrown but is not an exception\n");
  assert_says ("exception X {} typedef X Y service S { void f() throws (1: Y x) }", "");
  assert_says ("exception X {} service S { i32 f() throws (1: X success) }",
               "1:49: error: an exception may not be called 'success', as the return value is\n");
  assert_says ("service S { void f(1: optional i32 a) }",
               "1:36: warning: 'optional' is ignored for 'a': it is an argument\n");
  assert_says ("service S { void f() throws (1: X x) }\n"
               "exception X {}",
               "");
}

static void
required_cycles (void)
{
  assert_says ("struct S { 1: required S s }",
               "1:26: error: 'S' requires a 'S' within itself: no value can end\n");
  assert_says ("struct A { 1: required B b }\n"
               "struct B { 1: required A a }",
               "2:26: error: 'A' requires a 'A' within itself: no value can end\n"
               "1:8: note: 'A' is defined here, and requires 'B'\n");
  assert_says ("struct S { 1: optional S s, 2: required list<S> l, 3: S t }", "");
  assert_says ("struct S { 1: required T t } typedef S T",
               "1:26: error: 'S' requires a 'S' within itself: no value can end\n");
  assert_says ("struct S { 1: required S s, 2: optional S t }",
               "1:26: warning: 'S' requires a 'S' within itself: no value can end\n");
  assert_says ("union U { 1: U u }", "");
}

static void
map_keys (void)
{
  assert_says (
      "struct K {} enum E { A } typedef map<K, i32> A typedef map<list<i32>, i32> B typedef map<E, "
      "i32> C typedef list<map<set<i32>, i32>> D",
      "1:38: warning: a map keyed by a struct: not every Thrift language has such maps\n"
      "1:60: warning: a map keyed by a container: not every Thrift language has such maps\n"
      "1:117: warning: a map keyed by a container: not every Thrift language has such maps\n");
}

static void
set_elements (void)
{
  assert_says (
      "struct K {} union U { 1: i32 a } enum E { A } typedef set<K> A typedef set<list<i32>> B "
      "typedef set<E> C typedef set<U> D",
      "1:59: warning: a set of structs: not every Thrift language has such sets\n"
      "1:76: warning: a set of containers: not every Thrift language has such sets\n"
      "1:118: warning: a set of unions: not every Thrift language has such sets\n");
  assert_says ("typedef double D typedef map<D, i32> A typedef set<double> B service S { void f(1: "
               "set<set<string>> a) }",
               "1:30: warning: a map keyed by a double: not every Thrift language has such maps\n"
               "1:52: warning: a set of doubles: not every Thrift language has such sets\n"
               "1:88: warning: a set of containers: not every Thrift language has such sets\n");
}

/* Once in a file for each kind of thing. */
static void
portable_names (void)
{
  assert_says (
      "struct S { 1: i32 class, 2: i32 end, 3: string list, 4: i32 self, 5: i32 async }",
      "1:19: warning: 'class' is a word of another language; Apache's compiler refuses it as "
      "a name\n"
      "1:48: warning: 'list' is a keyword of Thrift; Apache's compiler refuses it as a name\n");
  assert_says (
      "struct S { 1: i32 a }\n"
      "enum E { end, BEGIN }\n"
      "exception delete {}\n"
      "service T { void print (1: i32 self, 2: i32 string) throws (1: delete del) void with () }",
      "2:10: warning: 'end' is a word of another language; Apache's compiler refuses it as a "
      "name\n"
      "3:11: warning: 'delete' is a word of another language; Apache's compiler refuses it as a "
      "name\n"
      "4:18: warning: 'print' is a word of another language; Apache's compiler refuses it as a "
      "name\n"
      "4:32: warning: 'self' is a word of another language; Apache's compiler refuses it as a "
      "name\n"
      "4:45: warning: 'string' is a keyword of Thrift; Apache's compiler refuses it as a name\n");
  assert_says ("struct S { 1: i32 END_, 2: i32 End, 3: i32 object }", "");
}

static void
c_names (void)
{
  assert_says ("struct S { 1: i32 fooBar 2: i32 foo_bar 3: i32 foobar }",
               "1:33: warning: 'fooBar' and 'foo_bar' are one property in C: 'foo_bar'\n"
               "1:19: note: 'fooBar' is here\n");
  assert_says ("service S { void get_type() void New() void Foo() void foo() }",
               "1:56: warning: 'Foo' and 'foo' are one function in C: 'foo'\n"
               "1:45: note: 'Foo' is here\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (field_ids),      TEST (field_names),     TEST (unions),   TEST (enums),
    TEST (services),       TEST (required_cycles), TEST (map_keys), TEST (set_elements),
    TEST (portable_names), TEST (c_names),         { NULL },
  };

  return test_main ("idl-checks", cases, argc, argv);
}
