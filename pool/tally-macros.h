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

/* A function that only makes an error or goes a seldom way. The compiler takes its call for
 * unlikely and moves what leads there out of the common path, which has to come from a cache that
 * the kernel has used since the last call. */
#define TALLY_COLD __attribute__ ((cold, noinline))

#endif /* TALLY_MACROS_H */
