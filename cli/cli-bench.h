/* What the parts of `tally bench` share. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli-commands.h"
#include "cli-idl.h"
#include "cli-json.h"
#include "load.h"

G_BEGIN_DECLS

/* What is called, and what each reply is compared with: JSON, of which each caller makes a template of its own. */
typedef struct
{
  CliMethod method;
  CliGiven args;
  CliGiven expect;
  gint timeout; /* milliseconds of a call; 0: as the URI says */
} CliBenchCall;

/* Beyond them the exit status says so. */
typedef struct
{
  gdouble max_p99_ms; /* G_MAXDOUBLE: any */
  gdouble max_errors; /* calls, or of their share where it is one, at most 1 */
  gboolean is_share;
} CliBenchLimits;

/* cli-bench-call.c */
/* Says what is wrong with the JSON. */
gboolean cli_bench_call_check (const CliBenchCall *call, GError **error);
LoadWork cli_bench_call_get_work (const CliBenchCall *call);

/* cli-bench-limits.c */
/* Of "5" or "0.1%". */
gboolean cli_bench_limits_parse_errors (CliBenchLimits *limits, const gchar *text, GError **error);
/* Which limits the modes are beyond, a line for each; "" where they hold. (transfer full) */
gchar *cli_bench_limits_judge (const CliBenchLimits *limits, GPtrArray *modes);

G_END_DECLS

#endif /* CLI_BENCH_H */
