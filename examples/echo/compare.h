/* What the parts of echo-compare share: what is asked for, and what was measured. */
#ifndef EXAMPLES_COMPARE_H
#define EXAMPLES_COMPARE_H

#include <tally.h>

#include "demo_echo.h"

typedef struct
{
  gchar *uri;   /* of the server, without a mode */
  gint callers; /* threads that call at once */
  gint calls;   /* of each caller, in each round */
  gint size;    /* bytes of the text; -1 = the rich Payload instead */
  gint rounds;
  gint connections; /* that a pool may open */
  gint in_flight;   /* calls that an asynchronous mode has under way at most */
  gdouble rate;     /* calls per second that begin; 0: each caller's next one when it is ready */
  gint interrupted; /* atomic: callers stop before their next call */
} CompareOptions;

/* What the machine says, before and after a round. */
typedef struct
{
  guint64 client_cpu_ns;
  guint64 server_cpu_ns; /* 0 of a server that was not started here */
  guint time_waits;      /* sockets to and from the server in the state TIME_WAIT */
} CompareMachine;

/* One mode of calling, and what it came to over all rounds. */
typedef struct
{
  gchar *name; /* as in the URI: "pooled"; or "async-pooled" */
  gboolean is_async;
  TallyPool *pool; /* of its own, so that its statistics are this mode's */
  DemoEchoClient *client;
  GArray *latencies; /* of guint64: nanoseconds of each call that succeeded */
  GArray *rates;     /* of gdouble: calls per second, one for each round */
  guint64 failures;
  gchar *failure;      /* (nullable): the first one's message */
  CompareMachine used; /* summed up over all rounds */
} CompareMode;

/* compare-server.c */
typedef struct _CompareServer CompareServer;
/* Starts an echo-server on a free loopback port and waits until it listens. */
CompareServer *compare_server_start (const gchar *options, gchar **uri, GError **error);
guint64 compare_server_get_cpu_ns (const CompareServer *server);
/* Asks it to stop; FALSE with an error when it did not end well. */
gboolean compare_server_stop (CompareServer *server, GError **error);

/* compare-machine.c. @server: (nullable) */
CompareMachine compare_machine_read (const CompareOptions *options, const CompareServer *server);
/* Adds to the mode's what was used since @before. */
void compare_machine_charge (CompareMode *mode,
                             const CompareMachine *before,
                             const CompareMachine *after);

/* compare-run.c */
/* One call that is not measured: that the server is there and gives the right answer. */
gboolean compare_ask (const CompareOptions *options, GError **error);
CompareMode *compare_mode_new (const CompareOptions *options, const gchar *name, GError **error);
void compare_mode_free (CompareMode *mode);
/* All callers make all their calls; @progress is called now and then with the share that is
 * done. */
void compare_run_round (CompareOptions *options,
                        CompareMode *mode,
                        void (*progress) (gdouble share, gpointer user_data),
                        gpointer user_data);

/* What is shown of a mode. Latencies in nanoseconds, rates in calls per second. */
typedef struct
{
  guint64 calls;
  gdouble rate, lowest_rate, highest_rate; /* the rounds': their median, and their ends */
  guint64 p50;
  guint64 p90;
  guint64 p99;
  guint64 max;
  guint64 closes;
  TallyPoolSnapshot pool;
} CompareSummary;

/* compare-report.c: @modes are of CompareMode. @own_server: its CPU time is known. */
CompareSummary compare_summarise (CompareMode *mode);
/* What is measured, and where. */
void compare_print_heading (const CompareOptions *options, gboolean own_server);
void compare_print (const CompareOptions *options, GPtrArray *modes, gboolean own_server);

/* compare-json.c */
gboolean compare_write_json (const CompareOptions *options,
                             GPtrArray *modes,
                             gboolean own_server,
                             const gchar *path,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CompareMode, compare_mode_free)

#endif /* EXAMPLES_COMPARE_H */
