/* What is done about the limits over all endpoints. */
#ifndef TALLY_BALANCE_PRIVATE_H
#define TALLY_BALANCE_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

void tally_totals_balance (TallyPoolCore *core);
gboolean tally_bucket_lock_and_admit (TallyBucket *bucket, TallyWaiter *waiter, gboolean held_back);

G_END_DECLS

#endif /* TALLY_BALANCE_PRIVATE_H */
