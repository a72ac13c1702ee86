/* Owns what is done about the limits over all endpoints (rules 2, 3 and 16): which connection goes
 * for a caller elsewhere, and which one may dial next. Code that has freed a place or left a
 * connection idle comes here, without a lock. */
#include "balance-private.h"

#include "totals-private.h"
#include "work-private.h"

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

      tally_bucket_lock (bucket);
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

/* Whether a connection has to close, although so many are being closed. */
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

/* The bucket of which a connection closes, locked; NULL when none has to or none can. A borrower's
 * connection does not close, nor does its dial end. A dial in the background does where nothing is
 * idle (rule 16). */
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
  else if (victim->policy.idle.tail != NULL) /* else it was borrowed, and another one may be idle */
    tally_policy_retire (&victim->policy, victim->policy.idle.tail,
                         purpose == FOR_NEWCOMER ? TALLY_CLOSE_EVICTED : TALLY_CLOSE_LIMIT);
  return victim;
}

/* Retires the connection that is idle for longest of all, or else gives up a dial. FALSE when there
 * is none, or what others have ended is enough. */
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
  tally_bucket_work_and_unlock (victim);
  return TRUE;
}

/* Lets @bucket dial if there is @room. FALSE when it wants no further dial: it is no longer held
 * back. */
static gboolean
let_dial (TallyBucket *bucket, gboolean room)
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
  tally_bucket_work_and_unlock (bucket);
  return wants;
}

static void
serve_held_back_buckets (TallyPoolCore *core)
{
  for (;;)
    {
      gboolean room = FALSE;
      g_autoptr (TallyBucket) bucket = tally_totals_dup_first_held_back (core, &room);

      if (bucket == NULL)
        return;
      if (let_dial (bucket, room) && !room && !evict_one (core, FOR_NEWCOMER))
        return;
    }
}

/* Each once: a bucket that is denied again waits for the next time. */
static void
serve_denied_buckets (TallyPoolCore *core)
{
  for (guint n = __atomic_load_n (&core->n_denied, __ATOMIC_ACQUIRE); n > 0; n--)
    {
      g_autoptr (TallyBucket) bucket = tally_totals_take_first_denied (core);
      TallyInstant now;

      if (bucket == NULL)
        return;
      tally_bucket_lock (bucket);
      tally_bucket_now_locked (bucket, &now);
      tally_policy_pump (&bucket->policy, &now);
      tally_bucket_work_and_unlock (bucket);
    }
}

/* Serves the waiters that only the limits over all endpoints hold back. Not under any lock. */
void
tally_totals_balance (TallyPoolCore *core)
{
  TallyPoolCore *outer = tally_frame_swap_balancing (core);

  if (outer == core)
    return;
  while (tally_totals_is_too_much_idle (core) && evict_one (core, FOR_MAX_IDLE))
    continue;
  while (tally_totals_is_too_much_open (core, 0) && evict_one (core, FOR_MAX_OPEN))
    continue;
  if (__atomic_load_n (&core->n_held_back, __ATOMIC_ACQUIRE) > 0)
    serve_held_back_buckets (core);
  serve_denied_buckets (core);
  if (__atomic_load_n (&core->n_held_back, __ATOMIC_ACQUIRE)
      > 0) /* some were held back meanwhile */
    serve_held_back_buckets (core);
  tally_frame_swap_balancing (outer);
}

/* Whether the connections that are being closed, at all endpoints, are enough for the waiters that
 * only the limits over all endpoints hold back. Then none of these waiters depends on a release.
 * Not under any lock. */
static gboolean
are_totals_met (TallyPoolCore *core)
{
  g_autoptr (GPtrArray) buckets = tally_core_dup_buckets (core);
  Survey found;

  pthread_mutex_lock (&core->survey_lock);
  survey (buckets, &found);
  pthread_mutex_unlock (&core->survey_lock);
  return found.closing >= found.demand;
}

/* Not under any lock before, locked after. @waiter joined the queue. If it was @held_back, and what
 * is being closed is not enough for all such waiters, it is refused unless it may wait. TRUE when
 * it is refused. */
gboolean
tally_bucket_lock_and_admit (TallyBucket *bucket, TallyWaiter *waiter, gboolean held_back)
{
  gboolean is_met = !held_back || are_totals_met (bucket->core);
  TallyInstant now;

  tally_bucket_lock (bucket);
  if (is_met)
    return FALSE;
  tally_bucket_now_locked (bucket, &now);
  return tally_policy_admit_held_back (&bucket->policy, &now, waiter);
}
