/* Constants and default values: what their names mean, and whether they fit their types. */
#ifndef IDL_VALUES_H
#define IDL_VALUES_H

#include "names.h"

G_BEGIN_DECLS

/* For all constants and defaults of the program that @names is of; its types are resolved. */
void idl_values_check (IdlNames *names);

G_END_DECLS

#endif /* IDL_VALUES_H */
