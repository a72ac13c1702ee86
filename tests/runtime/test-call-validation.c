/* Calls against peers that lie, break off or fall silent: for each the right error, and whether the
 * connection served again is counted by the peer's accepts. Every lie is told in both protocols and
 * both framings. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-error.h"

#define APPLICATION THRIFT_APPLICATION_EXCEPTION_ERROR

static const gchar *const dialects[] = { "?", "?protocol=compact&", "?transport=buffered&",
                                         "?protocol=compact&transport=buffered&" };

static GQuark
domain_of (const gchar *name)
{
  return strcmp (name, "tally") == 0      ? TALLY_ERROR
         : strcmp (name, "protocol") == 0 ? THRIFT_PROTOCOL_ERROR
         : strcmp (name, "oops") == 0     ? fix_oops_error_quark ()
                                          : APPLICATION;
}

/* Sends what was put into @output and drops it. */
static gboolean
send_and_clear (EchoRequest *request, TallyBuffer *output)
{
  gboolean sent = echo_send (request, output);

  tally_buffer_clear (output);
  return sent;
}

static gboolean
send_as (EchoRequest *request, const gchar *name, gint type, gint32 seqid)
{
  EchoResult result = { .success = request->text };
  TallyBuffer output = { 0 };

  echo_put (request, &output, name, type, seqid, echo_methods[ECHO_ECHO].result, &result);
  return send_and_clear (request, &output);
}

static gboolean
send_exception (EchoRequest *request, gint type, const gchar *message)
{
  TallyApplicationException exception = { (gchar *) message, type };
  TallyBuffer output = { 0 };

  echo_put (request, &output, request->name, T_EXCEPTION, request->seqid,
            &tally_application_exception_info, &exception);
  return send_and_clear (request, &output);
}

/* ---- the lies ---- */

static gboolean
next_seqid (EchoRequest *request)
{
  return send_as (request, request->name, T_REPLY, request->seqid + 1);
}

static gboolean
stale_seqid (EchoRequest *request)
{
  return send_as (request, request->name, T_REPLY, request->seqid - 1);
}

static gboolean
no_seqid (EchoRequest *request)
{
  return send_as (request, request->name, T_REPLY, 0);
}

static gboolean
prefix_of_the_name (EchoRequest *request)
{
  return send_as (request, "ech", T_REPLY, request->seqid);
}

static gboolean
longer_name (EchoRequest *request)
{
  return send_as (request, "echoes", T_REPLY, request->seqid);
}

static gboolean
other_name (EchoRequest *request)
{
  return send_as (request, "\001\nget", T_REPLY, request->seqid);
}

static gboolean
no_name (EchoRequest *request)
{
  return send_as (request, "", T_REPLY, request->seqid);
}

static gboolean
multiplexed_name (EchoRequest *request)
{
  return send_as (request, "Echo:echo", T_REPLY, request->seqid);
}

static gboolean
everything_wrong (EchoRequest *request)
{
  return send_as (request, "other", T_CALL, request->seqid + 5);
}

static gboolean
type_call (EchoRequest *request)
{
  return send_as (request, request->name, T_CALL, request->seqid);
}

static gboolean
type_oneway (EchoRequest *request)
{
  return send_as (request, request->name, T_ONEWAY, request->seqid);
}

static gboolean
type_none (EchoRequest *request)
{
  return send_as (request, request->name, 7, request->seqid);
}

static gboolean
exception_of_anothers (EchoRequest *request)
{
  return send_as (request, "get", T_EXCEPTION, request->seqid);
}

static gboolean
known_exception (EchoRequest *request)
{
  return send_exception (request, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "disk full");
}

/* A mebibyte that rings the bell. */
static gboolean
loud_exception (EchoRequest *request)
{
  g_autofree gchar *text = g_strnfill (1 << 20, '\a');

  return send_exception (request, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, text);
}

static gboolean
unknown_exception (EchoRequest *request)
{
  return send_exception (request, 77, NULL);
}

static gboolean
no_result (EchoRequest *request)
{
  EchoResult result = { NULL };
  TallyBuffer output = { 0 };

  echo_put (request, &output, request->name, T_REPLY, request->seqid,
            echo_methods[ECHO_ECHO].result, &result);
  return send_and_clear (request, &output);
}

static gboolean
declared_exception (EchoRequest *request)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "not today", NULL);
  EchoResult result = { .oops = (FixOops *) oops };
  TallyBuffer output = { 0 };

  echo_put (request, &output, request->name, T_REPLY, request->seqid,
            echo_methods[ECHO_ECHO].result, &result);
  return send_and_clear (request, &output);
}

static gboolean
end_without_reply (EchoRequest *request)
{
  return FALSE;
}

static gboolean
reset_without_reply (EchoRequest *request)
{
  test_reset (request->fd);
  test_reset (tally_socket_get_fd (request->socket));
  return FALSE;
}

