/* What a server's connections hold together of messages that are not finished: requests of which a
 * part is missing, answers that are not taken. Past the limit the connection that has held its part
 * longest gives it up, of those whose part is no smaller than the mean: small requests do not pay for
 * large ones, and those that run apart are no part to give up. A burst's memory goes back to the system. It
 * knows no message. */
#include "server-requests-private.h"

#include <malloc.h>

/* A burst is so much memory that is no longer in use. */
#define WORTH_TRIMMING (16 * 1024 * 1024)
/* A part of so many bytes gives no room worth a refusal; the limit on connections holds for all of them. */
#define SMALL_PART 4096
/* Of so many holders, the oldest, one is chosen: what a choice costs is bounded. */
#define MAX_SEEN 64
/* Between two times that memory is given back, milliseconds. While large messages go on to come it is taken again at once, with a
 * page fault for each 4 KiB; so the interval doubles each time that there is as much again as soon as it has passed. */
#define TRIM_INTERVAL 10000
#define MAX_TRIM_INTERVAL (32 * TRIM_INTERVAL)
/* A block, after whose end twice as much may be free at a heap's end before that goes back to the system (mallopt (3)). */
#define KEPT_AT_ONCE (1024 * 1024)

/* The C library gives a heap's end back as soon as 128 KiB of it are free: at each call whose argument and result are
 * texts of 64 KiB. It stops that by itself, where the program has not said what it wants, at the end of the first larger block. */
void
server_keep_heap (void)
{
  g_free (g_malloc (KEPT_AT_ONCE));
}

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

/* @anew: it is the newest holder from now on. */
static void
hold_locked (ServerConnection *connection, gsize holds, gboolean anew)
{
  TallyServer *self = connection->server;
  gsize held = connection->holds;

  connection->holds = holds;
  atomic_put (&self->held, self->held + holds - held);
  self->peak_held = MAX (self->peak_held, self->held);
  if (held > 0 && (holds == 0 || anew))
    unlink_holder_locked (self, connection);
  if (holds > 0 && (held == 0 || anew))
    link_holder_locked (self, connection);
}

void
server_hold (ServerConnection *connection, gboolean anew)
{
  TallyServer *self = connection->server;
  gsize holds = connection->input.capacity + connection->output.capacity
                + connection->parting.capacity + atomic_peek (&connection->request_bytes);

  if (holds == connection->holds && (!anew || holds == 0))
    return;
  pthread_mutex_lock (&self->lock);
  hold_locked (connection, holds, anew);
  pthread_mutex_unlock (&self->lock);
}

/* Whether it has a part to give up, and nobody else serves it: no other thread than @asker's, no requests running
 * apart, which end by themselves. */
static inline gboolean
may_give_up (const ServerConnection *holder, const ServerConnection *asker)
{
  return holder->holds > SMALL_PART
         && (holder == asker
             || (holder->first_request == NULL && atomic_peek (&holder->owner) == OWNER_NOBODY));
}

/* Claims the connection that has held its part longest, of those that may give it up and hold no less than their
 * mean; the asker is its caller's already. NULL: there is none. */
static ServerConnection *
claim_holder_locked (TallyServer *self, ServerConnection *asker)
{
  gboolean asker_may = may_give_up (asker, asker);
  guint64 sum = asker_may ? asker->holds : 0;
  guint n = asker_may, n_seen = 0;

  for (const ServerConnection *it = self->first_holder; it != NULL && n_seen < MAX_SEEN;
       it = it->holder_next, n_seen++)
    if (it != asker && may_give_up (it, asker))
      {
        sum += it->holds;
        n++;
      }
  for (ServerConnection *it = self->first_holder; it != NULL && n_seen > 0;
       it = it->holder_next, n_seen--)
    if (may_give_up (it, asker) && it->holds * n >= sum && (it == asker || server_claim (it)))
      return it;
  return asker_may && asker->holds * n >= sum ? asker : NULL;
}

gboolean
server_make_room_by_force (TallyServer *self, ServerConnection *asker, ServerWorker *worker)
{
  while (atomic_peek (&self->held) > self->max_unfinished)
    {
      ServerConnection *holder;

      pthread_mutex_lock (&self->lock);
      holder = claim_holder_locked (self, asker);
      if (holder != NULL && holder != asker)
        hold_locked (holder, 0, FALSE); /* other threads need not make this room again */
      pthread_mutex_unlock (&self->lock);
      if (holder == asker)
        return FALSE;
      if (holder == NULL)
        return TRUE; /* the threads that serve the others look, too */
      if (!server_let_go (self, holder, worker, server_connection_give_up (holder, worker)))
        {
          pthread_mutex_lock (&self->lock);
          server_enqueue_locked (self, holder);
          pthread_mutex_unlock (&self->lock);
        }
    }
  return TRUE;
}

gboolean
server_answers_pile_up (ServerConnection *connection)
{
  TallyServer *self = connection->server;
  gsize answers = connection->output.capacity;
  gboolean result;

  pthread_mutex_lock (&self->lock);
  for (const ServerRequest *it = connection->first_request; it != NULL; it = it->next)
    if (it->is_answered)
      answers += it->answer.capacity;
  result = self->held / 2 > self->max_unfinished && answers > connection->holds / 2;
  pthread_mutex_unlock (&self->lock);
  return result;
}

gboolean
server_wants_trim_locked (const TallyServer *self)
{
  return atomic_peek (&self->n_released) + self->peak_held - self->held >= WORTH_TRIMMING;
}

void
server_trim_locked (TallyServer *self, gint64 now)
{
  gint64 twice = 2 * self->trim_interval;

  if (G_LIKELY (!server_wants_trim_locked (self)) || now < self->next_trim)
    return;
  atomic_put (&self->n_released, 0);
  self->peak_held = self->held;
  self->trim_interval = now - self->next_trim < TRIM_INTERVAL
                            ? CLAMP (twice, TRIM_INTERVAL, MAX_TRIM_INTERVAL)
                            : TRIM_INTERVAL;
  self->next_trim = now + self->trim_interval;
  pthread_mutex_unlock (&self->lock);
#ifdef __GLIBC__
  malloc_trim (0);
#endif
  pthread_mutex_lock (&self->lock);
}
