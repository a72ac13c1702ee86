/* Owns the invariants of a policy, which hold whenever its lock is free: each connection in one
 * state and one list, each lease with one owner, sums that add up (rules 1, 20, 25). Tests ask for
 * it, and builds with the option `invariants` assert it at each unlock. Part of the policy: no
 * thread, lock, socket or clock. */
#include "policy-internal.h"

/* A function that finds no fault returns NULL. */
#define FAULT_UNLESS(condition)                                                                    \
  do                                                                                               \
    if (G_UNLIKELY (!(condition)))                                                                 \
      return G_STRLOC ": " #condition;                                                             \
  while (0)

/* What is found by looking at every connection. */
typedef struct
{
  guint states[TALLY_CONN_OWN + 1];
  guint owned;
  guint background;
  guint given_up;
  guint leases;
  guint streams;
  guint listed;
  guint checking;
} Count;

static const gchar *
find_fault_of_dialing (const TallyConn *conn, Count *count)
{
  FAULT_UNLESS (!conn->doomed || conn->owned || conn->background);
  FAULT_UNLESS (!(conn->owned && conn->background));
  count->owned += conn->owned;
  count->background += conn->background;
  FAULT_UNLESS (!conn->given_up || conn->background);
  count->given_up += conn->given_up;
  return NULL;
}

static const gchar *
find_fault_of_busy (const TallyPolicy *self, const TallyConn *conn, Count *count)
{
  guint leases = conn->hold.generation != 0;

  for (const TallyHold *hold = conn->further; hold != NULL; hold = hold->next)
    {
      FAULT_UNLESS (hold->conn == conn && hold->generation != 0);
      FAULT_UNLESS (hold->generation <= self->last_generation);
      leases++;
    }
  FAULT_UNLESS (conn->streams > 0 && conn->hold.generation <= self->last_generation);
  FAULT_UNLESS (conn->streams == 1 || conn->is_shared);
  FAULT_UNLESS (leases == conn->streams || (leases == 0 && conn->streams == 1)); /* examined */
  count->leases += leases;
  count->streams += conn->streams;
  count->listed += conn->listed;
  count->checking += conn->checking && !conn->doomed;
  return NULL;
}

static const gchar *
find_fault_of_slot (const TallyPolicy *self, const TallyConn *conn, Count *count)
{
  FAULT_UNLESS (conn->hold.conn == conn);
  count->states[conn->state]++;
  if (conn->state == TALLY_CONN_BUSY)
    return find_fault_of_busy (self, conn, count);
  FAULT_UNLESS (conn->state == TALLY_CONN_FREE || conn->hold.generation == 0);
  FAULT_UNLESS (conn->state == TALLY_CONN_FREE
                || (conn->streams == 0 && conn->further == NULL && !conn->listed));
  return conn->state == TALLY_CONN_DIALING ? find_fault_of_dialing (conn, count) : NULL;
}

static const gchar *
find_fault_of_lists (const TallyPolicy *self, const Count *count)
{
  guint idle = 0, available = 0, own = 0;

  for (const TallyConn *conn = self->idle.head; conn != NULL; conn = conn->next)
    {
      FAULT_UNLESS (conn->state == TALLY_CONN_IDLE && !conn->doomed);
      FAULT_UNLESS (conn->next == NULL ? self->idle.tail == conn : conn->next->prev == conn);
      idle++;
    }
  for (const TallyConn *conn = self->available.head; conn != NULL; conn = conn->next)
    {
      FAULT_UNLESS (conn->state == TALLY_CONN_BUSY && conn->listed && !conn->doomed);
      available++;
    }
  for (const TallyConn *conn = self->own.head; conn != NULL; conn = conn->next)
    {
      FAULT_UNLESS (conn->state == TALLY_CONN_OWN && !conn->doomed && !conn->listed);
      own++;
    }
  FAULT_UNLESS (idle == self->n_idle && available == count->listed && own == self->n_own);
  FAULT_UNLESS (own == 0 || (self->waiting == 0 && !self->closed && self->is_plain));
  return NULL;
}

