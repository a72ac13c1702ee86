/* Owns the way of one call among a fleet's endpoints: what it tried, what became of that, and its wait where none can be
 * reached. */
#include "fleet-private.h"

#include <string.h>

#include "bucket-private.h"
#include "endpoint-private.h"
#include "tally-error.h"

/* Bytes of a route's story for each failure, and failures that it tells. */
#define TOLD_BYTES 200
#define TOLD_FAILURES 4
/* Microseconds since an answer in which an endpoint in backoff is dialed all the same where there is no other: so long may a
 * backoff be. */
#define HOPEFUL (10 * G_TIME_SPAN_SECOND)
/* Microseconds at least between two rounds of a call that waits for readiness. */
#define ROUND_PAUSE (10 * G_TIME_SPAN_MILLISECOND)

struct _TallyRoute
{
  TallyFleet *fleet;
  TallyMember *member; /* nullable: of the attempt under way */
  gint64 began;        /* that attempt */
  TallyMember *tried[TALLY_PICKER_MAX_TRIES];
  guint n_tried;
  TallyMember
      *shunned[TALLY_PICKER_MAX_TRIES]; /* of these, not dialed: their buckets were in backoff */
  guint n_shunned;
  guint n_dialed; /* of these, after all */
  guint n_failures;
  GString *story;           /* nullable */
  gint64 begun;             /* by tally_route_begin () */
  gint64 round_begun;       /* and the latest round of a call that waits for readiness */
  gboolean was_unreachable; /* in this round, one of them */
  gboolean has_waited;
  gint64 last_moment; /* of its wait */
};

/* ---- life ---- */

TallyRoute *
tally_route_new (TallyFleet *fleet)
{
  TallyRoute *self = g_new0 (TallyRoute, 1);

  self->fleet = fleet;
  return self;
}

static void
clear_story (TallyRoute *self)
{
  self->n_failures = 0;
  if (self->story != NULL)
    g_string_truncate (self->story, 0);
}

/* Not under the lock. */
static void
forget_tried (TallyRoute *self)
{
  TallyFleet *fleet = self->fleet;
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (tally_fleet_give_up_member);

  pthread_mutex_lock (&fleet->lock);
  for (guint i = 0; i < self->n_tried; i++)
    {
      ((TallyFleetEndpoint *) self->tried[i]->owner)->n_routes--;
      tally_fleet_drop_unused_locked (fleet, self->tried[i], gone);
    }
  self->n_tried = self->n_shunned = self->n_dialed = 0;
  pthread_mutex_unlock (&fleet->lock);
}

void
tally_route_free (TallyRoute *self)
{
  if (self->member != NULL)
    tally_route_end (self, TALLY_ATTEMPT_UNKNOWN, NULL);
  forget_tried (self);
  if (self->story != NULL)
    g_string_free (self->story, TRUE);
  g_free (self);
}

/* With the lock. */
static void
add_tried (TallyRoute *self, TallyMember *member)
{
  self->tried[self->n_tried++] = member;
  ((TallyFleetEndpoint *) member->owner)->n_routes++;
}

/* ---- where it goes ---- */

/* (nullable): not under the lock. */
static TallyMember *
pick (TallyRoute *self)
{
  TallyFleet *fleet = self->fleet;
  TallyMember *member = NULL;

  self->began = g_get_monotonic_time ();
  pthread_mutex_lock (&fleet->lock);
  if (G_UNLIKELY (fleet->has_forked))
    tally_fleet_choose_own_subset_locked (fleet);
  if (self->n_tried < TALLY_PICKER_MAX_TRIES)
    member = tally_picker_pick (&fleet->picker, self->began, (guint64) self->began, self->tried,
                                self->n_tried);
  if (member != NULL)
    add_tried (self, member);
  pthread_mutex_unlock (&fleet->lock);
  return member;
}

/* Not under the lock: an endpoint that is picked for the first time gets its bucket. */
static TallyBucket *
get_bucket (const TallyFleet *self, TallyFleetEndpoint *endpoint)
{
  TallyBucket *bucket = __atomic_load_n (&endpoint->bucket, __ATOMIC_ACQUIRE);
  TallyBucket *none = NULL;

  if (G_LIKELY (bucket != NULL))
    return bucket;
  bucket = tally_pool_dup_bucket (self->pool, endpoint->endpoint);
  if (__atomic_compare_exchange_n (&endpoint->bucket, &none, bucket, FALSE, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE))
    return bucket;
  tally_bucket_unref (bucket);
  return none;
}

