/* The codec of input that is not all there yet: it asks for more where it needs it, and comes to the same. */
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "tally-error.h"

/* Gives out what it has a few bytes at a time, each time in other memory, as a socket's buffer that
 * grows does. */
typedef struct
{
  const guint8 *bytes;
  gsize length;
  gsize given;
  gsize step;
  guint8 *window;
  gsize largest; /* window that was ever asked for */
} Source;

static gboolean
fill_from_source (TallyReader *reader, gsize need, GError **error)
{
  Source *source = reader->fill_data;
  gsize kept = reader->end - reader->cursor;
  gsize more = MAX (source->step, need - kept);
  guint8 *window;

  source->largest = MAX (source->largest, need);
  if (more > source->length - source->given)
    more = source->length - source->given;
  window = g_malloc (kept + more + 1);
  if (kept > 0)
    memcpy (window, reader->cursor, kept);
  memcpy (window + kept, source->bytes + source->given, more);
  source->given += more;
  g_free (source->window);
  source->window = window;
  reader->cursor = window;
  reader->end = window + kept + more;
  if (kept + more >= need)
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "the source has ended");
  return FALSE;
}

static void
test_filling_gives_the_same (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      TallyBuffer buffer = fix_encode (codec, &fix_all_info, all);

      for (gsize step = 1; step < 8192; step = step * 3 + 1)
        {
          g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
          Source source = { buffer.data, buffer.length, 0, step, NULL, 0 };
          TallyReader reader;
          GError *error = NULL;

          tally_reader_init_fill (&reader, NULL, 0, &tally_limits_default, fill_from_source,
                                  &source);
          CU_ASSERT_TRUE (codec->read_struct (&reader, &fix_all_info, back, &error));
          assert_no_error (error);
          CU_ASSERT_TRUE (tally_struct_equal (all, back));
          assert_int (source.given - (reader.end - reader.cursor), buffer.length);
          g_free (source.window);
        }
      tally_buffer_clear (&buffer);
    }
}

static void
test_filling_headers_and_skipping (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      TallyBuffer buffer = { NULL };
      Source source = { NULL, 0, 0, 1, NULL, 0 };
      TallyReader reader;
      TallyMessage message;
      GError *error = NULL;

      codec->write_message (&buffer, "someMethod", 10, T_CALL, -5);
      CU_ASSERT_TRUE (codec->write_struct (&buffer, &fix_all_info, all, &error));
      assert_no_error (error);
      source.bytes = buffer.data;
      source.length = buffer.length;
      tally_reader_init_fill (&reader, NULL, 0, &tally_limits_default, fill_from_source, &source);
      CU_ASSERT_TRUE (codec->read_message (&reader, &message, &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (message.name_length == 10 && memcmp (message.name, "someMethod", 10) == 0);
      assert_int (message.seqid, -5);
      CU_ASSERT_TRUE (codec->skip (&reader, T_STRUCT, &error));
      assert_no_error (error);
      CU_ASSERT_PTR_EQUAL (reader.cursor, reader.end);
      assert_int (source.given, buffer.length);
      g_free (source.window);
      tally_buffer_clear (&buffer);
    }
}

static void
test_filling_stops_at_the_limit (void)
{
  static const TallyLimits limits = { .max_message = 100, .max_depth = 64, .strict = TRUE };

  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      TallyBuffer buffer = fix_encode (codec, &fix_all_info, all);
      Source source = { buffer.data, buffer.length, 0, 1, NULL, 0 };
      TallyReader reader;
      GError *error = NULL;

      tally_reader_init_fill (&reader, NULL, 0, &limits, fill_from_source, &source);
      CU_ASSERT_FALSE (codec->read_struct (&reader, &fix_all_info, back, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, NULL);
      g_clear_error (&error);
      CU_ASSERT_TRUE (source.given <= 100);
      g_free (source.window);
      tally_buffer_clear (&buffer);
    }
}

/* Also where all of it has come before the reader is made. */
static void
test_what_has_come_counts (void)
{
  static const TallyLimits limits = {
    .max_message = 100, .max_depth = 64, .strict = TRUE, .max_memory = 1 << 20
  };

  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      TallyBuffer buffer = fix_encode (codec, &fix_all_info, all);
      Source source = { buffer.data, buffer.length, buffer.length, 1, NULL, 0 };
      TallyReader reader;
      GError *error = NULL;

      CU_ASSERT_TRUE (buffer.length > 100);
      tally_reader_init_fill (&reader, buffer.data, buffer.length, &limits, fill_from_source,
                              &source);
      CU_ASSERT_FALSE (codec->read_struct (&reader, &fix_all_info, back, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, NULL);
      g_clear_error (&error);
      tally_buffer_clear (&buffer);
    }
}

/* Also when no single length is too large: many small fields. */
static void
test_filling_adds_up (void)
{
  static const TallyLimits limits = { .max_message = 100, .max_depth = 64, .strict = TRUE };

  FOR_EACH_CODEC (codec)
    {
      const gboolean compact = codec == &tally_codec_compact;
      g_autoptr (GObject) empty = g_object_new (fix_empty_get_type (), NULL);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      Source source = { NULL, 0, 0, 1, NULL, 0 };
      TallyReader reader;
      GError *error = NULL;

      while (bytes->len < 200)
        g_byte_array_append (bytes, (const guint8 *) (compact ? "\x13\x01" : "\x03\x00\x63\x01"),
                             compact ? 2 : 4);
      source.bytes = bytes->data;
      source.length = bytes->len;
      tally_reader_init_fill (&reader, NULL, 0, &limits, fill_from_source, &source);
      CU_ASSERT_FALSE (codec->read_struct (&reader, &fix_empty_info, empty, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "100 bytes");
      g_clear_error (&error);
      CU_ASSERT_TRUE (source.given <= 100);
      g_free (source.window);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_filling_gives_the_same),
    TEST (test_filling_headers_and_skipping),
    TEST (test_filling_stops_at_the_limit),
    TEST (test_what_has_come_counts),
    TEST (test_filling_adds_up),
    { NULL, NULL },
  };

  return test_main ("codec", cases, argc, argv);
}
