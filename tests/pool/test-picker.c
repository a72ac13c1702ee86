/* Owns the tests of the picker: which member is picked, which is out and comes back, which is in a subset. Time and random numbers are
 * the tests'. */
#include "fleet/picker-private.h"
#include "harness.h"

#include <string.h>

#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

typedef struct
{
  TallyPicker picker;
  gint64 now;
} Bench;

static void
bench_open (Bench *self, TallyPickerKind kind, guint n_members)
{
  const TallyPickerOptions options = { .kind = kind, .seed = 1 };

  self->now = 1000 * SECOND;
  tally_picker_init (&self->picker, &options, 7);
  for (guint i = 0; i < n_members; i++)
    tally_picker_add (&self->picker, &(TallyMemberSpec){ tally_mix (i), 1, 0 }, i, G_MININT64);
  tally_picker_arrange (&self->picker);
}

static void
bench_close (Bench *self)
{
  g_ptr_array_foreach (self->picker.members, (GFunc) (void (*) (void)) g_free, NULL);
  tally_picker_clear (&self->picker);
}

static TallyMember *
get_member (const Bench *self, guint i)
{
  return g_ptr_array_index (self->picker.members, i);
}

/* (nullable): one that is none of @tried. */
static TallyMember *
pick (Bench *self)
{
  return tally_picker_pick (&self->picker, self->now, 0, NULL, 0);
}

static void
end (Bench *self, TallyMember *member, gint64 took, TallyAttemptEnd how)
{
  tally_picker_end (&self->picker, member, self->now - took, self->now, how);
}

/* An attempt at member @i, as if it had been picked. */
static void
use (Bench *self, guint i, gint64 took, TallyAttemptEnd how)
{
  get_member (self, i)->in_flight++;
  end (self, get_member (self, i), took, how);
}

static void
use_often (Bench *self, guint i, guint count, TallyAttemptEnd how)
{
  for (guint k = 0; k < count; k++)
    use (self, i, MS, how);
}

/* Not only left alone for a moment. */
static gboolean
is_out (const Bench *self, guint i)
{
  return tally_outliers_is_out (get_member (self, i), self->now)
         && get_member (self, i)->health.out_until > 0;
}

/* How many of @count calls in turn go to member @i. */
static guint
count_picks (Bench *self, guint count, guint i)
{
  guint n_picks = 0;

  for (guint k = 0; k < count; k++)
    {
      TallyMember *member = pick (self);

      n_picks += member == get_member (self, i);
      end (self, member, MS, TALLY_ATTEMPT_UNKNOWN);
    }
  return n_picks;
}

/* ---- which is picked ---- */

static void
round_robin_follows_weights (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 3);
  get_member (&bench, 1)->weight = 3;
  tally_picker_arrange (&bench.picker);
  for (guint i = 0; i < 3; i++)
    assert_int (count_picks (&bench, 500, i), i == 1 ? 300 : 100);
  bench_close (&bench);
}

/* Two at random are compared, drawn by weight. */
static void
two_choices_follow_weights (void)
{
  guint n_heavy;
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 10);
  get_member (&bench, 4)->weight = 5;
  tally_picker_arrange (&bench.picker);
  n_heavy = count_picks (&bench, 14000, 4);
  CU_ASSERT (n_heavy > 4500 && n_heavy < 5500);
  bench_close (&bench);
}

static void
the_less_loaded_is_picked (void)
{
  static const TallyPickerKind kinds[] = { TALLY_PICKER_TWO_CHOICES, TALLY_PICKER_LEAST };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Bench bench;

      bench_open (&bench, kinds[i], 2);
      get_member (&bench, 0)->in_flight = 1;
      assert_int (count_picks (&bench, 100, 0), 0);
      get_member (&bench, 0)->weight = 4; /* two of four are less than one of one */
      get_member (&bench, 0)->in_flight = 2;
      get_member (&bench, 1)->in_flight = 1;
      tally_picker_arrange (&bench.picker);
      assert_int (count_picks (&bench, 100, 0), 100);
      bench_close (&bench);
    }
}

