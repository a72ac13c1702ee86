/* Makes a caller's calls in a main loop: one thread, many calls under way, or as many as come at a rate. */
#include <string.h>

#include "compare-caller.h"

typedef struct
{
  CompareCaller *caller;
  DemoEchoClient *client;
  GSource *alarm; /* for the next call's time, where there is a rate */
  gint begun;
  gint under_way;
} Loop;

typedef struct
{
  Loop *loop;
  gint number;
  guint64 start;
} Call;

static void begin_calls (Loop *loop);

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Call *call = data;
  Loop *loop = call->loop;
  CompareCaller *caller = loop->caller;
  g_autoptr (DemoPayload) payload = NULL;
  g_autofree gchar *text = NULL;
  guint64 took = compare_now () - call->start;
  gboolean is_right;
  GError *error = NULL;

  compare_caller_stamp (caller, call->number);
  if (caller->payload == NULL)
    is_right = demo_echo_client_echo_finish (loop->client, result, &text, &error)
               && strcmp (text, caller->text) == 0;
  else
    is_right = demo_echo_client_echo_payload_finish (loop->client, result, &payload, &error)
               && tally_struct_equal (payload, caller->payload);
  compare_caller_note (caller, took, is_right, error);
  loop->under_way--;
  begin_calls (loop);
}

/* What is sent is encoded before the call's start returns, and so may change after it. */
static void
begin_call (Loop *loop, guint64 start)
{
  CompareCaller *caller = loop->caller;
  Call *call = g_new (Call, 1);

  *call = (Call){ loop, loop->begun++, start };
  loop->under_way++;
  compare_caller_stamp (caller, call->number);
  if (caller->payload == NULL)
    demo_echo_client_echo_async (loop->client, caller->text, NULL, NULL, on_over, call);
  else
    demo_echo_client_echo_payload_async (loop->client, caller->payload, NULL, NULL, on_over, call);
}

static gboolean
has_more (const Loop *loop)
{
  return loop->begun < loop->caller->calls
         && !g_atomic_int_get (&loop->caller->round->options->interrupted);
}

/* As many as may be under way and are due. */
static void
begin_calls (Loop *loop)
{
  while (has_more (loop) && loop->under_way < loop->caller->round->options->in_flight)
    {
      guint64 start = compare_caller_get_start (loop->caller, loop->begun);

      if (start > compare_now ())
        {
          g_source_set_ready_time (loop->alarm, (gint64) (start / 1000 + 1));
          return;
        }
      begin_call (loop, start);
    }
}

static gboolean
alarm_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time (source, -1);
  return callback (data);
}

static gboolean
on_alarm (gpointer data)
{
  begin_calls (data);
  return G_SOURCE_CONTINUE;
}

void
compare_caller_run_async (CompareCaller *self)
{
  static GSourceFuncs alarm_funcs = { NULL, NULL, alarm_dispatch, NULL };
  g_autoptr (GMainContext) context = g_main_context_new ();
  Loop loop = { .caller = self, .client = self->round->mode->client };

  g_main_context_push_thread_default (context);
  loop.alarm = g_source_new (&alarm_funcs, sizeof (GSource));
  g_source_set_callback (loop.alarm, on_alarm, &loop, NULL);
  g_source_attach (loop.alarm, context);
  begin_calls (&loop);
  while (loop.under_way > 0 || has_more (&loop))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (loop.alarm);
  g_source_unref (loop.alarm);
  g_main_context_pop_thread_default (context);
}
