/* The server's listening sockets: owns their descriptors. It knows no connection and no thread. */
#include "server-listener-private.h"
#include "server-path-internal.h"
#include "tally-error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How often the kernel may choose a port that then is not free on every address. */
#define MAX_CHOICES 100

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un local;
  struct sockaddr_storage storage;
} ListenAddress;

typedef struct
{
  ListenAddress address;
  socklen_t length;
} Resolved;

static gboolean
fail_to_listen (GError **error, const gchar *uri, const gchar *step, gint number)
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
set_options (gint fd, const ListenAddress *address)
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

static guint16 *
port_of (ListenAddress *address)
{
  return address->any.sa_family == AF_INET    ? &address->v4.sin_port
         : address->any.sa_family == AF_INET6 ? &address->v6.sin6_port
                                              : NULL;
}

static gboolean
is_path (const ListenAddress *address)
{
  return address->any.sa_family == AF_UNIX && address->local.sun_path[0] != '\0';
}

/* FALSE with errno. */
static gboolean
bind_and_listen (ServerListener *self, gint fd, const Resolved *resolved)
{
  if (!is_path (&resolved->address))
    return bind (fd, &resolved->address.any, resolved->length) == 0
           && listen (fd, TALLY_SERVER_BACKLOG) == 0;
  if (!server_path_listen (fd, resolved->address.local.sun_path, TALLY_SERVER_BACKLOG,
                           &self->device, &self->inode))
    return FALSE;
  self->path = g_strdup (resolved->address.local.sun_path);
  return TRUE;
}

