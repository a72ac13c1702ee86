/* Asynchronous calls beside threads that block, in several main contexts, and started on other threads. */
#include <string.h>

#include "async-fixture.h"
#include "harness.h"
#include "tally-error.h"

#define MANY 300
#define HELD_MS 120000 /* what only a failing test needs; milliseconds */

/* ---- threads ---- */

#define N_THREADS 6
#define N_CALLS 60

typedef struct
{
  TallyChannel *channel;
  guint number;
} Worker;

static gpointer
call_in_turn (gpointer data)
{
  Worker *worker = data;

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autofree gchar *text = g_strdup_printf ("thread %u call %u", worker->number, i);
      g_autofree gchar *reply = NULL;
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (echo_call (worker->channel, ECHO_ECHO, text, &reply, &error));
      assert_no_error (error);
      assert_string (reply, text);
    }
  return NULL;
}

/* In a loop of its own, some in flight at a time. */
static gpointer
call_in_a_loop (gpointer data)
{
  Worker *worker = data;
  g_auto (AsyncWorld) world;

  async_world_init (&world);
  for (guint i = 0; i < N_CALLS / 6; i++)
    {
      AsyncCaller callers[6] = { { NULL } };
      guint n_left = G_N_ELEMENTS (callers);

      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        {
          g_autofree gchar *text = g_strdup_printf ("loop %u call %u.%u", worker->number, i, j);

          callers[j].loop = world.loop;
          callers[j].n_left = &n_left;
          async_start (&callers[j], worker->channel, ECHO_ECHO, text, NULL, NULL);
        }
      g_main_loop_run (world.loop);
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        {
          g_autofree gchar *text = g_strdup_printf ("loop %u call %u.%u", worker->number, i, j);

          assert_no_error (callers[j].error);
          assert_string (callers[j].reply, text);
          CU_ASSERT_PTR_EQUAL (callers[j].thread, g_thread_self ());
          async_caller_clear (&callers[j]);
        }
    }
  return NULL;
}

/* Threads that block and loops that do not, on the same connections. */
static void
threads_and_loops_share_connections (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      GThread *threads[N_THREADS];
      Worker workers[N_THREADS];
      g_auto (AsyncStage) stage;

      async_stage_init (&stage, mode, echo_honest, NULL);
      for (guint i = 0; i < N_THREADS; i++)
        {
          workers[i] = (Worker){ stage.channel, i };
          threads[i] =
              g_thread_new ("caller", i % 2 == 0 ? call_in_turn : call_in_a_loop, &workers[i]);
        }
      for (guint i = 0; i < N_THREADS; i++)
        g_thread_join (threads[i]);
      async_assert_nothing_is_busy (&stage);
      if (mode == ASYNC_SHARED)
        assert_int (test_peer_get_accepted (stage.server.peer), 1);
    }
}

typedef struct
{
  AsyncStage *stage;
  AsyncCaller *callers;
  guint n_callers;
} Starter;

static gpointer
start_from_elsewhere (gpointer data)
{
  Starter *starter = data;

  for (guint i = 0; i < starter->n_callers; i++)
    {
      EchoArgs args = { (gchar *) "from elsewhere" };

      starter->callers[i].channel = starter->stage->channel;
      starter->callers[i].method = ECHO_ECHO;
      tally_channel_call_async (starter->stage->channel, &echo_methods[ECHO_ECHO], &args, NULL,
                                NULL, async_on_done, &starter->callers[i]);
    }
  return NULL;
}

