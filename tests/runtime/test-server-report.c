/* Owns the tests of what a server tells of its peers: who they are, what is done for each, and which come first. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"
#include "tls-relay.h"

#define BINARY (&framed_binary)

/* (transfer full): of the socket's own end. */
static gchar *
dup_own_address (gint fd)
{
  struct sockaddr_in address = { 0 };
  socklen_t length = sizeof address;
  gchar text[INET_ADDRSTRLEN];

  CU_ASSERT_FATAL (getsockname (fd, (struct sockaddr *) &address, &length) == 0);
  return g_strdup_printf ("%s:%u", inet_ntop (AF_INET, &address.sin_addr, text, sizeof text),
                          g_ntohs (address.sin_port));
}

/* (transfer full): the report, once it has @count peers of which the first is in @state. */
static GPtrArray *
await_peers (Running *running, guint count, TallyServerPeerState state)
{
  for (;;)
    {
      GPtrArray *peers = tally_server_dup_peers (running->server, 100);

      if (peers->len == count
          && (count == 0 || ((const TallyServerPeer *) peers->pdata[0])->state == state))
        return peers;
      g_ptr_array_unref (peers);
      g_thread_yield ();
    }
}

static const TallyServerPeer *
get_peer (GPtrArray *peers, guint index)
{
  return g_ptr_array_index (peers, index);
}

static void
a_quiet_peer_is_told (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  g_autoptr (GPtrArray) none = tally_server_dup_peers (running->server, 100);
  g_autoptr (GPtrArray) peers = NULL;
  const TallyServerPeer *peer;
  gint fd = peer_connect (running);

  assert_int (none->len, 0);
  for (gint i = 0; i < 3; i++)
    CU_ASSERT (peer_echoes (fd, BINARY, i, "hello"));
  peers = await_peers (running, 1, TALLY_SERVER_PEER_IDLE);
  peer = get_peer (peers, 0);
  if (!tls_relay_is_on ())
    {
      g_autofree gchar *own = dup_own_address (fd);

      assert_string (peer->address, own);
    }
  assert_int (peer->requests, 3);
  CU_ASSERT (peer->duration >= 0 && peer->duration < G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC);
  assert_int (peer->held, 0);
  assert_int (peer->waiting, 0);
  assert_int (peer->under_way, 0);
  CU_ASSERT_PTR_NULL (peer->method);
  close (fd);
  g_ptr_array_unref (await_peers (running, 0, TALLY_SERVER_PEER_IDLE));
  running_stop (running);
}

/* With an interceptor the report has the method. In any case peers that are served come first, then those that hold something. */
static void
what_is_done_for_a_peer_is_told (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=4 read-timeout=0");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  g_autoptr (GPtrArray) peers = NULL;
  g_autoptr (GPtrArray) later = NULL;
  TallyServerPeer *copy;
  TallyBuffer half = { NULL, 0, 0 };
  gint fds[3];

  for (guint i = 0; i < 3; i++)
    {
      fds[i] = peer_connect (running);
      CU_ASSERT (peer_echoes (fds[i], BINARY, 1, "hello"));
    }
  write_echo (&half, BINARY, 2, "half of this never comes");
  half.length -= 10;
  peer_send (fds[1], &half);
  peer_call (fds[2], BINARY, "block", 3);
  test_handler_wait_inside (running->handler, 1);
  do
    {
      g_clear_pointer (&peers, g_ptr_array_unref);
      peers = await_peers (running, 3, TALLY_SERVER_PEER_ACTIVE);
    }
  while (get_peer (peers, 0)->under_way != 1
         || get_peer (peers, 1)->state != TALLY_SERVER_PEER_READING
         || get_peer (peers, 2)->state != TALLY_SERVER_PEER_IDLE);
  assert_string (get_peer (peers, 0)->method, "block");
  CU_ASSERT (get_peer (peers, 0)->method_duration >= 0);
  assert_int (get_peer (peers, 0)->requests, 1);
  CU_ASSERT (get_peer (peers, 1)->held > 0);
  copy = g_boxed_copy (TALLY_TYPE_SERVER_PEER, get_peer (peers, 0));
  test_handler_release (running->handler);
  check_reply (fds[2], BINARY, 3);
  recorder_wait (recorder, 4);
  later = tally_server_dup_peers (running->server, 1);
  assert_int (later->len, 1);
  assert_int (get_peer (later, 0)->under_way, 0);
  assert_string (copy->method, "block");
  g_boxed_free (TALLY_TYPE_SERVER_PEER, copy);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  running_stop (running);
}

