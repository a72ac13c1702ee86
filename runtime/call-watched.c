/* Owns what a channel's interceptors are told of a call: where it goes, what it sends and gets, what it came to. It makes
 * no call. */
#include <string.h>

#include "call-private.h"
#include "call-shared-private.h"
#include "framing-private.h"
#include "headers-private.h"
#include "tally-error.h"

/* Has the call send the headers that interceptors may add to, and receive those that they may look at. */
static void
open_headers (TallyCall *self, TallyCallInfo *info)
{
  const TallyCallOptions *options = self->options;

  info->request_headers = options != NULL && options->headers != NULL
                              ? tally_headers_copy (options->headers)
                              : tally_headers_new ();
  info->reply_headers = tally_headers_new ();
  info->caller_options = options;
  if (options != NULL)
    info->options = *options;
  info->options.headers = info->request_headers;
  info->options.reply_headers = info->reply_headers;
  self->options = &info->options;
}

static void
close_headers (TallyCall *self, const TallyCallInfo *info)
{
  self->options = info->caller_options;
  if (self->options != NULL && self->options->reply_headers != NULL)
    tally_headers_assign (self->options->reply_headers, info->reply_headers);
}

gboolean
tally_call_begin_watched (TallyCall *self, TallyCallInfo **info, GError **error)
{
  const TallyChannel *channel = self->channel;
  TallyCallInfo *begun = tally_call_info_new (self->method->name, self->method->name_length);

  begun->is_oneway = self->method->oneway;
  begun->service = g_strdup (channel->service);
  if (channel->fleet != NULL)
    begun->peer = g_strdup (channel->uri); /* until an endpoint is picked */
  else if (channel->endpoint != NULL)
    begun->peer = g_strdup (tally_endpoint_get_uri (channel->endpoint));
  if (channel->framing == TALLY_FRAMING_HEADER)
    open_headers (self, begun);
  *info = begun;
  return tally_interceptors_begin (&channel->interceptors, begun, error);
}

void
tally_call_note_request (const TallyCall *self, TallyCallInfo *info, const TallyBuffer *output)
{
  gsize header = tally_frame_header (self->channel->framing);

  info->seqid = self->seqid;
  info->request_bytes = output->length - header;
  info->sent = 0;
  tally_call_info_keep (info, &info->request, output->data + header, info->request_bytes);
}

void
tally_call_note_reply (TallyCallInfo *info, TallyIncoming *reply)
{
  info->reply_bytes = tally_incoming_count (reply);
  if (!info->keeps_messages)
    return;
  tally_incoming_keep_rest (reply);
  g_clear_pointer (&info->reply, g_bytes_unref);
  info->reply = g_byte_array_free_to_bytes (g_steal_pointer (&reply->kept));
}

void
tally_call_note_torn (TallyCallInfo *info, TallySocket *socket)
{
  gsize length;
  const guint8 *bytes = tally_socket_peek_input (socket, &length);

  if (length > 0)
    tally_call_info_keep (info, &info->reply, bytes, length);
}

void
tally_call_note_shared_request (const TallyCall *self, TallyCallInfo *info, TallyPending *pending)
{
  tally_call_note_request (self, info, &pending->buffer);
  pending->sent_time = TALLY_SENT_TIME_WANTED;
}

void
tally_call_note_shared_end (TallyCallInfo *info, const TallyPending *pending, gboolean exchanged)
{
  info->sent = MAX (pending->sent_time, 0);
  if (exchanged && info->sent == 0) /* the reply came before the sender could say */
    tally_call_info_note_sent (info);
  if (!exchanged || info->is_oneway)
    return;
  info->reply_bytes = pending->reply_length;
  tally_call_info_keep (info, &info->reply, pending->reply, pending->reply_length);
}

static TallyCallOutcome
find_outcome (const TallyCall *self, const GError *error)
{
  if (error == NULL)
    return TALLY_CALL_ANSWERED;
  if (self->declared)
    return TALLY_CALL_DECLARED;
  if (self->refused)
    return TALLY_CALL_EXCEPTION;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TALLY_CALL_CANCELLED;
  if (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
    return TALLY_CALL_TIMED_OUT;
  return TALLY_CALL_FAILED;
}

void
tally_call_end_watched (TallyCall *self, TallyCallInfo *info, const GError *error)
{
  if (info->request_headers != NULL)
    close_headers (self, info);
  tally_interceptors_end (info, find_outcome (self, error), error);
  g_object_unref (info);
}
