/* What becomes of the calls in flight on a shared connection that fails, lies or stays silent.
 * Pool rule 24, with test-shared.c. */
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "shared-fixture.h"
#include "tally-error.h"

/* @a and @b are in flight on the first connection, in this order. */
static void
start_two (Desk *desk, Caller *a, Caller *b)
{
  caller_start (a, desk->channel, "a", -1);
  desk_await (desk, 1);
  caller_start (b, desk->channel, "b", -1);
  desk_await (desk, 2);
}

/* Whatever happened to the first connection, a call that begins now goes over the second. */
static void
assert_next_call_dials (Desk *desk)
{
  Caller next;

  caller_start (&next, desk->channel, "next", -1);
  assert_int (desk_find (desk, "next")->connection, 1);
  desk_reply (desk_find (desk, "next"));
  caller_expect_reply (&next);
  assert_int (desk_accepted (desk), 2);
}

/* ---- connections that end ---- */

static void
rule_24_when_it_ends_every_call_learns_why (void)
{
  for (guint reset = 0; reset < 2; reset++)
    {
      g_auto (Desk) desk;
      Caller a, b;

      desk_open (&desk, "?mode=shared&");
      start_two (&desk, &a, &b);
      if (reset)
        desk_reset (desk_get (&desk, 0));
      else
        desk_hang_up (desk_get (&desk, 0));
      caller_expect_error (&a, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
      caller_expect_error (&b, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
      assert_next_call_dials (&desk);
    }
}

static void
say_goodbye (EchoRequest *request, const gchar *name, const gchar *text)
{
  TallyApplicationException exception = { (gchar *) text,
                                          THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR };
  TallyBuffer output = { 0 };

  echo_put (request, &output, name, T_EXCEPTION, 0, &tally_application_exception_info, &exception);
  CU_ASSERT_TRUE (echo_send (request, &output));
  tally_buffer_clear (&output);
}

/* An exception that answers no call is a server's goodbye: what it did not answer, it did not
 * execute; and the connection takes no further calls though its end has not come. */
static void
rule_24_a_goodbye_says_that_nothing_more_is_executed (void)
{
  static const gchar *const options[] = { "?mode=shared&", "?mode=shared&protocol=compact&",
                                          "?mode=shared&transport=buffered&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_auto (Desk) desk;
      Caller a, b;

      desk_open (&desk, options[i]);
      start_two (&desk, &a, &b);
      desk_reply (desk_find (&desk, "a"));
      say_goodbye (desk_get (&desk, 0), "", "bye; not executed");
      caller_expect_reply (&a);
      caller_expect_error (&b, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                           "the server says: bye; not executed; the request was not executed");
      assert_next_call_dials (&desk);
    }
}

/* What names a method, or does not say that nothing was executed, is no goodbye. */
static void
rule_24_an_exception_to_nobodys_call_is_no_goodbye (void)
{
  static const gchar *const messages[][2] = { { "echo", "not executed" }, { "", "who knows" } };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_auto (Desk) desk;
      Caller a, b;

      desk_open (&desk, "?mode=shared&");
      start_two (&desk, &a, &b);
      say_goodbye (desk_get (&desk, 0), messages[i][0], messages[i][1]);
      caller_expect_error (&a, THRIFT_APPLICATION_EXCEPTION_ERROR,
                           THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
                           "may have been executed");
      caller_expect_error (&b, THRIFT_APPLICATION_EXCEPTION_ERROR,
                           THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
                           "may have been executed");
      assert_next_call_dials (&desk);
    }
}

static void
rule_24_half_a_reply_is_nobodys (void)
{
  g_auto (Desk) desk;
  TallyBuffer output = { 0 };
  Caller a, b;

  desk_open (&desk, "?mode=shared&");
  start_two (&desk, &a, &b);
  echo_put_reply (desk_find (&desk, "b"), &output);
  output.length -= 3;
  CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
  desk_hang_up (desk_get (&desk, 0));
  caller_expect_error (&a, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
  caller_expect_error (&b, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
  assert_next_call_dials (&desk);
  tally_buffer_clear (&output);
}

/* Idempotent calls are made once more, all of them on one new connection. */
static void
rule_24_idempotent_calls_move_to_one_new_connection (void)
{
  g_auto (Desk) desk;
  Caller callers[10];

  desk_open (&desk, "?mode=shared&");
  g_object_set (desk.pool, "max-dials", 1, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_autofree gchar *text = g_strdup_printf ("call %u", i);

      caller_start_method (&callers[i], desk.channel, ECHO_GET, text, 0, NULL);
      desk_await (&desk,
                  i + 1); /* the first dials, and a call on a new connection is not replayed */
    }
  desk_hang_up (desk_get (&desk, 0));
  caller_expect_error (&callers[0], TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
  desk_await (&desk, 19);
  for (guint i = 10; i < 19; i++)
    {
      assert_int (desk_get (&desk, i)->connection, 1);
      desk_reply (desk_get (&desk, i));
    }
  for (guint i = 1; i < G_N_ELEMENTS (callers); i++)
    caller_expect_reply (&callers[i]);
  assert_int (desk_accepted (&desk), 2);
}

static void
rule_24_a_pool_that_closes_ends_them_all (void)
{
  g_auto (Desk) desk;
  Caller a, b;

  desk_open (&desk, "?mode=shared&");
  start_two (&desk, &a, &b);
  g_object_set (desk.pool, "drain-timeout", 1, NULL);
  tally_pool_close (desk.pool);
  caller_expect_error (&a, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
  caller_expect_error (&b, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
}

/* ---- silence ---- */

/* The patient caller is not left to wait for a peer that is gone without a word. */
static void
rule_24_silence_past_a_deadline_fails_all_it_owes (void)
{
  g_auto (Desk) desk;
  Caller patient, hasty;

  desk_open (&desk, "?mode=shared&");
  caller_start (&patient, desk.channel, "patient", 0);
  desk_await (&desk, 1);
  caller_start (&hasty, desk.channel, "hasty", 3000); /* it has been sent by then */
  caller_expect_error (&hasty, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "may have been executed");
  caller_expect_error (&patient, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "completed no call");
  desk_await (&desk, 2);
  assert_next_call_dials (&desk);
  assert_int (desk_snapshot (&desk).closes[TALLY_CLOSE_BROKEN]
                  + desk_snapshot (&desk).closes[TALLY_CLOSE_DEAD],
              1);
}

/* ---- peers that lie ---- */

typedef enum
{
  LIE_UNKNOWN_SEQID,
  LIE_SEQID_0,
  LIE_SECOND_REPLY,
  LIE_REPLY_TO_ONEWAY,
  LIE_NONSENSE,
  LIE_HUGE_FRAME,
  N_LIES
} Lie;

static void
tell (Desk *desk, Lie lie)
{
  EchoRequest *a = desk_find (desk, "a");
  static const guint8 nonsense[] = { 0, 0, 0, 4, 'o', 'h', 'n', 'o' };
  static const guint8 huge[] = { 0x7f, 0xff, 0xff, 0xff, 0x80, 1, 0, 2 };

  switch (lie)
    {
    case LIE_UNKNOWN_SEQID:
      desk_reply_as (a, "echo", T_REPLY, 12345);
      break;
    case LIE_SEQID_0:
      desk_reply_as (a, "echo", T_REPLY, 0);
      break;
    case LIE_SECOND_REPLY:
      desk_reply (desk_find (desk, "told"));
      break;
    case LIE_REPLY_TO_ONEWAY:
      desk_reply_as (desk_find (desk, "told oneway"), "note", T_REPLY,
                     desk_find (desk, "told oneway")->seqid);
      break;
    case LIE_NONSENSE:
      CU_ASSERT_TRUE (test_write_all (a->fd, nonsense, sizeof nonsense));
      break;
    default:
      CU_ASSERT_TRUE (test_write_all (a->fd, huge, sizeof huge));
      break;
    }
}

/* What cannot be anybody's reply fails every call: none of them can trust the connection any more.
 */
static void
rule_24_a_lie_fails_every_call (void)
{
  for (Lie lie = 0; lie < N_LIES; lie++)
    {
      gboolean is_malformed = lie >= LIE_NONSENSE;
      GQuark domain = is_malformed ? THRIFT_PROTOCOL_ERROR : THRIFT_APPLICATION_EXCEPTION_ERROR;
      gint code = lie == LIE_NONSENSE     ? THRIFT_PROTOCOL_ERROR_BAD_VERSION
                  : lie == LIE_HUGE_FRAME ? THRIFT_PROTOCOL_ERROR_SIZE_LIMIT
                                          : THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID;
      g_auto (Desk) desk;
      Caller told, oneway, a, b;

      desk_open (&desk, "?mode=shared&");
      caller_start (&told, desk.channel, "told", -1);
      desk_reply (desk_find (&desk, "told"));
      caller_expect_reply (&told);
      caller_start_method (&oneway, desk.channel, ECHO_NOTE, "told oneway", -1, NULL);
      caller_join (&oneway);
      CU_ASSERT_TRUE (oneway.done);
      g_free (oneway.text);
      desk_await (&desk, 2);
      caller_start (&a, desk.channel, "a", -1);
      desk_await (&desk, 3);
      caller_start (&b, desk.channel, "b", -1);
      desk_await (&desk, 4);
      tell (&desk, lie);
      caller_expect_error (&a, domain, code, "may have been executed");
      caller_expect_error (&b, domain, code, "may have been executed");
      assert_next_call_dials (&desk);
    }
}

/* Replies with some of their bits turned, cut off somewhere: every call ends, with a reply or an
 * error. */
static void
rule_24_noise_ends_every_call (void)
{
  static const gchar *const dialects[] = { "?mode=shared&", "?mode=shared&protocol=compact&",
                                           "?mode=shared&transport=buffered&",
                                           "?mode=shared&protocol=compact&transport=buffered&" };
  g_autoptr (GRand) random = g_rand_new_with_seed (24);

  for (guint i = 0; i < 200; i++)
    {
      g_auto (Desk) desk;
      TallyBuffer output = { 0 };
      Caller a, b;

      desk_open (&desk, dialects[i % G_N_ELEMENTS (dialects)]);
      start_two (&desk, &a, &b);
      echo_put_reply (desk_find (&desk, "b"), &output);
      echo_put_reply (desk_find (&desk, "a"), &output);
      for (guint turned = g_rand_int_range (random, 1, 4); turned > 0; turned--)
        output.data[g_rand_int_range (random, 0, output.length)] ^=
            1 << g_rand_int_range (random, 0, 8);
      output.length = g_rand_int_range (random, 1, output.length + 1);
      test_write_all (desk_get (&desk, 0)->fd, output.data,
                      output.length); /* they may have hung up */
      shutdown (desk_get (&desk, 0)->fd, SHUT_RDWR);
      caller_expect_end (&a);
      caller_expect_end (&b);
      tally_buffer_clear (&output);
    }
}

/* One channel's limit is not another's, though both share the connection. */
static void
rule_24_a_long_reply_fails_who_cannot_take_it (void)
{
  g_auto (Desk) desk;
  g_autoptr (TallyChannel) modest = NULL;
  g_autofree gchar *text = g_strnfill (2000, 'x');
  g_autofree gchar *answer = g_strnfill (5000, 'y');
  Caller a, b;
  EchoRequest *request;

  desk_open (&desk, "?mode=shared&");
  modest = echo_server_connect (&desk.server, desk.pool);
  tally_channel_set_max_message_size (modest, 3000);
  caller_start (&a, desk.channel, "a", -1);
  desk_await (&desk, 1);
  caller_start (&b, modest, text, -1);
  request = desk_find (&desk, text);
  g_free (request->text);
  request->text = g_steal_pointer (&answer);
  desk_reply (request);
  caller_expect_error (&b, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, "3000");
  desk_reply (desk_find (&desk, "a"));
  caller_expect_reply (&a);
}

/* ---- unframed replies whose end cannot be told ---- */

/* What follows a malformed reply may begin anywhere in it: no other call reads on there. */
static void
rule_24_a_malformed_reply_ends_the_connection_for_all (void)
{
  g_auto (Desk) desk;
  Caller a, b;
  TallyBuffer output = { 0 };

  desk_open (&desk, "?mode=shared&transport=buffered&");
  start_two (&desk, &a, &b);
  echo_put_reply (desk_find (&desk, "a"), &output);
  output.data[output.length - 1] = 0x77; /* the struct's stop: no such type */
  echo_put_reply (desk_find (&desk, "b"), &output);
  CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
  caller_expect_error (&a, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "echo");
  caller_expect_error (&b, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                       "cannot be told");
  assert_next_call_dials (&desk);
  tally_buffer_clear (&output);
}

/* A reply that lost its last byte is one message with the reply behind it, which is nobody's then. */
static void
rule_24_a_reply_that_lost_its_end_takes_no_others (void)
{
  static const gchar *const options[] = { "?mode=shared&transport=buffered&",
                                          "?mode=shared&transport=buffered&protocol=compact&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_auto (Desk) desk;
      Caller a, b;
      TallyBuffer output = { 0 };

      desk_open (&desk, options[i]);
      start_two (&desk, &a, &b);
      echo_put_reply (desk_find (&desk, "a"), &output);
      output.length--;
      echo_put_reply (desk_find (&desk, "b"), &output);
      CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
      caller_join (&a);
      CU_ASSERT_PTR_NULL (a.reply);
      caller_expect_error (&a, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, "echo");
      caller_join (&b);
      CU_ASSERT_FALSE (b.done);
      CU_ASSERT_FALSE (g_error_matches (b.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT));
      caller_expect_end (&b);
      assert_next_call_dials (&desk);
      tally_buffer_clear (&output);
    }
}

/* Nor does an exception, of which one field more would be no fault by itself: a reply that is empty looks
 * like more fields in the compact protocol. */
static void
rule_24_an_exception_that_lost_its_end_takes_no_others (void)
{
  TallyApplicationException exception = { (gchar *) "disk full",
                                          THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR };
  PingResult empty = { NULL };
  g_auto (Desk) desk;
  Caller a, b;
  EchoRequest *request;
  TallyBuffer output = { 0 };

  desk_open (&desk, "?mode=shared&transport=buffered&protocol=compact&");
  start_two (&desk, &a, &b);
  request = desk_find (&desk, "a");
  echo_put (request, &output, "echo", T_EXCEPTION, request->seqid,
            &tally_application_exception_info, &exception);
  output.length--;
  request = desk_find (&desk, "b");
  echo_put (request, &output, "echo", T_REPLY, request->seqid, echo_methods[ECHO_PING].result,
            &empty);
  CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
  caller_join (&a);
  CU_ASSERT_FALSE (a.done);
  caller_expect_end (&a);
  caller_expect_error (&b, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                       "cannot be told");
  assert_next_call_dials (&desk);
  tally_buffer_clear (&output);
}

/* The rest of a string that is too long may look like another's reply. */
static void
rule_24_the_rest_of_a_reply_is_nobodys (void)
{
  g_auto (Desk) desk;
  Caller a, b;
  TallyBuffer output = { 0 }, forged = { 0 };
  EchoRequest forgery, *long_one;

  desk_open (&desk, "?mode=shared&transport=buffered&");
  tally_channel_set_max_message_size (desk.channel, 4000);
  start_two (&desk, &a, &b);
  forgery = *desk_find (&desk, "b");
  forgery.text = (gchar *) "forged";
  echo_put_reply (&forgery, &forged);
  long_one = desk_find (&desk, "a");
  g_free (long_one->text);
  long_one->text = g_strnfill (6000, 'y');
  echo_put_reply (long_one, &output);
  memcpy (output.data + 1000, forged.data, forged.length);
  CU_ASSERT_TRUE (test_write_all (long_one->fd, output.data, 1000));
  caller_join (&a);
  CU_ASSERT_FALSE (a.done);
  test_write_all (long_one->fd, output.data + 1000, forged.length); /* it may be closed already */
  caller_join (&b);
  CU_ASSERT_FALSE (b.done);
  CU_ASSERT_PTR_NULL (b.reply);
  caller_expect_end (&a);
  caller_expect_end (&b);
  assert_next_call_dials (&desk);
  tally_buffer_clear (&output);
  tally_buffer_clear (&forged);
}

/* ---- idle ---- */

/* Half a late reply lies in the buffer, and the connection's end behind it. */
static void
rule_24_the_end_is_seen_behind_half_a_late_reply (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Caller leaver, sender;
  TallyBuffer output = { 0 };

  desk_open (&desk, "?mode=shared&");
  caller_start_method (&leaver, desk.channel, ECHO_ECHO, "leaver", 0, cancellable);
  echo_put_reply (desk_find (&desk, "leaver"), &output);
  CU_ASSERT_TRUE (test_write_all (desk_get (&desk, 0)->fd, output.data, output.length / 2));
  g_cancellable_cancel (cancellable);
  caller_expect_error (&leaver, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  desk_hang_up (desk_get (&desk, 0));
  caller_start (&sender, desk.channel, "next", -1);
  assert_int (desk_find (&desk, "next")->connection, 1);
  desk_reply (desk_find (&desk, "next"));
  caller_expect_reply (&sender);
  tally_buffer_clear (&output);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_when_it_ends_every_call_learns_why),
    TEST (rule_24_a_goodbye_says_that_nothing_more_is_executed),
    TEST (rule_24_an_exception_to_nobodys_call_is_no_goodbye),
    TEST (rule_24_half_a_reply_is_nobodys),
    TEST (rule_24_idempotent_calls_move_to_one_new_connection),
    TEST (rule_24_a_pool_that_closes_ends_them_all),
    TEST (rule_24_silence_past_a_deadline_fails_all_it_owes),
    TEST (rule_24_a_lie_fails_every_call),
    TEST (rule_24_noise_ends_every_call),
    TEST (rule_24_a_long_reply_fails_who_cannot_take_it),
    TEST (rule_24_a_malformed_reply_ends_the_connection_for_all),
    TEST (rule_24_a_reply_that_lost_its_end_takes_no_others),
    TEST (rule_24_an_exception_that_lost_its_end_takes_no_others),
    TEST (rule_24_the_rest_of_a_reply_is_nobodys),
    TEST (rule_24_the_end_is_seen_behind_half_a_late_reply),
    { NULL, NULL },
  };

  return test_main ("shared-failure", cases, argc, argv);
}
