/* Owns when to dial and what becomes of a dial's result: permits, backoff, background dials. Part
 * of the policy: no thread, lock, socket or clock. */
#include "policy-private.h"

/* Before any dial. */
#define ALWAYS G_MININT64
/* Dials in the background pause for so long after a failure where backoff is turned off. */
#define REFILL_PAUSE G_TIME_SPAN_SECOND

gboolean
tally_policy_has_room (TallyPolicy *self)
{
  return self->options.max_open == 0 || tally_policy_open (self) < self->options.max_open;
}

gboolean
tally_policy_has_room_in_total (TallyPolicy *self)
{
  return self->room == NULL || self->room (self->totals) > 0;
}

/* After failures one dial at a time, and none before the backoff is over (rule 9). */
static gboolean
backoff_allows (TallyPolicy *self, const TallyInstant *now)
{
  return self->backoff.failures == 0 || self->options.backoff_base == 0
         || (now->mono >= self->backoff.until && self->n_dialing == 0);
}

/* Whether it may dial once there is room. */
gboolean
tally_policy_would_dial (TallyPolicy *self, const TallyInstant *now)
{
  return !self->closed && self->n_dialing < MAX (self->options.max_dials, 1)
         && backoff_allows (self, now);
}

gboolean
tally_policy_may_dial (TallyPolicy *self, const TallyInstant *now)
{
  return tally_policy_has_room (self) && tally_policy_would_dial (self, now);
}

/* Whether somebody waits for whom a dial should be started, and only the limits over all endpoints
 * can be against it. */
gboolean
tally_policy_wants_dial (TallyPolicy *self, const TallyInstant *now)
{
  return self->waiting > 0 && tally_policy_may_dial (self, now)
         && self->waiting > tally_policy_promised (self, NULL);
}

/* How many connections to this endpoint could be dialed at once for those who wait, if the limits
 * over all endpoints allowed it. */
guint
tally_policy_demand (TallyPolicy *self, const TallyInstant *now)
{
  guint demand;

  if (!tally_policy_wants_dial (self, now))
    return 0;
  demand = MIN (self->waiting - tally_policy_promised (self, NULL),
                MAX (self->options.max_dials, 1) - self->n_dialing);
  if (self->options.max_open > 0)
    demand = MIN (demand, self->options.max_open - tally_policy_open (self));
  return demand;
}

/* Takes a slot, in state DIALING; NULL when the limits over all endpoints forbid it. The caller has
 * asked tally_policy_may_dial (). */
TallyConn *
tally_policy_start_dial (TallyPolicy *self, const TallyInstant *now, TallyDialPurpose purpose)
{
  TallyConn *conn = self->free;

  if (self->reserve != NULL && !self->reserve (self->totals, purpose))
    return NULL;
  if (conn != NULL)
    self->free = conn->next;
  else
    {
      conn = g_aligned_alloc0 (1, sizeof (TallyConn), TALLY_CACHE_LINE);
      conn->older = self->conns;
      self->conns = conn;
    }
  *conn = (TallyConn){
    .hold = { .conn = conn },
    .state = TALLY_CONN_DIALING,
    .dial_started = now->mono,
    .background = purpose != TALLY_DIAL_FOR_BORROWER,
    .is_shared = self->options.streams > 1,
    .jitter = tally_policy_random (self),
    .older = conn->older,
  };
  self->n_dialing++;
  self->stats.dials_started++;
  return conn;
}

static void
free_slot (TallyPolicy *self, TallyConn *conn)
{
  conn->state = TALLY_CONN_FREE;
  conn->payload = NULL;
  conn->next = self->free;
  self->free = conn;
  if (self->unreserve != NULL)
    self->unreserve (self->totals, conn->yields);
}

static void
hand_to_thread (TallyPolicy *self, TallyConn *conn)
{
  conn->next = self->to_dial;
  self->to_dial = conn;
}

/* The first in the queue may dial itself; it leaves the queue for that. */
static void
give_permit (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  TallyWaiter *waiter = self->first;

  tally_policy_dequeue (self, waiter);
  conn->owned = TRUE;
  self->n_owned++;
  waiter->permit = conn;
  waiter->state = TALLY_WAITER_PERMIT;
  tally_policy_count_wait (self, waiter, now->mono);
  tally_policy_wake (self, waiter);
}

/* (nullable): who insists on a fresh connection, the first in the queue or else @newcomer. */
static const TallyWaiter *
first_fresh (const TallyPolicy *self, const TallyWaiter *newcomer)
{
  const TallyWaiter *waiter = self->first;

  if (self->waiting_fresh == 0)
    return newcomer != NULL && newcomer->fresh ? newcomer : NULL;
  while (!waiter->fresh)
    waiter = waiter->next;
  return waiter;
}

/* Whether it was begun at @since or later for those who wait. What is dialed in the background is not:
 * it must never delay a borrower (rule 16). */
