/* Owns the form of a service's address in ZooKeeper. */
#include "zookeeper-address-private.h"

#include <string.h>
#include <tally.h>

#define SCHEME "zookeeper://"

static gboolean
refuse_address (const gchar *text, const gchar *reason, GError **error)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "\"" SCHEME "%s\": %s", text,
               reason);
  return FALSE;
}

/* `HOST:PORT`, an IPv6 address in brackets; (transfer full) (nullable): as ZooKeeper's library takes it, without brackets. */
static gchar *
parse_server (const gchar *server)
{
  const gchar *colon = strrchr (server, ':');
  gboolean in_brackets = *server == '[' && colon != NULL && colon > server && colon[-1] == ']';
  const gchar *host = server + in_brackets;
  gint length = colon != NULL ? (gint) (colon - host) - in_brackets : 0;

  if (length <= 0 || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, NULL, NULL)
      || memchr (host, '@', (gsize) length) != NULL
      || (!in_brackets && memchr (host, ':', (gsize) length) != NULL))
    return NULL;
  return g_strdup_printf ("%.*s%s", length, host, colon);
}

static gchar *
parse_servers (const gchar *text, gsize length)
{
  g_autofree gchar *list = g_strndup (text, length);
  g_auto (GStrv) servers = g_strsplit (list, ",", -1);

  for (guint i = 0; servers[i] != NULL; i++)
    {
      gchar *server = parse_server (servers[i]);

      if (server == NULL)
        return NULL;
      g_free (servers[i]);
      servers[i] = server;
    }
  return servers[0] != NULL ? g_strjoinv (",", servers) : NULL;
}

/* Whether ZooKeeper takes such a path; its root is no service's. */
static gboolean
check_path (const gchar *path)
{
  g_auto (GStrv) parts = NULL;

  if (path == NULL || *path != '/')
    return FALSE;
  parts = g_strsplit (path + 1, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (*parts[i] == '\0' || strcmp (parts[i], ".") == 0 || strcmp (parts[i], "..") == 0)
        return FALSE;
      for (const gchar *at = parts[i]; *at != '\0'; at++)
        if (g_ascii_iscntrl (*at))
          return FALSE;
    }
  return parts[0] != NULL && g_utf8_validate (path, -1, NULL);
}

ZookeeperAddress *
zookeeper_address_parse (const gchar *text, GError **error)
{
  g_autoptr (ZookeeperAddress) self = g_new0 (ZookeeperAddress, 1);
  gsize length = strcspn (text, "/");
  gsize path_length = strcspn (text + length, "!");
  const gchar *mark = text + length + path_length;

  self->servers = parse_servers (text, length);
  if (self->servers == NULL)
    {
      refuse_address (
          text,
          "before the path there must be ZooKeeper's servers, each a host and a port, as in "
          "zookeeper://a:2181,b:2181/services/calculator",
          error);
      return NULL;
    }
  self->path = g_uri_unescape_segment (text + length, mark, "/");
  self->endpoint = *mark == '!' ? g_uri_unescape_string (mark + 1, NULL) : NULL;
  if (!check_path (self->path))
    {
      refuse_address (
          text, "it must have the path of a node, as in zookeeper://a:2181/services/calculator",
          error);
      return NULL;
    }
  if (*mark == '!' && (self->endpoint == NULL || *self->endpoint == '\0'))
    {
      refuse_address (text, "behind ! there must be the name of an endpoint", error);
      return NULL;
    }
  return g_steal_pointer (&self);
}

ZookeeperAddress *
zookeeper_address_parse_uri (const gchar *uri, GError **error)
{
  if (g_str_has_prefix (uri, SCHEME) && strpbrk (uri, "?#") == NULL)
    return zookeeper_address_parse (uri + strlen (SCHEME), error);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "\"%s\": it must be " SCHEME ", ZooKeeper's servers and a path, without options",
               uri);
  return NULL;
}

void
zookeeper_address_free (ZookeeperAddress *self)
{
  g_free (self->servers);
  g_free (self->path);
  g_free (self->endpoint);
  g_free (self);
}
