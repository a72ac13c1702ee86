/* The rules about time, 9, 13, 14, 17, 18 and 27, and wait-timeout, on the policy with a clock that only the test
 * moves. */
#include "world.h"
#include "policy/policy-parts-private.h"

/* ---- rule 9 ---- */

static void
rule_09_backoff_fails_fast_and_doubles (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter waiter;
  gint64 longest = options.backoff_base;

  world->hold_dials = TRUE;
  for (guint i = 0; i < 10; i++, longest = MIN (longest * 2, options.backoff_max))
    {
      gint64 pause;

      world_ask (world, &waiter, G_MAXINT64);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_QUEUED);
      world_fail_dial (world);
      CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_DIAL);
      g_clear_error (&waiter.error);
      pause = world->policy.backoff.until - world->now.mono;
      CU_ASSERT_TRUE (pause >= longest / 2 && pause <= longest);
      world_ask (world, &waiter, G_MAXINT64);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_FAILED);
      CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_BACKOFF);
      CU_ASSERT_PTR_NULL (world->policy.to_dial);
      world_pass (world, pause);
    }
}

static void
rule_09_jitter_begins_with_the_first_failure (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  gint64 first = 0;
  guint different = 0;

  for (guint seed = 1; seed <= 16; seed++)
    {
      g_autoptr (World) world = world_new (&options);
      TallyWaiter waiter;
      gint64 pause;

      world->policy.random = seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
      world->hold_dials = TRUE;
      world_ask (world, &waiter, G_MAXINT64);
      world_fail_dial (world);
      g_clear_error (&waiter.error);
      pause = world->policy.backoff.until - world->now.mono;
      different += first != 0 && pause != first;
      first = pause;
    }
  CU_ASSERT_TRUE (different >= 10);
}

static void
rule_09_one_probe_at_a_time (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter waiters[4];

  world->hold_dials = TRUE;
  world_ask (world, &waiters[0], G_MAXINT64);
  world_fail_dial (world);
  g_clear_error (&waiters[0].error);
  world_pass (world, options.backoff_base);
  for (guint i = 0; i < 4; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  assert_int (world->policy.n_dialing, 1);
  /* Its failure is one caller's; the others have nothing to wait for and learn the cause. */
  world_fail_dial (world);
  CU_ASSERT_EQUAL (waiters[0].refusal, TALLY_REFUSAL_DIAL);
  for (guint i = 1; i < 4; i++)
    CU_ASSERT_EQUAL (waiters[i].refusal, TALLY_REFUSAL_BACKOFF);
  g_clear_error (&waiters[0].error);
}

/* Dials that were under way together fail for one reason. */
static void
rule_09_what_fails_together_counts_once (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);
  TallyWaiter waiters[4];

  world->hold_dials = TRUE;
  for (guint i = 0; i < 4; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  assert_int (world->policy.n_dialing, 4);
  for (guint i = 0; i < 4; i++)
    {
      world->now.mono += MS;
      world_fail_dial (world);
      g_clear_error (&waiters[i].error);
    }
  assert_int (world->policy.stats.dials_failed, 4);
  assert_int (world->policy.backoff.failures, 1);
}

static void
rule_09_it_can_be_reset (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter waiter;

  world->hold_dials = TRUE;
  world_ask (world, &waiter, G_MAXINT64);
  world_fail_dial (world);
  g_clear_error (&waiter.error);
  tally_policy_reset_backoff (&world->policy, &world->now);
  world->hold_dials = FALSE;
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_SERVED);
  world_give_back (world, &waiter);
}

/* A borrower that can hope for a connection that is out waits for it, backoff or not. */
static void
rule_09_who_can_hope_may_wait (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter holder, one, other;

  world_ask (world, &holder, G_MAXINT64);
  world->hold_dials = TRUE;
  world_ask (world, &one, G_MAXINT64);
  world_fail_dial (world);
  g_clear_error (&one.error);
  world_ask (world, &other, G_MAXINT64);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_QUEUED);
  world_give_back (world, &holder);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_SERVED);
  world_give_back (world, &other);
}

