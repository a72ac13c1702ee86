/* The server's epoll: which connections are ready, which peers connect, and how threads hand
 * connections over. It knows neither messages nor which thread it runs on; one at a time calls
 * server_loop_wait (). */
#include "server-requests-private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_EVENTS 128
/* Connections accepted before those that wait for an answer get their turn. */
#define MAX_ACCEPTS 32
/* Connections accepted before a stop: more than a listener's backlog holds. */
#define MAX_LAST_ACCEPTS (2 * TALLY_SERVER_BACKLOG)
#define HANDSHAKE_TIME 1000 /* milliseconds; what is lost of a handshake comes again within that */
#define HANDSHAKE_LOOK 5    /* the same, between two looks for one */
/* Of so many times that a listener is ready it is asked once for all of its peers. */
#define SWARM_ROUNDS 32

/* ---- what epoll watches ---- */

static void
watch_listeners (TallyServer *self, gint operation, guint32 events)
{
  for (guint i = 0; i < self->listener.n_fds; i++)
    server_watch (self, operation, self->listener.fds[i], events, 0);
}

gboolean
server_loop_open (TallyServer *self, GError **error)
{
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->epoll_fd < 0 || self->wake_fd < 0
      || !server_watch (self, EPOLL_CTL_ADD, self->wake_fd, EPOLLIN, 0)
      || !server_watch (self, EPOLL_CTL_ADD, self->stop_fd, EPOLLIN, 0)
      || !server_watch (self, EPOLL_CTL_ADD, self->reload_fd, EPOLLIN, 0))
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "cannot serve %s: %s",
                   tally_endpoint_get_uri (self->endpoint), g_strerror (errno));
      server_loop_close (self);
      return FALSE;
    }
  watch_listeners (self, EPOLL_CTL_ADD, EPOLLIN);
  return TRUE;
}

void
server_loop_close (TallyServer *self)
{
  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
  if (self->wake_fd >= 0)
    close (self->wake_fd);
  self->epoll_fd = self->wake_fd = -1;
}

/* Only the thread that waits in the loop closes the listeners' descriptors. */
void
server_loop_resume_listeners_locked (TallyServer *self)
{
  if (!self->listeners_paused || self->stopping)
    return;
  self->listeners_paused = FALSE;
  watch_listeners (self, EPOLL_CTL_MOD, EPOLLIN);
}

/* ---- connections come and go ---- */

static void
link_locked (TallyServer *self, ServerConnection *connection)
{
  connection->next = self->connections;
  if (self->connections != NULL)
    self->connections->previous = connection;
  self->connections = connection;
  server_issue_ticket_locked (self, connection);
  self->n_connections++;
  self->n_refused += connection->refused;
}

static void
unlink_locked (TallyServer *self, ServerConnection *connection)
{
  server_void_ticket_locked (self, connection);
  if (connection->next != NULL)
    connection->next->previous = connection->previous;
  if (connection->previous != NULL)
    connection->previous->next = connection->next;
  else
    self->connections = connection->next;
}

void
server_discard (TallyServer *self, ServerConnection *connection)
{
  gboolean refused = connection->refused;
  GPtrArray *cancellables = NULL;

  /* Out of the list first, so that the supervisor finds no closed descriptor there; into the
   * graveyard last, when nobody uses its memory but a batch of events that is under way. */
  pthread_mutex_lock (&self->lock);
  unlink_locked (self, connection);
  server_pace_leave_locked (connection);
  if (G_UNLIKELY (connection->n_requests > 0))
    cancellables = server_orphan_requests_locked (connection);
  server_leave_client_locked (connection);
  pthread_mutex_unlock (&self->lock);
  if (G_UNLIKELY (cancellables != NULL))
    server_drop_requests (connection, cancellables);

  atomic_set (&connection->owner, OWNER_DEAD);
  server_connection_release (connection);

  pthread_mutex_lock (&self->lock);
  self->n_connections--;
  self->n_refused -= refused;
  g_ptr_array_add (self->graveyard, connection);
  server_loop_resume_listeners_locked (self);
  if (self->stopping && self->n_connections == 0)
    server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
}

