/* Turns what was measured into a table and into JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

/* What the table and the JSON show of a mode. Latencies in nanoseconds. */
typedef struct
{
  guint64 calls;
  gdouble rate; /* the median of the rounds' */
  guint64 p50;
  guint64 p90;
  guint64 p99;
  guint64 max;
  TallyPoolSnapshot pool;
} Summary;

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *) a;
  guint64 right = *(const guint64 *) b;

  return (left > right) - (left < right);
}

static int
compare_rates (gconstpointer a, gconstpointer b)
{
  gdouble left = *(const gdouble *) a;
  gdouble right = *(const gdouble *) b;

  return (left > right) - (left < right);
}

/* The smallest value that at least @share of @sorted do not exceed; 0 for none. */
static guint64
get_quantile (GArray *sorted, gdouble share)
{
  guint index = sorted->len * share;

  return sorted->len == 0 ? 0 : g_array_index (sorted, guint64, MIN (index, sorted->len - 1));
}

static gdouble
get_median_rate (GArray *rates)
{
  g_autoptr (GArray) sorted = g_array_copy (rates);

  g_array_sort (sorted, compare_rates);
  return (g_array_index (sorted, gdouble, (sorted->len - 1) / 2)
          + g_array_index (sorted, gdouble, sorted->len / 2))
         / 2;
}

static Summary
summarise (CompareMode *mode)
{
  Summary summary = { .calls = mode->latencies->len, .rate = get_median_rate (mode->rates) };

  g_array_sort (mode->latencies, compare_numbers);
  summary.p50 = get_quantile (mode->latencies, 0.50);
  summary.p90 = get_quantile (mode->latencies, 0.90);
  summary.p99 = get_quantile (mode->latencies, 0.99);
  summary.max = get_quantile (mode->latencies, 1);
  tally_pool_snapshot (mode->pool, &summary.pool);
  return summary;
}

static guint64
count_closes (const TallyPoolSnapshot *pool)
{
  guint64 closes = 0;
  guint i;

  for (i = 0; i < TALLY_N_CLOSE_REASONS; i++)
    closes += pool->closes[i];
  return closes;
}

static void
print_heading (const CompareOptions *options)
{
  g_autofree gchar *what =
      options->size < 0 ? g_strdup ("a rich struct") : g_strdup_printf ("%d bytes", options->size);

  printf ("%s\n%d callers, each %d calls in each of %d rounds, %s\n\n", options->uri,
          options->callers, options->calls, options->rounds, what);
}

static void
print_calls (const CompareMode *mode, const Summary *summary)
{
  printf ("%-10s %10.0f %10.1f %10.1f %10.1f %10.1f %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT
          "\n",
          mode->name, summary->rate, summary->p50 / 1e3, summary->p90 / 1e3, summary->p99 / 1e3,
          summary->max / 1e3, summary->pool.dials_done, mode->failures);
}

static void
print_pool (const CompareMode *mode, const TallyPoolSnapshot *pool)
{
  printf ("%-10s %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT
          " %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %10u %10" G_GUINT64_FORMAT
          " %10" G_GUINT64_FORMAT "\n",
          mode->name, pool->borrows, pool->hits, pool->dials, pool->waits, pool->stale, pool->idle,
          count_closes (pool), tally_histogram_quantile (&pool->wait_time, 0.99));
}

void
compare_print (const CompareOptions *options, GPtrArray *modes)
{
  g_autofree Summary *summaries = g_new (Summary, modes->len);
  guint i;

  print_heading (options);
  printf ("%-10s %10s %10s %10s %10s %10s %10s %10s\n", "calls", "per second", "p50 us", "p90 us",
          "p99 us", "max us", "connects", "failures");
  for (i = 0; i < modes->len; i++)
    {
      summaries[i] = summarise (g_ptr_array_index (modes, i));
      print_calls (g_ptr_array_index (modes, i), &summaries[i]);
    }
  printf ("\n%-10s %10s %10s %10s %10s %10s %10s %10s %10s\n", "pool", "borrows", "hits", "dials",
          "waits", "stale", "idle", "closes", "wait p99");
  for (i = 0; i < modes->len; i++)
    print_pool (g_ptr_array_index (modes, i), &summaries[i].pool);
  printf ("\n");
  for (i = 1; i < modes->len && summaries[0].rate > 0; i++)
    printf ("%s makes %.2f times as many calls per second as %s\n",
            ((const CompareMode *) g_ptr_array_index (modes, i))->name,
            summaries[i].rate / summaries[0].rate,
            ((const CompareMode *) g_ptr_array_index (modes, 0))->name);
  for (i = 0; i < modes->len; i++)
    {
      const CompareMode *mode = g_ptr_array_index (modes, i);

      if (mode->failure != NULL)
        printf ("%s: the first failure: %s\n", mode->name, mode->failure);
    }
  fflush (stdout);
}

