/* Owns the forms of members' nodes: Finagle's ServerSets, and HiveServer2's. Everything in them was written by a peer. */
#include "zookeeper-entry-private.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <tally.h>

#include "zookeeper-address-private.h"

/* json-glib recurses for each opening bracket. */
#define MAX_BRACKETS 1000
#define MAX_HOST 255
#define HIVE_PREFIX "serverUri="

static gboolean
fail_entry (GError **error, const gchar *reason)
{
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, reason);
  return FALSE;
}

/* ---- addresses ---- */

static gboolean
is_host_name (const gchar *host)
{
  for (const gchar *at = host; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr ("-._", *at) == NULL)
      return FALSE;
  return *host != '\0' && strlen (host) <= MAX_HOST;
}

/* It becomes a part of a URI, so that nothing else may be in it. */
gchar *
zookeeper_entry_join (const gchar *host, gint64 port, GError **error)
{
  g_autoptr (GInetAddress) address = NULL;
  g_autofree gchar *shown = NULL;

  if (port < 1 || port > G_MAXUINT16)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
                   "its port is %" G_GINT64_FORMAT ", not one of 1 to 65535", port);
      return NULL;
    }
  if (is_host_name (host))
    return g_strdup_printf ("%s:%u", host, (guint) port);
  address = g_inet_address_new_from_string (host);
  if (address != NULL)
    return g_strdup_printf ("[%s]:%u", host, (guint) port);
  shown = g_strescape (host, NULL);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
               "its host \"%.100s\" is neither a name nor an address", shown);
  return NULL;
}

static gchar *
parse_host_port (const gchar *text, GError **error)
{
  guint port;
  g_autofree gchar *host = zookeeper_address_split (text, &port);

  if (host != NULL)
    return zookeeper_entry_join (host, port, error);
  fail_entry (error, "it has no address of the form HOST:PORT");
  return NULL;
}

/* ---- ServerSets ---- */

/* (transfer full) (nullable) */
static JsonNode *
parse_json (const gchar *data, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) problem = NULL;
  JsonNode *root;
  guint n_brackets = 0;

  for (gsize i = 0; i < length; i++)
    n_brackets += data[i] == '[' || data[i] == '{';
  if (n_brackets > MAX_BRACKETS)
    {
      fail_entry (error, "it has more brackets than a member needs");
      return NULL;
    }
  if (!g_utf8_validate_len (data, length, NULL)
      || !json_parser_load_from_data (parser, data, (gssize) length, &problem))
    {
      fail_entry (error, "it is not JSON");
      return NULL;
    }
  root = json_parser_steal_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_clear_pointer (&root, json_node_unref);
      fail_entry (error, "it is no JSON object");
    }
  return root;
}

/* (transfer none) (nullable): the object that @object has as its member @name. */
static JsonObject *
get_object (JsonObject *object, const gchar *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* (transfer none) (nullable) */
static const gchar *
get_text (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

/* -1: it has no such number. */
static gint64
get_number (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_INT64
             ? json_node_get_int (node)
             : -1;
}

static gboolean
parse_server_set (
    const gchar *data, gsize length, const gchar *endpoint, gchar **address, GError **error)
{
  g_autoptr (JsonNode) root = parse_json (data, length, error);
  JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;
  JsonObject *where;
  const gchar *host;

  if (object == NULL)
    return FALSE;
  if (g_strcmp0 (get_text (object, "status"), "ALIVE") != 0)
    {
      *address = NULL;
      return TRUE;
    }
  where = endpoint != NULL ? get_object (get_object (object, "additionalEndpoints"), endpoint)
                           : get_object (object, "serviceEndpoint");
  host = where != NULL ? get_text (where, "host") : NULL;
  if (host == NULL)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
                   "it has no %s%s with a host and a port",
                   endpoint != NULL ? "additional endpoint " : "serviceEndpoint",
                   endpoint != NULL ? endpoint : "");
      return FALSE;
    }
  *address = zookeeper_entry_join (host, get_number (where, "port"), error);
  return *address != NULL;
}

/* ---- HiveServer2 ---- */

/* (transfer full) (nullable): the value of @key in `KEY=VALUE;KEY=VALUE`. */
static gchar *
find_value (const gchar *text, const gchar *key)
{
  gsize length = strlen (key);

  while (TRUE)
    {
      const gchar *end = strchrnul (text, ';');

      if (strncmp (text, key, length) == 0 && text[length] == '=')
        return g_strndup (text + length + 1, (gsize) (end - text) - length - 1);
      if (*end == '\0')
        return NULL;
      text = end + 1;
    }
}

/* What its data says, as Hive's own clients read it, comes before its name, which older ones wrote alone. */
static gboolean
parse_hive (const gchar *name, const gchar *data, gsize length, gchar **address, GError **error)
{
  g_autofree gchar *settings = g_strndup (data, length);
  g_autofree gchar *host = find_value (settings, "hive.server2.thrift.bind.host");
  g_autofree gchar *port = find_value (settings, "hive.server2.thrift.port");
  g_autofree gchar *mode = find_value (settings, "hive.server2.transport.mode");
  g_autofree gchar *uri = find_value (name, "serverUri");
  g_autofree gchar *joined = NULL;

  if (g_strcmp0 (mode, "http") == 0)
    return fail_entry (error, "it speaks Thrift over HTTP only");
  if (host != NULL && port != NULL)
    joined = g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
  *address = parse_host_port (joined != NULL ? joined : uri, error);
  return *address != NULL;
}

/* ---- both ---- */

gboolean
zookeeper_entry_is_member (const gchar *name)
{
  return g_str_has_prefix (name, ZOOKEEPER_MEMBER_PREFIX) || g_str_has_prefix (name, HIVE_PREFIX);
}

gboolean
zookeeper_entry_parse (const gchar *name,
                       const gchar *data,
                       gsize length,
                       const gchar *endpoint,
                       gchar **address,
                       GError **error)
{
  if (!g_str_has_prefix (name, HIVE_PREFIX))
    return parse_server_set (data, length, endpoint, address, error);
  if (endpoint != NULL)
    return fail_entry (error, "HiveServer2 has no additional endpoints");
  return parse_hive (name, data, length, address, error);
}

gchar *
zookeeper_entry_print (const gchar *host, guint port, gint shard)
{
  g_autofree gchar *shard_part =
      shard >= 0 ? g_strdup_printf (",\"shard\":%d", shard) : g_strdup ("");

  return g_strdup_printf (
      "{\"serviceEndpoint\":{\"host\":\"%s\",\"port\":%u},\"additionalEndpoints\":{},"
      "\"status\":\"ALIVE\"%s}",
      host, port, shard_part);
}
