/* Rule 24, the pool's side of it: which connection carries whose lease where connections are
 * shared. What travels there is the runtime's (tests/runtime/test-shared.c). */
#include "lab.h"
#include "peer.h"
#include "tls-relay-socket.h"

#include <string.h>
#include <unistd.h>

static void
rule_24_a_full_connection_means_the_next (void)
{
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 2, "max-open", 2, NULL);
  TallyLease a = lab_borrow (lab), b = lab_borrow (lab), c = lab_borrow (lab), d = lab_borrow (lab);
  Borrower waiter = { 0 };
  TallyPoolSnapshot seen;

  CU_ASSERT_PTR_EQUAL (a.transport, b.transport);
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, c.transport);
  CU_ASSERT_PTR_EQUAL (c.transport, d.transport);
  seen = lab_snapshot (lab);
  assert_int (seen.busy, 2);
  assert_int (seen.leases, 4);
  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  lab_release (lab, &b);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_PTR_EQUAL (waiter.lease.transport, a.transport);
  /* A borrower that finds it broken takes no other lease away; it closes after the last. */
  lab_break (lab, &a);
  seen = lab_snapshot (lab);
  assert_int (seen.busy, 2);
  lab_release (lab, &waiter.lease);
  seen = lab_snapshot (lab);
  assert_int (seen.busy, 1);
  assert_int (seen.closes[TALLY_CLOSE_BROKEN], 1);
  lab_release (lab, &c);
  lab_release (lab, &d);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
}

/* However many come while the first dials, no second dial is begun. */
static void
rule_24_one_dial_serves_all_who_come_meanwhile (void)
{
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 10, NULL);
  Borrower borrowers[10] = { 0 };

  lab_gate (lab, TRUE);
  for (guint i = 0; i < 10; i++)
    borrower_start (&borrowers[i], lab, "stream");
  lab_await (lab, now.pending == 10);
  assert_int (lab_snapshot (lab).dialing, 1);
  lab_let_dial (lab, 1);
  for (guint i = 0; i < 10; i++)
    {
      CU_ASSERT_TRUE (borrower_join (&borrowers[i]));
      CU_ASSERT_TRUE (borrowers[i].lease.shared);
      assert_int (lab_index_of (lab, &borrowers[i].lease), 0);
    }
  assert_int (lab_snapshot (lab).dials_started, 1);
  for (guint i = 0; i < 10; i++)
    lab_release (lab, &borrowers[i].lease);
}

/* As in the test above, on the borrowers' own threads and with the pool's own dialer. */
static void
rule_24_one_dial_also_where_borrowers_dial_themselves (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autofree gchar *uri = server_dup_uri (server, "127.0.0.1", "?mode=shared");
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  Lab lab = { .pool = pool, .bucket = tally_pool_dup_bucket (pool, endpoint) };
  Borrower borrowers[20] = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 20; i++)
    borrower_start (&borrowers[i], &lab, "stream");
  for (guint i = 0; i < 20; i++)
    CU_ASSERT_TRUE (borrower_join (&borrowers[i]));
  for (guint i = 0; i < 20; i++)
    tally_bucket_release (lab.bucket, &borrowers[i].lease, TALLY_OUTCOME_CLEAN);
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.dials_started, 1);
  assert_int (seen.borrows, 20);
  tally_pool_close (pool);
  tally_bucket_unref (lab.bucket);
}

/* ---- examining ---- */

/* A check that the test lets go on, and counts. */
typedef struct
{
  pthread_mutex_t lock; /* protects what follows */
  pthread_cond_t changed;
  guint begun;
  guint verdicts; /* that were given */
  gboolean verdict;
} Examination;

static gboolean
examine (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  Examination *self = user_data;
  gboolean verdict;

  pthread_mutex_lock (&self->lock);
  self->begun++;
  pthread_cond_broadcast (&self->changed);
  while (self->verdicts < self->begun)
    pthread_cond_wait (&self->changed, &self->lock);
  verdict = self->verdict;
  pthread_mutex_unlock (&self->lock);
  return verdict;
}

