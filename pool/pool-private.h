/* What the pool's files share: the core that a TallyPool, its buckets and its threads refer to. */
#ifndef TALLY_POOL_PRIVATE_H
#define TALLY_POOL_PRIVATE_H

#include <pthread.h>
#include <time.h>

#include "glib-gate-private.h"
#include "policy/policy-quick-private.h"
#include "tally-pool.h"
#include "thread-local-private.h"
#include "wait-private.h"

G_BEGIN_DECLS

typedef struct _TallyPoolCore TallyPoolCore;
typedef struct _TallyJob TallyJob;
typedef struct _TallyCloser TallyCloser;

/* How many times a policy's lease numbers jump in a child process: more than can be in flight. */
#define TALLY_FORK_GAP (G_GUINT64_CONSTANT (1) << 20)

typedef enum
{
  TALLY_HOOK_DIAL,
  TALLY_HOOK_CHECK,
  TALLY_HOOK_RESET
} TallyHookKind;
#define TALLY_N_HOOKS 3

typedef struct
{
  gint ref_count; /* atomic */
  GCallback function;
  gpointer data;
  GDestroyNotify destroy;
} TallyHook;

/* What an examination says of a connection. */
typedef struct
{
  TallyCloseReason reason; /* NONE: it may serve */
  gboolean is_silent;      /* refused by a hook, though it shows no end */
} TallyFinding;

/* A hook that runs on this thread, so that a hook may close the pool that called it. */
typedef struct _TallyFrame TallyFrame;
struct _TallyFrame
{
  TallyPoolCore *core;
  TallyPoolCore *balancing;
  TallyFrame *outer;
};

/* Connections that cannot come back before this thread goes on: those that it dials, examines, resets
 * or closes, and the one that the borrow it makes is about to get. Foreign code that it runs
 * meanwhile and that closes the pool waits for none of them. On this thread's stack. */
typedef struct _TallyClaim TallyClaim;
struct _TallyClaim
{
  TallyBucket *bucket;
  guint forks; /* the bucket's when it began; of a parent's connections none is open in the child */
  guint count;
  const TallyWaiter *waiter; /* (nullable): has one more while it is served or dials */
  TallyClaim *outer;
};

/* Lock order: core->survey_lock, core->lock, then a bucket's lock, then core->totals_lock. No
 * I/O, hook, log or foreign code under any of them.
 *
 * pthread's mutexes and conditions rather than GLib's, so that ThreadSanitizer sees them. */
struct _TallyPoolCore
{
  gint ref_count;              /* atomic */
  guint n_hooks;               /* atomic: hooks that run, or are about to */
  pthread_mutex_t survey_lock; /* taken first, by whoever looks at all buckets as one */
  pthread_mutex_t lock;        /* protects what follows */
  pthread_cond_t changed; /* a thread ended, a hook returned, a closing bucket lost a connection */
  pthread_cond_t reaper_wake;
  GHashTable *buckets; /* TallyEndpoint to TallyBucket; each bucket's reference is the table's */
  guint sweep_at;      /* a table of so many is looked through before it grows */
  TallyBucket *alive;  /* those in the table and those that only others refer to */
  TallyPoolOptions options;
  TallyHook *hooks[TALLY_N_HOOKS]; /* nullable */
  gboolean closed;
  gboolean close_done;
  TallyCloser *closers; /* threads that close it, or wait until it is closed */
  guint n_threads;      /* those of pool-threads.c that run */
  TallyJob *finished;   /* those that have ended and were not joined */
  gboolean reaper_runs;
  gint64 reap_at;         /* monotonic; G_MAXINT64: nothing is due */
  guint n_reaps;          /* how often the reaper looked */
  gint64 suspension;      /* how long the machine had slept when it last asked */
  gboolean reaping;       /* it does so now: reap_at is not yet known */
  TallyPoolSnapshot gone; /* the counters of buckets that are no more */

  pthread_mutex_t totals_lock; /* protects what follows; the innermost lock */
  GQueue starved;              /* TallyBucket that only the limits over all endpoints hold back, the
                                * one whose waiter came first at the head */
  GQueue denied;               /* the same in what they would dial in the background */

  guint n_yielding; /* connections that are being closed for a waiter elsewhere */

  guint open_total; /* atomic; changed under totals_lock */
  gint idle_total;  /* atomic; kept while max-idle-total is in force */
  guint n_starved;  /* atomic: the lengths of the queues */
  guint n_denied;
  guint max_open_total; /* atomic: the options of these names */
  gint max_idle_total;
  gboolean hooks_ended; /* atomic: close is about to return */
  GWeakRef pool;        /* the TallyPool, for its signal */
  guint event_signal;
};

struct _TallyBucket
{
  gint ref_count;      /* atomic */
  gboolean coarse;     /* atomic: the coarse clock will do */
  TallyPoolCore *core; /* a reference */
  TallyEndpoint *endpoint;
  TallyBucket *newer;  /* of the core's `alive`; core->lock */
  TallyBucket *older;  /* the same */
  gboolean is_starved; /* in the core's queues of these names; core->totals_lock, atomic */
  gboolean is_denied;
  gint64 starved_since; /* when the first came that waits without a dial; core->totals_lock */

