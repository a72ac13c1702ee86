/* Owns dials on threads of the pool: for borrowers that have no thread to dial on, or must be free to leave at
 * its deadline, or with another connection, while the dial goes on. A dial by a hook has a thread of its own, which
 * ends with it. */
#include "dials-private.h"

#include <errno.h>

#include "claims-private.h"
#include "glib-gate-private.h"
#include "threads-private.h"
#include "work-private.h"

typedef struct
{
  TallyBucket *bucket; /* a reference */
  TallyConn *conn;     /* in state DIALING: this job's alone */
  guint forks;         /* the bucket's when it began */
  GCancellable *cancellable;
  TallyClaim claim; /* on the job's thread */
} DialJob;

static void
finish (DialJob *job, gpointer transport, const GError *error)
{
  TallyPolicy *policy = &job->bucket->policy;
  TallyInstant now;
  gint64 duration = g_get_monotonic_time () - job->conn->dial_started;

  if (transport != NULL)
    tally_bucket_emit (job->bucket,
                       &(TallyPoolEvent){ .kind = TALLY_POOL_EVENT_OPENED, .duration = duration });
  tally_claim_pop (&job->claim);
  tally_bucket_lock (job->bucket);
  tally_bucket_now_locked (job->bucket, &now);
  if (job->bucket->forks == job->forks)
    job->conn->cancellable = NULL;
  if (job->bucket->forks != job->forks)
    g_debug ("pool: a dial that the parent process began has ended in its child");
  else if (transport == NULL)
    tally_policy_dial_failed (policy, &now, job->conn, error, NULL);
  else
    {
      if (duration <= TALLY_QUICK_DIAL && tally_bucket_may_be_quick (job->bucket))
        policy->quick = TRUE;
      tally_policy_dial_done (policy, &now, job->conn, transport, NULL);
    }
  tally_bucket_schedule_locked (job->bucket);
  tally_bucket_work_and_unlock (job->bucket);
  tally_bucket_unref (job->bucket);
  tally_glib_begin ();
  g_object_unref (job->cancellable);
  tally_glib_end ();
  g_free (job);
}

static gpointer
run_dial (gpointer data)
{
  DialJob *job = data;
  TallyBucket *bucket = job->bucket;
  TallyConn *conn = job->conn;
  g_autoptr (GError) error = NULL;
  gpointer transport = NULL;
  gboolean closed, given_up;
  TallyDialTerms terms;

  tally_claim_push (&job->claim, bucket, 1, NULL);
  tally_glib_begin ();
  job->cancellable = g_cancellable_new ();
  tally_glib_end ();
  pthread_mutex_lock (&bucket->lock);
  conn->cancellable = job->cancellable;
  terms = tally_dial_get_terms_locked (bucket,
                                       conn->dial_started + bucket->policy.options.connect_timeout,
                                       job->cancellable);
  terms.hook = tally_bucket_take_hook_locked (bucket, TALLY_HOOK_DIAL);
  closed = bucket->policy.closed;
  given_up = conn->given_up;
  pthread_mutex_unlock (&bucket->lock);
  if (given_up) /* before there was anything to cancel */
    g_cancellable_cancel (job->cancellable);
  if (closed)
    g_set_error (&error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, "%s: the pool is closed",
                 tally_endpoint_get_uri (bucket->endpoint));
  else
    transport = tally_dial_conn (bucket, conn, &terms, &error);
  finish (job, transport, error);
  return NULL;
}

static gboolean
start (TallyBucket *bucket, TallyConn *conn, guint forks)
{
  DialJob *job = g_new (DialJob, 1);
  gboolean is_own;

  *job = (DialJob){ .bucket = tally_bucket_ref (bucket), .conn = conn, .forks = forks };
  pthread_mutex_lock (&bucket->lock);
  is_own = bucket->hooks[TALLY_HOOK_DIAL] == NULL;
  pthread_mutex_unlock (&bucket->lock);
  if (tally_run_on_thread (bucket->core, run_dial, job, is_own))
    return TRUE;
  tally_bucket_unref (bucket);
  g_free (job);
  return FALSE;
}

/* Not under any lock. Dials each of @conns on a thread of its own. (transfer full): those for which
 * there is no thread, and @error then says why. @forks: the bucket's, when it asked for the dials. */
TallyConn *
tally_dial_on_threads (TallyBucket *bucket, TallyConn *conns, guint forks, GError **error)
{
  TallyConn *failed = NULL;
  TallyConn *next;

  for (TallyConn *conn = conns; conn != NULL; conn = next)
    {
      next = conn->next;
      if (start (bucket, conn, forks))
        continue;
      if (*error == NULL)
        g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "%s: no thread to dial on: %s",
                     tally_endpoint_get_uri (bucket->endpoint), g_strerror (errno));
      conn->failed_here = TRUE;
      conn->next = failed;
      failed = conn;
    }
  return failed;
}
