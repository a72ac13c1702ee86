/* Asynchronous calls: what they come to, and where and when their callbacks run. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "async-fixture.h"
#include "async-private.h"
#include "harness.h"
#include "tally-error.h"

static const gchar *const dialects[] = { "protocol=binary", "protocol=compact",
                                         "transport=buffered",
                                         "protocol=compact&transport=buffered" };

/* ---- what comes of a call ---- */

static void
a_call_returns_what_came (void)
{
  for (guint i = 0; i < N_ASYNC_MODES * G_N_ELEMENTS (dialects); i++)
    {
      g_autofree gchar *options = g_strdup_printf ("?%s&mode=%s", dialects[i / N_ASYNC_MODES],
                                                   async_modes[i % N_ASYNC_MODES]);
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_auto (AsyncWorld) world;
      g_autoptr (TallyChannel) channel = NULL;
      g_auto (AsyncCaller) first = { .reply = g_strdup ("old") };
      g_auto (AsyncCaller) second = { NULL };
      g_auto (AsyncCaller) third = { NULL };

      async_world_init (&world);
      echo_server_start (&server, echo_honest, options, NULL);
      channel = echo_server_connect (&server, pool);
      async_run (&world, &first, channel, ECHO_ECHO, "hello", NULL);
      assert_no_error (first.error);
      CU_ASSERT_TRUE (first.done);
      assert_string (first.reply, "hello");
      async_run (&world, &second, channel, ECHO_NOTE, "oneway", NULL);
      assert_no_error (second.error);
      CU_ASSERT_TRUE (second.done);
      async_run (&world, &third, channel, ECHO_GET, "third", NULL);
      assert_no_error (third.error);
      assert_string (third.reply, "third");
      assert_int (test_peer_get_accepted (server.peer), i % N_ASYNC_MODES == 1 ? 3 : 1);
      tally_pool_close (pool);
    }
}

#define MANY 300

static void
many_calls_each_get_their_own_reply (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_autofree AsyncCaller *callers = g_new0 (AsyncCaller, MANY);
      guint n_left = MANY;
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, echo_honest, NULL);
      g_object_set (stage.pool, "max-open", 8, NULL);
      for (guint i = 0; i < MANY; i++)
        {
          g_autofree gchar *text = g_strdup_printf ("number %u", i);

          callers[i].loop = stage.world.loop;
          callers[i].n_left = &n_left;
          async_start (&callers[i], stage.channel, i % 2 == 0 ? ECHO_ECHO : ECHO_GET, text, NULL,
                       NULL);
        }
      g_main_loop_run (stage.world.loop);
      for (guint i = 0; i < MANY; i++)
        {
          g_autofree gchar *text = g_strdup_printf ("number %u", i);

          assert_no_error (callers[i].error);
          assert_string (callers[i].reply, text);
          assert_int (callers[i].n_callbacks, 1);
          async_caller_clear (&callers[i]);
        }
      async_assert_nothing_is_busy (&stage);
      if (mode == ASYNC_SHARED)
        assert_int (test_peer_get_accepted (stage.server.peer), 1);
    }
}

/* More than the kernel takes at once, both ways. */
static void
large_messages_go_in_pieces (void)
{
  g_autofree gchar *text = g_strnfill (6 * 1024 * 1024, 'x');

  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      AsyncCaller callers[2] = { { NULL } };
      guint n_left = G_N_ELEMENTS (callers);
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, echo_honest, NULL);
      for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
        {
          callers[i].loop = stage.world.loop;
          callers[i].n_left = &n_left;
          async_start (&callers[i], stage.channel, ECHO_ECHO, text, NULL, NULL);
        }
      g_main_loop_run (stage.world.loop);
      for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
        {
          assert_no_error (callers[i].error);
          CU_ASSERT_EQUAL (g_strcmp0 (callers[i].reply, text), 0);
          async_caller_clear (&callers[i]);
        }
    }
}

static gint is_held; /* atomic */

static gboolean
hold (EchoRequest *request)
{
  while (g_atomic_int_get (&is_held))
    g_thread_yield ();
  return TRUE;
}

