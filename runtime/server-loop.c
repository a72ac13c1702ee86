/* The server's epoll: which connections are ready, which peers connect, and how threads hand
 * connections over. It knows neither messages nor which thread it runs on; one at a time calls
 * server_loop_wait (). */
#include "server-requests-private.h"

#include <errno.h>
#include <string.h>
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

/* ---- serving ---- */

#define HOT_TURNS 16
/* A pinned connection is looked at anew after so many requests. */
#define PINNED_TURNS 64
/* In so many parts may its request come. */
#define MAX_PARTS 16
/* While handlers count as slow: so many requests in a row took fewer microseconds than this. */
#define QUICK_TURNS 64
#define QUICK_TIME 100

static void
count_from_here (TallyServer *self, ServerConnection *connection)
{
  connection->turns = 0;
  connection->turns_began = atomic_peek (&self->n_events);
}

/* Whether, of what the loop finds ready, this connection is so large a part that it deserves a
 * thread. */
static gboolean
is_hot (TallyServer *self, ServerConnection *connection)
{
  guint64 span;

  if (connection->turns == 0)
    connection->turns_began = atomic_peek (&self->n_events);
  if (++connection->turns < HOT_TURNS)
    return FALSE;
  span = atomic_peek (&self->n_events) - connection->turns_began;
  connection->turns = 0;
  return span <= (guint64) HOT_TURNS * self->max_pinned;
}

/* Whether a pinned connection may stay so: others are not far busier, and nobody waits for a
 * worker. */
static gboolean
stays_pinned (TallyServer *self, ServerConnection *connection)
{
  guint64 span;

  if (atomic_peek (&self->crowded) || atomic_peek (&self->stopping))
    return FALSE;
  if (++connection->turns < PINNED_TURNS)
    return TRUE;
  span = atomic_peek (&self->n_events) - connection->turns_began;
  count_from_here (self, connection);
  return span <= (guint64) PINNED_TURNS * self->max_pinned * 2;
}

/* Keeps @connection for the worker alone, if there is another one for the rest. */
static gboolean
pin (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  gboolean pinned = FALSE;

  pthread_mutex_lock (&self->lock);
  if (self->n_pinned < self->max_pinned && !self->stopping
      && (self->loop_holder != worker || server_wake_worker_locked (self)))
    {
      if (self->loop_holder == worker)
        self->loop_holder = NULL;
      self->n_pinned++;
      pinned = TRUE;
    }
  pthread_mutex_unlock (&self->lock);
  if (!pinned)
    return FALSE;
  server_loop_watch (self, connection, 0);
  count_from_here (self, connection);
  return TRUE;
}

/* What epoll is to tell of from now on. A plain stream is not watched anew with each turn: epoll tells of all that the connection
 * will ever take, also while that takes nothing. A layer is, and tells at once where that is the case already: of no input that
 * the connection will not take, nor of an end that it has seen. */
static guint
find_events (const ServerConnection *connection)
{
  if (G_LIKELY (!tally_stream_is_layered (&connection->stream)))
    return TALLY_SERVER_INPUT | (connection->wants_write ? TALLY_STREAM_WRITABLE : 0);
  if (connection->output.length > 0)
    return connection->wants_write ? TALLY_STREAM_WRITABLE : 0;
  if (connection->is_abandoned || atomic_peek (&connection->phase) == PHASE_PACED)
    return 0;
  return connection->is_full ? TALLY_STREAM_HUNG_UP : TALLY_SERVER_INPUT;
}

static void
unpin (TallyServer *self, ServerConnection *connection)
{
  pthread_mutex_lock (&self->lock);
  self->n_pinned--;
  pthread_mutex_unlock (&self->lock);
  count_from_here (self, connection);
  server_loop_watch (self, connection, find_events (connection));
}

/* Serves a pinned connection until it is idle, or over. A large request may come in parts. */
static ServerTurn
serve_pinned (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  ServerTurn turn;
  guint parts = 0;
  gsize before;

  do
    {
      before = connection->input.length;
      turn = server_connection_turn (connection, worker, TRUE);
      parts = turn == TURN_SERVED ? 0 : parts + 1;
    }
  while ((turn == TURN_SERVED || (connection->input.length > before && parts < MAX_PARTS))
         && turn != TURN_CLOSE && connection->output.length == 0 && !connection->is_apart
         && stays_pinned (self, connection));
  unpin (self, connection);
  return turn == TURN_CLOSE ? TURN_CLOSE : TURN_SERVED;
}

static ServerTurn
serve_once (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  ServerTurn turn;
  gint64 began;

  if (!atomic_peek (&self->eager))
    return server_connection_turn (connection, worker, FALSE);
  began = g_get_monotonic_time ();
  turn = server_connection_turn (connection, worker, FALSE);
  if (g_get_monotonic_time () - began > QUICK_TIME)
    atomic_put (&self->quick_turns, 0);
  else if (__atomic_add_fetch (&self->quick_turns, 1, __ATOMIC_RELAXED) >= QUICK_TURNS)
    atomic_put (&self->eager, FALSE);
  return turn;
}

/* Whether epoll has to be told of @connection, which is to be parked. */
static gboolean
needs_watch (const ServerConnection *connection)
{
  return !connection->is_watched || tally_stream_is_layered (&connection->stream);
}

gboolean
server_let_go (TallyServer *self,
               ServerConnection *connection,
               ServerWorker *worker,
               ServerTurn turn)
{
  if (turn != TURN_CLOSE)
    server_connection_set_deadline (connection, turn == TURN_SERVED);
  if (atomic_get (&self->stopping))
    turn = server_connection_part (connection, worker, turn);
  if (turn != TURN_CLOSE && G_UNLIKELY (needs_watch (connection))
      && !server_loop_watch (self, connection, find_events (connection)))
    turn = TURN_CLOSE;
  if (turn != TURN_CLOSE)
    return server_park (connection);
  server_discard (self, connection);
  return TRUE;
}

/* Whether others wait for a worker and none is left. Then @connection, which does not pause, waits behind
 * them. */
static gboolean
make_way (TallyServer *self, ServerConnection *connection)
{
  gboolean others_wait;

  if (!atomic_peek (&self->crowded))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  others_wait = self->ready_head != NULL;
  if (others_wait)
    server_enqueue_locked (self, connection);
  pthread_mutex_unlock (&self->lock);
  return others_wait;
}

static void
serve (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  for (;;)
    {
      ServerTurn turn = serve_once (self, connection, worker);

      if (turn == TURN_SERVED && connection->output.length == 0 && !connection->is_apart
          && is_hot (self, connection) && pin (self, connection, worker))
        turn = serve_pinned (self, connection, worker);
      if (turn != TURN_CLOSE && !server_make_room (self, connection, worker))
        {
          ServerTurn rest = server_connection_give_up (connection, worker);

          turn = MAX (turn, rest); /* that it was served before holds */
        }
      /* A connection that never pauses keeps its worker, whose epoch stays: so the supervisor sees
       * that the loop needs another holder, and when there is none left looks for events itself. */
      if (server_let_go (self, connection, worker, turn) || make_way (self, connection))
        return;
    }
}

void
server_serve (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  if (G_LIKELY (!tally_stream_is_layered (&connection->stream)))
    {
      serve (self, connection, worker);
      return;
    }
  server_peer_begin (&connection->stream);
  serve (self, connection, worker);
  server_peer_end ();
}
