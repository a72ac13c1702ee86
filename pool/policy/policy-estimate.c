/* Owns what the latest holds say: how long connections are held, and how long a caller would wait in
 * the queue for one. Part of the policy: no thread, lock, socket or clock. */
#include "policy-parts-private.h"

/* Of the latest holds so many are not longer than the one that an estimate is made from: a caller
 * is refused only if it would almost certainly wait in vain (rule 29). */
#define LOW_RANK (TALLY_RECENT_HOLDS / 8)
/* The holder that has had its connection for longest is looked for among so many connections at most. */
#define LOOKED_AT 64

/* Microseconds, rounded down: of the latest holds @rank are not longer. 0 while there were too few. */
static gint64
find_recent_hold (const TallyPolicy *self, guint rank)
{
  guint8 counts[TALLY_HISTOGRAM_BINS] = { 0 };
  guint bin = 0;
  guint seen;

  for (guint i = 0; i < TALLY_RECENT_HOLDS; i++)
    counts[self->recent_holds[i]]++;
  for (seen = counts[0]; seen < rank; seen += counts[bin])
    bin++;
  return tally_histogram_get_bin_start (bin);
}

/* The median of the latest holds in microseconds: one long lease does not change it. */
gint64
tally_policy_find_typical_hold (const TallyPolicy *self)
{
  return find_recent_hold (self, TALLY_RECENT_HOLDS / 2);
}

/* Microseconds for which the oldest lease is out. G_MAXINT64 if there are more than are looked
 * at. */
static gint64
find_longest_age (const TallyPolicy *self, const TallyInstant *now)
{
  gint64 since = now->mono;
  guint looked_at = 0;

  if (tally_policy_knows_longest (self))
    return now->mono - self->longest->since;
  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      if (looked_at++ == LOOKED_AT || (conn->state == TALLY_CONN_BUSY && conn->further != NULL))
        return G_MAXINT64;
      if (conn->state == TALLY_CONN_BUSY && conn->hold.generation != 0)
        since = MIN (since, conn->hold.since);
    }
  return now->mono - since;
}

/* Whether a caller behind @ahead others would wait in the queue past @deadline, even if each
 * connection is held as shortly as the shortest were lately and no more are opened. @estimate: for
 * how many microseconds. */
gboolean
tally_policy_is_wait_too_long (const TallyPolicy *self,
                               const TallyInstant *now,
                               guint ahead,
                               gint64 deadline,
                               gint64 *estimate)
{
  gint64 capacity = (gint64) self->n_busy * self->options.streams;
  gint64 hold = find_recent_hold (self, LOW_RANK);
  gint64 oldest, rest;

  if (hold == 0 || capacity == 0) /* nothing is known */
    return FALSE;
  *estimate = hold * (ahead + 1) / capacity;
  if (*estimate <= deadline - now->mono)
    return FALSE;
  /* The first to come back has been out for a part of its time already. */
  oldest = find_longest_age (self, now);
  rest = MAX (hold - oldest, 0);
  *estimate = MIN (*estimate, hold * (ahead / capacity) + rest);
  return *estimate > deadline - now->mono;
}
