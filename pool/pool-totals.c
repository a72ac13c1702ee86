/* Owns the account of the limits over all endpoints (rules 2 and 3): what is open and idle, and
 * which buckets only these limits hold back. A bucket that may not dial because of them joins the
 * queue of those held back, the longest wait first; pool-balance.c serves it. */
#include "totals-private.h"

static void
enqueue_locked (GQueue *queue, guint *length, TallyBucket *bucket, gboolean *is_in)
{
  if (!*is_in)
    g_queue_push_tail (queue, bucket);
  __atomic_store_n (is_in, TRUE, __ATOMIC_RELAXED);
  __atomic_store_n (length, queue->length, __ATOMIC_RELEASE);
}

static void
dequeue_locked (GQueue *queue, guint *length, TallyBucket *bucket, gboolean *is_in)
{
  if (*is_in)
    g_queue_remove (queue, bucket);
  __atomic_store_n (is_in, FALSE, __ATOMIC_RELAXED);
  __atomic_store_n (length, queue->length, __ATOMIC_RELEASE);
}

/* Puts @bucket at its place among those held back: a waiter there has no dial since @since. */
static void
enqueue_held_back_locked (TallyPoolCore *core, TallyBucket *bucket, gint64 since)
{
  GList *before;

  if (bucket->is_held_back && bucket->held_back_since == since)
    return;
  dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
  bucket->held_back_since = since;
  before = core->held_back.tail;
  while (before != NULL && ((TallyBucket *) before->data)->held_back_since > since)
    before = before->prev;
  g_queue_insert_after (&core->held_back, before, bucket);
  __atomic_store_n (&bucket->is_held_back, TRUE, __ATOMIC_RELAXED);
  __atomic_store_n (&core->n_held_back, core->held_back.length, __ATOMIC_RELEASE);
}

/* How many more may be open; with totals_lock. */
static gint
room_locked (TallyPoolCore *core)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);

  return limit == 0 ? G_MAXINT : (gint) limit - (gint) core->open_total;
}

/* How many more may be idle. What @bucket has, or is about to have, counts even if it is not
 * published. With its lock. */
static gint
idle_room (TallyBucket *bucket)
{
  gint limit = __atomic_load_n (&bucket->core->max_idle_total, __ATOMIC_RELAXED);
  gint idle = __atomic_load_n (&bucket->core->idle_total, __ATOMIC_ACQUIRE);
  const TallyPolicy *policy = &bucket->policy;
  gint own =
      (gint) (policy->n_idle + policy->n_background + policy->n_busy) - bucket->idle_published;

  return limit == 0 ? G_MAXINT : limit - idle - own;
}

/* Called by a policy, under its bucket's lock. Nothing is evicted for a dial that no borrower waits
 * for. */
gboolean
tally_totals_reserve (gpointer data, TallyDialPurpose purpose)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  gboolean is_useful = purpose != TALLY_DIAL_TO_BE_IDLE || idle_room (bucket) > 0;
  TallyBucket *first;
  gboolean granted;

  pthread_mutex_lock (&core->totals_lock);
  first = g_queue_peek_head (&core->held_back);
  granted = is_useful && room_locked (core) > 0 && (first == NULL || first == bucket);
  if (granted)
    __atomic_add_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  if (granted && first == bucket)
    dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
  else if (!granted && purpose == TALLY_DIAL_FOR_BORROWER)
    enqueue_held_back_locked (core, bucket, tally_policy_find_arrival (&bucket->policy));
  else if (!granted)
    enqueue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
  pthread_mutex_unlock (&core->totals_lock);
  return granted;
}

/* Called by a policy, under its bucket's lock: a place is free again. @yielded: of a connection
 * that tally_totals_yield () had closed. */
void
tally_totals_unreserve (gpointer data, gboolean yielded)
{
  TallyPoolCore *core = ((TallyBucket *) data)->core;

  pthread_mutex_lock (&core->totals_lock);
  __atomic_sub_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  core->n_yielding -= yielded;
  pthread_mutex_unlock (&core->totals_lock);
}

/* Called by a policy, under its bucket's lock: whether a connection that comes back should close
 * because callers wait since @before or earlier at more other endpoints than connections are being
 * closed for. It is one of these from now on if it is @closing. */
