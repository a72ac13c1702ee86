/* Owns the book of executed calls and what is derived from a call's number. */
#include "ledger-book.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean
ledger_book_open (LedgerBook *book, const gchar *path, gsize size)
{
  gint fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat status;
  gpointer memory;

  if (fd < 0)
    return FALSE;
  if ((size > 0 && ftruncate (fd, size) != 0) || fstat (fd, &status) != 0)
    {
      close (fd);
      return FALSE;
    }
  memory = mmap (NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  if (memory == MAP_FAILED)
    return FALSE;
  *book = (LedgerBook){ memory, status.st_size };
  return TRUE;
}

void
ledger_book_close (LedgerBook *book)
{
  munmap (book->executed, book->size);
}

gboolean
ledger_book_enter (LedgerBook *book, gint64 number)
{
  if (number < 0 || (guint64) number >= book->size)
    return FALSE;
  __atomic_add_fetch (&book->executed[number], 1, __ATOMIC_SEQ_CST);
  return TRUE;
}

guint
ledger_book_get_executed (const LedgerBook *book, guint number)
{
  return __atomic_load_n (&book->executed[number], __ATOMIC_SEQ_CST);
}

/* The finalizer of MurmurHash3 over what makes the number. */
guint64
ledger_random (guint64 seed, guint64 number, guint what)
{
  guint64 x = seed + number * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + ((guint64) what << 48);

  x = (x ^ (x >> 33)) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  x = (x ^ (x >> 33)) * G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return x ^ (x >> 33);
}

/* Mostly small, some of several segments, a few of more than a socket's buffer takes at once. */
static guint
plan_size (guint64 random)
{
  guint more = random >> 16;

  switch (random % 64)
    {
    case 0:
      return 65536 + more % 200000;
    case 1:
    case 2:
    case 3:
      return 1024 + more % 16384;
    default:
      return LEDGER_MARK_LENGTH + more % 64;
    }
}

LedgerPlan
ledger_plan (guint64 seed, guint number, gboolean under_fault)
{
  LedgerPlan plan = { .kind = LEDGER_ENTER, .timeout_ms = 120000 };
  guint kind = ledger_random (seed, number, 0) % 16;

  if (kind == 0)
    plan.kind = LEDGER_NOTE;
  else if (kind < 5)
    plan.kind = LEDGER_REPEAT;
  plan.size = plan_size (ledger_random (seed, number, 1));
  if (!under_fault)
    return plan;
  plan.timeout_ms = 20 + ledger_random (seed, number, 2) % 400;
  plan.is_cancelled = ledger_random (seed, number, 3) % 32 == 0;
  return plan;
}

gchar *
ledger_make_text (gchar mark, guint number, guint size)
{
  guint length = MAX (size, LEDGER_MARK_LENGTH);
  gchar *text = g_malloc (length + 1);

  memset (text, 'a' + number % 26, length);
  g_snprintf (text, length + 1, LEDGER_MARK_FORMAT, mark, number);
  text[LEDGER_MARK_LENGTH] = 'a' + number % 26; /* in place of the NUL, unless it is the end */
  text[length] = '\0';
  return text;
}
