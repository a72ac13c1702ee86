/* Values that differ from call to call, and the limits that a measurement is held against. */
#include "cli-template.h"

#include <string.h>

#include "cli-bench.h"
#include "cli-show.h"
#include "cli-test.h"
#include "harness.h"

static const gchar idl[] =
    "enum E { A = 1, B = 2 } struct P { 1: string name; 2: required i32 x; 3: list<P> more; 4: "
    "optional "
    "binary b; 5: uuid id; 6: map<string, i64> sizes; 7: E e; 8: list<i16> numbers; 9: set<string> "
    "words; 10: map<string, string> tags; 11: map<i32, E> kinds; 12: list<string> names; "
    "13: map<string, list<P>> groups; 14: optional double ratio; 15: set<double> ratios; "
    "16: map<E, P> best }\n"
    "service S { P call (1: P p, 2: i64 n, 3: double d, 4: bool t); void stop () }";

static void
assert_contains (const gchar *said, const gchar *what)
{
  CU_ASSERT_PTR_NOT_NULL (strstr (said, what));
  if (strstr (said, what) == NULL)
    g_print ("# %s\n# lacks: %s\n", said, what);
}

/* What @text has behind the first @start, to the next @end. (transfer full) */
static gchar *
dup_between (const gchar *text, const gchar *start, const gchar *end)
{
  const gchar *from = strstr (text, start);
  const gchar *to = from != NULL ? strstr (from + strlen (start), end) : NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (to);
  return g_strndup (from + strlen (start), (gsize) (to - from) - strlen (start));
}

static gchar *
show (const TallyType *type, gconstpointer slot)
{
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '[', TRUE);
  cli_show (&json, NULL, type, slot);
  idl_json_end (&json, '[');
  return idl_json_finish (&json);
}

/* What call @number sends of the arguments @json, as text; or the error. (transfer full) */
static gchar *
expand (const gchar *json, guint64 first, guint64 number)
{
  g_autoptr (CliIdl) unit = cli_test_load (idl);
  CliMethod method = cli_test_find (unit, "call");
  g_autoptr (GError) error = NULL;
  g_autoptr (CliJson) value = cli_json_parse ("args", json, strlen (json), &error);
  g_autoptr (CliTemplate) template =
      value != NULL ? cli_template_new (method.table, NULL, value, "args", &error) : NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  gconstpointer args = NULL;

  for (guint64 i = first; template != NULL && error == NULL && i <= number; i++)
    args = cli_template_get (template, i, &error);
  if (args == NULL)
    return g_strdup (error != NULL ? error->message : "nothing");
  for (guint i = 0; i < method.table->args->n_fields; i++)
    {
      const TallyField *field = &method.table->args->fields[i];
      g_autofree gchar *shown = show (field->type, (const guint8 *) args + field->offset);

      g_string_append (said, shown);
    }
  return g_string_free (g_steal_pointer (&said), FALSE);
}

static void
check_sent (const gchar *json, guint64 number, const gchar *what)
{
  g_autofree gchar *at_once = expand (json, number, number);
  g_autofree gchar *after_others = expand (json, 0, number);

  assert_contains (at_once, what);
  assert_string (after_others, at_once);
}

#define REST ", \"n\": 1, \"d\": 2, \"t\": true}"

static void
counters_count (void)
{
  check_sent ("{\"p\": {\"x\": \"${counter}\"}" REST, 41, "41");
  check_sent ("{\"p\": {\"x\": \"${counter:-100}\"}" REST, 7, "-93");
  check_sent ("{\"p\": {\"x\": \"1${counter}5\"}" REST, 3, "135");
  check_sent ("{\"p\": {\"x\": 1, \"name\": \"a ${counter} b ${counter:10} c\"}" REST, 3,
              "a 3 b 13 c");
  check_sent ("{\"p\": {\"x\": 0, \"more\": [{\"x\": 1}, {\"x\": \"${counter:70}\"}]}" REST, 7,
              "77");
  check_sent ("{\"p\": {\"x\": 0, \"numbers\": [5, \"${counter:70}\"]}" REST, 7, "77");
  check_sent ("{\"p\": {\"x\": 0}, \"n\": \"${counter:5000000000}\", \"d\": \"${counter}\", "
              "\"t\": \"${counter}\"}",
              7, "5000000007");
}

