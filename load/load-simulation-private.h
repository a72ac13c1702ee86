/* What the parts of a simulation share: what is going on in it, and what its calls and dials are. */
#ifndef LOAD_SIMULATION_PRIVATE_H
#define LOAD_SIMULATION_PRIVATE_H

#include "load-events-private.h"
#include "load-simulation.h"

G_BEGIN_DECLS

typedef struct _LoadSim LoadSim;

typedef struct
{
  TallyWaiter waiter; /* first */
  LoadSim *sim;
  guint64 number; /* from 0 */
  guint caller;
  gint64 held;
  gboolean breaks;
} LoadSimCall;

/* A dial that is under way. The policy's `cancellable` of its connection points to it. */
typedef struct
{
  TallyConn *conn;
  LoadSimCall *owner; /* (nullable): the call that dials it */
  gboolean fails;
  gboolean is_over;
} LoadSimDial;

struct _LoadSim
{
  const LoadModel *model;
  LoadForecast *forecast;
  TallyPolicy policy;
  TallyInstant now;
  LoadEvents events;
  /* Of their own, so that one setting more or less changes nothing else. */
  GRand *arrivals, *services, *dials, *breaks;
  GQueue woken;      /* of LoadSimCall: their waiters were decided */
  LoadSimCall *rest; /* that are over, by `waiter.next` */
  guint64 begun;     /* calls */
  guint under_way;
  gdouble next_arrival; /* of POISSON and FIXED */
  guint64 *turns;       /* of CALLERS: of each caller, so far */
  gint64 tick_at;

  gboolean counts; /* the first call that counts has come, and the last one has not */
  gint64 counts_since, last_seen;
  gdouble open_time; /* microseconds of all connections */
};

/* load-simulation.c */
/* Microseconds. */
gint64 load_sim_round (gdouble us);
/* After @call's waiter was decided, or joined the queue. */
void load_sim_go_on (LoadSimCall *call);
/* Finds when time alone does something, after anything that may have changed that. */
void load_sim_schedule_tick (LoadSim *sim);

/* load-simulation-dials.c. @owner: (nullable): the call that dials @conn */
void load_sim_begin_dial (LoadSim *sim, TallyConn *conn, LoadSimCall *owner);
void load_sim_end_dial (LoadSim *sim, LoadSimDial *dial);
/* The policy wants no more of the dials that it has given up. */
void load_sim_cancel_dials (LoadSim *sim);

/* load-simulation-count.c */
/* Time has passed, and with it what is open. */
void load_sim_count_open (LoadSim *sim);
void load_sim_begin_to_count (LoadSim *sim);
void load_sim_end_counting (LoadSim *sim);
gboolean load_sim_does_count (const LoadSimCall *call);
/* It has its connection, or is refused. */
void load_sim_count_delay (const LoadSimCall *call);

G_END_DECLS

#endif /* LOAD_SIMULATION_PRIVATE_H */
