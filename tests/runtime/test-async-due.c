/* Calls in the order of their deadlines: async-due.c. */
#include "async-private.h"
#include "harness.h"

#define N_CALLS 500

static void
init_calls (TallyAsyncCall *calls, GRand *random)
{
  for (guint i = 0; i < N_CALLS; i++)
    calls[i] = (TallyAsyncCall){ .call.deadline = g_rand_int_range (random, 0, N_CALLS / 2),
                                 .due_index = TALLY_NOT_DUE };
}

/* Takes the first until there are none. Their number. */
static guint
take_in_order (TallyAsyncDue *due)
{
  gint64 before = -1;
  guint count = 0;
  TallyAsyncCall *first;

  for (; (first = tally_async_due_first (due)) != NULL; count++)
    {
      CU_ASSERT_TRUE (first->call.deadline >= before);
      before = first->call.deadline;
      tally_async_due_remove (due, first);
      assert_int (first->due_index, TALLY_NOT_DUE);
    }
  return count;
}

static void
the_earliest_is_first (void)
{
  static TallyAsyncCall calls[N_CALLS];
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  TallyAsyncDue due = { NULL };

  init_calls (calls, random);
  for (guint i = 0; i < N_CALLS; i++)
    tally_async_due_add (&due, &calls[i]);
  assert_int (take_in_order (&due), N_CALLS);
  tally_async_due_clear (&due);
}

static void
a_call_leaves_from_anywhere (void)
{
  static TallyAsyncCall calls[N_CALLS];
  g_autoptr (GRand) random = g_rand_new_with_seed (2);
  TallyAsyncDue due = { NULL };
  guint left = N_CALLS;

  init_calls (calls, random);
  for (guint i = 0; i < N_CALLS; i++)
    tally_async_due_add (&due, &calls[i]);
  for (guint i = 0; i < N_CALLS; i++)
    if (g_rand_boolean (random))
      {
        tally_async_due_remove (&due, &calls[i]);
        tally_async_due_remove (&due, &calls[i]); /* again: nothing */
        left--;
      }
  for (guint i = 0; i < due.length; i++)
    {
      assert_int (due.calls[i]->due_index, i);
      CU_ASSERT_TRUE (i == 0
                      || due.calls[(i - 1) / 2]->call.deadline <= due.calls[i]->call.deadline);
    }
  assert_int (take_in_order (&due), left);
  tally_async_due_clear (&due);
}

/* Calls with the same time-out need no heap, whichever leaves first. */
static void
calls_in_the_order_of_their_deadlines_stand_in_line (void)
{
  static TallyAsyncCall calls[N_CALLS];
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  TallyAsyncDue due = { NULL };
  guint left = N_CALLS;

  for (guint i = 0; i < N_CALLS; i++)
    {
      calls[i] = (TallyAsyncCall){ .call.deadline = i / 2, .due_index = TALLY_NOT_DUE };
      tally_async_due_add (&due, &calls[i]);
      if (i % 3 == 0)
        {
          tally_async_due_remove (&due, &calls[g_rand_int_range (random, 0, i + 1)]);
          CU_ASSERT_TRUE (due.length == 0);
        }
    }
  for (guint i = 0; i < N_CALLS; i++)
    left -= calls[i].due_index == TALLY_NOT_DUE;
  assert_int (take_in_order (&due), left);
  CU_ASSERT_PTR_NULL (due.last);
  assert_int (due.capacity, 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_earliest_is_first),
    TEST (a_call_leaves_from_anywhere),
    TEST (calls_in_the_order_of_their_deadlines_stand_in_line),
    { NULL, NULL },
  };

  return test_main ("async-due", cases, argc, argv);
}
