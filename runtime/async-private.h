/* An asynchronous call, for its parts: what it is from its start to its end (async-call.c), and what it
 * does on a connection of its own (async-exchange.c) and on a shared one (async-shared.c). It lives in the
 * main context that was its caller's thread default one; no other thread touches it, but where said. */
#ifndef TALLY_ASYNC_PRIVATE_H
#define TALLY_ASYNC_PRIVATE_H

#include "call-private.h"

G_BEGIN_DECLS

/* Where a field of the result is kept until the caller fetches it. */
typedef union
{
  gint64 number;
  gdouble real;
  gpointer pointer;
  TallyUuid uuid;
} TallyResultSlot;

typedef struct
{
  TallyCall call; /* its results are `slots` */
  TallyCallOptions options;
  GTask *task;
  TallyBuffer args; /* encoded when the call began: the caller's may be gone */
  TallyLease lease; /* while it has a connection */
  TallySocket *socket;
  TallyCall first;     /* once it is replayed: the call as it was, */
  GError *first_error; /* and why; nullable */
  TallyResultSlot *slots;
  gpointer *results;
} TallyAsyncCall;

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

/* An attempt has ended. @clean: whether the connection may serve again. @error: (transfer full) (nullable):
 * why it failed. @self may be gone afterwards. */
void tally_async_call_end (TallyAsyncCall *self, gboolean clean, GError *error);

G_END_DECLS

#endif /* TALLY_ASYNC_PRIVATE_H */
