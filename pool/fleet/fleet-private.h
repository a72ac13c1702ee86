/* The fleets of a pool, for its dump. */
#ifndef TALLY_FLEET_PRIVATE_H
#define TALLY_FLEET_PRIVATE_H

#include "fleet-internal.h"

G_BEGIN_DECLS

TallyFleet *tally_fleet_ref (TallyFleet *self);
void tally_fleet_unref (TallyFleet *self);
/* Appends lines for a person. Not under any lock. */
void tally_fleet_dump (TallyFleet *self, GString *text);

G_END_DECLS

#endif /* TALLY_FLEET_PRIVATE_H */