static gboolean
send_half (EchoRequest *request)
{
  TallyBuffer output = { 0 };

  echo_put_reply (request, &output);
  output.length /= 2;
  send_and_clear (request, &output);
  return FALSE;
}

/* The half is with the client before the RST is: on loopback a send delivers. */
static gboolean
half_then_reset (EchoRequest *request)
{
  send_half (request);
  return reset_without_reply (request);
}

static gboolean
two_replies (EchoRequest *request)
{
  TallyBuffer output = { 0 };

  echo_put_reply (request, &output);
  echo_put_reply (request, &output);
  return send_and_clear (request, &output);
}

static gboolean
byte_after_reply (EchoRequest *request)
{
  TallyBuffer output = { 0 };
  guint32 size;

  echo_put_reply (request, &output);
  tally_buffer_append (&output, "", 1);
  if (request->framing == TALLY_FRAMING_FRAMED)
    {
      size = GUINT32_TO_BE ((guint32) output.length - 4);
      memcpy (output.data, &size, 4);
    }
  return send_and_clear (request, &output);
}

static gboolean
one_byte_at_a_time (EchoRequest *request)
{
  TallyBuffer output = { 0 };
  gboolean sent = TRUE;
  gsize i;

  echo_put_reply (request, &output);
  for (i = 0; sent && i < output.length; i++)
    sent = test_write_all (request->fd, output.data + i, 1);
  tally_buffer_clear (&output);
  return sent;
}

static gboolean
send_bytes (EchoRequest *request, const gchar *bytes, gsize length)
{
  TallyBuffer output = { 0 };
  gsize start = tally_frame_begin (&output, request->framing);

  tally_buffer_append (&output, bytes, length);
  tally_frame_end (&output, request->framing, start, &tally_limits_default, NULL);
  return send_and_clear (request, &output);
}

static gboolean
garbage (EchoRequest *request)
{
  return send_bytes (request, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
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
  return send_and_clear (request, &output);
}

static gboolean
silence (EchoRequest *request)
{
  guint8 byte;

  test_read_exact (request->fd, &byte, 1); /* until the client hangs up */
  return FALSE;
}

static gboolean
half_then_silence (EchoRequest *request)
{
  send_half (request);
  return silence (request);
}

/* ---- telling them ---- */

typedef struct
{
  const gchar *name;
  EchoAnswer lie;
  const gchar *domain; /* NULL: the call succeeds */
  gint code;
  const gchar *part; /* of the message */
  gboolean reused;   /* whether the connection serves the next call too */
} Lie;

#define LIE(function, ...)                                                                         \
  {                                                                                                \
#function, function, __VA_ARGS__                                                               \
  }

/* The first request of the first connection is answered by the lie, every other honestly. */
static gboolean
lie_once (EchoRequest *request)
{
  const Lie *lie = request->user_data;

  return request->connection == 0 && request->request == 0 ? lie->lie (request)
                                                           : echo_honest (request);
}

static void
tell (const Lie *lie, const gchar *dialect)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = g_strdup ("untouched");
  g_autofree gchar *text = g_strdup_printf ("%s%150s", lie->name, dialect);
  const gchar *uri;

  echo_server_start (&server, lie_once, dialect, (gpointer) lie);
  channel = echo_server_connect (&server, pool);
  uri = tally_endpoint_get_uri (tally_channel_get_endpoint (channel));
  if (lie->lie == silence || lie->lie == half_then_silence)
    tally_channel_set_timeout (channel, 20);
  if (echo_call (channel, ECHO_ECHO, text, &reply, &error))
    {
      CU_ASSERT_PTR_NULL (lie->domain);
      assert_string (reply, text);
    }
  else
    {
      assert_string (reply, "untouched");
      if (lie->domain == NULL)
        assert_no_error (error);
      else
        assert_error (error, domain_of (lie->domain), lie->code, lie->part);
      if (lie->domain != NULL && strcmp (lie->domain, "oops") != 0)
        {
          assert_error (error, domain_of (lie->domain), lie->code, uri);
          assert_error (error, domain_of (lie->domain), lie->code, "echo at ");
        }
    }
  g_clear_error (&error);
  tally_channel_set_timeout (channel, 10000);
  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "after", &reply, &error));
  assert_no_error (error);
  assert_string (reply, "after");
  assert_int (test_peer_get_accepted (server.peer), lie->reused ? 1 : 2);
  tally_pool_close (pool);
}

static void
tell_all (const Lie *lies, guint n)
{
  guint i, j;

  for (i = 0; i < n; i++)
    for (j = 0; j < G_N_ELEMENTS (dialects); j++)
      {
        guint failures = CU_get_number_of_failures ();

        tell (&lies[i], dialects[j]);
        if (CU_get_number_of_failures () > failures)
          g_printerr ("# %s %s\n", lies[i].name, dialects[j]);
      }
}

