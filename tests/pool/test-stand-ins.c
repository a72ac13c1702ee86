/* The pool configured like another system shows what that system documents. */
#include "lab.h"
#include "bucket-private.h"

static Lab *
lab_like (TallyPoolSystem system)
{
  return lab_new_with (tally_pool_new_like (system));
}

/* net/http: "If the dial is slow, use the connection that comes back first; the dialed one goes to
 * the idle pool"; MaxIdleConnsPerHost is 2, IdleConnTimeout 90 s, the idle list is used from its
 * end. */
static void
like_net_http_1 (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_NET_HTTP_1);
  TallyLease leases[4], lease;
  Borrower racing = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 4; i++) /* no limit per host */
    leases[i] = lab_borrow (lab);
  lab_gate (lab, TRUE);
  borrower_start (&racing, lab, "racing");
  lab_wait_at_gate (lab, 1);
  lab_release (lab, &leases[0]);
  CU_ASSERT_TRUE (borrower_join (&racing));
  assert_int (lab_index_of (lab, &racing.lease), 0);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1); /* the late dial is pooled */
  lab_release (lab, &racing.lease);
  for (guint i = 1; i < 4; i++)
    lab_release (lab, &leases[i]);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 2);
  lease = lab_borrow (lab);
  assert_int (lab_index_of (lab, &lease), 3); /* the one used last */
  lab_release (lab, &lease);
}

/* net/http: each host has its own connections; MaxConnsPerHost makes further callers wait; beyond
 * MaxIdleConns the one that is idle for longest goes, whatever its host. */
static void
like_net_http_1_over_hosts (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_NET_HTTP_1);
  g_autoptr (TallyBucket) other = lab_other_bucket (lab, "unix:///other-host");
  Borrower waiter = { 0 };
  TallyLease a, b = { 0 };
  TallyPoolSnapshot seen;

  g_object_set (lab->pool, "max-open", 1, "max-idle-total", 1, NULL);
  a = lab_borrow (lab);
  borrower_start (&waiter, lab, "same host");
  lab_await (lab, now.waiting == 1);
  CU_ASSERT_TRUE (tally_bucket_borrow (other, "other host", -1, NULL, &b, NULL));
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, b.transport);
  lab_release (lab, &a);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &waiter.lease);
  lab_let_time_pass (2); /* which one is older is a matter of microseconds */
  tally_bucket_release (other, &b, TALLY_OUTCOME_CLEAN);
  assert_int (lab_snapshot (lab).idle, 0);
  tally_bucket_snapshot (other, &seen);
  assert_int (seen.idle, 1);
}

/* http2: the connection stays in the pool while in use, and one new connection satisfies all that
 * wait. */
static void
like_net_http_2 (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_NET_HTTP_2);
  Borrower borrowers[10] = { 0 };
  TallyPoolSnapshot seen;

  lab_gate (lab, TRUE);
  for (guint i = 0; i < 10; i++)
    borrower_start (&borrowers[i], lab, "stream");
  lab_await (lab, now.waiting == 10);
  lab_let_dial (lab, 1);
  for (guint i = 0; i < 10; i++)
    {
      CU_ASSERT_TRUE (borrower_join (&borrowers[i]));
      CU_ASSERT_PTR_EQUAL (borrowers[i].lease.transport, borrowers[0].lease.transport);
    }
  seen = lab_snapshot (lab);
  assert_int (seen.open, 1);
  assert_int (seen.leases, 10);
  for (guint i = 0; i < 10; i++)
    lab_release (lab, &borrowers[i].lease);
}

/* fasthttp: ErrNoFreeConns at once when MaxConnsPerHost are in use; with MaxConnWaitTimeout it
 * waits that long. */
static void
like_fasthttp (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_FASTHTTP);
  g_autoptr (GError) error = NULL;
  TallyLease lease, other = { 0 };

  g_object_set (lab->pool, "max-open", 1, NULL);
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &other, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, NULL);
  g_clear_error (&error);
  g_object_set (lab->pool, "wait-timeout", 5, NULL);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &other, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  lab_release (lab, &lease);
}

