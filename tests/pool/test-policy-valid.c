/* What holds of a policy, by the function that tests share with builds that assert it: each fault is
 * found. */
#include "world.h"

typedef void (*Break) (TallyPolicy *policy);

static void
break_idle (TallyPolicy *policy)
{
  policy->n_idle++;
}

static void
break_busy (TallyPolicy *policy)
{
  policy->n_busy--;
}

static void
break_state (TallyPolicy *policy)
{
  policy->idle.head->state = TALLY_CONN_CLOSING;
}

static void
break_list (TallyPolicy *policy)
{
  policy->idle.head->next = NULL;
}

static void
break_owner (TallyPolicy *policy)
{
  for (TallyConn *conn = policy->conns; conn != NULL; conn = conn->older)
    if (conn->state == TALLY_CONN_BUSY)
      conn->hold.generation = 0;
}

static void
break_lease (TallyPolicy *policy)
{
  policy->stats.leases++;
}

static void
break_sum (TallyPolicy *policy)
{
  policy->stats.hits++;
}

static void
break_closes (TallyPolicy *policy)
{
  policy->stats.closes[TALLY_CLOSE_IDLE]++;
}

static void
break_queue (TallyPolicy *policy)
{
  policy->waiting++;
}

static void
break_dials (TallyPolicy *policy)
{
  policy->n_background++;
}

/* Two idle, one busy, one dialed, none at fault. */
static void
valid_each_fault_is_found (void)
{
  static const Break breaks[] = { break_idle,  break_busy, break_state,  break_list,  break_owner,
                                  break_lease, break_sum,  break_closes, break_queue, break_dials };

  for (guint i = 0; i <= G_N_ELEMENTS (breaks); i++)
    {
      TallyPoolOptions options = tally_pool_options_default;
      g_autoptr (World) world = world_new (&options);
      TallyWaiter holder;
      TallyPolicy *policy = &world->policy;
      const gchar *fault;

      world_fill (world, 3);
      world_ask (world, &holder, G_MAXINT64);
      world->hold_dials = TRUE;
      tally_policy_warm (policy, &world->now, 3);
      assert_int (policy->n_dialing, 1);
      if (i < G_N_ELEMENTS (breaks))
        {
          TallyPolicy sound = *policy;
          TallyConn head = *policy->idle.head;
          TallyConn *at = policy->idle.head;
          guint64 generation = holder.hold->generation;

          breaks[i](policy);
          fault = tally_policy_find_fault (policy);
          CU_ASSERT_PTR_NOT_NULL (fault);
          *policy = sound;
          *at = head;
          holder.hold->generation = generation;
        }
      CU_ASSERT_PTR_NULL (tally_policy_find_fault (policy));
      world->hold_dials = FALSE;
      world_settle (world);
      world_give_back (world, &holder);
    }
}

/* Builds under a sanitizer assert it without being told. */
static void
valid_sanitizers_assert_it (void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#ifndef TALLY_INVARIANTS
  CU_FAIL ("built without the option invariants");
#endif
#else
  test_skip ("this build has no sanitizer");
#endif
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (valid_each_fault_is_found),
    TEST (valid_sanitizers_assert_it),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
