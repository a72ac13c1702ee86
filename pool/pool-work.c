/* Owns what a policy has decided under its bucket's lock and what is done without it: connections
 * are looked at, closed, dialed on threads; borrows without a thread are completed; the reaper and
 * other endpoints learn what concerns them. All that the policy puts aside is done here. */
#include "work-private.h"

#include "balance-private.h"
#include "claims-private.h"
#include "dials-private.h"
#include "glib-gate-private.h"
#include "health-private.h"
#include "reaper-private.h"
#include "totals-private.h"

/* How many were closed, by reason. */
typedef struct
{
  gboolean may_tell; /* close of the pool waits until it is told */
  TallyFrame frame;  /* unless this thread closes it meanwhile */
  guint counts[TALLY_N_CLOSE_REASONS];
} Closed;

/* Not under any lock. */
static void
prepare_to_tell (TallyBucket *bucket, Closed *closed)
{
  if (closed->may_tell || !tally_hooks_begin (bucket->core))
    return;
  closed->may_tell = TRUE;
  tally_frame_push (&closed->frame, bucket->core);
  tally_frame_swap_balancing (closed->frame.balancing); /* no foreign code yet */
}

/* Not under any lock; @closing are in state CLOSING and this thread's alone. */
static void
close_connections (TallyConn *closing)
{
  for (TallyConn *conn = closing; conn != NULL; conn = conn->next)
    {
      if (conn->socket != NULL) /* whose close runs no foreign code */
        tally_glib_begin ();
      thrift_transport_close (conn->payload, NULL);
      g_object_unref (conn->payload);
      if (conn->socket != NULL)
        tally_glib_end ();
    }
}

static void
report_closed_locked (TallyBucket *bucket,
                      const TallyInstant *now,
                      TallyConn *closing,
                      Closed *closed)
{
  TallyConn *next;

  for (TallyConn *conn = closing; conn != NULL; conn = next)
    {
      next = conn->next;
      closed->counts[conn->reason]++;
      tally_policy_closed (&bucket->policy, now, conn);
    }
}

/* Not under any lock. */
static void
tell_closed (TallyBucket *bucket, Closed *closed)
{
  if (!closed->may_tell)
    return;
  for (TallyCloseReason reason = 0; reason < TALLY_N_CLOSE_REASONS; reason++)
    for (guint i = 0; i < closed->counts[reason]; i++)
      tally_bucket_emit (bucket,
                         &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_CLOSED, .reason = reason });
  tally_frame_pop (&closed->frame);
  tally_hooks_end (bucket->core);
}

/* The list from its other end. */
static TallyWaiter *
in_order_of_arrival (TallyWaiter *last)
{
  TallyWaiter *first = NULL;
  TallyWaiter *next;

  for (TallyWaiter *waiter = last; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      waiter->next = first;
      first = waiter;
    }
  return first;
}

static gboolean
has_work_locked (const TallyBucket *bucket)
{
  const TallyPolicy *policy = &bucket->policy;

  /* One branch: mostly there is none. */
  return ((gsize) policy->closing | (gsize) policy->to_dial | (gsize) policy->to_look
          | (gsize) bucket->ready | (gsize) policy->gives_up)
         != 0;
}

static void
report_failed_locked (TallyBucket *bucket,
                      const TallyInstant *now,
                      TallyConn *failed,
                      const GError *error)
{
  TallyConn *next;

  for (TallyConn *conn = failed; conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_dial_failed (&bucket->policy, now, conn, error, NULL);
    }
}

static guint
count_conns (const TallyConn *conns)
{
  guint count = 0;

  for (; conns != NULL; conns = conns->next)
    count++;
  return count;
}

/* Not under any lock. Completes the waiters from @ready on, which are this thread's alone. They may
 * call handlers; @claim counts what the waiters behind them are still to get. */
static void
complete (TallyWaiter *ready, TallyClaim *claim)
{
  TallyWaiter *next;

  for (const TallyWaiter *waiter = ready; waiter != NULL; waiter = waiter->next)
    claim->count += waiter->state == TALLY_WAITER_SERVED;
  for (TallyWaiter *waiter = ready; waiter != NULL; waiter = next)
    {
      next = waiter->next;
      claim->count -= waiter->state == TALLY_WAITER_SERVED;
      waiter->complete (waiter);
    }
}

