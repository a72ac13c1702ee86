/* Owns a TallySocket: a stream's limits, what is sent over it, and whether it is clean. What is
 * received is socket-receive.c's. It knows nothing of messages, endpoints or the pool. */
#include "tally-socket.h"

#include <string.h>

#include "dial-private.h"
#include "glib-gate-private.h"
#include "socket-internal.h"
#include "socket-private.h"
#include "tally-error.h"

/* A buffer that one large message has grown is given back when its connection goes idle. */
#define IDLE_CAPACITY (256 * 1024)

G_DEFINE_TYPE (TallySocket, tally_socket, THRIFT_TYPE_TRANSPORT)

/* ---- sending ---- */

static TALLY_COLD void
set_send_error (const TallySocket *self, GError **error, TallyWait why, int saved_errno, gsize sent)
{
  if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while sending");
  else if (why == TALLY_WAIT_CANCELLED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while sending");
  else
    g_set_error (error, TALLY_ERROR, sent == 0 ? TALLY_ERROR_NOT_SENT : TALLY_ERROR_CONNECTION_LOST,
                 "connection lost while sending: %s",
                 tally_stream_describe_error (&self->stream, saved_errno));
}

void
tally_socket_set_send_error (const TallySocket *self, gint number, gsize sent, GError **error)
{
  set_send_error (self, error, TALLY_WAIT_FAILED, number, sent);
}

/* Waits until the kernel takes more bytes, or for @others. */
static TALLY_COLD TallyWait
await_room (
    TallySocket *self, guint others, gint64 deadline, GCancellable *cancellable, guint *found)
{
  TallyWait why = tally_stream_wait (&self->stream, TALLY_STREAM_WRITABLE | others, deadline,
                                     cancellable, found);

  if (why == TALLY_WAIT_READY && (*found & TALLY_STREAM_HUNG_UP) != 0)
    {
      errno = EPIPE;
      return TALLY_WAIT_FAILED;
    }
  return why;
}

gboolean
tally_socket_await_room (TallySocket *self,
                         gboolean or_input,
                         gint64 deadline,
                         GCancellable *cancellable,
                         gboolean *has_input,
                         GError **error)
{
  guint found;
  TallyWait why = await_room (self, or_input ? TALLY_STREAM_READABLE : TALLY_STREAM_HUNG_UP,
                              deadline, cancellable, &found);

  *has_input = (found & TALLY_STREAM_READABLE) != 0;
  if (why == TALLY_WAIT_READY)
    return TRUE;
  set_send_error (self, error, why, errno, 0);
  return FALSE;
}

gboolean
tally_socket_send_the_rest (
    TallySocket *self, gsize length, gsize sent, gboolean alive, GError **error)
{
  TallyWait why = alive ? TALLY_WAIT_READY : TALLY_WAIT_FAILED;
  guint found;

  if (self->stream.is_for_one_call)
    tally_stream_set_nodelay (&self->stream); /* the last piece may be small */
  while (why == TALLY_WAIT_READY && sent < length)
    {
      why = await_room (self, TALLY_STREAM_HUNG_UP, self->limits.deadline, self->limits.cancellable,
                        &found);
      if (why == TALLY_WAIT_READY
          && !tally_stream_send (&self->stream, self->output.data, length, FALSE, &sent))
        why = TALLY_WAIT_FAILED;
    }
  if (why == TALLY_WAIT_READY)
    return TRUE;
  set_send_error (self, error, why, errno, sent);
  self->sent = sent;
  self->to_send = length;
  return FALSE;
}

gsize
tally_socket_get_sent (const TallySocket *self, gsize *length)
{
  *length = self->to_send;
  return self->sent;
}

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
  TallySocket *self = g_object_new (TALLY_TYPE_SOCKET, NULL);

  tally_stream_adopt (&self->stream, fd);
  return self;
}

/**
 * tally_socket_dial:
 * @endpoint: where to
 * @deadline: g_get_monotonic_time () at which it ends; -1 = never
 * @cancellable: (nullable): ends it too
 * @error: return location
 *
 * Resolves @endpoint and connects to the first of its addresses that answers, name lookup included
 * within the deadline. While several addresses are tried at once each takes a descriptor. May be
 * called by any thread; it runs no main context but its own.
 *
 * Returns: (transfer full): a connected socket, or %NULL with %TALLY_ERROR_CONNECT_FAILED,
 *   %TALLY_ERROR_TIMED_OUT, %TALLY_ERROR_NOT_SUPPORTED or %G_IO_ERROR_CANCELLED; messages name the
 *   endpoint and each address that was tried with its reason
 */
