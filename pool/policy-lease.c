/* Owns the connections that are there and the leases on them: lending, taking back, what a borrower
 * finds. Part of the policy: no thread, lock, socket or clock. */
#include "policy-quick-private.h"

/* ---- lists ---- */

/* Behind @newer, or first when that is NULL. */
void
tally_conn_list_insert (TallyConnList *list, TallyConn *newer, TallyConn *conn)
{
  if (newer == NULL)
    {
      tally_conn_list_push (list, conn);
      return;
    }
  conn->prev = newer;
  conn->next = newer->next;
  if (newer->next != NULL)
    newer->next->prev = conn;
  else
    list->tail = conn;
  newer->next = conn;
}

/* ---- leases ---- */

static gboolean
has_room_for_stream (TallyPolicy *self, const TallyConn *conn)
{
  return conn->is_shared && conn->streams < self->options.streams && !conn->doomed
         && !conn->checking;
}

/* Keeps `available` true to its name after anything that may change it. */
void
tally_policy_update_available (TallyPolicy *self, TallyConn *conn)
{
  gboolean available =
      conn->state == TALLY_CONN_BUSY && conn->streams > 0 && has_room_for_stream (self, conn);

  if (available == conn->listed)
    return;
  conn->listed = available;
  if (available)
    tally_conn_list_push (&self->available, conn);
  else
    tally_conn_list_remove (&self->available, conn);
}

void
tally_policy_set_checking (TallyPolicy *self, TallyConn *conn, gboolean checking)
{
  if (!conn->doomed)
    self->n_checking += checking - conn->checking;
  conn->checking = checking;
}

static TallyHold *
take_further_hold (TallyPolicy *self, TallyConn *conn)
{
  TallyHold *hold = self->free_holds;

  if (hold != NULL)
    self->free_holds = hold->next;
  else
    {
      TallyFurtherHold *made = g_new0 (TallyFurtherHold, 1);

      made->older = self->holds;
      self->holds = made;
      hold = &made->hold;
    }
  hold->conn = conn;
  hold->prev = NULL;
  hold->next = conn->further;
  if (conn->further != NULL)
    conn->further->prev = hold;
  conn->further = hold;
  return hold;
}

static void
drop_hold (TallyPolicy *self, TallyConn *conn, TallyHold *hold)
{
  hold->generation = 0;
  if (hold == &conn->hold)
    return;
  if (hold->prev != NULL)
    hold->prev->next = hold->next;
  else
    conn->further = hold->next;
  if (hold->next != NULL)
    hold->next->prev = hold->prev;
  hold->next = self->free_holds;
  self->free_holds = hold;
}

/* Lends @conn, which is idle (and in no list any more), just dialed, or available, to @waiter. */
void
tally_policy_claim (TallyPolicy *self,
                    const TallyInstant *now,
                    TallyConn *conn,
                    TallyWaiter *waiter)
{
  TallyHold *hold = conn->hold.generation == 0 ? &conn->hold : take_further_hold (self, conn);

  if (conn->state != TALLY_CONN_BUSY)
    self->n_busy++;
  conn->state = TALLY_CONN_BUSY;
  conn->streams++;
  self->stats.leases++;
  hold->generation = ++self->last_generation;
  hold->label = waiter->label;
  hold->thread = waiter->thread;
  hold->since = now->mono;
  hold->leak_warned = FALSE;
  waiter->hold = hold;
  waiter->generation = hold->generation;
  waiter->state = TALLY_WAITER_SERVED;
  if (G_UNLIKELY (conn->is_shared))
    {
      /* Nobody else may join before the first has proven it alive. */
      if (waiter->reused && conn->streams == 1 && self->options.check != TALLY_POOL_CHECK_NEVER)
        tally_policy_set_checking (self, conn, TRUE);
      tally_policy_update_available (self, conn);
    }
}

/* The idle connection to hand out next (nullable); what is too old is retired before. */
TallyConn *
tally_policy_take_idle (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn;

  while (G_UNLIKELY (tally_policy_is_unused (self, now)))
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_IDLE);
  conn = self->options.order == TALLY_POOL_ORDER_LIFO ? self->idle.head : self->idle.tail;
  if (conn == NULL)
    return NULL;
  tally_conn_list_remove (&self->idle, conn);
  self->n_idle--;
  return conn;
}

/* ---- what the borrower found ---- */

/* The borrower has found its connection alive. */
void
tally_policy_checked (TallyPolicy *self, const TallyInstant *now, TallyHold *hold)
{
  TallyConn *conn = hold->conn;

  conn->checked = now->boot;
  if (!conn->checking)
    return;
  tally_policy_set_checking (self, conn, FALSE);
  tally_policy_update_available (self, conn);
  if (conn->listed)
    tally_policy_pump (self, now);
}