/* ---- rule 14 ---- */

/* Neither its success nor its failure concerns those that wait after the clear. */
static void
rule_14_a_doomed_dial_is_waited_for_by_nobody (void)
{
  for (guint fails = 0; fails < 2; fails++)
    {
      g_autoptr (World) world = world_new (&tally_pool_options_default);
      TallyWaiter waiter;
      TallyConn *doomed;

      world->hold_dials = TRUE;
      world_ask (world, &waiter, G_MAXINT64);
      doomed = world_take_dial (world);
      tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
      tally_policy_pump (&world->policy, &world->now);
      if (fails)
        tally_policy_dial_failed (&world->policy, &world->now, doomed, &world_refused, NULL);
      else
        tally_policy_dial_done (&world->policy, &world->now, doomed, world, NULL);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_QUEUED);
      tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_SERVED);
      world->hold_dials = FALSE;
      world_give_back (world, &waiter);
      assert_int (world->policy.stats.closes[TALLY_CLOSE_CLEARED], !fails);
      assert_int (world->policy.n_background, 0);
    }
}

/* An answer to a check hook is a sign of life, as an answer to a borrower is. */
static void
rule_14_an_examined_connection_is_not_silent (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter silent;
  TallyConn *conn;

  options.keepalive = S;
  world = world_new (&options);
  world->policy.asks_peer = TRUE;
  world_fill (world, 2);
  world_ask (world, &silent, G_MAXINT64);
  world_pass (world, 2 * S);
  conn = tally_policy_take_to_examine (&world->policy, &world->now);
  CU_ASSERT_PTR_NOT_NULL_FATAL (conn);
  tally_policy_examined (&world->policy, &world->now, conn, TALLY_CLOSE_NONE);
  tally_policy_drop_silent (&world->policy, silent.hold->conn);
  assert_int (world->policy.n_idle, 1);
  world_give_back (world, &silent);
}

/* ---- rule 17 ---- */

static void
rule_17_idle_connections_go_in_time (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);

  assert_int (tally_policy_next_event (&world->policy, &world->now), G_MAXINT64);
  world_fill (world, 2);
  assert_int (tally_policy_next_event (&world->policy, &world->now),
              world->now.mono + options.idle_timeout);
  world_pass (world, options.idle_timeout - 1);
  assert_int (world->policy.n_idle, 2);
  world_pass (world, 1);
  assert_int (world->policy.n_idle, 0);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_IDLE], 2);
  assert_int (tally_policy_next_event (&world->policy, &world->now), G_MAXINT64);
}

/* ---- rule 18 ---- */

static void
rule_18_lowering_a_limit_converges (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter waiters[4];

  world_fill (world, 6);
  for (guint i = 0; i < 4; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  options.max_open = 3;
  tally_policy_set_options (&world->policy, &world->now, &options);
  world_settle (world);
  assert_int (world->policy.n_idle, 0);
  assert_int (world->policy.n_busy, 4);
  for (guint i = 0; i < 4; i++)
    world_give_back (world, &waiters[i]);
  assert_int (world->policy.n_idle, 3);
  assert_int (tally_policy_open (&world->policy), 3);
  options.max_idle = 1;
  tally_policy_set_options (&world->policy, &world->now, &options);
  world_settle (world);
  assert_int (world->policy.n_idle, 1);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIMIT], 5);
}

/* Nor does a waiter get it. */
static void
rule_18_what_is_too_much_closes_although_somebody_waits (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiters[3];

  options.max_open = 2;
  world = world_new (&options);
  for (guint i = 0; i < 3; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  options.max_open = 1;
  tally_policy_set_options (&world->policy, &world->now, &options);
  world_give_back (world, &waiters[0]);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIMIT], 1);
  CU_ASSERT_EQUAL (waiters[2].state, TALLY_WAITER_QUEUED);
  world_give_back (world, &waiters[1]);
  CU_ASSERT_EQUAL (waiters[2].state, TALLY_WAITER_SERVED);
  world_give_back (world, &waiters[2]);
  assert_int (tally_policy_open (&world->policy), 1);
}

