/* Owns the policy object: what a program says of retries. What follows from it for a call is retry.c's. */
#include "tally-retry-policy.h"

#include "retry-private.h"

#define DEFAULT_FIRST_PAUSE_MS 50
#define DEFAULT_LONGEST_PAUSE_MS 2000
#define DEFAULT_BUDGET_PERCENT 20
#define DEFAULT_BUDGET_FLOOR 10

G_DEFINE_BOXED_TYPE (TallyRetryPolicy,
                     tally_retry_policy,
                     tally_retry_policy_ref,
                     tally_retry_policy_unref)

G_DEFINE_FLAGS_TYPE (TallyRetryErrors,
                     tally_retry_errors,
                     G_DEFINE_ENUM_VALUE (TALLY_RETRY_NOT_SENT, "not-sent"),
                     G_DEFINE_ENUM_VALUE (TALLY_RETRY_NOT_EXECUTED, "not-executed"),
                     G_DEFINE_ENUM_VALUE (TALLY_RETRY_LOST, "lost"))

/**
 * tally_retry_policy_new:
 * @attempts: how often a call may be made in all, 1 to %TALLY_MAX_ATTEMPTS; 1 = never again
 *
 * Makes a policy: after each failure of a #TallyRetryErrors, for which repeating is safe, a call is made again, after a pause
 * of 50 ms at first, which doubles up to 2 s, out of a budget of 20 percent of the calls and 10 attempts.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 0.2
 */
