/* The walker over Apache's own protocols, and both against the codec: what one writes the other
 * reads. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "fixture.h"
#include "harness.h"
#include "tally-error.h"

/* Apache's memory buffer, but one whose end is an error: its own reads nothing, for ever. */
typedef ThriftMemoryBuffer EndingBuffer;
typedef ThriftMemoryBufferClass EndingBufferClass;
static GType ending_buffer_get_type (void);
G_DEFINE_TYPE (EndingBuffer, ending_buffer, THRIFT_TYPE_MEMORY_BUFFER)

static gint32
ending_buffer_read (ThriftTransport *transport, gpointer bytes, guint32 length, GError **error)
{
  if (THRIFT_MEMORY_BUFFER (transport)->buf->len >= length)
    return THRIFT_TRANSPORT_CLASS (ending_buffer_parent_class)
        ->read (transport, bytes, length, error);
  g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
                       "the buffer has ended");
  return -1;
}

/* Passes its class's own finalizer by, which does not chain up and so leaks. */
static void
ending_buffer_finalize (GObject *object)
{
  g_byte_array_unref (THRIFT_MEMORY_BUFFER (object)->buf);
  G_OBJECT_CLASS (g_type_class_peek (THRIFT_TYPE_TRANSPORT))->finalize (object);
}

static void
ending_buffer_class_init (EndingBufferClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ending_buffer_finalize;
  THRIFT_TRANSPORT_CLASS (class)->read = ending_buffer_read;
}

static void
ending_buffer_init (EndingBuffer *self)
{
}

typedef struct
{
  ThriftTransport *transport;
  ThriftProtocol *protocol;
  const TallyCodec *codec;
} Peer;

static void
peer_init (Peer *peer, gboolean compact)
{
  peer->transport = g_object_new (ending_buffer_get_type (), "buf_size", 1 << 20, NULL);
  peer->protocol =
      g_object_new (compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
                    "transport", peer->transport, NULL);
  peer->codec = compact ? &tally_codec_compact : &tally_codec_binary;
}

static void
peer_clear (Peer *peer)
{
  g_object_unref (peer->protocol);
  g_object_unref (peer->transport);
}

static GByteArray *
peer_bytes (Peer *peer)
{
  return THRIFT_MEMORY_BUFFER (peer->transport)->buf;
}

static void
peer_feed (Peer *peer, gconstpointer bytes, gsize length)
{
  GError *error = NULL;

  CU_ASSERT_TRUE (
      thrift_transport_write (peer->transport, (gpointer) bytes, (guint32) length, &error));
  assert_no_error (error);
}

#define FOR_EACH_PEER(compact) for (gboolean compact = FALSE; compact <= TRUE; compact++)

static void
test_walker_writes_what_the_codec_reads (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      TallyReader reader;
      GError *error = NULL;
      gint32 written;
      Peer peer;

      peer_init (&peer, compact);
      CU_ASSERT_TRUE (
          tally_walker_write_struct (peer.protocol, &fix_all_info, all, &written, &error));
      assert_no_error (error);
      assert_int (written, peer_bytes (&peer)->len);
      tally_reader_init (&reader, peer_bytes (&peer)->data, peer_bytes (&peer)->len,
                         &tally_limits_default);
      CU_ASSERT_TRUE (peer.codec->read_struct (&reader, &fix_all_info, back, &error));
      assert_no_error (error);
      CU_ASSERT_PTR_EQUAL (reader.cursor, reader.end);
      CU_ASSERT_TRUE (tally_struct_equal (all, back));
      peer_clear (&peer);
    }
}

static void
test_walker_reads_what_the_codec_writes (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
      g_autoptr (GObject) back = (GObject *) fix_all_new_full (!compact);
      TallyBuffer buffer = { NULL };
      GError *error = NULL;
      gint32 count;
      Peer peer;

      peer_init (&peer, compact);
      CU_ASSERT_TRUE (peer.codec->write_struct (&buffer, &fix_all_info, all, &error));
      assert_no_error (error);
      peer_feed (&peer, buffer.data, buffer.length);
      CU_ASSERT_TRUE (
          tally_walker_read_struct (peer.protocol, &fix_all_info, back, &count, &error));
      assert_no_error (error);
      assert_int (count, buffer.length);
      CU_ASSERT_TRUE (tally_struct_equal (all, back));
      tally_buffer_clear (&buffer);
      peer_clear (&peer);
    }
}

