/* Owns what the numbers are as JSON, for the page and for programs. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "admin-private.h"

/* Of the pools' connections, leases and waiters so many are told, those that last longest; of each server's peers as many. */
#define MAX_ENTRIES 500

/* ---- members of an object ---- */

/* json-glib escapes all characters below a blank but U+001F, and no browser's parser takes that one as it is. */
static void
add_text (JsonBuilder *json, const gchar *name, const gchar *text)
{
  g_autofree gchar *valid = admin_make_valid (text);

  g_strdelimit (valid, "\x1f", ' ');
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, valid);
}

static void
add_count (JsonBuilder *json, const gchar *name, guint64 count)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, (gint64) count);
}

static void
begin_array (JsonBuilder *json, const gchar *name)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
}

static void
begin_object (JsonBuilder *json, const gchar *name)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_object (json);
}

/* A distribution of times in microseconds: each bin that is not empty with its greatest value, the last one, which has no
 * limit, with the maximum. */
static void
add_times (JsonBuilder *json, const gchar *name, const TallyHistogram *times)
{
  begin_object (json, name);
  add_count (json, "count", times->count);
  add_count (json, "sum", times->sum);
  add_count (json, "max", times->max);
  add_count (json, "p50", tally_histogram_quantile (times, 0.5));
  add_count (json, "p90", tally_histogram_quantile (times, 0.9));
  add_count (json, "p99", tally_histogram_quantile (times, 0.99));
  begin_array (json, "bins");
  for (guint i = 0; i < TALLY_HISTOGRAM_BINS; i++)
    if (times->bins[i] > 0)
      {
        json_builder_begin_array (json);
        json_builder_add_int_value (json, i + 1 < TALLY_HISTOGRAM_BINS
                                              ? tally_histogram_get_bin_start (i + 1) - 1
                                              : (gint64) times->max);
        json_builder_add_int_value (json, (gint64) times->bins[i]);
        json_builder_end_array (json);
      }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

/* The one object of an answer, which says when it was made. */
static JsonBuilder *
begin_answer (void)
{
  JsonBuilder *json = json_builder_new ();

  json_builder_begin_object (json);
  add_count (json, "time_us", (guint64) g_get_monotonic_time ());
  return json;
}

static gchar *
end_answer (JsonBuilder *json)
{
  g_autoptr (JsonNode) root = NULL;

  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, FALSE);
}

/* ---- servers ---- */

static void
add_server_names (JsonBuilder *json, const AdminServer *server)
{
  add_text (json, "name", server->name);
  add_text (json, "state", admin_get_nick (TALLY_TYPE_SERVER_STATE, (gint) server->state));
}

/* Ready is a program of whose servers each serves, also one that has none. */
static gboolean
are_serving (GArray *servers)
{
  for (guint i = 0; i < servers->len; i++)
    if (g_array_index (servers, AdminServer, i).state != TALLY_SERVER_SERVING)
      return FALSE;
  return TRUE;
}

