/* Owns the tests of the bytes that hostile and broken peers send to a server: after each of them the
 * server answers the next client, and leaks nothing (the sanitizers look). When peers send, read and
 * leave is test-server-peers.c's. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "server-fixture.h"
#include "test-stream.h"
#include "tls-relay.h"

#define BINARY (&all_speeches[0])
#define COMPACT (&all_speeches[2])

/* What a peer gets for a message. */
typedef enum
{
  GETS_REPLY,      /* and may go on */
  GETS_REFUSAL,    /* a PROTOCOL_ERROR, and may go on where a frame says what that was about */
  GETS_LAST_WORDS, /* a refusal that names no call, then the end */
  GETS_END         /* nothing but the end */
} Outcome;

static void
check_outcome (gint fd, const Speech *speech, Outcome outcome, const gchar *what)
{
  Answer answer = { 0 };
  gboolean answered = peer_receive (fd, speech, TALLY_KIND_BOOL, &answer);
  gboolean right;

  if (outcome == GETS_END)
    right = !answered;
  else if (outcome == GETS_REFUSAL)
    right = answered && answer.type == T_EXCEPTION
            && answer.number == THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR
            && (speech->framed ? peer_echoes (fd, speech, 2, "and on") : peer_sees_end (fd));
  else if (outcome == GETS_LAST_WORDS)
    right = answered && answer.type == T_EXCEPTION && answer.seqid == 0
            && g_strcmp0 (answer.name, "") == 0 && strstr (answer.text, "limit") != NULL
            && peer_sees_end (fd);
  else
    right = answered && answer.type == T_REPLY && peer_echoes (fd, speech, 2, "and on");
  if (!right)
    g_printerr ("# %s: got %d, %d \"%s\"\n", what, answer.type, answer.number, answer.text);
  CU_ASSERT (right);
  answer_clear (&answer);
}

/* Sends the message @name with @body as its arguments' bytes to a server in each framing. */
static void
send_body (
    const Speech *speech, const gchar *name, gconstpointer body, gsize length, Outcome outcome)
{
  for (guint framing = 0; framing < 2; framing++)
    {
      const Speech *variant = speech + framing;
      Running *running = running_start (variant, NULL, NULL);
      gint fd = peer_connect (running);
      TallyBuffer message = { NULL, 0, 0 };
      TallyBuffer request = { NULL, 0, 0 };

      variant->codec->write_message (&message, name, strlen (name), T_CALL, 1);
      tally_buffer_append (&message, body, length);
      write_raw (&request, variant, message.data, message.length);
      peer_send (fd, &request);
      /* Without a frame, a message that lacks bytes ends only with the connection. */
      if (!variant->framed && outcome == GETS_REFUSAL)
        shutdown (fd, SHUT_WR);
      if (!variant->framed && outcome == GETS_REFUSAL)
        {
          Answer answer;

          if (peer_receive (fd, variant, TALLY_KIND_BOOL, &answer))
            assert_int (answer.type, T_EXCEPTION);
          answer_clear (&answer);
        }
      else
        check_outcome (fd, variant, outcome, name);
      close (fd);
      check_alive (running);
      running_stop (running);
      tally_buffer_clear (&message);
    }
}

#define SEND_BODY(speech, name, outcome, ...)                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    static const guint8 body_[] = { __VA_ARGS__ };                                                 \
    send_body (speech, name, body_, sizeof body_, outcome);                                        \
  }                                                                                                \
  G_STMT_END

/* ---- what a message says ---- */

/* 19 bytes crash Apache's server: dispatch calls itself for ever. */
static void
unknown_method_on_an_extending_service (void)
{
  static const guint8 bytes[19] = { 0x80, 1,   0,   1,   0, 0, 0, 6, 'f', 'o',
                                    'o',  'b', 'a', 'r', 0, 0, 0, 1, 0 };
  Running *running = running_start (BINARY, NULL, NULL);
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;

  write_raw (&request, BINARY, bytes, sizeof bytes);
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD);
  assert_string (answer.name, "foobar");
  answer_clear (&answer);
  CU_ASSERT (peer_echoes (fd, BINARY, 2, "and on"));
  close (fd);
  running_stop (running);
}

