/* Owns the peers' programs: which there are, how they are started, awaited and stopped. Knows nothing of
 * what they say. */
#include "peer-programs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 240000 /* milliseconds for one program */

const Peer tally = { "Tally", { PEER_TALLY }, "not built" };
const Peer glib = { "Apache C GLib", { PEER_GLIB }, "no thrift compiler" };
const Peer cpp = { "Apache C++", { PEER_CPP }, "no thrift compiler, or no C++ library for it" };
const Peer glib_ssl = { "Apache C GLib",
                        { PEER_GLIB_SSL },
                        "no thrift compiler, or no libssl-dev" };
const Peer cpp_ssl = { "Apache C++",
                       { PEER_CPP_SSL },
                       "no thrift compiler, or no C++ library for it, or no libssl-dev" };
const Peer python = { "Python",
                      { PEER_PYTHON, PEER_SCRIPT, PEER_GENERATED },
                      "no thrift module for Python" };

const Peer go = { "Go", { PEER_GO }, "no thrift compiler, or no Go with a library for it" };
const Peer java = { "Java",
                    { PEER_JAVA, "-cp", PEER_CLASSES, "Peer" },
                    "no thrift compiler, or no Java with a library for it" };

static gchar *directory; /* of sockets and captured output */

static void
on_child (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

gboolean
program_start_on (Program *program,
                  const Peer *peer,
                  const gchar *const *arguments,
                  const gchar *flags,
                  gint socket)
{
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  g_auto (GStrv) words = g_strsplit (flags, " ", -1);
  g_autoptr (GError) error = NULL;
  static guint number;
  gint pipes[2] = { -1, -1 };
  gint complaints;
  guint i;

  for (i = 0; peer->command[i] != NULL; i++)
    g_ptr_array_add (command, (gpointer) peer->command[i]);
  for (i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (command, (gpointer) arguments[i]);
  for (i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      g_ptr_array_add (command, words[i]);
  g_ptr_array_add (command, NULL);
  program->complaints = g_strdup_printf ("%s/complaints-%u", directory, number++);
  complaints = open (program->complaints, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (complaints < 0 || (socket < 0 && pipe2 (pipes, O_CLOEXEC) != 0))
    g_error ("no file for output: %s", g_strerror (errno));
  g_spawn_async_with_fds (NULL, (gchar **) command->pdata, NULL,
                          G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, on_child, NULL,
                          &program->pid, socket, socket >= 0 ? socket : pipes[1], complaints,
                          &error);
  if (socket < 0)
    close (pipes[1]);
  close (complaints);
  program->output = pipes[0];
  assert_no_error (error);
  return error == NULL;
}

gboolean
program_start (Program *program,
               const Peer *peer,
               const gchar *const *arguments,
               const gchar *flags)
{
  return program_start_on (program, peer, arguments, flags, -1);
}

void
program_forget (Program *program)
{
  if (program->output >= 0)
    close (program->output);
  g_unlink (program->complaints);
  g_free (program->complaints);
}

gchar *
program_finish (Program *program, const Peer *peer)
{
  struct pollfd ended = { .fd = syscall (SYS_pidfd_open, program->pid, 0), .events = POLLIN };
  gboolean late = poll (&ended, 1, PATIENCE) != 1;
  gint status;

  if (late)
    kill (program->pid, SIGKILL);
  waitpid (program->pid, &status, 0);
  close (ended.fd);
  if (late)
    return g_strdup_printf ("%s does not end", peer->name);
  if (WIFSIGNALED (status))
    return g_strdup_printf ("%s: signal %d", peer->name, WTERMSIG (status));
  return WEXITSTATUS (status) == 0
             ? NULL
             : g_strdup_printf ("%s: exit status %d", peer->name, WEXITSTATUS (status));
}

/* The last of what a program wrote to its standard error. */
static gchar *
dup_complaints (Program *program)
{
  g_autofree gchar *text = NULL;
  gsize length;

  if (!g_file_get_contents (program->complaints, &text, &length, NULL))
    return g_strdup ("");
  g_strdelimit (g_strstrip (text), "\n", ' ');
  length = strlen (text);
  return g_utf8_make_valid (length > 600 ? text + length - 600 : text, -1);
}

void
program_report (const gchar *wrong, Program *program)
{
  g_autofree gchar *complaints = dup_complaints (program);
  g_autofree gchar *text = g_strdup_printf ("%s: %s", wrong, complaints);

  CU_assertImplementation (CU_FALSE, __LINE__, text, __FILE__, "", CU_FALSE);
}

gchar *
program_read_address (Program *server)
{
  struct pollfd readable = { .fd = server->output, .events = POLLIN };
  g_autoptr (GString) line = g_string_new (NULL);
  gchar byte;

  while (poll (&readable, 1, PATIENCE) == 1 && read (server->output, &byte, 1) == 1)
    {
      if (byte == '\n')
        return g_strdup (line->str);
      g_string_append_c (line, byte);
    }
  return NULL;
}

void
program_stop_server (Program *server, const Peer *peer)
{
  g_autofree gchar *wrong = NULL;

  kill (server->pid, SIGTERM);
  wrong = program_finish (server, peer);
  /* Tally's server drains and ends well; the others die of the signal. */
  if (wrong != NULL && peer == &tally && !g_str_has_suffix (wrong, "signal 15"))
    program_report (wrong, server);
  program_forget (server);
}

void
peer_run_client (const Peer *peer,
                 const gchar *protocol,
                 const gchar *transport,
                 const gchar *address,
                 const gchar *flags)
{
  const gchar *arguments[] = { "client", protocol, transport, address, NULL };
  g_autofree gchar *wrong = NULL;
  Program client;

  if (!program_start (&client, peer, arguments, flags))
    return;
  wrong = program_finish (&client, peer);
  if (wrong != NULL)
    program_report (wrong, &client);
  else
    CU_PASS ();
  program_forget (&client);
}

gboolean
peer_is_there (const Peer *peer)
{
  if (*peer->command[0] != '\0')
    return TRUE;
  test_skip (peer->missing);
  return FALSE;
}

void
peer_run_case (const Peer *client,
               const gchar *client_flags,
               const Peer *server,
               const gchar *server_flags,
               const gchar *protocol,
               const gchar *transport,
               const gchar *wire)
{
  g_autofree gchar *path = g_strdup_printf ("%s/socket", directory);
  g_autofree gchar *place = g_str_equal (wire, "local") ? g_strconcat ("unix:", path, NULL)
                                                        : g_strdup_printf ("%s:0", wire);
  const gchar *arguments[] = { "server", protocol, transport, place, NULL };
  g_autofree gchar *address = NULL;
  Program running;

  if (!peer_is_there (client) || !peer_is_there (server)
      || !program_start (&running, server, arguments, server_flags))
    return;
  address = program_read_address (&running);
  if (address != NULL)
    peer_run_client (client, protocol, transport, address, client_flags);
  else
    program_report ("the server does not listen", &running);
  program_stop_server (&running, server);
  g_unlink (path);
}

const gchar *
programs_get_directory (void)
{
  return directory;
}

int
programs_main (const gchar *suite, const TestCase *cases, int argc, char **argv)
{
  int status;

  directory = g_dir_make_tmp ("tally-interop-XXXXXX", NULL);
  if (directory == NULL)
    g_error ("no temporary directory");
  status = test_main (suite, cases, argc, argv);
  g_rmdir (directory);
  g_clear_pointer (&directory, g_free);
  return status;
}
