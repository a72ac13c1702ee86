/* Makes a caller's calls in a main loop: one thread, many calls under way, or as many as come at a rate. */
#include "load-caller-private.h"

/* How often it is looked whether the user has interrupted, while nothing else happens. */
#define LOOK_US 100000u

typedef struct
{
  LoadCaller *caller;
  GSource *alarm;
  guint64 begun;
  guint under_way;
} Loop;

typedef struct
{
  Loop *loop;
  guint64 index;
  guint64 start;
} Call;

static void begin_calls (Loop *loop);

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  const guint64 end = load_now ();
  g_autofree Call *call = data;
  LoadCaller *caller = call->loop->caller;
  const LoadWork *work = caller->round->work;
  const guint64 number = load_caller_get_number (caller, call->index);
  g_autoptr (GError) error = NULL;
  gboolean is_answered = work->finish (caller->caller, result, &error);

  work->check (caller->caller, number, is_answered ? &error : NULL);
  load_caller_note (caller, end - call->start, error);
  caller->now = end;
  call->loop->under_way--;
  begin_calls (call->loop);
}

static void
begin_call (Loop *loop, guint64 start)
{
  LoadCaller *caller = loop->caller;
  Call *call = g_new (Call, 1);

  *call = (Call){ loop, loop->begun++, start };
  loop->under_way++;
  caller->round->work->prepare (caller->caller, load_caller_get_number (caller, call->index));
  if (caller->round->options->rate <= 0)
    call->start = load_now ();
  caller->round->work->begin (caller->caller, on_over, call);
}

/* As many as may be under way and are due. */
static void
begin_calls (Loop *loop)
{
  while (loop->under_way < loop->caller->round->options->in_flight
         && load_caller_has_more (loop->caller, loop->begun))
    {
      guint64 start = load_caller_get_start (loop->caller, loop->begun);
      const guint64 now = load_now ();

      loop->caller->now = now;
      if (start > now)
        {
          const guint64 pause_us = (start - now) / 1000 + 1;

          g_source_set_ready_time (loop->alarm, (gint64) (now / 1000 + MIN (pause_us, LOOK_US)));
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
load_caller_run_async (LoadCaller *self)
{
  static GSourceFuncs alarm_funcs = { NULL, NULL, alarm_dispatch, NULL };
  g_autoptr (GMainContext) context = g_main_context_new ();
  Loop loop = { .caller = self };

  g_main_context_push_thread_default (context);
  loop.alarm = g_source_new (&alarm_funcs, sizeof (GSource));
  g_source_set_callback (loop.alarm, on_alarm, &loop, NULL);
  g_source_attach (loop.alarm, context);
  begin_calls (&loop);
  while (loop.under_way > 0 || load_caller_has_more (self, loop.begun))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (loop.alarm);
  g_source_unref (loop.alarm);
  g_main_context_pop_thread_default (context);
}
