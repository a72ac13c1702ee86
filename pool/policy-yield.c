/* Owns what an endpoint owes to others where the limits over all endpoints hold these back (rule 3). Part
 * of the policy: no thread, lock, socket or clock. */
#include "policy-private.h"

/* When the first came that waits without a dial for it; G_MAXINT64: nobody does. */
gint64
tally_policy_find_arrival (const TallyPolicy *self)
{
  guint promised = self->waiting > 0 ? tally_policy_promised (self, NULL) : 0;
  const TallyWaiter *waiter = self->first;

  for (; waiter != NULL && promised > 0; waiter = waiter->next)
    promised--;
  return waiter != NULL ? waiter->arrived : G_MAXINT64;
}

/* Whether @conn, from which a lease came back, must close because a caller at another endpoint has waited
 * for longer than the first of this queue, by more than the grace. It serves that queue until then:
 * each that closes costs two dials. While others hold leases on it, it lends no more; one at a time. */
gboolean
tally_policy_must_yield (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  gint64 own = self->first != NULL ? self->first->arrived : now->mono;
  gboolean closing = conn->streams == 0;

  if (self->yield == NULL || (!closing && self->drained != NULL)
      || !self->yield (self->totals, own - self->options.total_grace - 1, closing))
    return FALSE;
  conn->yields = closing;
  if (!closing)
    self->drained = conn;
  return TRUE;
}
