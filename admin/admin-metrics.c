/* Owns what the numbers are as metrics: OpenMetrics text, version 1.0. */
#include "admin-private.h"

/* Histograms are told in powers of two, from 16 microseconds to 67 seconds. */
#define LEAST_POWER 4
#define GREATEST_POWER 26

/* One number of a snapshot. */
typedef struct
{
  const gchar *name;
  const gchar *help;
  gsize offset;
} Number;

#define NUMBER(type, field, help)                                                                  \
  {                                                                                                \
#field, help, G_STRUCT_OFFSET(type, field)                                                     \
  }

static const Number pool_gauges[] = {
  { "connections_open", "Connections in any state.", G_STRUCT_OFFSET (TallyPoolSnapshot, open) },
  { "connections_idle", "Unused connections.", G_STRUCT_OFFSET (TallyPoolSnapshot, idle) },
  { "connections_busy", "Borrowed connections.", G_STRUCT_OFFSET (TallyPoolSnapshot, busy) },
  { "connections_dialing", "Dials under way.", G_STRUCT_OFFSET (TallyPoolSnapshot, dialing) },
  { "connections_closing", "Being closed.", G_STRUCT_OFFSET (TallyPoolSnapshot, closing) },
  NUMBER (TallyPoolSnapshot, waiting, "Callers in the queue."),
  NUMBER (TallyPoolSnapshot, pending, "Callers that have neither connection nor error yet."),
  NUMBER (TallyPoolSnapshot, leases, "Leases that are out."),
};

static const Number pool_counters[] = {
  NUMBER (TallyPoolSnapshot, requests, "Borrows asked for."),
  NUMBER (TallyPoolSnapshot, borrows, "Connections lent."),
  NUMBER (TallyPoolSnapshot, hits, "Borrows that got an idle connection at once."),
  NUMBER (TallyPoolSnapshot, dials, "Borrows that got a connection dialed for them."),
  NUMBER (TallyPoolSnapshot, waits, "Borrows that got a connection which came back."),
  NUMBER (TallyPoolSnapshot, stale, "Idle connections found dead by their borrower."),
  NUMBER (TallyPoolSnapshot, releases, "Leases that came back."),
  NUMBER (TallyPoolSnapshot, timeouts, "Borrows that failed at their deadline."),
  NUMBER (TallyPoolSnapshot, cancelled, "Borrows that were cancelled."),
  NUMBER (TallyPoolSnapshot, full, "Borrows refused because of a limit on waiting."),
  NUMBER (TallyPoolSnapshot, backoff, "Borrows refused because dialing had failed lately."),
  NUMBER (TallyPoolSnapshot, closed, "Borrows refused because the pool was closed."),
  NUMBER (TallyPoolSnapshot, dial_errors, "Borrows that got a failed dial's error."),
  NUMBER (TallyPoolSnapshot, dials_started, "Dials begun."),
  NUMBER (TallyPoolSnapshot, dials_done, "Dials that gave a connection."),
  NUMBER (TallyPoolSnapshot, dials_failed, "Dials that did not."),
  NUMBER (TallyPoolSnapshot, leaks, "Leases that were reported as leaked."),
  NUMBER (TallyPoolSnapshot, refused, "Releases of unknown leases."),
  NUMBER (TallyPoolSnapshot, late_replies, "Replies that came for calls which had left."),
};

static const Number pool_times[] = {
  { "wait", "Time that borrows waited.", G_STRUCT_OFFSET (TallyPoolSnapshot, wait_time) },
  { "dial", "Time that dials took.", G_STRUCT_OFFSET (TallyPoolSnapshot, dial_time) },
  { "hold", "Time that leases were out.", G_STRUCT_OFFSET (TallyPoolSnapshot, hold_time) },
};

static const Number server_gauges[] = {
  NUMBER (TallyServerSnapshot, connections, "Open connections."),
  NUMBER (TallyServerSnapshot, workers, "Threads."),
  NUMBER (TallyServerSnapshot, running, "Requests that run, where there is an admission."),
  NUMBER (TallyServerSnapshot, running_limit, "How many may; 0: no admission."),
  NUMBER (TallyServerSnapshot, waiting, "Requests that wait apart from their connection."),
  NUMBER (TallyServerSnapshot, clients, "Clients that take turns."),
};

