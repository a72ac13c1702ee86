/* Owns borrowing and releasing: the policy of one endpoint put to work between threads. It knows no
 * property and no call; what must happen without the lock happens in tally_bucket_unlock (). */
#include "pool-private.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long an offset between the two clocks is believed: only a suspension changes it. */
#define OFFSET_AGE (4 * G_TIME_SPAN_MILLISECOND)

/* A borrower that waits on its own thread. */
typedef struct
{
  TallyWaiter waiter; /* first; protected by the bucket's lock */
  TallyBucket *bucket;
  pthread_cond_t changed;
  gboolean cancelled; /* the same lock */
} SyncWaiter;

static __thread guint32 thread_id __attribute__ ((tls_model ("initial-exec")));

static guint32
get_thread_id (void)
{
  if (G_UNLIKELY (thread_id == 0))
    thread_id = (guint32) gettid ();
  return thread_id;
}

/* ---- time ---- */

static inline gint64
read_clock (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  return time.tv_sec * G_TIME_SPAN_SECOND + time.tv_nsec / 1000;
}

static inline gint64
read_monotonic (TallyBucket *bucket)
{
  gboolean coarse = __atomic_load_n (&bucket->coarse, __ATOMIC_RELAXED);

  return read_clock (coarse ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
}

static inline void
complete_instant_locked (TallyBucket *bucket, TallyInstant *now)
{
  if (G_UNLIKELY (now->mono - bucket->boot_offset_read >= OFFSET_AGE))
    {
      bucket->boot_offset = read_clock (CLOCK_BOOTTIME) - read_clock (CLOCK_MONOTONIC);
      bucket->boot_offset_read = now->mono;
    }
  now->boot = now->mono + bucket->boot_offset;
}

void
tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now)
{
  now->mono = read_monotonic (bucket);
  complete_instant_locked (bucket, now);
}

void
tally_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attributes);
  pthread_condattr_destroy (&attributes);
}

/* FALSE when @deadline (microseconds, monotonic; G_MAXINT64: none) has passed. */
gboolean
tally_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline)
{
  struct timespec time = { deadline / G_TIME_SPAN_SECOND, (deadline % G_TIME_SPAN_SECOND) * 1000 };

  if (deadline == G_MAXINT64)
    return pthread_cond_wait (cond, lock) == 0;
  return pthread_cond_timedwait (cond, lock, &time) == 0;
}

/* ---- the lock, and what is done without it ---- */

void
tally_bucket_lock (TallyBucket *bucket)
{
  pthread_mutex_lock (&bucket->lock);
}

static void
close_connection (TallyConn *conn)
{
  thrift_transport_close (conn->payload, NULL);
  g_object_unref (conn->payload);
}

static void
report_closed_locked (TallyBucket *bucket, TallyConn *closing)
{
  TallyInstant now;
  TallyConn *next;

  tally_bucket_now_locked (bucket, &now);
  for (TallyConn *conn = closing; conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_closed (&bucket->policy, &now, conn);
    }
}

/* Unlocks, after having done, without the lock, what the policy asked for; that may make it ask for more. */
void
tally_bucket_unlock (TallyBucket *bucket)
{
  TallyPolicy *policy = &bucket->policy;
  gboolean closed;

  while (G_UNLIKELY (policy->closing != NULL || policy->to_dial != NULL))
    {
      TallyConn *closing = g_steal_pointer (&policy->closing);
      TallyConn *to_dial = g_steal_pointer (&policy->to_dial);
      TallyConn *next;

      pthread_mutex_unlock (&bucket->lock);
      for (TallyConn *conn = closing; conn != NULL; conn = conn->next)
        close_connection (conn);
      for (TallyConn *conn = to_dial; conn != NULL; conn = next)
        {
          next = conn->next;
          tally_dial_on_thread (bucket, conn);
        }
      pthread_mutex_lock (&bucket->lock);
      report_closed_locked (bucket, closing);
    }
  closed = policy->closed;
  pthread_mutex_unlock (&bucket->lock);
  if (G_UNLIKELY (closed))
    tally_core_changed (bucket->core);
}

