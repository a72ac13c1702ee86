/* Owns what is around a message's body: frame, header transport, message header. */
#include "cli-message.h"

#include <gio/gio.h>
#include <string.h>

#define HEADER_MAGIC 0x0fff
#define BINARY_VERSION 0x8001
#define COMPACT_ID 0x82

/* What a header's payload may inflate to. */
#define MAX_INFLATED (64 << 20)

/* A message that is being read. */
typedef struct
{
  CliMessage *message;
  CliForm form;
  CliFindBody find; /* nullable */
  gpointer user_data;
} Job;

static const TallyField exception_fields[] = {
  { .name = "message", .id = 1, .type = &tally_type_string, .isset_offset = TALLY_NO_ISSET },
  { .name = "type", .id = 2, .type = &tally_type_i32, .isset_offset = TALLY_NO_ISSET },
};
static const TallyStructInfo exception_info = {
  .type = { .kind = TALLY_KIND_STRUCT, .wire = T_STRUCT, .storage = TALLY_STORAGE_INLINE },
  .name = "TApplicationException",
  .fields = exception_fields,
  .n_fields = G_N_ELEMENTS (exception_fields),
};

static const gchar *
name_type (gint type)
{
  static const gchar *const names[] = {
    [T_CALL] = "call", [T_REPLY] = "reply", [T_EXCEPTION] = "exception", [T_ONEWAY] = "oneway"
  };

  return type > 0 && type < (gint) G_N_ELEMENTS (names) ? names[type] : NULL;
}

const gchar *
cli_message_get_type_name (const CliMessage *self)
{
  return name_type (self->type);
}

/* ---- the message's header ---- */

static gboolean
read_name (CliWireReader *reader, CliMessage *message)
{
  const gsize start = reader->at;
  g_autofree gchar *text = NULL;
  guint64 length;

  if (reader->is_compact)
    {
      if (!cli_wire_read_varint (reader, 32, &length, "the name's length"))
        return FALSE;
    }
  else
    {
      if (!cli_wire_need (reader, 4, "the name's length"))
        return FALSE;
      length = cli_wire_get_fixed (reader, 4);
      reader->at += 4;
    }
  if (length > reader->length - reader->at)
    return cli_wire_fail (reader, start,
                          "a name of %" G_GUINT64_FORMAT " bytes is announced, and %" G_GSIZE_FORMAT
                          " are left",
                          length, reader->length - reader->at);
  text = cli_wire_quote (reader->bytes + reader->at, (gsize) length);
  message->name = g_utf8_make_valid ((const gchar *) reader->bytes + reader->at, (gssize) length);
  reader->at += (gsize) length;
  cli_wire_add_piece (reader, start, "name %s", text);
  return TRUE;
}

static gboolean
check_type (CliWireReader *reader, gsize at, gint type, CliMessage *message)
{
  if (name_type (type) == NULL)
    return cli_wire_fail (reader, at, "there is no message type %d", type);
  message->type = type;
  return TRUE;
}

static gboolean
read_seqid (CliWireReader *reader, CliMessage *message)
{
  const gsize start = reader->at;
  guint64 seqid;

  if (reader->is_compact)
    {
      if (!cli_wire_read_varint (reader, 32, &seqid, "the sequence id"))
        return FALSE;
    }
  else
    {
      if (!cli_wire_need (reader, 4, "the sequence id"))
        return FALSE;
      seqid = cli_wire_get_fixed (reader, 4);
      reader->at += 4;
    }
  message->seqid = (gint32) seqid;
  cli_wire_add_piece (reader, start, "seqid %d", message->seqid);
  return TRUE;
}

static gboolean
read_compact_header (CliWireReader *reader, CliMessage *message)
{
  const gsize start = reader->at;
  guint8 byte;

  if (!cli_wire_need (reader, 2, "a message"))
    return FALSE;
  if (reader->bytes[start] != COMPACT_ID)
    return cli_wire_fail (reader, start, "no message of the compact protocol begins with 0x%02x",
                          reader->bytes[start]);
  byte = reader->bytes[start + 1];
  if ((byte & 0x1f) != 1)
    return cli_wire_fail (reader, start + 1, "there is no version %u of the compact protocol",
                          byte & 0x1f);
  if (!check_type (reader, start + 1, byte >> 5, message))
    return FALSE;
  reader->at += 2;
  cli_wire_add_piece (reader, start, "compact protocol, %s", name_type (message->type));
  return read_seqid (reader, message) && read_name (reader, message);
}

