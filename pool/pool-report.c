/* Owns what a bucket and a pool tell of themselves while they are in use: snapshots, dumps, the state that
 * errors name. A bucket's lock is held for a bounded time at once, and nothing is formatted under it. */
#include "pool-report-private.h"

#include "fleet/fleet-private.h"
#include "registry-private.h"

#include <string.h>

/* Bytes of TallyPoolSnapshot as it was in 0.1. */
#define SNAPSHOT_0_1 G_STRUCT_OFFSET (TallyPoolSnapshot, estimates)

/* ---- text ---- */

/* Not under any lock: finds what is still missing in @state. */
static void
complete_state (TallyBucket *bucket, TallyPolicyState *state)
{
  TallyInstant now;

  while (state->is_searching)
    {
      tally_bucket_lock (bucket);
      tally_bucket_now_locked (bucket, &now);
      tally_policy_search_longest (&bucket->policy, &now, state);
      pthread_mutex_unlock (&bucket->lock);
    }
}

/* Not under any lock. (transfer full): @state, which tally_policy_get_state () gave and which is used up, in
 * words. */
gchar *
tally_bucket_describe (TallyBucket *bucket, TallyPolicyState *state)
{
  gchar *text;

  complete_state (bucket, state);
  text = tally_policy_state_to_string (state);
  tally_policy_state_clear (state);
  return text;
}

static gchar *
describe_now (TallyBucket *bucket)
{
  TallyPolicyState state;
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_get_state (&bucket->policy, &now, &state);
  pthread_mutex_unlock (&bucket->lock);
  return tally_bucket_describe (bucket, &state);
}

/* Calls @take, not under any lock, for each connection, lease and waiter. */
static void
visit_rows (TallyBucket *bucket,
            void (*take) (const TallyReportRow *row, gpointer data),
            gpointer data)
{
  TallyReport report;
  TallyInstant now;
  gboolean more;

  tally_bucket_lock (bucket);
  tally_policy_begin_report (&bucket->policy, &report);
  pthread_mutex_unlock (&bucket->lock);
  do
    {
      TallyReportRow rows[TALLY_REPORT_ROWS];
      guint n_rows;

      tally_bucket_lock (bucket);
      tally_bucket_now_locked (bucket, &now);
      more = tally_policy_report (&bucket->policy, &now, &report, rows, &n_rows);
      pthread_mutex_unlock (&bucket->lock);
      for (guint i = 0; i < n_rows; i++)
        take (&rows[i], data);
    }
  while (more);
}

static void
append_row (const TallyReportRow *row, gpointer text)
{
  tally_report_row_append (row, text);
}

/**
 * tally_bucket_dump:
 * @bucket: a bucket
 *
 * Returns: (transfer full): what tally_pool_dump() says of this endpoint
 */
gchar *
tally_bucket_dump (TallyBucket *bucket)
{
  g_autofree gchar *state = NULL;
  GString *text;

  g_return_val_if_fail (bucket != NULL, NULL);
  state = describe_now (bucket);
  text = g_string_new (tally_endpoint_get_uri (bucket->endpoint));
  g_string_append_printf (text, ": %s\n", state);
  visit_rows (bucket, append_row, text);
  return g_string_free (text, FALSE);
}

/* What the channels over several endpoints think of these. */
static void
dump_fleets (TallyPoolCore *core, GString *text)
{
  g_autoptr (GPtrArray) fleets = tally_core_dup_fleets (core);

  for (guint i = 0; i < fleets->len; i++)
    tally_fleet_dump (g_ptr_array_index (fleets, i), text);
}

/**
 * tally_pool_dump:
 * @self: a pool
 *
 * Which borrower holds what, and for how long (rule 30). Each line was true when it was taken;
 * those of one endpoint need not be of one instant, because borrowers go on meanwhile. Labels are
 * cut after 127 bytes. Thread-safe.
 *
 * For each channel over several endpoints it also says what calls are in flight to each of them, how
 * many failed, and which gets none for a while.
 *
 * Returns: (transfer full): lines of text for a person, one for each endpoint and connection
 */
