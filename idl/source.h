/* The text of one IDL file, and places in it. Knows bytes and lines; not what they mean. */
#ifndef IDL_SOURCE_H
#define IDL_SOURCE_H

#include <glib.h>

G_BEGIN_DECLS

/* Larger files are refused: an offset must fit 32 bits, and nobody writes such a file by hand. */
#define IDL_SOURCE_MAX_SIZE (256u * 1024 * 1024)

typedef struct _IdlSource IdlSource;

/* A run of bytes in a source; line and column are found when a diagnostic needs them. */
typedef struct
{
  const IdlSource *source;
  guint32 offset;
  guint32 length;
} IdlLocation;

/* Takes @text, which has @length bytes and a NUL after them. (transfer full) */
IdlSource *idl_source_new (const gchar *path, gchar *text, gsize length);
/* Reads a regular file. (nullable) (transfer full): NULL with @error (G_FILE_ERROR) when it is
 * missing, a directory, a device or pipe that may never end, or too large. */
IdlSource *idl_source_read (const gchar *path, GError **error);
/* idl_source_read () for a word of the command line: "-" is standard input, read to its end. */
IdlSource *idl_source_read_named (const gchar *word, GError **error);
void idl_source_free (IdlSource *source);

/* The path as the user or the include gave it; what diagnostics print. */
const gchar *idl_source_get_path (const IdlSource *source);
/* The whole text, ended by a NUL that @length does not count. */
const gchar *idl_source_get_text (const IdlSource *source, gsize *length);
/* The bytes of line @line (counted from 1) without its end, and where it begins. */
const gchar *
idl_source_get_line (const IdlSource *source, guint line, gsize *length, guint32 *offset);
/* Counted from 1; the column in bytes. A line ends with LF, CR LF or CR. Not thread-safe: the index
 * of lines is made by the first call. */
void idl_location_get_line (const IdlLocation *location, guint *line, guint *column);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlSource, idl_source_free)

G_END_DECLS

#endif /* IDL_SOURCE_H */
