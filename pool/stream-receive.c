/* Owns what ends a receive that blocks. It knows nothing of what the bytes mean, nor where they go.
 *
 * * One system call receives. The descriptor is blocking, so that a plain recv () waits for the
 * reply, which costs least. How says what ends that in time. */
#include <sys/time.h>
#include <time.h>

#include "stream-private.h"

/* SO_RCVTIMEO counts in ticks of up to 10 ms; below this it is too coarse to help. */
#define SHORTEST_ARMED (40 * G_TIME_SPAN_MILLISECOND)

/* What ends the next receive in time. */
typedef enum
{
  HOW_POLL,    /* ppoll () first: with a cancellable, for a short time, for one call, on a layer */
  HOW_ARMED,   /* the kernel (SO_RCVTIMEO), some time before the deadline; or nothing */
  HOW_WATCHED, /* the thread of deadline.c, which ends the stream for reading */
} How;

static gboolean
set_timeout (TallyStream *self, gint64 timeout)
{
  const struct timeval value = { timeout / G_USEC_PER_SEC, timeout % G_USEC_PER_SEC };

  if (setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0)
    return FALSE;
  self->armed = timeout;
  return TRUE;
}

static void
end_receiving (TallyDeadline *watch)
{
  tally_stream_end_receiving (
      (const TallyStream *) ((gchar *) watch - G_STRUCT_OFFSET (TallyStream, watch)));
}

/* Whether the stream is worth being watched, and is. A thread for one that serves a single call would
 * cost more than it saves. */
static gboolean
is_watched (TallyStream *self, const TallyStreamLimits *limits)
{
  if (!limits->is_final || !self->has_received || (self->armed != 0 && !set_timeout (self, 0)))
    return FALSE;
  return tally_deadline_is_watched (&self->watch)
         || tally_deadline_add (&self->watch, end_receiving);
}

/* What is left at the last tick, up to 10 ms ago: enough for choose (), whose margin is more, at a
 * fifth of the cost of the exact time. */
static inline gint64
roughly_left (gint64 deadline)
{
  struct timespec tick;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &tick);
  return deadline - (tick.tv_sec * G_USEC_PER_SEC + (guint32) tick.tv_nsec / 1000);
}

/* Where the deadline is not the stream's last, the kernel wakes a plain recv () after SO_RCVTIMEO,
 * which must fall well before the deadline, because its timers are late by up to an eighth; the rest
 * of the time is waited for exactly. Half of what a call has left does that, and later calls with the
 * same timeout find it armed. */
static inline How
choose (TallyStream *self, const TallyStreamLimits *limits)
{
  gint64 left;

  if (limits->cancellable != NULL || self->kind != NULL || self->is_for_one_call)
    return HOW_POLL;
  if (limits->deadline < 0)
    return HOW_ARMED;
  if (is_watched (self, limits))
    return HOW_WATCHED;
  if (self->armed != 0 && roughly_left (limits->deadline) > self->armed + self->armed / 2)
    return HOW_ARMED;
  left = tally_wait_remaining (limits->deadline);
  if (left / 2 < SHORTEST_ARMED || !set_timeout (self, left / 2))
    return HOW_POLL;
  return HOW_ARMED;
}

static inline gssize
receive (TallyStream *self,
         gpointer bytes,
         gsize length,
         const TallyStreamLimits *limits,
         How how,
         TallyWait *why)
{
  gssize count;

  if (how == HOW_POLL)
    return tally_stream_receive (self, bytes, length);
  if (how == HOW_WATCHED)
    tally_deadline_begin (&self->watch, limits->deadline);
  count = tally_recv (self->fd, bytes, length, 0);
  if (how == HOW_WATCHED && !tally_deadline_end (&self->watch))
    {
      self->was_shut = TRUE;
      *why = TALLY_WAIT_TIMED_OUT;
    }
  return count;
}

static inline TallyWait
await_input (TallyStream *self, const TallyStreamLimits *limits)
{
  return tally_stream_wait (self, TALLY_STREAM_READABLE, limits->deadline, limits->cancellable,
                            NULL);
}

/* A receive has found nothing. Input that never makes a byte ends at the deadline too. */
static TallyWait
go_on (TallyStream *self, const TallyStreamLimits *limits, How how)
{
  if (errno != EINTR && errno != EAGAIN)
    return TALLY_WAIT_FAILED;
  if (limits->deadline > 0 && tally_wait_remaining (limits->deadline) == 0)
    return TALLY_WAIT_TIMED_OUT;
  return how == HOW_POLL || errno == EINTR ? TALLY_WAIT_READY : await_input (self, limits);
}

static G_GNUC_NO_INLINE gssize
receive_slowly (TallyStream *self,
                gpointer bytes,
                gsize length,
                const TallyStreamLimits *limits,
                TallyWait *why)
{
  gssize count = -1;

  do
    {
      How how = choose (self, limits);

      *why = how == HOW_POLL ? await_input (self, limits) : TALLY_WAIT_READY;
      if (*why != TALLY_WAIT_READY)
        return -1;
      count = receive (self, bytes, length, limits, how, why);
      if (G_UNLIKELY (count < 0) && *why == TALLY_WAIT_READY)
        *why = go_on (self, limits, how);
    }
  while (G_UNLIKELY (count < 0) && *why == TALLY_WAIT_READY);
  self->has_received |= count > 0;
  return count;
}

/* Whether the next receive ends in time by itself: the common case where streams are shared. */
static inline gboolean
is_armed (const TallyStream *self, const TallyStreamLimits *limits)
{
  return limits->cancellable == NULL && self->kind == NULL && !limits->is_final && self->armed != 0
         && limits->deadline > 0 && roughly_left (limits->deadline) > self->armed + self->armed / 2;
}

/* Where nothing is waited for there is no need to look first. */
static gssize
receive_at_once (TallyStream *self, gpointer bytes, gsize length, TallyWait *why)
{
  gssize count = tally_stream_receive (self, bytes, length);

  *why = count >= 0 ? TALLY_WAIT_READY : errno == EAGAIN ? TALLY_WAIT_TIMED_OUT : TALLY_WAIT_FAILED;
  self->has_received |= count > 0;
  return count;
}

gssize
tally_stream_receive_in_time (TallyStream *self,
                              gpointer bytes,
                              gsize length,
                              const TallyStreamLimits *limits,
                              TallyWait *why)
{
  gssize count;

  if (G_LIKELY (is_armed (self, limits))
      && G_LIKELY ((count = tally_recv (self->fd, bytes, length, 0)) >= 0))
    {
      *why = TALLY_WAIT_READY;
      return count;
    }
  if (limits->deadline == 0 && limits->cancellable == NULL && self->kind == NULL)
    return receive_at_once (self, bytes, length, why);
  return receive_slowly (self, bytes, length, limits, why);
}

gssize
tally_stream_receive_within_slowly (TallyStream *self,
                                    gpointer bytes,
                                    gsize length,
                                    guint milliseconds)
{
  const gint64 timeout = milliseconds * G_TIME_SPAN_MILLISECOND;
  gint64 deadline;
  gssize count;

  if (self->kind == NULL && set_timeout (self, timeout))
    return tally_stream_receive_within (self, bytes, length, milliseconds);
  deadline = g_get_monotonic_time () + timeout;
  do
    count = tally_stream_receive (self, bytes, length);
  while (count < 0 && errno == EAGAIN
         && tally_stream_wait (self, TALLY_STREAM_READABLE, deadline, NULL, NULL)
                == TALLY_WAIT_READY);
  return count;
}