static gboolean
is_dialed_for_waiters (const TallyConn *conn, gint64 since)
{
  return conn->state == TALLY_CONN_DIALING && !conn->background && conn->dial_started >= since;
}

/* How many leases such dials will give to who waits: one that is a borrower's own gives what it does
 * not take itself. */
static guint
count_leases_to_come (const TallyPolicy *self, gint64 since)
{
  guint count = 0;

  if (self->n_dialing == self->n_background)
    return 0;
  if (G_LIKELY (self->options.streams <= 1 && since == ALWAYS))
    return self->n_dialing - self->n_background - self->n_owned;
  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if (is_dialed_for_waiters (conn, since))
      count += (conn->is_shared && !conn->doomed ? self->options.streams : 1) - conn->owned;
  return count;
}

/* How many of those who insist on a fresh connection, and somebody does, are certain of a lease
 * unless something fails. */
guint
tally_policy_promised_fresh (const TallyPolicy *self)
{
  return count_leases_to_come (self, first_fresh (self, NULL)->since);
}

/* The same for all who wait and @newcomer, who (nullable) is not in the queue yet: who does not insist
 * may also have what was dialed earlier, or is being examined. */
guint
tally_policy_promised (const TallyPolicy *self, const TallyWaiter *newcomer)
{
  const TallyWaiter *fresh = first_fresh (self, newcomer);
  guint modest = self->waiting - self->waiting_fresh + (newcomer != NULL && !newcomer->fresh);
  guint all = count_leases_to_come (self, ALWAYS);
  guint to_any = fresh != NULL ? count_leases_to_come (self, fresh->since) : all;
  guint examined = self->n_checking * (MAX (self->options.streams, 1) - 1);

  return to_any + MIN (all - to_any + examined + self->n_looked_at, modest);
}

/* When the dials that may serve @waiter, who is in the queue, are over at the latest; 0 when there are
 * none. @leases: how many these give to those who wait. */
gint64
tally_policy_find_dials (const TallyPolicy *self, const TallyWaiter *waiter, guint *leases)
{
  gint64 since = waiter->fresh ? waiter->since : ALWAYS;
  gint64 end = 0;

  *leases = count_leases_to_come (self, since);
  if (*leases == 0)
    return 0;
  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if (is_dialed_for_waiters (conn, since))
      end = MAX (end, conn->dial_started + self->options.connect_timeout);
  return end;
}

/* Whether somebody waits that could dial if one more dial in the background ended. The limits over all
 * endpoints are not looked at. */
gboolean
tally_policy_would_give_up (const TallyPolicy *self, const TallyInstant *now)
{
  guint ending = self->n_given_up + 1;
  const TallyBackoff *backoff = &self->backoff;

  return !self->closed && self->n_background >= ending
         && self->waiting >= tally_policy_promised (self, NULL) + ending
         && self->n_dialing - ending < MAX (self->options.max_dials, 1)
         && (backoff->failures == 0 || self->options.backoff_base == 0
             || (now->mono >= backoff->until && self->n_dialing == ending))
         && (self->options.max_open == 0
             || tally_policy_open (self) - ending < self->options.max_open);
}

/* The dial in the background that began last shall end. */
void
tally_policy_give_up_dial (TallyPolicy *self)
{
  TallyConn *last = NULL;

  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if (conn->state == TALLY_CONN_DIALING && conn->background && !conn->given_up
        && (last == NULL || conn->dial_started > last->dial_started))
      last = conn;
  if (last == NULL)
    return;
  last->given_up = self->gives_up = TRUE;
  self->n_given_up++;
}

static void
start_for_waiters (TallyPolicy *self, const TallyInstant *now)
{
  while (tally_policy_wants_dial (self, now))
    {
      gboolean is_for_first = tally_policy_promised (self, NULL) == 0;
      TallyConn *conn = tally_policy_start_dial (self, now, TALLY_DIAL_FOR_BORROWER);

      if (conn == NULL)
        return;
      if (self->quick && self->first->may_dial && is_for_first)
        give_permit (self, now, conn);
      else
        hand_to_thread (self, conn);
    }
}

/* Starts dials until each waiter has one to hope for, or no more may be started. What is dialed in the
 * background gives way to them (rule 16). */
void
tally_policy_dial_for_waiters (TallyPolicy *self, const TallyInstant *now)
{
  start_for_waiters (self, now);
  while (G_UNLIKELY (self->n_background > self->n_given_up)
         && tally_policy_would_give_up (self, now))
    tally_policy_give_up_dial (self);
}

static gboolean
start_in_background (TallyPolicy *self, const TallyInstant *now, TallyDialPurpose purpose)
{
  /* One permit stays free for borrowers where there is more than one. */
  guint allowed = MAX (self->options.max_dials, 2) - 1;
  TallyConn *conn;

  if (self->n_background >= allowed || now->mono < self->backoff.refill
      || !tally_policy_may_dial (self, now))
    return FALSE;
  conn = tally_policy_start_dial (self, now, purpose);
  if (conn == NULL)
    {
      self->warm = 0; /* so many the limits over all endpoints allow, and no more */
      return FALSE;
    }
  self->n_background++;
  hand_to_thread (self, conn);
  return TRUE;
}

