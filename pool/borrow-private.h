/* What borrowing with and without a thread of one's own share. */
#ifndef TALLY_BORROW_PRIVATE_H
#define TALLY_BORROW_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

gboolean tally_bucket_must_check_locked (TallyBucket *bucket, const TallyWaiter *waiter);
void tally_bucket_fill_lease (TallyBucket *bucket, const TallyWaiter *waiter, TallyLease *lease);
/* Unlocks. (transfer full): what became of @waiter, which failed. */
GError *tally_bucket_fail_and_unlock (TallyBucket *bucket, TallyWaiter *waiter);

G_END_DECLS

#endif /* TALLY_BORROW_PRIVATE_H */
