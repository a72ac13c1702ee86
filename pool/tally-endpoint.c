/* Owns the URI of a service: its parsing and its canonical form; what it says is endpoint-facts.c's. It resolves and
 * dials nothing. */
#include "tally-endpoint.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/un.h>

#include "endpoint-private.h"
#include "fleet/picker-private.h"
#include "protocols-internal.h"
#include "tally-error.h"
#include "tls-internal.h"

G_DEFINE_BOXED_TYPE (TallyEndpoint, tally_endpoint, tally_endpoint_ref, tally_endpoint_unref)

/* Indexed by the enumerations of the header. */
static const gchar *const scheme_names[] = { "tcp", "unix", "tls" };
static const gchar *const truth_names[] = { "no", "yes" };
static const gchar *const order_names[] = { "requests", "any" };
static const gchar *const mode_names[] = { "pooled", "unpooled", "shared" };
static const gchar *const transform_names[] = { "none", "zlib" };
static const gchar *const clients_names[] = { "ignored", "requested", "required" };

G_GNUC_PRINTF (3, 4)
static gboolean
refuse (const gchar *uri, GError **error, const gchar *format, ...)
{
  g_autofree gchar *shown = tally_text_show (uri);
  g_autofree gchar *reason = NULL;
  g_autofree gchar *shown_reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  shown_reason = tally_text_show (reason);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "URI \"%s\": %s", shown,
               shown_reason);
  return FALSE;
}

/* ---- options ---- */

static gboolean
parse_name (const gchar *uri,
            const gchar *option,
            const gchar *value,
            const gchar *const *names,
            guint n_names,
            gpointer target,
            GError **error)
{
  g_autoptr (GString) choices = g_string_new (NULL);
  guint i;

  for (i = 0; i < n_names; i++)
    {
      if (strcmp (value, names[i]) == 0)
        {
          *(gint *) target = i;
          return TRUE;
        }
      g_string_append_printf (choices, "%s%s",
                              i == 0            ? ""
                              : i + 1 < n_names ? ", "
                                                : " or ",
                              names[i]);
    }
  return refuse (uri, error, "%s is \"%s\"; it must be %s", option, value, choices->str);
}

/* Where the option of TLS lies that is a text. NULL: it is none. */
static gchar **
find_tls_text (TallyTlsOptions *tls, const gchar *option)
{
  return strcmp (option, "ca") == 0         ? &tls->ca
         : strcmp (option, "cert") == 0     ? &tls->certificate
         : strcmp (option, "key") == 0      ? &tls->key
         : strcmp (option, "identity") == 0 ? &tls->identity
                                            : NULL;
}

static gboolean
is_tls_option (const gchar *option)
{
  TallyTlsOptions none;

  return find_tls_text (&none, option) != NULL || strcmp (option, "host-check") == 0
         || strcmp (option, "clients") == 0;
}

static gboolean
parse_tls_option (
    TallyEndpoint *self, const gchar *uri, const gchar *option, const gchar *value, GError **error)
{
  gchar **text = find_tls_text (&self->tls, option);

  if (self->scheme != TALLY_SCHEME_TLS)
    return refuse (uri, error, "%s has no meaning without TLS; the scheme is then tls", option);
  if (strcmp (option, "host-check") == 0)
    return parse_name (uri, option, value, truth_names, G_N_ELEMENTS (truth_names),
                       &self->tls.checks_host, error);
  if (strcmp (option, "clients") == 0)
    return parse_name (uri, option, value, clients_names, G_N_ELEMENTS (clients_names),
                       &self->tls.clients, error);
  if (*value == '\0')
    return refuse (uri, error, "%s is empty", option);
  *text = g_strdup (value);
  return TRUE;
}

static gboolean
parse_number (const gchar *uri,
              const gchar *option,
              const gchar *value,
              guint least,
              guint most,
              guint *number,
              GError **error)
{
  guint64 parsed;

  if (!g_ascii_string_to_unsigned (value, 10, least, most, &parsed, NULL))
    return refuse (uri, error, "%s is \"%s\"; it must be a number from %u to %u", option, value,
                   least, most);
  *number = parsed;
  return TRUE;
}

