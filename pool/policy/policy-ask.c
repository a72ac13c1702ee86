/* Owns a borrower's arrival and departure: whether it is served at once, may dial, waits or is refused.
 * Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* How long a borrow waits that has no deadline, in a pool without `wait-timeout`. */
#define DEFAULT_WAIT (5 * G_TIME_SPAN_SECOND)

/* ---- whether a waiter may wait ---- */

/* How many connections will soon be free, besides those that are dialed for waiters: those that are
 * dialed or examined in the background, the places of those that are being closed and, if @waiter
 * wants a fresh connection, of those that are idle. */
static guint
count_soon_free (TallyPolicy *self, const TallyInstant *now, const TallyWaiter *waiter)
{
  guint max_open = self->options.max_open;
  guint remaining = tally_policy_open (self) - self->n_closing;
  guint places = self->n_closing; /* some of which go because there are too many */
  guint count = 0;

  if (!waiter->fresh)
    count = self->n_background * MAX (self->options.streams, 1) + self->n_examined;
  if (!tally_policy_would_dial (self, now))
    return count;
  if (max_open > 0)
    places = MIN (places, max_open - MIN (remaining, max_open));
  return count + places + (waiter->fresh ? self->n_idle : 0);
}

/* Whether @waiter may wait, behind @ahead others, when @promised leases are promised to waiters. No
 * dial can be started for it now; with @may_grow perhaps soon. */
static TallyRefusal
admit (TallyPolicy *self,
       const TallyInstant *now,
       TallyWaiter *waiter,
       guint ahead,
       guint promised,
       gboolean may_grow)
{
  promised += count_soon_free (self, now, waiter);
  if (tally_policy_is_hopeless (self, now, waiter))
    return TALLY_REFUSAL_BACKOFF;
  if (promised > ahead)
    return TALLY_REFUSAL_NONE;
  if (self->options.wait_timeout == 0)
    return TALLY_REFUSAL_FULL;
  if (self->options.max_waiters > 0 && ahead - promised >= self->options.max_waiters)
    return TALLY_REFUSAL_FULL;
  if (!may_grow
      && tally_policy_is_wait_too_long (self, now, ahead, waiter->deadline, &waiter->estimate))
    return TALLY_REFUSAL_ESTIMATE;
  return TALLY_REFUSAL_NONE;
}

/* When a borrow that began at @began gives up. @limit: the call's deadline, or G_MAXINT64. */
gint64
tally_policy_find_deadline (const TallyPolicy *self, gint64 began, gint64 limit)
{
  gint64 wait = self->options.wait_timeout;

  if (wait <= 0 && limit == G_MAXINT64)
    wait = wait < 0 ? DEFAULT_WAIT : MAX (DEFAULT_WAIT, self->options.connect_timeout);
  return wait > 0 ? MIN (limit, began + wait) : limit;
}

/* ---- asking ---- */

static gboolean
claim_fresh (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyConn *conn = tally_policy_take_fresh (self, waiter);

  if (conn == NULL)
    return FALSE;
  waiter->reused = TRUE;
  waiter->idle_age = conn->state == TALLY_CONN_IDLE ? now->boot - conn->idle_since : 0;
  self->stats.hits++;
  tally_policy_claim (self, now, conn, waiter);
  return TRUE;
}

static gboolean
claim_at_once (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyConn *conn = self->available.head;

  if (waiter->fresh)
    return claim_fresh (self, now, waiter);
  waiter->reused = TRUE;
  waiter->idle_age = 0;
  if (G_LIKELY (conn == NULL))
    {
      conn = tally_policy_take_idle (self, now);
      if (conn == NULL)
        return FALSE;
      waiter->idle_age = now->boot - conn->idle_since;
    }
  self->stats.hits++;
  tally_policy_claim (self, now, conn, waiter);
  return TRUE;
}

static void
arrive (TallyPolicy *self, gint64 began, TallyWaiter *waiter)
{
  self->active = TRUE;
  if (waiter->ticket == 0)
    waiter->ticket = ++self->last_ticket;
  waiter->arrived = began;
  if (waiter->fresh && !waiter->unused && waiter->since == 0)
    waiter->since = began;
  self->stats.requests++;
  waiter->limit = waiter->deadline;
  waiter->deadline = tally_policy_find_deadline (self, began, waiter->limit);
}

