/* Owns `tally simulate`: its options, and which pools it simulates. */
#include "cli-simulate.h"

#include <string.h>

#include "cli-base.h"
#include "cli-commands.h"
#include "cli-report.h"
#include "replace.h"

/* Of each setting. */
#define FEWEST_CALLS 1000
#define MOST_CALLS 10000000
/* Of an option whose value may be 0. */
#define NOT_GIVEN -1e300

typedef struct
{
  gchar *from, *mode;
  gchar *service, *dial, *think;
  gchar *max_open;
  gchar *json;
  gchar **pool;
  gdouble rate, timeout_ms, failing_dials, broken_calls; /* shares in per cent */
  gdouble max_wait_p99, max_refused;
  gint callers;
  gint64 calls, seed;
  gboolean is_even;
} Words;

static void
words_clear (Words *self)
{
  g_free (self->from);
  g_free (self->mode);
  g_free (self->service);
  g_free (self->dial);
  g_free (self->think);
  g_free (self->max_open);
  g_free (self->json);
  g_strfreev (self->pool);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Words, words_clear)

static void
outlook_clear (gpointer outlook)
{
  g_free (((CliOutlook *) outlook)->forecast);
}

static void
simulation_clear (CliSimulation *self)
{
  load_model_clear (&self->model);
  g_clear_pointer (&self->outlooks, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliSimulation, simulation_clear)

/* ---- what a bench has measured ---- */

static const CliReportMode *
find_fitting_mode (const CliReport *report, const Words *given, GError **error)
{
  const gchar *wanted = given->mode;

  for (guint i = 0; i < report->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (report->modes, i);

      if (wanted != NULL
              ? g_str_equal (mode->mode, wanted)
              : strstr (mode->mode, "unpooled") == NULL && g_str_has_suffix (mode->mode, "pooled"))
        return mode;
    }
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s has no calls in mode %s", given->from,
               wanted != NULL ? wanted : "pooled");
  return NULL;
}

static gboolean
fit_model (LoadModel *model, const Words *given, GError **error)
{
  g_autoptr (CliReport) report = cli_report_new ();
  const CliReportMode *mode;
  gsize length;
  g_autofree gchar *text = cli_read_file (given->from, &length, error);

  if (text == NULL || !cli_report_add (report, given->from, text, length, error))
    return FALSE;
  mode = find_fitting_mode (report, given, error);
  if (mode == NULL)
    return FALSE;
  if (cli_report_fit (g_ptr_array_index (report->runs, 0), mode, model, error))
    return TRUE;
  g_prefix_error (error, "%s: ", given->from);
  return FALSE;
}

/* ---- the model ---- */

static gboolean
check_ranges (const Words *given, GError **error)
{
  return cli_check_number ("--rate", given->rate, 0, 1e7, error)
         && cli_check_number ("--callers", given->callers, 0, 100000, error)
         && cli_check_number ("--timeout", given->timeout_ms, 0, 86400000, error)
         && (given->failing_dials == NOT_GIVEN
             || cli_check_number ("--failing-dials", given->failing_dials, 0, 100, error))
         && (given->broken_calls == NOT_GIVEN
             || cli_check_number ("--broken-calls", given->broken_calls, 0, 100, error))
         && (given->max_wait_p99 == NOT_GIVEN
             || cli_check_number ("--max-wait-p99", given->max_wait_p99, 0, 86400000, error))
         && cli_check_number ("--max-refused", given->max_refused, 0, 100, error)
         && cli_check_number ("--calls", (gdouble) given->calls, FEWEST_CALLS, MOST_CALLS, error)
         && cli_check_number ("--seed", (gdouble) given->seed, 0, G_MAXUINT32, error);
}

