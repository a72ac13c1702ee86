/* The members of a path, followed for a resolver. */
#ifndef TALLY_ZOOKEEPER_MEMBERS_PRIVATE_H
#define TALLY_ZOOKEEPER_MEMBERS_PRIVATE_H

#include <tally.h>

#include "zookeeper-address-private.h"

G_BEGIN_DECLS

typedef struct _ZookeeperMembers ZookeeperMembers;

/* Publishes to @resolver, which is not kept alive, from zookeeper_members_follow () until zookeeper_members_leave (). */
ZookeeperMembers *zookeeper_members_new (TallyResolver *resolver, const ZookeeperAddress *address);
/* Begins, unless it has. */
gboolean zookeeper_members_follow (ZookeeperMembers *self, GError **error);
/* Whether this process follows them. */
gboolean zookeeper_members_are_ours (const ZookeeperMembers *self);
/* Waits until the list is what ZooKeeper has. FALSE: it is not known whether it is. */
gboolean
zookeeper_members_await (ZookeeperMembers *self, GCancellable *cancellable, GError **error);
void zookeeper_members_leave (ZookeeperMembers *self);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_MEMBERS_PRIVATE_H */
