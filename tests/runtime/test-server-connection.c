/* Owns the tests of a server's connection alone, without a server that runs: how long it may be in
 * which state, and what it gives up. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-requests-private.h"
#include "test-stream.h"

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
  g_autoptr (TallyServer) server = server_new_idle ("tcp://127.0.0.1:0", NULL);
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

/* Of a closed connection a late event may come when its descriptor's number is the next one's. */
static void
an_event_is_for_its_own_connection (void)
{
  g_autoptr (TallyServer) server = server_new_idle ("tcp://127.0.0.1:0", NULL);
  const gint fds[] = { 3, 200, 3, 63, 64, 5000, 3 };
  ServerConnection connections[G_N_ELEMENTS (fds)] = { { 0 } };
  guint64 tickets[G_N_ELEMENTS (fds)];

  CU_ASSERT_PTR_NULL (server_find_by_ticket (server, (guint64) 1 << 32 | 3));
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      connections[i].stream.fd = fds[i];
      server_issue_ticket_locked (server, &connections[i]);
      tickets[i] = (guint64) connections[i].round << 32 | (guint) fds[i];
      CU_ASSERT_PTR_EQUAL (server_find_by_ticket (server, tickets[i]), &connections[i]);
      CU_ASSERT_PTR_NULL (server_find_by_ticket (server, (guint) fds[i])); /* no connection's */
      if (fds[i] != 3)
        continue;
      server_void_ticket_locked (server, &connections[i]);
      for (guint j = 0; j <= i; j++)
        CU_ASSERT_PTR_EQUAL (server_find_by_ticket (server, tickets[j]),
                             fds[j] == 3 ? NULL : &connections[j]);
    }
  server->tickets[3].round = G_MAXUINT;
  server_issue_ticket_locked (server, &connections[0]);
  CU_ASSERT_NOT_EQUAL (connections[0].round, 0);
}

/* ---- what it gives up ---- */

/* A connection whose server does not run, and its peer. */
typedef struct
{
  TestHandler *handler;
  GObject *processor;
  TallyServer *server;
  ServerConnection *connection;
  ServerWorker worker;
  gint peer;
} Alone;

