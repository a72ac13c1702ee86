/* Owns how a run is read from the JSON that `tally bench` and echo-compare write. Other programs may write the same: what is missing is
 * 0, but a run has a mode, and a mode a name and a rate. */
#include "cli-report.h"

#include <string.h>

/* A pool has fewer. */
#define MAX_BINS 1000

static void
free_mode (gpointer data)
{
  CliReportMode *mode = data;

  g_free (mode->mode);
  g_free (mode->label);
  g_array_unref (mode->rates);
  g_array_unref (mode->curve);
  g_array_unref (mode->histogram);
  g_array_unref (mode->samples);
  g_clear_pointer (&mode->wait_times.bins, g_array_unref);
  g_clear_pointer (&mode->dial_times.bins, g_array_unref);
  g_clear_pointer (&mode->hold_times.bins, g_array_unref);
  g_free (mode->failure);
  g_free (mode);
}

static void
free_run (gpointer data)
{
  CliReportRun *run = data;

  g_free (run->name);
  g_free (run->method);
  g_free (run->uri);
  g_free (run->when);
  g_free (run->machine);
  g_free (run->options);
  g_free (run);
}

CliReport *
cli_report_new (void)
{
  CliReport *self = g_new0 (CliReport, 1);

  self->runs = g_ptr_array_new_with_free_func (free_run);
  self->modes = g_ptr_array_new_with_free_func (free_mode);
  return self;
}

void
cli_report_free (CliReport *self)
{
  g_ptr_array_unref (self->runs);
  g_ptr_array_unref (self->modes);
  g_free (self);
}

/* ---- values of the JSON ---- */

static gdouble
to_number (const CliJson *json)
{
  if (json != NULL && json->kind == CLI_JSON_INTEGER)
    return (gdouble) json->integer;
  return json != NULL ? json->number : 0;
}

static const CliJson *
get_member (const CliJson *json, const gchar *name)
{
  return json != NULL && json->kind == CLI_JSON_OBJECT ? cli_json_get (json, name) : NULL;
}

static gdouble
get_number (const CliJson *json, const gchar *name)
{
  return to_number (get_member (json, name));
}

/* "" where there is none. */
static const gchar *
get_text (const CliJson *json, const gchar *name)
{
  const CliJson *text = get_member (json, name);

  return text != NULL && text->kind == CLI_JSON_STRING ? text->text : "";
}

/* 0 where it is no array. */
static guint
count_items (const CliJson *json)
{
  return json != NULL && json->kind == CLI_JSON_ARRAY ? json->items->len : 0;
}

/* [[x, y], …] */
static GArray *
read_points (const CliJson *json)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (CliPoint));

  for (guint i = 0; i < count_items (json); i++)
    {
      const CliJson *pair = g_ptr_array_index (json->items, i);

      if (count_items (pair) == 2)
        {
          const CliPoint point = { to_number (g_ptr_array_index (pair->items, 0)),
                                   to_number (g_ptr_array_index (pair->items, 1)) };

          g_array_append_val (points, point);
        }
    }
  return points;
}

/* ---- modes ---- */

static void
read_rates (CliReportMode *mode, const CliJson *json)
{
  mode->rates = g_array_new (FALSE, FALSE, sizeof (gdouble));
  mode->lowest_rate = mode->highest_rate = mode->rate;
  for (guint i = 0; i < count_items (json); i++)
    {
      const gdouble rate = to_number (g_ptr_array_index (json->items, i));

      g_array_append_val (mode->rates, rate);
      mode->lowest_rate = MIN (mode->lowest_rate, rate);
      mode->highest_rate = MAX (mode->highest_rate, rate);
    }
}

static void
read_samples (CliReportMode *mode, const CliJson *json)
{
  mode->samples = g_array_new (FALSE, FALSE, sizeof (CliReportSample));
  for (guint i = 0; i < count_items (json); i++)
    {
      const CliJson *item = g_ptr_array_index (json->items, i);
      const CliReportSample sample = { get_number (item, "at_s"), get_number (item, "p50_us"),
                                       get_number (item, "p99_us") };

      if (sample.p50_us > 0) /* some call was over in it */
        g_array_append_val (mode->samples, sample);
    }
}

static void
read_latency (CliReportMode *mode, const CliJson *json)
{
  mode->min = get_number (json, "min");
  mode->mean = get_number (json, "mean");
  mode->p50 = get_number (json, "p50");
  mode->p90 = get_number (json, "p90");
  mode->p99 = get_number (json, "p99");
  mode->p999 = get_number (json, "p99_9");
  mode->p9999 = get_number (json, "p99_99");
  mode->max = get_number (json, "max");
}

