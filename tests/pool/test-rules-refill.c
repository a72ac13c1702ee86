/* Rules 15 and 16, what is dialed in the background, on the policy with a clock that only the test
 * moves. */
#include "world.h"

/* ---- rule 15 ---- */

static void
rule_15_lifetime_is_checked_at_release (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;

  options.max_lifetime = 60 * S;
  world = world_new (&options);
  world_ask (world, &waiter, G_MAXINT64);
  world_pass (world, 61 * S);
  assert_int (world->closed, 0);
  world_give_back (world, &waiter);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
  assert_int (world->policy.n_idle, 0);
}

static void
rule_15_lifetimes_are_jittered (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  guint closed = 0;

  options.max_lifetime = 100 * S;
  options.lifetime_jitter = 0.5;
  options.idle_timeout = 0;
  world = world_new (&options);
  world_fill (world, 16);
  world_pass (world, 49 * S);
  assert_int (world->closed, 0);
  world_pass (world, 26 * S);
  closed = world->closed;
  CU_ASSERT_TRUE (closed > 0 && closed < 16);
  world_pass (world, 25 * S);
  assert_int (world->closed, 16);
}

/* One is kept ready, and each goes at 60 s. */
static World *
world_of_ageing (void)
{
  TallyPoolOptions options = tally_pool_options_default;

  options.max_lifetime = 60 * S;
  options.lifetime_jitter = 0;
  options.idle_timeout = 0;
  options.min_idle = 1;
  return world_new (&options);
}

static void
rule_15_the_replacement_comes_first (void)
{
  g_autoptr (World) world = world_of_ageing ();

  world_warm (world, 1);
  assert_int (world->policy.n_idle, 1);
  world->hold_dials = TRUE;
  world_pass (world, 60 * S);
  assert_int (world->policy.n_dialing, 1);
  assert_int (world->policy.n_idle, 1); /* the old one serves on */
  assert_int (world->closed, 0);
  tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
  world_settle (world);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
  assert_int (world->policy.n_idle, 1);
}

static void
rule_15_a_doomed_dial_replaces_nothing (void)
{
  for (guint fails = 0; fails < 2; fails++)
    {
      g_autoptr (World) world = world_of_ageing ();
      TallyWaiter waiter;
      TallyConn *doomed;

      world->hold_dials = TRUE;
      world_warm (world, 1);
      doomed = world_take_dial (world);
      tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
      world_ask (world, &waiter, G_MAXINT64);
      tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
      world_give_back (world, &waiter);
      world_pass (world, 60 * S); /* the dial for its replacement has begun */
      if (fails)
        tally_policy_dial_failed (&world->policy, &world->now, doomed, &world_refused, NULL);
      else
        tally_policy_dial_done (&world->policy, &world->now, doomed, world, NULL);
      world_settle (world);
      assert_int (world->policy.n_idle, 1);
      CU_ASSERT_TRUE (world->policy.idle.head->replaced);
      world->hold_dials = FALSE;
      world_settle (world);
      assert_int (world->policy.n_idle, 1);
      assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
    }
}

/* Its refill is not there yet: the one that comes back too old serves on until it is replaced. */
static void
rule_15_what_comes_back_is_replaced_first (void)
{
  g_autoptr (World) world = world_of_ageing ();
  TallyWaiter waiter;

  world_warm (world, 1);
  world->hold_dials = TRUE;
  world_ask (world, &waiter, G_MAXINT64);
  world_take_dial (world); /* the refill, which never ends */
  world_pass (world, 60 * S);
  world_give_back (world, &waiter);
  world_pass (world, S);
  assert_int (world->policy.n_idle, 1);
  assert_int (world->closed, 0);
  tally_policy_dial_done (&world->policy, &world->now, world_take_dial (world), world, NULL);
  world_settle (world);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
  assert_int (world->policy.n_idle, 1);
}

static gboolean
refuse_background (gpointer totals, TallyDialPurpose purpose)
{
  return purpose == TALLY_DIAL_FOR_BORROWER;
}