static gboolean
check_belonging (const Words *given, GError **error)
{
  const gchar *mistake = NULL;

  if (given->rate > 0 && given->callers > 0)
    mistake = "--rate, calls that come whatever became of others, and --callers exclude each other";
  else if (given->from == NULL && given->service == NULL)
    mistake = "--service says for how long calls have their connections, or --from which file";
  else if (given->from == NULL && given->rate <= 0 && given->callers == 0)
    mistake = "--rate says how many calls come per second, or --callers how many make them in turn";
  else if (given->think != NULL && given->callers == 0)
    mistake = "--think is for --callers";
  else if (given->is_even && given->rate <= 0)
    mistake = "--evenly is for --rate";
  else if (given->mode != NULL && given->from == NULL)
    mistake = "--mode is for --from";
  if (mistake != NULL)
    g_set_error (error, CLI_INPUT_ERROR, 0, "%s", mistake);
  return mistake == NULL;
}

/* @word (nullable): then @times stay. */
static gboolean
set_times (LoadTimes *times, const gchar *option, const gchar *word, GError **error)
{
  LoadTimes parsed;

  if (word == NULL)
    return TRUE;
  if (!cli_parse_times (&parsed, option, word, error))
    return FALSE;
  load_times_clear (times);
  *times = parsed;
  return TRUE;
}

static void
set_arrivals (LoadModel *model, const Words *given)
{
  if (given->rate > 0)
    {
      model->arrivals = given->is_even ? LOAD_ARRIVALS_FIXED : LOAD_ARRIVALS_POISSON;
      model->rate = given->rate;
      load_times_clear (&model->think);
      model->think = load_times_constant (0);
    }
  else if (given->callers > 0)
    {
      model->arrivals = LOAD_ARRIVALS_CALLERS;
      model->callers = (guint) given->callers;
      model->rate = 0;
    }
}

static gboolean
make_model (CliSimulation *self, const Words *given, GError **error)
{
  LoadModel *model = &self->model;

  if (given->from != NULL && !fit_model (model, given, error))
    return FALSE;
  set_arrivals (model, given);
  for (guint i = 0; given->pool != NULL && given->pool[i] != NULL; i++)
    if (!cli_pool_settings_set (&model->pool, given->pool[i], error))
      return FALSE;
  if (given->failing_dials != NOT_GIVEN)
    model->failing_dials = given->failing_dials / 100;
  if (given->broken_calls != NOT_GIVEN)
    model->broken_calls = given->broken_calls / 100;
  model->timeout_us = (gint64) (given->timeout_ms * 1e3);
  model->calls = (guint64) given->calls + (guint64) given->calls / 10;
  model->warm_up = (guint64) given->calls / 10;
  model->seed = (guint32) given->seed;
  return set_times (&model->service, "--service", given->service, error)
         && set_times (&model->dial, "--dial", given->dial, error)
         && set_times (&model->think, "--think", given->think, error);
}

/* ---- the command ---- */

