/* How long a message is, found without Tally's own code. */
#ifndef TESTS_LEDGER_MESSAGE_H
#define TESTS_LEDGER_MESSAGE_H

#include <glib.h>

typedef enum
{
  LEDGER_FRAMED, /* its length before it, in four bytes, whatever follows */
  LEDGER_BINARY,
  LEDGER_COMPACT
} LedgerLayout;

/* What of a message was found. */
typedef struct
{
  gsize length;    /* 0: not all of it is there */
  gsize length_at; /* where a length stands that a fault may change; 0 bytes long: nowhere */
  gsize length_length;
} LedgerMessage;

/* FALSE when the @size bytes at @data do not begin with a message of the book's. */
gboolean
ledger_message_find (LedgerLayout layout, const guint8 *data, gsize size, LedgerMessage *message);

#endif /* TESTS_LEDGER_MESSAGE_H */
