/* Rules 1 and 3 to 8: which borrower gets a connection, and in which order. */
#include "lab.h"

#include <unistd.h>

#include "bucket-private.h"
#include "lease-internal.h"

static gint64
in_milliseconds (gint64 milliseconds)
{
  return g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;
}

/* ---- rule 1 ---- */

#define THREADS 16
#define ROUNDS 300

typedef struct
{
  Lab *lab;
  guint seed;
} Stress;

static gpointer
borrow_at_random (gpointer data)
{
  Stress *self = data;
  guint random = self->seed;

  for (guint i = 0; i < ROUNDS; i++)
    {
      TallyLease lease = { 0 };

      random = random * 1103515245 + 12345;
      if (!tally_bucket_borrow (self->lab->bucket, "stress", -1, NULL, &lease, NULL))
        continue;
      tally_bucket_release (self->lab->bucket, &lease,
                            (random >> 16) % 3 == 0 ? TALLY_OUTCOME_BROKEN : TALLY_OUTCOME_CLEAN);
    }
  return NULL;
}

static void
rule_01_never_more_open_than_allowed (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 4, "max-dials", 4, "check", TALLY_POOL_CHECK_NEVER,
                                 "wait-timeout", 60000, NULL);
  pthread_t threads[THREADS];
  Stress stress[THREADS];
  TallyPoolSnapshot seen;

  lab->forget_peers = lab->measures = TRUE;
  for (guint i = 0; i < THREADS; i++)
    {
      stress[i] = (Stress){ lab, i + 1 };
      pthread_create (&threads[i], NULL, borrow_at_random, &stress[i]);
    }
  for (guint i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  CU_ASSERT_TRUE (lab_most_open (lab) > 0 && lab_most_open (lab) <= 4);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
  assert_int (seen.borrows, THREADS * ROUNDS);
}

/* What is being closed is still open: no other connection gets its place before it is closed. */
static void
rule_01_a_closing_connection_keeps_its_slot (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  gint gate = 0;
  Borrower holder = { .lab = lab };
  TallyLease lease = { 0 };
  pthread_t thread;

  tally_pool_set_dial_hook (lab->pool, lab_dial_slow_closer, &gate, NULL);
  holder.lease = lab_borrow (lab);
  pthread_create (&thread, NULL, borrower_break, &holder);
  gate_await (&gate);
  CU_ASSERT_FALSE (
      tally_bucket_borrow (lab->bucket, "hasty", in_milliseconds (5), NULL, &lease, NULL));
  assert_int (lab_snapshot (lab).closing, 1);
  assert_int (lab_snapshot (lab).dials_started, 1);
  gate_open (&gate);
  pthread_join (thread, NULL);
  lease = lab_borrow (lab);
  lab_release (lab, &lease);
}

/* ---- rule 3 ---- */

static void
rule_03_waiters_are_served_in_order (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower borrowers[8] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (borrowers); i++)
    {
      borrower_start (&borrowers[i], lab, "waiter");
      lab_await (lab, now.waiting == i + 1);
    }
  lab_release (lab, &lease);
  for (guint i = 0; i < G_N_ELEMENTS (borrowers); i++)
    {
      TallyPoolSnapshot seen;

      CU_ASSERT_TRUE (borrower_join (&borrowers[i]));
      seen = lab_snapshot (lab);
      assert_int (seen.waiting, G_N_ELEMENTS (borrowers) - i - 1);
      lab_release (lab, &borrowers[i].lease);
    }
}

/* The connection is never idle while there is a waiter: a borrower that comes later finds the queue
 * before it. */
