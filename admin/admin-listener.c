/* Owns the admin listener's thread and its connections, of which each serves one request. Whatever peers send costs a bounded
 * amount: so many connections, each for so long, with a head of so many bytes, behind which nothing is read. libsoup is given
 * complete heads only. */
#include <errno.h>
#include <gio/gio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "admin-private.h"

/* Bytes of a request's head. */
#define MAX_HEAD 8192
/* Milliseconds for which nobody is accepted when that failed, as for want of descriptors. */
#define ACCEPT_PAUSE 100

struct _AdminListener
{
  AdminLimits limits;
  AdminWatched *watched;
  GSocket *socket;
  GThread *thread;
  GMainContext *context;
  gint quit; /* atomic */

  /* the thread's */
  SoupServer *server;
  GSource *incoming;
  GQueue peers; /* of Peer, the oldest first */
};

typedef struct
{
  AdminListener *listener;
  GSocketConnection *connection;
  GSource *readable; /* while the head is not complete */
  GSource *deadline;
  GIOStream *stream; /* what libsoup has then; no reference */
  gboolean is_ended;
  gsize length;
  gchar head[MAX_HEAD];
} Peer;

static GSource *
attach (GSource *source, GSourceFunc function, gpointer data, GMainContext *context)
{
  g_source_set_callback (source, function, data, NULL);
  g_source_attach (source, context);
  return source;
}

static void
detach (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* ---- one connection ---- */

static void
peer_free (Peer *self)
{
  g_queue_remove (&self->listener->peers, self);
  detach (&self->readable);
  detach (&self->deadline);
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_object_unref (self->connection);
  g_free (self);
}

static void
on_stream_gone (gpointer data, GObject *stream)
{
  peer_free (data);
}

/* What libsoup still sends fails now, and it drops its stream. */
static void
peer_end (Peer *self)
{
  self->is_ended = TRUE;
  if (self->stream != NULL)
    g_socket_shutdown (g_socket_connection_get_socket (self->connection), TRUE, TRUE, NULL);
  else
    peer_free (self);
}

static gboolean
on_deadline (gpointer data)
{
  Peer *self = data;

  detach (&self->deadline);
  peer_end (self);
  return G_SOURCE_REMOVE;
}

/* Without libsoup, which would go on to read. */
static void
peer_refuse (Peer *self, const gchar *status)
{
  g_autofree gchar *text =
      g_strdup_printf ("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);

  g_socket_send (g_socket_connection_get_socket (self->connection), text, strlen (text), NULL,
                 NULL);
  peer_free (self);
}

/* The head, of @length bytes, is complete. */
static void
peer_hand_over (Peer *self, gsize length)
{
  g_autoptr (GInputStream) input =
      g_memory_input_stream_new_from_data (g_memdup2 (self->head, length), (gssize) length, g_free);
  /* Of a Unix socket there is none, and libsoup wants one; nothing depends on it. */
  g_autoptr (GSocketAddress) nowhere = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GIOStream) stream = NULL;

  detach (&self->readable);
  stream = g_simple_io_stream_new (input,
                                   g_io_stream_get_output_stream (G_IO_STREAM (self->connection)));
  self->stream = stream;
  g_object_weak_ref (G_OBJECT (stream), on_stream_gone, self);
  soup_server_accept_iostream (self->listener->server, stream, nowhere, nowhere, NULL);
}

/* How long the head is with the empty line at its end; 0: it goes on. @known bytes were looked at before. */
static gsize
find_end (const Peer *self, gsize known)
{
  for (gsize i = known; i < self->length; i++)
    if (self->head[i] == '\n'
        && ((i >= 1 && self->head[i - 1] == '\n')
            || (i >= 2 && self->head[i - 1] == '\r' && self->head[i - 2] == '\n')))
      return i + 1;
  return 0;
}

static gboolean
peer_has_method (const Peer *self, const gchar *method)
{
  gsize length = strlen (method);

  return self->length >= length && memcmp (self->head, method, length) == 0;
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer data)
{
  Peer *self = data;
  gsize known = self->length;
  g_autoptr (GError) error = NULL;
  gssize received =
      g_socket_receive (socket, self->head + known, sizeof self->head - known, NULL, &error);
  gsize end;

  if (received <= 0)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return G_SOURCE_CONTINUE;
      peer_free (self);
      return G_SOURCE_REMOVE;
    }
  self->length += (gsize) received;
  end = find_end (self, known);
  if (end == 0 && self->length < sizeof self->head)
    return G_SOURCE_CONTINUE;
  if (end == 0)
    peer_refuse (self, "431 Request Header Fields Too Large");
  else if (!peer_has_method (self, "GET ") && !peer_has_method (self, "HEAD "))
    peer_refuse (self, "405 Method Not Allowed\r\nAllow: GET, HEAD");
  else
    peer_hand_over (self, end);
  return G_SOURCE_REMOVE;
}

