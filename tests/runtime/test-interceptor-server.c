/* What a server's interceptors are told: of each request once before and once after, whatever becomes of it. */
#include <string.h>
#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"

#define BINARY (&framed_binary)

static void
send_text (gint fd, const gchar *method, ThriftMessageType type, gint32 seqid, const gchar *text)
{
  TextArgs args = { (gchar *) text };
  TallyBuffer request = { NULL, 0, 0 };

  write_request (&request, BINARY, method, type, seqid, &text_args_info, &args);
  peer_send (fd, &request);
}

/* ---- what they are told ---- */

static void
each_request_is_told (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };
      TallyCallInfo *info;

      write_echo (&request, &all_speeches[s], 77, "hello");
      CU_ASSERT_TRUE (peer_echoes (fd, &all_speeches[s], 77, "hello"));
      info = recorder_wait (recorder, 1);
      CU_ASSERT_TRUE (tally_call_info_is_server (info));
      CU_ASSERT_FALSE (tally_call_info_is_oneway (info));
      assert_string (tally_call_info_get_method (info), "echo");
      CU_ASSERT_PTR_NULL (tally_call_info_get_service (info));
      assert_string (tally_call_info_get_peer (info), "127.0.0.1");
      assert_int (tally_call_info_get_seqid (info), 77);
      assert_int (tally_call_info_get_attempts (info), 1);
      assert_int (tally_call_info_get_request_bytes (info),
                  request.length - (all_speeches[s].framed ? 4 : 0));
      CU_ASSERT (tally_call_info_get_reply_bytes (info) > strlen ("echohello"));
      CU_ASSERT (tally_call_info_get_start_time (info) > 0);
      CU_ASSERT (tally_call_info_get_start_time (info) <= tally_call_info_get_end_time (info));
      assert_int (tally_call_info_get_outcome (info), TALLY_CALL_ANSWERED);
      CU_ASSERT_PTR_NULL (tally_call_info_get_error (info));
      CU_ASSERT_TRUE (peer_echoes (fd, &all_speeches[s], 78, "again"));
      recorder_wait (recorder, 2);
      recorder_check (recorder, 2);
      tally_buffer_clear (&request);
      close (fd);
      running_stop (running);
    }
}

static const struct
{
  const gchar *method;
  const gchar *text;
  ThriftMessageType type;
  TallyCallOutcome outcome;
  gint code; /* -1: no error */
} ends[] = {
  { "act", "declared", T_CALL, TALLY_CALL_DECLARED, -1 },
  { "act", "error", T_CALL, TALLY_CALL_EXCEPTION,
    THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR },
  { "nothing", "x", T_CALL, TALLY_CALL_EXCEPTION,
    THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD },
  { "nothing", "x", T_ONEWAY, TALLY_CALL_EXCEPTION,
    THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD },
  { "note", "news", T_ONEWAY, TALLY_CALL_ANSWERED, -1 },
  { "note", "fail", T_ONEWAY, TALLY_CALL_EXCEPTION,
    THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR },
};

static void
each_request_has_its_outcome (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      TallyCallInfo *info;
      const GError *error;

      send_text (fd, ends[i].method, ends[i].type, 5, ends[i].text);
      info = recorder_wait (recorder, i + 1);
      assert_int (tally_call_info_get_outcome (info), ends[i].outcome);
      assert_string (tally_call_info_get_method (info), ends[i].method);
      assert_int (tally_call_info_is_oneway (info), ends[i].type == T_ONEWAY);
      assert_int (tally_call_info_get_reply_bytes (info) == 0, ends[i].type == T_ONEWAY);
      error = tally_call_info_get_error (info);
      if (ends[i].code >= 0)
        assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, ends[i].code, NULL);
      else
        CU_ASSERT_PTR_NULL (error);
    }
  recorder_check (recorder, G_N_ELEMENTS (ends));
  close (fd);
  running_stop (running);
}

