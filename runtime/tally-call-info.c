/* Owns what is known of one call: an object, so that an interceptor may keep it, and put data of its own on it between
 * the call's begin and its end. It knows no interceptor. */
#include "tally-call-info.h"

#include "call-info-private.h"
#include "peer-text.h"

/**
 * TallyCallInfo:
 *
 * One call of a channel, or one request of a server, as interceptors see it. While the call is under way only
 * its interceptors may ask, each in its turn; once it is over nothing of it changes, and any thread that has a
 * reference may ask. An interceptor can keep data of its own on it from before the call until after, by g_object_set_qdata().
 *
 * Since: 0.2
 */
G_DEFINE_FINAL_TYPE (TallyCallInfo, tally_call_info, G_TYPE_OBJECT)

G_DEFINE_ENUM_TYPE (TallyCallOutcome,
                    tally_call_outcome,
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_UNDER_WAY, "under-way"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_ANSWERED, "answered"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_DECLARED, "declared"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_EXCEPTION, "exception"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_CANCELLED, "cancelled"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_TIMED_OUT, "timed-out"),
                    G_DEFINE_ENUM_VALUE (TALLY_CALL_REFUSED, "refused"))

/**
 * tally_call_outcome_to_string:
 * @outcome: an outcome
 *
 * Returns: (transfer none): its name as logs show it: "answered", "timed-out"
 *
 * Since: 0.2
 */
const gchar *
tally_call_outcome_to_string (TallyCallOutcome outcome)
{
  static const gchar *const names[TALLY_N_CALL_OUTCOMES] = {
    [TALLY_CALL_UNDER_WAY] = "under-way", [TALLY_CALL_ANSWERED] = "answered",
    [TALLY_CALL_DECLARED] = "declared",   [TALLY_CALL_EXCEPTION] = "exception",
    [TALLY_CALL_FAILED] = "failed",       [TALLY_CALL_CANCELLED] = "cancelled",
    [TALLY_CALL_TIMED_OUT] = "timed-out", [TALLY_CALL_REFUSED] = "refused",
  };

  g_return_val_if_fail ((guint) outcome < TALLY_N_CALL_OUTCOMES, "unknown");
  return names[outcome];
}

static void
tally_call_info_finalize (GObject *object)
{
  TallyCallInfo *self = TALLY_CALL_INFO (object);

  g_free (self->method);
  g_free (self->service);
  g_free (self->peer);
  g_clear_pointer (&self->request, g_bytes_unref);
  g_clear_pointer (&self->reply, g_bytes_unref);
  g_clear_pointer (&self->request_headers, tally_headers_unref);
  g_clear_pointer (&self->reply_headers, tally_headers_unref);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (tally_call_info_parent_class)->finalize (object);
}

static void
tally_call_info_class_init (TallyCallInfoClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_call_info_finalize;
}

static void
tally_call_info_init (TallyCallInfo *self)
{
}

TallyCallInfo *
tally_call_info_new (const gchar *method, gsize length)
{
  TallyCallInfo *self = g_object_new (TALLY_TYPE_CALL_INFO, NULL);

  self->start = g_get_monotonic_time ();
  self->method = tally_peer_text (method, length, TALLY_PEER_NAME_MAX);
  return self;
}

/**
 * tally_call_info_is_server:
 * @self: a call
 *
 * Returns: whether this is a request of a server; else it is a channel's call
 *
 * Since: 0.2
 */
gboolean
tally_call_info_is_server (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), FALSE);
  return self->is_server;
}

/**
 * tally_call_info_is_oneway:
 * @self: a call
 *
 * Returns: whether no answer is due
 *
 * Since: 0.2
 */
gboolean
tally_call_info_is_oneway (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), FALSE);
  return self->is_oneway;
}

/**
 * tally_call_info_get_method:
 * @self: a call
 *
 * Returns: (transfer none): the method's name. At a server it is the peer's word, cut and escaped
 *
 * Since: 0.2
 */
const gchar *
tally_call_info_get_method (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->method;
}

/**
 * tally_call_info_get_service:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): the service's name, which comes before the method's in the message of a
 *   multiplexed service; %NULL where there is none
 *
 * Since: 0.2
 */
const gchar *
tally_call_info_get_service (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->service;
}

/**
 * tally_call_info_get_peer:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): the channel's endpoint as a URI, of several the one that the last attempt went
 *   to and before that the channel's URI, %NULL on a channel without one; at a server the client's address, or the process at the other end of a Unix socket
 *
 * Since: 0.2
 */
const gchar *
tally_call_info_get_peer (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->peer;
}

/**
 * tally_call_info_get_seqid:
 * @self: a call
 *
 * Returns: the message's sequence id: of a call the last attempt's, and 0 before the first one
 *
 * Since: 0.2
 */
gint32
tally_call_info_get_seqid (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->seqid;
}

