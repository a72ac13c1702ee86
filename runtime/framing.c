/* Owns where a message begins and ends in a connection's bytes. It knows nothing of what a message
 * says. */
#include "framing-private.h"

#include <string.h>

#include "header-frame-private.h"
#include "peer-text.h"
#include "tally-error.h"

/* Bytes of a message, or of a frame behind its length, that tell what it is. */
#define DETECT_BYTES 2

gboolean
tally_frame_refuse (
    TallyBuffer *output, gsize start, gsize length, const TallyLimits *limits, GError **error)
{
  output->length = start;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT,
               "the message has %" G_GSIZE_FORMAT " bytes; the limit is %" G_GUINT32_FORMAT, length,
               limits->max_message);
  return FALSE;
}

/* ---- cutting ---- */

void
tally_framer_make_scanner (TallyFramer *self)
{
  self->scanner = tally_scanner_new (self->codec, self->limits);
}

gsize
tally_framer_find_size (const TallyFramer *self, const guint8 *bytes, gsize length)
{
  gsize header = tally_frame_header (self->framing);

  if (header == 0)
    return self->limits->max_message;
  return length < header ? 0 : header + (gsize) tally_frame_get_size (bytes);
}

/* FALSE: @bytes, of which there are two, begin no message. */
static gboolean
detect_codec (TallyFramer *self, const guint8 *bytes)
{
  guint n_codecs;
  const TallyCodec *const *codecs = tally_codec_get_all (&n_codecs);

  for (guint i = 0; i < n_codecs; i++)
    if (codecs[i]->begins_message != NULL && codecs[i]->begins_message (bytes, DETECT_BYTES))
      {
        self->codec = codecs[i];
        return TRUE;
      }
  return FALSE;
}

gboolean
tally_framer_detect (TallyFramer *self, const guint8 *bytes, gsize length)
{
  gboolean is_framing_known = self->framing != TALLY_FRAMING_AUTO;
  guint32 size;

  if (length < DETECT_BYTES)
    return FALSE;
  if ((!is_framing_known || self->framing == TALLY_FRAMING_BUFFERED) && detect_codec (self, bytes))
    {
      self->framing = TALLY_FRAMING_BUFFERED;
      return TRUE;
    }
  if (self->framing == TALLY_FRAMING_BUFFERED)
    return TRUE;
  if (length < TALLY_FRAME_HEADER)
    return FALSE;
  size = tally_frame_get_size (bytes);
  if (size >= DETECT_BYTES && size <= self->limits->max_message)
    {
      if (length < TALLY_FRAME_HEADER + DETECT_BYTES)
        return FALSE;
      if (!is_framing_known && tally_header_frame_begins (bytes + TALLY_FRAME_HEADER))
        {
          self->framing = TALLY_FRAMING_HEADER;
          return TRUE;
        }
      (void) detect_codec (self, bytes + TALLY_FRAME_HEADER);
    }
  self->framing = TALLY_FRAMING_FRAMED;
  return TRUE;
}

void
tally_framer_reset (TallyFramer *self)
{
  if (self->scanner != NULL)
    tally_scanner_reset (self->scanner);
}

void
tally_framer_clear (TallyFramer *self)
{
  g_clear_pointer (&self->scanner, tally_scanner_free);
}

/* ---- receiving and decoding at once ---- */

/* The reader's bytes are those that the socket has. */
static void
look_again (TallyIncoming *self)
{
  gsize length;

  self->base = tally_socket_peek_input (self->socket, &length);
  self->reader.cursor = self->base;
  self->reader.end = self->base + length;
}

static gboolean
fill (TallyReader *reader, gsize need, GError **error)
{
  TallyIncoming *self = (TallyIncoming *) reader;
  gboolean filled;

  self->consumed += reader->cursor - self->base;
  if (G_UNLIKELY (self->kept != NULL))
    g_byte_array_append (self->kept, self->base, (guint) (reader->cursor - self->base));
  tally_socket_consume (self->socket, reader->cursor - self->base);
  filled = tally_socket_fill (self->socket, need, error);
  look_again (self);
  return filled;
}

gboolean
tally_frame_read_size (const guint8 *bytes,
                       const TallyLimits *limits,
                       guint32 *size,
                       GError **error)
{
  *size = tally_frame_get_size (bytes);
  if (G_LIKELY (*size <= limits->max_message))
    return TRUE;
  g_set_error (error, THRIFT_PROTOCOL_ERROR,
               *size > G_MAXINT32 ? THRIFT_PROTOCOL_ERROR_NEGATIVE_SIZE
                                  : THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
               "a frame of %d bytes was announced; the limit is %" G_GUINT32_FORMAT, (gint) *size,
               limits->max_message);
  tally_peer_add_guess (error, bytes, TALLY_FRAME_HEADER);
  return FALSE;
}

gboolean
tally_incoming_receive_rest (TallyIncoming *self,
                             guint32 size,
                             const TallyLimits *limits,
                             GError **error)
{
  gsize available;

  if (!tally_frame_read_size (self->base, limits, &size, error)
      || !tally_socket_fill (self->socket, self->length, error))
    return FALSE;
  self->base = tally_socket_peek_input (self->socket, &available);
  return TRUE;
}

void
tally_incoming_open_unframed (TallyIncoming *self, gsize available, const TallyLimits *limits)
{
  self->length = 0;
  self->consumed = 0;
  tally_reader_init_fill (&self->reader, self->base, available, limits, fill, self);
}

void
tally_incoming_keep_rest (TallyIncoming *self)
{
  if (self->length > 0)
    g_byte_array_append (self->kept, self->base + TALLY_FRAME_HEADER,
                         (guint) (self->length - TALLY_FRAME_HEADER));
  else
    g_byte_array_append (self->kept, self->base, (guint) (self->reader.end - self->base));
}

gsize
tally_incoming_count (const TallyIncoming *self)
{
  return self->length > 0 ? self->length - TALLY_FRAME_HEADER
                          : self->consumed + (gsize) (self->reader.cursor - self->base);
}
