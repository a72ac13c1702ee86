/* How long things take in a model: distributions of times. */
#ifndef LOAD_TIMES_H
#define LOAD_TIMES_H

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  LOAD_TIMES_CONSTANT,
  LOAD_TIMES_EXPONENTIAL,
  LOAD_TIMES_LOGNORMAL,
  LOAD_TIMES_MEASURED
} LoadTimesKind;

/* Microseconds. Zeroed: everything takes no time. */
typedef struct
{
  LoadTimesKind kind;
  gdouble mean_us;
  gdouble median_us, sigma; /* LOGNORMAL: of the logarithm, sigma is the standard deviation */
  GArray *bins;             /* MEASURED: of LoadTimesBin; owned */
} LoadTimes;

/* So many values were from @least_us to below @most_us. */
typedef struct
{
  gdouble least_us, most_us;
  gdouble count;
} LoadTimesBin;

LoadTimes load_times_constant (gdouble us);
LoadTimes load_times_exponential (gdouble mean_us);
/* @p99_us is more than @median_us, which is more than 0. */
LoadTimes load_times_lognormal (gdouble median_us, gdouble p99_us);
/* @bins (element-type LoadTimesBin) (transfer full): some value was counted. Drawn values are spread evenly within a bin, and all of
 * them stretched so that their mean is @mean_us, unless that is 0. */
LoadTimes load_times_measured (GArray *bins, gdouble mean_us);
void load_times_clear (LoadTimes *times);
/* Microseconds, at least 0. */
gdouble load_times_draw (const LoadTimes *times, GRand *random);
/* The value that @share, of 0 to 1, of the values in @bins (element-type LoadTimesBin) do not exceed; 0 where there is none. */
gdouble load_bins_quantile (GArray *bins, gdouble share);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LoadTimes, load_times_clear)

G_END_DECLS

#endif /* LOAD_TIMES_H */