/* ---- JSON ---- */

static void
append_string (GString *json, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  const gchar *at;

  g_string_append_c (json, '"');
  for (at = valid; *at != '\0'; at++)
    {
      if (*at == '"' || *at == '\\')
        g_string_append_printf (json, "\\%c", *at);
      else if ((guchar) *at < ' ')
        g_string_append_printf (json, "\\u%04x", (guchar) *at);
      else
        g_string_append_c (json, *at);
    }
  g_string_append_c (json, '"');
}

static void
append_number (GString *json, const gchar *before, gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (json, "%s%s", before,
                          g_ascii_formatd (text, sizeof text, "%.3f", number));
}

static void
append_pool (GString *json, const TallyPoolSnapshot *pool)
{
  const struct
  {
    const gchar *name;
    guint64 value;
  } counters[] = {
    { "borrows", pool->borrows },
    { "hits", pool->hits },
    { "dials", pool->dials },
    { "waits", pool->waits },
    { "stale", pool->stale },
    { "timeouts", pool->timeouts },
    { "late_replies", pool->late_replies },
    { "open", pool->open },
    { "idle", pool->idle },
    { "dials_done", pool->dials_done },
    { "dials_failed", pool->dials_failed },
    { "closes", count_closes (pool) },
    { "wait_p99_us", tally_histogram_quantile (&pool->wait_time, 0.99) },
    { "dial_p99_us", tally_histogram_quantile (&pool->dial_time, 0.99) },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (counters); i++)
    g_string_append_printf (json, "%s\"%s\": %" G_GUINT64_FORMAT, i == 0 ? "{" : ", ",
                            counters[i].name, counters[i].value);
  g_string_append_c (json, '}');
}

static void
append_mode (GString *json, CompareMode *mode)
{
  Summary summary = summarise (mode);
  guint i;

  g_string_append (json, "    {\"mode\": ");
  append_string (json, mode->name);
  g_string_append_printf (json,
                          ", \"calls\": %" G_GUINT64_FORMAT ", \"failures\": %" G_GUINT64_FORMAT
                          ", \"connects\": %" G_GUINT64_FORMAT,
                          summary.calls, mode->failures, summary.pool.dials_done);
  append_number (json, ", \"calls_per_second\": ", summary.rate);
  for (i = 0; i < mode->rates->len; i++)
    append_number (json, i == 0 ? ", \"calls_per_second_by_round\": [" : ", ",
                   g_array_index (mode->rates, gdouble, i));
  append_number (json, "], \"latency_us\": {\"p50\": ", summary.p50 / 1e3);
  append_number (json, ", \"p90\": ", summary.p90 / 1e3);
  append_number (json, ", \"p99\": ", summary.p99 / 1e3);
  append_number (json, ", \"max\": ", summary.max / 1e3);
  g_string_append (json, "}, \"pool\": ");
  append_pool (json, &summary.pool);
  if (mode->failure != NULL)
    {
      g_string_append (json, ", \"failure\": ");
      append_string (json, mode->failure);
    }
  g_string_append_c (json, '}');
}

gboolean
compare_write_json (const CompareOptions *options,
                    GPtrArray *modes,
                    const gchar *path,
                    GError **error)
{
  g_autoptr (GString) json = g_string_new ("{\n  \"uri\": ");
  guint i;

  append_string (json, options->uri);
  g_string_append_printf (
      json,
      ",\n  \"callers\": %d, \"calls_per_caller\": %d, \"rounds\": %d, \"connections\": %d,\n",
      options->callers, options->calls, options->rounds, options->connections);
  if (options->size < 0)
    g_string_append (json, "  \"payload\": \"rich\",\n");
  else
    g_string_append_printf (json, "  \"payload\": \"text\", \"size\": %d,\n", options->size);
  g_string_append (json, "  \"modes\": [\n");
  for (i = 0; i < modes->len; i++)
    {
      append_mode (json, g_ptr_array_index (modes, i));
      g_string_append (json, i + 1 < modes->len ? ",\n" : "\n");
    }
  g_string_append (json, "  ]\n}\n");
  return g_file_set_contents (path, json->str, json->len, error);
}
