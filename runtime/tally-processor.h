/* The base class of generated processors: decodes a request, calls the handler, encodes the
 * reply. */
#ifndef TALLY_PROCESSOR_H
#define TALLY_PROCESSOR_H

#include <thrift/c_glib/processor/thrift_dispatch_processor.h>

#include "tally-reply.h"

G_BEGIN_DECLS

/**
 * TallyProcessor:
 * @handler: the handler object; its reference is the processor's.
 *
 * The instance of every generated processor: `typedef TallyProcessor DemoEchoProcessor`. A
 * ThriftDispatchProcessor, so that it also runs under Apache's servers and multiplexed processor.
 * Property: `handler`. Once it has its handler, any number of threads may use it at once; the
 * handler is then called by all of them.
 *
 * What a peer gets for each way a call can go is written in the Thrift RPC specification: an
 * unknown method, an argument list that cannot be decoded, a handler that fails without a declared
 * exception and a result that is missing are each answered by a TApplicationException. Nothing is
 * ever answered to a oneway method or to a message of type oneway.
 */
typedef struct _TallyProcessor
{
  ThriftDispatchProcessor parent;

  /* protected */
  gpointer handler;

  /*< private >*/
  gboolean answers_later; /* some asynchronous function of the handler's class is set */
} TallyProcessor;

/**
 * TallyProcessorClass:
 * @service: what it serves; set at registration.
 *
 * The class of every generated processor: `typedef TallyProcessorClass DemoEchoProcessorClass`.
 */
typedef struct _TallyProcessorClass
{
  ThriftDispatchProcessorClass parent_class;

  const TallyService *service;
} TallyProcessorClass;

#define TALLY_TYPE_PROCESSOR (tally_processor_get_type ())
#define TALLY_PROCESSOR(object)                                                                    \
  (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_PROCESSOR, TallyProcessor))
#define TALLY_IS_PROCESSOR(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_PROCESSOR))
#define TALLY_PROCESSOR_GET_CLASS(object)                                                          \
  (G_TYPE_INSTANCE_GET_CLASS ((object), TALLY_TYPE_PROCESSOR, TallyProcessorClass))
TALLY_API GType tally_processor_get_type (void);

/**
 * TallyProcessorInfo: (skip)
 * @type_name: the GType's name, `DemoEchoProcessor`.
 * @get_parent_type: tally_processor_get_type(), or that of the processor of the service it extends.
 * @get_handler_type: the type that the `handler` property accepts.
 * @service: the service's table.
 *
 * What a generated processor is registered from.
 */
typedef struct
{
  const gchar *type_name;
  GType (*get_parent_type) (void);
  GType (*get_handler_type) (void);
  const TallyService *service;
} TallyProcessorInfo;

#define TALLY_TYPE_PROCESSOR_INFO (tally_processor_info_get_type ())
TALLY_API GType tally_processor_info_get_type (void);

TALLY_API GType tally_processor_register (gsize *once, const TallyProcessorInfo *info);

/* Defines c_prefix##_get_type (). For `service Echo` in namespace Demo:
 *
 *   TALLY_DEFINE_PROCESSOR (DemoEchoProcessor, demo_echo_processor, tally_processor_get_type,
 *                           demo_echo_handler_get_type, demo_echo_service)
 */
#define TALLY_DEFINE_PROCESSOR(CType, c_prefix, parent_get_type, handler_get_type, service_table)  \
  GType c_prefix##_get_type (void)                                                                 \
  {                                                                                                \
    static gsize once;                                                                             \
    static const TallyProcessorInfo info = { #CType, parent_get_type, handler_get_type,            \
                                             &(service_table) };                                   \
    return tally_processor_register (&once, &info);                                                \
  }

/* Defines tag##_invoke (), the TallyInvoke of a method whose C structs are `struct tag##_args` and `struct tag##_result`.
 * @call is written with `handler`, `args`, `result` and `error`, @call_later with `klass`, `handler`, `args` and `reply`:
 *
 *   TALLY_DEFINE_INVOKE (demo_echo__echo, DemoEchoHandlerClass,
 *                        demo_echo_handler_echo (handler, &result->success, args->text, error),
 *                        klass->echo_async (handler, args->text, reply))
 */
#define TALLY_DEFINE_INVOKE(tag, HandlerClass, call, call_later)                                   \
  static gboolean tag##_invoke (gpointer handler, gpointer args_, gpointer result_,                \
                                GError **error)                                                    \
  {                                                                                                \
    struct tag##_args *args G_GNUC_UNUSED = args_;                                                 \
    struct tag##_result *result G_GNUC_UNUSED = result_;                                           \
    if (G_UNLIKELY (error == NULL))                                                                \
      {                                                                                            \
        HandlerClass *klass = (HandlerClass *) ((GTypeInstance *) handler)->g_class;               \
        TallyReply *reply = result_;                                                               \
        call_later;                                                                                \
        return TRUE;                                                                               \
      }                                                                                            \
    return call;                                                                                   \
  }

G_END_DECLS

#endif /* TALLY_PROCESSOR_H */
