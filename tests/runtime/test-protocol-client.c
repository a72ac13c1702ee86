/* Whole messages through Apache's protocols, and a program's own calls of a protocol in between. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>

#include "harness.h"
#include "protocol-fixture.h"
#include "tally-client.h"

/* ---- a protocol that the program uses as well ---- */

/* A struct by hand with one of ours in it, between fields whose ids the compact protocol counts. */
static void
write_by_hand (ThriftProtocol *protocol, gpointer inner)
{
  GError *error = NULL;

  thrift_protocol_write_struct_begin (protocol, "Outer", &error);
  thrift_protocol_write_field_begin (protocol, "flag", T_BOOL, 3, &error);
  thrift_protocol_write_bool (protocol, TRUE, &error);
  thrift_protocol_write_field_end (protocol, &error);
  thrift_protocol_write_field_begin (protocol, "inner", T_STRUCT, 7, &error);
  CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (inner), protocol, &error) > 0);
  thrift_protocol_write_field_end (protocol, &error);
  thrift_protocol_write_field_begin (protocol, "number", T_I32, 9, &error);
  thrift_protocol_write_i32 (protocol, -5, &error);
  thrift_protocol_write_field_end (protocol, &error);
  thrift_protocol_write_field_stop (protocol, &error);
  thrift_protocol_write_struct_end (protocol, &error);
  assert_no_error (error);
}

static void
expect_field (ThriftProtocol *protocol, ThriftType type, gint16 id)
{
  g_autofree gchar *name = NULL;
  ThriftType found_type = T_VOID;
  gint16 found_id = -1;

  CU_ASSERT_TRUE (thrift_protocol_read_field_begin (protocol, &name, &found_type, &found_id, NULL)
                  >= 0);
  assert_int (found_type, type);
  assert_int (found_id, id);
}

static void
read_by_hand (ThriftProtocol *protocol, gpointer inner)
{
  g_autoptr (GObject) back = g_object_new (G_OBJECT_TYPE (inner), NULL);
  g_autofree gchar *name = NULL;
  GError *error = NULL;
  gboolean flag = FALSE;
  gint32 number = 0;

  thrift_protocol_read_struct_begin (protocol, &name, &error);
  expect_field (protocol, T_BOOL, 3);
  thrift_protocol_read_bool (protocol, &flag, &error);
  CU_ASSERT_TRUE (flag);
  expect_field (protocol, T_STRUCT, 7);
  CU_ASSERT_TRUE (thrift_struct_read (THRIFT_STRUCT (back), protocol, &error) > 0);
  CU_ASSERT_TRUE (tally_struct_equal (back, inner));
  expect_field (protocol, T_I32, 9);
  thrift_protocol_read_i32 (protocol, &number, &error);
  assert_int (number, -5);
  expect_field (protocol, T_STOP, 0);
  thrift_protocol_read_struct_end (protocol, &error);
  assert_no_error (error);
}

static void
a_programs_own_calls_fit_in_between (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_auto (Way) quick, walked;

    way_open (&quick, WAY_OWN, compact, FALSE, NULL, 0);
    way_open (&walked, WAY_OWN, compact, TRUE, NULL, 0);
    write_by_hand (quick.protocol, all);
    write_by_hand (walked.protocol, all);
    CU_ASSERT_EQUAL_FATAL (quick.pipe->output->len, walked.pipe->output->len);
    CU_ASSERT_TRUE (
        memcmp (quick.pipe->output->data, walked.pipe->output->data, quick.pipe->output->len) == 0);
    FOR_EACH_WAY (kind)
    if (kind != WAY_ZLIB)
      {
        g_auto (Way) way;

        way_open (&way, kind, compact, FALSE, quick.pipe->output->data, quick.pipe->output->len);
        read_by_hand (way.protocol, all);
      }
  }
}

/* A bool whose header is read, or due to be written, is the protocol's own to finish. */
static void
a_pending_bool_is_not_lost (void)
{
  g_autoptr (GObject) choice = g_object_new (fix_choice_get_type (), NULL);
  g_autoptr (GObject) empty = g_object_new (fix_empty_get_type (), NULL);
  static const guint8 bytes[] = { 0x11, 0, 0 };
  g_auto (Way) out, in;
  gboolean flag = FALSE;

  way_open (&in, WAY_OWN, TRUE, FALSE, bytes, sizeof bytes);
  expect_field (in.protocol, T_BOOL, 1);
  CU_ASSERT_TRUE (thrift_struct_read (THRIFT_STRUCT (choice), in.protocol, NULL) > 0);
  assert_int (thrift_protocol_read_bool (in.protocol, &flag, NULL), 0);
  CU_ASSERT_TRUE (flag);

  way_open (&out, WAY_OWN, TRUE, FALSE, NULL, 0);
  thrift_protocol_write_field_begin (out.protocol, "flag", T_BOOL, 1, NULL);
  CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (empty), out.protocol, NULL) > 0);
  thrift_protocol_write_bool (out.protocol, TRUE, NULL);
  assert_int (out.pipe->output->len, 2);
  assert_int (out.pipe->output->data[1], 0x11);
}

