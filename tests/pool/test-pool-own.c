/* A thread's own connection: lent and given back without the bucket's lock, while every rule holds. What is looked at
 * inside of the bucket says that it was. */
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own-lab.h"
#include "tls-relay-socket.h"
#include "bucket-private.h"

static void
own_is_lent_without_the_lock (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (2, 1);
  TallyPoolSnapshot before = lab_snapshot (lab), after;
  TallyLease lease;

  for (guint round = 0; round < 10; round++)
    {
      /* at first the snapshot has put it in the books, then it has run out of numbers */
      lease = lab_borrow (lab);
      lab_release (lab, &lease);
      pthread_mutex_lock (&lab->bucket->lock);
      for (guint i = 2; i < TALLY_OWN_LEASES; i++)
        {
          lease = lab_borrow_own (lab);
          lab_release (lab, &lease);
          CU_ASSERT_PTR_NULL (lease.transport);
        }
      pthread_mutex_unlock (&lab->bucket->lock);
    }
  after = lab_snapshot (lab);
  assert_sums (&after);
  assert_int (after.requests, before.requests + 10 * (TALLY_OWN_LEASES - 1));
  assert_int (after.hits, before.hits + 10 * (TALLY_OWN_LEASES - 1));
  assert_int (after.releases, before.releases + 10 * (TALLY_OWN_LEASES - 1));
  assert_int (after.idle, 1);
  assert_int (after.leases, 0);
}

/* More leases than it gets numbers at once. */
static void
own_has_numbers_enough (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, "check", TALLY_POOL_CHECK_NEVER, NULL);
  guint64 last = 0;
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 3 * TALLY_OWN_LEASES; i++)
    {
      TallyLease lease = lab_borrow (lab);

      CU_ASSERT_TRUE_FATAL (lease.generation > last);
      last = lease.generation;
      lab_release (lab, &lease);
    }
  seen = lab_snapshot (lab);
  assert_sums (&seen);
  assert_int (seen.borrows, 3 * TALLY_OWN_LEASES);
  assert_int (seen.hold_time.count, 3 * TALLY_OWN_LEASES);
}

/* For one thread the order is the pool's: the one that came back last. */
static void
own_keeps_the_order (void)
{
  for (guint round = 0; round < 6; round++)
    {
      static const guint orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                          { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
      g_autoptr (Lab) lab = lab_new_with_own (3, 1);
      TallyLease leases[3], again[3];
      guint indices[3];

      for (guint turn = 0; turn < 4; turn++)
        {
          for (guint i = 0; i < 3; i++)
            {
              leases[i] = lab_borrow (lab);
              indices[i] = lab_index_of (lab, &leases[i]);
            }
          for (guint i = 0; i < 3; i++)
            {
              lab_release (lab, &leases[orders[round][i]]);
              lab_let_time_pass (10);
              if (i == turn % 3 && turn > 0)
                lab_snapshot (lab); /* puts what has come back in the books */
            }
          for (guint i = 0; i < 3; i++)
            {
              again[i] = lab_borrow (lab);
              assert_int (lab_index_of (lab, &again[i]), indices[orders[round][2 - i]]);
            }
          for (guint i = 0; i < 3; i++)
            lab_release (lab, &again[i]);
        }
    }
}

/* ---- what others see and want of it ---- */

static void
own_is_named_while_it_is_lent (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);
  TallyLease lease = { 0 };
  g_autofree gchar *thread = g_strdup_printf ("thread %u", (guint) gettid ());
  g_autofree gchar *dump = NULL;
  gint64 since = g_get_monotonic_time ();

  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "its label", -1, NULL, &lease, NULL));
  CU_ASSERT_TRUE (lease_is_own (&lease));
  CU_ASSERT_TRUE (tally_lease_get_since (&lease) >= since);
  dump = tally_bucket_dump (lab->bucket);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "busy: \"its label\""));
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, thread));
  CU_ASSERT_FALSE (lease_is_own (&lease));
  CU_ASSERT_TRUE (tally_lease_get_since (&lease) >= since);
  assert_int (lab_snapshot (lab).busy, 1);
  lab_release (lab, &lease);
  assert_int (lab_snapshot (lab).idle, 1);
  g_free (g_steal_pointer (&dump));
  dump = tally_bucket_dump (lab->bucket);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "idle: for"));
}

/* A borrower that comes while it is lent is served at its release (rules 3 and 5). */
static void
own_is_handed_to_a_waiter (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);

  for (guint i = 0; i < 50; i++)
    {
      TallyLease lease = lab_borrow (lab);
      Borrower waiter = { 0 };

      borrower_start (&waiter, lab, "waiter");
      lab_await (lab, now.waiting == 1);
      lab_release (lab, &lease);
      CU_ASSERT_TRUE_FATAL (borrower_join (&waiter));
      lab_release (lab, &waiter.lease);
      lease = lab_borrow (lab);
      lab_release (lab, &lease);
      lease = lab_borrow_own (lab);
      lab_release (lab, &lease);
    }
  assert_int (lab->dialed, 1);
}

