/* Owns the tests of how much a server takes at once, and of turns among clients: by a simulation that runs the library's
 * code on a counted clock. */
#include "harness.h"

#include "admission-simulation.h"

#define MS 1000

/* A server of @cores, a method of 10 ms, and a single source that asks for @load times what it can do. */
static SimWorld *
new_world (gdouble cores, gdouble load)
{
  SimWorld *self = g_new0 (SimWorld, 1);

  self->cores = cores;
  self->work[0] = 10 * MS;
  self->n_sources = 1;
  self->sources[0].rate = load * cores * 100;
  return self;
}

static void
free_world (SimWorld *self)
{
  sim_end (self);
  g_free (self);
}

/* The method's own. */
static TallyMethodTimes *
get_times (SimWorld *self)
{
  TallyMethodTimes *times = self->limit.methods;

  while (times->method == NULL)
    times++;
  return times;
}

static guint
get_limit (const SimWorld *self)
{
  return tally_admission_get_limit (&self->limit);
}

/* Runs on and counts anew. */
static void
run_counted (SimWorld *self, guint seconds)
{
  sim_reset_counts (self);
  sim_run (self, seconds * SIM_SECOND);
}

static gdouble
get_use (const SimWorld *self, guint seconds)
{
  return sim_use (self, seconds * SIM_SECOND);
}

/* ---- the limit ---- */

static void
the_limit_finds_what_the_server_can_do (void)
{
  static const gdouble cores[] = { 2, 8, 20, 100 };

  for (guint i = 0; i < G_N_ELEMENTS (cores); i++)
    for (guint seed = 1; seed <= 3; seed++)
      {
        SimWorld *world = new_world (cores[i], 4);

        sim_begin (world, 1, 1000, TRUE, seed);
        sim_run (world, 60 * SIM_SECOND);
        run_counted (world, 60);
        CU_ASSERT (get_use (world, 60) > 0.9);
        CU_ASSERT (world->highest <= 4 * cores[i] + 8);
        CU_ASSERT (sim_sum (world->n_refused) > sim_sum (world->n_asked) / 2);
        free_world (world);
      }
}

/* Without a limit as many run as come, and each takes as many times longer. */
static void
without_adapting_the_limit_stays (void)
{
  SimWorld *world = new_world (20, 4);

  sim_begin (world, 4, 1000, FALSE, 1);
  sim_run (world, 60 * SIM_SECOND);
  assert_int (get_limit (world), 1000);
  assert_int (world->most_running, 1000);
  CU_ASSERT (get_times (world)->recent > 200 * MS);
  free_world (world);
}

/* What was usual is not forgotten in twenty minutes of overload. */
static void
a_long_overload_does_not_become_usual (void)
{
  SimWorld *world = new_world (20, 4);

  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 1200 * SIM_SECOND);
  run_counted (world, 60);
  CU_ASSERT (world->highest <= 80);
  CU_ASSERT (world->lowest >= 10);
  CU_ASSERT (get_use (world, 60) > 0.95);
  CU_ASSERT (get_times (world)->usual < 15 * MS);
  free_world (world);
}

/* It loses cores and gets them back. */
static void
the_limit_follows_the_number_of_cores (void)
{
  SimWorld *world = new_world (20, 4);

  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 60 * SIM_SECOND);
  world->cores = 5;
  sim_run (world, 10 * SIM_SECOND);
  run_counted (world, 30);
  CU_ASSERT (world->highest <= 20);
  CU_ASSERT (get_use (world, 30) > 0.95);
  world->cores = 20;
  sim_run (world, 10 * SIM_SECOND);
  run_counted (world, 30);
  CU_ASSERT (world->highest <= 80);
  CU_ASSERT (get_use (world, 30) > 0.95);
  free_world (world);
}

/* Each core becomes slower, so that even one request alone takes longer: that becomes usual. */
static void
what_all_become_is_learnt (void)
{
  SimWorld *world = new_world (20, 4);

  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 60 * SIM_SECOND);
  world->speed = 0.2;
  sim_run (world, 20 * SIM_SECOND);
  run_counted (world, 60);
  CU_ASSERT (get_use (world, 60) > 0.95);
  CU_ASSERT (get_times (world)->usual > 25 * MS);
  world->speed = 1;
  sim_run (world, 20 * SIM_SECOND);
  run_counted (world, 60);
  CU_ASSERT (get_use (world, 60) > 0.95);
  CU_ASSERT (world->highest <= 120);
  free_world (world);
}

