/* The policy's common case, in one inlined step each: no waiter is in the queue, a connection is
 * idle, and nothing says that it must close. Part of the policy, for the callers on a call's path;
 * anything else is in policy-ask.c and policy-lease.c. */
#ifndef TALLY_POLICY_QUICK_PRIVATE_H
#define TALLY_POLICY_QUICK_PRIVATE_H

#include "policy-internal.h"

G_BEGIN_DECLS

/* (nullable): the idle connection that is lent next. */
static inline TallyConn *
tally_policy_find_next (const TallyPolicy *self)
{
  return self->options.order == TALLY_POOL_ORDER_LIFO ? self->idle.head : self->idle.tail;
}

/* tally_policy_ask () where @conn (nullable) is idle, need not be replaced by another, and no waiter is
 * in the queue. Else returns NULL and changes nothing. */
static inline TallyHold *
tally_policy_try (TallyPolicy *self,
                  const TallyInstant *now,
                  TallyConn *conn,
                  const gchar *label,
                  guint32 thread,
                  gint64 *idle_age)
{
  TallyHold *hold;

  if (G_UNLIKELY (conn == NULL || self->waiting > 0 || conn->is_shared
                  || self->n_idle <= self->options.min_idle))
    return NULL;
  *idle_age = now->boot - conn->idle_since;
  if (G_UNLIKELY (*idle_age >= self->idle_age_limit))
    return NULL;
  tally_conn_list_remove (&self->idle, conn);
  self->n_idle--;
  self->n_busy++;
  self->stats.requests++;
  self->stats.hits++;
  self->stats.leases++;
  conn->state = TALLY_CONN_BUSY;
  conn->streams = 1;
  hold = &conn->hold;
  hold->generation = ++self->last_generation;
  hold->label = label;
  hold->since = now->mono;
  hold->thread = thread;
  hold->leak_warned = FALSE;
  return hold;
}

/* tally_policy_checked () for the first borrower of a shared connection, where no waiter is in the queue and none
 * is dialed in advance. If that is not all, returns FALSE and changes nothing. */
static inline gboolean
tally_policy_share (TallyPolicy *self, const TallyInstant *now, const TallyHold *hold)
{
  TallyConn *conn = hold->conn;

  if (G_UNLIKELY (self->waiting > 0 || self->options.min_idle > 0 || self->warm > 0 || conn->doomed
                  || !conn->checking || conn->streams >= self->options.streams))
    return FALSE;
  conn->checked = now->boot;
  conn->checking = FALSE;
  self->n_checking--;
  conn->listed = TRUE;
  tally_conn_list_push (&self->available, conn);
  return TRUE;
}

static inline gboolean
tally_policy_owns (const TallyPolicy *self, const TallyHold *hold, guint64 generation)
{
  return hold != NULL && generation > self->first_generation && hold->generation == generation;
}

/* A lease has ended that was out for @held microseconds. */
static inline void
tally_policy_count_hold (TallyPolicy *self, gint64 held)
{
  guint bin = tally_histogram_count (&self->stats.hold_time, (guint64) MAX (held, 0));

  self->recent_holds[self->stats.hold_time.count % TALLY_RECENT_HOLDS] = (guint8) bin;
}

static inline void
tally_policy_end_hold (TallyPolicy *self, const TallyInstant *now, const TallyHold *hold)
{
  tally_policy_count_hold (self, now->mono - hold->since);
}

/* Whether an idle connection would have to go if one more were idle. */
static inline gboolean
tally_policy_must_shed (const TallyPolicy *self, const TallyInstant *now)
{
  return self->n_idle >= self->idle_limit
         || (self->n_idle >= tally_policy_kept_ready (self) && self->idle.tail != NULL
             && now->boot - self->idle.tail->idle_since >= self->idle_age_limit);
}

/* @conn, which is busy, carries no lease any more. */
static inline void
tally_policy_make_idle (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  self->n_busy--;
  self->n_idle++;
  conn->state = TALLY_CONN_IDLE;
  conn->idle_since = now->boot;
  tally_conn_list_push (&self->idle, conn);
}

/* Whether @conn, one of whose leases ends clean, serves on with nothing else to be done; @is_last: it carries no other one. */
static inline gboolean
tally_policy_serves_on (const TallyPolicy *self,
                        const TallyInstant *now,
                        const TallyConn *conn,
                        gboolean is_last)
{
  return G_LIKELY (
      self->is_plain && self->waiting == 0 && !conn->doomed
      && !(is_last && self->n_idle >= self->put_limit && tally_policy_must_shed (self, now))
      && self->n_idle + self->n_busy + self->n_dialing + self->n_own <= self->open_limit);
}

/* tally_policy_release () for a connection that may serve again. If it may not, or a waiter wants
 * it, returns FALSE and changes nothing. */
static inline gboolean
tally_policy_put (TallyPolicy *self, const TallyInstant *now, TallyHold *hold)
{
  TallyConn *conn = hold->conn;

  if (G_UNLIKELY (conn->is_shared))
    return tally_policy_put_stream (self, now, hold);
  if (!tally_policy_serves_on (self, now, conn, TRUE))
    return FALSE;
  tally_policy_end_hold (self, now, hold);
  hold->generation = 0;
  self->stats.leases--;
  conn->streams = 0;
  tally_policy_make_idle (self, now, conn);
  return TRUE;
}

G_END_DECLS

#endif /* TALLY_POLICY_QUICK_PRIVATE_H */
