/* Owns the limits over all endpoints (rules 2 and 3): who may open a connection next, and which idle one
 * goes for it. A bucket that may not dial because of them joins the queue of the starved, in which the
 * longest wait is first; whoever frees a slot or leaves a connection idle serves that queue, after
 * unlocking. */
#include "pool-private.h"

/* What this thread balances already: what it causes there it will see itself. */
static TALLY_THREAD_LOCAL TallyPoolCore *balancing;

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

/* At its place among the starved: somebody waits there without a dial since @since. */
static void
enqueue_starved_locked (TallyPoolCore *core, TallyBucket *bucket, gint64 since)
{
  GList *before;

  if (bucket->is_starved && bucket->starved_since == since)
    return;
  dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
  bucket->starved_since = since;
  before = core->starved.tail;
  while (before != NULL && ((TallyBucket *) before->data)->starved_since > since)
    before = before->prev;
  g_queue_insert_after (&core->starved, before, bucket);
  __atomic_store_n (&bucket->is_starved, TRUE, __ATOMIC_RELAXED);
  __atomic_store_n (&core->n_starved, core->starved.length, __ATOMIC_RELEASE);
}

/* How many more may be open; with totals_lock. */
static gint
room_locked (TallyPoolCore *core)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);

  return limit == 0 ? G_MAXINT : (gint) limit - (gint) core->open_total;
}

/* How many more may be idle, those counted that @bucket has not published or is about to have. With
 * its lock. */
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

/* Called by a policy, under its bucket's lock. For no borrower anything is evicted. */
gboolean
tally_totals_reserve (gpointer data, TallyDialPurpose purpose)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  gboolean is_useful = purpose != TALLY_DIAL_TO_BE_IDLE || idle_room (bucket) > 0;
  TallyBucket *first;
  gboolean granted;

  pthread_mutex_lock (&core->totals_lock);
  first = g_queue_peek_head (&core->starved);
  granted = is_useful && room_locked (core) > 0 && (first == NULL || first == bucket);
  if (granted)
    __atomic_add_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  if (granted && first == bucket)
    dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
  else if (!granted && purpose == TALLY_DIAL_FOR_BORROWER)
    enqueue_starved_locked (core, bucket, tally_policy_find_arrival (&bucket->policy));
  else if (!granted)
    enqueue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
  pthread_mutex_unlock (&core->totals_lock);
  return granted;
}

/* The same, for a slot that is free again; @yielded: by a connection that tally_totals_yield () had
 * close. */
void
tally_totals_unreserve (gpointer data, gboolean yielded)
{
  TallyPoolCore *core = ((TallyBucket *) data)->core;

  pthread_mutex_lock (&core->totals_lock);
  __atomic_sub_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  core->n_yielding -= yielded;
  pthread_mutex_unlock (&core->totals_lock);
}

/* The same: whether a connection that comes back should close because callers wait since @before or
 * earlier at more other endpoints than connections are being closed for. It is one of these from now on
 * if it is @closing. */
gboolean
tally_totals_yield (gpointer data, gint64 before, gboolean closing)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  guint waiting = 0;
  gboolean yields;

  if (G_LIKELY (__atomic_load_n (&core->n_starved, __ATOMIC_ACQUIRE) == 0))
    return FALSE;
  pthread_mutex_lock (&core->totals_lock);
  for (const GList *link = core->starved.head; link != NULL && waiting <= core->n_yielding;
       link = link->next)
    {
      const TallyBucket *other = link->data;

      if (other->starved_since > before)
        break;
      waiting += other != bucket;
    }
  yields = waiting > core->n_yielding;
  core->n_yielding += yields && closing;
  pthread_mutex_unlock (&core->totals_lock);
  return yields;
}

/* Under the lock of @bucket, one of the starved, after waiters may have come or gone: keeps its place
 * among them, unless nobody waits there any more. */
void
tally_totals_publish_wait_locked (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  if (bucket->policy.waiting == 0)
    dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
  else if (bucket->is_starved)
    enqueue_starved_locked (core, bucket, tally_policy_find_arrival (&bucket->policy));
  pthread_mutex_unlock (&core->totals_lock);
}

/* The same: how many more may be open over all endpoints, for this one; below 0 when fewer should be.
 * What is being closed is still open. */
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
  first = g_queue_peek_head (&core->starved);
  room = room_locked (core);
  if (first != NULL && first != bucket)
    room = MIN (room, 0);
  pthread_mutex_unlock (&core->totals_lock);
  return room;
}

