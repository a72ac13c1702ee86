/* Owns what an asynchronous call does on a connection of its own: one source in its caller's main context,
 * which sends, receives and looks at the deadline, and never blocks. */
#include "async-private.h"
#include "call-steps-private.h"
#include "socket-internal.h"
#include "stream-internal.h"
#include "tally-error.h"

typedef struct
{
  GSource source; /* first */
  TallyAsyncCall *call;
  gpointer watch; /* of the descriptor */
  TallyCancelWatch cancel;
  TallyFramer framer;
  gsize sent;      /* of the socket's output */
  GError *failure; /* (nullable): why no more can be sent */
} Exchange;

/* ---- the end ---- */

/* Whether the whole request is. */
static gboolean
is_sent (const Exchange *self)
{
  return self->sent == tally_socket_get_output (self->call->socket)->length;
}

/* Uses up @self's own reference; the loop may hold another. */
static void
end_exchange (Exchange *self, gboolean clean, GError *error)
{
  TallyAsyncCall *call = self->call;
  TallyBuffer *output = tally_socket_get_output (call->socket);

  tally_cancel_watch_end (&self->cancel);
  g_source_destroy (&self->source);
  tally_framer_clear (&self->framer);
  g_clear_error (&self->failure);
  if (error != NULL && !call->call.answered && call->call.sent != TALLY_SENT_REFUSED)
    tally_call_set_sent (&call->call, self->sent, output->length);
  output->length = 0;
  g_source_unref (&self->source);
  tally_async_call_end (call, clean, error);
}

/* The reply will not come whole. */
static void
note_torn (const Exchange *self)
{
  if (self->call->info != NULL)
    tally_call_note_torn (self->call->info, self->call->socket);
}

/* @what: happened to the call before it was over. */
static void
end_early (Exchange *self, GQuark domain, gint code, const gchar *what)
{
  note_torn (self);
  end_exchange (self, FALSE,
                g_error_new (domain, code, "%s while %s", what,
                             is_sent (self) ? "waiting for the reply" : "sending"));
}