/* What lies in a set or map is found by making all of it anew. */
static void
sets_and_maps_vary_too (void)
{
  check_sent ("{\"p\": {\"x\": \"${counter}\", \"sizes\": {\"a\": \"${counter:100}\"}}" REST, 11,
              "111");
  check_sent ("{\"p\": {\"x\": 1, \"sizes\": [[\"key ${counter}\", 7]]}" REST, 11, "key 11");
  check_sent ("{\"p\": {\"x\": 1, \"words\": [\"one\", \"${counter} more\"]}" REST, 11, "11 more");
}

/* Texts that grow and shrink, at each depth; what varies beside what does not. */
static void
texts_of_any_length (void)
{
  check_sent ("{\"p\": {\"x\": 1, \"names\": [\"one\", \"<${counter:95}>\"]}" REST, 20,
              "\"<115>\"");
  check_sent ("{\"p\": {\"x\": 1, \"names\": [\"<${counter:-12}>\"]}" REST, 11, "\"<-1>\"");
  check_sent ("{\"p\": {\"x\": 1, \"tags\": {\"a\": \"<${counter:95}>\", \"b\": \"c\"}}" REST, 20,
              "\"a\": \"<115>\"");
  check_sent ("{\"p\": {\"x\": 1, \"tags\": [[\"a\", \"<${counter:95}>\"], [\"b\", \"c\"]]}" REST,
              20, "\"a\": \"<115>\"");
  check_sent (
      "{\"p\": {\"x\": 1, \"groups\": {\"a\": [{\"x\": 1}, {\"x\": \"${counter}\", \"name\": "
      "\"<${counter:95}>\"}]}}" REST,
      20, "\"<115>\"");
  check_sent (
      "{\"p\": {\"x\": 1, \"groups\": {\"a\": [{\"x\": 2, \"words\": [\"<${counter:95}>\"], "
      "\"name\": \"n${counter}\"}]}}" REST,
      20, "\"<115>\"");
  check_sent ("{\"p\": {\"x\": 1, \"best\": {\"B\": {\"x\": \"${counter:70}\"}}}" REST, 7, "77");
  check_sent ("{\"p\": {\"x\": 1, \"name\": \"${counter:-9223372036854775808}\"}" REST, 0,
              "\"-9223372036854775808\"");
  check_sent ("{\"p\": {\"x\": 1, \"name\": \"${counter:9223372036854775807}\"}" REST, 0,
              "\"9223372036854775807\"");
}

