/* Runs the asynchronous example programs: a server whose answers come later, a client that waits for several of them, and a
 * monitor of several services. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "example.h"
#include "harness.h"
#include "peer.h"

#define TIMER_SERVER EXAMPLES_DIR "/timer/timer-server"
#define TIMER_CLIENT EXAMPLES_DIR "/timer/timer-client"
#define PING_MONITOR EXAMPLES_DIR "/timer/ping-monitor"

/* For calls that are to go well, on a busy machine. */
#define PATIENCE_MS "60000"

static gchar *
start_timer_server (TestProgram *server, const gchar *uri)
{
  return test_program_start_server (server, (const gchar *const[]){ TIMER_SERVER, uri, NULL });
}

/* ---- answers that come later ---- */

static void
check_waits (const gchar *listen_uri)
{
  TestProgram server;
  g_autofree gchar *uri = start_timer_server (&server, listen_uri);
  g_autofree gchar *output = NULL;

  if (uri == NULL)
    return;
  output = example_run ((const gchar *const[]){ TIMER_CLIENT, uri, "--timeout", PATIENCE_MS,
                                                "--waits", "20,0,10,0", NULL },
                        0);
  assert_contains (output, "waiting for 4 answers\n");
  assert_contains (output, "\n20 ms: over after ");
  assert_contains (output, "\n10 ms: over after ");
  assert_contains (output, "\n0 ms: over after ");
  example_stop (&server);
}

static void
timers_answer_later (void)
{
  check_waits ("tcp://127.0.0.1:0");
  check_waits ("tcp://127.0.0.1:0?protocol=compact&transport=buffered&order=any");
}

static void
a_time_out_of_range_is_refused (void)
{
  TestProgram server;
  g_autofree gchar *uri = start_timer_server (&server, "tcp://127.0.0.1:0");
  g_autofree gchar *output = NULL;

  if (uri == NULL)
    return;
  output = example_run ((const gchar *const[]){ TIMER_CLIENT, uri, "--timeout", PATIENCE_MS,
                                                "--waits", "-1,0,3600001", NULL },
                        1);
  assert_contains (output, "\n-1 ms: refused: 0 to 3600000 ms are possible\n");
  assert_contains (output, "\n3600001 ms: refused: ");
  assert_contains (output, "\n0 ms: over after ");
  example_stop (&server);
}

/* Neither the client nor the server that stops waits for the hour. */
static void
a_client_that_is_interrupted_leaves_nothing (void)
{
  TestProgram server;
  TestProgram client;
  g_autofree gchar *uri = start_timer_server (&server, "tcp://127.0.0.1:0");
  g_autofree gchar *line = NULL;
  g_autofree gchar *rest = NULL;

  if (uri == NULL
      || !test_program_start (&client, (const gchar *const[]){ TIMER_CLIENT, uri, "--waits",
                                                               "3600000,3600000", NULL }))
    return;
  line = test_program_read_line (&client);
  assert_string (line, "waiting for 2 answers");
  kill (client.pid, SIGINT);
  rest = test_program_read_all (&client);
  assert_int (test_program_wait (&client), 1);
  assert_contains (rest, "3600000 ms: failed: ");
  assert_contains (rest, "cancelled");
  example_stop (&server);
}

static void
a_server_that_cannot_listen_ends (void)
{
  g_autofree gchar *output =
      example_run ((const gchar *const[]){ TIMER_SERVER, "tcp://127.0.0.1:0?mode=shared", NULL },
                   1);

  assert_contains (output, "timer-server: ");
  assert_contains (output, "mode= and timeout= are a client's");
}

/* ---- the monitor ---- */

