/* Owns the tests of what a TallyServer refuses because it has too much to do, or stops: everything
 * that was read and is not executed is answered by words that say so. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"

#define BINARY (&framed_binary)
#define COMPACT (&all_speeches[3]) /* unframed */

/* ---- the queue ---- */

/* Every worker is in a handler: so many wait, the others are told. */
static void
more_wait_than_may (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=2 max-queued=3");
  gint busy[2], waiting[10];

  for (guint i = 0; i < G_N_ELEMENTS (waiting); i++)
    waiting[i] = peer_connect_and_greet (running);
  for (guint i = 0; i < 2; i++)
    {
      busy[i] = peer_connect (running);
      peer_call (busy[i], BINARY, "block", i);
      test_handler_wait_inside (running->handler, i + 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (waiting); i++)
    peer_call (waiting[i], BINARY, "ping", i);
  /* Those past the limit are told, and may ask again; the kernel decides which comes first. */
  for (guint left = G_N_ELEMENTS (waiting); left > 3; left--)
    {
      guint i = peer_await_any (waiting, G_N_ELEMENTS (waiting));

      check_refusal (waiting[i], BINARY, i, "3 requests wait for its 2 workers");
      close (waiting[i]);
      waiting[i] = -1;
    }
  test_handler_release (running->handler);
  for (guint i = 0; i < G_N_ELEMENTS (waiting); i++)
    if (waiting[i] >= 0)
      {
        check_reply (waiting[i], BINARY, i);
        close (waiting[i]);
      }
  for (guint i = 0; i < 2; i++)
    {
      check_reply (busy[i], BINARY, i);
      close (busy[i]);
    }
  running_stop (running);
}

/* Once the only worker waits in the loop again, nothing is refused that it would serve at once. */
static void
one_worker_is_free_again (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1 max-queued=1");
  gint fds[3];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = peer_connect (running);
      peer_call (fds[i], BINARY, i == 0 ? "block" : "ping", i);
      test_handler_wait_inside (running->handler, 1);
    }
  peer_await_any (fds, G_N_ELEMENTS (fds)); /* one of two was refused */
  test_handler_release (running->handler);
  check_reply (fds[0], BINARY, 0);
  while (atomic_get (&running->server->crowded))
    g_thread_yield ();
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  running_stop (running);
}

/* Until the only worker is stuck in a handler and somebody waits for it; and a little longer. */
static void
await_crowd (Running *running)
{
  TallyServer *server = running->server;
  gboolean somebody_waits;
  gint64 began;

  do
    {
      g_thread_yield ();
      pthread_mutex_lock (&server->lock);
      somebody_waits = server->ready_head != NULL && atomic_peek (&server->crowded);
      pthread_mutex_unlock (&server->lock);
    }
  while (!somebody_waits);
  began = g_get_monotonic_time ();
  while (g_get_monotonic_time () - began < 30 * 1000) /* the clock that is looked at is coarse */
    g_thread_yield ();
}

/* With requests behind those that took long a connection does not keep the last worker: those that
 * wait come first. */
static void
long_requests_of_one_connection_let_others_in (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1");
  TallyBuffer requests = { NULL, 0, 0 };
  gint busy = peer_connect_and_greet (running);
  gint waiting = peer_connect_and_greet (running);

  for (guint i = 0; i < 3; i++)
    write_request (&requests, BINARY, "block", T_CALL, i, NULL, NULL);
  peer_send (busy, &requests);
  for (guint i = 0; i < 2; i++)
    {
      test_handler_wait_inside (running->handler, 1);
      peer_call (waiting, BINARY, "ping", i);
      await_crowd (running);
      test_handler_release_one (running->handler);
      check_reply (waiting, BINARY, i);
      check_reply (busy, BINARY, i);
    }
  test_handler_release (running->handler);
  check_reply (busy, BINARY, 2);
  close (busy);
  close (waiting);
  running_stop (running);
}

/* Two connections that never pause take turns with each other, and with all others. */
static void
who_never_pauses_lets_others_in (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1 drain-timeout=20");
  pthread_t senders[2];
  gint fds[2];

  for (guint i = 0; i < 2; i++)
    {
      fds[i] = peer_connect (running);
      CU_ASSERT_FATAL (pthread_create (&senders[i], NULL, peer_send_calls, GINT_TO_POINTER (fds[i]))
                       == 0);
    }
  test_handler_wait_notes (running->handler, 1000);
  for (guint i = 0; i < 3; i++)
    check_alive (running);
  running_stop (running);
  for (guint i = 0; i < 2; i++)
    {
      pthread_join (senders[i], NULL);
      close (fds[i]);
    }
}

