/* Calls that go well, calls whose connection dies between them, replays, cancellation, and what becomes of
 * the caller's variables. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-error.h"

static const gchar *const dialects[] = { "?", "?protocol=compact&", "?transport=buffered&",
                                         "?protocol=compact&transport=buffered&" };

static void
assert_echo (TallyChannel *channel, guint method, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  CU_ASSERT_TRUE (echo_call (channel, method, text, &reply, &error));
  assert_no_error (error);
  assert_string (reply, text);
}

/* ---- calls that go well ---- */

static void
replies_come_back_in_every_dialect (void)
{
  g_autofree gchar *large = g_strnfill (300000, 'L');
  guint i;

  for (i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;

      echo_server_start (&server, echo_honest, dialects[i], NULL);
      channel = echo_server_connect (&server, pool);
      assert_echo (channel, ECHO_ECHO, "hello");
      assert_echo (channel, ECHO_ECHO, "");
      assert_echo (channel, ECHO_ECHO, large);
      assert_echo (channel, ECHO_GET, "again");
      assert_int (test_peer_get_accepted (server.peer), 1);
      tally_pool_close (pool);
    }
}

typedef struct
{
  TallyChannel *channel;
  guint id;
  guint failures;
} Caller;

static gpointer
call_many_times (gpointer data)
{
  Caller *caller = data;
  guint i;

  for (i = 0; i < 200; i++)
    {
      g_autofree gchar *text = g_strdup_printf ("%u/%u", caller->id, i);
      g_autofree gchar *reply = NULL;

      if (!echo_call (caller->channel, ECHO_ECHO, text, &reply, NULL) || g_strcmp0 (reply, text) != 0)
        caller->failures++;
    }
  return NULL;
}

static void
every_thread_gets_its_own_replies (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  Caller callers[8];
  GThread *threads[8];
  guint i;

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  for (i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      callers[i] = (Caller) { .channel = channel, .id = i };
      threads[i] = g_thread_new ("caller", call_many_times, &callers[i]);
    }
  for (i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_thread_join (threads[i]);
      assert_int (callers[i].failures, 0);
    }
  CU_ASSERT_TRUE (test_peer_get_accepted (server.peer) <= G_N_ELEMENTS (callers));
  tally_pool_close (pool);
}

typedef struct
{
  GMutex lock;
  GHashTable *seqids;
  gboolean zero;
  gboolean repeated;
} Seqids;

static gboolean
note_seqid (EchoRequest *request)
{
  Seqids *seen = request->user_data;

  g_mutex_lock (&seen->lock);
  seen->zero |= request->seqid == 0;
  seen->repeated |= !g_hash_table_add (seen->seqids, GINT_TO_POINTER (request->seqid));
  g_mutex_unlock (&seen->lock);
  return echo_honest (request);
}

static void
sequence_ids_are_never_0_and_never_twice (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  Seqids seen = { .seqids = g_hash_table_new (NULL, NULL) };
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  guint i;

  echo_server_start (&server, note_seqid, "?", &seen);
  channel = echo_server_connect (&server, pool);
  for (i = 0; i < 50; i++)
    assert_echo (channel, ECHO_ECHO, "x");
  CU_ASSERT_FALSE (seen.zero);
  CU_ASSERT_FALSE (seen.repeated);
  tally_pool_close (pool);
  echo_server_stop (&server);
  g_hash_table_unref (seen.seqids);
}

static void
unpooled_calls_have_a_connection_each (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  echo_server_start (&server, echo_honest, "?mode=unpooled", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "one");
  assert_echo (channel, ECHO_ECHO, "two");
  CU_ASSERT_TRUE (echo_call (channel, ECHO_NOTE, "three", NULL, &error));
  assert_no_error (error);
  test_peer_await_finished (server.peer, 3);
  assert_int (test_peer_get_accepted (server.peer), 3);
  assert_int (g_atomic_int_get (&server.requests), 3); /* a oneway is not lost by the close that follows */
  tally_pool_close (pool);
}

/* ---- multiplexed services ---- */

static gboolean
answer_multiplexed (EchoRequest *request)
{
  EchoResult result = { .success = request->name };
  TallyBuffer output = { 0 };
  gboolean sent;

  echo_put (request, &output, request->user_data, T_REPLY, request->seqid, echo_methods[ECHO_ECHO].result,
            &result);
  sent = echo_send (request, &output);
  tally_buffer_clear (&output);
  return sent;
}

