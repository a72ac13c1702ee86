/* Owns a bucket's lock and what is done around it: the time, the work that the policy asks for, and
 * everything that concerns one endpoint but borrowing and releasing, which is pool-borrow.c's. */
#include "pool-private.h"

/* How long an offset between the two clocks is believed: only a suspension changes it. */
#define OFFSET_AGE (4 * G_TIME_SPAN_MILLISECOND)
/* Two readings of it differ by less than this unless the machine was suspended in between. */
#define OFFSET_NOISE G_TIME_SPAN_MILLISECOND

/* Boot time minus monotonic time. Atomic; the same for all buckets, so that their ages compare
 * exactly. */
static gint64 boot_offset;

/* ---- time ---- */

/* Boot time is read seldom: only a suspension changes its distance from monotonic time. */
void
tally_bucket_read_offset_locked (TallyBucket *bucket, gint64 now)
{
  gint64 offset = tally_read_clock (CLOCK_BOOTTIME) - tally_read_clock (CLOCK_MONOTONIC);
  gint64 known = __atomic_load_n (&boot_offset, __ATOMIC_RELAXED);

  if (ABS (offset - known) < OFFSET_NOISE)
    offset = known;
  else
    __atomic_store_n (&boot_offset, offset, __ATOMIC_RELAXED);
  bucket->boot_offset = offset;
  bucket->boot_offset_until = now + OFFSET_AGE;
}

void
tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now)
{
  now->mono = tally_read_clock (CLOCK_MONOTONIC);
  tally_bucket_complete_instant_locked (bucket, now);
}

/* ---- the lock, and what is done without it ---- */

void
tally_bucket_lock (TallyBucket *bucket)
{
  pthread_mutex_lock (&bucket->lock);
}

/* How many were closed, by reason. */
typedef struct
{
  gboolean may_tell; /* close of the pool waits until it is told */
  TallyFrame frame;  /* unless this thread closes it meanwhile */
  guint counts[TALLY_N_CLOSE_REASONS];
} Closed;

/* Not under any lock. */
static void
prepare_to_tell (TallyBucket *bucket, Closed *closed)
{
  if (closed->may_tell || !tally_hooks_begin (bucket->core))
    return;
  closed->may_tell = TRUE;
  tally_frame_push (&closed->frame, bucket->core);
  tally_totals_swap_balancing (closed->frame.balancing); /* no foreign code yet */
}

/* Not under any lock; @closing are in state CLOSING and this thread's alone. */
static void
close_connections (TallyConn *closing)
{
  for (TallyConn *conn = closing; conn != NULL; conn = conn->next)
    {
      if (conn->socket != NULL) /* whose close runs no foreign code */
        tally_glib_begin ();
      thrift_transport_close (conn->payload, NULL);
      g_object_unref (conn->payload);
      if (conn->socket != NULL)
        tally_glib_end ();
    }
}

static void
report_closed_locked (TallyBucket *bucket,
                      const TallyInstant *now,
                      TallyConn *closing,
                      Closed *closed)
{
  TallyConn *next;

  for (TallyConn *conn = closing; conn != NULL; conn = next)
    {
      next = conn->next;
      closed->counts[conn->reason]++;
      tally_policy_closed (&bucket->policy, now, conn);
    }
}

/* Not under any lock. */
static void
tell_closed (TallyBucket *bucket, Closed *closed)
{
  if (!closed->may_tell)
    return;
  for (TallyCloseReason reason = 0; reason < TALLY_N_CLOSE_REASONS; reason++)
    for (guint i = 0; i < closed->counts[reason]; i++)
      tally_bucket_emit (bucket,
                         &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_CLOSED, .reason = reason });
  tally_frame_pop (&closed->frame);
  tally_hooks_end (bucket->core);
}

/* The list from its other end. */
static TallyWaiter *
in_order_of_arrival (TallyWaiter *last)
{
  TallyWaiter *first = NULL;
  TallyWaiter *next;

  for (TallyWaiter *waiter = last; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      waiter->next = first;
      first = waiter;
    }
  return first;
}

static gboolean
has_work_locked (const TallyBucket *bucket)
{
  const TallyPolicy *policy = &bucket->policy;

  /* One branch: mostly there is none. */
  return ((gsize) policy->closing | (gsize) policy->to_dial | (gsize) policy->to_look
          | (gsize) bucket->ready | (gsize) policy->gives_up)
         != 0;
}

