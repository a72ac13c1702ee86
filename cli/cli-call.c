/* Owns `tally call`: its options, the calls it makes, and what it prints of each. */
#include <stdio.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-base.h"
#include "cli-fill.h"
#include "cli-idl.h"
#include "cli-outcome.h"
#include "cli-watch.h"

typedef struct
{
  gchar **include_dirs;
  gchar **headers;
  gchar *multiplexed;
  gchar *calls;
  gint timeout;
  gint repeat;
  gboolean verbose;
} Options;

/* A call to make. */
typedef struct
{
  CliMethod method;
  gchar *name;
  gpointer args;
} Request;

typedef struct
{
  Options options;
  TallyChannel *channel;
  TallyHeaders *headers; /* nullable */
  CliIdl *idl;
  CliWatch *watch;
  GArray *requests; /* of Request */
  GArray *times;    /* of gint64: microseconds that calls took which were answered */
  guint n_made;
  CliStatus status; /* the worst so far */
} Run;

static void
clear_request (gpointer data)
{
  Request *request = data;

  cli_args_free (request->method.table, request->args);
  g_free (request->name);
}

static void
run_clear (Run *self)
{
  g_strfreev (self->options.include_dirs);
  g_strfreev (self->options.headers);
  g_free (self->options.multiplexed);
  g_free (self->options.calls);
  g_clear_object (&self->channel);
  g_clear_object (&self->watch);
  g_clear_pointer (&self->headers, tally_headers_unref);
  g_clear_pointer (&self->requests, g_array_unref);
  g_clear_pointer (&self->times, g_array_unref);
  g_clear_pointer (&self->idl, cli_idl_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* ---- what is to be called ---- */

static gboolean
add_request (Run *self, const gchar *name, const CliJson *args, const gchar *source, GError **error)
{
  Request request = { { NULL } };

  if (!cli_idl_find_method (self->idl, name, &request.method, error))
    return FALSE;
  request.args = cli_args_new (request.method.table, args, source, error);
  if (request.args == NULL)
    {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  request.name = g_strconcat (request.method.service->node.name, ".",
                              request.method.function->node.name, NULL);
  g_array_append_val (self->requests, request);
  return TRUE;
}

/* The arguments that the command line gives: JSON, "-" for standard input, @FILE, or nothing. */
static gboolean
add_given (Run *self, const gchar *name, const gchar *word, GError **error)
{
  g_auto (CliGiven) given = { NULL };
  g_autoptr (CliJson) json = NULL;

  if (!cli_given_read (&given, "arguments", word != NULL ? word : "{}", error))
    return FALSE;
  json = cli_json_parse (given.source, given.text, given.length, error);
  return json != NULL && add_request (self, name, json, given.source, error);
}

/* A CliUseJson, of {"method": "Service.method", "args": {…}}. */
static gboolean
add_listed (gpointer data, CliJson *json, const gchar *source, GError **error)
{
  static const gchar *const names[] = { "method", "args" };
  Run *self = data;
  g_autoptr (CliJson) call = json;
  const CliJson *method = cli_json_get (call, "method");
  const CliJson *args = cli_json_get (call, "args");
  g_autoptr (CliJson) nothing = NULL;

  if (method == NULL || method->kind != CLI_JSON_STRING)
    {
      g_set_error (
          error, CLI_INPUT_ERROR, 0,
          "%s:%u:%u: a call is written as {\"method\": \"Service.method\", \"args\": {...}}",
          source, call->line, call->column);
      return FALSE;
    }
  for (guint i = 0; i < call->names->len; i++)
    if (!g_str_equal (g_ptr_array_index (call->names, i), names[0])
        && !g_str_equal (g_ptr_array_index (call->names, i), names[1]))
      {
        g_set_error (error, CLI_INPUT_ERROR, 0,
                     "%s:%u:%u: a call has \"method\" and \"args\", and no \"%s\"", source,
                     call->line, call->column, (const gchar *) g_ptr_array_index (call->names, i));
        return FALSE;
      }
  if (args == NULL)
    args = nothing = cli_json_parse (source, "{}", 2, NULL);
  return add_request (self, method->text, args, source, error);
}

/* All calls are read before the first is made: where one is wrong nothing is sent. */
static gboolean
add_calls (Run *self, const gchar *path, GError **error)
{
  if (!cli_read_each (path, add_listed, self, error))
    return FALSE;
  if (self->requests->len > 0)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s has no call",
               g_str_equal (path, "-") ? "standard input" : path);
  return FALSE;
}

/* ---- the channel ---- */

static gboolean
open_channel (Run *self, const gchar *uri, GError **error)
{
  g_autofree gchar *whole = cli_make_uri (uri, self->options.multiplexed);

  self->channel = tally_channel_new (whole, error);
  if (self->channel == NULL)
    return FALSE;
  if (self->options.timeout > 0)
    g_object_set (tally_channel_get_pool (self->channel), "connect-timeout", self->options.timeout,
                  NULL);
  self->watch = cli_watch_new (self->options.verbose);
  tally_channel_add_interceptor (self->channel, TALLY_INTERCEPTOR (self->watch));
  return TRUE;
}

static gboolean
read_headers (Run *self, GError **error)
{
  if (self->options.headers == NULL)
    return TRUE;
  if (tally_endpoint_get_framing (tally_channel_get_endpoint (self->channel))
      != TALLY_FRAMING_HEADER)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "--header: headers travel by transport=header only; it belongs in the URI");
      return FALSE;
    }
  self->headers = tally_headers_new ();
  for (guint i = 0; self->options.headers[i] != NULL; i++)
    {
      const gchar *sign = strchr (self->options.headers[i], '=');
      g_autofree gchar *name = sign != NULL ? g_strndup (self->options.headers[i],
                                                         (gsize) (sign - self->options.headers[i]))
                                            : NULL;

      if (name == NULL || *name == '\0' || !tally_headers_set (self->headers, name, sign + 1))
        {
          g_set_error (error, CLI_INPUT_ERROR, 0,
                       "--header: \"%s\" is no NAME=VALUE that a message can have",
                       self->options.headers[i]);
          return FALSE;
        }
    }
  return TRUE;
}