/* [[from, to, count], …] behind one another; what is not so is left out. */
static CliReportTimes
read_times (const CliJson *json)
{
  const CliJson *bins = get_member (json, "bins");
  const guint n_bins = count_items (bins);
  CliReportTimes times = { get_number (json, "mean"), NULL };
  gdouble end = 0;

  for (guint i = 0; i < MIN (n_bins, MAX_BINS); i++)
    {
      const CliJson *item = g_ptr_array_index (bins->items, i);
      LoadTimesBin bin;

      if (count_items (item) != 3)
        continue;
      bin = (LoadTimesBin){ to_number (g_ptr_array_index (item->items, 0)),
                            to_number (g_ptr_array_index (item->items, 1)),
                            to_number (g_ptr_array_index (item->items, 2)) };
      if (!(bin.least_us >= end && bin.most_us > bin.least_us && bin.count > 0))
        continue;
      if (times.bins == NULL)
        times.bins = g_array_new (FALSE, FALSE, sizeof (LoadTimesBin));
      g_array_append_val (times.bins, bin);
      end = bin.most_us;
    }
  return times;
}

static void
read_pool (CliReportMode *mode, const CliJson *pool)
{
  mode->hits = get_number (pool, "hits");
  mode->waits = get_number (pool, "waits");
  mode->wait_p99 = get_number (pool, "wait_p99_us");
  mode->borrows = get_number (pool, "borrows");
  mode->dials_failed = get_number (pool, "dials_failed");
  mode->closes = get_number (pool, "closes");
  mode->wait_times = read_times (get_member (pool, "wait_us"));
  mode->dial_times = read_times (get_member (pool, "dial_us"));
  mode->hold_times = read_times (get_member (pool, "hold_us"));
}

static void
read_costs (CliReportMode *mode, const CliJson *json)
{
  const CliJson *cpu = get_member (json, "cpu_us_per_call");
  const CliJson *steps = get_member (json, "steps_us");

  mode->connects = get_number (json, "connects");
  mode->time_waits = get_number (json, "time_waits");
  read_pool (mode, get_member (json, "pool"));
  mode->client_cpu = get_number (cpu, "client");
  mode->server_cpu = get_member (cpu, "server") != NULL ? get_number (cpu, "server") : -1;
  mode->has_steps = steps != NULL;
  mode->connect = get_number (steps, "connect");
  mode->wait = get_number (steps, "wait");
  mode->send = get_number (steps, "send");
  mode->answer = get_number (steps, "answer");
}

static CliReportMode *
read_mode (const CliJson *json, guint run)
{
  CliReportMode *mode = g_new0 (CliReportMode, 1);

  mode->run = run;
  mode->mode = g_strdup (get_text (json, "mode"));
  mode->calls = get_number (json, "calls");
  mode->failures = get_number (json, "failures");
  mode->rate = get_number (json, "calls_per_second");
  read_rates (mode, get_member (json, "calls_per_second_by_round"));
  read_latency (mode, get_member (json, "latency_us"));
  mode->curve = read_points (get_member (json, "percentiles_us"));
  mode->histogram = read_points (get_member (json, "histogram_us"));
  read_samples (mode, get_member (json, "over_time"));
  read_costs (mode, json);
  if (*get_text (json, "failure") != '\0')
    mode->failure = g_strdup (get_text (json, "failure"));
  return mode;
}

/* ---- runs ---- */

static gchar *
describe_machine (const CliJson *json)
{
  const CliJson *machine = get_member (json, "machine");
  const gchar *tally = get_text (json, "tally");

  return g_strdup_printf ("%s, %.0f cores; %s %s %s; GLib %s%s%s", get_text (machine, "cpu"),
                          get_number (json, "cores"), get_text (machine, "system"),
                          get_text (machine, "release"), get_text (machine, "architecture"),
                          get_text (machine, "glib"), *tally != '\0' ? ", Tally " : "", tally);
}

