/* Owns why a connection that could serve must close: its age, a limit, a waiter here or at another endpoint that
 * it would keep from a dial (rule 3). Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

gboolean
tally_policy_outlived (TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  gdouble share = 1 - self->options.lifetime_jitter * conn->jitter;

  return self->options.max_lifetime > 0
         && now->mono - conn->dialed >= (gint64) ((gdouble) self->options.max_lifetime * share);
}

/* Whether @conn, past its lifetime and one of @n_idle idle ones, stays until its replacement is
 * there (rule 15). */
gboolean
tally_policy_keep_until_replaced (TallyPolicy *self, const TallyConn *conn, guint n_idle)
{
  if (n_idle > tally_policy_kept_ready (self))
    return FALSE;
  return conn->replaced || (tally_policy_has_room (self) && tally_policy_has_room_in_total (self));
}

/* Whether more connections are open over all endpoints than may be, even without those that this
 * bucket closes. */
static gboolean
is_over_total (TallyPolicy *self)
{
  gint room = self->room != NULL ? self->room (self->totals) : 0;

  return room < 0 && room + (gint) self->n_closing < 0;
}

/* Whether @conn, of which a lease came back, must close because a waiter at another endpoint has
 * waited longer than the first of this queue, by more than the grace. Each connection that closes
 * so costs two dials. While there are other leases on @conn, it only takes no further ones; one
 * connection at a time does so. */
static gboolean
must_yield (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  gint64 own = self->first != NULL ? self->first->arrived : now->mono;
  gboolean closing = conn->streams == 0;

  if (self->yield == NULL || (!closing && self->drained != NULL)
      || !self->yield (self->totals, own - self->options.total_grace - 1, closing))
    return FALSE;
  conn->yields = closing;
  if (!closing)
    self->drained = conn;
  return TRUE;
}

static gboolean
needs_fresh_dial (TallyPolicy *self, const TallyInstant *now)
{
  return self->first != NULL && self->first->fresh && self->n_closing == 0
         && tally_policy_would_dial (self, now)
         && self->waiting_fresh > tally_policy_promised_fresh (self);
}

/* Whether an idle connection must close because the first in the queue wants a fresh one and there
 * is no room to dial it. Room in total is made by the connection that is idle for longest
 * anywhere. */
gboolean
tally_policy_must_make_room (TallyPolicy *self, const TallyInstant *now)
{
  return self->idle.tail != NULL && !tally_policy_has_room (self) && needs_fresh_dial (self, now);
}

/* Whether a connection that comes back must make room for the fresh one that the first in the queue wants. */
static gboolean
must_go_for_fresh (TallyPolicy *self, const TallyInstant *now)
{
  return needs_fresh_dial (self, now)
         && !(tally_policy_has_room (self) && tally_policy_has_room_in_total (self));
}

/* Why @conn, of which a lease or an examination has ended, must close; NONE: it may serve on. */
TallyCloseReason
tally_policy_must_close (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  if (conn->doomed)
    return conn->reason;
  if (self->options.max_open > 0
      && tally_policy_open (self) - self->n_closing > self->options.max_open)
    return TALLY_CLOSE_LIMIT;
  if (is_over_total (self))
    return TALLY_CLOSE_LIMIT;
  if (self->options.max_lifetime > 0 && tally_policy_outlived (self, now, conn)
      && !tally_policy_keep_until_replaced (self, conn, self->n_idle + 1))
    return TALLY_CLOSE_LIFETIME;
  if (G_UNLIKELY (self->options.max_open_total > 0) && must_yield (self, now, conn))
    return TALLY_CLOSE_EVICTED;
  return G_UNLIKELY (must_go_for_fresh (self, now)) ? TALLY_CLOSE_EVICTED : TALLY_CLOSE_NONE;
}
