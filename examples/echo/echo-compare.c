/* echo-compare: the same calls in several modes, in turn, and what each mode came to. Owns the
 * command line and the order of things. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command-line.h"
#include "compare.h"

static CompareOptions wanted = { .callers = 8, .calls = 1000, .size = 16, .rounds = 3 };
static CompareServer *started_server; /* (nullable): the one that was started here */
static gchar *option_protocol;
static gchar *option_transport;
static gchar *option_modes;
static gchar *option_json;
static gboolean option_rich;

static const GOptionEntry option_entries[] = {
  { "callers", 'c', 0, G_OPTION_ARG_INT, &wanted.callers, "Threads that call at once. Default: 8",
    "N" },
  { "calls", 'n', 0, G_OPTION_ARG_INT, &wanted.calls,
    "Calls of each caller in a round. Default: 1000", "N" },
  { "size", 's', 0, G_OPTION_ARG_INT, &wanted.size, "Bytes of the text that is echoed. Default: 16",
    "BYTES" },
  { "rich", 0, 0, G_OPTION_ARG_NONE, &option_rich,
    "Echo a rich struct of about 16 kB instead of a text", NULL },
  { "rounds", 'r', 0, G_OPTION_ARG_INT, &wanted.rounds,
    "Rounds; in each the modes take turns. Default: 3", "N" },
  { "connections", 0, 0, G_OPTION_ARG_INT, &wanted.connections,
    "Connections a pool may open. Default: as many as callers", "N" },
  { "protocol", 'p', 0, G_OPTION_ARG_STRING, &option_protocol, "binary or compact", "NAME" },
  { "transport", 't', 0, G_OPTION_ARG_STRING, &option_transport, "framed or buffered", "NAME" },
  { "modes", 'm', 0, G_OPTION_ARG_STRING, &option_modes,
    "Of unpooled, pooled, shared, async-pooled and async-shared. Default: the first three",
    "NAME,…" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &wanted.in_flight,
    "Calls under way at most in an asynchronous mode. Default: as many as callers", "N" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &wanted.rate,
    "Calls that begin per second, whatever became of those before. Default: no rate", "R" },
  { "json", 'j', 0, G_OPTION_ARG_FILENAME, &option_json, "Write the results there too", "FILE" },
  { NULL },
};

/* Which round of which mode is being measured. */
typedef struct
{
  const CompareMode *mode;
  gint round;
} Progress;

static void
show_progress (gdouble share, gpointer user_data)
{
  const Progress *progress = user_data;

  fprintf (stderr, "\r\033[Kround %d of %d, %s: %3.0f %%", progress->round + 1, wanted.rounds,
           progress->mode->name, share * 100);
  fflush (stderr);
}

/* Callers end before their next call; a second signal ends the program at once. */
static void
on_interrupt (int number)
{
  g_atomic_int_set (&wanted.interrupted, TRUE);
}

static void
catch_interrupt (void)
{
  struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_RESETHAND };

  sigaction (SIGINT, &action, NULL);
}

static void
run_round (CompareMode *mode, Progress *progress)
{
  CompareMachine before = compare_machine_read (&wanted, started_server);
  CompareMachine after;

  progress->mode = mode;
  compare_run_round (&wanted, mode, isatty (STDERR_FILENO) ? show_progress : NULL, progress);
  after = compare_machine_read (&wanted, started_server);
  compare_machine_charge (mode, &before, &after);
}

/* The modes take turns, and each round begins with another one. */
static void
run_rounds (GPtrArray *modes)
{
  Progress progress;
  guint i;

  for (progress.round = 0; progress.round < wanted.rounds; progress.round++)
    for (i = 0; i < modes->len && !g_atomic_int_get (&wanted.interrupted); i++)
      run_round (g_ptr_array_index (modes, (progress.round + i) % modes->len), &progress);
  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r\033[K");
}

static gboolean
parse (int *argc, char ***argv, GError **error)
{
  if (!command_line_parse (
          argc, argv,
          "Makes the same calls of the echo example with a connection for each, with\n"
          "pooled ones and with one that all share, on threads or in a main loop, and\n"
          "says what each way costs.",
          "The server to call; without it, one is started on a free loopback port", option_entries,
          &wanted.uri, error)
      || !command_line_check ("--callers", wanted.callers, 1, 10000, error)
      || !command_line_check ("--calls", wanted.calls, 1, 10000000, error)
      || !command_line_check ("--rounds", wanted.rounds, 1, 10000, error)
      || !command_line_check ("--size", wanted.size, 0, 10000000, error)
      || !command_line_check ("--in-flight", wanted.in_flight, 0, 100000, error)
      || !command_line_check ("--rate", wanted.rate, 0, 10000000, error)
      || !command_line_check ("--connections", wanted.connections, 0, 10000, error))
    return FALSE;
  if ((gint64) wanted.callers * wanted.calls * wanted.rounds > 100000000)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "callers times calls times rounds is more than 100,000,000");
      return FALSE;
    }
  if (option_rich)
    wanted.size = -1;
  if (wanted.in_flight == 0)
    wanted.in_flight = wanted.callers;
  if (wanted.connections == 0)
    wanted.connections = wanted.callers;
  return TRUE;
}