static gboolean
parse_protocol (TallyEndpoint *self, const gchar *uri, const gchar *value, GError **error)
{
  guint n_names;
  const gchar *const *names = tally_protocol_get_names (&n_names);

  if (strcmp (value, TALLY_PROTOCOL_AUTO_NAME) != 0)
    return parse_name (uri, "protocol", value, names, n_names, &self->protocol, error);
  self->protocol = TALLY_PROTOCOL_AUTO;
  return TRUE;
}

static gboolean
is_fleet_option (const gchar *option)
{
  return strcmp (option, "picker") == 0 || strcmp (option, "subset") == 0
         || strcmp (option, "weights") == 0;
}

/* What is of use where there are several endpoints: fleet/. */
static gboolean
parse_fleet_option (
    TallyEndpoint *self, const gchar *uri, const gchar *option, const gchar *value, GError **error)
{
  if (strcmp (option, "picker") == 0)
    return parse_name (uri, option, value, tally_picker_names, TALLY_N_PICKERS, &self->picker,
                       error);
  if (strcmp (option, "subset") == 0)
    return parse_number (uri, option, value, 1, G_MAXINT, &self->subset, error);
  self->weights = g_strdup (value);
  return TRUE;
}

static gboolean
parse_option (
    TallyEndpoint *self, const gchar *uri, const gchar *option, const gchar *value, GError **error)
{
  const gchar *const *names;
  guint n_names;
  guint64 timeout;

  G_STATIC_ASSERT (sizeof (TallyMode) == sizeof (gint));
  if (strcmp (option, "protocol") == 0)
    return parse_protocol (self, uri, value, error);
  if (strcmp (option, "transport") == 0)
    {
      names = tally_framing_get_names (&n_names);
      return parse_name (uri, option, value, names, n_names, &self->framing, error);
    }
  if (strcmp (option, "mode") == 0)
    return parse_name (uri, option, value, mode_names, G_N_ELEMENTS (mode_names), &self->mode,
                       error);
  if (strcmp (option, "strict") == 0)
    return parse_name (uri, option, value, truth_names, G_N_ELEMENTS (truth_names),
                       &self->is_strict, error);
  if (strcmp (option, "order") == 0)
    return parse_name (uri, option, value, order_names, G_N_ELEMENTS (order_names),
                       &self->takes_any_order, error);
  if (strcmp (option, "concurrent") == 0)
    return parse_name (uri, option, value, truth_names, G_N_ELEMENTS (truth_names),
                       &self->is_concurrent, error);
  if (strcmp (option, "transform") == 0)
    return parse_name (uri, option, value, transform_names, G_N_ELEMENTS (transform_names),
                       &self->transform, error);
  if (strcmp (option, "timeout") == 0)
    {
      if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &timeout, NULL))
        return refuse (uri, error, "timeout is \"%s\"; it must be milliseconds, 0 to %d", value,
                       G_MAXINT);
      self->timeout = timeout;
      return TRUE;
    }
  if (strcmp (option, "attempts") == 0)
    return parse_number (uri, option, value, 1, TALLY_MAX_ATTEMPTS, &self->attempts, error);
  if (strcmp (option, "service") == 0)
    {
      /* ":" ends the service's name on the wire: TMultiplexedProtocol */
      if (*value == '\0' || strchr (value, ':') != NULL)
        return refuse (uri, error, "service is \"%s\"; it must be a name without \":\"", value);
      self->service = g_strdup (value);
      return TRUE;
    }
  if (is_fleet_option (option))
    return parse_fleet_option (self, uri, option, value, error);
  if (is_tls_option (option))
    return parse_tls_option (self, uri, option, value, error);
  return refuse (uri, error,
                 "unknown option \"%s\"; there are protocol, transport, transform, service, mode, "
                 "timeout, strict, attempts, picker, subset, weights, order, concurrent and, for "
                 "TLS, ca, cert, key, identity, "
                 "host-check and clients",
                 option);
}

