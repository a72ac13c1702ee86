/* Owns reading through a ThriftProtocol: by the engine where it may, by the walker else. The engine
 * decodes from what the transport holds, which is taken when the value is whole, or from pieces
 * whose bytes belong to the value for sure; it never takes a byte behind the value, and waits for
 * none. What the engine refuses is read again by the walker, if nothing was taken: Apache's
 * functions accept more at places, and a program gets their error. */
#include "protocol-private.h"

#include <errno.h>
#include <string.h>

/* How many bytes that have arrived are looked at together. */
#define LOOK_AHEAD_BYTES (16 * 1024)
/* A piece that a length announces is taken in parts of this size, so that memory grows with what
 * arrived. */
#define PART_BYTES (1024 * 1024)

/* Apache's limit for a message is its transport's, see get_window (). */
static const TallyLimits no_limits = {
  .max_message = G_MAXINT32,
  .max_memory = (guint64) TALLY_MEMORY_RATIO * (100 << 20), /* by Apache's default limit */
  .max_depth = 64,
  .strict = TRUE,
  .as_apache = TRUE,
};

/* What Apache's functions compare a length with, one by one and never in sum. A class with a check
 * of its own is asked by what it reads with. */
static gsize
get_window (ThriftTransport *transport)
{
  ThriftTransportClass *class = THRIFT_TRANSPORT_GET_CLASS (transport);
  ThriftTransportClass *base = g_type_class_peek (THRIFT_TYPE_TRANSPORT);

  if (class->checkReadBytesAvailable != base->checkReadBytesAvailable)
    return G_MAXINT32;
  return MAX (transport->remainingMessageSize_, 1);
}

/* ---- taking ---- */

static gboolean
read_all (ThriftTransport *transport, guint8 *bytes, gsize length, GError **error)
{
  if (thrift_transport_read_all (transport, bytes, (guint32) length, error) < 0)
    {
      if (error != NULL && *error == NULL)
        g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN,
                             "the transport failed and did not say why");
      return FALSE;
    }
  g_clear_error (error); /* some of Apache's set one and succeed */
  return TRUE;
}

/* Takes the first @length of the bytes that were looked at. A transport refuses to read more at
 * once than its limit for a message, which is for each of the value's parts. */
static gboolean
take (TallyProtocolInput *self, gsize length, GError **error)
{
  gsize part;

  self->taken += length;
  if (self->kind->drop != NULL)
    {
      self->kind->drop (self->transport, length);
      self->base += length;
      return TRUE;
    }
  for (; length > 0; length -= part, self->base += part)
    {
      part = get_window (self->transport);
      part = MIN (length, part);
      if (!read_all (self->transport, (guint8 *) self->base, part, error))
        return FALSE;
    }
  return TRUE;
}

/* The reader's bytes are now the scratch buffer's, of which the transport has the last @held too. */
static void
show_scratch (TallyProtocolInput *self, gsize held)
{
  self->reader.cursor = self->scratch->data;
  self->reader.end = self->scratch->data + self->scratch->length;
  self->base = self->reader.end - held;
}

/* Takes all that was looked at, which belongs to the value, and moves what of it was not decoded yet
 * to the start of the scratch buffer. */
static gboolean
gather (TallyProtocolInput *self, GError **error)
{
  TallyReader *reader = &self->reader;
  gsize present = reader->end - reader->cursor;
  gboolean taken;

  if (self->scratch == NULL) /* the bytes are still the transport's own */
    {
      self->scratch = tally_scratch_take ();
      tally_buffer_append (self->scratch, reader->cursor, present);
      taken = take (self, reader->end - self->base, error);
    }
  else
    {
      taken = take (self, reader->end - self->base, error);
      if (present > 0)
        memmove (self->scratch->data, reader->cursor, present);
      self->scratch->length = present;
    }
  show_scratch (self, 0);
  return taken;
}

