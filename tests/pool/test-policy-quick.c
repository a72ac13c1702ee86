/* The policy's common case is the long way, only shorter: two policies, of which one takes the common case
 * wherever it applies, go through the same random steps and must not differ in anything that counts. */
#include "world.h"

#include <string.h>

#define STEPS 40000
#define MAX_LEASES 12

typedef struct
{
  World *world;
  TallyWaiter waiters[MAX_LEASES];
  gboolean is_quick;
  guint n_quick;
} Twin;

static guint64 random_state;

static guint
pick (guint below)
{
  random_state = random_state * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
  return (guint) ((random_state >> 33) % below);
}

static void
twin_borrow (Twin *self, guint i)
{
  TallyPolicy *policy = &self->world->policy;
  TallyWaiter *waiter = &self->waiters[i];
  gint64 idle_age;

  *waiter = (TallyWaiter){ .label = "twin", .thread = 1, .deadline = G_MAXINT64 };
  if (self->is_quick)
    waiter->hold = tally_policy_try_stream (policy, &self->world->now, "twin", 1, &idle_age);
  if (waiter->hold == NULL)
    {
      tally_policy_ask (policy, &self->world->now, waiter);
      world_settle (self->world);
      return;
    }
  self->n_quick++;
  waiter->ticket = policy->last_ticket;
  waiter->generation = waiter->hold->generation;
  waiter->idle_age = idle_age;
  waiter->reused = TRUE;
  waiter->state = TALLY_WAITER_SERVED;
}

static void
twin_find_alive (Twin *self, guint i)
{
  TallyPolicy *policy = &self->world->policy;
  TallyHold *hold = self->waiters[i].hold;

  if (self->is_quick && tally_policy_share (policy, &self->world->now, hold))
    self->n_quick++;
  else
    tally_policy_checked (policy, &self->world->now, hold);
}

static void
twin_release (Twin *self, guint i)
{
  TallyPolicy *policy = &self->world->policy;
  TallyHold *hold = self->waiters[i].hold;

  if (self->is_quick && tally_policy_put (policy, &self->world->now, hold))
    self->n_quick++;
  else
    tally_policy_release (policy, &self->world->now, hold, TALLY_CLOSE_NONE);
  self->waiters[i].state = TALLY_WAITER_NEW;
  world_settle (self->world);
}

/* The borrow goes on: what the common case took has not arrived in the queue yet. */
static void
twin_find_dead (Twin *self, guint i)
{
  TallyPolicy *policy = &self->world->policy;
  TallyWaiter *waiter = &self->waiters[i];
  gint64 began = waiter->hold->since;

  tally_policy_check_failed (policy, &self->world->now, waiter->hold, TALLY_CLOSE_DEAD);
  if (waiter->arrived > 0)
    tally_policy_ask (policy, &self->world->now, waiter);
  else
    tally_policy_ask_again (policy, &self->world->now, waiter, began, waiter->ticket);
  world_settle (self->world);
}

static void
assert_same_conn (const TallyConn *a, const TallyConn *b)
{
  if (a == NULL || b == NULL)
    {
      CU_ASSERT_TRUE_FATAL (a == NULL && b == NULL);
      return;
    }
  CU_ASSERT_TRUE_FATAL (a->state == b->state && a->streams == b->streams && a->doomed == b->doomed
                        && a->listed == b->listed && a->checking == b->checking
                        && a->checked == b->checked && a->dialed == b->dialed
                        && a->jitter == b->jitter
                        && (a->state != TALLY_CONN_IDLE || a->idle_since == b->idle_since)
                        && a->hold.generation == b->hold.generation);
}

static void
assert_same_list (const TallyConnList *a, const TallyConnList *b)
{
  const TallyConn *other = b->head;

  for (const TallyConn *conn = a->head; conn != NULL; conn = conn->next)
    {
      assert_same_conn (conn, other);
      other = other->next;
    }
  CU_ASSERT_PTR_NULL_FATAL (other);
}

