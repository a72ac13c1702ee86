/* One endpoint's part of a pool. */
#ifndef TALLY_BUCKET_PRIVATE_H
#define TALLY_BUCKET_PRIVATE_H

#include <time.h>

#include "core-private.h"
#include "policy/policy-quick-private.h"

G_BEGIN_DECLS

/* How many times a policy's lease numbers jump in a child process: more than can be in flight. */
#define TALLY_FORK_GAP (G_GUINT64_CONSTANT (1) << 20)

struct _TallyBucket
{
  gint ref_count;      /* atomic */
  gboolean coarse;     /* atomic: the coarse clock will do */
  TallyPoolCore *core; /* a reference */
  TallyEndpoint *endpoint;
  guint64 serial;           /* no other bucket's, nor this one's in a parent process */
  gint64 boot_offset;       /* atomic: boot time minus monotonic time */
  gint64 boot_offset_until; /* atomic: until when that is taken for right, monotonic */
  TallyBucket *newer;       /* of the core's `alive`; core->lock */
  TallyBucket *older;       /* the same */
  gboolean is_held_back;    /* in the core's queues of these names; core->totals_lock, atomic */
  gboolean is_denied;
  gint64 held_back_since; /* when the first came that waits without a dial; core->totals_lock */

  TallyHook *hooks[TALLY_N_HOOKS]; /* the core's; this and what follows: the lock */
  GCancellable
      *closing; /* (nullable): cancelled when the pool closes, for checks that nobody waits for */
  TallyWaiter *ready;  /* asynchronous borrows that are decided, to be completed without the lock */
  gint idle_published; /* what of n_idle is in core->idle_total */
  gboolean examining;  /* a thread keeps its connections alive */
  guint forks;         /* how often this process is a child of the one that made the bucket */
  gint64 due;          /* when the reaper will look at the latest */
  gint64 wanted;       /* when it should, found since the lock was taken; G_MAXINT64: never */

  pthread_mutex_t lock
      __attribute__ ((aligned (TALLY_CACHE_LINE))); /* beside what changes with it */
  TallyPolicy policy;
};

static inline gint64
tally_read_clock (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  return time.tv_sec * G_TIME_SPAN_SECOND + (guint32) time.tv_nsec / 1000; /* unsigned is cheaper */
}

/* For the common path: the coarse clock, at a quarter of the cost, where nothing else takes longer.
 */
static inline gint64
tally_bucket_read_clock (TallyBucket *bucket)
{
  gboolean coarse = __atomic_load_n (&bucket->coarse, __ATOMIC_RELAXED);

  return tally_read_clock (coarse ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
}

void tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now);
void tally_bucket_read_offset (TallyBucket *bucket, gint64 now);

/* With or without the lock. */
static inline void
tally_bucket_complete_instant (TallyBucket *bucket, TallyInstant *now)
{
  if (G_UNLIKELY (now->mono >= __atomic_load_n (&bucket->boot_offset_until, __ATOMIC_ACQUIRE)))
    tally_bucket_read_offset (bucket, now->mono);
  now->boot = now->mono + __atomic_load_n (&bucket->boot_offset, __ATOMIC_RELAXED);
}

/* pool-own.c */
void tally_bucket_enter_own_locked (TallyBucket *bucket);

/* After the lock was taken for anything but a plain borrow or release: the books have all connections. */
static inline void
tally_bucket_open_books_locked (TallyBucket *bucket)
{
  if (bucket->policy.n_own > 0)
    tally_bucket_enter_own_locked (bucket);
}

static inline void
tally_bucket_lock (TallyBucket *bucket)
{
  pthread_mutex_lock (&bucket->lock);
  tally_bucket_open_books_locked (bucket);
}

void tally_bucket_schedule_locked (TallyBucket *bucket);
void tally_bucket_await_backoff_locked (TallyBucket *bucket);

TallyBucket *tally_bucket_new (TallyPoolCore *core, TallyEndpoint *endpoint, gboolean closed);
gboolean tally_bucket_may_be_quick (const TallyBucket *bucket);
void tally_bucket_start_anew (TallyBucket *bucket);
/* Its endpoint is no longer one of a list's. Not under any lock. */
void tally_bucket_give_up (TallyBucket *bucket);

/* (transfer full): all buckets, each with a reference, so that they can be visited without a lock. */
GPtrArray *tally_core_dup_buckets (TallyPoolCore *core);

G_END_DECLS

#endif /* TALLY_BUCKET_PRIVATE_H */
