/* Refusals: a server that says no to a request that it has not read, and ends the connection. */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>

#include "shared-fixture.h"
#include "tally-client.h"
#include "tally-error.h"
#include "test-stream.h"
#include "tls-relay-socket.h"

#define LARGE (8 << 20)

static const gchar *const modes[] = { "mode=pooled&", "mode=unpooled&", "mode=shared&" };
static const gchar *const dialects[] = { "", "protocol=compact&", "transport=buffered&",
                                         "protocol=compact&transport=buffered&" };

/* How the connection ends behind a refusal. */
typedef enum
{
  END_WITH_RST,
  END_WITH_FIN,
  END_WITH_SILENCE, /* it does not: the client's deadline must pass */
  N_ENDS
} End;

typedef struct
{
  const gchar *options; /* of the URI */
  End end;
} Refuser;

static void
put_refusal (EchoRequest *request, TallyBuffer *output)
{
  TallyApplicationException exception = { (gchar *) "too long",
                                          THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR };

  echo_put (request, output, "echo", T_EXCEPTION, request->seqid, &tally_application_exception_info,
            &exception);
}

/* Reads no more of the request than its beginning. */
static void
refuse (gint fd, guint index, gpointer user_data)
{
  const Refuser *self = user_data;
  EchoRequest request = { .fd = fd };
  TallyBuffer output = { 0 };
  TallyReader reader;
  TallyMessage message;
  guint8 head[100];

  request.codec =
      strstr (self->options, "compact") != NULL ? &tally_codec_compact : &tally_codec_binary;
  request.framing =
      strstr (self->options, "buffered") != NULL ? TALLY_FRAMING_BUFFERED : TALLY_FRAMING_FRAMED;
  if (!test_read_exact (fd, head, sizeof head))
    return;
  tally_reader_init (&reader, head + tally_frame_header (request.framing),
                     sizeof head - tally_frame_header (request.framing), &tally_limits_default);
  if (!request.codec->read_message (&reader, &message, NULL))
    return;
  request.seqid = message.seqid;
  put_refusal (&request, &output);
  test_write_all (fd, output.data, output.length);
  tally_buffer_clear (&output);
  if (self->end == END_WITH_FIN)
    shutdown (fd, SHUT_WR);
  if (self->end != END_WITH_RST) /* which unread bytes make of a close */
    poll (&(struct pollfd){ .fd = fd, .events = self->end == END_WITH_FIN ? POLLHUP : POLLRDHUP },
          1, -1);
}

static void
assert_refused (const GError *error)
{
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "the server says: too long");
}

/* ---- while the request is being sent ---- */

/* The next call has its whole time for its request. */
static void
connect_before (TallyPool *pool, TallyChannel *channel)
{
  g_autoptr (TallyBucket) bucket =
      tally_pool_dup_bucket (pool, tally_channel_get_endpoint (channel));
  TallyLease lease;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "before", -1, NULL, &lease, NULL));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
}

static void
call_the_refuser (const gchar *options, End end, gint timeout)
{
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autofree gchar *text = g_strnfill (LARGE, 'l');
  Refuser refuser = { options, end };
  g_autoptr (TestPeer) peer = test_peer_start (refuse, &refuser);
  g_autofree gchar *uri = test_peer_dup_uri (peer, options);
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool (uri, pool, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  TallyPoolSnapshot seen;

  if (end == END_WITH_SILENCE)
    connect_before (pool, channel);
  tally_channel_set_timeout (channel, timeout);
  CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, text, &reply, &error));
  assert_refused (error);
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.idle + seen.busy, 0);
  tally_pool_close (pool);
}

static void
a_refusal_is_read_though_the_send_failed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes) * G_N_ELEMENTS (dialects); i++)
    {
      g_autofree gchar *options = g_strconcat ("?", modes[i / G_N_ELEMENTS (dialects)],
                                               dialects[i % G_N_ELEMENTS (dialects)], NULL);

      call_the_refuser (options, END_WITH_RST, 600000);
      call_the_refuser (options, END_WITH_FIN, 600000);
    }
}

static void
a_refusal_is_read_though_the_send_timed_out (void)
{
  call_the_refuser ("?", END_WITH_SILENCE, 4000);
}

