/* What lately happened on connections, for the report of a violation. Any thread may use it. */
#ifndef TESTS_LEDGER_TRAIL_H
#define TESTS_LEDGER_TRAIL_H

#include <glib.h>

typedef struct _LedgerTrail LedgerTrail;

/* For calls with numbers below @n_numbers. */
LedgerTrail *ledger_trail_new (guint n_numbers);
void ledger_trail_free (LedgerTrail *trail);
/* @what: a literal. */
void ledger_trail_add (LedgerTrail *trail, guint connection, const gchar *what, gsize value);
/* Bytes of a request pass over @connection: which calls they are, as far as their marks are whole. */
void
ledger_trail_add_request (LedgerTrail *trail, guint connection, const guint8 *data, gsize size);
/* Prints the last events of the connection over which call @number went last. */
void ledger_trail_print (LedgerTrail *trail, guint number);

#endif /* TESTS_LEDGER_TRAIL_H */
