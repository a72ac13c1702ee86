/* Many calls in flight on one connection, as long as the connection lives: matching, roles, callers
 * that leave. Pool rule 24, but for what test-shared-failure.c has. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "shared-fixture.h"
#include "tally-error.h"

static const gchar *const dialects[] = { "?mode=shared&", "?mode=shared&protocol=compact&",
                                         "?mode=shared&transport=buffered&",
                                         "?mode=shared&protocol=compact&transport=buffered&" };

/* ---- matching ---- */

typedef struct
{
  TallyChannel *channel;
  guint id;
  guint failures;
} Worker;

static gpointer
work (gpointer data)
{
  Worker *worker = data;

  for (guint i = 0; i < 100; i++)
    {
      g_autofree gchar *pad = g_strnfill (i % 10 == 0 ? 100000 : i, 'p');
      g_autofree gchar *text = g_strdup_printf ("%u/%u/%s", worker->id, i, pad);
      g_autofree gchar *reply = NULL;

      if (!echo_call (worker->channel, ECHO_ECHO, text, &reply, NULL)
          || g_strcmp0 (reply, text) != 0)
        worker->failures++;
      if (i % 7 == 0 && !echo_call (worker->channel, ECHO_NOTE, text, NULL, NULL))
        worker->failures++;
    }
  return NULL;
}

/* Small and large calls and oneway ones from eight threads, to a peer that answers in order. */
static void
rule_24_many_callers_share_one_connection (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;
      Worker workers[8];
      GThread *threads[8];

      echo_server_start (&server, echo_honest, dialects[i], NULL);
      channel = echo_server_connect (&server, pool);
      for (guint j = 0; j < G_N_ELEMENTS (workers); j++)
        {
          workers[j] = (Worker){ channel, j, 0 };
          threads[j] = g_thread_new ("worker", work, &workers[j]);
        }
      for (guint j = 0; j < G_N_ELEMENTS (workers); j++)
        {
          g_thread_join (threads[j]);
          assert_int (workers[j].failures, 0);
        }
      assert_int (test_peer_get_accepted (server.peer), 1);
      assert_int (g_atomic_int_get (&server.requests), 8 * (100 + 15));
      tally_pool_close (pool);
    }
}

static void
rule_24_replies_are_matched_in_any_order (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      g_auto (Desk) desk;
      Caller callers[5];

      desk_open (&desk, dialects[i]);
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        {
          g_autofree gchar *text = g_strdup_printf ("call %u", j);

          caller_start (&callers[j], desk.channel, text, -1);
        }
      desk_await (&desk, 5);
      for (guint j = 5; j-- > 0;)
        desk_reply (desk_get (&desk, j));
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        caller_expect_reply (&callers[j]);
      assert_int (desk_accepted (&desk), 1);
    }
}

/* All in one packet: the receiver hands over what is not its own. */
static void
rule_24_replies_that_come_together_are_told_apart (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      g_auto (Desk) desk;
      Caller callers[40];
      TallyBuffer output = { 0 };

      desk_open (&desk, dialects[i]);
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        {
          g_autofree gchar *text = g_strdup_printf ("call %u", j);

          caller_start (&callers[j], desk.channel, text, -1);
        }
      desk_await (&desk, G_N_ELEMENTS (callers));
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        echo_put_reply (desk_get (&desk, j), &output);
      CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        caller_expect_reply (&callers[j]);
      tally_buffer_clear (&output);
    }
}

