/* A caller that is alone on a shared connection is in no book until another looks, and at whatever point that
 * happens its call ends as any other. Here the network itself looks: a layer whose functions do. */
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "shared-private.h"
#include "socket-private.h"
#include "tally-error.h"

/* How the peer answers a request. */
typedef enum
{
  ANSWER,
  ANSWER_ANOTHER,      /* with a sequence id that no call has */
  ANSWER_WITH_ANOTHER, /* that behind the right one */
  SAY_NOTHING,
  HANG_UP
} Answer;

typedef struct
{
  TallySocket *socket;
  TallyShared *shared;
  gint peer;
  Answer answer;
  TallyAlonePhase look_in; /* NOT: in none */
  gsize first_piece;       /* what the kernel takes at first; 0: all */
  guint n_found;           /* calls in the books when another looked */
  gint32 last_seqid;       /* that the peer has seen */
  gsize n_requested;       /* bytes that it has got */
} Stage;

static Stage stage;

/* ---- the peer ---- */

static void
write_message (TallyBuffer *output, ThriftMessageType type, gint32 seqid)
{
  gsize start = tally_frame_begin (output, TALLY_FRAMING_FRAMED);

  tally_codec_binary.write_message (output, "m", 1, type, seqid);
  tally_buffer_append (output, "", 1); /* a struct without fields */
  tally_frame_close (output, TALLY_FRAMING_FRAMED, start);
}

static void
peer_say (gint32 seqid)
{
  TallyBuffer output = { NULL, 0, 0 };

  write_message (&output, T_REPLY, seqid);
  CU_ASSERT_EQUAL (send (stage.peer, output.data, output.length, MSG_NOSIGNAL),
                   (gssize) output.length);
  tally_buffer_clear (&output);
}

/* The request's sequence id stands behind its frame's header, its version and its name. */
static void
peer_take (const guint8 *request)
{
  guint32 seqid;

  memcpy (&seqid, request + 4 + 4 + 4 + 1, sizeof seqid);
  stage.last_seqid = (gint32) GUINT32_FROM_BE (seqid);
  if (stage.answer == ANSWER || stage.answer == ANSWER_WITH_ANOTHER)
    peer_say (stage.last_seqid);
  if (stage.answer == ANSWER_ANOTHER || stage.answer == ANSWER_WITH_ANOTHER)
    peer_say (stage.last_seqid + 1000);
  if (stage.answer == HANG_UP)
    shutdown (stage.peer, SHUT_WR);
}

/* All bytes of a request that have come so far. */
static void
peer_listen (gsize length)
{
  guint8 bytes[256];
  gssize count = recv (stage.peer, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);

  stage.n_requested += length;
  if (count < 4 || (gsize) count < 4 + tally_frame_get_size (bytes))
    return;
  CU_ASSERT_EQUAL (recv (stage.peer, bytes, count, 0), count);
  peer_take (bytes);
}

/* ---- a network that looks ---- */

/* What any other caller does first. */
static void
look (void)
{
  tally_shared_lock (stage.shared);
  stage.n_found = stage.shared->n_pending;
  pthread_mutex_unlock (&stage.shared->lock);
}

static gssize
looking_send (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  gsize piece = length;
  gssize count;

  if (stage.look_in == TALLY_ALONE_SENDING)
    look ();
  if (stage.first_piece == G_MAXSIZE)
    {
      stage.first_piece = 0;
      errno = EAGAIN;
      return -1;
    }
  if (stage.first_piece > 0)
    {
      piece = MIN (length, stage.first_piece);
      stage.first_piece = G_MAXSIZE;
    }
  count = send (stream->fd, bytes, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count > 0)
    peer_listen (count);
  return count;
}

static gssize
looking_receive (TallyStream *stream, gpointer bytes, gsize length)
{
  if (stage.look_in == TALLY_ALONE_RECEIVING)
    look ();
  return recv (stream->fd, bytes, length, MSG_DONTWAIT);
}

