/* The processor class: owns the handler, the registration of generated processor types, and the way
 * through any ThriftProtocol that Apache's servers take. It knows no socket and no server. */
#include "tally-processor.h"

#include <string.h>
#include <thrift/c_glib/protocol/thrift_stored_message_protocol.h>

#include "invocation-private.h"
#include "protocol-private.h"
#include "reply-later-private.h"
#include "resident-private.h"

enum
{
  PROP_PROCESSOR_0,
  PROP_HANDLER
};

G_DEFINE_TYPE (TallyProcessor, tally_processor, THRIFT_TYPE_DISPATCH_PROCESSOR)

/* ---- one message through two ThriftProtocols ---- */

/* A message's header as Apache's protocols give it; the name is owned. */
typedef struct
{
  gchar *name;
  ThriftMessageType type;
  gint32 seqid;
} Header;

static gboolean
write_message (ThriftProtocol *out,
               const gchar *name,
               ThriftMessageType type,
               gint32 seqid,
               const TallyStructInfo *info,
               gconstpointer instance,
               GError **error)
{
  TallyOutgoing outgoing;

  return tally_outgoing_prepare (&outgoing, out, name, type, seqid, info, instance, error)
         && tally_outgoing_send (&outgoing, error);
}

/* Clears @failure. */
static gboolean
write_failure (ThriftProtocol *out,
               const Header *header,
               TallyApplicationException *failure,
               GError **error)
{
  gboolean ok = TRUE;

  if (header->type != T_ONEWAY)
    ok = write_message (out, header->name, T_EXCEPTION, header->seqid,
                        &tally_application_exception_info, failure, error);
  tally_failure_clear (failure);
  return ok;
}

/* A result that cannot be encoded is answered by an exception that says so. */
static gboolean
write_result (const TallyMethod *method,
              gconstpointer result,
              ThriftProtocol *out,
              const Header *header,
              GError **error)
{
  g_autoptr (GError) encode_error = NULL;
  TallyApplicationException failure;
  TallyOutgoing outgoing;

  if (tally_outgoing_prepare (&outgoing, out, method->name, T_REPLY, header->seqid, method->result,
                              result, &encode_error))
    return tally_outgoing_send (&outgoing, error);
  tally_failure_init_unwritable (&failure, method, encode_error);
  return write_failure (out, header, &failure, error);
}

/* Says to the peer why its arguments could not be read, where there is still somebody to be told,
 * and fails, so that the server closes the connection. Apache's multiplexed processor, which is met
 * by its protocol, answers failures itself: two answers must not be. */
static gboolean
refuse_arguments (ThriftProtocol *in,
                  ThriftProtocol *out,
                  const Header *header,
                  const TallyMethod *method,
                  GError *read_error,
                  GError **error)
{
  TallyApplicationException failure;

  if (read_error->domain != THRIFT_TRANSPORT_ERROR && !method->oneway
      && !THRIFT_IS_STORED_MESSAGE_PROTOCOL (in))
    {
      tally_failure_init_unreadable (&failure, method, read_error);
      write_failure (out, header, &failure, NULL);
    }
  g_propagate_error (error, read_error);
  return FALSE;
}

/* ---- a handler that answers later, between two ThriftProtocols: the thread waits for it ---- */

typedef struct
{
  TallyLater later;
  GMutex lock;
  GCond wake;
  gboolean is_over; /* lock */
  gboolean is_lost; /* lock: the answer could not be written */
  GError *failed;   /* lock */
  GCancellable *cancellable;
  ThriftProtocol *out;
  const Header *header;
} Waiting;

/* The thread that answers writes, while the one that processes the message sleeps. */
static gboolean
waiting_answer (TallyLater *later,
                const TallyMethod *method,
                gconstpointer result,
                const TallyApplicationException *failure,
                GError **error)
{
  Waiting *self = (Waiting *) later;
  TallyApplicationException copy;
  gboolean ok = TRUE;

  if (failure != NULL && !method->oneway)
    {
      tally_failure_init (&copy, failure->type, g_strdup (failure->message));
      ok = write_failure (self->out, self->header, &copy, &self->failed);
    }
  else if (failure == NULL && method->result != NULL && self->header->type != T_ONEWAY)
    ok = write_result (method, result, self->out, self->header, &self->failed);
  self->is_lost = !ok;
  if (!ok)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED,
                         self->failed != NULL ? self->failed->message : "it could not be sent");
  return ok;
}

