/* Owns the tests of how connections over TLS end, begin too slowly, and come in pieces, against peers that
 * speak by hand. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec-private.h"
#include "server-fixture.h"
#include "tls-fixture.h"

/* ---- a server that ends as it is told ---- */

typedef enum
{
  END_WITH_GOODBYE,
  END_WITHOUT,
  END_WITH_HALF_A_REPLY,
  END_WITH_HALF_AND_GOODBYE
} Ending;

typedef struct
{
  Ending ending;
  GSocketListener *listener;
  gchar *uri;
  GThread *thread;
  gint n_ended; /* atomic: connections */
} Scripted;

/* Reads one request and sends @half of the reply, or all of it. */
static void
answer_one (GIOStream *stream, gboolean half)
{
  guint8 head[4], body[256];
  TallyBuffer reply = { NULL };
  Speech speech = framed_binary;
  gsize count;
  TextArgs text = { (gchar *) "x" };

  if (!g_input_stream_read_all (g_io_stream_get_input_stream (stream), head, 4, &count, NULL, NULL)
      || count < 4)
    return;
  g_input_stream_read_all (g_io_stream_get_input_stream (stream), body,
                           MIN (sizeof body, (gsize) (head[2] * 256 + head[3])), &count, NULL,
                           NULL);
  write_request (&reply, &speech, "echo", T_REPLY,
                 (gint32) (body[12] << 24 | body[13] << 16 | body[14] << 8 | body[15]),
                 &text_args_info, &text);
  for (gsize i = 0; i < reply.length; i++) /* field 1 of arguments is field 0 of a result */
    if (i + 2 < reply.length && reply.data[i] == 11 && reply.data[i + 1] == 0
        && reply.data[i + 2] == 1)
      reply.data[i + 2] = 0;
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), reply.data,
                             half ? reply.length / 2 : reply.length, &count, NULL, NULL);
  tally_buffer_clear (&reply);
}

static void
serve_one (Scripted *self, GSocketConnection *connection, GTlsCertificate *certificate)
{
  g_autoptr (GIOStream) tls =
      g_tls_server_connection_new (G_IO_STREAM (connection), certificate, NULL);
  gboolean half = self->ending >= END_WITH_HALF_A_REPLY;

  answer_one (tls, half);
  if (self->ending == END_WITHOUT || self->ending == END_WITH_HALF_A_REPLY)
    shutdown (g_socket_get_fd (g_socket_connection_get_socket (connection)), SHUT_WR);
  g_io_stream_close (tls, NULL, NULL);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
}

static gpointer
scripted_main (gpointer data)
{
  Scripted *self = data;
  g_autofree gchar *file = tls_file ("server");
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (file, NULL);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GSocketConnection) connection =
          g_socket_listener_accept (self->listener, NULL, NULL, NULL);

      if (connection != NULL)
        serve_one (self, connection, certificate);
      g_atomic_int_inc (&self->n_ended);
    }
  return NULL;
}

static void
scripted_start (Scripted *self, Ending ending)
{
  guint16 port;

  *self = (Scripted){ .ending = ending, .listener = g_socket_listener_new () };
  port = g_socket_listener_add_any_inet_port (self->listener, NULL, NULL);
  self->uri = g_strdup_printf ("tls://127.0.0.1:%u", port);
  self->thread = g_thread_new (NULL, scripted_main, self);
}

static void
scripted_stop (Scripted *self)
{
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_free (self->uri);
}

/* An idle connection that its peer ends, with or without a goodbye, is not lent again: rule 10. */
static void
rule_10_an_ended_connection_is_not_lent (void)
{
  const Ending endings[] = { END_WITH_GOODBYE, END_WITHOUT };

  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      Scripted peer;
      g_autoptr (TallyChannel) channel = NULL;

      scripted_start (&peer, endings[i]);
      channel = tls_connect (peer.uri, "ca=ca", NULL);
      CU_ASSERT (tls_echoes (channel, "x"));
      while (g_atomic_int_get (&peer.n_ended) < 1)
        g_thread_yield ();
      CU_ASSERT (
          tls_echoes (channel, "x")); /* echo may not be repeated: so it was not tried before */
      scripted_stop (&peer);
    }
}

