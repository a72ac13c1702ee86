/* The binary protocol (Thrift specification, "Thrift Binary protocol encoding"): big-endian numbers
 * of fixed size. Owns its bytes; the engine is in the templates included at the end. */
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>

#include "codec-engine.h"
#include "wire-binary-private.h"

/* A field's header has 3 bytes, the longest plain value 16. */
#define FIELD_BOUND 19
/* A message's header without the name has version and type, the name's length, the sequence id. */
#define MESSAGE_BOUND 12

#define smallest_size tally_binary_smallest_size
#define fixed_size tally_binary_fixed_size

/* ---- writing ---- */

static inline guint8 *
put_field (guint8 *p, gint *last, gint16 id, guint8 wire)
{
  *p++ = wire;
  return put_be16 (p, (guint16) id);
}

static inline guint8 *
put_stop (guint8 *p)
{
  *p++ = T_STOP;
  return p;
}

static inline guint8 *
put_bool (guint8 *p, gboolean value)
{
  *p++ = value != FALSE;
  return p;
}

static inline guint8 *
put_bool_field (guint8 *p, gint *last, gint16 id, gboolean value)
{
  return put_bool (put_field (p, last, id, T_BOOL), value);
}

static inline guint8 *
put_i8 (guint8 *p, gint8 value)
{
  *p++ = (guint8) value;
  return p;
}

static inline guint8 *
put_i16 (guint8 *p, gint16 value)
{
  return put_be16 (p, (guint16) value);
}

static inline guint8 *
put_i32 (guint8 *p, gint32 value)
{
  return put_be32 (p, (guint32) value);
}

static inline guint8 *
put_i64 (guint8 *p, gint64 value)
{
  return put_be64 (p, (guint64) value);
}

static inline guint8 *
put_double (guint8 *p, gdouble value)
{
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  return put_be64 (p, bits);
}

static inline guint8 *
put_length (guint8 *p, guint32 length)
{
  return put_be32 (p, length);
}

static inline guint8 *
put_list_header (guint8 *p, guint8 wire, guint32 count)
{
  *p++ = wire;
  return put_be32 (p, count);
}

static inline guint8 *
put_map_header (guint8 *p, guint8 key, guint8 value, guint32 count)
{
  *p++ = key;
  *p++ = value;
  return put_be32 (p, count);
}

static inline guint
array_bound (const TallyType *type)
{
  return fixed_size[type->wire];
}

/* Copies @count numbers of 4 bytes, turning the bytes of each around, two at a time. */
static void
swap_4 (guint8 *target, const guint8 *source, gsize count)
{
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  for (; count >= 2; count -= 2, target += 8, source += 8)
    {
      guint64 pair;

      memcpy (&pair, source, sizeof pair);
      pair = GUINT64_SWAP_LE_BE (pair);
      pair = pair << 32 | pair >> 32;
      memcpy (target, &pair, sizeof pair);
    }
#endif
  for (; count > 0; count--, target += 4, source += 4)
    {
      guint32 value;

      memcpy (&value, source, sizeof value);
      put_be32 (target, value);
    }
}

static void
swap_8 (guint8 *target, const guint8 *source, gsize count)
{
  for (; count > 0; count--, target += 8, source += 8)
    {
      guint64 value;

      memcpy (&value, source, sizeof value);
      put_be64 (target, value);
    }
}

static void
swap_2 (guint8 *target, const guint8 *source, gsize count)
{
  for (; count > 0; count--, target += 2, source += 2)
    {
      guint16 value;

      memcpy (&value, source, sizeof value);
      put_be16 (target, value);
    }
}

static guint8 *
put_array (guint8 *p, const TallyType *type, const guint8 *data, gsize count)
{
  const gsize size = count * fixed_size[type->wire];

  if (count == 0)
    return p;
  switch (type->wire)
    {
    case T_BOOL:
      for (gsize i = 0; i < count; i++)
        p[i] = ((const gboolean *) data)[i] != FALSE;
      break;
    case T_I16:
      swap_2 (p, data, count);
      break;
    case T_I32:
      swap_4 (p, data, count);
      break;
    case T_I64:
    case T_DOUBLE:
      swap_8 (p, data, count);
      break;
    default: /* bytes and uuids go as they are */
      memcpy (p, data, size);
      break;
    }
  return p + size;
}

static inline guint8 *
put_message (guint8 *p, const gchar *name, gsize name_length, ThriftMessageType type, gint32 seqid)
{
  p = put_be32 (p, TALLY_BINARY_VERSION_1 | ((guint32) type & 0xff));
  p = put_be32 (p, (guint32) name_length);
  tally_copy_bytes (p, name, name_length);
  return put_be32 (p + name_length, (guint32) seqid);
}

