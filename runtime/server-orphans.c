/* What becomes of the requests that run apart when their client has gone, or their connection ends. It executes none. */
#include "server-report-private.h"
#include "server-watched-private.h"
#include "server-words-private.h"

/* ---- the client has gone ---- */

/* (transfer full): what is to be fired without the lock; @self's requests know that nobody waits for them. */
static GPtrArray *
abandon_locked (ServerConnection *self, gboolean is_closed)
{
  GPtrArray *cancellables = g_ptr_array_new_with_free_func (g_object_unref);

  for (ServerRequest *request = self->first_request; request != NULL; request = request->next)
    {
      request->is_abandoned = TRUE;
      if (is_closed)
        request->connection = NULL;
      if (request->cancellable != NULL && !request->is_answered)
        g_ptr_array_add (cancellables, g_object_ref (request->cancellable));
    }
  return cancellables;
}

static void
fire (GPtrArray *cancellables)
{
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
  g_ptr_array_unref (cancellables);
}

void
server_abandon_requests (ServerConnection *self)
{
  GPtrArray *cancellables;

  if (self->is_abandoned || self->n_requests == 0)
    return;
  self->is_abandoned = TRUE;
  pthread_mutex_lock (&self->server->lock);
  cancellables = abandon_locked (self, FALSE);
  pthread_mutex_unlock (&self->server->lock);
  fire (cancellables);
}

/* ---- the end of a connection ---- */

/* Appends what @request, which is orphaned, comes to: its answer, if it is there, else why there is none. */
static void
part_from_request (ServerConnection *self, ServerRequest *request)
{
  TallyServer *server = self->server;
  TallyBuffer *output = &self->parting;
  const ServerExchange exchange = { .server = server,
                                    .codec = request->codec,
                                    .bytes = request->message.data,
                                    .length = request->message.length,
                                    .output = output,
                                    .stream = &self->stream };
  gsize start;

  if (request->is_answered)
    {
      tally_buffer_append (output, request->answer.data, request->answer.length);
      return;
    }
  start = tally_frame_begin (output, request->framing);
  if (request->is_waiting)
    {
      g_autofree gchar *reason = server_note_refusal (server, REFUSE_STOPPING);

      server_peer_set_header (request->framing == TALLY_FRAMING_HEADER ? &request->header : NULL);
      server_refuse_request (&exchange, reason);
      server_peer_set_header (NULL);
      request->is_waiting = FALSE; /* interceptors were told of it */
    }
  else
    server_refuse (&exchange,
                   TALLY_SERVER_IS_STOPPING ", and the answer did not come in time; whether the "
                                            "request was executed to its end is not known");
  server_request_end_answer (request, output, start);
}

void
server_refuse_answers (ServerConnection *self)
{
  TallyServer *server = self->server;
  GPtrArray *cancellables;
  gboolean sent;

  if (self->n_requests == 0 || !server_send_answers (self, &sent) || self->output.length > 0)
    return;
  /* From here on no other thread touches the requests: an answer finds no connection, a worker no request. */
  pthread_mutex_lock (&server->lock);
  cancellables = server_orphan_requests_locked (self);
  pthread_mutex_unlock (&server->lock);
  for (ServerRequest *request = self->first_request; request != NULL; request = request->next)
    part_from_request (self, request);
  server_drop_requests (self, cancellables);
}

GPtrArray *
server_orphan_requests_locked (ServerConnection *self)
{
  TallyServer *server = self->server;
  GPtrArray *cancellables = abandon_locked (self, TRUE);

  if (self->n_waiting > 0)
    {
      server_ring_remove_locked (server, self);
      tally_turns_count (&server->turns, self->client, -(gint) self->n_waiting);
      self->n_waiting = 0;
    }
  if (self->n_running > 1)
    server->n_beside -= self->n_running - 1;
  self->n_running = 0;
  server_report_close_locked (self);
  return cancellables;
}

void
server_drop_requests (ServerConnection *self, GPtrArray *cancellables)
{
  ServerRequest *request = self->first_request;

  fire (cancellables);
  self->first_request = NULL;
  while (request != NULL)
    {
      ServerRequest *next = request->next;

      if (request->is_waiting)
        server_tell_unexecuted (self, request);
      server_request_unref (request);
      request = next;
    }
  self->n_requests = 0;
  atomic_put (&self->request_bytes, 0);
}
