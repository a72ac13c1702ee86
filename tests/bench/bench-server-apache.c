/* Apache's simple server with the service that echoes, until a signal ends it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>
#include <thrift/c_glib/transport/thrift_server_socket.h>

#include "bench-common.h"
#include "bench-handler.h"

/* A server socket that prints the port it was given, once it listens. */
typedef ThriftServerSocket Listener;
typedef ThriftServerSocketClass ListenerClass;
static GType listener_get_type (void);
G_DEFINE_TYPE (Listener, listener, THRIFT_TYPE_SERVER_SOCKET)

static gboolean
listener_listen (ThriftServerTransport *transport, GError **error)
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;

  if (!THRIFT_SERVER_TRANSPORT_CLASS (listener_parent_class)->listen (transport, error))
    return FALSE;
  if (getsockname (THRIFT_SERVER_SOCKET (transport)->sd, (struct sockaddr *) &address, &length)
      != 0)
    bench_fail ("no address");
  printf ("%d\n", ntohs (address.sin_port));
  fflush (stdout);
  return TRUE;
}

static void
listener_class_init (ListenerClass *klass)
{
  THRIFT_SERVER_TRANSPORT_CLASS (klass)->listen = listener_listen;
}

static void
listener_init (Listener *self)
{
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ThriftServer *server;

  bench_parse (&argc, &argv, NULL);
  bench_die_with_parent ();
  server = g_object_new (
      THRIFT_TYPE_SIMPLE_SERVER, "processor",
      g_object_new (BENCH_TYPE_ECHO_PROCESSOR, "handler", bench_handler_new (), NULL),
      "server_transport", g_object_new (listener_get_type (), "port", 0, NULL),
      "input_transport_factory", g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY, NULL),
      "output_transport_factory", g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY, NULL),
      "input_protocol_factory", g_object_new (THRIFT_TYPE_BINARY_PROTOCOL_FACTORY, NULL),
      "output_protocol_factory", g_object_new (THRIFT_TYPE_BINARY_PROTOCOL_FACTORY, NULL), NULL);
  if (!thrift_server_serve (server, &error))
    bench_fail ("%s", error->message);
  return 0;
}
