/* Owns what arrives on a shared connection: where its messages end, whose replies they are, handing
 * them over. Only the receiver comes here, or a thread that has the connection alone. */
#include "shared-private.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "framing-private.h"
#include "header-frame-private.h"
#include "peer-text.h"
#include "server-words-private.h"
#include "tally-error.h"

/* Messages that are looked up under one lock. */
#define BATCH 32

typedef struct
{
  gsize start;         /* where its frame begins in the socket's input */
  const guint8 *bytes; /* the message there */
  gsize length;
  TallyMessage header;
  const guint8 *body;    /* where that ends; NULL: of a frame of the header transport */
  TallyPending *pending; /* NULL: late */
} Reply;

/* ---- cutting the input into messages ---- */

/* What is looked at of a message. */
typedef struct
{
  const TallyCodec *codec;
  TallyReader reader;
  TallyBuffer inflated; /* its beginning, where it is compressed */
} Look;

/* Of a frame of the header transport. */
static TALLY_COLD gboolean
look_into_frame (Look *look, const TallyShared *self, const Reply *reply, GError **error)
{
  TallyHeaderFrame frame;
  const guint8 *bytes;
  gsize length;

  if (!tally_header_frame_read_any (&frame, reply->bytes, reply->length, error)
      || !tally_header_frame_peek (&frame, &look->inflated, &bytes, &length, error))
    return FALSE;
  look->codec = frame.codec;
  tally_reader_init (&look->reader, bytes, length, &self->limits);
  return TRUE;
}

/* Reads the header of @reply's message, for as long as @look is not ended. */
static inline gboolean
look_begin (
    Look *look, const TallyShared *self, const Reply *reply, TallyMessage *message, GError **error)
{
  look->inflated = (TallyBuffer){ NULL, 0, 0 };
  look->codec = self->framer.codec;
  if (G_LIKELY (self->framer.framing != TALLY_FRAMING_HEADER))
    tally_reader_init (&look->reader, reply->bytes, reply->length, &self->limits);
  else if (!look_into_frame (look, self, reply, error))
    return FALSE;
  return look->codec->read_message (&look->reader, message, error);
}

static inline void
look_end (Look *look)
{
  if (G_UNLIKELY (look->inflated.data != NULL))
    tally_buffer_clear (&look->inflated);
}

/* A reply that is malformed, and not framed, is handed to its caller, which will say what is wrong
 * with it; all other calls fail.
 *
 * * Cuts the next message off the input behind @offset, which is moved past it. 1: there is one, 0:
 * there is none yet, -1: an error. */
static gint
cut_reply (TallyShared *self, gsize *offset, Reply *reply, GError **error)
{
  gsize available;
  const guint8 *input = tally_socket_peek_input (self->socket, &available) + *offset;
  gsize header = tally_frame_header (self->framer.framing);
  gsize length;
  gboolean is_readable;
  TallyCut cut;
  Look look;

  if (G_UNLIKELY (self->is_torn))
    {
      g_set_error_literal (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                           "a reply is malformed or too long, and where the next one begins "
                           "cannot be told");
      return -1;
    }
  cut = available > *offset ? tally_framer_cut (&self->framer, input, available - *offset, &length)
                            : TALLY_CUT_MORE;
  if (cut == TALLY_CUT_MORE)
    return 0;
  if (cut == TALLY_CUT_TOO_LONG)
    {
      guint32 size;

      tally_frame_read_size (input, &self->limits, &size, error);
      return -1;
    }
  self->is_torn = cut == TALLY_CUT_TORN;
  reply->start = *offset;
  reply->bytes = input + header;
  reply->length = length - header;
  is_readable = look_begin (&look, self, reply, &reply->header, error);
  reply->body = self->framer.framing != TALLY_FRAMING_HEADER ? look.reader.cursor : NULL;
  look_end (&look);
  if (!is_readable)
    return -1;
  *offset += length;
  return 1;
}

/* ---- whose they are ---- */

/* Whether the message of @reply, which answers no call, is a server's goodbye: an exception without
 * a name, with sequence id 0, that says so in words. @error is set then. */