static void
binary_field_twice (void)
{
  SEND_BODY (BINARY, "blob", GETS_REPLY, T_STRING, 0, 1, 0, 0, 0, 1, 'a', T_STRING, 0, 1, 0, 0, 0,
             2, 'b', 'c', 0);
  SEND_BODY (COMPACT, "blob", GETS_REPLY, 0x18, 1, 'a', 0x08, 2, 2, 'b', 'c', 0);
}

static void
repeated_fields (void)
{
  SEND_BODY (BINARY, "echo", GETS_REPLY, T_STRING, 0, 1, 0, 0, 0, 1, 'a', T_STRING, 0, 1, 0, 0, 0,
             1, 'b', 0);
  /* A list of strings twice, a Point (x, tags) twice. */
  SEND_BODY (BINARY, "extra", GETS_REPLY, T_LIST, 0, 2, T_STRING, 0, 0, 0, 1, 0, 0, 0, 1, 'a',
             T_LIST, 0, 2, T_STRING, 0, 0, 0, 1, 0, 0, 0, 1, 'b', T_STRUCT, 0, 1, T_I32, 0, 1, 0, 0,
             0, 1, T_LIST, 0, 2, T_STRING, 0, 0, 0, 1, 0, 0, 0, 1, 'c', 0, T_STRUCT, 0, 1, T_I32, 0,
             1, 0, 0, 0, 2, 0, 0);
}

static void
nested_unknown_structs (void)
{
  enum
  {
    DEPTH = 75000
  };
  g_autofree guint8 *binary = g_malloc0 (DEPTH * 4);
  g_autofree guint8 *compact = g_malloc0 (DEPTH * 2);

  for (guint i = 0; i < DEPTH; i++)
    {
      memcpy (binary + i * 3, "\x0c\x00\x09", 3);
      compact[i] = 0x9c;
    }
  send_body (BINARY, "echo", binary, DEPTH * 4, GETS_REFUSAL);
  send_body (COMPACT, "echo", compact, DEPTH * 2, GETS_REFUSAL);
  send_body (BINARY, "nope", binary, DEPTH * 4, GETS_REFUSAL);
}

static void
send_bytes (
    const Speech *speech, gconstpointer bytes, gsize length, Outcome outcome, const gchar *what)
{
  Running *running = running_start (speech, NULL, NULL);
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };

  tally_buffer_append (&request, bytes, length);
  peer_send (fd, &request);
  shutdown (fd, SHUT_WR);
  check_outcome (fd, speech, outcome, what);
  close (fd);
  check_alive (running);
  running_stop (running);
}

static void
unversioned_header (void)
{
  send_bytes (BINARY, "\0\0\0\4\0\0\0\4", 8, GETS_END, "four bytes in a frame");
  send_bytes (&all_speeches[1], "\0\0\0\4", 4, GETS_END, "four bytes");
  send_bytes (&all_speeches[1], "\0\0\0\4echo\1\0\0\0\1\0", 14, GETS_END, "an old header");
  send_bytes (COMPACT, "\0\0\0\2\x83\x21", 6, GETS_END, "another protocol's id");
}

static void
unversioned_header_where_allowed (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      (GObject *) test_processor_new (base_processor_get_type (), (TestHandler *) handler);
  g_autoptr (TallyServer) by_uri =
      tally_server_new ((ThriftProcessor *) processor, "tcp://127.0.0.1:0?strict=no", NULL);
  static const gchar bytes[] = "\0\0\0\4echo\1\0\0\0\1\x0b\0\1\0\0\0\2hi";
  gboolean strict = TRUE;

  for (guint framing = 0; framing < 2; framing++)
    {
      Running *running = running_start (BINARY + framing, NULL, "strict=0");
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };

      write_raw (&request, BINARY + framing, bytes, sizeof bytes);
      peer_send (fd, &request);
      check_outcome (fd, BINARY + framing, GETS_REPLY, "an old header");
      close (fd);
      running_stop (running);
    }
  g_object_get (by_uri, "strict", &strict, NULL);
  CU_ASSERT_FALSE (strict);
}

