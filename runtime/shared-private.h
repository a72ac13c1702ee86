/* A shared connection: many calls in flight on one socket, matched by sequence id (pool rule 24).
 * It knows messages' headers and where they end; it knows no method, no lease and no pool.
 *
 * * There is no thread behind it. Of the callers one sends what all have queued and one receives
 * for all; a caller that has its reply hands such a role on to another that still waits. So a lone
 * caller sends and receives itself, as on a connection of its own.
 *
 * * A lone caller takes no lock (shared-alone.c). Its call is not in the books, which the lock protects,
 * until another caller takes the lock: tally_shared_lock () enters it.
 *
 * * The order of a call: tally_shared_open () takes a pending call and its sequence id, the caller
 * encodes into the pending call's buffer, tally_shared_exchange () returns when the reply is there,
 * the caller decodes it, tally_shared_close () gives the pending call back. */
#ifndef TALLY_SHARED_PRIVATE_H
#define TALLY_SHARED_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>

#include "codec-private.h"
#include "framing-private.h"
#include "reply-private.h"

G_BEGIN_DECLS

typedef enum
{
  TALLY_PENDING_OPEN,      /* its caller encodes, decodes, or has left */
  TALLY_PENDING_WAITING,   /* its caller sleeps on `wake` */
  TALLY_PENDING_SENDING,   /* its caller sends for all */
  TALLY_PENDING_RECEIVING, /* its caller receives for all */
  TALLY_PENDING_CLAIMED,   /* its reply has arrived and is being handed over: DONE is next */
  TALLY_PENDING_DONE,      /* its reply is there, or, of a oneway call, it was sent */
  TALLY_PENDING_FAILED     /* the connection has failed */
} TallyPendingState;

typedef struct _TallyPending TallyPending;
typedef struct _TallyShared TallyShared;
typedef struct _TallySharedAgent TallySharedAgent;

/* First in, first out. */
typedef struct
{
  TallyPending *head;
  TallyPending *tail;
} TallyPendingList;

/* One call on a shared connection. Belongs to the connection and is used again for later calls, so
 * that a late wake-up meets a pending call, if another's: a caller that wakes looks at `state`. */
struct _TallyPending
{
  gint32 seqid;
  TallyBuffer buffer;  /* the request, then the reply; while CLAIMED the receiver's */
  const guint8 *reply; /* once DONE: the message without its frame's header */
  gsize reply_length;
  const guint8 *body; /* nullable: where the reply's header, which is `header`, ends */
  TallyMessage header;

  /*< private >*/
  const TallyLimits *limits; /* of the reply; its caller's */
  TallySharedAgent *agent; /* nullable: of an asynchronous call, which has no caller that sleeps */
  TallyPending *next_over; /* of its agent's calls that are over */
  gpointer owner;          /* its agent's */
  sem_t wake;
  gint state;     /* atomic; changed with the lock, but for CLAIMED to DONE */
  gint cancelled; /* atomic */
  gint64 deadline;
  GCancellable *cancellable; /* borrowed, nullable */
  gboolean oneway;
  gboolean in_place; /* the reply lies in the socket's input; its caller is still the receiver */

  /* The connection's lock protects what follows. */
  TallyPendingList *list; /* nullable: the one that it is in */
  TallyPending *prev;
  TallyPending *next; /* also of the free ones */
  guint64 start;      /* where its request lies in all that was ever queued */
  guint64 end;
  guint64 completed_before; /* what the connection had completed and sent when it was queued */
  guint64 sent_before;
  gsize sent;       /* once its caller has left or it has FAILED: bytes of its request */
  gboolean refused; /* once it has FAILED: the peer said that it was not executed */
  gint64
      sent_time; /* 0: not to be noted; TALLY_SENT_TIME_WANTED, then when all of its request was sent */
};

#define TALLY_SENT_TIME_WANTED -1

/* Where a reply's sequence id leads. */
typedef struct
{
  gint32 seqid;          /* 0: free */
  TallyPending *pending; /* NULL: its caller has left; the reply is owed all the same */
} TallySeqidEntry;