/* "protocol=compact&transport=framed", as far as it was asked for. */
static gchar *
dup_uri_options (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (option_protocol != NULL)
    g_string_append_printf (text, "protocol=%s", option_protocol);
  if (option_transport != NULL)
    g_string_append_printf (text, "%stransport=%s", text->len > 0 ? "&" : "", option_transport);
  return g_strdup (text->str);
}

static gchar **
dup_mode_names (void)
{
  return g_strsplit (option_modes != NULL ? option_modes : "unpooled,pooled,shared", ",", -1);
}

static gboolean
check_modes (GError **error)
{
  static const gchar *const known[] = { "unpooled",     "pooled",       "shared",
                                        "async-pooled", "async-shared", NULL };
  g_auto (GStrv) names = dup_mode_names ();
  guint i;

  for (i = 0; names[i] != NULL && g_strv_contains (known, names[i]); i++)
    continue;
  if (i > 0 && names[i] == NULL)
    return TRUE;
  g_set_error (
      error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--modes takes a list of unpooled, pooled, shared, async-pooled and async-shared, not \"%s\"",
      option_modes);
  return FALSE;
}

static GPtrArray *
make_modes (GError **error)
{
  g_autoptr (GPtrArray) modes = g_ptr_array_new_with_free_func ((GDestroyNotify) compare_mode_free);
  g_auto (GStrv) names = dup_mode_names ();
  guint i;

  for (i = 0; names[i] != NULL; i++)
    {
      CompareMode *mode = compare_mode_new (&wanted, names[i], error);

      if (mode == NULL)
        return NULL;
      g_ptr_array_add (modes, mode);
    }
  return g_steal_pointer (&modes);
}

/* Measures, reports, and says whether every call got the right answer. */
static gboolean
compare (GPtrArray *modes, GError **error)
{
  guint64 failures = 0;
  guint i;

  if (!compare_ask (&wanted, error))
    return FALSE;
  catch_interrupt ();
  compare_print_heading (&wanted, started_server != NULL);
  run_rounds (modes);
  compare_print (&wanted, modes, started_server != NULL);
  if (option_json != NULL
      && !compare_write_json (&wanted, modes, started_server != NULL, option_json, error))
    return FALSE;
  for (i = 0; i < modes->len; i++)
    failures += ((const CompareMode *) g_ptr_array_index (modes, i))->failures;
  if (failures > 0)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%" G_GUINT64_FORMAT " calls failed",
                 failures);
  return failures == 0;
}

/* Sets wanted.uri: of the server that was named, or of one that is started. */
static gboolean
find_server (GError **error)
{
  g_autofree gchar *uri_options = dup_uri_options ();
  g_autofree gchar *bare = NULL;

  if (wanted.uri == NULL)
    {
      started_server = compare_server_start (uri_options, &wanted.uri, error);
      return started_server != NULL;
    }
  if (*uri_options != '\0')
    {
      bare = wanted.uri;
      wanted.uri = g_strconcat (bare, strchr (bare, '?') != NULL ? "&" : "?", uri_options, NULL);
    }
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) modes = NULL;
  gboolean succeeded = FALSE;

  if (!parse (&argc, &argv, &error) || !check_modes (&error))
    {
      g_printerr ("echo-compare: %s\n", error->message);
      return 2;
    }
  if (find_server (&error))
    modes = make_modes (&error);
  if (modes != NULL)
    succeeded = compare (modes, &error);
  if (started_server != NULL && !compare_server_stop (started_server, succeeded ? &error : NULL))
    succeeded = FALSE;
  if (!succeeded)
    g_printerr ("echo-compare: %s\n", error->message);
  g_free (wanted.uri);
  return succeeded ? 0 : 1;
}
