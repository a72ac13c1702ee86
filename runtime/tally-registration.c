/* The class of registrations. It knows no server. */
#include "tally-registration.h"

/**
 * TallyRegistration:
 *
 * What tells clients where a server is, as a TallyResolver learns it: an entry in ZooKeeper, say. A server that has it
 * (tally_server_add_registration()) has it enter when it serves, and leave before it stops.
 *
 * Since: 0.2
 */
G_DEFINE_ABSTRACT_TYPE (TallyRegistration, tally_registration, G_TYPE_OBJECT)

static void
tally_registration_class_init (TallyRegistrationClass *class)
{
}

static void
tally_registration_init (TallyRegistration *self)
{
}
