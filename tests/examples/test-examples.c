/* Runs the example programs for real: servers on free ports, killed, restarted and drained, and
 * clients that say what happened. */
#include "example.h"
#include "harness.h"
#include "peer.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ECHO_SERVER EXAMPLES_DIR "/echo/echo-server"
#define ECHO_CLIENT EXAMPLES_DIR "/echo/echo-client"
#define ECHO_COMPARE EXAMPLES_DIR "/echo/echo-compare"
#define CALCULATOR_CLIENT EXAMPLES_DIR "/tutorial/calculator-client"

/* For calls that are to go well, on a busy machine. */
#define PATIENCE_MS "60000"

static gchar *
start_echo_server (TestProgram *server, const gchar *uri)
{
  return test_program_start_server (server,
                                    (const gchar *const[]){ ECHO_SERVER, "--uri", uri, NULL });
}

/* Where a server may be started again, while *@reserved is open. (transfer full) */
static gchar *
reserve_uri (gint *reserved)
{
  guint16 port;

  *reserved = test_reserve_port (&port);
  return g_strdup_printf ("tcp://127.0.0.1:%u", port);
}

/* ---- echo ---- */

static void
check_echo_at (const gchar *listen_uri)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *output = NULL;
  TestProgram server;

  uri = start_echo_server (&server, listen_uri);
  if (uri == NULL)
    return;
  output = example_run ((const gchar *const[]){ ECHO_CLIENT, "--timeout", PATIENCE_MS, "--uri", uri,
                                                "--repeat", "2", NULL },
                        0);
  assert_contains (output, "round 1: all is well");
  assert_contains (output, "2 since the server started");
  assert_contains (output, "round 2: all is well");
  example_stop (&server);
}

static void
client_makes_every_call (void)
{
  check_echo_at ("tcp://127.0.0.1:0");
  check_echo_at ("tcp://127.0.0.1:0?protocol=compact");
  check_echo_at ("tcp://127.0.0.1:0?transport=buffered");
  check_echo_at ("tcp://127.0.0.1:0?protocol=compact&transport=buffered");
}

static void
client_makes_every_call_over_a_unix_socket (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "socket", NULL);
  g_autofree gchar *uri = g_strconcat ("unix://", path, NULL);

  check_echo_at (uri);
  g_unlink (path);
  assert_int (g_rmdir (directory), 0);
}

/* Has the prompted client make a round; returns the line that sums it up. (nullable) */
static gchar *
make_round (TestProgram *client, GString *said)
{
  gchar *line;

  test_program_write (client, "\n");
  while ((line = test_program_read_line (client)) != NULL)
    {
      g_string_append_printf (said, "%s\n", line);
      if (g_str_has_suffix (line, "all is well") || g_str_has_suffix (line, "calls failed"))
        return line;
      g_free (line);
    }
  return NULL;
}

static void
assert_round (TestProgram *client, const gchar *end)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autofree gchar *line = make_round (client, said);

  if (line == NULL || !g_str_has_suffix (line, end))
    assert_string (said->str, end);
  else
    CU_PASS ();
}

/* Rounds until one succeeds: after a failure to connect the pool waits a little before it dials. */
static void
assert_recovers (TestProgram *client)
{
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;
  g_autoptr (GString) said = g_string_new (NULL);

  while (g_get_monotonic_time () < end)
    {
      g_autofree gchar *line = make_round (client, said);

      if (line == NULL)
        break;
      if (g_str_has_suffix (line, "all is well"))
        return;
      g_string_truncate (said, 0);
    }
  assert_string (said->str, "all is well");
}

/* Starts a server at a port that nothing else gets while *@reserved is open, and a client that waits for prompts; sees
 * that they talk. (nullable): the URI. */
static gchar *
start_pair (TestProgram *server, TestProgram *client, gint *reserved)
{
  g_autofree gchar *place = reserve_uri (reserved);
  g_autofree gchar *uri = start_echo_server (server, place);
  const gchar *const command[] = { ECHO_CLIENT, "--prompted", "--timeout", PATIENCE_MS,
                                   "--uri",     uri,          NULL };

  if (uri == NULL || !test_program_start (client, command))
    return NULL;
  assert_round (client, "all is well");
  return g_steal_pointer (&uri);
}

