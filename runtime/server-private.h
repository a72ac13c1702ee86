/* What the server's files share. The server is four things, each in its file or two:
 *
 *  - listener (server-listener.c): sockets to accept from;
 *  - connection (server-connection.c): one peer, what it half received and half sent;
 *  - loop and workers (server-loop.c, server-worker.c, server-turn.c): which thread waits for events, which one serves a connection;
 *  - supervisor (server-supervisor.c): the thread in serve (), which looks after time and stopping;
 *
 * and around these: server-messages.c cuts what a connection received into messages,
 * server-dispatch.c turns a message into an answer and knows no sockets; server-queue.c and
 * server-memory.c hold limits, server-refusal.c says why they refuse, server-pace.c when a refusal may end a connection;
 * server-offer.c is how a worker lets the supervisor send for it.
 *
 * Threads. One worker at a time holds the loop: it waits in epoll, and serves what became ready
 * itself, without a thread switch. That worker may get stuck in a slow handler; the supervisor, awake only while requests come, sees that within a tick and gives the loop to the
 * most recently used idle worker. A connection that is hot is kept by its worker, which then waits
 * for nothing but its next request (the connection is pinned) and has handed the loop on before.
 *
 * A connection is owned by at most one thread. An event or the supervisor claims it; its owner
 * parks it. epoll reports each connection edge-triggered, so that neither costs a system call. */
#ifndef TALLY_SERVER_PRIVATE_H
#define TALLY_SERVER_PRIVATE_H

#include <pthread.h>

#include "admission-private.h"
#include "codec-private.h"
#include "framing-private.h"
#include "interceptor-private.h"
#include "reply-later-private.h"
#include "server-header-private.h"
#include "server-listener-private.h"
#include "server-registrar-private.h"
#include "server-systemd-private.h"
#include "stream-internal.h"
#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-processor.h"
#include "tally-server.h"
#include "tls-internal.h"

G_BEGIN_DECLS

/* Refused connections that are kept until their first request, so as to answer it. */
#define TALLY_SERVER_MAX_REFUSED 64
/* What a worker receives at once and, where requests are pipelined, sends at once. */
#define TALLY_SERVER_CHUNK (64 * 1024)
/* What a connection that takes input is watched for. */
#define TALLY_SERVER_INPUT (TALLY_STREAM_READABLE | TALLY_STREAM_HUNG_UP)

#define atomic_get(place) __atomic_load_n ((place), __ATOMIC_SEQ_CST)
#define atomic_set(place, value) __atomic_store_n ((place), (value), __ATOMIC_SEQ_CST)
#define atomic_peek(place) __atomic_load_n ((place), __ATOMIC_RELAXED)
#define atomic_put(place, value) __atomic_store_n ((place), (value), __ATOMIC_RELAXED)

typedef struct _ServerConnection ServerConnection;
typedef struct _ServerWorker ServerWorker;
typedef struct _ServerRequest ServerRequest;

/* ---- connection ---- */

/* Of one descriptor: which connection has it, and how many have had it. Those two numbers, a ticket, are what epoll's events
 * name. A descriptor that is closed while a child process has a copy stays in epoll, and may be heard of when its
 * number and the connection's memory are another's. */
typedef struct
{
  ServerConnection *connection; /* atomic, written under the lock; NULL: it is closed */
  guint round;
} ServerTicket;

/* The owner of a connection; changed with atomic exchanges only. */
typedef enum
{
  OWNER_NOBODY,       /* it waits in epoll */
  OWNER_THREAD,       /* a thread serves it */
  OWNER_THREAD_AGAIN, /* and an event came meanwhile */
  OWNER_DEAD          /* closed; its memory waits until no event can name it */
} ServerOwner;

typedef enum
{
  PHASE_IDLE,      /* waits for a request */
  PHASE_READING,   /* has part of one */
  PHASE_WRITING,   /* has answers that the peer does not take */
  PHASE_ANSWERING, /* has requests that run apart, and waits for no more of the peer */
  /* From here on nothing more is answered. */
  PHASE_PACED,    /* its refusal waits for its turn (server-pace.c) */
  PHASE_LINGERING /* the peer was told why it is closed and gets the time to read it */
} ServerPhase;

