/* The GObject properties of generated structs: one for each field. */
#ifndef TALLY_PROPERTIES_PRIVATE_H
#define TALLY_PROPERTIES_PRIVATE_H

#include "tally-struct.h"

G_BEGIN_DECLS

/* Installs a property for each field and the functions that get and set them. */
void tally_properties_install (TallyStructClass *class, const TallyStructInfo *info);

G_END_DECLS

#endif /* TALLY_PROPERTIES_PRIVATE_H */
