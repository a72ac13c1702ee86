/* Owns a simulated pool's life: calls come to its policy, have their connections for a time and give them back; dials take
 * theirs. What a pool does besides its policy is done here in no time. */
#include "load-simulation-private.h"

#include <math.h>

/* When a simulation begins. */
#define BEGIN G_TIME_SPAN_SECOND
/* A caller that was refused makes its next call no sooner. */
#define PAUSE_AFTER_REFUSAL G_TIME_SPAN_MILLISECOND

/* ---- calls that come ---- */

gint64
load_sim_round (gdouble us)
{
  /* Later than anything that is of interest, and far from where sums overflow. */
  return (gint64) MIN (us + 0.5, 1e15);
}

static gdouble
draw_gap (LoadSim *sim)
{
  const gdouble mean = 1e6 / sim->model->rate;

  return sim->model->arrivals == LOAD_ARRIVALS_FIXED
             ? mean
             : -mean * log (1 - g_rand_double (sim->arrivals));
}

static void
plan_next_arrival (LoadSim *sim)
{
  const LoadModel *model = sim->model;

  if (sim->begun >= model->calls)
    return;
  if (model->arrivals == LOAD_ARRIVALS_TRACE)
    {
      load_events_add (&sim->events, BEGIN + model->trace[sim->begun].at - model->trace[0].at,
                       LOAD_EVENT_CALL, NULL, 0);
      return;
    }
  sim->next_arrival += draw_gap (sim);
  load_events_add (&sim->events, BEGIN + load_sim_round (sim->next_arrival), LOAD_EVENT_CALL, NULL,
                   0);
}

/* With a rate, callers take turns, and none is to begin before its turn. */
static void
plan_next_of_caller (LoadSim *sim, guint caller, gint64 pause)
{
  const LoadModel *model = sim->model;
  gint64 at = sim->now.mono + pause;

  if (model->rate > 0)
    {
      const guint64 turn = sim->turns[caller]++ * model->callers + caller;
      const gint64 due = BEGIN + load_sim_round ((gdouble) turn * 1e6 / model->rate);

      at = MAX (at, due);
    }
  load_events_add (&sim->events, at, LOAD_EVENT_CALL, NULL, caller);
}

static LoadSimCall *
call_new (LoadSim *sim, guint caller)
{
  const LoadModel *model = sim->model;
  LoadSimCall *call = sim->rest;

  if (call != NULL)
    sim->rest = (LoadSimCall *) call->waiter.next;
  else
    call = g_new (LoadSimCall, 1);
  *call =
      (LoadSimCall){ .waiter = { .label = "simulated", .may_dial = TRUE, .deadline = G_MAXINT64 },
                     .sim = sim,
                     .number = sim->begun++,
                     .caller = caller };
  if (model->timeout_us > 0)
    call->waiter.deadline = sim->now.mono + model->timeout_us;
  call->held = model->arrivals == LOAD_ARRIVALS_TRACE
                   ? model->trace[call->number].held
                   : load_sim_round (load_times_draw (&model->service, sim->services));
  call->breaks = g_rand_double (sim->breaks) < model->broken_calls;
  return call;
}

static void
begin_sim_call (LoadSim *sim, guint caller)
{
  LoadSimCall *call;

  if (sim->begun >= sim->model->calls)
    return;
  call = call_new (sim, caller);
  sim->under_way++;
  if (call->number == sim->model->warm_up)
    load_sim_begin_to_count (sim);
  tally_policy_ask (&sim->policy, &sim->now, &call->waiter);
  load_sim_go_on (call);
  if (sim->model->arrivals != LOAD_ARRIVALS_CALLERS)
    plan_next_arrival (sim);
  if (sim->begun >= sim->model->calls)
    load_sim_end_counting (sim);
}

static void
end_call (LoadSimCall *call)
{
  LoadSim *sim = call->sim;
  const gboolean is_refused = call->waiter.state == TALLY_WAITER_FAILED;

  sim->under_way--;
  if (sim->model->arrivals == LOAD_ARRIVALS_CALLERS)
    {
      const gint64 think = load_sim_round (load_times_draw (&sim->model->think, sim->arrivals));

      plan_next_of_caller (sim, call->caller,
                           is_refused ? MAX (think, PAUSE_AFTER_REFUSAL) : think);
    }
  g_clear_error (&call->waiter.error);
  call->waiter.next = (TallyWaiter *) sim->rest;
  sim->rest = call;
}

/* ---- what time does ---- */

