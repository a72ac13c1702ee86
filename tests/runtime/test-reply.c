/* Owns the tests of what a reply's struct may hold: one field of a result, each field of a
 * TApplicationException once. Anything more is a reply that lost its end with another behind it. */
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "fixture.h"
#include "harness.h"
#include "wire-compact-private.h"

typedef struct
{
  gint16 id;
  guint8 wire;
} Sent;

#define MAX_SENT 3

typedef struct
{
  const gchar *name;
  const TallyStructInfo *info;
  gboolean is_fine;
  Sent sent[MAX_SENT]; /* up to the first without wire type */
} Shape;

/* A bool that is true, the number 1, "a", a list of one number, an empty struct. */
static void
append_value (TallyBuffer *buffer, gboolean compact, guint8 wire)
{
  switch (wire)
    {
    case T_BOOL:
      if (!compact)
        tally_buffer_append (buffer, "\1", 1);
      return;
    case T_I32:
      tally_buffer_append (buffer, compact ? "\2" : "\0\0\0\1", compact ? 1 : 4);
      return;
    case T_STRING:
      tally_buffer_append (buffer, compact ? "\1a" : "\0\0\0\1a", compact ? 2 : 5);
      return;
    case T_LIST:
      tally_buffer_append (buffer, compact ? "\x15\2" : "\x08\0\0\0\1\0\0\0\1", compact ? 2 : 9);
      return;
    default:
      tally_buffer_append (buffer, "", 1);
    }
}

static void
append_shape (TallyBuffer *buffer, gboolean compact, const Shape *shape)
{
  for (guint i = 0; i < MAX_SENT && shape->sent[i].wire != T_STOP; i++)
    {
      const Sent *sent = &shape->sent[i];
      const guint8 long_form[] = { tally_compact_types[sent->wire], sent->id * 2 };
      const guint8 plain[] = { sent->wire, 0, sent->id };

      tally_buffer_append (buffer, compact ? long_form : plain, compact ? 2 : 3);
      append_value (buffer, compact, sent->wire);
    }
  tally_buffer_append (buffer, "", 1);
}

static gboolean
read_by_codec (const TallyBuffer *bytes,
               gboolean compact,
               const TallyStructInfo *info,
               gpointer instance,
               GError **error)
{
  TallyReader reader;

  tally_reader_init (&reader, bytes->data, bytes->length, &tally_limits_default);
  return (compact ? &tally_codec_compact : &tally_codec_binary)
      ->read_struct (&reader, info, instance, error);
}

static gboolean
read_by_walker (const TallyBuffer *bytes,
                gboolean compact,
                const TallyStructInfo *info,
                gpointer instance,
                GError **error)
{
  g_autoptr (GByteArray) copy = g_byte_array_new ();
  g_autoptr (GObject) transport = NULL;
  g_autoptr (GObject) protocol = NULL;

  g_byte_array_append (copy, bytes->data, bytes->length);
  transport =
      test_keep (g_object_new (THRIFT_TYPE_MEMORY_BUFFER, "buf", copy, "owner", FALSE, NULL));
  protocol = g_object_new (compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
                           "transport", transport, NULL);
  return tally_walker_read_struct (THRIFT_PROTOCOL (protocol), info, instance, NULL, error);
}

typedef gboolean (*Read) (const TallyBuffer *bytes,
                          gboolean compact,
                          const TallyStructInfo *info,
                          gpointer instance,
                          GError **error);

static void
check_shape (const Shape *shape, gboolean compact, Read read)
{
  gint64 memory[16] = { 0 };
  TallyBuffer bytes = { NULL, 0, 0 };
  g_autoptr (GError) error = NULL;

  append_shape (&bytes, compact, shape);
  if (read (&bytes, compact, shape->info, memory, &error) != shape->is_fine)
    g_printerr ("# %s\n", shape->name);
  if (shape->is_fine)
    assert_no_error (error);
  else
    assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                  shape->info->name);
  tally_struct_dispose_instance (shape->info, memory);
  tally_buffer_clear (&bytes);
}

static void
check_shapes (const Shape *shapes, guint n)
{
  for (guint i = 0; i < n; i++)
    for (gboolean compact = FALSE; compact <= TRUE; compact++)
      {
        check_shape (&shapes[i], compact, read_by_codec);
        check_shape (&shapes[i], compact, read_by_walker);
      }
}

