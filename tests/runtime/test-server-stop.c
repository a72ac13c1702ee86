/* Owns the tests of how a TallyServer stops, of peers that it does not serve, and of child
 * processes. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"
#include "tls-relay-socket.h"

/* ---- stopping ---- */

static void
stop_before_serve (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (tally_server_dup_uri (server) == NULL);
  thrift_server_stop (THRIFT_SERVER (server));
  CU_ASSERT (thrift_server_serve (THRIFT_SERVER (server), &error));
  assert_no_error (error);
}

static void
stop_drains (void)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=0");
  TallyBuffer request = { NULL, 0, 0 };
  gint idle = peer_connect (running);
  gint busy = peer_connect (running);
  Answer answer;

  CU_ASSERT (peer_echoes (idle, running->speech, 1, "idle"));
  write_request (&request, running->speech, "block", T_CALL, 5, NULL, NULL);
  peer_send (busy, &request);
  test_handler_wait_inside (running->handler, 1);
  tally_server_stop (running->server);
  check_goodbye (idle, running->speech);
  test_handler_release (running->handler);
  CU_ASSERT (peer_receive (busy, running->speech, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_REPLY);
  assert_int (answer.seqid, 5);
  answer_clear (&answer);
  check_goodbye (busy, running->speech);
  close (idle);
  close (busy);
  running_join (running);
}

static void
the_state_is_told (void)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=0");
  TallyServer *server = g_object_ref (running->server);
  TallyBuffer request = { NULL, 0, 0 };
  gint busy = peer_connect (running);

  write_request (&request, running->speech, "block", T_CALL, 5, NULL, NULL);
  peer_send (busy, &request);
  test_handler_wait_inside (running->handler, 1);
  assert_int (tally_server_get_state (server), TALLY_SERVER_SERVING);
  tally_server_stop (server);
  while (tally_server_get_state (server) == TALLY_SERVER_SERVING)
    g_thread_yield ();
  assert_int (tally_server_get_state (server), TALLY_SERVER_DRAINING);
  test_handler_release (running->handler);
  running_join (running);
  assert_int (tally_server_get_state (server), TALLY_SERVER_CLOSED);
  CU_ASSERT (tally_server_listen (server, NULL));
  assert_int (tally_server_get_state (server), TALLY_SERVER_LISTENING);
  close (busy);
  g_object_unref (server);
}

/* Nor does one that never stops to send requests. */
static void
stop_ends_a_connection_that_never_pauses (void)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=20");
  gint fd = peer_connect (running);
  pthread_t sender;

  CU_ASSERT_FATAL (pthread_create (&sender, NULL, peer_send_calls, GINT_TO_POINTER (fd)) == 0);
  test_handler_wait_notes (running->handler, 5 * 1000);
  running_stop (running);
  pthread_join (sender, NULL);
  close (fd);
}

static gint trim_waits, is_trimming; /* atomic */

/* Instead of the C library's: the supervisor stays in it as long as a test wants. */
int
malloc_trim (size_t pad)
{
  g_atomic_int_set (&is_trimming, TRUE);
  while (g_atomic_int_get (&trim_waits))
    g_thread_yield ();
  return 0;
}

/* While the supervisor gives memory back it holds no lock, and does not see that it is called. */
static void
stop_while_memory_is_given_back (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  gint fd = peer_connect (running);
  gint64 stopped;
  gchar *uri;

  CU_ASSERT_FATAL (peer_echoes (fd, running->speech, 1, "before"));
  g_atomic_int_set (&trim_waits, TRUE);
  atomic_put (&running->server->n_released, G_MAXINT); /* as when a burst is over */
  close (fd);
  while (!g_atomic_int_get (&is_trimming))
    g_thread_yield ();
  running_await_connections (running, 0);
  tally_server_stop (running->server);
  while ((uri = tally_server_dup_uri (running->server)) != NULL)
    g_free (uri);
  stopped = g_get_monotonic_time ();
  while (g_get_monotonic_time () - stopped < 20 * 1000) /* the last call is a little later */
    g_thread_yield ();
  g_atomic_int_set (&trim_waits, FALSE);
  running_join (running);
}

