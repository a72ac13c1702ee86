/* What the server's files share. The server is four things, each in its file:
 *
 *  - listener (server-listener.c): sockets to accept from;
 *  - connection (server-connection.c): one peer, what it half received and half sent;
 *  - loop and workers (server-loop.c, server-worker.c): who waits for events, who serves whom;
 *  - supervisor (server-supervisor.c): the thread in serve (), which looks after time and stopping;
 *
 * and server-dispatch.c, which turns a message into an answer and knows no sockets; server-offer.c
 * is how a worker lets the supervisor send for it.
 *
 * Threads. One worker at a time holds the loop: it waits in epoll, and serves what became ready
 * itself, without a thread switch. Whoever holds the loop may get stuck in a slow handler; the
 * supervisor, awake only while requests come, sees that within a tick and gives the loop to the
 * most recently used idle worker. A connection that is hot is kept by its worker, which then waits
 * for nothing but its next request (the connection is pinned) and has handed the loop on before.
 *
 * A connection is owned by at most one thread. An event or the supervisor claims it; its owner
 * parks it. epoll reports each connection edge-triggered, so that neither costs a system call. */
#ifndef TALLY_SERVER_PRIVATE_H
#define TALLY_SERVER_PRIVATE_H

#include <pthread.h>

#include "codec-private.h"
#include "message-scanner.h"
#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-processor.h"
#include "tally-server.h"

G_BEGIN_DECLS

#define TALLY_SERVER_MAX_LISTENERS 8
/* Refused connections that are kept until their first request, so as to answer it. */
#define TALLY_SERVER_MAX_REFUSED 64
/* What a worker receives at once and, where requests are pipelined, sends at once. */
#define TALLY_SERVER_CHUNK (64 * 1024)

#define atomic_get(place) __atomic_load_n ((place), __ATOMIC_SEQ_CST)
#define atomic_set(place, value) __atomic_store_n ((place), (value), __ATOMIC_SEQ_CST)
#define atomic_peek(place) __atomic_load_n ((place), __ATOMIC_RELAXED)
#define atomic_put(place, value) __atomic_store_n ((place), (value), __ATOMIC_RELAXED)

typedef struct _ServerConnection ServerConnection;
typedef struct _ServerWorker ServerWorker;

/* ---- listener ---- */

typedef struct
{
  gint fds[TALLY_SERVER_MAX_LISTENERS];
  guint n_fds;
  gint spare_fd; /* given up to accept and refuse a peer when descriptors have run out */
  guint16 port;  /* the real one; TCP */
  gchar *path;   /* Unix: to be unlinked if it is still this file */
  guint64 device;
  guint64 inode;
} ServerListener;

gboolean server_listener_open (ServerListener *self, TallyEndpoint *endpoint, GError **error);
void server_listener_close (ServerListener *self);
/* A new connection's descriptor; -1 with errno, EAGAIN when there is none. Where descriptors have
 * run out the peer is accepted and closed, and errno is EMFILE. */
gint server_listener_accept (ServerListener *self, guint index);

/* ---- connection ---- */

/* Who has it; changed with atomic exchanges only. */
typedef enum
{
  OWNER_NOBODY,       /* it waits in epoll */
  OWNER_THREAD,       /* a thread serves it */
  OWNER_THREAD_AGAIN, /* and an event came meanwhile */
  OWNER_DEAD          /* closed; its memory waits until no event can name it */
} ServerOwner;

typedef enum
{
  PHASE_IDLE,     /* waits for a request */
  PHASE_READING,  /* has part of one */
  PHASE_WRITING,  /* has answers that the peer does not take */
  PHASE_LINGERING /* the peer was told why it is closed and gets the time to read it */
} ServerPhase;

struct _ServerConnection
{
  TallyServer *server;
  gint fd;
  guint owner;     /* atomic: a ServerOwner */
  guint phase;     /* atomic: a ServerPhase; written by the owner */
  gint64 deadline; /* atomic: server_now () at which it is closed if nobody owns it */
  gint hung_up;    /* atomic: the peer's end was seen; read until it is reached */

  /* the owner's */
  TallyBuffer input;  /* part of a request, or requests behind an answer that will not go */
  TallyBuffer output; /* what is still to be sent, from `sent` on */
  gsize sent;
  TallyScanner *scanner; /* unframed: made when a request first arrives in parts */
  gboolean refused;      /* past the limit: its first request is answered with an exception */
  gboolean wants_write;  /* epoll watches for writability */
  gboolean has_timeout;  /* the kernel's receive time-out is set */
  guint turns;           /* requests since turns_began: how hot it is */
  guint64 turns_began;   /* the loop's event count then */

  /* the server's lock */
  ServerConnection *previous;
  ServerConnection *next;
  ServerConnection *next_ready;
};

typedef enum
{
  TURN_WAIT,   /* nothing more to do before the next event */
  TURN_SERVED, /* the same, and at least one request was answered */
  TURN_CLOSE   /* it is over */
} ServerTurn;

/* The caller owns it. */
ServerConnection *server_connection_new (TallyServer *server, gint fd, gboolean refused);
/* Closes its descriptor and frees its buffers; the struct stays, see ServerOwner. */
void server_connection_release (ServerConnection *self);
void server_connection_free (ServerConnection *self);
/* The owner receives what is there, answers it, sends. With @wait the receive may block for the
 * time-out of a hot connection. */
