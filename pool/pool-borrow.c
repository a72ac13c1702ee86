/* Owns borrowing on the caller's own thread where that may take longer than a moment: dialing and the wait. */
#include "borrow-private.h"

#include "balance-private.h"
#include "claims-private.h"
#include "dials-private.h"
#include "health-private.h"
#include "lease-internal.h"
#include "pool-report-private.h"
#include "thread-id-private.h"
#include "work-private.h"

/* A borrower that waits on its own thread. */
typedef struct
{
  TallyWaiter waiter; /* first; protected by the bucket's lock */
  TallyBucket *bucket;
  gboolean cancelled;     /* the same lock */
  gboolean has_changed;   /* the bucket's lock; made when it first sleeps, which most never do */
  pthread_cond_t changed; /* if it has */
} SyncWaiter;

/* Whether the connection that @waiter was served with must be examined first. One that carries
 * other leases is alive, and its input is expected. */
gboolean
tally_bucket_must_check_locked (TallyBucket *bucket, const TallyWaiter *waiter)
{
  const TallyConn *conn = waiter->hold->conn;

  return waiter->reused && (!conn->is_shared || conn->checking)
         && tally_policy_must_check (&bucket->policy, conn, waiter->idle_age);
}

void
tally_bucket_fill_lease (TallyBucket *bucket, const TallyWaiter *waiter, TallyLease *lease)
{
  tally_lease_fill (lease, bucket, waiter->hold, waiter->generation, waiter->reused);
}

/* ---- waiting ---- */

static void
on_borrower_cancelled (GCancellable *cancellable, gpointer user_data)
{
  SyncWaiter *self = user_data;

  pthread_mutex_lock (&self->bucket->lock);
  self->cancelled = TRUE;
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->bucket->lock);
}

/* With the lock. */
static void
wake_borrower (TallyWaiter *waiter)
{
  SyncWaiter *self = (SyncWaiter *) waiter;

  if (self->has_changed) /* else it is not asleep */
    pthread_cond_signal (&self->changed);
}

static void
wait_locked (SyncWaiter *self)
{
  TallyPolicy *policy = &self->bucket->policy;
  TallyWaiter *waiter = &self->waiter;
  TallyInstant now;

  while (waiter->state == TALLY_WAITER_QUEUED)
    {
      gboolean in_time =
          self->cancelled
          || tally_cond_wait_until (&self->changed, &self->bucket->lock, waiter->deadline);

      tally_bucket_open_books_locked (self->bucket);
      if (waiter->state != TALLY_WAITER_QUEUED)
        return;
      tally_bucket_now_locked (self->bucket, &now);
      if (self->cancelled)
        tally_policy_leave (policy, &now, waiter, TALLY_REFUSAL_CANCELLED);
      else if (!in_time)
        tally_policy_time_out (policy, &now, waiter);
    }
}

/* Locked before and after. Connecting to the cancellable may call on_borrower_cancelled () at once, and
 * disconnecting waits for it: neither is done under the lock. */
static void
wait_in_queue (SyncWaiter *self, GCancellable *cancellable)
{
  gulong handler = 0;

  if (!self->has_changed)
    tally_cond_init (&self->changed);
  self->has_changed = TRUE;
  tally_bucket_await_backoff_locked (self->bucket);
  /* In any case: the dial that was asked for on behalf of this caller must start before it
   * sleeps. */
  tally_bucket_work_and_unlock (self->bucket);
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (on_borrower_cancelled), self, NULL);
  tally_bucket_lock_and_admit (self->bucket, &self->waiter, self->waiter.held_back);
  self->waiter.held_back = FALSE;
  wait_locked (self);
  if (handler == 0)
    return;
  tally_bucket_work_and_unlock (self->bucket);
  g_cancellable_disconnect (cancellable, handler);
  tally_bucket_lock (self->bucket);
}

/* ---- errors ---- */

