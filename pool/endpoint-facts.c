/* Owns what an endpoint tells of itself, equality, how an address is written in a URI, and a URI in an error. */
#include <gio/gunixsocketaddress.h>
#include <net/if.h>
#include <string.h>

#include "endpoint-order-internal.h"
#include "endpoint-private.h"
#include "protocols-internal.h"

/* Bytes of a text that an error shows. */
#define SHOWN_BYTES 500

/**
 * tally_endpoint_hash:
 * @endpoint: (type TallyEndpoint): an endpoint
 *
 * A GHashFunc.
 *
 * Returns: a hash that equal endpoints share
 */
guint
tally_endpoint_hash (gconstpointer endpoint)
{
  return ((const TallyEndpoint *) endpoint)->hash;
}

/**
 * tally_endpoint_equal:
 * @a: (type TallyEndpoint): an endpoint
 * @b: (type TallyEndpoint): another
 *
 * A GEqualFunc. The modes pooled and unpooled, the timeout, strict and attempts take no part in it.
 *
 * Returns: whether both share a pool's connections
 */
gboolean
tally_endpoint_equal (gconstpointer a, gconstpointer b)
{
  const TallyEndpoint *left = a;
  const TallyEndpoint *right = b;

  return left->hash == right->hash && strcmp (left->uri, right->uri) == 0;
}

/**
 * tally_endpoint_get_uri:
 * @endpoint: an endpoint
 *
 * Returns: (transfer none): the canonical URI, without what takes no part in equality: what error
 *   messages call the endpoint
 */
const gchar *
tally_endpoint_get_uri (const TallyEndpoint *endpoint)
{
  return endpoint->uri;
}

/**
 * tally_endpoint_get_scheme:
 * @endpoint: an endpoint
 *
 * Returns: the kind of address
 */
TallyScheme
tally_endpoint_get_scheme (const TallyEndpoint *endpoint)
{
  return endpoint->scheme;
}

/**
 * tally_endpoint_get_protocol:
 * @endpoint: an endpoint
 *
 * Returns: the protocol that is spoken there
 */
TallyProtocolId
tally_endpoint_get_protocol (const TallyEndpoint *endpoint)
{
  return endpoint->protocol;
}

/**
 * tally_endpoint_get_framing:
 * @endpoint: an endpoint
 *
 * Returns: how messages are told apart there
 */
TallyFraming
tally_endpoint_get_framing (const TallyEndpoint *endpoint)
{
  return endpoint->framing;
}

/**
 * tally_endpoint_get_mode:
 * @endpoint: an endpoint
 *
 * Returns: how calls of a channel to it get their connections
 */
TallyMode
tally_endpoint_get_mode (const TallyEndpoint *endpoint)
{
  return endpoint->mode;
}

/**
 * tally_endpoint_get_timeout:
 * @endpoint: an endpoint
 *
 * Returns: milliseconds that a call may take, 0 = no limit, or -1 when the URI does not say
 */
gint
tally_endpoint_get_timeout (const TallyEndpoint *endpoint)
{
  return endpoint->timeout;
}

/**
 * tally_endpoint_get_strict:
 * @endpoint: an endpoint
 *
 * Returns: whether a binary message's header must have a version
 *
 * Since: 0.2
 */
gboolean
tally_endpoint_get_strict (const TallyEndpoint *endpoint)
{
  return endpoint->is_strict;
}

/**
 * tally_endpoint_get_attempts:
 * @endpoint: an endpoint
 *
 * Returns: how often a call may be made in all (tally_retry_policy_new()), or 0 when the URI does not say
 *
 * Since: 0.2
 */
guint
tally_endpoint_get_attempts (const TallyEndpoint *endpoint)
{
  return endpoint->attempts;
}

/**
 * tally_endpoint_get_service:
 * @endpoint: an endpoint
 *
 * Returns: (transfer none) (nullable): the multiplexed service's name
 */
const gchar *
tally_endpoint_get_service (const TallyEndpoint *endpoint)
{
  return endpoint->service;
}

/**
 * tally_endpoint_get_connectable:
 * @endpoint: an endpoint
 *
 * Returns: (transfer none): what GIO resolves, and enumerates addresses from
 */
