/* Owns what time, changed options and closing do, and when time next does something. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

void
tally_policy_set_options (TallyPolicy *self,
                          const TallyInstant *now,
                          const TallyPoolOptions *options)
{
  tally_policy_assert_whole (self);
  self->options = *options;
  tally_policy_note_options (self);
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    tally_policy_update_available (self, conn);
  tally_policy_shed (self, now);
  tally_policy_pump (self, now);
}

/* Closes the idle connections without looking at them; the busy ones and those being dialed go when
 * they come back. */
void
tally_policy_drop_all (TallyPolicy *self, TallyCloseReason reason)
{
  tally_policy_assert_whole (self);
  while (self->idle.tail != NULL)
    tally_policy_retire (self, self->idle.tail, reason);
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if ((conn->state == TALLY_CONN_BUSY || conn->state == TALLY_CONN_DIALING) && !conn->doomed)
      tally_policy_doom (self, conn, reason);
}

void
tally_policy_close (TallyPolicy *self, const TallyInstant *now)
{
  self->closed = TRUE;
  tally_policy_drop_all (self, TALLY_CLOSE_POOL);
  while (self->first != NULL)
    tally_policy_fail (self, now, self->first, TALLY_REFUSAL_CLOSED);
}

/* ---- what time does ---- */

static void
expire_idle (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *previous;

  for (TallyConn *conn = self->idle.tail; conn != NULL; conn = previous)
    {
      previous = conn->prev;
      if (tally_policy_outlived (self, now, conn)
          && !tally_policy_keep_until_replaced (self, conn, self->n_idle))
        tally_policy_retire (self, conn, TALLY_CLOSE_LIFETIME);
    }
  tally_policy_shed (self, now);
}

void
tally_policy_tick (TallyPolicy *self, const TallyInstant *now)
{
  tally_policy_assert_whole (self);
  expire_idle (self, now);
  tally_policy_pump (self, now);
}

void
tally_policy_give_up (TallyPolicy *self, const TallyInstant *now)
{
  self->active = FALSE;
  self->warm = 0;
  tally_policy_shed (self, now);
}

/* A lease that is held for longer than `leak-threshold` and was not warned of yet (rule 21). */
TallyHold *
tally_policy_next_leak (TallyPolicy *self, const TallyInstant *now)
{
  if (self->options.leak_threshold == 0)
    return NULL;
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      TallyHold *hold = &conn->hold;

      if (conn->state != TALLY_CONN_BUSY)
        continue;
      for (; hold != NULL; hold = hold == &conn->hold ? conn->further : hold->next)
        if (hold->generation != 0 && !hold->leak_warned
            && now->mono - hold->since >= self->options.leak_threshold)
          {
            hold->leak_warned = TRUE;
            self->stats.leaks++;
            return hold;
          }
    }
  return NULL;
}

/* When @conn, in its present state, needs something done; G_MAXINT64: never. */
gint64
tally_policy_due_of (const TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  const TallyPoolOptions *options = &self->options;
  gint64 next = G_MAXINT64;

  if (conn->state == TALLY_CONN_IDLE)
    {
      if (options->idle_timeout > 0 && self->n_idle > tally_policy_kept_ready (self))
        next = now->mono + conn->idle_since + options->idle_timeout - now->boot;
      if (options->keepalive > 0)
        next = MIN (next, now->mono + MAX (conn->idle_since, conn->checked) + options->keepalive
                              - now->boot);
      if (options->max_lifetime > 0 && !conn->replaced)
        next = MIN (next, conn->dialed
                              + (gint64) ((gdouble) options->max_lifetime
                                          * (1 - options->lifetime_jitter * conn->jitter)));
    }
  else if (conn->state == TALLY_CONN_BUSY && options->leak_threshold > 0)
    for (const TallyHold *hold = &conn->hold; hold != NULL;
         hold = hold == &conn->hold ? conn->further : hold->next)
      if (hold->generation != 0 && !hold->leak_warned)
        next = MIN (next, hold->since + options->leak_threshold);
  return next;
}

/* The monotonic time at which tally_policy_tick () next has something to do; G_MAXINT64: never,
 * until something happens (rule 17). */
gint64
tally_policy_next_event (TallyPolicy *self, const TallyInstant *now)
{
  gint64 next = G_MAXINT64;

  tally_policy_assert_whole (self);
  if (self->closed)
    return next;
  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      gint64 due = tally_policy_due_of (self, now, conn);

      /* Everything due was just done: what is still overdue waits for something else. */
      next = MIN (next, due <= now->mono ? now->mono + G_TIME_SPAN_SECOND : due);
    }
  if (self->backoff.until > now->mono && self->waiting > 0)
    next = MIN (next, self->backoff.until);
  if (self->backoff.refill > now->mono && tally_policy_needs_refill (self))
    next = MIN (next, self->backoff.refill);
  return next;
}
