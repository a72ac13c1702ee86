/* Owns the channel object and its options. What its URI means is in channel-target.c, the call itself in call.c. */
#include "tally-channel.h"

#include "async-private.h"
#include "channel-private.h"
#include "retry-private.h"

#define DEFAULT_TIMEOUT 30000 /* ms */

enum
{
  PROP_CHANNEL_0,
  PROP_CHANNEL_URI,
  PROP_CHANNEL_POOL,
  PROP_CHANNEL_RESOLVER,
  PROP_TIMEOUT,
  PROP_MAX_MESSAGE_SIZE,
  PROP_MAX_MESSAGE_MEMORY,
  PROP_MAX_DEPTH,
  PROP_STRICT,
  PROP_RETRY_POLICY,
  PROP_CHANNEL_TLS_CA,
  PROP_CHANNEL_TLS_CERTIFICATE,
  PROP_CHANNEL_TLS_KEY,
  PROP_CHANNEL_TLS_IDENTITY,
  PROP_CHANNEL_TLS_HOST_CHECK,
  N_CHANNEL_PROPERTIES
};

static GParamSpec *channel_properties[N_CHANNEL_PROPERTIES];

/**
 * TallyChannel:
 *
 * A service's endpoint and the way in which calls reach it. It is made by tally_channel_new(), or by
 * g_initable_new() with its properties. Thread-safe.
 */
static void tally_channel_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TallyChannel,
                               tally_channel,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, tally_channel_initable_init))

/* ---- TLS ---- */

/* Where the property @id lies that is a text. */
static gchar **
find_tls_property (TallyTlsOptions *tls, guint id)
{
  switch (id)
    {
    case PROP_CHANNEL_TLS_CA:
      return &tls->ca;
    case PROP_CHANNEL_TLS_CERTIFICATE:
      return &tls->certificate;
    case PROP_CHANNEL_TLS_KEY:
      return &tls->key;
    case PROP_CHANNEL_TLS_IDENTITY:
      return &tls->identity;
    default:
      return NULL;
    }
}

/* What counts: the URI's, as far as no property was set. */
static TallyTlsOptions
get_effective_tls (const TallyChannel *self)
{
  return self->endpoint != NULL ? *tally_endpoint_get_tls (self->endpoint) : self->tls;
}

static void
get_tls_property (const TallyChannel *self, guint id, GValue *value, GParamSpec *pspec)
{
  TallyTlsOptions tls = get_effective_tls (self);
  gchar **text = find_tls_property (&tls, id);

  if (text != NULL)
    g_value_set_string (value, *text);
  else if (id == PROP_CHANNEL_TLS_HOST_CHECK)
    g_value_set_boolean (value, tls.checks_host);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (self, id, pspec);
}

static void
set_tls_property (TallyChannel *self, guint id, const GValue *value, GParamSpec *pspec)
{
  gchar **text = find_tls_property (&self->tls, id);

  if (text != NULL)
    *text = g_value_dup_string (value);
  else if (id == PROP_CHANNEL_TLS_HOST_CHECK)
    self->tls.checks_host = g_value_get_boolean (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (self, id, pspec);
}

/* ---- the object ---- */

static void
tally_channel_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TallyChannel *self = TALLY_CHANNEL (object);

  switch (id)
    {
    case PROP_CHANNEL_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_CHANNEL_POOL:
      g_value_set_object (value, self->pool);
      break;
    case PROP_CHANNEL_RESOLVER:
      g_value_set_object (value, self->resolver);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, tally_channel_get_timeout (self));
      break;
    case PROP_MAX_MESSAGE_SIZE:
      g_value_set_uint (value, tally_channel_get_max_message_size (self));
      break;
    case PROP_MAX_MESSAGE_MEMORY:
      g_value_set_uint64 (value, tally_channel_get_max_message_memory (self));
      break;
    case PROP_MAX_DEPTH:
      g_value_set_uint (value, tally_channel_get_max_depth (self));
      break;
    case PROP_STRICT:
      g_value_set_boolean (value, tally_channel_get_strict (self));
      break;
    case PROP_RETRY_POLICY:
      g_value_take_boxed (value, tally_channel_dup_retry_policy (self));
      break;
    default:
      get_tls_property (self, id, value, pspec);
    }
}

static void
tally_channel_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyChannel *self = TALLY_CHANNEL (object);

  switch (id)
    {
    case PROP_CHANNEL_URI:
      self->uri = g_value_dup_string (value);
      break;
    case PROP_CHANNEL_POOL:
      self->pool = g_value_dup_object (value);
      break;
    case PROP_CHANNEL_RESOLVER:
      self->resolver = g_value_dup_object (value);
      break;
    case PROP_TIMEOUT:
      tally_channel_set_timeout (self, g_value_get_uint (value));
      break;
    case PROP_MAX_MESSAGE_SIZE:
      tally_channel_set_max_message_size (self, g_value_get_uint (value));
      break;
    case PROP_MAX_MESSAGE_MEMORY:
      tally_channel_set_max_message_memory (self, g_value_get_uint64 (value));
      break;
    case PROP_MAX_DEPTH:
      tally_channel_set_max_depth (self, g_value_get_uint (value));
      break;
    case PROP_STRICT:
      tally_channel_set_strict (self, g_value_get_boolean (value));
      break;
    case PROP_RETRY_POLICY:
      tally_channel_set_retry_policy (self, g_value_get_boxed (value));
      break;
    default:
      set_tls_property (self, id, value, pspec);
    }
}

