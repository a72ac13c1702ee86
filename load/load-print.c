/* Turns what was measured into tables that fit 80 columns, and says what they mean. */
#include <stdio.h>
#include <string.h>

#include "load.h"

static void
print_calls (GPtrArray *modes, const LoadSummary *summaries)
{
  guint i;

  printf ("\n%-13s%8s%8s%8s%10s%10s%12s%10s\n", "", "calls/s", "lowest", "highest", "p50 us",
          "p99 us", "max us", "failures");
  for (i = 0; i < modes->len; i++)
    {
      const LoadMode *mode = g_ptr_array_index (modes, i);
      const LoadSummary *summary = &summaries[i];

      printf ("%-13s%8.0f%8.0f%8.0f%10.1f%10.1f%12.1f%10" G_GUINT64_FORMAT "\n", mode->name,
              summary->rate, summary->lowest_rate, summary->highest_rate, summary->p50 / 1e3,
              summary->p99 / 1e3, summary->max / 1e3, mode->failures);
    }
  printf ("calls/s: the median of the rounds, between their lowest and highest. p50, p99,\n"
          "max: how long a call took, in microseconds; half of the calls took p50 at most.\n");
}

/* Of one call, in microseconds. (transfer full) */
static gchar *
format_cpu (gdouble time_ns, guint64 calls, gboolean is_known)
{
  return is_known && calls > 0 ? g_strdup_printf ("%.1f", time_ns / 1e3 / (gdouble) calls)
                               : g_strdup ("-");
}

static void
print_cost (GPtrArray *modes, const LoadSummary *summaries, gboolean knows_server)
{
  guint i;

  printf ("\n%-13s%9s%10s%11s%11s%8s%6s%12s\n", "", "connects", "TIME_WAIT", "client CPU",
          "server CPU", "hits", "waits", "wait p99 us");
  for (i = 0; i < modes->len; i++)
    {
      const LoadMode *mode = g_ptr_array_index (modes, i);
      const TallyPoolSnapshot *pool = &summaries[i].pool;
      g_autofree gchar *client_cpu =
          format_cpu (mode->used.client_cpu_ns, summaries[i].calls, TRUE);
      g_autofree gchar *server_cpu =
          format_cpu (mode->used.server_cpu_ns, summaries[i].calls, knows_server);

      printf ("%-13s%9" G_GUINT64_FORMAT "%10u%11s%11s%8" G_GUINT64_FORMAT "%6" G_GUINT64_FORMAT
              "%12" G_GUINT64_FORMAT "\n",
              mode->name, pool->dials_done, mode->used.time_waits, client_cpu, server_cpu,
              pool->hits, pool->waits, tally_histogram_quantile (&pool->wait_time, 0.99));
    }
  printf ("connects: connections opened. TIME_WAIT: sockets left behind in that state,\n"
          "each holds a port for a minute. CPU: microseconds for each call%s. hits: calls\n"
          "that found an idle connection; waits: those that queued for one, and how long.\n",
          knows_server ? "" : " (the\nserver's is known of one that was started here)");
}

static gboolean
fails_a_lot (const LoadMode *mode, const LoadSummary *summary)
{
  return load_fails_a_lot ((gdouble) mode->failures, (gdouble) summary->calls);
}

/* Whether some mode's rounds differ so much that its median says little, though its calls did not fail. */
static gboolean
differs_a_lot (GPtrArray *modes, const LoadSummary *summaries)
{
  guint i;

  for (i = 0; i < modes->len; i++)
    if (summaries[i].highest_rate > 1.5 * summaries[i].lowest_rate
        && !fails_a_lot (g_ptr_array_index (modes, i), &summaries[i]))
      return TRUE;
  return FALSE;
}

/* How many times as many calls each mode makes as the first one. */
static void
print_comparison (GPtrArray *modes, const LoadSummary *summaries)
{
  const LoadMode *first = g_ptr_array_index (modes, 0);
  guint i;

  for (i = 0; i < modes->len; i++)
    {
      const LoadMode *mode = g_ptr_array_index (modes, i);

      if (fails_a_lot (mode, &summaries[i]))
        printf ("%s: too many calls failed for its rate to say what it can do.\n", mode->name);
      else if (i > 0 && summaries[0].rate > 0 && summaries[i].rate > 0
               && !fails_a_lot (first, &summaries[0]))
        printf ("%s makes %.2f times as many calls per second as %s.\n", mode->name,
                summaries[i].rate / summaries[0].rate, first->name);
    }
}

/* What the rates say, and when each mode is the right one. */
static void
print_meaning (GPtrArray *modes, const LoadSummary *summaries)
{
  static const gchar *const advice[][2] = {
    { "unpooled", "suits rare calls: each pays for a connection of its own." },
    { "pooled", "suits most programs: connecting is saved, a slow call delays no other." },
    { "async-pooled", "suits a main loop: one thread, a connection for each call under way." },
    { "async-shared", "suits a main loop with many calls under way: one thread, one socket." },
    { "shared", "suits many callers of small, quick calls: one socket carries them all.\n"
                "  Where the server answers in order, quick calls wait behind slow ones." },
  };
  guint i, j;

  printf ("\n");
  if (differs_a_lot (modes, summaries))
    printf ("The rounds of a mode differ a lot: this machine does other things, too.\n");
  print_comparison (modes, summaries);
  for (i = 0; i < modes->len; i++)
    for (j = 0; j < G_N_ELEMENTS (advice); j++)
      if (strcmp (((const LoadMode *) g_ptr_array_index (modes, i))->name, advice[j][0]) == 0)
        printf ("%s %s\n", advice[j][0], advice[j][1]);
}

void
load_print (const LoadOptions *options, GPtrArray *modes)
{
  g_autofree LoadSummary *summaries = g_new (LoadSummary, modes->len);
  guint i;

  for (i = 0; i < modes->len; i++)
    summaries[i] = load_mode_summarise (g_ptr_array_index (modes, i));
  if (options->interrupted)
    printf ("\ninterrupted; what was measured until then:\n");
  print_calls (modes, summaries);
  print_cost (modes, summaries, options->server_pid != 0);
  print_meaning (modes, summaries);
  for (i = 0; i < modes->len; i++)
    {
      const LoadMode *mode = g_ptr_array_index (modes, i);

      if (mode->failed->len > 0)
        printf ("%s: the first failure: %s\n", mode->name,
                ((const LoadFailure *) g_ptr_array_index (mode->failed, 0))->message);
    }
  fflush (stdout);
}
