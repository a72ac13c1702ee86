/* Owns what the header transport adds to a call: the header around its request, and the one of its reply. It
 * knows no connection. */
#include "call-private.h"
#include "framing-private.h"
#include "header-frame-private.h"

/* Milliseconds that the server is told; 0: nothing. */
static gint64
get_time_left (const TallyCall *call, const TallyHeaders *headers)
{
  gint64 left;

  if (call->deadline < 0
      || (headers != NULL && tally_headers_lookup (headers, TALLY_HEADER_TIMEOUT) != NULL))
    return 0;
  left = (call->deadline - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
  return MAX (left, 1);
}

gboolean
tally_call_wrap (const TallyCall *call, TallyBuffer *output, gsize start, GError **error)
{
  const TallyChannel *channel = call->channel;
  const TallyHeaders *headers = call->options != NULL ? call->options->headers : NULL;
  gsize message = start + tally_frame_header (channel->framing);
  TallyHeaderFrame frame = { .flags = channel->is_shared ? TALLY_HEADER_FLAG_ANY_ORDER : 0,
                             .seqid = (guint32) call->seqid,
                             .codec = channel->codec,
                             .is_compressed = channel->is_compressed };

  if (output->length - message > call->limits.max_message)
    return tally_frame_refuse (output, start, output->length - message, &call->limits, error);
  return tally_header_frame_wrap (&frame, output, message, headers, get_time_left (call, headers),
                                  error);
}

gboolean
tally_call_unwrap (TallyCall *call,
                   const TallyReader *reader,
                   TallyBuffer *inflated,
                   TallyReader *message,
                   GError **error)
{
  TallyHeaders *headers = call->options != NULL ? call->options->reply_headers : NULL;
  TallyHeaderFrame frame;
  const guint8 *bytes;
  gsize length;

  if (!tally_header_frame_read_any (&frame, reader->cursor, reader->end - reader->cursor, error)
      || !tally_header_frame_open (&frame, reader->limits, inflated, &bytes, &length, error))
    return FALSE;
  if (headers != NULL)
    {
      tally_headers_clear (headers);
      if (!tally_header_frame_collect (&frame, headers, FALSE, error))
        return FALSE;
    }
  call->codec = frame.codec;
  tally_reader_init (message, bytes, length, reader->limits);
  return TRUE;
}
