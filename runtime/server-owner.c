/* Owns whose a server's connection is, the queue of those that are ready, and what rouses the threads that wait: the clock,
 * epoll's watch and whose its events are, the loop's eventfd, the supervisor's condition. It decides nothing and calls none of the server's
 * other files, most of which call it. */
#include "server-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define MIN_TICKETS 64

gint64
server_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return (gint64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- a connection's owner ---- */

gboolean
server_claim (ServerConnection *connection)
{
  guint owner = atomic_get (&connection->owner);

  for (;;)
    {
      guint wanted = owner == OWNER_NOBODY ? OWNER_THREAD : OWNER_THREAD_AGAIN;

      if (owner == OWNER_DEAD || owner == OWNER_THREAD_AGAIN)
        return FALSE;
      if (__atomic_compare_exchange_n (&connection->owner, &owner, wanted, FALSE, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST))
        return wanted == OWNER_THREAD;
    }
}

gboolean
server_park (ServerConnection *connection)
{
  guint owner = OWNER_THREAD;

  if (__atomic_compare_exchange_n (&connection->owner, &owner, OWNER_NOBODY, FALSE,
                                   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    return TRUE;
  atomic_set (&connection->owner, OWNER_THREAD);
  return FALSE;
}

void
server_enqueue_locked (TallyServer *self, ServerConnection *connection)
{
  connection->next_ready = NULL;
  connection->ready_since = 0;
  if (self->ready_tail != NULL)
    self->ready_tail->next_ready = connection;
  else
    self->ready_head = connection;
  self->ready_tail = connection;
}

ServerConnection *
server_take_ready_locked (TallyServer *self)
{
  ServerConnection *connection = self->ready_head;

  self->ready_head = connection->next_ready;
  if (self->ready_head == NULL)
    self->ready_tail = NULL;
  return connection;
}

/* ---- tickets ---- */

void
server_issue_ticket_locked (TallyServer *self, ServerConnection *connection)
{
  const guint fd = tally_stream_get_fd (&connection->stream);
  ServerTicket *ticket;

  if (fd >= self->n_tickets)
    {
      const guint n_tickets = MAX (2 * fd, MIN_TICKETS);

      self->tickets = g_renew (ServerTicket, self->tickets, n_tickets);
      memset (self->tickets + self->n_tickets, 0,
              (n_tickets - self->n_tickets) * sizeof (ServerTicket));
      self->n_tickets = n_tickets;
    }
  ticket = &self->tickets[fd];
  ticket->round = ticket->round < G_MAXUINT ? ticket->round + 1 : 1;
  connection->round = ticket->round;
  atomic_put (&ticket->connection, connection);
}

void
server_void_ticket_locked (TallyServer *self, const ServerConnection *connection)
{
  atomic_put (&self->tickets[tally_stream_get_fd (&connection->stream)].connection, NULL);
}

ServerConnection *
server_find_by_ticket (const TallyServer *self, guint64 ticket)
{
  const guint fd = (guint32) ticket;

  if (fd >= self->n_tickets || self->tickets[fd].round != ticket >> 32)
    return NULL;
  return atomic_peek (&self->tickets[fd].connection);
}

/* ---- rousing ---- */

gboolean
server_watch (TallyServer *self, gint operation, gint fd, guint32 events, guint round)
{
  struct epoll_event event = { .events = events, .data.u64 = (guint64) round << 32 | (guint) fd };

  return epoll_ctl (self->epoll_fd, operation, fd, &event) == 0;
}

gboolean
server_loop_watch (TallyServer *self, ServerConnection *connection, guint events)
{
  gint operation = connection->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  gboolean done = server_watch (self, operation, tally_stream_get_fd (&connection->stream),
                                EPOLLET | tally_stream_get_watch (&connection->stream, events),
                                connection->round);

  connection->is_watched |= done;
  return done;
}

void
server_loop_interrupt (TallyServer *self)
{
  const guint64 one = 1;

  if (write (self->wake_fd, &one, sizeof one) < 0)
    g_debug ("eventfd: %s", g_strerror (errno)); /* full: it is readable already */
}

void
server_drain_eventfd (gint fd)
{
  guint64 count;

  if (read (fd, &count, sizeof count) < 0)
    g_debug ("eventfd: %s", g_strerror (errno)); /* it was not set */
}

void
server_wake_supervisor_locked (TallyServer *self)
{
  self->supervisor_called = TRUE;
  if (atomic_peek (&self->supervisor_asleep))
    pthread_cond_signal (&self->supervisor_wake);
}
