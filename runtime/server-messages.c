/* From a connection's bytes to answers: cuts what arrived into messages, has each answered or refused,
 * and says what is to become of the connection. It knows no socket. */
#include "framing-private.h"
#include "peer-text.h"
#include "server-private.h"

#include <string.h>

/* A refused frame of at most so many bytes is thrown away as it arrives, so that the connection lives
 * on. */
#define MAX_SKIPPED (64 * 1024 * 1024)
/* An answer waits for those behind it in the same receive no longer than this; microseconds. */
#define MAX_GATHER 200
/* So long does a worker answer what one receive brought while others wait for one; milliseconds. */
#define MAX_STINT 10

static guint32
read_frame_length (const guint8 *at)
{
  return (guint32) at[0] << 24 | (guint32) at[1] << 16 | (guint32) at[2] << 8 | at[3];
}

/* Begins an answer in @output; @return: where. */
static inline gsize
begin_answer (const TallyServer *server, TallyBuffer *output)
{
  gsize start = output->length;

  tally_buffer_reserve (output, TALLY_FRAME_HEADER);
  output->length += server->framed ? TALLY_FRAME_HEADER : 0;
  return start;
}

/* Ends it; of an empty one nothing stays. */
static inline void
end_answer (const TallyServer *server, TallyBuffer *output, gsize start)
{
  gsize header = server->framed ? TALLY_FRAME_HEADER : 0;
  guint32 frame;

  if (output->length == start + header)
    output->length = start;
  else if (header > 0)
    {
      frame = GUINT32_TO_BE ((guint32) (output->length - start - header));
      memcpy (output->data + start, &frame, sizeof frame);
    }
}

/* Answers the message of @length bytes into @output; with @refusal, with an exception that says so,
 * executing nothing. */
static ServerOutcome
answer_message (ServerConnection *self,
                ServerWorker *worker,
                const guint8 *bytes,
                gsize length,
                const gchar *refusal,
                TallyBuffer *output)
{
  gsize start = begin_answer (self->server, output);
  g_autoptr (GError) error = NULL;
  ServerOutcome outcome = OUTCOME_ANSWERED;

  if (G_LIKELY (refusal == NULL))
    outcome = server_dispatch (self->server, bytes, length, output, &error);
  else if (!server_refuse (self->server, bytes, length, refusal, output))
    outcome = OUTCOME_UNREADABLE;
  if (error != NULL)
    g_debug ("%s: %s", self->server->uri, error->message);
  atomic_put (&worker->n_requests, atomic_peek (&worker->n_requests) + 1);
  end_answer (self->server, output, start);
  return outcome;
}

void
server_write_goodbye (const TallyServer *server, TallyBuffer *output)
{
  gsize start = begin_answer (server, output);

  server_refuse (server, (const guint8 *) "", 0,
                 "the server is stopping; a request that was not answered before this was not "
                 "executed",
                 output);
  end_answer (server, output, start);
}

/* answer_message () while answers to requests before it wait to be sent. */
static ServerOutcome
answer_message_behind (ServerConnection *self,
                       ServerWorker *worker,
                       const guint8 *bytes,
                       gsize length,
                       const gchar *refusal,
                       gboolean *lost)
{
  TallyBuffer *output = &worker->output;
  ServerOutcome outcome;
  gssize sent;

  /* Of a server that stops answers before these may be waiting. */
  if (G_LIKELY (self->parting.length == 0))
    server_offer (worker, &self->stream);
  outcome = answer_message (self, worker, bytes, length, refusal, &worker->next_answer);
  sent = self->parting.length == 0 ? server_take_back (worker) : 0;
  *lost = sent < 0;
  if (sent > 0)
    {
      output->length -= sent;
      memmove (output->data, output->data + sent, output->length);
    }
  tally_buffer_append (output, worker->next_answer.data, worker->next_answer.length);
  worker->next_answer.length = 0;
  return outcome;
}

/* The length of the first message in @bytes, its frame's header included; 0 when it is not all there
 * yet. For a frame that is too long, all of @length, and *@too_long is what the frame's length is. */
static gsize
find_message (ServerConnection *self, const guint8 *bytes, gsize length, guint32 *too_long)
{
  const TallyServer *server = self->server;
  guint32 frame;

  if (!server->framed)
    {
      if (self->scanner == NULL)
        self->scanner = tally_scanner_new (server->codec, &server->limits);
      return tally_scanner_scan (self->scanner, bytes, length);
    }
  if (length < TALLY_FRAME_HEADER)
    return 0;
  frame = read_frame_length (bytes);
  if (frame > server->limits.max_message)
    {
      *too_long = frame;
      return length;
    }
  return length - TALLY_FRAME_HEADER >= frame ? (gsize) frame + TALLY_FRAME_HEADER : 0;
}

gsize
server_find_end (const TallyServer *server, const guint8 *bytes, gsize length)
{
  if (!server->framed)
    return server->limits.max_message;
  return length < TALLY_FRAME_HEADER ? 0 : TALLY_FRAME_HEADER + (gsize) read_frame_length (bytes);
}

/* Whether it is known where the message ends that lies at the connection's scanner, or in a frame. */
static gboolean
has_end (const ServerConnection *self)
{
  return self->server->framed || tally_scanner_is_whole (self->scanner);
}

/* Refuses a message of which @length bytes are there, @frame (0: unknown) are to come in all. What
 * is missing is thrown away as it arrives, or the connection ends. */
