/* The book: how often each numbered call was executed, in memory that the test and the processes of its
 * server have in common, so that it outlives any of them; and what each call is, by its number. */
#ifndef TESTS_LEDGER_BOOK_H
#define TESTS_LEDGER_BOOK_H

#include <glib.h>

typedef struct
{
  guint8 *executed; /* atomic; of each number */
  gsize size;
} LedgerBook;

/* Of the file at @path, which is made @size bytes long unless @size is 0: then it is there. */
gboolean ledger_book_open (LedgerBook *book, const gchar *path, gsize size);
void ledger_book_close (LedgerBook *book);
/* FALSE for a number that the book has no room for. */
gboolean ledger_book_enter (LedgerBook *book, gint64 number);
guint ledger_book_get_executed (const LedgerBook *book, guint number);

/* A random number that is always the same one for @seed, @number and @what. */
guint64 ledger_random (guint64 seed, guint64 number, guint what);

typedef enum
{
  LEDGER_ENTER,
  LEDGER_REPEAT, /* idempotent */
  LEDGER_NOTE    /* oneway */
} LedgerKind;

/* What call @number is. */
typedef struct
{
  LedgerKind kind;
  guint size; /* bytes of its text */
  gint timeout_ms;
  gboolean is_cancelled; /* perhaps: when another call begins */
} LedgerPlan;

LedgerPlan ledger_plan (guint64 seed, guint number, gboolean under_fault);

/* A text begins with this and its number, an answer with the other mark. */
#define LEDGER_REQUEST_MARK '#'
#define LEDGER_ANSWER_MARK '='
#define LEDGER_MARK_FORMAT "%c%08u."
#define LEDGER_MARK_LENGTH 10

/* (transfer full): the text of call @number, of at least LEDGER_MARK_LENGTH bytes. */
gchar *ledger_make_text (gchar mark, guint number, guint size);

#endif /* TESTS_LEDGER_BOOK_H */
