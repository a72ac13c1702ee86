/* Lets a test program, which scripts its peers on plain sockets, speak to them over TLS: a thread of it stands between
 * each of Tally's connections, the outer one, and the script's, the inner one. What ends or resets one of them ends or
 * resets the other. It is OpenSSL's TLS. Knows nothing of what the bytes mean.
 *
 * TALLY_TEST_TLS switches it on for a whole program. The functions but the first want it to be on. */
#ifndef TESTS_TLS_RELAY_H
#define TESTS_TLS_RELAY_H

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean tls_relay_is_on (void);

/* ---- peers of clients ---- */

/* The port, @outer_port or, if that is 0, any free one, whose connections go on to @port. */
guint16 tls_relay_listen (guint16 port, guint16 outer_port);
/* A port for one connection, to whose other end @fd, which it takes, is the inner one. */
guint16 tls_relay_listen_once (gint fd);
/* Nothing more is accepted there. */
void tls_relay_stop_listening (guint16 outer_port);
/* `tls://HOST:PORT` with @options ("", or from "?" on) and the authority. (transfer full) */
gchar *tls_relay_dup_uri (const gchar *host, guint16 outer_port, const gchar *options);

/* How many of the handshakes with clients have resumed a session, since the program began. */
guint tls_relay_count_resumed (void);

/* ---- peers of servers ---- */

/* The file of a server's certificate and its key. */
const gchar *tls_relay_get_file (void);
/* Takes @fd, which is connected to a server: the inner connection. Blocks. */
gint tls_relay_connect (gint fd);

/* ---- both ---- */

/* All that was sent, ended or reset until now has passed, or cannot pass. Does nothing where it is off. */
void tls_relay_settle (void);

G_END_DECLS

#endif /* TESTS_TLS_RELAY_H */
