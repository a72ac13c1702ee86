/* One call, for the two ways in which it can travel: on a connection of its own (call.c) and on a
 * shared one (call-shared.c). */
#ifndef TALLY_CALL_PRIVATE_H
#define TALLY_CALL_PRIVATE_H

#include "channel-private.h"
#include "framing-private.h"
#include "lease-internal.h"
#include "socket-internal.h"

G_BEGIN_DECLS

/* What the server may have of a request that was not answered. */
typedef enum
{
  TALLY_SENT_NOTHING,
  TALLY_SENT_REFUSED, /* some or all, but the peer says that it executed none of it */
  TALLY_SENT_PART,
  TALLY_SENT_ALL
} TallySent;

typedef struct
{
  TallyChannel *channel;
  TallyBucket *
      bucket; /* (nullable): where its connections come from: with a route not before that says so */
  TallyRoute *route;       /* nullable: of a channel over several endpoints; owned */
  const TallyCodec *codec; /* of the reply; the channel's, but where a header says another */
  const TallyMethod *method;
  gconstpointer args;
  gpointer const *results;
  const TallyCallOptions *options; /* nullable */
  const gchar *label;
  gint timeout;    /* milliseconds; 0 = no limit */
  gint64 began;    /* monotonic: its attempt, by the clock that the bucket reads */
  gint64 deadline; /* monotonic; -1 = none */
  GCancellable *cancellable;
  gint32 seqid;
  TallyLimits limits;
  gboolean answered;     /* a valid reply was read to its end, whatever it said */
  gboolean declared;     /* it was one of the method's exceptions */
  gboolean refused;      /* it was a TApplicationException */
  TallySent sent;        /* once it has failed */
  guint32 sent_bytes;    /* of TALLY_SENT_PART */
  guint32 request_bytes; /* of TALLY_SENT_PART: all of it */
  gint64 failed_at;      /* when the shared connection that it travelled on did; 0: it did not */
} TallyCall;

/* A struct of its own: a call's fields are set one by one, because to clear all of them before
 * takes a loop. */
static inline void
tally_call_init_outcome (TallyCall *call)
{
  call->answered = call->declared = call->refused = FALSE;
  call->sent = TALLY_SENT_NOTHING;
  call->failed_at = 0;
}

static inline void
tally_call_set_sent (TallyCall *call, gsize sent, gsize length)
{
  call->sent = sent == 0 ? TALLY_SENT_NOTHING : sent < length ? TALLY_SENT_PART : TALLY_SENT_ALL;
  call->sent_bytes = sent;
  call->request_bytes = length;
}

/* Fills @self with all but the sequence id. */
void tally_call_open (TallyCall *self,
                      TallyChannel *channel,
                      const TallyMethod *method,
                      gconstpointer args,
                      gpointer const *results,
                      const TallyCallOptions *options);
/* FALSE and the error of a channel that g_object_new () made and that leads nowhere. */
TALLY_COLD gboolean tally_call_refuse_without_endpoint (GError **error);
/* Whether a call that has options can still begin: it is neither cancelled nor late. */
TALLY_COLD gboolean tally_call_may_begin (const TallyCall *self, GError **error);
/* The end of a call on a connection of its own, which was dialed without a look whether it has met itself (TALLY_DIAL_FOR_ONE_CALL).
 * Then the call cannot have succeeded, since a request is no reply, unless nobody waits for one. @done: whether it seems to
 * have. */
gboolean
tally_call_end_unpooled (TallyCall *call, TallySocket *socket, gboolean done, GError **error);
/* Makes one attempt, with a sequence id of its own and, if need be, its replay. (nullable): its error. */
GError *tally_call_run (TallyCall *self, TallyCallInfo *info);
/* Whether executing it twice does no harm, by its options or else its method. */
gboolean tally_call_is_idempotent (const TallyCall *self);
/* Whether a call that failed with @error on a reused connection may be made again: its connection
 * had died, and either the server cannot have seen the request or seeing it twice does no harm. */
gboolean tally_call_may_replay (const TallyCall *self, const GError *error);
/* Whether @error, of a call that was answered, is the server's refusal to execute it. */
gboolean tally_call_was_not_executed (const TallyCall *self, const GError *error);
/* Whether that is because the server has too much to do. */
gboolean tally_call_was_too_much (const TallyCall *self, const GError *error);
/* Which connection an attempt wants. */
typedef enum
{
  TALLY_WANTED_ANY,
  TALLY_WANTED_ANY_OR_GO_ON, /* to another endpoint, where this one cannot be reached */
  TALLY_WANTED_UNUSED,       /* one of its own */
  TALLY_WANTED_FRESH         /* for a replay */
} TallyWanted;

