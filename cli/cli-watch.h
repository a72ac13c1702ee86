/* An interceptor that remembers the last call, and shows its messages. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <tally.h>

G_BEGIN_DECLS

#define CLI_TYPE_WATCH (cli_watch_get_type ())
G_DECLARE_FINAL_TYPE (CliWatch, cli_watch, CLI, WATCH, GObject)

/* @keeps: the messages, so that they can be printed. */
CliWatch *cli_watch_new (gboolean keeps);
/* What the last call came to, and how many microseconds it took. */
TallyCallOutcome cli_watch_get_outcome (CliWatch *self);
gint64 cli_watch_get_time (CliWatch *self);
/* Prints what was sent and received to standard error, by @method's tables. */
void cli_watch_print (CliWatch *self, const TallyMethod *method);

G_END_DECLS

#endif /* CLI_WATCH_H */