/* What calls without a thread have on a connection: of one main context all share one. It takes a role
 * for as long as that does not block, and where a thread has it waits until it is told. */
struct _TallySharedAgent
{
  /* Tells it, with the connection's lock, what to wait for (TallyStreamEvents). @holds_input: there is input that it would
   * wait for in vain, so that it has to look at once. */
  void (*watch) (TallySharedAgent *self, guint events, gboolean holds_input);
  /* Calls are over, from @first to @last by `next_over`: their states are DONE or FAILED. Any thread, with the
   * connection's lock or without. */
  void (*over) (TallySharedAgent *self, TallyPending *first, TallyPending *last);
  TallySharedAgent *next; /* the connection's lock */
  TallyPending role;      /* what holds a role for it */
  /* nullable; its context's, by `next_over`: those that it gives back together */
  TallyPending *settled;
};

/* How far the call of a lone caller is. */
typedef enum
{
  TALLY_ALONE_NOT,  /* the books say what is on the connection */
  TALLY_ALONE_FREE, /* there is no call on the connection, and the next one may be alone */
  TALLY_ALONE_OPEN, /* there is one, whose caller encodes, and so on */
  TALLY_ALONE_SENDING,
  TALLY_ALONE_RECEIVING,
  TALLY_ALONE_DONE /* its reply lies in the input, or it is oneway and was sent */
} TallyAlonePhase;

struct _TallyShared
{
  TallySocketKeeper keeper; /* first */
  TallySocket *socket;      /* whose keeper this is */
  guint64 alone_state;      /* atomic: a TallyAlonePhase and the call's sequence id */
  TallyPending alone;       /* the lone caller's */
  TallyFramer framer;       /* the receiver's, but for what does not change */
  /* atomic; the most that any caller allows */
  guint max_message;
  guint max_depth;
  gint is_lenient;  /* some caller takes binary headers without a version */
  gint is_unusable; /* atomic: it takes no further calls, for what is under the lock */

  /* The receiver's. */
  TallyLimits limits;
  gboolean is_torn; /* after a message whose end cannot be told */

  pthread_mutex_t lock; /* protects what follows; no I/O under it */
  GError *failure;      /* nullable; why no further call can be made */
  GError *send_failure; /* nullable; why nothing can be sent; what has arrived is still received */
  gboolean is_refused;  /* the peer said goodbye: it executes nothing that it has not answered */
  gint64 failed_at;     /* when the first of them was set, monotonic */
  gboolean is_shut;
  gboolean dirty;           /* something arrived that nobody had asked for */
  TallySeqidEntry *entries; /* seqid & mask is a sequence id's only place */
  guint32 mask;
  gint32 last_seqid;   /* atomic */
  guint n_pending;     /* open ones */
  guint n_owed;        /* replies whose callers have left */
  guint n_late;        /* atomic: of these, those that have come and were not reported yet */
  guint64 n_completed; /* calls whose callers got their replies */
  TallyPending *free;
  TallyPendingList unsent;  /* in the order of their requests in the queue */
  TallyPendingList waiting; /* for their replies */
  TallyPending *sender;     /* nullable */
  TallyPending *receiver;   /* nullable */
  TallySharedAgent *agents;
  guint patience;     /* of senders, with others that may be about to queue */
  guint n_impatient;  /* times that a sender had none */
  guint64 sent;       /* bytes that the kernel has, of all that was ever queued */
  guint64 queued_end; /* all that was ever queued */
  guint64 wanted_end; /* up to where this round is to send, or the connection takes no further calls */
  TallyBuffer
      outgoing; /* from outgoing_start on, which is where `sent` is: what the sender sends now */
  gsize outgoing_start;
  TallyBuffer queued; /* from queued_start on: what follows that */
  gsize queued_start;
  guint64 n_moved; /* bytes that were copied because the kernel did not take all at once */
};

/* The shared connection on @socket, made for the first caller that asks; lives as long as @socket.
 * NULL when the socket's keeper is somebody else's. Thread-safe, as all that follow. */
