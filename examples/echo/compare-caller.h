/* What callers that block and callers with a main loop have in common. */
#ifndef EXAMPLES_COMPARE_CALLER_H
#define EXAMPLES_COMPARE_CALLER_H

#include "compare.h"
#include "payload.h"

/* All callers of a round start at once; the thread that runs the round waits until they are
 * done. */
typedef struct
{
  CompareOptions *options;
  CompareMode *mode;
  gint callers;
  guint64 start; /* when the first call was to begin; set before `started` */
  GMutex lock;
  GCond changed;
  gboolean started; /* under the lock */
  gint running;     /* under the lock */
} CompareRound;

/* One thread's part. */
typedef struct
{
  CompareRound *round;
  GThread *thread;
  guint number;
  gint calls;
  DemoPayload *payload; /* (nullable): what is sent, or else the text */
  gchar *text;
  GArray *latencies; /* of guint64 */
  gint done;         /* atomic; the progress line reads it */
  guint64 failures;
  gchar *failure;
} CompareCaller;

/* Nanoseconds. */
guint64 compare_now (void);
/* When a call is to begin, if there is a rate, else now: latencies count from then, so that a call that
 * a stall holds up is not measured as if it had been quick. */
guint64 compare_caller_get_start (const CompareCaller *self, gint call);
/* Makes what is sent another one for each call, so that an answer to another call is seen. */
void compare_caller_stamp (CompareCaller *self, gint call);
/* @error: (nullable) (transfer full). @is_right: the answer is what was sent. */
void compare_caller_note (CompareCaller *self, guint64 took, gboolean is_right, GError *error);

/* compare-async.c: all its calls, in a main loop, --in-flight at once. */
void compare_caller_run_async (CompareCaller *self);

#endif /* EXAMPLES_COMPARE_CALLER_H */