static void
assert_same_waiter (const TallyWaiter *a, const TallyWaiter *b)
{
  CU_ASSERT_TRUE_FATAL (a->state == b->state);
  if (a->state != TALLY_WAITER_SERVED)
    return;
  CU_ASSERT_TRUE_FATAL (a->ticket == b->ticket && a->generation == b->generation
                        && a->idle_age == b->idle_age && a->reused == b->reused
                        && a->hold->since == b->hold->since && a->hold->thread == b->hold->thread
                        && strcmp (a->hold->label, b->hold->label) == 0);
  assert_same_conn (a->hold->conn, b->hold->conn);
}

static void
assert_same (const Twin *quick, const Twin *slow)
{
  const TallyPolicy *a = &quick->world->policy, *b = &slow->world->policy;
  const TallyConn *other = b->conns;
  TallyPoolSnapshot one, two;

  tally_policy_assert_valid (a);
  for (const TallyConn *conn = a->conns; conn != NULL; conn = conn->older, other = other->older)
    assert_same_conn (conn, other);
  assert_same_list (&a->idle, &b->idle);
  assert_same_list (&a->available, &b->available);
  for (guint i = 0; i < MAX_LEASES; i++)
    assert_same_waiter (&quick->waiters[i], &slow->waiters[i]);
  tally_policy_snapshot (a, &quick->world->now, &one);
  tally_policy_snapshot (b, &slow->world->now, &two);
  CU_ASSERT_EQUAL_FATAL (memcmp (&one, &two, sizeof one), 0);
  CU_ASSERT_EQUAL_FATAL (memcmp (a->recent_holds, b->recent_holds, sizeof a->recent_holds), 0);
  CU_ASSERT_TRUE_FATAL (a->last_ticket == b->last_ticket && a->active == b->active
                        && a->last_generation == b->last_generation
                        && a->n_checking == b->n_checking);
}

static void
step_lease (Twin *twins, guint i)
{
  const TallyWaiter *waiter = &twins[0].waiters[i];
  gboolean is_alive = pick (12) > 0;
  gboolean is_new = waiter->state == TALLY_WAITER_NEW;
  gboolean is_checking = waiter->state == TALLY_WAITER_SERVED && waiter->hold->conn->checking;

  for (guint t = 0; t < 2; t++)
    {
      Twin *self = &twins[t];

      if (is_new)
        twin_borrow (self, i);
      else if (is_checking && is_alive)
        twin_find_alive (self, i);
      else if (is_checking)
        twin_find_dead (self, i);
      else if (self->waiters[i].state == TALLY_WAITER_SERVED)
        twin_release (self, i);
    }
}

static void
look_at_all (Twin *self)
{
  TallyConn *next;

  for (TallyConn *conn = g_steal_pointer (&self->world->policy.to_look); conn != NULL; conn = next)
    {
      next = conn->next;
      tally_policy_looked (&self->world->policy, &self->world->now, conn);
    }
  world_settle (self->world);
}

static void
choose_options (TallyPoolOptions *options)
{
  *options = tally_pool_options_default;
  options->streams = 2 + pick (3);
  options->max_open = 1 + pick (4);
  options->max_idle = (gint) pick (4) - 1;
  options->min_idle = pick (3) == 0 ? 1 : 0;
  options->idle_timeout = pick (2) == 0 ? 0 : 500;
  options->max_lifetime = pick (4) == 0 ? 2000 : 0;
  options->order = pick (2) == 0 ? TALLY_POOL_ORDER_LIFO : TALLY_POOL_ORDER_FIFO;
  options->check = pick (3) == 0 ? TALLY_POOL_CHECK_NEVER : TALLY_POOL_CHECK_ALWAYS;
}

