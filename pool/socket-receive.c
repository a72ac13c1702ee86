/* Owns what a socket receives: its input, and ending the wait for more in time. It knows nothing of
 * what the bytes mean.
 *
 * One system call receives. The descriptor stays blocking, so that a plain recv () waits for the
 * reply; what ends it in time is said at How. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "socket-private.h"
#include "syscall-internal.h"
#include "tally-error.h"
#include "wait-private.h"

/* What one recv () takes at least; enough for most replies with their header. */
#define INPUT_CHUNK 16384
/* SO_RCVTIMEO counts in ticks of up to 10 ms; below this it is too coarse to help. */
#define SHORTEST_ARMED (40 * G_TIME_SPAN_MILLISECOND)

static TALLY_COLD void
set_receive_error (GError **error, TallyWait why, const gchar *reason, gsize have, gsize need)
{
  g_autofree gchar *seen =
      g_strdup_printf ("%" G_GSIZE_FORMAT " of at least %" G_GSIZE_FORMAT " bytes had arrived",
                       have, need);

  if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while receiving; %s", seen);
  else if (why == TALLY_WAIT_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while receiving; %s", seen);
  else
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                 "connection lost while receiving: %s; %s", reason, seen);
}

/* Makes room behind the input for the rest of @need bytes, but never more than as much again as has
 * arrived: a peer that declares 16 MiB gets them only by sending them. */
static void
make_room (TallySocket *self, gsize need)
{
  gsize missing = need - tally_socket_available (self);
  gsize room;

  if (self->consumed == self->input.length)
    self->consumed = self->input.length = 0;
  room = self->input.capacity - self->input.length;
  if (G_LIKELY (room >= missing && room >= INPUT_CHUNK / 4))
    return;
  if (self->consumed > 0)
    {
      memmove (self->input.data, self->input.data + self->consumed, tally_socket_available (self));
      self->input.length -= self->consumed;
      self->consumed = 0;
    }
  tally_buffer_reserve (&self->input,
                        CLAMP (missing, INPUT_CHUNK, MAX (self->input.length, INPUT_CHUNK)));
}

/* What is left at the last tick, up to 10 ms ago: enough for arm (), whose margin is more, at a
 * fifth of the cost of the exact time. */
static inline gint64
roughly_left (gint64 deadline)
{
  struct timespec tick;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &tick);
  return deadline - (tick.tv_sec * G_USEC_PER_SEC + (guint32) tick.tv_nsec / 1000);
}

/* How the next recv () ends in time. */
typedef enum
{
  HOW_POLL,    /* readiness is awaited first */
  HOW_ARMED,   /* by the kernel, some time before the deadline; or never */
  HOW_WATCHED, /* by the thread of deadline.c */
} How;

static TALLY_COLD gboolean
start_watching (TallySocket *self)
{
  const struct timeval never = { 0, 0 };

  if (self->armed != 0 && setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never) != 0)
    return FALSE;
  self->armed = 0;
  return tally_deadline_is_watched (&self->watch) || tally_deadline_add (&self->watch, self->fd);
}

/* Whether the connection is worth being watched, and is. A thread for one that serves a single call
 * would cost more than it saves. */
static inline gboolean
is_watched (TallySocket *self)
{
  return self->is_final && self->has_received
         && (G_LIKELY (self->armed == 0 && tally_deadline_is_watched (&self->watch))
             || start_watching (self));
}

/* Where the deadline is not the connection's last, the kernel wakes a plain recv () after
 * SO_RCVTIMEO, which must fall well before the deadline, because its timers are late by up to an
 * eighth; the rest of the time is waited for exactly by tally_wait (). Half of what a call has left
 * does that, and later calls with the same timeout find it armed. */
