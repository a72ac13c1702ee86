/* From one complete message to its answer, whatever kind of processor the server has. It knows no
 * socket and no thread.
 *
 * A TallyProcessor is reached without a ThriftProtocol. So are those behind Apache's multiplexed
 * processor, whose services are looked up here: its own function reads a NULL error when a name is
 * unknown. Any other processor gets Apache's protocol over memory, and only messages that a reader
 * of ours went through before. */
#include <string.h>
#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>

#include "memory-transport.h"
#include "processor-private.h"
#include "protocols-internal.h"
#include "server-watched-private.h"

#define SERVICE_SEPARATOR ':'

/* A message that passes this check is read by a protocol's vfuncs without an error, to its end. */
static gboolean
check_body (const TallyCodec *codec, TallyReader *reader, GError **error)
{
  return codec->skip (reader, T_STRUCT, error) && tally_reader_check_end (reader, "message", error);
}

/* Apache's protocol that says what @codec does. */
static ThriftProtocol *
new_protocol (const TallyCodec *codec, TallyMemoryTransport *transport)
{
  return g_object_new (codec->apache.get_type (), "transport", transport, NULL);
}

/* Lets @processor process the whole message in @bytes. What it flushed is its answer. */
static gboolean
run_processor (const TallyCodec *codec,
               ThriftProcessor *processor,
               const TallyBuffer *bytes,
               TallyBuffer *output,
               GError **error)
{
  g_autoptr (TallyMemoryTransport) transport = NULL;
  g_autoptr (GObject) in = NULL;
  g_autoptr (GObject) out = NULL;
  GError *failed = NULL;
  gboolean ok;

  if (codec->apache.get_type == NULL)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                   "Apache's C library does not speak the %s protocol, and %s is no TallyProcessor",
                   tally_codec_get_name (codec), G_OBJECT_TYPE_NAME (processor));
      return FALSE;
    }
  transport = tally_memory_transport_new (bytes->data, bytes->length, output);
  in = G_OBJECT (new_protocol (codec, transport));
  out = G_OBJECT (new_protocol (codec, transport));
  ok = THRIFT_PROCESSOR_GET_CLASS (processor)->process (processor, THRIFT_PROTOCOL (in),
                                                        THRIFT_PROTOCOL (out), &failed);
  tally_memory_transport_finish (transport);
  if (ok)
    {
      g_clear_error (&failed);
      return TRUE;
    }
  if (failed == NULL)
    g_set_error_literal (&failed, TALLY_ERROR, TALLY_ERROR_FAILED,
                         "the processor failed without saying why");
  g_propagate_error (error, failed);
  return FALSE;
}

/* Whether a processor failed so that its connection closes. */
static gboolean
is_hang_up (const GError *failed)
{
  return g_error_matches (failed, TALLY_ERROR, TALLY_ERROR_HANG_UP);
}

/* Any ThriftProcessor. The message is written anew, because its name may be shorter than the
 * peer's. */
static gboolean
process_foreign (const TallyCodec *codec,
                 ThriftProcessor *processor,
                 TallyReader *reader,
                 const TallyMessage *message,
                 TallyBuffer *output,
                 GError **error)
{
  const guint8 *body = reader->cursor;
  TallyBuffer bytes = { NULL, 0, 0 };
  gsize start = output->length;
  TallyApplicationException failure;
  g_autoptr (GError) failed = NULL;
  gboolean ok = check_body (codec, reader, &failed);

  if (ok && message->type != T_CALL && message->type != T_ONEWAY)
    {
      tally_failure_init_message_type (&failure, message->type);
      tally_failure_answer (&failure, codec, message, output);
      return TRUE;
    }
  if (ok)
    {
      codec->write_message (&bytes, message->name, message->name_length, message->type,
                            message->seqid);
      tally_buffer_append (&bytes, body, reader->end - body);
      ok = run_processor (codec, processor, &bytes, output, &failed);
      tally_buffer_clear (&bytes);
    }
  if (!tally_message_wants_reply (message))
    output->length = start;
  if (ok)
    return TRUE;
  if (output->length == start && !is_hang_up (failed))
    {
      tally_failure_init (&failure, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR,
                          g_strdup (failed->message));
      tally_failure_answer (&failure, codec, message, output);
    }
  g_propagate_error (error, g_steal_pointer (&failed));
  return FALSE;
}

