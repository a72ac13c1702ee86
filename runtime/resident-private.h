/* Keeps generated code loaded once GObject refers to it. */
#ifndef TALLY_RESIDENT_PRIVATE_H
#define TALLY_RESIDENT_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Keeps the program or library that holds the static variable @address loaded until the process
 * ends, also past dlclose (). To be called before a static type is registered whose functions and
 * tables are there: GObject never forgets a static type. */
void tally_make_resident (gconstpointer address);

G_END_DECLS

#endif /* TALLY_RESIDENT_PRIVATE_H */
