/* A worker's turns with connections: receives what is there, has it answered, sends, and parks the connection or keeps it for its
 * next request. It knows neither messages nor epoll.
 *
 * On the common way no function returns between one system call and the next: all that makes one is inlined into the worker's loop.
 * A system call leaves the processor without its predictions of where the functions that were entered before will return to, and
 * the first such return costs more than all that is done here for a request. */
#include "server-turn-private.h"

#include <string.h>

/* Receives of one turn; what else there is waits for the next one. */
#define MAX_RECEIVES 16
/* How long a pinned connection's worker waits for the next request; milliseconds. */
#define PINNED_WAIT 20
/* An answer larger than this is not worth keeping its memory for. */
#define MAX_KEPT_OUTPUT (1024 * 1024)

#define HOT_TURNS 16
/* A pinned connection is looked at anew after so many requests. */
#define PINNED_TURNS 64
/* In so many parts may its request come. */
#define MAX_PARTS 16
/* While handlers count as slow: so many requests in a row took fewer microseconds than this. */
#define QUICK_TURNS 64
#define QUICK_TIME 100

/* ---- answering ---- */

/* Sends what the messages were answered with, and says what the turn comes to. */
static inline __attribute__ ((always_inline)) ServerTurn
after_progress (ServerConnection *self, ServerWorker *worker, ServerProgress *progress)
{
  if (!progress->lost)
    progress->lost = !server_connection_send_now (self, &worker->output, progress->closing);
  worker->output.length = 0;
  self->paused = progress->paused && self->output.length == 0;
  self->has_served |= progress->served;
  if (progress->lost)
    return TURN_CLOSE;
  if (progress->closing)
    return server_connection_end_or_pace (self, worker);
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
  gboolean is_unknown; /* how the peer speaks */
  ServerTurn turn;

  self->refusal = REFUSE_MEMORY;
  progress = server_answer_messages (self, worker, input->data, input->length);
  server_connection_end_refusal (self);
  is_unknown = progress.used < input->length && !progress.closing;
  tally_buffer_clear (input);
  server_hold (self, FALSE);
  turn = after_progress (self, worker, &progress);
  return is_unknown ? TURN_CLOSE : turn;
}

ServerTurn
server_connection_give_up (ServerConnection *self, ServerWorker *worker)
{
  gboolean is_clogged = self->output.length > 0;

  if (atomic_peek (&self->phase) == PHASE_PACED)
    return server_connection_end (self, worker);
  /* What runs apart gives its memory back with its answers; until then nothing more is received. */
  if (self->n_requests > 0)
    {
      if (is_clogged && server_answers_pile_up (self))
        return TURN_CLOSE;
      self->is_full = TRUE;
      return TURN_WAIT;
    }
  /* The peer may have taken its answers since they were offered to it. */
  if (is_clogged && !server_connection_send_kept (self))
    return TURN_CLOSE;
  if (is_clogged && self->output.length == 0 && self->ending)
    return server_connection_end (self, worker);
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

/* ---- a turn ---- */

/* Receives once. *@more: there may be more in the kernel. */
static inline __attribute__ ((always_inline)) ServerTurn
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
    return server_connection_end (self, worker);
  server_hold (self, FALSE); /* answers that wait behind others */
  if (atomic_peek (&self->hung_up) && self->is_full)
    server_abandon_requests (self);
  return TURN_WAIT;
}

