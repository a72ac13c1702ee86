/* What happens to a model's policy besides borrowing: options change, time passes, other endpoints take and
 * give back what all share, the pool closes. */
#include "model-world.h"

gint
model_room (gpointer totals)
{
  Model *model = totals;

  return model->total_limit == 0 ? G_MAXINT
                                 : (gint) (model->total_limit - model->reserved - model->elsewhere);
}

static gboolean
reserve (gpointer totals, TallyDialPurpose purpose)
{
  if (model_room (totals) <= 0)
    return FALSE;
  ((Model *) totals)->reserved++;
  return TRUE;
}

static void
unreserve (gpointer totals, gboolean yielded)
{
  Model *model = totals;

  HOLDS (model->reserved > 0 && model->yielding >= (guint) yielded);
  model->reserved--;
  model->yielding -= yielded;
}

static gboolean
yield (gpointer totals, gint64 before, gboolean closing)
{
  Model *model = totals;
  gboolean yields = model_is_awaited_elsewhere (model, before);

  model->yielding += yields && closing;
  return yields;
}

void
model_choose_options (Model *model, TallyPoolOptions *options)
{
  *options = tally_pool_options_default;
  options->max_open = model_pick (model, 8);
  options->total_grace = model_pick (model, 3) == 0 ? 0 : model_pick (model, 200);
  options->max_idle = (gint) model_pick (model, 6) - 1;
  options->min_idle = model_pick (model, 3) == 0 ? model_pick (model, 4) : 0;
  options->max_waiters = model_pick (model, 3) == 0 ? 1 + model_pick (model, 6) : 0;
  options->max_dials = 1 + model_pick (model, 4);
  options->idle_timeout = model_pick (model, 2) == 0 ? 0 : 500;
  options->max_lifetime = model_pick (model, 2) == 0 ? 0 : 2000;
  options->backoff_base = model_pick (model, 2) == 0 ? 0 : 50;
  options->backoff_max = 1000;
  options->wait_timeout = model_pick (model, 8) == 0 ? 0 : model_pick (model, 4) == 0 ? 300 : -1;
  options->order = model_pick (model, 2) == 0 ? TALLY_POOL_ORDER_LIFO : TALLY_POOL_ORDER_FIFO;
  options->streams = model_pick (model, 3) == 0 ? 1 + model_pick (model, 3) : 1;
  options->leak_threshold = model_pick (model, 3) == 0 ? 300 : 0;
  options->keepalive = model_pick (model, 3) == 0 ? 200 : 0;
  options->wait_for_ready = model_pick (model, 3) == 0;
  if (!model->is_simple)
    return;
  options->order = TALLY_POOL_ORDER_LIFO;
  options->max_idle = -1;
  options->min_idle = 0;
  options->max_lifetime = options->leak_threshold = options->keepalive = 0;
  options->streams = model_pick (model, 2) == 0 ? 1 : 2 + model_pick (model, 3);
}

void
model_supply_totals (Model *model)
{
  model->policy.reserve = reserve;
  model->policy.unreserve = unreserve;
  model->policy.room = model_room;
  model->policy.yield = yield;
  model->policy.totals = model;
  model->total_limit = model->elsewhere = 0;
  model->waits_since = G_MAXINT64;
}

static void
step_resize (Model *model)
{
  TallyPoolOptions options;

  model_choose_options (model, &options);
  model->total_limit =
      !model->is_simple && model_pick (model, 3) == 0 ? 1 + model_pick (model, 8) : 0;
  options.max_open_total = model->total_limit;
  tally_policy_set_options (&model->policy, &model->now, &options);
}

/* Other endpoints open and close connections; the bucket here, where it is held back, is told of
 * room. */
static void
step_elsewhere (Model *model)
{
  model->elsewhere = model_pick (model, 6);
  model->waits_since =
      model_pick (model, 2) == 0 ? G_MAXINT64 : model->now.mono - model_pick (model, 1000);
  if (model_room (model) > 0)
    tally_policy_pump (&model->policy, &model->now);
}

/* For the rest of a stretch everything goes on with a closed policy. */
static void
step_close_policy (Model *model)
{
  if (model->step % MODEL_STRETCH > MODEL_STRETCH - MODEL_STRETCH / 10)
    tally_policy_close (&model->policy, &model->now);
}

void
model_step_time (Model *model)
{
  gint64 passed = model_pick (model, 4) == 0 ? model_pick (model, 1000) : model_pick (model, 50);

  model->now.mono += passed;
  model->now.boot += passed + (model_pick (model, 50) == 0 ? 1000 : 0); /* the lid was shut */
  if (model_pick (model, 2) == 0)
    {
      tally_policy_tick (&model->policy, &model->now);
      while (tally_policy_next_leak (&model->policy, &model->now) != NULL)
        continue;
      HOLDS (tally_policy_next_event (&model->policy, &model->now) > model->now.mono);
    }
}

void
model_step_rare (Model *model)
{
  switch (model_pick (model, 6))
    {
    case 0:
      tally_policy_drop_all (&model->policy, TALLY_CLOSE_CLEARED);
      tally_policy_pump (&model->policy, &model->now);
      break;
    case 1:
      tally_policy_reset_backoff (&model->policy, &model->now);
      break;
    case 2:
      tally_policy_warm (&model->policy, &model->now, model_pick (model, 6));
      break;
    case 3:
      step_elsewhere (model);
      break;
    case 4:
      step_close_policy (model);
      break;
    default:
      step_resize (model);
    }
}