static void
wait_until_begun (Examination *self, guint count)
{
  pthread_mutex_lock (&self->lock);
  while (self->begun < count)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

static void
give_verdict (Examination *self, gboolean verdict)
{
  pthread_mutex_lock (&self->lock);
  self->verdict = verdict;
  self->verdicts++;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* A borrower that comes while an idle connection is examined waits for the result and dials no
 * other. */
static void
rule_24_others_wait_for_the_first_ones_check (void)
{
  for (guint alive = 0; alive < 2; alive++)
    {
      Examination examination = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER };
      g_autoptr (Lab) lab = lab_new ("streams-per-connection", 10, NULL);
      Borrower first = { 0 }, second = { 0 };

      tally_pool_set_check_hook (lab->pool, examine, &examination, NULL);
      lab_fill (lab, 1);
      borrower_start (&first, lab, "first");
      wait_until_begun (&examination, 1);
      borrower_start (&second, lab, "second");
      lab_await (lab, now.waiting == 1);
      assert_int (lab_snapshot (lab).open, 1);
      give_verdict (&examination, alive == 1);
      CU_ASSERT_TRUE (borrower_join (&first));
      CU_ASSERT_TRUE (borrower_join (&second));
      CU_ASSERT_PTR_EQUAL (first.lease.transport, second.lease.transport);
      assert_int (lab_index_of (lab, &second.lease), alive == 1 ? 0 : 1);
      assert_int (examination.begun, 1);
      lab_release (lab, &first.lease);
      lab_release (lab, &second.lease);
    }
}

/* What arrives on a connection in use is its users', not a sign that it is unclean. */
static void
rule_24_a_connection_in_use_is_not_examined (void)
{
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 10, NULL);
  TallyLease a = lab_borrow (lab), b;

  CU_ASSERT_TRUE (test_write_all (lab_peer (lab, 0), "reply", 5));
  b = lab_borrow (lab);
  CU_ASSERT_PTR_EQUAL (a.transport, b.transport);
  lab_release (lab, &b);
  CU_ASSERT_TRUE (tally_socket_fill (TALLY_SOCKET (a.transport), 5, NULL));
  tally_socket_consume (TALLY_SOCKET (a.transport), 5);
  lab_release (lab, &a);
  assert_int (lab_snapshot (lab).idle, 1);
}

/* ---- options ---- */

static void
rule_24_mode_shared_shares_whatever_the_pool_says (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("unix:///laboratory?mode=shared", NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (lab->pool, endpoint);
  TallyLease alone = lab_borrow (lab), a, b;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "a", -1, NULL, &a, NULL));
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "b", -1, NULL, &b, NULL));
  CU_ASSERT_FALSE (alone.shared);
  CU_ASSERT_TRUE (a.shared);
  CU_ASSERT_PTR_EQUAL (a.transport, b.transport);
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, alone.transport);
  tally_bucket_release (bucket, &a, TALLY_OUTCOME_CLEAN);
  tally_bucket_release (bucket, &b, TALLY_OUTCOME_CLEAN);
  lab_release (lab, &alone);
}

/* A connection keeps what it was dialed for: its first borrower does not know of others. */
static void
rule_24_a_connection_for_one_is_never_shared (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease a = lab_borrow (lab), b, c, d;

  g_object_set (lab->pool, "streams-per-connection", 10, NULL);
  b = lab_borrow (lab);
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, b.transport);
  CU_ASSERT_FALSE (a.shared);
  CU_ASSERT_TRUE (b.shared);
  d = lab_borrow (lab);
  CU_ASSERT_PTR_EQUAL (d.transport, b.transport);
  lab_release (lab, &a);
  g_object_set (lab->pool, "streams-per-connection", 1, "order", TALLY_POOL_ORDER_FIFO, NULL);
  c = lab_borrow (lab);
  CU_ASSERT_PTR_NOT_EQUAL (c.transport, b.transport); /* which has more than one already */
  CU_ASSERT_FALSE (c.shared);
  lab_release (lab, &b);
  assert_int (lab_snapshot (lab).busy, 2); /* d's borrower is still there */
  lab_release (lab, &d);
  assert_int (lab_snapshot (lab).busy, 1);
  lab_release (lab, &c);
}

