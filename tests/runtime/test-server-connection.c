/* Owns the tests of a server's connection alone, without a server that runs: how long it may be in
 * which state, and what it gives up. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"

static void
let_the_clock_move (void)
{
  gint64 start = server_now ();

  while (server_now () == start)
    continue;
}

static ServerConnection *
connection_new (TallyServer *server, gint fd, gboolean refused)
{
  TallyStream stream;

  tally_stream_open (&stream, fd, TALLY_STREAM_ACCEPTED);
  return server_connection_new (server, &stream, refused);
}

/* Answers that the peer does not take wait for write-timeout. A trickle of them does not prolong it,
 * but once the peer has taken all, the next to wait have all their time. */
static void
the_time_for_an_answer_is_its_own (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", NULL);
  ServerConnection *connection = connection_new (server, dup (0), FALSE);
  gint64 first;

  tally_buffer_append (&connection->output, "answer", 6);
  server_connection_set_deadline (connection, FALSE);
  assert_int (connection->phase, PHASE_WRITING);
  first = connection->deadline;
  let_the_clock_move ();
  server_connection_set_deadline (connection, FALSE);
  assert_int (connection->deadline, first);
  server_connection_set_deadline (connection, TRUE);
  assert_int (connection->phase, PHASE_WRITING);
  CU_ASSERT_TRUE (connection->deadline > first);
  server_connection_release (connection);
  server_connection_free (connection);
}

/* Behind an answer that the peer does not take no refusal can be sent: it would come in the middle of
 * that answer. */
static void
what_takes_no_answers_is_not_refused_in_words (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0?transport=framed", NULL);
  ServerConnection *connection;
  ServerWorker worker = { .server = server, .input = g_malloc (TALLY_SERVER_CHUNK) };
  gint fds[2];
  guint8 byte;

  CU_ASSERT_FATAL (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  connection = connection_new (server, fds[0], FALSE);
  tally_buffer_append (&connection->output, "answer", 6);
  for (guint i = 0; i < 2; i++)
    write_request (&connection->input, &framed_binary, "ping", T_CALL, i, NULL, NULL);
  assert_int (server_connection_give_up (connection, &worker), TURN_CLOSE);
  server_connection_release (connection);
  CU_ASSERT (recv (fds[1], &byte, 1, 0) == 0);
  close (fds[1]);
  server_connection_free (connection);
  g_free (worker.input);
}

/* A refused peer has one time for all that it sends: half a request is no way to hold a place longer. */
static void
a_refused_peer_has_one_time_for_all (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", NULL);
  ServerConnection *connection = connection_new (server, dup (0), TRUE);
  gint64 first = connection->deadline;

  CU_ASSERT (first > 0);
  let_the_clock_move ();
  tally_buffer_append (&connection->input, "half", 4);
  server_connection_set_deadline (connection, FALSE);
  assert_int (connection->phase, PHASE_READING);
  assert_int (connection->deadline, first);
  tally_buffer_append (&connection->output, "answer", 6);
  server_connection_set_deadline (connection, TRUE);
  assert_int (connection->phase, PHASE_WRITING);
  assert_int (connection->deadline, first);
  server_connection_release (connection);
  server_connection_free (connection);
}

/* ---- what each connection holds, since when ---- */

/* @connection receives @length bytes. */
static ServerTurn
feed (
    ServerConnection *connection, ServerWorker *worker, gint fd, const guint8 *bytes, gsize length)
{
  ServerTurn turn;

  CU_ASSERT (send (fd, bytes, length, MSG_NOSIGNAL) == (gssize) length);
  do
    turn = server_connection_turn (connection, worker, FALSE);
  while ((tally_stream_get_watch (&connection->stream, TALLY_STREAM_READABLE) & POLLIN) == 0);
  return turn;
}

/* A connection that always has the next request's beginning behind a whole one does not hold that since
 * its first. */
static void
a_completed_message_begins_the_hold_anew (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0?transport=framed", NULL);
  ServerWorker worker = { .server = server, .input = g_malloc (TALLY_SERVER_CHUNK) };
  ServerConnection *connections[2];
  TallyBuffer request = { NULL, 0, 0 };
  gint fds[2][2];
  gsize half;

  write_request (&request, &framed_binary, "ping", T_CALL, 1, NULL, NULL);
  half = request.length / 2;
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT_FATAL (socketpair (AF_UNIX, SOCK_STREAM, 0, fds[i]) == 0);
      connections[i] = connection_new (server, fds[i][0], FALSE);
      assert_int (feed (connections[i], &worker, fds[i][1], request.data, half), TURN_WAIT);
    }
  CU_ASSERT (server->first_holder == connections[0]);
  tally_buffer_append (&request, request.data, request.length);
  assert_int (feed (connections[0], &worker, fds[0][1], request.data + half,
                    request.length - 2 * half),
              TURN_SERVED);
  CU_ASSERT (connections[0]->holds > 0);
  CU_ASSERT (server->first_holder == connections[1]);
  assert_int (feed (connections[1], &worker, fds[1][1], request.data + half, 1), TURN_WAIT);
  CU_ASSERT (server->first_holder == connections[1]);
  for (guint i = 0; i < 2; i++)
    {
      server_connection_release (connections[i]);
      server_connection_free (connections[i]);
      close (fds[i][1]);
    }
  assert_int (server->held, 0);
  tally_buffer_clear (&request);
  tally_buffer_clear (&worker.output);
  g_free (worker.input);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_time_for_an_answer_is_its_own),
    TEST (what_takes_no_answers_is_not_refused_in_words),
    TEST (a_refused_peer_has_one_time_for_all),
    TEST (a_completed_message_begins_the_hold_anew),
    { NULL, NULL },
  };

  return test_main ("server-connection", cases, argc, argv);
}
