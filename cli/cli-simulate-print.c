/* Owns what `tally simulate` says: a table, a sentence, JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli-simulate.h"
#include "load.h"

#define COLUMNS 80

static const struct
{
  const gchar *name, *key;
  TallyRefusal refusal;
} refusal_kinds[] = {
  { "timed out", "timeout", TALLY_REFUSAL_TIMED_OUT },
  { "full", "full", TALLY_REFUSAL_FULL },
  { "estimate", "estimate", TALLY_REFUSAL_ESTIMATE },
  { "backoff", "backoff", TALLY_REFUSAL_BACKOFF },
  { "dial", "dial", TALLY_REFUSAL_DIAL },
};

/* ---- words ---- */

/* Words that fit the screen's width. */
static void
print_words (const gchar *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gsize column = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      const gsize length = (gsize) g_utf8_strlen (words[i], -1);

      if (column > 0 && column + 1 + length > COLUMNS)
        {
          printf ("\n");
          column = 0;
        }
      printf ("%s%s", column > 0 ? " " : "", words[i]);
      column += length + (column > 0);
    }
  printf ("\n");
}

/* Of milliseconds, as many digits as count. (transfer full) */
static gchar *
format_ms (gdouble us)
{
  const gdouble ms = us / 1e3;
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  const gchar *format = ms == 0 ? "%.0f" : ms < 10 ? "%.2f" : ms < 100 ? "%.1f" : "%.0f";

  return g_strdup (g_ascii_formatd (text, sizeof text, format, ms));
}

/* Of 1, in per cent; what is not 0 or 100 is not shown as that. (transfer full) */
static gchar *
format_share (gdouble share)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  const gdouble percent = 100 * share;

  if (percent > 0 && percent < 0.01)
    return g_strdup ("<0.01");
  if (percent >= 99.95 && percent < 100)
    return g_strdup (">99.9");
  return g_strdup (g_ascii_formatd (text, sizeof text,
                                    percent == 0 || percent == 100 ? "%.0f"
                                    : percent < 10                 ? "%.2f"
                                                                   : "%.1f",
                                    percent));
}

static const gchar *
name_kind (const LoadTimes *times)
{
  static const gchar *const names[] = { "constant", "exponential", "lognormal", "measured" };

  return names[times->kind];
}

static gdouble
find_refused (const LoadForecast *forecast)
{
  const guint64 all = load_forecast_count_calls (forecast);

  return (gdouble) load_forecast_count_refused (forecast) / (gdouble) MAX (all, 1);
}

static gdouble
find_quantile_us (const LoadForecast *forecast, gdouble share)
{
  return (gdouble) load_histogram_quantile (&forecast->delay, share) / 1e3;
}

static void
describe_arrivals (const LoadModel *model, GString *text)
{
  if (model->arrivals == LOAD_ARRIVALS_CALLERS)
    g_string_append_printf (text, "%u callers", model->callers);
  else
    g_string_append_printf (text, "Calls come %s, %g per second",
                            model->arrivals == LOAD_ARRIVALS_FIXED ? "evenly" : "at random",
                            model->rate);
  if (model->arrivals == LOAD_ARRIVALS_CALLERS && model->rate > 0)
    g_string_append_printf (text, " begin %g calls per second", model->rate);
  else if (model->arrivals == LOAD_ARRIVALS_CALLERS)
    {
      g_autofree gchar *think = format_ms (model->think.mean_us);

      g_string_append_printf (text, " think for %s ms between calls", think);
    }
}

