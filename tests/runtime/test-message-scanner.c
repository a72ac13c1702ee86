/* Owns the tests of the scanner: it finds a message's end exactly where the codec finds it, however
 * the bytes arrive. */
#include <string.h>

#include "scanner-private.h"
#include "service-fixture.h"
#include "wire-binary-private.h"
#include "wire-compact-private.h"

/* Each unframed protocol. */
static const Speech *const speeches[] = { &all_speeches[1], &all_speeches[3] };

/* A message with a value of every type in every position; fixture.h's All. */
static void
write_all (TallyBuffer *message, const Speech *speech)
{
  g_autoptr (GObject) all = G_OBJECT (fix_all_new_full (TRUE));
  g_autoptr (GError) error = NULL;

  speech->codec->write_message (message, "method", 6, T_CALL, -5);
  CU_ASSERT (speech->codec->write_struct (message, &fix_all_info, all, &error));
  assert_no_error (error);
}

/* With the next message behind it. */
static void
finds_the_end (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (speeches); s++)
    {
      TallyScanner *scanner = tally_scanner_new (speeches[s]->codec, &tally_limits_default);
      TallyBuffer message = { NULL, 0, 0 };
      gsize length;

      write_all (&message, speeches[s]);
      length = message.length;
      write_echo (&message, speeches[s], 1, "next");
      assert_int (tally_scanner_scan (scanner, message.data, message.length), length);
      tally_scanner_reset (scanner);
      assert_int (tally_scanner_scan (scanner, message.data + length, message.length - length),
                  message.length - length);
      tally_buffer_clear (&message);
      tally_scanner_free (scanner);
    }
}

/* Byte by byte; each step sees a copy of its own, so that a look beyond it is one the sanitizers
 * see. */
static void
finds_the_end_piecemeal (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (speeches); s++)
    {
      TallyScanner *scanner = tally_scanner_new (speeches[s]->codec, &tally_limits_default);
      TallyBuffer message = { NULL, 0, 0 };

      write_all (&message, speeches[s]);
      for (gsize length = 0; length < message.length; length++)
        {
          g_autofree guint8 *part = g_memdup2 (message.data, length);

          assert_int (tally_scanner_scan (scanner, part, length), 0);
        }
      assert_int (tally_scanner_scan (scanner, message.data, message.length), message.length);
      tally_buffer_clear (&message);
      tally_scanner_free (scanner);
    }
}

static void
check_gives_up (const Speech *speech, const gchar *what, gconstpointer bytes, gsize length)
{
  TallyScanner *scanner = tally_scanner_new (speech->codec, &tally_limits_default);
  gsize found = tally_scanner_scan (scanner, bytes, length);

  if (found != length)
    g_printerr ("# %s\n", what);
  assert_int (found, length);
  tally_scanner_free (scanner);
}

#define GIVES_UP(speech, what, bytes) check_gives_up (speech, what, bytes, sizeof (bytes) - 1)

