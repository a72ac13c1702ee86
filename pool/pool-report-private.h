/* What makes a bucket's state into text, for errors and dumps. */
#ifndef TALLY_POOL_REPORT_PRIVATE_H
#define TALLY_POOL_REPORT_PRIVATE_H

#include "policy/policy-report-private.h"
#include "bucket-private.h"

G_BEGIN_DECLS

gchar *tally_bucket_describe (TallyBucket *bucket, TallyPolicyState *state);
gchar *tally_core_describe_totals (TallyPoolCore *core);

/* tally-pool.c */
TallyPoolCore *tally_pool_get_core (TallyPool *self);

G_END_DECLS

#endif /* TALLY_POOL_REPORT_PRIVATE_H */
