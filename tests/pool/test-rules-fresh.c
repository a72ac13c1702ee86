/* Fresh connections, as rules 13 and 24 want them, on the policy with a clock that only the test moves: what is dialed
 * for a waiter that wants a connection dialed from some instant on, and what makes room for it. */
#include "world.h"

/* A dial that began before is of no use to a waiter that wants a fresh connection, and not promised
 * to it. */
static void
rule_13_an_earlier_dial_is_no_promise (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);
  TallyWaiter leaver, fresh = { .label = "fresh", .fresh = TRUE, .deadline = G_MAXINT64 };
  TallyConn *early;

  world->hold_dials = TRUE;
  world_ask (world, &leaver, S);
  early = world_take_dial (world);
  world_pass (world, MS);
  CU_ASSERT_TRUE (
      tally_policy_leave (&world->policy, &world->now, &leaver, TALLY_REFUSAL_CANCELLED));
  tally_policy_ask (&world->policy, &world->now, &fresh);
  assert_int (world->policy.n_dialing, 2);
  tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
  CU_ASSERT_EQUAL (fresh.state, TALLY_WAITER_SERVED);
  tally_policy_dial_done (&world->policy, &world->now, early, world, NULL);
  assert_int (world->policy.n_idle, 1);
  world_give_back (world, &fresh);
}

/* Two waiters want what is dialed from @since on, and one of them leaves. So two dials are under way for
 * the other one, @first, and for @second, which wants a later one. */
static void
let_two_wait_for_early_dials (World *world, TallyWaiter *first, TallyWaiter *second, gint64 since)
{
  TallyWaiter leaver = { .label = "leaver", .fresh = TRUE, .deadline = G_MAXINT64, .since = since };

  *first = leaver;
  *second = (TallyWaiter){ .label = "second", .fresh = TRUE, .deadline = G_MAXINT64 };
  world->hold_dials = TRUE;
  tally_policy_ask (&world->policy, &world->now, &leaver);
  tally_policy_ask (&world->policy, &world->now, first);
  assert_int (world->policy.n_dialing, 2);
  world_pass (world, MS);
  CU_ASSERT_TRUE (
      tally_policy_leave (&world->policy, &world->now, &leaver, TALLY_REFUSAL_CANCELLED));
  tally_policy_ask (&world->policy, &world->now, second);
  CU_ASSERT_EQUAL (second->state, TALLY_WAITER_QUEUED);
  assert_int (world->policy.n_dialing, 2);
}

static void
serve_and_give_back (World *world, TallyWaiter *waiter)
{
  world->hold_dials = FALSE;
  world_settle (world);
  CU_ASSERT_EQUAL_FATAL (waiter->state, TALLY_WAITER_SERVED);
  world_give_back (world, waiter);
}

/* What was dialed for a waiter that gives up is too old for the next one: that gets a dial at once. */
static void
rule_13_the_next_one_needs_a_later_dial (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);
  TallyWaiter first, second;

  let_two_wait_for_early_dials (world, &first, &second, world->now.mono);
  CU_ASSERT_TRUE (
      tally_policy_leave (&world->policy, &world->now, &first, TALLY_REFUSAL_CANCELLED));
  assert_int (world->policy.n_dialing, 3);
  serve_and_give_back (world, &second);
}

/* And so is what was dialed for a waiter that a returned connection has served. */
static void
rule_13_a_return_leaves_early_dials_behind (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);
  TallyWaiter holder, first, second;

  world_ask (world, &holder, G_MAXINT64);
  let_two_wait_for_early_dials (world, &first, &second, world->now.mono);
  world_give_back (world, &holder);
  CU_ASSERT_EQUAL (first.state, TALLY_WAITER_SERVED);
  CU_ASSERT_EQUAL (second.state, TALLY_WAITER_QUEUED);
  assert_int (world->policy.n_dialing, 3);
  serve_and_give_back (world, &second);
  world_give_back (world, &first);
}

/* One idle connection makes room for one that is dialed, and none where no dial may begin. */
static void
rule_13_no_more_make_room_than_are_dialed (void)
{
  for (guint backs_off = 0; backs_off < 2; backs_off++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;
      TallyWaiter fresh = { .label = "fresh", .fresh = TRUE, .deadline = G_MAXINT64 };
      TallyWaiter other;

      options.max_open = 4;
      world = world_new (&options);
      world_fill (world, 4);
      world->hold_dials = TRUE;
      if (backs_off)
        {
          world_ask (world, &other, G_MAXINT64); /* so that there is somebody to wait for */
          world->policy.backoff = (TallyBackoff){ 1, world->now.mono, world->now.mono + S, 0 };
        }
      world_pass (world, MS);
      tally_policy_ask (&world->policy, &world->now, &fresh);
      world_settle (world);
      tally_policy_pump (&world->policy, &world->now);
      world_settle (world);
      assert_int (world->policy.n_idle, 3);
      assert_int (world->policy.n_dialing, !backs_off);
      if (backs_off)
        world_give_back (world, &other);
      world->hold_dials = FALSE;
      world_settle (world);
      if (fresh.state == TALLY_WAITER_SERVED)
        world_give_back (world, &fresh);
    }
}

/* Nor does a second one while the first is being closed. */
static void
rule_13_one_at_a_time_makes_room (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter fresh = { .label = "fresh", .fresh = TRUE, .deadline = G_MAXINT64 };

  options.max_open = 2;
  world = world_new (&options);
  world_fill (world, 2);
  world_pass (world, MS);
  tally_policy_ask (&world->policy, &world->now, &fresh);
  assert_int (world->policy.n_closing, 1);
  tally_policy_pump (&world->policy, &world->now);
  assert_int (world->policy.n_closing, 1);
  assert_int (world->policy.n_idle, 1);
  serve_and_give_back (world, &fresh);
}

/* A shared connection that was dialed serves all that wait for a fresh one: no other dial begins for them. */
static void
rule_24_one_dial_serves_all_that_want_a_fresh_connection (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiters[3];

  options.streams = G_N_ELEMENTS (waiters);
  world = world_new (&options);
  world->hold_dials = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      waiters[i] = (TallyWaiter){
        .label = "fresh", .fresh = TRUE, .deadline = G_MAXINT64, .since = world->now.mono
      };
      tally_policy_ask (&world->policy, &world->now, &waiters[i]);
    }
  assert_int (world->policy.n_dialing, 1);
  tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
  assert_int (world->policy.n_dialing, 0);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      CU_ASSERT_EQUAL (waiters[i].state, TALLY_WAITER_SERVED);
      world_give_back (world, &waiters[i]);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_13_an_earlier_dial_is_no_promise),
    TEST (rule_13_the_next_one_needs_a_later_dial),
    TEST (rule_13_a_return_leaves_early_dials_behind),
    TEST (rule_13_no_more_make_room_than_are_dialed),
    TEST (rule_13_one_at_a_time_makes_room),
    TEST (rule_24_one_dial_serves_all_that_want_a_fresh_connection),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
