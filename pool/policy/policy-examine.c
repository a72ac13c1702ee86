/* Owns the examination of idle connections, in the background or because another one has proved
 * dead (rule 14). Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* ---- in the background ---- */

/* An idle connection that was not proven alive for `keepalive-interval`: (nullable). */
TallyConn *
tally_policy_find_to_examine (TallyPolicy *self, const TallyInstant *now)
{
  if (self->options.keepalive == 0 || self->closed)
    return NULL;
  for (TallyConn *conn = self->idle.tail; conn != NULL; conn = conn->prev)
    if (now->boot - MAX (conn->idle_since, conn->checked) >= self->options.keepalive)
      return conn;
  return NULL;
}

/* Takes such a connection out of reach, as if busy, until tally_policy_examined (). */
TallyConn *
tally_policy_take_to_examine (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn = tally_policy_find_to_examine (self, now);

  if (conn == NULL)
    return NULL;
  tally_policy_take_out (self, conn);
  self->n_examined++;
  return conn;
}

/* Puts @conn back where it was among the idle ones. But it closes if a connection that comes back
 * from a borrower would, and serves a waiter if there is one. */
static void
put_back (TallyPolicy *self, const TallyInstant *now, TallyConn *conn, TallyCloseReason reason)
{
  TallyConn *newer = NULL;
  gint64 idle_since = conn->idle_since;

  conn->streams = 0;
  tally_policy_set_checking (self, conn, FALSE);
  if (reason == TALLY_CLOSE_NONE)
    reason = tally_policy_must_close (self, now, conn);
  if (reason != TALLY_CLOSE_NONE)
    {
      tally_policy_retire (self, conn, reason);
      return;
    }
  self->n_busy--;
  conn->state = TALLY_CONN_IDLE;
  tally_policy_offer (self, now, conn);
  if (conn->state != TALLY_CONN_IDLE)
    return;
  tally_conn_list_remove (&self->idle, conn);
  conn->idle_since = idle_since;
  for (TallyConn *other = self->idle.head; other != NULL && other->idle_since > idle_since;
       other = other->next)
    newer = other;
  tally_conn_list_insert (&self->idle, newer, conn);
}

/* ---- what one connection's end says of the others (rule 14) ---- */

/* A connection has proved dead. The caller looks at those that are idle; they are out of reach
 * meanwhile, and a borrower that asks waits for the result. An end that has not arrived yet is
 * found at the next borrow. */
void
tally_policy_look_at_idle (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn;

  tally_policy_assert_whole (self);
  self->last_death = now->boot;
  while ((conn = self->idle.head) != NULL)
    {
      tally_policy_take_out (self, conn);
      self->n_looked_at++;
      conn->looks_dead = FALSE;
      conn->next = self->to_look;
      self->to_look = conn;
    }
}

/* The caller has looked at @conn and set its `looks_dead`. */
void
tally_policy_looked (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  self->n_looked_at--;
  put_back (self, now, conn, conn->looks_dead ? TALLY_CLOSE_STALE : TALLY_CLOSE_NONE);
  if (conn->state == TALLY_CONN_CLOSING)
    tally_policy_pump (self, now);
}

void
tally_policy_examined (TallyPolicy *self,
                       const TallyInstant *now,
                       TallyConn *conn,
                       TallyCloseReason reason)
{
  self->n_examined--;
  conn->checked = now->boot;
  put_back (self, now, conn, reason);
  if (reason == TALLY_CLOSE_DEAD)
    tally_policy_look_at_idle (self, now);
  if (conn->state == TALLY_CONN_CLOSING)
    tally_policy_pump (self, now);
}

/* When the peer of @conn, which is idle or was before it was lent, gave its last sign of life, in
 * boot time: when the last borrower gave @conn back clean, or a hook asked. */
static gint64
last_heard (const TallyPolicy *self, const TallyConn *conn)
{
  return self->asks_peer ? MAX (conn->idle_since, conn->checked) : conn->idle_since;
}

/* @conn, which was lent again, has received nothing in all the time that its borrower waited. The
 * idle connections that were heard from no later than it count as silent too. */
void
tally_policy_drop_silent (TallyPolicy *self, const TallyConn *conn)
{
  gint64 heard = last_heard (self, conn);
  TallyConn *next;

  tally_policy_assert_whole (self);
  for (TallyConn *other = self->idle.head; other != NULL; other = next)
    {
      next = other->next;
      if (last_heard (self, other) <= heard)
        tally_policy_retire (self, other, TALLY_CLOSE_STALE);
    }
}
