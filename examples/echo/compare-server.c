/* Starts and stops the server that echo-compare measures against: a process of its own, so that
 * client and server share nothing but a connection. */
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "compare.h"

struct _CompareServer
{
  GSubprocess *process;
};

/* Runs in the child: it must not outlive us, however we end, and Ctrl-C is for us alone: what is
 * in flight then needs the server. */
static void
set_up_child (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  setpgid (0, 0);
}

/* The echo-server that was built along with this program. */
static gchar *
dup_server_path (GError **error)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", error);
  g_autofree gchar *directory = self != NULL ? g_path_get_dirname (self) : NULL;

  return directory != NULL ? g_build_filename (directory, "echo-server", NULL) : NULL;
}

/* Its first line says where it listens. */
static gchar *
read_uri (GSubprocess *process, GError **error)
{
  static const gchar prefix[] = "listening on ";
  g_autoptr (GDataInputStream) lines =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_autofree gchar *line = g_data_input_stream_read_line (lines, NULL, NULL, error);

  if (line != NULL && g_str_has_prefix (line, prefix))
    return g_strdup (line + strlen (prefix));
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "the echo-server did not start");
  return NULL;
}

CompareServer *
compare_server_start (const gchar *options, gchar **uri, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *path = dup_server_path (error);
  g_autofree gchar *listen_uri =
      g_strdup_printf ("tcp://127.0.0.1:0%s%s", *options != '\0' ? "?" : "", options);
  CompareServer *server;

  if (path == NULL)
    return NULL;
  g_subprocess_launcher_set_child_setup (launcher, set_up_child, NULL, NULL);
  process = g_subprocess_launcher_spawn (launcher, error, path, "--uri", listen_uri, NULL);
  if (process == NULL)
    return NULL;
  *uri = read_uri (process, error);
  if (*uri == NULL)
    {
      g_subprocess_force_exit (process);
      g_subprocess_wait (process, NULL, NULL);
      return NULL;
    }
  server = g_new0 (CompareServer, 1);
  server->process = g_steal_pointer (&process);
  return server;
}

gint
compare_server_get_pid (const CompareServer *server)
{
  const gchar *pid = g_subprocess_get_identifier (server->process);

  return pid != NULL ? atoi (pid) : 0;
}

gboolean
compare_server_stop (CompareServer *server, GError **error)
{
  gboolean ended_well;

  g_subprocess_send_signal (server->process, SIGTERM);
  ended_well = g_subprocess_wait_check (server->process, NULL, error);
  g_object_unref (server->process);
  g_free (server);
  return ended_well;
}
