/* Owns the tests of where a message ends in bytes that arrive in pieces, and of what its header says. */
#include <string.h>

#include "cli-base.h"
#include "cli-bounds.h"
#include "cli-message.h"
#include "harness.h"

/* Messages with every type of value: what each is, in hexadecimal, without a frame. */
static const struct
{
  const gchar *hex;
  const gchar *protocol;
  const gchar *name;
  gint type;
  gint32 seqid;
} messages[] = {
  { "800100010000000361646400000001080001000000010800020000000200", "binary", "add", T_CALL, 1 },
  { "0000000470696e6704fffffffe00", "binary", "ping", T_ONEWAY, -2 },
  /* a bool, a byte, an i16, an i64, a double, a string, a uuid */
  { "8001000200000001610000000702000101030002ff0600038000 0a00040000000000000000 "
    "04000500000000000000000b000600000003616263 10000700112233445566778899aabbccddeeff00",
    "binary", "a", T_REPLY, 7 },
  /* a list of structs, a set of strings, a map of i32 to a list of bools, an empty map */
  { "80010001000000016100000008 0f0001 0c 00000002 00 0800010000000100 0e0002 0b 00000001 00000000 "
    "0d0003 08 0f 00000001 00000005 02 00000002 0100 0d0004 0b 0b 00000000 00",
    "binary", "a", T_CALL, 8 },
  { "8221010361646415021504 00", "compact", "add", T_CALL, 1 },
  { "8281ffffffff0f0470696e6700", "compact", "ping", T_ONEWAY, -1 },
  /* bools, a byte, an i16, an i64, a double, a string, a uuid, a field with its id behind it */
  { "824107016111 12 13ff 14ffff03 16ffffffffffffffffff01 170000000000000000 1803616263 "
    "1d00112233445566778899aabbccddeeff 05ff0f04 00",
    "compact", "a", T_REPLY, 7 },
  /* a list of structs, one of 16 bools, a set, a map of strings to lists, an empty one */
  { "82210801 61 19 2c 00 150200 19 f110 01020102010201020102010201020102 1a 18 00 1b 01 89 016b "
    "15 02 1b 00 00",
    "compact", "a", T_CALL, 8 },
};

static GByteArray *
from_hex (const gchar *hex)
{
  g_autoptr (GError) error = NULL;
  GByteArray *bytes = cli_bytes_parse ("$hex", hex, strlen (hex), &error);

  assert_no_error (error);
  return bytes;
}

static GByteArray *
new_framed (const GByteArray *message)
{
  const guint32 length = GUINT32_TO_BE (message->len);
  GByteArray *framed = g_byte_array_new ();

  g_byte_array_append (framed, (const guint8 *) &length, 4);
  return g_byte_array_append (framed, message->data, message->len);
}

/* All of them one after the other, of which more and more arrives, @step bytes at a time. */
static void
cut_in_steps (const GByteArray *stream, const gsize *sizes, guint n_sizes, gsize step)
{
  CliBounds bounds;
  gsize start = 0, arrived = 0;
  guint n_found = 0;

  cli_bounds_reset (&bounds);
  while (n_found < n_sizes)
    {
      gsize size = 0;
      const CliCut cut = cli_bounds_cut (&bounds, stream->data + start, arrived - start, &size);

      if (cut == CLI_CUT_MORE)
        {
          CU_ASSERT_TRUE_FATAL (arrived < stream->len);
          CU_ASSERT_TRUE (arrived - start < sizes[n_found]);
          arrived = arrived + step < stream->len ? arrived + step : stream->len;
          continue;
        }
      assert_int (cut, CLI_CUT_WHOLE);
      assert_int (size, sizes[n_found]);
      CU_ASSERT_TRUE_FATAL (cut == CLI_CUT_WHOLE && size == sizes[n_found]);
      start += size;
      n_found++;
      cli_bounds_reset (&bounds);
    }
  assert_int (start, stream->len);
}

static void
messages_end_where_they_do (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  gsize sizes[2 * G_N_ELEMENTS (messages)];
  guint n_sizes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (GByteArray) message = from_hex (messages[i].hex);
      g_autoptr (GByteArray) framed = new_framed (message);

      sizes[n_sizes++] = message->len;
      sizes[n_sizes++] = framed->len;
      g_byte_array_append (stream, message->data, message->len);
      g_byte_array_append (stream, framed->data, framed->len);
    }
  for (gsize step = 1; step <= 16; step++)
    cut_in_steps (stream, sizes, n_sizes, step);
  cut_in_steps (stream, sizes, n_sizes, stream->len);
}