ServerTurn server_connection_turn (ServerConnection *self, ServerWorker *worker, gboolean wait);
/* The owner, before it parks: what the peer has to do until when. @served: since the last time. */
void server_connection_set_deadline (ServerConnection *self, gboolean served);
/* Makes the next blocking receive return after @milliseconds. */
void server_connection_set_wait (ServerConnection *self, guint milliseconds);

/* ---- dispatch ---- */

/* Answers one complete message into @output; with @refusal (nullable), with an exception of that
 * text, executing nothing. %FALSE: send what is there, then close. */
gboolean server_dispatch (TallyServer *server,
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
  TallyBuffer next_answer; /* of the request under way, while output is offered */
  guint offer;             /* atomic: server-offer.c; while it is open output is only read */
  gint offer_fd;
  gssize offer_sent;
};

/* Wakes the most recently used idle worker, or starts one. FALSE: every worker is busy, and there
 * may be no more. */
gboolean server_wake_worker_locked (TallyServer *self);
void server_join_retired_locked (TallyServer *self);
void server_worker_free (ServerWorker *worker);

/* ---- offers ---- */

/* Lets the supervisor send the worker's output to @fd while a handler runs. */
void server_offer (ServerWorker *worker, gint fd);
/* Ends that. Returns how many bytes were sent, -1 when the connection is lost. */
gssize server_take_back (ServerWorker *worker);
/* The supervisor sends what is offered. Whether there was anything. */
gboolean server_accept_offers_locked (TallyServer *self);

/* ---- loop ---- */

gboolean server_loop_open (TallyServer *self, GError **error);
void server_loop_close (TallyServer *self);
/* Waits for events, at most @timeout milliseconds (-1: for ever), accepts, and queues what is
 * ready. */
void server_loop_wait (TallyServer *self, gint timeout);
/* Makes whoever waits in the loop look up. */
void server_loop_interrupt (TallyServer *self);
/* After descriptors ran out: looks at the listeners again. */
void server_loop_resume_listeners_locked (TallyServer *self);
/* What epoll reports of @connection, besides its end. */
void server_loop_watch (TallyServer *self,
                        ServerConnection *connection,
                        gboolean readable,
                        gboolean writable);
/* What a worker does with a connection it owns, until it parks or closes it. */
void server_serve (TallyServer *self, ServerConnection *connection, ServerWorker *worker);

/* TRUE: the caller owns it now. */
gboolean server_claim (ServerConnection *connection);
void server_enqueue_locked (TallyServer *self, ServerConnection *connection);
/* The owner closes it. */
void server_discard (TallyServer *self, ServerConnection *connection);

/* ---- supervisor ---- */

void server_supervise (TallyServer *self);
void server_wake_supervisor_locked (TallyServer *self);

/* ---- the server ---- */

struct _TallyServer
{
  ThriftServer parent;

  /* set before it serves, constant while it does */
  gchar *uri;
  TallyEndpoint *endpoint;
  TallyProcessor *direct; /* the processor, when it needs no ThriftProtocol; borrowed */
  const TallyCodec *codec;
  gboolean framed;
  const gchar *service; /* nullable: "NAME:method" is then taken for "method"; the endpoint's */
  TallyLimits limits;
  guint max_workers;
  guint max_connections;
  guint idle_timeout; /* milliseconds, 0 = none; so are the next three */
  guint read_timeout;
  guint write_timeout;
  guint drain_timeout;
  guint worker_timeout; /* milliseconds, 0 = none */
  guint max_pinned;

  gint stop_fd; /* eventfd, as long as the object lives: tally_server_stop () may come any time */
  gint wake_fd; /* eventfd: server_loop_interrupt () */
  gint epoll_fd;
  ServerListener listener;

  pthread_mutex_t lock;
  pthread_cond_t supervisor_wake;

  gint stopping;          /* atomic, written under the lock */
  gint crowded;           /* atomic: a worker is wanted and none is left */
  gint eager;             /* atomic: handlers are slow; hand the loop on before each */
  guint quick_turns;      /* atomic: requests that were quick in spite of that */
  guint64 n_events;       /* atomic: connections that the loop found ready */
  gint supervisor_asleep; /* atomic, written under the lock */

  /* the lock's */
  gboolean quit;
  gboolean serving;
  gboolean listening;
  gboolean listeners_paused;
  ServerConnection *connections;
  guint n_connections;
  guint n_refused;
  ServerConnection *ready_head;
  ServerConnection *ready_tail;
  GPtrArray *graveyard; /* closed connections that a batch of events may still name */
  ServerWorker *loop_holder;
  ServerWorker supervisor; /* the holder's name while the supervisor itself looks for events */
  ServerWorker *workers;
  ServerWorker *idle_workers;
  ServerWorker *retired;
  guint n_workers;
  guint n_pinned;
  guint64 n_accepted;
  guint64 n_refusals;
  guint64 n_timeouts;
  guint64 n_requests; /* of workers that left */
};

/* Milliseconds of a clock that is cheap to read and advances every few of them. */
gint64 server_now (void);

G_END_DECLS

#endif /* TALLY_SERVER_PRIVATE_H */
