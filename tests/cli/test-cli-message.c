/* Messages as bytes: what each byte says, damaged ones, and those of the fuzz corpora. */
#include "cli-message.h"

#include <string.h>

#include "cli-base.h"
#include "cli-test.h"
#include "harness.h"

static const gchar idl[] = "enum E { A = 1 }\n"
                           "struct P { 1: i32 x; 2: E e; 3: list<string> words; 4: map<i32, bool> "
                           "map; 5: bool yes; 6: double d }\n"
                           "service S { P call (1: P p, 2: binary bytes) }\n";

/* Every byte is in one piece, and the pieces are in order. */
static void
check_pieces (const CliWireReader *reader)
{
  gsize at = 0;

  for (guint i = 0; i < reader->pieces->len; i++)
    {
      const CliPiece *piece = g_ptr_array_index (reader->pieces, i);

      if (piece->start != at || piece->length == 0)
        {
          CU_FAIL ("a piece does not follow the one before it");
          return;
        }
      at += piece->length;
    }
  assert_int (at, reader->length);
}

static CliMessage *
read_message (const guint8 *bytes, gsize length, CliForm form, CliFindBody find, gpointer data)
{
  gsize size;
  CliMessage *message = cli_message_read (bytes, length, form, find, data, &size);
  g_autoptr (GString) text = g_string_new (NULL);
  IdlJson json;

  CU_ASSERT_TRUE (size <= length);
  check_pieces (&message->reader);
  if (message->inflated != NULL)
    check_pieces (&message->inner);
  cli_message_annotate (message, text);
  idl_json_init (&json);
  cli_message_show (&json, message, NULL);
  g_free (idl_json_finish (&json));
  return message;
}

static GByteArray *
parse_hex (const gchar *hex)
{
  return cli_bytes_parse ("$hex", hex, strlen (hex), NULL);
}

static const TallyStructInfo *
find_in (const gchar *name, ThriftMessageType type, gpointer data)
{
  const TallyMethod *method = cli_idl_find_any_method (data, name);

  return method == NULL ? NULL : type == T_REPLY ? method->result : method->args;
}

static void
check_annotated (const gchar *hex, CliIdl *names, const gchar *expected)
{
  g_autoptr (GByteArray) bytes = parse_hex (hex);
  g_autoptr (CliMessage) message =
      read_message (bytes->data, bytes->len, CLI_FORM_AUTO, names != NULL ? find_in : NULL, names);
  g_autoptr (GString) text = g_string_new (NULL);

  cli_message_annotate (message, text);
  assert_string (text->str, expected);
}

static const gchar binary[] =
    "00000056 80010001 00000004 63616c6c 00000007"
    "0c0001 080001 fffffffe 080002 00000001 0f0003 0b00000001 00000002 6869"
    "0d0004 0802 00000001 00000005 01 020005 01 040006 3ff0000000000000 00 0b0002 00000001 ff 00";

static void
each_byte_of_binary_is_told (void)
{
  g_autoptr (CliIdl) names = cli_test_load (idl);

  check_annotated (binary, names,
                   "  0000  00 00 00 56                          frame of 86 bytes\n"
                   "  0004  80 01 00 01                          binary protocol, call\n"
                   "  0008  00 00 00 04 63 61 6c 6c              name \"call\"\n"
                   "  0010  00 00 00 07                          seqid 7\n"
                   "  0014  0c 00 01                             1 p: struct\n"
                   "  0017  08 00 01                               1 x: i32\n"
                   "  001a  ff ff ff fe                              -2\n"
                   "  001e  08 00 02                               2 e: i32\n"
                   "  0021  00 00 00 01                              1 = A\n"
                   "  0025  0f 00 03                               3 words: list\n"
                   "  0028  0b 00 00 00 01                           list of 1 string\n"
                   "  002d  00 00 00 02                                length 2\n"
                   "  0031  68 69                                      \"hi\"\n"
                   "  0033  0d 00 04                               4 map: map\n"
                   "  0036  08 02 00 00 00 01                        map of 1 i32 to bool\n"
                   "  003c  00 00 00 05                                5\n"
                   "  0040  01                                         true\n"
                   "  0041  02 00 05                               5 yes: bool\n"
                   "  0044  01                                       true\n"
                   "  0045  04 00 06                               6 d: double\n"
                   "  0048  3f f0 00 00 00 00 00 00                  1\n"
                   "  0050  00                                     end of P\n"
                   "  0051  0b 00 02                             2 bytes: string\n"
                   "  0054  00 00 00 01                            length 1\n"
                   "  0058  ff                                     \"\\xff\"\n"
                   "  0059  00                                   end of call_args\n");
}

