/* Owns the snapshots that answers are made of. No lock is held once a snapshot is taken. */
#include "admin-private.h"

/* ---- what is watched, at this moment ---- */

/* (transfer container): the sources stay as long as @watched. */
static GPtrArray *
copy_sources (AdminWatched *watched, GPtrArray *sources)
{
  GPtrArray *copy = g_ptr_array_new ();

  g_mutex_lock (&watched->lock);
  g_ptr_array_extend (copy, sources, NULL, NULL);
  g_mutex_unlock (&watched->lock);
  return copy;
}

GArray *
admin_take_servers (AdminWatched *watched)
{
  g_autoptr (GPtrArray) sources = copy_sources (watched, watched->servers);
  GArray *servers = g_array_sized_new (FALSE, FALSE, sizeof (AdminServer), sources->len);

  for (guint i = 0; i < sources->len; i++)
    {
      const AdminSource *source = g_ptr_array_index (sources, i);
      AdminServer server = { source->name, tally_server_get_state (source->server), { 0 } };

      tally_server_snapshot (source->server, &server.numbers);
      g_array_append_val (servers, server);
    }
  return servers;
}

static void
clear_bucket (gpointer data)
{
  g_clear_pointer (&((AdminBucket *) data)->bucket, tally_bucket_unref);
}

static gint
compare_buckets (gconstpointer a, gconstpointer b)
{
  const AdminBucket *first = a;
  const AdminBucket *second = b;
  gint order = strcmp (first->pool, second->pool);

  return order != 0 ? order : strcmp (first->endpoint, second->endpoint);
}

GArray *
admin_take_buckets (AdminWatched *watched)
{
  g_autoptr (GPtrArray) sources = copy_sources (watched, watched->pools);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (AdminBucket));

  g_array_set_clear_func (all, clear_bucket);
  for (guint i = 0; i < sources->len; i++)
    {
      const AdminSource *source = g_ptr_array_index (sources, i);
      g_autoptr (GPtrArray) buckets = tally_pool_dup_buckets (source->pool);

      for (guint k = 0; k < buckets->len; k++)
        {
          AdminBucket bucket = { .pool = source->name,
                                 .bucket = tally_bucket_ref (g_ptr_array_index (buckets, k)),
                                 .n_endpoints = 1 };

          bucket.endpoint = tally_endpoint_get_uri (tally_bucket_get_endpoint (bucket.bucket));
          tally_bucket_snapshot (bucket.bucket, &bucket.numbers);
          g_array_append_val (all, bucket);
        }
    }
  g_array_sort (all, compare_buckets);
  return all;
}

/* ---- many endpoints ---- */

static void
add_histogram (TallyHistogram *sum, const TallyHistogram *part)
{
  sum->count += part->count;
  sum->sum += part->sum;
  sum->max = MAX (sum->max, part->max);
  for (guint i = 0; i < TALLY_HISTOGRAM_BINS; i++)
    sum->bins[i] += part->bins[i];
}

/* The counters lie side by side, as do the gauges before them. */
static void
add_numbers (TallyPoolSnapshot *sum, const TallyPoolSnapshot *part)
{
  guint *gauges = &sum->open;
  guint64 *counters = &sum->requests;

  for (const guint *from = &part->open; from <= &part->leases; from++)
    *gauges++ += *from;
  for (const guint64 *from = &part->requests; from <= &part->late_replies; from++)
    *counters++ += *from;
  sum->oldest_wait = MAX (sum->oldest_wait, part->oldest_wait);
  sum->estimates += part->estimates;
  add_histogram (&sum->wait_time, &part->wait_time);
  add_histogram (&sum->dial_time, &part->dial_time);
  add_histogram (&sum->hold_time, &part->hold_time);
}

void
admin_fold_buckets (GArray *buckets, guint max)
{
  guint n_of_pool = 0, n_kept = 0;

  for (guint i = 0; i < buckets->len; i++)
    {
      AdminBucket *bucket = &g_array_index (buckets, AdminBucket, i);
      AdminBucket *last = n_kept > 0 ? &g_array_index (buckets, AdminBucket, n_kept - 1) : NULL;
      AdminBucket moved = *bucket;

      n_of_pool = last != NULL && last->pool == bucket->pool ? n_of_pool + 1 : 1;
      bucket->bucket = NULL;
      if (n_of_pool > max + 1)
        {
          add_numbers (&last->numbers, &moved.numbers);
          last->n_endpoints++;
          tally_bucket_unref (moved.bucket);
          continue;
        }
      if (n_of_pool == max + 1)
        {
          g_clear_pointer (&moved.bucket, tally_bucket_unref);
          moved.endpoint = "(others)";
        }
      g_array_index (buckets, AdminBucket, n_kept++) = moved;
    }
  g_array_set_size (buckets, n_kept);
}

