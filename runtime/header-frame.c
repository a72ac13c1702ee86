/* Owns the bytes of a header transport's frame: reading, checking and writing them. It knows no connection
 * and no call. */
#include "header-frame-private.h"

#include <string.h>

#include "header-zlib-private.h"
#include "tally-error.h"
#include "varint-private.h"

/* Apache's C++ library takes no header of 64 KiB. */
#define MAX_HEADER_BYTES 65532
#define HEADER_UNIT 4
#define MAX_TRANSFORMS 16
#define MAX_VARINT_BYTES 5

#define TRANSFORM_NONE 0
#define TRANSFORM_ZLIB 1

#define INFO_PADDING 0
#define INFO_KEY_VALUE 1
#define INFO_PERSISTENT 2 /* fbthrift's */

/* Inflation: what honest data stays below, but where that is little. */
#define MAX_RATIO 100
#define MIN_INFLATED (1024 * 1024)
/* What a message's own header has, at most, where it is looked at alone. */
#define PEEKED 4096

/* ---- reading ---- */

typedef struct
{
  const guint8 *cursor;
  const guint8 *end;
} Part;

G_GNUC_PRINTF (3, 4)
static TALLY_COLD gboolean
refuse_header (GError **error, gint code, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, THRIFT_PROTOCOL_ERROR, code, "header transport: %s", text);
  return FALSE;
}

static gboolean
refuse_data (GError **error, const gchar *what)
{
  return refuse_header (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "%s", what);
}

/* FALSE: it does not end in time, or is larger than 32 bits. */
static gboolean
get_varint (Part *part, guint32 *value)
{
  guint64 sum = 0;

  for (guint i = 0; i < MAX_VARINT_BYTES && part->cursor < part->end; i++)
    {
      guint8 byte = *part->cursor++;

      sum |= (guint64) (byte & 0x7F) << (7 * i);
      if ((byte & 0x80) == 0)
        {
          *value = (guint32) sum;
          return sum <= G_MAXUINT32;
        }
    }
  return FALSE;
}

static gboolean
get_text (Part *part, TallyHeaderText *text)
{
  guint32 length;

  if (!get_varint (part, &length) || length > (gsize) (part->end - part->cursor))
    return FALSE;
  *text = (TallyHeaderText){ part->cursor, length };
  part->cursor += length;
  return TRUE;
}

static const TallyCodec *
find_framed_codec (guint32 id)
{
  guint n_codecs;
  const TallyCodec *const *codecs = tally_codec_get_all (&n_codecs);

  for (guint i = 0; i < n_codecs; i++)
    if (codecs[i]->is_in_header_frames && codecs[i]->header_frame_id == id)
      return codecs[i];
  return NULL;
}

static gboolean
read_transforms (TallyHeaderFrame *self, Part *part, GError **error)
{
  guint32 count;

  if (!get_varint (part, &count))
    return refuse_data (error, "the number of transforms is malformed");
  if (count > MAX_TRANSFORMS)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                          "%u transforms; at most %d are taken", count, MAX_TRANSFORMS);
  for (guint i = 0; i < count; i++)
    {
      guint32 id;

      if (!get_varint (part, &id))
        return refuse_data (error, "a transform's id is malformed");
      if (id != TRANSFORM_NONE && (id != TRANSFORM_ZLIB || self->is_compressed))
        return refuse_header (error, THRIFT_PROTOCOL_ERROR_NOT_IMPLEMENTED,
                              "transform %u is not known here, or comes twice; zlib (%d), once, is",
                              id, TRANSFORM_ZLIB);
      self->is_compressed |= id == TRANSFORM_ZLIB;
    }
  return TRUE;
}

/* The pairs of one info. */
static gboolean
check_pairs (Part *part, guint *n_pairs, GError **error)
{
  guint32 count;

  if (!get_varint (part, &count))
    return refuse_data (error, "the number of headers is malformed");
  if (count > TALLY_HEADERS_MAX - *n_pairs)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "%u headers; the limit is %d",
                          count, TALLY_HEADERS_MAX);
  *n_pairs += count;
  for (guint i = 0; i < count; i++)
    {
      TallyHeaderText name, value;

      if (!get_text (part, &name) || !get_text (part, &value))
        return refuse_header (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                              "header %u of %u reaches beyond the header's size", i + 1, count);
    }
  return TRUE;
}

