/* What a TallyPool, its buckets and its threads share. */
#ifndef TALLY_CORE_PRIVATE_H
#define TALLY_CORE_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>

#include "fork-private.h"
#include "hooks-private.h"
#include "policy/policy-internal.h"
#include "wait-private.h"

G_BEGIN_DECLS

typedef struct _TallyJob TallyJob;
typedef struct _TallyCloser TallyCloser;

/* Lock order: core->survey_lock, core->lock, then a bucket's lock, then core->totals_lock. No
 * I/O, hook, log or foreign code under any of them.
 *
 * pthread's mutexes and conditions rather than GLib's, so that ThreadSanitizer sees them. */
struct _TallyPoolCore
{
  gint ref_count;              /* atomic */
  guint n_hooks;               /* atomic: hooks that run, or are about to */
  pthread_mutex_t survey_lock; /* taken first, to look at all buckets as one */
  pthread_mutex_t lock;        /* protects what follows */
  pthread_cond_t changed; /* a thread ended, a hook returned, a closing bucket lost a connection */
  pthread_cond_t reaper_wake;
  sem_t rest_over;     /* a job was handed, or the pool closes */
  GHashTable *buckets; /* TallyEndpoint to TallyBucket; each bucket's reference is the table's */
  guint sweep_at;      /* a table of so many is looked through before it grows */
  GPtrArray *fleets; /* of TallyFleet, without references: of the channels over several endpoints */
  TallyBucket *alive; /* those in the table and those that only others refer to */
  TallyPoolOptions options;
  TallyHook *hooks[TALLY_N_HOOKS]; /* nullable */
  gboolean closed; /* changed with the lock; read without it by tally_hooks_end () */
  gboolean close_done;
  TallyCloser *closers; /* threads that close it, or wait until it is closed */
  guint n_threads;      /* those of pool-threads.c that run or rest */
  TallyJob *finished;   /* those that have ended and were not joined */
  guint n_resting;      /* threads, of these, that have no job and were not handed one */
  gint64 rest_us;       /* how long they rest */
  TallyJob *handed;     /* to threads that rest */
  gboolean reaper_runs;
  gint64 reap_at;         /* monotonic; G_MAXINT64: nothing is due */
  guint n_reaps;          /* how often the reaper looked */
  gint64 suspension;      /* how long the machine had slept when it last asked */
  gboolean reaping;       /* it does so now: reap_at is not yet known */
  TallyPoolSnapshot gone; /* the counters of buckets that are no more */

  pthread_mutex_t totals_lock; /* protects what follows; the innermost lock */
  GQueue held_back;            /* TallyBucket that only the limits over all endpoints hold back, the
                                * one whose waiter came first at the head */
  GQueue denied;               /* the same in what they would dial in the background */

  guint n_yielding; /* connections that are being closed for a waiter elsewhere */

  guint open_total;  /* atomic; changed under totals_lock */
  gint idle_total;   /* atomic; kept while max-idle-total is in force */
  guint n_held_back; /* atomic: the lengths of the queues */
  guint n_denied;
  guint max_open_total; /* atomic: the options of these names */
  gint max_idle_total;
  gboolean hooks_ended; /* atomic: close is about to return */
  TallyForkWatch fork_watch;
  gpointer (*run_reaper) (gpointer core);
  GWeakRef pool; /* the TallyPool, for its signal */
  guint event_signal;
};

TallyPoolCore *tally_core_ref (TallyPoolCore *core);
void tally_core_unref (TallyPoolCore *core);
/* Wakes a close, which may wait for what has just happened. Not under any lock. */
void tally_core_changed (TallyPoolCore *core);

G_END_DECLS

#endif /* TALLY_CORE_PRIVATE_H */