static const gchar *
find_fault_of_slots (const TallyPolicy *self)
{
  Count count = { { 0 } };
  const gchar *fault;

  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if ((fault = find_fault_of_slot (self, conn, &count)) != NULL)
      return fault;
  FAULT_UNLESS (count.states[TALLY_CONN_IDLE] == self->n_idle);
  FAULT_UNLESS (count.states[TALLY_CONN_BUSY] == self->n_busy);
  FAULT_UNLESS (count.states[TALLY_CONN_DIALING] == self->n_dialing);
  FAULT_UNLESS (count.states[TALLY_CONN_CLOSING] == self->n_closing);
  FAULT_UNLESS (count.states[TALLY_CONN_OWN] == self->n_own);
  FAULT_UNLESS (count.owned == self->n_owned && count.background == self->n_background);
  FAULT_UNLESS (count.given_up == self->n_given_up);
  FAULT_UNLESS (count.checking == self->n_checking);
  FAULT_UNLESS (count.leases == self->stats.leases);
  FAULT_UNLESS (count.streams == count.leases + self->n_examined + self->n_looked_at);
  FAULT_UNLESS (self->drained == NULL
                || (self->drained->state == TALLY_CONN_BUSY && self->drained->doomed));
  return find_fault_of_lists (self, &count);
}

static const gchar *
find_fault_of_queue (const TallyPolicy *self)
{
  guint waiting = 0, fresh = 0;

  for (const TallyWaiter *waiter = self->first; waiter != NULL; waiter = waiter->next)
    {
      FAULT_UNLESS (waiter->state == TALLY_WAITER_QUEUED);
      FAULT_UNLESS (waiter->next == NULL ? self->last == waiter : waiter->next->prev == waiter);
      FAULT_UNLESS (waiter->next == NULL || waiter->next->ticket > waiter->ticket);
      waiting++;
      fresh += waiter->fresh;
    }
  FAULT_UNLESS (waiting == self->waiting && fresh == self->waiting_fresh);
  FAULT_UNLESS (!self->closed || waiting == 0);
  return NULL;
}

/* Which of the sums that TallyPoolSnapshot promises does not hold; NULL: all do. */
const gchar *
tally_snapshot_find_fault (const TallyPoolSnapshot *now)
{
  guint64 closes = 0;

  for (guint i = 0; i < TALLY_N_CLOSE_REASONS; i++)
    closes += now->closes[i];
  FAULT_UNLESS (now->open == now->idle + now->busy + now->dialing + now->closing);
  FAULT_UNLESS (now->borrows == now->hits + now->dials + now->waits - now->stale);
  FAULT_UNLESS (now->requests
                == now->borrows + now->timeouts + now->cancelled + now->full + now->backoff
                       + now->closed + now->dial_errors + now->pending);
  FAULT_UNLESS (now->releases == now->borrows - now->leases);
  FAULT_UNLESS (now->hold_time.count == now->releases && now->dial_time.count == now->dials_done);
  FAULT_UNLESS (now->dials_started == now->dials_done + now->dials_failed + now->dialing);
  FAULT_UNLESS (closes == now->dials_done - now->idle - now->busy - now->closing);
  FAULT_UNLESS (now->estimates <= now->full);
  return NULL;
}

/* What does not hold of @self, with file and line; NULL: all is well. */
const gchar *
tally_policy_find_fault (const TallyPolicy *self)
{
  const TallyInstant now = { 0, 0 };
  TallyPoolSnapshot snapshot;
  const gchar *fault = find_fault_of_slots (self);

  if (fault == NULL)
    fault = find_fault_of_queue (self);
  if (fault != NULL)
    return fault;
  tally_policy_snapshot (self, &now, &snapshot);
  return tally_snapshot_find_fault (&snapshot);
}

void
tally_policy_assert_valid (const TallyPolicy *self)
{
  const gchar *fault = tally_policy_find_fault (self);

  if (G_UNLIKELY (fault != NULL))
    g_error ("pool: this does not hold at %s", fault);
}
