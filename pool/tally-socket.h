/* A connected socket as a ThriftTransport, with one input and one output buffer, a deadline and a
 * cancellable. The codec works directly in its buffers; Apache's protocols use it through the
 * ThriftTransport functions. One thread uses a socket at a time, but that one may receive while
 * another sends with tally_socket_send_bytes(). */
#ifndef TALLY_SOCKET_H
#define TALLY_SOCKET_H

#include <gio/gio.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "tally-endpoint.h"

G_BEGIN_DECLS

/**
 * TallyBuffer:
 * @data: (nullable): the bytes.
 * @length: how many of them are meaningful.
 * @capacity: how many are allocated.
 *
 * A growable run of bytes in contiguous memory. All zero is an empty buffer.
 */
typedef struct
{
  guint8 *data;
  gsize length;
  gsize capacity;
} TallyBuffer;

TALLY_API void tally_buffer_clear (TallyBuffer *buffer);
TALLY_API void tally_buffer_grow (TallyBuffer *buffer, gsize extra);
/* Makes room for @extra bytes after @length, so that they may be written there directly; aborts
 * only when memory is gone, as GLib does. */
static inline void
tally_buffer_reserve (TallyBuffer *buffer, gsize extra)
{
  if (G_UNLIKELY (extra > buffer->capacity - buffer->length))
    tally_buffer_grow (buffer, extra);
}
TALLY_API void tally_buffer_append (TallyBuffer *buffer, gconstpointer bytes, gsize length);

#define TALLY_TYPE_SOCKET (tally_socket_get_type ())
#define TALLY_SOCKET(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_SOCKET, TallySocket))
#define TALLY_IS_SOCKET(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_SOCKET))
typedef struct _TallySocket TallySocket;
TALLY_API GType tally_socket_get_type (void);

/**
 * TallySocketKeeper:
 * @settle: asked by tally_socket_is_clean(), while nobody uses the socket, to take without blocking
 *   what has arrived and was expected; sets @expects when more is. %FALSE when something else has
 *   arrived, or the connection has ended.
 * @free: called when the socket is finalized.
 *
 * What receives on a socket for several users, and so knows what may still arrive for them after
 * they have left. Begins a struct of its user's.
 */
typedef struct _TallySocketKeeper TallySocketKeeper;
struct _TallySocketKeeper
{
  gboolean (*settle) (TallySocketKeeper *keeper, TallySocket *socket, gboolean *expects);
  void (*free) (TallySocketKeeper *keeper);
};

/* Takes ownership of a connected stream socket's descriptor. Sets TCP_NODELAY where it applies. */
TALLY_API TallySocket *tally_socket_new_from_fd (gint fd);

/* Resolves @endpoint and connects, trying its addresses in turn. Fails with
 * %TALLY_ERROR_CONNECT_FAILED, %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED, naming the
 * endpoint. */
TALLY_API TallySocket *tally_socket_dial (TallyEndpoint *endpoint,
                                          gint64 deadline,
                                          GCancellable *cancellable,
                                          GError **error);

/* Takes back what its user set: limits, unsent output, memory that a large message took (rule
 * 23). */
TALLY_API void tally_socket_reset (TallySocket *self);

TALLY_API gint tally_socket_get_fd (TallySocket *self);

/* From now on every operation that blocks ends at @deadline (g_get_monotonic_time(); -1 = never)
 * with %TALLY_ERROR_TIMED_OUT, or when @cancellable (borrowed, nullable) is cancelled. */
TALLY_API void
tally_socket_set_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable);

/* As tally_socket_set_limits(), by a caller that will not use the connection after @deadline: it
 * may then be shut down. */
TALLY_API void
tally_socket_set_final_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable);

/* (transfer none): what the next tally_socket_send() sends. */
TALLY_API TallyBuffer *tally_socket_get_output (TallySocket *self);
/* Sends the whole output buffer and empties it. On failure %TALLY_ERROR_NOT_SENT when no byte
 * reached the kernel, %TALLY_ERROR_CONNECTION_LOST or %TALLY_ERROR_TIMED_OUT otherwise. */
TALLY_API gboolean tally_socket_send (TallySocket *self, GError **error);
/* Sends of @bytes, past that buffer, as many as the kernel takes at once; @sent says how many. One
 * thread may do so while another receives. */
TALLY_API gboolean tally_socket_send_bytes (
    TallySocket *self, gconstpointer bytes, gsize length, gsize *sent, GError **error);
/* Waits, under limits of its own, until the kernel takes more, or (@or_input) for input. */
TALLY_API gboolean tally_socket_await_room (TallySocket *self,
                                            gboolean or_input,
                                            gint64 deadline,
                                            GCancellable *cancellable,
                                            gboolean *has_input,
                                            GError **error);

/* The bytes received and not yet consumed; valid until the next fill or consume. */
TALLY_API const guint8 *tally_socket_peek_input (TallySocket *self, gsize *length);
/* Blocks until at least @need unconsumed bytes are in the input buffer. End of stream is
 * %TALLY_ERROR_CONNECTION_LOST and says how many bytes were missing. Memory grows with what
 * arrived, not with @need. */
TALLY_API gboolean tally_socket_fill (TallySocket *self, gsize need, GError **error);
TALLY_API void tally_socket_consume (TallySocket *self, gsize length);

/* Gives the socket a keeper (transfer full) unless it has one, and returns the one that it has
 * then. */
TALLY_API TallySocketKeeper *tally_socket_keep (TallySocket *self, TallySocketKeeper *keeper);
TALLY_API TallySocketKeeper *tally_socket_get_keeper (TallySocket *self);

/* Whether the connection may be handed out: no unconsumed input, none waiting in the kernel, no
 * FIN, no RST. One system call (MSG_PEEK), never blocks. */
TALLY_API gboolean tally_socket_is_clean (TallySocket *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallySocket, g_object_unref)

G_END_DECLS

#endif /* TALLY_SOCKET_H */
