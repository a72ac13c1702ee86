/* Owns the tests of calls and servers over the header transport: headers both ways, each mode, detection, and
 * what is refused. */
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "framing-private.h"
#include "harness.h"
#include "header-frame-private.h"
#include "server-fixture.h"
#include "tally-channel.h"
#include "tally-pool.h"
#include "tls-relay-socket.h"

static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

static Running *
start (const gchar *query)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);

  return running_start_at (test_processor_new (derived_processor_get_type (), handler), handler,
                           "tcp://127.0.0.1:0", query);
}

static TallyChannel *
reach (const Running *running, TallyPool *pool, const gchar *query)
{
  g_autofree gchar *uri = running_dup_client_uri (running, query);
  GError *error = NULL;
  TallyChannel *channel = tally_channel_new_with_pool (uri, pool, &error);

  assert_no_error (error);
  return channel;
}

static gchar *
echo (TallyChannel *channel, const gchar *text, const TallyCallOptions *options, GError **error)
{
  TextArgs args = { (gchar *) text };
  gchar *reply = NULL;
  gpointer results[] = { &reply };

  tally_channel_call_with (channel, tally_service_find_method (&base_service, "echo", 4), &args,
                           results, options, error);
  return reply;
}

/* ---- calls ---- */

static void
check_headers (TallyChannel *channel)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autoptr (TallyHeaders) back = tally_headers_new ();
  TallyCallOptions options = { .headers = headers, .reply_headers = back };
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  g_autofree gchar *none = NULL;

  tally_headers_set (headers, "trace", "abc");
  tally_headers_set (back, "old", "");
  reply = echo (channel, "header:trace", &options, &error);
  assert_no_error (error);
  assert_string (reply, "abc");
  assert_string (tally_headers_lookup (back, "seen"), "abc");
  assert_int (tally_headers_get_size (back), 1);
  none = echo (channel, "header:trace", NULL, &error);
  assert_no_error (error);
  assert_string (none, "");
}

static void
headers_travel_both_ways (void)
{
  Running *running = start ("transport=header");

  for (guint i = 0; i < 12; i++)
    {
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_autofree gchar *query =
          g_strdup_printf ("transport=header&protocol=%s&mode=%s&transform=%s",
                           i & 1 ? "compact" : "binary", modes[i / 2 % 3], i < 6 ? "none" : "zlib");
      g_autoptr (TallyChannel) channel = reach (running, pool, query);

      check_headers (channel);
      tally_pool_close (pool);
    }
  running_stop (running);
}

static void
what_is_long_is_compressed_both_ways (void)
{
  Running *running = start ("transport=header&transform=zlib");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_autofree gchar *query =
          g_strconcat ("transport=header&transform=zlib&mode=", modes[i], NULL);
      g_autoptr (TallyChannel) channel = reach (running, pool, query);
      g_autoptr (GError) error = NULL;
      g_autoptr (GRand) rand = g_rand_new_with_seed (i);
      g_autofree gchar *text = g_strnfill (100000, 'x');
      g_autofree gchar *reply = NULL;

      for (guint k = 0; k < 100000; k++)
        text[k] = 'a' + g_rand_int_range (rand, 0, 8);
      reply = echo (channel, text, NULL, &error);
      assert_no_error (error);
      CU_ASSERT_TRUE (g_strcmp0 (reply, text) == 0);
      tally_pool_close (pool);
    }
  running_stop (running);
}

static void
a_deadline_is_told (void)
{
  Running *running = start ("transport=header");
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (TallyChannel) channel = reach (running, pool, "transport=header");
  g_autoptr (GError) error = NULL;
  TallyCallOptions limited = { .timeout = 50000 };
  TallyCallOptions unlimited = { .timeout = -1 };
  g_autofree gchar *told = echo (channel, "header:" TALLY_HEADER_TIMEOUT, &limited, &error);
  g_autofree gchar *untold = echo (channel, "header:" TALLY_HEADER_TIMEOUT, &unlimited, &error);
  g_autofree gchar *deadline = echo (channel, "deadline", &limited, &error);
  g_autofree gchar *no_deadline = echo (channel, "deadline", &unlimited, &error);
  gint64 left = g_ascii_strtoll (told != NULL ? told : "0", NULL, 10);

  assert_no_error (error);
  CU_ASSERT_TRUE (left > 0 && left <= 50010);
  assert_string (untold, "");
  assert_string (deadline, "yes");
  assert_string (no_deadline, "no");
  tally_pool_close (pool);
  running_stop (running);
}

