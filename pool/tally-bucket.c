/* Owns what a bucket offers its users besides borrowing, releasing and telling of itself. */
#include "bucket-private.h"
#include "work-private.h"

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
  tally_bucket_work_and_unlock (bucket);
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
  tally_bucket_work_and_unlock (bucket);
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
  tally_bucket_work_and_unlock (bucket);
}

void
tally_bucket_give_up (TallyBucket *bucket)
{
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_give_up (&bucket->policy, &now);
  tally_bucket_schedule_locked (bucket);
  tally_bucket_work_and_unlock (bucket);
}

/**
 * tally_bucket_count_late_replies:
 * @bucket: a bucket
 * @count: how many
 *
 * Adds to the snapshot's `late_replies`: for users of shared connections that have received and
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
