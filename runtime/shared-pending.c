/* Owns a shared connection's state under its lock: sequence ids and where they lead, the queue of
 * requests, which calls wait, what a failure means to each. It sends and receives nothing. */
#include "shared-private.h"

#include <string.h>

#include "reply-private.h"
#include "socket-internal.h"
#include "tally-error.h"

/* A power of two. */
#define FIRST_SLOTS 16

/* ---- lists ---- */

void
tally_pending_list_push (TallyPendingList *list, TallyPending *pending)
{
  pending->list = list;
  pending->next = NULL;
  pending->prev = list->tail;
  if (list->tail != NULL)
    list->tail->next = pending;
  else
    list->head = pending;
  list->tail = pending;
}

void
tally_pending_unlink (TallyPending *pending)
{
  TallyPendingList *list = g_steal_pointer (&pending->list);

  if (list == NULL)
    return;
  if (pending->prev != NULL)
    pending->prev->next = pending->next;
  else
    list->head = pending->next;
  if (pending->next != NULL)
    pending->next->prev = pending->prev;
  else
    list->tail = pending->prev;
}

void
tally_pending_wake (TallyPending *pending, TallySharedAgent *agent)
{
  if (G_UNLIKELY (agent != NULL))
    agent->over (agent, pending, pending);
  else
    sem_post (&pending->wake);
}

/* ---- sequence ids ---- */

/* Up to where requests may have reached the peer, of all that was ever queued. */
static guint64
maybe_sent (const TallyShared *self)
{
  return self->sender != NULL ? self->sent + self->outgoing.length - self->outgoing_start
                              : self->sent;
}

static inline TallySeqidEntry *
find_entry (TallyShared *self, gint32 seqid)
{
  return &self->entries[(guint32) seqid & self->mask];
}

/* Two sequence ids with different places have different ones in a table of twice the size too. */
static void
grow (TallyShared *self)
{
  guint32 size = self->entries != NULL ? self->mask + 1 : 0;
  TallySeqidEntry *old = self->entries;

  self->mask = MAX (2 * size, FIRST_SLOTS) - 1;
  self->entries = g_new0 (TallySeqidEntry, self->mask + 1);
  for (guint32 i = 0; i < size; i++)
    if (old[i].seqid != 0)
      *find_entry (self, old[i].seqid) = old[i];
  g_free (old);
}

static void
make_seqid_room (TallyShared *self)
{
  if (self->entries == NULL || 2 * (self->n_pending + self->n_owed) > self->mask)
    grow (self);
}

/* Never 0, which clients send that do not match replies, and never one in flight or owed: its place
 * is taken. */
static gint32
take_seqid_locked (TallyShared *self, TallyPending *pending)
{
  TallySeqidEntry *entry;
  gint32 seqid;

  make_seqid_room (self);
  do
    {
      seqid = tally_seqid_take (&self->last_seqid);
      entry = find_entry (self, seqid);
    }
  while (entry->seqid != 0);
  *entry = (TallySeqidEntry){ seqid, pending };
  return seqid;
}

gboolean
tally_shared_take_reply_locked (TallyShared *self, gint32 seqid, TallyPending **pending)
{
  TallySeqidEntry *entry;

  if (self->entries == NULL || seqid == 0)
    return FALSE;
  entry = find_entry (self, seqid);
  if (entry->seqid != seqid)
    return FALSE;
  *pending = entry->pending;
  if (*pending != NULL)
    {
      /* A oneway call is not answered, and no other before it was sent. */
      if ((*pending)->list == NULL || (*pending)->oneway || (*pending)->start >= maybe_sent (self))
        return FALSE;
      tally_pending_unlink (*pending);
      tally_pending_set_state (*pending, TALLY_PENDING_CLAIMED);
      self->n_completed++;
    }
  else
    {
      self->n_owed--;
      __atomic_store_n (&self->n_late, self->n_late + 1, __ATOMIC_RELEASE);
    }
  entry->seqid = 0;
  return TRUE;
}

/* ---- pending calls ---- */

static void
reset_pending (TallyPending *pending)
{
  while (sem_trywait (&pending->wake) == 0)
    continue; /* what came too late for the call before */
  pending->list = NULL;
  pending->agent = NULL;
}

