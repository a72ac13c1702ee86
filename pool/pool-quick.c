/* Owns borrowing what is there at once, the common path, in one step: taking it, and finding that it is alive. What
 * takes longer is pool-borrow.c's. */
#include "borrow-private.h"

#include <sched.h>

#include "claims-private.h"
#include "lease-internal.h"
#include "own-private.h"
#include "thread-id-private.h"
#include "work-private.h"

/* Microseconds. Where connections are typically held for less, a borrower looks again before it
 * queues: so many times, and no longer than this, because one look may take a processor's whole
 * slice of time. */
#define SHORT_HOLD 100
#define LOOKS 32
#define LONGEST_LOOK (2 * G_TIME_SPAN_MILLISECOND)

static gint64
find_deadline (TallyBucket *bucket, gint64 began, gint64 limit)
{
  gint64 deadline;

  pthread_mutex_lock (&bucket->lock);
  deadline = tally_policy_find_deadline (&bucket->policy, began, limit < 0 ? G_MAXINT64 : limit);
  pthread_mutex_unlock (&bucket->lock);
  return deadline;
}

/* Not under any lock: the borrower of @hold has found its shared connection alive. Others may have it
 * too from now on, and some may wait for that. */
static void
share (TallyBucket *bucket, TallyHold *hold)
{
  TallyInstant now;
  TallyClaim claim;

  now.mono = tally_bucket_read_clock (bucket);
  tally_bucket_lock (bucket);
  tally_bucket_complete_instant (bucket, &now);
  tally_policy_checked (&bucket->policy, &now, hold);
  tally_claim_push (&claim, bucket, 1, NULL);
  tally_bucket_work_and_unlock (bucket);
  tally_claim_pop (&claim);
}

gboolean
tally_bucket_examine_taken (TallyBucket *bucket,
                            const TallyTaken *taken,
                            gint64 deadline,
                            GCancellable *cancellable,
                            TallyLease *lease,
                            TallyFinding *finding)
{
  TallyHold *hold = taken->hold;
  guint64 generation = hold->generation;
  guint forks = bucket->forks;
  TallyClaim claim;

  tally_claim_push (&claim, bucket, 1, NULL);
  *finding = tally_bucket_examine (bucket, hold->conn, taken->idle_age,
                                   find_deadline (bucket, hold->since, deadline), cancellable);
  tally_claim_pop (&claim);
  if (G_UNLIKELY (bucket->forks != forks)) /* in the check hook, and this is the child */
    finding->reason = TALLY_CLOSE_NONE;
  else if (finding->reason == TALLY_CLOSE_NONE)
    {
      if (hold->conn->is_shared)
        share (bucket, hold);
      tally_lease_fill (lease, bucket, hold, generation, TRUE);
      return TRUE;
    }
  return FALSE;
}

/* What tally_bucket_borrow () took was not clean at first sight: examines it. When it proves
 * unusable, the borrow goes on within the time that it had at first. */
static G_GNUC_NO_INLINE gboolean
borrow_if_alive (TallyBucket *bucket,
                 const TallyTaken *taken,
                 gint64 deadline,
                 GCancellable *cancellable,
                 TallyLease *lease,
                 GError **error)
{
  const gchar *label = taken->hold->label;
  TallyFinding finding;

  if (tally_bucket_examine_taken (bucket, taken, deadline, cancellable, lease, &finding))
    return TRUE;
  if (G_UNLIKELY (finding.reason == TALLY_CLOSE_NONE))
    return tally_bucket_borrow_slowly (bucket, label, deadline, TALLY_DIALED_ANY_TIME, FALSE,
                                       cancellable, lease, error);
  return tally_bucket_borrow_again (bucket, taken, finding, label, deadline, FALSE, cancellable,
                                    lease, error);
}

static gboolean
is_worth_another_look (TallyPolicy *policy)
{
  return policy->n_busy > 0 && policy->n_idle == 0 && policy->n_dialing == 0
         && !tally_policy_has_room (policy) && policy->options.wait_timeout != 0 && !policy->closed
         && tally_policy_find_typical_hold (policy) < SHORT_HOLD;
}

/* Locked before and after. Connections that are held for less than it takes to fall asleep are
 * worth another look before this caller arrives in the queue: a borrower that was interrupted while
 * it held one gets the processor. While a waiter is in the queue it gets no connection, and does
 * not join the queue either. So the queue runs empty; else each connection would be handed to a
 * thread that sleeps, at the price of a task switch, as long as all are busy. */
