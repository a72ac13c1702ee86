/* The instant at which a thread looks whether its own connection, which it has lent itself, is alive: another thread's borrow
 * falls into it. */
#include "lab.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bucket-private.h"

/* Called at this thread's next look at a socket, before the kernel is asked. */
static __thread void (*at_look) (void);

static void
look (gint flags)
{
  void (*hook) (void) = at_look;

  if (hook == NULL || (flags & MSG_PEEK) == 0)
    return;
  at_look = NULL;
  hook ();
}

long __real_syscall (long number, ...);
long __wrap_syscall (long number, ...);
long
__wrap_syscall (long number, ...)
{
  va_list rest;
  long values[6];

  va_start (rest, number);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = va_arg (rest, long);
  va_end (rest);
  if (number == SYS_recvfrom)
    look ((gint) values[3]);
  return __real_syscall (number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

ssize_t __real_recv (int fd, void *bytes, size_t length, int flags);
ssize_t __wrap_recv (int fd, void *bytes, size_t length, int flags);
ssize_t
__wrap_recv (int fd, void *bytes, size_t length, int flags)
{
  look (flags);
  return __real_recv (fd, bytes, length, flags);
}

static Lab *lab;
static Borrower other;

static Lab *
new_lab (guint streams)
{
  Lab *self = lab_new ("max-open", 1, "streams-per-connection", streams, "idle-timeout", 0, "check",
                       TALLY_POOL_CHECK_ALWAYS, NULL);

  lab_fill (self, 1);
  lab_fill (self, 1);
  assert_int (self->bucket->policy.n_own, 1);
  return self;
}

/* The connection is in the books when this returns, lent and not yet proven alive. */
static void
have_another_wait (void)
{
  other = (Borrower){ 0 };
  borrower_start (&other, lab, "another");
  lab_await (lab, now.waiting == 1);
}

/* Rule 24: who waits for it gets it as soon as the look has proven it, not at its release. */
static void
own_shared_is_shared_once_looked_at (void)
{
  TallyLease lease;

  lab = new_lab (3);
  at_look = have_another_wait;
  lease = lab_borrow (lab);
  CU_ASSERT_PTR_NULL (at_look);
  lab_await (lab, now.waiting == 0);
  CU_ASSERT_TRUE (borrower_join (&other));
  assert_no_error (other.error);
  assert_int (lab_index_of (lab, &other.lease), lab_index_of (lab, &lease));
  assert_int (lab->dialed, 1);
  lab_release (lab, &other.lease);
  lab_release (lab, &lease);
  lab_free (lab);
}

/* One that is not shared is not: the other waits for its release. */
static void
own_is_lent_once (void)
{
  TallyLease lease;

  lab = new_lab (1);
  at_look = have_another_wait;
  lease = lab_borrow (lab);
  CU_ASSERT_PTR_NULL (at_look);
  assert_int (lab_snapshot (lab).waiting, 1);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&other));
  assert_no_error (other.error);
  assert_int (lab->dialed, 1);
  lab_release (lab, &other.lease);
  lab_free (lab);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (own_shared_is_shared_once_looked_at),
    TEST (own_is_lent_once),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
