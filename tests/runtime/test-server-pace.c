/* Owns the tests of the pace at which a server ends connections because of what their peers have sent. Its clock stands still
 * here, so that what is held back stays so until a test lets time pass: the linker puts the function below in place of GLib's
 * (meson.build, --wrap). */
#include <poll.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"
#include "test-stream.h"

/* What server-pace.c comes to, in microseconds, with the default of max-refusals. */
#define RATE 1000
#define INTERVAL 1000
#define BURST 100
#define MAX_WAIT (100 * 1000)

#define FRAMED (&all_speeches[2])
#define UNFRAMED (&all_speeches[3])
#define N_PEERS 5

/* ---- the clock ---- */

static gint64 frozen_at; /* atomic; 0: it runs */

gint64 __real_g_get_monotonic_time (void);
gint64 __wrap_g_get_monotonic_time (void);
gint64
__wrap_g_get_monotonic_time (void)
{
  gint64 now = atomic_get (&frozen_at);

  return now != 0 ? now : __real_g_get_monotonic_time ();
}

/* ---- the bucket ---- */

static void
a_burst_passes_and_the_rest_in_turn (void)
{
  ServerPace pace = { .rate = RATE };
  const gint64 begin = 5000000;

  for (gint64 round = 0; round < 2; round++)
    {
      const gint64 now =
          begin + round * (MAX_WAIT + BURST * INTERVAL); /* the bucket is empty again */

      for (guint i = 0; i < BURST; i++)
        assert_int (server_pace_take (&pace, now), now);
      for (gint64 i = 1; i <= MAX_WAIT / INTERVAL; i++)
        assert_int (server_pace_take (&pace, now), now + i * INTERVAL);
      for (guint i = 0; i < 1000; i++)
        assert_int (server_pace_take (&pace, now), now + MAX_WAIT);
    }
}

static void
an_even_pace_never_waits (void)
{
  ServerPace pace = { .rate = RATE };

  for (gint64 now = 1; now < 10000 * INTERVAL; now += INTERVAL)
    assert_int (server_pace_take (&pace, now), now);
  /* Nor has it used up the burst. */
  for (guint i = 0; i < BURST - 1; i++)
    assert_int (server_pace_take (&pace, 10000 * INTERVAL), 10000 * INTERVAL);
}

/* Peers that come again as soon as they are told, each at a time, come as often as the pace has it. */
static void
peers_that_wait_come_at_a_pace_of (guint rate, gint64 seconds)
{
  ServerPace pace = { .rate = rate };
  gint64 next[16] = { 0 };
  gint64 last = 0;
  guint n_told = 0;

  for (;;)
    {
      guint first = 0;
      gint64 slot;

      for (guint i = 1; i < G_N_ELEMENTS (next); i++)
        if (next[i] < next[first])
          first = i;
      if (next[first] >= seconds * G_TIME_SPAN_SECOND)
        break;
      slot = server_pace_take (&pace, next[first]);
      CU_ASSERT (slot >= last && slot <= next[first] + MAX_WAIT);
      last = slot;
      next[first] = slot + 1;
      n_told++;
    }
  CU_ASSERT (n_told >= seconds * rate);
  CU_ASSERT (n_told <= seconds * rate + rate / 10 + G_N_ELEMENTS (next));
}

static void
peers_that_wait_come_at_the_pace (void)
{
  peers_that_wait_come_at_a_pace_of (RATE, 10);
  /* Of neither is an interval a whole number of microseconds. */
  peers_that_wait_come_at_a_pace_of (3 * RATE, 10);
  peers_that_wait_come_at_a_pace_of (700 * RATE, 1);
}

static void
the_rate_is_a_property (void)
{
  ServerPace pace = { .rate = 0 };

  for (guint i = 0; i < 1000; i++)
    assert_int (server_pace_take (&pace, 1), 1);
  /* A burst of one, then as late as may be: the rate is too low for what is held back. */
  pace.rate = 5;
  assert_int (server_pace_take (&pace, 1), 1);
  for (guint i = 0; i < 2; i++)
    assert_int (server_pace_take (&pace, 1), 1 + MAX_WAIT);
}

/* ---- a server ---- */

/* Stops the clock; @n_left more refusals pass at once. */
static void
freeze (Running *running, guint n_left)
{
  const gint64 now = __real_g_get_monotonic_time ();

  atomic_set (&frozen_at, now);
  pthread_mutex_lock (&running->server->lock);
  running->server->pace.next = 0;
  for (guint i = 0; i < BURST - n_left; i++)
    assert_int (server_pace_take (&running->server->pace, now), now);
  pthread_mutex_unlock (&running->server->lock);
}

