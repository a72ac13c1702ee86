/* What becomes of borrowers when dials fail: `wait-for-ready`, and rule 31; and what rules 5 and 24 say of borrowers
 * that come one after the other. On the policy with a clock that only the test moves. */
#include "world.h"
#include "policy/policy-parts-private.h"

/* ---- wait-for-ready ---- */

/* A borrower that asks during backoff waits for the next dial, and for the one after, until its
 * deadline; nobody learns of the failures but from the error that it then gets. */
static void
wait_for_ready_waits_through_backoff (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiters[3], dialer, hurried;

  options.wait_for_ready = TRUE;
  world = world_new (&options);
  world->hold_dials = TRUE;
  dialer = (TallyWaiter){ .label = "dialer", .may_dial = TRUE, .deadline = G_MAXINT64 };
  tally_policy_ask (&world->policy, &world->now, &dialer);
  CU_ASSERT_EQUAL (dialer.state, TALLY_WAITER_PERMIT);
  tally_policy_dial_failed (&world->policy, &world->now, dialer.permit, &world_refused, &dialer);
  CU_ASSERT_EQUAL (dialer.state, TALLY_WAITER_QUEUED);
  for (guint i = 0; i < 3; i++)
    {
      world_ask (world, &waiters[i], 100 * S);
      CU_ASSERT_EQUAL (waiters[i].state, TALLY_WAITER_QUEUED);
    }
  world_ask (world, &hurried, S);
  CU_ASSERT_PTR_NULL (world->policy.to_dial);
  assert_int (tally_policy_next_event (&world->policy, &world->now), world->policy.backoff.until);
  dialer.may_dial = FALSE;
  for (guint i = 0; i < 3; i++)
    {
      world_pass (world, world->policy.backoff.until - world->now.mono);
      CU_ASSERT_PTR_NULL (world->policy.to_dial->next); /* one probe at a time */
      world_fail_dial (world);
      assert_int (world->policy.waiting, 5);
    }
  world_pass (world, S);
  CU_ASSERT_TRUE (tally_policy_time_out (&world->policy, &world->now, &hurried)
                  || (world->policy.to_dial != NULL && hurried.state == TALLY_WAITER_QUEUED));
  if (hurried.state == TALLY_WAITER_QUEUED)
    tally_policy_leave (&world->policy, &world->now, &hurried, TALLY_REFUSAL_TIMED_OUT);
  CU_ASSERT_EQUAL (hurried.refusal, TALLY_REFUSAL_TIMED_OUT);
  world->hold_dials = FALSE;
  world_settle (world);
  world_pass (world, options.backoff_max);
  CU_ASSERT_EQUAL (dialer.state, TALLY_WAITER_SERVED);
  world_give_back (world, &dialer);
  for (guint i = 0; i < 3; i++)
    {
      CU_ASSERT_EQUAL (waiters[i].state, TALLY_WAITER_SERVED);
      world_give_back (world, &waiters[i]);
    }
}

/* Where the next dial would follow at once, the failure is told: else it would be tried without end. */
static void
wait_for_ready_needs_a_pause (void)
{
  for (guint here = 0; here < 2; here++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;
      TallyWaiter waiter;

      options.wait_for_ready = TRUE;
      options.backoff_base = here ? options.backoff_base : 0;
      world = world_new (&options);
      world->hold_dials = TRUE;
      world_ask (world, &waiter, G_MAXINT64);
      world->policy.to_dial->failed_here = here;
      world_fail_dial (world);
      CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_DIAL);
      g_clear_error (&waiter.error);
    }
}

/* A borrower that has other endpoints learns of the failure, and one that comes later is refused; those behind it wait. */
static void
wait_for_ready_is_not_for_those_that_go_on (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waits;
  TallyWaiter first = { .label = "first", .deadline = G_MAXINT64, .goes_on = TRUE };
  TallyWaiter next = first;
  TallyWaiter late = first;

  options.wait_for_ready = TRUE;
  options.max_dials = 1;
  world = world_new (&options);
  world->hold_dials = TRUE;
  tally_policy_ask (&world->policy, &world->now, &first);
  tally_policy_ask (&world->policy, &world->now, &next);
  world_ask (world, &waits, G_MAXINT64);
  world_fail_dial (world);
  CU_ASSERT_EQUAL (first.refusal, TALLY_REFUSAL_DIAL);
  g_clear_error (&first.error);
  CU_ASSERT_EQUAL (next.refusal, TALLY_REFUSAL_BACKOFF);
  g_clear_error (&next.error);
  tally_policy_ask (&world->policy, &world->now, &late);
  CU_ASSERT_EQUAL (late.refusal, TALLY_REFUSAL_BACKOFF);
  g_clear_error (&late.error);
  CU_ASSERT_EQUAL (waits.state, TALLY_WAITER_QUEUED);
  world->hold_dials = FALSE;
  world_pass (world, options.backoff_max);
  CU_ASSERT_EQUAL (waits.state, TALLY_WAITER_SERVED);
  world_give_back (world, &waits);
}

/* ---- rule 31 ---- */