/* A refused request costs neither its connection nor those behind it. */
static void
longer_than_one_may_wait (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      const Speech *speech = &all_speeches[s];
      Running *running = running_start (speech, NULL, "max-workers=1 queue-timeout=5");
      gint busy = peer_connect (running);
      gint waiting = peer_connect (running);
      gint32 seqid = 7;

      while (peer_call (busy, speech, "block", 1), !peer_is_inside (running, busy))
        check_refusal (busy, speech, 1,
                       "waited 5 ms"); /* on a busy machine it, too, waited longer */
      for (guint i = 0; i < 3; i++)
        {
          peer_call (waiting, speech, "ping", i);
          check_refusal (waiting, speech, i, "waited 5 ms");
        }
      test_handler_release (running->handler);
      check_reply (busy, speech, 1);
      while (!peer_echoes (waiting, speech, seqid, "now")) /* it may have waited longer */
        CU_ASSERT_FATAL (seqid++ < 1000);
      close (busy);
      close (waiting);
      running_stop (running);
    }
}

/* Where the next message begins cannot be told, though this one is refused for another reason. */
static void
a_message_without_an_end_is_the_last (void)
{
  Running *running = running_start (COMPACT, NULL, "max-workers=1 queue-timeout=5");
  gint busy = peer_connect (running);
  gint waiting = peer_connect (running);
  TallyBuffer messages = { NULL, 0, 0 };

  while (peer_call (busy, COMPACT, "block", 1), !peer_is_inside (running, busy))
    check_refusal (busy, COMPACT, 1, "waited 5 ms"); /* on a busy machine it, too, waited longer */
  write_endless (&messages, COMPACT, 7);
  write_request (&messages, COMPACT, "ping", T_CALL, 8, NULL, NULL);
  peer_send (waiting, &messages);
  check_refusal (waiting, COMPACT, 7, "waited 5 ms");
  CU_ASSERT (peer_sees_end (waiting));
  test_handler_release (running->handler);
  check_reply (busy, COMPACT, 1);
  close (busy);
  close (waiting);
  running_stop (running);
}

static void
send_four (gint fd)
{
  TallyBuffer requests = { NULL, 0, 0 };

  write_request (&requests, BINARY, "block", T_CALL, 1, NULL, NULL);
  write_request (&requests, BINARY, "ping", T_CALL, 2, NULL, NULL);
  write_request (&requests, BINARY, "note", T_ONEWAY, 3, NULL, NULL);
  write_request (&requests, BINARY, "ping", T_CALL, 4, NULL, NULL);
  peer_send (fd, &requests);
}

/* The limit also holds for requests behind another one on their connection. */
static void
waits_behind_another_of_its_connection (void)
{
  Running *running = running_start (BINARY, NULL, "queue-timeout=1");
  gint32 seqid = 5;
  gint64 began;
  gint fd;

  while (fd = peer_connect (running), send_four (fd), !peer_is_inside (running, fd))
    close (fd); /* on a busy machine the first one, too, may have waited */
  began = g_get_monotonic_time ();
  while (g_get_monotonic_time () - began < 20 * 1000) /* the clock that is looked at is coarse */
    g_thread_yield ();
  test_handler_release (running->handler);
  check_reply (fd, BINARY, 1);
  check_refusal (fd, BINARY, 2, "waited 1 ms");
  check_refusal (fd, BINARY, 4, "waited 1 ms");
  while (!peer_echoes (fd, BINARY, seqid, "and on")) /* it may have waited longer */
    CU_ASSERT_FATAL (seqid++ < 1000);
  assert_int (running->handler->n_notes, 0);
  close (fd);
  running_stop (running);
}

/* ---- stopping ---- */

/* To each, whatever it did before: a request may be on its way. */
static void
stop_says_goodbye (void)
{
  Running *running = running_start (BINARY, NULL, "drain-timeout=0");
  gint one = peer_connect (running);
  gint several = peer_connect (running);
  gint quiet = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };

  write_request (&request, BINARY, "ping", T_CALL, 1, NULL, NULL);
  write_request (&request, BINARY, "ping", T_CALL, 2, NULL, NULL);
  peer_send (quiet, &request);
  check_reply (quiet, BINARY, 1);
  check_reply (quiet, BINARY, 2);
  peer_call (one, BINARY, "block", 1);
  peer_call (several, BINARY, "block", 1);
  test_handler_wait_inside (running->handler, 2);
  tally_server_stop (running->server);
  check_goodbye (quiet, BINARY);
  peer_call (several, BINARY, "ping", 2);
  test_handler_release (running->handler);
  check_reply (one, BINARY, 1);
  check_goodbye (one, BINARY);
  check_reply (several, BINARY, 1);
  check_reply (several, BINARY, 2);
  check_goodbye (several, BINARY);
  close (one);
  close (several);
  close (quiet);
  running_join (running);
}

/* What was read together with a request that is under way is executed, and all answers come with the
 * end. */
