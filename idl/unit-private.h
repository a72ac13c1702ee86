/* What the steps of the front end share: the unit, and the entry of each step. */
#ifndef IDL_UNIT_PRIVATE_H
#define IDL_UNIT_PRIVATE_H

#include "arena.h"
#include "idl.h"
#include "overlay.h"
#include "revision.h"

G_BEGIN_DECLS

/* Types, values and bodies nest at most this deep. */
#define IDL_MAX_NESTING 64
/* So do includes. */
#define IDL_MAX_INCLUDE_DEPTH 1000

struct _IdlUnit
{
  IdlArena *arena;
  IdlDiagnostics *diagnostics;
  GPtrArray *include_dirs;   /* of gchar * */
  GPtrArray *programs;       /* of IdlProgram, complete ones, includes first */
  GPtrArray *all_programs;   /* of IdlProgram, for freeing */
  GHashTable *by_path;       /* canonical path to IdlProgram, those being loaded included */
  GHashTable *loading;       /* set of IdlProgram: being loaded, so an include of one is a cycle */
  GPtrArray *sources;        /* of IdlSource */
  const IdlOverlay *overlay; /* (nullable): texts that are read instead of files */
  IdlRevision *revision;     /* (nullable): where files are read that have its name */
  gboolean negative_ids;     /* field ids that are not above 0 are taken as they are */
};

/* The name that other files use for the program at @path. (transfer none): in the arena. */
const gchar *idl_unit_name_from_path (IdlUnit *unit, const gchar *path);
/* Step 1: fills @program from its source. What has a syntax error is marked broken or left out. */
void idl_parse (IdlUnit *unit, IdlProgram *program);
/* Step 2, after the includes' programs are complete: names to definitions. */
void idl_resolve (IdlUnit *unit, IdlProgram *program);
/* Step 3: every other rule of the language. */
void idl_check (IdlUnit *unit, IdlProgram *program);

G_END_DECLS

#endif /* IDL_UNIT_PRIVATE_H */
