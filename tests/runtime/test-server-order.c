/* Owns the tests of a server that executes several requests of one connection side by side: in which order their answers
 * leave, how many run at once, and how the connection ends. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"
#include "test-stream.h"
#include "tls-relay.h"

#define ANY_ORDER "tcp://127.0.0.1:0?order=any"
#define N_CALLS 6
#define N_ECHOES 100

static void
write_block (TallyBuffer *requests, gint32 seqid)
{
  write_request (requests, &framed_binary, "block", T_CALL, seqid, NULL, NULL);
}

/* Sends blocks number 1 to @count in one piece. */
static void
send_blocks (gint fd, guint count)
{
  TallyBuffer requests = { NULL, 0, 0 };

  for (guint i = 1; i <= count; i++)
    write_block (&requests, i);
  peer_send (fd, &requests);
}

static gint
receive_seqid (gint fd, gint type)
{
  Answer answer;
  gint seqid = -1;

  if (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &answer) && answer.type == type)
    seqid = answer.seqid;
  answer_clear (&answer);
  return seqid;
}

/* The answers of blocks 1 to @count come, in whatever order. */
static void
receive_blocks (gint fd, guint count)
{
  guint64 seen = 0;

  for (guint i = 0; i < count; i++)
    seen |= G_GUINT64_CONSTANT (1) << (receive_seqid (fd, T_REPLY) & 63);
  CU_ASSERT (seen == ((G_GUINT64_CONSTANT (1) << count) - 1) << 1);
}

static void
six_calls_of_one_connection_are_inside_at_once (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, NULL);
  gint fd = peer_connect (running);

  send_blocks (fd, N_CALLS);
  test_handler_wait_inside (running->handler, N_CALLS);
  test_handler_release (running->handler);
  receive_blocks (fd, N_CALLS);
  close (fd);
  running_stop (running);
}

/* Each request comes alone, after the one before has begun. */
static void
calls_that_come_one_by_one_are_inside_at_once (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, NULL);
  gint fd = peer_connect (running);

  for (guint i = 1; i <= N_CALLS; i++)
    {
      TallyBuffer request = { NULL, 0, 0 };

      write_block (&request, i);
      peer_send (fd, &request);
      test_handler_wait_inside (running->handler, i);
    }
  test_handler_release (running->handler);
  receive_blocks (fd, N_CALLS);
  close (fd);
  running_stop (running);
}

static void
a_quick_answer_overtakes_slow_ones (void)
{
  for (guint s = 0; s < 4; s++)
    {
      Running *running = running_start (&all_speeches[s], ANY_ORDER, NULL);
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };
      Answer answer;

      write_request (&request, running->speech, "block", T_CALL, 1, NULL, NULL);
      peer_send (fd, &request);
      test_handler_wait_inside (running->handler, 1);
      CU_ASSERT (peer_echoes (fd, running->speech, 2, "quick"));
      test_handler_release (running->handler);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_BOOL, &answer));
      assert_int (answer.seqid, 1);
      answer_clear (&answer);
      close (fd);
      running_stop (running);
    }
}

/* Without order=any answers leave in the order of the requests, whenever they are there. */
static void
concurrent_answers_leave_in_order (void)
{
  Running *running = running_start (&framed_binary, NULL, "concurrent=1");
  gint fd = peer_connect (running);
  TallyBuffer requests = { NULL, 0, 0 };

  write_block (&requests, 1);
  write_echo (&requests, &framed_binary, 2, "second");
  peer_send (fd, &requests);
  test_handler_wait_inside (running->handler, 1);
  test_handler_wait_calls (running->handler, 1); /* the echo */
  test_handler_release (running->handler);
  assert_int (receive_seqid (fd, T_REPLY), 1);
  assert_int (receive_seqid (fd, T_REPLY), 2);
  close (fd);
  running_stop (running);
}

/* Calls of another connection are all that the loop finds meanwhile. */
static void
check_quiet (const Running *running, gint fd)
{
  guint64 before;

  CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "x"));
  before = atomic_peek (&running->server->n_events);
  for (guint i = 0; i < N_ECHOES; i++)
    CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "x"));
  CU_ASSERT (atomic_peek (&running->server->n_events) - before <= 3 * N_ECHOES);
}

