/* Owns the tests of handlers that answer later: from which thread, how often, what a reply that is dropped comes to, what
 * such a handler learns of its client, and how many of their calls run at once. */
#include <string.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"
#include "server-requests-private.h"

/* ---- a handler that keeps its replies for the test ---- */

typedef struct
{
  TestHandler parent;
  GAsyncQueue *replies; /* of TallyReply */
  GAsyncQueue *leave;   /* an item for each handler that is to return */
} LaterHandler;
typedef TestHandlerClass LaterHandlerClass;
static GType later_handler_get_type (void);
G_DEFINE_TYPE (LaterHandler, later_handler, test_handler_get_type ())

static void
keep (TestHandler *self, TallyReply *reply)
{
  g_async_queue_push (((LaterHandler *) self)->replies, tally_reply_ref (reply));
}

/* Answers, and returns only when the test says so. */
static void
answer_and_stay (TestHandler *self, TallyReply *reply)
{
  const gchar *text = "early";

  CU_ASSERT (tally_reply_return (reply, test_echo_method, &text, NULL));
  g_async_queue_pop (((LaterHandler *) self)->leave);
}

static void
keep_text (TestHandler *self, const gchar *text, TallyReply *reply)
{
  if (g_str_equal (text, "stay"))
    answer_and_stay (self, reply);
  else if (!g_str_equal (text, "drop"))
    keep (self, reply);
}

static void
later_handler_finalize (GObject *object)
{
  g_async_queue_unref (((LaterHandler *) object)->replies);
  g_async_queue_unref (((LaterHandler *) object)->leave);
  G_OBJECT_CLASS (later_handler_parent_class)->finalize (object);
}

static void
later_handler_class_init (LaterHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = later_handler_finalize;
  klass->act_async = keep_text;
  klass->echo_async = keep_text;
  klass->note_async = keep_text;
  klass->ping_async = keep;
}

static void
later_handler_init (LaterHandler *self)
{
  self->replies = g_async_queue_new ();
  self->leave = g_async_queue_new ();
}

static Running *
start (const gchar *address, const gchar *options)
{
  TestHandler *handler = g_object_new (later_handler_get_type (), NULL);

  return running_start_with (test_processor_new (derived_processor_get_type (), handler), handler,
                             &framed_binary, address, options);
}

/* (transfer full): the next reply that is due. */
static TallyReply *
take_reply (Running *running)
{
  return g_async_queue_pop (((LaterHandler *) running->handler)->replies);
}

static void
send_call (gint fd, const gchar *name, gint type, gint32 seqid, const gchar *text)
{
  const TextArgs args = { (gchar *) text };
  TallyBuffer request = { NULL, 0, 0 };

  write_request (&request, &framed_binary, name, type, seqid, &text_args_info,
                 text != NULL ? &args : NULL);
  peer_send (fd, &request);
}

static void
answer_echo (TallyReply *reply, const gchar *text)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT (tally_reply_return (reply, test_echo_method, &text, &error));
  assert_no_error (error);
  tally_reply_unref (reply);
}

static void
check_answer (gint fd, gint type, gint32 seqid, const gchar *part)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, &framed_binary, TALLY_KIND_STRING, &answer));
  assert_int (answer.type, type);
  assert_int (answer.seqid, seqid);
  if (part != NULL)
    CU_ASSERT (answer.text != NULL && strstr (answer.text, part) != NULL);
  answer_clear (&answer);
}

/* ---- tests ---- */

static void
a_handler_answers_later (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);
  TallyReply *reply;
  g_autofree gchar *peer = NULL;

  send_call (fd, "echo", T_CALL, 1, "x");
  reply = take_reply (running);
  CU_ASSERT (strcmp (tally_reply_get_method (reply), "echo") == 0);
  peer = tally_reply_dup_peer (reply);
  CU_ASSERT (peer != NULL && strstr (peer, "127.0.0.1") != NULL);
  answer_echo (reply, "later");
  check_answer (fd, T_REPLY, 1, "later");
  send_call (fd, "ping", T_CALL, 2, NULL);
  reply = take_reply (running);
  CU_ASSERT (tally_reply_return (reply, test_ping_method, NULL, NULL));
  tally_reply_unref (reply);
  check_answer (fd, T_REPLY, 2, NULL);
  close (fd);
  running_stop (running);
}

