/* Carries traces on, from the requests of a server to the calls that its handlers make. */
#ifndef TALLY_TRACE_PROPAGATOR_H
#define TALLY_TRACE_PROPAGATOR_H

#include "tally-interceptor.h"
#include "tally-trace.h"

G_BEGIN_DECLS

/**
 * TallyTraceRoots:
 * @TALLY_TRACE_ROOTS_NONE: none; it is of no trace.
 * @TALLY_TRACE_ROOTS_UNSAMPLED: one that nobody is asked to record.
 * @TALLY_TRACE_ROOTS_SAMPLED: one that others are asked to record.
 *
 * Which trace a call begins that is of none.
 *
 * Since: 0.2
 */
typedef enum
{
  TALLY_TRACE_ROOTS_NONE,
  TALLY_TRACE_ROOTS_UNSAMPLED,
  TALLY_TRACE_ROOTS_SAMPLED
} TallyTraceRoots;

#define TALLY_TYPE_TRACE_ROOTS (tally_trace_roots_get_type ())
TALLY_API GType tally_trace_roots_get_type (void);

#define TALLY_TYPE_TRACE_PROPAGATOR (tally_trace_propagator_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (
    TallyTracePropagator, tally_trace_propagator, TALLY, TRACE_PROPAGATOR, GObject)

TALLY_API TallyTracePropagator *tally_trace_propagator_new (TallyTraceRoots roots);

G_END_DECLS

#endif /* TALLY_TRACE_PROPAGATOR_H */
