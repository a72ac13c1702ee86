/* Rule 27: which clock ages what. The machine seems to sleep: in this program the clock that goes on
 * then is set forward. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

static gint64 slept; /* seconds; atomic */

int
clock_gettime (clockid_t clock, struct timespec *time)
{
  int status = (int) syscall (SYS_clock_gettime, clock, time);

  if (clock == CLOCK_BOOTTIME)
    time->tv_sec += __atomic_load_n (&slept, __ATOMIC_SEQ_CST);
  return status;
}

/* The pool looks at the distance of the clocks every few milliseconds. */
static void
sleep_for_an_hour (void)
{
  __atomic_add_fetch (&slept, 3600, __ATOMIC_SEQ_CST);
  lab_let_time_pass (20 * G_TIME_SPAN_MILLISECOND);
}

static void
rule_27_idle_connections_age_while_the_machine_sleeps (void)
{
  g_autoptr (Lab) lab = lab_new ("idle-timeout", 60000, NULL);
  TallyLease lease;
  TallyPoolSnapshot seen;

  lab_fill (lab, 2);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_release (lab, &lease);
  sleep_for_an_hour ();
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (lease.reused);
  seen = lab_snapshot (lab);
  assert_int (seen.closes[TALLY_CLOSE_IDLE], 2);
  lab_release (lab, &lease);
}

/* Also where nobody borrows: the reaper sleeps by the other clock. */
static void
rule_27_the_reaper_closes_them_after_it (void)
{
  g_autoptr (Lab) lab = lab_new ("idle-timeout", 600000, NULL);

  lab_fill (lab, 2);
  sleep_for_an_hour ();
  lab_await (lab, now.open == 0);
  assert_int (lab_snapshot (lab).closes[TALLY_CLOSE_IDLE], 2);
}

/* Waits and holds do not grow longer by it. */
static void
rule_27_nothing_else_does (void)
{
  g_autoptr (Lab) lab =
      lab_new ("max-open", 1, "wait-timeout", 600000, "max-lifetime", 600000, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower waiter = { 0 };

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  sleep_for_an_hour ();
  assert_int (lab_snapshot (lab).waiting, 1);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  CU_ASSERT_TRUE (waiter.lease.reused);
  lab_release (lab, &waiter.lease);
  CU_ASSERT_TRUE (lab_snapshot (lab).hold_time.max < 600 * G_TIME_SPAN_SECOND);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_27_idle_connections_age_while_the_machine_sleeps),
    TEST (rule_27_the_reaper_closes_them_after_it),
    TEST (rule_27_nothing_else_does),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
