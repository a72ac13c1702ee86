/* Requests that run apart and wait for a worker: which one is next, and when another worker is worth waking. It executes
 * none. */
#include "server-requests-private.h"

/* A request that has waited so long for a worker shows that one more is needed; microseconds. */
#define PROMPT 1000

/* Connections with such requests stand among those of their client, and each gives one at a time: one that sends many
 * delays no other. */
void
server_ring_add_locked (TallyServer *self, ServerConnection *connection)
{
  tally_turns_enter (&self->turns, connection->client, &connection->place);
}

void
server_ring_remove_locked (TallyServer *self, ServerConnection *connection)
{
  tally_turns_remove (&self->turns, connection->client, &connection->place);
}

/* Workers that second and later requests of connections may take: some are left for first ones. */
static guint
max_beside (const TallyServer *self)
{
  guint kept = 1 + MAX (self->max_workers / 4, 1);

  return self->max_workers > kept ? self->max_workers - kept : 0;
}

static gboolean
may_run (gpointer data, gpointer server)
{
  const ServerConnection *connection = data;
  const TallyServer *self = server;

  return connection->n_running == 0 || self->n_beside < max_beside (self);
}

/* (nullable): the connection whose turn it is. */
static ServerConnection *
find_next_locked (TallyServer *self)
{
  GList *place = NULL;

  if (server_has_room (self))
    place = tally_turns_find (&self->turns, server_get_running_limit (self), may_run, self);
  return place != NULL ? place->data : NULL;
}

gboolean
server_has_request_locked (TallyServer *self)
{
  return find_next_locked (self) != NULL;
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
  tally_turns_count (&self->turns, connection->client, -1);
  if (--connection->n_waiting > 0)
    server_ring_add_locked (self, connection);
  tally_turns_pass (&self->turns, connection->client);
  server_begin_run_locked (request);
  g_atomic_ref_count_inc (&request->ref_count);
  return request;
}

ServerRequest *
server_take_request_locked (TallyServer *self)
{
  ServerConnection *connection = find_next_locked (self);
  ServerPermit permit = { { 0 } };
  ServerRequest *request;

  if (connection == NULL || !server_take_permit_locked (self, &permit, connection->client))
    return NULL;
  request = take_waiting_locked (self, connection);
  request->permit = permit;
  return request;
}

gboolean
server_wants_help_locked (TallyServer *self)
{
  ServerConnection *connection;
  ServerRequest *request;

  if (self->turns.clients.head == NULL)
    return FALSE;
  connection = find_next_locked (self);
  if (connection == NULL)
    return FALSE;
  request = first_waiting_locked (connection);
  return atomic_peek (&self->eager) || g_get_monotonic_time () - request->queued >= PROMPT;
}

ServerRequest *
server_take_overdue_request_locked (TallyServer *self)
{
  gint64 now = server_now ();

  for (GList *client = self->turns.clients.head; client != NULL; client = client->next)
    for (GList *at = ((TallyTurnsClient *) client->data)->places.head; at != NULL; at = at->next)
      if (server_find_refusal (self, first_waiting_locked (at->data)->arrived, now, 0)
          != REFUSE_NOTHING)
        return take_waiting_locked (self, at->data);
  return NULL;
}