static gboolean
parse_simulate (Words *given, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "rate", 'R', 0, G_OPTION_ARG_DOUBLE, &given->rate, "Calls that come per second, at random",
      "N" },
    { "evenly", 0, 0, G_OPTION_ARG_NONE, &given->is_even, "Not at random", NULL },
    { "callers", 'c', 0, G_OPTION_ARG_INT, &given->callers, "Or callers that make calls in turn",
      "N" },
    { "think", 0, 0, G_OPTION_ARG_STRING, &given->think, "What passes between a caller's calls",
      "TIME" },
    { "service", 's', 0, G_OPTION_ARG_STRING, &given->service, "A call has its connection so long",
      "TIME" },
    { "dial", 0, 0, G_OPTION_ARG_STRING, &given->dial, "A dial takes (default: 1)", "TIME" },
    { "from", 'f', 0, G_OPTION_ARG_FILENAME, &given->from,
      "Load and times that tally bench --json wrote", "FILE.json" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &given->mode, "Of these (default: pooled)", "MODE" },
    { "failing-dials", 0, 0, G_OPTION_ARG_DOUBLE, &given->failing_dials, "Dials that fail",
      "PERCENT" },
    { "broken-calls", 0, 0, G_OPTION_ARG_DOUBLE, &given->broken_calls,
      "Calls that end their connection", "PERCENT" },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &given->timeout_ms, "Of each call", "MS" },
    { "max-open", 'm', 0, G_OPTION_ARG_STRING, &given->max_open, "Which to simulate, as 4,8-12",
      "LIST" },
    { "pool", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &given->pool,
      "A property of the pool, as max-waiters=20", "NAME=VALUE" },
    { "max-wait-p99", 0, 0, G_OPTION_ARG_DOUBLE, &given->max_wait_p99,
      "What 99 of 100 calls may wait for a connection", "MS" },
    { "max-refused", 0, 0, G_OPTION_ARG_DOUBLE, &given->max_refused,
      "Calls that may be refused (default: 0)", "PERCENT" },
    { "calls", 'n', 0, G_OPTION_ARG_INT64, &given->calls, "For each max-open (default: 100000)",
      "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &given->seed, "Another one is another run (default: 1)",
      "N" },
    { "json", 'j', 0, G_OPTION_ARG_FILENAME, &given->json, "Write all that is predicted there",
      "FILE" },
    { NULL },
  };

  if (!cli_parse_options (words, NULL,
                          "Predicts how long calls wait for a connection, for each max-open. TIME "
                          "is MS,\nexponential:MEAN or lognormal:MEDIAN,P99 in milliseconds.",
                          entries, error))
    return FALSE;
  if ((*words)[1] == NULL)
    return check_ranges (given, error) && check_belonging (given, error);
  g_set_error (error, CLI_INPUT_ERROR, 0, "\"%s\" is no option, and there are no other words",
               (*words)[1]);
  return FALSE;
}

static gboolean
simulate_each (CliSimulation *self, const gchar *max_open, GError **error)
{
  g_autoptr (GArray) counts = max_open != NULL ? cli_parse_counts ("--max-open", max_open, error)
                                               : cli_choose_counts (&self->model);

  if (counts == NULL)
    return FALSE;
  self->outlooks = g_array_new (FALSE, FALSE, sizeof (CliOutlook));
  g_array_set_clear_func (self->outlooks, outlook_clear);
  for (guint i = 0; i < counts->len; i++)
    {
      LoadModel model = self->model;
      CliOutlook outlook = { .max_open = g_array_index (counts, guint, i) };

      model.pool.max_open = outlook.max_open;
      outlook.forecast = load_simulate (&model);
      g_array_append_val (self->outlooks, outlook);
    }
  return TRUE;
}

static gboolean
run_simulate (CliSimulation *self, const Words *given, GError **error)
{
  g_autofree gchar *json = NULL;

  if (!make_model (self, given, error) || !simulate_each (self, given->max_open, error))
    return FALSE;
  self->source = given->from;
  self->pool = given->pool;
  self->is_wait_given = given->max_wait_p99 != NOT_GIVEN;
  self->max_wait_p99_us =
      self->is_wait_given ? given->max_wait_p99 * 1e3 : self->model.service.mean_us;
  self->max_refused = given->max_refused / 100;
  cli_simulation_print (self);
  json = cli_simulation_make_json (self);
  return given->json == NULL || idl_replace_file (given->json, json, strlen (json), error);
}

CliStatus
cli_simulate (gchar **words)
{
  g_auto (Words) given = { .calls = 100000,
                           .seed = 1,
                           .failing_dials = NOT_GIVEN,
                           .broken_calls = NOT_GIVEN,
                           .max_wait_p99 = NOT_GIVEN };
  g_auto (CliSimulation)
      simulation = { .model = { .pool = tally_pool_options_default,
                                .dial = load_times_constant (G_TIME_SPAN_MILLISECOND) } };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;
  gboolean has_limit;

  if (!parse_simulate (&given, &rest, &error) || !run_simulate (&simulation, &given, &error))
    return cli_complain (error);
  has_limit = simulation.is_wait_given || given.max_refused > 0;
  return has_limit && cli_simulation_choose (&simulation) == NULL ? CLI_PAST_LIMIT : CLI_OK;
}