/* Neither what the connection will not take nor the end that it has seen is looked at again and again. */
static void
a_connection_whose_handlers_run_costs_nothing (void)
{
  for (guint n_sent = 1; n_sent <= 4; n_sent += 3)
    {
      Running *running =
          running_start (&framed_binary, ANY_ORDER, "max-concurrent=2 max-workers=8");
      gint fd = peer_connect (running);
      gint other = peer_connect (running);

      send_blocks (fd, n_sent);
      test_handler_wait_inside (running->handler, MIN (n_sent, 2));
      check_quiet (running, other);
      close (fd);
      tls_relay_settle ();
      check_quiet (running, other);
      test_handler_release (running->handler);
      close (other);
      running_stop (running);
    }
}

static void
no_more_run_at_once_than_the_property_says (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "max-concurrent=2");
  gint fd = peer_connect (running);

  send_blocks (fd, N_CALLS);
  test_handler_wait_inside (running->handler, 2);
  for (guint i = 0; i < N_CALLS; i++)
    {
      test_handler_release_one (running->handler);
      CU_ASSERT (receive_seqid (fd, T_REPLY) > 0);
    }
  assert_int (running->handler->max_inside, 2);
  close (fd);
  running_stop (running);
}

/* The only connection is nobody's: it waits for an event, or for what runs. */
static void
await_parked (Running *running)
{
  gboolean is_parked;

  do
    {
      const ServerConnection *connection;

      g_thread_yield ();
      pthread_mutex_lock (&running->server->lock);
      connection = running->server->connections;
      is_parked = connection != NULL && atomic_get (&connection->owner) == OWNER_NOBODY;
      pthread_mutex_unlock (&running->server->lock);
    }
  while (!is_parked);
}

/* A new peer's first requests are more than may run at once, and epoll is told of the connection behind these. Once they are
 * answered the next one is found all the same. */
static void
a_connection_that_was_full_at_first_is_heard_later (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "max-concurrent=2");
  gint fd;

  pthread_mutex_lock (&running->server->lock); /* the server looks when all have come */
  fd = peer_connect (running);
  send_blocks (fd, 3);
  pthread_mutex_unlock (&running->server->lock);
  test_handler_wait_inside (running->handler, 2);
  await_parked (running);
  test_handler_release (running->handler);
  receive_blocks (fd, 3);
  await_parked (running);
  CU_ASSERT (peer_echoes (fd, &framed_binary, 4, "heard"));
  close (fd);
  running_stop (running);
}

/* One that pipelines slow calls does not get every worker. */
static void
other_connections_keep_workers (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "max-workers=4");
  gint greedy = peer_connect (running);
  gint modest;

  send_blocks (greedy, 32);
  test_handler_wait_inside (running->handler, 3);
  modest = peer_connect (running);
  CU_ASSERT (peer_echoes (modest, &framed_binary, 7, "not starved"));
  assert_int (running->handler->max_inside, 3);
  test_handler_release (running->handler);
  receive_blocks (greedy, 32);
  close (greedy);
  close (modest);
  running_stop (running);
}

static void
one_worker_executes_one_after_another (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "max-workers=1");
  gint fd = peer_connect (running);

  test_handler_release (running->handler);
  send_blocks (fd, N_CALLS);
  receive_blocks (fd, N_CALLS);
  close (fd);
  running_stop (running);
}

/* What ends the connection comes after the answers of what was before it. */
static void
an_unreadable_message_waits_for_the_answers (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, NULL);
  gint fd = peer_connect (running);
  TallyBuffer garbage = { NULL, 0, 0 };

  send_blocks (fd, 2);
  write_raw (&garbage, &framed_binary, "garbage", 7);
  peer_send (fd, &garbage);
  test_handler_wait_inside (running->handler, 2);
  test_handler_release (running->handler);
  receive_blocks (fd, 2);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
  check_alive (running);
  running_stop (running);
}

