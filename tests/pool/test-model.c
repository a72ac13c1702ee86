/* Random interleavings of everything that can happen to a pool, against its policy, with a clock
 * that only the test moves. After each step every invariant is looked at. TALLY_MODEL_SEED and
 * TALLY_MODEL_STEPS choose another run; the seed is printed, and a run with it is the same run. */
#include <stdio.h>
#include <string.h>

#include "model-world.h"
#include "policy/policy-parts-private.h"

#define DEFAULT_STEPS 1200000

static Model *current; /* for wake (), which gets only the waiter */

void
model_fail (const gchar *condition, const gchar *file, int line)
{
  fprintf (stderr, "# step %" G_GUINT64_FORMAT ", line %d: %s\n", current->step, line, condition);
  CU_assertImplementation (CU_FALSE, (guint) line, condition, file, "", CU_TRUE);
}

guint
model_pick (Model *model, guint below)
{
  model->random = model->random * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
  return (guint) ((model->random >> 33) % below);
}

/* ---- what the policy calls ---- */

/* No waiter that could have used it is passed over (rule 3). */
static void
check_order (Model *model, const TallyWaiter *served)
{
  for (const TallyWaiter *other = model->policy.first; other != NULL; other = other->next)
    HOLDS (other == served || other->ticket > served->ticket || other->fresh);
}

static void
on_wake (TallyWaiter *waiter)
{
  ModelBorrower *borrower = (ModelBorrower *) waiter;

  HOLDS (borrower->state == BORROWER_ASKED && borrower->in_queue);
  borrower->in_queue = FALSE;
  if (waiter->state != TALLY_WAITER_FAILED)
    check_order (current, waiter);
}

/* ---- the borrowers ---- */

/* Any idle one may be that which a thread used last, and it takes that without the books. */
static TallyConn *
find_next (Model *model)
{
  TallyPolicy *policy = &model->policy;
  TallyConn *conn = policy->idle.head;

  if (policy->options.order == TALLY_POOL_ORDER_LIFO && conn != NULL && model_pick (model, 2) == 0)
    {
      for (guint i = model_pick (model, policy->n_idle); i > 0; i--)
        conn = conn->next;
      return conn;
    }
  model_enter_books (model);
  return tally_policy_find_next (policy);
}

/* The common case. FALSE where it does not apply. */
static gboolean
try_borrow (Model *model, ModelBorrower *borrower)
{
  TallyPolicy *policy = &model->policy;
  TallyWaiter *waiter = &borrower->waiter;
  gint64 idle_age;

  waiter->hold = tally_policy_try (policy, &model->now, find_next (model), "model", 1, &idle_age);
  if (waiter->hold == NULL)
    {
      waiter->hold = tally_policy_try_stream (policy, &model->now, "model", 1, &idle_age);
      if (waiter->hold == NULL)
        return FALSE;
      borrower->ticket = policy->last_ticket;
    }
  HOLDS (policy->first == NULL);
  waiter->state = TALLY_WAITER_SERVED;
  waiter->reused = TRUE;
  waiter->generation = waiter->hold->generation;
  return TRUE;
}

static void
note (Model *model, ModelBorrower *borrower)
{
  TallyWaiter *waiter = &borrower->waiter;

  switch (waiter->state)
    {
    case TALLY_WAITER_QUEUED:
      borrower->state = BORROWER_ASKED;
      borrower->in_queue = TRUE;
      break;
    case TALLY_WAITER_SERVED:
      HOLDS (waiter->hold->generation == waiter->generation);
      HOLDS (waiter->hold->conn->state == TALLY_CONN_BUSY);
      HOLDS (!waiter->fresh || waiter->hold->conn->dial_started >= waiter->since);
      borrower->state = waiter->reused ? BORROWER_CHECKS : BORROWER_HOLDS;
      if (!waiter->reused)
        tally_policy_checked (&model->policy, &model->now, waiter->hold);
      model->served++;
      break;
    case TALLY_WAITER_PERMIT:
      HOLDS (waiter->permit->state == TALLY_CONN_DIALING && waiter->permit->owned);
      borrower->state = BORROWER_DIALS;
      break;
    case TALLY_WAITER_FAILED:
      if (waiter->refusal == TALLY_REFUSAL_ESTIMATE)
        model_check_estimate (model, waiter);
      g_clear_error (&waiter->error);
      borrower->state = BORROWER_NONE;
      break;
    case TALLY_WAITER_NEW:
      HOLDS (FALSE);
    }
}

