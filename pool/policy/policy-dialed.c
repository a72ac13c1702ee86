/* Owns what follows from the end of a dial and from a place that is free again: backoff, which
 * waiters learn of a failure. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* Dials in the background pause for so long after a failure where backoff is turned off. */
#define REFILL_PAUSE G_TIME_SPAN_SECOND

/* @waiter, which has a permit, shall no longer dial itself but wait for whatever comes first: a
 * thread dials on, and @waiter gets its place in the queue. */
void
tally_policy_permit_to_thread (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyConn *conn = waiter->permit;

  conn->owned = FALSE;
  self->n_owned--;
  waiter->permit = NULL;
  if (conn->doomed)
    tally_policy_disown_dial (self, conn);
  tally_policy_hand_to_thread (self, conn);
  tally_policy_enqueue_and_pump (self, now, waiter);
}

static TallyConn *
find_replaced (TallyPolicy *self)
{
  TallyConn *busy = NULL;

  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      if (!conn->replaced || conn->doomed)
        continue;
      if (conn->state == TALLY_CONN_IDLE)
        return conn;
      if (conn->state == TALLY_CONN_BUSY)
        busy = conn;
    }
  return busy;
}

/* @conn was dialed, by @owner or (NULL) by a thread: then it serves the first waiter (rules 5, 6).
 */
void
tally_policy_dial_done (TallyPolicy *self,
                        const TallyInstant *now,
                        TallyConn *conn,
                        gpointer payload,
                        TallyWaiter *owner)
{
  gboolean background = conn->background && !conn->doomed;

  tally_policy_end_dial (self, conn);
  conn->payload = payload;
  conn->dialed = now->mono;
  conn->checked = now->boot;
  self->stats.dials_done++;
  tally_histogram_add (&self->stats.dial_time, now->mono - conn->dial_started);
  self->backoff = (TallyBackoff){ 0 };
  if (self->closed)
    {
      tally_policy_retire (self, conn, TALLY_CLOSE_POOL);
      if (owner != NULL)
        tally_policy_fail (self, now, owner, TALLY_REFUSAL_CLOSED);
      return;
    }
  if (owner != NULL)
    {
      owner->permit = NULL;
      owner->reused = FALSE;
      self->stats.dials++;
      tally_policy_claim (self, now, conn, owner);
    }
  else if (conn->doomed)
    tally_policy_retire (self, conn, conn->reason);
  else
    tally_policy_offer (self, now, conn);
  if (background && (conn = find_replaced (self)) != NULL)
    tally_policy_doom (self, conn, TALLY_CLOSE_LIFETIME);
  tally_policy_pump (self, now);
}

static void
back_off (TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  gint64 delay = self->options.backoff_base;

  if (conn->given_up)
    return;
  if (conn->failed_here) /* which says nothing about the endpoint (rule 31) */
    {
      self->backoff.refill = MAX (self->backoff.refill, now->mono + REFILL_PAUSE);
      return;
    }
  if (self->backoff.failures > 0 && conn->dial_started < self->backoff.began)
    return;
  for (guint i = 0; i < self->backoff.failures && delay > 0 && delay < self->options.backoff_max;
       i++)
    delay *= 2;
  delay = MIN (delay, MAX (self->options.backoff_max, self->options.backoff_base));
  self->backoff.failures++;
  self->backoff.began = now->mono;
  self->backoff.until =
      now->mono + (gint64) ((gdouble) delay * (0.5 + tally_policy_random (self) / 2));
  self->backoff.refill =
      self->options.backoff_base > 0 ? self->backoff.until : now->mono + REFILL_PAUSE;
}

/* The dial of @conn failed. One caller learns of it: @owner, or the first in the queue; the place
 * goes to the next (rule 7). With `wait-for-ready` they wait for the next dial instead, unless
 * there is no pause before that. */
void
tally_policy_dial_failed (TallyPolicy *self,
                          const TallyInstant *now,
                          TallyConn *conn,
                          const GError *error,
                          TallyWaiter *owner)
{
  gboolean background = conn->background && !conn->doomed;
  TallyWaiter *waiter = owner != NULL ? owner : conn->background ? NULL : self->first;

  tally_policy_end_dial (self, conn);
  self->stats.dials_failed++;
  if (error != self->last_error)
    {
      g_clear_error (&self->last_error);
      self->last_error = g_error_copy (error);
    }
  back_off (self, now, conn);
  tally_policy_free_place (self, conn);
  if (waiter != NULL && tally_policy_waits_for_ready (self, waiter)
      && self->backoff.until > now->mono && !self->closed)
    {
      waiter->permit = NULL;
      if (owner != NULL)
        tally_policy_enqueue_and_pump (self, now, owner);
    }
  else if (waiter != NULL)
    {
      waiter->permit = NULL;
      waiter->error = g_error_copy (error);
      tally_policy_fail (self, now, waiter,
                         self->closed ? TALLY_REFUSAL_CLOSED : TALLY_REFUSAL_DIAL);
    }
  if (background)
    {
      if (!conn->given_up)
        self->warm = 0;
      if ((conn = find_replaced (self)) != NULL)
        conn->replaced = FALSE;
    }
  tally_policy_pump (self, now);
}

void
tally_policy_reset_backoff (TallyPolicy *self, const TallyInstant *now)
{
  self->backoff = (TallyBackoff){ 0 };
  tally_policy_pump (self, now);
}

/* Dials in the background until @count connections are idle at once, or a dial fails. */
void
tally_policy_warm (TallyPolicy *self, const TallyInstant *now, guint count)
{
  self->active = TRUE;
  self->warm = count;
  tally_policy_pump (self, now);
}

/* The caller has closed @conn: its place is free, and a waiter may want it. */
void
tally_policy_closed (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  self->n_closing--;
  self->stats.closes[conn->reason]++;
  tally_policy_free_place (self, conn);
  tally_policy_pump (self, now);
}
