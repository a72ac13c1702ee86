/* Owns a server in a thread of its own and the sockets that tests speak to it with. */
#include "server-fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "protocols-internal.h"
#include "scanner-private.h"
#include "tally-socket.h"
#include "tls-relay.h"

/* Seconds after which a receive, or a handshake, gives up: the test has failed then. */
#define PATIENCE 120

static void *
serve (void *data)
{
  Running *self = data;
  GError *error = NULL;

  self->served = thrift_server_serve (THRIFT_SERVER (self->server), &error);
  if (error != NULL)
    g_printerr ("# serve: %s\n", error->message);
  g_clear_error (&error);
  return NULL;
}

static void
configure (TallyServer *server, const gchar *options)
{
  g_auto (GStrv) parts = g_strsplit (options != NULL ? options : "", " ", -1);

  for (guint i = 0; parts[i] != NULL && *parts[i] != '\0'; i++)
    {
      gchar *value = strchr (parts[i], '=');
      GValue number = G_VALUE_INIT;

      *value = '\0';
      g_value_init (&number, G_TYPE_UINT64);
      g_value_set_uint64 (&number, g_ascii_strtoull (value + 1, NULL, 10));
      g_object_set_property (G_OBJECT (server), parts[i], &number); /* of whatever number type */
    }
}

/* @address with @query, in the relay's TLS where that is on and the address is TCP's. (transfer full) */
static gchar *
dup_uri (const gchar *address, const gchar *query)
{
  gboolean is_secured = tls_relay_is_on () && !g_str_has_prefix (address, "unix:");
  g_autofree gchar *start =
      is_secured ? g_strconcat ("tls", strchr (address, ':'), NULL) : g_strdup (address);
  g_autofree gchar *files =
      is_secured ? g_strdup_printf ("cert=%s&", tls_relay_get_file ()) : g_strdup ("");

  return g_strdup_printf ("%s%c%s%s", start, strchr (start, '?') != NULL ? '&' : '?', files, query);
}

static Running *
start_serving (ThriftProcessor *processor,
               TestHandler *handler,
               const Speech *speech,
               const gchar *uri,
               const gchar *options)
{
  Running *self = g_new0 (Running, 1);
  g_autoptr (GError) error = NULL;

  self->speech = speech;
  self->processor = processor;
  self->handler = handler;
  self->server = tally_server_new (processor, uri, &error);
  assert_no_error (error);
  g_object_set (self->server, "handshake-timeout", PATIENCE * 1000, NULL);
  configure (self->server, options);
  CU_ASSERT_FATAL (tally_server_listen (self->server, &error));
  assert_no_error (error);
  self->uri = tally_server_dup_uri (self->server);
  CU_ASSERT_FATAL (pthread_create (&self->thread, NULL, serve, self) == 0);
  return self;
}

Running *
running_start_at (ThriftProcessor *processor,
                  TestHandler *handler,
                  const gchar *address,
                  const gchar *query)
{
  g_autofree gchar *uri = dup_uri (address, query);

  return start_serving (processor, handler, &framed_binary, uri, NULL);
}

Running *
running_start_speaking (const gchar *query, const gchar *options)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  g_autofree gchar *uri = dup_uri ("tcp://127.0.0.1:0", query);

  return start_serving (test_processor_new (derived_processor_get_type (), handler), handler,
                        &framed_binary, uri, options);
}

Running *
running_start_with (ThriftProcessor *processor,
                    TestHandler *handler,
                    const Speech *speech,
                    const gchar *address,
                    const gchar *options)
{
  g_autofree gchar *query =
      g_strdup_printf ("protocol=%s&transport=%s", tally_protocol_get_name (speech->protocol),
                       speech->framed ? "framed" : "buffered");
  g_autofree gchar *uri = dup_uri (address != NULL ? address : "tcp://127.0.0.1:0", query);

  return start_serving (processor, handler, speech, uri, options);
}

Running *
running_start (const Speech *speech, const gchar *address, const gchar *options)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);

  return running_start_with (test_processor_new (derived_processor_get_type (), handler), handler,
                             speech, address, options);
}

TallyServer *
server_new_idle (const gchar *uri, GError **error)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));

  return tally_server_new (THRIFT_PROCESSOR (processor), uri, error);
}