static const Number server_counters[] = {
  NUMBER (TallyServerSnapshot, accepted, "Connections accepted."),
  NUMBER (TallyServerSnapshot, refused, "Connections refused."),
  NUMBER (TallyServerSnapshot, timed_out, "Connections closed by a time-out."),
  NUMBER (TallyServerSnapshot, requests, "Messages answered or executed."),
  NUMBER (TallyServerSnapshot, dropped, "Answers that found no connection."),
  NUMBER (TallyServerSnapshot, refused_busy, "Requests refused by the limits on waiting."),
  NUMBER (TallyServerSnapshot, refused_limit, "Requests refused because as many waited as may."),
  NUMBER (TallyServerSnapshot, refused_client, "Requests refused beyond their client's share."),
  NUMBER (TallyServerSnapshot, refused_deadline, "Requests refused because of their deadline."),
  NUMBER (TallyServerSnapshot, refused_stopping, "Requests refused by a stop."),
};

static const Number method_counters[] = {
  NUMBER (TallyMethodStatistics, attempts, "How often calls were tried."),
};

static const Number method_sizes[] = {
  NUMBER (TallyMethodStatistics, request_bytes, "Bytes of all requests."),
  NUMBER (TallyMethodStatistics, reply_bytes, "Bytes of all replies."),
};

#define AT(type, snapshot, offset) (*(const type *) ((const gchar *) (snapshot) + (offset)))

/* ---- the text ---- */

/* @unit (nullable) is then the name's end. */
static void
begin_family (
    GString *text, const gchar *name, const gchar *type, const gchar *unit, const gchar *help)
{
  g_string_append_printf (text, "# TYPE %s %s\n", name, type);
  if (unit != NULL)
    g_string_append_printf (text, "# UNIT %s %s\n", name, unit);
  g_string_append_printf (text, "# HELP %s %s\n", name, help);
}

static void
append_label (GString *text, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid = admin_make_valid (value);

  if (text->len > 0)
    g_string_append_c (text, ',');
  g_string_append_printf (text, "%s=\"", name);
  for (const gchar *at = valid; *at != '\0'; at++)
    if (*at == '\n')
      g_string_append (text, "\\n");
    else if (*at == '"' || *at == '\\')
      g_string_append_printf (text, "\\%c", *at);
    else
      g_string_append_c (text, *at);
  g_string_append_c (text, '"');
}

static void
append_count (GString *text, const gchar *name, const gchar *labels, guint64 value)
{
  g_string_append_printf (text, "%s{%s} %" G_GUINT64_FORMAT "\n", name, labels, value);
}

static const gchar *
print_seconds (gchar *buffer, guint64 microseconds)
{
  return g_ascii_formatd (buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.6f", (gdouble) microseconds / 1e6);
}

static void
append_histogram (GString *text,
                  const gchar *name,
                  const gchar *labels,
                  const TallyHistogram *times)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 seen = 0;
  guint bin = 0;

  for (guint power = LEAST_POWER; power <= GREATEST_POWER; power++)
    {
      /* what is cut to less than 2^power microseconds */
      for (; tally_histogram_get_bin_start (bin + 1) <= G_GINT64_CONSTANT (1) << power; bin++)
        seen += times->bins[bin];
      g_string_append_printf (text, "%s_bucket{%s,le=\"%s\"} %" G_GUINT64_FORMAT "\n", name, labels,
                              print_seconds (number, G_GUINT64_CONSTANT (1) << power), seen);
    }
  g_string_append_printf (text, "%s_bucket{%s,le=\"+Inf\"} %" G_GUINT64_FORMAT "\n", name, labels,
                          times->count);
  g_string_append_printf (text, "%s_count{%s} %" G_GUINT64_FORMAT "\n", name, labels, times->count);
  g_string_append_printf (text, "%s_sum{%s} %s\n", name, labels,
                          print_seconds (number, times->sum));
}

/* ---- rows: a snapshot and its labels ---- */

typedef struct
{
  gchar *labels;
  gconstpointer snapshot;
} Row;

static void
clear_row (gpointer data)
{
  g_free (((Row *) data)->labels);
}

static GArray *
make_rows (void)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (Row));

  g_array_set_clear_func (rows, clear_row);
  return rows;
}

