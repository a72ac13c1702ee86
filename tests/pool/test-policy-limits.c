/* What a policy asks of the limits over all endpoints, and does for them (rules 2 and 3): the test stands in for
 * what counts them. */
#include "world.h"

/* What the policy is told, and what it has asked. */
typedef struct
{
  gint room;
  gboolean yields;
  gint64 before;
} Totals;

static gboolean
reserve (gpointer data, TallyDialPurpose purpose)
{
  return ((const Totals *) data)->room > 0;
}

static void
unreserve (gpointer data, gboolean yielded)
{
}

static gint
get_room (gpointer data)
{
  return ((const Totals *) data)->room;
}

static gboolean
yield (gpointer data, gint64 before, gboolean closing)
{
  Totals *totals = data;

  totals->before = before;
  return totals->yields;
}

static World *
world_with_totals (const TallyPoolOptions *options, Totals *totals)
{
  World *world = world_new (options);

  world->policy.reserve = reserve;
  world->policy.unreserve = unreserve;
  world->policy.room = get_room;
  world->policy.yield = yield;
  world->policy.totals = totals;
  return world;
}

/* No more than the endpoint's own limit lets it dial. */
static void
rule_02_the_demand_is_within_max_open (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  Totals totals = { 10, FALSE, 0 };
  TallyWaiter holder, waiters[3];

  options.max_open = 2;
  world = world_with_totals (&options, &totals);
  world_ask (world, &holder, G_MAXINT64);
  totals.room = 0;
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  assert_int (world->policy.waiting, 3);
  assert_int (tally_policy_demand (&world->policy, &world->now), 1);
  world_give_back (world, &holder);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    world_give_back (world, &waiters[i]);
}

/* One more is open than may be: one closes, and not the next one too while that is under way. */
static void
rule_02_what_is_closing_is_enough (void)
{
  g_autoptr (World) world = NULL;
  Totals totals = { 10, FALSE, 0 };
  TallyWaiter first, second;

  world = world_with_totals (&tally_pool_options_default, &totals);
  world_ask (world, &first, G_MAXINT64);
  world_ask (world, &second, G_MAXINT64);
  totals.room = -1;
  tally_policy_release (&world->policy, &world->now, first.hold, TALLY_CLOSE_NONE);
  tally_policy_release (&world->policy, &world->now, second.hold, TALLY_CLOSE_NONE);
  assert_int (world->policy.n_closing, 1);
  assert_int (world->policy.n_idle, 1);
}

/* Another endpoint's waiter must have waited longer than the first one here by more than the grace. */
static void
rule_03_the_grace_is_exact (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  Totals totals = { 10, FALSE, 0 };
  TallyWaiter holder, waiter;

  options.max_open = options.max_open_total = 1;
  world = world_with_totals (&options, &totals);
  world_ask (world, &holder, G_MAXINT64);
  world_pass (world, MS);
  world_ask (world, &waiter, G_MAXINT64);
  world_pass (world, MS);
  world_give_back (world, &holder);
  assert_int (totals.before, waiter.arrived - options.total_grace - 1);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_SERVED);
  world_give_back (world, &waiter);
}

/* Of shared connections one at a time takes no further leases for another endpoint. */
static void
rule_03_one_shared_connection_yields_at_a_time (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  Totals totals = { 10, FALSE, 0 };
  TallyWaiter waiters[4];

  options.max_open = options.max_open_total = options.streams = 2;
  world = world_with_totals (&options, &totals);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  CU_ASSERT_PTR_NOT_EQUAL_FATAL (waiters[0].hold->conn, waiters[2].hold->conn);
  totals.yields = TRUE;
  tally_policy_release (&world->policy, &world->now, waiters[0].hold, TALLY_CLOSE_NONE);
  CU_ASSERT_TRUE (waiters[1].hold->conn->doomed);
  tally_policy_release (&world->policy, &world->now, waiters[2].hold, TALLY_CLOSE_NONE);
  CU_ASSERT_FALSE (waiters[3].hold->conn->doomed);
  totals.yields = FALSE;
  world_give_back (world, &waiters[1]);
  world_give_back (world, &waiters[3]);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_02_the_demand_is_within_max_open),
    TEST (rule_02_what_is_closing_is_enough),
    TEST (rule_03_the_grace_is_exact),
    TEST (rule_03_one_shared_connection_yields_at_a_time),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
