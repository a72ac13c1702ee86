/* Owns which connection is whose own, as far as that needs a bucket's lock. */
#include "own-private.h"

TALLY_THREAD_LOCAL TallyHint tally_hints[TALLY_N_HINTS];

void
tally_bucket_enter_own_locked (TallyBucket *bucket)
{
  TallyInstant now;

  tally_bucket_now_locked (bucket, &now);
  tally_policy_enter_all (&bucket->policy, &now);
}

/* What the pool cannot look at without a hook is examined at each borrow, in the books. */
static gboolean
must_examine (const TallyBucket *bucket, const TallyConn *conn)
{
  return bucket->hooks[TALLY_HOOK_CHECK] != NULL
         || (conn->socket == NULL && bucket->policy.options.check != TALLY_POOL_CHECK_NEVER);
}

/* Only a thread that comes back to the bucket gets one: what makes a single call, or calls many endpoints in turn, would
 * gain nothing. */
void
tally_bucket_let_own_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *conn)
{
  TallyPolicy *policy = &bucket->policy;
  TallyHint *hint = tally_hint_find (bucket);
  gboolean has_come_back = hint->serial == bucket->serial;

  if (!has_come_back)
    *hint = (TallyHint){ bucket->serial, NULL };
  if (!has_come_back || must_examine (bucket, conn) || bucket->hooks[TALLY_HOOK_RESET] != NULL
      || !tally_policy_may_own (policy, now, conn))
    return;
  tally_policy_let_own (policy, conn, tally_get_thread_id ());
  hint->conn = conn;
}
