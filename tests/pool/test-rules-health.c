/* Rules 10 to 14 and 23: what a connection must be to serve again. On real sockets. */
#include "lab.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- rule 10 ---- */

static void
rule_10_a_fin_before_the_borrow_is_noticed (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, 1);
  lab_close_peer (lab, 0);
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (lease.reused);
  assert_int (lab_index_of (lab, &lease), 1);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
  assert_int (seen.stale, 1);
  assert_sums (&seen);
}

/* Over TCP, where a peer can reset. */
static void
rule_10_a_rst_before_the_borrow_is_noticed (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease lease = { 0 };
  TallyPoolSnapshot seen;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  server_accept (server);
  server_reset_all (server);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
  CU_ASSERT_FALSE (lease.reused);
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  tally_bucket_snapshot (bucket, &seen);
  assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
  tally_pool_close (pool);
}

/* A connection handed from one borrower to the next is examined too; who gets a dead one keeps its
 * place. */
static void
rule_10_also_on_hand_off (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower first = { 0 }, second = { 0 };

  borrower_start (&first, lab, "first");
  lab_await (lab, now.waiting == 1);
  borrower_start (&second, lab, "second");
  lab_await (lab, now.waiting == 2);
  lab_close_peer (lab, 0);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&first));
  CU_ASSERT_FALSE (first.lease.reused);
  assert_int (lab_index_of (lab, &first.lease), 1);
  lab_release (lab, &first.lease);
  CU_ASSERT_TRUE (borrower_join (&second));
  lab_release (lab, &second.lease);
}

/* ---- rule 11 ---- */

static void
rule_11_unread_bytes_at_borrow (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, 2);
  CU_ASSERT_EQUAL (write (lab_peer (lab, 1), "late reply", 10), 10);
  lease = lab_borrow (lab);
  assert_int (lab_index_of (lab, &lease), 0);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_UNREAD], 1);
  assert_int (seen.idle, 1);
}

static void
rule_11_unread_bytes_at_release (void)
{
  g_autoptr (Lab) lab = lab_new ("check", TALLY_POOL_CHECK_NEVER, NULL);
  TallyLease lease = lab_borrow (lab);
  TallyPoolSnapshot seen;

  CU_ASSERT_EQUAL (write (lab_peer (lab, 0), "reply and more", 14), 14);
  CU_ASSERT_TRUE (tally_socket_fill (TALLY_SOCKET (lease.transport), 5, NULL));
  tally_socket_consume (TALLY_SOCKET (lease.transport), 5);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_UNREAD], 1);
  assert_int (seen.idle, 0);
}

/* ---- rule 12: the pool's side of it; which outcome a call has is the call's ---- */

static void
rule_12_broken_is_closed_and_clean_is_kept (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease = lab_borrow (lab);
  TallyPoolSnapshot seen;

  lab_break (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.open, 0);
  assert_int (seen.closes[TALLY_CLOSE_BROKEN], 1);
  assert_int (lab_count_descriptors (lab), 0);
  lease = lab_borrow (lab);
  assert_int (lab_index_of (lab, &lease), 1);
  lab_release (lab, &lease);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_release (lab, &lease);
}

/* ---- rule 13: the pool's side of it, a connection for the one replay ---- */

static void
rule_13_a_fresh_connection_is_dialed_now (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  TallyLease lease = { 0 };
  TallyPoolSnapshot seen;

  lab_fill (lab, 2);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow_fresh (lab->bucket, "replay", -1, NULL, &lease, NULL));
  CU_ASSERT_FALSE (lease.reused);
  assert_int (lab_index_of (lab, &lease), 2);
  seen = lab_snapshot (lab);
  assert_int (seen.open, 2);
  assert_int (seen.closes[TALLY_CLOSE_EVICTED], 1);
  lab_release (lab, &lease);
}

/* Where all are busy it waits its turn, and the connection that comes back makes room for its own.
 */
static void
rule_13_a_fresh_connection_waits_its_turn (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower replay = { .fresh = TRUE }, later = { 0 };

  borrower_start (&replay, lab, "replay");
  lab_await (lab, now.waiting == 1);
  borrower_start (&later, lab, "later");
  lab_await (lab, now.waiting == 2);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&replay));
  assert_int (lab_index_of (lab, &replay.lease), 1);
  CU_ASSERT_FALSE (replay.lease.reused);
  lab_release (lab, &replay.lease);
  CU_ASSERT_TRUE (borrower_join (&later));
  CU_ASSERT_TRUE (later.lease.reused);
  lab_release (lab, &later.lease);
}

/* ---- rule 14 ---- */

#define K 8