static gboolean
process (const TallyCodec *codec,
         ThriftProcessor *processor,
         TallyReader *reader,
         const TallyMessage *message,
         TallyBuffer *output,
         GError **error)
{
  if (tally_processor_is_direct (processor))
    return tally_processor_process_message ((TallyProcessor *) processor, codec, reader, message,
                                            output, error);
  return process_foreign (codec, processor, reader, message, output, error);
}

/* Finds the service that "service:method" names, or the default one, and takes the service's name
 * off
 * @message. NULL when there is none. */
static ThriftProcessor *
find_service (ThriftMultiplexedProcessor *multiplexed, TallyMessage *message)
{
  const gchar *separator = memchr (message->name, SERVICE_SEPARATOR, message->name_length);
  g_autofree gchar *service = NULL;

  if (separator == NULL)
    return multiplexed->default_processor_name != NULL
               ? g_hash_table_lookup (multiplexed->multiplexed_services,
                                      multiplexed->default_processor_name)
               : NULL;
  service = g_strndup (message->name, separator - message->name);
  message->name_length -= separator + 1 - message->name;
  message->name = separator + 1;
  return g_hash_table_lookup (multiplexed->multiplexed_services, service);
}

static gboolean
process_multiplexed (const TallyCodec *codec,
                     ThriftMultiplexedProcessor *multiplexed,
                     TallyReader *reader,
                     TallyMessage *message,
                     TallyBuffer *output,
                     GError **error)
{
  const TallyMessage whole = *message;
  ThriftProcessor *processor = find_service (multiplexed, message);
  TallyApplicationException failure;

  if (processor != NULL)
    return process (codec, processor, reader, message, output, error);
  tally_failure_init_unknown_method (&failure, whole.name, whole.name_length);
  tally_failure_answer (&failure, codec, message, output);
  return check_body (codec, reader, error);
}

/* Clients that reach the server by its own URI send "NAME:method" where that says service=NAME. */
static void
strip_service (const TallyServer *server, TallyMessage *message)
{
  gsize length = strlen (server->service);

  if (message->name_length <= length || message->name[length] != SERVICE_SEPARATOR
      || memcmp (message->name, server->service, length) != 0)
    return;
  message->name += length + 1;
  message->name_length -= length + 1;
}

/* Inlined for the common path's sake. */
static inline __attribute__ ((always_inline)) gboolean
process_any (TallyServer *server,
             const TallyCodec *codec,
             TallyReader *reader,
             TallyMessage *message,
             TallyBuffer *output,
             GError **error)
{
  ThriftProcessor *processor = ((ThriftServer *) server)->processor;

  if (server->service != NULL && !THRIFT_IS_MULTIPLEXED_PROCESSOR (processor))
    strip_service (server, message);
  if (server->direct != NULL)
    return tally_processor_process_message (server->direct, codec, reader, message, output, error);
  if (THRIFT_IS_MULTIPLEXED_PROCESSOR (processor))
    return process_multiplexed (codec, (ThriftMultiplexedProcessor *) processor, reader, message,
                                output, error);
  return process (codec, processor, reader, message, output, error);
}

/* ---- one message ---- */

