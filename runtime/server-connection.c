/* One connection of the server: receives what is there, has it answered, sends, ends. It never waits
 * for a slow peer: what is incomplete or not taken is kept until the next event. It knows neither
 * messages nor epoll, nor which thread it runs on. */
#include "server-requests-private.h"

#include <string.h>

/* What a peer that is being closed has to read its last answer, and a refused one to send a request;
 * milliseconds. */
#define LINGER_TIME 1000
/* For how long that is while the server stops; milliseconds. */
#define PARTING_TIME 200
/* Bytes that a peer still sends and that are thrown away meanwhile. */
#define MAX_LINGER (64 * 1024 * 1024)
/* Receives of one turn; what else there is waits for the next one. */
#define MAX_RECEIVES 16
/* How long a pinned connection's worker waits for the next request; milliseconds. */
#define PINNED_WAIT 20
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

/* Behind what is kept already. */
static inline __attribute__ ((always_inline)) gboolean
send_or_keep (ServerConnection *self, TallyBuffer *answers, gboolean last)
{
  gssize sent = 0;

  if (answers->length == 0)
    return TRUE;
  if (G_LIKELY (self->output.length == 0))
    sent = send_some (self, answers->data, answers->length, last);
  if (sent >= 0 && (gsize) sent < answers->length)
    {
      tally_buffer_append (&self->output, answers->data + sent, answers->length - sent);
      server_hold (self, FALSE);
      self->wants_write = TRUE;
      server_loop_watch (self->server, self, TALLY_SERVER_INPUT | TALLY_STREAM_WRITABLE);
    }
  answers->length = 0;
  return sent >= 0;
}

gboolean
server_connection_send (ServerConnection *self, TallyBuffer *answers, gboolean last)
{
  if (G_LIKELY (!atomic_peek (&self->server->stopping)))
    return send_or_keep (self, answers, last);
  /* They leave together with the connection's end, so that the peer, which waits for them, mostly sends no
   * further request. */
  tally_buffer_append (&self->parting, answers->data, answers->length);
  answers->length = 0;
  return self->parting.length < TALLY_SERVER_CHUNK || send_or_keep (self, &self->parting, FALSE);
}

/* Goes on with what was kept. FALSE: the connection is lost. */
static gboolean
send_kept (ServerConnection *self)
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

/* Ends the connection behind its last answer, once the peer has taken that; then waits for the peer
 * to have read it: closing at once with bytes of the peer's unread would make the kernel take back
 * the answer. */
