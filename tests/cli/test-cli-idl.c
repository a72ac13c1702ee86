/* Methods found in an IDL, and tables made of it, of hostile ones too. */
#include "cli-test.h"

#include <string.h>

#include "harness.h"

static const gchar services[] =
    "service Base { i32 ping (); void pong (1: string x = \"y\") (idempotent) }\n"
    "service Derived extends Base { oneway void tell (1: optional i32 n) }\n";

static void
check_not_found (CliIdl *idl, const gchar *name, const gchar *part)
{
  CliMethod method;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (cli_idl_find_method (idl, name, &method, &error));
  assert_error (error, CLI_INPUT_ERROR, 0, part);
}

static void
methods_are_found_by_name (void)
{
  g_autoptr (CliIdl) idl = cli_test_load (services);
  CliMethod method = cli_test_find (idl, "Derived.ping");

  assert_string (method.service->node.name, "Derived");
  assert_string (method.table->name, "ping");
  assert_int (method.table->result->fields[0].type->kind, TALLY_KIND_I32);
  CU_ASSERT_PTR_EQUAL (cli_test_find (idl, "Base.ping").table, method.table);
  CU_ASSERT_TRUE (cli_test_find (idl, "Base.pong").table->idempotent);
  method = cli_test_find (idl, "Derived.tell");
  CU_ASSERT_TRUE (method.table->oneway);
  CU_ASSERT_PTR_NULL (method.table->result);
  CU_ASSERT_PTR_NOT_NULL (cli_idl_find_any_method (idl, "tell"));
  CU_ASSERT_PTR_NULL (cli_idl_find_any_method (idl, "toll"));
}

static void
what_is_not_there_is_suggested (void)
{
  g_autoptr (CliIdl) idl = cli_test_load (services);
  g_autoptr (CliIdl) empty = cli_test_load ("struct S {}");

  check_not_found (idl, "Derivd.ping", "has no service \"Derivd\", did you mean \"Derived\"?");
  check_not_found (idl, "Else.ping", "has no service \"Else\"; there is Base, Derived");
  check_not_found (idl, "Derived.pin",
                   "the service Derived has no method \"pin\", did you mean \"ping\"?");
  check_not_found (idl, "Derived.unheard",
                   "the service Derived has no method \"unheard\"; there is tell, ping, pong");
  check_not_found (idl, "ping", "say which service's method, as Service.method");
  check_not_found (empty, "ping", "has no service");
}

static void
near_names_are_listed (void)
{
  g_autoptr (CliIdl) idl =
      cli_test_load ("service S { void add (); void addAll (); void Add2 (); void other () }");
  g_autofree gchar *near = cli_idl_list_near (cli_idl_find_service (idl, "S", NULL), "add");

  assert_string (near, "addAll, Add2");
}

static void
structs_may_hold_each_other (void)
{
  const gchar idl[] = "struct A { 1: B b; 2: list<A> more } struct B { 1: A a; 2: map<A, B> map }\n"
                      "service S { void call (1: A a) }";
  g_autofree gchar *said =
      cli_test_pass (idl, "call",
                     "{\"a\": {\"b\": {\"a\": {}, \"map\": [[{}, {}]]}, \"more\": [{}]}}");

  assert_string (said, "{\"b\": {\"a\": {}, \"map\": [[{}, {}]]}, \"more\": [{}]}");
}

/* GLib does not free its quarks' table when it grows, so there are not more. */
static void
a_chain_of_structs_is_followed (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (CliIdl) idl = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "struct S%u { 1: S%u next }\n", i, i + 1);
  g_string_append (text, "struct S1000 {}\nservice S { void call (1: S0 s) }");
  idl = cli_test_load (text->str);
  assert_int (cli_test_find (idl, "call").table->args->n_fields, 1);
}

static void
a_struct_may_be_too_large (void)
{
  g_autoptr (GString) text = g_string_new ("struct Huge {");
  g_autoptr (CliIdl) idl = NULL;
  g_autoptr (GError) error = NULL;
  CliMethod method;

  for (guint i = 1; i <= 6000; i++)
    g_string_append_printf (text, " %u: i32 f%u;", i, i);
  g_string_append (text, "}\nservice S { void call (1: Huge h) }");
  idl = cli_test_load (text->str);
  CU_ASSERT_FALSE (cli_idl_find_method (idl, "S.call", &method, &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "an instance of Huge takes"));
}

static void
there_is_a_limit_to_containers_as_keys (void)
{
  g_autoptr (GString) text = g_string_new ("struct Keys {");
  g_autoptr (CliIdl) idl = NULL;

  for (guint i = 1; i <= 65; i++)
    g_string_append_printf (text, " %u: set<list<i32>> f%u;", i, i);
  g_string_append (text, "}\nservice S { void call (1: Keys k) }");
  idl = cli_test_load (text->str);
  check_not_found (
      idl, "S.call",
      "list<i32>: too many different containers are keys of maps and elements of sets");
}

static void
an_idl_with_mistakes_is_refused (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (cli_idl_load ("/nowhere/x.thrift", NULL, &error));
  assert_error (error, CLI_INPUT_ERROR, 0,
                "/nowhere/x.thrift: the IDL has mistakes; nothing was sent");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (methods_are_found_by_name),
    TEST (what_is_not_there_is_suggested),
    TEST (near_names_are_listed),
    TEST (structs_may_hold_each_other),
    TEST (a_chain_of_structs_is_followed),
    TEST (a_struct_may_be_too_large),
    TEST (an_idl_with_mistakes_is_refused),
    TEST (there_is_a_limit_to_containers_as_keys), /* the last: it takes what there is */
    { NULL, NULL },
  };

  return test_main ("cli-idl", cases, argc, argv);
}
