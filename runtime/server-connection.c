/* One connection of the server: how long it may be in which state, what it sends and what it keeps for a peer that does not take
 * it, its end. It never waits for a slow peer. It knows neither messages nor epoll, nor which thread it runs on; what it
 * receives is server-turn.c's. */
#include "server-turn-private.h"

/* What a peer that is being closed has to read its last answer, and a refused one to send a request;
 * milliseconds. */
#define LINGER_TIME 1000
/* For how long that is while the server stops; milliseconds. */
#define PARTING_TIME 200
/* Bytes that a peer still sends and that are thrown away meanwhile. */
#define MAX_LINGER (64 * 1024 * 1024)
/* How often a connection that is busy or new, or cannot receive yet, is looked at again before a stop ends it. */
#define MAX_LOOKS 20

ServerConnection *
server_connection_new (TallyServer *server, const TallyStream *stream, gboolean refused)
{
  ServerConnection *self = g_new0 (ServerConnection, 1);

  self->server = server;
  self->framer = (TallyFramer){ server->codec, &server->limits, server->framing, NULL };
  self->is_detected = !server->is_detecting;
  self->stream = *stream;
  self->refused = refused;
  self->refusal = refused ? REFUSE_FULL : REFUSE_NOTHING;
  self->owner = OWNER_THREAD;
  self->phase = PHASE_IDLE;
  self->max_requests = server->side_by_side && !refused ? server->max_concurrent : 1;
  self->is_apart = self->max_requests > 1;
  self->is_limited = server->admission != TALLY_ADMISSION_NONE && !refused;
  self->place.data = self;
  tally_turns_client_init (&self->own_client);
  self->client = &self->own_client;
  self->takes_any_order = server->in_any_order;
  self->is_unsecured = tally_tls_is_unsecured (stream);
  self->since = server_now ();
  server_connection_set_deadline (self, TRUE);
  return self;
}

void
server_connection_free (ServerConnection *self)
{
  g_free (self);
}

/* ---- deadlines ---- */

static guint
phase_timeout (const ServerConnection *self, ServerPhase phase)
{
  if (phase == PHASE_LINGERING)
    return atomic_peek (&self->server->stopping) ? PARTING_TIME : LINGER_TIME;
  if (self->refused)
    return LINGER_TIME;
  switch (phase)
    {
    case PHASE_READING:
      return self->server->read_timeout;
    case PHASE_WRITING:
      return self->server->write_timeout;
    case PHASE_ANSWERING:
    case PHASE_PACED:
      return 0;
    default:
      return self->is_unsecured ? self->server->handshake_timeout : self->server->idle_timeout;
    }
}

/* A phase's time runs from its start: a peer that sends or takes a byte a second does not prolong
 * it. A refused peer has one time for all until its end, whatever it sends. */
static void
enter_phase (ServerConnection *self, ServerPhase phase, gboolean restart)
{
  guint timeout;

  if (atomic_peek (&self->phase) == (guint) phase && !restart)
    return;
  timeout = phase_timeout (self, phase);
  atomic_put (&self->phase, phase);
  if (self->refused && phase != PHASE_LINGERING && atomic_peek (&self->deadline) != 0)
    return;
  atomic_put (&self->deadline, timeout > 0 ? server_now () + timeout : 0);
}

void
server_connection_set_deadline (ServerConnection *self, gboolean served)
{
  if (atomic_peek (&self->phase) >= PHASE_PACED)
    return;
  if (G_UNLIKELY (self->is_unsecured) && !tally_tls_is_unsecured (&self->stream))
    {
      self->is_unsecured = FALSE;
      served = TRUE; /* it may have been idle for so long from now on */
    }
  if (self->output.length > 0)
    enter_phase (self, PHASE_WRITING, served); /* served: all earlier answers were taken */
  else if (G_UNLIKELY (self->is_full))
    enter_phase (self, PHASE_ANSWERING, served);
  else if (self->input.length > 0 || self->skip > 0)
    enter_phase (self, PHASE_READING, served);
  else if (G_UNLIKELY (self->n_requests > 0))
    enter_phase (self, PHASE_ANSWERING, served);
  else
    enter_phase (self, PHASE_IDLE, served);
}

/* ---- sending ---- */

/* Sends from @bytes what the peer takes now. The end of the connection follows @last words. Returns how
 * much, -1 when the connection is lost. */
static inline gssize
send_some (ServerConnection *self, const guint8 *bytes, gsize length, gboolean last)
{
  gsize sent = 0;

  return tally_stream_send (&self->stream, bytes, length, last, &sent) ? (gssize) sent : -1;
}

void
server_connection_keep (ServerConnection *self, const guint8 *bytes, gsize length)
{
  tally_buffer_append (&self->output, bytes, length);
  server_hold (self, FALSE);
  self->wants_write = TRUE;
  server_loop_watch (self->server, self, TALLY_SERVER_INPUT | TALLY_STREAM_WRITABLE);
}

/* Sends what was to leave with the end, which the @last words are. FALSE: the connection is lost. */
static gboolean
part_with (ServerConnection *self, gboolean last)
{
  gboolean ok = server_connection_send_or_keep (self, &self->parting, last);

  tally_buffer_clear (&self->parting);
  server_hold (self, FALSE);
  return ok;
}