/* Infos whose ids are not known end the list: newer ones come last, and how long they are cannot be told. */
static gboolean
check_infos (TallyHeaderFrame *self, Part part, GError **error)
{
  guint n_pairs = 0;

  self->infos = part.cursor;
  while (part.cursor < part.end)
    {
      guint32 id;

      if (!get_varint (&part, &id))
        return refuse_data (error, "an info's id is malformed");
      if (id > INFO_PERSISTENT)
        return TRUE;
      if (id == INFO_PADDING)
        {
          while (part.cursor < part.end)
            if (*part.cursor++ != 0)
              return refuse_data (error, "the padding is not all zeros");
          return TRUE;
        }
      self->has_persistent |= id == INFO_PERSISTENT;
      if (!check_pairs (&part, &n_pairs, error))
        return FALSE;
    }
  return TRUE;
}

static guint
get_u16 (const guint8 *bytes)
{
  return (guint) bytes[0] << 8 | bytes[1];
}

gboolean
tally_header_frame_read (TallyHeaderFrame *self, const guint8 *bytes, gsize length, GError **error)
{
  guint32 protocol;
  gsize size;
  Part part;

  *self = (TallyHeaderFrame){ 0 };
  if (length < TALLY_HEADER_FRAME_FIXED)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                          "a frame of %" G_GSIZE_FORMAT " bytes; the smallest has %d", length,
                          TALLY_HEADER_FRAME_FIXED);
  if (!tally_header_frame_begins (bytes))
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_BAD_VERSION,
                          "the frame begins with 0x%02x%02x, not 0x%04x", bytes[0], bytes[1],
                          TALLY_HEADER_FRAME_MAGIC);
  self->flags = get_u16 (bytes + 2);
  self->seqid = get_u16 (bytes + 4) << 16 | get_u16 (bytes + 6);
  size = (gsize) get_u16 (bytes + 8) * HEADER_UNIT;
  if (size > length - TALLY_HEADER_FRAME_FIXED)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                          "a header of %" G_GSIZE_FORMAT " bytes in a frame of %" G_GSIZE_FORMAT,
                          size, length);
  if (size > MAX_HEADER_BYTES)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                          "a header of %" G_GSIZE_FORMAT " bytes; the limit is %d", size,
                          MAX_HEADER_BYTES);
  part.cursor = bytes + TALLY_HEADER_FRAME_FIXED;
  part.end = part.cursor + size;
  self->payload = part.end;
  self->payload_length = length - TALLY_HEADER_FRAME_FIXED - size;
  if (!get_varint (&part, &protocol))
    return refuse_data (error, "the protocol's id is malformed");
  self->codec = find_framed_codec (protocol);
  if (self->codec == NULL)
    return refuse_header (error, THRIFT_PROTOCOL_ERROR_NOT_IMPLEMENTED,
                          "no protocol here has the id %u", protocol);
  return read_transforms (self, &part, error) && check_infos (self, part, error);
}

/* The codec of a message without a header, by its first bytes. */
static const TallyCodec *
guess_codec (const guint8 *bytes, gsize length)
{
  guint n_codecs;
  const TallyCodec *const *codecs = tally_codec_get_all (&n_codecs);

  for (guint i = 0; i < n_codecs; i++)
    if (codecs[i]->begins_message != NULL && codecs[i]->begins_message (bytes, length))
      return codecs[i];
  return NULL;
}

gboolean
tally_header_frame_read_any (TallyHeaderFrame *self,
                             const guint8 *bytes,
                             gsize length,
                             GError **error)
{
  const TallyCodec *codec = guess_codec (bytes, length);

  if (codec == NULL)
    return tally_header_frame_read (self, bytes, length, error);
  *self = (TallyHeaderFrame){
    .codec = codec, .infos = bytes, .payload = bytes, .payload_length = length
  };
  return TRUE;
}

/* ---- headers of one that was read ---- */

/* Steps through checked infos. */
typedef struct
{
  Part part;
  guint32 info;
  guint32 n_left; /* of its pairs */
} PairIter;

static PairIter
iter_new (const TallyHeaderFrame *self)
{
  return (PairIter){ { self->infos, self->payload }, INFO_PADDING, 0 };
}