static inline __attribute__ ((always_inline)) ServerTurn
take_turn (ServerConnection *self, ServerWorker *worker, gboolean wait)
{
  ServerTurn turn = TURN_WAIT;
  gboolean served = FALSE;
  gboolean more = TRUE;
  gboolean goes_on = self->paused;
  gboolean again = FALSE;
  guint n_receives = 0;

  if (G_UNLIKELY (atomic_peek (&self->phase) >= PHASE_PACED))
    return server_connection_end_in_turn (self, worker);
  if (G_UNLIKELY (atomic_peek (&self->server->expired)) && self->refusal == REFUSE_NOTHING)
    self->refusal = REFUSE_STOPPING;
  if (self->output.length > 0)
    {
      if (!server_connection_send_kept (self))
        return TURN_CLOSE;
      if (self->output.length == 0 && self->ending)
        return server_connection_end (self, worker);
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

ServerTurn
server_connection_turn (ServerConnection *self, ServerWorker *worker, gboolean wait)
{
  return take_turn (self, worker, wait);
}

/* ---- pinning ---- */

static void
count_from_here (TallyServer *self, ServerConnection *connection)
{
  connection->turns = 0;
  connection->turns_began = atomic_peek (&self->n_events);
}

/* Whether, of what the loop finds ready, this connection is so large a part that it deserves a
 * thread. */
static gboolean
is_hot (TallyServer *self, ServerConnection *connection)
{
  guint64 span;

  if (connection->turns == 0)
    connection->turns_began = atomic_peek (&self->n_events);
  if (++connection->turns < HOT_TURNS)
    return FALSE;
  span = atomic_peek (&self->n_events) - connection->turns_began;
  connection->turns = 0;
  return span <= (guint64) HOT_TURNS * self->max_pinned;
}

/* Whether a pinned connection may stay so: others are not far busier, and nobody waits for a
 * worker. */
static gboolean
stays_pinned (TallyServer *self, ServerConnection *connection)
{
  guint64 span;

  if (atomic_peek (&self->crowded) || atomic_peek (&self->stopping))
    return FALSE;
  if (++connection->turns < PINNED_TURNS)
    return TRUE;
  span = atomic_peek (&self->n_events) - connection->turns_began;
  count_from_here (self, connection);
  return span <= (guint64) PINNED_TURNS * self->max_pinned * 2;
}

/* Keeps @connection for the worker alone, if there is another one for the rest. */
static gboolean
pin (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  gboolean pinned = FALSE;

  pthread_mutex_lock (&self->lock);
  if (self->n_pinned < self->max_pinned && !self->stopping
      && (self->loop_holder != worker || server_wake_worker_locked (self)))
    {
      if (self->loop_holder == worker)
        self->loop_holder = NULL;
      self->n_pinned++;
      pinned = TRUE;
    }
  pthread_mutex_unlock (&self->lock);
  if (!pinned)
    return FALSE;
  server_loop_watch (self, connection, 0);
  count_from_here (self, connection);
  return TRUE;
}

/* What epoll is to tell of from now on. A plain stream is not watched anew with each turn: epoll tells of all that the connection
 * will ever take, also while that takes nothing. A layer is, and tells at once where that is the case already: of no input that
 * the connection will not take, nor of an end that it has seen. */
static guint
find_events (const ServerConnection *connection)
{
  if (G_LIKELY (!tally_stream_is_layered (&connection->stream)))
    return TALLY_SERVER_INPUT | (connection->wants_write ? TALLY_STREAM_WRITABLE : 0);
  if (connection->output.length > 0)
    return connection->wants_write ? TALLY_STREAM_WRITABLE : 0;
  if (connection->is_abandoned || atomic_peek (&connection->phase) == PHASE_PACED)
    return 0;
  return connection->is_full ? TALLY_STREAM_HUNG_UP : TALLY_SERVER_INPUT;
}

static void
unpin (TallyServer *self, ServerConnection *connection)
{
  pthread_mutex_lock (&self->lock);
  self->n_pinned--;
  pthread_mutex_unlock (&self->lock);
  count_from_here (self, connection);
  server_loop_watch (self, connection, find_events (connection));
}

/* Serves a pinned connection until it is idle, or over. A large request may come in parts. */
static ServerTurn
serve_pinned (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  ServerTurn turn;
  guint parts = 0;
  gsize before;

  do
    {
      before = connection->input.length;
      turn = take_turn (connection, worker, TRUE);
      parts = turn == TURN_SERVED ? 0 : parts + 1;
    }
  while ((turn == TURN_SERVED || (connection->input.length > before && parts < MAX_PARTS))
         && turn != TURN_CLOSE && connection->output.length == 0 && !connection->is_apart
         && stays_pinned (self, connection));
  unpin (self, connection);
  return turn == TURN_CLOSE ? TURN_CLOSE : TURN_SERVED;
}

/* ---- serving ---- */

/* While handlers count as slow: a turn took so many microseconds. */
static TALLY_COLD void
note_turn (TallyServer *self, gint64 microseconds)
{
  if (microseconds > QUICK_TIME)
    atomic_put (&self->quick_turns, 0);
  else if (__atomic_add_fetch (&self->quick_turns, 1, __ATOMIC_RELAXED) >= QUICK_TURNS)
    atomic_put (&self->eager, FALSE);
}

static inline __attribute__ ((always_inline)) ServerTurn
serve_once (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  gint64 began = G_UNLIKELY (atomic_peek (&self->eager)) ? g_get_monotonic_time () : 0;
  ServerTurn turn = take_turn (connection, worker, FALSE);

  if (G_UNLIKELY (began != 0))
    note_turn (self, g_get_monotonic_time () - began);
  return turn;
}

/* Whether epoll has to be told of @connection, which is to be parked. */
static gboolean
needs_watch (const ServerConnection *connection)
{
  return !connection->is_watched || tally_stream_is_layered (&connection->stream);
}

gboolean
server_let_go (TallyServer *self,
               ServerConnection *connection,
               ServerWorker *worker,
               ServerTurn turn)
{
  if (turn != TURN_CLOSE)
    server_connection_set_deadline (connection, turn == TURN_SERVED);
  if (atomic_get (&self->stopping))
    turn = server_connection_part (connection, worker, turn);
  if (turn != TURN_CLOSE && G_UNLIKELY (needs_watch (connection))
      && !server_loop_watch (self, connection, find_events (connection)))
    turn = TURN_CLOSE;
  if (turn != TURN_CLOSE)
    return server_park (connection);
  server_discard (self, connection);
  return TRUE;
}

/* Whether others wait for a worker and none is left. Then @connection, which does not pause, waits behind
 * them. */
static gboolean
make_way (TallyServer *self, ServerConnection *connection)
{
  gboolean others_wait;

  if (!atomic_peek (&self->crowded))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  others_wait = self->ready_head != NULL;
  if (others_wait)
    server_enqueue_locked (self, connection);
  pthread_mutex_unlock (&self->lock);
  return others_wait;
}

static inline __attribute__ ((always_inline)) void
serve (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  for (;;)
    {
      ServerTurn turn = serve_once (self, connection, worker);

      if (turn == TURN_SERVED && connection->output.length == 0 && !connection->is_apart
          && is_hot (self, connection) && pin (self, connection, worker))
        turn = serve_pinned (self, connection, worker);
      if (turn != TURN_CLOSE && !server_make_room (self, connection, worker))
        {
          ServerTurn rest = server_connection_give_up (connection, worker);

          turn = MAX (turn, rest); /* that it was served before holds */
        }
      /* A connection that never pauses keeps its worker, whose epoch stays: so the supervisor sees
       * that the loop needs another holder, and when there is none left looks for events itself. */
      if (server_let_go (self, connection, worker, turn) || make_way (self, connection))
        return;
    }
}

static G_GNUC_NO_INLINE void
serve_layered (TallyServer *self, ServerConnection *connection, ServerWorker *worker)
{
  server_peer_begin (&connection->stream);
  serve (self, connection, worker);
  server_peer_end ();
}

static void
drop_large_output (TallyServer *self, TallyBuffer *buffer)
{
  if (buffer->capacity <= MAX_KEPT_OUTPUT)
    return;
  server_note_released (self, tally_buffer_clear (buffer));
}

/* Serves the connection that waited longest. */
static inline __attribute__ ((always_inline)) void
serve_next_locked (TallyServer *self, ServerWorker *worker)
{
  ServerConnection *connection = server_take_ready_locked (self);

  server_begin_work_locked (self, worker);
  pthread_mutex_unlock (&self->lock);

  if (G_UNLIKELY (tally_stream_is_layered (&connection->stream)))
    serve_layered (self, connection, worker);
  else
    serve (self, connection, worker);
  drop_large_output (self, &worker->output);
  drop_large_output (self, &worker->next_answer);

  pthread_mutex_lock (&self->lock);
  atomic_put (&worker->busy, FALSE);
}

void
server_serve_ready_locked (TallyServer *self, ServerWorker *worker)
{
  do
    serve_next_locked (self, worker);
  while (self->ready_head != NULL && self->turns.clients.head == NULL);
}