static void
take_back_nothing (gpointer totals, gboolean yielded)
{
}

static gint
no_room (gpointer totals)
{
  return 0;
}

/* No replacement could be dialed: the old one goes first. */
static void
rule_15_where_all_is_full_the_old_one_goes_first (void)
{
  g_autoptr (World) world = world_of_ageing ();

  world_warm (world, 1);
  world->policy.reserve = refuse_background;
  world->policy.unreserve = take_back_nothing;
  world->policy.room = no_room;
  world_pass (world, 60 * S);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
}

/* The dial for the replacement has failed: another one begins once the backoff is over. Until then nothing is
 * due at this instant, though the old connection is past its time. */
static void
rule_15_a_failed_replacement_is_tried_again (void)
{
  g_autoptr (World) world = world_of_ageing ();

  world_warm (world, 1);
  world->hold_dials = TRUE;
  world_pass (world, 60 * S);
  assert_int (tally_policy_next_event (&world->policy, &world->now), G_MAXINT64);
  world_fail_dial (world);
  CU_ASSERT_PTR_NULL (world->policy.to_dial);
  CU_ASSERT_TRUE (tally_policy_next_event (&world->policy, &world->now) > world->now.mono);
  world_pass (world, world->policy.options.backoff_max);
  CU_ASSERT_PTR_NOT_NULL_FATAL (world->policy.to_dial);
  world->hold_dials = FALSE;
  world_settle (world);
  assert_int (world->policy.stats.closes[TALLY_CLOSE_LIFETIME], 1);
  assert_int (world->policy.n_idle, 1);
}

/* ---- rule 16 ---- */

static void
rule_16_min_idle_is_refilled_after_any_close (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;

  options.min_idle = 3;
  world = world_new (&options);
  world_warm (world, 1);
  assert_int (world->policy.n_idle, 3);
  world_ask (world, &waiter, G_MAXINT64);
  tally_policy_release (&world->policy, &world->now, waiter.hold, TALLY_CLOSE_BROKEN);
  world_settle (world);
  assert_int (world->policy.n_idle, 3);
  tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
  world_settle (world);
  assert_int (world->policy.n_idle, 3);
}

/* What is kept ready is not closed for being idle; what is more than that is, and the oldest goes. */
static void
rule_16_idle_timeout_leaves_min_idle_alone (void)
{
  for (guint fifo = 0; fifo < 2; fifo++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;
      TallyWaiter waiter, late;

      options.min_idle = 3;
      options.order = fifo ? TALLY_POOL_ORDER_FIFO : TALLY_POOL_ORDER_LIFO;
      world = world_new (&options);
      world_fill (world, 5);
      world_pass (world, options.idle_timeout);
      assert_int (world->policy.stats.closes[TALLY_CLOSE_IDLE], world->policy.stats.dials_done - 3);
      assert_int (world->policy.n_idle, 3);
      assert_int (tally_policy_next_event (&world->policy, &world->now), G_MAXINT64);
      world_pass (world, 10 * options.idle_timeout);
      assert_int (world->policy.n_idle, 3);
      world->closed = 0;
      world_ask (world, &waiter, G_MAXINT64); /* its place is filled in the background */
      CU_ASSERT_TRUE (waiter.reused);
      world_ask (world, &late, G_MAXINT64);
      assert_int (world->policy.n_idle, 3);
      world_give_back (world, &waiter);
      assert_int (world->closed, 1);
      world_give_back (world, &late);
      assert_int (world->closed, fifo ? 1 : 2); /* those that had not been used */
      assert_int (world->policy.n_idle, fifo ? 4 : 3);
    }
}