static inline TallyShared *
tally_shared_get (TallySocket *socket, const TallyCodec *codec, TallyFraming framing);

/* Takes a pending call. @limits: of the reply; they outlive it. TALLY_ERROR_NOT_SENT when the
 * connection has failed. */
static inline TallyPending *
tally_shared_open (TallyShared *self, const TallyLimits *limits, GError **error);
/* Sends the request in the pending call's buffer and waits for its reply. Errors: G_IO_ERROR_CANCELLED
 * and TALLY_ERROR_TIMED_OUT, which concern this call alone. A failed connection is to each call on it
 * TALLY_ERROR_NOT_SENT, or what made it fail, mostly TALLY_ERROR_CONNECTION_LOST. Then the pending call's
 * `sent` tells how many bytes of the request the server may have seen; the message does not. */
static inline gboolean tally_shared_exchange (TallyShared *self,
                                              TallyPending *pending,
                                              gboolean oneway,
                                              gint64 deadline,
                                              GCancellable *cancellable,
                                              GError **error);
/* For a caller that timed out, before it gives its pending call back: when no call on the connection was
 * completed since its request was queued, and the peer has this request or took no byte of any, the
 * connection has failed (rule 24). Bytes that arrived are no sign of life. */
void tally_shared_fail_if_stalled (TallyShared *self, const TallyPending *pending);
/* Of the request of a caller that has gone, which began to be sent, how much the peer may come to have: all, for the sake of
 * the calls behind it, unless the connection has failed. */
gsize tally_shared_count_sent (TallyShared *self, const TallyPending *pending);
/* The pending call's request was refused, perhaps before all of it was sent, and its peer may not want the rest: then %FALSE, and the
 * connection takes no further calls. Where a sender does not know yet how much it has sent, that is said when it does. */
gboolean tally_shared_bear_refusal (TallyShared *self, const TallyPending *pending);
/* Gives the pending call back, whose reply, if there is one, was consumed. %TRUE when the connection may take further calls. @late: how many replies
 * were dropped, since a pending call was closed last, because their callers had left. */
gboolean tally_shared_close (TallyShared *self, TallyPending *pending, guint *late);

/* ---- calls without a thread: shared-agent.c ---- */

/* From now on, and until it is removed, the agent is told what to wait for. */
void tally_shared_add_agent (TallyShared *self, TallySharedAgent *agent);
/* No call of the agent's is left, so that the pool may close the socket meanwhile. */
void tally_shared_remove_agent (TallyShared *self, TallySharedAgent *agent);
/* tally_shared_open () for a call without a thread. @agent: (nullable): the first for which @matches is. */
TallyPending *tally_shared_open_for_agent (TallyShared *self,
                                           const TallyLimits *limits,
                                           gboolean (*matches) (TallySharedAgent *agent,
                                                                gconstpointer data),
                                           gconstpointer data,
                                           TallySharedAgent **agent,
                                           GError **error);
/* Queues the request in the pending call's buffer; @agent hears when it is over. Errors as of
 * tally_shared_exchange () where the connection has failed. */
gboolean tally_shared_begin (TallyShared *self,
                             TallyPending *pending,
                             TallySharedAgent *agent,
                             gboolean oneway,
                             GError **error);
/* Both in one, where there is an agent. @append: adds a small request with a sequence id to the queue, with the
 * connection's lock. (nullable): where it has to be done in two steps, which tell of errors. */
TallyPending *
tally_shared_begin_at_once (TallyShared *self,
                            const TallyLimits *limits,
                            gboolean oneway,
                            gboolean (*matches) (TallySharedAgent *agent, gconstpointer data),
                            gconstpointer data,
                            gboolean (*append) (gpointer call, gint32 seqid, TallyBuffer *queue),
                            gpointer call,
                            TallySharedAgent **agent);