/* A list that is small on the wire and large in memory. */
static void
memory_of_a_message (void)
{
  for (guint framing = 0; framing < 2; framing++)
    {
      const Speech *speech = COMPACT + framing;
      Running *running = running_start (speech, NULL, "max-message-memory=20000");
      gint fd = peer_connect (running);
      TallyBuffer message = { NULL, 0, 0 }, request = { NULL, 0, 0 };
      Answer answer = { 0 };

      speech->codec->write_message (&message, "extra", 5, T_CALL, 1);
      tally_buffer_append (&message, "\x29\xf8\xe8\x07", 4); /* 1,000 empty words */
      for (guint i = 0; i < 1001; i++)
        tally_buffer_append (&message, "", 1);
      write_raw (&request, speech, message.data, message.length);
      peer_send (fd, &request);
      CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_I32, &answer));
      assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR);
      CU_ASSERT_PTR_NOT_NULL_FATAL (answer.text);
      CU_ASSERT_PTR_NOT_NULL (strstr (answer.text, "limit of 20000 bytes"));
      answer_clear (&answer);
      close (fd);
      check_alive (running);
      running_stop (running);
      tally_buffer_clear (&message);
    }
}

static void
absent_argument (void)
{
  SEND_BODY (BINARY, "echo", GETS_REPLY, 0);
  SEND_BODY (BINARY, "blob", GETS_REPLY, 0);
  SEND_BODY (BINARY, "extra", GETS_REPLY, 0);
  SEND_BODY (COMPACT, "extra", GETS_REPLY, 0);
}

/* ---- sizes ---- */

static void
sizes_of_strings (void)
{
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_STRING, 0, 1, 0xff, 0xff, 0xff, 0xff, 'x', 0);
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_STRING, 0, 1, 0x7f, 0xff, 0xff, 0xff, 'x', 0);
  SEND_BODY (BINARY, "blob", GETS_REFUSAL, T_STRING, 0, 1, 0x7f, 0xff, 0xff, 0xff, 'x', 0);
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_STRING, 0, 1, 0, 0, 0, 9, 'x', 0);
  SEND_BODY (COMPACT, "echo", GETS_REFUSAL, 0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x', 0);
}

static void
sizes_of_containers (void)
{
  SEND_BODY (BINARY, "extra", GETS_REFUSAL, T_LIST, 0, 2, T_STRING, 0xff, 0xff, 0xff, 0xff, 0);
  SEND_BODY (BINARY, "extra", GETS_REFUSAL, T_LIST, 0, 2, T_STRING, 0x7f, 0xff, 0xff, 0xff, 0);
  SEND_BODY (BINARY, "extra", GETS_REFUSAL, T_MAP, 0, 9, T_I32, T_I32, 0xff, 0xff, 0xff, 0xff, 0);
  SEND_BODY (BINARY, "extra", GETS_REFUSAL, T_SET, 0, 9, T_I64, 0x7f, 0xff, 0xff, 0xff, 0);
  SEND_BODY (COMPACT, "extra", GETS_REFUSAL, 0x29, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x07, 0);
  SEND_BODY (COMPACT, "extra", GETS_REFUSAL, 0x9b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x55, 0);
}

