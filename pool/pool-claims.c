/* Owns the list of what each thread has of pools. */
#include "claims-private.h"

TALLY_THREAD_LOCAL TallyClaim *tally_claims;
