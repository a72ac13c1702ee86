/* Owns the tests of a server's admission: how many requests run at once, whose wait, and which are refused. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-admission-private.h"
#include "tally-channel.h"
#include "tally-pool.h"
#include "tls-relay.h"

#define BINARY (&framed_binary)
/* No more than the server lets wait for a worker: what is refused is refused by admission. */
#define N_CALLERS 12

/* A connection from @address, so as to be another client. */
static gint
connect_from (Running *running, const gchar *address)
{
  const struct timeval patience = { 120, 0 };
  struct sockaddr_in here = { .sin_family = AF_INET };
  struct sockaddr_in there = { .sin_family = AF_INET };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  inet_pton (AF_INET, address, &here.sin_addr);
  inet_pton (AF_INET, "127.0.0.1", &there.sin_addr);
  there.sin_port = htons (running->server->listener.port);
  CU_ASSERT_FATAL (bind (fd, (struct sockaddr *) &here, sizeof here) == 0);
  CU_ASSERT_FATAL (connect (fd, (struct sockaddr *) &there, sizeof there) == 0);
  if (tls_relay_is_on ())
    fd = tls_relay_connect (fd);
  CU_ASSERT (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  return fd;
}

static void
await_waiting (Running *running, guint count)
{
  while (running_snapshot (running).waiting != count)
    g_thread_yield ();
}

static void
await_refused (Running *running, guint64 count)
{
  TallyServerSnapshot snapshot;

  do
    snapshot = running_snapshot (running);
  while (snapshot.refused_client + snapshot.refused_limit != count);
}

/* Two run, of the others @n_waiting wait, and what is left is refused, with words that say @part. */
static void
check_what_is_taken (const gchar *options, guint n_waiting, const gchar *part)
{
  Running *running = running_start (BINARY, NULL, options);
  gint busy[2], fds[10];
  TallyServerSnapshot snapshot;

  for (guint i = 0; i < 2; i++)
    {
      busy[i] = peer_connect (running);
      peer_call (busy[i], BINARY, "block", i);
      test_handler_wait_inside (running->handler, i + 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = peer_connect (running);
      peer_call (fds[i], BINARY, "ping", i);
      if (i < n_waiting)
        await_waiting (running, i + 1);
      else
        check_refusal (fds[i], BINARY, i, part);
    }
  await_refused (running, G_N_ELEMENTS (fds) - n_waiting);
  snapshot = running_snapshot (running);
  assert_int (snapshot.running, 2);
  assert_int (snapshot.running_limit, 2);
  assert_int (snapshot.waiting, n_waiting);
  assert_int (snapshot.refused_busy, 0);
  test_handler_release (running->handler);
  for (guint i = 0; i < n_waiting; i++)
    check_reply (fds[i], BINARY, i);
  for (guint i = 0; i < 2; i++)
    check_reply (busy[i], BINARY, i);
  /* A connection that was refused lives on. */
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    CU_ASSERT (peer_echoes (fds[i], BINARY, 100 + i, "again"));
  while (running_snapshot (running).running > 0)
    g_thread_yield ();
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  for (guint i = 0; i < 2; i++)
    close (busy[i]);
  running_stop (running);
}

static void
as_many_run_and_wait_as_may (void)
{
  check_what_is_taken (ADMISSION_CONCURRENCY
                       " max-workers=8 min-running=2 max-running=2 max-queued=3",
                       3, "2 requests run and as many wait as may");
}

/* Connections of one address are one client, which may fill no more than half of the queue. */
static void
one_client_has_its_share (void)
{
  check_what_is_taken (ADMISSION_CLIENT " max-workers=8 max-running=2 max-queued=4", 2,
                       "as many requests of this client wait as may");
}

/* Clients take turns, however much one of them has waiting. */
static void
clients_take_turns (void)
{
  Running *running =
      running_start (BINARY, NULL, ADMISSION_CLIENT " max-workers=4 max-running=1 max-queued=16");
  static const gchar *const addresses[] = { "127.0.0.1", "127.0.0.1", "127.0.0.1",
                                            "127.0.0.1", "127.0.0.2", "127.0.0.3" };
  /* The first runs while the others come. */
  static const guint order[] = { 0, 1, 4, 5, 2, 3 };
  gint fds[G_N_ELEMENTS (addresses)];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = connect_from (running, addresses[i]);
      peer_call (fds[i], BINARY, "block", i);
      if (i == 0)
        test_handler_wait_inside (running->handler, 1);
      else
        await_waiting (running, i);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      test_handler_wait_inside (running->handler, 1);
      test_handler_release_one (running->handler);
      check_reply (fds[order[i]], BINARY, order[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  running_stop (running);
}

/* ---- many at once ---- */

typedef struct
{
  Running *running;
  const gchar *address;
  gint *stop;   /* atomic */
  guint wanted; /* calls; 0: until stop */
  guint n_served;
  guint n_refused;
} Caller;

static void *
keep_calling (void *data)
{
  Caller *self = data;
  gint fd = connect_from (self->running, self->address);

  for (gint i = 0; self->wanted > 0 ? self->n_served < self->wanted : !atomic_get (self->stop); i++)
    {
      Answer answer = { 0 };

      peer_call (fd, BINARY, "ping", i);
      if (!peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer))
        {
          answer_clear (&answer);
          break;
        }
      if (answer.type == T_REPLY)
        self->n_served++;
      else
        self->n_refused++;
      answer_clear (&answer);
    }
  close (fd);
  return NULL;
}

/* One client with many connections that never pause gets refusals, the small ones never do. */
static void
a_greedy_client_harms_no_other (void)
{
  Running *running =
      running_start (BINARY, NULL, ADMISSION_CLIENT " max-workers=4 max-running=1 max-queued=12");
  Caller callers[N_CALLERS] = { 0 };
  pthread_t threads[N_CALLERS];
  gint stop = FALSE;
  guint n_refused = 0;

  for (guint i = 0; i < N_CALLERS; i++)
    {
      static const gchar *const small[] = { "127.0.0.2", "127.0.0.3", "127.0.0.4" };

      callers[i] =
          (Caller){ running, i < 3 ? small[i] : "127.0.0.1", &stop, i < 3 ? 200 : 0, 0, 0 };
      CU_ASSERT_FATAL (pthread_create (&threads[i], NULL, keep_calling, &callers[i]) == 0);
    }
  for (guint i = 0; i < 3; i++)
    {
      pthread_join (threads[i], NULL);
      assert_int (callers[i].n_served, 200);
      assert_int (callers[i].n_refused, 0);
    }
  atomic_set (&stop, TRUE);
  for (guint i = 3; i < N_CALLERS; i++)
    {
      pthread_join (threads[i], NULL);
      n_refused += callers[i].n_refused;
    }
  assert_int (running_snapshot (running).refused_client, n_refused);
  assert_int (running_snapshot (running).refused_limit, 0);
  running_stop (running);
}

/* Of a connection whose requests run side by side no more run, either. */
static void
requests_side_by_side_are_limited (void)
{
  Running *running = running_start (BINARY, NULL,
                                    ADMISSION_CONCURRENCY
                                    " concurrent=1 max-workers=8 min-running=2 max-running=2");
  TallyBuffer requests = { NULL, 0, 0 };
  gint fd = peer_connect (running);

  for (guint i = 0; i < 6; i++)
    write_request (&requests, BINARY, "block", T_CALL, i, NULL, NULL);
  peer_send (fd, &requests);
  test_handler_wait_inside (running->handler, 2);
  await_waiting (running, 4);
  test_handler_release (running->handler);
  for (guint i = 0; i < 6; i++)
    check_reply (fd, BINARY, i);
  assert_int (running->handler->max_inside, 2);
  close (fd);
  running_stop (running);
}

/* ---- deadlines ---- */

/* As if the method's calls took so long, microseconds. */
static void
pretend_that_calls_take (Running *running, const gchar *method, guint time)
{
  TallyAdmissionLimit *limit;

  while (tally_server_get_state (running->server) != TALLY_SERVER_SERVING
         || (limit = running->server->running) == NULL)
    g_thread_yield ();
  for (guint i = 0; i < base_service.n_methods; i++)
    if (strcmp (base_service.methods[i].name, method) == 0)
      atomic_put (&tally_admission_find_times (limit, &base_service.methods[i])->quick, time);
}

static gboolean
echo (TallyChannel *channel, gint timeout, GError **error)
{
  TallyCallOptions options = { .timeout = timeout };
  TextArgs args = { (gchar *) "hello" };
  gchar *reply = NULL;
  gpointer results[] = { &reply };
  gboolean ok =
      tally_channel_call_with (channel, test_echo_method, &args, results, &options, error);

  g_free (reply);
  return ok;
}

/* Whose deadline is too near is told so at once, the others are served.  */
static void
a_request_that_would_not_make_it (void)
{
  Running *running = running_start_speaking ("transport=header", ADMISSION_DEADLINE);
  g_autofree gchar *uri = running_dup_client_uri (running, "transport=header");
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = NULL;

  g_object_set (pool, "connect-timeout", 60 * 1000, NULL);
  channel = tally_channel_new_with_pool (uri, pool, &error);
  assert_no_error (error);
  pretend_that_calls_take (running, "echo", 900 * G_USEC_PER_SEC);
  CU_ASSERT_FALSE (echo (channel, 600 * 1000, &error));
  CU_ASSERT (error != NULL && strstr (error->message, "deadline would pass") != NULL);
  CU_ASSERT (error != NULL && strstr (error->message, "not executed") != NULL);
  g_clear_error (&error);
  assert_int (test_handler_n_calls (running->handler), 0);
  CU_ASSERT (echo (channel, 2000 * 1000, &error));
  assert_no_error (error);
  assert_int (running_snapshot (running).refused_deadline, 1);
  tally_pool_close (pool);
  g_clear_object (&channel);
  running_stop (running);
}

/* What has not been read is nobody's yet: where it will be, a crowd of one client's connections has no others refused. */
static void
what_was_not_read_is_refused_for_no_number (void)
{
  static const struct
  {
    guint admission;
    guint max_running;
    ServerRefusal refusal;
  } cases[] = {
    { TALLY_ADMISSION_NONE, 0, REFUSE_BUSY },
    { TALLY_ADMISSION_CLIENT, 0, REFUSE_NOTHING },
    { TALLY_ADMISSION_CONCURRENCY, 3, REFUSE_NOTHING },
    { TALLY_ADMISSION_CLIENT, 4, REFUSE_BUSY }, /* handlers may have all workers */
    { TALLY_ADMISSION_DEADLINE, 0, REFUSE_BUSY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TallyServer *server =
          g_object_new (TALLY_TYPE_SERVER, "admission", cases[i].admission, "max-running",
                        cases[i].max_running, "max-workers", 4, "max-queued", 2, NULL);

      server_admission_open (server);
      assert_int (server_find_refusal (server, 0, 0, 2), REFUSE_NOTHING);
      assert_int (server_find_refusal (server, 0, 0, 3), cases[i].refusal);
      assert_int (server_find_refusal (server, 0, 60 * 60 * 1000, 1), REFUSE_LATE);
      g_object_unref (server);
    }
}

/* A server that serves again, and now without a limit, is not held to the one it had. */
static void
a_limit_ends_with_its_property (void)
{
  TallyServer *server = g_object_new (TALLY_TYPE_SERVER, "admission", TALLY_ADMISSION_CONCURRENCY,
                                      "max-running", 2, NULL);

  server_admission_open (server);
  assert_int (server_get_running_limit (server), 2);
  g_object_set (server, "admission", TALLY_ADMISSION_NONE, NULL);
  server_admission_open (server);
  assert_int (server_get_running_limit (server), G_MAXINT);
  g_object_unref (server);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (as_many_run_and_wait_as_may),
    TEST (one_client_has_its_share),
    TEST (clients_take_turns),
    TEST (a_greedy_client_harms_no_other),
    TEST (requests_side_by_side_are_limited),
    TEST (a_request_that_would_not_make_it),
    TEST (what_was_not_read_is_refused_for_no_number),
    TEST (a_limit_ends_with_its_property),
    { NULL, NULL },
  };

  return test_main ("server-admission", cases, argc, argv);
}
