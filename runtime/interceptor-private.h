/* How a channel, or a server, has its interceptors called. */
#ifndef TALLY_INTERCEPTOR_PRIVATE_H
#define TALLY_INTERCEPTOR_PRIVATE_H

#include "call-info-private.h"

G_BEGIN_DECLS

typedef struct _TallyInterception TallyInterception;

/* The interceptors of a channel or server, in the order in which they were added; zeroed at first. None is ever
 * removed, so that a call walks them without a lock. */
typedef struct
{
  TallyInterception *first; /* atomic */
} TallyInterceptors;

/* Whether there are any: all that a call without them pays. */
static inline gboolean
tally_interceptors_is_empty (const TallyInterceptors *self)
{
  return G_LIKELY (__atomic_load_n (&self->first, __ATOMIC_ACQUIRE) == NULL);
}

/* Any thread, at any time. Takes a reference. */
void tally_interceptors_add (TallyInterceptors *self, gpointer interceptor);
/* When nobody uses them any more. */
void tally_interceptors_clear (TallyInterceptors *self);

/* Calls each one's `before`, until one refuses: then FALSE with its error. */
gboolean
tally_interceptors_begin (const TallyInterceptors *self, TallyCallInfo *info, GError **error);
/* Calls `after`, last one first, of those whose `before` was called. @error: (transfer none) (nullable) */
void tally_interceptors_end (TallyCallInfo *info, TallyCallOutcome outcome, const GError *error);

G_END_DECLS

#endif /* TALLY_INTERCEPTOR_PRIVATE_H */