static void
run_twins (guint64 seed)
{
  Twin twins[2] = { { .is_quick = TRUE }, { .is_quick = FALSE } };
  TallyPoolOptions options;

  random_state = seed;
  choose_options (&options);
  for (guint t = 0; t < 2; t++)
    twins[t].world = world_new (&options);
  for (guint step = 0; step < STEPS / 20; step++)
    {
      guint passed = pick (8) == 0 ? pick (400) : pick (20);

      if (pick (50) == 0)
        choose_options (&options);
      for (guint t = 0; t < 2; t++)
        {
          TallyPolicy *policy = &twins[t].world->policy;

          look_at_all (&twins[t]);
          if (memcmp (&policy->options, &options, sizeof options) != 0)
            tally_policy_set_options (policy, &twins[t].world->now, &options);
          world_pass (twins[t].world, passed);
        }
      step_lease (twins, pick (MAX_LEASES));
      assert_same (&twins[0], &twins[1]);
    }
  CU_ASSERT_TRUE (twins[0].n_quick > 50 && twins[1].n_quick == 0);
  for (guint t = 0; t < 2; t++)
    world_free (twins[t].world);
}

static void
rule_24_the_common_case_leaves_what_the_long_way_leaves (void)
{
  for (guint64 seed = 1; seed <= 20; seed++)
    run_twins (seed);
}

/* ---- what it leaves to the long way ---- */

static TallyHold *
try_stream (World *world)
{
  gint64 idle_age;

  return tally_policy_try_stream (&world->policy, &world->now, "quick", 1, &idle_age);
}

/* No further lease before the first borrower has found an idle connection alive. */
static void
rule_24_the_common_case_waits_for_the_check (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyHold *first, *second;

  options.streams = 3;
  world = world_new (&options);
  world_fill (world, 1);
  first = try_stream (world);
  CU_ASSERT_PTR_NOT_NULL_FATAL (first);
  CU_ASSERT_PTR_NULL (try_stream (world));
  tally_policy_checked (&world->policy, &world->now, first);
  second = try_stream (world);
  CU_ASSERT_PTR_NOT_NULL_FATAL (second);
  CU_ASSERT_PTR_EQUAL (first->conn, second->conn);
  CU_ASSERT_TRUE (tally_policy_put (&world->policy, &world->now, first));
  assert_int (world->policy.n_busy, 1);
  CU_ASSERT_TRUE (tally_policy_put (&world->policy, &world->now, second));
  assert_int (world->policy.n_idle, 1);
}

static void
rule_03_the_common_case_overtakes_nobody (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter a, b, waiter;

  options.streams = 2;
  options.max_open = 1;
  world = world_new (&options);
  world_ask (world, &a, G_MAXINT64);
  world_ask (world, &b, G_MAXINT64);
  world_ask (world, &waiter, G_MAXINT64);
  assert_int (waiter.state, TALLY_WAITER_QUEUED);
  CU_ASSERT_PTR_NULL (try_stream (world));
  CU_ASSERT_FALSE (tally_policy_put (&world->policy, &world->now, a.hold));
  world_give_back (world, &a);
  assert_int (waiter.state, TALLY_WAITER_SERVED);
  world_give_back (world, &b);
  world_give_back (world, &waiter);
}

/* A borrower whose connection proves dead keeps its place before those that came while it was examined. */
static void
rule_03_the_common_case_keeps_its_place (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter other, self = { .label = "first", .deadline = G_MAXINT64 };
  guint64 ticket;
  TallyHold *hold;

  options.streams = 2;
  options.max_open = 1;
  world = world_new (&options);
  world_fill (world, 1);
  hold = try_stream (world);
  CU_ASSERT_PTR_NOT_NULL_FATAL (hold);
  ticket = world->policy.last_ticket;
  world_ask (world, &other, G_MAXINT64);
  assert_int (other.state, TALLY_WAITER_QUEUED);
  world->hold_dials = TRUE;
  tally_policy_check_failed (&world->policy, &world->now, hold, TALLY_CLOSE_DEAD);
  tally_policy_ask_again (&world->policy, &world->now, &self, world->now.mono, ticket);
  CU_ASSERT_PTR_EQUAL (world->policy.first, &self);
  CU_ASSERT_PTR_EQUAL (world->policy.last, &other);
  tally_policy_close (&world->policy, &world->now);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_the_common_case_leaves_what_the_long_way_leaves),
    TEST (rule_24_the_common_case_waits_for_the_check),
    TEST (rule_03_the_common_case_overtakes_nobody),
    TEST (rule_03_the_common_case_keeps_its_place),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
