/* Owns one call on a shared connection from its request to its reply: which caller sends, which one
 * receives, which ones sleep. shared-input.c has what arrives. */
#include "shared-private.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "framing-private.h"
#include "stream-internal.h"
#include "tally-error.h"

/* So many times in a row a sender lets others queue in vain; then only every so many times. */
#define PATIENCE 8
#define PROBE_EVERY 32
/* Microseconds after which a sender that waits for room looks whether another caller still receives: that may have left, and then
 * nobody tells it. */
#define LOOK_INTERVAL (20 * G_TIME_SPAN_MILLISECOND)
/* The queue's memory that many or large requests have grown is given back after them. */
#define KEPT_OUTGOING_CAPACITY (64 * 1024)

/* (nullable): why no call can begin; set once. */
const GError *
tally_shared_get_failure_locked (const TallyShared *self)
{
  return self->failure != NULL ? self->failure : self->send_failure;
}

/* ---- the two roles ---- */

static void
give_role_locked (TallyPending **holder, TallyPending *pending, TallyPendingState role)
{
  *holder = pending;
  tally_pending_set_state (pending, role);
  tally_pending_wake (pending, pending->agent);
}

static gboolean
is_waiting (TallyPending *pending)
{
  return tally_pending_get_state (pending) == TALLY_PENDING_WAITING;
}

/* Whether a thread sleeps there. */
static gboolean
can_take_role (TallyPending *pending)
{
  return pending->agent == NULL && is_waiting (pending);
}

static TallyPending *
find_waiting (TallyPendingList *list)
{
  TallyPending *pending = list->head;

  while (pending != NULL && !can_take_role (pending))
    pending = pending->next;
  return pending;
}

/* (nullable): the call whose caller receives next: @awake (nullable), which need not be woken, if it
 * can, else the one that queued last, which stays receiver for longest where replies come in order.
 * Where nothing can be sent any more, a call that is not sent, or only in part, receives too: its
 * refusal may have come. */
static TallyPending *
find_receiver_locked (TallyShared *self, TallyPending *awake)
{
  TallyPending *pending = self->waiting.tail;

  if (awake != NULL && is_waiting (awake)
      && (awake->list == &self->waiting || (awake->list != NULL && self->send_failure != NULL)))
    return awake;
  while (pending != NULL && !can_take_role (pending))
    pending = pending->prev;
  if (pending == NULL && self->send_failure != NULL)
    pending = find_waiting (&self->unsent);
  return pending;
}

/* Where no thread takes a role each agent is to wait for what it needs. What a layer has taken from the kernel poll () does not
 * tell, and the agent that received last may never look again. */
static void
tell_agents_locked (TallyShared *self)
{
  gboolean holds_input = self->receiver == NULL && tally_socket_has_input (self->socket);
  gboolean may_send = self->sender == NULL && self->queued.length > 0 && self->send_failure == NULL;
  guint events =
      (self->receiver == NULL ? TALLY_STREAM_READABLE : 0) | (may_send ? TALLY_STREAM_WRITABLE : 0);

  for (TallySharedAgent *agent = self->agents; agent != NULL; agent = agent->next)
    agent->watch (agent, self->failure == NULL ? events : 0, holds_input);
}

void
tally_shared_hand_on_locked (TallyShared *self, TallyPending *awake)
{
  TallyPending *pending;

  if (self->sender == NULL && self->queued.length > 0 && self->send_failure == NULL)
    {
      pending = find_waiting (&self->unsent);
      if (pending != NULL)
        give_role_locked (&self->sender, pending, TALLY_PENDING_SENDING);
    }
  if (self->receiver == NULL)
    {
      pending = find_receiver_locked (self, awake);
      if (pending != NULL)
        give_role_locked (&self->receiver, pending, TALLY_PENDING_RECEIVING);
      else if (self->send_failure != NULL && self->agents == NULL)
        tally_shared_fail_locked (self, self->send_failure);
    }
  if (G_UNLIKELY (self->agents != NULL))
    tell_agents_locked (self);
}

/* ---- leaving ---- */

/* The caller of @pending, which is in a list and has no role any more, goes without its reply. */
static void
leave_call_locked (TallyShared *self, TallyPending *pending)
{
  gboolean withdrawn;

  pending->sent = tally_shared_count_sent_locked (self, pending);
  withdrawn = pending->list == &self->unsent && tally_shared_withdraw_locked (self, pending);
  tally_pending_unlink (pending);
  tally_pending_set_state (pending, TALLY_PENDING_OPEN);
  if (!withdrawn)
    tally_shared_forget_locked (self, pending);
  tally_shared_hand_on_locked (self, NULL);
}

