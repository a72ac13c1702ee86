/* Making a connection to an endpoint. */
#ifndef TALLY_DIAL_PRIVATE_H
#define TALLY_DIAL_PRIVATE_H

#include "stream-internal.h"
#include "tally-endpoint.h"

G_BEGIN_DECLS

typedef enum
{
  TALLY_DIAL_TO_KEEP,
  /* Fewer system calls, for a caller that makes one call and no more, within a deadline, and asks
   * tally_stream_meets_itself () where it gets no answer. Not over TLS. */
  TALLY_DIAL_FOR_ONE_CALL
} TallyDialManner;

/* As tally_socket_dial (), with a stream for its result, which is closed and may be moved until it is
 * first used. FALSE with @error; @stream is then as it was. */
gboolean tally_dial (TallyEndpoint *endpoint,
                     gint64 deadline,
                     GCancellable *cancellable,
                     TallyDialManner manner,
                     TallyStream *stream,
                     GError **error);
/* Whether this thread's last dial failed for want of descriptors, memory, ports or an address family here,
 * and not for anything at the endpoint; says so once. */
gboolean tally_dial_take_failed_here (void);
/* Has the kernel notice that the peer of @stream, over TCP, has gone without a word: after @keepalive without
 * traffic it asks, and what is not acknowledged for @user_timeout ends the connection. Microseconds; 0:
 * not. */
void tally_dial_watch_peer (const TallyStream *stream, gint64 keepalive, gint64 user_timeout);

G_END_DECLS

#endif /* TALLY_DIAL_PRIVATE_H */
