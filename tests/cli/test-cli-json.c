/* JSON as it is read: what is taken, and where what is not is wrong. */
#include <string.h>

#include "cli-json.h"
#include "harness.h"

static void
check_refused (const gchar *text, gsize length, const gchar *expected)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (cli_json_parse ("f", text, length, &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  assert_string (error->message, expected);
}

static void
values_have_their_places (void)
{
  const gchar text[] =
      " {\"a\": [1, -2.5e1,\n  \"x\\u00e9\\ud83d\\ude00\\n\"],\n \"b\": null, \"c\": true}\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (CliJson) json = cli_json_parse ("f", text, strlen (text), &error);
  const CliJson *list, *string;

  assert_no_error (error);
  list = cli_json_get (json, "a");
  assert_int (list->items->len, 3);
  string = g_ptr_array_index (list->items, 2);
  assert_int (((CliJson *) g_ptr_array_index (list->items, 0))->integer, 1);
  CU_ASSERT_TRUE (((CliJson *) g_ptr_array_index (list->items, 1))->number == -25);
  assert_string (string->text, "xé😀\n");
  assert_int (string->line, 2);
  assert_int (string->column, 3);
  assert_int (cli_json_get (json, "b")->kind, CLI_JSON_NULL);
  assert_int (cli_json_get (json, "c")->integer, TRUE);
  CU_ASSERT_PTR_NULL (cli_json_get (json, "d"));
}

static void
what_is_no_json_is_refused_where_it_is (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *error;
  } cases[] = {
    { "", "f:1:1: a value is missing at the end of the text" },
    { "{\"a\":1,\n}", "f:2:1: a member's name in quotation marks is missing here" },
    { "{\"a\":1,\"a\":2}", "f:1:8: there are two members \"a\"" },
    { "{\"a\" 1}", "f:1:6: a colon is missing here" },
    { "[1 2]", "f:1:4: a comma or \"]\" is missing here" },
    { "[1,]", "f:1:4: this is no value of JSON" },
    { "nul", "f:1:1: this is no value of JSON" },
    { "NaN", "f:1:1: this is no value of JSON" },
    { "01", "f:1:1: this is no number of JSON" },
    { "1.", "f:1:1: this is no number of JSON" },
    { "-", "f:1:1: this is no number of JSON" },
    { "1e999", "f:1:1: 1e999 is larger than any double" },
    { "\"a", "f:1:1: the string that begins here has no end" },
    { "\"\\x\"", "f:1:2: there is no such escape in JSON" },
    { "\"\\u12\"", "f:1:2: \\u needs four hexadecimal digits" },
    { "\"\\ud800\"", "f:1:2: half of a surrogate pair" },
    { "\"\t\"", "f:1:2: a control character in a string must be written as \\u0009" },
    { "\"\xff\"", "f:1:2: this is no UTF-8" },
    { "1 2", "f:1:3: there is more behind the value" },
    { "{\"\\u0000\":1}", "f:1:2: NUL in a member's name: \"\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check_refused (cases[i].text, strlen (cases[i].text), cases[i].error);
  check_refused ("[1\0]", 4, "f:1:3: a comma or \"]\" is missing here");
}

static void
large_numbers_are_no_integers (void)
{
  static const struct
  {
    const gchar *text;
    CliJsonKind kind;
  } cases[] = { { "9223372036854775807", CLI_JSON_INTEGER },
                { "-9223372036854775808", CLI_JSON_INTEGER },
                { "9223372036854775808", CLI_JSON_LARGE },
                { "-9223372036854775809", CLI_JSON_LARGE },
                { "100000000000000000000", CLI_JSON_LARGE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CliJson) json = cli_json_parse ("f", cases[i].text, strlen (cases[i].text), NULL);

      CU_ASSERT_PTR_NOT_NULL_FATAL (json);
      assert_int (json->kind, cases[i].kind);
      CU_ASSERT_TRUE (json->kind == CLI_JSON_INTEGER
                      || json->number == g_ascii_strtod (cases[i].text, NULL));
    }
}

static void
brackets_do_not_nest_without_end (void)
{
  g_autofree gchar *text = g_strnfill (1000000, '[');

  check_refused (text, 1000000, "f:1:101: brackets nest deeper than 100");
}

/* Every text that a valid one begins with ends with an error, and reads nothing behind it. */
static void
every_beginning_is_refused (void)
{
  const gchar text[] = "{\"a\": [1.5e3, \"\\ud83d\\ude00 é\", true], \"b\": {}}";

  for (gsize length = 0; length < strlen (text); length++)
    {
      g_autofree gchar *part = g_memdup2 (text, length);
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (cli_json_parse ("f", part, length, &error));
      CU_ASSERT_PTR_NOT_NULL (error);
    }
}

static void
several_values_follow_each_other (void)
{
  const gchar text[] = "1\n{} [2]";
  CliJsonReader reader;

  cli_json_reader_init (&reader, "f", text, strlen (text));
  for (guint i = 0; i < 4; i++)
    {
      static const gint kinds[] = { CLI_JSON_INTEGER, CLI_JSON_OBJECT, CLI_JSON_ARRAY };
      g_autoptr (CliJson) value = NULL;

      CU_ASSERT_TRUE (cli_json_read (&reader, &value, NULL));
      if (i < 3)
        assert_int (value->kind, kinds[i]);
      else
        CU_ASSERT_PTR_NULL (value);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (values_have_their_places),
    TEST (what_is_no_json_is_refused_where_it_is),
    TEST (large_numbers_are_no_integers),
    TEST (brackets_do_not_nest_without_end),
    TEST (every_beginning_is_refused),
    TEST (several_values_follow_each_other),
    { NULL, NULL },
  };

  return test_main ("cli-json", cases, argc, argv);
}