static void
a_multiplexed_request_names_its_service (void)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  ThriftProcessor *inner = test_processor_new (derived_processor_get_type (), handler);
  ThriftProcessor *outer = test_keep (g_object_new (THRIFT_TYPE_MULTIPLEXED_PROCESSOR, NULL));
  g_autoptr (Recorder) recorder = NULL;
  Running *running;
  Answer answer;
  gint fd;

  THRIFT_MULTIPLEXED_PROCESSOR_GET_CLASS (outer)->register_processor (outer, "base", inner, NULL);
  g_object_unref (inner);
  running = running_start_with (outer, handler, BINARY, NULL, NULL);
  recorder = recorder_new_at_server (running->server, "a");
  fd = peer_connect (running);
  send_text (fd, "base:echo", T_CALL, 3, "hello");
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_string (answer.text, "hello");
  answer_clear (&answer);
  recorder_wait (recorder, 1);
  assert_string (tally_call_info_get_service (recorder->last), "base");
  assert_string (tally_call_info_get_method (recorder->last), "echo");
  close (fd);
  running_stop (running);
}

/* Bytes that are no message are no request. */
static void
what_is_unreadable_is_not_told (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  TallyBuffer bytes = { NULL, 0, 0 };
  Answer answer;

  write_raw (&bytes, BINARY, "what is this?", 13);
  peer_send (fd, &bytes);
  peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer);
  answer_clear (&answer);
  check_alive (running);
  recorder_wait (recorder, 1);
  recorder_check (recorder, 1);
  assert_string (tally_call_info_get_method (recorder->last), "echo");
  close (fd);
  running_stop (running);
}

/* ---- refusing ---- */

static void
check_denied (GQuark domain, gint code, gint type)
{
  Running *running = running_start (BINARY, NULL, NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "bouncer");
  gint fd = peer_connect (running);
  Answer answer;

  recorder->refuse_domain = domain;
  recorder->refuse_code = code;
  send_text (fd, "note", T_ONEWAY, 8, "nothing is answered");
  send_text (fd, "echo", T_CALL, 9, "hello");
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.seqid, 9);
  assert_int (answer.number, type);
  assert_string (answer.name, "echo");
  assert_string (answer.text, "bouncer does not want it");
  answer_clear (&answer);
  recorder_wait (recorder, 2);
  recorder_check (recorder, 2);
  assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_REFUSED);
  assert_int (test_handler_n_calls (running->handler), 0);
  close (fd);
  running_stop (running);
}

static void
one_that_refuses_answers (void)
{
  check_denied (G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  check_denied (THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM,
                THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM);
}

/* What the server itself does not execute is told all the same, once. */
static void
what_the_server_refuses_is_told (void)
{
  Running *running = running_start (BINARY, NULL, "max-message-size=100");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  g_autofree gchar *text = g_strnfill (1000, 'x');
  gint fd = peer_connect (running);
  Answer answer;

  send_text (fd, "echo", T_CALL, 4, text);
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_int (answer.type, T_EXCEPTION);
  answer_clear (&answer);
  recorder_wait (recorder, 1);
  recorder_check (recorder, 1);
  assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_EXCEPTION);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (tally_call_info_get_error (recorder->last)->message, "passes the limit of 100"));
  close (fd);
  running_stop (running);
}

/* ---- requests that run apart, and those that are answered later ---- */

/* Each is told once, and has the answer that it would have without an interceptor. */
static void
check_apart (const gchar *address, const gchar *options, gboolean is_refusing)
{
  Running *running = running_start (BINARY, address, options);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);

  if (is_refusing)
    recorder->refuse_domain = G_IO_ERROR;
  for (guint i = 1; i <= 8; i++)
    send_text (fd, "echo", T_CALL, i, "hello");
  for (guint i = 1; i <= 8; i++)
    {
      Answer answer;

      CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
      assert_int (answer.type, is_refusing ? T_EXCEPTION : T_REPLY);
      assert_string (answer.text, is_refusing ? "a does not want it" : "hello");
      answer_clear (&answer);
    }
  recorder_wait (recorder, 8);
  recorder_check (recorder, 8);
  assert_string (tally_call_info_get_peer (recorder->last), "127.0.0.1");
  assert_int (tally_call_info_get_outcome (recorder->last),
              is_refusing ? TALLY_CALL_REFUSED : TALLY_CALL_ANSWERED);
  assert_int (test_handler_n_calls (running->handler), is_refusing ? 0 : 8);
  close (fd);
  running_stop (running);
}