static void
report_failed_locked (TallyBucket *bucket,
                      const TallyInstant *now,
                      TallyConn *failed,
                      const GError *error)
{
  TallyConn *next;

  for (TallyConn *conn = failed; conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_dial_failed (&bucket->policy, now, conn, error, NULL);
    }
}

static guint
count_conns (const TallyConn *conns)
{
  guint count = 0;

  for (; conns != NULL; conns = conns->next)
    count++;
  return count;
}

/* Not under any lock. Completes the waiters from @ready on, which are nobody else's; they may call
 * handlers, and @claim counts what those after them are still to be given. */
static void
complete (TallyWaiter *ready, TallyClaim *claim)
{
  TallyWaiter *next;

  for (const TallyWaiter *waiter = ready; waiter != NULL; waiter = waiter->next)
    claim->count += waiter->state == TALLY_WAITER_SERVED;
  for (TallyWaiter *waiter = ready; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      claim->count -= waiter->state == TALLY_WAITER_SERVED;
      tally_async_complete (waiter);
    }
}

static void
report_looked_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *looked)
{
  TallyConn *next;

  for (TallyConn *conn = looked; conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_looked (&bucket->policy, now, conn);
    }
}

/* Locked before and after: looks at, closes, dials and completes what the policy has put aside. */
static void
work_once_locked (TallyBucket *bucket, Closed *closed)
{
  TallyConn *closing = g_steal_pointer (&bucket->policy.closing);
  TallyConn *to_dial = g_steal_pointer (&bucket->policy.to_dial);
  TallyConn *to_look = g_steal_pointer (&bucket->policy.to_look);
  TallyWaiter *ready = in_order_of_arrival (g_steal_pointer (&bucket->ready));
  guint forks = bucket->forks;
  g_autoptr (GPtrArray) given_up =
      bucket->policy.gives_up ? tally_dials_dup_locked (bucket, TRUE) : NULL;
  g_autoptr (GError) error = NULL;
  TallyConn *failed;
  TallyClaim claim;
  TallyInstant now;

  bucket->policy.gives_up = FALSE;
  tally_bucket_schedule_locked (bucket);
  pthread_mutex_unlock (&bucket->lock);
  tally_dials_cancel (given_up);
  tally_conns_look (to_look);
  failed = tally_dial_on_threads (bucket, to_dial, forks, &error);
  tally_claim_push (&claim, bucket,
                    count_conns (closing) + count_conns (failed) + count_conns (to_look), NULL);
  complete (ready, &claim);
  close_connections (closing);
  tally_claim_pop (&claim);
  if (closing != NULL)
    prepare_to_tell (bucket, closed);
  pthread_mutex_lock (&bucket->lock);
  if (bucket->forks != forks)
    return; /* a handler has forked, and this is the child: they are the parent's */
  tally_bucket_now_locked (bucket, &now);
  report_looked_locked (bucket, &now, to_look);
  report_failed_locked (bucket, &now, failed, error);
  report_closed_locked (bucket, &now, closing, closed);
}

/* The same until there is no more to do. Those who listen hear of a close when its slot is free and
 * what that makes possible has begun, so that a handler may borrow or take its time; but before the
 * pool's close returns. */
static G_GNUC_NO_INLINE void
work_locked (TallyBucket *bucket)
{
  Closed closed = { .may_tell = FALSE };

  do
    work_once_locked (bucket, &closed);
  while (has_work_locked (bucket));
  pthread_mutex_unlock (&bucket->lock);
  tell_closed (bucket, &closed);
  pthread_mutex_lock (&bucket->lock);
}

/* Unlocks, after having done, without the lock, what the policy asked for; that may make it ask for
 * more. The caller's reference to @bucket must outlive it, whatever handlers do. */
void
tally_bucket_unlock (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;
  gint64 due = G_MAXINT64;
  gboolean closed;

  while (G_UNLIKELY (has_work_locked (bucket)))
    work_locked (bucket);
  if (G_UNLIKELY (bucket->wanted < bucket->due))
    due = bucket->due = bucket->wanted;
  bucket->wanted = G_MAXINT64;
  closed = bucket->policy.closed;
  if (G_UNLIKELY (bucket->policy.options.max_idle_total > 0))
    tally_totals_publish_idle_locked (bucket);
  if (G_UNLIKELY (__atomic_load_n (&bucket->is_starved, __ATOMIC_RELAXED)))
    tally_totals_publish_wait_locked (bucket);
  tally_policy_check_valid (&bucket->policy);
  pthread_mutex_unlock (&bucket->lock);
  if (G_UNLIKELY (due != G_MAXINT64) && !tally_reaper_schedule (core, due))
    {
      pthread_mutex_lock (&bucket->lock);
      bucket->due = G_MAXINT64; /* whoever unlocks next tries again */
      bucket->wanted = MIN (bucket->wanted, due);
      pthread_mutex_unlock (&bucket->lock);
    }
  if (G_UNLIKELY (closed))
    tally_core_changed (core);
  if (G_UNLIKELY (tally_totals_need_balance (core)))
    tally_totals_balance (core);
}

