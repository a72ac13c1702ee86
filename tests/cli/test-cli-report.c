/* What a report says of figures, and how it places and writes them. */
#include "cli-report.h"

#include <string.h>

#include "harness.h"

/* A mode as the JSON has it. */
typedef struct
{
  const gchar *name;
  gdouble rates[3];
  gdouble p50, p99;
  guint connects, hits, waits, time_waits, failures;
  gdouble connect, answer; /* microseconds of a call; both 0: nothing is known */
} Measured;

static void
append_measured (GString *json, const Measured *mode, const gchar *separator)
{
  g_string_append_printf (
      json,
      "%s{\"mode\": \"%s\", \"calls\": 1000, \"failures\": %u, \"connects\": %u, "
      "\"calls_per_second\": %.0f, \"calls_per_second_by_round\": [%.0f, %.0f, %.0f], "
      "\"latency_us\": {\"min\": 1.5, \"mean\": 3, \"p50\": %.1f, \"p90\": 50, \"p99\": %.1f, "
      "\"p99_9\": 900, \"p99_99\": 1000.0, \"max\": 2000}, \"percentiles_us\": [[0, 1.5], [50.0, "
      "2], [99.99, 1000]], \"histogram_us\": [[1.5, 900], [900, 100]], \"over_time\": [{\"at_s\": "
      "0.5, \"p50_us\": 2, \"p99_us\": 3}], \"time_waits\": %u, \"pool\": {\"hits\": %u, "
      "\"waits\": %u, \"wait_p99_us\": 700}, \"cpu_us_per_call\": {\"client\": 7.5}",
      separator, mode->name, mode->failures, mode->connects, mode->rates[1], mode->rates[0],
      mode->rates[1], mode->rates[2], mode->p50, mode->p99, mode->time_waits, mode->hits,
      mode->waits);
  if (mode->connect + mode->answer > 0)
    g_string_append_printf (json,
                            ", \"steps_us\": {\"connect\": %.0f, \"wait\": 0, \"send\": 0, "
                            "\"answer\": %.0f}",
                            mode->connect, mode->answer);
  if (mode->failures > 0)
    g_string_append (json, ", \"failure\": \"it <broke>\"");
  g_string_append_c (json, '}');
}

