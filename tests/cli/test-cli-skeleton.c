/* Templates of arguments: a call takes them as they are. */
#include "cli-skeleton.h"

#include <string.h>

#include "cli-test.h"
#include "harness.h"

/* The template of @name is @expected (nullable), and arguments can be made of it. */
static void
check_skeleton (const gchar *text, const gchar *name, const gchar *expected)
{
  g_autoptr (CliIdl) idl = cli_test_load (text);
  CliMethod method = cli_test_find (idl, name);
  g_autofree gchar *skeleton = cli_skeleton_new (method.table);
  g_autoptr (GError) error = NULL;
  g_autoptr (CliJson) json = cli_json_parse ("skeleton", skeleton, strlen (skeleton), &error);
  gpointer args = json != NULL ? cli_args_new (method.table, json, "skeleton", &error) : NULL;

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (args);
  cli_args_free (method.table, args);
  if (expected != NULL)
    assert_string (skeleton, expected);
}

static void
every_type_is_in_it (void)
{
  check_skeleton (
      "enum E { A = 3 } enum None {}\n"
      "union U { 1: i32 x; 2: string y }\n"
      "struct P { 1: i32 x = 7; 2: required E e; 3: optional list<string> words }\n"
      "service S { void call (1: bool a, 2: double b, 3: binary c, 4: U u, 5: P p, 6: map<E, "
      "list<P>> m,\n"
      "  7: map<P, i32> n, 8: set<i32> s = [1], 9: None none, 10: uuid id, 11: map<uuid, bool> "
      "ids) }",
      "call",
      "{\n  \"a\": false,\n  \"b\": 0.0,\n  \"c\": \"\",\n  \"u\": {\n    \"x\": 0\n  },\n"
      "  \"p\": {\n    \"x\": 7,\n    \"e\": \"A\",\n    \"words\": [\n      \"\"\n    ]\n  },\n"
      "  \"m\": {\n    \"A\": [\n      {\n        \"x\": 7,\n        \"e\": \"A\",\n        "
      "\"words\": [\n          \"\"\n        ]\n      }\n    ]\n  },\n"
      "  \"n\": [\n    [\n      {\n        \"x\": 7,\n        \"e\": \"A\",\n        \"words\": "
      "[\n          \"\"\n        ]\n      },\n      0\n    ]\n  ],\n"
      "  \"s\": [1],\n  \"none\": 0,\n  \"id\": \"00000000-0000-0000-0000-000000000000\",\n"
      "  \"ids\": {\n    \"00000000-0000-0000-0000-000000000000\": false\n  }\n}\n");
}

static void
what_holds_itself_ends (void)
{
  check_skeleton (
      "struct Tree { 1: Tree left; 2: list<Tree> more; 3: map<i32, Tree> named; 4: i32 x }\n"
      "service S { void call (1: Tree t) }",
      "call", "{\n  \"t\": {\n    \"x\": 0\n  }\n}\n");
}

/* Each holds the next twice: 2^30 values, were there no limit. */
static void
what_doubles_has_a_limit (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 30; i++)
    g_string_append_printf (text, "struct S%u { 1: S%u a; 2: S%u b; 3: S%u c; 4: list<S%u> d }\n",
                            i, i + 1, i + 1, i + 1, i + 1);
  g_string_append (text, "struct S30 { 1: i32 x }\nservice S { void call (1: S0 s) }");
  check_skeleton (text->str, "call", NULL);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_type_is_in_it),
    TEST (what_holds_itself_ends),
    TEST (what_doubles_has_a_limit),
    { NULL, NULL },
  };

  return test_main ("cli-skeleton", cases, argc, argv);
}
