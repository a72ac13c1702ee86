/* Owns the tests of when a TLS handshake gives way to peers that wait, and which of them is next, on a clock of
 * their own. */
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "tls-layer-private.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND

/* ---- one peer ---- */

typedef struct
{
  TallyTlsTurn turn;
  gint64 now;
} Peer;

/* It is awaited for @duration. FALSE: it has had to give way meanwhile. */
static gboolean
keeps_waiting (Peer *self, gint64 duration, gboolean inside_record)
{
  tally_tls_turn_await (&self->turn, inside_record, self->now);
  self->now += duration - 1;
  if (tally_tls_turn_is_over (&self->turn, self->now))
    return FALSE;
  tally_tls_turn_go_on (&self->turn, ++self->now);
  return TRUE;
}

/* How long a peer that comes every @interval with a record, or else with a byte of one, keeps its turn. */
static gint64
measure_turn (gint64 interval, gboolean inside_record)
{
  Peer peer = { .now = 1 };

  while (peer.now < 60 * SECOND && keeps_waiting (&peer, interval, inside_record))
    ;
  return peer.now;
}

/* A way there and back of 300 ms, twice that on a busy machine, for as many answers as a handshake may need. */
static void
a_client_far_away_is_awaited (void)
{
  Peer peer = { .now = 1 };

  CU_ASSERT (keeps_waiting (&peer, 600 * MS, FALSE));
  CU_ASSERT (keeps_waiting (&peer, 600 * MS, FALSE));
}

static void
what_this_side_computes_does_not_count (void)
{
  Peer peer = { .now = 1 };

  CU_ASSERT (keeps_waiting (&peer, 600 * MS, FALSE));
  peer.now += 5 * SECOND;
  CU_ASSERT (!tally_tls_turn_is_over (&peer.turn, peer.now));
  CU_ASSERT (keeps_waiting (&peer, 600 * MS, FALSE));
}

/* The time for the next one begins anew with it. */
static void
a_record_is_progress (void)
{
  Peer peer = { .now = 1 };

  CU_ASSERT (keeps_waiting (&peer, 900 * MS, FALSE));
  CU_ASSERT (keeps_waiting (&peer, 900 * MS, FALSE));
}

/* A peer that sends one now and then goes as soon as one that is silent. */
static void
a_byte_is_no_progress (void)
{
  for (gint64 interval = 1 * MS; interval <= 900 * MS; interval *= 2)
    CU_ASSERT (measure_turn (interval, TRUE) <= SECOND + interval);
}

static void
records_without_end_give_way (void)
{
  for (gint64 interval = 1 * MS; interval <= 900 * MS; interval *= 2)
    CU_ASSERT (measure_turn (interval, FALSE) <= 2 * SECOND + interval);
}

/* ---- a crowd ---- */

#define N_TURNS 8

/* Turns that peers have which stop behind their first message, and the times at which such peers came that wait.
 * Each that has had to give way comes again at once. */
typedef struct
{
  TallyTlsTurn turns[N_TURNS];
  GQueue waiting; /* of times */
  gint64 now;
} Crowd;

/* Whether @arrival is the next that a free turn is for. */
static gboolean
crowd_gives_turn (Crowd *self, TallyTlsTurn *turn, gint64 arrival)
{
  gint64 oldest = GPOINTER_TO_SIZE (g_queue_peek_head (&self->waiting));
  gpointer next = tally_tls_turn_is_for_newest (oldest, self->now)
                      ? g_queue_pop_tail (&self->waiting)
                      : g_queue_pop_head (&self->waiting);

  *turn = (TallyTlsTurn){ FALSE };
  tally_tls_turn_await (turn, FALSE, self->now);
  return (gint64) GPOINTER_TO_SIZE (next) == arrival;
}

/* How long an honest peer waits for a turn that comes when @crowd peers have been there for @head_start. */
static gint64
measure_wait (guint crowd, gint64 head_start)
{
  Crowd self = { .now = 1 };
  gint64 arrival = self.now + head_start + 1;
  gboolean served = FALSE;

  for (guint i = 0; i < N_TURNS; i++)
    tally_tls_turn_await (&self.turns[i], FALSE, self.now);
  for (guint i = N_TURNS; i < crowd; i++)
    g_queue_push_tail (&self.waiting, GSIZE_TO_POINTER (self.now));
  while (!served && self.now < 60 * SECOND)
    {
      guint n_ended = 0;

      if (self.now == arrival)
        g_queue_push_tail (&self.waiting, GSIZE_TO_POINTER (arrival));
      for (guint i = 0; i < N_TURNS && !served; i++)
        if (self.waiting.length > 0 && tally_tls_turn_is_over (&self.turns[i], self.now))
          {
            served = crowd_gives_turn (&self, &self.turns[i], arrival);
            n_ended++;
          }
      self.now += self.now + 1 == arrival ? 1 : 10 * MS;
      while (n_ended-- > 0)
        g_queue_push_tail (&self.waiting, GSIZE_TO_POINTER (self.now));
    }
  g_queue_clear (&self.waiting);
  return self.now - arrival;
}

/* Not for as long as the crowd needs, which is a minute. */
static void
an_honest_peer_is_next_in_a_crowd (void)
{
  CU_ASSERT (measure_wait (500, 10 * SECOND) <= 2 * SECOND);
  CU_ASSERT (measure_wait (5000, 10 * SECOND) <= 2 * SECOND);
  CU_ASSERT (measure_wait (500, 100 * MS) <= 3 * SECOND);
}

/* While all get their turn soon they have it in the order in which they came. */
static void
a_few_have_their_turns_in_order (void)
{
  CU_ASSERT (!tally_tls_turn_is_for_newest (1, 1));
  CU_ASSERT (!tally_tls_turn_is_for_newest (1, 500 * MS));
  CU_ASSERT (tally_tls_turn_is_for_newest (1, 5 * SECOND));
}

/* ---- one whose answer was not read yet ---- */

static void
a_peer_that_has_answered_has_not_stalled (void)
{
  const gint64 now = 60 * SECOND;
  TallyTlsBase base = { .blocks = TRUE };
  TallyTls tls = { .base = &base };
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  tally_stream_open (&base.plain, fds[0], TALLY_STREAM_ADOPTED);
  CU_ASSERT (!tally_tls_has_stalled (&tls, now));
  tally_tls_turn_await (&tls.turn, FALSE, 1);
  CU_ASSERT (tally_tls_has_stalled (&tls, now));
  CU_ASSERT_EQUAL (write (fds[1], "", 1), 1);
  CU_ASSERT (!tally_tls_has_stalled (&tls, now));
  tally_stream_close (&base.plain);
  close (fds[1]);
}

static const TestCase cases[] = { TEST (a_client_far_away_is_awaited),
                                  TEST (what_this_side_computes_does_not_count),
                                  TEST (a_record_is_progress),
                                  TEST (a_byte_is_no_progress),
                                  TEST (records_without_end_give_way),
                                  TEST (an_honest_peer_is_next_in_a_crowd),
                                  TEST (a_few_have_their_turns_in_order),
                                  TEST (a_peer_that_has_answered_has_not_stalled),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  return test_main ("tls-turn", cases, argc, argv);
}