gboolean
server_connection_send_parting (ServerConnection *self, TallyBuffer *answers)
{
  if (answers->length == 0)
    return TRUE; /* what is held back stays so */
  tally_buffer_append (&self->parting, answers->data, answers->length);
  answers->length = 0;
  server_hold (self, FALSE);
  return self->parting.length < TALLY_SERVER_CHUNK || part_with (self, FALSE);
}

gboolean
server_connection_send (ServerConnection *self, TallyBuffer *answers, gboolean last)
{
  return server_connection_send_now (self, answers, last);
}

gboolean
server_connection_send_kept (ServerConnection *self)
{
  gssize sent = send_some (self, self->output.data + self->sent, self->output.length - self->sent,
                           self->ending);

  if (sent < 0)
    return FALSE;
  self->sent += sent;
  if (self->sent < self->output.length)
    return TRUE;
  tally_buffer_clear (&self->output);
  server_hold (self, FALSE);
  self->sent = 0;
  self->wants_write = FALSE;
  server_loop_watch (self->server, self, TALLY_SERVER_INPUT);
  return TRUE;
}

/* ---- the end ---- */

/* A peer that can may send a further request before it sees the end: where the server stops, the last words tell it that this was
 * not executed. Over a Unix socket nothing more can be sent. */
static void
say_goodbye (ServerConnection *self)
{
  if (atomic_peek (&self->server->stopping) && !self->server->local && !self->ending
      && !self->had_last && !self->is_unsecured && !atomic_peek (&self->hung_up))
    server_write_goodbye (self, &self->parting);
}

/* Frees what a closed connection need not keep until no event can name it. */
void
server_connection_release (ServerConnection *self)
{
  say_goodbye (self);
  if (self->output.length == 0)
    (void) send_some (self, self->parting.data, self->parting.length, FALSE);
  tally_buffer_clear (&self->input);
  tally_buffer_clear (&self->output);
  tally_buffer_clear (&self->parting);
  server_hold (self, FALSE);
  tally_framer_clear (&self->framer);
  g_clear_pointer (&self->persistent, tally_headers_unref);
  tally_stream_close (&self->stream);
}

static ServerTurn
linger (ServerConnection *self, ServerWorker *worker)
{
  while (self->lingered < MAX_LINGER)
    {
      gssize count = tally_stream_receive (&self->stream, worker->input, TALLY_SERVER_CHUNK);

      if (count <= 0)
        return count < 0 && errno == EAGAIN ? TURN_WAIT : TURN_CLOSE;
      self->lingered += count;
    }
  return TURN_CLOSE;
}

ServerTurn
server_connection_end (ServerConnection *self, ServerWorker *worker)
{
  tally_buffer_clear (&self->input);
  server_hold (self, FALSE);
  self->skip = 0;
  say_goodbye (self);
  self->ending = TRUE;
  if (!part_with (self, TRUE))
    return TURN_CLOSE;
  if (self->output.length > 0)
    {
      enter_phase (self, PHASE_WRITING, FALSE);
      return TURN_WAIT;
    }
  tally_stream_end_sending (&self->stream);
  enter_phase (self, PHASE_LINGERING, TRUE);
  return linger (self, worker);
}

ServerTurn
server_connection_end_or_pace (ServerConnection *self, ServerWorker *worker)
{
  if (!server_pace_holds (self))
    return server_connection_end (self, worker);
  tally_buffer_clear (&self->input);
  server_hold (self, FALSE);
  self->ending = TRUE;
  enter_phase (self, PHASE_PACED, TRUE);
  return TURN_WAIT;
}

ServerTurn
server_connection_end_in_turn (ServerConnection *self, ServerWorker *worker)
{
  if (atomic_peek (&self->phase) == PHASE_LINGERING)
    return linger (self, worker);
  if (!server_pace_holds (self))
    return server_connection_end (self, worker);
  return tally_stream_is_gone (&self->stream) ? TURN_CLOSE : TURN_WAIT;
}

void
server_connection_hang_up (ServerConnection *self)
{
  if (self->server->local)
    tally_stream_end_receiving (&self->stream); /* what was sent before can still be received */
}

/* Whether the stream is a layer that has to send, or to shake hands, before it can receive: that nothing was
 * received does not say that nothing is there. */
static gboolean
sends_first (const ServerConnection *self)
{
  return tally_stream_is_layered (&self->stream)
         && (tally_stream_get_watch (&self->stream, TALLY_STREAM_READABLE) & G_IO_IN) == 0;
}

ServerTurn
server_connection_part (ServerConnection *self, ServerWorker *worker, ServerTurn turn)
{
  gboolean was_busy = self->parting.length > 0;

  if (self->ending)
    return turn;
  if (turn == TURN_CLOSE) /* of a local peer, too, from which no more can come */
    return was_busy && self->output.length == 0 ? server_connection_end (self, worker) : TURN_CLOSE;
  if (atomic_peek (&self->phase) != PHASE_IDLE)
    return part_with (self, FALSE) ? turn : TURN_CLOSE;
  if (self->looks == 0)
    server_connection_hang_up (self);
  /* To its peer a handshake may be over, and a request on its way. */
  if (G_UNLIKELY (self->is_unsecured) && tally_tls_is_shaking (&self->stream)
      && !atomic_peek (&self->server->expired))
    return TURN_WAIT;
  if ((turn == TURN_SERVED || !self->has_served || (self->server->local && self->looks == 0)
       || sends_first (self))
      && ++self->looks < MAX_LOOKS)
    return TURN_WAIT;
  return was_busy || !self->server->local ? server_connection_end (self, worker) : TURN_CLOSE;
}
