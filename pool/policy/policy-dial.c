/* Owns when to dial: for waiters, and in the background. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

void
tally_policy_hand_to_thread (TallyPolicy *self, TallyConn *conn)
{
  conn->next = self->to_dial;
  self->to_dial = conn;
}

/* ---- for waiters ---- */

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
        tally_policy_hand_to_thread (self, conn);
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

/* ---- in the background ---- */

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
  tally_policy_hand_to_thread (self, conn);
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
  while (self->active && self->n_idle <= self->options.min_idle
         && (old = find_to_replace (self, now)) != NULL)
    {
      if (!start_in_background (self, now, TALLY_DIAL_TO_REPLACE))
        return;
      old->replaced = TRUE;
    }
}