static gchar *
describe_options (const CliJson *json)
{
  GString *text = g_string_new (NULL);
  const gdouble calls = get_number (json, "calls_per_round");
  const gdouble seconds = get_number (json, "seconds_per_round");
  const gchar *arguments = get_text (json, "arguments");

  g_string_printf (text, "%.0f callers, up to %.0f connections, %.0f rounds of ",
                   get_number (json, "callers"), get_number (json, "connections"),
                   get_number (json, "rounds"));
  if (calls > 0)
    g_string_append_printf (text, "%.0f calls", calls);
  if (seconds > 0)
    g_string_append_printf (text, "%s%g s", calls > 0 ? ", at most " : "", seconds);
  g_string_append_printf (text, ", %.0f calls to warm up", get_number (json, "warm_up"));
  if (get_number (json, "intended_calls_per_second") > 0)
    g_string_append_printf (text, ", %g calls to begin per second",
                            get_number (json, "intended_calls_per_second"));
  if (*arguments != '\0')
    {
      const glong n = g_utf8_strlen (arguments, -1);
      g_autofree gchar *some = g_utf8_substring (arguments, 0, MIN (n, 300));

      g_string_append_printf (text, "; arguments %s%s", some, n > 300 ? "…" : "");
    }
  return g_string_free (text, FALSE);
}

static CliReportRun *
read_run (const CliJson *json, const gchar *name)
{
  CliReportRun *run = g_new0 (CliReportRun, 1);
  const CliJson *interrupted = get_member (json, "interrupted");
  const gchar *method = get_text (json, "method");

  run->name = g_strdup (*get_text (json, "name") != '\0' ? get_text (json, "name") : name);
  run->method = g_strdup (*method != '\0' ? method : run->name);
  run->uri = g_strdup (get_text (json, "uri"));
  run->when = g_strdup (get_text (json, "when"));
  run->machine = describe_machine (json);
  run->options = describe_options (json);
  run->rate = get_number (json, "intended_calls_per_second");
  run->callers = get_number (json, "callers");
  run->in_flight = get_number (json, "in_flight");
  run->connections = get_number (json, "connections");
  run->is_interrupted =
      interrupted != NULL && interrupted->kind == CLI_JSON_BOOLEAN && interrupted->integer != 0;
  return run;
}

/* What is called alike in several runs stands side by side. */
static void
arrange_modes (CliReport *self)
{
  gsize n_modes;
  g_autofree gpointer *modes = g_ptr_array_steal (self->modes, &n_modes);

  for (gsize i = 0; i < n_modes; i++)
    for (gsize k = i; k < n_modes; k++)
      {
        const CliReportMode *first = modes[i];
        CliReportMode *mode = modes[k];

        if (first == NULL || mode == NULL || !g_str_equal (mode->mode, first->mode))
          continue;
        g_ptr_array_add (self->modes, mode);
        if (k > i)
          modes[k] = NULL;
      }
}

static void
label_modes (CliReport *self)
{
  for (guint i = 0; i < self->modes->len; i++)
    {
      CliReportMode *mode = g_ptr_array_index (self->modes, i);
      const CliReportRun *run = g_ptr_array_index (self->runs, mode->run);

      g_free (mode->label);
      mode->label = self->runs->len > 1 ? g_strdup_printf ("%s: %s", mode->mode, run->name)
                                        : g_strdup (mode->mode);
    }
}

/* "before" of "/some/where/before.json". */
static gchar *
name_run (const gchar *path)
{
  g_autofree gchar *base = g_path_get_basename (path);

  return g_str_has_suffix (base, ".json") ? g_strndup (base, strlen (base) - strlen (".json"))
                                          : g_steal_pointer (&base);
}

gboolean
cli_report_add (CliReport *self, const gchar *path, const gchar *text, gsize length, GError **error)
{
  g_autoptr (CliJson) json = cli_json_parse (path, text, length, error);
  const CliJson *modes = get_member (json, "modes");
  g_autofree gchar *name = name_run (path);
  CliReportRun *run;

  if (json == NULL)
    return FALSE;
  for (guint i = 0; i < count_items (modes); i++)
    if (*get_text (g_ptr_array_index (modes->items, i), "mode") == '\0')
      modes = NULL;
  if (count_items (modes) == 0)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "%s is not what `tally bench --json` or echo-compare --json writes", path);
      return FALSE;
    }
  run = read_run (json, name);
  g_ptr_array_add (self->runs, run);
  for (guint i = 0; i < modes->items->len; i++)
    {
      CliReportMode *mode = read_mode (g_ptr_array_index (modes->items, i), self->runs->len - 1);

      cli_report_predict (run, mode);
      g_ptr_array_add (self->modes, mode);
    }
  arrange_modes (self);
  label_modes (self);
  return TRUE;
}
