/* The rich struct through Tally's engine: as a call uses it, into a buffer that is kept, and as a
 * program uses it, through tally_struct_encode () and tally_struct_decode (). */
#include <string.h>

#include "bench-common.h"
#include "bench-payload.h"
#include "codec-private.h"

typedef struct
{
  const TallyCodec *codec;
  BenchPayload *payload;
  TallyBuffer buffer;
  GBytes *expected;
} Codec;

static gint64
encode (gpointer data)
{
  Codec *codec = data;
  g_autoptr (GError) error = NULL;
  gint64 start, end;

  codec->buffer.length = 0;
  start = bench_now ();
  if (!codec->codec->write_struct (&codec->buffer, &bench_payload_info, codec->payload, &error))
    bench_fail ("cannot write: %s", error->message);
  end = bench_now ();
  if (codec->buffer.length != g_bytes_get_size (codec->expected)
      || memcmp (codec->buffer.data, g_bytes_get_data (codec->expected, NULL), codec->buffer.length)
             != 0)
    bench_fail ("the bytes differ");
  return end - start;
}

static gint64
decode (gpointer data)
{
  Codec *codec = data;
  g_autoptr (GError) error = NULL;
  BenchPayload *read;
  TallyReader reader;
  gint64 start, spent;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (codec->expected, &length);

  start = bench_now ();
  read = g_object_new (BENCH_TYPE_PAYLOAD, NULL);
  tally_reader_init (&reader, bytes, length, &tally_limits_default);
  if (!codec->codec->read_struct (&reader, &bench_payload_info, read, &error))
    bench_fail ("cannot read: %s", error->message);
  spent = bench_now () - start;
  if (reader.cursor != reader.end)
    bench_fail ("not read to its end");
  bench_payload_check (read, codec->payload);
  start = bench_now ();
  g_object_unref (read);
  return spent + bench_now () - start;
}

static gint64
encode_public (gpointer data)
{
  Codec *codec = data;
  g_autoptr (GError) error = NULL;
  gint64 start = bench_now ();
  g_autoptr (GBytes) bytes =
      tally_struct_encode (codec->payload, codec->codec == &tally_codec_compact, &error);
  gint64 end = bench_now ();

  if (bytes == NULL || !g_bytes_equal (bytes, codec->expected))
    bench_fail ("the bytes differ");
  return end - start;
}

static gint64
decode_public (gpointer data)
{
  Codec *codec = data;
  g_autoptr (GError) error = NULL;
  gint64 start = bench_now ();
  BenchPayload *read = g_object_new (BENCH_TYPE_PAYLOAD, NULL);
  gint64 spent;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (codec->expected, &length);

  if (!tally_struct_decode (read, codec->codec == &tally_codec_compact, bytes, length, &error))
    bench_fail ("cannot read: %s", error->message);
  spent = bench_now () - start;
  bench_payload_check (read, codec->payload);
  start = bench_now ();
  g_object_unref (read);
  return spent + bench_now () - start;
}

static gchar *only;

static const GOptionEntry entries[] = {
  { "only", 0, 0, G_OPTION_ARG_STRING, &only, "Of the operations this one", "NAME" }, { NULL }
};

static void
measure (Codec *codec, const gchar *protocol)
{
  static const struct
  {
    const gchar *name;
    BenchRun run;
  } parts[] = { { "encode", encode },
                { "decode", decode },
                { "encode-public", encode_public },
                { "decode-public", decode_public } };
  guint i;

  codec->expected =
      tally_struct_encode (codec->payload, codec->codec == &tally_codec_compact, NULL);
  for (i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree gchar *name = g_strconcat (parts[i].name, protocol, NULL);

      if (only == NULL || g_str_equal (only, name))
        bench_measure (name, parts[i].run, codec);
    }
  g_bytes_unref (codec->expected);
}

int
main (int argc, char **argv)
{
  Codec codec = { &tally_codec_binary };

  bench_parse (&argc, &argv, entries);
  codec.payload = bench_payload_make ();
  measure (&codec, "");
  codec.codec = &tally_codec_compact;
  measure (&codec, "-compact");
  tally_buffer_clear (&codec.buffer);
  g_object_unref (codec.payload);
  return 0;
}