/* FALSE with errno. */
static gboolean
listen_at (ServerListener *self, Resolved resolved, const gchar *uri, GError **error)
{
  gint fd = socket (resolved.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  guint16 *port = port_of (&resolved.address);

  if (fd < 0)
    return fail_to_listen (error, uri, "socket", errno);
  set_options (fd, &resolved.address);
  /* A name with several addresses and port 0 gets one port on all of them. */
  if (port != NULL && *port == 0 && self->port != 0)
    *port = g_htons (self->port);
  if (!bind_and_listen (self, fd, &resolved))
    {
      gint number = errno;
      const gchar *words = server_path_describe (number);

      close (fd);
      return fail_to_listen (error, uri, words != NULL ? words : "bind", number);
    }
  if (port != NULL && getsockname (fd, &resolved.address.any, &resolved.length) == 0)
    self->port = g_ntohs (*port);
  self->fds[self->n_fds++] = fd;
  return TRUE;
}

/* A child process has the socket and not the path: its parent serves there. */
static void
give_up_path (ServerListener *self)
{
  if (self->path != NULL && self->pid == getpid ())
    server_path_remove (self->path, self->device, self->inode);
  g_clear_pointer (&self->path, g_free);
}

static void
close_sockets (ServerListener *self)
{
  give_up_path (self);
  for (guint i = 0; i < self->n_fds; i++)
    close (self->fds[i]);
  self->n_fds = 0;
  self->port = 0;
  g_clear_object (&self->adopted_address);
}

/* A host may lack one family as long as it listens on the other. An address that another program
 * has is a failure, or half of the peers would reach the wrong server. */
static gboolean
is_fatal (gint number)
{
  return number == EADDRINUSE || number == EACCES || number == EWOULDBLOCK || number == ENOLCK;
}

/* Listens at all of @addresses, from the one with number @first on. FALSE with errno, and nothing
 * listens. */
static gboolean
listen_at_all (
    ServerListener *self, const GArray *addresses, guint first, const gchar *uri, GError **error)
{
  g_autoptr (GError) first_error = NULL;
  gint number = 0;

  for (guint i = 0; i < addresses->len && !is_fatal (number); i++)
    {
      g_autoptr (GError) failed = NULL;
      guint index = (first + i) % addresses->len;

      if (listen_at (self, g_array_index (addresses, Resolved, index), uri, &failed))
        continue;
      number = errno;
      if (first_error == NULL || is_fatal (number))
        {
          g_clear_error (&first_error);
          first_error = g_steal_pointer (&failed);
        }
    }
  if (self->n_fds > 0 && !is_fatal (number))
    return TRUE;
  close_sockets (self);
  g_propagate_error (error, g_steal_pointer (&first_error));
  errno = number;
  return FALSE;
}

/* The addresses of @endpoint, at least one. NULL: it has none. (transfer full) */
static GArray *
resolve (TallyEndpoint *endpoint, GError **error)
{
  g_autoptr (GSocketAddressEnumerator) enumerator =
      g_socket_connectable_enumerate (tally_endpoint_get_connectable (endpoint));
  g_autoptr (GArray) addresses = g_array_new (FALSE, TRUE, sizeof (Resolved));
  g_autoptr (GError) first_error = NULL;

  while (addresses->len < TALLY_SERVER_MAX_LISTENERS)
    {
      g_autoptr (GError) failed = NULL;
      g_autoptr (GSocketAddress) found =
          g_socket_address_enumerator_next (enumerator, NULL, &failed);
      gssize length = found != NULL ? g_socket_address_get_native_size (found) : 0;
      Resolved resolved = { .length = length };

      if (found != NULL && length <= (gssize) sizeof resolved.address
          && g_socket_address_to_native (found, &resolved.address, sizeof resolved.address,
                                         &failed))
        g_array_append_val (addresses, resolved);
      if (failed != NULL && first_error == NULL)
        first_error = g_steal_pointer (&failed);
      if (found == NULL)
        break;
    }
  if (addresses->len > 0)
    return g_steal_pointer (&addresses);
  if (first_error == NULL)
    g_set_error (&first_error, TALLY_ERROR, TALLY_ERROR_FAILED,
                 "cannot listen at %s: it has no address", tally_endpoint_get_uri (endpoint));
  g_propagate_error (error, g_steal_pointer (&first_error));
  return NULL;
}

/* Where the kernel chooses the port for the first address, another may have it on the next one. Then
 * it chooses again, each time for another address first: one of them may have few ports left. */
static gboolean
may_choose_again (const GArray *addresses, gint number)
{
  ListenAddress first = g_array_index (addresses, Resolved, 0).address;
  const guint16 *port = port_of (&first);

  return number == EADDRINUSE && addresses->len > 1 && port != NULL && *port == 0;
}

gboolean
server_listener_open (ServerListener *self, TallyEndpoint *endpoint, GError **error)
{
  const gchar *uri = tally_endpoint_get_uri (endpoint);
  g_autoptr (GArray) addresses = resolve (endpoint, error);
  guint attempt = 0;

  memset (self, 0, sizeof *self);
  self->spare_fd = -1;
  self->pid = getpid ();
  self->is_local = tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_UNIX;
  if (addresses == NULL)
    return FALSE;
  while (!listen_at_all (self, addresses, attempt, uri, error))
    {
      if (!may_choose_again (addresses, errno) || ++attempt == MAX_CHOICES)
        return FALSE;
      g_clear_error (error);
    }
  self->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  return TRUE;
}

/* From now on the kernel drops each segment that begins a connection, which its peer repeats a second later; handshakes that
 * have begun go on. A listener that is merely closed resets what has connected since it was last asked, and a call that was
 * sent there would be lost. */
static void
let_nobody_connect (gint fd)
{
  const guint flags_offset = 13;
  const guint syn = 0x02;
  const guint ack = 0x10;
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, flags_offset),
    BPF_STMT (BPF_ALU | BPF_AND | BPF_K, syn | ack),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, 0),
    BPF_STMT (BPF_RET | BPF_K, G_MAXUINT32),
  };
  const struct sock_fprog program = { G_N_ELEMENTS (code), code };

  (void) setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* ---- sockets of somebody else's ---- */

static gint
get_option (gint fd, gint option)
{
  gint value = 0;
  socklen_t length = sizeof value;

  return getsockopt (fd, SOL_SOCKET, option, &value, &length) == 0 ? value : 0;
}

