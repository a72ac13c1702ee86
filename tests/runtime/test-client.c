/* Generated clients' base class: on a channel, and Apache-style over Apache's own protocols and
 * transports, on loopback sockets and in memory. */
#include <signal.h>
#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>
#include <thrift/c_glib/transport/thrift_socket.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-client.h"
#include "tally-error.h"

/* An Apache-style client and what it stands on. */
typedef struct
{
  GObject *bottom; /* socket or memory buffer */
  GObject *framed;
  GObject *protocol;
  TallyClient *client;
} Apache;

static void
apache_open (Apache *self, GObject *bottom, gboolean compact)
{
  GError *error = NULL;

  self->bottom = bottom;
  self->framed = g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", bottom, NULL);
  self->protocol =
      g_object_new (compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
                    "transport", self->framed, NULL);
  self->client = g_object_new (TALLY_TYPE_CLIENT, "input_protocol", self->protocol,
                               "output_protocol", self->protocol, NULL);
  thrift_transport_open (THRIFT_TRANSPORT (self->framed), &error);
  assert_no_error (error);
}

static void
apache_connect (Apache *self, EchoServer *server)
{
  apache_open (self,
               g_object_new (THRIFT_TYPE_SOCKET, "hostname", "127.0.0.1", "port",
                             (guint) test_peer_get_port (server->peer), NULL),
               strstr (server->options, "compact") != NULL);
}

/* Apache's finalizers do not chain up and leak what GObject keeps for each object: these live
 * on. */
static GPtrArray *immortal;

static void
apache_close (Apache *self)
{
  thrift_transport_close (THRIFT_TRANSPORT (self->framed), NULL);
  g_object_unref (self->client);
  g_ptr_array_add (immortal, self->protocol);
  g_ptr_array_add (immortal, self->framed);
  g_ptr_array_add (immortal, self->bottom);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Apache, apache_close)

static gboolean
call (
    gpointer client, guint method, const gchar *text, gchar **reply, FixOops **oops, GError **error)
{
  EchoArgs args = { (gchar *) text };
  gpointer results[] = { reply, oops };

  g_clear_error (error);
  return tally_client_call (client, &echo_methods[method], &args, results, error);
}

/* ---- on a channel ---- */

