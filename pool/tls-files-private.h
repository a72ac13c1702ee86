/* The files that a side of TLS has: whom it trusts, who it is. */
#ifndef TALLY_TLS_FILES_PRIVATE_H
#define TALLY_TLS_FILES_PRIVATE_H

#include <gio/gio.h>

#include "tls-internal.h"

G_BEGIN_DECLS

typedef struct
{
  GTlsDatabase *database;       /* NULL: the system's */
  GTlsCertificate *certificate; /* with its key; NULL: none */
} TallyTlsFiles;

/* Reads those that @options names. FALSE with %TALLY_ERROR_INVALID_ARGUMENT, which names the file; @files
 * is then as it was. */
gboolean
tally_tls_files_load (TallyTlsFiles *files, const TallyTlsOptions *options, GError **error);
void tally_tls_files_clear (TallyTlsFiles *files);
/* What tells that one of the files is another one, or was written to, since. (transfer full) */
gchar *tally_tls_files_get_stamp (const TallyTlsOptions *options);

G_END_DECLS

#endif /* TALLY_TLS_FILES_PRIVATE_H */
