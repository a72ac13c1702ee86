/* Owns the tests of what ends a wait over TLS, and of what an idle connection is taken for: against a server by
 * hand, which does a thing and then holds the connection, and one of OpenSSL's. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "codec-private.h"
#include "framing-private.h"
#include "server-fixture.h"
#include "socket-private.h"
#include "tls-fixture.h"

/* ---- a server that holds its connections ---- */

typedef enum
{
  HOLD_WITHOUT_READING,
  HOLD_INSIDE_A_RECORD, /* instead of a reply */
  HOLD_BEHIND_HALF_A_RECORD /* behind the reply to the first connection's request */,
  HOLD_BEHIND_A_GOODBYE, /* the same */
  HOLD_BEHIND_A_REFUSAL, /* instead of that reply, with a goodbye */
  HOLD_WITH_A_GOODBYE    /* instead of a reply */
} Holding;

typedef struct
{
  Holding holding;
  GSocketListener *listener;
  gchar *uri;
  GThread *thread;
  GCancellable *stop;
  GMutex lock;
  GCond changed;
  guint n_held;              /* of connections that have come so far; the lock's */
  gboolean is_torn;          /* what was to leave in one segment may not have; set before n_held */
  GCancellable *cancellable; /* (nullable): cancelled with each */
} Holder;

static gboolean
read_request (GIOStream *stream, guint8 *body, gsize size)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  guint8 head[4];
  gsize count;

  return g_input_stream_read_all (input, head, 4, &count, NULL, NULL) && count == 4
         && g_input_stream_read_all (input, body, MIN (size, (gsize) (head[2] * 256 + head[3])),
                                     &count, NULL, NULL);
}

/* A request of echo's becomes its reply by two bytes: its type, and the id of its field. */
static void
answer (GIOStream *stream, guint8 *body)
{
  guint8 length[4] = { 0, 0, 0, 0 };
  gsize size = 4 + 4 + 4 + 4 + 3 + 4 + 1 + 1; /* "echo", and "x" */
  gsize count;

  body[3] = T_REPLY;
  body[18] = 0;
  length[3] = (guint8) size;
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), length, 4, &count, NULL, NULL);
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), body, size, &count, NULL,
                             NULL);
}

/* The kernel waits for more of a segment 200 ms. */
#define MAX_CORKED (150 * G_TIME_SPAN_MILLISECOND)

/* The refusal of echo's request, and the goodbye, in one segment. FALSE: this thread took too long for that. */
static gboolean
refuse_and_end (GIOStream *stream, GSocket *socket, const guint8 *body)
{
  GOutputStream *output = g_io_stream_get_output_stream (stream);
  TallyApplicationException exception = { (gchar *) "too busy", 6 };
  TallyBuffer answer = { NULL, 0, 0 };
  gsize start = tally_frame_begin (&answer, TALLY_FRAMING_FRAMED);
  gint64 began;
  gsize count;

  tally_codec_binary.write_message (&answer, "echo", 4, T_EXCEPTION, body[15]);
  tally_codec_binary.write_struct (&answer, &tally_application_exception_info, &exception, NULL);
  tally_frame_close (&answer, TALLY_FRAMING_FRAMED, start);
  began = g_get_monotonic_time ();
  g_socket_set_option (socket, IPPROTO_TCP, TCP_CORK, TRUE, NULL);
  g_output_stream_write_all (output, answer.data, answer.length, &count, NULL, NULL);
  g_output_stream_close (output, NULL, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_CORK, FALSE, NULL);
  tally_buffer_clear (&answer);
  return g_get_monotonic_time () - began < MAX_CORKED;
}