static void
headers_are_read (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (GByteArray) message = from_hex (messages[i / 2].hex);
      g_autoptr (GByteArray) framed = new_framed (message);
      const GByteArray *bytes = i % 2 == 0 ? message : framed;
      g_auto (CliHeader) header;

      CU_ASSERT_TRUE_FATAL (cli_header_read (&header, bytes->data, bytes->len));
      assert_string (header.name, messages[i / 2].name);
      assert_string (header.protocol, messages[i / 2].protocol);
      assert_string (header.transport, i % 2 == 0 ? "buffered" : "framed");
      assert_int (header.type, messages[i / 2].type);
      assert_int (header.seqid, messages[i / 2].seqid);
      bytes->data[header.seqid_offset] ^= 1;
      cli_header_clear (&header);
      CU_ASSERT_TRUE_FATAL (cli_header_read (&header, bytes->data, bytes->len));
      assert_int (header.seqid, messages[i / 2].seqid ^ 1);
    }
}

/* The header transport, as it is and compressed. */
static void
header_frames (void)
{
  static const gchar *const plain =
      "00000021 0fff0000 00000005 0001 02 00 0000 82210503616464150215040000000000000000";
  g_autoptr (GByteArray) bytes = from_hex (plain);
  g_auto (CliHeader) header;
  CliBounds bounds;
  gsize size;

  cli_bounds_reset (&bounds);
  assert_int (cli_bounds_cut (&bounds, bytes->data, bytes->len - 1, &size), CLI_CUT_MORE);
  assert_int (cli_bounds_cut (&bounds, bytes->data, bytes->len, &size), CLI_CUT_WHOLE);
  assert_int (size, bytes->len);
  CU_ASSERT_TRUE_FATAL (cli_header_read (&header, bytes->data, bytes->len));
  assert_string (header.transport, "header");
  assert_string (header.name, "add");
  assert_int (header.seqid, 5);
}

static void
what_is_none (void)
{
  static const struct
  {
    const gchar *hex;
    CliCut cut;
  } rows[] = {
    { "474554202f20485454502f312e31", CLI_CUT_STRANGE },     /* GET / HTTP/1.1 */
    { "5b312c22616464222c312c312c7b7d5d", CLI_CUT_STRANGE }, /* [1,"add",1,1,{}] */
    { "1603010200010001fc0303", CLI_CUT_STRANGE },           /* TLS */
    { "83210103616464", CLI_CUT_STRANGE },                   /* no version there is */
    { "0100000180010001", CLI_CUT_TOO_LONG },                /* a frame of 16 MiB and 1 */
    { "8001000100000003616464000000010b000101000000", CLI_CUT_TOO_LONG }, /* a string as long */
    { "80010001000000036164640000000107", CLI_CUT_MORE },
    { "80010001000000036164640000000107000100", CLI_CUT_STRANGE },       /* a type there is not */
    { "8001000100000003616464000000010b0001ffffffff", CLI_CUT_STRANGE }, /* a negative length */
    { "80010001ffffffff", CLI_CUT_STRANGE },
    { "822101ffffffffffffffffffff01", CLI_CUT_STRANGE },
    { "82210103616464 1e", CLI_CUT_STRANGE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) bytes = from_hex (rows[i].hex);
      CliBounds bounds;
      gsize size;

      cli_bounds_reset (&bounds);
      if (cli_bounds_cut (&bounds, bytes->data, bytes->len, &size) != rows[i].cut)
        CU_FAIL (rows[i].hex);
    }
}

static void
structs_in_structs (void)
{
  for (guint depth = CLI_MAX_DEPTH - 1; depth <= CLI_MAX_DEPTH; depth++)
    {
      g_autoptr (GByteArray) bytes = from_hex ("82210103616464");
      CliBounds bounds;
      gsize size;

      for (guint i = 0; i < depth; i++)
        g_byte_array_append (bytes, (const guint8 *) "\x1c", 1);
      for (guint i = 0; i <= depth; i++)
        g_byte_array_append (bytes, (const guint8 *) "\0", 1);
      cli_bounds_reset (&bounds);
      assert_int (cli_bounds_cut (&bounds, bytes->data, bytes->len, &size),
                  depth < CLI_MAX_DEPTH ? CLI_CUT_WHOLE : CLI_CUT_STRANGE);
    }
}

/* Headers that break off, or announce more than there is. */
static void
damaged_headers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (GByteArray) message = from_hex (messages[i].hex);

      for (guint length = 0; length < 12; length++)
        {
          g_autofree guint8 *part = g_memdup2 (message->data, length);
          g_auto (CliHeader) header;

          (void) cli_header_read (&header, part, length);
        }
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (messages_end_where_they_do),
    TEST (headers_are_read),
    TEST (header_frames),
    TEST (what_is_none),
    TEST (structs_in_structs),
    TEST (damaged_headers),
    { NULL, NULL },
  };

  return test_main ("cli-bounds", cases, argc, argv);
}
