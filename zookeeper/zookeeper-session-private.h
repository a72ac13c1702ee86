/* A session with ZooKeeper that is kept up by a thread of its own: opened, and opened again after it has expired. */
#ifndef TALLY_ZOOKEEPER_SESSION_PRIVATE_H
#define TALLY_ZOOKEEPER_SESSION_PRIVATE_H

/* Says that ZooKeeper's blocking calls are there. */
#define THREADED
#include <gio/gio.h>
#include <zookeeper/zookeeper.h>

G_BEGIN_DECLS

/* Milliseconds without a sign of life after which ZooKeeper ends a session. */
#define ZOOKEEPER_SESSION_TIMEOUT 10000

typedef struct _ZookeeperSession ZookeeperSession;

/* What is done in a session. Its thread calls all of it. */
typedef struct
{
  /* Brings in line what depends on ZooKeeper: when there is a session, when the connection came back, after
   * zookeeper_session_wake (). It may use @handle, which blocks, and set watches, whose functions another thread calls until
   * free (). @is_new: no watch is set in @handle. FALSE: it is called again after a pause. */
  gboolean (*settle) (gpointer data, zhandle_t *handle, gboolean is_new, GError **error);
  /* Nothing can be done now: there is no connection, or settle () failed. Nullable. */
  void (*fail) (gpointer data, const GError *error);
  void (*free) (gpointer data);
} ZookeeperWork;

/* @servers: as ZooKeeper's library takes them. @data: taken over. It is to be started, and ended. */
ZookeeperSession *zookeeper_session_new (const gchar *servers,
                                         guint timeout_ms,
                                         const ZookeeperWork *work,
                                         gpointer data);
gboolean zookeeper_session_start (ZookeeperSession *self, GError **error);
/* Has settle () called soon. From any thread. */
void zookeeper_session_wake (ZookeeperSession *self);
/* Whether this process' thread keeps it. */
gboolean zookeeper_session_is_ours (const ZookeeperSession *self);
/* Ends the session, which takes away what is ephemeral in it, without waiting for that. In a child process it forgets it only. */
void zookeeper_session_end (ZookeeperSession *self);

/* What ZooKeeper's @status says. @path: what was asked for. FALSE, for the caller to return. */
gboolean
zookeeper_session_report (gint status, const gchar *what, const gchar *path, GError **error);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_SESSION_PRIVATE_H */