static void
half_a_reply_is_an_error (void)
{
  const struct
  {
    Ending ending;
    const gchar *options;
    const gchar *part;
  } endings[] = {
    { END_WITH_HALF_A_REPLY, "ca=ca", "without TLS's goodbye" },
    { END_WITH_HALF_AND_GOODBYE, "ca=ca", "the peer closed it" },
  };

  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      Scripted peer;
      g_autoptr (TallyChannel) channel = NULL;

      scripted_start (&peer, endings[i].ending);
      channel = tls_connect (peer.uri, endings[i].options, NULL);
      for (guint n = 0; n < 2; n++)
        {
          g_autoptr (GError) error = NULL;

          CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
          assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, endings[i].part);
        }
      scripted_stop (&peer);
    }
}

/* ---- deadlines ---- */

/* A peer that connects and never shakes hands. */
static void
a_handshake_ends_at_the_deadline (void)
{
  g_autoptr (GSocketListener) listener = NULL;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  if (!tls_begin ())
    return;
  listener = g_socket_listener_new ();
  uri = g_strdup_printf ("tls://127.0.0.1:%u",
                         g_socket_listener_add_any_inet_port (listener, NULL, NULL));
  channel = tls_connect (uri, "ca=ca&mode=unpooled", NULL);
  CU_ASSERT (tls_call (channel, "echo", "x", 100, &error) == NULL);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
}

static gpointer
cancel_once_connected (gpointer data)
{
  gpointer *pair = data;
  g_autoptr (GSocketConnection) connection = g_socket_listener_accept (pair[0], NULL, NULL, NULL);
  guint8 byte;
  gsize count;

  /* the handshake has begun */
  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (connection)), &byte, 1,
                           &count, NULL, NULL);
  g_cancellable_cancel (pair[1]);
  return g_steal_pointer (&connection);
}

static void
a_handshake_can_be_cancelled (void)
{
  g_autoptr (GSocketListener) listener = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (TallyEndpoint) endpoint = NULL;
  g_autoptr (TallySocket) dialed = NULL;
  g_autoptr (GSocketConnection) accepted = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  gpointer pair[2];
  GThread *thread;

  if (!tls_begin ())
    return;
  listener = g_socket_listener_new ();
  cancellable = g_cancellable_new ();
  uri = g_strdup_printf ("tls://127.0.0.1:%u",
                         g_socket_listener_add_any_inet_port (listener, NULL, NULL));
  endpoint = tally_endpoint_new (uri, &error);
  pair[0] = listener;
  pair[1] = cancellable;
  thread = g_thread_new (NULL, cancel_once_connected, pair);
  dialed = tally_socket_dial (endpoint, -1, cancellable, &error);
  CU_ASSERT (dialed == NULL);
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while securing tls://");
  accepted = g_thread_join (thread);
}

static void
a_call_ends_at_its_deadline (void)
{
  const gchar *const options[] = { "ca=ca", "ca=ca&mode=unpooled", "ca=ca&mode=shared" };
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TallyChannel) channel = tls_connect (server->uri, options[i], NULL);
      g_autoptr (GError) error = NULL;

      CU_ASSERT (tls_echoes (channel, "before"));
      CU_ASSERT (
          !tally_channel_call (channel, tls_find_method ("block"), NULL, NULL, 50, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
      test_handler_release (server->handler);
      CU_ASSERT (tls_echoes (channel, "after"));
      test_handler_hold (server->handler);
    }
  test_handler_release (server->handler);
  tls_server_stop (server);
}

/* ---- slow clients ---- */

/* A client's first message, or a part of it. */
static const guint8 greeting[] = { 22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };

