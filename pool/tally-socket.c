/* Owns a connected socket, its two buffers and its limits; every byte of a call passes here. It knows
 * nothing of messages, endpoints or the pool.
 *
 * A socket costs one system call for a send and one for a receive. The descriptor stays blocking, so
 * that a plain recv () waits for the reply; what ends it in time is explained at receive_some (). */
#include "tally-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket-private.h"
#include "syscall-private.h"
#include "tally-error.h"
#include "wait-private.h"

/* What one recv () takes at least; enough for most replies with their header. */
#define INPUT_CHUNK 16384
/* A buffer that one large message has grown is given back when its connection goes idle. */
#define IDLE_CAPACITY (256 * 1024)
/* SO_RCVTIMEO counts in ticks of up to 10 ms; below this it is too coarse to help. */
#define SHORTEST_ARMED (40 * G_TIME_SPAN_MILLISECOND)

struct _TallySocket
{
  ThriftTransport parent;

  gint fd;                   /* -1 once closed */
  gint64 deadline;           /* -1 = never */
  GCancellable *cancellable; /* borrowed, nullable */
  gint64 armed;              /* what SO_RCVTIMEO is set to, in microseconds; 0 = not set */
  gsize consumed;            /* of input */
  TallyBuffer input;
  TallyBuffer output;
  TallySocketKeeper *keeper; /* atomic, nullable; set once */
};

typedef struct
{
  ThriftTransportClass parent_class;
} TallySocketClass;

G_DEFINE_TYPE (TallySocket, tally_socket, THRIFT_TYPE_TRANSPORT)

/* ---- errors: one place for every way in which waiting and moving bytes can fail ---- */

