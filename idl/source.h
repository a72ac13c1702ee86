/* The text of one IDL file, and places in it. */
#ifndef IDL_SOURCE_H
#define IDL_SOURCE_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdlSource IdlSource;

/* A run of bytes in a source; line and column are found when a diagnostic needs them. */
typedef struct
{
  const IdlSource *source;
  guint32 offset;
  guint32 length;
} IdlLocation;

/* The path as the user or the include gave it; what diagnostics print. */
const gchar *idl_source_get_path (const IdlSource *source);
/* Counted from 1; the column in bytes. */
void idl_location_get_line (const IdlLocation *location, guint *line, guint *column);

G_END_DECLS

#endif /* IDL_SOURCE_H */