static void
alone_init (Alone *self, gboolean side_by_side)
{
  gint fds[2];

  *self = (Alone){ .handler = g_object_new (test_handler_get_type (), NULL) };
  self->processor = G_OBJECT (test_processor_new (derived_processor_get_type (), self->handler));
  self->server = tally_server_new (THRIFT_PROCESSOR (self->processor),
                                   "tcp://127.0.0.1:0?transport=framed", NULL);
  self->server->side_by_side = self->server->in_any_order = side_by_side;
  self->server->max_workers = 0; /* so that none is started */
  CU_ASSERT_FATAL (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  self->connection = connection_new (self->server, fds[0], FALSE);
  self->worker = (ServerWorker){ .server = self->server, .input = g_malloc (TALLY_SERVER_CHUNK) };
  self->peer = fds[1];
}

static void
alone_clear (Alone *self)
{
  GPtrArray *cancellables;

  pthread_mutex_lock (&self->server->lock);
  cancellables = server_orphan_requests_locked (self->connection);
  pthread_mutex_unlock (&self->server->lock);
  server_drop_requests (self->connection, cancellables);
  server_connection_release (self->connection);
  assert_int (self->server->held, 0);
  server_connection_free (self->connection);
  tally_buffer_clear (&self->worker.output);
  tally_buffer_clear (&self->worker.next_answer);
  g_free (self->worker.input);
  close (self->peer);
  g_object_unref (self->server);
  g_object_unref (self->processor);
  g_object_unref (self->handler);
}

/* Answers of @length bytes are kept for the peer. */
static void
keep_answers (Alone *self, gsize length)
{
  g_autofree gchar *answers = g_strnfill (length, 'a');

  tally_buffer_append (&self->connection->output, answers, length);
  server_hold (self->connection, FALSE);
}

/* Two requests that no worker has come to. */
static void
keep_requests (Alone *self)
{
  for (guint i = 0; i < 2; i++)
    write_request (&self->connection->input, &framed_binary, "ping", T_CALL, i, NULL, NULL);
  server_hold (self->connection, FALSE);
}

/* The peer takes @length bytes of answers, and then reads why its two requests were not executed. */
static void
check_answers_then_refusals (Alone *self, gsize length)
{
  gchar bytes[4096];

  while (length > 0)
    {
      gssize count = recv (self->peer, bytes, MIN (length, sizeof bytes), MSG_DONTWAIT);

      CU_ASSERT_FATAL (count > 0);
      for (gssize i = 0; i < count; i++)
        CU_ASSERT (bytes[i] == 'a');
      length -= count;
      if (self->connection->output.length > 0)
        CU_ASSERT (server_connection_turn (self->connection, &self->worker, FALSE) != TURN_CLOSE);
    }
  for (guint i = 0; i < 2; i++)
    check_refusal (self->peer, &framed_binary, i, "unfinished messages");
}

/* The end that waits for its turn comes at once, with its refusal. */
static void
a_paced_connection_gives_up_by_ending (void)
{
  const gint64 now = g_get_monotonic_time ();
  const guint8 endless[] = { 0x7f, 0xff, 0xff, 0xff };
  gchar bytes[4096];
  Alone alone;

  if (test_skip_layered ("it relies on what the kernel takes"))
    return;
  alone_init (&alone, FALSE);
  for (guint i = 0; i < 1000; i++)
    (void) server_pace_take (&alone.server->pace, now + G_TIME_SPAN_HOUR);
  CU_ASSERT (send (alone.peer, endless, sizeof endless, 0) == sizeof endless);
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT (server_connection_turn (alone.connection, &alone.worker, FALSE) == TURN_WAIT);
      assert_int (alone.connection->phase, PHASE_PACED);
      assert_int (alone.connection->deadline, 0);
      server_connection_set_deadline (alone.connection, TRUE);
      CU_ASSERT (recv (alone.peer, bytes, sizeof bytes, MSG_DONTWAIT) < 0);
    }
  CU_ASSERT (server_connection_give_up (alone.connection, &alone.worker) == TURN_WAIT);
  assert_int (alone.connection->phase, PHASE_LINGERING);
  CU_ASSERT (recv (alone.peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
  server_pace_leave_locked (alone.connection);
  alone_clear (&alone);
}

static void
answers_leave_before_the_refusals (void)
{
  Alone alone;

  if (test_skip_layered ("it relies on what the kernel takes"))
    return;
  alone_init (&alone, FALSE);
  keep_answers (&alone, 6);
  keep_requests (&alone);
  assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_SERVED);
  assert_int (alone.server->held, 0);
  check_answers_then_refusals (&alone, 6);
  alone_clear (&alone);
}

/* The answers that a peer does not take are what it loses last. */
static void
refusals_stand_behind_answers_that_are_not_taken (void)
{
  const gsize length = 4 * 1024 * 1024; /* more than the kernel takes */

  if (test_skip_layered ("it relies on what the kernel takes"))
    return;
  for (guint is_taken = 0; is_taken < 2; is_taken++)
    {
      Alone alone;

      alone_init (&alone, FALSE);
      keep_answers (&alone, length);
      keep_requests (&alone);
      assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_SERVED);
      assert_int (alone.connection->input.capacity, 0);
      if (is_taken)
        check_answers_then_refusals (&alone, length);
      else
        assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_CLOSE);
      alone_clear (&alone);
    }
}

static void
answers_that_are_taken_meanwhile_are_not_lost (void)
{
  Alone alone;
  gchar answers[6];

  if (test_skip_layered ("it relies on what the kernel takes"))
    return;
  alone_init (&alone, FALSE);
  keep_answers (&alone, sizeof answers);
  assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_WAIT);
  CU_ASSERT (recv (alone.peer, answers, sizeof answers, MSG_DONTWAIT) == sizeof answers);
  alone_clear (&alone);
}

/* The peer sends a request with a text of @length bytes, and the connection sets it apart. */
static void
set_apart (Alone *self, gsize length)
{
  g_autofree gchar *text = g_strnfill (length, 'x');
  TallyBuffer request = { NULL, 0, 0 };
  guint before = self->connection->n_requests;

  write_echo (&request, &framed_binary, 1, text);
  peer_send (self->peer, &request);
  while (self->connection->n_requests == before)
    CU_ASSERT_FATAL (server_connection_turn (self->connection, &self->worker, FALSE) != TURN_CLOSE);
}

/* The one that waits is executed. */
static void
run_apart (Alone *self)
{
  ServerRequest *request;

  pthread_mutex_lock (&self->server->lock);
  request = server_take_request_locked (self->server);
  pthread_mutex_unlock (&self->server->lock);
  server_run_request (request, &self->worker);
}

