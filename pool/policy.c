/* Owns the order of service: who gets a connection, who waits, who is refused. See the header for
 * what it must not know. */
#include "policy-private.h"

const TallyPoolOptions tally_pool_options_default = {
  .max_open = 64,
  .total_grace = 50 * G_TIME_SPAN_MILLISECOND,
  .max_idle = -1,
  .idle_timeout = 30 * G_TIME_SPAN_SECOND,
  .lifetime_jitter = 0.1,
  .wait_timeout = -1,
  .drain_timeout = 5 * G_TIME_SPAN_SECOND,
  .connect_timeout = 3 * G_TIME_SPAN_SECOND,
  .max_dials = 4,
  .backoff_base = 100 * G_TIME_SPAN_MILLISECOND,
  .backoff_max = 10 * G_TIME_SPAN_SECOND,
  .check_after = G_TIME_SPAN_SECOND,
  .streams = 1,
  .tcp_keepalive = 30 * G_TIME_SPAN_SECOND,
  .tcp_user_timeout = 30 * G_TIME_SPAN_SECOND,
};

/* How long a borrow waits when neither it nor the pool says. */
#define DEFAULT_WAIT (5 * G_TIME_SPAN_SECOND)

void
tally_policy_init (TallyPolicy *self, const TallyPoolOptions *options, guint64 seed)
{
  *self = (TallyPolicy){
    .options = *options,
    .quick = TRUE,
    .random = seed != 0 ? seed : 1,
  };
  tally_policy_note_options (self);
}

void
tally_policy_clear_memory (TallyPolicy *self)
{
  TallyConn *conn;
  TallyFurtherHold *hold;

  while ((conn = self->conns) != NULL)
    {
      self->conns = conn->older;
      g_aligned_free (conn);
    }
  while ((hold = self->holds) != NULL)
    {
      self->holds = hold->older;
      g_free (hold);
    }
  g_clear_error (&self->last_error);
}

/* xorshift64*: jitter needs no better. From 0 to below 1. */
gdouble
tally_policy_random (TallyPolicy *self)
{
  self->random ^= self->random >> 12;
  self->random ^= self->random << 25;
  self->random ^= self->random >> 27;
  return (gdouble) ((self->random * G_GUINT64_CONSTANT (2685821657736338717)) >> 11)
         / (gdouble) (1ULL << 53);
}

/* ---- the queue ---- */

/* By ticket: a waiter that was in the queue before gets its old place back (rule 3). */
void
tally_policy_enqueue (TallyPolicy *self, TallyWaiter *waiter)
{
  TallyWaiter *before = self->last;

  while (before != NULL && before->ticket > waiter->ticket)
    before = before->prev;
  waiter->prev = before;
  waiter->next = before != NULL ? before->next : self->first;
  if (waiter->next != NULL)
    waiter->next->prev = waiter;
  else
    self->last = waiter;
  if (before != NULL)
    before->next = waiter;
  else
    self->first = waiter;
  waiter->state = TALLY_WAITER_QUEUED;
  self->waiting++;
  self->waiting_fresh += waiter->fresh;
}

void
tally_policy_dequeue (TallyPolicy *self, TallyWaiter *waiter)
{
  for (TallyQueueCursor *cursor = self->cursors; cursor != NULL; cursor = cursor->other)
    if (cursor->next == waiter)
      cursor->next = waiter->next;
  if (waiter->prev != NULL)
    waiter->prev->next = waiter->next;
  else
    self->first = waiter->next;
  if (waiter->next != NULL)
    waiter->next->prev = waiter->prev;
  else
    self->last = waiter->prev;
  self->waiting--;
  self->waiting_fresh -= waiter->fresh;
}

/* ---- waiting ---- */

/* For who insists on a connection that was dialed after something had happened: (nullable). */
static TallyConn *
take_dialed_since (TallyPolicy *self, gint64 since)
{
  TallyConn *conn;

  for (conn = self->available.head; conn != NULL; conn = conn->next)
    if (conn->dial_started >= since)
      return conn;
  for (conn = self->idle.head; conn != NULL; conn = conn->next)
    if (conn->dial_started >= since)
      {
        tally_conn_list_remove (&self->idle, conn);
        self->n_idle--;
        return conn;
      }
  return NULL;
}

