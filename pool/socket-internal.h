/* What calls may do with a socket beyond its public interface. */
#ifndef TALLY_SOCKET_INTERNAL_H
#define TALLY_SOCKET_INTERNAL_H

#include "tally-socket.h"

G_BEGIN_DECLS

/* As tally_socket_send (), for a caller that says itself what was sent: @error does not. */
gboolean tally_socket_send_counted (TallySocket *self, GError **error);

/* Right after that has failed: how many of @length bytes have reached the kernel. */
gsize tally_socket_get_sent (const TallySocket *self, gsize *length);

/* How many of the bytes that the last send did not take can have gone nevertheless: they must be sent next.
 * Any thread may ask. */
gsize tally_socket_count_committed (const TallySocket *self);

/* Whether the peer has announced its end, with FIN or RST, even if there is input before it. One
 * system call that does not block. */
gboolean tally_socket_has_ended (TallySocket *self);

/* Ends the connection in both directions, and wakes a thread that uses it. Any thread may do so. */
void tally_socket_shut_down (TallySocket *self);

G_END_DECLS

#endif /* TALLY_SOCKET_INTERNAL_H */
