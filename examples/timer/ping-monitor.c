/* Pings several services again and again, each at its own time, in one main loop and without a thread: any service
 * that has a method `void ping ()`. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <tally.h>

#include "command-line.h"
#include "demo_timer.h"

static gint option_count;
static gdouble option_interval = 1;
static gint option_timeout = 1000;

static const GOptionEntry options[] = {
  { "count", 'c', 0, G_OPTION_ARG_INT, &option_count,
    "N pings each; 0 = until interrupted. Default: 0", "N" },
  { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &option_interval,
    "Time from one ping to the next. Default: 1", "SECONDS" },
  { "timeout", 't', 0, G_OPTION_ARG_INT, &option_timeout, "What a ping may take. Default: 1000",
    "MILLISECONDS" },
  { NULL },
};

typedef struct
{
  GMainLoop *loop;
  GCancellable *cancellable;
  GPtrArray *targets; /* of Target */
  guint n_active;     /* of these, that are to be pinged again or wait for an answer */
} Monitor;

/* A service that is pinged. */
typedef struct
{
  Monitor *monitor;
  const gchar *uri;
  DemoTimerClient *client;
  guint timer;  /* the source that starts the next ping; 0: one is under way, or none comes */
  gint64 began; /* the last one, of g_get_monotonic_time () */
  guint n_pings;
  guint n_answers;
  gdouble least_ms;
  gdouble most_ms;
  gdouble sum_ms;
} Target;

static void start_ping (Target *self);

static void
target_free (gpointer data)
{
  Target *self = data;

  g_object_unref (self->client);
  g_free (self);
}

/* ---- one service ---- */

static gboolean
on_timer (gpointer data)
{
  Target *self = data;

  self->timer = 0;
  start_ping (self);
  return G_SOURCE_REMOVE;
}

/* It is pinged no more. */
static void
end_target (Target *self)
{
  if (--self->monitor->n_active == 0)
    g_main_loop_quit (self->monitor->loop);
}

/* After a ping: the next one, unless it was the last. */
static void
go_on (Target *self)
{
  gint64 passed = g_get_monotonic_time () - self->began;
  gdouble rest_ms = option_interval * 1000 - passed / 1000.0;

  if (g_cancellable_is_cancelled (self->monitor->cancellable)
      || self->n_pings == (guint) option_count)
    end_target (self);
  else
    self->timer = g_timeout_add (rest_ms > 0 ? (guint) rest_ms + 1 : 0, on_timer, self);
}

static void
note_answer (Target *self)
{
  gdouble ms = (g_get_monotonic_time () - self->began) / 1000.0;

  self->least_ms = self->n_answers == 0 || ms < self->least_ms ? ms : self->least_ms;
  self->most_ms = ms > self->most_ms ? ms : self->most_ms;
  self->sum_ms += ms;
  self->n_answers++;
  printf ("%s: %.2f ms\n", self->uri, ms);
}

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer data)
{
  Target *self = data;
  g_autoptr (GError) error = NULL;

  if (demo_timer_client_ping_finish (DEMO_TIMER_CLIENT (source), result, &error))
    note_answer (self);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    self->n_pings--; /* the monitor has given it up */
  else
    printf ("failed: %s\n", error->message); /* which names the service */
  fflush (stdout);
  go_on (self);
}

static void
start_ping (Target *self)
{
  const TallyCallOptions call_options = { .timeout = option_timeout };

  self->began = g_get_monotonic_time ();
  self->n_pings++;
  demo_timer_client_ping_async (self->client, &call_options, self->monitor->cancellable, on_pinged,
                                self);
}

static void
report (const Target *self)
{
  printf ("%s: %u of %u pings answered", self->uri, self->n_answers, self->n_pings);
  if (self->n_answers > 0)
    printf (", %.2f to %.2f ms, %.2f on average", self->least_ms, self->most_ms,
            self->sum_ms / self->n_answers);
  printf ("\n");
}

/* ---- all of them ---- */

static gboolean
add_target (Monitor *self, const gchar *uri, GError **error)
{
  g_autoptr (TallyChannel) channel = tally_channel_new (uri, error);
  Target *target;

  if (channel == NULL)
    return FALSE;
  target = g_new0 (Target, 1);
  target->monitor = self;
  target->uri = uri;
  target->client = demo_timer_client_new (channel);
  g_ptr_array_add (self->targets, target);
  return TRUE;
}

/* SIGINT: the pings under way are given up, and their callbacks end the loop. A second one ends the program. */
static gboolean
on_interrupt (gpointer data)
{
  Monitor *self = data;

  g_cancellable_cancel (self->cancellable);
  for (guint i = 0; i < self->targets->len; i++)
    {
      Target *target = g_ptr_array_index (self->targets, i);

      if (target->timer == 0)
        continue;
      g_clear_handle_id (&target->timer, g_source_remove);
      end_target (target);
    }
  return G_SOURCE_REMOVE;
}

/* Whether every ping was answered. */
static gboolean
run (Monitor *self)
{
  gboolean is_well = TRUE;

  g_unix_signal_add (SIGINT, on_interrupt, self);
  printf ("pinging %u services\n", self->targets->len);
  fflush (stdout);
  self->n_active = self->targets->len;
  for (guint i = 0; i < self->targets->len; i++)
    start_ping (g_ptr_array_index (self->targets, i));
  g_main_loop_run (self->loop);
  for (guint i = 0; i < self->targets->len; i++)
    {
      const Target *target = g_ptr_array_index (self->targets, i);

      report (target);
      is_well = is_well && target->n_answers == target->n_pings;
    }
  return is_well;
}

static gboolean
check_options (GError **error)
{
  return command_line_check ("--count", option_count, 0, G_MAXINT, error)
         && command_line_check ("--interval", option_interval, 0, 86400, error)
         && command_line_check ("--timeout", option_timeout, 1, G_MAXINT, error);
}

static gboolean
add_targets (Monitor *self, gchar **uris, GError **error)
{
  if (*uris == NULL)
    return add_target (self, "tcp://localhost:9090", error);
  for (; *uris != NULL; uris++)
    if (!add_target (self, *uris, error))
      return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (target_free);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) uris = NULL;
  Monitor monitor = { .loop = loop, .cancellable = cancellable, .targets = targets };

  if (command_line_parse_several (&argc, &argv, "Pings services that have a method void ping ().",
                                  "A service. Default: tcp://localhost:9090", options, &uris,
                                  &error)
      && check_options (&error) && add_targets (&monitor, uris, &error))
    return run (&monitor) ? 0 : 1;
  g_printerr ("ping-monitor: %s\n", error->message);
  return 2;
}
