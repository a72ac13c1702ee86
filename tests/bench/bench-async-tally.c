/* Asynchronous calls of one thread, as many in flight as shall be together; each reply is compared with what
 * was sent. As of the limit, what is measured is how long so many calls take, and reported for one of them. */
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

int
main (int argc, char **argv)
{
  Run self = { NULL };

  bench_parse (&argc, &argv, NULL);
  self.client = BENCH_ECHO_CLIENT (bench_client_open ());
  self.loop = g_main_loop_new (NULL, FALSE);
  if (bench_options.warmup > 0)
    run (&self, bench_options.warmup);
  if (!bench_options.count_only)
    self.samples = g_new (gint64, bench_options.calls / bench_options.together + 1);
  run (&self, bench_options.calls);
  if (self.n_samples > 0)
    bench_report ("call", self.samples, self.n_samples);
  g_free (self.samples);
  g_main_loop_unref (self.loop);
  bench_client_close (BENCH_ECHO_IF (self.client));
  return 0;
}
