/* Calls against peers whose replies are malformed, lost their end or pass a limit. */
#include <string.h>

#include "lie.h"
#include "test-stream.h"

static gboolean
garbage (EchoRequest *request)
{
  return lie_send_bytes (request, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

/* A string that declares more bytes than the message has or may have. */
static gboolean
string_too_long (EchoRequest *request)
{
  TallyBuffer output = { 0 };
  gsize header = request->framing == TALLY_FRAMING_FRAMED ? 4 : 0;

  echo_put_reply (request, &output);
  if (request->codec == &tally_codec_binary)
    memcpy (output.data + header + 12 + 4 + 3, "\x7f\xff\xff\xff", 4);
  else
    memcpy (output.data + output.length - 1 - strlen (request->text) - 2, "\xff\x7f", 2);
  return lie_send (request, &output);
}

/* A reply of @type without its last byte, and the next call's reply behind it. */
static gboolean
send_endless (EchoRequest *request, gint type, const TallyStructInfo *info, gconstpointer value)
{
  EchoRequest unframed = *request;
  EchoResult anothers = { .success = (gchar *) "another's" };
  TallyBuffer output = { 0 };
  gboolean sent;

  unframed.framing = TALLY_FRAMING_BUFFERED;
  echo_put (&unframed, &output, request->name, type, request->seqid, info, value);
  output.length--;
  echo_put (&unframed, &output, request->name, T_REPLY, request->seqid + 1,
            echo_methods[ECHO_ECHO].result, &anothers);
  sent = lie_send_bytes (request, (const gchar *) output.data, output.length);
  tally_buffer_clear (&output);
  return sent;
}

static gboolean
endless_value (EchoRequest *request)
{
  EchoResult result = { .success = request->text };

  return send_endless (request, T_REPLY, echo_methods[ECHO_ECHO].result, &result);
}

static gboolean
endless_nothing (EchoRequest *request)
{
  EchoResult result = { NULL };

  return send_endless (request, T_REPLY, echo_methods[ECHO_ECHO].result, &result);
}

static gboolean
endless_declared_exception (EchoRequest *request)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "not today", NULL);
  EchoResult result = { .oops = (FixOops *) oops };

  return send_endless (request, T_REPLY, echo_methods[ECHO_ECHO].result, &result);
}

static gboolean
endless_exception (EchoRequest *request)
{
  TallyApplicationException exception = { (gchar *) "disk full", 6 };

  return send_endless (request, T_EXCEPTION, &tally_application_exception_info, &exception);
}

static void
a_reply_that_lost_its_end_takes_no_others (void)
{
  static const Lie lies[] = {
    LIE (endless_value, "protocol", THRIFT_PROTOCOL_ERROR_INVALID_DATA, "may have been executed"),
    LIE (endless_nothing, "protocol", THRIFT_PROTOCOL_ERROR_INVALID_DATA, "echo_result"),
    LIE (endless_declared_exception, "protocol", THRIFT_PROTOCOL_ERROR_INVALID_DATA, "echo_result"),
    LIE (endless_exception, "protocol", THRIFT_PROTOCOL_ERROR_INVALID_DATA,
         "TApplicationException"),
  };

  lie_tell_all (lies, G_N_ELEMENTS (lies));
}

static void
malformed_replies_are_protocol_errors (void)
{
  if (test_skip_layered ("what tells a protocol must arrive together"))
    return;

  static const Lie framed_and_not[] = {
    LIE (garbage, "protocol", THRIFT_PROTOCOL_ERROR_BAD_VERSION, "look like HTTP"),
  };
  static const Lie too_long[] = {
    LIE (string_too_long, "protocol", THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "success"),
  };

  lie_tell_all (framed_and_not, G_N_ELEMENTS (framed_and_not));
  lie_tell (&too_long[0], lie_dialects[0]);
  lie_tell (&too_long[0], lie_dialects[1]);
  lie_tell (&too_long[0], lie_dialects[2]);
}

/* ---- options ---- */

/* An honest reply in whose header the version is left out. */
static gboolean
unversioned (EchoRequest *request)
{
  EchoRequest unframed = *request;
  TallyBuffer output = { 0 };
  gboolean sent;

  unframed.framing = TALLY_FRAMING_BUFFERED;
  echo_put_reply (&unframed, &output);
  /* From version and type, length, name to length, name, type. */
  memmove (output.data, output.data + 4, 4 + strlen (request->name));
  memmove (output.data + 5 + strlen (request->name), output.data + 8 + strlen (request->name),
           output.length - 8 - strlen (request->name));
  output.data[4 + strlen (request->name)] = T_REPLY;
  sent = lie_send_bytes (request, (const gchar *) output.data, output.length - 3);
  tally_buffer_clear (&output);
  return sent;
}

