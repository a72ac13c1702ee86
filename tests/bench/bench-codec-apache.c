/* The rich struct through Apache's binary protocol over three transports: framed on a memory
 * buffer, its memory buffer alone, and one of ours that does nothing but copy, which is the best it
 * can have. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "bench-common.h"
#include "bench-payload.h"

#define CAPACITY (1 << 16)

/* ---- the transport that costs nothing ---- */

typedef struct
{
  ThriftTransport parent;
  gsize length;
  gsize position;
  guint8 *bytes;
} Plain;

typedef ThriftTransportClass PlainClass;
static GType plain_get_type (void);
G_DEFINE_TYPE (Plain, plain, THRIFT_TYPE_TRANSPORT)

static gint32
plain_read (ThriftTransport *transport, gpointer bytes, guint32 length, GError **error)
{
  Plain *self = (Plain *) transport;

  if (length > self->length - self->position)
    bench_fail ("read past the end");
  memcpy (bytes, self->bytes + self->position, length);
  self->position += length;
  return length;
}

static gboolean
plain_write (ThriftTransport *transport, const gpointer bytes, const guint32 length, GError **error)
{
  Plain *self = (Plain *) transport;

  if (length > CAPACITY - self->length)
    bench_fail ("written past the end");
  memcpy (self->bytes + self->length, bytes, length);
  self->length += length;
  return TRUE;
}

static gboolean
plain_yes (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static gboolean
plain_check (ThriftTransport *transport, glong length, GError **error)
{
  return TRUE;
}

static void
plain_finalize (GObject *object)
{
  g_free (((Plain *) object)->bytes);
  G_OBJECT_CLASS (plain_parent_class)->finalize (object);
}

static void
plain_class_init (PlainClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plain_finalize;
  klass->read = plain_read;
  klass->read_all = plain_read;
  klass->write = plain_write;
  klass->read_end = plain_yes;
  klass->write_end = plain_yes;
  klass->flush = plain_yes;
  klass->checkReadBytesAvailable = plain_check;
  klass->updateKnownMessageSize = plain_check;
  klass->resetConsumedMessageSize = plain_check;
  klass->countConsumedMessageBytes = plain_check;
}

static void
plain_init (Plain *self)
{
  self->bytes = g_malloc (CAPACITY);
}

/* ---- the measurement ---- */

typedef struct
{
  const gchar *name;
  ThriftProtocol *protocol;
  Plain *plain; /* or */
  ThriftMemoryBuffer *memory;
  BenchPayload *payload;
  GByteArray *expected; /* what the first encoding gave */
} Codec;

static void
reset (Codec *codec)
{
  if (codec->plain != NULL)
    codec->plain->length = codec->plain->position = 0;
  else
    g_byte_array_set_size (codec->memory->buf, 0);
}

static void
fill (Codec *codec, const GByteArray *bytes)
{
  reset (codec);
  if (codec->plain != NULL)
    plain_write (THRIFT_TRANSPORT (codec->plain), bytes->data, bytes->len, NULL);
  else
    g_byte_array_append (codec->memory->buf, bytes->data, bytes->len);
}

static gint64
encode (gpointer data)
{
  Codec *codec = data;
  const guint8 *bytes;
  gsize length;
  gint64 start, end;

  reset (codec);
  start = bench_now ();
  if (thrift_struct_write (THRIFT_STRUCT (codec->payload), codec->protocol, NULL) < 0
      || !thrift_transport_flush (codec->protocol->transport, NULL))
    bench_fail ("cannot write");
  end = bench_now ();
  bytes = codec->plain != NULL ? codec->plain->bytes : codec->memory->buf->data;
  length = codec->plain != NULL ? codec->plain->length : codec->memory->buf->len;
  if (codec->expected == NULL)
    codec->expected = g_byte_array_append (g_byte_array_new (), bytes, length);
  else if (length != codec->expected->len || memcmp (bytes, codec->expected->data, length) != 0)
    bench_fail ("the bytes differ");
  return end - start;
}

static gint64
decode (gpointer data)
{
  Codec *codec = data;
  BenchPayload *read;
  gint64 start, spent;

  fill (codec, codec->expected);
  start = bench_now ();
  read = g_object_new (BENCH_TYPE_PAYLOAD, NULL);
  if (thrift_struct_read (THRIFT_STRUCT (read), codec->protocol, NULL) < 0)
    bench_fail ("cannot read");
  spent = bench_now () - start;
  bench_payload_check (read, codec->payload);
  start = bench_now ();
  g_object_unref (read);
  return spent + bench_now () - start;
}

static void
measure (Codec *codec, ThriftTransport *transport)
{
  g_autofree gchar *encode_name = g_strconcat ("encode-", codec->name, NULL);
  g_autofree gchar *decode_name = g_strconcat ("decode-", codec->name, NULL);

  codec->protocol = g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
  bench_measure (encode_name, encode, codec);
  bench_measure (decode_name, decode, codec);
  g_byte_array_unref (codec->expected);
  g_object_unref (codec->protocol);
}

int
main (int argc, char **argv)
{
  Codec codec = { NULL };
  GObject *framed;

  bench_parse (&argc, &argv, NULL);
  codec.payload = bench_payload_make ();

  codec.name = "plain";
  codec.plain = g_object_new (plain_get_type (), NULL);
  measure (&codec, THRIFT_TRANSPORT (codec.plain));
  g_clear_object (&codec.plain);
  codec.expected = NULL;

  codec.memory = g_object_new (THRIFT_TYPE_MEMORY_BUFFER, "buf_size", CAPACITY, NULL);
  codec.name = "memory";
  measure (&codec, THRIFT_TRANSPORT (codec.memory));
  codec.expected = NULL;

  framed = g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", codec.memory, NULL);
  codec.name = "framed";
  measure (&codec, THRIFT_TRANSPORT (framed));
  g_object_unref (framed);
  g_object_unref (codec.memory);
  g_object_unref (codec.payload);
  return 0;
}