static void
a_channels_client_calls_and_has_no_halves (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (TallyChannel) same = NULL;
  g_autoptr (GObject) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) "x" };

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  client = tally_client_new (TALLY_TYPE_CLIENT, channel);
  g_object_get (client, "channel", &same, NULL);
  CU_ASSERT_PTR_EQUAL (same, channel);
  CU_ASSERT_TRUE (call (client, ECHO_ECHO, "hello", &reply, NULL, &error));
  assert_string (reply, "hello");
  CU_ASSERT_FALSE (tally_client_send (client, &echo_methods[ECHO_ECHO], &args, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "echo: a client on a channel");
  g_clear_error (&error);
  CU_ASSERT_FALSE (tally_client_recv (client, &echo_methods[ECHO_ECHO], NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "two steps");
  tally_pool_close (pool);
}

static void
a_client_on_nothing_says_so (void)
{
  g_autoptr (GObject) client = g_object_new (TALLY_TYPE_CLIENT, NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (call (client, ECHO_ECHO, "x", NULL, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "neither a channel nor");
}

/* ---- Apache-style ---- */

static void
apaches_protocols_serve (void)
{
  static const gchar *const dialects[] = { "?", "?protocol=compact" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      g_auto (EchoServer) server;
      g_auto (Apache) apache;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = g_strdup ("old");
      ThriftProtocol *protocol = NULL;

      echo_server_start (&server, echo_honest, dialects[i], NULL);
      apache_connect (&apache, &server);
      g_object_get (apache.client, "input_protocol", &protocol, NULL);
      CU_ASSERT_PTR_EQUAL (protocol, apache.protocol);
      g_object_unref (protocol);
      CU_ASSERT_TRUE (call (apache.client, ECHO_ECHO, "hello", &reply, NULL, &error));
      assert_no_error (error);
      assert_string (reply, "hello");
      CU_ASSERT_TRUE (call (apache.client, ECHO_NOTE, "note", NULL, NULL, &error));
      CU_ASSERT_TRUE (call (apache.client, ECHO_ECHO, "again", &reply, NULL, &error));
      assert_string (reply, "again");
      assert_int (test_peer_get_accepted (server.peer), 1);
    }
}

/* A program's own protocols have no deadline: a call that asks for one is not made without it. */
static void
apaches_protocols_take_no_deadline (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const TallyCallOptions refused[] = { { .timeout = 100 },
                                       { .deadline = G_MAXINT64 },
                                       { .cancellable = cancellable } };
  const TallyCallOptions harmless = { .timeout = -1,
                                      .label = "me",
                                      .idempotence = TALLY_IDEMPOTENCE_YES };
  g_auto (EchoServer) server;
  g_auto (Apache) apache;
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) "x" };
  gpointer results[] = { &reply, NULL };

  echo_server_start (&server, echo_honest, "?", NULL);
  apache_connect (&apache, &server);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (tally_client_call_with (apache.client, &echo_methods[ECHO_ECHO], &args,
                                               results, &refused[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "nothing was sent");
    }
  CU_ASSERT_TRUE (tally_client_call_with (apache.client, &echo_methods[ECHO_ECHO], &args, results,
                                          &harmless, NULL));
  assert_string (reply, "x");
  assert_int (g_atomic_int_get (&server.requests), 1);
}

static gboolean
lie_about (EchoRequest *request)
{
  EchoResult result = { .success = request->text };
  TallyApplicationException exception = { (gchar *) "disk full", 6 };
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", NULL);
  EchoResult thrown = { .oops = (FixOops *) oops };
  EchoResult none = { NULL };
  const TallyStructInfo *info = echo_methods[ECHO_ECHO].result;
  const gchar *lie = request->text;
  TallyBuffer output = { 0 };

  if (strcmp (lie, "seqid") == 0)
    echo_put (request, &output, "echo", T_REPLY, request->seqid + 1, info, &result);
  else if (strcmp (lie, "name") == 0)
    echo_put (request, &output, "ech", T_REPLY, request->seqid, info, &result);
  else if (strcmp (lie, "type") == 0)
    echo_put (request, &output, "echo", T_CALL, request->seqid, info, &result);
  else if (strcmp (lie, "exception") == 0)
    echo_put (request, &output, "echo", T_EXCEPTION, request->seqid,
              &tally_application_exception_info, &exception);
  else if (strcmp (lie, "throw") == 0)
    echo_put (request, &output, "echo", T_REPLY, request->seqid, info, &thrown);
  else if (strcmp (lie, "none") == 0)
    echo_put (request, &output, "echo", T_REPLY, request->seqid, info, &none);
  else if (strcmp (lie, "end") != 0)
    echo_put_reply (request, &output);
  echo_send (request, &output);
  tally_buffer_clear (&output);
  return strcmp (lie, "end") != 0;
}

static void
replies_are_matched_as_on_a_channel (void)
{
  static const struct
  {
    const gchar *lie;
    gint code;
  } cases[] = { { "seqid", THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID },
                { "name", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME },
                { "type", THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE },
                { "exception", 6 },
                { "none", THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT } };
  g_auto (EchoServer) server;
  g_auto (Apache) apache;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = g_strdup ("old");
  FixOops *oops = NULL;
  guint i;

  echo_server_start (&server, lie_about, "?", NULL);
  apache_connect (&apache, &server);
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CU_ASSERT_FALSE (call (apache.client, ECHO_ECHO, cases[i].lie, &reply, NULL, &error));
      assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, cases[i].code, "echo: receiving");
      assert_string (reply, "old");
    }
  CU_ASSERT_FALSE (call (apache.client, ECHO_ECHO, "throw", &reply, &oops, &error));
  assert_error (error, fix_oops_error_quark (), 0, NULL);
  assert_string (error->message, "Oops");
  CU_ASSERT_PTR_NOT_NULL (oops);
  g_clear_object (&oops);
  /* each was read to its end, so that the next is read from its beginning */
  CU_ASSERT_TRUE (call (apache.client, ECHO_ECHO, "honest", &reply, NULL, &error));
  assert_string (reply, "honest");
  CU_ASSERT_FALSE (call (apache.client, ECHO_ECHO, "end", &reply, NULL, &error));
  CU_ASSERT_PTR_NOT_NULL (error);
}

