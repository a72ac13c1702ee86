/* The pool: connections by endpoint, borrowed and given back. It pools ThriftTransports and knows
 * nothing of calls. */
#ifndef TALLY_POOL_H
#define TALLY_POOL_H

#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-socket.h"

G_BEGIN_DECLS

#define TALLY_TYPE_POOL (tally_pool_get_type ())
TALLY_API G_DECLARE_FINAL_TYPE (TallyPool, tally_pool, TALLY, POOL, GObject)

/**
 * TallyOutcome:
 * @TALLY_OUTCOME_CLEAN: the reply was read to its last byte; the connection may serve again.
 * @TALLY_OUTCOME_BROKEN: anything else; the connection is closed.
 */
typedef enum { TALLY_OUTCOME_CLEAN, TALLY_OUTCOME_BROKEN } TallyOutcome;

/**
 * TallyBucket:
 *
 * The part of a pool that belongs to one endpoint. A caller that borrows often looks it up once.
 * Atomically reference-counted.
 */
typedef struct _TallyBucket TallyBucket;

/**
 * TallyLease:
 * @transport: (transfer none): the borrowed connection, valid until the release.
 * @reused: whether the connection served before; %FALSE when it was just dialed.
 *
 * A borrowed connection. Filled by a borrow, emptied by the release; the rest is the pool's.
 */
typedef struct
{
  ThriftTransport *transport;
  gboolean reused;
  /*< private >*/
  TallyBucket *bucket;
  gpointer slot;
  guint64 generation;
} TallyLease;

TALLY_API TallyPool *tally_pool_new (void);
/* (transfer none): the process-wide pool. */
TALLY_API TallyPool *tally_pool_get_default (void);

TALLY_API TallyBucket *tally_pool_dup_bucket (TallyPool *self, TallyEndpoint *endpoint);
TALLY_API TallyBucket *tally_bucket_ref (TallyBucket *bucket);
TALLY_API void tally_bucket_unref (TallyBucket *bucket);

/* Borrows a connection. @deadline: g_get_monotonic_time(), -1 = none. @label: static string, for
 * dumps. On failure @lease is untouched. */
TALLY_API gboolean tally_bucket_borrow (TallyBucket *bucket, const gchar *label, gint64 deadline,
                                        GCancellable *cancellable, TallyLease *lease, GError **error);
/* As tally_bucket_borrow(), but always on a connection dialed now: for a call's one replay and for
 * calls that want a connection each. It counts against the same limits. */
TALLY_API gboolean tally_bucket_borrow_fresh (TallyBucket *bucket, const gchar *label, gint64 deadline,
                                              GCancellable *cancellable, TallyLease *lease,
                                              GError **error);
/* Gives a lease back; @lease is emptied. A lease that is not this bucket's or was given back already
 * is refused with a critical warning and the pool is unharmed (rule 20). */
TALLY_API void tally_bucket_release (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome);

/* Closes the pool: see rule 19. Idempotent; returns when nothing is left open. */
TALLY_API void tally_pool_close (TallyPool *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyBucket, tally_bucket_unref)

G_END_DECLS

#endif /* TALLY_POOL_H */