/* Nobody waits for the rest of what cannot become a message. */
static void
gives_up_on_nonsense (void)
{
  const Speech *binary = speeches[0];
  const Speech *compact = speeches[1];

  GIVES_UP (binary, "no version", "\0\0\0\1x");
  GIVES_UP (binary, "a negative name", "\x80\1\0\1\xff\xff\xff\xff");
  GIVES_UP (binary, "a negative string", "\x80\1\0\1\0\0\0\0\0\0\0\1\x0b\0\1\x80\0\0\0");
  GIVES_UP (binary, "a negative list", "\x80\1\0\1\0\0\0\0\0\0\0\1\x0f\0\1\x0b\x80\0\0\0");
  GIVES_UP (binary, "a string past the limit",
            "\x80\1\0\1\0\0\0\0\0\0\0\1\x0b\0\1\x7f\xff\xff\xff");
  GIVES_UP (binary, "numbers past the limit",
            "\x80\1\0\1\0\0\0\0\0\0\0\1\x0f\0\1\x0a\x7f\xff\xff\xff");
  GIVES_UP (binary, "an unknown type", "\x80\1\0\1\0\0\0\0\0\0\0\1\x07\0\1");
  GIVES_UP (binary, "a list of void", "\x80\1\0\1\0\0\0\0\0\0\0\1\x0f\0\1\1\0\0\0\1");
  GIVES_UP (compact, "another protocol", "\x80\1");
  GIVES_UP (compact, "a long varint", "\x82\x21\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
  GIVES_UP (compact, "a string past the limit", "\x82\x21\1\0\x18\xff\xff\xff\xff\x0f");
  GIVES_UP (compact, "an unknown type", "\x82\x21\1\0\x1e");
}

/* An exception without its last byte, and the reply to another call behind it, whatever that has for a
 * sequence id and name, which in the compact protocol look like fields. */
static void
gives_up_on_an_exception_that_lost_its_end (void)
{
  static const TallyApplicationException exceptions[] = { { NULL, 6 },
                                                          { (gchar *) "disk full", 6 } };
  TallyScanner *scanner = tally_scanner_new (&tally_codec_compact, &tally_limits_default);
  TallyBuffer message = { NULL, 0, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (exceptions) * 40000; i++)
    {
      const TallyApplicationException *exception = &exceptions[i % G_N_ELEMENTS (exceptions)];

      message.length = 0;
      tally_codec_compact.write_message (&message, "one", 3, T_EXCEPTION, 1);
      CU_ASSERT (tally_codec_compact.write_struct (&message, &tally_application_exception_info,
                                                   exception, NULL));
      tally_scanner_reset (scanner);
      assert_int (tally_scanner_scan (scanner, message.data, message.length), message.length);
      CU_ASSERT (tally_scanner_is_whole (scanner));
      message.length--;
      tally_codec_compact.write_message (&message, "otherword", 1 + i % 9, T_REPLY, 2 + i);
      tally_buffer_append (&message, "", 1);
      tally_scanner_reset (scanner);
      CU_ASSERT (tally_scanner_scan (scanner, message.data, message.length) > 0);
      CU_ASSERT_FALSE (tally_scanner_is_whole (scanner));
    }
  tally_buffer_clear (&message);
  tally_scanner_free (scanner);
}

static void
gives_up_on_depth (void)
{
  TallyBuffer message = { NULL, 0, 0 };

  tally_codec_binary.write_message (&message, "m", 1, T_CALL, 1);
  for (guint i = 0; i < 100; i++)
    tally_buffer_append (&message, "\x0c\0\1", 3);
  check_gives_up (speeches[0], "depth", message.data, message.length);
  tally_buffer_clear (&message);
}

static void
gives_up_on_length (void)
{
  const TallyLimits limits = { 1000, 64, TRUE };
  TallyScanner *scanner = tally_scanner_new (&tally_codec_binary, &limits);
  TallyBuffer message = { NULL, 0, 0 };

  tally_codec_binary.write_message (&message, "m", 1, T_CALL, 1);
  assert_int (tally_scanner_scan (scanner, message.data, message.length), 0);
  while (message.length <= 1000)
    tally_buffer_append (&message, "\x02\0\1\0", 4);
  assert_int (tally_scanner_scan (scanner, message.data, message.length), message.length);
  tally_buffer_clear (&message);
  tally_scanner_free (scanner);
}

/* All that may be in a container. */
static const guint8 element_types[] = {
  T_BOOL,   T_BYTE, T_I16, T_I32,  T_I64,    T_DOUBLE,
  T_STRUCT, T_MAP,  T_SET, T_LIST, T_STRING, TALLY_WIRE_UUID
};

/* A message that ends with the header of a list, or, with a @key that is no T_STOP, of a map, of
 * @count elements. */
static void
write_container (TallyBuffer *message, const Speech *speech, guint8 key, guint8 type, guint32 count)
{
  const gboolean is_map = key != T_STOP;

  speech->codec->write_message (message, "m", 1, T_CALL, 1);
  if (speech->codec == &tally_codec_binary)
    {
      const guint32 size = GUINT32_TO_BE (count);

      tally_buffer_append (message, is_map ? "\x0d\0\1" : "\x0f\0\1", 3);
      if (is_map)
        tally_buffer_append (message, &key, 1);
      tally_buffer_append (message, &type, 1);
      tally_buffer_append (message, &size, sizeof size);
      return;
    }

  const guint8 types = tally_compact_types[key] << 4 | tally_compact_types[type];
  guint8 size[5];
  guint n = 0;

  for (; count >= 0x80; count >>= 7)
    size[n++] = count | 0x80;
  size[n++] = count;
  tally_buffer_append (message, is_map ? "\x1b" : "\x19", 1);
  if (!is_map)
    tally_buffer_append (message, &(guint8){ 0xf0 | types }, 1);
  tally_buffer_append (message, size, n);
  if (is_map)
    tally_buffer_append (message, &types, 1);
}

static void
check_count (const Speech *speech, guint8 key, guint8 type, guint32 count, gboolean fits)
{
  TallyScanner *scanner = tally_scanner_new (speech->codec, &tally_limits_default);
  TallyBuffer message = { NULL, 0, 0 };
  gsize found;

  write_container (&message, speech, key, type, count);
  found = tally_scanner_scan (scanner, message.data, message.length);
  assert_int (found, fits ? 0 : message.length);
  CU_ASSERT (tally_scanner_get_steps (scanner) <= 2 * message.length);
  tally_buffer_clear (&message);
  tally_scanner_free (scanner);
}

/* The smallest size of an element, and how many bytes there are for them behind the header: the reader
 * counts in the same way, so that it finds the same fault. */
static void
check_limit (const Speech *speech, guint8 key, guint8 type)
{
  const gboolean binary = speech->codec == &tally_codec_binary;
  const guint8 *sizes = binary ? tally_binary_smallest_size : tally_compact_smallest_size;
  const guint unit = sizes[type] + (key != T_STOP ? sizes[key] : 0);
  guint32 count = tally_limits_default.max_message / unit;
  TallyBuffer message = { NULL, 0, 0 };
  TallyReader reader;
  TallyMessage header;
  g_autoptr (GError) error = NULL;

  check_count (speech, key, type, G_MAXINT32, FALSE);
  check_count (speech, key, type, count + 1, FALSE);
  check_count (speech, key, type, count - 40, TRUE);
  write_container (&message, speech, key, type, count + 1);
  tally_reader_init (&reader, message.data, message.length, &tally_limits_default);
  CU_ASSERT (speech->codec->read_message (&reader, &header, NULL));
  CU_ASSERT (!speech->codec->skip (&reader, T_STRUCT, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                "does not fit into");
  tally_buffer_clear (&message);
}

/* Of every element type: a count that the limit cannot hold is refused at once, and what is to come
 * costs nothing before it comes. */
static void
counts_cost_nothing (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (speeches); s++)
    for (guint i = 0; i < G_N_ELEMENTS (element_types); i++)
      {
        check_limit (speeches[s], T_STOP, element_types[i]);
        for (guint k = 0; k < G_N_ELEMENTS (element_types); k++)
          check_limit (speeches[s], element_types[k], element_types[i]);
      }
}

/* Lists of lists of many numbers, of which only the innermost header has come. */
static void
nested_counts_cost_nothing (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (speeches); s++)
    {
      TallyScanner *scanner = tally_scanner_new (speeches[s]->codec, &tally_limits_default);
      const gboolean binary = speeches[s]->codec == &tally_codec_binary;
      TallyBuffer message = { NULL, 0, 0 };

      write_container (&message, speeches[s], T_STOP, T_LIST, 1000000);
      for (guint i = 0; i < 20; i++)
        if (binary)
          tally_buffer_append (&message, "\x0f\0\x0f\x42\x40", 5);
        else
          tally_buffer_append (&message, "\xf9\xc0\x84\x3d", 4);
      if (binary)
        tally_buffer_append (&message, "\x0a\0\x0f\x42\x40", 5);
      else
        tally_buffer_append (&message, "\xf6\xc0\x84\x3d", 4);
      assert_int (tally_scanner_scan (scanner, message.data, message.length), 0);
      CU_ASSERT (tally_scanner_get_steps (scanner) <= 2 * message.length);
      tally_buffer_clear (&message);
      tally_scanner_free (scanner);
    }
}

static void
old_headers_where_allowed (void)
{
  static const gchar bytes[] = "\0\0\0\4echo\1\0\0\0\1";
  const TallyLimits limits = { 1000, 64, FALSE };
  TallyScanner *scanner = tally_scanner_new (&tally_codec_binary, &limits);

  assert_int (tally_scanner_scan (scanner, (const guint8 *) bytes, sizeof bytes - 1), 0);
  assert_int (tally_scanner_scan (scanner, (const guint8 *) bytes, sizeof bytes), sizeof bytes);
  tally_scanner_free (scanner);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (finds_the_end),
    TEST (finds_the_end_piecemeal),
    TEST (gives_up_on_nonsense),
    TEST (gives_up_on_an_exception_that_lost_its_end),
    TEST (gives_up_on_depth),
    TEST (gives_up_on_length),
    TEST (old_headers_where_allowed),
    TEST (counts_cost_nothing),
    TEST (nested_counts_cost_nothing),
    { NULL, NULL },
  };

  return test_main ("message-scanner", cases, argc, argv);
}