/* fasthttp's ConnPoolStrategy, go-redis' PoolFIFO: the one unused for longest, if asked for. */
static void
like_those_with_fifo (void)
{
  static const TallyPoolSystem systems[] = { TALLY_POOL_LIKE_FASTHTTP, TALLY_POOL_LIKE_GO_REDIS };

  for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
    {
      g_autoptr (Lab) lab = lab_like (systems[i]);
      TallyLease lease;

      lab_fill (lab, 2);
      lease = lab_borrow (lab);
      assert_int (lab_index_of (lab, &lease), 1);
      lab_release (lab, &lease);
      g_object_set (lab->pool, "order", TALLY_POOL_ORDER_FIFO, NULL);
      lease = lab_borrow (lab);
      assert_int (lab_index_of (lab, &lease), 0);
      lab_release (lab, &lease);
    }
}

static void
let_connections_age (Lab *lab, gint64 by)
{
  pthread_mutex_lock (&lab->bucket->lock);
  for (TallyConn *conn = lab->bucket->policy.conns; conn != NULL; conn = conn->older)
    conn->dialed -= by;
  pthread_mutex_unlock (&lab->bucket->lock);
}

/* MaxConnDuration, MaxConnLifetime, ConnMaxLifetime, SetConnMaxLifetime: at that age, not before;
 * maxLifetime: a little before it at most. */
static void
like_those_with_a_lifetime (void)
{
  static const TallyPoolSystem systems[] = { TALLY_POOL_LIKE_FASTHTTP, TALLY_POOL_LIKE_REDIGO,
                                             TALLY_POOL_LIKE_GO_REDIS, TALLY_POOL_LIKE_DATABASE_SQL,
                                             TALLY_POOL_LIKE_HIKARICP };

  for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
    {
      g_autoptr (Lab) lab = lab_like (systems[i]);
      TallyLease lease;

      g_object_set (lab->pool, "max-lifetime", 1000000, "min-idle", 0, NULL);
      lease = lab_borrow (lab);
      let_connections_age (lab, 970 * G_TIME_SPAN_SECOND);
      lab_release (lab, &lease);
      assert_int (lab_snapshot (lab).idle, 1);
      lease = lab_borrow (lab);
      CU_ASSERT_TRUE (lease.reused);
      let_connections_age (lab, 31 * G_TIME_SPAN_SECOND);
      lab_release (lab, &lease);
      assert_int (lab_snapshot (lab).closes[TALLY_CLOSE_LIFETIME], 1);
    }
}

/* gRPC: one shared connection; in TRANSIENT_FAILURE calls fail fast with the cause;
 * ResetConnectBackoff; after a GOAWAY calls under way finish on the old connection and new ones get
 * another. */
static void
like_grpc (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_GRPC);
  g_autoptr (GError) error = NULL;
  TallyLease a = { 0 }, b;
  TallyPoolSnapshot seen;

  g_object_set (lab->pool, "backoff-base", 600000, "backoff-max", 600000, NULL);
  lab_fail_dials (lab, 1);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &a, NULL));
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &a, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_BACKOFF, "laboratory");
  tally_pool_reset_backoff (lab->pool);
  a = lab_borrow (lab);
  b = lab_borrow (lab);
  CU_ASSERT_PTR_EQUAL (a.transport, b.transport);
  tally_bucket_retire (lab->bucket, &a);
  lab_release (lab, &a);
  a = lab_borrow (lab);
  CU_ASSERT_PTR_NOT_EQUAL (a.transport, b.transport);
  lab_release (lab, &b);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_RETIRED], 1);
  assert_int (seen.open, 1);
  lab_release (lab, &a);
}

/* gRPC's picker takes what is ready, and never waits for what still connects. */
static void
like_grpc_picks_what_is_ready (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_GRPC);
  TallyLease a = lab_borrow (lab), b;
  Borrower late = { 0 };

  g_object_set (lab->pool, "max-open", 2, "streams-per-connection", 2, NULL);
  b = lab_borrow (lab);
  lab_gate (lab, TRUE);
  borrower_start (&late, lab, "late"); /* the first is full, another connects */
  lab_wait_at_gate (lab, 1);
  lab_release (lab, &b);
  CU_ASSERT_TRUE (borrower_join (&late));
  assert_int (lab_index_of (lab, &late.lease), 0);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1);
  lab_release (lab, &late.lease);
  lab_release (lab, &a);
}