/* Called before a wait: no batch of events is under way that could name what lies there. */
static void
empty_graveyard (TallyServer *self)
{
  g_autoptr (GPtrArray) dead = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->graveyard->len > 0)
    {
      dead = self->graveyard;
      self->graveyard = g_ptr_array_new_with_free_func ((GDestroyNotify) server_connection_free);
    }
  pthread_mutex_unlock (&self->lock);
}

void
server_loop_rouse (TallyServer *self, ServerConnection *connection)
{
  if (!server_claim (connection))
    return;
  pthread_mutex_lock (&self->lock);
  server_enqueue_locked (self, connection);
  if (!server_wake_worker_locked (self))
    server_loop_interrupt (self);
  pthread_mutex_unlock (&self->lock);
}

/* ---- events ---- */

static void
on_secured (gpointer connection)
{
  server_loop_rouse (((ServerConnection *) connection)->server, connection);
}

/* Whether a new peer may be served, or told that it may not be. */
static gboolean
admit_locked (TallyServer *self, gboolean *refused)
{
  self->n_accepted++;
  *refused = self->n_connections - self->n_refused >= self->max_connections;
  self->n_refusals += *refused;
  return !*refused || self->n_refused < TALLY_SERVER_MAX_REFUSED;
}

/* Whether a new peer is looked at first, and watched by epoll when nothing of it is left to do: mostly its request is
 * there, and epoll need not say so. Not where threads are short or handlers slow: what is in the queue counts as work. */
static gboolean
may_serve_at_once (const TallyServer *self, const ServerConnection *connection)
{
  return !tally_stream_is_layered (&connection->stream) && !connection->refused
         && !atomic_peek (&self->crowded) && !atomic_peek (&self->eager);
}

static void
add_connection (TallyServer *self, TallyStream *stream)
{
  ServerConnection *connection;
  gboolean refused;
  gboolean admitted;
  gboolean at_once;

  pthread_mutex_lock (&self->lock);
  admitted = admit_locked (self, &refused);
  pthread_mutex_unlock (&self->lock);
  if (self->acceptor != NULL && admitted)
    admitted = tally_tls_accept (self->acceptor, stream);
  if (!admitted)
    {
      tally_stream_close (stream);
      return;
    }
  /* It begins as this thread's: a stop must not close it before epoll knows it. */
  connection = server_connection_new (self, stream, refused);
  if (self->acceptor != NULL)
    tally_tls_set_ready (&connection->stream, on_secured, connection);
  pthread_mutex_lock (&self->lock);
  link_locked (self, connection);
  at_once = may_serve_at_once (self, connection);
  if (at_once)
    server_enqueue_locked (self, connection);
  pthread_mutex_unlock (&self->lock);
  if (at_once)
    return;
  if (!server_loop_watch (self, connection, TALLY_SERVER_INPUT))
    server_discard (self, connection);
  else if (!server_park (connection))
    {
      pthread_mutex_lock (&self->lock);
      server_enqueue_locked (self, connection);
      pthread_mutex_unlock (&self->lock);
    }
}

/* Descriptors or memory have run out. A peer that could not even be refused makes the listener stay
 * readable: it is looked at again when a connection was closed, or soon. */
static void
note_shortage (TallyServer *self, gboolean refused)
{
  pthread_mutex_lock (&self->lock);
  self->n_accepted += refused;
  self->n_refusals += refused;
  if (!refused)
    {
      self->listeners_paused = TRUE;
      watch_listeners (self, EPOLL_CTL_MOD, 0);
    }
  pthread_mutex_unlock (&self->lock);
}

/* Looks for a peer @count times, until none is there. Returns how often one was. */
static guint
accept_connections (TallyServer *self, guint index, guint count)
{
  guint n_peers;

  for (n_peers = 0; n_peers < count; n_peers++)
    {
      TallyStream stream;

      if (server_listener_accept (&self->listener, index, &stream))
        {
          add_connection (self, &stream);
          continue;
        }
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL)
        break; /* no peer is there, or none can come any more */
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        continue; /* the peer left before it was accepted */
      note_shortage (self, errno == EMFILE);
      break;
    }
  return n_peers;
}

