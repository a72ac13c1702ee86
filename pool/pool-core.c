/* Owns what a pool's buckets share: the options and hooks as last set, and which buckets there are.
 */
#include "pool-private.h"

#define SMALLEST_SWEEP 64

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
  core->buckets = g_hash_table_new_full (tally_endpoint_hash, tally_endpoint_equal, NULL,
                                         (GDestroyNotify) tally_bucket_unref);
  core->sweep_at = SMALLEST_SWEEP;
  core->options = tally_pool_options_default;
  core->reap_at = G_MAXINT64;
  g_queue_init (&core->starved);
  g_queue_init (&core->denied);
  g_weak_ref_init (&core->pool, pool);
  core->event_signal = event_signal;
  tally_fork_watch (core);
  return core;
}

TallyPoolCore *
tally_core_ref (TallyPoolCore *core)
{
  __atomic_add_fetch (&core->ref_count, 1, __ATOMIC_RELAXED);
  return core;
}

void
tally_core_unref (TallyPoolCore *core)
{
  if (__atomic_sub_fetch (&core->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  tally_fork_unwatch (core);
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    tally_hook_unref (core->hooks[i]);
  g_weak_ref_clear (&core->pool);
  g_hash_table_unref (core->buckets);
  pthread_cond_destroy (&core->reaper_wake);
  pthread_cond_destroy (&core->changed);
  pthread_mutex_destroy (&core->totals_lock);
  pthread_mutex_destroy (&core->survey_lock);
  pthread_mutex_destroy (&core->lock);
  g_free (core);
}

/* Something that close may wait for has happened. Not under any lock. */
void
tally_core_changed (TallyPoolCore *core)
{
  pthread_mutex_lock (&core->lock);
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}

/* ---- buckets ---- */

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

/* Nobody but the table refers to @bucket, and it has nothing, nor anything to remember or to do. With
 * the core's lock, under which alone somebody could get a reference. */
static gboolean
is_unused_locked (TallyBucket *bucket)
{
  TallyPolicy *policy = &bucket->policy;
  TallyInstant now;
  gboolean unused;
  gboolean was_denied;

  if (!tally_totals_forget_unreferenced (bucket, &was_denied))
    return FALSE;
  pthread_mutex_lock (&bucket->lock);
  tally_bucket_now_locked (bucket, &now);
  unused = tally_policy_open (policy) == 0 && policy->waiting == 0
           && policy->backoff.until <= now.mono && !tally_policy_needs_refill (policy);
  pthread_mutex_unlock (&bucket->lock);
  if (!unused && was_denied)
    tally_totals_deny (bucket);
  return unused;
}

/* Drops the buckets of endpoints that nobody uses any more; their counters stay in the pool's sums.
 */
void
tally_core_forget_unused (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) unused =
      g_ptr_array_new_with_free_func ((GDestroyNotify) tally_bucket_unref);
  TallyInstant now = { 0 };
  TallyPoolSnapshot part;
  GHashTableIter iter;
  gpointer bucket;

  pthread_mutex_lock (&core->lock);
  g_hash_table_iter_init (&iter, core->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &bucket))
    if (is_unused_locked (bucket))
      {
        tally_policy_snapshot (&((TallyBucket *) bucket)->policy, &now, &part);
        tally_snapshot_add (&core->gone, &part);
        g_hash_table_iter_steal (&iter);
        g_ptr_array_add (unused, bucket);
      }
  pthread_mutex_unlock (&core->lock);
  if (tally_totals_need_balance (core)) /* while a bucket was looked at it was in no queue */
    tally_totals_balance (core);
}

/* The pool is gone and closed: what its buckets still are to others keeps them, nothing else. */
void
tally_core_forget_all (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);

  pthread_mutex_lock (&core->lock);
  g_hash_table_remove_all (core->buckets); /* frees none: there is another reference to each */
  pthread_mutex_unlock (&core->lock);
}

/* Before the table grows, unless most of what it held when it was last looked through is in use: so
 * that endpoints which were never reached do not gather in it. Not under any lock. */
static void
sweep (TallyPoolCore *core)
{
  guint twice;
  gboolean due;

  pthread_mutex_lock (&core->lock);
  due = g_hash_table_size (core->buckets) >= core->sweep_at;
  pthread_mutex_unlock (&core->lock);
  if (!due)
    return;
  tally_core_forget_unused (core);
  pthread_mutex_lock (&core->lock);
  twice = g_hash_table_size (core->buckets) * 2;
  core->sweep_at = MAX (SMALLEST_SWEEP, twice);
  pthread_mutex_unlock (&core->lock);
}

TallyBucket *
tally_core_dup_bucket (TallyPoolCore *core, TallyEndpoint *endpoint)
{
  TallyBucket *bucket;

  sweep (core);
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
    pthread_mutex_lock (&((TallyBucket *) g_ptr_array_index (buckets, i))->lock);
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
  tally_bucket_unlock (bucket);
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
  pthread_mutex_lock (&bucket->lock);
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