gboolean
tally_totals_yield (gpointer data, gint64 before, gboolean closing)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  guint waiting = 0;
  gboolean yields;

  if (G_LIKELY (__atomic_load_n (&core->n_held_back, __ATOMIC_ACQUIRE) == 0))
    return FALSE;
  pthread_mutex_lock (&core->totals_lock);
  for (const GList *link = core->held_back.head; link != NULL && waiting <= core->n_yielding;
       link = link->next)
    {
      const TallyBucket *other = link->data;

      if (other->held_back_since > before)
        break;
      waiting += other != bucket;
    }
  yields = waiting > core->n_yielding;
  core->n_yielding += yields && closing;
  pthread_mutex_unlock (&core->totals_lock);
  return yields;
}

/* Under the lock of @bucket, which is held back, after waiters may have come or gone: keeps its
 * place among those held back, unless no waiter is left. */
void
tally_totals_publish_wait_locked (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  if (bucket->policy.waiting == 0)
    dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
  else if (bucket->is_held_back)
    enqueue_held_back_locked (core, bucket, tally_policy_find_arrival (&bucket->policy));
  pthread_mutex_unlock (&core->totals_lock);
}

/* Called by a policy, under its bucket's lock: how many more may be open over all endpoints, for
 * this one; below 0: fewer. A connection that is being closed is still open. */
gint
tally_totals_room (gpointer data)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  TallyBucket *first;
  gint room;

  if (G_LIKELY (__atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED) == 0))
    return G_MAXINT;
  pthread_mutex_lock (&core->totals_lock);
  first = g_queue_peek_head (&core->held_back);
  room = room_locked (core);
  if (first != NULL && first != bucket)
    room = MIN (room, 0);
  pthread_mutex_unlock (&core->totals_lock);
  return room;
}

/* @bucket is held back no longer. Its lock may be held. */
void
tally_totals_forget (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
  pthread_mutex_unlock (&core->totals_lock);
}

/* The policy of @bucket is closed, or nobody refers to it: it is in no queue from now on. */
void
tally_totals_leave (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
  dequeue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
  pthread_mutex_unlock (&core->totals_lock);
}

/* Takes @bucket out of all queues if only the core's table refers to it. Then only a thread with
 * the core's lock, which the caller holds, can find it. */
gboolean
tally_totals_forget_unreferenced (TallyBucket *bucket, gboolean *was_denied)
{
  TallyPoolCore *core = bucket->core;
  gboolean is_alone;

  pthread_mutex_lock (&core->totals_lock);
  *was_denied = bucket->is_denied;
  is_alone = __atomic_load_n (&bucket->ref_count, __ATOMIC_ACQUIRE) == 1;
  if (is_alone)
    {
      dequeue_locked (&core->held_back, &core->n_held_back, bucket, &bucket->is_held_back);
      dequeue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
    }
  pthread_mutex_unlock (&core->totals_lock);
  return is_alone;
}

/* Under the bucket's lock, while `max-idle-total` is in force: keeps the sum over all buckets. */
void
tally_totals_publish_idle_locked (TallyBucket *bucket)
{
  gint change = (gint) bucket->policy.n_idle - bucket->idle_published;

  if (change == 0)
    return;
  bucket->idle_published += change;
  __atomic_add_fetch (&bucket->core->idle_total, change, __ATOMIC_ACQ_REL);
}

/* @bucket still wants the dial in the background that it was denied. */
void
tally_totals_deny (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  enqueue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
  pthread_mutex_unlock (&core->totals_lock);
}

/* The first bucket that is held back, with a reference, and whether there is room for it. */
TallyBucket *
tally_totals_dup_first_held_back (TallyPoolCore *core, gboolean *room)
{
  TallyBucket *bucket;

  pthread_mutex_lock (&core->totals_lock);
  bucket = g_queue_peek_head (&core->held_back);
  if (bucket != NULL)
    {
      tally_bucket_ref (bucket);
      *room = room_locked (core) > 0;
    }
  pthread_mutex_unlock (&core->totals_lock);
  return bucket;
}

/* (transfer full): the first of those that were denied a dial in the background, which it is no
 * longer; NULL when there is none or still no room. */
TallyBucket *
tally_totals_take_first_denied (TallyPoolCore *core)
{
  gint idle_limit = __atomic_load_n (&core->max_idle_total, __ATOMIC_RELAXED);
  gboolean room =
      idle_limit == 0 || __atomic_load_n (&core->idle_total, __ATOMIC_ACQUIRE) < idle_limit;
  TallyBucket *bucket = NULL;

  pthread_mutex_lock (&core->totals_lock);
  if (room && core->held_back.length == 0 && room_locked (core) > 0)
    bucket = g_queue_peek_head (&core->denied);
  if (bucket != NULL)
    {
      tally_bucket_ref (bucket);
      dequeue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
    }
  pthread_mutex_unlock (&core->totals_lock);
  return bucket;
}
