/* The pool with its own dialer on real sockets: refused and endless dials, several addresses, no
 * descriptors left, cancelling in every state, and many threads on few connections. */
#include "lab.h"
#include "tls-relay-socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  Server *server;
  TallyPool *pool;
  TallyBucket *bucket;
} Site;

static Site *
site_new (const gchar *host)
{
  Site *site = g_new0 (Site, 1);
  g_autofree gchar *uri = NULL;
  g_autoptr (TallyEndpoint) endpoint = NULL;

  site->server = server_new ();
  uri = server_dup_uri (site->server, host, "");
  endpoint = tally_endpoint_new (uri, NULL);
  site->pool = tls_relay_new_pool ();
  site->bucket = tally_pool_dup_bucket (site->pool, endpoint);
  return site;
}

static void
site_free (Site *site)
{
  tally_pool_close (site->pool);
  tally_bucket_unref (site->bucket);
  g_object_unref (site->pool);
  server_free (site->server);
  g_free (site);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Site, site_free)

static TallyPoolSnapshot
look (Site *site)
{
  TallyPoolSnapshot now;

  tally_bucket_snapshot (site->bucket, &now);
  return now;
}

static void
sockets_a_refused_dial (void)
{
  g_autoptr (Site) site = site_new ("127.0.0.1");
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  g_object_set (site->pool, "backoff-base", 600000, "backoff-max", 600000, NULL);
  server_stop_listening (site->server);
  CU_ASSERT_FALSE (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "127.0.0.1");
  CU_ASSERT_PTR_NULL (lease.transport);
  g_clear_error (&error);
  CU_ASSERT_FALSE (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_BACKOFF, "last dial error: ");
  assert_int (look (site).open, 0);
}

/* A name with several addresses: the server listens on one of them only. */
static void
sockets_several_addresses_some_dead (void)
{
  g_autoptr (Site) site = site_new ("localhost");
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_TRUE (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error));
  assert_no_error (error);
  CU_ASSERT_TRUE (server_echoes (site->server, lease.transport));
  tally_bucket_release (site->bucket, &lease, TALLY_OUTCOME_CLEAN);
}

static void
fill_backlog (Server *server, GArray *fds)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (server->port),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };

  CU_ASSERT_EQUAL_FATAL (listen (server->listener, 0), 0);
  for (guint i = 0; i < 4; i++)
    {
      gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

      g_array_append_val (fds, fd);
      if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
        CU_ASSERT_EQUAL (errno, EINPROGRESS);
    }
}

/* A site whose listener's queue is full: the kernel answers no further connect. Over TLS, too, it is dialed without the
 * relay, which would answer. */
static Site *
site_new_full (GArray *fds)
{
  Site *site = site_new ("127.0.0.1");
  g_autofree gchar *uri = tls_relay_is_on ()
                              ? tls_relay_dup_uri ("127.0.0.1", site->server->port, "")
                              : server_dup_uri (site->server, "127.0.0.1", "");
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);

  tally_bucket_unref (site->bucket);
  site->bucket = tally_pool_dup_bucket (site->pool, endpoint);
  g_object_set (site->pool, "connect-timeout", 600000, NULL);
  fill_backlog (site->server, fds);
  return site;
}

static void
close_all (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, gint, i));
  g_array_unref (fds);
}

/* The caller leaves at its deadline, the dial goes on, and close does not wait for it to give up.
 */
static void
sockets_an_endless_dial (void)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (gint));
  g_autoptr (Site) site = site_new_full (fds);
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_FALSE (tally_bucket_borrow (site->bucket, "test", g_get_monotonic_time () + 20000, NULL,
                                        &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "1 dialing");
  assert_int (look (site).dialing, 1);
  tally_pool_close (site->pool);
  assert_int (look (site).open, 0);
  close_all (fds);
}

typedef struct
{
  Site *site;
  GCancellable *cancellable;
  GError *error;
  gboolean done;
} CancelledBorrow;

static gpointer
run_cancelled (gpointer data)
{
  CancelledBorrow *self = data;
  TallyLease lease = { 0 };

  self->done =
      tally_bucket_borrow (self->site->bucket, "test", -1, self->cancellable, &lease, &self->error);
  return NULL;
}

