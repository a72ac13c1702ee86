/* Requests that run apart from their connection: several of one connection side by side, and those whose handler
 * answers later. Each keeps a copy of its message; its answer joins the connection's others, and leaves in their order or
 * at once. The connection reads no further than `max-concurrent` of them. It knows no socket. */
#include "server-watched-private.h"

#include <string.h>

void
server_request_unref (ServerRequest *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  tally_buffer_clear (&self->message);
  tally_buffer_clear (&self->answer);
  if (self->client != NULL)
    {
      pthread_mutex_lock (&self->server->lock);
      tally_turns_leave (&self->server->turns, self->client);
      pthread_mutex_unlock (&self->server->lock);
    }
  g_clear_object (&self->cancellable);
  server_header_clear (&self->header);
  g_object_unref (self->server);
  g_free (self);
}

/* ---- the order of answers ---- */

static void
append_request_locked (ServerConnection *connection, ServerRequest *request)
{
  ServerRequest **place = &connection->first_request;

  while (*place != NULL)
    place = &(*place)->next;
  *place = request;
}

/* Its handler has returned, or its connection is to know it no longer. */
static void
end_run_locked (ServerRequest *request)
{
  ServerConnection *connection = request->connection;

  if (connection == NULL || !request->is_running)
    return;
  request->is_running = FALSE;
  connection->n_running--;
  request->server->n_beside -= connection->n_running > 0;
}

/* Takes out of the list what may leave now: what is answered and takes any order, or has nothing before it. */
static ServerRequest *
take_answered_locked (ServerConnection *connection)
{
  ServerRequest **place = &connection->first_request;
  ServerRequest *taken = NULL;
  ServerRequest **end = &taken;
  gboolean is_first = TRUE;

  while (*place != NULL)
    {
      ServerRequest *request = *place;

      if (!request->is_answered || !(is_first || request->takes_any_order))
        {
          is_first = FALSE;
          place = &request->next;
          continue;
        }
      /* its handler may have answered and not returned: the connection may be gone by then */
      end_run_locked (request);
      request->connection = NULL;
      *place = request->next;
      *end = request;
      end = &request->next;
    }
  *end = NULL;
  return taken;
}

gboolean
server_send_answers (ServerConnection *self, gboolean *sent)
{
  TallyServer *server = self->server;
  TallyBuffer answers = { NULL, 0, 0 };
  ServerRequest *taken;
  gboolean ok;

  *sent = FALSE;
  pthread_mutex_lock (&server->lock);
  taken = take_answered_locked (self);
  pthread_mutex_unlock (&server->lock);
  while (taken != NULL)
    {
      ServerRequest *next = taken->next;

      /* What comes behind the end is dropped. */
      if (!self->had_last)
        tally_buffer_append (&answers, taken->answer.data, taken->answer.length);
      self->had_last |= taken->is_last;
      self->n_requests--;
      atomic_put (&self->served, atomic_peek (&self->served) + 1);
      __atomic_sub_fetch (&self->request_bytes, taken->message.capacity + taken->answer.capacity,
                          __ATOMIC_RELAXED);
      server_request_unref (taken);
      taken = next;
      *sent = TRUE;
    }
  if (!*sent)
    return TRUE;
  self->is_full = FALSE;
  self->is_apart = self->max_requests > 1 || self->n_requests > 0;
  self->has_served = TRUE;
  ok = server_connection_send (self, &answers, FALSE);
  tally_buffer_clear (&answers);
  server_hold (self, TRUE);
  if (!ok)
    {
      pthread_mutex_lock (&server->lock);
      server->n_dropped++;
      pthread_mutex_unlock (&server->lock);
    }
  return ok;
}

/* ---- answers ---- */

/* The owner of @connection, which is this thread, sends what is answered and lets it go. FALSE: a worker is to do it. */
static gboolean
send_at_once (TallyServer *self, ServerConnection *connection)
{
  gboolean sent;

  /* Behind the peer's end the stream has to be looked at again, by a worker: no event tells of it any more. */
  if (atomic_get (&self->stopping) || atomic_peek (&connection->hung_up) || connection->is_abandoned
      || connection->is_full || connection->output.length > 0 || connection->input.length > 0
      || tally_stream_is_layered (&connection->stream)
      || atomic_peek (&connection->phase) >= PHASE_PACED || !server_send_answers (connection, &sent)
      || connection->had_last)
    return FALSE;
  server_connection_set_deadline (connection, sent);
  return server_park (connection);
}

