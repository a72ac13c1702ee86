/* Apache's way to a server: a framed transport on a socket, a binary protocol on that, no pool. */
#include "bench-client.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_socket.h>

#include "bench-common.h"

/* Not everything here holds a reference to what is below it, so that ours are kept. */
static ThriftSocket *wire;
static ThriftTransport *framed;
static ThriftProtocol *protocol;

BenchEchoIf *
bench_client_open (void)
{
  g_autoptr (GError) error = NULL;

  wire =
      g_object_new (THRIFT_TYPE_SOCKET, "hostname", "127.0.0.1", "port", bench_options.port, NULL);
  framed = g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", wire, NULL);
  protocol = g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", framed, NULL);
  if (!thrift_transport_open (framed, &error))
    bench_fail ("cannot connect: %s", error->message);
  return g_object_new (BENCH_TYPE_ECHO_CLIENT, "input_protocol", protocol, "output_protocol",
                       protocol, NULL);
}

void
bench_client_close (BenchEchoIf *opened)
{
  thrift_transport_close (framed, NULL);
  g_object_unref (opened);
  g_object_unref (protocol);
  g_object_unref (framed);
  g_object_unref (wire);
}

gboolean
bench_client_has_channel (void)
{
  return FALSE;
}