static gboolean
iter_next (PairIter *iter, TallyHeaderText *name, TallyHeaderText *value)
{
  while (iter->n_left == 0)
    if (!get_varint (&iter->part, &iter->info)
        || (iter->info != INFO_KEY_VALUE && iter->info != INFO_PERSISTENT)
        || !get_varint (&iter->part, &iter->n_left))
      return FALSE;
  iter->n_left--;
  return get_text (&iter->part, name) && get_text (&iter->part, value);
}

gboolean
tally_header_frame_collect (const TallyHeaderFrame *self,
                            TallyHeaders *headers,
                            gboolean only_persistent,
                            GError **error)
{
  PairIter iter = iter_new (self);
  TallyHeaderText name, value;

  while (iter_next (&iter, &name, &value))
    if ((iter.info == INFO_PERSISTENT || !only_persistent)
        && !tally_headers_put (headers, name, value))
      return refuse_header (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                            "more than %d headers with those of earlier messages",
                            TALLY_HEADERS_MAX);
  return TRUE;
}

/* 0: it is none. */
static gint64
parse_milliseconds (TallyHeaderText text)
{
  gint64 sum = 0;

  for (gsize i = 0; i < text.length; i++)
    {
      if (!g_ascii_isdigit (text.bytes[i]) || sum > G_MAXINT32)
        return 0;
      sum = sum * 10 + text.bytes[i] - '0';
    }
  return sum;
}

gint64
tally_header_frame_get_timeout (const TallyHeaderFrame *self)
{
  PairIter iter = iter_new (self);
  TallyHeaderText name, value;
  gint64 timeout = 0;

  while (iter_next (&iter, &name, &value))
    if (name.length == strlen (TALLY_HEADER_TIMEOUT)
        && memcmp (name.bytes, TALLY_HEADER_TIMEOUT, name.length) == 0)
      timeout = parse_milliseconds (value);
  return timeout;
}

/* ---- the message ---- */

/* What a message of so many compressed bytes may inflate to. */
static gsize
get_inflate_limit (gsize compressed)
{
  return MAX (MIN_INFLATED, compressed * MAX_RATIO);
}

static gboolean
open_message (const TallyHeaderFrame *self,
              gsize max,
              gboolean is_prefix,
              TallyBuffer *inflated,
              const guint8 **message,
              gsize *length,
              GError **error)
{
  gsize start = inflated->length;

  *message = self->payload;
  *length = self->payload_length;
  if (!self->is_compressed)
    return TRUE;
  if (!tally_header_inflate (self->payload, self->payload_length, max, is_prefix, inflated, error))
    {
      g_prefix_error (error, "header transport: ");
      return FALSE;
    }
  *message = inflated->data + start;
  *length = inflated->length - start;
  return TRUE;
}

gboolean
tally_header_frame_open (const TallyHeaderFrame *self,
                         const TallyLimits *limits,
                         TallyBuffer *inflated,
                         const guint8 **message,
                         gsize *length,
                         GError **error)
{
  gsize limit = get_inflate_limit (self->payload_length);

  return open_message (self, MIN (limits->max_message, limit), FALSE, inflated, message, length,
                       error);
}

gboolean
tally_header_frame_peek (const TallyHeaderFrame *self,
                         TallyBuffer *inflated,
                         const guint8 **message,
                         gsize *length,
                         GError **error)
{
  return open_message (self, PEEKED, TRUE, inflated, message, length, error);
}

/* ---- writing ---- */

static void
put_varint_of (TallyBuffer *output, guint32 value)
{
  guint8 bytes[MAX_VARINT_BYTES];

  tally_buffer_append (output, bytes, tally_varint_put (bytes, value) - bytes);
}

static void
put_pair (TallyBuffer *output, TallyHeaderText name, TallyHeaderText value)
{
  put_varint_of (output, name.length);
  tally_buffer_append (output, name.bytes, name.length);
  put_varint_of (output, value.length);
  tally_buffer_append (output, value.bytes, value.length);
}