static GError *
make_error (TallyBucket *bucket, const TallyWaiter *waiter, const gchar *state)
{
  const gchar *uri = tally_endpoint_get_uri (bucket->endpoint);

  switch (waiter->refusal)
    {
    case TALLY_REFUSAL_CANCELLED:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                          "%s: cancelled before a connection was there", uri);
    case TALLY_REFUSAL_TIMED_OUT:
      return g_error_new (TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                          "%s: no connection within the time allowed (%s)", uri, state);
    case TALLY_REFUSAL_ESTIMATE:
      return g_error_new (TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED,
                          "%s: the wait for a connection, about "
                          "%.3f s, would pass the deadline (%s)",
                          uri, (gdouble) waiter->estimate / G_TIME_SPAN_SECOND, state);
    case TALLY_REFUSAL_BACKOFF:
      return g_error_new (TALLY_ERROR, TALLY_ERROR_BACKOFF,
                          "%s: dialing failed lately and is not tried "
                          "again yet (%s)",
                          uri, state);
    case TALLY_REFUSAL_CLOSED:
      return g_error_new (TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, "%s: the pool is closed", uri);
    case TALLY_REFUSAL_FULL:
    default:
      return g_error_new (TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "%s: the pool is exhausted (%s)",
                          uri, state);
    }
}

static gboolean
is_exhausted (const TallyWaiter *waiter)
{
  return waiter->refusal == TALLY_REFUSAL_FULL || waiter->refusal == TALLY_REFUSAL_ESTIMATE
         || waiter->refusal == TALLY_REFUSAL_TIMED_OUT;
}

/* Not under any lock. @state: (transfer full), replaced. */
static void
add_totals (TallyBucket *bucket, gchar **state)
{
  g_autofree gchar *own = *state;
  g_autofree gchar *totals = tally_core_describe_totals (bucket->core);

  *state = g_strconcat (own, "; ", totals, NULL);
}

/* Unlocks. (transfer full): what became of @waiter, which failed. */
GError *
tally_bucket_fail_and_unlock (TallyBucket *bucket, TallyWaiter *waiter)
{
  gboolean tells_state = is_exhausted (waiter) || waiter->refusal == TALLY_REFUSAL_BACKOFF;
  g_autofree gchar *text = NULL;
  TallyPolicyState state;
  gboolean is_held_back;
  GError *error;
  TallyInstant now;

  tally_bucket_now_locked (bucket, &now);
  if (tells_state)
    tally_policy_get_state (&bucket->policy, &now, &state);
  is_held_back = is_exhausted (waiter) && tally_policy_has_room (&bucket->policy)
                 && !tally_policy_has_room_in_total (&bucket->policy);
  tally_bucket_work_and_unlock (bucket);
  if (tells_state)
    text = tally_bucket_describe (bucket, &state);
  if (is_held_back)
    add_totals (bucket, &text);
  if (waiter->refusal == TALLY_REFUSAL_DIAL)
    return g_steal_pointer (&waiter->error);
  g_clear_error (&waiter->error);
  error = make_error (bucket, waiter, text);
  if (is_exhausted (waiter))
    tally_bucket_emit (bucket, &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_EXHAUSTED,
                                                  .label = waiter->label,
                                                  .thread = waiter->thread,
                                                  .duration = now.mono - waiter->arrived });
  return error;
}

/* ---- borrow ---- */

/* @self was given a connection. Locked before and after; FALSE when the connection proved unusable
 * and @self has asked again. */
static gboolean
accept_locked (SyncWaiter *self, GCancellable *cancellable)
{
  TallyBucket *bucket = self->bucket;
  TallyWaiter *waiter = &self->waiter;
  guint forks = bucket->forks;
  TallyFinding finding = { TALLY_CLOSE_NONE, FALSE };
  TallyInstant now;

  if (tally_bucket_must_check_locked (bucket, waiter))
    finding = tally_bucket_examine_locked (bucket, waiter->hold->conn, waiter->idle_age,
                                           waiter->deadline, cancellable);
  tally_bucket_now_locked (bucket, &now);
  if (bucket->forks != forks)
    tally_policy_ask_in_child (&bucket->policy, &now, waiter);
  else if (finding.reason != TALLY_CLOSE_NONE)
    {
      tally_bucket_check_failed_locked (bucket, &now, waiter->hold, finding);
      waiter->cancelled = g_cancellable_is_cancelled (cancellable);
      tally_policy_ask (&bucket->policy, &now, waiter);
    }
  else
    {
      tally_policy_checked (&bucket->policy, &now, waiter->hold);
      return TRUE;
    }
  return FALSE;
}

