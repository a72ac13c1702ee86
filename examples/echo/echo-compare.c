/* echo-compare: the same calls in several modes, in turn, and what each mode came to. Owns the
 * command line and the order of things. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command-line.h"
#include "compare.h"

static LoadOptions wanted;
static CompareServer *started_server; /* (nullable): the one that was started here */
static gint option_callers = 8;
static gint option_calls = 1000; /* of each caller, in each round */
static gint option_size = 16;    /* bytes of the text; -1 = the rich Payload instead */
static gint option_rounds = 3;
static gint option_connections;
static gint option_in_flight;
static gchar *option_protocol;
static gchar *option_transport;
static gchar *option_modes;
static gchar *option_json;
static gboolean option_rich;

static const GOptionEntry option_entries[] = {
  { "callers", 'c', 0, G_OPTION_ARG_INT, &option_callers, "Threads that call at once. Default: 8",
    "N" },
  { "calls", 'n', 0, G_OPTION_ARG_INT, &option_calls,
    "Calls of each caller in a round. Default: 1000", "N" },
  { "size", 's', 0, G_OPTION_ARG_INT, &option_size, "Bytes of the text that is echoed. Default: 16",
    "BYTES" },
  { "rich", 0, 0, G_OPTION_ARG_NONE, &option_rich,
    "Echo a rich struct of about 16 kB instead of a text", NULL },
  { "rounds", 'r', 0, G_OPTION_ARG_INT, &option_rounds,
    "Rounds; in each the modes take turns. Default: 3", "N" },
  { "connections", 0, 0, G_OPTION_ARG_INT, &option_connections,
    "Connections a pool may open. Default: as many as callers", "N" },
  { "protocol", 'p', 0, G_OPTION_ARG_STRING, &option_protocol, "binary or compact", "NAME" },
  { "transport", 't', 0, G_OPTION_ARG_STRING, &option_transport, "framed or buffered", "NAME" },
  { "modes", 'm', 0, G_OPTION_ARG_STRING, &option_modes,
    "Of unpooled, pooled, shared, async-pooled and async-shared. Default: the first three",
    "NAME,…" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &option_in_flight,
    "Calls under way at most in an asynchronous mode. Default: as many as callers", "N" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &wanted.rate,
    "Calls that begin per second, whatever became of those before. Default: no rate", "R" },
  { "json", 'j', 0, G_OPTION_ARG_FILENAME, &option_json, "Write the results there too", "FILE" },
  { NULL },
};

static void
show_progress (const LoadProgress *progress, gpointer user_data)
{
  fprintf (stderr, "\r\033[Kround %u of %u, %s: %3.0f %%", progress->round + 1, wanted.rounds,
           progress->mode->name, progress->share * 100);
  fflush (stderr);
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
      || !command_line_check ("--callers", option_callers, 1, 10000, error)
      || !command_line_check ("--calls", option_calls, 1, 10000000, error)
      || !command_line_check ("--rounds", option_rounds, 1, 10000, error)
      || !command_line_check ("--size", option_size, 0, 10000000, error)
      || !command_line_check ("--in-flight", option_in_flight, 0, 100000, error)
      || !command_line_check ("--rate", wanted.rate, 0, 10000000, error)
      || !command_line_check ("--connections", option_connections, 0, 10000, error))
    return FALSE;
  if ((gint64) option_callers * option_calls * option_rounds > 100000000)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "callers times calls times rounds is more than 100,000,000");
      return FALSE;
    }
  if (option_rich)
    option_size = -1;
  wanted.callers = (guint) option_callers;
  wanted.calls = (guint64) option_callers * (guint64) option_calls;
  wanted.rounds = (guint) option_rounds;
  wanted.in_flight = (guint) (option_in_flight > 0 ? option_in_flight : option_callers);
  wanted.connections = (guint) (option_connections > 0 ? option_connections : option_callers);
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
  g_autoptr (GPtrArray) modes = g_ptr_array_new_with_free_func ((GDestroyNotify) load_mode_free);
  g_auto (GStrv) names = dup_mode_names ();
  guint i;

  for (i = 0; names[i] != NULL; i++)
    {
      LoadMode *mode = load_mode_new (&wanted, names[i], error);

      if (mode == NULL)
        return NULL;
      g_ptr_array_add (modes, mode);
    }
  return g_steal_pointer (&modes);
}

/* What is measured, and where. */
static void
print_heading (void)
{
  g_autofree gchar *what = option_size < 0 ? g_strdup ("a rich struct of about 16 kB")
                                           : g_strdup_printf ("%d bytes", option_size);

  printf ("%s\n%d callers, each %d calls in each of %d rounds, %s\n", wanted.uri, option_callers,
          option_calls, option_rounds, what);
  if (wanted.rate > 0)
    printf ("%.0f calls begin per second; a call's time counts from when it was to begin\n",
            wanted.rate);
  printf ("%u cores%s\n", g_get_num_processors (),
          started_server != NULL ? ", client and server share them" : "");
  fflush (stdout);
}

static gboolean
write_json (GPtrArray *modes, GError **error)
{
  g_autoptr (GString) json = g_string_new ("{\n  \"uri\": ");

  load_json_append_string (json, wanted.uri);
  g_string_append_printf (json, ", \"calls_per_caller\": %d,\n", option_calls);
  if (option_size < 0)
    g_string_append (json, "  \"payload\": \"rich\",\n");
  else
    g_string_append_printf (json, "  \"payload\": \"text\", \"size\": %d,\n", option_size);
  load_json_append_results (json, &wanted, modes);
  g_string_append (json, "\n}\n");
  return g_file_set_contents (option_json, json->str, (gssize) json->len, error);
}

/* Measures, reports, and says whether every call got the right answer. */
static gboolean
compare (GPtrArray *modes, GError **error)
{
  const LoadWork work = compare_call (&option_size);
  const gboolean shows = isatty (STDERR_FILENO);
  guint64 failures = 0;
  guint i;

  if (!load_ask (&wanted, &work, error))
    return FALSE;
  load_catch_interrupt (&wanted);
  print_heading ();
  load_run (&wanted, &work, modes, shows ? show_progress : NULL, NULL);
  if (shows)
    fprintf (stderr, "\r\033[K");
  load_print (&wanted, modes);
  if (option_json != NULL
      && (!load_find_steps (&wanted, &work, modes, 20 * (guint64) wanted.callers, error)
          || !write_json (modes, error)))
    return FALSE;
  load_end_with_callers (&wanted, 0);
  for (i = 0; i < modes->len; i++)
    failures += ((const LoadMode *) g_ptr_array_index (modes, i))->failures;
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
      if (started_server == NULL)
        return FALSE;
      wanted.server_pid = compare_server_get_pid (started_server);
      return TRUE;
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