/* Those side by side are counted, and the one that has lasted longest is named. */
static void
several_calls_of_a_peer_are_told (void)
{
  Running *running = running_start (BINARY, "tcp://127.0.0.1:0?order=any", "max-workers=4");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  g_autoptr (GPtrArray) peers = NULL;
  TallyBuffer requests = { NULL, 0, 0 };

  for (gint i = 0; i < 2; i++)
    write_request (&requests, BINARY, "block", T_CALL, i, NULL, NULL);
  peer_send (fd, &requests);
  test_handler_wait_inside (running->handler, 2);
  peers = await_peers (running, 1, TALLY_SERVER_PEER_ACTIVE);
  assert_int (get_peer (peers, 0)->under_way, 2);
  assert_string (get_peer (peers, 0)->method, "block");
  CU_ASSERT (get_peer (peers, 0)->held > 0);
  /* They outlive their connection. */
  peer_reset (fd);
  g_ptr_array_unref (await_peers (running, 0, TALLY_SERVER_PEER_IDLE));
  test_handler_release (running->handler);
  recorder_wait (recorder, 2);
  recorder_check (recorder, 2);
  running_stop (running);
}

static void
a_local_peer_is_a_process (void)
{
  g_autofree gchar *address = g_strdup_printf ("unix:@tally-report-%d", (gint) getpid ());
  Running *running = running_start (BINARY, address, NULL);
  gint fd = peer_connect (running);
  g_autofree gchar *own =
      g_strdup_printf ("process %d of user %u", (gint) getpid (), (guint) getuid ());
  g_autoptr (GPtrArray) peers = NULL;

  CU_ASSERT (peer_echoes (fd, BINARY, 1, "hello"));
  peers = await_peers (running, 1, TALLY_SERVER_PEER_IDLE);
  assert_string (get_peer (peers, 0)->address, own);
  close (fd);
  running_stop (running);
}

/* ---- while they come and go ---- */

#define N_COMERS 4

typedef struct
{
  Running *running;
  gint *n_left; /* atomic */
} Comer;

static void *
come_and_go (void *data)
{
  Comer *self = data;

  for (gint i = 0; i < 100; i++)
    {
      gint fd = peer_connect (self->running);

      CU_ASSERT (peer_echoes (fd, BINARY, i, "hello"));
      close (fd);
    }
  g_atomic_int_add (self->n_left, -1);
  return NULL;
}

/* No more are told than may be, and one that stays is in each report. */
static void
a_report_while_peers_come_and_go (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  gint stays = peer_connect (running);
  pthread_t threads[N_COMERS];
  gint n_left = N_COMERS;
  Comer comer = { running, &n_left };

  CU_ASSERT (peer_echoes (stays, BINARY, 1, "hello"));
  for (guint i = 0; i < N_COMERS; i++)
    CU_ASSERT_FATAL (pthread_create (&threads[i], NULL, come_and_go, &comer) == 0);
  do
    {
      g_autoptr (GPtrArray) all = tally_server_dup_peers (running->server, G_MAXUINT);
      g_autoptr (GPtrArray) some = tally_server_dup_peers (running->server, 2);

      CU_ASSERT (all->len >= 1);
      CU_ASSERT (some->len <= 2);
    }
  while (g_atomic_int_get (&n_left) > 0);
  for (guint i = 0; i < N_COMERS; i++)
    pthread_join (threads[i], NULL);
  g_ptr_array_unref (await_peers (running, 1, TALLY_SERVER_PEER_IDLE));
  close (stays);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_quiet_peer_is_told),
    TEST (what_is_done_for_a_peer_is_told),
    TEST (several_calls_of_a_peer_are_told),
    TEST (a_local_peer_is_a_process),
    TEST (a_report_while_peers_come_and_go),
    { NULL, NULL },
  };

  return test_main ("server-report", cases, argc, argv);
}
