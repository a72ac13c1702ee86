/* Owns a socket's face as a ThriftTransport, for Apache's protocols and servers. */
#include <string.h>

#include "socket-private.h"
#include "tally-error.h"

static gboolean
transport_is_open (ThriftTransport *transport)
{
  return tally_stream_is_open (&((TallySocket *) transport)->stream);
}

static gboolean
transport_open (ThriftTransport *transport, GError **error)
{
  if (transport_is_open (transport))
    return TRUE;
  g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_SOCKET,
                       "a closed TallySocket cannot be opened again; dial a new one");
  return FALSE;
}

static gboolean
transport_close (ThriftTransport *transport, GError **error)
{
  tally_stream_close (&((TallySocket *) transport)->stream);
  return TRUE;
}

/* As Apache's servers use it: whether another request comes. End of stream is no error here. */
static gboolean
transport_peek (ThriftTransport *transport, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (tally_socket_fill ((TallySocket *) transport, 1, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static guint32
take_input (TallySocket *self, gpointer target, guint32 length)
{
  guint32 available = tally_socket_available (self);
  guint32 n = MIN (length, available);

  memcpy (target, self->input.data + self->consumed, n);
  self->consumed += n;
  return n;
}

static gint32
transport_read (ThriftTransport *transport, gpointer target, guint32 length, GError **error)
{
  TallySocket *self = (TallySocket *) transport;

  if (!THRIFT_TRANSPORT_GET_CLASS (transport)->checkReadBytesAvailable (transport, length, error)
      || (length > 0 && !tally_socket_fill (self, 1, error)))
    return -1;
  return length > 0 ? take_input (self, target, length) : 0;
}

static gint32
transport_read_all (ThriftTransport *transport, gpointer target, guint32 length, GError **error)
{
  TallySocket *self = (TallySocket *) transport;
  guint32 have = 0;

  if (!THRIFT_TRANSPORT_GET_CLASS (transport)->checkReadBytesAvailable (transport, length, error))
    return -1;
  while (have < length)
    {
      if (!tally_socket_fill (self, 1, error))
        return -1;
      have += take_input (self, (guint8 *) target + have, length - have);
    }
  return length;
}

static gboolean
transport_write (ThriftTransport *transport,
                 const gpointer bytes,
                 const guint32 length,
                 GError **error)
{
  tally_buffer_append (&((TallySocket *) transport)->output, bytes, length);
  return TRUE;
}

static gboolean
transport_end (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static gboolean
transport_flush (ThriftTransport *transport, GError **error)
{
  return tally_socket_send ((TallySocket *) transport, error);
}

void
tally_socket_install_transport (ThriftTransportClass *class)
{
  class->is_open = transport_is_open;
  class->open = transport_open;
  class->close = transport_close;
  class->peek = transport_peek;
  class->read = transport_read;
  class->read_all = transport_read_all;
  class->read_end = transport_end;
  class->write = transport_write;
  class->write_end = transport_end;
  class->flush = transport_flush;
}