/* What lies with threads that sleep or have ended is lent before anything is dialed. */
static void
own_of_a_thread_that_has_ended_is_found (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 4, NULL);
  TallyLease leases[4];

  for (guint i = 0; i < 4; i++)
    lab_use_by_another (lab, 3);
  assert_int (lab->dialed, 1);
  for (guint i = 0; i < 4; i++)
    leases[i] = lab_borrow (lab);
  CU_ASSERT_TRUE (leases[0].reused);
  assert_int (lab->dialed, 4);
  for (guint i = 0; i < 4; i++)
    lab_release (lab, &leases[i]);
}

/* Threads that borrow once take what came back last, also another thread's own, so that the others age. */
static void
own_is_no_concern_of_threads_that_pass (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 4, "idle-timeout", 0, NULL);
  TallyLease leases[4];
  guint last;

  for (guint i = 0; i < 4; i++)
    leases[i] = lab_borrow (lab);
  last = lab_index_of (lab, &leases[2]);
  lab_release (lab, &leases[3]);
  lab_release (lab, &leases[0]);
  lab_release (lab, &leases[1]);
  lab_let_time_pass (10);
  lab_release (lab, &leases[2]);
  for (guint i = 0; i < 8; i++)
    assert_int (lab_use_by_another (lab, 1 + i % 3), last);
}

/* After others have looked in the books a thread takes its own again, though another one came back later. */
static void
own_is_found_again_in_the_books (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, "idle-timeout", 0, NULL);
  TallyLease leases[2] = { lab_borrow (lab), lab_borrow (lab) };
  guint mine = lab_index_of (lab, &leases[0]);

  for (guint i = 0; i < 4; i++)
    {
      lab_release (lab, &leases[0]);
      lab_let_time_pass (10);
      lab_release_by_another (lab, &leases[1]);
      assert_int (lab_snapshot (lab).idle, 2);
      leases[0] = lab_borrow (lab);
      if (i > 0) /* the thread has come back */
        assert_int (lab_index_of (lab, &leases[0]), mine);
      mine = lab_index_of (lab, &leases[0]);
      leases[1] = lab_borrow (lab);
    }
  lab_release (lab, &leases[0]);
  lab_release (lab, &leases[1]);
}

static void
own_may_come_back_by_another_thread (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);

  for (guint i = 0; i < 10; i++)
    {
      TallyLease lease = lab_borrow (lab);

      CU_ASSERT_TRUE (i == 0 ? lease_is_own (&lease) : lease.reused);
      lab_release_by_another (lab, &lease);
      assert_int (lab_snapshot (lab).idle, 1);
    }
  assert_int (lab->dialed, 1);
}

/* A waiter that fails wakes after connections have left the books again, and tells of all of them. */
static void
own_is_counted_by_a_waiter_that_fails (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);
  TallyPolicy *policy = &lab->bucket->policy;
  TallyLease lease = lab_borrow (lab);
  TallyHold *hold = lease.slot;
  Borrower waiter = { 0 };
  TallyWaiter *first;
  TallyInstant instant;

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  pthread_mutex_lock (&lab->bucket->lock);
  tally_bucket_now_locked (lab->bucket, &instant);
  first = policy->first;
  CU_ASSERT_TRUE (tally_policy_time_out (policy, &instant, first));
  first->wake (first);
  CU_ASSERT_TRUE (tally_policy_put (policy, &instant, hold));
  tally_policy_let_own (policy, hold->conn, 1);
  pthread_mutex_unlock (&lab->bucket->lock);
  CU_ASSERT_FALSE (borrower_join (&waiter));
  CU_ASSERT_TRUE (g_error_matches (waiter.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT));
  CU_ASSERT_PTR_NOT_NULL (strstr (waiter.error->message, "1 idle"));
  g_clear_error (&waiter.error);
}

/* ---- rules that say that it closes, or may not be lent so ---- */

/* Rule 11. */
static void
own_with_input_left_is_broken (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);
  TallyLease lease = lab_borrow_own (lab);
  TallyPoolSnapshot seen;

  CU_ASSERT_EQUAL (send (lab_peer (lab, 0), "x", 1, MSG_NOSIGNAL), 1);
  CU_ASSERT_TRUE (tally_socket_fill (TALLY_SOCKET (lease.transport), 1, NULL));
  lab_release (lab, &lease);
  CU_ASSERT_PTR_NULL (lease.transport);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_UNREAD], 1);
  assert_int (seen.open, 0);
  assert_sums (&seen);
}

