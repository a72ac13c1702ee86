/* What borrowing with and without a thread of one's own share. */
#ifndef TALLY_BORROW_PRIVATE_H
#define TALLY_BORROW_PRIVATE_H

#include "bucket-private.h"
#include "health-private.h"

G_BEGIN_DECLS

/* What tally_policy_try () or tally_policy_try_stream () has lent. */
typedef struct
{
  TallyHold *hold;
  gint64 idle_age;
  guint64 ticket; /* of the latter */
} TallyTaken;

/* A connection that was idle when another one proved dead is in doubt until it has served again. */
static inline gboolean
tally_policy_must_check (const TallyPolicy *policy, const TallyConn *conn, gint64 idle_age)
{
  return policy->options.check == TALLY_POOL_CHECK_ALWAYS
         || (policy->options.check == TALLY_POOL_CHECK_AUTO
             && idle_age >= policy->options.check_after)
         || conn->idle_since <= policy->last_death;
}

static inline void
tally_lease_fill (
    TallyLease *lease, TallyBucket *bucket, TallyHold *hold, guint64 generation, gboolean reused)
{
  const TallyConn *conn = hold->conn;

  lease->transport = conn->payload;
  lease->reused = reused;
  lease->shared = conn->is_shared;
  lease->bucket = bucket;
  lease->slot = hold;
  lease->generation = generation;
}

/* pool-borrow.c */
gboolean tally_bucket_must_check_locked (TallyBucket *bucket, const TallyWaiter *waiter);
void tally_bucket_fill_lease (TallyBucket *bucket, const TallyWaiter *waiter, TallyLease *lease);
/* With the lock: gives back what was found unusable; @waiter, which is new, goes on with the borrow. */
void tally_bucket_ask_again_locked (TallyBucket *bucket,
                                    const TallyTaken *taken,
                                    TallyFinding finding,
                                    TallyWaiter *waiter,
                                    GCancellable *cancellable);
/* Unlocks. (transfer full): what became of @waiter, which failed. */
GError *tally_bucket_fail_and_unlock (TallyBucket *bucket, TallyWaiter *waiter);
/* tally_bucket_borrow () where nothing is there at once; @since and @goes_on as of tally_bucket_borrow_soon (). */
gboolean tally_bucket_borrow_slowly (TallyBucket *bucket,
                                     const gchar *label,
                                     gint64 deadline,
                                     gint64 since,
                                     gboolean goes_on,
                                     GCancellable *cancellable,
                                     TallyLease *lease,
                                     GError **error);
/* Goes on with a borrow for which was taken what @finding says is unusable. @goes_on: the same. */
gboolean tally_bucket_borrow_again (TallyBucket *bucket,
                                    const TallyTaken *taken,
                                    TallyFinding finding,
                                    const gchar *label,
                                    gint64 deadline,
                                    gboolean goes_on,
                                    GCancellable *cancellable,
                                    TallyLease *lease,
                                    GError **error);

/* pool-quick.c */
/* tally_bucket_borrow () of what is there and proves usable. FALSE: nothing was taken, or if @finding has a reason @taken
 * is to be given up for another one. */
gboolean tally_bucket_borrow_at_once (TallyBucket *bucket,
                                      const gchar *label,
                                      gint64 deadline,
                                      GCancellable *cancellable,
                                      TallyLease *lease,
                                      TallyTaken *taken,
                                      TallyFinding *finding);
/* Not under any lock; @deadline: the borrow's, -1 = none. Whether what was taken may be used, as @lease. Else
 * @finding says why not; if it says nothing, the process was forked meanwhile, and this is the child. */
gboolean tally_bucket_examine_taken (TallyBucket *bucket,
                                     const TallyTaken *taken,
                                     gint64 deadline,
                                     GCancellable *cancellable,
                                     TallyLease *lease,
                                     TallyFinding *finding);

G_END_DECLS

#endif /* TALLY_BORROW_PRIVATE_H */
