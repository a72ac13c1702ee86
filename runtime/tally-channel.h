/* A channel: a service's endpoint and the way calls reach it. */
#ifndef TALLY_CHANNEL_H
#define TALLY_CHANNEL_H

#include <gio/gio.h>

#include "tally-call-options.h"
#include "tally-endpoint.h"
#include "tally-pool.h"
#include "tally-resolver.h"
#include "tally-retry-policy.h"
#include "tally-types.h"

G_BEGIN_DECLS

#define TALLY_TYPE_CHANNEL (tally_channel_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyChannel, tally_channel, TALLY, CHANNEL, GObject)

TALLY_API TallyChannel *tally_channel_new (const gchar *uri, GError **error);
TALLY_API TallyChannel *
tally_channel_new_with_pool (const gchar *uri, TallyPool *pool, GError **error);

TALLY_API TallyChannel *tally_channel_new_with_resolver (const gchar *uri,
                                                         TallyResolver *resolver,
                                                         TallyPool *pool,
                                                         GError **error);

TALLY_API TallyEndpoint *tally_channel_get_endpoint (TallyChannel *self);
TALLY_API TallyPool *tally_channel_get_pool (TallyChannel *self);
TALLY_API void tally_channel_set_timeout (TallyChannel *self, guint milliseconds);
TALLY_API guint tally_channel_get_timeout (TallyChannel *self);

TALLY_API void tally_channel_set_max_message_size (TallyChannel *self, guint bytes);
TALLY_API guint tally_channel_get_max_message_size (TallyChannel *self);

TALLY_API void tally_channel_set_max_message_memory (TallyChannel *self, guint64 bytes);
TALLY_API guint64 tally_channel_get_max_message_memory (TallyChannel *self);

TALLY_API void tally_channel_set_max_depth (TallyChannel *self, guint depth);
TALLY_API guint tally_channel_get_max_depth (TallyChannel *self);

TALLY_API void tally_channel_set_strict (TallyChannel *self, gboolean strict);
TALLY_API gboolean tally_channel_get_strict (TallyChannel *self);

TALLY_API void tally_channel_set_retry_policy (TallyChannel *self, TallyRetryPolicy *policy);
TALLY_API TallyRetryPolicy *tally_channel_dup_retry_policy (TallyChannel *self);

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

TALLY_API void tally_channel_call_async (TallyChannel *self,
                                         const TallyMethod *method,
                                         gconstpointer args,
                                         const TallyCallOptions *options,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
TALLY_API gboolean tally_channel_call_finish (TallyChannel *self,
                                              const TallyMethod *method,
                                              GAsyncResult *result,
                                              gpointer const *results,
                                              GError **error);

G_END_DECLS

#endif /* TALLY_CHANNEL_H */
