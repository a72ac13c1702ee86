/* Whether what depends on ZooKeeper is as it should be: noted by a session's thread, awaited by others. */
#ifndef TALLY_ZOOKEEPER_STATE_PRIVATE_H
#define TALLY_ZOOKEEPER_STATE_PRIVATE_H

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_settled; /* the lock */
  GError *failure;     /* nullable: why it is not; the lock */
} ZookeeperState;

void zookeeper_state_init (ZookeeperState *self);
void zookeeper_state_clear (ZookeeperState *self);
/* @failure: (nullable): NULL: it is settled. Whether that is news. */
gboolean zookeeper_state_note (ZookeeperState *self, const GError *failure);
/* It is to be settled once more. */
void zookeeper_state_reset (ZookeeperState *self);
/* Waits until it is settled. @gives_up: or there is a failure. */
gboolean zookeeper_state_await (ZookeeperState *self,
                                gboolean gives_up,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_STATE_PRIVATE_H */
