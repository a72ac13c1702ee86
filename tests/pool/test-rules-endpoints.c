/* Rules 3 and 28 between endpoints that share the limit over all of them: whose turn it is, and what
 * those are told who wait in vain. Waits are made long by moving their beginning. */
#include <string.h>

#include "lab.h"
#include "bucket-private.h"
#include "work-private.h"

#define MS G_TIME_SPAN_MILLISECOND

/* A pool with several endpoints, of which `lab->bucket` is the first. */
typedef struct
{
  Lab *lab;
  TallyBucket *one;
  TallyBucket *two;
} Site;

/* What waits are counted back from: on a busy machine time passes between two beginnings. */
static gint64 epoch;

static void
site_init (Site *site, guint total)
{
  epoch = g_get_monotonic_time ();
  site->lab = lab_new ("max-open-total", total, NULL);
  site->one = lab_other_bucket (site->lab, "unix:///one");
  site->two = lab_other_bucket (site->lab, "unix:///two");
}

static void
site_clear (Site *site)
{
  tally_bucket_unref (site->one);
  tally_bucket_unref (site->two);
  lab_free (site->lab);
}

static TallyPoolSnapshot
look (TallyBucket *bucket)
{
  TallyPoolSnapshot now;

  tally_bucket_snapshot (bucket, &now);
  return now;
}

/* Waits in the queue of @bucket, where nobody else does, as if since @ms before the test began. */
static void
start_waiting (AsyncCall *call, TallyBucket *bucket, gint64 ms)
{
  async_call_start (call, bucket, -1, call->cancellable);
  tally_bucket_lock (bucket);
  CU_ASSERT_EQUAL_FATAL (bucket->policy.waiting, 1);
  bucket->policy.first->arrived = epoch - ms * MS;
  tally_bucket_work_and_unlock (bucket);
}

static TallyLease
borrow_from (TallyBucket *bucket)
{
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_TRUE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, &error));
  assert_no_error (error);
  return lease;
}

static void
serve (AsyncCall *call)
{
  async_call_await (call);
  CU_ASSERT_TRUE (call->done);
  async_call_finish (call);
}

/* Within the grace a connection that comes back stays where it is. */
static void
rule_03_a_little_longer_is_borne (void)
{
  Site site;
  TallyLease lease;
  AsyncCall here = { 0 }, elsewhere = { 0 };

  site_init (&site, 1);
  lease = lab_borrow (site.lab);
  start_waiting (&here, site.lab->bucket, 100);
  start_waiting (&elsewhere, site.one, 100 + 40);
  lab_release (site.lab, &lease);
  async_call_await (&here);
  assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 0);
  assert_int (look (site.one).waiting, 1);
  serve (&here);
  serve (&elsewhere);
  assert_int (look (site.one).dials_done, 1);
  site_clear (&site);
}

/* Past it the connection closes, and the one that has waited longest may dial; whether anybody
 * waits here, or a newcomer would have it. */
static void
rule_03_no_endpoint_starves_another (void)
{
  for (guint here_wait = 0; here_wait < 2; here_wait++)
    {
      Site site;
      TallyLease lease;
      AsyncCall here = { 0 }, elsewhere = { 0 };

      site_init (&site, 1);
      lease = lab_borrow (site.lab);
      if (here_wait)
        start_waiting (&here, site.lab->bucket, 100);
      start_waiting (&elsewhere, site.one, 100 + 60);
      lab_release (site.lab, &lease);
      async_call_await (&elsewhere);
      assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 1);
      assert_int (lab_snapshot (site.lab).waiting, here_wait);
      serve (&elsewhere);
      if (here_wait)
        serve (&here);
      site_clear (&site);
    }
}

/* A connection that was idle and is back from a check in the background comes back like any other. */
static void
rule_03_one_that_was_examined_yields_too (void)
{
  Site site;
  TallyLease lease;
  AsyncCall here = { 0 }, elsewhere = { 0 };
  gint gate = 0;

  site_init (&site, 1);
  lease = lab_borrow (site.lab);
  lab_release (site.lab, &lease);
  tally_pool_set_check_hook (site.lab->pool, lab_check_at_gate, &gate, NULL);
  g_object_set (site.lab->pool, "keepalive-interval", 1, NULL);
  gate_await (&gate);
  start_waiting (&here, site.lab->bucket, 100);
  start_waiting (&elsewhere, site.one, 100 + 60);
  gate_open (&gate);
  async_call_await (&elsewhere);
  assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 1);
  assert_int (lab_snapshot (site.lab).waiting, 1);
  serve (&elsewhere);
  serve (&here);
  site_clear (&site);
}

