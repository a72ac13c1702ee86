/* Owns one way of a connection that is passed on: bytes come from one end and go to the other. It takes more only when the other
 * end has taken what there was, so that a slow receiver is its sender's business. What messages are cli-proxy-pass.c knows. All
 * of it runs in the main loop. */
#include "cli-proxy-link.h"

/* Of one way before others have their turn. */
#define MAX_ROUNDS 16
/* As the library's server has it. */
#define MAX_HELD (256u << 20)

void
cli_way_init (CliWay *self, CliLink *link)
{
  self->link = link;
  self->input = g_byte_array_new ();
  self->output = g_byte_array_new ();
  cli_bounds_reset (&self->bounds);
}

void
cli_way_clear (CliWay *self)
{
  g_clear_pointer (&self->input, g_byte_array_unref);
  g_clear_pointer (&self->output, g_byte_array_unref);
}

static void
way_forget_source (CliWay *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

void
cli_way_count (CliWay *self)
{
  CliLink *link = self->link;
  gsize held = self->input->len + self->output->len - self->sent;

  if (self == &link->replies)
    held += link->delayed_bytes + (link->pending->len + link->delayed->len) * CLI_CALL_SIZE;

  link->relay->held += held - self->held;
  self->held = held;
}

void
cli_way_stop (CliWay *self)
{
  way_forget_source (self);
  g_byte_array_set_size (self->input, 0);
  g_byte_array_set_size (self->output, 0);
  self->sent = 0;
  cli_way_count (self);
}

void
cli_way_pass (CliWay *self, const guint8 *bytes, gsize length)
{
  g_byte_array_append (self->output, bytes, (guint) length);
}

/* ---- waiting ---- */

static gboolean
on_ready (gpointer user_data)
{
  CliWay *self = user_data;

  way_forget_source (self);
  cli_way_go (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_socket_ready (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  return on_ready (user_data);
}

static void
way_wait (CliWay *self, GSource *source, GSourceFunc callback)
{
  way_forget_source (self);
  self->source = source;
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
}

static void
way_wait_socket (CliWay *self, GSocket *socket, GIOCondition condition)
{
  way_wait (self, g_socket_create_source (socket, condition, NULL),
            G_SOURCE_FUNC (on_socket_ready));
}

/* ---- going ---- */

/* Sends some of the output. FALSE: it waits, or the connection is closed. */
static gboolean
way_send (CliWay *self)
{
  g_autoptr (GError) error = NULL;
  const gssize sent = g_socket_send (self->to, (const gchar *) self->output->data + self->sent,
                                     self->output->len - self->sent, NULL, &error);

  if (sent >= 0)
    {
      self->link->active = g_get_monotonic_time ();
      self->sent += (gsize) sent;
      if (self->sent < self->output->len)
        return TRUE;
      self->sent = 0;
      if (self->output->len > 4 * CLI_WAY_CHUNK) /* a large message's memory does not stay */
        {
          g_byte_array_unref (self->output);
          self->output = g_byte_array_new ();
        }
      g_byte_array_set_size (self->output, 0);
      return TRUE;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    way_wait_socket (self, self->to, G_IO_OUT);
  else
    cli_link_close (self->link);
  return FALSE;
}

/* Receives some. FALSE: it waits, or the connection is closed. */
static gboolean
way_receive (CliWay *self)
{
  static gchar buffer[CLI_WAY_CHUNK];
  g_autoptr (GError) error = NULL;
  const gssize received = g_socket_receive (self->from, buffer, sizeof buffer, NULL, &error);

  if (received > 0)
    {
      self->link->active = g_get_monotonic_time ();
      g_byte_array_append (self->input, (const guint8 *) buffer, (guint) received);
      return TRUE;
    }
  self->at_end = received == 0;
  if (received == 0)
    return TRUE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    way_wait_socket (self, self->from, G_IO_IN);
  else
    cli_link_close (self->link);
  return FALSE;
}

/* All that came has gone, and no more comes. */
static void
way_end (CliWay *self)
{
  CliLink *link = self->link;

  self->is_shut = TRUE;
  if (self == &link->replies)
    cli_link_drop_pending (link);
  g_socket_shutdown (self->to, FALSE, TRUE, NULL);
  if (link->requests.is_shut && link->replies.is_shut)
    cli_link_close (link);
}

/* FALSE: it waits until it goes on. */
static gboolean
way_end_pause (CliWay *self)
{
  const gint64 left = self->paused_until > 0 ? self->paused_until - g_get_monotonic_time () : 0;

  if (left > 0)
    {
      way_wait (self, g_timeout_source_new ((guint) (left / 1000 + 1)), on_ready);
      return FALSE;
    }
  self->paused_until = 0;
  return TRUE;
}

/* Nothing more comes. FALSE: it has ended, or ends when what is held back has gone. */
static gboolean
way_pass_end (CliWay *self)
{
  if (self->input->len > 0) /* half a message, too */
    {
      cli_way_pass (self, self->input->data, self->input->len);
      g_byte_array_set_size (self->input, 0);
      return TRUE;
    }
  if (self != &self->link->replies || self->link->delayed->len == 0)
    way_end (self);
  return FALSE;
}

/* One step. FALSE: it waits for something, or has ended. */
static gboolean
way_step (CliWay *self)
{
  CliLink *link = self->link;

  if (self == &link->replies && !self->is_last)
    cli_link_pass_due (link);
  if (self->output->len > 0)
    return way_send (self);
  if (self->is_last)
    {
      cli_link_close (link);
      return FALSE;
    }
  if (!way_end_pause (self))
    return FALSE;
  if (self->input->len > 0)
    {
      if (!cli_way_cut (self))
        return FALSE;
      if (self->output->len > 0 || self->paused_until > 0 || self->is_last)
        return TRUE;
    }
  return self->at_end ? way_pass_end (self) : way_receive (self);
}

void
cli_way_go (CliWay *self)
{
  CliLink *link = g_rc_box_acquire (self->link);
  gboolean goes_on = !link->is_closed && !self->is_shut;

  for (guint i = 0; i < MAX_ROUNDS && goes_on; i++)
    {
      goes_on = way_step (self);
      if (link->is_closed)
        break;
      cli_way_count (self);
      cli_way_count (&link->replies); /* either way changes what waits there */
      if (link->relay->held <= MAX_HELD)
        continue;
      cli_link_complain (link, "all connections together hold too much: this one is closed");
      cli_link_close (link);
    }
  if (goes_on && !link->is_closed)
    way_wait (self, g_idle_source_new (), on_ready);
  cli_link_unref (link);
}