/* @labels are taken. */
static void
add_row (GArray *rows, GString *labels, gconstpointer snapshot)
{
  const Row row = { g_string_free (labels, FALSE), snapshot };

  g_array_append_val (rows, row);
}

#define FOR_EACH_ROW(row, rows)                                                                    \
  for (const Row *row = (const Row *) (rows)->data;                                                \
       row < (const Row *) (rows)->data + (rows)->len; row++)

/* Gauges are guint; with @is_total the numbers are guint64 and only grow. */
static void
append_numbers (GString *text,
                const gchar *prefix,
                const Number *numbers,
                guint n_numbers,
                gboolean is_total,
                const gchar *unit,
                GArray *rows)
{
  for (guint i = 0; i < n_numbers; i++)
    {
      g_autofree gchar *name = g_strconcat (prefix, numbers[i].name, NULL);
      g_autofree gchar *sample = g_strconcat (name, is_total ? "_total" : "", NULL);

      begin_family (text, name, is_total ? "counter" : "gauge", unit, numbers[i].help);
      FOR_EACH_ROW (row, rows)
      append_count (text, sample, row->labels,
                    is_total ? AT (guint64, row->snapshot, numbers[i].offset)
                             : AT (guint, row->snapshot, numbers[i].offset));
    }
}

/* Counts of a snapshot, an array at @offset, by what the values of @type are called; the first value is none. */
static void
append_counts_by (GString *text,
                  const gchar *name,
                  const gchar *help,
                  const gchar *label,
                  GType type,
                  guint n_values,
                  gsize offset,
                  GArray *rows)
{
  begin_family (text, name, "counter", NULL, help);
  FOR_EACH_ROW (row, rows)
  for (guint i = 1; i < n_values; i++)
    g_string_append_printf (text, "%s_total{%s,%s=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                            row->labels, label, admin_get_nick (type, (gint) i),
                            (&AT (guint64, row->snapshot, offset))[i]);
}

/* ---- servers ---- */

static void
append_states (GString *text, GArray *servers, GArray *rows)
{
  g_autoptr (GEnumClass) states = g_type_class_ref (TALLY_TYPE_SERVER_STATE);

  begin_family (text, "tally_server_state", "stateset", NULL, "How far the server is in its life.");
  for (guint i = 0; i < servers->len; i++)
    for (guint k = 0; k < states->n_values; k++)
      g_string_append_printf (text, "tally_server_state{%s,tally_server_state=\"%s\"} %d\n",
                              g_array_index (rows, Row, i).labels, states->values[k].value_nick,
                              (gint) g_array_index (servers, AdminServer, i).state
                                  == states->values[k].value);
}

static void
append_servers (GString *text, AdminWatched *watched)
{
  g_autoptr (GArray) servers = admin_take_servers (watched);
  g_autoptr (GArray) rows = make_rows ();

  for (guint i = 0; i < servers->len; i++)
    {
      const AdminServer *server = &g_array_index (servers, AdminServer, i);
      GString *labels = g_string_new (NULL);

      append_label (labels, "server", server->name);
      add_row (rows, labels, &server->numbers);
    }
  append_states (text, servers, rows);
  append_numbers (text, "tally_server_", server_gauges, G_N_ELEMENTS (server_gauges), FALSE, NULL,
                  rows);
  append_numbers (text, "tally_server_", server_counters, G_N_ELEMENTS (server_counters), TRUE,
                  NULL, rows);
}

/* ---- pools ---- */

static void
append_oldest_wait (GString *text, GArray *rows)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  begin_family (text, "tally_pool_oldest_wait_seconds", "gauge", "seconds",
                "How long the first of the queue has waited.");
  FOR_EACH_ROW (row, rows)
  g_string_append_printf (text, "tally_pool_oldest_wait_seconds{%s} %s\n", row->labels,
                          print_seconds (number,
                                         ((const TallyPoolSnapshot *) row->snapshot)->oldest_wait));
}

/* A pool's last row may be the sum of many. */
static void
append_folded (GString *text, GArray *buckets, GArray *rows)
{
  begin_family (text, "tally_pool_endpoints", "gauge", NULL,
                "Endpoints that are added up in one row: those past max-endpoints.");
  for (guint i = 0; i < buckets->len; i++)
    append_count (text, "tally_pool_endpoints", g_array_index (rows, Row, i).labels,
                  g_array_index (buckets, AdminBucket, i).n_endpoints);
}