/* Sends on a connection that is gone fail at once or are found out when the reply is awaited;
 * Apache's generated clients say neither. */
static void
a_closed_transport_is_reported (void)
{
  g_auto (EchoServer) server;
  g_auto (Apache) apache;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  guint i;

  echo_server_start (&server, lie_about, "?", NULL);
  apache_connect (&apache, &server);
  CU_ASSERT_FALSE (call (apache.client, ECHO_ECHO, "end", &reply, NULL, &error));
  test_peer_await_finished (server.peer, 1);
  for (i = 0; i < 3; i++)
    {
      CU_ASSERT_FALSE (call (apache.client, ECHO_ECHO, "x", &reply, NULL, &error));
      CU_ASSERT_PTR_NOT_NULL (error);
    }
}

/* ---- in memory: what is written, byte by byte ---- */

static void
what_cannot_be_encoded_writes_nothing (void)
{
  g_auto (Apache) apache;
  g_autoptr (GError) error = NULL;
  EchoArgs args = { NULL };
  ThriftMemoryBuffer *memory;

  apache_open (&apache, g_object_new (THRIFT_TYPE_MEMORY_BUFFER, NULL), FALSE);
  memory = THRIFT_MEMORY_BUFFER (apache.bottom);
  CU_ASSERT_FALSE (tally_client_send (apache.client, &echo_methods[ECHO_COUNT], &args, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "text");
  assert_int (memory->buf->len, 0);
  args.text = (gchar *) "x";
  g_clear_error (&error);
  CU_ASSERT_TRUE (tally_client_send (apache.client, &echo_methods[ECHO_COUNT], &args, &error));
  /* the frame is whole: nothing of the first attempt is before it */
  assert_int (memory->buf->data[3], memory->buf->len - 4);
  assert_int (memory->buf->data[memory->buf->len - 1], T_STOP);
}

static void
the_two_halves_are_one_call (void)
{
  g_auto (EchoServer) server;
  g_auto (Apache) apache;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) "halves" };
  gpointer results[] = { &reply, NULL };

  echo_server_start (&server, echo_honest, "?", NULL);
  apache_connect (&apache, &server);
  CU_ASSERT_TRUE (tally_client_send (apache.client, &echo_methods[ECHO_ECHO], &args, &error));
  CU_ASSERT_TRUE (tally_client_recv (apache.client, &echo_methods[ECHO_ECHO], results, &error));
  assert_no_error (error);
  assert_string (reply, "halves");
}

static void
the_sequence_id_skips_0 (void)
{
  g_auto (EchoServer) server;
  g_auto (Apache) apache;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, echo_honest, "?", NULL);
  apache_connect (&apache, &server);
  apache.client->seqid = -1;
  CU_ASSERT_TRUE (call (apache.client, ECHO_ECHO, "x", &reply, NULL, &error));
  assert_int (apache.client->seqid, 1);
  apache.client->seqid = G_MAXINT32;
  CU_ASSERT_TRUE (call (apache.client, ECHO_ECHO, "x", &reply, NULL, &error));
  assert_int (apache.client->seqid, G_MININT32);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_channels_client_calls_and_has_no_halves),
    TEST (a_client_on_nothing_says_so),
    TEST (apaches_protocols_serve),
    TEST (apaches_protocols_take_no_deadline),
    TEST (replies_are_matched_as_on_a_channel),
    TEST (a_closed_transport_is_reported),
    TEST (what_cannot_be_encoded_writes_nothing),
    TEST (the_two_halves_are_one_call),
    TEST (the_sequence_id_skips_0),
    { NULL },
  };

  immortal = g_ptr_array_new ();
  signal (SIGPIPE, SIG_IGN); /* Apache's socket raises it; TallySocket does not */
  return test_main ("client", cases, argc, argv);
}
