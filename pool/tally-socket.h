/* A connected socket as a ThriftTransport, with a deadline and a cancellable. One thread uses it at a time. */
#ifndef TALLY_SOCKET_H
#define TALLY_SOCKET_H

#include <gio/gio.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "tally-endpoint.h"

G_BEGIN_DECLS

#define TALLY_TYPE_SOCKET (tally_socket_get_type ())
#define TALLY_SOCKET(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_SOCKET, TallySocket))
#define TALLY_IS_SOCKET(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_SOCKET))
typedef struct _TallySocket TallySocket;
TALLY_API GType tally_socket_get_type (void);

/* Takes ownership of a connected stream socket's descriptor. Sets TCP_NODELAY where it applies. */
TALLY_API TallySocket *tally_socket_new_from_fd (gint fd);

/* Resolves @endpoint and connects, trying its addresses in turn. Fails with
 * %TALLY_ERROR_CONNECT_FAILED, %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED, naming the
 * endpoint. */
TALLY_API TallySocket *tally_socket_dial (TallyEndpoint *endpoint,
                                          gint64 deadline,
                                          GCancellable *cancellable,
                                          GError **error);

TALLY_API gint tally_socket_get_fd (TallySocket *self);

/* From now on every operation that blocks ends at @deadline (g_get_monotonic_time(); -1 = never)
 * with %TALLY_ERROR_TIMED_OUT, or when @cancellable (borrowed, nullable) is cancelled. */
TALLY_API void
tally_socket_set_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable);

/* Whether the connection may be handed out: no unconsumed input, none waiting in the kernel, no
 * FIN, no RST. One system call (MSG_PEEK), never blocks. */
TALLY_API gboolean tally_socket_is_clean (TallySocket *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallySocket, g_object_unref)

G_END_DECLS

#endif /* TALLY_SOCKET_H */
