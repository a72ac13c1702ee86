/* Owns what happens when a lease comes back: whether it is one, what the pool can see of its
 * connection, and the common case in one step. */
#include "lease-internal.h"
#include "bucket-private.h"
#include "claims-private.h"
#include "health-private.h"
#include "own-private.h"
#include "socket-internal.h"
#include "totals-private.h"
#include "work-private.h"

/* What the pool can see of the connection without a system call; undoes what the borrower set (rule
 * 23). */
static inline TallyCloseReason
look_at_returned (const TallyConn *conn)
{
  if (G_UNLIKELY (conn->socket == NULL || conn->streams > 1))
    return TALLY_CLOSE_NONE;
  return tally_socket_take_back (conn->socket) ? TALLY_CLOSE_NONE : TALLY_CLOSE_UNREAD;
}

static void
refuse_release (TallyBucket *bucket)
{
  g_critical (
      "tally_bucket_release: this lease is not of the pool for %s, or was given back before",
      tally_endpoint_get_uri (bucket->endpoint));
}

/* Not under any lock: lets the user's hook, if there is one, undo what the borrower did. */
static TallyCloseReason
reset (TallyBucket *bucket, const TallyConn *conn)
{
  TallyHook *hook = tally_bucket_take_hook (bucket, TALLY_HOOK_RESET);

  return hook == NULL || tally_hook_reset (bucket, hook, conn->payload) ? TALLY_CLOSE_NONE
                                                                        : TALLY_CLOSE_RESET;
}

/* Locked before and after. Looks for death or silence, or else resets, without the lock, while the lease
 * is still out, but no longer its borrower's: a second release meanwhile is refused. FALSE when it has
 * become the parent's. */
static gboolean
settle_locked (TallyBucket *bucket, TallyHold *hold, TallyCloseReason *reason)
{
  TallyConn *conn = hold->conn;
  guint forks = bucket->forks;
  TallyClaim claim;
  gboolean is_silent = FALSE;
  /* Why it is broken matters only if others are idle (rule 14). */
  gboolean look_for_death =
      *reason == TALLY_CLOSE_BROKEN && bucket->policy.n_idle > 0 && conn->streams == 1;

  if (!look_for_death && *reason != TALLY_CLOSE_NONE)
    return TRUE;
  hold->generation = ++bucket->policy.last_generation;
  tally_claim_push (&claim, bucket, 1, NULL);
  tally_bucket_work_and_unlock (bucket);
  if (!look_for_death)
    *reason = reset (bucket, conn);
  else if (tally_conn_is_dead (conn))
    *reason = TALLY_CLOSE_DEAD;
  else
    is_silent = tally_conn_is_silent (conn, hold->since);
  tally_claim_pop (&claim);
  tally_bucket_lock (bucket);
  if (bucket->forks != forks)
    return FALSE;
  if (is_silent)
    tally_policy_drop_silent (&bucket->policy, conn);
  return TRUE;
}

static void
report_late_return (TallyBucket *bucket, const gchar *label, gint64 held)
{
  g_message ("pool: the connection to %s that \"%s\" had borrowed is back after %.3f s",
             tally_endpoint_get_uri (bucket->endpoint), label != NULL ? label : "?",
             (gdouble) held / G_TIME_SPAN_SECOND);
}

/* A lease from before a fork, in the child (rule 22). */
static gboolean
is_of_parent_locked (const TallyBucket *bucket, const TallyLease *lease)
{
  return lease->bucket == bucket && lease->generation != 0
         && lease->generation <= bucket->policy.first_generation;
}

/* The common release in one step: of a clean connection where no hook, option or waiter is
 * concerned, at this endpoint or another. A waiter elsewhere that is held back later finds it
 * idle. */
