/* Owns what waiters may hope for: whether a dial may begin, and how many leases those under way will give.
 * It changes nothing. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* Before any dial. */
#define ALWAYS G_MININT64

/* ---- whether a dial may begin ---- */

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

/* Whether @waiter waits for another dial where one fails. */
gboolean
tally_policy_waits_for_ready (const TallyPolicy *self, const TallyWaiter *waiter)
{
  return self->options.wait_for_ready && !waiter->goes_on;
}

/* Whether @waiter would wait in vain: during backoff only connections that are out can come (rule
 * 9). Then it fails with the cause. */
gboolean
tally_policy_is_hopeless (TallyPolicy *self, const TallyInstant *now, const TallyWaiter *waiter)
{
  return self->backoff.until > now->mono && self->n_dialing == 0
         && !tally_policy_waits_for_ready (self, waiter) && (waiter->fresh || self->n_busy == 0);
}

/* Whether more connections should be dialed to be idle. None is if it could not stay once the busy
 * ones come back. */
gboolean
tally_policy_needs_refill (const TallyPolicy *self)
{
  guint idle = self->n_idle + self->n_background;

  return self->active && !self->closed && idle < MAX (self->options.min_idle, self->warm)
         && idle + self->n_busy < self->idle_limit;
}

/* ---- what is promised ---- */

/* (nullable): the first waiter in the queue that wants a fresh connection, or else @newcomer. */
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

/* Whether @conn's dial began at @since or later, and for waiters. A dial in the background is not
 * for them: it must never delay a borrower (rule 16). */
static gboolean
is_dialed_for_waiters (const TallyConn *conn, gint64 since)
{
  return conn->state == TALLY_CONN_DIALING && !conn->background && conn->dial_started >= since;
}

/* How many leases such dials will give to waiters. A borrower that dials takes one of them
 * itself. */
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

/* How many of the waiters that want a fresh connection, of which there is one, will get a lease
 * unless something fails. */
guint
tally_policy_promised_fresh (const TallyPolicy *self)
{
  return count_leases_to_come (self, first_fresh (self, NULL)->since);
}

/* How many of the waiters in the queue, and of @newcomer (nullable), which is not in it yet, will
 * get a lease unless something fails. A waiter that does not want a fresh connection may also have
 * one that was dialed earlier, or is being examined. */
guint
tally_policy_promised (const TallyPolicy *self, const TallyWaiter *newcomer)
{
  const TallyWaiter *fresh = first_fresh (self, newcomer);
  guint any_will_do = self->waiting - self->waiting_fresh + (newcomer != NULL && !newcomer->fresh);
  guint all = count_leases_to_come (self, ALWAYS);
  guint to_any = fresh != NULL ? count_leases_to_come (self, fresh->since) : all;
  guint examined = self->n_checking * (MAX (self->options.streams, 1) - 1);

  return to_any + MIN (all - to_any + examined + self->n_looked_at, any_will_do);
}

/* When the dials that may serve @waiter, which is in the queue, are over at the latest; 0 when there are
 * none. @leases: how many these give to waiters. */
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

/* ---- what is wanted ---- */

/* Whether a dial should be started for a waiter, and only the limits over all endpoints can forbid
 * it. */
gboolean
tally_policy_wants_dial (TallyPolicy *self, const TallyInstant *now)
{
  return self->waiting > 0 && tally_policy_may_dial (self, now)
         && self->waiting > tally_policy_promised (self, NULL);
}

/* How many connections to this endpoint could be dialed at once for waiters, if the limits
 * over all endpoints allowed it. */
guint
tally_policy_demand (TallyPolicy *self, const TallyInstant *now)
{
  guint unserved, may_start, demand;

  if (!tally_policy_wants_dial (self, now))
    return 0;
  unserved = self->waiting - tally_policy_promised (self, NULL);
  may_start = MAX (self->options.max_dials, 1) - self->n_dialing;
  demand = MIN (unserved, may_start);
  if (self->options.max_open > 0)
    {
      guint may_open = self->options.max_open - tally_policy_open (self);

      demand = MIN (demand, may_open);
    }
  return demand;
}

/* When the first waiter arrived that no dial is under way for; G_MAXINT64: there is none. */
gint64
tally_policy_find_arrival (const TallyPolicy *self)
{
  guint promised = self->waiting > 0 ? tally_policy_promised (self, NULL) : 0;
  const TallyWaiter *waiter = self->first;

  for (; waiter != NULL && promised > 0; waiter = waiter->next)
    promised--;
  return waiter != NULL ? waiter->arrived : G_MAXINT64;
}

/* Whether a waiter could dial if one more dial in the background ended. The limits over all
 * endpoints are left aside. */
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
