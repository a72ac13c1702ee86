/* Calls that meet a dead connection, and when they are made again: pool rule 13. */
#include <poll.h>
#include <string.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-error.h"
#include "test-stream.h"

static void
assert_echo (TallyChannel *channel, guint method, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  CU_ASSERT_TRUE (echo_call (channel, method, text, &reply, &error));
  assert_no_error (error);
  assert_string (reply, text);
}

/* What a server does to its connections after one answer each: the client's check is blind, so that
 * its second call meets the dead connection. */
static gboolean
answer_once_then_end (EchoRequest *request)
{
  if (request->connection == 0 || request->user_data != NULL)
    return request->request == 0 && echo_honest (request) && FALSE;
  return echo_honest (request);
}

static gboolean
answer_once_then_reset (EchoRequest *request)
{
  if (request->connection > 0)
    return echo_honest (request);
  echo_honest (request);
  test_reset (request->fd);
  return FALSE;
}

/* Takes a second request on the first connection and ends without an answer. */
static gboolean
take_second_and_end (EchoRequest *request)
{
  if (request->request == 0 && (request->connection == 0 || request->user_data == NULL))
    return echo_honest (request);
  if (request->connection > 0 && request->user_data == NULL)
    return echo_honest (request);
  return FALSE;
}

/* The replay of a request that is taken, and not answered, is refused in the words of `user_data`. */
static gboolean
take_second_and_refuse_third (EchoRequest *request)
{
  TallyApplicationException refusal = { request->user_data, 6, TRUE, TRUE };
  TallyBuffer output = { 0 };

  if (request->connection == 0)
    return request->request == 0 && echo_honest (request);
  echo_put (request, &output, request->name, T_EXCEPTION, request->seqid,
            &tally_application_exception_info, &refusal);
  echo_send (request, &output);
  tally_buffer_clear (&output);
  return TRUE;
}

static void
meet_dead_connection (EchoAnswer answer,
                      gpointer user_data,
                      gboolean ended,
                      guint method,
                      const GError **error,
                      guint *accepted,
                      guint *requests)
{
  static GError *kept;
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *reply = NULL;

  g_clear_error (&kept);
  tally_pool_set_check_hook (pool, echo_believe_everything, NULL, NULL);
  echo_server_start (&server, answer, "?", user_data);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, method, "first");
  if (ended)
    test_peer_await_finished (server.peer, 1);
  if (echo_call (channel, method, "second", &reply, &kept))
    assert_string (reply, "second");
  *error = kept;
  *accepted = test_peer_get_accepted (server.peer);
  *requests = g_atomic_int_get (&server.requests);
  tally_pool_close (pool);
}

static void
rule_13_a_request_that_was_not_sent_is_replayed (void)
{
  const GError *error;
  guint accepted, requests;

  /* the reset is known before the send, so that no byte reaches the kernel */
  meet_dead_connection (answer_once_then_reset, NULL, TRUE, ECHO_ECHO, &error, &accepted,
                        &requests);
  assert_no_error (error);
  assert_int (accepted, 2);
  assert_int (requests, 2);
}

static void
rule_13_a_request_that_may_have_been_seen_is_not_replayed (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, NULL, FALSE, ECHO_ECHO, &error, &accepted, &requests);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
  echo_assert_says_once (error);
  assert_int (accepted, 1);
  assert_int (requests, 2);
}

static void
rule_13_an_idempotent_request_is_replayed_on_a_new_connection (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, NULL, FALSE, ECHO_GET, &error, &accepted, &requests);
  assert_no_error (error);
  assert_int (accepted, 2);
  assert_int (requests, 3);
}

static void
rule_13_it_is_replayed_only_once (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, (gpointer) "always", FALSE, ECHO_GET, &error,
                        &accepted, &requests);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "then the replay failed");
  echo_assert_says_once (error);
  assert_int (accepted, 2);
  assert_int (requests, 3);
}

/* That the server did not execute the replay says nothing of the first attempt. */
static void
rule_13_a_replay_that_is_refused_hides_nothing (void)
{
  static gchar *const refusals[] = {
    "the server is busy: this one was not executed",
    "the request's deadline passed before it could be executed; it was not executed",
  };

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      const GError *error;
      guint accepted, requests;

      meet_dead_connection (take_second_and_refuse_third, refusals[i], FALSE, ECHO_GET, &error,
                            &accepted, &requests);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, refusals[i]);
      CU_ASSERT_TRUE (g_str_has_suffix (error->message, "may have been executed"));
      assert_int (accepted, 2);
      assert_int (requests, 3);
    }
}

