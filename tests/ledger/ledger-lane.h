/* A lane: the calls of one combination of protocol, framing, mode and way to wait. */
#ifndef TESTS_LEDGER_LANE_H
#define TESTS_LEDGER_LANE_H

#include <tally.h>

#include "ledger-book.h"
#include "ledger-lateness.h"
#include "ledger-trail.h"

/* What came of a call, and so what the book may have of it. */
typedef enum
{
  LEDGER_NOT_MADE,
  LEDGER_RETURNED,     /* without an error */
  LEDGER_NOTHING_SENT, /* an error that says so, and so on */
  LEDGER_NOT_EXECUTED,
  LEDGER_PARTLY_SENT,
  LEDGER_MAYBE_EXECUTED,
  LEDGER_ANSWERED, /* an error that is an answer */
  LEDGER_N_OUTCOMES
} LedgerOutcome;

/* What all lanes of a test have in common. */
typedef struct
{
  guint64 seed;
  gboolean under_fault;
  guint n_numbers;
  gint64 until; /* g_get_monotonic_time () after which no more calls begin */
  LedgerTrail *trail;
  /* of each number; its lane's, until that has finished */
  guint8 *outcomes;         /* LedgerOutcome */
  gchar **claims;           /* nullable each: the error that says that it was not executed */
  LedgerLateness *lateness; /* nullable: without faults calls are not late */

  GMutex lock; /* protects what follows */
  GCond changed;
  guint n_running; /* lanes */
  guint n_violations;
  gint64 longest_over_us; /* that a call took past its deadline, and which one */
  const gchar *longest_over_lane;
} LedgerCommon;

void ledger_common_init (LedgerCommon *common, guint64 seed, gboolean under_fault, guint n_numbers);
void ledger_common_clear (LedgerCommon *common);
/* Counts it, and prints it with the seed, the call and what happened on its connection. */
void ledger_report_violation (LedgerCommon *common, guint number, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

typedef struct
{
  const gchar *name;  /* literal or the test's, as is the next one */
  const gchar *waits; /* how its calls wait, whatever they speak */
  gchar *uri;         /* (transfer full) */
  gboolean is_async;
  guint at_once; /* calls: threads, or asynchronous ones under way */
  guint first;   /* the numbers of its calls */
  guint n_calls;
} LedgerLaneOptions;

typedef struct _LedgerLane LedgerLane;

LedgerLane *ledger_lane_start (LedgerCommon *common, const LedgerLaneOptions *options);
/* Waits until its calls are over, sees that nothing of them is left, and frees it. */
void ledger_lane_finish (LedgerLane *lane);

#endif /* TESTS_LEDGER_LANE_H */