static void
rule_03_a_newcomer_never_overtakes (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  g_autoptr (GError) error = NULL;
  TallyLease lease = lab_borrow (lab);
  TallyLease newcomer = { 0 };
  Borrower waiter = { 0 };

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  lab_release (lab, &lease);
  CU_ASSERT_FALSE (
      tally_bucket_borrow (lab->bucket, "newcomer", in_milliseconds (0), NULL, &newcomer, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  lab_release (lab, &waiter.lease);
}

/* ---- rule 4 ---- */

static void
rule_04_who_left_receives_nothing (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TallyLease lease = lab_borrow (lab);
  Borrower late = { .deadline = in_milliseconds (5) };
  Borrower cancelled = { .cancellable = cancellable };
  TallyPoolSnapshot seen;

  borrower_start (&late, lab, "late");
  borrower_start (&cancelled, lab, "cancelled");
  CU_ASSERT_FALSE (borrower_join (&late));
  assert_error (late.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  lab_await (lab, now.waiting == 1);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (borrower_join (&cancelled));
  assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 1);
  assert_int (seen.timeouts, 1);
  assert_int (seen.cancelled, 1);
  assert_sums (&seen);
  g_clear_error (&late.error);
  g_clear_error (&cancelled.error);
}

typedef struct
{
  GCancellable *cancellable;
  gint thread;   /* atomic; 0 until it runs */
  gboolean done; /* atomic */
} LateCanceller;

static gpointer
cancel_at_once (gpointer data)
{
  LateCanceller *self = data;

  __atomic_store_n (&self->thread, gettid (), __ATOMIC_RELEASE);
  g_cancellable_cancel (self->cancellable);
  __atomic_store_n (&self->done, TRUE, __ATOMIC_RELEASE);
  return NULL;
}

/* Until it waits for the lock, or has gone before anybody listened. */
static void
await_canceller (LateCanceller *self)
{
  while (!__atomic_load_n (&self->done, __ATOMIC_ACQUIRE)
         && (__atomic_load_n (&self->thread, __ATOMIC_ACQUIRE) == 0
             || !test_thread_is_asleep (self->thread)))
    g_thread_yield ();
}

/* The cancellation comes while the pool is serving: which of both the waiter's thread sees first is
 * chance, and it has a connection in any case. */
static void
rule_04_who_was_served_before_the_cancellation_has_it (void)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      LateCanceller canceller = { .cancellable = cancellable };
      Borrower waiter = { .cancellable = cancellable };
      TallyLease lease = lab_borrow (lab);
      TallyInstant instant;
      pthread_t thread;

      borrower_start (&waiter, lab, "waiter");
      lab_await (lab, now.waiting == 1);
      pthread_mutex_lock (&lab->bucket->lock);
      pthread_create (&thread, NULL, cancel_at_once, &canceller);
      await_canceller (&canceller);
      tally_bucket_now_locked (lab->bucket, &instant);
      tally_policy_release (&lab->bucket->policy, &instant, lease.slot, TALLY_CLOSE_NONE);
      pthread_mutex_unlock (&lab->bucket->lock);
      CU_ASSERT_TRUE (borrower_join (&waiter));
      pthread_join (thread, NULL);
      assert_no_error (waiter.error);
      lab_release (lab, &waiter.lease);
      assert_int (lab_snapshot (lab).idle, 1);
    }
}

typedef struct
{
  Lab *lab;
  GCancellable *cancellable;
  gint stop;
  guint count;
} Canceller;

static gpointer
cancel_all_the_time (gpointer data)
{
  Canceller *self = data;

  while (!__atomic_load_n (&self->stop, __ATOMIC_ACQUIRE))
    {
      g_cancellable_cancel (self->cancellable);
      g_thread_yield ();
    }
  return NULL;
}

/* Waiters that race with their own cancellation while connections come and go. The model test has
 * the million; this shows that threads do no worse. */
static void
rule_04_no_capacity_is_lost (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  Canceller canceller = { lab, g_cancellable_new (), 0, 0 };
  pthread_t thread;
  TallyPoolSnapshot seen;

  lab_fill (lab, 2);
  pthread_create (&thread, NULL, cancel_all_the_time, &canceller);
  for (guint i = 0; i < 2000; i++)
    {
      TallyLease one = lab_borrow (lab), two = lab_borrow (lab);
      Borrower waiter = { .cancellable = canceller.cancellable };

      g_cancellable_reset (canceller.cancellable);
      if (i % 50 == 0)
        {
          borrower_start (&waiter, lab, "cancelled");
          lab_release (lab, &one);
          if (borrower_join (&waiter))
            lab_release (lab, &waiter.lease);
          g_clear_error (&waiter.error);
        }
      else
        {
          TallyLease three = { 0 };

          CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "cancelled", -1, canceller.cancellable,
                                                &three, NULL));
          lab_release (lab, &one);
        }
      lab_release (lab, &two);
    }
  __atomic_store_n (&canceller.stop, 1, __ATOMIC_RELEASE);
  pthread_join (thread, NULL);
  g_object_unref (canceller.cancellable);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 2);
  assert_int (seen.open, 2);
  assert_sums (&seen);
}

/* ---- rule 5 ---- */

static void
rule_05_a_returned_connection_beats_the_dial (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower waiter = { 0 };

  lab_gate (lab, TRUE);
  borrower_start (&waiter, lab, "waiter");
  lab_wait_at_gate (lab, 1);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_TRUE (waiter.lease.reused);
  assert_int (lab_index_of (lab, &waiter.lease), 0);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1 && now.busy == 1);
  lab_release (lab, &waiter.lease);
}

/* The second caller's dial finishes first; the first in the queue takes it. */
static void
rule_05_any_finished_dial_will_do (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  Borrower first = { 0 }, second = { 0 };
  TallyPoolSnapshot seen;

  lab_gate (lab, TRUE);
  borrower_start (&first, lab, "first");
  lab_wait_at_gate (lab, 1);
  borrower_start (&second, lab, "second");
  lab_wait_at_gate (lab, 2);
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&first));
  seen = lab_snapshot (lab);
  assert_int (seen.waiting, 1);
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&second));
  lab_release (lab, &first.lease);
  lab_release (lab, &second.lease);
}

