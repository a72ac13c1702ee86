/* Owns what is counted of a simulation. */
#include "load-simulation-private.h"

void
load_sim_count_open (LoadSim *sim)
{
  const guint open = tally_policy_open (&sim->policy);

  if (sim->counts)
    {
      sim->open_time += (gdouble) open * (gdouble) (sim->now.mono - sim->last_seen);
      sim->forecast->peak_open = MAX (sim->forecast->peak_open, open);
    }
  sim->last_seen = sim->now.mono;
}

void
load_sim_begin_to_count (LoadSim *sim)
{
  sim->counts = TRUE;
  sim->counts_since = sim->last_seen = sim->now.mono;
  sim->forecast->dials = sim->policy.stats.dials_started;
  sim->forecast->failed_dials = sim->policy.stats.dials_failed;
}

void
load_sim_end_counting (LoadSim *sim)
{
  LoadForecast *forecast = sim->forecast;
  const gdouble passed = (gdouble) (sim->now.mono - sim->counts_since);

  if (!sim->counts)
    return;
  load_sim_count_open (sim);
  sim->counts = FALSE;
  forecast->seconds = passed / 1e6;
  forecast->mean_open = passed > 0 ? sim->open_time / passed : forecast->peak_open;
  forecast->dials = sim->policy.stats.dials_started - forecast->dials;
  forecast->failed_dials = sim->policy.stats.dials_failed - forecast->failed_dials;
}

gboolean
load_sim_does_count (const LoadSimCall *call)
{
  return call->number >= call->sim->model->warm_up;
}

void
load_sim_count_delay (const LoadSimCall *call)
{
  LoadForecast *forecast = call->sim->forecast;
  const TallyWaiter *waiter = &call->waiter;

  if (!load_sim_does_count (call))
    return;
  if (waiter->state == TALLY_WAITER_SERVED)
    load_histogram_add (&forecast->delay, 1000 * (guint64) (call->sim->now.mono - waiter->arrived));
  if (waiter->waited > 0)
    load_histogram_add (&forecast->wait, 1000 * (guint64) waiter->waited);
}

guint64
load_forecast_count_refused (const LoadForecast *forecast)
{
  guint64 count = 0;

  for (guint i = 0; i < G_N_ELEMENTS (forecast->refused); i++)
    count += forecast->refused[i];
  return count;
}

guint64
load_forecast_count_calls (const LoadForecast *forecast)
{
  return forecast->answered + forecast->broken + forecast->overdue
         + load_forecast_count_refused (forecast);
}

void
load_model_clear (LoadModel *model)
{
  load_times_clear (&model->service);
  load_times_clear (&model->think);
  load_times_clear (&model->dial);
}