static gboolean
parse_query (TallyEndpoint *self, const gchar *uri, const gchar *query, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) local_error = NULL;
  GUriParamsIter iter;
  gchar *option;
  gchar *value;

  g_uri_params_iter_init (&iter, query, -1, "&", G_URI_PARAMS_NONE);
  while (g_uri_params_iter_next (&iter, &option, &value, &local_error))
    {
      g_autofree gchar *owned_value = value;
      const gchar *name = option;

      if (!g_hash_table_add (seen, option))
        return refuse (uri, error, "option \"%s\" is given twice", name);
      if (!parse_option (self, uri, name, value, error))
        return FALSE;
    }
  if (local_error != NULL)
    return refuse (uri, error, "options: %s", local_error->message);
  return TRUE;
}

/* ---- addresses ---- */

/* The functions that parse an address give in @address what stands behind the scheme's colon in the
 * canonical URI.
 *
 * An address that is written as numbers needs no resolver; its text is made canonical. */
static gboolean
parse_host (TallyEndpoint *self, const gchar *uri, GUri *parsed, gchar **address, GError **error)
{
  const gchar *host = g_uri_get_host (parsed);
  const gchar *path = g_uri_get_path (parsed);
  gint port = g_uri_get_port (parsed);
  GSocketAddress *numeric;

  if (host == NULL || *host == '\0')
    return refuse (uri, error, "it names no host");
  if (port < 0)
    return refuse (uri, error, "it names no port");
  if (*path != '\0' && strcmp (path, "/") != 0)
    return refuse (uri, error, "a %s URI has no path, but here is \"%s\"",
                   scheme_names[self->scheme], path);
  numeric = g_inet_socket_address_new_from_string (host, port);
  if (numeric != NULL)
    {
      *address = tally_endpoint_describe_address (numeric);
      self->connectable = G_SOCKET_CONNECTABLE (numeric);
    }
  else
    {
      g_autofree gchar *lower = g_ascii_strdown (host, -1);
      g_autofree gchar *escaped = NULL;

      if (strchr (host, ':') != NULL)
        return refuse (uri, error, "\"%s\" is no IPv6 address", host);
      escaped = g_uri_escape_string (lower, NULL, FALSE);
      *address = g_strdup_printf ("//%s:%d", escaped, port);
      self->connectable = g_network_address_new (lower, port);
    }
  return TRUE;
}

/* Either an absolute path or, as unix(7) has it, an abstract name: "@" stands for the zero byte that
 * begins it, so that both may have equally many bytes. */
static gboolean
parse_path (TallyEndpoint *self, const gchar *uri, GUri *parsed, gchar **address, GError **error)
{
  const gchar *path = g_uri_get_path (parsed);
  gboolean is_abstract = g_uri_get_host (parsed) == NULL && *path == '@';
  gsize longest = sizeof ((struct sockaddr_un *) NULL)->sun_path - 1;
  const gchar *name = is_abstract ? path + 1 : path;

  if (!is_abstract
      && (*path != '/' || (g_uri_get_host (parsed) != NULL && *g_uri_get_host (parsed) != '\0')))
    return refuse (uri, error,
                   "a unix URI is unix:// and an absolute path, as in unix:///run/echo.sock, or "
                   "unix:@ and an abstract name, as in unix:@echo");
  if (path[1] == '\0')
    return refuse (uri, error, "it names no %s", is_abstract ? "abstract name" : "path");
  if (strlen (name) > longest)
    return refuse (uri, error,
                   "its %s has %" G_GSIZE_FORMAT " bytes; a socket's has at most %" G_GSIZE_FORMAT,
                   is_abstract ? "abstract name" : "path", strlen (name), longest);
  self->connectable = G_SOCKET_CONNECTABLE (g_unix_socket_address_new_with_type (
      name, -1, is_abstract ? G_UNIX_SOCKET_ADDRESS_ABSTRACT : G_UNIX_SOCKET_ADDRESS_PATH));
  *address = tally_endpoint_describe_address (G_SOCKET_ADDRESS (self->connectable));
  return TRUE;
}

static gboolean
parse_scheme (TallyEndpoint *self, const gchar *uri, const gchar *scheme, GError **error)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (scheme_names); i++)
    if (strcmp (scheme, scheme_names[i]) == 0)
      {
        self->scheme = i;
        return TRUE;
      }
  return refuse (uri, error, "unknown scheme \"%s\"; there are tcp, unix and tls", scheme);
}