/* The answer is complete; @ran: the handler was called by this thread and has returned. */
static void
finish (ServerRequest *request, gboolean ran)
{
  TallyServer *self = request->server;
  ServerConnection *connection;
  gboolean owned = FALSE;

  server_give_permit (self, &request->permit);
  pthread_mutex_lock (&self->lock);
  if (ran)
    end_run_locked (request);
  server_due_remove_locked (request);
  connection = request->connection;
  if (connection == NULL)
    self->n_dropped++;
  else
    {
      request->is_answered = TRUE;
      __atomic_add_fetch (&connection->request_bytes, request->answer.capacity, __ATOMIC_RELAXED);
      owned = server_claim (connection);
    }
  pthread_mutex_unlock (&self->lock);
  if (!owned || send_at_once (self, connection))
    return;
  pthread_mutex_lock (&self->lock);
  server_enqueue_locked (self, connection);
  if (!server_wake_worker_locked (self))
    server_loop_interrupt (self);
  server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
}

void
server_request_end_answer (const ServerRequest *self, TallyBuffer *output, gsize start)
{
  if (self->framing == TALLY_FRAMING_HEADER)
    server_header_wrap (&self->header, self->server, output,
                        start + tally_frame_header (self->framing));
  server_end_answer (self->framing, output, start);
}

/* ---- a handler that answers later ---- */

/* The answer that @request has from @start on, without frame, was given later. (nullable): one of @result and @failure. */
static TALLY_COLD void
tell_answer (ServerRequest *request,
             const TallyMethod *method,
             gconstpointer result,
             const TallyApplicationException *failure,
             gsize start)
{
  g_autoptr (TallyCallInfo) info = g_steal_pointer (&request->later.info);
  gsize header = tally_frame_header (request->framing);

  if (failure == NULL)
    tally_call_info_note_result (info, method, result);
  else
    tally_call_info_note_failure (info, failure);
  server_end_watched (request->server, info,
                      request->framing == TALLY_FRAMING_HEADER ? &request->header : NULL,
                      request->codec, request->answer.data + start + header,
                      request->answer.length - start - header, NULL);
}

static gboolean
later_answer (TallyLater *later,
              const TallyMethod *method,
              gconstpointer result,
              const TallyApplicationException *failure,
              GError **error)
{
  ServerRequest *request = (ServerRequest *) later;
  TallyServer *self = request->server;
  TallyBuffer *output = &request->answer;
  gsize start = tally_frame_begin (output, request->framing);
  gboolean ok = TRUE;

  if (!request->wants_reply || method->oneway)
    ;
  else if (failure != NULL)
    tally_failure_write (failure, request->codec, method->name, method->name_length, request->seqid,
                         output);
  else
    ok = tally_result_write (method, result, request->codec, &self->limits, request->seqid, output,
                             error);
  if (request->later.info != NULL)
    tell_answer (request, method, result, failure, start);
  server_request_end_answer (request, output, start);
  finish (request, FALSE);
  return ok;
}

static void
later_release (TallyLater *later)
{
  server_request_unref ((ServerRequest *) later);
}

static GCancellable *
later_get_cancellable (TallyLater *later)
{
  ServerRequest *request = (ServerRequest *) later;
  g_autoptr (GCancellable) made = g_cancellable_new ();
  gboolean is_passed = later->deadline != 0 && g_get_monotonic_time () >= later->deadline;
  gboolean is_abandoned;

  pthread_mutex_lock (&request->server->lock);
  if (request->cancellable == NULL)
    {
      request->cancellable = g_steal_pointer (&made);
      if (later->deadline != 0 && !is_passed && !request->is_answered && !request->is_abandoned)
        server_due_add_locked (request->server, request);
    }
  is_abandoned = request->is_abandoned || is_passed;
  pthread_mutex_unlock (&request->server->lock);
  if (is_abandoned)
    g_cancellable_cancel (request->cancellable);
  return request->cancellable;
}

static gchar *
later_dup_peer (TallyLater *later)
{
  ServerRequest *request = (ServerRequest *) later;
  gchar *peer = NULL;

  pthread_mutex_lock (&request->server->lock);
  if (request->connection != NULL)
    peer = tally_stream_dup_peer (&request->connection->stream);
  pthread_mutex_unlock (&request->server->lock);
  return peer;
}

static TallyHeaders *
later_dup_headers (TallyLater *later)
{
  const ServerRequest *request = (ServerRequest *) later;

  return request->header.headers != NULL ? tally_headers_ref (request->header.headers) : NULL;
}