/* One frame without the flag, so that the server executes the connection's requests one after the other. */
static void
append_call (
    TallyBuffer *bytes, const gchar *method, const TextArgs *args, gint32 seqid, gint64 timeout)
{
  TallyHeaderFrame frame = { .codec = &tally_codec_binary, .seqid = seqid };
  gsize start = tally_frame_begin (bytes, TALLY_FRAMING_HEADER);
  GError *error = NULL;

  tally_codec_binary.write_message (bytes, method, strlen (method), T_CALL, seqid);
  if (args != NULL)
    tally_codec_binary.write_struct (bytes, &text_args_info, args, NULL);
  else
    tally_buffer_append (bytes, "", 1);
  tally_header_frame_wrap (&frame, bytes, start + TALLY_FRAME_HEADER, NULL, timeout, &error);
  assert_no_error (error);
  tally_frame_close (bytes, TALLY_FRAMING_HEADER, start);
}

/* The answer of the frame that comes next. */
static void
receive_answer (gint fd, Answer *answer)
{
  guint8 bytes[4096];
  TallyHeaderFrame frame;
  Speech speech = { NULL, TALLY_PROTOCOL_BINARY, FALSE };
  GError *error = NULL;
  gsize length;

  CU_ASSERT_TRUE_FATAL (recv (fd, bytes, 4, MSG_WAITALL) == 4);
  length = tally_frame_get_size (bytes);
  CU_ASSERT_TRUE_FATAL (length <= sizeof bytes);
  CU_ASSERT_TRUE_FATAL (recv (fd, bytes, length, MSG_WAITALL) == (gssize) length);
  tally_header_frame_read (&frame, bytes, length, &error);
  assert_no_error (error);
  speech.codec = frame.codec;
  answer_parse (answer, &speech, frame.payload, frame.payload_length, TALLY_KIND_STRING);
}

/* It waited behind another one until its deadline had passed. */
static void
what_is_late_is_not_executed (void)
{
  Running *running = start ("transport=header");
  gint fd = peer_connect (running);
  TextArgs args = { (gchar *) "late" };
  TallyBuffer bytes = { NULL, 0, 0 };
  Answer answer;
  gint64 passed;

  append_call (&bytes, "block", NULL, 1, 0);
  append_call (&bytes, "echo", &args, 2, 1);
  append_call (&bytes, "echo", &args, 3, 60000);
  peer_send (fd, &bytes);
  test_handler_wait_inside (running->handler, 1);
  passed = g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND;
  while (g_get_monotonic_time () < passed)
    g_thread_yield ();
  test_handler_release (running->handler);
  receive_answer (fd, &answer);
  assert_int (answer.type, T_REPLY);
  answer_clear (&answer);
  receive_answer (fd, &answer);
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.seqid, 2);
  CU_ASSERT_TRUE (strstr (answer.text, "deadline passed") != NULL);
  answer_clear (&answer);
  receive_answer (fd, &answer);
  assert_int (answer.type, T_REPLY);
  assert_string (answer.text, "late");
  answer_clear (&answer);
  close (fd);
  running_stop (running);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
asynchronous_calls_have_headers (void)
{
  Running *running = start ("transport=header");
  const TallyMethod *method = tally_service_find_method (&base_service, "echo", 4);
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_autofree gchar *query = g_strconcat ("transport=header&mode=", modes[i], NULL);
      g_autoptr (TallyChannel) channel = reach (running, pool, query);
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      TallyCallOptions options = { .headers = headers, .reply_headers = back };
      TextArgs args = { (gchar *) "header:trace" };
      g_autoptr (GAsyncResult) result = NULL;
      g_autofree gchar *reply = NULL;
      gpointer results[] = { &reply };
      GError *error = NULL;

      tally_headers_set (headers, "trace", "kept");
      tally_channel_call_async (channel, method, &args, &options, NULL, on_called, &result);
      tally_headers_set (headers, "trace", "changed too late");
      while (result == NULL)
        g_main_context_iteration (context, TRUE);
      tally_channel_call_finish (channel, method, result, results, &error);
      assert_no_error (error);
      assert_string (reply, "kept");
      assert_string (tally_headers_lookup (back, "seen"), "kept");
      g_clear_object (&result);
      tally_pool_close (pool);
      while (g_main_context_iteration (context, FALSE))
        ;
    }
  g_main_context_pop_thread_default (context);
  running_stop (running);
}

