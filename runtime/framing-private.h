/* Where a message begins and ends in the bytes of a connection, for clients and servers: nothing else
 * knows what stands around a message. */
#ifndef TALLY_FRAMING_PRIVATE_H
#define TALLY_FRAMING_PRIVATE_H

#include <string.h>

#include "protocols-internal.h"
#include "scanner-private.h"
#include "socket-internal.h"

G_BEGIN_DECLS

/* A frame is a big-endian length and that many bytes (Thrift, "Framed transport"). */
#define TALLY_FRAME_HEADER 4

/* Bytes before each message. */
static inline gsize
tally_frame_header (TallyFraming framing)
{
#define TALLY_HEADER_ROW(id, name, header) [id] = header,
  static const guint8 headers[] = { TALLY_FRAMINGS (TALLY_HEADER_ROW) };

  return headers[framing];
}

/* What the frame's header at @bytes says that follows. */
static inline guint32
tally_frame_get_size (const guint8 *bytes)
{
  guint32 size;

  memcpy (&size, bytes, sizeof size);
  return GUINT32_FROM_BE (size);
}

/* Begins a message at the end of @output. Returns where it begins, for tally_frame_end (). */
static inline gsize
tally_frame_begin (TallyBuffer *output, TallyFraming framing)
{
  gsize start = output->length;

  tally_buffer_reserve (output, TALLY_FRAME_HEADER);
  output->length += tally_frame_header (framing);
  return start;
}

/* Ends it, whatever its length. */
static inline void
tally_frame_close (TallyBuffer *output, TallyFraming framing, gsize start)
{
  gsize header = tally_frame_header (framing);

  if (header > 0)
    {
      guint32 size = GUINT32_TO_BE ((guint32) (output->length - start - header));

      memcpy (output->data + start, &size, sizeof size);
    }
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
  tally_frame_close (output, framing, start);
  return TRUE;
}

/* tally_frame_get_size (). THRIFT_PROTOCOL_ERROR for a size that is
 * refused. */
gboolean tally_frame_read_size (const guint8 *bytes,
                                const TallyLimits *limits,
                                guint32 *size,
                                GError **error);

/* ---- cutting what arrives into messages ---- */

typedef struct
{
  const TallyCodec *codec;
  const TallyLimits *limits;
  TallyFraming framing;
  TallyScanner *scanner; /* nullable: of a message without a header; made when needed */
} TallyFramer;

typedef enum
{
  TALLY_CUT_MORE,    /* the message is not all there yet */
  TALLY_CUT_WHOLE,   /* it is, and ends there */
  TALLY_CUT_TORN,    /* no reader would accept it, and where the next one begins cannot be told */
  TALLY_CUT_TOO_LONG /* it passes the limit; what its header says is known */
} TallyCut;

TALLY_COLD void tally_framer_make_scanner (TallyFramer *self);

/* tally_framer_cut () for a message without a header. */
static inline TallyCut
tally_framer_scan (TallyFramer *self, const guint8 *bytes, gsize length, gsize *size)
{
  TallyCut cut;

  if (G_UNLIKELY (self->scanner == NULL))
    tally_framer_make_scanner (self);
  *size = tally_scanner_scan (self->scanner, bytes, length);
  if (*size == 0)
    return TALLY_CUT_MORE;
  cut = tally_scanner_is_whole (self->scanner) ? TALLY_CUT_WHOLE : TALLY_CUT_TORN;
  tally_scanner_reset (self->scanner);
  return cut;
}

/* Looks for the first message in @bytes, which begin where it does and may have been shown before. *@size: how
 * many it is with its header; all of them if it is torn, and more than are there, perhaps, if it is too long. */
static inline TallyCut
tally_framer_cut (TallyFramer *self, const guint8 *bytes, gsize length, gsize *size)
{
  gsize header = tally_frame_header (self->framing);
  guint32 body;

  if (header == 0)
    return tally_framer_scan (self, bytes, length, size);
  if (length < header)
    return TALLY_CUT_MORE;
  body = tally_frame_get_size (bytes);
  *size = header + (gsize) body;
  if (G_UNLIKELY (body > self->limits->max_message))
    return TALLY_CUT_TOO_LONG;
  return *size <= length ? TALLY_CUT_WHOLE : TALLY_CUT_MORE;
}

