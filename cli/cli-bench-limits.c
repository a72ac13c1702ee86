/* Owns what `tally bench` is held against. */
#include <stdlib.h>

#include "cli-bench.h"

gboolean
cli_bench_limits_parse_errors (CliBenchLimits *limits, const gchar *text, GError **error)
{
  gchar *end = NULL;
  const gdouble number = g_ascii_strtod (text, &end);

  limits->is_share = *end == '%';
  if (end == text || end[limits->is_share ? 1 : 0] != '\0' || !(number >= 0)
      || (limits->is_share && number > 100))
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "--max-errors: \"%s\" is neither a number of calls, as 5, nor a share, as 0.1%%",
                   text);
      return FALSE;
    }
  limits->max_errors = limits->is_share ? number / 100 : number;
  return TRUE;
}

static void
judge_mode (const CliBenchLimits *limits, const LoadMode *mode, GString *said)
{
  const gdouble p99_ms = (gdouble) load_histogram_quantile (mode->latency, 0.99) / 1e6;
  const guint64 all = mode->latency->count + mode->failures;
  const gdouble most = limits->is_share ? limits->max_errors * (gdouble) all : limits->max_errors;

  if (p99_ms > limits->max_p99_ms)
    g_string_append_printf (said, "%s: p99 is %.3f ms, more than %.3f\n", mode->name, p99_ms,
                            limits->max_p99_ms);
  if ((gdouble) mode->failures > most)
    g_string_append_printf (said,
                            "%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                            " calls failed, more than %.0f\n",
                            mode->name, mode->failures, all, most);
}

gchar *
cli_bench_limits_judge (const CliBenchLimits *limits, GPtrArray *modes)
{
  GString *said = g_string_new (NULL);

  for (guint i = 0; i < modes->len; i++)
    judge_mode (limits, g_ptr_array_index (modes, i), said);
  return g_string_free (said, FALSE);
}