/* Elements without a size would be counted to 2^31. */
static void
elements_of_no_size (void)
{
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_LIST, 0, 9, T_STRUCT, 0x7f, 0xff, 0xff, 0xff, 0, 0);
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_LIST, 0, 9, T_VOID, 0x7f, 0xff, 0xff, 0xff, 0, 0);
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_LIST, 0, 9, T_STOP, 0x7f, 0xff, 0xff, 0xff, 0, 0);
  SEND_BODY (BINARY, "echo", GETS_REFUSAL, T_MAP, 0, 9, T_VOID, T_VOID, 0x7f, 0xff, 0xff, 0xff, 0,
             0);
  SEND_BODY (COMPACT, "echo", GETS_REFUSAL, 0x99, 0xf0, 0xff, 0xff, 0xff, 0xff, 0x07, 0);
}

static void
numbers_of_compact (void)
{
  /* A varint of eleven bytes; ids that run past 32767. */
  SEND_BODY (COMPACT, "add", GETS_REFUSAL, 0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
             0x80, 0x80, 0x01, 0);
  SEND_BODY (COMPACT, "add", GETS_REFUSAL, 0x05, 0xfe, 0xff, 0x03, 0x01, 0xf5, 0x01, 0);
}

static void
sizes_of_frames (void)
{
  send_bytes (BINARY, "\xff\xff\xff\xff", 4, GETS_LAST_WORDS, "negative");
  send_bytes (BINARY, "\x7f\xff\xff\xff", 4, GETS_LAST_WORDS, "huge");
  send_bytes (BINARY, "\1\0\0\1", 4, GETS_LAST_WORDS, "too long");
  send_bytes (BINARY, "\0\0\0\0", 4, GETS_END, "empty");
  send_bytes (BINARY, "\0\0\0\x64\x80\1\0\1", 8, GETS_END, "cut off");
}

/* A peer is told why it gets no answer, also when it has much more to send, which a mere close would
 * answer with a reset; and it may go on. */
static void
frame_past_the_limit (void)
{
  Running *running = running_start (BINARY, NULL, "max-message-size=1000");
  gint fd = peer_connect (running);
  static const gsize lengths[] = { 512 * 1024, 2000, 512 * 1024 };
  gboolean is_layered = g_getenv ("TALLY_TEST_STREAM") != NULL;
  gint n_served = 0;
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree gchar *text = g_strnfill (lengths[i], 'x');

      write_echo (&request, BINARY, 8, text);
      write_echo (&request, BINARY, 9, "behind it");
      peer_send (fd, &request);
      CU_ASSERT (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
      assert_int (answer.type, T_EXCEPTION);
      CU_ASSERT (answer.text != NULL && strstr (answer.text, "passes the limit of 1000") != NULL);
      if (is_layered && answer.seqid == 0)
        {
          /* the length had come alone, which ends the connection */
          answer_clear (&answer);
          close (fd);
          fd = peer_connect (running);
          continue;
        }
      n_served++;
      assert_int (answer.seqid, 8);
      assert_string (answer.name, "echo");
      answer_clear (&answer);
      CU_ASSERT (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
      assert_int (answer.type, T_REPLY);
      assert_int (answer.seqid, 9);
      answer_clear (&answer);
    }
  close (fd);
  assert_int (test_handler_n_calls (running->handler), n_served);
  CU_ASSERT (is_layered || n_served == 3);
  check_alive (running);
  running_stop (running);
}

/* The server waits for a peer to have read its last words for a second; with a little less it has not given up. */
#define LINGER_US (900 * G_TIME_SPAN_MILLISECOND)

/* FALSE: this thread, or the relay, took so long that the server may have given up. */
static gboolean
check_last_words_of_a_frame (Running *running, gsize length)
{
  gint fd = peer_connect (running);
  g_autofree gchar *text = g_strnfill (length, 'x');
  const guint32 frame = GUINT32_TO_BE (65 * 1024 * 1024);
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLRDHUP };
  gint64 began = g_get_monotonic_time ();
  TallyBuffer request = { NULL, 0, 0 };
  gboolean is_in_time;
  gssize end;
  Answer answer;
  guint8 byte;

  write_echo (&request, BINARY, 8, text);
  memcpy (request.data, &frame, sizeof frame);
  peer_send (fd, &request);
  do
    assert_int (poll (&poll_fd, 1, -1), 1);
  while (tls_relay_is_on () && poll_fd.revents == POLLIN); /* it passes the end on by itself */
  (void) peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer);
  end = recv (fd, &byte, sizeof byte, 0);
  close (fd);
  is_in_time = g_get_monotonic_time () - began < LINGER_US;
  if (is_in_time)
    {
      assert_int (poll_fd.revents, POLLIN | POLLRDHUP);
      assert_int (answer.type, T_EXCEPTION);
      assert_int (answer.seqid, 8);
      assert_int (end, 0); /* not a reset */
    }
  answer_clear (&answer);
  return is_in_time;
}