static G_GNUC_NO_INLINE TallyHold *
look_again (
    TallyBucket *bucket, TallyInstant *now, const gchar *label, gint64 deadline, gint64 *idle_age)
{
  TallyPolicy *policy = &bucket->policy;
  gint64 until = MIN (now->mono + LONGEST_LOOK, deadline < 0 ? G_MAXINT64 : deadline);
  TallyHold *hold = NULL;

  for (guint i = 0; i < LOOKS && hold == NULL && now->mono < until; i++)
    {
      if (!is_worth_another_look (policy))
        return NULL;
      pthread_mutex_unlock (&bucket->lock);
      sched_yield ();
      now->mono = tally_bucket_read_clock (bucket);
      pthread_mutex_lock (&bucket->lock);
      tally_bucket_complete_instant (bucket, now);
      hold = tally_policy_try (policy, now, tally_bucket_find_next_locked (bucket), label,
                               tally_get_thread_id (), idle_age);
    }
  return hold;
}

/* The common case of tally_bucket_examine (). */
static inline gboolean
is_clean_socket (const TallyConn *conn)
{
  return conn->socket != NULL && tally_socket_is_clean (conn->socket);
}

/* ---- this thread's own ---- */

/* Not under any lock. Whether @conn, which this thread has lent itself as lease @generation, may be used. */
static inline gboolean
accept_own (TallyBucket *bucket, TallyConn *conn, guint64 generation)
{
  if (__atomic_load_n (&conn->own.must_look, __ATOMIC_RELAXED) && !is_clean_socket (conn))
    return FALSE;
  if (conn->is_shared && G_UNLIKELY (!tally_own_share (&conn->own, generation)))
    share (bucket, &conn->hold);
  return TRUE;
}

/* Whether @conn, taken so, is usable if its stream looks so, and it is for the borrower to look. */
static inline gboolean
is_left_to_look (const TallyConn *conn)
{
  return __atomic_load_n (&conn->own.must_look, __ATOMIC_RELAXED) && !conn->is_shared
         && conn->socket != NULL && tally_socket_holds_nothing (conn->socket);
}

/* Enters it in the books: its lease there. */
static G_GNUC_NO_INLINE TallyHold *
enter_taken (TallyBucket *bucket, TallyConn *conn)
{
  tally_bucket_lock (bucket);
  pthread_mutex_unlock (&bucket->lock);
  return &conn->hold;
}

/* ---- under the lock ---- */

/* Unlocks after @conn was lent. Its age, and that it is no longer idle, may concern the reaper or other endpoints. */
static inline void
unlock_after_try (TallyBucket *bucket, const TallyInstant *now, const TallyConn *conn)
{
  gint64 due;
  TallyClaim claim;

  tally_policy_check_valid (&bucket->policy);
  if (G_LIKELY (bucket->policy.options.leak_threshold == 0
                && bucket->policy.options.max_idle_total == 0))
    {
      pthread_mutex_unlock (&bucket->lock);
      return;
    }
  due = tally_policy_due_of (&bucket->policy, now, conn);
  bucket->wanted = MIN (bucket->wanted, due);
  tally_claim_push (&claim, bucket, 1, NULL);
  tally_bucket_work_and_unlock (bucket);
  tally_claim_pop (&claim);
}

/* Locked before, unlocked after. Whether @conn, which was lent and is the borrower's alone, looks usable at first
 * sight. */
static inline __attribute__ ((always_inline)) gboolean
accept_whole (TallyBucket *bucket, const TallyInstant *now, const TallyConn *conn, gint64 idle_age)
{
  gboolean check = tally_policy_must_check (&bucket->policy, conn, idle_age);
  gboolean has_hook = bucket->hooks[TALLY_HOOK_CHECK] != NULL;

  unlock_after_try (bucket, now, conn);
  return !check || G_LIKELY (!has_hook && is_clean_socket (conn));
}

/* share () at once after it was lent at @now. */
static inline void
share_at_once (TallyBucket *bucket, const TallyInstant *now, TallyHold *hold)
{
  gboolean is_shared;

  pthread_mutex_lock (&bucket->lock);
  is_shared = tally_policy_share (&bucket->policy, now, hold);
  pthread_mutex_unlock (&bucket->lock);
  if (G_UNLIKELY (!is_shared))
    share (bucket, hold);
}

/* Locked before, unlocked after. Whether the shared connection that was lent may be used: it carries other
 * leases, or looks clean at first sight. */
static inline __attribute__ ((always_inline)) gboolean
accept_stream (TallyBucket *bucket, const TallyInstant *now, const TallyTaken *taken)
{
  TallyHold *hold = taken->hold;
  TallyConn *conn = hold->conn;
  gboolean check =
      conn->checking && tally_policy_must_check (&bucket->policy, conn, taken->idle_age);
  gboolean has_hook = bucket->hooks[TALLY_HOOK_CHECK] != NULL;

  if (!check)
    tally_policy_checked (&bucket->policy, now, hold);
  unlock_after_try (bucket, now, conn);
  if (!check)
    return TRUE;
  if (has_hook || !is_clean_socket (conn))
    return FALSE;
  share_at_once (bucket, now, hold);
  return TRUE;
}

