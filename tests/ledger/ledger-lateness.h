/* How late calls are over, held against how late threads wake that do nothing but wake. */
#ifndef TESTS_LEDGER_LATENESS_H
#define TESTS_LEDGER_LATENESS_H

#include <glib.h>

/* What a call may take past its deadline, beyond what the machine takes to wake a thread. */
#define LEDGER_MARGIN_MS 50

typedef struct _LedgerLateness LedgerLateness;

/* Starts the threads that only wake. */
LedgerLateness *ledger_lateness_new (void);
/* A call that waits as @waits says was over @late_us past its deadline, and @end says how. Thread-safe, as the next one. */
void
ledger_lateness_note (LedgerLateness *self, const gchar *waits, const gchar *end, gint64 late_us);
/* Begins a pause, or ends it. A call whose deadline passes before its end is not judged: with a sanitizer no thread of a process
 * runs while that starts another one. */
void ledger_lateness_pause (LedgerLateness *self, gboolean begins);
/* What only wakes where calls wait as @waits says did so @late_us late. Where nothing is noted, the threads tell. */
void ledger_lateness_note_wake (LedgerLateness *self, const gchar *waits, gint64 late_us);
/* Ends the threads, prints what there is to say, and frees it. How many ways to wait and to end are too late, of those that
 * many calls went. */
guint ledger_lateness_finish (LedgerLateness *self);

/* @samples: of microseconds, which this sorts. The one that @share of them do not pass; 0 of none. */
gint64 ledger_lateness_find_quantile (GArray *samples, gdouble share);
/* Whether calls that were as late as @samples say were too late, where threads wake up to @wake_us late. */
gboolean ledger_lateness_is_too_late (GArray *samples, gint64 wake_us);

#endif /* TESTS_LEDGER_LATENESS_H */
