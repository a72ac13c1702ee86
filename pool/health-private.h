/* Whether connections can serve. */
#ifndef TALLY_HEALTH_PRIVATE_H
#define TALLY_HEALTH_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

/* What an examination says of a connection. */
typedef struct
{
  TallyCloseReason reason; /* NONE: it may serve */
  gboolean is_silent;      /* refused by a hook, though it shows no end */
} TallyFinding;

/* pool-health.c, pool-examine.c */
TallyFinding tally_bucket_examine (TallyBucket *bucket,
                                   const TallyConn *conn,
                                   gint64 idle_age,
                                   gint64 deadline,
                                   GCancellable *cancellable);
TallyFinding tally_bucket_examine_locked (TallyBucket *bucket,
                                          const TallyConn *conn,
                                          gint64 idle_age,
                                          gint64 deadline,
                                          GCancellable *cancellable);
void tally_bucket_check_failed_locked (TallyBucket *bucket,
                                       const TallyInstant *now,
                                       TallyHold *hold,
                                       TallyFinding finding);
void tally_conns_look (TallyConn *conns);
gboolean tally_conn_is_dead (const TallyConn *conn);
gboolean tally_conn_is_silent (const TallyConn *conn, gint64 since);

G_END_DECLS

#endif /* TALLY_HEALTH_PRIVATE_H */