static gboolean
test_on_borrow (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  *(gint64 *) user_data = idle_time;
  return TRUE;
}

/* redigo: Dial, TestOnBorrow with the idle time, MaxIdle, MaxActive, "connection pool exhausted",
 * Wait, WaitCount. */
static void
like_redigo (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_REDIGO);
  g_autoptr (GError) error = NULL;
  Borrower waiter = { 0 };
  gint64 idle_time = -1;
  TallyLease leases[5], other = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 5; i++)
    leases[i] = lab_borrow (lab);
  for (guint i = 0; i < 5; i++)
    lab_release (lab, &leases[i]);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 3);
  tally_pool_set_check_hook (lab->pool, test_on_borrow, &idle_time, NULL);
  g_object_set (lab->pool, "max-open", 1, NULL);
  leases[0] = lab_borrow (lab);
  CU_ASSERT_TRUE (idle_time >= 0);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &other, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "exhausted");
  g_object_set (lab->pool, "wait-timeout", -1, NULL);
  borrower_start (&waiter, lab, "Wait: true");
  lab_await (lab, now.waiting == 1);
  lab_release (lab, &leases[0]);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  seen = lab_snapshot (lab);
  assert_int (seen.waits, 1);
  assert_int (seen.wait_time.count, 1);
  CU_ASSERT_TRUE (seen.wait_time.sum > 0);
  lab_release (lab, &waiter.lease);
}

static gboolean
reset_on_return (ThriftTransport *transport, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

/* redigo's activeConn.Close () resets what the borrower left behind. */
static void
like_redigo_resets (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_REDIGO);
  guint resets = 0;

  tally_pool_set_reset_hook (lab->pool, reset_on_return, &resets, NULL);
  lab_fill (lab, 2);
  assert_int (resets, 2);
  assert_int (lab_snapshot (lab).idle, 2);
}

/* go-redis: PoolTimeout, MinIdleConns filled in the background, Hits, Misses, Timeouts, StaleConns.
 */
static void
like_go_redis (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_GO_REDIS);
  g_autoptr (GError) error = NULL;
  TallyLease a, b, c = { 0 };
  TallyPoolSnapshot seen;

  g_object_set (lab->pool, "max-open", 2, "min-idle", 1, NULL);
  a = lab_borrow (lab);
  lab_await (lab, now.idle == 1);
  b = lab_borrow (lab);
  g_object_set (lab->pool, "wait-timeout", 5, NULL); /* not for the dials, which may take longer */
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &c, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  g_object_set (lab->pool, "wait-timeout", -1, NULL);
  lab_release (lab, &b);
  lab_close_peer (lab, 0);
  lab_close_peer (lab, 1);
  b = lab_borrow (lab);
  seen = lab_snapshot (lab);
  assert_int (seen.timeouts, 1);
  assert_int (seen.stale, 1);
  CU_ASSERT_TRUE (seen.hits > 0 && seen.dials > 0);
  lab_release (lab, &a);
  lab_release (lab, &b);
}

/* database/sql: SetMaxOpenConns, SetMaxIdleConns at run time; a bad connection makes an opener
 * serve waiters; OpenConnections, InUse, Idle, WaitCount, MaxIdleClosed. */
static void
like_database_sql (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_DATABASE_SQL);
  TallyLease leases[4];
  Borrower waiter = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 4; i++)
    leases[i] = lab_borrow (lab);
  g_object_set (lab->pool, "max-open", 4, NULL);
  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  lab_break (lab, &leases[0]);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_FALSE (waiter.lease.reused);
  for (guint i = 1; i < 4; i++)
    lab_release (lab, &leases[i]);
  lab_release (lab, &waiter.lease);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 2);
  assert_int (seen.closes[TALLY_CLOSE_LIMIT], 2);
  assert_int (seen.wait_time.count, 1);
  CU_ASSERT_TRUE (seen.wait_time.sum > 0);
  g_object_set (lab->pool, "max-idle", 0, NULL);
  assert_int (lab_snapshot (lab).open, 0);
}

