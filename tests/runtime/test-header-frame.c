/* Owns the tests of headers in memory and of the header transport's frames: their bytes, and what is refused. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "harness.h"
#include "header-frame-private.h"
#include "header-zlib-private.h"
#include "tally-error.h"

#define BINARY (&tally_codec_binary)
#define COMPACT (&tally_codec_compact)

/* ---- headers ---- */

static void
a_name_is_set_once (void)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autoptr (TallyHeaders) copy = NULL;

  CU_ASSERT_TRUE (tally_headers_set (headers, "trace", "1"));
  CU_ASSERT_TRUE (tally_headers_set (headers, "Trace", "2"));
  CU_ASSERT_TRUE (tally_headers_set (headers, "trace", "3"));
  assert_int (tally_headers_get_size (headers), 2);
  assert_string (tally_headers_get_name (headers, 0), "trace");
  assert_string (tally_headers_get_value (headers, 0), "3");
  assert_string (tally_headers_lookup (headers, "Trace"), "2");
  CU_ASSERT_PTR_NULL (tally_headers_lookup (headers, "TRACE"));
  copy = tally_headers_copy (headers);
  CU_ASSERT_TRUE (tally_headers_remove (headers, "trace"));
  CU_ASSERT_FALSE (tally_headers_remove (headers, "trace"));
  assert_string (tally_headers_lookup (copy, "trace"), "3");
  tally_headers_clear (copy);
  assert_int (tally_headers_get_size (copy), 0);
}

static void
bytes_are_not_taken_for_text (void)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autoptr (GBytes) value = g_bytes_new_static ("a\0b", 3);
  g_autoptr (GBytes) latin = g_bytes_new_static ("\xfc", 1);
  g_autoptr (GBytes) back = NULL;

  tally_headers_set_bytes (headers, "nul", value);
  tally_headers_set_bytes (headers, "latin", latin);
  CU_ASSERT_PTR_NULL (tally_headers_lookup (headers, "nul"));
  CU_ASSERT_PTR_NULL (tally_headers_lookup (headers, "latin"));
  CU_ASSERT_PTR_NULL (tally_headers_get_value (headers, 0));
  back = tally_headers_lookup_bytes (headers, "nul");
  CU_ASSERT_TRUE (g_bytes_equal (back, value));
  CU_ASSERT_PTR_NULL (tally_headers_lookup_bytes (headers, "none"));
}

static void
there_are_so_many_at_most (void)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();

  for (guint i = 0; i < TALLY_HEADERS_MAX; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("%u", i);

      CU_ASSERT_TRUE (tally_headers_set (headers, name, ""));
    }
  CU_ASSERT_FALSE (tally_headers_set (headers, "more", ""));
  CU_ASSERT_TRUE (tally_headers_set (headers, "7", "again"));
}

/* ---- frames ---- */

static TallyBuffer
wrap (const TallyHeaderFrame *frame,
      const gchar *message,
      const TallyHeaders *headers,
      gint64 timeout)
{
  TallyBuffer bytes = { NULL, 0, 0 };
  GError *error = NULL;

  tally_buffer_append (&bytes, message, strlen (message));
  CU_ASSERT_TRUE (tally_header_frame_wrap (frame, &bytes, 0, headers, timeout, &error));
  assert_no_error (error);
  return bytes;
}

/* The bytes that Apache's libraries write and read. */
static void
its_bytes_are_as_specified (void)
{
  static const gchar expected[] = "\x0f\xff\x00\x01" /* magic, flags */
                                  "\x01\x02\x03\x04" /* sequence id */
                                  "\x00\x07"         /* 28 bytes of header */
                                  "\x02\x00"         /* compact, no transform */
                                  "\x01\x02"         /* two pairs */
                                  "\x01k\x02vv"
                                  "\x0e"
                                  "client_timeout\x01"
                                  "9"
                                  "\x00\x00"
                                  "call";
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  TallyHeaderFrame frame = { TALLY_HEADER_FLAG_ANY_ORDER, 0x01020304, COMPACT };
  TallyBuffer bytes;

  tally_headers_set (headers, "k", "vv");
  bytes = wrap (&frame, "call", headers, 9);
  assert_int (bytes.length, sizeof expected - 1);
  CU_ASSERT_TRUE (memcmp (bytes.data, expected, sizeof expected - 1) == 0);
  tally_buffer_clear (&bytes);
}

