/* Which shared connections are taken for dead: those that complete no call for as long as one of
 * their callers waited, whatever bytes come; and no others. Pool rule 24, with
 * test-shared-failure.c. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared-fixture.h"
#include "tls-relay-socket.h"
#include "shared-private.h"
#include "tally-error.h"

#define LARGE (8 << 20)

/* Milliseconds that are to pass, after a call has been sent or a quick one answered, on a busy machine, too. */
#define SOON_MS 3000

static const gchar *const dialects[] = { "?mode=shared&", "?mode=shared&protocol=compact&",
                                         "?mode=shared&transport=buffered&",
                                         "?mode=shared&protocol=compact&transport=buffered&" };

/* ---- peers that send bytes and complete nothing ---- */

/* Sends the beginning of a reply that announces more than ever comes. */
static gboolean
begin_large_reply (EchoRequest *request)
{
  g_autofree gchar *text = g_strnfill (LARGE, 'l');
  EchoRequest large = *request;
  TallyBuffer output = { 0 };
  gboolean sent;

  large.text = text;
  echo_put_reply (&large, &output);
  sent = test_write_all (request->fd, output.data, 100);
  tally_buffer_clear (&output);
  return sent;
}

/* Honest but for the second reply of the first connection. */
static gboolean
announce_too_much (EchoRequest *request)
{
  return request->connection == 0 && request->request == 1 ? begin_large_reply (request)
                                                           : echo_honest (request);
}

/* The rest of that reply comes byte by byte. */
static gboolean
trickle (EchoRequest *request)
{
  if (request->connection > 0 || request->request == 0)
    return echo_honest (request);
  for (gboolean lives = begin_large_reply (request); lives;)
    lives = test_write_all (request->fd, "t", 1);
  return FALSE;
}

/* The next call has its whole time for its reply, and needs none of it to make a connection. */
static void
connect_before (TallyChannel *channel)
{
  Caller caller;

  caller_start (&caller, channel, "before", -1);
  caller_expect_reply (&caller);
}

/* A peer, for each dialect one, and who calls it. */
typedef struct
{
  TallyPool *pool;
  EchoServer server;
  TallyChannel *channel;
  Caller first;
  Caller second;
} Line;

#define N_LINES G_N_ELEMENTS (dialects)

static void
lines_open (Line *lines, EchoAnswer answer)
{
  for (guint i = 0; i < N_LINES; i++)
    {
      lines[i].pool = tally_pool_new ();
      echo_server_start (&lines[i].server, answer, dialects[i], NULL);
      lines[i].channel = echo_server_connect (&lines[i].server, lines[i].pool);
      connect_before (lines[i].channel);
    }
}

static void
lines_close (Line *lines)
{
  for (guint i = 0; i < N_LINES; i++)
    {
      tally_pool_close (lines[i].pool);
      g_object_unref (lines[i].channel);
      echo_server_stop (&lines[i].server);
      g_object_unref (lines[i].pool);
    }
}

/* Until so many requests have come to it. */
static void
line_await (Line *line, gint count)
{
  while (g_atomic_int_get (&line->server.requests) < count)
    g_thread_yield ();
}

/* One call, and it alone, is lost to a connection on which @answer stalls. */
static void
lose_one_deadline (EchoAnswer answer)
{
  Line lines[N_LINES];

  lines_open (lines, answer);
  for (guint i = 0; i < N_LINES; i++)
    caller_start (&lines[i].first, lines[i].channel, "first", SOON_MS);
  for (guint i = 0; i < N_LINES; i++)
    {
      caller_expect_error (&lines[i].first, TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                           "may have been executed");
      for (guint j = 0; j < 5; j++)
        {
          caller_start (&lines[i].first, lines[i].channel, "next", -1);
          caller_expect_reply (&lines[i].first);
        }
      assert_int (test_peer_get_accepted (lines[i].server.peer), 2);
    }
  lines_close (lines);
}

static void
rule_24_a_wrong_length_costs_one_deadline (void)
{
  lose_one_deadline (announce_too_much);
}

