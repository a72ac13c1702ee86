/* Owns the one thread of a pool that acts when nobody calls: it closes what is too old, warns of
 * leaks, examines idle connections, ends backoff. It sleeps until the earliest of these is due,
 * without a time when none is (rule 17), exists only once something was due, and ends when the pool
 * closes. */
#include "reaper-private.h"

#include "claims-private.h"
#include "dials-private.h"
#include "health-private.h"
#include "registry-private.h"
#include "threads-private.h"
#include "work-private.h"

/* While anything is due, the reaper asks this often whether the machine was suspended. */
#define LONGEST_SLEEP G_TIME_SPAN_SECOND

static void
report_leak (TallyBucket *bucket, const TallyHold *leak, gint64 now)
{
  const gchar *label = leak->label != NULL ? leak->label : "?";

  g_warning (
      "pool: a connection to %s was borrowed %.3f s ago by \"%s\" on thread %u and is not back",
      tally_endpoint_get_uri (bucket->endpoint), (gdouble) (now - leak->since) / G_TIME_SPAN_SECOND,
      label, leak->thread);
  tally_bucket_emit (bucket, &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_LEAKED,
                                                .label = leak->label,
                                                .thread = leak->thread,
                                                .duration = now - leak->since });
}

static GArray *
find_leaks_locked (TallyBucket *bucket, const TallyInstant *now)
{
  GArray *leaks = NULL;
  TallyHold *hold;

  while ((hold = tally_policy_next_leak (&bucket->policy, now)) != NULL)
    {
      if (leaks == NULL)
        leaks = g_array_new (FALSE, FALSE, sizeof (TallyHold));
      g_array_append_val (leaks, *hold);
    }
  return leaks;
}

/* Locked before and after. Examines the idle connections that are due for it, one after the other.
 */
static void
keep_alive_locked (TallyBucket *bucket)
{
  TallyPolicy *policy = &bucket->policy;
  guint forks = bucket->forks;
  g_autoptr (GCancellable) closing = tally_bucket_dup_closing_locked (bucket);
  TallyInstant now;
  TallyConn *conn;

  tally_bucket_now_locked (bucket, &now);
  while ((conn = tally_policy_take_to_examine (policy, &now)) != NULL)
    {
      gint64 idle_since = conn->idle_since;
      TallyFinding finding;
      TallyClaim claim;

      tally_claim_push (&claim, bucket, 1, NULL);
      finding = tally_bucket_examine_locked (bucket, conn, now.boot - idle_since,
                                             now.mono + policy->options.connect_timeout, closing);
      tally_claim_pop (&claim);
      if (bucket->forks != forks)
        return;
      tally_bucket_now_locked (bucket, &now);
      if (finding.is_silent)
        tally_policy_drop_silent (policy, conn);
      tally_policy_examined (policy, &now, conn, finding.reason);
    }
}

static gpointer
keep_alive_on_thread (gpointer data)
{
  TallyBucket *bucket = data;

  tally_bucket_lock (bucket);
  keep_alive_locked (bucket);
  bucket->examining = FALSE;
  tally_bucket_schedule_locked (bucket);
  tally_bucket_work_and_unlock (bucket);
  tally_bucket_unref (bucket);
  return NULL;
}

/* Locked before and after. A check hook may block, so that it gets a thread: what is due elsewhere
 * does not wait for it. */
static void
begin_to_keep_alive_locked (TallyBucket *bucket, const TallyInstant *now)
{
  if (bucket->examining || tally_policy_find_to_examine (&bucket->policy, now) == NULL)
    return;
  if (bucket->hooks[TALLY_HOOK_CHECK] == NULL)
    {
      keep_alive_locked (bucket);
      return;
    }
  bucket->examining = TRUE;
  tally_bucket_work_and_unlock (bucket);
  if (!tally_run_on_thread (bucket->core, keep_alive_on_thread, tally_bucket_ref (bucket), FALSE))
    keep_alive_on_thread (bucket);
  tally_bucket_lock (bucket);
}

/* Does what is due in @bucket; when something is due next. */
static gint64
reap (TallyBucket *bucket)
{
  g_autoptr (GArray) leaks = NULL;
  TallyInstant now;
  gint64 due;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_tick (&bucket->policy, &now);
  leaks = find_leaks_locked (bucket, &now);
  begin_to_keep_alive_locked (bucket, &now);
  due = tally_policy_next_event (&bucket->policy, &now);
  bucket->due = due;
  tally_bucket_work_and_unlock (bucket);
  for (guint i = 0; leaks != NULL && i < leaks->len; i++)
    report_leak (bucket, &g_array_index (leaks, TallyHold, i), now.mono);
  return due;
}

/* With the core's lock: until @core's `reap_at`, which is past at once when the machine was suspended: idle
 * connections have aged meanwhile, and the clock that conditions wait by has not (rule 27). */
static void
sleep_locked (TallyPoolCore *core, gint64 now)
{
  gint64 until =
      core->reap_at == G_MAXINT64 ? G_MAXINT64 : MIN (core->reap_at, now + LONGEST_SLEEP);
  gint64 seen;

  tally_cond_wait_until (&core->reaper_wake, &core->lock, until);
  seen = tally_read_suspension ();
  if (seen - core->suspension > TALLY_REAPER_SLACK)
    core->reap_at = MIN (core->reap_at, now);
  core->suspension = seen;
}

gpointer
tally_reaper_run (gpointer data)
{
  TallyPoolCore *core = data;

  pthread_setname_np (pthread_self (), "tally-reaper");
  pthread_mutex_lock (&core->lock);
  while (!core->closed)
    {
      g_autoptr (GPtrArray) buckets = NULL;
      gint64 next = G_MAXINT64;
      gint64 now = g_get_monotonic_time ();

      if (core->reap_at > now)
        {
          sleep_locked (core, now);
          continue;
        }
      core->reap_at = G_MAXINT64;
      core->n_reaps++;
      core->reaping = TRUE;
      pthread_mutex_unlock (&core->lock);
      buckets = tally_core_dup_buckets (core);
      for (guint i = 0; i < buckets->len; i++)
        {
          gint64 wanted = reap (g_ptr_array_index (buckets, i));

          next = MIN (next, wanted);
        }
      g_clear_pointer (&buckets, g_ptr_array_unref);
      tally_core_forget_unused (core);
      pthread_mutex_lock (&core->lock);
      core->reaping = FALSE;
      if (next != G_MAXINT64)
        core->reap_at = MIN (core->reap_at, next + TALLY_REAPER_SLACK);
    }
  pthread_mutex_unlock (&core->lock);
  return NULL;
}
