/* Owns what is known of Apache's classes beyond their interfaces: which protocols the engine stands
 * in for, and what a transport holds of its input. It relies on the structs in Apache's public
 * headers, and on a class only if the library that is loaded has it in the size those say. It knows
 * neither values nor messages. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>
#include <thrift/c_glib/protocol/thrift_stored_message_protocol.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>
#include <thrift/c_glib/transport/thrift_socket.h>
#include <thrift/c_glib/transport/thrift_zlib_transport.h>
#ifdef TALLY_HAVE_ZLIB
#include <zlib.h>
#endif

#include "memory-transport.h"
#include "protocol-private.h"
#include "protocols-internal.h"
#include "socket-internal.h"
#include "stream-internal.h"

/* A thread keeps a buffer up to this size for its next message. */
#define KEPT_SCRATCH_BYTES (64 * 1024)

typedef struct
{
  GType protocols[TALLY_MAX_PROTOCOLS]; /* Apache's, as the table has them */
  const TallyCodec *const *codecs;
  guint n_protocols;
  GType multiplexed;
  GType stored_message;
  GType framed;
  GType buffered;
  GType memory;
  GType socket;
  GType zlib;
} Classes;

/* @type, or one that no instance has. */
static GType
known (GType type, gsize size)
{
  GTypeQuery query;

  g_type_query (type, &query);
  return query.instance_size == size ? type : G_TYPE_INVALID;
}

static const Classes *
get_classes (void)
{
  static gsize once;
  static Classes classes;

  if (g_once_init_enter (&once))
    {
      classes.codecs = tally_codec_get_all (&classes.n_protocols);

      for (guint i = 0; i < classes.n_protocols; i++)
        {
          const TallyApacheProtocol *apache = &classes.codecs[i]->apache;

          if (apache->get_type != NULL)
            classes.protocols[i] = known (apache->get_type (), apache->instance_size);
        }
      classes.multiplexed =
          known (THRIFT_TYPE_MULTIPLEXED_PROTOCOL, sizeof (ThriftMultiplexedProtocol));
      classes.stored_message =
          known (THRIFT_TYPE_STORED_MESSAGE_PROTOCOL, sizeof (ThriftStoredMessageProtocol));
      classes.framed = known (THRIFT_TYPE_FRAMED_TRANSPORT, sizeof (ThriftFramedTransport));
      classes.buffered = known (THRIFT_TYPE_BUFFERED_TRANSPORT, sizeof (ThriftBufferedTransport));
      classes.memory = known (THRIFT_TYPE_MEMORY_BUFFER, sizeof (ThriftMemoryBuffer));
      classes.socket = known (THRIFT_TYPE_SOCKET, sizeof (ThriftSocket));
      classes.zlib = known (THRIFT_TYPE_ZLIB_TRANSPORT, sizeof (ThriftZlibTransport));
      g_once_init_leave (&once, 1);
    }
  return &classes;
}

static inline GType
type_of (gpointer instance)
{
  return ((GTypeInstance *) instance)->g_class->g_type;
}

/* ---- protocols ---- */

const TallyCodec *
tally_protocol_find_codec (ThriftProtocol *protocol, ThriftProtocol **concrete)
{
  const Classes *classes = get_classes ();
  GType type = type_of (protocol);

  if (type == classes->multiplexed || type == classes->stored_message)
    {
      protocol = ((ThriftProtocolDecorator *) protocol)->concrete_protocol;
      if (protocol == NULL)
        return NULL;
      type = type_of (protocol);
    }
  *concrete = protocol;
  if (protocol->transport == NULL)
    return NULL;
  for (guint i = 0; i < classes->n_protocols; i++)
    if (type == classes->protocols[i])
      return classes->codecs[i];
  return NULL;
}

gchar *
tally_protocol_dup_name (ThriftProtocol *protocol, const gchar *name, ThriftMessageType type)
{
  const ThriftMultiplexedProtocol *multiplexed = (ThriftMultiplexedProtocol *) protocol;

  if (type_of (protocol) != get_classes ()->multiplexed || multiplexed->service_name == NULL
      || (type != T_CALL && type != T_ONEWAY))
    return NULL;
  return g_strconcat (multiplexed->service_name, THRIFT_MULTIPLEXED_PROTOCOL_DEFAULT_SEPARATOR,
                      name, NULL);
}

gboolean
tally_protocol_stores_header (ThriftProtocol *protocol)
{
  return type_of (protocol) == get_classes ()->stored_message;
}

gpointer
tally_protocol_dup_transport (ThriftProtocol *protocol)
{
  gpointer transport = NULL;

  g_object_get (protocol, "transport", &transport, NULL);
  return transport;
}

/* ---- transports ---- */

static const guint8 *
look_at (const GByteArray *array, gsize *length)
{
  *length = array->len;
  return array->data;
}

/* No function of its interface makes it receive a frame and give nothing away. */
static gboolean
framed_wait (ThriftTransport *transport, GError **error)
{
  ThriftFramedTransport *self = (ThriftFramedTransport *) transport;
  guint8 byte;

  if (self->r_buf->len > 0)
    return TRUE;
  if (thrift_transport_read_all (transport, &byte, 1, error) < 0)
    return FALSE;
  g_clear_error (error);
  g_byte_array_prepend (self->r_buf, &byte, 1);
  return TRUE;
}

static const guint8 *
framed_look (ThriftTransport *transport, gsize *length)
{
  return look_at (((ThriftFramedTransport *) transport)->r_buf, length);
}

