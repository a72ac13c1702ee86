/* A place in a trace, by W3C's Trace Context: what the headers `traceparent` and `tracestate` say. */
#ifndef TALLY_TRACE_H
#define TALLY_TRACE_H

#include "tally-headers.h"

G_BEGIN_DECLS

/**
 * TALLY_TRACE_PARENT:
 *
 * The header that says of which trace a request is a part, and which call is its parent:
 * `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
 *
 * Since: 0.2
 */
#define TALLY_TRACE_PARENT "traceparent"

/**
 * TALLY_TRACE_STATE:
 *
 * The header with what tracing systems say of a trace beside that: `vendor=value`, separated by commas.
 *
 * Since: 0.2
 */
#define TALLY_TRACE_STATE "tracestate"

/**
 * TallyTraceFlags:
 * @TALLY_TRACE_SAMPLED: the caller may have recorded the trace, and asks others to.
 * @TALLY_TRACE_RANDOM: the trace's id is random.
 *
 * What is known of a trace.
 *
 * Since: 0.2
 */
typedef enum /*< flags >*/
{
  TALLY_TRACE_SAMPLED = 1 << 0,
  TALLY_TRACE_RANDOM = 1 << 1
} TallyTraceFlags;

#define TALLY_TYPE_TRACE_FLAGS (tally_trace_flags_get_type ())
TALLY_API GType tally_trace_flags_get_type (void);

/**
 * TallyTrace:
 *
 * One call's place in a trace: the trace's id, the call's own, flags, and the tracing systems' state (W3C Trace Context,
 * level 1). It never changes. Reference-counted, thread-safe.
 *
 * Since: 0.2
 */
typedef struct _TallyTrace TallyTrace;

#define TALLY_TYPE_TRACE (tally_trace_get_type ())
TALLY_API GType tally_trace_get_type (void);

TALLY_API TallyTrace *tally_trace_new (TallyTraceFlags flags);
TALLY_API TallyTrace *tally_trace_new_child (const TallyTrace *self);
TALLY_API TallyTrace *tally_trace_new_from_headers (const TallyHeaders *headers);
TALLY_API TallyTrace *tally_trace_parse (const gchar *parent, const gchar *state);
TALLY_API TallyTrace *tally_trace_ref (TallyTrace *self);
TALLY_API void tally_trace_unref (TallyTrace *self);

TALLY_API const gchar *tally_trace_get_trace_id (const TallyTrace *self);
TALLY_API const gchar *tally_trace_get_span_id (const TallyTrace *self);
TALLY_API TallyTraceFlags tally_trace_get_flags (const TallyTrace *self);
TALLY_API const gchar *tally_trace_get_state (const TallyTrace *self);
TALLY_API gchar *tally_trace_to_string (const TallyTrace *self);
TALLY_API gboolean tally_trace_set_in (const TallyTrace *self, TallyHeaders *headers);

TALLY_API void tally_trace_push (TallyTrace *self);
TALLY_API void tally_trace_pop (TallyTrace *self);
TALLY_API TallyTrace *tally_trace_dup_current (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyTrace, tally_trace_unref)

G_END_DECLS

#endif /* TALLY_TRACE_H */
