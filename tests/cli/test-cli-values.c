/* Values from JSON, over both protocols, to JSON: every type, every form, and what is wrong where. */
#include "cli-test.h"
#include "harness.h"

static const gchar idl[] =
    "enum E { A = 1, B = 5 }\n"
    "typedef list<i32> Numbers\n"
    "union U { 1: i32 number; 2: string text }\n"
    "struct Inner { 1: required i8 tiny; 2: optional Inner next; 3: E e = E.B }\n"
    "struct All {\n"
    "  1: bool yes; 2: i8 tiny; 3: i16 small; 4: i32 medium; 5: i64 large; 6: double number;\n"
    "  7: string text; 8: binary bytes; 9: E e; 10: Inner inner; 11: Numbers numbers; 12: "
    "list<string> words;\n"
    "  13: set<i32> chosen; 14: map<string, i32> ages; 15: map<E, string> names; 16: "
    "map<list<i32>, i32> lists;\n"
    "  17: map<Inner, bool> inners; 18: U u; 19: set<list<string>> sets; 20: map<double, i64> "
    "doubles;\n"
    "  21: map<binary, i32> sizes; 22: list<Inner> many; 23: map<bool, i32> bools; 24: uuid id;\n"
    "  25: map<uuid, set<E>> ids; 26: list<bool> flags }\n"
    "struct Filled { 1: i32 number = 7; 2: string text = \"t\"; 3: list<i32> list = [1, 2]; 4: "
    "map<string, E> map = {\"k\": E.A};\n"
    "  5: Inner inner = {\"tiny\": 3}; 6: set<double> set = [0.5]; 7: optional bool yes = true; 8: "
    "binary bytes = \"b\";\n"
    "  9: E e = 5; 10: uuid id = \"00112233-4455-6677-8899-aabbccddeeff\" }\n"
    "service S { void all (1: All a); void filled (1: Filled a); void inner (1: Inner a) }\n";

static void
check (const gchar *method, const gchar *json, const gchar *expected)
{
  g_autofree gchar *whole = g_strdup_printf ("{\"a\": %s}", json);
  g_autofree gchar *said = cli_test_pass (idl, method, whole);

  assert_string (said, expected);
}

/* What is not given of plain types is 0 on the wire. */
#define PLAIN                                                                                      \
  "\"yes\": false, \"tiny\": 0, \"small\": 0, \"medium\": 0, \"large\": 0, \"number\": 0.0"
#define ID "\"id\": \"00000000-0000-0000-0000-000000000000\""

/* JavaScript writes doubles so, up to 10^21. */
static void
whole_numbers_are_doubles (void)
{
  check ("all", "{\"number\": 100000000000000000000, \"doubles\": {\"-100000000000000000000\": 1}}",
         "{\"yes\": false, \"tiny\": 0, \"small\": 0, \"medium\": 0, \"large\": 0, \"number\": "
         "1e+20, \"e\": 0, "
         "\"doubles\": {\"-1e+20\": 1}, " ID "}");
}

static void
every_type_comes_back (void)
{
  check ("all",
         "{\"yes\": true, \"tiny\": -128, \"small\": 32767, \"medium\": -2147483648, \"large\": "
         "9223372036854775807,"
         " \"number\": 0.1, \"text\": \"gr\\u00fc\\u00dfe\", \"bytes\": \"AP8=\", \"e\": \"B\"}",
         "{\"yes\": true, \"tiny\": -128, \"small\": 32767, \"medium\": -2147483648, \"large\": "
         "9223372036854775807, "
         "\"number\": 0.1, \"text\": \"grüße\", \"bytes\": \"AP8=\", \"e\": \"B\", " ID "}");
  check ("all",
         "{\"e\": 1, \"inner\": {\"tiny\": 1, \"next\": {\"tiny\": 2}}, \"numbers\": [3, 1], "
         "\"words\": [\"\", \"b\"],"
         " \"chosen\": [3, -1], \"ages\": {\"b\": 1, \"a\": 2}, \"names\": {\"B\": \"b\", \"1\": "
         "\"a\"}}",
         "{" PLAIN ", \"e\": \"A\", \"inner\": {\"tiny\": 1, \"next\": {\"tiny\": 2, \"e\": "
         "\"B\"}, \"e\": \"B\"}, "
         "\"numbers\": [3, 1], \"words\": [\"\", \"b\"], \"chosen\": [-1, 3], \"ages\": {\"a\": 2, "
         "\"b\": 1}, "
         "\"names\": {\"A\": \"a\", \"B\": \"b\"}, " ID "}");
}