static gboolean
on_exchange_cancelled (gpointer data)
{
  end_early (data, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  return G_SOURCE_REMOVE;
}

/* ---- sending ---- */

/* As much as goes at once. A peer that takes no more may have said why: its last words are received. */
static void
send_request (Exchange *self)
{
  const TallyBuffer *output = tally_socket_get_output (self->call->socket);
  gsize sent;

  if (is_sent (self) || self->failure != NULL)
    return;
  tally_socket_send_bytes (self->call->socket, output->data + self->sent,
                           output->length - self->sent, &sent, &self->failure);
  self->sent += sent;
  if (self->call->info != NULL && is_sent (self))
    tally_call_info_note_sent (self->call->info);
}

/* ---- receiving ---- */

typedef enum
{
  RECEIVED_NOTHING, /* the reply is not all there */
  RECEIVED_REPLY,
  RECEIVED_END /* and never will be; the error says why */
} Received;

static void
note_reply (TallyCallInfo *info, const guint8 *bytes, gsize length)
{
  info->reply_bytes = length;
  tally_call_info_keep (info, &info->reply, bytes, length);
}

/* What is there is the whole reply, of @size bytes with its frame, or all there is of one that is torn. */
static gboolean
read_reply (Exchange *self, const guint8 *bytes, gsize size, gboolean *clean, GError **error)
{
  gsize header = tally_frame_header (self->framer.framing);
  TallyCall *call = &self->call->call;
  TallyReader reader;
  gboolean done;
  gsize left;

  tally_reader_init (&reader, bytes + header, size - header, &call->limits);
  done = tally_call_read (call, &reader, error);
  if (self->call->info != NULL)
    note_reply (self->call->info, bytes + header, size - header);
  if (!call->answered)
    return FALSE;
  *clean = tally_reader_is_at_end (&reader) && is_sent (self);
  left = tally_socket_consume (self->call->socket, size);
  *clean = *clean && left == 0 && tally_call_may_go_on (call, self->call->socket);
  return done;
}

static Received
receive_some (Exchange *self, gboolean *clean, GError **error)
{
  TallySocket *socket = self->call->socket;

  for (;;)
    {
      gsize available, size;
      const guint8 *bytes = tally_socket_peek_input (socket, &available);
      TallyCut cut = available > 0 ? tally_framer_cut (&self->framer, bytes, available, &size)
                                   : TALLY_CUT_MORE;
      GError *local_error = NULL;
      guint32 announced;

      if (cut == TALLY_CUT_WHOLE || cut == TALLY_CUT_TORN)
        return read_reply (self, bytes, size, clean, error) ? RECEIVED_REPLY : RECEIVED_END;
      if (cut == TALLY_CUT_TOO_LONG)
        {
          note_torn (self);
          tally_frame_read_size (bytes, &self->call->call.limits, &announced, error);
          return RECEIVED_END;
        }
      if (tally_socket_fill (socket, available + 1, &local_error))
        continue;
      if (g_error_matches (local_error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
        {
          g_error_free (local_error); /* no more has arrived, that is */
          return RECEIVED_NOTHING;
        }
      note_torn (self);
      g_propagate_error (error, local_error);
      return RECEIVED_END;
    }
}

/* ---- one turn ---- */

/* What to wait for; TRUE, as a source's dispatch returns it. */
static gboolean
wait_on (Exchange *self)
{
  TallySocket *socket = self->call->socket;
  guint events = TALLY_STREAM_READABLE | (is_sent (self) ? 0 : TALLY_STREAM_WRITABLE);

  g_source_modify_unix_fd (&self->source, self->watch, tally_socket_get_watch (socket, events));
  g_source_set_ready_time (&self->source, self->call->call.deadline);
  return G_SOURCE_CONTINUE;
}

/* The end of a oneway call: the request is sent, or cannot be. */
static gboolean
end_oneway (Exchange *self)
{
  GError *failure = g_steal_pointer (&self->failure);

  end_exchange (self, failure == NULL, failure);
  return G_SOURCE_REMOVE;
}

static gboolean
go_on (Exchange *self)
{
  TallyAsyncCall *call = self->call;
  gboolean clean = FALSE;
  GError *error = NULL;
  Received received;

  send_request (self);
  if (call->call.method->oneway)
    return is_sent (self) || self->failure != NULL ? end_oneway (self) : wait_on (self);
  received = receive_some (self, &clean, &error);
  if (received == RECEIVED_NOTHING && self->failure == NULL)
    return wait_on (self);
  if (!call->call.answered && self->failure != NULL)
    {
      g_clear_error (&error);
      error = g_steal_pointer (&self->failure);
    }
  end_exchange (self, clean, error);
  return G_SOURCE_REMOVE;
}

static gboolean
exchange_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return tally_socket_has_input (((Exchange *) source)->call->socket);
}

static gboolean
exchange_check (GSource *source)
{
  Exchange *self = (Exchange *) source;

  return g_source_query_unix_fd (source, self->watch) != 0
         || tally_socket_has_input (self->call->socket);
}

static gboolean
exchange_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  Exchange *self = (Exchange *) source;
  gint64 deadline = self->call->call.deadline;

  /* first: what came in time counts, however late this loop gets to it */
  if (go_on (self) == G_SOURCE_REMOVE)
    return G_SOURCE_REMOVE;
  if (deadline < 0 || g_source_get_time (source) < deadline)
    return G_SOURCE_CONTINUE;
  end_early (self, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out");
  return G_SOURCE_REMOVE;
}

static GSourceFuncs exchange_funcs = { exchange_prepare, exchange_check, exchange_dispatch, NULL };

void
tally_async_exchange (TallyAsyncCall *call)
{
  TallyBuffer *output = tally_socket_get_output (call->socket);
  GMainContext *context = call->context;
  GCancellable *cancellable = call->call.cancellable;
  GError *error = NULL;
  Exchange *self;

  if (!tally_call_write_around (&call->call, &call->args, output, &error))
    {
      tally_async_call_end (call, TRUE, error);
      return;
    }
  if (call->info != NULL)
    tally_call_note_request (&call->call, call->info, output);
  self = (Exchange *) g_source_new (&exchange_funcs, sizeof *self);
  self->call = call;
  self->framer = (TallyFramer){ call->call.channel->codec, &call->call.limits,
                                call->call.channel->framing, NULL };
  tally_socket_set_limits (call->socket, 0, NULL);
  self->watch = tally_socket_add_to_source (call->socket, &self->source);
  g_source_set_static_name (&self->source, "tally call");
  if (cancellable != NULL)
    tally_cancel_watch_begin (&self->cancel, cancellable, context, on_exchange_cancelled, self,
                              NULL);
  send_request (self); /* at once; what came of it the first turn sees */
  if (call->call.method->oneway || self->failure != NULL)
    g_source_set_ready_time (&self->source, 0);
  else
    wait_on (self);
  g_source_attach (&self->source, context);
}
