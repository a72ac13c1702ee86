/* The credentials of one side of TLS: what it trusts, what it is. */
#ifndef TALLY_TLS_CREDENTIALS_PRIVATE_H
#define TALLY_TLS_CREDENTIALS_PRIVATE_H

#include <gio/gio.h>

#include "tls-internal.h"

G_BEGIN_DECLS

/* What the files hold. */
typedef struct
{
  GTlsDatabase *trust;          /* never NULL once it has been read */
  GTlsCertificate *certificate; /* with its key; NULL: none */
} TallyTlsFiles;

/* Gives what the files hold now: they are read when they have changed. What cannot be read while older
 * content is there leaves that in use, and is logged. FALSE with %TALLY_ERROR_INVALID_ARGUMENT, which
 * names the file. Thread-safe. */
gboolean
tally_tls_credentials_get (TallyTlsCredentials *self, TallyTlsFiles *files, GError **error);
/* Reads the files anew, whether they look changed or not. What cannot be read leaves the older content in use, and is not logged
 * any more; FALSE with @error as above. Thread-safe. */
gboolean tally_tls_credentials_reload (TallyTlsCredentials *self, GError **error);
void tally_tls_files_clear (TallyTlsFiles *files);
/* Whether sessions may be resumed with the peer; they may until it was set otherwise. Thread-safe. */
gboolean tally_tls_credentials_get_resumes (const TallyTlsCredentials *self);
void tally_tls_credentials_set_resumes (TallyTlsCredentials *self, gboolean resumes);

/* ---- the key ---- */

/* Whether the private key that @certificate has is its own. TRUE also where that cannot be told: without a key, or of
 * Ed25519 or Ed448. */
gboolean tally_tls_has_own_key (GTlsCertificate *certificate);

/* ---- trust ---- */

/* Trusts what @database (nullable: nothing) trusts. GIO reads the authorities of a database of its own
 * for each connection anew; of this one it asks for a verdict. (transfer full) */
GTlsDatabase *tally_tls_trust_new (GTlsDatabase *database);

G_END_DECLS

#endif /* TALLY_TLS_CREDENTIALS_PRIVATE_H */
