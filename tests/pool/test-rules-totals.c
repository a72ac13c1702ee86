/* Rules 2, 18, 26 and 29 where they are about the limits over all endpoints. */
#include <string.h>

#include "lab.h"
#include "bucket-private.h"

static TallyLease
borrow_from (TallyBucket *bucket)
{
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_TRUE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, &error));
  assert_no_error (error);
  return lease;
}

/* So that of two releases one is the older by the pool's measure. */
#define A_MOMENT 2

static void
rule_02_the_oldest_idle_connection_makes_room (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 3, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = lab_other_bucket (lab, "unix:///two");
  TallyLease a = borrow_from (one), b = borrow_from (two), c = lab_borrow (lab), d;
  TallyPoolSnapshot seen;

  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN); /* the oldest */
  lab_let_time_pass (A_MOMENT);
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  d = lab_borrow (lab);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.open, 3);
  assert_int (seen.closes[TALLY_CLOSE_EVICTED], 1);
  tally_bucket_snapshot (two, &seen);
  assert_int (seen.open, 0);
  tally_bucket_snapshot (one, &seen);
  assert_int (seen.idle, 1);
  lab_release (lab, &c);
  lab_release (lab, &d);
}

/* While the one that makes room is being closed, whatever else happens makes no other go. */
static void
rule_02_one_goes_for_one_that_comes (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 3, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = lab_other_bucket (lab, "unix:///two");
  gint gate = 0;
  Borrower newcomer = { 0 };
  TallyLease a, b, c;
  TallyPoolSnapshot seen;

  tally_pool_set_dial_hook (lab->pool, lab_dial_slow_closer, &gate, NULL);
  a = borrow_from (one), b = borrow_from (two), c = borrow_from (two);
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  borrower_start (&newcomer, lab, "newcomer");
  gate_await (&gate);
  tally_bucket_release (two, &c, TALLY_OUTCOME_CLEAN);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.closing, 1);
  assert_int (seen.idle, 2);
  gate_open (&gate);
  CU_ASSERT_TRUE (borrower_join (&newcomer));
  lab_release (lab, &newcomer.lease);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.closes[TALLY_CLOSE_EVICTED], 1);
  assert_int (seen.open, 3);
}

/* All are busy: the newcomer waits until one is returned elsewhere; no busy one is touched. */
static void
rule_02_a_busy_connection_is_never_evicted (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 2, "idle-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease a = borrow_from (one), b = borrow_from (one);
  Borrower waiter = { 0 };
  TallyPoolSnapshot seen;

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  tally_bucket_snapshot (one, &seen);
  assert_int (seen.busy, 2);
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  tally_bucket_snapshot (one, &seen);
  assert_int (seen.busy, 1);
  assert_int (seen.closes[TALLY_CLOSE_EVICTED], 1);
  tally_bucket_release (one, &b, TALLY_OUTCOME_CLEAN);
  lab_release (lab, &waiter.lease);
}

static void
rule_02_idle_connections_over_all_endpoints (void)
{
  g_autoptr (Lab) lab = lab_new ("max-idle-total", 2, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = lab_other_bucket (lab, "unix:///two");
  TallyLease a = borrow_from (one), b = borrow_from (two), c = lab_borrow (lab);
  TallyPoolSnapshot seen;

  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  lab_let_time_pass (A_MOMENT);
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  lab_let_time_pass (A_MOMENT);
  lab_release (lab, &c);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.idle, 2);
  tally_bucket_snapshot (one, &seen);
  assert_int (seen.idle, 0);
  g_object_set (lab->pool, "max-idle-total", 1, NULL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.idle, 1);
  assert_int (lab_snapshot (lab).idle, 1);
}

/* ---- which borrowers may wait for them ---- */

static void
assert_refused (TallyBucket *bucket, gint64 deadline, const gchar *part)
{
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "test", deadline, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, part);
}

/* What became of it; a lease is given back. */
static GError *
borrow_async (TallyBucket *bucket)
{
  AsyncCall call;
  GError *error;

  async_call_start (&call, bucket, -1, NULL);
  async_call_await (&call);
  error = g_steal_pointer (&call.error);
  async_call_finish (&call);
  return error;
}

/* Where nobody may wait, one that can be evicted serves at once, and one that is busy does not. */
static void
rule_02_nobody_waits_who_may_not (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, "wait-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (GError) error = NULL;
  TallyLease a = borrow_from (one), b;
  TallyPoolSnapshot seen;

  assert_refused (lab->bucket, -1, "exhausted");
  error = borrow_async (lab->bucket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "exhausted");
  g_clear_error (&error);
  assert_refused (one, -1, "exhausted");
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  b = lab_borrow (lab);
  lab_release (lab, &b);
  a = borrow_from (one);
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  error = borrow_async (lab->bucket);
  assert_no_error (error);
  seen = lab_snapshot (lab);
  assert_int (seen.full, 2);
  assert_sums (&seen);
}