/* database/sql: driver.ErrBadConn has the call made again on a cached connection, and then on a new
 * one. */
static void
like_database_sql_retries (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_DATABASE_SQL);
  TallyLease lease = { 0 };

  lab_fill (lab, 2);
  lease = lab_borrow (lab);
  lab_break (lab, &lease);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_break (lab, &lease);
  CU_ASSERT_TRUE (tally_bucket_borrow_fresh (lab->bucket, "test", -1, NULL, &lease, NULL));
  CU_ASSERT_FALSE (lease.reused);
  lab_release (lab, &lease);
}

static gboolean
validate (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  CU_ASSERT_TRUE (idle_time >= 500 * G_TIME_SPAN_MILLISECOND);
  return TRUE;
}

/* HikariCP: a fixed-size pool filled ahead; one deadline over everything with a telling error; a
 * connection idle for less than 500 ms is not validated. */
static void
like_hikaricp (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_HIKARICP);
  g_autoptr (GError) error = NULL;
  TallyLease leases[10], other = { 0 };

  tally_bucket_warm (lab->bucket, 10);
  lab_await (lab, now.idle == 10);
  tally_pool_set_check_hook (lab->pool, validate, NULL, NULL);
  for (guint i = 0; i < 10; i++)
    leases[i] = lab_borrow (lab);
  g_object_set (lab->pool, "wait-timeout", 5, NULL);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &other, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "10 open: 10 busy, 0 idle");
  for (guint i = 0; i < 10; i++)
    lab_release (lab, &leases[i]);
  assert_int (lab_snapshot (lab).idle, 10);
}

static void
note_leak (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  if (event->kind == TALLY_POOL_EVENT_LEAKED)
    gate_wait (user_data);
}

static GLogWriterOutput
log_nothing (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  return G_LOG_WRITER_HANDLED;
}

/* HikariCP's leakDetectionThreshold: a lease that is out for longer is reported. */
static void
like_hikaricp_finds_leaks (void)
{
  g_autoptr (Lab) lab = lab_like (TALLY_POOL_LIKE_HIKARICP);
  TallyLease lease;
  gint gate = 0;

  g_signal_connect (lab->pool, "event", G_CALLBACK (note_leak), &gate);
  g_object_set (lab->pool, "min-idle", 0, "leak-threshold", 2, NULL);
  lease = lab_borrow (lab);
  gate_await (&gate);
  gate_open (&gate);
  assert_int (lab_snapshot (lab).leaks, 1);
  lab_release (lab, &lease);
  tally_pool_close (lab->pool);
}

/* HikariCP's keepaliveTime: idle connections are examined in the background, and stay where they
 * were. */
static void
like_hikaricp_keepalive (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);

  lab_fill (lab, 2);
  lab_close_peer (lab, 0);
  lab_close_peer (lab, 1);
  g_object_set (lab->pool, "keepalive-interval", 1, NULL); /* both have ended when it looks */
  lab_await (lab, now.open == 0 && now.closes[TALLY_CLOSE_DEAD] == 1);
  assert_int (lab_snapshot (lab).borrows, 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (like_net_http_1),
    TEST (like_net_http_1_over_hosts),
    TEST (like_net_http_2),
    TEST (like_fasthttp),
    TEST (like_those_with_fifo),
    TEST (like_those_with_a_lifetime),
    TEST (like_grpc),
    TEST (like_grpc_picks_what_is_ready),
    TEST (like_redigo),
    TEST (like_redigo_resets),
    TEST (like_go_redis),
    TEST (like_database_sql),
    TEST (like_database_sql_retries),
    TEST (like_hikaricp),
    TEST (like_hikaricp_finds_leaks),
    TEST (like_hikaricp_keepalive),
    { NULL, NULL },
  };

  g_log_set_writer_func (log_nothing, NULL, NULL);
  return test_main ("pool", cases, argc, argv);
}
