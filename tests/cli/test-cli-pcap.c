/* Captures of packets: what each side sent comes out in order, whatever the packets' order; a damaged one is borne. */
#include "cli-pcap.h"

#include <string.h>

#include "cli-json.h"
#include "harness.h"

#define SYN 0x02
#define ACK 0x10

/* A capture on its way. */
typedef struct
{
  GByteArray *bytes;
  gboolean is_big; /* the file's own numbers are big-endian */
} Writer;

static void
put (GByteArray *bytes, guint64 number, guint length)
{
  for (guint i = length; i > 0; i--)
    {
      guint8 byte = i <= sizeof number ? (guint8) (number >> (8 * (i - 1))) : 0;

      g_byte_array_append (bytes, &byte, 1);
    }
}

static void
put_own (const Writer *writer, guint32 number)
{
  put (writer->bytes, writer->is_big ? number : GUINT32_SWAP_LE_BE (number), 4);
}

static Writer
writer_new (gboolean is_big, guint link)
{
  Writer writer = { g_byte_array_new (), is_big };

  put_own (&writer, 0xa1b2c3d4);
  put_own (&writer, 0);
  put_own (&writer, 0);
  put_own (&writer, 0);
  put_own (&writer, 65535);
  put_own (&writer, link);
  return writer;
}

/* A packet, over Ethernet with @n_tags tags, or without it. */
static void
add_packet (Writer *writer, guint n_tags, gboolean is_raw, GByteArray *ip, gboolean is_six)
{
  g_autoptr (GByteArray) packet = g_byte_array_new ();

  if (!is_raw)
    {
      put (packet, 0, 12);
      for (guint i = 0; i < n_tags; i++)
        put (packet, 0x81000001, 4);
      put (packet, is_six ? 0x86dd : 0x0800, 2);
    }
  g_byte_array_append (packet, ip->data, ip->len);
  while (!is_raw && packet->len < 60)
    put (packet, 0, 1);
  put_own (writer, 1);
  put_own (writer, 2);
  put_own (writer, packet->len);
  put_own (writer, packet->len);
  g_byte_array_append (writer->bytes, packet->data, packet->len);
}

/* IP and TCP from host @from to host @to. */
static GByteArray *
make_ip (gboolean is_six,
         guint from,
         guint to,
         guint from_port,
         guint to_port,
         guint32 seq,
         guint flags,
         const gchar *data)
{
  GByteArray *ip = g_byte_array_new ();
  const guint length = 20 + (guint) strlen (data);

  if (is_six)
    {
      put (ip, 0x60000000, 4);
      put (ip, (guint64) length << 16 | 0x0640, 4);
      put (ip, 0, 8), put (ip, from, 8);
      put (ip, 0, 8), put (ip, to, 8);
    }
  else
    {
      put (ip, 0x4500, 2);
      put (ip, 20 + length, 2);
      put (ip, 0x00014000, 4);
      put (ip, 0x40060000, 4);
      put (ip, 0x0a000000 + from, 4);
      put (ip, 0x0a000000 + to, 4);
    }
  put (ip, (guint64) from_port << 16 | to_port, 4);
  put (ip, seq, 4);
  put (ip, 0, 4);
  put (ip, 0x5000 | flags, 2);
  put (ip, 0, 6);
  g_byte_array_append (ip, (const guint8 *) data, (guint) strlen (data));
  return ip;
}

static void
add (Writer *writer,
     guint n_tags,
     gboolean is_six,
     gboolean is_reply,
     guint32 seq,
     guint flags,
     const gchar *data)
{
  g_autoptr (GByteArray) ip = is_reply ? make_ip (is_six, 2, 1, 9090, 5000, seq, flags, data)
                                       : make_ip (is_six, 1, 2, 5000, 9090, seq, flags, data);

  add_packet (writer, n_tags, FALSE, ip, is_six);
}

static void
check_flow (GPtrArray *flows, guint index, const gchar *name, const gchar *text, guint n_early)
{
  const CliFlow *flow;
  g_autofree gchar *said = NULL;

  CU_ASSERT_TRUE_FATAL (index < flows->len);
  flow = g_ptr_array_index (flows, index);
  said = g_strndup ((const gchar *) flow->bytes->data, flow->bytes->len);
  assert_string (flow->name, name);
  assert_string (said, text);
  assert_int (flow->early->len, n_early);
}

/* A conversation with segments that come early, twice, in part anew, and whose numbers pass 2^32. */
static Writer
write_conversation (gboolean is_big)
{
  Writer writer = writer_new (is_big, 1);

  add (&writer, 0, FALSE, FALSE, 99, SYN, "");
  add (&writer, 0, FALSE, TRUE, 0xfffffffd, SYN | ACK, "");
  add (&writer, 1, FALSE, FALSE, 110, ACK, "klm");
  add (&writer, 0, FALSE, FALSE, 105, ACK, "fghij");
  add (&writer, 2, FALSE, FALSE, 100, ACK, "abcde");
  add (&writer, 0, FALSE, FALSE, 100, ACK, "abcdefg");
  add (&writer, 0, FALSE, FALSE, 112, ACK, "mno");
  add (&writer, 0, FALSE, TRUE, 0xfffffffe, ACK, "ABCD");
  add (&writer, 0, FALSE, TRUE, 2, ACK, "EF");
  add (&writer, 0, TRUE, FALSE, 7, ACK, "six");
  add (&writer, 0, TRUE, FALSE, 20, ACK, "lost");
  add (&writer, 0, FALSE, FALSE, 500, SYN, "");
  add (&writer, 0, FALSE, FALSE, 501, ACK, "again");
  return writer;
}