static void
rule_02_no_more_wait_than_may (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, "max-waiters", 1, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease a = borrow_from (one);
  Borrower waiter = { 0 };
  TallyPoolSnapshot seen;

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  assert_refused (lab->bucket, -1, "exhausted");
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &waiter.lease);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
}

/* The one connection there may be is held for about ten seconds each time. */
static void
rule_29_the_total_may_make_a_wait_too_long (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, NULL);
  TallyLease lease = lab_borrow (lab);

  TallyHistogram ten_seconds = { 0 };

  pthread_mutex_lock (&lab->bucket->lock);
  memset (lab->bucket->policy.recent_holds,
          (int) tally_histogram_count (&ten_seconds, 10 * G_TIME_SPAN_SECOND), TALLY_RECENT_HOLDS);
  pthread_mutex_unlock (&lab->bucket->lock);
  assert_refused (lab->bucket, g_get_monotonic_time () + 5 * G_TIME_SPAN_SECOND,
                  "would pass the deadline");
  lab_release (lab, &lease);
}

/* ---- changed while in use ---- */

static void
rule_18_lowering_the_total_converges (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease idle = borrow_from (one), other = borrow_from (one);
  TallyLease busy[3] = { lab_borrow (lab), lab_borrow (lab), lab_borrow (lab) };
  Borrower waiter = { 0 };
  TallyPoolSnapshot seen;

  tally_bucket_release (one, &idle, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (one, &other, TALLY_OUTCOME_CLEAN);
  g_object_set (lab->pool, "max-open-total", 4, NULL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.open, 4);
  assert_int (seen.closes[TALLY_CLOSE_LIMIT], 1);
  g_object_set (lab->pool, "max-open-total", 1, NULL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.open, 3);
  assert_int (seen.busy, 3);
  lab_release (lab, &busy[0]); /* nobody waits: it goes all the same */
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.open, 2);
  g_object_set (lab->pool, "max-open", 2, NULL); /* so that somebody waits */
  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  lab_release (lab, &busy[1]);
  assert_int (lab_snapshot (lab).open, 1);
  assert_int (lab_snapshot (lab).waiting, 1);
  lab_release (lab, &busy[2]);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_TRUE (waiter.lease.reused);
  lab_release (lab, &waiter.lease);
  assert_int (lab_snapshot (lab).idle, 1);
}

#define MANY 8

/* What happened while there was no limit counts when there is one again, and not before. */
static void
rule_18_an_idle_limit_may_come_and_go (void)
{
  g_autoptr (Lab) lab = lab_new ("max-idle-total", 100, NULL);
  TallyBucket *buckets[MANY];
  TallyPoolSnapshot seen;

  lab_fill (lab, 30);
  g_object_set (lab->pool, "max-idle-total", 0, NULL);
  tally_bucket_clear (lab->bucket);
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("unix:///many-%u", i);
      TallyLease lease;

      buckets[i] = lab_other_bucket (lab, uri);
      lease = borrow_from (buckets[i]);
      tally_bucket_release (buckets[i], &lease, TALLY_OUTCOME_CLEAN);
    }
  g_object_set (lab->pool, "max-idle-total", MANY, NULL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.idle, MANY);
  g_object_set (lab->pool, "max-idle-total", MANY - 1, NULL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.idle, MANY - 1);
  for (guint i = 0; i < MANY; i++)
    tally_bucket_unref (buckets[i]);
}

/* ---- handlers ---- */

typedef struct
{
  TallyBucket *bucket;
  gboolean begun;
  gboolean done;
  TallyLease lease;
} Greedy;

static void
borrow_when_evicted (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  Greedy *self = user_data;

  if (event->kind != TALLY_POOL_EVENT_CLOSED || event->reason != TALLY_CLOSE_EVICTED || self->begun)
    return;
  self->begun = TRUE;
  self->done = tally_bucket_borrow (self->bucket, "greedy", -1, NULL, &self->lease, NULL);
}