/* A connection in order waits for the answer with what comes behind; one in any order does not. */
static void
requests_behind_wait_only_in_order (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);
  TallyReply *second;
  TallyReply *first;

  send_call (fd, "echo", T_CALL, 1, "x");
  send_call (fd, "echo", T_CALL, 2, "y");
  answer_echo (take_reply (running), "first");
  answer_echo (take_reply (running), "second");
  check_answer (fd, T_REPLY, 1, "first");
  check_answer (fd, T_REPLY, 2, "second");
  close (fd);
  running_stop (running);

  running = start ("tcp://127.0.0.1:0?order=any", "max-workers=1");
  fd = peer_connect (running);
  send_call (fd, "echo", T_CALL, 1, "x");
  first = take_reply (running);
  send_call (fd, "echo", T_CALL, 2, "y");
  second = take_reply (running);
  answer_echo (second, "second");
  check_answer (fd, T_REPLY, 2, "second");
  answer_echo (first, "first");
  check_answer (fd, T_REPLY, 1, "first");
  close (fd);
  running_stop (running);
}

static void
a_dropped_reply_is_answered_by_an_exception (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);

  send_call (fd, "echo", T_CALL, 1, "drop");
  check_answer (fd, T_EXCEPTION, 1, "dropped its reply");
  send_call (fd, "echo", T_CALL, 2, "x");
  tally_reply_unref (take_reply (running));
  check_answer (fd, T_EXCEPTION, 2, "dropped its reply");
  close (fd);
  running_stop (running);
}

static void
only_the_first_answer_counts (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);
  const gchar *text = "again";
  g_autoptr (GError) error = NULL;
  TallyReply *reply;

  send_call (fd, "echo", T_CALL, 1, "x");
  reply = take_reply (running);
  CU_ASSERT (!tally_reply_return (reply, test_ping_method, NULL, NULL)); /* another method's */
  answer_echo (tally_reply_ref (reply), "once");
  CU_ASSERT (!tally_reply_return (reply, test_echo_method, &text, &error));
  CU_ASSERT (error != NULL && strstr (error->message, "before") != NULL);
  CU_ASSERT (!tally_reply_fail (reply, error, NULL));
  tally_reply_unref (reply);
  check_answer (fd, T_REPLY, 1, "once");
  send_call (fd, "echo", T_CALL, 2, "x");
  answer_echo (take_reply (running), "next");
  check_answer (fd, T_REPLY, 2, "next");
  close (fd);
  running_stop (running);
}

static void
exceptions_and_failures_are_answers (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);
  g_autoptr (GError) failure = g_error_new (TALLY_ERROR, TALLY_ERROR_FAILED, "it broke");
  TallyReply *reply;

  send_call (fd, "act", T_CALL, 1, "x");
  reply = take_reply (running);
  CU_ASSERT (!tally_reply_throw (reply, G_OBJECT (running->handler), NULL)); /* not declared */
  CU_ASSERT (tally_reply_throw (reply, oops, NULL));
  tally_reply_unref (reply);
  check_answer (fd, T_REPLY, 1, "Oops");
  send_call (fd, "act", T_CALL, 2, "x");
  reply = take_reply (running);
  CU_ASSERT (tally_reply_fail (reply, failure, NULL));
  tally_reply_unref (reply);
  check_answer (fd, T_EXCEPTION, 2, "it broke");
  send_call (fd, "note", T_ONEWAY, 3, "x"); /* no answer, and the next one comes */
  reply = take_reply (running);
  CU_ASSERT (tally_reply_fail (reply, failure, NULL));
  tally_reply_unref (reply);
  send_call (fd, "echo", T_CALL, 4, "x");
  answer_echo (take_reply (running), "next");
  check_answer (fd, T_REPLY, 4, "next");
  close (fd);
  running_stop (running);
}

static void
a_client_that_leaves_fires_the_cancellable (void)
{
  Running *running = start (NULL, NULL);
  gint fd = peer_connect (running);
  const gchar *text = "too late";
  GCancellable *cancellable;
  TallyReply *reply;

  send_call (fd, "echo", T_CALL, 1, "x");
  reply = take_reply (running);
  cancellable = tally_reply_get_cancellable (reply);
  CU_ASSERT (!g_cancellable_is_cancelled (cancellable));
  peer_reset (fd);
  while (!g_cancellable_is_cancelled (cancellable))
    g_thread_yield ();
  running_await_connections (running, 0);
  CU_ASSERT (tally_reply_return (reply, test_echo_method, &text, NULL));
  tally_reply_unref (reply);
  assert_int (running_snapshot (running).dropped, 1);
  running_stop (running);
}