/* Nothing is kept ready of an endpoint that was given up, nor dialed for it, until it is used again. */
static void
rule_16_what_was_given_up_is_not_kept_ready (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;

  options.min_idle = 2;
  options.max_lifetime = 10 * options.idle_timeout;
  world = world_new (&options);
  world_warm (world, 2);
  tally_policy_give_up (&world->policy, &world->now);
  world_settle (world);
  assert_int (world->policy.n_idle, 2); /* another user may want them */
  world->dials = 0;
  world_pass (world, options.idle_timeout);
  assert_int (world->policy.n_idle, 0);
  world_pass (world, 20 * options.idle_timeout);
  assert_int (world->dials, 0);
  assert_int (tally_policy_next_event (&world->policy, &world->now), G_MAXINT64);
  world_ask (world, &waiter, G_MAXINT64);
  world_give_back (world, &waiter);
  world_settle (world);
  CU_ASSERT (world->policy.n_idle >= 2);
}

static void
rule_16_max_lifetime_does_not (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;

  options.min_idle = 3;
  options.max_lifetime = 60 * S;
  options.lifetime_jitter = 0;
  world = world_new (&options);
  world_warm (world, 3);
  world_pass (world, 60 * S);
  assert_int (world->closed, 3);
  assert_int (world->policy.n_idle, 3);
  assert_int (world->policy.idle.tail->dialed, world->now.mono);
}

/* Also by the quick path, which leaves the refill to the other one. */
static void
rule_16_min_idle_is_refilled_after_a_borrow (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiters[3];
  TallyHold *hold;
  gint64 idle_age;

  options.min_idle = 2;
  world = world_new (&options);
  world_warm (world, 1);
  CU_ASSERT_PTR_NULL (tally_policy_try (&world->policy, &world->now, world->policy.idle.head,
                                        "quick", 1, &idle_age));
  for (guint i = 0; i < 3; i++)
    {
      world_ask (world, &waiters[i], G_MAXINT64);
      assert_int (world->policy.n_idle, 2);
      assert_int (world->policy.n_busy, i + 1);
    }
  for (guint i = 0; i < 3; i++)
    world_give_back (world, &waiters[i]);
  assert_int (world->dials, 5);
  hold = tally_policy_try (&world->policy, &world->now, world->policy.idle.head, "quick", 1,
                           &idle_age);
  CU_ASSERT_PTR_NOT_NULL_FATAL (hold);
  CU_ASSERT_TRUE (tally_policy_put (&world->policy, &world->now, hold));
}

/* Where backoff is turned off: nobody but a borrower dials again at once. */
static void
rule_16_refilling_pauses_in_any_case (void)
{
  TallyPoolOptions options = tally_pool_options_default;

  options.backoff_base = 0;
  for (guint warms = 0; warms < 2; warms++)
    {
      g_autoptr (World) world = NULL;
      TallyWaiter waiter;

      options.min_idle = warms ? 0 : 2;
      world = world_new (&options);
      world->hold_dials = TRUE;
      world_warm (world, 2);
      world_fail_dial (world);
      while (world->policy.to_dial != NULL)
        world_fail_dial (world);
      assert_int (world->policy.stats.dials_failed, 2);
      if (warms)
        world_warm (world, 2);
      CU_ASSERT_PTR_NULL (world->policy.to_dial);
      assert_int (tally_policy_next_event (&world->policy, &world->now), world->now.mono + S);
      world_ask (world, &waiter, G_MAXINT64);
      world_fail_dial (world);
      CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_DIAL);
      g_clear_error (&waiter.error);
      world->hold_dials = FALSE;
      world_pass (world, S);
      assert_int (world->policy.n_idle, 2);
    }
}

/* No more may be idle than are to be: while one is lent its place stays free for it. */
static void
rule_16_what_could_not_stay_is_not_dialed (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;

  options.min_idle = options.max_idle = 2;
  world = world_new (&options);
  world_warm (world, 1);
  for (guint i = 0; i < 10; i++)
    {
      world_ask (world, &waiter, G_MAXINT64);
      world_give_back (world, &waiter);
    }
  assert_int (world->dials, 2);
  assert_int (world->policy.n_idle, 2);
}

