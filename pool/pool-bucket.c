/* Owns one endpoint's part of a pool: its life, its clock, when the reaper should look at it. */
#include "bucket-private.h"

#include "totals-private.h"

/* How long an offset between the two clocks is believed: only a suspension changes it. */
#define OFFSET_AGE (4 * G_TIME_SPAN_MILLISECOND)

/* Two readings of it differ by less than this unless the machine was suspended in between. */
#define OFFSET_NOISE G_TIME_SPAN_MILLISECOND

/* Boot time minus monotonic time. Atomic; the same for all buckets, so that their ages compare
 * exactly. */
static gint64 boot_offset;

static guint64 last_serial; /* atomic */

/* ---- time ---- */

/* Boot time is read seldom: only a suspension changes its distance from monotonic time. */
void
tally_bucket_read_offset (TallyBucket *bucket, gint64 now)
{
  gint64 offset = tally_read_clock (CLOCK_BOOTTIME) - tally_read_clock (CLOCK_MONOTONIC);
  gint64 known = __atomic_load_n (&boot_offset, __ATOMIC_RELAXED);

  if (ABS (offset - known) < OFFSET_NOISE)
    offset = known;
  else
    __atomic_store_n (&boot_offset, offset, __ATOMIC_RELAXED);
  __atomic_store_n (&bucket->boot_offset, offset, __ATOMIC_RELAXED);
  __atomic_store_n (&bucket->boot_offset_until, now + OFFSET_AGE, __ATOMIC_RELEASE);
}

void
tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now)
{
  now->mono = tally_read_clock (CLOCK_MONOTONIC);
  tally_bucket_complete_instant (bucket, now);
}

/* Finds anew when the reaper has to look at the bucket, after any change. */
void
tally_bucket_schedule_locked (TallyBucket *bucket)
{
  TallyInstant now;
  gint64 next;

  tally_bucket_now_locked (bucket, &now);
  next = tally_policy_next_event (&bucket->policy, &now);
  bucket->wanted = MIN (bucket->wanted, next);
}

/* A waiter is about to sleep: the reaper must know when dialing may be tried again. */
void
tally_bucket_await_backoff_locked (TallyBucket *bucket)
{
  if (bucket->policy.backoff.failures > 0)
    tally_bucket_schedule_locked (bucket);
}

/* ---- life ---- */

static void
wake_waiter (TallyWaiter *waiter)
{
  waiter->wake (waiter);
}

/* It is held for less than it takes to fall asleep: a thread that finds it taken tries on for a
 * moment, where the libc can. */
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

/* A hook may be slow, and a handshake is. */
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
  self->policy.wake = wake_waiter;
  self->policy.reserve = tally_totals_reserve;
  self->policy.unreserve = tally_totals_unreserve;
  self->policy.room = tally_totals_room;
  self->policy.yield = tally_totals_yield;
  self->policy.totals = self;
  self->policy.is_shared = tally_endpoint_get_mode (self->endpoint) == TALLY_MODE_SHARED;
  self->policy.quick = tally_bucket_may_be_quick (self);
  self->policy.asks_peer = self->hooks[TALLY_HOOK_CHECK] != NULL;
  self->serial = __atomic_add_fetch (&last_serial, 1, __ATOMIC_RELAXED);
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

/* In a child process, which has this one thread: forgets everything without looking at it, for
 * another thread may have been changing it at the fork. */
void
tally_bucket_start_anew (TallyBucket *self)
{
  guint64 last_generation = self->policy.last_generation;

  init_lock (&self->lock);
  start_policy (self, &self->core->options);
  self->policy.first_generation = self->policy.last_generation = last_generation + TALLY_FORK_GAP;
  self->policy.closed = self->core->closed; /* a thread that was closing it is not here */
  tally_policy_note_options (&self->policy);
  self->ready = NULL;
  self->is_held_back = self->is_denied = FALSE;
  self->examining = FALSE;
  self->idle_published = 0;
  self->forks++;
}

G_DEFINE_BOXED_TYPE (TallyBucket, tally_bucket, tally_bucket_ref, tally_bucket_unref)

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

/* ---- all of them ---- */

/* The buckets, each with a reference, so that they can be visited without the core's lock. */
GPtrArray *
tally_core_dup_buckets (TallyPoolCore *core)
{
  GPtrArray *buckets = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_bucket_unref);
  GHashTableIter iter;
  gpointer bucket;

  pthread_mutex_lock (&core->lock);
  g_hash_table_iter_init (&iter, core->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &bucket))
    g_ptr_array_add (buckets, tally_bucket_ref (bucket));
  pthread_mutex_unlock (&core->lock);
  return buckets;
}
