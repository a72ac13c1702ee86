/* One connection of the server: receives what is there, cuts it into messages, has them answered,
 * sends. It never waits for a slow peer: what is incomplete or not taken is kept until the next
 * event. It knows neither epoll nor which thread it runs on. */
#include "server-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FRAME_HEADER 4
/* What a peer that is being closed has to read its last answer, and a refused one to send a
 * request. */
#define LINGER_TIME 1000
/* An answer waits for those behind it in the same receive no longer than this; microseconds. */
#define MAX_GATHER 200

ServerConnection *
server_connection_new (TallyServer *server, gint fd, gboolean refused)
{
  ServerConnection *self = g_new0 (ServerConnection, 1);

  self->server = server;
  self->fd = fd;
  self->refused = refused;
  self->owner = OWNER_THREAD;
  self->phase = PHASE_IDLE;
  server_connection_set_deadline (self, TRUE);
  return self;
}

/* What a closed connection need not keep until nobody can name it any more. */
void
server_connection_release (ServerConnection *self)
{
  tally_buffer_clear (&self->input);
  tally_buffer_clear (&self->output);
  g_clear_pointer (&self->scanner, tally_scanner_free);
  close (self->fd);
  self->fd = -1;
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
  switch (phase)
    {
    case PHASE_READING:
      return self->server->read_timeout;
    case PHASE_WRITING:
      return self->server->write_timeout;
    case PHASE_LINGERING:
      return LINGER_TIME;
    default:
      return self->refused ? LINGER_TIME : self->server->idle_timeout;
    }
}

/* A phase's time runs from its start: neither a byte a second nor reading a byte a second prolongs
 * it. */
static void
enter_phase (ServerConnection *self, ServerPhase phase, gboolean restart)
{
  guint timeout;

  if (atomic_peek (&self->phase) == (guint) phase && !restart)
    return;
  timeout = phase_timeout (self, phase);
  atomic_put (&self->phase, phase);
  atomic_put (&self->deadline, timeout > 0 ? server_now () + timeout : 0);
}

void
server_connection_set_deadline (ServerConnection *self, gboolean served)
{
  if (atomic_peek (&self->phase) == PHASE_LINGERING)
    return;
  if (self->output.length > 0)
    enter_phase (self, PHASE_WRITING, served); /* served: all earlier answers were taken */
  else if (self->input.length > 0)
    enter_phase (self, PHASE_READING, served);
  else
    enter_phase (self, PHASE_IDLE, served);
}

void
server_connection_set_wait (ServerConnection *self, guint milliseconds)
{
  const struct timeval wait = { milliseconds / 1000, milliseconds % 1000 * 1000 };

  if (!self->has_timeout)
    (void) setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  self->has_timeout = TRUE;
}

/* ---- sending ---- */

