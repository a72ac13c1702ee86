/* Owns the tests of peers that are silent or slow, and of those that leave at any moment: they block
 * nobody, and the server answers the next client. What they send is test-server-hostile.c's. */
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "server-fixture.h"
#include "tls-relay.h"

#define BINARY (&all_speeches[0])

/* ---- time ---- */

static void
idle_connections_block_nobody (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1 max-queued=100");
  gint idle[20];

  for (guint i = 0; i < G_N_ELEMENTS (idle); i++)
    idle[i] = tls_relay_is_on () ? peer_connect_and_greet (running) : peer_connect (running);
  check_alive (running);
  for (guint i = 0; i < G_N_ELEMENTS (idle); i++)
    close (idle[i]);
  running_stop (running);
}

/* Whether the connection was served before it was closed: on a busy machine its peer may have come too late. */
static gboolean
is_served_and_closed (guint idle_timeout_ms)
{
  g_autofree gchar *options = g_strdup_printf ("idle-timeout=%u", idle_timeout_ms);
  Running *running = running_start (BINARY, NULL, options);
  gint fd = peer_connect (running);
  gboolean is_served = peer_echoes (fd, BINARY, 1, "then nothing");
  TallyServerSnapshot statistics;

  CU_ASSERT (peer_sees_end (fd));
  tally_server_snapshot (running->server, &statistics);
  assert_int (statistics.timed_out, 1);
  close (fd);
  running_stop (running);
  return is_served;
}

static void
idle_connection_is_closed (void)
{
  guint timeout_ms = 20;

  for (; !is_served_and_closed (timeout_ms); timeout_ms *= 2)
    CU_ASSERT_TRUE_FATAL (timeout_ms < 60 * 1000);
}

/* More slow writers than workers, and a byte now and then prolongs nothing. */
static void
slow_writers (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running =
          running_start (&all_speeches[s], NULL,
                         "max-workers=2 max-queued=64 read-timeout=50 idle-timeout=0");
      TallyBuffer request = { NULL, 0, 0 };
      gint fds[8];

      write_echo (&request, running->speech, 1, "never complete");
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          fds[i] = peer_connect (running);
          CU_ASSERT (send (fds[i], request.data, request.length / 2, MSG_NOSIGNAL) > 0);
        }
      check_alive (running);
      /* Bytes trickle in until the server has had enough. */
      for (gsize at = request.length / 2; at < request.length - 1; at++)
        send (fds[0], request.data + at, 1, MSG_NOSIGNAL);
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          CU_ASSERT (peer_sees_end (fds[i]));
          close (fds[i]);
        }
      assert_int (test_handler_n_calls (running->handler), 1);
      tally_buffer_clear (&request);
      running_stop (running);
    }
}

/* Every message arrives byte by byte and is understood. */
static void
a_byte_at_a_time (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };
      Answer answer;

      write_echo (&request, running->speech, 6, "slowly");
      for (gsize i = 0; i < request.length; i++)
        CU_ASSERT (send (fd, request.data + i, 1, MSG_NOSIGNAL) == 1);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_STRING, &answer));
      assert_string (answer.text, "slowly");
      answer_clear (&answer);
      tally_buffer_clear (&request);
      close (fd);
      running_stop (running);
    }
}

/* It asks and asks and never reads: no worker waits for it, and its time runs out. */
static void
slow_readers (void)
{
  Running *running = running_start (BINARY, NULL, "max-workers=1 write-timeout=50");
  /* more than the kernel takes for both ends, which may be 4 MiB and a little */
  g_autofree gchar *text = g_strnfill (12 * 1024 * 1024, 'x');
  TallyServerSnapshot statistics;
  gint fds[3];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      TallyBuffer request = { NULL, 0, 0 };

      fds[i] = peer_connect (running);
      write_echo (&request, BINARY, 1, text);
      write_echo (&request, BINARY, 2, "behind it");
      peer_send (fds[i], &request);
    }
  check_alive (running);
  do
    {
      tally_server_snapshot (running->server, &statistics);
      g_thread_yield ();
    }
  while (statistics.timed_out < G_N_ELEMENTS (fds));
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  check_alive (running);
  running_stop (running);
}

/* ---- lifecycle ---- */

static void
half_a_frame_then_the_end (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      TallyBuffer request = { NULL, 0, 0 };
      gint fin = peer_connect (running);
      gint rst = peer_connect (running);

      write_echo (&request, running->speech, 1, "never complete");
      CU_ASSERT (send (fin, request.data, request.length / 2, MSG_NOSIGNAL) > 0);
      CU_ASSERT (send (rst, request.data, request.length / 2, MSG_NOSIGNAL) > 0);
      shutdown (fin, SHUT_WR);
      CU_ASSERT (peer_sees_end (fin));
      close (fin);
      peer_reset (rst);
      check_alive (running);
      assert_int (test_handler_n_calls (running->handler), 1);
      tally_buffer_clear (&request);
      running_stop (running);
    }
}

static void
reset_in_the_middle_of_a_reply (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  /* more than the kernel takes for both ends, which may be 4 MiB and a little */
  g_autofree gchar *text = g_strnfill (12 * 1024 * 1024, 'x');
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);
  guint8 some[1000];

  write_echo (&request, BINARY, 1, text);
  peer_send (fd, &request);
  CU_ASSERT (recv (fd, some, sizeof some, 0) > 0);
  peer_reset (fd);
  check_alive (running);
  running_stop (running);
}

static void
reset_while_the_handler_works (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);

  write_request (&request, BINARY, "block", T_CALL, 1, NULL, NULL);
  peer_send (fd, &request);
  test_handler_wait_inside (running->handler, 1);
  peer_reset (fd);
  test_handler_release (running->handler);
  check_alive (running);
  running_stop (running);
}

