/* Tally's end of connections of the relay's. */
#ifndef TESTS_TLS_RELAY_SOCKET_H
#define TESTS_TLS_RELAY_SOCKET_H

#include "tally-pool.h"
#include "tally-socket.h"
#include "tls-relay.h"

G_BEGIN_DECLS

/* As tally_socket_new_from_fd (), but over TLS where the relay is on. (transfer full) */
TallySocket *tls_relay_adopt (gint fd);
/* As tally_pool_new (); where the relay is on a dial may take minutes: a handshake takes long on a busy machine. */
TallyPool *tls_relay_new_pool (void);
/* Where it is on, reports the running test as skipped and is TRUE. */
gboolean tls_relay_skips (const gchar *reason);

G_END_DECLS

#endif /* TESTS_TLS_RELAY_SOCKET_H */
