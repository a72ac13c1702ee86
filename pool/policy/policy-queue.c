/* Owns the queue of waiters: its order, and what each of them is told. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

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

/* Tells @waiter's thread that its state is no longer QUEUED, unless this is that thread. */
void
tally_policy_wake (TallyPolicy *self, TallyWaiter *waiter)
{
  if (!waiter->is_asking)
    self->wake (waiter);
}

/* @waiter had to wait until @until for a connection, or for a dial to begin. It did not if that was
 * before it came. */
void
tally_policy_count_wait (TallyPolicy *self, TallyWaiter *waiter, gint64 until)
{
  if (until <= waiter->arrived || waiter->waited > 0) /* that is counted already */
    return;
  waiter->waited = until - waiter->arrived;
  tally_histogram_add (&self->stats.wait_time, waiter->waited);
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