/* ---- is it alive? ---- */

/* Asks once more why a socket is not clean. */
static TallyCloseReason
find_reason (TallySocket *socket)
{
  gsize length = 0;
  gchar byte;

  tally_socket_peek_input (socket, &length);
  if (length > 0 || recv (tally_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
    return TALLY_CLOSE_UNREAD;
  return TALLY_CLOSE_DEAD;
}

/* Without the lock. @hook, if there is one, is used up. */
static TallyCloseReason
examine (TallyBucket *bucket, const TallyConn *conn, TallyHook *hook, gint64 idle_age)
{
  if (hook != NULL)
    return tally_hook_check (bucket, hook, conn->payload, idle_age) ? TALLY_CLOSE_NONE : TALLY_CLOSE_DEAD;
  if (conn->socket != NULL)
    return tally_socket_is_clean (conn->socket) ? TALLY_CLOSE_NONE : find_reason (conn->socket);
  return thrift_transport_is_open (conn->payload) ? TALLY_CLOSE_NONE : TALLY_CLOSE_DEAD;
}

static inline gboolean
must_check (const TallyPolicy *policy, gint64 idle_age)
{
  return policy->options.check == TALLY_POOL_CHECK_ALWAYS
         || (policy->options.check == TALLY_POOL_CHECK_AUTO && idle_age >= policy->options.check_after);
}

static void
fill_lease (TallyLease *lease, TallyBucket *bucket, TallyHold *hold, guint64 generation, gboolean reused)
{
  lease->transport = hold->conn->payload;
  lease->reused = reused;
  lease->bucket = bucket;
  lease->slot = hold;
  lease->generation = generation;
}

/* ---- waiting ---- */

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  SyncWaiter *self = user_data;

  pthread_mutex_lock (&self->bucket->lock);
  self->cancelled = TRUE;
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->bucket->lock);
}

void
tally_sync_waiter_wake (TallyWaiter *waiter)
{
  pthread_cond_signal (&((SyncWaiter *) waiter)->changed);
}

static void
wait_locked (SyncWaiter *self)
{
  TallyPolicy *policy = &self->bucket->policy;
  TallyWaiter *waiter = &self->waiter;
  TallyInstant now;

  while (waiter->state == TALLY_WAITER_QUEUED)
    {
      gboolean in_time = self->cancelled
                         || tally_cond_wait_until (&self->changed, &self->bucket->lock, waiter->deadline);

      tally_bucket_now_locked (self->bucket, &now);
      if (self->cancelled)
        tally_policy_leave (policy, &now, waiter, TALLY_REFUSAL_CANCELLED);
      else if (!in_time)
        tally_policy_leave (policy, &now, waiter, TALLY_REFUSAL_TIMED_OUT);
    }
}

/* Locked before and after. Connecting to the cancellable may call on_cancelled () at once, and disconnecting
 * waits for it: neither is done under the lock. */
static void
wait_in_queue (SyncWaiter *self, GCancellable *cancellable)
{
  gulong handler = 0;

  if (cancellable != NULL)
    {
      tally_bucket_unlock (self->bucket);
      handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
      tally_bucket_lock (self->bucket);
    }
  else if (self->bucket->policy.closing != NULL || self->bucket->policy.to_dial != NULL)
    {
      tally_bucket_unlock (self->bucket);
      tally_bucket_lock (self->bucket);
    }
  wait_locked (self);
  if (handler == 0)
    return;
  tally_bucket_unlock (self->bucket);
  g_cancellable_disconnect (cancellable, handler);
  tally_bucket_lock (self->bucket);
}

/* ---- errors ---- */