/* Sends what is queued, unless another caller does. */
void tally_shared_flush (TallyShared *self, TallySharedAgent *agent);
/* Receives what has arrived, unless another caller does. */
void tally_shared_take_input (TallyShared *self, TallySharedAgent *agent);
/* What a call that is over came to, as tally_shared_exchange () returns it. */
gboolean tally_shared_get_outcome (TallyShared *self, TallyPending *pending, GError **error);
/* tally_shared_close () of an agent's call whose reply was consumed, but for the lock, which @agent's next call takes, or
 * tally_shared_close_settled (). FALSE: it has to be closed at once, since there is something to tell of. */
gboolean
tally_shared_settle_pending (TallyShared *self, TallySharedAgent *agent, TallyPending *pending);
/* The calls of @agent that are settled, while one of its calls has its lease. FALSE: the connection is not to be used again. */
gboolean tally_shared_close_settled (TallyShared *self, TallySharedAgent *agent);
/* Its caller goes without its reply, and @error says so, unless it is over: then FALSE. */
gboolean
tally_shared_leave (TallyShared *self, TallyPending *pending, gboolean timed_out, GError **error);

/* When the connection failed, monotonic; 0: it has not. */
gint64 tally_shared_get_failed_at (TallyShared *self);

/* ---- between the files of a shared connection ---- */

/* shared-pending.c */
/* The keeper's function, by which a shared connection is known as one. */
void tally_shared_free (TallySocketKeeper *keeper);
/* tally_shared_get () for the first. */
TALLY_COLD TallyShared *
tally_shared_make (TallySocket *socket, const TallyCodec *codec, TallyFraming framing);
void tally_pending_list_push (TallyPendingList *list, TallyPending *pending);
void tally_pending_unlink (TallyPending *pending);
/* @agent: the pending call's, nullable, read while that could not be over: once it is, another call may
 * have it. */
void tally_pending_wake (TallyPending *pending, TallySharedAgent *agent);
TallyPending *tally_shared_take_pending_locked (TallyShared *self);
void tally_shared_drop_pending_locked (TallyShared *self, TallyPending *pending);
/* Something may have arrived that nobody waits for. */
void tally_shared_look_for_dirt_locked (TallyShared *self);
/* A connection that owes so many replies to callers that have left takes no further calls. */
#define TALLY_SHARED_MAX_OWED 1024
/* A pending call's buffer that one large message has grown is given back after it. */
#define TALLY_PENDING_KEPT_CAPACITY 4096

static inline void
tally_pending_clear_buffer (TallyPending *pending)
{
  if (G_UNLIKELY (pending->buffer.capacity > TALLY_PENDING_KEPT_CAPACITY))
    tally_buffer_clear (&pending->buffer);
  pending->buffer.length = 0;
}

void tally_shared_queue_locked (TallyShared *self, TallyPending *pending);
/* The last @length bytes of the queue are the pending call's request. */
void tally_shared_note_queued_locked (TallyShared *self, TallyPending *pending, gsize length);
gboolean tally_shared_withdraw_locked (TallyShared *self, TallyPending *pending);
void tally_shared_forget_locked (TallyShared *self, TallyPending *pending);
gsize tally_shared_count_sent_locked (const TallyShared *self, const TallyPending *pending);
void tally_shared_fail_locked (TallyShared *self, const GError *error);
/* Every call on a failed connection learns why, and whether the server may have seen it. While bytes are being sent
 * the latter is not known: then what waits to be sent is left to the sender, which calls this again. */
void tally_shared_fail_calls_locked (TallyShared *self);
/* Nothing can be sent any more: the calls of which nothing was sent fail, the others once the input
 * ends. */
void tally_shared_fail_sending_locked (TallyShared *self, const GError *error);
/* What @failure is to a call of which the peer may have seen something, or nothing. */
void tally_shared_set_failure_error (const GError *failure, gboolean maybe_sent, GError **error);
/* After anything that may have failed the connection. */
void tally_shared_unlock (TallyShared *self);
/* The lone caller's call, if there is one, is in the books from now on, and its caller finds out. */
void tally_shared_end_alone_locked (TallyShared *self);
/* Where no call is left in the books the next one may be alone. */
void tally_shared_allow_alone_locked (TallyShared *self);
/* What a reply with @seqid is: its pending call in @pending, or NULL there for a late one; FALSE for one
 * that nobody is owed. The sequence id is free afterwards. */
