/* Owns when a pool's reaper is to look at the buckets, and that there is one once something is due. */
#include "reaper-private.h"

#include "threads-private.h"

/* For how long the machine has been suspended since it was started. */
gint64
tally_read_suspension (void)
{
  return tally_read_clock (CLOCK_BOOTTIME) - tally_read_clock (CLOCK_MONOTONIC);
}

/* Has the reaper look at the buckets at @due, or before. Not under any lock. FALSE when there is no
 * thread for it. */
gboolean
tally_reaper_schedule (TallyPoolCore *core, gint64 due)
{
  gboolean is_scheduled = TRUE;

  pthread_mutex_lock (&core->lock);
  if (!core->closed && (due + TALLY_REAPER_SLACK < core->reap_at || !core->reaper_runs))
    {
      core->reap_at = MIN (core->reap_at, due + TALLY_REAPER_SLACK);
      if (core->reaper_runs)
        pthread_cond_signal (&core->reaper_wake);
      else
        {
          core->suspension = tally_read_suspension ();
          core->reaper_runs = tally_run_on_thread_locked (core, core->run_reaper, core);
        }
      is_scheduled = core->reaper_runs;
    }
  pthread_mutex_unlock (&core->lock);
  return is_scheduled;
}