static void
do_thing (Holder *self, GIOStream *tls, GSocket *socket, guint nth)
{
  static const guint8 half[] = { 23, 3, 3, 0, 64, 1, 2, 3 };
  guint8 body[256];
  gboolean answers =
      self->holding >= HOLD_BEHIND_HALF_A_RECORD && self->holding < HOLD_WITH_A_GOODBYE;

  if (self->holding == HOLD_WITHOUT_READING)
    {
      g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL);
      return;
    }
  if (!read_request (tls, body, sizeof body))
    return;
  if (self->holding == HOLD_BEHIND_A_REFUSAL && nth == 0)
    {
      self->is_torn = !refuse_and_end (tls, socket, body);
      return;
    }
  if (answers)
    answer (tls, body);
  if (answers && nth > 0)
    return;
  if (self->holding == HOLD_INSIDE_A_RECORD || self->holding == HOLD_BEHIND_HALF_A_RECORD)
    g_socket_send (socket, (const gchar *) half, sizeof half, NULL, NULL);
  else
    g_output_stream_close (g_io_stream_get_output_stream (tls), NULL, NULL);
}

static gpointer
holder_main (gpointer data)
{
  Holder *self = data;
  g_autofree gchar *file = tls_file ("server");
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (file, NULL);
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);
  GSocketConnection *connection;

  while ((connection = g_socket_listener_accept (self->listener, NULL, self->stop, NULL)) != NULL)
    {
      GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (connection), certificate, NULL);

      do_thing (self, tls, g_socket_connection_get_socket (connection), held->len / 2);
      g_ptr_array_add (held, tls);
      g_ptr_array_add (held, connection);
      g_mutex_lock (&self->lock);
      self->n_held++;
      if (self->cancellable != NULL)
        g_cancellable_cancel (self->cancellable);
      g_cond_signal (&self->changed);
      g_mutex_unlock (&self->lock);
    }
  return NULL;
}

static void
holder_start (Holder *self, Holding holding, GCancellable *cancellable)
{
  guint16 port;

  *self = (Holder){ .holding = holding,
                    .listener = g_socket_listener_new (),
                    .stop = g_cancellable_new (),
                    .cancellable = cancellable };
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  port = g_socket_listener_add_any_inet_port (self->listener, NULL, NULL);
  self->uri = g_strdup_printf ("tls://127.0.0.1:%u", port);
  self->thread = g_thread_new (NULL, holder_main, self);
}

static void
holder_await (Holder *self, guint n_held)
{
  g_mutex_lock (&self->lock);
  while (self->n_held < n_held)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
holder_stop (Holder *self)
{
  g_cancellable_cancel (self->stop);
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_object_unref (self->stop);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->uri);
}

/* ---- what ends a wait ---- */

static const gchar *const modes[] = { "ca=ca", "ca=ca&mode=unpooled", "ca=ca&mode=shared" };

/* More than the kernel takes. */
#define LARGE (12 * 1024 * 1024)

static void
check_wait (Holding holding, const gchar *options, gboolean cancels)
{
  g_autoptr (GCancellable) cancellable = cancels ? g_cancellable_new () : NULL;
  g_autoptr (GByteArray) data = g_byte_array_new ();
  Holder holder;

  holder_start (&holder, holding, cancellable);
  if (holding == HOLD_WITHOUT_READING)
    g_byte_array_set_size (data, LARGE);
  {
    g_autoptr (TallyChannel) channel = tls_connect (holder.uri, options, NULL);
    g_autoptr (GByteArray) reply = NULL;
    g_autoptr (GError) error = NULL;
    BlobArgs args = { data };
    gpointer results[] = { &reply };

    CU_ASSERT (!tally_channel_call (channel, tls_find_method ("blob"), &args, results,
                                    cancels ? 60 * 1000 : 200, cancellable, &error));
    if (cancels)
      assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
    else
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  }
  holder_stop (&holder);
}

static void
each_wait_ends_at_the_deadline (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      check_wait (HOLD_WITHOUT_READING, modes[i], FALSE);
      check_wait (HOLD_INSIDE_A_RECORD, modes[i], FALSE);
    }
}

static void
each_wait_ends_when_cancelled (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      check_wait (HOLD_WITHOUT_READING, modes[i], TRUE);
      check_wait (HOLD_INSIDE_A_RECORD, modes[i], TRUE);
    }
}

/* ---- ends ---- */