/* (nullable): where all have failed, the next of those that were not dialed because an earlier dial had failed: where copies are
 * restarted one after the other, that one may be back while another ends. Not under the lock. */
static TallyMember *
pick_shunned (TallyRoute *self)
{
  TallyFleet *fleet = self->fleet;
  TallyMember *member = NULL;

  if (self->n_dialed == self->n_shunned || self->has_waited)
    return NULL;
  self->began = g_get_monotonic_time ();
  pthread_mutex_lock (&fleet->lock);
  if (self->began - fleet->answered_at < HOPEFUL)
    {
      member = self->shunned[self->n_dialed++];
      tally_picker_repick (member);
    }
  pthread_mutex_unlock (&fleet->lock);
  if (member != NULL)
    tally_bucket_reset_backoff (get_bucket (fleet, member->owner));
  return member;
}

TallyBucket *
tally_route_next (TallyRoute *self)
{
  tally_fleet_look_if_due (self->fleet, g_get_monotonic_time ());
  self->member = pick (self);
  if (G_UNLIKELY (self->member == NULL))
    self->member = pick_shunned (self);
  return self->member != NULL ? get_bucket (self->fleet, self->member->owner) : NULL;
}

TallyBucket *
tally_route_begin (TallyRoute *self)
{
  TallyBucket *bucket;

  clear_story (self);
  self->begun = self->round_begun = g_get_monotonic_time ();
  self->has_waited = self->was_unreachable = FALSE;
  bucket = tally_route_next (self);
  if (bucket != NULL)
    return bucket;
  forget_tried (self);
  return tally_route_next (self);
}

/* ---- what became of it ---- */

static void
tell_failure (TallyRoute *self, const TallyEndpoint *endpoint, const GError *error)
{
  gboolean is_named = strstr (error->message, endpoint->uri) != NULL;
  gsize length = strlen (error->message);
  g_autofree gchar *cut = g_utf8_make_valid (error->message, (gssize) MIN (length, TOLD_BYTES));

  self->n_failures++;
  if (self->n_failures > TOLD_FAILURES)
    return;
  if (self->story == NULL)
    self->story = g_string_new (NULL);
  g_string_append_printf (self->story, "%s%s%s%s%s", self->n_failures > 1 ? "; " : "",
                          is_named ? "" : endpoint->uri, is_named ? "" : ": ", cut,
                          length > TOLD_BYTES ? "…" : "");
}

void
tally_route_end (TallyRoute *self, TallyAttemptEnd end, const GError *error)
{
  TallyFleet *fleet = self->fleet;
  TallyMember *member = g_steal_pointer (&self->member);
  gint64 now = g_get_monotonic_time ();
  gboolean was_shunned = g_error_matches (error, TALLY_ERROR, TALLY_ERROR_BACKOFF);

  if (member == NULL)
    return;
  if (was_shunned && self->n_shunned < TALLY_PICKER_MAX_TRIES)
    self->shunned[self->n_shunned++] = member;
  if (was_shunned || g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED))
    self->was_unreachable = TRUE;
  pthread_mutex_lock (&fleet->lock);
  tally_picker_end (&fleet->picker, member, self->began, now, end);
  if (end == TALLY_ATTEMPT_ANSWERED)
    {
      fleet->answered_at = now;
      tally_fleet_note_change_locked (fleet, now);
    }
  pthread_mutex_unlock (&fleet->lock);
  if (end == TALLY_ATTEMPT_FAILED || end == TALLY_ATTEMPT_TIMED_OUT)
    tally_fleet_hasten_lookup (fleet, now);
  if (error != NULL)
    tell_failure (self, ((TallyFleetEndpoint *) member->owner)->endpoint, error);
}

void
tally_route_avoid (TallyRoute *self, const TallyRoute *other)
{
  TallyMember *member = other->member;

  if (member == NULL || self->n_tried == TALLY_PICKER_MAX_TRIES)
    return;
  pthread_mutex_lock (&self->fleet->lock);
  add_tried (self, member);
  pthread_mutex_unlock (&self->fleet->lock);
}

guint
tally_route_count_failures (const TallyRoute *self)
{
  return self->n_failures;
}

gchar *
tally_route_tell (const TallyRoute *self)
{
  guint more = self->n_failures > TOLD_FAILURES ? self->n_failures - TOLD_FAILURES : 0;

  if (self->n_failures == 1)
    return g_strdup (self->story->str);
  if (more == 0)
    return g_strdup_printf ("%u endpoints failed: %s", self->n_failures, self->story->str);
  return g_strdup_printf ("%u endpoints failed: %s; and %u more", self->n_failures,
                          self->story->str, more);
}

