/* From names to definitions: types, services, clashes, cycles. */
#include "idl-test.h"

static void
types (void)
{
  assert_says ("struct S { 1: list<T> a, 2: map<string, T> b, 3: U c } struct T {} typedef S U",
               "");
  assert_says ("struct S { 1: Foo a }", "1:15: error: unknown type 'Foo'\n");
  assert_says ("typedef Foo Bar", "1:9: error: unknown type 'Foo'\n");
  assert_says ("const Foo A = 1", "1:7: error: unknown type 'Foo'\n");
  assert_says ("struct Thing {} struct S { 1: Thnig a }",
               "1:31: error: unknown type 'Thnig'; did you mean 'Thing'?\n");
  assert_says ("struct S { 1: float a 2: int b }",
               "1:15: error: unknown type 'float'; Thrift has no 'float'; use 'double'\n"
               "1:26: error: unknown type 'int'; the integer types are i8, i16, i32 and i64\n");
  assert_says ("service P {} struct S { 1: P a }", "1:28: error: 'P' is a service, not a type\n"
                                                   "1:9: note: it is defined here\n");
  assert_says ("const i32 K = 1 struct S { 1: K a }", "1:31: error: 'K' is a constant, not a type\n"
                                                      "1:11: note: it is defined here\n");
  assert_says ("struct S { 1: other.Thing a }",
               "1:15: error: unknown type 'other.Thing'; no included file is called 'other'\n");
}

static void
services (void)
{
  assert_says ("service P {} service S extends P {}", "");
  assert_says ("struct P {} service S extends P {}",
               "1:31: error: 'P' is not a service but a struct\n"
               "1:8: note: it is defined here\n");
  assert_says ("service S extends Nope {}", "1:19: error: unknown service 'Nope'\n");
  assert_says ("service Parent {} service S extends Parnet {}",
               "1:37: error: unknown service 'Parnet'; did you mean 'Parent'?\n");
  assert_says ("service S extends P {}\n"
               "service P {}",
               "1:19: warning: 'P' is defined later; other Thrift compilers need it first\n");
}

static void
clashes (void)
{
  assert_says ("struct S {}\n"
               "enum S { A }",
               "2:6: error: enum 'S' has the name of a struct\n"
               "1:8: note: the other 'S' is here\n");
  assert_says ("struct S {}\n"
               "typedef i32 S",
               "2:13: error: typedef 'S' has the name of a struct\n"
               "1:8: note: the other 'S' is here\n");
  assert_says ("struct S {}\n"
               "service S {}",
               "2:9: error: service 'S' has the name of a struct\n"
               "1:8: note: the other 'S' is here\n");
  assert_says ("struct S {}\n"
               "const i32 S = 2",
               "2:11: warning: const 'S' has the name of a struct\n"
               "1:8: note: the other 'S' is here\n");
  assert_says ("const i32 A = 1\n"
               "const i32 A = 2",
               "2:11: error: const 'A' is defined twice\n"
               "1:11: note: the other 'A' is here\n");
}

static void
cycles (void)
{
  assert_says ("typedef B A\n"
               "typedef A B\n"
               "struct S { 1: A a }",
               "1:11: error: typedef 'A' is defined by itself\n"
               "2:11: note: through 'B'\n");
  assert_says ("typedef list<A> A", "1:17: error: typedef 'A' is defined by itself\n");
  assert_says ("typedef A A", "1:11: error: typedef 'A' is defined by itself\n");
  assert_says ("service A extends B {}\n"
               "service B extends A {}",
               "1:19: warning: 'B' is defined later; other Thrift compilers need it first\n"
               "1:19: error: service 'A' extends itself\n"
               "2:19: note: through 'B'\n");
  assert_says ("service A extends A {}", "1:19: error: service 'A' extends itself\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (types), TEST (services), TEST (clashes), TEST (cycles), { NULL },
  };

  return test_main ("idl-resolve", cases, argc, argv);
}