static void
the_monitor_pings_several_services (void)
{
  TestProgram timer;
  TestProgram calculator;
  guint16 port;
  gint reserved = test_reserve_port (&port);
  g_autofree gchar *place = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  g_autofree gchar *uri = start_timer_server (&timer, place);
  g_autofree gchar *other = NULL;
  g_autofree gchar *output = NULL;
  g_autofree gchar *expected = NULL;
  g_autofree gchar *expected_too = NULL;

  if (uri == NULL)
    return;
  other =
      test_program_start_server (&calculator, (const gchar *const[]){ CALCULATOR_SERVER,
                                                                      "tcp://127.0.0.1:0", NULL });
  if (other == NULL)
    return;
  output = example_run ((const gchar *const[]){ PING_MONITOR, "--count", "3", "--interval", "0.01",
                                                "--timeout", PATIENCE_MS, uri, other, NULL },
                        0);
  expected = g_strdup_printf ("%s: 3 of 3 pings answered, ", uri);
  expected_too = g_strdup_printf ("%s: 3 of 3 pings answered, ", other);
  assert_contains (output, "pinging 2 services\n");
  assert_contains (output, expected);
  assert_contains (output, expected_too);

  example_stop (&timer);
  g_free (output);
  output =
      example_run ((const gchar *const[]){ PING_MONITOR, "--count", "2", "--interval", "0",
                                           "--timeout", PATIENCE_MS, "--uri", other, uri, NULL },
                   1);
  g_free (expected);
  g_free (expected_too);
  expected = g_strdup_printf ("%s: 0 of 2 pings answered\n", uri);
  expected_too = g_strdup_printf ("%s: 2 of 2 pings answered, ", other);
  assert_contains (output, "Connection refused");
  assert_contains (output, expected);
  assert_contains (output, expected_too);
  example_stop (&calculator);
  close (reserved);
}

/* Between two pings, and while one waits for a server that does not answer. */
static void
the_monitor_ends_when_it_is_interrupted (void)
{
  TestProgram server;
  g_autofree gchar *uri = start_timer_server (&server, "tcp://127.0.0.1:0");

  if (uri == NULL)
    return;
  for (guint is_stopped = 0; is_stopped < 2; is_stopped++)
    {
      const gchar *const command[] = { PING_MONITOR, "-i", "3600", "-t", "3600000", uri, NULL };
      TestProgram monitor;
      g_autofree gchar *first = NULL;
      g_autofree gchar *second = NULL;
      g_autofree gchar *rest = NULL;

      if (is_stopped)
        kill (server.pid, SIGSTOP);
      if (test_program_start (&monitor, command))
        {
          first = test_program_read_line (&monitor);
          if (!is_stopped)
            second = test_program_read_line (&monitor);
          kill (monitor.pid, SIGINT);
          rest = test_program_read_all (&monitor);
          assert_int (test_program_wait (&monitor), 0);
        }
      if (is_stopped)
        kill (server.pid, SIGCONT);
      assert_string (first, "pinging 1 services");
      assert_contains (is_stopped ? "ms" : second, "ms");
      assert_contains (rest, is_stopped ? "0 of 0 pings" : "1 of 1 pings answered, ");
    }
  example_stop (&server);
}

/* ---- the command line ---- */

static void
programs_refuse_what_they_do_not_understand (void)
{
  static const struct
  {
    const gchar *command[5];
    const gchar *said;
  } cases[] = {
    { { TIMER_SERVER, "--nonsense" }, "timer-server: " },
    { { TIMER_SERVER, "tcp://127.0.0.1:0", "more" }, "unexpected argument \"more\"" },
    { { TIMER_CLIENT, "nonsense" }, "nonsense" },
    { { TIMER_CLIENT, "--waits", "1,2x" }, "--waits takes numbers" },
    { { TIMER_CLIENT, "--timeout", "0" }, "--timeout takes a number from 1" },
    { { PING_MONITOR, "-c", "-1" }, "--count takes a number from 0" },
    { { PING_MONITOR, "-i", "-1" }, "--interval takes a number from 0" },
    { { PING_MONITOR, "-t", "0" }, "--timeout takes a number from 1" },
    { { PING_MONITOR, "tcp://127.0.0.1:9", "nonsense" }, "nonsense" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *output = example_run (cases[i].command, 2);

      assert_contains (output, cases[i].said);
    }
}

static void
programs_say_what_they_take (void)
{
  static const gchar *const programs[] = { TIMER_SERVER, TIMER_CLIENT, PING_MONITOR };

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree gchar *output =
          example_run ((const gchar *const[]){ programs[i], "--help", NULL }, 0);

      assert_contains (output, "--uri=URI");
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (timers_answer_later),
    TEST (a_time_out_of_range_is_refused),
    TEST (a_client_that_is_interrupted_leaves_nothing),
    TEST (a_server_that_cannot_listen_ends),
    TEST (the_monitor_pings_several_services),
    TEST (the_monitor_ends_when_it_is_interrupted),
    TEST (programs_refuse_what_they_do_not_understand),
    TEST (programs_say_what_they_take),
    { NULL, NULL },
  };

  return test_main ("timer", cases, argc, argv);
}
