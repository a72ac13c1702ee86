/* Owns the life of what a TallyPool, its buckets and its threads share. */
#include "core-private.h"

TallyPoolCore *
tally_core_ref (TallyPoolCore *core)
{
  __atomic_add_fetch (&core->ref_count, 1, __ATOMIC_RELAXED);
  return core;
}

void
tally_core_unref (TallyPoolCore *core)
{
  if (__atomic_sub_fetch (&core->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  tally_fork_unwatch (&core->fork_watch);
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    tally_hook_unref (core->hooks[i]);
  g_weak_ref_clear (&core->pool);
  g_hash_table_unref (core->buckets);
  g_ptr_array_unref (core->fleets);
  pthread_cond_destroy (&core->reaper_wake);
  sem_destroy (&core->rest_over);
  pthread_cond_destroy (&core->changed);
  pthread_mutex_destroy (&core->totals_lock);
  pthread_mutex_destroy (&core->survey_lock);
  pthread_mutex_destroy (&core->lock);
  g_free (core);
}

/* Wakes a close, which may wait for what has just happened. Not under any lock. */
void
tally_core_changed (TallyPoolCore *core)
{
  pthread_mutex_lock (&core->lock);
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}
