/* Simulated pools against what queueing theory says of them, and against what a pool's policy promises. */
#include "load-simulation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define MS G_TIME_SPAN_MILLISECOND

/* Calls at random, @connections at most, which are there at once and stay. */
static LoadModel
make_model (gdouble rate, guint connections)
{
  LoadModel model = { .pool = tally_pool_options_default,
                      .arrivals = LOAD_ARRIVALS_POISSON,
                      .rate = rate,
                      .calls = 600000,
                      .warm_up = 60000,
                      .seed = 1 };

  model.pool.max_open = connections;
  model.pool.idle_timeout = 0;
  return model;
}

static gboolean
is_near (const gchar *what, gdouble found, gdouble expected, gdouble share)
{
  if (fabs (found - expected) <= share * expected)
    return TRUE;
  printf ("# %s is %g instead of %g\n", what, found, expected);
  return FALSE;
}

#define assert_near(found, expected, share)                                                        \
  CU_ASSERT_TRUE (is_near (#found, (gdouble) (found), expected, share))

static gdouble
mean_ms (const LoadHistogram *histogram)
{
  return (gdouble) histogram->sum / 1e6 / (gdouble) MAX (histogram->count, 1);
}

/* ---- closed forms ---- */

/* The share of calls that are refused where none waits. */
static gdouble
erlang_b (guint servers, gdouble load)
{
  gdouble share = 1;

  for (guint i = 1; i <= servers; i++)
    share = load * share / (i + load * share);
  return share;
}

/* The share of calls that wait where all do. */
static gdouble
erlang_c (guint servers, gdouble load)
{
  const gdouble refused = erlang_b (servers, load);

  return refused / (1 - load / servers * (1 - refused));
}

static void
check_waits (guint connections, gdouble load)
{
  const gdouble service_ms = 5;
  LoadModel model = make_model (load * connections / service_ms * 1e3, connections);
  const gdouble waits = erlang_c (connections, load * connections);
  const gdouble rest_ms = service_ms / connections / (1 - load); /* the mean of waits above 0 */
  g_autofree LoadForecast *forecast = NULL;

  model.calls = 2000000;
  model.service = load_times_exponential (service_ms * 1e3);
  forecast = load_simulate (&model);
  assert_int (load_forecast_count_calls (forecast), model.calls - model.warm_up);
  assert_int (load_forecast_count_refused (forecast), 0);
  assert_near ((gdouble) forecast->wait.count / (gdouble) forecast->delay.count, waits, 0.04);
  assert_near (mean_ms (&forecast->delay), waits * rest_ms, 0.05);
  assert_near ((gdouble) load_histogram_quantile (&forecast->delay, 0.99) / 1e6,
               rest_ms * log (waits / 0.01), 0.05);
  assert_near ((gdouble) forecast->done / forecast->seconds, model.rate, 0.01);
  assert_int (forecast->peak_open, connections);
  assert_near (forecast->mean_open, connections, 0.001);
  assert_int (forecast->dials, 0);
}

static void
waits_are_as_erlang_says (void)
{
  check_waits (1, 0.7);
  check_waits (4, 0.8);
  check_waits (16, 0.85);
}

/* Pollaczek and Khinchine: one connection, times of any kind. */
static void
check_mean_wait (LoadTimes service, gdouble squared_variation)
{
  const gdouble load = 0.75;
  LoadModel model = make_model (load * 1e6 / service.mean_us, 1);
  g_autofree LoadForecast *forecast = NULL;

  model.service = service;
  forecast = load_simulate (&model);
  assert_near (mean_ms (&forecast->delay),
               load / (1 - load) * (1 + squared_variation) / 2 * service.mean_us / 1e3, 0.05);
}

static void
waits_follow_the_times_of_service (void)
{
  const LoadTimes lognormal = load_times_lognormal (4000, 20000);
  const LoadTimesBin bins[] = { { 0, 2000, 1 }, { 2000, 4000, 1 } };
  GArray *measured = g_array_new (FALSE, FALSE, sizeof (LoadTimesBin));
  g_auto (LoadTimes) even = { 0 };

  g_array_append_vals (measured, bins, G_N_ELEMENTS (bins));
  even = load_times_measured (measured, 4000); /* from 0 to 8 ms */
  check_mean_wait (load_times_constant (5000), 0);
  check_mean_wait (load_times_exponential (5000), 1);
  check_mean_wait (lognormal, exp (lognormal.sigma * lognormal.sigma) - 1);
  check_mean_wait (even, 1.0 / 3);
}

static void
who_must_not_wait_is_refused (void)
{
  LoadModel model = make_model (1600, 8);
  g_autofree LoadForecast *forecast = NULL;

  model.service = load_times_exponential (5000);
  model.pool.wait_timeout = 0;
  forecast = load_simulate (&model);
  assert_near ((gdouble) forecast->refused[TALLY_REFUSAL_FULL]
                   / (gdouble) load_forecast_count_calls (forecast),
               erlang_b (8, 8), 0.02);
  assert_int (forecast->wait.count, 0);
}

/* More than can be served: the queue is full but for the last place, now and then. */
static void
a_full_queue_refuses (void)
{
  const gdouble load = 1.25; /* of two connections, which have four waiters */
  LoadModel model = make_model (load * 2 / 5 * 1e3, 2);
  gdouble weight = 1, sum = 1;
  g_autofree LoadForecast *forecast = NULL;

  model.service = load_times_exponential (5000);
  model.pool.max_waiters = 4;
  forecast = load_simulate (&model);
  for (guint i = 1; i <= 6; i++)
    {
      weight *= load * 2 / MIN (i, 2);
      sum += weight;
    }
  assert_near ((gdouble) forecast->refused[TALLY_REFUSAL_FULL]
                   / (gdouble) load_forecast_count_calls (forecast),
               weight / sum, 0.02);
  CU_ASSERT_TRUE (forecast->refused[TALLY_REFUSAL_ESTIMATE] == 0);
}

/* Six callers think for 20 ms and share two connections. */
static void
callers_make_calls_in_turn (void)
{
  LoadModel model = make_model (0, 2);
  gdouble weight = 1, sum = 1, busy = 0;
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_CALLERS;
  model.callers = 6;
  model.think = load_times_exponential (20000);
  model.service = load_times_exponential (10000);
  forecast = load_simulate (&model);
  for (guint i = 1; i <= 6; i++)
    {
      weight *= (7.0 - i) / 2 / MIN (i, 2);
      sum += weight;
      busy += weight * MIN (i, 2);
    }
  assert_near ((gdouble) forecast->done / forecast->seconds, busy / sum * 100, 0.01);
}

static void
callers_keep_to_a_rate (void)
{
  LoadModel model = make_model (1000, 4);
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_CALLERS;
  model.callers = 4;
  model.service = load_times_constant (1000);
  forecast = load_simulate (&model);
  assert_near ((gdouble) forecast->done / forecast->seconds, 1000, 0.001);
  assert_int (forecast->wait.count, 0);
}

/* ---- single calls ---- */

static void
a_trace_is_followed (void)
{
  static const LoadTraced trace[] = { { 7, 5000 }, { 1007, 5000 }, { 2007, 100 }, { 30000, 1 } };
  LoadModel model = make_model (0, 1);
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_TRACE;
  model.trace = trace;
  model.calls = G_N_ELEMENTS (trace);
  model.warm_up = 0;
  forecast = load_simulate (&model);
  assert_int (forecast->answered, 4);
  assert_int (forecast->delay.sum, (4000 + 8000) * 1000);
  assert_int (forecast->delay.max, 8000 * 1000);
  assert_int (forecast->wait.count, 2);
  assert_int (forecast->dials, 1);
  assert_int (forecast->done, 3);
  assert_near (forecast->seconds, 0.029993, 1e-6);
}

/* A connection that comes back at the instant of a call is there for it. */
static void
calls_follow_each_other (void)
{
  LoadModel model = make_model (100, 1);
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_FIXED;
  model.service = load_times_constant (10 * MS);
  model.pool.wait_timeout = 0;
  model.calls = 1002;
  model.warm_up = 2; /* the first one dials */
  forecast = load_simulate (&model);
  assert_int (forecast->answered, 1000);
}

/* One of two callers has the connection for 100 ms; the other tries again each millisecond. */
static void
refused_callers_pause (void)
{
  LoadModel model = make_model (0, 1);
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_CALLERS;
  model.callers = 2;
  model.service = load_times_constant (100 * MS);
  model.pool.wait_timeout = 0;
  model.calls = 1010;
  model.warm_up = 0;
  forecast = load_simulate (&model);
  assert_int (forecast->answered, 10);
  assert_int (forecast->refused[TALLY_REFUSAL_FULL], 1000);
}

/* Ten at once, and one each five seconds: what is idle for a second goes, though nobody calls. */
static void
time_alone_closes_connections (void)
{
  LoadTraced trace[12] = { { 0, 1000 } };
  LoadModel model = make_model (0, 20);
  g_autofree LoadForecast *forecast = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (trace); i++)
    trace[i] = (LoadTraced){ i < 10 ? 0 : (gint64) (i - 9) * 5000 * MS, 1000 };
  model.arrivals = LOAD_ARRIVALS_TRACE;
  model.trace = trace;
  model.calls = G_N_ELEMENTS (trace);
  model.warm_up = 0;
  model.pool.idle_timeout = 1000 * MS;
  forecast = load_simulate (&model);
  assert_int (forecast->peak_open, 10);
  assert_int (forecast->dials, 12);
  assert_near (forecast->mean_open, (10 + 1) * 1.051 / 10, 0.01);
}

/* Calls come each 10 ms and take 4: one connection is enough, and there each time unless it grows too old. */
static LoadForecast *
simulate_single_calls (LoadModel *model)
{
  model->arrivals = LOAD_ARRIVALS_FIXED;
  model->service = load_times_constant (4000);
  model->dial = load_times_constant (1000);
  model->calls = 1000;
  model->warm_up = 100;
  return load_simulate (model);
}

static void
an_old_connection_is_dialed_anew (void)
{
  LoadModel model = make_model (100, 4);
  g_autofree LoadForecast *forecast = NULL;
  g_autofree LoadForecast *with_age = NULL;
  g_autofree LoadForecast *short_lived = NULL;

  forecast = simulate_single_calls (&model);
  assert_int (forecast->dials, 0);
  model.pool.idle_timeout = 5 * MS;
  with_age = simulate_single_calls (&model);
  assert_int (with_age->dials, 900);
  assert_int (with_age->delay.min, 1000 * 1000);
  model.pool.idle_timeout = 0;
  model.pool.max_lifetime = 95 * MS;
  model.pool.lifetime_jitter = 0;
  short_lived = simulate_single_calls (&model);
  CU_ASSERT_TRUE (short_lived->dials >= 80 && short_lived->dials <= 100);
}

static void
a_broken_connection_is_dialed_anew (void)
{
  LoadModel model = make_model (100, 4);
  g_autofree LoadForecast *forecast = NULL;

  model.broken_calls = 0.25;
  forecast = simulate_single_calls (&model);
  CU_ASSERT_TRUE (forecast->broken > 180 && forecast->broken < 270);
  CU_ASSERT_TRUE (forecast->dials + 1 >= forecast->broken
                  && forecast->dials <= forecast->broken + 1);
  assert_int (load_forecast_count_calls (forecast), 900);
}

/* A borrower that dials for 2 ms leaves it to a thread, whose dial takes 20 more; meanwhile others come. */
static void
dials_take_their_time (void)
{
  static const LoadTraced trace[] = { { 0, 100 * MS }, { 50 * MS, 5 * MS }, { 51 * MS, 5 * MS } };
  LoadModel model = make_model (0, 2);
  g_autofree LoadForecast *forecast = NULL;

  model.arrivals = LOAD_ARRIVALS_TRACE;
  model.trace = trace;
  model.calls = G_N_ELEMENTS (trace);
  model.warm_up = 0;
  model.dial = load_times_constant (20 * MS);
  forecast = load_simulate (&model);
  assert_int (forecast->dials, 2);
  assert_int (forecast->delay.min / 1000, 20 * MS); /* the second: a thread dials at once by now */
  assert_int (forecast->delay.max / 1000,
              24 * MS); /* the third waits for the second's connection */
  assert_int (forecast->delay.sum / 1000, 22 * MS + 20 * MS + 24 * MS);
}

static void
time_that_is_over_ends_a_call (void)
{
  LoadModel model = make_model (100, 1);
  g_autofree LoadForecast *forecast = NULL;
  g_autofree LoadForecast *in_queue = NULL;

  model.timeout_us = 3 * MS;
  forecast = simulate_single_calls (&model);
  assert_int (forecast->overdue, 900);
  assert_int (forecast->dials, 900);
  model.rate = 500;
  model.timeout_us = 8 * MS;
  model.pool.wait_timeout = 1;
  in_queue = simulate_single_calls (&model);
  assert_int (in_queue->overdue, 0);
  assert_int (in_queue->refused[TALLY_REFUSAL_TIMED_OUT]
                  + in_queue->refused[TALLY_REFUSAL_ESTIMATE], /* it need not wait for that */
              450);
  CU_ASSERT_TRUE (in_queue->refused[TALLY_REFUSAL_ESTIMATE] > 400);
}

static void
dials_that_fail_are_told (void)
{
  LoadModel model = make_model (100, 4);
  g_autofree LoadForecast *forecast = NULL;
  g_autofree LoadForecast *patient = NULL;

  model.failing_dials = 1;
  forecast = simulate_single_calls (&model);
  assert_int (forecast->answered, 0);
  CU_ASSERT_TRUE (forecast->refused[TALLY_REFUSAL_DIAL] > 0);
  assert_int (forecast->refused[TALLY_REFUSAL_DIAL] + forecast->refused[TALLY_REFUSAL_BACKOFF],
              900);
  CU_ASSERT_TRUE (forecast->dials < 100 && forecast->failed_dials == forecast->dials);
  model.failing_dials = 0.1;
  model.broken_calls = 0.1;
  model.pool.wait_for_ready = TRUE;
  patient = simulate_single_calls (&model);
  CU_ASSERT_TRUE (patient->failed_dials > 0 && patient->failed_dials < patient->dials);
  assert_int (patient->answered + patient->broken, 900);
}

/* ---- the clock and the policy ---- */

typedef struct
{
  gint64 now;
  guint n_looks, n_faults, most;
} Seen;

static void
look (const TallyPolicy *policy, gint64 now, gpointer data)
{
  Seen *seen = data;
  const guint open = tally_policy_open (policy);

  seen->n_faults += now < seen->now || tally_policy_find_fault (policy) != NULL;
  seen->now = now;
  seen->n_looks++;
  seen->most = MAX (seen->most, open);
}

/* Everything at once: calls that break and time out, dials that are slow and fail, connections that are shared or kept
 * ready, callers that are refused. */
static void
nothing_goes_back_in_time (void)
{
  for (guint32 seed = 0; seed < 40; seed++)
    {
      LoadModel model = make_model (2000, 1 + seed % 7);
      Seen seen = { 0 };
      g_autofree LoadForecast *forecast = NULL;

      model.seed = seed;
      model.arrivals = seed % 3 == 0 ? LOAD_ARRIVALS_CALLERS : LOAD_ARRIVALS_POISSON;
      model.callers = 12;
      model.calls = 3000;
      model.warm_up = 30;
      model.service = load_times_lognormal (2000, 30000);
      model.dial = load_times_exponential (seed % 2 == 0 ? 500 : 5000);
      model.failing_dials = seed % 5 * 0.1;
      model.broken_calls = seed % 4 * 0.05;
      model.timeout_us = seed % 6 == 0 ? 20 * MS : 0;
      model.pool.min_idle = seed % 4;
      model.pool.max_idle = (gint) (seed % 8) - 1;
      model.pool.streams = 1 + seed % 2 * 2;
      model.pool.max_waiters = seed % 3 * 5;
      model.pool.idle_timeout = 3 * MS;
      model.pool.max_lifetime = seed % 2 * 50 * MS;
      model.pool.keepalive = seed % 4 == 0 ? 10 * MS : 0;
      model.pool.wait_for_ready = seed % 2;
      model.pool.connect_timeout = seed % 3 == 0 ? 3 * MS : 3000 * MS;
      model.look = look;
      model.look_data = &seen;
      forecast = load_simulate (&model);
      assert_int (load_forecast_count_calls (forecast), 2970);
      assert_int (seen.n_faults, 0);
      CU_ASSERT_TRUE (seen.n_looks > 3000 && seen.most <= model.pool.max_open);
      CU_ASSERT_TRUE (forecast->peak_open <= model.pool.max_open);
    }
}

static void
a_seed_says_all (void)
{
  LoadModel model = make_model (700, 4);
  g_autofree LoadForecast *one = NULL;
  g_autofree LoadForecast *again = NULL;
  g_autofree LoadForecast *other = NULL;

  model.calls = 20000;
  model.warm_up = 100;
  model.service = load_times_exponential (5000);
  model.dial = load_times_exponential (500);
  model.broken_calls = 0.1;
  model.failing_dials = 0.1;
  one = load_simulate (&model);
  again = load_simulate (&model);
  model.seed = 2;
  other = load_simulate (&model);
  CU_ASSERT_TRUE (memcmp (one, again, sizeof *one) == 0);
  CU_ASSERT_FALSE (memcmp (one, other, sizeof *one) == 0);
}

static void
quantiles_lie_within_bins (void)
{
  static const LoadTimesBin some[] = { { 0, 10, 0 }, { 10, 20, 90 }, { 30, 40, 10 } };
  g_autoptr (GArray) bins = g_array_new (FALSE, FALSE, sizeof (LoadTimesBin));

  assert_near (load_bins_quantile (bins, 0.5), 0, 0);
  g_array_append_vals (bins, some, G_N_ELEMENTS (some));
  assert_near (load_bins_quantile (bins, 0), 10, 0);
  assert_near (load_bins_quantile (bins, 0.45), 15, 1e-9);
  assert_near (load_bins_quantile (bins, 0.95), 35, 1e-9);
  assert_near (load_bins_quantile (bins, 1), 40, 1e-9);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (waits_are_as_erlang_says),
    TEST (waits_follow_the_times_of_service),
    TEST (who_must_not_wait_is_refused),
    TEST (a_full_queue_refuses),
    TEST (callers_make_calls_in_turn),
    TEST (callers_keep_to_a_rate),
    TEST (a_trace_is_followed),
    TEST (calls_follow_each_other),
    TEST (refused_callers_pause),
    TEST (time_alone_closes_connections),
    TEST (an_old_connection_is_dialed_anew),
    TEST (a_broken_connection_is_dialed_anew),
    TEST (dials_take_their_time),
    TEST (time_that_is_over_ends_a_call),
    TEST (dials_that_fail_are_told),
    TEST (nothing_goes_back_in_time),
    TEST (a_seed_says_all),
    TEST (quantiles_lie_within_bins),
    { NULL, NULL },
  };

  return test_main ("load", cases, argc, argv);
}