static gboolean
is_limit (const GError *error)
{
  return g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
set_left_error (const TallyPending *pending, gboolean timed_out, GError **error)
{
  const gchar *when = pending->sent == 0 ? "before the request was sent"
                      : pending->sent < pending->end - pending->start
                          ? "while sending"
                          : "while waiting for the reply";

  if (timed_out)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out %s", when);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled %s", when);
}

gboolean
tally_shared_end_role (TallyShared *self,
                       TallyPending *pending,
                       TallyPending **holder,
                       GError *role_error,
                       GError **error)
{
  gboolean at_limit = role_error != NULL && is_limit (role_error);
  gboolean timed_out = at_limit && role_error->domain == TALLY_ERROR;
  gboolean leaves;

  if (role_error != NULL && !at_limit)
    {
      if (holder != &self->sender || self->send_failure == NULL)
        tally_shared_fail_locked (self, role_error);
    }
  g_clear_error (&role_error);
  *holder = NULL;
  if (tally_pending_get_state (pending) == TALLY_PENDING_SENDING
      || tally_pending_get_state (pending) == TALLY_PENDING_RECEIVING)
    tally_pending_set_state (pending, TALLY_PENDING_WAITING);
  leaves = at_limit && is_waiting (pending);
  if (leaves)
    leave_call_locked (self, pending);
  else
    tally_shared_hand_on_locked (self, pending);
  tally_shared_unlock (self);
  if (leaves)
    set_left_error (pending, timed_out, error);
  return !leaves;
}

gboolean
tally_pending_check_in_time (const TallyPending *pending, GError **error)
{
  if (!tally_pending_is_overdue (pending))
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out");
  return FALSE;
}

/* ---- sending ---- */

void
tally_shared_note_sent_locked (TallyShared *self, gsize sent)
{
  TallyPending *pending;

  self->sent += sent;
  while ((pending = self->unsent.head) != NULL && pending->end <= self->sent)
    {
      tally_pending_unlink (pending);
      if (G_UNLIKELY (pending->sent_time == TALLY_SENT_TIME_WANTED))
        pending->sent_time = g_get_monotonic_time ();
      if (!pending->oneway)
        tally_pending_list_push (&self->waiting, pending);
      else
        {
          tally_pending_set_state (pending, TALLY_PENDING_DONE);
          tally_pending_wake (pending, pending->agent);
        }
    }
}

/* What the kernel did not take goes back to where it was in the queue. What it took stays before that until it
 * is the larger part, so that a large request which goes in pieces is not copied for each of them. */
static void
put_back_locked (TallyShared *self, gsize sent)
{
  TallyBuffer rest = self->outgoing;
  gsize start = self->outgoing_start + sent;

  if (start > rest.length / 2)
    {
      rest.length -= start;
      memmove (rest.data, rest.data + start, rest.length);
      self->n_moved += rest.length;
      start = 0;
    }
  tally_buffer_append (&rest, self->queued.data, self->queued.length);
  self->n_moved += self->queued.length;
  self->outgoing = self->queued;
  self->queued = rest;
  self->queued_start = start;
}

/* @error (nullable) is of sending. For each request the queue knows whether it was sent. */
static void
note_send_error_locked (TallyShared *self, GError *error)
{
  if (G_LIKELY (error == NULL) || is_limit (error))
    return;
  if (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT))
    error->code = TALLY_ERROR_CONNECTION_LOST;
  tally_shared_fail_sending_locked (self, error);
}

GError *
tally_shared_end_round_locked (TallyShared *self, gsize sent, GError *error, gboolean *full)
{
  *full = self->outgoing_start + sent < self->outgoing.length;
  if (*full)
    put_back_locked (self, sent);
  self->outgoing.length = 0;
  self->outgoing_start = 0;
  if (self->outgoing.capacity > KEPT_OUTGOING_CAPACITY)
    tally_buffer_clear (&self->outgoing);
  tally_shared_note_sent_locked (self, sent);
  if (G_UNLIKELY (self->wanted_end > self->sent))
    __atomic_store_n (&self->is_unusable, TRUE, __ATOMIC_RELEASE);
  note_send_error_locked (self, error);
  if (G_UNLIKELY (self->failure != NULL))
    tally_shared_fail_calls_locked (self);
  return error;
}

/* One round: sends of what is queued now as much as the kernel takes at once; @full: that was not
 * all. Locked before and after, not while it sends. */
GError *
tally_shared_send_round_locked (TallyShared *self, gboolean *full)
{
  TallyBuffer outgoing = self->queued;
  gsize start = self->queued_start;
  GError *error = NULL;
  gsize sent;

  self->queued = self->outgoing;
  self->queued_start = 0;
  self->outgoing = outgoing;
  self->outgoing_start = start;
  pthread_mutex_unlock (&self->lock);
  tally_socket_send_bytes (self->socket, outgoing.data + start, outgoing.length - start, &sent,
                           &error);
  tally_shared_lock (self);
  return tally_shared_end_round_locked (self, sent, error, full);
}

