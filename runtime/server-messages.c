/* From a connection's bytes to answers: cuts what arrived into messages, has each answered or refused,
 * and says what is to become of the connection. It knows no socket. */
#include "framing-private.h"
#include "peer-text.h"
#include "server-watched-private.h"
#include "server-words-private.h"

#include <string.h>

/* A refused frame of at most so many bytes is thrown away as it arrives, so that the connection lives
 * on. */
#define MAX_SKIPPED (64 * 1024 * 1024)
/* An answer waits for those behind it in the same receive no longer than this; microseconds. */
#define MAX_GATHER 200
/* Milliseconds for which a worker answers the requests of one receive while others wait for a
 * worker. */
#define MAX_STINT 10

/* Of a message that comes by the header transport, or needs the server's leave to run. */
static TALLY_COLD ServerOutcome
answer_otherwise (ServerConnection *self,
                  ServerWorker *worker,
                  const ServerExchange *exchange,
                  const gchar *refusal,
                  GError **error)
{
  ServerOutcome outcome = OUTCOME_ANSWERED;

  server_set_permit (&worker->permit);
  if (self->is_wrapped)
    outcome = server_answer_wrapped (self, exchange->bytes, exchange->length, refusal,
                                     exchange->output, error);
  else if (refusal == NULL)
    outcome = server_dispatch (exchange, error);
  else if (!server_refuse_request (exchange, refusal))
    outcome = OUTCOME_UNREADABLE;
  server_set_permit (NULL);
  if (outcome != OUTCOME_LATER)
    server_give_permit (self->server, &worker->permit);
  return outcome;
}

/* Answers the message of @length bytes into @output; with @refusal, with an exception that says so,
 * executing nothing. Inlined for the common path's sake. */
static inline __attribute__ ((always_inline)) ServerOutcome
answer_message_now (ServerConnection *self,
                    ServerWorker *worker,
                    const guint8 *bytes,
                    gsize length,
                    const gchar *refusal,
                    TallyBuffer *output)
{
  const TallyFraming framing = self->framer.framing;
  const ServerExchange exchange = { .server = self->server,
                                    .codec = self->framer.codec,
                                    .bytes = bytes,
                                    .length = length,
                                    .output = output,
                                    .stream = &self->stream };
  gsize start = tally_frame_begin (output, framing);
  g_autoptr (GError) error = NULL;
  ServerOutcome outcome = OUTCOME_ANSWERED;

  if (G_UNLIKELY (self->is_wrapped || self->is_limited))
    outcome = answer_otherwise (self, worker, &exchange, refusal, &error);
  else if (G_LIKELY (refusal == NULL))
    outcome = server_dispatch_freely (&exchange, &error);
  else if (!server_refuse_request (&exchange, refusal))
    outcome = OUTCOME_UNREADABLE;
  if (error != NULL)
    g_debug ("%s: %s", self->server->uri, error->message);
  if (G_UNLIKELY (outcome == OUTCOME_LATER))
    server_begin_later (self, worker, bytes, length);
  else
    {
      atomic_put (&worker->n_requests, atomic_peek (&worker->n_requests) + 1);
      atomic_put (&self->served, atomic_peek (&self->served) + 1);
    }
  server_end_answer (framing, output, start);
  if (G_UNLIKELY (outcome == OUTCOME_HUNG_UP))
    output->length = start + (output->length - start) / 2;
  return outcome;
}

/* answer_message_now (), for the others. */
static G_GNUC_NO_INLINE ServerOutcome
answer_message (ServerConnection *self,
                ServerWorker *worker,
                const guint8 *bytes,
                gsize length,
                const gchar *refusal,
                TallyBuffer *output)
{
  return answer_message_now (self, worker, bytes, length, refusal, output);
}