/* A quiet night teaches no higher limit, and a burst after it is let in as far as it can be used. */
static void
a_burst_after_a_quiet_time (void)
{
  SimWorld *world = new_world (20, 4);
  guint before;

  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 60 * SIM_SECOND);
  before = get_limit (world);
  world->sources[0].rate = 200; /* a tenth */
  sim_run (world, SIM_SECOND);
  run_counted (world, 600);
  assert_int (sim_sum (world->n_refused), 0);
  CU_ASSERT (get_limit (world) <= before + 20);
  CU_ASSERT (get_limit (world) >= 10);
  sim_reset_counts (world);
  sim_burst (world, 0, 5000);
  CU_ASSERT (world->most_running <= before + 20);
  CU_ASSERT (sim_sum (world->n_refused) > 4000);
  sim_run (world, 60 * SIM_SECOND);
  CU_ASSERT (world->lowest >= 8);
  run_counted (world, 600);
  assert_int (sim_sum (world->n_refused), 0);
  free_world (world);
}

/* After half an hour without a request the first ones find cold caches. */
static void
the_first_calls_after_a_long_pause_are_slow (void)
{
  SimWorld *world = new_world (20, 0.5);

  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 60 * SIM_SECOND);
  world->sources[0].rate = 1e-4;
  sim_run (world, 1800 * SIM_SECOND);
  world->sources[0].rate = 1000;
  world->next_arrival[0] = world->now;
  world->speed = 0.05;
  run_counted (world, 1);
  CU_ASSERT (world->lowest >= 4);
  world->speed = 1;
  sim_run (world, 20 * SIM_SECOND);
  run_counted (world, 60);
  assert_int (sim_sum (world->n_refused), 0);
  free_world (world);
}

/* A method that takes 500 times as long as the others is no sign of too much load. */
static void
a_slow_method_among_quick_ones (void)
{
  SimWorld *world = new_world (20, 0);

  world->work[0] = 1 * MS;
  world->work[1] = 500 * MS;
  world->n_sources = 2;
  world->sources[0].rate = 1000; /* one core */
  world->sources[1].rate = 0.1;
  world->sources[1].method = 1;
  sim_begin (world, 4, 1000, TRUE, 1);
  sim_run (world, 600 * SIM_SECOND);
  world->sources[1].rate = 20; /* ten cores */
  world->next_arrival[1] = world->now;
  run_counted (world, 600);
  CU_ASSERT (world->lowest >= 20);
  assert_int (sim_sum (world->n_refused), 0);
  free_world (world);
}

/* A method whose times differ widely by nature is not taken for an overload. */
static void
times_that_vary_lower_no_limit (void)
{
  SimWorld *world = new_world (50, 0.5);

  sim_begin (world, 8, 1000, TRUE, 1);
  sim_run (world, 60 * SIM_SECOND);
  run_counted (world, 300);
  CU_ASSERT (world->lowest >= 25);
  assert_int (sim_sum (world->n_refused), 0);
  free_world (world);
}

/* One of two servers has a quarter of the other's cores. What it refuses the other one takes. */
static void
what_one_server_refuses_another_takes (void)
{
  SimWorld *small = new_world (5, 2);
  SimWorld *large = new_world (20, 0.5);

  small->other = large;
  large->other = small;
  small->sources[0].rate = large->sources[0].rate = 1000;
  sim_begin (small, 4, 1000, TRUE, 1);
  sim_begin (large, 4, 1000, TRUE, 2);
  large->next_arrival[0] =
      G_MAXINT64 / 2; /* the small one's run leads; all of the load comes there */
  small->sources[0].rate = 2000;
  sim_run (small, 60 * SIM_SECOND);
  sim_reset_counts (small);
  sim_reset_counts (large);
  sim_run (small, 60 * SIM_SECOND);
  CU_ASSERT (sim_sum (small->n_refused) + sim_sum (large->n_refused)
             < sim_sum (small->n_asked) / 100);
  CU_ASSERT (sim_sum (small->n_served) + sim_sum (large->n_served)
             > sim_sum (small->n_asked) * 98 / 100);
  CU_ASSERT (get_use (small, 60) > 0.9);
  free_world (small);
  free_world (large);
}

