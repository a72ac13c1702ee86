/* What every benchmark program shares: its options, its clock and the line it reports. Knows
 * nothing of Thrift, so that the limit's programs are made of it too. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <glib.h>

typedef struct
{
  gchar *scheme;      /* of Tally's URI; NULL: tcp */
  gchar *uri_options; /* appended to Tally's URI */
  gchar *payload;     /* "string", "struct", "large" or "list" */
  gchar *mode;      /* "pooled": one connection for all calls; "unpooled": one for each; "shared" */
  gchar *transport; /* of Apache's client: "framed", "buffered", "socket", "own" */
  gchar *request;   /* file that holds the framed request */
  gint port;
  gint calls;
  gint warmup;
  gint together;       /* operations at once */
  gboolean count_only; /* no clock and no report: for callgrind and strace */

  /* what payload and mode say */
  gboolean is_struct;
  gboolean is_unpooled;
} BenchOptions;

extern BenchOptions bench_options;

/* Parses the command line into bench_options; exits with a message when it is wrong. @extra
 * (nullable): a program's own options. */
void bench_parse (int *argc, char ***argv, const GOptionEntry *extra);

/* The 16 bytes of the small call. */
#define BENCH_TEXT "sixteen bytes ok"
/* The bytes of a large one's text: --payload large. */
#define BENCH_LARGE_BYTES (64 * 1024)

/* Nanoseconds; 0 with --count-only. */
gint64 bench_now (void);

/* One measured operation: @run does it, checks what came back and returns the nanoseconds that
 * count. */
typedef gint64 (*BenchRun) (gpointer data);

/* Prints a line of @samples, which it sorts: name p50 p90 p99 max mean, in nanoseconds. */
void bench_report (const gchar *name, gint64 *samples, gint n_samples);

/* Runs @run warmup + calls times; reports how long each took. */
void bench_measure (const gchar *name, BenchRun run, gpointer data);

/* Runs @run calls times in all, on as many threads as shall be together; prints the same line with
 * the time that passed for each operation in every column. */
void bench_measure_together (const gchar *name, BenchRun run, gpointer data);

/* Prints the message and exits: a benchmark that got something wrong measured nothing. */
void bench_fail (const gchar *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;

/* The server is to die with the process that started it. */
void bench_die_with_parent (void);

#endif /* BENCH_COMMON_H */
