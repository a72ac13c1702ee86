/* Owns the end of a pool (rule 19): who is refused, who may finish, what is waited for. */
#include "pool-private.h"

#include <sys/socket.h>

static void
close_bucket (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;
  g_autoptr (GCancellable) dials = NULL;
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_close (&bucket->policy, &now);
  g_set_object (&dials, bucket->dials); /* none begins from now on */
  tally_bucket_unlock (bucket);
  g_cancellable_cancel (dials);
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

/* Ends what borrowers do on the connections they still hold. They keep their descriptors until they
 * release them, so that no number is used twice; under the lock none of them can. */
static void
shut_down_busy (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;

  pthread_mutex_lock (&bucket->lock);
  for (TallyConn *conn = bucket->policy.conns; conn != NULL; conn = conn->older)
    if (conn->state == TALLY_CONN_BUSY && conn->socket != NULL)
      shutdown (tally_socket_get_fd (conn->socket), SHUT_RDWR);
  pthread_mutex_unlock (&bucket->lock);
}

/* With the core's lock, which it gives up while it waits. */
static void
wait_for_threads_locked (TallyPoolCore *core)
{
  while (tally_hooks_run_locked (core) || core->n_threads > tally_threads_count_mine (core))
    pthread_cond_wait (&core->changed, &core->lock);
}

static void
drain (TallyPoolCore *core, GPtrArray *buckets)
{
  gint64 deadline;

  pthread_mutex_lock (&core->lock);
  deadline = g_get_monotonic_time () + core->options.drain_timeout;
  while (count_open (buckets) > 0)
    if (!tally_cond_wait_until (&core->changed, &core->lock, deadline))
      break;
  pthread_mutex_unlock (&core->lock);
  g_ptr_array_foreach (buckets, shut_down_busy, NULL);
}

static void
end_threads (TallyPoolCore *core)
{
  pthread_mutex_lock (&core->lock);
  wait_for_threads_locked (core);
  __atomic_store_n (&core->hooks_ended, TRUE, __ATOMIC_SEQ_CST);
  wait_for_threads_locked (core);
  pthread_mutex_unlock (&core->lock);
  tally_threads_join_finished (core);
}

/* Without @wait nobody who holds a connection is waited for, and none of those is shut down. */
void
tally_core_close (TallyPoolCore *core, gboolean wait)
{
  g_autoptr (GPtrArray) buckets = NULL;

  pthread_mutex_lock (&core->lock);
  if (core->closed)
    {
      /* A hook that closes the pool while somebody does so is among those that are waited for. */
      while (!core->close_done && tally_hooks_count_mine (core) == 0
             && tally_threads_count_mine (core) == 0)
        pthread_cond_wait (&core->changed, &core->lock);
      pthread_mutex_unlock (&core->lock);
      return;
    }
  core->closed = TRUE;
  pthread_mutex_unlock (&core->lock);
  buckets = tally_core_dup_buckets (core);
  g_ptr_array_foreach (buckets, close_bucket, NULL);
  tally_reaper_stop (core);
  if (wait)
    drain (core, buckets);
  end_threads (core);
  pthread_mutex_lock (&core->lock);
  core->close_done = TRUE;
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}