  TallyHook *hooks[TALLY_N_HOOKS]; /* the core's; this and what follows: the lock */
  GCancellable
      *closing; /* (nullable): cancelled when the pool closes, for checks that nobody waits for */
  TallyWaiter *ready;  /* asynchronous borrows that are decided, to be completed without the lock */
  gint idle_published; /* what of n_idle is in core->idle_total */
  gboolean examining;  /* a thread keeps its connections alive */
  guint forks;         /* how often this process is a child of the one that made the bucket */
  gint64 due;          /* when the reaper will look at the latest */
  gint64 wanted;       /* when it should, as found since the lock was taken; G_MAXINT64: never */
  gint64 boot_offset;  /* boot time minus monotonic time */
  gint64 boot_offset_until; /* until when that is believed, monotonic */

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

/* pool-core.c */
TallyPoolCore *tally_core_new (TallyPool *pool, guint event_signal);
TallyPoolCore *tally_core_ref (TallyPoolCore *core);
void tally_core_unref (TallyPoolCore *core);
void tally_core_changed (TallyPoolCore *core);
GPtrArray *tally_core_dup_buckets (TallyPoolCore *core);
TallyBucket *tally_core_dup_bucket (TallyPoolCore *core, TallyEndpoint *endpoint);
void tally_core_forget_unused (TallyPoolCore *core);
void tally_core_forget_all (TallyPoolCore *core);
void tally_core_snapshot (TallyPoolCore *core, TallyPoolSnapshot *snapshot);
void tally_core_set_option (TallyPoolCore *core, guint property_id, const GValue *value);
void tally_core_set_hook (TallyPoolCore *core,
                          TallyHookKind kind,
                          GCallback function,
                          gpointer data,
                          GDestroyNotify destroy);

/* pool-close.c */
void tally_core_close (TallyPoolCore *core, gboolean wait);
extern TALLY_THREAD_LOCAL TallyClaim *tally_claims; /* this thread's, innermost first */

/* pool-reaper.c */
gboolean tally_reaper_schedule (TallyPoolCore *core, gint64 due);

/* pool-totals.c */
gboolean tally_totals_reserve (gpointer bucket, TallyDialPurpose purpose);
void tally_totals_unreserve (gpointer bucket, gboolean yielded);
gboolean tally_totals_yield (gpointer bucket, gint64 before, gboolean closing);
void tally_totals_publish_wait_locked (TallyBucket *bucket);
gchar *tally_totals_describe (TallyPoolCore *core);
gint tally_totals_room (gpointer bucket);
void tally_totals_forget (TallyBucket *bucket);
void tally_totals_leave (TallyBucket *bucket);
gboolean tally_totals_forget_unreferenced (TallyBucket *bucket, gboolean *was_denied);
void tally_totals_deny (TallyBucket *bucket);
void tally_totals_publish_idle_locked (TallyBucket *bucket);
void tally_totals_balance (TallyPoolCore *core);
gboolean tally_totals_are_met (TallyPoolCore *core);
TallyPoolCore *tally_totals_swap_balancing (TallyPoolCore *core);

/* From now on, until tally_claim_pop (), @count connections of @bucket come back only when this thread
 * goes on, and one more while @waiter (nullable) has one. */
static inline void
tally_claim_push (TallyClaim *claim, TallyBucket *bucket, guint count, const TallyWaiter *waiter)
{
  *claim = (TallyClaim){ bucket, bucket->forks, count, waiter, tally_claims };
  tally_claims = claim;
}

static inline void
tally_claim_pop (const TallyClaim *claim)
{
  tally_claims = claim->outer;
}

/* @closing: so many of the open ones are being closed. */
static inline gboolean
tally_totals_is_too_much_open (TallyPoolCore *core, guint closing)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);

  return limit > 0 && __atomic_load_n (&core->open_total, __ATOMIC_ACQUIRE) > limit + closing;
}

static inline gboolean
tally_totals_is_too_much_idle (TallyPoolCore *core)
{
  gint limit = __atomic_load_n (&core->max_idle_total, __ATOMIC_RELAXED);

  return limit > 0 && __atomic_load_n (&core->idle_total, __ATOMIC_ACQUIRE) > limit;
}

/* For who leaves the number of idle connections as it was, or is not concerned with it. */
static inline gboolean
tally_totals_is_open_unbalanced (TallyPoolCore *core)
{
  return __atomic_load_n (&core->n_starved, __ATOMIC_ACQUIRE) > 0
         || tally_totals_is_too_much_open (core, 0);
}

static inline gboolean
tally_totals_need_balance (TallyPoolCore *core)
{
  return tally_totals_is_open_unbalanced (core) || tally_totals_is_too_much_idle (core)
         || __atomic_load_n (&core->n_denied, __ATOMIC_ACQUIRE) > 0;
}

/* pool-fork.c */
void tally_fork_watch (TallyPoolCore *core);
void tally_fork_unwatch (TallyPoolCore *core);

/* pool-events.c */
guint tally_pool_install_event (GType type);
void tally_bucket_emit (TallyBucket *bucket, const TallyPoolEvent *event);