static gpointer
call_block (gpointer channel)
{
  g_autoptr (GError) error = NULL;

  tally_channel_call_with (channel, tally_service_find_method (&base_service, "block", 5), NULL,
                           NULL, NULL, &error);
  assert_no_error (error);
  return NULL;
}

/* A shared channel says that it takes replies in any order. */
static void
slow_calls_of_one_connection_are_inside_at_once (void)
{
  Running *running = start ("transport=header");
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (TallyChannel) channel = reach (running, pool, "transport=header&mode=shared");
  GThread *callers[6];
  g_autofree gchar *reply = NULL;
  TallyPoolSnapshot seen;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    callers[i] = g_thread_new ("caller", call_block, channel);
  test_handler_wait_inside (running->handler, G_N_ELEMENTS (callers));
  reply = echo (channel, "in between", NULL, &error);
  assert_no_error (error);
  assert_string (reply, "in between");
  test_handler_release (running->handler);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    g_thread_join (callers[i]);
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.dials, 1);
  tally_pool_close (pool);
  running_stop (running);
}

/* A call that is held while the server is told to stop, and what its reply has beside the result. */
typedef struct
{
  TallyChannel *channel;
  TallyHeaders *back;
} HeldCall;

static gpointer
call_held (gpointer data)
{
  HeldCall *self = data;
  const TallyCallOptions options = { .reply_headers = self->back };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (tally_channel_call_with (self->channel,
                                           tally_service_find_method (&base_service, "block", 5),
                                           NULL, NULL, &options, &error));
  assert_no_error (error);
  return NULL;
}

static void
the_last_reply_tells_of_the_end (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Running *running = start ("transport=header");
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_autofree gchar *query = g_strdup_printf ("transport=header&mode=%s", modes[i]);
      g_autoptr (TallyChannel) channel = reach (running, pool, query);
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      HeldCall held = { channel, back };
      GThread *caller = g_thread_new ("caller", call_held, &held);

      test_handler_wait_inside (running->handler, 1);
      tally_server_stop (running->server);
      while (tally_server_get_state (running->server) != TALLY_SERVER_DRAINING)
        g_thread_yield ();
      test_handler_release (running->handler);
      g_thread_join (caller);
      assert_string (tally_headers_lookup (back, "connection"), "close");
      tally_pool_close (pool);
      running_join (running);
    }
}

static void
too_many_bytes_of_headers_send_nothing (void)
{
  Running *running = start ("transport=header");
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (TallyChannel) channel = reach (running, pool, "transport=header");
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autofree gchar *value = g_strnfill (70000, 'v');
  TallyCallOptions options = { .headers = headers };
  g_autoptr (GError) error = NULL;
  GError *none = NULL;
  g_autofree gchar *nothing = NULL;
  g_autofree gchar *reply = NULL;

  tally_headers_set (headers, "large", value);
  nothing = echo (channel, "text", &options, &error);
  CU_ASSERT_PTR_NULL (nothing);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT, "nothing was sent");
  reply = echo (channel, "text", NULL, &none);
  assert_no_error (none);
  assert_string (reply, "text");
  tally_pool_close (pool);
  running_stop (running);
}

static void
auto_is_for_servers (void)
{
  static const gchar *const uris[] = { "tcp://localhost:1?transport=auto",
                                       "tcp://localhost:1?protocol=auto" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_channel_new (uris[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "auto is for servers");
    }
}

/* ---- detection ---- */

static void
a_server_finds_out_how_its_clients_speak (void)
{
  static const gchar *const queries[] = { "transport=header", "transport=auto&protocol=auto",
                                          "transport=auto" };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      Running *running = start (queries[i]);
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_autoptr (TallyChannel) channel = reach (running, pool, "transport=header&protocol=compact");

      for (guint k = 0; k < G_N_ELEMENTS (all_speeches); k++)
        {
          gint fd = peer_connect (running);

          CU_ASSERT_TRUE (peer_echoes (fd, &all_speeches[k], 7, "first"));
          CU_ASSERT_TRUE (peer_echoes (fd, &all_speeches[k], 8, "second"));
          close (fd);
        }
      check_headers (channel);
      tally_pool_close (pool);
      running_stop (running);
    }
}

