/* Owns what a report says of waits for a connection: those that were measured, and those that the pool's policy alone makes under the
 * same load, so that a reader sees how far `tally simulate` is to be trusted there. */
#include <math.h>
#include <string.h>

#include "cli-report.h"

/* Enough for a 99th percentile, and over in a moment. */
#define CALLS 40000
/* Microseconds. Where connections are held for less, a caller looks again before it queues, and that depends on what else runs. */
#define SHORT_HOLD 100
/* Of what a file says. */
#define MOST_CALLERS 100000

static gboolean
refuse_fit (const CliReportMode *mode, const gchar *why, GError **error)
{
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s: %s", mode->mode, why);
  return FALSE;
}

static gboolean
is_count (gdouble number)
{
  return number >= 1 && number <= MOST_CALLERS;
}

static gboolean
is_time (gdouble us)
{
  return us >= 0 && us < 1e12;
}

static gboolean
are_times (const CliReportTimes *times)
{
  return times->bins != NULL && is_time (times->mean)
         && is_time (g_array_index (times->bins, LoadTimesBin, times->bins->len - 1).most_us);
}

static LoadTimes
fit_times (const CliReportTimes *times)
{
  return are_times (times) ? load_times_measured (g_array_copy (times->bins), times->mean)
                           : load_times_constant (0);
}

/* By Little: callers that are not in a call think. */
static gdouble
find_think_us (const CliReportMode *mode, gdouble callers)
{
  const gdouble think_us = mode->rate > 0 ? callers * 1e6 / mode->rate - mode->mean : 0;

  return is_time (think_us) ? think_us : 0;
}

static gdouble
find_share (gdouble part, gdouble all)
{
  return part > 0 && all > 0 ? MIN (part / all, 1) : 0;
}

gboolean
cli_report_fit (const CliReportRun *run,
                const CliReportMode *mode,
                LoadModel *model,
                GError **error)
{
  const gboolean is_async = g_str_has_prefix (mode->mode, "async-");
  const gdouble callers = is_async ? run->in_flight : run->callers;

  if (!g_str_equal (mode->mode, "pooled") && !g_str_equal (mode->mode, "async-pooled"))
    return refuse_fit (mode, "only pooled calls can be simulated", error);
  if (!are_times (&mode->hold_times))
    return refuse_fit (mode, "the file does not say for how long calls had their connections",
                       error);
  if (!is_count (callers) || !is_count (run->connections))
    return refuse_fit (mode, "the file does not say how many callers and connections there were",
                       error);
  *model = (LoadModel){ .pool = tally_pool_options_default,
                        .arrivals = LOAD_ARRIVALS_CALLERS,
                        .rate = run->rate > 0 && run->rate < 1e9 ? run->rate : 0,
                        .callers = (guint) callers,
                        .service = fit_times (&mode->hold_times),
                        .dial = fit_times (&mode->dial_times),
                        .failing_dials =
                            find_share (mode->dials_failed, mode->dials_failed + mode->connects),
                        .broken_calls = find_share (mode->closes, mode->borrows) };
  model->pool.max_open = model->pool.max_dials = (guint) run->connections;
  if (model->rate <= 0)
    model->think = load_times_exponential (find_think_us (mode, callers));
  return TRUE;
}

/* ---- beside each other ---- */

static void
measure (CliReportMode *mode)
{
  GArray *bins = mode->wait_times.bins;
  gdouble count = 0;

  for (guint i = 0; bins != NULL && i < bins->len; i++)
    count += g_array_index (bins, LoadTimesBin, i).count;
  if (mode->borrows <= 0)
    return;
  mode->measured.share = MIN (100 * count / mode->borrows, 100);
  mode->measured.p50 = bins != NULL ? load_bins_quantile (bins, 0.5) : 0;
  mode->measured.p99 = bins != NULL ? load_bins_quantile (bins, 0.99) : 0;
}

void
cli_report_predict (const CliReportRun *run, CliReportMode *mode)
{
  g_auto (LoadModel) model = { .calls = 0 };
  g_autofree LoadForecast *forecast = NULL;

  mode->measured = mode->predicted = (CliReportWaits){ -1, -1, -1 };
  if (!cli_report_fit (run, mode, &model, NULL))
    return;
  measure (mode);
  if (load_bins_quantile (mode->hold_times.bins, 0.5) < SHORT_HOLD)
    return;
  model.calls = CALLS;
  model.warm_up = CALLS / 10;
  model.seed = 1;
  forecast = load_simulate (&model);
  mode->predicted.share =
      100 * (gdouble) forecast->wait.count / (gdouble) load_forecast_count_calls (forecast);
  mode->predicted.p50 = (gdouble) load_histogram_quantile (&forecast->wait, 0.5) / 1e3;
  mode->predicted.p99 = (gdouble) load_histogram_quantile (&forecast->wait, 0.99) / 1e3;
}