/* Sends from @bytes what the peer takes now. Returns how much, -1 when the connection is lost. */
static gssize
send_some (const ServerConnection *self, const guint8 *bytes, gsize length)
{
  gsize sent = 0;

  while (sent < length)
    {
      gssize count = send (self->fd, bytes + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (count >= 0)
        sent += count;
      else if (errno == EAGAIN || errno == EWOULDBLOCK)
        break;
      else if (errno != EINTR)
        return -1;
    }
  return sent;
}

/* Sends the worker's answers; what is not taken is kept. FALSE: the connection is lost. */
static gboolean
send_answers (ServerConnection *self, TallyBuffer *answers)
{
  gssize sent;

  if (answers->length == 0)
    return TRUE;
  sent = send_some (self, answers->data, answers->length);
  if (sent >= 0 && (gsize) sent < answers->length)
    {
      tally_buffer_append (&self->output, answers->data + sent, answers->length - sent);
      self->wants_write = TRUE;
      server_loop_watch (self->server, self, TRUE, TRUE);
    }
  answers->length = 0;
  return sent >= 0;
}

/* Goes on with what was kept. FALSE: the connection is lost. */
static gboolean
send_kept (ServerConnection *self)
{
  gssize sent = send_some (self, self->output.data + self->sent, self->output.length - self->sent);

  if (sent < 0)
    return FALSE;
  self->sent += sent;
  if (self->sent < self->output.length)
    return TRUE;
  tally_buffer_clear (&self->output);
  self->sent = 0;
  self->wants_write = FALSE;
  server_loop_watch (self->server, self, TRUE, FALSE);
  return TRUE;
}

/* ---- messages ---- */

static guint32
read_frame_length (const guint8 *at)
{
  return (guint32) at[0] << 24 | (guint32) at[1] << 16 | (guint32) at[2] << 8 | at[3];
}

/* Answers the message of @length bytes into @output; with @refusal, with an exception that says so.
 * FALSE: the connection ends after what is there. */
static gboolean
answer_message (ServerConnection *self,
                ServerWorker *worker,
                const guint8 *bytes,
                gsize length,
                const gchar *refusal,
                TallyBuffer *output)
{
  gsize start = output->length;
  gsize header = self->server->framed ? FRAME_HEADER : 0;
  g_autoptr (GError) error = NULL;
  guint32 frame;
  gboolean ok;

  tally_buffer_reserve (output, FRAME_HEADER);
  output->length += header;
  ok = server_dispatch (self->server, bytes, length, refusal, output, &error);
  if (!ok)
    g_debug ("closing a connection: %s", error->message);
  atomic_put (&worker->n_requests, atomic_peek (&worker->n_requests) + 1);
  if (output->length == start + header)
    output->length = start;
  else if (header > 0)
    {
      frame = GUINT32_TO_BE ((guint32) (output->length - start - header));
      memcpy (output->data + start, &frame, sizeof frame);
    }
  return ok;
}

/* The same while answers to requests before it wait to be sent. */
static gboolean
answer_message_behind (ServerConnection *self,
                       ServerWorker *worker,
                       const guint8 *bytes,
                       gsize length,
                       const gchar *refusal,
                       gboolean *lost)
{
  TallyBuffer *output = &worker->output;
  gboolean ok;
  gssize sent;

  server_offer (worker, self->fd);
  ok = answer_message (self, worker, bytes, length, refusal, &worker->next_answer);
  sent = server_take_back (worker);
  *lost = sent < 0;
  if (sent > 0)
    {
      output->length -= sent;
      memmove (output->data, output->data + sent, output->length);
    }
  tally_buffer_append (output, worker->next_answer.data, worker->next_answer.length);
  worker->next_answer.length = 0;
  return ok;
}

/* The length of the first message in @bytes, its frame's header included; 0 when it is not all
 * there yet. A frame that is too long is reported as all of @length, with *@refusal set. */
static gsize
find_message (ServerConnection *self, const guint8 *bytes, gsize length, gchar **refusal)
{
  const TallyServer *server = self->server;
  guint32 frame;

  if (!server->framed)
    {
      if (self->scanner == NULL)
        self->scanner =
            tally_scanner_new (tally_endpoint_get_protocol (server->endpoint), &server->limits);
      return tally_scanner_scan (self->scanner, bytes, length);
    }
  if (length < FRAME_HEADER)
    return 0;
  frame = read_frame_length (bytes);
  if (frame > server->limits.max_message)
    {
      *refusal = g_strdup_printf ("a frame of %u bytes passes the limit of %u", frame,
                                  server->limits.max_message);
      return length;
    }
  return length - FRAME_HEADER >= frame ? (gsize) frame + FRAME_HEADER : 0;
}

typedef struct
{
  gsize used; /* bytes of the input */
  gboolean served;
  gboolean closing; /* send the answers, then end */
  gboolean lost;    /* the peer is gone */
} Progress;

/* With several requests in one receive: whether the answers so far should go now. */
static gboolean
should_send (const ServerWorker *worker, gint64 *began)
{
  gint64 now = g_get_monotonic_time ();

  if (*began == 0)
    *began = now;
  if (worker->output.length < TALLY_SERVER_CHUNK && now - *began < MAX_GATHER)
    return FALSE;
  *began = now;
  return TRUE;
}

/* Answers every complete message in @bytes, as long as the peer takes the answers. */
static Progress
answer_messages (ServerConnection *self, ServerWorker *worker, const guint8 *bytes, gsize length)
{
  gsize header = self->server->framed ? FRAME_HEADER : 0;
  Progress progress = { 0 };
  gint64 began = 0;

  while (progress.used < length && !progress.closing && !progress.lost && self->output.length == 0)
    {
      const guint8 *message = bytes + progress.used;
      g_autofree gchar *refusal = NULL;
      gsize size = find_message (self, message, length - progress.used, &refusal);

      if (size == 0)
        break;
      if (self->refused && refusal == NULL)
        refusal = g_strdup_printf ("the server is full: it serves %u connections at once",
                                   self->server->max_connections);
      if (self->scanner != NULL)
        tally_scanner_reset (self->scanner);
      if (worker->output.length == 0)
        progress.closing = !answer_message (self, worker, message + header, size - header, refusal,
                                            &worker->output);
      else
        progress.closing = !answer_message_behind (self, worker, message + header, size - header,
                                                   refusal, &progress.lost);
      progress.used += size;
      progress.served = TRUE;
      if (progress.used < length && !progress.closing && !progress.lost
          && should_send (worker, &began))
        progress.lost = !send_answers (self, &worker->output);
    }
  if (!progress.lost)
    progress.lost = !send_answers (self, &worker->output);
  worker->output.length = 0;
  return progress;
}

/* ---- the end ---- */

static ServerTurn
linger (ServerConnection *self, ServerWorker *worker)
{
  for (;;)
    {
      gssize count = recv (self->fd, worker->input, TALLY_SERVER_CHUNK, MSG_DONTWAIT);

      if (count > 0 || (count < 0 && errno == EINTR))
        continue;
      return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? TURN_WAIT : TURN_CLOSE;
    }
}

/* Tells the peer that nothing follows and waits for it to have read that: closing at once with
 * bytes of it unread would make the kernel take back the answer. */
static ServerTurn
begin_linger (ServerConnection *self, ServerWorker *worker)
{
  if (self->output.length > 0)
    return TURN_CLOSE;
  shutdown (self->fd, SHUT_WR);
  tally_buffer_clear (&self->input);
  enter_phase (self, PHASE_LINGERING, TRUE);
  return linger (self, worker);
}

/* ---- a turn ---- */

static ServerTurn
after_progress (ServerConnection *self, ServerWorker *worker, const Progress *progress)
{
  if (progress->lost)
    return TURN_CLOSE;
  if (progress->closing)
    return begin_linger (self, worker);
  return progress->served ? TURN_SERVED : TURN_WAIT;
}

/* Answers what lies in the connection's own buffer and keeps the rest there. */
static ServerTurn
answer_kept_input (ServerConnection *self, ServerWorker *worker)
{
  TallyBuffer *input = &self->input;
  Progress progress = answer_messages (self, worker, input->data, input->length);

  input->length -= progress.used;
  if (input->length == 0)
    tally_buffer_clear (input);
  else if (progress.used > 0)
    memmove (input->data, input->data + progress.used, input->length);
  return after_progress (self, worker, &progress);
}

/* Receives once. *@more: there may be more in the kernel. */
static ServerTurn
receive (ServerConnection *self, ServerWorker *worker, gboolean wait, gboolean *more)
{
  TallyBuffer *input = &self->input;
  gboolean fresh = input->length == 0;
  gsize room = fresh ? TALLY_SERVER_CHUNK : MAX (TALLY_SERVER_CHUNK, input->length);
  Progress progress;
  gssize count;

  *more = FALSE;
  /* A request that is still arriving doubles its buffer: memory grows with what came, not with what
   * was announced. */
  if (!fresh)
    tally_buffer_reserve (input, room);
  do
    count = recv (self->fd, fresh ? worker->input : input->data + input->length, room,
                  wait ? 0 : MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? TURN_WAIT : TURN_CLOSE;
  if (count == 0)
    return TURN_CLOSE;

  *more = (gsize) count == room || atomic_peek (&self->hung_up);
  if (!fresh)
    {
      input->length += count;
      return answer_kept_input (self, worker);
    }
  progress = answer_messages (self, worker, worker->input, count);
  if (progress.used < (gsize) count)
    tally_buffer_append (input, worker->input + progress.used, count - progress.used);
  return after_progress (self, worker, &progress);
}

ServerTurn
server_connection_turn (ServerConnection *self, ServerWorker *worker, gboolean wait)
{
  ServerTurn turn = TURN_WAIT;
  gboolean served = FALSE;
  gboolean more = TRUE;

  if (atomic_peek (&self->phase) == PHASE_LINGERING)
    return linger (self, worker);
  if (self->output.length > 0)
    {
      if (!send_kept (self))
        return TURN_CLOSE;
      if (self->output.length == 0 && self->input.length > 0)
        turn = answer_kept_input (self, worker);
    }
  while (more && turn != TURN_CLOSE && self->output.length == 0
         && atomic_peek (&self->phase) != PHASE_LINGERING)
    {
      served |= turn == TURN_SERVED;
      turn = receive (self, worker, wait, &more);
      wait = FALSE;
    }
  if (turn == TURN_CLOSE)
    return TURN_CLOSE;
  return served ? TURN_SERVED : turn;
}
