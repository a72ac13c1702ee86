/* Owns which buckets a pool has, the options and hooks that they get as last set, and what becomes
 * of all of it in a child process (rule 22): each pool starts anew there, empty, and the parent's
 * connections are neither closed nor used. Their descriptors and memory stay, unreachable, until
 * the child execs or exits: to close a transport might send something on a connection that is the
 * parent's. */
#include "registry-private.h"

#include "balance-private.h"
#include "bucket-private.h"
#include "options-internal.h"
#include "reaper-private.h"
#include "threads-private.h"
#include "totals-private.h"
#include "work-private.h"

/* ---- life ---- */

/* In the child. Buckets are not looked at: another thread may have been about to change one. */
static void
start_core_anew (gpointer data)
{
  TallyPoolCore *core = data;

  pthread_mutex_init (&core->lock, NULL);
  pthread_mutex_init (&core->totals_lock, NULL);
  pthread_mutex_init (&core->survey_lock, NULL);
  tally_cond_init (&core->changed);
  tally_cond_init (&core->reaper_wake);
  sem_init (&core->rest_over, FALSE, 0);
  core->reaper_runs = core->reaping = FALSE;
  core->reap_at = G_MAXINT64;
  core->close_done = core->closed; /* the thread that was closing it is not here */
  core->closers = NULL;
  core->n_threads = tally_threads_count_mine (core);
  core->n_hooks = tally_hooks_count_mine (core);
  core->open_total = 0;
  core->idle_total = 0;
  core->n_held_back = core->n_denied = core->n_yielding = 0;
  g_queue_init (&core->held_back);
  g_queue_init (&core->denied);
  core->finished = core->handed = NULL;
  core->n_resting = 0;
  sem_init (&core->rest_over, FALSE, 0);
  for (TallyBucket *bucket = core->alive; bucket != NULL; bucket = bucket->older)
    tally_bucket_start_anew (bucket);
}

TallyPoolCore *
tally_core_new (TallyPool *pool, guint event_signal)
{
  TallyPoolCore *core = g_new0 (TallyPoolCore, 1);

  core->ref_count = 1;
  pthread_mutex_init (&core->lock, NULL);
  pthread_mutex_init (&core->survey_lock, NULL);
  pthread_mutex_init (&core->totals_lock, NULL);
  tally_cond_init (&core->changed);
  tally_cond_init (&core->reaper_wake);
  sem_init (&core->rest_over, FALSE, 0);
  core->buckets = g_hash_table_new_full (tally_endpoint_hash, tally_endpoint_equal, NULL,
                                         (GDestroyNotify) tally_bucket_unref);
  core->fleets = g_ptr_array_new ();
  core->sweep_at = TALLY_SMALLEST_SWEEP;
  core->options = tally_pool_options_default;
  core->reap_at = G_MAXINT64;
  core->rest_us = G_TIME_SPAN_SECOND;
  g_queue_init (&core->held_back);
  g_queue_init (&core->denied);
  g_weak_ref_init (&core->pool, pool);
  core->event_signal = event_signal;
  core->run_reaper = tally_reaper_run;
  core->fork_watch = (TallyForkWatch){ &core->lock, start_core_anew, core };
  tally_fork_watch (&core->fork_watch);
  return core;
}

/* ---- buckets ---- */

/* The pool is closed and dropped: only references that others hold keep its buckets. */
void
tally_core_forget_all (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);

  pthread_mutex_lock (&core->lock);
  g_hash_table_remove_all (core->buckets); /* frees none: there is another reference to each */
  pthread_mutex_unlock (&core->lock);
}

TallyBucket *
tally_core_dup_bucket (TallyPoolCore *core, TallyEndpoint *endpoint)
{
  TallyBucket *bucket;

  tally_core_sweep (core);
  pthread_mutex_lock (&core->lock);
  bucket = g_hash_table_lookup (core->buckets, endpoint);
  if (bucket != NULL)
    tally_bucket_ref (bucket);
  else
    {
      bucket = tally_bucket_new (core, endpoint, core->closed);
      if (!core->closed)
        g_hash_table_insert (core->buckets, bucket->endpoint, tally_bucket_ref (bucket));
    }
  pthread_mutex_unlock (&core->lock);
  return bucket;
}

