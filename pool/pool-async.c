/* Owns borrowing without a thread of one's own: the same waiter in the same queue, completed in the main context
 * that is told. Nothing is called back under a lock, nor before the start function has returned, nor inside of
 * another call of the pool. */
#include "cancel-watch-internal.h"
#include "balance-private.h"
#include "borrow-private.h"
#include "claims-private.h"
#include "health-private.h"
#include "lease-internal.h"
#include "thread-id-private.h"
#include "threads-private.h"
#include "work-private.h"

typedef struct
{
  TallyWaiter waiter; /* first; protected by the bucket's lock */
  gint ref_count;     /* atomic: each source's, the queue's */
  TallyBucket *bucket;
  GMainContext *context;
  TallyBorrowCallback callback;
  gpointer user_data;
  GDestroyNotify destroy;    /* nullable; of the data of a callback that will not be called */
  GCancellable *cancellable; /* nullable; the caller's, until it is called back */
  GError *error;             /* atomic, set last; or else the lease is the result */
  GSource *timer;            /* of the context, destroyed on completion; nullable */
  TallyCancelWatch watch;
  TallyLease lease; /* empty once another thread has it */
} AsyncBorrow;

static AsyncBorrow *
async_borrow_ref (AsyncBorrow *self)
{
  __atomic_add_fetch (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

static void
async_borrow_unref (gpointer data)
{
  AsyncBorrow *self = data;

  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (self->lease.transport != NULL) /* its context has ended before */
    tally_bucket_release (self->bucket, &self->lease, TALLY_OUTCOME_CLEAN);
  g_clear_pointer (&self->timer, g_source_unref);
  g_clear_error (&self->error);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_main_context_unref (self->context);
  tally_bucket_unref (self->bucket);
  g_free (self);
}

static gboolean
return_result (gpointer data)
{
  AsyncBorrow *self = data;
  GError *error = __atomic_exchange_n (&self->error, NULL, __ATOMIC_ACQ_REL);
  TallyLease lease = self->lease;

  self->lease = (TallyLease){ 0 };
  self->destroy = NULL;
  self->callback (&lease, error, self->user_data);
  return G_SOURCE_REMOVE;
}

/* Not under any lock. Uses up the queue's reference. To call back at once would be within another caller's
 * release, which may stand in a callback itself. */
static void
finish_borrow (AsyncBorrow *self, GError *error)
{
  /* Given up last: GLib before 2.80 looks at a source's context when the source is, and it may end with the borrow. */
  g_autoptr (GMainContext) context = g_main_context_ref (self->context);
  g_autoptr (GSource) source = g_timeout_source_new (0);

  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  tally_cancel_watch_end (&self->watch);
  g_source_set_callback (source, return_result, self, async_borrow_unref);
  __atomic_store_n (&self->error, error, __ATOMIC_RELEASE);
  g_source_attach (source, context);
}

/* With the lock, for tally_bucket_work_and_unlock () to complete. */
static void
wake_borrow (TallyWaiter *waiter)
{
  TallyBucket *bucket = ((AsyncBorrow *) waiter)->bucket;

  waiter->next = bucket->ready;
  bucket->ready = waiter;
}

/* Locked before and after; @self was given a connection. FALSE when it proved unusable and @self
 * asked again. */
static gboolean
accept_borrowed_locked (AsyncBorrow *self)
{
  TallyBucket *bucket = self->bucket;
  TallyWaiter *waiter = &self->waiter;
  guint forks = bucket->forks;
  GCancellable *cancellable = self->cancellable;
  TallyFinding finding = { TALLY_CLOSE_NONE, FALSE };
  TallyInstant now;

  if (tally_bucket_must_check_locked (bucket, waiter))
    finding = tally_bucket_examine_locked (bucket, waiter->hold->conn, waiter->idle_age,
                                           waiter->deadline, cancellable);
  tally_bucket_now_locked (bucket, &now);
  if (bucket->forks != forks)
    {
      tally_policy_ask_in_child (&bucket->policy, &now, waiter);
      return FALSE;
    }
  if (finding.reason == TALLY_CLOSE_NONE)
    {
      tally_policy_checked (&bucket->policy, &now, waiter->hold);
      tally_bucket_fill_lease (bucket, waiter, &self->lease);
      if (bucket->policy.options.leak_threshold > 0)
        tally_bucket_schedule_locked (bucket);
      return TRUE;
    }
  tally_bucket_check_failed_locked (bucket, &now, waiter->hold, finding);
  /* The sources that end the wait may have been used up while it was served. */
  waiter->cancelled = g_cancellable_is_cancelled (cancellable);
  tally_policy_ask (&bucket->policy, &now, waiter);
  return FALSE;
}

static void proceed (AsyncBorrow *self);
static void wait_for_connection (AsyncBorrow *self);

static gboolean
on_borrow_cancelled (gpointer data)
{
  AsyncBorrow *self = data;
  TallyInstant now;

  tally_bucket_lock (self->bucket);
  tally_bucket_now_locked (self->bucket, &now);
  if (tally_policy_leave (&self->bucket->policy, &now, &self->waiter, TALLY_REFUSAL_CANCELLED))
    proceed (self);
  else
    tally_bucket_work_and_unlock (self->bucket);
  return G_SOURCE_REMOVE;
}

static void set_timer_locked (AsyncBorrow *self);

static gboolean
on_borrow_deadline (gpointer data)
{
  AsyncBorrow *self = data;
  TallyInstant now;

  tally_bucket_lock (self->bucket);
  tally_bucket_now_locked (self->bucket, &now);
  if (tally_policy_time_out (&self->bucket->policy, &now, &self->waiter))
    {
      proceed (self);
      return G_SOURCE_REMOVE;
    }
  if (self->waiter.state == TALLY_WAITER_QUEUED)
    set_timer_locked (self);
  tally_bucket_work_and_unlock (self->bucket);
  return G_SOURCE_REMOVE;
}

/* For the waiter's deadline, in place of the timer that there was. */
static void
set_timer_locked (AsyncBorrow *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  self->timer = g_timeout_source_new (0);
  g_source_set_ready_time (self->timer, self->waiter.deadline);
  g_source_set_callback (self->timer, on_borrow_deadline, async_borrow_ref (self),
                         async_borrow_unref);
  g_source_attach (self->timer, self->context);
}

/* With the lock, so that no thread can complete the waiter before. */
static void
prepare_to_leave (AsyncBorrow *self)
{
  GCancellable *cancellable = self->cancellable;

  tally_bucket_await_backoff_locked (self->bucket);
  set_timer_locked (self);
  if (cancellable != NULL && self->watch.source == NULL)
    tally_cancel_watch_begin (&self->watch, cancellable, self->context, on_borrow_cancelled,
                              async_borrow_ref (self), async_borrow_unref);
}

/* Locked before, unlocked after. Completes @self if its borrow is decided; else it stays in the
 * queue. */
static void
proceed (AsyncBorrow *self)
{
  TallyBucket *bucket = self->bucket;
  TallyWaiter *waiter = &self->waiter;
  GError *error = NULL;
  TallyClaim claim;

  tally_claim_push (&claim, bucket, 0, waiter);
  while (waiter->state == TALLY_WAITER_SERVED)
    if (accept_borrowed_locked (self))
      {
        tally_bucket_work_and_unlock (bucket);
        if (waiter->waited > 0)
          tally_bucket_emit (bucket, &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_WAITED,
                                                        .label = waiter->label,
                                                        .thread = waiter->thread,
                                                        .duration = waiter->waited });
        tally_claim_pop (&claim);
        finish_borrow (self, NULL);
        return;
      }
  tally_claim_pop (&claim);
  if (waiter->state == TALLY_WAITER_FAILED)
    {
      error = tally_bucket_fail_and_unlock (bucket, waiter);
      finish_borrow (self, error);
    }
  else
    wait_for_connection (self);
}

/* Locked before, unlocked after. */
static void
wait_for_connection (AsyncBorrow *self)
{
  TallyBucket *bucket = self->bucket;
  gboolean held_back = self->waiter.held_back;

  prepare_to_leave (self);
  async_borrow_ref (self); /* from now on others may complete it */
  tally_bucket_work_and_unlock (bucket);
  if (held_back)
    {
      if (tally_bucket_lock_and_admit (bucket, &self->waiter, TRUE))
        proceed (self);
      else
        tally_bucket_work_and_unlock (bucket);
    }
  async_borrow_unref (self);
}

static gpointer
check_on_thread (gpointer data)
{
  AsyncBorrow *self = data;

  tally_bucket_lock (self->bucket);
  proceed (self);
  return NULL;
}

/* Not under any lock: @waiter is no longer in the queue. A check hook may block, so that it gets a
 * thread. */
static void
complete_borrow (TallyWaiter *waiter)
{
  AsyncBorrow *self = (AsyncBorrow *) waiter;
  gboolean blocks;

  tally_bucket_lock (self->bucket);
  blocks = waiter->state == TALLY_WAITER_SERVED && self->bucket->hooks[TALLY_HOOK_CHECK] != NULL
           && tally_bucket_must_check_locked (self->bucket, waiter);
  if (!blocks)
    {
      proceed (self);
      return;
    }
  tally_bucket_work_and_unlock (self->bucket);
  if (!tally_run_on_thread (self->bucket->core, check_on_thread, self, FALSE))
    check_on_thread (self);
}

/* Locked before and after. TRUE when @self, which has asked, has its connection; a check hook may block. */
static gboolean
accept_at_once_locked (AsyncBorrow *self)
{
  TallyClaim claim;
  gboolean accepted;

  if (self->waiter.state != TALLY_WAITER_SERVED || self->bucket->hooks[TALLY_HOOK_CHECK] != NULL)
    return FALSE;
  tally_claim_push (&claim, self->bucket, 0, &self->waiter);
  accepted = accept_borrowed_locked (self);
  tally_claim_pop (&claim);
  return accepted;
}

static AsyncBorrow *
async_borrow_new (TallyBucket *bucket,
                  const gchar *label,
                  gint64 since,
                  gint64 deadline,
                  GCancellable *cancellable,
                  GMainContext *context,
                  TallyBorrowCallback callback,
                  gpointer user_data)
{
  AsyncBorrow *self = g_new0 (AsyncBorrow, 1);

  self->ref_count = 1;
  self->bucket = tally_bucket_ref (bucket);
  self->cancellable = cancellable;
  self->context = g_main_context_ref (context);
  self->callback = callback;
  self->user_data = user_data;
  self->waiter = (TallyWaiter){ .label = label,
                                .thread = tally_get_thread_id (),
                                .wake = wake_borrow,
                                .complete = complete_borrow,
                                .fresh = since != TALLY_DIALED_ANY_TIME,
                                .unused = since == TALLY_DIALED_NEVER_LENT,
                                .since = MAX (since, 0),
                                .deadline = deadline < 0 ? G_MAXINT64 : deadline };
  return self;
}

/* Locked before, unlocked after. @self has asked; what tally_bucket_borrow_soon () returns. */
static gboolean
deliver_or_wait (AsyncBorrow *self, TallyLease *lease)
{
  if (lease != NULL && accept_at_once_locked (self))
    {
      tally_bucket_work_and_unlock (self->bucket);
      *lease = self->lease;
      self->lease = (TallyLease){ 0 };
      async_borrow_unref (self);
      return TRUE;
    }
  if (self->waiter.state == TALLY_WAITER_QUEUED)
    {
      wait_for_connection (self);
      return FALSE;
    }
  tally_bucket_work_and_unlock (self->bucket);
  complete_borrow (&self->waiter);
  return FALSE;
}

/* Locked after. */
static void
ask_and_lock (AsyncBorrow *self)
{
  TallyInstant now;

  tally_bucket_lock (self->bucket);
  tally_bucket_now_locked (self->bucket, &now);
  if (g_cancellable_is_cancelled (self->cancellable))
    tally_policy_refuse (&self->bucket->policy, &now, &self->waiter, TALLY_REFUSAL_CANCELLED);
  else
    tally_policy_ask (&self->bucket->policy, &now, &self->waiter);
}

gboolean
tally_bucket_borrow_soon (TallyBucket *bucket,
                          const gchar *label,
                          gint64 since,
                          gint64 deadline,
                          gboolean goes_on,
                          GCancellable *cancellable,
                          TallyLease *lease,
                          GMainContext *context,
                          TallyBorrowCallback callback,
                          gpointer user_data)
{
  TallyFinding finding = { TALLY_CLOSE_NONE, FALSE };
  TallyTaken taken;
  AsyncBorrow *self;

  if (lease != NULL && since == TALLY_DIALED_ANY_TIME && !g_cancellable_is_cancelled (cancellable)
      && tally_bucket_borrow_at_once (bucket, label, deadline, cancellable, lease, &taken,
                                      &finding))
    return TRUE;
  self =
      async_borrow_new (bucket, label, since, deadline, cancellable, context, callback, user_data);
  self->waiter.goes_on = goes_on;
  if (finding.reason == TALLY_CLOSE_NONE)
    ask_and_lock (self);
  else
    {
      tally_bucket_lock (bucket);
      tally_bucket_ask_again_locked (bucket, &taken, finding, &self->waiter, cancellable);
    }
  return deliver_or_wait (self, lease);
}

/* ---- as a GTask ---- */

/* What a task returns. */
typedef struct
{
  TallyBucket *bucket;
  TallyLease lease; /* empty once another has it */
} Borrowed;

static void
borrowed_free (gpointer data)
{
  Borrowed *self = data;

  if (self->lease.transport != NULL) /* the result was not fetched */
    tally_bucket_release (self->bucket, &self->lease, TALLY_OUTCOME_CLEAN);
  tally_bucket_unref (self->bucket);
  g_free (self);
}

static void
return_to_task (const TallyLease *lease, GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;
  Borrowed *borrowed = g_task_get_task_data (task);

  borrowed->lease = *lease;
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/**
 * tally_bucket_borrow_async:
 * @bucket: a bucket
 * @label: (nullable): as in tally_bucket_borrow()
 * @deadline: the same
 * @cancellable: (nullable): the same
 * @callback: called in the caller's thread-default main context
 * @user_data: for @callback
 *
 * As tally_bucket_borrow(), without blocking: the caller waits in the same queue as those that
 * block. @label must outlive the lease. A reference to @bucket is kept until @callback has
 * returned; a lease that nobody fetches with tally_bucket_borrow_finish() goes back to the pool.
 * Thread-safe.
 */
void
tally_bucket_borrow_async (TallyBucket *bucket,
                           const gchar *label,
                           gint64 deadline,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  AsyncBorrow *self;
  Borrowed *borrowed;
  GTask *task;

  g_return_if_fail (bucket != NULL);
  borrowed = g_new0 (Borrowed, 1);
  borrowed->bucket = tally_bucket_ref (bucket);
  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tally_bucket_borrow_async);
  g_task_set_check_cancellable (task, FALSE); /* what was lent is delivered: it must come back */
  g_task_set_task_data (task, borrowed, borrowed_free);
  self = async_borrow_new (bucket, label, TALLY_DIALED_ANY_TIME, deadline, cancellable,
                           g_task_get_context (task), return_to_task, task);
  self->destroy = g_object_unref;
  ask_and_lock (self);
  deliver_or_wait (self, NULL);
}

/**
 * tally_bucket_borrow_finish:
 * @bucket: a bucket
 * @result: what the callback was given
 * @lease: (out): the connection; untouched on failure
 *
 * Returns: %TRUE, or %FALSE with @error set as by tally_bucket_borrow()
 */
gboolean
tally_bucket_borrow_finish (TallyBucket *bucket,
                            GAsyncResult *result,
                            TallyLease *lease,
                            GError **error)
{
  Borrowed *borrowed;

  g_return_val_if_fail (bucket != NULL && lease != NULL && g_task_is_valid (result, NULL), FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  borrowed = g_task_get_task_data (G_TASK (result));
  *lease = borrowed->lease;
  borrowed->lease = (TallyLease){ 0 };
  return TRUE;
}
