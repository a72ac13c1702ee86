/* A simulated pool against a real one: calls at random over loopback, to a server that holds each for a time which was drawn before.
 * The 99th percentile of their waits is predicted twice: from what was drawn, before the run, and from when the calls really came and
 * for how long they really had their connections. A machine that does other things meanwhile wakes callers late, which they see, and
 * changes the load itself, so that the two predictions differ. Such a run says nothing of the first prediction, or of either, and is
 * repeated; after some the test is skipped. */
#include "load-simulation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <thrift/c_glib/transport/thrift_transport.h>
#include <time.h>

#include "harness.h"
#include "peer.h"

#define CALLS 1000
#define CALLERS 96
#define ATTEMPTS 4
/* After that there is no other attempt. */
#define ATTEMPTS_END (20 * G_TIME_SPAN_SECOND)
/* What is held against what was measured. */
#define TOLERANCE 0.2
/* By so much of the 99th percentile the two predictions may differ on a quiet machine, and callers wake late. */
#define QUIET 0.1
#define QUIET_WAKING 0.05
/* Microseconds by which 99 of 100 calls may begin late there. */
#define QUIET_BEGINNING (20 * G_TIME_SPAN_MILLISECOND)
/* No wait ends for want of time. */
#define WAIT_TIMEOUT (600 * G_TIME_SPAN_SECOND)

/* Microseconds. */
typedef struct
{
  gint64 arrival; /* from the beginning on, as drawn */
  gint64 service; /* as drawn */
  gint64 asked;   /* when it really came, from the beginning on */
  gint64 waited;  /* -1: refused */
  gint64 late;    /* how much later than it had a connection its thread went on */
  gint64 held;
} Call;

typedef struct
{
  Call calls[CALLS];
  LoadModel model;
  gint64 begun;
  gint next;     /* atomic */
  gint failures; /* atomic: in other ways than by being refused */
  TallyBucket *bucket;
} Trial;

typedef struct
{
  gdouble measured, traced, planned; /* 99th percentiles of waits */
  gdouble late, begun_late;          /* those of how late callers woke, and calls began */
  guint refused, refused_in_trace, refused_in_plan;
} Outcome;

/* The pool tells its waits in the thread that waited. */
static _Thread_local gint64 waited_here;

static void
on_event (TallyPool *pool, const TallyPoolEvent *event, gpointer data)
{
  if (event->kind == TALLY_POOL_EVENT_WAITED)
    waited_here = event->duration;
}

static void
sleep_until (gint64 at)
{
  const struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
    continue;
}

/* ---- the server ---- */

/* A request is the call's number. */
static void
serve (gint fd, guint index, gpointer data)
{
  const Trial *trial = data;
  guint32 number;

  prctl (PR_SET_TIMERSLACK, 1);
  while (test_read_exact (fd, &number, sizeof number) && number < CALLS)
    {
      sleep_until (g_get_monotonic_time () + trial->calls[number].service);
      if (!test_write_all (fd, &number, sizeof number))
        return;
    }
}

/* ---- the callers ---- */

static gboolean
exchange (ThriftTransport *transport, guint32 number)
{
  guint32 answer = CALLS;

  return thrift_transport_write (transport, &number, sizeof number, NULL)
         && thrift_transport_flush (transport, NULL)
         && thrift_transport_read_all (transport, &answer, sizeof answer, NULL) == sizeof answer
         && answer == number;
}

/* The instants are the policy's own, as far as the lease has them. */
static void
note_lease (const Trial *trial, Call *call, const TallyLease *lease)
{
  const gint64 since = ((const TallyHold *) lease->slot)->since;

  call->waited = waited_here;
  call->asked = since - waited_here - trial->begun;
  call->late = g_get_monotonic_time () - since;
}

static void
make_measured_call (Trial *trial, guint32 number)
{
  Call *call = &trial->calls[number];
  TallyLease lease;
  g_autoptr (GError) error = NULL;
  gboolean done;

  sleep_until (trial->begun + call->arrival);
  waited_here = 0;
  call->waited = -1;
  call->asked = g_get_monotonic_time () - trial->begun;
  if (!tally_bucket_borrow (trial->bucket, "measured", -1, NULL, &lease, &error))
    {
      if (!g_error_matches (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED))
        g_atomic_int_inc (&trial->failures);
      return;
    }
  note_lease (trial, call, &lease);
  done = exchange (lease.transport, number);
  call->held = g_get_monotonic_time () - trial->begun - call->asked - call->waited;
  tally_bucket_release (trial->bucket, &lease, done ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
  if (!done)
    g_atomic_int_inc (&trial->failures);
}

static gpointer
make_calls (gpointer data)
{
  Trial *trial = data;
  gint number;

  prctl (PR_SET_TIMERSLACK, 1);
  while ((number = g_atomic_int_add (&trial->next, 1)) < CALLS)
    make_measured_call (trial, (guint32) number);
  return NULL;
}

/* ---- predictions ---- */

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return (left > right) - (left < right);
}

