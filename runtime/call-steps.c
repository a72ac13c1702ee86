/* Owns what is rare in encoding a call's request and in reading its reply; what is common is inlined
 * (call-steps-private.h). It knows no connection. */
#include "call-steps-private.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "server-words-private.h"

/* ---- the request ---- */

gboolean
tally_call_write_args (const TallyCall *call, TallyBuffer *args, GError **error)
{
  return call->channel->codec->write_struct (args, call->method->args, call->args, error);
}

/* A multiplexed service's methods are called by "service:method" (Thrift, TMultiplexedProtocol). */
static void
write_header (const TallyCall *call, TallyBuffer *output)
{
  const TallyChannel *channel = call->channel;
  const gchar *name = call->method->name;
  gsize length = call->method->name_length;
  g_autofree gchar *joint = NULL;

  if (G_UNLIKELY (channel->service != NULL))
    {
      name = joint = g_strconcat (channel->service, ":", name, NULL);
      length = strlen (name);
    }
  channel->codec->write_message (output, name, length, tally_call_get_type (call), call->seqid);
}

gboolean
tally_call_write_multiplexed (const TallyCall *call, TallyBuffer *output, GError **error)
{
  const gsize start = output->length;

  write_header (call, output);
  if (tally_call_write_args (call, output, error))
    return TRUE;
  output->length = start;
  return FALSE;
}

gboolean
tally_call_write_around (const TallyCall *call,
                         const TallyBuffer *args,
                         TallyBuffer *output,
                         GError **error)
{
  gsize start = tally_frame_begin (output, call->channel->framing);

  write_header (call, output);
  tally_buffer_append (output, args->data, args->length);
  if (tally_call_end_request (call, output, start, error))
    return TRUE;
  output->length = start;
  return FALSE;
}

/* ---- the reply ---- */

gboolean
tally_call_read_exception (TallyCall *call, TallyReader *reader, GError **error)
{
  TallyCallSource source = { call, reader };

  call->refused =
      tally_reply_read_exception (tally_call_read_struct, &source, error) == TALLY_REPLY_REFUSED;
  return FALSE;
}

gboolean
tally_call_read_large (TallyCall *call, TallyReader *reader, GError **error)
{
  TallyCallSource source = { call, reader };
  TallyReplyOutcome outcome =
      tally_reply_read_result (call->method, call->results, tally_call_read_struct, &source, error);

  call->declared = outcome == TALLY_REPLY_DECLARED;
  return outcome == TALLY_REPLY_TAKEN;
}

/* A server that stops says goodbye on a connection that it has not served, too: an exception without a name, with sequence
 * id 0, that says so in words. */
gboolean
tally_call_read_other (TallyCall *call,
                       const TallyMessage *message,
                       TallyReader *reader,
                       GError **error)
{
  TallyCallSource source = { call, reader };
  g_autoptr (GError) said = NULL;

  if (message->type != T_EXCEPTION || message->name_length != 0 || message->seqid != 0)
    return FALSE;
  tally_reply_read_exception (tally_call_read_struct, &source, &said);
  call->answered = FALSE;
  if (strstr (said->message, TALLY_SERVER_NOT_EXECUTED) == NULL)
    return FALSE;
  call->sent = TALLY_SENT_REFUSED;
  g_clear_error (error);
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, said->message);
  return FALSE;
}

/* What is behind the message in its frame stays unread. */
gboolean
tally_call_read_wrapped (TallyCall *call, TallyReader *reader, GError **error)
{
  TallyBuffer inflated = { NULL, 0, 0 };
  TallyReader message;
  gboolean done = tally_call_unwrap (call, reader, &inflated, &message, error)
                  && tally_call_read_message (call, &message, error);

  if (call->answered && tally_reader_is_at_end (&message))
    reader->cursor = reader->end;
  tally_buffer_clear (&inflated);
  return done;
}
