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

/* A thread gets one that it has given back twice in a row, and nobody else in between. What makes a single call, calls many
 * endpoints or holds several connections in turn, or shares one with others, would gain nothing. */
void
tally_bucket_let_own_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *conn)
{
  TallyPolicy *policy = &bucket->policy;
  TallyHint *hint = tally_hint_find (bucket);
  guint32 thread = tally_get_thread_id ();
  gboolean has_come_back =
      hint->serial == bucket->serial && hint->conn == conn && conn->own.thread == thread;

  *hint = (TallyHint){ bucket->serial, conn };
  __atomic_store_n (&conn->own.thread, thread, __ATOMIC_RELAXED);
  if (!has_come_back || must_examine (bucket, conn) || bucket->hooks[TALLY_HOOK_RESET] != NULL
      || !tally_policy_may_own (policy, now, conn))
    return;
  tally_policy_let_own (policy, conn, thread);
}
