#include "async-fixture.h"

#include <string.h>

#include "harness.h"

/* Milliseconds. What a test does not mean to end does not end on a busy machine either. */
#define PATIENCE_MS 600000

const gchar *const async_modes[N_ASYNC_MODES] = { "pooled", "unpooled", "shared" };

void
async_caller_clear (AsyncCaller *self)
{
  g_free (self->reply);
  g_clear_object (&self->oops);
  g_clear_error (&self->error);
}

void
async_on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  AsyncCaller *self = data;
  gpointer results[] = { &self->reply, &self->oops };

  CU_ASSERT_PTR_EQUAL (source, self->channel);
  self->n_callbacks++;
  self->thread = g_thread_self ();
  self->done = tally_channel_call_finish (self->channel, &echo_methods[self->method], result,
                                          results, &self->error);
  if (self->n_left != NULL && --*self->n_left > 0)
    return;
  if (self->loop != NULL)
    g_main_loop_quit (self->loop);
}

void
async_start (AsyncCaller *self,
             TallyChannel *channel,
             guint method,
             const gchar *text,
             const TallyCallOptions *options,
             GCancellable *cancellable)
{
  g_autofree gchar *copy = g_strdup (text); /* gone when the call runs */
  EchoArgs args = { copy };

  self->channel = channel;
  self->method = method;
  tally_channel_call_async (channel, &echo_methods[method], &args, options, cancellable,
                            async_on_done, self);
  if (copy != NULL)
    memset (copy, '?', strlen (copy));
  CU_ASSERT_EQUAL (self->n_callbacks, 0); /* never before it returned */
}

void
async_world_init (AsyncWorld *self)
{
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_main_context_push_thread_default (self->context);
}

void
async_world_clear (AsyncWorld *self)
{
  CU_ASSERT_FALSE (g_main_context_pending (self->context)); /* nothing is left that spins */
  g_main_context_pop_thread_default (self->context);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
}

void
async_run (AsyncWorld *world,
           AsyncCaller *caller,
           TallyChannel *channel,
           guint method,
           const gchar *text,
           const TallyCallOptions *options)
{
  caller->loop = world->loop;
  async_start (caller, channel, method, text, options, NULL);
  g_main_loop_run (world->loop);
  assert_int (caller->n_callbacks, 1);
  CU_ASSERT_PTR_EQUAL (caller->thread, g_thread_self ());
}

void
async_stage_init (AsyncStage *self, guint mode, EchoAnswer answer, gpointer user_data)
{
  self->pool = tally_pool_new ();
  g_object_set (self->pool, "wait-timeout", PATIENCE_MS, NULL);
  self->options = g_strdup_printf ("?mode=%s", async_modes[mode]);
  async_world_init (&self->world);
  echo_server_start (&self->server, answer, self->options, user_data);
  g_object_set (self->pool, "wait-timeout", 60 * 1000, NULL); /* many dial at once */
  self->channel = echo_server_connect (&self->server, self->pool);
  tally_channel_set_timeout (self->channel, PATIENCE_MS);
}

void
async_stage_clear (AsyncStage *self)
{
  g_object_unref (self->channel);
  tally_pool_close (self->pool);
  echo_server_stop (&self->server);
  async_world_clear (&self->world);
  g_object_unref (self->pool);
  g_free (self->options);
}

void
async_assert_nothing_is_busy (AsyncStage *stage)
{
  TallyPoolSnapshot seen;

  tally_pool_snapshot (stage->pool, &seen);
  assert_int (seen.busy, 0);
}

void
async_make_first_task (void)
{
  g_object_unref (g_task_new (NULL, NULL, NULL, NULL));
}