static void
unlock_with_lease (SyncWaiter *self, TallyLease *lease)
{
  TallyWaiter *waiter = &self->waiter;

  tally_bucket_fill_lease (self->bucket, waiter, lease);
  if (self->bucket->policy.options.leak_threshold > 0)
    tally_bucket_schedule_locked (self->bucket);
  tally_bucket_work_and_unlock (self->bucket);
  if (waiter->waited > 0)
    tally_bucket_emit (self->bucket, &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_WAITED,
                                                        .label = waiter->label,
                                                        .thread = waiter->thread,
                                                        .duration = waiter->waited });
}

static gboolean
see_on (SyncWaiter *self, GCancellable *cancellable, TallyLease *lease, GError **error)
{
  TallyWaiter *waiter = &self->waiter;

  for (;;)
    switch (waiter->state)
      {
      case TALLY_WAITER_NEW:
        g_assert_not_reached ();
      case TALLY_WAITER_QUEUED:
        wait_in_queue (self, cancellable);
        break;
      case TALLY_WAITER_PERMIT:
        tally_dial_on_caller (self->bucket, waiter, cancellable);
        break;
      case TALLY_WAITER_SERVED:
        if (!accept_locked (self, cancellable))
          break;
        unlock_with_lease (self, lease);
        return TRUE;
      case TALLY_WAITER_FAILED:
        g_propagate_error (error, tally_bucket_fail_and_unlock (self->bucket, waiter));
        return FALSE;
      }
}

/* Locked before, unlocked after; @self has asked, and ends here. */
static gboolean
see_through (SyncWaiter *self, GCancellable *cancellable, TallyLease *lease, GError **error)
{
  TallyClaim claim;
  gboolean done;

  tally_claim_push (&claim, self->bucket, 0, &self->waiter);
  done = see_on (self, cancellable, lease, error);
  tally_claim_pop (&claim);
  if (self->has_changed)
    pthread_cond_destroy (&self->changed);
  return done;
}

static void
init_waiter (SyncWaiter *self, TallyBucket *bucket, const gchar *label, gint64 deadline)
{
  *self = (SyncWaiter){
    .waiter = { .label = label,
                .thread = tally_get_thread_id (),
                .wake = wake_borrower,
                .may_dial = TRUE,
                .deadline = deadline < 0 ? G_MAXINT64 : deadline },
    .bucket = bucket,
  };
}

gboolean
tally_bucket_borrow_slowly (TallyBucket *bucket,
                            const gchar *label,
                            gint64 deadline,
                            gint64 since,
                            gboolean goes_on,
                            GCancellable *cancellable,
                            TallyLease *lease,
                            GError **error)
{
  SyncWaiter self;
  TallyInstant now;

  init_waiter (&self, bucket, label, deadline);
  self.waiter.goes_on = goes_on;
  self.waiter.fresh = since != TALLY_DIALED_ANY_TIME;
  self.waiter.unused = since == TALLY_DIALED_NEVER_LENT;
  self.waiter.since = MAX (since, 0);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (g_cancellable_is_cancelled (cancellable))
    tally_policy_refuse (&bucket->policy, &now, &self.waiter, TALLY_REFUSAL_CANCELLED);
  else
    tally_policy_ask (&bucket->policy, &now, &self.waiter);
  return see_through (&self, cancellable, lease, error);
}

void
tally_bucket_ask_again_locked (TallyBucket *bucket,
                               const TallyTaken *taken,
                               TallyFinding finding,
                               TallyWaiter *waiter,
                               GCancellable *cancellable)
{
  gint64 began = taken->hold->since;
  TallyInstant now;

  tally_bucket_now_locked (bucket, &now);
  tally_bucket_check_failed_locked (bucket, &now, taken->hold, finding);
  waiter->cancelled = g_cancellable_is_cancelled (cancellable);
  tally_policy_ask_again (&bucket->policy, &now, waiter, began, taken->ticket);
}