gchar *
tally_pool_dump (TallyPool *self)
{
  g_autoptr (GPtrArray) buckets = NULL;
  GString *text;

  g_return_val_if_fail (TALLY_IS_POOL (self), NULL);
  text = g_string_new (NULL);
  buckets = tally_pool_dup_buckets (self);
  for (guint i = 0; i < buckets->len; i++)
    {
      g_autofree gchar *part = tally_bucket_dump (g_ptr_array_index (buckets, i));

      g_string_append (text, part);
    }
  dump_fleets (tally_pool_get_core (self), text);
  return g_string_free (text, FALSE);
}

static void
add_entry (const TallyReportRow *row, gpointer entries)
{
  static const TallyPoolEntryKind kinds[] = {
    [TALLY_CONN_FREE] = TALLY_POOL_ENTRY_WAITING,
    [TALLY_CONN_DIALING] = TALLY_POOL_ENTRY_DIALING,
    [TALLY_CONN_IDLE] = TALLY_POOL_ENTRY_IDLE,
    [TALLY_CONN_BUSY] = TALLY_POOL_ENTRY_BUSY,
    [TALLY_CONN_CLOSING] = TALLY_POOL_ENTRY_CLOSING,
  };
  const TallyPoolEntry entry = { .kind = kinds[row->state],
                                 .duration = row->age,
                                 .label = row->label[0] != '\0' ? (gchar *) row->label : NULL,
                                 .thread = row->thread,
                                 .is_leaked = row->is_leaked,
                                 .reason = row->reason };

  g_ptr_array_add (entries, tally_pool_entry_copy (&entry));
}

/**
 * tally_bucket_dup_entries:
 * @bucket: a bucket
 *
 * What tally_bucket_dump() says of connections, leases and waiters, as values (rule 30). Each was true when it was taken.
 * Thread-safe.
 *
 * Returns: (transfer full) (element-type TallyPoolEntry): the entries, in no order; the array frees them
 *
 * Since: 0.2
 */
GPtrArray *
tally_bucket_dup_entries (TallyBucket *bucket)
{
  GPtrArray *entries;

  g_return_val_if_fail (bucket != NULL, NULL);
  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_pool_entry_free);
  visit_rows (bucket, add_entry, entries);
  return entries;
}

/* Not under any lock. (transfer full): for a caller that only the limit over all endpoints holds back
 * (rule 28), what that is and which endpoint has most of it. */
gchar *
tally_core_describe_totals (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);
  TallyBucket *most = NULL;
  guint open_to_most = 0;

  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      guint open;

      pthread_mutex_lock (&bucket->lock);
      open = tally_policy_open (&bucket->policy);
      pthread_mutex_unlock (&bucket->lock);
      if (open <= open_to_most)
        continue;
      open_to_most = open;
      most = bucket;
    }
  return g_strdup_printf (
      "held back by max-open-total %u over all endpoints, of which %s has most, %u",
      __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED),
      most != NULL ? tally_endpoint_get_uri (most->endpoint) : "none", open_to_most);
}

/* ---- numbers ---- */

/* What a caller has room for of @whole; what this library does not know of is 0. */
static void
copy_sized (TallyPoolSnapshot *snapshot, gsize size, const TallyPoolSnapshot *whole)
{
  if (size > sizeof *whole)
    memset ((gchar *) snapshot + sizeof *whole, 0, size - sizeof *whole);
  memcpy (snapshot, whole, MIN (size, sizeof *whole));
}

/**
 * tally_bucket_snapshot: (skip)
 * @bucket: a bucket
 * @snapshot: (out): its numbers
 *
 * One consistent view (rule 25). Thread-safe. A macro that calls tally_bucket_snapshot_sized() with the
 * size of *@snapshot; the function of this name is there for programs that were compiled against 0.1,
 * and fills in what was there then.
 */
void (tally_bucket_snapshot) (TallyBucket *bucket, TallyPoolSnapshot *snapshot)
{
  tally_bucket_snapshot_sized (bucket, snapshot, SNAPSHOT_0_1);
}

/**
 * tally_bucket_snapshot_sized: (skip)
 * @bucket: a bucket
 * @snapshot: (out): its numbers
 * @size: bytes of *@snapshot
 *
 * Fills in as much as @size has room for. #TallyPoolSnapshot grows at its end, so that a program gets what
 * it was compiled for from every later library, and 0 for what an earlier one does not know.
 * Thread-safe.
 */
