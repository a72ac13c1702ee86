/* Asynchronous calls of one thread, as many in flight as shall be together; each reply is compared with what
 * was sent. As of the limit, what is measured is how long so many calls take, and reported for one of them. With --burst
 * all calls begin at once, as a program's first ones, and what is measured is the main loop. */
#include <string.h>

#include "bench-client.h"
#include "bench-common.h"

typedef struct
{
  BenchEchoClient *client;
  GMainLoop *loop;
  gint to_start;
  gint in_flight;
  gint64 *samples; /* nullable */
  gint n_samples;
  gint n_replies; /* since the last one */
  gint64 since;
} Run;

#define MOST_TURNS 10000
/* Milliseconds between a burst's timers. */
#define TIMER_MS 10

/* What a main loop is like while a burst of calls is under way; nanoseconds. */
typedef struct
{
  gint64 turns[MOST_TURNS];
  gint64 timers[MOST_TURNS]; /* from one to the next */
  gint n_turns;
  gint n_timers;
  gint64 woke; /* 0: not yet */
  gint64 timer;
} Burst;

static gboolean is_burst;
static Burst burst;

static const GOptionEntry entries[] = {
  { "burst", 0, 0, G_OPTION_ARG_NONE, &is_burst, "Begin all calls at once", NULL }, { NULL }
};

static void start_one (Run *self);

static void
note_reply (Run *self)
{
  gint64 now;

  if (self->samples == NULL || ++self->n_replies < bench_options.together)
    return;
  now = bench_now ();
  self->samples[self->n_samples++] = (now - self->since) / self->n_replies;
  self->n_replies = 0;
  self->since = now;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  if (!bench_echo_client_echo_finish (self->client, result, &reply, &error))
    bench_fail ("the call failed: %s", error->message);
  if (strcmp (reply, BENCH_TEXT) != 0)
    bench_fail ("the reply is \"%s\"", reply);
  note_reply (self);
  self->in_flight--;
  if (self->to_start > 0)
    start_one (self);
  else if (self->in_flight == 0)
    g_main_loop_quit (self->loop);
}

static void
start_one (Run *self)
{
  self->to_start--;
  self->in_flight++;
  bench_echo_client_echo_async (self->client, BENCH_TEXT, NULL, NULL, on_reply, self);
}

static void
run (Run *self, gint calls)
{
  self->to_start = calls;
  self->since = bench_now ();
  while (self->to_start > 0 && self->in_flight < bench_options.together)
    start_one (self);
  g_main_loop_run (self->loop);
}

static void
run_steadily (Run *self)
{
  if (bench_options.warmup > 0)
    run (self, bench_options.warmup);
  if (!bench_options.count_only)
    self->samples = g_new (gint64, bench_options.calls / bench_options.together + 1);
  run (self, bench_options.calls);
  if (self->n_samples > 0)
    bench_report ("call", self->samples, self->n_samples);
}

/* ---- a burst ---- */

static gint
poll_and_note_turn (GPollFD *descriptors, guint n_descriptors, gint timeout)
{
  gint result;

  if (burst.woke != 0 && burst.n_turns < MOST_TURNS)
    burst.turns[burst.n_turns++] = bench_now () - burst.woke;
  result = g_poll (descriptors, n_descriptors, timeout);
  burst.woke = bench_now ();
  return result;
}

static gboolean
on_timer (gpointer data)
{
  gint64 now = bench_now ();

  if (burst.n_timers < MOST_TURNS)
    burst.timers[burst.n_timers++] = now - burst.timer;
  burst.timer = now;
  return G_SOURCE_CONTINUE;
}

static gboolean
start_all (gpointer data)
{
  Run *self = data;

  while (self->to_start > 0)
    start_one (self);
  return G_SOURCE_REMOVE;
}

static void
run_burst (Run *self)
{
  guint timer = g_timeout_add (TIMER_MS, on_timer, NULL);

  g_main_context_set_poll_func (NULL, poll_and_note_turn);
  self->to_start = bench_options.calls;
  burst.timer = bench_now ();
  g_timeout_add (0, start_all, self);
  g_main_loop_run (self->loop);
  on_timer (NULL); /* as late as it is now, if it is */
  g_source_remove (timer);
  bench_report ("turn", burst.turns, burst.n_turns);
  bench_report ("timer", burst.timers, burst.n_timers);
}

int
main (int argc, char **argv)
{
  Run self = { NULL };

  bench_parse (&argc, &argv, entries);
  self.client = BENCH_ECHO_CLIENT (bench_client_open ());
  self.loop = g_main_loop_new (NULL, FALSE);
  if (is_burst)
    run_burst (&self);
  else
    run_steadily (&self);
  g_free (self.samples);
  g_main_loop_unref (self.loop);
  bench_client_close (BENCH_ECHO_IF (self.client));
  return 0;
}