/* @info: (nullable): what the interceptors know of it. */
static inline __attribute__ ((always_inline)) ServerOutcome
dispatch_message (const ServerExchange *exchange, TallyCallInfo *info, GError **error)
{
  TallyServer *server = exchange->server;
  const TallyCodec *codec = exchange->codec;
  TallyMessage message;
  TallyReader reader;
  gsize memory_left;
  gboolean answered;

  tally_reader_init (&reader, exchange->bytes, exchange->length, &server->limits);
  memory_left = reader.memory_left;
  if (!codec->read_message (&reader, &message, error))
    return OUTCOME_UNREADABLE;
  message.later = exchange->later;
  message.info = info;
  answered = process_any (server, codec, &reader, &message, exchange->output, error);
  server_note_released (server, memory_left - reader.memory_left);
  return G_LIKELY (answered)   ? OUTCOME_ANSWERED
         : *error == NULL      ? OUTCOME_LATER
         : is_hang_up (*error) ? OUTCOME_HUNG_UP
                               : OUTCOME_MALFORMED;
}

/* (nullable): the one that the message goes to, if it is one of ours; takes the service's name off @message. */
static TallyProcessor *
find_direct (const TallyServer *server, TallyMessage *message)
{
  ThriftProcessor *processor = ((ThriftServer *) server)->processor;

  if (THRIFT_IS_MULTIPLEXED_PROCESSOR (processor))
    processor = find_service ((ThriftMultiplexedProcessor *) processor, message);
  else if (server->service != NULL)
    strip_service (server, message);
  return processor != NULL && tally_processor_is_direct (processor) ? (TallyProcessor *) processor
                                                                    : NULL;
}

/* Whether the message's handler answers later. */
static gboolean
is_answered_later (const TallyServer *server, TallyMessage message)
{
  TallyProcessor *processor = find_direct (server, &message);

  return processor != NULL && tally_processor_answers_later (processor, &message);
}

const TallyMethod *
server_find_method (const TallyServer *server, TallyMessage message)
{
  TallyProcessor *processor = find_direct (server, &message);

  return processor != NULL ? tally_processor_find_method (processor, &message) : NULL;
}

/* Reads no further than the message's header. */
static gboolean
read_header (const ServerExchange *exchange, TallyMessage *message, GError **error)
{
  TallyReader reader;

  tally_reader_init (&reader, exchange->bytes, exchange->length, &exchange->server->limits);
  return exchange->codec->read_message (&reader, message, error);
}

ServerOutcome
server_dispatch_permitted (const ServerExchange *exchange, GError **error)
{
  TallyServer *server = exchange->server;
  const ServerHeader *header = server_peer_get_header ();
  TallyMessage message;

  if (read_header (exchange, &message, NULL)
      && !server_begin_permitted (server, server_find_method (server, message),
                                  header != NULL ? header->deadline : 0))
    {
      g_autofree gchar *refusal = server_note_refusal (server, REFUSE_HOPELESS);

      server_refuse_request (exchange, refusal);
      return OUTCOME_ANSWERED;
    }
  return server_dispatch_freely (exchange, error);
}

ServerOutcome
server_dispatch_watched (const ServerExchange *exchange, GError **error)
{
  TallyServer *server = exchange->server;
  TallyLater *later = exchange->later;
  TallyBuffer *output = exchange->output;
  ServerOutcome outcome = OUTCOME_ANSWERED;
  g_autoptr (TallyCallInfo) info = NULL;
  g_autoptr (GError) denial = NULL;
  gsize start = output->length;
  TallyMessage message;

  if (!read_header (exchange, &message, error))
    return OUTCOME_UNREADABLE;
  message.later = NULL;
  message.info = NULL;
  if (later == NULL && is_answered_later (server, message))
    return OUTCOME_LATER;
  info =
      server_begin_watched (server, exchange->stream, later, &message, exchange->length, &denial);
  if (denial != NULL)
    server_deny (exchange->codec, &message, denial, output);
  else
    {
      if (later != NULL)
        later->info = g_object_ref (info);
      outcome = dispatch_message (exchange, info, error);
      if (later != NULL && later->is_taken)
        return outcome; /* it ends with its answer, and may have */
      if (later != NULL)
        g_clear_object (&later->info);
    }
  server_end_watched (server, info, server_peer_get_header (), exchange->codec,
                      output->data + start, output->length - start,
                      denial != NULL ? denial : *error);
  return outcome;
}