gboolean tally_shared_take_reply_locked (TallyShared *self, gint32 seqid, TallyPending **pending);

/* So many times at most a sender for all goes on while others keep queueing. */
#define TALLY_SHARED_MAX_ROUNDS 16

/* shared-alone.c */
/* tally_shared_exchange () of the lone caller's call. */
gboolean tally_shared_exchange_alone (TallyShared *self, TallyPending *pending, GError **error);

/* shared-exchange.c */
/* Input for others, or input that completes no message, does not keep a caller beyond its deadline: TALLY_ERROR_TIMED_OUT,
 * whose message is not shown. */
gboolean tally_pending_check_in_time (const TallyPending *pending, GError **error);
/* tally_shared_open () and tally_shared_exchange () of any other. */
TallyPending *tally_shared_open_among_others (TallyShared *self, GError **error);
gboolean
tally_shared_exchange_among_others (TallyShared *self, TallyPending *pending, GError **error);
/* tally_shared_exchange () from the pending call's state on. */
gboolean tally_shared_go_on (TallyShared *self, TallyPending *pending, GError **error);
/* What the kernel has is no longer in the queue, and its callers wait for replies. */
void tally_shared_note_sent_locked (TallyShared *self, gsize sent);
/* The end of a round of which @sent bytes went, then or before @error (transfer full) (nullable). @full: that
 * was not all. Returns @error. */
GError *
tally_shared_end_round_locked (TallyShared *self, gsize sent, GError *error, gboolean *full);
/* The end of a role. @role_error (transfer full, nullable): why; its own limits concern the caller
 * alone, what else there is all, once what has arrived is received; of each request the queue knows
 * whether it was sent. Locked before, unlocked after. FALSE with @error when the caller leaves. */
gboolean tally_shared_end_role (TallyShared *self,
                                TallyPending *pending,
                                TallyPending **holder,
                                GError *role_error,
                                GError **error);
/* Gives the roles that are free to callers that still wait, @awake (nullable) before others, and tells the
 * agents what is left to them. */
void tally_shared_hand_on_locked (TallyShared *self, TallyPending *awake);
GError *tally_shared_send_round_locked (TallyShared *self, gboolean *full);
const GError *tally_shared_get_failure_locked (const TallyShared *self);

/* ---- the lone caller ---- */

static inline TallyAlonePhase
tally_alone_get_phase (guint64 state)
{
  return (TallyAlonePhase) (guint32) state;
}

static inline guint64
tally_alone_make_state (TallyAlonePhase phase, gint32 seqid)
{
  return (guint64) phase | (guint64) (guint32) seqid << 32;
}