/* @bucket starves no longer. Its lock may be held. */
void
tally_totals_forget (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
  pthread_mutex_unlock (&core->totals_lock);
}

/* The policy of @bucket is closed, or nobody refers to it: it is in no queue from now on. */
void
tally_totals_leave (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
  dequeue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
  pthread_mutex_unlock (&core->totals_lock);
}

/* Takes @bucket out of all queues if the core's table alone refers to it, so that nobody can find it
 * any more who does not hold the core's lock, as the caller does. */
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
      dequeue_locked (&core->starved, &core->n_starved, bucket, &bucket->is_starved);
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

typedef struct
{
  TallyBucket *oldest;  /* (nullable): has the connection that is idle for longest of all */
  TallyBucket *dialing; /* (nullable): has a dial in the background that could be given up */
  guint closing;        /* connections, and dials that were given up */
  guint demand;         /* connections that would be dialed for borrowers if they were allowed */
} Survey;

static void
survey (GPtrArray *buckets, Survey *result)
{
  gint64 since = G_MAXINT64;

  *result = (Survey){ .oldest = NULL };
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyInstant now;
      TallyConn *conn;

      pthread_mutex_lock (&bucket->lock);
      tally_bucket_now_locked (bucket, &now);
      conn = bucket->policy.idle.tail;
      if (conn != NULL && conn->idle_since < since)
        {
          since = conn->idle_since;
          result->oldest = bucket;
        }
      if (bucket->policy.n_background > bucket->policy.n_given_up)
        result->dialing = bucket;
      result->closing += bucket->policy.n_closing + bucket->policy.n_given_up;
      result->demand += tally_policy_demand (&bucket->policy, &now);
      pthread_mutex_unlock (&bucket->lock);
    }
}

/* What a connection may have to go for. */
typedef enum
{
  FOR_MAX_IDLE,
  FOR_MAX_OPEN,
  FOR_NEWCOMER /* there is no room for it */
} Purpose;

/* Whether one has to, although so many are being closed. */
static gboolean
must_one_go (TallyPoolCore *core, Purpose purpose, const Survey *found)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);
  guint wanted = __atomic_load_n (&core->open_total, __ATOMIC_ACQUIRE);

  if (purpose == FOR_MAX_IDLE)
    return tally_totals_is_too_much_idle (core);
  if (purpose == FOR_NEWCOMER)
    wanted += found->demand;
  return limit > 0 && wanted > limit + found->closing;
}

/* The bucket that one goes of, locked; NULL when none has to or none can. No borrower's connection goes,
 * nor its dial; what is dialed in the background does where a newcomer finds nothing idle (rule 16). */
static TallyBucket *
lock_victim (TallyPoolCore *core, GPtrArray *buckets, Purpose purpose)
{
  TallyBucket *victim;
  Survey found;

  survey (buckets, &found);
  victim = found.oldest;
  if (victim == NULL && purpose == FOR_NEWCOMER)
    victim = found.dialing;
  if (victim == NULL || !must_one_go (core, purpose, &found))
    return NULL;
  tally_bucket_lock (victim);
  if (found.oldest == NULL)
    tally_policy_give_up_dial (&victim->policy);
  else if (victim->policy.idle.tail != NULL) /* else somebody took it, and another may be idle */
    tally_policy_retire (&victim->policy, victim->policy.idle.tail,
                         purpose == FOR_NEWCOMER ? TALLY_CLOSE_EVICTED : TALLY_CLOSE_LIMIT);
  return victim;
}

/* Retires the connection that is idle for longest of all, or else gives up a dial, unless what others have
 * ended already is enough. FALSE when that is so or there is none. */
static gboolean
evict_one (TallyPoolCore *core, Purpose purpose)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);
  TallyBucket *victim;

  /* One thread at a time decides, until its victim counts as closing and no longer as idle. */
  pthread_mutex_lock (&core->survey_lock);
  victim = lock_victim (core, buckets, purpose);
  if (victim != NULL && victim->policy.options.max_idle_total > 0)
    tally_totals_publish_idle_locked (victim);
  pthread_mutex_unlock (&core->survey_lock);
  if (victim == NULL)
    return FALSE;
  tally_bucket_unlock (victim);
  return TRUE;
}