/* Old headers have no version: name, type, sequence id. */
static gboolean
read_old_header (CliWireReader *reader, CliMessage *message)
{
  gsize start;

  if (!read_name (reader, message))
    return FALSE;
  start = reader->at;
  if (!cli_wire_need (reader, 1, "the message's type")
      || !check_type (reader, start, reader->bytes[start], message))
    return FALSE;
  reader->at++;
  cli_wire_add_piece (reader, start, "binary protocol without a version, %s",
                      name_type (message->type));
  return read_seqid (reader, message);
}

static gboolean
read_binary_header (CliWireReader *reader, CliMessage *message)
{
  const gsize start = reader->at;

  if (!cli_wire_need (reader, 4, "a message"))
    return FALSE;
  if ((reader->bytes[start] & 0x80) == 0)
    return read_old_header (reader, message);
  if (cli_wire_get_fixed (reader, 2) != BINARY_VERSION)
    return cli_wire_fail (reader, start, "no message of the binary protocol begins with 0x%02x%02x",
                          reader->bytes[start], reader->bytes[start + 1]);
  if (!check_type (reader, start + 3, reader->bytes[start + 3], message))
    return FALSE;
  reader->at += 4;
  cli_wire_add_piece (reader, start, "binary protocol, %s", name_type (message->type));
  return read_name (reader, message) && read_seqid (reader, message);
}

/* ---- the body ---- */

static const TallyStructInfo *
find_body (const Job *job)
{
  const CliMessage *message = job->message;
  const gchar *colon = strrchr (message->name, ':');

  if (message->type == T_EXCEPTION)
    return &exception_info;
  if (job->find == NULL)
    return NULL;
  return job->find (colon != NULL ? colon + 1 : message->name, (ThriftMessageType) message->type,
                    job->user_data);
}

/* What no piece covers is said to be unread. */
static void
add_rest (CliWireReader *reader, const gchar *what)
{
  const CliPiece *last =
      reader->pieces->len > 0 ? g_ptr_array_index (reader->pieces, reader->pieces->len - 1) : NULL;
  const gsize start = last != NULL ? last->start + last->length : 0;

  reader->at = reader->length;
  reader->depth = 0;
  cli_wire_add_piece (reader, start, "%s", what);
}

static void
read_body (Job *job, CliWireReader *reader)
{
  CliMessage *message = job->message;

  reader->is_compact = job->form == CLI_FORM_COMPACT
                       || (job->form == CLI_FORM_AUTO && reader->length > reader->at
                           && reader->bytes[reader->at] == COMPACT_ID);
  message->of_body = reader;
  message->protocol = reader->is_compact ? "compact" : "binary";
  if (reader->is_compact ? !read_compact_header (reader, message)
                         : !read_binary_header (reader, message))
    return;
  message->info = find_body (job);
  message->body = cli_wire_read_struct (reader, message->info);
}

/* ---- the header transport ---- */

/* zlib. (nullable) (transfer full) */
static GByteArray *
inflate (const guint8 *bytes, gsize length, gchar **why)
{
  g_autoptr (GConverter) converter =
      (GConverter *) g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
  g_autoptr (GByteArray) output = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint8 buffer[16384];

  for (;;)
    {
      gsize taken, made;
      GConverterResult result =
          g_converter_convert (converter, bytes, length, buffer, sizeof buffer,
                               G_CONVERTER_INPUT_AT_END, &taken, &made, &error);

      if (result == G_CONVERTER_ERROR)
        {
          *why = g_strdup (error->message);
          return NULL;
        }
      g_byte_array_append (output, buffer, (guint) made);
      bytes += taken;
      length -= taken;
      if (output->len > MAX_INFLATED)
        {
          *why = g_strdup_printf ("it inflates to more than %d bytes", MAX_INFLATED);
          return NULL;
        }
      if (result == G_CONVERTER_FINISHED)
        return g_steal_pointer (&output);
    }
}

static gboolean
read_header_text (CliWireReader *reader, gsize end, gchar **text)
{
  guint64 length;

  if (!cli_wire_read_varint (reader, 32, &length, "a header's length"))
    return FALSE;
  if (reader->at > end || length > end - reader->at)
    return cli_wire_fail (reader, reader->at,
                          "a header of %" G_GUINT64_FORMAT
                          " bytes is announced, and its frame's headers end before",
                          length);
  *text = cli_wire_quote (reader->bytes + reader->at, (gsize) length);
  reader->at += (gsize) length;
  return TRUE;
}