/* Another receives on the connection; nothing has come for it. */
static void
rule_24_a_refusal_is_handed_over_though_the_send_failed (void)
{
  for (guint i = 0; i < 20; i++)
    {
      g_auto (Desk) desk;
      g_autofree gchar *text = g_strnfill (LARGE, 's');
      Caller receiver, sender;
      TallyBuffer output = { 0 };
      EchoRequest request;

      desk_open (&desk, "?mode=shared&");
      desk_pause (&desk, TRUE);
      caller_start (&receiver, desk.channel, "receiver", -1);
      request = *desk_find (&desk, "receiver");
      caller_start (&sender, desk.channel, text, -1);
      for (gint arrived = 0; arrived == 0; g_thread_yield ())
        CU_ASSERT_EQUAL_FATAL (ioctl (request.fd, FIONREAD, &arrived), 0);
      request.seqid++;
      put_refusal (&request, &output);
      CU_ASSERT_TRUE (echo_send (&request, &output));
      tally_buffer_clear (&output);
      desk_reset (&request);
      caller_join (&sender);
      CU_ASSERT_FALSE (sender.done);
      assert_refused (sender.error);
      caller_expect_end (&sender);
      caller_expect_error (&receiver, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                           "may have been executed");
    }
}

/* Apache's finalizers do not chain up and leak what GObject keeps for each object: these live
 * on. */
static GPtrArray *immortal;

static void
a_refusal_is_read_by_an_apache_style_client (void)
{
  if (test_skip_layered ("Apache's framed transport takes what one read gives for all"))
    return;

  for (guint i = 0; i < 4; i++)
    {
      gboolean is_framed = i % 2 == 0;
      g_autofree gchar *text = g_strnfill (LARGE, 'l');
      Refuser refuser = { is_framed ? "" : "buffered", i < 2 ? END_WITH_RST : END_WITH_FIN };
      g_autoptr (TestPeer) peer = test_peer_start (refuse, &refuser);
      g_autofree gchar *uri = test_peer_dup_uri (peer, "");
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
      g_autoptr (TallySocket) socket = tally_socket_dial (endpoint, -1, NULL, NULL);
      GObject *framed = g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", socket, NULL);
      GObject *protocol = g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport",
                                        is_framed ? (gpointer) framed : socket, NULL);
      g_autoptr (GObject) client = g_object_new (TALLY_TYPE_CLIENT, "input_protocol", protocol,
                                                 "output_protocol", protocol, NULL);
      EchoArgs args = { text };
      g_autoptr (GError) error = NULL;
      gchar *reply = NULL;
      FixOops *oops = NULL;
      gpointer results[] = { &reply, &oops };

      CU_ASSERT_FALSE (
          tally_client_call (client, &echo_methods[ECHO_ECHO], &args, results, &error));
      assert_refused (error);
      thrift_transport_close (THRIFT_TRANSPORT (socket), NULL);
      g_ptr_array_add (immortal, protocol);
      g_ptr_array_add (immortal, framed);
    }
}

/* ---- behind the request ---- */

static gboolean
refuse_and_end (EchoRequest *request)
{
  TallyBuffer output = { 0 };

  if (request->connection > 0)
    return echo_honest (request);
  put_refusal (request, &output);
  /* in one segment */
  send (request->fd, output.data, output.length, MSG_NOSIGNAL | MSG_MORE);
  shutdown (request->fd, SHUT_WR);
  tally_buffer_clear (&output);
  return TRUE;
}

/* A connection whose peer has announced its end with its refusal serves nobody else, though nobody
 * looks at it again. */
static void
rule_10_a_refusal_may_be_the_last_word (void)
{
  static const gchar *const options[] = { "?mode=pooled&", "?mode=shared&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      g_object_set (pool, "check", TALLY_POOL_CHECK_NEVER, NULL);
      echo_server_start (&server, refuse_and_end, options[i], NULL);
      channel = echo_server_connect (&server, pool);
      CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "refused", &reply, &error));
      assert_refused (error);
      g_clear_error (&error);
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "innocent", &reply, &error));
      assert_no_error (error);
      assert_string (reply, "innocent");
      assert_int (test_peer_get_accepted (server.peer), 2);
      tally_pool_close (pool);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_refusal_is_read_though_the_send_failed),
    TEST (a_refusal_is_read_though_the_send_timed_out),
    TEST (rule_24_a_refusal_is_handed_over_though_the_send_failed),
    TEST (a_refusal_is_read_by_an_apache_style_client),
    TEST (rule_10_a_refusal_may_be_the_last_word),
    { NULL, NULL },
  };

  immortal = g_ptr_array_new ();
  return test_main ("call-refused", cases, argc, argv);
}