static How
arm (TallySocket *self)
{
  gint64 left;
  struct timeval timeout;

  if (self->cancellable != NULL)
    return HOW_POLL;
  if (self->deadline < 0)
    return HOW_ARMED;
  if (G_LIKELY (is_watched (self)))
    return HOW_WATCHED;
  if (self->armed != 0 && roughly_left (self->deadline) > self->armed + self->armed / 2)
    return HOW_ARMED;
  left = tally_wait_remaining (self->deadline);
  if (left / 2 < SHORTEST_ARMED)
    return HOW_POLL;
  timeout = (struct timeval){ left / 2 / G_USEC_PER_SEC, left / 2 % G_USEC_PER_SEC };
  if (setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
    return HOW_POLL;
  self->armed = left / 2;
  return HOW_ARMED;
}

/* Into the room behind the input, which there is. */
static inline gssize
receive_bytes (TallySocket *self, How how, TallyWait *why)
{
  gssize n;

  if (G_LIKELY (how == HOW_WATCHED))
    tally_deadline_begin (&self->watch, self->deadline);
  n = tally_recv (self->fd, self->input.data + self->input.length,
                  self->input.capacity - self->input.length, how == HOW_POLL ? MSG_DONTWAIT : 0);
  if (G_LIKELY (how == HOW_WATCHED) && G_UNLIKELY (!tally_deadline_end (&self->watch)))
    {
      self->was_shut = TRUE;
      *why = TALLY_WAIT_TIMED_OUT;
    }
  return n;
}

/* One step of receiving: takes what is there, waiting for it within the limits. */
static inline gboolean
receive_some (TallySocket *self, gsize need, GError **error)
{
  How how = arm (self);
  TallyWait why = TALLY_WAIT_READY;
  const gchar *reason = NULL;
  gssize n;

  if (how == HOW_POLL)
    why = tally_wait_fd (self->fd, POLLIN, self->deadline, self->cancellable, NULL);
  make_room (self, need);
  if (why == TALLY_WAIT_READY)
    {
      n = receive_bytes (self, how, &why);
      if (G_LIKELY (n > 0))
        self->input.length += n;
      else if (why == TALLY_WAIT_TIMED_OUT)
        reason = NULL;
      else if (n == 0)
        why = TALLY_WAIT_FAILED, reason = "the peer closed it";
      else if (errno == EAGAIN)
        why = tally_wait_fd (self->fd, POLLIN, self->deadline, self->cancellable, NULL);
      else if (errno != EINTR)
        why = TALLY_WAIT_FAILED;
    }
  if (G_LIKELY (why == TALLY_WAIT_READY))
    return TRUE; /* perhaps nothing yet, but no failure either: the caller asks again */
  set_receive_error (error, why, reason != NULL ? reason : g_strerror (errno),
                     tally_socket_available (self), need);
  return FALSE;
}

/**
 * tally_socket_fill:
 * @self: a socket
 * @need: bytes
 * @error: return location
 *
 * Blocks until at least @need unconsumed bytes are in the input buffer; returns at once when they
 * are. However slowly they come, it ends at the deadline. Memory grows with what arrived, not with
 * @need.
 *
 * Returns: %TRUE, or %FALSE with %TALLY_ERROR_CONNECTION_LOST (also at end of stream),
 *   %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED; what arrived stays in the buffer
 */
gboolean
tally_socket_fill (TallySocket *self, gsize need, GError **error)
{
  gboolean again = FALSE;

  while (tally_socket_available (self) < need)
    {
      /* the first wait looks at the clock itself; between pieces of a trickle it must be looked at;
       * a deadline of 0 means what has arrived, to its end */
      if (again && self->deadline != 0 && tally_wait_remaining (self->deadline) == 0)
        {
          set_receive_error (error, TALLY_WAIT_TIMED_OUT, NULL, tally_socket_available (self),
                             need);
          return FALSE;
        }
      if (!receive_some (self, need, error))
        return FALSE;
      self->has_received = self->has_answer = TRUE;
      again = TRUE;
    }
  return TRUE;
}

/**
 * tally_socket_peek_input:
 * @self: a socket
 * @length: (out): how many bytes
 *
 * Returns: (transfer none) (nullable): the bytes received and not yet consumed; valid until the
 * next fill, send or consume
 */
const guint8 *
tally_socket_peek_input (TallySocket *self, gsize *length)
{
  *length = tally_socket_available (self);
  return self->input.data + self->consumed;
}

/**
 * tally_socket_consume:
 * @self: a socket
 * @length: bytes, at most as many as are unconsumed
 *
 * Drops the first @length bytes of the input.
 */
void
tally_socket_consume (TallySocket *self, gsize length)
{
  g_return_if_fail (length <= tally_socket_available (self));
  self->consumed += length;
}