/* Apache's own functions on Tally's bytes and the other way round: the header, and a struct through
 * TallyStruct's vfuncs. */
static void
test_headers_interoperate (void)
{
  FOR_EACH_PEER (compact)
    {
      TallyBuffer buffer = { NULL };
      TallyReader reader;
      TallyMessage message;
      ThriftMessageType type;
      gchar *name = NULL;
      gint32 seqid;
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      peer.codec->write_message (&buffer, "someMethod", 10, T_REPLY, -77);
      peer_feed (&peer, buffer.data, buffer.length);
      CU_ASSERT_TRUE (
          thrift_protocol_read_message_begin (peer.protocol, &name, &type, &seqid, &error) > 0);
      assert_no_error (error);
      assert_string (name, "someMethod");
      assert_int (type, T_REPLY);
      assert_int (seqid, -77);
      g_free (name);

      CU_ASSERT_TRUE (
          thrift_protocol_write_message_begin (peer.protocol, "other", T_ONEWAY, G_MININT32, &error)
          > 0);
      assert_no_error (error);
      tally_reader_init (&reader, peer_bytes (&peer)->data, peer_bytes (&peer)->len,
                         &tally_limits_default);
      CU_ASSERT_TRUE (peer.codec->read_message (&reader, &message, &error));
      assert_no_error (error);
      assert_int (message.name_length, 5);
      CU_ASSERT_TRUE (memcmp (message.name, "other", 5) == 0);
      assert_int (message.type, T_ONEWAY);
      assert_int (message.seqid, G_MININT32);
      tally_buffer_clear (&buffer);
      peer_clear (&peer);
    }
}

static void
test_vfuncs_return_bytes (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) point = (GObject *) fix_point_new (3, "t");
      g_autoptr (GObject) back = g_object_new (fix_point_get_type (), NULL);
      GError *error = NULL;
      gint32 written;
      Peer peer;

      peer_init (&peer, compact);
      written = thrift_struct_write (THRIFT_STRUCT (point), peer.protocol, &error);
      assert_no_error (error);
      assert_int (written, peer_bytes (&peer)->len);
      assert_int (thrift_struct_read (THRIFT_STRUCT (back), peer.protocol, &error), written);
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (point, back));
      assert_int (thrift_struct_read (THRIFT_STRUCT (back), peer.protocol, &error), -1);
      CU_ASSERT_PTR_NOT_NULL (error);
      g_clear_error (&error);
      peer_clear (&peer);
    }
}

static void
test_nothing_is_written_before_an_error (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) node = g_object_new (fix_node_get_type (), "value", 3, NULL);
      g_autoptr (GObject) choice = g_object_new (fix_choice_get_type (), "number", 1, NULL);
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      g_ptr_array_add (((FixNode *) node)->children, NULL);
      assert_int (thrift_struct_write (THRIFT_STRUCT (node), peer.protocol, &error), -1);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "Node.children: element 0");
      g_clear_error (&error);
      g_ptr_array_set_free_func (((FixNode *) node)->children, NULL);
      g_clear_object (&((FixChoice *) choice)->point);
      ((FixChoice *) choice)->__isset_point = TRUE;
      assert_int (thrift_struct_write (THRIFT_STRUCT (choice), peer.protocol, &error), -1);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "union Choice: the field point");
      g_clear_error (&error);
      assert_int (peer_bytes (&peer)->len, 0);
      peer_clear (&peer);
    }
}