/* FALSE when the call is in the books, and stays where it was found. */
static inline gboolean
tally_alone_step (TallyShared *self, guint64 from, guint64 to)
{
  return G_LIKELY (__atomic_compare_exchange_n (&self->alone_state, &from, to, FALSE,
                                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

/* With the lock one finds all calls in the books. */
static inline void
tally_shared_lock (TallyShared *self)
{
  pthread_mutex_lock (&self->lock);
  if (G_UNLIKELY (__atomic_load_n (&self->alone_state, __ATOMIC_RELAXED) != TALLY_ALONE_NOT))
    tally_shared_end_alone_locked (self);
}

/* (nullable): a pending call for a caller that is alone. */
static inline TallyPending *
tally_shared_open_alone (TallyShared *self)
{
  TallyPending *pending = &self->alone;
  gint32 seqid;

  if (__atomic_load_n (&self->alone_state, __ATOMIC_RELAXED) != TALLY_ALONE_FREE)
    return NULL;
  seqid = tally_seqid_take (&self->last_seqid);
  if (!tally_alone_step (self, TALLY_ALONE_FREE, tally_alone_make_state (TALLY_ALONE_OPEN, seqid)))
    return NULL;
  pending->seqid = seqid;
  pending->in_place = FALSE;
  return pending;
}

/* tally_shared_close () of the lone caller's call, whose reply was consumed. FALSE: that is still to be done. */
static inline gboolean
tally_shared_close_alone (TallyShared *self, TallyPending *pending)
{
  guint64 state = tally_alone_make_state (TALLY_ALONE_DONE, pending->seqid);

  tally_pending_clear_buffer (pending);
  return tally_alone_step (self, state, TALLY_ALONE_FREE);
}

/* ---- a call, alone or among others ---- */

static inline TallyPending *
tally_shared_open (TallyShared *self, const TallyLimits *limits, GError **error)
{
  TallyPending *pending = tally_shared_open_alone (self);

  if (G_UNLIKELY (pending == NULL))
    pending = tally_shared_open_among_others (self, error);
  if (G_LIKELY (pending != NULL))
    pending->limits = limits;
  return pending;
}

static inline gboolean
tally_shared_exchange (TallyShared *self,
                       TallyPending *pending,
                       gboolean oneway,
                       gint64 deadline,
                       GCancellable *cancellable,
                       GError **error)
{
  pending->oneway = oneway;
  pending->deadline = deadline;
  pending->cancellable = cancellable;
  pending->cancelled = FALSE;
  pending->sent = 0;
  if (G_LIKELY (pending == &self->alone && cancellable == NULL))
    return tally_shared_exchange_alone (self, pending, error);
  return tally_shared_exchange_among_others (self, pending, error);
}

/* Its caller has read the reply. */
static inline void
tally_shared_consume_reply (TallyShared *self, const TallyPending *pending)
{
  if (pending->in_place)
    tally_socket_consume (self->socket,
                          tally_frame_header (self->framer.framing) + pending->reply_length);
}

static inline TallyShared *
tally_shared_get (TallySocket *socket, const TallyCodec *codec, TallyFraming framing)
{
  TallySocketKeeper *keeper = tally_socket_get_keeper (socket);

  if (G_LIKELY (keeper != NULL))
    return keeper->free == tally_shared_free ? (TallyShared *) keeper : NULL;
  return tally_shared_make (socket, codec, framing);
}

static inline TallyPendingState
tally_pending_get_state (TallyPending *pending)
{
  return (TallyPendingState) __atomic_load_n (&pending->state, __ATOMIC_ACQUIRE);
}

static inline void
tally_pending_set_state (TallyPending *pending, TallyPendingState state)
{
  __atomic_store_n (&pending->state, state, __ATOMIC_RELEASE);
}

static inline gboolean
tally_pending_is_overdue (const TallyPending *pending)
{
  return pending->deadline >= 0 && g_get_monotonic_time () >= pending->deadline;
}

/* shared-input.c: for the receiver, or a thread that has the connection alone. */
/* Whether the whole frame of the header transport at pending->reply is the reply to @pending's call; reads its header. */
TALLY_COLD gboolean tally_shared_is_reply_in_frame (const TallyShared *self, TallyPending *pending);
/* Blocks, within the socket's limits, for at least one whole message, and hands over all that are
 * there. FALSE with an error of the socket, whose input is as it was, or a protocol error. Ends at
 * the deadline of @receiver (nullable) also when bytes keep coming that end no message. */
gboolean tally_shared_receive (TallyShared *self, TallyPending *receiver, GError **error);
/* tally_shared_receive () for what has arrived, without waiting for more: TRUE also when that is
 * nothing. */
gboolean tally_shared_receive_at_once (TallyShared *self, GError **error);
/* Whether the peer has announced its end. For a caller whose call is over, as the receiver; while another one is that, as
 * far as the descriptor tells. */
gboolean tally_shared_has_ended (TallyShared *self, TallyPending *pending);
gboolean tally_shared_settle (TallySocketKeeper *keeper, TallySocket *socket, gboolean *expects);

G_END_DECLS

#endif /* TALLY_SHARED_PRIVATE_H */
