/* Owns connections that are passed on: two ways each, on which whole messages go. A way takes more from its one end only when
 * the other one has taken what there was, so that a slow receiver is its sender's business. What messages mean cli-proxy-calls.c
 * knows. All of it runs in the main loop. */
#include "cli-proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* What is received at once, and sent before more is looked at. */
#define CHUNK 65536
/* Of one way before others have their turn. */
#define MAX_ROUNDS 16
/* As the library's server has them. */
#define MAX_LINKS 8192
#define MAX_HELD (256u << 20)
/* Calls of one connection that wait for a reply. */
#define MAX_PENDING 65536

typedef struct _CliLink CliLink;

/* From one end to the other. */
typedef struct
{
  CliLink *link;
  GSocket *from;
  GSocket *to;
  GByteArray *input;  /* a message of which some is there, and those behind it */
  GByteArray *output; /* what is still to be sent, from @sent on */
  gsize sent;
  gsize held; /* bytes of both */
  CliBounds bounds;
  gboolean is_raw;     /* no messages are looked for any more */
  gboolean at_end;     /* nothing more comes */
  gboolean is_last;    /* the connection ends when the output has gone */
  gboolean is_shut;    /* nothing more goes */
  gint64 paused_until; /* g_get_monotonic_time (); 0: it is not */
  GSource *source;     /* nullable: what it waits for */
} Way;

struct _CliLink
{
  CliRelay *relay;
  guint number;
  GSocketConnection *client;
  GSocketConnection *server; /* nullable */
  GCancellable *cancellable;
  GPtrArray *pending; /* of CliCall */
  Way requests;
  Way replies;
  CliInjection cause; /* of its end */
  gboolean is_closed;
};

static void way_go (Way *self);

static void
way_clear (Way *self)
{
  g_clear_pointer (&self->input, g_byte_array_unref);
  g_clear_pointer (&self->output, g_byte_array_unref);
}

static void
link_finish (gpointer data)
{
  CliLink *self = data;

  way_clear (&self->requests);
  way_clear (&self->replies);
  g_clear_object (&self->client);
  g_clear_object (&self->server);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->pending, g_ptr_array_unref);
}

static void
link_unref (gpointer link)
{
  g_rc_box_release_full (link, link_finish);
}

