/* Where whole texts go that are written: files, and what else has a path. */
#ifndef IDL_REPLACE_H
#define IDL_REPLACE_H

#include <glib.h>

G_BEGIN_DECLS

/* Writes @text to @path. A file is made, or replaced in one step, its permissions kept. What else is there, as a device, a pipe
 * or a symbolic link, is written to, and stays what it is. @error: of %G_FILE_ERROR. */
gboolean idl_replace_file (const gchar *path, const gchar *text, gsize length, GError **error);

G_END_DECLS

#endif /* IDL_REPLACE_H */
