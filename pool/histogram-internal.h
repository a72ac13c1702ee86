/* How a histogram is filled: policy-stats.c. */
#ifndef TALLY_HISTOGRAM_INTERNAL_H
#define TALLY_HISTOGRAM_INTERNAL_H

#include "tally-pool-types.h"

G_BEGIN_DECLS

void tally_histogram_add (TallyHistogram *histogram, gint64 microseconds);

G_END_DECLS

#endif /* TALLY_HISTOGRAM_INTERNAL_H */
