/* Owns the error domain's quark and nothing else. */
#include "tally-error.h"

G_DEFINE_QUARK (tally-error-quark, tally_error)
