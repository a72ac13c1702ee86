/* A pool's dials: how, and on which threads. */
#ifndef TALLY_DIALS_PRIVATE_H
#define TALLY_DIALS_PRIVATE_H

#include "bucket-private.h"
#include "dial-private.h"

G_BEGIN_DECLS

/* On what terms a dial runs. */
typedef struct
{
  TallyHook *hook; /* (nullable): used up */
  gint64 deadline;
  GCancellable *cancellable;
  TallyDialManner manner; /* of what the pool dials itself; so are the next two */
  gint64 tcp_keepalive;
  gint64 tcp_user_timeout;
} TallyDialTerms;

/* pool-dial.c */
TallyDialTerms
tally_dial_get_terms_locked (const TallyBucket *bucket, gint64 deadline, GCancellable *cancellable);
gpointer
tally_dial_conn (TallyBucket *bucket, TallyConn *conn, const TallyDialTerms *terms, GError **error);
GPtrArray *tally_dials_dup_locked (TallyBucket *bucket, gboolean only_given_up);
void tally_dials_cancel (GPtrArray *dials);
GCancellable *tally_bucket_dup_closing_locked (TallyBucket *bucket);

/* pool-dial-thread.c */
TallyConn *
tally_dial_on_threads (TallyBucket *bucket, TallyConn *conns, guint forks, GError **error);

/* pool-dial-caller.c */
void tally_dial_on_caller (TallyBucket *bucket, TallyWaiter *waiter, GCancellable *cancellable);

G_END_DECLS

#endif /* TALLY_DIALS_PRIVATE_H */
