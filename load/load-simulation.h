/* What a pool would do: its own policy, on a clock that only goes on when nothing is left to do at an instant, under the load of a
 * model. It knows no thread, socket or real time, and with one seed it is the same each time. */
#ifndef LOAD_SIMULATION_H
#define LOAD_SIMULATION_H

#include "load-histogram.h"
#include "load-times.h"
#include "policy/policy-internal.h"

G_BEGIN_DECLS

typedef enum
{
  LOAD_ARRIVALS_POISSON, /* calls come at random, @rate of them per second, whatever became of others */
  LOAD_ARRIVALS_FIXED,   /* the same, evenly */
  LOAD_ARRIVALS_CALLERS, /* each of @callers makes its next call when its last one is over */
  LOAD_ARRIVALS_TRACE    /* as @trace says */
} LoadArrivals;

/* A call that came. Microseconds. */
typedef struct
{
  gint64 at;
  gint64 held; /* its connection, from when it got it */
} LoadTraced;

typedef void (*LoadLook) (const TallyPolicy *policy, gint64 now, gpointer data);

typedef struct
{
  TallyPoolOptions pool;
  LoadArrivals arrivals;
  gdouble rate;      /* of CALLERS: calls that are to begin per second at most; 0: no such limit */
  guint callers;     /* CALLERS */
  LoadTimes think;   /* CALLERS: between a caller's calls */
  LoadTimes service; /* how long a call has its connection */
  LoadTimes dial;
  gdouble failing_dials; /* the share of dials that fail, when they have taken their time */
  gdouble broken_calls;  /* the share of calls whose connection ends with them */
  gint64 timeout_us;     /* of a call; 0: none. A call that is not over then ends its connection */
  guint64 calls;         /* of TRACE: as many as it has, at most */
  guint64 warm_up;       /* of these, the first ones that do not count */
  const LoadTraced *trace; /* by @at; not owned */
  guint32 seed;
  LoadLook look; /* (nullable): after everything that happened at an instant */
  gpointer look_data;
} LoadModel;

/* What became of the calls that count; each is in one of the first four. */
typedef struct
{
  guint64 answered;
  guint64 broken;                          /* their connection ended with them */
  guint64 overdue;                         /* they had a connection when their time was over */
  guint64 refused[TALLY_REFUSAL_DIAL + 1]; /* by TallyRefusal */

  LoadHistogram
      delay; /* nanoseconds from a call's beginning until it had a connection: in the queue, and dialing */
  LoadHistogram
      wait; /* of those in @delay and of the refused that had to wait: what a pool's wait_time counts */

  /* From the first call that counts until the last one came. */
  gdouble seconds;
  guint64 done; /* calls that were answered then */
  guint64 dials, failed_dials;
  gdouble mean_open;
  guint peak_open;
} LoadForecast;

/* Its times. */
void load_model_clear (LoadModel *model);
/* (transfer full): for g_free () */
LoadForecast *load_simulate (const LoadModel *model);
guint64 load_forecast_count_refused (const LoadForecast *forecast);
/* All that count. */
guint64 load_forecast_count_calls (const LoadForecast *forecast);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LoadModel, load_model_clear)

G_END_DECLS

#endif /* LOAD_SIMULATION_H */
