/* From a parsed IDL to the tables that the runtime's engine walks, made in memory: no code is generated. A table is made
 * when it is first asked for and lives as long as the process, as the classes do that are registered for it. */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include <tally.h>

#include "model.h"

G_BEGIN_DECLS

/* What was made so far from one IdlUnit, which must live as long. Not thread-safe. */
typedef struct _CliTables CliTables;

CliTables *cli_tables_new (void);
void cli_tables_free (CliTables *self);
/* The method that @function is, with the tables of all that it takes and returns. A struct with too many fields for a
 * GObject is an error. (nullable) */
const TallyMethod *
cli_tables_get_method (CliTables *self, const IdlFunction *function, GError **error);

/* A class of objects with the fields of @info, arguments or a result of one of these methods. (nullable) */
const TallyLoadedInfo *
cli_tables_get_object (CliTables *self, const TallyStructInfo *info, GError **error);

/* cli-constants.c: the default @value of a field of @type. */
const TallyValue *cli_constant_new (const IdlType *type, const IdlValue *value);
/* cli-keys.c: gives @type, a container's, functions that hash and compare its values. FALSE when there are too many such
 * types. */
gboolean cli_key_register (TallyType *type);
/* Memory that lives as long as the process; zeroed. */
gpointer cli_tables_alloc (gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliTables, cli_tables_free)

G_END_DECLS

#endif /* CLI_TABLES_H */