static void
waiting_release (TallyLater *later)
{
  Waiting *self = (Waiting *) later;

  g_mutex_lock (&self->lock);
  self->is_over = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

static GCancellable *
waiting_get_cancellable (TallyLater *later)
{
  return ((Waiting *) later)->cancellable;
}

static gchar *
waiting_dup_peer (TallyLater *later)
{
  return NULL;
}

static const TallyLaterClass waiting_class = { waiting_answer, waiting_release,
                                               waiting_get_cancellable, waiting_dup_peer };

/* run_invocation () of a method whose handler answers later. Returns once the reply is gone. The reply borrows the
 * arguments of @invocation. */
static gboolean
run_waiting (TallyProcessor *self,
             TallyInvocation *invocation,
             ThriftProtocol *out,
             const Header *header,
             GError **error)
{
  Waiting waiting = { .later = { .klass = &waiting_class }, .out = out, .header = header };
  TallyReply *reply;

  g_mutex_init (&waiting.lock);
  g_cond_init (&waiting.wake);
  waiting.cancellable = g_cancellable_new ();
  reply = tally_reply_new (invocation->method, &waiting.later);
  tally_reply_swap_args (reply, invocation);
  tally_reply_begin (reply, self->handler);
  g_mutex_lock (&waiting.lock);
  while (!waiting.is_over)
    g_cond_wait (&waiting.wake, &waiting.lock);
  g_mutex_unlock (&waiting.lock);
  g_object_unref (waiting.cancellable);
  g_cond_clear (&waiting.wake);
  g_mutex_clear (&waiting.lock);
  if (waiting.is_lost)
    g_propagate_error (error, waiting.failed);
  return !waiting.is_lost;
}

/* Of a handler that has failed: a oneway method's is not answered. */
static gboolean
fail_invocation (const TallyMethod *method,
                 ThriftProtocol *out,
                 const Header *header,
                 TallyApplicationException *failure,
                 GError **error)
{
  if (!method->oneway)
    return write_failure (out, header, failure, error);
  tally_failure_clear (failure);
  return TRUE;
}

/* Calls the handler with the arguments, which were read, and answers. */
static gboolean
run_invocation (TallyProcessor *self,
                TallyInvocation *invocation,
                ThriftProtocol *out,
                const Header *header,
                GError **error)
{
  TallyApplicationException failure;

  if (tally_processor_is_later (self, invocation->method))
    return run_waiting (self, invocation, out, header, error);
  if (!tally_invocation_run (invocation, self->handler, &failure))
    return fail_invocation (invocation->method, out, header, &failure, error);
  if (invocation->result == NULL || header->type == T_ONEWAY)
    return TRUE;
  return write_result (invocation->method, invocation->result, out, header, error);
}

static gboolean
read_and_run (TallyProcessor *self,
              TallyInvocation *invocation,
              ThriftProtocol *in,
              ThriftProtocol *out,
              const Header *header,
              GError **error)
{
  const TallyMethod *method = invocation->method;
  GError *read_error = NULL;

  if (tally_protocol_read_struct (in, method->args, invocation->args, NULL, &read_error)
      && tally_protocol_read_end (in, &read_error))
    return run_invocation (self, invocation, out, header, error);
  return refuse_arguments (in, out, header, method, read_error, error);
}

/* Skips the arguments and answers @failure, which it clears. */
static gboolean
refuse_message (ThriftProtocol *in,
                ThriftProtocol *out,
                const Header *header,
                TallyApplicationException *failure,
                GError **error)
{
  gint32 read;

  if (!tally_walker_skip (in, T_STRUCT, &read, error) || !tally_protocol_read_end (in, error))
    {
      tally_failure_clear (failure);
      return FALSE;
    }
  return write_failure (out, header, failure, error);
}

static gboolean
dispatch (TallyProcessor *self,
          ThriftProtocol *in,
          ThriftProtocol *out,
          const Header *header,
          GError **error)
{
  const TallyService *service = TALLY_PROCESSOR_GET_CLASS (self)->service;
  const TallyMethod *method = NULL;
  TallyInvocation invocation;
  TallyApplicationException failure;
  gboolean ok;

  if (service != NULL)
    method = tally_service_find_method (service, header->name, strlen (header->name));
  if (method == NULL)
    {
      tally_failure_init_unknown_method (&failure, header->name, strlen (header->name));
      return refuse_message (in, out, header, &failure, error);
    }
  tally_invocation_init (&invocation, method);
  ok = read_and_run (self, &invocation, in, out, header, error);
  tally_invocation_clear (&invocation);
  return ok;
}

/* Apache's way to add methods to a processor: a subclass overrides this and chains up. The
 * message's type does not come this way; it was a call or a oneway. */
static gboolean
tally_processor_dispatch_call (ThriftDispatchProcessor *processor,
                               ThriftProtocol *in,
                               ThriftProtocol *out,
                               gchar *name,
                               gint32 seqid,
                               GError **error)
{
  g_autofree gchar *owned_name = name;
  const Header header = { owned_name, T_CALL, seqid };

  return dispatch (TALLY_PROCESSOR (processor), in, out, &header, error);
}

static gboolean
process_header (
    TallyProcessor *self, ThriftProtocol *in, ThriftProtocol *out, Header *header, GError **error)
{
  ThriftDispatchProcessorClass *klass = THRIFT_DISPATCH_PROCESSOR_GET_CLASS (self);
  TallyApplicationException failure;

  if (header->type != T_CALL && header->type != T_ONEWAY)
    {
      tally_failure_init_message_type (&failure, header->type);
      return refuse_message (in, out, header, &failure, error);
    }
  if (klass->dispatch_call == tally_processor_dispatch_call)
    return dispatch (self, in, out, header, error);
  return klass->dispatch_call (THRIFT_DISPATCH_PROCESSOR (self), in, out,
                               g_steal_pointer (&header->name), header->seqid, error);
}

/* Whether @input begins with a call of one of the methods; then @invocation is initialised. */
static gboolean
read_call (TallyProcessor *self,
           TallyProtocolInput *input,
           TallyInvocation *invocation,
           Header *header)
{
  const TallyService *service = TALLY_PROCESSOR_GET_CLASS (self)->service;
  const TallyMethod *method;
  TallyMessage message;

  if (service == NULL || !tally_protocol_input_read_message (input, &message)
      || (message.type != T_CALL && message.type != T_ONEWAY))
    return FALSE;
  method = tally_service_find_method (service, message.name, message.name_length);
  if (method == NULL)
    return FALSE;
  *header = (Header){ (gchar *) method->name, message.type, message.seqid };
  tally_invocation_init (invocation, method);
  return TRUE;
}

/* A call of a known method whose arguments are as they should be, from what @in's transport holds.
 * @is_untouched: it is none, nothing was read, and the protocol's own functions must. */
static gboolean
process_quickly (TallyProcessor *self,
                 ThriftProtocol *in,
                 ThriftProtocol *out,
                 gboolean *is_untouched,
                 GError **error)
{
  TallyInvocation invocation;
  TallyProtocolInput input;
  GError *read_error = NULL;
  Header header;
  gboolean ok;

  *is_untouched = FALSE;
  if (!tally_protocol_input_open (&input, in, &read_error))
    {
      *is_untouched = read_error == NULL;
      g_propagate_error (error, read_error);
      return FALSE;
    }
  if (!read_call (self, &input, &invocation, &header))
    {
      *is_untouched = tally_protocol_input_give_up (&input);
      return FALSE;
    }
  if (tally_protocol_input_read_struct (&input, invocation.method->args, invocation.args,
                                        &read_error))
    ok = tally_protocol_input_end (&input, NULL, &read_error)
         && tally_protocol_read_end (in, &read_error);
  else
    {
      *is_untouched = tally_protocol_input_give_up (&input);
      ok = FALSE;
    }
  if (ok)
    ok = run_invocation (self, &invocation, out, &header, error);
  else if (*is_untouched)
    g_clear_error (&read_error);
  else
    refuse_arguments (in, out, &header, invocation.method, read_error, error);
  tally_invocation_clear (&invocation);
  return ok;
}

/* Any message, by the protocol's own functions. */
static gboolean
process_message (TallyProcessor *self, ThriftProtocol *in, ThriftProtocol *out, GError **error)
{
  Header header = { NULL, 0, 0 };
  gboolean ok = FALSE;

  if (thrift_protocol_read_message_begin (in, &header.name, &header.type, &header.seqid, error) >= 0
      && header.name != NULL)
    ok = process_header (self, in, out, &header, error);
  else if (*error == NULL) /* what Apache's binary protocol makes of a header without a version */
    g_set_error_literal (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_BAD_VERSION,
                         "a message without a version and a name");
  g_free (header.name);
  return ok;
}

static gboolean
tally_processor_process (ThriftProcessor *processor,
                         ThriftProtocol *in,
                         ThriftProtocol *out,
                         GError **error)
{
  TallyProcessor *self = TALLY_PROCESSOR (processor);
  gboolean is_untouched = TRUE;
  GError *failed = NULL;
  gboolean ok = FALSE;

  /* A subclass's own function gets every call. */
  if (THRIFT_DISPATCH_PROCESSOR_GET_CLASS (self)->dispatch_call == tally_processor_dispatch_call)
    ok = process_quickly (self, in, out, &is_untouched, &failed);
  if (!ok && is_untouched)
    ok = process_message (self, in, out, &failed);
  if (ok)
    {
      g_clear_error (&failed); /* some of Apache's set one and succeed */
      return TRUE;
    }
  if (failed == NULL)
    g_set_error_literal (&failed, TALLY_ERROR, TALLY_ERROR_FAILED,
                         "a protocol or transport failed without saying why");
  g_propagate_error (error, failed);
  return FALSE;
}

gboolean
tally_processor_is_direct (ThriftProcessor *processor)
{
  return TALLY_IS_PROCESSOR (processor)
         && THRIFT_PROCESSOR_GET_CLASS (processor)->process == tally_processor_process
         && THRIFT_DISPATCH_PROCESSOR_GET_CLASS (processor)->dispatch_call
                == tally_processor_dispatch_call;
}

/* ---- the class ---- */

/* Whether @handler (nullable) has any function that answers later: said once, so that each request of a handler without
 * one asks one question. */
static gboolean
has_later_function (const TallyProcessor *self, gpointer handler)
{
  const TallyService *service = TALLY_PROCESSOR_GET_CLASS (self)->service;

  for (; handler != NULL && service != NULL; service = service->parent)
    for (guint i = 0; i < service->n_methods; i++)
      if (tally_method_is_later (&service->methods[i], handler))
        return TRUE;
  return FALSE;
}

static void
tally_processor_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  switch (id)
    {
    case PROP_HANDLER:
      g_clear_object (&self->handler);
      self->handler = g_value_dup_object (value);
      self->answers_later = has_later_function (self, self->handler);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_processor_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  switch (id)
    {
    case PROP_HANDLER:
      g_value_set_object (value, self->handler);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_processor_dispose (GObject *object)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  g_clear_object (&self->handler);
  G_OBJECT_CLASS (tally_processor_parent_class)->dispose (object);
}

/* GObject does not let a class inherit these two functions, and the property is each class's own:
 * each accepts another type of handler. */
static void
install_handler_property (GObjectClass *object_class, GType handler_type)
{
  object_class->set_property = tally_processor_set_property;
  object_class->get_property = tally_processor_get_property;
  /**
   * TallyProcessor:handler:
   *
   * The object whose functions answer the calls. Each generated processor has this property, of the type of its own
   * service's handlers.
   * Default: NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_HANDLER,
                                   g_param_spec_object ("handler", NULL, NULL, handler_type,
                                                        G_PARAM_READWRITE
                                                            | G_PARAM_STATIC_STRINGS));
}

static void
tally_processor_class_init (TallyProcessorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tally_processor_dispose;
  THRIFT_PROCESSOR_CLASS (klass)->process = tally_processor_process;
  THRIFT_DISPATCH_PROCESSOR_CLASS (klass)->dispatch_call = tally_processor_dispatch_call;
  install_handler_property (object_class, G_TYPE_OBJECT);
}

static void
tally_processor_init (TallyProcessor *self)
{
}

/* A generated class differs from its parent in the table and in the handler it accepts. */
static void
generated_class_init (gpointer klass, gpointer data)
{
  const TallyProcessorInfo *info = data;

  ((TallyProcessorClass *) klass)->service = info->service;
  install_handler_property (klass, info->get_handler_type ());
}

/**
 * tally_processor_register: (skip)
 * @once: a zeroed static variable
 * @info: constant data that lives for ever
 *
 * Registers the type of a generated processor. Thread-safe.
 *
 * Returns: the type, the same one each time
 */
GType
tally_processor_register (gsize *once, const TallyProcessorInfo *info)
{
  if (g_once_init_enter (once))
    {
      const GTypeInfo type_info = {
        .class_size = sizeof (TallyProcessorClass),
        .class_init = generated_class_init,
        .class_data = info,
        .instance_size = sizeof (TallyProcessor),
      };
      GType type;

      tally_make_resident (once);
      type = g_type_register_static (info->get_parent_type (), info->type_name, &type_info, 0);
      g_once_init_leave (once, type);
    }
  return *once;
}
