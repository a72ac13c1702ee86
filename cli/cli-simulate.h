/* What the parts of `tally simulate` share. */
#ifndef CLI_SIMULATE_H
#define CLI_SIMULATE_H

#include "cli-json.h"
#include "load-simulation.h"

G_BEGIN_DECLS

/* A pool of one size. */
typedef struct
{
  guint max_open;
  LoadForecast *forecast;
} CliOutlook;

typedef struct
{
  LoadModel model; /* but for max-open */
  gchar *source;   /* nullable: the file that the model is fitted to */
  gchar **pool;    /* nullable: the pool's properties as they were given */
  gdouble max_wait_p99_us;
  gboolean is_wait_given;
  gdouble max_refused; /* of 1 */
  GArray *outlooks;    /* of CliOutlook */
} CliSimulation;

/* cli-pool-settings.c: "NAME=VALUE", a property of a pool. */
gboolean cli_pool_settings_set (TallyPoolOptions *options, const gchar *word, GError **error);

/* cli-simulate-words.c */
/* "8", "exponential:8", "lognormal:8,40": milliseconds. @option is what errors call it. */
gboolean cli_parse_times (LoadTimes *times, const gchar *option, const gchar *word, GError **error);
/* "4,8-12". (element-type guint) (transfer full) (nullable): ascending */
GArray *cli_parse_counts (const gchar *option, const gchar *word, GError **error);
/* Where nothing is given: from too few to plenty. (element-type guint) (transfer full) */
GArray *cli_choose_counts (const LoadModel *model);
/* Calls that have a connection on average, if none waits. */
gdouble cli_simulation_find_load (const LoadModel *model);

/* cli-simulate-print.c */
void cli_simulation_print (const CliSimulation *self);
/* (nullable): the smallest one that is within both limits */
const CliOutlook *cli_simulation_choose (const CliSimulation *self);
/* (transfer full) */
gchar *cli_simulation_make_json (const CliSimulation *self);
/* (transfer full): "calls at random, 400 per second; ..." */
gchar *cli_simulation_describe (const CliSimulation *self);

G_END_DECLS

#endif /* CLI_SIMULATE_H */