static void
rule_18_raising_a_limit_wakes_waiters (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiters[4];

  options.max_open = 1;
  world = world_new (&options);
  for (guint i = 0; i < 4; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  assert_int (world->policy.waiting, 3);
  options.max_open = 3;
  tally_policy_set_options (&world->policy, &world->now, &options);
  world_settle (world);
  CU_ASSERT_EQUAL (waiters[1].state, TALLY_WAITER_SERVED);
  CU_ASSERT_EQUAL (waiters[2].state, TALLY_WAITER_SERVED);
  CU_ASSERT_EQUAL (waiters[3].state, TALLY_WAITER_QUEUED);
  for (guint i = 0; i < 4; i++)
    world_give_back (world, &waiters[i]);
}

/* ---- rule 14 ---- */

/* Idle connections are looked at for a moment. Meanwhile a borrower comes that none of them will do
 * for: what comes back makes room for its dial. */
static void
rule_14_a_look_makes_room_for_a_fresh_borrower (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter fresh[2] = { { .label = "one", .fresh = TRUE, .deadline = G_MAXINT64 },
                           { .label = "two", .fresh = TRUE, .deadline = G_MAXINT64 } };
  TallyWaiter holder;
  TallyConn *conn;

  options.max_open = 2;
  world = world_new (&options);
  world_fill (world, 2);
  world_ask (world, &holder, G_MAXINT64);
  tally_policy_check_failed (&world->policy, &world->now, holder.hold, TALLY_CLOSE_DEAD);
  world->hold_dials = TRUE;
  for (guint i = 0; i < 2; i++)
    tally_policy_ask (&world->policy, &world->now, &fresh[i]);
  world_settle (world);
  assert_int (world->policy.n_dialing, 1);
  conn = world->policy.to_look;
  CU_ASSERT_PTR_NOT_NULL_FATAL (conn);
  world->policy.to_look = NULL;
  tally_policy_looked (&world->policy, &world->now, conn);
  world_settle (world);
  assert_int (world->policy.n_dialing, 2);
  world->hold_dials = FALSE;
  world_settle (world);
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT_EQUAL_FATAL (fresh[i].state, TALLY_WAITER_SERVED);
      world_give_back (world, &fresh[i]);
    }
}

/* ---- wait-timeout ---- */

/* Nobody may wait. But to wait for what is about to be free does not count. */
static void
wait_timeout_0_knows_what_is_about_to_be_there (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter fresh = { .label = "fresh", .fresh = TRUE, .deadline = G_MAXINT64 };
  TallyWaiter waiter, other;
  TallyConn *conn;

  options.max_open = 1;
  options.wait_timeout = 0;
  options.keepalive = S;
  world = world_new (&options);
  world_fill (world, 1);
  world->now.mono += options.idle_timeout; /* too old, and nobody has looked yet */
  world->now.boot += options.idle_timeout;
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_SERVED);
  world_ask (world, &other, G_MAXINT64);
  CU_ASSERT_EQUAL (other.refusal, TALLY_REFUSAL_FULL);
  world_give_back (world, &waiter);
  world->now.mono += S;
  world->now.boot += S;
  tally_policy_ask (&world->policy, &world->now, &fresh); /* the idle one makes room */
  world_settle (world);
  CU_ASSERT_EQUAL_FATAL (fresh.state, TALLY_WAITER_SERVED);
  world_give_back (world, &fresh);
  world->now.mono += S;
  world->now.boot += S;
  conn = tally_policy_take_to_examine (&world->policy, &world->now);
  CU_ASSERT_PTR_NOT_NULL_FATAL (conn);
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_QUEUED);
  tally_policy_examined (&world->policy, &world->now, conn, TALLY_CLOSE_NONE);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_SERVED);
  world_give_back (world, &waiter);
}

