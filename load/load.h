/* Load on a service: the same calls in several modes, in turn, and what each mode came to. It knows nothing of what a call
 * is. */
#ifndef LOAD_H
#define LOAD_H

#include <tally.h>

#include "load-histogram.h"

G_BEGIN_DECLS

/* What is asked for. */
typedef struct
{
  gchar *uri;          /* of the server, without a mode */
  guint callers;       /* threads that call at once */
  guint64 calls;       /* in each round of each mode; 0: as many as there is time for */
  guint64 duration_ns; /* of each round; 0: no limit */
  guint64 warm_up;     /* calls of each mode before its first round, which do not count */
  guint rounds;
  guint connections; /* that a pool may open */
  guint in_flight;   /* calls that an asynchronous mode has under way at most */
  gdouble rate;      /* calls per second that begin; 0: each caller's next one when it is ready */
  gint server_pid;   /* whose CPU time is charged; 0: not known */
  gint
      interrupted; /* atomic: 1: callers stop before their next call; 2: nor are they waited for any more */
  guint64 n_begun; /* calls that may have been begun so far: no two have one number */
} LoadOptions;

/* What a call is. A caller is one thread's, and so is what it has. */
typedef struct
{
  gpointer (*caller_new) (gpointer data, TallyChannel *channel, guint index);
  void (*caller_free) (gpointer caller);
  /* Makes ready what call @number sends. Its time does not count. */
  void (*prepare) (gpointer caller, guint64 number);
  gboolean (*call) (gpointer caller, GError **error);
  /* Whether what came back is right; after a call that failed too, to free what it left. */
  gboolean (*check) (gpointer caller, guint64 number, GError **error);
  /* A call that does not block; what is sent is encoded when this returns. */
  void (*begin) (gpointer caller, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*finish) (gpointer caller, GAsyncResult *result, GError **error);
  gpointer data;
} LoadWork;

/* What the machine says, before and after a round. */
typedef struct
{
  guint64 client_cpu_ns;
  guint64 server_cpu_ns; /* 0 of a server that is not known */
  guint time_waits;      /* sockets to and from the server in the state TIME_WAIT */
} LoadMachine;

/* An interval of a mode's rounds. */
typedef struct
{
  gdouble
      at_s; /* its middle, counted from the first round's start, without what lies between rounds */
  gdouble length_s;
  guint64 calls; /* that succeeded */
  guint64 failures;
  guint64 p50_ns, p99_ns;
} LoadSample;

/* Calls that failed in one way. */
typedef struct
{
  gchar *message;
  guint64 count;
} LoadFailure;

/* Where the time of a call goes, on average, in nanoseconds; of calls of their own, which are watched. */
typedef struct
{
  guint64 calls; /* 0: it was not found out */
  gdouble connect_ns;
  gdouble wait_ns;   /* for a connection that another call has */
  gdouble send_ns;   /* to encode and to send, on a shared connection behind others */
  gdouble answer_ns; /* from then on: the server, and the way to it and back */
} LoadSteps;

/* One mode of calling, and what it came to over all rounds. */
typedef struct
{
  gchar *name; /* as in the URI: "pooled"; or "async-pooled" */
  gchar *uri;
  gboolean is_async;
  TallyPool *pool; /* of its own, so that its statistics are this mode's */
  TallyChannel *channel;
  LoadHistogram *latency; /* nanoseconds of each call that succeeded */
  GArray *rates;          /* of gdouble: calls per second, one for each round */
  GArray *samples;        /* of LoadSample */
  gdouble elapsed_s;      /* of all rounds */
  guint64 failures;
  GPtrArray *failed; /* of LoadFailure, in the order in which they first came */
  LoadMachine used;  /* summed up over all rounds */
  LoadSteps steps;
} LoadMode;

/* What is shown of a mode. Latencies in nanoseconds, rates in calls per second. */
typedef struct
{
  guint64 calls;
  gdouble rate, lowest_rate, highest_rate; /* the rounds': their median, and their ends */
  guint64 p50;
  guint64 p90;
  guint64 p99;
  guint64 p999;
  guint64 p9999;
  guint64 max;
  guint64 closes;
  TallyPoolSnapshot pool;
} LoadSummary;

/* How far a round is: what happened since the last time it was told. */
typedef struct
{
  const LoadMode *mode;
  guint round; /* from 0 */
  gdouble share;
  const LoadSample *last;
  guint64 failures; /* of the mode, so far */
} LoadProgress;

typedef void (*LoadTell) (const LoadProgress *progress, gpointer user_data);

/* load-mode.c */
/* "unpooled", "pooled", "shared", and behind "async-" the same. */
gboolean load_mode_is_known (const gchar *name);
LoadMode *load_mode_new (const LoadOptions *options, const gchar *name, GError **error);
void load_mode_free (LoadMode *mode);
void load_mode_note_failure (LoadMode *mode, const gchar *message, guint64 count);
LoadSummary load_mode_summarise (const LoadMode *mode);
/* Whether so many calls failed, beside @calls that succeeded, that the mode's rate, which is of those that did, says little. */
gboolean load_fails_a_lot (gdouble failures, gdouble calls);

/* load-run.c. @tell: (nullable) */
/* All rounds of all @modes (element-type LoadMode), which take turns; each round begins with another one. */
void load_run (LoadOptions *options,
               const LoadWork *work,
               GPtrArray *modes,
               LoadTell tell,
               gpointer user_data);
/* One call, which is not measured, on a connection that ends with it: that the server is there and answers. A server may serve one
 * connection after the other. */
gboolean load_ask (const LoadOptions *options, const LoadWork *work, GError **error);
/* SIGINT interrupts @options' rounds; the third one ends the program. */
void load_catch_interrupt (LoadOptions *options);
/* Ends the program with @status where callers were not waited for, since they use what would be freed. */
void load_end_with_callers (const LoadOptions *options, gint status);

/* load-steps.c: finds out where the time of the calls of all @modes goes, by @calls more of each, after the rounds. */
gboolean load_find_steps (
    LoadOptions *options, const LoadWork *work, GPtrArray *modes, guint64 calls, GError **error);

/* load-machine.c */
LoadMachine load_machine_read (const LoadOptions *options);
/* Adds to the mode's what was used since @before. */
void load_machine_charge (LoadMode *mode, const LoadMachine *before, const LoadMachine *after);
/* "Intel …", of the first core. (transfer full): "" where it is not known. */
gchar *load_machine_get_cpu (void);

/* load-print.c: tables that fit 80 columns, on standard output. */
void load_print (const LoadOptions *options, GPtrArray *modes);

/* load-json.c: parts of a JSON text. */
void load_json_append_string (GString *json, const gchar *text);
void load_json_append_number (GString *json, const gchar *before, gdouble number);
/* The members of an object that say where and when it was measured, by which options, and what the modes came to; without a
 * comma behind them. */
void load_json_append_results (GString *json, const LoadOptions *options, GPtrArray *modes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadMode, load_mode_free)

G_END_DECLS

#endif /* LOAD_H */