/* Others whose replies came together with this caller's are about to queue their next requests, and
 * to send all of them at once costs a fraction of what each costs alone. So a sender lets them run
 * first, as long as that brings any. Locked before and after. */
static void
let_others_queue_locked (TallyShared *self)
{
  gsize length = self->queued.length;

  if (self->n_pending == 1 || (self->patience == 0 && ++self->n_impatient % PROBE_EVERY != 0))
    return;
  pthread_mutex_unlock (&self->lock);
  sched_yield ();
  tally_shared_lock (self);
  if (self->queued.length > length)
    self->patience = PATIENCE;
  else if (self->patience > 0)
    self->patience--;
}

/* The earlier of two times of which one may be -1, never. */
static gint64
get_earlier (gint64 time, gint64 perhaps)
{
  return perhaps < 0 || time < perhaps ? time : perhaps;
}

/* A peer that answers in order reads no further before its reply is read: a caller must receive
 * while the sender waits, if need be the sender itself. Locked before and after. */
static GError *
await_room_locked (TallyShared *self, TallyPending *pending)
{
  GError *error = NULL;
  gint64 until = pending->deadline;
  gboolean receives, has_room, has_input;

  tally_shared_hand_on_locked (self, NULL);
  receives = self->receiver == NULL;
  if (receives)
    self->receiver = pending;
  pthread_mutex_unlock (&self->lock);
  if (!receives)
    until = get_earlier (g_get_monotonic_time () + LOOK_INTERVAL, until);
  has_room = tally_socket_await_room (self->socket, receives, until, pending->cancellable,
                                      &has_input, &error);
  if (until != pending->deadline && g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
    g_clear_error (&error);
  if (has_room && (!has_input || tally_shared_receive_at_once (self, &error)))
    tally_pending_check_in_time (pending, &error);
  tally_shared_lock (self);
  if (!has_room)
    note_send_error_locked (self, error);
  if (receives)
    self->receiver = NULL;
  return error;
}

/* The role of the sender, to its end: until all is sent, or its own request is and the kernel takes
 * no more. FALSE with @error when the caller leaves. */
static gboolean
send_for_all (TallyShared *self, TallyPending *pending, GError **error)
{
  GError *role_error = NULL;
  gboolean full = FALSE;

  tally_shared_lock (self);
  let_others_queue_locked (self);
  for (guint round = 0; round < TALLY_SHARED_MAX_ROUNDS && role_error == NULL; round += !full)
    {
      if (self->queued.length == 0 || tally_shared_get_failure_locked (self) != NULL
          || tally_pending_get_state (pending) != TALLY_PENDING_SENDING)
        break;
      role_error = tally_shared_send_round_locked (self, &full);
      if (G_LIKELY (!full) || role_error != NULL)
        continue;
      if (pending->list != &self->unsent)
        break;
      role_error = await_room_locked (self, pending);
    }
  return tally_shared_end_role (self, pending, &self->sender, role_error, error);
}

/* ---- receiving ---- */

/* The role of the receiver, to its end: until its own reply is there. One that was left in place
 * keeps the role until the pending call is closed. FALSE with @error when the caller leaves. */
static gboolean
receive_for_all (TallyShared *self, TallyPending *pending, GError **error)
{
  GError *role_error = NULL;

  tally_socket_set_limits (self->socket, pending->deadline, pending->cancellable);
  while (tally_shared_receive (self, pending, &role_error)
         && tally_pending_get_state (pending) == TALLY_PENDING_RECEIVING)
    if (!tally_pending_check_in_time (pending, &role_error))
      break;
  if (role_error == NULL && pending->in_place)
    return TRUE;
  tally_shared_lock (self);
  return tally_shared_end_role (self, pending, &self->receiver, role_error, error);
}

/* ---- waiting ---- */

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  TallyPending *pending = data;

  __atomic_store_n (&pending->cancelled, TRUE, __ATOMIC_RELEASE);
  tally_pending_wake (pending, NULL);
}