TallyPending *
tally_shared_take_pending_locked (TallyShared *self)
{
  TallyPending *pending = self->free;

  if (pending != NULL)
    self->free = pending->next;
  else
    {
      pending = g_new0 (TallyPending, 1);
      sem_init (&pending->wake, FALSE, 0);
    }
  reset_pending (pending);
  pending->in_place = FALSE;
  self->n_pending++;
  pending->seqid = take_seqid_locked (self, pending);
  return pending;
}

/* The pending call is free for another call, even if a reply is still owed for this one. */
void
tally_shared_drop_pending_locked (TallyShared *self, TallyPending *pending)
{
  TallySeqidEntry *entry = find_entry (self, pending->seqid);

  if (entry->seqid == pending->seqid && entry->pending == pending)
    entry->seqid = 0;
  tally_pending_clear_buffer (pending);
  tally_pending_set_state (pending, TALLY_PENDING_OPEN);
  self->n_pending--;
  if (pending == &self->alone)
    return;
  pending->next = self->free;
  self->free = pending;
}

/* While there is no receiver. */
void
tally_shared_look_for_dirt_locked (TallyShared *self)
{
  gsize available;

  if (self->n_pending > 0 || self->n_owed > 0)
    return;
  tally_socket_peek_input (self->socket, &available);
  if (available == 0)
    return;
  self->dirty = TRUE;
  __atomic_store_n (&self->is_unusable, TRUE, __ATOMIC_RELEASE);
}

/* ---- the queue of requests ---- */

static inline void
raise_to (guint *limit, guint value)
{
  if (G_UNLIKELY (value > __atomic_load_n (limit, __ATOMIC_RELAXED)))
    __atomic_store_n (limit, value, __ATOMIC_RELAXED);
}

/* Replies may be as @limits say. */
static void
allow (TallyShared *self, const TallyLimits *limits)
{
  raise_to (&self->max_message, limits->max_message);
  raise_to (&self->max_depth, limits->max_depth);
  if (G_UNLIKELY (!limits->strict))
    __atomic_store_n (&self->is_lenient, TRUE, __ATOMIC_RELAXED);
}

static guint64
queue_start (const TallyShared *self)
{
  return self->queued_end - (self->queued.length - self->queued_start);
}

void
tally_shared_note_queued_locked (TallyShared *self, TallyPending *pending, gsize length)
{
  allow (self, pending->limits);
  pending->start = self->queued_end;
  self->queued_end += length;
  pending->end = self->queued_end;
  pending->completed_before = self->n_completed;
  pending->sent_before = self->sent;
  tally_pending_list_push (&self->unsent, pending);
}

/* The request goes from the pending call's buffer to the end of the queue; without a copy where that is
 * empty. */
void
tally_shared_queue_locked (TallyShared *self, TallyPending *pending)
{
  gsize length = pending->buffer.length;

  if (self->queued.length == 0)
    {
      TallyBuffer empty = self->queued;

      self->queued = pending->buffer;
      pending->buffer = empty;
    }
  else
    tally_buffer_append (&self->queued, pending->buffer.data, pending->buffer.length);
  pending->buffer.length = 0;
  tally_shared_note_queued_locked (self, pending, length);
}

/* Takes the request of a caller that leaves out of the queue, if all of it is still there. */
gboolean
tally_shared_withdraw_locked (TallyShared *self, TallyPending *pending)
{
  guint64 length = pending->end - pending->start;
  guint8 *request;

  if (pending->start < queue_start (self) + tally_socket_count_committed (self->socket))
    return FALSE;
  request = self->queued.data + self->queued_start + (pending->start - queue_start (self));
  memmove (request, request + length, self->queued_end - pending->end);
  self->queued.length -= length;
  self->queued_end -= length;
  if (self->queued.length == self->queued_start)
    self->queued.length = self->queued_start = 0; /* nothing is queued */
  for (TallyPending *other = pending->next; other != NULL; other = other->next)
    {
      other->start -= length;
      other->end -= length;
    }
  return TRUE;
}

/* The caller leaves, its request does not: the reply, if one is due, is owed and will be dropped.
 */
void
tally_shared_forget_locked (TallyShared *self, TallyPending *pending)
{
  TallySeqidEntry *entry = find_entry (self, pending->seqid);

  if (pending->oneway || entry->pending != pending || entry->seqid != pending->seqid)
    return;
  entry->pending = NULL;
  if (++self->n_owed >= TALLY_SHARED_MAX_OWED)
    __atomic_store_n (&self->is_unusable, TRUE, __ATOMIC_RELEASE);
}