/* Names with values, or what else stands there. */
static gboolean
read_infos (CliWireReader *reader, gsize end)
{
  while (reader->at < end)
    {
      const gsize start = reader->at;
      guint64 id, count;

      if (!cli_wire_read_varint (reader, 32, &id, "headers"))
        return FALSE;
      if (id != 1) /* padding, or what is unknown and has no length */
        {
          reader->at = start;
          break;
        }
      if (!cli_wire_read_varint (reader, 32, &count, "the number of headers"))
        return FALSE;
      cli_wire_add_piece (reader, start, "%" G_GUINT64_FORMAT " headers", count);
      for (guint64 i = 0; i < count; i++)
        {
          const gsize begin = reader->at;
          g_autofree gchar *name = NULL;
          g_autofree gchar *value = NULL;

          if (!read_header_text (reader, end, &name) || !read_header_text (reader, end, &value))
            return FALSE;
          cli_wire_add_piece (reader, begin, "  %s: %s", name, value);
        }
    }
  return TRUE;
}

static gboolean
read_transforms (CliWireReader *reader, gsize end, gboolean *is_zlib)
{
  const gsize start = reader->at;
  guint64 protocol, count;

  if (!cli_wire_read_varint (reader, 32, &protocol, "the protocol's id"))
    return FALSE;
  cli_wire_add_piece (reader, start, "protocol %" G_GUINT64_FORMAT "%s", protocol,
                      protocol == 0   ? ": binary"
                      : protocol == 2 ? ": compact"
                                      : "");
  if (protocol != 0 && protocol != 2)
    return cli_wire_fail (reader, start,
                          "protocol %" G_GUINT64_FORMAT " is neither binary nor compact", protocol);
  const gsize at = reader->at;
  if (!cli_wire_read_varint (reader, 32, &count, "the number of transforms"))
    return FALSE;
  cli_wire_add_piece (reader, at, "%" G_GUINT64_FORMAT " transforms", count);
  for (guint64 i = 0; i < count; i++)
    {
      const gsize begin = reader->at;
      guint64 id;

      if (begin >= end || !cli_wire_read_varint (reader, 32, &id, "a transform"))
        return cli_wire_fail (reader, begin, "there are fewer transforms than announced");
      if (id != 1)
        return cli_wire_fail (reader, begin, "transform %" G_GUINT64_FORMAT " is not zlib", id);
      *is_zlib = TRUE;
      cli_wire_add_piece (reader, begin, "zlib");
    }
  return TRUE;
}

static gboolean
read_header_frame (CliWireReader *reader, gboolean *is_zlib)
{
  const gsize start = reader->at;
  gsize end;
  guint flags, words;
  guint32 seqid;

  if (!cli_wire_need (reader, 10, "a header"))
    return FALSE;
  flags = (guint) cli_wire_get_fixed (reader, 4) & 0xffff;
  reader->at += 4;
  seqid = (guint32) cli_wire_get_fixed (reader, 4);
  reader->at += 4;
  words = (guint) cli_wire_get_fixed (reader, 2);
  reader->at += 2;
  cli_wire_add_piece (reader, start,
                      "header transport, flags 0x%04x, seqid %u, %u bytes of headers", flags, seqid,
                      words * 4);
  if (!cli_wire_need (reader, words * 4, "headers"))
    return FALSE;
  end = reader->at + words * 4;
  if (!read_transforms (reader, end, is_zlib) || !read_infos (reader, end))
    return FALSE;
  if (reader->at > end)
    return cli_wire_fail (reader, end, "what the header says goes beyond its end");
  const gsize padding = reader->at;
  reader->at = end;
  cli_wire_add_piece (reader, padding, "padding");
  return TRUE;
}

static void
read_wrapped (Job *job)
{
  CliMessage *message = job->message;
  CliWireReader *reader = &message->reader;
  g_autofree gchar *why = NULL;
  gboolean is_zlib = FALSE;
  gsize start;

  message->framing = "header";
  if (!read_header_frame (reader, &is_zlib))
    return;
  if (!is_zlib)
    {
      read_body (job, reader);
      return;
    }
  start = reader->at;
  message->inflated = inflate (reader->bytes + start, reader->length - start, &why);
  if (message->inflated == NULL)
    {
      cli_wire_fail (reader, start, "it cannot be inflated: %s", why);
      return;
    }
  reader->at = reader->length;
  cli_wire_add_piece (reader, start, "zlib: %u bytes of message", message->inflated->len);
  cli_wire_reader_init (&message->inner, message->inflated->data, message->inflated->len, FALSE);
  read_body (job, &message->inner);
  add_rest (&message->inner, message->inner.damage != NULL ? "not read" : "behind the message");
}

/* ---- the frame ---- */

static gboolean
begins_message (const guint8 *bytes, gsize length)
{
  return length >= 2
         && ((bytes[0] == 0x80 && bytes[1] == 0x01)
             || (bytes[0] == COMPACT_ID && (bytes[1] & 0x1f) == 1));
}

