/* echo-compare: the same calls in several modes, in turn, and what each mode came to. Owns the
 * command line and the order of things. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"

static CompareOptions options = { NULL, 8, 1000, 16, 3, 0 };
static gchar *option_protocol;
static gchar *option_transport;
static gchar *option_modes;
static gchar *option_json;
static gboolean option_rich;

static const GOptionEntry entries[] = {
  { "uri", 'u', 0, G_OPTION_ARG_STRING, &options.uri,
    "The server to call; without it, one is started on a free loopback port", "URI" },
  { "callers", 'c', 0, G_OPTION_ARG_INT, &options.callers, "Threads that call at once. Default: 8",
    "N" },
  { "calls", 'n', 0, G_OPTION_ARG_INT, &options.calls,
    "Calls of each caller in a round. Default: 1000", "N" },
  { "size", 's', 0, G_OPTION_ARG_INT, &options.size,
    "Bytes of the text that is echoed. Default: 16", "BYTES" },
  { "rich", 0, 0, G_OPTION_ARG_NONE, &option_rich,
    "Echo a rich struct of about 16 kB instead of a text", NULL },
  { "rounds", 'r', 0, G_OPTION_ARG_INT, &options.rounds,
    "Rounds; in each the modes take turns. Default: 3", "N" },
  { "connections", 0, 0, G_OPTION_ARG_INT, &options.connections,
    "Connections a pool may open. Default: as many as callers", "N" },
  { "protocol", 'p', 0, G_OPTION_ARG_STRING, &option_protocol, "binary or compact", "NAME" },
  { "transport", 't', 0, G_OPTION_ARG_STRING, &option_transport, "framed or buffered", "NAME" },
  { "modes", 'm', 0, G_OPTION_ARG_STRING, &option_modes, "Default: unpooled,pooled,shared",
    "NAME,…" },
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

  fprintf (stderr, "\r\033[Kround %d of %d, %s: %3.0f %%", progress->round + 1, options.rounds,
           progress->mode->name, share * 100);
  fflush (stderr);
}

static void
run_rounds (GPtrArray *modes)
{
  gboolean on_terminal = isatty (STDERR_FILENO);
  Progress progress;
  guint i;

  for (progress.round = 0; progress.round < options.rounds; progress.round++)
    for (i = 0; i < modes->len; i++)
      {
        progress.mode = g_ptr_array_index (modes, i);
        compare_run_round (&options, g_ptr_array_index (modes, i),
                           on_terminal ? show_progress : NULL, &progress);
      }
  if (on_terminal)
    fprintf (stderr, "\r\033[K");
}

static gboolean
parse (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- compare ways of calling the echo server");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (options.callers < 1 || options.calls < 1 || options.rounds < 1 || options.size < 0
      || options.connections < 0
      || (gint64) options.callers * options.calls * options.rounds > 100000000)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "callers, calls, rounds, size or connections make no sense");
      return FALSE;
    }
  if (option_rich)
    options.size = -1;
  if (options.connections == 0)
    options.connections = options.callers;
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

static GPtrArray *
make_modes (GError **error)
{
  g_autoptr (GPtrArray) modes = g_ptr_array_new_with_free_func ((GDestroyNotify) compare_mode_free);
  g_auto (GStrv) names =
      g_strsplit (option_modes != NULL ? option_modes : "unpooled,pooled,shared", ",", -1);
  guint i;

  for (i = 0; names[i] != NULL; i++)
    {
      CompareMode *mode = compare_mode_new (&options, names[i], error);

      if (mode == NULL)
        return NULL;
      g_ptr_array_add (modes, mode);
    }
  return g_steal_pointer (&modes);
}

/* Measures, reports, and says whether every call got the right answer. */
static gboolean
compare (GError **error)
{
  g_autoptr (GPtrArray) modes = make_modes (error);
  guint64 failures = 0;
  guint i;

  if (modes == NULL)
    return FALSE;
  run_rounds (modes);
  compare_print (&options, modes);
  if (option_json != NULL && !compare_write_json (&options, modes, option_json, error))
    return FALSE;
  for (i = 0; i < modes->len; i++)
    failures += ((const CompareMode *) g_ptr_array_index (modes, i))->failures;
  if (failures > 0)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%" G_GUINT64_FORMAT " calls failed",
                 failures);
  return failures == 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri_options = NULL;
  CompareServer *server = NULL;
  gboolean succeeded;

  if (!parse (&argc, &argv, &error))
    {
      g_printerr ("echo-compare: %s\n", error->message);
      return 2;
    }
  uri_options = dup_uri_options ();
  if (options.uri == NULL)
    server = compare_server_start (uri_options, &options.uri, &error);
  else if (*uri_options != '\0')
    {
      g_autofree gchar *bare = options.uri;

      options.uri = g_strconcat (bare, strchr (bare, '?') != NULL ? "&" : "?", uri_options, NULL);
    }
  succeeded = error == NULL && compare (&error);
  if (server != NULL && !compare_server_stop (server, succeeded ? &error : NULL))
    succeeded = FALSE;
  if (!succeeded)
    g_printerr ("echo-compare: %s\n", error->message);
  g_free (options.uri);
  return succeeded ? 0 : 1;
}
