/* Values as the runtime's engine has them, from JSON. */
#ifndef CLI_FILL_H
#define CLI_FILL_H

#include <tally.h>

#include "cli-place.h"

G_BEGIN_DECLS

/* New arguments of @method by @json, an object, which the text @source has. What is not given has the IDL's default; an
 * argument that has none must be given, unless it is optional. (nullable) (transfer full): to be freed by
 * cli_args_free (). */
gpointer
cli_args_new (const TallyMethod *method, const CliJson *json, const gchar *source, GError **error);
void cli_args_free (const TallyMethod *method, gpointer args);

/* Fills a slot that is zeroed. After a failure it is so again, or to be cleared with its container. */
gboolean cli_fill (const CliJson *json,
                   const TallyType *type,
                   gpointer slot,
                   const CliPlace *place,
                   GError **error);
/* Fills a field of @instance, in place of its default, and notes that it is set. */
gboolean cli_fill_field (const CliJson *json,
                         const TallyField *field,
                         gpointer instance,
                         const CliPlace *place,
                         GError **error);
/* The field that the member @index of the object @json is. (nullable): an error that says which fields there are. */
const TallyField *cli_find_member (const CliJson *json,
                                   guint index,
                                   const TallyStructInfo *info,
                                   const CliPlace *place,
                                   GError **error);

/* What @table, filled from @json, has for the member or pair @index, of which *@value is the JSON: the pointer that the table
 * keeps. */
gpointer cli_find_cell (const CliJson *json,
                        guint index,
                        const TallyType *type,
                        GHashTable *table,
                        const CliJson **value);
/* Has the text @json be the value that it says: `1` is a number where @type is one, `A` an enum's name. */
void cli_json_read_word (CliJson *json, const TallyType *type);

/* ", did you mean \"x\"?" where one of the @count names is like @wanted, else "; there is a, b". (transfer full) */
gchar *cli_suggest (const gchar *wanted, const gchar *const *names, guint count);

G_END_DECLS

#endif /* CLI_FILL_H */
