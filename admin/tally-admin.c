/* TallyAdmin as an object: what it watches, where it listens, its properties. */
#include "tally-admin.h"

#include <unistd.h>

#include "admin-private.h"

#define DEFAULT_MAX_CONNECTIONS 32
#define DEFAULT_REQUEST_TIMEOUT 30000
#define DEFAULT_MAX_ENDPOINTS 200

enum
{
  PROP_ALLOW_REMOTE = 1,
  PROP_MAX_CONNECTIONS,
  PROP_REQUEST_TIMEOUT,
  PROP_MAX_ENDPOINTS,
  N_PROPERTIES
};

static GParamSpec *admin_properties[N_PROPERTIES];

/**
 * TallyAdmin:
 *
 * Answers an operator's questions about this program over HTTP, on a thread of its own, so that a program that is blocked
 * answers, too. It is in a library of its own, libtally-admin.
 *
 * | path | answer |
 * |---|---|
 * | `/` | a page for people, live |
 * | `/metrics` | everything as OpenMetrics text, for Prometheus |
 * | `/healthz` | 200 while each server serves, else 503 |
 * | `/servers`, `/pools`, `/methods` | numbers as JSON |
 * | `/connections` | connections of a pool, with what holds each for how long; peers of a server, with what is done for each; as JSON |
 *
 * Properties, to be set before it listens:
 *
 * | property | default | meaning |
 * |---|---|---|
 * | `allow-remote` | %FALSE | whether it may listen at an address that other machines reach; there is no password |
 * | `max-connections` | 32 | connections at once; for one more the oldest is closed |
 * | `request-timeout` | 30000 | milliseconds after which a connection is closed, whatever its state |
 * | `max-endpoints` | 200 | endpoints of a pool that are shown one by one, in the order of their names; the others are added up |
 *
 * What is shown are names of methods, servers and pools, endpoints as URIs, labels of borrowers, addresses of peers, and numbers; no arguments,
 * no results, and of certificates and keys no more than the file names in a URI.
 *
 * Since: 0.2
 */
struct _TallyAdmin
{
  GObject parent_instance;

  AdminWatched watched;
  gboolean allow_remote;
  AdminLimits limits;

  GMutex lock; /* of what follows */
  AdminListener *listener;
  AdminPlace place;
  pid_t pid; /* whose thread and whose file that is */
};

G_DEFINE_FINAL_TYPE (TallyAdmin, tally_admin, G_TYPE_OBJECT)

/* ---- what is watched ---- */

static void
source_free (gpointer data)
{
  AdminSource *self = data;

  g_free (self->name);
  g_clear_object (&self->server);
  g_clear_object (&self->pool);
  g_clear_object (&self->statistics);
  g_free (self);
}

