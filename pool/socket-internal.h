/* What calls may do with a socket beyond its public interface. */
#ifndef TALLY_SOCKET_INTERNAL_H
#define TALLY_SOCKET_INTERNAL_H

#include "buffer-internal.h"
#include "stream-internal.h"
#include "tally-socket.h"

G_BEGIN_DECLS

typedef struct _TallySocketKeeper TallySocketKeeper;

/* ---- limits ---- */

/* As tally_socket_set_limits (), for a caller that will not use the connection when the deadline has passed: a
 * receive that waits then may be ended by shutting the connection down, which makes waiting cheaper. */
void tally_socket_set_final_limits (TallySocket *self, gint64 deadline, GCancellable *cancellable);

/* Takes back what its user set (rule 23): limits, unsent output, memory that a large message took. Unconsumed
 * input stays, because it proves that the connection is not clean. */
void tally_socket_reset (TallySocket *self);

/* tally_socket_reset () of what a borrower says is clean: FALSE, and nothing has changed, where input is unconsumed. Of a socket
 * with a keeper the next tally_socket_is_clean () says whether that was expected. */
gboolean tally_socket_take_back (TallySocket *self);

/* What it sends and receives over. */
TallyStream *tally_socket_get_stream (TallySocket *self);

/* ---- sending: what makes a system call is inlined, see syscall-internal.h ---- */

/* (transfer none): what the next tally_socket_send () sends. */
TallyBuffer *tally_socket_get_output (TallySocket *self);

/* Sends the whole output buffer and empties it, whatever the outcome, within the limits that are set. Fails
 * with %TALLY_ERROR_NOT_SENT when the connection failed before a byte reached the kernel,
 * %TALLY_ERROR_CONNECTION_LOST when it failed later, %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED; the
 * message says how much was sent. */
gboolean tally_socket_send (TallySocket *self, GError **error);

/* What follows, after the stream has failed, with @number, when it had sent @sent bytes. */
TALLY_COLD void
tally_socket_set_send_error (const TallySocket *self, gint number, gsize sent, GError **error);

/* Sends of @bytes, past the output buffer, as many as the kernel takes at once; @sent says how many, also on
 * failure. One thread may do so while another receives. Fails as tally_socket_send (), but the message does not
 * say how much was sent. */
static inline __attribute__ ((always_inline)) gboolean
tally_socket_send_bytes (
    TallySocket *self, gconstpointer bytes, gsize length, gsize *sent, GError **error)
{
  *sent = 0;
  if (G_LIKELY (tally_stream_send (tally_socket_get_stream (self), bytes, length, FALSE, sent)))
    return TRUE;
  tally_socket_set_send_error (self, errno, *sent, error);
  return FALSE;
}

/* What follows, after @sent of the @length bytes in the output buffer, which is empty by now; @alive: the stream has not failed. */
TALLY_COLD gboolean tally_socket_send_the_rest (
    TallySocket *self, gsize length, gsize sent, gboolean alive, GError **error);

/* As tally_socket_send (), for a caller that says itself what was sent: @error does not. */
static inline __attribute__ ((always_inline)) gboolean
tally_socket_send_counted (TallySocket *self, GError **error)
{
  TallyBuffer *output = tally_socket_get_output (self);
  const gsize length = output->length;
  gsize sent = 0;
  gboolean alive =
      tally_stream_send (tally_socket_get_stream (self), output->data, length, FALSE, &sent);

  output->length = 0;
  return G_LIKELY (alive && sent == length)
         || tally_socket_send_the_rest (self, length, sent, alive, error);
}

/* Waits, under limits of its own, until the kernel takes more bytes, or (@or_input) for input; @has_input says
 * whether some has arrived, or the connection has ended. One thread may do so while another receives. A peer
 * that has closed will never answer: that is a failure, unless @or_input. Fails as tally_socket_send_bytes (). */
gboolean tally_socket_await_room (TallySocket *self,
                                  gboolean or_input,
                                  gint64 deadline,
                                  GCancellable *cancellable,
                                  gboolean *has_input,
                                  GError **error);

/* Right after tally_socket_send_counted () has failed: how many of @length bytes have reached the kernel. */
gsize tally_socket_get_sent (const TallySocket *self, gsize *length);

/* How many of the bytes that the last send did not take can have gone nevertheless: they must be sent next.
 * Any thread may ask. */
gsize tally_socket_count_committed (const TallySocket *self);

/* ---- receiving ---- */

/* Blocks until at least @need unconsumed bytes are in the input buffer, which is at once when they are. However
 * slowly they come, it ends at the deadline; a deadline of 0 means what has arrived, to its end. Memory grows
 * with what arrived, not with @need. Fails with %TALLY_ERROR_CONNECTION_LOST (also at end of stream, saying how
 * many bytes were missing), %TALLY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED; what arrived stays. */
gboolean tally_socket_fill (TallySocket *self, gsize need, GError **error);

/* (transfer none) (nullable): the bytes received and not yet consumed; valid until the next fill or consume. */
const guint8 *tally_socket_peek_input (TallySocket *self, gsize *length);

/* Drops the first @length bytes of the input, at most as many as are unconsumed. How many are left. */
gsize tally_socket_consume (TallySocket *self, gsize length);

/* What receives on a socket on behalf of several users, and so knows what may still arrive for them after they
 * have left. It begins a struct of its owner's. */
struct _TallySocketKeeper
{
  /* Asked by tally_socket_is_clean (), while nobody uses the socket, to take without blocking what has arrived
   * and was expected; sets @expects when more is. %FALSE when something else has arrived, or the connection has
   * ended. */
  gboolean (*settle) (TallySocketKeeper *keeper, TallySocket *socket, gboolean *expects);
  void (*free) (TallySocketKeeper *keeper); /* when the socket is finalized */
};

/* Gives @self a keeper (transfer full) unless it has one; then @keeper is freed. Returns the one that it has
 * now, which lives as long as @self. Thread-safe. */
TallySocketKeeper *tally_socket_keep (TallySocket *self, TallySocketKeeper *keeper);

/* (transfer none) (nullable): what tally_socket_keep () has set. Thread-safe. */
TallySocketKeeper *tally_socket_get_keeper (TallySocket *self);

/* Whether it is clean, as tally_socket_is_clean (), provided that its stream has nothing to be seen by tally_stream_look (). */
gboolean tally_socket_holds_nothing (TallySocket *self);

/* ---- the connection's end ---- */

/* Whether it is a connection to itself, which no peer has: tally_stream_meets_itself (). */
gboolean tally_socket_meets_itself (const TallySocket *self);

/* Whether the peer has announced its end, with FIN or RST, even if there is input before it. One
 * system call that does not block. */
gboolean tally_socket_has_ended (TallySocket *self);
/* tally_socket_has_ended () as far as the descriptor tells: also while another thread receives. */
gboolean tally_socket_has_hung_up (const TallySocket *self);

/* Has @source watch the descriptor for nothing yet. (transfer none): for g_source_modify_unix_fd (). */
gpointer tally_socket_add_to_source (const TallySocket *self, GSource *source);

/* What poll (2) must watch the descriptor for to tell of @events (TallyStreamEvents); asked anew after each
 * try (tally_stream_get_watch ()). */
guint tally_socket_get_watch (const TallySocket *self, guint events);

/* Whether bytes have arrived of which the descriptor does not tell. */
gboolean tally_socket_has_input (const TallySocket *self);

/* Ends the connection in both directions, and wakes a thread that uses it. Any thread may do so. */
void tally_socket_shut_down (TallySocket *self);

G_END_DECLS

#endif /* TALLY_SOCKET_INTERNAL_H */
