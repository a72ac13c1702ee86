/* Owns the gate that keeps a fork from happening while a thread may hold one of GLib's locks (rule 22). */
#include "glib-gate-private.h"

#include "thread-local-internal.h"

#include <sched.h>

static gint n_inside; /* atomic: threads between begin and end */
static gint is_shut;  /* atomic: a thread forks */
static TALLY_THREAD_LOCAL guint depth;

/* GLib does nothing about its locks when a process forks: one that a thread of the pool holds at
 * that moment would stay locked in the child for ever. So no fork happens between these two. They
 * surround what does not block, runs no foreign code and takes no lock of Tally's. */
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

void
tally_glib_gate_shut (void)
{
  __atomic_store_n (&is_shut, TRUE, __ATOMIC_SEQ_CST);
  while (__atomic_load_n (&n_inside, __ATOMIC_SEQ_CST) > (depth > 0))
    sched_yield ();
}

void
tally_glib_gate_open (void)
{
  __atomic_store_n (&is_shut, FALSE, __ATOMIC_SEQ_CST);
}

void
tally_glib_gate_start_anew (void)
{
  n_inside = depth > 0;
  tally_glib_gate_open ();
}