/* After this GObject sets what is no construct property. */
static void
tally_channel_constructed (GObject *object)
{
  TallyChannel *self = TALLY_CHANNEL (object);

  G_OBJECT_CLASS (tally_channel_parent_class)->constructed (object);
  if (self->pool == NULL)
    self->pool = g_object_ref (tally_pool_get_default ());
  tally_channel_open (self, &self->failure);
}

static gboolean
tally_channel_init_now (GInitable *initable, GCancellable *cancellable, GError **error)
{
  TallyChannel *self = TALLY_CHANNEL (initable);

  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  return self->failure == NULL;
}

static void
tally_channel_initable_init (GInitableIface *iface)
{
  iface->init = tally_channel_init_now;
}

static void
tally_channel_finalize (GObject *object)
{
  TallyChannel *self = TALLY_CHANNEL (object);

  tally_retry_clear_channel (self);
  tally_interceptors_clear (&self->interceptors);
  g_clear_error (&self->failure);
  g_free (self->uri);
  g_free (self->tls.ca);
  g_free (self->tls.certificate);
  g_free (self->tls.key);
  g_free (self->tls.identity);
  g_clear_pointer (&self->bucket, tally_bucket_unref);
  g_clear_pointer (&self->fleet, tally_fleet_free);
  g_clear_object (&self->pool);
  g_clear_object (&self->resolver);
  g_clear_pointer (&self->endpoint, tally_endpoint_unref);
  G_OBJECT_CLASS (tally_channel_parent_class)->finalize (object);
}