static gboolean
has_name (GPtrArray *sources, const gchar *name)
{
  for (guint i = 0; i < sources->len; i++)
    if (strcmp (((const AdminSource *) g_ptr_array_index (sources, i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* Under a name that no other has: as a metric's label it must not be there twice. */
static void
add_source_locked (GPtrArray *sources, const gchar *name, AdminSource source)
{
  source.name = g_strdup (name);
  for (guint i = 2; has_name (sources, source.name); i++)
    {
      g_free (source.name);
      source.name = g_strdup_printf ("%s-%u", name, i);
    }
  g_ptr_array_add (sources, g_memdup2 (&source, sizeof source));
}

static void
add_pool_locked (TallyAdmin *self, const gchar *name, TallyPool *pool)
{
  for (guint i = 0; i < self->watched.pools->len; i++)
    if (((const AdminSource *) g_ptr_array_index (self->watched.pools, i))->pool == pool)
      return;
  add_source_locked (self->watched.pools, name, (AdminSource){ .pool = g_object_ref (pool) });
}

/**
 * tally_admin_add_server:
 * @self: an admin listener
 * @name: what it is called; "-2" and so on is added where another server is called that
 * @server: a server; a reference is taken until the end of @self
 *
 * Shows @server, and its methods: for these it gets an interceptor that counts, a #TallyCallStatistics. Requests that it
 * came to before are not counted. Thread-safe, also while it listens.
 *
 * Since: 0.2
 */
void
tally_admin_add_server (TallyAdmin *self, const gchar *name, TallyServer *server)
{
  TallyCallStatistics *statistics;

  g_return_if_fail (TALLY_IS_ADMIN (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (TALLY_IS_SERVER (server));
  statistics = tally_call_statistics_new ();
  tally_server_add_interceptor (server, TALLY_INTERCEPTOR (statistics));
  g_mutex_lock (&self->watched.lock);
  add_source_locked (self->watched.servers, name,
                     (AdminSource){ .server = g_object_ref (server), .statistics = statistics });
  g_mutex_unlock (&self->watched.lock);
}

/**
 * tally_admin_add_pool:
 * @self: an admin listener
 * @name: what it is called; "-2" and so on is added where another pool is called that
 * @pool: a pool; a reference is taken until the end of @self
 *
 * Shows the endpoints and connections of @pool, once however often it is added. Thread-safe, also while it listens.
 *
 * Since: 0.2
 */
void
tally_admin_add_pool (TallyAdmin *self, const gchar *name, TallyPool *pool)
{
  g_return_if_fail (TALLY_IS_ADMIN (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (TALLY_IS_POOL (pool));
  g_mutex_lock (&self->watched.lock);
  add_pool_locked (self, name, pool);
  g_mutex_unlock (&self->watched.lock);
}

/**
 * tally_admin_add_channel:
 * @self: an admin listener
 * @name: what it is called; "-2" and so on is added where another channel is called that
 * @channel: a channel
 *
 * Shows the methods that are called over @channel, for which it gets an interceptor that counts, a #TallyCallStatistics; and its
 * pool, as tally_admin_add_pool() does, which is called "default" if it is the default one. Thread-safe, also while it listens.
 *
 * Since: 0.2
 */
void
tally_admin_add_channel (TallyAdmin *self, const gchar *name, TallyChannel *channel)
{
  TallyCallStatistics *statistics;
  TallyPool *pool;

  g_return_if_fail (TALLY_IS_ADMIN (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (TALLY_IS_CHANNEL (channel));
  statistics = tally_call_statistics_new ();
  tally_channel_add_interceptor (channel, TALLY_INTERCEPTOR (statistics));
  pool = tally_channel_get_pool (channel);
  g_mutex_lock (&self->watched.lock);
  add_source_locked (self->watched.channels, name, (AdminSource){ .statistics = statistics });
  add_pool_locked (self, pool == tally_pool_get_default () ? "default" : name, pool);
  g_mutex_unlock (&self->watched.lock);
}

/* ---- where it listens ---- */

/**
 * tally_admin_listen:
 * @self: an admin listener
 * @uri: `http://127.0.0.1:PORT`, `http://[::1]:PORT`, `http://localhost:PORT`, which is 127.0.0.1, or `unix:///path`; port 0
 *   takes a free one
 * @error: (nullable): %TALLY_ERROR_INVALID_ARGUMENT, %TALLY_ERROR_FAILED
 *
 * Begins to answer at @uri, on a thread of its own. An address that is not a loopback one is refused unless the property
 * `allow-remote` is set. At a path, the file of a socket that is gone is replaced, as
 * #TallyServer does it: of several listeners that begin at one path exactly one gets it. Its
 * directory's permissions say which users may connect. A request over TCP must name an IP address, localhost or this machine's
 * name as its host, so that no page from elsewhere can read the answers by a name made up for this address. Thread-safe.
 *
 * Returns: whether it listens; %FALSE also if it did before
 *
 * Since: 0.2
 */
gboolean
tally_admin_listen (TallyAdmin *self, const gchar *uri, GError **error)
{
  gboolean listens = FALSE;

  g_return_val_if_fail (TALLY_IS_ADMIN (self), FALSE);
  g_return_val_if_fail (uri != NULL, FALSE);
  g_mutex_lock (&self->lock);
  if (self->listener != NULL)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%s: the admin listener listens at %s",
                 uri, self->place.uri);
  else
    listens = admin_place_open (&self->place, uri, self->allow_remote, error);
  if (listens)
    {
      self->pid = getpid ();
      self->listener = admin_listener_new (self->place.socket, &self->watched, &self->limits);
    }
  g_mutex_unlock (&self->lock);
  return listens;
}

/**
 * tally_admin_dup_uri:
 * @self: an admin listener
 *
 * Says where it listens. Thread-safe.
 *
 * Returns: (transfer full) (nullable): the URI with the real port; %NULL when it does not listen
 *
 * Since: 0.2
 */
gchar *
tally_admin_dup_uri (TallyAdmin *self)
{
  gchar *uri;

  g_return_val_if_fail (TALLY_IS_ADMIN (self), NULL);
  g_mutex_lock (&self->lock);
  uri = g_strdup (self->place.uri);
  g_mutex_unlock (&self->lock);
  return uri;
}

/**
 * tally_admin_stop:
 * @self: an admin listener
 *
 * Ends connections and thread, and waits for that, which does not depend on peers. Then it may listen again; what was added stays.
 * In a child process of that which listens it does nothing but forget. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_admin_stop (TallyAdmin *self)
{
  AdminListener *listener;

  g_return_if_fail (TALLY_IS_ADMIN (self));
  g_mutex_lock (&self->lock);
  listener = g_steal_pointer (&self->listener);
  if (listener != NULL && self->pid == getpid ()) /* a child process has no such thread */
    {
      admin_place_give_up (&self->place);
      admin_listener_free (listener);
    }
  admin_place_clear (&self->place);
  g_mutex_unlock (&self->lock);
}

/* ---- the object ---- */

static void
tally_admin_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  const TallyAdmin *self = TALLY_ADMIN (object);

  switch (id)
    {
    case PROP_ALLOW_REMOTE:
      g_value_set_boolean (value, self->allow_remote);
      break;
    case PROP_MAX_CONNECTIONS:
      g_value_set_uint (value, self->limits.max_connections);
      break;
    case PROP_REQUEST_TIMEOUT:
      g_value_set_uint (value, self->limits.request_timeout);
      break;
    case PROP_MAX_ENDPOINTS:
      g_value_set_uint (value, self->watched.max_endpoints);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_admin_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyAdmin *self = TALLY_ADMIN (object);

  switch (id)
    {
    case PROP_ALLOW_REMOTE:
      self->allow_remote = g_value_get_boolean (value);
      break;
    case PROP_MAX_CONNECTIONS:
      self->limits.max_connections = g_value_get_uint (value);
      break;
    case PROP_REQUEST_TIMEOUT:
      self->limits.request_timeout = g_value_get_uint (value);
      break;
    case PROP_MAX_ENDPOINTS:
      self->watched.max_endpoints = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_admin_finalize (GObject *object)
{
  TallyAdmin *self = TALLY_ADMIN (object);

  tally_admin_stop (self);
  g_ptr_array_unref (self->watched.servers);
  g_ptr_array_unref (self->watched.pools);
  g_ptr_array_unref (self->watched.channels);
  g_mutex_clear (&self->watched.lock);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (tally_admin_parent_class)->finalize (object);
}

static void
tally_admin_class_init (TallyAdminClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = tally_admin_finalize;
  object_class->get_property = tally_admin_get_property;
  object_class->set_property = tally_admin_set_property;
  admin_properties[PROP_ALLOW_REMOTE] =
      g_param_spec_boolean ("allow-remote", NULL, "Whether other machines may reach it", FALSE,
                            flags);
  admin_properties[PROP_MAX_CONNECTIONS] =
      g_param_spec_uint ("max-connections", NULL, "Connections at once", 1, 4096,
                         DEFAULT_MAX_CONNECTIONS, flags);
  admin_properties[PROP_REQUEST_TIMEOUT] =
      g_param_spec_uint ("request-timeout", NULL, "Milliseconds that a connection may last", 1,
                         3600000, DEFAULT_REQUEST_TIMEOUT, flags);
  admin_properties[PROP_MAX_ENDPOINTS] =
      g_param_spec_uint ("max-endpoints", NULL, "Endpoints of a pool that are shown one by one", 0,
                         G_MAXUINT - 1, DEFAULT_MAX_ENDPOINTS, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, admin_properties);
}

static void
tally_admin_init (TallyAdmin *self)
{
  self->limits = (AdminLimits){ DEFAULT_MAX_CONNECTIONS, DEFAULT_REQUEST_TIMEOUT };
  self->watched.max_endpoints = DEFAULT_MAX_ENDPOINTS;
  self->watched.servers = g_ptr_array_new_with_free_func (source_free);
  self->watched.pools = g_ptr_array_new_with_free_func (source_free);
  self->watched.channels = g_ptr_array_new_with_free_func (source_free);
  g_mutex_init (&self->watched.lock);
  g_mutex_init (&self->lock);
}

/**
 * tally_admin_new:
 *
 * Returns: (transfer full): an admin listener that shows nothing and does not listen
 *
 * Since: 0.2
 */
TallyAdmin *
tally_admin_new (void)
{
  return g_object_new (TALLY_TYPE_ADMIN, NULL);
}