static gchar *
make_run (const gchar *name, gdouble rate, const Measured *modes, guint n_modes)
{
  GString *json = g_string_new (NULL);

  g_string_printf (json,
                   "{\"name\": \"%s\", \"method\": \"S.call\", \"uri\": \"tcp://x:1\", "
                   "\"intended_calls_per_second\": %.0f, \"connections\": 4, \"modes\": [",
                   name, rate);
  for (guint i = 0; i < n_modes; i++)
    append_measured (json, &modes[i], i > 0 ? ", " : "");
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static void
add_run (CliReport *report, const gchar *name, gdouble rate, const Measured *modes, guint n_modes)
{
  g_autofree gchar *json = make_run (name, rate, modes, n_modes);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (cli_report_add (report, name, json, strlen (json), &error));
  if (error != NULL)
    g_print ("# %s\n", error->message);
}

/* All sentences, each in a line. (transfer full) */
static gchar *
say_all (const CliReport *report)
{
  g_autoptr (GPtrArray) sentences = cli_report_say (report);

  g_ptr_array_add (sentences, NULL);
  return g_strjoinv ("\n", (gchar **) sentences->pdata);
}

static void
check_said (gdouble rate, const Measured *modes, guint n_modes, const gchar *expected)
{
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *said = NULL;

  add_run (report, "now", rate, modes, n_modes);
  said = say_all (report);
  assert_string (said, expected);
}

static void
pooling_is_explained (void)
{
  static const Measured modes[] = {
    { "unpooled", { 900, 1000, 1100 }, 60, 90, .connects = 1000, .connect = 30, .answer = 30 },
    { "pooled", { 4000, 4100, 4200 }, 14, 30, .connects = 4, .hits = 996, .answer = 14 },
  };

  check_said (0, modes, G_N_ELEMENTS (modes),
              "Pooled connections make 4.1 times as many calls per second as a connection for each "
              "call: half of the calls took at most 14\u00a0µs instead of 60\u00a0µs.\n"
              "Pooling saved 46\u00a0µs of the 60\u00a0µs of a call: to connect was 50 % of its "
              "time, and ending a connection costs both sides, too.");
}

/* Rounds that differ more than the modes do say nothing of their rates. */
static void
noise_is_no_difference (void)
{
  static const Measured modes[] = {
    { "pooled", { 1000, 1500, 3000 }, 20, 30 },
    { "shared", { 2000, 2500, 2600 }, 15, 30 },
  };

  check_said (0, modes, G_N_ELEMENTS (modes),
              "A shared connection: half of the calls took at most 15\u00a0µs, and 20\u00a0µs with "
              "pooled connections. How many calls there are per second differs as much from round "
              "to round as between the two.\n"
              "The rounds of pooled differ by 200 %: this machine did other things, too, and "
              "smaller differences mean nothing here.");
}

/* Of 400 calls in each mode; what the others did is no rate that the mode could keep. */
static void
failures_are_no_rates (void)
{
  static const Measured modes[] = {
    { "unpooled", { 900, 1000, 1100 }, 60, 90, .connects = 400 },
    { "pooled", { 0, 4100, 4200 }, 14, 30, .connects = 4, .failures = 100 },
  };
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *said = NULL;

  add_run (report, "now", 0, modes, G_N_ELEMENTS (modes));
  said = say_all (report);
  CU_ASSERT_PTR_NULL (strstr (said, "times as many"));
  CU_ASSERT_PTR_NULL (strstr (said, "did other things"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "pooled: 100 of "));
}

static void
what_is_wrong_is_told (void)
{
  static const Measured modes[] = {
    { "pooled",
      { 800, 810, 820 },
      20,
      900,
      .connects = 4,
      .hits = 496,
      .waits = 500,
      .time_waits = 7584,
      .failures = 3 },
  };

  check_said (
      1000, modes, G_N_ELEMENTS (modes),
      "810 calls per second; half of them took at most 20\u00a0µs, 99 of 100 at most "
      "900\u00a0µs.\n"
      "pooled: 3 of 1,003 calls failed, the first one so: it <broke>.\n"
      "pooled: 1000 calls were to begin each second, and 810 were made: the times count from "
      "when they were to begin, so that those which were late count in full.\n"
      "pooled: 50 of 100 calls waited for one of the 4 connections, 1 of 100 of these for "
      "longer than 700\u00a0µs. More connections would shorten that, if the server can serve "
      "them.\n"
      "pooled: 7,584 sockets were left in TIME_WAIT. Each holds a port for a minute, and to "
      "one address there are some 28,000.\n"
      "pooled: 1 of 100 calls took longer than 900\u00a0µs, while half took at most "
      "20\u00a0µs.");
}

/* Eight callers share four connections; what they waited is said in one bin, as is for how long they had them. */
static CliReport *
report_waits (guint wait_us, guint hold_us)
{
  CliReport *report = cli_report_new ();
  g_autofree gchar *json = g_strdup_printf (
      "{\"callers\": 8, \"connections\": 4, \"modes\": [{\"mode\": \"pooled\", \"calls\": 1000, "
      "\"calls_per_second\": %u, \"latency_us\": {\"mean\": %u}, \"pool\": {\"borrows\": 1000, "
      "\"hits\": 10, \"waits\": 990, \"wait_us\": {\"mean\": %u, \"bins\": [[%u, %u, 990]]}, "
      "\"hold_us\": {\"mean\": %u, \"bins\": [[%u, %u, 1000]]}}}]}",
      4000000 / hold_us, 2 * hold_us, wait_us, wait_us - wait_us / 5, wait_us + wait_us / 5,
      hold_us, hold_us - hold_us / 5, hold_us + hold_us / 5);

  CU_ASSERT_TRUE_FATAL (cli_report_add (report, "now", json, strlen (json), NULL));
  return report;
}

static const CliReportMode *
first_mode (const CliReport *report)
{
  return g_ptr_array_index (report->modes, 0);
}

static void
waits_are_as_predicted (void)
{
  g_autoptr (CliReport) report = report_waits (5000, 5000);
  const CliReportMode *mode = first_mode (report);
  g_autofree gchar *said = say_all (report);
  g_autofree gchar *page = cli_report_make_page (report);

  CU_ASSERT_DOUBLE_EQUAL (mode->measured.share, 99, 0.001);
  CU_ASSERT_DOUBLE_EQUAL (mode->measured.p50, 5000, 0.001);
  CU_ASSERT_DOUBLE_EQUAL (mode->measured.p99, 5980, 0.001);
  CU_ASSERT_DOUBLE_EQUAL (mode->predicted.share, 100, 1);
  CU_ASSERT_DOUBLE_EQUAL (mode->predicted.p50, 5000, 250);
  CU_ASSERT_DOUBLE_EQUAL (mode->predicted.p99, 5900, 400);
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "tally simulate shows what another limit would do here"));
  CU_ASSERT_PTR_NOT_NULL (strstr (page, "data-key=\"wait_p99\" data-value=\"5980.000\""));
  CU_ASSERT_PTR_NOT_NULL (strstr (page, "data-key=\"wait_p99_predicted\""));
}

