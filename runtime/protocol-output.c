/* Owns writing through a ThriftProtocol: what the engine can encode for it is handed to its
 * transport in one write, anything else is walked. Nothing is written of a value that cannot be
 * encoded. */
#include "protocol-private.h"

#include <string.h>

#include "tally-error.h"

static gboolean
fail_silently (GError **error)
{
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN,
                         "the protocol or transport failed and did not say why");
  return FALSE;
}

static gboolean
write_bytes (ThriftTransport *transport, const TallyBuffer *bytes, GError **error)
{
  guint8 *data = bytes->data;
  gsize left = bytes->length;
  guint32 part;

  for (; left > 0; left -= part, data += part)
    {
      part = (guint32) MIN (left, G_MAXINT32);
      if (!thrift_transport_write (transport, data, part, error))
        return fail_silently (error);
    }
  g_clear_error (error); /* some of Apache's set one and succeed */
  return TRUE;
}

/* (nullable): the codec that may write @protocol now. */
static const TallyCodec *
find_codec (ThriftProtocol *protocol, ThriftProtocol **concrete)
{
  const TallyCodec *codec = tally_protocol_find_codec (protocol, concrete);

  return codec != NULL && tally_protocol_is_writable (codec, *concrete) ? codec : NULL;
}

gboolean
tally_protocol_write_struct (ThriftProtocol *protocol,
                             const TallyStructInfo *info,
                             gconstpointer instance,
                             gint32 *written,
                             GError **error)
{
  ThriftProtocol *concrete;
  const TallyCodec *codec = find_codec (protocol, &concrete);
  GError *local_error = NULL;
  TallyBuffer *bytes;
  gboolean done;

  if (codec == NULL)
    return tally_walker_write_struct (protocol, info, instance, written, error);
  bytes = tally_scratch_take ();
  done = codec->write_struct_as_apache (bytes, info, instance, &local_error)
         && write_bytes (concrete->transport, bytes, &local_error);
  if (done && written != NULL)
    *written = (gint32) bytes->length;
  tally_scratch_give_back (bytes);
  if (!done)
    g_propagate_error (error, local_error);
  return done;
}

/* ---- messages ---- */

static gboolean
encode (TallyOutgoing *self, const TallyCodec *codec, GError **error)
{
  g_autofree gchar *decorated = tally_protocol_dup_name (self->protocol, self->name, self->type);
  const gchar *name = decorated != NULL ? decorated : self->name;

  self->bytes = tally_scratch_take ();
  codec->write_message (self->bytes, name, strlen (name), self->type, self->seqid);
  if (codec->write_struct_as_apache (self->bytes, self->info, self->instance, error))
    return TRUE;
  tally_scratch_give_back (self->bytes);
  return FALSE;
}

gboolean
tally_outgoing_prepare (TallyOutgoing *self,
                        ThriftProtocol *protocol,
                        const gchar *name,
                        ThriftMessageType type,
                        gint32 seqid,
                        const TallyStructInfo *info,
                        gconstpointer instance,
                        GError **error)
{
  ThriftProtocol *concrete;
  const TallyCodec *codec = find_codec (protocol, &concrete);

  self->protocol = protocol;
  self->transport = NULL;
  self->bytes = NULL;
  self->name = name;
  self->type = type;
  self->seqid = seqid;
  self->info = info;
  self->instance = instance;
  if (codec == NULL)
    return tally_walker_check_struct (protocol, info, instance, error);
  self->transport = concrete->transport;
  return encode (self, codec, error);
}

static gboolean
end_message (ThriftProtocol *protocol, ThriftTransport *transport, GError **error)
{
  return thrift_protocol_write_message_end (protocol, error) >= 0
         && thrift_transport_write_end (transport, error)
         && thrift_transport_flush (transport, error);
}

static gboolean
walk (const TallyOutgoing *self, GError **error)
{
  g_autoptr (GObject) transport = NULL;

  if (thrift_protocol_write_message_begin (self->protocol, self->name, self->type, self->seqid,
                                           error)
          < 0
      || !tally_walker_write_checked (self->protocol, self->info, self->instance, NULL, error))
    return FALSE;
  transport = tally_protocol_dup_transport (self->protocol);
  return end_message (self->protocol, THRIFT_TRANSPORT (transport), error);
}

gboolean
tally_outgoing_send (TallyOutgoing *self, GError **error)
{
  GError *local_error = NULL;
  gboolean done;

  if (self->bytes == NULL)
    done = walk (self, &local_error);
  else
    {
      done = write_bytes (self->transport, self->bytes, &local_error);
      tally_scratch_give_back (self->bytes);
      done = done && end_message (self->protocol, self->transport, &local_error);
    }
  if (done)
    {
      g_clear_error (&local_error); /* some of Apache's set one and succeed */
      return TRUE;
    }
  fail_silently (&local_error);
  g_propagate_error (error, local_error);
  return FALSE;
}
