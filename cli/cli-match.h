/* Whether arguments are as a pattern wants them. */
#ifndef CLI_MATCH_H
#define CLI_MATCH_H

#include "cli-place.h"

G_BEGIN_DECLS

/* A pattern is JSON as cli_fill () takes it, in which structs and arguments need not be whole: what it does not name may be
 * anything. null wants that nothing was given, {"$any": true} anything that was, {"$matches": "…"} a string in which the
 * regular expression is found. */

/* FALSE, with an error that names the place, where no value of @type could match. */
gboolean cli_match_check (const CliJson *pattern,
                          const TallyType *type,
                          const CliPlace *place,
                          GError **error);
/* Of a pattern that was checked. */
gboolean cli_match (const CliJson *pattern, const TallyType *type, gconstpointer slot);

G_END_DECLS

#endif /* CLI_MATCH_H */
