/* What a member's node in ZooKeeper says. */
#ifndef TALLY_ZOOKEEPER_ENTRY_PRIVATE_H
#define TALLY_ZOOKEEPER_ENTRY_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* What the names of a ServerSet's members begin with. */
#define ZOOKEEPER_MEMBER_PREFIX "member_"

/* Whether a node of this name is a member; a path may have others. */
gboolean zookeeper_entry_is_member (const gchar *name);
/* Finds where the member @name can be reached. @endpoint: (nullable): the name of the additional endpoint that is wanted.
 * @address: (transfer full) (nullable): `HOST:PORT`; NULL: it is not alive. FALSE: the node makes no sense. */
gboolean zookeeper_entry_parse (const gchar *name,
                                const gchar *data,
                                gsize length,
                                const gchar *endpoint,
                                gchar **address,
                                GError **error);
/* (transfer full) (nullable): `HOST:PORT`, an IPv6 address in brackets, where @host is a host's name or address. */
gchar *zookeeper_entry_join (const gchar *host, gint64 port, GError **error);
/* (transfer full): what a member of a ServerSet writes. @host: one that zookeeper_entry_join () takes. @shard: negative: none. */
gchar *zookeeper_entry_print (const gchar *host, guint port, gint shard);

G_END_DECLS

#endif /* TALLY_ZOOKEEPER_ENTRY_PRIVATE_H */