/* But a place is not what goes because there are too many, nor what cannot be dialed into now. */
static void
wait_timeout_0_knows_what_will_not_be_there (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter a, b, waiter;

  options.max_open = 2;
  options.wait_timeout = 0;
  world = world_new (&options);
  world_ask (world, &a, G_MAXINT64);
  world_ask (world, &b, G_MAXINT64);
  options.max_open = 1;
  tally_policy_set_options (&world->policy, &world->now, &options);
  tally_policy_release (&world->policy, &world->now, a.hold, TALLY_CLOSE_NONE);
  assert_int (world->policy.n_closing, 1);
  waiter = (TallyWaiter){ .label = "time", .deadline = G_MAXINT64 };
  tally_policy_ask (&world->policy, &world->now, &waiter);
  CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_FULL);
  world_settle (world);
  world_give_back (world, &b);
}

/* A borrower that waited for a permit, and then for a thread that dials, has waited once. */
static void
rule_25_a_wait_counts_once (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter holder, waiter = { .label = "time", .may_dial = TRUE, .deadline = G_MAXINT64 };

  options.max_open = 1;
  world = world_new (&options);
  world_ask (world, &holder, G_MAXINT64);
  tally_policy_ask (&world->policy, &world->now, &waiter);
  CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_QUEUED);
  world->now.mono += 5 * MS;
  tally_policy_release (&world->policy, &world->now, holder.hold, TALLY_CLOSE_BROKEN);
  world_settle (world);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_PERMIT);
  world->now.mono += MS;
  tally_policy_permit_to_thread (&world->policy, &world->now, &waiter);
  world->now.mono += MS;
  world_settle (world);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_SERVED);
  assert_int (world->policy.stats.wait_time.count, 1);
  assert_int (world->policy.stats.wait_time.sum, 5 * MS);
  world_give_back (world, &waiter);
}

/* It limits the wait in the queue, not that for a dial, which has its own limit. */
static void
wait_timeout_is_not_for_dials (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter dials, waits, hurries;
  gint64 begun;

  options.max_dials = 2;
  options.wait_timeout = 20 * MS;
  world = world_new (&options);
  begun = world->now.mono;
  world->hold_dials = TRUE;
  world_ask (world, &dials, G_MAXINT64);
  world_ask (world, &hurries, 50 * MS);
  world_ask (world, &waits, G_MAXINT64);
  assert_int (world->policy.n_dialing, 2);
  world_pass (world, 20 * MS);
  CU_ASSERT_FALSE_FATAL (tally_policy_time_out (&world->policy, &world->now, &dials));
  CU_ASSERT_FALSE (tally_policy_time_out (&world->policy, &world->now, &hurries));
  CU_ASSERT_TRUE (tally_policy_time_out (&world->policy, &world->now, &waits));
  CU_ASSERT_EQUAL (waits.refusal, TALLY_REFUSAL_TIMED_OUT);
  assert_int (dials.deadline, begun + options.connect_timeout); /* by then the dial is over */
  assert_int (hurries.deadline, world->now.mono + 30 * MS);
  world_pass (world, 30 * MS);
  CU_ASSERT_TRUE (
      tally_policy_time_out (&world->policy, &world->now, &hurries)); /* the call's own */
  world->hold_dials = FALSE;
  world_settle (world);
  CU_ASSERT_EQUAL_FATAL (dials.state, TALLY_WAITER_SERVED);
  world_give_back (world, &dials);
}

/* Either of two dials may serve it: it waits until the later one is over. */
static void
wait_timeout_ends_with_the_last_dial (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter one, other;
  gint64 begun;

  options.wait_timeout = 20 * MS;
  world = world_new (&options);
  world->hold_dials = TRUE;
  world_ask (world, &one, G_MAXINT64);
  world_pass (world, 10 * MS);
  begun = world->now.mono;
  world_ask (world, &other, G_MAXINT64);
  world_pass (world, 20 * MS);
  CU_ASSERT_FALSE_FATAL (tally_policy_time_out (&world->policy, &world->now, &other));
  assert_int (other.deadline, begun + options.connect_timeout);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &one);
  world_give_back (world, &other);
}

