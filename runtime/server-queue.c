/* What waits for a worker while every worker is stuck in a handler. The supervisor keeps the number and age of
 * connections and requests within limits: it answers those past them in words. It knows no message. */
#include "server-requests-private.h"

/* Takes out of the queue what is to wait no longer, as a list: with REFUSE_NOTHING what only ends. */
static ServerConnection *
take_refused_locked (TallyServer *self, gint64 now)
{
  ServerConnection **place = &self->ready_head;
  ServerConnection *refused = NULL;
  ServerConnection **end = &refused;
  guint position = 1;

  self->ready_tail = NULL;
  while (*place != NULL)
    {
      ServerConnection *connection = *place;
      /* One that is only to end needs no worker, and takes the place of none that does. */
      gboolean is_ending = atomic_peek (&connection->phase) >= PHASE_PACED;
      ServerRefusal refusal;

      /* The first look begins the wait, so that no clock is read for a connection that does not
       * wait. */
      if (connection->ready_since == 0)
        connection->ready_since = now;
      refusal = is_ending ? REFUSE_NOTHING
                          : server_find_refusal (self, connection->ready_since, now, position);

      if (refusal == REFUSE_NOTHING && !is_ending)
        {
          self->ready_tail = connection;
          place = &connection->next_ready;
          position++;
          continue;
        }
      if (connection->refusal == REFUSE_NOTHING)
        connection->refusal = refusal;
      *place = connection->next_ready;
      *end = connection;
      end = &connection->next_ready;
    }
  *end = NULL;
  return refused;
}

/* Answers in words what there is of @connection, of which the caller is the owner, or ends it. */
static void
refuse (TallyServer *self, ServerConnection *connection)
{
  ServerTurn turn = server_connection_turn (connection, &self->supervisor, FALSE);

  server_connection_end_refusal (connection);
  if (server_let_go (self, connection, &self->supervisor, turn))
    return;
  pthread_mutex_lock (&self->lock);
  server_enqueue_locked (self, connection);
  pthread_mutex_unlock (&self->lock);
}

void
server_limit_queue_locked (TallyServer *self, gint64 now)
{
  ServerConnection *refused;

  if (G_LIKELY (self->ready_head == NULL)
      || (!atomic_peek (&self->crowded) && !atomic_peek (&self->expired)))
    return;
  refused = take_refused_locked (self, now);
  if (refused == NULL)
    return;
  pthread_mutex_unlock (&self->lock);
  if (self->supervisor.input == NULL)
    self->supervisor.input = g_malloc (TALLY_SERVER_CHUNK);
  while (refused != NULL)
    {
      ServerConnection *next = refused->next_ready;

      refuse (self, refused);
      refused = next;
    }
  pthread_mutex_lock (&self->lock);
}

void
server_limit_requests (TallyServer *self)
{
  for (;;)
    {
      ServerRequest *request;

      pthread_mutex_lock (&self->lock);
      request = server_take_overdue_request_locked (self);
      pthread_mutex_unlock (&self->lock);
      if (request == NULL)
        return;
      server_run_request (request, &self->supervisor);
    }
}