static gboolean
claim_dialed_since (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyConn *conn = take_dialed_since (self, waiter->since);

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
    return claim_dialed_since (self, now, waiter);
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

void
tally_policy_fail (TallyPolicy *self,
                   const TallyInstant *now,
                   TallyWaiter *waiter,
                   TallyRefusal refusal)
{
  guint64 *counters[] = {
    [TALLY_REFUSAL_NONE] = NULL,
    [TALLY_REFUSAL_TIMED_OUT] = &self->stats.timeouts,
    [TALLY_REFUSAL_CANCELLED] = &self->stats.cancelled,
    [TALLY_REFUSAL_FULL] = &self->stats.full,
    [TALLY_REFUSAL_ESTIMATE] = &self->stats.full,
    [TALLY_REFUSAL_BACKOFF] = &self->stats.backoff,
    [TALLY_REFUSAL_CLOSED] = &self->stats.closed,
    [TALLY_REFUSAL_DIAL] = &self->stats.dial_errors,
  };
  gboolean queued = waiter->state == TALLY_WAITER_QUEUED;

  if (queued)
    {
      tally_policy_dequeue (self, waiter);
      tally_policy_count_wait (self, waiter, now->mono);
    }
  ++*counters[refusal];
  self->stats.estimates += refusal == TALLY_REFUSAL_ESTIMATE;
  waiter->refusal = refusal;
  waiter->state = TALLY_WAITER_FAILED;
  if (queued)
    tally_policy_wake (self, waiter);
}

/* While dialing is not tried, only a connection that is out already can come; a caller who has
 * nothing to hope for is told the cause instead of waiting for it (rule 9). */
static gboolean
is_hopeless (TallyPolicy *self, const TallyInstant *now, const TallyWaiter *waiter)
{
  return self->backoff.until > now->mono && self->n_dialing == 0 && !self->options.wait_for_ready
         && (waiter->fresh || self->n_busy == 0);
}

/* How many besides what is being dialed for those who wait will be there in a moment: what is dialed
 * in the background or examined there, the places of what is being closed and, for who insists on a
 * fresh connection, of what is idle. */
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

/* Whether @waiter, behind @ahead others and with so many leases @promised to who waits, may wait. No
 * dial can be started for it now; @may_grow: but perhaps soon. */
static TallyRefusal
admit (TallyPolicy *self,
       const TallyInstant *now,
       TallyWaiter *waiter,
       guint ahead,
       guint promised,
       gboolean may_grow)
{
  promised += count_soon_free (self, now, waiter);
  if (is_hopeless (self, now, waiter))
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

/* When a borrow that began at @began gives up, with @limit, the call's deadline or G_MAXINT64: whatever is
 * first. */
gint64
tally_policy_find_deadline (const TallyPolicy *self, gint64 began, gint64 limit)
{
  gint64 wait = self->options.wait_timeout;

  if (wait <= 0 && limit == G_MAXINT64)
    wait = wait < 0 ? DEFAULT_WAIT : MAX (DEFAULT_WAIT, self->options.connect_timeout);
  return wait > 0 ? MIN (limit, began + wait) : limit;
}

static void
arrive (TallyPolicy *self, gint64 began, TallyWaiter *waiter)
{

  self->active = TRUE;
  waiter->ticket = ++self->last_ticket;
  waiter->arrived = began;
  if (waiter->fresh && waiter->since == 0)
    waiter->since = began;
  self->stats.requests++;
  waiter->limit = waiter->deadline;
  waiter->deadline = tally_policy_find_deadline (self, began, waiter->limit);
}

/* Tells @waiter's thread that its state is no longer QUEUED, unless that thread is where we are. */
void
tally_policy_wake (TallyPolicy *self, TallyWaiter *waiter)
{
  if (!waiter->is_asking)
    self->wake (waiter);
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

/* Whether a connection is about to be there for @waiter too: a shared one, so that one serves all that
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

  waiter->state = TALLY_WAITER_NEW;
  waiter->waited = 0;
  if (!again)
    arrive (self, now->mono, waiter);
  if (self->closed)
    {
      tally_policy_fail (self, now, waiter, TALLY_REFUSAL_CLOSED);
      return;
    }
  /* A check may take its time, and there is one deadline over all of them. */
  if (again && (waiter->cancelled || now->mono >= waiter->deadline))
    {
      tally_policy_fail (self, now, waiter,
                         waiter->cancelled ? TALLY_REFUSAL_CANCELLED : TALLY_REFUSAL_TIMED_OUT);
      tally_policy_pump (self,
                         now); /* what others were promised may have gone with its connection */
      return;
    }
  /* Who waits for a fresh connection has no use for those that are there and is not overtaken. */
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

/* Of a newcomer, behind whom few have come since. */
static guint
count_ahead (const TallyPolicy *self, const TallyWaiter *waiter)
{
  guint ahead = self->waiting - 1;

  for (const TallyWaiter *other = waiter->next; other != NULL; other = other->next)
    ahead--;
  return ahead;
}

static gboolean
is_among_first (const TallyWaiter *waiter, guint count)
{
  for (; waiter != NULL && count > 0; waiter = waiter->prev)
    count--;
  return waiter == NULL;
}

/* Only the limits over all endpoints held @waiter back, and its owner has done what there is to do
 * about that: if it is still in the queue, it must be one who may wait. TRUE when it is not and is
 * refused. */
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

/* The process was forked while @waiter's connection was dialed or examined, and this is the child:
 * what @waiter had is the parent's, and it is a newcomer in an empty policy. */
void
tally_policy_ask_in_child (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  waiter->permit = NULL;
  waiter->hold = NULL;
  waiter->ticket = 0;
  waiter->deadline = waiter->limit;
  tally_policy_ask (self, now, waiter);
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

/* For a borrow that tally_policy_try () had served at @began and whose connection proved dead: @waiter
 * stands for that request, which was counted. */
void
tally_policy_ask_again (TallyPolicy *self,
                        const TallyInstant *now,
                        TallyWaiter *waiter,
                        gint64 began)
{
  arrive (self, began, waiter);
  self->stats.requests--;
  tally_policy_ask (self, now, waiter);
}

/* A caller in the queue goes, at its deadline or because it was cancelled. FALSE when it was served
 * or failed in the meantime: then that counts (rule 4). */
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
  waiter->state = TALLY_WAITER_NEW; /* it is awake: nobody need be told */
  tally_policy_fail (self, now, waiter, refusal);
  if (G_UNLIKELY (waiter->fresh)) /* what was dialed for it may be too old for the next */
    tally_policy_dial_for_waiters (self, now);
  return TRUE;
}

/* The deadline of @waiter has passed: it leaves, and TRUE is returned. But wait-timeout is for the
 * queue: while a dial is under way for @waiter it waits for that, until the call's own deadline. */
gboolean
tally_policy_time_out (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  guint dials;
  gint64 end;

  if (waiter->state != TALLY_WAITER_QUEUED)
    return FALSE;
  end = MIN (waiter->limit, tally_policy_find_dials (self, waiter, &dials));
  if (now->mono >= end || !is_among_first (waiter, dials))
    return tally_policy_leave (self, now, waiter, TALLY_REFUSAL_TIMED_OUT);
  waiter->deadline = end;
  return FALSE;
}

/* @waiter had to wait until then for a connection, or for a dial to begin; not if that began before it
 * came. */
void
tally_policy_count_wait (TallyPolicy *self, TallyWaiter *waiter, gint64 until)
{
  if (until <= waiter->arrived || waiter->waited > 0) /* that is counted already */
    return;
  waiter->waited = until - waiter->arrived;
  tally_histogram_add (&self->stats.wait_time, waiter->waited);
}

/* The first in the queue who can use a connection that is there already. */
static TallyWaiter *
first_to_serve (TallyPolicy *self, const TallyConn *conn)
{
  TallyWaiter *waiter = self->first;

  if (G_UNLIKELY (self->waiting_fresh > 0))
    while (waiter != NULL && waiter->fresh && conn->dial_started < waiter->since)
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

/* @conn has just been dialed (DIALING, no longer counted as that) or has room for another stream
 * (BUSY) or for its first (IDLE, not counted): lends it to who waits, else keeps it. */
void
tally_policy_offer (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  TallyWaiter *waiter;

  do
    {
      waiter = first_to_serve (self, conn);
      if (waiter == NULL)
        break;
      serve (self, now, waiter, conn);
      if (G_UNLIKELY (waiter->fresh)) /* what was dialed for it may be too old for the next */
        tally_policy_dial_for_waiters (self, now);
    }
  while (conn->listed);
  if (conn->state != TALLY_CONN_BUSY)
    {
      conn->state = TALLY_CONN_IDLE;
      conn->idle_since = now->boot;
      tally_conn_list_push (&self->idle, conn);
      self->n_idle++;
      tally_policy_shed (self, now);
    }
}

/* ---- what has become possible ---- */

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

/* Those who insist on a connection dialed since something happened, which may have been before they
 * joined the queue. */
static void
serve_who_insist (TallyPolicy *self, const TallyInstant *now)
{
  TallyWaiter *next;

  for (TallyWaiter *waiter = self->first; waiter != NULL; waiter = next)
    {
      TallyConn *conn = waiter->fresh ? take_dialed_since (self, waiter->since) : NULL;

      next = waiter->next;
      if (conn != NULL)
        serve (self, now, waiter, conn);
    }
}

static void
refuse_the_hopeless (TallyPolicy *self, const TallyInstant *now)
{
  TallyWaiter *next;

  for (TallyWaiter *waiter = self->first; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      if (is_hopeless (self, now, waiter))
        tally_policy_fail (self, now, waiter, TALLY_REFUSAL_BACKOFF);
    }
}

/* Does what has become possible since: called after anything that is not a plain borrow or release.
 */
void
tally_policy_pump (TallyPolicy *self, const TallyInstant *now)
{
  if (self->closed)
    return;
  if (self->waiting > 0)
    {
      serve_from_what_is_there (self, now);
      if (G_UNLIKELY (self->waiting_fresh > 0))
        serve_who_insist (self, now);
      if (tally_policy_must_make_room (self, now))
        tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_EVICTED);
      tally_policy_dial_for_waiters (self, now);
      if (G_UNLIKELY (self->backoff.until > now->mono))
        refuse_the_hopeless (self, now);
    }
  tally_policy_dial_in_background (self, now);
}
