/* Owns the registration of a server in ZooKeeper: what it tells of the server, and when. */
#include "tally-zookeeper.h"
#include "zookeeper-address-private.h"
#include "zookeeper-entry-private.h"
#include "zookeeper-membership-private.h"
#include "zookeeper-session-private.h"

#define MIN_SESSION_TIMEOUT 1000

enum
{
  PROP_REGISTRATION_0,
  PROP_HOST,
  PROP_SHARD,
  PROP_SESSION_TIMEOUT,
  N_REGISTRATION_PROPERTIES
};

struct _ZookeeperRegistration
{
  TallyRegistration parent_instance;

  ZookeeperAddress *address;
  gchar *host; /* nullable */
  gint shard;
  guint session_timeout_ms;
  ZookeeperMembership *membership; /* nullable */
};

#define ZOOKEEPER_TYPE_REGISTRATION (zookeeper_registration_get_type ())
G_DECLARE_FINAL_TYPE (
    ZookeeperRegistration, zookeeper_registration, ZOOKEEPER, REGISTRATION, TallyRegistration)
G_DEFINE_FINAL_TYPE (ZookeeperRegistration, zookeeper_registration, TALLY_TYPE_REGISTRATION)

/* ---- what is told ---- */

/* What clients on other machines know a server by that listens at @host. */
static const gchar *
find_name (const gchar *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return address != NULL && g_inet_address_get_is_any (address) ? g_get_host_name () : host;
}

/* (transfer full) (nullable): what the member of a server at @uri says. */
static gchar *
print_member (const ZookeeperRegistration *self, const gchar *uri, GError **error)
{
  g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_ENCODED, NULL);
  const gchar *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;
  g_autofree gchar *joined = NULL;

  if (host == NULL || g_uri_get_port (parsed) <= 0)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                   "%s cannot be reached from other machines: ZooKeeper is told a host and a port",
                   uri);
      return NULL;
    }
  host = self->host != NULL ? self->host : find_name (host);
  joined = zookeeper_entry_join (host, g_uri_get_port (parsed), error);
  if (joined == NULL)
    return NULL;
  return zookeeper_entry_print (host, (guint) g_uri_get_port (parsed), self->shard);
}

/* ---- coming and going ---- */

static void
forget_membership (ZookeeperRegistration *self)
{
  if (self->membership != NULL)
    zookeeper_membership_end (g_steal_pointer (&self->membership));
}

static gboolean
zookeeper_registration_enter (TallyRegistration *registration,
                              const gchar *uri,
                              GCancellable *cancellable,
                              GError **error)
{
  ZookeeperRegistration *self = ZOOKEEPER_REGISTRATION (registration);
  gchar *data = print_member (self, uri, error);

  forget_membership (self); /* the parent's, in a child process */
  if (data == NULL)
    return FALSE;
  self->membership = zookeeper_membership_new (self->address, self->session_timeout_ms, data);
  return zookeeper_membership_enter (self->membership, cancellable, error);
}

static gboolean
zookeeper_registration_leave (TallyRegistration *registration,
                              GCancellable *cancellable,
                              GError **error)
{
  ZookeeperRegistration *self = ZOOKEEPER_REGISTRATION (registration);
  gboolean is_gone =
      self->membership == NULL || zookeeper_membership_leave (self->membership, cancellable, error);

  forget_membership (self);
  if (!is_gone)
    g_prefix_error (error, "it goes with its session, in %u ms: ", self->session_timeout_ms);
  return is_gone;
}

/* ---- the object ---- */

static void
zookeeper_registration_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  const ZookeeperRegistration *self = ZOOKEEPER_REGISTRATION (object);

  switch (id)
    {
    case PROP_HOST:
      g_value_set_string (value, self->host);
      break;
    case PROP_SHARD:
      g_value_set_int (value, self->shard);
      break;
    case PROP_SESSION_TIMEOUT:
      g_value_set_uint (value, self->session_timeout_ms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zookeeper_registration_set_property (GObject *object,
                                     guint id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  ZookeeperRegistration *self = ZOOKEEPER_REGISTRATION (object);

  switch (id)
    {
    case PROP_HOST:
      g_free (self->host);
      self->host = g_value_dup_string (value);
      break;
    case PROP_SHARD:
      self->shard = g_value_get_int (value);
      break;
    case PROP_SESSION_TIMEOUT:
      self->session_timeout_ms = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zookeeper_registration_finalize (GObject *object)
{
  ZookeeperRegistration *self = ZOOKEEPER_REGISTRATION (object);

  forget_membership (self);
  zookeeper_address_free (self->address);
  g_free (self->host);
  G_OBJECT_CLASS (zookeeper_registration_parent_class)->finalize (object);
}

static void
zookeeper_registration_class_init (ZookeeperRegistrationClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  TallyRegistrationClass *registration_class = TALLY_REGISTRATION_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = zookeeper_registration_get_property;
  object_class->set_property = zookeeper_registration_set_property;
  object_class->finalize = zookeeper_registration_finalize;
  registration_class->enter = zookeeper_registration_enter;
  registration_class->leave = zookeeper_registration_leave;
  g_object_class_install_property (object_class, PROP_HOST,
                                   g_param_spec_string ("host", NULL, NULL, NULL, flags));
  g_object_class_install_property (object_class, PROP_SHARD,
                                   g_param_spec_int ("shard", NULL, NULL, -1, G_MAXINT, -1, flags));
  g_object_class_install_property (object_class, PROP_SESSION_TIMEOUT,
                                   g_param_spec_uint ("session-timeout", NULL, NULL,
                                                      MIN_SESSION_TIMEOUT, G_MAXINT,
                                                      ZOOKEEPER_SESSION_TIMEOUT, flags));
}

static void
zookeeper_registration_init (ZookeeperRegistration *self)
{
  self->shard = -1;
  self->session_timeout_ms = ZOOKEEPER_SESSION_TIMEOUT;
}

/**
 * tally_zookeeper_registration_new:
 * @uri: `zookeeper://HOST:PORT,HOST:PORT/PATH`, without options
 * @error: return location
 *
 * Makes a registration for tally_server_add_registration(): the server is a member of the path while it serves, an ephemeral and
 * sequential node `member_…` as a ServerSet has it. The path's nodes are made where they are absent. When the session with ZooKeeper
 * expires, or somebody removes the member, it is made again; it is taken away before the server drains.
 *
 * Properties, to be set before the server serves:
 *
 * | property | default | meaning |
 * |---|---|---|
 * | `host` | %NULL | the server's name or address in the member; %NULL: where it listens, or this machine's name if it listens at every address |
 * | `shard` | -1 | the member's `shard`; -1: it has none |
 * | `session-timeout` | 10000 | milliseconds after which ZooKeeper takes away the member of a server that does not answer; ZooKeeper has limits for it |
 *
 * Returns: (transfer full): a registration, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT
 *
 * Since: 0.2
 */
TallyRegistration *
tally_zookeeper_registration_new (const gchar *uri, GError **error)
{
  g_autoptr (ZookeeperAddress) address = NULL;
  ZookeeperRegistration *self;

  g_return_val_if_fail (uri != NULL, NULL);
  address = zookeeper_address_parse_uri (uri, error);
  if (address == NULL)
    return NULL;
  if (address->endpoint != NULL)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                   "\"%s\": a registration writes no additional endpoints", uri);
      return NULL;
    }
  self = g_object_new (ZOOKEEPER_TYPE_REGISTRATION, NULL);
  self->address = g_steal_pointer (&address);
  return TALLY_REGISTRATION (self);
}