/* ---- calling ---- */

static void
print_outcome (const Run *self, const Request *request, const CliOutcome *outcome)
{
  g_autofree gchar *text = self->options.calls != NULL
                               ? cli_outcome_to_line (outcome, request->name)
                               : cli_outcome_to_json (outcome);

  if (text != NULL)
    fputs (text, stdout);
  fflush (stdout);
}

static void
make_call (Run *self, const Request *request)
{
  const TallyCallOptions options = { .timeout = self->options.timeout, .headers = self->headers };
  g_auto (CliOutcome) outcome;
  gint64 time;

  cli_outcome_init (&outcome, &request->method);
  tally_channel_call_with (self->channel, request->method.table, request->args, outcome.results,
                           &options, &outcome.error);
  self->n_made++;
  if (self->options.verbose)
    cli_watch_print (self->watch, request->method.table);
  cli_outcome_judge (&outcome, cli_watch_get_outcome (self->watch));
  print_outcome (self, request, &outcome);
  cli_outcome_explain (&outcome, request->name);
  if (outcome.status > self->status)
    self->status = outcome.status;
  time = cli_watch_get_time (self->watch);
  if (outcome.status <= CLI_REFUSED)
    g_array_append_val (self->times, time);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return left < right ? -1 : left > right;
}

static void
print_times (const Run *self)
{
  const gint64 *times = (const gint64 *) self->times->data;
  const guint n_times = self->times->len;

  g_array_sort (self->times, compare_times);
  g_printerr ("%u calls, %u answered", self->n_made, n_times);
  if (n_times > 0)
    g_printerr ("; milliseconds: least %.3f, median %.3f, most %.3f", (gdouble) times[0] / 1000,
                (gdouble) times[n_times / 2] / 1000, (gdouble) times[n_times - 1] / 1000);
  g_printerr ("\n");
}

/* ---- the command line ---- */

static gboolean
check_words (const Run *self, gchar **words, guint n_words, GError **error)
{
  if (self->options.calls != NULL ? n_words != 3 : n_words < 4 || n_words > 5)
    g_set_error (
        error, CLI_INPUT_ERROR, 0,
        self->options.calls != NULL
            ? "with --calls there are two words: URI FILE.thrift"
            : "there are three words or four: URI FILE.thrift SERVICE.METHOD [JSON|-|@FILE]");
  else if (self->options.repeat < 1)
    g_set_error (error, CLI_INPUT_ERROR, 0, "--repeat: %d is less than 1", self->options.repeat);
  else if (self->options.timeout < 0)
    g_set_error (error, CLI_INPUT_ERROR, 0, "--timeout: %d is less than 0", self->options.timeout);
  else
    return TRUE;
  return FALSE;
}

static gboolean
prepare (Run *self, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->options.include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &self->options.headers,
      "Send a header (transport=header)", "NAME=VALUE" },
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->options.timeout,
      "Give each call so long; 0: as long as the URI says", "MS" },
    { "multiplexed", 'm', 0, G_OPTION_ARG_STRING, &self->options.multiplexed,
      "Call the service of that name on a multiplexed server", "NAME" },
    { "repeat", 'n', 0, G_OPTION_ARG_INT, &self->options.repeat,
      "Make each call N times, and tell how long they took", "N" },
    { "calls", 'c', 0, G_OPTION_ARG_FILENAME, &self->options.calls,
      "Make the calls in FILE (-: standard input), each {\"method\": ..., \"args\": ...}", "FILE" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->options.verbose,
      "Show the bytes sent and received, and what they say", NULL },
    { NULL },
  };
  guint n_words;

  if (!cli_parse_options (words, "URI FILE.thrift SERVICE.METHOD [JSON|-|@FILE]",
                          "Calls a method, with its arguments and its result as JSON.", entries,
                          error))
    return FALSE;
  n_words = g_strv_length (*words);
  if (!check_words (self, *words, n_words, error) || !open_channel (self, (*words)[1], error)
      || !read_headers (self, error))
    return FALSE;
  self->idl = cli_idl_load ((*words)[2], (const gchar *const *) self->options.include_dirs, error);
  if (self->idl == NULL)
    return FALSE;
  return self->options.calls != NULL
             ? add_calls (self, self->options.calls, error)
             : add_given (self, (*words)[3], n_words > 4 ? (*words)[4] : NULL, error);
}

CliStatus
cli_call (gchar **words)
{
  g_auto (Run) run = { .options = { .repeat = 1 } };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;

  run.requests = g_array_new (FALSE, TRUE, sizeof (Request));
  g_array_set_clear_func (run.requests, clear_request);
  run.times = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (!prepare (&run, &rest, &error))
    return cli_complain (error);
  for (guint i = 0; i < run.requests->len; i++)
    for (gint n = 0; n < run.options.repeat; n++)
      make_call (&run, &g_array_index (run.requests, Request, i));
  if (run.options.repeat > 1)
    print_times (&run);
  tally_pool_close (tally_channel_get_pool (run.channel));
  return run.status;
}