gboolean
tally_bucket_borrow_again (TallyBucket *bucket,
                           const TallyTaken *taken,
                           TallyFinding finding,
                           const gchar *label,
                           gint64 deadline,
                           gboolean goes_on,
                           GCancellable *cancellable,
                           TallyLease *lease,
                           GError **error)
{
  SyncWaiter self;

  init_waiter (&self, bucket, label, deadline);
  self.waiter.goes_on = goes_on;
  tally_bucket_lock (bucket);
  tally_bucket_ask_again_locked (bucket, taken, finding, &self.waiter, cancellable);
  return see_through (&self, cancellable, lease, error);
}

static gboolean
waits_for_ready (TallyBucket *bucket)
{
  gboolean waits;

  pthread_mutex_lock (&bucket->lock);
  waits = bucket->policy.options.wait_for_ready;
  pthread_mutex_unlock (&bucket->lock);
  return waits;
}

gboolean
tally_bucket_borrow_or_go_on (TallyBucket *bucket,
                              const gchar *label,
                              gint64 since,
                              gint64 deadline,
                              GCancellable *cancellable,
                              TallyLease *lease,
                              GError **error)
{
  TallyFinding finding = { TALLY_CLOSE_NONE, FALSE };
  TallyTaken taken;
  gboolean may_have_any =
      since == TALLY_DIALED_ANY_TIME && !g_cancellable_is_cancelled (cancellable);

  if (may_have_any
      && tally_bucket_borrow_at_once (bucket, label, deadline, cancellable, lease, &taken,
                                      &finding))
    return TRUE;
  if (finding.reason != TALLY_CLOSE_NONE)
    return tally_bucket_borrow_again (bucket, &taken, finding, label, deadline, TRUE, cancellable,
                                      lease, error);
  if (may_have_any && !waits_for_ready (bucket))
    return tally_bucket_borrow (bucket, label, deadline, cancellable, lease, error);
  return tally_bucket_borrow_slowly (bucket, label, deadline, since, TRUE, cancellable, lease,
                                     error);
}

gboolean
tally_bucket_borrow_unused (TallyBucket *bucket,
                            const gchar *label,
                            gint64 deadline,
                            GCancellable *cancellable,
                            TallyLease *lease,
                            GError **error)
{
  return tally_bucket_borrow_slowly (bucket, label, deadline, TALLY_DIALED_NEVER_LENT, FALSE,
                                     cancellable, lease, error);
}

/**
 * tally_bucket_borrow_fresh:
 * @bucket: a bucket
 * @label: (nullable): as in tally_bucket_borrow()
 * @deadline: the same
 * @cancellable: (nullable): the same
 * @lease: (out): the same
 *
 * As tally_bucket_borrow(), but always a connection whose dial began after this call: for a call's
 * one replay (rule 13) and for calls that want a connection each. It counts against the same limits
 * and waits in the same queue; where there is no room, an idle connection is closed for it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
gboolean
tally_bucket_borrow_fresh (TallyBucket *bucket,
                           const gchar *label,
                           gint64 deadline,
                           GCancellable *cancellable,
                           TallyLease *lease,
                           GError **error)
{
  g_return_val_if_fail (bucket != NULL && lease != NULL, FALSE);
  return tally_bucket_borrow_slowly (bucket, label, deadline, 0, FALSE, cancellable, lease, error);
}

gboolean
tally_bucket_borrow_dialed_since (TallyBucket *bucket,
                                  const gchar *label,
                                  gint64 since,
                                  gint64 deadline,
                                  GCancellable *cancellable,
                                  TallyLease *lease,
                                  GError **error)
{
  g_return_val_if_fail (bucket != NULL && lease != NULL && since >= 0, FALSE);
  return tally_bucket_borrow_slowly (bucket, label, deadline, since, FALSE, cancellable, lease,
                                     error);
}