/* A peer that never completes its request does not hold up a stop for ever. */
static void
stop_gives_up_on_half_a_request (void)
{
  Running *running = running_start (&framed_binary, NULL, "drain-timeout=20");
  gint fd = peer_connect (running);

  CU_ASSERT (peer_echoes (fd, running->speech, 1, "whole"));
  CU_ASSERT (send (fd, "\0\0", 2, MSG_NOSIGNAL) == 2);
  tally_server_stop (running->server);
  check_goodbye (fd, running->speech);
  close (fd);
  running_join (running);
}

static void
stop_ends_a_pinned_connection (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  gint fd = peer_connect (running);

  for (guint i = 0; i < 200; i++)
    CU_ASSERT (peer_echoes (fd, running->speech, i, "hot"));
  tally_server_stop (running->server);
  check_goodbye (fd, running->speech);
  close (fd);
  running_join (running);
}

static TallyServer *signalled_server;

static void
on_signal (int number)
{
  tally_server_stop (signalled_server);
}

static void
stop_from_a_signal_handler (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  const struct sigaction action = { .sa_handler = on_signal };
  struct sigaction before;

  check_alive (running);
  signalled_server = running->server;
  sigaction (SIGUSR1, &action, &before);
  kill (getpid (), SIGUSR1);
  running_join (running);
  sigaction (SIGUSR1, &before, NULL);
}

static void
serves_again_after_a_stop (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  TallyServer *server = g_object_ref (running->server);
  g_autoptr (GError) error = NULL;

  check_alive (running);
  running_stop (running);
  CU_ASSERT (tally_server_dup_uri (server) == NULL);
  tally_server_stop (server);
  CU_ASSERT (thrift_server_serve (THRIFT_SERVER (server), &error));
  assert_no_error (error);
  g_object_unref (server);
}

static void
serves_once_at_a_time (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  g_autoptr (GError) error = NULL;

  check_alive (running);
  CU_ASSERT (!thrift_server_serve (THRIFT_SERVER (running->server), &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "already");
  check_alive (running);
  running_stop (running);
}

/* ---- limits ---- */

static void
past_max_connections (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-connections=2");
  gint first = peer_connect (running);
  gint second = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  guint n_asked = 1;
  Answer answer;
  gint third;

  CU_ASSERT (peer_echoes (first, running->speech, 1, "in"));
  CU_ASSERT (peer_echoes (second, running->speech, 1, "in"));
  /* It is waited for for a second, in which a peer need not have asked on a busy machine. */
  for (;; n_asked++)
    {
      third = peer_connect (running);
      write_echo (&request, running->speech, 9, "one too many");
      peer_send (third, &request);
      if (peer_receive (third, running->speech, TALLY_KIND_STRING, &answer))
        break;
      answer_clear (&answer);
      close (third);
    }
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.seqid, 9);
  assert_string (answer.text, "the server is full: it serves 2 connections at once; "
                              "the request was not executed");
  answer_clear (&answer);
  CU_ASSERT (peer_sees_end (third));
  close (third);
  assert_int (test_handler_n_calls (running->handler), 2);
  assert_int (running_snapshot (running).refused, n_asked);

  CU_ASSERT (peer_echoes (first, running->speech, 2, "still in"));
  close (first);
  close (second);
  running_stop (running);
}

/* A refused peer that asks nothing is not kept. */
static void
past_max_connections_and_silent (void)
{
  Running *running =
      running_start (&framed_binary, NULL, "max-connections=1 idle-timeout=0 read-timeout=100");
  gint first = peer_connect (running);
  gint second;

  CU_ASSERT (peer_echoes (first, running->speech, 1, "in"));
  second = peer_connect (running);
  CU_ASSERT (peer_sees_end (second));
  CU_ASSERT (peer_echoes (first, running->speech, 2, "in"));
  close (first);
  close (second);
  running_stop (running);
}

