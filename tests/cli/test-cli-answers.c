/* Owns the tests of what a stand-in server answers: which arguments a pattern matches, and which answer is whose turn. */
#include <string.h>
#include <unistd.h>

#include "cli-answers.h"
#include "cli-match.h"
#include "cli-test.h"
#include "harness.h"

static const gchar idl_text[] =
    "enum Color { RED = 1, BLUE = 2 }\n"
    "struct Spot { 1: i32 x, 2: optional i32 y, 3: string name }\n"
    "exception Lost { 1: string why }\n"
    "service First {\n"
    "  i32 look (1: Spot spot, 2: list<Spot> spots, 3: set<i32> ids, 4: map<string, double> "
    "sizes,\n"
    "            5: Color color, 6: binary bytes, 7: list<i32> numbers, 8: optional string note)\n"
    "    throws (1: Lost lost)\n"
    "  oneway void note ()\n"
    "}\n"
    "service Second { i32 look () }\n";

static const gchar args_text[] =
    "{\"spot\": {\"x\": 1, \"name\": \"home\"}, \"spots\": [{\"x\": 1}, {\"x\": 2, \"y\": 3}], "
    "\"ids\": [1, 2], \"sizes\": "
    "{\"a\": 1.5}, \"color\": \"BLUE\", \"bytes\": \"/w==\", \"numbers\": [7, 8]}";

static GObject *
new_args (const TallyLoadedInfo *info, const gchar *text)
{
  const CliPlace place = { .source = "args", .index = -1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (CliJson) json = cli_json_parse ("args", text, strlen (text), &error);
  GObject *args = NULL;

  assert_no_error (error);
  CU_ASSERT_TRUE_FATAL (cli_fill (json, &info->info.type, &args, &place, &error));
  return args;
}

/* Writes @text to a file and reads it. */
static CliAnswers *
read_answers (CliIdl *idl, const gchar *text, GError **error)
{
  g_autofree gchar *path = NULL;
  CliAnswers *answers;

  close (g_file_open_tmp ("cli-XXXXXX.json", &path, NULL));
  g_file_set_contents (path, text, -1, NULL);
  answers = cli_answers_new (idl, path, FALSE, error);
  unlink (path);
  return answers;
}

static void
patterns (void)
{
  static const struct
  {
    const gchar *pattern;
    gboolean matches;
  } rows[] = {
    { "{}", TRUE },
    { "{\"spot\": {\"x\": 1}}", TRUE },
    { "{\"spot\": {\"x\": 2}}", FALSE },
    { "{\"spot\": {\"y\": null, \"name\": \"home\"}}", TRUE },
    { "{\"spot\": {\"x\": null}}", FALSE },
    { "{\"spot\": {\"y\": {\"$any\": true}}}", FALSE },
    { "{\"spot\": {\"name\": {\"$matches\": \"^h.me$\"}}}", TRUE },
    { "{\"spot\": {\"name\": {\"$matches\": \"^ome\"}}}", FALSE },
    { "{\"note\": null}", TRUE },
    { "{\"note\": {\"$any\": true}}", FALSE },
    { "{\"note\": {\"$matches\": \"\"}}", FALSE },
    { "{\"spots\": [{\"x\": 1}, {\"y\": 3}]}", TRUE },
    { "{\"spots\": [{\"x\": 1}]}", FALSE },
    { "{\"spots\": [{}, {\"$any\": true}]}", TRUE },
    { "{\"spots\": [{\"x\": 2}, {}]}", FALSE },
    { "{\"spots\": [{}, null]}", FALSE },
    { "{\"numbers\": [7, 8]}", TRUE },
    { "{\"numbers\": [8, 7]}", FALSE },
    { "{\"ids\": [2, 1]}", TRUE },
    { "{\"ids\": [2]}", FALSE },
    { "{\"sizes\": {\"a\": 1.5}}", TRUE },
    { "{\"sizes\": [[\"a\", 1.5]]}", TRUE },
    { "{\"sizes\": {}}", FALSE },
    { "{\"color\": 2, \"bytes\": {\"$hex\": \"ff\"}}", TRUE },
    { "{\"color\": \"RED\"}", FALSE },
  };
  g_autoptr (CliIdl) idl = cli_test_load (idl_text);
  const CliMethod method = cli_test_find (idl, "First.look");
  const TallyLoadedInfo *info = cli_tables_get_object (idl->tables, method.table->args, NULL);
  g_autoptr (GObject) args = new_args (info, args_text);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const CliPlace place = { .source = "pattern", .index = -1 };
      g_autoptr (GError) error = NULL;
      g_autoptr (CliJson) pattern =
          cli_json_parse ("pattern", rows[i].pattern, strlen (rows[i].pattern), &error);

      assert_no_error (error);
      CU_ASSERT_TRUE (cli_match_check (pattern, &method.table->args->type, &place, &error));
      assert_no_error (error);
      if (cli_match (pattern, &info->info.type, &args) != rows[i].matches)
        CU_FAIL (rows[i].pattern);
    }
}

