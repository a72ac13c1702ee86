/* Owns how a model is given in words. */
#include <math.h>
#include <string.h>

#include "cli-simulate.h"

/* Settings of one run. */
#define MOST_COUNTS 64
#define MOST_CONNECTIONS 100000
/* Milliseconds: a day. */
#define LONGEST 86400000.0

/* ---- times ---- */

static gboolean
parse_ms (const gchar *text, gchar **end, gdouble *us)
{
  const gdouble ms = g_ascii_strtod (text, end);

  *us = ms * 1e3;
  return *end > text && ms >= 0 && ms <= LONGEST;
}

static gboolean
parse_lognormal (LoadTimes *times, const gchar *text)
{
  gdouble median_us, p99_us;
  gchar *end;

  if (!parse_ms (text, &end, &median_us) || *end != ',')
    return FALSE;
  text = end + 1;
  if (!parse_ms (text, &end, &p99_us) || *end != '\0' || median_us <= 0 || p99_us < median_us)
    return FALSE;
  *times = load_times_lognormal (median_us, p99_us);
  return TRUE;
}

gboolean
cli_parse_times (LoadTimes *times, const gchar *option, const gchar *word, GError **error)
{
  const gchar *colon = strchr (word, ':');
  g_autofree gchar *kind = colon != NULL ? g_strndup (word, (gsize) (colon - word)) : NULL;
  const gchar *text = colon != NULL ? colon + 1 : word;
  gdouble us;
  gchar *end;

  if (kind != NULL && g_str_equal (kind, "lognormal"))
    {
      if (parse_lognormal (times, text))
        return TRUE;
    }
  else if (kind == NULL || g_str_equal (kind, "constant") || g_str_equal (kind, "exponential"))
    {
      if (parse_ms (text, &end, &us) && *end == '\0')
        {
          *times =
              kind != NULL && *kind == 'e' ? load_times_exponential (us) : load_times_constant (us);
          return TRUE;
        }
    }
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "%s takes MS, exponential:MEAN or lognormal:MEDIAN,P99 in milliseconds, not \"%s\"",
               option, word);
  return FALSE;
}

/* ---- sizes of a pool ---- */

static gboolean
parse_count (const gchar *text, gchar **end, guint *count)
{
  const guint64 number = g_ascii_isdigit (*text) ? g_ascii_strtoull (text, end, 10) : 0;

  *count = (guint) MIN (number, MOST_CONNECTIONS + 1);
  return number >= 1 && number <= MOST_CONNECTIONS;
}

static gboolean
parse_range (GArray *counts, const gchar *word)
{
  guint first, last;
  gchar *end;

  if (!parse_count (word, &end, &first))
    return FALSE;
  last = first;
  if (*end == '-' && !parse_count (end + 1, &end, &last))
    return FALSE;
  if (*end != '\0' || last < first || last - first >= MOST_COUNTS)
    return FALSE;
  for (guint count = first; count <= last; count++)
    g_array_append_val (counts, count);
  return TRUE;
}

static gint
compare_counts (gconstpointer a, gconstpointer b)
{
  const guint left = *(const guint *) a, right = *(const guint *) b;

  return (left > right) - (left < right);
}

static void
sort_counts (GArray *counts)
{
  g_array_sort (counts, compare_counts);
  for (guint i = counts->len; i > 1; i--)
    if (g_array_index (counts, guint, i - 1) == g_array_index (counts, guint, i - 2))
      g_array_remove_index (counts, i - 1);
}

GArray *
cli_parse_counts (const gchar *option, const gchar *word, GError **error)
{
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (guint));
  g_auto (GStrv) parts = g_strsplit (word, ",", -1);
  gboolean is_right = *parts != NULL;

  for (guint i = 0; is_right && parts[i] != NULL; i++)
    is_right = parse_range (counts, parts[i]);
  sort_counts (counts);
  if (is_right && counts->len <= MOST_COUNTS)
    return g_steal_pointer (&counts);
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "%s takes numbers and ranges of connections, as 4,8-12, from 1 to %d and at most %d "
               "of them, not \"%s\"",
               option, MOST_CONNECTIONS, MOST_COUNTS, word);
  return NULL;
}

gdouble
cli_simulation_find_load (const LoadModel *model)
{
  const gdouble service_us = model->service.mean_us;
  const gdouble think_us = model->think.mean_us;
  gdouble load = G_MAXDOUBLE;

  if (model->rate > 0)
    load = model->rate * service_us / 1e6;
  if (model->arrivals == LOAD_ARRIVALS_CALLERS)
    {
      const gdouble closed =
          service_us > 0 ? model->callers * service_us / (service_us + think_us) : 0;

      load = MIN (load, closed);
    }
  return load;
}

GArray *
cli_choose_counts (const LoadModel *model)
{
  static const gdouble shares[] = { 0.75, 1, 1.1, 1.2, 1.3, 1.5, 1.75, 2, 2.5, 3 };
  const gdouble load = cli_simulation_find_load (model) / model->pool.streams;
  GArray *counts = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      guint count = (guint) ceil (MIN (load * shares[i], MOST_CONNECTIONS));

      if (load < 4)
        count = i + 1;
      if (model->arrivals == LOAD_ARRIVALS_CALLERS)
        count = MIN (count, model->callers);
      g_array_append_val (counts, count);
    }
  sort_counts (counts);
  return counts;
}