static void
rule_24_a_trickle_costs_one_deadline (void)
{
  lose_one_deadline (trickle);
}

/* What is honest behind the wrong length is swallowed by it. */
static void
rule_24_bytes_are_no_sign_of_life (void)
{
  Line lines[N_LINES];

  lines_open (lines, announce_too_much);
  for (guint i = 0; i < N_LINES; i++)
    {
      caller_start (&lines[i].first, lines[i].channel, "patient", 0);
      line_await (&lines[i], 2);
      caller_start (&lines[i].second, lines[i].channel, "hasty", SOON_MS);
    }
  for (guint i = 0; i < N_LINES; i++)
    {
      caller_expect_error (&lines[i].second, TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                           "may have been executed");
      caller_expect_error (&lines[i].first, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                           "completed no call");
    }
  lines_close (lines);
}

/* The reply to a caller that has left completes no call. */
static void
rule_24_late_replies_are_no_sign_of_life (void)
{
  Desk desks[N_LINES];
  Caller patient[N_LINES], hasty[N_LINES];

  for (guint i = 0; i < N_LINES; i++)
    desk_open (&desks[i], dialects[i]);
  desks_owe_a_reply (desks, N_LINES, SOON_MS);
  for (guint i = 0; i < N_LINES; i++)
    {
      guint before = desk_count (&desks[i]);

      caller_start (&patient[i], desks[i].channel, "patient", 0);
      desk_await (&desks[i], before + 1);
      caller_start (&hasty[i], desks[i].channel, "hasty", SOON_MS);
      desk_await (&desks[i], before + 2);
      desk_reply (desk_find (&desks[i], "slow"));
    }
  for (guint i = 0; i < N_LINES; i++)
    {
      caller_expect_error (&hasty[i], TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
      caller_expect_error (&patient[i], TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                           "completed no call");
      assert_int (desk_accepted (&desks[i]), 1);
      desk_close (&desks[i]);
    }
}

/* ---- peers that take no bytes ---- */

/* Nothing of these calls can be sent, because another that has time is in the middle of its request:
 * the first deadline that passes while the peer takes no byte ends the connection. */
static void
rule_24_a_peer_that_takes_nothing_is_dead (void)
{
  g_auto (Desk) desk;
  g_autofree gchar *text = g_strnfill (LARGE, 's');
  Caller receiver, sender, queued;
  gboolean nothing_was_sent;

  desk_open (&desk, "?mode=shared&");
  desk_pause (&desk, TRUE);
  caller_start (&receiver, desk.channel, "receiver", 0);
  desk_await (&desk, 1);
  caller_start (&sender, desk.channel, text, 0);
  for (gint arrived = 0; arrived == 0; g_thread_yield ())
    CU_ASSERT_EQUAL_FATAL (ioctl (desk_get (&desk, 0)->fd, FIONREAD, &arrived), 0);
  do /* until one goes over the next connection: the kernel may still have found room at first */
    {
      caller_start (&queued, desk.channel, "queued", 100);
      caller_join (&queued);
      nothing_was_sent = strstr (queued.error->message, "nothing was sent") != NULL;
      caller_expect_error (&queued, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
    }
  while (nothing_was_sent);
  caller_expect_error (&receiver, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "completed no call");
  caller_expect_error (&sender, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "bytes were sent");
}

/* ---- receivers that have no time left ---- */

/* Bytes that complete no message give the receiver no more time: here its deadline has passed, and
 * the socket itself has none. */
static void
rule_24_a_part_of_a_message_gives_no_more_time (void)
{
  static const guint8 part[] = { 0, 0, 1, 0, 0x80, 1, 0, 2 };
  g_autoptr (GError) error = NULL;
  gint fds[2];
  g_autoptr (TallySocket) socket = NULL;
  TallyShared *shared;
  TallyPending *pending;
  guint late;

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  socket = tls_relay_adopt (fds[0]);
  shared = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  pending = tally_shared_open (shared, &tally_limits_default, &error);
  pending->deadline = g_get_monotonic_time () - 1;
  shared->max_message = tally_limits_default.max_message;
  CU_ASSERT_TRUE (test_write_all (fds[1], part, sizeof part));
  CU_ASSERT_FALSE (tally_shared_receive (shared, pending, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  tally_shared_close (shared, pending, &late);
  close (fds[1]);
}

/* ---- peers that live ---- */

typedef struct
{
  TallyChannel *channel;
  GThread *thread;
  gint *n_ended; /* atomic */
  GError *error;
} Slow;

static gpointer
call_slowly (gpointer data)
{
  Slow *slow = data;
  EchoArgs args = { (gchar *) "slow" };

  tally_channel_call (slow->channel, &echo_methods[ECHO_ECHO], &args, NULL, SOON_MS, NULL,
                      &slow->error);
  g_atomic_int_inc (slow->n_ended);
  return NULL;
}

static gboolean
answer_what_is_quick (EchoRequest *request)
{
  return strcmp (request->text, "slow") == 0 || echo_honest (request);
}

/* The receiver leaves at its deadline, though replies to others keep coming; and the connection
 * that completes their calls lives on. */
static void
rule_24_one_slow_call_among_quick_ones_is_its_own_affair (void)
{
  Line lines[N_LINES];
  Slow slow[N_LINES];
  gint n_ended = 0;

  lines_open (lines, answer_what_is_quick);
  for (guint i = 0; i < N_LINES; i++)
    {
      slow[i] = (Slow){ .channel = lines[i].channel, .n_ended = &n_ended };
      slow[i].thread = g_thread_new ("slow", call_slowly, &slow[i]);
    }
  for (guint i = 0; i < N_LINES; i++)
    line_await (&lines[i], 2);
  while (g_atomic_int_get (&n_ended) < (gint) N_LINES)
    for (guint i = 0; i < N_LINES; i++)
      {
        caller_start (&lines[i].first, lines[i].channel, "quick", -1);
        caller_expect_reply (&lines[i].first);
      }
  for (guint i = 0; i < N_LINES; i++)
    {
      g_thread_join (slow[i].thread);
      assert_error (slow[i].error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "may have been executed");
      assert_int (test_peer_get_accepted (lines[i].server.peer), 1);
      g_clear_error (&slow[i].error);
    }
  lines_close (lines);
}

#define TIMEOUT 1000 /* milliseconds */

/* Until a tenth of the call's time is left, or less where this thread comes late. */
static ThriftTransport *
dial_slowly (TallyEndpoint *endpoint,
             gint64 deadline,
             GCancellable *cancellable,
             gpointer user_data,
             GError **error)
{
  gint64 until = g_get_monotonic_time () + TIMEOUT * 900;

  while (g_get_monotonic_time () < until)
    g_thread_yield ();
  return (ThriftTransport *) tally_socket_dial (endpoint, deadline, cancellable, error);
}

/* A call that had waited for its connection for most of its time is no judge of it. */
static void
rule_24_a_connection_is_given_its_time (void)
{
  g_auto (Desk) desk;
  Caller hasty, next;

  desk_open (&desk, "?mode=shared&");
  tally_pool_set_dial_hook (desk.pool, dial_slowly, NULL, NULL);
  caller_start (&hasty, desk.channel, "hasty", TIMEOUT);
  caller_expect_error (&hasty, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  caller_start (&next, desk.channel, "next", -1);
  desk_reply (desk_find (&desk, "next"));
  caller_expect_reply (&next);
  assert_int (desk_accepted (&desk), 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_a_wrong_length_costs_one_deadline),
    TEST (rule_24_a_trickle_costs_one_deadline),
    TEST (rule_24_bytes_are_no_sign_of_life),
    TEST (rule_24_late_replies_are_no_sign_of_life),
    TEST (rule_24_a_peer_that_takes_nothing_is_dead),
    TEST (rule_24_a_part_of_a_message_gives_no_more_time),
    TEST (rule_24_one_slow_call_among_quick_ones_is_its_own_affair),
    TEST (rule_24_a_connection_is_given_its_time),
    { NULL, NULL },
  };

  return test_main ("shared-stall", cases, argc, argv);
}