/* Structs that have nothing which could not be written are told by their table; among them may be none. */
static void
test_structs_in_a_list_are_checked_by_table (void)
{
  static const TallyType list_oops = TALLY_LIST_OF (&fix_oops_info.type);
  static const TallyType list_point = TALLY_LIST_OF (&fix_point_info.type);
  static const TallyField fields[] = {
    { .name = "oopses", .id = 1, .type = &list_oops, .isset_offset = TALLY_NO_ISSET },
    { .name = "points",
      .id = 2,
      .offset = sizeof (gpointer),
      .isset_offset = TALLY_NO_ISSET,
      .type = &list_point },
  };
  typedef struct
  {
    GPtrArray *oopses, *points;
  } Lot;
  static const TallyStructInfo info = TALLY_INLINE_INFO (TALLY_FORM_ARGS, "Lot", Lot, fields);

  FOR_EACH_PEER (compact)
    {
      Lot lot = { g_ptr_array_new (), g_ptr_array_new () };
      g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      g_ptr_array_add (lot.oopses, oops);
      CU_ASSERT_TRUE (tally_walker_write_struct (peer.protocol, &info, &lot, NULL, &error));
      assert_no_error (error);
      g_byte_array_set_size (peer_bytes (&peer), 0);
      g_ptr_array_add (lot.oopses, NULL);
      CU_ASSERT_FALSE (tally_walker_write_struct (peer.protocol, &info, &lot, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "Lot.oopses: element 1 is NULL");
      g_clear_error (&error);
      g_ptr_array_set_size (lot.oopses, 1);
      g_ptr_array_add (lot.points, fix_point_new (1, "tag"));
      g_ptr_array_add (((FixPoint *) g_ptr_array_index (lot.points, 0))->tags, NULL);
      g_ptr_array_add (lot.points, NULL);
      CU_ASSERT_FALSE (tally_walker_write_struct (peer.protocol, &info, &lot, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "Lot.points: element 1 is NULL");
      g_clear_error (&error);
      assert_int (peer_bytes (&peer)->len, 0);
      g_object_unref (g_ptr_array_index (lot.points, 0));
      g_ptr_array_unref (lot.points);
      g_ptr_array_unref (lot.oopses);
      peer_clear (&peer);
    }
}

/* What comes replaces what a used union held, and every field that comes is kept. */
static void
test_union_travels_as_it_is_set (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) none = g_object_new (fix_choice_get_type (), NULL);
      g_autoptr (GObject) two =
          g_object_new (fix_choice_get_type (), "number", 7, "text", "", NULL);
      g_autoptr (GObject) back = g_object_new (fix_choice_get_type (), "number", 9, NULL);
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      assert_int (thrift_struct_write (THRIFT_STRUCT (none), peer.protocol, &error), 1);
      assert_int (thrift_struct_read (THRIFT_STRUCT (back), peer.protocol, &error), 1);
      CU_ASSERT_TRUE (tally_struct_equal (back, none));
      CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (two), peer.protocol, &error) > 1);
      CU_ASSERT_TRUE (thrift_struct_read (THRIFT_STRUCT (back), peer.protocol, &error) > 1);
      CU_ASSERT_TRUE (tally_struct_equal (back, two));
      assert_no_error (error);
      peer_clear (&peer);
    }
}

static void
test_uuid_needs_the_binary_protocol (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  GError *error = NULL;
  Peer peer;

  peer_init (&peer, TRUE);
  CU_ASSERT_FALSE (tally_walker_write_struct (peer.protocol, &fix_all_info, all, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "a_uuid");
  g_clear_error (&error);
  assert_int (peer_bytes (&peer)->len, 0);
  peer_clear (&peer);
}

static void
test_string_with_nul_is_refused (void)
{
  FOR_EACH_PEER (compact)
    {
      static const guint8 binary[] = { 11, 0, 1, 0, 0, 0, 3, 'a', 0, 'b', 0 };
      static const guint8 compact_bytes[] = { 0x18, 3, 'a', 0, 'b', 0 };
      g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      if (compact)
        peer_feed (&peer, compact_bytes, sizeof compact_bytes);
      else
        peer_feed (&peer, binary, sizeof binary);
      CU_ASSERT_FALSE (
          tally_walker_read_struct (peer.protocol, &fix_oops_info, oops, NULL, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                    "Oops.message");
      g_clear_error (&error);
      peer_clear (&peer);
    }
}

/* Every way in which a message can end early, over Apache's protocol. */
static void
test_every_truncation_fails (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
      TallyBuffer buffer = { NULL };
      GError *error = NULL;
      Peer peer;

      peer_init (&peer, compact);
      CU_ASSERT_TRUE (peer.codec->write_struct (&buffer, &fix_all_info, all, &error));
      assert_no_error (error);
      peer_clear (&peer);
      for (gsize length = 0; length < buffer.length; length += 1 + length / 64)
        {
          g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);

          peer_init (&peer, compact);
          peer_feed (&peer, buffer.data, length);
          CU_ASSERT_FALSE (
              tally_walker_read_struct (peer.protocol, &fix_all_info, back, NULL, &error));
          CU_ASSERT_PTR_NOT_NULL (error);
          g_clear_error (&error);
          peer_clear (&peer);
        }
      tally_buffer_clear (&buffer);
    }
}

