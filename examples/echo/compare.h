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
} CompareOptions;

/* One mode of calling, and what it came to over all rounds. */
typedef struct
{
  gchar *name;     /* as in the URI: "pooled" */
  TallyPool *pool; /* of its own, so that its statistics are this mode's */
  DemoEchoClient *client;
  GArray *latencies; /* of guint64: nanoseconds of each call that succeeded */
  GArray *rates;     /* of gdouble: calls per second, one for each round */
  guint64 failures;
  gchar *failure; /* (nullable): the first one's message */
} CompareMode;

/* compare-server.c */
typedef struct _CompareServer CompareServer;
/* Starts an echo-server on a free loopback port and waits until it listens. */
CompareServer *compare_server_start (const gchar *options, gchar **uri, GError **error);
/* Asks it to stop; FALSE with an error when it did not end well. */
gboolean compare_server_stop (CompareServer *server, GError **error);

/* compare-run.c */
CompareMode *compare_mode_new (const CompareOptions *options, const gchar *name, GError **error);
void compare_mode_free (CompareMode *mode);
/* All callers make all their calls; @progress is called now and then with the share that is
 * done. */
void compare_run_round (const CompareOptions *options,
                        CompareMode *mode,
                        void (*progress) (gdouble share, gpointer user_data),
                        gpointer user_data);

/* compare-report.c: @modes are of CompareMode. */
void compare_print (const CompareOptions *options, GPtrArray *modes);
gboolean compare_write_json (const CompareOptions *options,
                             GPtrArray *modes,
                             const gchar *path,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CompareMode, compare_mode_free)

#endif /* EXAMPLES_COMPARE_H */