static TallyLook
see_nothing (TallyStream *stream)
{
  return TALLY_LOOK_NOTHING;
}

static gboolean
has_nothing (const TallyStream *stream)
{
  return FALSE;
}

/* Others get a turn while it sends. */
static gssize
yielding_send (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  g_thread_yield ();
  return send (stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static guint
watch (const TallyStream *stream, guint events)
{
  return ((events & TALLY_STREAM_READABLE) != 0 ? G_IO_IN : 0)
         | ((events & TALLY_STREAM_WRITABLE) != 0 ? G_IO_OUT : 0);
}

static void
do_nothing (TallyStream *stream)
{
}

static void
put_layer (TallyStream *stream, TallyStreamOrigin origin)
{
  static const TallyStreamKind kind = { .send = looking_send,
                                        .receive = looking_receive,
                                        .look = see_nothing,
                                        .has_input = has_nothing,
                                        .get_watch = watch,
                                        .end_sending = do_nothing,
                                        .close = do_nothing };

  stream->kind = &kind;
}

static void
stage_open (Answer answer, TallyAlonePhase look_in)
{
  void (*usual) (TallyStream *, TallyStreamOrigin) = tally_stream_opened;
  gint fds[2];

  stage = (Stage){ .answer = answer, .look_in = look_in };
  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  tally_stream_opened = put_layer;
  stage.socket = tally_socket_new_from_fd (fds[0]);
  tally_stream_opened = usual;
  stage.peer = fds[1];
  stage.shared = tally_shared_get (stage.socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
}

static void
stage_close (void)
{
  g_object_unref (stage.socket);
  close (stage.peer);
}

/* ---- a call ---- */

static TallyAlonePhase
get_phase (void)
{
  return tally_alone_get_phase (__atomic_load_n (&stage.shared->alone_state, __ATOMIC_SEQ_CST));
}

static TallyPending *
open_call (void)
{
  TallyPending *pending = tally_shared_open (stage.shared, &tally_limits_default, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (pending);
  if (stage.look_in == TALLY_ALONE_OPEN)
    look ();
  write_message (&pending->buffer, T_CALL, pending->seqid);
  return pending;
}

/* FALSE when the connection is not to be used again. */
static gboolean
close_call (TallyPending *pending, guint expected_late)
{
  gboolean is_usable;
  guint late;

  if (stage.look_in == TALLY_ALONE_DONE)
    look ();
  tally_shared_consume_reply (stage.shared, pending);
  is_usable = tally_shared_close (stage.shared, pending, &late);
  assert_int (late, expected_late);
  assert_int (stage.shared->n_pending, 0);
  CU_ASSERT_PTR_NULL (stage.shared->sender);
  CU_ASSERT_PTR_NULL (stage.shared->receiver);
  return is_usable;
}

static void
assert_reply (const TallyPending *pending)
{
  TallyReader reader;
  TallyMessage message;

  tally_reader_init (&reader, pending->reply, pending->reply_length, &tally_limits_default);
  CU_ASSERT_TRUE (tally_codec_binary.read_message (&reader, &message, NULL));
  assert_int (message.seqid, pending->seqid);
  assert_int (message.type, T_REPLY);
}

static void
make_call (gboolean oneway)
{
  g_autoptr (GError) error = NULL;
  TallyPending *pending = open_call ();

  CU_ASSERT_TRUE (tally_shared_exchange (stage.shared, pending, oneway, -1, NULL, &error));
  assert_no_error (error);
  if (!oneway)
    assert_reply (pending);
  CU_ASSERT_TRUE (close_call (pending, 0));
}

/* ---- what becomes of it ---- */

static void
a_lone_caller_is_in_no_book (void)
{
  TallyPending *pending;

  stage_open (ANSWER, TALLY_ALONE_NOT);
  for (guint i = 0; i < 3; i++)
    {
      assert_int (get_phase (), TALLY_ALONE_FREE);
      pending = open_call ();
      assert_int (get_phase (), TALLY_ALONE_OPEN);
      CU_ASSERT_TRUE (tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, NULL));
      assert_int (get_phase (), TALLY_ALONE_DONE);
      assert_int (stage.last_seqid, pending->seqid);
      assert_reply (pending);
      assert_int (stage.shared->n_pending, 0);
      CU_ASSERT_TRUE (close_call (pending, 0));
    }
  pending = open_call ();
  CU_ASSERT_TRUE (close_call (pending, 0)); /* its arguments could not be encoded */
  assert_int (get_phase (), TALLY_ALONE_FREE);
  stage_close ();
}

static void
another_may_look_at_any_time (void)
{
  for (TallyAlonePhase phase = TALLY_ALONE_OPEN; phase <= TALLY_ALONE_DONE; phase++)
    for (gboolean oneway = FALSE; oneway <= TRUE; oneway++)
      {
        if (oneway && phase == TALLY_ALONE_RECEIVING)
          continue;
        stage_open (oneway ? SAY_NOTHING : ANSWER, phase);
        for (guint i = 0; i < 3; i++)
          {
            stage.n_found = 0;
            make_call (oneway);
            assert_int (stage.n_found, 1);
            assert_int (get_phase (), TALLY_ALONE_FREE);
          }
        stage.look_in = TALLY_ALONE_NOT;
        make_call (oneway);
        stage_close ();
      }
}

static void
what_the_kernel_does_not_take_at_once_goes_later (void)
{
  for (gboolean oneway = FALSE; oneway <= TRUE; oneway++)
    for (guint looks = 0; looks < 2; looks++)
      {
        stage_open (oneway ? SAY_NOTHING : ANSWER,
                    looks == 0 ? TALLY_ALONE_NOT : TALLY_ALONE_SENDING);
        stage.first_piece = 3;
        make_call (oneway);
        CU_ASSERT_EQUAL (stage.n_requested, 4 + 4 + 4 + 1 + 4 + 1);
        make_call (oneway);
        stage_close ();
      }
}

/* ---- another caller's call ---- */

static TallyPending *other;
static guint n_others_over;

static void
watch_nothing (TallySharedAgent *agent, guint events, gboolean holds_input)
{
}

static void
count_over (TallySharedAgent *agent, TallyPending *first, TallyPending *last)
{
  CU_ASSERT_PTR_EQUAL (first, other);
  n_others_over++;
}

/* It comes while the lone caller waits, and is answered first. */
static void
a_lone_caller_receives_for_another (void)
{
  TallySharedAgent agent = { .watch = watch_nothing, .over = count_over };
  g_autoptr (GError) error = NULL;
  TallyPending *pending;

  stage_open (ANSWER, TALLY_ALONE_RECEIVING);
  make_call (FALSE); /* and is back from the books */
  stage.look_in = TALLY_ALONE_NOT;
  stage.answer = SAY_NOTHING;
  n_others_over = 0;
  pending = open_call ();
  other = open_call ();
  CU_ASSERT_PTR_NOT_EQUAL (pending, other);
  CU_ASSERT_NOT_EQUAL (pending->seqid, other->seqid);
  assert_int (get_phase (), TALLY_ALONE_NOT);
  tally_shared_add_agent (stage.shared, &agent);
  CU_ASSERT_TRUE (tally_shared_begin (stage.shared, other, &agent, FALSE, &error));
  peer_say (other->seqid);
  peer_say (pending->seqid);
  tally_shared_flush (stage.shared, &agent);
  CU_ASSERT_TRUE (tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, &error));
  assert_reply (pending);
  assert_int (n_others_over, 1);
  CU_ASSERT_TRUE (tally_shared_get_outcome (stage.shared, other, &error));
  assert_reply (other);
  for (guint i = 0; i < 2; i++)
    {
      TallyPending *closed = i == 0 ? other : pending;
      guint late;

      tally_shared_consume_reply (stage.shared, closed);
      CU_ASSERT_TRUE (tally_shared_close (stage.shared, closed, &late));
    }
  assert_int (get_phase (), TALLY_ALONE_NOT); /* the agent may still have something to do */
  tally_shared_remove_agent (stage.shared, &agent);
  assert_int (get_phase (), TALLY_ALONE_FREE);
  stage_close ();
}

/* A caller that slept is to send, and its reply is there before it does: the peer answered what it had, and an agent received that. */
static void
the_role_of_a_call_that_is_over_is_free (void)
{
  TallySharedAgent agent = { .watch = watch_nothing, .over = count_over };
  TallyPending *pending;

  stage_open (SAY_NOTHING, TALLY_ALONE_NOT);
  tally_shared_add_agent (stage.shared, &agent);
  pending = open_call ();
  stage.first_piece = 3;
  CU_ASSERT_TRUE (tally_shared_begin (stage.shared, pending, NULL, FALSE, NULL));
  tally_shared_flush (stage.shared, &agent);
  CU_ASSERT_PTR_EQUAL (stage.shared->sender, pending);
  peer_say (pending->seqid);
  tally_shared_take_input (stage.shared, &agent);
  CU_ASSERT_TRUE (tally_shared_go_on (stage.shared, pending, NULL));
  assert_reply (pending);
  CU_ASSERT_TRUE (close_call (pending, 0));
  tally_shared_flush (stage.shared, &agent); /* the rest */
  CU_ASSERT_EQUAL (stage.n_requested, 4 + 4 + 4 + 1 + 4 + 1);
  tally_shared_remove_agent (stage.shared, &agent);
  stage_close ();
}

/* ---- callers that come and go ---- */

#define N_CALLERS 3
#define N_CALLS 2000

static gpointer
make_calls (gpointer data)
{
  for (guint i = 0; i < N_CALLS; i++)
    {
      TallyPending *pending = tally_shared_open (stage.shared, &tally_limits_default, NULL);
      guint late;

      CU_ASSERT_PTR_NOT_NULL_FATAL (pending);
      write_message (&pending->buffer, T_CALL, pending->seqid);
      CU_ASSERT_TRUE (tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, NULL));
      assert_reply (pending);
      tally_shared_consume_reply (stage.shared, pending);
      CU_ASSERT_TRUE (tally_shared_close (stage.shared, pending, &late));
      if (i % 8 == 0)
        g_thread_yield ();
    }
  return NULL;
}

/* Says what it is told: here a reply need not differ from its request but in its type. */
static gpointer
echo (gpointer data)
{
  guint8 bytes[4096];
  gsize length = 0;
  gssize count;

  while ((count = recv (stage.peer, bytes + length, sizeof bytes - length, 0)) > 0)
    {
      gsize used = 0;

      length += count;
      for (gsize size;
           length - used >= 4 && length - used >= (size = 4 + tally_frame_get_size (bytes + used));
           used += size)
        bytes[used + 4 + 3] = T_REPLY;
      CU_ASSERT_EQUAL (send (stage.peer, bytes, used, MSG_NOSIGNAL), (gssize) used);
      memmove (bytes, bytes + used, length - used);
      length -= used;
    }
  return NULL;
}

static void
callers_come_and_go (void)
{
  GThread *callers[N_CALLERS];
  TallyStreamKind kind;
  GThread *peer;

  stage_open (SAY_NOTHING, TALLY_ALONE_NOT);
  kind = *stage.socket->stream.kind;
  kind.send = yielding_send;
  stage.socket->stream.kind = &kind;
  peer = g_thread_new ("peer", echo, NULL);
  for (guint i = 0; i < N_CALLERS; i++)
    callers[i] = g_thread_new ("caller", make_calls, NULL);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (callers[i]);
  assert_int (stage.shared->n_pending, 0);
  assert_int (get_phase (), TALLY_ALONE_FREE);
  shutdown (tally_stream_get_fd (&stage.socket->stream), SHUT_WR);
  g_thread_join (peer);
  stage_close ();
}

/* ---- what ends it early ---- */

static void
rule_24_a_late_reply_is_nobodys (void)
{
  for (TallyAlonePhase phase = TALLY_ALONE_NOT; phase <= TALLY_ALONE_RECEIVING; phase++)
    {
      g_autoptr (GError) error = NULL;
      TallyPending *pending;
      gint32 late_seqid;

      stage_open (SAY_NOTHING, phase);
      pending = open_call ();
      late_seqid = pending->seqid;
      CU_ASSERT_FALSE (tally_shared_exchange (stage.shared, pending, FALSE,
                                              g_get_monotonic_time () + 1, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "while waiting for the reply");
      CU_ASSERT_EQUAL (pending->sent, stage.n_requested);
      stage.look_in = TALLY_ALONE_NOT;
      CU_ASSERT_TRUE (close_call (pending, 0));
      assert_int (get_phase (), TALLY_ALONE_NOT); /* a reply is owed */
      peer_say (late_seqid);
      stage.answer = ANSWER;
      g_clear_error (&error);
      pending = open_call ();
      CU_ASSERT_TRUE (tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, &error));
      assert_reply (pending);
      CU_ASSERT_TRUE (close_call (pending, 1));
      assert_int (get_phase (), TALLY_ALONE_FREE);
      stage_close ();
    }
}

static void
rule_24_a_reply_of_no_call_ends_the_connection (void)
{
  for (TallyAlonePhase phase = TALLY_ALONE_NOT; phase <= TALLY_ALONE_DONE; phase++)
    for (guint i = 0; i < 2; i++)
      {
        g_autoptr (GError) error = NULL;
        TallyPending *pending;
        gboolean done;

        if (phase == TALLY_ALONE_FREE)
          continue;
        stage_open (i == 0 ? ANSWER_ANOTHER : ANSWER_WITH_ANOTHER, phase);
        pending = open_call ();
        done = tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, &error);
        assert_int (done, i);
        if (done)
          assert_reply (pending);
        else
          assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                        THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
                        "which no call on the connection has");
        CU_ASSERT_FALSE (close_call (pending, 0));
        assert_int (get_phase (), TALLY_ALONE_NOT);
        stage_close ();
      }
}

