/* Where a message begins and ends in a socket's buffers: framed and buffered transport. */
#ifndef TALLY_FRAMING_PRIVATE_H
#define TALLY_FRAMING_PRIVATE_H

#include <string.h>

#include "codec-private.h"

G_BEGIN_DECLS

/* A frame is a big-endian length and that many bytes (Thrift, "Framed transport"). */
#define TALLY_FRAME_HEADER 4

/* Bytes before each message. */
static inline gsize
tally_frame_header (TallyFraming framing)
{
  return framing == TALLY_FRAMING_FRAMED ? TALLY_FRAME_HEADER : 0;
}

/* Begins a message at the end of @output. Returns where it begins, for tally_frame_end (). */
static inline gsize
tally_frame_begin (TallyBuffer *output, TallyFraming framing)
{
  gsize start = output->length;

  if (framing == TALLY_FRAMING_FRAMED)
    {
      tally_buffer_reserve (output, TALLY_FRAME_HEADER);
      output->length += TALLY_FRAME_HEADER;
    }
  return start;
}

/* tally_frame_end () for a message that is too long. */
TALLY_COLD gboolean tally_frame_refuse (
    TallyBuffer *output, gsize start, gsize length, const TallyLimits *limits, GError **error);

/* Ends it. %TALLY_ERROR_LIMIT when it is longer than the limit; @output is then cut back to
 * @start. */
static inline gboolean
tally_frame_end (TallyBuffer *output,
                 TallyFraming framing,
                 gsize start,
                 const TallyLimits *limits,
                 GError **error)
{
  gsize header = tally_frame_header (framing);
  gsize length = output->length - start - header;

  if (G_UNLIKELY (length > limits->max_message))
    return tally_frame_refuse (output, start, length, limits, error);
  if (header > 0)
    {
      guint32 size = GUINT32_TO_BE ((guint32) length);

      memcpy (output->data + start, &size, sizeof size);
    }
  return TRUE;
}

/* What a frame's header at @bytes says that follows. THRIFT_PROTOCOL_ERROR for a size that is
 * refused. */
gboolean tally_frame_read_size (const guint8 *bytes,
                                const TallyLimits *limits,
                                guint32 *size,
                                GError **error);

/* A message on its way in. */
typedef struct
{
  TallyReader reader; /* first: the reader's fill finds the rest from it */
  TallySocket *socket;
  const guint8 *base; /* what the socket has not been told to have been consumed yet */
  gsize length;       /* of the frame with its header; 0 when unframed */
} TallyIncoming;

/* Gets ready to read one message. A framed one is received completely before this returns; an
 * unframed one arrives as it is read. THRIFT_PROTOCOL_ERROR for a frame whose size is refused, or
 * what tally_socket_fill () raises. @limits must outlive @incoming. */
gboolean tally_incoming_open (TallyIncoming *incoming,
                              TallySocket *socket,
                              TallyFraming framing,
                              const TallyLimits *limits,
                              GError **error);
/* Consumes what was read of it, or its whole frame. %TRUE when nothing followed it: neither in its
 * frame nor, as yet, behind it. */
gboolean tally_incoming_close (TallyIncoming *incoming);

G_END_DECLS

#endif /* TALLY_FRAMING_PRIVATE_H */
