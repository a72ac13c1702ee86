/* A ThriftTransport over borrowed memory. Every length that a protocol asks for is compared with
 * what is there before the protocol allocates for it. It knows no message. */
#include "memory-transport.h"

#include <string.h>

struct _TallyMemoryTransport
{
  ThriftTransport parent;

  const guint8 *cursor;
  const guint8 *end;
  TallyBuffer *output;
  gsize flushed; /* output's length at the last flush */
};

typedef ThriftTransportClass TallyMemoryTransportClass;

G_DEFINE_TYPE (TallyMemoryTransport, tally_memory_transport, THRIFT_TYPE_TRANSPORT)

static gboolean
always (ThriftTransport *transport)
{
  return TRUE;
}

static gboolean
nothing_to_do (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static gboolean
check_available (ThriftTransport *transport, glong count, GError **error)
{
  const TallyMemoryTransport *self = (TallyMemoryTransport *) transport;
  gsize left = self->end - self->cursor;

  /* Apache's protocols ask for a negative number where they do not know a container's type. */
  if (count < 0 || (gsize) count <= left)
    return TRUE;
  g_set_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
               "%ld bytes wanted, %" G_GSIZE_FORMAT " left of the message", count, left);
  return FALSE;
}

static gint32
memory_read (ThriftTransport *transport, gpointer bytes, guint32 length, GError **error)
{
  TallyMemoryTransport *self = (TallyMemoryTransport *) transport;

  if (!check_available (transport, length, error))
    return -1;
  if (length > 0)
    memcpy (bytes, self->cursor, length);
  self->cursor += length;
  return length;
}

static gboolean
memory_peek (ThriftTransport *transport, GError **error)
{
  const TallyMemoryTransport *self = (TallyMemoryTransport *) transport;

  return self->cursor < self->end;
}

static gboolean
memory_write (ThriftTransport *transport,
              const gpointer bytes,
              const guint32 length,
              GError **error)
{
  TallyMemoryTransport *self = (TallyMemoryTransport *) transport;

  tally_buffer_append (self->output, bytes, length);
  return TRUE;
}

static gboolean
memory_flush (ThriftTransport *transport, GError **error)
{
  TallyMemoryTransport *self = (TallyMemoryTransport *) transport;

  self->flushed = self->output->length;
  return TRUE;
}

static void
tally_memory_transport_class_init (TallyMemoryTransportClass *klass)
{
  ThriftTransportClass *transport_class = THRIFT_TRANSPORT_CLASS (klass);

  transport_class->is_open = always;
  transport_class->peek = memory_peek;
  transport_class->open = nothing_to_do;
  transport_class->close = nothing_to_do;
  transport_class->read = memory_read;
  transport_class->read_all = memory_read;
  transport_class->read_end = nothing_to_do;
  transport_class->write = memory_write;
  transport_class->write_end = nothing_to_do;
  transport_class->flush = memory_flush;
  transport_class->checkReadBytesAvailable = check_available;
}

static void
tally_memory_transport_init (TallyMemoryTransport *self)
{
}

TallyMemoryTransport *
tally_memory_transport_new (const guint8 *bytes, gsize length, TallyBuffer *output)
{
  TallyMemoryTransport *self = g_object_new (TALLY_TYPE_MEMORY_TRANSPORT, NULL);

  self->cursor = bytes;
  self->end = bytes + length;
  self->output = output;
  self->flushed = output->length;
  return self;
}

const guint8 *
tally_memory_transport_peek (TallyMemoryTransport *self, gsize *length)
{
  *length = self->end - self->cursor;
  return self->cursor;
}

void
tally_memory_transport_consume (TallyMemoryTransport *self, gsize length)
{
  self->cursor += length;
}

void
tally_memory_transport_finish (TallyMemoryTransport *self)
{
  self->output->length = self->flushed;
  self->cursor = self->end = NULL;
  self->output = NULL;
}