/* @conn takes no further lease and closes after the last, or when it is dialed. */
void
tally_policy_doom (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason)
{
  if (!conn->doomed)
    self->n_checking -= conn->checking;
  conn->doomed = TRUE;
  conn->reason = reason;
  tally_policy_update_available (self, conn);
  if (conn->state == TALLY_CONN_DIALING)
    tally_policy_disown_dial (self, conn);
  else if (conn->streams == 0)
    tally_policy_retire (self, conn, reason);
}

static void
give_up_stream (TallyPolicy *self, TallyConn *conn, TallyHold *hold)
{
  drop_hold (self, conn, hold);
  tally_policy_set_checking (self, conn, FALSE);
  conn->streams--;
  self->stats.leases--;
  tally_policy_update_available (self, conn);
}

/* The borrower has found its connection dead, or with bytes unread, before it used it. What has ended one
 * may have ended others: the idle ones are looked at (rule 14). */
void
tally_policy_check_failed (TallyPolicy *self,
                           const TallyInstant *now,
                           TallyHold *hold,
                           TallyCloseReason reason)
{
  TallyConn *conn = hold->conn;

  give_up_stream (self, conn, hold);
  self->stats.stale++;
  tally_policy_doom (self, conn, reason);
  if (reason == TALLY_CLOSE_DEAD)
    tally_policy_look_at_idle (self, now);
}

/* More are open over all endpoints than may be, even when those are closed that this one closes. */
static gboolean
is_over_total (TallyPolicy *self)
{
  gint room = self->room != NULL ? self->room (self->totals) : 0;

  return room < 0 && room + (gint) self->n_closing < 0;
}

static gboolean
needs_fresh_dial (TallyPolicy *self, const TallyInstant *now)
{
  return self->first != NULL && self->first->fresh && self->n_closing == 0
         && tally_policy_would_dial (self, now)
         && self->waiting_fresh > tally_policy_promised_fresh (self);
}

/* The first in the queue wants a connection dialed from now on and there is no room to dial it: an
 * idle one makes room. For room in total the one goes that is idle for longest anywhere. */
gboolean
tally_policy_must_make_room (TallyPolicy *self, const TallyInstant *now)
{
  return self->idle.tail != NULL && !tally_policy_has_room (self) && needs_fresh_dial (self, now);
}

/* The same of one that comes back, when none is idle. */
static gboolean
must_go_for_fresh (TallyPolicy *self, const TallyInstant *now)
{
  return needs_fresh_dial (self, now)
         && !(tally_policy_has_room (self) && tally_policy_has_room_in_total (self));
}

/* Why @conn, of which a lease or an examination has ended, must close and serve nobody else; NONE: it may
 * serve on. */
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
  if (G_UNLIKELY (self->options.max_open_total > 0) && tally_policy_must_yield (self, now, conn))
    return TALLY_CLOSE_EVICTED;
  return G_UNLIKELY (must_go_for_fresh (self, now)) ? TALLY_CLOSE_EVICTED : TALLY_CLOSE_NONE;
}

/* A lease comes back. @reason is NONE when the connection may serve again, else why it must close.
 */
void
tally_policy_release (TallyPolicy *self,
                      const TallyInstant *now,
                      TallyHold *hold,
                      TallyCloseReason reason)
{
  TallyConn *conn = hold->conn;
  gboolean is_dead = reason == TALLY_CLOSE_DEAD;

  tally_policy_end_hold (self, now, hold);
  if (G_UNLIKELY (conn->is_shared))
    give_up_stream (self, conn, hold);
  else
    {
      hold->generation = 0;
      conn->streams = 0;
      self->stats.leases--;
    }
  if (reason != TALLY_CLOSE_NONE && !conn->doomed)
    {
      conn->doomed = TRUE;
      conn->reason = reason;
    }
  if (G_UNLIKELY (is_dead))
    tally_policy_look_at_idle (self, now);
  reason = tally_policy_must_close (self, now, conn);
  if (G_UNLIKELY (reason != TALLY_CLOSE_NONE))
    {
      tally_policy_doom (self, conn, reason);
      if (G_UNLIKELY (is_dead || self->options.streams > 1))
        tally_policy_pump (self, now); /* what was promised may have gone with it */
      return;
    }
  if (conn->streams == 0)
    {
      conn->state = TALLY_CONN_IDLE;
      conn->idle_since = now->boot; /* also where it is handed to whoever waits */
      self->n_busy--;
    }
  else if (!conn->listed)
    return;
  tally_policy_offer (self, now, conn);
}