/* What happened to borrowers in the queue is noticed when they wake: later, at random. */
static void
notice_some (Model *model)
{
  for (guint i = 0; i < MAX_BORROWERS; i++)
    {
      ModelBorrower *borrower = &model->borrowers[i];

      if (borrower->state == BORROWER_ASKED && !borrower->in_queue && model_pick (model, 2) == 0)
        note (model, borrower);
    }
}

static ModelBorrower *
find (Model *model, BorrowerState state)
{
  guint start = model_pick (model, MAX_BORROWERS);

  for (guint i = 0; i < MAX_BORROWERS; i++)
    {
      ModelBorrower *borrower = &model->borrowers[(start + i) % MAX_BORROWERS];

      if (borrower->state == state)
        return borrower;
    }
  return NULL;
}

static void
step_borrow (Model *model)
{
  ModelBorrower *borrower = find (model, BORROWER_NONE);
  gint64 since;

  if (borrower == NULL)
    return;
  since = model->now.mono - model_pick (model, 2000);
  *borrower = (ModelBorrower){
    .waiter = { .label = "model",
                .fresh = model_pick (model, 10) == 0,
                .since = model_pick (model, 2) == 0 ? 0 : MAX (since, 1),
                .may_dial = model_pick (model, 2) == 0,
                .goes_on = model_pick (model, 3) == 0,
                .deadline =
                    model_pick (model, 2) == 0
                        ? G_MAXINT64
                        : model->now.mono
                              + model_pick (model, model_pick (model, 4) == 0 ? 30 : 2000) },
  };
  if (borrower->waiter.fresh && model_pick (model, 2) == 0)
    {
      borrower->waiter.unused = TRUE;
      borrower->waiter.since = 0;
    }
  model->policy.quick = model_pick (model, 2) == 0;
  if (!borrower->waiter.fresh && model_pick (model, 2) == 0 && try_borrow (model, borrower))
    {
      note (model, borrower);
      return;
    }
  model_enter_books (model);
  tally_policy_ask (&model->policy, &model->now, &borrower->waiter);
  note (model, borrower);
  if (borrower->waiter.held_back)
    {
      HOLDS (model_room (model) <= 0 && borrower->in_queue);
      if (!tally_policy_admit_held_back (&model->policy, &model->now, &borrower->waiter))
        return;
      borrower->in_queue = FALSE;
      note (model, borrower);
    }
}

static void
step_check (Model *model)
{
  ModelBorrower *borrower = find (model, BORROWER_CHECKS);
  TallyWaiter *waiter = borrower != NULL ? &borrower->waiter : NULL;
  gint64 began;

  if (borrower == NULL)
    return;
  if (model_pick (model, 8) > 0)
    {
      borrower->state = BORROWER_HOLDS;
      tally_policy_checked (&model->policy, &model->now, waiter->hold);
      return;
    }
  began = waiter->hold->since;
  waiter->cancelled = model_pick (model, 8) == 0;
  tally_policy_check_failed (&model->policy, &model->now, waiter->hold,
                             model_pick (model, 2) == 0 ? TALLY_CLOSE_DEAD : TALLY_CLOSE_UNREAD);
  if (waiter->ticket == 0)
    tally_policy_ask_again (&model->policy, &model->now, waiter, began, borrower->ticket);
  else
    tally_policy_ask (&model->policy, &model->now, waiter);
  note (model, borrower);
}

