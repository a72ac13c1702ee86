/* Owns the tests of peers that do not speak TLS, or speak it wrongly: what both sides say about them. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "tls-fixture.h"

/* ---- to a server ---- */

/* Sends it and reads until the end. (transfer full): what the server says. */
static GByteArray *
talk (TlsServer *server, gconstpointer bytes, gsize length)
{
  gint fd = tls_connect_plainly (server);
  GByteArray *said = g_byte_array_new ();
  guint8 byte;

  /* What the server has refused it need not read. */
  (void) !send (fd, bytes, length, MSG_NOSIGNAL);
  while (recv (fd, &byte, 1, 0) == 1)
    g_byte_array_append (said, &byte, 1);
  close (fd);
  return said;
}

static const guint8 alert[] = { 21, 3, 1, 0, 2, 2, 10 };

static void
a_stranger_is_named_once (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GByteArray) said = talk (server, "GET / HTTP/1.1\r\n\r\n", 18);

      CU_ASSERT (said->len == sizeof alert && memcmp (said->data, alert, sizeof alert) == 0);
    }
  tls_server_stop (server); /* it has then said what it had to say */
  assert_int (tls_count_logged ("127.0.0.1 does not speak TLS: it looks like HTTP. It began with "
                                "\"GET / HTTP/1.1"),
              1);
  assert_int (tls_count_logged (""), 1);
  tls_log_end ();
}

static void
a_failed_handshake_is_logged_once (void)
{
  static const guint8 junk[] = { 22, 3, 1, 0, 5, 1, 0, 0, 1, 7 };
  TlsServer *server;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < 3; i++)
    g_byte_array_unref (talk (server, junk, sizeof junk));
  tls_server_stop (server);
  assert_int (tls_count_logged ("the TLS handshake with 127.0.0.1 has failed: "), 1);
  assert_int (tls_count_logged (""), 1);
  tls_log_end ();
}

/* A megabyte in one piece, more than a greeting has, and records that are longer than any may be. */
static void
junk_is_refused (void)
{
  static const guint8 heads[][5] = { { 22, 3, 1, 0xff, 0xff }, { 22, 3, 3, 0x40, 0 }, { 22, 0 },
                                     { 0x80, 0x2e, 1, 3, 1 },  { 23, 3, 3, 0, 16 },   { 0 } };
  g_autofree guint8 *junk = g_malloc0 (1 << 20);
  TlsServer *server;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      memset (junk, i, 1 << 20);
      memcpy (junk, heads[i], sizeof heads[i]);
      g_byte_array_unref (talk (server, junk, 1 << 20));
    }
  {
    g_autoptr (TallyChannel) channel = tls_connect (server->uri, "ca=ca", NULL);

    CU_ASSERT (tls_echoes (channel, "honest"));
  }
  tls_server_stop (server);
  tls_log_end ();
}

static void
a_plain_client_learns_that_it_is_TLS (void)
{
  const gchar *const options[] = { "mode=pooled", "mode=shared", "transport=buffered",
                                   "protocol=compact&transport=buffered", "protocol=compact" };
  TlsServer *server;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autofree gchar *uri = g_strconcat ("tcp", server->uri + strlen ("tls"), NULL);
      g_autoptr (TallyChannel) channel = tls_connect (uri, options[i], NULL);
      g_autoptr (GError) error = NULL;

      CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
      CU_ASSERT (error != NULL);
      if (error != NULL && strstr (error->message, "look like TLS") == NULL)
        assert_string (error->message, "look like TLS");
    }
  tls_server_stop (server);
  assert_int (tls_count_logged ("127.0.0.1 does not speak TLS"), 1);
  tls_log_end ();
}

/* ---- to a client ---- */

/* A server that answers a client's first bytes with @answer (nullable: nothing) and closes. */
typedef struct
{
  GSocketListener *listener;
  const gchar *answer;
} Stranger;

static gpointer
answer_once (gpointer data)
{
  Stranger *self = data;
  g_autoptr (GSocketConnection) connection =
      g_socket_listener_accept (self->listener, NULL, NULL, NULL);
  GSocket *socket = g_socket_connection_get_socket (connection);
  gchar bytes[4096];

  CU_ASSERT (g_socket_receive (socket, bytes, sizeof bytes, NULL, NULL) > 0);
  if (self->answer != NULL)
    CU_ASSERT (g_socket_send (socket, self->answer, strlen (self->answer), NULL, NULL) > 0);
  return NULL;
}

static void
check_stranger (const gchar *answer, const gchar *part)
{
  Stranger stranger = { g_socket_listener_new (), answer };
  g_autofree gchar *uri =
      g_strdup_printf ("tls://127.0.0.1:%u",
                       g_socket_listener_add_any_inet_port (stranger.listener, NULL, NULL));
  g_autoptr (TallyChannel) channel = tls_connect (uri, "ca=ca", NULL);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new (NULL, answer_once, &stranger);

  CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, part);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "nothing was sent");
  g_thread_join (thread);
  g_object_unref (stranger.listener);
}

static void
a_server_without_TLS_is_named (void)
{
  if (!tls_begin ())
    return;
  check_stranger ("HTTP/1.1 400 Bad Request\r\n\r\n", "the peer does not speak TLS");
  check_stranger (NULL, "one may that does not speak TLS");
  check_stranger ("\x15\x03\x01", "TLS");
}

static void
a_plain_server_of_ours_is_named (void)
{
  if (!tls_begin ())
    return;
  tls_log_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (all_speeches); i++)
    {
      Running *running = running_start (&all_speeches[i], NULL, NULL);

      {
        g_autofree gchar *host = g_strndup (running->uri, strcspn (running->uri, "?"));
        g_autofree gchar *uri = g_strconcat ("tls", host + strlen ("tcp"), NULL);
        g_autoptr (TallyChannel) channel = tls_connect (uri, "ca=ca", NULL);
        g_autoptr (GError) error = NULL;

        CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
        assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "not speak TLS");
      }
      running_stop (running);
      assert_int (tls_count_logged ("it looks like TLS"), i + 1);
    }
  tls_log_end ();
}

/* Each as a test that leaves nothing open. */
TLS_TEST (a_stranger_is_named_once)
TLS_TEST (a_failed_handshake_is_logged_once)
TLS_TEST (junk_is_refused)
TLS_TEST (a_plain_client_learns_that_it_is_TLS)
TLS_TEST (a_server_without_TLS_is_named)
TLS_TEST (a_plain_server_of_ours_is_named)

static const TestCase cases[] = { TEST (test_a_stranger_is_named_once),
                                  TEST (test_a_failed_handshake_is_logged_once),
                                  TEST (test_junk_is_refused),
                                  TEST (test_a_plain_client_learns_that_it_is_TLS),
                                  TEST (test_a_server_without_TLS_is_named),
                                  TEST (test_a_plain_server_of_ours_is_named),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-peers", cases, argc, argv);
  tls_end ();
  return status;
}
