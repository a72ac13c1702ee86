/* What calls do on a shared connection, with a thread or without. */
#ifndef TALLY_CALL_SHARED_PRIVATE_H
#define TALLY_CALL_SHARED_PRIVATE_H

#include "call-private.h"
#include "shared-private.h"

G_BEGIN_DECLS

/* NULL and an error. */
TALLY_COLD TallyShared *tally_call_refuse_keeper (GError **error);

/* The shared connection on @socket, or NULL with an error where it is somebody else's. */
static inline TallyShared *
tally_call_find_shared (const TallyCall *call, TallySocket *socket, GError **error)
{
  TallyShared *shared = tally_shared_get (socket, call->channel->codec, call->channel->framing);

  return G_LIKELY (shared != NULL) ? shared : tally_call_refuse_keeper (error);
}

/* What interceptors are told of it: the request is in @pending and about to be sent; @pending is over. */
void
tally_call_note_shared_request (const TallyCall *call, TallyCallInfo *info, TallyPending *pending);
void
tally_call_note_shared_end (TallyCallInfo *info, const TallyPending *pending, gboolean exchanged);
/* The call is over but for its pending call. @exchanged: what tally_shared_exchange () returned, *@error, never
 * NULL, what it raised. @whole: whether the reply was one, to its last byte. */
gboolean tally_call_settle_shared (TallyCall *call,
                                   const TallyLease *lease,
                                   TallyShared *shared,
                                   TallyPending *pending,
                                   gboolean exchanged,
                                   gboolean *whole,
                                   GError **error);
/* Gives the pending call back. Whether the connection may take further calls. */
gboolean tally_call_close_shared (TallyCall *call,
                                  TallyShared *shared,
                                  TallyPending *pending,
                                  gboolean whole);

G_END_DECLS

#endif /* TALLY_CALL_SHARED_PRIVATE_H */