static void
make_target_properties (void)
{
  /**
   * TallyChannel:uri:
   *
   * Where the channel leads and how it speaks there, as it was given: see tally_channel_new().
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_URI] =
      g_param_spec_string ("uri", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:pool:
   *
   * Where its connections come from. %NULL when it is made: the process-wide default pool.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_POOL] =
      g_param_spec_object ("pool", NULL, NULL, TALLY_TYPE_POOL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:resolver:
   *
   * What says where the copies of the service are; %NULL: the URI does. The URI's options go for each of them; of its host and
   * port only the name counts that messages have.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_RESOLVER] =
      g_param_spec_object ("resolver", NULL, NULL, TALLY_TYPE_RESOLVER,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
}

static void
make_limit_properties (void)
{
  /**
   * TallyChannel:timeout:
   *
   * Milliseconds that a call may take in all its steps; 0 = no limit.
   * Default: 30,000.
   *
   * Since: 0.1
   */
  channel_properties[PROP_TIMEOUT] =
      g_param_spec_uint ("timeout", NULL, NULL, 0, G_MAXINT, DEFAULT_TIMEOUT,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:max-message-size:
   *
   * Bytes that a request or a reply may have.
   * Default: 16 MiB.
   *
   * Since: 0.1
   */
  channel_properties[PROP_MAX_MESSAGE_SIZE] =
      g_param_spec_uint ("max-message-size", NULL, NULL, 1, G_MAXINT, 16 << 20,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:max-message-memory:
   *
   * Bytes of memory that a reply may take once decoded; 0 = 16 times the message size.
   * Default: 0.
   *
   * Since: 0.2
   */
  channel_properties[PROP_MAX_MESSAGE_MEMORY] =
      g_param_spec_uint64 ("max-message-memory", NULL, NULL, 0, G_MAXSIZE, 0,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:max-depth:
   *
   * How deep structs and containers may be nested in a reply.
   * Default: 64.
   *
   * Since: 0.2
   */
  channel_properties[PROP_MAX_DEPTH] =
      g_param_spec_uint ("max-depth", NULL, NULL, 1, TALLY_MAX_DEPTH_MAX, 64,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyChannel:strict:
   *
   * Whether a reply in the binary protocol must have a version in its header.
   * Default: TRUE.
   *
   * Since: 0.2
   */
  channel_properties[PROP_STRICT] =
      g_param_spec_boolean ("strict", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
make_retry_property (void)
{
  /**
   * TallyChannel:retry-policy:
   *
   * What calls do after a failure; %NULL: nothing. The URI's `attempts` makes one.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_RETRY_POLICY] =
      g_param_spec_boxed ("retry-policy", NULL, NULL, TALLY_TYPE_RETRY_POLICY,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static GParamSpec *
make_tls_text (const gchar *name)
{
  return g_param_spec_string (name, NULL, NULL, NULL,
                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
}

/* Construct-only: they are a part of what a pool knows an endpoint by. */
static void
make_tls_properties (void)
{
  /**
   * TallyChannel:tls-ca:
   *
   * File of the authorities that are trusted, PEM, instead of the URI's `ca`.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_TLS_CA] = make_tls_text ("tls-ca");
  /**
   * TallyChannel:tls-certificate:
   *
   * File of the channel's own certificate, PEM, with the chain behind it, instead of
   * the URI's `cert` and `key`.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_TLS_CERTIFICATE] = make_tls_text ("tls-certificate");
  /**
   * TallyChannel:tls-key:
   *
   * File of that certificate's key, PEM; %NULL: the certificate's file has it.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_TLS_KEY] = make_tls_text ("tls-key");
  /**
   * TallyChannel:tls-identity:
   *
   * The name that the server's certificate must have, instead of the URI's `identity` or host.
   * Default: NULL.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_TLS_IDENTITY] = make_tls_text ("tls-identity");
  /**
   * TallyChannel:tls-host-check:
   *
   * Whether that name is looked at. %FALSE also where the URI says `host-check=no`: then any peer with a
   * certificate of a trusted authority can pose as the server.
   * Default: TRUE.
   *
   * Since: 0.2
   */
  channel_properties[PROP_CHANNEL_TLS_HOST_CHECK] =
      g_param_spec_boolean ("tls-host-check", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
}

static void
tally_channel_class_init (TallyChannelClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->get_property = tally_channel_get_property;
  object_class->set_property = tally_channel_set_property;
  object_class->constructed = tally_channel_constructed;
  object_class->finalize = tally_channel_finalize;
  make_target_properties ();
  make_limit_properties ();
  make_retry_property ();
  make_tls_properties ();
  g_object_class_install_properties (object_class, N_CHANNEL_PROPERTIES, channel_properties);
}

static void
tally_channel_init (TallyChannel *self)
{
  self->timeout = DEFAULT_TIMEOUT;
  self->max_message = tally_limits_default.max_message;
  self->max_depth = tally_limits_default.max_depth;
  self->strict = tally_limits_default.strict;
  self->is_special = TRUE; /* it leads nowhere yet */
  pthread_mutex_init (&self->retry_lock, NULL);
}

/**
 * tally_channel_new:
 * @uri: see tally_endpoint_new(); there may be several endpoints, `tcp://a:1,b:1`, also such as DNS knows:
 *   `dns:///name:port`, all addresses of a host, and `srv://_service._tcp.domain`; with TLS `dns+tls` and `srv+tls`
 * @error: return location
 *
 * Makes a channel whose connections come from the process-wide default pool. No connection is made
 * before the first call. Of several endpoints each has its bucket in the pool, and a call goes to one that works.
 *
 * Returns: (transfer full): a new channel, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT or
 *   %TALLY_ERROR_NOT_SUPPORTED
 */
TallyChannel *
tally_channel_new (const gchar *uri, GError **error)
{
  return tally_channel_new_with_pool (uri, NULL, error);
}

/**
 * tally_channel_new_with_pool:
 * @uri: see tally_endpoint_new()
 * @pool: (nullable): where its connections come from; %NULL for the process-wide default pool
 * @error: return location
 *
 * As tally_channel_new(), with a pool of the caller's, of which a reference is taken.
 *
 * Returns: (transfer full): a new channel, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT or
 *   %TALLY_ERROR_NOT_SUPPORTED
 */
TallyChannel *
tally_channel_new_with_pool (const gchar *uri, TallyPool *pool, GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (pool == NULL || TALLY_IS_POOL (pool), NULL);
  return g_initable_new (TALLY_TYPE_CHANNEL, NULL, error, "uri", uri, "pool", pool, NULL);
}

/**
 * tally_channel_new_with_resolver:
 * @uri: how to speak: see tally_endpoint_new(). Host and port are a name for messages, and may be any
 * @resolver: what says where the copies of the service are, of which a reference is taken
 * @pool: (nullable): where its connections come from; %NULL for the process-wide default pool
 * @error: return location
 *
 * Makes a channel to endpoints that @resolver finds. Calls that begin before it has found any wait for that within their
 * deadline.
 *
 * Returns: (transfer full): a new channel, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT or
 *   %TALLY_ERROR_NOT_SUPPORTED
 *
 * Since: 0.2
 */
TallyChannel *
tally_channel_new_with_resolver (const gchar *uri,
                                 TallyResolver *resolver,
                                 TallyPool *pool,
                                 GError **error)
{
  g_return_val_if_fail (uri != NULL && TALLY_IS_RESOLVER (resolver), NULL);
  g_return_val_if_fail (pool == NULL || TALLY_IS_POOL (pool), NULL);
  return g_initable_new (TALLY_TYPE_CHANNEL, NULL, error, "uri", uri, "resolver", resolver, "pool",
                         pool, NULL);
}

/**
 * tally_channel_get_endpoint:
 * @self: a channel
 *
 * Returns: (transfer none) (nullable): where the channel leads, of several the first, and with a
 *   resolver only how to speak there; %NULL where g_initable_init() has failed or
 *   would fail: calls are refused then
 */
TallyEndpoint *
tally_channel_get_endpoint (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), NULL);
  return self->endpoint;
}

/**
 * tally_channel_get_pool:
 * @self: a channel
 *
 * Returns: (transfer none): where its connections come from
 */
TallyPool *
tally_channel_get_pool (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), NULL);
  return self->pool;
}
