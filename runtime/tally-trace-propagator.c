/* Owns which trace a call says it is a part of. It knows how neither a call nor a request is made. */
#include "tally-trace-propagator.h"

/**
 * TallyTracePropagator:
 *
 * An interceptor that carries traces on by W3C's Trace Context, with `transport=header`; without it does nothing.
 * Added to a channel it gives each call the headers `traceparent` and `tracestate`: those of a child of
 * tally_trace_dup_current(), which is the request whose handler makes the call, or what the thread pushed. Where there
 * is none it begins a trace, if it was told to. Valid headers that the caller gave itself stay.
 *
 * Added to a server that is told to begin traces it gives requests that are of none, or have malformed headers, one
 * of their own, which the handler sees as if the client had sent it; so all calls of one handler are of one trace.
 *
 * Since: 0.2
 */
struct _TallyTracePropagator
{
  GObject parent_instance;
  TallyTraceRoots roots;
};

static void tally_trace_propagator_interceptor_init (TallyInterceptorInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TallyTracePropagator,
                               tally_trace_propagator,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR,
                                                      tally_trace_propagator_interceptor_init))

G_DEFINE_ENUM_TYPE (TallyTraceRoots,
                    tally_trace_roots,
                    G_DEFINE_ENUM_VALUE (TALLY_TRACE_ROOTS_NONE, "none"),
                    G_DEFINE_ENUM_VALUE (TALLY_TRACE_ROOTS_UNSAMPLED, "unsampled"),
                    G_DEFINE_ENUM_VALUE (TALLY_TRACE_ROOTS_SAMPLED, "sampled"))

static TallyTrace *
new_root (const TallyTracePropagator *self)
{
  if (self->roots == TALLY_TRACE_ROOTS_NONE)
    return NULL;
  return tally_trace_new (self->roots == TALLY_TRACE_ROOTS_SAMPLED ? TALLY_TRACE_SAMPLED : 0);
}

/* (transfer full) (nullable): what a call that a channel makes now is. */
static TallyTrace *
new_trace_of_call (const TallyTracePropagator *self)
{
  g_autoptr (TallyTrace) parent = tally_trace_dup_current ();

  return parent != NULL ? tally_trace_new_child (parent) : new_root (self);
}

static gboolean
propagate (TallyInterceptor *interceptor, TallyCallInfo *info, GError **error)
{
  TallyTracePropagator *self = TALLY_TRACE_PROPAGATOR (interceptor);
  TallyHeaders *headers = tally_call_info_get_request_headers (info);
  g_autoptr (TallyTrace) given = NULL;
  g_autoptr (TallyTrace) trace = NULL;

  given = headers != NULL ? tally_trace_new_from_headers (headers) : NULL;
  if (headers == NULL || given != NULL)
    return TRUE;
  trace = tally_call_info_is_server (info) ? new_root (self) : new_trace_of_call (self);
  if (trace != NULL)
    tally_trace_set_in (trace, headers);
  return TRUE;
}

static void
tally_trace_propagator_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->before = propagate;
}

static void
tally_trace_propagator_class_init (TallyTracePropagatorClass *class)
{
}

static void
tally_trace_propagator_init (TallyTracePropagator *self)
{
}

/**
 * tally_trace_propagator_new:
 * @roots: which trace a call, or a request, begins that is of none
 *
 * Makes one, for any number of channels and servers.
 *
 * Returns: (transfer full): a new interceptor
 *
 * Since: 0.2
 */
TallyTracePropagator *
tally_trace_propagator_new (TallyTraceRoots roots)
{
  TallyTracePropagator *self = g_object_new (TALLY_TYPE_TRACE_PROPAGATOR, NULL);

  self->roots = roots;
  return self;
}