static void
advance (gint64 microseconds)
{
  atomic_set (&frozen_at, atomic_get (&frozen_at) + microseconds);
}

static void
stop (Running *running)
{
  atomic_set (&frozen_at, 0);
  running_stop (running);
}

static guint
count_held (const Running *running)
{
  guint count;

  pthread_mutex_lock (&running->server->lock);
  count = running->server->pace.waiting.length;
  pthread_mutex_unlock (&running->server->lock);
  return count;
}

static void
await_held (const Running *running, guint count)
{
  while (count_held (running) != count)
    g_thread_yield ();
}

static void
send_endless (gint fd, const Speech *speech)
{
  TallyBuffer request = { NULL, 0, 0 };

  write_endless (&request, speech, 7);
  peer_send (fd, &request);
}

static void
check_told (gint fd, const Speech *speech)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR);
  answer_clear (&answer);
}

static void
check_told_and_ended (gint fd)
{
  check_told (fd, UNFRAMED);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
}

static gboolean
is_quiet (gint fd)
{
  return poll (&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 0;
}

/* One peer after the other is held back. */
static void
hold_peers (Running *running, gint *fds, guint count)
{
  for (guint i = 0; i < count; i++)
    {
      fds[i] = peer_connect (running);
      send_endless (fds[i], UNFRAMED);
      await_held (running, i + 1);
    }
}

static void
refusals_leave_in_turn (void)
{
  Running *running = running_start (UNFRAMED, NULL, NULL);
  gint honest = peer_connect_and_greet (running);
  gint fds[N_PEERS];

  freeze (running, 2);
  for (guint i = 0; i < 2; i++)
    {
      fds[i] = peer_connect (running);
      send_endless (fds[i], UNFRAMED);
      check_told_and_ended (fds[i]);
    }
  assert_int (count_held (running), 0);
  hold_peers (running, fds, N_PEERS);
  for (guint i = 0; i < N_PEERS; i++)
    {
      for (guint j = i; j < N_PEERS; j++)
        CU_ASSERT (is_quiet (fds[j]));
      CU_ASSERT (peer_echoes (honest, UNFRAMED, i, "meanwhile"));
      check_alive (running);
      assert_int (count_held (running), N_PEERS - i);
      advance (INTERVAL);
      check_told_and_ended (fds[i]);
      assert_int (count_held (running), N_PEERS - i - 1);
    }
  close (honest);
  stop (running);
}

/* What was answered before in the same receive leaves with it. */
static void
an_answer_before_leaves_with_it (void)
{
  Running *running = running_start (UNFRAMED, NULL, NULL);
  TallyBuffer requests = { NULL, 0, 0 };
  gint fd = peer_connect (running);
  Answer answer;

  freeze (running, 0);
  write_echo (&requests, UNFRAMED, 3, "before");
  write_endless (&requests, UNFRAMED, 7);
  peer_send (fd, &requests);
  await_held (running, 1);
  advance (INTERVAL);
  CU_ASSERT (peer_receive (fd, UNFRAMED, TALLY_KIND_STRING, &answer));
  assert_string (answer.text, "before");
  answer_clear (&answer);
  check_told_and_ended (fd);
  stop (running);
}

static void
nothing_more_is_read_meanwhile (void)
{
  Running *running = running_start (UNFRAMED, NULL, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  gint fd;

  freeze (running, 0);
  hold_peers (running, &fd, 1);
  for (guint i = 0; i < 100; i++)
    {
      write_echo (&request, UNFRAMED, i, "more");
      peer_send (fd, &request);
    }
  CU_ASSERT (is_quiet (fd));
  assert_int (count_held (running), 1);
  advance (INTERVAL);
  check_told_and_ended (fd);
  stop (running);
}

/* It is the server's limit on connections that ends one; and a malformed message with an end ends none. */
static void
other_refusals_are_not_held_back (void)
{
  Running *running = running_start (FRAMED, NULL, "max-connections=1");
  gint fd = peer_connect_and_greet (running);
  gint past;

  freeze (running, 0);
  send_endless (fd, FRAMED);
  check_told (fd, FRAMED);
  CU_ASSERT (peer_echoes (fd, FRAMED, 2, "and on"));
  past = peer_connect (running);
  peer_call (past, FRAMED, "ping", 4);
  check_refusal (past, FRAMED, 4, "full");
  assert_int (running_snapshot (running).timed_out, 0);
  CU_ASSERT (peer_sees_end (past));
  close (past);
  close (fd);
  stop (running);
}

/* Returns when the server has seen the end of the only peer that is held back, where an event tells of it. */
static void
await_hung_up (Running *running)
{
  gboolean is_seen = FALSE;

  while (!is_seen)
    {
      const ServerConnection *connection;

      pthread_mutex_lock (&running->server->lock);
      connection = running->server->pace.waiting.head->data;
      is_seen =
          tally_stream_is_layered (&connection->stream)
          || (atomic_get (&connection->hung_up) && atomic_get (&connection->owner) == OWNER_NOBODY);
      pthread_mutex_unlock (&running->server->lock);
      g_thread_yield ();
    }
}

static void
a_peer_that_ended_its_half_is_told (void)
{
  Running *running = running_start (UNFRAMED, NULL, NULL);
  gint fd;

  freeze (running, 0);
  hold_peers (running, &fd, 1);
  CU_ASSERT (shutdown (fd, SHUT_WR) == 0);
  await_hung_up (running);
  assert_int (count_held (running), 1);
  CU_ASSERT (is_quiet (fd));
  advance (INTERVAL);
  check_told_and_ended (fd);
  stop (running);
}

/* A peer that resets its connection is seen to be gone; of one that closes it this cannot be known. */
static void
a_peer_that_leaves_is_dropped (void)
{
  Running *running = running_start (UNFRAMED, NULL, NULL);
  gint fd;

  freeze (running, 0);
  hold_peers (running, &fd, 1);
  peer_reset (fd);
  running_await_connections (running, 0);
  assert_int (count_held (running), 0);
  hold_peers (running, &fd, 1);
  close (fd);
  advance (MAX_WAIT);
  running_await_connections (running, 0);
  assert_int (count_held (running), 0);
  stop (running);
}

/* A connection that only ends needs no worker, nor takes the place of a request that waits for one. */
static void
busy_workers_are_not_needed (void)
{
  Running *running = running_start (UNFRAMED, NULL, "max-workers=1 max-queued=1");
  gint waiting = peer_connect_and_greet (running);
  gint busy = peer_connect_and_greet (running);
  gint fds[N_PEERS];

  freeze (running, 0);
  hold_peers (running, fds, N_PEERS);
  peer_call (busy, UNFRAMED, "block", 1);
  test_handler_wait_inside (running->handler, 1);
  advance (N_PEERS * INTERVAL);
  await_held (running, 0);
  peer_call (waiting, UNFRAMED, "ping", 2);
  for (guint i = 0; i < N_PEERS; i++)
    check_told_and_ended (fds[i]);
  CU_ASSERT (is_quiet (waiting));
  test_handler_release (running->handler);
  check_reply (busy, UNFRAMED, 1);
  check_reply (waiting, UNFRAMED, 2);
  close (busy);
  close (waiting);
  stop (running);
}

static void
without_a_limit_none_is_held_back (void)
{
  Running *running = running_start (UNFRAMED, NULL, "max-refusals=0");

  atomic_set (&frozen_at, __real_g_get_monotonic_time ());
  for (guint i = 0; i < 2 * BURST; i++)
    {
      gint fd = peer_connect (running);

      send_endless (fd, UNFRAMED);
      check_told_and_ended (fd);
    }
  stop (running);
}

static void
a_stop_tells_all (void)
{
  Running *running = running_start (UNFRAMED, NULL, "drain-timeout=0");
  gint fds[N_PEERS];

  freeze (running, 0);
  hold_peers (running, fds, N_PEERS);
  tally_server_stop (running->server);
  for (guint i = 0; i < N_PEERS; i++)
    check_told_and_ended (fds[i]);
  running_join (running);
  atomic_set (&frozen_at, 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_burst_passes_and_the_rest_in_turn),
    TEST (an_even_pace_never_waits),
    TEST (peers_that_wait_come_at_the_pace),
    TEST (the_rate_is_a_property),
    TEST (refusals_leave_in_turn),
    TEST (an_answer_before_leaves_with_it),
    TEST (nothing_more_is_read_meanwhile),
    TEST (other_refusals_are_not_held_back),
    TEST (a_peer_that_ended_its_half_is_told),
    TEST (a_peer_that_leaves_is_dropped),
    TEST (busy_workers_are_not_needed),
    TEST (without_a_limit_none_is_held_back),
    TEST (a_stop_tells_all),
    { NULL, NULL },
  };

  return test_main ("server-pace", cases, argc, argv);
}
