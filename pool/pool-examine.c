/* Owns the examination of one connection by a thread that has its bucket's lock before and after. */
#include "health-private.h"
#include "work-private.h"

/* tally_bucket_examine (), locked before and after. */
TallyFinding
tally_bucket_examine_locked (TallyBucket *bucket,
                             const TallyConn *conn,
                             gint64 idle_age,
                             gint64 deadline,
                             GCancellable *cancellable)
{
  TallyFinding finding;

  tally_bucket_work_and_unlock (bucket);
  finding = tally_bucket_examine (bucket, conn, idle_age, deadline, cancellable);
  tally_bucket_lock (bucket);
  return finding;
}

/* With the lock: the borrower of @hold gives back what did not pass. */
void
tally_bucket_check_failed_locked (TallyBucket *bucket,
                                  const TallyInstant *now,
                                  TallyHold *hold,
                                  TallyFinding finding)
{
  if (finding.is_silent)
    tally_policy_drop_silent (&bucket->policy, hold->conn);
  tally_policy_check_failed (&bucket->policy, now, hold, finding.reason);
}
