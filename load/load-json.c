/* Turns what was measured into JSON. */
#include <stdlib.h>
#include <sys/utsname.h>

#include "load.h"

/* Shares of the calls for which it is said how long they took at most: enough for a curve. */
static const gdouble shares[] = { 0,    0.1,   0.25,  0.5,    0.75,   0.9, 0.95,
                                  0.99, 0.995, 0.999, 0.9995, 0.9999, 1 };

void
load_json_append_string (GString *json, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (json, '"');
  for (const gchar *at = valid; *at != '\0'; at++)
    {
      if (*at == '"' || *at == '\\')
        g_string_append_printf (json, "\\%c", *at);
      else if ((guchar) *at < ' ')
        g_string_append_printf (json, "\\u%04x", (guchar) *at);
      else
        g_string_append_c (json, *at);
    }
  g_string_append_c (json, '"');
}

void
load_json_append_number (GString *json, const gchar *before, gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (json, "%s%s", before,
                          g_ascii_formatd (text, sizeof text, "%.3f", number));
}

/* Of a pool: each bin from where it begins to where it ends, and how many values are in it. */
static void
append_times (GString *json, const gchar *name, const TallyHistogram *times)
{
  gboolean is_first = TRUE;

  g_string_append_printf (json, ",\n        \"%s\": {\"count\": %" G_GUINT64_FORMAT, name,
                          times->count);
  load_json_append_number (json,
                           ", \"mean\": ", (gdouble) times->sum / (gdouble) MAX (times->count, 1));
  g_string_append_printf (json, ", \"max\": %" G_GUINT64_FORMAT ", \"bins\": [", times->max);
  for (guint i = 0; i < TALLY_HISTOGRAM_BINS; i++)
    {
      const gint64 end = tally_histogram_get_bin_start (i + 1);

      if (times->bins[i] == 0)
        continue;
      g_string_append_printf (json,
                              "%s[%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GUINT64_FORMAT
                              "]",
                              is_first ? "" : ", ", tally_histogram_get_bin_start (i),
                              MIN (end, (gint64) times->max + 1), times->bins[i]);
      is_first = FALSE;
    }
  g_string_append (json, "]}");
}

