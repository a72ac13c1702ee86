/* What is wrong with a peer's certificate, in words. */
#ifndef TALLY_TLS_FAULT_PRIVATE_H
#define TALLY_TLS_FAULT_PRIVATE_H

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is wrong with the certificate that the peer of @connection has sent, of whose handshake GIO has
 * said the rest. @ignored: the faults that do not count; @identity (nullable): the name that it should
 * have. (transfer full) (nullable): NULL when there is no certificate, or nothing is wrong with it. */
gchar *tally_tls_find_fault (GTlsConnection *connection,
                             GTlsCertificateFlags ignored,
                             const gchar *identity);

G_END_DECLS

#endif /* TALLY_TLS_FAULT_PRIVATE_H */