/* What is written over and what is made anew have the same of a call. */
static void
in_place_and_anew_are_alike (void)
{
  static const gchar *const texts[] = { "${counter:7}",     "a${random:-5-5}b",
                                        "${letters:5}",     "${letters:16}",
                                        "${letters:17}",    "x${letters:9000}",
                                        "${uuid}",          "<${uuid}>",
                                        "${choice:a|bcd|}", "$${counter}${counter}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (guint64 number = 0; number < 20; number++)
      {
        g_autofree gchar *json =
            g_strdup_printf ("{\"p\": {\"x\": 1, \"name\": \"%s\", \"words\": [\"%s\"]}" REST,
                             texts[i], texts[i]);
        g_autofree gchar *said = expand (json, number / 2, number);
        g_autofree gchar *name = dup_between (said, "\"name\": \"", "\"");
        g_autofree gchar *word = dup_between (said, "\"words\": [", "]");

        g_strstrip (word);
        assert_int (strlen (word), strlen (name) + 2);
        CU_ASSERT (strncmp (word + 1, name, strlen (name)) == 0);
      }
}

static void
choices_are_of_the_type (void)
{
  gboolean seen[3] = { FALSE };

  for (guint64 i = 0; i < 50; i++)
    {
      g_autofree gchar *said = expand (
          "{\"p\": {\"x\": \"${choice:5|-6}\", \"e\": \"${choice:A|B}\", \"kinds\": {\"3\": "
          "\"${choice:A|B}\"}, \"ratio\": \"${choice:1.5|NaN}\", \"ratios\": "
          "[\"${choice:1.5|NaN}\"], "
          "\"name\": \"<${choice:A|B}>\"}, \"n\": 1, \"d\": 2, \"t\": \"${choice:true|false}\"}",
          i / 2, i);
      const gboolean is_a = strstr (said, "\"<A>\"") != NULL;
      const gboolean is_half = strstr (said, "1.5") != NULL;

      CU_ASSERT (is_a != (strstr (said, "\"<B>\"") != NULL));
      assert_contains (said, is_a ? "\"e\": \"A\"" : "\"e\": \"B\"");
      assert_contains (said, is_a ? "\"3\": \"A\"" : "\"3\": \"B\"");
      assert_contains (said, is_half ? "\"ratio\": 1.5" : "\"ratio\": \"NaN\"");
      CU_ASSERT ((strstr (said, "NaN") != NULL) != is_half);
      seen[0] |= is_a;
      seen[1] |= is_half;
      seen[2] |= strstr (said, "\"x\": -6") != NULL;
    }
  CU_ASSERT (seen[0] && seen[1] && seen[2]);
}

/* No two of many calls have the same letters, however many are taken from the stock. */
static void
letters_differ (void)
{
  g_autoptr (CliIdl) unit = cli_test_load (idl);
  const TallyType *type = cli_test_find (unit, "call").table->args->fields[0].type;
  static const gchar json[] =
      "{\"x\": 1, \"name\": \"${letters:20}\", \"tags\": {\"a\": \"${letters:5000}\"}}";
  g_autoptr (CliJson) value = cli_json_parse ("p", json, strlen (json), NULL);
  g_autoptr (CliTemplate) template = cli_template_new (NULL, type, value, "p", NULL);
  g_autoptr (GHashTable) texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (template);
  for (guint64 i = 0; i < 500; i++)
    {
      gchar *said = show (type, cli_template_get (template, i, NULL));
      g_autofree gchar *few = dup_between (said, "\"name\": \"", "\"");
      g_autofree gchar *many = dup_between (said, "\"a\": \"", "\"");

      assert_int (strlen (few), 20);
      assert_int (strlen (many), 5000);
      assert_int (strspn (many, "abcdefghijklmnopqrstuvwxyz"), 5000);
      g_hash_table_add (texts, said);
    }
  assert_int (g_hash_table_size (texts), 500);
}

static void
texts_and_bytes (void)
{
  check_sent ("{\"p\": {\"x\": 1, \"b\": \"aaa${choice:a|b}\"}" REST, 3, "\"b\": \"aaa");
  check_sent ("{\"p\": {\"x\": 1, \"b\": {\"$text\": \"\\u0000${counter:98}\"}}" REST, 3,
              "ADEwMQ==");
  check_sent ("{\"p\": {\"x\": 1, \"id\": \"0000000${counter}-0000-4000-8000-000000000000\"}" REST,
              7, "00000007-0000-4000-8000-000000000000");
  check_sent ("{\"p\": {\"x\": 1, \"name\": \"$${counter} costs $5\"}" REST, 3,
              "${counter} costs $5");
  check_sent ("{\"p\": {\"x\": 1, \"b\": {\"$text\": \"n${counter}\"}}" REST, 3, "bjM=");
  check_sent ("{\"p\": {\"x\": 1, \"id\": \"${uuid}\"}" REST, 3, "-4");
}

/* Of one call a number is the same wherever the limits are, and others come with others. */
static void
random_numbers_keep_their_limits (void)
{
  static const gchar json[] = "{\"p\": {\"x\": \"${random:3-7}\", \"name\": "
                              "\"<${random:3-7}> <${letters:20}>\"}" REST;
  gboolean seen[10] = { FALSE };
  g_autoptr (GHashTable) texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint64 i = 0; i < 200; i++)
    {
      g_autofree gchar *said = expand (json, i, i);
      const gchar *in_text = strchr (said, '<');
      g_autofree gchar *as_number = NULL;
      guint number;

      CU_ASSERT_PTR_NOT_NULL_FATAL (in_text);
      number = (guint) (in_text[1] - '0');
      CU_ASSERT_TRUE_FATAL (number >= 3 && number <= 7 && in_text[2] == '>');
      CU_ASSERT_EQUAL (strlen (strchr (in_text + 1, '<')) > 21, TRUE);
      seen[number] = TRUE;
      g_hash_table_add (texts, g_strndup (strchr (in_text + 1, '<'), 22));
      as_number = g_strdup_printf ("%u", number);
      CU_ASSERT_PTR_NOT_NULL (strstr (said, as_number));
    }
  for (guint i = 3; i <= 7; i++)
    CU_ASSERT_TRUE (seen[i]);
  CU_ASSERT_EQUAL (g_hash_table_size (texts), 200);
}