/* Nothing that was heard from later goes with the silent one. */
static void
step_silence (Model *model, const TallyConn *silent)
{
  guint kept = 0;

  for (const TallyConn *conn = model->policy.idle.head; conn != NULL; conn = conn->next)
    kept += conn->idle_since > silent->idle_since;
  tally_policy_drop_silent (&model->policy, silent);
  HOLDS (model->policy.n_idle == kept);
}

/* The common case leaves what a caller elsewhere could have to the other one. */
static gboolean
put (Model *model, TallyHold *hold)
{
  return (model->total_limit == 0 || model->waits_since == G_MAXINT64)
         && tally_policy_put (&model->policy, &model->now, hold);
}

static void
step_release (Model *model)
{
  static const TallyCloseReason reasons[] = { TALLY_CLOSE_BROKEN, TALLY_CLOSE_UNREAD,
                                              TALLY_CLOSE_DEAD, TALLY_CLOSE_RESET };
  TallyCloseReason reason = model_pick (model, 6) == 0
                                ? reasons[model_pick (model, G_N_ELEMENTS (reasons))]
                                : TALLY_CLOSE_NONE;
  ModelBorrower *borrower = find (model, BORROWER_HOLDS);
  TallyHold *hold;
  ModelFate fate;

  /* A lease given back before is known as such, whatever has become of its slot (rule 20). */
  if (model->old_hold != NULL)
    HOLDS (!tally_policy_owns (&model->policy, model->old_hold, model->old_generation));
  if (borrower == NULL)
    return;
  hold = borrower->waiter.hold;
  HOLDS (tally_policy_owns (&model->policy, hold, borrower->waiter.generation));
  if (reason == TALLY_CLOSE_BROKEN && model_pick (model, 2) == 0)
    {
      model_enter_books (model);
      step_silence (model, hold->conn);
    }
  model->held[model->n_held++ % TALLY_RECENT_HOLDS] = model->now.mono - hold->since;
  fate = model_foresee (model, hold, reason);
  if (reason != TALLY_CLOSE_NONE || model_pick (model, 2) == 0 || !put (model, hold))
    {
      model_enter_books (model);
      tally_policy_release (&model->policy, &model->now, hold, reason);
    }
  model->n_ended++;
  model_check_fate (model, &fate);
  model->old_hold = hold;
  model->old_generation = borrower->waiter.generation;
  borrower->state = BORROWER_NONE;
}

static void
step_leave (Model *model)
{
  ModelBorrower *borrower = find (model, BORROWER_ASKED);

  if (borrower == NULL)
    return;
  if (borrower->waiter.deadline > model->now.mono
          ? tally_policy_leave (&model->policy, &model->now, &borrower->waiter,
                                TALLY_REFUSAL_CANCELLED)
          : tally_policy_time_out (&model->policy, &model->now, &borrower->waiter))
    {
      HOLDS (borrower->in_queue);
      borrower->in_queue = FALSE;
      borrower->state = BORROWER_NONE;
      return;
    }
  if (borrower->in_queue)
    HOLDS (borrower->waiter.deadline > model->now.mono); /* it waits for a dial */
  else
    note (model, borrower);
}

static void
step_retire (Model *model)
{
  ModelBorrower *borrower = find (model, BORROWER_HOLDS);

  if (borrower != NULL && !borrower->is_returning)
    tally_policy_doom (&model->policy, borrower->waiter.hold->conn, TALLY_CLOSE_RETIRED);
}

/* ---- dials and closes ---- */

static gpointer
open_descriptor (Model *model)
{
  model->descriptors++;
  return model;
}

static void
step_dial_on_caller (Model *model)
{
  static const GError failure = { 1, 1, (gchar *) "model" };
  ModelBorrower *borrower = find (model, BORROWER_DIALS);
  TallyWaiter *waiter = borrower != NULL ? &borrower->waiter : NULL;

  if (borrower == NULL)
    return;
  switch (model_pick (model, 4))
    {
    case 0:
      waiter->permit->failed_here = model_pick (model, 8) == 0;
      tally_policy_dial_failed (&model->policy, &model->now, waiter->permit, &failure, waiter);
      break;
    case 1:
      tally_policy_permit_to_thread (&model->policy, &model->now, waiter);
      break;
    default:
      tally_policy_dial_done (&model->policy, &model->now, waiter->permit, open_descriptor (model),
                              waiter);
    }
  note (model, borrower);
}

