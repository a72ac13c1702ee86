/* How an attempt of a call ended, as far as it concerns the endpoint. */
#ifndef TALLY_ATTEMPT_INTERNAL_H
#define TALLY_ATTEMPT_INTERNAL_H

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TALLY_ATTEMPT_ANSWERED,
  TALLY_ATTEMPT_FAILED,    /* by the endpoint's fault, as far as is known */
  TALLY_ATTEMPT_TIMED_OUT, /* so, after all the time that it was given */
  TALLY_ATTEMPT_REFUSED,   /* the endpoint has too much to do and said so: it is well, and busy */
  TALLY_ATTEMPT_UNKNOWN    /* cancelled, or failed on this side: says nothing of the endpoint */
} TallyAttemptEnd;

G_END_DECLS

#endif /* TALLY_ATTEMPT_INTERNAL_H */
