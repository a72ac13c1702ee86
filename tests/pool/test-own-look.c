/* The instant at which a thread looks whether its own connection, which it has lent itself, is alive: another thread's borrow
 * falls into it. */
#include "lab.h"

#include <sys/socket.h>

#include "bucket-private.h"
#include "stream-internal.h"

/* Called at this thread's next look at a socket. */
static __thread void (*at_look) (void);

static TallyLook
look (TallyStream *stream)
{
  void (*hook) (void) = at_look;

  at_look = NULL;
  if (hook != NULL)
    hook ();
  return TALLY_LOOK_NOTHING;
}

static gssize
send_plainly (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  return send (stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static gboolean
has_nothing (const TallyStream *stream)
{
  return FALSE;
}

static void
do_nothing (TallyStream *stream)
{
}

static void
put_layer (TallyStream *stream, TallyStreamOrigin origin)
{
  static const TallyStreamKind kind = {
    .send = send_plainly, .look = look, .has_input = has_nothing, .close = do_nothing
  };

  stream->kind = &kind;
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

/* Returns the connection, which was looked at meanwhile. */
static TallyLease
borrow_beside_another (guint streams)
{
  TallyLease lease;

  lab = new_lab (streams);
  at_look = have_another_wait;
  lease = lab_borrow (lab);
  CU_ASSERT_PTR_NULL (at_look);
  return lease;
}

static void
check_that_another_has_it (void)
{
  CU_ASSERT_TRUE (borrower_join (&other));
  assert_no_error (other.error);
  assert_int (lab->dialed, 1);
}

/* Rule 24: the waiter gets it once the look has proven it alive, before its release. */
static void
own_shared_is_shared_once_looked_at (void)
{
  TallyLease lease = borrow_beside_another (3);

  lab_await (lab, now.waiting == 0);
  check_that_another_has_it ();
  assert_int (lab_index_of (lab, &other.lease), lab_index_of (lab, &lease));
  lab_release (lab, &other.lease);
  lab_release (lab, &lease);
  lab_free (lab);
}

/* One that is not shared is not: the other waits for its release. */
static void
own_is_lent_once (void)
{
  TallyLease lease = borrow_beside_another (1);

  assert_int (lab_snapshot (lab).waiting, 1);
  lab_release (lab, &lease);
  check_that_another_has_it ();
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
  tally_stream_opened = put_layer;
  return test_main ("pool", cases, argc, argv);
}
