/* Owns the limits over all endpoints (rule 2): who may open a connection next, and which idle one
 * goes for it. A bucket that may not dial because of them joins the queue of the starved; whoever
 * frees a slot or leaves a connection idle serves that queue, after unlocking. */
#include "pool-private.h"

/* What this thread balances already: what it causes there it will see itself. */
static __thread TallyPoolCore *balancing;

/* Called by a policy, under its bucket's lock. @background: for no borrower, so that nothing is
 * evicted. */
gboolean
tally_totals_reserve (gpointer data, gboolean background)
{
  TallyBucket *bucket = data;
  TallyPoolCore *core = bucket->core;
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);
  TallyBucket *first;
  gboolean granted;

  pthread_mutex_lock (&core->totals_lock);
  first = g_queue_peek_head (&core->starved);
  granted = limit == 0 || (core->open_total < limit && (first == NULL || first == bucket));
  if (granted)
    __atomic_add_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  if (granted && first == bucket)
    {
      g_queue_pop_head (&core->starved);
      bucket->is_starved = FALSE;
    }
  if (!granted && !background && !bucket->is_starved)
    {
      g_queue_push_tail (&core->starved, bucket);
      bucket->is_starved = TRUE;
    }
  __atomic_store_n (&core->n_starved, core->starved.length, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&core->totals_lock);
  return granted;
}

/* The same, for a slot that is free again. */
void
tally_totals_unreserve (gpointer data)
{
  TallyPoolCore *core = ((TallyBucket *) data)->core;

  pthread_mutex_lock (&core->totals_lock);
  __atomic_sub_fetch (&core->open_total, 1, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&core->totals_lock);
}

/* The same: whether a connection that comes back must go for the limit. What is being closed
 * elsewhere counts as open, so that one too many may go when two come back at once. */
gboolean
tally_totals_is_over (gpointer data)
{
  TallyBucket *bucket = data;

  return tally_totals_is_too_much_open (bucket->core, bucket->policy.n_closing);
}

/* @bucket starves no longer, or is going. Its lock may be held. */
void
tally_totals_forget (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;

  pthread_mutex_lock (&core->totals_lock);
  if (bucket->is_starved)
    g_queue_remove (&core->starved, bucket);
  bucket->is_starved = FALSE;
  __atomic_store_n (&core->n_starved, core->starved.length, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&core->totals_lock);
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

/* Which bucket has the connection that is idle for longest of all: (nullable). @closing: how many
 * connections are being closed. */
static TallyBucket *
find_oldest (GPtrArray *buckets, guint *closing)
{
  TallyBucket *oldest = NULL;
  gint64 since = G_MAXINT64;

  *closing = 0;
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyConn *conn;

      pthread_mutex_lock (&bucket->lock);
      conn = bucket->policy.idle.tail;
      if (conn != NULL && conn->idle_since < since)
        {
          since = conn->idle_since;
          oldest = bucket;
        }
      *closing += bucket->policy.n_closing;
      pthread_mutex_unlock (&bucket->lock);
    }
  return oldest;
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
must_one_go (TallyPoolCore *core, Purpose purpose, guint closing)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);
  guint wanted = __atomic_load_n (&core->open_total, __ATOMIC_ACQUIRE) + (purpose == FOR_NEWCOMER);

  if (purpose == FOR_MAX_IDLE)
    return tally_totals_is_too_much_idle (core);
  return limit > 0 && wanted > limit + closing;
}

/* Retires the connection that is idle for longest of all, unless what others have retired already
 * is enough. FALSE when that is so or none is idle. */
static gboolean
evict_oldest (TallyPoolCore *core, Purpose purpose)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);
  TallyBucket *victim;
  guint closing;

  /* One thread at a time decides, until its victim counts as closing and no longer as idle. */
  pthread_mutex_lock (&core->survey_lock);
  victim = find_oldest (buckets, &closing);
  if (victim == NULL || !must_one_go (core, purpose, closing))
    {
      pthread_mutex_unlock (&core->survey_lock);
      return FALSE;
    }
  tally_bucket_lock (victim);
  if (victim->policy.idle.tail != NULL) /* else somebody took it, and another may be idle */
    tally_policy_retire (&victim->policy, victim->policy.idle.tail,
                         purpose == FOR_NEWCOMER ? TALLY_CLOSE_EVICTED : TALLY_CLOSE_LIMIT);
  if (victim->policy.options.max_idle_total > 0)
    tally_totals_publish_idle_locked (victim);
  pthread_mutex_unlock (&core->survey_lock);
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
      guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);

      tally_bucket_ref (bucket);
      *room = limit == 0 || core->open_total < limit;
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
      if (feed (bucket, room) && !room && !evict_oldest (core, FOR_NEWCOMER))
        return;
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
  while (tally_totals_is_too_much_idle (core) && evict_oldest (core, FOR_MAX_IDLE))
    continue;
  while (tally_totals_is_too_much_open (core, 0) && evict_oldest (core, FOR_MAX_OPEN))
    continue;
  if (__atomic_load_n (&core->n_starved, __ATOMIC_ACQUIRE) > 0)
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
