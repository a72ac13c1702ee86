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

gchar *
zookeeper_address_split (const gchar *text, guint *port)
{
  const gchar *colon = strrchr (text, ':');
  gboolean in_brackets = *text == '[' && colon != NULL && colon > text && colon[-1] == ']';
  guint64 number;

  if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &number, NULL))
    return NULL;
  *port = (guint) number;
  return g_strndup (text + in_brackets, (gsize) (colon - text) - 2 * (gsize) in_brackets);
}

/* (transfer full) (nullable): as ZooKeeper's library takes it, without brackets. */
static gchar *
parse_server (const gchar *server)
{
  guint port;
  g_autofree gchar *host = zookeeper_address_split (server, &port);
  gboolean had_brackets = host != NULL && *server == '[' && *host != '[';

  if (host == NULL || *host == '\0' || strchr (host, '@') != NULL
      || (!had_brackets && strchr (host, ':') != NULL))
    return NULL;
  return g_strdup_printf ("%s:%u", host, port);
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