/* Those whose connection failed go on together: a dial since then is fresh enough for all. */
static void
rule_24_a_dial_since_the_failure_is_fresh_enough (void)
{
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 10, NULL);
  gint64 failed_at;
  TallyLease old = lab_borrow (lab), a, b, c;

  failed_at = g_get_monotonic_time () + 1;
  while (g_get_monotonic_time () <= failed_at)
    continue;
  CU_ASSERT_TRUE_FATAL (
      tally_bucket_borrow_dialed_since (lab->bucket, "a", failed_at, -1, NULL, &a, NULL));
  CU_ASSERT_TRUE_FATAL (
      tally_bucket_borrow_dialed_since (lab->bucket, "b", failed_at, -1, NULL, &b, NULL));
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, old.transport);
  CU_ASSERT_PTR_EQUAL (a.transport, b.transport);
  lab_release (lab, &a);
  lab_release (lab, &b);
  CU_ASSERT_TRUE_FATAL (
      tally_bucket_borrow_dialed_since (lab->bucket, "c", failed_at, -1, NULL, &c, NULL));
  assert_int (lab_index_of (lab, &c), 1); /* idle by now */
  lab_release (lab, &c);
  lab_release (lab, &old);
}

static void
rule_24_late_replies_are_counted (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);

  tally_bucket_count_late_replies (lab->bucket, 2);
  tally_bucket_count_late_replies (lab->bucket, 1);
  assert_int (lab_snapshot (lab).late_replies, 3);
}

static void
count_leak (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  if (event->kind == TALLY_POOL_EVENT_LEAKED)
    __atomic_add_fetch ((guint *) user_data, 1, __ATOMIC_SEQ_CST);
}

static GLogWriterOutput
log_nothing (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  return G_LOG_WRITER_HANDLED;
}

/* Every lease on a connection is somebody's: each is in the dump, and each that is forgotten is
 * warned of (rules 21 and 30). */
static void
rule_24_each_lease_is_accounted_for (void)
{
  static const gchar *const labels[] = { "first", "second", "third" };
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 3, "leak-threshold", 1, NULL);
  g_autofree gchar *dump = NULL;
  gint64 end = g_get_monotonic_time () + LAB_PATIENCE;
  TallyLease leases[3];
  guint leaks = 0;

  g_signal_connect (lab->pool, "event", G_CALLBACK (count_leak), &leaks);
  for (guint i = 0; i < 3; i++)
    CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, labels[i], -1, NULL, &leases[i], NULL));
  assert_int (lab_snapshot (lab).open, 1);
  while (__atomic_load_n (&leaks, __ATOMIC_SEQ_CST) < 3 && g_get_monotonic_time () < end)
    g_thread_yield ();
  assert_int (__atomic_load_n (&leaks, __ATOMIC_SEQ_CST), 3);
  dump = tally_pool_dump (lab->pool);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *line = g_strdup_printf ("busy: \"%s\" for", labels[i]);

      CU_ASSERT_PTR_NOT_NULL (strstr (dump, line));
      lab_release (lab, &leases[i]);
    }
  tally_pool_close (lab->pool);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_a_full_connection_means_the_next),
    TEST (rule_24_one_dial_serves_all_who_come_meanwhile),
    TEST (rule_24_one_dial_also_where_borrowers_dial_themselves),
    TEST (rule_24_others_wait_for_the_first_ones_check),
    TEST (rule_24_a_connection_in_use_is_not_examined),
    TEST (rule_24_mode_shared_shares_whatever_the_pool_says),
    TEST (rule_24_a_connection_for_one_is_never_shared),
    TEST (rule_24_a_dial_since_the_failure_is_fresh_enough),
    TEST (rule_24_late_replies_are_counted),
    TEST (rule_24_each_lease_is_accounted_for),
    { NULL, NULL },
  };

  g_log_set_writer_func (log_nothing, NULL, NULL);
  return test_main ("pool", cases, argc, argv);
}
