/* A fleet in virtual time: clients with the library's own picker, servers with a queue, and what happens to them. Random
 * numbers come from a seed, so that a run can be repeated. Knows no test. */
#ifndef TESTS_POOL_FLEET_SIMULATION_H
#define TESTS_POOL_FLEET_SIMULATION_H

#include "fleet/picker-private.h"

G_BEGIN_DECLS

typedef struct
{
  TallyPickerKind kind;
  guint n_clients;
  guint n_servers;
  guint subset; /* 0: all */
  gdouble rate; /* calls that a client makes in a second, at random times */
  gdouble seconds;
  gdouble counted_from; /* seconds: calls before are not in the figures */
  guint n_workers;      /* of a server */
  gdouble service_ms;   /* what a call takes there on average, exponentially distributed */
  guint n_slow;         /* servers that take SIMULATION_SLOW times as long */
  guint n_failing;      /* servers that cut a connection instead of an answer, half of the time */
  guint n_dead;         /* servers that are killed after a third of the time, and stay away */
  gdouble restart_ms;   /* 0: none; else each server in turn is away for so long, after its drain */
  guint64 seed;
} Simulation;

#define SIMULATION_SLOW 10

typedef struct
{
  guint n_calls;   /* that began in the time that counts */
  guint n_errors;  /* of these, those that came to nothing */
  guint n_replays; /* attempts beyond a call's first */
  gdouble p50_ms;
  gdouble p99_ms;
  gdouble
      imbalance; /* the calls of the busiest server by those of the average one, of equal ones */
  gdouble connections; /* of the average server */
  guint max_connections;
} SimulationResult;

SimulationResult simulation_run (const Simulation *simulation);

G_END_DECLS

#endif /* TESTS_POOL_FLEET_SIMULATION_H */
