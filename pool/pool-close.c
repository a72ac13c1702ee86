/* Owns the end of a pool (rule 19): what is refused, what may finish, what is waited for. No hook
 * runs after close has returned, whichever thread called it first, but for hooks that have called
 * it themselves. Such a hook waits neither for the borrow, release or dial that called it nor for
 * another hook that closes the pool. */
#include "registry-private.h"

#include "bucket-private.h"
#include "claims-private.h"
#include "dials-private.h"
#include "fleet/fleet-private.h"
#include "threads-private.h"
#include "totals-private.h"
#include "work-private.h"
#include "socket-internal.h"

/* A thread that is in tally_core_close (), and what cannot end while it waits there. On its
 * stack. */
struct _TallyCloser
{
  pthread_t thread;
  guint n_hooks;
  guint n_threads; /* 1 on a thread of the pool */
  TallyClaim *claims;
  TallyCloser *next;
};

/* ---- what this thread has of a pool ---- */

static guint
count_claimed (const TallyClaim *claim)
{
  TallyBucket *bucket = claim->bucket;
  guint count = claim->count;

  if (bucket->forks != claim->forks)
    return 0;
  if (claim->waiter == NULL)
    return count;
  pthread_mutex_lock (&bucket->lock);
  count +=
      claim->waiter->state == TALLY_WAITER_SERVED || claim->waiter->state == TALLY_WAITER_PERMIT;
  pthread_mutex_unlock (&bucket->lock);
  return count;
}

/* ---- what it does to buckets ---- */

static void
close_bucket (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;
  g_autoptr (GPtrArray) dials = NULL;
  g_autoptr (GCancellable) closing = NULL;
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_close (&bucket->policy, &now);
  g_set_object (&closing, bucket->closing);
  dials = tally_dials_dup_locked (bucket, FALSE); /* none begins from now on */
  tally_bucket_work_and_unlock (bucket);
  g_cancellable_cancel (closing);
  tally_dials_cancel (dials);
  tally_totals_leave (bucket);
}

static guint
count_open (GPtrArray *buckets)
{
  guint count = 0;

  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);

      pthread_mutex_lock (&bucket->lock);
      count += tally_policy_open (&bucket->policy);
      pthread_mutex_unlock (&bucket->lock);
    }
  return count;
}

/* Shuts down the connections that borrowers still hold. They keep their descriptors until they
 * release them, so that no number is used twice; under the lock none of them can. */
static void
shut_down_busy (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;

  tally_bucket_lock (bucket);
  for (TallyConn *conn = bucket->policy.conns; conn != NULL; conn = conn->older)
    if (conn->state == TALLY_CONN_BUSY && conn->socket != NULL)
      tally_socket_shut_down (conn->socket);
  pthread_mutex_unlock (&bucket->lock);
}

/* ---- the threads that close ---- */

/* With the core's lock, as what follows. */
static void
join_closers (TallyPoolCore *core, TallyCloser *self)
{
  *self = (TallyCloser){ .thread = pthread_self (),
                         .n_hooks = tally_hooks_count_mine (core),
                         .n_threads = tally_threads_count_mine (core),
                         .claims = tally_claims,
                         .next = core->closers };
  core->closers = self;
  pthread_cond_broadcast (&core->changed); /* the others have less to wait for */
}

static void
leave_closers (TallyPoolCore *core, TallyCloser *self)
{
  TallyCloser **place = &core->closers;

  while (*place != NULL && *place != self) /* it is not there in a child forked meanwhile */
    place = &(*place)->next;
  if (*place == self)
    *place = self->next;
}

/* A handler that hears of a close may close the pool that this very thread closes already. */
static gboolean
is_closing_already (const TallyPoolCore *core)
{
  const TallyCloser *closer = core->closers;

  while (closer != NULL && !pthread_equal (closer->thread, pthread_self ()))
    closer = closer->next;
  return closer != NULL;
}

