/* What a policy tells of itself in pieces, so that its lock is held for a bounded time for each of them,
 * however many connections and waiters there are. */
#ifndef TALLY_POLICY_REPORT_PRIVATE_H
#define TALLY_POLICY_REPORT_PRIVATE_H

#include "policy-internal.h"

G_BEGIN_DECLS

/* Bytes; a longer label is cut. It is copied because it need not outlive its lease. */
#define TALLY_LABEL_SIZE 128
/* So many connections or waiters are looked at for one piece of a dump. */
#define TALLY_REPORT_ROWS 16

/* One line of a dump. */
typedef struct
{
  TallyConnState state; /* FREE: a waiter */
  TallyCloseReason reason;
  gint64 age; /* microseconds in that state */
  guint32 thread;
  gboolean is_leaked;
  gchar label[TALLY_LABEL_SIZE];
} TallyReportRow;

/* How full it is: what an error says (rule 28). */
typedef struct
{
  guint open;
  guint busy;
  guint idle;
  guint dialing;
  guint closing;
  guint waiting;
  gchar *last_error; /* (nullable): of the last dial that failed */

  gboolean has_longest;
  TallyReportRow longest; /* the lease that is out for longest */

  /* Where the search for that one goes on, while it is not done. */
  gboolean is_searching;
  gint64 search_begun;
  gint64 longest_since;
  TallyHold *longest_hold;
  guint64 longest_generation;
  TallyConn *next_conn;
  TallyFurtherHold *next_further;
} TallyPolicyState;

/* Where the next piece of a dump begins. */
typedef struct
{
  const TallyConn *conn;
  const TallyFurtherHold *further;
  gboolean is_in_queue; /* `cursor` is one of the policy's */
  TallyQueueCursor cursor;
} TallyReport;

void
tally_policy_get_state (const TallyPolicy *self, const TallyInstant *now, TallyPolicyState *state);
void
tally_policy_search_longest (TallyPolicy *self, const TallyInstant *now, TallyPolicyState *state);
gchar *tally_policy_state_to_string (const TallyPolicyState *state);
void tally_policy_state_clear (TallyPolicyState *state);

void tally_policy_begin_report (const TallyPolicy *self, TallyReport *report);
gboolean tally_policy_report (TallyPolicy *self,
                              const TallyInstant *now,
                              TallyReport *report,
                              TallyReportRow *rows,
                              guint *n_rows);
void tally_report_row_append (const TallyReportRow *row, GString *text);

G_END_DECLS

#endif /* TALLY_POLICY_REPORT_PRIVATE_H */