gchar *
admin_make_health (AdminWatched *watched, guint *status)
{
  g_autoptr (GArray) servers = admin_take_servers (watched);
  g_autoptr (JsonBuilder) json = begin_answer ();
  gboolean is_ready = are_serving (servers);

  add_text (json, "status", is_ready ? "ready" : "not ready");
  begin_array (json, "servers");
  for (guint i = 0; i < servers->len; i++)
    {
      json_builder_begin_object (json);
      add_server_names (json, &g_array_index (servers, AdminServer, i));
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  *status = is_ready ? 200 : 503;
  return end_answer (json);
}

static void
add_admission (JsonBuilder *json, const TallyServerSnapshot *numbers)
{
  add_count (json, "running", numbers->running);
  add_count (json, "running_limit", numbers->running_limit);
  add_count (json, "waiting", numbers->waiting);
  add_count (json, "clients", numbers->clients);
  add_count (json, "refused_busy", numbers->refused_busy);
  add_count (json, "refused_limit", numbers->refused_limit);
  add_count (json, "refused_client", numbers->refused_client);
  add_count (json, "refused_deadline", numbers->refused_deadline);
  add_count (json, "refused_stopping", numbers->refused_stopping);
}

gchar *
admin_make_servers (AdminWatched *watched, guint *status)
{
  g_autoptr (GArray) servers = admin_take_servers (watched);
  g_autoptr (JsonBuilder) json = begin_answer ();

  begin_array (json, "servers");
  for (guint i = 0; i < servers->len; i++)
    {
      const AdminServer *server = &g_array_index (servers, AdminServer, i);

      json_builder_begin_object (json);
      add_server_names (json, server);
      add_count (json, "connections", server->numbers.connections);
      add_count (json, "workers", server->numbers.workers);
      add_count (json, "accepted", server->numbers.accepted);
      add_count (json, "refused", server->numbers.refused);
      add_count (json, "timed_out", server->numbers.timed_out);
      add_count (json, "requests", server->numbers.requests);
      add_count (json, "dropped", server->numbers.dropped);
      add_admission (json, &server->numbers);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  return end_answer (json);
}

/* ---- pools ---- */

static void
add_bucket (JsonBuilder *json, const AdminBucket *bucket)
{
  const TallyPoolSnapshot *numbers = &bucket->numbers;
  guint64 refusals = numbers->timeouts + numbers->cancelled + numbers->full + numbers->backoff
                     + numbers->closed + numbers->dial_errors;

  json_builder_begin_object (json);
  add_text (json, "pool", bucket->pool);
  add_text (json, "endpoint", bucket->endpoint);
  add_count (json, "endpoints", bucket->n_endpoints);
  add_count (json, "open", numbers->open);
  add_count (json, "busy", numbers->busy);
  add_count (json, "idle", numbers->idle);
  add_count (json, "dialing", numbers->dialing);
  add_count (json, "closing", numbers->closing);
  add_count (json, "waiting", numbers->waiting);
  add_count (json, "leases", numbers->leases);
  add_count (json, "oldest_wait_us", (guint64) numbers->oldest_wait);
  add_count (json, "requests", numbers->requests);
  add_count (json, "borrows", numbers->borrows);
  add_count (json, "hits", numbers->hits);
  add_count (json, "dials_done", numbers->dials_done);
  add_count (json, "dials_failed", numbers->dials_failed);
  add_count (json, "failures", refusals);
  add_count (json, "leaks", numbers->leaks);
  add_times (json, "wait_us", &numbers->wait_time);
  add_times (json, "dial_us", &numbers->dial_time);
  add_times (json, "hold_us", &numbers->hold_time);
  json_builder_end_object (json);
}

gchar *
admin_make_pools (AdminWatched *watched, guint *status)
{
  g_autoptr (GArray) buckets = admin_take_buckets (watched);
  g_autoptr (JsonBuilder) json = begin_answer ();

  admin_fold_buckets (buckets, watched->max_endpoints);
  begin_array (json, "pools");
  for (guint i = 0; i < buckets->len; i++)
    add_bucket (json, &g_array_index (buckets, AdminBucket, i));
  json_builder_end_array (json);
  return end_answer (json);
}

/* ---- connections ---- */

/* What a person looks for comes first: busy connections and waiters, the longest first. */
static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  static const gint ranks[] = { [TALLY_POOL_ENTRY_BUSY] = 0,
                                [TALLY_POOL_ENTRY_WAITING] = 1,
                                [TALLY_POOL_ENTRY_DIALING] = 2,
                                [TALLY_POOL_ENTRY_CLOSING] = 3,
                                [TALLY_POOL_ENTRY_IDLE] = 4 };
  const TallyPoolEntry *first = ((const AdminEntry *) a)->entry;
  const TallyPoolEntry *second = ((const AdminEntry *) b)->entry;

  if (first->kind != second->kind)
    return ranks[first->kind] - ranks[second->kind];
  return (first->duration < second->duration) - (first->duration > second->duration);
}

static void
add_entry (JsonBuilder *json, const AdminEntry *place)
{
  const TallyPoolEntry *entry = place->entry;

  json_builder_begin_object (json);
  add_text (json, "pool", place->pool);
  add_text (json, "endpoint", place->endpoint);
  add_text (json, "state", admin_get_nick (TALLY_TYPE_POOL_ENTRY_KIND, (gint) entry->kind));
  add_count (json, "for_us", (guint64) entry->duration);
  if (entry->label != NULL)
    {
      add_text (json, "label", entry->label);
      add_count (json, "thread", entry->thread);
      json_builder_set_member_name (json, "leaked");
      json_builder_add_boolean_value (json, entry->is_leaked);
    }
  if (entry->reason != TALLY_CLOSE_NONE)
    add_text (json, "reason", tally_close_reason_to_string (entry->reason));
  json_builder_end_object (json);
}

static void
add_peer (JsonBuilder *json, const AdminPeer *place)
{
  const TallyServerPeer *peer = place->peer;

  json_builder_begin_object (json);
  add_text (json, "server", place->server);
  add_text (json, "peer", peer->address);
  add_text (json, "state", admin_get_nick (TALLY_TYPE_SERVER_PEER_STATE, (gint) peer->state));
  add_count (json, "for_us", (guint64) peer->duration);
  add_count (json, "requests", peer->requests);
  add_count (json, "under_way", peer->under_way);
  add_count (json, "waiting", peer->waiting);
  add_count (json, "held_bytes", peer->held);
  if (peer->method != NULL)
    {
      add_text (json, "method", peer->method);
      add_count (json, "method_for_us", (guint64) peer->method_duration);
    }
  json_builder_end_object (json);
}

static void
add_peers (JsonBuilder *json, AdminWatched *watched)
{
  guint64 count;
  g_autoptr (GArray) peers = admin_take_peers (watched, MAX_ENTRIES, &count);

  add_count (json, "peer_count", count);
  begin_array (json, "peers");
  for (guint i = 0; i < peers->len; i++)
    add_peer (json, &g_array_index (peers, AdminPeer, i));
  json_builder_end_array (json);
}

gchar *
admin_make_connections (AdminWatched *watched, guint *status)
{
  g_autoptr (GArray) buckets = admin_take_buckets (watched);
  g_autoptr (GArray) entries = admin_take_entries (buckets);
  g_autoptr (JsonBuilder) json = begin_answer ();

  g_array_sort (entries, compare_entries);
  add_count (json, "count", entries->len);
  begin_array (json, "connections");
  for (guint i = 0; i < entries->len && i < MAX_ENTRIES; i++)
    add_entry (json, &g_array_index (entries, AdminEntry, i));
  json_builder_end_array (json);
  add_peers (json, watched);
  return end_answer (json);
}

/* ---- methods ---- */

static void
add_outcomes (JsonBuilder *json, const TallyMethodStatistics *method)
{
  begin_object (json, "outcomes");
  for (guint i = TALLY_CALL_UNDER_WAY + 1; i < TALLY_N_CALL_OUTCOMES; i++)
    add_count (json, tally_call_outcome_to_string (i), method->outcomes[i]);
  json_builder_end_object (json);
  begin_array (json, "error_kinds");
  for (guint i = 0; i < method->n_errors; i++)
    {
      json_builder_begin_object (json);
      add_text (json, "domain", admin_get_domain (&method->errors[i]));
      json_builder_set_member_name (json, "code");
      json_builder_add_int_value (json, method->errors[i].code);
      add_count (json, "count", method->errors[i].count);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
}

gchar *
admin_make_methods (AdminWatched *watched, guint *status)
{
  g_autoptr (GArray) methods = admin_take_methods (watched);
  g_autoptr (JsonBuilder) json = begin_answer ();

  begin_array (json, "methods");
  for (guint i = 0; i < methods->len; i++)
    {
      const AdminMethod *each = &g_array_index (methods, AdminMethod, i);
      const TallyMethodStatistics *method = each->statistics;

      json_builder_begin_object (json);
      add_text (json, "side", admin_get_side (method));
      add_text (json, "name", each->name);
      add_text (json, "service", method->service);
      add_text (json, "method", method->method);
      add_count (json, "calls", method->calls);
      add_count (json, "errors", admin_count_errors (method));
      add_count (json, "attempts", method->attempts);
      add_count (json, "request_bytes", method->request_bytes);
      add_count (json, "reply_bytes", method->reply_bytes);
      add_outcomes (json, method);
      add_times (json, "latency_us", &method->time);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  return end_answer (json);
}
