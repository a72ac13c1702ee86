/* From a frame of the header transport to the frame that answers it: the request's headers, and the reply's. It
 * knows no socket. */
#include "server-private.h"

/* Keeps the headers that are meant for later requests, too. */
static gboolean
remember (ServerConnection *connection, const TallyHeaderFrame *frame, GError **error)
{
  if (G_LIKELY (!frame->has_persistent))
    return TRUE;
  if (connection->persistent == NULL)
    connection->persistent = tally_headers_new ();
  return tally_header_frame_collect (frame, connection->persistent, TRUE, error);
}

/* @waited: milliseconds since the frame came. */
static gint64
get_request_deadline (const TallyHeaderFrame *frame, gint64 waited)
{
  gint64 timeout = tally_header_frame_get_timeout (frame);

  if (timeout == 0)
    return 0;
  return g_get_monotonic_time () + (timeout - waited) * G_TIME_SPAN_MILLISECOND;
}

gboolean
server_header_open (ServerHeader *self,
                    ServerConnection *connection,
                    const guint8 *bytes,
                    gsize length,
                    TallyBuffer *inflated,
                    const guint8 **message,
                    gsize *message_length,
                    GError **error)
{
  *self = (ServerHeader){ { 0 } };
  if (!tally_header_frame_read (&self->frame, bytes, length, error)
      || !remember (connection, &self->frame, error)
      || !tally_header_frame_open (&self->frame, &connection->server->limits, inflated, message,
                                   message_length, error))
    return FALSE;
  self->persistent = connection->persistent;
  self->deadline = connection->message_deadline;
  return TRUE;
}

/* What came for all requests of the connection, and this one's own over it. */
void
server_header_keep (ServerHeader *self)
{
  if (self->headers != NULL)
    return;
  self->headers =
      self->persistent != NULL ? tally_headers_copy (self->persistent) : tally_headers_new ();
  tally_header_frame_collect (&self->frame, self->headers, FALSE, NULL);
}

void
server_header_take (ServerHeader *self, ServerHeader *opened)
{
  server_header_keep (opened);
  *self = *opened;
  *opened = (ServerHeader){ { 0 } };
  self->persistent = NULL;
}

void
server_header_clear (ServerHeader *self)
{
  g_clear_pointer (&self->headers, tally_headers_unref);
  g_clear_pointer (&self->reply_headers, tally_headers_unref);
}

gboolean
server_header_set (ServerHeader *self, const gchar *name, const gchar *value)
{
  if (self->reply_headers == NULL)
    self->reply_headers = tally_headers_new ();
  return tally_headers_set (self->reply_headers, name, value);
}

/* (transfer full) (nullable): what the reply has of headers. Of a server that stops it tells that the connection ends. */
static TallyHeaders *
dup_reply_headers (const ServerHeader *self, const TallyServer *server)
{
  TallyHeaders *headers;

  if (G_LIKELY (!atomic_peek (&server->stopping)))
    return self->reply_headers != NULL ? tally_headers_ref (self->reply_headers) : NULL;
  headers =
      self->reply_headers != NULL ? tally_headers_copy (self->reply_headers) : tally_headers_new ();
  tally_headers_set (headers, "connection", "close");
  return headers;
}

/* The request's flags and sequence id come back. */
void
server_header_wrap (const ServerHeader *self,
                    const TallyServer *server,
                    TallyBuffer *output,
                    gsize start)
{
  TallyHeaderFrame frame = { .flags = self->frame.flags,
                             .seqid = self->frame.seqid,
                             .codec = self->frame.codec,
                             .is_compressed = server->is_compressed && self->frame.is_compressed };
  g_autoptr (TallyHeaders) headers = NULL;
  g_autoptr (GError) error = NULL;

  if (output->length == start)
    return;
  headers = dup_reply_headers (self, server);
  if (frame.codec == NULL)
    frame.codec = server->codec;
  if (tally_header_frame_wrap (&frame, output, start, headers, 0, &error))
    return;
  /* The handler set more than there is room for. */
  g_warning ("%s: a reply goes without its headers: %s", server->uri, error->message);
  tally_header_frame_wrap (&frame, output, start, NULL, 0, NULL);
}

void
server_header_note (ServerConnection *connection, const guint8 *bytes, gsize length, gint64 since)
{
  TallyServer *server = connection->server;
  TallyHeaderFrame frame;

  connection->message_deadline = 0;
  connection->takes_any_order = server->in_any_order;
  if (!tally_header_frame_read (&frame, bytes, length, NULL))
    return;
  connection->message_deadline =
      get_request_deadline (&frame, since > 0 ? server_now () - since : 0);
  if ((frame.flags & TALLY_HEADER_FLAG_ANY_ORDER) == 0 || connection->refused)
    return;
  connection->takes_any_order = TRUE;
  connection->max_requests = server->max_concurrent;
  connection->is_apart = TRUE;
}