static void
a_client_that_does_not_shake_hands_is_closed (void)
{
  TlsServer *server;
  gint silent, dribbling, stalled;
  guint8 part[sizeof greeting + 100] = { 0 };

  if (!tls_begin ())
    return;
  memcpy (part, greeting, sizeof greeting);
  server = tls_server_start ("server", NULL, 50);
  silent = tls_connect_plainly (server);
  dribbling = tls_connect_plainly (server);
  stalled = tls_connect_plainly (server);
  /* each in one piece: a second one might find that the first was refused */
  CU_ASSERT (send (dribbling, greeting, 3, MSG_NOSIGNAL) == 3);
  CU_ASSERT (send (stalled, part, sizeof part, MSG_NOSIGNAL) == sizeof part);
  CU_ASSERT (peer_sees_end (silent));
  CU_ASSERT (peer_sees_end (dribbling));
  CU_ASSERT (peer_sees_end (stalled));
  close (silent);
  close (dribbling);
  close (stalled);
  tls_server_stop (server);
}

#define N_SILENT 100

/* They take no thread, and hold up nobody; nor does a stop wait for them. */
static void
silent_clients_hold_up_nobody (void)
{
  TlsServer *server;
  gint fds[N_SILENT];
  guint8 rest[512] = { 0 };

  if (!tls_begin ())
    return;
  server = tls_server_start_with_workers ("server", 2);
  for (guint i = 0; i < N_SILENT; i++)
    {
      fds[i] = tls_connect_plainly (server);
      if (i % 2 == 0)
        continue;
      CU_ASSERT (send (fds[i], greeting, sizeof greeting, 0) == sizeof greeting);
      CU_ASSERT (send (fds[i], rest, 200, 0) == 200);
    }
  {
    g_autoptr (TallyChannel) channel = tls_connect (server->uri, "ca=ca", NULL);

    CU_ASSERT (tls_echoes (channel, "x"));
  }
  tls_server_stop (server);
  for (guint i = 0; i < N_SILENT; i++)
    close (fds[i]);
}

static gpointer
take_and_cancel (gpointer data)
{
  gpointer *pair = data;
  g_autoptr (GSocketConnection) connection = g_socket_listener_accept (pair[0], NULL, NULL, NULL);
  gsize *size = pair[3];

  *size = (gsize) g_socket_receive (g_socket_connection_get_socket (connection), pair[2], *size,
                                    NULL, NULL);
  g_cancellable_cancel (pair[1]);
  return NULL;
}

/* What a client of ours says first. */
static gsize
take_greeting (guint8 *bytes, gsize size)
{
  GSocketListener *listener = g_socket_listener_new ();
  g_autofree gchar *uri =
      g_strdup_printf ("tls://127.0.0.1:%u",
                       g_socket_listener_add_any_inet_port (listener, NULL, NULL));
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer pair[] = { listener, cancellable, bytes, &size };
  GThread *thread = g_thread_new (NULL, take_and_cancel, pair);

  CU_ASSERT (tally_socket_dial (endpoint, -1, cancellable, NULL) == NULL);
  g_thread_join (thread);
  g_object_unref (listener);
  return size;
}

/* A client that the machine keeps from answering for a second gives way, too, and comes again. */
static gboolean
echoes_at_last (TlsServer *server)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (TallyChannel) channel = tls_connect (server->uri, "ca=ca", NULL);
      g_autofree gchar *reply = tls_call (channel, "echo", "x", -1, NULL);

      if (reply != NULL)
        return strcmp (reply, "x") == 0;
    }
  return FALSE;
}

#define N_STALLED 70

/* Several times as many as shake hands at once stop behind their first message: each takes a turn and must give way.
 * Those that still have one do not keep the server from stopping, either, though a handshake may take for ever. */
static void
stalled_handshakes_hold_up_nobody (void)
{
  TlsServer *server;
  gint fds[N_STALLED];
  guint8 hello[4096];
  gsize length;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, G_MAXINT);
  length = take_greeting (hello, sizeof hello);
  tls_log_begin ();
  for (guint i = 0; i < N_STALLED; i++)
    {
      fds[i] = tls_connect_plainly (server);
      CU_ASSERT (send (fds[i], hello, length, 0) == (gssize) length);
    }
  CU_ASSERT (echoes_at_last (server));
  tls_server_stop (server);
  tls_log_end ();
  for (guint i = 0; i < N_STALLED; i++)
    close (fds[i]);
}

