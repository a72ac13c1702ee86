/* Owns `tally serve`: its options, and the server's life. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

#include "cli-commands.h"
#include "cli-stand-in.h"

typedef struct
{
  gchar **include_dirs;
  gchar *answers_path;
  gboolean is_strict;
  gboolean is_quiet;

  CliIdl *idl;
  CliAnswers *answers;
  CliStandIn *stand_in;
  TallyServer *server;
  GMainLoop *loop;
  GError *error; /* nullable: what serving came to */
} Serving;

static void
serving_clear (Serving *self)
{
  g_strfreev (self->include_dirs);
  g_free (self->answers_path);
  g_clear_object (&self->server);
  g_clear_object (&self->stand_in);
  g_clear_pointer (&self->answers, cli_answers_free);
  g_clear_pointer (&self->idl, cli_idl_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Serving, serving_clear)

static gboolean
prepare_serving (Serving *self, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "answers", 'a', 0, G_OPTION_ARG_FILENAME, &self->answers_path,
      "Answer as FILE says (-: standard input), each {\"method\": ..., \"result\": ...}", "FILE" },
    { "strict", 's', 0, G_OPTION_ARG_NONE, &self->is_strict,
      "Refuse calls for which the file has no answer", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->is_quiet, "Print no line for each request", NULL },
    { NULL },
  };

  if (!cli_parse_options (words, "FILE.thrift URI",
                          "Stands in for a server of any service, and answers as a file says.",
                          entries, error))
    return FALSE;
  if (g_strv_length (*words) != 3)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "there are two words: FILE.thrift URI");
      return FALSE;
    }
  self->idl = cli_idl_load ((*words)[1], (const gchar *const *) self->include_dirs, error);
  if (self->idl == NULL)
    return FALSE;
  self->answers = cli_answers_new (self->idl, self->answers_path, self->is_strict, error);
  if (self->answers == NULL)
    return FALSE;
  self->stand_in = cli_stand_in_new (self->answers, !self->is_quiet);
  self->server = tally_server_new (THRIFT_PROCESSOR (self->stand_in), (*words)[2], error);
  return self->server != NULL && tally_server_listen (self->server, error);
}

static gboolean
quit (gpointer user_data)
{
  g_main_loop_quit (((Serving *) user_data)->loop);
  return G_SOURCE_REMOVE;
}

static gpointer
serve_thread (gpointer user_data)
{
  Serving *self = user_data;

  if (!thrift_server_serve (THRIFT_SERVER (self->server), &self->error))
    g_idle_add (quit, self);
  return NULL;
}

/* Until a signal comes; a second one ends the process. */
static void
serve_until_signal (Serving *self)
{
  g_autofree gchar *uri = tally_server_dup_uri (self->server);
  GThread *thread;

  self->loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGINT, quit, self);
  g_unix_signal_add (SIGTERM, quit, self);
  printf ("listening on %s\n", uri);
  fflush (stdout);
  thread = g_thread_new ("serve", serve_thread, self);
  g_main_loop_run (self->loop);
  cli_stand_in_stop (self->stand_in);
  tally_server_stop (self->server);
  g_thread_join (thread);
}

CliStatus
cli_serve (gchar **words)
{
  g_auto (Serving) serving = { NULL };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;

  if (!prepare_serving (&serving, &rest, &error))
    return cli_complain (error);
  serve_until_signal (&serving);
  return serving.error != NULL ? cli_complain (serving.error) : CLI_OK;
}