/* pool-async.c */
void tally_async_wake (TallyWaiter *waiter);
void tally_async_complete (TallyWaiter *waiter);

/* pool-borrow.c */
guint32 tally_get_thread_id (void);
void tally_forget_thread_id (void);
gboolean tally_bucket_must_check_locked (TallyBucket *bucket, const TallyWaiter *waiter);
void tally_bucket_fill_lease (TallyBucket *bucket, const TallyWaiter *waiter, TallyLease *lease);
GError *tally_bucket_unlock_with_error (TallyBucket *bucket, TallyWaiter *waiter);
void tally_sync_wake (TallyWaiter *waiter);

/* pool-bucket.c */
TallyBucket *tally_bucket_new (TallyPoolCore *core, TallyEndpoint *endpoint, gboolean closed);
void tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now);
void tally_bucket_read_offset_locked (TallyBucket *bucket, gint64 now);

static inline void
tally_bucket_complete_instant_locked (TallyBucket *bucket, TallyInstant *now)
{
  if (G_UNLIKELY (now->mono >= bucket->boot_offset_until))
    tally_bucket_read_offset_locked (bucket, now->mono);
  now->boot = now->mono + bucket->boot_offset;
}

gboolean tally_bucket_may_be_quick (const TallyBucket *bucket);
void tally_bucket_lock (TallyBucket *bucket);
void tally_bucket_unlock (TallyBucket *bucket);
void tally_bucket_start_anew (TallyBucket *bucket);
void tally_bucket_schedule_locked (TallyBucket *bucket);
void tally_bucket_await_backoff_locked (TallyBucket *bucket);
gboolean tally_bucket_lock_and_admit (TallyBucket *bucket, TallyWaiter *waiter, gboolean held_back);

/* pool-health.c */
TallyFinding tally_bucket_examine (TallyBucket *bucket,
                                   const TallyConn *conn,
                                   gint64 idle_age,
                                   gint64 deadline,
                                   GCancellable *cancellable);
TallyFinding tally_bucket_examine_locked (TallyBucket *bucket,
                                          const TallyConn *conn,
                                          gint64 idle_age,
                                          gint64 deadline,
                                          GCancellable *cancellable);
void tally_bucket_check_failed_locked (TallyBucket *bucket,
                                       const TallyInstant *now,
                                       TallyHold *hold,
                                       TallyFinding finding);
void tally_conns_look (TallyConn *conns);
gboolean tally_conn_is_dead (const TallyConn *conn);
gboolean tally_conn_is_silent (const TallyConn *conn, gint64 since);

/* pool-threads.c */
gboolean
tally_run_on_thread (TallyPoolCore *core, gpointer (*function) (gpointer data), gpointer data);
gboolean tally_run_on_thread_locked (TallyPoolCore *core,
                                     gpointer (*function) (gpointer data),
                                     gpointer data);
void tally_threads_join_finished (TallyPoolCore *core);
guint tally_threads_count_mine (TallyPoolCore *core);

/* pool-dial.c */
TallyConn *
tally_dial_on_threads (TallyBucket *bucket, TallyConn *conns, guint forks, GError **error);
GPtrArray *tally_dials_dup_locked (TallyBucket *bucket, gboolean only_given_up);
void tally_dials_cancel (GPtrArray *dials);
GCancellable *tally_bucket_dup_closing_locked (TallyBucket *bucket);
void tally_dial_on_caller (TallyBucket *bucket, TallyWaiter *waiter, GCancellable *cancellable);

/* pool-options.c */
void tally_pool_install_options (GObjectClass *class);
void tally_pool_options_set (TallyPoolOptions *self, guint property_id, const GValue *value);
void tally_pool_options_get (const TallyPoolOptions *self, guint property_id, GValue *value);

/* pool-hooks.c */
TallyHook *tally_hook_new (GCallback function, gpointer data, GDestroyNotify destroy);
TallyHook *tally_hook_ref (TallyHook *hook);
void tally_hook_unref (TallyHook *hook);
TallyHook *tally_bucket_take_hook_locked (TallyBucket *bucket, TallyHookKind kind);
TallyHook *tally_bucket_take_hook (TallyBucket *bucket, TallyHookKind kind);
guint tally_hooks_count_mine (TallyPoolCore *core);
gboolean tally_hooks_begin (TallyPoolCore *core);
void tally_hooks_end (TallyPoolCore *core);
void tally_frame_push (TallyFrame *frame, TallyPoolCore *core);
void tally_frame_pop (TallyFrame *frame);
ThriftTransport *tally_hook_dial (TallyBucket *bucket,
                                  TallyHook *hook,
                                  gint64 deadline,
                                  GCancellable *cancellable,
                                  GError **error);
gboolean tally_hook_check (TallyBucket *bucket,
                           TallyHook *hook,
                           ThriftTransport *transport,
                           gint64 idle_time,
                           gint64 deadline,
                           GCancellable *cancellable);
gboolean tally_hook_reset (TallyBucket *bucket, TallyHook *hook, ThriftTransport *transport);

G_END_DECLS

#endif /* TALLY_POOL_PRIVATE_H */
