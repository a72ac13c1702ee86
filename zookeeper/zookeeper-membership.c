/* Owns a member's node: an ephemeral one, which is made again when its session has expired, or somebody has removed it. */
#include "zookeeper-membership-private.h"

#include <string.h>
#include <tally.h>

#include "zookeeper-entry-private.h"
#include "zookeeper-session-private.h"
#include "zookeeper-state-private.h"

/* Bytes that a sequence's number, and a terminating NUL, take. */
#define SEQUENCE_ROOM 32

struct _ZookeeperMembership
{
  gint references; /* atomic: the owner's and the session's */
  gchar *path;
  gchar *data;
  ZookeeperSession *session; /* the owner's */

  gboolean is_started; /* the owner's */
  GMutex lock;
  gboolean is_wanted;   /* the lock */
  ZookeeperState state; /* settled: the member is there, or gone, as it is wanted */

  /* The session's thread's: */
  gchar *node;        /* nullable: its path */
  gboolean may_exist; /* one was asked for, and the answer was lost */
  gint64 client_id;   /* the session in which that was */
};

static void
unref_membership (gpointer data)
{
  ZookeeperMembership *self = data;

  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  g_free (self->path);
  g_free (self->data);
  g_free (self->node);
  zookeeper_state_clear (&self->state);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* On ZooKeeper's thread: the node may be gone. */
static void
on_node_event (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  const ZookeeperMembership *self = context;

  if (type != ZOO_SESSION_EVENT)
    zookeeper_session_wake (self->session);
}

/* ---- the session's thread ---- */

static void
fail_membership (gpointer data, const GError *error)
{
  ZookeeperMembership *self = data;

  if (zookeeper_state_note (&self->state, error))
    g_message ("%s: the server's member: %s", self->path, error->message);
}

/* Makes the nodes that are above members, which others may do, too. */
static gint
create_path (const ZookeeperMembership *self, zhandle_t *handle)
{
  gint status = ZOK;

  for (const gchar *slash = strchrnul (self->path + 1, '/'); status == ZOK || status == ZNODEEXISTS;
       slash = strchrnul (slash + 1, '/'))
    {
      g_autofree gchar *above = g_strndup (self->path, (gsize) (slash - self->path));

      status = zoo_create (handle, above, NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
      if (*slash == '\0')
        break;
    }
  return status == ZNODEEXISTS ? ZOK : status;
}

static gint
create_node (ZookeeperMembership *self, zhandle_t *handle)
{
  g_autofree gchar *prefix = g_strconcat (self->path, "/" ZOOKEEPER_MEMBER_PREFIX, NULL);
  gsize size = strlen (prefix) + SEQUENCE_ROOM;
  g_autofree gchar *node = g_malloc0 (size);
  gint status = zoo_create (handle, prefix, self->data, (gint) strlen (self->data),
                            &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, node, (gint) size);

  if (status == ZOK)
    self->node = g_steal_pointer (&node);
  return status;
}

static gboolean
enter_path (ZookeeperMembership *self, zhandle_t *handle, GError **error)
{
  gint status = create_node (self, handle);

  if (status == ZNONODE)
    {
      status = create_path (self, handle);
      if (status == ZOK)
        status = create_node (self, handle);
    }
  if (status == ZOK)
    return TRUE;
  self->may_exist = TRUE;
  return zookeeper_session_report (status, "a member in", self->path, error);
}

/* Whether this session has made the node. @watcher: (nullable): is told when it goes. */
static gint
check_owner (ZookeeperMembership *self, zhandle_t *handle, const gchar *node, watcher_fn watcher)
{
  struct Stat stat = { 0 };
  gint status = zoo_wexists (handle, node, watcher, self, &stat);

  return status == ZOK && stat.ephemeralOwner != self->client_id ? ZNONODE : status;
}

/* Where it is to be a member. When somebody has removed the node, the session settles once more, and then it is made again. */
static gboolean
stay_in_path (ZookeeperMembership *self, zhandle_t *handle, GError **error)
{
  gint status;

  if (self->node == NULL && !enter_path (self, handle, error))
    return FALSE;
  status = check_owner (self, handle, self->node, on_node_event);
  if (status == ZNONODE)
    {
      g_clear_pointer (&self->node, g_free);
      zookeeper_session_wake (self->session);
    }
  else if (status != ZOK)
    return zookeeper_session_report (status, "the member", self->node, error);
  return TRUE;
}

static gboolean
leave_path (ZookeeperMembership *self, zhandle_t *handle, GError **error)
{
  gint status = zoo_delete (handle, self->node, -1);

  if (status != ZOK && status != ZNONODE)
    return zookeeper_session_report (status, "the member", self->node, error);
  g_clear_pointer (&self->node, g_free);
  return TRUE;
}

/* Looks for a node that was made though its answer was lost. */
static gint
find_own (ZookeeperMembership *self, zhandle_t *handle)
{
  struct String_vector children = { 0 };
  gint status = zoo_get_children (handle, self->path, 0, &children);

  if (status != ZOK)
    return status;
  for (gint32 i = 0;
       i < children.count && self->node == NULL && (status == ZOK || status == ZNONODE); i++)
    {
      g_autofree gchar *node = g_strconcat (self->path, "/", children.data[i], NULL);

      if (!g_str_has_prefix (children.data[i], ZOOKEEPER_MEMBER_PREFIX))
        continue;
      status = check_owner (self, handle, node, NULL);
      if (status == ZOK)
        self->node = g_steal_pointer (&node);
    }
  deallocate_String_vector (&children);
  return status;
}

/* Finds out what there is of it in this session. */
static gboolean
look_for_node (ZookeeperMembership *self, zhandle_t *handle, gboolean is_new, GError **error)
{
  gint64 client_id = zoo_client_id (handle)->client_id;
  gint status = ZOK;

  if (client_id != self->client_id)
    {
      g_clear_pointer (&self->node, g_free);
      self->may_exist = FALSE;
    }
  self->client_id = client_id;
  if (self->node != NULL && is_new)
    status = check_owner (self, handle, self->node, NULL);
  else if (self->node == NULL && self->may_exist)
    status = find_own (self, handle);
  if (status == ZNONODE && self->node != NULL)
    g_clear_pointer (&self->node, g_free);
  if (status != ZOK && status != ZNONODE)
    return zookeeper_session_report (status, "the members of", self->path, error);
  self->may_exist = FALSE;
  return TRUE;
}

static gboolean
settle_membership (gpointer data, zhandle_t *handle, gboolean is_new, GError **error)
{
  ZookeeperMembership *self = data;
  gboolean is_wanted;

  g_mutex_lock (&self->lock);
  is_wanted = self->is_wanted;
  g_mutex_unlock (&self->lock);
  if (!look_for_node (self, handle, is_new, error))
    return FALSE;
  if (is_wanted && !stay_in_path (self, handle, error))
    return FALSE;
  if (!is_wanted && self->node != NULL && !leave_path (self, handle, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  if (is_wanted == self->is_wanted
      && is_wanted == (self->node != NULL)) /* else it is called again */
    zookeeper_state_note (&self->state, NULL);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- its owner ---- */

static const ZookeeperWork membership_work = { settle_membership, fail_membership,
                                               unref_membership };

ZookeeperMembership *
zookeeper_membership_new (const ZookeeperAddress *address, guint session_timeout_ms, gchar *data)
{
  ZookeeperMembership *self = g_new0 (ZookeeperMembership, 1);

  self->references = 2;
  self->path = g_strdup (address->path);
  self->data = data;
  self->is_wanted = TRUE;
  g_mutex_init (&self->lock);
  zookeeper_state_init (&self->state);
  self->session =
      zookeeper_session_new (address->servers, session_timeout_ms, &membership_work, self);
  return self;
}

gboolean
zookeeper_membership_enter (ZookeeperMembership *self, GCancellable *cancellable, GError **error)
{
  self->is_started = zookeeper_session_start (self->session, error);
  return self->is_started && zookeeper_state_await (&self->state, TRUE, cancellable, error);
}

gboolean
zookeeper_membership_leave (ZookeeperMembership *self, GCancellable *cancellable, GError **error)
{
  if (!self->is_started)
    return TRUE;
  g_mutex_lock (&self->lock);
  self->is_wanted = FALSE;
  zookeeper_state_reset (&self->state);
  g_mutex_unlock (&self->lock);
  zookeeper_session_wake (self->session);
  return zookeeper_state_await (&self->state, FALSE, cancellable, error);
}

void
zookeeper_membership_end (ZookeeperMembership *self)
{
  zookeeper_session_end (self->session);
  unref_membership (self);
}