static void
requests_that_run_apart_are_told (void)
{
  check_apart ("tcp://127.0.0.1:0?order=any", NULL, FALSE);
  check_apart ("tcp://127.0.0.1:0?order=any", NULL, TRUE);
  check_apart (NULL, "concurrent=1", FALSE);
  check_apart (NULL, "concurrent=1", TRUE);
}

/* A handler whose replies the test gives. */
typedef struct
{
  TestHandler parent;
  GAsyncQueue *replies; /* of TallyReply */
} PatientHandler;
typedef TestHandlerClass PatientHandlerClass;
static GType patient_handler_get_type (void);
G_DEFINE_TYPE (PatientHandler, patient_handler, test_handler_get_type ())

static void
keep_reply (TestHandler *self, const gchar *text, TallyReply *reply)
{
  g_async_queue_push (((PatientHandler *) self)->replies, tally_reply_ref (reply));
}

static void
patient_handler_finalize (GObject *object)
{
  g_async_queue_unref (((PatientHandler *) object)->replies);
  G_OBJECT_CLASS (patient_handler_parent_class)->finalize (object);
}

static void
patient_handler_class_init (PatientHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = patient_handler_finalize;
  klass->act_async = keep_reply;
  klass->echo_async = keep_reply;
  klass->note_async = keep_reply;
}

static void
patient_handler_init (PatientHandler *self)
{
  self->replies = g_async_queue_new ();
}

static Running *
start_patient (const gchar *address)
{
  TestHandler *handler = g_object_new (patient_handler_get_type (), NULL);

  return running_start_with (test_processor_new (derived_processor_get_type (), handler), handler,
                             BINARY, address, NULL);
}

static void
answer_with (Running *running, TallyCallOutcome outcome)
{
  TallyReply *reply = g_async_queue_pop (((PatientHandler *) running->handler)->replies);
  const gchar *text = "later";

  if (outcome == TALLY_CALL_ANSWERED)
    CU_ASSERT_TRUE (tally_reply_return (reply, test_echo_method, &text, NULL));
  if (outcome == TALLY_CALL_DECLARED)
    {
      g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);

      CU_ASSERT_TRUE (tally_reply_throw (reply, oops, NULL));
    }
  tally_reply_unref (reply); /* an exception says that it was dropped */
}

static const struct
{
  const gchar *method;
  ThriftMessageType type;
  TallyCallOutcome outcome;
} later_ends[] = {
  { "echo", T_CALL, TALLY_CALL_ANSWERED },
  { "act", T_CALL, TALLY_CALL_DECLARED },
  { "echo", T_CALL, TALLY_CALL_EXCEPTION },
  { "note", T_ONEWAY, TALLY_CALL_EXCEPTION },
};

static void
a_request_ends_when_it_is_answered (void)
{
  static const gchar *const addresses[] = { NULL, "tcp://127.0.0.1:0?order=any" };

  for (guint a = 0; a < G_N_ELEMENTS (addresses); a++)
    {
      Running *running = start_patient (addresses[a]);
      g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
      gint fd = peer_connect (running);

      for (guint i = 0; i < G_N_ELEMENTS (later_ends); i++)
        {
          TallyCallInfo *info;
          Answer answer;

          send_text (fd, later_ends[i].method, later_ends[i].type, i + 1, "x");
          answer_with (running, later_ends[i].outcome);
          if (later_ends[i].type == T_CALL)
            {
              CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
              assert_int (answer.seqid, i + 1);
              answer_clear (&answer);
            }
          info = recorder_wait (recorder, i + 1);
          assert_int (tally_call_info_get_outcome (info), later_ends[i].outcome);
          assert_int (tally_call_info_get_seqid (info), i + 1);
          assert_int (tally_call_info_get_reply_bytes (info) > 0, later_ends[i].type == T_CALL);
          CU_ASSERT (tally_call_info_get_request_bytes (info) > strlen (later_ends[i].method));
        }
      recorder_check (recorder, G_N_ELEMENTS (later_ends));
      close (fd);
      running_stop (running);
    }
}

