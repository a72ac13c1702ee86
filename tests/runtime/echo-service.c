/* Owns the tables and the scripted server of echo-service.h; knows no test. */
#include "echo-service.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "tls-relay.h"

/* Milliseconds. What takes longer has failed, on a busy machine, too. */
#define PATIENCE_MS 600000

static const TallyField args_fields[] = {
  { .name = "text",
    .id = 1,
    .type = &tally_type_string,
    .requiredness = TALLY_DEFAULT,
    .offset = G_STRUCT_OFFSET (EchoArgs, text),
    .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "echo_args", EchoArgs, args_fields);
static const TallyField strict_args_fields[] = {
  { .name = "text",
    .id = 1,
    .type = &tally_type_string,
    .requiredness = TALLY_REQUIRED,
    .offset = G_STRUCT_OFFSET (EchoArgs, text),
    .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo strict_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "count_args", EchoArgs, strict_args_fields);
static const TallyField result_fields[] = {
  { .name = "success",
    .id = 0,
    .type = &tally_type_string,
    .requiredness = TALLY_OPTIONAL,
    .offset = G_STRUCT_OFFSET (EchoResult, success),
    .isset_offset = TALLY_NO_ISSET },
  { .name = "oops",
    .id = 1,
    .type = &fix_oops_info.type,
    .requiredness = TALLY_OPTIONAL,
    .offset = G_STRUCT_OFFSET (EchoResult, oops),
    .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "echo_result", EchoResult, result_fields);
static const TallyField point_fields[] = {
  { .name = "success",
    .id = 0,
    .type = &fix_point_info.type,
    .requiredness = TALLY_OPTIONAL,
    .offset = G_STRUCT_OFFSET (PointResult, success),
    .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo point_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "point_result", PointResult, point_fields);
static const TallyField ping_fields[] = {
  { .name = "oops",
    .id = 1,
    .type = &fix_oops_info.type,
    .requiredness = TALLY_OPTIONAL,
    .offset = G_STRUCT_OFFSET (PingResult, oops),
    .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo ping_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "ping_result", PingResult, ping_fields);

const TallyMethod echo_methods[N_ECHO_METHODS] = {
  { TALLY_METHOD_NAME ("count"), .args = &strict_args_info, .result = &fix_count_result_info },
  { TALLY_METHOD_NAME ("echo"), .args = &args_info, .result = &result_info },
  { TALLY_METHOD_NAME ("get"), .args = &args_info, .result = &result_info, .idempotent = TRUE },
  { TALLY_METHOD_NAME ("note"), .args = &args_info, .oneway = TRUE },
  { TALLY_METHOD_NAME ("numbers"), .args = &args_info, .result = &fix_list_result_info },
  { TALLY_METHOD_NAME ("ping"), .args = &args_info, .result = &ping_result_info },
  { TALLY_METHOD_NAME ("point"), .args = &args_info, .result = &point_result_info },
};

static gboolean
read_request (EchoRequest *request)
{
  EchoArgs args = { NULL };
  TallyIncoming incoming;
  TallyMessage message;

  g_clear_pointer (&request->name, g_free);
  g_clear_pointer (&request->text, g_free);
  if (!tally_incoming_open (&incoming, request->socket, request->framing, &tally_limits_default,
                            NULL)
      || !request->codec->read_message (&incoming.reader, &message, NULL))
    return FALSE;
  request->name = g_strndup (message.name, message.name_length);
  request->type = message.type;
  request->seqid = message.seqid;
  if (!request->codec->read_struct (&incoming.reader, &args_info, &args, NULL))
    return FALSE;
  request->text = args.text;
  tally_incoming_close (&incoming); /* another request may follow at once */
  return TRUE;
}

static void
serve (gint fd, guint index, gpointer user_data)
{
  EchoServer *server = user_data;
  g_autoptr (TallySocket) socket = tally_socket_new_from_fd (fcntl (fd, F_DUPFD_CLOEXEC, 0));
  EchoRequest request = {
    .fd = fd, .socket = socket, .connection = index, .user_data = server->user_data
  };

  request.codec =
      strstr (server->options, "compact") != NULL ? &tally_codec_compact : &tally_codec_binary;
  request.framing =
      strstr (server->options, "buffered") != NULL ? TALLY_FRAMING_BUFFERED : TALLY_FRAMING_FRAMED;
  while (read_request (&request))
    {
      g_atomic_int_inc (&server->requests);
      if (!server->answer (&request))
        break;
      request.request++;
    }
  g_free (request.name);
  g_free (request.text);
}

void
echo_server_start (EchoServer *server, EchoAnswer answer, const gchar *options, gpointer user_data)
{
  /* made before there are two threads, because ThreadSanitizer does not see GObject's own care for
   * that */
  g_type_class_unref (g_type_class_ref (TALLY_TYPE_SOCKET));
  *server = (EchoServer){ .answer = answer, .options = options, .user_data = user_data };
  server->peer = test_peer_start (serve, server);
}

void
echo_server_stop (EchoServer *server)
{
  g_clear_pointer (&server->peer, test_peer_stop);
}

const gchar *
echo_get_place (void)
{
  return tls_relay_is_on () ? "echo at tls://127.0.0.1:" : "echo at tcp://127.0.0.1:";
}

TallyChannel *
echo_server_connect (EchoServer *server, TallyPool *pool)
{
  g_autofree gchar *uri = test_peer_dup_uri (server->peer, server->options);
  TallyChannel *channel = tally_channel_new_with_pool (uri, pool, NULL);

  tally_channel_set_timeout (channel, PATIENCE_MS);
  if (tls_relay_is_on ()) /* many handshakes take long on a busy machine */
    g_object_set (pool, "connect-timeout", 60000, NULL);
  return channel;
}

void
echo_put (EchoRequest *request,
          TallyBuffer *output,
          const gchar *name,
          gint type,
          gint32 seqid,
          const TallyStructInfo *info,
          gconstpointer value)
{
  gsize start = tally_frame_begin (output, request->framing);

  request->codec->write_message (output, name, strlen (name), type, seqid);
  if (!request->codec->write_struct (output, info, value, NULL)
      || !tally_frame_end (output, request->framing, start, &tally_limits_default, NULL))
    g_error ("a reply could not be encoded");
}

void
echo_put_reply (EchoRequest *request, TallyBuffer *output)
{
  EchoResult result = { .success = request->text };

  echo_put (request, output, request->name, T_REPLY, request->seqid, &result_info, &result);
}

gboolean
echo_send (EchoRequest *request, const TallyBuffer *output)
{
  return test_write_all (request->fd, output->data, output->length);
}

gboolean
echo_honest (EchoRequest *request)
{
  TallyBuffer output = { 0 };
  gboolean sent;

  if (request->type == T_ONEWAY)
    return TRUE;
  echo_put_reply (request, &output);
  sent = echo_send (request, &output);
  tally_buffer_clear (&output);
  return sent;
}

gboolean
echo_answer_all_but_second (EchoRequest *request)
{
  return (request->connection > 0 || request->request == 0) && echo_honest (request);
}

gboolean
echo_believe_everything (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  return TRUE;
}

void
echo_assert_says_once (const GError *error)
{
  static const gchar *const statements[] = { "nothing was sent", "bytes were sent",
                                             "may have been executed",
                                             "the request was not executed" };
  guint said = 0;

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    for (const gchar *at = error->message; (at = strstr (at, statements[i])) != NULL; at++)
      said++;
  if (said == 1)
    return;
  g_printerr ("# %s\n", error->message);
  CU_FAIL ("an error says two things of its request, or none");
}

gboolean
echo_call (TallyChannel *channel, guint method, const gchar *text, gchar **reply, GError **error)
{
  EchoArgs args = { (gchar *) text };
  FixOops *oops = NULL;
  gpointer results[] = { reply, &oops };
  gboolean done =
      tally_channel_call (channel, &echo_methods[method], &args, results, -1, NULL, error);

  g_clear_object (&oops);
  return done;
}