static gboolean
later_set_header (TallyLater *later, const gchar *name, const gchar *value)
{
  ServerRequest *request = (ServerRequest *) later;

  return request->framing == TALLY_FRAMING_HEADER
         && server_header_set (&request->header, name, value);
}

static const TallyLaterClass later_class = { later_answer,          later_release,
                                             later_get_cancellable, later_dup_peer,
                                             later_dup_headers,     later_set_header };

/* ---- executing ---- */

/* TRUE: it is answered; else its handler answers later. */
static gboolean
execute (ServerRequest *request, const gchar *refusal)
{
  TallyServer *self = request->server;
  ServerExchange exchange = { .server = self,
                              .codec = request->codec,
                              .bytes = request->message.data,
                              .length = request->message.length,
                              .output = &request->answer,
                              .later = &request->later };
  g_autoptr (GError) error = NULL;
  gsize start;

  g_atomic_ref_count_inc (&request->ref_count); /* the reply's, if there comes to be one */
  server_peer_set_header (request->framing == TALLY_FRAMING_HEADER ? &request->header : NULL);
  if (refusal != NULL)
    {
      start = tally_frame_begin (&request->answer, request->framing);
      server_refuse_request (&exchange, refusal);
    }
  else
    {
      /* The answer of a handler that answers at once goes to a buffer of its own: one that answers later may have
       * answered before this returns. */
      TallyBuffer answer = { NULL, 0, 0 };
      ServerOutcome outcome;

      exchange.output = &answer;
      start = tally_frame_begin (&answer, request->framing);
      server_set_permit (&request->permit);
      outcome = server_dispatch (&exchange, &error);
      server_set_permit (NULL);
      if (error != NULL)
        g_debug ("%s: %s", self->uri, error->message);
      if (request->later.is_taken)
        {
          server_peer_set_header (NULL);
          tally_buffer_clear (&answer);
          return FALSE;
        }
      request->answer = answer;
      request->is_last = outcome == OUTCOME_HUNG_UP;
    }
  server_peer_set_header (NULL);
  server_request_end_answer (request, &request->answer, start);
  if (G_UNLIKELY (request->is_last))
    request->answer.length /= 2;
  server_request_unref (request);
  return TRUE;
}

void
server_run_request (ServerRequest *request, ServerWorker *worker)
{
  TallyServer *self = request->server;
  g_autofree gchar *refusal =
      request->verdict != REFUSE_NOTHING
          ? server_note_refusal (self, request->verdict)
          : server_find_reason (self, request->arrived, request->later.deadline);

  atomic_put (&worker->n_requests, atomic_peek (&worker->n_requests) + 1);
  if (execute (request, refusal))
    finish (request, TRUE);
  else
    {
      pthread_mutex_lock (&self->lock);
      end_run_locked (request);
      pthread_mutex_unlock (&self->lock);
    }
  server_request_unref (request);
}

/* ---- taking a request apart ---- */

/* What stands in a message's bytes, without frame, as long as they are there. */
typedef struct
{
  ServerHeader header; /* of the header transport */
  const TallyCodec *codec;
  TallyBuffer inflated;
  const guint8 *bytes;
  gsize length;
  gint32 type;
  gint32 seqid;
  const TallyMethod *method; /* nullable: of a connection that is_limited, what is called */
} OpenedRequest;

/* FALSE: it cannot be read. Either way @opened is cleared with close_request (). */
static gboolean
open_request (ServerConnection *connection,
              const guint8 *bytes,
              gsize length,
              OpenedRequest *opened)
{
  TallyMessage message;
  TallyReader reader;

  *opened = (OpenedRequest){
    .codec = connection->framer.codec, .bytes = bytes, .length = length, .type = T_ONEWAY
  };
  if (connection->framer.framing == TALLY_FRAMING_HEADER)
    {
      if (!server_header_open (&opened->header, connection, bytes, length, &opened->inflated,
                               &opened->bytes, &opened->length, NULL))
        return FALSE;
      opened->codec = opened->header.frame.codec;
    }
  tally_reader_init (&reader, opened->bytes, opened->length, &connection->server->limits);
  if (!opened->codec->read_message (&reader, &message, NULL))
    return FALSE;
  opened->type = message.type;
  opened->seqid = message.seqid;
  if (connection->is_limited)
    opened->method = server_find_method (connection->server, message);
  return TRUE;
}

static void
close_request (OpenedRequest *opened)
{
  server_header_clear (&opened->header);
  tally_buffer_clear (&opened->inflated);
}

