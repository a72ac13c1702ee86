/* The compact protocol (Thrift specification, "Thrift Compact protocol encoding"): integers as
 * zigzag varints, field ids as differences, a bool field's value in its header. Owns its bytes; the
 * engine is in the templates included at the end. */
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>

#include "codec-engine.h"
#include "varint-private.h"
#include "wire-compact-private.h"

/* A field's header has at most 4 bytes, the longest plain value 16. */
#define FIELD_BOUND 20
/* A message's header without the name has id and version, the sequence id, the name's length. */
#define MESSAGE_BOUND (2 + 2 * TALLY_COMPACT_VARINT_MAX)

#define smallest_size tally_compact_smallest_size
#define fixed_size tally_compact_fixed_size

/* ---- writing ---- */

static inline guint8 *
put_i64 (guint8 *p, gint64 value)
{
  return tally_varint_put (p, (guint64) value << 1 ^ (guint64) (value >> 63));
}

static inline guint8 *
put_i32 (guint8 *p, gint32 value)
{
  return tally_varint_put (p, (guint32) value << 1 ^ (guint32) (value >> 31));
}

static inline guint8 *
put_i16 (guint8 *p, gint16 value)
{
  return put_i32 (p, value);
}

static inline guint8 *
put_i8 (guint8 *p, gint8 value)
{
  *p++ = (guint8) value;
  return p;
}

static inline guint8 *
put_double (guint8 *p, gdouble value)
{
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT64_TO_LE (bits);
  memcpy (p, &bits, sizeof bits);
  return p + sizeof bits;
}

static inline guint8 *
put_typed_field (guint8 *p, gint *last, gint16 id, guint8 type)
{
  const gint delta = id - *last;

  *last = id;
  if (G_LIKELY (delta > 0 && delta <= 15))
    {
      *p++ = (guint8) (delta << 4 | type);
      return p;
    }
  *p++ = type;
  return put_i16 (p, id);
}

static inline guint8 *
put_field (guint8 *p, gint *last, gint16 id, guint8 wire)
{
  return put_typed_field (p, last, id, tally_compact_types[wire]);
}

static inline guint8 *
put_bool_field (guint8 *p, gint *last, gint16 id, gboolean value)
{
  return put_typed_field (p, last, id, value ? TALLY_COMPACT_TRUE : TALLY_COMPACT_FALSE);
}

static inline guint8 *
put_bool (guint8 *p, gboolean value)
{
  *p++ = value ? TALLY_COMPACT_TRUE : TALLY_COMPACT_FALSE;
  return p;
}

static inline guint8 *
put_stop (guint8 *p)
{
  *p++ = T_STOP;
  return p;
}

static inline guint8 *
put_length (guint8 *p, guint32 length)
{
  return tally_varint_put (p, length);
}

static inline guint8 *
put_list_header (guint8 *p, guint8 wire, guint32 count)
{
  if (count < 15)
    {
      *p++ = (guint8) (count << 4 | tally_compact_types[wire]);
      return p;
    }
  *p++ = 0xf0 | tally_compact_types[wire];
  return tally_varint_put (p, count);
}

/* An empty map has no types. */
static inline guint8 *
put_map_header (guint8 *p, guint8 key, guint8 value, guint32 count)
{
  p = tally_varint_put (p, count);
  if (count > 0)
    *p++ = (guint8) (tally_compact_types[key] << 4 | tally_compact_types[value]);
  return p;
}

static inline guint8 *
put_message (guint8 *p, const gchar *name, gsize name_length, ThriftMessageType type, gint32 seqid)
{
  *p++ = TALLY_COMPACT_PROTOCOL_ID;
  *p++ = (guint8) ((guint) type << TALLY_COMPACT_TYPE_SHIFT | TALLY_COMPACT_VERSION);
  p = tally_varint_put (p, (guint32) seqid);
  p = tally_varint_put (p, name_length);
  tally_copy_bytes (p, name, name_length);
  return p + name_length;
}

/* ---- reading ---- */