/* tally_bucket_borrow () of a shared connection. Locked before; unlocked after unless there is none at once:
 * then FALSE, and nothing has changed. @done: what it returns. */
static G_GNUC_NO_INLINE gboolean
borrow_stream (TallyBucket *bucket,
               const TallyInstant *now,
               const gchar *label,
               guint32 thread,
               gint64 deadline,
               GCancellable *cancellable,
               TallyLease *lease,
               gboolean *done,
               GError **error)
{
  TallyTaken taken;
  guint64 generation;

  taken.hold = tally_policy_try_stream (&bucket->policy, now, label, thread, &taken.idle_age);
  if (taken.hold == NULL)
    return FALSE;
  taken.ticket = bucket->policy.last_ticket;
  generation = taken.hold->generation;
  *done = accept_stream (bucket, now, &taken);
  if (G_LIKELY (*done))
    tally_lease_fill (lease, bucket, taken.hold, generation, TRUE);
  else
    *done = borrow_if_alive (bucket, &taken, deadline, cancellable, lease, error);
  return TRUE;
}

/* What is there and looks usable, without asking a hook. FALSE: nothing was taken, and @taken->hold is NULL, or that is
 * to be examined. */
static gboolean
borrow_clean (TallyBucket *bucket, const gchar *label, TallyLease *lease, TallyTaken *taken)
{
  TallyPolicy *policy = &bucket->policy;
  guint32 thread = tally_get_thread_id ();
  guint64 generation;
  gboolean accepted;
  TallyConn *conn;
  TallyInstant now;

  taken->hold = NULL;
  taken->ticket = 0;
  now.mono = tally_bucket_read_clock (bucket);
  conn = tally_bucket_take_own (bucket, &now, label, &generation, &taken->idle_age);
  if (conn != NULL)
    {
      accepted = accept_own (bucket, conn, generation);
      if (G_LIKELY (accepted))
        tally_lease_fill (lease, bucket, &conn->hold, generation, TRUE);
      else
        taken->hold = enter_taken (bucket, conn);
      return accepted;
    }
  pthread_mutex_lock (&bucket->lock);
  tally_bucket_complete_instant (bucket, &now);
  if (G_LIKELY (bucket->hooks[TALLY_HOOK_CHECK] == NULL)
      && (taken->hold = tally_policy_try (policy, &now, tally_bucket_find_next_locked (bucket),
                                          label, thread, &taken->idle_age))
             == NULL
      && (taken->hold = tally_policy_try_stream (policy, &now, label, thread, &taken->idle_age))
             != NULL)
    taken->ticket = policy->last_ticket;
  if (taken->hold == NULL)
    {
      pthread_mutex_unlock (&bucket->lock);
      return FALSE;
    }
  generation = taken->hold->generation;
  accepted = taken->ticket != 0 ? accept_stream (bucket, &now, taken)
                                : accept_whole (bucket, &now, taken->hold->conn, taken->idle_age);
  if (accepted)
    tally_lease_fill (lease, bucket, taken->hold, generation, TRUE);
  return accepted;
}

gboolean
tally_bucket_borrow_at_once (TallyBucket *bucket,
                             const gchar *label,
                             gint64 deadline,
                             GCancellable *cancellable,
                             TallyLease *lease,
                             TallyTaken *taken,
                             TallyFinding *finding)
{
  *finding = (TallyFinding){ TALLY_CLOSE_NONE, FALSE };
  return borrow_clean (bucket, label, lease, taken)
         || (taken->hold != NULL
             && tally_bucket_examine_taken (bucket, taken, deadline, cancellable, lease, finding));
}

/* What of tally_bucket_borrow () this thread's own connection does not do; @now: since when. */
static inline __attribute__ ((always_inline)) gboolean
borrow_with_lock (TallyBucket *bucket,
                  TallyInstant *now,
                  const gchar *label,
                  gint64 deadline,
                  GCancellable *cancellable,
                  TallyLease *lease,
                  GError **error)
{
  guint32 thread = tally_get_thread_id ();
  TallyHold *hold;
  gint64 idle_age;
  guint64 generation;
  gboolean done;

  pthread_mutex_lock (&bucket->lock);
  tally_bucket_complete_instant (bucket, now);
  hold = tally_policy_try (&bucket->policy, now, tally_bucket_find_next_locked (bucket), label,
                           thread, &idle_age);
  if (G_UNLIKELY (hold == NULL))
    {
      if (borrow_stream (bucket, now, label, thread, deadline, cancellable, lease, &done, error))
        return done;
      hold = look_again (bucket, now, label, deadline, &idle_age);
      if (hold == NULL)
        {
          pthread_mutex_unlock (&bucket->lock);
          return tally_bucket_borrow_slowly (bucket, label, deadline, TALLY_DIALED_ANY_TIME, FALSE,
                                             cancellable, lease, error);
        }
    }
  generation = hold->generation;
  if (G_UNLIKELY (!accept_whole (bucket, now, hold->conn, idle_age)))
    return borrow_if_alive (bucket, &(TallyTaken){ hold, idle_age, 0 }, deadline, cancellable,
                            lease, error);
  tally_lease_fill (lease, bucket, hold, generation, TRUE);
  return TRUE;
}

