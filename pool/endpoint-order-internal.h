/* What an endpoint says of the order in which a server answers. For runtime only. */
#ifndef TALLY_ENDPOINT_ORDER_INTERNAL_H
#define TALLY_ENDPOINT_ORDER_INTERNAL_H

#include "tally-endpoint.h"

G_BEGIN_DECLS

/* order=any */
gboolean tally_endpoint_takes_any_order (const TallyEndpoint *endpoint);
/* concurrent=yes */
gboolean tally_endpoint_is_concurrent (const TallyEndpoint *endpoint);

G_END_DECLS

#endif /* TALLY_ENDPOINT_ORDER_INTERNAL_H */