static void
a_services_name_goes_before_the_methods (void)
{
  static const struct
  {
    const gchar *answer;
    gboolean accepted;
  } cases[] = { { "echo", TRUE }, { "Calc:echo", TRUE }, { "Other:echo", FALSE }, { "Calc:ech", FALSE },
                { "Calc", FALSE }, { ":echo", FALSE }, { "Calc:", FALSE } };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      echo_server_start (&server, answer_multiplexed, "?service=Calc", (gpointer) cases[i].answer);
      channel = echo_server_connect (&server, pool);
      CU_ASSERT_EQUAL (echo_call (channel, ECHO_ECHO, "x", &reply, &error), cases[i].accepted);
      if (cases[i].accepted)
        assert_string (reply, "Calc:echo");
      else
        assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                      THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME, cases[i].answer);
      tally_pool_close (pool);
    }
}

/* ---- connections that die between calls ---- */

static gboolean
answer_once (EchoRequest *request)
{
  echo_honest (request);
  return FALSE;
}

static void
a_connection_closed_while_idle_is_never_used (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  guint i;

  echo_server_start (&server, answer_once, "?", NULL);
  channel = echo_server_connect (&server, pool);
  for (i = 1; i <= 3; i++)
    {
      assert_echo (channel, ECHO_ECHO, "x");
      test_peer_await_finished (server.peer, i); /* its FIN is here: loopback delivers */
      assert_int (test_peer_get_accepted (server.peer), i);
    }
  assert_int (g_atomic_int_get (&server.requests), 3);
  tally_pool_close (pool);
}

static void
a_server_that_is_gone_is_said_to_be (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "x");
  echo_server_stop (&server);
  CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "y", &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "echo at tcp://127.0.0.1:");
  tally_pool_close (pool);
}

/* Answers a oneway too, and says when it has. */
typedef struct
{
  GMutex lock;
  GCond changed;
  guint answered;
} Handshake;

static gboolean
answer_oneway_too (EchoRequest *request)
{
  Handshake *handshake = request->user_data;
  TallyBuffer output = { 0 };

  echo_put_reply (request, &output);
  echo_send (request, &output);
  tally_buffer_clear (&output);
  g_mutex_lock (&handshake->lock);
  handshake->answered++;
  g_cond_broadcast (&handshake->changed);
  g_mutex_unlock (&handshake->lock);
  return TRUE;
}

static void
a_reply_to_a_oneway_is_never_the_next_calls (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  Handshake handshake = { .answered = 0 };
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  echo_server_start (&server, answer_oneway_too, "?", &handshake);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_TRUE (echo_call (channel, ECHO_NOTE, "note", NULL, &error));
  assert_no_error (error);
  g_mutex_lock (&handshake.lock);
  while (handshake.answered == 0)
    g_cond_wait (&handshake.changed, &handshake.lock);
  g_mutex_unlock (&handshake.lock);
  assert_echo (channel, ECHO_ECHO, "x");
  assert_int (test_peer_get_accepted (server.peer), 2);
  tally_pool_close (pool);
}

/* ---- replays: pool rule 13 ---- */

static gboolean
believe_everything (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  return TRUE;
}

/* What a server does to its connections after one answer each: the client's check is blind, so that its
 * second call meets the dead connection. */
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

static void
meet_dead_connection (EchoAnswer answer, gpointer user_data, gboolean ended, guint method, const GError **error,
                      guint *accepted, guint *requests)
{
  static GError *kept;
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *reply = NULL;

  g_clear_error (&kept);
  tally_pool_set_check_hook (pool, believe_everything, NULL, NULL);
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
a_request_that_was_not_sent_is_replayed (void)
{
  const GError *error;
  guint accepted, requests;

  /* the reset is known before the send, so that no byte reaches the kernel */
  meet_dead_connection (answer_once_then_reset, NULL, TRUE, ECHO_ECHO, &error, &accepted, &requests);
  assert_no_error (error);
  assert_int (accepted, 2);
  assert_int (requests, 2);
}

static void
a_request_that_may_have_been_seen_is_not_replayed (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, NULL, FALSE, ECHO_ECHO, &error, &accepted, &requests);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
  assert_int (accepted, 1);
  assert_int (requests, 2);
}

static void
an_idempotent_request_is_replayed_on_a_new_connection (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, NULL, FALSE, ECHO_GET, &error, &accepted, &requests);
  assert_no_error (error);
  assert_int (accepted, 2);
  assert_int (requests, 3);
}