/* Why requests are answered with an exception and not executed. From REFUSE_FULL on the connection
 * ends with that. */
typedef enum
{
  REFUSE_NOTHING,
  REFUSE_BUSY,     /* too many wait for a worker */
  REFUSE_LATE,     /* it waited too long for one */
  REFUSE_LIMIT,    /* as many run and wait as admission takes */
  REFUSE_SHARE,    /* as many of its client wait as may */
  REFUSE_HOPELESS, /* its deadline would pass before its answer is there */
  REFUSE_OVERDUE,  /* its deadline has passed */
  REFUSE_MEMORY,   /* the unfinished messages of all connections are too large */
  REFUSE_FULL,     /* too many connections */
  REFUSE_STOPPING, /* a stop waits no longer */
  N_REFUSALS
} ServerRefusal;

/* One request's leave to run, where the server has an admission; what its client has running counts it. */
typedef struct
{
  TallyAdmissionPermit permit;
  TallyTurnsClient *client; /* nullable */
} ServerPermit;

struct _ServerConnection
{
  TallyServer *server;
  TallyStream stream;
  guint owner;     /* atomic: a ServerOwner */
  guint phase;     /* atomic: a ServerPhase; written by the owner */
  gint64 deadline; /* atomic: server_now () at which it is closed if nobody owns it */
  gint hung_up;    /* atomic: the peer's end was seen; read until it is reached */
  gint64 since;    /* server_now () when it began */
  guint64 served;  /* atomic: its requests that were answered; written by the owner */

  /* the owner's */
  TallyBuffer input;  /* part of a request, or requests behind an answer that will not go */
  TallyBuffer output; /* what is still to be sent, from `sent` on */
  gsize sent;
  TallyBuffer parting;   /* while the server stops, or paced: answers that go with the end */
  guint looks;           /* while it stops: how often there were requests */
  gsize skip;            /* bytes of a refused frame that are still to come */
  gsize lingered;        /* bytes thrown away since the end was sent */
  ServerRefusal refusal; /* what its requests are answered with */
  gboolean has_served;   /* a request was answered; a new peer's first one is mostly on its way */
  gboolean ending;       /* nothing more is answered; what is to be sent is */
  gboolean had_last;     /* half an answer was the last of it: it is to end */
  gboolean paused;       /* whole requests lie in input, because others wait for a worker */
  /* Side by side, so that one look tells both. */
  guint is_apart : 1;    /* its requests may run apart, or some do */
  guint is_wrapped : 1;  /* they come by the header transport */
  guint is_limited : 1;  /* they need the server's leave to run */
  gboolean is_full;      /* whole requests lie in input, because those that run apart come first */
  gboolean is_abandoned; /* those that run apart know that the client has gone */
  gboolean takes_any_order; /* of the message that is looked at: its answer may overtake others */
  ServerRefusal verdict;    /* on that message, before it is answered */
  gint64 message_deadline;  /* of that message: until then its answer is waited for; 0: for ever */
  guint max_requests;       /* that may run apart at once; 1: only those answered later */
  guint n_requests;         /* that run apart and whose answers have not left */
  TallyFramer framer;
  gboolean is_detected;     /* the framer knows what the peer speaks */
  TallyHeaders *persistent; /* nullable: what the peer said for all of its requests */
  gboolean is_unsecured;    /* the peer has still to shake hands */
  gboolean refused;         /* past the limit: its first request is answered with an exception */
  gboolean wants_write;     /* epoll watches for writability */
  gboolean is_watched;      /* epoll knows it */
  guint round;              /* of its ticket */
  guint turns;              /* requests since turns_began: how hot it is */
  guint64 turns_began;      /* the loop's event count then */

