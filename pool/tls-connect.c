/* Owns a client's handshake. It blocks, in whichever thread dials, and ends at the dial's deadline or by
 * its cancellable. It knows no pool. */
#include <string.h>

#include "tally-error.h"
#include "tls-credentials-private.h"
#include "tls-fault-private.h"
#include "tls-layer-private.h"

/* The types of records of TLS. */
#define RECORD_FIRST 20
#define RECORD_LAST 23

gboolean
tally_tls_check (const gchar *uri, GError **error)
{
  if (g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
               "%s: GIO finds no TLS here; it comes with the package glib-networking", uri);
  return FALSE;
}

static GTlsCertificateFlags
get_ignored (const TallyTlsOptions *options)
{
  return options->checks_host ? G_TLS_CERTIFICATE_NO_FLAGS : G_TLS_CERTIFICATE_BAD_IDENTITY;
}

/* GIO asks about a certificate in which it found a fault. */
static gboolean
on_server_certificate (GTlsConnection *connection,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags flags,
                       const TallyTlsOptions *options)
{
  return (flags & ~get_ignored (options)) == 0;
}

/* (transfer full) */
static gchar *
dup_name (TallyEndpoint *endpoint)
{
  const TallyTlsOptions *options = tally_endpoint_get_tls (endpoint);
  GSocketConnectable *target = tally_endpoint_get_connectable (endpoint);

  if (options->identity != NULL)
    return g_strdup (options->identity);
  if (G_IS_NETWORK_ADDRESS (target))
    return g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (target)));
  return g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (target)));
}

/* The name that the server's certificate must have, which the server is also told. No certificate has the dot of DNS's root, which
 * may end a name that is looked up. */
static GSocketConnectable *
make_identity (TallyEndpoint *endpoint)
{
  g_autofree gchar *name = dup_name (endpoint);

  if (g_str_has_suffix (name, "."))
    name[strlen (name) - 1] = '\0';
  return g_network_address_new (name, 0);
}

/* What GIO speaks through. Only for a socket's connection does it look for a session to resume. */
static GIOStream *
make_way (TallyTlsBase *base, gboolean resumes)
{
  return resumes ? g_object_ref (G_IO_STREAM (base))
                 : g_simple_io_stream_new (base->input, base->output);
}

static GTlsConnection *
make_client_connection (TallyTlsBase *base,
                        TallyEndpoint *endpoint,
                        gboolean resumes,
                        GSocketConnectable *identity,
                        GError **error)
{
  g_autoptr (GIOStream) way = make_way (base, resumes);
  const TallyTlsOptions *options = tally_endpoint_get_tls (endpoint);
  TallyTlsFiles files = { NULL, NULL };
  GTlsConnection *connection;

  if (!tally_tls_credentials_get (tally_endpoint_get_credentials (endpoint), &files, error))
    return NULL;
  /* All at once: GIO would read the system's authorities first. */
  connection =
      g_initable_new (g_tls_backend_get_client_connection_type (g_tls_backend_get_default ()), NULL,
                      error, "base-io-stream", way, "server-identity", identity, "database",
                      files.trust, NULL);
  if (connection != NULL)
    {
      if (files.certificate != NULL)
        g_tls_connection_set_certificate (connection, files.certificate);
      g_signal_connect (connection, "accept-certificate", G_CALLBACK (on_server_certificate),
                        (gpointer) options);
    }
  tally_tls_files_clear (&files);
  return connection;
}

/* (nullable): what speaks for itself where GnuTLS only says that it did not understand. */
static const gchar *
describe_silence (const TallyTlsBase *base)
{
  if (base->first < 0)
    return "the peer closed the connection before it had said anything, as one may that does not "
           "speak TLS";
  return base->first < RECORD_FIRST || base->first > RECORD_LAST ? TALLY_TLS_NOT_SPOKEN : NULL;
}

static gboolean
is_handshake_limit (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A session that GIO has resumed was not verified anew by GIO itself, which only says what it found:
 * so all of it is looked at here. */
static gboolean
shake_hands (TallyTls *tls,
             const TallyTlsOptions *options,
             const gchar *identity,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree gchar *fault = NULL;
  const gchar *silence = NULL;
  gboolean shaken = g_tls_connection_handshake (tls->connection, cancellable, &local_error);

  if (!shaken && is_handshake_limit (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  fault = tally_tls_find_fault (tls->connection, get_ignored (options), identity);
  if (shaken && fault == NULL)
    {
      if (g_tls_connection_get_peer_certificate (tls->connection) != NULL)
        return TRUE;
      g_set_error_literal (&local_error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                           "the peer has no certificate");
    }
  if (fault == NULL && !shaken)
    silence = describe_silence (tls->base);
  if (fault == NULL && silence == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                         fault != NULL ? fault : silence);
  return FALSE;
}

/* An OpenSSL server that asks for clients' certificates and was not told the context of its sessions, as
 * Apache's C++ library does not tell it, ends the handshake in which a client wants to resume one. GIO does
 * not say what alert came, nor whether it had a session: the next handshakes do without. */
static void
give_up_resuming (TallyTlsCredentials *credentials, GError **error)
{
  g_autofree gchar *text = NULL;

  if (error == NULL || !g_error_matches (*error, G_TLS_ERROR, G_TLS_ERROR_MISC))
    return;
  tally_tls_credentials_set_resumes (credentials, FALSE);
  text = g_strdup ((*error)->message);
  g_clear_error (error);
  g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, text);
}

gboolean
tally_tls_connect (TallyStream *stream,
                   TallyEndpoint *endpoint,
                   gint64 deadline,
                   GCancellable *cancellable,
                   GError **error)
{
  const TallyTlsOptions *options = tally_endpoint_get_tls (endpoint);
  TallyTlsCredentials *credentials = tally_endpoint_get_credentials (endpoint);
  gboolean resumes = tally_tls_credentials_get_resumes (credentials);
  g_autoptr (GSocketConnectable) identity = make_identity (endpoint);
  TallyTls *tls;
  gboolean shaken;

  if (!tally_tls_put (stream, TALLY_TLS_FAILED, error))
    return FALSE;
  tls = stream->layer;
  tls->connection = make_client_connection (tls->base, endpoint, resumes, identity, error);
  if (tls->connection == NULL)
    {
      tally_stream_close (stream);
      return FALSE;
    }
  tls->base->deadline = deadline;
  tls->base->blocks = TRUE;
  shaken = shake_hands (tls, options, g_network_address_get_hostname (G_NETWORK_ADDRESS (identity)),
                        cancellable, error);
  tls->base->blocks = FALSE;
  if (!shaken)
    {
      if (resumes)
        give_up_resuming (credentials, error);
      tally_stream_close (stream);
      return FALSE;
    }
  g_signal_handlers_disconnect_by_func (tls->connection, on_server_certificate, (gpointer) options);
  tls->state = TALLY_TLS_SECURED;
  tally_layer_note_input (stream);
  return TRUE;
}