static void
step_dial_on_thread (Model *model)
{
  static const GError failure = { 1, 1, (gchar *) "model" };
  TallyConn *conn;

  if (model->dialing->len == 0)
    return;
  conn = g_ptr_array_remove_index_fast (model->dialing, model_pick (model, model->dialing->len));
  HOLDS (conn->state == TALLY_CONN_DIALING && !conn->owned);
  conn->failed_here = model_pick (model, 8) == 0;
  if (model_pick (model, conn->given_up ? 2 : 3) == 0)
    tally_policy_dial_failed (&model->policy, &model->now, conn, &failure, NULL);
  else
    tally_policy_dial_done (&model->policy, &model->now, conn, open_descriptor (model), NULL);
}

static void
step_close (Model *model)
{
  TallyConn *conn;

  if (model->closing->len == 0)
    return;
  conn = g_ptr_array_remove_index_fast (model->closing, model_pick (model, model->closing->len));
  HOLDS (conn->state == TALLY_CONN_CLOSING && conn->streams == 0);
  model->descriptors--;
  tally_policy_closed (&model->policy, &model->now, conn);
}

/* An idle connection was looked at because another had proven dead. */
static void
step_look (Model *model)
{
  TallyConn *conn;

  if (model->looking->len == 0)
    return;
  conn = g_ptr_array_remove_index_fast (model->looking, model_pick (model, model->looking->len));
  HOLDS (conn->state == TALLY_CONN_BUSY && conn->hold.generation == 0);
  conn->looks_dead = model_pick (model, 3) == 0;
  tally_policy_looked (&model->policy, &model->now, conn);
}

/* The caller unlocks: it takes over what the policy asked for. */
static void
take_work (Model *model)
{
  TallyConn *next;

  for (TallyConn *conn = g_steal_pointer (&model->policy.to_dial); conn != NULL; conn = next)
    {
      next = conn->next;
      g_ptr_array_add (model->dialing, conn);
    }
  for (TallyConn *conn = g_steal_pointer (&model->policy.to_look); conn != NULL; conn = next)
    {
      next = conn->next;
      g_ptr_array_add (model->looking, conn);
    }
  for (TallyConn *conn = g_steal_pointer (&model->policy.closing); conn != NULL; conn = next)
    {
      next = conn->next;
      g_ptr_array_add (model->closing, conn);
    }
}

static void
step_examine (Model *model)
{
  TallyConn *conn = model->policy.options.keepalive > 0
                        ? tally_policy_take_to_examine (&model->policy, &model->now)
                        : NULL;

  if (conn == NULL)
    return;
  if (model_pick (model, 4) == 0)
    tally_policy_drop_all (&model->policy, TALLY_CLOSE_CLEARED);
  tally_policy_examined (&model->policy, &model->now, conn,
                         model_pick (model, 8) == 0 ? TALLY_CLOSE_DEAD : TALLY_CLOSE_NONE);
}

/* ---- the run ---- */

static void
start (Model *model)
{
  TallyPoolOptions options;

  model->is_simple = model_pick (model, 2) == 0;
  model_choose_options (model, &options);
  tally_policy_init (&model->policy, &options, model->random | 1);
  model->policy.wake = on_wake;
  model_supply_totals (model);
  memset (model->held, 0, sizeof model->held);
  model->old_hold = NULL;
  model->n_ended = 0;
  model->served_before = model->served;
  model->calm = model_pick (model, 2) == 0 ? 26 : model_pick (model, 25);
}

/* For which all connections are in the books. */
static void
step_with_books (Model *model, guint dice)
{
  model_enter_books (model);
  if (dice < 40)
    step_check (model);
  else if (dice < 68)
    step_dial_on_thread (model);
  else if (dice < 74)
    step_dial_on_caller (model);
  else if (dice < 76)
    step_look (model);
  else if (dice < 84)
    step_close (model);
  else if (dice < 88)
    step_leave (model);
  else if (dice < 96)
    model_step_time (model);
  else if (dice < 97)
    step_examine (model);
  else if (model_pick (model, 8) > 0)
    return;
  else if (dice < 98)
    step_retire (model);
  else
    model_step_rare (model);
}

