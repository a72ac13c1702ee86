/* Tally with ZooKeeper: endpoints that are a path's members, and servers that are members. */
#ifndef TALLY_ZOOKEEPER_H
#define TALLY_ZOOKEEPER_H

#include <tally.h>

G_BEGIN_DECLS

TALLY_API void tally_zookeeper_init (void);
TALLY_API TallyResolver *tally_zookeeper_resolver_new (const gchar *uri, GError **error);
TALLY_API TallyRegistration *tally_zookeeper_registration_new (const gchar *uri, GError **error);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_H */
