/* A distribution of times that one thread adds to while others may read it. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <glib.h>

G_BEGIN_DECLS

/* Each power of two has so many bins, and what is below is exact: a value is known to 1 part in 128. */
#define LOAD_HISTOGRAM_STEPS 64
/* Nanoseconds up to 2^42, which is 73 minutes; what is longer counts as that. */
#define LOAD_HISTOGRAM_BITS 42
#define LOAD_HISTOGRAM_BINS ((LOAD_HISTOGRAM_BITS - 5) * LOAD_HISTOGRAM_STEPS)

typedef struct
{
  guint64 count;
  guint64 sum;
  guint64 min; /* of none: 0 */
  guint64 max;
  guint64 bins[LOAD_HISTOGRAM_BINS];
} LoadHistogram;

/* By the one thread that adds. */
void load_histogram_add (LoadHistogram *self, guint64 value);
/* Adds what @other has, which its thread may be adding to: what is missing is a few of the latest values. */
void load_histogram_merge (LoadHistogram *self, const LoadHistogram *other);
/* What @self has more than @before had, which was a copy of it. Least and most are of all. */
void load_histogram_subtract (LoadHistogram *self, const LoadHistogram *before);
/* A value that at least @share, of 0 to 1, of the values do not exceed, and that is within the bin's width of one of them;
 * the least and the most are exact. 0 where there is none. */
guint64 load_histogram_quantile (const LoadHistogram *self, gdouble share);
/* The least value of bin @index. */
guint64 load_histogram_get_bin_start (guint index);

G_END_DECLS

#endif /* LOAD_HISTOGRAM_H */
