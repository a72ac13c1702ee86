/* Rules 25, 28 and 30: what a pool tells of itself. The error of a full pool is in
 * test-rules-life.c. */
#include "lab.h"
#include "policy/policy-parts-private.h"

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

/* Of each bin the least and the greatest time, and no other's. */
static void
rule_25_bins_begin_where_they_say (void)
{
  for (guint bin = 0; bin < TALLY_HISTOGRAM_BINS; bin++)
    {
      TallyHistogram histogram = { 0 };

      tally_histogram_add (&histogram, tally_histogram_get_bin_start (bin));
      tally_histogram_add (&histogram, tally_histogram_get_bin_start (bin + 1) - 1);
      assert_int (histogram.bins[bin], 2);
    }
}

static void
rule_25_waits_are_measured (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Borrower patient = { .cancellable = cancellable };
  Borrower hasty = { 0 };
  TallyPoolSnapshot seen;
  guint64 before;

  borrower_start (&patient, lab, "patient");
  lab_await (lab, now.waiting == 1 && now.oldest_wait > 0);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (borrower_join (&patient));
  g_clear_error (&patient.error);
  seen = lab_snapshot (lab);
  assert_int (seen.wait_time.count, 1);
  CU_ASSERT_TRUE (seen.wait_time.sum > 0);
  assert_int (seen.oldest_wait, 0);
  before = seen.wait_time.sum;
  hasty.deadline = g_get_monotonic_time () + 5000;
  borrower_start (&hasty, lab, "hasty");
  CU_ASSERT_FALSE (borrower_join (&hasty));
  g_clear_error (&hasty.error);
  seen = lab_snapshot (lab);
  assert_int (seen.timeouts, 1);
  assert_int (seen.wait_time.count, 2);
  CU_ASSERT_TRUE (seen.wait_time.sum > before);
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

/* Whether @dump has a line of @what, and for how long. */
static gboolean
tells_time_of (const gchar *dump, const gchar *what)
{
  g_autofree gchar *beginning = g_strconcat (what, " for ", NULL);
  const gchar *line = strstr (dump, beginning);

  return line != NULL && g_ascii_isdigit (line[strlen (beginning)]);
}

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
      CU_ASSERT_TRUE (tells_time_of (dump, "busy: \"getUser\""));
      CU_ASSERT_TRUE (tells_time_of (dump, "busy: \"putUser\""));
      CU_ASSERT_TRUE (tells_time_of (dump, "waiting: \"patient\""));
      lab_release (lab, &a);
      CU_ASSERT_TRUE (borrower_join (&waiter));
      lab_release (lab, &b);
      lab_release (lab, &waiter.lease);
    }
}

/* The one entry of @kind; its label is @label (nullable). */
static const TallyPoolEntry *
find_entry (GPtrArray *entries, TallyPoolEntryKind kind, const gchar *label)
{
  const TallyPoolEntry *found = NULL;

  for (guint i = 0; i < entries->len; i++)
    {
      const TallyPoolEntry *entry = g_ptr_array_index (entries, i);

      if (entry->kind == kind && g_strcmp0 (entry->label, label) == 0)
        found = entry;
    }
  CU_ASSERT_PTR_NOT_NULL_FATAL (found);
  return found;
}

static void
rule_30_entries_are_the_dump_as_values (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  g_autoptr (GPtrArray) full = NULL;
  g_autoptr (GPtrArray) idle = NULL;
  Borrower waiter = { 0 };
  TallyLease a, b;

  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "getUser", -1, NULL, &a, NULL));
  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, NULL, -1, NULL, &b, NULL));
  borrower_start (&waiter, lab, "patient");
  lab_await (lab, now.waiting == 1);
  full = tally_bucket_dup_entries (lab->bucket);
  assert_int (full->len, 3);
  assert_int (find_entry (full, TALLY_POOL_ENTRY_BUSY, "getUser")->thread, gettid ());
  CU_ASSERT_TRUE (find_entry (full, TALLY_POOL_ENTRY_BUSY, "?")->duration >= 0);
  CU_ASSERT_TRUE (find_entry (full, TALLY_POOL_ENTRY_WAITING, "patient")->thread
                  != (guint) gettid ());
  lab_release (lab, &a);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &b);
  lab_release (lab, &waiter.lease);
  idle = tally_bucket_dup_entries (lab->bucket);
  assert_int (idle->len, 2);
  CU_ASSERT_FALSE (find_entry (idle, TALLY_POOL_ENTRY_IDLE, NULL)->is_leaked);
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

/* ---- rule 32 ---- */

