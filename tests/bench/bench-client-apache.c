/* Apache's way to a server: a binary protocol on a transport on a socket, no pool. The transport is the
 * framed one, or what --transport says: buffered, socket (the socket itself), own (a program's). */
#include "bench-client.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_socket.h>

#include "bench-common.h"

/* Not everything here holds a reference to what is below it, so that ours are kept. */
static ThriftSocket *wire;
static ThriftTransport *transport;
static ThriftProtocol *protocol;

/* ---- a transport of a program's own ---- */

typedef ThriftSocket Own;
typedef ThriftSocketClass OwnClass;
static GType own_get_type (void);
G_DEFINE_TYPE (Own, own, THRIFT_TYPE_SOCKET)

static void
own_class_init (OwnClass *class)
{
}

static void
own_init (Own *self)
{
}

/* ---- the client ---- */

static gboolean
is_transport (const gchar *name)
{
  return g_strcmp0 (bench_options.transport, name) == 0;
}

static ThriftTransport *
new_transport (void)
{
  if (is_transport ("socket") || is_transport ("own"))
    return g_object_ref (THRIFT_TRANSPORT (wire));
  return g_object_new (is_transport ("buffered") ? THRIFT_TYPE_BUFFERED_TRANSPORT
                                                 : THRIFT_TYPE_FRAMED_TRANSPORT,
                       "transport", wire, NULL);
}

BenchEchoIf *
bench_client_open (void)
{
  g_autoptr (GError) error = NULL;

  wire = g_object_new (is_transport ("own") ? own_get_type () : THRIFT_TYPE_SOCKET, "hostname",
                       "127.0.0.1", "port", bench_options.port, NULL);
  transport = new_transport ();
  protocol = g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
  if (!thrift_transport_open (transport, &error))
    bench_fail ("cannot connect: %s", error->message);
  return g_object_new (BENCH_TYPE_ECHO_CLIENT, "input_protocol", protocol, "output_protocol",
                       protocol, NULL);
}

void
bench_client_close (BenchEchoIf *opened)
{
  thrift_transport_close (transport, NULL);
  g_object_unref (opened);
  g_object_unref (protocol);
  g_object_unref (transport);
  g_object_unref (wire);
}

gboolean
bench_client_has_channel (void)
{
  return FALSE;
}