static void
framed_drop (ThriftTransport *transport, gsize length)
{
  g_byte_array_remove_range (((ThriftFramedTransport *) transport)->r_buf, 0, length);
}

static const guint8 *
memory_look (ThriftTransport *transport, gsize *length)
{
  return look_at (((ThriftMemoryBuffer *) transport)->buf, length);
}

static void
memory_drop (ThriftTransport *transport, gsize length)
{
  g_byte_array_remove_range (((ThriftMemoryBuffer *) transport)->buf, 0, length);
}

static const guint8 *
message_look (ThriftTransport *transport, gsize *length)
{
  return tally_memory_transport_peek ((TallyMemoryTransport *) transport, length);
}

static void
message_drop (ThriftTransport *transport, gsize length)
{
  tally_memory_transport_consume ((TallyMemoryTransport *) transport, length);
}

static gboolean
own_wait (ThriftTransport *transport, GError **error)
{
  return tally_socket_fill ((TallySocket *) transport, 1, error);
}

static const guint8 *
own_look (ThriftTransport *transport, gsize *length)
{
  return tally_socket_peek_input ((TallySocket *) transport, length);
}

static void
own_drop (ThriftTransport *transport, gsize length)
{
  tally_socket_consume ((TallySocket *) transport, length);
}

static gssize
socket_peek (ThriftTransport *transport, guint8 *bytes, gsize room, gboolean wait)
{
  return tally_foreign_peek (((ThriftSocket *) transport)->sd, bytes, room, wait);
}

/* Apache's buffered transport never reads ahead: what it was asked for is all that it reads. */
static gssize
buffered_peek (ThriftTransport *transport, guint8 *bytes, gsize room, gboolean wait)
{
  ThriftBufferedTransport *self = (ThriftBufferedTransport *) transport;

  if (self->r_buf->len > 0 || type_of (self->transport) != get_classes ()->socket)
    return 0;
  return socket_peek (self->transport, bytes, room, wait);
}

#ifdef TALLY_HAVE_ZLIB
static const guint8 *
zlib_look (ThriftTransport *transport, gsize *length)
{
  ThriftZlibTransport *self = (ThriftZlibTransport *) transport;

  *length = self->urbuf_size - self->rstream->avail_out - self->urpos;
  return self->urbuf + self->urpos;
}

static void
zlib_drop (ThriftTransport *transport, gsize length)
{
  ((ThriftZlibTransport *) transport)->urpos += length;
}
#endif

static const TallyTransportKind unknown_kind = { NULL };
static const TallyTransportKind framed_kind = { .wait = framed_wait,
                                                .look = framed_look,
                                                .drop = framed_drop };
static const TallyTransportKind memory_kind = { .look = memory_look,
                                                .drop = memory_drop,
                                                .is_endless = TRUE };
static const TallyTransportKind message_kind = { .look = message_look, .drop = message_drop };
static const TallyTransportKind own_kind = { .wait = own_wait, .look = own_look, .drop = own_drop };
static const TallyTransportKind socket_kind = { .peek = socket_peek };
static const TallyTransportKind buffered_kind = { .peek = buffered_peek };
#ifdef TALLY_HAVE_ZLIB
static const TallyTransportKind zlib_kind = { .look = zlib_look, .drop = zlib_drop };
#endif

const TallyTransportKind *
tally_transport_find_kind (ThriftTransport *transport)
{
  const Classes *classes = get_classes ();
  GType type = type_of (transport);

  if (type == classes->framed)
    return &framed_kind;
  if (type == classes->buffered)
    return &buffered_kind;
  if (type == classes->socket)
    return &socket_kind;
  if (type == classes->memory)
    return &memory_kind;
  if (type == TALLY_TYPE_MEMORY_TRANSPORT)
    return &message_kind;
  if (type == TALLY_TYPE_SOCKET)
    return &own_kind;
#ifdef TALLY_HAVE_ZLIB
  if (type == classes->zlib)
    return &zlib_kind;
#endif
  return &unknown_kind;
}

/* ---- a thread's buffer ---- */

typedef struct
{
  TallyBuffer buffer; /* first */
  gboolean is_taken;
} Scratch;

static void
scratch_free (gpointer data)
{
  tally_buffer_clear (&((Scratch *) data)->buffer);
  g_free (data);
}

static GPrivate thread_scratch = G_PRIVATE_INIT (scratch_free);

TallyBuffer *
tally_scratch_take (void)
{
  Scratch *scratch = g_private_get (&thread_scratch);

  if (G_UNLIKELY (scratch == NULL))
    {
      scratch = g_new0 (Scratch, 1);
      g_private_set (&thread_scratch, scratch);
    }
  /* A program's own transport may use a protocol itself. */
  else if (G_UNLIKELY (scratch->is_taken))
    scratch = g_new0 (Scratch, 1);
  scratch->is_taken = TRUE;
  scratch->buffer.length = 0;
  return &scratch->buffer;
}

void
tally_scratch_give_back (TallyBuffer *buffer)
{
  Scratch *scratch = (Scratch *) buffer;

  if (G_UNLIKELY (scratch != g_private_get (&thread_scratch)))
    {
      scratch_free (scratch);
      return;
    }
  scratch->is_taken = FALSE;
  if (G_UNLIKELY (buffer->capacity > KEPT_SCRATCH_BYTES))
    tally_buffer_clear (buffer);
}