static void
want_tick (LoadSim *sim, gint64 due)
{
  if (due == G_MAXINT64 || due + TALLY_REAPER_SLACK >= sim->tick_at)
    return;
  sim->tick_at = due + TALLY_REAPER_SLACK;
  load_events_add (&sim->events, sim->tick_at, LOAD_EVENT_TICK, NULL, 0);
}

void
load_sim_schedule_tick (LoadSim *sim)
{
  want_tick (sim, tally_policy_next_event (&sim->policy, &sim->now));
}

static void
tick (LoadSim *sim)
{
  TallyConn *conn;

  sim->tick_at = G_MAXINT64;
  tally_policy_tick (&sim->policy, &sim->now);
  while (sim->policy.options.keepalive > 0
         && (conn = tally_policy_take_to_examine (&sim->policy, &sim->now)) != NULL)
    tally_policy_examined (&sim->policy, &sim->now, conn, TALLY_CLOSE_NONE);
  load_sim_schedule_tick (sim);
}

/* ---- what a call does ---- */

static void
begin_lease (LoadSimCall *call)
{
  LoadSim *sim = call->sim;
  gint64 end = sim->now.mono + call->held;

  tally_policy_checked (&sim->policy, &sim->now, call->waiter.hold);
  load_sim_count_delay (call);
  if (sim->model->timeout_us > 0)
    end = MIN (end, MAX (call->waiter.limit, sim->now.mono));
  load_events_add (&sim->events, end, LOAD_EVENT_RETURN, call, 0);
}

static void
end_lease (LoadSimCall *call)
{
  LoadSim *sim = call->sim;
  LoadForecast *forecast = sim->forecast;
  const TallyConn *conn = call->waiter.hold->conn;
  const gboolean is_overdue = sim->now.mono - call->waiter.hold->since < call->held;
  const TallyCloseReason reason =
      is_overdue || call->breaks ? TALLY_CLOSE_BROKEN : TALLY_CLOSE_NONE;

  tally_policy_release (&sim->policy, &sim->now, call->waiter.hold, reason);
  want_tick (sim, tally_policy_due_of (&sim->policy, &sim->now, conn));
  if (load_sim_does_count (call))
    {
      *(is_overdue     ? &forecast->overdue
        : call->breaks ? &forecast->broken
                       : &forecast->answered) += 1;
      forecast->done += sim->counts && reason == TALLY_CLOSE_NONE;
    }
  end_call (call);
}

void
load_sim_go_on (LoadSimCall *call)
{
  LoadSim *sim = call->sim;
  TallyWaiter *waiter = &call->waiter;
  gint64 deadline;

  switch (waiter->state)
    {
    case TALLY_WAITER_QUEUED:
      deadline = MAX (waiter->deadline, sim->now.mono);
      load_events_add (&sim->events, deadline, LOAD_EVENT_DEADLINE, call, call->number);
      if (sim->policy.backoff.failures > 0)
        load_sim_schedule_tick (sim);
      break;
    case TALLY_WAITER_PERMIT:
      load_sim_begin_dial (sim, waiter->permit, call);
      break;
    case TALLY_WAITER_SERVED:
      begin_lease (call);
      break;
    case TALLY_WAITER_FAILED:
      load_sim_count_delay (call);
      sim->forecast->refused[waiter->refusal] += load_sim_does_count (call);
      end_call (call);
      break;
    case TALLY_WAITER_NEW:
      g_assert_not_reached ();
    }
}

static void
wake_call (TallyWaiter *waiter)
{
  LoadSimCall *call = (LoadSimCall *) waiter;

  g_queue_push_tail (&call->sim->woken, call);
}

/* It may be another call by now, or not wait any more. While it is dialed for, the policy may give it more time. */
static void
meet_deadline (LoadSim *sim, LoadSimCall *call, guint64 number)
{
  if (call->number != number || call->waiter.state != TALLY_WAITER_QUEUED
      || sim->now.mono < call->waiter.deadline)
    return;
  tally_policy_time_out (&sim->policy, &sim->now, &call->waiter);
  load_sim_go_on (call);
}

/* ---- what the policy asks for ---- */

static void
close_all (LoadSim *sim)
{
  TallyConn *next;

  for (TallyConn *conn = g_steal_pointer (&sim->policy.closing); conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_closed (&sim->policy, &sim->now, conn);
    }
}

static void
dial_all (LoadSim *sim)
{
  TallyConn *next;

  for (TallyConn *conn = g_steal_pointer (&sim->policy.to_dial); conn != NULL; conn = next)
    {
      next = conn->next;
      load_sim_begin_dial (sim, conn, NULL);
    }
}

