/* Macros that every public header of Tally uses. */
#ifndef TALLY_MACROS_H
#define TALLY_MACROS_H

#include <glib.h>

/**
 * TALLY_API:
 *
 * Marks a symbol that libtally exports; everything else is hidden.
 */
#define TALLY_API __attribute__ ((visibility ("default"))) extern

#endif /* TALLY_MACROS_H */
