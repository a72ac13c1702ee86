/* Where a message begins and ends in a socket's buffers: framed and buffered transport. */
#ifndef TALLY_FRAMING_PRIVATE_H
#define TALLY_FRAMING_PRIVATE_H

#include "codec-private.h"

G_BEGIN_DECLS

/* Begins a message at the end of @output. Returns where it begins, for tally_frame_end (). */
gsize tally_frame_begin (TallyBuffer *output, TallyFraming framing);
/* Ends it. %TALLY_ERROR_LIMIT when it is longer than the limit; @output is then cut back to @start. */
gboolean tally_frame_end (TallyBuffer *output, TallyFraming framing, gsize start, const TallyLimits *limits,
                          GError **error);

/* A message on its way in. */
typedef struct
{
  TallyReader reader; /* first: the reader's fill finds the rest from it */
  TallySocket *socket;
  const guint8 *base; /* what the socket has not been told to have been consumed yet */
  gsize length;       /* of the frame with its header; 0 when unframed */
} TallyIncoming;

/* Gets ready to read one message. A framed one is received completely before this returns; an unframed
 * one arrives as it is read. THRIFT_PROTOCOL_ERROR for a frame whose size is refused, or what
 * tally_socket_fill () raises. @limits must outlive @incoming. */
gboolean tally_incoming_open (TallyIncoming *incoming, TallySocket *socket, TallyFraming framing,
                              const TallyLimits *limits, GError **error);
/* Consumes what was read of it, or its whole frame. %TRUE when nothing followed it: neither in its
 * frame nor, as yet, behind it. */
gboolean tally_incoming_close (TallyIncoming *incoming);

G_END_DECLS

#endif /* TALLY_FRAMING_PRIVATE_H */
