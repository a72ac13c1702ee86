/* Owns a simulated pool's dials: how long they take, whether they fail, and which calls wait for them. */
#include "load-simulation-private.h"

static const GError dial_failure = { 1, 1, (gchar *) "simulated" };

void
load_sim_begin_dial (LoadSim *sim, TallyConn *conn, LoadSimCall *owner)
{
  const gint64 limit = sim->policy.options.connect_timeout;
  LoadSimDial *dial = g_new0 (LoadSimDial, 1);
  gint64 takes = load_sim_round (load_times_draw (&sim->model->dial, sim->dials));

  dial->conn = conn;
  dial->owner = owner;
  dial->fails = g_rand_double (sim->dials) < sim->model->failing_dials || takes > limit;
  takes = MIN (takes, limit);
  if (owner != NULL) /* it goes on on a thread then */
    {
      const gint64 until = MIN (sim->now.mono + TALLY_DIAL_ON_CALLER, owner->waiter.deadline);

      takes = MIN (takes, until - sim->now.mono);
    }
  conn->cancellable = dial;
  load_events_add (&sim->events, sim->now.mono + takes, LOAD_EVENT_DIALED, dial, 0);
}

/* What its owner waited for in vain goes on on a thread. */
static void
leave_to_thread (LoadSim *sim, LoadSimCall *owner, gint64 took)
{
  if (took >= TALLY_DIAL_ON_CALLER)
    sim->policy.quick = FALSE;
  tally_policy_permit_to_thread (&sim->policy, &sim->now, &owner->waiter);
}

void
load_sim_end_dial (LoadSim *sim, LoadSimDial *dial)
{
  TallyConn *conn = dial->conn;
  TallyWaiter *waiter = dial->owner != NULL ? &dial->owner->waiter : NULL;
  const gint64 took = sim->now.mono - conn->dial_started;
  const gint64 connect_timeout = sim->policy.options.connect_timeout;

  conn->cancellable = NULL;
  dial->is_over = TRUE;
  if (waiter != NULL
      && (took >= MIN (TALLY_DIAL_ON_CALLER, connect_timeout) || sim->now.mono >= waiter->deadline))
    leave_to_thread (sim, dial->owner, took);
  else if (dial->fails)
    tally_policy_dial_failed (&sim->policy, &sim->now, conn, &dial_failure, waiter);
  else
    {
      if (waiter == NULL && took <= TALLY_QUICK_DIAL)
        sim->policy.quick = TRUE;
      tally_policy_dial_done (&sim->policy, &sim->now, conn, sim, waiter);
    }
  if (waiter != NULL)
    load_sim_go_on (dial->owner);
  load_sim_schedule_tick (sim);
}

static LoadSimDial *
find_given_up (const LoadSim *sim)
{
  for (TallyConn *conn = sim->policy.conns; conn != NULL; conn = conn->older)
    if (conn->state == TALLY_CONN_DIALING && conn->given_up && conn->cancellable != NULL)
      return conn->cancellable;
  return NULL;
}

void
load_sim_cancel_dials (LoadSim *sim)
{
  LoadSimDial *dial;

  sim->policy.gives_up = FALSE;
  while ((dial = find_given_up (sim)) != NULL)
    {
      dial->fails = TRUE;
      load_sim_end_dial (sim, dial);
    }
}