static gboolean
has_owner (gpointer owner)
{
  return owner != NULL;
}

static void
a_connection_decides_between_equals (void)
{
  static const TallyPickerKind kinds[] = { TALLY_PICKER_TWO_CHOICES, TALLY_PICKER_LEAST };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      guint n_picks;
      Bench bench;

      bench_open (&bench, kinds[i], 2);
      bench.picker.options.is_connected = has_owner;
      get_member (&bench, 1)->owner = &bench;
      n_picks = count_picks (&bench, 1000, 1);
      CU_ASSERT (n_picks >= 700); /* of two that are drawn: at least in three of four cases */
      get_member (&bench, 1)->in_flight = 1;
      assert_int (count_picks (&bench, 100, 1), 0);
      bench_close (&bench);
    }
}

static void
the_first_priority_is_used_while_one_is_in (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 4);
  get_member (&bench, 0)->priority = 1;
  get_member (&bench, 1)->priority = 1;
  tally_picker_arrange (&bench.picker);
  assert_int (count_picks (&bench, 100, 0) + count_picks (&bench, 100, 1), 0);
  use_often (&bench, 2, 5, TALLY_ATTEMPT_FAILED);
  assert_int (count_picks (&bench, 100, 3), 100);
  use_often (&bench, 3, 5, TALLY_ATTEMPT_FAILED);
  CU_ASSERT (count_picks (&bench, 100, 0) > 0);
  assert_int (count_picks (&bench, 100, 2) + count_picks (&bench, 100, 3), 0);
  bench_close (&bench);
}

/* However many of the first do not work, a call reaches the next one. */
static void
a_call_reaches_every_priority (void)
{
  TallyMember *tried[TALLY_PICKER_MAX_TRIES];
  guint n_tried;
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 42);
  get_member (&bench, 41)->priority = 9;
  tally_picker_arrange (&bench.picker);
  for (guint call = 0; call < 10; call++, bench.now += SECOND)
    {
      for (n_tried = 0; n_tried < TALLY_PICKER_MAX_TRIES; n_tried++)
        {
          tried[n_tried] = tally_picker_pick (&bench.picker, bench.now, 0, tried, n_tried);
          if (tried[n_tried]->priority == 9)
            break;
          end (&bench, tried[n_tried], MS, TALLY_ATTEMPT_FAILED);
        }
      assert_int (n_tried, TALLY_PICKER_MAX_TRIES / 2);
      if (n_tried < TALLY_PICKER_MAX_TRIES)
        end (&bench, tried[n_tried], MS, TALLY_ATTEMPT_UNKNOWN);
    }
  bench_close (&bench);
}

/* A call tries each once, those that are out last. */
static void
each_is_tried_once (void)
{
  for (guint kind = 0; kind < TALLY_N_PICKERS; kind++)
    {
      TallyMember *tried[TALLY_PICKER_MAX_TRIES];
      Bench bench;

      bench_open (&bench, kind, 6);
      use_often (&bench, 0, 5, TALLY_ATTEMPT_FAILED);
      for (guint i = 0; i < 6; i++)
        {
          tried[i] = tally_picker_pick (&bench.picker, bench.now, i, tried, i);
          CU_ASSERT_PTR_NOT_NULL_FATAL (tried[i]);
          for (guint k = 0; k < i; k++)
            CU_ASSERT_PTR_NOT_EQUAL (tried[i], tried[k]);
        }
      CU_ASSERT_PTR_EQUAL (tried[5], get_member (&bench, 0));
      CU_ASSERT_PTR_NULL (tally_picker_pick (&bench.picker, bench.now, 0, tried, 6));
      bench_close (&bench);
    }
}

static void
nothing_comes_of_an_empty_list (void)
{
  for (guint kind = 0; kind < TALLY_N_PICKERS; kind++)
    {
      Bench bench;

      bench_open (&bench, kind, 0);
      CU_ASSERT_PTR_NULL (pick (&bench));
      bench_close (&bench);
    }
}

