/* Owns the options, clock and report that the benchmark programs share; must not know Thrift. */
#include "bench-common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

BenchOptions bench_options = { .calls = 1000, .warmup = 200, .together = 1 };

static const GOptionEntry entries[] = {
  { "port", 0, 0, G_OPTION_ARG_INT, &bench_options.port, "Server's port on 127.0.0.1", "PORT" },
  { "payload", 0, 0, G_OPTION_ARG_STRING, &bench_options.payload, "string, struct, large or list",
    "NAME" },
  { "mode", 0, 0, G_OPTION_ARG_STRING, &bench_options.mode,
    "pooled, unpooled or, of Tally's, shared", "MODE" },
  { "transport", 0, 0, G_OPTION_ARG_STRING, &bench_options.transport,
    "Apache's: framed, buffered, socket or own", "NAME" },
  { "calls", 0, 0, G_OPTION_ARG_INT, &bench_options.calls, "Operations that are measured", "N" },
  { "warmup", 0, 0, G_OPTION_ARG_INT, &bench_options.warmup, "Operations before them", "N" },
  { "together", 0, 0, G_OPTION_ARG_INT, &bench_options.together, "Operations at once", "N" },
  { "request", 0, 0, G_OPTION_ARG_FILENAME, &bench_options.request, "The framed request", "FILE" },
  { "scheme", 0, 0, G_OPTION_ARG_STRING, &bench_options.scheme, "Of Tally's URI, \"tls\"", "NAME" },
  { "uri-options", 0, 0, G_OPTION_ARG_STRING, &bench_options.uri_options, "More for the URI",
    "TEXT" },
  { "count-only", 0, 0, G_OPTION_ARG_NONE, &bench_options.count_only, "Neither clock nor report",
    NULL },
  { NULL }
};

void
bench_fail (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  fprintf (stderr, "%s: ", g_get_prgname ());
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
  va_end (args);
  exit (1);
}

void
bench_parse (int *argc, char ***argv, const GOptionEntry *extra)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (extra != NULL)
    g_option_context_add_main_entries (context, extra, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    bench_fail ("%s", error->message);
  if (*argc > 1)
    bench_fail ("unexpected argument %s", (*argv)[1]);
  bench_options.is_struct = g_strcmp0 (bench_options.payload, "struct") == 0
                            || g_strcmp0 (bench_options.payload, "list") == 0;
  bench_options.is_unpooled = g_strcmp0 (bench_options.mode, "unpooled") == 0;
  if (bench_options.calls < 1 || bench_options.warmup < 0 || bench_options.together < 1)
    bench_fail ("nothing to measure");
}

gint64
bench_now (void)
{
  struct timespec now;

  if (bench_options.count_only)
    return 0;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare_samples (const void *a, const void *b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

void
bench_report (const gchar *name, gint64 *samples, gint n_samples)
{
  gdouble total = 0;

  for (gint i = 0; i < n_samples; i++)
    total += samples[i];
  qsort (samples, n_samples, sizeof *samples, compare_samples);
  printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
          " %.0f\n",
          name, samples[n_samples / 2], samples[n_samples * 9 / 10], samples[n_samples * 99 / 100],
          samples[n_samples - 1], total / n_samples);
  fflush (stdout);
}

void
bench_measure (const gchar *name, BenchRun run, gpointer data)
{
  g_autofree gint64 *samples = NULL;
  gint calls = bench_options.calls;
  gint i;

  for (i = 0; i < bench_options.warmup; i++)
    run (data);
  if (bench_options.count_only)
    {
      for (i = 0; i < calls; i++)
        run (data);
      return;
    }
  samples = g_new (gint64, calls);
  for (i = 0; i < calls; i++)
    samples[i] = run (data);
  bench_report (name, samples, calls);
}

/* ---- operations at once ---- */

typedef struct
{
  BenchRun run;
  gpointer data;
  gint calls;
} BenchThread;

static gpointer
run_many (gpointer data)
{
  const BenchThread *self = data;
  gint i;

  for (i = 0; i < self->calls; i++)
    self->run (self->data);
  return NULL;
}

static gint64
run_together (BenchThread *self)
{
  g_autofree GThread **threads = g_new (GThread *, bench_options.together);
  gint64 start = bench_now ();
  gint i;

  for (i = 0; i < bench_options.together; i++)
    threads[i] = g_thread_new ("bench", run_many, self);
  for (i = 0; i < bench_options.together; i++)
    g_thread_join (threads[i]);
  return bench_now () - start;
}

void
bench_measure_together (const gchar *name, BenchRun run, gpointer data)
{
  BenchThread thread = { run, data, MAX (bench_options.warmup / bench_options.together, 1) };
  gint64 each;

  run_together (&thread);
  thread.calls = MAX (bench_options.calls / bench_options.together, 1);
  each = run_together (&thread) / ((gint64) thread.calls * bench_options.together);
  printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
          " %" G_GINT64_FORMAT "\n",
          name, each, each, each, each, each);
  fflush (stdout);
}

void
bench_die_with_parent (void)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}
