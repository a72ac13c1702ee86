/* Requests that run apart and wait for a worker: which one is next, and when another worker is worth waking. It executes
 * none. */
#include "server-requests-private.h"

/* A request that has waited so long for a worker shows that one more is needed; microseconds. */
#define PROMPT 1000

/* Connections with such requests stand in a ring, and each gives one at a time: one that sends many delays no other. */
void
server_ring_add_locked (TallyServer *self, ServerConnection *connection)
{
  connection->next_in_ring = NULL;
  if (self->ring_tail != NULL)
    self->ring_tail->next_in_ring = connection;
  else
    self->ring_head = connection;
  self->ring_tail = connection;
}

void
server_ring_remove_locked (TallyServer *self, ServerConnection *connection)
{
  ServerConnection *previous = NULL;

  for (ServerConnection *at = self->ring_head; at != NULL; previous = at, at = at->next_in_ring)
    {
      if (at != connection)
        continue;
      if (previous != NULL)
        previous->next_in_ring = at->next_in_ring;
      else
        self->ring_head = at->next_in_ring;
      if (self->ring_tail == at)
        self->ring_tail = previous;
      return;
    }
}

/* Workers that second and later requests of connections may take: some are left for first ones. */
static guint
max_beside (const TallyServer *self)
{
  guint kept = 1 + MAX (self->max_workers / 4, 1);

  return self->max_workers > kept ? self->max_workers - kept : 0;
}

static gboolean
may_run_locked (const TallyServer *self, const ServerConnection *connection)
{
  return connection->n_running == 0 || self->n_beside < max_beside (self);
}

gboolean
server_has_request_locked (const TallyServer *self)
{
  for (ServerConnection *at = self->ring_head; at != NULL; at = at->next_in_ring)
    if (may_run_locked (self, at))
      return TRUE;
  return FALSE;
}

static ServerRequest *
first_waiting_locked (ServerConnection *connection)
{
  ServerRequest *request = connection->first_request;

  while (request != NULL && !request->is_waiting)
    request = request->next;
  return request;
}

/* The next one of @connection, which is in the ring, begins. */
static ServerRequest *
take_waiting_locked (TallyServer *self, ServerConnection *connection)
{
  ServerRequest *request = first_waiting_locked (connection);

  server_ring_remove_locked (self, connection);
  request->is_waiting = FALSE;
  self->n_waiting--;
  if (--connection->n_waiting > 0)
    server_ring_add_locked (self, connection);
  self->n_beside += connection->n_running > 0;
  connection->n_running++;
  g_atomic_ref_count_inc (&request->ref_count);
  return request;
}

ServerRequest *
server_take_request_locked (TallyServer *self)
{
  for (ServerConnection *at = self->ring_head; at != NULL; at = at->next_in_ring)
    if (may_run_locked (self, at))
      return take_waiting_locked (self, at);
  return NULL;
}

gboolean
server_wants_help_locked (const TallyServer *self)
{
  ServerRequest *request;

  if (self->ring_head == NULL || !server_has_request_locked (self))
    return FALSE;
  request = first_waiting_locked (self->ring_head);
  return atomic_peek (&self->eager) || g_get_monotonic_time () - request->queued >= PROMPT;
}

ServerRequest *
server_take_overdue_request_locked (TallyServer *self)
{
  gint64 now = server_now ();

  for (ServerConnection *at = self->ring_head; at != NULL; at = at->next_in_ring)
    if (server_find_refusal (self, first_waiting_locked (at)->arrived, now, 0) != REFUSE_NOTHING)
      return take_waiting_locked (self, at);
  return NULL;
}