static void
report_looked_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *looked)
{
  TallyConn *next;

  for (TallyConn *conn = looked; conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_looked (&bucket->policy, now, conn);
    }
}

/* Locked before and after: looks at, closes, dials and completes what the policy has put aside. */
static void
work_once_locked (TallyBucket *bucket, Closed *closed)
{
  TallyConn *closing = g_steal_pointer (&bucket->policy.closing);
  TallyConn *to_dial = g_steal_pointer (&bucket->policy.to_dial);
  TallyConn *to_look = g_steal_pointer (&bucket->policy.to_look);
  TallyWaiter *ready = in_order_of_arrival (g_steal_pointer (&bucket->ready));
  guint forks = bucket->forks;
  g_autoptr (GPtrArray) given_up =
      bucket->policy.gives_up ? tally_dials_dup_locked (bucket, TRUE) : NULL;
  g_autoptr (GError) error = NULL;
  TallyConn *failed;
  TallyClaim claim;
  TallyInstant now;

  bucket->policy.gives_up = FALSE;
  tally_bucket_schedule_locked (bucket);
  pthread_mutex_unlock (&bucket->lock);
  tally_dials_cancel (given_up);
  tally_conns_look (to_look);
  failed = tally_dial_on_threads (bucket, to_dial, forks, &error);
  tally_claim_push (&claim, bucket,
                    count_conns (closing) + count_conns (failed) + count_conns (to_look), NULL);
  complete (ready, &claim);
  close_connections (closing);
  tally_claim_pop (&claim);
  if (closing != NULL)
    prepare_to_tell (bucket, closed);
  tally_bucket_lock (bucket);
  if (bucket->forks != forks)
    return; /* a handler has forked, and this is the child: they are the parent's */
  tally_bucket_now_locked (bucket, &now);
  report_looked_locked (bucket, &now, to_look);
  report_failed_locked (bucket, &now, failed, error);
  report_closed_locked (bucket, &now, closing, closed);
}

/* Works until there is no more to do. Listeners hear of a close when its place is free and what
 * that makes possible has begun, so that a handler may borrow or take its time; but before the
 * pool's close returns. */
static G_GNUC_NO_INLINE void
work_locked (TallyBucket *bucket)
{
  Closed closed = { .may_tell = FALSE };

  do
    work_once_locked (bucket, &closed);
  while (has_work_locked (bucket));
  pthread_mutex_unlock (&bucket->lock);
  tell_closed (bucket, &closed);
  tally_bucket_lock (bucket);
}

/* Unlocks, after having done, without the lock, what the policy asked for; that may make it ask for
 * more. The caller's reference to @bucket must outlive it, whatever handlers do. */
void
tally_bucket_work_and_unlock (TallyBucket *bucket)
{
  TallyPoolCore *core = bucket->core;
  gint64 due = G_MAXINT64;
  gboolean closed;

  while (G_UNLIKELY (has_work_locked (bucket)))
    work_locked (bucket);
  if (G_UNLIKELY (bucket->wanted < bucket->due))
    due = bucket->due = bucket->wanted;
  bucket->wanted = G_MAXINT64;
  closed = bucket->policy.closed;
  if (G_UNLIKELY (bucket->policy.options.max_idle_total > 0))
    tally_totals_publish_idle_locked (bucket);
  if (G_UNLIKELY (__atomic_load_n (&bucket->is_held_back, __ATOMIC_RELAXED)))
    tally_totals_publish_wait_locked (bucket);
  tally_policy_check_valid (&bucket->policy);
  pthread_mutex_unlock (&bucket->lock);
  if (G_UNLIKELY (due != G_MAXINT64) && !tally_reaper_schedule (core, due))
    {
      pthread_mutex_lock (&bucket->lock);
      bucket->due = G_MAXINT64; /* the next that unlocks tries again */
      bucket->wanted = MIN (bucket->wanted, due);
      pthread_mutex_unlock (&bucket->lock);
    }
  if (G_UNLIKELY (closed))
    tally_core_changed (core);
  if (G_UNLIKELY (tally_totals_need_balance (core)))
    tally_totals_balance (core);
}