static TALLY_COLD void
set_send_error (GError **error, TallyWait why, int saved_errno, gsize sent)
{
  if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while sending");
  else if (why == TALLY_WAIT_CANCELLED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while sending");
  else
    g_set_error (error, TALLY_ERROR, sent == 0 ? TALLY_ERROR_NOT_SENT : TALLY_ERROR_CONNECTION_LOST,
                 "connection lost while sending: %s", g_strerror (saved_errno));
}

/* What happened to the request is part of the message: its reader must know what the server may have
 * seen (tally-error.h). */
static TALLY_COLD void
propagate_send_error (GError **error, GError *local_error, gsize sent, gsize total)
{
  if (sent == 0)
    g_set_error (error, local_error->domain, local_error->code, "%s; nothing was sent", local_error->message);
  else
    g_set_error (error, local_error->domain, local_error->code,
                 "%s; %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " bytes were sent", local_error->message, sent,
                 total);
  g_error_free (local_error);
}

static TALLY_COLD void
set_receive_error (GError **error, TallyWait why, const gchar *reason, gsize have, gsize need)
{
  g_autofree gchar *seen = g_strdup_printf ("%" G_GSIZE_FORMAT " of at least %" G_GSIZE_FORMAT
                                            " bytes had arrived", have, need);

  if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while receiving; %s", seen);
  else if (why == TALLY_WAIT_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while receiving; %s", seen);
  else
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                 "connection lost while receiving: %s; %s", reason, seen);
}

/* ---- sending ---- */

/* Waits until more can be sent. A peer that has closed will never answer, so that its FIN ends the
 * wait too, though the kernel would still take bytes for it. */
static TALLY_COLD TallyWait
wait_to_send (TallySocket *self, gint64 deadline, GCancellable *cancellable)
{
  gshort revents;
  TallyWait why = tally_wait_fd (self->fd, POLLOUT | POLLRDHUP, deadline, cancellable, &revents);

  if (why == TALLY_WAIT_READY && (revents & POLLRDHUP) != 0 && (revents & POLLERR) == 0)
    {
      errno = EPIPE;
      return TALLY_WAIT_FAILED;
    }
  return why;
}

/**
 * tally_socket_send_bytes:
 * @self: a socket
 * @bytes: what to send
 * @length: how many
 * @deadline: g_get_monotonic_time () at which it ends; -1 = never
 * @cancellable: (nullable): ends it too
 * @sent: (out): how many bytes reached the kernel, also on failure
 * @error: return location
 *
 * Sends @bytes past the output buffer, under limits of its own: one thread may do so while another
 * receives. A small message costs one system call. No signal is raised when the peer is gone.
 *
 * Returns: as tally_socket_send(), but the message does not say how much was sent
 */
gboolean
tally_socket_send_bytes (TallySocket *self, gconstpointer bytes, gsize length, gint64 deadline,
                         GCancellable *cancellable, gsize *sent, GError **error)
{
  *sent = 0;
  while (*sent < length)
    {
      gssize n = tally_send (self->fd, (const guint8 *) bytes + *sent, length - *sent,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
      TallyWait why = TALLY_WAIT_READY;

      if (n >= 0)
        *sent += n;
      else if (errno == EAGAIN)
        why = wait_to_send (self, deadline, cancellable);
      else if (errno != EINTR)
        why = TALLY_WAIT_FAILED;
      if (G_UNLIKELY (why != TALLY_WAIT_READY))
        {
          set_send_error (error, why, errno, *sent);
          return FALSE;
        }
    }
  return TRUE;
}

/**
 * tally_socket_send:
 * @self: a socket
 * @error: return location
 *
 * Sends the whole output buffer and empties it, whatever the outcome, within the limits that
 * tally_socket_set_limits() has set.
 *
 * Returns: %TRUE, or %FALSE with %TALLY_ERROR_NOT_SENT when the connection failed before a byte
 *   reached the kernel, %TALLY_ERROR_CONNECTION_LOST when it failed later, %TALLY_ERROR_TIMED_OUT or
 *   %G_IO_ERROR_CANCELLED, whose messages say how much was sent
 */
gboolean
tally_socket_send (TallySocket *self, GError **error)
{
  gsize length = self->output.length;
  GError *local_error = NULL;
  gsize sent;

  self->output.length = 0;
  if (G_LIKELY (tally_socket_send_bytes (self, self->output.data, length, self->deadline, self->cancellable,
                                         &sent, &local_error)))
    return TRUE;
  propagate_send_error (error, local_error, sent, length);
  return FALSE;
}

/* ---- receiving ---- */

static inline gsize
available (const TallySocket *self)
{
  return self->input.length - self->consumed;
}

/* Makes room behind the input for the rest of @need bytes, but never more than as much again as has
 * arrived: a peer that declares 16 MiB gets them only by sending them. */
static void
make_room (TallySocket *self, gsize need)
{
  gsize missing = need - available (self);
  gsize room;

  if (self->consumed == self->input.length)
    self->consumed = self->input.length = 0;
  room = self->input.capacity - self->input.length;
  if (G_LIKELY (room >= missing && room >= INPUT_CHUNK / 4))
    return;
  if (self->consumed > 0)
    {
      memmove (self->input.data, self->input.data + self->consumed, available (self));
      self->input.length -= self->consumed;
      self->consumed = 0;
    }
  tally_buffer_reserve (&self->input, CLAMP (missing, INPUT_CHUNK, MAX (self->input.length, INPUT_CHUNK)));
}

/* What is left at the last tick, up to 10 ms ago: enough for arm (), whose margin is more, at a fifth of
 * the cost of the exact time. */
static inline gint64
roughly_left (gint64 deadline)
{
  struct timespec tick;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &tick);
  return deadline - (tick.tv_sec * G_USEC_PER_SEC + (guint32) tick.tv_nsec / 1000);
}

/* Whether a plain recv () may wait. The kernel then wakes it after SO_RCVTIMEO, which must fall well
 * before the deadline, because its timers are late by up to an eighth; the rest of the time is waited
 * for exactly by tally_wait (). Half of what a call has left does that, and later calls with the same
 * timeout find it armed: the common path sets nothing. */
static gboolean
arm (TallySocket *self)
{
  gint64 left;
  struct timeval timeout;

  if (self->cancellable != NULL)
    return FALSE;
  if (self->deadline < 0)
    return TRUE;
  if (G_LIKELY (self->armed != 0 && roughly_left (self->deadline) > self->armed + self->armed / 2))
    return TRUE;
  left = tally_wait_remaining (self->deadline);
  if (left / 2 < SHORTEST_ARMED)
    return FALSE;
  timeout = (struct timeval) { left / 2 / G_USEC_PER_SEC, left / 2 % G_USEC_PER_SEC };
  if (setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
    return FALSE;
  self->armed = left / 2;
  return TRUE;
}

/* One step of receiving: takes what is there, waiting for it within the limits. */
static inline gboolean
receive_some (TallySocket *self, gsize need, GError **error)
{
  gboolean may_block = arm (self);
  TallyWait why = TALLY_WAIT_READY;
  const gchar *reason = NULL;
  gssize n;

  if (!may_block)
    why = tally_wait_fd (self->fd, POLLIN, self->deadline, self->cancellable, NULL);
  make_room (self, need);
  if (why == TALLY_WAIT_READY)
    {
      n = tally_recv (self->fd, self->input.data + self->input.length,
                      self->input.capacity - self->input.length, may_block ? 0 : MSG_DONTWAIT);
      if (G_LIKELY (n > 0))
        {
          self->input.length += n;
          return TRUE;
        }
      if (n == 0)
        why = TALLY_WAIT_FAILED, reason = "the peer closed it";
      else if (errno == EAGAIN)
        why = tally_wait_fd (self->fd, POLLIN, self->deadline, self->cancellable, NULL);
      else if (errno != EINTR)
        why = TALLY_WAIT_FAILED;
    }
  if (why == TALLY_WAIT_READY)
    return TRUE; /* nothing yet, but no failure either: the caller asks again */
  set_receive_error (error, why, reason != NULL ? reason : g_strerror (errno), available (self), need);
  return FALSE;
}

/**
 * tally_socket_fill:
 * @self: a socket
 * @need: bytes
 * @error: return location
 *
 * Blocks until at least @need unconsumed bytes are in the input buffer; returns at once when they are.
 * However slowly they come, it ends at the deadline. Memory grows with what arrived, not with @need.
 *
 * Returns: %TRUE, or %FALSE with %TALLY_ERROR_CONNECTION_LOST (also at end of stream),
 *   %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED; what arrived stays in the buffer
 */
gboolean
tally_socket_fill (TallySocket *self, gsize need, GError **error)
{
  while (available (self) < need)
    {
      /* the first wait looks at the clock itself; between pieces of a trickle it must be looked at */
      if (available (self) > 0 && tally_wait_remaining (self->deadline) == 0)
        {
          set_receive_error (error, TALLY_WAIT_TIMED_OUT, NULL, available (self), need);
          return FALSE;
        }
      if (!receive_some (self, need, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * tally_socket_peek_input:
 * @self: a socket
 * @length: (out): how many bytes
 *
 * Returns: (transfer none) (nullable): the bytes received and not yet consumed; valid until the next
 *   fill, send or consume
 */
const guint8 *
tally_socket_peek_input (TallySocket *self, gsize *length)
{
  *length = available (self);
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
  g_return_if_fail (length <= available (self));
  self->consumed += length;
}

/* ---- the rest of the public interface ---- */

/**
 * tally_socket_new_from_fd:
 * @fd: a connected stream socket; its ownership passes to the new object
 *
 * Makes the descriptor blocking and closed on exec, and sets TCP_NODELAY where it applies: a request
 * is sent whole, and must not wait for the acknowledgement of the last.
 *
 * Returns: (transfer full): a new socket without limits
 */
TallySocket *
tally_socket_new_from_fd (gint fd)
{
  int one = 1;
  int flags = fcntl (fd, F_GETFL);

  if (flags >= 0 && (flags & O_NONBLOCK) != 0)
    fcntl (fd, F_SETFL, flags & ~O_NONBLOCK);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* fails on Unix sockets, rightly */
  return tally_socket_new_prepared (fd);
}

/* The same for a descriptor that dialing has prepared already. */
TallySocket *
tally_socket_new_prepared (gint fd)
{
  TallySocket *self = g_object_new (TALLY_TYPE_SOCKET, NULL);

  self->fd = fd;
  return self;
}

gint
tally_socket_get_fd (TallySocket *self)
{
  return self->fd;
}

/**
 * tally_socket_set_limits:
 * @self: a socket
 * @deadline: g_get_monotonic_time () at which every operation that blocks ends; -1 = never
 * @cancellable: (nullable): ends them too; borrowed until the next call of this function
 */
void
tally_socket_set_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable)
{
  self->deadline = deadline;
  self->cancellable = cancellable;
}

/**
 * tally_socket_get_output:
 * @self: a socket
 *
 * Returns: (transfer none): the buffer that the next tally_socket_send () sends
 */
TallyBuffer *
tally_socket_get_output (TallySocket *self)
{
  return &self->output;
}

/**
 * tally_socket_reset:
 * @self: a socket
 *
 * Takes back what its user set (pool rule 23): limits, unsent output, memory that a large message
 * took. Unconsumed input stays, because it proves that the connection is not clean.
 */
void
tally_socket_reset (TallySocket *self)
{
  self->deadline = -1;
  self->cancellable = NULL;
  self->output.length = 0;
  if (G_UNLIKELY (self->output.capacity > IDLE_CAPACITY))
    tally_buffer_clear (&self->output);
  if (G_UNLIKELY (self->input.capacity > IDLE_CAPACITY) && available (self) == 0)
    {
      tally_buffer_clear (&self->input);
      self->consumed = 0;
    }
}

/**
 * tally_socket_keep:
 * @self: a socket
 * @keeper: (transfer full): who shall receive on it from now on
 *
 * Gives @self a keeper, unless it has one already; then @keeper is freed. Thread-safe.
 *
 * Returns: (transfer none): the keeper that @self has now; it lives as long as @self
 */
TallySocketKeeper *
tally_socket_keep (TallySocket *self, TallySocketKeeper *keeper)
{
  TallySocketKeeper *present = NULL;

  if (__atomic_compare_exchange_n (&self->keeper, &present, keeper, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return keeper;
  keeper->free (keeper);
  return present;
}

/**
 * tally_socket_get_keeper:
 * @self: a socket
 *
 * Returns: (transfer none) (nullable): what tally_socket_keep() has set. Thread-safe
 */
TallySocketKeeper *
tally_socket_get_keeper (TallySocket *self)
{
  return __atomic_load_n (&self->keeper, __ATOMIC_ACQUIRE);
}

/**
 * tally_socket_is_clean:
 * @self: a socket
 *
 * Pool rules 10 and 11: whether the connection may be handed out. It costs one system call and
 * never blocks.
 *
 * Returns: %TRUE when no input is unconsumed here or waiting in the kernel but what its keeper
 *   expects, and neither FIN nor RST has arrived
 */
gboolean
tally_socket_is_clean (TallySocket *self)
{
  TallySocketKeeper *keeper = tally_socket_get_keeper (self);
  gboolean expects = FALSE;
  guint8 byte;

  if (G_UNLIKELY (keeper != NULL) && !keeper->settle (keeper, self, &expects))
    return FALSE;
  if (expects)
    return TRUE;
  if (available (self) > 0 || self->fd < 0)
    return FALSE;
  return tally_recv (self->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* ---- ThriftTransport ---- */

static gboolean
tally_socket_transport_is_open (ThriftTransport *transport)
{
  return ((TallySocket *) transport)->fd >= 0;
}

static gboolean
tally_socket_transport_open (ThriftTransport *transport, GError **error)
{
  if (tally_socket_transport_is_open (transport))
    return TRUE;
  g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_SOCKET,
                       "a closed TallySocket cannot be opened again; dial a new one");
  return FALSE;
}

static gboolean
tally_socket_transport_close (ThriftTransport *transport, GError **error)
{
  TallySocket *self = (TallySocket *) transport;

  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  return TRUE;
}

/* As Apache's servers use it: whether another request comes. End of stream is no error here. */
static gboolean
tally_socket_transport_peek (ThriftTransport *transport, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (tally_socket_fill ((TallySocket *) transport, 1, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static guint32
take_input (TallySocket *self, gpointer target, guint32 length)
{
  guint32 n = MIN (length, available (self));

  memcpy (target, self->input.data + self->consumed, n);
  self->consumed += n;
  return n;
}

static gint32
tally_socket_transport_read (ThriftTransport *transport, gpointer target, guint32 length, GError **error)
{
  TallySocket *self = (TallySocket *) transport;

  if (!THRIFT_TRANSPORT_GET_CLASS (transport)->checkReadBytesAvailable (transport, length, error)
      || (length > 0 && !tally_socket_fill (self, 1, error)))
    return -1;
  return length > 0 ? take_input (self, target, length) : 0;
}

static gint32
tally_socket_transport_read_all (ThriftTransport *transport, gpointer target, guint32 length,
                                 GError **error)
{
  TallySocket *self = (TallySocket *) transport;
  guint32 have = 0;

  if (!THRIFT_TRANSPORT_GET_CLASS (transport)->checkReadBytesAvailable (transport, length, error))
    return -1;
  while (have < length)
    {
      if (!tally_socket_fill (self, 1, error))
        return -1;
      have += take_input (self, (guint8 *) target + have, length - have);
    }
  return length;
}

static gboolean
tally_socket_transport_write (ThriftTransport *transport, const gpointer bytes, const guint32 length,
                              GError **error)
{
  tally_buffer_append (&((TallySocket *) transport)->output, bytes, length);
  return TRUE;
}

static gboolean
tally_socket_transport_end (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static gboolean
tally_socket_transport_flush (ThriftTransport *transport, GError **error)
{
  return tally_socket_send ((TallySocket *) transport, error);
}

static void
tally_socket_finalize (GObject *object)
{
  TallySocket *self = TALLY_SOCKET (object);

  if (self->keeper != NULL)
    self->keeper->free (self->keeper);
  if (self->fd >= 0)
    close (self->fd);
  tally_buffer_clear (&self->input);
  tally_buffer_clear (&self->output);
  G_OBJECT_CLASS (tally_socket_parent_class)->finalize (object);
}

static void
tally_socket_class_init (TallySocketClass *class)
{
  ThriftTransportClass *transport_class = THRIFT_TRANSPORT_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = tally_socket_finalize;
  transport_class->is_open = tally_socket_transport_is_open;
  transport_class->open = tally_socket_transport_open;
  transport_class->close = tally_socket_transport_close;
  transport_class->peek = tally_socket_transport_peek;
  transport_class->read = tally_socket_transport_read;
  transport_class->read_all = tally_socket_transport_read_all;
  transport_class->read_end = tally_socket_transport_end;
  transport_class->write = tally_socket_transport_write;
  transport_class->write_end = tally_socket_transport_end;
  transport_class->flush = tally_socket_transport_flush;
}

static void
tally_socket_init (TallySocket *self)
{
  self->fd = -1;
  self->deadline = -1;
}