/* ---- messages ---- */

static const TallyMethod count_method = {
  TALLY_METHOD_NAME ("count"),
  .args = &fix_args_info,
  .result = &fix_count_result_info,
};

static TallyClient *
new_client (gpointer protocol)
{
  return g_object_new (TALLY_TYPE_CLIENT, "input_protocol", protocol, "output_protocol", protocol,
                       NULL);
}

static void
send_request (Way *way, gboolean multiplexed)
{
  g_autoptr (GObject) decorator =
      multiplexed ? g_object_new (THRIFT_TYPE_MULTIPLEXED_PROTOCOL, "service-name", "svc",
                                  "protocol", way->protocol, "transport", way->transport, NULL)
                  : NULL;
  g_autoptr (GObject) client =
      G_OBJECT (new_client (decorator != NULL ? (gpointer) decorator : way->protocol));
  FixArgs args = { .text = (gchar *) "text", .count = 9 };
  GError *error = NULL;

  CU_ASSERT_TRUE (tally_client_send (client, &count_method, &args, &error));
  assert_no_error (error);
  assert_int (way->pipe->n_flushes, 1);
}

static void
a_request_is_one_write (void)
{
  FOR_EACH_PROTOCOL (compact)
  for (gboolean multiplexed = FALSE; multiplexed <= TRUE; multiplexed++)
    {
      g_auto (Way) quick, walked;

      way_open (&quick, WAY_OWN, compact, FALSE, NULL, 0);
      way_open (&walked, WAY_OWN, compact, TRUE, NULL, 0);
      send_request (&quick, multiplexed);
      send_request (&walked, multiplexed);
      assert_int (quick.pipe->n_writes, 1);
      assert_int (quick.pipe->output->len, walked.pipe->output->len);
      CU_ASSERT_TRUE (
          memcmp (quick.pipe->output->data, walked.pipe->output->data, walked.pipe->output->len)
          == 0);
    }
}

/* What receiving a reply comes to: the number, or an error. */
static gint32
receive (WayKind kind, gboolean compact, gboolean walked, const TallyBuffer *bytes, GError **error)
{
  g_autoptr (GObject) client = NULL;
  gint32 number = -1;
  gpointer results[] = { &number };
  g_auto (Way) way;

  way_open (&way, kind, compact, walked, bytes->data, bytes->length);
  client = G_OBJECT (new_client (way.protocol));
  TALLY_CLIENT (client)->seqid = 7;
  tally_client_recv (client, &count_method, results, error);
  return number;
}

static void
compare_reply (gboolean compact, const TallyBuffer *bytes)
{
  g_autoptr (GError) expected = NULL;
  const gint32 number = receive (WAY_OWN, compact, TRUE, bytes, &expected);

  FOR_EACH_WAY (kind)
  if (way_tells_the_end (kind) && (kind != WAY_MEMORY || expected == NULL))
    {
      g_autoptr (GError) error = NULL;

      assert_int (receive (kind, compact, FALSE, bytes, &error), number);
      if (expected != NULL)
        assert_error (error, expected->domain, expected->code, NULL);
      else
        assert_no_error (error);
    }
}

static void
write_reply (
    TallyBuffer *bytes, gboolean compact, const gchar *name, ThriftMessageType type, gint32 seqid)
{
  const TallyCodec *codec = compact ? &tally_codec_compact : &tally_codec_binary;
  const FixCountResult result = { 42, TRUE };
  const TallyApplicationException exception = { (gchar *) "why", 6, TRUE, TRUE };

  codec->write_message (bytes, name, strlen (name), type, seqid);
  if (type == T_EXCEPTION)
    codec->write_struct (bytes, &tally_application_exception_info, &exception, NULL);
  else
    codec->write_struct (bytes, &fix_count_result_info, &result, NULL);
}

static void
replies_come_to_the_same (void)
{
  static const struct
  {
    const gchar *name;
    ThriftMessageType type;
    gint32 seqid;
  } replies[] = { { "count", T_REPLY, 7 },
                  { "count", T_EXCEPTION, 7 },
                  { "counts", T_REPLY, 7 },
                  { "count", T_REPLY, 6 },
                  { "count", T_CALL, 7 } };

  FOR_EACH_PROTOCOL (compact)
  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      TallyBuffer bytes = { NULL };

      write_reply (&bytes, compact, replies[i].name, replies[i].type, replies[i].seqid);
      for (const gsize length = bytes.length; bytes.length > 0; bytes.length--)
        if (i < 2 || bytes.length == length)
          compare_reply (compact, &bytes);
      tally_buffer_clear (&bytes);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_programs_own_calls_fit_in_between),
    TEST (a_pending_bool_is_not_lost),
    TEST (a_request_is_one_write),
    TEST (replies_come_to_the_same),
    { NULL, NULL },
  };

  return test_main ("protocol", cases, argc, argv);
}
