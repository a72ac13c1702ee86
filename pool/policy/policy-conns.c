/* Owns the connections: the state that each is in, its lists, its leases. Part of the policy: no
 * thread, lock, socket or clock. */
#include "policy-parts-private.h"

#include <string.h>

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

static gboolean
has_room_for_stream (TallyPolicy *self, const TallyConn *conn)
{
  return conn->is_shared && conn->streams < self->options.streams && !conn->doomed
         && !conn->checking;
}

/* Puts @conn into `available`, or takes it out, after its state has changed. */
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

/* ---- leases ---- */

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

void
tally_policy_drop_hold (TallyPolicy *self, TallyConn *conn, TallyHold *hold)
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

/* Lends @conn, which is idle (and in no list any more), just dialed (not @reused), or available. */
TallyHold *
tally_policy_lend (TallyPolicy *self,
                   const TallyInstant *now,
                   TallyConn *conn,
                   const gchar *label,
                   guint32 thread,
                   gboolean reused)
{
  TallyHold *hold = conn->hold.generation == 0 ? &conn->hold : take_further_hold (self, conn);

  if (conn->state != TALLY_CONN_BUSY)
    self->n_busy++;
  conn->state = TALLY_CONN_BUSY;
  conn->streams++;
  self->stats.leases++;
  hold->generation = ++self->last_generation;
  hold->label = label;
  hold->thread = thread;
  hold->since = now->mono;
  hold->leak_warned = FALSE;
  if (conn->is_shared)
    {
      /* No further lease before the first borrower has found it alive. */
      if (reused && conn->streams == 1 && self->options.check != TALLY_POOL_CHECK_NEVER)
        tally_policy_set_checking (self, conn, TRUE);
      else
        tally_policy_update_available (self, conn);
    }
  return hold;
}

/* tally_policy_lend () to @waiter. */
void
tally_policy_claim (TallyPolicy *self,
                    const TallyInstant *now,
                    TallyConn *conn,
                    TallyWaiter *waiter)
{
  waiter->hold = tally_policy_lend (self, now, conn, waiter->label, waiter->thread, waiter->reused);
  waiter->generation = waiter->hold->generation;
  waiter->state = TALLY_WAITER_SERVED;
}

/* ---- idle connections ---- */

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

/* Whether @waiter, which wants a fresh one, may have @conn. A slot's last lease may be of an earlier
 * connection. */
gboolean
tally_policy_is_fresh_for (const TallyConn *conn, const TallyWaiter *waiter)
{
  return conn->dial_started >= waiter->since
         && (!waiter->unused || conn->hold.since < conn->dial_started);
}

/* (nullable): a connection for @waiter, which wants a fresh one. */
TallyConn *
tally_policy_take_fresh (TallyPolicy *self, const TallyWaiter *waiter)
{
  TallyConn *conn;

  for (conn = self->available.head; conn != NULL; conn = conn->next)
    if (tally_policy_is_fresh_for (conn, waiter))
      return conn;
  for (conn = self->idle.head; conn != NULL; conn = conn->next)
    if (tally_policy_is_fresh_for (conn, waiter))
      {
        tally_conn_list_remove (&self->idle, conn);
        self->n_idle--;
        return conn;
      }
  return NULL;
}

/* Takes @conn, which is idle, out of reach, as if busy. */
void
tally_policy_take_out (TallyPolicy *self, TallyConn *conn)
{
  tally_conn_list_remove (&self->idle, conn);
  self->n_idle--;
  self->n_busy++;
  conn->state = TALLY_CONN_BUSY;
  conn->streams = 1;
  tally_policy_set_checking (self, conn, conn->is_shared);
}

/* ---- the beginning and the end ---- */

/* All but `own`, at which a thread whose it once was may look. */
static void
reset_slot (TallyConn *conn)
{
  TallyConn *older = conn->older;

  memset (conn, 0, G_STRUCT_OFFSET (TallyConn, own));
  conn->hold.conn = conn;
  conn->state = TALLY_CONN_DIALING;
  conn->older = older;
}

/* Takes a place: a connection in state DIALING. NULL when the limits over all endpoints forbid it.
 * The caller has asked tally_policy_may_dial (). */
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
  reset_slot (conn);
  conn->dial_started = now->mono;
  conn->background = purpose != TALLY_DIAL_FOR_BORROWER;
  conn->is_shared = self->options.streams > 1;
  conn->jitter = tally_policy_random (self);
  self->n_dialing++;
  self->stats.dials_started++;
  return conn;
}

/* @conn will not serve: a waiter that hoped for it needs another dial. A borrower that dials @conn
 * itself has nothing else to wait for. */
void
tally_policy_disown_dial (TallyPolicy *self, TallyConn *conn)
{
  if (conn->owned || conn->background)
    return;
  conn->background = TRUE;
  self->n_background++;
}

void
tally_policy_end_dial (TallyPolicy *self, TallyConn *conn)
{
  self->n_dialing--;
  self->n_owned -= conn->owned;
  self->n_background -= conn->background;
  self->n_given_up -= conn->given_up;
}

/* Puts @conn, on which there is no lease, among those that the caller closes. */
void
tally_policy_retire (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason)
{
  if (conn->state == TALLY_CONN_IDLE)
    {
      tally_conn_list_remove (&self->idle, conn);
      self->n_idle--;
    }
  else if (conn->state == TALLY_CONN_BUSY)
    self->n_busy--;
  conn->state = TALLY_CONN_CLOSING;
  conn->doomed = TRUE;
  conn->reason = reason;
  if (G_UNLIKELY (self->drained == conn))
    self->drained = NULL;
  self->n_closing++;
  conn->next = self->closing;
  self->closing = conn;
}

/* @conn takes no further lease and closes after the last, or when it is dialed. */
void
tally_policy_doom (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason)
{
  tally_policy_assert_whole (self);
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

void
tally_policy_free_place (TallyPolicy *self, TallyConn *conn)
{
  conn->state = TALLY_CONN_FREE;
  conn->payload = NULL;
  conn->next = self->free;
  self->free = conn;
  if (self->unreserve != NULL)
    self->unreserve (self->totals, conn->yields);
}