static void
check_mistake (const gchar *json, guint64 number, const gchar *error)
{
  g_autofree gchar *said = expand (json, 0, number);

  assert_contains (said, error);
}

static void
mistakes_are_told (void)
{
  check_mistake ("{\"p\": {\"x\": \"${conter}\"}" REST, 0,
                 "args:1:13: p.x: ${conter} is none of ${counter}");
  check_mistake ("{\"p\": {\"x\": \"${random:7-3}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": \"${counter\"}" REST, 0, "p.x: ${counter is none of");
  check_mistake ("{\"p\": {\"x\": \"${counter} apples\"}" REST, 0, "is no number");
  check_mistake ("{\"p\": {\"x\": \"${letters:3}\"}" REST, 0, "is no number");
  check_mistake ("{\"p\": {\"e\": \"${choice:A|C}\", \"x\": 1}" REST, 0,
                 "args:1:13: p.e: E has no value \"C\"");
  check_mistake ("{\"p\": {\"x\": \"${choice:1|two}\"}" REST, 0,
                 "p.x: i32 is written as a whole number");
  check_mistake ("{\"p\": {\"x\": \"${choice:}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": \"${choice}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": \"${uuid:4}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": \"${}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": 1, \"name\": \"${counter\\u0000}\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": 1, \"name\": \"\\u0000${counter}\"}" REST, 0, "holds no NUL");
  check_mistake ("{\"p\": {\"x\": 1, \"b\": \"${letters:1}\"}" REST, 0, "base64");
  check_mistake ("{\"p\": {\"x\": 1, \"more\": \"${counter}\"}" REST, 0, "is written as an array");
  check_mistake ("{\"p\": {\"x\": 1, \"name\": \"${letters:60000000}${letters:60000000}\"}" REST, 0,
                 "the text has more than 100000000 bytes");
  check_mistake ("{\"p\": {\"y\": \"${counter}\"}" REST, 0, "P has no field \"y\"");
  check_mistake ("{\"p\": {\"x\": 1, \"numbers\": [\"${counter:32760}\"]}" REST, 20,
                 "32768 does not fit i16");
}

