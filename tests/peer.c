/* Owns peers that tests script; knows sockets and threads, nothing of Thrift. */
#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls-relay.h"

struct _TestPeer
{
  TestPeerScript script;
  gpointer user_data;
  gint listener;
  gint stop_fd;
  guint16 port;
  guint16 outer_port; /* over TLS */
  GThread *thread;

  GMutex lock;
  GCond changed;
  GPtrArray *connections; /* of Connection; protected by lock */
  guint finished;         /* protected by lock */
};

typedef struct
{
  TestPeer *peer;
  guint index;
  gint fd; /* -1 once closed; protected by peer->lock */
  GThread *thread;
} Connection;

static gpointer
run_connection (gpointer data)
{
  Connection *connection = data;
  TestPeer *peer = connection->peer;

  peer->script (connection->fd, connection->index, peer->user_data);
  g_mutex_lock (&peer->lock);
  close (connection->fd);
  connection->fd = -1;
  tls_relay_settle ();
  peer->finished++;
  g_cond_broadcast (&peer->changed);
  g_mutex_unlock (&peer->lock);
  return NULL;
}

static gpointer
run_listener (gpointer data)
{
  TestPeer *peer = data;

  for (;;)
    {
      struct pollfd fds[] = { { .fd = peer->listener, .events = POLLIN },
                              { .fd = peer->stop_fd, .events = POLLIN } };
      Connection *connection;
      gint fd;

      if (poll (fds, 2, -1) < 0)
        continue;
      if (fds[1].revents != 0)
        return NULL;
      fd = accept4 (peer->listener, NULL, NULL, SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      connection = g_new0 (Connection, 1);
      connection->peer = peer;
      connection->fd = fd;
      g_mutex_lock (&peer->lock);
      connection->index = peer->connections->len;
      g_ptr_array_add (peer->connections, connection);
      connection->thread = g_thread_new ("peer-script", run_connection, connection);
      g_mutex_unlock (&peer->lock);
    }
}

TestPeer *
test_peer_start (TestPeerScript script, gpointer user_data)
{
  TestPeer *peer = g_new0 (TestPeer, 1);

  peer->script = script;
  peer->user_data = user_data;
  peer->listener = test_listen (&peer->port, 128);
  if (tls_relay_is_on ())
    peer->outer_port = tls_relay_listen (peer->port, 0);
  peer->stop_fd = eventfd (0, EFD_CLOEXEC);
  g_mutex_init (&peer->lock);
  g_cond_init (&peer->changed);
  peer->connections = g_ptr_array_new_with_free_func (g_free);
  peer->thread = g_thread_new ("peer", run_listener, peer);
  return peer;
}

gchar *
test_peer_dup_uri (TestPeer *peer, const gchar *options)
{
  if (tls_relay_is_on ())
    return tls_relay_dup_uri ("127.0.0.1", peer->outer_port, options);
  return g_strdup_printf ("tcp://127.0.0.1:%u%s", peer->port, options);
}

guint16
test_peer_get_port (TestPeer *peer)
{
  return peer->port;
}

guint
test_peer_get_accepted (TestPeer *peer)
{
  guint accepted;

  g_mutex_lock (&peer->lock);
  accepted = peer->connections->len;
  g_mutex_unlock (&peer->lock);
  return accepted;
}

void
test_peer_await_finished (TestPeer *peer, guint n)
{
  g_mutex_lock (&peer->lock);
  while (peer->finished < n)
    g_cond_wait (&peer->changed, &peer->lock);
  g_mutex_unlock (&peer->lock);
}

void
test_peer_stop (TestPeer *peer)
{
  guint i;

  eventfd_write (peer->stop_fd, 1);
  g_thread_join (peer->thread);
  g_mutex_lock (&peer->lock);
  for (i = 0; i < peer->connections->len; i++)
    {
      Connection *connection = g_ptr_array_index (peer->connections, i);

      if (connection->fd >= 0)
        shutdown (connection->fd, SHUT_RDWR);
    }
  g_mutex_unlock (&peer->lock);
  for (i = 0; i < peer->connections->len; i++)
    g_thread_join (((Connection *) g_ptr_array_index (peer->connections, i))->thread);
  g_ptr_array_unref (peer->connections);
  close (peer->listener);
  if (tls_relay_is_on ())
    tls_relay_stop_listening (peer->outer_port);
  close (peer->stop_fd);
  g_mutex_clear (&peer->lock);
  g_cond_clear (&peer->changed);
  g_free (peer);
}

static gint
bind_anywhere (gboolean is_shared, guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &is_shared, sizeof is_shared);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) != 0
      || getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    g_error ("no loopback port: %s", g_strerror (errno));
  *port = ntohs (address.sin_port);
  return fd;
}

gint
test_listen (guint16 *port, gint backlog)
{
  gint fd = bind_anywhere (FALSE, port);

  if (listen (fd, backlog) != 0)
    g_error ("no loopback port: %s", g_strerror (errno));
  return fd;
}

gint
test_reserve_port (guint16 *port)
{
  return bind_anywhere (TRUE, port);
}

gboolean
test_read_exact (gint fd, gpointer bytes, gsize length)
{
  gsize have = 0;

  while (have < length)
    {
      gssize n = recv (fd, (guint8 *) bytes + have, length - have, 0);

      if (n <= 0 && !(n < 0 && errno == EINTR))
        return FALSE;
      have += MAX (n, 0);
    }
  return TRUE;
}

gboolean
test_write_all (gint fd, gconstpointer bytes, gsize length)
{
  gsize sent = 0;

  while (sent < length)
    {
      gssize n = send (fd, (const guint8 *) bytes + sent, length - sent, MSG_NOSIGNAL);

      if (n < 0 && errno != EINTR)
        return FALSE;
      sent += MAX (n, 0);
    }
  tls_relay_settle ();
  return TRUE;
}

void
test_reset (gint fd)
{
  struct linger hard = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}