/* It runs where room is made for another, and needs room itself. */
static void
rule_26_a_handler_may_borrow_where_room_is_made (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 2, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = lab_other_bucket (lab, "unix:///two");
  g_autoptr (TallyBucket) three = lab_other_bucket (lab, "unix:///three");
  TallyLease a = borrow_from (one), b = borrow_from (two);
  Greedy greedy = { .bucket = three };

  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  g_signal_connect (lab->pool, "event", G_CALLBACK (borrow_when_evicted), &greedy);
  a = lab_borrow (lab);
  CU_ASSERT_TRUE (greedy.done);
  lab_release (lab, &a);
  if (greedy.done)
    tally_bucket_release (three, &greedy.lease, TALLY_OUTCOME_CLEAN);
}

/* As in the test above, in another pool, which this thread does not balance either. */
static void
rule_26_a_handler_may_borrow_from_another_pool (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, NULL);
  g_autoptr (Lab) other = lab_new ("max-open-total", 1, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = lab_other_bucket (other, "unix:///two");
  TallyLease a = borrow_from (one), b = borrow_from (two);
  Greedy greedy = { .bucket = other->bucket };

  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  g_signal_connect (lab->pool, "event", G_CALLBACK (borrow_when_evicted), &greedy);
  a = lab_borrow (lab);
  CU_ASSERT_TRUE (greedy.done);
  lab_release (lab, &a);
  if (greedy.done)
    lab_release (other, &greedy.lease);
}

/* ---- all at once ---- */

#define ENDPOINTS 4
#define TOTAL 3

typedef struct
{
  TallyPool *pool;
  TallyEndpoint *endpoints[ENDPOINTS];
  guint seed;
  guint served;
} Wanderer;

static gpointer
wander (gpointer data)
{
  Wanderer *self = data;
  guint random = self->seed;

  for (guint i = 0; i < 400; i++)
    {
      g_autoptr (TallyBucket) bucket = NULL;
      TallyLease lease = { 0 };

      random = random * 1103515245 + 12345;
      bucket = tally_pool_dup_bucket (self->pool, self->endpoints[(random >> 16) % ENDPOINTS]);
      if (!tally_bucket_borrow (bucket, "wanderer", -1, NULL, &lease, NULL))
        continue;
      self->served++;
      if ((random >> 20) % 4 == 0)
        g_thread_yield ();
      tally_bucket_release (bucket, &lease,
                            (random >> 24) % 8 == 0 ? TALLY_OUTCOME_BROKEN : TALLY_OUTCOME_CLEAN);
    }
  return NULL;
}

/* Many threads at many endpoints that have few connections between them: nobody is forgotten, and
 * never are more open. Nobody but them refers to the buckets, which come and go. */
static void
rule_02_the_total_holds_under_any_interleaving (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", TOTAL, "max-idle-total", 2, "idle-timeout", 1,
                                 "check", TALLY_POOL_CHECK_NEVER, "wait-timeout", 60000, NULL);
  TallyEndpoint *endpoints[ENDPOINTS];
  Wanderer wanderers[12];
  pthread_t threads[G_N_ELEMENTS (wanderers)];
  TallyPoolSnapshot seen;

  lab->forget_peers = lab->measures = TRUE;
  for (guint i = 0; i < ENDPOINTS; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("unix:///endpoint-%u", i);

      endpoints[i] = tally_endpoint_new (uri, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wanderers); i++)
    {
      wanderers[i] = (Wanderer){ .pool = lab->pool, .seed = i + 1 };
      memcpy (wanderers[i].endpoints, endpoints, sizeof endpoints);
      pthread_create (&threads[i], NULL, wander, &wanderers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wanderers); i++)
    {
      pthread_join (threads[i], NULL);
      assert_int (wanderers[i].served, 400);
    }
  CU_ASSERT_TRUE (lab_most_open (lab) > 0 && lab_most_open (lab) <= TOTAL);
  tally_pool_snapshot (lab->pool, &seen);
  assert_sums (&seen);
  for (guint i = 0; i < ENDPOINTS; i++)
    tally_endpoint_unref (endpoints[i]);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_02_the_oldest_idle_connection_makes_room),
    TEST (rule_02_one_goes_for_one_that_comes),
    TEST (rule_02_a_busy_connection_is_never_evicted),
    TEST (rule_02_idle_connections_over_all_endpoints),
    TEST (rule_02_nobody_waits_who_may_not),
    TEST (rule_02_no_more_wait_than_may),
    TEST (rule_29_the_total_may_make_a_wait_too_long),
    TEST (rule_18_lowering_the_total_converges),
    TEST (rule_18_an_idle_limit_may_come_and_go),
    TEST (rule_26_a_handler_may_borrow_where_room_is_made),
    TEST (rule_26_a_handler_may_borrow_from_another_pool),
    TEST (rule_02_the_total_holds_under_any_interleaving),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
