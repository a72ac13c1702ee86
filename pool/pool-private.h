/* What the pool's files share: the core that a TallyPool, its buckets and its threads refer to. */
#ifndef TALLY_POOL_PRIVATE_H
#define TALLY_POOL_PRIVATE_H

#include <pthread.h>

#include "policy-private.h"
#include "tally-pool.h"

G_BEGIN_DECLS

typedef struct _TallyPoolCore TallyPoolCore;

typedef enum { TALLY_HOOK_DIAL, TALLY_HOOK_CHECK, TALLY_HOOK_RESET } TallyHookKind;
#define TALLY_N_HOOKS 3

typedef struct
{
  gint ref_count; /* atomic */
  GCallback function;
  gpointer data;
  GDestroyNotify destroy;
} TallyHook;

/* Lock order: core->lock, then a bucket's lock, then core->totals_lock. No I/O, hook, log or
 * foreign code under any of them.
 *
 * pthread's mutexes and conditions rather than GLib's, so that ThreadSanitizer sees them. */
struct _TallyPoolCore
{
  gint ref_count;          /* atomic */
  guint n_hooks;           /* atomic: hooks that run, or are about to */
  pthread_mutex_t snapshot_lock; /* taken first, by whoever locks several buckets */
  pthread_mutex_t lock;    /* protects what follows */
  pthread_cond_t changed;  /* a thread ended, a hook returned, a closing bucket lost a connection */
  GHashTable *buckets;     /* TallyEndpoint to TallyBucket; each bucket's reference is the table's */
  TallyPoolOptions options;
  TallyHook *hooks[TALLY_N_HOOKS]; /* nullable */
  gboolean closed;
  gboolean close_done;
  guint n_threads;         /* dial threads that run */
  GArray *finished;        /* pthread_t of those that have ended and were not joined */
};

struct _TallyBucket
{
  gint ref_count;          /* atomic */
  TallyPoolCore *core;     /* a reference */
  TallyEndpoint *endpoint;
  GCancellable *dials;     /* cancelled when the pool closes */
  gboolean coarse;         /* atomic: the coarse clock will do */
  pthread_mutex_t lock;    /* protects what follows */
  TallyPolicy policy;
  TallyHook *hooks[TALLY_N_HOOKS]; /* the core's */
  gint64 boot_offset;      /* boot time minus monotonic time */
  gint64 boot_offset_read; /* when that was, monotonic */
};

/* tally-pool.c */
TallyPoolCore *tally_core_ref (TallyPoolCore *core);
void tally_core_unref (TallyPoolCore *core);
void tally_core_changed (TallyPoolCore *core);

/* pool-bucket.c */
TallyBucket *tally_bucket_new (TallyPoolCore *core, TallyEndpoint *endpoint, gboolean closed);
void tally_bucket_now_locked (TallyBucket *bucket, TallyInstant *now);
void tally_bucket_lock (TallyBucket *bucket);
void tally_bucket_unlock (TallyBucket *bucket);
void tally_sync_waiter_wake (TallyWaiter *waiter);
void tally_cond_init (pthread_cond_t *cond);
gboolean tally_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline);

/* pool-dial.c */
void tally_dial_on_thread (TallyBucket *bucket, TallyConn *conn);
void tally_dial_on_caller (TallyBucket *bucket, TallyWaiter *waiter, GCancellable *cancellable);
guint tally_dial_is_thread (TallyPoolCore *core);
void tally_dial_join_finished (TallyPoolCore *core);

/* pool-options.c */
void tally_pool_install_options (GObjectClass *class);
void tally_pool_options_set (TallyPoolOptions *self, guint property_id, const GValue *value);
void tally_pool_options_get (const TallyPoolOptions *self, guint property_id, GValue *value);

/* pool-hooks.c */
TallyHook *tally_hook_new (GCallback function, gpointer data, GDestroyNotify destroy);
TallyHook *tally_hook_ref (TallyHook *hook);
void tally_hook_unref (TallyHook *hook);
TallyHook *tally_bucket_take_hook_locked (TallyBucket *bucket, TallyHookKind kind);
gboolean tally_hooks_run_locked (TallyPoolCore *core);
ThriftTransport *tally_hook_dial (TallyBucket *bucket, TallyHook *hook, gint64 deadline,
                                  GCancellable *cancellable, GError **error);
gboolean tally_hook_check (TallyBucket *bucket, TallyHook *hook, ThriftTransport *transport, gint64 idle_time);
gboolean tally_hook_reset (TallyBucket *bucket, TallyHook *hook, ThriftTransport *transport);

/* pool-stats.c */
void tally_policy_snapshot (const TallyPolicy *self, const TallyInstant *now, TallyPoolSnapshot *snapshot);
void tally_snapshot_add (TallyPoolSnapshot *sum, const TallyPoolSnapshot *part);
gchar *tally_policy_describe (const TallyPolicy *self, const TallyInstant *now);

G_END_DECLS

#endif /* TALLY_POOL_PRIVATE_H */