  /* the server's lock */
  ServerConnection *previous;
  ServerConnection *next;
  ServerConnection *next_ready;
  gint64 ready_since;  /* server_now () when it was first seen to wait for a worker; 0: not yet */
  gsize holds;         /* bytes of its buffers; written by the owner */
  gsize request_bytes; /* atomic: of the requests that run apart */
  ServerRequest *first_request;      /* of these, in the order in which they came */
  guint n_waiting;                   /* of these, for a worker */
  guint n_running;                   /* of these, their handlers are called */
  GQueue calls;                      /* of TallyCallInfo: under way, the oldest first */
  TallyTurnsClient own_client;       /* itself, until it is known whose it is */
  TallyTurnsClient *client;          /* whose turns its requests take; written by the owner */
  GList place;                       /* in these turns */
  ServerConnection *holder_previous; /* of those that hold something, in the order they began */
  ServerConnection *holder_next;
  gint64 slot; /* atomic: g_get_monotonic_time () when its refusal leaves; 0: it is not held back */
  GList paced; /* in the server's pace, as long as it is */
};

typedef enum
{
  /* The later one says more. */
  TURN_WAIT,   /* nothing more to do before the next event */
  TURN_SERVED, /* TURN_WAIT, and at least one request was answered */
  TURN_CLOSE   /* it is over */
} ServerTurn;

/* Takes @stream over. The caller owns it. */
ServerConnection *
server_connection_new (TallyServer *server, const TallyStream *stream, gboolean refused);
/* Closes its stream and frees its buffers; the struct stays, see ServerOwner. */
void server_connection_release (ServerConnection *self);
void server_connection_free (ServerConnection *self);
/* The owner receives what is there, answers it, sends. With @wait the receive may block for the
 * time-out of a hot connection. A peer that sends without a pause gets one turn after the other. */
ServerTurn server_connection_turn (ServerConnection *self, ServerWorker *worker, gboolean wait);
/* The owner, before it parks the connection: fixes until when the peer has to go on. @served: a
 * request was answered since the last time. */
void server_connection_set_deadline (ServerConnection *self, gboolean served);
/* Sends @answers and empties it; what is not taken is kept. After the @last ones the connection ends.
 * FALSE: the connection is lost. */
gboolean server_connection_send (ServerConnection *self, TallyBuffer *answers, gboolean last);
/* From now on the peer cannot send where the kernel can tell it so, which it can over Unix sockets:
 * there a call is not sent behind last words, though these and the end cannot leave at once. */
void server_connection_hang_up (ServerConnection *self);
/* What @turn comes to while the server stops: the connection ends once it has no requests. */
ServerTurn server_connection_part (ServerConnection *self, ServerWorker *worker, ServerTurn turn);
/* Gives up what it holds: refuses the requests that are not executed, where there are none loses the answers that are
 * not taken. With requests that run apart it reads no further until one is answered, and is lost only where their answers
 * pile up. */
ServerTurn server_connection_give_up (ServerConnection *self, ServerWorker *worker);
/* What comes next is executed again, unless the connection itself was refused. */
void server_connection_end_refusal (ServerConnection *self);

/* ---- messages ---- */

/* What became of a run of bytes. */
typedef struct
{
  gsize used; /* bytes of the input */
  gboolean served;
  gboolean closing; /* the answers are the last ones */
  gboolean lost;    /* the peer is gone */
  gboolean paused;  /* there are more, but others wait for a worker */
} ServerProgress;

/* Answers every complete message in @bytes, as long as the peer takes the answers; what is not sent yet the worker's output has, for
 * the caller to send. Where the connection refuses for lack of memory, what is incomplete is refused too: what is missing of it is
 * thrown away as it arrives, or the connection ends. */
ServerProgress server_answer_messages (ServerConnection *self,
                                       ServerWorker *worker,
                                       const guint8 *bytes,
                                       gsize length);
/* Appends the last words to a peer of a server that stops: an exception without a name, with sequence id 0, which no call
 * has. All that was executed has been answered before it. */
void server_write_goodbye (const ServerConnection *self, TallyBuffer *output);
/* ---- dispatch ---- */

