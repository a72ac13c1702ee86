/* From a name as written to what it names. */
#ifndef IDL_NAMES_H
#define IDL_NAMES_H

#include "unit-private.h"

G_BEGIN_DECLS

typedef enum
{
  IDL_NAMES_TYPES,
  IDL_NAMES_CONSTANTS
} IdlNamesTable;

/* What one program sees: its own definitions and, with a prefix, those of what it includes. */
typedef struct
{
  IdlUnit *unit;
  IdlProgram *program;
  GHashTable *includes; /* prefix to GPtrArray of IdlInclude: one of each file */
  GHashTable *checked;  /* set of those arrays: used, and looked at for files that clash in C */
  gint64 effort;        /* what may still be spent on finding similar names */
} IdlNames;

/* Enters the program's definitions in its tables, and reports clashes. */
void idl_names_init (IdlNames *names, IdlUnit *unit, IdlProgram *program);
void idl_names_clear (IdlNames *names);
/* (nullable): @name, which may have a prefix. Sets *@reported when the reason for NULL is a mistake
 * that has been reported: an include that failed, or a name that two included files have. */
IdlDefinition *idl_names_find (IdlNames *names,
                               IdlNamesTable table,
                               const gchar *name,
                               const IdlLocation *location,
                               gboolean *reported);
/* (nullable) (transfer full): "did you mean 'Thing'?" with the known name that is most like @name,
 * or what else may be wrong with it. */
gchar *idl_names_suggest (IdlNames *names, IdlNamesTable table, const gchar *name);
/* (nullable): of @candidates (of IdlNode), the name most like @name. */
const gchar *
idl_names_find_similar (IdlNames *names, const gchar *name, const GPtrArray *candidates);

G_END_DECLS

#endif /* IDL_NAMES_H */