/* Past the limit a connection whose requests run apart reads no further, also where an answer is half sent. It is
 * lost only for answers that pile up. */
static void
what_runs_apart_outlives_the_limit (void)
{
  Alone alone;

  alone_init (&alone, TRUE);
  set_apart (&alone, 5000);
  keep_answers (&alone, 100 * 1000);
  alone.server->max_unfinished = alone.server->held - 1;
  assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_WAIT);
  CU_ASSERT (alone.connection->is_full);
  assert_int (alone.connection->n_requests, 1);
  alone.server->max_unfinished = alone.server->held / 2 - 1;
  assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_CLOSE);
  alone_clear (&alone);
}

/* Where requests, and not answers, are what it holds it is not lost at all. */
static void
large_requests_that_run_are_not_lost (void)
{
  Alone alone;

  alone_init (&alone, TRUE);
  set_apart (&alone, 20 * 1000);
  keep_answers (&alone, 1000);
  alone.server->max_unfinished = 1;
  assert_int (server_connection_give_up (alone.connection, &alone.worker), TURN_WAIT);
  assert_int (alone.connection->n_requests, 1);
  alone_clear (&alone);
}

/* An answer that waits behind one that is half sent is held, too. */
static void
answers_behind_others_are_counted (void)
{
  const gsize length = 100 * 1000;
  Alone alone;
  gsize before;

  alone_init (&alone, TRUE);
  set_apart (&alone, length);
  keep_answers (&alone, 4 * 1024 * 1024); /* more than the kernel takes */
  before = alone.server->held;
  run_apart (&alone);
  assert_int (server_connection_turn (alone.connection, &alone.worker, FALSE), TURN_WAIT);
  CU_ASSERT (alone.server->held >= before + length);
  assert_int (alone.connection->n_requests, 1);
  alone_clear (&alone);
}

/* While the server stops an answer waits for the turn's end, and is held until then. */
static void
answers_of_a_stop_are_counted (void)
{
  const gsize length = 10 * 1000;
  g_autofree gchar *text = g_strnfill (length, 'x');
  TallyBuffer requests = { NULL, 0, 0 };
  Alone alone;

  alone_init (&alone, FALSE);
  atomic_set (&alone.server->stopping, TRUE);
  write_echo (&requests, &framed_binary, 1, text);
  tally_buffer_append (&requests, "\0\0", 2); /* the next one begins */
  peer_send (alone.peer, &requests);
  while (alone.connection->parting.length == 0)
    CU_ASSERT_FATAL (server_connection_turn (alone.connection, &alone.worker, FALSE) != TURN_CLOSE);
  CU_ASSERT (alone.connection->parting.length > length);
  assert_int (alone.server->held,
              alone.connection->input.capacity + alone.connection->parting.capacity);
  server_connection_set_deadline (alone.connection, TRUE);
  assert_int (server_connection_part (alone.connection, &alone.worker, TURN_SERVED), TURN_SERVED);
  assert_int (alone.connection->parting.capacity, 0);
  assert_int (alone.server->held,
              alone.connection->input.capacity + alone.connection->output.capacity);
  alone_clear (&alone);
}

/* A refused peer has one time for all that it sends: half a request is no way to hold a place longer. */
static void
a_refused_peer_has_one_time_for_all (void)
{
  g_autoptr (TallyServer) server = server_new_idle ("tcp://127.0.0.1:0", NULL);
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
  g_autoptr (TallyServer) server = server_new_idle ("tcp://127.0.0.1:0?transport=framed", NULL);
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
    TEST (an_event_is_for_its_own_connection),
    TEST (answers_leave_before_the_refusals),
    TEST (a_paced_connection_gives_up_by_ending),
    TEST (refusals_stand_behind_answers_that_are_not_taken),
    TEST (answers_that_are_taken_meanwhile_are_not_lost),
    TEST (what_runs_apart_outlives_the_limit),
    TEST (large_requests_that_run_are_not_lost),
    TEST (answers_behind_others_are_counted),
    TEST (answers_of_a_stop_are_counted),
    TEST (a_refused_peer_has_one_time_for_all),
    TEST (a_completed_message_begins_the_hold_anew),
    { NULL, NULL },
  };

  return test_main ("server-connection", cases, argc, argv);
}