static const struct
{
  gint code;
  const gchar *text;
} refusals[] = {
  [TALLY_REFUSAL_TIMED_OUT] = { TALLY_ERROR_TIMED_OUT, "no connection within the time allowed; nothing was sent" },
  [TALLY_REFUSAL_FULL] = { TALLY_ERROR_POOL_EXHAUSTED, "the pool is exhausted" },
  [TALLY_REFUSAL_ESTIMATE] = { TALLY_ERROR_POOL_EXHAUSTED, "the pool is exhausted" },
  [TALLY_REFUSAL_BACKOFF] = { TALLY_ERROR_BACKOFF, "dialing failed lately and is not tried again yet" },
  [TALLY_REFUSAL_CLOSED] = { TALLY_ERROR_POOL_CLOSED, "the pool is closed" },
};

/* Unlocks. Sets @error to what became of @waiter, which failed. */
static void
unlock_with_error (TallyBucket *bucket, TallyWaiter *waiter, GError **error)
{
  const gchar *uri = tally_endpoint_get_uri (bucket->endpoint);
  g_autofree gchar *state = NULL;
  TallyInstant now;

  tally_bucket_now_locked (bucket, &now);
  if (waiter->refusal != TALLY_REFUSAL_DIAL && waiter->refusal != TALLY_REFUSAL_CANCELLED && error != NULL)
    state = tally_policy_describe (&bucket->policy, &now);
  tally_bucket_unlock (bucket);
  if (waiter->refusal == TALLY_REFUSAL_DIAL)
    {
      g_propagate_error (error, g_steal_pointer (&waiter->error));
      return;
    }
  g_clear_error (&waiter->error);
  if (waiter->refusal == TALLY_REFUSAL_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s: cancelled before a connection was there", uri);
  else if (waiter->refusal == TALLY_REFUSAL_ESTIMATE)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED,
                 "%s: the wait for a connection, about %.3f s, would pass the deadline (%s)", uri,
                 (gdouble) waiter->estimate / G_TIME_SPAN_SECOND, state);
  else
    g_set_error (error, TALLY_ERROR, refusals[waiter->refusal].code, "%s: %s (%s)", uri,
                 refusals[waiter->refusal].text, state);
}

/* ---- borrow ---- */

/* @self was given a connection. Locked before and after; FALSE when the connection proved unusable and
 * @self has asked again. */
static gboolean
accept_locked (SyncWaiter *self)
{
  TallyBucket *bucket = self->bucket;
  TallyWaiter *waiter = &self->waiter;
  TallyCloseReason reason;
  TallyInstant now;
  TallyHook *hook;

  if (!waiter->reused || !must_check (&bucket->policy, waiter->idle_age))
    return TRUE;
  hook = tally_bucket_take_hook_locked (bucket, TALLY_HOOK_CHECK);
  tally_bucket_unlock (bucket);
  reason = examine (bucket, waiter->hold->conn, hook, waiter->idle_age);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (reason == TALLY_CLOSE_NONE)
    {
      tally_policy_checked (&bucket->policy, &now, waiter->hold);
      return TRUE;
    }
  tally_policy_check_failed (&bucket->policy, &now, waiter->hold, reason);
  tally_policy_ask (&bucket->policy, &now, waiter);
  return FALSE;
}

/* Locked before, unlocked after; @waiter has asked. */
static gboolean
see_through (SyncWaiter *self, GCancellable *cancellable, TallyLease *lease, GError **error)
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
        if (!accept_locked (self))
          break;
        fill_lease (lease, self->bucket, waiter->hold, waiter->generation, waiter->reused);
        tally_bucket_unlock (self->bucket);
        return TRUE;
      case TALLY_WAITER_FAILED:
        unlock_with_error (self->bucket, waiter, error);
        return FALSE;
      }
}

static void
init_waiter (SyncWaiter *self, TallyBucket *bucket, const gchar *label, gint64 deadline, gboolean fresh)
{
  *self = (SyncWaiter) {
    .waiter = { .label = label, .thread = get_thread_id (), .fresh = fresh, .may_dial = TRUE,
                .deadline = deadline < 0 ? G_MAXINT64 : deadline },
    .bucket = bucket,
  };
  tally_cond_init (&self->changed);
}

