/* IDL in one layout, for `tallyc --format`. */
#ifndef IDL_FORMAT_H
#define IDL_FORMAT_H

#include "idl.h"

G_BEGIN_DECLS

/* The text of the file @path ("-": standard input) in Tally's layout: every comment kept, no token changed, so that it
 * means the same; formatting the result again changes nothing. Only syntax is looked at, includes
 * are not read. (nullable) (transfer full): NULL after an error, which is in @diagnostics, whose
 * source then is owned by *@source. */
gchar *idl_format_file (const gchar *path, IdlSource **source, IdlDiagnostics *diagnostics);
/* idl_format_file () for a source in memory. */
gchar *idl_format_source (const IdlSource *source, IdlDiagnostics *diagnostics);
/* A unified diff from @old_text to @new_text of the file @path; "" when they are equal.
 * (transfer full) */
gchar *idl_format_diff (const gchar *path, const gchar *old_text, const gchar *new_text);

G_END_DECLS

#endif /* IDL_FORMAT_H */
