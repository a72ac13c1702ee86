/* Calls against peers that lie, break off or fall silent: for each the right error, and whether the
 * connection served again is counted by the peer's accepts. Every lie is told in both protocols and
 * both framings. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "lie.h"
#include "tally-error.h"

#define APPLICATION THRIFT_APPLICATION_EXCEPTION_ERROR

static gboolean
send_as (EchoRequest *request, const gchar *name, gint type, gint32 seqid)
{
  EchoResult result = { .success = request->text };
  TallyBuffer output = { 0 };

  echo_put (request, &output, name, type, seqid, echo_methods[ECHO_ECHO].result, &result);
  return lie_send (request, &output);
}

static gboolean
send_exception (EchoRequest *request, gint type, const gchar *message)
{
  TallyApplicationException exception = { (gchar *) message, type };
  TallyBuffer output = { 0 };

  echo_put (request, &output, request->name, T_EXCEPTION, request->seqid,
            &tally_application_exception_info, &exception);
  return lie_send (request, &output);
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
  return lie_send (request, &output);
}

static gboolean
declared_exception (EchoRequest *request)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "not today", NULL);
  EchoResult result = { .oops = (FixOops *) oops };
  TallyBuffer output = { 0 };

  echo_put (request, &output, request->name, T_REPLY, request->seqid,
            echo_methods[ECHO_ECHO].result, &result);
  return lie_send (request, &output);
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

/* The half is with the client before the RST is: on loopback a send delivers. */
static gboolean
half_then_reset (EchoRequest *request)
{
  lie_send_half (request);
  return reset_without_reply (request);
}

static gboolean
two_replies (EchoRequest *request)
{
  TallyBuffer output = { 0 };

  echo_put_reply (request, &output);
  echo_put_reply (request, &output);
  return lie_send (request, &output);
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
  return lie_send (request, &output);
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

/* ---- telling them ---- */

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

  lie_tell_all (lies, G_N_ELEMENTS (lies));
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

  lie_tell_all (lies, G_N_ELEMENTS (lies));
}

static void
rule_12_a_connection_that_breaks_is_reported_and_dropped (void)
{
  static const Lie lies[] = {
    LIE (end_without_reply, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (reset_without_reply, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (lie_send_half, "tally", TALLY_ERROR_CONNECTION_LOST, "the peer closed it"),
    LIE (half_then_reset, "tally", TALLY_ERROR_CONNECTION_LOST, "may have been executed"),
    LIE (lie_silence, "tally", TALLY_ERROR_TIMED_OUT, "may have been executed"),
    LIE (lie_half_then_silence, "tally", TALLY_ERROR_TIMED_OUT, "may have been executed"),
  };

  lie_tell_all (lies, G_N_ELEMENTS (lies));
}

static void
what_follows_a_reply_is_never_the_next_one (void)
{
  static const Lie lies[] = {
    LIE (two_replies, NULL),
    LIE (byte_after_reply, NULL),
  };

  lie_tell_all (lies, G_N_ELEMENTS (lies));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_12_a_reply_that_does_not_match_is_refused),
    TEST (rule_12_a_complete_answer_leaves_the_connection_clean),
    TEST (rule_12_a_connection_that_breaks_is_reported_and_dropped),
    TEST (what_follows_a_reply_is_never_the_next_one),
    { NULL, NULL },
  };

  return test_main ("call-validation", cases, argc, argv);
}