void
server_write_goodbye (const ServerConnection *self, TallyBuffer *output)
{
  /* A client of headers reads frames without them, too. */
  const TallyFraming framing = self->framer.framing;
  const ServerExchange exchange = { .server = self->server,
                                    .codec = self->framer.codec,
                                    .bytes = (const guint8 *) "",
                                    .output = output };
  gsize start = tally_frame_begin (output, framing);

  server_refuse (&exchange, TALLY_SERVER_GOODBYE);
  server_end_answer (framing, output, start);
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
  /* Answers before these may be waiting, of a server that stops, too. */
  gboolean is_next = G_LIKELY (self->parting.length == 0 && self->output.length == 0);
  ServerOutcome outcome;
  gssize sent;

  if (is_next)
    server_offer (worker, &self->stream);
  outcome = answer_message (self, worker, bytes, length, refusal, &worker->next_answer);
  sent = is_next ? server_take_back (worker) : 0;
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

/* Refuses a message of which @length bytes are there, of @size (0: unknown) with its header. What is missing
 * is thrown away as it arrives, or the connection ends. */
static void
refuse_rest (ServerConnection *self,
             ServerWorker *worker,
             const guint8 *bytes,
             gsize length,
             gsize size,
             const gchar *text,
             ServerProgress *progress)
{
  gsize header = tally_frame_header (self->framer.framing);
  ServerOutcome outcome =
      answer_message (self, worker, bytes + header, length - header, text, &worker->output);

  progress->used += length;
  progress->served = TRUE;
  progress->closing = outcome == OUTCOME_UNREADABLE || size == 0 || size > MAX_SKIPPED + header;
  /* Of a message that is only too large the header may not have come yet. */
  if (outcome == OUTCOME_UNREADABLE && size > MAX_SKIPPED + header
      && size > self->server->limits.max_message + header)
    server_log_mismatch (self, worker, bytes, length);
  if (!progress->closing)
    self->skip = size - length;
}

/* Refuses the message that @bytes, which are all there is, begin. */
static void
refuse_unfinished (ServerConnection *self,
                   ServerWorker *worker,
                   const guint8 *bytes,
                   gsize length,
                   ServerProgress *progress)
{
  g_autofree gchar *text = server_note_refusal (self->server, self->refusal);
  gsize header = tally_frame_header (self->framer.framing);
  gsize size = header > 0 ? tally_framer_find_size (&self->framer, bytes, length) : 0;

  if (length >= header)
    refuse_rest (self, worker, bytes, length, size, text, progress);
  else
    {
      progress->used += length;
      progress->closing = TRUE;
    }
  tally_framer_reset (&self->framer);
}

/* Refuses the message that @bytes, which are all there is, begin, of @size in all; others may follow it. */
static void
refuse_too_long (ServerConnection *self,
                 ServerWorker *worker,
                 const guint8 *bytes,
                 gsize length,
                 gsize size,
                 ServerProgress *progress)
{
  const gchar *guess = tally_peer_guess (bytes, length);
  g_autofree gchar *text =
      g_strdup_printf ("a frame of %u bytes passes the limit of %u; the request was "
                       "not executed%s%s",
                       (guint) (size - tally_frame_header (self->framer.framing)),
                       self->server->limits.max_message,
                       guess != NULL ? "; its first bytes look like " : "",
                       guess != NULL ? guess : "");

  refuse_rest (self, worker, bytes, MIN (length, size), size, text, progress);
}

/* Whether the next request has to wait because other connections do: one that never pauses does not
 * keep the last worker. @arrived: server_now () when the receive came. */
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

/* Answers the message of @size bytes that @bytes begins with. @is_torn: it has no end that can be told. */
static void
answer_whole (ServerConnection *self,
              ServerWorker *worker,
              const guint8 *bytes,
              gsize size,
              gboolean is_torn,
              const gchar *refusal,
              ServerProgress *progress)
{
  gsize header = tally_frame_header (self->framer.framing);
  ServerOutcome outcome;

  if (worker->output.length == 0)
    outcome =
        answer_message_now (self, worker, bytes + header, size - header, refusal, &worker->output);
  else
    outcome = answer_message_behind (self, worker, bytes + header, size - header, refusal,
                                     &progress->lost);
  progress->used += size;
  progress->served = TRUE;
  if (G_LIKELY (outcome == OUTCOME_ANSWERED && !is_torn))
    return;
  progress->closing = outcome == OUTCOME_UNREADABLE || outcome == OUTCOME_HUNG_UP
                      || (outcome != OUTCOME_LATER && is_torn);
  self->had_last |= outcome == OUTCOME_HUNG_UP;
  if (outcome == OUTCOME_UNREADABLE && self->framer.framing != TALLY_FRAMING_HEADER)
    server_log_mismatch (self, worker, bytes, size);
}

/* The answers of a connection that ends because of what its peer has sent, and not for reasons of the server or its processor,
 * may have to wait for their turn. */
static TALLY_COLD gboolean
hold_back (ServerConnection *self, TallyBuffer *answers)
{
  if (self->had_last || self->refusal >= REFUSE_MEMORY || !server_pace_hold (self))
    return FALSE;
  tally_buffer_append (&self->parting, answers->data, answers->length);
  return TRUE;
}

/* Before this turn's answers are sent. */
static void
prepare_replies (ServerConnection *self, ServerWorker *worker, ServerProgress *progress)
{
  if (G_UNLIKELY (self->is_wrapped))
    self->ready_since = 0;
  if (G_UNLIKELY (self->refusal >= REFUSE_FULL) && progress->served)
    {
      progress->closing = TRUE;
      server_connection_hang_up (self);
    }
  if (G_UNLIKELY (progress->closing) && !progress->lost && hold_back (self, &worker->output))
    worker->output.length = 0;
}

/* Of a connection whose requests may run apart, or say so in their headers: whether the message is not to be answered here. It was taken apart, or
 * with is_full it waits. */
static TALLY_COLD gboolean
take_apart (ServerConnection *self,
            ServerWorker *worker,
            const guint8 *message,
            TallyCut cut,
            gsize size,
            gint64 arrived,
            ServerProgress *progress)
{
  gboolean is_plain = cut == TALLY_CUT_WHOLE && find_refusal (self, 0) == REFUSE_NOTHING;
  ServerApart apart;

  if (self->is_wrapped && cut == TALLY_CUT_WHOLE)
    server_header_note (self, message + TALLY_FRAME_HEADER, size - TALLY_FRAME_HEADER,
                        self->ready_since > 0 ? self->ready_since : arrived);
  if (!self->is_apart && !self->is_limited)
    return FALSE;
  apart = server_set_apart (self, worker, message, size, is_plain);
  self->is_full = apart == APART_FULL;
  if (apart == APART_TAKEN)
    progress->used += size;
  return apart != APART_NOT;
}

/* Why the message that is looked at is not to be executed, for its own reasons. (transfer full) (nullable) */
static TALLY_COLD gchar *
take_verdict (ServerConnection *self)
{
  ServerRefusal verdict = self->verdict;

  self->verdict = REFUSE_NOTHING;
  if (verdict == REFUSE_NOTHING)
    verdict = server_find_overdue (self->message_deadline);
  return server_note_refusal (self->server, verdict);
}

/* Refuses a message that is not all there, or is @size bytes long. */
static void
refuse_endless (ServerConnection *self,
                ServerWorker *worker,
                const guint8 *bytes,
                gsize length,
                TallyCut cut,
                gsize size,
                ServerProgress *progress)
{
  if (cut == TALLY_CUT_TOO_LONG)
    refuse_too_long (self, worker, bytes, length, size, progress);
  else
    refuse_unfinished (self, worker, bytes, length, progress);
}

/* Whether it is known by now how the peer speaks. */
static TALLY_COLD gboolean
detect_speech (ServerConnection *self, const guint8 *bytes, gsize length)
{
  self->is_detected = tally_framer_detect (&self->framer, bytes, length);
  self->is_wrapped = self->framer.framing == TALLY_FRAMING_HEADER;
  return self->is_detected;
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

  if (G_UNLIKELY (!self->is_detected) && !detect_speech (self, bytes, length))
    return progress;
  while (progress.used < length && !progress.closing && !progress.lost && !progress.paused
         && (self->output.length == 0 || self->refusal == REFUSE_MEMORY))
    {
      const guint8 *message = bytes + progress.used;
      g_autofree gchar *refusal = NULL;
      TallyCut cut;
      gsize size = 0;

      if (self->skip > 0)
        {
          skip (self, length, &progress);
          continue;
        }
      cut = tally_framer_cut (&self->framer, message, length - progress.used, &size);
      if (cut == TALLY_CUT_MORE && self->refusal != REFUSE_MEMORY)
        break;
      if (G_UNLIKELY (self->is_apart || self->is_wrapped || self->is_limited))
        {
          if (take_apart (self, worker, message, cut, size, arrived, &progress))
            {
              if (self->is_full)
                break;
              continue;
            }
          refusal = take_verdict (self);
        }
      if (G_UNLIKELY (cut == TALLY_CUT_MORE || cut == TALLY_CUT_TOO_LONG))
        {
          refuse_endless (self, worker, message, length - progress.used, cut, size, &progress);
          continue;
        }
      const ServerRefusal reason = find_refusal (self, arrived);
      if (G_UNLIKELY (reason != REFUSE_NOTHING) && refusal == NULL)
        refusal = server_note_refusal (self->server, reason);
      if (arrived == 0 && size < length - progress.used)
        arrived = server_now ();
      answer_whole (self, worker, message, size, cut == TALLY_CUT_TORN, refusal, &progress);
      if (progress.used < length && !progress.closing && !progress.lost
          && should_send (worker, &began))
        progress.lost = !server_connection_send (self, &worker->output, FALSE);
      progress.paused = progress.used < length && is_to_pause (self, arrived);
    }
  prepare_replies (self, worker, &progress);
  return progress;
}