/* Gives the newest request of the only connection a deadline @ms from now, as if it had come with one. Returns it. */
static gint64
set_deadline (Running *running, gint ms)
{
  gint64 deadline = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  ServerRequest *request;

  pthread_mutex_lock (&running->server->lock);
  for (request = running->server->connections->first_request; request->next != NULL;)
    request = request->next;
  request->later.deadline = deadline;
  pthread_mutex_unlock (&running->server->lock);
  return deadline;
}

/* The client may be there still, and gets its answer. */
static void
a_deadline_fires_the_cancellable (void)
{
  const gint times[] = { 3600 * 1000, 20, -1, 3600 * 1000 };
  Running *running = start ("tcp://127.0.0.1:0?order=any", NULL);
  gint fd = peer_connect (running);
  GCancellable *cancellables[G_N_ELEMENTS (times)];
  TallyReply *replies[G_N_ELEMENTS (times)];

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      gint64 deadline;

      send_call (fd, "echo", T_CALL, i, "x");
      replies[i] = take_reply (running);
      deadline = set_deadline (running, times[i]);
      CU_ASSERT (tally_reply_get_deadline (replies[i]) == deadline);
      cancellables[i] = tally_reply_get_cancellable (replies[i]);
    }
  CU_ASSERT (g_cancellable_is_cancelled (cancellables[2]));
  while (!g_cancellable_is_cancelled (cancellables[1]))
    g_thread_yield ();
  CU_ASSERT (g_get_monotonic_time () >= tally_reply_get_deadline (replies[1]));
  CU_ASSERT (!g_cancellable_is_cancelled (cancellables[0]));
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      answer_echo (replies[i], "in the end");
      check_answer (fd, T_REPLY, i, "in the end");
    }
  pthread_mutex_lock (&running->server->lock);
  CU_ASSERT (g_sequence_is_empty (running->server->due));
  pthread_mutex_unlock (&running->server->lock);
  close (fd);
  running_stop (running);
}

/* A stop waits for replies within its time, then says that they did not come. */
static void
a_stop_waits_for_replies (void)
{
  Running *running = start (NULL, "drain-timeout=0");
  gint fd = peer_connect (running);
  TallyReply *reply;

  send_call (fd, "echo", T_CALL, 1, "x");
  reply = take_reply (running);
  tally_server_stop (running->server);
  answer_echo (reply, "in time");
  check_answer (fd, T_REPLY, 1, "in time");
  close (fd);
  running_join (running);

  running = start (NULL, "drain-timeout=1");
  fd = peer_connect (running);
  send_call (fd, "echo", T_CALL, 1, "x");
  reply = take_reply (running);
  tally_server_stop (running->server);
  check_answer (fd, T_EXCEPTION, 1, "stopping");
  answer_echo (reply, "too late");
  close (fd);
  running_join (running);
}

/* Answers that are there when a stop waits no longer leave, in their order, behind what is told in place of those that
 * are not. */
static void
a_stop_sends_what_is_answered_behind_what_is_not (void)
{
  Running *running = start (NULL, "drain-timeout=1 concurrent=1");
  gint fd = peer_connect (running);
  TallyReply *replies[4];

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      send_call (fd, "echo", T_CALL, i + 1, "x");
      replies[i] = take_reply (running);
    }
  answer_echo (replies[1], "second");
  answer_echo (replies[3], "fourth");
  tally_server_stop (running->server);
  check_answer (fd, T_EXCEPTION, 1, "not known");
  check_answer (fd, T_REPLY, 2, "second");
  check_answer (fd, T_EXCEPTION, 3, "not known");
  check_answer (fd, T_REPLY, 4, "fourth");
  answer_echo (replies[0], "too late");
  answer_echo (replies[2], "too late");
  assert_int (running_snapshot (running).dropped, 2);
  close (fd);
  running_join (running);
}

#define N_KEPT 8

static guint
count_ready (Running *running)
{
  guint count = 0;

  pthread_mutex_lock (&running->server->lock);
  for (ServerConnection *at = running->server->ready_head; at != NULL; at = at->next_ready)
    count++;
  pthread_mutex_unlock (&running->server->lock);
  return count;
}

/* The only worker comes to some of one connection's requests, and is kept by the other connection's. */
static void
begin_some_of_many (Running *running, gint fd, gint other)
{
  TallyBuffer kept = { NULL, 0, 0 };
  TallyBuffer block = { NULL, 0, 0 };

  write_request (&block, &framed_binary, "block", T_CALL, 1, NULL, NULL);
  peer_send (other, &block);
  test_handler_wait_inside (running->handler, 1);
  for (guint i = 0; i < N_KEPT; i++)
    write_echo (&kept, &framed_binary, i, "x");
  peer_send (fd, &kept);
  while (count_ready (running) < 1)
    g_thread_yield ();
  write_request (&block, &framed_binary, "block", T_CALL, 2, NULL, NULL);
  peer_send (other, &block);
  while (count_ready (running) < 2)
    g_thread_yield ();
  test_handler_release_one (running->handler);
  check_reply (other, &framed_binary, 1);
  test_handler_wait_inside (running->handler, 1);
}

