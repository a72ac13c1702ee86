/* Where whole texts go that are written: files, what else has a path, and standard output. */
#ifndef IDL_REPLACE_H
#define IDL_REPLACE_H

#include <glib.h>

G_BEGIN_DECLS

/* Writes @text to @path. A file is made, or replaced in one step, its permissions kept. What else is there, as a device, a pipe
 * or a symbolic link, is written to, and stays what it is. @error: of %G_FILE_ERROR. */
gboolean idl_replace_file (const gchar *path, const gchar *text, gsize length, GError **error);
/* Writes out what was printed. Returns: whether all of it was written, what was printed earlier, too. @error: of %G_FILE_ERROR. */
gboolean idl_flush_output (GError **error);

G_END_DECLS

#endif /* IDL_REPLACE_H */