static void
rule_16_refilling_obeys_backoff (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;

  options.min_idle = 1;
  world = world_new (&options);
  world_warm (world, 1);
  world->hold_dials = TRUE;
  tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
  world_settle (world);
  world_fail_dial (world);
  world_settle (world);
  CU_ASSERT_PTR_NULL (world->policy.to_dial);
  assert_int (tally_policy_next_event (&world->policy, &world->now), world->policy.backoff.until);
  world->hold_dials = FALSE;
  world_pass (world, options.backoff_base);
  assert_int (world->policy.n_idle, 1);
}

/* A refill under way takes neither a borrower's permit nor its place, and serves a waiter. */
static void
rule_16_refilling_delays_nobody (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyConn *refill;
  TallyWaiter waiter;

  options.min_idle = 4;
  options.max_dials = 2;
  world = world_new (&options);
  world->hold_dials = TRUE;
  tally_policy_warm (&world->policy, &world->now, 4);
  assert_int (world->policy.n_dialing, 1);
  refill = world_take_dial (world);
  world_ask (world, &waiter, G_MAXINT64);
  assert_int (world->policy.n_dialing, 2);
  tally_policy_dial_done (&world->policy, &world->now, refill, world, NULL);
  CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_SERVED);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &waiter);
}

/* The last permit, or the last place, is a background dial's: it ends, and the borrower's begins. */
static void
rule_16_the_last_permit_and_place_are_given_up (void)
{
  for (guint way = 0; way < 4; way++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;
      TallyWaiter holder, waiter;
      TallyConn *refill;

      options.min_idle = 2;
      options.max_dials = way % 2 == 0 ? 1 : 4;
      options.max_open = way % 2 == 0 ? 64 : 2;
      world = world_new (&options);
      world_ask (world, &holder, G_MAXINT64);
      tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
      world->hold_dials = TRUE;
      world_settle (world);
      tally_policy_pump (&world->policy, &world->now);
      refill = world_take_dial (world);
      CU_ASSERT_PTR_NULL (world->policy.to_dial);
      world_ask (world, &waiter, G_MAXINT64);
      CU_ASSERT_TRUE (refill->given_up && world->policy.gives_up);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_QUEUED);
      if (way < 2)
        {
          tally_policy_dial_failed (&world->policy, &world->now, refill, &world_refused, NULL);
          assert_int (world->policy.backoff.failures, 0);
          CU_ASSERT_PTR_NOT_NULL_FATAL (world->policy.to_dial);
          CU_ASSERT_FALSE (world->policy.to_dial->background); /* the borrower's */
          world->hold_dials = FALSE;
          world_settle (world);
        }
      else /* it was there before it could end */
        tally_policy_dial_done (&world->policy, &world->now, refill, world, NULL);
      CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_SERVED);
      assert_int (world->policy.n_given_up, 0);
      world->hold_dials = FALSE;
      world_give_back (world, &waiter);
      world_give_back (world, &holder);
    }
}

/* Of two dials in the background the one that began last ends: the other one is nearer to its end. */
static void
rule_16_the_latest_dial_is_given_up (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;
  TallyConn *first, *last;

  options.max_open = 2;
  world = world_new (&options);
  world->hold_dials = TRUE;
  world_warm (world, 1);
  first = world_take_dial (world);
  world_pass (world, MS);
  world_warm (world, 2);
  last = world_take_dial (world);
  world_ask (world, &waiter, G_MAXINT64);
  CU_ASSERT_TRUE (last->given_up);
  CU_ASSERT_FALSE (first->given_up);
  tally_policy_dial_failed (&world->policy, &world->now, last, &world_refused, NULL);
  tally_policy_dial_done (&world->policy, &world->now, first, world, NULL);
  CU_ASSERT_EQUAL (waiter.state, TALLY_WAITER_SERVED);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &waiter);
}