typedef enum
{
  OUTCOME_ANSWERED,   /* or no answer is due */
  OUTCOME_MALFORMED,  /* OUTCOME_ANSWERED, but the message is not what it should be; error is set */
  OUTCOME_UNREADABLE, /* it is nobody's: not even its header could be read */
  OUTCOME_HUNG_UP, /* the processor wants the connection closed, in the middle of the answer if there is one */
  OUTCOME_LATER /* nothing has happened: its handler answers later, and needs a request to answer to */
} ServerOutcome;

/* Answers one frame of the header transport into @output, behind its length; with @refusal, with an exception
 * that says so. The headers of the reply are in it. @error: what is wrong with the frame or its message. */
ServerOutcome server_answer_wrapped (ServerConnection *self,
                                     const guint8 *bytes,
                                     gsize length,
                                     const gchar *refusal,
                                     TallyBuffer *output,
                                     GError **error);

/* ---- workers ---- */

struct _ServerWorker
{
  TallyServer *server;
  pthread_t thread;
  pthread_cond_t wake;     /* with the server's lock */
  gboolean woken;          /* lock */
  guint64 epoch;           /* atomic: counts what it began to serve */
  gint busy;               /* atomic: serves a connection now */
  guint64 n_requests;      /* atomic: for statistics; written by the worker */
  ServerWorker *next;      /* lock: of all workers */
  ServerWorker *next_idle; /* lock: of the idle ones, last used first */
  guint8 *input;           /* TALLY_SERVER_CHUNK bytes */
  TallyBuffer output;
  ServerPermit permit;     /* of the request under way */
  TallyBuffer next_answer; /* of the request under way, while output is offered */
  guint offer;             /* atomic: server-offer.c; while it is open output is only read */
  TallyStream *offer_stream;
  gssize offer_sent;   /* of the output, so far; -1: the connection is lost */
  guint64 offer_round; /* the supervisor's: when it tried last */
};

/* Wakes the most recently used idle worker, or starts one. FALSE: every worker is busy, and there
 * may be no more. */
gboolean server_wake_worker_locked (TallyServer *self);
void server_join_retired_locked (TallyServer *self);
void server_worker_free (ServerWorker *worker);

/* ---- offers ---- */

/* Lets the supervisor send the worker's output over @stream while a handler runs. */
void server_offer (ServerWorker *worker, TallyStream *stream);
/* Ends that. Returns how many bytes were sent, -1 when the connection is lost. */
gssize server_take_back (ServerWorker *worker);
/* The supervisor sends what is offered, or tries to. Whether a peer took any. */
gboolean server_accept_offers_locked (TallyServer *self);

/* ---- owners ---- */

/* Milliseconds of a clock that is cheap to read and advances every few of them. */
gint64 server_now (void);
/* TRUE: the caller owns it now. */
gboolean server_claim (ServerConnection *connection);
/* The owner parks it. FALSE: an event came meanwhile, and the caller owns it still. */
gboolean server_park (ServerConnection *connection);
/* It waits for a worker. */
void server_enqueue_locked (TallyServer *self, ServerConnection *connection);
/* The connection that has waited longest; there is one. */
ServerConnection *server_take_ready_locked (TallyServer *self);
/* epoll_ctl (). @round: of the connection's ticket; 0: of what is no connection. */
gboolean server_watch (TallyServer *self, gint operation, gint fd, guint32 events, guint round);
/* Only the thread that waits in the loop, and before it watches @connection. */
void server_issue_ticket_locked (TallyServer *self, ServerConnection *connection);
/* @connection is about to be closed. */
void server_void_ticket_locked (TallyServer *self, const ServerConnection *connection);
/* What epoll reported belongs to it; only the thread that waits in the loop. (nullable): it is closed. */
ServerConnection *server_find_by_ticket (const TallyServer *self, guint64 ticket);
/* What epoll reports of @connection (TallyStreamEvents), at once where that is the case already. FALSE: epoll is full. */
gboolean server_loop_watch (TallyServer *self, ServerConnection *connection, guint events);
/* Makes the thread that waits in the loop return from its wait. */
void server_loop_interrupt (TallyServer *self);
void server_wake_supervisor_locked (TallyServer *self);
/* It is no longer readable. */
void server_drain_eventfd (gint fd);