static gboolean
borrow_slowly (TallyBucket *bucket, const gchar *label, gint64 deadline, gboolean fresh,
               GCancellable *cancellable, TallyLease *lease, GError **error)
{
  SyncWaiter self;
  TallyInstant now;
  gboolean done;

  init_waiter (&self, bucket, label, deadline, fresh);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (g_cancellable_is_cancelled (cancellable))
    tally_policy_refuse (&bucket->policy, &now, &self.waiter, TALLY_REFUSAL_CANCELLED);
  else
    tally_policy_ask (&bucket->policy, &now, &self.waiter);
  done = see_through (&self, cancellable, lease, error);
  pthread_cond_destroy (&self.changed);
  return done;
}

/* The connection that tally_bucket_borrow () took proved unusable: the borrow goes on as if it had
 * only now begun, but for its place. */
static gboolean
borrow_again (TallyBucket *bucket, TallyHold *hold, TallyCloseReason reason, gint64 deadline,
              GCancellable *cancellable, TallyLease *lease, GError **error)
{
  TallyPolicy *policy = &bucket->policy;
  SyncWaiter self;
  TallyInstant now;
  gboolean done;

  init_waiter (&self, bucket, hold->label, deadline, FALSE);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_check_failed (policy, &now, hold, reason);
  tally_policy_ask_again (policy, &now, &self.waiter);
  done = see_through (&self, cancellable, lease, error);
  pthread_cond_destroy (&self.changed);
  return done;
}

gboolean
tally_bucket_borrow (TallyBucket *bucket, const gchar *label, gint64 deadline,
                     GCancellable *cancellable, TallyLease *lease, GError **error)
{
  TallyInstant now;
  TallyHold *hold;
  TallyHook *hook = NULL;
  TallyCloseReason reason;
  gint64 idle_age;
  guint64 generation;
  gboolean check;

  g_return_val_if_fail (bucket != NULL && lease != NULL, FALSE);
  if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
    return borrow_slowly (bucket, label, deadline, FALSE, cancellable, lease, error);
  now.mono = read_monotonic (bucket);
  pthread_mutex_lock (&bucket->lock);
  complete_instant_locked (bucket, &now);
  hold = tally_policy_try (&bucket->policy, &now, label, get_thread_id (), &idle_age);
  if (G_UNLIKELY (hold == NULL))
    {
      pthread_mutex_unlock (&bucket->lock);
      return borrow_slowly (bucket, label, deadline, FALSE, cancellable, lease, error);
    }
  generation = hold->generation;
  check = must_check (&bucket->policy, idle_age);
  if (check)
    hook = tally_bucket_take_hook_locked (bucket, TALLY_HOOK_CHECK);
  pthread_mutex_unlock (&bucket->lock);
  if (check && G_UNLIKELY ((reason = examine (bucket, hold->conn, hook, idle_age)) != TALLY_CLOSE_NONE))
    return borrow_again (bucket, hold, reason, deadline, cancellable, lease, error);
  fill_lease (lease, bucket, hold, generation, TRUE);
  return TRUE;
}

gboolean
tally_bucket_borrow_fresh (TallyBucket *bucket, const gchar *label, gint64 deadline,
                           GCancellable *cancellable, TallyLease *lease, GError **error)
{
  g_return_val_if_fail (bucket != NULL && lease != NULL, FALSE);
  return borrow_slowly (bucket, label, deadline, TRUE, cancellable, lease, error);
}

/* ---- release ---- */

/* What the pool can see of the connection itself, without a system call. */
static TallyCloseReason
look_at_returned (const TallyConn *conn)
{
  gsize length = 0;

  if (conn->socket == NULL)
    return TALLY_CLOSE_NONE;
  tally_socket_peek_input (conn->socket, &length);
  if (length > 0)
    return TALLY_CLOSE_UNREAD;
  tally_socket_set_limits (conn->socket, -1, NULL);
  return TALLY_CLOSE_NONE;
}

static void
refuse_release (TallyBucket *bucket)
{
  g_critical ("tally_bucket_release: this lease is not of the pool for %s, or was given back before",
              tally_endpoint_get_uri (bucket->endpoint));
}