TallyRetryPolicy *
tally_retry_policy_new (guint attempts)
{
  TallyRetryPolicy *self;

  g_return_val_if_fail (attempts >= 1 && attempts <= TALLY_MAX_ATTEMPTS, NULL);
  self = g_new0 (TallyRetryPolicy, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->attempts = attempts;
  self->first_pause_ms = DEFAULT_FIRST_PAUSE_MS;
  self->longest_pause_ms = DEFAULT_LONGEST_PAUSE_MS;
  self->errors = TALLY_RETRY_NOT_SENT | TALLY_RETRY_NOT_EXECUTED | TALLY_RETRY_LOST;
  self->budget_percent = DEFAULT_BUDGET_PERCENT;
  self->budget_floor = DEFAULT_BUDGET_FLOOR;
  return self;
}

/**
 * tally_retry_policy_ref:
 * @policy: a policy
 *
 * Thread-safe.
 *
 * Returns: (transfer full): @policy
 *
 * Since: 0.2
 */
TallyRetryPolicy *
tally_retry_policy_ref (TallyRetryPolicy *policy)
{
  g_return_val_if_fail (policy != NULL, NULL);
  g_atomic_ref_count_inc (&policy->ref_count);
  return policy;
}

/**
 * tally_retry_policy_unref:
 * @policy: (transfer full): a policy
 *
 * Drops a reference, and with the last one the policy. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_retry_policy_unref (TallyRetryPolicy *policy)
{
  g_return_if_fail (policy != NULL);
  if (!g_atomic_ref_count_dec (&policy->ref_count))
    return;
  g_free (policy->named);
  g_free (policy);
}

TallyRetryPolicy *
tally_retry_policy_use (TallyRetryPolicy *self)
{
  if (!__atomic_load_n (&self->is_used, __ATOMIC_RELAXED))
    __atomic_store_n (&self->is_used, TRUE, __ATOMIC_RELAXED);
  return tally_retry_policy_ref (self);
}

/* FALSE, with a critical warning, for one that others may be reading. */
static gboolean
may_change (TallyRetryPolicy *self)
{
  if (self != NULL && !__atomic_load_n (&self->is_used, __ATOMIC_RELAXED))
    return TRUE;
  g_critical ("a TallyRetryPolicy is constant once a channel or a call has used it");
  return FALSE;
}

/**
 * tally_retry_policy_get_attempts:
 * @policy: a policy
 *
 * Returns: how often a call may be made in all
 *
 * Since: 0.2
 */
guint
tally_retry_policy_get_attempts (const TallyRetryPolicy *policy)
{
  g_return_val_if_fail (policy != NULL, 1);
  return policy->attempts;
}

/**
 * tally_retry_policy_set_backoff:
 * @policy: a policy that was not used yet
 * @first_ms: milliseconds before the second attempt; 0 = none before any
 * @longest_ms: milliseconds that no pause exceeds
 *
 * The pause doubles with each attempt. Of each a random part, between half and all of it, is waited, so that clients that
 * failed together do not come back together. A call whose deadline would pass in a pause fails at once.
 *
 * Since: 0.2
 */
void
tally_retry_policy_set_backoff (TallyRetryPolicy *policy, guint first_ms, guint longest_ms)
{
  g_return_if_fail (first_ms <= longest_ms && longest_ms <= G_MAXINT);
  if (!may_change (policy))
    return;
  policy->first_pause_ms = first_ms;
  policy->longest_pause_ms = longest_ms;
}

/**
 * tally_retry_policy_set_errors:
 * @policy: a policy that was not used yet
 * @errors: the kinds of failure after which a call may be made again
 *
 * All three at first. %TALLY_RETRY_LOST is never followed for a call that is not idempotent.
 *
 * Since: 0.2
 */
void
tally_retry_policy_set_errors (TallyRetryPolicy *policy, TallyRetryErrors errors)
{
  if (may_change (policy))
    policy->errors = errors;
}

/**
 * tally_retry_policy_add_error:
 * @policy: a policy that was not used yet
 * @domain: the domain of an error that a handler answers with: a declared exception's own
 *   (`<struct>_error_quark ()`), or %THRIFT_APPLICATION_EXCEPTION_ERROR
 * @code: its code; negative = any of the domain
 *
 * Names an answer after which an idempotent call is made again. What handlers answer is final otherwise.
 *
 * Since: 0.2
 */
void
tally_retry_policy_add_error (TallyRetryPolicy *policy, GQuark domain, gint code)
{
  g_return_if_fail (domain != 0);
  if (!may_change (policy))
    return;
  policy->named = g_renew (TallyNamedError, policy->named, policy->n_named + 1);
  policy->named[policy->n_named++] = (TallyNamedError){ domain, code };
}

/**
 * tally_retry_policy_set_budget:
 * @policy: a policy that was not used yet
 * @percent: attempts beyond the first for 100 calls, 0 to 100
 * @floor: such attempts that may be made before there were calls enough, 0 to 100,000
 *
 * What all calls of a channel may spend on attempts beyond the first: each call pays @percent of an
 * attempt in, each attempt beyond a first takes one out. So a service that fails every call of n gets at most
 * n + n × @percent / 100 + @floor attempts, with what up to a thousand calls before them have left over. A call for whose
 * next attempt nothing is left fails at once, with the error that it has.
 *
 * Since: 0.2
 */
void
tally_retry_policy_set_budget (TallyRetryPolicy *policy, guint percent, guint floor)
{
  g_return_if_fail (percent <= 100 && floor <= TALLY_RETRY_MAX_FLOOR);
  if (!may_change (policy))
    return;
  policy->budget_percent = percent;
  policy->budget_floor = floor;
}

/**
 * tally_retry_policy_set_hedging:
 * @policy: a policy that was not used yet
 * @percent: 1 to 99: the share of the channel's recent calls that were answered sooner than a second attempt begins, such
 *   as 95; 0 = calls are not hedged, as at first
 * @least_ms: milliseconds before which no second attempt begins
 *
 * Makes an idempotent call a second time while its first attempt is under way, where that takes longer than most do. The
 * first answer counts, the other attempt is cancelled. The second attempt is one of the policy's attempts, and out of its
 * budget. Before sixteen calls were answered no call is hedged. A call that blocks has its result's variables replaced,
 * not filled in place.
 *
 * Since: 0.2
 */
void
tally_retry_policy_set_hedging (TallyRetryPolicy *policy, guint percent, guint least_ms)
{
  g_return_if_fail (percent < 100 && least_ms <= G_MAXINT);
  if (!may_change (policy))
    return;
  policy->hedge_percent = percent;
  policy->hedge_least_ms = least_ms;
}