static void
rule_24_seqids_are_unique_in_flight (void)
{
  g_auto (Desk) desk;
  g_autoptr (TallyChannel) other = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  Caller callers[30];

  desk_open (&desk, "?mode=shared&");
  other = echo_server_connect (&desk.server, desk.pool); /* another channel, the same connection */
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_autofree gchar *text = g_strdup_printf ("call %u", i);

      caller_start (&callers[i], i % 2 == 0 ? desk.channel : other, text, -1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      EchoRequest *request = desk_get (&desk, i);

      CU_ASSERT_NOT_EQUAL (request->seqid, 0);
      CU_ASSERT_TRUE (g_hash_table_add (seen, GINT_TO_POINTER (request->seqid)));
      assert_int (request->connection, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    desk_reply (desk_get (&desk, i));
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    caller_expect_reply (&callers[i]);
}

/* However many calls come and go while one is in flight. */
static void
rule_24_a_sequence_id_in_flight_is_not_taken_again (void)
{
  g_auto (Desk) desk;
  Caller patient, other;

  desk_open (&desk, "?mode=shared&");
  caller_start (&patient, desk.channel, "patient", -1);
  desk_await (&desk, 1);
  for (guint i = 1; i <= 100; i++)
    {
      caller_start (&other, desk.channel, "other", -1);
      CU_ASSERT_NOT_EQUAL (desk_get (&desk, i)->seqid, desk_get (&desk, 0)->seqid);
      desk_reply (desk_get (&desk, i));
      caller_expect_reply (&other);
    }
  desk_reply (desk_get (&desk, 0));
  caller_expect_reply (&patient);
}

static void
rule_24_a_full_connection_means_the_next_call_dials (void)
{
  g_auto (Desk) desk;
  Caller callers[5];

  desk_open (&desk, "?mode=shared&");
  g_object_set (desk.pool, "streams-per-connection", 2, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_autofree gchar *text = g_strdup_printf ("call %u", i);

      caller_start (&callers[i], desk.channel, text, -1);
      desk_await (&desk, i + 1);
    }
  assert_int (desk_accepted (&desk), 3);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      assert_int (desk_get (&desk, i)->connection, i / 2);
      desk_reply (desk_get (&desk, i));
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    caller_expect_reply (&callers[i]);
}

/* A pool that shares, as that of HTTP/2 and gRPC's channel do, has every channel's calls matched by
 * id, whatever the URI says. */
static void
like_net_http_2_and_grpc_streams_are_matched_by_id (void)
{
  static const TallyPoolSystem systems[] = { TALLY_POOL_LIKE_NET_HTTP_2, TALLY_POOL_LIKE_GRPC };

  for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
    {
      g_auto (Desk) desk;
      g_autoptr (TallyPool) pool = tally_pool_new_like (systems[i]);
      g_autoptr (TallyChannel) channel = NULL;
      Caller a, b;

      desk_open (&desk, "?");
      channel = echo_server_connect (&desk.server, pool);
      caller_start (&a, channel, "a", -1);
      desk_await (&desk, 1);
      caller_start (&b, channel, "b", -1);
      desk_await (&desk, 2);
      desk_reply (desk_find (&desk, "b"));
      caller_expect_reply (&b);
      desk_reply (desk_find (&desk, "a"));
      caller_expect_reply (&a);
      assert_int (desk_accepted (&desk), 1);
      tally_pool_close (pool);
    }
}

/* ---- callers that leave ---- */

/* Milliseconds that are to pass once a call has been sent and a quick one answered, on a busy machine, too. */
#define SOON_MS 3000

static void
open_desks (Desk *desks)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    desk_open (&desks[i], dialects[i]);
  desks_owe_a_reply (desks, G_N_ELEMENTS (dialects), SOON_MS);
}

static void
rule_24_a_late_reply_is_dropped_and_counted (void)
{
  Desk desks[G_N_ELEMENTS (dialects)];

  open_desks (desks);
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      Desk *desk = &desks[i];
      Caller next;

      caller_start (&next, desk->channel, "next", -1);
      desk_find (desk, "next");
      assert_int (desk_snapshot (desk).late_replies, 0);
      desk_reply (desk_find (desk, "slow"));
      desk_reply (desk_find (desk, "next"));
      caller_expect_reply (&next);
      assert_int (desk_snapshot (desk).late_replies, 1);
      assert_int (desk_accepted (desk), 1);
      desk_close (desk);
    }
}

/* It comes while nobody uses the connection: the check before the next borrow takes it for what it
 * is. */
static void
rule_24_a_late_reply_may_come_to_an_idle_connection (void)
{
  Desk desks[G_N_ELEMENTS (dialects)];

  open_desks (desks);
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      Desk *desk = &desks[i];
      Caller next;

      assert_int (desk_snapshot (desk).idle, 1);
      desk_reply (desk_find (desk, "slow"));
      caller_start (&next, desk->channel, "next", -1);
      desk_reply (desk_find (desk, "next"));
      caller_expect_reply (&next);
      assert_int (desk_snapshot (desk).late_replies, 1);
      assert_int (desk_accepted (desk), 1);
      /* What nobody is owed is no late reply. */
      desk_reply (desk_find (desk, "slow"));
      caller_start (&next, desk->channel, "again", -1);
      desk_reply (desk_find (desk, "again"));
      caller_expect_reply (&next);
      assert_int (desk_accepted (desk), 2);
      assert_int (desk_snapshot (desk).closes[TALLY_CLOSE_UNREAD], 1);
      desk_close (desk);
    }
}

