/* Owns Apache C GLib's socket over TLS, whose header needs OpenSSL's. Its library has no server for it. */
#include <stdlib.h>
#include <thrift/c_glib/transport/thrift_ssl_socket.h>

#include "interop-peer.h"

/* Without a manager it takes no certificate. It verifies the chain itself, and no name. */
static gboolean
accept_server (ThriftTransport *transport,
               X509 *certificate,
               struct sockaddr_storage *address,
               GError **error)
{
  return certificate != NULL;
}

static void
show_certificate (ThriftSSLSocket *socket)
{
  g_autofree gchar *file = peer_certificate ("alice");

  peer_expect (SSL_CTX_use_certificate_chain_file (socket->ctx, file) == 1
                   && SSL_CTX_use_PrivateKey_file (socket->ctx, file, SSL_FILETYPE_PEM) == 1,
               "certificate");
}

ThriftTransport *
peer_ssl_socket_new (const PeerOptions *options)
{
  g_autofree gchar *ca = peer_certificate ("ca");
  g_autoptr (GError) error = NULL;
  ThriftSSLSocket *socket;

  thrift_ssl_socket_initialize_openssl ();
  socket =
      thrift_ssl_socket_new_with_host (peer_has_flag (options, "tls1.2") ? TLSv1_2 : SSLTLS,
                                       (gchar *) "127.0.0.1", atoi (peer_place (options)), &error);
  peer_expect_no_error (error, "socket");
  thrift_ssl_socket_set_manager (socket, accept_server);
  peer_expect (thrift_ssl_load_cert_from_file (socket, ca), "authorities");
  if (peer_has_flag (options, "mutual"))
    show_certificate (socket);
  return THRIFT_TRANSPORT (socket);
}
