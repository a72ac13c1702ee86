/* A server that answers later: each call waits as a timer in a main loop, and none of them takes a thread. */
#include <tally.h>

#include "command-line.h"
#include "demo_timer.h"
#include "serve.h"

/* ---- the handler ---- */

typedef DemoTimerHandler Waiter;
typedef DemoTimerHandlerClass WaiterClass;

GType waiter_get_type (void);
G_DEFINE_TYPE (Waiter, waiter, DEMO_TYPE_TIMER_HANDLER)

/* A call that waits. */
typedef struct
{
  TallyReply *reply;
  gint64 began; /* of g_get_monotonic_time () */
} Wait;

static void
wait_free (gpointer data)
{
  Wait *self = data;

  tally_reply_unref (self->reply);
  g_free (self);
}

static void
report (gboolean answered, const GError *error)
{
  if (!answered)
    g_printerr ("timer-server: an answer is lost: %s\n", error->message);
}

/* In the main loop: the time is over, or the client has gone. */
static gboolean
on_over (gpointer data)
{
  Wait *self = data;
  gint64 passed = (g_get_monotonic_time () - self->began) / G_TIME_SPAN_MILLISECOND;
  g_autoptr (GError) error = NULL;

  if (!g_cancellable_is_cancelled (tally_reply_get_cancellable (self->reply)))
    report (demo_timer_reply_wait (self->reply, (gint32) passed, &error), error);
  return G_SOURCE_REMOVE;
}

static void
refuse (TallyReply *reply)
{
  g_autoptr (DemoOutOfRange) range =
      g_object_new (DEMO_TYPE_OUT_OF_RANGE, "longest", DEMO_LONGEST, NULL);
  g_autoptr (GError) error = NULL;

  report (demo_timer_reply_wait_range (reply, range, &error), error);
}

/* On a thread of the server, which is free again when this returns. */
static void
wait_async (DemoTimerHandler *handler, const gint32 milliseconds, TallyReply *reply)
{
  g_autoptr (GSource) timer = NULL;
  g_autoptr (GSource) gone = NULL;
  Wait *self;

  if (milliseconds < 0 || milliseconds > DEMO_LONGEST)
    {
      refuse (reply);
      return;
    }
  self = g_new0 (Wait, 1);
  self->reply = tally_reply_ref (reply);
  self->began = g_get_monotonic_time ();
  timer = g_timeout_source_new (milliseconds);
  gone = g_cancellable_source_new (tally_reply_get_cancellable (reply));
  g_source_set_dummy_callback (gone);
  g_source_add_child_source (timer, gone);
  g_source_set_callback (timer, on_over, self, wait_free);
  g_source_attach (timer, NULL);
}

/* A method may as well answer at once. */
static gboolean
ping (DemoTimerIf *iface, GError **error)
{
  return TRUE;
}

static void
waiter_class_init (WaiterClass *klass)
{
  klass->wait_async = wait_async;
  klass->ping = ping;
}

static void
waiter_init (Waiter *self)
{
}

/* ---- the program ---- */

/* What the thread serves that the main loop is not to be blocked by. */
typedef struct
{
  ThriftProcessor *processor;
  const gchar *uri;
  GMainLoop *loop;
  GError *error; /* NULL: it has ended well */
} Serving;

static gboolean
on_served (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gpointer
serve_all (gpointer data)
{
  Serving *self = data;

  serve (self->processor, self->uri, &self->error);
  g_idle_add (on_served, self->loop);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GObject) handler = NULL;
  g_autoptr (DemoTimerProcessor) processor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  Serving serving = { .loop = loop };
  GThread *thread;

  if (!command_line_parse (&argc, &argv,
                           "Serves timers, each of which answers when its time is over.",
                           SERVE_URI_DESCRIPTION, NULL, &uri, &error))
    {
      g_printerr ("timer-server: %s\n", error->message);
      return 2;
    }
  handler = g_object_new (waiter_get_type (), NULL);
  processor = g_object_new (DEMO_TYPE_TIMER_PROCESSOR, "handler", handler, NULL);
  serving.processor = THRIFT_PROCESSOR (processor);
  serving.uri = uri != NULL ? uri : "tcp://localhost:9090";
  thread = g_thread_new ("serve", serve_all, &serving);
  g_main_loop_run (loop);
  g_thread_join (thread);
  while (g_main_context_iteration (NULL, FALSE)) /* timers whose clients have gone */
    ;
  if (serving.error == NULL)
    return 0;
  g_printerr ("timer-server: %s\n", serving.error->message);
  g_error_free (serving.error);
  return 1;
}
