/* What the parts of `tally report` share: runs of `tally bench` as their JSON says, and the page. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli-json.h"
#include "cli-svg.h"
#include "load-simulation.h"

G_BEGIN_DECLS

/* An interval of a mode's rounds. */
typedef struct
{
  gdouble at_s;
  gdouble p50_us, p99_us;
} CliReportSample;

/* What a pool has counted of a time. Zeroed: nothing is known. */
typedef struct
{
  gdouble mean;
  GArray *bins; /* of LoadTimesBin; nullable */
} CliReportTimes;

/* How waits for a connection were, or would be. */
typedef struct
{
  gdouble share; /* of the calls, per cent; negative: it is not known */
  gdouble p50, p99;
} CliReportWaits;

/* A mode of one run. Times in microseconds. */
typedef struct
{
  gchar *mode;
  gchar *label; /* of a page: the mode, and where there are several runs the run's behind it */
  guint run;    /* its index */
  gdouble calls, failures, rate, lowest_rate, highest_rate;
  GArray *rates; /* of gdouble: of each round */
  gdouble min, mean, p50, p90, p99, p999, p9999, max;
  GArray *curve;     /* of CliPoint: per cent of the calls, and how long they took at most */
  GArray *histogram; /* of CliPoint: the least value of a bin, and how many calls are in it */
  GArray *samples;   /* of CliReportSample */
  gboolean has_steps;
  gdouble connect, wait, send, answer;
  gdouble connects, hits, waits, wait_p99, time_waits, client_cpu;
  gdouble borrows, dials_failed, closes; /* of the pool */
  CliReportTimes wait_times, dial_times, hold_times;
  CliReportWaits measured, predicted;
  gdouble server_cpu; /* negative: not known */
  gchar *failure;     /* nullable */
} CliReportMode;

typedef struct
{
  gchar *name;
  gchar *method, *uri, *when, *machine, *options;
  gdouble rate; /* calls per second that were to begin; 0: each when its caller was ready */
  gdouble callers, in_flight, connections;
  gboolean is_interrupted;
} CliReportRun;

typedef struct
{
  GPtrArray *runs;  /* of CliReportRun */
  GPtrArray *modes; /* of CliReportMode, of all runs; those of one name stand together */
} CliReport;

/* cli-report-data.c */
CliReport *cli_report_new (void);
void cli_report_free (CliReport *self);
/* @text, of @path, is what `tally bench --json` wrote; the file's name, without ".json", is what the run is called where it says
 * nothing. */
gboolean cli_report_add (
    CliReport *self, const gchar *path, const gchar *text, gsize length, GError **error);

/* cli-report-words.c: sentences that say what the figures mean, the most important one first. (element-type gchar*)
 * (transfer full) */
GPtrArray *cli_report_say (const CliReport *self);

/* cli-report-page.c: (transfer full) */
gchar *cli_report_make_page (const CliReport *self);

/* cli-report-forecast.c: the pool's waits beside those which the pool's policy alone would make. */
/* The load of @mode, and its pool, as they were measured; load_model_clear () frees what it has. FALSE with an error where @run does
 * not say enough. */
gboolean cli_report_fit (const CliReportRun *run,
                         const CliReportMode *mode,
                         LoadModel *model,
                         GError **error);
/* Fills in what was measured of @mode's waits, and what is predicted. */
void cli_report_predict (const CliReportRun *run, CliReportMode *mode);

/* cli-report-plots.c: parts of the page. */
void cli_report_plot_throughput (GString *page, const CliReport *self);
void cli_report_plot_percentiles (GString *page, const CliReport *self);
void cli_report_plot_distribution (GString *page, const CliReport *self);
void cli_report_plot_time (GString *page, const CliReport *self);
void cli_report_plot_steps (GString *page, const CliReport *self);

/* cli-report.c: writes the page that @text alone makes. */
gboolean cli_report_write (
    const gchar *path, const gchar *name, const gchar *text, gsize length, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliReport, cli_report_free)

G_END_DECLS

#endif /* CLI_REPORT_H */