static void
any_type_is_a_key (void)
{
  check (
      "all",
      "{\"e\": 9, \"lists\": [[[1, 2], 3], [[], 4]], \"inners\": [[{\"tiny\": 1}, true]], "
      "\"sets\": [[\"a\"], []],"
      " \"doubles\": {\"0.5\": 1, \"-1e10\": 2}, \"sizes\": [[\"AA==\", 1], [{\"$hex\": \"ff\"}, "
      "2]],"
      " \"bools\": {\"true\": 1}, \"ids\": {\"00112233-4455-6677-8899-aabbccddeeff\": [\"A\", 5]}}",
      "{" PLAIN ", \"e\": 9, \"lists\": [[[1, 2], 3], [[], 4]], \"inners\": [[{\"tiny\": 1, \"e\": "
      "\"B\"}, true]], "
      "\"sets\": [[\"a\"], []], \"doubles\": {\"-10000000000.0\": 2, \"0.5\": 1}, "
      "\"sizes\": [[\"/w==\", 2], [\"AA==\", 1]], \"bools\": {\"true\": 1}, " ID ", "
      "\"ids\": {\"00112233-4455-6677-8899-aabbccddeeff\": [\"A\", \"B\"]}}");
}

static void
bytes_have_three_forms (void)
{
  check ("all", "{\"e\": 1, \"bytes\": {\"$text\": \"hi\"}, \"text\": {\"$hex\": \"68 69\"}}",
         "{" PLAIN ", \"text\": \"hi\", \"bytes\": \"aGk=\", \"e\": \"A\", " ID "}");
  check ("all", "{\"e\": 1, \"text\": {\"$hex\": \"ff\"}}",
         "{" PLAIN ", \"text\": {\"$hex\": \"ff\"}, \"e\": \"A\", " ID "}");
}

static void
numbers_that_json_lacks_are_words (void)
{
  check ("all", "{\"e\": 1, \"number\": \"-Infinity\"}",
         "{\"yes\": false, \"tiny\": 0, \"small\": 0, \"medium\": 0, \"large\": 0, \"number\": "
         "\"-Infinity\", \"e\": \"A\", " ID "}");
}

static void
defaults_are_the_idls (void)
{
  check ("filled", "{}",
         "{\"number\": 7, \"text\": \"t\", \"list\": [1, 2], \"map\": {\"k\": \"A\"}, \"inner\": "
         "{\"tiny\": 3, \"e\": \"B\"}, "
         "\"set\": [0.5], \"bytes\": \"Yg==\", \"e\": \"B\", \"id\": "
         "\"00112233-4455-6677-8899-aabbccddeeff\"}");
  check ("filled", "{\"list\": [], \"number\": 1, \"yes\": false, \"text\": null}",
         "{\"number\": 1, \"text\": \"t\", \"list\": [], \"map\": {\"k\": \"A\"}, \"inner\": "
         "{\"tiny\": 3, \"e\": \"B\"}, "
         "\"set\": [0.5], \"yes\": false, \"bytes\": \"Yg==\", \"e\": \"B\", \"id\": "
         "\"00112233-4455-6677-8899-aabbccddeeff\"}");
}