/* Something has changed that the reaper may have to know of: looks at everything. */
void
tally_bucket_schedule_locked (TallyBucket *bucket)
{
  TallyInstant now;
  gint64 next;

  tally_bucket_now_locked (bucket, &now);
  next = tally_policy_next_event (&bucket->policy, &now);
  bucket->wanted = MIN (bucket->wanted, next);
}

/* Somebody is about to wait: the reaper must know when dialing may be tried again. */
void
tally_bucket_await_backoff_locked (TallyBucket *bucket)
{
  if (bucket->policy.backoff.failures > 0)
    tally_bucket_schedule_locked (bucket);
}

/* Not under any lock before, locked after. @waiter joined the queue: if it was @held_back, and what is
 * being closed is not enough for all who are, it must be one who may wait. TRUE when it is refused. */
gboolean
tally_bucket_lock_and_admit (TallyBucket *bucket, TallyWaiter *waiter, gboolean held_back)
{
  gboolean is_met = !held_back || tally_totals_are_met (bucket->core);
  TallyInstant now;

  tally_bucket_lock (bucket);
  if (is_met)
    return FALSE;
  tally_bucket_now_locked (bucket, &now);
  return tally_policy_admit_held_back (&bucket->policy, &now, waiter);
}

/* ---- one endpoint's part of what the pool offers ---- */

/**
 * tally_bucket_clear:
 * @bucket: a bucket
 *
 * What tally_pool_clear() does, for one endpoint. Thread-safe.
 */
void
tally_bucket_clear (TallyBucket *bucket)
{
  TallyInstant now;

  g_return_if_fail (bucket != NULL);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_drop_all (&bucket->policy, TALLY_CLOSE_CLEARED);
  tally_policy_pump (&bucket->policy, &now);
  tally_bucket_unlock (bucket);
}

/**
 * tally_bucket_reset_backoff:
 * @bucket: a bucket
 *
 * What tally_pool_reset_backoff() does, for one endpoint. Thread-safe.
 */
void
tally_bucket_reset_backoff (TallyBucket *bucket)
{
  TallyInstant now;

  g_return_if_fail (bucket != NULL);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_reset_backoff (&bucket->policy, &now);
  tally_bucket_unlock (bucket);
}

/**
 * tally_bucket_warm:
 * @bucket: a bucket
 * @count: how many connections shall be idle
 *
 * Dials in the background until @count connections, or as many as the limits allow, were idle at once
 * or a dial has failed. Returns at once; thread-safe.
 */
void
tally_bucket_warm (TallyBucket *bucket, guint count)
{
  TallyInstant now;

  g_return_if_fail (bucket != NULL);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_warm (&bucket->policy, &now, count);
  tally_bucket_unlock (bucket);
}

/**
 * tally_bucket_count_late_replies:
 * @bucket: a bucket
 * @count: how many
 *
 * Adds to the snapshot's `late_replies`: for who uses shared connections and has received and
 * dropped replies to calls that had left (rule 24). Thread-safe.
 */
void
tally_bucket_count_late_replies (TallyBucket *bucket, guint count)
{
  g_return_if_fail (bucket != NULL);
  pthread_mutex_lock (&bucket->lock);
  bucket->policy.stats.late_replies += count;
  pthread_mutex_unlock (&bucket->lock);
}

/* ---- life ---- */

static void
wake (TallyWaiter *waiter)
{
  if (waiter->is_async)
    tally_async_wake (waiter);
  else
    tally_sync_wake (waiter);
}

/* It is held for less than it takes to fall asleep: whoever finds it taken tries for a moment,
 * where the libc knows how. */
static void
init_lock (pthread_mutex_t *lock)
{
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
  pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
  pthread_mutex_init (lock, &attributes);
  pthread_mutexattr_destroy (&attributes);
}