/* ---- a call that waits for readiness ---- */

/* With the fleet's lock. When it makes sense to try @member again; G_MAXINT64: not for having waited. One that could not be
 * reached may have become so since: by a reset, or by another call. */
static gint64
find_next_try_locked (const TallyRoute *self, const TallyMember *member)
{
  TallyBucket *bucket =
      __atomic_load_n (&((TallyFleetEndpoint *) member->owner)->bucket, __ATOMIC_ACQUIRE);
  gint64 next = G_MININT64;
  gboolean is_unreachable = FALSE;

  if (bucket != NULL)
    {
      pthread_mutex_lock (&bucket->lock);
      is_unreachable = bucket->policy.backoff.failures > 0;
      next = bucket->policy.backoff.until;
      pthread_mutex_unlock (&bucket->lock);
    }
  if (is_unreachable)
    return next;
  return tally_picker_has_tried (member, self->tried, self->n_tried) && !self->was_unreachable
             ? G_MAXINT64
             : G_MININT64;
}

/* When the next round begins if nothing changes before; G_MAXINT64: there is nothing to wait for. */
static gint64
find_next_round (const TallyRoute *self)
{
  TallyFleet *fleet = self->fleet;
  gint64 next = G_MAXINT64;

  pthread_mutex_lock (&fleet->lock);
  for (guint i = 0; i < fleet->picker.active->len; i++)
    {
      gint64 one = find_next_try_locked (self, g_ptr_array_index (fleet->picker.active, i));

      next = MIN (next, one);
    }
  pthread_mutex_unlock (&fleet->lock);
  return next;
}

/* When a call with @deadline waits no longer; G_MININT64: it does not wait at all. */
static gint64
find_last_moment (const TallyRoute *self, gint64 deadline)
{
  TallyBucket *bucket = get_bucket (self->fleet, self->tried[0]->owner);
  const TallyPolicy *policy = &bucket->policy;
  gint64 last = G_MININT64;

  pthread_mutex_lock (&bucket->lock);
  if (policy->options.wait_for_ready && policy->options.wait_timeout != 0
      && policy->options.backoff_base > 0)
    last = tally_policy_find_deadline (policy, self->begun, deadline < 0 ? G_MAXINT64 : deadline);
  pthread_mutex_unlock (&bucket->lock);
  return last;
}

gboolean
tally_route_await (TallyRoute *self,
                   GMainContext *context,
                   gint64 deadline,
                   GCancellable *cancellable,
                   void (*callback) (gpointer data),
                   gpointer data)
{
  TallyFleet *fleet = self->fleet;
  TallyReadyWait ready = { .since = self->round_begun };
  gint64 now = g_get_monotonic_time ();

  if (self->n_tried == 0)
    return FALSE;
  self->last_moment = find_last_moment (self, deadline);
  ready.until = self->last_moment > now ? find_next_round (self) : G_MAXINT64;
  if (ready.until == G_MAXINT64)
    return FALSE;
  if (fleet->lookup.looks)
    {
      gint64 due = __atomic_load_n (&fleet->lookup.due, __ATOMIC_RELAXED);

      ready.until = MIN (ready.until, due);
    }
  ready.from = MIN (now + ROUND_PAUSE, self->last_moment);
  ready.until = CLAMP (ready.until, ready.from, self->last_moment);
  tally_fleet_await_change (fleet, context, &ready, cancellable, callback, data);
  return TRUE;
}

/* (transfer full) */
static GError *
make_error_of_wait (const TallyRoute *self)
{
  g_autofree gchar *failures = NULL;

  if (tally_fleet_is_closed (self->fleet))
    return g_error_new_literal (TALLY_ERROR, TALLY_ERROR_POOL_CLOSED,
                                "the pool was closed while no endpoint could be reached");
  failures = tally_route_tell (self);
  return g_error_new (TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                      "no endpoint could be reached within the time allowed: %s", failures);
}

TallyBucket *
tally_route_begin_round (TallyRoute *self, GError **error)
{
  gint64 now = g_get_monotonic_time ();
  TallyBucket *bucket = NULL;

  if (now < self->last_moment && !tally_fleet_is_closed (self->fleet))
    {
      forget_tried (self);
      self->round_begun = now;
      self->was_unreachable = FALSE;
      self->has_waited = TRUE;
      bucket = tally_route_next (self);
    }
  if (bucket == NULL)
    g_propagate_error (error, make_error_of_wait (self));
  clear_story (self);
  return bucket;
}