/* ---- reading ---- */

/* The rest of a field's header; what its value has at least follows, and the next field's type. */
static TALLY_COLD gboolean
fill_field (TallyReader *reader, guint8 wire, GError **error)
{
  return tally_reader_fill (reader, 3, wire < TALLY_N_WIRE_TYPES ? smallest_size[wire] + 1 : 0,
                            error);
}

static inline gboolean
get_field (TallyReader *reader, gint16 *last, FieldHeader *header, GError **error)
{
  if (!tally_reader_need_last (reader, error))
    return FALSE;
  header->wire = reader->cursor[0];
  if (header->wire == T_STOP)
    {
      reader->cursor++;
      return TRUE;
    }
  if (G_UNLIKELY (reader->end - reader->cursor < 3) && !fill_field (reader, header->wire, error))
    return FALSE;
  header->id = (gint16) get_be16 (reader->cursor + 1);
  reader->cursor += 3;
  return TRUE;
}

static inline gboolean
skip_needs_no_bytes (const FieldHeader *header)
{
  return FALSE;
}

static inline gboolean
get_bool (TallyReader *reader, gboolean *value, GError **error)
{
  if (!tally_reader_need (reader, 1, error))
    return FALSE;
  *value = *reader->cursor++ != 0;
  return TRUE;
}

