/* Owns what a socket receives: its input. It knows nothing of what the bytes mean. */
#include <string.h>

#include "socket-private.h"
#include "tally-error.h"

/* What is received at once, at least; enough for most replies with their header. */
#define INPUT_CHUNK 16384

/* @reason: why it FAILED, or, when it is READY, ended. */
static TALLY_COLD void
set_receive_error (
    const TallySocket *self, GError **error, TallyWait why, const gchar *reason, gsize need)
{
  g_autofree gchar *seen =
      g_strdup_printf ("%" G_GSIZE_FORMAT " of at least %" G_GSIZE_FORMAT " bytes had arrived",
                       tally_socket_available (self), need);

  if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while receiving; %s", seen);
  else if (why == TALLY_WAIT_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while receiving; %s", seen);
  else
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                 "connection lost while receiving: %s; %s", reason, seen);
}

/* make_room () where there is too little. Never more than as much again as has arrived: a peer that declares 16 MiB gets them
 * only by sending them. */
static G_GNUC_NO_INLINE void
grow_room (TallySocket *self, gsize missing)
{
  if (self->consumed > 0)
    {
      memmove (self->input.data, self->input.data + self->consumed, tally_socket_available (self));
      self->input.length -= self->consumed;
      self->consumed = 0;
    }
  tally_buffer_reserve (&self->input,
                        CLAMP (missing, INPUT_CHUNK, MAX (self->input.length, INPUT_CHUNK)));
}

/* Makes room behind the input for the rest of @need bytes, or some of it. */
static inline void
make_room (TallySocket *self, gsize need)
{
  gsize missing = need - tally_socket_available (self);
  gsize room;

  if (self->consumed == self->input.length)
    self->consumed = self->input.length = 0;
  room = self->input.capacity - self->input.length;
  if (G_UNLIKELY (room < missing || room < INPUT_CHUNK / 4))
    grow_room (self, missing);
}

/* One step of receiving: takes what is there, waiting for it within the limits. Inlined, as a call takes no more than one
 * mostly. */
static inline __attribute__ ((always_inline)) gboolean
receive_some (TallySocket *self, gsize need, GError **error)
{
  TallyWait why;
  gssize count;

  make_room (self, need);
  count =
      tally_stream_receive_until (&self->stream, self->input.data + self->input.length,
                                  self->input.capacity - self->input.length, &self->limits, &why);
  if (G_LIKELY (count > 0))
    self->input.length += count;
  if (G_LIKELY (why == TALLY_WAIT_READY && count > 0))
    {
      self->has_answer = TRUE;
      return TRUE;
    }
  set_receive_error (self, error, why,
                     why == TALLY_WAIT_READY ? "the peer closed it"
                                             : tally_stream_describe_error (&self->stream, errno),
                     need);
  return FALSE;
}

/* What has arrived is less than @need: the pieces after the first one. The first wait looks at the clock itself; between
 * pieces of a trickle it must be looked at. A deadline of 0 means what has arrived, to its end. */
static G_GNUC_NO_INLINE gboolean
receive_rest (TallySocket *self, gsize need, GError **error)
{
  do
    {
      if (self->limits.deadline != 0 && tally_wait_remaining (self->limits.deadline) == 0)
        {
          set_receive_error (self, error, TALLY_WAIT_TIMED_OUT, NULL, need);
          return FALSE;
        }
      if (!receive_some (self, need, error))
        return FALSE;
    }
  while (tally_socket_available (self) < need);
  return TRUE;
}

gboolean
tally_socket_fill (TallySocket *self, gsize need, GError **error)
{
  if (tally_socket_available (self) >= need)
    return TRUE;
  if (!receive_some (self, need, error))
    return FALSE;
  return G_LIKELY (tally_socket_available (self) >= need) || receive_rest (self, need, error);
}

const guint8 *
tally_socket_peek_input (TallySocket *self, gsize *length)
{
  *length = tally_socket_available (self);
  return self->input.data + self->consumed;
}

gsize
tally_socket_consume (TallySocket *self, gsize length)
{
  gsize available = tally_socket_available (self);

  g_return_val_if_fail (length <= available, available);
  self->consumed += length;
  return available - length;
}