static void
rule_03_the_grace_is_a_property (void)
{
  static const guint graces_ms[] = { 0, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (graces_ms); i++)
    {
      Site site;
      TallyLease lease;
      AsyncCall here = { 0 }, elsewhere = { 0 };

      site_init (&site, 1);
      g_object_set (site.lab->pool, "max-open-total-grace", graces_ms[i], NULL);
      lease = lab_borrow (site.lab);
      start_waiting (&here, site.lab->bucket, 100);
      start_waiting (&elsewhere, site.one, 100 + 500);
      lab_release (site.lab, &lease);
      async_call_await (graces_ms[i] == 0 ? &elsewhere : &here);
      assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], graces_ms[i] == 0);
      serve (graces_ms[i] == 0 ? &elsewhere : &here);
      serve (graces_ms[i] == 0 ? &here : &elsewhere);
      site_clear (&site);
    }
}

/* Not the endpoint at which somebody was held back first, but the caller that came first. */
static void
rule_03_the_longest_wait_is_first (void)
{
  Site site;
  TallyLease lease;
  AsyncCall young = { 0 }, old = { 0 };

  site_init (&site, 1);
  lease = lab_borrow (site.lab);
  start_waiting (&young, site.one, 100);
  start_waiting (&old, site.two, 200);
  lab_release (site.lab, &lease);
  async_call_await (&old);
  CU_ASSERT_TRUE (old.done);
  assert_int (look (site.one).waiting, 1);
  serve (&old);
  serve (&young);
  site_clear (&site);
}

/* One goes for each caller elsewhere, while it is being closed too. */
static void
rule_03_one_goes_for_one_that_waits (void)
{
  Site site;
  TallyLease lease;
  AsyncCall here = { 0 }, elsewhere = { 0 };
  Borrower holder;
  pthread_t thread;
  gint gate = 0;

  site_init (&site, 2);
  tally_pool_set_dial_hook (site.lab->pool, lab_dial_slow_closer, &gate, NULL);
  holder = (Borrower){ .lab = site.lab, .lease = lab_borrow (site.lab) };
  lease = lab_borrow (site.lab);
  start_waiting (&here, site.lab->bucket, 0);
  start_waiting (&elsewhere, site.one, 100);
  pthread_create (&thread, NULL, borrower_release, &holder);
  gate_await (&gate);
  lab_release (site.lab, &lease); /* while the other one is being closed */
  async_call_await (&here);
  CU_ASSERT_TRUE (here.done);
  assert_int (lab_snapshot (site.lab).closing, 1);
  gate_open (&gate);
  pthread_join (thread, NULL);
  async_call_await (&elsewhere);
  assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 1);
  serve (&here);
  serve (&elsewhere);
  site_clear (&site);
}

/* A waiter that has left is no reason to close a connection. */
static void
rule_03_nothing_goes_for_who_has_left (void)
{
  Site site;
  TallyLease lease;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AsyncCall here = { 0 }, elsewhere = { .cancellable = cancellable };

  site_init (&site, 1);
  lease = lab_borrow (site.lab);
  start_waiting (&here, site.lab->bucket, 0);
  start_waiting (&elsewhere, site.one, 100);
  g_cancellable_cancel (cancellable);
  async_call_await (&elsewhere);
  CU_ASSERT_FALSE (elsewhere.done);
  async_call_finish (&elsewhere);
  lab_release (site.lab, &lease);
  async_call_await (&here);
  assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 0);
  serve (&here);
  site_clear (&site);
}

/* A shared connection never comes back while streams begin before others end: it lends no more. */
static void
rule_03_a_shared_connection_yields_too (void)
{
  Site site;
  TallyLease leases[2];
  AsyncCall here = { 0 }, elsewhere = { 0 };

  site_init (&site, 1);
  g_object_set (site.lab->pool, "streams-per-connection", 2, NULL);
  leases[0] = lab_borrow (site.lab);
  leases[1] = lab_borrow (site.lab);
  start_waiting (&elsewhere, site.one, 100);
  lab_release (site.lab, &leases[0]);
  start_waiting (&here, site.lab->bucket, 0);
  lab_release (site.lab, &leases[1]);
  async_call_await (&elsewhere);
  CU_ASSERT_TRUE (elsewhere.done);
  assert_int (lab_snapshot (site.lab).closes[TALLY_CLOSE_EVICTED], 1);
  serve (&elsewhere);
  serve (&here);
  site_clear (&site);
}

#define PLAYERS 6

typedef struct
{
  TallyBucket *bucket;
  gint *stop; /* atomic */
  guint served;
} Player;