static void
a_result_has_one_field (void)
{
  static const Shape shapes[] = {
    { "a number", &fix_count_result_info, TRUE, { { 0, T_I32 } } },
    { "nothing", &fix_count_result_info, TRUE, { { 0 } } },
    { "an unknown exception", &fix_count_result_info, TRUE, { { 5, T_STRUCT } } },
    { "another type", &fix_count_result_info, TRUE, { { 0, T_STRING } } },
    { "a number twice", &fix_count_result_info, FALSE, { { 0, T_I32 }, { 0, T_I32 } } },
    { "a number and more", &fix_count_result_info, FALSE, { { 0, T_I32 }, { 9, T_BOOL } } },
    { "more and a number", &fix_count_result_info, FALSE, { { 9, T_BOOL }, { 0, T_I32 } } },
    { "two unknown fields", &fix_count_result_info, FALSE, { { 8, T_BOOL }, { 9, T_BOOL } } },
    { "a list", &fix_list_result_info, TRUE, { { 0, T_LIST } } },
    { "an exception", &fix_list_result_info, TRUE, { { 1, T_STRUCT } } },
    { "a list twice", &fix_list_result_info, FALSE, { { 0, T_LIST }, { 0, T_LIST } } },
    { "a list, an exception", &fix_list_result_info, FALSE, { { 0, T_LIST }, { 1, T_STRUCT } } },
    { "an exception, a list", &fix_list_result_info, FALSE, { { 1, T_STRUCT }, { 0, T_LIST } } },
    { "an exception twice", &fix_list_result_info, FALSE, { { 1, T_STRUCT }, { 1, T_STRUCT } } },
    { "another type, a list", &fix_list_result_info, FALSE, { { 0, T_I32 }, { 0, T_LIST } } },
    { "more, an exception", &fix_list_result_info, FALSE, { { 9, T_BOOL }, { 1, T_STRUCT } } },
  };

  check_shapes (shapes, G_N_ELEMENTS (shapes));
}

#define EXCEPTION "an exception: ", &tally_application_exception_info

static void
an_application_exception_has_no_field_twice (void)
{
  static const Shape shapes[] = {
    { EXCEPTION, TRUE, { { 1, T_STRING }, { 2, T_I32 } } },
    { EXCEPTION, TRUE, { { 2, T_I32 }, { 1, T_STRING } } },
    { EXCEPTION, TRUE, { { 1, T_STRING }, { 7, T_STRING }, { 2, T_I32 } } },
    { EXCEPTION, TRUE, { { 0 } } },
    { EXCEPTION, FALSE, { { 1, T_STRING }, { 1, T_STRING } } },
    { EXCEPTION, FALSE, { { 1, T_STRING }, { 2, T_I32 }, { 1, T_STRING } } },
    { EXCEPTION, FALSE, { { 1, T_STRING }, { 2, T_I32 }, { 2, T_I32 } } },
    { EXCEPTION, FALSE, { { 1, T_STRING }, { 2, T_I32 }, { 0, T_STRING } } },
    { EXCEPTION, FALSE, { { 0, T_I32 } } },
  };

  check_shapes (shapes, G_N_ELEMENTS (shapes));
}

/* What is sent is as it was. */
static void
an_application_exception_is_written_whole (void)
{
  TallyApplicationException sent = { (gchar *) "disk full", 6 }, got = { NULL, 0 };

  for (gboolean compact = FALSE; compact <= TRUE; compact++)
    {
      TallyBuffer bytes = { NULL, 0, 0 };
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE ((compact ? &tally_codec_compact : &tally_codec_binary)
                          ->write_struct (&bytes, &tally_application_exception_info, &sent, NULL));
      got = (TallyApplicationException){ NULL, 0 };
      CU_ASSERT_TRUE (
          read_by_codec (&bytes, compact, &tally_application_exception_info, &got, &error));
      assert_string (got.message, "disk full");
      assert_int (got.type, 6);
      tally_struct_dispose_instance (&tally_application_exception_info, &got);
      tally_buffer_clear (&bytes);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_result_has_one_field),
    TEST (an_application_exception_has_no_field_twice),
    TEST (an_application_exception_is_written_whole),
    { NULL, NULL },
  };

  return test_main ("reply", cases, argc, argv);
}