static void
stop_answers_what_was_read (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      const Speech *speech = &all_speeches[s];
      Running *running = running_start (speech, NULL, "drain-timeout=0");
      TallyBuffer request = { NULL, 0, 0 };
      gint fd = peer_connect (running);

      write_request (&request, speech, "block", T_CALL, 1, NULL, NULL);
      write_request (&request, speech, "ping", T_CALL, 2, NULL, NULL);
      peer_send (fd, &request);
      test_handler_wait_inside (running->handler, 1);
      tally_server_stop (running->server);
      peer_call (fd, speech, "ping", 3);
      test_handler_release (running->handler);
      for (gint i = 1; i <= 3; i++)
        check_reply (fd, speech, i);
      check_goodbye (fd, speech);
      close (fd);
      running_join (running);
    }
}

/* Over a Unix socket nothing can be sent that would not be read. */
static void
stop_of_a_local_server_lets_nothing_in (void)
{
  g_autofree gchar *address = g_strdup_printf ("unix:@tally-limits-%d", (gint) getpid ());
  Running *running = running_start (BINARY, address, "drain-timeout=0");
  gint busy = peer_connect (running);
  gint idle = peer_connect (running);
  guint8 byte = 0;

  CU_ASSERT (peer_echoes (idle, BINARY, 1, "before"));
  peer_call (busy, BINARY, "block", 1);
  test_handler_wait_inside (running->handler, 1);
  tally_server_stop (running->server);
  CU_ASSERT (peer_sees_end (idle));
  CU_ASSERT (send (idle, &byte, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
  peer_call (busy, BINARY, "ping", 2);
  test_handler_release (running->handler);
  check_reply (busy, BINARY, 1);
  CU_ASSERT (send (busy, &byte, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
  check_reply (busy, BINARY, 2);
  CU_ASSERT (peer_sees_end (busy));
  close (busy);
  close (idle);
  running_join (running);
}

static void *
serve_once (void *server)
{
  CU_ASSERT (thrift_server_serve (server, NULL));
  return NULL;
}

/* What a stop says last to a peer of a server at @address. */
static void
check_last (gint fd, const gchar *address)
{
  if (g_str_has_prefix (address, "tcp:"))
    check_goodbye (fd, BINARY);
  else
    CU_ASSERT (peer_sees_end (fd));
}

/* A peer that has connected when a stop comes is served, or told, also if it was not accepted
 * yet. */
static void
check_backlog (const gchar *address)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server = tally_server_new (THRIFT_PROCESSOR (processor), address, NULL);
  g_autofree gchar *uri = NULL;
  pthread_t thread;
  gint fds[100]; /* more than are accepted at once */
  gint silent;

  g_object_set (server, "drain-timeout", 0, NULL);
  CU_ASSERT_FATAL (tally_server_listen (server, NULL));
  uri = tally_server_dup_uri (server);
  silent = peer_connect_uri (uri);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = peer_connect_uri (uri);
      peer_call (fds[i], BINARY, "ping", i);
    }
  tally_server_stop (server);
  CU_ASSERT_FATAL (pthread_create (&thread, NULL, serve_once, server) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      check_reply (fds[i], BINARY, i);
      check_last (fds[i], address);
      close (fds[i]);
    }
  check_last (silent, address);
  close (silent);
  pthread_join (thread, NULL);
}

static void
stop_serves_who_has_connected (void)
{
  g_autofree gchar *abstract = g_strdup_printf ("unix:@tally-limits-%d", (gint) getpid ());

  check_backlog ("tcp://127.0.0.1:0");
  check_backlog (abstract);
}

/* Past the drain-timeout nothing more is executed: what waits for a worker is told so, and so is what
 * waits behind a request that is under way; that one is answered. */
static void
stop_refuses_what_still_waits (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1 drain-timeout=10");
  TallyBuffer request = { NULL, 0, 0 };
  gint busy = peer_connect_and_greet (running);
  gint waiting = peer_connect_and_greet (running);

  write_request (&request, BINARY, "block", T_CALL, 1, NULL, NULL);
  write_request (&request, BINARY, "ping", T_CALL, 2, NULL, NULL);
  peer_send (busy, &request);
  test_handler_wait_inside (running->handler, 1);
  peer_call (waiting, BINARY, "ping", 3);
  tally_server_stop (running->server);
  check_refusal (waiting, BINARY, 3, "the server is stopping");
  check_goodbye (waiting, BINARY);
  test_handler_release (running->handler);
  check_reply (busy, BINARY, 1);
  check_refusal (busy, BINARY, 2, "the server is stopping");
  check_goodbye (busy, BINARY);
  close (busy);
  close (waiting);
  running_join (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (more_wait_than_may),
    TEST (one_worker_is_free_again),
    TEST (long_requests_of_one_connection_let_others_in),
    TEST (who_never_pauses_lets_others_in),
    TEST (longer_than_one_may_wait),
    TEST (a_message_without_an_end_is_the_last),
    TEST (waits_behind_another_of_its_connection),
    TEST (stop_says_goodbye),
    TEST (stop_answers_what_was_read),
    TEST (stop_of_a_local_server_lets_nothing_in),
    TEST (stop_serves_who_has_connected),
    TEST (stop_refuses_what_still_waits),
    { NULL, NULL },
  };

  return test_main ("server-limits", cases, argc, argv);
}