void
tally_bucket_snapshot_sized (TallyBucket *bucket, TallyPoolSnapshot *snapshot, gsize size)
{
  TallyPoolSnapshot whole;
  TallyInstant now;

  g_return_if_fail (bucket != NULL && snapshot != NULL);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_snapshot (&bucket->policy, &now, &whole);
  pthread_mutex_unlock (&bucket->lock);
  copy_sized (snapshot, size, &whole);
}

/**
 * tally_pool_snapshot: (skip)
 * @self: a pool
 * @snapshot: (out): the sums over all endpoints, those no longer used included
 *
 * One consistent view (rule 25). Thread-safe. A macro, as tally_bucket_snapshot() is.
 */
void (tally_pool_snapshot) (TallyPool *self, TallyPoolSnapshot *snapshot)
{
  tally_pool_snapshot_sized (self, snapshot, SNAPSHOT_0_1);
}

/**
 * tally_pool_snapshot_sized: (skip)
 * @self: a pool
 * @snapshot: (out): the sums over all endpoints, those no longer used included
 * @size: bytes of *@snapshot
 *
 * What tally_bucket_snapshot_sized() does, for all endpoints. Thread-safe.
 */
void
tally_pool_snapshot_sized (TallyPool *self, TallyPoolSnapshot *snapshot, gsize size)
{
  TallyPoolSnapshot whole;

  g_return_if_fail (TALLY_IS_POOL (self) && snapshot != NULL);
  tally_core_snapshot (tally_pool_get_core (self), &whole);
  copy_sized (snapshot, size, &whole);
}

/**
 * tally_bucket_dup_snapshot:
 * @bucket: a bucket
 *
 * One consistent view (rule 25), as large as this library knows it. Thread-safe.
 *
 * Returns: (transfer full): its numbers; g_boxed_free() frees them, with %TALLY_TYPE_POOL_SNAPSHOT
 *
 * Since: 0.2
 */
TallyPoolSnapshot *
tally_bucket_dup_snapshot (TallyBucket *bucket)
{
  TallyPoolSnapshot *snapshot;

  g_return_val_if_fail (bucket != NULL, NULL);
  snapshot = g_new (TallyPoolSnapshot, 1);
  tally_bucket_snapshot (bucket, snapshot);
  return snapshot;
}

/**
 * tally_pool_dup_snapshot:
 * @self: a pool
 *
 * What tally_bucket_dup_snapshot() does, for all endpoints, those no longer used included. Thread-safe.
 *
 * Returns: (transfer full): the sums; g_boxed_free() frees them, with %TALLY_TYPE_POOL_SNAPSHOT
 *
 * Since: 0.2
 */
TallyPoolSnapshot *
tally_pool_dup_snapshot (TallyPool *self)
{
  TallyPoolSnapshot *snapshot;

  g_return_val_if_fail (TALLY_IS_POOL (self), NULL);
  snapshot = g_new (TallyPoolSnapshot, 1);
  tally_pool_snapshot (self, snapshot);
  return snapshot;
}

/* ---- which buckets there are ---- */

/**
 * tally_pool_dup_buckets:
 * @self: a pool
 *
 * The buckets of all endpoints that somebody uses or that still have connections, in no order. Ask each for
 * its endpoint and its snapshot. Thread-safe.
 *
 * Returns: (transfer full) (element-type TallyBucket): the buckets; the array drops its references
 */
GPtrArray *
tally_pool_dup_buckets (TallyPool *self)
{
  g_return_val_if_fail (TALLY_IS_POOL (self), NULL);
  return tally_core_dup_buckets (tally_pool_get_core (self));
}

/**
 * tally_bucket_get_endpoint:
 * @bucket: a bucket
 *
 * Thread-safe.
 *
 * Returns: (transfer none): where its connections go to
 */
TallyEndpoint *
tally_bucket_get_endpoint (TallyBucket *bucket)
{
  g_return_val_if_fail (bucket != NULL, NULL);
  return bucket->endpoint;
}
