/* Owns the endpoints of a channel while it is used: a picker under a lock, and the bucket of each endpoint that was picked. It
 * dials nothing. */
#include "fleet-private.h"

#include <string.h>
#include <unistd.h>

#include "bucket-private.h"
#include "endpoint-private.h"
#include "pool-report-private.h"
#include "resolver-private.h"

/* ---- life ---- */

static guint64
hash_text (const gchar *text)
{
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325); /* FNV-1a */

  for (; *text != '\0'; text++)
    hash = (hash ^ (guchar) *text) * G_GUINT64_CONSTANT (0x100000001b3);
  return tally_mix (hash);
}

/* Not by GLib's random numbers: they have a lock (rule 22). */
static guint64
find_seed (const TallyFleet *self)
{
  return tally_mix ((guint64) g_get_monotonic_time ()
                    ^ tally_mix ((guint64) (gsize) self ^ ((guint64) getpid () << 32)));
}

/* In the child: calls in flight, and those that wait, are the parent's. */
static void
start_fleet_anew (gpointer data)
{
  TallyFleet *self = data;

  pthread_mutex_init (&self->lock, NULL);
  for (guint i = 0; i < self->picker.members->len; i++)
    ((TallyMember *) g_ptr_array_index (self->picker.members, i))->in_flight = 0;
  self->waits->len = 0;
  self->has_forked = TRUE;
  tally_fleet_start_lookup_anew (self);
}

static gboolean
is_connected (gpointer owner)
{
  TallyBucket *bucket = __atomic_load_n (&((TallyFleetEndpoint *) owner)->bucket, __ATOMIC_ACQUIRE);
  const TallyPolicy *policy;
  gboolean connected;

  if (bucket == NULL)
    return FALSE;
  pthread_mutex_lock (&bucket->lock);
  policy = &bucket->policy;
  connected = policy->n_idle + policy->n_own > 0 || (policy->is_shared && policy->n_busy > 0);
  pthread_mutex_unlock (&bucket->lock);
  return connected;
}

TallyFleet *
tally_fleet_new (TallyPool *pool, const gchar *name, const TallyEndpoint *options)
{
  TallyFleet *self = g_new0 (TallyFleet, 1);
  const TallyPickerOptions picker = { options->picker, options->subset, find_seed (self),
                                      is_connected };

  self->ref_count = 1;
  self->answered_at = self->changed_at = G_MININT64 / 2;
  self->pool = pool;
  self->core = tally_core_ref (tally_pool_get_core (pool));
  self->name = g_strdup (name);
  pthread_mutex_init (&self->lock, NULL);
  tally_picker_init (&self->picker, &picker, picker.seed);
  self->lookup.due = G_MAXINT64;
  self->lookup.hastened_at = G_MININT64;
  self->waits = g_ptr_array_new ();
  self->fork_watch = (TallyForkWatch){ &self->lock, start_fleet_anew, self };
  tally_fork_watch (&self->fork_watch);
  pthread_mutex_lock (&self->core->lock);
  g_ptr_array_add (self->core->fleets, self);
  pthread_mutex_unlock (&self->core->lock);
  return self;
}

static void
free_member (gpointer data)
{
  TallyMember *member = data;
  TallyFleetEndpoint *endpoint = member->owner;

  g_clear_pointer (&endpoint->bucket, tally_bucket_unref);
  tally_endpoint_unref (endpoint->endpoint);
  g_free (endpoint);
  g_free (member);
}

void
tally_fleet_give_up_member (gpointer data)
{
  TallyFleetEndpoint *endpoint = ((TallyMember *) data)->owner;

  if (endpoint->bucket != NULL)
    tally_bucket_give_up (endpoint->bucket);
  free_member (data);
}

/* ---- the list ---- */

/* With the lock, and all members by their ids in @known. @now: when a newcomer begins. */
static void
list_endpoint_locked (
    TallyFleet *self, GHashTable *known, const TallyTarget *target, guint position, gint64 now)
{
  const TallyMemberSpec spec = { hash_text (tally_endpoint_get_uri (target->endpoint)),
                                 target->weight, target->priority };
  TallyMember *member = g_hash_table_lookup (known, &spec.id);
  TallyFleetEndpoint *endpoint;

  if (member != NULL)
    {
      gboolean is_first = !member->is_listed;
      guint before = is_first ? 0 : member->weight;

      member->weight = MIN (before + target->weight, TALLY_PICKER_MAX_WEIGHT);
      /* One that is there twice counts where it is preferred most. */
      if (is_first || target->priority < member->priority)
        {
          member->priority = target->priority;
          member->position = position;
        }
      member->is_listed = TRUE;
      return;
    }
  endpoint = g_new0 (TallyFleetEndpoint, 1);
  endpoint->endpoint = tally_endpoint_ref (target->endpoint);
  member = tally_picker_add (&self->picker, &spec, position, now);
  member->owner = endpoint;
  g_hash_table_insert (known, &member->id, member);
}

void
tally_fleet_drop_unused_locked (TallyFleet *self, TallyMember *member, GPtrArray *gone)
{
  if (member->is_listed || ((TallyFleetEndpoint *) member->owner)->n_routes > 0)
    return;
  tally_picker_remove (&self->picker, member);
  g_ptr_array_add (gone, member);
}