/* Finds framing and protocol of a peer by the first bytes that it sends, where the framing is
 * TALLY_FRAMING_AUTO; where it is not, the protocol alone. What cannot be told apart is left as it is, framed. FALSE: more
 * bytes are needed. */
gboolean tally_framer_detect (TallyFramer *self, const guint8 *bytes, gsize length);
/* The bytes that the message which @bytes begin has, or has at most; 0 while that is unknown. */
gsize tally_framer_find_size (const TallyFramer *self, const guint8 *bytes, gsize length);
/* Forgets what was shown of a message. */
void tally_framer_reset (TallyFramer *self);
void tally_framer_clear (TallyFramer *self);

/* ---- a message that is received and decoded at once ---- */

/* A message on its way in. */
typedef struct
{
  TallyReader reader; /* first: the reader's fill finds the rest from it */
  TallySocket *socket;
  const guint8 *base; /* what the socket has not been told to have been consumed yet */
  gsize length;       /* of the frame with its header; 0 when unframed */
  gsize consumed;     /* unframed: what the socket was told, so far */
  GByteArray *kept;   /* nullable: unframed: a copy of that, where one is wanted */
} TallyIncoming;

/* tally_incoming_open () of a frame of @size bytes that has not come whole, or is too long. */
TALLY_COLD gboolean tally_incoming_receive_rest (TallyIncoming *incoming,
                                                 guint32 size,
                                                 const TallyLimits *limits,
                                                 GError **error);
/* tally_incoming_open () of a message without a header, of which @available bytes have come. */
void
tally_incoming_open_unframed (TallyIncoming *incoming, gsize available, const TallyLimits *limits);

/* Gets ready to read one message. A framed one is received completely before this returns; of an
 * unframed one more than the first bytes arrives as it is read. THRIFT_PROTOCOL_ERROR for a frame whose size is refused, or
 * what tally_socket_fill () raises. @limits must outlive @incoming. */
static inline gboolean
tally_incoming_open (TallyIncoming *incoming,
                     TallySocket *socket,
                     TallyFraming framing,
                     const TallyLimits *limits,
                     GError **error)
{
  gsize available;
  guint32 size;

  incoming->socket = socket;
  incoming->kept = NULL;
  /* no message without a header is shorter than this */
  if (!tally_socket_fill (socket, TALLY_FRAME_HEADER, error))
    return FALSE;
  incoming->base = tally_socket_peek_input (socket, &available);
  if (tally_frame_header (framing) == 0)
    {
      tally_incoming_open_unframed (incoming, available, limits);
      return TRUE;
    }
  size = tally_frame_get_size (incoming->base);
  incoming->length = TALLY_FRAME_HEADER + (gsize) size;
  /* a small frame comes whole with its header */
  if (G_UNLIKELY (size > limits->max_message || available < incoming->length)
      && !tally_incoming_receive_rest (incoming, size, limits, error))
    return FALSE;
  tally_reader_init (&incoming->reader, incoming->base + TALLY_FRAME_HEADER, size, limits);
  return TRUE;
}

/* Adds to what is kept all that has come: a frame's bytes without its header, or what the socket has. */
void tally_incoming_keep_rest (TallyIncoming *incoming);
/* Before it is closed: bytes of the frame without its header, or what was read. */
gsize tally_incoming_count (const TallyIncoming *incoming);

/* Consumes what was read of it, or its whole frame. %TRUE when nothing followed it: neither in its
 * frame nor, as yet, behind it. */
static inline gboolean
tally_incoming_close (TallyIncoming *incoming)
{
  gboolean whole = incoming->length == 0 || tally_reader_is_at_end (&incoming->reader);
  gsize length =
      incoming->length > 0 ? incoming->length : (gsize) (incoming->reader.cursor - incoming->base);

  return tally_socket_consume (incoming->socket, length) == 0 && whole;
}

G_END_DECLS

#endif /* TALLY_FRAMING_PRIVATE_H */