static void
a_lost_connection_is_lost_to_a_lone_caller (void)
{
  for (TallyAlonePhase phase = TALLY_ALONE_NOT; phase <= TALLY_ALONE_RECEIVING; phase++)
    for (guint i = 0; i < 2; i++)
      {
        g_autoptr (GError) error = NULL;
        TallyPending *pending;

        stage_open (HANG_UP, phase);
        if (i == 0)
          shutdown (tally_stream_get_fd (&stage.socket->stream), SHUT_WR); /* EPIPE */
        pending = open_call ();
        CU_ASSERT_FALSE (tally_shared_exchange (stage.shared, pending, FALSE, -1, NULL, &error));
        if (i == 0)
          CU_ASSERT_PTR_NOT_NULL (error)
        else
          assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "the peer closed it");
        CU_ASSERT_EQUAL (pending->sent, stage.n_requested);
        stage.look_in = TALLY_ALONE_NOT;
        CU_ASSERT_FALSE (close_call (pending, 0));
        stage_close ();
      }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_lone_caller_is_in_no_book),
    TEST (another_may_look_at_any_time),
    TEST (what_the_kernel_does_not_take_at_once_goes_later),
    TEST (a_lone_caller_receives_for_another),
    TEST (the_role_of_a_call_that_is_over_is_free),
    TEST (callers_come_and_go),
    TEST (rule_24_a_late_reply_is_nobodys),
    TEST (rule_24_a_reply_of_no_call_ends_the_connection),
    TEST (a_lost_connection_is_lost_to_a_lone_caller),
    { NULL },
  };

  return test_main ("shared-alone", cases, argc, argv);
}