/* The first caller receives for the second; when it leaves the second receives itself. */
static void
rule_24_the_receiver_hands_on_when_it_leaves (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Caller first, second, third;

  desk_open (&desk, "?mode=shared&");
  caller_start_method (&first, desk.channel, ECHO_ECHO, "first", 0, cancellable);
  desk_await (&desk, 1);
  caller_start (&second, desk.channel, "second", -1);
  caller_start (&third, desk.channel, "third", -1);
  desk_await (&desk, 3);
  g_cancellable_cancel (cancellable);
  caller_expect_error (&first, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
  desk_reply (desk_find (&desk, "third"));
  caller_expect_reply (&third);
  desk_reply (desk_find (&desk, "second"));
  caller_expect_reply (&second);
  assert_int (desk_accepted (&desk), 1);
}

/* Cancelled while another receives. */
static void
rule_24_one_who_waits_may_be_cancelled (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Caller receiver, sleeper;

  desk_open (&desk, "?mode=shared&");
  caller_start (&receiver, desk.channel, "receiver", -1);
  desk_await (&desk, 1);
  caller_start_method (&sleeper, desk.channel, ECHO_ECHO, "sleeper", 0, cancellable);
  desk_await (&desk, 2);
  g_cancellable_cancel (cancellable);
  caller_expect_error (&sleeper, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
  desk_reply (desk_find (&desk, "sleeper"));
  desk_reply (desk_find (&desk, "receiver"));
  caller_expect_reply (&receiver);
  assert_int (desk_snapshot (&desk).late_replies, 1);
  assert_int (desk_accepted (&desk), 1);
}

/* ---- what concerns one call only ---- */

static void
rule_24_what_cannot_be_encoded_harms_nobody (void)
{
  g_auto (Desk) desk;
  g_autoptr (GError) error = NULL;
  Caller other;
  EchoArgs args = { NULL };
  gpointer results[] = { NULL };

  desk_open (&desk, "?mode=shared&");
  caller_start (&other, desk.channel, "other", -1);
  desk_await (&desk, 1);
  CU_ASSERT_FALSE (tally_channel_call (desk.channel, &echo_methods[ECHO_COUNT], &args, results, -1,
                                       NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, NULL);
  desk_reply (desk_get (&desk, 0));
  caller_expect_reply (&other);
  assert_int (desk_count (&desk), 1);
  assert_int (desk_snapshot (&desk).idle, 1);
}

/* The wrong method's name or type: that call fails, nobody joins the connection any more, and those
 * on it are served to their end. */
static void
rule_24_a_reply_that_does_not_match_fails_one_call (void)
{
  static const struct
  {
    const gchar *name;
    gint type;
    gint code;
  } cases[] = { { "ech", T_REPLY, THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME },
                { "echo2", T_REPLY, THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME },
                { "echo", T_CALL, THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Desk) desk;
      Caller bad, good, next;

      desk_open (&desk, "?mode=shared&");
      caller_start (&bad, desk.channel, "bad", -1);
      desk_await (&desk, 1);
      caller_start (&good, desk.channel, "good", -1);
      desk_await (&desk, 2);
      desk_reply_as (desk_find (&desk, "bad"), cases[i].name, cases[i].type,
                     desk_find (&desk, "bad")->seqid);
      caller_expect_error (&bad, THRIFT_APPLICATION_EXCEPTION_ERROR, cases[i].code, NULL);
      caller_start (&next, desk.channel, "next", -1);
      assert_int (desk_find (&desk, "next")->connection, 1);
      desk_reply (desk_find (&desk, "next"));
      caller_expect_reply (&next);
      desk_reply (desk_find (&desk, "good"));
      caller_expect_reply (&good);
      assert_int (desk_snapshot (&desk).closes[TALLY_CLOSE_BROKEN], 1);
    }
}

/* Messages are looked up so many at a time (BATCH), and the last of them, which is the receiver's
 * own, is left where it is. */
static void
rule_24_many_late_replies_and_ones_own_come_together (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Caller leavers[31], own, next;
  TallyBuffer output = { 0 };

  desk_open (&desk, "?mode=shared&");
  for (guint i = 0; i < G_N_ELEMENTS (leavers); i++)
    {
      caller_start_method (&leavers[i], desk.channel, ECHO_ECHO, "leaver", 0, cancellable);
      desk_await (&desk, i + 1);
    }
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (leavers); i++)
    caller_expect_error (&leavers[i], G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  caller_start (&own, desk.channel, "own", -1);
  desk_await (&desk, 32);
  for (guint i = 0; i < 32; i++)
    echo_put_reply (desk_get (&desk, i), &output);
  CU_ASSERT_TRUE (echo_send (desk_get (&desk, 0), &output));
  caller_expect_reply (&own);
  caller_start (&next, desk.channel, "next", -1);
  desk_reply (desk_find (&desk, "next"));
  caller_expect_reply (&next);
  assert_int (desk_snapshot (&desk).late_replies, 31);
  assert_int (desk_accepted (&desk), 1);
  tally_buffer_clear (&output);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_many_callers_share_one_connection),
    TEST (rule_24_replies_are_matched_in_any_order),
    TEST (rule_24_replies_that_come_together_are_told_apart),
    TEST (rule_24_seqids_are_unique_in_flight),
    TEST (rule_24_a_sequence_id_in_flight_is_not_taken_again),
    TEST (rule_24_a_full_connection_means_the_next_call_dials),
    TEST (like_net_http_2_and_grpc_streams_are_matched_by_id),
    TEST (rule_24_a_late_reply_is_dropped_and_counted),
    TEST (rule_24_a_late_reply_may_come_to_an_idle_connection),
    TEST (rule_24_the_receiver_hands_on_when_it_leaves),
    TEST (rule_24_one_who_waits_may_be_cancelled),
    TEST (rule_24_what_cannot_be_encoded_harms_nobody),
    TEST (rule_24_a_reply_that_does_not_match_fails_one_call),
    TEST (rule_24_many_late_replies_and_ones_own_come_together),
    { NULL, NULL },
  };

  return test_main ("shared", cases, argc, argv);
}