/* What a hook does is never known to be quick, and a handshake is not. */
gboolean
tally_bucket_may_be_quick (const TallyBucket *bucket)
{
  return bucket->hooks[TALLY_HOOK_DIAL] == NULL
         && tally_endpoint_get_scheme (bucket->endpoint) != TALLY_SCHEME_TLS;
}

static void
start_policy (TallyBucket *self, const TallyPoolOptions *options)
{
  tally_policy_init (&self->policy, options,
                     (guint64) tally_read_clock (CLOCK_MONOTONIC) ^ (gsize) self);
  self->policy.wake = wake;
  self->policy.reserve = tally_totals_reserve;
  self->policy.unreserve = tally_totals_unreserve;
  self->policy.room = tally_totals_room;
  self->policy.yield = tally_totals_yield;
  self->policy.totals = self;
  self->policy.is_shared = tally_endpoint_get_mode (self->endpoint) == TALLY_MODE_SHARED;
  self->policy.quick = tally_bucket_may_be_quick (self);
  self->policy.asks_peer = self->hooks[TALLY_HOOK_CHECK] != NULL;
  self->closing = NULL;
  self->boot_offset_until = G_MININT64;
  self->due = self->wanted = G_MAXINT64;
}

/* With the core's lock. */
TallyBucket *
tally_bucket_new (TallyPoolCore *core, TallyEndpoint *endpoint, gboolean closed)
{
  TallyBucket *self = g_aligned_alloc0 (1, sizeof (TallyBucket), TALLY_CACHE_LINE);

  self->ref_count = 1;
  self->core = tally_core_ref (core);
  self->endpoint = tally_endpoint_ref (endpoint);
  self->coarse = core->options.check == TALLY_POOL_CHECK_NEVER;
  init_lock (&self->lock);
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    self->hooks[i] = tally_hook_ref (core->hooks[i]);
  start_policy (self, &core->options);
  self->policy.closed = closed;
  tally_policy_note_options (&self->policy);
  self->older = core->alive;
  if (self->older != NULL)
    self->older->newer = self;
  core->alive = self;
  return self;
}

static void
leave_core (TallyBucket *self)
{
  pthread_mutex_lock (&self->core->lock);
  if (self->newer != NULL)
    self->newer->older = self->older;
  else
    self->core->alive = self->older;
  if (self->older != NULL)
    self->older->newer = self->newer;
  pthread_mutex_unlock (&self->core->lock);
}

/* In a child process, alone: forgets everything without looking at it, for another thread may have
 * been about to change it when the process was copied. */
void
tally_bucket_start_anew (TallyBucket *self)
{
  guint64 last_generation = self->policy.last_generation;

  init_lock (&self->lock);
  start_policy (self, &self->core->options);
  self->policy.first_generation = self->policy.last_generation = last_generation + TALLY_FORK_GAP;
  self->policy.closed = self->core->closed; /* who was about to close it is not here */
  tally_policy_note_options (&self->policy);
  self->ready = NULL;
  self->is_starved = self->is_denied = FALSE;
  self->examining = FALSE;
  self->idle_published = 0;
  self->forks++;
}

/**
 * tally_bucket_ref:
 * @bucket: a bucket
 *
 * Thread-safe.
 *
 * Returns: (transfer full): @bucket
 */
TallyBucket *
tally_bucket_ref (TallyBucket *bucket)
{
  g_return_val_if_fail (bucket != NULL, NULL);
  __atomic_add_fetch (&bucket->ref_count, 1, __ATOMIC_RELAXED);
  return bucket;
}

/**
 * tally_bucket_unref:
 * @bucket: (transfer full): a bucket, of which the caller holds no lease
 *
 * Thread-safe.
 */
void
tally_bucket_unref (TallyBucket *bucket)
{
  g_return_if_fail (bucket != NULL);
  if (__atomic_sub_fetch (&bucket->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  leave_core (bucket);
  tally_totals_leave (bucket);
  __atomic_sub_fetch (&bucket->core->idle_total, bucket->idle_published, __ATOMIC_ACQ_REL);
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    tally_hook_unref (bucket->hooks[i]);
  tally_policy_clear_memory (&bucket->policy);
  pthread_mutex_destroy (&bucket->lock);
  g_clear_object (&bucket->closing);
  tally_endpoint_unref (bucket->endpoint);
  tally_core_unref (bucket->core);
  g_aligned_free (bucket);
}
