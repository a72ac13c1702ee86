/* Words that a C identifier of ours must not be. */
#ifndef GEN_RESERVED_H
#define GEN_RESERVED_H

#include <glib.h>

G_BEGIN_DECLS

/* A keyword of C, or a macro that the headers a program includes define. */
gboolean gen_is_reserved (const gchar *word);
/* A keyword of C++ alone. */
gboolean gen_is_cxx_keyword (const gchar *word);
/* A type, function or macro of the C library or GLib that has no prefix of its own: taken at file
 * level, free for members and parameters. */
gboolean gen_is_global (const gchar *word);
/* A type or enumerator of the headers that <tally.h> includes. */
gboolean gen_is_header_type (const gchar *word);
/* A type that generated declarations mention. */
gboolean gen_is_type (const gchar *word);
/* What a generated function calls its own parameters and variables, and what it calls. */
gboolean gen_is_own_parameter (const gchar *word);

G_END_DECLS

#endif /* GEN_RESERVED_H */