static void
a_protocol_alone_is_found_out (void)
{
  for (guint framed = 0; framed < 2; framed++)
    {
      Running *running =
          start (framed ? "transport=framed&protocol=auto" : "transport=buffered&protocol=auto");

      for (guint k = 0; k < G_N_ELEMENTS (all_speeches); k++)
        if (all_speeches[k].framed == (framed != 0))
          {
            gint fd = peer_connect (running);

            CU_ASSERT_TRUE (peer_echoes (fd, &all_speeches[k], 7, "text"));
            close (fd);
          }
      running_stop (running);
    }
}

/* A byte in each segment, as far as the kernel lets us. */
static void
first_bytes_may_come_one_by_one (void)
{
  Running *running = start ("transport=auto");

  for (guint k = 0; k < G_N_ELEMENTS (all_speeches); k++)
    {
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };
      Answer answer = { 0 };

      write_echo (&request, &all_speeches[k], 9, "slowly");
      for (gsize i = 0; i < request.length; i++)
        {
          CU_ASSERT_TRUE (write (fd, request.data + i, 1) == 1);
          g_thread_yield (); /* lets the server go first, which may be */
        }
      tally_buffer_clear (&request);
      CU_ASSERT_TRUE (peer_receive (fd, &all_speeches[k], TALLY_KIND_STRING, &answer));
      assert_string (answer.text, "slowly");
      answer_clear (&answer);
      close (fd);
    }
  running_stop (running);
}

/* ---- what is refused ---- */

/* Sends the frame; gives the text of the exception that it is answered with, behind which the connection ends. */
static gchar *
refuse (Running *running, const TallyBuffer *frame)
{
  gint fd = peer_connect (running);
  TallyBuffer bytes = { NULL, 0, 0 };
  guint8 received[4096];
  gsize length = 0;
  gssize count;
  TallyHeaderFrame header;
  gchar *text = NULL;

  write_raw (&bytes, &framed_binary, frame->data, frame->length);
  peer_send (fd, &bytes);
  while (length < sizeof received
         && (count = read (fd, received + length, sizeof received - length)) > 0)
    length += count;
  close (fd);
  if (length > 4 && tally_header_frame_read (&header, received + 4, length - 4, NULL))
    {
      Answer answer = { 0 };
      Speech speech = { header.codec, TALLY_PROTOCOL_BINARY, FALSE };

      answer_parse (&answer, &speech, header.payload, header.payload_length, TALLY_KIND_STRING);
      assert_int (answer.type, T_EXCEPTION);
      text = g_strdup (answer.text);
      answer_clear (&answer);
    }
  return text;
}

static void
malformed_frames_are_refused_in_words (void)
{
  static const struct
  {
    const gchar *bytes;
    gsize length;
    const gchar *words;
  } frames[] = {
    { "\x0f\xff\0\0\0\0\0\x01\0\x01\0\x01\x03\0", 14, "transform 3" },
    { "\x0f\xff\0\0\0\0\0\x01\0\x01\x09\0\0\0", 14, "the id 9" },
    { "\x0f\xff\0\0\0\0\0\x01\xff\xff\0\0\0\0", 14, "a header of 262140 bytes" },
    { "\x0f\xff\0\0\0\0\0\x01\0\x01\0\x01\x01\0not zlib", 22, "no whole zlib data" },
    { "\x0f\xff\0", 3, "a frame of 3 bytes" },
  };
  Running *running = start ("transport=header");
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (TallyChannel) channel = reach (running, pool, "transport=header");

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      TallyBuffer frame = { (guint8 *) frames[i].bytes, frames[i].length, frames[i].length };
      g_autofree gchar *text = refuse (running, &frame);

      CU_ASSERT_PTR_NOT_NULL (text);
      if (text == NULL || strstr (text, frames[i].words) == NULL)
        assert_string (text, frames[i].words);
    }
  check_headers (channel);
  tally_pool_close (pool);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (headers_travel_both_ways),
    TEST (what_is_long_is_compressed_both_ways),
    TEST (a_deadline_is_told),
    TEST (what_is_late_is_not_executed),
    TEST (asynchronous_calls_have_headers),
    TEST (slow_calls_of_one_connection_are_inside_at_once),
    TEST (the_last_reply_tells_of_the_end),
    TEST (too_many_bytes_of_headers_send_nothing),
    TEST (auto_is_for_servers),
    TEST (a_server_finds_out_how_its_clients_speak),
    TEST (a_protocol_alone_is_found_out),
    TEST (first_bytes_may_come_one_by_one),
    TEST (malformed_frames_are_refused_in_words),
    { NULL, NULL },
  };

  /* GLib keeps descriptors for tasks, from the first one on. */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  return test_main ("header", cases, argc, argv);
}
