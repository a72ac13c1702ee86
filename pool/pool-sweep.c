/* Owns when a pool drops the bucket of an endpoint that is no longer used. */
#include "registry-private.h"

#include "balance-private.h"
#include "bucket-private.h"
#include "totals-private.h"

/* Whether only the table refers to @bucket, which has no connection, nothing to remember and
 * nothing to do. With the core's lock, without which no thread can get a reference. */
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

/* Drops the buckets of endpoints that are no longer used; their counters stay in the pool's
 * sums. */
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

/* Before the table grows, unless most of what it held when it was last looked through is in use: so
 * that endpoints which were never reached do not gather in it. Not under any lock. */
void
tally_core_sweep (TallyPoolCore *core)
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
  core->sweep_at = MAX (TALLY_SMALLEST_SWEEP, twice);
  pthread_mutex_unlock (&core->lock);
}
