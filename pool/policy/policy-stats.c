/* Owns what a pool counts: histograms and snapshots. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/**
 * tally_close_reason_to_string:
 * @reason: a reason
 *
 * Returns: (transfer none): its name as messages and dumps show it: "idle", "lifetime"
 */
const gchar *
tally_close_reason_to_string (TallyCloseReason reason)
{
  static const gchar *const names[TALLY_N_CLOSE_REASONS] = {
    [TALLY_CLOSE_NONE] = "none",         [TALLY_CLOSE_BROKEN] = "broken",
    [TALLY_CLOSE_UNREAD] = "unread",     [TALLY_CLOSE_DEAD] = "dead",
    [TALLY_CLOSE_STALE] = "stale",       [TALLY_CLOSE_IDLE] = "idle",
    [TALLY_CLOSE_LIFETIME] = "lifetime", [TALLY_CLOSE_LIMIT] = "limit",
    [TALLY_CLOSE_EVICTED] = "evicted",   [TALLY_CLOSE_CLEARED] = "cleared",
    [TALLY_CLOSE_RETIRED] = "retired",   [TALLY_CLOSE_RESET] = "reset",
    [TALLY_CLOSE_POOL] = "pool",
  };

  g_return_val_if_fail ((guint) reason < TALLY_N_CLOSE_REASONS, "unknown");
  return names[reason];
}

/**
 * tally_histogram_get_bin_start:
 * @bin: which of a histogram's bins, from 0; at most TALLY_HISTOGRAM_BINS, for where the last one ends
 *
 * Returns: microseconds: the least time that falls into @bin, and before which the bin before it ends
 */
gint64
tally_histogram_get_bin_start (guint bin)
{
  g_return_val_if_fail (bin <= TALLY_HISTOGRAM_BINS, 0);
  /* two bins for each power of two, as tally_histogram_count () has it */
  return bin < 2 ? bin : (gint64) (2 + bin % 2) << (bin / 2 - 1);
}

/**
 * tally_histogram_add:
 * @histogram: a histogram
 * @microseconds: a time; a negative one counts as 0
 *
 * Adds a value. Not thread-safe.
 */
void
tally_histogram_add (TallyHistogram *histogram, gint64 microseconds)
{
  tally_histogram_count (histogram, (guint64) MAX (microseconds, 0));
}

/**
 * tally_histogram_quantile:
 * @histogram: a histogram
 * @share: from 0 to 1: 0.5 for the median
 *
 * Returns: microseconds: the smallest limit of a bin that at least @share of the values do not exceed,
 *   never more than the maximum; 0 for an empty histogram
 */
guint64
tally_histogram_quantile (const TallyHistogram *histogram, gdouble share)
{
  guint64 wanted = (guint64) (share * (gdouble) histogram->count + 0.9999);
  guint64 seen = 0;

  if (histogram->count == 0)
    return 0;
  wanted = CLAMP (wanted, 1, histogram->count);
  for (guint bin = 0; bin < TALLY_HISTOGRAM_BINS - 1; bin++)
    {
      seen += histogram->bins[bin];
      if (seen >= wanted)
        {
          guint64 greatest = (guint64) tally_histogram_get_bin_start (bin + 1) - 1;

          return MIN (greatest, histogram->max);
        }
    }
  return histogram->max;
}

/* ---- snapshots ---- */

/* The counters are kept in `stats`; the gauges come from the state itself. What is out of the books, which is nothing
 * but where invariants are looked at, was idle when it left them. */
void
tally_policy_snapshot (const TallyPolicy *self,
                       const TallyInstant *now,
                       TallyPoolSnapshot *snapshot)
{
  *snapshot = self->stats;
  snapshot->open = tally_policy_open (self);
  snapshot->idle = self->n_idle + self->n_own;
  snapshot->busy = self->n_busy;
  snapshot->dialing = self->n_dialing;
  snapshot->closing = self->n_closing;
  snapshot->waiting = self->waiting;
  snapshot->pending = self->waiting + self->n_owned;
  snapshot->oldest_wait = self->first != NULL ? now->mono - self->first->arrived : 0;
  snapshot->releases = self->stats.hold_time.count;
  snapshot->borrows = self->stats.hits + self->stats.dials + self->stats.waits - self->stats.stale;
}

static void
add_histogram (TallyHistogram *sum, const TallyHistogram *histogram)
{
  sum->count += histogram->count;
  sum->sum += histogram->sum;
  sum->max = MAX (sum->max, histogram->max);
  for (guint i = 0; i < TALLY_HISTOGRAM_BINS; i++)
    sum->bins[i] += histogram->bins[i];
}

void
tally_snapshot_add (TallyPoolSnapshot *sum, const TallyPoolSnapshot *part)
{
#define ADD(field) sum->field += part->field
  ADD (open);
  ADD (idle);
  ADD (busy);
  ADD (dialing);
  ADD (closing);
  ADD (leases);
  ADD (waiting);
  ADD (pending);
  ADD (requests);
  ADD (borrows);
  ADD (hits);
  ADD (dials);
  ADD (waits);
  ADD (stale);
  ADD (releases);
  ADD (timeouts);
  ADD (cancelled);
  ADD (full);
  ADD (backoff);
  ADD (closed);
  ADD (dial_errors);
  ADD (dials_started);
  ADD (dials_done);
  ADD (dials_failed);
  ADD (leaks);
  ADD (refused);
  ADD (late_replies);
  ADD (estimates);
#undef ADD
  for (guint i = 0; i < TALLY_N_CLOSE_REASONS; i++)
    sum->closes[i] += part->closes[i];
  sum->oldest_wait = MAX (sum->oldest_wait, part->oldest_wait);
  add_histogram (&sum->wait_time, &part->wait_time);
  add_histogram (&sum->dial_time, &part->dial_time);
  add_histogram (&sum->hold_time, &part->hold_time);
}
