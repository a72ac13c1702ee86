/* Owns the lateness of calls: each way to wait and to end has its own samples, so that one path which looks at its deadline
 * too late is not lost among the others. How late a busy machine makes anything is found out by threads, and in main loops
 * by timers, that wake at deadlines like the calls' and do nothing else. */
#include "ledger-lateness.h"

#include <stdio.h>

/* Threads that only wake, each after at most so many milliseconds. */
#define N_PROBES 4
#define LONGEST_SLEEP_MS 40
/* A way that fewer calls went is not judged: a scheduler may keep any thread waiting. */
#define LEAST_CALLS 100
/* So many of a way's calls may have waited for others that had no processor, as the holder of a lock. */
#define CALLS_SHARE 0.8
#define PROBES_SHARE 0.99
/* Where what only wakes does so later than this, which is as late as a call may be besides, nothing is judged: a call that ends waits
 * for a processor more than once, for its own locks and those of the allocator. */
#define MOST_WAKE_MS LEDGER_MARGIN_MS

typedef struct
{
  LedgerLateness *lateness;
  GThread *thread;
  GRand *random;
  GArray *samples; /* its thread's, until that has ended */
} Probe;

struct _LedgerLateness
{
  Probe probes[N_PROBES];
  GMutex lock; /* protects what follows */
  GCond ended; /* nobody signals it before the end */
  gboolean is_ending;
  gint64 judges_from; /* the g_get_monotonic_time () of deadlines; G_MAXINT64: it pauses */
  GHashTable *ways;   /* "waits, end" to a Way */
  GHashTable *wakes;  /* "waits" to an array of gint64 */
};

typedef struct
{
  gchar *waits;
  GArray *samples;
} Way;

static void
way_free (gpointer data)
{
  Way *self = data;

  g_free (self->waits);
  g_array_unref (self->samples);
  g_free (self);
}

static gpointer
wake_again_and_again (gpointer data)
{
  Probe *self = data;
  LedgerLateness *lateness = self->lateness;

  g_mutex_lock (&lateness->lock);
  while (!lateness->is_ending)
    {
      gint sleep_ms = g_rand_int_range (self->random, 1, LONGEST_SLEEP_MS + 1);
      gint64 deadline = g_get_monotonic_time () + sleep_ms * G_TIME_SPAN_MILLISECOND;
      gint64 late;

      while (!lateness->is_ending
             && g_cond_wait_until (&lateness->ended, &lateness->lock, deadline))
        continue;
      late = g_get_monotonic_time () - deadline;
      if (!lateness->is_ending)
        g_array_append_val (self->samples, late);
    }
  g_mutex_unlock (&lateness->lock);
  return NULL;
}

LedgerLateness *
ledger_lateness_new (void)
{
  LedgerLateness *self = g_new0 (LedgerLateness, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
  self->ways = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, way_free);
  self->wakes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  for (guint i = 0; i < N_PROBES; i++)
    {
      self->probes[i] = (Probe){ .lateness = self,
                                 .random = g_rand_new (),
                                 .samples = g_array_new (FALSE, FALSE, sizeof (gint64)) };
      self->probes[i].thread = g_thread_new ("probe", wake_again_and_again, &self->probes[i]);
    }
  return self;
}

void
ledger_lateness_note (LedgerLateness *self, const gchar *waits, const gchar *end, gint64 late_us)
{
  g_autofree gchar *name = g_strdup_printf ("%s, %s", waits, end);
  Way *way;

  g_mutex_lock (&self->lock);
  if (g_get_monotonic_time () - late_us < self->judges_from)
    {
      g_mutex_unlock (&self->lock);
      return;
    }
  way = g_hash_table_lookup (self->ways, name);
  if (way == NULL)
    {
      way = g_new (Way, 1);
      *way = (Way){ g_strdup (waits), g_array_new (FALSE, FALSE, sizeof (gint64)) };
      g_hash_table_insert (self->ways, g_steal_pointer (&name), way);
    }
  g_array_append_val (way->samples, late_us);
  g_mutex_unlock (&self->lock);
}

void
ledger_lateness_pause (LedgerLateness *self, gboolean begins)
{
  g_mutex_lock (&self->lock);
  self->judges_from = begins ? G_MAXINT64 : g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
}

void
ledger_lateness_note_wake (LedgerLateness *self, const gchar *waits, gint64 late_us)
{
  GArray *samples;

  g_mutex_lock (&self->lock);
  samples = g_hash_table_lookup (self->wakes, waits);
  if (samples == NULL)
    {
      samples = g_array_new (FALSE, FALSE, sizeof (gint64));
      g_hash_table_insert (self->wakes, g_strdup (waits), samples);
    }
  g_array_append_val (samples, late_us);
  g_mutex_unlock (&self->lock);
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

gint64
ledger_lateness_find_quantile (GArray *samples, gdouble share)
{
  if (samples->len == 0)
    return 0;
  g_array_sort (samples, compare_times);
  return g_array_index (samples, gint64, (guint) ((samples->len - 1) * share));
}

gboolean
ledger_lateness_is_too_late (GArray *samples, gint64 wake_us)
{
  return samples->len >= LEAST_CALLS
         && ledger_lateness_find_quantile (samples, CALLS_SHARE)
                > wake_us + LEDGER_MARGIN_MS * G_TIME_SPAN_MILLISECOND;
}

/* How late threads wake that do nothing else, all but a few. */
static gint64
end_probes (LedgerLateness *self)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  g_cond_broadcast (&self->ended);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < N_PROBES; i++)
    {
      Probe *probe = &self->probes[i];

      g_thread_join (probe->thread);
      g_array_append_vals (all, probe->samples->data, probe->samples->len);
      g_array_unref (probe->samples);
      g_rand_free (probe->random);
    }
  return ledger_lateness_find_quantile (all, PROBES_SHARE);
}

/* Whether the calls of @way are too late. */
static gboolean
judge (LedgerLateness *self, const gchar *name, const Way *way, gint64 wake_us)
{
  GArray *wakes = g_hash_table_lookup (self->wakes, way->waits);
  gboolean is_judged, is_too_late;

  if (wakes != NULL)
    wake_us = ledger_lateness_find_quantile (wakes, PROBES_SHARE);
  if (way->samples->len < LEAST_CALLS)
    return FALSE;
  is_judged = wake_us <= MOST_WAKE_MS * G_TIME_SPAN_MILLISECOND;
  is_too_late = is_judged && ledger_lateness_is_too_late (way->samples, wake_us);
  printf ("# %sof %u calls past their deadlines one in five was over after %.1f ms, "
          "one wake in a hundred came after %.1f ms: %s\n",
          is_too_late ? "too late: "
          : is_judged ? ""
                      : "not judged: ",
          way->samples->len, ledger_lateness_find_quantile (way->samples, CALLS_SHARE) / 1e3,
          wake_us / 1e3, name);
  return is_too_late;
}

guint
ledger_lateness_finish (LedgerLateness *self)
{
  gint64 wake_us = end_probes (self);
  guint n_too_late = 0;
  gpointer name, way;
  GHashTableIter iter;

  g_hash_table_iter_init (&iter, self->ways);
  while (g_hash_table_iter_next (&iter, &name, &way))
    n_too_late += judge (self, name, way, wake_us);
  g_hash_table_unref (self->ways);
  g_hash_table_unref (self->wakes);
  g_cond_clear (&self->ended);
  g_mutex_clear (&self->lock);
  g_free (self);
  return n_too_late;
}