static void
append_option (GString *text, gboolean is_set, const gchar *option, const gchar *value)
{
  if (!is_set)
    return;
  g_string_append_printf (text, "%c%s=", strchr (text->str, '?') == NULL ? '?' : '&', option);
  g_string_append_uri_escaped (text, value, NULL, FALSE);
}

static void
append_tls (GString *text, const TallyTlsOptions *tls)
{
  append_option (text, tls->ca != NULL, "ca", tls->ca);
  append_option (text, tls->certificate != NULL, "cert", tls->certificate);
  append_option (text, tls->key != NULL, "key", tls->key);
  append_option (text, tls->identity != NULL, "identity", tls->identity);
  append_option (text, !tls->checks_host, "host-check", truth_names[tls->checks_host]);
  append_option (text, tls->clients != TALLY_TLS_CLIENTS_IGNORED, "clients",
                 clients_names[tls->clients]);
}

/* Defaults are left out, so that equal meanings have equal texts. @tls (nullable): to be said, too. */
static gchar *
make_canonical (const TallyEndpoint *self, const gchar *address, const TallyTlsOptions *tls)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%s:%s", scheme_names[self->scheme], address);
  append_option (text, self->protocol != TALLY_PROTOCOL_BINARY, "protocol",
                 tally_protocol_get_name (self->protocol));
  append_option (text, self->framing != TALLY_FRAMING_FRAMED, "transport",
                 tally_framing_get_name (self->framing));
  append_option (text, self->transform != 0, "transform", transform_names[self->transform]);
  append_option (text, self->service != NULL, "service", self->service);
  append_option (text, self->mode == TALLY_MODE_SHARED, "mode", mode_names[TALLY_MODE_SHARED]);
  if (tls != NULL)
    append_tls (text, tls);
  return g_string_free (text, FALSE);
}

static void
replace_text (gchar **text, const gchar *by)
{
  if (by == NULL)
    return;
  g_free (*text);
  *text = g_strdup (by);
}

static gboolean
override_tls (TallyEndpoint *self, const gchar *uri, const TallyTlsOptions *tls, GError **error)
{
  gboolean is_set = tls->ca != NULL || tls->certificate != NULL || tls->key != NULL
                    || tls->identity != NULL || !tls->checks_host;

  if (is_set && self->scheme != TALLY_SCHEME_TLS)
    return refuse (uri, error, "a property of TLS is set, which has no meaning without it");
  if (tls->certificate != NULL) /* the URI's key is another one's */
    g_clear_pointer (&self->tls.key, g_free);
  replace_text (&self->tls.ca, tls->ca);
  replace_text (&self->tls.certificate, tls->certificate);
  replace_text (&self->tls.key, tls->key);
  replace_text (&self->tls.identity, tls->identity);
  self->tls.checks_host &= tls->checks_host;
  return TRUE;
}

/* @tls (nullable): what counts instead. */
static gboolean
parse (TallyEndpoint *self, const gchar *uri, const TallyTlsOptions *tls, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GUri) parsed = NULL;
  g_autofree gchar *address = NULL;

  parsed = g_uri_parse (uri, G_URI_FLAGS_ENCODED_QUERY, &local_error);
  if (parsed == NULL)
    return refuse (uri, error, "%s", local_error->message);
  if (!parse_scheme (self, uri, g_uri_get_scheme (parsed), error))
    return FALSE;
  if (g_uri_get_userinfo (parsed) != NULL)
    return refuse (uri, error, "a user or password has no meaning here");
  if (g_uri_get_fragment (parsed) != NULL)
    return refuse (uri, error, "\"#%s\" has no meaning here", g_uri_get_fragment (parsed));
  if (self->scheme == TALLY_SCHEME_UNIX ? !parse_path (self, uri, parsed, &address, error)
                                        : !parse_host (self, uri, parsed, &address, error))
    return FALSE;
  if (g_uri_get_query (parsed) != NULL && !parse_query (self, uri, g_uri_get_query (parsed), error))
    return FALSE;
  if (self->transform != 0 && self->framing != TALLY_FRAMING_HEADER)
    return refuse (uri, error, "transform has no meaning without transport=header");
  if (tls != NULL && !override_tls (self, uri, tls, error))
    return FALSE;
  if (self->tls.key != NULL && self->tls.certificate == NULL)
    return refuse (uri, error, "key is of no use without cert");
  self->bare_uri = make_canonical (self, address, NULL);
  self->uri = make_canonical (self, address, &self->tls);
  self->hash = g_str_hash (self->uri);
  if (self->scheme == TALLY_SCHEME_TLS)
    self->credentials = tally_tls_credentials_new (&self->tls, TALLY_TLS_TRUST_SOMEBODY);
  return TRUE;
}