static void
it_is_replayed_only_once (void)
{
  const GError *error;
  guint accepted, requests;

  meet_dead_connection (take_second_and_end, (gpointer) "always", FALSE, ECHO_GET, &error, &accepted, &requests);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "then the replay failed");
  assert_int (accepted, 2);
  assert_int (requests, 3);
}

static gboolean
end_at_once (EchoRequest *request)
{
  return FALSE;
}

static void
a_new_connections_failure_is_not_replayed (void)
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
a_replay_that_cannot_be_dialed_hides_nothing (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  g_object_set (pool, "max-open", 1, NULL);
  tally_pool_set_check_hook (pool, believe_everything, NULL, NULL);
  echo_server_start (&server, answer_once_then_end, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_GET, "first");
  test_peer_await_finished (server.peer, 1);
  echo_server_stop (&server); /* the send still succeeds: its FIN is no RST yet */
  CU_ASSERT_FALSE (echo_call (channel, ECHO_GET, "second", &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "then the replay failed");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
  tally_pool_close (pool);
}

/* ---- cancellation and deadlines ---- */

typedef struct
{
  GCancellable *cancellable;
  gint target; /* the thread that is to be asleep */
} Canceller;

static gpointer
cancel_when_asleep (gpointer data)
{
  Canceller *canceller = data;
  gboolean asleep = FALSE;

  while (!asleep)
    {
      g_autofree gchar *path = g_strdup_printf ("/proc/self/task/%d/stat", canceller->target);
      g_autofree gchar *stat = NULL;
      const gchar *state;

      if (g_file_get_contents (path, &stat, NULL, NULL) && (state = strrchr (stat, ')')) != NULL)
        asleep = state[2] == 'S';
      g_thread_yield ();
    }
  g_cancellable_cancel (canceller->cancellable);
  return NULL;
}

static void
call_and_cancel (TallyChannel *channel, const gchar *text, const gchar *part)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, gettid () };
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) text };
  gpointer results[] = { &reply, NULL };
  GThread *thread = g_thread_new ("cancel", cancel_when_asleep, &canceller);

  CU_ASSERT_FALSE (tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, results, 0, cancellable, &error));
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, part);
  CU_ASSERT_PTR_NULL (reply);
  g_thread_join (thread);
}

static gboolean
never_answer (EchoRequest *request)
{
  guint8 byte;

  if (request->request == 0 && strcmp (request->text, "first") == 0)
    return echo_honest (request);
  test_read_exact (request->fd, &byte, 1);
  return FALSE;
}

static void
cancelling_ends_the_wait_for_a_reply (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;

  echo_server_start (&server, never_answer, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "first"); /* so that only the reply is left to wait for */
  call_and_cancel (channel, "x", "may have been executed");
  test_peer_await_finished (server.peer, test_peer_get_accepted (server.peer)); /* it was closed */
  tally_pool_close (pool);
}

/* Answers once and reads no more until it is told to end. */
static gboolean
answer_then_read_nothing (EchoRequest *request)
{
  Handshake *handshake = request->user_data;

  echo_honest (request);
  g_mutex_lock (&handshake->lock);
  while (handshake->answered == 0)
    g_cond_wait (&handshake->changed, &handshake->lock);
  g_mutex_unlock (&handshake->lock);
  return FALSE;
}

static void
cancelling_ends_a_send (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  Handshake handshake = { .answered = 0 };
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *text = g_strnfill (15 << 20, 'x');

  echo_server_start (&server, answer_then_read_nothing, "?", &handshake);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "first");
  call_and_cancel (channel, text, "bytes were sent");
  g_mutex_lock (&handshake.lock);
  handshake.answered = 1;
  g_cond_broadcast (&handshake.changed);
  g_mutex_unlock (&handshake.lock);
  tally_pool_close (pool);
}

static void
cancelling_ends_the_wait_for_a_connection (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  TallyBucket *bucket;
  TallyLease lease;

  g_object_set (pool, "max-open", 1, NULL);
  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  bucket = tally_pool_dup_bucket (pool, tally_channel_get_endpoint (channel));
  CU_ASSERT_TRUE (tally_bucket_borrow (bucket, "holder", -1, NULL, &lease, &error));
  call_and_cancel (channel, "x", "echo at");
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  assert_echo (channel, ECHO_ECHO, "still works");
  tally_bucket_unref (bucket);
  tally_pool_close (pool);
}

