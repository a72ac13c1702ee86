/* Rule 29: which borrower is refused at once because its wait would be too long, on a fake
 * clock. */
#include "world.h"

static void
rule_29_a_hopeless_wait_is_refused_at_once (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter holder, first, second;

  options.max_open = 1;
  world = world_new (&options);
  for (guint i = 0; i < 200; i++)
    {
      world_ask (world, &holder, G_MAXINT64);
      world_pass (world, 100 * MS);
      world_give_back (world, &holder);
    }
  world_ask (world, &holder, G_MAXINT64);
  world_ask (world, &first, 150 * MS); /* about 100 ms: may wait */
  CU_ASSERT_EQUAL (first.state, TALLY_WAITER_QUEUED);
  world_ask (world, &second, 150 * MS); /* about 200 ms: in vain */
  CU_ASSERT_EQUAL (second.state, TALLY_WAITER_FAILED);
  CU_ASSERT_EQUAL (second.refusal, TALLY_REFUSAL_ESTIMATE);
  CU_ASSERT_TRUE (second.estimate > 180 * MS && second.estimate < 220 * MS);
  world_ask (world, &second, G_MAXINT64);
  CU_ASSERT_EQUAL (second.state, TALLY_WAITER_QUEUED);
  world_give_back (world, &holder);
  world_give_back (world, &first);
  world_give_back (world, &second);
}

/* Connections held for so long each, one after the other. */
static void
hold_often (World *world, guint count, gint64 microseconds)
{
  TallyWaiter holder;

  for (guint i = 0; i < count; i++)
    {
      world_ask (world, &holder, G_MAXINT64);
      world_pass (world, microseconds);
      world_give_back (world, &holder);
    }
}

/* Long leases among short ones, as many as there are connections but one: what is there goes on
 * being as quick as it was, for all that queue. */
static void
rule_29_a_long_lease_refuses_nobody (void)
{
  for (guint n_long = 1; n_long <= 7; n_long++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = NULL;
      TallyWaiter jobs[7], holder, waiters[16];

      options.max_open = n_long + 1;
      options.wait_timeout = 60 * 1000 * MS;
      world = world_new (&options);
      for (guint i = 0; i < n_long; i++)
        world_ask (world, &jobs[i], G_MAXINT64);
      hold_often (world, 100, 300);
      world_pass (world, 6 * S);
      for (guint i = 0; i < n_long; i++)
        {
          world_give_back (world, &jobs[i]);
          world_ask (world, &jobs[i], G_MAXINT64);
        }
      world_ask (world, &holder, G_MAXINT64);
      for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
        {
          world_ask (world, &waiters[i], 200 * MS);
          CU_ASSERT_EQUAL_FATAL (waiters[i].state, TALLY_WAITER_QUEUED);
        }
      world_give_back (world, &holder);
      for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
        {
          CU_ASSERT_EQUAL_FATAL (waiters[i].state, TALLY_WAITER_SERVED);
          world_give_back (world, &waiters[i]);
        }
      for (guint i = 0; i < n_long; i++)
        world_give_back (world, &jobs[i]);
    }
}

/* A part of the time that the connection is held has passed already. */
static void
rule_29_what_is_nearly_over_is_waited_for (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter holder, waiter;

  options.max_open = 1;
  world = world_new (&options);
  hold_often (world, 100, 100 * MS);
  world_ask (world, &holder, G_MAXINT64);
  world_ask (world, &waiter, 50 * MS);
  CU_ASSERT_EQUAL (waiter.refusal, TALLY_REFUSAL_ESTIMATE);
  world_pass (world, 60 * MS);
  world_ask (world, &waiter, 50 * MS);
  CU_ASSERT_EQUAL_FATAL (waiter.state, TALLY_WAITER_QUEUED);
  world_give_back (world, &holder);
  world_give_back (world, &waiter);
}

/* It follows what happens: long holds are known as such soon, and as soon no longer. */
static void
rule_29_only_what_was_lately_counts (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter holder, waiter;

  options.max_open = 1;
  world = world_new (&options);
  for (guint i = 0; i < 4; i++)
    {
      gboolean is_long = i % 2 == 1;

      hold_often (world, TALLY_RECENT_HOLDS, is_long ? S : MS);
      world_ask (world, &holder, G_MAXINT64);
      world_ask (world, &waiter, 100 * MS);
      CU_ASSERT_EQUAL_FATAL (waiter.state == TALLY_WAITER_FAILED, is_long);
      world_give_back (world, &holder);
      if (!is_long)
        world_give_back (world, &waiter);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_29_a_hopeless_wait_is_refused_at_once),
    TEST (rule_29_a_long_lease_refuses_nobody),
    TEST (rule_29_what_is_nearly_over_is_waited_for),
    TEST (rule_29_only_what_was_lately_counts),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