/* A thread without a context of its own has its callbacks in the main one, which another iterates. */
static void
a_call_may_start_on_another_thread_than_its_contexts (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_autofree AsyncCaller *callers = g_new0 (AsyncCaller, MANY);
      GMainLoop *loop = g_main_loop_new (NULL, FALSE);
      guint n_left = MANY;
      GThread *thread;
      g_auto (AsyncStage) stage;
      Starter starter = { &stage, callers, MANY };

      async_stage_init (&stage, mode, echo_honest, NULL);
      for (guint i = 0; i < MANY; i++)
        {
          callers[i].loop = loop;
          callers[i].n_left = &n_left;
        }
      thread = g_thread_new ("starter", start_from_elsewhere, &starter);
      g_main_loop_run (loop);
      g_thread_join (thread);
      for (guint i = 0; i < MANY; i++)
        {
          assert_no_error (callers[i].error);
          assert_string (callers[i].reply, "from elsewhere");
          CU_ASSERT_PTR_EQUAL (callers[i].thread, g_thread_self ());
          async_caller_clear (&callers[i]);
        }
      g_main_loop_unref (loop);
    }
}

/* ---- a loop inside of a callback ---- */

/* Keeps the reply to "held" until "release". */
static gboolean
answer_held_on_release (EchoRequest *request)
{
  TallyBuffer *held = request->user_data;

  if (strcmp (request->text, "held") == 0)
    {
      echo_put_reply (request, held);
      return TRUE;
    }
  return (strcmp (request->text, "release") != 0 || echo_send (request, held))
         && echo_honest (request);
}

static gpointer
call_and_be_held (gpointer channel)
{
  g_autofree gchar *reply = NULL;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "held", &reply, &error));
  assert_no_error (error);
  return NULL;
}

/* Whether the loop waits for input of a connection, beside its own wake-ups. */
static gboolean
waits_for_input (GMainContext *context)
{
  GPollFD fds[8]; /* more than there are */
  gint n_inputs = 0;
  gint priority, timeout, n_fds;

  g_main_context_prepare (context, &priority);
  n_fds = g_main_context_query (context, G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds));
  for (gint i = 0; i < n_fds; i++)
    n_inputs += (fds[i].events & G_IO_IN) != 0;
  return n_inputs > 1;
}

typedef struct
{
  AsyncStage stage;
  AsyncCaller first;
  AsyncCaller inner;
  GThread *thread;
} Nesting;

/* A thread begins to receive for all, then another call runs in a loop of the callback's. */
static void
on_first_over (GObject *source, GAsyncResult *result, gpointer data)
{
  Nesting *self = data;
  AsyncStage *stage = &self->stage;

  async_on_done (source, result, &self->first);
  self->thread = g_thread_new ("caller", call_and_be_held, stage->channel);
  while (waits_for_input (stage->world.context))
    g_thread_yield ();
  async_start (&self->inner, stage->channel, ECHO_ECHO, "inner", NULL, NULL);
  while (self->inner.n_callbacks == 0)
    g_main_context_iteration (stage->world.context, TRUE);
}

static void
a_loop_inside_of_a_callback_hears_what_a_thread_received (void)
{
  TallyBuffer held = { NULL, 0, 0 };
  EchoArgs args = { (gchar *) "first" };
  Nesting nesting = { .thread = NULL };
  g_auto (AsyncCaller) last = { NULL };
  AsyncStage *stage = &nesting.stage;

  async_stage_init (stage, ASYNC_SHARED, answer_held_on_release, &held);
  tally_channel_set_timeout (stage->channel, HELD_MS);
  nesting.first.channel = stage->channel;
  nesting.first.method = ECHO_ECHO;
  tally_channel_call_async (stage->channel, &echo_methods[ECHO_ECHO], &args, NULL, NULL,
                            on_first_over, &nesting);
  while (nesting.thread == NULL)
    g_main_context_iteration (stage->world.context, TRUE);
  assert_string (nesting.inner.reply, "inner");
  async_run (&stage->world, &last, stage->channel, ECHO_ECHO, "release", NULL);
  g_thread_join (nesting.thread);
  assert_no_error (last.error);
  async_caller_clear (&nesting.first);
  async_caller_clear (&nesting.inner);
  async_stage_clear (stage);
  tally_buffer_clear (&held);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (threads_and_loops_share_connections),
    TEST (a_call_may_start_on_another_thread_than_its_contexts),
    TEST (a_loop_inside_of_a_callback_hears_what_a_thread_received),
    { NULL },
  };

  async_make_first_task ();
  return test_main ("async-threads", cases, argc, argv);
}
