/* What hostile and broken peers send, and the codec's answer: an error that says what was wrong, no
 * memory taken on a peer's word, no crash. Then everything else: truncations and random changes. */
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "tally-error.h"

#define FOR_EACH_CODEC(codec)                                                                      \
  for (guint codec##_ = 0; codec##_ < G_N_ELEMENTS (fix_codecs); codec##_++)                       \
    for (const TallyCodec *codec = fix_codecs[codec##_]; codec != NULL; codec = NULL)

static gboolean
decode (const TallyCodec *codec,
        const TallyStructInfo *info,
        gpointer instance,
        gconstpointer bytes,
        gsize length,
        GError **error)
{
  /* On the heap and of exactly this length, so that a sanitizer sees the first byte read beyond
   * it. */
  g_autofree guint8 *copy = g_malloc (length);
  TallyReader reader;

  if (length > 0)
    memcpy (copy, bytes, length);
  tally_reader_init (&reader, copy, length, &tally_limits_default);
  return codec->read_struct (&reader, info, instance, error);
}

/* Reads @bytes as a struct of @type and expects this error of THRIFT_PROTOCOL_ERROR; then skips
 * them and expects an error too. */
static void
refuse (const TallyCodec *codec,
        GType type,
        gconstpointer bytes,
        gsize length,
        ThriftProtocolError code,
        const gchar *part)
{
  g_autoptr (GObject) object = g_object_new (type, NULL);
  TallyReader reader;
  GError *error = NULL;

  CU_ASSERT_FALSE (decode (codec, tally_struct_get_info (object), object, bytes, length, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, (gint) code, part);
  g_clear_error (&error);
  CU_ASSERT_FALSE (decode (codec, tally_struct_get_info (object), object, bytes, length, NULL));
  tally_reader_init (&reader, bytes, length, &tally_limits_default);
  CU_ASSERT_FALSE (codec->skip (&reader, T_STRUCT, &error));
  CU_ASSERT_PTR_NOT_NULL (error);
  g_clear_error (&error);
}

#define REFUSE(codec, c_prefix, code, part, ...)                                                   \
  do                                                                                               \
    {                                                                                              \
      const guint8 bytes_[] = { __VA_ARGS__ };                                                     \
      refuse ((codec), c_prefix##_get_type (), bytes_, sizeof bytes_,                              \
              THRIFT_PROTOCOL_ERROR_##code, (part));                                               \
    }                                                                                              \
  while (0)

static void
test_string_lengths (void)
{
  const TallyCodec *binary = &tally_codec_binary, *compact = &tally_codec_compact;

  REFUSE (binary, fix_oops, NEGATIVE_SIZE, "Oops.message", 11, 0, 1, 0xff, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_oops, SIZE_LIMIT, "Oops.message", 11, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_oops, SIZE_LIMIT, "3", 11, 0, 1, 0, 0, 0, 3, 'a', 0);
  REFUSE (binary, fix_oops, INVALID_DATA, "Oops.message", 11, 0, 1, 0, 0, 0);
  REFUSE (compact, fix_oops, NEGATIVE_SIZE, "Oops.message", 0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  REFUSE (compact, fix_oops, SIZE_LIMIT, "Oops.message", 0x18, 0xff, 0xff, 0xff, 0xff, 0x07, 0);
  REFUSE (compact, fix_oops, SIZE_LIMIT, "3", 0x18, 3, 'a', 0);
  REFUSE (compact, fix_oops, SIZE_LIMIT, NULL, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 1, 0);
}

static void
test_container_counts (void)
{
  const TallyCodec *binary = &tally_codec_binary, *compact = &tally_codec_compact;

  /* list<i32>, list<string>, set<i64>, map<i16, i32> */
  REFUSE (binary, fix_all, NEGATIVE_SIZE, "All.i32s", 15, 0, 15, 8, 0x80, 0, 0, 0, 0);
  REFUSE (binary, fix_all, SIZE_LIMIT, "All.i32s", 15, 0, 15, 8, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_all, SIZE_LIMIT, "All.i32s", 15, 0, 15, 8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0);
  REFUSE (binary, fix_all, SIZE_LIMIT, "All.strings", 15, 0, 20, 11, 0x40, 0, 0, 0, 0);
  REFUSE (binary, fix_all, SIZE_LIMIT, "All.i64_set", 14, 0, 28, 10, 0x20, 0, 0, 0, 0);
  REFUSE (binary, fix_all, SIZE_LIMIT, "All.i16_to_i32", 13, 0, 36, 6, 8, 0x20, 0, 0, 0, 0);
  REFUSE (compact, fix_all, NEGATIVE_SIZE, "All.i32s", 0xf9, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  REFUSE (compact, fix_all, SIZE_LIMIT, "All.i32s", 0xf9, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0);
  REFUSE (compact, fix_all, SIZE_LIMIT, "All.i32s", 0xf9, 0x35, 2, 0);
  REFUSE (compact, fix_all, SIZE_LIMIT, "All.i16_to_i32", 0x0b, 72, 100, 0x45, 0);
}

/* A declared count that the message has not the bytes for takes no memory: with it this would not
 * end. */
static void
test_elements_without_bytes (void)
{
  const TallyCodec *binary = &tally_codec_binary, *compact = &tally_codec_compact;

  /* 2^31 - 1 of: T_STOP, T_VOID, an empty struct, in a list that is read and in a field that is
   * skipped */
  REFUSE (binary, fix_node, INVALID_DATA, "no type 0", 15, 0, 3, 0, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_node, INVALID_DATA, "no type 1", 15, 0, 3, 1, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_node, SIZE_LIMIT, "Node.children", 15, 0, 3, 12, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_empty, INVALID_DATA, "no type 1", 15, 0, 3, 1, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_empty, SIZE_LIMIT, "Empty: field 3", 15, 0, 3, 12, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (binary, fix_empty, INVALID_DATA, "no type 1", 13, 0, 3, 1, 1, 0x7f, 0xff, 0xff, 0xff, 0);
  REFUSE (compact, fix_node, INVALID_DATA, "no type 0", 0x39, 0xf0, 0xff, 0xff, 0xff, 0xff, 0x07,
          0);
  REFUSE (compact, fix_node, INVALID_DATA, "no type", 0x39, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07, 0);
  REFUSE (compact, fix_node, SIZE_LIMIT, "Node.children", 0x39, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07,
          0);
  REFUSE (compact, fix_empty, INVALID_DATA, "no type 0", 0x3b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00,
          0);
}

static void
test_unknown_types (void)
{
  REFUSE (&tally_codec_binary, fix_empty, INVALID_DATA, "no type 17", 17, 0, 1, 0);
  REFUSE (&tally_codec_binary, fix_empty, INVALID_DATA, "no type 255", 255, 0, 1, 0);
  REFUSE (&tally_codec_binary, fix_oops, INVALID_DATA, "no type 5", 5, 0, 1, 0);
  REFUSE (&tally_codec_compact, fix_empty, INVALID_DATA, "no type", 0x1e, 0);
  REFUSE (&tally_codec_compact, fix_oops, INVALID_DATA, "no type", 0x1f, 0);
}

static void
test_integers (void)
{
  const TallyCodec *compact = &tally_codec_compact;

  /* eleven bytes; ten bytes of more than 64 bits; an i32 and an i16 that do not fit */
  REFUSE (compact, fix_point, INVALID_DATA, "ten bytes", 0x06, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0);
  REFUSE (compact, fix_point, INVALID_DATA, "64 bits", 0x06, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0x02, 0);
  {
    const guint8 wide[] = { 0x15, 0x80, 0x80, 0x80, 0x80, 0x10, 0 };
    const guint8 widest[] = { 0x06, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0x01, 0x45, 2,    0 };
    g_autoptr (GObject) point = g_object_new (fix_point_get_type (), NULL);
    GError *error = NULL;

    CU_ASSERT_FALSE (decode (compact, &fix_point_info, point, wide, sizeof wide, &error));
    assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "32 bits");
    g_clear_error (&error);
    CU_ASSERT_TRUE (decode (compact, &fix_point_info, point, widest, sizeof widest, &error));
    assert_no_error (error);
    assert_int (((FixPoint *) point)->far, G_MININT64);
    assert_int (((FixPoint *) point)->x, 1);
  }
}

static void
test_field_ids (void)
{
  const TallyCodec *compact = &tally_codec_compact;

  /* 32767 + 1; 32768 written out */
  REFUSE (compact, fix_empty, INVALID_DATA, "overflows", 0x03, 0xfe, 0xff, 0x03, 0, 0x13, 0, 0);
  REFUSE (compact, fix_empty, INVALID_DATA, "16 bits", 0x03, 0x80, 0x80, 0x04, 0, 0);
}

static void
test_strings_with_nul (void)
{
  static const guint8 binary[] = { 11, 0, 1, 0, 0, 0, 3, 'a', 0, 'b', 0 };
  static const guint8 compact[] = { 0x18, 3, 'a', 0, 'b', 0 };
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);
  GError *error = NULL;

  CU_ASSERT_FALSE (
      decode (&tally_codec_binary, &fix_oops_info, oops, binary, sizeof binary, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "NUL at byte 1");
  g_clear_error (&error);
  CU_ASSERT_FALSE (
      decode (&tally_codec_compact, &fix_oops_info, oops, compact, sizeof compact, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "NUL at byte 1");
  g_clear_error (&error);
}

/* The old value of a field that comes twice is freed: the leak checker sees it. */
static void
test_repeated_fields (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      TallyBuffer buffer = { NULL };
      GError *error = NULL;

      for (guint i = 0; i < 3; i++)
        {
          CU_ASSERT_TRUE (codec->write_struct (&buffer, &fix_all_info, all, &error));
          assert_no_error (error);
          if (codec == &tally_codec_compact && i < 2)
            buffer.data[buffer.length - 1] = 0x03; /* instead of the stop: field 0, written out … */
          if (codec == &tally_codec_compact && i < 2)
            tally_buffer_append (&buffer, "\0\0",
                                 2); /* … so that the next id's difference is from 0 */
          else if (i < 2)
            buffer.length--;
        }
      CU_ASSERT_TRUE (decode (codec, &fix_all_info, back, buffer.data, buffer.length, &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (all, back));
      tally_buffer_clear (&buffer);
    }
}

/* Deep nesting of what is read and of what is skipped; all stack that 64 levels need is used. */
static void
test_depth (void)
{
  FOR_EACH_CODEC (codec)
    {
      static const gchar *const openings[2][3] = { { "\x0c\x00\x02", "\x0c\x00\x63",
                                                     "\x0f\x00\x63" },
                                                   { "\x2c", "\x0c\xc6\x01", "\x09\xc6\x01" } };
      const gboolean compact = codec == &tally_codec_compact;

      for (guint kind = 0; kind < 3; kind++)
        {
          g_autoptr (GByteArray) bytes = g_byte_array_new ();
          const gchar *opening = openings[compact][kind];
          /* a list of lists of lists … */
          const gchar *inner = kind < 2 ? opening : compact ? "\x19" : "\x0f\x00\x00\x00\x01";

          g_byte_array_append (bytes, (const guint8 *) opening, kind == 0 && compact ? 1 : 3);
          for (guint i = 0; i < 100000; i++)
            g_byte_array_append (bytes, (const guint8 *) inner,
                                 kind == 2              ? (compact ? 1 : 5)
                                 : kind == 0 && compact ? 1
                                                        : 3);
          refuse (codec, fix_node_get_type (), bytes->data, bytes->len,
                  THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT, "64");
        }
    }
}

/* 64 levels are read; 65 are not, and are not written. */
static void
test_depth_is_exact (void)
{
  FOR_EACH_CODEC (codec)
    for (guint levels = 64; levels <= 65; levels++)
      {
        g_autoptr (GObject) node = NULL;
        g_autoptr (GObject) back = g_object_new (fix_node_get_type (), NULL);
        TallyBuffer buffer = { NULL };
        GError *error = NULL;

        for (guint i = 0; i < levels; i++)
          {
            FixNode *outer = g_object_new (fix_node_get_type (), NULL);

            g_clear_pointer (&outer->children, g_ptr_array_unref);
            outer->next = (FixNode *) node;
            node = (GObject *) outer;
          }
        if (levels == 64)
          {
            CU_ASSERT_TRUE (codec->write_struct (&buffer, &fix_node_info, node, &error));
            assert_no_error (error);
            CU_ASSERT_TRUE (
                decode (codec, &fix_node_info, back, buffer.data, buffer.length, &error));
            assert_no_error (error);
          }
        else
          {
            CU_ASSERT_FALSE (codec->write_struct (&buffer, &fix_node_info, node, &error));
            assert_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT, "64");
            g_clear_error (&error);
            assert_int (buffer.length, 0);
          }
        tally_buffer_clear (&buffer);
      }
}

static void
refuse_header (const TallyCodec *codec,
               const TallyLimits *limits,
               const gchar *bytes,
               gsize length,
               ThriftProtocolError code)
{
  TallyReader reader;
  TallyMessage message;
  GError *error = NULL;

  tally_reader_init (&reader, bytes, length, limits);
  CU_ASSERT_FALSE (codec->read_message (&reader, &message, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, (gint) code, NULL);
  g_clear_error (&error);
}

static void
test_headers (void)
{
  const TallyLimits lax = { .max_message = 1 << 20, .max_depth = 64, .strict = FALSE };
  const TallyLimits *strict = &tally_limits_default;
  const TallyCodec *binary = &tally_codec_binary, *compact = &tally_codec_compact;
  TallyReader reader;
  TallyMessage message;
  GError *error = NULL;

  refuse_header (binary, strict, "\0\0\0\4", 4, THRIFT_PROTOCOL_ERROR_BAD_VERSION);
  refuse_header (binary, strict, "\x80\x02\0\1\0\0\0\0\0\0\0\0", 12,
                 THRIFT_PROTOCOL_ERROR_BAD_VERSION);
  refuse_header (binary, strict, "\x80\x01\0\1\x7f\xff\xff\xff", 8,
                 THRIFT_PROTOCOL_ERROR_SIZE_LIMIT);
  refuse_header (binary, strict, "\x80\x01\0\1\xff\xff\xff\xff", 8,
                 THRIFT_PROTOCOL_ERROR_NEGATIVE_SIZE);
  refuse_header (binary, strict, "\x80\x01\0\1\0\0\0\1a\0\0", 11,
                 THRIFT_PROTOCOL_ERROR_INVALID_DATA);
  refuse_header (binary, &lax, "\x7f\xff\xff\xff", 4, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT);
  refuse_header (compact, strict, "\x80\x21\1\0", 4, THRIFT_PROTOCOL_ERROR_BAD_VERSION);
  refuse_header (compact, strict, "\x82\x22\1\0", 4, THRIFT_PROTOCOL_ERROR_BAD_VERSION);
  refuse_header (compact, strict, "\x82\x21\1\5ab", 6, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT);
  refuse_header (compact, strict, "\x82\x21\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 14,
                 THRIFT_PROTOCOL_ERROR_INVALID_DATA);
  tally_reader_init (&reader, "\0\0\0\2hi\1\0\0\0\7", 11, &lax);
  CU_ASSERT_TRUE (binary->read_message (&reader, &message, &error));
  assert_no_error (error);
  CU_ASSERT_TRUE (message.name_length == 2 && memcmp (message.name, "hi", 2) == 0);
  assert_int (message.type, T_CALL);
  assert_int (message.seqid, 7);
}

/* ---- everything else ---- */

static void
test_every_truncation (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      TallyBuffer buffer = { NULL };
      GError *error = NULL;

      CU_ASSERT_TRUE (codec->write_struct (&buffer, &fix_all_info, all, &error));
      assert_no_error (error);
      for (gsize length = 0; length < buffer.length; length++)
        {
          g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
          TallyReader reader;

          CU_ASSERT_FALSE (decode (codec, &fix_all_info, back, buffer.data, length, &error));
          CU_ASSERT_TRUE (error != NULL && error->domain == THRIFT_PROTOCOL_ERROR);
          g_clear_error (&error);
          tally_reader_init (&reader, buffer.data, length, &tally_limits_default);
          CU_ASSERT_FALSE (codec->skip (&reader, T_STRUCT, NULL));
        }
      tally_buffer_clear (&buffer);
    }
}

/* Random changes of a valid message: read or refused, and what was read can be used and written. */
static void
mutate_and_decode (const TallyCodec *codec, const TallyBuffer *original, GRand *rand)
{
  g_autofree guint8 *bytes = g_memdup2 (original->data, original->length);
  g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
  GError *error = NULL;

  for (gint changes = g_rand_int_range (rand, 1, 6); changes > 0; changes--)
    bytes[g_rand_int_range (rand, 0, (gint32) original->length)] = (guint8) g_rand_int (rand);
  if (decode (codec, &fix_all_info, back, bytes, original->length, &error))
    {
      TallyBuffer again = { NULL };
      g_autofree gchar *text = tally_struct_to_string (back);
      g_autoptr (GObject) copy = tally_struct_copy (back);

      CU_ASSERT_TRUE (codec->write_struct (&again, &fix_all_info, back, &error));
      CU_ASSERT_TRUE (tally_struct_equal (back, back));
      tally_buffer_clear (&again);
    }
  else
    CU_ASSERT_PTR_NOT_NULL (error);
  g_clear_error (&error);
}

static void
test_random_changes (void)
{
  const gchar *given = g_getenv ("TALLY_TEST_SEED");
  const guint32 seed =
      given != NULL ? (guint32) g_ascii_strtoull (given, NULL, 10) : g_random_int ();
  GRand *rand = g_rand_new_with_seed (seed);

  g_print ("# TALLY_TEST_SEED=%" G_GUINT32_FORMAT "\n", seed);
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      TallyBuffer buffer = { NULL };
      GError *error = NULL;

      CU_ASSERT_TRUE (codec->write_struct (&buffer, &fix_all_info, all, &error));
      assert_no_error (error);
      for (guint i = 0; i < 3000; i++)
        mutate_and_decode (codec, &buffer, rand);
      tally_buffer_clear (&buffer);
    }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_string_lengths),
    TEST (test_container_counts),
    TEST (test_elements_without_bytes),
    TEST (test_unknown_types),
    TEST (test_integers),
    TEST (test_field_ids),
    TEST (test_strings_with_nul),
    TEST (test_repeated_fields),
    TEST (test_depth),
    TEST (test_depth_is_exact),
    TEST (test_headers),
    TEST (test_every_truncation),
    TEST (test_random_changes),
    { NULL },
  };

  return test_main ("hostile", cases, argc, argv);
}
