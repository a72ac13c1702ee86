/* The front end's entry: from file names to a checked model and diagnostics. */
#ifndef IDL_H
#define IDL_H

#include "model.h"
#include "diagnostics.h"
#include "overlay.h"

G_BEGIN_DECLS

/* Everything one run of the compiler has read: each file once, however often it is included. */
typedef struct _IdlUnit IdlUnit;

IdlUnit *idl_unit_new (void);
void idl_unit_free (IdlUnit *unit);
void idl_unit_add_include_dir (IdlUnit *unit, const gchar *directory);
/* Takes field ids that are not above 0 as they are, for files that were written so; else such a field
 * gets the id that it would get without one. */
void idl_unit_keep_negative_ids (IdlUnit *unit);
/* Reads texts of @overlay, which must live as long as the unit, instead of the files. */
void idl_unit_set_overlay (IdlUnit *unit, const IdlOverlay *overlay);
/* Parses @path ("-": standard input), what it includes, resolves and checks. (nullable): NULL after an error, which is in
 * the diagnostics. */
IdlProgram *idl_unit_load (IdlUnit *unit, const gchar *path);
/* Loads REV:FILE and what it includes as they are in that revision of the git repository around the
 * current directory. (nullable): as above. A unit has one revision. */
IdlProgram *idl_unit_load_revision (IdlUnit *unit, const gchar *word);
/* idl_unit_load () for text that is in no file; @path is what diagnostics call it. */
IdlProgram *idl_unit_load_text (IdlUnit *unit, const gchar *path, const gchar *text, gssize length);
IdlDiagnostics *idl_unit_get_diagnostics (IdlUnit *unit);
/* (element-type IdlProgram) (transfer none): all programs loaded, includes before their includers.
 */
const GPtrArray *idl_unit_get_programs (IdlUnit *unit);

/* (nullable): the program that was loaded from the file @path, however it is broken. */
IdlProgram *idl_unit_find_program (const IdlUnit *unit, const gchar *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlUnit, idl_unit_free)

G_END_DECLS

#endif /* IDL_H */