static void
a_newcomer_begins_slowly (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 1);
  tally_picker_add (&bench.picker, &(TallyMemberSpec){ 99, 1, 0 }, 1, bench.now);
  tally_picker_arrange (&bench.picker);
  CU_ASSERT (count_picks (&bench, 1100, 1) < 110);
  bench.now += SECOND * 5;
  assert_int (tally_picker_get_weight (get_member (&bench, 1), bench.now), TALLY_PICKER_WHOLE / 2);
  bench.now += SECOND * 5;
  assert_int (count_picks (&bench, 100, 1), 50);
  bench_close (&bench);
}

/* ---- slow ones ---- */

static void
a_slow_one_counts_as_busier (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_LEAST, 4);
  for (guint i = 0; i < 20; i++)
    for (guint k = 0; k < 4; k++)
      use (&bench, k, k == 0 ? 50 * MS : k == 1 ? 8 * MS : 5 * MS, TALLY_ATTEMPT_ANSWERED);
  CU_ASSERT (tally_picker_get_load (&bench.picker, get_member (&bench, 0), bench.now) > 3);
  CU_ASSERT (tally_picker_get_load (&bench.picker, get_member (&bench, 1), bench.now) == 0);
  assert_int (count_picks (&bench, 100, 0), 0);
  bench.now += 60 * SECOND; /* it may have recovered: it is tried again */
  CU_ASSERT (count_picks (&bench, 100, 0) > 0);
  bench_close (&bench);
}

/* Each time that it is slow again it is left alone for longer. */
static void
one_that_stays_slow_is_tried_seldom (void)
{
  gint64 last = 0;
  Bench bench;

  bench_open (&bench, TALLY_PICKER_LEAST, 2);
  for (guint i = 0; i < 50; i++)
    use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
  for (guint i = 0; i < 5; i++)
    {
      use (&bench, 0, 50 * MS, TALLY_ATTEMPT_ANSWERED);
      for (guint k = 0; k < 50; k++)
        use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
    }
  for (guint i = 0; i < 4; i++)
    {
      gint64 began = bench.now;

      while (tally_picker_get_slowness (&bench.picker, get_member (&bench, 0), bench.now) > 1)
        bench.now += SECOND / 10;
      CU_ASSERT (bench.now - began >= last);
      last = bench.now - began;
      use (&bench, 0, 50 * MS, TALLY_ATTEMPT_ANSWERED);
      for (guint k = 0; k < 50; k++)
        use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
    }
  CU_ASSERT (last > 20 * SECOND && last < 61 * SECOND);
  bench_close (&bench);
}

/* ---- out and in ---- */

/* After a failure, not after a time-out, and as long as there is another one. */
static void
one_failure_leaves_it_alone_for_a_moment (void)
{
  for (guint kind = 0; kind < TALLY_N_PICKERS; kind++)
    {
      TallyMember *tried[1];
      Bench bench;

      bench_open (&bench, kind, 2);
      use_often (&bench, 0, 1, TALLY_ATTEMPT_TIMED_OUT);
      CU_ASSERT (count_picks (&bench, 100, 0) > 0);
      use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
      CU_ASSERT_FALSE (is_out (&bench, 0));
      use_often (&bench, 0, 1, TALLY_ATTEMPT_ANSWERED); /* sent before it failed */
      assert_int (count_picks (&bench, 100, 0), 0);
      tried[0] = pick (&bench);
      CU_ASSERT_PTR_EQUAL (tally_picker_pick (&bench.picker, bench.now, 0, tried, 1),
                           get_member (&bench, 0));
      bench.now += 500 * MS;
      CU_ASSERT (count_picks (&bench, 100, 0) > 0);
      bench_close (&bench);
    }
}

static gboolean
is_alone (const Bench *self, guint i)
{
  return tally_outliers_is_out (get_member (self, i), self->now) && !is_out (self, i);
}

