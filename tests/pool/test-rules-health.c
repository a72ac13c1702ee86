/* Rules 10 to 14 and 23: what a connection must be to serve again. On real sockets. */
#include "lab.h"
#include "peer.h"
#include "tls-relay-socket.h"

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
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
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

/* A connection handed from one borrower to the next is examined too; one that gets a dead one keeps
 * its place. */
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
  CU_ASSERT_TRUE (test_write_all (lab_peer (lab, 1), "late reply", 10));
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

  CU_ASSERT_TRUE (test_write_all (lab_peer (lab, 0), "reply and more", 14));
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

/* What has ended one connection may be that connection's own: those that show nothing stay. */
static void
rule_14_those_that_show_no_end_stay (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", K, NULL);
  TallyLease busy = lab_borrow (lab), lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, K - 1);
  lab_close_peer (lab, K - 1); /* used last, so that it is lent first */
  lab_close_peer (lab, 2);
  CU_ASSERT_TRUE (test_write_all (lab_peer (lab, 3), "late reply", 10));
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_release (lab, &busy);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
  assert_int (seen.closes[TALLY_CLOSE_STALE], 2);
  assert_int (seen.idle, K - 3);
  assert_int (seen.dials_started, K);
  assert_sums (&seen);
}

/* A borrower that asks while they are looked at gets one of them and not a new one. The look is
 * stopped half way: the transports that it asks are the test's. */
typedef struct
{
  ThriftTransport parent;
} AskedTransport;
typedef ThriftTransportClass AskedTransportClass;
static GType asked_transport_get_type (void);
G_DEFINE_TYPE (AskedTransport, asked_transport, THRIFT_TYPE_TRANSPORT)

static gint asked_gate;
static gint asked_count; /* atomic */

/* The first is dead, the second is asked at length. */
static gboolean
asked_transport_is_open (ThriftTransport *transport)
{
  gint count = g_atomic_int_add (&asked_count, 1);

  if (count == 1)
    gate_wait (&asked_gate);
  return count > 0;
}

static gboolean
asked_transport_close (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static void
asked_transport_class_init (AskedTransportClass *class)
{
  class->is_open = asked_transport_is_open;
  class->close = asked_transport_close;
}

static void
asked_transport_init (AskedTransport *self)
{
}

static ThriftTransport *
dial_asked (TallyEndpoint *endpoint,
            gint64 deadline,
            GCancellable *cancellable,
            gpointer user_data,
            GError **error)
{
  return g_object_new (asked_transport_get_type (), NULL);
}

static void
rule_14_whoever_comes_meanwhile_has_one_of_them (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  Borrower finder = { 0 }, other = { 0 };

  tally_pool_set_dial_hook (lab->pool, dial_asked, NULL, NULL);
  lab_fill (lab, 3);
  borrower_start (&finder, lab, "finder");
  gate_await (&asked_gate);
  borrower_start (&other, lab, "other");
  lab_await (lab, now.waiting == 2);
  gate_open (&asked_gate);
  CU_ASSERT_TRUE (borrower_join (&finder) && borrower_join (&other));
  CU_ASSERT_TRUE (finder.lease.reused && other.lease.reused);
  lab_release (lab, &finder.lease);
  lab_release (lab, &other.lease);
  assert_int (lab_snapshot (lab).dials_started, 3);
}

/* Without any check: what ends only after the look is found all the same, once. */
static void
rule_14_who_was_idle_then_is_in_doubt (void)
{
  g_autoptr (Lab) lab = lab_new ("check", TALLY_POOL_CHECK_NEVER, NULL);
  TallyLease lease;

  lab_fill (lab, 3);
  lab_close_peer (lab, 2);
  lease = lab_borrow (lab);
  assert_int (tally_socket_fill (TALLY_SOCKET (lease.transport), 1, NULL), FALSE);
  lab_break (lab, &lease);
  assert_int (lab_snapshot (lab).idle, 2);
  lab_close_peer (lab, 1);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  assert_int (lab_index_of (lab, &lease), 0);
  lab_release (lab, &lease);
}

/* ---- rule 14, silent death ---- */

/* Nothing came within all the time that the borrower gave it: those that were heard from no later are as
 * dead. */
static void
rule_14_silence_is_everybodys (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, K);
  lease = lab_borrow (lab);
  tally_socket_set_limits (TALLY_SOCKET (lease.transport), 1, NULL); /* it has passed */
  lab_break (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_BROKEN], 1);
  assert_int (seen.closes[TALLY_CLOSE_STALE], K - 1);
}

