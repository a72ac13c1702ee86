/* Calls the fleet without a pause, on several threads, and says for each line that it reads what calls came to since the last one:
 * calls, errors, wrong answers, and microseconds that half of them, and 99 of 100, took at most. */
#include <stdio.h>
#include <string.h>
#include <tally-zookeeper.h>

#include "command-line.h"
#include "demo_fleet.h"

/* Bins of a power of two: a time is told to 6 %. */
#define SUB_BINS 16
#define N_BINS (40 * SUB_BINS)
#define MAX_THREADS 64

/* What all threads have counted; each number is atomic. */
static guint n_calls, n_errors, n_wrong;
static guint bins[N_BINS];
static gint stop;

static GMutex lock;
static gchar *first_error; /* the lock */

/* ---- times ---- */

static guint
find_bin (gint64 microseconds)
{
  guint power = microseconds < SUB_BINS ? 0 : g_bit_storage ((gulong) microseconds) - 5;
  guint bin = (guint) (microseconds >> power) + power * SUB_BINS;

  return MIN (bin, N_BINS - 1);
}

/* The least time that lies above the bin. */
static gint64
find_end (guint bin)
{
  guint power = bin < 2 * SUB_BINS ? 0 : bin / SUB_BINS - 1;

  return ((gint64) bin - power * SUB_BINS + 1) << power;
}

/* Of @share of the times, each bin's taken off @before: the time that they took at most. */
static gint64
find_quantile (const guint *before, const guint *now, guint count, gdouble share)
{
  guint64 sum = 0;

  for (guint i = 0; i < N_BINS; i++)
    {
      sum += now[i] - before[i];
      if ((gdouble) sum >= share * count && sum > 0)
        return find_end (i);
    }
  return 0;
}

/* ---- calling ---- */

static void
note_error (GError *error)
{
  g_atomic_int_inc (&n_errors);
  g_mutex_lock (&lock);
  if (first_error == NULL)
    first_error = g_strdup (error->message);
  g_mutex_unlock (&lock);
  g_error_free (error);
}

static gpointer
call_on (gpointer channel)
{
  g_autoptr (DemoFleetClient) client = demo_fleet_client_new (channel);

  for (gint64 number = 0; !g_atomic_int_get (&stop); number++)
    {
      gint64 begin = g_get_monotonic_time ();
      gint64 answer = 0;
      GError *error = NULL;

      if (!demo_fleet_if_add_one (DEMO_FLEET_IF (client), &answer, number, &error))
        note_error (error);
      else if (answer != number + 1)
        g_atomic_int_inc (&n_wrong);
      g_atomic_int_inc (&bins[find_bin (g_get_monotonic_time () - begin)]);
      g_atomic_int_inc (&n_calls);
    }
  return NULL;
}

/* ---- telling ---- */

typedef struct
{
  guint n_calls, n_errors, n_wrong;
  guint bins[N_BINS];
} Counts;

static void
take_counts (Counts *counts)
{
  counts->n_calls = g_atomic_int_get (&n_calls);
  counts->n_errors = g_atomic_int_get (&n_errors);
  counts->n_wrong = g_atomic_int_get (&n_wrong);
  for (guint i = 0; i < N_BINS; i++)
    counts->bins[i] = g_atomic_int_get (&bins[i]);
}

static void
tell (const Counts *before, const Counts *now)
{
  guint count = now->n_calls - before->n_calls;
  g_autofree gchar *message = NULL;

  g_mutex_lock (&lock);
  message = g_steal_pointer (&first_error);
  g_mutex_unlock (&lock);
  printf ("%u %u %u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s\n", count,
          now->n_errors - before->n_errors, now->n_wrong - before->n_wrong,
          find_quantile (before->bins, now->bins, count, 0.5),
          find_quantile (before->bins, now->bins, count, 0.99), message != NULL ? message : "");
  fflush (stdout);
}

static void
run (TallyChannel *channel, guint n_threads)
{
  GThread *threads[MAX_THREADS];
  Counts counts[2] = { { 0 } };
  gchar line[100];

  for (guint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("caller", call_on, channel);
  for (guint i = 0; fgets (line, sizeof line, stdin) != NULL; i++)
    {
      take_counts (&counts[(i + 1) % 2]);
      tell (&counts[i % 2], &counts[(i + 1) % 2]);
    }
  g_atomic_int_set (&stop, TRUE);
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  gint n_threads = 4;
  const GOptionEntry entries[] = { { "threads", 0, 0, G_OPTION_ARG_INT, &n_threads,
                                     "Threads that call. Default: 4", "N" },
                                   { NULL } };
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  tally_zookeeper_init ();
  if (!command_line_parse (&argc, &argv, "Calls a fleet.",
                           "The channel's URI, zookeeper://HOST:PORT/PATH or any", entries, &uri,
                           &error)
      || !command_line_check ("threads", n_threads, 1, MAX_THREADS, &error))
    {
      g_printerr ("fleet-client: %s\n", error->message);
      return 2;
    }
  channel = tally_channel_new (uri != NULL ? uri : "tcp://localhost:9090", &error);
  if (channel == NULL)
    {
      g_printerr ("fleet-client: %s\n", error->message);
      return 2;
    }
  run (channel, (guint) n_threads);
  g_free (first_error);
  return 0;
}
