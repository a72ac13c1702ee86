/* The checked model as JSON, for `tallyc --dump=json`. */
#ifndef IDL_DUMP_H
#define IDL_DUMP_H

#include "model.h"

G_BEGIN_DECLS

/* One JSON object: {"programs": […]}, of @programs (element-type IdlProgram), which have no errors:
 * everything that is in the model, references by name. What is absent (a doc comment, a default)
 * has no member. (transfer full) */
gchar *idl_dump_json (const GPtrArray *programs);

G_END_DECLS

#endif /* IDL_DUMP_H */