static gboolean
is_goodbye (TallyShared *self, const Reply *reply, GError **error)
{
  TallyApplicationException exception = { NULL, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN };
  g_autofree gchar *text = NULL;
  TallyMessage message;
  Look look;

  if (reply->header.seqid != 0)
    return FALSE;
  if (look_begin (&look, self, reply, &message, NULL) && message.type == T_EXCEPTION
      && message.name_length == 0)
    {
      if (look.codec->read_struct (&look.reader, &tally_application_exception_info, &exception,
                                   NULL)
          && exception.message != NULL)
        text = tally_peer_text (exception.message, strlen (exception.message), TALLY_PEER_TEXT_MAX);
      tally_struct_dispose_instance (&tally_application_exception_info, &exception);
    }
  look_end (&look);
  if (text == NULL || strstr (text, TALLY_SERVER_NOT_EXECUTED) == NULL)
    return FALSE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "the server says: %s", text);
  return TRUE;
}

/* FALSE with an error when one of the @count replies belongs to no call. The others are certain to
 * be handed over. */
static gboolean
claim (TallyShared *self, Reply *replies, guint count, GError **error)
{
  guint i;

  tally_shared_lock (self);
  for (i = 0; i < count; i++)
    if (!tally_shared_take_reply_locked (self, replies[i].header.seqid, &replies[i].pending))
      break;
  pthread_mutex_unlock (&self->lock);
  if (i == count)
    return TRUE;
  for (guint j = i; j < count; j++)
    replies[j].pending = NULL;
  if (is_goodbye (self, &replies[i], error))
    {
      tally_shared_lock (self);
      self->is_refused = TRUE;
      pthread_mutex_unlock (&self->lock);
    }
  else
    g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                 THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
                 "a reply came with sequence id %d, which no call on the connection has",
                 replies[i].header.seqid);
  return FALSE;
}

/* A caller that is stricter than the connection reads the header again. */
static void
hand_over (const TallyShared *self, const Reply *reply, gboolean in_place)
{
  TallyPending *pending = reply->pending;
  gboolean is_read = reply->body != NULL && pending->limits->strict == self->limits.strict;

  pending->in_place = in_place;
  pending->reply = reply->bytes;
  pending->reply_length = reply->length;
  if (!in_place)
    {
      tally_buffer_append (&pending->buffer, reply->bytes, reply->length);
      pending->reply = pending->buffer.data;
    }
  pending->header = reply->header;
  pending->header.name =
      (const gchar *) pending->reply + ((const guint8 *) reply->header.name - reply->bytes);
  pending->body = is_read ? pending->reply + (reply->body - reply->bytes) : NULL;
  tally_pending_set_state (pending, TALLY_PENDING_DONE);
}

/* The receiver's own reply need not be copied when no other call waits for the input that it lies
 * in. */
static gboolean
may_stay (TallyShared *self, gsize end)
{
  gboolean is_alone;
  gsize available;

  tally_socket_peek_input (self->socket, &available);
  tally_shared_lock (self);
  is_alone = self->n_pending == 1;
  pthread_mutex_unlock (&self->lock);
  return is_alone && available == end && !self->is_torn;
}

/* Calls of one agent that are over, and of which it is told at once. */
typedef struct
{
  TallySharedAgent *agent; /* nullable */
  TallyPending *first;
  TallyPending *last;
} Told;

static void
tell (Told *told)
{
  if (told->agent != NULL)
    told->agent->over (told->agent, told->first, told->last);
  told->agent = NULL;
}

/* @pending, of @agent, is over too. */
static void
add_told (Told *told, TallySharedAgent *agent, TallyPending *pending)
{
  if (told->agent == agent)
    told->last->next_over = pending;
  else
    {
      tell (told);
      told->agent = agent;
      told->first = pending;
    }
  told->last = pending;
}

