/* Rule 31: what a dial lacks here says nothing of the endpoint. And what the pool sets on its sockets for a
 * peer that goes without a word. In this program system calls fail when they are told to. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"
#include "tls-relay-socket.h"

static gint socket_fails;  /* atomic: an errno, or 0 */
static gint connect_fails; /* the same */
static gint ipv6_fails;    /* the same */

int
socket (int domain, int type, int protocol)
{
  gint reason = g_atomic_int_get (&socket_fails);

  if (reason == 0)
    return (int) syscall (SYS_socket, domain, type, protocol);
  errno = reason;
  return -1;
}

int
connect (int fd, const struct sockaddr *address, socklen_t length)
{
  gint reason = g_atomic_int_get (&connect_fails);

  if (address->sa_family == AF_INET6 && g_atomic_int_get (&ipv6_fails) != 0)
    reason = g_atomic_int_get (&ipv6_fails);
  if (reason == 0)
    return (int) syscall (SYS_connect, fd, address, length);
  errno = reason;
  return -1;
}

static ThriftTransport *
dial_as_the_pool (TallyEndpoint *endpoint,
                  gint64 deadline,
                  GCancellable *cancellable,
                  gpointer user_data,
                  GError **error)
{
  return (ThriftTransport *) tally_socket_dial (endpoint, deadline, cancellable, error);
}

/* A first borrow fails for @reason, a second shall not be refused because of that. */
static void
fail_once (gint *place, gint reason, gboolean by_hook, gboolean starts_backoff)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool =
      g_object_new (TALLY_TYPE_POOL, "backoff-base", 600000, "backoff-max", 600000, NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  if (by_hook)
    tally_pool_set_dial_hook (pool, dial_as_the_pool, NULL, NULL);
  g_atomic_int_set (place, reason);
  CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "first", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, g_strerror (reason));
  g_atomic_int_set (place, 0);
  g_clear_error (&error);
  if (tally_bucket_borrow (bucket, "second", -1, NULL, &lease, &error))
    tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  if (starts_backoff)
    assert_error (error, TALLY_ERROR, TALLY_ERROR_BACKOFF, g_strerror (reason));
  else
    assert_no_error (error);
  tally_pool_close (pool);
}

static void
rule_31_wants_of_this_process_are_no_backoff (void)
{
  static const gint reasons[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS, EAFNOSUPPORT };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    for (guint by_hook = 0; by_hook < 2; by_hook++)
      fail_once (&socket_fails, reasons[i], by_hook, FALSE);
  fail_once (&connect_fails, EADDRNOTAVAIL, FALSE, FALSE);
  fail_once (&connect_fails, ECONNREFUSED, FALSE, TRUE);
  fail_once (&connect_fails, ENETUNREACH, TRUE, TRUE);
}

/* One address lacks its family and another refuses: that is the endpoint's. */
static void
rule_31_one_answer_from_there_is_enough (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool =
      g_object_new (TALLY_TYPE_POOL, "backoff-base", 600000, "backoff-max", 600000, NULL);
  g_autofree gchar *uri = server_dup_uri (server, "localhost", "");
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  server_stop_listening (server);
  g_atomic_int_set (&ipv6_fails, EADDRNOTAVAIL);
  CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "first", -1, NULL, &lease, &error));
  g_atomic_int_set (&ipv6_fails, 0);
  g_clear_error (&error);
  CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "second", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_BACKOFF, g_strerror (EADDRNOTAVAIL));
  tally_pool_close (pool);
}

/* ---- tcp-keepalive, tcp-user-timeout ---- */

static gint
get_option (const TallyLease *lease, gint level, gint name)
{
  gint value = -1;
  socklen_t size = sizeof value;

  getsockopt (tally_socket_get_fd (TALLY_SOCKET (lease->transport)), level, name, &value, &size);
  return value;
}

static void
borrow_watched (TallyPool *pool, TallyEndpoint *endpoint, gint64 deadline, TallyLease *lease)
{
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", deadline, NULL, lease, NULL));
}

static void
give_back (TallyPool *pool, TallyEndpoint *endpoint, TallyLease *lease)
{
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);

  tally_bucket_release (bucket, lease, TALLY_OUTCOME_BROKEN);
}

static void
tcp_watches_over_the_peer (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  TallyLease lease = { 0 };

  borrow_watched (pool, server->endpoint, -1, &lease);
  assert_int (get_option (&lease, SOL_SOCKET, SO_KEEPALIVE), 1);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_KEEPINTVL), 10);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
  give_back (pool, server->endpoint, &lease);
  g_object_set (pool, "tcp-keepalive", 1500, "tcp-user-timeout", 700, NULL);
  borrow_watched (pool, server->endpoint, -1, &lease);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_KEEPIDLE), 2);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_USER_TIMEOUT), 700);
  give_back (pool, server->endpoint, &lease);
  g_object_set (pool, "tcp-keepalive", 0, "tcp-user-timeout", 0, NULL);
  borrow_watched (pool, server->endpoint, -1, &lease);
  assert_int (get_option (&lease, SOL_SOCKET, SO_KEEPALIVE), 0);
  assert_int (get_option (&lease, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  give_back (pool, server->endpoint, &lease);
  tally_pool_close (pool);
}

/* What is dialed for one call is not worth the system calls where the call ends by itself. */
static void
tcp_watches_no_single_call (void)
{
  if (tls_relay_skips ("a thread always dials over TLS, and it does not know for which call"))
    return;

  g_autoptr (Server) server = server_new ();
  g_autofree gchar *uri = server_dup_uri (server, "127.0.0.1", "?mode=unpooled");
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  TallyLease lease = { 0 };

  borrow_watched (pool, endpoint, g_get_monotonic_time () + 600 * G_TIME_SPAN_SECOND, &lease);
  assert_int (get_option (&lease, SOL_SOCKET, SO_KEEPALIVE), 0);
  give_back (pool, endpoint, &lease);
  borrow_watched (pool, endpoint, -1, &lease);
  assert_int (get_option (&lease, SOL_SOCKET, SO_KEEPALIVE), 1);
  give_back (pool, endpoint, &lease);
  tally_pool_close (pool);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_31_wants_of_this_process_are_no_backoff),
    TEST (rule_31_one_answer_from_there_is_enough),
    TEST (tcp_watches_over_the_peer),
    TEST (tcp_watches_no_single_call),
    { NULL, NULL },
  };

  /* GLib opens descriptors of its own when it first resolves a name. */
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://localhost:1", NULL);
  g_autoptr (TallySocket) socket = tally_socket_dial (endpoint, -1, NULL, NULL);

  return test_main ("pool", cases, argc, argv);
}