/* Rule 18: what is set while it lies, or is lent, counts from then on. */
static void
own_obeys_what_is_set (void)
{
  static const struct
  {
    const gchar *property;
    gint value;
    gboolean closes;
  } settings[] = {
    { "order", TALLY_POOL_ORDER_FIFO, FALSE },
    { "max-idle", 0, TRUE },
    { "max-lifetime", 1, TRUE },
    { "min-idle", 1, FALSE },
    { "max-open-total", 1, FALSE },
    { "leak-threshold", 600000, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    for (gint is_lent = 0; is_lent < 2; is_lent++)
      {
        g_autoptr (Lab) lab = lab_new_with_own (1, 1);
        TallyLease lease = { 0 };

        if (is_lent)
          lease = lab_borrow_own (lab);
        lab_let_time_pass (2000);
        g_object_set (lab->pool, settings[i].property, settings[i].value, NULL);
        if (is_lent)
          lab_release (lab, &lease);
        if (settings[i].closes)
          lab_await (lab, now.open == 0);
        lease = lab_borrow (lab);
        CU_ASSERT_FALSE (lease_is_own (&lease));
        CU_ASSERT_EQUAL (lease.reused, !settings[i].closes);
        lab_release (lab, &lease);
      }
}

static gboolean
approve (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static gboolean
reset (ThriftTransport *transport, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static void
own_obeys_hooks (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);
  TallyLease lease = lab_borrow_own (lab);
  guint checks = 0, resets = 0;

  tally_pool_set_reset_hook (lab->pool, reset, &resets, NULL);
  lab_release (lab, &lease);
  assert_int (resets, 1);
  tally_pool_set_check_hook (lab->pool, approve, &checks, NULL);
  lease = lab_borrow (lab);
  assert_int (checks, 1);
  lab_release (lab, &lease);
  assert_int (resets, 2);
  tally_pool_set_reset_hook (lab->pool, NULL, NULL, NULL);
  for (guint i = 2; i < 5; i++)
    {
      lease = lab_borrow (lab);
      assert_int (checks, i);
      lab_release (lab, &lease);
    }
}

/* Rules 17 and 19. */
static void
own_goes_with_its_time_and_its_pool (void)
{
  g_autoptr (Lab) lab = lab_new_with_own (1, 1);
  g_autoptr (Lab) hasty = lab_new ("idle-timeout", 1, NULL);
  TallyLease lease = lab_borrow_own (lab);
  TallyLease other;

  for (guint i = 0; i < 100; i++)
    {
      other = lab_borrow (hasty);
      lab_release (hasty, &other);
    }
  lab_await (hasty, now.open == 0);
  g_object_set (lab->pool, "drain-timeout", 0, NULL);
  tally_pool_close (lab->pool);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &other, NULL));
  assert_int (lab_snapshot (lab).busy, 1);
  lab_release (lab, &lease);
  assert_int (lab_snapshot (lab).open, 0);
}

/* A thread remembers few; any more are lent with the lock. */
static void
own_of_many_buckets (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyBucket *buckets[20];

  for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("unix:///own-%u", i);

      buckets[i] = lab_other_bucket (lab, uri);
    }
  for (guint round = 0; round < 4; round++)
    for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
      {
        TallyLease lease = { 0 };

        CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (buckets[i], "test", -1, NULL, &lease, NULL));
        CU_ASSERT_EQUAL (lease.reused, round > 0);
        tally_bucket_release (buckets[i], &lease, TALLY_OUTCOME_CLEAN);
      }
  assert_int (lab->dialed, G_N_ELEMENTS (buckets));
  for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
    tally_bucket_unref (buckets[i]);
}

/* Rule 22: the child of a thread that has lent itself its own has a pool without connections, and its lease is
 * the parent's. */
static void
own_is_the_parents (void)
{
#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer lets no child start a thread");
  return;
#endif
  if (tls_relay_skips ("a child process has no relay"))
    return;
  g_autoptr (Lab) lab = lab_new_with_own (2, 1);
  TallyLease lease = lab_borrow_own (lab);
  gint status = 0;
  pid_t child = test_fork ();

  if (child == 0)
    {
      TallyLease copy = lease, mine = { 0 };
      gboolean good = lab_snapshot (lab).open == 0;

      tally_bucket_release (lab->bucket, &copy, TALLY_OUTCOME_CLEAN);
      good =
          good && copy.transport == NULL && lab_snapshot (lab).open == 0 && lease_is_own (&lease);
      for (guint i = 0; i < 3; i++)
        {
          good = good && tally_bucket_borrow (lab->bucket, "child", -1, NULL, &mine, NULL)
                 && mine.transport != lease.transport && mine.generation > lease.generation;
          tally_bucket_release (lab->bucket, &mine, TALLY_OUTCOME_CLEAN);
        }
      _exit (good && lab_snapshot (lab).borrows == 3 ? 0 : 1);
    }
  waitpid (child, &status, 0);
  assert_int (status, 0);
  CU_ASSERT_TRUE (lease_is_own (&lease));
  lab_release (lab, &lease);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (own_is_lent_without_the_lock),
    TEST (own_has_numbers_enough),
    TEST (own_keeps_the_order),
    TEST (own_is_named_while_it_is_lent),
    TEST (own_is_handed_to_a_waiter),
    TEST (own_of_a_thread_that_has_ended_is_found),
    TEST (own_is_no_concern_of_threads_that_pass),
    TEST (own_is_found_again_in_the_books),
    TEST (own_may_come_back_by_another_thread),
    TEST (own_is_counted_by_a_waiter_that_fails),
    TEST (own_with_input_left_is_broken),
    TEST (own_obeys_what_is_set),
    TEST (own_obeys_hooks),
    TEST (own_goes_with_its_time_and_its_pool),
    TEST (own_of_many_buckets),
    TEST (own_is_the_parents),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