/* Hands over the @count messages that the first @end bytes of the input are, and consumes these. */
static gboolean
deliver (TallyShared *self,
         Reply *replies,
         guint count,
         gsize end,
         TallyPending *receiver,
         GError **error)
{
  gboolean are_known = claim (self, replies, count, error);
  TallyPending *last = replies[count - 1].pending;
  gboolean stays = last != NULL && last == receiver && may_stay (self, end);
  Told told = { NULL };

  for (guint i = 0; i < count; i++)
    {
      TallyPending *pending = replies[i].pending;
      TallySharedAgent *agent = pending != NULL ? pending->agent : NULL;

      if (pending == NULL)
        continue;
      hand_over (self, &replies[i], stays && i == count - 1);
      if (agent != NULL)
        add_told (&told, agent, pending);
      else if (pending != receiver)
        tally_pending_wake (pending, NULL);
    }
  tell (&told);
  tally_socket_consume (self->socket, stays ? replies[count - 1].start : end);
  return are_known;
}

/* ---- receiving ---- */

/* @again: some of the message has come, and more is missing. */
static gboolean
fill_input (TallyShared *self, const TallyPending *receiver, gboolean again, GError **error)
{
  gsize available;

  if (again && receiver != NULL && !tally_pending_check_in_time (receiver, error))
    return FALSE;
  tally_socket_peek_input (self->socket, &available);
  return tally_socket_fill (self->socket, available + 1, error);
}

gboolean
tally_shared_is_reply_in_frame (const TallyShared *self, TallyPending *pending)
{
  const Reply reply = { .bytes = pending->reply, .length = pending->reply_length };
  Look look;
  gboolean is_own = look_begin (&look, self, &reply, &pending->header, NULL)
                    && pending->header.seqid == pending->seqid;

  look_end (&look);
  return is_own;
}

gboolean
tally_shared_receive (TallyShared *self, TallyPending *receiver, GError **error)
{
  gboolean delivered = FALSE;
  gboolean filled = FALSE;

  self->limits.max_message = __atomic_load_n (&self->max_message, __ATOMIC_RELAXED);
  self->limits.max_depth = __atomic_load_n (&self->max_depth, __ATOMIC_RELAXED);
  self->limits.strict = !__atomic_load_n (&self->is_lenient, __ATOMIC_RELAXED);
  for (;;)
    {
      Reply replies[BATCH];
      guint count = 0;
      gsize end = 0;
      gint more = 0;

      while (count < BATCH && (more = cut_reply (self, &end, &replies[count], error)) > 0)
        count++;
      if (count > 0 && !deliver (self, replies, count, end, receiver, more < 0 ? NULL : error))
        return FALSE;
      delivered |= count > 0;
      if (receiver != NULL && receiver->in_place)
        return TRUE; /* it is still in the input */
      if (more < 0 || (more == 0 && delivered))
        return more == 0;
      if (more == 0 && !fill_input (self, receiver, filled, error))
        return FALSE;
      filled = TRUE;
    }
}

gboolean
tally_shared_receive_at_once (TallyShared *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  tally_socket_set_limits (self->socket, 0, NULL);
  if (tally_shared_receive (self, NULL, &local_error)
      || g_error_matches (local_error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
tally_shared_has_ended (TallyShared *self, TallyPending *pending)
{
  gboolean looks, has_ended;

  tally_shared_lock (self);
  looks = self->receiver == NULL || self->receiver == pending;
  if (looks)
    self->receiver = pending;
  pthread_mutex_unlock (&self->lock);
  has_ended =
      looks ? tally_socket_has_ended (self->socket) : tally_socket_has_hung_up (self->socket);
  if (!looks || pending->in_place)
    return has_ended;
  tally_shared_lock (self);
  self->receiver = NULL;
  tally_shared_hand_on_locked (self, NULL);
  tally_shared_unlock (self);
  return has_ended;
}

/* The connection is idle: what may come are replies to callers that have left. */
gboolean
tally_shared_settle (TallySocketKeeper *keeper, TallySocket *socket, gboolean *expects)
{
  TallyShared *self = (TallyShared *) keeper;
  guint owed;

  *expects = FALSE;
  if (G_LIKELY (__atomic_load_n (&self->alone_state, __ATOMIC_ACQUIRE) == TALLY_ALONE_FREE))
    return TRUE;
  if (self->failure != NULL || self->dirty)
    return FALSE;
  do
    {
      owed = self->n_owed;
      if (owed > 0 && !tally_shared_receive_at_once (self, NULL))
        return FALSE;
    }
  while (self->n_owed < owed);
  *expects = self->n_owed > 0;
  return TRUE;
}
