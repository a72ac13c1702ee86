/* One call, for the two ways in which it can travel: on a connection of its own (call.c) and on a
 * shared one (call-shared.c). */
#ifndef TALLY_CALL_PRIVATE_H
#define TALLY_CALL_PRIVATE_H

#include "channel-private.h"

G_BEGIN_DECLS

typedef struct
{
  TallyChannel *channel;
  const TallyMethod *method;
  gconstpointer args;
  gpointer const *results;
  gint64 deadline;
  GCancellable *cancellable;
  gint32 seqid;
  TallyLimits limits;
  gboolean answered; /* a valid reply was read to its end, whatever it said */
  gboolean declared; /* it was one of the method's exceptions */
  gint64 failed_at;  /* when the shared connection that it travelled on did; 0: it did not */
} TallyCall;

/* Appends the request. What cannot be encoded leaves @output as it was. */
gboolean tally_call_write (const TallyCall *call, TallyBuffer *output, GError **error);
/* Reads and validates the reply, and hands out what it holds. */
gboolean tally_call_read (TallyCall *call, TallyReader *reader, GError **error);
/* What can have become of the request is part of every error from when it was sent until it was
 * answered. */
void tally_call_add_that_it_was_sent (GError *error);

/* Steps 3 to 6 of a call on a shared connection. @clean: whether it may take further calls. */
gboolean
tally_call_exchange_shared (TallyCall *call, TallySocket *socket, gboolean *clean, GError **error);

G_END_DECLS

#endif /* TALLY_CALL_PRIVATE_H */