gchar *
cli_simulation_describe (const CliSimulation *self)
{
  const LoadModel *model = &self->model;
  GString *text = g_string_new (NULL);
  g_autofree gchar *service = format_ms (model->service.mean_us);
  g_autofree gchar *dial = format_ms (model->dial.mean_us);

  describe_arrivals (model, text);
  g_string_append_printf (text, "; a call has its connection for %s ms on average (%s)", service,
                          name_kind (&model->service));
  g_string_append_printf (text, ", a dial takes %s ms (%s)", dial, name_kind (&model->dial));
  if (model->failing_dials > 0)
    g_string_append_printf (text, ", %g %% of the dials fail", 100 * model->failing_dials);
  if (model->broken_calls > 0)
    g_string_append_printf (text, ", %g %% of the calls end their connection",
                            100 * model->broken_calls);
  if (model->timeout_us > 0)
    g_string_append_printf (text, ", a call has %g ms in all", (gdouble) model->timeout_us / 1e3);
  g_string_append_printf (text, ".");
  if (self->source != NULL)
    g_string_append_printf (text, " Times are those of %s.", self->source);
  g_string_append_printf (text, " %" G_GUINT64_FORMAT " calls for each line, seed %u.",
                          model->calls - model->warm_up, model->seed);
  return g_string_free (text, FALSE);
}

/* ---- the table ---- */

static void
print_outlook (const CliOutlook *outlook)
{
  const LoadForecast *forecast = outlook->forecast;
  g_autofree gchar *p50 = format_ms (find_quantile_us (forecast, 0.5));
  g_autofree gchar *p99 = format_ms (find_quantile_us (forecast, 0.99));
  g_autofree gchar *p999 = format_ms (find_quantile_us (forecast, 0.999));
  g_autofree gchar *refused = format_share (find_refused (forecast));

  printf ("%8u %8s %8s %8s %9.1f %8.1f %7u %8" G_GUINT64_FORMAT " %8s\n", outlook->max_open, p50,
          p99, p999, (gdouble) forecast->done / MAX (forecast->seconds, 1e-6), forecast->mean_open,
          forecast->peak_open, forecast->dials, refused);
}

static gboolean
has_losses (const CliOutlook *outlook)
{
  return outlook->forecast->overdue > 0 || load_forecast_count_refused (outlook->forecast) > 0;
}

static void
print_losses_of (const CliOutlook *outlook)
{
  const LoadForecast *forecast = outlook->forecast;
  const gdouble all = (gdouble) load_forecast_count_calls (forecast);
  g_autofree gchar *overdue = format_share ((gdouble) forecast->overdue / all);

  printf ("%8u", outlook->max_open);
  for (guint i = 0; i < G_N_ELEMENTS (refusal_kinds); i++)
    {
      g_autofree gchar *share =
          format_share ((gdouble) forecast->refused[refusal_kinds[i].refusal] / all);

      printf (" %11s", share);
    }
  printf (" %10s\n", overdue);
}

/* Of those that lose calls. */
static void
print_losses (const CliSimulation *self)
{
  gboolean is_begun = FALSE;

  for (guint k = 0; k < self->outlooks->len; k++)
    {
      const CliOutlook *outlook = &g_array_index (self->outlooks, CliOutlook, k);

      if (!has_losses (outlook))
        continue;
      if (!is_begun)
        {
          printf ("\n%8s %46s\n%8s", "", "refused, % of the calls", "max-open");
          for (guint i = 0; i < G_N_ELEMENTS (refusal_kinds); i++)
            printf (" %11s", refusal_kinds[i].name);
          printf (" %10s\n", "overdue");
        }
      is_begun = TRUE;
      print_losses_of (outlook);
    }
  if (!is_begun)
    return;
  print_words (
      "timed out: in the queue. full: the queue was. estimate: the wait was sure to be too "
      "long. backoff: a dial had failed lately. dial: it failed. overdue: the call had a "
      "connection, and its time was over before its answer came.");
}

/* ---- what it comes to ---- */

const CliOutlook *
cli_simulation_choose (const CliSimulation *self)
{
  for (guint i = 0; i < self->outlooks->len; i++)
    {
      const CliOutlook *outlook = &g_array_index (self->outlooks, CliOutlook, i);

      if (find_quantile_us (outlook->forecast, 0.99) <= self->max_wait_p99_us
          && find_refused (outlook->forecast) <= self->max_refused)
        return outlook;
    }
  return NULL;
}

