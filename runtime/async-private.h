/* An asynchronous call, for its parts: what it is from its start to its end (async-call.c), and what it
 * does on a connection of its own (async-exchange.c) and on a shared one (async-shared.c). It lives in the
 * main context that was its caller's thread default one; no other thread touches it, but where said. */
#ifndef TALLY_ASYNC_PRIVATE_H
#define TALLY_ASYNC_PRIVATE_H

#include "call-private.h"
#include "cancel-watch-internal.h"
#include "retry-private.h"
#include "shared-private.h"

G_BEGIN_DECLS

/* Where a field of the result is kept until the caller fetches it. */
typedef union
{
  gint64 number;
  gdouble real;
  gpointer pointer;
  TallyUuid uuid;
} TallyResultSlot;

/* So many fields of a result need no memory of their own. */
#define TALLY_ASYNC_SLOTS 2

typedef struct _TallyAsyncAgent TallyAsyncAgent; /* async-shared.c */
typedef struct _TallyAsyncRetry TallyAsyncRetry; /* retry-async.c */
typedef struct _TallyHedge TallyHedge;           /* hedge.c */

/* A call, and the GAsyncResult that its callback is given. */
struct _TallyAsyncCall
{
  GObject parent_instance;
  TallyAsyncCall *next_spare; /* of its thread's calls that are over */
  TallyBuffer args;           /* encoded when the call began: the caller's may be gone */

  TallyCall call;           /* its results are `slots` */
  TallyCallOptions options; /* zero where it was given none */
  TallyResultSlot *slots;
  gpointer *results;
  TallyResultSlot own_slots[TALLY_ASYNC_SLOTS];
  gpointer own_results[TALLY_ASYNC_SLOTS];

  /* the caller's */
  GObject *source;
  GMainContext *context;
  GAsyncReadyCallback callback; /* nullable */
  gpointer user_data;

  /* among its agent's that have a deadline; async-due.c's */
  guint due_index; /* in the heap */
  TallyAsyncCall *due_previous;
  TallyAsyncCall *due_next;

  /* From here on all is zero when it begins. */
  TallyCallInfo *info;  /* nullable: what interceptors are told */
  gboolean has_started; /* atomic: the function that starts it has returned */
  gboolean is_here;     /* what makes an attempt is in its context */
  gboolean is_fetched;
  gboolean is_part; /* it is one of the attempts of a hedge */
  GError *error;    /* nullable: of a call that is over */
  TallyLease lease; /* while it has a connection */
  TallySocket *socket;
  GError *first_error;    /* nullable: why it is replayed, */
  TallyCall *first;       /* and the call as it was; nullable */
  TallyAsyncRetry *retry; /* nullable */
  TallyHedge *hedge;      /* nullable: the attempts that are under way */

  /* async-shared.c's */
  TallyAsyncAgent *agent;
  TallyPending *pending;
  TallyCancelWatch cancel;
};

/* ---- async-due.c: calls in the order of their deadlines ---- */

/* Zeroed: empty. */
typedef struct
{
  TallyAsyncCall *first; /* nullable: the line */
  TallyAsyncCall *last;
  TallyAsyncCall **calls; /* a heap */
  guint length;
  guint capacity;
} TallyAsyncDue;

/* The `due_index` of a call that is in neither, or in the line. */
#define TALLY_NOT_DUE G_MAXUINT
#define TALLY_DUE_IN_LINE (G_MAXUINT - 1)

void tally_async_due_add (TallyAsyncDue *self, TallyAsyncCall *call);
/* Does nothing where @call is not among them. */
void tally_async_due_remove (TallyAsyncDue *self, TallyAsyncCall *call);
/* (nullable): the earliest. */
TallyAsyncCall *tally_async_due_first (const TallyAsyncDue *self);
void tally_async_due_clear (TallyAsyncDue *self);

/* ---- async-result.c: what the callback is given ---- */

/* @cancellable goes before that of @options. */
TallyAsyncCall *tally_async_call_new (TallyChannel *channel,
                                      gpointer source,
                                      const TallyMethod *method,
                                      gconstpointer args,
                                      const TallyCallOptions *options,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
/* One attempt of @call, in its context: (transfer full). */
TallyAsyncCall *tally_async_call_new_part (TallyAsyncCall *call,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
/* The call is over: calls back, at once unless it is still being started. @error: (transfer full) (nullable).
 * @self is its callback's from now on. */
void tally_async_call_complete (TallyAsyncCall *self, GError *error);
/* Of this thread's calls that are over, those that it keeps for calls to come. */
guint tally_async_count_spare (void);
/* Whether tally_async_call_start () made @result. */
gboolean tally_async_call_is (GAsyncResult *result);

/* ---- async-call.c ---- */

/* What tally_channel_call_async () does, for @source, which the callback is given. */
void tally_async_call_start (TallyChannel *channel,
                             gpointer source,
                             const TallyMethod *method,
                             gconstpointer args,
                             const TallyCallOptions *options,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
/* Hands the result out. */
gboolean tally_async_call_finish (gpointer source,
                                  const TallyMethod *method,
                                  GAsyncResult *result,
                                  gpointer const *results,
                                  GError **error);

/* Exchanges request and reply on the connection that @self has borrowed, which serves it alone; ends in
 * tally_async_call_end (). */
void tally_async_exchange (TallyAsyncCall *self);
/* tally_async_exchange () on a connection that serves other calls too. */
void tally_async_exchange_shared (TallyAsyncCall *self);
/* Whether this thread ends calls of @context on such a connection, and so is in that context. */
gboolean tally_async_is_dispatching (const GMainContext *context);

/* An attempt has ended. @clean: whether the connection may serve again. @error: (transfer full) (nullable):
 * why it failed. @self may be gone afterwards. */
void tally_async_call_end (TallyAsyncCall *self, gboolean clean, GError *error);

/* Makes one attempt, with a sequence id of its own. */
void tally_async_call_attempt (TallyAsyncCall *self);
/* An attempt is over, and its connection given back. @error: (transfer full) (nullable): why it failed. */
void tally_async_call_attempted (TallyAsyncCall *self, GError *error);
/* Ends the call, however many attempts it had. @error: (transfer full) (nullable): why it failed. */
void tally_async_call_tell (TallyAsyncCall *self, GError *error);

/* ---- retry-async.c: attempts beyond the first ---- */

/* @policy: (transfer full). */
TallyAsyncRetry *tally_async_retry_new (TallyChannel *channel, TallyRetryPolicy *policy);
void tally_async_retry_free (TallyAsyncRetry *self);
/* An attempt has failed with @error. TRUE when there will be another: then @error (transfer full) is used up. */
gboolean tally_async_retry_again (TallyAsyncCall *call, GError *error);
TallyRetry *tally_async_retry_get (TallyAsyncRetry *self);
/* When the attempt began that is told next. */
void tally_async_retry_set_began (TallyAsyncRetry *self, gint64 began);
GError *tally_async_retry_explain (TallyAsyncRetry *self, TallyCall *call, GError *error);

G_END_DECLS

#endif /* TALLY_ASYNC_PRIVATE_H */