/* What is dialed in the background pauses all the same. */
static void
rule_31_what_fails_here_pauses_the_background (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;

  options.min_idle = 1;
  world = world_new (&options);
  world->hold_dials = TRUE;
  world_warm (world, 1);
  world->policy.to_dial->failed_here = TRUE;
  world_fail_dial (world);
  CU_ASSERT_PTR_NULL (world->policy.to_dial);
  assert_int (world->policy.backoff.failures, 0);
  assert_int (tally_policy_next_event (&world->policy, &world->now), world->now.mono + S);
}

/* Nor does it end a longer pause that the endpoint has brought about. */
static void
rule_31_what_fails_here_shortens_no_pause (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  gint64 until;

  options.min_idle = 2;
  options.backoff_base = 10 * S;
  world = world_new (&options);
  world->hold_dials = TRUE;
  world_warm (world, 2);
  world_fail_dial (world);
  until = world->policy.backoff.until;
  CU_ASSERT_TRUE (until > world->now.mono + S);
  CU_ASSERT_PTR_NOT_NULL_FATAL (world->policy.to_dial);
  world->policy.to_dial->failed_here = TRUE;
  world_fail_dial (world);
  assert_int (tally_policy_next_event (&world->policy, &world->now), until);
  world_pass (world, 2 * S);
  CU_ASSERT_PTR_NULL (world->policy.to_dial);
}

/* A dial that fails for want of something here starts no backoff and prolongs none. */
static void
rule_31_what_fails_here_is_no_backoff (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter, other;
  gint64 until;

  world = world_new (&options);
  world->hold_dials = TRUE;
  world_ask (world, &waiter, G_MAXINT64);
  world->policy.to_dial->failed_here = TRUE;
  world_fail_dial (world);
  CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_DIAL);
  g_clear_error (&waiter.error);
  assert_int (world->policy.backoff.failures, 0);
  world_ask (world, &waiter, G_MAXINT64); /* is not refused */
  world_fail_dial (world);
  g_clear_error (&waiter.error);
  until = world->policy.backoff.until;
  CU_ASSERT_TRUE (until > world->now.mono);
  world_pass (world, until - world->now.mono);
  world_ask (world, &waiter, G_MAXINT64);
  world->policy.to_dial->failed_here = TRUE;
  world_fail_dial (world);
  g_clear_error (&waiter.error);
  assert_int (world->policy.backoff.failures, 1);
  assert_int (world->policy.backoff.until, until);
  world->hold_dials = FALSE;
  world_ask (world, &other, G_MAXINT64);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_SERVED);
  world_give_back (world, &other);
}

/* The first in the queue has a dial under way. The dial that begins for the next one is no permit for the first. */
static void
rule_05_the_first_does_not_dial_for_the_next (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);
  TallyWaiter first = { .label = "first", .deadline = G_MAXINT64, .may_dial = TRUE };
  TallyWaiter next = { .label = "next", .deadline = G_MAXINT64, .may_dial = TRUE };

  world->hold_dials = TRUE;
  tally_policy_ask (&world->policy, &world->now, &first);
  CU_ASSERT_EQUAL_FATAL (first.state, TALLY_WAITER_PERMIT);
  tally_policy_permit_to_thread (&world->policy, &world->now, &first);
  tally_policy_ask (&world->policy, &world->now, &next);
  CU_ASSERT_EQUAL_FATAL (first.state, TALLY_WAITER_QUEUED);
  assert_int (world->policy.n_dialing, 2);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &first);
  world_give_back (world, &next);
}

/* Without a deadline a borrow may wait 5 s. One that may not queue at all may wait for a dial, as long as that takes. */
static void
wait_timeout_0_leaves_time_for_a_dial (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;

  options.connect_timeout = 10 * S;
  world = world_new (&options);
  assert_int (tally_policy_find_deadline (&world->policy, 1000, G_MAXINT64), 1000 + 5 * S);
  world->policy.options.wait_timeout = 0;
  assert_int (tally_policy_find_deadline (&world->policy, 1000, G_MAXINT64), 1000 + 10 * S);
  assert_int (tally_policy_find_deadline (&world->policy, 1000, 3000), 3000);
}

/* Where no check is made the second borrower of an idle connection need not wait for the first one's. */
static void
rule_24_what_is_not_checked_is_shared_at_once (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter one, other;

  options.streams = 2;
  options.max_open = 1;
  options.check = TALLY_POOL_CHECK_NEVER;
  world = world_new (&options);
  world_fill (world, 1);
  world_ask (world, &one, G_MAXINT64);
  world_ask (world, &other, G_MAXINT64);
  CU_ASSERT_EQUAL_FATAL (other.state, TALLY_WAITER_SERVED);
  CU_ASSERT_PTR_EQUAL (one.hold->conn, other.hold->conn);
  world_give_back (world, &one);
  world_give_back (world, &other);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (wait_for_ready_waits_through_backoff),
    TEST (wait_for_ready_needs_a_pause),
    TEST (wait_for_ready_is_not_for_those_that_go_on),
    TEST (rule_31_what_fails_here_is_no_backoff),
    TEST (rule_31_what_fails_here_pauses_the_background),
    TEST (rule_31_what_fails_here_shortens_no_pause),
    TEST (rule_24_what_is_not_checked_is_shared_at_once),
    TEST (rule_05_the_first_does_not_dial_for_the_next),
    TEST (wait_timeout_0_leaves_time_for_a_dial),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
