/* TallyAdmin: what an operator asks of a running program, over HTTP. */
#ifndef TALLY_ADMIN_H
#define TALLY_ADMIN_H

#include <tally.h>

G_BEGIN_DECLS

#define TALLY_TYPE_ADMIN (tally_admin_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyAdmin, tally_admin, TALLY, ADMIN, GObject)

TALLY_API TallyAdmin *tally_admin_new (void);

TALLY_API void tally_admin_add_server (TallyAdmin *self, const gchar *name, TallyServer *server);
TALLY_API void tally_admin_add_pool (TallyAdmin *self, const gchar *name, TallyPool *pool);
TALLY_API void tally_admin_add_channel (TallyAdmin *self, const gchar *name, TallyChannel *channel);

TALLY_API gboolean tally_admin_listen (TallyAdmin *self, const gchar *uri, GError **error);
TALLY_API gchar *tally_admin_dup_uri (TallyAdmin *self);
TALLY_API void tally_admin_stop (TallyAdmin *self);

G_END_DECLS

#endif /* TALLY_ADMIN_H */
