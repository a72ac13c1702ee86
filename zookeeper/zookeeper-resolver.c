/* Owns the resolver of `zookeeper://`: it follows a path's members from the first call on, in a child process once more. */
#include "tally-zookeeper.h"
#include "zookeeper-address-private.h"
#include "zookeeper-members-private.h"

struct _ZookeeperResolver
{
  TallyResolver parent_instance;

  ZookeeperAddress *address;
  ZookeeperMembers *members; /* nullable; atomic, as a lock might be held while a child begins */
};

#define ZOOKEEPER_TYPE_RESOLVER (zookeeper_resolver_get_type ())
G_DECLARE_FINAL_TYPE (ZookeeperResolver, zookeeper_resolver, ZOOKEEPER, RESOLVER, TallyResolver)
G_DEFINE_FINAL_TYPE (ZookeeperResolver, zookeeper_resolver, TALLY_TYPE_RESOLVER)

/* (transfer none): this process' own. */
static ZookeeperMembers *
get_members (ZookeeperResolver *self)
{
  ZookeeperMembers *members = g_atomic_pointer_get (&self->members);
  ZookeeperMembers *own;

  if (members != NULL && zookeeper_members_are_ours (members))
    return members;
  own = zookeeper_members_new (TALLY_RESOLVER (self), self->address);
  if (!g_atomic_pointer_compare_and_exchange (&self->members, members, own))
    zookeeper_members_leave (own);
  else if (members != NULL)
    zookeeper_members_leave (members);
  return g_atomic_pointer_get (&self->members);
}

static gboolean
zookeeper_resolver_lookup (TallyResolver *resolver, GCancellable *cancellable, GError **error)
{
  ZookeeperMembers *members = get_members (ZOOKEEPER_RESOLVER (resolver));

  return zookeeper_members_follow (members, error)
         && zookeeper_members_await (members, cancellable, error);
}

static void
zookeeper_resolver_finalize (GObject *object)
{
  ZookeeperResolver *self = ZOOKEEPER_RESOLVER (object);

  if (self->members != NULL)
    zookeeper_members_leave (self->members);
  zookeeper_address_free (self->address);
  G_OBJECT_CLASS (zookeeper_resolver_parent_class)->finalize (object);
}

static void
zookeeper_resolver_class_init (ZookeeperResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = zookeeper_resolver_finalize;
  TALLY_RESOLVER_CLASS (class)->lookup = zookeeper_resolver_lookup;
}

static void
zookeeper_resolver_init (ZookeeperResolver *self)
{
}

/* @address: (transfer full) (nullable) */
static TallyResolver *
make_resolver (ZookeeperAddress *address)
{
  ZookeeperResolver *self;

  if (address == NULL)
    return NULL;
  self = g_object_new (ZOOKEEPER_TYPE_RESOLVER, NULL);
  self->address = address;
  return TALLY_RESOLVER (self);
}

static TallyResolver *
make_resolver_of_scheme (const gchar *address, GError **error)
{
  return make_resolver (zookeeper_address_parse (address, error));
}

/**
 * tally_zookeeper_resolver_new:
 * @uri: `zookeeper://HOST:PORT,HOST:PORT/PATH`, without options
 * @error: return location
 *
 * Makes a resolver for tally_channel_new_with_resolver() that several channels share, and with it one session with ZooKeeper. Its
 * addresses are those of the members of the path: nodes `member_…` as Finagle's ServerSets write them, which are used while their status is
 * `ALIVE`, and nodes `serverUri=…` of HiveServer2. `/PATH!NAME` takes ServerSets' additional endpoint of that name.
 *
 * The first call begins the session, of which three threads are a part. Members that come, go or change are known at once. While
 * ZooKeeper cannot be reached, and also when it says that there is no member, the last list stays.
 *
 * Returns: (transfer full): a resolver, or %NULL with %TALLY_ERROR_INVALID_ARGUMENT
 *
 * Since: 0.2
 */
TallyResolver *
tally_zookeeper_resolver_new (const gchar *uri, GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  return make_resolver (zookeeper_address_parse_uri (uri, error));
}

/**
 * tally_zookeeper_init:
 *
 * Has channels understand `zookeeper://HOST:PORT,HOST:PORT/PATH`, and `zookeeper+tls://…` for members that are spoken to over TLS: see
 * tally_zookeeper_resolver_new(). The URI's options go for each member. To be called before such a channel is made. Thread-safe; once is
 * enough.
 *
 * Since: 0.2
 */
void
tally_zookeeper_init (void)
{
  static gsize is_done;

  if (!g_once_init_enter (&is_done))
    return;
  tally_resolver_add_scheme ("zookeeper", make_resolver_of_scheme);
  g_once_init_leave (&is_done, 1);
}
