/* Owns what a channel keeps for the retries of all its calls: its policy, and the balance of their budget, which no lock
 * protects. */
#include "retry-private.h"

/* Parts of an attempt; what a call pays in is counted in them. */
#define ATTEMPT 1000
#define PERCENT (ATTEMPT / 100)
/* Calls whose payments are kept. */
#define CALLS_KEPT 1000

static TallyRetryPolicy *
dup_policy (TallyChannel *channel)
{
  TallyRetryPolicy *policy;

  pthread_mutex_lock (&channel->retry_lock);
  policy = channel->retry_policy != NULL ? tally_retry_policy_ref (channel->retry_policy) : NULL;
  pthread_mutex_unlock (&channel->retry_lock);
  return policy;
}

TallyRetryPolicy *
tally_retry_find_policy (TallyChannel *channel, const TallyCallOptions *options)
{
  if (options != NULL && options->retry_policy != NULL)
    return tally_retry_policy_use (options->retry_policy);
  return dup_policy (channel);
}

void
tally_retry_pay_in (TallyChannel *channel, const TallyRetryPolicy *policy)
{
  gint share = (gint) policy->budget_percent * PERCENT;

  if (share > 0 && __atomic_load_n (&channel->retry_balance, __ATOMIC_RELAXED) < share * CALLS_KEPT)
    __atomic_fetch_add (&channel->retry_balance, share, __ATOMIC_RELAXED);
}

gboolean
tally_retry_take_out (TallyChannel *channel, const TallyRetryPolicy *policy)
{
  gint lowest = -(gint) policy->budget_floor * ATTEMPT;
  gint balance = __atomic_load_n (&channel->retry_balance, __ATOMIC_RELAXED);

  do
    if (balance - ATTEMPT < lowest)
      return FALSE;
  while (!__atomic_compare_exchange_n (&channel->retry_balance, &balance, balance - ATTEMPT, TRUE,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return TRUE;
}

void
tally_retry_clear_channel (TallyChannel *channel)
{
  g_clear_pointer (&channel->retry_policy, tally_retry_policy_unref);
  g_free (channel->recent_times);
  pthread_mutex_destroy (&channel->retry_lock);
}

/**
 * tally_channel_set_retry_policy:
 * @self: a channel
 * @policy: (nullable): what its calls do after a failure; %NULL = nothing
 *
 * Applies to calls that begin from now on and have no policy of their own (#TallyCallOptions). Pool rule 13 is
 * followed in any case. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_channel_set_retry_policy (TallyChannel *self, TallyRetryPolicy *policy)
{
  TallyRetryPolicy *old;

  g_return_if_fail (TALLY_IS_CHANNEL (self));
  if (policy != NULL)
    tally_retry_policy_use (policy);
  pthread_mutex_lock (&self->retry_lock);
  old = self->retry_policy;
  self->retry_policy = policy;
  __atomic_store_n (&self->is_special, self->bucket == NULL || policy != NULL, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&self->retry_lock);
  if (old != policy)
    g_object_notify (G_OBJECT (self), "retry-policy");
  g_clear_pointer (&old, tally_retry_policy_unref);
}

/**
 * tally_channel_dup_retry_policy:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: (transfer full) (nullable): what its calls do after a failure
 *
 * Since: 0.2
 */
TallyRetryPolicy *
tally_channel_dup_retry_policy (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), NULL);
  return dup_policy (self);
}
