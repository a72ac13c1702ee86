/* What callers that block and callers with a main loop have in common. */
#ifndef LOAD_CALLER_PRIVATE_H
#define LOAD_CALLER_PRIVATE_H

#include "load.h"

G_BEGIN_DECLS

/* All callers of a round start at once; the thread that runs the round waits until they are done. */
typedef struct
{
  const LoadOptions *options;
  const LoadWork *work;
  const LoadMode *mode;
  guint callers;
  guint64 calls;        /* of all; 0: as many as there is time for */
  guint64 first_number; /* of a call */
  guint64 start;        /* when the first call was to begin; set before `started` */
  guint64 end;          /* when the last may begin; 0: no limit. Set before `started` */
  GMutex lock;
  GCond changed;
  gboolean started; /* under the lock */
  guint running;    /* under the lock */
} LoadRound;

/* One thread's part. */
typedef struct
{
  LoadRound *round;
  GThread *thread;
  guint index;
  guint64 calls; /* 0: no limit */
  guint64 now;   /* when the latest call was over */
  gpointer caller;
  LoadHistogram *latency;
  guint64 n_failures; /* atomic, as the histogram's counters are */
  GPtrArray *failed;  /* of LoadFailure, under the round's lock */
} LoadCaller;

/* Nanoseconds. */
guint64 load_now (void);
/* Whether the caller's call @index may begin. */
gboolean load_caller_has_more (const LoadCaller *self, guint64 index);
/* When it is to begin, if there is a rate, else now: latencies count from then, so that a call that a stall holds up is not
 * measured as if it had been quick. */
guint64 load_caller_get_start (const LoadCaller *self, guint64 index);
/* Among the calls of all callers and rounds. */
guint64 load_caller_get_number (const LoadCaller *self, guint64 index);
/* A call is over; @error: (nullable): it failed. */
void load_caller_note (LoadCaller *self, guint64 took, const GError *error);

/* load-async.c: all its calls, in a main loop, several at once. */
void load_caller_run_async (LoadCaller *self);

void load_failure_add (GPtrArray *failed, const gchar *message, guint64 count);
void load_failure_free (gpointer failure);

G_END_DECLS

#endif /* LOAD_CALLER_PRIVATE_H */