/* Why @fd cannot be listened on; NULL: it can, at @found. */
static const gchar *
find_fault (const ServerListener *self, gint fd, Resolved *found)
{
  ListenAddress *address = &found->address;

  *found = (Resolved){ .length = sizeof *address };
  if (getsockname (fd, &address->any, &found->length) != 0)
    return errno == EBADF ? "it is not open" : "it is no socket";
  if (get_option (fd, SO_TYPE) != SOCK_STREAM || get_option (fd, SO_ACCEPTCONN) == 0)
    return "it is no stream socket that listens";
  if (self->is_local)
    return address->any.sa_family == AF_UNIX ? NULL : "it is no Unix socket";
  if (port_of (address) != NULL)
    return NULL;
  return address->any.sa_family == AF_UNIX ? "it is a Unix socket" : "it is no socket of TCP";
}

/* A host's name says more than the address of a socket that listens there, or anywhere. */
static void
note_first_address (ServerListener *self, TallyEndpoint *endpoint, Resolved *first)
{
  const guint16 *port = port_of (&first->address);

  self->port = port != NULL ? g_ntohs (*port) : 0;
  if (!G_IS_NETWORK_ADDRESS (tally_endpoint_get_connectable (endpoint)))
    self->adopted_address = g_socket_address_new_from_native (&first->address, first->length);
}

/* FALSE: it has no copy. */
static gboolean
adopt (ServerListener *self, gint fd)
{
  gint copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);

  if (copy < 0)
    return FALSE;
  fcntl (copy, F_SETFL, fcntl (copy, F_GETFL) | O_NONBLOCK);
  if (!self->is_local)
    {
      set_option (copy, IPPROTO_TCP, TCP_NODELAY, 1);
      set_option (copy, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
  self->fds[self->n_fds++] = copy;
  return TRUE;
}

gboolean
server_listener_adopt (
    ServerListener *self, TallyEndpoint *endpoint, const gint *fds, guint n_fds, GError **error)
{
  *self = (ServerListener){ .spare_fd = -1, .pid = getpid (), .is_adopted = TRUE };
  self->is_local = tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_UNIX;
  for (guint i = 0; i < n_fds; i++)
    {
      Resolved found;
      const gchar *fault = i == TALLY_SERVER_MAX_LISTENERS ? "there are too many"
                                                           : find_fault (self, fds[i], &found);

      if (fault == NULL && adopt (self, fds[i]))
        {
          if (i == 0)
            note_first_address (self, endpoint, &found);
          continue;
        }
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED,
                   "cannot listen at %s on descriptor %d, which was passed: %s",
                   tally_endpoint_get_uri (endpoint), fds[i],
                   fault != NULL ? fault : g_strerror (errno));
      close_sockets (self);
      return FALSE;
    }
  self->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  return TRUE;
}

/* ---- the end ---- */

void
server_listener_end (ServerListener *self)
{
  give_up_path (self);
  if (self->is_adopted || self->pid != getpid ())
    return; /* the sockets are the parent's, too */
  for (guint i = 0; i < self->n_fds; i++)
    if (self->is_local)
      shutdown (self->fds[i], SHUT_RD);
    else
      let_nobody_connect (self->fds[i]);
}

void
server_listener_close (ServerListener *self)
{
  close_sockets (self);
  if (self->spare_fd >= 0)
    close (self->spare_fd);
  self->spare_fd = -1;
}

gboolean
server_listener_accept (ServerListener *self, guint index, TallyStream *stream)
{
  gint fd = accept4 (self->fds[index], NULL, NULL, SOCK_CLOEXEC);
  gint refused;

  if (fd >= 0)
    {
      tally_stream_open (stream, fd, TALLY_STREAM_ACCEPTED);
      return TRUE;
    }
  if (errno != EMFILE && errno != ENFILE)
    return FALSE;
  /* Left alone the peer would wait for ever and the listener would stay readable for ever. */
  if (self->spare_fd >= 0)
    close (self->spare_fd);
  refused = accept4 (self->fds[index], NULL, NULL, SOCK_CLOEXEC);
  if (refused >= 0)
    close (refused);
  self->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  errno = refused >= 0 ? EMFILE : ENFILE;
  return FALSE;
}
