/* Owns the threads that a pool starts: for dials that outlive their caller, checks that may block for a caller
 * that has no thread, the reaper. One whose job ran no foreign code rests for a moment before it ends, and takes
 * the next such job: to make and to end threads costs their process locks of the C library and of the kernel for
 * which main loops wait. Close waits until none is left. */
#include "threads-private.h"

#include <errno.h>

/* So many threads rest at most. */
#define MAX_RESTING 16

struct _TallyJob
{
  TallyPoolCore *core; /* a reference, while it runs */
  gpointer (*function) (gpointer data);
  gpointer data;
  gboolean may_rest; /* its thread, afterwards */
  pthread_t thread;
  TallyJob *next; /* of those that have ended, or that wait for a thread that rests */
};

/* On such a thread, the pool that it works for. */
static TALLY_THREAD_LOCAL TallyPoolCore *working_for;

/* How many such threads of @core this thread is: 1 or 0. */
guint
tally_threads_count_mine (TallyPoolCore *core)
{
  return working_for == core;
}

/* With the core's lock before and after. A thread that ends joins those that ended before it: to wait until such
 * a thread is gone may take as long as it has no processor, which is no borrower's to wait for and no main
 * loop's. */
static void
join_finished_locked (TallyPoolCore *core)
{
  while (core->finished != NULL)
    {
      TallyJob *finished = g_steal_pointer (&core->finished);
      TallyJob *next;

      pthread_mutex_unlock (&core->lock);
      for (TallyJob *job = finished; job != NULL; job = next)
        {
          next = job->next;
          pthread_join (job->thread, NULL);
          g_free (job);
        }
      pthread_mutex_lock (&core->lock);
    }
}

/* With the core's lock, of a pool that is closed. */
void
tally_threads_end_rest_locked (TallyPoolCore *core)
{
  for (guint i = 0; i < core->n_resting; i++)
    sem_post (&core->rest_over);
}

/* Not under any lock. */
void
tally_threads_join_finished (TallyPoolCore *core)
{
  pthread_mutex_lock (&core->lock);
  join_finished_locked (core);
  pthread_mutex_unlock (&core->lock);
}

/* FALSE when @until has passed. */
static gboolean
await_job (TallyPoolCore *core, gint64 until)
{
  struct timespec time = { until / G_USEC_PER_SEC, until % G_USEC_PER_SEC * 1000 };
  gint result;

  do
    result = sem_clockwait (&core->rest_over, CLOCK_MONOTONIC, &time);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

/* With the core's lock before and after. (nullable): the job that came while this thread rested. */
static TallyJob *
rest_locked (TallyPoolCore *core)
{
  gint64 until = g_get_monotonic_time () + core->rest_us;
  gboolean is_in_time = TRUE;
  TallyJob *job;

  core->n_resting++;
  while (core->handed == NULL && !core->closed && is_in_time)
    {
      pthread_mutex_unlock (&core->lock);
      is_in_time = await_job (core, until);
      pthread_mutex_lock (&core->lock);
    }
  job = core->handed;
  if (job != NULL)
    core->handed = job->next;
  else
    core->n_resting--;
  return job;
}

static TallyJob *
job_new (gpointer (*function) (gpointer data), gpointer data, gboolean may_rest)
{
  TallyJob *self = g_new (TallyJob, 1);

  *self = (TallyJob){ .function = function, .data = data, .may_rest = may_rest };
  return self;
}

/* With the core's lock. Gives @job to a thread that rests, if there is one. pthread_cond_signal () would do, but may wait
 * for threads that were signalled before. */
static gboolean
hand_locked (TallyPoolCore *core, TallyJob *job)
{
  if (core->n_resting == 0 || core->closed)
    return FALSE;
  core->n_resting--;
  job->next = core->handed;
  core->handed = job;
  sem_post (&core->rest_over);
  return TRUE;
}

/* With the core's lock before and after: @job is its thread's own, and the jobs after it are only run here. */
static void
run_more_locked (TallyPoolCore *core, const TallyJob *job)
{
  TallyJob *next = NULL;

  while (job->may_rest && core->n_resting < MAX_RESTING && (next = rest_locked (core)) != NULL)
    {
      pthread_mutex_unlock (&core->lock);
      next->function (next->data);
      g_free (next);
      pthread_mutex_lock (&core->lock);
    }
}

static gpointer
run_job (gpointer data)
{
  TallyJob *job = data;
  TallyPoolCore *core = job->core;

  job->thread = pthread_self ();
  pthread_setname_np (job->thread, "tally-dial");
  working_for = core;
  job->function (job->data);
  pthread_mutex_lock (&core->lock);
  run_more_locked (core, job);
  join_finished_locked (core);
  core->n_threads--;
  if (core->close_done && core->closers == NULL) /* its hook closed the pool: no thread joins it */
    {
      pthread_detach (job->thread);
      g_free (job);
    }
  else
    {
      job->next = core->finished;
      core->finished = job;
    }
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
  tally_core_unref (core);
  return NULL;
}

/* FALSE, with errno set, when no thread could be made. It counts already. Consumes @job. */
static gboolean
make_thread (TallyPoolCore *core, TallyJob *job)
{
  pthread_t thread;
  int status;

  job->core = tally_core_ref (core);
  status = pthread_create (&thread, NULL, run_job, job);
  if (status == 0)
    return TRUE;
  tally_core_unref (core);
  g_free (job);
  errno = status;
  return FALSE;
}

/* With the core's lock: TRUE where there may be one more, which counts from now on. Of a pool that is closed close
 * has joined the last. */
static gboolean
may_run_locked (TallyPoolCore *core)
{
  core->n_threads += !core->closed;
  errno = ESHUTDOWN;
  return !core->closed;
}

static void
count_out_locked (TallyPoolCore *core)
{
  core->n_threads--;
  pthread_cond_broadcast (&core->changed);
}

/* With the core's lock. FALSE, with errno set, when no thread could be made, or may be. */
gboolean
tally_run_on_thread_locked (TallyPoolCore *core,
                            gpointer (*function) (gpointer data),
                            gpointer data)
{
  if (!may_run_locked (core))
    return FALSE;
  if (make_thread (core, job_new (function, data, FALSE)))
    return TRUE;
  count_out_locked (core);
  return FALSE;
}

/* As tally_run_on_thread_locked (), not under any lock. @is_own: @function runs no foreign code, and any thread of the
 * pool will do. */
gboolean
tally_run_on_thread (TallyPoolCore *core,
                     gpointer (*function) (gpointer data),
                     gpointer data,
                     gboolean is_own)
{
  TallyJob *job = job_new (function, data, is_own);
  gboolean is_handed, may_run;
  int status;

  pthread_mutex_lock (&core->lock);
  is_handed = is_own && hand_locked (core, job);
  may_run = is_handed || may_run_locked (core);
  pthread_mutex_unlock (&core->lock);
  if (is_handed)
    return TRUE;
  if (!may_run)
    {
      g_free (job);
      errno = ESHUTDOWN;
      return FALSE;
    }
  if (make_thread (core, job)) /* not under the lock: where there are many it takes long */
    return TRUE;
  status = errno;
  pthread_mutex_lock (&core->lock);
  count_out_locked (core);
  pthread_mutex_unlock (&core->lock);
  errno = status;
  return FALSE;
}
