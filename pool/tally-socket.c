/* Owns a connected socket, its limits, what is sent, and whether it is clean. What is received is
 * socket-receive.c's. It knows nothing of messages, endpoints or the pool. */
#include "tally-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket-internal.h"
#include "socket-private.h"
#include "syscall-internal.h"
#include "tally-error.h"
#include "wait-private.h"

/* A buffer that one large message has grown is given back when its connection goes idle. */
#define IDLE_CAPACITY (256 * 1024)

G_DEFINE_TYPE (TallySocket, tally_socket, THRIFT_TYPE_TRANSPORT)

/* ---- sending ---- */

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

/* As much as the kernel takes at once; FALSE with errno when the connection has failed. */
static inline gboolean
send_at_once (TallySocket *self, const guint8 *bytes, gsize length, gsize *sent)
{
  while (*sent < length)
    {
      gssize n = tally_send (self->fd, bytes + *sent, length - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n >= 0)
        *sent += n;
      else if (errno == EAGAIN)
        return TRUE;
      else if (errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

/**
 * tally_socket_send_bytes:
 * @self: a socket
 * @bytes: what to send
 * @length: how many
 * @sent: (out): how many bytes reached the kernel, also on failure
 * @error: return location
 *
 * Sends as many of @bytes as the kernel takes at once, past the output buffer: one thread may do so
 * while another receives. A small message costs one system call. No signal is raised when the peer
 * is gone.
 *
 * Returns: %TRUE, also when @sent is less than @length, or %FALSE as tally_socket_send(), but the
 *   message does not say how much was sent
 */
gboolean
tally_socket_send_bytes (
    TallySocket *self, gconstpointer bytes, gsize length, gsize *sent, GError **error)
{
  *sent = 0;
  if (G_LIKELY (send_at_once (self, bytes, length, sent)))
    return TRUE;
  set_send_error (error, TALLY_WAIT_FAILED, errno, *sent);
  return FALSE;
}

/* Waits until the kernel takes more bytes, or for @others. */
static TALLY_COLD TallyWait
await_room (
    TallySocket *self, gshort others, gint64 deadline, GCancellable *cancellable, gshort *revents)
{
  TallyWait why = tally_wait_fd (self->fd, POLLOUT | others, deadline, cancellable, revents);

  if (why == TALLY_WAIT_READY && (*revents & POLLRDHUP) != 0 && (*revents & POLLERR) == 0)
    {
      errno = EPIPE;
      return TALLY_WAIT_FAILED;
    }
  return why;
}

/**
 * tally_socket_await_room:
 * @self: a socket
 * @or_input: whether to return for input, too
 * @deadline: g_get_monotonic_time () at which it ends; -1 = never
 * @cancellable: (nullable): ends it too
 * @has_input: (out): whether input has arrived, or the connection has ended
 * @error: return location
 *
 * Waits until the kernel takes more bytes, under limits of its own: one thread may do so while
 * another receives. A peer that has closed will never answer, so that its end of the stream ends
 * the wait as a failure, unless @or_input.
 *
 * Returns: %TRUE, or %FALSE as tally_socket_send_bytes()
 */
gboolean
tally_socket_await_room (TallySocket *self,
                         gboolean or_input,
                         gint64 deadline,
                         GCancellable *cancellable,
                         gboolean *has_input,
                         GError **error)
{
  gshort revents;
  TallyWait why = await_room (self, or_input ? POLLIN : POLLRDHUP, deadline, cancellable, &revents);

  *has_input = (revents & POLLIN) != 0;
  if (why == TALLY_WAIT_READY)
    return TRUE;
  set_send_error (error, why, errno, 0);
  return FALSE;
}

/* @alive: what send_at_once () said, which sent @sent of the @length bytes in the output buffer. */
static TALLY_COLD gboolean
send_the_rest (TallySocket *self, gsize length, gsize sent, gboolean alive, GError **error)
{
  TallyWait why = alive ? TALLY_WAIT_READY : TALLY_WAIT_FAILED;
  gshort revents;

  while (why == TALLY_WAIT_READY && sent < length)
    {
      why = await_room (self, POLLRDHUP, self->deadline, self->cancellable, &revents);
      if (why == TALLY_WAIT_READY && !send_at_once (self, self->output.data, length, &sent))
        why = TALLY_WAIT_FAILED;
    }
  if (why == TALLY_WAIT_READY)
    return TRUE;
  set_send_error (error, why, errno, sent);
  self->sent = sent;
  self->to_send = length;
  return FALSE;
}

gboolean
tally_socket_send_counted (TallySocket *self, GError **error)
{
  gsize length = self->output.length;
  gsize sent = 0;
  gboolean alive = send_at_once (self, self->output.data, length, &sent);

  self->output.length = 0;
  if (G_LIKELY (alive && sent == length))
    return TRUE;
  return send_the_rest (self, length, sent, alive, error);
}

gsize
tally_socket_get_sent (const TallySocket *self, gsize *length)
{
  *length = self->to_send;
  return self->sent;
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
 *   reached the kernel, %TALLY_ERROR_CONNECTION_LOST when it failed later, %TALLY_ERROR_TIMED_OUT
 *   or %G_IO_ERROR_CANCELLED, whose messages say how much was sent
 */
gboolean
tally_socket_send (TallySocket *self, GError **error)
{
  GError *local_error = NULL;
  gsize sent, length;

  if (G_LIKELY (tally_socket_send_counted (self, &local_error)))
    return TRUE;
  sent = tally_socket_get_sent (self, &length);
  if (sent == 0)
    g_set_error (error, local_error->domain, local_error->code, "%s; nothing was sent",
                 local_error->message);
  else
    g_set_error (error, local_error->domain, local_error->code,
                 "%s; %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " bytes were sent",
                 local_error->message, sent, length);
  g_error_free (local_error);
  return FALSE;
}

/* ---- the rest of the public interface ---- */

/**
 * tally_socket_new_from_fd:
 * @fd: a connected stream socket; its ownership passes to the new object
 *
 * Makes the descriptor blocking and closed on exec, and sets TCP_NODELAY where it applies: a
 * request is sent whole, and must not wait for the acknowledgement of the last.
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
  self->is_final = FALSE;
}

/**
 * tally_socket_set_final_limits:
 * @self: a socket
 * @deadline: as for tally_socket_set_limits()
 * @cancellable: (nullable): the same
 *
 * As tally_socket_set_limits(), by who will not use the connection when the deadline has passed: a
 * receive that waits then may be ended by shutting the connection down, which makes waiting
 * cheaper.
 */
void
tally_socket_set_final_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable)
{
  self->deadline = deadline;
  self->cancellable = cancellable;
  self->is_final = deadline != 0; /* 0 has passed: nothing need watch for it */
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
  tally_socket_set_limits (self, -1, NULL);
  self->has_answer = FALSE;
  self->output.length = 0;
  if (G_UNLIKELY (self->output.capacity > IDLE_CAPACITY))
    tally_buffer_clear (&self->output);
  if (G_UNLIKELY (self->input.capacity > IDLE_CAPACITY) && tally_socket_available (self) == 0)
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

  if (__atomic_compare_exchange_n (&self->keeper, &present, keeper, FALSE, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE))
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
  if (tally_socket_available (self) > 0 || self->fd < 0)
    return FALSE;
  return tally_recv (self->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

gboolean
tally_socket_has_ended (TallySocket *self)
{
  return tally_wait_fd (self->fd, POLLRDHUP, 0, NULL, NULL) != TALLY_WAIT_TIMED_OUT;
}

/* ---- life ---- */

static void
tally_socket_finalize (GObject *object)
{
  TallySocket *self = TALLY_SOCKET (object);

  if (self->keeper != NULL)
    self->keeper->free (self->keeper);
  tally_deadline_remove (&self->watch);
  if (self->fd >= 0)
    close (self->fd);
  tally_buffer_clear (&self->input);
  tally_buffer_clear (&self->output);
  G_OBJECT_CLASS (tally_socket_parent_class)->finalize (object);
}

static void
tally_socket_class_init (TallySocketClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_socket_finalize;
  tally_socket_install_transport (THRIFT_TRANSPORT_CLASS (class));
}

static void
tally_socket_init (TallySocket *self)
{
  self->fd = -1;
  self->deadline = -1;
}
