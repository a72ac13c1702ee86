/* The pool: connections by endpoint, borrowed and given back. It pools ThriftTransports and knows
 * nothing of calls. */
#ifndef TALLY_POOL_H
#define TALLY_POOL_H

#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-pool-types.h"
#include "tally-socket.h"

G_BEGIN_DECLS

#define TALLY_TYPE_POOL (tally_pool_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyPool, tally_pool, TALLY, POOL, GObject)

/**
 * TallyBucket:
 *
 * The part of a pool that belongs to one endpoint. A caller that borrows often looks it up once.
 * Atomically reference-counted.
 */
typedef struct _TallyBucket TallyBucket;

/**
 * TallyLease:
 * @transport: (type gpointer) (transfer none): the borrowed connection, valid until the release.
 * @reused: whether the connection existed before the borrow; %FALSE when it was dialed for it.
 * @shared: whether others may hold leases on the same connection now (`streams-per-connection`).
 *   The holders must agree on which of them sends and receives when; the pool does not see to that.
 *
 * A borrowed connection. Filled by a borrow, emptied by the release; the rest is the pool's. It never
 * grows. A copy borrows nothing: of a lease and its copies one is released, and the others are of no use
 * then.
 */
typedef struct
{
  ThriftTransport *transport;
  gboolean reused;
  gboolean shared;
  /*< private >*/
  TallyBucket *bucket;
  gpointer slot;
  guint64 generation;
} TallyLease;

#define TALLY_TYPE_LEASE (tally_lease_get_type ())
TALLY_API GType tally_lease_get_type (void);

TALLY_API TallyPool *tally_pool_new (void);
TALLY_API TallyPool *tally_pool_new_like (TallyPoolSystem system);
TALLY_API TallyPool *tally_pool_get_default (void);

/**
 * TallyDialHook:
 * @endpoint: where to
 * @deadline: g_get_monotonic_time() by which it must return; the dial is then of no more use.
 * @cancellable: cancelled when the pool closes; it must then return soon, for close waits for it.
 * @user_data: (closure): what was set with the hook
 * @error: return location
 *
 * Makes a connection to @endpoint instead of tally_socket_dial(). Runs on a thread of the pool,
 * never under a lock; several may run at once. What it returns the pool closes and drops, on
 * whichever thread finds that it must go.
 *
 * Returns: (transfer full) (type GObject.Object): the connection, or %NULL with @error set
 */
typedef ThriftTransport *(*TallyDialHook) (TallyEndpoint *endpoint,
                                           gint64 deadline,
                                           GCancellable *cancellable,
                                           gpointer user_data,
                                           GError **error);

/**
 * TallyCheckHook:
 * @transport: (type GObject.Object): the connection
 * @idle_time: microseconds for which @transport was idle.
 * @user_data: (closure): what was set with the hook
 *
 * Decides whether an idle connection may be handed out, instead of tally_socket_is_clean(), when
 * the property `check` wants it examined. It may do I/O; it runs on the borrower's thread, or on one
 * of the pool for tally_bucket_borrow_async() and `keepalive-interval`, never under a lock. A
 * #TallySocket has the limits set that a #TallyCheckHookFull is told.
 *
 * Returns: %FALSE when @transport is dead: then the idle connections to its endpoint that were heard
 *   from no later than it are closed with it, unless the borrow was cancelled (rule 14)
 */
typedef gboolean (*TallyCheckHook) (ThriftTransport *transport,
                                    gint64 idle_time,
                                    gpointer user_data);

/**
 * TallyCheckHookFull:
 * @transport: (type GObject.Object): the connection
 * @idle_time: microseconds for which @transport was idle.
 * @deadline: g_get_monotonic_time() by which it must return: the borrow's, or where nobody borrows
 *   `connect-timeout` from now.
 * @cancellable: (nullable): the borrow's, or where nobody borrows one that is cancelled when the pool
 *   closes.
 * @user_data: (closure): what was set with the hook
 *
 * A #TallyCheckHook that is told how long it may take.
 *
 * Returns: as a #TallyCheckHook
 */
typedef gboolean (*TallyCheckHookFull) (ThriftTransport *transport,
                                        gint64 idle_time,
                                        gint64 deadline,
                                        GCancellable *cancellable,
                                        gpointer user_data);

/**
 * TallyResetHook:
 * @transport: (type GObject.Object): the connection
 * @user_data: (closure): what was set with the hook
 *
 * Undoes, when a lease comes back clean, what its borrower did to @transport. Runs on the thread
 * that gives it back, never under a lock.
 *
 * Returns: %FALSE to have it closed
 */
