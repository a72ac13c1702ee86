/* A layer over streams that does what a network and TLS may do: it takes what has arrived into a buffer
 * of its own, gives bytes out and takes them in pieces, refuses to send, wants to send before it
 * receives, ends or fails at a byte. Knows nothing of what the bytes mean.
 *
 * TALLY_TEST_STREAM names the streams of a whole test program that get one which fails nowhere: some of
 * "dialed", "accepted" and "adopted". */
#ifndef TESTS_TEST_STREAM_H
#define TESTS_TEST_STREAM_H

#include "stream-internal.h"

G_BEGIN_DECLS

typedef enum
{
  TEST_STREAM_RECEIVES_ENDS,  /* the peer's end */
  TEST_STREAM_RECEIVES_FAILS, /* ECONNRESET; so do the next two */
  TEST_STREAM_SENDS_FAILS,
  TEST_STREAM_N_FAULTS
} TestStreamFault;

typedef struct
{
  gsize piece;         /* at most so many bytes at once; 0: of all sizes, in a fixed order */
  guint refuse_every;  /* of so many sends one takes nothing; 0: none, 2: at least */
  guint n_sends_first; /* so many receives, the first, want to send before, as in a handshake */
  TestStreamFault fault;
  gssize fault_at; /* after so many bytes; -1: nowhere */
} TestStreamPlan;

/* What streams of @origin are from now on; NULL: plain. */
void test_stream_plan (TallyStreamOrigin origin, const TestStreamPlan *plan);
/* Whether @origin's are layered now. */
gboolean test_stream_is_planned (TallyStreamOrigin origin);
/* Where any are, reports the running test as skipped and is TRUE: it relies on a plain descriptor. */
gboolean test_skip_layered (const gchar *reason);
/* Atomic: how many bytes have gone through layered streams, in that direction, since the last
 * test_stream_plan (). */
gsize test_stream_get_sent (void);
gsize test_stream_get_received (void);

G_END_DECLS

#endif /* TESTS_TEST_STREAM_H */
