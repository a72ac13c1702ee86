/* Owns the laboratory's TCP server; knows nothing of pools. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "tls-relay-socket.h"

static void
start_listening (Server *server)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (server->port),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  gint on = 1;

  server->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setsockopt (server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CU_ASSERT_EQUAL_FATAL (bind (server->listener, (struct sockaddr *) &address, sizeof address), 0);
  CU_ASSERT_EQUAL_FATAL (listen (server->listener, 128), 0);
  getsockname (server->listener, (struct sockaddr *) &address, &length);
  server->port = ntohs (address.sin_port);
  if (tls_relay_is_on ())
    server->outer_port = tls_relay_listen (server->port, server->outer_port);
}

gchar *
server_dup_uri (const Server *server, const gchar *host, const gchar *options)
{
  if (tls_relay_is_on ())
    return tls_relay_dup_uri (host, server->outer_port, options);
  return g_strdup_printf ("tcp://%s:%u%s", host, server->port, options);
}

Server *
server_new (void)
{
  Server *server = g_new0 (Server, 1);
  g_autofree gchar *uri = NULL;

  /* made before there are two threads, because ThreadSanitizer does not see GObject's own care */
  g_type_class_unref (g_type_class_ref (TALLY_TYPE_SOCKET));
  server->connections = g_array_new (FALSE, FALSE, sizeof (gint));
  start_listening (server);
  uri = server_dup_uri (server, "127.0.0.1", "");
  server->endpoint = tally_endpoint_new (uri, NULL);
  return server;
}

void
server_free (Server *server)
{
  server_close_all (server);
  server_stop_listening (server);
  g_array_unref (server->connections);
  tally_endpoint_unref (server->endpoint);
  g_free (server);
}

void
server_stop_listening (Server *server)
{
  if (server->listener >= 0)
    {
      close (server->listener);
      if (tls_relay_is_on ())
        tls_relay_stop_listening (server->outer_port);
    }
  server->listener = -1;
}

void
server_accept (Server *server)
{
  struct pollfd wanted = { .fd = server->listener, .events = POLLIN };
  gint fd;

  CU_ASSERT_EQUAL_FATAL (poll (&wanted, 1, LAB_PATIENCE / 1000), 1);
  fd = accept4 (server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  CU_ASSERT_TRUE_FATAL (fd >= 0);
  g_array_append_val (server->connections, fd);
}

void
server_accept_all (Server *server)
{
  gint fd;

  tls_relay_settle ();
  while ((fd = accept4 (server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
    g_array_append_val (server->connections, fd);
}

void
server_close_all (Server *server)
{
  for (guint i = 0; i < server->connections->len; i++)
    close (g_array_index (server->connections, gint, i));
  g_array_set_size (server->connections, 0);
  tls_relay_settle ();
}

void
server_reset_all (Server *server)
{
  struct linger at_once = { 1, 0 };

  for (guint i = 0; i < server->connections->len; i++)
    setsockopt (g_array_index (server->connections, gint, i), SOL_SOCKET, SO_LINGER, &at_once,
                sizeof at_once);
  server_close_all (server);
}

void
server_restart (Server *server)
{
  server_accept_all (server);
  server_close_all (server);
  server_stop_listening (server);
  start_listening (server);
}

/* Over loopback what was sent is there when send () returns. */
gboolean
server_echoes (Server *server, ThriftTransport *transport)
{
  TallySocket *socket = TALLY_SOCKET (transport);
  gchar byte = 'x';

  tally_buffer_append (tally_socket_get_output (socket), &byte, 1);
  if (!tally_socket_send (socket, NULL))
    return FALSE;
  server_accept_all (server); /* what was sent has passed the relay, too */
  for (guint i = 0; i < server->connections->len; i++)
    {
      gint fd = g_array_index (server->connections, gint, i);

      if (recv (fd, &byte, 1, MSG_DONTWAIT) == 1)
        CU_ASSERT_EQUAL (send (fd, &byte, 1, MSG_NOSIGNAL), 1);
    }
  if (!tally_socket_fill (socket, 1, NULL))
    return FALSE;
  tally_socket_consume (socket, 1);
  return TRUE;
}