void
running_join (Running *self)
{
  pthread_join (self->thread, NULL);
  CU_ASSERT (self->served);
  if (self->handler != NULL)
    CU_ASSERT (!self->handler->saw_null);
  g_object_unref (self->server);
  g_object_unref (self->processor);
  g_clear_object (&self->handler);
  g_free (self->uri);
  g_free (self);
}

void
running_stop (Running *self)
{
  tally_server_stop (self->server);
  running_join (self);
}

TallyServerSnapshot
running_snapshot (const Running *self)
{
  TallyServerSnapshot snapshot;

  tally_server_snapshot (self->server, &snapshot);
  return snapshot;
}

void
running_await_connections (const Running *self, guint count)
{
  while (running_snapshot (self).connections != count)
    g_thread_yield ();
}

gchar *
running_dup_client_uri (const Running *self, const gchar *query)
{
  g_autofree gchar *address = g_strndup (self->uri, strcspn (self->uri, "?"));
  gboolean is_secured = g_str_has_prefix (address, "tls:");

  return g_strconcat (address, "?", query, is_secured ? "&ca=" : NULL,
                      is_secured ? tls_relay_get_file () : NULL, NULL);
}

/* ---- sockets ---- */

gint
peer_connect_uri (const gchar *uri)
{
  gboolean is_tls = tls_relay_is_on () && g_str_has_prefix (uri, "tls:");
  g_autofree gchar *plain =
      g_strconcat (is_tls ? "tcp" : "", uri + (is_tls ? strlen ("tls") : 0), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (plain, &error);
  g_autoptr (TallySocket) dialed = NULL;
  const struct timeval patience = { PATIENCE, 0 };
  gint fd;

  assert_no_error (error);
  dialed = tally_socket_dial (endpoint, -1, NULL, &error);
  assert_no_error (error);
  if (dialed == NULL)
    return -1;
  /* The descriptor alone, blocking, without the socket's buffers. */
  fd = dup (tally_socket_get_fd (dialed));
  if (is_tls)
    fd = tls_relay_connect (fd);
  CU_ASSERT (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  return fd;
}

gint
peer_connect (Running *self)
{
  return peer_connect_uri (self->uri);
}

gint
peer_connect_and_greet (Running *self)
{
  gint fd = peer_connect (self);

  CU_ASSERT (peer_echoes (fd, self->speech, 0, "hello"));
  return fd;
}

static gssize
retry_recv (gint fd, gpointer bytes, gsize length, gint flags)
{
  gssize count;

  for (;;)
    {
      count = recv (fd, bytes, length, flags);
      if (count >= 0 || errno != EINTR)
        return count;
    }
}

void *
peer_send_calls (void *data)
{
  const gint fd = GPOINTER_TO_INT (data);
  TallyBuffer requests = { NULL, 0, 0 };
  gssize sent = 0;
  gsize at = 0;

  while (requests.length < 1024 * 1024)
    write_request (&requests, &framed_binary, "note", T_ONEWAY, 1, NULL, NULL);
  for (; sent >= 0; at = (at + MAX (sent, 0)) % requests.length)
    sent = send (fd, requests.data + at, requests.length - at, MSG_NOSIGNAL);
  tally_buffer_clear (&requests);
  return NULL;
}

void
peer_send (gint fd, TallyBuffer *buffer)
{
  gsize sent = 0;

  while (sent < buffer->length)
    {
      gssize count = send (fd, buffer->data + sent, buffer->length - sent, MSG_NOSIGNAL);

      if (count < 0 && errno != EINTR)
        break; /* the server has had enough of it: what it says is the test's business */
      sent += MAX (count, 0);
    }
  tls_relay_settle (); /* as on a plain connection: what the test does next comes behind it */
  tally_buffer_clear (buffer);
}

static gboolean
read_all (gint fd, gpointer bytes, gsize length)
{
  gsize have = 0;

  while (have < length)
    {
      gssize count = retry_recv (fd, (guint8 *) bytes + have, length - have, 0);

      if (count <= 0)
        return FALSE;
      have += (gsize) count;
    }
  return TRUE;
}

/* Byte by byte, so that nothing of the next message is taken. */
static gboolean
read_unframed (gint fd, const Speech *speech, TallyBuffer *message)
{
  TallyScanner *scanner = tally_scanner_new (speech->codec, &tally_limits_default);
  gboolean complete = FALSE;

  while (!complete)
    {
      tally_buffer_reserve (message, 1);
      if (!read_all (fd, message->data + message->length, 1))
        break;
      message->length++;
      complete = tally_scanner_scan (scanner, message->data, message->length) == message->length;
    }
  tally_scanner_free (scanner);
  return complete;
}

static gboolean
read_framed (gint fd, TallyBuffer *message)
{
  guint32 frame;

  if (!read_all (fd, &frame, sizeof frame))
    return FALSE;
  frame = GUINT32_FROM_BE (frame);
  CU_ASSERT_FATAL (frame < 64 * 1024 * 1024);
  tally_buffer_reserve (message, frame);
  message->length = frame;
  return read_all (fd, message->data, frame);
}

gboolean
peer_receive (gint fd, const Speech *speech, TallyKind kind, Answer *answer)
{
  TallyBuffer message = { NULL, 0, 0 };
  gboolean ok = speech->framed ? read_framed (fd, &message) : read_unframed (fd, speech, &message);

  memset (answer, 0, sizeof *answer);
  if (ok)
    answer_parse (answer, speech, message.data, message.length, kind);
  tally_buffer_clear (&message);
  return ok;
}

gboolean
peer_sees_end (gint fd)
{
  guint8 byte;
  gssize count = retry_recv (fd, &byte, 1, 0);

  return count == 0 || (count < 0 && (errno == ECONNRESET || errno == EPIPE));
}

void
peer_reset (gint fd)
{
  const struct linger hard = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close (fd);
  tls_relay_settle ();
}

gboolean
peer_echoes (gint fd, const Speech *speech, gint32 seqid, const gchar *text)
{
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;
  gboolean ok;

  write_echo (&request, speech, seqid, text);
  peer_send (fd, &request);
  ok = peer_receive (fd, speech, TALLY_KIND_STRING, &answer) && answer.type == T_REPLY
       && answer.seqid == seqid && g_strcmp0 (answer.text, text) == 0;
  answer_clear (&answer);
  return ok;
}

void
peer_call (gint fd, const Speech *speech, const gchar *name, gint32 seqid)
{
  TallyBuffer request = { NULL, 0, 0 };

  write_request (&request, speech, name, T_CALL, seqid, NULL, NULL);
  peer_send (fd, &request);
}

gboolean
peer_is_inside (Running *self, gint fd)
{
  gboolean inside;

  do
    {
      pthread_mutex_lock (&self->handler->lock);
      inside = self->handler->n_inside > 0;
      pthread_mutex_unlock (&self->handler->lock);
    }
  while (!inside && poll (&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1) == 0);
  return inside;
}

void
check_refusal (gint fd, const Speech *speech, gint32 seqid, const gchar *part)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.seqid, seqid);
  if (answer.text == NULL || strstr (answer.text, part) == NULL)
    assert_string (answer.text, part);
  CU_ASSERT (answer.text != NULL && strstr (answer.text, "not executed") != NULL);
  answer_clear (&answer);
}

