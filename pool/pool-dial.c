/* Owns where a dial runs. A short one runs on the thread of the borrower that wants it; one that
 * takes longer than DIAL_ON_CALLER, or has no such thread, runs on a thread of its own, which ends
 * with it, so that its caller can leave at its deadline, or with another connection, while the dial
 * goes on. */
#include "pool-private.h"
#include "dial-private.h"
#include "socket-private.h"

#include <errno.h>

/* For so long a borrower dials itself, deaf to connections that come back. A dial within the same
 * host or site takes less, and pays no thread; anything longer is dialed on a thread from the next
 * time on. */
#define DIAL_ON_CALLER (2 * G_TIME_SPAN_MILLISECOND)
/* A dial on a thread that took no longer makes borrowers try it themselves again. */
#define QUICK_DIAL (DIAL_ON_CALLER / 2)

typedef struct
{
  TallyBucket *bucket; /* a reference */
  TallyConn *conn;     /* a slot in state DIALING: this job's alone */
  guint forks;         /* the bucket's when it began */
  GCancellable *cancellable;
  TallyClaim claim; /* on the job's thread */
} DialJob;

/* On what terms a dial runs. */
typedef struct
{
  TallyHook *hook; /* (nullable): used up */
  gint64 deadline;
  GCancellable *cancellable;
  gint64 tcp_keepalive; /* of what the pool dials itself */
  gint64 tcp_user_timeout;
} Terms;

/* With the lock. */
static Terms
get_terms_locked (const TallyBucket *bucket, gint64 deadline, GCancellable *cancellable)
{
  const TallyPoolOptions *options = &bucket->policy.options;
  gboolean is_tcp = tally_endpoint_get_scheme (bucket->endpoint) != TALLY_SCHEME_UNIX;

  return (Terms){ .deadline = deadline,
                  .cancellable = cancellable,
                  .tcp_keepalive = is_tcp ? options->tcp_keepalive : 0,
                  .tcp_user_timeout = is_tcp ? options->tcp_user_timeout : 0 };
}

static gpointer
dial_socket (TallyBucket *bucket, const Terms *terms, GError **error)
{
  TallySocket *socket =
      tally_socket_dial (bucket->endpoint, terms->deadline, terms->cancellable, error);

  if (socket != NULL)
    tally_dial_watch_peer (&socket->stream, terms->tcp_keepalive, terms->tcp_user_timeout);
  return socket;
}

/* Without the lock. A hook may dial as the pool does. */
static gpointer
dial (TallyBucket *bucket, TallyConn *conn, const Terms *terms, GError **error)
{
  gpointer transport;

  tally_dial_take_failed_here ();
  if (terms->hook != NULL)
    transport = tally_hook_dial (bucket, terms->hook, terms->deadline, terms->cancellable, error);
  else
    transport = dial_socket (bucket, terms, error);
  if (transport == NULL)
    conn->failed_here = tally_dial_take_failed_here ()
                        || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  conn->socket = transport != NULL && TALLY_IS_SOCKET (transport) ? transport : NULL;
  return transport;
}

/* ---- on a thread ---- */

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
      if (duration <= QUICK_DIAL && job->bucket->hooks[TALLY_HOOK_DIAL] == NULL)
        policy->quick = TRUE;
      tally_policy_dial_done (policy, &now, job->conn, transport, NULL);
    }
  tally_bucket_schedule_locked (job->bucket);
  tally_bucket_unlock (job->bucket);
  tally_bucket_unref (job->bucket);
  tally_glib_begin ();
  g_object_unref (job->cancellable);
  tally_glib_end ();
  g_free (job);
}

/* (transfer full): the cancellables of the dials on threads, or of those that shall end. With the lock. */
GPtrArray *
tally_dials_dup_locked (TallyBucket *bucket, gboolean only_given_up)
{
  GPtrArray *dials = g_ptr_array_new_with_free_func (g_object_unref);

  for (TallyConn *conn = bucket->policy.conns; conn != NULL; conn = conn->older)
    if (conn->cancellable != NULL && (conn->given_up || !only_given_up))
      g_ptr_array_add (dials, g_object_ref (conn->cancellable));
  return dials;
}

/* Not under any lock. @dials (nullable). */
void
tally_dials_cancel (GPtrArray *dials)
{
  for (guint i = 0; dials != NULL && i < dials->len; i++)
    g_cancellable_cancel (g_ptr_array_index (dials, i));
}

/* (transfer full): what is cancelled when the pool closes. With the lock. */
GCancellable *
tally_bucket_dup_closing_locked (TallyBucket *bucket)
{
  if (bucket->closing == NULL)
    bucket->closing = g_cancellable_new ();
  return g_object_ref (bucket->closing);
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
  Terms terms;

  tally_claim_push (&job->claim, bucket, 1, NULL);
  tally_glib_begin ();
  job->cancellable = g_cancellable_new ();
  tally_glib_end ();
  pthread_mutex_lock (&bucket->lock);
  conn->cancellable = job->cancellable;
  terms = get_terms_locked (bucket, conn->dial_started + bucket->policy.options.connect_timeout,
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
    transport = dial (bucket, conn, &terms, &error);
  finish (job, transport, error);
  return NULL;
}

static gboolean
start (TallyBucket *bucket, TallyConn *conn, guint forks)
{
  DialJob *job = g_new (DialJob, 1);

  *job = (DialJob){ .bucket = tally_bucket_ref (bucket), .conn = conn, .forks = forks };
  if (tally_run_on_thread (bucket->core, run_dial, job))
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

/* ---- on the borrower's thread ---- */

/* Locked before and after. @waiter has a permit. Afterwards it is served, has failed, or waits in
 * the queue while a thread dials. */
void
tally_dial_on_caller (TallyBucket *bucket, TallyWaiter *waiter, GCancellable *cancellable)
{
  TallyPolicy *policy = &bucket->policy;
  TallyConn *conn = waiter->permit;
  gint64 deadline =
      MIN (waiter->deadline,
           conn->dial_started + MIN (policy->options.connect_timeout, DIAL_ON_CALLER));
  Terms terms = get_terms_locked (bucket, deadline, cancellable);
  guint forks = bucket->forks;
  g_autoptr (GError) error = NULL;
  gpointer transport;
  TallyInstant now;

  /* A connection for one call that ends at its deadline is not worth four system calls. */
  if (tally_endpoint_get_mode (bucket->endpoint) == TALLY_MODE_UNPOOLED
      && waiter->limit != G_MAXINT64)
    terms.tcp_keepalive = terms.tcp_user_timeout = 0;
  tally_bucket_unlock (bucket);
  transport = dial (bucket, conn, &terms, &error);
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
      if (now.mono - conn->dial_started >= DIAL_ON_CALLER)
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
