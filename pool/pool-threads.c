/* Owns the threads that a pool starts for one job each: dials that outlive their caller, checks
 * that may block for a caller that has no thread, the reaper. Each ends with its job; close waits
 * until none is left. */
#include "threads-private.h"

#include <errno.h>

struct _TallyJob
{
  TallyPoolCore *core; /* a reference, while it runs */
  gpointer (*function) (gpointer data);
  gpointer data;
  pthread_t thread;
  TallyJob *next; /* of those that have ended */
};

/* On such a thread, the pool that it works for. */
static TALLY_THREAD_LOCAL TallyPoolCore *working_for;

/* How many such threads of @core this thread is: 1 or 0. */
guint
tally_threads_count_mine (TallyPoolCore *core)
{
  return working_for == core;
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

/* Not under any lock. */
void
tally_threads_join_finished (TallyPoolCore *core)
{
  TallyJob *finished;
  TallyJob *next;

  pthread_mutex_lock (&core->lock);
  finished = g_steal_pointer (&core->finished);
  pthread_mutex_unlock (&core->lock);
  for (TallyJob *job = finished; job != NULL; job = next)
    {
      next = job->next;
      pthread_join (job->thread, NULL);
      g_free (job);
    }
}

/* With the core's lock. FALSE, with errno set, when no thread could be made, or may be: of a pool that
 * is closed close has joined the last. */
gboolean
tally_run_on_thread_locked (TallyPoolCore *core,
                            gpointer (*function) (gpointer data),
                            gpointer data)
{
  TallyJob *job = g_new (TallyJob, 1);
  pthread_t thread;
  int status;

  *job = (TallyJob){ .core = tally_core_ref (core), .function = function, .data = data };
  status = core->closed ? ESHUTDOWN : pthread_create (&thread, NULL, run_job, job);
  if (status == 0)
    {
      core->n_threads++;
      return TRUE;
    }
  tally_core_unref (core);
  g_free (job);
  errno = status;
  return FALSE;
}

/* As tally_run_on_thread_locked (), not under any lock. */
gboolean
tally_run_on_thread (TallyPoolCore *core, gpointer (*function) (gpointer data), gpointer data)
{
  gboolean done;

  tally_threads_join_finished (core);
  pthread_mutex_lock (&core->lock);
  done = tally_run_on_thread_locked (core, function, data);
  pthread_mutex_unlock (&core->lock);
  return done;
}
