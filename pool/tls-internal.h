/* TLS, the stream's second kind: a layer over a descriptor, by GIO's GTlsConnection. GIO loads its module
 * when one of these functions is first called, and not before.
 *
 * A client's stream is secured while it is dialed: what dialing gives away has shaken hands. A server's
 * becomes so while it is served already: until then it receives nothing. */
#ifndef TALLY_TLS_INTERNAL_H
#define TALLY_TLS_INTERNAL_H

#include "stream-internal.h"
#include "tally-endpoint.h"

G_BEGIN_DECLS

/* What a server wants of a client's certificate. */
typedef enum
{
  TALLY_TLS_CLIENTS_IGNORED,   /* it is not asked for */
  TALLY_TLS_CLIENTS_REQUESTED, /* it may be absent */
  TALLY_TLS_CLIENTS_REQUIRED
} TallyTlsClients;

/* What a URI says of TLS; NULL: nothing. */
typedef struct
{
  gchar *ca;          /* file: the authorities to trust; NULL: the system's */
  gchar *certificate; /* file: who this side is, its chain behind it */
  gchar *key;         /* file; NULL: it is in certificate */
  gchar *identity;    /* a client's: the name in the server's certificate; NULL: the host */
  gint checks_host;   /* a client's: whether that name is looked at */
  gint clients;       /* a server's: a TallyTlsClients */
} TallyTlsOptions;

/* What a side has read of its files. */
typedef struct _TallyTlsCredentials TallyTlsCredentials;

/* Where no authorities are named. */
typedef enum
{
  TALLY_TLS_TRUST_NOBODY,
  TALLY_TLS_TRUST_SOMEBODY /* the system's */
} TallyTlsTrustee;

/* As tally_endpoint_new (), with @tls in the place of what @uri says, as far as that is set; but
 * `checks_host` only where it is FALSE. */
TallyEndpoint *
tally_endpoint_new_with_tls (const gchar *uri, const TallyTlsOptions *tls, GError **error);
const TallyTlsOptions *tally_endpoint_get_tls (const TallyEndpoint *endpoint);
/* An endpoint's own, a client's; NULL without TLS. */
TallyTlsCredentials *tally_endpoint_get_credentials (const TallyEndpoint *endpoint);
/* The canonical URI without what this side keeps to itself: its files. (transfer full) */
gchar *tally_endpoint_dup_bare_uri (const TallyEndpoint *endpoint);
/* The canonical URI without files, with @address in place of its own. (transfer full) */
gchar *tally_endpoint_dup_uri_at (const TallyEndpoint *endpoint, GSocketAddress *address);

/* Reads nothing yet. @options are copied. (transfer full) */
TallyTlsCredentials *tally_tls_credentials_new (const TallyTlsOptions *options,
                                                TallyTlsTrustee trustee);
void tally_tls_credentials_free (TallyTlsCredentials *self);

/* Whether GIO has TLS here. FALSE with %TALLY_ERROR_NOT_SUPPORTED, which names @uri. */
gboolean tally_tls_check (const gchar *uri, GError **error);

/* ---- clients ---- */

/* Shakes hands over @stream, a plain one, and makes it a layered one. FALSE with @error, not NULL, whose
 * message says what is wrong with the peer, and whose code is G_IO_ERROR_TIMED_OUT or _CANCELLED where that
 * is the reason, G_TLS_ERROR_HANDSHAKE where another try, which resumes no session, may do better; @stream is
 * closed then. */
gboolean tally_tls_connect (TallyStream *stream,
                            TallyEndpoint *endpoint,
                            gint64 deadline,
                            GCancellable *cancellable,
                            GError **error);

/* ---- servers ---- */

/* Shakes hands with a server's peers: so many at once, in GIO's threads, each for so long. */
typedef struct _TallyTlsAcceptor TallyTlsAcceptor;

/* A stream has been secured, or has failed: another try finds out. Any thread calls it. */
typedef void (*TallyTlsReady) (gpointer data);

/* FALSE with %TALLY_ERROR_INVALID_ARGUMENT, which names the file: one of those cannot be read. */
gboolean tally_tls_check_files (const TallyTlsOptions *options, GError **error);
/* @options are copied; @timeout_ms: of a handshake, from the peer's first message on; 0: none. FALSE with
 * @error when a file cannot be read. (transfer full) */
TallyTlsAcceptor *
tally_tls_acceptor_new (const TallyTlsOptions *options, guint timeout_ms, GError **error);
/* Reads the files anew, whether they look changed or not. FALSE with %TALLY_ERROR_INVALID_ARGUMENT, which names the file: what
 * was read before stays in use, and nothing is logged of these files. Any thread. */
gboolean tally_tls_acceptor_reload (TallyTlsAcceptor *self, GError **error);
/* Every stream of it has been closed. */
void tally_tls_acceptor_free (TallyTlsAcceptor *self);
/* Makes @stream, a plain one, a layered one. FALSE: there is no memory or descriptor, and it is closed. */
gboolean tally_tls_accept (TallyTlsAcceptor *self, TallyStream *stream);
/* From now on, until the stream is closed, @ready is called with @data. */
void tally_tls_set_ready (TallyStream *stream, TallyTlsReady ready, gpointer data);
/* Why the handshake with a server's peer has failed. (nullable): it has not, or there is none. *@bytes: what
 * came instead of a first message of TLS, else NULL; what is given belongs to the stream. */
const gchar *tally_tls_get_failure (const TallyStream *stream, const guint8 **bytes, gsize *length);
/* Whether the peer of a server's layered stream has still to shake hands. */
gboolean tally_tls_is_unsecured (const TallyStream *stream);
/* Whether it is about that. */
gboolean tally_tls_is_shaking (const TallyStream *stream);

/* ---- both ---- */

/* (transfer full) (nullable): of a stream that has shaken hands. */
GTlsCertificate *tally_tls_dup_peer_certificate (const TallyStream *stream);
/* Whether @stream is of this kind. */
gboolean tally_stream_is_tls (const TallyStream *stream);

G_END_DECLS

#endif /* TALLY_TLS_INTERNAL_H */