/* No dial is given up that would not help a borrower, or that it does not need. */
static void
rule_16_nothing_is_given_up_in_vain (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter waiter;

  options.min_idle = 4;
  options.max_dials = 2;
  world = world_new (&options);
  world->hold_dials = TRUE;
  tally_policy_warm (&world->policy, &world->now, 4);
  world_ask (world, &waiter, G_MAXINT64); /* has the other permit */
  assert_int (world->policy.n_dialing, 2);
  assert_int (world->policy.n_given_up, 0);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &waiter);
}

/* After failures one dial at a time is tried. While that is a borrower's, no other one would begin in place of a
 * dial in the background. */
static void
rule_16_nothing_is_given_up_beside_the_one_dial (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  TallyWaiter failed, one, other;

  world->hold_dials = TRUE;
  world_warm (world, 1);
  world_ask (world, &failed, G_MAXINT64);
  world_ask (world, &one, G_MAXINT64);
  assert_int (world->policy.n_dialing, 3);
  world_fail_dial (world);
  CU_ASSERT_EQUAL (failed.refusal, TALLY_REFUSAL_DIAL);
  g_clear_error (&failed.error);
  world_pass (world, options.backoff_max);
  world_ask (world, &other, G_MAXINT64);
  CU_ASSERT_EQUAL (other.state, TALLY_WAITER_QUEUED);
  assert_int (world->policy.n_dialing, 2);
  assert_int (world->policy.n_given_up, 0);
  world->hold_dials = FALSE;
  world_settle (world);
  world_give_back (world, &one);
  world_give_back (world, &other);
}

/* Once as many are idle as may be, it is done: what goes later is not dialed anew. */
static void
warm_ends_at_the_limits (void)
{
  for (guint idle_is_limited = 0; idle_is_limited < 2; idle_is_limited++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;

      if (idle_is_limited)
        options.max_idle = 2;
      else
        options.max_open = 2;
      world = world_new (&options);
      world_warm (world, 5);
      assert_int (world->policy.n_idle, 2);
      tally_policy_drop_all (&world->policy, TALLY_CLOSE_CLEARED);
      world_settle (world);
      assert_int (world->policy.n_idle, 0);
      assert_int (world->dials, 2);
    }
}

static void
warm_ends_with_a_failed_dial (void)
{
  g_autoptr (World) world = world_new (&tally_pool_options_default);

  world->hold_dials = TRUE;
  world_warm (world, 2);
  world_fail_dial (world);
  world_fail_dial (world);
  world->hold_dials = FALSE;
  world_pass (world, world->policy.options.backoff_max);
  assert_int (world->policy.n_idle, 0);
  assert_int (world->policy.stats.dials_started, 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_15_lifetime_is_checked_at_release),
    TEST (rule_15_lifetimes_are_jittered),
    TEST (rule_15_the_replacement_comes_first),
    TEST (rule_15_a_doomed_dial_replaces_nothing),
    TEST (rule_15_what_comes_back_is_replaced_first),
    TEST (rule_15_where_all_is_full_the_old_one_goes_first),
    TEST (rule_16_min_idle_is_refilled_after_any_close),
    TEST (rule_16_idle_timeout_leaves_min_idle_alone),
    TEST (rule_16_what_was_given_up_is_not_kept_ready),
    TEST (rule_16_max_lifetime_does_not),
    TEST (rule_16_min_idle_is_refilled_after_a_borrow),
    TEST (rule_16_refilling_pauses_in_any_case),
    TEST (rule_16_what_could_not_stay_is_not_dialed),
    TEST (rule_16_refilling_obeys_backoff),
    TEST (rule_16_refilling_delays_nobody),
    TEST (rule_16_the_last_permit_and_place_are_given_up),
    TEST (rule_16_the_latest_dial_is_given_up),
    TEST (rule_16_nothing_is_given_up_in_vain),
    TEST (warm_ends_at_the_limits),
    TEST (rule_16_nothing_is_given_up_beside_the_one_dial),
    TEST (rule_15_a_failed_replacement_is_tried_again),
    TEST (warm_ends_with_a_failed_dial),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