/* Keeps what @opened says, so that its bytes are no longer needed. */
static ServerRequest *
request_new (ServerConnection *connection, OpenedRequest *opened)
{
  ServerRequest *self = g_new0 (ServerRequest, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->later.klass = &later_class;
  self->later.deadline = connection->message_deadline;
  self->server = g_object_ref (connection->server);
  self->connection = connection;
  self->takes_any_order = connection->takes_any_order;
  self->arrived = server_now ();
  self->framing = connection->framer.framing;
  self->codec = opened->codec;
  if (self->framing == TALLY_FRAMING_HEADER)
    {
      server_header_take (&self->header, &opened->header);
      self->header.is_taken = &self->later.is_taken;
    }
  tally_buffer_append (&self->message, opened->bytes, opened->length);
  self->wants_reply = opened->type != T_ONEWAY;
  self->seqid = opened->seqid;
  return self;
}

static void
add_request_locked (ServerConnection *connection, ServerRequest *request)
{
  append_request_locked (connection, request);
  if (connection->client->key != 0)
    {
      request->client = connection->client;
      request->client->n_users++;
    }
  connection->n_requests++;
  connection->is_apart = TRUE;
  connection->is_abandoned = FALSE;
  __atomic_add_fetch (&connection->request_bytes, request->message.capacity, __ATOMIC_RELAXED);
}

/* The owner has @request, which takes no turn, run now. */
static void
run_now (ServerConnection *self, ServerRequest *request, ServerWorker *worker)
{
  TallyServer *server = self->server;

  g_atomic_ref_count_inc (&request->ref_count);
  pthread_mutex_lock (&server->lock);
  add_request_locked (self, request);
  server_begin_run_locked (request);
  pthread_mutex_unlock (&server->lock);
  server_hold (self, FALSE);
  server_run_request (request, worker);
}

void
server_begin_later (ServerConnection *self, ServerWorker *worker, const guint8 *bytes, gsize length)
{
  ServerRequest *request;
  OpenedRequest opened;

  (void) open_request (self, bytes, length, &opened); /* it has been read before */
  request = request_new (self, &opened);
  close_request (&opened);
  request->permit = worker->permit;
  worker->permit = (ServerPermit){ { 0 } };
  run_now (self, request, worker);
}

/* @request waits for a worker. */
static void
let_wait (ServerConnection *self, ServerRequest *request)
{
  TallyServer *server = self->server;

  request->is_waiting = TRUE;
  request->queued = g_get_monotonic_time ();
  pthread_mutex_lock (&server->lock);
  add_request_locked (self, request);
  tally_turns_count (&server->turns, self->client, 1);
  if (self->n_waiting++ == 0)
    server_ring_add_locked (server, self);
  if (server_wants_help_locked (server))
    server_wake_worker_locked (server);
  pthread_mutex_unlock (&server->lock);
  server_hold (self, FALSE);
}

ServerApart
server_set_apart (ServerConnection *self,
                  ServerWorker *worker,
                  const guint8 *bytes,
                  gsize length,
                  gboolean is_plain)
{
  TallyServer *server = self->server;
  gsize header = tally_frame_header (self->framer.framing);
  gboolean is_alone = self->max_requests <= 1;
  ServerRequest *request = NULL;
  ServerRefusal verdict = REFUSE_NOTHING;
  OpenedRequest opened;

  if ((is_alone && (!self->is_limited || self->n_requests > 0)) || !is_plain)
    return self->n_requests > 0 ? APART_FULL : APART_NOT;
  if (is_alone && server_admit (self, worker))
    return APART_NOT;
  if (self->n_requests >= self->max_requests
      || (self->n_requests > 0 && atomic_peek (&server->held) + length > server->max_unfinished))
    return APART_FULL;

  if (open_request (self, bytes + header, length - header, &opened))
    {
      verdict = self->is_limited ? server_find_verdict (self, opened.method) : REFUSE_NOTHING;
      if (verdict == REFUSE_NOTHING || self->n_requests > 0)
        request = request_new (self, &opened);
    }
  close_request (&opened);
  /* what cannot be read ends the connection, after all answers */
  if (request == NULL)
    {
      self->verdict = verdict;
      return self->n_requests > 0 ? APART_FULL : APART_NOT;
    }
  request->verdict = verdict;
  if (verdict != REFUSE_NOTHING)
    run_now (self, request, worker);
  else
    let_wait (self, request);
  return APART_TAKEN;
}