static gboolean
begins_header (const guint8 *bytes, gsize length)
{
  return length >= 2 && bytes[0] == HEADER_MAGIC >> 8 && bytes[1] == (HEADER_MAGIC & 0xff);
}

/* Whether a frame's length stands before the message; a length that nothing follows as it should is none. */
static gboolean
begins_frame (const guint8 *bytes, gsize length, guint32 *size)
{
  if (length < 6)
    return FALSE;
  *size = (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
  return begins_message (bytes + 4, length - 4) || begins_header (bytes + 4, length - 4)
         || *size == length - 4;
}

/* The bytes of the first frame; without a frame all, of which the message may leave some. */
static gsize
read_frame (CliMessage *message, const guint8 *bytes, gsize length)
{
  CliWireReader *reader = &message->reader;
  guint32 size = 0;
  gsize whole;

  message->framing = "buffered";
  cli_wire_reader_init (reader, bytes, length, FALSE);
  if (begins_message (bytes, length) || begins_header (bytes, length)
      || !begins_frame (bytes, length, &size))
    return length;
  message->framing = "framed";
  whole = size <= length - 4 ? 4 + (gsize) size : length;
  reader->length = whole;
  reader->at = 4;
  cli_wire_add_piece (reader, 0, "frame of %u bytes", size);
  if (size > length - 4)
    cli_wire_fail (reader, 0, "a frame of %u bytes is announced, and %" G_GSIZE_FORMAT " are there",
                   size, length - 4);
  return whole;
}

CliMessage *
cli_message_read (const guint8 *bytes,
                  gsize length,
                  CliForm form,
                  CliFindBody find,
                  gpointer user_data,
                  gsize *size)
{
  CliMessage *self = g_new0 (CliMessage, 1);
  CliWireReader *reader = &self->reader;
  Job job = { self, form, find, user_data };
  g_autofree gchar *short_frame = NULL;

  *size = read_frame (self, bytes, length);
  short_frame = g_steal_pointer (&reader->damage); /* what there is of it is read all the same */
  if (begins_header (bytes + reader->at, reader->length - reader->at))
    read_wrapped (&job);
  else
    read_body (&job, reader);
  if (short_frame != NULL)
    {
      g_free (reader->damage);
      reader->damage = g_steal_pointer (&short_frame);
    }
  if (g_str_equal (self->framing, "buffered") && reader->damage == NULL)
    *size = reader->length = reader->at; /* where the message ends */
  else
    add_rest (reader, reader->damage != NULL ? "not read" : "behind the message");
  return self;
}

void
cli_message_take_rest (CliMessage *self, gsize length)
{
  self->reader.length = length;
  add_rest (&self->reader, "behind the message");
}

void
cli_message_free (CliMessage *self)
{
  if (self == NULL)
    return;
  cli_wire_reader_clear (&self->reader);
  cli_wire_reader_clear (&self->inner);
  g_clear_pointer (&self->inflated, g_byte_array_unref);
  cli_wire_free (self->body);
  g_free (self->name);
  g_free (self);
}

const gchar *
cli_message_get_damage (const CliMessage *self)
{
  return self->reader.damage != NULL ? self->reader.damage : self->inner.damage;
}

void
cli_message_annotate (const CliMessage *self, GString *text)
{
  cli_wire_annotate (text, self->reader.pieces, self->reader.bytes);
  if (self->inflated != NULL)
    {
      g_string_append (text, "  inflated:\n");
      cli_wire_annotate (text, self->inner.pieces, self->inner.bytes);
    }
  if (cli_message_get_damage (self) != NULL)
    g_string_append_printf (text, "  %s%s\n", self->inner.damage != NULL ? "inflated " : "",
                            cli_message_get_damage (self));
}

void
cli_message_show (IdlJson *json, const CliMessage *self, const gchar *flow)
{
  idl_json_begin (json, NULL, '{', FALSE);
  idl_json_string (json, "flow", flow);
  idl_json_string (json, "type", cli_message_get_type_name (self));
  idl_json_string (json, "method", self->name);
  if (self->body != NULL)
    idl_json_integer (json, "seqid", self->seqid);
  idl_json_string (json, "protocol", self->protocol);
  idl_json_string (json, "transport", self->framing);
  idl_json_string (json, "damage", cli_message_get_damage (self));
  if (self->body != NULL)
    cli_wire_show (json, "body", self->body, self->info != NULL ? &self->info->type : NULL,
                   self->of_body->bytes);
  idl_json_end (json, '{');
}