static void
each_side_comes_in_order (void)
{
  for (guint i = 0; i < 2; i++)
    {
      Writer writer = write_conversation (i == 1);
      g_autoptr (GByteArray) bytes = writer.bytes;
      g_autoptr (GError) error = NULL;
      gsize n_torn;
      g_autoptr (GPtrArray) flows = cli_pcap_read (bytes->data, bytes->len, 9090, &n_torn, &error);

      assert_no_error (error);
      assert_int (n_torn, 0);
      CU_ASSERT_TRUE (cli_pcap_begins (bytes->data, bytes->len));
      assert_int (flows->len, 4);
      check_flow (flows, 0, "10.0.0.1:5000 > 10.0.0.2:9090", "abcdefghijklmno", 0);
      check_flow (flows, 1, "10.0.0.2:9090 > 10.0.0.1:5000", "ABCDEF", 0);
      check_flow (flows, 2, "[::1]:5000 > [::2]:9090", "six", 1);
      check_flow (flows, 3, "10.0.0.1:5000 > 10.0.0.2:9090", "again", 0);
    }
}

static void
other_ports_and_links_count_not (void)
{
  Writer writer = write_conversation (FALSE);
  g_autoptr (GByteArray) bytes = writer.bytes;
  gsize n_torn;
  g_autoptr (GPtrArray) flows = cli_pcap_read (bytes->data, bytes->len, 9091, &n_torn, NULL);
  Writer strange = writer_new (FALSE, 147);
  g_autoptr (GByteArray) strange_bytes = strange.bytes;
  g_autoptr (GError) error = NULL;

  assert_int (flows->len, 0);
  CU_ASSERT_PTR_NULL (cli_pcap_read (strange_bytes->data, strange_bytes->len, 1, &n_torn, &error));
  assert_error (error, CLI_INPUT_ERROR, 0, "a link of type 147, which is not known");
}

static void
packets_without_a_link_are_read (void)
{
  Writer writer = writer_new (FALSE, 101);
  g_autoptr (GByteArray) bytes = writer.bytes;
  g_autoptr (GByteArray) ip = make_ip (FALSE, 1, 2, 1, 80, 5, ACK, "raw");
  g_autoptr (GPtrArray) flows = NULL;
  gsize n_torn;

  add_packet (&writer, 0, TRUE, ip, FALSE);
  flows = cli_pcap_read (bytes->data, bytes->len, 80, &n_torn, NULL);
  check_flow (flows, 0, "10.0.0.1:1 > 10.0.0.2:80", "raw", 0);
}

static void
a_newer_form_is_refused (void)
{
  guint8 bytes[24] = { 0x0a, 0x0d, 0x0d, 0x0a };
  gsize n_torn;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (cli_pcap_begins (bytes, sizeof bytes));
  CU_ASSERT_PTR_NULL (cli_pcap_read (bytes, sizeof bytes, 1, &n_torn, &error));
  assert_error (error, CLI_INPUT_ERROR, 0, "pcapng");
}

/* Wherever it ends, and whatever a byte of it is. */
static void
every_change_of_a_capture_is_borne (void)
{
  Writer writer = write_conversation (FALSE);
  g_autoptr (GByteArray) whole = writer.bytes;

  for (guint at = 24; at < whole->len; at++)
    {
      static const guint8 others[] = { 0x00, 0xff, 0x45, 0x80 };
      g_autofree guint8 *part = g_memdup2 (whole->data, at);
      gsize n_torn;
      GPtrArray *flows = cli_pcap_read (part, at, 9090, &n_torn, NULL);

      CU_ASSERT (n_torn <= at - 24 && (n_torn > 0 || at + 1 < whole->len));
      g_ptr_array_unref (flows);
      for (guint i = 0; i < G_N_ELEMENTS (others); i++)
        {
          g_autofree guint8 *bytes = g_memdup2 (whole->data, whole->len);

          bytes[at] = others[i];
          flows = cli_pcap_read (bytes, whole->len, 9090, &n_torn, NULL);
          g_ptr_array_unref (flows);
        }
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_side_comes_in_order),           TEST (other_ports_and_links_count_not),
    TEST (packets_without_a_link_are_read),    TEST (a_newer_form_is_refused),
    TEST (every_change_of_a_capture_is_borne), { NULL, NULL },
  };

  return test_main ("cli-pcap", cases, argc, argv);
}
