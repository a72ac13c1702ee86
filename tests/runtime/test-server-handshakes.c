/* Owns the tests of peers whose handshake is under way when a server stops: the peer has a connection, the server has none yet.
 * A listener that defers its accepts keeps it so until the peer sends something. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"

#define N_PEERS 20

/* @peers have connected, and the server does not know of it. Returns the descriptor of its listener. */
static gint
connect_half (Running *running, gint *peers)
{
  const gint seconds = 60;
  gint listener = running->server->listener.fds[0];

  CU_ASSERT_EQUAL_FATAL (setsockopt (listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
                                     sizeof seconds),
                         0);
  for (guint i = 0; i < N_PEERS; i++)
    peers[i] = peer_connect (running);
  return listener;
}

/* Until the server lets nobody begin a connection any more, or has closed its listener. */
static void
await_end_of_listening (gint listener)
{
  socklen_t n_instructions;

  do
    {
      g_thread_yield ();
      n_instructions = 0;
    }
  while (getsockopt (listener, SOL_SOCKET, SO_GET_FILTER, NULL, &n_instructions) == 0
         && n_instructions == 0);
}

/* Each peer sends a request now: how many of them are served. */
static guint
count_served (gint *peers, const Speech *speech)
{
  guint n_served = 0;

  for (guint i = 0; i < N_PEERS; i++)
    {
      TallyBuffer request = { NULL, 0, 0 };

      write_echo (&request, speech, 1, "late");
      if (send (peers[i], request.data, request.length, MSG_NOSIGNAL) != (gssize) request.length)
        shutdown (peers[i], SHUT_RDWR);
      tally_buffer_clear (&request);
    }
  for (guint i = 0; i < N_PEERS; i++)
    {
      Answer answer = { 0 };

      n_served += peer_receive (peers[i], speech, TALLY_KIND_STRING, &answer)
                  && answer.type == T_REPLY && answer.seqid == 1;
      answer_clear (&answer);
      close (peers[i]);
    }
  return n_served;
}

/* How many peers are served that send a request after the stop. FALSE: this thread was held up for so long that the server need
 * not have waited for them. */
static gboolean
stop_and_count (guint *n_served)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=0");
  gint peers[N_PEERS];
  gint listener = connect_half (running, peers);
  gint64 began = g_get_monotonic_time ();
  gint64 took;

  tally_server_stop (running->server);
  await_end_of_listening (listener);
  *n_served = count_served (peers, running->speech);
  took = g_get_monotonic_time () - began;
  running_join (running);
  return took < G_USEC_PER_SEC / 2;
}

static void
a_peer_whose_handshake_is_under_way_is_served (void)
{
  guint n_served;

  while (!stop_and_count (&n_served) && n_served < N_PEERS)
    continue;
  assert_int (n_served, N_PEERS);
}

/* A stop does not wait without end for peers that never send anything, such as an attacker's. */
static void
a_stop_ends_while_peers_send_nothing (void)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=0");
  gint peers[N_PEERS];

  connect_half (running, peers);
  running_stop (running);
  for (guint i = 0; i < N_PEERS; i++)
    close (peers[i]);
}

/* What a stop has left to the supervisor, and another stop has done meanwhile, does not end the server's next life. */
static void
a_further_stop_leaves_nothing_behind (void)
{
  for (guint i = 0; i < 20; i++)
    {
      Running *running = running_start (&framed_binary, NULL, "drain-timeout=0");
      TallyServer *server = g_object_ref (running->server);
      gint peers[N_PEERS];
      gint listener = connect_half (running, peers);

      tally_server_stop (server);
      await_end_of_listening (listener);
      for (guint k = 0; k < N_PEERS; k++)
        close (peers[k]);
      while (tally_server_get_state (server) != TALLY_SERVER_CLOSED)
        tally_server_stop (server);
      running_join (running);
      CU_ASSERT_EQUAL (server->next_stop, 0);
      CU_ASSERT_EQUAL (server->stop_deadline, 0);
      g_object_unref (server);
    }
}

static void
handshakes_are_seen (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  const ServerListener *listener = &running->server->listener;
  gint peers[N_PEERS];

  CU_ASSERT (!server_listener_has_handshakes (listener));
  connect_half (running, peers);
  CU_ASSERT (server_listener_has_handshakes (listener));
  assert_int (count_served (peers, running->speech), N_PEERS);
  CU_ASSERT (!server_listener_has_handshakes (listener));
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_peer_whose_handshake_is_under_way_is_served),
    TEST (a_stop_ends_while_peers_send_nothing),
    TEST (a_further_stop_leaves_nothing_behind),
    TEST (handshakes_are_seen),
    { NULL, NULL },
  };

  return test_main ("server-handshakes", cases, argc, argv);
}
