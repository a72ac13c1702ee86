/* Varints of every length, at every distance from the end of what is there. */
#include "fixture.h"
#include "harness.h"
#include "varint-private.h"

#define LONGEST 10

/* By its definition. */
static guint
put_slowly (guint8 *bytes, guint64 value)
{
  guint length = 0;

  for (; value >= 0x80; value >>= 7)
    bytes[length++] = (guint8) value | 0x80;
  bytes[length++] = (guint8) value;
  return length;
}

static void
check_word (guint64 value, guint8 behind)
{
  guint8 bytes[LONGEST + TALLY_VARINT_WORD];
  guint8 slow[LONGEST];
  guint64 got = 0;
  guint length;

  CU_ASSERT (tally_varint_put (bytes, value) == bytes + put_slowly (slow, value));
  CU_ASSERT_EQUAL (memcmp (bytes, slow, put_slowly (slow, value)), 0);
  memset (bytes, behind, sizeof bytes);
  length = put_slowly (bytes, value);
  if (length > TALLY_VARINT_WORD)
    {
      assert_int (tally_varint_get (bytes, &got), 0);
      return;
    }
  assert_int (tally_varint_get_word (bytes, &got), length);
  CU_ASSERT_EQUAL (got, value);
  got = ~value;
  assert_int (tally_varint_get (bytes, &got), length);
  CU_ASSERT_EQUAL (got, value);
}

/* Around each power of two, and with each bit alone and missing, whatever follows. */
static void
a_word_is_a_number (void)
{
  static const guint8 behind[] = { 0x00, 0x7f, 0x80, 0xff };

  for (guint i = 0; i < G_N_ELEMENTS (behind); i++)
    for (guint bit = 0; bit < 64; bit++)
      {
        const guint64 power = G_GUINT64_CONSTANT (1) << bit;

        check_word (power, behind[i]);
        check_word (power - 1, behind[i]);
        check_word (power | (power >> 1) | 1, behind[i]);
        check_word (~power, behind[i]);
        check_word (power * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15), behind[i]);
      }
}

static gint64
pick (guint i)
{
  const guint64 power = G_GUINT64_CONSTANT (1) << (i % 64);

  return (gint64) (i % 3 == 0 ? power : i % 3 == 1 ? ~power + 1 : power - 1);
}

/* Lists whose last numbers lie where no word can be read, and of one number alone. */
static void
lists_are_read_to_their_last_byte (void)
{
  for (guint count = 0; count < 200; count++)
    {
      g_autoptr (GObject) written = g_object_new (fix_all_get_type (), NULL);
      g_autoptr (GObject) read = g_object_new (fix_all_get_type (), NULL);
      FixAll *all = (FixAll *) written;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < count; i++)
        {
          const gint64 wide = pick (count + i);
          const gint32 number = (gint32) (wide >> (wide != (gint32) wide ? 32 : 0));
          const gint16 small = (gint16) wide;

          g_array_append_val (all->i64s, wide);
          g_array_append_val (all->i32s, number);
          g_array_append_val (all->i16s, small);
        }
      all->last = count;
      bytes = tally_struct_encode (written, TALLY_PROTOCOL_COMPACT, &error);
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_decode (read, TALLY_PROTOCOL_COMPACT,
                                           g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                           &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (written, read));
    }
}

static gboolean
read_numbers (
    const TallyLimits *limits, const guint8 *varint, guint length, guint padding, GError **error)
{
  g_autoptr (GObject) read = g_object_new (fix_all_get_type (), NULL);
  guint8 message[64] = { 0 };
  TallyReader reader;
  guint end = 0;

  message[end++] = 0x09; /* a list, with its id behind it: the i64s' */
  message[end++] = 16 << 1;
  message[end++] = 1 << 4 | 6; /* one i64 */
  memcpy (message + end, varint, length);
  end += length;
  message[end++] = T_STOP;
  tally_reader_init (&reader, message, end + padding, limits);
  return tally_codec_compact.read_struct (&reader, &fix_all_info, read, error);
}

/* What is too long is refused alike where a word can be read and where it cannot. */
static void
what_is_too_long_is_refused (void)
{
  static const guint8 eleven[] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00
  };
  static const guint8 too_large[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
  static const guint8 largest[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
  static const guint8 long_zero[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };

  for (guint padding = 0; padding <= 20; padding += 20)
    {
      g_autoptr (GError) length_error = NULL;
      g_autoptr (GError) size_error = NULL;
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (
          read_numbers (&tally_limits_default, eleven, sizeof eleven, padding, &length_error));
      assert_error (length_error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                    "ten bytes");
      CU_ASSERT_FALSE (
          read_numbers (&tally_limits_default, too_large, sizeof too_large, padding, &size_error));
      assert_error (size_error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                    "ten bytes");
      CU_ASSERT_TRUE (
          read_numbers (&tally_limits_default, largest, sizeof largest, padding, &error));
      CU_ASSERT_TRUE (
          read_numbers (&tally_limits_default, long_zero, sizeof long_zero, padding, &error));
      assert_no_error (error);
    }
}

static const TestCase cases[] = {
  TEST (a_word_is_a_number),
  TEST (lists_are_read_to_their_last_byte),
  TEST (what_is_too_long_is_refused),
  { NULL },
};

int
main (int argc, char **argv)
{
  return test_main ("varint", cases, argc, argv);
}