/* "99 of 100 calls have a connection within 8 ms and none is refused" */
static void
append_limits (const CliSimulation *self, GString *text)
{
  g_autofree gchar *wait = format_ms (self->max_wait_p99_us);

  g_string_append_printf (text, "99 of 100 calls have a connection within %s ms", wait);
  if (self->max_refused > 0)
    g_string_append_printf (text, " and at most %g %% are refused", 100 * self->max_refused);
  else
    g_string_append (text, " and none is refused");
}

static void
print_verdict (const CliSimulation *self)
{
  const CliOutlook *chosen = cli_simulation_choose (self);
  g_autoptr (GString) text = g_string_new (NULL);

  if (chosen != NULL)
    {
      g_autofree gchar *wait = format_ms (find_quantile_us (chosen->forecast, 0.99));

      g_string_append_printf (text, "max-open %u is the smallest of these with which ",
                              chosen->max_open);
      append_limits (self, text);
      g_string_append_printf (text, ": there p99 is %s ms.", wait);
    }
  else
    {
      g_string_append (text, "There is no max-open among these with which ");
      append_limits (self, text);
      g_string_append_c (text, '.');
    }
  if (!self->is_wait_given)
    g_string_append (text, " That is how long a call has its connection, on average; "
                           "--max-wait-p99 sets another limit.");
  print_words (text->str);
}

static void
print_load (const CliSimulation *self)
{
  const gdouble load = cli_simulation_find_load (&self->model);
  const guint streams = self->model.pool.streams;
  g_autofree gchar *text = NULL;

  if (self->model.rate <= 0)
    return;
  if (streams > 1)
    text = g_strdup_printf ("On average %.1f calls have a connection at once, which carries %u.",
                            load, streams);
  else
    text = g_strdup_printf ("On average %.1f connections are in use at once: with fewer, calls "
                            "pile up, and with just as many they wait long.",
                            load);
  print_words (text);
}

void
cli_simulation_print (const CliSimulation *self)
{
  g_autofree gchar *description = cli_simulation_describe (self);

  print_words (description);
  printf ("\n%8s %26s %9s %16s\n", "", "time to a connection, ms", "", "connections");
  printf ("%8s %8s %8s %8s %9s %8s %7s %8s %8s\n", "max-open", "p50", "p99", "p99.9", "calls/s",
          "mean", "most", "dials", "refused%");
  for (guint i = 0; i < self->outlooks->len; i++)
    print_outlook (&g_array_index (self->outlooks, CliOutlook, i));
  print_losses (self);
  printf ("\n");
  print_load (self);
  print_verdict (self);
}

/* ---- JSON ---- */

static void
append_load (const CliSimulation *self, GString *json)
{
  static const gchar *const arrivals[] = { "poisson", "fixed", "callers", "trace" };
  const LoadModel *model = &self->model;

  g_string_append_printf (json, "  \"load\": {\"arrivals\": \"%s\"", arrivals[model->arrivals]);
  load_json_append_number (json, ", \"calls_per_second\": ", model->rate);
  if (model->arrivals == LOAD_ARRIVALS_CALLERS)
    g_string_append_printf (json, ", \"callers\": %u", model->callers);
  load_json_append_number (json, ", \"think_us\": ", model->think.mean_us);
  g_string_append_printf (json, ",\n    \"service\": \"%s\"", name_kind (&model->service));
  load_json_append_number (json, ", \"service_us\": ", model->service.mean_us);
  g_string_append_printf (json, ", \"dial\": \"%s\"", name_kind (&model->dial));
  load_json_append_number (json, ", \"dial_us\": ", model->dial.mean_us);
  load_json_append_number (json, ",\n    \"failing_dials\": ", model->failing_dials);
  load_json_append_number (json, ", \"broken_calls\": ", model->broken_calls);
  load_json_append_number (json, ", \"timeout_us\": ", (gdouble) model->timeout_us);
  load_json_append_number (json, ", \"calls_at_once\": ", cli_simulation_find_load (model));
  if (self->source != NULL)
    {
      g_string_append (json, ", \"times_of\": ");
      load_json_append_string (json, self->source);
    }
  g_string_append (json, "},\n  \"pool\": [");
  for (guint i = 0; self->pool != NULL && self->pool[i] != NULL; i++)
    {
      g_string_append (json, i > 0 ? ", " : "");
      load_json_append_string (json, self->pool[i]);
    }
  g_string_append (json, "],\n");
}

