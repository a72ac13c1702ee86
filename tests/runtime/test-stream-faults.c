/* A call, an exchange on a shared connection and a request at a server, with every fault of a stream at
 * every byte. */
#include <string.h>
#include <unistd.h>

#include "echo-service.h"
#include "server-fixture.h"
#include "test-stream.h"

/* Seconds that only a failing test waits. */
#define PATIENCE_MS 20000

static const gchar *const modes[] = { "pooled", "shared" };

static const TestStreamPlan faultless = { .fault_at = -1 };

/* ---- a channel to a server ---- */

typedef struct
{
  Running *running;
  TallyPool *pool;
  TallyChannel *channel;
} Line;

static void
line_open (Line *self, Running *running, const gchar *mode)
{
  g_autofree gchar *uri = g_strdup_printf ("%s%cmode=%s", running->uri,
                                           strchr (running->uri, '?') != NULL ? '&' : '?', mode);
  g_autoptr (GError) error = NULL;

  self->running = running;
  self->pool = tally_pool_new ();
  self->channel = tally_channel_new_with_pool (uri, self->pool, &error);
  assert_no_error (error);
  tally_channel_set_timeout (self->channel, PATIENCE_MS);
}

static void
line_close (Line *self)
{
  tally_pool_close (self->pool);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
}

/* Whether the call was answered, which then is right; else @error. */
static gboolean
line_echo (Line *self, const gchar *text, GError **error)
{
  g_autofree gchar *reply = NULL;

  if (!echo_call (self->channel, ECHO_ECHO, text, &reply, error))
    return FALSE;
  assert_string (reply, text);
  return TRUE;
}

static void
assert_echo (Line *self, const gchar *text)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (line_echo (self, text, &error));
  assert_no_error (error);
}

/* How many bytes one echo sends and receives on a line, as its own side counts. */
static void
measure (
    Running *running, const gchar *mode, TallyStreamOrigin origin, gsize *sent, gsize *received)
{
  Line line;

  test_stream_plan (origin, &faultless);
  line_open (&line, running, mode);
  assert_echo (&line, "measure");
  *sent = test_stream_get_sent ();
  *received = test_stream_get_received ();
  line_close (&line);
  test_stream_plan (origin, NULL);
}

static Running *
start (guint speech)
{
  return running_start (&all_speeches[speech], NULL, NULL);
}

/* ---- split and refused ---- */

/* Both sides, in pieces of any one size, with a send refused between any two. */
static void
messages_may_be_split_anywhere (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
      {
        gsize sent, received;
        Running *running = start (s);

        measure (running, modes[m], TALLY_STREAM_DIALED, &sent, &received);
        for (gsize piece = 1; piece <= MAX (sent, received); piece++)
          {
            const TestStreamPlan plan = {
              .piece = piece, .refuse_every = 2, .n_sends_first = 3, .fault_at = -1
            };
            Line line;

            test_stream_plan (TALLY_STREAM_DIALED, &plan);
            test_stream_plan (TALLY_STREAM_ACCEPTED, &plan);
            line_open (&line, running, modes[m]);
            assert_echo (&line, "one");
            assert_echo (&line, "another");
            line_close (&line);
          }
        test_stream_plan (TALLY_STREAM_DIALED, NULL);
        test_stream_plan (TALLY_STREAM_ACCEPTED, NULL);
        running_stop (running);
      }
}

/* ---- the client's stream ends or fails ---- */

/* What a call with @fault at @at says, of a request of @length bytes. */
static void
check_error (const GError *error, TestStreamFault fault, gsize at, gsize length)
{
  g_autofree gchar *some =
      g_strdup_printf ("%" G_GSIZE_FORMAT " of the request's %" G_GSIZE_FORMAT " bytes were sent",
                       at, length);

  echo_assert_says_once (error);
  if (fault != TEST_STREAM_SENDS_FAILS)
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
  else if (at == 0)
    assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT, "nothing was sent");
  else
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, some);
}

/* A call's first connection has @fault after @at bytes, of @length: then the call fails, or it is over. */
static void
check_call (Running *running, const gchar *mode, TestStreamFault fault, gsize at, gsize length)
{
  const TestStreamPlan plan = { .piece = 1 << 16, .fault = fault, .fault_at = at };
  g_autoptr (GError) error = NULL;
  Line line;

  test_stream_plan (TALLY_STREAM_DIALED, &plan);
  line_open (&line, running, mode);
  if (at >= length)
    assert_echo (&line, "measure");
  else if (!line_echo (&line, "measure", &error))
    check_error (error, fault, at, length);
  else
    CU_FAIL ("a call succeeded though its connection had failed");
  test_stream_plan (TALLY_STREAM_DIALED, &faultless);
  assert_echo (&line, "afterwards"); /* the pool has noticed */
  line_close (&line);
}

