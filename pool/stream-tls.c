/* Owns the stream's second kind: bytes through a GTlsConnection. GIO lets one thread read and
 * another one write at the same time, as a stream does. GIO makes a GError where nothing is there;
 * so it is not called where the ciphertext tells that already. It knows neither dialing nor
 * servers. */
#include <string.h>

#include "tls-layer-private.h"

/* The most plaintext of a record. */
#define MAX_RECORD 16384
/* The type of the records that a handshake consists of. */
#define RECORD_HANDSHAKE 22

/* Failures that are not the descriptor's. */
#define RECEIVE_FAILED EPROTO
#define SEND_FAILED ECOMM

/* What a peer that speaks something else is told: a fatal alert, "unexpected message". */
static const guint8 not_tls_alert[] = { 21, 3, 1, 0, 2, 2, 10 };

/* An end without TLS's goodbye. */
#define ENDED_EARLY "the peer closed it without TLS's goodbye, so that the end may be missing"
#define ENDED_AT_ONCE                                                                              \
  "the peer closed it without TLS's goodbye, before it had said anything, as one may that "        \
  "refuses "                                                                                       \
  "this side's certificate"

static inline TallyTls *
layer_of (const TallyStream *stream)
{
  return stream->layer;
}

static inline TallyTlsState
get_state (const TallyTls *self)
{
  return (TallyTlsState) __atomic_load_n (&self->state, __ATOMIC_ACQUIRE);
}

/* ---- receiving ---- */

static gssize
fail_to_receive (TallyTls *self, const GError *error)
{
  if (self->base->receive_errno != 0)
    {
      errno = self->base->receive_errno;
      return -1;
    }
  if (self->receive_error == NULL)
    self->receive_error =
        g_strdup (!g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF) ? error->message
                  : self->has_received                                   ? ENDED_EARLY
                                                                         : ENDED_AT_ONCE);
  errno = RECEIVE_FAILED;
  return -1;
}

/* Whether the first message of a peer, all of which fits into one record, is there. */
static gboolean
has_greeting (const TallyTlsBase *base)
{
  guint length = base->end - base->start;
  const guint8 *head = base->bytes + base->start;

  return (length > 0 && head[0] != RECORD_HANDSHAKE) || base->end == sizeof base->bytes
         || (length >= TALLY_TLS_HEAD && length >= TALLY_TLS_HEAD + (head[3] * 256U + head[4]));
}

static gssize
refuse_greeting (TallyTls *self)
{
  gsize sent = 0;

  tally_stream_send (&self->base->plain, not_tls_alert, sizeof not_tls_alert, TRUE, &sent);
  self->receive_error = g_strdup (TALLY_TLS_NOT_SPOKEN);
  __atomic_store_n (&self->state, TALLY_TLS_FAILED, __ATOMIC_RELEASE);
  errno = RECEIVE_FAILED;
  return -1;
}

/* A server's, before anything can be received. */
static gssize
receive_greeting (TallyTls *self)
{
  gint filled;

  if (get_state (self) == TALLY_TLS_SHAKING)
    {
      errno = EAGAIN;
      return -1;
    }
  do
    filled = tally_tls_base_fill (self->base);
  while (filled > 0 && !has_greeting (self->base));
  if (filled <= 0)
    return filled;
  if (self->base->bytes[self->base->start] == RECORD_HANDSHAKE)
    {
      tally_tls_acceptor_begin (self->acceptor, self);
      errno = EAGAIN;
      return -1;
    }
  return refuse_greeting (self);
}

static gssize
receive_plaintext (TallyTls *self, gpointer bytes, gsize length)
{
  g_autoptr (GError) error = NULL;
  gssize count;

  if (G_UNLIKELY (self->has_ended || self->receive_error != NULL))
    return self->has_ended ? 0 : fail_to_receive (self, NULL);
  if (!self->may_hold && !tally_tls_base_has_bytes (self->base)
      && tally_tls_base_fill (self->base) < 0)
    return -1;
  count = g_pollable_input_stream_read_nonblocking (
      G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (G_IO_STREAM (self->connection))),
      bytes, length, NULL, &error);
  self->may_hold = count == (gssize) length;
  self->has_received |= count > 0;
  self->has_ended = count == 0 && length > 0;
  if (count >= 0)
    return count;
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return fail_to_receive (self, error);
  errno = EAGAIN;
  return -1;
}