/* What no worker came to is told so when a stop waits no longer, also beside requests that were executed. */
static void
a_stop_says_what_was_not_executed (void)
{
  Running *running = start (NULL, "drain-timeout=1 concurrent=1 max-workers=1");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint other = peer_connect (running);
  gint fd = peer_connect (running);
  GAsyncQueue *replies = ((LaterHandler *) running->handler)->replies;
  guint n_begun;

  begin_some_of_many (running, fd, other);
  n_begun = g_async_queue_length (replies);
  CU_ASSERT (n_begun < N_KEPT);
  tally_server_stop (running->server);
  for (guint i = 0; i < n_begun; i++)
    check_answer (fd, T_EXCEPTION, i, "not known");
  for (guint i = n_begun; i < N_KEPT; i++)
    check_refusal (fd, &framed_binary, i, "the server is stopping; the request was not executed");
  test_handler_release (running->handler);
  check_reply (other, &framed_binary, 2);
  for (guint i = 0; i < n_begun; i++)
    answer_echo (take_reply (running), "too late");
  close (fd);
  close (other);
  running_join (running);
  recorder_check (recorder, N_KEPT + 2);
}

/* Its connection may be gone when it returns, and that one's memory another one's. */
static void
a_handler_may_outlive_its_connection (void)
{
  Running *running = start ("tcp://127.0.0.1:0?order=any", "max-workers=4");
  gint fd = peer_connect (running);

  send_call (fd, "echo", T_CALL, 1, "stay");
  check_answer (fd, T_REPLY, 1, "early");
  close (fd);
  running_await_connections (running, 0);
  for (gint i = 0; i < 3; i++) /* so that what is closed is freed */
    {
      gint other = peer_connect (running);

      send_call (other, "echo", T_CALL, i, "later");
      answer_echo (take_reply (running), "another");
      check_answer (other, T_REPLY, i, "another");
      close (other);
      running_await_connections (running, 0);
    }
  g_async_queue_push (((LaterHandler *) running->handler)->leave, running);
  running_stop (running);
}

/* ---- under a limit of the server's ---- */

/* The server has decided on all: two are under way, as many wait as may, the others are refused. */
static void
await_state (Running *running, guint n_waiting, guint n_refused)
{
  TallyServerSnapshot snapshot;

  do
    snapshot = running_snapshot (running);
  while (snapshot.running != 2 || snapshot.waiting != n_waiting
         || snapshot.refused_limit != n_refused);
}

/* A call counts until its answer is there, not only until its handler has returned. */
static void
calls_that_are_answered_later_are_limited (void)
{
  Running *running =
      start (NULL, ADMISSION_CONCURRENCY " max-workers=8 min-running=2 max-running=2 max-queued=3");
  gint fds[8];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = peer_connect (running);
      peer_call (fds[i], &framed_binary, "ping", i);
      if (i >= 1)
        await_state (running, CLAMP (i, 1, 4) - 1, i > 4 ? i - 4 : 0);
    }
  for (guint i = 5; i < 8; i++)
    check_refusal (fds[i], &framed_binary, i, "2 requests run and as many wait as may");
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (TallyReply) reply = take_reply (running);

      CU_ASSERT (running_snapshot (running).running <= 2);
      CU_ASSERT_TRUE (tally_reply_return (reply, test_ping_method, NULL, NULL));
    }
  /* which of two handlers is called first is chance */
  for (guint i = 0; i < 5; i++)
    check_reply (fds[i], &framed_binary, i);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_handler_answers_later),
    TEST (requests_behind_wait_only_in_order),
    TEST (a_dropped_reply_is_answered_by_an_exception),
    TEST (only_the_first_answer_counts),
    TEST (exceptions_and_failures_are_answers),
    TEST (a_client_that_leaves_fires_the_cancellable),
    TEST (a_deadline_fires_the_cancellable),
    TEST (a_handler_may_outlive_its_connection),
    TEST (a_stop_waits_for_replies),
    TEST (a_stop_sends_what_is_answered_behind_what_is_not),
    TEST (a_stop_says_what_was_not_executed),
    TEST (calls_that_are_answered_later_are_limited),
    { NULL, NULL },
  };

  return test_main ("server-async", cases, argc, argv);
}