static void
waits_are_not_as_predicted (void)
{
  g_autoptr (CliReport) report = report_waits (80000, 5000);
  g_autofree gchar *said = say_all (report);

  CU_ASSERT_TRUE (first_mode (report)->predicted.p99 < 7000);
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "the difference is not the pool's limits'"));
}

/* Callers that look again before they queue are no part of a simulation. */
static void
short_leases_are_not_predicted (void)
{
  g_autoptr (CliReport) report = report_waits (50, 20);
  g_autofree gchar *said = say_all (report);
  g_autofree gchar *page = cli_report_make_page (report);

  CU_ASSERT_TRUE (first_mode (report)->measured.share > 0
                  && first_mode (report)->predicted.share < 0);
  CU_ASSERT_PTR_NULL (strstr (said, "simulation"));
  CU_ASSERT_PTR_NOT_NULL (strstr (page, "id=\"waits\""));
  CU_ASSERT_PTR_NULL (strstr (page, "data-key=\"wait_p99_predicted\""));
}

static void
runs_are_compared (void)
{
  static const Measured before[] = {
    { "pooled", { 1000, 1010, 1020 }, 20, 30 },
    { "shared", { 1000, 1010, 1020 }, 20, 30 },
  };
  static const Measured after[] = {
    { "shared", { 1001, 1011, 1021 }, 19, 30 },
    { "pooled", { 2000, 2020, 2040 }, 10, 30 },
  };
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *said = NULL;
  static const gchar *const labels[] = { "pooled: before", "pooled: after", "shared: before",
                                         "shared: after" };

  add_run (report, "before", 0, before, G_N_ELEMENTS (before));
  add_run (report, "after", 0, after, G_N_ELEMENTS (after));
  said = say_all (report);
  assert_string (said, "pooled: after makes 2.0 times as many calls per second as before; half of "
                       "the calls took at most 10\u00a0µs and 20\u00a0µs.\n"
                       "shared: after and before do not differ by more than their rounds do.");
  CU_ASSERT_EQUAL_FATAL (report->modes->len, G_N_ELEMENTS (labels));
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    assert_string (((const CliReportMode *) g_ptr_array_index (report->modes, i))->label,
                   labels[i]);
}

/* What comes from a server or a file is text, and stays it. */
static void
a_page_is_escaped (void)
{
  static const Measured modes[] = { { "pooled", { 1, 2, 3 }, 20, 30, .failures = 1 } };
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *page = NULL;

  add_run (report, "<script>", 0, modes, G_N_ELEMENTS (modes));
  page = cli_report_make_page (report);
  CU_ASSERT_PTR_NOT_NULL (strstr (page, "it &lt;broke&gt;"));
  CU_ASSERT_PTR_NULL (strstr (page, "<script>"));
  CU_ASSERT_TRUE (g_str_has_suffix (page, "</html>\n"));
}

static void
a_file_that_is_no_run (void)
{
  static const gchar *const texts[] = {
    "",
    "7",
    "{}",
    "[]",
    "{\"modes\": 7}",
    "{\"modes\": []}",
    "{\"modes\": [7]}",
    "{\"modes\": [{}]}",
    "{\"modes\": [{\"mode\": 7}]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (CliReport) report = cli_report_new ();
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (cli_report_add (report, "in/x.json", texts[i], strlen (texts[i]), &error));
      CU_ASSERT_PTR_NOT_NULL_FATAL (error);
      CU_ASSERT_TRUE (g_str_has_prefix (error->message, "in/x.json"));
    }
}