/* A request and a FIN behind it is a peer that still wants its answer. */
static void
answers_a_half_closed_peer (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);
  Answer answer;

  write_echo (&request, BINARY, 4, "last words");
  peer_send (fd, &request);
  shutdown (fd, SHUT_WR);
  CU_ASSERT (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_string (answer.text, "last words");
  answer_clear (&answer);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
  running_stop (running);
}

static void
handler_fails_half_way (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);
  Answer answer;

  write_request (&request, BINARY, "half", T_CALL, 1, NULL, NULL);
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  answer_clear (&answer);
  CU_ASSERT (peer_echoes (fd, BINARY, 2, "and on"));
  close (fd);
  running_stop (running);
}

static void
failed_oneway_then_a_call (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  const TextArgs args = { "fail" };
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect (running);

  write_request (&request, BINARY, "note", T_ONEWAY, 1, &text_args_info, &args);
  write_request (&request, BINARY, "note", T_CALL, 2, &text_args_info, &args);
  write_request (&request, BINARY, "nope", T_ONEWAY, 3, NULL, NULL);
  peer_send (fd, &request);
  CU_ASSERT (peer_echoes (fd, BINARY, 4, "the first answer"));
  close (fd);
  running_stop (running);
}

/* ---- a processor that hangs up ---- */

typedef ThriftProcessor Deserter;
typedef ThriftProcessorClass DeserterClass;

GType deserter_get_type (void);
G_DEFINE_TYPE (Deserter, deserter, THRIFT_TYPE_PROCESSOR)

static sem_t deserter_waits, deserter_goes_on;

/* A call of "half" it answers before; one of "wait" it answers, late. */
static gboolean
deserter_process (ThriftProcessor *self, ThriftProtocol *in, ThriftProtocol *out, GError **error)
{
  g_autofree gchar *name = NULL;
  ThriftMessageType type;
  gint32 seqid;

  thrift_protocol_read_message_begin (in, &name, &type, &seqid, NULL);
  if (strcmp (name, "wait") == 0)
    {
      sem_post (&deserter_waits);
      sem_wait (&deserter_goes_on);
    }
  if (strcmp (name, "close") != 0)
    {
      thrift_protocol_write_message_begin (out, name, T_REPLY, seqid, NULL);
      thrift_protocol_write_field_stop (out, NULL);
      thrift_transport_flush (out->transport, NULL);
    }
  if (strcmp (name, "wait") == 0)
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_HANG_UP, "it has left");
  return FALSE;
}

static void
deserter_class_init (DeserterClass *class)
{
  class->process = deserter_process;
}

static void
deserter_init (Deserter *self)
{
}

/* The bytes that come before the end of the connection by which @name is called. */
static gsize
count_answered (Running *running, const Speech *speech, const gchar *name)
{
  gint fd = peer_connect (running);
  gsize count = 0;
  guint8 byte;

  peer_call (fd, speech, name, 1);
  while (recv (fd, &byte, 1, 0) > 0)
    count++;
  close (fd);
  return count;
}

static void
check_hanging_up (const Speech *speech, const gchar *address)
{
  const gsize whole =
      (speech->framed ? 4 : 0) + (speech->protocol == TALLY_PROTOCOL_COMPACT ? 9 : 17);
  Running *running =
      running_start_with (g_object_new (deserter_get_type (), NULL),
                          g_object_new (test_handler_get_type (), NULL), speech, address, NULL);

  assert_int (count_answered (running, speech, "close"), 0);
  assert_int (count_answered (running, speech, "half"), whole / 2);
  running_stop (running);
}

/* Whether requests run apart from their connection or not. */
static void
processor_that_hangs_up (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      check_hanging_up (&all_speeches[s], NULL);
      check_hanging_up (&all_speeches[s], "tcp://127.0.0.1:0?order=any");
      check_hanging_up (&all_speeches[s], "tcp://127.0.0.1:0?concurrent=yes");
    }
}

/* The connection ends, and what another request of it is answered later goes nowhere. */
static void
processor_that_hangs_up_beside_another (void)
{
  Running *running =
      running_start_with (g_object_new (deserter_get_type (), NULL),
                          g_object_new (test_handler_get_type (), NULL), &framed_binary,
                          "tcp://127.0.0.1:0?order=any", "max-workers=4");
  gint fd = peer_connect (running);
  gsize count = 0;
  guint8 byte;

  peer_call (fd, &framed_binary, "wait", 1);
  sem_wait (&deserter_waits);
  peer_call (fd, &framed_binary, "half", 2);
  while (recv (fd, &byte, 1, 0) > 0)
    count++;
  assert_int (count, 10);
  sem_post (&deserter_goes_on);
  close (fd);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (idle_connections_block_nobody),
    TEST (idle_connection_is_closed),
    TEST (slow_writers),
    TEST (a_byte_at_a_time),
    TEST (slow_readers),
    TEST (half_a_frame_then_the_end),
    TEST (reset_in_the_middle_of_a_reply),
    TEST (reset_while_the_handler_works),
    TEST (answers_a_half_closed_peer),
    TEST (handler_fails_half_way),
    TEST (failed_oneway_then_a_call),
    TEST (processor_that_hangs_up),
    TEST (processor_that_hangs_up_beside_another),
    { NULL, NULL },
  };

  sem_init (&deserter_waits, 0, 0);
  sem_init (&deserter_goes_on, 0, 0);
  return test_main ("server-peers", cases, argc, argv);
}