void
check_reply (gint fd, const Speech *speech, gint32 seqid)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_REPLY);
  assert_int (answer.seqid, seqid);
  answer_clear (&answer);
}

guint
peer_await_any (const gint *fds, guint count)
{
  struct pollfd polled[16];

  CU_ASSERT_FATAL (count <= G_N_ELEMENTS (polled));
  for (guint i = 0; i < count; i++)
    polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
  CU_ASSERT_FATAL (poll (polled, count, -1) > 0);
  for (guint i = 0; i < count; i++)
    if (polled[i].revents != 0)
      return i;
  g_assert_not_reached ();
}

void
check_goodbye (gint fd, const Speech *speech)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_STRING, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.seqid, 0);
  assert_string (answer.name, "");
  assert_string (answer.text, "the server is stopping; a request that was not answered before this "
                              "was not executed");
  answer_clear (&answer);
  CU_ASSERT (peer_sees_end (fd));
}

static void
check_echo (const gchar *uri, const Speech *speech)
{
  gint fd = peer_connect_uri (uri);

  CU_ASSERT (fd >= 0);
  CU_ASSERT (peer_echoes (fd, speech, 4711, "alive"));
  close (fd);
}

void
check_alive (Running *self)
{
  check_echo (self->uri, self->speech);
}

void
check_alive_at (const gchar *uri)
{
  check_echo (uri, &framed_binary);
}