/* ---- rule 27 ---- */

/* The lid was shut for an hour: the monotonic clock has not moved, the connection is an hour old.
 */
static void
rule_27_a_suspended_machine_ages_its_connections (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  gint64 idle_age;
  TallyWaiter waiter;

  world_fill (world, 1);
  world->now.boot += 3600 * S;
  CU_ASSERT_PTR_NULL (tally_policy_try (&world->policy, &world->now,
                                        tally_policy_find_next (&world->policy), "time", 1,
                                        &idle_age));
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_FALSE (waiter.reused);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_IDLE], 1);
  world_give_back (world, &waiter);
}

/* Waiting and backing off are not made shorter by it. */
static void
rule_27_deadlines_are_monotonic (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter waiter;

  world->hold_dials = TRUE;
  world_ask (world, &waiter, G_MAXINT64);
  world_fail_dial (world);
  g_clear_error (&waiter.error);
  world->now.boot += 3600 * S;
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_BACKOFF);
}

/* ---- rule 14 ---- */

/* While the idle ones are looked at, also a borrower that could dial at once waits for one of them. */
static void
rule_14_nobody_dials_for_what_is_looked_at (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter finder, other;
  TallyConn *looked;

  world_fill (world, 3);
  world_ask (world, &finder, G_MAXINT64);
  tally_policy_check_failed (&world->policy, &world->now, finder.hold, TALLY_CLOSE_DEAD);
  finder.may_dial = TRUE;
  other = (TallyWaiter){ .label = "other", .may_dial = TRUE, .deadline = G_MAXINT64 };
  tally_policy_ask (&world->policy, &world->now, &finder);
  tally_policy_ask (&world->policy, &world->now, &other);
  CU_ASSERT_EQUAL (finder.state, TALLY_WAITER_QUEUED);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_QUEUED);
  looked = g_steal_pointer (&world->policy.to_look);
  for (TallyConn *next; looked != NULL; looked = next)
    {
      next = looked->next;
      looked->looks_dead =
          next == NULL; /* a dial takes the second one's place, for the waiter that is left */
      tally_policy_looked (&world->policy, &world->now, looked);
    }
  CU_ASSERT_EQUAL (finder.state, TALLY_WAITER_SERVED);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_PERMIT);
  tally_policy_dial_failed (&world->policy, &world->now, other.permit, &world_refused, &other);
  g_clear_error (&other.error);
  world_settle (world);
  world_give_back (world, &finder);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_09_backoff_fails_fast_and_doubles),
    TEST (rule_09_jitter_begins_with_the_first_failure),
    TEST (rule_09_one_probe_at_a_time),
    TEST (rule_09_what_fails_together_counts_once),
    TEST (rule_09_it_can_be_reset),
    TEST (rule_09_who_can_hope_may_wait),
    TEST (rule_14_a_doomed_dial_is_waited_for_by_nobody),
    TEST (rule_17_idle_connections_go_in_time),
    TEST (rule_18_lowering_a_limit_converges),
    TEST (rule_18_what_is_too_much_closes_although_somebody_waits),
    TEST (rule_18_raising_a_limit_wakes_waiters),
    TEST (rule_14_a_look_makes_room_for_a_fresh_borrower),
    TEST (wait_timeout_0_knows_what_is_about_to_be_there),
    TEST (wait_timeout_0_knows_what_will_not_be_there),
    TEST (rule_25_a_wait_counts_once),
    TEST (wait_timeout_is_not_for_dials),
    TEST (rule_27_a_suspended_machine_ages_its_connections),
    TEST (rule_27_deadlines_are_monotonic),
    TEST (rule_14_nobody_dials_for_what_is_looked_at),
    TEST (wait_timeout_ends_with_the_last_dial),
    TEST (rule_14_an_examined_connection_is_not_silent),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
