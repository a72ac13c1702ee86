/* Uses of names: where each is, and what it names. */
#include "idl-test.h"
#include "references.h"

/* One line "line:column+length: kind target" for each use. (transfer full) */
static gchar *
describe (const IdlProgram *program)
{
  g_autoptr (GArray) references = idl_program_list_references (program);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < references->len; i++)
    {
      const IdlReference *reference = &g_array_index (references, IdlReference, i);
      guint line, column;

      idl_location_get_line (&reference->location, &line, &column);
      g_string_append_printf (text, "%u:%u+%u: %s %s%s%s%s%s\n", line, column,
                              reference->location.length,
                              idl_reference_kind_get_name (reference->kind),
                              reference->program->name, reference->definition == NULL ? "" : ".",
                              reference->definition == NULL ? "" : reference->definition->node.name,
                              reference->member == NULL ? "" : ".",
                              reference->member == NULL ? "" : reference->member->name);
    }
  return g_string_free (text, FALSE);
}

static void
assert_uses (const gchar *text, const gchar *expected)
{
  g_autoptr (IdlUnit) unit = NULL;
  g_autofree gchar *uses = describe (idl_test_load (text, &unit));

  if (!g_str_equal (uses, expected))
    g_test_message ("%s", uses);
  CU_ASSERT_STRING_EQUAL (uses, expected);
}

static void
types (void)
{
  assert_uses ("struct T {}\n"
               "typedef map<i32, list<T>> U\n"
               "struct S { 1: T a, 2: set<U> b }\n",
               "2:23+1: type t.T\n"
               "3:15+1: type t.T\n"
               "3:27+1: type t.U\n");
}

static void
services (void)
{
  assert_uses ("exception E {}\n"
               "service P {}\n"
               "service S extends P { E f (1: list<E> a) throws (1: E e) }\n",
               "3:19+1: extends t.P\n"
               "3:23+1: type t.E\n"
               "3:36+1: type t.E\n"
               "3:53+1: throws t.E\n");
}

static void
values (void)
{
  assert_uses ("enum E { ONE = 1 }\n"
               "typedef E F\n"
               "const E A = E.ONE\n"
               "const list<E> B = [A, F.ONE, 1]\n"
               "struct S { 1: E e = ONE, 2: S s }\n"
               "const S C = { 'e': E.ONE, \"s\": { 'e': A } }\n",
               "2:9+1: type t.E\n"
               "3:7+1: type t.E\n"
               "3:13+1: type t.E\n"
               "3:15+3: enumerator t.E.ONE\n"
               "4:12+1: type t.E\n"
               "4:20+1: constant t.A\n"
               "4:23+1: type t.F\n"
               "4:25+3: enumerator t.E.ONE\n"
               "5:15+1: type t.E\n"
               "5:21+3: enumerator t.E.ONE\n"
               "5:29+1: type t.S\n"
               "6:7+1: type t.S\n"
               "6:16+1: field t.S.e\n"
               "6:20+1: type t.E\n"
               "6:22+3: enumerator t.E.ONE\n"
               "6:28+1: field t.S.s\n"
               "6:35+1: field t.S.e\n"
               "6:39+1: constant t.A\n");
}

static void
includes (void)
{
  g_autofree gchar *directory = idl_test_make_directory ();
  g_autofree gchar *path = g_build_filename (directory, "user.thrift", NULL);
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  const IdlProgram *program;
  g_autofree gchar *uses = NULL;

  idl_test_write (directory, "shared.thrift",
                  "enum E { ONE } const i32 K = 1 service P {} struct T {}");
  idl_test_write (directory, "user.thrift",
                  "include \"shared.thrift\"\n"
                  "const shared.E A = shared.E.ONE\n"
                  "const i32 B = shared.K\n"
                  "service S extends shared.P { shared.T f () }\n");
  program = idl_unit_load (unit, path);
  CU_ASSERT_PTR_NOT_NULL_FATAL (program);
  uses = describe (program);
  CU_ASSERT_STRING_EQUAL (uses, "1:10+13: include shared\n"
                                "2:7+6: include shared\n"
                                "2:14+1: type shared.E\n"
                                "2:20+6: include shared\n"
                                "2:27+1: type shared.E\n"
                                "2:29+3: enumerator shared.E.ONE\n"
                                "3:15+6: include shared\n"
                                "3:22+1: constant shared.K\n"
                                "4:19+6: include shared\n"
                                "4:26+1: extends shared.P\n"
                                "4:30+6: include shared\n"
                                "4:37+1: type shared.T\n");
  idl_test_remove_directory (directory);
}

/* What was not resolved is left out, what stands beside it is not. */
static void
mistakes (void)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *uses = NULL;

  idl_unit_load_text (unit, "t.thrift",
                      "include \"missing.thrift\"\n"
                      "struct T {}\n"
                      "typedef L L\n"
                      "struct S { 1: T a, 2: Nope b, 3: missing.X c, 4: T d = { 'x': 1 } }\n"
                      "struct Half { 1: T a, 2: }\n"
                      "const i32 A = A\n"
                      "const T B = 7\n",
                      -1);
  uses = describe (g_ptr_array_index (idl_unit_get_programs (unit), 0));
  CU_ASSERT_STRING_EQUAL (uses, "4:15+1: type t.T\n"
                                "4:50+1: type t.T\n"
                                "5:18+1: type t.T\n"
                                "7:7+1: type t.T\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (types), TEST (services), TEST (values), TEST (includes), TEST (mistakes), { NULL },
  };

  return test_main ("idl-references", cases, argc, argv);
}
