/* A client that waits for several answers at once, in a main loop and without a thread. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <tally.h>

#include "command-line.h"
#include "demo_timer.h"

static gchar *option_waits;
static gint option_timeout = 5000;

static const GOptionEntry options[] = {
  { "waits", 'w', 0, G_OPTION_ARG_STRING, &option_waits,
    "Wait for each of these times, all at once. Default: 300,0,100", "MILLISECONDS,…" },
  { "timeout", 't', 0, G_OPTION_ARG_INT, &option_timeout,
    "What a call may take beyond its time. Default: 5000", "MILLISECONDS" },
  { NULL },
};

typedef struct
{
  GMainLoop *loop;
  GCancellable *cancellable;
  guint n_left; /* answers that are still to come */
  guint n_failed;
} Client;

/* A call that is under way. */
typedef struct
{
  Client *client;
  gint32 milliseconds;
} Wait;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Wait *self = data;
  g_autoptr (DemoOutOfRange) range = NULL;
  g_autoptr (GError) error = NULL;
  gint32 passed;

  if (demo_timer_client_wait_finish (DEMO_TIMER_CLIENT (source), result, &passed, &range, &error))
    printf ("%d ms: over after %d ms\n", self->milliseconds, passed);
  else if (range != NULL)
    printf ("%d ms: refused: 0 to %d ms are possible\n", self->milliseconds, range->longest);
  else
    printf ("%d ms: failed: %s\n", self->milliseconds, error->message);
  fflush (stdout);
  self->client->n_failed += error != NULL;
  if (--self->client->n_left == 0)
    g_main_loop_quit (self->client->loop);
}

static void
start (Client *self, DemoTimerClient *timer, gint32 milliseconds)
{
  const TallyCallOptions call_options = { .timeout = MAX (milliseconds, 0) + option_timeout };
  Wait *wait = g_new0 (Wait, 1);

  wait->client = self;
  wait->milliseconds = milliseconds;
  self->n_left++;
  demo_timer_client_wait_async (timer, milliseconds, &call_options, self->cancellable, on_answer,
                                wait);
}

/* The calls that are under way fail, and their callbacks end the program. */
static gboolean
on_interrupt (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE;
}

/* (transfer full) (element-type gint) (nullable) */
static GArray *
parse_waits (const gchar *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  g_autoptr (GArray) waits = g_array_new (FALSE, FALSE, sizeof (gint));

  for (guint i = 0; words[i] != NULL; i++)
    {
      gint64 number;
      gint wait;

      if (!g_ascii_string_to_signed (words[i], 10, -G_MAXINT / 2, G_MAXINT / 2, &number, NULL))
        {
          g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       "--waits takes numbers with commas between them, not \"%s\"", text);
          return NULL;
        }
      wait = (gint) number;
      g_array_append_val (waits, wait);
    }
  return g_steal_pointer (&waits);
}

static guint
wait_for_all (DemoTimerClient *timer, const GArray *waits)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Client self = { .loop = loop, .cancellable = cancellable };
  guint interrupt = g_unix_signal_add (SIGINT, on_interrupt, cancellable);

  for (guint i = 0; i < waits->len; i++)
    start (&self, timer, g_array_index (waits, gint, i));
  printf ("waiting for %u answers\n", self.n_left);
  fflush (stdout);
  g_main_loop_run (loop);
  g_source_remove (interrupt);
  return self.n_failed;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (DemoTimerClient) timer = NULL;
  g_autoptr (GArray) waits = NULL;
  g_autofree gchar *uri = NULL;

  if (command_line_parse (&argc, &argv, "Waits for several timers of one server at once.",
                          "Where the server is. Default: tcp://localhost:9090", options, &uri,
                          &error)
      && command_line_check ("--timeout", option_timeout, 1, G_MAXINT / 2, &error)
      && (waits = parse_waits (option_waits != NULL ? option_waits : "300,0,100", &error)) != NULL)
    channel = tally_channel_new (uri != NULL ? uri : "tcp://localhost:9090", &error);
  g_free (option_waits);
  if (channel == NULL)
    {
      g_printerr ("timer-client: %s\n", error->message);
      return 2;
    }
  timer = demo_timer_client_new (channel);
  return wait_for_all (timer, waits) > 0 ? 1 : 0;
}
