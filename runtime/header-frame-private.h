/* A frame of the header transport (THeader, Apache's doc/specs/HeaderFormat.md): what stands between the frame's
 * length and the message.
 *
 *   0  2  0x0FFF
 *   2  2  flags
 *   4  4  sequence id
 *   8  2  size of the rest of the header, in units of 4 bytes
 *  10     varints: protocol id, number of transforms, each one's id; then infos, each an id and what belongs to
 *         it; zeros up to the size
 *
 * and behind that the message, transformed. */
#ifndef TALLY_HEADER_FRAME_PRIVATE_H
#define TALLY_HEADER_FRAME_PRIVATE_H

#include "codec-private.h"
#include "headers-private.h"

G_BEGIN_DECLS

/* What all frames have. */
#define TALLY_HEADER_FRAME_FIXED 10
#define TALLY_HEADER_FRAME_MAGIC 0x0FFF
/* The sender takes replies in any order: fbthrift's HEADER_FLAG_SUPPORT_OUT_OF_ORDER. */
#define TALLY_HEADER_FLAG_ANY_ORDER 0x0001

typedef struct
{
  guint16 flags;
  guint32 seqid;
  const TallyCodec *codec;
  gboolean is_compressed; /* by zlib */

  /* Of one that was read. */
  gboolean
      has_persistent; /* headers that are meant for the later messages of the connection, too */
  const guint8 *infos;
  const guint8 *payload;
  gsize payload_length;
} TallyHeaderFrame;

/* Whether a frame's first bytes after its length are those of a header. */
static inline gboolean
tally_header_frame_begins (const guint8 *bytes)
{
  return bytes[0] == TALLY_HEADER_FRAME_MAGIC >> 8 && bytes[1] == (TALLY_HEADER_FRAME_MAGIC & 0xFF);
}

/* Reads the header of the frame whose bytes after the length @bytes are. All of it is checked, the infos
 * included. THRIFT_PROTOCOL_ERROR. Then flags and seqid are set, as far as they are there. */
gboolean
tally_header_frame_read (TallyHeaderFrame *self, const guint8 *bytes, gsize length, GError **error);
/* tally_header_frame_read () that takes a frame without a header, too, as Apache's clients do: servers that
 * have not heard what the client speaks, or do not speak it, answer in one. */
gboolean tally_header_frame_read_any (TallyHeaderFrame *self,
                                      const guint8 *bytes,
                                      gsize length,
                                      GError **error);
/* Sets the headers of a frame that was read in @headers, or the persistent ones alone. FALSE with
 * THRIFT_PROTOCOL_ERROR where there are too many with those that it has. */
gboolean tally_header_frame_collect (const TallyHeaderFrame *self,
                                     TallyHeaders *headers,
                                     gboolean only_persistent,
                                     GError **error);
/* Milliseconds that TALLY_HEADER_TIMEOUT says; 0: none. */
gint64 tally_header_frame_get_timeout (const TallyHeaderFrame *self);
/* The message of a frame that was read. What is compressed goes to @inflated: no more than @limits allow, nor more
 * than a message that was not made to harm inflates to. THRIFT_PROTOCOL_ERROR. */
gboolean tally_header_frame_open (const TallyHeaderFrame *self,
                                  const TallyLimits *limits,
                                  TallyBuffer *inflated,
                                  const guint8 **message,
                                  gsize *length,
                                  GError **error);
/* tally_header_frame_open () for a look at the message's own header: of a compressed one the first bytes alone are
 * inflated. */
gboolean tally_header_frame_peek (const TallyHeaderFrame *self,
                                  TallyBuffer *inflated,
                                  const guint8 **message,
                                  gsize *length,
                                  GError **error);
/* Puts the header before the message that @output has from @start on, and compresses that if that is worth it. @headers:
 * (nullable). @timeout: milliseconds; 0: none. TALLY_ERROR_LIMIT where the headers are too large. */
gboolean tally_header_frame_wrap (const TallyHeaderFrame *self,
                                  TallyBuffer *output,
                                  gsize start,
                                  const TallyHeaders *headers,
                                  gint64 timeout,
                                  GError **error);

G_END_DECLS

#endif /* TALLY_HEADER_FRAME_PRIVATE_H */
