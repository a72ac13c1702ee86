/* Owns the ways, the transport that is a program's own, and the subclasses of Apache's protocols. */
#include "protocol-fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>
#include <thrift/c_glib/transport/thrift_socket.h>
#include <thrift/c_glib/transport/thrift_zlib_transport.h>
#include <unistd.h>

#include "harness.h"
#include "tally-socket.h"

/* ---- a transport of a program's own ---- */

typedef ThriftTransportClass PipeClass;
G_DEFINE_TYPE (Pipe, pipe, THRIFT_TYPE_TRANSPORT)

static gint32
pipe_read (ThriftTransport *transport, gpointer bytes, guint32 length, GError **error)
{
  Pipe *self = (Pipe *) transport;

  self->largest_read = MAX (self->largest_read, length);
  if (!THRIFT_TRANSPORT_GET_CLASS (transport)->checkReadBytesAvailable (transport, length, error))
    return -1;
  if (length > self->input->len - self->position)
    {
      g_set_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
                   "failed to read %u bytes", length);
      return -1;
    }
  if (length > 0)
    memcpy (bytes, self->input->data + self->position, length);
  self->position += length;
  return (gint32) length;
}

static gboolean
pipe_write (ThriftTransport *transport, const gpointer bytes, const guint32 length, GError **error)
{
  Pipe *self = (Pipe *) transport;

  self->n_writes++;
  if (self->on_write != NULL)
    self->on_write ();
  g_byte_array_append (self->output, bytes, length);
  return TRUE;
}

static gboolean
pipe_flush (ThriftTransport *transport, GError **error)
{
  ((Pipe *) transport)->n_flushes++;
  return TRUE;
}

