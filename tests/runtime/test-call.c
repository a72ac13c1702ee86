/* Calls that go well, calls whose connection dies between them, cancellation, limits. */
#include <netinet/in.h>
#include <poll.h>
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

      if (!echo_call (caller->channel, ECHO_ECHO, text, &reply, NULL)
          || g_strcmp0 (reply, text) != 0)
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
      callers[i] = (Caller){ .channel = channel, .id = i };
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
  assert_int (g_atomic_int_get (&server.requests),
              3); /* a oneway is not lost by the close that follows */
  tally_pool_close (pool);
}

/* ---- multiplexed services ---- */

static gboolean
answer_multiplexed (EchoRequest *request)
{
  EchoResult result = { .success = request->name };
  TallyBuffer output = { 0 };
  gboolean sent;

  echo_put (request, &output, request->user_data, T_REPLY, request->seqid,
            echo_methods[ECHO_ECHO].result, &result);
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
  } cases[] = { { "echo", TRUE },      { "Calc:echo", TRUE }, { "Other:echo", FALSE },
                { "Calc:ech", FALSE }, { "Calc", FALSE },     { ":echo", FALSE },
                { "Calc:", FALSE } };
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
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, echo_get_place ());
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

/* ---- cancellation and deadlines ---- */

typedef struct
{
  GCancellable *cancellable;
  gint caller;         /* its thread */
  gint begun;          /* atomic: the server has received a part of the request */
  TallyBucket *bucket; /* NULL, or of which a connection is awaited */
} Canceller;

static gboolean
caller_waits (Canceller *self)
{
  TallyPoolSnapshot now;

  if (self->bucket == NULL)
    return g_atomic_int_get (&self->begun) && test_thread_awaits_socket (self->caller);
  tally_bucket_snapshot (self->bucket, &now);
  return now.waiting == 1;
}

static gpointer
cancel_when_it_waits (gpointer data)
{
  Canceller *self = data;

  while (!caller_waits (self))
    g_thread_yield ();
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
call_and_cancel (Canceller *canceller, TallyChannel *channel, const gchar *text, const gchar *part)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) text };
  gpointer results[] = { &reply, NULL };
  GThread *thread;

  canceller->cancellable = cancellable;
  canceller->caller = gettid ();
  thread = g_thread_new ("cancel", cancel_when_it_waits, canceller);
  CU_ASSERT_FALSE (tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, results, 0,
                                       cancellable, &error));
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, part);
  CU_ASSERT_PTR_NULL (reply);
  g_thread_join (thread);
}

static gboolean
never_answer (EchoRequest *request)
{
  Canceller *canceller = request->user_data;
  guint8 byte;

  if (request->request == 0 && strcmp (request->text, "first") == 0)
    return echo_honest (request);
  if (canceller != NULL)
    g_atomic_int_set (&canceller->begun, TRUE);
  test_read_exact (request->fd, &byte, 1);
  return FALSE;
}

static void
cancelling_ends_the_wait_for_a_reply (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  Canceller canceller = { .begun = FALSE };
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;

  echo_server_start (&server, never_answer, "?", &canceller);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "first"); /* so that only the reply is left to wait for */
  call_and_cancel (&canceller, channel, "x", "may have been executed");
  test_peer_await_finished (server.peer, test_peer_get_accepted (server.peer)); /* it was closed */
  tally_pool_close (pool);
}

typedef struct
{
  Canceller canceller;
  Handshake handshake; /* answered: it may end */
} Clog;

/* Answers once and reads no more until it is told to end. */
static gboolean
answer_then_read_nothing (EchoRequest *request)
{
  Clog *clog = request->user_data;
  struct pollfd next = { .fd = request->fd, .events = POLLIN };

  echo_honest (request);
  while (poll (&next, 1, -1) != 1)
    ;
  g_atomic_int_set (&clog->canceller.begun, TRUE);
  g_mutex_lock (&clog->handshake.lock);
  while (clog->handshake.answered == 0)
    g_cond_wait (&clog->handshake.changed, &clog->handshake.lock);
  g_mutex_unlock (&clog->handshake.lock);
  return FALSE;
}

