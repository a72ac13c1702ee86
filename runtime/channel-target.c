/* Owns what a channel's URI and resolver mean for its calls: where they go, and how they speak there. */
#include "channel-private.h"
#include "retry-private.h"

static gboolean
has_port_0 (TallyEndpoint *endpoint)
{
  GSocketConnectable *connectable = tally_endpoint_get_connectable (endpoint);

  if (G_IS_NETWORK_ADDRESS (connectable))
    return g_network_address_get_port (G_NETWORK_ADDRESS (connectable)) == 0;
  return G_IS_INET_SOCKET_ADDRESS (connectable)
         && g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (connectable)) == 0;
}

/* Says no to what this version cannot do when the channel is made rather than at its first call. */
static gboolean
check_supported (TallyEndpoint *endpoint, gboolean has_resolver, GError **error)
{
  const gchar *uri = tally_endpoint_get_uri (endpoint);

  if (tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_TLS && !tally_tls_check (uri, error))
    return FALSE;
  if (tally_endpoint_get_protocol (endpoint) == TALLY_PROTOCOL_AUTO
      || tally_endpoint_get_framing (endpoint) == TALLY_FRAMING_AUTO)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                   "%s: auto is for servers; a client has to say how it speaks", uri);
      return FALSE;
    }
  if (tally_endpoint_get_framing (endpoint) == TALLY_FRAMING_HEADER
      && !tally_codec_get (tally_endpoint_get_protocol (endpoint))->is_in_header_frames)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                   "%s: the header transport does not carry this protocol", uri);
      return FALSE;
    }
  if (has_resolver && tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_UNIX)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                   "%s: a resolver finds hosts and ports; the scheme is then tcp or tls", uri);
      return FALSE;
    }
  if (!has_resolver && has_port_0 (endpoint))
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                   "%s: nobody can be reached at port 0", uri);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_all_supported (const GArray *targets, gboolean has_resolver, GError **error)
{
  for (guint i = 0; i < targets->len; i++)
    if (!check_supported (g_array_index (targets, TallyTarget, i).endpoint, has_resolver, error))
      return FALSE;
  return TRUE;
}

static void
set_retry_policy_of_endpoint (TallyChannel *self)
{
  g_autoptr (TallyRetryPolicy) policy =
      tally_retry_policy_new (tally_endpoint_get_attempts (self->endpoint));

  tally_channel_set_retry_policy (self, policy);
}

/* Where it leads: to one endpoint, to several, or to those that a resolver finds. @options: of each. */
static void
set_target (TallyChannel *self, const gchar *uri, const GArray *targets, TallyEndpoint *options)
{
  if (self->resolver == NULL && targets->len == 1)
    {
      self->bucket = tally_pool_dup_bucket (self->pool, options);
      return;
    }
  self->fleet = tally_fleet_new (self->pool, self->uri, options);
  if (self->resolver != NULL)
    tally_fleet_follow (self->fleet, self->resolver, uri, &self->tls);
  else
    tally_fleet_set_targets (self->fleet, targets);
}

static void
set_speech (TallyChannel *self, TallyEndpoint *endpoint)
{
  self->codec = tally_codec_get (tally_endpoint_get_protocol (endpoint));
  self->framing = tally_endpoint_get_framing (endpoint);
  self->unpooled = tally_endpoint_get_mode (endpoint) == TALLY_MODE_UNPOOLED;
  self->is_shared = tally_endpoint_get_mode (endpoint) == TALLY_MODE_SHARED;
  self->is_compressed = tally_endpoint_is_compressed (endpoint);
  self->service = tally_endpoint_get_service (endpoint);
  if (tally_endpoint_get_timeout (endpoint) >= 0)
    self->timeout = tally_endpoint_get_timeout (endpoint);
  self->strict = tally_endpoint_get_strict (endpoint);
}

/* The URI that says how to speak, and what finds the endpoints, if anything does. (transfer full) (nullable). */
static gchar *
find_plain_uri (TallyChannel *self, GError **error)
{
  TallyResolver *resolver;
  gchar *plain;

  if (self->resolver != NULL)
    return g_strdup (self->uri);
  if (!tally_resolver_parse_uri (self->uri, &resolver, &plain, error))
    return NULL;
  self->resolver = resolver;
  return plain != NULL ? plain : g_strdup (self->uri);
}

gboolean
tally_channel_open (TallyChannel *self, GError **error)
{
  g_autoptr (GArray) targets = NULL;
  g_autofree gchar *plain = NULL;
  TallyEndpoint *endpoint;

  if (self->uri == NULL)
    {
      g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                           "a channel needs a URI that it leads to");
      return FALSE;
    }
  plain = find_plain_uri (self, error);
  if (plain == NULL)
    return FALSE;
  targets = tally_targets_new (plain, &self->tls, error);
  if (targets == NULL || !check_all_supported (targets, self->resolver != NULL, error))
    return FALSE;
  endpoint = g_array_index (targets, TallyTarget, 0).endpoint;
  set_target (self, plain, targets, endpoint);
  set_speech (self, endpoint);
  self->is_special = self->bucket == NULL;
  self->endpoint = tally_endpoint_ref (endpoint);
  if (tally_endpoint_get_attempts (endpoint) > 0)
    set_retry_policy_of_endpoint (self);
  return TRUE;
}
