/* A channel: a service's endpoint and the way calls reach it. */
#ifndef TALLY_CHANNEL_H
#define TALLY_CHANNEL_H

#include <gio/gio.h>

#include "tally-call-options.h"
#include "tally-endpoint.h"
#include "tally-pool.h"
#include "tally-types.h"

G_BEGIN_DECLS

#define TALLY_TYPE_CHANNEL (tally_channel_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyChannel, tally_channel, TALLY, CHANNEL, GObject)

/* On the process-wide default pool. No connection is made before the first call. Thread-safe. */
TALLY_API TallyChannel *tally_channel_new (const gchar *uri, GError **error);
/* On @pool (nullable: the default one; a reference is taken). */
TALLY_API TallyChannel *
tally_channel_new_with_pool (const gchar *uri, TallyPool *pool, GError **error);

TALLY_API TallyEndpoint *tally_channel_get_endpoint (TallyChannel *self);
TALLY_API TallyPool *tally_channel_get_pool (TallyChannel *self);
/* Milliseconds that a call may take in all its steps; 0 = no limit. Default 30,000. */
TALLY_API void tally_channel_set_timeout (TallyChannel *self, guint milliseconds);
TALLY_API guint tally_channel_get_timeout (TallyChannel *self);

/* Bytes that a request or a reply may have. Default 16 MiB. */
TALLY_API void tally_channel_set_max_message_size (TallyChannel *self, guint bytes);
TALLY_API guint tally_channel_get_max_message_size (TallyChannel *self);

/* Bytes of memory that a reply may take once decoded; 0, the default: 16 times the message size. */
TALLY_API void tally_channel_set_max_message_memory (TallyChannel *self, guint64 bytes);
TALLY_API guint64 tally_channel_get_max_message_memory (TallyChannel *self);

/* How deep structs and containers may be nested in a reply. Default 64. */
TALLY_API void tally_channel_set_max_depth (TallyChannel *self, guint depth);
TALLY_API guint tally_channel_get_max_depth (TallyChannel *self);

/* Whether a reply in the binary protocol must have a version in its header. Default: the URI's
 * `strict=yes|no`, else %TRUE. */
TALLY_API void tally_channel_set_strict (TallyChannel *self, gboolean strict);
TALLY_API gboolean tally_channel_get_strict (TallyChannel *self);

/* Makes one call. @results (nullable): for each field of @method's result table, in its order, a
 * pointer to the caller's variable. The return value: a string's or binary's old value is freed, a
 * struct or container is filled in place, or allocated when the variable holds %NULL. An
 * exception's variable receives the object. @timeout: milliseconds for this call; 0 = no limit, -1
 * = the channel's. */
TALLY_API gboolean tally_channel_call (TallyChannel *self,
                                       const TallyMethod *method,
                                       gconstpointer args,
                                       gpointer const *results,
                                       gint timeout,
                                       GCancellable *cancellable,
                                       GError **error);
TALLY_API gboolean tally_channel_call_with (TallyChannel *self,
                                            const TallyMethod *method,
                                            gconstpointer args,
                                            gpointer const *results,
                                            const TallyCallOptions *options,
                                            GError **error);

G_END_DECLS

#endif /* TALLY_CHANNEL_H */
