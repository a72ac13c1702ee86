/* What a channel's interceptors are told: of each call once before and once after, whatever becomes of it, in every mode,
 * whether it blocks or not. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "async-fixture.h"
#include "harness.h"
#include "recorder.h"
#include "tally-error.h"

/* ---- helpers ---- */

/* As its text says. */
static gboolean
answer_as_told (EchoRequest *request)
{
  TallyApplicationException exception = { "no", 7, TRUE, TRUE };
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", NULL);
  EchoResult result = { .oops = (FixOops *) oops };
  const gboolean is_torn = strcmp (request->text, "torn") == 0;
  TallyBuffer output = { 0 };

  if (request->type == T_ONEWAY || strcmp (request->text, "silence") == 0)
    return TRUE;
  if (strcmp (request->text, "end") == 0)
    return FALSE;
  if (strcmp (request->text, "throw") == 0)
    echo_put (request, &output, request->name, T_REPLY, request->seqid,
              echo_methods[ECHO_ECHO].result, &result);
  else if (strcmp (request->text, "exception") == 0)
    echo_put (request, &output, request->name, T_EXCEPTION, request->seqid,
              &tally_application_exception_info, &exception);
  else
    echo_put_reply (request, &output);
  if (is_torn)
    output.length -= 3;
  echo_send (request, &output);
  tally_buffer_clear (&output);
  return !is_torn;
}

static Recorder *
watch (TallyChannel *channel, const gchar *name, GString *notes)
{
  Recorder *recorder = recorder_new (name, notes);

  tally_channel_add_interceptor (channel, (TallyInterceptor *) recorder);
  return recorder;
}

static void
make_call (AsyncStage *stage,
           gboolean is_async,
           AsyncCaller *caller,
           guint method,
           const gchar *text,
           const TallyCallOptions *options)
{
  EchoArgs args = { (gchar *) text };
  gpointer results[] = { &caller->reply, &caller->oops };

  if (is_async)
    async_run (&stage->world, caller, stage->channel, method, text, options);
  else
    caller->done = tally_channel_call_with (stage->channel, &echo_methods[method], &args, results,
                                            options, &caller->error);
}

/* ---- what they are told ---- */

static gsize
count_bytes (const gchar *name,
             ThriftMessageType type,
             const TallyStructInfo *info,
             gconstpointer value)
{
  TallyBuffer bytes = { 0 };
  gsize length;

  fix_codecs[0]->write_message (&bytes, name, strlen (name), type, 1);
  CU_ASSERT_TRUE (fix_codecs[0]->write_struct (&bytes, info, value, NULL));
  length = bytes.length;
  tally_buffer_clear (&bytes);
  return length;
}

static void
check_told (TallyChannel *channel, TallyCallInfo *info)
{
  EchoArgs args = { "hello" };
  EchoResult result = { .success = "hello" };
  gint64 start = tally_call_info_get_start_time (info);
  gint64 sent = tally_call_info_get_sent_time (info);
  gint64 end = tally_call_info_get_end_time (info);

  CU_ASSERT_FALSE (tally_call_info_is_oneway (info));
  assert_string (tally_call_info_get_method (info), "echo");
  CU_ASSERT_PTR_NULL (tally_call_info_get_service (info));
  assert_string (tally_call_info_get_peer (info),
                 tally_endpoint_get_uri (tally_channel_get_endpoint (channel)));
  CU_ASSERT_NOT_EQUAL (tally_call_info_get_seqid (info), 0);
  assert_int (tally_call_info_get_attempts (info), 1);
  assert_int (tally_call_info_get_request_bytes (info),
              count_bytes ("echo", T_CALL, echo_methods[ECHO_ECHO].args, &args));
  assert_int (tally_call_info_get_reply_bytes (info),
              count_bytes ("echo", T_REPLY, echo_methods[ECHO_ECHO].result, &result));
  CU_ASSERT (start > 0 && start <= sent && sent <= end);
  assert_int (tally_call_info_get_outcome (info), TALLY_CALL_ANSWERED);
  CU_ASSERT_PTR_NULL (tally_call_info_get_error (info));
}

static void
each_call_is_told (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", NULL);
      for (guint n = 1; n <= 3; n++)
        {
          g_auto (AsyncCaller) caller = { NULL };

          make_call (&stage, i % 2, &caller, ECHO_ECHO, "hello", NULL);
          assert_string (caller.reply, "hello");
          check_told (stage.channel, recorder_wait (recorder, n));
          recorder_check (recorder, n);
        }
    }
}