/* tally_policy_ask () where a shared connection has room for a lease, or is idle and need not be replaced by
 * another, and no waiter is in the queue. Else returns NULL and changes nothing. A borrower whose
 * connection proves dead asks again with the ticket that it takes, which is the last. */
TallyHold *
tally_policy_try_stream (TallyPolicy *self,
                         const TallyInstant *now,
                         const gchar *label,
                         guint32 thread,
                         gint64 *idle_age)
{
  TallyConn *conn = self->available.head;

  if (self->waiting > 0 || self->options.min_idle > 0 || self->warm > 0)
    return NULL;
  *idle_age = 0;
  if (conn == NULL)
    {
      conn = self->options.order == TALLY_POOL_ORDER_LIFO ? self->idle.head : self->idle.tail;
      if (conn == NULL || !conn->is_shared)
        return NULL;
      *idle_age = now->boot - conn->idle_since;
      if (*idle_age >= self->idle_age_limit)
        return NULL;
      tally_conn_list_remove (&self->idle, conn);
      self->n_idle--;
    }
  self->active = TRUE;
  self->last_ticket++;
  self->stats.requests++;
  self->stats.hits++;
  return tally_policy_lend (self, now, conn, label, thread, TRUE);
}

/* Whether a connection is about to be free for @waiter too: a shared one, which serves all that
 * come while it is dialed, or one that is only looked at. */
static gboolean
is_promised_one (const TallyPolicy *self, const TallyWaiter *waiter)
{
  return (self->options.streams > 1 || self->n_looked_at > 0)
         && tally_policy_promised (self, waiter) > self->waiting;
}

/* Serves @waiter at once, lets it dial, queues it or refuses it: its state says which. A waiter
 * whose connection proved dead asks again and keeps its place. */
void
tally_policy_ask (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  gboolean again = waiter->ticket != 0;
  gboolean first;
  TallyRefusal refusal;

  tally_policy_assert_whole (self);
  waiter->state = TALLY_WAITER_NEW;
  waiter->waited = 0;
  if (!again)
    arrive (self, now->mono, waiter);
  if (self->closed)
    {
      tally_policy_fail (self, now, waiter, TALLY_REFUSAL_CLOSED);
      return;
    }
  /* A check may take long, and one deadline is over all checks. */
  if (again && (waiter->cancelled || now->mono >= waiter->deadline))
    {
      tally_policy_fail (self, now, waiter,
                         waiter->cancelled ? TALLY_REFUSAL_CANCELLED : TALLY_REFUSAL_TIMED_OUT);
      tally_policy_pump (self,
                         now); /* what others were promised may have gone with its connection */
      return;
    }
  /* A waiter for a fresh connection cannot use those that are idle, and is not overtaken. */
  first = self->first == NULL || self->first->ticket > waiter->ticket;
  if ((first || waiter->fresh || self->waiting == self->waiting_fresh)
      && claim_at_once (self, now, waiter))
    {
      tally_policy_dial_in_background (self, now);
      return;
    }
  if (first && waiter->may_dial && self->quick && !is_promised_one (self, waiter)
      && tally_policy_may_dial (self, now))
    {
      waiter->permit = tally_policy_start_dial (self, now, TALLY_DIAL_FOR_BORROWER);
      if (waiter->permit != NULL)
        {
          waiter->permit->owned = TRUE;
          self->n_owned++;
          waiter->state = TALLY_WAITER_PERMIT;
          tally_policy_dial_for_waiters (self, now); /* a stream promised them may be gone */
          return;
        }
    }
  if (!again && !tally_policy_may_dial (self, now)
      && (refusal = admit (self, now, waiter, self->waiting, tally_policy_promised (self, waiter),
                           tally_policy_has_room (self)))
             != TALLY_REFUSAL_NONE)
    {
      tally_policy_fail (self, now, waiter, refusal);
      return;
    }
  tally_policy_enqueue_and_pump (self, now, waiter);
  waiter->held_back = waiter->state == TALLY_WAITER_QUEUED && tally_policy_wants_dial (self, now)
                      && (!again || self->options.wait_timeout == 0);
}