static void
cancelling_ends_a_send (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  Clog clog = { .canceller.begun = FALSE };
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *text = g_strnfill (15 << 20, 'x');

  echo_server_start (&server, answer_then_read_nothing, "?", &clog);
  channel = echo_server_connect (&server, pool);
  assert_echo (channel, ECHO_ECHO, "first");
  call_and_cancel (&clog.canceller, channel, text, "bytes were sent");
  g_mutex_lock (&clog.handshake.lock);
  clog.handshake.answered = 1;
  g_cond_broadcast (&clog.handshake.changed);
  g_mutex_unlock (&clog.handshake.lock);
  tally_pool_close (pool);
}

static void
cancelling_ends_the_wait_for_a_connection (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  Canceller canceller = { .bucket = NULL };
  TallyLease lease;

  g_object_set (pool, "max-open", 1, NULL);
  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  canceller.bucket = tally_pool_dup_bucket (pool, tally_channel_get_endpoint (channel));
  CU_ASSERT_TRUE (tally_bucket_borrow (canceller.bucket, "holder", -1, NULL, &lease, &error));
  call_and_cancel (&canceller, channel, "x", "echo at");
  tally_bucket_release (canceller.bucket, &lease, TALLY_OUTCOME_CLEAN);
  assert_echo (channel, ECHO_ECHO, "still works");
  tally_bucket_unref (canceller.bucket);
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
  CU_ASSERT_FALSE (
      tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, NULL, -1, cancellable, &error));
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
  assert_int (test_peer_get_accepted (server.peer), 0);
  tally_pool_close (pool);
}

static gboolean
answer_unless_told (EchoRequest *request)
{
  return strcmp (request->text, "silence") == 0 || echo_honest (request);
}

/* A connection that a call's deadline has ended is no sign that those are dead which were heard from
 * since (pool rule 14). The clock may not tell two releases in a row apart, but an answer in between. */
static void
rule_12_a_time_out_is_nobodys_death (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (TallyBucket) bucket = NULL;
  g_autoptr (GError) error = NULL;
  TallyPoolSnapshot seen;
  TallyLease lease;

  echo_server_start (&server, answer_unless_told, "?", NULL);
  channel = echo_server_connect (&server, pool);
  bucket = tally_pool_dup_bucket (pool, tally_channel_get_endpoint (channel));
  CU_ASSERT_TRUE (tally_bucket_borrow (bucket, "first", -1, NULL, &lease, NULL));
  assert_echo (channel, ECHO_ECHO, "on the second");
  assert_echo (channel, ECHO_ECHO, "again");
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  assert_echo (channel, ECHO_ECHO, "on the first");
  g_object_set (pool, "order", TALLY_POOL_ORDER_FIFO, NULL);
  tally_channel_set_timeout (channel, 3000); /* it has been sent by then */
  CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "silence", NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "may have been executed");
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.idle, 1);
  assert_int (seen.closes[TALLY_CLOSE_BROKEN], 1);
  tally_channel_set_timeout (channel, 600000);
  assert_echo (channel, ECHO_ECHO, "on the other");
  assert_int (test_peer_get_accepted (server.peer), 2);
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
  CU_ASSERT_FALSE (
      tally_channel_call (channel, &echo_methods[ECHO_ECHO], &args, NULL, 5, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
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
  CU_ASSERT_FALSE (
      tally_channel_call (channel, &echo_methods[ECHO_COUNT], &args, results, -1, NULL, &error));
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
    TEST (cancelling_ends_the_wait_for_a_reply),
    TEST (cancelling_ends_a_send),
    TEST (cancelling_ends_the_wait_for_a_connection),
    TEST (a_cancelled_call_sends_nothing),
    TEST (rule_12_a_time_out_is_nobodys_death),
    TEST (a_calls_own_timeout_goes_before_the_channels),
    TEST (what_cannot_be_encoded_is_not_sent),
    TEST (messages_have_a_limit),
    { NULL },
  };

  return test_main ("call", cases, argc, argv);
}