/* ---- public functions ---- */

/**
 * tally_endpoint_new:
 * @uri: `tcp://host:port`, `tls://host:port`, `unix:///path` or `unix:@name`, with options after `?`
 * @error: return location
 *
 * Parses a URI. Host, path and name may be percent-encoded; IPv6 addresses stand in brackets. Port 0 is
 * accepted, because a server may listen there; dialing it fails. The options are
 * `protocol=binary|compact`, `transport=framed|buffered|header`, `transform=none|zlib`, which
 * compresses what is sent by `transport=header`, `service=NAME`,
 * `mode=pooled|unpooled|shared`, `timeout=MILLISECONDS` and `strict=yes|no`, which says whether a
 * binary header must have a version, each at most once. Of use to channels: `attempts=1…10`, how often a call may be
 * made (tally_retry_policy_new()), and where they lead to several endpoints `picker=two-choices|least|round-robin|first`,
 * `subset=NUMBER` and `weights=NUMBER,…` (tally_channel_new()). Of use to servers: `order=requests|any`, the
 * order in which a connection's answers leave, and `concurrent=yes|no`, whether its requests run side by side, which they
 * do with `order=any`, too.
 *
 * A server's protocol and transport may also be `auto`: then each connection's are found by its first bytes.
 *
 * With `tls` there are also `ca=FILE`, whose authorities are trusted instead of the system's,
 * `cert=FILE` and `key=FILE`, which say who this side is (PEM; the key may be in the certificate's
 * file), and, of use to clients, `identity=NAME`, the name that the server's certificate must have
 * instead of the host's, and `host-check=no`, by which any name will do: any holder of a
 * certificate of a trusted authority can then pose as the server. Of use to servers:
 * `clients=ignored|requested|required`, which says whether a client must have a certificate.
 *
 * Returns: (transfer full): a new endpoint, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT, which
 *   names the part that is wrong
 */
TallyEndpoint *
tally_endpoint_new (const gchar *uri, GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  return tally_endpoint_new_with_tls (uri, NULL, error);
}

TallyEndpoint *
tally_endpoint_new_with_tls (const gchar *uri, const TallyTlsOptions *tls, GError **error)
{
  g_autoptr (TallyEndpoint) self = NULL;

  self = g_new0 (TallyEndpoint, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->timeout = -1;
  self->is_strict = TRUE;
  self->tls.checks_host = TRUE;
  return parse (self, uri, tls, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tally_endpoint_ref:
 * @endpoint: an endpoint
 *
 * Thread-safe.
 *
 * Returns: (transfer full): @endpoint
 */
TallyEndpoint *
tally_endpoint_ref (TallyEndpoint *endpoint)
{
  g_return_val_if_fail (endpoint != NULL, NULL);
  g_atomic_ref_count_inc (&endpoint->ref_count);
  return endpoint;
}

/**
 * tally_endpoint_unref:
 * @endpoint: (transfer full): an endpoint
 *
 * Drops a reference, and with the last one the endpoint. Thread-safe.
 */
void
tally_endpoint_unref (TallyEndpoint *endpoint)
{
  g_return_if_fail (endpoint != NULL);
  if (!g_atomic_ref_count_dec (&endpoint->ref_count))
    return;
  g_clear_object (&endpoint->connectable);
  g_free (endpoint->service);
  g_free (endpoint->weights);
  g_clear_pointer (&endpoint->credentials, tally_tls_credentials_free);
  g_free (endpoint->tls.ca);
  g_free (endpoint->tls.certificate);
  g_free (endpoint->tls.key);
  g_free (endpoint->tls.identity);
  g_free (endpoint->bare_uri);
  g_free (endpoint->uri);
  g_free (endpoint);
}