/* The loop sleeps meanwhile. */
static void
a_request_waits_for_a_peer_that_reads_nothing (void)
{
  g_autofree gchar *text = g_strnfill (15 * 1024 * 1024, 'x');

  for (guint mode = 0; mode < N_ASYNC_MODES; mode += ASYNC_SHARED)
    {
      g_auto (AsyncCaller) first = { NULL };
      g_auto (AsyncCaller) second = { NULL };
      guint n_idle = 0;
      g_auto (AsyncStage) stage;

      g_atomic_int_set (&is_held, TRUE);
      async_stage_init (&stage, mode, hold, NULL);
      async_run (&stage.world, &first, stage.channel, ECHO_NOTE, "first", NULL);
      assert_no_error (first.error);
      second.loop = stage.world.loop;
      async_start (&second, stage.channel, ECHO_NOTE, text, NULL, NULL);
      for (guint i = 0; i < 1000000 && n_idle < 20; i++)
        n_idle = g_main_context_iteration (stage.world.context, FALSE) ? 0 : n_idle + 1;
      assert_int (n_idle, 20);
      assert_int (second.n_callbacks, 0);
      g_atomic_int_set (&is_held, FALSE);
      g_main_loop_run (stage.world.loop);
      assert_no_error (second.error);
      assert_int (test_peer_get_accepted (stage.server.peer), 1);
    }
}

/* Keeps the first request until it has answered the second. */
static gboolean
answer_second_first (EchoRequest *request)
{
  EchoRequest *first = request->user_data;
  TallyBuffer output = { 0 };
  gboolean sent;

  if (request->request == 0)
    {
      first->seqid = request->seqid;
      first->text = g_strdup (request->text);
      return TRUE;
    }
  echo_put_reply (request, &output);
  request->seqid = first->seqid;
  g_free (request->text);
  request->text = g_steal_pointer (&first->text);
  echo_put_reply (request, &output);
  sent = echo_send (request, &output);
  tally_buffer_clear (&output);
  return sent;
}

static void
replies_come_in_any_order (void)
{
  EchoRequest kept = { 0 };
  g_auto (AsyncCaller) first = { NULL };
  g_auto (AsyncCaller) second = { NULL };
  guint n_left = 2;
  g_auto (AsyncStage) stage;

  async_stage_init (&stage, ASYNC_SHARED, answer_second_first, &kept);
  first.loop = second.loop = stage.world.loop;
  first.n_left = second.n_left = &n_left;
  async_start (&first, stage.channel, ECHO_ECHO, "first", NULL, NULL);
  async_start (&second, stage.channel, ECHO_ECHO, "second", NULL, NULL);
  g_main_loop_run (stage.world.loop);
  assert_string (first.reply, "first");
  assert_string (second.reply, "second");
}

static gboolean
throw_or_refuse (EchoRequest *request)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", NULL);
  EchoResult thrown = { .oops = (FixOops *) oops };
  TallyApplicationException exception = { (gchar *) "disk full", 6 };
  TallyBuffer output = { 0 };
  gboolean sent;

  if (strcmp (request->text, "throw") == 0)
    echo_put (request, &output, "echo", T_REPLY, request->seqid, echo_methods[ECHO_ECHO].result,
              &thrown);
  else
    echo_put (request, &output, "echo", T_EXCEPTION, request->seqid,
              &tally_application_exception_info, &exception);
  sent = echo_send (request, &output);
  tally_buffer_clear (&output);
  return sent;
}

static void
exceptions_are_told_apart (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_auto (AsyncCaller) thrown = { .reply = g_strdup ("kept") };
      g_auto (AsyncCaller) refused = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, throw_or_refuse, NULL);
      async_run (&stage.world, &thrown, stage.channel, ECHO_ECHO, "throw", NULL);
      CU_ASSERT_FALSE (thrown.done);
      assert_string (thrown.reply, "kept");
      CU_ASSERT_PTR_NOT_NULL_FATAL (thrown.oops);
      assert_error (thrown.error, fix_oops_error_quark (), 0, "Oops");
      async_run (&stage.world, &refused, stage.channel, ECHO_ECHO, "x", NULL);
      assert_error (refused.error, THRIFT_APPLICATION_EXCEPTION_ERROR, 6, "disk full");
      CU_ASSERT_PTR_NULL (refused.oops);
    }
}

static void
what_cannot_be_encoded_fails_in_the_callback (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, echo_honest, NULL);
      async_run (&stage.world, &caller, stage.channel, ECHO_COUNT, NULL, NULL);
      assert_error (caller.error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "nothing was sent");
      assert_int (g_atomic_int_get (&stage.server.requests), 0);
    }
}

/* ---- callers ---- */

static void
a_channel_without_an_endpoint_refuses (void)
{
  g_autoptr (TallyChannel) channel = g_object_new (TALLY_TYPE_CHANNEL, NULL);
  g_auto (AsyncCaller) caller = { NULL };
  g_auto (AsyncWorld) world;

  async_world_init (&world);
  async_run (&world, &caller, channel, ECHO_ECHO, "x", NULL);
  assert_error (caller.error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "without an endpoint");
}

