/* Times in bins: where they fall, what a quantile says, what sums and differences come to. */
#include "load-histogram.h"

#include "harness.h"

static void
each_value_lies_in_its_bin (void)
{
  for (guint i = 0; i + 1 < LOAD_HISTOGRAM_BINS; i++)
    {
      const guint64 start = load_histogram_get_bin_start (i);
      const guint64 next = load_histogram_get_bin_start (i + 1);
      const guint64 ends[] = { start, next - 1 };

      CU_ASSERT_TRUE (start < next);
      for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
        {
          g_autofree LoadHistogram *histogram = g_new0 (LoadHistogram, 1);

          load_histogram_add (histogram, ends[k]);
          CU_ASSERT_EQUAL (histogram->bins[i], 1);
        }
    }
}

static void
what_is_too_long_counts_as_the_longest (void)
{
  g_autofree LoadHistogram *histogram = g_new0 (LoadHistogram, 1);

  load_histogram_add (histogram, G_MAXUINT64);
  CU_ASSERT_EQUAL (histogram->bins[LOAD_HISTOGRAM_BINS - 1], 1);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 0.5), G_MAXUINT64);
}

/* 1 to 100,000 microseconds, in an order that is no order. */
static LoadHistogram *
new_histogram (void)
{
  LoadHistogram *histogram = g_new0 (LoadHistogram, 1);

  for (guint64 i = 0; i < 100000; i++)
    load_histogram_add (histogram, 1000 * (1 + i * 7919 % 100000));
  return histogram;
}

static void
a_quantile_is_near (void)
{
  g_autofree LoadHistogram *histogram = new_histogram ();
  static const gdouble shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999 };

  CU_ASSERT_EQUAL (histogram->count, 100000);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 0), 1000);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 1), 100000000);
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      const gdouble exact = 1e8 * shares[i];
      const gdouble said = (gdouble) load_histogram_quantile (histogram, shares[i]);

      CU_ASSERT_TRUE (said > exact * 127 / 128 && said < exact * 129 / 128);
    }
}

static void
quantiles_of_nothing_and_of_one (void)
{
  g_autofree LoadHistogram *histogram = g_new0 (LoadHistogram, 1);

  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 0.99), 0);
  load_histogram_add (histogram, 123456789);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 0), 123456789);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 0.5), 123456789);
  CU_ASSERT_EQUAL (load_histogram_quantile (histogram, 1), 123456789);
}

static void
sums_and_differences (void)
{
  g_autofree LoadHistogram *sum = g_new0 (LoadHistogram, 1);
  g_autofree LoadHistogram *one = new_histogram ();
  g_autofree LoadHistogram *few = g_new0 (LoadHistogram, 1);

  load_histogram_add (few, 5);
  load_histogram_add (few, 1000000000);
  load_histogram_merge (sum, one);
  load_histogram_merge (sum, few);
  CU_ASSERT_EQUAL (sum->count, 100002);
  CU_ASSERT_EQUAL (sum->min, 5);
  CU_ASSERT_EQUAL (sum->max, 1000000000);
  CU_ASSERT_EQUAL (sum->sum, one->sum + 1000000005);
  load_histogram_subtract (sum, one);
  CU_ASSERT_EQUAL (sum->count, 2);
  CU_ASSERT_EQUAL (sum->sum, 1000000005);
  CU_ASSERT_EQUAL (load_histogram_quantile (sum, 0), 5);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_value_lies_in_its_bin), TEST (what_is_too_long_counts_as_the_longest),
    TEST (a_quantile_is_near),         TEST (quantiles_of_nothing_and_of_one),
    TEST (sums_and_differences),       { NULL, NULL },
  };

  return test_main ("load-histogram", cases, argc, argv);
}