static ServerTurn
end (ServerConnection *self, ServerWorker *worker)
{
  tally_buffer_clear (&self->input);
  server_hold (self, FALSE);
  self->skip = 0;
  say_goodbye (self);
  self->ending = TRUE;
  if (!send_or_keep (self, &self->parting, TRUE))
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

/* Its last answer is sent, or waits for its turn and the peer for it. What else that sends is not looked at before. */
static TALLY_COLD ServerTurn
end_or_pace (ServerConnection *self, ServerWorker *worker)
{
  if (!server_pace_holds (self))
    return end (self, worker);
  tally_buffer_clear (&self->input);
  server_hold (self, FALSE);
  self->ending = TRUE;
  enter_phase (self, PHASE_PACED, TRUE);
  return TURN_WAIT;
}

/* A turn of a connection that answers nothing more. A peer that has ended its half may still read; one that is gone need not
 * wait. */
static TALLY_COLD ServerTurn
end_in_turn (ServerConnection *self, ServerWorker *worker)
{
  if (atomic_peek (&self->phase) == PHASE_LINGERING)
    return linger (self, worker);
  if (!server_pace_holds (self))
    return end (self, worker);
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
    return was_busy && self->output.length == 0 ? end (self, worker) : TURN_CLOSE;
  if (atomic_peek (&self->phase) != PHASE_IDLE)
    return send_or_keep (self, &self->parting, FALSE) ? turn : TURN_CLOSE;
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
  return was_busy || !self->server->local ? end (self, worker) : TURN_CLOSE;
}

/* ---- a turn ---- */

static ServerTurn
after_progress (ServerConnection *self, ServerWorker *worker, const ServerProgress *progress)
{
  self->paused = progress->paused && self->output.length == 0;
  self->has_served |= progress->served;
  if (progress->lost)
    return TURN_CLOSE;
  if (progress->closing)
    return end_or_pace (self, worker);
  return progress->served ? TURN_SERVED : TURN_WAIT;
}

/* A small request behind a large one does not keep the large one's memory. */
static void
fit_input (TallyBuffer *buffer)
{
  TallyBuffer small = { NULL, 0, 0 };

  tally_buffer_append (&small, buffer->data, buffer->length);
  tally_buffer_clear (buffer);
  *buffer = small;
}

/* Answers what lies in the connection's own buffer and keeps the rest there. */
static ServerTurn
answer_kept_input (ServerConnection *self, ServerWorker *worker)
{
  TallyBuffer *input = &self->input;
  ServerProgress progress = server_answer_messages (self, worker, input->data, input->length);

  input->length -= progress.used;
  if (input->length == 0)
    tally_buffer_clear (input);
  else if (progress.used > 0)
    memmove (input->data, input->data + progress.used, input->length);
  if (input->capacity > TALLY_SERVER_CHUNK && input->length < input->capacity / 4)
    fit_input (input);
  server_hold (self, progress.served);
  return after_progress (self, worker, &progress);
}

void
server_connection_end_refusal (ServerConnection *self)
{
  self->refusal = self->refused ? REFUSE_FULL : REFUSE_NOTHING;
}

/* Refuses in words what lies in the input, behind answers that the peer has still to take. */
static ServerTurn
refuse_input (ServerConnection *self, ServerWorker *worker)
{
  TallyBuffer *input = &self->input;
  ServerProgress progress;

  self->refusal = REFUSE_MEMORY;
  progress = server_answer_messages (self, worker, input->data, input->length);
  server_connection_end_refusal (self);
  if (progress.used < input->length && !progress.closing)
    return TURN_CLOSE; /* it is not known yet how the peer speaks */
  tally_buffer_clear (input);
  server_hold (self, FALSE);
  return after_progress (self, worker, &progress);
}

ServerTurn
server_connection_give_up (ServerConnection *self, ServerWorker *worker)
{
  gboolean is_clogged = self->output.length > 0;

  if (atomic_peek (&self->phase) == PHASE_PACED)
    return end (self, worker);
  /* What runs apart gives its memory back with its answers; until then nothing more is received. */
  if (self->n_requests > 0)
    {
      if (is_clogged && server_answers_pile_up (self))
        return TURN_CLOSE;
      self->is_full = TRUE;
      return TURN_WAIT;
    }
  /* The peer may have taken its answers since they were offered to it. */
  if (is_clogged && !send_kept (self))
    return TURN_CLOSE;
  if (is_clogged && self->output.length == 0 && self->ending)
    return end (self, worker);
  if (self->input.length > 0)
    return refuse_input (self, worker);
  return is_clogged && self->output.length == 0 ? TURN_WAIT : TURN_CLOSE;
}

/* Makes the room that the next receive is given. FALSE: the server holds too much, and @turn is what
 * the refusal came to. */
static gboolean
make_room (ServerConnection *self, ServerWorker *worker, gsize room, ServerTurn *turn)
{
  tally_buffer_reserve (&self->input, room);
  server_hold (self, FALSE);
  if (G_LIKELY (server_make_room (self->server, self, worker)))
    return TRUE;
  *turn = server_connection_give_up (self, worker);
  return FALSE;
}

/* For how many bytes a request that is arriving gets room: as many as are there, so that memory grows
 * with what came and not with what was announced; but for no more than it can have. */
static gsize
find_room (const ServerConnection *self)
{
  const TallyBuffer *input = &self->input;
  gsize end = tally_framer_find_size (&self->framer, input->data, input->length);

  return MIN (MAX (TALLY_SERVER_CHUNK, input->length),
              MAX (TALLY_SERVER_CHUNK, end > input->length ? end - input->length : 0));
}

/* Receives once. *@more: there may be more in the kernel. */
static ServerTurn
receive_requests (ServerConnection *self, ServerWorker *worker, gboolean wait, gboolean *more)
{
  TallyBuffer *input = &self->input;
  gboolean fresh = input->length == 0;
  gsize room = fresh ? TALLY_SERVER_CHUNK : find_room (self);
  ServerTurn turn = TURN_WAIT;
  ServerProgress progress;
  guint8 *bytes;
  gssize count;

  *more = FALSE;
  if (!fresh && !make_room (self, worker, room, &turn))
    {
      *more = TRUE;
      return turn;
    }
  bytes = fresh ? worker->input : input->data + input->length;
  count = wait ? tally_stream_receive_within (&self->stream, bytes, room, PINNED_WAIT)
               : tally_stream_receive (&self->stream, bytes, room);
  if (count < 0 && errno == EAGAIN)
    return TURN_WAIT;
  if (count < 0 && tally_stream_is_layered (&self->stream))
    server_log_handshake (self, worker);
  if (count == 0 && G_UNLIKELY (self->n_requests > 0))
    {
      server_abandon_requests (
          self); /* a peer that has only ended its half still gets its answers */
      return TURN_WAIT;
    }
  if (count <= 0)
    return TURN_CLOSE;

  *more = tally_stream_may_have_more (&self->stream, count, room) || atomic_peek (&self->hung_up);
  if (!fresh)
    {
      input->length += count;
      return answer_kept_input (self, worker);
    }
  progress = server_answer_messages (self, worker, worker->input, count);
  if (progress.used < (gsize) count)
    {
      tally_buffer_append (input, worker->input + progress.used, count - progress.used);
      server_hold (self, FALSE);
    }
  return after_progress (self, worker, &progress);
}

/* While others wait for a worker one receive that brought requests is enough. */
static gboolean
has_had_its_turn (const ServerConnection *self, guint n_receives, gboolean served)
{
  return self->paused || n_receives == MAX_RECEIVES
         || (served && atomic_peek (&self->server->crowded));
}

/* The part of a turn that sees to requests that run apart. @served: answers have left. */
static TALLY_COLD ServerTurn
turn_apart (ServerConnection *self, ServerWorker *worker, gboolean *served)
{
  if (self->output.length == 0 && !self->had_last && !server_send_answers (self, served))
    return TURN_CLOSE;
  if (self->had_last)
    return end (self, worker);
  server_hold (self, FALSE); /* answers that wait behind others */
  if (atomic_peek (&self->hung_up) && self->is_full)
    server_abandon_requests (self);
  return TURN_WAIT;
}

ServerTurn
server_connection_turn (ServerConnection *self, ServerWorker *worker, gboolean wait)
{
  ServerTurn turn = TURN_WAIT;
  gboolean served = FALSE;
  gboolean more = TRUE;
  gboolean goes_on = self->paused;
  gboolean again = FALSE;
  guint n_receives = 0;

  if (G_UNLIKELY (atomic_peek (&self->phase) >= PHASE_PACED))
    return end_in_turn (self, worker);
  if (G_UNLIKELY (atomic_peek (&self->server->expired)) && self->refusal == REFUSE_NOTHING)
    self->refusal = REFUSE_STOPPING;
  if (self->output.length > 0)
    {
      if (!send_kept (self))
        return TURN_CLOSE;
      if (self->output.length == 0 && self->ending)
        return end (self, worker);
      goes_on = self->output.length == 0 && self->input.length > 0;
    }
  if (G_UNLIKELY (self->is_apart))
    {
      turn = turn_apart (self, worker, &served);
      if (turn == TURN_CLOSE || self->ending)
        return turn;
      goes_on = self->output.length == 0 && self->input.length > 0 && !self->is_full;
    }
  if (goes_on)
    turn = answer_kept_input (self, worker);
  wait = wait && !goes_on;
  while (more && turn != TURN_CLOSE && self->output.length == 0 && !self->ending && !self->is_full)
    {
      served |= turn == TURN_SERVED;
      again = has_had_its_turn (self, n_receives++, served);
      if (G_UNLIKELY (again))
        break;
      turn = receive_requests (self, worker, wait, &more);
      wait = FALSE;
    }
  if (turn == TURN_CLOSE)
    return TURN_CLOSE;
  if (G_UNLIKELY (again || self->paused))
    (void) server_claim (self); /* its own: so it is not parked, but looked at again */
  return served ? TURN_SERVED : turn;
}