static inline gboolean
get_bool_field (TallyReader *reader, const FieldHeader *header, gboolean *value, GError **error)
{
  return get_bool (reader, value, error);
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
get_i16 (TallyReader *reader, gint16 *value, GError **error)
{
  if (!tally_reader_need (reader, 2, error))
    return FALSE;
  *value = (gint16) get_be16 (reader->cursor);
  reader->cursor += 2;
  return TRUE;
}

static inline gboolean
get_i32 (TallyReader *reader, gint32 *value, GError **error)
{
  if (!tally_reader_need (reader, 4, error))
    return FALSE;
  *value = (gint32) get_be32 (reader->cursor);
  reader->cursor += 4;
  return TRUE;
}

static inline gboolean
get_i64 (TallyReader *reader, gint64 *value, GError **error)
{
  if (!tally_reader_need (reader, 8, error))
    return FALSE;
  *value = (gint64) get_be64 (reader->cursor);
  reader->cursor += 8;
  return TRUE;
}

static inline gboolean
get_double (TallyReader *reader, gdouble *value, GError **error)
{
  guint64 bits;

  if (!tally_reader_need (reader, 8, error))
    return FALSE;
  bits = get_be64 (reader->cursor);
  memcpy (value, &bits, sizeof bits);
  reader->cursor += 8;
  return TRUE;
}

static inline gboolean
get_length (TallyReader *reader, guint32 *length, GError **error)
{
  if (!tally_reader_need (reader, 4, error))
    return FALSE;
  *length = get_be32 (reader->cursor);
  reader->cursor += 4;
  return tally_reader_need_text (reader, *length, error);
}

/* A count below zero. */
static TALLY_COLD gboolean
fail_count (const TallyReader *reader, guint32 count, GError **error)
{
  return tally_reader_fail_length (reader, (gint32) count, 1, error);
}

static inline gboolean
is_refused (const TallyReader *reader, gint wire)
{
  return FALSE;
}

static inline gboolean
get_list_header (TallyReader *reader, guint8 *wire, guint32 *count, GError **error)
{
  if (!tally_reader_need (reader, 5, error))
    return FALSE;
  *wire = reader->cursor[0];
  *count = get_be32 (reader->cursor + 1);
  reader->cursor += 5;
  return G_LIKELY (*count <= G_MAXINT32) || fail_count (reader, *count, error);
}

static inline gboolean
get_map_header (TallyReader *reader, guint8 *key, guint8 *value, guint32 *count, GError **error)
{
  if (!tally_reader_need (reader, 6, error))
    return FALSE;
  *key = reader->cursor[0];
  *value = reader->cursor[1];
  *count = get_be32 (reader->cursor + 2);
  reader->cursor += 6;
  return G_LIKELY (*count <= G_MAXINT32) || fail_count (reader, *count, error);
}

/* All the elements are waited for before memory is allocated for them. */
static gboolean
get_array (TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  const gsize size = (gsize) count * fixed_size[type->wire];
  guint8 *target;

  if (!tally_reader_need (reader, size, error))
    return FALSE;
  target = tally_storage_grow_list (slot, count);
  switch (type->wire)
    {
    case T_BOOL:
      for (guint32 i = 0; i < count; i++)
        ((gboolean *) target)[i] = reader->cursor[i] != 0;
      break;
    case T_I16:
      swap_2 (target, reader->cursor, count);
      break;
    case T_I32:
      swap_4 (target, reader->cursor, count);
      break;
    case T_I64:
    case T_DOUBLE:
      swap_8 (target, reader->cursor, count);
      break;
    default:
      memcpy (target, reader->cursor, size);
      break;
    }
  reader->cursor += size;
  return TRUE;
}

/* Name, type and seqid of an old header, which begins with the name's length. */
static TALLY_COLD gboolean
read_unversioned (TallyReader *reader, guint32 length, TallyMessage *message, GError **error)
{
  if (reader->limits->strict)
    return tally_reader_fail_header (
        reader, length,
        "the message header has no version (it begins with 0x%08" G_GINT32_MODIFIER "x)", error);
  reader->cursor += 4;
  if (!tally_reader_may_have (reader, length, 1))
    return tally_reader_fail_length (reader, (gint32) length, 1, error);
  if (!tally_reader_need (reader, (gsize) length + 5, error))
    return FALSE;
  message->name = (const gchar *) reader->cursor;
  message->name_length = length;
  message->type = reader->cursor[length];
  message->seqid = (gint32) get_be32 (reader->cursor + length + 1);
  reader->cursor += (gsize) length + 5;
  return TRUE;
}

/* A header that is not all there, or none that is common. */
static G_GNUC_NO_INLINE gboolean
read_message_slowly (TallyReader *reader, TallyMessage *message, GError **error)
{
  guint32 version, length;

  if (!tally_reader_need (reader, 4, error))
    return FALSE;
  version = get_be32 (reader->cursor);
  if ((version & 0x80000000u) == 0)
    return read_unversioned (reader, version, message, error);
  if ((version & TALLY_BINARY_VERSION_MASK) != TALLY_BINARY_VERSION_1)
    return tally_reader_fail_header (reader, version & TALLY_BINARY_VERSION_MASK,
                                     "the message header has version 0x%08" G_GINT32_MODIFIER
                                     "x, not 0x80010000",
                                     error);
  reader->cursor += 4;
  if (!tally_reader_need (reader, 4, error))
    return FALSE;
  length = get_be32 (reader->cursor);
  reader->cursor += 4;
  if (!tally_reader_may_have (reader, length, 1))
    return tally_reader_fail_length (reader, (gint32) length, 1, error);
  if (!tally_reader_need (reader, (gsize) length + 4, error))
    return FALSE;
  message->name = (const gchar *) reader->cursor;
  message->name_length = length;
  message->type = (gint32) (version & 0xff);
  message->seqid = (gint32) get_be32 (reader->cursor + length);
  reader->cursor += (gsize) length + 4;
  return TRUE;
}

static gboolean
read_message (TallyReader *reader, TallyMessage *message, GError **error)
{
  const guint8 *header = reader->cursor;
  const gsize present = reader->end - header;
  guint32 version, length;

  if (G_UNLIKELY (present < MESSAGE_BOUND))
    return read_message_slowly (reader, message, error);
  version = get_be32 (header);
  length = get_be32 (header + 4);
  if (G_UNLIKELY ((version & TALLY_BINARY_VERSION_MASK) != TALLY_BINARY_VERSION_1
                  || length > G_MAXINT32 || length > present - MESSAGE_BOUND))
    return read_message_slowly (reader, message, error);
  message->name = (const gchar *) header + 8;
  message->name_length = length;
  message->type = (gint32) (version & 0xff);
  message->seqid = (gint32) get_be32 (header + 8 + length);
  reader->cursor = header + MESSAGE_BOUND + length;
  return TRUE;
}

#include "codec-read-template.h"
#include "codec-write-template.h"

static gsize
count_string (gsize length)
{
  return length + 4;
}

const TallyCodec tally_codec_binary = {
  .write_message = write_message,
  .write_struct = write_struct,
  .write_of_method = write_of_method,
  .write_struct_as_apache =
      write_struct, /* Apache's binary protocol passes what it does not know */
  .read_message = read_message,
  .read_struct = read_struct,
  .skip = skip_value,
  .scan = tally_binary_scan,
  .begins_message = tally_binary_begins_message,
  .is_in_header_frames = TRUE,
  .header_frame_id = 0,
  .apache = {
    .get_type = thrift_binary_protocol_get_type,
    /* A later library's has limits of its own. */
    .instance_size =
        sizeof (ThriftBinaryProtocol) == sizeof (ThriftProtocol) ? sizeof (ThriftBinaryProtocol) : 0,
    .carries_uuid = TRUE,
    .count_string = count_string,
  },
};