/* Of those that are not out, and these are the latest that failed: a second and a third server are killed after the first. */
static void
at_most_half_are_left_alone (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 6);
  use_often (&bench, 5, 5, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (is_out (&bench, 5));
  for (guint i = 0; i < 5; i++, bench.now += MS)
    {
      use_often (&bench, i, 2, TALLY_ATTEMPT_FAILED);
      for (guint k = 0; k < 5; k++)
        CU_ASSERT (is_alone (&bench, k) == (k <= i && k + 2 > i));
    }
  bench_close (&bench);
  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 1);
  use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (is_alone (&bench, 0));
  bench_close (&bench);
}

static void
five_failures_in_a_row_take_it_out (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  use_often (&bench, 0, 4, TALLY_ATTEMPT_FAILED);
  use_often (&bench, 0, 1, TALLY_ATTEMPT_ANSWERED);
  use_often (&bench, 0, 4, TALLY_ATTEMPT_TIMED_OUT);
  use_often (&bench, 0, 9, TALLY_ATTEMPT_UNKNOWN);
  CU_ASSERT_FALSE (is_out (&bench, 0));
  use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (is_out (&bench, 0));
  assert_int (count_picks (&bench, 100, 0), 0);
  bench_close (&bench);
}

static void
half_failing_takes_it_out (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  for (guint i = 0; i < 19; i++)
    use_often (&bench, 0, 1, i % 2 == 0 ? TALLY_ATTEMPT_ANSWERED : TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (is_out (&bench, 0));
  use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (is_out (&bench, 0));
  /* A third is not enough, however long it goes on. */
  for (guint i = 0; i < 300; i++, bench.now += SECOND)
    {
      use_often (&bench, 1, 1, i % 3 == 0 ? TALLY_ATTEMPT_FAILED : TALLY_ATTEMPT_ANSWERED);
      CU_ASSERT_FALSE (is_out (&bench, 1));
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
        use_often (&bench, i, 30, TALLY_ATTEMPT_FAILED);
      for (guint i = 0; i < n; i++)
        n_out += is_out (&bench, i);
      assert_int (n_out, n / 2);
      CU_ASSERT_PTR_NOT_NULL (pick (&bench));
      bench_close (&bench);
    }
}

/* After five seconds, with a tenth of its weight; that one failure is enough then, and it stays out for twice as long. */
static void
it_returns_step_by_step (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 2);
  use_often (&bench, 0, 5, TALLY_ATTEMPT_FAILED);
  bench.now += 5 * SECOND - 1;
  CU_ASSERT_TRUE (is_out (&bench, 0));
  bench.now += 1;
  CU_ASSERT_FALSE (is_out (&bench, 0));
  CU_ASSERT (count_picks (&bench, 1100, 0) < 110);
  use_often (&bench, 0, 1, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_TRUE (is_out (&bench, 0));
  bench.now += 10 * SECOND - 1;
  CU_ASSERT_TRUE (is_out (&bench, 0));
  bench.now += 1;
  CU_ASSERT_FALSE (is_out (&bench, 0));
  bench.now += 10 * SECOND;
  assert_int (count_picks (&bench, 100, 0), 50);
  use_often (&bench, 0, 4, TALLY_ATTEMPT_FAILED);
  CU_ASSERT_FALSE (is_out (&bench, 0));
  bench_close (&bench);
}

/* How long member 0 is out. */
static gint64
find_pause (Bench *self)
{
  gint64 began = self->now;

  use_often (self, 0, 5, TALLY_ATTEMPT_FAILED);
  while (is_out (self, 0))
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
    use_often (&bench, 0, 20, TALLY_ATTEMPT_ANSWERED);
  assert_int (find_pause (&bench) / SECOND, 5);
  bench_close (&bench);
}

/* ---- subsets ---- */

static void
choose (Bench *self, guint subset, guint64 seed)
{
  self->picker.options.subset = subset;
  self->picker.options.seed = seed;
  tally_picker_arrange (&self->picker);
}

static void
a_subset_is_the_same_each_time (void)
{
  guint n_changed = 0;
  gboolean before[100];
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 100);
  choose (&bench, 10, 5);
  assert_int (bench.picker.active->len, 10);
  for (guint i = 0; i < 100; i++)
    before[i] = get_member (&bench, i)->is_active;
  choose (&bench, 10, 6);
  choose (&bench, 10, 5);
  for (guint i = 0; i < 100; i++)
    CU_ASSERT (before[i] == get_member (&bench, i)->is_active);
  /* One that goes is replaced by one, and nothing else changes. */
  ((TallyMember *) g_ptr_array_index (bench.picker.active, 3))->is_listed = FALSE;
  tally_picker_arrange (&bench.picker);
  assert_int (bench.picker.active->len, 10);
  for (guint i = 0; i < 100; i++)
    n_changed += before[i] != get_member (&bench, i)->is_active;
  assert_int (n_changed, 2);
  choose (&bench, 200, 5);
  assert_int (bench.picker.active->len, 99);
  bench_close (&bench);
}