static void
client_survives_a_restart_between_calls (void)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *again = NULL;
  TestProgram server, client;
  gint reserved;

  uri = start_pair (&server, &client, &reserved);
  if (uri == NULL)
    return;
  kill (server.pid, SIGKILL);
  assert_int (test_program_wait (&server), 128 + SIGKILL);
  again = start_echo_server (&server, uri);
  assert_string (again, uri);
  /* The pool sees that its connection is dead before it lends it: no call fails. */
  assert_round (&client, "all is well");
  example_stop (&server);
  assert_int (test_program_wait (&client), 0);
  close (reserved);
}

static void
client_says_that_the_server_is_gone (void)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *again = NULL;
  g_autofree gchar *line = NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  TestProgram server, client;
  gint reserved;

  uri = start_pair (&server, &client, &reserved);
  if (uri == NULL)
    return;
  kill (server.pid, SIGKILL);
  assert_int (test_program_wait (&server), 128 + SIGKILL);
  line = make_round (&client, said);
  assert_contains (line, "5 of 5 calls failed");
  assert_contains (said->str, uri);
  assert_contains (said->str, "Connection refused");

  again = start_echo_server (&server, uri);
  assert_string (again, uri);
  assert_recovers (&client);
  example_stop (&server);
  assert_int (test_program_wait (&client), 1); /* some calls failed */
  close (reserved);
}

static void
server_ends_well_while_clients_are_connected (void)
{
  g_autofree gchar *uri = NULL;
  TestProgram server, client;
  gint reserved;

  uri = start_pair (&server, &client, &reserved);
  if (uri == NULL)
    return;
  example_stop (&server);
  assert_int (test_program_wait (&client), 0);
  close (reserved);
}

static void
server_says_why_it_cannot_listen (void)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *output = NULL;
  g_autofree gchar *bad = NULL;
  TestProgram server;

  uri = start_echo_server (&server, "tcp://127.0.0.1:0");
  if (uri == NULL)
    return;
  output = example_run ((const gchar *const[]){ ECHO_SERVER, "--uri", uri, NULL }, 1);
  assert_contains (output, "in use");
  example_stop (&server);
  bad = example_run ((const gchar *const[]){ ECHO_SERVER, "--uri",
                                             "tcp://127.0.0.1:0?protocol=morse", NULL },
                     1);
  assert_contains (bad, "morse");
}

/* What is wrong is said, and that is all that happens. */
static void
server_says_which_options_are_a_clients (void)
{
  static const gchar *const uris[] = { "tcp://127.0.0.1:0?mode=shared",
                                       "tcp://127.0.0.1:0?timeout=500" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autofree gchar *output =
          example_run ((const gchar *const[]){ ECHO_SERVER, uris[i], NULL }, 1);

      assert_contains (output, "mode= and timeout= are a client's");
    }
}

static void
programs_refuse_bad_options (void)
{
  static const struct
  {
    const gchar *command[5];
    const gchar *said;
  } cases[] = {
    { { ECHO_SERVER, "--nonsense" }, "echo-server: " },
    { { ECHO_SERVER, "tcp://127.0.0.1:0", "more" }, "unexpected argument \"more\"" },
    { { ECHO_CLIENT, "--uri", "nonsense" }, "nonsense" },
    { { ECHO_CLIENT, "--uri", "tcp://[::1]:9", "tcp://[::1]:9" }, "unexpected argument" },
    { { ECHO_CLIENT, "-n", "0" }, "--repeat" },
    { { ECHO_CLIENT, "-n", "-3" }, "--repeat" },
    { { ECHO_CLIENT, "-t", "-5" }, "--timeout" },
    { { ECHO_CLIENT, "-i", "-1" }, "--interval" },
    { { ECHO_COMPARE, "--callers", "0" }, "--callers" },
    { { ECHO_COMPARE, "--in-flight", "-1" }, "--in-flight" },
    { { ECHO_COMPARE, "--rate", "-1" }, "--rate" },
    { { ECHO_COMPARE, "--modes", "" }, "--modes" },
    { { ECHO_COMPARE, "--modes", "pooled,spooled" }, "spooled" },
    { { ECHO_COMPARE, "tcp://127.0.0.1:9", "more" }, "unexpected argument \"more\"" },
    { { CALCULATOR_SERVER, "tcp://127.0.0.1:0", "more" }, "unexpected argument \"more\"" },
    { { CALCULATOR_CLIENT, "--nonsense" }, "calculator-client: " },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *output = example_run (cases[i].command, 2);

      assert_contains (output, cases[i].said);
    }
}

