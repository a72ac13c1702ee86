/* A peer on a loopback port of its own: accepts, counts, and runs a script in a thread for each
 * connection. Scripts block; test_peer_stop () ends them by shutting their sockets down. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <gio/gio.h>

typedef struct _TestPeer TestPeer;

/* @index counts the connections from 0. The descriptor is closed when the script returns. */
typedef void (*TestPeerScript) (gint fd, guint index, gpointer user_data);

TestPeer *test_peer_start (TestPeerScript script, gpointer user_data);
/* As `tcp://127.0.0.1:port`, or `tls://`, followed by @options. (transfer full) */
gchar *test_peer_dup_uri (TestPeer *peer, const gchar *options);
/* Without TLS. */
guint16 test_peer_get_port (TestPeer *peer);
guint test_peer_get_accepted (TestPeer *peer);
/* Waits until the scripts of @n connections have returned. */
void test_peer_await_finished (TestPeer *peer, guint n);
void test_peer_stop (TestPeer *peer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPeer, test_peer_stop)

/* A listening socket on a free loopback port. */
gint test_listen (guint16 *port, gint backlog);
/* A socket at a free loopback port that nothing else gets, and at which servers may listen nevertheless, one after the
 * other; between them a connection to it is refused. */
gint test_reserve_port (guint16 *port);
/* Blocking; FALSE at end of stream or on any error. */
gboolean test_read_exact (gint fd, gpointer bytes, gsize length);
gboolean test_write_all (gint fd, gconstpointer bytes, gsize length);
/* Lets the close that follows send RST rather than FIN. */
void test_reset (gint fd);

#endif /* TESTS_PEER_H */
