/* Owns the tests of which members a picker leaves out because their calls fail, and how they come back. */
#include "picker-bench.h"

/* After a failure or two time-outs, and as long as there is another one. */
static void
one_failure_leaves_it_alone_for_a_moment (void)
{
  for (guint kind = 0; kind < TALLY_N_PICKERS; kind++)
    {
      TallyMember *tried[1];
      Bench bench;

      bench_open (&bench, kind, 2);
      bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_TIMED_OUT);
      CU_ASSERT (bench_count_picks (&bench, 100, 0) > 0);
      bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
      CU_ASSERT_FALSE (bench_is_out (&bench, 0));
      bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_ANSWERED); /* sent before it failed */
      assert_int (bench_count_picks (&bench, 100, 0), 0);
      tried[0] = bench_pick (&bench);
      CU_ASSERT_PTR_EQUAL (tally_picker_pick (&bench.picker, bench.now, 0, tried, 1),
                           bench_get_member (&bench, 0));
      bench.now += 500 * MS;
      CU_ASSERT (bench_count_picks (&bench, 100, 0) > 0);
      bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_TIMED_OUT);
      CU_ASSERT (bench_count_picks (&bench, 100, 0) > 0);
      bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_TIMED_OUT);
      assert_int (bench_count_picks (&bench, 100, 0), 0);
      bench_close (&bench);
    }
}

static gboolean
is_alone (const Bench *self, guint i)
{
  return tally_outliers_is_out (bench_get_member (self, i), self->now) && !bench_is_out (self, i);
}

/* Of those that are not out, and these are the latest that failed: a second and a third server are killed after the first. */
static void
at_most_half_are_left_alone (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 6);
  bench_use_often (&bench, 5, 5, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (bench_is_out (&bench, 5));
  for (guint i = 0; i < 5; i++, bench.now += MS)
    {
      bench_use_often (&bench, i, 2, TALLY_ATTEMPT_FAILED);
      for (guint k = 0; k < 5; k++)
        CU_ASSERT (is_alone (&bench, k) == (k <= i && k + 2 > i));
    }
  bench_close (&bench);
  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 1);
  bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (is_alone (&bench, 0));
  bench_close (&bench);
}

static void
five_failures_in_a_row_take_it_out (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  bench_use_often (&bench, 0, 4, TALLY_ATTEMPT_FAILED);
  bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_ANSWERED);
  bench_use_often (&bench, 0, 4, TALLY_ATTEMPT_TIMED_OUT);
  bench_use_often (&bench, 0, 9, TALLY_ATTEMPT_UNKNOWN);
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (bench_is_out (&bench, 0));
  assert_int (bench_count_picks (&bench, 100, 0), 0);
  bench_close (&bench);
}

static void
half_failing_takes_it_out (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  for (guint i = 0; i < 19; i++)
    bench_use_often (&bench, 0, 1, i % 2 == 0 ? TALLY_ATTEMPT_ANSWERED : TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (bench_is_out (&bench, 0));
  /* A third is not enough, however long it goes on. */
  for (guint i = 0; i < 300; i++, bench.now += SECOND)
    {
      bench_use_often (&bench, 1, 1, i % 3 == 0 ? TALLY_ATTEMPT_FAILED : TALLY_ATTEMPT_ANSWERED);
      CU_ASSERT_FALSE (bench_is_out (&bench, 1));
    }
  bench_close (&bench);
}

static void
never_more_than_half_are_out (void)
{
  for (guint n = 1; n < 8; n++)
    {
      guint n_out = 0;
      Bench bench;

      bench_open (&bench, TALLY_PICKER_TWO_CHOICES, n);
      for (guint i = 0; i < n; i++)
        bench_use_often (&bench, i, 30, TALLY_ATTEMPT_FAILED);
      for (guint i = 0; i < n; i++)
        n_out += bench_is_out (&bench, i);
      assert_int (n_out, n / 2);
      CU_ASSERT_PTR_NOT_NULL (bench_pick (&bench));
      bench_close (&bench);
    }
}

/* After five seconds, with a tenth of its weight; that one failure is enough then, and it stays out for twice as long. */
static void
it_returns_step_by_step (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  bench_use_often (&bench, 0, 5, TALLY_ATTEMPT_FAILED);
  bench.now += 5 * SECOND - 1;
  CU_ASSERT_TRUE (bench_is_out (&bench, 0));
  bench.now += 1;
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  CU_ASSERT (bench_count_picks (&bench, 1100, 0) < 110);
  bench_use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (bench_is_out (&bench, 0));
  bench.now += 10 * SECOND - 1;
  CU_ASSERT_TRUE (bench_is_out (&bench, 0));
  bench.now += 1;
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  bench.now += 10 * SECOND;
  assert_int (bench_count_picks (&bench, 100, 0), 50);
  bench_use_often (&bench, 0, 4, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  bench_close (&bench);
}

/* How long member 0 is out. */
static gint64
find_pause (Bench *self)
{
  gint64 began = self->now;

  bench_use_often (self, 0, 5, TALLY_ATTEMPT_FAILED);
  while (bench_is_out (self, 0))
    self->now += SECOND;
  return self->now - began;
}

static void
a_pause_is_a_minute_at_most (void)
{
  static const gint64 pauses[] = { 5, 10, 20, 40, 60, 60, 60 };
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++)
    assert_int (find_pause (&bench) / SECOND, pauses[i]);
  for (guint i = 0; i < 100; i++, bench.now += 10 * SECOND) /* what went well is remembered, too */
    bench_use_often (&bench, 0, 20, TALLY_ATTEMPT_ANSWERED);
  assert_int (find_pause (&bench) / SECOND, 5);
  bench_close (&bench);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (one_failure_leaves_it_alone_for_a_moment),
    TEST (at_most_half_are_left_alone),
    TEST (five_failures_in_a_row_take_it_out),
    TEST (half_failing_takes_it_out),
    TEST (never_more_than_half_are_out),
    TEST (it_returns_step_by_step),
    TEST (a_pause_is_a_minute_at_most),
    { NULL, NULL },
  };

  return test_main ("picker-outliers", cases, argc, argv);
}