static void
append_pools (GString *text, AdminWatched *watched)
{
  g_autoptr (GArray) buckets = admin_take_buckets (watched);
  g_autoptr (GArray) rows = make_rows ();

  admin_fold_buckets (buckets, watched->max_endpoints);
  for (guint i = 0; i < buckets->len; i++)
    {
      const AdminBucket *bucket = &g_array_index (buckets, AdminBucket, i);
      GString *labels = g_string_new (NULL);

      append_label (labels, "pool", bucket->pool);
      append_label (labels, "endpoint", bucket->endpoint);
      add_row (rows, labels, &bucket->numbers);
    }
  append_numbers (text, "tally_pool_", pool_gauges, G_N_ELEMENTS (pool_gauges), FALSE, NULL, rows);
  append_numbers (text, "tally_pool_", pool_counters, G_N_ELEMENTS (pool_counters), TRUE, NULL,
                  rows);
  append_folded (text, buckets, rows);
  append_oldest_wait (text, rows);
  append_counts_by (text, "tally_pool_closes", "Connections closed, by the reason.", "reason",
                    TALLY_TYPE_CLOSE_REASON, TALLY_N_CLOSE_REASONS,
                    G_STRUCT_OFFSET (TallyPoolSnapshot, closes), rows);
  for (guint i = 0; i < G_N_ELEMENTS (pool_times); i++)
    {
      g_autofree gchar *name = g_strdup_printf ("tally_pool_%s_seconds", pool_times[i].name);

      begin_family (text, name, "histogram", "seconds", pool_times[i].help);
      FOR_EACH_ROW (row, rows)
      append_histogram (text, name, row->labels,
                        &AT (TallyHistogram, row->snapshot, pool_times[i].offset));
    }
}

/* ---- methods ---- */

static void
append_errors (GString *text, GArray *rows)
{
  begin_family (text, "tally_method_errors", "counter", NULL,
                "Calls that ended with an error, by its kind.");
  FOR_EACH_ROW (row, rows)
  {
    const TallyMethodStatistics *method = row->snapshot;

    for (guint i = 0; i < method->n_errors; i++)
      {
        const TallyErrorCount *error = &method->errors[i];
        g_autoptr (GString) labels = g_string_new (row->labels);

        append_label (labels, "domain", admin_get_domain (error));
        g_string_append_printf (labels, ",code=\"%d\"", error->code);
        append_count (text, "tally_method_errors_total", labels->str, error->count);
      }
  }
}

static void
append_methods (GString *text, AdminWatched *watched)
{
  g_autoptr (GArray) methods = admin_take_methods (watched);
  g_autoptr (GArray) rows = make_rows ();

  for (guint i = 0; i < methods->len; i++)
    {
      const AdminMethod *method = &g_array_index (methods, AdminMethod, i);
      GString *labels = g_string_new (NULL);

      append_label (labels, "side", admin_get_side (method->statistics));
      append_label (labels, "name", method->name);
      append_label (labels, "service", method->statistics->service);
      append_label (labels, "method", method->statistics->method);
      add_row (rows, labels, method->statistics);
    }
  append_counts_by (text, "tally_method_calls", "Calls that are over, by the outcome.", "outcome",
                    TALLY_TYPE_CALL_OUTCOME, TALLY_N_CALL_OUTCOMES,
                    G_STRUCT_OFFSET (TallyMethodStatistics, outcomes), rows);
  append_errors (text, rows);
  append_numbers (text, "tally_method_", method_counters, G_N_ELEMENTS (method_counters), TRUE,
                  NULL, rows);
  append_numbers (text, "tally_method_", method_sizes, G_N_ELEMENTS (method_sizes), TRUE, "bytes",
                  rows);
  begin_family (text, "tally_method_latency_seconds", "histogram", "seconds",
                "Time from a call's start to its end.");
  FOR_EACH_ROW (row, rows)
  append_histogram (text, "tally_method_latency_seconds", row->labels,
                    &((const TallyMethodStatistics *) row->snapshot)->time);
}

gchar *
admin_make_metrics (AdminWatched *watched, guint *status)
{
  GString *text = g_string_new (NULL);

  append_servers (text, watched);
  append_pools (text, watched);
  append_methods (text, watched);
  g_string_append (text, "# EOF\n");
  return g_string_free (text, FALSE);
}
