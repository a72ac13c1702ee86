/* What must hold of a policy after every step of the model test. */
#include <stdlib.h>
#include <string.h>

#include "model-world.h"
#include "policy/policy-parts-private.h"

/* What also holds in use, where builds with `invariants` assert it. */
static void
check_policy (const Model *model)
{
  const gchar *fault = tally_policy_find_fault (&model->policy);

  if (fault != NULL)
    model_fail (fault, __FILE__, __LINE__);
}

/* What the policy believes is what the model has done. */
static void
check_slots (Model *model)
{
  TallyPolicy *policy = &model->policy;
  guint yielding = 0;

  for (const TallyConn *conn = policy->conns; conn != NULL; conn = conn->older)
    yielding += conn->state != TALLY_CONN_FREE && conn->yields;
  HOLDS (yielding == model->yielding);
  for (const TallyConn *conn = policy->idle.head; conn != NULL; conn = conn->next)
    HOLDS (conn->next == NULL || conn->next->idle_since <= conn->idle_since);
  HOLDS (policy->n_closing == model->closing->len);
  HOLDS (policy->n_dialing == policy->n_owned + model->dialing->len);
  HOLDS (policy->n_looked_at == model->looking->len);
  HOLDS (model->descriptors == policy->n_idle + policy->n_busy + policy->n_closing + policy->n_own);
  HOLDS (model->reserved == tally_policy_open (policy));
}

static void
check_limits (Model *model, guint open_before, guint dialing_before)
{
  TallyPolicy *policy = &model->policy;
  guint open = tally_policy_open (policy);

  if (policy->options.max_open > 0)
    HOLDS (open <= MAX (policy->options.max_open, open_before));
  HOLDS (policy->n_dialing <= MAX (MAX (policy->options.max_dials, 1), dialing_before));
}

/* A dial that may serve @waiter, or a connection that does once it has proven alive. */
static gboolean
has_dial_for (const TallyPolicy *policy, const TallyWaiter *waiter)
{
  for (const TallyConn *conn = policy->conns; conn != NULL; conn = conn->older)
    {
      gboolean is_for_others = conn->is_shared && policy->options.streams > 1 && !conn->doomed;

      if (conn->state == TALLY_CONN_DIALING && !conn->background && (!conn->owned || is_for_others)
          && (!waiter->fresh || conn->dial_started >= waiter->since))
        return TRUE;
    }
  return !waiter->fresh && policy->n_checking + policy->n_looked_at > 0;
}

/* Each waiter has a reason to wait: nothing that it could use is there or may be dialed. */
static void
check_nobody_forgotten (Model *model)
{
  TallyPolicy *policy = &model->policy;
  guint waiting = 0, fresh = 0;
  gboolean may_dial = policy->backoff.failures == 0 && tally_policy_may_dial (policy, &model->now)
                      && tally_policy_has_room_in_total (policy);

  for (TallyWaiter *waiter = policy->first; waiter != NULL; waiter = waiter->next)
    {
      HOLDS (((ModelBorrower *) waiter)->in_queue);
      waiting++;
      fresh += waiter->fresh;
    }
  HOLDS (waiting == 0 || policy->n_own == 0);
  if (waiting > fresh)
    HOLDS (policy->n_idle == 0 && policy->available.head == NULL);
  for (TallyConn *conn = policy->idle.head; conn != NULL; conn = conn->next)
    HOLDS (policy->first == NULL
           || (policy->first->unused ? conn->hold.since >= conn->dial_started
                                     : policy->first->since >= conn->dial_started));
  /* The end of a backoff is noticed at the next tick; the test's clock may be ahead of that. */
  if (may_dial)
    HOLDS (waiting == 0 || has_dial_for (policy, policy->first));
  if (policy->backoff.failures == 0)
    HOLDS (waiting == 0 || !tally_policy_would_give_up (policy, &model->now));
  /* A close is followed by a refill, and so is a borrower's own dial. */
  if (may_dial && policy->n_closing + policy->n_owned == 0 && policy->backoff.refill == 0
      && tally_policy_needs_refill (policy))
    HOLDS (policy->n_background >= MAX (policy->options.max_dials, 2) - 1 || policy->warm > 0);
}

static void
check_pending (Model *model)
{
  TallyPoolSnapshot now;
  guint pending = 0;

  tally_policy_snapshot (&model->policy, &model->now, &now);
  for (guint i = 0; i < MAX_BORROWERS; i++)
    pending += model->borrowers[i].in_queue || (model->borrowers[i].state == BORROWER_DIALS)
               || (model->borrowers[i].state == BORROWER_ASKED
                   && model->borrowers[i].waiter.state == TALLY_WAITER_PERMIT);
  HOLDS (now.pending == pending);
}

void
model_check (Model *model, guint open_before, guint dialing_before)
{
  check_policy (model);
  check_slots (model);
  check_limits (model, open_before, dialing_before);
  check_nobody_forgotten (model);
  check_pending (model);
}

/* ---- of single steps ---- */

gboolean
model_is_awaited_elsewhere (const Model *model, gint64 before)
{
  return model->total_limit > 0 && model->yielding == 0 && model->waits_since <= before;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

/* Even if all leases were as short as an eighth of the latest, @waiter would wait for so long (rule 29). */
void
model_check_estimate (Model *model, const TallyWaiter *waiter)
{
  gint64 held[TALLY_RECENT_HOLDS];

  HOLDS (waiter->estimate > waiter->deadline - model->now.mono);
  if (model->n_held - model->n_held_before < TALLY_RECENT_HOLDS)
    return;
  memcpy (held, model->held, sizeof held);
  qsort (held, TALLY_RECENT_HOLDS, sizeof held[0], compare_times);
  HOLDS (waiter->estimate <= held[TALLY_RECENT_HOLDS / 8 - 1] * (model->policy.waiting + 1));
}

ModelFate
model_foresee (Model *model, const TallyHold *hold, TallyCloseReason reason)
{
  const TallyPolicy *policy = &model->policy;
  gint64 own = policy->first != NULL ? policy->first->arrived : model->now.mono;

  return (ModelFate){
    .conn = hold->conn,
    .is_free = !hold->conn->doomed && reason == TALLY_CLOSE_NONE && policy->waiting_fresh == 0,
    .yields = model_is_awaited_elsewhere (model, own - policy->options.total_grace - 1)
  };
}

void
model_check_fate (Model *model, const ModelFate *fate)
{
  const TallyConn *conn = fate->conn;
  gboolean evicted = conn->doomed && conn->reason == TALLY_CLOSE_EVICTED;

  if (!fate->is_free)
    return;
  if (!fate->yields)
    HOLDS (!evicted);
  else
    HOLDS (conn->doomed || (conn->streams > 0 && model->policy.drained != NULL));
  HOLDS (!conn->yields || conn->state == TALLY_CONN_CLOSING);
}
