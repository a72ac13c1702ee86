/* What ends an asynchronous call early: its deadline, its cancellable, its connection. */
#include <string.h>

#include "async-fixture.h"
#include "harness.h"
#include "tally-error.h"

/* ---- what ends a call ---- */

static gboolean
answer_unless_told (EchoRequest *request)
{
  return strcmp (request->text, "silence") == 0 || echo_honest (request);
}

static void
a_deadline_ends_it (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncCaller) next = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, answer_unless_told, NULL);
      async_run (&stage.world, &caller, stage.channel, ECHO_ECHO, "silence",
                 &(TallyCallOptions){ .timeout = 20 });
      assert_error (caller.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
      CU_ASSERT_PTR_NULL (caller.reply);
      async_run (&stage.world, &next, stage.channel, ECHO_ECHO, "then", NULL);
      assert_string (next.reply, "then");
      async_assert_nothing_is_busy (&stage);
    }
}

/* Makes a call in a loop of its own. */
static void
on_outer_over (GObject *source, GAsyncResult *result, gpointer data)
{
  AsyncCaller *outer = data;
  g_auto (AsyncCaller) inner = { NULL };

  async_on_done (source, result, outer);
  async_start (&inner, outer->channel, ECHO_ECHO, "silence", &(TallyCallOptions){ .timeout = 20 },
               NULL);
  while (inner.n_callbacks == 0)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  assert_error (inner.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
}

static void
a_deadline_ends_it_in_a_loop_inside_of_a_callback (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      EchoArgs args = { "outer" };
      g_auto (AsyncCaller) outer = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, answer_unless_told, NULL);
      outer.channel = stage.channel;
      outer.method = ECHO_ECHO;
      outer.loop = stage.world.loop;
      tally_channel_call_async (stage.channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                                on_outer_over, &outer);
      g_main_loop_run (stage.world.loop);
      assert_string (outer.reply, "outer");
      async_assert_nothing_is_busy (&stage);
    }
}

#define N_QUICK 40

/* Takes longer than the calls that are over get in one turn of the loop. */
static void
on_quick_over (GObject *source, GAsyncResult *result, gpointer data)
{
  gint64 until = g_get_monotonic_time () + 6 * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until)
    continue;
  async_on_done (source, result, data);
}

/* However much its loop has to do with others. */
static void
a_deadline_ends_it_while_others_are_answered (void)
{
  EchoArgs args = { "x" };
  AsyncCaller quick[N_QUICK] = { { NULL } };
  guint n_left = N_QUICK;
  g_auto (AsyncCaller) first = { NULL };
  g_auto (AsyncCaller) silent = { NULL };
  g_auto (AsyncStage) stage;

  async_stage_init (&stage, ASYNC_SHARED, answer_unless_told, NULL);
  async_run (&stage.world, &first, stage.channel, ECHO_ECHO, "first", NULL);
  async_start (&silent, stage.channel, ECHO_ECHO, "silence", &(TallyCallOptions){ .timeout = 20 },
               NULL);
  for (guint i = 0; i < N_QUICK; i++)
    {
      quick[i].channel = stage.channel;
      quick[i].method = ECHO_ECHO;
      quick[i].loop = stage.world.loop;
      quick[i].n_left = &n_left;
      tally_channel_call_async (stage.channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                                on_quick_over, &quick[i]);
    }
  g_main_loop_run (stage.world.loop);
  assert_int (silent.n_callbacks, 1);
  assert_error (silent.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
  for (guint i = 0; i < N_QUICK; i++)
    async_caller_clear (&quick[i]);
}

static void
a_deadline_ends_the_wait_for_a_connection (void)
{
  g_auto (AsyncCaller) caller = { NULL };
  TallyLease lease;
  g_autoptr (TallyBucket) bucket = NULL;
  g_auto (AsyncStage) stage;

  async_stage_init (&stage, 0, echo_honest, NULL);
  g_object_set (stage.pool, "max-open", 1, NULL);
  bucket = tally_pool_dup_bucket (stage.pool, tally_channel_get_endpoint (stage.channel));
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "other", -1, NULL, &lease, NULL));
  async_run (&stage.world, &caller, stage.channel, ECHO_ECHO, "x",
             &(TallyCallOptions){ .timeout = 5 });
  CU_ASSERT_FALSE (caller.done);
  CU_ASSERT_PTR_NOT_NULL (strstr (caller.error->message, "nothing was sent"));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* Cancelled before, and once the request has gone. */
