/* Owns how times are drawn from a distribution. */
#include "load-times.h"

#include <math.h>

/* Standard deviations between the median and the 99th percentile of a normal distribution. */
#define P99_SIGMAS 2.3263478740408408

LoadTimes
load_times_constant (gdouble us)
{
  return (LoadTimes){ .kind = LOAD_TIMES_CONSTANT, .mean_us = us };
}

LoadTimes
load_times_exponential (gdouble mean_us)
{
  return (LoadTimes){ .kind = LOAD_TIMES_EXPONENTIAL, .mean_us = mean_us };
}

LoadTimes
load_times_lognormal (gdouble median_us, gdouble p99_us)
{
  const gdouble sigma = log (p99_us / median_us) / P99_SIGMAS;

  return (LoadTimes){ .kind = LOAD_TIMES_LOGNORMAL,
                      .mean_us = median_us * exp (sigma * sigma / 2),
                      .median_us = median_us,
                      .sigma = sigma };
}

static gdouble
count_all (GArray *bins)
{
  gdouble count = 0;

  for (guint i = 0; i < bins->len; i++)
    count += g_array_index (bins, LoadTimesBin, i).count;
  return count;
}

LoadTimes
load_times_measured (GArray *bins, gdouble mean_us)
{
  gdouble sum = 0;
  const gdouble count = count_all (bins);
  gdouble stretch;

  for (guint i = 0; i < bins->len; i++)
    {
      const LoadTimesBin *bin = &g_array_index (bins, LoadTimesBin, i);

      sum += bin->count * (bin->least_us + bin->most_us) / 2;
    }
  stretch = mean_us > 0 && sum > 0 ? mean_us * count / sum : 1;
  for (guint i = 0; i < bins->len; i++)
    {
      LoadTimesBin *bin = &g_array_index (bins, LoadTimesBin, i);

      bin->least_us *= stretch;
      bin->most_us *= stretch;
    }
  return (LoadTimes){ .kind = LOAD_TIMES_MEASURED,
                      .mean_us = mean_us > 0 ? mean_us : sum / count,
                      .bins = bins };
}

void
load_times_clear (LoadTimes *times)
{
  g_clear_pointer (&times->bins, g_array_unref);
}

gdouble
load_bins_quantile (GArray *bins, gdouble share)
{
  gdouble wanted = share * count_all (bins);

  for (guint i = 0; i < bins->len; i++)
    {
      const LoadTimesBin *bin = &g_array_index (bins, LoadTimesBin, i);

      if (bin->count > 0 && wanted <= bin->count)
        return bin->least_us + (bin->most_us - bin->least_us) * wanted / bin->count;
      wanted -= bin->count;
    }
  return bins->len > 0 ? g_array_index (bins, LoadTimesBin, bins->len - 1).most_us : 0;
}

/* From above 0 to 1, so that it has a logarithm. */
static gdouble
draw_share (GRand *random)
{
  return 1 - g_rand_double (random);
}

/* By Box and Muller. */
static gdouble
draw_normal (GRand *random)
{
  const gdouble radius = sqrt (-2 * log (draw_share (random)));

  return radius * cos (2 * G_PI * g_rand_double (random));
}

gdouble
load_times_draw (const LoadTimes *times, GRand *random)
{
  switch (times->kind)
    {
    case LOAD_TIMES_CONSTANT:
      return times->mean_us;
    case LOAD_TIMES_EXPONENTIAL:
      return -times->mean_us * log (draw_share (random));
    case LOAD_TIMES_LOGNORMAL:
      return times->median_us * exp (times->sigma * draw_normal (random));
    case LOAD_TIMES_MEASURED:
      return load_bins_quantile (times->bins, g_rand_double (random));
    }
  g_return_val_if_reached (0);
}