static void
each_byte_of_compact_is_told (void)
{
  check_annotated (
      "8221 07 0463616c6c 1c 1503 1502 1918026869 1b01 510a01 11 17000000000000f03f 00 1801ff 00",
      NULL,
      "  0000  82 21                                compact protocol, call\n"
      "  0002  07                                   seqid 7\n"
      "  0003  04 63 61 6c 6c                       name \"call\"\n"
      "  0008  1c                                   1: struct\n"
      "  0009  15                                     1: i32\n"
      "  000a  03                                       -2\n"
      "  000b  15                                     2: i32\n"
      "  000c  02                                       1\n"
      "  000d  19                                     3: list\n"
      "  000e  18                                       list of 1 string\n"
      "  000f  02                                         length 2\n"
      "  0010  68 69                                      \"hi\"\n"
      "  0012  1b                                     4: map\n"
      "  0013  01 51                                    map of 1 i32 to bool\n"
      "  0015  0a                                         5\n"
      "  0016  01                                         true\n"
      "  0017  11                                     5: bool = true\n"
      "  0018  17                                     6: double\n"
      "  0019  00 00 00 00 00 00 f0 3f                  1\n"
      "  0021  00                                     end of struct\n"
      "  0022  18                                   2: string\n"
      "  0023  01                                     length 1\n"
      "  0024  ff                                     \"\\xff\"\n"
      "  0025  00                                   end of struct\n");
}

static void
a_header_is_told (void)
{
  check_annotated (
      "0fff 0000 00000003 0003 00 00 01 01 026964 0178 000000 80010004 00000001 61 00000003 00",
      NULL,
      "  0000  0f ff 00 00 00 00 00 03 00 03        header transport, flags 0x0000, seqid 3, 12 "
      "bytes of headers\n"
      "  000a  00                                   protocol 0: binary\n"
      "  000b  00                                   0 transforms\n"
      "  000c  01 01                                1 headers\n"
      "  000e  02 69 64 01 78                         \"id\": \"x\"\n"
      "  0013  00 00 00                             padding\n"
      "  0016  80 01 00 04                          binary protocol, oneway\n"
      "  001a  00 00 00 01 61                       name \"a\"\n"
      "  001f  00 00 00 03                          seqid 3\n"
      "  0023  00                                   end of struct\n");
}

static void
what_the_idl_says_otherwise_is_told (void)
{
  g_autoptr (CliIdl) names = cli_test_load (idl);

  check_annotated (
      "80010001 00000004 63616c6c 00000000 080001 00000001 060009 0001 00", names,
      "  0000  80 01 00 01                          binary protocol, call\n"
      "  0004  00 00 00 04 63 61 6c 6c              name \"call\"\n"
      "  000c  00 00 00 00                          seqid 0\n"
      "  0010  08 00 01                             1: i32, where the IDL has struct p\n"
      "  0013  00 00 00 01                            1\n"
      "  0017  06 00 09                             9: i16, which the IDL does not have in "
      "call_args\n"
      "  001a  00 01                                  1\n"
      "  001c  00                                   end of call_args\n");
}

