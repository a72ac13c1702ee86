/* What a server's connections hold together of messages that are not finished: requests of which a
 * part is missing, answers that are not taken. Past the limit the connection that has held its part
 * longest gives it up. A burst's memory goes back to the system. It knows no message. */
#include "server-private.h"

#include <malloc.h>

/* Memory that was given up is worth a look at the heap from here on. */
#define WORTH_TRIMMING (16 * 1024 * 1024)

static void
link_holder_locked (TallyServer *self, ServerConnection *connection)
{
  connection->holder_previous = self->last_holder;
  connection->holder_next = NULL;
  if (self->last_holder != NULL)
    self->last_holder->holder_next = connection;
  else
    self->first_holder = connection;
  self->last_holder = connection;
}

static void
unlink_holder_locked (TallyServer *self, ServerConnection *connection)
{
  if (connection->holder_next != NULL)
    connection->holder_next->holder_previous = connection->holder_previous;
  else
    self->last_holder = connection->holder_previous;
  if (connection->holder_previous != NULL)
    connection->holder_previous->holder_next = connection->holder_next;
  else
    self->first_holder = connection->holder_next;
}

void
server_hold (ServerConnection *connection, gboolean anew)
{
  TallyServer *self = connection->server;
  gsize holds =
      connection->input.capacity + connection->output.capacity + connection->parting.capacity;
  gsize held = connection->holds;

  if (holds == held && (!anew || holds == 0))
    return;
  pthread_mutex_lock (&self->lock);
  connection->holds = holds;
  atomic_put (&self->held, self->held + holds - held);
  if (holds < held)
    self->n_released += held - holds;
  if (held > 0 && (holds == 0 || anew))
    unlink_holder_locked (self, connection);
  if (holds > 0 && (held == 0 || anew))
    link_holder_locked (self, connection);
  pthread_mutex_unlock (&self->lock);
}

/* Claims the connection that has held something longest, of those that no other thread serves: the
 * asker is its caller's already. NULL: there is none. */
static ServerConnection *
claim_holder_locked (TallyServer *self, ServerConnection *asker)
{
  for (ServerConnection *holder = self->first_holder; holder != NULL; holder = holder->holder_next)
    if (holder == asker || (atomic_peek (&holder->owner) == OWNER_NOBODY && server_claim (holder)))
      return holder;
  return NULL;
}

gboolean
server_make_room (TallyServer *self, ServerConnection *asker, ServerWorker *worker)
{
  while (G_UNLIKELY (atomic_peek (&self->held) > self->max_unfinished))
    {
      ServerConnection *holder;

      pthread_mutex_lock (&self->lock);
      holder = claim_holder_locked (self, asker);
      pthread_mutex_unlock (&self->lock);
      if (holder == asker)
        return FALSE;
      if (holder == NULL)
        return TRUE; /* whoever serves the others looks, too */
      if (!server_let_go (self, holder, worker, server_connection_give_up (holder, worker)))
        {
          pthread_mutex_lock (&self->lock);
          server_enqueue_locked (self, holder);
          pthread_mutex_unlock (&self->lock);
        }
    }
  return TRUE;
}

void
server_trim_locked (TallyServer *self)
{
  if (self->n_released < WORTH_TRIMMING)
    return;
  self->n_released = 0;
  pthread_mutex_unlock (&self->lock);
#ifdef __GLIBC__
  malloc_trim (0);
#endif
  pthread_mutex_lock (&self->lock);
}
