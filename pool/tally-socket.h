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
/**
 * TallySocket:
 *
 * A connected socket as a ThriftTransport, with one input and one output buffer, a deadline and a
 * cancellable. One thread uses a socket at a time.
 */
typedef struct _TallySocket TallySocket;
TALLY_API GType tally_socket_get_type (void);

TALLY_API TallySocket *tally_socket_new_from_fd (gint fd);

TALLY_API TallySocket *tally_socket_dial (TallyEndpoint *endpoint,
                                          gint64 deadline,
                                          GCancellable *cancellable,
                                          GError **error);

TALLY_API gint tally_socket_get_fd (TallySocket *self);

TALLY_API void
tally_socket_set_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable);

TALLY_API gboolean tally_socket_is_clean (TallySocket *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallySocket, g_object_unref)

G_END_DECLS

#endif /* TALLY_SOCKET_H */
