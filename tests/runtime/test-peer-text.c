/* Owns the tests of how a peer's bytes are shown, and of the guess at what they are. */
#include <string.h>

#include "codec-private.h"
#include "framing-private.h"
#include "harness.h"
#include "peer-text.h"

static void
check_text (const gchar *bytes, gsize length, gsize longest, const gchar *shown)
{
  g_autofree gchar *text = tally_peer_text (bytes, length, longest);

  assert_string (text, shown);
  CU_ASSERT_TRUE (g_utf8_validate (text, -1, NULL));
}

static void
what_is_not_printable_is_escaped (void)
{
  check_text ("", 0, 10, "");
  check_text (NULL, 0, 10, "");
  check_text ("plain \"text\"", 12, 99, "plain \"text\"");
  check_text ("gr\xc3\xbc\xc3\x9f", 6, 99, "gr\xc3\xbc\xc3\x9f");
  check_text ("a\nb\r\tc\\d", 8, 99, "a\\nb\\r\\tc\\\\d");
  check_text ("\x1b[31mred", 8, 99, "\\033[31mred");
  check_text ("a\0b", 3, 99, "a\\000b");
  check_text ("\xff\xc3", 2, 99, "\\377\\303");
  check_text ("\xe2\x80\xae"
              "evil",
              7, 99, "\\342\\200\\256evil");             /* right-to-left */
  check_text ("\xe2\x80\xa8", 3, 99, "\\342\\200\\250"); /* line separator */
  check_text ("\xc2\x9b", 2, 99, "\\302\\233");          /* a C1 control */
}

static void
what_is_long_is_cut (void)
{
  g_autofree gchar *long_text = g_strnfill (1 << 20, '\n');
  g_autofree gchar *text = tally_peer_text (long_text, 1 << 20, TALLY_PEER_TEXT_MAX);

  check_text ("abcdef", 6, 4, "abcd... (2 bytes more)");
  check_text ("abcdef", 6, 6, "abcdef");
  check_text ("abc\xc3\xbc", 5, 4, "abc\xc3\xbc"); /* no character is cut in two */
  CU_ASSERT_TRUE (strlen (text) < TALLY_PEER_TEXT_MAX + 50);
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "(1048064 bytes more)"));
}

static void
other_peers_are_recognised (void)
{
  static const struct
  {
    const gchar *bytes;
    gsize length;
    const gchar *guess;
  } peers[] = {
    { "HTTP/1.1 200 OK", 15, "HTTP" },
    { "GET / HTTP/1.1", 14, "HTTP" },
    { "PRI * HTTP/2.0", 14, "HTTP" },
    { "[1,\"ping\",1,1,{}]", 17, "Thrift's JSON protocol" },
    { "{\"a\":1}", 7, "JSON" },
    { "\x16\x03\x01\x02\x00", 5, "TLS" },
    { "\0\0\0\x20\x0f\xff\0\0", 8, "Thrift's header transport (THeader)" },
    { "\x0f\xff\0\0", 4, "Thrift's header transport (THeader)" },
    { "\x80\1\0\1\0\0\0\4", 8, "an unframed message of the binary protocol" },
    { "\x82\x21\1\4", 4, "an unframed message of the compact protocol" },
    { "\0\0\0\x20\x80\1\0\1", 8, "a framed message of the binary protocol" },
    { "\0\0\0\x20\x82\x21\1\4", 8, "a framed message of the compact protocol" },
    { "\0\0\0\x20[1,\"ping\"", 12, "a framed message of Thrift's JSON protocol" },
    { "\0\0\0\x20\0\0\0\4ping", 12,
      "a framed binary message without a version, which strict=no takes" },
    { "\0\0\0\4ping", 8, "a binary message without a version, which strict=no takes" },
    { "GET", 3, NULL },
    { "\0\0\0\0\0\0", 6, NULL },
    { "SSH-2.0", 7, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    assert_string (tally_peer_guess (peers[i].bytes, peers[i].length), peers[i].guess);
}

/* In the error of both codecs, and of a frame whose length is text. */
static void
the_error_names_them (void)
{
  static const TallyCodec *const codecs[] = { &tally_codec_binary, &tally_codec_compact };
  g_autoptr (GError) error = NULL;
  TallyReader reader;
  TallyMessage message;
  guint32 size;

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    {
      tally_reader_init (&reader, "[1,\"ping\",1,1,{}]", 17, &tally_limits_default);
      CU_ASSERT_FALSE (codecs[i]->read_message (&reader, &message, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_BAD_VERSION,
                    "look like Thrift's JSON protocol");
      g_clear_error (&error);
      CU_ASSERT_FALSE (codecs[i]->read_message (&reader, &message, NULL));
    }
  CU_ASSERT_FALSE (
      tally_frame_read_size ((const guint8 *) "HTTP", &tally_limits_default, &size, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "look like HTTP");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_is_not_printable_is_escaped),
    TEST (what_is_long_is_cut),
    TEST (other_peers_are_recognised),
    TEST (the_error_names_them),
    { NULL, NULL },
  };

  return test_main ("peer-text", cases, argc, argv);
}