/* Without any check the borrower finds out: its failure is the only one. */
static void
rule_14_a_restart_costs_one_borrow_at_most (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool =
      g_object_new (TALLY_TYPE_POOL, "check", TALLY_POOL_CHECK_NEVER, NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease leases[K] = { 0 };
  TallyPoolSnapshot seen;
  guint failed = 0;

  for (guint i = 0; i < K; i++)
    {
      CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &leases[i], NULL));
      server_accept (server);
    }
  for (guint i = 0; i < K; i++)
    tally_bucket_release (bucket, &leases[i], TALLY_OUTCOME_CLEAN);
  server_restart (server);
  for (guint i = 0; i < K; i++)
    {
      gboolean works;

      CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &leases[0], NULL));
      works = server_echoes (server, leases[0].transport);
      failed += !works;
      tally_bucket_release (bucket, &leases[0], works ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
    }
  assert_int (failed, 1);
  tally_bucket_snapshot (bucket, &seen);
  assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
  assert_int (seen.closes[TALLY_CLOSE_STALE], K - 1);
  tally_pool_close (pool);
}

/* With the check no borrow fails at all, and one look is enough for all K. */
static void
rule_14_the_first_proof_of_death_is_enough (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, K);
  for (guint i = 0; i < K; i++)
    lab_close_peer (lab, i);
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (lease.reused);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.stale, 1);
  assert_int (seen.closes[TALLY_CLOSE_STALE], K - 1);
}

/* So does what is out, and what was being dialed: when they come. */
static void
rule_14_no_connection_from_before_the_death_stays (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease busy = lab_borrow (lab), idle = lab_borrow (lab);
  Borrower late = { .deadline = g_get_monotonic_time () + G_TIME_SPAN_MILLISECOND };
  Borrower finder = { 0 };
  TallyPoolSnapshot seen;

  lab_gate (lab, TRUE);
  borrower_start (&late, lab, "late");
  CU_ASSERT_FALSE (borrower_join (&late)); /* its dial goes on */
  g_clear_error (&late.error);
  lab_wait_at_gate (lab, 1);
  lab_release (lab, &idle);
  lab_close_peer (lab, 1);
  borrower_start (&finder, lab, "finder");
  lab_await (lab, now.stale == 1);
  lab_gate (lab, FALSE);
  CU_ASSERT_TRUE (borrower_join (&finder));
  CU_ASSERT_FALSE (finder.lease.reused);
  lab_release (lab, &busy);
  lab_release (lab, &finder.lease);
  lab_await (lab, now.dialing == 0 && now.closing == 0);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
  assert_int (seen.closes[TALLY_CLOSE_STALE], 2);
  assert_int (seen.idle, 1);
  assert_sums (&seen);
}

/* ---- rule 23 ---- */

static gboolean
count_resets (ThriftTransport *transport, gpointer user_data)
{
  return ++*(guint *) user_data != 2;
}

static void
rule_23_what_a_borrower_set_is_reset (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  TallyLease lease = lab_borrow (lab);

  tally_socket_set_limits (TALLY_SOCKET (lease.transport), 1, cancellable);
  g_cancellable_cancel (cancellable);
  tally_buffer_append (tally_socket_get_output (TALLY_SOCKET (lease.transport)), "unsent", 6);
  lab_release (lab, &lease);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  assert_int (tally_socket_get_output (TALLY_SOCKET (lease.transport))->length, 0);
  CU_ASSERT_EQUAL (write (lab_peer (lab, 0), "x", 1), 1);
  CU_ASSERT_TRUE (tally_socket_fill (TALLY_SOCKET (lease.transport), 1, &error));
  assert_no_error (error);
  tally_socket_consume (TALLY_SOCKET (lease.transport), 1);
  lab_release (lab, &lease);
}

static void
rule_23_the_reset_hook_may_refuse (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  guint resets = 0;
  TallyLease lease;
  TallyPoolSnapshot seen;

  tally_pool_set_reset_hook (lab->pool, count_resets, &resets, NULL);
  lab_fill (lab, 1);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_release (lab, &lease);
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (lease.reused);
  lab_break (lab, &lease);
  assert_int (resets, 2);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_RESET], 1);
  tally_pool_set_reset_hook (lab->pool, NULL, NULL, NULL);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_10_a_fin_before_the_borrow_is_noticed),
    TEST (rule_10_a_rst_before_the_borrow_is_noticed),
    TEST (rule_10_also_on_hand_off),
    TEST (rule_11_unread_bytes_at_borrow),
    TEST (rule_11_unread_bytes_at_release),
    TEST (rule_12_broken_is_closed_and_clean_is_kept),
    TEST (rule_13_a_fresh_connection_is_dialed_now),
    TEST (rule_13_a_fresh_connection_waits_its_turn),
    TEST (rule_14_a_restart_costs_one_borrow_at_most),
    TEST (rule_14_the_first_proof_of_death_is_enough),
    TEST (rule_14_no_connection_from_before_the_death_stays),
    TEST (rule_23_what_a_borrower_set_is_reset),
    TEST (rule_23_the_reset_hook_may_refuse),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