static gboolean
pipe_yes (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static void
pipe_finalize (GObject *object)
{
  g_byte_array_unref (((Pipe *) object)->input);
  g_byte_array_unref (((Pipe *) object)->output);
  G_OBJECT_CLASS (pipe_parent_class)->finalize (object);
}

static void
pipe_class_init (PipeClass *class)
{
  G_OBJECT_CLASS (class)->finalize = pipe_finalize;
  class->read = pipe_read;
  class->write = pipe_write;
  class->flush = pipe_flush;
  class->read_end = pipe_yes;
  class->write_end = pipe_yes;
}

static void
pipe_init (Pipe *self)
{
  self->input = g_byte_array_new ();
  self->output = g_byte_array_new ();
}

/* ---- protocols of a program's own ---- */

guint n_walked_calls;

typedef ThriftBinaryProtocol OwnBinary;
typedef ThriftBinaryProtocolClass OwnBinaryClass;
static GType own_binary_get_type (void);
G_DEFINE_TYPE (OwnBinary, own_binary, THRIFT_TYPE_BINARY_PROTOCOL)

typedef ThriftCompactProtocol OwnCompact;
typedef ThriftCompactProtocolClass OwnCompactClass;
static GType own_compact_get_type (void);
G_DEFINE_TYPE (OwnCompact, own_compact, THRIFT_TYPE_COMPACT_PROTOCOL)

static ThriftProtocolClass *
parent_of (ThriftProtocol *protocol)
{
  return G_TYPE_CHECK_INSTANCE_TYPE (protocol, own_binary_get_type ()) ? own_binary_parent_class
                                                                       : own_compact_parent_class;
}

static gint32
write_field_stop (ThriftProtocol *protocol, GError **error)
{
  n_walked_calls++;
  return parent_of (protocol)->write_field_stop (protocol, error);
}

static gint32
read_struct_end (ThriftProtocol *protocol, GError **error)
{
  n_walked_calls++;
  return parent_of (protocol)->read_struct_end (protocol, error);
}

static void
own_binary_class_init (OwnBinaryClass *class)
{
  THRIFT_PROTOCOL_CLASS (class)->write_field_stop = write_field_stop;
  THRIFT_PROTOCOL_CLASS (class)->read_struct_end = read_struct_end;
}

static void
own_binary_init (OwnBinary *self)
{
}

static void
own_compact_class_init (OwnCompactClass *class)
{
  THRIFT_PROTOCOL_CLASS (class)->write_field_stop = write_field_stop;
  THRIFT_PROTOCOL_CLASS (class)->read_struct_end = read_struct_end;
}

static void
own_compact_init (OwnCompact *self)
{
}

/* ---- ways ---- */

static const gchar *const names[N_WAYS] = { "own",    "memory",          "framed", "buffered",
                                            "socket", "buffered socket", "zlib",   "tally" };

const gchar *
way_name (WayKind kind)
{
  return names[kind];
}

static ThriftTransport *
new_pipe (Way *self, gconstpointer bytes, gsize length)
{
  self->pipe = g_object_new (pipe_get_type (), NULL);
  g_byte_array_append (self->pipe->input, bytes, length);
  return THRIFT_TRANSPORT (self->pipe);
}

static ThriftTransport *
new_framed (Way *self, gconstpointer bytes, gsize length)
{
  guint32 size = GUINT32_TO_BE ((guint32) length);
  ThriftTransport *pipe = test_keep (new_pipe (self, &size, length > 0 ? sizeof size : 0));
  ThriftTransport *framed = g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", pipe, NULL);

  g_byte_array_append (self->pipe->input, bytes, length);
  g_object_unref (pipe);
  return test_keep (framed);
}

static ThriftTransport *
new_buffered (ThriftTransport *inner)
{
  return test_keep (
      g_object_new (THRIFT_TYPE_BUFFERED_TRANSPORT, "transport", test_keep (inner), NULL));
}

static gint
connect_peer (Way *self, gconstpointer bytes, gsize length)
{
  gint ends[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  self->peer = ends[1];
  CU_ASSERT_EQUAL (send (self->peer, bytes, length, MSG_NOSIGNAL), (gssize) length);
  shutdown (self->peer, SHUT_WR);
  return ends[0];
}

static ThriftTransport *
new_socket (Way *self, gconstpointer bytes, gsize length)
{
  ThriftSocket *socket = test_keep (g_object_new (THRIFT_TYPE_SOCKET, NULL));

  socket->sd = connect_peer (self, bytes, length);
  return THRIFT_TRANSPORT (socket);
}

static ThriftTransport *
new_memory (gconstpointer bytes, gsize length)
{
  ThriftMemoryBuffer *memory =
      test_keep (g_object_new (THRIFT_TYPE_MEMORY_BUFFER, "buf_size", 1 << 20, NULL));

  g_byte_array_append (memory->buf, bytes, length);
  return THRIFT_TRANSPORT (memory);
}

static ThriftTransport *
new_zlib (gconstpointer bytes, gsize length)
{
  ThriftTransport *memory = new_memory (NULL, 0);
  ThriftTransport *zlib =
      test_keep (g_object_new (THRIFT_TYPE_ZLIB_TRANSPORT, "transport", memory, NULL));

  CU_ASSERT_TRUE (thrift_transport_write (zlib, (gpointer) bytes, (guint32) length, NULL));
  CU_ASSERT_TRUE (thrift_transport_flush (zlib, NULL));
  return zlib;
}

static ThriftTransport *
new_transport (Way *self, gconstpointer bytes, gsize length)
{
  switch (self->kind)
    {
    case WAY_OWN:
      return new_pipe (self, bytes, length);
    case WAY_MEMORY:
      return new_memory (bytes, length);
    case WAY_FRAMED:
      return new_framed (self, bytes, length);
    case WAY_BUFFERED:
      return new_buffered (new_pipe (self, bytes, length));
    case WAY_SOCKET:
      return new_socket (self, bytes, length);
    case WAY_BUFFERED_SOCKET:
      return new_buffered (new_socket (self, bytes, length));
    case WAY_ZLIB:
      return new_zlib (bytes, length);
    default:
      return THRIFT_TRANSPORT (tally_socket_new_from_fd (connect_peer (self, bytes, length)));
    }
}

void
way_open (
    Way *self, WayKind kind, gboolean compact, gboolean walked, gconstpointer bytes, gsize length)
{
  const GType types[2][2] = { { THRIFT_TYPE_BINARY_PROTOCOL, own_binary_get_type () },
                              { THRIFT_TYPE_COMPACT_PROTOCOL, own_compact_get_type () } };

  *self = (Way){ .kind = kind, .compact = compact, .walked = walked, .peer = -1 };
  self->transport = new_transport (self, bytes, length);
  self->protocol = g_object_new (types[compact][walked], "transport", self->transport, NULL);
}

void
way_close (Way *self)
{
  if (self->kind == WAY_SOCKET || self->kind == WAY_BUFFERED_SOCKET)
    thrift_transport_close (self->transport, NULL);
  if (self->peer >= 0)
    close (self->peer);
  g_object_unref (self->protocol);
  g_object_unref (self->transport);
}

GByteArray *
way_read_rest (Way *self)
{
  GByteArray *rest = g_byte_array_new ();
  guint8 byte;

  if (self->kind == WAY_MEMORY) /* which does not say that it ends */
    {
      const GByteArray *left = THRIFT_MEMORY_BUFFER (self->transport)->buf;

      return g_byte_array_append (rest, left->data, left->len);
    }
  while (thrift_transport_read_all (self->transport, &byte, 1, NULL) == 1)
    g_byte_array_append (rest, &byte, 1);
  return rest;
}

gboolean
way_tells_the_end (WayKind kind)
{
  return kind != WAY_TALLY && kind != WAY_ZLIB;
}
