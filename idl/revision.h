/* Files as they are in a revision of a git repository, read by running git. */
#ifndef IDL_REVISION_H
#define IDL_REVISION_H

#include "source.h"

G_BEGIN_DECLS

typedef struct _IdlRevision IdlRevision;

/* Whether @word is REV:FILE and no file is called so. */
gboolean idl_revision_is_meant (const gchar *word);
/* Opens the revision of @word, which is REV:FILE, in the repository of the current directory. @path is
 * how the revision's files are called: REV:PATH, where PATH begins at the top of the repository. As
 * git has it, FILE does too, unless it begins with `./` or `../`. (nullable) (transfer full): NULL with
 * @error (G_FILE_ERROR or G_SPAWN_ERROR) without git, repository or revision. */
IdlRevision *idl_revision_open (const gchar *word, gchar **path, GError **error);
void idl_revision_free (IdlRevision *revision);
/* Whether @path is one of its files' names: REV:PATH. */
gboolean idl_revision_has_name (const IdlRevision *revision, const gchar *path);
/* @path without its REV:. */
const gchar *idl_revision_skip_name (const IdlRevision *revision, const gchar *path);
/* (nullable) (transfer full): the path of the file that @includer, which is of the revision, includes
 * as @path. It is looked for beside @includer, then in @directories (of const gchar *): in the
 * revision for those within the repository, on the disk for the others. */
gchar *idl_revision_find (const IdlRevision *revision,
                          const gchar *includer,
                          const gchar *path,
                          const GPtrArray *directories);
/* (nullable) (transfer full): the file of that name, or NULL with @error. */
IdlSource *idl_revision_read (const IdlRevision *revision, const gchar *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlRevision, idl_revision_free)

G_END_DECLS

#endif /* IDL_REVISION_H */
