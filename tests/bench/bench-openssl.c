/* The limit of calls over TLS: the bytes of a request and of its reply go over one connection of OpenSSL's,
 * with nothing of Thrift in between; and the partner, a server that echoes as bench-ideal-server does. Both
 * receive ahead, so that a record costs one system call. */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY 65536

static gboolean serves;
static gchar *certificate;
static gchar *ca;

static const GOptionEntry entries[] = {
  { "serve", 0, 0, G_OPTION_ARG_NONE, &serves, "Be the server", NULL },
  { "certificate", 0, 0, G_OPTION_ARG_FILENAME, &certificate, "A server's, with its key", "FILE" },
  { "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca, "What a client trusts", "FILE" },
  { NULL }
};

static SSL_CTX *
make_context (void)
{
  SSL_CTX *context = SSL_CTX_new (serves ? TLS_server_method () : TLS_client_method ());

  SSL_CTX_set_read_ahead (context, 1);
  if (serves ? SSL_CTX_use_certificate_chain_file (context, certificate) != 1
                   || SSL_CTX_use_PrivateKey_file (context, certificate, SSL_FILETYPE_PEM) != 1
             : SSL_CTX_load_verify_locations (context, ca, NULL) != 1)
    bench_fail ("cannot use the certificate");
  if (!serves)
    SSL_CTX_set_verify (context, SSL_VERIFY_PEER, NULL);
  return context;
}

static SSL *
secure (SSL_CTX *context, int fd)
{
  SSL *ssl = SSL_new (context);

  if (SSL_set_fd (ssl, fd) != 1 || (serves ? SSL_accept (ssl) : SSL_connect (ssl)) != 1)
    bench_fail ("no handshake");
  return ssl;
}

static int
open_socket (struct sockaddr_in *address)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  *address = (struct sockaddr_in){ .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                   .sin_port = serves ? 0 : htons (bench_options.port) };
  if (fd < 0 || setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    bench_fail ("no socket: %s", g_strerror (errno));
  return fd;
}

/* Receives a whole frame, which its length begins. 0: the peer has ended. */
static gsize
receive_frame (SSL *ssl, guint8 *frame)
{
  gsize have = 0;
  guint32 length = 0;

  while (have < 4 || have < 4 + (gsize) length)
    {
      int count = SSL_read (ssl, frame + have, CAPACITY - (int) have);

      if (count <= 0)
        return 0;
      have += count;
      if (have < 4)
        continue;
      memcpy (&length, frame, sizeof length);
      length = ntohl (length);
      if (length > CAPACITY - 4)
        bench_fail ("a frame of %u bytes", length);
    }
  return have;
}

/* As bench-ideal-server does it. */
static void
turn_call_into_reply (guint8 *frame)
{
  guint32 name_length;

  memcpy (&name_length, frame + 8, sizeof name_length);
  frame[7] = 2;
  frame[12 + ntohl (name_length) + 4 + 2] = 0;
}

/* ---- the server ---- */

static void
serve (SSL *ssl)
{
  static guint8 frame[CAPACITY];
  gsize length;

  while ((length = receive_frame (ssl, frame)) > 0)
    {
      turn_call_into_reply (frame);
      if (SSL_write (ssl, frame, (int) length) <= 0)
        return;
    }
}

static void
run_server (SSL_CTX *context)
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  int listener = open_socket (&address);

  if (bind (listener, (struct sockaddr *) &address, sizeof address) != 0
      || listen (listener, 128) != 0
      || getsockname (listener, (struct sockaddr *) &address, &length) != 0)
    bench_fail ("cannot listen: %s", g_strerror (errno));
  printf ("%d\n", ntohs (address.sin_port));
  fflush (stdout);
  for (;;)
    {
      int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
      SSL *ssl = secure (context, fd);

      serve (ssl);
      SSL_free (ssl);
      close (fd);
    }
}

/* ---- the client ---- */

typedef struct
{
  SSL *ssl;
  guint8 *request;
  gsize length;
  guint8 *expected;
  guint8 reply[CAPACITY];
} TlsLimit;

static gint64
exchange (gpointer data)
{
  TlsLimit *limit = data;
  gint64 start = bench_now ();
  gint64 end;
  gsize length;

  if (SSL_write (limit->ssl, limit->request, (int) limit->length) <= 0)
    bench_fail ("cannot send");
  length = receive_frame (limit->ssl, limit->reply);
  end = bench_now ();
  if (length != limit->length || memcmp (limit->reply, limit->expected, length) != 0)
    bench_fail ("the reply is not the request's");
  memset (limit->reply, 0, 16);
  return end - start;
}

static void
run_client (SSL_CTX *context)
{
  TlsLimit *limit = g_new0 (TlsLimit, 1);
  g_autoptr (GError) error = NULL;
  struct sockaddr_in address;
  int fd = open_socket (&address);

  if (!g_file_get_contents (bench_options.request, (gchar **) &limit->request, &limit->length,
                            &error))
    bench_fail ("%s", error->message);
  limit->expected = g_memdup2 (limit->request, limit->length);
  turn_call_into_reply (limit->expected);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    bench_fail ("cannot connect: %s", g_strerror (errno));
  limit->ssl = secure (context, fd);
  bench_measure ("call", exchange, limit);
  SSL_shutdown (limit->ssl);
  SSL_free (limit->ssl);
  close (fd);
  g_free (limit->request);
  g_free (limit->expected);
  g_free (limit);
}

int
main (int argc, char **argv)
{
  SSL_CTX *context;

  bench_parse (&argc, &argv, entries);
  context = make_context ();
  if (serves)
    {
      bench_die_with_parent ();
      run_server (context);
    }
  else
    run_client (context);
  SSL_CTX_free (context);
  return 0;
}
