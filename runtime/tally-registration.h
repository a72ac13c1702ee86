/* What tells the world that a server serves. */
#ifndef TALLY_REGISTRATION_H
#define TALLY_REGISTRATION_H

#include <gio/gio.h>

#include "tally-macros.h"

G_BEGIN_DECLS

#define TALLY_TYPE_REGISTRATION (tally_registration_get_type ())
TALLY_API
G_DECLARE_DERIVABLE_TYPE (TallyRegistration, tally_registration, TALLY, REGISTRATION, GObject)

/**
 * TallyRegistrationClass:
 * @parent_class: the parent's.
 * @enter: the server serves at @uri, which is as tally_server_dup_uri() tells it: makes that known.
 * @leave: the server is about to stop, and still serves: takes back what @enter did, also where that failed.
 *
 * What a registration implements. Both run on a thread that a server has for that, one at a time, and may block until
 * their GCancellable is cancelled: that of @enter when the server is told to stop, that of @leave when the server's `leave-timeout`
 * has passed, or it is told again. They return %FALSE with an error, which the server logs, where they fail. A server stops
 * without one that goes on for a second after that, but thrift_server_serve() returns when it has ended.
 *
 * Since: 0.2
 */
struct _TallyRegistrationClass
{
  GObjectClass parent_class;

  gboolean (*enter) (TallyRegistration *self,
                     const gchar *uri,
                     GCancellable *cancellable,
                     GError **error);
  gboolean (*leave) (TallyRegistration *self, GCancellable *cancellable, GError **error);

  /*< private >*/
  gpointer reserved[6];
};

G_END_DECLS

#endif /* TALLY_REGISTRATION_H */
