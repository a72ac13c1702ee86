/* How mistakes are shown: to people, and as JSON. */
#include "idl-test.h"

#include <string.h>

static gchar *
show (const gchar *text, gssize length)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();

  idl_unit_load_text (unit, "dir/t.thrift", text, length);
  return idl_diagnostics_to_string (idl_unit_get_diagnostics (unit));
}

static void
text_form (void)
{
  g_autofree gchar *shown =
      show ("struct Thing {}\nstruct S {\n  1: list<Thnig> a\n  2: i32 a\n}", -1);

  assert_string (
      shown,
      "dir/t.thrift:3:11: error: unknown type 'Thnig'; did you mean 'Thing'? [unknown-type]\n"
      "    1: list<Thnig> a\n"
      "            ^~~~~\n"
      "dir/t.thrift:4:10: error: field 'a' is defined twice [duplicate-name]\n"
      "    2: i32 a\n"
      "           ^\n"
      "dir/t.thrift:3:18: note: the other 'a' is here\n"
      "    1: list<Thnig> a\n"
      "                   ^\n");
}

static void
caret_under_tabs_and_wide_characters (void)
{
  g_autofree gchar *tab = show ("struct S {\n\t1:\tFoo a }", -1);
  g_autofree gchar *accents = show ("/* \xc3\xa9\xc3\xa9 */ struct S { 1: Foo a }", -1);
  g_autofree gchar *wide = show ("/* \xe6\x97\xa5 */ typedef Foo T", -1);

  CU_ASSERT_PTR_NOT_NULL (strstr (tab, "\n  \t1:\tFoo a }\n  \t  \t^~~\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (accents, "\n  /* \xc3\xa9\xc3\xa9 */ struct S { 1: Foo a }\n"
                                           "                         ^~~\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (wide, "\n                   ^~~\n"));
}

/* What a file holds must not steer the terminal, nor fill it. */
static void
hostile_lines (void)
{
  g_autoptr (GString) text = g_string_new ("/*");
  g_autofree gchar *escape = show ("// \033[31m\nstruct S { 1: Foo a } // \033]0;x\a", -1);
  g_autofree gchar *shown = NULL;

  CU_ASSERT_PTR_NULL (strchr (escape, '\033'));
  CU_ASSERT_PTR_NULL (strchr (escape, '\a'));
  for (guint i = 0; i < 1000000; i++)
    g_string_append (text, "\xc3\xa9");
  g_string_append (text, "*/ struct S { 1: Foo a } /*");
  for (guint i = 0; i < 1000000; i++)
    g_string_append (text, "\xc3\xa9");
  g_string_append (text, "*/");
  shown = show (text->str, (gssize) text->len);
  CU_ASSERT_TRUE (strlen (shown) < 500);
  CU_ASSERT_TRUE (g_utf8_validate (shown, -1, NULL));
  CU_ASSERT_PTR_NOT_NULL (strstr (shown, "struct S { 1: Foo a }"));
}

static void
long_messages (void)
{
  g_autoptr (GString) text = g_string_new ("typedef ");
  g_autofree gchar *shown = NULL;

  for (guint i = 0; i < 10 * 1000 * 1000; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, " T");
  shown = show (text->str, -1);
  CU_ASSERT_TRUE (strlen (shown) < 2000);
  CU_ASSERT_PTR_NOT_NULL (strstr (shown, "xxx...xxx"));
}

static void
many_errors (void)
{
  g_autoptr (GString) text = g_string_new ("struct S {");
  g_autofree gchar *shown = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "%u: Foo%u a%u\n", i + 1, i, i);
  g_string_append (text, "}");
  shown = show (text->str, -1);
  CU_ASSERT_PTR_NOT_NULL (strstr (shown, "unknown type 'Foo199'"));
  CU_ASSERT_PTR_NULL (strstr (shown, "unknown type 'Foo200'"));
  CU_ASSERT_TRUE (g_str_has_suffix (shown, "note: 800 more errors and warnings are not shown\n"));
}

static void
json_form (void)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autofree gchar *json = NULL;

  idl_unit_load_text (unit, "a\"b.thrift", "enum E { A = 1, B = 1 }\nstruct S { 1: Foo a }", -1);
  idl_unit_load (unit, "/nonexistent/file");
  json = idl_diagnostics_to_json (idl_unit_get_diagnostics (unit));
  assert_string (
      json,
      "{\"diagnostics\": [\n"
      "  {\"severity\": \"error\", \"id\": \"unknown-type\", \"file\": \"a\\\"b.thrift\", "
      "\"line\": 2, \"column\": 15, "
      "\"length\": 3, "
      "\"message\": \"unknown type 'Foo'\", \"notes\": []},\n"
      "  {\"severity\": \"warning\", \"id\": \"duplicate-value\", \"file\": \"a\\\"b.thrift\", "
      "\"line\": 1, \"column\": 17, "
      "\"length\": 1, "
      "\"message\": \"'B' has the value of 'A', 1\", \"notes\": [{\"file\": \"a\\\"b.thrift\", "
      "\"line\": 1, "
      "\"column\": 10, \"length\": 1, \"message\": \"'A' is here\"}]},\n"
      "  {\"severity\": \"error\", \"id\": \"unreadable-file\", \"message\": \"cannot read "
      "'/nonexistent/file': No such file or "
      "directory\", \"notes\": []}],\n"
      " \"errors\": 2, \"warnings\": 1}\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (text_form),
                                    TEST (caret_under_tabs_and_wide_characters),
                                    TEST (hostile_lines),
                                    TEST (long_messages),
                                    TEST (many_errors),
                                    TEST (json_form),
                                    { NULL } };

  return test_main ("idl-diagnostics", cases, argc, argv);
}