/* Byte by byte, for what may end in the middle. */
static gboolean
get_varint_slowly (TallyReader *reader, guint64 *value, GError **error)
{
  guint64 result = 0;

  for (guint i = 0; i < TALLY_COMPACT_VARINT_MAX; i++)
    {
      guint8 byte;

      if (!tally_reader_need (reader, 1, error))
        return FALSE;
      byte = *reader->cursor++;
      if (i == TALLY_COMPACT_VARINT_MAX - 1 && byte > 1 && !reader->limits->as_apache)
        break;
      result |= (guint64) (byte & 0x7f) << (7 * i);
      if (byte < 0x80)
        {
          *value = result;
          return TRUE;
        }
    }
  return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                            "an integer is longer than ten bytes or 64 bits");
}

static inline gboolean
get_varint (TallyReader *reader, guint64 *value, GError **error)
{
  const guint8 *p = reader->cursor;
  guint length;

  if (G_UNLIKELY (reader->end - p < TALLY_VARINT_WORD))
    return get_varint_slowly (reader, value, error);
  length = tally_varint_get (p, value);
  reader->cursor = p + length;
  return G_LIKELY (length != 0) || get_varint_slowly (reader, value, error);
}

static inline gint64
from_zigzag (guint64 value)
{
  return (gint64) (value >> 1 ^ -(value & 1));
}

static inline gboolean
get_i64 (TallyReader *reader, gint64 *value, GError **error)
{
  guint64 raw;

  if (!get_varint (reader, &raw, error))
    return FALSE;
  *value = from_zigzag (raw);
  return TRUE;
}

/* An integer does not fit into @bits. Apache's library drops the upper bits of the zigzag
 * number. */
static TALLY_COLD gboolean
cut_integer (const TallyReader *reader, gint64 wide, guint bits, gint32 *value, GError **error)
{
  const guint32 folded = (guint32) ((guint64) wide << 1 ^ (guint64) (wide >> 63));

  if (!reader->limits->as_apache)
    return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                              "the integer %" G_GINT64_FORMAT " does not fit into %u bits", wide,
                              bits);
  *value = (gint32) (folded >> 1 ^ -(folded & 1));
  return TRUE;
}

static inline gboolean
get_i32 (TallyReader *reader, gint32 *value, GError **error)
{
  gint64 wide;

  if (!get_i64 (reader, &wide, error))
    return FALSE;
  *value = (gint32) wide;
  return G_LIKELY (wide == *value) || cut_integer (reader, wide, 32, value, error);
}

static inline gboolean
get_i16 (TallyReader *reader, gint16 *value, GError **error)
{
  gint64 wide;
  gint32 cut;

  if (!get_i64 (reader, &wide, error))
    return FALSE;
  *value = (gint16) wide;
  if (G_LIKELY (wide == *value))
    return TRUE;
  if (!cut_integer (reader, wide, 16, &cut, error))
    return FALSE;
  *value = (gint16) cut;
  return TRUE;
}

static inline gboolean
get_i8 (TallyReader *reader, gint8 *value, GError **error)
{
  if (!tally_reader_need (reader, 1, error))
    return FALSE;
  *value = (gint8) *reader->cursor++;
  return TRUE;
}

static inline gboolean
get_bool (TallyReader *reader, gboolean *value, GError **error)
{
  if (!tally_reader_need (reader, 1, error))
    return FALSE;
  *value = *reader->cursor++ == TALLY_COMPACT_TRUE;
  return TRUE;
}

static inline gboolean
get_bool_field (TallyReader *reader, const FieldHeader *header, gboolean *value, GError **error)
{
  *value = header->bits == TALLY_COMPACT_TRUE;
  return TRUE;
}