/**
 * tally_call_info_get_attempts:
 * @self: a call
 *
 * Returns: how often a connection was asked for to make the call: 0 before it, and for one that was refused or was
 *   over before that, 2 for one that was replayed (pool rule 13), more by a #TallyRetryPolicy. At a server 1
 *
 * Since: 0.2
 */
guint
tally_call_info_get_attempts (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->attempts;
}

/**
 * tally_call_info_get_request_bytes:
 * @self: a call
 *
 * Returns: bytes of the request's message without its frame's header; 0 while it is not encoded. Of several attempts
 *   the last one's
 *
 * Since: 0.2
 */
gsize
tally_call_info_get_request_bytes (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->request_bytes;
}

/**
 * tally_call_info_get_reply_bytes:
 * @self: a call
 *
 * Returns: bytes of the reply's message without its frame's header; 0 where there is none
 *
 * Since: 0.2
 */
gsize
tally_call_info_get_reply_bytes (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->reply_bytes;
}

/**
 * tally_call_info_keep_messages:
 * @self: a call
 *
 * Asks for copies of the call's messages, which an interceptor reads in `after`: to show what went over the wire. Only
 * in `before`, and only of a channel's call; a server's request has none.
 *
 * Since: 0.2
 */
void
tally_call_info_keep_messages (TallyCallInfo *self)
{
  g_return_if_fail (TALLY_IS_CALL_INFO (self));
  self->keeps_messages = TRUE;
}

/**
 * tally_call_info_get_request:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): the request's message, tally_call_info_get_request_bytes() bytes; of several
 *   attempts the last one's. %NULL where messages are not kept or none was encoded
 *
 * Since: 0.2
 */
GBytes *
tally_call_info_get_request (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->request;
}

/**
 * tally_call_info_get_reply:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): the reply's message, or all that came of one that proved malformed. Of one that did not come
 *   whole, or was too long, it is what came, with the frame's header, and tally_call_info_get_reply_bytes() is 0; on a shared
 *   connection that is nothing. %NULL where messages are not kept or nothing came
 *
 * Since: 0.2
 */
GBytes *
tally_call_info_get_reply (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->reply;
}

/**
 * tally_call_info_get_request_headers:
 * @self: a call
 *
 * Gives what goes, or came, with the request by `transport=header`; at a server with what the client sent for all
 * requests of its connection. %TALLY_HEADER_TIMEOUT, which a channel adds itself, is not among a call's.
 *
 * An interceptor may change them while its `before` runs, and at no other time: at a channel they are what is sent, with each
 * attempt, at a server what the handler sees. The caller's own stay as they are.
 *
 * Returns: (transfer none) (nullable): the headers; %NULL where the peer does not speak `transport=header`
 *
 * Since: 0.2
 */
TallyHeaders *
tally_call_info_get_request_headers (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->request_headers;
}

/**
 * tally_call_info_get_reply_headers:
 * @self: a call
 *
 * Gives, once the call is over, what came with the reply, an exception too, by `transport=header`; at a server what goes
 * with it.
 *
 * Returns: (transfer none) (nullable): the headers, not to be changed; empty where no reply came, or where it had none; %NULL
 *   where the peer does not speak `transport=header`
 *
 * Since: 0.2
 */
TallyHeaders *
tally_call_info_get_reply_headers (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->reply_headers;
}

/**
 * tally_call_info_get_start_time:
 * @self: a call
 *
 * Returns: g_get_monotonic_time() when the call was made, or the server came to the request
 *
 * Since: 0.2
 */
gint64
tally_call_info_get_start_time (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->start;
}

/**
 * tally_call_info_get_sent_time:
 * @self: a call
 *
 * Returns: g_get_monotonic_time() when the kernel had taken the whole request, of several attempts the last
 *   one's; 0 where that was not so, and at a server, which does not say when it sends
 *
 * Since: 0.2
 */
gint64
tally_call_info_get_sent_time (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->sent;
}

/**
 * tally_call_info_get_end_time:
 * @self: a call
 *
 * Returns: g_get_monotonic_time() when the call was over; 0 before
 *
 * Since: 0.2
 */
gint64
tally_call_info_get_end_time (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), 0);
  return self->end;
}

/**
 * tally_call_info_get_outcome:
 * @self: a call
 *
 * Returns: the outcome
 *
 * Since: 0.2
 */
TallyCallOutcome
tally_call_info_get_outcome (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), TALLY_CALL_UNDER_WAY);
  return self->outcome;
}

/**
 * tally_call_info_get_error:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): what the caller, or the server's client, is told; %NULL where all is well
 *
 * Since: 0.2
 */
const GError *
tally_call_info_get_error (TallyCallInfo *self)
{
  g_return_val_if_fail (TALLY_IS_CALL_INFO (self), NULL);
  return self->error;
}