static void
a_damaged_message_says_where (void)
{
  static const struct
  {
    const gchar *hex;
    const gchar *damage;
  } cases[] = {
    { "", "byte 0 (0x0): a message needs 4 bytes, and 0 are left" },
    { "80020001", "byte 0 (0x0): no message of the binary protocol begins with 0x8002" },
    { "80010009", "byte 3 (0x3): there is no message type 9" },
    { "80010001 00000004 6161", "byte 4 (0x4): a name of 4 bytes is announced, and 2 are left" },
    { "80010001 00000000 00000000 090001", "byte 12 (0xc): there is no type 9" },
    { "80010001 00000000 00000000 0b0001 00000005 61",
      "byte 15 (0xf): a string of 5 bytes is announced, and 1 are left" },
    { "80010001 00000000 00000000 0b0001 ffffffff",
      "byte 15 (0xf): a string's length is negative: -1" },
    { "80010001 00000000 00000000 0f0001 08 7fffffff",
      "byte 15 (0xf): a list of 2147483647 is announced, and 0 bytes are left" },
    { "80010001 00000000 00000000 0d0001 0b0b 00000001",
      "byte 15 (0xf): a map of 1 is announced, and 0 bytes are left" },
    { "80010001 00000000 00000000 020001", "byte 15 (0xf): bool needs 1 bytes, and 0 are left" },
    { "8221 01 00 15 ffffffffff7f", "byte 5 (0x5): i32 has more than 32 bits" },
    { "8222 01 00 00", "byte 1 (0x1): there is no version 2 of the compact protocol" },
    { "0fff 0000 00000000 0001 07000000",
      "byte 10 (0xa): protocol 7 is neither binary nor compact" },
    { "0fff 0000 00000000 0001 00010100 00", "byte 14 (0xe): it cannot be inflated" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = parse_hex (cases[i].hex);
      g_autoptr (CliMessage) message =
          read_message (bytes->data, bytes->len, CLI_FORM_AUTO, NULL, NULL);
      const gchar *damage = cli_message_get_damage (message);

      CU_ASSERT_PTR_NOT_NULL_FATAL (damage);
      if (!g_str_has_prefix (damage, cases[i].damage))
        assert_string (damage, cases[i].damage);
    }
}

static void
nesting_has_a_limit (void)
{
  g_autoptr (GByteArray) bytes = parse_hex ("80010001 00000000 00000000");
  g_autoptr (CliMessage) message = NULL;

  for (guint i = 0; i < 100000; i++)
    g_byte_array_append (bytes, (const guint8 *) "\x0c\0\1", 3);
  message = read_message (bytes->data, bytes->len, CLI_FORM_AUTO, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (strstr (cli_message_get_damage (message), "nest deeper than 64"));
}

/* Whatever a byte of it is and wherever it ends, it is read without a fault and to its last byte. */
static void
every_change_is_borne (void)
{
  g_autoptr (GByteArray) whole = parse_hex (binary);
  g_autoptr (CliIdl) names = cli_test_load (idl);

  for (guint at = 0; at < whole->len; at++)
    for (guint change = 0; change < 8; change++)
      {
        g_autofree guint8 *bytes = g_memdup2 (whole->data, whole->len);
        g_autofree guint8 *part = g_memdup2 (whole->data, at);

        bytes[at] ^= 1 << change;
        cli_message_free (read_message (bytes, whole->len, CLI_FORM_AUTO, find_in, names));
        cli_message_free (
            read_message (part, at, change % 2 ? CLI_FORM_COMPACT : CLI_FORM_BINARY, NULL, NULL));
      }
}

static guint
read_corpus (const gchar *name)
{
  g_autofree gchar *path = g_build_filename (FUZZ_DIR, name, NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const gchar *file;
  guint count = 0;

  CU_ASSERT_PTR_NOT_NULL_FATAL (directory);
  while ((file = g_dir_read_name (directory)) != NULL)
    {
      g_autofree gchar *whole = g_build_filename (path, file, NULL);
      g_autofree gchar *text = NULL;
      gsize length;

      CU_ASSERT_TRUE_FATAL (g_file_get_contents (whole, &text, &length, NULL));
      for (gsize skipped = 0; skipped <= 4 && skipped <= length;
           skipped++) /* the targets' own choices come first */
        for (CliForm form = CLI_FORM_AUTO; form <= CLI_FORM_COMPACT; form++)
          cli_message_free (
              read_message ((const guint8 *) text + skipped, length - skipped, form, NULL, NULL));
      count++;
    }
  return count;
}

static void
the_fuzz_corpora_are_read (void)
{
  CU_ASSERT (read_corpus ("codec") > 10);
  CU_ASSERT (read_corpus ("header") > 3);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_byte_of_binary_is_told),
    TEST (each_byte_of_compact_is_told),
    TEST (a_header_is_told),
    TEST (what_the_idl_says_otherwise_is_told),
    TEST (a_damaged_message_says_where),
    TEST (nesting_has_a_limit),
    TEST (every_change_is_borne),
    TEST (the_fuzz_corpora_are_read),
    { NULL, NULL },
  };

  return test_main ("cli-message", cases, argc, argv);
}
