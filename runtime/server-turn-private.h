/* What a connection's turn has of the connection: sending and its end. */
#ifndef TALLY_SERVER_TURN_PRIVATE_H
#define TALLY_SERVER_TURN_PRIVATE_H

#include "server-requests-private.h"

G_BEGIN_DECLS

/* Keeps what the peer does not take now. */
void server_connection_keep (ServerConnection *self, const guint8 *bytes, gsize length);
/* Goes on with what was kept. FALSE: the connection is lost. */
gboolean server_connection_send_kept (ServerConnection *self);
/* server_connection_send () while the server stops: the answers leave together with the connection's end, so that the peer, which
 * waits for them, mostly sends no further request. */
gboolean server_connection_send_parting (ServerConnection *self, TallyBuffer *answers);
/* Ends the connection behind its last answer, once the peer has taken that; then waits for the peer
 * to have read it: closing at once with bytes of the peer's unread would make the kernel take back
 * the answer. */
ServerTurn server_connection_end (ServerConnection *self, ServerWorker *worker);
/* Its last answer is sent, or waits for its turn and the peer for it. What else that sends is not looked at before. */
TALLY_COLD ServerTurn server_connection_end_or_pace (ServerConnection *self, ServerWorker *worker);
/* A turn of a connection that answers nothing more. A peer that has ended its half may still read; one that is gone need not
 * wait. */
TALLY_COLD ServerTurn server_connection_end_in_turn (ServerConnection *self, ServerWorker *worker);

/* Sends @answers, which are the @last ones or not, behind what is kept, and empties it. FALSE: the connection is lost. */
static inline __attribute__ ((always_inline)) gboolean
server_connection_send_or_keep (ServerConnection *self, TallyBuffer *answers, gboolean last)
{
  gsize sent = 0;
  gboolean ok = TRUE;

  if (answers->length == 0)
    return TRUE;
  if (G_LIKELY (self->output.length == 0))
    ok = tally_stream_send (&self->stream, answers->data, answers->length, last, &sent);
  if (G_UNLIKELY (ok && sent < answers->length))
    server_connection_keep (self, answers->data + sent, answers->length - sent);
  answers->length = 0;
  return ok;
}

/* server_connection_send (), inlined into a turn. */
static inline __attribute__ ((always_inline)) gboolean
server_connection_send_now (ServerConnection *self, TallyBuffer *answers, gboolean last)
{
  return G_LIKELY (!atomic_peek (&self->server->stopping))
             ? server_connection_send_or_keep (self, answers, last)
             : server_connection_send_parting (self, answers);
}

G_END_DECLS

#endif /* TALLY_SERVER_TURN_PRIVATE_H */