static inline gboolean
get_double (TallyReader *reader, gdouble *value, GError **error)
{
  guint64 bits;

  if (!tally_reader_need (reader, sizeof bits, error))
    return FALSE;
  memcpy (&bits, reader->cursor, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (value, &bits, sizeof bits);
  reader->cursor += sizeof bits;
  return TRUE;
}

static inline gboolean
skip_needs_no_bytes (const FieldHeader *header)
{
  return header->wire == T_BOOL;
}

/* A field's id, where it does not follow from the one before: mostly a result's value, whose is 0. */
static inline gboolean
get_id (TallyReader *reader, gint16 *id, GError **error)
{
  gint16 other; /* what is common needs no address of @id */

  if (G_LIKELY (reader->cursor < reader->end && *reader->cursor == 0))
    {
      reader->cursor++;
      *id = 0;
      return TRUE;
    }
  if (!get_i16 (reader, &other, error))
    return FALSE;
  *id = other;
  return TRUE;
}

static inline gboolean
get_field (TallyReader *reader, gint16 *last, FieldHeader *header, GError **error)
{
  guint8 byte;
  guint delta;

  if (!tally_reader_need_last (reader, error))
    return FALSE;
  byte = *reader->cursor++;
  header->wire = byte == 0 ? T_STOP : tally_wire_types[byte & 0x0f];
  if (header->wire == T_STOP)
    return G_LIKELY (byte == 0) || reader->limits->as_apache
           || tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "there is no type 0");
  header->bits = byte & 0x0f;
  delta = byte >> 4;
  if (delta == 0)
    {
      if (!get_id (reader, &header->id, error))
        return FALSE;
    }
  else
    {
      if (G_UNLIKELY (*last > G_MAXINT16 - (gint) delta) && !reader->limits->as_apache)
        return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                                  "the field id %d + %u overflows", *last, delta);
      header->id = (gint16) (*last + (gint) delta);
    }
  *last = header->id;
  return TRUE;
}

static G_GNUC_NO_INLINE gboolean
get_long_size (TallyReader *reader, guint32 *size, GError **error)
{
  guint64 wide;

  if (!get_varint (reader, &wide, error))
    return FALSE;
  if (G_UNLIKELY (wide > G_MAXINT32) && reader->limits->as_apache)
    wide = (guint32) wide;
  if (G_UNLIKELY (wide > G_MAXINT32))
    return tally_reader_fail_length (reader,
                                     wide <= G_MAXUINT32 ? (gint32) wide
                                                         : (gint64) MIN (wide, G_MAXINT64),
                                     1, error);
  *size = (guint32) wide;
  return TRUE;
}

/* A length or count, which must fit into 31 bits; one byte says most of them. */
static inline gboolean
get_size (TallyReader *reader, guint32 *size, GError **error)
{
  guint32 wide;

  if (G_LIKELY (reader->cursor < reader->end && *reader->cursor < 0x80))
    {
      *size = *reader->cursor++;
      return TRUE;
    }
  if (!get_long_size (reader, &wide, error))
    return FALSE;
  *size = wide;
  return TRUE;
}

static inline gboolean
get_length (TallyReader *reader, guint32 *length, GError **error)
{
  return get_size (reader, length, error) && tally_reader_need_text (reader, *length, error);
}

/* Apache's library fails at types that it does not know even where nothing of them follows. */
static inline gboolean
is_refused (const TallyReader *reader, gint wire)
{
  return (wire == TALLY_WIRE_UUID || wire == T_VOID) && reader->limits->as_apache;
}

static inline gboolean
get_list_header (TallyReader *reader, guint8 *wire, guint32 *count, GError **error)
{
  guint8 byte;

  if (!tally_reader_need (reader, 1, error))
    return FALSE;
  byte = *reader->cursor++;
  *wire = tally_wire_types[byte & 0x0f];
  *count = byte >> 4;
  if (*count == 15 && !get_size (reader, count, error))
    return FALSE;
  return !is_refused (reader, *wire)
         || tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "there is no type %d",
                               *wire);
}

static inline gboolean
get_map_header (TallyReader *reader, guint8 *key, guint8 *value, guint32 *count, GError **error)
{
  *key = *value = T_STOP;
  if (!get_size (reader, count, error))
    return FALSE;
  if (*count == 0)
    return TRUE;
  if (!tally_reader_need (reader, 1, error))
    return FALSE;
  *key = tally_wire_types[*reader->cursor >> 4];
  *value = tally_wire_types[*reader->cursor & 0x0f];
  reader->cursor++;
  return TRUE;
}