/* ---- loop ---- */

gboolean server_loop_open (TallyServer *self, GError **error);
void server_loop_close (TallyServer *self);
/* Waits for events, at most @timeout milliseconds (-1: for ever), accepts, and queues what is ready. */
void server_loop_wait (TallyServer *self, gint timeout);
/* After descriptors ran out: looks at the listeners again. */
void server_loop_resume_listeners_locked (TallyServer *self);
/* The worker that serves @connection, or the next one, is to look at it. Any thread. */
void server_loop_rouse (TallyServer *self, ServerConnection *connection);

/* ---- turns ---- */

/* Serves the connections that wait for a worker, that which waited longest first, until none does or requests that run apart
 * wait, too. */
void server_serve_ready_locked (TallyServer *self, ServerWorker *worker);
/* The owner has had @turn: closes it or parks it. FALSE: an event came meanwhile, and the owner has to
 * look again. */
gboolean server_let_go (TallyServer *self,
                        ServerConnection *connection,
                        ServerWorker *worker,
                        ServerTurn turn);
/* The owner closes it. */
void server_discard (TallyServer *self, ServerConnection *connection);

/* ---- peers ---- */

/* This thread serves what @stream brings, until the end. */
void server_peer_begin (const TallyStream *stream);
void server_peer_end (void);

/* ---- queue ---- */

/* The supervisor refuses what is past the queue's limits, and requests that have waited too long. */
void server_limit_queue_locked (TallyServer *self, gint64 now);
void server_limit_requests (TallyServer *self);

/* ---- refusals ---- */

guint server_max_queued (const TallyServer *self);
/* Why a request that waits since @since is not to be executed. @position: of its connection among those
 * that wait for a worker, from 1 on; 0: a worker has it. */
ServerRefusal
server_find_refusal (const TallyServer *self, gint64 since, gint64 now, guint position);
/* Counts a request that is not executed because of @refusal, and says so in words. (transfer full) (nullable): NULL for
 * REFUSE_NOTHING */
gchar *server_note_refusal (TallyServer *self, ServerRefusal refusal);
/* Whether a request with this deadline, 0 for none, is not to be executed. */
ServerRefusal server_find_overdue (gint64 deadline);
/* Why a request that came at @arrived and has waited alone is not to be executed. (transfer full) (nullable) */
gchar *server_find_reason (TallyServer *self, gint64 arrived, gint64 deadline);

/* ---- pace ---- */

/* The refusals that end a connection. */
typedef struct
{
  guint rate;     /* a second; 0: no limit */
  gint64 next;    /* g_get_monotonic_time () of the next one, if there had been no burst; nanoseconds */
  GQueue waiting; /* of connections whose refusals are held back, by their slots */
} ServerPace;

/* When a refusal that is due at @now, no earlier than the last time, may leave: at @now or later. It counts. */
gint64 server_pace_take (ServerPace *self, gint64 now);
/* The owner is to end @connection because of what its peer has sent. TRUE: not before the supervisor has roused it. */
gboolean server_pace_hold (ServerConnection *connection);
/* Whether that is still to come. */
gboolean server_pace_holds (const ServerConnection *connection);
/* It waits no longer, if it did. */
void server_pace_leave_locked (ServerConnection *connection);
/* Queues for a worker what has its turn, and all when the server stops. Whether there was any. */
gboolean server_pace_release_locked (TallyServer *self);
/* Microseconds until the next one has its turn, at least 1; G_MAXINT64: none waits. */
gint64 server_pace_wait_locked (const TallyServer *self);

/* ---- memory ---- */

/* The owner, after a buffer of @connection grew or shrank. @anew: a message of it was completed, so that
 * what it holds now is of later ones. */
void server_hold (ServerConnection *connection, gboolean anew);
/* server_make_room () past the limit. */
TALLY_COLD gboolean server_make_room_by_force (TallyServer *self,
                                               ServerConnection *asker,
                                               ServerWorker *worker);
