/* A resolver's half that fleets use, and the resolvers that URIs name. */
#ifndef TALLY_RESOLVER_PRIVATE_H
#define TALLY_RESOLVER_PRIVATE_H

#include "fleet-private.h"
#include "tally-resolver.h"

G_BEGIN_DECLS

/* @fleet is told what is published from now on, and at once what was published last. */
void tally_resolver_watch (TallyResolver *self, TallyFleet *fleet);
/* A call that is under way may still come. */
void tally_resolver_unwatch (TallyResolver *self, TallyFleet *fleet);

/* All addresses of @host: resolver-dns.c. */
TallyResolver *tally_dns_resolver_new (const gchar *host, guint port);
/* The targets of the service @name, `_service._protocol.domain`. (nullable): it has another form. */
TallyResolver *tally_srv_resolver_new (const gchar *name);

G_END_DECLS

#endif /* TALLY_RESOLVER_PRIVATE_H */