static void
append_pool (GString *json, const LoadSummary *summary)
{
  const TallyPoolSnapshot *pool = &summary->pool;
  const struct
  {
    const gchar *name;
    guint64 value;
  } counters[] = {
    { "borrows", pool->borrows },
    { "hits", pool->hits },
    { "dials", pool->dials },
    { "waits", pool->waits },
    { "stale", pool->stale },
    { "timeouts", pool->timeouts },
    { "late_replies", pool->late_replies },
    { "open", pool->open },
    { "idle", pool->idle },
    { "dials_done", pool->dials_done },
    { "dials_failed", pool->dials_failed },
    { "closes", summary->closes },
    { "wait_p99_us", tally_histogram_quantile (&pool->wait_time, 0.99) },
    { "dial_p99_us", tally_histogram_quantile (&pool->dial_time, 0.99) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    g_string_append_printf (json, "%s\"%s\": %" G_GUINT64_FORMAT, i == 0 ? "{" : ", ",
                            counters[i].name, counters[i].value);
  append_times (json, "wait_us", &pool->wait_time);
  append_times (json, "dial_us", &pool->dial_time);
  append_times (json, "hold_us", &pool->hold_time);
  g_string_append_c (json, '}');
}

static void
append_latency (GString *json, const LoadMode *mode, const LoadSummary *summary)
{
  const LoadHistogram *latency = mode->latency;

  load_json_append_number (json, ", \"latency_us\": {\"min\": ", (gdouble) latency->min / 1e3);
  load_json_append_number (json, ", \"mean\": ",
                           (gdouble) latency->sum / 1e3 / (gdouble) MAX (latency->count, 1));
  load_json_append_number (json, ", \"p50\": ", (gdouble) summary->p50 / 1e3);
  load_json_append_number (json, ", \"p90\": ", (gdouble) summary->p90 / 1e3);
  load_json_append_number (json, ", \"p99\": ", (gdouble) summary->p99 / 1e3);
  load_json_append_number (json, ", \"p99_9\": ", (gdouble) summary->p999 / 1e3);
  load_json_append_number (json, ", \"p99_99\": ", (gdouble) summary->p9999 / 1e3);
  load_json_append_number (json, ", \"max\": ", (gdouble) summary->max / 1e3);
  g_string_append (json, "},\n      \"percentiles_us\": [");
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      load_json_append_number (json, i == 0 ? "[" : ", [", 100 * shares[i]);
      load_json_append_number (json, ", ",
                               (gdouble) load_histogram_quantile (latency, shares[i]) / 1e3);
      g_string_append_c (json, ']');
    }
  g_string_append_c (json, ']');
}

/* Eight bins for each power of two: each its least value and how many calls are in it. */
static void
append_histogram (GString *json, const LoadHistogram *latency)
{
  const guint step = LOAD_HISTOGRAM_STEPS / 8;
  gboolean is_first = TRUE;

  g_string_append (json, ",\n      \"histogram_us\": [");
  for (guint i = 0; i < LOAD_HISTOGRAM_BINS; i += step)
    {
      guint64 count = 0;

      for (guint k = i; k < i + step; k++)
        count += latency->bins[k];
      if (count == 0)
        continue;
      load_json_append_number (json, is_first ? "[" : ", [",
                               (gdouble) load_histogram_get_bin_start (i) / 1e3);
      g_string_append_printf (json, ", %" G_GUINT64_FORMAT "]", count);
      is_first = FALSE;
    }
  g_string_append_c (json, ']');
}

static void
append_samples (GString *json, GArray *samples)
{
  g_string_append (json, ",\n      \"over_time\": [");
  for (guint i = 0; i < samples->len; i++)
    {
      const LoadSample *sample = &g_array_index (samples, LoadSample, i);

      load_json_append_number (json, i == 0 ? "{\"at_s\": " : ", {\"at_s\": ", sample->at_s);
      load_json_append_number (json, ", \"calls_per_second\": ",
                               (gdouble) sample->calls / sample->length_s);
      load_json_append_number (json, ", \"p50_us\": ", (gdouble) sample->p50_ns / 1e3);
      load_json_append_number (json, ", \"p99_us\": ", (gdouble) sample->p99_ns / 1e3);
      g_string_append_printf (json, ", \"failures\": %" G_GUINT64_FORMAT "}", sample->failures);
    }
  g_string_append_c (json, ']');
}

static void
append_steps (GString *json, const LoadSteps *steps)
{
  if (steps->calls == 0)
    return;
  load_json_append_number (json, ",\n      \"steps_us\": {\"connect\": ", steps->connect_ns / 1e3);
  load_json_append_number (json, ", \"wait\": ", steps->wait_ns / 1e3);
  load_json_append_number (json, ", \"send\": ", steps->send_ns / 1e3);
  load_json_append_number (json, ", \"answer\": ", steps->answer_ns / 1e3);
  g_string_append_printf (json, ", \"calls\": %" G_GUINT64_FORMAT "}", steps->calls);
}

static void
append_failures (GString *json, const LoadMode *mode)
{
  if (mode->failed->len == 0)
    return;
  for (guint i = 0; i < mode->failed->len; i++)
    {
      const LoadFailure *failure = g_ptr_array_index (mode->failed, i);

      g_string_append (json, i == 0 ? ",\n      \"failure\": " : ", {\"message\": ");
      load_json_append_string (json, failure->message);
      if (i == 0)
        {
          g_string_append (json, ", \"failed\": [{\"message\": ");
          load_json_append_string (json, failure->message);
        }
      g_string_append_printf (json, ", \"calls\": %" G_GUINT64_FORMAT "}", failure->count);
    }
  g_string_append_c (json, ']');
}

static void
append_mode (GString *json, const LoadMode *mode, gboolean knows_server)
{
  const LoadSummary summary = load_mode_summarise (mode);
  const gdouble calls = (gdouble) MAX (summary.calls, 1);

  g_string_append (json, "    {\"mode\": ");
  load_json_append_string (json, mode->name);
  g_string_append_printf (json,
                          ", \"calls\": %" G_GUINT64_FORMAT ", \"failures\": %" G_GUINT64_FORMAT
                          ", \"connects\": %" G_GUINT64_FORMAT,
                          summary.calls, mode->failures, summary.pool.dials_done);
  load_json_append_number (json, ", \"calls_per_second\": ", summary.rate);
  g_string_append (json, ", \"calls_per_second_by_round\": [");
  for (guint i = 0; i < mode->rates->len; i++)
    load_json_append_number (json, i == 0 ? "" : ", ", g_array_index (mode->rates, gdouble, i));
  g_string_append_c (json, ']');
  append_latency (json, mode, &summary);
  append_histogram (json, mode->latency);
  append_samples (json, mode->samples);
  append_steps (json, &mode->steps);
  load_json_append_number (json, ",\n      \"cpu_us_per_call\": {\"client\": ",
                           (gdouble) mode->used.client_cpu_ns / 1e3 / calls);
  if (knows_server)
    load_json_append_number (json,
                             ", \"server\": ", (gdouble) mode->used.server_cpu_ns / 1e3 / calls);
  g_string_append_printf (json, "}, \"time_waits\": %u, \"pool\": ", mode->used.time_waits);
  append_pool (json, &summary);
  append_failures (json, mode);
  g_string_append_c (json, '}');
}

static void
append_machine (GString *json)
{
  g_autofree gchar *cpu = load_machine_get_cpu ();
  g_autofree gchar *glib =
      g_strdup_printf ("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *when = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  struct utsname system = { "" };

  uname (&system);
  g_string_append (json, "  \"when\": ");
  load_json_append_string (json, when);
  g_string_append (json, ", \"machine\": {\"cpu\": ");
  load_json_append_string (json, cpu);
  g_string_append (json, ", \"system\": ");
  load_json_append_string (json, system.sysname);
  g_string_append (json, ", \"release\": ");
  load_json_append_string (json, system.release);
  g_string_append (json, ", \"architecture\": ");
  load_json_append_string (json, system.machine);
  g_string_append (json, ", \"glib\": ");
  load_json_append_string (json, glib);
  g_string_append (json, "},\n");
}

void
load_json_append_results (GString *json, const LoadOptions *options, GPtrArray *modes)
{
  append_machine (json);
  g_string_append_printf (json, "  \"callers\": %u, \"rounds\": %u, \"connections\": %u,\n",
                          options->callers, options->rounds, options->connections);
  g_string_append_printf (json, "  \"in_flight\": %u", options->in_flight);
  load_json_append_number (json, ", \"intended_calls_per_second\": ", options->rate);
  g_string_append_printf (json, ",\n  \"warm_up\": %" G_GUINT64_FORMAT, options->warm_up);
  if (options->calls > 0)
    g_string_append_printf (json, ", \"calls_per_round\": %" G_GUINT64_FORMAT, options->calls);
  if (options->duration_ns > 0)
    load_json_append_number (json,
                             ", \"seconds_per_round\": ", (gdouble) options->duration_ns / 1e9);
  g_string_append_printf (json, ",\n  \"cores\": %u, \"interrupted\": %s,\n  \"modes\": [\n",
                          g_get_num_processors (),
                          g_atomic_int_get (&options->interrupted) != 0 ? "true" : "false");
  for (guint i = 0; i < modes->len; i++)
    {
      append_mode (json, g_ptr_array_index (modes, i), options->server_pid != 0);
      g_string_append (json, i + 1 < modes->len ? ",\n" : "\n");
    }
  g_string_append (json, "  ]");
}
