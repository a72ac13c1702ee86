/* What a thread has of a pool while foreign code runs on it. */
#ifndef TALLY_CLAIMS_PRIVATE_H
#define TALLY_CLAIMS_PRIVATE_H

#include "bucket-private.h"
#include "thread-local-internal.h"

G_BEGIN_DECLS

/* Connections that cannot come back before this thread goes on: those that it dials, examines, resets
 * or closes, and the one that the borrow it makes is about to get. Foreign code that it runs
 * meanwhile and that closes the pool waits for none of them. On this thread's stack. */
typedef struct _TallyClaim TallyClaim;
struct _TallyClaim
{
  TallyBucket *bucket;
  guint forks; /* the bucket's when it began; of a parent's connections none is open in the child */
  guint count;
  const TallyWaiter *waiter; /* (nullable): has one more while it is served or dials */
  TallyClaim *outer;
};

extern TALLY_THREAD_LOCAL TallyClaim *tally_claims; /* this thread's, innermost first */

/* From now on, until tally_claim_pop (), @count connections of @bucket come back only when this thread
 * goes on, and one more while @waiter (nullable) has one. */
static inline void
tally_claim_push (TallyClaim *claim, TallyBucket *bucket, guint count, const TallyWaiter *waiter)
{
  *claim = (TallyClaim){ bucket, bucket->forks, count, waiter, tally_claims };
  tally_claims = claim;
}

static inline void
tally_claim_pop (const TallyClaim *claim)
{
  tally_claims = claim->outer;
}

G_END_DECLS

#endif /* TALLY_CLAIMS_PRIVATE_H */