/* Of each priority, and servers have about equally many clients. */
static void
subsets_are_even (void)
{
  guint n_clients[100] = { 0 };
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 100);
  for (guint client = 0; client < 1000; client++)
    {
      choose (&bench, 10, tally_mix (client));
      for (guint i = 0; i < 100; i++)
        n_clients[i] += get_member (&bench, i)->is_active;
    }
  for (guint i = 0; i < 100; i++)
    CU_ASSERT (n_clients[i] > 60 && n_clients[i] < 145);
  for (guint i = 0; i < 50; i++)
    get_member (&bench, i)->priority = 1;
  choose (&bench, 10, 1);
  assert_int (bench.picker.active->len, 20);
  assert_int (((TallyMember *) g_ptr_array_index (bench.picker.active, 9))->priority, 0);
  assert_int (((TallyMember *) g_ptr_array_index (bench.picker.active, 10))->priority, 1);
  bench_close (&bench);
}

/* It is well and says that it has too much to do: it gets fewer calls for a while, though it answers quickly, and is not
 * left out. */
static void
one_that_refuses_gets_fewer (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 2);
  use_often (&bench, 0, 50, TALLY_ATTEMPT_ANSWERED);
  use_often (&bench, 1, 50, TALLY_ATTEMPT_ANSWERED);
  for (guint i = 0; i < 50; i++)
    use (&bench, 0, 1, TALLY_ATTEMPT_REFUSED);
  CU_ASSERT_FALSE (is_out (&bench, 0));
  CU_ASSERT (tally_picker_get_load (&bench.picker, get_member (&bench, 0), bench.now) > 2);
  bench.now += 60 * SECOND;
  CU_ASSERT (tally_picker_get_load (&bench.picker, get_member (&bench, 0), bench.now)
             == tally_picker_get_load (&bench.picker, get_member (&bench, 1), bench.now));
  bench_close (&bench);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (round_robin_follows_weights),
    TEST (two_choices_follow_weights),
    TEST (the_less_loaded_is_picked),
    TEST (a_connection_decides_between_equals),
    TEST (the_first_priority_is_used_while_one_is_in),
    TEST (a_call_reaches_every_priority),
    TEST (each_is_tried_once),
    TEST (nothing_comes_of_an_empty_list),
    TEST (a_newcomer_begins_slowly),
    TEST (a_slow_one_counts_as_busier),
    TEST (one_that_stays_slow_is_tried_seldom),
    TEST (one_that_refuses_gets_fewer),
    TEST (one_failure_leaves_it_alone_for_a_moment),
    TEST (at_most_half_are_left_alone),
    TEST (five_failures_in_a_row_take_it_out),
    TEST (half_failing_takes_it_out),
    TEST (never_more_than_half_are_out),
    TEST (it_returns_step_by_step),
    TEST (a_pause_is_a_minute_at_most),
    TEST (a_subset_is_the_same_each_time),
    TEST (subsets_are_even),
    { NULL, NULL },
  };

  return test_main ("picker", cases, argc, argv);
}
