/* Owns what becomes possible when something has changed: which waiters are served, what is dialed,
 * which connections close. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* Brings idle connections down to the limits; busy ones follow as they come back (rule 18). */
void
tally_policy_shed (TallyPolicy *self, const TallyInstant *now)
{
  guint max_open = self->options.max_open;
  gint max_idle = self->options.max_idle;

  while (self->n_idle > 0 && max_open > 0 && tally_policy_open (self) - self->n_closing > max_open)
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_LIMIT);
  while (max_idle >= 0 && self->n_idle > (guint) max_idle)
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_LIMIT);
  while (tally_policy_is_unused (self, now))
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_IDLE);
}

/* ---- one connection that is there ---- */

/* The first waiter that can use a connection that is there already. */
static TallyWaiter *
first_to_serve (TallyPolicy *self, const TallyConn *conn)
{
  TallyWaiter *waiter = self->first;

  if (G_UNLIKELY (self->waiting_fresh > 0))
    while (waiter != NULL && waiter->fresh && !tally_policy_is_fresh_for (conn, waiter))
      waiter = waiter->next;
  return waiter;
}

static void
serve (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter, TallyConn *conn)
{
  gboolean fresh = conn->state == TALLY_CONN_DIALING;

  tally_policy_dequeue (self, waiter);
  waiter->reused = !fresh;
  waiter->idle_age = 0;
  if (fresh)
    self->stats.dials++;
  else
    self->stats.waits++;
  tally_policy_count_wait (self, waiter,
                           fresh ? conn->dial_started : MAX (now->mono, waiter->arrived + 1));
  tally_policy_claim (self, now, conn, waiter);
  tally_policy_wake (self, waiter);
}

/* Lends @conn to a waiter, else keeps it. It was just dialed (DIALING, and no longer counted so),
 * has room for another lease (BUSY) or for its first (IDLE, and not counted so). */
void
tally_policy_offer (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  gboolean served_fresh = FALSE;
  TallyWaiter *waiter;

  do
    {
      waiter = first_to_serve (self, conn);
      if (waiter == NULL)
        break;
      served_fresh |= waiter->fresh;
      serve (self, now, waiter, conn);
    }
  while (conn->listed);
  if (G_UNLIKELY (served_fresh)) /* what was dialed for those may be too old for the next */
    tally_policy_dial_for_waiters (self, now);
  if (conn->state != TALLY_CONN_BUSY)
    {
      conn->state = TALLY_CONN_IDLE;
      conn->idle_since = now->boot;
      tally_conn_list_push (&self->idle, conn);
      self->n_idle++;
      tally_policy_shed (self, now);
    }
}

/* ---- all that is there ---- */

static void
serve_from_what_is_there (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn;

  while (self->waiting > self->waiting_fresh)
    {
      TallyWaiter *waiter = self->first;

      while (waiter->fresh)
        waiter = waiter->next;
      conn = self->available.head;
      if (conn == NULL && (conn = tally_policy_take_idle (self, now)) == NULL)
        return;
      serve (self, now, waiter, conn);
    }
}

/* Serves the waiters that want a fresh connection, where "fresh" began before they joined the
 * queue. */
static void
serve_fresh_waiters (TallyPolicy *self, const TallyInstant *now)
{
  TallyWaiter *next;

  for (TallyWaiter *waiter = self->first; waiter != NULL; waiter = next)
    {
      TallyConn *conn = waiter->fresh ? tally_policy_take_fresh (self, waiter) : NULL;

      next = waiter->next;
      if (conn != NULL)
        serve (self, now, waiter, conn);
    }
}

static void
refuse_hopeless_waiters (TallyPolicy *self, const TallyInstant *now)
{
  TallyWaiter *next;

  for (TallyWaiter *waiter = self->first; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      if (tally_policy_is_hopeless (self, now, waiter))
        tally_policy_fail (self, now, waiter, TALLY_REFUSAL_BACKOFF);
    }
}

/* Does what has become possible. Called after anything but a plain borrow or release. */
void
tally_policy_pump (TallyPolicy *self, const TallyInstant *now)
{
  tally_policy_assert_whole (self);
  if (self->closed)
    return;
  if (self->waiting > 0)
    {
      serve_from_what_is_there (self, now);
      if (G_UNLIKELY (self->waiting_fresh > 0))
        serve_fresh_waiters (self, now);
      if (tally_policy_must_make_room (self, now))
        tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_EVICTED);
      tally_policy_dial_for_waiters (self, now);
      if (G_UNLIKELY (self->backoff.until > now->mono))
        refuse_hopeless_waiters (self, now);
    }
  tally_policy_dial_in_background (self, now);
}

/* @waiter joins the queue, which may serve or fail it at once; it is not woken for that. */
void
tally_policy_enqueue_and_pump (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  waiter->is_asking = TRUE;
  tally_policy_enqueue (self, waiter);
  if (self->closed)
    tally_policy_fail (self, now, waiter, TALLY_REFUSAL_CLOSED);
  else
    tally_policy_pump (self, now);
  waiter->is_asking = FALSE;
}