/* ---- deadlines ---- */

static void
a_call_that_cannot_make_it (void)
{
  SimWorld *world = new_world (20, 0.2);
  TallyMethodTimes *times;
  guint n_refused = 0;

  world->is_even = TRUE;
  sim_begin (world, 4, 100, TRUE, 1);
  CU_ASSERT_FALSE (tally_admission_is_hopeless (&world->limit, &world->limit.methods[0], 0, 1));
  sim_run (world, 10 * SIM_SECOND);
  times = get_times (world);
  CU_ASSERT (times->quick >= 9 * MS && times->quick <= 11 * MS);
  CU_ASSERT_FALSE (tally_admission_is_hopeless (&world->limit, times, 0, 12 * MS));
  for (guint i = 0; i < 160; i++)
    n_refused += tally_admission_is_hopeless (&world->limit, times, 0, 5 * MS);
  assert_int (n_refused, 150); /* the others show when it has become quicker */
  /* Behind as many others as run at once it begins when they have ended. */
  CU_ASSERT (tally_admission_estimate (&world->limit, times, get_limit (world)) >= 18 * MS);
  CU_ASSERT (tally_admission_estimate (&world->limit, times, get_limit (world)) <= 22 * MS);
  world->speed = 10;
  sim_run (world, 10 * SIM_SECOND);
  CU_ASSERT_FALSE (tally_admission_is_hopeless (&world->limit, times, 0, 5 * MS));
  free_world (world);
}

/* Of times that vary a quarter is below what counts as quick. */
static void
a_quarter_is_quicker (void)
{
  SimWorld *world = new_world (20, 0.2);
  guint sum = 0;

  sim_begin (world, 4, 100, TRUE, 1);
  for (guint i = 0; i < 100; i++)
    {
      sim_run (world, SIM_SECOND);
      sum += get_times (world)->quick;
    }
  CU_ASSERT (sum / 100 > 2 * MS && sum / 100 < 4 * MS); /* 2.9 ms of an exponential distribution */
  free_world (world);
}

/* More methods than are known apart share, and nothing is lost. */
static void
many_methods_share (void)
{
  static const gchar names[4096];
  TallyAdmissionLimit limit;

  tally_admission_init (&limit);
  tally_admission_set_bounds (&limit, 4, 100, TRUE);
  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < 256; i++)
      {
        TallyMethodTimes *times = tally_admission_find_times (&limit, &names[16 * i]);
        TallyAdmissionPermit permit;

        CU_ASSERT_FATAL (times >= limit.methods && times < limit.methods + TALLY_ADMISSION_METHODS);
        CU_ASSERT (i >= TALLY_ADMISSION_METHODS || times->method == &names[16 * i]);
        CU_ASSERT (tally_admission_take (&limit, &permit));
        tally_admission_begin (&permit, times, 1000);
        tally_admission_give (&limit, &permit, 2000);
      }
  assert_int (limit.n_running, 0);
  tally_admission_clear (&limit);
}

/* ---- clients ---- */

/* Fifty small clients, and one that asks for ten times what there is. */
static SimWorld *
new_crowd (gboolean apart)
{
  SimWorld *self = new_world (20, 10);

  self->n_sources = 51;
  for (guint i = 0; i < self->n_sources; i++)
    {
      if (i > 0)
        self->sources[i].rate = 20; /* half of what the server can do, together */
      self->sources[i].key = apart ? 0 : 1000;
    }
  return self;
}

static guint64
count_small (const guint64 *counts)
{
  return sim_sum (counts) - counts[0];
}

static void
one_greedy_client_among_many (void)
{
  for (guint apart = 0; apart < 2; apart++)
    {
      SimWorld *world = new_crowd (apart);

      sim_begin (world, 4, 1000, TRUE, 1);
      sim_run (world, 60 * SIM_SECOND);
      run_counted (world, 60);
      CU_ASSERT (get_use (world, 60) > 0.95);
      CU_ASSERT (apart == (count_small (world->n_refused) * 200 < count_small (world->n_asked)));
      CU_ASSERT (apart == (count_small (world->n_refused) * 2 < count_small (world->n_asked)));
      free_world (world);
    }
}