static inline gboolean
put_back_locked (TallyBucket *bucket,
                 const TallyLease *lease,
                 TallyOutcome outcome,
                 const TallyInstant *now)
{
  TallyPolicy *policy = &bucket->policy;
  TallyHold *hold = lease->slot;

  if (outcome != TALLY_OUTCOME_CLEAN || G_UNLIKELY (lease->bucket != bucket))
    return FALSE;
  if (policy->n_own > 0 && hold != NULL && lease->generation > policy->first_generation)
    tally_policy_enter (policy, now, hold->conn);
  return G_LIKELY (tally_policy_owns (policy, hold, lease->generation))
         && bucket->hooks[TALLY_HOOK_RESET] == NULL && policy->stats.leaks == 0
         && (policy->options.max_open_total == 0 || !tally_totals_is_open_unbalanced (bucket->core))
         && policy->is_plain && look_at_returned (hold->conn) == TALLY_CLOSE_NONE
         && tally_policy_put (policy, now, hold);
}

/* FALSE when @lease is not one that is out. */
static gboolean
take_back_locked (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome, TallyInstant *now)
{
  TallyCloseReason reason = TALLY_CLOSE_BROKEN;
  TallyPolicy *policy = &bucket->policy;
  TallyHold *hold = lease->slot;
  gint64 due;

  if (G_UNLIKELY (lease->bucket != bucket || !tally_policy_owns (policy, hold, lease->generation)))
    return FALSE;
  if (outcome == TALLY_OUTCOME_CLEAN)
    reason = look_at_returned (hold->conn);
  if (G_UNLIKELY (reason == TALLY_CLOSE_BROKEN || bucket->hooks[TALLY_HOOK_RESET] != NULL))
    {
      if (!settle_locked (bucket, hold, &reason))
        return TRUE;
      tally_bucket_now_locked (bucket, now); /* that may have taken its time */
    }
  tally_policy_release (policy, now, hold, reason);
  due = tally_policy_due_of (policy, now, hold->conn);
  bucket->wanted = MIN (bucket->wanted, due);
  return TRUE;
}

/* Unlocks after @conn was put back. A plain policy leaves nothing to do, except at times for the reaper. */
static inline void
unlock_after_put (TallyBucket *bucket, const TallyInstant *now, TallyConn *conn)
{
  gint64 timeout = bucket->policy.options.idle_timeout;

  if (G_UNLIKELY (timeout > 0 && now->mono + timeout < bucket->due))
    {
      bucket->wanted = now->mono + timeout;
      tally_bucket_work_and_unlock (bucket);
      return;
    }
  if (conn->state == TALLY_CONN_IDLE)
    tally_bucket_let_own_locked (bucket, now, conn);
  tally_policy_check_valid (&bucket->policy);
  pthread_mutex_unlock (&bucket->lock);
}

/* Every release that put_back_locked () leaves. Unlocks. */
static G_GNUC_NO_INLINE void
release_slowly (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome, TallyInstant *now)
{
  TallyHold hold = { .leak_warned = FALSE };
  gboolean done;

  if (is_of_parent_locked (bucket, lease))
    {
      pthread_mutex_unlock (&bucket->lock);
      *lease = (TallyLease){ 0 };
      return;
    }
  tally_bucket_open_books_locked (bucket);
  if (bucket->policy.stats.leaks > 0 && lease->bucket == bucket && lease->slot != NULL)
    hold = *(TallyHold *) lease->slot;
  done = take_back_locked (bucket, lease, outcome, now);
  if (!done)
    bucket->policy.stats.refused++;
  tally_bucket_work_and_unlock (bucket);
  if (!done)
    {
      refuse_release (bucket);
      return;
    }
  if (hold.leak_warned)
    report_late_return (bucket, hold.label, now->mono - hold.since);
  *lease = (TallyLease){ 0 };
}

/* ---- this thread's own ---- */

/* The lease of @hold is @lease, and this thread gives it back, which the books must see to. */
static G_GNUC_NO_INLINE void
return_to_books (TallyBucket *bucket, TallyLease *lease, TallyInstant *now)
{
  tally_bucket_lock (bucket);
  tally_policy_end_return (lease->slot, lease->generation);
  release_slowly (bucket, lease, TALLY_OUTCOME_CLEAN, now);
}

