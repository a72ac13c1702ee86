/* Waiting against a deadline, by a clock of the test's own. */
#include "harness.h"
#include "wait-private.h"

#include <sys/eventfd.h>
#include <unistd.h>

static gint64 clock_us;
static gint64 tick_us;

/* The program's, before GLib's: each look at the clock takes the test's time. */
gint64
g_get_monotonic_time (void)
{
  clock_us += tick_us;
  return clock_us;
}

static void
set_clock (gint64 time_us, gint64 step_us)
{
  clock_us = time_us;
  tick_us = step_us;
}

static void
what_remains_is_never_below_zero (void)
{
  for (gint64 deadline = 995; deadline <= 1005; deadline++)
    {
      set_clock (999, 1);
      assert_int (tally_wait_remaining (deadline), deadline > 1000 ? deadline - 1000 : 0);
    }
  assert_int (tally_wait_remaining (-1), G_MAXINT64);
}

/* Wherever the deadline falls between two looks at the clock. */
static void
a_deadline_that_passes_meanwhile_is_a_time_out (void)
{
  gint fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  CU_ASSERT_FATAL (fd >= 0);
  for (gint64 deadline = 1000; deadline <= 1012; deadline++)
    {
      set_clock (999, 3);
      assert_int (tally_wait_fd (fd, POLLIN, deadline, NULL, NULL), TALLY_WAIT_TIMED_OUT);
    }
  close (fd);
}

static void
what_is_ready_is_seen_at_a_passed_deadline (void)
{
  gint fd = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);
  gshort revents = 0;

  CU_ASSERT_FATAL (fd >= 0);
  set_clock (2000, 1);
  assert_int (tally_wait_fd (fd, POLLIN, 1000, NULL, &revents), TALLY_WAIT_READY);
  CU_ASSERT_TRUE ((revents & POLLIN) != 0);
  close (fd);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_remains_is_never_below_zero),
    TEST (a_deadline_that_passes_meanwhile_is_a_time_out),
    TEST (what_is_ready_is_seen_at_a_passed_deadline),
    { NULL, NULL },
  };

  return test_main ("wait", cases, argc, argv);
}
