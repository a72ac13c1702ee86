/* Owns what happens when the process forks (rule 22): no watch is in the middle of a change then,
 * and each starts anew in the child. It does not know what the watches are. */
#include "fork-private.h"

#include "glib-gate-private.h"
#include "thread-id-private.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* taken before any watch's lock */
static GPtrArray *watches;                                    /* of TallyForkWatch */

static TallyForkWatch *
get_watch (guint i)
{
  return g_ptr_array_index (watches, i);
}

static void
before_fork (void)
{
  pthread_mutex_lock (&list_lock);
  for (guint i = 0; i < watches->len; i++)
    pthread_mutex_lock (get_watch (i)->lock);
  tally_glib_gate_shut ();
}

static void
in_parent (void)
{
  tally_glib_gate_open ();
  for (guint i = 0; i < watches->len; i++)
    pthread_mutex_unlock (get_watch (i)->lock);
  pthread_mutex_unlock (&list_lock);
}

/* Nothing is allocated here: another thread of the parent may have held the allocator's lock. */
static void
in_child (void)
{
  pthread_mutex_init (&list_lock, NULL);
  tally_glib_gate_start_anew ();
  tally_forget_thread_id ();
  for (guint i = 0; i < watches->len; i++)
    get_watch (i)->start_anew (get_watch (i)->data);
}

void
tally_fork_watch (TallyForkWatch *watch)
{
  pthread_mutex_lock (&list_lock);
  if (watches == NULL)
    {
      watches = g_ptr_array_new ();
      pthread_atfork (before_fork, in_parent, in_child);
    }
  g_ptr_array_add (watches, watch);
  pthread_mutex_unlock (&list_lock);
}

void
tally_fork_unwatch (TallyForkWatch *watch)
{
  pthread_mutex_lock (&list_lock);
  g_ptr_array_remove_fast (watches, watch);
  pthread_mutex_unlock (&list_lock);
}