static void
a_value_that_does_not_vary_is_made_once (void)
{
  g_autoptr (CliIdl) unit = cli_test_load (idl);
  CliMethod method = cli_test_find (unit, "call");
  static const gchar json[] = "{\"p\": {\"x\": 1}" REST;
  g_autoptr (CliJson) value = cli_json_parse ("args", json, strlen (json), NULL);
  g_autoptr (CliTemplate) template = cli_template_new (method.table, NULL, value, "args", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (template);
  CU_ASSERT_EQUAL (cli_template_count (template), 0);
  CU_ASSERT_PTR_EQUAL (cli_template_get (template, 1, NULL), cli_template_get (template, 2, NULL));
}

static void
a_single_value (void)
{
  g_autoptr (CliIdl) unit = cli_test_load (idl);
  CliMethod method = cli_test_find (unit, "call");
  const TallyType *type = method.table->result->fields[0].type;
  static const gchar json[] = "{\"x\": \"${counter}\", \"name\": \"n${counter}\"}";
  g_autoptr (CliJson) value = cli_json_parse ("expect", json, strlen (json), NULL);
  g_autoptr (CliTemplate) template = cli_template_new (NULL, type, value, "expect", NULL);
  gconstpointer slot;
  g_autofree gchar *said = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (template);
  slot = cli_template_get (template, 5, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (slot);
  said = show (type, slot);
  assert_contains (said, "n5");
}

/* ---- limits ---- */

static LoadMode *
new_mode (guint n_calls, guint64 took_ns, guint64 failures)
{
  LoadOptions options = { .uri = (gchar *) "unix:@nobody-is-here", .connections = 1 };
  LoadMode *mode = load_mode_new (&options, "pooled", NULL);

  for (guint i = 0; i < n_calls; i++)
    load_histogram_add (mode->latency, took_ns);
  if (failures > 0)
    load_mode_note_failure (mode, "failed", failures);
  return mode;
}

static void
check_limits (const gchar *max_errors, gdouble max_p99_ms, const gchar *said)
{
  CliBenchLimits limits = { .max_p99_ms = max_p99_ms };
  g_autoptr (GPtrArray) modes = g_ptr_array_new_with_free_func ((GDestroyNotify) load_mode_free);
  g_autofree gchar *judged = NULL;

  CU_ASSERT_TRUE (cli_bench_limits_parse_errors (&limits, max_errors, NULL));
  g_ptr_array_add (modes, new_mode (998, 2000000, 2));
  judged = cli_bench_limits_judge (&limits, modes);
  assert_string (judged, said);
}

static void
limits_are_held (void)
{
  check_limits ("2", G_MAXDOUBLE, "");
  check_limits ("1", G_MAXDOUBLE, "pooled: 2 of 1000 calls failed, more than 1\n");
  check_limits ("0.2%", G_MAXDOUBLE, "");
  check_limits ("0.1%", G_MAXDOUBLE, "pooled: 2 of 1000 calls failed, more than 1\n");
  check_limits ("100%", 2, "");
  check_limits ("100%", 1.9, "pooled: p99 is 2.000 ms, more than 1.900\n");
  check_limits ("0", 0,
                "pooled: p99 is 2.000 ms, more than 0.000\n"
                "pooled: 2 of 1000 calls failed, more than 0\n");
}

static void
limits_that_say_nothing (void)
{
  static const gchar *const texts[] = { "", "x", "5x", "5%x", "-1", "101%", "nan" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      CliBenchLimits limits;

      CU_ASSERT_FALSE (cli_bench_limits_parse_errors (&limits, texts[i], NULL));
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (counters_count),          TEST (sets_and_maps_vary_too),
    TEST (texts_of_any_length),     TEST (in_place_and_anew_are_alike),
    TEST (choices_are_of_the_type), TEST (letters_differ),
    TEST (texts_and_bytes),         TEST (random_numbers_keep_their_limits),
    TEST (mistakes_are_told),       TEST (a_value_that_does_not_vary_is_made_once),
    TEST (a_single_value),          TEST (limits_are_held),
    TEST (limits_that_say_nothing), { NULL, NULL },
  };

  return test_main ("cli-template", cases, argc, argv);
}
