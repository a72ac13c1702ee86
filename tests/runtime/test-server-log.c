/* Owns the tests of what a TallyServer logs of peers that speak something else. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "test-stream.h"

/* ---- what was logged ---- */

static GMutex lock;
static GPtrArray *logged; /* texts; lock */

static GCond changed;
static gboolean is_full; /* lock: a thread that logs waits */

static void
note (const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
  g_mutex_lock (&lock);
  g_ptr_array_add (logged, g_strdup (text));
  g_cond_broadcast (&changed);
  while (is_full)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}

static void
set_full (gboolean full)
{
  g_mutex_lock (&lock);
  is_full = full;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static void
await_logged (void)
{
  g_mutex_lock (&lock);
  while (logged->len == 0)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}

static guint
count_logged (const gchar *part)
{
  guint count = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; i < logged->len; i++)
    count += strstr (g_ptr_array_index (logged, i), part) != NULL;
  g_mutex_unlock (&lock);
  return count;
}

static void
forget_logged (void)
{
  g_mutex_lock (&lock);
  g_ptr_array_set_size (logged, 0);
  g_mutex_unlock (&lock);
}

/* Sends @bytes and waits for the end; what the server says is not looked at. */
static void
send_foreign (gint fd, gconstpointer bytes, gsize length)
{
  guint8 answer[256];

  CU_ASSERT (send (fd, bytes, length, MSG_NOSIGNAL) == (gssize) length);
  shutdown (fd, SHUT_WR);
  while (recv (fd, answer, sizeof answer, 0) > 0)
    ;
  close (fd);
}

static void
check_logged (const Speech *speech, gconstpointer bytes, gsize length, const gchar *part)
{
  Running *running = running_start (speech, NULL, NULL);

  forget_logged ();
  for (guint i = 0; i < 3; i++)
    send_foreign (peer_connect (running), bytes, length);
  assert_int (count_logged (part), 1);
  assert_int (count_logged (""), 1);
  assert_int (count_logged ("127.0.0.1 speaks something else"), 1);
  check_alive (running);
  running_stop (running);
}

static void
foreign_peers_are_named_once (void)
{
  const Speech *framed = &all_speeches[0];
  const Speech *unframed = &all_speeches[1];
  const Speech *compact = &all_speeches[2];

  check_logged (framed, "GET /x HTTP/1.1\r\n\r\n", 19, "like HTTP;");
  check_logged (unframed, "GET /x HTTP/1.1\r\n\r\n", 19, "like HTTP;");
  check_logged (framed, "\x16\x03\x01\x02\x00\x01\x00\x01", 8, "like TLS;");
  check_logged (framed, "\0\0\0\x0c\x0f\xff\0\0\0\0\0\1\0\0\0\0", 16,
                "like Thrift's header transport (THeader);");
  check_logged (framed, "\0\0\0\x10[1,\"echo\",1,1,{}]", 20,
                "like a framed message of Thrift's JSON protocol;");
  check_logged (framed, "\x80\1\0\1\0\0\0\4echo\0\0\0\1\0", 17,
                "like an unframed message of the binary protocol;");
  check_logged (unframed, "\0\0\0\x11\x80\1\0\1\0\0\0\4echo\0\0\0\1\0", 21,
                "like a framed message of the binary protocol;");
  check_logged (compact, "\0\0\0\x11\x80\1\0\1\0\0\0\4echo\0\0\0\1\0", 21,
                "like a framed message of the binary protocol;");
  check_logged (framed, "\0\0\0\x0e\0\0\0\4echo\1\0\0\0\1\0", 18,
                "like a framed binary message without a version");
  check_logged (framed, "\x7f\xff\x1b[31m\"\\", 9, "\"\\177\\377\\033[31m\"\\\\\"");
}

static gint
connect_from (const gchar *source, Running *running)
{
  struct sockaddr_in from = { .sin_family = AF_INET };
  struct sockaddr_in to = { .sin_family = AF_INET };
  g_autoptr (GUri) uri = g_uri_parse (running->uri, G_URI_FLAGS_NONE, NULL);
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  inet_pton (AF_INET, source, &from.sin_addr);
  inet_pton (AF_INET, "127.0.0.1", &to.sin_addr);
  to.sin_port = htons (g_uri_get_port (uri));
  CU_ASSERT (bind (fd, (struct sockaddr *) &from, sizeof from) == 0);
  CU_ASSERT (connect (fd, (struct sockaddr *) &to, sizeof to) == 0);
  return fd;
}

