/* Owns how a URI becomes a listening socket, and which addresses are refused. Which server has a path is server-path.c's, in
 * libtally and here. Knows no HTTP. */
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "admin-private.h"
#include "server-path-internal.h"

#define BACKLOG 64

/* ---- http:// ---- */

static gboolean
fail_address (GError **error, const gchar *uri, const gchar *why)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "%s: %s", uri, why);
  return FALSE;
}

/* (transfer full) (nullable): where the http URI says. */
static GSocketAddress *
parse_http (const gchar *uri, gboolean allow_remote, GError **error)
{
  g_autofree gchar *scheme = NULL, *user = NULL, *host = NULL, *path = NULL, *query = NULL;
  g_autoptr (GSocketAddress) address = NULL;
  gint port;

  if (!g_uri_split (uri, G_URI_FLAGS_NONE, &scheme, &user, &host, &port, &path, &query, NULL, NULL)
      || g_strcmp0 (scheme, "http") != 0 || user != NULL || query != NULL || host == NULL)
    {
      fail_address (error, uri, "not http://ADDRESS:PORT or unix:///path");
      return NULL;
    }
  if (port < 0 || (*path != '\0' && strcmp (path, "/") != 0))
    {
      fail_address (error, uri, port < 0 ? "no port" : "a listener has no path");
      return NULL;
    }
  /* No name is looked up: what it means today it need not mean tomorrow. */
  address = g_inet_socket_address_new_from_string (
      g_ascii_strcasecmp (host, "localhost") == 0 ? "127.0.0.1" : host, port);
  if (address == NULL)
    {
      fail_address (error, uri, "the host is neither an IP address nor localhost");
      return NULL;
    }
  if (!allow_remote
      && !g_inet_address_get_is_loopback (
          g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address))))
    {
      fail_address (error, uri,
                    "not a loopback address; the property allow-remote admits those that other "
                    "machines reach");
      return NULL;
    }
  return g_steal_pointer (&address);
}

/* (transfer full): the URI of the address that @socket has. */
static gchar *
make_http_uri (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  g_autofree gchar *host = g_inet_address_to_string (inet);

  return g_uri_join (G_URI_FLAGS_NONE, "http", NULL, host,
                     g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), "", NULL,
                     NULL);
}

/* ---- listening ---- */

static gboolean
fail_to_listen (GError **error, const gchar *uri, const gchar *why)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "cannot listen at %s: %s", uri, why);
  return FALSE;
}

/* (transfer full) (nullable) */
static GSocket *
make_socket (const gchar *uri, GSocketFamily family, GError **error)
{
  g_autoptr (GError) reason = NULL;
  GSocket *socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &reason);

  if (socket != NULL)
    g_socket_set_blocking (socket, FALSE);
  else
    fail_to_listen (error, uri, reason->message);
  return socket;
}

static gboolean
listen_at_port (AdminPlace *self, const gchar *uri, GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket = make_socket (uri, g_socket_address_get_family (address), error);
  g_autoptr (GError) reason = NULL;

  if (socket == NULL)
    return FALSE;
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, TRUE, &reason) || !g_socket_listen (socket, &reason))
    return fail_to_listen (error, uri, reason->message);
  self->uri = make_http_uri (socket);
  self->socket = g_steal_pointer (&socket);
  return TRUE;
}

static const gchar *
describe (gint number)
{
  const gchar *words = server_path_describe (number);

  return words != NULL          ? words
         : number == EADDRINUSE ? "another socket has the path, or what is there is no socket"
                                : g_strerror (number);
}

static gboolean
listen_at_path (AdminPlace *self, const gchar *uri, const gchar *path, GError **error)
{
  g_autoptr (GSocket) socket = make_socket (uri, G_SOCKET_FAMILY_UNIX, error);

  if (socket == NULL)
    return FALSE;
  if (!server_path_listen (g_socket_get_fd (socket), path, BACKLOG, &self->device, &self->inode))
    return fail_to_listen (error, uri, describe (errno));
  self->uri = g_strdup (uri);
  self->path = g_strdup (path);
  self->socket = g_steal_pointer (&socket);
  return TRUE;
}

/* ---- both ---- */

gboolean
admin_place_open (AdminPlace *self, const gchar *uri, gboolean allow_remote, GError **error)
{
  const gchar *path = g_str_has_prefix (uri, "unix:///") ? uri + strlen ("unix://") : NULL;
  g_autoptr (GSocketAddress) address = NULL;

  if (path != NULL && strlen (path) >= sizeof ((struct sockaddr_un *) NULL)->sun_path)
    return fail_address (error, uri, "the path is too long for a Unix socket");
  if (path != NULL)
    return listen_at_path (self, uri, path, error);
  address = parse_http (uri, allow_remote, error);
  return address != NULL && listen_at_port (self, uri, address, error);
}

void
admin_place_give_up (AdminPlace *self)
{
  if (self->path != NULL)
    server_path_remove (self->path, self->device, self->inode);
}

void
admin_place_clear (AdminPlace *self)
{
  if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
  g_clear_pointer (&self->uri, g_free);
  g_clear_pointer (&self->path, g_free);
}