/* Takes @length bytes more, which belong to the value. */
static gboolean
receive_bytes (TallyProtocolInput *self, gsize length, GError **error)
{
  TallyBuffer *scratch = self->scratch;
  gboolean done = TRUE;

  if (self->kind->is_endless)
    {
      g_set_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
                   "the buffer ends early: %" G_GSIZE_FORMAT " bytes are missing", length);
      return FALSE;
    }
  while (length > 0 && done)
    {
      gsize part = MIN (length, PART_BYTES);

      tally_buffer_reserve (scratch, part);
      done = read_all (self->transport, scratch->data + scratch->length, part, error);
      if (done)
        {
          scratch->length += part;
          self->taken += part;
          length -= part;
        }
    }
  show_scratch (self, 0);
  return done;
}

/* Adds what has arrived besides to the scratch buffer, without taking it. */
static void
look_ahead (TallyProtocolInput *self, gboolean wait)
{
  TallyBuffer *scratch = self->scratch;
  gssize length = 0;

  if (self->kind->peek != NULL)
    {
      tally_buffer_reserve (scratch, LOOK_AHEAD_BYTES);
      length = self->kind->peek (self->transport, scratch->data + scratch->length, LOOK_AHEAD_BYTES,
                                 wait);
      length = MAX (length, 0);
      scratch->length += length;
    }
  else if (self->kind->look != NULL)
    {
      gsize held;
      const guint8 *bytes = self->kind->look (self->transport, &held);

      length = MIN (held, LOOK_AHEAD_BYTES);
      tally_buffer_append (scratch, bytes, length);
    }
  show_scratch (self, length);
}

static gboolean
fill_from_transport (TallyReader *reader, gsize need, GError **error)
{
  TallyProtocolInput *self = (TallyProtocolInput *) reader;
  gsize present = reader->end - reader->cursor;

  if (!gather (self, error) || !receive_bytes (self, need - present, error))
    return FALSE;
  look_ahead (self, FALSE);
  return TRUE;
}

/* ---- one value ---- */

static void
allow_to_fill (TallyProtocolInput *self)
{
  self->reader.fill = fill_from_transport;
  self->reader.unread = self->reader.window = get_window (self->transport);
}

/* For the first bytes of a transport that can be looked into only by copying. */
static gboolean
wait_and_peek (TallyProtocolInput *self, GError **error)
{
  self->scratch = tally_scratch_take ();
  errno = 0;
  look_ahead (self, TRUE);
  /* Its own function would wait as long again. */
  if (self->reader.cursor == self->reader.end && (errno == EAGAIN || errno == EWOULDBLOCK))
    {
      g_set_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
                   "failed to read - %s", g_strerror (errno));
      g_clear_pointer (&self->scratch, tally_scratch_give_back);
      return FALSE;
    }
  return TRUE;
}

static gboolean
wait_and_look (TallyProtocolInput *self, GError **error)
{
  gsize length = 0;

  if (self->kind->wait != NULL && !self->kind->wait (self->transport, error))
    {
      if (error != NULL && *error == NULL)
        g_set_error_literal (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN,
                             "the transport failed and did not say why");
      return FALSE;
    }
  if (self->kind->look != NULL)
    self->base = self->kind->look (self->transport, &length);
  self->reader.cursor = self->base;
  self->reader.end = self->base + length;
  return TRUE;
}

gboolean
tally_protocol_input_open (TallyProtocolInput *self, ThriftProtocol *protocol, GError **error)
{
  ThriftProtocol *concrete;

  self->codec = tally_protocol_find_codec (protocol, &concrete);
  if (self->codec == NULL || !tally_protocol_is_readable (self->codec, concrete))
    return FALSE;
  self->has_header = !tally_protocol_stores_header (protocol);
  self->transport = concrete->transport;
  self->kind = tally_transport_find_kind (self->transport);
  self->scratch = NULL;
  self->base = NULL;
  self->taken = 0;
  self->is_whole = FALSE;
  tally_reader_init (&self->reader, NULL, 0, &no_limits);
  if (!(self->kind->peek != NULL ? wait_and_peek (self, error) : wait_and_look (self, error)))
    return FALSE;
  allow_to_fill (self);
  return TRUE;
}

static void
release (TallyProtocolInput *self)
{
  if (self->scratch != NULL)
    tally_scratch_give_back (self->scratch);
}