/* Sleeps until the caller is woken or its deadline has passed; FALSE in the latter case. */
static gboolean
sleep_until_woken (TallyPending *pending)
{
  struct timespec deadline = { pending->deadline / G_USEC_PER_SEC,
                               pending->deadline % G_USEC_PER_SEC * 1000 };
  gint result;

  do
    result = pending->deadline < 0 ? sem_wait (&pending->wake)
                                   : sem_clockwait (&pending->wake, CLOCK_MONOTONIC, &deadline);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

gboolean
tally_shared_leave (TallyShared *self, TallyPending *pending, gboolean timed_out, GError **error)
{
  gboolean leaves;

  tally_shared_lock (self);
  leaves = is_waiting (pending);
  if (leaves)
    leave_call_locked (self, pending);
  tally_shared_unlock (self);
  if (leaves)
    set_left_error (pending, timed_out, error);
  return leaves;
}

/* Other callers send and receive for this one. FALSE with @error when it leaves. */
static gboolean
wait_for_all (TallyShared *self, TallyPending *pending, GError **error)
{
  gboolean timed_out = !sleep_until_woken (pending);

  if (G_LIKELY (!timed_out && !__atomic_load_n (&pending->cancelled, __ATOMIC_ACQUIRE)))
    return TRUE;
  return !tally_shared_leave (self, pending, timed_out, error);
}

/* ---- a call ---- */

TallyPending *
tally_shared_open_among_others (TallyShared *self, GError **error)
{
  TallyPending *pending = NULL;
  const GError *failure;

  tally_shared_lock (self);
  failure = tally_shared_get_failure_locked (self);
  if (G_LIKELY (failure == NULL))
    pending = tally_shared_take_pending_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (G_UNLIKELY (pending == NULL))
    tally_shared_set_failure_error (failure, FALSE, error);
  return pending;
}

/* The request joins the queue, unless it has gone already, and its caller sends unless another one does
 * already. */
static gboolean
begin_call (TallyShared *self, TallyPending *pending, GError **error)
{
  const GError *failure;

  if (tally_pending_get_state (pending) != TALLY_PENDING_OPEN)
    return TRUE;
  tally_shared_lock (self);
  failure = tally_shared_get_failure_locked (self);
  if (G_LIKELY (failure == NULL))
    {
      tally_shared_queue_locked (self, pending);
      tally_pending_set_state (pending, self->sender == NULL ? TALLY_PENDING_SENDING
                                                             : TALLY_PENDING_WAITING);
      if (self->sender == NULL)
        self->sender = pending;
    }
  pthread_mutex_unlock (&self->lock);
  if (G_UNLIKELY (failure != NULL))
    tally_shared_set_failure_error (failure, FALSE, error);
  return failure == NULL;
}

static gboolean
see_through (TallyShared *self, TallyPending *pending, GError **error)
{
  gboolean stays = TRUE;

  while (stays)
    switch (tally_pending_get_state (pending))
      {
      case TALLY_PENDING_SENDING:
        stays = send_for_all (self, pending, error);
        break;
      case TALLY_PENDING_RECEIVING:
        stays = receive_for_all (self, pending, error);
        break;
      case TALLY_PENDING_WAITING:
        stays = wait_for_all (self, pending, error);
        break;
      case TALLY_PENDING_CLAIMED:
        sem_wait (&pending->wake);
        break;
      case TALLY_PENDING_DONE:
      case TALLY_PENDING_FAILED:
        return tally_shared_get_outcome (self, pending, error);
      case TALLY_PENDING_OPEN:
        g_assert_not_reached ();
      }
  return FALSE;
}

gboolean
tally_shared_go_on (TallyShared *self, TallyPending *pending, GError **error)
{
  return begin_call (self, pending, error) && see_through (self, pending, error);
}

static G_GNUC_NO_INLINE gboolean
exchange_cancellable (TallyShared *self, TallyPending *pending, GError **error)
{
  GCancellable *cancellable = pending->cancellable;
  gulong handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), pending, NULL);
  gboolean done = tally_shared_go_on (self, pending, error);

  if (handler != 0)
    g_cancellable_disconnect (cancellable, handler);
  return done;
}

gboolean
tally_shared_exchange_among_others (TallyShared *self, TallyPending *pending, GError **error)
{
  return pending->cancellable != NULL ? exchange_cancellable (self, pending, error)
                                      : tally_shared_go_on (self, pending, error);
}

gboolean
tally_shared_close (TallyShared *self, TallyPending *pending, guint *late)
{
  gboolean is_usable, has_role;

  *late = 0;
  if (pending == &self->alone && tally_shared_close_alone (self, pending))
    return TRUE;
  tally_shared_lock (self);
  has_role = pending->in_place || self->sender == pending;
  if (pending->in_place) /* and so its caller is the receiver */
    self->receiver = NULL;
  if (self->sender == pending) /* the reply came before its caller did anything with the role */
    self->sender = NULL;
  if (has_role)
    tally_shared_hand_on_locked (self, NULL);
  tally_shared_drop_pending_locked (self, pending);
  tally_shared_look_for_dirt_locked (self);
  *late = self->n_late;
  __atomic_store_n (&self->n_late, 0, __ATOMIC_RELAXED);
  is_usable = !__atomic_load_n (&self->is_unusable, __ATOMIC_RELAXED);
  tally_shared_allow_alone_locked (self);
  if (G_LIKELY (is_usable))
    pthread_mutex_unlock (&self->lock);
  else
    tally_shared_unlock (self);
  return is_usable;
}