static void
rule_12_a_reply_that_does_not_match_is_refused (void)
{
  static const Lie lies[] = {
    LIE (next_seqid, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, "sequence id"),
    LIE (stale_seqid, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
         "may have been executed"),
    LIE (no_seqid, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, "got one with 0"),
    LIE (prefix_of_the_name, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
         "expected the reply to \"echo\", got one to \"ech\""),
    LIE (longer_name, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME, "\"echoes\""),
    LIE (other_name, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
         "\"\\001\\nget\""),
    LIE (no_name, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME, "\"\""),
    LIE (multiplexed_name, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
         "\"Echo:echo\""),
    LIE (exception_of_anothers, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
         "\"get\""),
    LIE (everything_wrong, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
         "\"other\""),
    LIE (type_call, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE, "type 1"),
    LIE (type_oneway, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE, "type 4"),
    LIE (type_none, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE, "type 7"),
  };

  tell_all (lies, G_N_ELEMENTS (lies));
}

static void
rule_12_a_complete_answer_leaves_the_connection_clean (void)
{
  static const Lie lies[] = {
    LIE (echo_honest, NULL, .reused = TRUE),
    LIE (one_byte_at_a_time, NULL, .reused = TRUE),
    LIE (known_exception, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "disk full",
         TRUE),
    LIE (loud_exception, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR,
         "the server says: \\007\\007", TRUE),
    LIE (unknown_exception, "app", 77, "no message", TRUE),
    LIE (no_result, "app", THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, "neither a result",
         TRUE),
    LIE (declared_exception, "oops", 0, "Oops", TRUE),
  };

  tell_all (lies, G_N_ELEMENTS (lies));
}

static void
rule_12_a_connection_that_breaks_is_reported_and_dropped (void)
{
  static const Lie lies[] = {
    LIE (end_without_reply, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (reset_without_reply, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (send_half, "tally", TALLY_ERROR_CONNECTION_LOST, "the peer closed it"),
    LIE (half_then_reset, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (silence, "tally", TALLY_ERROR_TIMED_OUT, "may have been executed"),
    LIE (half_then_silence, "tally", TALLY_ERROR_TIMED_OUT, "may have been executed"),
  };

  tell_all (lies, G_N_ELEMENTS (lies));
}

static void
what_follows_a_reply_is_never_the_next_one (void)
{
  static const Lie lies[] = {
    LIE (two_replies, NULL),
    LIE (byte_after_reply, NULL),
  };

  tell_all (lies, G_N_ELEMENTS (lies));
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
  sent = send_bytes (request, (const gchar *) output.data, output.length);
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

  tell_all (lies, G_N_ELEMENTS (lies));
}

static void
malformed_replies_are_protocol_errors (void)
{
  static const Lie framed_and_not[] = {
    LIE (garbage, "protocol", THRIFT_PROTOCOL_ERROR_BAD_VERSION, "look like HTTP"),
  };
  static const Lie too_long[] = {
    LIE (string_too_long, "protocol", THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "success"),
  };

  tell_all (framed_and_not, G_N_ELEMENTS (framed_and_not));
  tell (&too_long[0], dialects[0]);
  tell (&too_long[0], dialects[1]);
  tell (&too_long[0], dialects[2]);
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
  sent = send_bytes (request, (const gchar *) output.data, output.length - 3);
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
  sent = send_bytes (request, (const gchar *) output.data, output.length);
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
  return test_write_all (request->fd, "\x7f\xff\xff\xff", 4) && silence (request);
}

static gboolean
frame_of_minus_1 (EchoRequest *request)
{
  return test_write_all (request->fd, "\xff\xff\xff\xff", 4) && silence (request);
}

static gboolean
frame_of_17_mib (EchoRequest *request)
{
  return test_write_all (request->fd, "\x01\x10\x00\x00", 4) && silence (request);
}

static gboolean
frame_of_nothing (EchoRequest *request)
{
  return test_write_all (request->fd, "\0\0\0\0", 4) && silence (request);
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
      tell (&lies[i], "?");
      tell (&lies[i], "?protocol=compact");
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_12_a_reply_that_does_not_match_is_refused),
    TEST (rule_12_a_complete_answer_leaves_the_connection_clean),
    TEST (rule_12_a_connection_that_breaks_is_reported_and_dropped),
    TEST (what_follows_a_reply_is_never_the_next_one),
    TEST (a_reply_that_lost_its_end_takes_no_others),
    TEST (malformed_replies_are_protocol_errors),
    TEST (an_unversioned_reply_is_taken_where_allowed),
    TEST (a_reply_is_held_against_its_callers_limits),
    TEST (a_frames_size_is_checked_before_anything_else),
    { NULL },
  };

  return test_main ("call-validation", cases, argc, argv);
}
