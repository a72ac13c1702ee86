/* Rules 2, 3, 16 and 18 where the limits over all endpoints meet what is dialed in the background, or
 * anew. */
#include "lab.h"
#include "bucket-private.h"

static TallyPoolSnapshot
sum_of (Lab *lab)
{
  TallyPoolSnapshot now;

  tally_pool_snapshot (lab->pool, &now);
  return now;
}

static gboolean
is_at_rest (const TallyPoolSnapshot *now)
{
  return now->dialing == 0 && now->closing == 0;
}

/* Two endpoints want more kept ready than may be idle: what cannot stay is not dialed. */
static void
rule_16_no_refill_that_could_not_stay (void)
{
  g_autoptr (Lab) lab = lab_new ("max-idle-total", 2, "min-idle", 3, "idle-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyPoolSnapshot now;
  TallyLease lease = lab_borrow (lab);
  guint rests = 0;

  lab_release (lab, &lease);
  tally_bucket_warm (lab->bucket, 20);
  tally_bucket_warm (one, 20);
  while (rests < 2000 && (now = sum_of (lab)).dials_started < 100)
    {
      rests = is_at_rest (&now) && now.idle == 2 ? rests + 1 : 0;
      g_thread_yield ();
    }
  CU_ASSERT_TRUE (now.dials_started < 20);
  assert_int (now.idle, 2);
  assert_sums (&now);
}

/* The place that comes free elsewhere goes to the endpoint that was denied its refill. */
static void
rule_16_a_refill_that_was_denied_comes_later (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 3, "idle-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease lease = { 0 }, a = lab_borrow (lab), b = lab_borrow (lab);
  TallyPoolSnapshot seen;
  gint64 end = g_get_monotonic_time () + LAB_PATIENCE;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (one, "test", -1, NULL, &lease, NULL));
  g_object_set (lab->pool, "min-idle", 1, NULL); /* there is no room for either */
  assert_int (sum_of (lab).open, 3);
  lab_break (lab, &a);
  lab_await (lab, now.idle == 1);
  lab_break (lab, &b);
  do
    tally_bucket_snapshot (one, &seen);
  while (seen.idle < 1 && g_get_monotonic_time () < end);
  assert_int (seen.idle, 1);
  assert_int (lab_snapshot (lab).idle, 1);
  tally_bucket_release (one, &lease, TALLY_OUTCOME_CLEAN);
}

/* A borrower does not wait for the end of a dial that another endpoint has in the background, also
 * where it may not wait at all. */
static void
rule_16_a_refill_gives_way_to_a_borrower_elsewhere (void)
{
  static const gint waits_ms[] = { -1, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (waits_ms); i++)
    {
      g_autoptr (Lab) lab = lab_new ("max-open-total", 1, "wait-timeout", waits_ms[i], NULL);
      g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
      Borrower borrower = { 0 };

      lab_gate (lab, TRUE);
      tally_bucket_warm (one, 1);
      lab_wait_at_gate (lab, 1);
      borrower_start (&borrower, lab, "borrower");
      lab_await (lab, now.dialing == 1); /* in whose place */
      lab_let_dial (lab, 1);
      CU_ASSERT_TRUE (borrower_join (&borrower));
      assert_no_error (borrower.error);
      lab_release (lab, &borrower.lease);
      assert_int (sum_of (lab).dials_failed, 1);
      assert_int (lab_snapshot (lab).dials_failed, 0);
      lab_gate (lab, FALSE);
    }
}

/* One dial is given up for one borrower, and none where an idle connection can go. */
static void
rule_16_no_refill_gives_way_in_vain (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 3, "idle-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease idle = { 0 };
  Borrower first = { 0 }, second = { 0 };

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (one, "test", -1, NULL, &idle, NULL));
  tally_bucket_release (one, &idle, TALLY_OUTCOME_CLEAN);
  lab_gate (lab, TRUE);
  tally_bucket_warm (one, 3);
  lab_wait_at_gate (lab, 2);
  borrower_start (&first, lab, "first");
  lab_await (lab, now.dialing == 1);
  assert_int (sum_of (lab).closes[TALLY_CLOSE_EVICTED], 1);
  assert_int (sum_of (lab).dials_failed, 0);
  borrower_start (&second, lab, "second");
  lab_await (lab, now.dialing == 2);
  assert_int (sum_of (lab).dials_failed, 1);
  assert_int (sum_of (lab).dialing, 3);
  lab_gate (lab, FALSE);
  CU_ASSERT_TRUE (borrower_join (&first));
  CU_ASSERT_TRUE (borrower_join (&second));
  lab_release (lab, &first.lease);
  lab_release (lab, &second.lease);
}