typedef gboolean (*TallyResetHook) (ThriftTransport *transport, gpointer user_data);

TALLY_API void tally_pool_set_dial_hook (TallyPool *self,
                                         TallyDialHook hook,
                                         gpointer user_data,
                                         GDestroyNotify destroy);
TALLY_API void tally_pool_set_check_hook (TallyPool *self,
                                          TallyCheckHook hook,
                                          gpointer user_data,
                                          GDestroyNotify destroy);
TALLY_API void tally_pool_set_check_hook_full (TallyPool *self,
                                               TallyCheckHookFull hook,
                                               gpointer user_data,
                                               GDestroyNotify destroy);
TALLY_API void tally_pool_set_reset_hook (TallyPool *self,
                                          TallyResetHook hook,
                                          gpointer user_data,
                                          GDestroyNotify destroy);

TALLY_API TallyBucket *tally_pool_dup_bucket (TallyPool *self, TallyEndpoint *endpoint);
TALLY_API void tally_pool_clear (TallyPool *self);
TALLY_API void tally_pool_reset_backoff (TallyPool *self);
TALLY_API GPtrArray *tally_pool_dup_buckets (TallyPool *self);
TALLY_API void tally_pool_snapshot (TallyPool *self, TallyPoolSnapshot *snapshot);
TALLY_API void tally_pool_snapshot_sized (TallyPool *self, TallyPoolSnapshot *snapshot, gsize size);
#define tally_pool_snapshot(self, snapshot)                                                        \
  tally_pool_snapshot_sized (self, snapshot, sizeof *(snapshot))
TALLY_API TallyPoolSnapshot *tally_pool_dup_snapshot (TallyPool *self);
TALLY_API gchar *tally_pool_dump (TallyPool *self);
TALLY_API void tally_pool_close (TallyPool *self);

#define TALLY_TYPE_BUCKET (tally_bucket_get_type ())
TALLY_API GType tally_bucket_get_type (void);
TALLY_API TallyBucket *tally_bucket_ref (TallyBucket *bucket);
TALLY_API void tally_bucket_unref (TallyBucket *bucket);

TALLY_API gboolean tally_bucket_borrow (TallyBucket *bucket,
                                        const gchar *label,
                                        gint64 deadline,
                                        GCancellable *cancellable,
                                        TallyLease *lease,
                                        GError **error);
TALLY_API gboolean tally_bucket_borrow_fresh (TallyBucket *bucket,
                                              const gchar *label,
                                              gint64 deadline,
                                              GCancellable *cancellable,
                                              TallyLease *lease,
                                              GError **error);
TALLY_API void tally_bucket_borrow_async (TallyBucket *bucket,
                                          const gchar *label,
                                          gint64 deadline,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
TALLY_API gboolean tally_bucket_borrow_finish (TallyBucket *bucket,
                                               GAsyncResult *result,
                                               TallyLease *lease,
                                               GError **error);
TALLY_API void tally_bucket_release (TallyBucket *bucket, TallyLease *lease, TallyOutcome outcome);
TALLY_API void tally_bucket_retire (TallyBucket *bucket, const TallyLease *lease);

TALLY_API void tally_bucket_count_late_replies (TallyBucket *bucket, guint count);

TALLY_API void tally_bucket_clear (TallyBucket *bucket);
TALLY_API void tally_bucket_reset_backoff (TallyBucket *bucket);
TALLY_API void tally_bucket_warm (TallyBucket *bucket, guint count);
TALLY_API TallyEndpoint *tally_bucket_get_endpoint (TallyBucket *bucket);
TALLY_API void tally_bucket_snapshot (TallyBucket *bucket, TallyPoolSnapshot *snapshot);
TALLY_API void
tally_bucket_snapshot_sized (TallyBucket *bucket, TallyPoolSnapshot *snapshot, gsize size);
#define tally_bucket_snapshot(bucket, snapshot)                                                    \
  tally_bucket_snapshot_sized (bucket, snapshot, sizeof *(snapshot))
TALLY_API TallyPoolSnapshot *tally_bucket_dup_snapshot (TallyBucket *bucket);
TALLY_API gchar *tally_bucket_dump (TallyBucket *bucket);
TALLY_API GPtrArray *tally_bucket_dup_entries (TallyBucket *bucket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyBucket, tally_bucket_unref)

G_END_DECLS

#endif /* TALLY_POOL_H */
