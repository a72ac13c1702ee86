/* Owns how a URI becomes a listening socket, and which addresses are refused. Knows no HTTP. */
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/un.h>

#include "admin-private.h"

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

/* ---- unix:// ---- */

/* Whether somebody listens there. */
static gboolean
is_taken (GSocketAddress *address)
{
  g_autoptr (GSocket) probe =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GError) error = NULL;

  if (probe == NULL)
    return TRUE;
  g_socket_set_blocking (probe, FALSE);
  return g_socket_connect (probe, address, NULL, &error)
         || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

/* Removes the file of a socket that a killed program has left. */
static void
remove_stale (GSocketAddress *address, const gchar *path)
{
  GStatBuf found;

  if (g_lstat (path, &found) == 0 && S_ISSOCK (found.st_mode) && !is_taken (address))
    g_unlink (path);
}

/* ---- both ---- */

static GSocket *
listen_at (const gchar *uri, GSocketAddress *address, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GSocket) socket =
      g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                    G_SOCKET_PROTOCOL_DEFAULT, &reason);

  if (socket != NULL)
    {
      g_socket_set_blocking (socket, FALSE);
      g_socket_set_listen_backlog (socket, BACKLOG);
      if (g_socket_bind (socket, address, TRUE, &reason) && g_socket_listen (socket, &reason))
        return g_steal_pointer (&socket);
    }
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%s: %s", uri, reason->message);
  return NULL;
}

GSocket *
admin_address_open (
    const gchar *uri, gboolean allow_remote, gchar **real_uri, gchar **path, GError **error)
{
  const gchar *file = g_str_has_prefix (uri, "unix:///") ? uri + strlen ("unix://") : NULL;
  g_autoptr (GSocketAddress) address = NULL;
  GSocket *socket;

  if (file != NULL && strlen (file) >= sizeof ((struct sockaddr_un *) NULL)->sun_path)
    {
      fail_address (error, uri, "the path is too long for a Unix socket");
      return NULL;
    }
  if (file != NULL)
    {
      address = g_unix_socket_address_new (file);
      remove_stale (address, file);
    }
  else
    address = parse_http (uri, allow_remote, error);
  socket = address != NULL ? listen_at (uri, address, error) : NULL;
  if (socket == NULL)
    return NULL;
  *real_uri = file != NULL ? g_strdup (uri) : make_http_uri (socket);
  *path = g_strdup (file);
  return socket;
}