static void
sockets_cancelled_while_dialing (void)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (gint));
  g_autoptr (Site) site = site_new_full (fds);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CancelledBorrow borrow = { site, cancellable };
  pthread_t thread;

  pthread_create (&thread, NULL, run_cancelled, &borrow);
  while (look (site).dialing == 0)
    g_thread_yield ();
  g_cancellable_cancel (cancellable);
  pthread_join (thread, NULL);
  CU_ASSERT_FALSE (borrow.done);
  assert_error (borrow.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  g_clear_error (&borrow.error);
  assert_int (look (site).cancelled, 1);
  close_all (fds);
}

static void
sockets_cancelled_before (void)
{
  g_autoptr (Site) site = site_new ("127.0.0.1");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CancelledBorrow borrow = { site, cancellable };
  TallyPoolSnapshot seen;

  g_cancellable_cancel (cancellable);
  run_cancelled (&borrow);
  CU_ASSERT_FALSE (borrow.done);
  assert_error (borrow.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled before");
  g_clear_error (&borrow.error);
  seen = look (site);
  assert_int (seen.dials_started, 0);
  assert_sums (&seen);
}

/* ---- descriptors exhausted ---- */

static void
sockets_no_descriptor_left (void)
{
  g_autoptr (Site) site = site_new ("127.0.0.1");
  g_autoptr (GError) error = NULL;
  struct rlimit before, none;
  TallyLease lease = { 0 };
  gint next = dup (0);

  close (next);
  getrlimit (RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = (rlim_t) next;
  setrlimit (RLIMIT_NOFILE, &none);
  CU_ASSERT_FALSE (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error));
  setrlimit (RLIMIT_NOFILE, &before);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "oo many open files");
  assert_int (look (site).open, 0);
  g_clear_error (&error);
  tally_pool_reset_backoff (site->pool);
  CU_ASSERT_TRUE (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error));
  assert_no_error (error);
  tally_bucket_release (site->bucket, &lease, TALLY_OUTCOME_CLEAN);
}

/* ---- many threads on few connections ---- */

#define THREADS 64
#define CONNECTIONS 8
#define TURNS 12

static gpointer
take_turns (gpointer data)
{
  Lab *lab = data;

  for (guint i = 0; i < TURNS; i++)
    {
      TallyLease lease = { 0 };

      if (!tally_bucket_borrow (lab->bucket, "turn", -1, NULL, &lease, NULL))
        return NULL;
      g_thread_yield ();
      tally_bucket_release (lab->bucket, &lease, TALLY_OUTCOME_CLEAN);
    }
  return lab;
}

/* Each of them gets all its turns, though each holds its connection for as long as the others take
 * to come back. How long they wait at most is bench-pool's to say. */
static void
sockets_nobody_starves (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", CONNECTIONS, "wait-timeout", 60000, NULL);
  pthread_t threads[THREADS];
  gpointer done;
  TallyPoolSnapshot seen;

  for (guint i = 0; i < THREADS; i++)
    pthread_create (&threads[i], NULL, take_turns, lab);
  for (guint i = 0; i < THREADS; i++)
    {
      pthread_join (threads[i], &done);
      CU_ASSERT_PTR_NOT_NULL (done);
    }
  seen = lab_snapshot (lab);
  assert_int (seen.borrows, THREADS * TURNS);
  CU_ASSERT_TRUE (seen.open <= CONNECTIONS);
  assert_sums (&seen);
}

/* What GLib opens at its first look-up stays open. */
static void
look_something_up (void)
{
  g_autoptr (TallyEndpoint) nobody = tally_endpoint_new ("tcp://localhost:1", NULL);
  g_autoptr (TallySocket) socket = tally_socket_dial (nobody, -1, NULL, NULL);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (sockets_a_refused_dial),   TEST (sockets_several_addresses_some_dead),
    TEST (sockets_an_endless_dial),  TEST (sockets_cancelled_while_dialing),
    TEST (sockets_cancelled_before), TEST (sockets_no_descriptor_left),
    TEST (sockets_nobody_starves),   { NULL, NULL },
  };

  look_something_up ();
  return test_main ("pool", cases, argc, argv);
}