TallySocket *
tally_socket_dial (TallyEndpoint *endpoint,
                   gint64 deadline,
                   GCancellable *cancellable,
                   GError **error)
{
  g_return_val_if_fail (endpoint != NULL, NULL);
  return tally_socket_dial_for (endpoint, deadline, cancellable, TALLY_DIAL_TO_KEEP, error);
}

TallySocket *
tally_socket_dial_for (TallyEndpoint *endpoint,
                       gint64 deadline,
                       GCancellable *cancellable,
                       TallyDialManner manner,
                       GError **error)
{
  TallyStream stream;
  TallySocket *self;

  if (!tally_dial (endpoint, deadline, cancellable, manner, &stream, error))
    return NULL;
  tally_glib_begin ();
  self = g_object_new (TALLY_TYPE_SOCKET, NULL);
  tally_glib_end ();
  self->stream = stream;
  return self;
}

/**
 * tally_socket_get_fd:
 * @self: a socket
 *
 * Returns: the descriptor, which stays the socket's; -1 where there is none
 */
gint
tally_socket_get_fd (TallySocket *self)
{
  return tally_stream_get_fd (&self->stream);
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
  self->limits = (TallyStreamLimits){ deadline, cancellable, FALSE };
}

void
tally_socket_set_final_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable)
{
  self->limits = (TallyStreamLimits){ deadline, cancellable, deadline > 0 && cancellable == NULL };
}

TallyStream *
tally_socket_get_stream (TallySocket *self)
{
  return &self->stream;
}

TallyBuffer *
tally_socket_get_output (TallySocket *self)
{
  return &self->output;
}

void
tally_socket_reset (TallySocket *self)
{
  self->limits = (TallyStreamLimits){ .deadline = -1 };
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

gboolean
tally_socket_take_back (TallySocket *self)
{
  if (G_UNLIKELY (tally_socket_available (self) > 0) && tally_socket_get_keeper (self) == NULL)
    return FALSE;
  tally_socket_reset (self);
  return TRUE;
}

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

TallySocketKeeper *
tally_socket_get_keeper (TallySocket *self)
{
  return __atomic_load_n (&self->keeper, __ATOMIC_ACQUIRE);
}

gboolean
tally_socket_holds_nothing (TallySocket *self)
{
  return tally_socket_get_keeper (self) == NULL && tally_socket_available (self) == 0;
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

  if (G_UNLIKELY (keeper != NULL) && !keeper->settle (keeper, self, &expects))
    return FALSE;
  if (expects)
    return TRUE;
  return tally_socket_available (self) == 0
         && tally_stream_look (&self->stream) == TALLY_LOOK_NOTHING;
}

gsize
tally_socket_count_committed (const TallySocket *self)
{
  return tally_stream_count_committed (&self->stream);
}

gboolean
tally_socket_meets_itself (const TallySocket *self)
{
  return tally_stream_meets_itself (&self->stream);
}

gboolean
tally_socket_has_ended (TallySocket *self)
{
  return tally_stream_has_ended (&self->stream);
}

gboolean
tally_socket_has_hung_up (const TallySocket *self)
{
  return tally_stream_has_hung_up (&self->stream);
}

gpointer
tally_socket_add_to_source (const TallySocket *self, GSource *source)
{
  return g_source_add_unix_fd (source, tally_stream_get_fd (&self->stream), 0);
}

guint
tally_socket_get_watch (const TallySocket *self, guint events)
{
  return tally_stream_get_watch (&self->stream, events);
}

gboolean
tally_socket_has_input (const TallySocket *self)
{
  return tally_stream_has_input (&self->stream);
}

void
tally_socket_shut_down (TallySocket *self)
{
  tally_stream_shut_down (&self->stream);
}

/* ---- life ---- */

static void
tally_socket_finalize (GObject *object)
{
  TallySocket *self = TALLY_SOCKET (object);

  if (self->keeper != NULL)
    self->keeper->free (self->keeper);
  tally_stream_close (&self->stream);
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
  self->stream = TALLY_STREAM_CLOSED;
  self->limits.deadline = -1;
}
