/* Asynchronous calls of one thread, as many in flight as shall be together; each reply is compared with what
 * was sent. */
#include <string.h>

#include "bench-client.h"
#include "bench-common.h"

typedef struct
{
  BenchEchoClient *client;
  GMainLoop *loop;
  gint to_start;
  gint in_flight;
} Run;

static void start_one (Run *self);

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

/* Nanoseconds for each of @calls. */
static gint64
run (Run *self, gint calls)
{
  gint64 start = bench_now ();

  self->to_start = calls;
  while (self->to_start > 0 && self->in_flight < bench_options.together)
    start_one (self);
  g_main_loop_run (self->loop);
  return (bench_now () - start) / calls;
}

int
main (int argc, char **argv)
{
  Run self = { NULL };
  gint64 each;

  bench_parse (&argc, &argv, NULL);
  self.client = BENCH_ECHO_CLIENT (bench_client_open ());
  self.loop = g_main_loop_new (NULL, FALSE);
  if (bench_options.warmup > 0)
    run (&self, bench_options.warmup);
  each = run (&self, bench_options.calls);
  if (!bench_options.count_only)
    g_print ("call %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
             " %" G_GINT64_FORMAT "\n",
             each, each, each, each, each);
  g_main_loop_unref (self.loop);
  bench_client_close (BENCH_ECHO_IF (self.client));
  return 0;
}
