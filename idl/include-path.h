/* Where an included file is, and what its name may be misspelt for. */
#ifndef IDL_INCLUDE_PATH_H
#define IDL_INCLUDE_PATH_H

#include "overlay.h"

G_BEGIN_DECLS

/* (nullable) (transfer full): the path of the file that @includer includes as @path. It is looked for
 * beside @includer, then beside the file that @includer is a link to, then in @directories (of const
 * gchar *). Apache's compiler follows links. A text in @overlay (nullable) is a file that is there. */
gchar *idl_include_path_find (const gchar *includer,
                              const gchar *path,
                              const GPtrArray *directories,
                              const IdlOverlay *overlay);
/* (nullable) (transfer full): the name of a file that is there, most like @path, which is not. */
gchar *
idl_include_path_suggest (const gchar *includer, const gchar *path, const GPtrArray *directories);
/* (nullable) (transfer full): the one path of what @path leads to; NULL: nothing. */
gchar *idl_include_path_resolve (const gchar *path);

G_END_DECLS

#endif /* IDL_INCLUDE_PATH_H */
