/* Owns how a message begins, with a frame or without, and what its header says. The message is a peer's: anything may stand
 * there. */
#include "cli-bounds.h"

#include <gio/gio.h>
#include <string.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>

#define HEADER_FIXED 10
/* What of a compressed message is looked at, and what of a name is kept. */
#define MAX_PEEKED 4096
#define MAX_NAME 256

static gboolean
begins_header_frame (const guint8 *bytes)
{
  return bytes[0] == 0x0f && bytes[1] == 0xff;
}

static CliBeginning
find_version (const guint8 *bytes)
{
  if (bytes[0] == 0x80 && bytes[1] == 0x01)
    return CLI_BEGINS_BINARY;
  if (bytes[0] == 0x82 && (bytes[1] & 0x1f) == 1)
    return CLI_BEGINS_COMPACT;
  return CLI_BEGINS_STRANGE;
}

CliBeginning
cli_bounds_find_beginning (const guint8 *bytes, gsize length)
{
  if (length < 2)
    return CLI_BEGINS_LATER;
  if (bytes[0] >= 0x80)
    return find_version (bytes);
  if (length < 6)
    return CLI_BEGINS_LATER;
  if (find_version (bytes + 4) != CLI_BEGINS_STRANGE || begins_header_frame (bytes + 4))
    return CLI_BEGINS_FRAME;
  /* A binary message without a version begins with its name's length, which is short. */
  if (bytes[4] == 0 && bytes[5] == 0)
    return CLI_BEGINS_FRAME;
  return bytes[0] == 0 && bytes[1] == 0 && g_ascii_isgraph (bytes[4]) ? CLI_BEGINS_BINARY
                                                                      : CLI_BEGINS_STRANGE;
}

/* ---- a message's own header ---- */

/* What is still to be read. */
typedef struct
{
  const guint8 *bytes;
  gsize length;
  gsize at;
} Cursor;

static gboolean
get_varint (Cursor *cursor, guint32 *value)
{
  *value = 0;
  for (guint i = 0; i < 5 && cursor->at < cursor->length; i++)
    {
      const guint8 byte = cursor->bytes[cursor->at++];

      *value |= (guint32) (byte & 0x7f) << (7 * i);
      if (byte < 0x80)
        return TRUE;
    }
  return FALSE;
}

static gboolean
get_word (Cursor *cursor, guint32 *value)
{
  guint32 word;

  if (cursor->length - cursor->at < sizeof word)
    return FALSE;
  memcpy (&word, cursor->bytes + cursor->at, sizeof word);
  *value = GUINT32_FROM_BE (word);
  cursor->at += sizeof word;
  return TRUE;
}

static gboolean
get_name (Cursor *cursor, guint32 count, CliHeader *header)
{
  if (count > cursor->length - cursor->at)
    return FALSE;
  header->name = g_utf8_make_valid ((const gchar *) cursor->bytes + cursor->at,
                                    count < MAX_NAME ? count : MAX_NAME);
  cursor->at += count;
  return TRUE;
}

static gboolean
get_compact (Cursor *cursor, CliHeader *header)
{
  guint32 seqid, count;

  header->protocol = "compact";
  header->type = cursor->bytes[cursor->at + 1] >> 5;
  cursor->at += 2;
  header->seqid_offset = cursor->at;
  if (!get_varint (cursor, &seqid))
    return FALSE;
  header->seqid = (gint32) seqid;
  return get_varint (cursor, &count) && get_name (cursor, count, header);
}

static gboolean
get_binary (Cursor *cursor, CliHeader *header)
{
  const gboolean is_old = cursor->bytes[cursor->at] < 0x80;
  guint32 word, seqid;

  header->protocol = "binary";
  if (!is_old)
    {
      header->type = cursor->bytes[cursor->at + 3];
      cursor->at += 4;
    }
  if (!get_word (cursor, &word) || !get_name (cursor, word, header))
    return FALSE;
  if (is_old)
    {
      if (cursor->at == cursor->length)
        return FALSE;
      header->type = cursor->bytes[cursor->at++];
    }
  if (!get_word (cursor, &seqid))
    return FALSE;
  header->seqid = (gint32) seqid;
  header->seqid_offset = cursor->at - 1;
  return TRUE;
}

static gboolean
get_message (Cursor *cursor, CliHeader *header)
{
  if (cursor->length - cursor->at < 4)
    return FALSE;
  return find_version (cursor->bytes + cursor->at) == CLI_BEGINS_COMPACT
             ? get_compact (cursor, header)
             : get_binary (cursor, header);
}

/* ---- the header transport ---- */

static gboolean
get_inflated (const Cursor *cursor, CliHeader *header)
{
  g_autoptr (GConverter) converter =
      (GConverter *) g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
  guint8 buffer[MAX_PEEKED];
  Cursor inflated = { .bytes = buffer };
  gsize at = cursor->at;

  while (inflated.length < sizeof buffer)
    {
      gsize taken, made;
      GConverterResult result =
          g_converter_convert (converter, cursor->bytes + at, cursor->length - at,
                               buffer + inflated.length, sizeof buffer - inflated.length,
                               G_CONVERTER_INPUT_AT_END, &taken, &made, NULL);

      if (result == G_CONVERTER_ERROR)
        return FALSE;
      at += taken;
      inflated.length += made;
      if (result == G_CONVERTER_FINISHED)
        break;
    }
  if (!get_message (&inflated, header))
    return FALSE;
  header->seqid_offset = 0;
  return TRUE;
}

/* Behind the frame's length. */
static gboolean
get_wrapped (Cursor *cursor, CliHeader *header)
{
  const gsize infos = cursor->at + HEADER_FIXED;
  gsize payload;
  guint32 protocol, n_transforms;

  header->transport = "header";
  if (cursor->length < infos)
    return FALSE;
  payload = infos + 4 * ((gsize) cursor->bytes[infos - 2] << 8 | cursor->bytes[infos - 1]);
  cursor->at = infos;
  if (!get_varint (cursor, &protocol) || !get_varint (cursor, &n_transforms)
      || payload > cursor->length)
    return FALSE;
  cursor->at = payload;
  return n_transforms == 0 ? get_message (cursor, header) : get_inflated (cursor, header);
}

gboolean
cli_header_read (CliHeader *header, const guint8 *bytes, gsize length)
{
  Cursor cursor = { .bytes = bytes, .length = length };
  gboolean done;

  *header = (CliHeader){ .transport = "buffered" };
  if (cli_bounds_find_beginning (bytes, length) == CLI_BEGINS_FRAME)
    {
      header->transport = "framed";
      cursor.at = 4;
    }
  done = cursor.at > 0 && begins_header_frame (bytes + 4) ? get_wrapped (&cursor, header)
                                                          : get_message (&cursor, header);
  if (!done)
    cli_header_clear (header);
  return done;
}

void
cli_header_clear (CliHeader *header)
{
  g_clear_pointer (&header->name, g_free);
}