/* Whether the connections hold twice what they may, and this one mostly answers that its peer does not take. */
gboolean server_answers_pile_up (ServerConnection *connection);
/* Once in a process: what a request takes of the heap and gives back is not the system's in between. */
void server_keep_heap (void);
/* Gives memory back to the system after a burst, but not time and again. */
gboolean server_wants_trim_locked (const TallyServer *self);
void server_trim_locked (TallyServer *self, gint64 now);

/* ---- log ---- */

/* What was logged of peers that speak something else; the server's lock. */
typedef struct
{
  guint keys[64]; /* of the peers that were logged last */
  guint next_key;
  guint n_messages; /* since began */
  gint64 began;     /* server_now () */
  guint n_suppressed;
  gboolean is_writing; /* a worker is in the log's function, which may block */
} ServerLog;

/* Says, once for each peer, that what @connection received cannot be read. The log may be slow: it holds
 * up one worker at a time, and never the supervisor. */
void server_log_mismatch (ServerConnection *connection,
                          const ServerWorker *worker,
                          const guint8 *bytes,
                          gsize length);

/* server_log_mismatch () for a @connection whose handshake has failed, if its peer speaks something
 * else. */
void server_log_handshake (ServerConnection *connection, const ServerWorker *worker);

/* ---- supervisor ---- */

void server_supervise (TallyServer *self);

/* ---- the server ---- */

struct _TallyServer
{
  ThriftServer parent;

  /* set before it serves, constant while it does */
  gchar *uri;
  TallyEndpoint *endpoint;
  TallyProcessor *direct;  /* the processor, when it needs no ThriftProtocol; borrowed */
  const TallyCodec *codec; /* what peers speak; with is_detecting, before it is known */
  TallyFraming framing;
  gboolean is_detecting;  /* each connection's framing or protocol is found by its first bytes */
  gboolean is_compressed; /* replies are, if the peer's requests were */
  TallyInterceptors interceptors;
  gboolean local;       /* Unix sockets */
  const gchar *service; /* nullable: "NAME:method" is then taken for "method"; the endpoint's */
  TallyTlsOptions tls;  /* what properties say; NULL and TALLY_TLS_CLIENTS_IGNORED: the URI does */
  TallyLimits limits;
  guint max_workers;
  guint max_connections;
  guint idle_timeout; /* milliseconds, 0 = none; so are the next four */
  guint read_timeout;
  guint write_timeout;
  guint handshake_timeout;
  guint drain_timeout;
  guint worker_timeout; /* milliseconds, 0 = none; so is the next one */
  guint queue_timeout;
  guint max_queued;       /* 0 = 4 x max_workers */
  guint64 max_unfinished; /* bytes */
  guint max_pinned;
  TallyAdmission admission;
  guint min_running; /* bounds of what runs at once; 0: from the workers */
  guint max_running;
  TallyAdmissionLimit
      *running;           /* since it served with an admission; NULL: whatever comes may run */
  guint max_concurrent;   /* requests of one connection that run side by side */
  gboolean is_concurrent; /* the property; what the URI says comes on top */
  gboolean side_by_side;  /* requests of all connections run side by side */
  gboolean in_any_order;  /* and their answers leave as they come */

  pid_t pid;          /* whose stop_fd that is; a child process that serves takes its own */
  gint stop_in_child; /* atomic: a stop before that */
  gint stop_fd;   /* eventfd, as long as the object lives: tally_server_stop () may come any time */
  gint reload_fd; /* eventfd, the same: tally_server_reload () */
  gint wake_fd;   /* eventfd: server_loop_interrupt () */
  gint epoll_fd;
  ServerListener listener;
  TallyTlsAcceptor *acceptor; /* NULL: plain streams */
  ServerRegistrar registrar;
  ServerSystemd systemd;

  pthread_mutex_t lock;
  pthread_cond_t supervisor_wake;

