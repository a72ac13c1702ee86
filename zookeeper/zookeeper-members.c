/* Owns what is known of a path's members: reads the nodes that are new or changed, watches all, and publishes where those are that are
 * alive. What it is told last stays in use while ZooKeeper is away, or says that there is none. */
#include "zookeeper-members-private.h"

#include <string.h>

#include "zookeeper-entry-private.h"
#include "zookeeper-session-private.h"
#include "zookeeper-state-private.h"

/* Bytes of a node; no member needs as many. */
#define MAX_DATA 65536
/* Members of a path. */
#define MAX_MEMBERS 10000

struct _ZookeeperMembers
{
  gint references; /* atomic: the resolver's and the session's */
  GWeakRef resolver;
  gchar *path;
  gchar *endpoint;           /* nullable */
  ZookeeperSession *session; /* the resolver's */

  ZookeeperState state; /* settled: the list is ZooKeeper's, as far as the watches tell */

  GMutex lock;
  GHashTable *stale;    /* names of members whose data changed; the lock */
  gboolean is_followed; /* the lock */

  /* The session's thread's: */
  GHashTable *
      addresses; /* name of each member that was read, and is watched, to gchar *, NULL: not to be used */
};

/* ---- life ---- */

static void
unref_members (gpointer data)
{
  ZookeeperMembers *self = data;

  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  g_weak_ref_clear (&self->resolver);
  g_free (self->path);
  g_free (self->endpoint);
  g_hash_table_unref (self->stale);
  g_hash_table_unref (self->addresses);
  g_mutex_clear (&self->lock);
  zookeeper_state_clear (&self->state);
  g_free (self);
}

static GHashTable *
new_addresses (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

/* Also of a list that is not empty: calls go on with it. */
static void
fail_members (gpointer data, const GError *error)
{
  ZookeeperMembers *self = data;
  g_autoptr (TallyResolver) resolver = g_weak_ref_get (&self->resolver);

  zookeeper_state_note (&self->state, error);
  if (resolver != NULL)
    tally_resolver_fail (resolver, error);
}

/* ---- watches, on ZooKeeper's thread ---- */

static void
on_path_event (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  ZookeeperMembers *self = context;

  if (type == ZOO_SESSION_EVENT)
    return;
  if (type == ZOO_CHANGED_EVENT)
    {
      g_mutex_lock (&self->lock);
      g_hash_table_add (self->stale, g_path_get_basename (path));
      g_mutex_unlock (&self->lock);
    }
  zookeeper_session_wake (self->session);
}

/* ---- reading, on the session's thread ---- */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* In order, so that what is first stays first. */
static GPtrArray *
take_names (ZookeeperMembers *self, struct String_vector *children)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (gint32 i = 0; i < children->count; i++)
    if (zookeeper_entry_is_member (children->data[i]))
      g_ptr_array_add (names, g_strdup (children->data[i]));
  deallocate_String_vector (children);
  g_ptr_array_sort (names, compare_names);
  if (names->len > MAX_MEMBERS)
    {
      g_warning ("ZooKeeper: %s has %u members, of which the first %u are used", self->path,
                 names->len, MAX_MEMBERS);
      g_ptr_array_set_size (names, MAX_MEMBERS);
    }
  return names;
}

/* (nullable): with a watch on what comes and goes. A path that is not there has none. */
static GPtrArray *
read_names (ZookeeperMembers *self, zhandle_t *handle, GError **error)
{
  struct String_vector children = { 0 };
  struct Stat stat;
  gint status = zoo_wget_children (handle, self->path, on_path_event, self, &children);

  if (status == ZOK)
    return take_names (self, &children);
  if (status == ZNONODE)
    {
      status = zoo_wexists (handle, self->path, on_path_event, self, &stat);
      if (status == ZNONODE)
        return g_ptr_array_new_with_free_func (g_free);
      if (status == ZOK) /* it came in between */
        zookeeper_session_wake (self->session);
    }
  zookeeper_session_report (status, "the members of", self->path, error);
  return NULL;
}

/* (transfer full) (nullable): where the member @name is; NULL also where its node makes no sense. */
static gchar *
parse_member (const ZookeeperMembers *self, const gchar *name, const gchar *data, gint length)
{
  g_autoptr (GError) error = NULL;
  gchar *address = NULL;

  if (length > MAX_DATA)
    g_set_error (&error, TALLY_ERROR, TALLY_ERROR_LIMIT, "it has %d bytes of data, more than %d",
                 length, MAX_DATA);
  else
    zookeeper_entry_parse (name, data, (gsize) length, self->endpoint, &address, &error);
  if (error != NULL)
    {
      g_autofree gchar *shown = g_strescape (name, NULL);

      g_warning ("ZooKeeper: %s/%.100s is left out: %s", self->path, shown, error->message);
    }
  return address;
}