/* A frame that is not worth skipping ends the connection: the last words and the end leave in one
 * segment, and much that follows destroys neither. */
static void
frame_past_what_is_skipped (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  /* A layer gives it to the server in small pieces. */
  gsize length = test_stream_is_planned (TALLY_STREAM_ACCEPTED) ? 128 * 1024 : 4 * 1024 * 1024;

  while (!check_last_words_of_a_frame (running, length))
    length = MAX (length / 2, 64 * 1024);
  assert_int (test_handler_n_calls (running->handler), 0);
  check_alive (running);
  running_stop (running);
}

static void
bytes_behind_the_message (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  gint fd = peer_connect (running);
  TallyBuffer message = { NULL, 0, 0 };
  TallyBuffer request = { NULL, 0, 0 };

  write_echo (&message, &all_speeches[1], 1, "x");
  tally_buffer_append (&message, "behind", 6);
  write_raw (&request, BINARY, message.data, message.length);
  peer_send (fd, &request);
  check_outcome (fd, BINARY, GETS_REFUSAL, "bytes behind");
  close (fd);
  assert_int (test_handler_n_calls (running->handler), 1);
  tally_buffer_clear (&message);
  running_stop (running);
}

/* ---- noise ---- */

/* Sends messages with some bytes changed, cut, or made up, from a fixed seed. Whatever comes back,
 * the server lives. */
static void
noise (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, "max-message-size=65536");
      g_autoptr (GRand) rand = g_rand_new_with_seed (42 + s);

      for (guint round = 0; round < 300; round++)
        {
          TallyBuffer request = { NULL, 0, 0 };
          const AddArgs args = { g_rand_int (rand), 1 };
          gint fd = peer_connect (running);

          write_request (&request, running->speech, round % 2 == 0 ? "add" : "extra", T_CALL, round,
                         &add_args_info, &args);
          write_echo (&request, running->speech, round, "some text");
          for (gint i = g_rand_int_range (rand, 1, 8); i > 0; i--)
            request.data[g_rand_int_range (rand, 0, request.length)] = g_rand_int (rand);
          if (round % 3 == 0)
            request.length = g_rand_int_range (rand, 1, request.length);
          peer_send (fd, &request);
          if (round % 5 == 0)
            peer_reset (fd);
          else
            close (fd);
        }
      check_alive (running);
      running_stop (running);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (unknown_method_on_an_extending_service),
    TEST (binary_field_twice),
    TEST (unversioned_header_where_allowed),
    TEST (memory_of_a_message),
    TEST (repeated_fields),
    TEST (nested_unknown_structs),
    TEST (unversioned_header),
    TEST (absent_argument),
    TEST (sizes_of_strings),
    TEST (sizes_of_containers),
    TEST (elements_of_no_size),
    TEST (numbers_of_compact),
    TEST (sizes_of_frames),
    TEST (frame_past_the_limit),
    TEST (frame_past_what_is_skipped),
    TEST (bytes_behind_the_message),
    TEST (noise),
    { NULL, NULL },
  };

  return test_main ("server-hostile", cases, argc, argv);
}
