/* What the proxy does wrong on a connection. */
#ifndef TESTS_LEDGER_FAULT_H
#define TESTS_LEDGER_FAULT_H

#include "ledger-message.h"

typedef enum
{
  LEDGER_FAULT_NONE,
  LEDGER_FAULT_DELAY,
  LEDGER_FAULT_TRICKLE, /* one byte at a time */
  LEDGER_FAULT_REFUSE,  /* RST instead of the first byte */
  LEDGER_FAULT_RESET,   /* RST instead of a reply */
  LEDGER_FAULT_RESET_REQUEST,
  LEDGER_FAULT_HALF_CLOSE,         /* no more replies, and their end is told */
  LEDGER_FAULT_HALF_CLOSE_REQUEST, /* the server is told the end of requests */
  LEDGER_FAULT_LOSE_REPLIES,
  LEDGER_FAULT_LOSE_REQUESTS,
  LEDGER_FAULT_STALL_REQUESTS, /* within a large one nothing more is received */
  LEDGER_FAULT_DUPLICATE,
  LEDGER_FAULT_REORDER,
  LEDGER_FAULT_STALE, /* the reply before, once more, in front of each reply */
  LEDGER_FAULT_TRUNCATE,
  LEDGER_FAULT_WRONG_LENGTH,
  LEDGER_N_FAULTS
} LedgerFaultKind;

const gchar *ledger_fault_get_name (LedgerFaultKind kind);

/* One direction of a connection. */
typedef struct
{
  gint from; /* descriptors; the pair's */
  gint to;
  GByteArray *in;      /* received and not yet let through */
  GByteArray *out;     /* to be sent */
  gint64 due;          /* g_get_monotonic_time () before which nothing is sent; 0: none */
  guint trickle;       /* bytes that are sent singly */
  gboolean is_lost;    /* what comes is thrown away */
  gboolean is_stalled; /* what comes is not received */
  gboolean saw_end;    /* nothing more comes */
  gboolean has_end;    /* nothing more is let through */
  gboolean told_end;   /* and the other side knows */
} LedgerFlow;

/* What has become of a connection. */
typedef enum
{
  LEDGER_LIVES,
  LEDGER_ENDS,  /* once all that is let through is sent */
  LEDGER_RESETS /* now, with RST */
} LedgerFate;

/* A connection as faults see it. */
typedef struct
{
  LedgerLayout layout;
  LedgerFaultKind kind;
  guint begin; /* messages before the fault begins */
  guint end;   /* messages after which the connection ends */
  guint n_messages;
  guint64 seed;
  guint n_random;

  LedgerFlow requests;
  LedgerFlow replies;
  GByteArray *held; /* a reply that the next one overtakes */
  gint64 held_until;
  GByteArray *last; /* the reply before */
  LedgerFate fate;
  guint n_faults; /* what was done wrong so often */
} LedgerFaults;

/* Without faults if @kind is LEDGER_FAULT_NONE. The fault begins after
 * fewer than @most_before messages. */
void ledger_faults_init (
    LedgerFaults *self, LedgerLayout layout, LedgerFaultKind kind, guint most_before, guint64 seed);
void ledger_faults_clear (LedgerFaults *self);
/* Any fault but none. */
LedgerFaultKind ledger_fault_pick (guint64 random);

/* Move what has come in to what goes out, or not. */
void ledger_faults_pass_requests (LedgerFaults *self);
void ledger_faults_pass_replies (LedgerFaults *self);
/* Lets what was held go, and says when it must be called again; 0: not. */
gint64 ledger_faults_get_due (LedgerFaults *self, gint64 now);

#endif /* TESTS_LEDGER_FAULT_H */