static void
an_unversioned_reply_is_taken_where_allowed (void)
{
  static const gchar *const options[] = { "?", "?transport=buffered&", "?mode=shared&",
                                          "?mode=shared&transport=buffered&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autofree gchar *lenient = g_strconcat (options[i], "strict=no&", NULL);
      g_autofree gchar *reply = NULL;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (GError) error = NULL;

      echo_server_start (&server, unversioned, lenient, NULL);
      channel = echo_server_connect (&server, pool);
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "old", &reply, &error));
      assert_no_error (error);
      assert_string (reply, "old");
      tally_channel_set_strict (channel, FALSE);
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "again", &reply, &error));
      tally_channel_set_strict (channel, TRUE);
      CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "new", &reply, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_BAD_VERSION,
                    "has no version");
      tally_pool_close (pool);
    }
}

static gboolean
nested_numbers (EchoRequest *request)
{
  static const guint8 numbers[] = { T_STRUCT, 0, 9, T_STRUCT, 0, 1, T_STRUCT, 0, 1, 0, 0, 0, 0 };
  TallyBuffer output = { 0 };
  gboolean sent;

  request->codec->write_message (&output, request->name, strlen (request->name), T_REPLY,
                                 request->seqid);
  tally_buffer_append (&output, numbers, sizeof numbers);
  sent = lie_send_bytes (request, (const gchar *) output.data, output.length);
  tally_buffer_clear (&output);
  return sent;
}

/* On both kinds of connections, in both framings: the reply is refused by its caller's limit. */
static void
check_limit (EchoAnswer answer, const gchar *option, guint64 limit, gint code, const gchar *part)
{
  static const gchar *const options[] = { "?", "?transport=buffered&", "?mode=shared&",
                                          "?mode=shared&transport=buffered&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autofree gchar *reply = NULL;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (GError) error = NULL;
      GValue number = G_VALUE_INIT;

      echo_server_start (&server, answer, options[i], NULL);
      channel = echo_server_connect (&server, pool);
      g_value_init (&number, G_TYPE_UINT64);
      g_value_set_uint64 (&number, limit);
      g_object_set_property (G_OBJECT (channel), option, &number);
      CU_ASSERT_FALSE (
          echo_call (channel, ECHO_ECHO, "a text of more than twenty bytes", &reply, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, code, part);
      tally_pool_close (pool);
    }
}

static void
a_reply_is_held_against_its_callers_limits (void)
{
  check_limit (echo_honest, "max-message-memory", 20, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
               "limit of 20 bytes");
  check_limit (nested_numbers, "max-depth", 3, THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT, "limit of 3");
}

/* ---- frames ---- */

static gboolean
frame_of_2_gib (EchoRequest *request)
{
  return test_write_all (request->fd, "\x7f\xff\xff\xff", 4) && lie_silence (request);
}

static gboolean
frame_of_minus_1 (EchoRequest *request)
{
  return test_write_all (request->fd, "\xff\xff\xff\xff", 4) && lie_silence (request);
}

static gboolean
frame_of_17_mib (EchoRequest *request)
{
  return test_write_all (request->fd, "\x01\x10\x00\x00", 4) && lie_silence (request);
}

static gboolean
frame_of_nothing (EchoRequest *request)
{
  return test_write_all (request->fd, "\0\0\0\0", 4) && lie_silence (request);
}

static void
a_frames_size_is_checked_before_anything_else (void)
{
  static const Lie lies[] = {
    LIE (frame_of_2_gib, "protocol", THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "2147483647"),
    LIE (frame_of_minus_1, "protocol", THRIFT_PROTOCOL_ERROR_NEGATIVE_SIZE, "-1"),
    LIE (frame_of_17_mib, "protocol", THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "16777216"),
    LIE (frame_of_nothing, "protocol", THRIFT_PROTOCOL_ERROR_INVALID_DATA, "ends early"),
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      lie_tell (&lies[i], "?");
      lie_tell (&lies[i], "?protocol=compact");
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_reply_that_lost_its_end_takes_no_others),
    TEST (malformed_replies_are_protocol_errors),
    TEST (an_unversioned_reply_is_taken_where_allowed),
    TEST (a_reply_is_held_against_its_callers_limits),
    TEST (a_frames_size_is_checked_before_anything_else),
    { NULL, NULL },
  };

  return test_main ("call-validation", cases, argc, argv);
}