/* No thread finds a closed bucket, which may be freed, in a queue. */
static void
rule_19_a_closed_endpoint_waits_for_nothing (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, "min-idle", 1, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyPoolCore *core = lab->bucket->core;
  TallyLease lease = lab_borrow (lab); /* its refill is denied */
  TallyLease none = { 0 };

  CU_ASSERT_FALSE (
      tally_bucket_borrow (one, "test", g_get_monotonic_time () + 1000, NULL, &none, NULL));
  CU_ASSERT_TRUE (__atomic_load_n (&core->n_denied, __ATOMIC_SEQ_CST) > 0);
  g_object_set (lab->pool, "drain-timeout", 0, NULL);
  tally_pool_close (lab->pool);
  pthread_mutex_lock (&core->totals_lock);
  assert_int (core->denied.length + core->held_back.length, 0);
  pthread_mutex_unlock (&core->totals_lock);
  lab_release (lab, &lease);
}

/* A waiter that wants a fresh connection is first, and the one that comes back must close for
 * it. */
static void
rule_03_a_fresh_borrower_is_not_overtaken_in_total (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower fresh = { .fresh = TRUE }, behind = { 0 };
  TallyPoolSnapshot seen;

  borrower_start (&fresh, lab, "fresh");
  lab_await (lab, now.waiting == 1);
  borrower_start (&behind, lab, "behind");
  lab_await (lab, now.waiting == 2);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&fresh));
  CU_ASSERT_FALSE (fresh.lease.reused);
  assert_int (lab_snapshot (lab).waiting, 1);
  lab_release (lab, &fresh.lease);
  CU_ASSERT_TRUE (borrower_join (&behind));
  CU_ASSERT_TRUE (behind.lease.reused);
  lab_release (lab, &behind.lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_EVICTED], 1);
  assert_sums (&seen);
}

/* Two borrowers come at once that may not wait, and for each an idle connection elsewhere can
 * close. */
static void
rule_02_each_newcomer_may_have_one_evicted (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 2, "wait-timeout", 0, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  Borrower newcomers[2] = { { 0 }, { 0 } };
  gint gate = 0;
  TallyLease a = { 0 }, b = { 0 };

  tally_pool_set_dial_hook (lab->pool, lab_dial_slow_closer, &gate, NULL);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (one, "test", -1, NULL, &a, NULL));
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (one, "test", -1, NULL, &b, NULL));
  tally_bucket_release (one, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (one, &b, TALLY_OUTCOME_CLEAN);
  borrower_start (&newcomers[0], lab, "first");
  while (sum_of (lab).closing < 1)
    g_thread_yield ();
  borrower_start (&newcomers[1], lab, "second");
  while (sum_of (lab).closing < 2 && !__atomic_load_n (&newcomers[1].returned, __ATOMIC_ACQUIRE))
    g_thread_yield ();
  assert_int (sum_of (lab).closing, 2);
  gate_open (&gate);
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT_TRUE (borrower_join (&newcomers[i]));
      lab_release (lab, &newcomers[i].lease);
    }
}

static void
rule_18_raising_the_total_serves_at_once (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, NULL);
  g_autoptr (TallyBucket) one = lab_other_bucket (lab, "unix:///one");
  TallyLease lease = { 0 };
  Borrower waiter = { 0 };

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (one, "test", -1, NULL, &lease, NULL));
  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  g_object_set (lab->pool, "max-open-total", 2, NULL);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &waiter.lease);
  tally_bucket_release (one, &lease, TALLY_OUTCOME_CLEAN);
}

/* Cancelled while only the total holds it back, and while it waits for a fresh connection. */
static void
rule_04_cancelled_where_the_total_holds_back (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open-total", 1, NULL);
  TallyLease lease = lab_borrow (lab);

  for (guint fresh = 0; fresh < 2; fresh++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Borrower waiter = { .cancellable = cancellable, .fresh = fresh };

      borrower_start (&waiter, lab, "waiter");
      lab_await (lab, now.waiting == 1);
      g_cancellable_cancel (cancellable);
      CU_ASSERT_FALSE (borrower_join (&waiter));
      assert_error (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
      g_clear_error (&waiter.error);
    }
  lab_release (lab, &lease);
  assert_int (lab_snapshot (lab).idle, 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_16_no_refill_that_could_not_stay),
    TEST (rule_16_a_refill_that_was_denied_comes_later),
    TEST (rule_16_a_refill_gives_way_to_a_borrower_elsewhere),
    TEST (rule_16_no_refill_gives_way_in_vain),
    TEST (rule_19_a_closed_endpoint_waits_for_nothing),
    TEST (rule_03_a_fresh_borrower_is_not_overtaken_in_total),
    TEST (rule_02_each_newcomer_may_have_one_evicted),
    TEST (rule_18_raising_the_total_serves_at_once),
    TEST (rule_04_cancelled_where_the_total_holds_back),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
