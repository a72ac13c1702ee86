/* Owns Apache's stack: its simple server, sockets, transports and protocols, under whichever
 * generated code this is compiled with. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_buffered_transport_factory.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>
#include <thrift/c_glib/transport/thrift_server_socket.h>
#include <thrift/c_glib/transport/thrift_socket.h>

#include "interop-peer.h"

/* A server socket that says where it listens, as soon as it does. */
typedef ThriftServerSocket Listener;
typedef ThriftServerSocketClass ListenerClass;
static GType listener_get_type (void);
G_DEFINE_TYPE (Listener, listener, THRIFT_TYPE_SERVER_SOCKET)

static gboolean
listener_listen (ThriftServerTransport *transport, GError **error)
{
  ThriftServerSocket *self = THRIFT_SERVER_SOCKET (transport);
  struct sockaddr_in address;
  socklen_t length = sizeof address;

  if (!THRIFT_SERVER_TRANSPORT_CLASS (listener_parent_class)->listen (transport, error))
    return FALSE;
  if (self->path != NULL)
    printf ("unix:%s\n", self->path);
  else if (getsockname (self->sd, (struct sockaddr *) &address, &length) == 0)
    printf ("tcp:%d\n", ntohs (address.sin_port));
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

static gboolean
is_compact (const PeerOptions *options)
{
  return g_str_equal (options->protocol, "compact");
}

static gboolean
is_framed (const PeerOptions *options)
{
  return g_str_equal (options->transport, "framed");
}

void
peer_apache_serve (const PeerOptions *options)
{
  GType transports = is_framed (options) ? THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY
                                         : THRIFT_TYPE_BUFFERED_TRANSPORT_FACTORY;
  GType protocols = is_compact (options) ? THRIFT_TYPE_COMPACT_PROTOCOL_FACTORY
                                         : THRIFT_TYPE_BINARY_PROTOCOL_FACTORY;
  g_autoptr (GObject) handler = G_OBJECT (peer_handler_new ());
  g_autoptr (GObject) processor =
      G_OBJECT (peer_processor_new (options, (PeerExtendedHandler *) handler));
  g_autoptr (GObject) listener =
      peer_is_unix (options)
          ? g_object_new (listener_get_type (), "path", peer_place (options), NULL)
          : g_object_new (listener_get_type (), "port", atoi (peer_place (options)), NULL);
  g_autoptr (GObject) transport_factory = g_object_new (transports, NULL);
  g_autoptr (GObject) protocol_factory = g_object_new (protocols, NULL);
  g_autoptr (GObject) server =
      g_object_new (THRIFT_TYPE_SIMPLE_SERVER, "processor", processor, "server_transport", listener,
                    "input_transport_factory", transport_factory, "output_transport_factory",
                    transport_factory, "input_protocol_factory", protocol_factory,
                    "output_protocol_factory", protocol_factory, NULL);
  g_autoptr (GError) error = NULL;

  thrift_server_serve (THRIFT_SERVER (server), &error);
  peer_expect_no_error (error, "serve");
}

/* Apache's finalizers do not chain up and leak what GObject keeps for each object: these live
 * on. */
static gpointer
keep (gpointer object)
{
  static GPtrArray *immortal;

  if (immortal == NULL)
    immortal = g_ptr_array_new ();
  g_ptr_array_add (immortal, object);
  return object;
}

static gpointer
make_wire (const PeerOptions *options)
{
  if (peer_is_tls (options))
#ifdef PEER_SSL
    return peer_ssl_socket_new (options);
#else
    peer_fail ("libssl-dev is not installed");
#endif
  if (peer_is_unix (options))
    return g_object_new (THRIFT_TYPE_SOCKET, "path", peer_place (options), NULL);
  return g_object_new (THRIFT_TYPE_SOCKET, "hostname", "127.0.0.1", "port",
                       atoi (peer_place (options)), NULL);
}

void
peer_apache_check (const PeerOptions *options)
{
  gpointer wire = keep (make_wire (options));
  gpointer transport = keep (g_object_new (is_framed (options) ? THRIFT_TYPE_FRAMED_TRANSPORT
                                                               : THRIFT_TYPE_BUFFERED_TRANSPORT,
                                           "transport", wire, NULL));
  gpointer plain = keep (g_object_new (is_compact (options) ? THRIFT_TYPE_COMPACT_PROTOCOL
                                                            : THRIFT_TYPE_BINARY_PROTOCOL,
                                       "transport", transport, NULL));
  gpointer protocol =
      peer_has_flag (options, "multiplexed")
          ? keep (g_object_new (THRIFT_TYPE_MULTIPLEXED_PROTOCOL, "transport", transport,
                                "protocol", plain, "service-name", "probe", NULL))
          : plain;
  g_autoptr (GObject) client = g_object_new (PEER_TYPE_EXTENDED_CLIENT, "input_protocol", plain,
                                             "output_protocol", protocol, NULL);
  g_autoptr (GObject) stranger = g_object_new (PEER_TYPE_STRANGER_CLIENT, "input_protocol", plain,
                                               "output_protocol", protocol, NULL);
  g_autoptr (GError) error = NULL;

  thrift_transport_open (THRIFT_TRANSPORT (transport), &error);
  peer_expect_no_error (error, "open");
  peer_check_all (PEER_EXTENDED_IF (client), PEER_STRANGER_IF (stranger), options);
  thrift_transport_close (THRIFT_TRANSPORT (transport), NULL);
}
