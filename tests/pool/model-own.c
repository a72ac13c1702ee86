/* Connections that their threads take and give back without the books, in the model test: each thread is interrupted
 * between any two of its steps, and the books are opened there. */
#include "model-world.h"

void
model_enter_books (Model *model)
{
  if (model->policy.n_own == 0)
    return;
  model->n_held_before = model->n_held;
  tally_policy_enter_all (&model->policy, &model->now);
  HOLDS (model->policy.stats.hold_time.count == model->n_ended);
}

static void
let (Model *model, TallyConn *conn)
{
  TallyPolicy *policy = &model->policy;

  if (conn == NULL || conn->idle_since <= policy->last_death
      || !tally_policy_may_own (policy, &model->now, conn))
    return;
  tally_policy_let_own (policy, conn, 1 + model_pick (model, 4));
}

static void
fill (Model *model, ModelBorrower *borrower)
{
  TallyWaiter *waiter = &borrower->waiter;

  tally_own_fill (&waiter->hold->conn->own, waiter->generation, "own", model->now.mono);
  borrower->filled = TRUE;
}

static void
take (Model *model, ModelBorrower *borrower)
{
  TallyConn *conn = model->policy.own.head;
  guint64 generation;
  gint64 idle_age;

  for (guint i = model_pick (model, 4); conn != NULL && i > 0; i--)
    conn = conn->next;
  if (borrower == NULL || conn == NULL)
    return;
  CU_ASSERT_EQUAL (tally_own_take (&conn->own, 99, model->now.boot, &idle_age),
                   0); /* nobody else's */
  generation = tally_own_take (&conn->own, conn->own.thread, model->now.boot, &idle_age);
  if (generation == 0)
    return;
  HOLDS (model->policy.first == NULL && idle_age < model->policy.idle_age_limit);
  *borrower = (ModelBorrower){
    .state = BORROWER_OWNS,
    .waiter = { .hold = &conn->hold, .generation = generation, .deadline = G_MAXINT64 },
    .is_shared = conn->is_shared,
  };
  if (model_pick (model, 4) > 0)
    fill (model, borrower);
  model->served++;
  model->n_own++;
}

/* What the lease of @borrower has become while the books were opened. */
static void
find_in_books (Model *model, ModelBorrower *borrower)
{
  const TallyHold *hold = borrower->waiter.hold;

  HOLDS (hold->conn->state == TALLY_CONN_BUSY);
  HOLDS (tally_policy_owns (&model->policy, hold, borrower->waiter.generation));
  borrower->state = borrower->is_shared && !borrower->is_proven ? BORROWER_CHECKS : BORROWER_HOLDS;
  /* while it is examined or given back nobody else gets a shared one */
  HOLDS (hold->conn->checking
         == (borrower->is_shared && (!borrower->is_proven || borrower->is_returning)));
  model->n_recalled++;
}

/* The borrower of a shared one finds it alive. */
static void
prove (Model *model, ModelBorrower *borrower)
{
  borrower->is_proven =
      tally_own_share (&borrower->waiter.hold->conn->own, borrower->waiter.generation);
  if (!borrower->is_proven)
    find_in_books (model, borrower);
}

static void
begin_return (Model *model, ModelBorrower *borrower)
{
  TallyOwn *own;

  if (borrower == NULL)
    return;
  own = &borrower->waiter.hold->conn->own;
  if (!borrower->filled)
    fill (model, borrower);
  else if (borrower->is_shared && !borrower->is_proven)
    prove (model, borrower);
  else if (!tally_own_begin_return (own, borrower->waiter.generation, borrower->is_shared))
    {
      if ((borrower->waiter.generation + 1) % TALLY_OWN_LEASES == 0)
        model_enter_books (model);
      find_in_books (model, borrower);
    }
  else
    {
      /* a second release */
      HOLDS (!tally_own_begin_return (own, borrower->waiter.generation, borrower->is_shared));
      borrower->state = BORROWER_RETURNS;
      borrower->is_returning = TRUE;
    }
}

static void
end_return (Model *model, ModelBorrower *borrower)
{
  TallyPolicy *policy = &model->policy;
  TallyHold *hold = borrower != NULL ? borrower->waiter.hold : NULL;
  guint64 generation;

  if (borrower == NULL)
    return;
  generation = borrower->waiter.generation;
  if (model_pick (model, 8) > 0
      && tally_own_leave (&hold->conn->own, generation, model->now.mono, model->now.boot))
    {
      HOLDS (!tally_policy_owns (policy, hold, generation));
      borrower->state = BORROWER_NONE;
      model->n_ended++;
      return;
    }
  model_enter_books (model);
  HOLDS (!tally_policy_owns (policy, hold, generation)); /* a second release meanwhile */
  tally_policy_end_return (hold, generation);
  find_in_books (model, borrower);
}

void
model_step_own (Model *model, ModelBorrower *(*find) (Model *model, BorrowerState state))
{
  switch (model_pick (model, 6))
    {
    case 5:
      let (model, model->policy.idle.head);
      break;
    case 0:
    case 1:
      take (model, find (model, BORROWER_NONE));
      break;
    case 2:
    case 3:
      begin_return (model, find (model, BORROWER_OWNS));
      break;
    default:
      end_return (model, find (model, BORROWER_RETURNS));
    }
}
