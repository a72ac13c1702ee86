/* A TallySocket's inside, for its own files, and what dialing may do with one beyond its public
 * interface. */
#ifndef TALLY_SOCKET_PRIVATE_H
#define TALLY_SOCKET_PRIVATE_H

#include "dial-private.h"
#include "socket-internal.h"
#include "stream-private.h"

G_BEGIN_DECLS

struct _TallySocket
{
  ThriftTransport parent;

  TallyStream stream;
  TallyStreamLimits limits; /* of what blocks */
  gboolean has_answer;      /* something was received since it was last reset */
  gsize consumed;           /* of input */
  TallyBuffer input;
  TallyBuffer output;
  gsize sent; /* when tally_socket_send_counted () failed last, of so many: */
  gsize to_send;
  TallySocketKeeper *keeper; /* atomic, nullable; set once */
};

typedef struct
{
  ThriftTransportClass parent_class;
} TallySocketClass;

/* Bytes received and not yet consumed. */
static inline gsize
tally_socket_available (const TallySocket *self)
{
  return self->input.length - self->consumed;
}

/* tally_socket_dial () for @manner. */
TallySocket *tally_socket_dial_for (TallyEndpoint *endpoint,
                                    gint64 deadline,
                                    GCancellable *cancellable,
                                    TallyDialManner manner,
                                    GError **error);

/* Sets the functions with which Apache's protocols use a socket. */
void tally_socket_install_transport (ThriftTransportClass *class);

G_END_DECLS

#endif /* TALLY_SOCKET_PRIVATE_H */
