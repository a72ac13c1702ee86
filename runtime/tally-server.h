/* TallyServer: serves any ThriftProcessor to many connections at once. */
#ifndef TALLY_SERVER_H
#define TALLY_SERVER_H

#include <gio/gio.h>
#include <thrift/c_glib/server/thrift_server.h>

#include "tally-macros.h"

G_BEGIN_DECLS

#define TALLY_TYPE_SERVER (tally_server_get_type ())
#define TALLY_SERVER(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_SERVER, TallyServer))
#define TALLY_IS_SERVER(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_SERVER))
typedef struct _TallyServer TallyServer;
TALLY_API GType tally_server_get_type (void);

/* @uri: where to listen and how to speak: `tcp://127.0.0.1:0?protocol=compact&transport=buffered`,
 * `unix:///run/echo.sock`; port 0 takes a free one. The processor's reference is taken. */
TALLY_API TallyServer *tally_server_new (ThriftProcessor *processor, const gchar *uri, GError **error);

/* Binds and listens, so that clients may connect; thrift_server_serve () does it when it was not done. */
TALLY_API gboolean tally_server_listen (TallyServer *self, GError **error);
/* (transfer full): the URI to reach it by, with the real port; %NULL before it listens. */
TALLY_API gchar *tally_server_dup_uri (TallyServer *self);

/* thrift_server_serve () serves until thrift_server_stop (), which any thread and (as
 * tally_server_stop) any signal handler may call: no new connections, requests under way finish,
 * then close. */
TALLY_API void tally_server_stop (TallyServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyServer, g_object_unref)

G_END_DECLS

#endif /* TALLY_SERVER_H */