gboolean
tally_protocol_input_read_message (TallyProtocolInput *self, TallyMessage *message)
{
  TallyReader *reader = &self->reader;
  const guint8 *start = reader->cursor;
  gboolean done;

  if (!self->has_header)
    return FALSE;
  reader->fill = NULL;
  reader->unread = 0;
  /* Apache's functions cut a name at a NUL. */
  done = self->codec->read_message (reader, message, NULL)
         && memchr (message->name, '\0', message->name_length) == NULL;
  allow_to_fill (self);
  if (!done)
    reader->cursor = start;
  return done;
}

/* A transport refuses to read more at once than its limit for a message. */
static gboolean
is_within_limit (const TallyProtocolInput *self, GError **error)
{
  if (self->taken > 0 || (gsize) (self->reader.cursor - self->base) <= get_window (self->transport))
    return TRUE;
  g_set_error_literal (error, THRIFT_TRANSPORT_ERROR,
                       THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED, "MaxMessageSize reached");
  return FALSE;
}

/* A length beyond the transport's limit is what Apache's functions report in the transport's
 * name. */
static gboolean
fail_read (const TallyProtocolInput *self, GError *local_error, GError **error)
{
  if (g_error_matches (local_error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT))
    {
      local_error->domain = THRIFT_TRANSPORT_ERROR;
      local_error->code = THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED;
    }
  g_propagate_error (error, local_error);
  return FALSE;
}

gboolean
tally_protocol_input_read_struct (TallyProtocolInput *self,
                                  const TallyStructInfo *info,
                                  gpointer instance,
                                  GError **error)
{
  GError *local_error = NULL;

  self->is_whole = self->codec->read_struct (&self->reader, info, instance, &local_error);
  if (self->is_whole && is_within_limit (self, &local_error))
    return TRUE;
  return fail_read (self, local_error, error);
}

gboolean
tally_protocol_input_end (TallyProtocolInput *self, gint32 *read, GError **error)
{
  gboolean done = take (self, self->reader.cursor - self->base, error);

  if (read != NULL)
    *read = (gint32) self->taken;
  release (self);
  return done;
}

gboolean
tally_protocol_input_give_up (TallyProtocolInput *self)
{
  /* The walker would wait for ever for what such a transport does not have. */
  gboolean is_untouched = self->taken == 0 && (self->is_whole || !self->kind->is_endless);

  if (!is_untouched && self->reader.cursor > self->base)
    take (self, self->reader.cursor - self->base, NULL);
  release (self);
  return is_untouched;
}

/* ---- structs ---- */

gboolean
tally_protocol_read_struct (ThriftProtocol *protocol,
                            const TallyStructInfo *info,
                            gpointer instance,
                            gint32 *read,
                            GError **error)
{
  TallyProtocolInput input;
  GError *local_error = NULL;

  if (!tally_protocol_input_open (&input, protocol, &local_error))
    {
      if (local_error == NULL)
        return tally_walker_read_struct (protocol, info, instance, read, error);
      g_propagate_error (error, local_error);
      return FALSE;
    }
  if (tally_protocol_input_read_struct (&input, info, instance, &local_error))
    return tally_protocol_input_end (&input, read, error);
  if (!tally_protocol_input_give_up (&input))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }
  g_clear_error (&local_error);
  if (info->type.storage == TALLY_STORAGE_INLINE)
    tally_struct_reset_instance (info, instance); /* what came is counted there */
  return tally_walker_read_struct (protocol, info, instance, read, error);
}

gboolean
tally_protocol_read_end (ThriftProtocol *protocol, GError **error)
{
  g_autoptr (GObject) transport = NULL;
  ThriftProtocol *concrete;

  if (thrift_protocol_read_message_end (protocol, error) < 0)
    return FALSE;
  if (tally_protocol_find_codec (protocol, &concrete) != NULL)
    return thrift_transport_read_end (concrete->transport, error);
  transport = tally_protocol_dup_transport (protocol);
  return thrift_transport_read_end (THRIFT_TRANSPORT (transport), error);
}