static void
a_goodbye_instead_of_a_reply_is_a_lost_connection (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Holder holder;

      holder_start (&holder, HOLD_WITH_A_GOODBYE, NULL);
      {
        g_autoptr (TallyChannel) channel = tls_connect (holder.uri, modes[i], NULL);
        g_autoptr (GError) error = NULL;

        CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
        assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "the peer closed it");
        CU_ASSERT (error == NULL || strstr (error->message, "goodbye") == NULL);
      }
      holder_stop (&holder);
    }
}

/* The peer keeps the descriptor, so that only TLS tells of it. */
static void
check_not_lent_again (Holding holding)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i += 2) /* where connections are kept */
    {
      Holder holder;

      holder_start (&holder, holding, NULL);
      {
        g_autoptr (TallyChannel) channel = tls_connect (holder.uri, modes[i], NULL);

        CU_ASSERT (tls_echoes (channel, "x"));
        holder_await (&holder, 1);
        if (tls_echoes (channel, "x")) /* not tried twice: echo may not be repeated */
          holder_await (&holder, 2);
      }
      holder_stop (&holder);
    }
}

static void
rule_10_an_idle_connection_with_a_goodbye_is_not_lent (void)
{
  if (tls_begin ())
    check_not_lent_again (HOLD_BEHIND_A_GOODBYE);
}

static void
rule_10_an_idle_connection_with_half_a_record_is_not_lent (void)
{
  if (tls_begin ())
    check_not_lent_again (HOLD_BEHIND_HALF_A_RECORD);
}

/* Nobody looks at the connection again. FALSE: refusal and goodbye may have come one after the other, which proves
 * nothing. */
static gboolean
check_last_word (const gchar *mode)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  gboolean is_torn;
  Holder holder;

  g_object_set (pool, "check", TALLY_POOL_CHECK_NEVER, NULL);
  holder_start (&holder, HOLD_BEHIND_A_REFUSAL, NULL);
  {
    g_autoptr (TallyChannel) channel = tls_connect (holder.uri, mode, pool);
    g_autoptr (GError) error = NULL;
    gboolean echoes;

    CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
    assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                  THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "too busy");
    holder_await (&holder, 1);
    is_torn = holder.is_torn;
    echoes = !is_torn && tls_echoes (channel, "x");
    CU_ASSERT (echoes || is_torn);
    if (echoes)
      holder_await (&holder, 2);
  }
  tally_pool_close (pool);
  holder_stop (&holder);
  return !is_torn;
}

static void
rule_10_a_refusal_with_a_goodbye_may_be_the_last_word (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i += 2)
    while (!check_last_word (modes[i]))
      continue;
}

static gboolean
accept_any (void)
{
  return TRUE;
}

/* A client that ends its half behind its request still gets its answer, and then the end. */
static void
a_server_answers_behind_a_goodbye (void)
{
  TlsServer *server;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) tls = NULL;
  TallyBuffer request = { NULL };
  guint8 reply[64];
  gsize count = 0;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  socket = g_socket_new_from_fd (tls_connect_plainly (server), NULL);
  connection = g_socket_connection_factory_create_connection (socket);
  tls = g_tls_client_connection_new (G_IO_STREAM (connection), NULL, NULL);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_any), NULL);
  write_echo (&request, &framed_binary, 7, "x");
  CU_ASSERT (g_output_stream_write_all (g_io_stream_get_output_stream (tls), request.data,
                                        request.length, &count, NULL, NULL));
  CU_ASSERT (g_output_stream_close (g_io_stream_get_output_stream (tls), NULL, NULL));
  CU_ASSERT (g_input_stream_read_all (g_io_stream_get_input_stream (tls), reply, sizeof reply,
                                      &count, NULL, NULL));
  g_io_stream_close (tls, NULL, NULL);
  CU_ASSERT (count > 20 && count < sizeof reply && memchr (reply, 'x', count) != NULL);
  tally_buffer_clear (&request);
  tls_server_stop (server);
}

/* ---- records that are no message ---- */

typedef struct
{
  GPid pid;
  FILE *input;
  FILE *output;
  gchar *uri;
} OpenSsl;