/* A request that fails before it asks. */
void
tally_policy_refuse (TallyPolicy *self,
                     const TallyInstant *now,
                     TallyWaiter *waiter,
                     TallyRefusal refusal)
{
  arrive (self, now->mono, waiter);
  tally_policy_fail (self, now, waiter, refusal);
}

/* The connection that tally_policy_try () or tally_policy_try_stream () had lent at @began proved dead.
 * @waiter goes on with that borrow, which was counted. @ticket: the one that it took; 0: none. */
void
tally_policy_ask_again (
    TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter, gint64 began, guint64 ticket)
{
  waiter->ticket = ticket;
  arrive (self, began, waiter);
  self->stats.requests--;
  tally_policy_ask (self, now, waiter);
}

/* The process was forked while @waiter's connection was dialed or examined, and this is the child.
 * What @waiter had is the parent's; it asks anew, in an empty policy. */
void
tally_policy_ask_in_child (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  waiter->permit = NULL;
  waiter->hold = NULL;
  waiter->ticket = 0;
  waiter->deadline = waiter->limit;
  tally_policy_ask (self, now, waiter);
}

/* ---- waiting ---- */

/* How many waiters are before @waiter, behind which few have come. */
static guint
count_ahead (const TallyPolicy *self, const TallyWaiter *waiter)
{
  guint ahead = self->waiting - 1;

  for (const TallyWaiter *other = waiter->next; other != NULL; other = other->next)
    ahead--;
  return ahead;
}

/* Only the limits over all endpoints held @waiter back, and its owner has done what can be done
 * about that. If it is still in the queue and may not wait, it is refused, and TRUE returned. */
gboolean
tally_policy_admit_held_back (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyRefusal refusal = TALLY_REFUSAL_NONE;

  if (waiter->held_back && waiter->state == TALLY_WAITER_QUEUED)
    refusal = admit (self, now, waiter, count_ahead (self, waiter),
                     tally_policy_promised (self, NULL), FALSE);
  waiter->held_back = FALSE;
  return refusal != TALLY_REFUSAL_NONE && tally_policy_leave (self, now, waiter, refusal);
}

/* @waiter leaves the queue, at its deadline or because it was cancelled. FALSE when it was served
 * or failed before: then that counts (rule 4). */
gboolean
tally_policy_leave (TallyPolicy *self,
                    const TallyInstant *now,
                    TallyWaiter *waiter,
                    TallyRefusal refusal)
{
  if (waiter->state != TALLY_WAITER_QUEUED)
    return FALSE;
  tally_policy_dequeue (self, waiter);
  tally_policy_count_wait (self, waiter, now->mono);
  waiter->state = TALLY_WAITER_NEW; /* it is awake and need not be woken */
  tally_policy_fail (self, now, waiter, refusal);
  if (G_UNLIKELY (waiter->fresh)) /* what was dialed for it may be too old for the next */
    tally_policy_dial_for_waiters (self, now);
  return TRUE;
}

static gboolean
is_among_first (const TallyWaiter *waiter, guint count)
{
  for (; waiter != NULL && count > 0; waiter = waiter->prev)
    count--;
  return waiter == NULL;
}

/* The deadline of @waiter has passed: it leaves, and TRUE is returned. But wait-timeout counts for
 * the queue only: while a dial is under way for @waiter it waits on, until the call's own
 * deadline. */
gboolean
tally_policy_time_out (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  guint dials;
  gint64 end;

  if (waiter->state != TALLY_WAITER_QUEUED)
    return FALSE;
  end = tally_policy_find_dials (self, waiter, &dials);
  end = MIN (waiter->limit, end);
  if (now->mono >= end || !is_among_first (waiter, dials))
    return tally_policy_leave (self, now, waiter, TALLY_REFUSAL_TIMED_OUT);
  waiter->deadline = end;
  return FALSE;
}