static guint
count_claimed_by_closers (const TallyPoolCore *core)
{
  guint count = 0;

  for (const TallyCloser *closer = core->closers; closer != NULL; closer = closer->next)
    for (const TallyClaim *claim = closer->claims; claim != NULL; claim = claim->outer)
      if (claim->bucket->core == core)
        count += count_claimed (claim);
  return count;
}

/* Whether more than @n hooks or threads of the pool run. */
static gboolean
is_more_running (TallyPoolCore *core, guint n_hooks, guint n_threads)
{
  return __atomic_load_n (&core->n_hooks, __ATOMIC_SEQ_CST) > n_hooks
         || core->n_threads > n_threads;
}

/* Whether hooks or threads of the pool run that do not close it themselves. */
static gboolean
are_others_running (TallyPoolCore *core)
{
  guint n_hooks = 0, n_threads = 0;

  for (const TallyCloser *closer = core->closers; closer != NULL; closer = closer->next)
    {
      n_hooks += closer->n_hooks;
      n_threads += closer->n_threads;
    }
  return is_more_running (core, n_hooks, n_threads);
}

/* Waits until another thread's close is done; gives up the lock meanwhile. */
static void
wait_for_others (TallyPoolCore *core)
{
  while (are_others_running (core))
    pthread_cond_wait (&core->changed, &core->lock);
}

/* Until busy connections are back, but for those that come back only after a thread that closes. */
static void
drain (TallyPoolCore *core, GPtrArray *buckets)
{
  gint64 deadline = g_get_monotonic_time () + core->options.drain_timeout;

  while (count_open (buckets) > count_claimed_by_closers (core))
    if (!tally_cond_wait_until (&core->changed, &core->lock, deadline))
      break;
}

/* Without the core's lock: wakes the calls that have no connection to wait for. */
static void
stop_fleets (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) fleets = tally_core_dup_fleets (core);

  for (guint i = 0; i < fleets->len; i++)
    {
      tally_fleet_stop_lookup (g_ptr_array_index (fleets, i));
      tally_fleet_note_change (g_ptr_array_index (fleets, i));
    }
}

/* Without the core's lock: the pool is marked as closed, by this thread. */
static void
close_for_all (TallyPoolCore *core, gboolean wait)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);

  stop_fleets (core);
  g_ptr_array_foreach (buckets, close_bucket, NULL);
  pthread_mutex_lock (&core->lock);
  pthread_cond_signal (&core->reaper_wake);
  tally_threads_end_rest_locked (core);
  if (wait)
    drain (core, buckets);
  pthread_mutex_unlock (&core->lock);
  if (wait)
    g_ptr_array_foreach (buckets, shut_down_busy, NULL);
  pthread_mutex_lock (&core->lock);
  wait_for_others (core);
  __atomic_store_n (&core->hooks_ended, TRUE, __ATOMIC_SEQ_CST);
  wait_for_others (core);
  core->close_done = TRUE;
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}

/* Without @wait no borrower is waited for, and no borrowed connection is shut down. */
void
tally_core_close (TallyPoolCore *core, gboolean wait)
{
  TallyCloser self;
  gboolean is_first;

  pthread_mutex_lock (&core->lock);
  if (is_closing_already (core))
    {
      pthread_mutex_unlock (&core->lock);
      return;
    }
  join_closers (core, &self);
  is_first = !core->closed;
  __atomic_store_n (&core->closed, TRUE, __ATOMIC_SEQ_CST); /* see tally_hooks_end () */
  pthread_mutex_unlock (&core->lock);
  if (is_first)
    close_for_all (core, wait);
  pthread_mutex_lock (&core->lock);
  while (!core->close_done)
    pthread_cond_wait (&core->changed, &core->lock);
  /* Hooks that closed the pool too go on now. Of two such hooks one must be the first. */
  if (is_first || self.n_hooks == 0)
    while (is_more_running (core, self.n_hooks, self.n_threads))
      pthread_cond_wait (&core->changed, &core->lock);
  else
    wait_for_others (core);
  leave_closers (core, &self);
  pthread_mutex_unlock (&core->lock);
  tally_threads_join_finished (core);
}