static void
check_round (const TallyHeaderFrame *frame, const gchar *message, const TallyHeaders *headers)
{
  TallyBuffer bytes = wrap (frame, message, headers, 1234);
  TallyBuffer inflated = { NULL, 0, 0 };
  g_autoptr (TallyHeaders) back = tally_headers_new ();
  TallyHeaderFrame again;
  const guint8 *opened = NULL;
  gsize length = 0;
  GError *error = NULL;

  CU_ASSERT_TRUE_FATAL (tally_header_frame_read (&again, bytes.data, bytes.length, &error));
  assert_int (again.flags, frame->flags);
  assert_int (again.seqid, frame->seqid);
  CU_ASSERT_PTR_EQUAL (again.codec, frame->codec);
  assert_int (again.is_compressed, frame->is_compressed && strlen (message) > 100);
  CU_ASSERT_FALSE (again.has_persistent);
  assert_int (tally_header_frame_get_timeout (&again), 1234);
  CU_ASSERT_TRUE (tally_header_frame_collect (&again, back, FALSE, &error));
  assert_int (tally_headers_get_size (back), 1 + (headers != NULL));
  if (headers != NULL)
    assert_string (tally_headers_lookup (back, "name"), "value");
  CU_ASSERT_TRUE_FATAL (
      tally_header_frame_open (&again, &tally_limits_default, &inflated, &opened, &length, &error));
  CU_ASSERT_EQUAL (length, strlen (message));
  CU_ASSERT_TRUE (memcmp (opened, message, length) == 0);
  tally_buffer_clear (&inflated);
  CU_ASSERT_TRUE_FATAL (tally_header_frame_peek (&again, &inflated, &opened, &length, &error));
  CU_ASSERT_TRUE (length == strlen (message) || (again.is_compressed && length == 4096));
  CU_ASSERT_TRUE (memcmp (opened, message, length) == 0);
  assert_no_error (error);
  tally_buffer_clear (&inflated);
  tally_buffer_clear (&bytes);
}

static void
what_is_written_is_read (void)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autofree gchar *long_text = g_strnfill (200000, 'x');
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (gsize i = 0; i < 200000; i++)
    long_text[i] = 'a' + g_rand_int_range (rand, 0, 26);
  tally_headers_set (headers, "name", "value");
  for (guint i = 0; i < 16; i++)
    {
      TallyHeaderFrame frame = { (i & 1) ? 0xFFFF : 0, 0xFEDCBA98, (i & 2) ? BINARY : COMPACT,
                                 (i & 4) != 0 };

      check_round (&frame, "message", (i & 8) ? headers : NULL);
      check_round (&frame, "", (i & 8) ? headers : NULL);
      check_round (&frame, long_text, (i & 8) ? headers : NULL);
    }
}

static void
headers_that_are_too_large_are_not_written (void)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autofree gchar *value = g_strnfill (65500, 'v');
  TallyHeaderFrame frame = { 0, 1, BINARY };
  TallyBuffer bytes = { NULL, 0, 0 };
  GError *error = NULL;

  tally_buffer_append (&bytes, "message", 7);
  tally_headers_set (headers, "name", value);
  CU_ASSERT_TRUE (tally_header_frame_wrap (&frame, &bytes, 7, headers, 0, &error));
  bytes.length = 7;
  tally_headers_set (headers, "and", "some that are more than what is left");
  CU_ASSERT_FALSE (tally_header_frame_wrap (&frame, &bytes, 0, headers, 0, &error));
  CU_ASSERT_TRUE (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_LIMIT));
  assert_int (bytes.length, 7);
  g_clear_error (&error);
  tally_buffer_clear (&bytes);
}

