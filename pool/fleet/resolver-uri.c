/* Owns the URIs of channels whose endpoints a resolver finds: `dns:///name:port`, `srv://_service._protocol.domain`, and those whose
 * schemes other libraries and programs bring along. */
#include <string.h>

#include "endpoint-private.h"
#include "fleet-internal.h"
#include "resolver-private.h"
#include "tally-error.h"

/* Bytes of a name in DNS, and of a part of one. */
#define MAX_DNS_NAME 253
#define MAX_DNS_LABEL 63
#define NO_DNS_NAME                                                                                \
  "its name must be of parts of 1 to " G_STRINGIFY (                                               \
      MAX_DNS_LABEL) " bytes with dots between them, together at most " G_STRINGIFY (MAX_DNS_NAME)

/* What was added; it is there to stay. */
typedef struct _AddedScheme AddedScheme;
struct _AddedScheme
{
  const gchar *name;
  TallyResolverFunc create;
  AddedScheme *next;
};

static AddedScheme *added_schemes; /* atomic */

static gboolean
refuse_uri (const gchar *uri, const gchar *reason, GError **error)
{
  g_autofree gchar *shown = tally_text_show (uri);

  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "URI \"%s\": %s", shown, reason);
  return FALSE;
}

static gboolean
begins_with (const gchar *uri, const gchar *prefix)
{
  return g_ascii_strncasecmp (uri, prefix, strlen (prefix)) == 0;
}

/* What is behind @scheme and its slashes; NULL: @uri has another scheme. @transport: "tcp" or "tls". */
static const gchar *
skip_scheme (const gchar *uri, const gchar *scheme, const gchar **transport)
{
  gsize length = strlen (scheme);

  if (!begins_with (uri, scheme))
    return NULL;
  *transport = begins_with (uri + length, "+tls:") ? "tls" : "tcp";
  length += strcmp (*transport, "tls") == 0 ? strlen ("+tls") : 0;
  return g_str_has_prefix (uri + length, "://") ? uri + length + strlen ("://") : NULL;
}

/* What @plain is made of, if it is one host and maybe a port, and options. (transfer full) (nullable) */
static GUri *
parse_authority (const gchar *plain)
{
  g_autoptr (GUri) parsed = g_uri_parse (plain, G_URI_FLAGS_ENCODED_QUERY, NULL);
  const gchar *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;
  const gchar *path = parsed != NULL ? g_uri_get_path (parsed) : NULL;

  if (host == NULL || strchr (host, ',') != NULL || g_uri_get_userinfo (parsed) != NULL
      || g_uri_get_fragment (parsed) != NULL || (*path != '\0' && strcmp (path, "/") != 0))
    return NULL;
  return g_steal_pointer (&parsed);
}

/* Whether DNS can have @name at all: RFC 1035, 2.3.4. It may end with the root's dot. */
static gboolean
check_name (const gchar *uri, const gchar *name, GError **error)
{
  gsize length = strlen (name) - g_str_has_suffix (name, ".");
  gboolean is_one = length > 0 && length <= MAX_DNS_NAME;

  for (gsize begin = 0, end; is_one && begin <= length; begin = end + 1)
    {
      end = begin + strcspn (name + begin, ".");
      is_one = end > begin && end - begin <= MAX_DNS_LABEL;
    }
  if (is_one || g_hostname_is_ip_address (name))
    return TRUE;
  return refuse_uri (uri, NO_DNS_NAME, error);
}

static gboolean
parse_dns (const gchar *uri,
           const gchar *transport,
           const gchar *rest,
           TallyResolver **resolver,
           gchar **plain,
           GError **error)
{
  g_autofree gchar *candidate = g_strdup_printf ("%s://%s", transport, rest + (*rest == '/'));
  g_autoptr (GUri) parsed = parse_authority (candidate);
  const gchar *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;

  if (*rest != '/' || host == NULL || *host == '\0' || g_uri_get_port (parsed) <= 0)
    return refuse_uri (
        uri, "it must be dns:///, a host's name and a port, as in dns:///example.com:9090", error);
  if (!check_name (uri, host, error))
    return FALSE;
  *resolver = tally_dns_resolver_new (host, (guint) g_uri_get_port (parsed));
  *plain = g_steal_pointer (&candidate);
  return TRUE;
}