static gdouble
find_p99 (GArray *numbers)
{
  g_array_sort (numbers, compare_numbers);
  return numbers->len == 0
             ? 0
             : (gdouble) g_array_index (numbers, gint64, (guint) (0.99 * numbers->len));
}

static gint
compare_traced (gconstpointer a, gconstpointer b)
{
  return compare_numbers (&((const LoadTraced *) a)->at, &((const LoadTraced *) b)->at);
}

/* What was drawn, or what came of it; of a refused call it is not known for how long it would have had its connection. */
static gdouble
predict (const Trial *trial, gboolean is_measured, guint *refused)
{
  LoadTraced trace[CALLS];
  LoadModel model = trial->model;
  g_autofree LoadForecast *forecast = NULL;

  for (guint i = 0; i < CALLS; i++)
    {
      const Call *call = &trial->calls[i];

      trace[i].at = is_measured ? call->asked : call->arrival;
      trace[i].held = is_measured && call->waited >= 0 ? call->held : call->service;
    }
  qsort (trace, CALLS, sizeof *trace, compare_traced);
  model.trace = trace;
  forecast = load_simulate (&model);
  *refused = (guint) load_forecast_count_refused (forecast);
  return (gdouble) load_histogram_quantile (&forecast->delay, 0.99) / 1e3;
}

static Outcome
judge (const Trial *trial)
{
  g_autoptr (GArray) waits = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) lates = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) begun_late = g_array_new (FALSE, FALSE, sizeof (gint64));
  Outcome outcome = { .late = 0 };

  for (guint i = 0; i < CALLS; i++)
    {
      const Call *call = &trial->calls[i];
      const gint64 after_turn = call->asked - call->arrival;

      g_array_append_val (begun_late, after_turn);
      if (call->waited >= 0)
        {
          g_array_append_val (waits, call->waited);
          g_array_append_val (lates, call->late);
        }
    }
  outcome.refused = CALLS - waits->len;
  outcome.measured = find_p99 (waits);
  outcome.late = find_p99 (lates);
  outcome.begun_late = find_p99 (begun_late);
  outcome.planned = predict (trial, FALSE, &outcome.refused_in_plan);
  outcome.traced = predict (trial, TRUE, &outcome.refused_in_trace);
  return outcome;
}

/* ---- the trial ---- */

static gboolean
is_within (gdouble value, gdouble expected, gdouble share)
{
  return fabs (value - expected) <= share * expected;
}

static void
draw_calls (Trial *trial)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (trial->model.seed);
  gdouble at = 0;

  for (guint i = 0; i < CALLS; i++)
    {
      at -= 1e6 / trial->model.rate * log (1 - g_rand_double (random));
      trial->calls[i].arrival = (gint64) at;
      trial->calls[i].service = (gint64) load_times_draw (&trial->model.service, random);
    }
}

static Outcome
run_once (Trial *trial)
{
  g_autoptr (TestPeer) peer = test_peer_start (serve, trial);
  g_autofree gchar *uri = test_peer_dup_uri (peer, "");
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  g_autoptr (TallyPool) pool =
      g_object_new (TALLY_TYPE_POOL, "max-open", trial->model.pool.max_open, "max-waiters",
                    trial->model.pool.max_waiters, "wait-timeout",
                    (gint) (WAIT_TIMEOUT / G_TIME_SPAN_MILLISECOND), NULL);
  GThread *threads[CALLERS];

  g_signal_connect (pool, "event", G_CALLBACK (on_event), NULL);
  trial->bucket = tally_pool_dup_bucket (pool, endpoint);
  trial->next = trial->failures = 0;
  trial->begun = g_get_monotonic_time () + 50 * G_TIME_SPAN_MILLISECOND;
  for (guint i = 0; i < CALLERS; i++)
    threads[i] = g_thread_new ("caller", make_calls, trial);
  for (guint i = 0; i < CALLERS; i++)
    g_thread_join (threads[i]);
  g_clear_pointer (&trial->bucket, tally_bucket_unref);
  tally_pool_close (pool);
  assert_int (trial->failures, 0);
  return judge (trial);
}

/* ---- the loads ---- */

typedef struct
{
  const gchar *name;
  gdouble rate;
  LoadTimes (*get_service) (void);
  guint max_open, max_waiters;
  /* What came of it, once it was run. */
  gboolean is_run;
  gboolean is_traced; /* `outcome` is of a run in which callers woke in time */
  gboolean is_quiet;  /* and in which the load was as drawn */
  Outcome outcome;
} Trialled;