/* An idle connection that has outlived its time and must be replaced before it goes (rule 15). */
static TallyConn *
find_to_replace (TallyPolicy *self, const TallyInstant *now)
{
  if (self->options.max_lifetime == 0)
    return NULL;
  for (TallyConn *conn = self->idle.tail; conn != NULL; conn = conn->prev)
    if (!conn->replaced && tally_policy_outlived (self, now, conn))
      return conn;
  return NULL;
}

/* Whether more connections should be on their way to be idle. None that could not stay when those
 * that are busy come back. */
gboolean
tally_policy_needs_refill (const TallyPolicy *self)
{
  guint idle = self->n_idle + self->n_background;

  return self->active && !self->closed && idle < MAX (self->options.min_idle, self->warm)
         && idle + self->n_busy < self->idle_limit;
}

/* Keeps `min-idle` connections ready (rule 16) and replaces those past their lifetime (rule 15). */
void
tally_policy_dial_in_background (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *old;

  if (self->options.min_idle == 0 && self->warm == 0)
    return;
  if (self->n_idle >= MIN (self->warm, MIN (self->idle_limit, self->open_limit)))
    self->warm = 0;
  while (tally_policy_needs_refill (self))
    if (!start_in_background (self, now, TALLY_DIAL_TO_BE_IDLE))
      return;
  while (self->n_idle <= self->options.min_idle && (old = find_to_replace (self, now)) != NULL)
    {
      if (!start_in_background (self, now, TALLY_DIAL_TO_REPLACE))
        return;
      old->replaced = TRUE;
    }
}

/* Dials in the background until @count connections are idle at once, or a dial fails. */
void
tally_policy_warm (TallyPolicy *self, const TallyInstant *now, guint count)
{
  self->active = TRUE;
  self->warm = count;
  tally_policy_pump (self, now);
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

static void
end_dial (TallyPolicy *self, TallyConn *conn)
{
  self->n_dialing--;
  self->n_owned -= conn->owned;
  self->n_background -= conn->background;
  self->n_given_up -= conn->given_up;
}

/* @conn will not serve: whoever hoped for it needs another dial, unless it is a borrower's own, who
 * has nothing else to wait for. */
void
tally_policy_disown_dial (TallyPolicy *self, TallyConn *conn)
{
  if (conn->owned || conn->background)
    return;
  conn->background = TRUE;
  self->n_background++;
}

/* The caller who has @conn as its permit cannot wait for the dial any longer than this, or rather
 * waits for whatever comes first: a thread dials on, @waiter joins the queue at its place. */
void
tally_policy_permit_to_thread (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter)
{
  TallyConn *conn = waiter->permit;

  conn->owned = FALSE;
  self->n_owned--;
  waiter->permit = NULL;
  if (conn->doomed)
    tally_policy_disown_dial (self, conn);
  hand_to_thread (self, conn);
  tally_policy_enqueue_and_pump (self, now, waiter);
}

/* @conn was dialed, by @owner or (NULL) by a thread: then it serves whoever is first (rules 5, 6).
 */
void
tally_policy_dial_done (TallyPolicy *self,
                        const TallyInstant *now,
                        TallyConn *conn,
                        gpointer payload,
                        TallyWaiter *owner)
{
  gboolean background = conn->background && !conn->doomed;

  end_dial (self, conn);
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
  if (conn->failed_here) /* which says nothing of the endpoint (rule 31) */
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

/* The dial of @conn failed. One caller learns of it: @owner, or the first in the queue; the slot
 * goes to the next (rule 7). With `wait-for-ready` they wait for the next dial instead, unless there is no
 * pause before that. */
void
tally_policy_dial_failed (TallyPolicy *self,
                          const TallyInstant *now,
                          TallyConn *conn,
                          const GError *error,
                          TallyWaiter *owner)
{
  gboolean background = conn->background && !conn->doomed;
  TallyWaiter *waiter = owner != NULL ? owner : conn->background ? NULL : self->first;

  end_dial (self, conn);
  self->stats.dials_failed++;
  if (error != self->last_error)
    {
      g_clear_error (&self->last_error);
      self->last_error = g_error_copy (error);
    }
  back_off (self, now, conn);
  free_slot (self, conn);
  if (waiter != NULL && self->options.wait_for_ready && self->backoff.until > now->mono
      && !self->closed)
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

/* The caller has closed @conn: its slot is free, and somebody may want it. */
void
tally_policy_closed (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  self->n_closing--;
  self->stats.closes[conn->reason]++;
  free_slot (self, conn);
  tally_policy_pump (self, now);
}
