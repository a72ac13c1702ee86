/* Owns the threads that a pool starts for one job each: dials that outlive their caller, checks
 * that may block for a caller that has no thread. Each ends with its job; close waits until none is
 * left. */
#include "pool-private.h"

#include <errno.h>

typedef struct
{
  TallyPoolCore *core; /* a reference */
  gpointer (*function) (gpointer data);
  gpointer data;
} Job;

/* On such a thread, the pool that it works for. */
static __thread TallyPoolCore *working_for;

/* How many such threads of @core this thread is: 1 or 0. */
guint
tally_threads_count_mine (TallyPoolCore *core)
{
  return working_for == core;
}

static gpointer
run (gpointer data)
{
  Job *job = data;
  TallyPoolCore *core = job->core;
  pthread_t self = pthread_self ();

  pthread_setname_np (self, "tally-dial");
  working_for = core;
  job->function (job->data);
  g_free (job);
  pthread_mutex_lock (&core->lock);
  core->n_threads--;
  if (core->close_done) /* this very job has closed the pool: nobody joins it */
    pthread_detach (self);
  else
    g_array_append_val (core->finished, self);
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
  tally_core_unref (core);
  return NULL;
}

/* Not under any lock. */
void
tally_threads_join_finished (TallyPoolCore *core)
{
  g_autoptr (GArray) finished = NULL;

  pthread_mutex_lock (&core->lock);
  if (core->finished->len > 0)
    {
      finished = core->finished;
      core->finished = g_array_new (FALSE, FALSE, sizeof (pthread_t));
    }
  pthread_mutex_unlock (&core->lock);
  for (guint i = 0; finished != NULL && i < finished->len; i++)
    pthread_join (g_array_index (finished, pthread_t, i), NULL);
}

/* Not under any lock. FALSE, with errno set, when no thread could be made. */
gboolean
tally_run_on_thread (TallyPoolCore *core, gpointer (*function) (gpointer data), gpointer data)
{
  Job *job = g_new (Job, 1);
  pthread_t thread;
  int status;

  *job = (Job){ tally_core_ref (core), function, data };
  tally_threads_join_finished (core);
  pthread_mutex_lock (&core->lock);
  core->n_threads++;
  pthread_mutex_unlock (&core->lock);
  status = pthread_create (&thread, NULL, run, job);
  if (status == 0)
    return TRUE;
  pthread_mutex_lock (&core->lock);
  core->n_threads--;
  pthread_mutex_unlock (&core->lock);
  tally_core_unref (core);
  g_free (job);
  errno = status;
  return FALSE;
}