static void
way_forget_source (Way *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

/* Takes the first bytes away. A large message's memory does not stay. */
static void
drop_bytes (GByteArray **array, gsize length)
{
  if (length > 4 * CHUNK)
    {
      GByteArray *rest = g_byte_array_new ();

      g_byte_array_append (rest, (*array)->data + length, (*array)->len - (guint) length);
      g_byte_array_unref (*array);
      *array = rest;
    }
  else if (length > 0)
    g_byte_array_remove_range (*array, 0, (guint) length);
}

static void
way_count (Way *self)
{
  const gsize held = self->input->len + self->output->len - self->sent;

  self->link->relay->held += held - self->held;
  self->held = held;
}

static void
drop_pending (CliLink *self)
{
  for (guint i = 0; i < self->pending->len; i++)
    {
      CliCall *call = g_ptr_array_index (self->pending, i);

      if (call->injection == CLI_INJECT_NOTHING)
        call->injection = self->cause;
      cli_record_drop (self->relay->record, self->number, call, "unanswered");
    }
  g_ptr_array_set_size (self->pending, 0);
}

static void
link_close (CliLink *self)
{
  if (self->is_closed)
    return;
  self->is_closed = TRUE;
  g_cancellable_cancel (self->cancellable);
  way_forget_source (&self->requests);
  way_forget_source (&self->replies);
  drop_pending (self);
  g_byte_array_set_size (self->requests.input, 0);
  g_byte_array_set_size (self->replies.input, 0);
  g_byte_array_set_size (self->requests.output, 0);
  g_byte_array_set_size (self->replies.output, 0);
  self->requests.sent = self->replies.sent = 0;
  way_count (&self->requests);
  way_count (&self->replies);
  g_io_stream_close (G_IO_STREAM (self->client), NULL, NULL);
  if (self->server != NULL)
    g_io_stream_close (G_IO_STREAM (self->server), NULL, NULL);
  g_ptr_array_remove_fast (self->relay->links, self);
}

static void
link_complain (CliLink *self, const gchar *text)
{
  cli_record_complain (self->relay->record, self->number, text);
}

/* ---- messages ---- */

typedef enum
{
  STEP_ON,   /* the next message may be looked at */
  STEP_HELD, /* this one waits */
  STEP_CLOSED
} Step;

static void
pass (Way *self, const guint8 *bytes, gsize length)
{
  g_byte_array_append (self->output, bytes, (guint) length);
}

/* All that has come. */
static void
pass_rest (Way *self)
{
  pass (self, self->input->data, self->input->len);
  drop_bytes (&self->input, self->input->len);
}

static Step
pass_request (Way *self, const CliHeader *header, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;
  CliRecord *record = link->relay->record;
  CliCall *call = cli_record_begin (record, header, bytes, length);

  call->injection = cli_rules_choose (link->relay->rules, header->name, &call->delay_ms);
  if (call->injection == CLI_INJECT_CLOSE)
    {
      cli_record_drop (record, link->number, call, "closed");
      cli_call_free (call);
      link->cause = CLI_INJECT_CLOSE;
      link_close (link);
      return STEP_CLOSED;
    }
  if (call->injection != CLI_INJECT_LOSE)
    pass (self, bytes, length);
  if (call->injection == CLI_INJECT_LOSE || header->type == T_ONEWAY)
    {
      cli_record_drop (record, link->number, call,
                       call->injection == CLI_INJECT_LOSE ? "lost" : "oneway");
      cli_call_free (call);
      return STEP_ON;
    }
  g_ptr_array_add (link->pending, call);
  if (link->pending->len <= MAX_PENDING)
    return STEP_ON;
  link_complain (link, "too many calls wait for a reply: the connection is closed");
  link_close (link);
  return STEP_CLOSED;
}

/* Passes a reply on with what was to be done to it. */
static void
pass_injured (
    Way *self, const CliCall *call, const CliHeader *header, const guint8 *bytes, gsize length)
{
  const guint start = self->output->len;

  pass (self, bytes, call->injection == CLI_INJECT_HALF ? length / 2 : length);
  if (call->injection == CLI_INJECT_HALF)
    {
      self->is_last = TRUE;
      self->link->cause = CLI_INJECT_HALF;
    }
  /* The lowest bit: a number as long, in both protocols. */
  if (call->injection == CLI_INJECT_SEQID && header->seqid_offset > 0)
    self->output->data[start + header->seqid_offset] ^= 1;
}

static Step
pass_reply (Way *self, const CliHeader *header, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;
  CliRecord *record = link->relay->record;
  const gint index = cli_record_find (link->pending, header);
  CliCall *call = index >= 0 ? g_ptr_array_index (link->pending, index) : NULL;

  if (call != NULL && call->delay_ms > 0)
    {
      self->paused_until = g_get_monotonic_time () + (gint64) call->delay_ms * 1000;
      call->delay_ms = 0;
      return STEP_HELD;
    }
  if (call == NULL)
    pass (self, bytes, length);
  else if (call->injection == CLI_INJECT_DROP)
    cli_record_drop (record, link->number, call, "dropped");
  else
    pass_injured (self, call, header, bytes, length);
  if (call == NULL || call->injection != CLI_INJECT_DROP)
    cli_record_end (record, link->number, call, header, bytes, length);
  if (call != NULL)
    g_ptr_array_remove_index (link->pending, (guint) index);
  return STEP_ON;
}

/* What cannot be read is passed on all the same; replies to it could not be told from others. */
static void
link_give_up (CliLink *self, const Way *way)
{
  link_complain (self,
                 way == &self->requests
                     ? "the client sends what is no message of the binary or compact protocol: "
                       "from here on all is passed on unread"
                     : "the target sends what is no message of the binary or compact protocol: "
                       "from here on all is passed on unread");
  self->requests.is_raw = self->replies.is_raw = TRUE;
  drop_pending (self);
}

static Step
pass_message (Way *self, const guint8 *bytes, gsize length)
{
  g_auto (CliHeader) header;

  if (!cli_header_read (&header, bytes, length))
    {
      link_give_up (self->link, self);
      return STEP_ON;
    }
  if (self != &self->link->requests)
    return pass_reply (self, &header, bytes, length);
  return pass_request (self, &header, bytes, length);
}

/* Looks for whole messages in what came. FALSE: the connection is closed. */
static gboolean
way_cut (Way *self)
{
  gsize at = 0;
  Step step = STEP_ON;

  while (step == STEP_ON && at < self->input->len && self->output->len < CHUNK && !self->is_raw
         && !self->is_last)
    {
      gsize size = 0;
      const CliCut cut =
          cli_bounds_cut (&self->bounds, self->input->data + at, self->input->len - at, &size);

      if (cut == CLI_CUT_MORE)
        break;
      cli_bounds_reset (&self->bounds);
      if (cut == CLI_CUT_TOO_LONG)
        {
          link_complain (self->link, "a message has more than 16 MiB: the connection is closed");
          link_close (self->link);
          return FALSE;
        }
      if (cut == CLI_CUT_STRANGE)
        {
          link_give_up (self->link, self);
          break;
        }
      step = pass_message (self, self->input->data + at, size);
      if (step == STEP_CLOSED)
        return FALSE;
      if (step == STEP_ON && !self->is_raw)
        at += size;
    }
  drop_bytes (&self->input, at);
  if (self->is_raw)
    pass_rest (self);
  return TRUE;
}

/* ---- bytes ---- */

static gboolean
on_ready (gpointer user_data)
{
  Way *self = user_data;

  way_forget_source (self);
  way_go (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_socket_ready (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  return on_ready (user_data);
}

static void
way_wait (Way *self, GSource *source, GSourceFunc callback)
{
  way_forget_source (self);
  self->source = source;
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
}

static void
way_wait_socket (Way *self, GSocket *socket, GIOCondition condition)
{
  way_wait (self, g_socket_create_source (socket, condition, NULL),
            G_SOURCE_FUNC (on_socket_ready));
}

/* Sends some of the output. FALSE: it waits, or the connection is closed. */
static gboolean
way_send (Way *self)
{
  g_autoptr (GError) error = NULL;
  const gssize sent = g_socket_send (self->to, (const gchar *) self->output->data + self->sent,
                                     self->output->len - self->sent, NULL, &error);

  if (sent >= 0)
    {
      self->sent += (gsize) sent;
      if (self->sent < self->output->len)
        return TRUE;
      self->sent = 0;
      drop_bytes (&self->output, self->output->len);
      return TRUE;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    way_wait_socket (self, self->to, G_IO_OUT);
  else
    link_close (self->link);
  return FALSE;
}

/* Receives some. FALSE: it waits, or the connection is closed. */
static gboolean
way_receive (Way *self)
{
  static gchar buffer[CHUNK];
  g_autoptr (GError) error = NULL;
  const gssize received = g_socket_receive (self->from, buffer, sizeof buffer, NULL, &error);

  if (received > 0)
    {
      g_byte_array_append (self->input, (const guint8 *) buffer, (guint) received);
      return TRUE;
    }
  self->at_end = received == 0;
  if (received == 0)
    return TRUE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    way_wait_socket (self, self->from, G_IO_IN);
  else
    link_close (self->link);
  return FALSE;
}

/* All that came has gone, and no more comes. */
static void
way_end (Way *self)
{
  CliLink *link = self->link;

  self->is_shut = TRUE;
  if (self == &link->replies)
    drop_pending (link);
  g_socket_shutdown (self->to, FALSE, TRUE, NULL);
  if (link->requests.is_shut && link->replies.is_shut)
    link_close (link);
}

/* One step. FALSE: it waits for something, or has ended. */
static gboolean
way_step (Way *self)
{
  CliLink *link = self->link;

  if (self->output->len > 0)
    return way_send (self);
  if (self->is_last)
    {
      link_close (link);
      return FALSE;
    }
  if (self->paused_until > 0)
    {
      const gint64 left = self->paused_until - g_get_monotonic_time ();

      if (left > 0)
        {
          way_wait (self, g_timeout_source_new ((guint) (left / 1000 + 1)), on_ready);
          return FALSE;
        }
      self->paused_until = 0;
    }
  if (self->input->len > 0)
    {
      if (!way_cut (self))
        return FALSE;
      if (self->output->len > 0 || self->paused_until > 0)
        return TRUE;
    }
  if (!self->at_end)
    return way_receive (self);
  if (self->input->len == 0)
    {
      way_end (self);
      return FALSE;
    }
  pass_rest (self); /* half a message, too */
  return TRUE;
}

static void
way_go (Way *self)
{
  CliLink *link = g_rc_box_acquire (self->link);
  gboolean goes_on = !link->is_closed && !self->is_shut;

  for (guint i = 0; i < MAX_ROUNDS && goes_on; i++)
    {
      goes_on = way_step (self);
      if (link->is_closed)
        break;
      way_count (self);
      if (link->relay->held <= MAX_HELD)
        continue;
      link_complain (link, "the messages of all connections are too large: this one is closed");
      link_close (link);
    }
  if (goes_on && !link->is_closed)
    way_wait (self, g_idle_source_new (), on_ready);
  link_unref (link);
}

/* ---- connections ---- */

static void
prepare_socket (GSocket *socket)
{
  g_socket_set_blocking (socket, FALSE);
  if (g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CliLink *self = user_data;
  g_autoptr (GError) error = NULL;
  GSocket *client = g_socket_connection_get_socket (self->client);
  GSocket *server;

  self->server = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (self->server == NULL)
    {
      g_autofree gchar *text =
          self->is_closed ? NULL : g_strdup_printf ("the target: %s", error->message);

      if (text != NULL)
        link_complain (self, text);
      link_close (self);
    }
  else if (!self->is_closed)
    {
      server = g_socket_connection_get_socket (self->server);
      prepare_socket (client);
      prepare_socket (server);
      self->requests.from = self->replies.to = client;
      self->requests.to = self->replies.from = server;
      way_go (&self->requests);
      way_go (&self->replies);
    }
  link_unref (self);
}

static void
way_init (Way *self, CliLink *link)
{
  self->link = link;
  self->input = g_byte_array_new ();
  self->output = g_byte_array_new ();
  cli_bounds_reset (&self->bounds);
}

void
cli_relay_init (CliRelay *self, CliRules *rules, CliRecord *record, GSocketConnectable *target)
{
  *self = (CliRelay){ .rules = rules, .record = record, .target = target };
  self->links = g_ptr_array_new_with_free_func (link_unref);
}

void
cli_relay_clear (CliRelay *self)
{
  g_clear_pointer (&self->links, g_ptr_array_unref);
}

void
cli_relay_accept (CliRelay *self, GSocketConnection *connection)
{
  g_autoptr (GSocketClient) client = NULL;
  CliLink *link;

  self->n_accepted++;
  if (self->links->len == MAX_LINKS)
    {
      cli_record_complain (self->record, self->n_accepted,
                           "there are too many connections: it is closed");
      return;
    }
  client = g_socket_client_new ();
  link = g_rc_box_new0 (CliLink);
  link->relay = self;
  link->number = self->n_accepted;
  link->client = g_object_ref (connection);
  link->cancellable = g_cancellable_new ();
  link->pending = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_call_free);
  way_init (&link->requests, link);
  way_init (&link->replies, link);
  g_ptr_array_add (self->links, link);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, self->target, link->cancellable, on_connected,
                                 g_rc_box_acquire (link));
}

void
cli_relay_stop (CliRelay *self)
{
  while (self->links->len > 0)
    link_close (g_ptr_array_index (self->links, self->links->len - 1));
}