static void
openssl_start (OpenSsl *self)
{
  g_autofree gchar *file = tls_file ("server");
  g_autofree gchar *ca = tls_file ("ca");
  const gchar *argv[] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1",
                          "-cert",   file,       "-key",    file,          NULL };
  g_autofree gchar *line = NULL;
  gint input, output;
  gsize size = 0;
  gchar *port = NULL;

  CU_ASSERT_FATAL (g_spawn_async_with_pipes (NULL, (gchar **) argv, NULL,
                                             G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD
                                                 | G_SPAWN_STDERR_TO_DEV_NULL,
                                             NULL, NULL, &self->pid, &input, &output, NULL, NULL));
  self->input = fdopen (input, "w");
  self->output = fdopen (output, "r");
  while (port == NULL && getline (&line, &size, self->output) > 0)
    port = g_str_has_prefix (line, "ACCEPT") ? strrchr (line, ':') : NULL;
  CU_ASSERT_FATAL (port != NULL);
  self->uri = g_strdup_printf ("tls://127.0.0.1:%d?ca=%s", atoi (port + 1), ca);
}

static void
openssl_do (OpenSsl *self, const gchar *command)
{
  fputs (command, self->input);
  fflush (self->input);
}

static void
openssl_stop (OpenSsl *self)
{
  fclose (self->input);
  fclose (self->output);
  waitpid (self->pid, NULL, 0);
  g_free (self->uri);
}

static gboolean
await_bytes (TallySocket *socket, gint timeout_ms)
{
  struct pollfd waiting = { .fd = tally_stream_get_fd (&socket->stream), .events = POLLIN };

  return poll (&waiting, 1, timeout_ms) == 1;
}

/* A part of a record may still be under way. */
static void
await_clean (TallySocket *socket)
{
  while (!tally_socket_is_clean (socket))
    g_thread_yield ();
}

/* Tickets for sessions come behind the handshake, new keys whenever the peer likes. */
static void
rule_10_a_record_that_is_no_message_leaves_it_clean (void)
{
  OpenSsl openssl;

  if (!tls_begin ())
    return;
  openssl_start (&openssl);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (openssl.uri, NULL);
    g_autoptr (TallySocket) socket = tally_socket_dial (endpoint, -1, NULL, &error);

    assert_no_error (error);
    CU_ASSERT_FATAL (socket != NULL);
    CU_ASSERT (await_bytes (socket, 60 * 1000)); /* tickets */
    await_clean (socket);
    openssl_do (&openssl, "k\n");
    CU_ASSERT (await_bytes (socket, 60 * 1000));
    await_clean (socket);
    /* What came may have been the second ticket. openssl drops what it reads together with its command. */
    do
      {
        openssl_do (&openssl, "a message\n");
        await_bytes (socket, 100);
      }
    while (tally_socket_is_clean (socket));
  }
  openssl_stop (&openssl);
}

/* Each as a test that leaves nothing open. */
TLS_TEST (each_wait_ends_at_the_deadline)
TLS_TEST (each_wait_ends_when_cancelled)
TLS_TEST (a_goodbye_instead_of_a_reply_is_a_lost_connection)
TLS_TEST (rule_10_an_idle_connection_with_a_goodbye_is_not_lent)
TLS_TEST (rule_10_an_idle_connection_with_half_a_record_is_not_lent)
TLS_TEST (rule_10_a_refusal_with_a_goodbye_may_be_the_last_word)
TLS_TEST (a_server_answers_behind_a_goodbye)
TLS_TEST (rule_10_a_record_that_is_no_message_leaves_it_clean)

static const TestCase cases[] = {
  TEST (test_each_wait_ends_at_the_deadline),
  TEST (test_each_wait_ends_when_cancelled),
  TEST (test_a_goodbye_instead_of_a_reply_is_a_lost_connection),
  TEST (test_rule_10_an_idle_connection_with_a_goodbye_is_not_lent),
  TEST (test_rule_10_an_idle_connection_with_half_a_record_is_not_lent),
  TEST (test_rule_10_a_refusal_with_a_goodbye_may_be_the_last_word),
  TEST (test_a_server_answers_behind_a_goodbye),
  TEST (test_rule_10_a_record_that_is_no_message_leaves_it_clean),
  { NULL, NULL }
};

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-waits", cases, argc, argv);
  tls_end ();
  return status;
}
