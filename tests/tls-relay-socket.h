/* Tally's end of a connection of the relay's. */
#ifndef TESTS_TLS_RELAY_SOCKET_H
#define TESTS_TLS_RELAY_SOCKET_H

#include "tally-socket.h"
#include "tls-relay.h"

G_BEGIN_DECLS

/* As tally_socket_new_from_fd (), but over TLS where the relay is on. (transfer full) */
TallySocket *tls_relay_adopt (gint fd);
/* Where it is on, reports the running test as skipped and is TRUE. */
gboolean tls_relay_skips (const gchar *reason);

G_END_DECLS

#endif /* TESTS_TLS_RELAY_SOCKET_H */