/* Makes one call where messages have no frame. @act: nullable. @check looks at what was told of it. */
static void
call_unframed (const gchar *text,
               void (*act) (Recorder *, TallyCallInfo *),
               void (*check) (TallyChannel *, TallyCallInfo *))
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (Recorder) recorder = NULL;
  g_autofree gchar *reply = NULL;

  echo_server_start (&server, answer_as_told, "?transport=buffered", NULL);
  channel = echo_server_connect (&server, pool);
  recorder = watch (channel, "a", NULL);
  recorder->act = act;
  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, text, &reply, NULL));
  check (channel, recorder->last);
  tally_pool_close (pool);
}

/* What was read tells its size. */
static void
an_unframed_reply_is_counted (void)
{
  call_unframed ("hello", NULL, check_told);
}

static void
want_messages (Recorder *self, TallyCallInfo *info)
{
  tally_call_info_keep_messages (info);
}

/* @message is @length bytes that name @type, the method and the sequence id of @info. */
static void
check_kept (TallyCallInfo *info, GBytes *message, ThriftMessageType type, gsize length)
{
  TallyBuffer expected = { 0 };

  CU_ASSERT_PTR_NOT_NULL_FATAL (message);
  assert_int (g_bytes_get_size (message), length);
  fix_codecs[0]->write_message (&expected, "echo", strlen ("echo"), type,
                                tally_call_info_get_seqid (info));
  CU_ASSERT_TRUE (length >= expected.length
                  && memcmp (g_bytes_get_data (message, NULL), expected.data, expected.length)
                         == 0);
  tally_buffer_clear (&expected);
}

static void
each_call_keeps_its_messages (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", NULL);
      for (guint n = 1; n <= 3; n++)
        {
          g_auto (AsyncCaller) caller = { NULL };
          TallyCallInfo *info;

          recorder->act = n == 2 ? NULL : want_messages;
          make_call (&stage, i % 2, &caller, ECHO_ECHO, "hello", NULL);
          info = recorder_wait (recorder, n);
          if (n == 2)
            {
              CU_ASSERT_PTR_NULL (tally_call_info_get_request (info));
              CU_ASSERT_PTR_NULL (tally_call_info_get_reply (info));
              continue;
            }
          check_kept (info, tally_call_info_get_request (info), T_CALL,
                      tally_call_info_get_request_bytes (info));
          check_kept (info, tally_call_info_get_reply (info), T_REPLY,
                      tally_call_info_get_reply_bytes (info));
        }
    }
}

/* With the header of its frame; of a shared connection nothing is one call's. */
static void
a_torn_reply_is_kept (void)
{
  for (guint i = 0; i < 2 * ASYNC_SHARED; i++)
    {
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;
      g_auto (AsyncCaller) caller = { NULL };
      GBytes *reply;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", NULL);
      recorder->act = want_messages;
      make_call (&stage, i % 2, &caller, ECHO_ECHO, "torn", NULL);
      reply = tally_call_info_get_reply (recorder_wait (recorder, 1));
      CU_ASSERT_PTR_NOT_NULL_FATAL (reply);
      assert_int (g_bytes_get_size (reply) + 3,
                  4 + tally_frame_get_size (g_bytes_get_data (reply, NULL)));
      assert_int (tally_call_info_get_reply_bytes (recorder->last), 0);
    }
}

static void
check_kept_reply (TallyChannel *channel, TallyCallInfo *info)
{
  check_kept (info, tally_call_info_get_reply (info), T_REPLY,
              tally_call_info_get_reply_bytes (info));
}

/* It comes in pieces, for it is longer than what the socket takes at once. */
static void
an_unframed_reply_is_kept (void)
{
  g_autofree gchar *text = g_strnfill (3000000, 'x');

  call_unframed (text, want_messages, check_kept_reply);
}

/* ---- outcomes ---- */

static const struct
{
  const gchar *text;
  guint method;
  gint timeout;
  TallyCallOutcome outcome;
} ends[] = {
  { "throw", ECHO_ECHO, 0, TALLY_CALL_DECLARED },
  { "exception", ECHO_ECHO, 0, TALLY_CALL_EXCEPTION },
  { "silence", ECHO_ECHO, 20, TALLY_CALL_TIMED_OUT },
  { "end", ECHO_ECHO, 0, TALLY_CALL_FAILED },
  { "news", ECHO_NOTE, 0, TALLY_CALL_ANSWERED },
};

