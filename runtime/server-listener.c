/* The server's listening sockets: owns their descriptors and a Unix socket's file. It knows no
 * connection and no thread. */
#include "server-private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un local;
  struct sockaddr_storage storage;
} Address;

static gboolean
fail (GError **error, const gchar *uri, const gchar *step, gint number)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "cannot listen at %s: %s: %s", uri, step,
               g_strerror (number));
  errno = number;
  return FALSE;
}

static void
set_option (gint fd, gint level, gint option, gint value)
{
  (void) setsockopt (fd, level, option, &value, sizeof value);
}

/* Options that accepted connections inherit are set here, once. */
static void
set_options (gint fd, const Address *address)
{
  if (address->any.sa_family == AF_UNIX)
    return;
  set_option (fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option (fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option (fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (address->any.sa_family
      == AF_INET6) /* [::] is every address of both families, ::1 only itself */
    set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, !IN6_IS_ADDR_UNSPECIFIED (&address->v6.sin6_addr));
}

/* Whether @address is the file of a Unix socket at which nobody listens any more. */
static gboolean
is_stale (const Address *address, socklen_t length)
{
  struct stat status;
  gint fd;
  gboolean refused;

  if (address->any.sa_family != AF_UNIX || address->local.sun_path[0] == '\0'
      || lstat (address->local.sun_path, &status) != 0 || !S_ISSOCK (status.st_mode))
    return FALSE;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  refused = connect (fd, &address->any, length) != 0 && errno == ECONNREFUSED;
  close (fd);
  return refused;
}

static void
remember_file (ServerListener *self, const Address *address)
{
  struct stat status;

  if (address->any.sa_family != AF_UNIX || address->local.sun_path[0] == '\0'
      || lstat (address->local.sun_path, &status) != 0)
    return;
  self->path = g_strdup (address->local.sun_path);
  self->device = status.st_dev;
  self->inode = status.st_ino;
}

static gboolean
bind_address (gint fd, const Address *address, socklen_t length)
{
  if (bind (fd, &address->any, length) == 0)
    return TRUE;
  if (errno != EADDRINUSE)
    return FALSE;
  if (!is_stale (address, length))
    {
      errno = EADDRINUSE;
      return FALSE;
    }
  return unlink (address->local.sun_path) == 0 && bind (fd, &address->any, length) == 0;
}

static guint16 *
port_of (Address *address)
{
  return address->any.sa_family == AF_INET    ? &address->v4.sin_port
         : address->any.sa_family == AF_INET6 ? &address->v6.sin6_port
                                              : NULL;
}

static gboolean
listen_at (
    ServerListener *self, Address *address, socklen_t length, const gchar *uri, GError **error)
{
  gint fd = socket (address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  guint16 *port = port_of (address);

  if (fd < 0)
    return fail (error, uri, "socket", errno);
  set_options (fd, address);
  /* A name with several addresses and port 0 gets one port on all of them. */
  if (port != NULL && *port == 0 && self->port != 0)
    *port = g_htons (self->port);
  if (!bind_address (fd, address, length) || listen (fd, BACKLOG) != 0)
    {
      gint number = errno;

      close (fd);
      return fail (error, uri, "bind", number);
    }
  remember_file (self, address);
  if (port != NULL && getsockname (fd, &address->any, &length) == 0)
    self->port = g_ntohs (*port);
  self->fds[self->n_fds++] = fd;
  return TRUE;
}

/* A host without the one family is no failure as long as the other listens; an address that
 * somebody else has is one, or half of the peers would reach the wrong server. */
static gboolean
is_fatal (gint number)
{
  return number == EADDRINUSE || number == EACCES;
}

static gboolean
listen_at_each (ServerListener *self,
                GSocketAddressEnumerator *enumerator,
                const gchar *uri,
                GError **error)
{
  g_autoptr (GError) first_error = NULL;

  while (self->n_fds < TALLY_SERVER_MAX_LISTENERS)
    {
      g_autoptr (GSocketAddress) found = NULL;
      g_autoptr (GError) failed = NULL;
      Address address = { 0 };
      gboolean fatal = FALSE;
      gssize length;

      found = g_socket_address_enumerator_next (enumerator, NULL, &failed);
      if (found != NULL)
        {
          length = g_socket_address_get_native_size (found);
          if (length <= (gssize) sizeof address
              && g_socket_address_to_native (found, &address, sizeof address, &failed))
            fatal = !listen_at (self, &address, length, uri, &failed) && is_fatal (errno);
        }
      if (fatal)
        {
          server_listener_close (self);
          g_propagate_error (error, g_steal_pointer (&failed));
          return FALSE;
        }
      if (failed != NULL && first_error == NULL)
        first_error = g_steal_pointer (&failed);
      if (found == NULL)
        break;
    }
  if (self->n_fds > 0)
    return TRUE;
  if (first_error == NULL)
    g_set_error (&first_error, TALLY_ERROR, TALLY_ERROR_FAILED,
                 "cannot listen at %s: it has no address", uri);
  g_propagate_error (error, g_steal_pointer (&first_error));
  return FALSE;
}

gboolean
server_listener_open (ServerListener *self, TallyEndpoint *endpoint, GError **error)
{
  g_autoptr (GSocketAddressEnumerator) enumerator = NULL;

  memset (self, 0, sizeof *self);
  self->spare_fd = -1;
  enumerator = g_socket_connectable_enumerate (tally_endpoint_get_connectable (endpoint));
  if (!listen_at_each (self, enumerator, tally_endpoint_get_uri (endpoint), error))
    return FALSE;
  self->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  return TRUE;
}

/* Removes the file only if it is the one made here: another server may have its own there. */
static void
remove_file (ServerListener *self)
{
  struct stat status;

  if (self->path != NULL && lstat (self->path, &status) == 0 && status.st_dev == self->device
      && status.st_ino == self->inode)
    unlink (self->path);
  g_clear_pointer (&self->path, g_free);
}

void
server_listener_close (ServerListener *self)
{
  remove_file (self);
  for (guint i = 0; i < self->n_fds; i++)
    close (self->fds[i]);
  self->n_fds = 0;
  if (self->spare_fd >= 0)
    close (self->spare_fd);
  self->spare_fd = -1;
}

gint
server_listener_accept (ServerListener *self, guint index)
{
  gint fd = accept4 (self->fds[index], NULL, NULL, SOCK_CLOEXEC);
  gint refused;

  if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
    return fd;
  /* Left alone the peer would wait for ever and the listener would stay readable for ever. */
  if (self->spare_fd >= 0)
    close (self->spare_fd);
  refused = accept4 (self->fds[index], NULL, NULL, SOCK_CLOEXEC);
  if (refused >= 0)
    close (refused);
  self->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  errno = refused >= 0 ? EMFILE : ENFILE;
  return -1;
}
