/* Owns what a handler may ask of its peer: the client's certificate, the request's headers and deadline; and the
 * reply's headers, which it may set. It knows the stream that this thread serves and the request that it answers,
 * and no connection. */
#include "server-private.h"

static __thread const TallyStream *current; /* NULL: none that has an identity */

void
server_peer_begin (const TallyStream *stream)
{
  current = stream;
}

static __thread ServerHeader *current_header; /* NULL: the request has none */

void
server_peer_set_header (ServerHeader *header)
{
  current_header = header;
}

ServerHeader *
server_peer_get_header (void)
{
  return current_header;
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

/**
 * tally_server_dup_request_headers:
 *
 * Gives, to a handler while it is called, the headers of the request that it is called for, with those that the
 * client sent for all requests of its connection. Another thread that the handler starts is not told, but may be
 * given them.
 *
 * Returns: (transfer full) (nullable): the headers, not to be changed; %NULL where the client does not speak
 *   `transport=header`, also outside of a handler
 *
 * Since: 0.2
 */
TallyHeaders *
tally_server_dup_request_headers (void)
{
  if (current_header == NULL)
    return NULL;
  server_header_keep (current_header);
  return tally_headers_ref (current_header->headers);
}

/**
 * tally_server_set_reply_header:
 * @name: UTF-8 text of at least one byte
 * @value: UTF-8 text
 *
 * Sets, for a handler while it is called, a header of the reply to its request, an exception too; in place of
 * one with the same name. A handler that answers later calls tally_reply_set_header().
 *
 * Returns: %FALSE where the reply has no headers: the client does not speak `transport=header`, the call is from
 *   outside of a handler, or from one that answers later; or where there are %TALLY_HEADERS_MAX others
 *
 * Since: 0.2
 */
gboolean
tally_server_set_reply_header (const gchar *name, const gchar *value)
{
  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  if (current_header == NULL || (current_header->is_taken != NULL && *current_header->is_taken))
    return FALSE;
  return server_header_set (current_header, name, value);
}

/**
 * tally_server_get_request_deadline:
 *
 * Says, to a handler while it is called, when its client will wait no longer, by what it sent in
 * %TALLY_HEADER_TIMEOUT. The time that the request took to arrive is not counted.
 *
 * Returns: g_get_monotonic_time() then; 0 where the client did not say
 *
 * Since: 0.2
 */
gint64
tally_server_get_request_deadline (void)
{
  return current_header != NULL ? current_header->deadline : 0;
}