GSocketConnectable *
tally_endpoint_get_connectable (const TallyEndpoint *endpoint)
{
  return endpoint->connectable;
}

gboolean
tally_endpoint_is_compressed (const TallyEndpoint *endpoint)
{
  return endpoint->transform != 0;
}

const TallyTlsOptions *
tally_endpoint_get_tls (const TallyEndpoint *endpoint)
{
  return &endpoint->tls;
}

TallyTlsCredentials *
tally_endpoint_get_credentials (const TallyEndpoint *endpoint)
{
  return endpoint->credentials;
}

gchar *
tally_endpoint_dup_bare_uri (const TallyEndpoint *endpoint)
{
  return g_strdup (endpoint->bare_uri);
}

gboolean
tally_endpoint_takes_any_order (const TallyEndpoint *endpoint)
{
  return endpoint->takes_any_order;
}

gboolean
tally_endpoint_is_concurrent (const TallyEndpoint *endpoint)
{
  return endpoint->is_concurrent;
}

/* ---- texts ---- */

gchar *
tally_text_show (const gchar *text)
{
  gsize length = strnlen (text, SHOWN_BYTES);
  g_autofree gchar *valid = g_utf8_make_valid (text, (gssize) length);

  return g_strconcat (valid, text[length] != '\0' ? "…" : NULL, NULL);
}

/* For every family: GIO writes IPv6 without brackets when the port is 0, and a scope's
 * "%" unescaped. Only a link-local address may name its interface. (transfer full) */
static gchar *
describe_numeric (GInetSocketAddress *numeric)
{
  GInetAddress *address = g_inet_socket_address_get_address (numeric);
  g_autofree gchar *text = g_inet_address_to_string (address);
  g_autofree gchar *escaped = NULL;
  guint port = g_inet_socket_address_get_port (numeric);
  gchar name[IF_NAMESIZE];
  guint scope;

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return g_strdup_printf ("//%s:%u", text, port);
  scope = g_inet_socket_address_get_scope_id (numeric);
  if (scope == 0)
    return g_strdup_printf ("//[%s]:%u", text, port);
  if (!g_inet_address_get_is_link_local (address) || if_indextoname (scope, name) == NULL)
    g_snprintf (name, sizeof name, "%u", scope);
  escaped = g_uri_escape_string (name, NULL, FALSE);
  return g_strdup_printf ("//[%s%%25%s]:%u", text, escaped, port);
}

/* (transfer full) (nullable): NULL: it has no name, or one that no URI can have */
static gchar *
describe_path (GUnixSocketAddress *address)
{
  const gchar *name = g_unix_socket_address_get_path (address);
  gboolean is_abstract =
      g_unix_socket_address_get_address_type (address) == G_UNIX_SOCKET_ADDRESS_ABSTRACT;
  g_autofree gchar *escaped = NULL;

  if (*name == '\0' || (!is_abstract && *name != '/')
      || strlen (name) != g_unix_socket_address_get_path_len (address))
    return NULL;
  escaped = g_uri_escape_string (name, G_URI_RESERVED_CHARS_ALLOWED_IN_PATH, FALSE);
  return g_strconcat (is_abstract ? "@" : "//", escaped, NULL);
}

gchar *
tally_endpoint_describe_address (GSocketAddress *address)
{
  if (G_IS_INET_SOCKET_ADDRESS (address))
    return describe_numeric (G_INET_SOCKET_ADDRESS (address));
  return G_IS_UNIX_SOCKET_ADDRESS (address) ? describe_path (G_UNIX_SOCKET_ADDRESS (address))
                                            : NULL;
}

gchar *
tally_endpoint_dup_uri_at (const TallyEndpoint *endpoint, GSocketAddress *address)
{
  const gchar *uri = endpoint->bare_uri;
  g_autofree gchar *place = tally_endpoint_describe_address (address);

  if (place == NULL)
    return g_strdup (uri);
  return g_strdup_printf ("%.*s%s%s", (gint) strcspn (uri, ":") + 1, uri, place,
                          uri + strcspn (uri, "?"));
}