static void
a_call_sees_each_fault_at_each_byte (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
      {
        gsize sent, received;
        Running *running = start (s);

        measure (running, modes[m], TALLY_STREAM_DIALED, &sent, &received);
        for (guint fault = 0; fault < TEST_STREAM_N_FAULTS; fault++)
          {
            gsize length = fault == TEST_STREAM_SENDS_FAILS ? sent : received;

            for (gsize at = 0; at <= length; at++)
              check_call (running, modes[m], fault, at, length);
          }
        test_stream_plan (TALLY_STREAM_DIALED, NULL);
        running_stop (running);
      }
}

/* Rule 13: where nothing of the second request was sent it is sent again, on a new connection. */
static void
rule_13_only_what_was_not_sent_is_replayed (void)
{
  for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
    {
      gsize sent, received;
      Running *running = start (0);

      measure (running, modes[m], TALLY_STREAM_DIALED, &sent, &received);
      for (gsize at = 0; at < sent; at++)
        {
          const TestStreamPlan plan = { .piece = 1 << 16,
                                        .fault = TEST_STREAM_SENDS_FAILS,
                                        .fault_at = sent + at };
          guint calls = test_handler_n_calls (running->handler);
          g_autoptr (GError) error = NULL;
          Line line;

          test_stream_plan (TALLY_STREAM_DIALED, &plan);
          line_open (&line, running, modes[m]);
          assert_echo (&line, "measure");
          if (at == 0)
            assert_echo (&line, "measure");
          else if (!line_echo (&line, "measure", &error))
            check_error (error, TEST_STREAM_SENDS_FAILS, at, sent);
          else
            CU_FAIL ("a request of which a part was sent was sent again");
          line_close (&line);
          assert_int (test_handler_n_calls (running->handler), calls + (at == 0 ? 2 : 1));
        }
      test_stream_plan (TALLY_STREAM_DIALED, NULL);
      running_stop (running);
    }
}

/* ---- the server's stream ends or fails ---- */

static void
check_request (Running *running, TestStreamFault fault, gsize at, gsize length)
{
  const TestStreamPlan plan = { .piece = 1 << 16, .fault = fault, .fault_at = at };
  guint calls = test_handler_n_calls (running->handler);
  gboolean is_whole = fault == TEST_STREAM_SENDS_FAILS || at >= length;
  g_autoptr (GError) error = NULL;
  Line line;

  test_stream_plan (TALLY_STREAM_ACCEPTED, &plan);
  line_open (&line, running, "pooled");
  if (at >= length)
    assert_echo (&line, "measure");
  else if (!line_echo (&line, "measure", &error))
    {
      CU_ASSERT_TRUE (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST)
                      || g_error_matches (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT));
      echo_assert_says_once (error);
    }
  else
    CU_FAIL ("a call succeeded though its server's connection had failed");
  assert_int (test_handler_n_calls (running->handler), calls + is_whole);
  line_close (&line);
}

/* Only a whole request is executed, and the server goes on. */
static void
a_server_sees_each_fault_at_each_byte (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      gsize sent, received;
      Running *running = start (s);

      measure (running, "pooled", TALLY_STREAM_ACCEPTED, &sent, &received);
      for (guint fault = 0; fault < TEST_STREAM_N_FAULTS; fault++)
        {
          gsize length = fault == TEST_STREAM_SENDS_FAILS ? sent : received;

          for (gsize at = 0; at <= length; at++)
            check_request (running, fault, at, length);
        }
      test_stream_plan (TALLY_STREAM_ACCEPTED, NULL);
      check_alive (running);
      running_stop (running);
    }
}

/* An answer that the peer did not take when it was offered first is sent while the next request's handler runs. */
static void
an_answer_is_offered_again (void)
{
  const TestStreamPlan plan = { .refuse_every = 2, .fault_at = -1 };
  Running *running = running_start (&framed_binary, NULL, NULL);
  TallyBuffer requests = { NULL, 0, 0 };
  Answer answer;
  gint fd;

  test_stream_plan (TALLY_STREAM_ACCEPTED, &plan);
  fd = peer_connect (running);
  CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "hello")); /* the next send is refused */
  write_request (&requests, &framed_binary, "ping", T_CALL, 2, NULL, NULL);
  write_request (&requests, &framed_binary, "block", T_CALL, 3, NULL, NULL);
  peer_send (fd, &requests);
  test_handler_wait_inside (running->handler, 1);
  CU_ASSERT (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &answer));
  assert_int (answer.seqid, 2);
  answer_clear (&answer);
  test_handler_release (running->handler);
  CU_ASSERT (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &answer));
  assert_int (answer.seqid, 3);
  answer_clear (&answer);
  close (fd);
  test_stream_plan (TALLY_STREAM_ACCEPTED, NULL);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (messages_may_be_split_anywhere),
    TEST (a_call_sees_each_fault_at_each_byte),
    TEST (rule_13_only_what_was_not_sent_is_replayed),
    TEST (a_server_sees_each_fault_at_each_byte),
    TEST (an_answer_is_offered_again),
    { NULL, NULL },
  };

  return test_main ("stream-faults", cases, argc, argv);
}