static gssize
tls_receive (TallyStream *stream, gpointer bytes, gsize length)
{
  TallyTls *self = layer_of (stream);

  if (get_state (self) == TALLY_TLS_FAILED)
    {
      errno = RECEIVE_FAILED;
      return -1;
    }
  if (G_UNLIKELY (get_state (self) != TALLY_TLS_SECURED))
    return receive_greeting (self);
  if (G_UNLIKELY (self->has_kept) && length > 0)
    {
      self->has_kept = FALSE;
      *(guint8 *) bytes = self->kept;
      return 1;
    }
  return receive_plaintext (self, bytes, length);
}

/* A record need not be a message, nor even a byte: only GIO knows. One of which a part is here counts as input,
 * because it may be one. */
static TallyLook
tls_look (TallyStream *stream)
{
  TallyTls *self = layer_of (stream);
  gssize count;

  if (self->has_kept)
    return TALLY_LOOK_INPUT;
  count = tls_receive (stream, &self->kept, 1);
  self->has_kept = count > 0;
  if (count > 0)
    return TALLY_LOOK_INPUT;
  if (count == 0)
    return TALLY_LOOK_END;
  if (errno != EAGAIN)
    return TALLY_LOOK_FAILED;
  return tally_tls_base_is_inside_record (self->base) ? TALLY_LOOK_INPUT : TALLY_LOOK_NOTHING;
}

static gboolean
tls_has_input (const TallyStream *stream)
{
  const TallyTls *self = layer_of (stream);

  return self->has_kept
         || (get_state (self) == TALLY_TLS_SECURED
             && (self->has_ended || self->receive_error != NULL || self->may_hold
                 || tally_tls_base_has_bytes (self->base)));
}

/* ---- sending ---- */

static gssize
fail_to_send (TallyTls *self, const GError *error)
{
  if (self->base->send_errno != 0)
    {
      errno = self->base->send_errno;
      return -1;
    }
  if (self->send_error == NULL)
    self->send_error = g_strdup (error->message);
  errno = SEND_FAILED;
  return -1;
}

static gssize
tls_send (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  TallyTls *self = layer_of (stream);
  g_autoptr (GError) error = NULL;
  gssize count;

  if (G_UNLIKELY (get_state (self) != TALLY_TLS_SECURED))
    {
      errno = get_state (self) == TALLY_TLS_SHAKING ? EAGAIN : EPIPE;
      return -1;
    }
  self->base->ends = ends;
  count = g_pollable_output_stream_write_nonblocking (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (G_IO_STREAM (self->connection))),
      bytes, length, NULL, &error);
  self->base->ends = FALSE;
  __atomic_store_n (&self->committed, 0, __ATOMIC_RELAXED);
  if (count >= 0)
    return count;
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return fail_to_send (self, error);
  /* These it has encrypted, and may have sent in part; the next try goes on with them. */
  __atomic_store_n (&self->committed, MIN (length, MAX_RECORD), __ATOMIC_RELAXED);
  errno = EAGAIN;
  return -1;
}

static gsize
tls_count_committed (const TallyStream *stream)
{
  return __atomic_load_n (&layer_of (stream)->committed, __ATOMIC_RELAXED);
}

/* ---- waiting ---- */

static guint
tls_get_watch (const TallyStream *stream, guint events)
{
  const TallyTls *self = layer_of (stream);

  /* The handshake's end tells of itself. */
  return get_state (self) == TALLY_TLS_SHAKING
             ? 0
             : tally_stream_get_watch (&self->base->plain, events);
}

static const gchar *
tls_describe_error (const TallyStream *stream, gint number)
{
  const TallyTls *self = layer_of (stream);

  return number == RECEIVE_FAILED ? self->receive_error
         : number == SEND_FAILED  ? self->send_error
                                  : NULL;
}