/* The first of the starved, with a reference, and whether there is room for it. */
static TallyBucket *
dup_first_starved (TallyPoolCore *core, gboolean *room)
{
  TallyBucket *bucket;

  pthread_mutex_lock (&core->totals_lock);
  bucket = g_queue_peek_head (&core->starved);
  if (bucket != NULL)
    {
      tally_bucket_ref (bucket);
      *room = room_locked (core) > 0;
    }
  pthread_mutex_unlock (&core->totals_lock);
  return bucket;
}

/* Lets @bucket dial if there is @room. FALSE when it wants no further dial: it starves no longer. */
static gboolean
feed (TallyBucket *bucket, gboolean room)
{
  TallyInstant now;
  gboolean wants;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (room)
    tally_policy_pump (&bucket->policy, &now);
  wants = tally_policy_wants_dial (&bucket->policy, &now);
  if (!wants)
    tally_totals_forget (bucket);
  tally_bucket_unlock (bucket);
  return wants;
}

static void
feed_the_starved (TallyPoolCore *core)
{
  for (;;)
    {
      gboolean room = FALSE;
      g_autoptr (TallyBucket) bucket = dup_first_starved (core, &room);

      if (bucket == NULL)
        return;
      if (feed (bucket, room) && !room && !evict_one (core, FOR_NEWCOMER))
        return;
    }
}

/* (transfer full): the first of those that were denied a dial in the background, which it is no
 * longer; NULL when there is none or still no room. */
static TallyBucket *
take_first_denied (TallyPoolCore *core)
{
  gint idle_limit = __atomic_load_n (&core->max_idle_total, __ATOMIC_RELAXED);
  gboolean room =
      idle_limit == 0 || __atomic_load_n (&core->idle_total, __ATOMIC_ACQUIRE) < idle_limit;
  TallyBucket *bucket = NULL;

  pthread_mutex_lock (&core->totals_lock);
  if (room && core->starved.length == 0 && room_locked (core) > 0)
    bucket = g_queue_peek_head (&core->denied);
  if (bucket != NULL)
    {
      tally_bucket_ref (bucket);
      dequeue_locked (&core->denied, &core->n_denied, bucket, &bucket->is_denied);
    }
  pthread_mutex_unlock (&core->totals_lock);
  return bucket;
}

/* Each once: who is denied again waits for the next time. */
static void
feed_the_denied (TallyPoolCore *core)
{
  for (guint n = __atomic_load_n (&core->n_denied, __ATOMIC_ACQUIRE); n > 0; n--)
    {
      g_autoptr (TallyBucket) bucket = take_first_denied (core);
      TallyInstant now;

      if (bucket == NULL)
        return;
      tally_bucket_lock (bucket);
      tally_bucket_now_locked (bucket, &now);
      tally_policy_pump (&bucket->policy, &now);
      tally_bucket_unlock (bucket);
    }
}

/* Sees to the limits over all endpoints, and to those whom only these hold back. Not under any lock.
 */
void
tally_totals_balance (TallyPoolCore *core)
{
  TallyPoolCore *outer = balancing;

  if (outer == core)
    return;
  balancing = core;
  while (tally_totals_is_too_much_idle (core) && evict_one (core, FOR_MAX_IDLE))
    continue;
  while (tally_totals_is_too_much_open (core, 0) && evict_one (core, FOR_MAX_OPEN))
    continue;
  if (__atomic_load_n (&core->n_starved, __ATOMIC_ACQUIRE) > 0)
    feed_the_starved (core);
  feed_the_denied (core);
  if (__atomic_load_n (&core->n_starved, __ATOMIC_ACQUIRE) > 0) /* who has starved meanwhile */
    feed_the_starved (core);
  balancing = outer;
}

/* For foreign code, which this thread runs while it balances: (nullable) what it balanced. */
TallyPoolCore *
tally_totals_swap_balancing (TallyPoolCore *core)
{
  TallyPoolCore *outer = balancing;

  balancing = core;
  return outer;
}

/* Whether what is being closed, at whatever endpoint, is enough for all whom the limits over all
 * endpoints hold back: then none of them has to wait for somebody to return a connection. Not under
 * any lock. */
gboolean
tally_totals_are_met (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);
  Survey found;

  pthread_mutex_lock (&core->survey_lock);
  survey (buckets, &found);
  pthread_mutex_unlock (&core->survey_lock);
  return found.closing >= found.demand;
}

/* Not under any lock. (transfer full): for a caller that only the limit over all endpoints holds back
 * (rule 28), what that is and who has most of it. */
gchar *
tally_totals_describe (TallyPoolCore *core)
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
