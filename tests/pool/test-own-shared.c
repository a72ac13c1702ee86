/* A thread's own connection that others may share: lent and given back without the bucket's lock while no other thread
 * wants it, and theirs, too, as soon as one does. And what holds of either kind. */
#include "own-lab.h"
#include "bucket-private.h"

static gint n_criticals; /* atomic */

static void
own_shared_is_lent_without_the_lock (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (2, 3);
  TallyPoolSnapshot seen;

  pthread_mutex_lock (&lab->bucket->lock);
  for (guint i = 2; i < TALLY_OWN_LEASES; i++)
    {
      TallyLease lease = lab_borrow_own (lab);

      lab_release (lab, &lease);
    }
  pthread_mutex_unlock (&lab->bucket->lock);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
  assert_int (seen.borrows, TALLY_OWN_LEASES);
  assert_int (seen.idle, 1);
  assert_int (lab->dialed, 1);
}

/* Rule 24: others come onto it while it is lent, as many as there is room for. */
static void
own_shared_is_shared_while_it_is_lent (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (2, 3);
  TallyLease first = lab_borrow_own (lab), others[3];

  for (guint i = 0; i < 3; i++)
    others[i] = lab_borrow_by_another (lab);
  assert_int (lab_index_of (lab, &others[0]), lab_index_of (lab, &first));
  assert_int (lab_index_of (lab, &others[1]), lab_index_of (lab, &first));
  CU_ASSERT_NOT_EQUAL (lab_index_of (lab, &others[2]), lab_index_of (lab, &first));
  assert_int (lab->dialed, 2);
  lab_release (lab, &first);
  assert_int (lab_snapshot (lab).busy, 2);
  for (guint i = 0; i < 3; i++)
    lab_release (lab, &others[i]);
  assert_int (lab_snapshot (lab).idle, 2);
}

/* Where threads use it by turns it is nobody's own. */
static void
own_shared_is_of_one_thread (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (2, 3);

  for (guint i = 0; i < 4; i++)
    {
      TallyLease lease;

      lab_use_by_another (lab, 1);
      assert_int (lab->bucket->policy.n_own, 0);
      lease = lab_borrow (lab);
      lab_release (lab, &lease);
      assert_int (lab->bucket->policy.n_own, 0);
    }
}

/* Nor are the two that a thread holds at once, for none comes back twice in a row. */
static void
own_is_not_of_a_thread_that_holds_several (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, "idle-timeout", 0, NULL);

  for (guint i = 0; i < 4; i++)
    {
      TallyLease first = lab_borrow (lab), second = lab_borrow (lab);

      lab_release (lab, &second);
      lab_release (lab, &first);
      assert_int (lab->bucket->policy.n_own, 0);
    }
}

/* Rule 10. */
static void
own_that_has_ended_is_not_lent (void)
{
  for (guint streams = 1; streams <= 2; streams++)
    {
      g_autoptr (Lab) lab = lab_new_with_own (2, streams);
      TallyLease lease;
      TallyPoolSnapshot seen;

      lab_close_peer (lab, 0);
      lease = lab_borrow (lab);
      CU_ASSERT_FALSE (lease.reused);
      seen = lab_snapshot (lab);
      assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
      assert_int (seen.stale, 1);
      assert_sums (&seen);
      lab_release (lab, &lease);
    }
}

/* Rule 20. */
static void
own_comes_back_once (void)
{
  for (guint streams = 1; streams <= 2; streams++)
    {
      g_autoptr (Lab) lab = lab_new_with_own (2, streams);
      TallyLease lease = lab_borrow_own (lab), copy = lease, copy2 = lease;
      TallyPoolSnapshot seen;

      n_criticals = 0;
      lab_release (lab, &lease);
      lab_release (lab, &copy);
      lease = lab_borrow (lab);
      lab_release (lab, &copy2);
      assert_int (n_criticals, 2);
      lab_release (lab, &lease);
      seen = lab_snapshot (lab);
      assert_int (seen.refused, 2);
      assert_int (seen.idle, 1);
      assert_sums (&seen);
    }
}

/* What it was dialed for is no longer asked for. */
static void
own_shared_obeys_what_is_set (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (2, 3);
  TallyLease lease = lab_borrow_own (lab), other;

  g_object_set (lab->pool, "streams-per-connection", 1, NULL);
  other = lab_borrow_by_another (lab);
  CU_ASSERT_NOT_EQUAL (lab_index_of (lab, &other), lab_index_of (lab, &lease));
  lab_release (lab, &lease);
  for (guint i = 0; i < 3; i++)
    {
      lease = lab_borrow (lab);
      lab_release (lab, &lease);
      CU_ASSERT_TRUE (lab_snapshot (lab).open <= 2);
    }
  lab_release (lab, &other);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (own_shared_is_lent_without_the_lock), TEST (own_shared_is_shared_while_it_is_lent),
    TEST (own_shared_is_of_one_thread),         TEST (own_is_not_of_a_thread_that_holds_several),
    TEST (own_that_has_ended_is_not_lent),      TEST (own_comes_back_once),
    TEST (own_shared_obeys_what_is_set),        { NULL, NULL },
  };

  lab_make_first_task ();
  lab_count_criticals (&n_criticals);
  return test_main ("pool", cases, argc, argv);
}