/* ---- what is refused ---- */

#define FIXED(size) "\x0f\xff\0\0\0\0\0\x07\0" size
#define CASE(bytes, code, words)                                                                   \
  {                                                                                                \
    bytes, sizeof bytes - 1, THRIFT_PROTOCOL_ERROR_##code, words                                   \
  }

static void
what_is_malformed_is_refused (void)
{
  static const struct
  {
    const gchar *bytes;
    gsize length;
    gint code;
    const gchar *words;
  } cases[] = {
    CASE ("", INVALID_DATA, "a frame of 0 bytes"),
    CASE ("\x0f\xff\0\0\0\0\0\0\0", INVALID_DATA, "a frame of 9 bytes"),
    CASE ("\x0f\xfe\0\0\0\0\0\0\0\x01\0\0\0\0", BAD_VERSION, "0x0ffe"),
    CASE (FIXED ("\0"), INVALID_DATA, "the protocol's id"),
    CASE (FIXED ("\x01") "\0\0\0", INVALID_DATA, "a header of 4 bytes in a frame of 13"),
    CASE (FIXED ("\x01") "\x80\x80\x80\x80", INVALID_DATA, "the protocol's id"),
    CASE (FIXED ("\x02") "\xff\xff\xff\xff\x7f\0\0\0", INVALID_DATA, "the protocol's id"),
    CASE (FIXED ("\x02") "\x80\x80\x80\x80\x80\0\0\0", INVALID_DATA, "the protocol's id"),
    CASE (FIXED ("\x01") "\x01\0\0\0", NOT_IMPLEMENTED, "the id 1"),
    CASE (FIXED ("\x02") "\0\xff\xff\xff\xff\x0f\0\0", SIZE_LIMIT, "4294967295 transforms"),
    CASE (FIXED ("\x01") "\0\x03\0\0", INVALID_DATA, "a transform's id"),
    CASE (FIXED ("\x01") "\0\x01\x03\0", NOT_IMPLEMENTED, "transform 3"),
    CASE (FIXED ("\x01") "\0\x02\x01\x01", NOT_IMPLEMENTED, "transform 1"),
    CASE (FIXED ("\x01") "\0\0\x01\xff", INVALID_DATA, "the number of headers"),
    CASE (FIXED ("\x02") "\0\0\x01\xff\xff\xff\xff\x0f", SIZE_LIMIT, "4294967295 headers"),
    CASE (FIXED ("\x02") "\0\0\x01\xff\x08\0\0\0", SIZE_LIMIT, "1151 headers"),
    CASE (FIXED ("\x02") "\0\0\x01\x02\x01k\x01v", INVALID_DATA, "header 2 of 2"),
    CASE (FIXED ("\x02") "\0\0\x01\x01\x05k\x01v", INVALID_DATA, "header 1 of 1"),
    CASE (FIXED ("\x02") "\0\0\x02\x01\x01k\x02v"
                         "xx",
          INVALID_DATA, "header 1 of 1"),
    CASE (FIXED ("\x03") "\0\0\x01\x01\xff\xff\xff\xff\x0f\0\0\0", INVALID_DATA, "header 1 of 1"),
    CASE (FIXED ("\x01") "\0\0\0\x07", INVALID_DATA, "the padding"),
    CASE (FIXED ("\x01") "\0\0\x80\x80", INVALID_DATA, "an info's id"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      /* of their own size, so that a sanitizer sees each byte beyond */
      g_autofree guint8 *bytes = g_memdup2 (cases[i].bytes, cases[i].length);
      g_autoptr (GError) error = NULL;
      TallyHeaderFrame frame;

      CU_ASSERT_FALSE_FATAL (tally_header_frame_read (&frame, bytes, cases[i].length, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, cases[i].code, cases[i].words);
    }
}

static void
what_is_newer_is_passed_over (void)
{
  static const gchar *const good[] = {
    FIXED ("\x01") "\0\0\0\0call",
    FIXED ("\x01") "\0\0\x09\xff"
                   "call",                /* an info that nobody knows yet */
    FIXED ("\x01") "\0\x01\0\0call",      /* "no transform" as a transform */
    FIXED ("\x02") "\0\0\0\0\0\0\0\0call" /* more padding than is needed */
  };
  static const gsize lengths[] = { 18, 18, 18, 22 };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree guint8 *bytes = g_memdup2 (good[i], lengths[i]);
      g_autoptr (GError) error = NULL;
      TallyHeaderFrame frame;

      CU_ASSERT_TRUE (tally_header_frame_read (&frame, bytes, lengths[i], &error));
      assert_no_error (error);
      assert_int (frame.payload_length, 4);
      assert_int (frame.seqid, 7);
      assert_int (tally_header_frame_get_timeout (&frame), 0);
    }
}

static void
persistent_headers_are_told_from_others (void)
{
  static const gchar bytes[] = FIXED ("\x04") "\0\0\x02\x01\x01p\x01q\x01\x01\x01k\x01v\0\0";
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  TallyHeaderFrame frame;
  GError *error = NULL;

  CU_ASSERT_TRUE (
      tally_header_frame_read (&frame, (const guint8 *) bytes, sizeof bytes - 1, &error));
  assert_no_error (error);
  CU_ASSERT_TRUE (frame.has_persistent);
  CU_ASSERT_TRUE (tally_header_frame_collect (&frame, headers, TRUE, NULL));
  assert_int (tally_headers_get_size (headers), 1);
  assert_string (tally_headers_lookup (headers, "p"), "q");
  CU_ASSERT_TRUE (tally_header_frame_collect (&frame, headers, FALSE, NULL));
  assert_string (tally_headers_lookup (headers, "k"), "v");
}

/* ---- compression ---- */

static GError *
open_refused (const TallyHeaderFrame *frame, const TallyLimits *limits)
{
  TallyBuffer inflated = { NULL, 0, 0 };
  const guint8 *message;
  gsize length;
  GError *error = NULL;

  CU_ASSERT_FALSE (tally_header_frame_open (frame, limits, &inflated, &message, &length, &error));
  /* nothing was allocated for what is beyond the limit */
  CU_ASSERT_TRUE (inflated.capacity <= 2 * (MAX (1 << 20, 100 * frame->payload_length) + 4096));
  tally_buffer_clear (&inflated);
  return error;
}

/* A frame that says that it is compressed, with what @message deflates to. */
static TallyBuffer
deflate (const gchar *message)
{
  static const guint8 header[] = { 0x0f, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0 };
  TallyBuffer bytes = { NULL, 0, 0 };

  tally_buffer_append (&bytes, header, sizeof header);
  tally_header_deflate ((const guint8 *) message, strlen (message), &bytes);
  return bytes;
}

/* What a peer would take for a bomb goes out as it is. */
static void
what_would_be_refused_is_not_compressed (void)
{
  g_autofree gchar *zeros = g_strnfill (2 << 20, '0');
  TallyHeaderFrame frame = { 0, 1, BINARY, TRUE };
  TallyBuffer bytes = wrap (&frame, zeros, NULL, 0);
  TallyHeaderFrame again;

  CU_ASSERT_TRUE_FATAL (tally_header_frame_read (&again, bytes.data, bytes.length, NULL));
  CU_ASSERT_FALSE (again.is_compressed);
  assert_int (again.payload_length, 2 << 20);
  tally_buffer_clear (&bytes);
}

static void
a_bomb_is_refused_while_it_is_inflated (void)
{
  g_autofree gchar *zeros = g_strnfill (64 << 20, '0');
  TallyBuffer bytes = deflate (zeros);
  TallyLimits small = tally_limits_default;
  TallyHeaderFrame again;
  g_autoptr (GError) by_ratio = NULL;
  g_autoptr (GError) by_size = NULL;

  CU_ASSERT_TRUE_FATAL (tally_header_frame_read (&again, bytes.data, bytes.length, NULL));
  by_ratio = open_refused (&again, &tally_limits_default);
  CU_ASSERT_TRUE (
      g_error_matches (by_ratio, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT));
  small.max_message = 1000;
  by_size = open_refused (&again, &small);
  CU_ASSERT_TRUE (
      g_error_matches (by_size, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT));
  CU_ASSERT_PTR_NOT_NULL (strstr (by_size->message, "more than 1000"));
  tally_buffer_clear (&bytes);
}

static void
what_is_no_zlib_data_is_refused (void)
{
  TallyBuffer bytes = deflate ("a message that is compressed");

  for (gsize cut = 1; cut < 20; cut++)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes.data, bytes.length - cut);
      g_autoptr (GError) error = NULL;
      TallyHeaderFrame again;

      CU_ASSERT_TRUE_FATAL (tally_header_frame_read (&again, copy, bytes.length - cut, NULL));
      error = open_refused (&again, &tally_limits_default);
      CU_ASSERT_TRUE (
          g_error_matches (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA));
    }
  {
    g_autoptr (GError) error = NULL;
    TallyHeaderFrame again;

    tally_buffer_append (&bytes, "x", 1);
    CU_ASSERT_TRUE_FATAL (tally_header_frame_read (&again, bytes.data, bytes.length, NULL));
    error = open_refused (&again, &tally_limits_default);
    CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "1 bytes before its frame"));
  }
  tally_buffer_clear (&bytes);
}