/* @socket is taken. */
static void
peer_new (AdminListener *listener, GSocket *socket)
{
  Peer *self = g_new0 (Peer, 1);

  g_socket_set_blocking (socket, FALSE);
  self->listener = listener;
  self->connection = g_socket_connection_factory_create_connection (socket);
  self->readable = attach (g_socket_create_source (socket, G_IO_IN, NULL),
                           G_SOURCE_FUNC (on_readable), self, listener->context);
  self->deadline = attach (g_timeout_source_new (listener->limits.request_timeout), on_deadline,
                           self, listener->context);
  g_queue_push_tail (&listener->peers, self);
  g_object_unref (socket);
}

/* ---- the thread ---- */

static void watch_incoming (AdminListener *self);

static gboolean
on_accept_again (gpointer data)
{
  AdminListener *self = data;

  detach (&self->incoming);
  watch_incoming (self);
  return G_SOURCE_REMOVE;
}

/* Makes room for one more. Some peers still send their head, others are answered; the oldest of whichever are more is ended, since it is
 * slow to send or to take. So neither kind, however many there are of it, keeps the other out. */
static void
make_room (AdminListener *self)
{
  Peer *oldest[2] = { NULL, NULL };
  guint counts[2] = { 0, 0 };

  if (self->peers.length < self->limits.max_connections)
    return;
  for (GList *link = self->peers.head; link != NULL; link = link->next)
    {
      Peer *peer = link->data;
      gboolean is_answered = peer->stream != NULL;

      if (peer->is_ended)
        continue;
      counts[is_answered]++;
      if (oldest[is_answered] == NULL)
        oldest[is_answered] = peer;
    }
  if (oldest[0] != NULL || oldest[1] != NULL)
    peer_end (oldest[counts[1] > counts[0]]);
}

static gboolean
on_incoming (GSocket *listening, GIOCondition condition, gpointer data)
{
  AdminListener *self = data;
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_accept (listening, NULL, &error);

  if (socket != NULL)
    {
      make_room (self);
      peer_new (self, socket);
    }
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      make_room (self);
      detach (&self->incoming);
      self->incoming =
          attach (g_timeout_source_new (ACCEPT_PAUSE), on_accept_again, self, self->context);
    }
  return G_SOURCE_CONTINUE;
}

static void
watch_incoming (AdminListener *self)
{
  self->incoming = attach (g_socket_create_source (self->socket, G_IO_IN, NULL),
                           G_SOURCE_FUNC (on_incoming), self, self->context);
}

static gpointer
run_listener (gpointer data)
{
  AdminListener *self = data;

  g_main_context_push_thread_default (self->context);
  self->server =
      admin_answer_new (self->watched, g_socket_get_family (self->socket) == G_SOCKET_FAMILY_UNIX);
  watch_incoming (self);
  while (!g_atomic_int_get (&self->quit))
    g_main_context_iteration (self->context, TRUE);
  detach (&self->incoming);
  for (GList *link = self->peers.head, *next; link != NULL; link = next)
    {
      next = link->next;
      peer_end (link->data);
    }
  while (self->peers.length > 0) /* until libsoup has dropped its streams */
    g_main_context_iteration (self->context, TRUE);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

AdminListener *
admin_listener_new (GSocket *socket, AdminWatched *watched, const AdminLimits *limits)
{
  AdminListener *self = g_new0 (AdminListener, 1);

  self->limits = *limits;
  self->watched = watched;
  self->socket = g_object_ref (socket);
  self->context = g_main_context_new ();
  self->thread = g_thread_new ("tally-admin", run_listener, self);
  return self;
}

void
admin_listener_free (AdminListener *self)
{
  g_atomic_int_set (&self->quit, TRUE);
  g_main_context_wakeup (self->context);
  g_thread_join (self->thread);
  g_object_unref (self->socket);
  g_main_context_unref (self->context);
  g_free (self);
}