static void
check_end (guint mode, gboolean is_async, guint i)
{
  const TallyCallOptions options = { .timeout = ends[i].timeout };
  g_auto (AsyncCaller) caller = { NULL };
  g_auto (AsyncStage) stage;
  g_autoptr (Recorder) recorder = NULL;
  const GError *told;

  async_stage_init (&stage, mode, answer_as_told, NULL);
  recorder = watch (stage.channel, "a", NULL);
  make_call (&stage, is_async, &caller, ends[i].method, ends[i].text, &options);
  recorder_check (recorder, 1);
  assert_int (tally_call_info_get_outcome (recorder->last), ends[i].outcome);
  assert_int (tally_call_info_is_oneway (recorder->last), ends[i].method == ECHO_NOTE);
  if (ends[i].timeout == 0) /* else a busy machine may not have come to it */
    {
      CU_ASSERT (tally_call_info_get_request_bytes (recorder->last) > 0);
      CU_ASSERT (tally_call_info_get_sent_time (recorder->last) > 0);
    }
  told = tally_call_info_get_error (recorder->last);
  assert_int (told != NULL, caller.error != NULL);
  if (told != NULL)
    assert_error (told, caller.error->domain, caller.error->code, caller.error->message);
}

static void
each_end_has_its_outcome (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
      {
        check_end (mode, FALSE, i);
        check_end (mode, TRUE, i);
      }
}

static void
a_call_that_was_cancelled_is_told (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      const TallyCallOptions options = { .cancellable = cancellable };
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", NULL);
      g_cancellable_cancel (cancellable);
      make_call (&stage, i % 2, &caller, ECHO_ECHO, "silence", &options);
      assert_error (caller.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "before it began");
      recorder_check (recorder, 1);
      assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_CANCELLED);
    }
}

/* It is over before it is sent, and all the same its end is told. */
static void
a_call_that_never_began_is_told (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      const TallyCallOptions options = { .deadline = 1 };
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", NULL);
      make_call (&stage, i % 2, &caller, ECHO_ECHO, "late", &options);
      recorder_check (recorder, 1);
      assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_TIMED_OUT);
      assert_int (tally_call_info_get_attempts (recorder->last), 0);
      assert_int (tally_call_info_get_sent_time (recorder->last), 0);
      assert_int (tally_call_info_get_request_bytes (recorder->last), 0);
      assert_int (g_atomic_int_get (&stage.server.requests), 0);
    }
}

static void
a_channel_that_leads_nowhere_tells (void)
{
  g_autoptr (TallyChannel) channel = g_object_new (TALLY_TYPE_CHANNEL, NULL);
  g_autoptr (Recorder) recorder = watch (channel, "a", NULL);
  g_autofree gchar *reply = NULL;

  CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "x", &reply, NULL));
  recorder_check (recorder, 1);
  assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_FAILED);
  CU_ASSERT_PTR_NULL (tally_call_info_get_peer (recorder->last));
}

/* Answers once, then ends; on later connections always. */
static gboolean
answer_once_at_first (EchoRequest *request)
{
  if (request->connection == 0 && request->request > 0)
    return FALSE;
  return echo_honest (request);
}

static void
rule_13_a_replay_is_one_call_of_two_attempts (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (AsyncCaller) first = { NULL };
      g_auto (AsyncCaller) second = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, 0, answer_once_at_first, NULL);
      tally_pool_set_check_hook (stage.pool, echo_believe_everything, NULL, NULL);
      recorder = watch (stage.channel, "a", NULL);
      make_call (&stage, i, &first, ECHO_GET, "first", NULL);
      make_call (&stage, i, &second, ECHO_GET, "second", NULL);
      assert_string (second.reply, "second");
      recorder_check (recorder, 2);
      assert_int (tally_call_info_get_attempts (recorder->last), 2);
      assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_ANSWERED);
    }
}

static gboolean
end_twice (EchoRequest *request)
{
  return request->connection >= 2 && echo_honest (request);
}

/* So are the attempts of a policy. */
static void
a_call_of_three_attempts_is_one_call (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TallyRetryPolicy) policy = tally_retry_policy_new (3);
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, 0, end_twice, NULL);
      tally_channel_set_retry_policy (stage.channel, policy);
      recorder = watch (stage.channel, "a", NULL);
      make_call (&stage, i, &caller, ECHO_GET, "third", NULL);
      assert_string (caller.reply, "third");
      recorder_check (recorder, 1);
      assert_int (tally_call_info_get_attempts (recorder->last), 3);
      assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_ANSWERED);
    }
}

/* ---- several ---- */

static void
they_are_called_in_order_and_back (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GString) notes = g_string_new (NULL);
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, 0, answer_as_told, NULL);
      for (guint n = 0; n < 3; n++)
        g_object_unref (watch (stage.channel, &"a\0b\0c"[2 * n], notes));
      make_call (&stage, i, &caller, ECHO_ECHO, "x", NULL);
      assert_string (notes->str, "+a+b+c-c-b-a");
    }
}

