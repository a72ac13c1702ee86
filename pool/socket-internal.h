/* What calls may do with a socket beyond its public interface. */
#ifndef TALLY_SOCKET_INTERNAL_H
#define TALLY_SOCKET_INTERNAL_H

#include "tally-socket.h"

G_BEGIN_DECLS

/* As tally_socket_send (), for a caller that says itself what was sent: on failure, @sent of @length
 * bytes have reached the kernel, and @error does not say so. */
gboolean tally_socket_send_counted (TallySocket *self, gsize *sent, gsize *length, GError **error);

/* Whether the peer has announced its end, with FIN or RST, even if there is input before it. One
 * system call that does not block. */
gboolean tally_socket_has_ended (TallySocket *self);

G_END_DECLS

#endif /* TALLY_SOCKET_INTERNAL_H */
