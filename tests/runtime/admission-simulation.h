/* A server of so many cores, which requests share, on a clock that is only counted. It runs the code of the library. */
#ifndef TESTS_RUNTIME_ADMISSION_SIMULATION_H
#define TESTS_RUNTIME_ADMISSION_SIMULATION_H

#include "admission-private.h"

G_BEGIN_DECLS

#define SIM_CLIENTS 64
#define SIM_METHODS 4
#define SIM_SECOND G_TIME_SPAN_SECOND

/* What asks for something: so many requests a second, each of a method with its work. */
typedef struct
{
  gdouble rate;
  guint method;
  guint64 key; /* 0: as its number; several may be one client */
} SimSource;

typedef struct _SimWorld SimWorld;
struct _SimWorld
{
  gdouble cores;
  gdouble speed;             /* of one core */
  gdouble work[SIM_METHODS]; /* microseconds of a core at speed 1, on average */
  gboolean is_even;          /* each request takes just that, else exponentially spread */
  SimSource sources[SIM_CLIENTS];
  guint n_sources;
  guint max_waiting; /* 0: four times the limit */
  SimWorld *other;   /* nullable: refused requests go there */

  /* its own */
  TallyAdmissionLimit limit;
  TallyTurns turns;
  TallyTurnsClient *clients[SIM_CLIENTS];
  gint64 now;
  GPtrArray *running;
  gint64 next_arrival[SIM_CLIENTS];
  GRand *random;
  /* what happened since sim_reset_counts () */
  guint64 n_asked[SIM_CLIENTS];
  guint64 n_served[SIM_CLIENTS];
  guint64 n_refused[SIM_CLIENTS];
  gdouble served_work;
  guint lowest;  /* limit */
  guint highest; /* limit */
  guint most_running;
};

/* The rest of @self is set by the caller before. */
void sim_begin (SimWorld *self, guint least, guint most, gboolean adapts, guint32 seed);
void sim_end (SimWorld *self);
void sim_run (SimWorld *self, gint64 microseconds);
/* @count requests of source @source at this instant. */
void sim_burst (SimWorld *self, guint source, guint count);
void sim_reset_counts (SimWorld *self);
guint64 sim_sum (const guint64 *counts);
/* The share of what @seconds of all cores could do that was done. */
gdouble sim_use (const SimWorld *self, gint64 microseconds);

G_END_DECLS

#endif /* TESTS_RUNTIME_ADMISSION_SIMULATION_H */
