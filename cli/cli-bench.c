/* Owns `tally bench`: its options, the order of things, what it says meanwhile. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-base.h"
#include "cli-bench.h"
#include "cli-outcome.h"
#include "cli-report.h"
#include "replace.h"

/* Calls for which it is looked where their time goes; as many again as a caller makes. */
#define WATCHED_CALLS 200

typedef struct
{
  gchar **include_dirs;
  gchar *multiplexed;
  gchar *modes;
  gchar *expect;
  gchar *json;
  gchar *report;
  gchar *name;
  gchar *max_errors;
  gchar *method; /* "Service.method" */
  gchar *file;   /* the IDL */
  gint callers, rounds, connections, in_flight, warm_up, timeout, server_pid;
  gint64 calls;
  gdouble duration_s;
  gdouble rate;
  gboolean is_quiet;
  LoadOptions load;
  CliIdl *idl;
  CliBenchCall call;
  CliBenchLimits limits;
  GPtrArray *running; /* of LoadMode */
} Bench;

static void
bench_clear (Bench *self)
{
  g_strfreev (self->include_dirs);
  g_free (self->multiplexed);
  g_free (self->modes);
  g_free (self->expect);
  g_free (self->json);
  g_free (self->report);
  g_free (self->name);
  g_free (self->max_errors);
  g_free (self->method);
  g_free (self->file);
  g_free (self->load.uri);
  cli_given_clear (&self->call.args);
  cli_given_clear (&self->call.expect);
  g_clear_pointer (&self->running, g_ptr_array_unref);
  g_clear_pointer (&self->idl, cli_idl_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/* ---- the command line ---- */

static gboolean
check_server (const Bench *self, GError **error)
{
  if (self->server_pid == 0 || kill (self->server_pid, 0) == 0 || errno != ESRCH)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "--server-pid: there is no process %d", self->server_pid);
  return FALSE;
}

static gboolean
check_numbers (const Bench *self, GError **error)
{
  return cli_check_number ("--callers", self->callers, 1, 10000, error)
         && cli_check_number ("--calls", (gdouble) self->calls, 0, 1e12, error)
         && cli_check_number ("--duration", self->duration_s, 0, 1e6, error)
         && cli_check_number ("--rounds", self->rounds, 1, 10000, error)
         && cli_check_number ("--warm-up", self->warm_up, 0, 1e9, error)
         && cli_check_number ("--connections", self->connections, 0, 10000, error)
         && cli_check_number ("--in-flight", self->in_flight, 0, 100000, error)
         && cli_check_number ("--rate", self->rate, 0, 1e7, error)
         && cli_check_number ("--timeout", self->timeout, 0, G_MAXINT, error)
         && cli_check_number ("--server-pid", self->server_pid, 0, G_MAXINT, error)
         && (self->limits.max_p99_ms == G_MAXDOUBLE
             || cli_check_number ("--max-p99", self->limits.max_p99_ms, 0, 1e9, error))
         && check_server (self, error);
}

/* So that nothing is measured in vain. @path: (nullable) */
static gboolean
check_place (const gchar *option, const gchar *path, GError **error)
{
  g_autofree gchar *directory = path != NULL ? g_path_get_dirname (path) : NULL;

  if (path == NULL)
    return TRUE;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    errno = EISDIR;
  else if (access (g_file_test (path, G_FILE_TEST_EXISTS) ? path : directory, W_OK) == 0)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s: %s cannot be written: %s", option, path,
               g_strerror (errno));
  return FALSE;
}

static void
set_load (Bench *self, const gchar *uri)
{
  LoadOptions *load = &self->load;

  load->uri = cli_make_uri (uri, self->multiplexed);
  load->callers = (guint) self->callers;
  load->calls = (guint64) self->calls;
  load->duration_ns = (guint64) (self->duration_s * 1e9);
  if (load->calls == 0 && load->duration_ns == 0)
    load->duration_ns = G_GUINT64_CONSTANT (1000000000);
  load->warm_up = (guint64) self->warm_up;
  load->rounds = (guint) self->rounds;
  load->connections = (guint) (self->connections > 0 ? self->connections : self->callers);
  load->in_flight = (guint) (self->in_flight > 0 ? self->in_flight : self->callers);
  load->rate = self->rate;
  load->server_pid = self->server_pid;
}

/* "async" is "async-pooled". */
static gboolean
make_modes (Bench *self, GError **error)
{
  const gchar *given = self->modes != NULL ? self->modes : "unpooled,pooled,shared";
  g_auto (GStrv) names = g_strsplit (given, ",", -1);

  self->running = g_ptr_array_new_with_free_func ((GDestroyNotify) load_mode_free);
  for (guint i = 0; names[i] != NULL; i++)
    {
      const gchar *name = g_str_equal (names[i], "async") ? "async-pooled" : names[i];
      LoadMode *mode;

      if (!load_mode_is_known (name))
        {
          g_set_error (error, CLI_INPUT_ERROR, 0,
                       "--modes: \"%s\" is none of unpooled, pooled, shared, and with \"async-\" "
                       "before them",
                       names[i]);
          return FALSE;
        }
      mode = load_mode_new (&self->load, name, error);
      if (mode == NULL)
        return FALSE;
      g_ptr_array_add (self->running, mode);
    }
  if (self->running->len > 0)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "--modes names no mode");
  return FALSE;
}