static void
append_outlook (const CliOutlook *outlook, GString *json)
{
  const LoadForecast *forecast = outlook->forecast;
  const LoadHistogram *delay = &forecast->delay;

  g_string_append_printf (json, "    {\"max_open\": %u", outlook->max_open);
  load_json_append_number (json, ", \"wait_us\": {\"mean\": ",
                           (gdouble) delay->sum / 1e3 / (gdouble) MAX (delay->count, 1));
  load_json_append_number (json, ", \"p50\": ", find_quantile_us (forecast, 0.5));
  load_json_append_number (json, ", \"p90\": ", find_quantile_us (forecast, 0.9));
  load_json_append_number (json, ", \"p99\": ", find_quantile_us (forecast, 0.99));
  load_json_append_number (json, ", \"p99_9\": ", find_quantile_us (forecast, 0.999));
  load_json_append_number (json, ", \"max\": ", (gdouble) delay->max / 1e3);
  load_json_append_number (json, "},\n      \"calls_per_second\": ",
                           (gdouble) forecast->done / MAX (forecast->seconds, 1e-6));
  load_json_append_number (json, ", \"open_mean\": ", forecast->mean_open);
  g_string_append_printf (json,
                          ", \"open_most\": %u, \"dials\": %" G_GUINT64_FORMAT
                          ", \"dials_failed\": %" G_GUINT64_FORMAT,
                          forecast->peak_open, forecast->dials, forecast->failed_dials);
  g_string_append_printf (json,
                          ",\n      \"answered\": %" G_GUINT64_FORMAT
                          ", \"broken\": %" G_GUINT64_FORMAT ", \"overdue\": %" G_GUINT64_FORMAT
                          ", \"refused\": {",
                          forecast->answered, forecast->broken, forecast->overdue);
  for (guint i = 0; i < G_N_ELEMENTS (refusal_kinds); i++)
    g_string_append_printf (json, "%s\"%s\": %" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                            refusal_kinds[i].key, forecast->refused[refusal_kinds[i].refusal]);
  g_string_append (json, "}}");
}

gchar *
cli_simulation_make_json (const CliSimulation *self)
{
  const CliOutlook *chosen = cli_simulation_choose (self);
  GString *json = g_string_new ("{\n  \"format\": \"tally-simulate-1\", \"tally\": ");

  load_json_append_string (json, TALLY_VERSION);
  g_string_append_printf (json,
                          ", \"seed\": %u, \"calls\": %" G_GUINT64_FORMAT
                          ", \"warm_up\": %" G_GUINT64_FORMAT ",\n",
                          self->model.seed, self->model.calls - self->model.warm_up,
                          self->model.warm_up);
  append_load (self, json);
  load_json_append_number (json, "  \"limits\": {\"wait_p99_us\": ", self->max_wait_p99_us);
  load_json_append_number (json, ", \"refused\": ", self->max_refused);
  g_string_append (json, "},\n  \"max_open\": ");
  if (chosen != NULL)
    g_string_append_printf (json, "%u", chosen->max_open);
  else
    g_string_append (json, "null");
  g_string_append (json, ",\n  \"settings\": [\n");
  for (guint i = 0; i < self->outlooks->len; i++)
    {
      g_string_append (json, i > 0 ? ",\n" : "");
      append_outlook (&g_array_index (self->outlooks, CliOutlook, i), json);
    }
  g_string_append (json, "\n  ]\n}\n");
  return g_string_free (json, FALSE);
}