static void
test_depth_is_capped (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GObject) node = g_object_new (fix_node_get_type (), NULL);
      GError *error = NULL;
      Peer peer;

      /* next in next in next … */
      for (guint i = 0; i < 100000; i++)
        g_byte_array_append (bytes,
                             compact ? (const guint8 *) "\x2c" : (const guint8 *) "\x0c\x00\x02",
                             compact ? 1 : 3);
      peer_init (&peer, compact);
      peer_feed (&peer, bytes->data, bytes->len);
      CU_ASSERT_FALSE (
          tally_walker_read_struct (peer.protocol, &fix_node_info, node, NULL, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT, NULL);
      g_clear_error (&error);
      CU_ASSERT_FALSE (tally_walker_skip (peer.protocol, T_STRUCT, NULL, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT, NULL);
      g_clear_error (&error);
      peer_clear (&peer);
    }
}

static void
test_skip_counts_bytes (void)
{
  FOR_EACH_PEER (compact)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
      GError *error = NULL;
      gint32 written, skipped;
      Peer peer;

      peer_init (&peer, compact);
      CU_ASSERT_TRUE (
          tally_walker_write_struct (peer.protocol, &fix_all_info, all, &written, &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_walker_skip (peer.protocol, T_STRUCT, &skipped, &error));
      assert_no_error (error);
      assert_int (skipped, written);
      peer_clear (&peer);
    }
}

static void
test_decorated_protocol (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (3, "t");
  g_autoptr (GObject) multiplexed = NULL;
  TallyReader reader;
  GError *error = NULL;
  Peer peer;

  peer_init (&peer, FALSE);
  multiplexed = g_object_new (THRIFT_TYPE_MULTIPLEXED_PROTOCOL, "service-name", "svc", "protocol",
                              peer.protocol, "transport", peer.transport, NULL);
  CU_ASSERT_TRUE (tally_walker_write_struct (THRIFT_PROTOCOL (multiplexed), &fix_point_info, point,
                                             NULL, &error));
  assert_no_error (error);
  tally_reader_init (&reader, peer_bytes (&peer)->data, peer_bytes (&peer)->len,
                     &tally_limits_default);
  CU_ASSERT_TRUE (tally_codec_binary.skip (&reader, T_STRUCT, &error));
  assert_no_error (error);
  CU_ASSERT_PTR_EQUAL (reader.cursor, reader.end);
  peer_clear (&peer);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_walker_writes_what_the_codec_reads),
    TEST (test_walker_reads_what_the_codec_writes),
    TEST (test_headers_interoperate),
    TEST (test_vfuncs_return_bytes),
    TEST (test_nothing_is_written_before_an_error),
    TEST (test_structs_in_a_list_are_checked_by_table),
    TEST (test_union_travels_as_it_is_set),
    TEST (test_uuid_needs_the_binary_protocol),
    TEST (test_string_with_nul_is_refused),
    TEST (test_every_truncation_fails),
    TEST (test_depth_is_capped),
    TEST (test_skip_counts_bytes),
    TEST (test_decorated_protocol),
    { NULL },
  };

  return test_main ("walker", cases, argc, argv);
}