static gboolean
find_call (Bench *self, gchar **words, GError **error)
{
  self->file = g_strdup (words[2]);
  self->idl = cli_idl_load (words[2], (const gchar *const *) self->include_dirs, error);
  if (self->idl == NULL || !cli_idl_find_method (self->idl, words[3], &self->call.method, error)
      || !cli_given_read (&self->call.args, "arguments", words[4] != NULL ? words[4] : "{}", error))
    return FALSE;
  self->method = g_strconcat (self->call.method.service->node.name, ".",
                              self->call.method.function->node.name, NULL);
  self->call.timeout = self->timeout;
  return (self->expect == NULL
          || cli_given_read (&self->call.expect, "--expect", self->expect, error))
         && cli_bench_call_check (&self->call, error);
}

static gboolean
parse_bench (Bench *self, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "modes", 'M', 0, G_OPTION_ARG_STRING, &self->modes,
      "Of unpooled, pooled, shared, async-… (default: the first three)", "MODE,..." },
    { "callers", 'c', 0, G_OPTION_ARG_INT, &self->callers, "Threads that call (default: 8)", "N" },
    { "calls", 'n', 0, G_OPTION_ARG_INT64, &self->calls, "Calls of a round, of all callers", "N" },
    { "duration", 'd', 0, G_OPTION_ARG_DOUBLE, &self->duration_s, "Or its time (default: 1)",
      "SECONDS" },
    { "rounds", 'r', 0, G_OPTION_ARG_INT, &self->rounds, "Rounds of each mode (default: 3)", "N" },
    { "warm-up", 'w', 0, G_OPTION_ARG_INT, &self->warm_up, "Calls that do not count (default: 100)",
      "N" },
    { "rate", 'R', 0, G_OPTION_ARG_DOUBLE, &self->rate,
      "Calls that begin per second, whatever became of others", "N" },
    { "connections", 0, 0, G_OPTION_ARG_INT, &self->connections,
      "Of a pool, at most (default: as many as callers)", "N" },
    { "in-flight", 0, 0, G_OPTION_ARG_INT, &self->in_flight,
      "Calls under way in async-… (default: as callers)", "N" },
    { "expect", 'e', 0, G_OPTION_ARG_STRING, &self->expect, "Compare results with that",
      "JSON|@FILE" },
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->timeout, "Of each call", "MS" },
    { "multiplexed", 'm', 0, G_OPTION_ARG_STRING, &self->multiplexed,
      "Service of a multiplexed server", "NAME" },
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->include_dirs,
      "Where to look for included files", "DIR" },
    { "server-pid", 0, 0, G_OPTION_ARG_INT, &self->server_pid, "Charge that process's CPU time",
      "PID" },
    { "json", 'j', 0, G_OPTION_ARG_FILENAME, &self->json, "Write what was measured there", "FILE" },
    { "report", 0, 0, G_OPTION_ARG_FILENAME, &self->report, "Write a page that shows it there",
      "FILE.html" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &self->name, "What a report calls it", "NAME" },
    { "max-p99", 0, 0, G_OPTION_ARG_DOUBLE, &self->limits.max_p99_ms, "Exit 1 where p99 is more",
      "MS" },
    { "max-errors", 0, 0, G_OPTION_ARG_STRING, &self->max_errors, "Exit 1 past N (default: 0)",
      "N|SHARE%" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->is_quiet, "No progress", NULL },
    { NULL },
  };
  guint n_words;

  if (!cli_parse_options (words, "URI FILE.thrift SERVICE.METHOD [JSON|-|@FILE]",
                          "Measures a method: the same calls in several modes.", entries, error)
      || !check_numbers (self, error))
    return FALSE;
  n_words = g_strv_length (*words);
  if (n_words < 4 || n_words > 5)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "there are three words or four: URI FILE.thrift SERVICE.METHOD [JSON|-|@FILE]");
      return FALSE;
    }
  set_load (self, (*words)[1]);
  return cli_bench_limits_parse_errors (&self->limits,
                                        self->max_errors != NULL ? self->max_errors : "0", error)
         && make_modes (self, error) && find_call (self, *words, error)
         && check_place ("--json", self->json, error)
         && check_place ("--report", self->report, error);
}

/* ---- what it says ---- */