  gint stopping;          /* atomic, written under the lock */
  gint expired;           /* atomic: the drain_timeout is over; nothing more is executed */
  gint crowded;           /* atomic: a worker is wanted and none is left */
  gsize held;             /* atomic: sum of the connections' holds; written under the lock */
  gint eager;             /* atomic: handlers are slow; hand the loop on before each */
  guint quick_turns;      /* atomic: requests that were quick in spite of that */
  guint64 n_events;       /* atomic: connections that the loop found ready */
  guint64 n_wakes;        /* atomic: times that a worker was interrupted there */
  guint64 n_offer_rounds; /* the supervisor's */
  gint supervisor_asleep; /* atomic, written under the lock */

  /* the lock's */
  gboolean quit;
  gboolean supervisor_called; /* something happened since the supervisor began to look */
  gboolean serving;
  gboolean listening;
  gboolean listeners_paused;
  ServerConnection *connections;
  guint n_connections;
  guint n_refused;
  ServerConnection *ready_head;
  ServerConnection *ready_tail;
  TallyTurns turns;  /* of connections with requests that wait for a worker */
  GSequence *due;    /* NULL before there is one: of requests, the next deadline first */
  guint n_beside;    /* requests that run beside another one of their connection */
  guint64 n_dropped; /* answers that found no connection */
  ServerConnection *first_holder; /* whose messages are unfinished, the oldest first */
  ServerConnection *last_holder;
  gboolean connections_turn; /* a worker that may choose takes a connection, not a request */
  gsize n_released; /* atomic: bytes of what was large and is gone, since the heap was trimmed */
  gsize peak_held;  /* the most that was held since then */
  gint64 next_trim; /* server_now () before which it is not trimmed again */
  gint64 trim_interval;  /* from the last time to that */
  guint n_accept_rounds; /* the loop holder's; so are the next two */
  gboolean has_swarm;    /* several peers were there at once the last time */
  gint64
      stop_deadline; /* server_now () when a stop waits no longer for handshakes; 0: none waits */
  gint64 next_stop;  /* the same, when such a stop goes on; 0: none waits */
  ServerTicket *tickets; /* by descriptor; the loop holder makes them more */
  guint n_tickets;
  GPtrArray *graveyard; /* closed connections that a batch of events may still name */
  ServerWorker *loop_holder;
  ServerWorker supervisor; /* the holder's name while the supervisor itself looks for events */
  ServerWorker *workers;
  ServerWorker *idle_workers;
  ServerWorker *retired;
  guint n_workers;
  guint n_pinned;
  ServerLog log;
  ServerPace pace;
  guint64 n_accepted;
  guint64 n_refusals;
  guint64 n_timeouts;
  guint64 n_requests;                     /* of workers that left */
  guint64 n_refused_requests[N_REFUSALS]; /* atomic */
};

/* Of buffers and messages that are released one by one, smaller ones are no part of a burst. */
#define TALLY_SERVER_WORTH_COUNTING (1024 * 1024)

/* @bytes of memory, a large buffer's or a decoded message's, are no longer in use. */
static inline void
server_note_released (TallyServer *self, gsize bytes)
{
  if (G_UNLIKELY (bytes >= TALLY_SERVER_WORTH_COUNTING))
    __atomic_add_fetch (&self->n_released, bytes, __ATOMIC_RELAXED);
}

/* Lets connections give up what they hold until that is within the limit. FALSE: @asker, the
 * caller's, is the one that has to. */
static inline gboolean
server_make_room (TallyServer *self, ServerConnection *asker, ServerWorker *worker)
{
  return G_LIKELY (atomic_peek (&self->held) <= self->max_unfinished)
         || server_make_room_by_force (self, asker, worker);
}

/* @worker is about to serve what it has taken. Under the lock, so that the supervisor never sees an empty queue and an idle worker in
 * between. */
static inline void
server_begin_work_locked (TallyServer *self, ServerWorker *worker)
{
  atomic_put (&worker->busy, TRUE);
  atomic_put (&worker->epoch, atomic_peek (&worker->epoch) + 1);
  if (self->loop_holder == worker && atomic_peek (&self->eager) && server_wake_worker_locked (self))
    self->loop_holder = NULL;
}

/* What the class has of properties (server-properties.c). */
void server_properties_install (GObjectClass *object_class);

G_END_DECLS

#endif /* TALLY_SERVER_PRIVATE_H */
