/* Owns the call of a caller that is alone on a shared connection. It takes no lock: one atomic word says how
 * far the call is, and each step changes that by one compare-and-swap. It fails when another caller took the lock
 * meanwhile, which enters the call in the books as that step found it (shared-pending.c); from then on the call
 * goes the way of all others (shared-exchange.c). So does one whose bytes do not go or come as they should.
 *
 * That is right because the books can be made of the word alone: while it says SENDING this caller is the only one that
 * sends; until it says DONE no other request is on the wire, so that what has come then can only be the reply to this one. */
#include "shared-private.h"

#include "stream-internal.h"

/* The call is in the books, and its caller has @role, which ended with @role_error (nullable) or is to go on. Locked
 * before, unlocked after. */
static gboolean
go_on_among_others (TallyShared *self,
                    TallyPending *pending,
                    TallyPending **role,
                    GError *role_error,
                    GError **error)
{
  TallyPendingState state = tally_pending_get_state (pending);

  if (role_error == NULL && (state == TALLY_PENDING_SENDING || state == TALLY_PENDING_RECEIVING))
    pthread_mutex_unlock (&self->lock);
  else if (!tally_shared_end_role (self, pending, role, role_error, error))
    return FALSE;
  return tally_shared_go_on (self, pending, error);
}

/* Of its request @sent bytes went, then or before @role_error (nullable), and it is no longer alone, or that was not all. */
static G_GNUC_NO_INLINE gboolean
go_on_sending (
    TallyShared *self, TallyPending *pending, gsize sent, GError *role_error, GError **error)
{
  gboolean full;

  tally_shared_lock (self);
  role_error = tally_shared_end_round_locked (self, sent, role_error, &full);
  return go_on_among_others (self, pending, &self->sender, role_error, error);
}

/* What has come is not its reply, or it is no longer alone. */
static G_GNUC_NO_INLINE gboolean
go_on_receiving (TallyShared *self, TallyPending *pending, GError *role_error, GError **error)
{
  pending->in_place = FALSE;
  tally_shared_lock (self);
  return go_on_among_others (self, pending, &self->receiver, role_error, error);
}

/* Whether the message at pending->reply, which is whole, is the reply to @pending's call. */
static inline gboolean
is_own (const TallyShared *self, TallyPending *pending)
{
  TallyReader reader;

  pending->body = NULL;
  if (G_UNLIKELY (self->framer.framing == TALLY_FRAMING_HEADER))
    return tally_shared_is_reply_in_frame (self, pending);
  tally_reader_init (&reader, pending->reply, pending->reply_length, pending->limits);
  if (!self->framer.codec->read_message (&reader, &pending->header, NULL))
    return FALSE;
  pending->body = reader.cursor;
  return pending->header.seqid == pending->seqid;
}

/* Whether its own reply is what arrives next, and nothing else. Then that is in the pending call, in place; else the
 * input is as it was. @error is set where it could not be received. */
static inline gboolean
receive_own (TallyShared *self, TallyPending *pending, GError **error)
{
  gsize header = tally_frame_header (self->framer.framing);
  const guint8 *input;
  gsize length;
  gsize available = 0;
  TallyCut cut;

  self->limits = *pending->limits;
  tally_socket_set_limits (self->socket, pending->deadline, NULL);
  do
    {
      if (G_UNLIKELY (available > 0 && !tally_pending_check_in_time (pending, error))
          || !tally_socket_fill (self->socket, available + 1, error))
        return FALSE;
      input = tally_socket_peek_input (self->socket, &available);
      cut = tally_framer_cut (&self->framer, input, available, &length);
    }
  while (G_UNLIKELY (cut == TALLY_CUT_MORE));
  pending->in_place = TRUE;
  pending->reply = input + header;
  pending->reply_length = length - header;
  return G_LIKELY (cut == TALLY_CUT_WHOLE && length == available) && is_own (self, pending);
}

gboolean
tally_shared_exchange_alone (TallyShared *self, TallyPending *pending, GError **error)
{
  const gint32 seqid = pending->seqid;
  const guint64 is_sending = tally_alone_make_state (TALLY_ALONE_SENDING, seqid);
  const guint64 is_receiving = tally_alone_make_state (TALLY_ALONE_RECEIVING, seqid);
  const guint64 is_done = tally_alone_make_state (TALLY_ALONE_DONE, seqid);
  const guint8 *request = pending->buffer.data; /* the books take it, not its bytes, away */
  const gsize length = pending->buffer.length;
  GError *role_error = NULL;
  gsize sent;

  if (!tally_alone_step (self, tally_alone_make_state (TALLY_ALONE_OPEN, seqid), is_sending))
    return tally_shared_go_on (self, pending, error);
  tally_socket_send_bytes (self->socket, request, length, &sent, &role_error);
  if (G_UNLIKELY (pending->sent_time == TALLY_SENT_TIME_WANTED) && sent == length)
    pending->sent_time = g_get_monotonic_time ();
  if (G_UNLIKELY (sent < length)
      || !tally_alone_step (self, is_sending, pending->oneway ? is_done : is_receiving))
    return go_on_sending (self, pending, sent, role_error, error);
  if (pending->oneway)
    return TRUE;
  if (G_LIKELY (receive_own (self, pending, &role_error))
      && tally_alone_step (self, is_receiving, is_done))
    return TRUE;
  return go_on_receiving (self, pending, role_error, error);
}