static void
count_only (GObject *source, GAsyncResult *result, gpointer data)
{
  ++*(guint *) data;
}

/* What nobody fetches is freed; the channel may go before its calls. */
static void
a_result_may_be_left_alone (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      EchoArgs args = { (gchar *) "x" };
      guint n_over = 0;
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, echo_honest, NULL);
      for (guint i = 0; i < 10; i++)
        tally_channel_call_async (stage.channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                                  count_only, &n_over);
      g_object_unref (stage.channel);
      while (n_over < 10)
        g_main_context_iteration (stage.world.context, TRUE);
      stage.channel = echo_server_connect (&stage.server, stage.pool);
    }
}

typedef struct
{
  AsyncStage *stage;
  guint n_left;
  gboolean nested;
} Chain;

static void
go_on (GObject *source, GAsyncResult *result, gpointer data)
{
  Chain *chain = data;
  g_autofree gchar *reply = NULL;
  gpointer results[] = { &reply, NULL };
  g_autoptr (GError) error = NULL;
  EchoArgs args = { (gchar *) "again" };

  CU_ASSERT_TRUE (tally_channel_call_finish (TALLY_CHANNEL (source), &echo_methods[ECHO_ECHO],
                                             result, results, &error));
  assert_no_error (error);
  assert_string (reply, "again");
  if (--chain->n_left == 0)
    g_main_loop_quit (chain->stage->world.loop);
  else
    {
      guint before = chain->n_left;

      tally_channel_call_async (TALLY_CHANNEL (source), &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                                go_on, chain);
      assert_int (chain->n_left, before);
      /* a loop inside of a callback serves others, too */
      while (chain->nested && chain->n_left == before)
        g_main_context_iteration (chain->stage->world.context, TRUE);
    }
}

static void
callbacks_may_call_and_iterate (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      EchoArgs args = { (gchar *) "again" };
      Chain chain = { .n_left = 20, .nested = i % 2 == 1 };
      g_auto (AsyncStage) stage;

      chain.stage = &stage;
      async_stage_init (&stage, i / 2, echo_honest, NULL);
      tally_channel_call_async (stage.channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL, go_on,
                                &chain);
      g_main_loop_run (stage.world.loop);
      assert_int (chain.n_left, 0);
    }
}

#define AT_ONCE 64

/* Collects the replies to so many, which go at once; to each later one at once. */
static gboolean
answer_at_once (EchoRequest *request)
{
  TallyBuffer *output = request->user_data;
  gboolean sent;

  echo_put_reply (request, output);
  if (request->request + 1 < AT_ONCE)
    return TRUE;
  sent = echo_send (request, output);
  output->length = 0;
  return sent;
}

typedef struct
{
  AsyncStage *stage;
  guint n_over;
} Turn;

static void call_in_turn (Turn *turn);

static void
on_call_of_turn (GObject *source, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;
  g_autofree gchar *reply = NULL;
  gpointer results[] = { &reply, NULL };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (tally_channel_call_finish (TALLY_CHANNEL (source), &echo_methods[ECHO_ECHO],
                                             result, results, &error));
  assert_no_error (error);
  turn->n_over++;
  if (turn->n_over == AT_ONCE - 1)
    while (g_atomic_int_get (&turn->stage->server.requests) < AT_ONCE + AT_ONCE / 2 - 1)
      g_thread_yield ();
  if (turn->n_over <= AT_ONCE)
    call_in_turn (turn);
  else if (turn->n_over == 2 * AT_ONCE)
    g_main_loop_quit (turn->stage->world.loop);
}

static void
call_in_turn (Turn *turn)
{
  EchoArgs args = { (gchar *) "text" };

  tally_channel_call_async (turn->stage->channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                            on_call_of_turn, turn);
}

/* Else the peer idles while a loop is busy with many replies. */
static void
requests_go_before_all_replies_of_a_turn_are_handled (void)
{
  TallyBuffer replies = { 0 };
  Turn turn = { NULL };

  {
    g_auto (AsyncStage) stage;

    turn.stage = &stage;
    async_stage_init (&stage, ASYNC_SHARED, answer_at_once, &replies);
    for (guint i = 0; i < AT_ONCE; i++)
      call_in_turn (&turn);
    g_main_loop_run (stage.world.loop);
  }
  assert_int (turn.n_over, 2 * AT_ONCE);
  tally_buffer_clear (&replies);
}

