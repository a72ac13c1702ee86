/* What the example servers do with their processor. */
#ifndef EXAMPLES_SERVE_H
#define EXAMPLES_SERVE_H

#include <tally.h>

#define SERVE_URI_DESCRIPTION                                                                      \
  "Where to listen and how to speak there; port 0 takes a free one. Default: tcp://localhost:9090"

/* Listens at @uri, prints "listening on URI" with the real port, and serves until SIGTERM or
 * SIGINT; then requests under way are finished. */
gboolean serve (ThriftProcessor *processor, const gchar *uri, GError **error);
/* As serve (); @prepare is called before it serves, with the real URI, and ends it with FALSE and an error. */
gboolean serve_prepared (
    ThriftProcessor *processor,
    const gchar *uri,
    gboolean (*prepare) (TallyServer *server, const gchar *uri, gpointer user_data, GError **error),
    gpointer user_data,
    GError **error);

#endif /* EXAMPLES_SERVE_H */
