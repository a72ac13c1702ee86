/* The end of having a bucket's lock. */
#ifndef TALLY_WORK_PRIVATE_H
#define TALLY_WORK_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

/* Unlocks, after having done, without the lock, what the policy asked for; that may make it ask for more. The
 * caller's reference to @bucket must outlive it, whatever handlers do. */
void tally_bucket_work_and_unlock (TallyBucket *bucket);

G_END_DECLS

#endif /* TALLY_WORK_PRIVATE_H */
