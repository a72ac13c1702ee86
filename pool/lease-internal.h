/* What calls may ask of a lease beyond the pool's public interface. */
#ifndef TALLY_LEASE_INTERNAL_H
#define TALLY_LEASE_INTERNAL_H

#include "tally-pool.h"

G_BEGIN_DECLS

/* When @lease, which is out, was taken, by g_get_monotonic_time (). */
gint64 tally_lease_get_since (const TallyLease *lease);

G_END_DECLS

#endif /* TALLY_LEASE_INTERNAL_H */
