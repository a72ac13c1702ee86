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

/* The reaper will look while @conn is not idle for too long, whatever its thread does with it until then. */
static gboolean
will_be_reaped_locked (const TallyBucket *bucket, const TallyInstant *now)
{
  gint64 timeout = bucket->policy.options.idle_timeout;

  return timeout == 0 || bucket->due <= now->mono + timeout;
}

/* One connection at a time lies with a thread. So it takes those that it has given back in the order that `lifo` says. */
void
tally_bucket_let_own_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *conn)
{
  TallyPolicy *policy = &bucket->policy;
  TallyConn *former = tally_bucket_find_own (bucket);
  guint32 thread = tally_get_thread_id ();

  if (bucket->hooks[TALLY_HOOK_CHECK] != NULL || bucket->hooks[TALLY_HOOK_RESET] != NULL
      || !will_be_reaped_locked (bucket, now) || !tally_policy_may_own (policy, now))
    return;
  if (former != NULL)
    tally_policy_recall_from (policy, former, thread);
  tally_policy_let_own (policy, conn, thread);
  *tally_hint_find (bucket) = (TallyHint){ bucket->serial, conn };
}