/* How many bytes of its request the peer may have: all that is being sent counts. */
gsize
tally_shared_count_sent_locked (const TallyShared *self, const TallyPending *pending)
{
  guint64 sent = maybe_sent (self);
  guint64 end = MIN (sent, pending->end);

  return end > pending->start ? end - pending->start : 0;
}

gboolean
tally_shared_bear_refusal (TallyShared *self, const TallyPending *pending)
{
  gboolean is_borne;

  tally_shared_lock (self);
  is_borne = pending->end <= maybe_sent (self);
  if (is_borne && pending->end > self->sent)
    self->wanted_end = MAX (self->wanted_end, pending->end);
  pthread_mutex_unlock (&self->lock);
  return is_borne;
}

/* ---- the lone caller ---- */

/* As if it had been queued and taken by its caller, who sends. */
static void
enter_request (TallyShared *self, TallyPending *pending)
{
  TallyBuffer empty = self->outgoing;

  allow (self, pending->limits);
  pending->start = self->sent;
  pending->end = self->queued_end = self->sent + pending->buffer.length;
  pending->completed_before = self->n_completed;
  pending->sent_before = self->sent;
  self->outgoing = pending->buffer;
  pending->buffer = empty;
  tally_pending_list_push (&self->unsent, pending);
  tally_pending_set_state (pending, TALLY_PENDING_SENDING);
  self->sender = pending;
}

/* As if its reply had been claimed and left in place. */
static void
enter_done (TallyShared *self, TallyPending *pending)
{
  pending->start = pending->end = self->sent;
  tally_pending_set_state (pending, TALLY_PENDING_DONE);
  self->n_completed++;
  if (!pending->oneway)
    self->receiver = pending;
}

void
tally_shared_end_alone_locked (TallyShared *self)
{
  guint64 state = __atomic_exchange_n (&self->alone_state, TALLY_ALONE_NOT, __ATOMIC_ACQ_REL);
  TallyAlonePhase phase = tally_alone_get_phase (state);
  TallyPending *pending = &self->alone;

  if (phase == TALLY_ALONE_NOT || phase == TALLY_ALONE_FREE)
    return;
  reset_pending (pending);
  make_seqid_room (self);
  self->n_pending++;
  if (phase == TALLY_ALONE_DONE)
    {
      enter_done (self, pending);
      return;
    }
  *find_entry (self, (gint32) (state >> 32)) = (TallySeqidEntry){ (gint32) (state >> 32), pending };
  if (phase != TALLY_ALONE_OPEN)
    enter_request (self, pending);
  if (phase != TALLY_ALONE_RECEIVING)
    return;
  self->sender = NULL;
  tally_shared_note_sent_locked (self, self->outgoing.length);
  self->outgoing.length = 0;
  tally_pending_set_state (pending, TALLY_PENDING_RECEIVING);
  self->receiver = pending;
}

void
tally_shared_allow_alone_locked (TallyShared *self)
{
  if (self->n_pending == 0 && self->n_owed == 0 && self->agents == NULL && self->queued.length == 0
      && !self->dirty && tally_shared_get_failure_locked (self) == NULL)
    __atomic_store_n (&self->alone_state, TALLY_ALONE_FREE, __ATOMIC_RELEASE);
}

/* ---- failure ---- */

static void
fail (TallyShared *self, TallyPending *pending)
{
  tally_pending_unlink (pending);
  pending->refused = self->is_refused;
  pending->sent = tally_shared_count_sent_locked (self, pending);
  tally_pending_set_state (pending, TALLY_PENDING_FAILED);
  tally_pending_wake (pending, pending->agent);
}

static void
fail_list (TallyShared *self, TallyPendingList *list)
{
  while (list->head != NULL)
    fail (self, list->head);
}

void
tally_shared_fail_calls_locked (TallyShared *self)
{
  fail_list (self, &self->waiting);
  if (self->outgoing.length == 0)
    fail_list (self, &self->unsent);
}

void
tally_shared_fail_locked (TallyShared *self, const GError *error)
{
  if (self->failure != NULL)
    return;
  __atomic_store_n (&self->is_unusable, TRUE, __ATOMIC_RELEASE);
  self->failure = g_error_copy (self->send_failure != NULL ? self->send_failure : error);
  if (self->send_failure == NULL)
    self->failed_at = g_get_monotonic_time ();
  tally_shared_fail_calls_locked (self);
}

