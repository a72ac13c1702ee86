/* Owns the making of sockets, and of pools of them, to the relay. */
#include "tls-relay-socket.h"

#include "harness.h"

TallySocket *
tls_relay_adopt (gint fd)
{
  g_autoptr (TallyEndpoint) endpoint = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  TallySocket *socket;
  guint16 port;

  if (!tls_relay_is_on ())
    return tally_socket_new_from_fd (fd);
  port = tls_relay_listen_once (fd);
  uri = tls_relay_dup_uri ("127.0.0.1", port, "");
  endpoint = tally_endpoint_new (uri, NULL);
  socket = tally_socket_dial (endpoint, -1, NULL, &error);
  if (socket == NULL)
    g_error ("no TLS to the relay: %s", error->message);
  tls_relay_stop_listening (port);
  return socket;
}

TallyPool *
tls_relay_new_pool (void)
{
  TallyPool *pool = tally_pool_new ();

  if (tls_relay_is_on ())
    g_object_set (pool, "connect-timeout", 600000, NULL);
  return pool;
}

gboolean
tls_relay_skips (const gchar *reason)
{
  if (tls_relay_is_on ())
    test_skip (reason);
  return tls_relay_is_on ();
}
