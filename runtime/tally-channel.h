/* A channel: a service's endpoint and the way calls reach it. */
#ifndef TALLY_CHANNEL_H
#define TALLY_CHANNEL_H

#include <gio/gio.h>

#include "tally-endpoint.h"
#include "tally-pool.h"
#include "tally-types.h"

G_BEGIN_DECLS

#define TALLY_TYPE_CHANNEL (tally_channel_get_type ())
TALLY_API G_DECLARE_FINAL_TYPE (TallyChannel, tally_channel, TALLY, CHANNEL, GObject)

/* On the process-wide default pool. No connection is made before the first call. Thread-safe. */
TALLY_API TallyChannel *tally_channel_new (const gchar *uri, GError **error);
/* On @pool (nullable: the default one; a reference is taken). */
TALLY_API TallyChannel *tally_channel_new_with_pool (const gchar *uri, TallyPool *pool, GError **error);

TALLY_API TallyEndpoint *tally_channel_get_endpoint (TallyChannel *self);
TALLY_API TallyPool *tally_channel_get_pool (TallyChannel *self);
/* Milliseconds that a call may take in all its steps; 0 = no limit. Default 30,000. */
TALLY_API void tally_channel_set_timeout (TallyChannel *self, guint milliseconds);
TALLY_API guint tally_channel_get_timeout (TallyChannel *self);

/**
 * tally_channel_call:
 * @args: the arguments' C struct, as @method's table describes it
 * @results: (nullable): for each field of @method's result table, in its order, a pointer to the
 *   caller's variable. The return value: a string's or binary's old value is freed, a struct or
 *   container is filled in place, or allocated when the variable holds %NULL. An exception's variable
 *   receives the object.
 * @timeout: milliseconds for this call; -1 = the channel's
 *
 * Makes one call: borrows a connection, sends the request, receives and validates the reply,
 * releases the connection as clean or broken.
 *
 * Returns: %TRUE, or %FALSE with @error set: a declared exception as (its domain, 0, its name),
 *   anything from the peer in %THRIFT_APPLICATION_EXCEPTION_ERROR or %THRIFT_PROTOCOL_ERROR, the rest
 *   in %TALLY_ERROR or %G_IO_ERROR_CANCELLED
 */
TALLY_API gboolean tally_channel_call (TallyChannel *self, const TallyMethod *method,
                                       gconstpointer args, gpointer const *results, gint timeout,
                                       GCancellable *cancellable, GError **error);

G_END_DECLS

#endif /* TALLY_CHANNEL_H */
