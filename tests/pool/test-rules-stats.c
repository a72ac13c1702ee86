/* Rules 25, 28 and 30: what a pool tells of itself. The error of a full pool is in
 * test-rules-life.c. */
#include "lab.h"

#include <string.h>

/* ---- rule 25 ---- */

static gpointer
churn (gpointer data)
{
  Lab *lab = data;

  for (guint i = 0; i < 3000; i++)
    {
      TallyLease lease = { 0 };
      gint64 deadline = i % 3 == 0 ? g_get_monotonic_time () + 50 : -1;

      if (tally_bucket_borrow (lab->bucket, "churn", deadline, NULL, &lease, NULL))
        tally_bucket_release (lab->bucket, &lease,
                              i % 7 == 0 ? TALLY_OUTCOME_BROKEN : TALLY_OUTCOME_CLEAN);
    }
  return NULL;
}

static void
rule_25_the_sums_add_up_at_every_instant (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 3, "check", TALLY_POOL_CHECK_NEVER, NULL);
  pthread_t threads[6];
  TallyPoolSnapshot seen;

  lab->forget_peers = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_create (&threads[i], NULL, churn, lab);
  for (guint i = 0; i < 3000; i++)
    {
      tally_pool_snapshot (lab->pool, &seen);
      assert_sums (&seen);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
  assert_int (seen.requests, 18000);
  assert_int (seen.pending, 0);
}

static void
rule_25_histograms (void)
{
  TallyHistogram histogram = { 0 };

  assert_int (tally_histogram_quantile (&histogram, 0.5), 0);
  for (guint i = 0; i <= 1000; i++)
    tally_histogram_add (&histogram, i);
  assert_int (histogram.count, 1001);
  assert_int (histogram.sum, 500500);
  assert_int (histogram.max, 1000);
  CU_ASSERT_TRUE (tally_histogram_quantile (&histogram, 0.5) >= 500);
  CU_ASSERT_TRUE (tally_histogram_quantile (&histogram, 0.5) <= 750);
  assert_int (tally_histogram_quantile (&histogram, 1), 1000);
  tally_histogram_add (&histogram, G_MAXINT64);
  assert_int (tally_histogram_quantile (&histogram, 1), G_MAXINT64);
}

static void
rule_25_waits_are_measured (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower waiter = { .deadline = g_get_monotonic_time () + 300000 };
  TallyPoolSnapshot seen;

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1 && now.oldest_wait > 0);
  CU_ASSERT_FALSE (borrower_join (&waiter));
  g_clear_error (&waiter.error);
  seen = lab_snapshot (lab);
  assert_int (seen.timeouts, 1);
  assert_int (seen.wait_time.count, 1);
  CU_ASSERT_TRUE (seen.wait_time.sum > 0);
  assert_int (seen.oldest_wait, 0);
  lab_release (lab, &lease);
}

/* Dials and holds of two milliseconds and more. */
static void
rule_25_dials_and_holds_are_measured (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  Borrower borrower = { 0 };
  TallyPoolSnapshot seen;

  lab_gate (lab, TRUE);
  borrower_start (&borrower, lab, "slow");
  lab_wait_at_gate (lab, 1);
  lab_let_time_pass (2000);
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&borrower));
  lab_let_time_pass (3000);
  lab_release (lab, &borrower.lease);
  seen = lab_snapshot (lab);
  assert_int (seen.dial_time.count, 1);
  CU_ASSERT_TRUE (seen.dial_time.sum >= 2000 && seen.dial_time.max == seen.dial_time.sum);
  assert_int (seen.hold_time.count, 1);
  CU_ASSERT_TRUE (seen.hold_time.sum >= 3000 && seen.hold_time.max == seen.hold_time.sum);
  CU_ASSERT_TRUE (tally_histogram_quantile (&seen.hold_time, 0.5) >= 3000);
  assert_int (seen.wait_time.count, 0); /* its dial began at once */
}

/* ---- rule 28 ---- */

static void
rule_28_max_waiters (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, "max-waiters", 1, NULL);
  g_autoptr (GError) error = NULL;
  TallyLease lease = lab_borrow (lab), other = { 0 };
  Borrower waiter = { 0 };

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "one too many", -1, NULL, &other, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "1 waiting");
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &waiter.lease);
}

/* ---- rule 30 ---- */

/* Of connections that were dialed for their borrowers, and of those that were idle. */
static void
rule_30_a_dump_says_who_holds_what (void)
{
  for (guint reused = 0; reused < 2; reused++)
    {
      g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
      g_autofree gchar *dump = NULL;
      TallyLease a, b;
      Borrower waiter = { 0 };

      lab_fill (lab, reused ? 2 : 0);
      CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "getUser", -1, NULL, &a, NULL));
      CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "putUser", -1, NULL, &b, NULL));
      borrower_start (&waiter, lab, "patient");
      lab_await (lab, now.waiting == 1);
      dump = tally_pool_dump (lab->pool);
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "unix:///laboratory"));
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "busy: \"getUser\" for 0."));
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "busy: \"putUser\" for 0."));
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "waiting: \"patient\" for 0."));
      lab_release (lab, &a);
      CU_ASSERT_TRUE (borrower_join (&waiter));
      lab_release (lab, &b);
      lab_release (lab, &waiter.lease);
    }
}

/* The thread that has it now, not the one that had it dialed. */
static void
rule_30_a_dump_names_the_thread (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autofree gchar *own = g_strdup_printf ("thread %d", gettid ());
  g_autofree gchar *others = NULL, *ours = NULL;
  Borrower other = { 0 };
  TallyLease lease;

  lab_fill (lab, 1);
  borrower_start (&other, lab, "getUser");
  CU_ASSERT_TRUE (borrower_join (&other));
  CU_ASSERT_TRUE (other.lease.reused);
  others = tally_pool_dump (lab->pool);
  CU_ASSERT_PTR_NULL (strstr (others, own));
  lab_release (lab, &other.lease);
  lease = lab_borrow (lab);
  ours = tally_pool_dump (lab->pool);
  CU_ASSERT_PTR_NOT_NULL (strstr (ours, own));
  lab_release (lab, &lease);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_25_the_sums_add_up_at_every_instant),
    TEST (rule_25_histograms),
    TEST (rule_25_waits_are_measured),
    TEST (rule_25_dials_and_holds_are_measured),
    TEST (rule_28_max_waiters),
    TEST (rule_30_a_dump_says_who_holds_what),
    TEST (rule_30_a_dump_names_the_thread),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
