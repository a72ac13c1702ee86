/* One member of a path, kept there in a session of its own. */
#ifndef TALLY_ZOOKEEPER_MEMBERSHIP_PRIVATE_H
#define TALLY_ZOOKEEPER_MEMBERSHIP_PRIVATE_H

#include <gio/gio.h>

#include "zookeeper-address-private.h"

G_BEGIN_DECLS

typedef struct _ZookeeperMembership ZookeeperMembership;

/* @data: (transfer full): what the member's node says. The path's nodes are made where they are absent. */
ZookeeperMembership *
zookeeper_membership_new (const ZookeeperAddress *address, guint session_timeout_ms, gchar *data);
/* Begins, and waits until the member is there. It is kept there from now on, also where that is not yet so. */
gboolean
zookeeper_membership_enter (ZookeeperMembership *self, GCancellable *cancellable, GError **error);
/* Waits until the member is gone. FALSE: it goes with the session. */
gboolean
zookeeper_membership_leave (ZookeeperMembership *self, GCancellable *cancellable, GError **error);
/* Ends the session. In a child process it forgets it only. */
void zookeeper_membership_end (ZookeeperMembership *self);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_MEMBERSHIP_PRIVATE_H */