static void
refuse_rest (ServerConnection *self,
             ServerWorker *worker,
             const guint8 *bytes,
             gsize length,
             gsize frame,
             const gchar *text,
             ServerProgress *progress)
{
  gsize header = self->server->framed ? TALLY_FRAME_HEADER : 0;
  ServerOutcome outcome =
      answer_message (self, worker, bytes + header, length - header, text, &worker->output);

  progress->used += length;
  progress->served = TRUE;
  progress->closing = outcome == OUTCOME_UNREADABLE || frame == 0 || frame > MAX_SKIPPED;
  /* Of a message that is only too large the header may not have come yet. */
  if (outcome == OUTCOME_UNREADABLE && frame > MAX_SKIPPED
      && frame > self->server->limits.max_message)
    server_log_mismatch (self, worker, bytes, length);
  if (!progress->closing)
    self->skip = frame + header - length;
}

/* Refuses the message that @bytes, which are all there is, begin. */
static void
refuse_unfinished (ServerConnection *self,
                   ServerWorker *worker,
                   const guint8 *bytes,
                   gsize length,
                   ServerProgress *progress)
{
  g_autofree gchar *text = server_describe_refusal (self->server, self->refusal);

  if (!self->server->framed)
    refuse_rest (self, worker, bytes, length, 0, text, progress);
  else if (length >= TALLY_FRAME_HEADER)
    refuse_rest (self, worker, bytes, length, read_frame_length (bytes), text, progress);
  else
    {
      progress->used += length;
      progress->closing = TRUE;
    }
  if (self->scanner != NULL)
    tally_scanner_reset (self->scanner);
}

/* Whether what follows has to wait, because others do: a connection that never pauses does not keep
 * the last worker. @arrived as there. */
static inline gboolean
is_to_pause (const ServerConnection *self, gint64 arrived)
{
  return G_UNLIKELY (atomic_peek (&self->server->crowded)) && self->refusal == REFUSE_NOTHING
         && server_now () - arrived >= MAX_STINT;
}

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

/* Throws away what follows of a frame that was refused. */
static void
skip (ServerConnection *self, gsize length, ServerProgress *progress)
{
  gsize count = MIN (self->skip, length - progress->used);

  self->skip -= count;
  progress->used += count;
}

/* Why the next message of a receive is not to be executed. @arrived: server_now () when it came; 0: just
 * now. */
static ServerRefusal
find_refusal (const ServerConnection *self, gint64 arrived)
{
  if (G_UNLIKELY (self->refusal != REFUSE_NOTHING))
    return self->refusal;
  return arrived == 0 ? REFUSE_NOTHING
                      : server_find_refusal (self->server, arrived, server_now (), 0);
}

/* Answers the whole message of @size bytes that @bytes begins with. */
static void
answer_whole (ServerConnection *self,
              ServerWorker *worker,
              const guint8 *bytes,
              gsize size,
              const gchar *refusal,
              ServerProgress *progress)
{
  gsize header = self->server->framed ? TALLY_FRAME_HEADER : 0;
  ServerOutcome outcome;

  if (worker->output.length == 0)
    outcome =
        answer_message (self, worker, bytes + header, size - header, refusal, &worker->output);
  else
    outcome = answer_message_behind (self, worker, bytes + header, size - header, refusal,
                                     &progress->lost);
  progress->used += size;
  progress->served = TRUE;
  progress->closing = G_UNLIKELY (outcome != OUTCOME_ANSWERED)
                      && (outcome == OUTCOME_UNREADABLE || !has_end (self));
  if (G_UNLIKELY (outcome == OUTCOME_UNREADABLE))
    server_log_mismatch (self, worker, bytes, size);
  if (self->scanner != NULL)
    tally_scanner_reset (self->scanner);
}

ServerProgress
server_answer_messages (ServerConnection *self,
                        ServerWorker *worker,
                        const guint8 *bytes,
                        gsize length)
{
  ServerProgress progress = { 0 };
  gint64 arrived = 0;
  gint64 began = 0;

  while (progress.used < length && !progress.closing && !progress.lost && !progress.paused
         && self->output.length == 0)
    {
      const guint8 *message = bytes + progress.used;
      g_autofree gchar *refusal = NULL;
      ServerRefusal reason;
      guint32 too_long = 0;
      gsize size;

      if (self->skip > 0)
        {
          skip (self, length, &progress);
          continue;
        }
      size = find_message (self, message, length - progress.used, &too_long);
      if (size == 0 && self->refusal != REFUSE_MEMORY)
        break;
      if (size == 0)
        {
          refuse_unfinished (self, worker, message, length - progress.used, &progress);
          continue;
        }
      if (too_long > 0)
        {
          const gchar *guess = tally_peer_guess (message, size);

          refusal = g_strdup_printf ("a frame of %u bytes passes the limit of %u; the request was "
                                     "not executed%s%s",
                                     too_long, self->server->limits.max_message,
                                     guess != NULL ? "; its first bytes look like " : "",
                                     guess != NULL ? guess : "");
          refuse_rest (self, worker, message, size, too_long, refusal, &progress);
          continue;
        }
      reason = find_refusal (self, arrived);
      if (G_UNLIKELY (reason != REFUSE_NOTHING))
        refusal = server_describe_refusal (self->server, reason);
      if (arrived == 0 && size < length - progress.used)
        {
          arrived = server_now ();
          self->has_several = TRUE;
        }
      answer_whole (self, worker, message, size, refusal, &progress);
      if (progress.used < length && !progress.closing && !progress.lost
          && should_send (worker, &began))
        progress.lost = !server_connection_send (self, &worker->output, FALSE);
      progress.paused = progress.used < length && is_to_pause (self, arrived);
    }
  if (G_UNLIKELY (self->refusal >= REFUSE_FULL) && progress.served)
    {
      progress.closing = TRUE;
      server_connection_hang_up (self);
    }
  if (!progress.lost)
    progress.lost = !server_connection_send (self, &worker->output, progress.closing);
  worker->output.length = 0;
  return progress;
}