static void
a_peer_that_ended_its_half_gets_its_answers (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, NULL);
  gint fd = peer_connect (running);

  send_blocks (fd, 2);
  shutdown (fd, SHUT_WR);
  test_handler_wait_inside (running->handler, 2);
  test_handler_release (running->handler);
  receive_blocks (fd, 2);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
  running_stop (running);
}

static void
a_stop_waits_for_what_runs (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "drain-timeout=0");
  gint fd = peer_connect (running);

  send_blocks (fd, N_CALLS);
  test_handler_wait_inside (running->handler, N_CALLS);
  tally_server_stop (running->server);
  test_handler_release (running->handler);
  receive_blocks (fd, N_CALLS);
  close (fd);
  running_join (running);
}

static void
await_waiting_requests (Running *running, guint count)
{
  guint n_waiting;

  do
    {
      g_thread_yield ();
      pthread_mutex_lock (&running->server->lock);
      n_waiting = running->server->turns.n_waiting;
      pthread_mutex_unlock (&running->server->lock);
    }
  while (n_waiting < count);
}

/* Past its time a stop refuses what has not begun, and waits for what has. */
static void
a_stop_refuses_what_has_not_begun (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, "drain-timeout=1 max-workers=1");
  gint fd = peer_connect (running);

  send_blocks (fd, 3);
  test_handler_wait_inside (running->handler, 1);
  await_waiting_requests (running, 2);
  tally_server_stop (running->server);
  check_refusal (fd, &framed_binary, 2, "the server is stopping");
  check_refusal (fd, &framed_binary, 3, "the server is stopping");
  test_handler_release (running->handler);
  assert_int (receive_seqid (fd, T_REPLY), 1);
  check_goodbye (fd, &framed_binary);
  close (fd);
  running_join (running);
}

static void
answers_to_a_client_that_left_are_dropped (void)
{
  Running *running = running_start (&framed_binary, ANY_ORDER, NULL);
  gint fd = peer_connect (running);

  send_blocks (fd, 2);
  test_handler_wait_inside (running->handler, 2);
  peer_reset (fd);
  running_await_connections (running, 0);
  test_handler_release (running->handler);
  while (running_snapshot (running).dropped < 2)
    g_thread_yield ();
  check_alive (running);
  running_stop (running);
}

/* What is read ahead counts as unfinished: past the limit a connection's requests stay in the kernel, and none is lost. */
static void
no_more_is_read_ahead_than_memory_allows (void)
{
  Running *running =
      running_start (&framed_binary, ANY_ORDER, "max-unfinished=200000 max-concurrent=64");
  gint fd = peer_connect (running);
  g_autofree gchar *text = g_strnfill (50000, 'x');
  guint n_answered = 0;

  test_handler_release (running->handler);
  for (guint i = 0; i < 4; i++)
    {
      TallyBuffer requests = { NULL, 0, 0 };

      write_block (&requests, 1);
      write_echo (&requests, &framed_binary, 2, text);
      peer_send (fd, &requests);
    }
  for (guint i = 0; i < 8; i++)
    n_answered += receive_seqid (fd, T_REPLY) > 0;
  assert_int (n_answered, 8);
  close (fd);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (six_calls_of_one_connection_are_inside_at_once),
    TEST (calls_that_come_one_by_one_are_inside_at_once),
    TEST (a_quick_answer_overtakes_slow_ones),
    TEST (concurrent_answers_leave_in_order),
    TEST (a_connection_whose_handlers_run_costs_nothing),
    TEST (no_more_run_at_once_than_the_property_says),
    TEST (a_connection_that_was_full_at_first_is_heard_later),
    TEST (other_connections_keep_workers),
    TEST (one_worker_executes_one_after_another),
    TEST (an_unreadable_message_waits_for_the_answers),
    TEST (a_peer_that_ended_its_half_gets_its_answers),
    TEST (a_stop_waits_for_what_runs),
    TEST (a_stop_refuses_what_has_not_begun),
    TEST (answers_to_a_client_that_left_are_dropped),
    TEST (no_more_is_read_ahead_than_memory_allows),
    { NULL, NULL },
  };

  return test_main ("server-order", cases, argc, argv);
}
