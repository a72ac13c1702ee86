/* Owns what a server's interceptors are told of a request: the client that sent it, what it asks for, what it was answered.
 * It executes nothing. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "peer-text.h"
#include "processor-private.h"
#include "server-report-private.h"
#include "server-watched-private.h"

/* ---- before ---- */

/* A message's name is "service:method" where the service is multiplexed. */
static TallyCallInfo *
new_info (const TallyMessage *message)
{
  const gchar *separator = memchr (message->name, ':', message->name_length);
  const gchar *method = separator != NULL ? separator + 1 : message->name;
  TallyCallInfo *info =
      tally_call_info_new (method, message->name_length - (method - message->name));

  if (separator != NULL)
    info->service = tally_peer_text (message->name, separator - message->name, TALLY_PEER_NAME_MAX);
  return info;
}

/* The call is among those of its connection from now on. A request that runs apart may have lost its connection. */
static void
report (TallyServer *self, const TallyStream *stream, TallyLater *later, TallyCallInfo *info)
{
  ServerConnection *connection;

  pthread_mutex_lock (&self->lock);
  connection = later != NULL
                   ? ((ServerRequest *) later)->connection
                   : G_STRUCT_MEMBER_P (stream, -G_STRUCT_OFFSET (ServerConnection, stream));
  if (connection != NULL)
    server_report_begin_locked (connection, info);
  pthread_mutex_unlock (&self->lock);
}

TallyCallInfo *
server_begin_watched (TallyServer *self,
                      const TallyStream *stream,
                      TallyLater *later,
                      const TallyMessage *message,
                      gsize length,
                      GError **denial)
{
  ServerHeader *header = server_peer_get_header ();
  TallyCallInfo *info = new_info (message);

  info->is_server = TRUE;
  info->is_known = server_find_method (self, *message) != NULL;
  info->is_oneway = !tally_message_wants_reply (message);
  info->seqid = message->seqid;
  info->attempts = 1;
  info->request_bytes = length;
  info->peer = later != NULL ? later->klass->dup_peer (later) : tally_stream_dup_peer (stream);
  if (header != NULL)
    {
      server_header_keep (header);
      info->request_headers = tally_headers_ref (header->headers);
    }
  report (self, stream, later, info);
  tally_interceptors_begin (&self->interceptors, info, denial);
  return info;
}

void
server_deny (const TallyCodec *codec,
             const TallyMessage *message,
             const GError *denial,
             TallyBuffer *output)
{
  ThriftApplicationExceptionError type = THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR;
  TallyApplicationException failure;

  if (denial->domain == THRIFT_APPLICATION_EXCEPTION_ERROR)
    type = denial->code;
  tally_failure_init (&failure, type, g_strdup (denial->message));
  tally_failure_answer (&failure, codec, message, output);
}

/* ---- after ---- */

/* What the client reads in @answer. (transfer full) (nullable): NULL for a result. */
static GError *
read_exception_in (const TallyCodec *codec, const guint8 *answer, gsize length)
{
  TallyLimits limits = tally_limits_default;
  TallyApplicationException exception = { 0 };
  GError *error = NULL;
  TallyMessage message;
  TallyReader reader;

  limits.max_message = G_MAXINT;
  tally_reader_init (&reader, answer, length, &limits);
  if (!codec->read_message (&reader, &message, NULL) || message.type != T_EXCEPTION)
    return NULL;
  if (codec->read_struct (&reader, &tally_application_exception_info, &exception, NULL))
    g_set_error_literal (&error, THRIFT_APPLICATION_EXCEPTION_ERROR, exception.type,
                         exception.message != NULL ? exception.message : "");
  tally_struct_dispose_instance (&tally_application_exception_info, &exception);
  return error;
}

void
server_end_watched (TallyServer *self,
                    TallyCallInfo *info,
                    const ServerHeader *header,
                    const TallyCodec *codec,
                    const guint8 *answer,
                    gsize length,
                    const GError *error)
{
  g_autoptr (GError) exception = length > 0 ? read_exception_in (codec, answer, length) : NULL;
  g_autoptr (GError) noted = g_steal_pointer (&info->error);
  TallyCallOutcome outcome = TALLY_CALL_ANSWERED;

  server_report_end (self, info);
  info->reply_bytes = length;
  if (header != NULL)
    info->reply_headers = header->reply_headers != NULL ? tally_headers_copy (header->reply_headers)
                                                        : tally_headers_new ();
  if (exception != NULL)
    outcome = TALLY_CALL_EXCEPTION;
  else if (info->noted != TALLY_CALL_UNDER_WAY)
    outcome = info->noted;
  else if (error != NULL)
    outcome = TALLY_CALL_FAILED;
  if (exception != NULL && !info->is_refused)
    error = exception;
  else if (noted != NULL && !info->is_refused)
    error = noted;
  tally_interceptors_end (info, outcome, error);
}

/* ---- both ---- */

void
server_tell_unexecuted (ServerConnection *connection, ServerRequest *request)
{
  TallyServer *self = request->server;
  ServerHeader *header = request->framing == TALLY_FRAMING_HEADER ? &request->header : NULL;
  g_autoptr (TallyCallInfo) info = NULL;
  g_autoptr (GError) denial = NULL;
  g_autoptr (GError) error = NULL;
  TallyMessage message;
  TallyReader reader;

  tally_reader_init (&reader, request->message.data, request->message.length, &self->limits);
  if (tally_interceptors_is_empty (&self->interceptors)
      || !request->codec->read_message (&reader, &message, NULL))
    return;
  server_peer_set_header (header);
  info = server_begin_watched (self, &connection->stream, NULL, &message, request->message.length,
                               &denial);
  info->is_refused = FALSE; /* nobody is told why */
  info->noted = TALLY_CALL_CANCELLED;
  g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                       "the connection ended before a worker came to the request; it was not "
                       "executed");
  server_end_watched (self, info, header, request->codec, NULL, 0, error);
  server_peer_set_header (NULL);
}