/* Gives back this thread's own connection, clean, without the lock; FALSE when @lease is another one or none. */
static inline __attribute__ ((always_inline)) gboolean
return_own (TallyBucket *bucket, TallyLease *lease, TallyInstant *now)
{
  TallyConn *conn = tally_bucket_find_own (bucket);

  if (conn == NULL || lease->slot != &conn->hold || lease->bucket != bucket
      || !tally_own_begin_return (&conn->own, lease->generation, lease->shared))
    return FALSE;
  tally_bucket_complete_instant (bucket, now);
  if (G_LIKELY ((conn->socket == NULL || tally_socket_take_back (conn->socket))
                && tally_own_leave (&conn->own, lease->generation, now->mono, now->boot)))
    *lease = (TallyLease){ 0 };
  else
    return_to_books (bucket, lease, now);
  return TRUE;
}

/* What of tally_bucket_release () is not done for this thread's own connection. */
static inline __attribute__ ((always_inline)) void
release_with_lock (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome, TallyInstant *now)
{
  pthread_mutex_lock (&bucket->lock);
  tally_bucket_complete_instant (bucket, now);
  if (G_UNLIKELY (!put_back_locked (bucket, lease, outcome, now)))
    {
      release_slowly (bucket, lease, outcome, now);
      return;
    }
  unlock_after_put (bucket, now, ((TallyHold *) lease->slot)->conn);
  *lease = (TallyLease){ 0 };
}

/**
 * tally_bucket_release:
 * @bucket: the bucket that @lease was borrowed from
 * @lease: a lease; emptied
 * @outcome: what the borrower knows of the connection
 *
 * Gives a lease back. %TALLY_OUTCOME_CLEAN only if every byte of the reply was read; bytes left in
 * the connection's buffer make it broken in any case (rule 11). A lease that is not @bucket's, or
 * was given back already, is refused with a critical warning and the pool is unharmed (rule 20).
 * Never blocks for long; thread-safe.
 */
void
tally_bucket_release (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome)
{
  TallyInstant now;

  g_return_if_fail (bucket != NULL && lease != NULL);
  now.mono = tally_bucket_read_clock (bucket);
  if (G_UNLIKELY (outcome != TALLY_OUTCOME_CLEAN || !return_own (bucket, lease, &now)))
    release_with_lock (bucket, lease, outcome, &now);
}

gint64
tally_lease_get_since (const TallyLease *lease)
{
  const TallyHold *hold = lease->slot;
  const TallyOwn *own = &hold->conn->own;

  /* Of a lease that began without the lock, whether it is in the books now or not. */
  return __atomic_load_n (&own->filled, __ATOMIC_ACQUIRE) == lease->generation ? own->since
                                                                               : hold->since;
}

TallySocket *
tally_lease_get_socket (const TallyLease *lease)
{
  const TallyHold *hold = lease->slot;

  return hold->conn->socket;
}

/**
 * tally_bucket_retire:
 * @bucket: the bucket that @lease was borrowed from
 * @lease: a lease that is out
 *
 * Has the connection closed after its last lease was given back, and lent to nobody else until
 * then: for a peer that gave notice that it wants no more requests on it. The leases that are out
 * may be used to their end. A lease that is not out of @bucket is refused with a critical warning.
 * Thread-safe.
 */
void
tally_bucket_retire (TallyBucket *bucket, const TallyLease *lease)
{
  TallyHold *hold;
  gboolean is_out;
  gboolean is_of_parent;

  g_return_if_fail (bucket != NULL && lease != NULL);
  hold = lease->slot;
  tally_bucket_lock (bucket);
  is_of_parent = is_of_parent_locked (bucket, lease);
  is_out = lease->bucket == bucket && tally_policy_owns (&bucket->policy, hold, lease->generation);
  if (is_out)
    tally_policy_doom (&bucket->policy, hold->conn, TALLY_CLOSE_RETIRED);
  tally_bucket_work_and_unlock (bucket);
  if (!is_out && !is_of_parent)
    refuse_release (bucket);
}
