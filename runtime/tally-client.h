/* The base class of generated clients: on a channel, or as Apache's are on two given protocols. */
#ifndef TALLY_CLIENT_H
#define TALLY_CLIENT_H

#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "tally-channel.h"

G_BEGIN_DECLS

/**
 * TallyClient:
 * @input_protocol: (type gpointer) (nullable): where an Apache-style client reads replies; not owned.
 * @output_protocol: (type gpointer) (nullable): where it writes requests; not owned.
 *
 * The instance of every generated client: `typedef TallyClient DemoEchoClient`.
 * Properties: `input_protocol`, `output_protocol` (as Apache's), `channel`.
 */
typedef struct _TallyClient
{
  GObject parent;

  ThriftProtocol *input_protocol;
  ThriftProtocol *output_protocol;

  /*< private >*/
  TallyChannel *channel;
  gint32 seqid; /* of the last request over output_protocol */
} TallyClient;

typedef struct _TallyClientClass
{
  GObjectClass parent_class;
} TallyClientClass;

#define TALLY_TYPE_CLIENT (tally_client_get_type ())
#define TALLY_CLIENT(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_CLIENT, TallyClient))
#define TALLY_IS_CLIENT(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_CLIENT))
TALLY_API GType tally_client_get_type (void);

TALLY_API gboolean tally_client_call (gpointer client,
                                      const TallyMethod *method,
                                      gconstpointer args,
                                      gpointer const *results,
                                      GError **error);
TALLY_API gboolean tally_client_call_with (gpointer client,
                                           const TallyMethod *method,
                                           gconstpointer args,
                                           gpointer const *results,
                                           const TallyCallOptions *options,
                                           GError **error);
TALLY_API void tally_client_call_async (gpointer client,
                                        const TallyMethod *method,
                                        gconstpointer args,
                                        const TallyCallOptions *options,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
TALLY_API gboolean tally_client_call_finish (gpointer client,
                                             const TallyMethod *method,
                                             GAsyncResult *result,
                                             gpointer const *results,
                                             GError **error);
TALLY_API gboolean tally_client_send (gpointer client,
                                      const TallyMethod *method,
                                      gconstpointer args,
                                      GError **error);
TALLY_API gboolean tally_client_recv (gpointer client,
                                      const TallyMethod *method,
                                      gpointer const *results,
                                      GError **error);

TALLY_API gpointer tally_client_new (GType client_type, TallyChannel *channel);

G_END_DECLS

#endif /* TALLY_CLIENT_H */
