/* Owns waiting: for descriptors, against a deadline and a cancellable, and for conditions, against
 * a deadline. It knows nothing of what is sent or received. */
#include "wait-private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pause-internal.h"

gint64
tally_wait_remaining (gint64 deadline)
{
  gint64 remaining;

  if (deadline < 0)
    return G_MAXINT64;
  remaining = deadline - g_get_monotonic_time ();
  return MAX (remaining, 0);
}

/* poll() counts in milliseconds, and a deadline may be nearer than one; hence ppoll (). */
static TallyWait
poll_until (struct pollfd *fds, guint n_fds, gint64 deadline)
{
  for (;;)
    {
      gint64 left = tally_wait_remaining (deadline);
      struct timespec timeout = { left / G_USEC_PER_SEC, (left % G_USEC_PER_SEC) * 1000 };
      gint ready = ppoll (fds, n_fds, deadline < 0 ? NULL : &timeout, NULL);

      if (ready > 0)
        return TALLY_WAIT_READY;
      if (ready == 0 && tally_wait_remaining (deadline) == 0)
        return TALLY_WAIT_TIMED_OUT;
      if (ready < 0 && errno != EINTR)
        return TALLY_WAIT_FAILED;
    }
}

static void
wake_on_cancel (GCancellable *cancellable, gpointer wake_fd)
{
  eventfd_write (GPOINTER_TO_INT (wake_fd), 1);
}

/* A descriptor of our own rather than g_cancellable_make_pollfd (), which aborts the program when
 * there is no descriptor left. */
TallyWait
tally_wait (struct pollfd *fds, guint n_fds, gint64 deadline, GCancellable *cancellable)
{
  gint wake_fd;
  gulong handler;
  TallyWait result;

  if (cancellable == NULL)
    return poll_until (fds, n_fds, deadline);
  if (g_cancellable_is_cancelled (cancellable))
    return TALLY_WAIT_CANCELLED;
  wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0)
    return TALLY_WAIT_FAILED;
  handler = g_cancellable_connect (cancellable, G_CALLBACK (wake_on_cancel),
                                   GINT_TO_POINTER (wake_fd), NULL);
  fds[n_fds] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
  result = poll_until (fds, n_fds + 1, deadline);
  if (result == TALLY_WAIT_READY && fds[n_fds].revents != 0)
    result = TALLY_WAIT_CANCELLED;
  g_cancellable_disconnect (cancellable, handler); /* after this nobody writes to wake_fd */
  {
    int saved_errno = errno;

    close (wake_fd);
    errno = saved_errno;
  }
  return result;
}

TallyWait
tally_wait_fd (gint fd, gshort events, gint64 deadline, GCancellable *cancellable, gshort *revents)
{
  struct pollfd fds[2] = { { .fd = fd, .events = events } };
  TallyWait result = tally_wait (fds, 1, deadline, cancellable);

  if (revents != NULL)
    *revents = result == TALLY_WAIT_READY ? fds[0].revents : 0;
  return result;
}

/* ---- pauses ---- */

/* Milliseconds between two looks at a cancellable for which there was no descriptor. */
#define LOOK_EVERY 10

gboolean
tally_pause_until (gint64 until, GCancellable *cancellable)
{
  struct pollfd fds[1];
  TallyWait result = tally_wait (fds, 0, until, cancellable);

  while (result == TALLY_WAIT_FAILED && tally_wait_remaining (until) > 0)
    {
      gint64 next = g_get_monotonic_time () + LOOK_EVERY * G_TIME_SPAN_MILLISECOND;

      poll_until (fds, 0, MIN (next, until));
      if (g_cancellable_is_cancelled (cancellable))
        result = TALLY_WAIT_CANCELLED;
    }
  return result != TALLY_WAIT_CANCELLED;
}

/* ---- conditions ---- */

void
tally_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attributes);
  pthread_condattr_destroy (&attributes);
}

gboolean
tally_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline)
{
  struct timespec time = { deadline / G_TIME_SPAN_SECOND, (deadline % G_TIME_SPAN_SECOND) * 1000 };

  if (deadline == G_MAXINT64)
    return pthread_cond_wait (cond, lock) == 0;
  return pthread_cond_timedwait (cond, lock, &time) == 0;
}
