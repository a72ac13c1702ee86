/* The base class of generated processors: decodes a request, calls the handler, encodes the reply. */
#ifndef TALLY_PROCESSOR_H
#define TALLY_PROCESSOR_H

#include <thrift/c_glib/processor/thrift_dispatch_processor.h>

#include "tally-types.h"

G_BEGIN_DECLS

/**
 * TallyProcessor:
 * @handler: the handler object; its reference is the processor's.
 *
 * The instance of every generated processor: `typedef TallyProcessor DemoEchoProcessor`. A
 * ThriftDispatchProcessor, so that it also runs under Apache's servers and multiplexed processor.
 */
typedef struct _TallyProcessor
{
  ThriftDispatchProcessor parent;

  /* protected */
  gpointer handler;
} TallyProcessor;

typedef struct _TallyProcessorClass
{
  ThriftDispatchProcessorClass parent_class;
  const TallyService *service; /* set by the generated class_init */
} TallyProcessorClass;

#define TALLY_TYPE_PROCESSOR (tally_processor_get_type ())
TALLY_API GType tally_processor_get_type (void);

/* Defines c_prefix##_get_type () for a client class that implements its service's interface, and for a
 * processor class: see gen/ for how they are used. */

G_END_DECLS

#endif /* TALLY_PROCESSOR_H */
