/* Owns what a borrower finds of its connection, and the end of a lease. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"
#include "policy-quick-private.h"

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

static void
give_up_stream (TallyPolicy *self, TallyConn *conn, TallyHold *hold)
{
  tally_policy_drop_hold (self, conn, hold);
  tally_policy_set_checking (self, conn, FALSE);
  conn->streams--;
  self->stats.leases--;
  tally_policy_update_available (self, conn);
}

/* The borrower has found its connection dead, or with bytes unread, before it used it. What ended
 * one may have ended others: the idle ones are looked at (rule 14). */
void
tally_policy_check_failed (TallyPolicy *self,
                           const TallyInstant *now,
                           TallyHold *hold,
                           TallyCloseReason reason)
{
  TallyConn *conn = hold->conn;

  tally_policy_assert_whole (self);
  give_up_stream (self, conn, hold);
  self->stats.stale++;
  tally_policy_doom (self, conn, reason);
  if (reason == TALLY_CLOSE_DEAD)
    tally_policy_look_at_idle (self, now);
}

/* tally_policy_put () of a lease on a shared connection. */
gboolean
tally_policy_put_stream (TallyPolicy *self, const TallyInstant *now, TallyHold *hold)
{
  TallyConn *conn = hold->conn;

  if (conn->checking || !tally_policy_serves_on (self, now, conn, conn->streams == 1))
    return FALSE;
  tally_policy_end_hold (self, now, hold);
  if (conn->streams > 1)
    {
      give_up_stream (self, conn, hold);
      return TRUE;
    }
  tally_policy_drop_hold (self, conn, hold);
  conn->streams = 0;
  self->stats.leases--;
  if (conn->listed)
    tally_conn_list_remove (&self->available, conn);
  conn->listed = FALSE;
  tally_policy_make_idle (self, now, conn);
  return TRUE;
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

  tally_policy_assert_whole (self);
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
      conn->idle_since = now->boot; /* also where it is handed to a waiter */
      self->n_busy--;
    }
  else if (!conn->listed)
    return;
  tally_policy_offer (self, now, conn);
}