static void
what_does_not_fit_is_named (void)
{
  static const struct
  {
    const gchar *json;
    const gchar *error;
  } cases[] = {
    { "{\"tiny\": 128}", "args:1:16: a.tiny: 128 does not fit i8 (-128 to 127)" },
    { "{\"large\": 9223372036854775808}",
      "args:1:17: a.large: 9223372036854775808 does not fit i64 (-9223372036854775808 to "
      "9223372036854775807)" },
    { "{\"large\": 1.0}", "args:1:17: a.large: i64 is written as a whole number, not as a number "
                          "with a fraction or exponent" },
    { "{\"yes\": 1}", "args:1:15: a.yes: bool is written as true or false, not as a number" },
    { "{\"txet\": \"\"}", "args:1:16: a: All has no field \"txet\", did you mean \"text\"?" },
    { "{\"e\": \"C\"}", "args:1:13: a.e: E has no value \"C\"; there is A, B" },
    { "{\"text\": \"a\\u0000b\"}", "args:1:16: a.text: a string of C holds no NUL" },
    { "{\"bytes\": \"A\"}",
      "args:1:17: a.bytes: this is no whole base64: 1 letters and 0 signs of equality" },
    { "{\"bytes\": \"A*==\"}", "args:1:17: a.bytes: character 2 does not belong in base64" },
    { "{\"bytes\": {\"$hex\": \"0g\"}}",
      "args:1:26: a.bytes: character 2 is no hexadecimal digit" },
    { "{\"bytes\": {\"$oct\": \"0\"}}",
      "args:1:26: a.bytes: \"$oct\" is no form of bytes; there are $hex, $base64 and $text" },
    { "{\"inner\": {}}", "args:1:17: a.inner: Inner's required field \"tiny\" (i8) is missing" },
    { "{\"numbers\": [1, null]}",
      "args:1:23: a.numbers[1]: i32 is written as a whole number, not as null" },
    { "{\"chosen\": [1, 1]}", "args:1:22: a.chosen[1]: the set has this element already" },
    { "{\"doubles\": {\"1\": 1, \"1.0\": 2}}",
      "args:1:35: a.doubles[\"1.0\"]: the map has this key already" },
    { "{\"ages\": {\"a\": \"b\"}}",
      "args:1:22: a.ages[\"a\"]: i32 is written as a whole number, not as a string" },
    { "{\"lists\": {\"a\": 1}}", "args:1:17: a.lists: a map whose keys are of type list is written "
                                 "as an array of pairs, [[key, value], ...]" },
    { "{\"lists\": [[1, 2, 3]]}",
      "args:1:18: a.lists[0]: a pair of a map is written as [key, value]" },
    { "{\"u\": {}}", "args:1:13: a.u: U is a union: one field is given, not 0" },
    { "{\"u\": {\"number\": 1, \"text\": \"\"}}",
      "args:1:13: a.u: U is a union: one field is given, not 2" },
    { "{\"id\": \"x\"}", "args:1:14: a.id: \"x\" is no uuid; one is written as 32 hexadecimal "
                         "digits in groups of 8-4-4-4-12" },
    { "[]", "args:1:7: a: All is written as an object, not as an array" },
    { "null", "args:1:1: the argument \"a\" (All) is missing" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check ("all", cases[i].json, cases[i].error);
}

static void
values_nest_as_deep_as_messages_may (void)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree gchar *whole = NULL;
  g_autofree gchar *said = NULL;

  for (guint i = 0; i < 90; i++)
    g_string_append (json, "{\"tiny\":1,\"next\":");
  g_string_append (json, "null");
  for (guint i = 0; i < 90; i++)
    g_string_append_c (json, '}');
  whole = g_strdup_printf ("{\"a\": %s}", json->str);
  said = cli_test_pass (idl, "inner", whole);
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "deep"));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (whole_numbers_are_doubles),
    TEST (every_type_comes_back),
    TEST (any_type_is_a_key),
    TEST (bytes_have_three_forms),
    TEST (numbers_that_json_lacks_are_words),
    TEST (defaults_are_the_idls),
    TEST (what_does_not_fit_is_named),
    TEST (values_nest_as_deep_as_messages_may),
    { NULL, NULL },
  };

  return test_main ("cli-values", cases, argc, argv);
}