/* Those that were heard from since stay. */
static void
rule_14_who_was_heard_since_stays (void)
{
  g_autoptr (Lab) lab = lab_new ("order", TALLY_POOL_ORDER_FIFO, NULL);
  TallyLease first, second;

  lab_fill (lab, 2);
  first = lab_borrow (lab);
  second = lab_borrow (lab);
  lab_let_time_pass (G_TIME_SPAN_MILLISECOND);
  lab_release (lab, &second);
  tally_socket_set_limits (TALLY_SOCKET (first.transport), 1, NULL);
  lab_break (lab, &first);
  assert_int (lab_snapshot (lab).idle, 1);
}

/* A piece of an answer is a sign of life, and a borrower that was cancelled has not waited to the
 * end. */
static void
rule_14_what_is_no_silence (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gint64 far = g_get_monotonic_time () + 600 * G_TIME_SPAN_SECOND;

  for (guint way = 0; way < 4; way++)
    {
      g_autoptr (Lab) lab = lab_new (NULL, NULL);
      TallyLease lease;

      lab_fill (lab, K);
      lease = lab_borrow (lab);
      if (way == 0)
        {
          CU_ASSERT_TRUE (test_write_all (lab_peer (lab, K - 1), "x", 1));
          CU_ASSERT_TRUE (tally_socket_fill (TALLY_SOCKET (lease.transport), 1, NULL));
        }
      tally_socket_set_limits (TALLY_SOCKET (lease.transport),
                               way == 0   ? 1
                               : way == 1 ? far
                                          : -1,
                               way == 2 ? cancellable : NULL);
      lab_break (lab, &lease);
      assert_int (lab_snapshot (lab).idle, K - 1);
    }
}

/* Also of a borrower that uses the descriptor and tells nothing of its deadline: the kernel knows. */
static void
rule_14_silence_on_a_bare_descriptor (void)
{
  if (tls_relay_skips ("what is sent on the bare descriptor is not TLS"))
    return;

  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease leases[K] = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < K; i++)
    CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &leases[i], NULL));
  for (guint i = 0; i < K; i++)
    tally_bucket_release (bucket, &leases[i], TALLY_OUTCOME_CLEAN);
  lab_let_time_pass (40 * G_TIME_SPAN_MILLISECOND); /* some of the kernel's ticks */
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &leases[0], NULL));
      CU_ASSERT_EQUAL (send (tally_socket_get_fd (TALLY_SOCKET (leases[0].transport)), "x", 1,
                             MSG_NOSIGNAL),
                       1);
      lab_let_time_pass (i * 150 * G_TIME_SPAN_MILLISECOND);
      tally_bucket_release (bucket, &leases[0], TALLY_OUTCOME_BROKEN);
      tally_bucket_snapshot (bucket, &seen);
      if (i == 1)
        assert_int (seen.idle, 0);
    }
  assert_int (seen.closes[TALLY_CLOSE_BROKEN], 2);
  tally_pool_close (pool);
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
  CU_ASSERT_TRUE (test_write_all (lab_peer (lab, 0), "x", 1));
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
    TEST (rule_14_those_that_show_no_end_stay),
    TEST (rule_14_whoever_comes_meanwhile_has_one_of_them),
    TEST (rule_14_who_was_idle_then_is_in_doubt),
    TEST (rule_14_silence_is_everybodys),
    TEST (rule_14_who_was_heard_since_stays),
    TEST (rule_14_what_is_no_silence),
    TEST (rule_14_silence_on_a_bare_descriptor),
    TEST (rule_23_what_a_borrower_set_is_reset),
    TEST (rule_23_the_reset_hook_may_refuse),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
