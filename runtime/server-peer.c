/* Owns what a handler may ask of its peer: the client's certificate. It knows the stream that this
 * thread serves, and no connection. */
#include "server-private.h"

static __thread const TallyStream *current; /* NULL: none that has an identity */

void
server_peer_begin (const TallyStream *stream)
{
  current = stream;
}

void
server_peer_end (void)
{
  current = NULL;
}

/**
 * tally_server_dup_peer_certificate:
 *
 * Says, to a handler while it is called, which certificate the client has that sent the request. It
 * has been verified: see the `clients` option of tally_endpoint_new(). Another thread that the
 * handler starts is not told.
 *
 * Returns: (transfer full) (nullable): the certificate; %NULL where there is none, also outside of a
 *   handler and without TLS
 */
GTlsCertificate *
tally_server_dup_peer_certificate (void)
{
  return current != NULL ? tally_tls_dup_peer_certificate (current) : NULL;
}

/**
 * tally_server_dup_peer_subject:
 *
 * As tally_server_dup_peer_certificate(), the subject's distinguished name alone.
 *
 * Returns: (transfer full) (nullable): the name, such as `CN=alice,O=Example`; %NULL as there
 */
gchar *
tally_server_dup_peer_subject (void)
{
  g_autoptr (GTlsCertificate) certificate = tally_server_dup_peer_certificate ();

  return certificate != NULL ? g_tls_certificate_get_subject_name (certificate) : NULL;
}