/* The one that refuses is told the end too, as are those before it; none behind it hears of the call. */
static void
one_that_refuses_ends_the_call (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      g_autoptr (GString) notes = g_string_new (NULL);
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) first = NULL;
      g_autoptr (Recorder) second = NULL;
      g_autoptr (Recorder) third = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      first = watch (stage.channel, "a", notes);
      second = watch (stage.channel, "b", notes);
      third = watch (stage.channel, "c", notes);
      second->refuse_domain = G_IO_ERROR;
      second->refuse_code = G_IO_ERROR_PERMISSION_DENIED;
      make_call (&stage, i % 2, &caller, ECHO_ECHO, "x", NULL);
      assert_error (caller.error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                    ": b does not want it; nothing was sent");
      assert_string (notes->str, "+a+b-b-a");
      assert_int (tally_call_info_get_outcome (first->last), TALLY_CALL_REFUSED);
      assert_int (tally_call_info_get_attempts (first->last), 0);
      assert_int (test_peer_get_accepted (stage.server.peer), 0);
    }
}

static void
one_that_refuses_without_a_word_has_an_error (void)
{
  g_auto (AsyncCaller) caller = { NULL };
  g_auto (AsyncStage) stage;
  g_autoptr (Recorder) recorder = NULL;

  async_stage_init (&stage, 0, answer_as_told, NULL);
  recorder = watch (stage.channel, "a", NULL);
  recorder->refuse_domain = TALLY_ERROR;
  recorder->refuse_code = -1;
  make_call (&stage, FALSE, &caller, ECHO_ECHO, "x", NULL);
  assert_error (caller.error, TALLY_ERROR, TALLY_ERROR_FAILED, "Recorder refused");
}

/* ---- what they may do ---- */

static void
call_too (Recorder *recorder, TallyCallInfo *info)
{
  g_autofree gchar *reply = NULL;

  recorder->act = NULL;
  CU_ASSERT_TRUE (echo_call (recorder->user_data, ECHO_ECHO, "inner", &reply, NULL));
  assert_string (reply, "inner");
}

static void
one_may_call_the_same_channel (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      g_autoptr (GString) notes = g_string_new (NULL);
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;
      g_autoptr (Recorder) recorder = NULL;

      async_stage_init (&stage, i / 2, answer_as_told, NULL);
      recorder = watch (stage.channel, "a", notes);
      recorder->act = call_too;
      recorder->user_data = stage.channel;
      make_call (&stage, i % 2, &caller, ECHO_ECHO, "outer", NULL);
      assert_string (caller.reply, "outer");
      assert_string (notes->str, "+a+a-a-a");
    }
}

typedef struct
{
  TallyChannel *channel;
  gint n_left; /* atomic */
} Adding;

static void *
call_on (void *data)
{
  Adding *self = data;

  while (g_atomic_int_add (&self->n_left, -1) > 0)
    {
      g_autofree gchar *reply = NULL;

      CU_ASSERT_TRUE (echo_call (self->channel, ECHO_ECHO, "x", &reply, NULL));
    }
  return NULL;
}

/* A call under way has an `after` for each `before`, whatever is added meanwhile. */
static void
they_may_be_added_while_calls_run (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode += 2)
    {
      g_auto (AsyncStage) stage;
      Adding adding = { NULL, 400 };
      Recorder *recorders[8];
      pthread_t threads[4];

      async_stage_init (&stage, mode, answer_as_told, NULL);
      adding.channel = stage.channel;
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        CU_ASSERT_FATAL (pthread_create (&threads[i], NULL, call_on, &adding) == 0);
      for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
        recorders[i] = watch (stage.channel, "r", NULL);
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        pthread_join (threads[i], NULL);
      for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
        {
          recorder_check (recorders[i], recorders[i]->n_before);
          g_object_unref (recorders[i]);
        }
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_call_is_told),
    TEST (an_unframed_reply_is_counted),
    TEST (each_call_keeps_its_messages),
    TEST (a_torn_reply_is_kept),
    TEST (an_unframed_reply_is_kept),
    TEST (each_end_has_its_outcome),
    TEST (a_call_that_was_cancelled_is_told),
    TEST (a_call_that_never_began_is_told),
    TEST (a_channel_that_leads_nowhere_tells),
    TEST (rule_13_a_replay_is_one_call_of_two_attempts),
    TEST (a_call_of_three_attempts_is_one_call),
    TEST (they_are_called_in_order_and_back),
    TEST (one_that_refuses_ends_the_call),
    TEST (one_that_refuses_without_a_word_has_an_error),
    TEST (one_may_call_the_same_channel),
    TEST (they_may_be_added_while_calls_run),
    { NULL, NULL },
  };

  async_make_first_task ();
  return test_main ("interceptor", cases, argc, argv);
}