static void
put_infos (TallyBuffer *output, const TallyHeaders *headers, gint64 timeout)
{
  guint count = headers != NULL ? tally_headers_get_size (headers) : 0;
  TallyHeaderText name, value;

  if (count + (timeout > 0) == 0)
    return;
  put_varint_of (output, INFO_KEY_VALUE);
  put_varint_of (output, count + (timeout > 0));
  for (guint i = 0; i < count; i++)
    {
      tally_headers_get (headers, i, &name, &value);
      put_pair (output, name, value);
    }
  if (timeout > 0)
    {
      gchar digits[24];

      g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, timeout);
      put_pair (output,
                (TallyHeaderText){ (const guint8 *) TALLY_HEADER_TIMEOUT,
                                   strlen (TALLY_HEADER_TIMEOUT) },
                (TallyHeaderText){ (const guint8 *) digits, strlen (digits) });
    }
}

/* What all headers would have, in 64 bits: a varint is not cut. */
static gboolean
check_text_size (const TallyHeaders *headers, GError **error)
{
  guint64 sum = 0;

  for (guint i = 0; headers != NULL && i < tally_headers_get_size (headers); i++)
    {
      TallyHeaderText name, value;

      tally_headers_get (headers, i, &name, &value);
      sum += (guint64) name.length + value.length;
    }
  if (sum <= MAX_HEADER_BYTES)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT,
               "the headers have %" G_GUINT64_FORMAT " bytes; the limit is %d", sum,
               MAX_HEADER_BYTES);
  return FALSE;
}

static void
put_u16 (guint8 *bytes, guint value)
{
  bytes[0] = value >> 8;
  bytes[1] = value;
}

/* FALSE: it is too long. */
static gboolean
make_header (const TallyHeaderFrame *self,
             const TallyHeaders *headers,
             gint64 timeout,
             TallyBuffer *output,
             GError **error)
{
  static const guint8 zeros[TALLY_HEADER_FRAME_FIXED] = { 0 };
  gsize size;

  if (!check_text_size (headers, error))
    return FALSE;
  tally_buffer_append (output, zeros, TALLY_HEADER_FRAME_FIXED);
  put_varint_of (output, self->codec->header_frame_id);
  put_varint_of (output, self->is_compressed);
  if (self->is_compressed)
    put_varint_of (output, TRANSFORM_ZLIB);
  put_infos (output, headers, timeout);
  size = output->length - TALLY_HEADER_FRAME_FIXED;
  tally_buffer_append (output, zeros, (HEADER_UNIT - size % HEADER_UNIT) % HEADER_UNIT);
  size = output->length - TALLY_HEADER_FRAME_FIXED;
  if (size > MAX_HEADER_BYTES)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT,
                   "the headers take %" G_GSIZE_FORMAT " bytes with their lengths; the limit is %d",
                   size, MAX_HEADER_BYTES);
      return FALSE;
    }
  put_u16 (output->data, TALLY_HEADER_FRAME_MAGIC);
  put_u16 (output->data + 2, self->flags);
  put_u16 (output->data + 4, self->seqid >> 16);
  put_u16 (output->data + 6, self->seqid);
  put_u16 (output->data + 8, size / HEADER_UNIT);
  return TRUE;
}

/* Whether @deflated, which it fills, is worth sending: it is smaller, and no peer takes it for a bomb. */
static gboolean
compress_payload (const guint8 *bytes, gsize length, TallyBuffer *deflated)
{
  tally_header_deflate (bytes, length, deflated);
  return deflated->length < length && length <= get_inflate_limit (deflated->length);
}

gboolean
tally_header_frame_wrap (const TallyHeaderFrame *self,
                         TallyBuffer *output,
                         gsize start,
                         const TallyHeaders *headers,
                         gint64 timeout,
                         GError **error)
{
  TallyHeaderFrame frame = *self;
  TallyBuffer front = { NULL, 0, 0 };
  TallyBuffer deflated = { NULL, 0, 0 };
  gsize length;
  gboolean done;

  if (frame.is_compressed)
    frame.is_compressed =
        compress_payload (output->data + start, output->length - start, &deflated);
  done = make_header (&frame, headers, timeout, &front, error);
  if (done && frame.is_compressed)
    {
      output->length = start;
      tally_buffer_append (output, deflated.data, deflated.length);
    }
  if (done)
    {
      length = output->length - start;
      tally_buffer_reserve (output, front.length);
      memmove (output->data + start + front.length, output->data + start, length);
      memcpy (output->data + start, front.data, front.length);
      output->length += front.length;
    }
  tally_buffer_clear (&deflated);
  tally_buffer_clear (&front);
  return done;
}
