/* Owns how times are counted: in bins whose width grows with the value. */
#include "load-histogram.h"

/* Readers of other threads see a value that was there, and no more is promised to them. */
#define READ(counter) __atomic_load_n (&(counter), __ATOMIC_RELAXED)
#define WRITE(counter, value) __atomic_store_n (&(counter), (value), __ATOMIC_RELAXED)

static guint
find_bin (guint64 value)
{
  guint shift;

  if (value >= G_GUINT64_CONSTANT (1) << LOAD_HISTOGRAM_BITS)
    return LOAD_HISTOGRAM_BINS - 1;
  if (value < LOAD_HISTOGRAM_STEPS)
    return (guint) value;
  shift = 63 - (guint) __builtin_clzll (value) - 6; /* 2^6 steps */
  return (shift + 1) * LOAD_HISTOGRAM_STEPS + (guint) (value >> shift) - LOAD_HISTOGRAM_STEPS;
}

guint64
load_histogram_get_bin_start (guint index)
{
  const guint shift = index / LOAD_HISTOGRAM_STEPS;

  if (shift == 0)
    return index;
  return (guint64) (LOAD_HISTOGRAM_STEPS + index % LOAD_HISTOGRAM_STEPS) << (shift - 1);
}

void
load_histogram_add (LoadHistogram *self, guint64 value)
{
  guint64 *bin = &self->bins[find_bin (value)];

  if (self->count == 0 || value < self->min)
    WRITE (self->min, value);
  if (value > self->max)
    WRITE (self->max, value);
  WRITE (*bin, *bin + 1);
  WRITE (self->sum, self->sum + value);
  WRITE (self->count, self->count + 1);
}

/* The count is that of the bins which were read, so that quantiles fit them. */
void
load_histogram_merge (LoadHistogram *self, const LoadHistogram *other)
{
  const guint64 min = READ (other->min), max = READ (other->max);
  guint64 count = 0;

  if (READ (other->count) == 0)
    return;
  for (guint i = 0; i < LOAD_HISTOGRAM_BINS; i++)
    {
      const guint64 some = READ (other->bins[i]);

      self->bins[i] += some;
      count += some;
    }
  if (self->count == 0 || min < self->min)
    self->min = min;
  if (max > self->max)
    self->max = max;
  self->sum += READ (other->sum);
  self->count += count;
}

void
load_histogram_subtract (LoadHistogram *self, const LoadHistogram *before)
{
  for (guint i = 0; i < LOAD_HISTOGRAM_BINS; i++)
    self->bins[i] -= before->bins[i];
  self->sum -= before->sum;
  self->count -= before->count;
}

guint64
load_histogram_quantile (const LoadHistogram *self, gdouble share)
{
  guint64 rank, start, middle, seen = 0;
  guint index;

  if (self->count == 0)
    return 0;
  rank = (guint64) (share * (gdouble) self->count);
  if (rank == 0)
    return self->min;
  if (rank >= self->count)
    return self->max;
  for (index = 0; index + 1 < LOAD_HISTOGRAM_BINS; index++)
    {
      seen += self->bins[index];
      if (seen > rank)
        break;
    }
  start = load_histogram_get_bin_start (index);
  middle = start + (load_histogram_get_bin_start (index + 1) - start) / 2;
  return CLAMP (middle, self->min, self->max);
}