/* One attempt at the call's bucket: borrows, exchanges, releases. @reused: whether its connection had served before. */
TALLY_COLD gboolean tally_call_attempt (
    TallyCall *self, TallyCallInfo *info, TallyWanted wanted, gboolean *reused, GError **error);
/* The error of a call whose replay failed too: of what @first and @second (transfer full) say the worse.
 * @before: the call as it was when it had failed with @first. */
GError *
tally_call_join_errors (TallyCall *self, const TallyCall *before, GError *first, GError *second);
/* What the caller is told of @error (transfer full). */
TALLY_COLD GError *tally_call_explain (const TallyCall *self, GError *error);
/* The lease's connection, or NULL with an error where it is not a socket. */
TallySocket *tally_call_get_socket (const TallyLease *lease, GError **error);

/* Whether the connection of a call that is over, which had it alone, may serve again, where its reply allows it: a
 * refusal may be the last that the peer says. */
static inline gboolean
tally_call_may_go_on (const TallyCall *self, TallySocket *socket)
{
  return G_LIKELY (!self->refused) || !tally_socket_has_ended (socket);
}

/* ---- several endpoints: call-fleet.c ---- */

/* tally_call_run () of a call with a route: goes on to other endpoints where that is safe. */
GError *tally_call_run_on_route (TallyCall *self, TallyCallInfo *info);
/* Gives the call the bucket of the endpoint for its first attempt. FALSE with @error: there is none, also after the wait that
 * tally_fleet_must_wait () may ask for. */
gboolean tally_call_enter_route (TallyCall *self, TallyCallInfo *info, GError **error);
/* Gives the call the bucket of another endpoint; FALSE: there is none, and it keeps the one it has. */
gboolean tally_call_take_next (TallyCall *self, TallyCallInfo *info);
/* Gives a call that waited for readiness the bucket of the first endpoint to try then. FALSE with @error: its time is over. */
gboolean tally_call_begin_round (TallyCall *self, TallyCallInfo *info, GError **error);
/* The attempt at the call's endpoint has ended with @error (nullable). */
void tally_call_leave_endpoint (TallyCall *self, const GError *error);
/* Whether a call that failed with @error was provably not executed, and another endpoint may do better. */
gboolean tally_call_may_move_on (const TallyCall *self, const GError *error);
/* What the call comes to after its last endpoint failed: @error (transfer full), and what became of the others. */
GError *tally_call_tell_route (const TallyCall *self, GError *error);

/* ---- interceptors ---- */

/* What they are told of @self, once `before` was called: FALSE with @error where one refuses. */
gboolean tally_call_begin_watched (TallyCall *self, TallyCallInfo **info, GError **error);
/* The call is over: calls `after`. @error: (transfer none) (nullable): what the caller is told. Frees @info. */
void tally_call_end_watched (TallyCall *self, TallyCallInfo *info, const GError *error);
/* The request in @output, all that is there, is about to be sent. */
void
tally_call_note_request (const TallyCall *self, TallyCallInfo *info, const TallyBuffer *output);
/* @reply was read, or as much of it as could be. */
void tally_call_note_reply (TallyCallInfo *info, TallyIncoming *reply);
/* The reply did not come whole, or is too long: keeps what @socket has of it. */
TALLY_COLD void tally_call_note_torn (TallyCallInfo *info, TallySocket *socket);

/* ---- the call's steps ---- */

/* tally_call_write () in two steps: the arguments alone, and the request around what that made of them. */
gboolean tally_call_write_args (const TallyCall *call, TallyBuffer *args, GError **error);
gboolean tally_call_write_around (const TallyCall *call,
                                  const TallyBuffer *args,
                                  TallyBuffer *output,
                                  GError **error);
/* Puts a header around the request that @output has from @start on, where its frame begins. */
TALLY_COLD gboolean tally_call_wrap (const TallyCall *call,
                                     TallyBuffer *output,
                                     gsize start,
                                     GError **error);
/* Gets ready to read the message in the frame that @reader has, by @message: what it needs of memory is in
 * @inflated. */
TALLY_COLD gboolean tally_call_unwrap (TallyCall *call,
                                       const TallyReader *reader,
                                       TallyBuffer *inflated,
                                       TallyReader *message,
                                       GError **error);
/* Steps 3 to 6 of a call on the shared connection that @lease is for. @clean: whether it may take
 * further calls. */
gboolean tally_call_exchange_shared (
    TallyCall *call, const TallyLease *lease, TallySocket *socket, gboolean *clean, GError **error);
/* tally_call_exchange_shared () with interceptors. */
gboolean tally_call_exchange_shared_watched (TallyCall *call,
                                             TallyCallInfo *info,
                                             const TallyLease *lease,
                                             TallySocket *socket,
                                             gboolean *clean,
                                             GError **error);

G_END_DECLS

#endif /* TALLY_CALL_PRIVATE_H */