static void
programs_explain_their_options (void)
{
  static const gchar *const programs[] = { ECHO_SERVER, ECHO_CLIENT, ECHO_COMPARE,
                                           CALCULATOR_SERVER, CALCULATOR_CLIENT };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree gchar *output =
          example_run ((const gchar *const[]){ programs[i], "--help", NULL }, 0);

      assert_contains (output, "--uri=URI");
    }
}

/* ---- the comparison ---- */

/* @code is Python that looks at `data`. */
static void
assert_json (const gchar *path, const gchar *code)
{
  g_autofree gchar *script =
      g_strdup_printf ("import json, sys\ndata = json.load(open(sys.argv[1]))\n"
                       "modes = {m['mode']: m for m in data['modes']}\n%s",
                       code);
  g_autofree gchar *output =
      example_run ((const gchar *const[]){ "python3", "-c", script, path, NULL }, 0);

  assert_string (output, "");
}

/* Runs the comparison with @options, which end with NULL, and looks at its JSON with @code. */
static void
compare_with (const gchar *const *options, const gchar *said, const gchar *code)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "results.json", NULL);
  g_autofree gchar *output = NULL;
  const gchar *command[24] = { ECHO_COMPARE, "--json", path };
  guint n;

  for (n = 3; *options != NULL && n + 1 < G_N_ELEMENTS (command); n++)
    command[n] = *options++;
  output = example_run (command, 0);
  assert_contains (output, said);
  assert_json (path, code);
  g_unlink (path);
  assert_int (g_rmdir (directory), 0);
}

static void
compare_measures_asynchronous_calls (void)
{
  compare_with (
      (const gchar *const[]){ "--callers", "2", "--calls", "50", "--rounds", "2", "--modes",
                              "async-shared,async-pooled", "--in-flight", "10", NULL },
      "async-shared suits a main loop",
      "assert list(modes) == ['async-shared', 'async-pooled'] and data['in_flight'] == 10\n"
      "for m in modes.values():\n"
      "    assert m['calls'] == 200 and m['failures'] == 0, m\n"
      "assert modes['async-shared']['connects'] == 2\n" /* a round each */
      "assert 2 <= modes['async-pooled']['connects'] <= 4\n");
}

/* Calls that must wait for the one before it have waited from when they were to begin: at a rate that is too
 * high to keep, the last of them for as long as all took. */
static void
compare_measures_at_a_rate (void)
{
  compare_with ((const gchar *const[]){ "--callers", "1", "--calls", "200", "--rounds", "1",
                                        "--modes", "pooled,async-shared", "--rate", "10000000",
                                        NULL },
                "10000000 calls begin per second",
                "assert data['intended_calls_per_second'] == 10000000\n"
                "for m in modes.values():\n"
                "    assert m['calls'] == 200 and m['failures'] == 0, m\n"
                "    took = 1e6 * 200 / m['calls_per_second']\n"
                "    assert m['latency_us']['max'] > took / 2, m\n");
}

static void
compare_measures_its_own_server (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "results.json", NULL);
  g_autofree gchar *output =
      example_run ((const gchar *const[]){ ECHO_COMPARE, "--callers", "2", "--calls", "20",
                                           "--rounds", "2", "--size", "100", "--protocol",
                                           "compact", "--transport", "buffered", "--json", path,
                                           NULL },
                   0);

  assert_contains (output, "2 callers, each 20 calls in each of 2 rounds, 100 bytes");
  assert_contains (output, "protocol=compact&transport=buffered");
  assert_contains (output, "times as many calls per second as unpooled");
  CU_ASSERT (strstr (output, "\033") == NULL); /* progress is for terminals */
  assert_json (
      path, "assert list(modes) == ['unpooled', 'pooled', 'shared']\n"
            "for m in modes.values():\n"
            "    assert m['calls'] == 80 and m['failures'] == 0, m\n"
            "    assert m['calls_per_second'] > 0 and len(m['calls_per_second_by_round']) == 2, m\n"
            "    l = m['latency_us']\n"
            "    assert 0 < l['p50'] <= l['p90'] <= l['p99'] <= l['max'], m\n"
            "    assert m['connects'] == m['pool']['dials_done'], m\n"
            "    c = m['cpu_us_per_call']\n"
            "    assert c['client'] > 0 and c['server'] > 0, m\n"
            "assert data['cores'] > 0 and data['interrupted'] is False\n"
            "assert modes['unpooled']['connects'] == 80\n"
            "assert 2 <= modes['pooled']['connects'] <= 4\n"
            "assert modes['pooled']['pool']['borrows'] == 80\n"
            "assert modes['shared']['connects'] == 2\n"
            "assert modes['shared']['pool']['late_replies'] == 0\n");
  g_unlink (path);
  assert_int (g_rmdir (directory), 0);
}