ServerOutcome
server_dispatch_plain (const ServerExchange *exchange, GError **error)
{
  return dispatch_message (exchange, NULL, error);
}

gboolean
server_refuse (const ServerExchange *exchange, const gchar *text)
{
  TallyMessage message = { .name = "", .type = T_CALL };
  TallyApplicationException failure;
  gboolean named = read_header (exchange, &message, NULL);

  if (!named)
    message = (TallyMessage){ .name = "", .type = T_CALL };
  tally_failure_init (&failure, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, g_strdup (text));
  tally_failure_answer (&failure, exchange->codec, &message, exchange->output);
  return named;
}

gboolean
server_refuse_request (const ServerExchange *exchange, const gchar *text)
{
  TallyServer *server = exchange->server;
  TallyApplicationException failure = { .message = (gchar *) text,
                                        .type = THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR };
  TallyBuffer *output = exchange->output;
  g_autoptr (TallyCallInfo) info = NULL;
  g_autoptr (GError) denial = NULL;
  gsize start = output->length;
  TallyMessage message;

  if (tally_interceptors_is_empty (&server->interceptors)
      || !read_header (exchange, &message, NULL))
    return server_refuse (exchange, text);
  info = server_begin_watched (server, exchange->stream, exchange->later, &message,
                               exchange->length, &denial);
  info->is_refused = FALSE; /* the client is told the server's words */
  tally_call_info_note_failure (info, &failure);
  server_refuse (exchange, text);
  server_end_watched (server, info, server_peer_get_header (), exchange->codec,
                      output->data + start, output->length - start, NULL);
  return TRUE;
}

/* ---- one frame of the header transport ---- */

/* Answers what is not to be executed. FALSE: its message's header cannot be read, and the exception is nobody's. */
static gboolean
refuse_frame (const ServerConnection *self,
              ServerHeader *header,
              const gchar *text,
              TallyBuffer *output)
{
  const TallyHeaderFrame *frame = &header->frame;
  TallyBuffer inflated = { NULL, 0, 0 };
  ServerExchange exchange = { .server = self->server,
                              .codec = frame->codec != NULL ? frame->codec : self->framer.codec,
                              .bytes = (const guint8 *) "",
                              .output = output,
                              .stream = &self->stream };
  gboolean named;

  if (frame->payload == NULL
      || !tally_header_frame_peek (frame, &inflated, &exchange.bytes, &exchange.length, NULL))
    exchange.length = 0;
  if (frame->payload != NULL)
    server_peer_set_header (header);
  named = server_refuse_request (&exchange, text);
  server_peer_set_header (NULL);
  tally_buffer_clear (&inflated);
  return named;
}

ServerOutcome
server_answer_wrapped (ServerConnection *self,
                       const guint8 *bytes,
                       gsize length,
                       const gchar *refusal,
                       TallyBuffer *output,
                       GError **error)
{
  TallyBuffer inflated = { NULL, 0, 0 };
  ServerOutcome outcome = OUTCOME_UNREADABLE;
  ServerExchange exchange = { .server = self->server, .output = output, .stream = &self->stream };
  gsize start = output->length;
  ServerHeader header = { { 0 } };

  if (refusal != NULL)
    {
      (void) tally_header_frame_read (&header.frame, bytes, length, NULL);
      if (refuse_frame (self, &header, refusal, output))
        outcome = OUTCOME_ANSWERED;
    }
  else if (server_header_open (&header, self, bytes, length, &inflated, &exchange.bytes,
                               &exchange.length, error))
    {
      exchange.codec = header.frame.codec;
      server_peer_set_header (&header);
      outcome = server_dispatch (&exchange, error);
      server_peer_set_header (NULL);
    }
  else
    (void) refuse_frame (self, &header, (*error)->message, output);
  server_header_wrap (&header, self->server, output, start);
  server_header_clear (&header);
  tally_buffer_clear (&inflated);
  return outcome;
}