static void
clear_entry (gpointer data)
{
  tally_pool_entry_free (((AdminEntry *) data)->entry);
}

GArray *
admin_take_entries (GArray *buckets)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (AdminEntry));

  g_array_set_clear_func (all, clear_entry);
  for (guint i = 0; i < buckets->len; i++)
    {
      const AdminBucket *bucket = &g_array_index (buckets, AdminBucket, i);
      g_autoptr (GPtrArray) entries = tally_bucket_dup_entries (bucket->bucket);

      g_ptr_array_set_free_func (entries, NULL); /* they move */
      for (guint k = 0; k < entries->len; k++)
        {
          const AdminEntry entry = { bucket->pool, bucket->endpoint,
                                     g_ptr_array_index (entries, k) };

          g_array_append_val (all, entry);
        }
    }
  return all;
}

static void
clear_peer (gpointer data)
{
  tally_server_peer_free (((AdminPeer *) data)->peer);
}

GArray *
admin_take_peers (AdminWatched *watched, guint max, guint64 *count)
{
  g_autoptr (GPtrArray) sources = copy_sources (watched, watched->servers);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (AdminPeer));

  *count = 0;
  g_array_set_clear_func (all, clear_peer);
  for (guint i = 0; i < sources->len; i++)
    {
      const AdminSource *source = g_ptr_array_index (sources, i);
      g_autoptr (GPtrArray) peers = tally_server_dup_peers (source->server, max);
      TallyServerSnapshot numbers;

      tally_server_snapshot (source->server, &numbers);
      *count += numbers.connections;
      g_ptr_array_set_free_func (peers, NULL); /* they move */
      for (guint k = 0; k < peers->len; k++)
        {
          const AdminPeer peer = { source->name, g_ptr_array_index (peers, k) };

          g_array_append_val (all, peer);
        }
    }
  return all;
}

static void
clear_method (gpointer data)
{
  tally_method_statistics_free (((AdminMethod *) data)->statistics);
}

static void
add_methods (GArray *all, GPtrArray *sources)
{
  for (guint i = 0; i < sources->len; i++)
    {
      const AdminSource *source = g_ptr_array_index (sources, i);
      g_autoptr (GPtrArray) methods = tally_call_statistics_dup_snapshot (source->statistics);

      g_ptr_array_set_free_func (methods, NULL); /* they move */
      for (guint k = 0; k < methods->len; k++)
        {
          const AdminMethod method = { source->name, g_ptr_array_index (methods, k) };

          g_array_append_val (all, method);
        }
    }
}

GArray *
admin_take_methods (AdminWatched *watched)
{
  g_autoptr (GPtrArray) servers = copy_sources (watched, watched->servers);
  g_autoptr (GPtrArray) channels = copy_sources (watched, watched->channels);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (AdminMethod));

  g_array_set_clear_func (all, clear_method);
  add_methods (all, servers);
  add_methods (all, channels);
  return all;
}

/* ---- in words ---- */

const gchar *
admin_get_nick (GType type, gint value)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (type);
  const GEnumValue *found = g_enum_get_value (class, value);

  return found != NULL ? found->value_nick : "other"; /* a later library's */
}

guint64
admin_count_errors (const TallyMethodStatistics *method)
{
  return method->calls - method->outcomes[TALLY_CALL_ANSWERED]
         - method->outcomes[TALLY_CALL_DECLARED];
}

gchar *
admin_make_valid (const gchar *text)
{
  return g_utf8_make_valid (text != NULL ? text : "", -1);
}

const gchar *
admin_get_side (const TallyMethodStatistics *method)
{
  return method->is_server ? "server" : "client";
}

const gchar *
admin_get_domain (const TallyErrorCount *error)
{
  return error->domain != 0 ? g_quark_to_string (error->domain) : "(others)";
}
