/* Owns dials on the thread of the borrower that wants one: short ones. A longer one goes on on a
 * thread. */
#include "dials-private.h"

#include "work-private.h"

/* A connection for one call, which ends at its deadline, is not worth what watches over one that is kept: the kernel's look
 * at a peer that has gone without a word takes four system calls, and the stream itself three (TALLY_DIAL_FOR_ONE_CALL). */
static void
dial_for_one_call (TallyBucket *bucket, const TallyWaiter *waiter, TallyDialTerms *terms)
{
  if (tally_endpoint_get_mode (bucket->endpoint) != TALLY_MODE_UNPOOLED
      || waiter->limit == G_MAXINT64)
    return;
  terms->tcp_keepalive = terms->tcp_user_timeout = 0;
  if (waiter->unused && tally_endpoint_get_scheme (bucket->endpoint) != TALLY_SCHEME_TLS)
    terms->manner = TALLY_DIAL_FOR_ONE_CALL;
}

/* Locked before and after. @waiter has a permit. Afterwards it is served, has failed, or waits in
 * the queue while a thread dials. */
void
tally_dial_on_caller (TallyBucket *bucket, TallyWaiter *waiter, GCancellable *cancellable)
{
  TallyPolicy *policy = &bucket->policy;
  TallyConn *conn = waiter->permit;
  gint64 deadline =
      MIN (waiter->deadline,
           conn->dial_started + MIN (policy->options.connect_timeout, TALLY_DIAL_ON_CALLER));
  TallyDialTerms terms = tally_dial_get_terms_locked (bucket, deadline, cancellable);
  guint forks = bucket->forks;
  g_autoptr (GError) error = NULL;
  gpointer transport;
  TallyInstant now;

  dial_for_one_call (bucket, waiter, &terms);
  tally_bucket_work_and_unlock (bucket);
  transport = tally_dial_conn (bucket, conn, &terms, &error);
  if (transport != NULL)
    tally_bucket_emit (bucket, &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_OPENED,
                                                  .label = waiter->label,
                                                  .thread = waiter->thread,
                                                  .duration = g_get_monotonic_time ()
                                                              - conn->dial_started });
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (bucket->forks != forks)
    tally_policy_ask_in_child (policy, &now, waiter);
  else if (transport != NULL)
    tally_policy_dial_done (policy, &now, conn, transport, waiter);
  else if (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT)
           || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (now.mono - conn->dial_started >= TALLY_DIAL_ON_CALLER)
        policy->quick = FALSE;
      tally_policy_permit_to_thread (policy, &now, waiter);
      if (g_cancellable_is_cancelled (cancellable))
        tally_policy_leave (policy, &now, waiter, TALLY_REFUSAL_CANCELLED);
    }
  else
    {
      tally_policy_dial_failed (policy, &now, conn, error, waiter);
      tally_bucket_schedule_locked (bucket);
    }
}