void
tally_fleet_set_targets (TallyFleet *self, const GArray *targets)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (tally_fleet_give_up_member);
  g_autoptr (GHashTable) known = g_hash_table_new (g_int64_hash, g_int64_equal);
  GPtrArray *members = self->picker.members;
  gint64 now = g_get_monotonic_time ();
  gint64 begins; /* a newcomer */

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < members->len; i++)
    {
      TallyMember *member = g_ptr_array_index (members, i);

      member->is_listed = FALSE;
      g_hash_table_insert (known, &member->id, member);
    }
  begins = members->len == 0 ? G_MININT64 : now;
  for (guint i = 0; i < targets->len; i++)
    list_endpoint_locked (self, known, &g_array_index (targets, TallyTarget, i), i, begins);
  for (guint i = members->len; i > 0; i--)
    tally_fleet_drop_unused_locked (self, g_ptr_array_index (members, i - 1), gone);
  tally_picker_arrange (&self->picker);
  tally_fleet_note_change_locked (self, now);
  pthread_mutex_unlock (&self->lock);
}

TallyFleet *
tally_fleet_ref (TallyFleet *self)
{
  __atomic_add_fetch (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
tally_fleet_unref (TallyFleet *self)
{
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  tally_fork_unwatch (&self->fork_watch);
  tally_fleet_clear_lookup (self);
  g_ptr_array_unref (self->waits);
  for (guint i = 0; i < self->picker.members->len; i++)
    free_member (g_ptr_array_index (self->picker.members, i));
  tally_picker_clear (&self->picker);
  pthread_mutex_destroy (&self->lock);
  tally_core_unref (self->core);
  g_free (self->name);
  g_free (self);
}

void
tally_fleet_free (TallyFleet *self)
{
  pthread_mutex_lock (&self->core->lock);
  g_ptr_array_remove_fast (self->core->fleets, self);
  pthread_mutex_unlock (&self->core->lock);
  if (self->lookup.resolver != NULL)
    tally_resolver_unwatch (self->lookup.resolver, self);
  tally_fleet_stop_lookup (self);
  tally_fleet_unref (self);
}

GPtrArray *
tally_core_dup_fleets (TallyPoolCore *core)
{
  GPtrArray *fleets = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_fleet_unref);

  pthread_mutex_lock (&core->lock);
  for (guint i = 0; i < core->fleets->len; i++)
    g_ptr_array_add (fleets, tally_fleet_ref (g_ptr_array_index (core->fleets, i)));
  pthread_mutex_unlock (&core->lock);
  return fleets;
}

void
tally_fleet_choose_own_subset_locked (TallyFleet *self)
{
  self->has_forked = FALSE;
  self->picker.options.seed = find_seed (self);
  tally_picker_arrange (&self->picker);
}

/* ---- dump ---- */

/* What a dump tells of one endpoint. */
typedef struct
{
  TallyEndpoint *endpoint; /* owned */
  guint in_flight;
  guint64 n_picks;
  guint64 n_failed;
  gint64 out_for; /* microseconds; 0: it is in */
  gdouble weight;
  gboolean is_slow;
} FleetRow;

static void
clear_row (gpointer data)
{
  tally_endpoint_unref (((FleetRow *) data)->endpoint);
}

static FleetRow
make_row_locked (const TallyPicker *picker, TallyMember *member, gint64 now)
{
  gboolean is_out = tally_outliers_is_out (member, now);
  gint64 until = MAX (member->health.out_until, member->health.alone_until);

  return (FleetRow){ .endpoint =
                         tally_endpoint_ref (((TallyFleetEndpoint *) member->owner)->endpoint),
                     .in_flight = member->in_flight,
                     .n_picks = member->n_picks,
                     .n_failed = member->n_failed,
                     .out_for = is_out ? until - now : 0,
                     .weight = tally_picker_get_weight (member, now) / (gdouble) TALLY_PICKER_WHOLE,
                     .is_slow = tally_picker_get_slowness (picker, member, now) > 1 };
}

static void
append_fleet_row (GString *text, const FleetRow *row)
{
  g_string_append_printf (text,
                          "  %s: %u in flight, %" G_GUINT64_FORMAT " picked, %" G_GUINT64_FORMAT
                          " failed, weight %.4g%s",
                          row->endpoint->uri, row->in_flight, row->n_picks, row->n_failed,
                          row->weight, row->is_slow ? ", slow" : "");
  if (row->out_for > 0)
    g_string_append_printf (text, ", out for %" G_GINT64_FORMAT " ms",
                            row->out_for / G_TIME_SPAN_MILLISECOND);
  g_string_append_c (text, '\n');
}

void
tally_fleet_dump (TallyFleet *self, GString *text)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (FleetRow));
  g_autoptr (GError) failure = tally_fleet_dup_failure (self);
  gint64 now = g_get_monotonic_time ();
  guint n_listed = 0;

  g_array_set_clear_func (rows, clear_row);
  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->picker.members->len; i++)
    n_listed += ((TallyMember *) g_ptr_array_index (self->picker.members, i))->is_listed;
  for (guint i = 0; i < self->picker.active->len; i++)
    {
      const FleetRow row =
          make_row_locked (&self->picker, g_ptr_array_index (self->picker.active, i), now);

      g_array_append_val (rows, row);
    }
  pthread_mutex_unlock (&self->lock);
  g_string_append_printf (text, "%s: %s among %u of %u endpoints\n", self->name,
                          tally_picker_names[self->picker.options.kind], rows->len, n_listed);
  if (failure != NULL)
    g_string_append_printf (text, "  the last lookup failed: %s\n", failure->message);
  for (guint i = 0; i < rows->len; i++)
    append_fleet_row (text, &g_array_index (rows, FleetRow, i));
}
