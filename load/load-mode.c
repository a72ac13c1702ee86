/* Owns a mode of calling: its name, its pool, what it came to. It makes no call. */
#include <string.h>

#include "load-caller-private.h"

#define ASYNC "async-" /* before the name of a mode in which one thread calls without blocking */
/* Kinds of failure that are kept apart. */
#define MAX_KINDS 16

gboolean
load_mode_is_known (const gchar *name)
{
  static const gchar *const known[] = { "unpooled", "pooled", "shared", NULL };

  return g_strv_contains (known, name + (g_str_has_prefix (name, ASYNC) ? strlen (ASYNC) : 0));
}

LoadMode *
load_mode_new (const LoadOptions *options, const gchar *name, GError **error)
{
  g_autoptr (LoadMode) mode = g_new0 (LoadMode, 1);

  mode->name = g_strdup (name);
  mode->is_async = g_str_has_prefix (name, ASYNC);
  mode->uri = g_strconcat (options->uri, strchr (options->uri, '?') != NULL ? "&mode=" : "?mode=",
                           name + (mode->is_async ? strlen (ASYNC) : 0), NULL);
  mode->latency = g_new0 (LoadHistogram, 1);
  mode->rates = g_array_new (FALSE, FALSE, sizeof (gdouble));
  mode->samples = g_array_new (FALSE, FALSE, sizeof (LoadSample));
  mode->failed = g_ptr_array_new_with_free_func (load_failure_free);
  mode->pool = tally_pool_new ();
  /* A connection for each call must not have to wait for the limit on dials. */
  g_object_set (mode->pool, "max-open", options->connections, "max-dials", options->connections,
                NULL);
  mode->channel = tally_channel_new_with_pool (mode->uri, mode->pool, error);
  if (mode->channel == NULL)
    return NULL;
  return g_steal_pointer (&mode);
}

void
load_mode_free (LoadMode *mode)
{
  g_clear_object (&mode->channel);
  tally_pool_close (mode->pool);
  g_clear_object (&mode->pool);
  g_free (mode->latency);
  g_array_unref (mode->rates);
  g_array_unref (mode->samples);
  g_ptr_array_unref (mode->failed);
  g_free (mode->name);
  g_free (mode->uri);
  g_free (mode);
}

void
load_failure_free (gpointer failure)
{
  g_free (((LoadFailure *) failure)->message);
  g_free (failure);
}

static LoadFailure *
find_failure (GPtrArray *failed, const gchar *message)
{
  for (guint i = 0; i < failed->len; i++)
    {
      LoadFailure *failure = g_ptr_array_index (failed, i);

      if (strcmp (failure->message, message) == 0)
        return failure;
    }
  return NULL;
}

/* What is beyond the kinds that are kept apart is one more. */
void
load_failure_add (GPtrArray *failed, const gchar *message, guint64 count)
{
  LoadFailure *failure = find_failure (failed, message);

  if (failure == NULL && failed->len >= MAX_KINDS)
    {
      message = "(others)";
      failure = find_failure (failed, message);
    }
  if (failure == NULL)
    {
      failure = g_new0 (LoadFailure, 1);
      failure->message = g_strdup (message);
      g_ptr_array_add (failed, failure);
    }
  failure->count += count;
}

void
load_mode_note_failure (LoadMode *mode, const gchar *message, guint64 count)
{
  mode->failures += count;
  load_failure_add (mode->failed, message, count);
}

static int
compare_rates (gconstpointer a, gconstpointer b)
{
  const gdouble left = *(const gdouble *) a, right = *(const gdouble *) b;

  return (left > right) - (left < right);
}

static void
summarise_rates (GArray *rates, LoadSummary *summary)
{
  g_autoptr (GArray) sorted = g_array_copy (rates);

  if (sorted->len == 0) /* interrupted before the mode's first round */
    return;
  g_array_sort (sorted, compare_rates);
  summary->lowest_rate = g_array_index (sorted, gdouble, 0);
  summary->highest_rate = g_array_index (sorted, gdouble, sorted->len - 1);
  summary->rate = (g_array_index (sorted, gdouble, (sorted->len - 1) / 2)
                   + g_array_index (sorted, gdouble, sorted->len / 2))
                  / 2;
}

LoadSummary
load_mode_summarise (const LoadMode *mode)
{
  LoadSummary summary = { .calls = mode->latency->count };

  summarise_rates (mode->rates, &summary);
  summary.p50 = load_histogram_quantile (mode->latency, 0.50);
  summary.p90 = load_histogram_quantile (mode->latency, 0.90);
  summary.p99 = load_histogram_quantile (mode->latency, 0.99);
  summary.p999 = load_histogram_quantile (mode->latency, 0.999);
  summary.p9999 = load_histogram_quantile (mode->latency, 0.9999);
  summary.max = load_histogram_quantile (mode->latency, 1);
  tally_pool_snapshot (mode->pool, &summary.pool);
  for (guint i = 0; i < TALLY_N_CLOSE_REASONS; i++)
    summary.closes += summary.pool.closes[i];
  return summary;
}

gboolean
load_fails_a_lot (gdouble failures, gdouble calls)
{
  return failures * 100 > calls;
}