/* ---- pieces ---- */

/* Hands on what comes, both ways, a byte at a time. */
typedef struct
{
  gint listener;
  TlsServer *server;
  GThread *thread;
} Dribbler;

static gboolean
hand_on (gint from, gint to)
{
  guint8 byte;

  if (recv (from, &byte, 1, 0) != 1)
    return FALSE;
  return send (to, &byte, 1, MSG_NOSIGNAL) == 1;
}

static gpointer
dribble (gpointer data)
{
  Dribbler *self = data;
  struct pollfd waiting = { .fd = self->listener, .events = POLLIN };
  gint client = poll (&waiting, 1, -1) == 1 ? accept (self->listener, NULL, NULL) : -1;
  gint server = tls_connect_plainly (self->server);
  gboolean lives = TRUE;

  while (lives)
    {
      struct pollfd fds[] = { { .fd = client, .events = POLLIN },
                              { .fd = server, .events = POLLIN } };

      poll (fds, 2, -1);
      if (fds[0].revents != 0)
        lives = hand_on (client, server);
      if (lives && fds[1].revents != 0)
        lives = hand_on (server, client);
    }
  close (client);
  close (server);
  return NULL;
}

static void
records_may_come_in_pieces (void)
{
  const gchar *const options[] = { "ca=ca", "ca=ca&mode=shared" };

  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      Dribbler dribbler = { .server = tls_server_start ("server", NULL, 0) };
      g_autoptr (GSocket) socket = NULL;
      g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
      g_autofree gchar *uri = NULL;
      g_autoptr (GSocketAddress) local = NULL;

      socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, NULL);
      CU_ASSERT (g_socket_bind (socket, address, TRUE, NULL) && g_socket_listen (socket, NULL));
      g_socket_set_blocking (socket, TRUE);
      local = g_socket_get_local_address (socket, NULL);
      dribbler.listener = g_socket_get_fd (socket);
      uri = g_strdup_printf ("tls://127.0.0.1:%u",
                             g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)));
      {
        g_autoptr (TallyChannel) channel = tls_connect (uri, options[i], NULL);

        dribbler.thread = g_thread_new (NULL, dribble, &dribbler);
        for (guint n = 0; n < 3; n++)
          CU_ASSERT (tls_echoes (channel, "a byte at a time"));
      }
      tls_server_stop (dribbler.server);
      g_thread_join (dribbler.thread);
    }
}

/* Each as a test that leaves nothing open. */
TLS_TEST (rule_10_an_ended_connection_is_not_lent)
TLS_TEST (half_a_reply_is_an_error)
TLS_TEST (a_handshake_ends_at_the_deadline)
TLS_TEST (a_handshake_can_be_cancelled)
TLS_TEST (a_call_ends_at_its_deadline)
TLS_TEST (a_client_that_does_not_shake_hands_is_closed)
TLS_TEST (silent_clients_hold_up_nobody)
TLS_TEST (stalled_handshakes_hold_up_nobody)
TLS_TEST (records_may_come_in_pieces)

static const TestCase cases[] = { TEST (test_rule_10_an_ended_connection_is_not_lent),
                                  TEST (test_half_a_reply_is_an_error),
                                  TEST (test_a_handshake_ends_at_the_deadline),
                                  TEST (test_a_handshake_can_be_cancelled),
                                  TEST (test_a_call_ends_at_its_deadline),
                                  TEST (test_a_client_that_does_not_shake_hands_is_closed),
                                  TEST (test_silent_clients_hold_up_nobody),
                                  TEST (test_stalled_handshakes_hold_up_nobody),
                                  TEST (test_records_may_come_in_pieces),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-ends", cases, argc, argv);
  tls_end ();
  return status;
}
