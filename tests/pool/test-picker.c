/* Owns the tests of the picker: which member is picked, which counts as busy, which is in a subset. */
#include "picker-bench.h"

/* ---- which is picked ---- */

static void
round_robin_follows_weights (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_ROUND_ROBIN, 3);
  bench_get_member (&bench, 1)->weight = 3;
  tally_picker_arrange (&bench.picker);
  for (guint i = 0; i < 3; i++)
    assert_int (bench_count_picks (&bench, 500, i), i == 1 ? 300 : 100);
  bench_close (&bench);
}

/* Two at random are compared, drawn by weight. */
static void
two_choices_follow_weights (void)
{
  guint n_heavy;
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 10);
  bench_get_member (&bench, 4)->weight = 5;
  tally_picker_arrange (&bench.picker);
  n_heavy = bench_count_picks (&bench, 14000, 4);
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
      bench_get_member (&bench, 0)->in_flight = 1;
      assert_int (bench_count_picks (&bench, 100, 0), 0);
      bench_get_member (&bench, 0)->weight = 4; /* two of four are less than one of one */
      bench_get_member (&bench, 0)->in_flight = 2;
      bench_get_member (&bench, 1)->in_flight = 1;
      tally_picker_arrange (&bench.picker);
      assert_int (bench_count_picks (&bench, 100, 0), 100);
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
      bench_get_member (&bench, 1)->owner = &bench;
      n_picks = bench_count_picks (&bench, 1000, 1);
      CU_ASSERT (n_picks >= 700); /* of two that are drawn: at least in three of four cases */
      bench_get_member (&bench, 1)->in_flight = 1;
      assert_int (bench_count_picks (&bench, 100, 1), 0);
      bench_close (&bench);
    }
}

static void
the_first_priority_is_used_while_one_is_in (void)
{
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 4);
  bench_get_member (&bench, 0)->priority = 1;
  bench_get_member (&bench, 1)->priority = 1;
  tally_picker_arrange (&bench.picker);
  assert_int (bench_count_picks (&bench, 100, 0) + bench_count_picks (&bench, 100, 1), 0);
  bench_use_often (&bench, 2, 5, TALLY_ATTEMPT_FAILED);
  assert_int (bench_count_picks (&bench, 100, 3), 100);
  bench_use_often (&bench, 3, 5, TALLY_ATTEMPT_FAILED);
  CU_ASSERT (bench_count_picks (&bench, 100, 0) > 0);
  assert_int (bench_count_picks (&bench, 100, 2) + bench_count_picks (&bench, 100, 3), 0);
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
  bench_get_member (&bench, 41)->priority = 9;
  tally_picker_arrange (&bench.picker);
  for (guint call = 0; call < 10; call++, bench.now += SECOND)
    {
      for (n_tried = 0; n_tried < TALLY_PICKER_MAX_TRIES; n_tried++)
        {
          tried[n_tried] = tally_picker_pick (&bench.picker, bench.now, 0, tried, n_tried);
          if (tried[n_tried]->priority == 9)
            break;
          bench_end (&bench, tried[n_tried], MS, TALLY_ATTEMPT_FAILED);
        }
      assert_int (n_tried, TALLY_PICKER_MAX_TRIES / 2);
      if (n_tried < TALLY_PICKER_MAX_TRIES)
        bench_end (&bench, tried[n_tried], MS, TALLY_ATTEMPT_UNKNOWN);
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
      bench_use_often (&bench, 0, 5, TALLY_ATTEMPT_FAILED);
      for (guint i = 0; i < 6; i++)
        {
          tried[i] = tally_picker_pick (&bench.picker, bench.now, i, tried, i);
          CU_ASSERT_PTR_NOT_NULL_FATAL (tried[i]);
          for (guint k = 0; k < i; k++)
            CU_ASSERT_PTR_NOT_EQUAL (tried[i], tried[k]);
        }
      CU_ASSERT_PTR_EQUAL (tried[5], bench_get_member (&bench, 0));
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
      CU_ASSERT_PTR_NULL (bench_pick (&bench));
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
  CU_ASSERT (bench_count_picks (&bench, 1100, 1) < 110);
  bench.now += SECOND * 5;
  assert_int (tally_picker_get_weight (bench_get_member (&bench, 1), bench.now),
              TALLY_PICKER_WHOLE / 2);
  bench.now += SECOND * 5;
  assert_int (bench_count_picks (&bench, 100, 1), 50);
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
      bench_use (&bench, k, k == 0 ? 50 * MS : k == 1 ? 8 * MS : 5 * MS, TALLY_ATTEMPT_ANSWERED);
  CU_ASSERT (tally_picker_get_load (&bench.picker, bench_get_member (&bench, 0), bench.now) > 3);
  CU_ASSERT (tally_picker_get_load (&bench.picker, bench_get_member (&bench, 1), bench.now) == 0);
  assert_int (bench_count_picks (&bench, 100, 0), 0);
  bench.now += 60 * SECOND; /* it may have recovered: it is tried again */
  CU_ASSERT (bench_count_picks (&bench, 100, 0) > 0);
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
    bench_use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
  for (guint i = 0; i < 5; i++)
    {
      bench_use (&bench, 0, 50 * MS, TALLY_ATTEMPT_ANSWERED);
      for (guint k = 0; k < 50; k++)
        bench_use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
    }
  for (guint i = 0; i < 4; i++)
    {
      gint64 began = bench.now;

      while (tally_picker_get_slowness (&bench.picker, bench_get_member (&bench, 0), bench.now) > 1)
        bench.now += SECOND / 10;
      CU_ASSERT (bench.now - began >= last);
      last = bench.now - began;
      bench_use (&bench, 0, 50 * MS, TALLY_ATTEMPT_ANSWERED);
      for (guint k = 0; k < 50; k++)
        bench_use (&bench, 1, 5 * MS, TALLY_ATTEMPT_ANSWERED);
    }
  CU_ASSERT (last > 20 * SECOND && last < 61 * SECOND);
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
    before[i] = bench_get_member (&bench, i)->is_active;
  choose (&bench, 10, 6);
  choose (&bench, 10, 5);
  for (guint i = 0; i < 100; i++)
    CU_ASSERT (before[i] == bench_get_member (&bench, i)->is_active);
  /* One that goes is replaced by one, and nothing else changes. */
  ((TallyMember *) g_ptr_array_index (bench.picker.active, 3))->is_listed = FALSE;
  tally_picker_arrange (&bench.picker);
  assert_int (bench.picker.active->len, 10);
  for (guint i = 0; i < 100; i++)
    n_changed += before[i] != bench_get_member (&bench, i)->is_active;
  assert_int (n_changed, 2);
  choose (&bench, 200, 5);
  assert_int (bench.picker.active->len, 99);
  bench_close (&bench);
}

