/* What stands behind `zookeeper://`: `HOST:PORT,HOST:PORT/PATH`, and for one of a member's additional endpoints `!NAME`. */
#ifndef TALLY_ZOOKEEPER_ADDRESS_PRIVATE_H
#define TALLY_ZOOKEEPER_ADDRESS_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *servers;  /* as ZooKeeper's library takes them */
  gchar *path;     /* begins with a slash, ends with none */
  gchar *endpoint; /* nullable: the service's own endpoint */
} ZookeeperAddress;

/* Takes `HOST:PORT` apart, where an IPv6 address may have brackets. (transfer full) (nullable): the host, without them. */
gchar *zookeeper_address_split (const gchar *text, guint *port);
/* %NULL with TALLY_ERROR_INVALID_ARGUMENT. */
ZookeeperAddress *zookeeper_address_parse (const gchar *text, GError **error);
/* Takes apart `zookeeper://` and such a text. */
ZookeeperAddress *zookeeper_address_parse_uri (const gchar *uri, GError **error);
void zookeeper_address_free (ZookeeperAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZookeeperAddress, zookeeper_address_free)

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_ADDRESS_PRIVATE_H */