gint64
tally_bucket_get_time (TallyBucket *bucket)
{
  return tally_bucket_read_clock (bucket);
}

/* @leaves_look: the caller may look itself. */
static inline __attribute__ ((always_inline)) TallyBorrow
borrow (TallyBucket *bucket,
        gint64 began,
        const gchar *label,
        gint64 deadline,
        GCancellable *cancellable,
        gboolean leaves_look,
        TallyLease *lease,
        GError **error)
{
  TallyInstant now = { .mono = began };
  gboolean is_left;
  TallyConn *conn;
  gint64 idle_age;
  guint64 generation;

  if (G_UNLIKELY (cancellable != NULL) && g_cancellable_is_cancelled (cancellable))
    return tally_bucket_borrow_slowly (bucket, label, deadline, TALLY_DIALED_ANY_TIME, FALSE,
                                       cancellable, lease, error);
  conn = tally_bucket_take_own (bucket, &now, label, &generation, &idle_age);
  if (G_UNLIKELY (conn == NULL))
    return borrow_with_lock (bucket, &now, label, deadline, cancellable, lease, error);
  is_left = leaves_look && G_LIKELY (is_left_to_look (conn));
  if (!is_left && G_UNLIKELY (!accept_own (bucket, conn, generation)))
    return borrow_if_alive (bucket, &(TallyTaken){ enter_taken (bucket, conn), idle_age, 0 },
                            deadline, cancellable, lease, error);
  tally_lease_fill (lease, bucket, &conn->hold, generation, TRUE);
  return is_left ? TALLY_BORROW_UNLOOKED : TALLY_BORROW_DONE;
}

TallyBorrow
tally_bucket_borrow_unlooked (TallyBucket *bucket,
                              gint64 began,
                              const gchar *label,
                              gint64 deadline,
                              GCancellable *cancellable,
                              TallyLease *lease,
                              GError **error)
{
  return borrow (bucket, began, label, deadline, cancellable, TRUE, lease, error);
}

gboolean
tally_bucket_examine_unlooked (TallyBucket *bucket,
                               gint64 deadline,
                               GCancellable *cancellable,
                               TallyLease *lease,
                               GError **error)
{
  TallyHold *hold = lease->slot;
  TallyInstant now = { .mono = tally_bucket_read_clock (bucket) };
  gint64 idle_age;

  tally_bucket_complete_instant (bucket, &now);
  idle_age = now.boot - __atomic_load_n (&hold->conn->own.idle_since, __ATOMIC_RELAXED);
  return borrow_if_alive (bucket, &(TallyTaken){ enter_taken (bucket, hold->conn), idle_age, 0 },
                          deadline, cancellable, lease, error);
}

/**
 * tally_bucket_borrow:
 * @bucket: a bucket
 * @label: (nullable): who borrows, for dumps and errors: a static string such as the method's name
 * @deadline: g_get_monotonic_time() by which it must return; -1 = none
 * @cancellable: (nullable): ends the wait
 * @lease: (out): the connection; untouched on failure
 *
 * Borrows a connection: an idle one, else the first that is returned or dialed. Blocks as
 * `wait-timeout` says, in the order of arrival (rules 3 to 6). Give it back with
 * tally_bucket_release(), from any thread. Thread-safe. The caller's reference to @bucket must
 * outlive the lease.
 *
 * Errors: %TALLY_ERROR_TIMED_OUT, %TALLY_ERROR_POOL_EXHAUSTED (rules 28, 29), %TALLY_ERROR_BACKOFF,
 * %TALLY_ERROR_POOL_CLOSED, what the dial failed with (mostly %TALLY_ERROR_CONNECT_FAILED), or
 * %G_IO_ERROR_CANCELLED; nothing was sent in any case.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
gboolean
tally_bucket_borrow (TallyBucket *bucket,
                     const gchar *label,
                     gint64 deadline,
                     GCancellable *cancellable,
                     TallyLease *lease,
                     GError **error)
{
  g_return_val_if_fail (bucket != NULL && lease != NULL, FALSE);
  return borrow (bucket, tally_bucket_read_clock (bucket), label, deadline, cancellable, FALSE,
                 lease, error)
         == TALLY_BORROW_DONE;
}
