/* What calls may do with a bucket and a lease beyond the pool's public interface. */
#ifndef TALLY_LEASE_INTERNAL_H
#define TALLY_LEASE_INTERNAL_H

#include "socket-internal.h"
#include "tally-pool.h"

G_BEGIN_DECLS

/* What g_get_monotonic_time () is by the clock that @bucket's borrows and releases read: where TALLY_POOL_CHECK_NEVER lets it be
 * the coarse one, it lags by at most a tick. */
gint64 tally_bucket_get_time (TallyBucket *bucket);

typedef enum
{
  TALLY_BORROW_FAILED,
  TALLY_BORROW_DONE,
  TALLY_BORROW_UNLOOKED /* its stream has still to be looked at */
} TallyBorrow;

/* tally_bucket_borrow_at (), which leaves the look at a stream to its caller. */
TallyBorrow tally_bucket_borrow_unlooked (TallyBucket *bucket,
                                          gint64 began,
                                          const gchar *label,
                                          gint64 deadline,
                                          GCancellable *cancellable,
                                          TallyLease *lease,
                                          GError **error);

/* What was borrowed so, in @lease, did not look clean: examines it, and borrows another one where it has ended. */
TALLY_COLD gboolean tally_bucket_examine_unlooked (TallyBucket *bucket,
                                                   gint64 deadline,
                                                   GCancellable *cancellable,
                                                   TallyLease *lease,
                                                   GError **error);

/* tally_bucket_borrow () that begins at @began, which tally_bucket_get_time () or g_get_monotonic_time () has just returned: a
 * caller that needs to know the time, too, reads one clock for both. On failure @lease may be overwritten. Inlined, as it makes a
 * system call: see syscall-internal.h. */
static inline __attribute__ ((always_inline)) gboolean
tally_bucket_borrow_at (TallyBucket *bucket,
                        gint64 began,
                        const gchar *label,
                        gint64 deadline,
                        GCancellable *cancellable,
                        TallyLease *lease,
                        GError **error)
{
  TallyBorrow borrow =
      tally_bucket_borrow_unlooked (bucket, began, label, deadline, cancellable, lease, error);

  if (borrow != TALLY_BORROW_UNLOOKED)
    return borrow == TALLY_BORROW_DONE;
  return G_LIKELY (tally_stream_look (tally_socket_get_stream ((TallySocket *) lease->transport))
                   == TALLY_LOOK_NOTHING)
         || tally_bucket_examine_unlooked (bucket, deadline, cancellable, lease, error);
}

/* As tally_bucket_borrow_fresh (), but any connection that was never lent will do: for calls that want one
 * each. So none is in vain where dials do not end in the order in which they began. */
gboolean tally_bucket_borrow_unused (TallyBucket *bucket,
                                     const gchar *label,
                                     gint64 deadline,
                                     GCancellable *cancellable,
                                     TallyLease *lease,
                                     GError **error);

/* As tally_bucket_borrow_fresh (), but a connection whose dial began at @since or later will do, by
 * g_get_monotonic_time (), 0 = now: calls whose shared connection failed go on together on a new one. */
gboolean tally_bucket_borrow_dialed_since (TallyBucket *bucket,
                                           const gchar *label,
                                           gint64 since,
                                           gint64 deadline,
                                           GCancellable *cancellable,
                                           TallyLease *lease,
                                           GError **error);

/* tally_bucket_borrow () for a call that has other endpoints to go to: where this one cannot be reached it fails at once, also
 * with `wait-for-ready`. @since: as of tally_bucket_borrow_soon (). */
gboolean tally_bucket_borrow_or_go_on (TallyBucket *bucket,
                                       const gchar *label,
                                       gint64 since,
                                       gint64 deadline,
                                       GCancellable *cancellable,
                                       TallyLease *lease,
                                       GError **error);

/* When @lease, which is out, was taken, by g_get_monotonic_time (). */
gint64 tally_lease_get_since (const TallyLease *lease);
/* (transfer none) (nullable): the connection of @lease, which is out, where it is a socket. */
TallySocket *tally_lease_get_socket (const TallyLease *lease);

/* Instead of a time at which or after which the dial of the connection must have begun. */
#define TALLY_DIALED_ANY_TIME (-1)
#define TALLY_DIALED_NEVER_LENT (-2)

/* @lease: what was borrowed, unless @error (transfer full) says why nothing was. */
typedef void (*TallyBorrowCallback) (const TallyLease *lease, GError *error, gpointer user_data);

/* tally_bucket_borrow_async () of a connection whose dial began at @since or later: 0 = after this call, or
 * one of the above. @goes_on: as tally_bucket_borrow_or_go_on (). TRUE when it is there at once: in @lease, and @callback
 * is not called. @lease: NULL: never so.
 * @context is where it is called back otherwise. */
gboolean tally_bucket_borrow_soon (TallyBucket *bucket,
                                   const gchar *label,
                                   gint64 since,
                                   gint64 deadline,
                                   gboolean goes_on,
                                   GCancellable *cancellable,
                                   TallyLease *lease,
                                   GMainContext *context,
                                   TallyBorrowCallback callback,
                                   gpointer user_data);

G_END_DECLS

#endif /* TALLY_LEASE_INTERNAL_H */