/* Any bytes: no byte beyond is read, which sanitizers see, and what is taken can be gone through. */
static void
no_bytes_do_harm (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (12);
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  TallyHeaderFrame frame = { 0, 1, BINARY };
  TallyBuffer bytes;

  tally_headers_set (headers, "name", "value");
  tally_headers_set (headers, "other", "");
  bytes = wrap (&frame, "message", headers, 77);
  for (guint i = 0; i < 20000; i++)
    {
      gsize length = g_rand_int_range (rand, 0, bytes.length + 1);
      g_autofree guint8 *copy = g_memdup2 (bytes.data, length);
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      g_autoptr (GError) error = NULL;
      TallyHeaderFrame again;

      for (guint n = g_rand_int_range (rand, 0, 4); n > 0 && length > 0; n--)
        copy[g_rand_int_range (rand, 0, length)] = g_rand_int (rand);
      if (tally_header_frame_read (&again, copy, length, &error))
        {
          tally_header_frame_get_timeout (&again);
          tally_header_frame_collect (&again, back, FALSE, NULL);
        }
      else
        CU_ASSERT_PTR_NOT_NULL (error);
    }
  tally_buffer_clear (&bytes);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_name_is_set_once),
    TEST (bytes_are_not_taken_for_text),
    TEST (there_are_so_many_at_most),
    TEST (its_bytes_are_as_specified),
    TEST (what_is_written_is_read),
    TEST (headers_that_are_too_large_are_not_written),
    TEST (what_is_malformed_is_refused),
    TEST (what_is_newer_is_passed_over),
    TEST (persistent_headers_are_told_from_others),
    TEST (what_would_be_refused_is_not_compressed),
    TEST (a_bomb_is_refused_while_it_is_inflated),
    TEST (what_is_no_zlib_data_is_refused),
    TEST (no_bytes_do_harm),
    { NULL, NULL },
  };

  return test_main ("header-frame", cases, argc, argv);
}