static gboolean
parse_srv (const gchar *uri,
           const gchar *transport,
           const gchar *rest,
           TallyResolver **resolver,
           gchar **plain,
           GError **error)
{
  gsize length = strcspn (rest, "/?#");
  g_autofree gchar *candidate = g_strdup_printf ("%s://%s", transport, rest);
  g_autoptr (GUri) parsed = parse_authority (candidate);

  if (parsed != NULL && g_uri_get_port (parsed) < 0)
    *resolver = tally_srv_resolver_new (g_uri_get_host (parsed));
  if (*resolver == NULL)
    return refuse_uri (
        uri, "it must be srv:// and a service's name, as in srv://_thrift._tcp.example.com", error);
  if (!check_name (uri, g_uri_get_host (parsed), error))
    {
      g_clear_object (resolver);
      return FALSE;
    }
  *plain = g_strdup_printf ("%s://%.*s:0%s", transport, (gint) length, rest, rest + length);
  return TRUE;
}

/* The path is a part of what the resolver is given. Host and port of the plain URI are none of an endpoint's. */
static gboolean
parse_added (const gchar *uri,
             const AddedScheme *scheme,
             const gchar *transport,
             const gchar *rest,
             TallyResolver **resolver,
             gchar **plain,
             GError **error)
{
  gsize length = strcspn (rest, "?#");
  g_autofree gchar *address = g_strndup (rest, length);

  *resolver = scheme->create (address, error);
  if (*resolver == NULL)
    return FALSE;
  *plain = g_strdup_printf ("%s://%s:0%s", transport, scheme->name, rest + length);
  return TRUE;
}

gboolean
tally_resolver_parse_uri (const gchar *uri, TallyResolver **resolver, gchar **plain, GError **error)
{
  const gchar *transport;
  const gchar *rest;

  *resolver = NULL;
  *plain = NULL;
  if ((rest = skip_scheme (uri, "dns", &transport)) != NULL)
    return parse_dns (uri, transport, rest, resolver, plain, error);
  if ((rest = skip_scheme (uri, "srv", &transport)) != NULL)
    return parse_srv (uri, transport, rest, resolver, plain, error);
  for (const AddedScheme *scheme = g_atomic_pointer_get (&added_schemes); scheme != NULL;
       scheme = scheme->next)
    if ((rest = skip_scheme (uri, scheme->name, &transport)) != NULL)
      return parse_added (uri, scheme, transport, rest, resolver, plain, error);
  if (skip_scheme (uri, "zookeeper", &transport) == NULL)
    return TRUE;
  g_set_error (
      error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
      "URI \"%s\": ZooKeeper is in a library of its own: link with libtally-zookeeper and call "
      "tally_zookeeper_init ()",
      uri);
  return FALSE;
}

/**
 * tally_resolver_add_scheme:
 * @scheme: a URI's scheme, such as "consul"
 * @create: (scope forever): what makes the resolver of such a URI
 *
 * Has channels that are made from now on understand `SCHEME://ADDRESS?OPTIONS`, and `SCHEME+tls://…`: @create makes their
 * resolver of the address, and the options go for each endpoint that it finds. Of two of a name the later one counts. dns and srv cannot be
 * replaced. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_resolver_add_scheme (const gchar *scheme, TallyResolverFunc create)
{
  AddedScheme *added;

  g_return_if_fail (scheme != NULL && create != NULL);
  added = g_new (AddedScheme, 1);
  *added = (AddedScheme){ g_intern_string (scheme), create, NULL };
  do
    added->next = g_atomic_pointer_get (&added_schemes);
  while (!g_atomic_pointer_compare_and_exchange (&added_schemes, added->next, added));
}