/* TallyPoolSnapshot as programs have it that were compiled against 0.1. */
typedef struct
{
  guint gauges[8];
  gint64 oldest_wait;
  guint64 counters[16];
  guint64 closes[13];
  guint64 leaks;
  guint64 refused;
  guint64 late_replies;
  struct
  {
    guint64 count;
    guint64 sum;
    guint64 max;
    guint64 bins[64];
  } wait_time, dial_time, hold_time;
} Snapshot01;

G_STATIC_ASSERT (TALLY_N_CLOSE_REASONS == 13);
G_STATIC_ASSERT (G_STRUCT_OFFSET (TallyPoolSnapshot, requests)
                 == G_STRUCT_OFFSET (Snapshot01, counters));
G_STATIC_ASSERT (G_STRUCT_OFFSET (TallyPoolSnapshot, closes)
                 == G_STRUCT_OFFSET (Snapshot01, closes));
G_STATIC_ASSERT (G_STRUCT_OFFSET (TallyPoolSnapshot, late_replies)
                 == G_STRUCT_OFFSET (Snapshot01, late_replies));
G_STATIC_ASSERT (G_STRUCT_OFFSET (TallyPoolSnapshot, hold_time)
                 == G_STRUCT_OFFSET (Snapshot01, hold_time));

/* With room for more than is looked at. */
typedef union
{
  Snapshot01 old;
  TallyPoolSnapshot now;
  struct
  {
    TallyPoolSnapshot known;
    guint64 unknown[4];
  } later;
  guint8 bytes[2 * sizeof (TallyPoolSnapshot)];
} AnySnapshot;

static gboolean
is_untouched (const AnySnapshot *snapshot, gsize from)
{
  gsize i = from;

  while (i < sizeof snapshot->bytes && snapshot->bytes[i] == 0xaa)
    i++;
  return i == sizeof snapshot->bytes;
}

/* A program that was compiled before the struct grew gets what there was then, and nothing behind that is
 * written to. One that was compiled for a larger struct gets 0 for what this library does not know. */
static void
rule_32_a_snapshot_may_grow (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  AnySnapshot seen;

  lab_fill (lab, 3);
  for (guint of_pool = 0; of_pool < 2; of_pool++)
    {
      memset (&seen, 0xaa, sizeof seen);
      if (of_pool)
        (tally_pool_snapshot) (lab->pool, &seen.now);
      else
        (tally_bucket_snapshot) (lab->bucket, &seen.now);
      assert_int (seen.old.gauges[1], 3);
      assert_int (seen.old.hold_time.count, 3);
      CU_ASSERT_TRUE (is_untouched (&seen, sizeof (Snapshot01)));
      memset (&seen, 0xaa, sizeof seen);
      if (of_pool)
        tally_pool_snapshot_sized (lab->pool, &seen.now, sizeof seen.later);
      else
        tally_bucket_snapshot_sized (lab->bucket, &seen.now, sizeof seen.later);
      assert_int (seen.later.known.idle, 3);
      assert_int (seen.later.known.estimates, 0);
      for (guint i = 0; i < G_N_ELEMENTS (seen.later.unknown); i++)
        assert_int (seen.later.unknown[i], 0);
      CU_ASSERT_TRUE (is_untouched (&seen, sizeof seen.later));
    }
}

static void
rule_32_buckets_are_listed (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (TallyBucket) other = lab_other_bucket (lab, "unix:///other");
  g_autoptr (GPtrArray) buckets = NULL;
  guint idle = 0;
  guint known = 0;

  lab_fill (lab, 2);
  buckets = tally_pool_dup_buckets (lab->pool);
  assert_int (buckets->len, 2);
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyEndpoint *endpoint = tally_bucket_get_endpoint (bucket);
      TallyPoolSnapshot seen;

      tally_bucket_snapshot (bucket, &seen);
      idle += seen.idle;
      known += tally_endpoint_equal (endpoint, lab->endpoint) && seen.idle == 2;
      known += strcmp (tally_endpoint_get_uri (endpoint), "unix:///other") == 0 && seen.idle == 0;
    }
  assert_int (idle, 2);
  assert_int (known, 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_25_the_sums_add_up_at_every_instant),
    TEST (rule_25_histograms),
    TEST (rule_25_bins_begin_where_they_say),
    TEST (rule_25_waits_are_measured),
    TEST (rule_25_dials_and_holds_are_measured),
    TEST (rule_28_max_waiters),
    TEST (rule_30_a_dump_says_who_holds_what),
    TEST (rule_30_entries_are_the_dump_as_values),
    TEST (rule_30_a_dump_names_the_thread),
    TEST (rule_32_a_snapshot_may_grow),
    TEST (rule_32_buckets_are_listed),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