/* Many peers cannot flood the log. */
static void
many_peers_are_not_all_logged (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);

  forget_logged ();
  for (guint i = 1; i <= 100; i++)
    {
      g_autofree gchar *source = g_strdup_printf ("127.0.1.%u", i);

      send_foreign (connect_from (source, running), "GET / HTTP/1.1\r\n\r\n", 18);
    }
  assert_int (count_logged (""), 10);
  check_alive (running);
  running_stop (running);
}

/* Of a request that gives way or is too long, the header may not have come yet. */
static void
check_refused_early (const gchar *options, const guint8 *bytes, gsize length)
{
  Running *running = running_start (&framed_binary, NULL, options);
  gint fd = peer_connect (running);
  Answer answer;

  forget_logged ();
  CU_ASSERT (send (fd, bytes, length, MSG_NOSIGNAL) == (gssize) length);
  CU_ASSERT (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  answer_clear (&answer);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
  running_stop (running);
  assert_int (count_logged (""), 0);
}

static void
requests_whose_header_is_missing_are_not_logged (void)
{
  guint8 bytes[5000] = { 0, 0, 0x40, 0, 0x80, 1, 0, T_CALL, 0, 0, 0x30 }; /* a name of 12 KiB */

  if (test_skip_layered ("a frame's length must arrive whole"))
    return;

  check_refused_early ("max-unfinished=0", bytes, sizeof bytes);
  check_refused_early ("max-message-size=1000", (const guint8 *) "\0\1\0\0", 4);
}

/* Requests that are refused or malformed are no mismatch. */
static void
peers_that_speak_right_are_not_logged (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-message-size=1000");
  g_autofree gchar *text = g_strnfill (2000, 'x');
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);
  Answer answer;

  forget_logged ();
  write_echo (&request, &framed_binary, 1, text);
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &answer));
  answer_clear (&answer);
  CU_ASSERT (peer_echoes (fd, &framed_binary, 2, "and on"));
  close (fd);
  assert_int (count_logged (""), 0);
  running_stop (running);
}

static const gchar http[] = "GET / HTTP/1.1\r\n\r\n";

/* stderr may be a pipe that nobody reads: one worker waits, the others serve. */
static void
a_log_that_blocks_holds_one_worker (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-workers=2");
  gint first = connect_from ("127.0.2.1", running);

  forget_logged ();
  set_full (TRUE);
  CU_ASSERT (send (first, http, sizeof http - 1, MSG_NOSIGNAL) > 0);
  await_logged ();
  send_foreign (connect_from ("127.0.2.2", running), http, sizeof http - 1);
  send_foreign (connect_from ("127.0.2.3", running), http, sizeof http - 1);
  check_alive (running);
  assert_int (count_logged (""), 1);
  set_full (FALSE);
  send_foreign (first, http, 0);
  send_foreign (connect_from ("127.0.2.4", running), http, sizeof http - 1);
  assert_int (count_logged ("2 more peers were not logged"), 1);
  running_stop (running);
}

/* Nor does the supervisor wait, which refuses what waited too long for a worker: on a busy machine it may also be the one
 * that meets peers that come later. */
static void
the_supervisor_does_not_log (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-workers=1 queue-timeout=5");
  g_autofree gchar *expected = NULL;
  guint n_silent = 1;
  gint busy = peer_connect (running);

  forget_logged ();
  while (peer_call (busy, &framed_binary, "block", 1), !peer_is_inside (running, busy))
    check_refusal (busy, &framed_binary, 1, "waited 5 ms");
  send_foreign (connect_from ("127.0.2.5", running), "\0\0\0\4\0\0\0\4", 8);
  assert_int (count_logged (""), 0);
  test_handler_release (running->handler);
  check_reply (busy, &framed_binary, 1);
  close (busy);
  for (;; n_silent++)
    {
      g_autofree gchar *source = g_strdup_printf ("127.0.3.%u", n_silent);

      send_foreign (connect_from (source, running), http, sizeof http - 1);
      if (count_logged ("") > 0)
        break;
    }
  expected = g_strdup_printf ("%u more peers were not logged", n_silent);
  assert_int (count_logged (expected), 1);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (foreign_peers_are_named_once),
    TEST (many_peers_are_not_all_logged),
    TEST (requests_whose_header_is_missing_are_not_logged),
    TEST (peers_that_speak_right_are_not_logged),
    TEST (a_log_that_blocks_holds_one_worker),
    TEST (the_supervisor_does_not_log),
    { NULL, NULL },
  };
  int status;

  logged = g_ptr_array_new_with_free_func (g_free);
  g_log_set_handler ("tally", G_LOG_LEVEL_MESSAGE, note, NULL);
  status = test_main ("server-log", cases, argc, argv);
  g_ptr_array_unref (logged);
  return status;
}