/* Where none of a subset works, and not where they have no connection to give, the next ones by rank are tried. */
static void
a_subset_that_fails_has_spares (void)
{
  TallyMember *tried[6];
  Bench bench;

  bench_open (&bench, TALLY_PICKER_TWO_CHOICES, 6);
  choose (&bench, 2, 5);
  for (guint way = 0; way < 2; way++)
    for (guint i = 0; i < 6; i++)
      {
        tried[i] = tally_picker_pick (&bench.picker, bench.now, 0, tried, i);
        CU_ASSERT ((tried[i] != NULL) == (way == 1 || i < 2));
        if (tried[i] == NULL)
          break;
        CU_ASSERT (tried[i]->is_active == (i < 2));
        CU_ASSERT (i < 3 || tried[i]->rank < tried[i - 1]->rank);
        bench_end (&bench, tried[i], MS, way == 0 ? TALLY_ATTEMPT_UNKNOWN : TALLY_ATTEMPT_FAILED);
      }
  CU_ASSERT_PTR_NULL (tally_picker_pick (&bench.picker, bench.now, 0, tried, 6));
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
        n_clients[i] += bench_get_member (&bench, i)->is_active;
    }
  for (guint i = 0; i < 100; i++)
    CU_ASSERT (n_clients[i] > 60 && n_clients[i] < 145);
  for (guint i = 0; i < 50; i++)
    bench_get_member (&bench, i)->priority = 1;
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
  bench_use_often (&bench, 0, 50, TALLY_ATTEMPT_ANSWERED);
  bench_use_often (&bench, 1, 50, TALLY_ATTEMPT_ANSWERED);
  for (guint i = 0; i < 50; i++)
    bench_use (&bench, 0, 1, TALLY_ATTEMPT_REFUSED);
  CU_ASSERT_FALSE (bench_is_out (&bench, 0));
  CU_ASSERT (tally_picker_get_load (&bench.picker, bench_get_member (&bench, 0), bench.now) > 2);
  bench.now += 60 * SECOND;
  CU_ASSERT (tally_picker_get_load (&bench.picker, bench_get_member (&bench, 0), bench.now)
             == tally_picker_get_load (&bench.picker, bench_get_member (&bench, 1), bench.now));
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
    TEST (a_subset_is_the_same_each_time),
    TEST (a_subset_that_fails_has_spares),
    TEST (subsets_are_even),
    { NULL, NULL },
  };

  return test_main ("picker", cases, argc, argv);
}