/* ---- the end ---- */

static void
tls_end_sending (TallyStream *stream)
{
  TallyTls *self = layer_of (stream);

  if (get_state (self) != TALLY_TLS_SECURED)
    return;
  self->base->drops = TRUE;
  g_output_stream_close (g_io_stream_get_output_stream (G_IO_STREAM (self->connection)), NULL,
                         NULL);
}

/* The goodbye goes where nothing has failed; the peer then knows that nothing was cut off. A descriptor
 * on which a handshake is under way, which ends now, is closed when that has ended. */
static void
tls_close (TallyStream *stream)
{
  TallyTls *self = layer_of (stream);
  TallyTlsState state;

  self->base->drops = TRUE;
  if (self->acceptor != NULL)
    tally_tls_acceptor_forget (self->acceptor, self);
  state = get_state (self);
  if (state == TALLY_TLS_SECURED)
    g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  if (state == TALLY_TLS_SHAKING)
    tally_stream_shut_down (&self->base->plain);
  else
    tally_tls_base_close (self->base);
  stream->fd = -1;
  stream->layer = NULL;
  tally_tls_unref (self);
}

/* ---- life ---- */

static const TallyStreamKind tls_kind = { .send = tls_send,
                                          .receive = tls_receive,
                                          .look = tls_look,
                                          .has_input = tls_has_input,
                                          .count_committed = tls_count_committed,
                                          .get_watch = tls_get_watch,
                                          .end_sending = tls_end_sending,
                                          .close = tls_close,
                                          .describe_error = tls_describe_error };

gboolean
tally_tls_put (TallyStream *stream, TallyTlsState state, GError **error)
{
  TallyTlsBase *base = tally_tls_base_new (stream->fd, error);
  TallyTls *self;

  if (base == NULL)
    {
      *stream = TALLY_STREAM_CLOSED;
      return FALSE;
    }
  self = g_new0 (TallyTls, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->state = state;
  self->base = base;
  stream->layer = self;
  stream->kind = &tls_kind;
  return TRUE;
}

TallyTls *
tally_tls_ref (TallyTls *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tally_tls_unref (TallyTls *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_object (&self->connection);
  g_object_unref (self->base);
  g_mutex_clear (&self->lock);
  g_free (self->receive_error);
  g_free (self->send_error);
  g_free (self);
}

gboolean
tally_stream_is_tls (const TallyStream *stream)
{
  return stream->kind == &tls_kind;
}

const gchar *
tally_tls_get_failure (const TallyStream *stream, const guint8 **bytes, gsize *length)
{
  const TallyTls *self = layer_of (stream);

  if (!tally_stream_is_tls (stream) || get_state (self) != TALLY_TLS_FAILED)
    return NULL;
  *bytes = self->connection == NULL ? self->base->bytes + self->base->start : NULL;
  *length = self->connection == NULL ? self->base->end - self->base->start : 0;
  return self->receive_error;
}

GTlsCertificate *
tally_tls_dup_peer_certificate (const TallyStream *stream)
{
  GTlsCertificate *certificate = NULL;

  if (tally_stream_is_tls (stream) && get_state (layer_of (stream)) == TALLY_TLS_SECURED)
    certificate = g_tls_connection_get_peer_certificate (layer_of (stream)->connection);
  return certificate != NULL ? g_object_ref (certificate) : NULL;
}

void
tally_tls_set_ready (TallyStream *stream, TallyTlsReady ready, gpointer data)
{
  TallyTls *self = layer_of (stream);

  self->ready = ready;
  self->ready_data = data;
}

gboolean
tally_tls_is_shaking (const TallyStream *stream)
{
  return tally_stream_is_tls (stream) && get_state (layer_of (stream)) == TALLY_TLS_SHAKING;
}

gboolean
tally_tls_is_unsecured (const TallyStream *stream)
{
  return tally_stream_is_tls (stream) && get_state (layer_of (stream)) < TALLY_TLS_SECURED;
}