/* The peer can still answer what it has. */
void
tally_shared_fail_sending_locked (TallyShared *self, const GError *error)
{
  TallyPending *pending = self->unsent.head;

  if (self->failure != NULL || self->send_failure != NULL)
    return;
  __atomic_store_n (&self->is_unusable, TRUE, __ATOMIC_RELEASE);
  self->send_failure = g_error_copy (error);
  self->failed_at = g_get_monotonic_time ();
  while (pending != NULL)
    {
      TallyPending *next = pending->next;

      if (pending->start >= maybe_sent (self))
        fail (self, pending);
      pending = next;
    }
}

gsize
tally_shared_count_sent (TallyShared *self, const TallyPending *pending)
{
  gsize sent = pending->end - pending->start;

  tally_shared_lock (self);
  if (self->send_failure != NULL || self->failure != NULL)
    sent = tally_shared_count_sent_locked (self, pending);
  tally_shared_unlock (self);
  return sent;
}

void
tally_shared_fail_if_stalled (TallyShared *self, const TallyPending *pending)
{
  gboolean waited_for_reply = pending->sent > 0 && !pending->oneway;

  tally_shared_lock (self);
  if (self->n_completed == pending->completed_before
      && (waited_for_reply || self->sent == pending->sent_before))
    {
      g_autoptr (GError) error = g_error_new_literal (
          TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
          "the peer has completed no call for as long as one on the connection might take");

      tally_shared_fail_locked (self, error);
    }
  tally_shared_unlock (self);
}

void
tally_shared_set_failure_error (const GError *failure, gboolean maybe_sent, GError **error)
{
  if (maybe_sent)
    g_set_error_literal (error, failure->domain, failure->code, failure->message);
  else
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT, failure->message);
}

gboolean
tally_shared_get_outcome (TallyShared *self, TallyPending *pending, GError **error)
{
  if (G_LIKELY (tally_pending_get_state (pending) == TALLY_PENDING_DONE))
    return TRUE;
  /* The failure is set by now; the first one counts. */
  tally_shared_set_failure_error (self->send_failure != NULL ? self->send_failure : self->failure,
                                  pending->sent > 0, error);
  return FALSE;
}

gint64
tally_shared_get_failed_at (TallyShared *self)
{
  gint64 failed_at;

  tally_shared_lock (self);
  failed_at = self->failed_at;
  pthread_mutex_unlock (&self->lock);
  return failed_at;
}

/* A thread that sends or receives on a connection that has failed is woken by the kernel. Where only sending
 * has failed nothing is shut down: a server that stops lets nothing more in over a Unix socket, answers
 * what it has, and then ends the connection. Each call's deadline bounds its wait. */
void
tally_shared_unlock (TallyShared *self)
{
  if (G_UNLIKELY (self->failure != NULL) && !self->is_shut)
    {
      self->is_shut = TRUE;
      tally_socket_shut_down (self->socket); /* with the lock: while there is a lease for certain */
    }
  pthread_mutex_unlock (&self->lock);
}

/* ---- life ---- */

void
tally_shared_free (TallySocketKeeper *keeper)
{
  TallyShared *self = (TallyShared *) keeper;
  TallyPending *pending;

  while ((pending = self->free) != NULL)
    {
      self->free = pending->next;
      tally_buffer_clear (&pending->buffer);
      sem_destroy (&pending->wake);
      g_free (pending);
    }
  tally_framer_clear (&self->framer);
  g_clear_error (&self->failure);
  g_clear_error (&self->send_failure);
  tally_buffer_clear (&self->outgoing);
  tally_buffer_clear (&self->queued);
  tally_buffer_clear (&self->alone.buffer);
  sem_destroy (&self->alone.wake);
  pthread_mutex_destroy (&self->lock);
  g_free (self->entries);
  g_free (self);
}

TallyShared *
tally_shared_make (TallySocket *socket, const TallyCodec *codec, TallyFraming framing)
{
  TallyShared *self = g_new0 (TallyShared, 1);
  TallySocketKeeper *keeper;

  self->keeper = (TallySocketKeeper){ tally_shared_settle, tally_shared_free };
  self->socket = socket;
  self->framer = (TallyFramer){ codec, &self->limits, framing, NULL };
  self->limits = tally_limits_default;
  pthread_mutex_init (&self->lock, NULL);
  sem_init (&self->alone.wake, FALSE, 0);
  self->alone_state = TALLY_ALONE_FREE;
  keeper = tally_socket_keep (socket, &self->keeper);
  return keeper->free == tally_shared_free ? (TallyShared *) keeper : NULL;
}
