/* Owns what becomes of pools in a child process (rule 22): each starts anew, empty, as if nothing
 * had been borrowed, and the parent's connections are neither closed nor used. Their descriptors
 * and memory stay, unreachable, until the child execs or exits: closing a transport might say
 * goodbye on a connection that is the parent's.
 *
 * Nothing is allocated here: another thread of the parent may have held the allocator's lock. */
#include "pool-private.h"

#include <sched.h>

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* taken before any core's lock */
static GPtrArray *cores;

/* ---- GLib's locks ---- */

static gint n_inside; /* atomic: threads between begin and end */
static gint is_shut;  /* atomic: a thread forks */
static TALLY_THREAD_LOCAL guint depth;

/* GLib does not see to its locks when a process forks. What a thread of the pool has locked for a moment
 * would stay so in the child for good; so no fork happens between these two. They surround what does not
 * block, runs no foreign code and takes no lock of Tally's. */
void
tally_glib_begin (void)
{
  if (depth++ > 0)
    return;
  while (__atomic_add_fetch (&n_inside, 1, __ATOMIC_SEQ_CST),
         __atomic_load_n (&is_shut, __ATOMIC_SEQ_CST))
    {
      __atomic_sub_fetch (&n_inside, 1, __ATOMIC_SEQ_CST);
      sched_yield ();
    }
}

void
tally_glib_end (void)
{
  if (--depth == 0)
    __atomic_sub_fetch (&n_inside, 1, __ATOMIC_SEQ_CST);
}

/* With the list's lock. */
static void
shut_gate (void)
{
  __atomic_store_n (&is_shut, TRUE, __ATOMIC_SEQ_CST);
  while (__atomic_load_n (&n_inside, __ATOMIC_SEQ_CST) > (depth > 0))
    sched_yield ();
}

static void
open_gate (void)
{
  __atomic_store_n (&is_shut, FALSE, __ATOMIC_SEQ_CST);
}

/* ---- fork ---- */

/* So that no registry of buckets is half changed in the child. Buckets themselves may be: they are
 * not looked at. */
static void
before_fork (void)
{
  pthread_mutex_lock (&list_lock);
  for (guint i = 0; i < cores->len; i++)
    pthread_mutex_lock (&((TallyPoolCore *) g_ptr_array_index (cores, i))->lock);
  shut_gate ();
}

static void
in_parent (void)
{
  open_gate ();
  for (guint i = 0; i < cores->len; i++)
    pthread_mutex_unlock (&((TallyPoolCore *) g_ptr_array_index (cores, i))->lock);
  pthread_mutex_unlock (&list_lock);
}

static void
start_core_anew (TallyPoolCore *core)
{
  pthread_mutex_init (&core->lock, NULL);
  pthread_mutex_init (&core->totals_lock, NULL);
  pthread_mutex_init (&core->survey_lock, NULL);
  tally_cond_init (&core->changed);
  tally_cond_init (&core->reaper_wake);
  core->reaper_runs = core->reaping = FALSE;
  core->reap_at = G_MAXINT64;
  core->close_done = core->closed; /* who was closing it is not here */
  core->closers = NULL;
  core->n_threads = tally_threads_count_mine (core);
  core->n_hooks = tally_hooks_count_mine (core);
  core->open_total = 0;
  core->idle_total = 0;
  core->n_starved = core->n_denied = core->n_yielding = 0;
  g_queue_init (&core->starved);
  g_queue_init (&core->denied);
  core->finished = NULL;
  for (TallyBucket *bucket = core->alive; bucket != NULL; bucket = bucket->older)
    tally_bucket_start_anew (bucket);
}

static void
in_child (void)
{
  pthread_mutex_init (&list_lock, NULL);
  n_inside = depth > 0;
  open_gate ();
  tally_forget_thread_id ();
  for (guint i = 0; i < cores->len; i++)
    start_core_anew (g_ptr_array_index (cores, i));
}

void
tally_fork_watch (TallyPoolCore *core)
{
  pthread_mutex_lock (&list_lock);
  if (cores == NULL)
    {
      cores = g_ptr_array_new ();
      pthread_atfork (before_fork, in_parent, in_child);
    }
  g_ptr_array_add (cores, core);
  pthread_mutex_unlock (&list_lock);
}

void
tally_fork_unwatch (TallyPoolCore *core)
{
  pthread_mutex_lock (&list_lock);
  g_ptr_array_remove_fast (cores, core);
  pthread_mutex_unlock (&list_lock);
}