static gint
wait_for (pid_t child)
{
  gint status = -1;

  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    ;
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

/* In a process of its own, because the limit on descriptors is the whole process's. */
static void
out_of_descriptors_child (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  gint fd = peer_connect (running);
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  struct rlimit limit = { 0 };
  gint late;
  guint8 byte;
  gssize end;

  alarm (60);
  if (!peer_echoes (fd, running->speech, 1, "in"))
    _exit (1);
  late = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  limit.rlim_cur = limit.rlim_max = test_count_descriptors () + 16;
  setrlimit (RLIMIT_NOFILE, &limit);
  while (dup (late) >= 0)
    ;
  getpeername (fd, (struct sockaddr *) &address, &length);
  if (connect (late, (struct sockaddr *) &address, length) != 0)
    _exit (2);
  end = recv (late, &byte, 1, 0);
  if (end > 0 || (end < 0 && errno != ECONNRESET))
    _exit (3);
  if (!peer_echoes (fd, running->speech, 2, "still in"))
    _exit (4);
  _exit (0);
}

static void
out_of_descriptors (void)
{
  if (tls_relay_skips ("a child process has no relay"))
    return;

  pid_t child = test_fork ();

  if (child == 0)
    out_of_descriptors_child ();
  assert_int (wait_for (child), 0);
}

/* ---- connections that a child process has, too ---- */

/* The server has closed it, the child has not: what arrives there is no event any more. */
static void
a_child_keeps_a_closed_connection_open (void)
{
  Running *running = running_start (&framed_binary, NULL, "read-timeout=50");
  gint fd = peer_connect (running);
  gint status, life[2];
  pid_t child;
  gchar byte;

  CU_ASSERT (peer_echoes (fd, running->speech, 1, "one"));
  CU_ASSERT_EQUAL (pipe2 (life, O_CLOEXEC), 0);
  child = test_fork ();
  if (child == 0)
    {
      close (life[1]);
      _exit (read (life[0], &byte, 1)); /* until the parent closes it */
    }
  CU_ASSERT_EQUAL (send (fd, "\0\0", 2, MSG_NOSIGNAL), 2); /* a request whose rest never comes */
  running_await_connections (running, 0);
  check_alive (running); /* here the server forgets the closed connection's memory */
  check_alive (running);
  CU_ASSERT_EQUAL (send (fd, "x", 1, MSG_NOSIGNAL), 1);
  check_alive (running);
  close (life[1]);
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  assert_int (status, 0);
  close (life[0]);
  close (fd);
  running_stop (running);
}

/* A child that stops and drops its copy of a server takes nothing from its parent. */
static void
a_child_stops_nothing_of_its_parents (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally-server-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "s", NULL);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);
  Running *running = running_start (&framed_binary, address, NULL);
  pid_t child;

  check_alive (running);
  child = test_fork ();
  if (child == 0)
    {
      tally_server_stop (running->server);
      g_object_unref (running->server);
      _exit (0);
    }
  assert_int (wait_for (child), 0);
  CU_ASSERT (g_file_test (path, G_FILE_TEST_EXISTS));
  check_alive (running);
  check_alive (running);
  running_stop (running);
  CU_ASSERT (!g_file_test (path, G_FILE_TEST_EXISTS));
  CU_ASSERT_EQUAL (rmdir (directory), 0);
}

/* A child may serve where its parent listens, and is stopped alone. */
static void
a_child_serves_where_its_parent_listens (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autofree gchar *directory = g_dir_make_tmp ("tally-server-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "s", NULL);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);
  g_autoptr (TallyServer) server = tally_server_new (THRIFT_PROCESSOR (processor), address, NULL);
  pid_t child;

  CU_ASSERT (tally_server_listen (server, NULL));
  child = test_fork ();
  if (child == 0)
    {
      tally_server_stop (server);
      _exit (thrift_server_serve (THRIFT_SERVER (server), NULL) ? 0 : 1);
    }
  assert_int (wait_for (child), 0);
  CU_ASSERT (g_file_test (path, G_FILE_TEST_EXISTS));
  close (peer_connect_uri (address));
  tally_server_stop (server);
  CU_ASSERT (thrift_server_serve (THRIFT_SERVER (server), NULL));
  CU_ASSERT (!g_file_test (path, G_FILE_TEST_EXISTS));
  CU_ASSERT_EQUAL (rmdir (directory), 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (stop_before_serve),
    TEST (stop_drains),
    TEST (the_state_is_told),
    TEST (stop_while_memory_is_given_back),
    TEST (stop_gives_up_on_half_a_request),
    TEST (stop_ends_a_connection_that_never_pauses),
    TEST (stop_ends_a_pinned_connection),
    TEST (stop_from_a_signal_handler),
    TEST (serves_again_after_a_stop),
    TEST (serves_once_at_a_time),
    TEST (past_max_connections),
    TEST (past_max_connections_and_silent),
    TEST (out_of_descriptors),
    TEST (a_child_keeps_a_closed_connection_open),
    TEST (a_child_stops_nothing_of_its_parents),
    TEST (a_child_serves_where_its_parent_listens),
    { NULL, NULL },
  };

  return test_main ("server-stop", cases, argc, argv);
}