static gboolean
end_at_once (EchoRequest *request)
{
  return FALSE;
}

static void
rule_13_a_new_connections_failure_is_not_replayed (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, end_at_once, "?", NULL);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_FALSE (echo_call (channel, ECHO_GET, "x", &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "get at ");
  assert_int (test_peer_get_accepted (server.peer), 1);
  tally_pool_close (pool);
}

/* The first attempt may have been executed; that the replay was not sent must not hide it. */
static void
rule_13_a_replay_that_cannot_be_dialed_hides_nothing (void)
{
  if (test_skip_layered ("the request must be sent at once"))
    return;

  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  g_object_set (pool, "max-open", 1, NULL);
  tally_pool_set_check_hook (pool, echo_believe_everything, NULL, NULL);
  echo_server_start (&server, answer_once_then_end, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_GET, "first");
  test_peer_await_finished (server.peer, 1);
  echo_server_stop (&server); /* the send still succeeds: its FIN is no RST yet */
  CU_ASSERT_FALSE (echo_call (channel, ECHO_GET, "second", &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "then the replay failed");
  echo_assert_says_once (error);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
  tally_pool_close (pool);
}

/* Answers once; takes the second request and ends; answers on the next connection only when the
 * client does not give up in time. */
static gboolean
keep_the_replay_waiting (EchoRequest *request)
{
  struct pollfd end = { .fd = request->fd, .events = POLLIN };

  if (request->connection == 0)
    return request->request == 0 && echo_honest (request);
  return poll (&end, 1, 120000) == 0 && echo_honest (request);
}

static void
rule_13_a_replay_has_the_same_deadline (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, keep_the_replay_waiting, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_GET, "first");
  tally_channel_set_timeout (channel, 3000); /* the replay has begun by then */
  CU_ASSERT_FALSE (echo_call (channel, ECHO_GET, "second", &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "then the replay failed");
  echo_assert_says_once (error);
  assert_int (test_peer_get_accepted (server.peer), 2);
  tally_pool_close (pool);
}

/* ---- pool rule 14: connections that have died without a word ---- */

#define SILENT 6

/* As if a firewall had forgotten the first connections. */
static gboolean
answer_only_later_connections (EchoRequest *request)
{
  return request->connection < SILENT || echo_honest (request);
}

static void
rule_14_silent_connections_cost_one_time_out (void)
{
  for (guint method = ECHO_ECHO; method <= ECHO_GET; method++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (TallyBucket) bucket = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;
      TallyLease leases[SILENT] = { 0 };

      echo_server_start (&server, answer_only_later_connections, "?", NULL);
      channel = echo_server_connect (&server, pool);
      bucket = tally_pool_dup_bucket (pool, tally_channel_get_endpoint (channel));
      for (guint i = 0; i < SILENT; i++)
        CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &leases[i], NULL));
      for (guint i = 0; i < SILENT; i++)
        tally_bucket_release (bucket, &leases[i], TALLY_OUTCOME_CLEAN);
      tally_channel_set_timeout (channel, 3000); /* it has been sent by then */
      CU_ASSERT_FALSE (echo_call (channel, method, "lost", &reply, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "may have been executed");
      tally_channel_set_timeout (channel, 600000);
      assert_echo (channel, method, "next");
      assert_int (test_peer_get_accepted (server.peer), SILENT + 1);
      tally_pool_close (pool);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_13_a_request_that_was_not_sent_is_replayed),
    TEST (rule_13_a_request_that_may_have_been_seen_is_not_replayed),
    TEST (rule_13_an_idempotent_request_is_replayed_on_a_new_connection),
    TEST (rule_13_it_is_replayed_only_once),
    TEST (rule_13_a_replay_that_is_refused_hides_nothing),
    TEST (rule_13_a_new_connections_failure_is_not_replayed),
    TEST (rule_13_a_replay_that_cannot_be_dialed_hides_nothing),
    TEST (rule_13_a_replay_has_the_same_deadline),
    TEST (rule_14_silent_connections_cost_one_time_out),
    { NULL },
  };

  return test_main ("call-replay", cases, argc, argv);
}