static void
a_cancelled_call_sends_nothing (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  EchoArgs args = { (gchar *) "x" };

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, NULL, -1, cancellable, &error));
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
  assert_int (test_peer_get_accepted (server.peer), 0);
  tally_pool_close (pool);
}

static void
a_calls_own_timeout_goes_before_the_channels (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  EchoArgs args = { (gchar *) "x" };

  echo_server_start (&server, never_answer, "?", NULL);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_FALSE (tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, NULL, 5, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "echo at tcp://");
  tally_pool_close (pool);
}

/* ---- encoding ---- */

static void
what_cannot_be_encoded_is_not_sent (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  EchoArgs args = { NULL };
  gint32 count = 7;
  gpointer results[] = { &count };

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "x");
  CU_ASSERT_FALSE (tally_channel_call (channel, &echo_methods[ECHO_COUNT], &args, results, -1, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "text");
  assert_int (count, 7);
  assert_echo (channel, ECHO_ECHO, "y");
  assert_int (test_peer_get_accepted (server.peer), 1); /* nothing was sent: it is still clean */
  assert_int (g_atomic_int_get (&server.requests), 2);
  tally_pool_close (pool);
}

static void
messages_have_a_limit (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strnfill (500, 'x');
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  tally_channel_set_max_message_size (channel, 400);
  CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, text, &reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT, "nothing was sent");
  assert_echo (channel, ECHO_ECHO, "short");
  assert_int (g_atomic_int_get (&server.requests), 1);
  tally_pool_close (pool);
}

/* ---- results ---- */

static gboolean
answer_by_text (EchoRequest *request)
{
  g_autoptr (GObject) point = G_OBJECT (fix_point_new (5, "tag"));
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", "code", 3, NULL);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  gboolean throws = strcmp (request->text, "throw") == 0;
  gboolean none = strcmp (request->text, "none") == 0;
  FixListResult list = { .success = none ? NULL : numbers };
  PointResult point_result = { .success = none ? NULL : (FixPoint *) point };
  PingResult ping = { .oops = throws ? (FixOops *) oops : NULL };
  FixCountResult count = { .success = 42, .__isset_success = !none };
  EchoResult echo = { .success = throws ? NULL : request->text, .oops = ping.oops };
  gconstpointer values[] = { [ECHO_COUNT] = &count, [ECHO_ECHO] = &echo, [ECHO_NUMBERS] = &list,
                             [ECHO_PING] = &ping, [ECHO_POINT] = &point_result };
  TallyBuffer output = { 0 };
  gint32 number = 9;
  guint i;

  g_array_append_val (numbers, number);
  for (i = 0; i < N_ECHO_METHODS && strcmp (echo_methods[i].name, request->name) != 0; i++)
    ;
  echo_put (request, &output, request->name, T_REPLY, request->seqid, echo_methods[i].result, values[i]);
  echo_send (request, &output);
  tally_buffer_clear (&output);
  return TRUE;
}

typedef struct
{
  TallyPool *pool;
  EchoServer server;
  TallyChannel *channel;
} Results;

static void
results_start (Results *self)
{
  self->pool = tally_pool_new ();
  echo_server_start (&self->server, answer_by_text, "?", NULL);
  self->channel = echo_server_connect (&self->server, self->pool);
}

static void
results_stop (Results *self)
{
  assert_int (test_peer_get_accepted (self->server.peer), 1); /* all of it was clean */
  tally_pool_close (self->pool);
  echo_server_stop (&self->server);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
}

static gboolean
call (Results *self, guint method, const gchar *text, gpointer const *results, GError **error)
{
  EchoArgs args = { (gchar *) text };

  g_clear_error (error);
  return tally_channel_call (self->channel, &echo_methods[method], &args, results, -1, NULL, error);
}

static void
structs_and_containers_are_filled_in_place_or_made (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) owned = G_OBJECT (fix_point_new (1, "old"));
  FixPoint *point = (FixPoint *) owned;
  FixPoint *made = NULL;
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  GArray *made_numbers = NULL;
  gint32 old = 1;

  results_start (&self);
  g_array_append_val (numbers, old);
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]) { &point }, &error));
  CU_ASSERT_PTR_EQUAL (point, owned);
  assert_int (point->x, 5);
  assert_int (point->tags->len, 1);
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]) { &made }, &error));
  assert_int (made->x, 5);
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", (gpointer[]) { &numbers }, &error));
  assert_int (numbers->len, 1);
  assert_int (g_array_index (numbers, gint32, 0), 9);
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", (gpointer[]) { &made_numbers }, &error));
  assert_int (made_numbers->len, 1);
  /* nobody wants it */
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", NULL, &error));
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]) { NULL }, &error));
  assert_no_error (error);
  g_object_unref (made);
  g_array_unref (numbers);
  g_array_unref (made_numbers);
  results_stop (&self);
}