/* A client whose requests take a hundred times as long has no more than its share of those that run. */
static void
a_client_with_slow_requests_leaves_room (void)
{
  SimWorld *world = new_crowd (TRUE);

  world->work[1] = 1000 * MS;
  world->sources[0].method = 1;
  for (guint i = 1; i < world->n_sources; i++)
    world->sources[i].rate = 4; /* two of twenty cores, together */
  sim_begin (world, 20, 20, FALSE, 1);
  sim_run (world, 60 * SIM_SECOND);
  run_counted (world, 120);
  CU_ASSERT (count_small (world->n_refused) * 200 < count_small (world->n_asked));
  CU_ASSERT (world->n_served[0] > 120);
  free_world (world);
}

static gboolean
accept_any (gpointer data, gpointer user_data)
{
  return TRUE;
}

/* Whose it is. */
static guint64
take_turn (TallyTurns *turns, guint limit)
{
  GList *place = tally_turns_find (turns, limit, accept_any, NULL);
  TallyTurnsClient *client = place->data;

  tally_turns_pass (turns, client);
  return client->key;
}

/* An attacker with many addresses costs what its connections cost, and nothing once they are gone. */
static void
a_hundred_thousand_clients (void)
{
  const guint n_clients = 100000;
  TallyTurns turns = { G_QUEUE_INIT };
  g_autofree TallyTurnsClient **clients = g_new0 (TallyTurnsClient *, n_clients);
  g_autofree GList *places = g_new0 (GList, n_clients);
  guint n_waiting = 0;

  for (guint i = 0; i < n_clients; i++)
    {
      clients[i] = tally_turns_join (&turns, i + 1);
      CU_ASSERT (tally_turns_join (&turns, i + 1) == clients[i]);
      places[i].data = clients[i];
      if (!tally_turns_may_wait (&turns, clients[i], 1024))
        continue;
      tally_turns_count (&turns, clients[i], 1);
      tally_turns_enter (&turns, clients[i], &places[i]);
      n_waiting++;
    }
  assert_int (n_waiting, 1024);
  for (guint i = 0; i < 2048; i++)
    assert_int (take_turn (&turns, 10), i % 1024 + 1);
  for (guint i = 0; i < n_waiting; i++)
    {
      tally_turns_remove (&turns, clients[i], &places[i]);
      tally_turns_count (&turns, clients[i], -1);
    }
  for (guint i = 0; i < n_clients; i++)
    {
      tally_turns_leave (&turns, clients[i]);
      tally_turns_leave (&turns, clients[i]);
    }
  assert_int (g_hash_table_size (turns.known), 0);
  tally_turns_clear (&turns);
}

/* However greedy the others are, a client that has nothing there finds room. */
static void
there_is_always_room_for_one_more (void)
{
  TallyTurns turns = { G_QUEUE_INIT };
  TallyTurnsClient *clients[7];

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      guint n = 0;

      clients[i] = tally_turns_join (&turns, i + 1);
      for (; tally_turns_may_wait (&turns, clients[i], 128); n++)
        tally_turns_count (&turns, clients[i], 1);
      assert_int (n, 64 >> i);
    }
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      tally_turns_count (&turns, clients[i], -(gint) clients[i]->n_waiting);
      tally_turns_leave (&turns, clients[i]);
    }
  tally_turns_clear (&turns);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_limit_finds_what_the_server_can_do),
    TEST (without_adapting_the_limit_stays),
    TEST (a_long_overload_does_not_become_usual),
    TEST (the_limit_follows_the_number_of_cores),
    TEST (what_all_become_is_learnt),
    TEST (a_burst_after_a_quiet_time),
    TEST (the_first_calls_after_a_long_pause_are_slow),
    TEST (a_slow_method_among_quick_ones),
    TEST (times_that_vary_lower_no_limit),
    TEST (what_one_server_refuses_another_takes),
    TEST (a_call_that_cannot_make_it),
    TEST (a_quarter_is_quicker),
    TEST (many_methods_share),
    TEST (one_greedy_client_among_many),
    TEST (a_client_with_slow_requests_leaves_room),
    TEST (a_hundred_thousand_clients),
    TEST (there_is_always_room_for_one_more),
    { NULL, NULL },
  };

  return test_main ("admission", cases, argc, argv);
}