static void
rule_05_a_freed_slot_is_a_permit_to_dial (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower waiter = { 0 };

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  lab_break (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_FALSE (waiter.lease.reused);
  assert_int (lab_index_of (lab, &waiter.lease), 1);
  lab_release (lab, &waiter.lease);
}

/* ---- rule 6 ---- */

static void
rule_06_a_late_dial_goes_into_the_pool (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  lab_gate (lab, TRUE);
  CU_ASSERT_FALSE (
      tally_bucket_borrow (lab->bucket, "hasty", in_milliseconds (5), NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "1 dialing");
  lab_wait_at_gate (lab, 1);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1);
  lease = lab_borrow (lab);
  assert_int (lab_index_of (lab, &lease), 0);
  assert_int (lab->dialed, 1);
  lab_release (lab, &lease);
}

/* A borrower that wants one of its own has such a one, but none that was lent before. */
static void
rule_06_a_late_dial_is_not_in_vain (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  TallyLease lease = { 0 };

  lab_gate (lab, TRUE);
  CU_ASSERT_FALSE (
      tally_bucket_borrow (lab->bucket, "hasty", in_milliseconds (5), NULL, &lease, NULL));
  lab_wait_at_gate (lab, 1);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1);
  lab_gate (lab, FALSE);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow_unused (lab->bucket, "first", -1, NULL, &lease, NULL));
  assert_int (lab_index_of (lab, &lease), 0);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow_unused (lab->bucket, "second", -1, NULL, &lease, NULL));
  assert_int (lab_index_of (lab, &lease), 1);
  assert_int (lab->dialed, 2);
  lab_release (lab, &lease);
}

/* Nor does one that comes back from another borrower do for it. */
static void
rule_06_a_returned_connection_is_not_of_its_own (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower single = { .unused = TRUE };

  lab_gate (lab, TRUE);
  borrower_start (&single, lab, "single");
  lab_wait_at_gate (lab, 1);
  lab_release (lab, &lease);
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&single));
  assert_int (lab_index_of (lab, &single.lease), 1);
  lab_release (lab, &single.lease);
}

/* ---- rule 7 ---- */

static void
rule_07_a_failed_dial_wakes_one_waiter (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, "backoff-base", 0, NULL);
  Borrower waiters[3] = { 0 };
  TallyPoolSnapshot seen;

  lab_gate (lab, TRUE);
  lab_fail_dials (lab, 1);
  for (guint i = 0; i < 3; i++)
    {
      borrower_start (&waiters[i], lab, "waiter");
      lab_await (lab, now.waiting == i + 1);
    }
  lab_wait_at_gate (lab, 1);
  lab_let_dial (lab, 1);
  CU_ASSERT_FALSE (borrower_join (&waiters[0]));
  assert_error (waiters[0].error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "laboratory");
  g_clear_error (&waiters[0].error);
  /* Its place has gone to the next, whose dial is at the gate. */
  lab_wait_at_gate (lab, 1);
  seen = lab_snapshot (lab);
  assert_int (seen.waiting, 2);
  assert_int (seen.dial_errors, 1);
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&waiters[1]));
  lab_release (lab, &waiters[1].lease);
  CU_ASSERT_TRUE (borrower_join (&waiters[2]));
  lab_release (lab, &waiters[2].lease);
}

/* ---- rule 8 ---- */

static void
rule_08_no_more_dials_than_permits (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 64, "max-dials", 4, NULL);
  TallyLease leases[5];
  Borrower borrowers[50] = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 5; i++)
    leases[i] = lab_borrow (lab);
  lab_gate (lab, TRUE);
  for (guint i = 0; i < 50; i++)
    borrower_start (&borrowers[i], lab, "waiter");
  lab_await (lab, now.waiting == 50);
  lab_wait_at_gate (lab, 4);
  seen = lab_snapshot (lab);
  assert_int (seen.dialing, 4);
  for (guint i = 0; i < 5; i++)
    lab_release (lab, &leases[i]);
  for (guint served = 0; served < 50;)
    for (guint i = 0; i < 50; i++)
      if (borrowers[i].lab != NULL && __atomic_load_n (&borrowers[i].returned, __ATOMIC_ACQUIRE))
        {
          CU_ASSERT_TRUE (borrower_join (&borrowers[i]));
          lab_release (lab, &borrowers[i].lease);
          borrowers[i].lab = NULL;
          served++;
        }
  seen = lab_snapshot (lab);
  assert_int (seen.waits, 50);
  assert_int (seen.dials_started, 9);
  lab_let_dial (lab, 4);
  lab_await (lab, now.idle == 9);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_01_never_more_open_than_allowed),
    TEST (rule_01_a_closing_connection_keeps_its_slot),
    TEST (rule_03_waiters_are_served_in_order),
    TEST (rule_03_a_newcomer_never_overtakes),
    TEST (rule_04_who_left_receives_nothing),
    TEST (rule_04_who_was_served_before_the_cancellation_has_it),
    TEST (rule_04_no_capacity_is_lost),
    TEST (rule_05_a_returned_connection_beats_the_dial),
    TEST (rule_05_any_finished_dial_will_do),
    TEST (rule_05_a_freed_slot_is_a_permit_to_dial),
    TEST (rule_06_a_returned_connection_is_not_of_its_own),
    TEST (rule_06_a_late_dial_goes_into_the_pool),
    TEST (rule_06_a_late_dial_is_not_in_vain),
    TEST (rule_07_a_failed_dial_wakes_one_waiter),
    TEST (rule_08_no_more_dials_than_permits),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
