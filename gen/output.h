/* Where generated text goes: files in a directory, and the list of them for make and ninja. */
#ifndef GEN_OUTPUT_H
#define GEN_OUTPUT_H

#include "gen.h"

G_BEGIN_DECLS

/* Writes @files (of GenFile) into @directory, which is made when it is missing. Each file is
 * replaced as a whole or not at all, and keeps its time stamp when it would stay the same. @error: of %G_FILE_ERROR. */
gboolean gen_output_write (const gchar *directory, const GPtrArray *files, GError **error);
/* Writes a make rule: @files in @directory are made from @sources (of const gchar *). */
gboolean gen_output_write_depfile (const gchar *path,
                                   const gchar *directory,
                                   const GPtrArray *files,
                                   const GPtrArray *sources,
                                   GError **error);

G_END_DECLS

#endif /* GEN_OUTPUT_H */