static void
compare_echoes_the_rich_struct (void)
{
  g_autofree gchar *output =
      example_run ((const gchar *const[]){ ECHO_COMPARE, "--callers", "2", "--calls", "5",
                                           "--rounds", "1", "--rich", "--modes", "pooled", NULL },
                   0);

  assert_contains (output, "a rich struct");
}

static void
compare_takes_a_server_that_runs (void)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *output = NULL;
  g_autofree gchar *failed = NULL;
  TestProgram server;
  gint reserved;
  g_autofree gchar *place = reserve_uri (&reserved);
  g_autofree gchar *whole = g_strconcat (place, "?protocol=compact", NULL);

  uri = start_echo_server (&server, whole);
  if (uri == NULL)
    return;
  output =
      example_run ((const gchar *const[]){ ECHO_COMPARE, "--uri", uri, "--callers", "2", "--calls",
                                           "5", "--rounds", "1", "--size", "0", NULL },
                   0);
  assert_contains (output, uri);
  example_stop (&server);
  failed = example_run ((const gchar *const[]){ ECHO_COMPARE, "--uri", uri, "--callers", "2",
                                                "--calls", "5", "--rounds", "1", NULL },
                        1);
  assert_contains (failed, "Connection refused"); /* once, and no table */
  CU_ASSERT (failed != NULL && strchr (failed, '\n') == failed + strlen (failed) - 1);
  close (reserved);
}

static void
compare_reports_when_it_is_interrupted (void)
{
  g_autofree gchar *first = NULL;
  g_autofree gchar *rest = NULL;
  TestProgram compare;

  if (!test_program_start (&compare,
                           (const gchar *const[]){ ECHO_COMPARE, "--callers", "2", "--calls",
                                                   "1000000", "--rounds", "9", NULL }))
    return;
  first = test_program_read_line (&compare);
  assert_contains (first, "tcp://127.0.0.1:");
  kill (compare.pid, SIGINT);
  rest = test_program_read_all (&compare);
  assert_int (test_program_wait (&compare), 0);
  assert_contains (rest, "interrupted");
  assert_contains (rest, "calls/s");
}

static void
compare_fits_a_terminal (void)
{
  g_autofree gchar *output =
      example_run ((const gchar *const[]){ ECHO_COMPARE, "--callers", "2", "--calls", "5", NULL },
                   0);
  g_auto (GStrv) lines = g_strsplit (output != NULL ? output : "", "\n", -1);
  guint i;

  for (i = 0; lines[i] != NULL; i++)
    CU_ASSERT (strlen (lines[i]) <= 80);
}

/* ---- tutorial ---- */

static void
calculator_calculates (void)
{
  g_autofree gchar *uri = NULL;
  g_autofree gchar *output = NULL;
  TestProgram server;

  uri = test_program_start_server (&server, (const gchar *const[]){ CALCULATOR_SERVER,
                                                                    "tcp://127.0.0.1:0", NULL });
  if (uri == NULL)
    return;
  output = example_run ((const gchar *const[]){ CALCULATOR_CLIENT, uri, NULL }, 0);
  assert_string (output, "1 + 1 = 2\n"
                         "1 / 0: nothing can be divided by 0\n"
                         "15 - 10 = 5\n"
                         "journal: 15 - 10 = 5\n"
                         "the journal will be emptied\n");
  example_stop (&server);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (client_makes_every_call),
    TEST (client_makes_every_call_over_a_unix_socket),
    TEST (client_survives_a_restart_between_calls),
    TEST (client_says_that_the_server_is_gone),
    TEST (server_ends_well_while_clients_are_connected),
    TEST (server_says_why_it_cannot_listen),
    TEST (server_says_which_options_are_a_clients),
    TEST (programs_refuse_bad_options),
    TEST (programs_explain_their_options),
    TEST (compare_measures_its_own_server),
    TEST (compare_measures_asynchronous_calls),
    TEST (compare_measures_at_a_rate),
    TEST (compare_echoes_the_rich_struct),
    TEST (compare_takes_a_server_that_runs),
    TEST (compare_reports_when_it_is_interrupted),
    TEST (compare_fits_a_terminal),
    TEST (calculator_calculates),
    { NULL, NULL },
  };

  return test_main ("examples", cases, argc, argv);
}