/* Though a variable that is filled in place is never NULL. */
static void
a_missing_result_is_noticed_in_every_type (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) owned = G_OBJECT (fix_point_new (1, "old"));
  FixPoint *point = (FixPoint *) owned;
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  gint32 count = 1;

  results_start (&self);
  CU_ASSERT_FALSE (call (&self, ECHO_POINT, "none", (gpointer[]) { &point }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT,
                "point at");
  assert_int (point->x, 1);
  CU_ASSERT_FALSE (call (&self, ECHO_NUMBERS, "none", (gpointer[]) { &numbers }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT,
                NULL);
  CU_ASSERT_FALSE (call (&self, ECHO_COUNT, "none", (gpointer[]) { &count }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT,
                NULL);
  assert_int (count, 1);
  CU_ASSERT_TRUE (call (&self, ECHO_COUNT, "some", (gpointer[]) { &count }, &error));
  assert_int (count, 42);
  CU_ASSERT_TRUE (call (&self, ECHO_PING, "none", NULL, &error)); /* void: nothing is due */
  results_stop (&self);
}

static void
declared_exceptions_are_handed_out (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = g_strdup ("old");
  FixOops *oops = NULL;

  results_start (&self);
  CU_ASSERT_FALSE (call (&self, ECHO_ECHO, "throw", (gpointer[]) { &reply, &oops }, &error));
  assert_error (error, fix_oops_error_quark (), 0, NULL);
  assert_string (error->message, "Oops");
  assert_string (reply, "old");
  CU_ASSERT_PTR_NOT_NULL_FATAL (oops);
  assert_string (oops->message, "so");
  assert_int (oops->code, 3);
  g_clear_object (&oops);
  CU_ASSERT_FALSE (call (&self, ECHO_PING, "throw", (gpointer[]) { &oops }, &error));
  assert_error (error, fix_oops_error_quark (), 0, "Oops");
  g_clear_object (&oops);
  CU_ASSERT_FALSE (call (&self, ECHO_PING, "throw", NULL, &error));
  assert_error (error, fix_oops_error_quark (), 0, "Oops");
  CU_ASSERT_TRUE (call (&self, ECHO_ECHO, "new", (gpointer[]) { &reply, &oops }, &error));
  assert_string (reply, "new"); /* the old value was freed */
  CU_ASSERT_PTR_NULL (oops);
  results_stop (&self);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (replies_come_back_in_every_dialect),
    TEST (every_thread_gets_its_own_replies),
    TEST (sequence_ids_are_never_0_and_never_twice),
    TEST (unpooled_calls_have_a_connection_each),
    TEST (a_services_name_goes_before_the_methods),
    TEST (a_connection_closed_while_idle_is_never_used),
    TEST (a_server_that_is_gone_is_said_to_be),
    TEST (a_reply_to_a_oneway_is_never_the_next_calls),
    TEST (a_request_that_was_not_sent_is_replayed),
    TEST (a_request_that_may_have_been_seen_is_not_replayed),
    TEST (an_idempotent_request_is_replayed_on_a_new_connection),
    TEST (it_is_replayed_only_once),
    TEST (a_new_connections_failure_is_not_replayed),
    TEST (a_replay_that_cannot_be_dialed_hides_nothing),
    TEST (cancelling_ends_the_wait_for_a_reply),
    TEST (cancelling_ends_a_send),
    TEST (cancelling_ends_the_wait_for_a_connection),
    TEST (a_cancelled_call_sends_nothing),
    TEST (a_calls_own_timeout_goes_before_the_channels),
    TEST (what_cannot_be_encoded_is_not_sent),
    TEST (messages_have_a_limit),
    TEST (structs_and_containers_are_filled_in_place_or_made),
    TEST (a_missing_result_is_noticed_in_every_type),
    TEST (declared_exceptions_are_handed_out),
    { NULL },
  };

  return test_main ("call", cases, argc, argv);
}