/* Locked before and after. Lets the user's hook undo what the borrower did (rule 23). */
static TallyCloseReason
reset_locked (TallyBucket *bucket, TallyHold *hold)
{
  TallyHook *hook = tally_bucket_take_hook_locked (bucket, TALLY_HOOK_RESET);
  gboolean usable;

  if (hook == NULL)
    return TALLY_CLOSE_NONE;
  tally_bucket_unlock (bucket);
  usable = tally_hook_reset (bucket, hook, hold->conn->payload);
  tally_bucket_lock (bucket);
  return usable ? TALLY_CLOSE_NONE : TALLY_CLOSE_RESET;
}

void
tally_bucket_release (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome)
{
  TallyCloseReason reason = TALLY_CLOSE_BROKEN;
  TallyPolicy *policy;
  TallyHold *hold;
  TallyInstant now;

  g_return_if_fail (bucket != NULL && lease != NULL);
  hold = lease->slot;
  policy = &bucket->policy;
  now.mono = read_monotonic (bucket);
  pthread_mutex_lock (&bucket->lock);
  if (G_UNLIKELY (lease->bucket != bucket || !tally_policy_owns (policy, hold, lease->generation)))
    {
      policy->stats.refused++;
      pthread_mutex_unlock (&bucket->lock);
      refuse_release (bucket);
      return;
    }
  complete_instant_locked (bucket, &now);
  if (outcome == TALLY_OUTCOME_CLEAN)
    reason = look_at_returned (hold->conn);
  if (G_UNLIKELY (bucket->hooks[TALLY_HOOK_RESET] != NULL) && reason == TALLY_CLOSE_NONE)
    {
      reason = reset_locked (bucket, hold);
      if (!tally_policy_owns (policy, hold, lease->generation))
        {
          tally_bucket_unlock (bucket);
          refuse_release (bucket);
          return;
        }
    }
  tally_policy_release (policy, &now, hold, reason);
  *lease = (TallyLease) { 0 };
  tally_bucket_unlock (bucket);
}

void
tally_bucket_snapshot (TallyBucket *bucket, TallyPoolSnapshot *snapshot)
{
  TallyInstant now;

  g_return_if_fail (bucket != NULL && snapshot != NULL);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_snapshot (&bucket->policy, &now, snapshot);
  tally_bucket_unlock (bucket);
}

/* ---- life ---- */

TallyBucket *
tally_bucket_new (TallyPoolCore *core, TallyEndpoint *endpoint, gboolean closed)
{
  TallyBucket *self = g_new0 (TallyBucket, 1);

  self->ref_count = 1;
  self->core = tally_core_ref (core);
  self->endpoint = tally_endpoint_ref (endpoint);
  self->dials = g_cancellable_new ();
  self->coarse = core->options.check == TALLY_POOL_CHECK_NEVER;
  pthread_mutex_init (&self->lock, NULL);
  self->boot_offset_read = G_MININT64 / 2;
  tally_policy_init (&self->policy, &core->options, (guint64) read_clock (CLOCK_MONOTONIC) ^ (gsize) self);
  self->policy.wake = tally_sync_waiter_wake;
  self->policy.quick = core->hooks[TALLY_HOOK_DIAL] == NULL;
  self->policy.closed = closed;
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    self->hooks[i] = tally_hook_ref (core->hooks[i]);
  return self;
}

TallyBucket *
tally_bucket_ref (TallyBucket *bucket)
{
  g_return_val_if_fail (bucket != NULL, NULL);
  __atomic_add_fetch (&bucket->ref_count, 1, __ATOMIC_RELAXED);
  return bucket;
}

void
tally_bucket_unref (TallyBucket *bucket)
{
  g_return_if_fail (bucket != NULL);
  if (__atomic_sub_fetch (&bucket->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    tally_hook_unref (bucket->hooks[i]);
  tally_policy_clear_memory (&bucket->policy);
  pthread_mutex_destroy (&bucket->lock);
  g_object_unref (bucket->dials);
  tally_endpoint_unref (bucket->endpoint);
  tally_core_unref (bucket->core);
  g_free (bucket);
}