static LoadTimes
get_constant (void)
{
  return load_times_constant (10000);
}

static LoadTimes
get_exponential (void)
{
  return load_times_exponential (10000);
}

static LoadTimes
get_lognormal (void)
{
  return load_times_lognormal (8000, 30000);
}

/* Of the last one there is more than can be served: as many wait as may, and the rest is refused. */
static Trialled loads[] = {
  { "constant times", 600, get_constant, 8, 0, FALSE, FALSE, FALSE, { 0 } },
  { "exponential times", 300, get_exponential, 4, 0, FALSE, FALSE, FALSE, { 0 } },
  { "too many calls", 500, get_lognormal, 4, 12, FALSE, FALSE, FALSE, { 0 } },
};

static void
note_outcome (Trialled *load, const Outcome *outcome)
{
  const gboolean is_traced =
      outcome->late <= QUIET_WAKING * outcome->measured && outcome->begun_late <= QUIET_BEGINNING;

  printf (
      "# %s: p99 measured %.1f ms, predicted before %.1f and after %.1f; refused %u, predicted %u "
      "and %u; calls began up to %.1f ms late, callers woke up to %.1f late\n",
      load->name, outcome->measured / 1e3, outcome->planned / 1e3, outcome->traced / 1e3,
      outcome->refused, outcome->refused_in_plan, outcome->refused_in_trace,
      outcome->begun_late / 1e3, outcome->late / 1e3);
  if (!is_traced)
    return;
  load->is_traced = TRUE;
  load->is_quiet = is_within (outcome->traced, outcome->planned, QUIET)
                   && is_within (outcome->refused_in_trace, outcome->refused_in_plan, QUIET);
  load->outcome = *outcome;
}

/* Until it was quiet. */
static void
run_trial (Trialled *load)
{
  const gint64 end = g_get_monotonic_time () + ATTEMPTS_END;
  g_autofree Trial *trial = g_new0 (Trial, 1);

  trial->model = (LoadModel){ .pool = tally_pool_options_default,
                              .arrivals = LOAD_ARRIVALS_TRACE,
                              .rate = load->rate,
                              .service = load->get_service (),
                              .calls = CALLS,
                              .seed = 7 };
  trial->model.pool.max_open = load->max_open;
  trial->model.pool.max_waiters = load->max_waiters;
  trial->model.pool.wait_timeout = WAIT_TIMEOUT;
  draw_calls (trial);
  for (guint i = 0; i < ATTEMPTS && !load->is_quiet && g_get_monotonic_time () < end; i++)
    {
      const Outcome outcome = run_once (trial);

      note_outcome (load, &outcome);
    }
}

static const Trialled *
get_trialled (guint index)
{
  if (!loads[index].is_run)
    run_trial (&loads[index]);
  loads[index].is_run = TRUE;
  return &loads[index];
}

static void
compare_with_trace (guint index)
{
  const Trialled *load = get_trialled (index);

  if (!load->is_traced)
    {
      test_skip ("the machine was busy: calls began late, or callers woke late, each time");
      return;
    }
  CU_ASSERT_TRUE (is_within (load->outcome.traced, load->outcome.measured, TOLERANCE));
  CU_ASSERT_TRUE (is_within (load->outcome.refused_in_trace, load->outcome.refused, TOLERANCE));
}

static void
compare_with_plan (guint index)
{
  const Trialled *load = get_trialled (index);

  if (!load->is_quiet)
    {
      test_skip ("the machine was busy: the load was not as it was drawn");
      return;
    }
  CU_ASSERT_TRUE (is_within (load->outcome.planned, load->outcome.measured, TOLERANCE));
  CU_ASSERT_TRUE (is_within (load->outcome.refused_in_plan, load->outcome.refused, TOLERANCE));
}

static void
constant_times_as_they_were (void)
{
  compare_with_trace (0);
}

static void
constant_times_as_drawn (void)
{
  compare_with_plan (0);
}

static void
exponential_times_as_they_were (void)
{
  compare_with_trace (1);
}

static void
exponential_times_as_drawn (void)
{
  compare_with_plan (1);
}

static void
too_many_calls_as_they_were (void)
{
  compare_with_trace (2);
}

static void
too_many_calls_as_drawn (void)
{
  compare_with_plan (2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (constant_times_as_they_were),
    TEST (constant_times_as_drawn),
    TEST (exponential_times_as_they_were),
    TEST (exponential_times_as_drawn),
    TEST (too_many_calls_as_they_were),
    TEST (too_many_calls_as_drawn),
    { NULL, NULL },
  };

  return test_main ("simulation-measured", cases, argc, argv);
}