/* It ends with its reply, which nobody waits for. */
static void
a_request_ends_though_its_client_has_gone (void)
{
  Running *running = start_patient (NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  TallyReply *reply;

  send_text (fd, "echo", T_CALL, 1, "x");
  reply = g_async_queue_pop (((PatientHandler *) running->handler)->replies);
  peer_reset (fd);
  while (!g_cancellable_is_cancelled (tally_reply_get_cancellable (reply)))
    g_thread_yield ();
  assert_int (recorder->n_after, 0);
  tally_reply_unref (reply);
  recorder_wait (recorder, 1);
  recorder_check (recorder, 1);
  running_stop (running);
}

static void
one_that_refuses_keeps_a_later_handler_out (void)
{
  Running *running = start_patient (NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "bouncer");
  gint fd = peer_connect (running);
  Answer answer;

  recorder->refuse_domain = G_IO_ERROR;
  send_text (fd, "echo", T_CALL, 9, "hello");
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_string (answer.text, "bouncer does not want it");
  answer_clear (&answer);
  recorder_wait (recorder, 1);
  recorder_check (recorder, 1);
  assert_int (g_async_queue_length (((PatientHandler *) running->handler)->replies), 0);
  close (fd);
  running_stop (running);
}

/* ---- time ---- */

static void
hold_the_first (Recorder *recorder, TallyCallInfo *info)
{
  if (strcmp (tally_call_info_get_method (info), "ping") != 0)
    return;
  g_mutex_lock (&recorder->lock);
  while (recorder->user_data == NULL)
    g_cond_wait (&recorder->changed, &recorder->lock);
  g_mutex_unlock (&recorder->lock);
}

static void
one_that_blocks_holds_up_its_request_alone (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;

  recorder->act = hold_the_first;
  write_request (&request, BINARY, "ping", T_CALL, 1, NULL, NULL);
  peer_send (fd, &request);
  check_alive (running);
  g_mutex_lock (&recorder->lock);
  recorder->user_data = recorder;
  g_cond_broadcast (&recorder->changed);
  g_mutex_unlock (&recorder->lock);
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
  answer_clear (&answer);
  recorder_wait (recorder, 2);
  recorder_check (recorder, 2);
  close (fd);
  running_stop (running);
}

/* Its client is gone, or the server stops: a request that was begun has its end. */
static void
each_request_ends (void)
{
  for (guint i = 0; i < 2; i++)
    {
      Running *running = running_start (BINARY, NULL, NULL);
      g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
      gint fd = peer_connect (running);
      TallyBuffer request = { NULL, 0, 0 };

      write_request (&request, BINARY, "block", T_CALL, 1, NULL, NULL);
      peer_send (fd, &request);
      test_handler_wait_inside (running->handler, 1);
      if (i == 0)
        peer_reset (fd);
      else
        tally_server_stop (running->server);
      test_handler_release (running->handler);
      recorder_wait (recorder, 1);
      recorder_check (recorder, 1);
      assert_int (tally_call_info_get_outcome (recorder->last), TALLY_CALL_ANSWERED);
      if (i == 1)
        close (fd);
      running_stop (running);
    }
}

static void
they_may_be_added_while_it_serves (void)
{
  Running *running = running_start (BINARY, NULL, NULL);
  gint fd = peer_connect (running);
  Recorder *recorders[5];

  for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
    {
      recorders[i] = recorder_new_at_server (running->server, "a");
      CU_ASSERT_TRUE (peer_echoes (fd, BINARY, i, "on"));
    }
  for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
    {
      recorder_wait (recorders[i], G_N_ELEMENTS (recorders) - i);
      recorder_check (recorders[i], G_N_ELEMENTS (recorders) - i);
      g_object_unref (recorders[i]);
    }
  close (fd);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_request_is_told),
    TEST (each_request_has_its_outcome),
    TEST (a_multiplexed_request_names_its_service),
    TEST (what_is_unreadable_is_not_told),
    TEST (one_that_refuses_answers),
    TEST (what_the_server_refuses_is_told),
    TEST (requests_that_run_apart_are_told),
    TEST (a_request_ends_when_it_is_answered),
    TEST (a_request_ends_though_its_client_has_gone),
    TEST (one_that_refuses_keeps_a_later_handler_out),
    TEST (one_that_blocks_holds_up_its_request_alone),
    TEST (each_request_ends),
    TEST (they_may_be_added_while_it_serves),
    { NULL, NULL },
  };

  return test_main ("interceptor-server", cases, argc, argv);
}
