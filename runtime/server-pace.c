/* Owns the pace at which a server ends connections because of what their peers have sent, a limit of their rate (a leaky
 * bucket): peers that connect anew as soon as they are refused take no more of the server than that. Past it the refusal is held
 * back, and with it a peer that waits for it. It knows neither sockets nor messages; the supervisor looks. */
#include "server-private.h"

#define NANOSECONDS_PER_SECOND G_GINT64_CONSTANT (1000000000)
#define NANOSECONDS 1000 /* in a microsecond */
/* After a time without any, as many refusals leave at once as the rate has in so many nanoseconds. */
#define BURST_TIME (100 * 1000 * NANOSECONDS)
/* For how long a refusal is held back at most, nanoseconds: what peers hold by that is bounded. */
#define MAX_WAIT (100 * 1000 * NANOSECONDS)

gint64
server_pace_take (ServerPace *self, gint64 now)
{
  const gint64 earliest = now * NANOSECONDS;
  gint64 interval, ahead, even, slot;

  if (self->rate == 0)
    return now;
  interval = (NANOSECONDS_PER_SECOND + self->rate - 1) / self->rate;
  /* What the burst allows is that a refusal leaves earlier than it would without, by this. */
  ahead = MAX (BURST_TIME - interval, 0);
  even = MAX (self->next, earliest);
  slot = CLAMP (even - ahead, earliest, earliest + MAX_WAIT);
  self->next = MIN (even, slot + ahead) + interval;
  return slot / NANOSECONDS;
}

gboolean
server_pace_hold (ServerConnection *connection)
{
  TallyServer *self = connection->server;
  gboolean is_held = FALSE;

  pthread_mutex_lock (&self->lock);
  if (!self->stopping)
    {
      gint64 now = g_get_monotonic_time ();
      gint64 slot = server_pace_take (&self->pace, now);

      is_held = slot > now;
      if (is_held)
        {
          atomic_set (&connection->slot, slot);
          connection->paced.data = connection;
          g_queue_push_tail_link (&self->pace.waiting, &connection->paced);
          if (self->pace.waiting.length == 1)
            server_wake_supervisor_locked (self);
        }
    }
  pthread_mutex_unlock (&self->lock);
  return is_held;
}

gboolean
server_pace_holds (const ServerConnection *connection)
{
  return atomic_get (&connection->slot) != 0;
}

void
server_pace_leave_locked (ServerConnection *connection)
{
  if (G_LIKELY (connection->slot == 0))
    return;
  g_queue_unlink (&connection->server->pace.waiting, &connection->paced);
  atomic_set (&connection->slot, 0);
}

/* (nullable): the one whose turn is next. */
static ServerConnection *
find_next_paced_locked (const TallyServer *self)
{
  return self->pace.waiting.head != NULL ? self->pace.waiting.head->data : NULL;
}

gboolean
server_pace_release_locked (TallyServer *self)
{
  gboolean is_any = FALSE;
  ServerConnection *next;
  gint64 now;

  if (G_LIKELY (self->pace.waiting.head == NULL))
    return FALSE;
  now = self->stopping ? G_MAXINT64 : g_get_monotonic_time ();
  while ((next = find_next_paced_locked (self)) != NULL && next->slot <= now)
    {
      server_pace_leave_locked (next);
      if (!server_claim (next))
        continue; /* its owner looks again */
      server_enqueue_locked (self, next);
      is_any = TRUE;
    }
  return is_any;
}

gint64
server_pace_wait_locked (const TallyServer *self)
{
  const ServerConnection *next = find_next_paced_locked (self);
  gint64 left;

  if (G_LIKELY (next == NULL))
    return G_MAXINT64;
  left = next->slot - g_get_monotonic_time ();
  return MAX (left, 1);
}