static void
a_cancellable_ends_it (void)
{
  for (guint i = 0; i < 2 * N_ASYNC_MODES; i++)
    {
      gboolean before = i % 2 == 0;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_auto (AsyncCaller) caller = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, i / 2, answer_unless_told, NULL);
      caller.loop = stage.world.loop;
      if (before)
        g_cancellable_cancel (cancellable);
      async_start (&caller, stage.channel, ECHO_ECHO, "silence", NULL, cancellable);
      while (!before && g_atomic_int_get (&stage.server.requests) == 0)
        g_main_context_iteration (stage.world.context, FALSE);
      if (!before)
        {
          GSource *source = g_idle_source_new ();

          g_source_set_callback (source, cancel, cancellable, NULL);
          g_source_attach (source, stage.world.context);
          g_source_unref (source);
        }
      g_main_loop_run (stage.world.loop);
      assert_int (caller.n_callbacks, 1);
      assert_error (caller.error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                    before ? "nothing was sent" : "may have been executed");
      assert_int (g_atomic_int_get (&stage.server.requests), !before);
      async_assert_nothing_is_busy (&stage);
    }
}

/* ---- connections that end ---- */

static gboolean
end_at_once (EchoRequest *request)
{
  return FALSE;
}

static void
a_lost_connection_is_told_to_all (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      AsyncCaller callers[5] = { { NULL } };
      guint n_left = G_N_ELEMENTS (callers);
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, end_at_once, NULL);
      for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
        {
          callers[i].loop = stage.world.loop;
          callers[i].n_left = &n_left;
          async_start (&callers[i], stage.channel, ECHO_ECHO, "x", NULL, NULL);
        }
      g_main_loop_run (stage.world.loop);
      for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
        {
          CU_ASSERT_FALSE (callers[i].done);
          echo_assert_says_once (callers[i].error);
          async_caller_clear (&callers[i]);
        }
      async_assert_nothing_is_busy (&stage);
    }
}

static void
rule_13_an_idempotent_call_is_replayed_once (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (AsyncCaller) first = { NULL };
      g_auto (AsyncCaller) second = { NULL };
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, 0, echo_answer_all_but_second, NULL);
      tally_pool_set_check_hook (stage.pool, echo_believe_everything, NULL, NULL);
      async_run (&stage.world, &first, stage.channel, ECHO_GET, "first", NULL);
      assert_string (first.reply, "first");
      async_run (&stage.world, &second, stage.channel, i == 0 ? ECHO_GET : ECHO_ECHO, "second",
                 NULL);
      if (i == 0)
        assert_string (second.reply, "second");
      else
        assert_error (second.error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                      "may have been executed");
      assert_int (g_atomic_int_get (&stage.server.requests), i == 0 ? 3 : 2);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_deadline_ends_it),
    TEST (a_deadline_ends_it_in_a_loop_inside_of_a_callback),
    TEST (a_deadline_ends_it_while_others_are_answered),
    TEST (a_deadline_ends_the_wait_for_a_connection),
    TEST (a_cancellable_ends_it),
    TEST (a_lost_connection_is_told_to_all),
    TEST (rule_13_an_idempotent_call_is_replayed_once),
    { NULL },
  };

  async_make_first_task ();
  return test_main ("async-ends", cases, argc, argv);
}
