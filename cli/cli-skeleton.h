/* What a method's arguments look like, as JSON that `tally call` takes. */
#ifndef CLI_SKELETON_H
#define CLI_SKELETON_H

#include <tally.h>

G_BEGIN_DECLS

/* An object with all arguments and, as far as they do not hold themselves, all fields, with the IDL's defaults, else with
 * zero, an empty string, an enum's first value, one element. (transfer full) */
gchar *cli_skeleton_new (const TallyMethod *method);
/* A value of @type like that. (transfer full) */
gchar *cli_skeleton_new_value (const TallyType *type);

G_END_DECLS

#endif /* CLI_SKELETON_H */