/* Notes where @name is, and watches it. */
static gboolean
read_member (
    ZookeeperMembers *self, zhandle_t *handle, const gchar *name, gchar *buffer, GError **error)
{
  g_autofree gchar *path = g_strconcat (self->path, "/", name, NULL);
  struct Stat stat = { 0 };
  gint length = MAX_DATA;
  gint status = zoo_wget (handle, path, on_path_event, self, buffer, &length, &stat);

  if (status == ZNONODE) /* it has left, which the watch of the path tells */
    return TRUE;
  if (status != ZOK)
    return zookeeper_session_report (status, "the member", path, error);
  g_hash_table_insert (self->addresses, g_strdup (name),
                       parse_member (self, name, buffer, length < 0 ? 0 : stat.dataLength));
  return TRUE;
}

/* Forgets members that have left or changed. */
static void
forget_members (ZookeeperMembers *self, GPtrArray *names)
{
  g_autoptr (GHashTable) old = g_steal_pointer (&self->addresses);
  gpointer name, address;

  self->addresses = new_addresses ();
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < names->len; i++)
    if (!g_hash_table_contains (self->stale, names->pdata[i])
        && g_hash_table_steal_extended (old, names->pdata[i], &name, &address))
      g_hash_table_insert (self->addresses, name, address);
  g_hash_table_remove_all (self->stale);
  g_mutex_unlock (&self->lock);
}

static gboolean
read_members (ZookeeperMembers *self, zhandle_t *handle, GPtrArray *names, GError **error)
{
  g_autofree gchar *buffer = g_malloc (MAX_DATA);

  forget_members (self, names);
  for (guint i = 0; i < names->len; i++)
    if (!g_hash_table_contains (self->addresses, names->pdata[i])
        && !read_member (self, handle, names->pdata[i], buffer, error))
      return FALSE;
  return TRUE;
}

/* Each address once: after its session expired a server may be there twice for a while. */
static void
publish_members (ZookeeperMembers *self, TallyResolver *resolver, GPtrArray *names)
{
  g_autoptr (GArray) published = g_array_new (FALSE, FALSE, sizeof (TallyAddress));
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) none = NULL;

  for (guint i = 0; i < names->len; i++)
    {
      gchar *address = g_hash_table_lookup (self->addresses, names->pdata[i]);

      if (address != NULL && g_hash_table_add (seen, address))
        g_array_append_val (published, ((const TallyAddress){ .address = address }));
    }
  if (published->len > 0)
    {
      tally_resolver_publish (resolver, (const TallyAddress *) (gpointer) published->data,
                              published->len);
      zookeeper_state_note (&self->state, NULL);
      return;
    }
  none = g_error_new (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                      "ZooKeeper: %s has no member that can be used", self->path);
  tally_resolver_fail (resolver, none);
  zookeeper_state_note (&self->state, none);
}

static gboolean
settle_members (gpointer data, zhandle_t *handle, gboolean is_new, GError **error)
{
  ZookeeperMembers *self = data;
  g_autoptr (TallyResolver) resolver = g_weak_ref_get (&self->resolver);
  g_autoptr (GPtrArray) names = NULL;

  if (resolver == NULL)
    return TRUE;
  if (is_new)
    g_hash_table_remove_all (self->addresses);
  names = read_names (self, handle, error);
  if (names == NULL || !read_members (self, handle, names, error))
    return FALSE;
  publish_members (self, resolver, names);
  return TRUE;
}

/* ---- the resolver's ---- */

static const ZookeeperWork members_work = { settle_members, fail_members, unref_members };

ZookeeperMembers *
zookeeper_members_new (TallyResolver *resolver, const ZookeeperAddress *address)
{
  ZookeeperMembers *self = g_new0 (ZookeeperMembers, 1);

  self->references = 2;
  g_weak_ref_init (&self->resolver, resolver);
  self->path = g_strdup (address->path);
  self->endpoint = g_strdup (address->endpoint);
  g_mutex_init (&self->lock);
  zookeeper_state_init (&self->state);
  self->stale = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->addresses = new_addresses ();
  self->session =
      zookeeper_session_new (address->servers, ZOOKEEPER_SESSION_TIMEOUT, &members_work, self);
  return self;
}

gboolean
zookeeper_members_follow (ZookeeperMembers *self, GError **error)
{
  gboolean is_followed;

  g_mutex_lock (&self->lock);
  if (!self->is_followed)
    self->is_followed = zookeeper_session_start (self->session, error);
  is_followed = self->is_followed;
  g_mutex_unlock (&self->lock);
  return is_followed;
}

gboolean
zookeeper_members_are_ours (const ZookeeperMembers *self)
{
  return zookeeper_session_is_ours (self->session);
}

gboolean
zookeeper_members_await (ZookeeperMembers *self, GCancellable *cancellable, GError **error)
{
  return zookeeper_state_await (&self->state, TRUE, cancellable, error);
}

void
zookeeper_members_leave (ZookeeperMembers *self)
{
  zookeeper_session_end (self->session);
  unref_members (self);
}
