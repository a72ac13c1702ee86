/* Owns the base class of generated clients and the Apache-style way of calling, over two protocols
 * that the program made. On a channel a call is call.c's. */
#include "tally-client.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "async-private.h"
#include "codec-private.h"
#include "protocol-private.h"
#include "reply-private.h"
#include "tally-error.h"

enum
{
  PROP_CLIENT_0,
  PROP_INPUT_PROTOCOL,
  PROP_OUTPUT_PROTOCOL,
  PROP_CHANNEL
};

G_DEFINE_TYPE (TallyClient, tally_client, G_TYPE_OBJECT)

static void
tally_client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyClient *self = TALLY_CLIENT (object);

  switch (id)
    {
    case PROP_INPUT_PROTOCOL:
      self->input_protocol = g_value_get_object (value);
      break;
    case PROP_OUTPUT_PROTOCOL:
      self->output_protocol = g_value_get_object (value);
      break;
    case PROP_CHANNEL:
      g_set_object (&self->channel, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_client_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TallyClient *self = TALLY_CLIENT (object);

  switch (id)
    {
    case PROP_INPUT_PROTOCOL:
      g_value_set_object (value, self->input_protocol);
      break;
    case PROP_OUTPUT_PROTOCOL:
      g_value_set_object (value, self->output_protocol);
      break;
    case PROP_CHANNEL:
      g_value_set_object (value, self->channel);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_client_finalize (GObject *object)
{
  g_clear_object (&TALLY_CLIENT (object)->channel);
  G_OBJECT_CLASS (tally_client_parent_class)->finalize (object);
}

static void
tally_client_class_init (TallyClientClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->set_property = tally_client_set_property;
  object_class->get_property = tally_client_get_property;
  object_class->finalize = tally_client_finalize;
  /**
   * TallyClient:input_protocol: (type GObject.Object)
   *
   * Where an Apache-style client reads replies. Not owned.
   * Default: NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_INPUT_PROTOCOL,
                                   g_param_spec_object ("input_protocol", NULL, NULL,
                                                        THRIFT_TYPE_PROTOCOL,
                                                        G_PARAM_READWRITE | G_PARAM_STATIC_NICK
                                                            | G_PARAM_STATIC_BLURB));
  /**
   * TallyClient:output_protocol: (type GObject.Object)
   *
   * Where an Apache-style client writes requests. Not owned.
   * Default: NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_OUTPUT_PROTOCOL,
                                   g_param_spec_object ("output_protocol", NULL, NULL,
                                                        THRIFT_TYPE_PROTOCOL,
                                                        G_PARAM_READWRITE | G_PARAM_STATIC_NICK
                                                            | G_PARAM_STATIC_BLURB));
  /**
   * TallyClient:channel:
   *
   * How calls travel; where it is set, the two protocols are not used.
   * Default: NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CHANNEL,
                                   g_param_spec_object ("channel", NULL, NULL, TALLY_TYPE_CHANNEL,
                                                        G_PARAM_READWRITE
                                                            | G_PARAM_STATIC_STRINGS));
}

static void
tally_client_init (TallyClient *self)
{
}

/**
 * tally_client_new: (skip)
 * @client_type: the type of a generated client
 * @channel: how its calls travel; a reference is taken
 *
 * What `<svc>_client_new ()` calls. Such a client may be used by any number of threads at once.
 *
 * Returns: (transfer full): a new client
 */
gpointer
tally_client_new (GType client_type, TallyChannel *channel)
{
  g_return_val_if_fail (g_type_is_a (client_type, TALLY_TYPE_CLIENT), NULL);
  g_return_val_if_fail (TALLY_IS_CHANNEL (channel), NULL);
  return g_object_new (client_type, "channel", channel, NULL);
}

/* ---- the Apache-style client ---- */

/* The protocol that serves one half, or NULL with an error. */
static ThriftProtocol *
half (TallyClient *self,
      ThriftProtocol *protocol,
      const gchar *property,
      const TallyMethod *method,
      GError **error)
{
  if (self->channel != NULL)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                 "%s: a client on a channel cannot send and receive in two steps; nothing was sent",
                 method->name);
  else if (protocol == NULL)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                 "%s: the client has neither a channel nor an %s; nothing was sent", method->name,
                 property);
  else
    return protocol;
  return NULL;
}

/* Some of Apache's functions fail without saying why; FALSE always comes with an error here. */
static gboolean
fail_step (const TallyMethod *method, const gchar *step, GError *local_error, GError **error)
{
  if (local_error == NULL)
    local_error = g_error_new_literal (THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN,
                                       "the protocol or transport failed and did not say why");
  g_propagate_prefixed_error (error, local_error, "%s: %s: ", method->name, step);
  return FALSE;
}

/**
 * tally_client_send: (skip)
 * @client: an Apache-style client, as its interface type
 * @method: the method's table
 * @args: the arguments' C struct
 * @error: return location
 *
 * Writes a request to the client's output protocol and flushes it: the first half of a call.
 * Arguments that cannot be encoded are found before the first byte is written. Not thread-safe, as
 * the protocols are not.
 *
 * Returns: %TRUE, or %FALSE with %TALLY_ERROR_INVALID_VALUE when the arguments cannot be encoded,
 *   %TALLY_ERROR_NOT_SUPPORTED on a channel, or what the protocol and its transport raise
 */
gboolean
tally_client_send (gpointer client, const TallyMethod *method, gconstpointer args, GError **error)
{
  TallyClient *self = client;
  ThriftProtocol *protocol;
  TallyOutgoing request;
  GError *local_error = NULL;
  gint seqid = self->seqid;

  g_return_val_if_fail (TALLY_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (method != NULL && (args != NULL || method->args->n_fields == 0), FALSE);
  protocol = half (self, self->output_protocol, "output_protocol", method, error);
  if (protocol == NULL)
    return FALSE;
  if (!tally_outgoing_prepare (&request, protocol, method->name, method->oneway ? T_ONEWAY : T_CALL,
                               tally_seqid_take (&seqid), method->args, args, &local_error))
    return fail_step (method, "nothing was sent", local_error, error);
  self->seqid = request.seqid;
  if (!tally_outgoing_send (&request, &local_error))
    return fail_step (method, "sending", local_error, error);
  return TRUE;
}

/* A reply that is not ours is read to its end before it is refused, as Apache's clients do, so that
 * what follows is read from where it begins. */
static gboolean
check_reply (TallyClient *self,
             ThriftProtocol *protocol,
             const TallyMethod *method,
             const TallyMessage *reply,
             GError **error)
{
  if (tally_reply_check (reply, method, NULL, self->seqid, error))
    return TRUE;
  if (tally_walker_skip (protocol, T_STRUCT, NULL, NULL))
    tally_protocol_read_end (protocol, NULL);
  return FALSE;
}

/* Where a reply's struct is read from. */
typedef struct
{
  ThriftProtocol *protocol;
  TallyProtocolInput *input; /* (nullable): what the engine reads of it */
  gboolean is_untouched;     /* nothing was read: the protocol's own functions must */
} Source;

/* Reads the struct and ends the message. */
static gboolean
read_source (gpointer data, const TallyStructInfo *info, gpointer instance, GError **error)
{
  Source *source = data;
  gboolean done;

  if (source->input == NULL)
    done = tally_protocol_read_struct (source->protocol, info, instance, NULL, error);
  else if (tally_protocol_input_read_struct (source->input, info, instance, error))
    done = tally_protocol_input_end (source->input, NULL, error);
  else
    {
      source->is_untouched = tally_protocol_input_give_up (source->input);
      return FALSE;
    }
  if (!done || !tally_protocol_read_end (source->protocol, error))
    return FALSE;
  g_clear_error (error); /* some of Apache's set one and succeed */
  return TRUE;
}

static TallyReplyOutcome
read_result (Source *source, const TallyMethod *method, gpointer const *results, GError **error)
{
  TallyReplyOutcome outcome = tally_reply_read_result (method, results, read_source, source, error);

  if (!source->is_untouched)
    return outcome;
  g_clear_error (error);
  return TALLY_REPLY_UNTOUCHED;
}

/* The reply that is as it should be, from what the transport holds. */
static TallyReplyOutcome
read_reply_quickly (TallyClient *self,
                    ThriftProtocol *protocol,
                    const TallyMethod *method,
                    gpointer const *results,
                    GError **error)
{
  TallyProtocolInput input;
  Source source = { protocol, &input, FALSE };
  TallyMessage message;

  if (!tally_protocol_input_open (&input, protocol, error))
    return error != NULL && *error != NULL ? TALLY_REPLY_FAILED : TALLY_REPLY_UNTOUCHED;
  if (tally_protocol_input_read_message (&input, &message) && message.type == T_REPLY
      && tally_reply_check (&message, method, NULL, self->seqid, NULL))
    return read_result (&source, method, results, error);
  tally_protocol_input_give_up (&input);
  return TALLY_REPLY_UNTOUCHED;
}

/* Any reply, by the protocol's own functions. */
static TallyReplyOutcome
read_reply_slowly (TallyClient *self,
                   ThriftProtocol *protocol,
                   const TallyMethod *method,
                   gpointer const *results,
                   GError **error)
{
  Source source = { protocol, NULL, FALSE };
  g_autofree gchar *name = NULL;
  ThriftMessageType type = 0; /* Apache's binary protocol leaves these alone for an old header */
  gint32 seqid = 0;
  TallyMessage message;

  if (thrift_protocol_read_message_begin (protocol, &name, &type, &seqid, error) < 0)
    return TALLY_REPLY_FAILED;
  g_clear_error (error);
  message = (TallyMessage){
    .name = name, .name_length = name != NULL ? strlen (name) : 0, .type = type, .seqid = seqid
  };
  if (!check_reply (self, protocol, method, &message, error))
    return TALLY_REPLY_FAILED;
  if (message.type != T_EXCEPTION)
    return read_result (&source, method, results, error);
  return tally_reply_read_exception (read_source, &source, error);
}

static TallyReplyOutcome
read_reply_message (TallyClient *self,
                    ThriftProtocol *protocol,
                    const TallyMethod *method,
                    gpointer const *results,
                    GError **error)
{
  TallyReplyOutcome reply = read_reply_quickly (self, protocol, method, results, error);

  return reply != TALLY_REPLY_UNTOUCHED
             ? reply
             : read_reply_slowly (self, protocol, method, results, error);
}

/**
 * tally_client_recv: (skip)
 * @client: an Apache-style client, as its interface type
 * @method: the method's table, not of a oneway one
 * @results: (nullable): as for tally_channel_call()
 * @error: return location
 *
 * Reads the reply to the last request from the client's input protocol and matches it as a channel
 * does: the second half of a call. After an error other than a declared exception or what the
 * server says, the protocols are best dropped with their transport: what else arrives on it is
 * still matched and so refused, never mistaken for a later call's reply, but a stream once out of
 * step stays so.
 *
 * Returns: %TRUE, or %FALSE with an error as of tally_channel_call(), or what the protocol and its
 *   transport raise
 */
gboolean
tally_client_recv (gpointer client,
                   const TallyMethod *method,
                   gpointer const *results,
                   GError **error)
{
  TallyClient *self = client;
  ThriftProtocol *protocol;
  GError *local_error = NULL;
  TallyReplyOutcome reply;

  g_return_val_if_fail (TALLY_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (method != NULL && method->result != NULL, FALSE);
  protocol = half (self, self->input_protocol, "input_protocol", method, error);
  if (protocol == NULL)
    return FALSE;
  reply = read_reply_message (self, protocol, method, results, &local_error);
  if (reply == TALLY_REPLY_TAKEN)
    return TRUE;
  if (reply != TALLY_REPLY_DECLARED)
    return fail_step (method, "receiving", local_error, error);
  g_propagate_error (error, local_error);
  return FALSE;
}

/* Whether the peer may have said why @error ended the send, and to read that cannot block: of a
 * TallySocket that cannot send on all that will come has arrived. */
static gboolean
has_last_words (const TallyClient *self, const TallyMethod *method, const GError *error)
{
  return !method->oneway
         && (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST)
             || g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
         && self->input_protocol != NULL
         && self->input_protocol->transport == self->output_protocol->transport;
}

/* The end of a call that could not be sent because of @failure (transfer full). */
static gboolean
read_client_last_words (TallyClient *self,
                        const TallyMethod *method,
                        gpointer const *results,
                        GError *failure,
                        GError **error)
{
  GError *said = NULL;
  TallyReplyOutcome reply =
      has_last_words (self, method, failure)
          ? read_reply_message (self, self->input_protocol, method, results, &said)
          : TALLY_REPLY_FAILED;

  if (reply != TALLY_REPLY_FAILED)
    {
      g_error_free (failure);
      failure = g_steal_pointer (&said);
      if (reply == TALLY_REPLY_REFUSED)
        g_prefix_error (&failure, "%s: receiving: ", method->name);
    }
  g_clear_error (&said);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return reply == TALLY_REPLY_TAKEN;
}

/* Apart from tally_client_call (), so that a call on a channel ends in a jump. */
static G_GNUC_NO_INLINE gboolean
call_over_protocols (TallyClient *self,
                     const TallyMethod *method,
                     gconstpointer args,
                     gpointer const *results,
                     GError **error)
{
  GError *local_error = NULL;

  if (!tally_client_send (self, method, args, &local_error))
    return read_client_last_words (self, method, results, local_error, error);
  return method->oneway || tally_client_recv (self, method, results, error);
}

/**
 * tally_client_call: (skip)
 * @client: an instance of a generated client, as its interface type
 * @method: the method's table
 * @args: the arguments' C struct
 * @results: (nullable): as for tally_channel_call()
 * @error: return location
 *
 * Makes one call: on the client's channel with its timeout, or over its two protocols.
 *
 * Returns: %TRUE, or %FALSE with an error as of tally_channel_call(), or of tally_client_send() and
 *   tally_client_recv()
 */
gboolean
tally_client_call (gpointer client,
                   const TallyMethod *method,
                   gconstpointer args,
                   gpointer const *results,
                   GError **error)
{
  TallyClient *self = client;

  g_return_val_if_fail (client != NULL, FALSE); /* its type was checked to find the method */
  if (G_LIKELY (self->channel != NULL))
    return tally_channel_make_call (self->channel, method, args, results, NULL, error);
  return call_over_protocols (self, method, args, results, error);
}

/* A program's own protocols take no deadline and no cancellable. */
static TALLY_COLD gboolean
refuse_options (const TallyMethod *method, GError **error)
{
  g_set_error (
      error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
      "%s: only a call on a channel takes a timeout, a deadline or a cancellable; nothing was "
      "sent",
      method->name);
  return FALSE;
}

/**
 * tally_client_call_with: (skip)
 * @client: an instance of a generated client
 * @method: the method's table
 * @args: the arguments' C struct
 * @results: (nullable): as for tally_channel_call()
 * @options: (nullable): what is special about this call
 * @error: return location
 *
 * tally_client_call() with options: what `<svc>_client_<method>_with ()` calls. Over two protocols a
 * timeout, a deadline or a cancellable is refused with %TALLY_ERROR_NOT_SUPPORTED.
 *
 * Returns: %TRUE, or %FALSE with an error as of tally_channel_call_with() or tally_client_call()
 */
gboolean
tally_client_call_with (gpointer client,
                        const TallyMethod *method,
                        gconstpointer args,
                        gpointer const *results,
                        const TallyCallOptions *options,
                        GError **error)
{
  TallyClient *self = client;

  g_return_val_if_fail (TALLY_IS_CLIENT (client), FALSE);
  if (G_LIKELY (self->channel != NULL))
    return tally_channel_make_call (self->channel, method, args, results, options, error);
  if (options != NULL
      && (options->timeout > 0 || options->deadline > 0 || options->cancellable != NULL))
    return refuse_options (method, error);
  return call_over_protocols (self, method, args, results, error);
}

/**
 * tally_client_call_async: (skip)
 * @client: an instance of a generated client
 * @method: the method's table
 * @args: the arguments' C struct; it is encoded before this returns
 * @options: (nullable): what is special about this call; its label must outlive it
 * @cancellable: (nullable): ends it early; goes before that of @options
 * @callback: called when it is over, in the caller's thread-default main context, never before this
 *   returned
 * @user_data: for @callback
 *
 * tally_channel_call_async() on the client's channel: what `<svc>_client_<method>_async ()` calls. Without a channel
 * it fails with %TALLY_ERROR_NOT_SUPPORTED: a program's own protocols can only block. Thread-safe.
 */
void
tally_client_call_async (gpointer client,
                         const TallyMethod *method,
                         gconstpointer args,
                         const TallyCallOptions *options,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  TallyClient *self = client;

  g_return_if_fail (TALLY_IS_CLIENT (client));
  if (self->channel != NULL)
    tally_async_call_start (self->channel, client, method, args, options, cancellable, callback,
                            user_data);
  else
    g_task_report_new_error (
        client, callback, user_data, tally_client_call_async, TALLY_ERROR,
        TALLY_ERROR_NOT_SUPPORTED,
        "%s: only a client on a channel calls without blocking; nothing was sent", method->name);
}

/**
 * tally_client_call_finish: (skip)
 * @client: the client
 * @method: the method's table
 * @result: what the callback was given
 * @results: (nullable): as for tally_channel_call_finish()
 * @error: return location
 *
 * Hands out what tally_client_call_async() came to; once.
 *
 * Returns: %TRUE, or %FALSE with an error as of tally_client_call_with()
 */
gboolean
tally_client_call_finish (gpointer client,
                          const TallyMethod *method,
                          GAsyncResult *result,
                          gpointer const *results,
                          GError **error)
{
  if (G_LIKELY (tally_async_call_is (result)))
    return tally_async_call_finish (client, method, result, results, error);
  g_return_val_if_fail (g_task_is_valid (result, client)
                            && g_async_result_is_tagged (result, tally_client_call_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