static void
print_heading (const Bench *self)
{
  const LoadOptions *load = &self->load;
  g_autoptr (GString) long_ = g_string_new (NULL);

  if (load->calls > 0)
    g_string_append_printf (long_, "%" G_GUINT64_FORMAT " calls", load->calls);
  if (load->duration_ns > 0)
    g_string_append_printf (long_, "%s%g s", load->calls > 0 ? ", at most " : "",
                            (gdouble) load->duration_ns / 1e9);
  printf ("%s at %s\n%u callers; in each mode %u rounds of %s, after %" G_GUINT64_FORMAT
          " calls to warm up\n",
          self->method, load->uri, load->callers, load->rounds, long_->str, load->warm_up);
  if (load->rate > 0)
    printf ("%g calls begin per second; a call's time counts from when it was to begin\n",
            load->rate);
  printf ("%u cores\n", g_get_num_processors ());
  fflush (stdout);
}

static void
show_progress (const LoadProgress *progress, gpointer user_data)
{
  const Bench *self = user_data;
  const LoadSample *last = progress->last;

  fprintf (stderr,
           "\r\033[K%s %u/%u %3.0f %%: %.0f calls/s, p50 %.1f us, p99 %.1f us, %" G_GUINT64_FORMAT
           " errors",
           progress->mode->name, progress->round + 1, self->load.rounds, progress->share * 100,
           (gdouble) last->calls / last->length_s, (gdouble) last->p50_ns / 1e3,
           (gdouble) last->p99_ns / 1e3, progress->failures);
  fflush (stderr);
}

static gchar *
make_json (const Bench *self)
{
  GString *json = g_string_new ("{\n  \"format\": \"tally-bench-1\", \"tally\": ");

  load_json_append_string (json, TALLY_VERSION);
  if (self->name != NULL)
    {
      g_string_append (json, ", \"name\": ");
      load_json_append_string (json, self->name);
    }
  g_string_append (json, ",\n  \"method\": ");
  load_json_append_string (json, self->method);
  g_string_append (json, ", \"uri\": ");
  load_json_append_string (json, self->load.uri);
  g_string_append (json, ", \"idl\": ");
  load_json_append_string (json, self->file);
  g_string_append (json, ",\n  \"arguments\": ");
  load_json_append_string (json, self->call.args.text);
  g_string_append_printf (json, ", \"results_compared\": %s,\n",
                          self->call.expect.text != NULL ? "true" : "false");
  load_json_append_results (json, &self->load, self->running);
  g_string_append (json, "\n}\n");
  return g_string_free (json, FALSE);
}

/* ---- measuring ---- */

/* The first call, which is not measured: where it fails, and calls may not, there is nothing to measure. */
static CliStatus
ask_first (const Bench *self, const LoadWork *work)
{
  g_autoptr (GError) error = NULL;

  if (load_ask (&self->load, work, &error) || self->limits.max_errors > 0)
    return CLI_OK;
  g_printerr ("tally: the first call failed, so that nothing is measured: %s\n", error->message);
  return g_str_has_suffix (error->message, "; nothing was sent") ? CLI_UNSENT : CLI_FAILED;
}

static CliStatus
judge_bench (const Bench *self)
{
  g_autofree gchar *said = cli_bench_limits_judge (&self->limits, self->running);
  g_auto (GStrv) lines = g_strsplit (said, "\n", -1);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    g_printerr ("tally: %s\n", lines[i]);
  return *said != '\0' ? CLI_PAST_LIMIT : CLI_OK;
}

static CliStatus
run_bench (Bench *self, GError **error)
{
  const LoadWork work = cli_bench_call_get_work (&self->call);
  const gboolean shows = !self->is_quiet && isatty (STDERR_FILENO);
  const guint64 watched_calls = MAX (WATCHED_CALLS, 20 * (guint64) self->load.callers);
  CliStatus status = ask_first (self, &work);
  g_autofree gchar *json = NULL;

  if (status != CLI_OK)
    return status;
  load_catch_interrupt (&self->load);
  print_heading (self);
  load_run (&self->load, &work, self->running, shows ? show_progress : NULL, self);
  if (shows)
    fprintf (stderr, "\r\033[K");
  if ((self->json != NULL || self->report != NULL)
      && !load_find_steps (&self->load, &work, self->running, watched_calls, error))
    return CLI_MISTAKE;
  load_print (&self->load, self->running);
  json = make_json (self);
  if ((self->json != NULL && !idl_replace_file (self->json, json, strlen (json), error))
      || (self->report != NULL
          && !cli_report_write (self->report, self->method, json, strlen (json), error)))
    return CLI_FAILED;
  return judge_bench (self);
}

CliStatus
cli_bench (gchar **words)
{
  g_auto (Bench) bench = {
    .callers = 8, .rounds = 3, .warm_up = 100, .limits = { .max_p99_ms = G_MAXDOUBLE }
  };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;
  CliStatus status;

  if (!parse_bench (&bench, &rest, &error))
    return cli_complain (error);
  status = run_bench (&bench, &error);
  if (error != NULL)
    cli_complain (error);
  load_end_with_callers (&bench.load, status);
  return status;
}
