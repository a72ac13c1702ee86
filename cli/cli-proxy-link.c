/* Owns connections that are passed on, from the client's arrival until both sides have ended, and what all of them may have.
 * Each has two ways (cli-proxy-way.c). All of it runs in the main loop. */
#include "cli-proxy-link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static void
link_finish (gpointer data)
{
  CliLink *self = data;

  cli_way_clear (&self->requests);
  cli_way_clear (&self->replies);
  g_clear_object (&self->client);
  g_clear_object (&self->server);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->pending, g_ptr_array_unref);
  g_clear_pointer (&self->delayed, g_ptr_array_unref);
}

void
cli_link_unref (gpointer link)
{
  g_rc_box_release_full (link, link_finish);
}

void
cli_link_complain (CliLink *self, const gchar *text)
{
  cli_record_complain (self->relay->record, self->number, text);
}

void
cli_link_drop_call (CliLink *self, CliCall *call)
{
  if (call->injected.what == CLI_INJECT_NOTHING)
    call->injected = self->injected;
  cli_record_drop (self->relay->record, self->number, call,
                   self->relay->is_stopping ? "stopped" : "unanswered");
}

void
cli_link_drop_pending (CliLink *self)
{
  for (guint i = 0; i < self->pending->len; i++)
    cli_link_drop_call (self, g_ptr_array_index (self->pending, i));
  g_ptr_array_set_size (self->pending, 0);
}

/* @resets: its peer is sent a reset, by TCP; what the kernel has not sent yet is lost. */
static void
close_connection (GSocketConnection *connection, gboolean resets)
{
  const struct linger now = { .l_onoff = 1 };

  if (connection == NULL)
    return;
  if (resets)
    setsockopt (g_socket_get_fd (g_socket_connection_get_socket (connection)), SOL_SOCKET,
                SO_LINGER, &now, sizeof now);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
}

void
cli_link_close (CliLink *self)
{
  if (self->is_closed)
    return;
  self->is_closed = TRUE;
  g_cancellable_cancel (self->cancellable);
  cli_link_drop_pending (self);
  cli_link_drop_delayed (self);
  cli_way_stop (&self->requests);
  cli_way_stop (&self->replies);
  close_connection (self->client, self->injected.resets_client);
  close_connection (self->server, self->injected.resets_target);
  g_ptr_array_remove_fast (self->relay->links, self);
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
        cli_link_complain (self, text);
      cli_link_close (self);
    }
  else if (!self->is_closed)
    {
      server = g_socket_connection_get_socket (self->server);
      prepare_socket (client);
      prepare_socket (server);
      self->requests.from = self->replies.to = client;
      self->requests.to = self->replies.from = server;
      cli_way_go (&self->requests);
      cli_way_go (&self->replies);
    }
  cli_link_unref (self);
}

static CliLink *
link_new (CliRelay *relay, GSocketConnection *client)
{
  CliLink *self = g_rc_box_new0 (CliLink);

  self->relay = relay;
  self->number = relay->n_accepted;
  self->client = g_object_ref (client);
  self->cancellable = g_cancellable_new ();
  self->pending = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_call_free);
  self->delayed = g_ptr_array_new_with_free_func (cli_delayed_free);
  self->active = g_get_monotonic_time ();
  cli_way_init (&self->requests, self);
  cli_way_init (&self->replies, self);
  return self;
}

/* ---- all connections ---- */

void
cli_relay_init (CliRelay *self, CliRules *rules, CliRecord *record, GSocketConnectable *target)
{
  *self =
      (CliRelay){ .rules = rules, .record = record, .target = target, .max_links = CLI_MAX_LINKS };
  self->links = g_ptr_array_new_with_free_func (cli_link_unref);
}

void
cli_relay_clear (CliRelay *self)
{
  if (self->look != NULL)
    g_source_destroy (self->look);
  g_clear_pointer (&self->look, g_source_unref);
  g_clear_pointer (&self->links, g_ptr_array_unref);
}

static gboolean
on_look (gpointer user_data)
{
  CliRelay *self = user_data;

  cli_relay_end_silent (self, g_get_monotonic_time () - self->idle_timeout_us);
  return G_SOURCE_CONTINUE;
}

static void
relay_begin_looking (CliRelay *self)
{
  self->look = g_timeout_source_new ((guint) CLAMP (self->idle_timeout_us / 4000, 1, 1000));
  g_source_set_callback (self->look, on_look, self, NULL);
  g_source_attach (self->look, NULL);
}

static void
relay_accept (CliRelay *self, GSocketConnection *connection)
{
  g_autoptr (GSocketClient) client = NULL;
  CliLink *link;

  self->n_accepted++;
  if (self->links->len >= self->max_links)
    {
      cli_record_complain (self->record, self->n_accepted,
                           "there are too many connections: it is closed");
      return;
    }
  if (self->idle_timeout_us > 0 && self->look == NULL)
    relay_begin_looking (self);
  client = g_socket_client_new ();
  link = link_new (self, connection);
  g_ptr_array_add (self->links, link);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, self->target, link->cancellable, on_connected,
                                 g_rc_box_acquire (link));
}

static gboolean
on_incoming (GSocketService *service,
             GSocketConnection *connection,
             GObject *source,
             gpointer user_data)
{
  relay_accept (user_data, connection);
  return TRUE;
}

void
cli_relay_serve (CliRelay *self, GSocketService *service)
{
  g_signal_connect (service, "incoming", G_CALLBACK (on_incoming), self);
}

void
cli_relay_end_silent (CliRelay *self, gint64 time)
{
  for (guint i = self->links->len; i > 0; i--)
    {
      CliLink *link = g_ptr_array_index (self->links, i - 1);

      if (link->active > time || link->delayed->len > 0 || link->replies.paused_until > 0)
        continue;
      cli_record_note (self->record, link->number, "it was silent for too long: it is closed");
      cli_link_close (link);
    }
}

void
cli_relay_stop (CliRelay *self)
{
  self->is_stopping = TRUE;
  while (self->links->len > 0)
    cli_link_close (g_ptr_array_index (self->links, self->links->len - 1));
}
