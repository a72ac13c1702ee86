/* Rule 2: the limits over all endpoints. */
#include <string.h>

#include "lab.h"

static TallyBucket *
other_bucket (Lab *lab, const gchar *uri)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);

  return tally_pool_dup_bucket (lab->pool, endpoint);
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

/* So that of two releases one is the older by the pool's measure, which is the microsecond. */
static void
let_the_clock_move (void)
{
  gint64 start = g_get_monotonic_time ();

  while (g_get_monotonic_time () < start + 2)
    continue;
}

static void
rule_02_the_oldest_idle_connection_makes_room (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 3, NULL);
  g_autoptr (TallyBucket) one = other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = other_bucket (lab, "unix:///two");
  TallyLease a = borrow_from (one), b = borrow_from (two), c = lab_borrow (lab), d;
  TallyPoolSnapshot seen;

  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN); /* the oldest */
  let_the_clock_move ();
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
  g_autoptr (TallyBucket) one = other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = other_bucket (lab, "unix:///two");
  gint gate = 0;
  Borrower newcomer = { 0 };
  TallyLease a, b, c;
  TallyPoolSnapshot seen;

  tally_pool_set_dial_hook (lab->pool, lab_dial_slow_closer, &gate, NULL);
  a = borrow_from (one), b = borrow_from (two), c = borrow_from (two);
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  borrower_start (&newcomer, lab, "newcomer");
  while (__atomic_load_n (&gate, __ATOMIC_SEQ_CST) != 1)
    g_thread_yield ();
  tally_bucket_release (two, &c, TALLY_OUTCOME_CLEAN);
  tally_pool_snapshot (lab->pool, &seen);
  assert_int (seen.closing, 1);
  assert_int (seen.idle, 2);
  __atomic_store_n (&gate, 2, __ATOMIC_SEQ_CST);
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
  g_autoptr (TallyBucket) one = other_bucket (lab, "unix:///one");
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
  g_autoptr (TallyBucket) one = other_bucket (lab, "unix:///one");
  g_autoptr (TallyBucket) two = other_bucket (lab, "unix:///two");
  TallyLease a = borrow_from (one), b = borrow_from (two), c = lab_borrow (lab);
  TallyPoolSnapshot seen;

  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  let_the_clock_move ();
  tally_bucket_release (two, &b, TALLY_OUTCOME_CLEAN);
  let_the_clock_move ();
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

#define ENDPOINTS 4
#define TOTAL 3

typedef struct
{
  TallyBucket *buckets[ENDPOINTS];
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
      TallyBucket *bucket;
      TallyLease lease = { 0 };

      random = random * 1103515245 + 12345;
      bucket = self->buckets[(random >> 16) % ENDPOINTS];
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
 * never are more open. */
static void
rule_02_the_total_holds_under_any_interleaving (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", TOTAL, "max-idle-total", 2, "check",
                                 TALLY_POOL_CHECK_NEVER, "wait-timeout", 60000, NULL);
  TallyBucket *buckets[ENDPOINTS];
  Wanderer wanderers[12];
  pthread_t threads[G_N_ELEMENTS (wanderers)];
  TallyPoolSnapshot seen;

  lab->forget_peers = lab->measures = TRUE;
  for (guint i = 0; i < ENDPOINTS; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("unix:///endpoint-%u", i);

      buckets[i] = other_bucket (lab, uri);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wanderers); i++)
    {
      wanderers[i] = (Wanderer){ .seed = i + 1 };
      memcpy (wanderers[i].buckets, buckets, sizeof buckets);
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
    tally_bucket_unref (buckets[i]);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_02_the_oldest_idle_connection_makes_room),
    TEST (rule_02_one_goes_for_one_that_comes),
    TEST (rule_02_a_busy_connection_is_never_evicted),
    TEST (rule_02_idle_connections_over_all_endpoints),
    TEST (rule_02_the_total_holds_under_any_interleaving),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