static gpointer
borrow_on (gpointer data)
{
  Player *self = data;

  while (!__atomic_load_n (self->stop, __ATOMIC_SEQ_CST))
    {
      TallyLease lease = { 0 };

      if (!tally_bucket_borrow (self->bucket, "player", -1, NULL, &lease, NULL))
        break;
      self->served++;
      g_thread_yield ();
      tally_bucket_release (self->bucket, &lease, TALLY_OUTCOME_CLEAN);
    }
  return NULL;
}

/* More players at one endpoint than there may be connections: others are served all the same. */
static void
rule_03_an_endpoint_in_demand_leaves_some_to_others (void)
{
  Site site;
  Player players[PLAYERS];
  pthread_t threads[PLAYERS];
  gint stop = 0;
  TallyPoolSnapshot seen;

  site_init (&site, 2);
  g_object_set (site.lab->pool, "max-open-total-grace", 1, "wait-timeout", 60000, NULL);
  site.lab->forget_peers = TRUE;
  g_object_set (site.lab->pool, "check", TALLY_POOL_CHECK_NEVER, NULL);
  for (guint i = 0; i < PLAYERS; i++)
    {
      players[i] = (Player){ site.lab->bucket, &stop, 0 };
      pthread_create (&threads[i], NULL, borrow_on, &players[i]);
    }
  lab_await (site.lab, now.waiting > 0);
  for (guint i = 0; i < 20; i++)
    {
      TallyLease lease = borrow_from (i % 2 == 0 ? site.one : site.two);

      tally_bucket_release (i % 2 == 0 ? site.one : site.two, &lease, TALLY_OUTCOME_CLEAN);
    }
  __atomic_store_n (&stop, 1, __ATOMIC_SEQ_CST);
  for (guint i = 0; i < PLAYERS; i++)
    pthread_join (threads[i], NULL);
  tally_pool_snapshot (site.lab->pool, &seen);
  assert_sums (&seen);
  assert_int (seen.timeouts, 0);
  site_clear (&site);
}

/* ---- rule 28 ---- */

static void
assert_refused (TallyBucket *bucket, const gchar *part)
{
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_FALSE (
      tally_bucket_borrow (bucket, "test", g_get_monotonic_time () + 1000, NULL, &lease, &error));
  CU_ASSERT_TRUE (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT)
                  || g_error_matches (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, part) != NULL);
}

/* The error says which limit holds back, and which endpoint has most of it. */
static void
rule_28_the_limit_over_all_endpoints_is_named (void)
{
  for (guint wait = 0; wait < 2; wait++)
    {
      Site site;
      TallyLease leases[3];

      site_init (&site, 3);
      if (!wait)
        g_object_set (site.lab->pool, "wait-timeout", 0, NULL);
      leases[0] = borrow_from (site.one);
      leases[1] = borrow_from (site.two);
      leases[2] = borrow_from (site.two);
      assert_refused (site.lab->bucket,
                      "max-open-total 3 over all endpoints, of which unix:///two has most, 2");
      tally_bucket_release (site.one, &leases[0], TALLY_OUTCOME_CLEAN);
      tally_bucket_release (site.two, &leases[1], TALLY_OUTCOME_CLEAN);
      tally_bucket_release (site.two, &leases[2], TALLY_OUTCOME_CLEAN);
      site_clear (&site);
    }
}

/* Where the endpoint's own limit holds back that one is not named. */
static void
rule_28_only_the_limit_that_holds_back_is_named (void)
{
  Site site;
  TallyLease lease;
  g_autoptr (GError) error = NULL;

  site_init (&site, 1);
  g_object_set (site.lab->pool, "max-open", 1, "wait-timeout", 0, NULL);
  lease = lab_borrow (site.lab);
  CU_ASSERT_FALSE (tally_bucket_borrow (site.lab->bucket, "test", -1, NULL, &lease, &error));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, "max-open-total") == NULL);
  lab_release (site.lab, &lease);
  site_clear (&site);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_03_a_little_longer_is_borne),
    TEST (rule_03_no_endpoint_starves_another),
    TEST (rule_03_one_that_was_examined_yields_too),
    TEST (rule_03_the_grace_is_a_property),
    TEST (rule_03_the_longest_wait_is_first),
    TEST (rule_03_one_goes_for_one_that_waits),
    TEST (rule_03_nothing_goes_for_who_has_left),
    TEST (rule_03_a_shared_connection_yields_too),
    TEST (rule_03_an_endpoint_in_demand_leaves_some_to_others),
    TEST (rule_28_the_limit_over_all_endpoints_is_named),
    TEST (rule_28_only_the_limit_that_holds_back_is_named),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
