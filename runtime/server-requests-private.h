/* The requests of a connection that run apart, beside each other or answered later, and what its owner, workers and
 * handlers do with them. */
#ifndef TALLY_SERVER_REQUESTS_PRIVATE_H
#define TALLY_SERVER_REQUESTS_PRIVATE_H

#include "server-admission-private.h"

G_BEGIN_DECLS

struct _ServerRequest
{
  TallyLater later; /* first */
  gatomicrefcount ref_count;
  TallyServer *server;
  TallyFraming framing;
  const TallyCodec *codec;
  ServerHeader header; /* of the header transport */
  gboolean wants_reply;
  gint32 seqid;
  gboolean takes_any_order;
  gboolean
      is_last;    /* the processor wants the connection closed behind what there is of an answer */
  gint64 arrived; /* server_now () */
  gint64 queued;  /* g_get_monotonic_time () */
  TallyBuffer message;
  ServerPermit permit;      /* while it runs: its */
  TallyTurnsClient *client; /* whose it is; has one more user */
  ServerRefusal verdict;    /* it is not to be executed */
  TallyBuffer answer;       /* written once, by the thread that answers; then the owner's */

  /* the server's lock */
  ServerConnection *connection; /* NULL: it is closed, or has the answer */
  ServerRequest *next;
  gboolean is_waiting;
  gboolean is_running;   /* its handler is called; it counts as one of its connection's */
  gboolean is_answered;  /* and the answer is its connection's: never set once that is closed */
  gboolean is_abandoned; /* nobody waits for the answer */
  GCancellable *cancellable;
  GSequenceIter *due; /* its place in the server's; NULL: in none */
};

typedef enum
{
  APART_NOT,   /* it is to be answered by its connection's owner now */
  APART_TAKEN, /* it was copied and waits for a worker */
  APART_FULL   /* it stays where it is until an answer has left */
} ServerApart;

/* Of a connection that is_apart or is_limited the owner takes the whole message at @bytes apart. @is_plain: it is to be
 * executed and its end is known. APART_NOT: with the worker's permit or a verdict, if it is_limited. */
ServerApart server_set_apart (ServerConnection *self,
                              ServerWorker *worker,
                              const guint8 *bytes,
                              gsize length,
                              gboolean is_plain);
/* The owner executes the message @bytes, without frame, which server_dispatch () found to be answered later. */
void server_begin_later (ServerConnection *self,
                         ServerWorker *worker,
                         const guint8 *bytes,
                         gsize length);
/* The owner sends what is answered and may leave. FALSE: the connection is lost. */
gboolean server_send_answers (ServerConnection *self, gboolean *sent);
/* The owner has seen the peer's end: fires the cancellables of what runs apart, once. */
void server_abandon_requests (ServerConnection *self);
/* The owner closes the connection: its requests know it no longer. Then, without the lock, drops them and fires what
 * this returns. */
GPtrArray *server_orphan_requests_locked (ServerConnection *self);
void server_drop_requests (ServerConnection *self, GPtrArray *cancellables);
/* The owner closes the connection of a server that stops: in their order requests get the answer that is there, else are
 * told that they were not executed, or that it is not known. */
void server_refuse_answers (ServerConnection *self);
void server_request_unref (ServerRequest *self);
/* Ends the answer that @output has from @start on, where its frame begins. */
void server_request_end_answer (const ServerRequest *self, TallyBuffer *output, gsize start);
/* server-due.c: requests with a deadline and a cancellable, which fires then. It is not in it yet; it may be in none. */
void server_due_add_locked (TallyServer *self, ServerRequest *request);
void server_due_remove_locked (ServerRequest *request);
/* Microseconds until the next deadline, at least 1; G_MAXINT64: there is none. */
gint64 server_due_wait_locked (TallyServer *self);
/* Fires those whose deadline has passed, without the lock. */
void server_due_fire_locked (TallyServer *self);
/* server-ring.c: connections with requests that wait. */
void server_ring_add_locked (TallyServer *self, ServerConnection *connection);
void server_ring_remove_locked (TallyServer *self, ServerConnection *connection);
/* Whether a worker has a request to take that waits. */
gboolean server_has_request_locked (TallyServer *self);
/* (transfer full) (nullable) */
ServerRequest *server_take_request_locked (TallyServer *self);
/* Whether requests wait so that another worker is worth waking. */
gboolean server_wants_help_locked (TallyServer *self);
/* (transfer full) (nullable): one that is to wait no longer; it begins, so as to be refused. */
ServerRequest *server_take_overdue_request_locked (TallyServer *self);
/* Executes it. Consumes @request. */
void server_run_request (ServerRequest *request, ServerWorker *worker);

/* A thread is to call the handler of @request. */
static inline void
server_begin_run_locked (ServerRequest *request)
{
  ServerConnection *connection = request->connection;

  request->is_running = TRUE;
  request->server->n_beside += connection->n_running > 0;
  connection->n_running++;
}

/* Ends the answer that began at @start; of an empty one nothing stays. */
static inline void
server_end_answer (TallyFraming framing, TallyBuffer *output, gsize start)
{
  if (output->length == start + tally_frame_header (framing))
    output->length = start;
  else
    tally_frame_close (output, framing, start);
}

G_END_DECLS

#endif /* TALLY_SERVER_REQUESTS_PRIVATE_H */
