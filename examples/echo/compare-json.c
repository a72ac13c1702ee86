/* Turns what was measured into JSON. */
#include <stdlib.h>

#include "compare.h"

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
append_pool (GString *json, const CompareSummary *summary)
{
  const TallyPoolSnapshot *pool = &summary->pool;
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
    { "closes", summary->closes },
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
append_mode (GString *json, CompareMode *mode, gboolean own_server)
{
  CompareSummary summary = compare_summarise (mode);
  guint64 calls = MAX (summary.calls, 1);
  guint i;

  g_string_append (json, "    {\"mode\": ");
  append_string (json, mode->name);
  g_string_append_printf (json,
                          ", \"calls\": %" G_GUINT64_FORMAT ", \"failures\": %" G_GUINT64_FORMAT
                          ", \"connects\": %" G_GUINT64_FORMAT,
                          summary.calls, mode->failures, summary.pool.dials_done);
  append_number (json, ", \"calls_per_second\": ", summary.rate);
  g_string_append (json, ", \"calls_per_second_by_round\": [");
  for (i = 0; i < mode->rates->len; i++)
    append_number (json, i == 0 ? "" : ", ", g_array_index (mode->rates, gdouble, i));
  append_number (json, "], \"latency_us\": {\"p50\": ", summary.p50 / 1e3);
  append_number (json, ", \"p90\": ", summary.p90 / 1e3);
  append_number (json, ", \"p99\": ", summary.p99 / 1e3);
  append_number (json, ", \"max\": ", summary.max / 1e3);
  append_number (json,
                 "}, \"cpu_us_per_call\": {\"client\": ", mode->used.client_cpu_ns / 1e3 / calls);
  if (own_server)
    append_number (json, ", \"server\": ", mode->used.server_cpu_ns / 1e3 / calls);
  g_string_append_printf (json, "}, \"time_waits\": %u, \"pool\": ", mode->used.time_waits);
  append_pool (json, &summary);
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
                    gboolean own_server,
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
  g_string_append_printf (json, "  \"in_flight\": %d", options->in_flight);
  append_number (json, ", \"intended_calls_per_second\": ", options->rate);
  g_string_append (json, ",\n");
  g_string_append_printf (json, "  \"cores\": %u, \"interrupted\": %s,\n", g_get_num_processors (),
                          options->interrupted ? "true" : "false");
  if (options->size < 0)
    g_string_append (json, "  \"payload\": \"rich\",\n");
  else
    g_string_append_printf (json, "  \"payload\": \"text\", \"size\": %d,\n", options->size);
  g_string_append (json, "  \"modes\": [\n");
  for (i = 0; i < modes->len; i++)
    {
      append_mode (json, g_ptr_array_index (modes, i), own_server);
      g_string_append (json, i + 1 < modes->len ? ",\n" : "\n");
    }
  g_string_append (json, "  ]\n}\n");
  return g_file_set_contents (path, json->str, json->len, error);
}