/* All buckets are locked at once, so that the view is one of a single instant. Only here does a
 * thread hold more than one bucket's lock, and only one thread at a time. */
void
tally_core_snapshot (TallyPoolCore *core, TallyPoolSnapshot *snapshot)
{
  g_autoptr (GPtrArray) buckets = NULL;
  TallyPoolSnapshot part;

  pthread_mutex_lock (&core->survey_lock);
  buckets = tally_core_dup_buckets (core);
  pthread_mutex_lock (&core->lock);
  *snapshot = core->gone;
  pthread_mutex_unlock (&core->lock);
  for (guint i = 0; i < buckets->len; i++)
    tally_bucket_lock (g_ptr_array_index (buckets, i));
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyInstant now;

      tally_bucket_now_locked (bucket, &now);
      tally_policy_snapshot (&bucket->policy, &now, &part);
      tally_snapshot_add (snapshot, &part);
    }
  for (guint i = 0; i < buckets->len; i++)
    pthread_mutex_unlock (&((TallyBucket *) g_ptr_array_index (buckets, i))->lock);
  pthread_mutex_unlock (&core->survey_lock);
}

/* ---- options and hooks, changed while in use (rule 18) ---- */

static void
apply_options (TallyBucket *bucket, const TallyPoolOptions *options)
{
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (options->version > bucket->policy.options.version)
    {
      __atomic_store_n (&bucket->coarse, options->check == TALLY_POOL_CHECK_NEVER,
                        __ATOMIC_RELAXED);
      tally_policy_set_options (&bucket->policy, &now, options);
      tally_bucket_schedule_locked (bucket);
    }
  tally_bucket_work_and_unlock (bucket);
}

void
tally_core_set_option (TallyPoolCore *core, guint property_id, const GValue *value)
{
  g_autoptr (GPtrArray) buckets = NULL;
  TallyPoolOptions options;

  pthread_mutex_lock (&core->lock);
  tally_pool_options_set (&core->options, property_id, value);
  core->options.version++;
  options = core->options;
  __atomic_store_n (&core->max_open_total, options.max_open_total, __ATOMIC_RELAXED);
  if (options.max_idle_total == 0)
    __atomic_store_n (&core->max_idle_total, 0, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&core->lock);
  buckets = tally_core_dup_buckets (core);
  for (guint i = 0; i < buckets->len; i++)
    apply_options (g_ptr_array_index (buckets, i), &options);
  /* Only now is the sum that it limits up to date in every bucket. */
  pthread_mutex_lock (&core->lock);
  __atomic_store_n (&core->max_idle_total, (gint) core->options.max_idle_total, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&core->lock);
  tally_totals_balance (core);
}

/* Gives @bucket what is the core's hook now: of two setters the later one wins. (transfer full): what
 * it had. */
static TallyHook *
replace_hook (TallyBucket *bucket, TallyHookKind kind)
{
  TallyPoolCore *core = bucket->core;
  TallyHook *replaced;

  pthread_mutex_lock (&core->lock);
  tally_bucket_lock (bucket);
  replaced = bucket->hooks[kind];
  bucket->hooks[kind] = tally_hook_ref (core->hooks[kind]);
  if (kind == TALLY_HOOK_DIAL)
    bucket->policy.quick = tally_bucket_may_be_quick (bucket);
  bucket->policy.asks_peer = bucket->hooks[TALLY_HOOK_CHECK] != NULL;
  pthread_mutex_unlock (&bucket->lock);
  pthread_mutex_unlock (&core->lock);
  return replaced;
}

void
tally_core_set_hook (TallyPoolCore *core,
                     TallyHookKind kind,
                     GCallback function,
                     gpointer data,
                     GDestroyNotify destroy)
{
  TallyHook *old;
  g_autoptr (GPtrArray) buckets = NULL;

  pthread_mutex_lock (&core->lock);
  old = core->hooks[kind];
  core->hooks[kind] = tally_hook_new (function, data, destroy);
  pthread_mutex_unlock (&core->lock);
  buckets = tally_core_dup_buckets (core);
  for (guint i = 0; i < buckets->len; i++)
    tally_hook_unref (replace_hook (g_ptr_array_index (buckets, i), kind));
  tally_hook_unref (old);
}