static void
patterns_that_match_nothing (void)
{
  static const struct
  {
    const gchar *pattern;
    const gchar *message;
  } rows[] = {
    { "{\"spt\": {}}", "pattern:1:9: the method has no argument \"spt\", did you mean \"spot\"?" },
    { "{\"spot\": {\"z\": 1}}", "pattern:1:16: spot: Spot has no field \"z\"" },
    { "{\"spot\": 3}", "pattern:1:10: spot: Spot is written as an object, not as a number" },
    { "{\"spots\": [{\"x\": true}]}", "pattern:1:18: spots[0].x: i32 is written as" },
    { "{\"spot\": {\"x\": {\"$matches\": \"1\"}}}", "$matches wants a regular expression" },
    { "{\"note\": {\"$matches\": \"(\"}}", "pattern:1:23: note: " },
    { "{\"note\": {\"$matches\": 1}}", "$matches wants a regular expression" },
  };
  g_autoptr (CliIdl) idl = cli_test_load (idl_text);
  const CliMethod method = cli_test_find (idl, "First.look");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const CliPlace place = { .source = "pattern", .index = -1 };
      g_autoptr (GError) error = NULL;
      g_autoptr (CliJson) pattern =
          cli_json_parse ("pattern", rows[i].pattern, strlen (rows[i].pattern), NULL);

      CU_ASSERT_FALSE (cli_match_check (pattern, &method.table->args->type, &place, &error));
      assert_error (error, CLI_INPUT_ERROR, 0, rows[i].message);
    }
}

static void
names (void)
{
  g_autoptr (CliIdl) idl = cli_test_load (idl_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (CliAnswers) answers = cli_answers_new (idl, NULL, FALSE, &error);
  const CliMethod first = cli_test_find (idl, "First.look");
  const CliMethod second = cli_test_find (idl, "Second.look");
  const gchar *service;

  assert_no_error (error);
  CU_ASSERT_PTR_EQUAL (cli_answers_find_method (answers, "look", &service), first.table);
  assert_string (service, "First");
  CU_ASSERT_PTR_EQUAL (cli_answers_find_method (answers, "First:look", &service), first.table);
  CU_ASSERT_PTR_EQUAL (cli_answers_find_method (answers, "Second:look", &service), second.table);
  assert_string (service, "Second");
  CU_ASSERT_PTR_NULL (cli_answers_find_method (answers, "Third:look", &service));
  CU_ASSERT_PTR_NULL (service);
}

static void
turns (void)
{
  g_autoptr (CliIdl) idl = cli_test_load (idl_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (CliAnswers) answers = read_answers (
      idl,
      "{\"method\": \"First.look\", \"times\": 3, \"turns\": [{\"delay\": 1}, {\"delay\": 2}]}\n"
      "{\"method\": \"First.look\", \"args\": {\"color\": \"RED\"}, \"delay\": 9}\n"
      "{\"method\": \"First.look\", \"delay\": 4}\n"
      "{\"method\": \"note\", \"result\": null, \"delay\": 5}",
      &error);
  static const guint delays[] = { 1, 2, 1, 4, 4 };
  const CliMethod method = cli_test_find (idl, "First.look");
  const CliMethod oneway = cli_test_find (idl, "First.note");
  g_autoptr (GObject) args = new_args (cli_answers_get_args (answers, method.table), args_text);
  g_autoptr (GObject) none = new_args (cli_answers_get_args (answers, oneway.table), "{}");

  assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (delays); i++)
    assert_int (cli_answers_take (answers, method.table, args)->delay_ms, delays[i]);
  assert_int (cli_answers_take (answers, oneway.table, none)->delay_ms, 5);
  CU_ASSERT_PTR_NULL (cli_answers_take (answers, oneway.table, none)->result);
}

static void
faulty_answers (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *message;
  } rows[] = {
    { "{\"method\": \"First.look\", \"times\": 0}", "times is a number, 1 or more" },
    { "{\"method\": \"First.look\", \"turns\": []}", "turns are an array of answers" },
    { "{\"method\": \"First.look\", \"turns\": [{\"times\": 1}]}", "has no \"times\"" },
    { "{\"method\": \"First.look\", \"turns\": [{}], \"result\": 1}", "it belongs into a turn" },
    { "{\"method\": \"First.look\", \"delay\": -1}", "a delay is 0 to" },
    { "{\"method\": \"First.look\", \"args\": 1}", "arguments are written as an object" },
    { "{\"method\": \"First.look\", \"error\": {\"text\": \"x\"}}", "an error has \"type\" and" },
    { "{\"method\": \"First.look\", \"error\": {\"type\": \"INTERNAL\"}}", "\"INTERNAL\"" },
    { "{\"method\": \"First.look\", \"error\": {\"message\": 1}}", "an error's text is a string" },
    { "{\"method\": \"First.look\", \"exception\": {}}", "written as {\"Name\": {...}}" },
    { "{\"method\": \"First.look\", \"echo\": \"note\"}", "is not of the result's type, i32" },
    { "{\"method\": \"note\", \"result\": 1}", "the method is oneway" },
    { "{\"method\": \"note\", \"exception\": {\"Lost\": {}}}",
      "throws no \"Lost\"; there is none" },
    { "{\"method\": \"look\"}{", ".json:1:20: " },
  };
  g_autoptr (CliIdl) idl = cli_test_load (idl_text);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (read_answers (idl, rows[i].text, &error));
      assert_error (error, CLI_INPUT_ERROR, 0, rows[i].message);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (patterns),       TEST (patterns_that_match_nothing),
    TEST (names),          TEST (turns),
    TEST (faulty_answers), { NULL, NULL },
  };

  return test_main ("cli-answers", cases, argc, argv);
}
