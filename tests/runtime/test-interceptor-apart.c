/* What a server's interceptors are told of requests that run apart and that no worker comes to. */
#include <string.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"

#define BINARY (&framed_binary)

/* The answer before them finds that the client has gone. */
static void
requests_that_are_never_executed_are_told (void)
{
  Running *running = running_start (BINARY, "tcp://127.0.0.1:0?order=any", "max-workers=1");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  TallyCallInfo *info;

  write_request (&request, BINARY, "block", T_CALL, 1, NULL, NULL);
  for (guint i = 0; i < 40; i++)
    write_echo (&request, BINARY, 2, "never");
  peer_send (fd, &request);
  test_handler_wait_inside (running->handler, 1);
  assert_int (recorder->n_before, 1);
  peer_reset (fd);
  test_handler_release (running->handler);
  info = recorder_wait (recorder, 41);
  recorder_check (recorder, 41);
  assert_string (tally_call_info_get_method (info), "echo");
  assert_int (tally_call_info_get_seqid (info), 2);
  assert_int (tally_call_info_get_outcome (info), TALLY_CALL_CANCELLED);
  assert_int (tally_call_info_get_reply_bytes (info), 0);
  assert_error (tally_call_info_get_error (info), G_IO_ERROR, G_IO_ERROR_CANCELLED,
                "it was not executed");
  CU_ASSERT (test_handler_n_calls (running->handler) < 40);
  running_stop (running);
}

/* A stop does not wait for what it cannot execute in time, and says so. */
static void
requests_that_a_stop_cuts_off_are_told (void)
{
  Running *running =
      running_start (BINARY, "tcp://127.0.0.1:0?order=any", "max-workers=1 drain-timeout=1");
  g_autoptr (Recorder) recorder = recorder_new_at_server (running->server, "a");
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  TallyCallInfo *info;
  Answer answer;

  write_request (&request, BINARY, "block", T_CALL, 1, NULL, NULL);
  write_echo (&request, BINARY, 2, "never");
  peer_send (fd, &request);
  test_handler_wait_inside (running->handler, 1);
  tally_server_stop (running->server);
  info = recorder_wait (recorder, 1);
  assert_int (tally_call_info_get_seqid (info), 2);
  assert_int (tally_call_info_get_outcome (info), TALLY_CALL_EXCEPTION);
  CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_STRING, &answer));
  assert_int (answer.seqid, 2);
  assert_string (answer.text, tally_call_info_get_error (info)->message);
  CU_ASSERT_PTR_NOT_NULL (strstr (answer.text, "the request was not executed"));
  answer_clear (&answer);
  test_handler_release (running->handler);
  recorder_wait (recorder, 2);
  recorder_check (recorder, 2);
  assert_int (test_handler_n_calls (running->handler), 0);
  close (fd);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (requests_that_are_never_executed_are_told),
    TEST (requests_that_a_stop_cuts_off_are_told),
    { NULL, NULL },
  };

  return test_main ("interceptor-apart", cases, argc, argv);
}
