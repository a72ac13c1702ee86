/* Values that differ from call to call, and the limits that a measurement is held against. */
#include "cli-template.h"

#include <string.h>

#include "cli-bench.h"
#include "cli-show.h"
#include "cli-test.h"
#include "harness.h"

static const gchar idl[] =
    "enum E { A = 1 } struct P { 1: string name; 2: required i32 x; 3: list<P> more; 4: optional "
    "binary b; 5: uuid id; 6: map<string, i64> sizes; 7: E e; 8: list<i16> numbers; 9: set<string> "
    "words }\n"
    "service S { P call (1: P p, 2: i64 n, 3: double d, 4: bool t); void stop () }";

static void
assert_contains (const gchar *said, const gchar *what)
{
  CU_ASSERT_PTR_NOT_NULL (strstr (said, what));
  if (strstr (said, what) == NULL)
    g_print ("# %s\n# lacks: %s\n", said, what);
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

static void
texts_and_bytes (void)
{
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
  check_mistake ("{\"p\": {\"x\": \"${counter\"}" REST, 0, "is none of");
  check_mistake ("{\"p\": {\"x\": \"${counter} apples\"}" REST, 0, "is no number");
  check_mistake ("{\"p\": {\"x\": \"${letters:3}\"}" REST, 0, "is no number");
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
  check_limits ("2", -1, "");
  check_limits ("1", -1, "pooled: 2 of 1000 calls failed, more than 1\n");
  check_limits ("0.2%", -1, "");
  check_limits ("0.1%", -1, "pooled: 2 of 1000 calls failed, more than 1\n");
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
    TEST (texts_and_bytes),         TEST (random_numbers_keep_their_limits),
    TEST (mistakes_are_told),       TEST (a_value_that_does_not_vary_is_made_once),
    TEST (a_single_value),          TEST (limits_are_held),
    TEST (limits_that_say_nothing), { NULL, NULL },
  };

  return test_main ("cli-template", cases, argc, argv);
}