/* Figures that are missing, zero or of another kind make a page all the same. */
static void
a_run_that_says_little (void)
{
  static const gchar *const texts[] = {
    "{\"modes\": [{\"mode\": \"x\"}]}",
    "{\"modes\": [{\"mode\": \"x\", \"calls\": 5, \"calls_per_second\": 1e300, \"latency_us\": 3, "
    "\"percentiles_us\": [1, [2], [3, 4]], \"over_time\": [[], {\"at_s\": 1}], \"histogram_us\": "
    "[[0, 0]]}]}",
    "{\"modes\": [{\"mode\": \"x\", \"calls\": 5, \"latency_us\": {\"min\": -1, \"p99_99\": -5}}]}",
    "{\"callers\": 1e300, \"connections\": 0.5, \"modes\": [{\"mode\": \"pooled\", \"pool\": "
    "{\"borrows\": "
    "1e300, \"hold_us\": {\"bins\": [[0, 1, 1]]}}}]}",
    "{\"callers\": 3, \"connections\": 2, \"intended_calls_per_second\": 1e300, \"modes\": "
    "[{\"mode\": "
    "\"pooled\", \"calls_per_second\": 1e-300, \"pool\": {\"borrows\": -1, \"closes\": 1e308, "
    "\"wait_us\": "
    "{\"bins\": [7, [1, 2], [5, 2, 1], [0, 1e300, 1e300]]}, \"hold_us\": {\"mean\": -4, \"bins\": "
    "[[-5, 1, 1], "
    "[2, 4, 1e308], [4, 8, 1e308], [8, 1e11, -1]]}}}]}",
    "{\"callers\": 3, \"connections\": 2, \"modes\": [{\"mode\": \"pooled\", \"pool\": "
    "{\"borrows\": 1, "
    "\"wait_us\": {\"bins\": [[0, 1, 1e308], [1, 2, 1e308]]}, \"hold_us\": {\"mean\": 1e11, "
    "\"bins\": "
    "[[1e10, 1e11, 1e308], [1e11, 2e11, 1e308]]}}}]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (CliReport) report = cli_report_new ();
      g_autofree gchar *page = NULL;

      CU_ASSERT_TRUE (cli_report_add (report, "x", texts[i], strlen (texts[i]), NULL));
      page = cli_report_make_page (report);
      CU_ASSERT_PTR_NULL (strstr (page, "nan"));
      CU_ASSERT_PTR_NULL (strstr (page, "inf%"));
    }
}

/* ---- scales and numbers ---- */

static void
times_are_written (void)
{
  static const struct
  {
    gdouble us;
    const gchar *text;
  } rows[] = { { 0, "0\u00a0µs" },        { 0.72, "0.72\u00a0µs" }, { 5, "5\u00a0µs" },
               { 41.27, "41.3\u00a0µs" }, { 999.4, "999\u00a0µs" }, { 999.6, "1\u00a0ms" },
               { 1500, "1.50\u00a0ms" },  { 30000, "30\u00a0ms" },  { 999600, "1\u00a0s" },
               { 2.5e6, "2.50\u00a0s" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree gchar *text = cli_format_us (rows[i].us);

      assert_string (text, rows[i].text);
    }
}

static void
counts_are_written (void)
{
  static const struct
  {
    gdouble count;
    const gchar *text;
  } rows[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { 1234567.4, "1,234,567" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree gchar *text = cli_format_count (rows[i].count);

      assert_string (text, rows[i].text);
    }
}

static void
scales_hold_their_values (void)
{
  for (gdouble low = 0.003; low < 1e7; low *= 1.7)
    for (gdouble factor = 1; factor < 1e6; factor *= 3.3)
      {
        const CliScale scale = cli_scale_new_log (low, low * factor);
        g_autoptr (GArray) ticks = cli_scale_get_ticks (&scale, 7);

        CU_ASSERT_TRUE (scale.low <= low * 1.001 && scale.high >= low * factor * 0.999);
        CU_ASSERT_TRUE (ticks->len >= 1 && ticks->len <= 7);
        CU_ASSERT_TRUE (cli_scale_place (&scale, low) <= cli_scale_place (&scale, low * factor));
      }
}

static void
ticks_of_a_linear_scale (void)
{
  for (gdouble high = 0.01; high < 1e9; high *= 1.9)
    {
      const CliScale scale = cli_scale_new_linear (high);
      g_autoptr (GArray) ticks = cli_scale_get_ticks (&scale, 5);

      CU_ASSERT_TRUE (ticks->len >= 2 && ticks->len <= 6);
      CU_ASSERT_TRUE (g_array_index (ticks, gdouble, 0) == 0);
    }
}

static void
what_is_beyond_a_scale_lies_at_its_end (void)
{
  const CliScale scale = cli_scale_new_log (10, 1000);

  CU_ASSERT_TRUE (cli_scale_place (&scale, 0) == 0 && cli_scale_place (&scale, 1e9) == 1);
  CU_ASSERT_DOUBLE_EQUAL (cli_scale_place (&scale, 100), 0.5, 1e-6);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (pooling_is_explained),
    TEST (noise_is_no_difference),
    TEST (failures_are_no_rates),
    TEST (what_is_wrong_is_told),
    TEST (waits_are_as_predicted),
    TEST (waits_are_not_as_predicted),
    TEST (short_leases_are_not_predicted),
    TEST (runs_are_compared),
    TEST (a_page_is_escaped),
    TEST (a_file_that_is_no_run),
    TEST (a_run_that_says_little),
    TEST (times_are_written),
    TEST (counts_are_written),
    TEST (scales_hold_their_values),
    TEST (ticks_of_a_linear_scale),
    TEST (what_is_beyond_a_scale_lies_at_its_end),
    { NULL, NULL },
  };

  return test_main ("cli-report", cases, argc, argv);
}
