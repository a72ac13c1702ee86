/* What becomes of the calls in flight on a shared connection whose peer takes no bytes: what is queued, sent
 * in part or sent is told apart. Pool rule 24, with test-shared.c. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "bucket-private.h"
#include "peer.h"
#include "shared-fixture.h"
#include "shared-private.h"
#include "socket-private.h"
#include "stream-internal.h"
#include "tally-error.h"
#include "test-stream.h"

#define LARGE (15 << 20)
#define STUCK_MS 120000 /* what only a failing test needs; milliseconds */

static void
await_leases (Desk *desk, guint count)
{
  while (desk_snapshot (desk).leases < count)
    g_thread_yield ();
}

/* The one connection's, on the client's side. */
static gint
get_client_fd (Desk *desk)
{
  g_autoptr (TallyBucket) bucket =
      tally_pool_dup_bucket (desk->pool, tally_channel_get_endpoint (desk->channel));
  const TallyConn *conn;
  gint fd = -1;

  tally_bucket_lock (bucket);
  for (conn = bucket->policy.conns; conn != NULL; conn = conn->older)
    {
      const TallySocket *socket = conn->socket;

      if (socket != NULL)
        fd = tally_stream_get_fd (&socket->stream);
    }
  pthread_mutex_unlock (&bucket->lock);
  CU_ASSERT_FATAL (fd >= 0);
  return fd;
}

