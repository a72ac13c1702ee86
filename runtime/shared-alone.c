/* Owns the call of a caller that is alone on a shared connection. It takes no lock: one atomic word says how
 * far the call is, and each step changes that by one compare-and-swap. It fails when another caller took the lock
 * meanwhile, which enters the call in the books as that step found it (shared-pending.c); from then on the call
 * goes the way of all others (shared-exchange.c). So does one whose bytes do not go or come as they should. */
#include "shared-private.h"

#include "stream-internal.h"

static inline guint64
make_state (TallyAlonePhase phase, const TallyPending *pending)
{
  return (guint64) phase | (guint64) (guint32) pending->seqid << 32;
}

/* FALSE when the call is in the books. */
static inline gboolean
step (TallyShared *self, const TallyPending *pending, TallyAlonePhase from, TallyAlonePhase to)
{
  guint64 state = make_state (from, pending);
  guint64 next = to == TALLY_ALONE_FREE ? TALLY_ALONE_FREE : make_state (to, pending);

  return __atomic_compare_exchange_n (&self->alone_state, &state, next, FALSE, __ATOMIC_ACQ_REL,
                                      __ATOMIC_ACQUIRE);
}

/* Whether all went and the caller is still alone; else @sent says how much did. @request is what the pending call
 * had, which is taken away when that is entered in the books. */
static gboolean
send_alone (TallyShared *self,
            TallyPending *pending,
            const TallyBuffer *request,
            gsize *sent,
            GError **error)
{
  tally_socket_send_bytes (self->socket, request->data, request->length, sent, error);
  if (G_UNLIKELY (*sent < request->length))
    return FALSE;
  if (G_UNLIKELY (pending->sent_time == TALLY_SENT_TIME_WANTED))
    pending->sent_time = g_get_monotonic_time ();
  return step (self, pending, TALLY_ALONE_SENDING,
               pending->oneway ? TALLY_ALONE_DONE : TALLY_ALONE_RECEIVING);
}

/* Whether the reply is there and the caller still alone. */
static gboolean
receive_alone (TallyShared *self, TallyPending *pending, GError **error)
{
  tally_socket_set_limits (self->socket, pending->deadline, NULL);
  if (!tally_shared_receive_alone (self, pending, error))
    return FALSE;
  pending->in_place = TRUE;
  if (step (self, pending, TALLY_ALONE_RECEIVING, TALLY_ALONE_DONE))
    return TRUE;
  pending->in_place = FALSE;
  return FALSE;
}

/* The call is in the books, and its caller has @role, which ended with @role_error (nullable) or is to go on. Locked
 * before, unlocked after. */
static G_GNUC_NO_INLINE gboolean
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

gboolean
tally_shared_exchange_alone (TallyShared *self, TallyPending *pending, GError **error)
{
  const TallyBuffer request = pending->buffer;
  GError *role_error = NULL;
  gboolean full;
  gsize sent;

  if (!step (self, pending, TALLY_ALONE_OPEN, TALLY_ALONE_SENDING))
    return tally_shared_go_on (self, pending, error);
  if (G_UNLIKELY (!send_alone (self, pending, &request, &sent, &role_error)))
    {
      tally_shared_lock (self);
      role_error = tally_shared_end_round_locked (self, sent, role_error, &full);
      return go_on_among_others (self, pending, &self->sender, role_error, error);
    }
  if (G_LIKELY (pending->oneway || receive_alone (self, pending, &role_error)))
    return TRUE;
  tally_shared_lock (self);
  return go_on_among_others (self, pending, &self->receiver, role_error, error);
}

gboolean
tally_shared_close_alone (TallyShared *self, TallyPending *pending)
{
  TallyAlonePhase phase =
      tally_alone_get_phase (__atomic_load_n (&self->alone_state, __ATOMIC_ACQUIRE));

  if (phase == TALLY_ALONE_NOT)
    return FALSE;
  tally_pending_clear_buffer (pending);
  tally_pending_set_state (pending, TALLY_PENDING_OPEN);
  return step (self, pending, phase, TALLY_ALONE_FREE);
}