/* A header that is not all there, or none that is common. */
static G_GNUC_NO_INLINE gboolean
read_message_slowly (TallyReader *reader, TallyMessage *message, GError **error)
{
  guint64 seqid;
  guint32 length;
  guint8 id, version;

  if (!tally_reader_need (reader, 2, error))
    return FALSE;
  id = reader->cursor[0];
  version = reader->cursor[1];
  if (id != TALLY_COMPACT_PROTOCOL_ID)
    return tally_reader_fail_header (
        reader, id, "the message begins with 0x%02x, not with the compact protocol's 0x82", error);
  if ((version & TALLY_COMPACT_VERSION_MASK) != TALLY_COMPACT_VERSION)
    return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_BAD_VERSION,
                              "the message header has version %d of the compact protocol, not 1",
                              version & TALLY_COMPACT_VERSION_MASK);
  reader->cursor += 2;
  /* Some peers sign-extend a negative seqid to 64 bits; its lower half is meant. */
  if (!get_varint (reader, &seqid, error) || !get_length (reader, &length, error))
    return FALSE;
  message->name = (const gchar *) reader->cursor;
  message->name_length = length;
  message->type = version >> TALLY_COMPACT_TYPE_SHIFT;
  message->seqid = (gint32) (guint32) seqid;
  reader->cursor += length;
  return TRUE;
}

static gboolean
read_message (TallyReader *reader, TallyMessage *message, GError **error)
{
  const guint8 *header = reader->cursor;
  const guint8 *name;
  guint64 seqid;
  guint taken, length;

  if (G_UNLIKELY (reader->end - header < 3 + TALLY_VARINT_WORD
                  || header[0] != TALLY_COMPACT_PROTOCOL_ID
                  || (header[1] & TALLY_COMPACT_VERSION_MASK) != TALLY_COMPACT_VERSION))
    return read_message_slowly (reader, message, error);
  taken = tally_varint_get (header + 2, &seqid);
  length = header[2 + taken];
  name = header + 3 + taken;
  if (G_UNLIKELY (taken == 0 || length >= 0x80 || reader->end - name < length))
    return read_message_slowly (reader, message, error);
  message->name = (const gchar *) name;
  message->name_length = length;
  message->type = header[1] >> TALLY_COMPACT_TYPE_SHIFT;
  message->seqid = (gint32) (guint32) seqid;
  reader->cursor = name + length;
  return TRUE;
}

#include "codec-compact-arrays.h"
#include "codec-read-template.h"
#include "codec-write-template.h"

static gboolean
write_struct_as_apache (TallyBuffer *output,
                        const TallyStructInfo *info,
                        gconstpointer instance,
                        GError **error)
{
  return write_whole (output, info, instance, TRUE, error);
}

static gboolean
is_readable (const ThriftProtocol *protocol)
{
  const ThriftCompactProtocol *self = (const ThriftCompactProtocol *) protocol;

  return self->string_limit <= 0 && self->container_limit <= 0 && !self->_has_bool_value;
}

static gboolean
is_writable (const ThriftProtocol *protocol)
{
  return ((const ThriftCompactProtocol *) protocol)->_bool_field_name == NULL;
}

static gsize
count_string (gsize length)
{
  guint8 header[TALLY_COMPACT_VARINT_MAX];

  return length + (tally_varint_put (header, length) - header);
}

const TallyCodec tally_codec_compact = {
  .write_message = write_message,
  .write_struct = write_struct,
  .write_of_method = write_of_method,
  .write_struct_as_apache = write_struct_as_apache,
  .read_message = read_message,
  .read_struct = read_struct,
  .skip = skip_value,
  .scan = tally_compact_scan,
  .begins_message = tally_compact_begins_message,
  .is_in_header_frames = TRUE,
  .header_frame_id = 2,
  .apache = {
    .get_type = thrift_compact_protocol_get_type,
    .instance_size = sizeof (ThriftCompactProtocol),
    .is_readable = is_readable,
    .is_writable = is_writable,
    .count_string = count_string,
  },
};