/* Whether there is no room, and nothing is under way whose arrival would make some: the peer's side is full. */
static gboolean
is_full (gint fd)
{
  struct pollfd room = { .fd = fd, .events = POLLOUT };
  struct tcp_info info;
  socklen_t size = sizeof info;

  CU_ASSERT_EQUAL_FATAL (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info.tcpi_unacked == 0 && poll (&room, 1, 0) == 0;
}

/* Until the kernel takes no more of what @sender sends, which sleeps. */
static void
await_clogged (Desk *desk, Caller *sender)
{
  gint fd = get_client_fd (desk);
  gint id;

  while (!is_full (fd) || (id = g_atomic_int_get (&sender->id)) == 0 || !test_thread_is_asleep (id))
    g_thread_yield ();
}

/* @receiver waits for its reply and @sender is in the middle of its request, of which the peer
 * reads no more. */
static void
start_clogged (
    Desk *desk, Caller *receiver, guint method, Caller *sender, GCancellable *cancellable)
{
  g_autofree gchar *text = g_strnfill (LARGE, 's');

  desk_pause (desk, TRUE);
  caller_start (receiver, desk->channel, "receiver", -1);
  desk_await (desk, 1);
  caller_start_method (sender, desk->channel, method, text, 0, cancellable);
  await_clogged (desk, sender);
}

/* A request that the sender has not got to is taken back when its caller leaves; those behind it
 * move up. */
static void
rule_24_what_is_still_queued_is_withdrawn (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Caller receiver, sender, queued, last;

  desk_open (&desk, "?mode=shared&");
  tally_channel_set_timeout (desk.channel, 0);
  start_clogged (&desk, &receiver, ECHO_ECHO, &sender, NULL);
  caller_start_method (&queued, desk.channel, ECHO_ECHO, "queued", 0, cancellable);
  await_leases (&desk, 3);
  caller_start (&last, desk.channel, "last", 0);
  await_leases (&desk, 4);
  g_cancellable_cancel (cancellable);
  caller_expect_error (&queued, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
  desk_pause (&desk, FALSE);
  desk_await (&desk, 3);
  assert_int (desk_count (&desk), 3);
  desk_reply (desk_get (&desk, 1));
  caller_expect_reply (&sender);
  desk_reply (desk_find (&desk, "receiver"));
  caller_expect_reply (&receiver);
  desk_reply (desk_find (&desk, "last"));
  caller_expect_reply (&last);
  assert_int (desk_accepted (&desk), 1);
}

/* A sender that leaves in the middle of its request leaves the rest to another caller that waits,
 * or that comes next. */
static void
rule_24_half_a_request_is_sent_to_its_end (void)
{
  for (guint is_there = 0; is_there < 2; is_there++)
    {
      g_auto (Desk) desk;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Caller receiver, sender, next;

      desk_open (&desk, "?mode=shared&");
      start_clogged (&desk, &receiver, ECHO_ECHO, &sender, cancellable);
      desk_reply (desk_find (&desk, "receiver")); /* the peer lives, it only reads no more */
      caller_expect_reply (&receiver);
      if (is_there)
        {
          caller_start (&next, desk.channel, "next", -1);
          await_leases (&desk, 2);
        }
      g_cancellable_cancel (cancellable);
      caller_expect_error (&sender, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
      if (!is_there)
        caller_start (&next, desk.channel, "next", -1);
      desk_pause (&desk, FALSE);
      desk_await (&desk, 3);
      desk_reply (desk_get (&desk, 1));
      desk_reply (desk_find (&desk, "next"));
      caller_expect_reply (&next);
      assert_int (strlen (desk_get (&desk, 1)->text), LARGE);
      assert_int (desk_snapshot (&desk).late_replies, 1);
      assert_int (desk_accepted (&desk), 1);
    }
}

/* The caller that received for all leaves while a sender waits for room, and the peer reads nothing more before the reply to it is
 * read. */
static void
rule_24_a_sender_receives_once_the_receiver_has_left (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree gchar *text = g_strnfill (LARGE, 's');
  Caller receiver, sender;

  desk_open (&desk, "?mode=shared&");
  desk_pause (&desk, TRUE);
  caller_start_method (&receiver, desk.channel, ECHO_ECHO, "receiver", 0, cancellable);
  desk_await (&desk, 1);
  caller_start (&sender, desk.channel, text, STUCK_MS);
  await_clogged (&desk, &sender);
  g_cancellable_cancel (cancellable);
  caller_expect_error (&receiver, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
  g_free (desk_get (&desk, 0)->text);
  desk_get (&desk, 0)->text = g_strnfill (LARGE, 'r');
  desk_reply (desk_get (&desk, 0)); /* returns when it is read */
  desk_pause (&desk, FALSE);
  desk_await (&desk, 2);
  desk_reply (desk_get (&desk, 1));
  caller_expect_reply (&sender);
  assert_int (desk_accepted (&desk), 1);
}

/* Cancelled in the middle of its request, and while it was still in the queue. */
static void
rule_24_senders_and_the_queued_may_be_cancelled (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) of_sender = g_cancellable_new ();
  g_autoptr (GCancellable) of_queued = g_cancellable_new ();
  g_autofree gchar *text = g_strnfill (LARGE, 's');
  Caller receiver, sender, queued;

  desk_open (&desk, "?mode=shared&");
  desk_pause (&desk, TRUE);
  caller_start (&receiver, desk.channel, "receiver", -1);
  desk_await (&desk, 1);
  caller_start_method (&sender, desk.channel, ECHO_ECHO, text, 0, of_sender);
  await_clogged (&desk, &sender);
  caller_start_method (&queued, desk.channel, ECHO_ECHO, "queued", 0, of_queued);
  await_leases (&desk, 3);
  g_cancellable_cancel (of_queued);
  caller_expect_error (&queued, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
  g_cancellable_cancel (of_sender);
  caller_expect_error (&sender, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
  desk_pause (&desk, FALSE);
  desk_reply (desk_find (&desk, "receiver"));
  caller_expect_reply (&receiver);
  caller_start (&queued, desk.channel, "next", -1); /* the rest goes before it */
  desk_reply (desk_find (&desk, "next"));
  caller_expect_reply (&queued);
  assert_int (desk_count (&desk), 3);
  assert_int (desk_accepted (&desk), 1);
}

/* The deadline passes in the middle of a request that is alone on its connection. */
static void
rule_24_a_time_out_says_how_much_was_sent (void)
{
  g_auto (Desk) desk;
  g_autofree gchar *text = g_strnfill (LARGE, 's');
  Caller first, sender;

  desk_open (&desk, "?mode=shared&");
  desk_pause (&desk, TRUE);
  caller_start (&first, desk.channel, "first", -1);
  desk_reply (desk_find (&desk, "first"));
  caller_expect_reply (&first);
  caller_start (&sender, desk.channel, text, 3000);
  caller_expect_error (&sender, TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                       " of the request's 15728668 bytes were sent");
}

/* The peer dies in the middle of a request: that one may have been seen, the one behind it was not
 * and is made on a new connection. */
static void
rule_24_each_call_knows_whether_it_was_sent (void)
{
  g_auto (Desk) desk;
  Caller receiver, sender, queued;

  desk_open (&desk, "?mode=shared&");
  start_clogged (&desk, &receiver, ECHO_ECHO, &sender, NULL);
  caller_start (&queued, desk.channel, "queued", -1);
  await_leases (&desk, 3);
  desk_reset (desk_get (&desk, 0));
  desk_pause (&desk, FALSE);
  caller_expect_error (&receiver, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                       "may have been executed");
  caller_expect_error (&sender, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "bytes were sent");
  assert_int (desk_find (&desk, "queued")->connection, 1);
  desk_reply (desk_find (&desk, "queued"));
  caller_expect_reply (&queued);
}

/* A peer that guesses the next sequence id answers a request that it has not seen. */
static void
rule_24_a_reply_before_its_request_is_nobodys (void)
{
  g_auto (Desk) desk;
  Caller receiver, sender, queued;
  EchoRequest *first;

  desk_open (&desk, "?mode=shared&");
  start_clogged (&desk, &receiver, ECHO_ECHO, &sender, NULL);
  caller_start (&queued, desk.channel, "queued", -1);
  await_leases (&desk, 3);
  first = desk_get (&desk, 0);
  desk_reply_as (first, "echo", T_REPLY, first->seqid + 2);
  caller_expect_error (&receiver, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, NULL);
  caller_expect_error (&sender, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, NULL);
  desk_pause (&desk, FALSE);
  assert_int (desk_find (&desk, "queued")->connection, 1);
  desk_reply (desk_find (&desk, "queued"));
  caller_expect_reply (&queued);
}

/* Nor is there an answer to a oneway call, not even while it is being sent. */
static void
rule_24_a_reply_to_half_a_oneway_is_nobodys (void)
{
  g_auto (Desk) desk;
  Caller receiver, oneway;
  EchoRequest *first;

  desk_open (&desk, "?mode=shared&");
  start_clogged (&desk, &receiver, ECHO_NOTE, &oneway, NULL);
  first = desk_get (&desk, 0);
  desk_reply_as (first, "note", T_REPLY, first->seqid + 1);
  caller_expect_error (&receiver, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, NULL);
  caller_expect_error (&oneway, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID, "bytes were sent");
}

static gpointer
receive_all (gpointer fd)
{
  static guint8 bytes[64 * 1024];
  gsize length = 0;
  gssize count;

  while ((count = recv (GPOINTER_TO_INT (fd), bytes, sizeof bytes, 0)) > 0)
    length += count;
  return GSIZE_TO_POINTER (length);
}

/* What the kernel takes in many pieces is not copied for each of them. */
static void
a_large_request_is_not_copied_for_each_piece (void)
{
  const gint small = 4096;
  const gsize length = 4 << 20;
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *bytes = g_malloc0 (length);
  TallySocket *socket;
  TallyPending *pending;
  TallyShared *shared;
  GThread *peer;
  guint late;
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  CU_ASSERT_EQUAL (setsockopt (fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  peer = g_thread_new ("peer", receive_all, GINT_TO_POINTER (fds[1]));
  socket = tally_socket_new_from_fd (fds[0]);
  shared = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  pending = tally_shared_open (shared, &tally_limits_default, &error);
  tally_buffer_append (&pending->buffer, bytes, length);
  CU_ASSERT_TRUE (tally_shared_exchange (shared, pending, TRUE, -1, NULL, &error));
  CU_ASSERT_TRUE (shared->n_moved <= length);
  tally_shared_close (shared, pending, &late);
  g_object_unref (socket);
  CU_ASSERT_TRUE (GPOINTER_TO_SIZE (g_thread_join (peer)) == length);
  close (fds[1]);
}

/* ---- a failure while bytes are being sent ---- */

static TallyShared *failing;

/* Takes three bytes. Before it returns the receiver finds the connection lost. */
static gssize
send_while_failing (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  g_autoptr (GError) error = NULL;

  tally_shared_lock (failing);
  if (failing->failure != NULL)
    {
      pthread_mutex_unlock (&failing->lock);
      errno = EPIPE;
      return -1;
    }
  g_set_error_literal (&error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "reset");
  tally_shared_fail_locked (failing, error);
  pthread_mutex_unlock (&failing->lock);
  return 3;
}

static guint
watch_all (const TallyStream *stream, guint events)
{
  return events;
}

static gboolean
hold_nothing (const TallyStream *stream)
{
  return FALSE;
}

static void
close_nothing (TallyStream *stream)
{
}

static TallyStreamKind toy_kind = { .get_watch = watch_all,
                                    .has_input = hold_nothing,
                                    .end_sending = close_nothing,
                                    .close = close_nothing };

static void
be_toy (TallyStream *stream, TallyStreamOrigin origin)
{
  stream->kind = &toy_kind;
}

/* A connection of which nothing works but @send. @peer: its other end. */
static TallySocket *
open_toy (gssize (*send) (TallyStream *, gconstpointer, gsize, gboolean), gint *peer)
{
  void (*usual) (TallyStream *, TallyStreamOrigin) = tally_stream_opened;
  TallySocket *socket;
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  toy_kind.send = send;
  tally_stream_opened = be_toy;
  socket = tally_socket_new_from_fd (fds[0]);
  tally_stream_opened = usual;
  *peer = fds[1];
  return socket;
}

static void
watch_nothing (TallySharedAgent *agent, guint events, gboolean holds_input)
{
}

static void
count_over (TallySharedAgent *agent, TallyPending *first, TallyPending *last)
{
  agent->role.seqid++;
}

/* What the sender has in hand is not what the kernel has. */
static void
rule_24_only_what_the_kernel_took_counts_as_sent (void)
{
  TallySharedAgent agent = { .watch = watch_nothing, .over = count_over };
  g_autoptr (GError) first_error = NULL, second_error = NULL;
  TallyPending *first, *second;
  guint late;
  gint peer;
  TallySocket *socket = open_toy (send_while_failing, &peer);

  failing = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  tally_shared_add_agent (failing, &agent);
  first = tally_shared_open (failing, &tally_limits_default, NULL);
  second = tally_shared_open (failing, &tally_limits_default, NULL);
  tally_buffer_append (&first->buffer, "first", 5);
  tally_buffer_append (&second->buffer, "second", 6);
  CU_ASSERT_TRUE (tally_shared_begin (failing, first, &agent, FALSE, NULL));
  CU_ASSERT_TRUE (tally_shared_begin (failing, second, &agent, FALSE, NULL));
  tally_shared_flush (failing, &agent);
  assert_int (agent.role.seqid, 2);
  CU_ASSERT_FALSE (tally_shared_get_outcome (failing, first, &first_error));
  assert_int (first->sent, 3);
  assert_error (first_error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "reset");
  CU_ASSERT_FALSE (tally_shared_get_outcome (failing, second, &second_error));
  assert_int (second->sent, 0);
  assert_error (second_error, TALLY_ERROR, TALLY_ERROR_NOT_SENT, "reset");
  tally_shared_remove_agent (failing, &agent);
  tally_shared_close (failing, first, &late);
  tally_shared_close (failing, second, &late);
  g_object_unref (socket);
  close (peer);
}

/* ---- a refusal while bytes are being sent ---- */

static TallyShared *refused;
static const TallyPending *refused_call;
static gsize n_taken;

/* Takes that much, once. Before it returns, and the sender knows how much was sent, the receiver has read a refusal. */
static gssize
send_while_refused (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  gssize taken = n_taken > 0 ? (gssize) n_taken : -1;

  CU_ASSERT_TRUE (tally_shared_bear_refusal (refused, refused_call));
  n_taken = 0;
  errno = EAGAIN;
  return taken;
}

/* Whether the connection takes further calls after one was refused of whose request the kernel took @taken bytes of five. */
static gboolean
is_usable_after_refusal (gsize taken)
{
  TallySharedAgent agent = { .watch = watch_nothing, .over = count_over };
  TallyPending *pending, *other;
  gboolean is_usable;
  guint late;
  gint peer;
  TallySocket *socket = open_toy (send_while_refused, &peer);

  refused = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  tally_shared_add_agent (refused, &agent);
  pending = tally_shared_open (refused, &tally_limits_default, NULL);
  other = tally_shared_open (refused, &tally_limits_default, NULL);
  tally_buffer_append (&pending->buffer, "first", 5);
  refused_call = pending;
  n_taken = taken;
  CU_ASSERT_TRUE (tally_shared_begin (refused, pending, &agent, FALSE, NULL));
  tally_shared_flush (refused, &agent);
  is_usable = tally_shared_close (refused, other, &late);
  tally_shared_leave (refused, pending, TRUE, NULL);
  tally_shared_close (refused, pending, &late);
  tally_shared_remove_agent (refused, &agent);
  g_object_unref (socket);
  close (peer);
  return is_usable;
}

/* A refusal that comes while its request is being sent is of a request that was sent, if that round sends it to its end. */
static void
a_refusal_may_overtake_its_sender (void)
{
  CU_ASSERT_TRUE (is_usable_after_refusal (5));
  CU_ASSERT_FALSE (is_usable_after_refusal (3));
}

/* ---- agents, and a layer that has taken more from the kernel than it gave out ---- */

#define REPLY_BYTES 18

typedef struct
{
  TallySharedAgent agent; /* first */
  gboolean is_told;       /* of input that poll () does not tell, when it was told something last */
  guint n_over;
} ToldAgent;

static void
note_watch (TallySharedAgent *agent, guint events, gboolean holds_input)
{
  ((ToldAgent *) agent)->is_told = holds_input;
}

static void
note_over (TallySharedAgent *agent, TallyPending *first, TallyPending *last)
{
  CU_ASSERT_PTR_EQUAL (first, last);
  ((ToldAgent *) agent)->n_over++;
}

/* The context that has received may have no more calls, and never look again. */
static void
input_that_a_layer_holds_is_told (void)
{
  static const TestStreamPlan a_reply_at_once = { .piece = REPLY_BYTES, .fault_at = -1 };
  ToldAgent agents[2] = { { { .watch = note_watch, .over = note_over } },
                          { { .watch = note_watch, .over = note_over } } };
  guint8 replies[2][REPLY_BYTES] = { "\0\0\0\x0e\x80\x01\0\x02\0\0\0\x01m", "" };
  TallyPending *pending[2];
  TallySocket *socket;
  TallyShared *shared;
  guint late;
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  test_stream_plan (TALLY_STREAM_ADOPTED, &a_reply_at_once);
  socket = tally_socket_new_from_fd (fds[0]);
  test_stream_plan (TALLY_STREAM_ADOPTED, NULL);
  shared = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  memcpy (replies[1], replies[0], REPLY_BYTES);
  for (guint i = 0; i < 2; i++)
    {
      gint32 seqid;

      tally_shared_add_agent (shared, &agents[i].agent);
      pending[i] = tally_shared_open (shared, &tally_limits_default, NULL);
      tally_buffer_append (&pending[i]->buffer, "request", 7);
      CU_ASSERT_TRUE (tally_shared_begin (shared, pending[i], &agents[i].agent, FALSE, NULL));
      seqid = GINT32_TO_BE (pending[i]->seqid);
      memcpy (&replies[i][13], &seqid, sizeof seqid);
    }
  while (shared->sent < shared->queued_end)
    tally_shared_flush (shared, &agents[0].agent);
  test_write_all (fds[1], replies, sizeof replies);
  for (guint i = 0; i < 2; i++)
    {
      tally_shared_take_input (shared, &agents[i].agent);
      assert_int (agents[i].n_over, 1);
      CU_ASSERT_EQUAL (agents[1].is_told, i == 0);
      CU_ASSERT_TRUE (tally_shared_get_outcome (shared, pending[i], NULL));
      tally_shared_consume_reply (shared, pending[i]);
      tally_shared_close (shared, pending[i], &late);
      tally_shared_remove_agent (shared, &agents[i].agent);
    }
  g_object_unref (socket);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_what_is_still_queued_is_withdrawn),
    TEST (rule_24_half_a_request_is_sent_to_its_end),
    TEST (rule_24_a_sender_receives_once_the_receiver_has_left),
    TEST (rule_24_senders_and_the_queued_may_be_cancelled),
    TEST (rule_24_a_time_out_says_how_much_was_sent),
    TEST (rule_24_each_call_knows_whether_it_was_sent),
    TEST (rule_24_a_reply_before_its_request_is_nobodys),
    TEST (rule_24_a_reply_to_half_a_oneway_is_nobodys),
    TEST (rule_24_only_what_the_kernel_took_counts_as_sent),
    TEST (a_refusal_may_overtake_its_sender),
    TEST (input_that_a_layer_holds_is_told),
    TEST (a_large_request_is_not_copied_for_each_piece),
    { NULL, NULL },
  };

  return test_main ("shared-clogged", cases, argc, argv);
}