/* The listener with number @index is ready. Where peers come one by one a look for a second one is a system call in vain: it is
 * taken now and then, and as long as it finds one. epoll tells of those that are left. */
static void
accept_ready (TallyServer *self, guint index)
{
  gboolean looks = self->has_swarm || self->n_accept_rounds++ % SWARM_ROUNDS == 0;
  guint n_accepted = accept_connections (self, index, looks ? MAX_ACCEPTS : 1);

  self->has_swarm = looks && n_accepted > 1;
}

/* The supervisor has a stop go on. */
static gboolean
waits_for_handshakes (TallyServer *self)
{
  gint64 now = server_now ();

  if (self->stop_deadline == 0)
    {
      server_listener_end (&self->listener);
      self->stop_deadline = now + HANDSHAKE_TIME;
    }
  if (now >= self->stop_deadline || !server_listener_has_handshakes (&self->listener))
    return FALSE;
  server_drain_eventfd (self->stop_fd); /* before the supervisor sets it again */
  pthread_mutex_lock (&self->lock);
  self->next_stop = now + HANDSHAKE_LOOK;
  server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}

/* A peer that has connected may have sent a request: to close the listener would cut it off, unless somebody else listens there. */
static void
accept_last (TallyServer *self)
{
  if (self->listener.is_adopted)
    return;
  for (guint i = 0; i < self->listener.n_fds; i++)
    accept_connections (self, i, MAX_LAST_ACCEPTS);
}

/* A stop was asked for. */
static void
begin_stop (TallyServer *self)
{
  server_systemd_stop (self);
  if (server_registrar_takes_stop (self) || waits_for_handshakes (self))
    return;
  self->stop_deadline = 0;
  server_watch (self, EPOLL_CTL_DEL, self->stop_fd, 0, 0);
  accept_last (self);
  pthread_mutex_lock (&self->lock);
  self->next_stop = 0;                /* another stop has come first */
  atomic_set (&self->stopping, TRUE); /* from here on nobody else touches the listeners */
  self->listening = FALSE;
  server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
  server_listener_close (&self->listener);
}

/* The event of what is no connection. @is_worker: whose thread this is. */
static void
handle_special (TallyServer *self, gint fd, gboolean is_worker)
{
  if (fd == self->stop_fd)
    begin_stop (self);
  else if (fd == self->reload_fd)
    {
      server_drain_eventfd (self->reload_fd);
      server_systemd_reload (self);
    }
  else if (fd == self->wake_fd)
    {
      server_drain_eventfd (self->wake_fd);
      atomic_put (&self->n_wakes, atomic_peek (&self->n_wakes) + is_worker);
    }
  else
    for (guint i = 0; i < self->listener.n_fds; i++) /* not closed by an event before this one */
      if (self->listener.fds[i] == fd)
        accept_ready (self, i);
}

/* Claims the connection that @event is of. (nullable): it is closed, or somebody else's. */
static ServerConnection *
claim_by_event (TallyServer *self, const struct epoll_event *event)
{
  ServerConnection *connection = server_find_by_ticket (self, event->data.u64);

  if (connection == NULL)
    return NULL;
  if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    atomic_put (&connection->hung_up, TRUE);
  return server_claim (connection) ? connection : NULL;
}

void
server_loop_wait (TallyServer *self, gint timeout)
{
  struct epoll_event events[MAX_EVENTS];
  ServerConnection *claimed[MAX_EVENTS];
  guint n_claimed = 0;
  gint n_events;

  empty_graveyard (self);
  n_events = epoll_wait (self->epoll_fd, events, MAX_EVENTS, timeout);
  for (gint i = 0; i < n_events; i++)
    {
      ServerConnection *connection = claim_by_event (self, &events[i]);

      if (connection != NULL)
        claimed[n_claimed++] = connection;
      else if (events[i].data.u64 >> 32 == 0)
        handle_special (self, (gint) events[i].data.u64, timeout < 0);
    }
  atomic_put (&self->n_events, atomic_peek (&self->n_events) + n_claimed);

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < n_claimed; i++)
    server_enqueue_locked (self, claimed[i]);
  if (n_events > 0)
    server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
}