static void
look_at_all (LoadSim *sim)
{
  TallyConn *next;

  for (TallyConn *conn = g_steal_pointer (&sim->policy.to_look); conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_looked (&sim->policy, &sim->now, conn);
    }
}

/* What a pool would do without its lock. */
static gboolean
has_work (const LoadSim *sim)
{
  return sim->policy.closing != NULL || sim->policy.to_dial != NULL || sim->policy.to_look != NULL
         || sim->policy.gives_up;
}

static void
work (LoadSim *sim)
{
  close_all (sim);
  dial_all (sim);
  look_at_all (sim);
  if (sim->policy.gives_up)
    load_sim_cancel_dials (sim);
  load_sim_schedule_tick (sim);
}

/* Until there is nothing left to do at this instant. */
static void
settle (LoadSim *sim)
{
  while (has_work (sim) || sim->woken.length > 0)
    {
      LoadSimCall *call;

      if (has_work (sim))
        work (sim);
      while ((call = g_queue_pop_head (&sim->woken)) != NULL)
        load_sim_go_on (call);
    }
}

/* ---- the run ---- */

static void
happen (LoadSim *sim, const LoadEvent *event)
{
  LoadSimDial *dial = event->what;

  switch (event->kind)
    {
    case LOAD_EVENT_CALL:
      begin_sim_call (sim, (guint) event->number);
      break;
    case LOAD_EVENT_RETURN:
      end_lease (event->what);
      break;
    case LOAD_EVENT_DIALED:
      if (!dial->is_over)
        load_sim_end_dial (sim, dial);
      g_free (dial);
      break;
    case LOAD_EVENT_DEADLINE:
      meet_deadline (sim, event->what, event->number);
      break;
    case LOAD_EVENT_TICK:
      if (event->at == sim->tick_at)
        tick (sim);
      break;
    }
  settle (sim);
}

static void
begin_sim (LoadSim *sim)
{
  const LoadModel *model = sim->model;

  tally_policy_init (&sim->policy, &model->pool, model->seed);
  sim->policy.wake = wake_call;
  load_events_init (&sim->events);
  sim->arrivals = g_rand_new_with_seed (model->seed);
  sim->services = g_rand_new_with_seed (model->seed + 1);
  sim->dials = g_rand_new_with_seed (model->seed + 2);
  sim->breaks = g_rand_new_with_seed (model->seed + 3);
  g_queue_init (&sim->woken);
  sim->turns = g_new0 (guint64, MAX (model->callers, 1));
  if (model->arrivals != LOAD_ARRIVALS_CALLERS)
    plan_next_arrival (sim);
  for (guint i = 0; model->arrivals == LOAD_ARRIVALS_CALLERS && i < model->callers; i++)
    plan_next_of_caller (sim, i, load_sim_round (load_times_draw (&model->think, sim->arrivals)));
}

static void
end_sim (LoadSim *sim)
{
  LoadEvent event;

  tally_policy_close (&sim->policy, &sim->now);
  close_all (sim);
  tally_policy_clear_memory (&sim->policy);
  while (load_events_take (&sim->events, &event))
    if (event.kind == LOAD_EVENT_DIALED)
      g_free (event.what);
  load_events_clear (&sim->events);
  for (LoadSimCall *next, *call = sim->rest; call != NULL; call = next)
    {
      next = (LoadSimCall *) call->waiter.next;
      g_free (call);
    }
  g_rand_free (sim->arrivals);
  g_rand_free (sim->services);
  g_rand_free (sim->dials);
  g_rand_free (sim->breaks);
  g_free (sim->turns);
}

LoadForecast *
load_simulate (const LoadModel *model)
{
  LoadSim sim = { .model = model,
                  .forecast = g_new0 (LoadForecast, 1),
                  .now = { BEGIN, BEGIN },
                  .tick_at = G_MAXINT64 };
  LoadEvent event;

  begin_sim (&sim);
  while ((sim.under_way > 0 || sim.begun < model->calls) && load_events_take (&sim.events, &event))
    {
      g_assert (event.at >= sim.now.mono);
      sim.now.mono = sim.now.boot = event.at;
      load_sim_count_open (&sim);
      happen (&sim, &event);
      if (model->look != NULL)
        model->look (&sim.policy, sim.now.mono, model->look_data);
    }
  end_sim (&sim);
  return sim.forecast;
}