/* ---- the result ---- */

typedef struct
{
  GMainLoop *loop;
  GAsyncResult *result; /* owned */
} Kept;

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Kept *kept = data;

  kept->result = g_object_ref (result);
  g_main_loop_quit (kept->loop);
}

/* Kept until later, or for ever: GIO's helpers know it. */
static void
a_result_says_whose_it_is_and_outlives_its_callback (void)
{
  for (guint is_fetched = 0; is_fetched < 2; is_fetched++)
    {
      g_autofree gchar *text = g_strdup ("kept");
      EchoArgs args = { text };
      const TallyMethod *method = &echo_methods[ECHO_ECHO];
      g_autofree gchar *reply = NULL;
      g_autoptr (GObject) source = NULL;
      g_autoptr (GError) error = NULL;
      gpointer results[] = { &reply, NULL };
      g_auto (AsyncStage) stage;
      Kept kept = { NULL };

      async_stage_init (&stage, ASYNC_SHARED, echo_honest, NULL);
      kept.loop = stage.world.loop;
      tally_channel_call_async (stage.channel, method, &args, NULL, NULL, keep_result, &kept);
      CU_ASSERT_PTR_NULL (kept.result);
      g_main_loop_run (stage.world.loop);
      source = g_async_result_get_source_object (kept.result);
      CU_ASSERT_PTR_EQUAL (source, stage.channel);
      CU_ASSERT_PTR_EQUAL (g_async_result_get_user_data (kept.result), &kept);
      CU_ASSERT_FALSE (g_async_result_is_tagged (kept.result, keep_result));
      if (is_fetched)
        {
          CU_ASSERT_TRUE (
              tally_channel_call_finish (stage.channel, method, kept.result, results, &error));
          assert_string (reply, "kept");
        }
      g_object_unref (kept.result);
    }
}

typedef struct
{
  GMainLoop *loop;
  gboolean is_watched;
  guint n_gone;
} Watched;

static void
note_gone (gpointer data, GObject *object)
{
  guint *n_gone = data;

  ++*n_gone;
}

static void
watch_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Watched *watched = data;

  if (watched->is_watched)
    g_object_weak_ref (G_OBJECT (result), note_gone, &watched->n_gone);
  g_main_loop_quit (watched->loop);
}

/* Else what a program keeps would become another call's. */
static void
a_result_serves_a_later_call_unless_it_is_kept (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      EchoArgs args = { (gchar *) "text" };
      const TallyMethod *method = &echo_methods[ECHO_ECHO];
      g_auto (AsyncStage) stage;
      Watched watched = { NULL };
      Kept kept = { NULL };
      guint n_spare;

      async_stage_init (&stage, mode, echo_honest, NULL);
      watched.loop = kept.loop = stage.world.loop;
      tally_channel_call_async (stage.channel, method, &args, NULL, NULL, watch_result, &watched);
      g_main_loop_run (stage.world.loop);
      n_spare = tally_async_count_spare ();
      CU_ASSERT (n_spare > 0);
      watched.is_watched = TRUE;
      tally_channel_call_async (stage.channel, method, &args, NULL, NULL, watch_result, &watched);
      assert_int (tally_async_count_spare (), n_spare - 1);
      g_main_loop_run (stage.world.loop);
      assert_int (watched.n_gone, 1);
      assert_int (tally_async_count_spare (), n_spare - 1);
      tally_channel_call_async (stage.channel, method, &args, NULL, NULL, keep_result, &kept);
      n_spare = tally_async_count_spare ();
      g_main_loop_run (stage.world.loop);
      g_object_unref (kept.result);
      assert_int (tally_async_count_spare (), n_spare);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_call_returns_what_came),
    TEST (many_calls_each_get_their_own_reply),
    TEST (large_messages_go_in_pieces),
    TEST (a_request_waits_for_a_peer_that_reads_nothing),
    TEST (replies_come_in_any_order),
    TEST (exceptions_are_told_apart),
    TEST (what_cannot_be_encoded_fails_in_the_callback),
    TEST (a_channel_without_an_endpoint_refuses),
    TEST (a_result_may_be_left_alone),
    TEST (callbacks_may_call_and_iterate),
    TEST (requests_go_before_all_replies_of_a_turn_are_handled),
    TEST (a_result_says_whose_it_is_and_outlives_its_callback),
    TEST (a_result_serves_a_later_call_unless_it_is_kept),
    { NULL },
  };

  async_make_first_task ();
  return test_main ("async", cases, argc, argv);
}