static void
step (Model *model)
{
  guint dice = model_pick (model, 100);

  if (model_pick (model, 10) > (model->policy.n_own > 0 ? 1 : model->is_simple ? 5 : 8))
    {
      model_step_own (model, find);
      return;
    }
  if (dice < 28 && dice >= model->calm)
    step_borrow (model);
  else if (dice < 28)
    return;
  else if (dice >= 40 && dice < 60)
    step_release (model);
  else
    step_with_books (model, dice);
}

/* Closes the policy and plays on until everything is back: then not one slot may be missing. */
static void
finish (Model *model)
{
  model_enter_books (model);
  tally_policy_close (&model->policy, &model->now);
  take_work (model);
  for (guint i = 0; i < 100000; i++)
    {
      guint left = 0;

      notice_some (model);
      model_step_own (model, find);
      step_check (model);
      step_release (model);
      step_dial_on_thread (model);
      step_dial_on_caller (model);
      step_close (model);
      step_look (model);
      take_work (model);
      for (guint j = 0; j < MAX_BORROWERS; j++)
        left += model->borrowers[j].state != BORROWER_NONE;
      if (left == 0 && tally_policy_open (&model->policy) == 0)
        break;
    }
  HOLDS (tally_policy_open (&model->policy) == 0 && model->descriptors == 0);
  HOLDS (model->policy.stats.leases == 0 && model->policy.first == NULL);
  HOLDS (model->reserved == 0);
  HOLDS (model->policy.stats.hits + model->policy.stats.dials + model->policy.stats.waits
         == model->served - model->served_before);
  model_check (model, G_MAXUINT, G_MAXUINT);
  tally_policy_clear_memory (&model->policy);
}

static guint64
get_number (const gchar *name, guint64 otherwise)
{
  const gchar *text = g_getenv (name);

  return text != NULL ? g_ascii_strtoull (text, NULL, 0) : otherwise;
}

static void
model_random_interleavings (void)
{
  guint64 seed = get_number ("TALLY_MODEL_SEED", (guint64) g_get_real_time ());
  guint64 steps = get_number ("TALLY_MODEL_STEPS", DEFAULT_STEPS);
  Model model = { .random = seed,
                  .now = { 1000000, 2000000 },
                  .dialing = g_ptr_array_new (),
                  .closing = g_ptr_array_new (),
                  .looking = g_ptr_array_new () };

  printf ("# TALLY_MODEL_SEED=%" G_GUINT64_FORMAT " TALLY_MODEL_STEPS=%" G_GUINT64_FORMAT "\n",
          seed, steps);
  fflush (stdout);
  current = &model;
  start (&model);
  for (model.step = 0; model.step < steps; model.step++)
    {
      guint open = tally_policy_open (&model.policy), dialing = model.policy.n_dialing;

      step (&model);
      take_work (&model);
      model_check (&model, open, dialing);
      notice_some (&model);
      if (model.step % MODEL_STRETCH == MODEL_STRETCH - 1)
        {
          finish (&model);
          start (&model);
        }
    }
  finish (&model);
  printf ("# %" G_GUINT64_FORMAT " borrows served, %" G_GUINT64_FORMAT
          " without the books, of which these have found %" G_GUINT64_FORMAT "\n",
          model.served, model.n_own, model.n_recalled);
  CU_ASSERT_TRUE (model.served > steps / 50);
  CU_ASSERT_TRUE (model.n_own > steps / 1000 && model.n_recalled > steps / 2000);
  g_ptr_array_unref (model.dialing);
  g_ptr_array_unref (model.closing);
  g_ptr_array_unref (model.looking);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (model_random_interleavings), { NULL, NULL } };

  return test_main ("pool", cases, argc, argv);
}
